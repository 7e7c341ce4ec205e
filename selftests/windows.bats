#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# A crash or a cut in each window that matters, which a fault point holds open. Whatever was acknowledged is there after it;
# what was not is there or not, but the same on all copies.
#
# All nodes of v are on hosts of their own. The crash of an initiator is a cut of all of its links, and then a stop by force:
# nothing of it reaches a medium after the cut, not even a good-bye.
load helpers
load volumes
load recovery
load members
load peers

# blank: what a region holds at first. $old: what is acknowledged before the window; $new: what is under way in it
files() {
	blank=$BATS_TEST_TMPDIR/blank
	truncate -s 1M "$blank"
	patterns 1
}
# writing FILE MEGABYTE: put in the background, $writer; it can be killed at the end of the test, whatever holds it
writing() {
	background put "$1" /dev/dst/v "$2"
	writer=$background
	defer let_go
}
# putting FILE MEGABYTE: put again and again, in the background, until put_no_more
putting() {
	until [ -e "$BATS_TEST_TMPDIR/enough" ]; do put "$1" /dev/dst/v "$2"; done
}
put_no_more() {
	: > "$BATS_TEST_TMPDIR/enough"
	retry 20 not kill -0 "$putter" 2> /dev/null
}
# waits: the write that is under way is not acknowledged, although it would have been by now
waits() {
	sleep 1
	kill -0 "$writer" || { echo "the write was acknowledged"; return 1; }
}
crash() {
	local n stopping
	for n in "${!where[@]}"; do cut_host "$n"; done
	dstctl volume stop v --force 3>&- 4>&- &
	stopping=$!
	let_go
	wait $stopping
	for n in "${!where[@]}"; do heal_host "$n"; done
}
# back [OPTION...]: v is assembled from all of its nodes
back() { again v --takeover --grace 1 "$@" "${where[@]}"; }
# alone N: v is assembled from node N only, which is all that there is
alone() {
	local n
	for n in "${!where[@]}"; do [ "$n" = "$1" ] || unexport_host "$n"; done
	back --degraded
}
# all_equal: v is stopped, and its copies are the same
all_equal() {
	local n
	stop v
	for n in "${!where[@]}"; do same_bytes /dev/d0 "/dev/d$n" "$(data_bytes /dev/d0)" || return; done
}
# settled MEGABYTE FILE...: reads there are always the same one of these files, now and when all is in sync, and on all copies
settled() {
	local at=$1 file found
	shift
	for file; do ! got "$file" /dev/dst/v "$at" > /dev/null || found=$file; done
	[ "$found" ] || { echo "neither old nor new at $at MiB"; return 1; }
	for _ in 1 2 3; do got "$found" /dev/dst/v "$at" || return; done
	in_sync v && quiet v && got "$found" /dev/dst/v "$at" && all_equal && got "$found" /dev/d0 "$at"
}
in_sync_says() { "$superdump" "/dev/d$1" | jq ".super.nodes[$2].in_sync"; }
# marked N REGION: the bitmap of node N has it
marked() { "$superdump" --bitmap "/dev/d$1" | awk -F- -v n="$2" 'n >= $1 && n <= ($2 == "" ? $1 : $2) { ok = 1 } END { exit !ok }'; }

# ---- intent, data

# Feared: data reaches a copy before the mark is on all of them. After the crash nobody would compare that region.
@test "a crash between the mark of a region and its data: marked on every copy, data on none" {
	mirrored 3 16
	# A new volume's regions are all marked, until they have been compared.
	quiet v
	files
	put "$old" /dev/dst/v 5
	window intent_ms
	writing "$new" 3
	in_window
	waits
	local n
	for n in 0 1 2; do
		marked $n 3
		got "$blank" /dev/d$n 3
	done
	crash
	back
	got "$old" /dev/dst/v 5
	settled 3 "$blank" "$new"
	got "$old" /dev/d2 5
}

