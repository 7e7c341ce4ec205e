#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The callbacks of recovery (bpf/hostile/quorum and others): what they say is done, unless it is wrong: then the default is.
load helpers
load volumes
load recovery
load members

hostile=$BATS_TEST_DIRNAME/build/hostile

# loaded NAME: one of bpf/hostile. switched NAME LEVEL: what it answers from now on
loaded() {
	dstctl policy load "$hostile/$1.bpf.o" || return
	defer policy_gone "$1"
}
policy_gone() { [ ! -e "/sys/fs/bpf/dst/$1" ] || rm "/sys/fs/bpf/dst/$1"; }
switched() { bpftool map update name "k_$1" key 0 0 0 0 value "$2" 0 0 0; }
faults() { volume_field v policy_faults; }
faults_are() { equal "policy faults" "$(faults)" "$1"; }
# faults of the policy in all, or at least
at_least_faults() { [ "$(faults)" -ge "$1" ]; }
# disks SIZE NAME...
disks() {
	local size=$1 name
	shift
	for name; do disk "$name" "$size" > /dev/null || return; done
}
reason_is() { [[ $(volume_field v reason) =~ $1 ]] || { volume_field v reason; return 1; }; }

# ---- the interface

@test "an object that was built before there were callbacks of recovery loads, and is used" {
	local a
	a=$(disk a 8)
	policies minimal
	loaded old_object
	equal callbacks "$(dstctl policy show old_object --json | jq -r '.callbacks | join(" ")')" acks
	volume v --policy old_object "$a"
	volume w --policy minimal "$(disk b 8)"
	writes 0
	reads 0
	faults_are 0
}

# verifier_says REGEX NAME: when it does not load
verifier_says() {
	not dstctl policy load --verbose "$hostile/$2.bpf.o" 2> "$BATS_TEST_TMPDIR/log" || return
	grep -qE "$1" "$BATS_TEST_TMPDIR/log" || { cat "$BATS_TEST_TMPDIR/log"; return 1; }
}

@test "what looks at the volume's nodes is for callbacks of recovery, and only answers are writable" {
	verifier_says 'dstb_member_view' wrong_view
	verifier_says 'dstblk: the member at offset 8 is read-only' wrong_out
	local name
	for name in quorum:quorum resync:resync_next hold:node_event errs:io_error sides:arbitrate ticks:tick; do
		loaded "${name%:*}"
		equal callbacks "$(dstctl policy show "${name%:*}" --json | jq -r '.callbacks | join(" ")')" "layout place ${name#*:}"
	done
}

# ---- quorum

# three_quorum: a mirror over local disks a, b and c, by the policy quorum, the same and with no region marked
three_quorum() {
	disks 8 a b c
	loaded quorum
	volume v --policy quorum /dev/a /dev/b /dev/c
	quiet v
}

@test "quorum() may want more than half: I/O waits until it is content" {
	three_quorum
	dstctl node suspend v 2
	volume_is v state degraded
	writes 0
	dstctl node resume v 2
	in_sync v
	switched quorum 1
	dstctl node suspend v 2
	retry 10 volume_is v state held
	reason_is "2 of 3 votes; I/O waits for nodes to come back"
	background writes 4096
	local writer=$background
	retry 5 volume_is v held 1
	sleep 2
	kill -0 "$writer"
	dstctl node resume v 2
	wait "$writer"
	retry 10 volume_is v state active
	# Its mind can be changed without a node that comes.
	dstctl node suspend v 2
	retry 10 volume_is v state held
	switched quorum 0
	retry 10 volume_is v state degraded
	writes 0
	faults_are 0
	dstctl node resume v 2
	in_sync v
	stop v
	same_bytes /dev/a /dev/b "$(data_bytes /dev/a)"
	same_bytes /dev/a /dev/c "$(data_bytes /dev/a)"
}

