#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Resync that compares digests first (--checksum): what is the same is not copied, what differs is, and nothing else changes.
load helpers
load volumes
load recovery
load members

peer=$BATS_TEST_DIRNAME/build/wirepeer

# copy FROM TO: the data, and not the last MiB, which says whose it is
copy() { dd if="$1" of="$2" bs=1M count=$(($(data_bytes "$1") >> 20)) iflag=direct oflag=direct conv=notrunc status=none; }
# twin NAME OF: a disk that has the data of that one
twin() { disk "$1" $(($(blockdev --getsize64 "$2") >> 20)) > /dev/null && copy "$2" "/dev/$1"; }
# some_differ DISK: in five pieces of 64 KiB: a sector, two sectors in two of them, two in one, the last sector
some_differ() {
	spoil "$1" $((5 * 1048576 + 7 * 512)) 512
	spoil "$1" $((12 * 1048576 - 512)) 1024
	spoil "$1" $((20 * 1048576 + 65536)) 512
	spoil "$1" $((20 * 1048576 + 2 * 65536 - 512)) 512
	spoil "$1" $(($(data_bytes "$1") - 512)) 512
}
differing=$((5 * 65536))
# copied N BYTES: so many were copied by the last resync of node N, which was a full one
copied() { equal "bytes the same" "$(node_field v "$1" sync_same)" $(($(blockdev --getsize64 /dev/dst/v) - $2)); }
# replaced N DISK WHERE BYTES: node N gets that medium, to which no more than so much is written, besides superblocks and bitmap
replaced() {
	local before written
	before=$(sectors_written "$2")
	dstctl node replace v "$1" "$3" --adopt
	in_sync v
	written=$((($(sectors_written "$2") - before) * 512))
	[ $written -le $(($4 + (2 << 20))) ] || { echo "written to $2: $written bytes"; return 1; }
	copied "$1" "$4"
}
# carried: bytes over the link to far, so far
carried() { cat /sys/class/net/to-far/statistics/{rx,tx}_bytes | awk '{ n += $1 } END { printf "%d", n }'; }

# a_full_pair: v over the local disks a and b with something on them
a_full_pair() {
	policies mirror
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	volume v --policy mirror --checksum /dev/a /dev/b
	patterns 20
	put "$new" /dev/dst/v 8
	quiet v
}

@test "a local node that has it all is written nothing, and one that differs gets what does" {
	a_full_pair
	twin c /dev/a
	replaced 1 /dev/c /dev/c 0
	twin d /dev/a
	some_differ /dev/d
	replaced 1 /dev/d /dev/d $differing
	got "$new" /dev/dst/v 8
	stopped_equal /dev/a /dev/d
}

@test "a remote node that has it all is sent nothing, and one that differs gets what does" {
	local before
	pair 32 --checksum
	patterns 20
	put "$new" /dev/dst/v 8
	quiet v
	twin c /dev/a
	remote c /dev/c
	before=$(carried)
	replaced 1 /dev/c "dst://$far/c" 0
	[ $(($(carried) - before)) -le $((4 << 20)) ]
	twin d /dev/a
	some_differ /dev/d
	remote d /dev/d
	replaced 1 /dev/d "dst://$far/d" $differing
	got "$new" /dev/dst/v 8
	stopped_equal /dev/a /dev/d
}

@test "when it is a remote copy that is believed, only what differs is read from there" {
	local before
	policies mirror
	far
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	remote b /dev/b
	volume v --policy mirror --checksum "dst://$far/b" /dev/a
	patterns 20
	put "$new" /dev/dst/v 8
	quiet v
	twin c /dev/b
	some_differ /dev/c
	before=$(carried)
	replaced 1 /dev/c /dev/c $differing
	[ $(($(carried) - before)) -le $((4 << 20)) ]
	# Both at the other end: nobody here sees the data.
	twin d /dev/b
	some_differ /dev/d
	remote d /dev/d
	before=$(carried)
	replaced 1 /dev/d "dst://$far/d" $differing
	[ $(($(carried) - before)) -le $((4 << 20)) ]
	got "$new" /dev/dst/v 8
	stopped_equal /dev/b /dev/d
}

@test "of several nodes that lack something each gets its own" {
	local name
	a_full_pair
	twin c /dev/a
	some_differ /dev/c
	twin d /dev/a
	spoil /dev/d $((5 << 20)) 512
	spoil /dev/d $((25 << 20)) 65536
	# Node 3 comes in before anything that differs is copied: the region under way then is looked at again.
	fault region_ms $((1000 * DST_SLOW))
	dstctl node add v /dev/c --adopt
	dstctl node add v /dev/d --adopt
	[ "$(node_field v 2 dirty)" -gt $((26 << 20)) ]
	fault region_ms 0
	in_sync v
	copied 2 $differing
	copied 3 $((2 * 65536))
	stop v
	for name in b c d; do same_bytes /dev/a /dev/$name "$(data_bytes /dev/a)"; done
}