# Feared: the copies stay different, or reads of the region go now to one, now to the other, before they are the same (R3).
data_on_one() {
	mirrored 2 16
	files
	put "$old" /dev/dst/v 5
	fault hold_legs "$1"
	# A region before it that is marked for certain: resync is held there, with this one still to be made the same.
	writing "$old" 7
	writing "$new" 9
	retry 20 got "$new" "/dev/d$2" 9 > /dev/null
	waits
	got "$blank" "/dev/d$3" 9
	crash
	echo $((60000 * DST_SLOW)) > /sys/kernel/debug/dst/first_region_ms
	defer eval 'echo 0 > /sys/kernel/debug/dst/first_region_ms'
	back
	defer let_go
	in_window
	got "$new" "/dev/d$2" 9
	got "$blank" "/dev/d$3" 9
	local first=$BATS_TEST_TMPDIR/first
	dd if=/dev/dst/v of="$first" bs=1M skip=9 count=1 iflag=direct status=none
	for _ in {1..12}; do got "$first" /dev/dst/v 9; done
	let_go
	settled 9 "$first"
	got "$old" /dev/d0 5
}

@test "a crash with data on the first copy only: the same on both, and never in between" { data_on_one 2 0 1; }
@test "a crash with data on the second copy only: the same on both, and never in between" { data_on_one 1 1 0; }

# ---- age

# without_one POINT: node 1 is gone and out, the age that says so is in window POINT, and a write has reached node 0
without_one() {
	mirrored 2 16 --grace 1
	files
	put "$old" /dev/dst/v 5
	window "$1"
	cut_host 1
	in_window
	# Its region is marked already: that could not be written now.
	writing "$new" 5
	retry 20 got "$new" /dev/d0 5 > /dev/null
	waits
}

# Feared: the write is acknowledged, and after the crash node 1, by its age in sync, serves what was there before.
@test "a crash before a new age is written: nothing was acknowledged, the node that was to go out is good" {
	without_one age_before_ms
	equal "in sync, says node 0" "$(in_sync_says 0 1)" true
	crash
	alone 1
	got "$old" /dev/dst/v 5
	# What node 0 has more than the other must go.
	export_host 0
	settled 5 "$old"
}

@test "a crash before a new age is written, then both are there: either, on both" {
	without_one age_before_ms
	crash
	back
	settled 5 "$old" "$new"
}

# Feared: as soon as it is written, or earlier, the write is acknowledged, but the quorum was not there.
@test "a crash after a new age was written, before anybody goes by it: either, on both" {
	without_one age_after_ms
	equal "in sync, says node 0" "$(in_sync_says 0 1)" false
	crash
	back
	settled 5 "$old" "$new"
}

# Feared: node 1 is believed, and what was acknowledged without it is gone.
@test "a write that waits for a new age ends when that is written, and outlives a crash" {
	without_one age_before_ms
	let_go
	wait "$writer"
	equal "in sync, says node 0" "$(in_sync_says 0 1)" false
	crash
	back
	settled 5 "$new"
}

# Feared: the second copy, which the write is still on its way to, is the first one in the record when the first has failed: after
# a crash it is believed.
@test "a write that two of three copies have is not lost with the first of them and a crash: who is in sync is recorded when all have it" {
	local name
	policies mirror
	for name in a b c d; do disk $name 16 > /dev/null; done
	dm_linear flaw /dev/a > /dev/null
	volume v --policy mirror --param acks=2 --grace 1 /dev/mapper/flaw /dev/b /dev/c --witness /dev/d
	patterns 1
	put "$old" /dev/dst/v 3
	retry 20 eval '[ "$("$superdump" /dev/a | jq .super.early)" = true ]'
	quiet v
	fault hold_legs 2
	put "$new" /dev/dst/v 3
	dm_fail flaw
	background dd if="$new" of=/dev/dst/v bs=64k count=1 seek=128 oflag=direct conv=notrunc status=none
	retry 20 node_is v 0 state failed
	sleep 2
	dstctl volume stop v --force
	dm_heal flaw /dev/a
	got "$old" /dev/b 3
	refused "only node 0 has all that was acknowledged" dstctl volume assemble v /dev/b /dev/c /dev/d
	again v /dev/mapper/flaw /dev/b /dev/c /dev/d
	got "$new" /dev/dst/v 3
	in_sync v
	quiet v
	stop v
	got "$new" /dev/b 3
	got "$new" /dev/c 3
}

