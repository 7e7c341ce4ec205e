#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Recovery as the operator sees it: commands, sentences, what is shown. That no data is lost is the matter of other files.
load helpers
load volumes
load recovery
load members

# mirrored [OPTION...]: mirror v over the disks a and b, and something on it
mirrored() {
	policies mirror
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	volume v --policy mirror "$@" /dev/a /dev/b
	numbered "$BATS_TEST_TMPDIR/data" 4
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
}
intact() { got "$BATS_TEST_TMPDIR/data" /dev/dst/v; }
# says REGEX: status has that in its line
says() { dstctl status v | grep -qE "$1" || { dstctl status v; return 1; }; }

# ---- create

@test "a new volume shows its metadata" {
	mirrored --grace 7 --no-wait
	dstctl volume show v --json | jq -e '.metadata and .no_wait and .grace_ms == 7000 and .age > 0 and .votes == 2 and .nr_votes == 2
		and .region_size >= 1048576 and .scrub_total == 0'
	dstctl node show v --json | jq -e 'all(.in_sync and (.uuid | length == 36) and .dirty == 0 and .state == "up")'
	dstctl volume show v | grep -q '^votes  *2 of 2$'
	dstctl node show v | head -n 1 | grep -q LACKS
	equal status "$(dstctl status)" "v: active, 2 of 2 nodes up"
}

@test "a read-only or shared volume has no metadata" {
	policies linear
	disk a 8 > /dev/null
	volume v --policy linear --read-only /dev/a
	equal metadata "$(volume_field v metadata)" false
	stop v
	volume w --policy linear --shared /dev/a
	equal metadata "$(volume_field w metadata)" false
	refused "no metadata|only one" dstctl node suspend w 0
}

@test "a disk of a volume is named, and --adopt takes it" {
	mirrored
	stop v
	refused "node '/dev/b' is not blank: it holds node 1 of the DST volume v \\([0-9a-f-]{36}\\), which --adopt throws away" \
		dstctl volume create w --policy mirror /dev/b
	again v --scan
	intact
	stop v
	volume w --policy mirror --adopt /dev/b
	refused "node '/dev/a' is not blank: it holds node 0 of the DST volume v" dstctl node replace w 0 /dev/a
}

@test "what is not blank at the other end is refused there, and --adopt takes it" {
	policies linear
	far
	disk a 16 > /dev/null
	mkfs.ext4 -q /dev/a
	remote e /dev/a
	refused "not blank" dstctl volume create v --policy linear "dst://$far/e"
	volume v --policy linear --adopt "dst://$far/e"
}

@test "a witness votes, holds no data, and comes last" {
	policies mirror
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	disk w 4 > /dev/null
	volume v --policy mirror --witness /dev/w /dev/a /dev/b
	equal size "$(volume_field v size)" "$(data_bytes /dev/a)"
	equal votes "$(volume_field v nr_votes)" 3
	dstctl node show v --json | jq -e 'map(.witness) == [false, false, true]'
	dstctl node show v | grep -qE '^2 .* witness '
	stop v
	again v --scan
	dstctl node show v --json | jq -e 'map(.witness) == [false, false, true]'
}

# ---- assemble

@test "a volume is assembled from its nodes in any order, or found" {
	mirrored
	local uuid
	uuid=$(volume_field v uuid)
	stop v
	again v /dev/b /dev/a
	intact
	dstctl node show v --json | jq -e 'map(.where) == ["/dev/a", "/dev/b"]'
	equal uuid "$(volume_field v uuid)" "$uuid"
	stop v
	again v --scan
	intact
	stop v
	dstctl volume assemble "$uuid" --scan --json | jq -e '.volume == "v"'
	intact
	equal up "$(volume_field v up_nodes)" 2
	stop v
	again v /dev/b --scan
	equal up "$(volume_field v up_nodes)" 2
}

@test "assembling takes more than half, or --degraded" {
	local file=$BATS_TEST_TMPDIR/config
	mirrored
	dstctl save "$file"
	stop v
	refused "--degraded" dstctl volume assemble v /dev/a
	again v --degraded /dev/a
	intact
	dstctl node show v --json | jq -e '.[1].where == ""'
	says "node 1 .*1 of 2 votes|1 of 2 votes.*node 1"
	dstctl tree | grep -q "node 1 not given"
	# Feared: the next boot does without it, too.
	dstctl save "$file"
	jq -e '.volumes[0].nodes | map(.where) == ["/dev/a", "/dev/b"]' "$file"
	[ ! -e "$file.old" ]
}

