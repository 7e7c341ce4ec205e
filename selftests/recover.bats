#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Nodes that are lost and come back: what was missed is copied, what was not is not, what must not be used is not touched.
load helpers
load volumes
load recovery
load members

# ---- back in time

@test "a connection that is back within the grace time: what was under way is sent again, nothing is resynced" {
	pair 32 --grace 60
	history_start /dev/dst/v --size 16M
	forget
	kill_connections init 7700
	retry 20 told 1 up
	cut
	retry 20 state_is 1 lost
	sleep 2
	heal
	retry 30 works 1
	history_goes_on
	history_stop
	history_check
	changes_are 1 "up>lost lost>up up>lost lost>up"
	equal errors "$(node_field v 0 errors)" 0
	stopped_equal /dev/a /dev/b
}

@test "a request waits for a lost node within the grace time, and lands on both legs" {
	pair 16 --grace 60
	patterns 1
	cut
	retry 20 state_is 1 lost
	background put "$new" /dev/dst/v 3
	local writer=$background
	sleep 2
	kill -0 "$writer"
	heal
	wait "$writer"
	works 1
	not told 1 away
	stop v
	got "$new" /dev/a 3
	got "$new" /dev/b 3
}

@test "an export that was removed and added within the grace time: only what the bitmap has is copied" {
	pair 64 --grace 60
	local before
	background eval 'while writes $((5 << 20)); do :; done'
	retry 10 volume_is v dirty 1048576
	unexport b
	retry 20 state_is 1 lost
	before=$(sectors_written /dev/b)
	fault region_ms 1000
	remote b /dev/b
	retry 30 state_is 1 syncing
	# The MiB that is written to: some of it may have been in the cache of the target that is gone.
	equal "to copy" "$(node_field v 1 sync_total)" 1048576
	in_sync v
	kill_wait "$background"
	changes_are 1 "up>lost lost>syncing syncing>up"
	[ $(($(sectors_written /dev/b) - before)) -le 16384 ]
	stopped_equal /dev/a /dev/b
}

# ---- away, and back

# Feared: what was to end the time that it was waited for brings it back.
@test "a node that came back in time, and fails before that time is over, stays out" {
	policies mirror
	far
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	dm_linear flaw /dev/b > /dev/null
	remote b /dev/mapper/flaw
	listen /dev/a
	volume v --policy mirror --grace 6 /dev/a "dst://$far/b"
	in_sync v
	patterns
	kill_connections init 7700
	retry 10 told 1 lost .
	in_sync v
	dm_fail flaw
	put "$new" /dev/dst/v
	retry 5 state_is 1 failed
	dm_heal flaw /dev/b
	sleep 7
	state_is 1 failed
	dstctl node resume v 1
	in_sync v
	got "$new" /dev/dst/v
	stopped_equal /dev/a /dev/b
}

@test "when the grace time is over a node is away, writes go on, and it gets what it missed when it is back" {
	pair 32 --grace 1
	history_start /dev/dst/v --size 16M
	cut
	retry 20 state_is 1 away
	told 1 away ".; not back within 1 s"
	retry 10 volume_is v state degraded
	history_goes_on
	local missed
	missed=$(node_field v 1 dirty)
	[ "$missed" -gt 0 ]
	heal
	in_sync v
	history_goes_on
	history_stop
	history_check
	changes_are 1 "up>lost lost>away away>syncing syncing>up"
	equal errors "$(node_field v 0 errors)" 0
	equal state "$(volume_field v state)" active
	stopped_equal /dev/a /dev/b
}

@test "what a node missed is all that it gets" {
	pair 64 --grace 1
	unexport b
	retry 20 state_is 1 away
	local before
	before=$(sectors_written /dev/b)
	writes $((3 << 20))
	writes $((40 << 20))
	equal missed "$(node_field v 1 dirty)" $((2 << 20))
	remote b /dev/b
	in_sync v
	[ $(($(sectors_written /dev/b) - before)) -le $((2 * 2048 + 2048)) ]
	stopped_equal /dev/a /dev/b
}