# Feared: it is the copy that is believed where writes are acknowledged early.
@test "an old copy of the first node is not believed after a crash, either" {
	mirrored 2 16 --param acks=1
	files
	put "$old" /dev/dst/v 5
	retry 20 eval '[ "$("$superdump" /dev/d0 | jq .super.early)" = true ]'
	stop v
	dd if=/dev/d0 of="$BATS_TEST_TMPDIR/copy" bs=1M iflag=direct status=none
	again v "${where[@]}"
	put "$new" /dev/dst/v 5
	quiet v
	crash
	dd if="$BATS_TEST_TMPDIR/copy" of=/dev/d0 bs=1M oflag=direct conv=notrunc status=none
	back
	settled 5 "$new"
}

age() { "$superdump" "$1" | jq .super.age.seq; }
# only_first: w is the witness of v, whose three copies are on hosts; the first alone has $new at 5 MiB, which is acknowledged, and
# is lost. x is another disk.
only_first() {
	policies mirror
	hosts 3 16
	disk w 16 > /dev/null
	disk x 16 > /dev/null
	volume v --policy mirror --param acks=1 --grace 60 "${where[@]}" --witness /dev/w
	in_sync v
	files
	put "$old" /dev/dst/v 5
	retry 20 eval '[ "$("$superdump" /dev/d0 | jq .super.early)" = true ]'
	quiet v
	fault hold_legs 6
	defer let_go
	put "$new" /dev/dst/v 5
	cut_host 0
	retry 20 state_is 0 lost
}

# Feared: a record of something else gives all others a new age; the first copy, which only was lost for a moment, is taken for an
# old copy of what it was, and overwritten.
@test "while who alone has a write is lost nobody gets a new age, and a crash then loses nothing" {
	only_first
	refused "only node 0 has all that was acknowledged, and it is lost" dstctl node replace v 3 /dev/x
	equal age "$(age /dev/d1)" "$(age /dev/d0)"
	equal "age of the witness" "$(age /dev/w)" "$(age /dev/d0)"
	crash
	got "$old" /dev/d1 5
	refused "only node 0 has all that was acknowledged" dstctl volume assemble v --takeover "${where[@]:1}" /dev/w
	again v --takeover --grace 1 "${where[@]}" /dev/w
	settled 5 "$new"
}

@test "when who alone has a write is back, another node gets its new medium" {
	only_first
	refused "only node 0 has all that was acknowledged, and it is lost" dstctl node replace v 3 /dev/x
	heal_host 0
	retry 20 state_is 0 up
	dstctl node replace v 3 /dev/x
	retry 20 state_is 3 up
	let_go
	retry 20 eval '[ "$(age /dev/x)" = "$(age /dev/d2)" ]'
	settled 5 "$new"
}

# Feared: a crash in between, and who has it is an old copy.
@test "who alone may have a write gets a new age before anybody else" {
	local name before replacing
	requires module dm_delay
	policies mirror
	for name in a b w x; do disk $name 16 > /dev/null; done
	dm_delay slow /dev/a 0 > /dev/null
	volume v --policy mirror --param acks=1 /dev/mapper/slow /dev/b --witness /dev/w
	patterns 1
	put "$old" /dev/dst/v 5
	retry 20 eval '[ "$("$superdump" /dev/b | jq .super.early)" = true ]'
	quiet v
	before=$(age /dev/b)
	dm_table slow "0 $(sectors /dev/a) delay /dev/a 0 0 /dev/a 0 600000"
	defer dm_heal slow /dev/a
	background dstctl node replace v 2 /dev/x
	replacing=$background
	retry 20 slowed
	equal "age of the second" "$(age /dev/b)" "$before"
	dm_heal slow /dev/a
	wait "$replacing"
	[ "$(age /dev/a)" -gt "$before" ]
	equal "age of the second" "$(age /dev/b)" "$(age /dev/a)"
}

