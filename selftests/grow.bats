#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Nodes that are added to a volume, and removed from it, while it runs.
load helpers
load volumes
load recovery
load members

# mirrored SIZE [ARGUMENT...]: mirror v over the local disks a and b, the same and with no region marked; disk c is there
mirrored() {
	local size=$1 name
	shift
	policies mirror
	for name in a b c; do disk $name "$size" > /dev/null; done
	volume v --policy mirror /dev/a /dev/b "$@"
	quiet v
}
# places: where v's nodes are
places() { dstctl node show v --json | jq -r 'map(.where) | join(" ")'; }
# table DISK: the superblock's index, and its nodes: w a witness, + in sync, - not
table() {
	"$superdump" "$1" | jq -r '.super | "\(.index) \(.nodes | map(if .witness then "w" elif .in_sync then "+" else "-" end) | join(""))"'
}
has_super() { "$superdump" "$1" | jq -e '.super != null' > /dev/null; }
# alone DISK FILE: it mounts by itself, and has the file
alone() {
	local fs=$BATS_TEST_TMPDIR/alone
	mounted "$1" "$fs" -o ro
	same_bytes "$fs/file" "$2"
	umount "$fs"
	e2fsck -fn "$1" > "$BATS_TEST_TMPDIR/fsck"
}

@test "a mirror gets a third copy under load, and loses it again, while it is mounted" {
	mirrored 64
	local fs=$BATS_TEST_TMPDIR/fs name
	listen /dev/c
	mkfs.ext4 -q /dev/dst/v
	mounted /dev/dst/v "$fs"
	numbered "$fs/file" 4
	cp "$fs/file" "$BATS_TEST_TMPDIR/file"
	background fio --name=grow --directory="$fs" --ioengine=io_uring --direct=1 --iodepth=8 --rw=randrw --bsrange=4k-256k --size=16M \
		--time_based --runtime=$((30 * DST_SLOW)) --verify=crc32c --verify_fatal=1 --fsync=64 --output="$BATS_TEST_TMPDIR/fio"
	local fio=$background
	forget
	sleep 1
	equal added "$(dstctl node add v /dev/c --json | jq -c '[.volume, .added]')" '["v",2]'
	equal copies "$(volume_field v copies) $(volume_field v nr_nodes) $(volume_field v nr_votes)" "3 3 3"
	in_sync v
	equal places "$(places)" "/dev/a /dev/b /dev/c"
	retry 5 told 2 up
	kill -0 "$fio"
	dstctl node remove v 2 --json | jq -e '.removed == 2'
	equal copies "$(volume_field v copies) $(volume_field v nr_nodes)" "2 2"
	equal "its superblock" "$(has_super /dev/c && echo there)" ""
	kill -0 "$fio"
	# And once more: then fio ends in peace.
	dstctl node add v /dev/c --adopt
	in_sync v
	wait "$fio" || { cat "$BATS_TEST_TMPDIR/fio"; return 1; }
	umount "$fs"
	dstctl volume scrub v --wait
	stop v
	for name in b c; do same_bytes /dev/a /dev/$name "$(data_bytes /dev/a)"; done
	for name in a b c; do alone /dev/$name "$BATS_TEST_TMPDIR/file"; done
	equal tables "$(table /dev/a), $(table /dev/b), $(table /dev/c)" "0 +++, 1 +++, 2 +++"
	again v /dev/c /dev/a /dev/b
	equal places "$(places)" "/dev/a /dev/b /dev/c"
	equal copies "$(volume_field v copies)" 3
}

@test "the first of three copies is removed: those after it move up, and what it has mounts alone" {
	mirrored 32
	local fs=$BATS_TEST_TMPDIR/fs
	mkfs.ext4 -q /dev/dst/v
	mounted /dev/dst/v "$fs"
	numbered "$fs/file" 4
	cp "$fs/file" "$BATS_TEST_TMPDIR/file"
	umount "$fs"
	dstctl node add v /dev/c
	in_sync v
	quiet v
	dstctl node remove v 0
	equal places "$(places)" "/dev/b /dev/c"
	equal state "$(volume_field v state)" active
	alone /dev/a "$BATS_TEST_TMPDIR/file"
	refused "holds no volume of DST|no node with a superblock" dstctl volume assemble w /dev/a
	writes $((20 << 20))
	stopped_equal /dev/b /dev/c
	equal tables "$(table /dev/b), $(table /dev/c)" "0 ++, 1 ++"
	again v /dev/c /dev/b
	equal places "$(places)" "/dev/b /dev/c"
	alone /dev/a "$BATS_TEST_TMPDIR/file"
}