@test "quorum() may be content with less than half, and status says so" {
	three_quorum
	switched quorum 2
	dstctl node suspend v 2
	dstctl node suspend v 1
	retry 10 volume_is v state degraded
	retry 10 reason_is "1 of 3 votes; policy 'quorum' says that will do"
	writes 0
	[ "$("$superdump" /dev/a | jq -c '[.super.nodes[].in_sync]')" = '[true,false,false]' ]
	switched quorum 0
	# Asked when there is something to record, which a node that comes and is not in sync yet is.
	dstctl node resume v 2
	retry 20 works 2
	dstctl node resume v 1
	in_sync v
	retry 10 volume_is v state active
	faults_are 0
	stop v
	same_bytes /dev/a /dev/b "$(data_bytes /dev/a)"
	same_bytes /dev/a /dev/c "$(data_bytes /dev/a)"
}

@test "a witness that goes and comes is news where less than half will do" {
	disks 8 a b w
	loaded quorum
	volume v --policy quorum --witness /dev/w /dev/a /dev/b
	quiet v
	switched quorum 2
	dstctl node suspend v 1
	retry 10 reason_is "node 1 is suspended"
	dstctl node suspend v 2
	retry 10 reason_is "1 of 3 votes; policy 'quorum' says that will do"
	volume_is v state degraded
	writes 0
	dstctl node resume v 2
	retry 10 reason_is "node 1 is suspended"
	dstctl node resume v 1
	in_sync v
	retry 10 volume_is v state active
	faults_are 0
	stopped_equal /dev/a /dev/b
}

@test "a wrong quorum() is counted, and half of the votes decide" {
	three_quorum
	switched quorum 3
	dstctl node suspend v 2
	retry 10 volume_is v state degraded
	writes 0
	retry 10 at_least_faults 1
	dstctl node suspend v 1
	retry 10 volume_is v state held
	dstctl node resume v 1
	dstctl node resume v 2
	in_sync v
	retry 10 volume_is v state active
}

@test "quorum() decides about assembling, too, but never for fewer than more than half" {
	three_quorum
	stop v
	switched quorum 1
	sum /dev/a > "$BATS_TEST_TMPDIR/before"
	sum /dev/b >> "$BATS_TEST_TMPDIR/before"
	refused "policy 'quorum' says that 2 of 3 nodes are too few" dstctl volume assemble v /dev/a /dev/b
	sum /dev/a > "$BATS_TEST_TMPDIR/after"
	sum /dev/b >> "$BATS_TEST_TMPDIR/after"
	same_bytes "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	switched quorum 2
	refused "only 1 of 3 nodes are there, more than half must" dstctl volume assemble v /dev/a
	# The operator's word is above it.
	switched quorum 1
	again v --degraded /dev/a /dev/b
	writes 0
	volume_is v state degraded
	stop v
	switched quorum 0
	again v /dev/a /dev/b
	writes 0
	stop v
	again v /dev/a /dev/b /dev/c
	in_sync v
	stopped_equal /dev/a /dev/c
}

# ---- resync_next

# lacking SIZE LEVEL: a mirror by the policy resync over a and b, that holds $new; b, with $old, lacks all of it and is just being
# resynced, with the policy's switch at LEVEL
lacking() {
	disks "$1" a b
	loaded resync
	volume v --policy resync /dev/a /dev/b
	quiet v
	patterns $(($1 - 1))
	put "$old" /dev/dst/v
	dstctl node suspend v 1
	retry 10 volume_is v state degraded
	put "$new" /dev/dst/v
	switched resync "$2"
	fault region_ms "${3:-0}"
	dstctl node resume v 1
}
# The MiB N of node b is that of $1
has_mib() { dd if="$1" bs=1M skip="$2" count=1 status=none | cmp -s - <(dd if=/dev/b bs=1M skip="$2" count=1 iflag=direct status=none); }

@test "resync_next() says in which order" {
	lacking 12 1 $((500 * DST_SLOW))
	retry 20 has_mib "$new" 10
	retry 20 has_mib "$new" 9
	has_mib "$old" 0
	has_mib "$old" 4
	switched resync 0
	retry 20 has_mib "$new" 0
	fault region_ms 0
	in_sync v
	faults_are 0
	got "$new" /dev/dst/v
	stopped_equal /dev/a /dev/b
}