@test "what can't be told apart is not assembled" {
	policies linear
	disk a 8 > /dev/null
	disk b 8 > /dev/null
	volume v --policy linear /dev/a
	stop v
	volume v --policy linear /dev/b
	local uuid
	uuid=$(volume_field v uuid)
	stop v
	refused "there are two volumes v, .*: give the uuid" dstctl volume assemble v --scan
	dstctl volume assemble "$uuid" --scan
	defer _volume_gone v init
	equal where "$(node_field v 0 where)" /dev/b
	stop v
	dd if=/dev/b of=/dev/a bs=1M oflag=direct status=none
	refused "/dev/[ab] and /dev/[ab] are copies of one node: give the nodes themselves" dstctl volume assemble v --scan
	refused "no unused block device of this machine is a node of a volume w" dstctl volume assemble w --scan
	refused "volume 'v'|of volume v" dstctl volume assemble w /dev/b
}

@test "what a device-mapper device is made of is not taken for a node" {
	policies linear
	disk a 8 > /dev/null
	dm_linear over /dev/a > /dev/null
	volume v --policy linear /dev/mapper/over
	stop v
	again v --scan
	equal where "$(node_field v 0 where)" /dev/mapper/over
}

# ---- suspend, resume

@test "a suspended volume waits, and says so" {
	mirrored
	dstctl volume suspend v
	equal state "$(volume_field v state)" suspended
	says "^v: suspended, 2 of 2 nodes up; suspended, requests wait until it is resumed"
	dd if=/dev/dst/v of=/dev/null bs=4k count=1 iflag=direct status=none &
	background=$!
	sleep 1
	kill -0 $background
	dstctl volume wait v --until up --timeout 60 &
	local waiter=$!
	refused "suspended already" dstctl volume suspend v
	dstctl volume resume v
	wait $background
	wait $waiter
	refused "not suspended" dstctl volume resume v
	intact
}

@test "a suspended volume waits, even one that does not wait for nodes" {
	mirrored --no-wait
	dstctl volume suspend v
	background dd if=/dev/dst/v of=/dev/null bs=4k count=1 iflag=direct status=none
	local read=$background
	sleep 1
	kill -0 "$read"
	dstctl volume resume v
	wait "$read"
}

# Feared: it waits for what resync has under way, which goes on.
@test "a volume is suspended while a copy is brought up to date" {
	policies mirror
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	dm_linear slow /dev/b > /dev/null
	volume v --policy mirror /dev/a /dev/mapper/slow
	quiet v
	dstctl node suspend v 1
	numbered "$BATS_TEST_TMPDIR/data" 4
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	window region_ms
	dstctl node resume v 1
	in_window
	# The next region takes as long as the test, below.
	dm_table slow "0 $(sectors /dev/b) delay /dev/b 0 0 /dev/b 0 600000"
	defer dm_heal slow /dev/b
	let_go
	retry 20 slowed
	at_most 5 dstctl volume suspend v
	slowed
	equal state "$(volume_field v state)" suspended
	dm_heal slow /dev/b
	dstctl volume resume v
	in_sync v
	intact
}

# hung: a write is under way on the node "slow", a disk that does not answer
hung() {
	dm_table slow "0 $(sectors /dev/a) delay /dev/a 0 0 /dev/a 0 600000"
	defer dm_heal slow /dev/a
	background dd if=/dev/zero of=/dev/dst/v bs=4k count=1 oflag=direct status=none
	retry 20 slowed
}

# Feared: it waits with the lock of generic netlink, so that nothing can be done about it, nor by anybody else.
@test "who suspends a node whose disk does not answer can be killed; it is suspended all the same" {
	local suspending
	requires module dm_delay
	modprobe dm_delay
	policies mirror
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	dm_delay slow /dev/a 0 > /dev/null
	volume v --policy mirror /dev/mapper/slow /dev/b
	in_sync v
	hung
	background dstctl node suspend v 0
	suspending=$background
	retry 20 state_is 0 suspended
	kill -0 "$suspending"
	background dstctl node resume v 1
	kill -KILL "$background" "$suspending"
	retry 5 not kill -0 "$suspending" 2> /dev/null
	retry 5 not kill -0 "$background" 2> /dev/null
	dm_heal slow /dev/a
	dstctl node resume v 0
	in_sync v
}