@test "a witness comes and goes; nodes with data come before it" {
	mirrored 16
	disk w 4 > /dev/null
	equal added "$(dstctl node add v /dev/w --witness --json | jq .added)" 2
	retry 10 works 2
	equal votes "$(volume_field v votes) of $(volume_field v nr_votes), $(volume_field v copies) copies" "3 of 3, 2 copies"
	dstctl node show v --json | jq -e 'map(.witness) == [false, false, true]'
	equal added "$(dstctl node add v /dev/c --json | jq .added)" 2
	in_sync v
	equal places "$(places)" "/dev/a /dev/b /dev/c /dev/w"
	equal tables "$(table /dev/c), $(table /dev/w)" "2 +++w, 3 +++w"
	stop v
	again v /dev/w /dev/c /dev/b /dev/a
	equal places "$(places)" "/dev/a /dev/b /dev/c /dev/w"
	quiet v
	dstctl node remove v 1
	equal places "$(places)" "/dev/a /dev/c /dev/w"
	dstctl node remove v 2
	equal places "$(places)" "/dev/a /dev/c"
	not has_super /dev/w
	stopped_equal /dev/a /dev/c
	equal tables "$(table /dev/a), $(table /dev/c)" "0 ++, 1 ++"
}

@test "a crash right after a node was added: it is assembled with it, and the resync goes on" {
	mirrored 64
	patterns
	put "$new" /dev/dst/v
	quiet v
	fault region_ms 200
	dstctl node add v /dev/c
	put "$old" /dev/dst/v 16
	dstctl volume stop v --force
	again v /dev/a /dev/b /dev/c
	equal copies "$(volume_field v copies)" 3
	got "$new" /dev/dst/v
	got "$old" /dev/dst/v 16
	in_sync v
	stop v
	same_bytes /dev/a /dev/b "$(data_bytes /dev/a)"
	same_bytes /dev/a /dev/c "$(data_bytes /dev/a)"
	# The old ones are enough, too.
	again v /dev/b /dev/a
	state_is 2 away
}

@test "a node that was away while another was added gets its new index when it comes back" {
	policies mirror
	far
	local name
	for name in a b c; do disk $name 16 > /dev/null; done
	disk w 4 > /dev/null
	remote w /dev/w
	volume v --policy mirror --grace 1 /dev/a /dev/b --witness "dst://$far/w"
	quiet v
	unexport w
	retry 20 state_is 2 away
	dstctl node add v /dev/c
	retry 60 node_is v 2 state up
	equal witness "$(table /dev/w)" "2 ++w"
	state_is 3 away
	remote w /dev/w
	retry 30 works 3
	retry 10 eval '[ "$(table /dev/w)" = "3 +++w" ]'
	# And one that does not come back before the end is known all the same.
	unexport w
	retry 20 state_is 3 away
	quiet v
	dstctl node remove v 1
	equal places "$(places)" "/dev/a /dev/c dst://$far:7700/w"
	stop v
	remote w /dev/w
	again v /dev/a "dst://$far/w" /dev/c
	equal places "$(places)" "/dev/a /dev/c dst://$far:7700/w"
	retry 30 works 2
	retry 10 eval '[ "$(table /dev/w)" = "2 ++w" ]'
}

@test "a removed node that could not be reached is no part of the volume when it comes back" {
	policies mirror
	far
	local name
	for name in a b c; do disk $name 16 > /dev/null; done
	remote c /dev/c
	volume v --policy mirror --grace 1 /dev/a /dev/b "dst://$far/c"
	quiet v
	unexport c
	retry 20 state_is 2 away
	patterns
	put "$new" /dev/dst/v
	dmesg_allow 'what was node 2 keeps its superblock'
	dstctl node remove v 2
	equal state "$(volume_field v state)" active
	equal places "$(places)" "/dev/a /dev/b"
	has_super /dev/c
	local before
	before=$(sum /dev/c)
	refused "node '/dev/c' is not blank: it holds node 2 of the DST volume v" dstctl node add v /dev/c
	stop v
	refused "no longer part of the volume|only 1 of" dstctl volume assemble v /dev/c
	refused "no longer part of the volume" dstctl volume assemble v /dev/a /dev/c
	again v /dev/a /dev/b /dev/c
	equal places "$(places)" "/dev/a /dev/b"
	got "$new" /dev/dst/v
	equal "what is on it" "$(sum /dev/c)" "$before"
	# In another's place it is refused, too.
	dstctl node add v /dev/c --adopt
	in_sync v
	stop v
	same_bytes /dev/a /dev/c "$(data_bytes /dev/a)"
}