@test "resync_next() says how long to rest, and whoever stops the volume does not wait for it" {
	local began=$SECONDS
	lacking 12 6
	in_sync v
	[ $((SECONDS - began)) -ge 3 ]
	dstctl node suspend v 1
	put "$old" /dev/dst/v
	switched resync 7
	dstctl node resume v 1
	retry 20 has_mib "$old" 0
	sleep 1
	has_mib "$new" 1
	faults_are 0
	at_most 8 dstctl volume stop v
	again v /dev/a /dev/b
	switched resync 0
	in_sync v 90
	got "$old" /dev/dst/v
	stopped_equal /dev/a /dev/b
}

@test "a wrong resync_next() is counted, and the order is that of the volume" {
	local level before
	lacking 16 2 $((1500 * DST_SLOW))
	for level in 2 3 4 5; do
		switched resync $level
		# One may have been asked already.
		before=$(faults)
		retry 20 at_least_faults $((before + 2))
	done
	has_mib "$new" 4
	has_mib "$old" 14
	fault region_ms 0
	in_sync v
	got "$new" /dev/dst/v
	stopped_equal /dev/a /dev/b
}

# ---- node_event

# lossy LEVEL [OPTION...]: a mirror by the policy hold over the local disk a and the far disk b, with the policy's switch at LEVEL
lossy() {
	local level=$1
	shift
	far
	disks 16 a b
	remote b /dev/b
	loaded hold
	volume v --policy hold "$@" /dev/a "dst://$far/b"
	in_sync v
	quiet v
	switched hold "$level"
}
reason_of() { [[ $(node_field v "$1" reason) =~ $2 ]] || { node_field v "$1" reason; return 1; }; }

@test "node_event() may do without a lost node at once" {
	lossy 1 --grace 600
	cut
	retry 20 state_is 1 away
	reason_of 1 "not back within 0 s"
	writes 0
	heal
	in_sync v
	faults_are 0
	stopped_equal /dev/a /dev/b
}

@test "node_event() may wait for longer than --grace says, and again and again" {
	lossy 2 --grace 1
	cut
	retry 20 state_is 1 lost
	background writes 4096
	local writer=$background
	sleep 5
	state_is 1 lost
	kill -0 "$writer"
	# Its mind can be changed.
	switched hold 0
	retry 10 state_is 1 away
	wait "$writer"
	heal
	in_sync v
	switched hold 3
	# Before it was back for as long as it may be missing there would be no new question.
	sleep 2
	cut
	retry 20 state_is 1 lost
	retry 10 node_has v 1 left_ms 10000
	sleep 2
	state_is 1 lost
	heal
	in_sync v
	faults_are 0
	stopped_equal /dev/a /dev/b
}

@test "node_event() gives up no data that nobody else has" {
	lossy 1 --grace 600
	dstctl node suspend v 0
	retry 10 state_is 0 suspended
	writes 0
	cut
	retry 20 reason_of 1 "nobody else has its data" || { dstctl node show v; bpftool map dump name k_hold; false; }
	state_is 1 lost
	sleep 1
	state_is 1 lost
	heal
	retry 30 works 1
	dstctl node resume v 0
	in_sync v
	reads 0
	faults_are 0
	stopped_equal /dev/a /dev/b
}

@test "a wrong node_event() is counted, and --grace decides" {
	local level
	lossy 4 --grace 1
	for level in 4 5; do
		switched hold "$level"
		cut
		retry 20 state_is 1 away
		reason_of 1 "not back within 1 s"
		# When its time began, and when it was over.
		retry 5 at_least_faults $(((level - 3) * 2))
		heal
		in_sync v
		sleep 2
	done
	stopped_equal /dev/a /dev/b
}

@test "a volume stops, and its policy goes, while node_event() waits for a node" {
	lossy 3 --grace 1
	cut
	retry 20 state_is 1 lost
	retry 10 node_has v 1 left_ms 10000
	at_most 40 dstctl volume stop v
	heal
}

# ---- io_error

# flawed LEVEL: a mirror by the policy errs, with its switch at LEVEL, over the local disks flaw, which is /dev/a for now, and b;
# it holds $new
flawed() {
	disks 16 a b
	dm_linear flaw /dev/a > /dev/null
	loaded errs
	volume v --policy errs /dev/mapper/flaw /dev/b
	in_sync v
	quiet v
	patterns
	put "$new" /dev/dst/v
	quiet v
	switched errs "$1"
}
# bad_spot: 4 KiB of the disk flaw can't be read, nor written
bad_spot() { dm_hole flaw /dev/a 4096 8; }
# Whoever reads goes to the first of two that have nothing to do.
reads_flaw() { node_has v 0 errors "$1"; }