# Feared: nobody who is believed has it, and the flush says that all is well (R7).
@test "a write that was acknowledged early and fails on the copy that is left is lost: the next flush says so" {
	policies mirror
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	dm_linear flaw /dev/b > /dev/null
	volume v --policy mirror --param acks=1 /dev/a /dev/mapper/flaw
	files
	put "$old" /dev/dst/v 5
	retry 20 eval '[ "$("$superdump" /dev/a | jq .super.early)" = true ]'
	quiet v
	fault hold_legs 2
	defer let_go
	put "$new" /dev/dst/v 5
	dst node suspend v 0
	dm_hole flaw /dev/b $((5 << 11)) 2048
	let_go
	not flushed
	dm_heal flaw /dev/b
	flushed
	got "$old" /dev/dst/v 5
	dst node resume v 0
	in_sync v
	got "$old" /dev/dst/v 5
	stopped_equal /dev/a /dev/b
}

# Feared: each waits for another one, for good.
@test "one copy after the other is lost, each when others are waited for: those that are back go on" {
	mirrored 3 16 --param acks=1 --grace $((6 * DST_SLOW))
	files
	put "$old" /dev/dst/v 5
	retry 20 eval '[ "$("$superdump" /dev/d0 | jq .super.early)" = true ]'
	cut_host 0
	background put "$new" /dev/dst/v 5
	local writers=("$background")
	retry 20 state_is 0 lost
	sleep $((2 * DST_SLOW))
	cut_host 1
	background put "$new" /dev/dst/v 7
	writers+=("$background")
	retry 20 state_is 1 lost
	retry 20 state_is 0 away
	# What is written now is held, and would not find out.
	cut_host 2
	kill_connections init 7700
	background put "$new" /dev/dst/v 9
	writers+=("$background")
	retry 20 state_is 2 lost
	sleep $((4 * DST_SLOW))
	state_is 1 lost
	heal_host 2
	heal_host 0
	retry 30 state_is 2 up
	wait "${writers[@]}"
	state_is 1 away
	heal_host 1
	got "$new" /dev/dst/v 9
	settled 5 "$new"
}

# Feared: what the record says of its age is what the others have, and after the second crash it is an old copy of itself.
@test "two crashes in a row before the only copy in sync has the new age: it is believed" {
	local name n
	policies mirror
	for name in a b w; do disk $name 16 > /dev/null; done
	volume v --policy mirror /dev/a /dev/b --witness /dev/w
	in_sync v
	patterns 1
	dstctl node suspend v 1
	put "$new" /dev/dst/v 5
	stop v
	dd if=/dev/a of="$BATS_TEST_TMPDIR/before" bs=1M skip=15 iflag=direct status=none
	for n in 1 2 3; do
		again v /dev/a /dev/w
		got "$new" /dev/dst/v 5
		dstctl volume stop v --force
		dd if="$BATS_TEST_TMPDIR/before" of=/dev/a bs=1M seek=15 oflag=direct conv=notrunc status=none
	done
	again v /dev/a /dev/b /dev/w
	in_sync v
	stop v
	got "$new" /dev/b 5
}