@test "a resync that is interrupted goes on: by the connection, by a stop by force, by an orderly stop" {
	pair 32 --grace 1
	patterns 24
	unexport b
	retry 20 state_is 1 away
	put "$new" /dev/dst/v
	fault region_ms 300
	remote b /dev/b
	retry 30 state_is 1 syncing
	less() { [ "$(node_field v 1 dirty)" -le "$1" ]; }
	local before
	before=$(sectors_written /dev/b)
	retry 30 less $((14 << 20))
	kill_connections init 7700
	retry 30 less $((8 << 20))
	retry 30 state_is 1 syncing
	dstctl volume stop v --force
	equal in-sync "$("$superdump" /dev/a | jq .super.nodes[1].in_sync)" false
	again v "dst://$far/b" /dev/a
	fault region_ms 300
	retry 30 less $((4 << 20))
	stop v
	again v "dst://$far/b" /dev/a
	got "$new" /dev/dst/v
	in_sync v
	# Had it begun anew each time: 10, 16, 24 MiB at least. What is remembered may be some seconds old.
	[ $(($(sectors_written /dev/b) - before)) -le $((44 * 2048)) ]
	got "$new" /dev/dst/v
	stopped_equal /dev/a /dev/b
}

@test "reads go past what a node has not got yet" {
	pair 32 --grace 1
	patterns 24
	put "$old" /dev/dst/v
	unexport b
	retry 20 state_is 1 away
	put "$new" /dev/dst/v
	fault region_ms 300
	remote b /dev/b
	retry 30 state_is 1 syncing
	for _ in 1 2 3; do got "$new" /dev/dst/v; done
	# What is written meanwhile gets there too.
	put "$old" /dev/dst/v
	fault region_ms 0
	in_sync v
	for _ in 1 2 3; do got "$old" /dev/dst/v; done
	stopped_equal /dev/a /dev/b
}

# ---- another medium

@test "a blank medium in the place of one that is gone is taken, and gets everything" {
	pair 16 --grace 1
	patterns
	put "$new" /dev/dst/v
	local uuid
	uuid=$(node_field v 1 uuid)
	unexport b
	retry 20 state_is 1 away
	disk c 16 > /dev/null
	remote b /dev/c
	in_sync v
	not equal uuid "$(node_field v 1 uuid)" "$uuid"
	retry 10 node_is v 1 in_sync true
	[ "$(sectors_written /dev/c)" -ge $((14 * 2048)) ]
	stopped_equal /dev/a /dev/c
	# The one that was replaced is not of the volume any more.
	local before
	before=$(sum /dev/b)
	refused "node 1 is no longer part of the volume" dstctl volume assemble v /dev/a /dev/b
	equal "what was replaced" "$(sum /dev/b)" "$before"
}

# stays_out DEVICE REGEX: as node 1 of v it is refused, with that sentence, and not written to
stays_out() {
	local before
	before=$(sum "$1")
	remote b "$1"
	dstctl node resume v 1
	because 1 refused "$2"
	writes 0
	dstctl status v | grep -qE 'node 1 [(].*[)] refused: .*, out until'
	retry 10 unexport b
	equal "what is on it" "$(sum "$1")" "$before"
}
without_b() {
	pair 16 --grace 1
	unexport b
	retry 20 state_is 1 away
}

# Feared: a flush begins without a node, and ends when that node is in sync: it is neither flushed nor recorded as out.
@test "a flush that was under way when a node came in sync takes it in" {
	far_disk=cache=8 without_b
	fault hold_legs 1
	background dd if=/dev/null of=/dev/dst/v conv=fsync,notrunc status=none
	local flush=$background
	retry 10 node_is v 0 in_flight 1
	remote b /dev/b
	in_sync v
	kill -0 "$flush"
	fault hold_legs 0
	wait "$flush"
	node_is v 0 in_flight 0
}

# cached_and_gone: v, without copies, is lost with writes that were acknowledged and never flushed
cached_and_gone() {
	policies linear
	far
	disk b 16 cache=8 > /dev/null
	remote b /dev/b
	volume v --policy linear --grace 60 "dst://$far/b"
	dd if=/dev/urandom of=/dev/dst/v bs=64k count=4 oflag=direct status=none
	unexport b
	retry 20 state_is 0 lost
}