# Feared: whoever stops it waits for that disk before others are looked at.
@test "a stop by force ends what waits for a lost node, although another one's disk does not answer" {
	local writer
	requires module dm_delay
	modprobe dm_delay
	policies linear
	far
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	remote b /dev/b
	dm_delay slow /dev/a 0 > /dev/null
	volume v --policy linear --grace 60 /dev/mapper/slow "dst://$far/b"
	hung
	background dstctl node suspend v 0
	retry 20 state_is 0 suspended
	cut
	retry 20 state_is 1 lost
	background dd if=/dev/zero of=/dev/dst/v bs=1M seek=20 count=1 oflag=direct status=none
	writer=$background
	sleep 1
	kill -0 "$writer"
	background dstctl volume stop v --force
	retry 10 not kill -0 "$writer" 2> /dev/null
	dm_heal slow /dev/a
	wait "$background"
}

@test "a node is suspended, resumed and in sync again" {
	mirrored
	disk c 8 > /dev/null
	listen /dev/c
	dstctl node suspend v 1 --json | jq -e '.volume == "v" and .suspended == 1'
	equal state "$(node_field v 1 state)" suspended
	refused "suspended already" dstctl node suspend v 1
	says "node 1 suspended for [0-9]+ s.*, back when it is resumed"
	numbered "$BATS_TEST_TMPDIR/data" 4 7
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	says "to copy then"
	refused "not in-sync after 1 s: v: degraded" dstctl volume wait v --until in-sync --timeout 1
	dstctl node resume v 1
	in_sync v
	dstctl volume wait v --until active --timeout 10
	stop v
	same_bytes /dev/a /dev/b "$(data_bytes /dev/a)"
	retry 5 told 1 suspended
}

@test "an export is suspended: its node waits outside, and comes back by itself" {
	policies mirror
	far
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	remote b /dev/b
	volume v --policy mirror /dev/a "dst://$far/b"
	ns=far dst export suspend b
	equal suspended "$(ns=far dst export show b --json | jq .suspended)" true
	ns=far dst export list | grep -q " suspended "
	retry 10 node_is v 1 state suspended
	dd if=/dev/zero of=/dev/dst/v bs=1M count=2 oflag=direct status=none
	ns=far dst export resume b
	in_sync v
	equal suspended "$(ns=far dst export show b --json | jq .suspended)" false
}

# ---- losing and replacing

@test "a lost node is counted down, then done without, then back" {
	policies mirror
	far
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	remote b /dev/b
	volume v --policy mirror --grace 8 /dev/a "dst://$far/b"
	cut_link init far
	kill_connections init 7700
	retry 30 node_is v 1 state lost
	says "node 1 lost [0-9]+ s ago.*, holding writes for [0-9]+ s more, then degrading"
	retry 30 node_is v 1 state away
	dd if=/dev/zero of=/dev/dst/v bs=1M count=2 oflag=direct status=none
	says "^v: degraded, 1 of 2 nodes up; 1 of 2 votes, if one more is lost I/O is held; node 1 away for .*, back when it can be reached"
	restore_link init far
	in_sync v
	equal status "$(dstctl status v)" "v: active, 2 of 2 nodes up"
}

@test "without a quorum it is held, and says what it waits for" {
	policies mirror
	far
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	disk c 16 > /dev/null
	remote b /dev/b
	remote c /dev/c
	volume v --policy mirror --grace 1 /dev/a "dst://$far/b" "dst://$far/c"
	cut_link init far
	kill_connections init 7700
	retry 60 volume_is v state held
	says "held: 1 of 3 votes, waiting for nodes"
	refused "not up after 1 s: v: held, 1 of 3 nodes up" dstctl volume wait v --until up --timeout 1
	dstctl volume wait v --until active --timeout $((60 * DST_SLOW)) &
	background=$!
	restore_link init far
	wait $background
}

@test "a disk is replaced by a blank one" {
	mirrored
	disk c 32 > /dev/null
	mkfs.ext4 -q /dev/c
	refused "node '/dev/c' is not blank: it holds ext4" dstctl node replace v 1 /dev/c
	# Of one that is elsewhere only the kernel can say so, when the old one is closed: that comes back.
	exported full /dev/c
	refused "it is not blank \\(sector [0-9]+\\): --adopt loses what is on it" dstctl node replace v 1 dst://127.0.0.1/full
	in_sync v
	equal where "$(node_field v 1 where)" /dev/b
	dstctl export remove full
	dstctl node replace v 1 /dev/c --adopt
	dstctl status --watch > "$BATS_TEST_TMPDIR/watch" &
	background=$!
	defer kill_wait $background
	in_sync v
	equal where "$(node_field v 1 where)" /dev/c
	stop v
	same_bytes /dev/a /dev/c "$(data_bytes /dev/a)"
	# The old one is no node any more.
	again v --scan
	dstctl node show v --json | jq -e 'map(.where) == ["/dev/a", "/dev/c"]'
	refused "there is nothing to resolve|in service" dstctl node resolve v 1 --discard
}