# And when all have it, it is recorded at once: nothing waits for long.
@test "when all copies have what was acknowledged early, a node that has failed is recorded" {
	local name
	policies mirror
	for name in a b c d; do disk $name 16 > /dev/null; done
	dm_linear flaw /dev/a > /dev/null
	volume v --policy mirror --param acks=2 --grace 1 /dev/mapper/flaw /dev/b /dev/c --witness /dev/d
	patterns 1
	put "$old" /dev/dst/v 3
	retry 20 eval '[ "$("$superdump" /dev/a | jq .super.early)" = true ]'
	fault hold_legs 2
	put "$new" /dev/dst/v 3
	dm_fail flaw
	background dd if="$new" of=/dev/dst/v bs=64k count=1 seek=128 oflag=direct conv=notrunc status=none
	retry 20 node_is v 0 state failed
	fault hold_legs 0
	retry 10 not kill -0 "$background" 2> /dev/null
	retry 5 node_is v 0 in_sync false
	dstctl volume stop v --force
	again v /dev/b /dev/c /dev/d
	got "$new" /dev/dst/v 3
}

# Feared: what is on one copy that counts is acknowledged although two were asked for, for one that is being synced has it, too.
@test "a node that still lacks a region does not count as a copy of what is written there" {
	local name
	policies mirror
	for name in a b c d; do disk $name 16 > /dev/null; done
	dm_linear flaw /dev/c > /dev/null
	volume v --policy mirror --param acks=2 --grace 1 /dev/a /dev/b /dev/mapper/flaw --witness /dev/d
	patterns 1
	put "$old" /dev/dst/v 3
	quiet v
	dst node suspend v 1
	put "$new" /dev/dst/v 1
	put "$new" /dev/dst/v 3
	window region_ms
	dst node resume v 1
	in_window
	dm_fail flaw
	eio dd if="$old" of=/dev/dst/v bs=64k count=1 seek=48 oflag=direct conv=notrunc status=none
	node_is v 2 state failed
	let_go
}

# joining POINT: node 1 has got all, the age that says so is in window POINT; node 0 is gone, a write has reached node 1 alone
joining() {
	mirrored 2 16 --grace 1
	files
	cut_host 1
	retry 20 state_is 1 away
	put "$old" /dev/dst/v 5
	# Until nothing more can be recorded its region stays marked: else the last write would wait for that.
	background putting "$old" 5
	putter=$background
	window "$1"
	heal_host 1
	in_window
	put_no_more
	cut_host 0
	retry 20 state_is 0 away
	writing "$new" 5
	retry 20 got "$new" /dev/d1 5 > /dev/null
	waits
}

# Feared: the write counts with a copy that no superblock says is one: after the crash node 0 is believed.
@test "a crash while a node joins, and the other one is lost: nothing was acknowledged, either, on both" {
	joining age_before_ms
	equal "in sync, says node 1" "$(in_sync_says 1 1)" false
	crash
	back
	settled 5 "$old" "$new"
}

@test "a write that waits for a node to join ends when it has, and outlives a crash" {
	joining age_before_ms
	let_go
	wait "$writer"
	equal "in sync, says node 1" "$(in_sync_says 1 1)" true
	equal "in sync, says node 1" "$(in_sync_says 1 0)" false
	crash
	back
	settled 5 "$new"
}

# Feared: the superblock that the old copy gets says that it is in sync, as it does until the new age is written: after the
# crash it is believed, and copied over the good one.
@test "a crash while an old copy of a node's medium is taken in: it is not believed" {
	mirrored 2 16
	files
	put "$old" /dev/dst/v 5
	stop v
	dd if=/dev/d0 of="$BATS_TEST_TMPDIR/copy" bs=1M iflag=direct status=none
	again v "${where[@]}"
	put "$new" /dev/dst/v 5
	quiet v
	unexport_host 0
	retry 20 state_is 0 lost
	dd if="$BATS_TEST_TMPDIR/copy" of=/dev/d0 bs=1M oflag=direct conv=notrunc status=none
	window age_before_ms
	export_host 0
	in_window
	crash
	back
	settled 5 "$new"
}

