#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What is lost when a connection, a link, a disk or an export is, and what is not. Whatever happens, I/O, umount and stop end.
load helpers
load volumes
load recovery
load members

# All are made with --grace 1, so that the time of waiting for a lost node is soon over.

# ---- load

# load_start [FIO-OPTION...]: fio writes v for 12 seconds and verifies all of it, in the background; node 1 gets its part
load_start() {
	background fio --name=load --filename=/dev/dst/v --ioengine=io_uring --direct=1 --iodepth=16 --rw=randwrite --size=24M \
		--bssplit=512/20:4k/40:16k/20:64k/20 --rate=2m --verify=crc32c --verify_fatal=1 \
		--output="$BATS_TEST_TMPDIR/load" "$@"
	load=$background
	retry 30 node_has v 1 writes 10
}
# hammer: fio writes v, without an end; stuck: and waits for node 1
hammer() {
	background fio --name=hammer --filename=/dev/dst/v --ioengine=io_uring --direct=1 --iodepth=16 --rw=randwrite --size=14M \
		--bs=16k --time_based --runtime=1000 --output="$BATS_TEST_TMPDIR/load"
	load=$background
	retry 30 node_has v 1 writes 30
}
stuck() { retry 10 _stuck; }
_stuck() {
	local before
	before=$(node_field v 1 writes)
	sleep 1
	node_is v 1 writes "$before" && node_has v 1 in_flight 1
}
# load_runs: it is not over yet
load_runs() { kill -0 "$load" || { cat "$BATS_TEST_TMPDIR/load"; return 1; }; }
load_ends() { retry "${1:-60}" not kill -0 "$load" 2> /dev/null; }
load_ends_well() {
	load_ends && wait "$load" && return
	cat "$BATS_TEST_TMPDIR/load"
	return 1
}

# failed INDEX REGEX: v is degraded, that node of it has failed, and it says why
failed() {
	retry 10 node_is v "$1" state failed
	retry 5 volume_is v state degraded
	local reason
	reason=$(node_field v "$1" reason)
	[[ $reason =~ $2 ]] || { echo "node $1 failed with '$reason', not '$2'"; return 1; }
	dstctl status v | grep -qF "v: degraded"
	dstctl status v | grep -qF "node $1 "
}
# lost INDEX REGEX [SECONDS]: that node was lost, for such a reason, was not back within the grace time, and v is degraded
lost() {
	retry "${3:-10}" told "$1" lost "$2"
	retry 10 node_is v "$1" state away
	told "$1" away "not back within 1 s"
	retry 5 volume_is v state degraded
	dstctl status v | grep -qF "v: degraded"
	dstctl status v | grep -qF "node $1 "
}
# missed INDEX REGEX [SECONDS]: that node was lost, and nobody else has its data
missed() {
	retry "${3:-10}" told "$1" lost "$2"
	ends() { [[ $(node_field v "$1" reason) == *"; nobody else has its data; requests for it fail" ]]; }
	retry 10 ends "$1"
	node_is v "$1" state lost
	retry 5 volume_is v state degraded
	dstctl status v | grep -qF "node $1 "
}

# ---- a mirror loses a leg

@test "a killed connection: the mirror loses nothing" {
	pair 32 --grace 1
	load_start
	kill_connections init 7700
	load_runs
	retry 10 told 1 lost "."
	load_ends_well
	in_sync v
	works 0
	equal "volume errors" "$(node_field v 0 errors)" 0
	stopped_equal /dev/a /dev/b
	# The other end has noticed.
	gone() { ns=far sessions_are b 0; }
	retry 20 gone
}

@test "a connection that is reset on the way: the mirror loses nothing" {
	pair 32 --grace 1
	load_start
	in_ns far nft -f - <<-'NFT'
	table inet resets {
		chain in { type filter hook input priority 0; tcp dport 7700 reject with tcp reset; }
	}
	NFT
	load_runs
	lost 1 "."
	works 0
	load_ends_well
	in_ns far nft delete table inet resets
	in_sync v
	stopped_equal /dev/a /dev/b
}

@test "a silent link: what is under way fails its node after --io-timeout, the mirror goes on" {
	pair 32 --grace 1 --io-timeout 3
	load_start
	cut_link far init
	local begin=$SECONDS
	load_runs
	lost 1 "took too long" 8
	[ $((SECONDS - begin)) -ge 2 ]
	works 0
	load_ends_well
	stop v
}

@test "a silent link: an idle node fails after the time of pings" {
	pair 8 --grace 1
	cut_link far init
	lost 1 "silent" 20
	writes 0
	reads 0
	stop v
}

@test "a silent link: a request under way ends, at the latest with the time of pings" {
	pair 8 --grace 1
	cut_link far init
	at_most 25 dd if=/dev/zero of=/dev/dst/v bs=4k count=1 oflag=direct conv=notrunc status=none
	lost 1 "silent|too long"
}