@test "of a region that a node missed a write in, what was not written is not copied" {
	pair 32 --checksum --grace 1
	unexport b
	retry 20 state_is 1 away
	local before
	before=$(sectors_written /dev/b)
	writes $((3 << 20))
	writes $(((24 << 20) + 61440)) 2
	equal missed "$(node_field v 1 dirty)" $((2 << 20))
	remote b /dev/b
	in_sync v
	equal "bytes the same" "$(node_field v 1 sync_same)" $(((2 << 20) - 3 * 65536))
	[ $(($(sectors_written /dev/b) - before)) -le $((3 * 128 + 2048)) ]
	stopped_equal /dev/a /dev/b
}

@test "nothing is lost under load, whatever is cut: the node comes back, again and again" {
	pair 32 --checksum --grace 1
	history_start /dev/dst/v --size 16M
	for _ in 1 2 3; do
		cut
		retry 20 state_is 1 away
		history_goes_on
		fault region_ms 200
		heal
		retry 30 state_is 1 syncing
		kill_connections init 7700
		fault region_ms 0
		in_sync v
	done
	history_goes_on
	history_stop
	history_check
	equal errors "$(node_field v 0 errors)" 0
	stopped_equal /dev/a /dev/b
}

# slow_from_the_start MILLISECONDS: region_ms of volumes that are made from now on
slow_from_the_start() { echo "$1" > /sys/kernel/debug/dst/first_region_ms; }

@test "a resync by digests that is stopped, or crashes, goes on" {
	a_full_pair
	twin c /dev/a
	some_differ /dev/c
	defer slow_from_the_start 0
	fault region_ms 200
	dstctl node replace v 1 /dev/c --adopt
	retry 20 state_is 1 syncing
	retry 20 eval '[ "$(node_field v 1 sync_same)" -gt 0 ]'
	dstctl volume stop v --force
	slow_from_the_start 200
	again v --checksum /dev/a /dev/c
	retry 20 state_is 1 syncing
	stop v
	slow_from_the_start 0
	# Without the option it is finished by copying.
	again v /dev/a /dev/c
	equal checksum "$(volume_field v checksum)" false
	in_sync v
	equal "bytes the same" "$(node_field v 1 sync_same)" 0
	got "$new" /dev/dst/v 8
	stopped_equal /dev/a /dev/c
}

@test "after a crash copies are made the same by their digests, local or remote" {
	pair 32 --checksum
	patterns 4
	put "$new" /dev/dst/v 3
	dstctl volume stop v --force
	spoil /dev/b $((3 << 20)) 512
	spoil /dev/b $((6 << 20)) 65536
	again v --checksum /dev/a "dst://$far/b"
	equal checksum "$(volume_field v checksum)" true
	got "$new" /dev/dst/v 3
	quiet v
	stopped_equal /dev/a /dev/b
}

@test "what can't be read where it is to be copied to is written" {
	requires module dm_snapshot
	modprobe dm_snapshot
	local size bad=4096
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	policies mirror
	volume v --policy mirror --checksum /dev/a /dev/b
	patterns
	put "$new" /dev/dst/v 1
	quiet v
	# As in recover2: sectors that can't be read until they are written.
	twin c /dev/a
	disk d 16 > /dev/null
	size=$(sectors /dev/c)
	dm_disk hole "$(holed /dev/c $bad 8)" > /dev/null
	dm_disk flaw "0 $size snapshot /dev/mapper/hole /dev/d N 8" > /dev/null
	exported flaw /dev/mapper/flaw
	dstctl node replace v 1 dst://127.0.0.1/flaw --adopt
	in_sync v
	copied 1 1048576
	equal errors "$(node_field v 1 errors)" 0
	got "$new" /dev/mapper/flaw 1
	got "$new" /dev/dst/v 1
}

# target NAME [OPTION...]: wirepeer is one, at 127.0.0.1:7704; not ours
target() {
	background "$peer" "${@:2}" good 127.0.0.1:7704 > "$BATS_TEST_TMPDIR/$1"
	retry 5 grep -q listening "$BATS_TEST_TMPDIR/$1"
}
# is_copied_to NAME: a node there gets what it missed
is_copied_to() {
	policies mirror
	disk a 64 > /dev/null
	patterns 4
	volume v --policy mirror --checksum --adopt /dev/a dst://127.0.0.1:7704/e
	in_sync v
	quiet v
	dstctl node suspend v 1
	put "$new" /dev/dst/v 8
	dstctl node resume v 1
	in_sync v
	equal "bytes the same" "$(node_field v 1 sync_same)" 0
	dstctl node suspend v 0
	got "$new" /dev/dst/v 8
	dstctl node resume v 0
	in_sync v
	stop v
	not grep broke "$BATS_TEST_TMPDIR/$1"
}

@test "a target that knows no digests is copied to, and not asked for any" {
	target old
	is_copied_to old
}

@test "a target that makes other digests is copied to" {
	target odd --features 1
	is_copied_to odd
}