# Node 2 has not got what was acknowledged, and is waited for: that it has not is in no record. Then node 0 is lost.
early_on_0_and_1() {
	put "$old" /dev/dst/v 5
	retry 20 eval '[ "$("$superdump" /dev/d0 | jq .super.early)" = true ]'
	quiet v
	cut_host 2
	retry 20 state_is 2 lost
	# Resync of this region waits until the write has ended.
	put "$new" /dev/dst/v
	unexport_host 0
	retry 20 state_is 0 lost
}

# Feared: the same of a blank medium, while nobody can record that it is out: a write that was acknowledged early is on its way
# to node 2 still.
@test "a crash while a blank medium is taken in, and who is in sync can't be recorded: it is not believed" {
	mirrored 3 16 --param acks=2 --grace 60
	files
	early_on_0_and_1
	dd if=/dev/zero of=/dev/d0 bs=1M oflag=direct status=none 2> /dev/null || :
	export_host 0
	sleep 2
	not equal "in sync, says node 0" "$(in_sync_says 0 0)" true
	crash
	refused "only node 0 has all that was acknowledged" dstctl volume assemble v --takeover "${where[@]}"
	back --degraded
	settled 0 "$new"
	got "$old" /dev/d0 5
}

# Feared: the same of what the operator throws away.
@test "what was written apart and is thrown away gets no superblock before it can be recorded that it is out" {
	mirrored 3 16 --param acks=2
	files
	stop v
	dd if=/dev/d0 of="$BATS_TEST_TMPDIR/good" bs=1M iflag=direct status=none
	again v --degraded "${where[0]}"
	stop v
	dd if=/dev/d0 of="$BATS_TEST_TMPDIR/apart" bs=1M iflag=direct status=none
	dd if="$BATS_TEST_TMPDIR/good" of=/dev/d0 bs=1M oflag=direct conv=notrunc status=none
	again v --grace 60 "${where[@]}"
	early_on_0_and_1
	dd if="$BATS_TEST_TMPDIR/apart" of=/dev/d0 bs=1M oflag=direct conv=notrunc status=none
	export_host 0
	because 0 refused "written apart"
	dstctl node resolve v 0 --discard
	sleep 2
	not equal age "$("$superdump" /dev/d0 | jq -c .super.age)" "$("$superdump" /dev/d1 | jq -c .super.age)"
	heal_host 2
	settled 0 "$new"
	got "$old" /dev/d0 5
}

# Feared: nobody asks a target that has no cache any more; but what it had in one is gone, and as long as the superblocks say that
# it has everything it is believed after a crash (R7).
@test "a flush waits until it is recorded that a target came back without its cache and what was in that" {
	host_disk=cache=8 mirrored 2 16
	files
	put "$old" /dev/dst/v 5
	quiet v
	window age_before_ms
	# Once it has got everything anew, all is well.
	window region_ms
	put "$new" /dev/dst/v 5
	unexport_host 0
	retry 20 state_is 0 lost
	# Its cache had not been written.
	put "$old" /dev/d0 5
	echo write through > /sys/block/d0/queue/write_cache
	export_host 0
	retry 20 eval '[ "$(cat /sys/kernel/debug/dst/faults/v/waiting)" = 2 ]'
	background dd if=/dev/null of=/dev/dst/v conv=fsync,notrunc status=none
	writer=$background
	defer let_go
	waits
	equal "in sync, says node 1" "$(in_sync_says 1 0)" true
	fault age_before_ms 0
	wait "$writer"
	equal "in sync, says node 1" "$(in_sync_says 1 0)" false
	let_go
	settled 5 "$new"
}

# ---- superblock

valid() { "$superdump" "/dev/d$1" | jq '[.copies[] | select(.valid)] | length'; }