# Feared: the flush that waited for the target is carried out by its next life, and says that all is well (R7).
@test "flushes that wait while their target loses what was in its cache fail, and the next one does not" {
	cached_and_gone
	background dd if=/dev/null of=/dev/dst/v conv=fsync,notrunc status=none
	local flush=$background
	background dd if=/dev/null of=/dev/dst/v conv=fsync,notrunc status=none
	retry 10 node_is v 0 in_flight 2
	remote b /dev/b
	not wait "$flush"
	not wait "$background"
	works 0
	flushed
}

# both_lost [OPTION...]: v with $new at 3 MiB, not flushed; both nodes are lost, node 0's target is gone
both_lost() {
	mirrored 2 16 "$@"
	patterns 1
	put "$old" /dev/dst/v 3
	quiet v
	put "$new" /dev/dst/v 3
	cut_host 1
	kill_connections init 7700
	unexport_host 0
	retry 20 state_is 0 lost
	retry 20 state_is 1 lost
}
# back_without: node 0 is back, without $new
back_without() {
	dd if="$old" of=/dev/d0 bs=1M seek=3 oflag=direct conv=notrunc status=none
	export_host 0
}
# reading: $new is read in the background, $reading; has_read: and was right
reading() {
	background dd if=/dev/dst/v of="$BATS_TEST_TMPDIR/read" bs=1M skip=3 count=1 iflag=direct status=none
	reading=$background
}
has_read() { wait "$reading" && cmp "$BATS_TEST_TMPDIR/read" "$new"; }

# Feared: a read waits for a node, which comes back without what it had in its cache, and is served from there (R2).
@test "a read that waits for a node is not served by it when it comes back without what is to be read" {
	both_lost --grace 60
	reading
	retry 10 node_is v 0 in_flight 1
	window region_ms
	defer let_go
	heal_host 1
	retry 20 works 1
	back_without
	has_read
	let_go
	in_sync v
	got "$new" /dev/d0 3
}

# Feared: node 0 is believed as the only one there is; then what node 1 has, which has lost nothing, is overwritten.
@test "a node that has lost its cache is not believed while the other one may be back with what was in it" {
	host_disk=cache=8 both_lost --grace 60
	back_without
	retry 20 eval '[[ $(node_field v 0 reason) = "its cache is lost: waits for node 1,"* ]]'
	reading
	sleep 2
	kill -0 "$reading"
	state_is 0 lost
	heal_host 1
	has_read
	in_sync v
	stop v
	got "$new" /dev/d0 3
	got "$new" /dev/d1 3
}

@test "an export of this machine that has lost its cache waits for the other copy, too" {
	policies mirror
	far
	disk a 16 cache=8 > /dev/null
	disk b 16 cache=8 > /dev/null
	exported e /dev/a
	remote b /dev/b
	volume v --policy mirror --grace 60 export:e "dst://$far/b"
	patterns 1
	put "$old" /dev/dst/v 3
	in_sync v
	quiet v
	put "$new" /dev/dst/v 3
	cut
	retry 20 state_is 1 lost
	dstctl export remove e
	retry 20 state_is 0 lost
	dd if="$old" of=/dev/a bs=1M seek=3 oflag=direct conv=notrunc status=none
	exported e /dev/a
	retry 20 eval '[[ $(node_field v 0 reason) = "its cache is lost: waits for node 1,"* ]]'
	heal
	in_sync v
	stop v
	got "$new" /dev/a 3
	got "$new" /dev/b 3
}

@test "a node that has lost its cache is believed when the other one is not back in time, and the next flush says so" {
	host_disk=cache=8 both_lost --grace 4
	back_without
	retry 30 works 0
	got "$old" /dev/dst/v 3
	not flushed
	flushed
	heal_host 1
	in_sync v
	stop v
	got "$old" /dev/d1 3
}

# Feared: the flush that was under way has said so; the write is acknowledged after it, and its own flush says that all is well.
@test "a write that waits for a copy while the one that has it loses its cache fails" {
	host_disk=cache=8 mirrored 2 16 --grace $((8 * DST_SLOW))
	patterns 1
	put "$old" /dev/dst/v 3
	quiet v
	cut_host 1
	background put "$new" /dev/dst/v 3
	local write=$background flush
	background flushed
	flush=$background
	retry 10 got "$new" /dev/d0 3
	retry 20 state_is 1 lost
	unexport_host 0
	retry 20 state_is 0 lost
	back_without
	not wait "$flush"
	not wait "$write"
	flushed
	heal_host 1
	in_sync v
	stop v
	same_bytes /dev/d0 /dev/d1 "$(data_bytes /dev/d0)"
}