@test "a link that comes back in time loses nothing" {
	pair 16 --grace 1
	hammer
	cut_link far init
	stuck
	local before
	before=$(node_field v 1 writes)
	restore_link far init
	retry 10 node_has v 1 writes $((before + 50))
	kill_wait "$load"
	works 1
	[ "$(volume_field v state)" = active ]
	not told 1 lost .
	stopped_equal /dev/a /dev/b
}

@test "an export that is removed under load: the mirror loses nothing" {
	pair 32 --grace 1
	load_start
	ns=far dst export remove b
	load_runs
	lost 1 "removed|good-bye|connection"
	works 0
	load_ends_well
	remote b /dev/b
	in_sync v
	told 1 syncing ""
	stopped_equal /dev/a /dev/b
}

@test "what a target said before it closed counts, though sending has failed since" {
	local un=$BATS_TEST_TMPDIR/un cpu
	policies mirror
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	exported b /dev/b --listen "dst+unix:///?socket=$un"
	listen /dev/a
	volume v --policy mirror --grace 1 /dev/a "dst+unix:///b?socket=$un"
	defer let_go
	in_sync v
	quiet v
	window bye_ms
	# Then this region needs no mark for a while: it is the data that can't be sent.
	dd if=/dev/zero of=/dev/dst/v bs=4k count=1 oflag=direct status=none
	dstctl export remove b
	in_window
	# on each connection
	for cpu in 0 1; do
		background taskset -c $cpu dd if=/dev/zero of=/dev/dst/v bs=4k seek=$cpu count=1 oflag=direct status=none
	done
	pause 1
	let_go
	lost 1 "the export was removed"
	not told 1 lost "sending failed"
	works 0
	exported b /dev/b --listen "dst+unix:///?socket=$un"
	in_sync v
	stopped_equal /dev/a /dev/b
}

@test "a target that is in the middle of sending says why it closes" {
	local faults=/sys/kernel/debug/dst
	policies linear
	far
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	remote b /dev/b
	listen /dev/a
	# One connection: on another one it would say so all the same.
	volume v --policy linear --grace 60 --connections 1 "dst://$far/b"
	defer eval "echo 0 > $faults/target_reply_ms"
	echo $((20000 * DST_SLOW)) > $faults/target_reply_ms
	background reads 0
	local reader=$background
	replying() { [ "$(cat $faults/target_waiting)" -gt 0 ]; }
	retry 10 replying
	ns=far background dst export remove b
	local remover=$background
	pause $((DST_SLOW > 1 ? 3 : 1))
	echo 0 > $faults/target_reply_ms
	wait "$remover"
	retry 10 told 0 lost .
	told 0 lost "the export was removed" || { cat "$BATS_TEST_TMPDIR/told"; return 1; }
	remote b /dev/b
	wait "$reader"
}

@test "a local disk that fails under load: the mirror loses nothing" {
	policies mirror
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	dm_linear flaw /dev/b > /dev/null
	volume v --policy mirror --grace 1 /dev/a /dev/mapper/flaw
	in_sync v
	load_start
	dm_fail flaw
	load_runs
	failed 1 "failed .error 5"
	works 0
	load_ends_well
}

@test "a target's disk that fails under load: the mirror loses nothing, the export goes on" {
	policies mirror
	far
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	dm_linear flaw /dev/b > /dev/null
	remote b /dev/mapper/flaw
	volume v --policy mirror --grace 1 /dev/a "dst://$far/b"
	in_sync v
	load_start
	dm_fail flaw
	load_runs
	failed 1 "failed .error 5"
	works 0
	load_ends_well
	stop v
	# Its disk is well again: so is the export, for another.
	dm_heal flaw /dev/b
	volume v --policy mirror --adopt "dst://$far/b"
	writes 0
	reads 0
}

@test "a disk that errs now and then: the node that erred stays out" {
	policies mirror
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	requires module dm_flakey
	modprobe dm_flakey
	dm_linear flaw /dev/b > /dev/null
	volume v --policy mirror --grace 1 /dev/a /dev/mapper/flaw
	dm_table flaw "0 $(sectors /dev/b) flakey /dev/b 0 1 1"
	verified /dev/dst/v 1 16 --rate=5m
	failed 1 "failed .error 5|could not be mended"
	works 0
}