# Feared: the new superblock goes over the only good one.
@test "a crash with a torn superblock on the only node that is there: the one before counts" {
	mirrored 2 16 --grace 1
	files
	put "$old" /dev/dst/v 5
	fault super_sectors 1
	window age_after_ms
	cut_host 1
	in_window
	writing "$new" 5
	retry 20 got "$new" /dev/d0 5 > /dev/null
	waits
	equal "good copies" "$(valid 0)" 1
	equal "in sync, says node 0" "$(in_sync_says 0 1)" true
	crash
	back
	settled 5 "$old" "$new"
	equal "good copies" "$(valid 0)" 2
}

# Feared: the next one goes over the other copy, which is the only good one.
@test "a superblock that could not be written goes to the same place again" {
	local seq bad at
	sequences() { mapfile -t seq < <("$superdump" /dev/a | jq '.copies[].super.sequence'); }
	policies mirror
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	dm_linear flaw /dev/a > /dev/null
	volume v --policy mirror --grace 1 /dev/mapper/flaw /dev/b
	in_sync v
	quiet v
	sequences
	bad=$((seq[0] < seq[1] ? 0 : 1))
	local good=${seq[1 - bad]}
	at=$((($(data_bytes /dev/a) >> 9) + bad * 128))
	fault age_before_ms $((3000 * DST_SLOW))
	defer let_go
	dst node suspend v 1
	dm_hole flaw /dev/a "$at" 128
	retry 20 node_has v 0 errors 1
	dm_heal flaw /dev/a
	written() { sequences; [ "${seq[bad]}" = $((good + 1)) ]; }
	retry 20 written
	equal "the good one" "${seq[1 - bad]}" "$good"
	fault age_before_ms 0
	at_most 20 dd if=/dev/zero of=/dev/dst/v bs=4k count=1 oflag=direct conv=notrunc status=none
}

@test "torn superblocks on all nodes at once: nothing is lost, whatever the last word was" {
	mirrored 3 16
	files
	put "$old" /dev/dst/v 5
	fault super_sectors 1
	stop v
	local n
	for n in 0 1 2; do
		equal "good copies" "$(valid $n)" 1
		equal clean "$("$superdump" /dev/d$n | jq .super.clean)" false
	done
	back
	settled 5 "$old"
	for n in 0 1 2; do equal "good copies" "$(valid $n)" 2; done
}

# ---- resync

# last_region: node 1 lacks one region, which has been copied, and does not count as such yet
last_region() {
	mirrored 2 16 --grace 1
	# A new volume compares its copies: that must not be what is in the window.
	quiet v
	files
	put "$old" /dev/dst/v 5
	cut_host 1
	retry 20 state_is 1 away
	put "$new" /dev/dst/v 5
	window region_ms
	defer let_go
	heal_host 1
	in_window
	got "$new" /dev/d1 5
	equal "left to copy" "$(node_field v 1 dirty)" 1048576
}
gone() { state_is "$1" lost || state_is "$1" away; }

@test "the target is cut off when the last region is copied: it goes on, with what was written meanwhile" {
	last_region
	# It waits for the region, then goes to node 0 alone.
	writing "$old" 5
	cut_host 1
	retry 20 gone 1
	let_go
	wait "$writer"
	not state_is 1 up
	heal_host 1
	settled 5 "$old"
}

@test "the source is cut off when the last region is copied: it goes on, and ends equal" {
	last_region
	cut_host 0
	retry 20 gone 0
	let_go
	heal_host 0
	settled 5 "$new"
}

@test "the initiator crashes when the last region is copied: it goes on, and ends equal" {
	last_region
	crash
	back
	settled 5 "$new"
}

# Feared: it counts as copied, but was so to a cache that is gone.
@test "a target that is another one when its last region is copied gets it once more" {
	last_region
	unexport_host 1
	# Its cache had not been written.
	put "$old" /dev/d1 5
	export_host 1
	# In service again, while the worker still has the region.
	retry 30 state_is 1 syncing
	let_go
	settled 5 "$new"
}