# Feared: it is taken for a disk that has lost nothing when it is back, for nobody else tells (R7).
@test "a disk that nobody else has the data of is flushed before it is suspended: then its power may go" {
	policies linear
	disk a 16 cache=8 > /dev/null
	volume v --policy linear /dev/a
	patterns 1
	put "$new" /dev/dst/v 3
	dst node suspend v 0
	echo 0 > /sys/kernel/config/nullb/a/power
	echo 1 > /sys/kernel/config/nullb/a/power
	retry 5 test -b /dev/a
	dst node resume v 0
	retry 20 works 0
	flushed
	got "$new" /dev/dst/v 3
}

# Feared: each try to connect node 2 makes what was copied to node 1 meanwhile count for nothing.
@test "a node is brought up to date while another one can't be reached, however long a region takes" {
	policies mirror
	hosts 3 16
	disk w 16 > /dev/null
	volume v --policy mirror --grace 1 "${where[@]}" --witness /dev/w
	patterns 1
	in_sync v
	quiet v
	cut_host 2
	retry 20 state_is 2 away
	dst node suspend v 1
	put "$new" /dev/dst/v 3
	# Longer than the longest pause between two tries.
	fault region_ms 8000
	defer let_go
	dst node resume v 1
	retry 40 works 1
	got "$new" /dev/d1 3
}

@test "a blank disk that was lost while it was given its metadata is taken when it is back" {
	local bitmap=$((512 * 512))
	pair 16 --grace 1
	patterns 1
	cut
	retry 20 state_is 1 away
	unexport b
	# Its bitmap is written first.
	dd if=/dev/zero of=/dev/b bs=64k count=$((($(data_bytes /dev/b) + bitmap) >> 16)) oflag=direct conv=notrunc status=none
	equal "superblocks" "$("$superdump" /dev/b | jq '[.copies[] | select(.valid)] | length')" 0
	put "$new" /dev/dst/v 3
	remote b /dev/b
	heal
	retry 20 works 1
	in_sync v
	stop v
	got "$new" /dev/b 3
}

@test "a medium that is not blank stays out, and is not touched" {
	without_b
	mkfs.ext4 -q "$(disk c 16)"
	stays_out /dev/c "no superblock, and not blank .sector"
	volume_is v state degraded
}

@test "the medium of another volume stays out, and is not touched" {
	without_b
	disk c 16 > /dev/null
	volume w --policy mirror /dev/c
	stop w
	stays_out /dev/c "belongs to volume w, not to this one"
}

@test "a smaller medium stays out, and is not touched" {
	without_b
	disk c 8 > /dev/null
	stays_out /dev/c "the export is too small"
}

@test "a medium with a damaged bitmap stays out, and is not touched; replaced by itself it gets everything" {
	without_b
	damage_marks /dev/b
	stays_out /dev/b "its bitmap is damaged: dstctl node replace --adopt"
	remote b /dev/b
	dstctl node replace v 1 "dst://$far/b" --adopt
	in_sync v
	stopped_equal /dev/a /dev/b
}

@test "a medium with both superblocks damaged stays out, and is not touched; with one it comes back" {
	without_b
	local area copy
	area=$(data_bytes /dev/b)
	dd if=/dev/b of="$BATS_TEST_TMPDIR/copy" bs=1M iflag=direct status=none
	damage /dev/b
	stays_out /dev/b "its superblock is damaged"
	damage /dev/b 0
	stays_out /dev/b "no superblock, and not blank .sector"
	# The one that counts is the one that is left.
	copy=$("$superdump" "$BATS_TEST_TMPDIR/copy" | jq .counts)
	dd if="$BATS_TEST_TMPDIR/copy" of=/dev/b bs=1k skip=$((area / 1024 + copy * 64)) seek=$((area / 1024 + copy * 64)) count=64 oflag=direct conv=notrunc status=none
	remote b /dev/b
	in_sync v
	stopped_equal /dev/a /dev/b
}