# ---- scrub

@test "a scrub finds what differs, and repairs it" {
	mirrored
	refused "under way" dstctl volume scrub v --stop
	at_most 60 dstctl volume scrub v --wait > "$BATS_TEST_TMPDIR/said"
	grep -qx "volume v: .* compared, nothing differs" "$BATS_TEST_TMPDIR/said"
	dstctl volume show v | grep -q "^scrub .*nothing differed"
	dd if=/dev/urandom of=/dev/b bs=4k count=1 seek=100 oflag=direct conv=notrunc status=none
	dmesg_allow 'volume v: scrub: '
	refused "compared, 4k differ \\(--repair makes them the same\\)" timeout $((60 * DST_SLOW)) dstctl volume scrub v --wait
	says "4k differed in the last scrub"
	dstctl volume scrub v --wait --repair | grep -q "4k differed and were made the same"
	dstctl volume scrub v --wait --json | jq -e '.differed == 0 and .compared > 0'
	stop v
	same_bytes /dev/a /dev/b "$(data_bytes /dev/a)"
}

# ---- save, restore

@test "a disk that shows up after the boot is taken in, by itself" {
	policies mirror
	local table="0 $((16 << 11)) linear /dev/c 2048"
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	disk c 18 > /dev/null
	# Its last MiB is not that of the disk below it.
	dm_disk late "$table" > /dev/null
	volume v --policy mirror /dev/a /dev/b /dev/mapper/late
	dstctl save "$BATS_TEST_TMPDIR/config"
	stop v
	_dm_gone late
	dstctl restore "$BATS_TEST_TMPDIR/config"
	node_is v 2 state away
	equal place "$(node_field v 2 where)" /dev/mapper/late
	numbered "$BATS_TEST_TMPDIR/data" 4
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	dmsetup create late --noudevsync --noudevrules --table "$table"
	dmsetup mknodes late
	dstctl volume wait v --until in-sync
	stop v
	same_bytes /dev/a /dev/mapper/late $((4 << 20))
	# Who did not say where the third one is: nor can it be connected again.
	dstctl volume assemble v /dev/a /dev/b
	refused "node 2 was not given" dstctl node resume v 2
}

@test "a device that does not answer does not hold up the search for another's nodes" {
	policies linear
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	volume mute --policy linear /dev/a
	volume v --policy linear /dev/b
	stop v
	dstctl volume suspend mute
	defer dstctl volume resume mute
	at_most 40 dstctl volume assemble v --scan 2> "$BATS_TEST_TMPDIR/said"
	grep -q "/dev/dst/mute did not answer in 20 seconds: it is left out" "$BATS_TEST_TMPDIR/said"
	volume_is v state active
}

@test "volumes come back whatever their disks are called, with their options" {
	policies mirror
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	dm_linear first /dev/b > /dev/null
	volume v --policy mirror --grace 5 --connections 3 --io-timeout 9 --checksum /dev/a /dev/mapper/first
	numbered "$BATS_TEST_TMPDIR/data" 4
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	dstctl save "$BATS_TEST_TMPDIR/config"
	stop v
	renamed_back() { _volume_gone v init && dmsetup rename --noudevsync second first && dmsetup mknodes; }
	defer renamed_back
	dmsetup rename --noudevsync first second
	dmsetup mknodes
	# Something else has the old name by now.
	disk c 16 > /dev/null
	mkfs.ext4 -q /dev/c
	dm_linear first /dev/c > /dev/null
	dstctl restore "$BATS_TEST_TMPDIR/config"
	intact
	dstctl volume show v --json | jq -e '.grace_ms == 5000 and .connections == 3 and .io_timeout_ms == 9000 and .checksum and .up_nodes == 2'
	dstctl node show v --json | jq -e 'map(.where) == ["/dev/a", "/dev/mapper/second"]'
	dstctl restore "$BATS_TEST_TMPDIR/config"
}

@test "a volume over a local export shares it, and comes back with it" {
	policies linear
	disk a 16 > /dev/null
	exported e /dev/a
	volume v --policy linear export:e
	equal where "$(node_field v 0 where)" export:e
	equal local "$(node_field v 0 local)" true
	dstctl save "$BATS_TEST_TMPDIR/config"
	stop v
	dstctl export remove e
	dstctl restore "$BATS_TEST_TMPDIR/config"
	equal state "$(volume_field v state)" active
	stop v
	refused "no export|nothing" dstctl volume create w --policy linear export:nothing
}