# Feared: the target has what came from the source's cache, which is gone; the region counts as the same on both.
@test "a source that is another one when the last region is copied, without what was in its cache: they end equal" {
	host_disk=cache=8 last_region
	unexport_host 0
	retry 20 gone 0
	put "$old" /dev/d0 5
	export_host 0
	retry 30 state_is 0 up
	let_go
	settled 5 "$old" "$new"
}

# ---- takeover

# under_way: volume v over one far disk, which keeps what is written to its first 4 MiB until release
under_way() {
	requires module dm_delay
	modprobe dm_delay
	policies linear
	far
	disk b 16 > /dev/null
	dm_linear held /dev/b > /dev/null
	remote b /dev/mapper/held
	volume v --policy linear --grace 60 "dst://$far/b"
	files
	# Not what is written to the metadata: that waits for nobody.
	dm_table held "0 8192 delay /dev/b 0 0 /dev/b 0 600000
8192 $(($(sectors /dev/b) - 8192)) linear /dev/b 8192"
	defer release
}
release() { dm_heal held /dev/b; }
# at_device: what is under way has got there
at_device() { dmsetup status held | tee "$BATS_TEST_TMPDIR/status" | awk '$3 == "delay" && $5 > 0 { ok = 1 } END { exit !ok }'; }

# Feared: the old one's write lands after the new one's, which was acknowledged.
@test "what a crashed initiator has under way at the target is finished before the next one is let in" {
	under_way
	writing "$old" 1
	defer release
	retry 20 at_device
	cut_link far init
	kill_connections init 7700
	dstctl volume stop v --force
	heal
	background dstctl volume assemble v --takeover "dst://$far/b"
	local next=$background
	defer _volume_gone v init
	defer release
	sleep 2
	kill -0 "$next"
	got "$blank" /dev/b 1
	release
	wait "$next"
	got "$old" /dev/dst/v 1
	put "$new" /dev/dst/v 1
	got "$new" /dev/dst/v 1
	stop v
	got "$new" /dev/b 1
}

# Feared: the winner reads, or writes, before the loser's last write has landed; or the loser goes on.
@test "a volume that is taken over while it writes: that lands before the next one's first command, it is fenced" {
	under_way
	local said=$BATS_TEST_TMPDIR/said
	tr '\0' '\252' < "$blank" > "$new"
	writing "$new" 0
	defer release
	retry 20 at_device
	background nsenter --net=/run/netns/far "$peer" --seconds 90 --client 00000000-0000-0000-0000-000000000002 --instance 9 \
		--takeover read "$far:7700" b > "$said"
	retry 20 volume_is v state fenced
	not wait "$writer"
	not grep -E 'welcome|reject|read' "$said"
	got "$blank" /dev/b
	release
	retry 10 grep -q 'read byte=aa' "$said"
	eio writes 0
	got "$new" /dev/b
}

# take_over NAME: another one takes over export NAME of far, and gives it up again
take_over() {
	nsenter --net=/run/netns/far "$peer" --client 00000000-0000-0000-0000-000000000002 --instance 9 --takeover hello "$far:7700" "$1" |
		tee "$BATS_TEST_TMPDIR/said" | grep '^welcome'
}

# Feared: no target lets it in any more, and what waits for one of them waits for ever.
@test "a volume that was fenced while its link was cut fails when nobody else has the data" {
	local reader
	policies mirror
	far
	disk b 16 > /dev/null
	disk c 16 > /dev/null
	remote b /dev/b
	remote c /dev/c
	volume v --policy mirror --grace 60 "dst://$far/b" "dst://$far/c"
	# Of two, the other one still has it.
	cut
	take_over b
	heal
	because 0 refused 'fenced'
	retry 10 works 1
	writes 0
	cut
	retry 20 state_is 1 lost
	background reads 0
	reader=$background
	take_over c
	kill -0 "$reader"
	heal
	retry 20 volume_is v state fenced
	not wait "$reader"
	stop v
}