@test "a dead copy is removed, and what remains has a quorum of its own" {
	policies mirror
	local name
	for name in a b c; do disk $name 16 > /dev/null; done
	dm_linear bad /dev/c > /dev/null
	volume v --policy mirror /dev/a /dev/b /dev/mapper/bad
	quiet v
	dmesg_allow 'node 2 failed'
	dmesg_allow 'what was node 2 keeps its superblock'
	dm_fail bad
	writes 0
	retry 10 state_is 2 failed
	dstctl node remove v 2
	equal state "$(volume_field v state)" active
	equal votes "$(volume_field v votes) of $(volume_field v nr_votes)" "2 of 2"
	writes 4096
	stopped_equal /dev/a /dev/b
	again v /dev/a /dev/b
}

@test "what can't be is refused with its reason, and nothing is changed" {
	mirrored 16
	disk small 8 > /dev/null
	local before
	before=$(table /dev/a)
	refused "it is too small: the volume would have [0-9]+ sectors, not [0-9]+" dstctl node add v /dev/small
	refused "that is node 1 of the volume" dstctl node add v /dev/b --adopt
	mkfs.ext4 -q /dev/c
	refused "node '/dev/c' is not blank: it holds ext4" dstctl node add v /dev/c
	exported c /dev/c
	refused "it is not blank \\(sector [0-9]+\\): --adopt loses what is on it" dstctl node add v dst://127.0.0.1/c
	dstctl export remove c
	refused "lies on the volume|busy" dstctl node add v /dev/dst/v --adopt
	refused "one copy would be left: dstctl node replace" dstctl node remove v 1
	refused "volume v has no node 7, its nodes are 0 to 1" dstctl node remove v 7
	refused "there is no volume w" dstctl node add w /dev/c --adopt
	refused "there is no volume w" dstctl node remove w 0
	equal table "$(table /dev/a)" "$before"
	equal state "$(volume_field v state)" active
	before=$(sum /dev/c)
	bpftool link detach pinned /sys/fs/bpf/dst/mirror
	rm /sys/fs/bpf/dst/mirror
	retry 5 volume_is v state policy-lost
	refused "policy 'mirror' is detached" dstctl node add v /dev/c --adopt
	equal "what was to be adopted" "$(sum /dev/c)" "$before"
	equal places "$(places)" "/dev/a /dev/b"
	dstctl policy load mirror
	retry 5 volume_is v state active
	stopped_equal /dev/a /dev/b
}

# Feared: the target ends the session of the node that is there, as that of an initiator that has come back.
@test "an export that is a node already is refused by another address, too, and the node is not disturbed" {
	local name session
	policies linear mirror
	for name in a b c d; do disk $name 16 > /dev/null; done
	exported b /dev/b --listen dst://127.0.0.1 --listen dst://127.0.0.1:7701 --max-sessions 1
	exported c /dev/c --max-sessions 1
	volume v --policy mirror /dev/a dst://127.0.0.1/b
	session() { dstctl export show b --json | jq -c '.sessions | map(.id)'; }
	session=$(session)
	for name in dst://127.0.0.1:7701/b export:b; do
		refused "that is the export of node 1 of the volume" dstctl node add v $name --adopt
		refused "that is the export of node 1 of the volume" dstctl node replace v 0 $name --adopt
	done
	dstctl export suspend c
	refused "export 'c' is suspended" dstctl node replace v 1 dst://127.0.0.1/c --adopt
	dstctl export resume c
	exported d /dev/d --max-sessions 1
	volume w --policy linear --read-only dst://127.0.0.1/d
	refused "export 'd' has 1 sessions, no more are allowed" dstctl node replace v 1 dst://127.0.0.1/d --adopt
	equal session "$(session)" "$session"
	equal nodes "$(node_field v 0 state) $(node_field v 1 state)" "up up"
	# Its own new address is another matter, and so is another export.
	dstctl node replace v 1 dst://127.0.0.1:7701/b --adopt
	in_sync v
	dstctl node add v dst://127.0.0.1/c
	in_sync v
	refused "that is the export of node 2 of the volume" dstctl node add v export:c --adopt
	equal places "$(places)" "/dev/a dst://127.0.0.1:7701/b dst://127.0.0.1:7700/c"
}