@test "a leg that failed is never read again" {
	policies mirror
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	dm_linear flaw /dev/a > /dev/null
	# The one that fails is local, and the one that is preferred.
	exported b /dev/b
	volume v --policy mirror --grace 1 /dev/mapper/flaw dst://127.0.0.1/b
	in_sync v
	numbered "$BATS_TEST_TMPDIR/old" 8
	numbered "$BATS_TEST_TMPDIR/new" 8 500
	put "$BATS_TEST_TMPDIR/old" /dev/dst/v
	got "$BATS_TEST_TMPDIR/old" /dev/dst/v
	dm_fail flaw
	put "$BATS_TEST_TMPDIR/new" /dev/dst/v
	failed 0 "failed .error 5"
	local before
	before=$(node_field v 0 reads)
	# It works again, and has the old data: nobody may see it.
	dm_heal flaw /dev/a
	for _ in 1 2 3 4 5; do got "$BATS_TEST_TMPDIR/new" /dev/dst/v; done
	numbered "$BATS_TEST_TMPDIR/newer" 8 1000
	put "$BATS_TEST_TMPDIR/newer" /dev/dst/v
	got "$BATS_TEST_TMPDIR/newer" /dev/dst/v
	equal "reads of node 0" "$(node_field v 0 reads)" "$before"
	node_is v 0 state failed
	# And it was not written either.
	got "$BATS_TEST_TMPDIR/old" /dev/a
}

@test "a read that fails on one leg is done on another" {
	policies mirror
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	dm_linear flaw /dev/a > /dev/null
	exported b /dev/b
	volume v --policy mirror --grace 1 /dev/mapper/flaw dst://127.0.0.1/b
	in_sync v
	numbered "$BATS_TEST_TMPDIR/data" 8
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	dm_fail flaw
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v
	failed 0 "failed .error 5|could not be mended"
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v
}

@test "two of three copies lost: the third has everything" {
	policies mirror
	far
	local name
	for name in a b c; do disk $name 24 > /dev/null; done
	# With a witness, for half of the votes.
	disk w 4 > /dev/null
	dm_linear flaw /dev/a > /dev/null
	remote b /dev/b
	exported c /dev/c
	listen /dev/w
	volume v --policy mirror --grace 1 /dev/mapper/flaw "dst://$far/b" dst://127.0.0.1/c --witness /dev/w
	in_sync v
	load_start --size=16M
	dm_fail flaw
	failed 0 "."
	load_runs
	ns=far dst export remove b
	lost 1 "."
	load_ends_well
	equal "nodes up" "$(volume_field v up_nodes)" 2
	works 2
}

# ---- nothing is left, and nobody wants to wait for it

@test "both legs lost: I/O errors, and everything ends" {
	pair 16 --grace 1 --no-wait
	local fs=$BATS_TEST_TMPDIR/fs
	mkfs.ext4 -q /dev/dst/v
	mounted /dev/dst/v "$fs"
	echo before > "$fs/before"
	sync -f "$fs"
	# The local one first: its disk goes away under it.
	disk_gone a
	writes $((8 << 20))
	failed 0 "failed .error 5"
	cut
	missed 1 "."
	eio reads 0
	eio writes 0
	eio blockdev --flushbufs /dev/dst/v || :
	(echo after > "$fs/after") 2> /dev/null || :
	not sync -f "$fs" 2> /dev/null
	equal "nodes up" "$(volume_field v up_nodes)" 0
	at_most 20 umount "$fs"
	stop v
}

@test "linear: what is lost is an I/O error, the rest goes on" {
	policies linear
	far
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	remote b /dev/b
	listen /dev/a
	volume v --policy linear --grace 1 --no-wait /dev/a "dst://$far/b"
	numbered "$BATS_TEST_TMPDIR/data" 15
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	cut
	missed 1 "."
	eio reads $((15 << 20))
	eio writes $((29 << 20))
	eio dd if=/dev/dst/v of=/dev/null bs=8k count=1 skip=$((15 * 1048576 - 4096))B iflag=direct status=none
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	# And it is all there when the other one is.
	restore_link far init
	retry 30 works 1
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v 14
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v 14
	stop v
}

@test "stripe: what is lost is an I/O error, the rest goes on" {
	policies stripe
	far
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	remote b /dev/b
	listen /dev/a
	volume v --policy stripe --param stripe=64k --grace 1 --no-wait /dev/a "dst://$far/b"
	cut
	missed 1 "."
	local chunk
	for chunk in 0 2 100; do reads $((chunk << 16)) 16; writes $((chunk << 16)) 16; done
	for chunk in 1 3 101; do eio reads $((chunk << 16)); eio writes $((chunk << 16)); done
	eio reads $((1 << 16)) 32
	stop v
}

@test "a file system on a lost node: errors, umount and stop end" {
	policies linear
	far
	disk b 64 > /dev/null
	remote b /dev/b
	volume v --policy linear --io-timeout 3 --grace 1 --no-wait "dst://$far/b"
	local fs=$BATS_TEST_TMPDIR/fs
	mkfs.ext4 -q /dev/dst/v
	mounted /dev/dst/v "$fs"
	dd if=/dev/zero of="$fs/file" bs=1M count=8 status=none
	cut_link far init
	not at_most 30 sync -f "$fs" 2> /dev/null
	at_most 30 umount "$fs"
	stop v
}