@test "a copy of the other node's medium stays out, and is not touched" {
	without_b
	disk c 16 > /dev/null
	dd if=/dev/a of=/dev/c bs=1M iflag=direct oflag=direct status=none
	stays_out /dev/c "is node 0 of this volume"
}

@test "an old copy of a node's medium gets all that it lacks before it serves a read" {
	pair 16 --grace 1
	patterns
	put "$old" /dev/dst/v
	stop v
	# As it was then; later it missed nothing, and no region is marked.
	disk c 16 > /dev/null
	dd if=/dev/b of=/dev/c bs=1M iflag=direct oflag=direct status=none
	again v /dev/a "dst://$far/b" --grace 1
	put "$new" /dev/dst/v
	quiet v
	unexport b
	retry 20 state_is 1 away
	remote b /dev/c
	retry 30 not state_is 1 away
	for _ in 1 2 3; do got "$new" /dev/dst/v; done
	in_sync v
	for _ in 1 2 3; do got "$new" /dev/dst/v; done
	stopped_equal /dev/a /dev/c
}

# break_least WHAT: breaks the connection to the target of which ss says the least WHAT. The target does not hear of it, and keeps
# the other one.
break_least() {
	local port
	ss -tinHO state established "dport = :7700" | tee "$BATS_TEST_TMPDIR/connections"
	port=$(sed -E "s/.* [^ ]*:([0-9]+) +[^ ]+:7700 .*$1:([0-9]+).*/\\2 \\1/" "$BATS_TEST_TMPDIR/connections" | sort -n | sed -n '1s/.* //p')
	[ "$port" ]
	in_ns far nft "table inet one { chain in { type filter hook input priority -300; tcp sport $port drop; }; }"
	ss -K -n "sport = :$port" > /dev/null
}

# Feared: it is known to be lost, given up, and looked at over the connections that still work. It is let in, then its session
# ends, and nobody connects it again: it is up for ever, with no connection.
@test "a node whose session is about to end is not let in over what is left of it" {
	local cpus=/sys/devices/virtual/workqueue/cpumask
	pair 16 --grace 1
	patterns 1
	# All that is looked at goes over the first one; the second, over which less was sent, breaks.
	defer eval "echo $(cat $cpus) > $cpus"
	echo 1 > $cpus
	taskset 1 dd if=/dev/zero of=/dev/dst/v bs=4k count=500 oflag=direct conv=notrunc status=none
	window lost_ms
	break_least bytes_sent
	in_window
	# It is given up, and tried again.
	retry 20 state_is 1 away
	sleep 3
	state_is 1 away
	let_go
	retry 20 works 1
	at_most 20 dd if="$new" of=/dev/dst/v bs=1M oflag=direct conv=notrunc status=none
	in_sync v
	stop v
	got "$new" /dev/b
}

# Feared: the same, when a connection breaks after the node was connected, and before its medium is looked at.
@test "a node whose session breaks before its medium is looked at is not let in over what is left of it" {
	local cpus=/sys/devices/virtual/workqueue/cpumask
	pair 16 --grace 1
	patterns 1
	defer eval "echo $(cat $cpus) > $cpus"
	echo 1 > $cpus
	window age_before_ms
	unexport b
	retry 20 state_is 1 away
	in_window
	remote b /dev/b
	retry 20 eval '[ "$(connections init 7700)" = 2 ]'
	sleep 1
	window lost_ms
	# The second, which was made last, and has sent nothing since.
	break_least lastsnd
	retry 20 eval '[ "$(cat /sys/kernel/debug/dst/faults/v/waiting)" = 2 ]'
	fault age_before_ms 0
	sleep 2
	state_is 1 away
	let_go
	retry 20 works 1
	at_most 20 dd if="$new" of=/dev/dst/v bs=1M oflag=direct conv=notrunc status=none
	in_sync v
	stop v
	got "$new" /dev/b
}

