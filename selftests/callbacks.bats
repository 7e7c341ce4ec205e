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

@test "what looks at the volume's nodes is for callbacks of recovery" {
	refused "the kernel does not take '.*/wrong_view.bpf.o'" dstctl policy load "$hostile/wrong_view.bpf.o"
	loaded quorum
	equal callbacks "$(dstctl policy show quorum --json | jq -r '.callbacks | join(" ")')" "layout place quorum"
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
	in_sync v 30 || :
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