@test "io_error() may keep a node that can't read something" {
	flawed 1
	bad_spot
	retry 10 eval 'got "$new" /dev/dst/v && reads_flaw 2'
	sleep 1
	got "$new" /dev/dst/v
	works 0
	equal repaired "$(volume_field v repaired)" 0
	faults_are 0
	# The default is to mend it, which can't be done.
	switched errs 0
	retry 20 eval 'got "$new" /dev/dst/v && state_is 0 failed'
	reason_of 0 "could not be mended"
	got "$new" /dev/dst/v
	faults_are 0
}

@test "io_error() may drop a node that can't read something, and then it stays out" {
	flawed 2
	bad_spot
	retry 10 eval 'got "$new" /dev/dst/v && state_is 0 failed'
	reason_of 0 "^a read failed$"
	dm_heal flaw /dev/a
	sleep 3
	state_is 0 failed
	got "$new" /dev/dst/v
	faults_are 0
	dstctl node resume v 0
	in_sync v
}

@test "io_error() may have a node tried again that missed a write, until it is well: it gets what it missed" {
	flawed 3
	dm_fail flaw
	put "$old" /dev/dst/v
	retry 10 state_is 0 failed
	# It has been tried, and was no better.
	retry 20 reason_of 0 "looking at its medium failed"
	got "$old" /dev/dst/v
	dm_heal flaw /dev/a
	in_sync v
	for _ in 1 2 3; do got "$old" /dev/dst/v; done
	faults_are 0
	stopped_equal /dev/a /dev/b
}

@test "io_error() brings nobody back whom the operator has suspended" {
	flawed 3
	dm_fail flaw
	put "$old" /dev/dst/v
	retry 10 state_is 0 failed
	dstctl node suspend v 0
	dm_heal flaw /dev/a
	sleep 3
	state_is 0 suspended
	dstctl node resume v 0
	in_sync v
	stopped_equal /dev/a /dev/b
}

@test "a wrong io_error() is counted, and the default is used" {
	local level before
	flawed 4
	for level in 4 5 6; do
		before=$(faults)
		switched errs $level
		dm_fail flaw
		put "$old" /dev/dst/v
		retry 10 state_is 0 failed
		retry 10 at_least_faults $((before + 1))
		dm_heal flaw /dev/a
		sleep 2
		state_is 0 failed
		dstctl node resume v 0
		in_sync v
	done
	# After a read.
	quiet v
	before=$(faults)
	bad_spot
	retry 10 eval 'got "$old" /dev/dst/v && state_is 0 failed'
	reason_of 0 "could not be mended"
	[ "$(faults)" -gt "$before" ]
	got "$old" /dev/dst/v
}

# ---- arbitrate

# sides LEVEL: the local disk a and the far disk b of v, a mirror by the policy sides, have been written to apart from each other;
# v runs on a, with $new, and the policy's switch at LEVEL, and b is there for it now. $apart is all that is on b
sides() {
	far
	disks 16 a b
	remote b /dev/b
	loaded sides
	volume v --policy sides --grace 1 /dev/a "dst://$far/b"
	in_sync v
	quiet v
	patterns
	write_apart "$old"
	apart=$(sum /dev/b)
	switched sides "$1"
	# Given together they are refused, whatever the policy says.
	refused "written apart .split brain." dstctl volume assemble v /dev/a "dst://$far/b"
	refused "written apart .split brain." dstctl volume assemble v --degraded /dev/a "dst://$far/b"
	unexport b
	again v --degraded --grace 1 /dev/a "dst://$far/b"
	remote b /dev/b
}
stays_apart() {
	because 1 refused "written apart from this volume .split brain." && got "$new" /dev/dst/v &&
		equal "what is on b" "$(sum /dev/b)" "$apart"
}

@test "arbitrate() may let the volume win: what was written apart from it is thrown away" {
	sides 1
	in_sync v
	got "$new" /dev/dst/v
	faults_are 0
	dmesg_since | grep "node 1 was written apart .* by the word of policy 'sides'"
	stopped_equal /dev/a /dev/b
	got "$new" /dev/b
}