@test "linear and stripe volumes don't get nodes: sectors would move" {
	local policy name
	for name in a b c; do disk $name 16 > /dev/null; done
	for policy in linear stripe; do
		policies $policy
		volume v --policy $policy --adopt /dev/a /dev/b
		refused "policy '$policy' keeps no copy on each node: sectors would move" dstctl node add v /dev/c
		refused "policy '$policy' keeps no copy on each node: sectors would move" dstctl node remove v 1
		# A witness may.
		dstctl node add v /dev/c --witness
		dstctl node remove v 2
		stop v
	done
	policies mirror
	volume v --policy mirror --adopt /dev/a 2> "$BATS_TEST_TMPDIR/said"
	equal said "$(< "$BATS_TEST_TMPDIR/said")" "dstctl: warning: v has one copy, and can't get a second one later"
	refused "a volume made with one copy can't get another: make one of two nodes" dstctl node add v /dev/c
	refused "node 0 is the only one with data" dstctl node remove v 0
	stop v
	volume v --policy linear --shared /dev/a
	refused "volume 'v' has no metadata" dstctl node add v /dev/c
}

@test "no node goes that is needed" {
	policies mirror
	far
	local name
	for name in a b c; do disk $name 16 > /dev/null; done
	remote b /dev/b
	remote c /dev/c
	volume v --policy mirror --grace 1 /dev/a "dst://$far/b" "dst://$far/c"
	quiet v
	unexport b
	retry 20 state_is 1 away
	writes 0
	refused "no quorum: 1 of the other nodes are there, 2 must be" dstctl node remove v 2
	dstctl node remove v 1
	# Of two, the one that has all data stays.
	disk d 16 > /dev/null
	disk w 4 > /dev/null
	dstctl node add v /dev/w --witness
	retry 10 works 2
	quiet v
	fault region_ms 300
	dstctl node add v /dev/d
	unexport c
	retry 20 state_is 1 away
	refused "node 0 is the last one that has all data" dstctl node remove v 0
	state_is 0 up
	equal places "$(places)" "/dev/a dst://$far:7700/c /dev/d /dev/w"
	fault region_ms 0
	remote c /dev/c
	in_sync v
}

# Feared: scrub waits for the write, the command for scrub, and no signal ends it.
@test "a command for a node more ends by a signal while a write does not end, and a scrub waits for it" {
	mirrored 32
	fault hold_legs 2
	defer let_go
	background writes 0
	local writer=$background begin
	retry 10 held
	dstctl volume scrub v
	sleep 0.5
	# In vain it would be in the kernel until then.
	background sh -c 'sleep 20; echo 0 > /sys/kernel/debug/dst/faults/v/hold_legs'
	begin=$SECONDS
	not timeout -s INT 2 dstctl node add v /dev/c
	[ $((SECONDS - begin)) -lt $((9 * DST_SLOW)) ]
	equal nodes "$(volume_field v nr_nodes)" 2
	let_go
	wait "$writer"
	dstctl node add v /dev/c
	in_sync v
}
held() { [ "$(node_field v 1 in_flight)" -gt 0 ]; }

@test "a volume stops by force while a node is being added" {
	mirrored 32
	fault age_before_ms 2000
	background dstctl node add v /dev/c
	local adder=$background
	sleep 1
	at_most 40 dstctl volume stop v --force
	wait "$adder" || :
	again v /dev/a /dev/b
	in_sync v || :
	writes 0
	stop v
	again v --scan
}

@test "nodes come and go while others look, and under a volume that lies on it" {
	mirrored 32
	disk x 16 > /dev/null
	volume above --policy mirror /dev/dst/v
	exported e /dev/dst/above
	looks() {
		while :; do
			dstctl node show v > /dev/null || return
			dstctl volume show v --json | jq -e '.nr_nodes >= 2' > /dev/null || return
			dstctl map v 100 > /dev/null || return
			cat /sys/kernel/debug/dst/volumes > /dev/null
		done
	}
	background looks
	local looker=$background
	history_start /dev/dst/above --size 8M
	for _ in 1 2 3; do
		dstctl node add v /dev/c --adopt
		history_goes_on
		in_sync v
		quietly() { dstctl node remove v 2; }
		retry 20 quietly
		history_goes_on
	done
	kill -0 "$looker"
	history_stop
	history_check
	equal state "$(volume_field v state) $(volume_field above state)" "active active"
	dstctl export remove e
	stop above
	stopped_equal /dev/a /dev/b
}