# ---- by force

@test "a stop by force under load ends at once" {
	pair 16 --grace 1
	hammer
	local begin=$SECONDS
	at_most 10 dstctl volume stop v --force
	[ ! -e /sys/block/dst!v ]
	load_ends 10
	not wait "$load"
	[ $((SECONDS - begin)) -le $((15 * DST_SLOW)) ]
}

@test "a stop by force with a silent link ends at once" {
	pair 32 --grace 1
	hammer
	cut_link far init
	stuck
	at_most 10 dstctl volume stop v --force
	[ ! -e /sys/block/dst!v ]
	load_ends 10
}

@test "a stop by force of a mounted volume: umount ends" {
	pair 32 --grace 1
	local fs=$BATS_TEST_TMPDIR/fs
	mkfs.ext4 -q /dev/dst/v
	mounted /dev/dst/v "$fs"
	dd if=/dev/zero of="$fs/file" bs=1M count=8 status=none
	at_most 20 dstctl volume stop v --force
	not sync -f "$fs" 2> /dev/null
	at_most 20 umount "$fs"
	[ ! -e /sys/block/dst!v ]
}

@test "an export that is removed with a silent link ends" {
	pair 16 --grace 1
	hammer
	cut_link init far
	stuck
	at_most 20 nsenter --net=/run/netns/far dstctl export remove b
	lost 1 "silent|too long" 20
	local before
	before=$(node_field v 0 writes)
	retry 10 node_has v 0 writes $((before + 50))
	kill_wait "$load"
}

# on_flaw: v, a mirror of "flaw", which is linear on a, and of b. flawed: flaw does not take the first sector of the bitmap, until
# dm_heal
on_flaw() {
	policies mirror
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	dm_linear flaw /dev/a > /dev/null
	volume v --policy mirror /dev/mapper/flaw /dev/b
	quiet v
}
flawed() { dm_hole flaw /dev/a $(($(data_bytes /dev/a) / 512 + 512)) 1; }

# Feared: all writes to regions without a bit wait, for ever.
@test "a bad sector in the bitmap of the last copy: writes that need it fail, others go on, and it may heal" {
	on_flaw
	dstctl node suspend v 1
	writes 0
	flawed
	not at_most 20 dd if=/dev/urandom of=/dev/dst/v bs=4k count=1 seek=1k oflag=direct conv=notrunc status=none 2> "$BATS_TEST_TMPDIR/dd"
	grep -q 'Input/output error' "$BATS_TEST_TMPDIR/dd"
	not writes $((8 << 20)) 2> /dev/null
	writes 4096
	state_is 0 up
	dm_heal flaw /dev/a
	retry 10 writes $((8 << 20)) 2> /dev/null
	writes $((4 << 20))
	dstctl node resume v 1
	in_sync v
	stopped_equal /dev/a /dev/b
}

# Feared: the one that took it goes before it is in sync, and a third copy, which is older, is said to lack nothing (R4).
@test "a bit that the last copy does not take is not on stable storage because one that is syncing has it" {
	on_flaw
	disk c 32 > /dev/null
	dstctl node suspend v 1
	writes 0
	flawed
	window region_ms
	defer let_go
	dstctl node resume v 1
	retry 20 state_is 1 syncing
	not writes $((8 << 20)) 2> /dev/null
	dm_heal flaw /dev/a
	retry 10 writes $((8 << 20)) 2> /dev/null
	let_go
	in_sync v
	quiet v
	# A blank one: all bits are set in memory at once.
	flawed
	window region_ms
	dstctl node suspend v 1
	dstctl node replace v 1 /dev/c
	retry 20 state_is 1 syncing
	not writes $((12 << 20)) 2> /dev/null
	dm_heal flaw /dev/a
	retry 10 writes $((12 << 20)) 2> /dev/null
	let_go
	in_sync v
	stopped_equal /dev/a /dev/c
}

# Feared: it is never let in again, and its volume never assembled, although all data are there.
@test "the last copy comes back, and is assembled, with a bad sector in its bitmap" {
	on_flaw
	numbered "$BATS_TEST_TMPDIR/data" 4
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	quiet v
	dstctl node suspend v 1
	flawed
	stop v
	dst volume assemble v --degraded /dev/mapper/flaw
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v
	not writes 0 2> /dev/null
	dstctl node suspend v 0
	dstctl node resume v 0
	retry 10 state_is 0 up
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v
	dm_heal flaw /dev/a
	retry 20 writes 0 2> /dev/null
	stop v
	dst volume assemble v /dev/mapper/flaw /dev/b
	in_sync v
	stopped_equal /dev/a /dev/b
}