# Feared: a target that lets in and breaks, at once and again, fills the log and keeps both ends busy.
@test "a node whose sessions break as soon as they are there is connected less and less often" {
	local breaker before
	opened() { in_ns far nstat -asz TcpPassiveOpens | awk '/PassiveOpens/ { print $2 }'; }
	pair 16
	before=$(opened)
	background bash -c 'while :; do ss -K -n "dport = :7700" > /dev/null; sleep 0.1; done'
	breaker=$background
	sleep 10
	echo "$(($(opened) - before)) connections"
	[ $(($(opened) - before)) -gt 2 ] && [ $(($(opened) - before)) -lt 24 ]
	kill_wait "$breaker"
	retry 20 works 1
	in_sync v
}

# Feared: it is to be synced, and so is waited for; then its target dies, and no time begins to run.
@test "a blank node whose target dies while it is let in holds nobody up" {
	pair 16 --grace 1
	patterns 1
	cut
	retry 20 state_is 1 away
	unexport b
	dd if=/dev/zero of=/dev/b bs=1M oflag=direct status=none 2> /dev/null || :
	window age_before_ms
	remote b /dev/b
	heal
	in_window
	cut
	retry 20 state_is 1 away
	let_go
	sleep 2
	at_most 20 dd if="$new" of=/dev/dst/v bs=1M oflag=direct conv=notrunc status=none
	heal
	retry 20 works 1
	in_sync v
	stop v
	got "$new" /dev/b
}

# Feared: it had what nobody else had, and is waited for although another one has it again.
@test "a node that was suspended while the other one was lost is not waited for when that is back" {
	pair 16 --grace 60
	patterns 1
	cut
	retry 20 state_is 1 lost
	dst node suspend v 0
	heal
	retry 20 works 1
	at_most 20 dd if="$new" of=/dev/dst/v bs=1M oflag=direct conv=notrunc status=none
	dst node resume v 0
	retry 20 works 0
	in_sync v
	stop v
	got "$new" /dev/a
}

# Feared: it is not asked what it had when it last worked, and the flush says that all is well (R7).
@test "a flush fails after a target lost what was in its cache and came back without one" {
	cached_and_gone
	echo write through > /sys/block/b/queue/write_cache
	remote b /dev/b
	retry 20 works 0
	not flushed
	flushed
}

# Feared: the same before it is looked at, when nobody knows yet that something is lost.
@test "a flush fails while the medium of a target that lost what was in its cache, and came back without one, is looked at" {
	requires module dm_delay
	modprobe dm_delay
	cached_and_gone
	echo write through > /sys/block/b/queue/write_cache
	dm_delay slow /dev/b 3000 > /dev/null
	echo write through > "/sys/dev/block/$(dmsetup info -c --noheadings --separator : -o major,minor slow)/queue/write_cache"
	remote b /dev/mapper/slow
	retry 20 eval '[ "$(ns=far sessions b)" = 1 ]'
	sleep 0.5
	not works 0
	not flushed
	works 0
	flushed
}

# Feared: it counts as missed, and can't be recorded so, for all have everything: it fails for nothing.
@test "a flush that a node was given up in, which is in sync again before it ends, succeeds" {
	far_disk=cache=8 pair 16 --grace 1
	fault hold_legs 1
	cut
	background dd if=/dev/null of=/dev/dst/v conv=fsync,notrunc status=none
	local flush=$background
	retry 10 node_is v 0 in_flight 1
	retry 20 state_is 1 away
	heal
	in_sync v
	kill -0 "$flush"
	fault hold_legs 0
	wait "$flush"
}

# Feared: the same when the other one is lost once more by then, and will be back: there is nothing to be recorded.
@test "a flush that a node was out in, which was in sync since and is lost, waits for that" {
	far_disk=cache=8 pair 16 --grace 60
	# Its time begins: it is waited for when it is lost again before that is over.
	cut
	retry 20 state_is 1 lost
	dst node suspend v 1
	heal
	fault hold_legs 1
	background dd if=/dev/null of=/dev/dst/v conv=fsync,notrunc status=none
	local flush=$background
	defer let_go
	retry 10 node_is v 0 in_flight 1
	dst node resume v 1
	in_sync v
	cut
	retry 20 state_is 1 lost
	kill -0 "$flush"
	fault hold_legs 0
	sleep 1
	kill -0 "$flush"
	heal
	wait "$flush"
}