@test "arbitrate() may let nobody win, and is asked again and again; by default nobody does" {
	sides 0
	stays_apart
	switched sides 2
	dstctl node resume v 1
	stays_apart
	faults_are 0
	switched sides 1
	in_sync v
	got "$new" /dev/dst/v
	stopped_equal /dev/a /dev/b
}

@test "a wrong arbitrate() is counted, and nobody wins" {
	sides 3
	retry 40 at_least_faults 1
	stays_apart
}

@test "arbitrate() is not asked by a volume that runs on the operator's word alone" {
	local name
	far
	disks 16 a b c
	remote b /dev/b
	loaded sides
	volume v --policy sides --grace 1 /dev/a "dst://$far/b" /dev/c
	in_sync v
	quiet v
	stop v
	again v --degraded "dst://$far/b"
	writes 0
	stop v
	apart=$(sum /dev/b)
	switched sides 1
	unexport b
	again v --degraded --grace 1 /dev/a "dst://$far/b"
	writes 0
	patterns
	put "$new" /dev/dst/v
	remote b /dev/b
	stays_apart
	dstctl node resume v 1
	sleep 2
	stays_apart
}

# ---- tick

# seen KEY: what the policy ticks has counted there. seen_is KEY NUMBER; ticked NUMBER: so often at least
seen() { bpftool -j map lookup name m_ticks key "$1" 0 0 0 2> /dev/null | jq -r .formatted.value; }
seen_is() { [ "$(seen "$1")" = "$2" ]; }
ticked() { [ "$(seen 0)" -ge "$1" ]; }

@test "tick() is called once a second, and sees every node" {
	local before began nr
	disks 8 a b w
	loaded ticks
	volume v --policy ticks --witness /dev/w /dev/a /dev/b
	in_sync v
	retry 10 ticked 1
	before=$(seen 0) began=$SECONDS
	sleep 6
	nr=$(($(seen 0) - before))
	[ "$nr" -ge 2 ]
	[ "$nr" -le $((SECONDS - began + 2)) ]
	seen_is 1 3
	dstctl node suspend v 1
	retry 10 seen_is 1 2
	dstctl node resume v 1
	in_sync v
	retry 10 seen_is 1 3
	# While it is held, too.
	dstctl node suspend v 1
	dstctl node suspend v 2
	retry 10 volume_is v state held
	retry 10 seen_is 1 1
	dstctl node resume v 1
	dstctl node resume v 2
	in_sync v
	seen_is 2 0
	faults_are 0
	stopped_equal /dev/a /dev/b
}

@test "tick() ends with its volume, and with its policy, and begins again with them" {
	local before
	disks 8 a b c
	loaded ticks
	volume v --policy ticks /dev/a /dev/b
	retry 10 ticked 2
	stop v
	before=$(seen 0)
	sleep 3
	seen_is 0 "$before"
	again v /dev/a /dev/b
	retry 10 ticked $((before + 2))
	bpftool link detach pinned /sys/fs/bpf/dst/ticks
	retry 5 volume_is v state policy-lost
	sleep 1 # one may have been under way
	before=$(seen 0)
	sleep 3
	seen_is 0 "$before"
	rm /sys/fs/bpf/dst/ticks
	retry 10 not bpftool map show name m_ticks > /dev/null 2>&1
	loaded ticks
	retry 10 volume_is v state active
	retry 10 ticked 2
	# Of a volume without metadata, too.
	stop v
	before=$(seen 0)
	volume w --read-only --policy ticks /dev/c
	retry 10 ticked $((before + 2))
	stop w
	seen_is 2 0
}

@test "ticks go on while nodes come and go" {
	local before
	disks 8 a b c
	loaded ticks
	volume v --policy ticks /dev/a /dev/b
	in_sync v
	quiet v
	for _ in 1 2 3; do
		dstctl node add v /dev/c --adopt
		in_sync v
		retry 10 seen_is 1 3
		dstctl node remove v 2
		retry 10 seen_is 1 2
	done
	seen_is 2 0
	before=$(seen 0)
	retry 10 ticked $((before + 2))
	stopped_equal /dev/a /dev/b
}
