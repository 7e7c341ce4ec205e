#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Volumes that come back, stop, wait and are taken over; who decides when nodes disagree; copies that differ.
load helpers
load volumes
load recovery
load members

peer=$BATS_TEST_DIRNAME/build/wirepeer
other=00000000-0000-0000-0000-000000000002

# local_pair SIZE [OPTION...]: mirror v over the local disks a and b, which are the same and have no region marked
local_pair() {
	local size=$1
	shift
	policies mirror
	disk a "$size" > /dev/null
	disk b "$size" > /dev/null
	volume v --policy mirror "$@" /dev/a /dev/b
	quiet v
}
dump() { "$superdump" "$1" | jq -r "$2"; }

# ---- assemble

@test "a torn superblock is survived, whichever copy it is" {
	local_pair 16
	patterns
	put "$new" /dev/dst/v
	local copy area
	area=$(data_bytes /dev/a)
	for copy in 0 1; do
		stop v
		spoil /dev/b $((area + copy * 65536)) 4096
		equal "good copies" "$(dump /dev/b '[.copies[] | select(.valid)] | length')" 1
		again v /dev/a /dev/b
		quiet v
		got "$new" /dev/dst/v
	done
	stopped_equal /dev/a /dev/b
}

@test "media that can't be used are named when a volume is assembled, and not touched" {
	local_pair 16
	stop v
	disk c 16 > /dev/null
	disk d 16 > /dev/null
	local name
	disk g 16 > /dev/null
	for name in c d g; do dd if=/dev/b of=/dev/$name bs=1M iflag=direct oflag=direct status=none; done
	damage /dev/c
	damage_marks /dev/g
	mkfs.ext4 -q "$(disk e 16)"
	volume w --policy mirror "$(disk f 16)"
	stop w
	for name in a b c d e f g; do sum /dev/$name; done > "$BATS_TEST_TMPDIR/before"
	refused "superblock of node '?1'?.* is damaged|node '/dev/c'.*damaged" dstctl volume assemble v /dev/a /dev/c
	refused "nodes .* are the same medium, or a copy of it" dstctl volume assemble v /dev/a /dev/b /dev/d
	refused "holds no volume of DST|only 1 of 2 nodes" dstctl volume assemble v /dev/a /dev/e
	refused "is one of volume 'w', not of 'v'" dstctl volume assemble v /dev/a /dev/f
	refused "only 1 of 2 nodes are there, more than half must.*--degraded" dstctl volume assemble v /dev/b
	refused "the bitmap of node 1 is damaged: assemble without it" dstctl volume assemble v /dev/a /dev/g
	for name in a b c d e f g; do sum /dev/$name; done > "$BATS_TEST_TMPDIR/after"
	same_bytes "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	again v /dev/b /dev/a
}

@test "three nodes in any order; without one, which then comes back by itself; not without two" {
	policies mirror
	far
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	disk c 16 > /dev/null
	remote c /dev/c
	volume v --policy mirror /dev/a /dev/b "dst://$far/c"
	patterns
	put "$old" /dev/dst/v
	quiet v
	stop v
	again v "dst://$far/c" /dev/b /dev/a
	dstctl node show v --json | jq -e 'map(.where)[0:2] == ["/dev/a", "/dev/b"]'
	got "$old" /dev/dst/v
	stop v
	unexport c
	again v /dev/b "dst://$far/c" /dev/a --grace 1
	state_is 2 away
	put "$new" /dev/dst/v
	remote c /dev/c
	in_sync v
	stop v
	same_bytes /dev/a /dev/b "$(data_bytes /dev/a)"
	same_bytes /dev/a /dev/c "$(data_bytes /dev/a)"
	refused "only 1 of 3 nodes" dstctl volume assemble v /dev/b
	again v --degraded /dev/b
	got "$new" /dev/dst/v
}

# Not all the volume is refused because of it; nor is the older copy believed when the younger can't be read.
@test "a node whose superblock can't be read counts as missing when the volume is assembled" {
	policies mirror
	local name
	for name in a b c; do disk $name 16 > /dev/null; done
	dm_linear flaw /dev/c > /dev/null
	volume v --policy mirror /dev/a /dev/b /dev/mapper/flaw
	in_sync v
	stop v
	dm_hole flaw /dev/c $((16 * 2048 - 2048)) 8
	refused "1 of 3 nodes; /dev/mapper/flaw can't be read [(]error 5[)]" dstctl volume assemble v /dev/a /dev/mapper/flaw
	again v /dev/a /dev/b /dev/mapper/flaw
	retry 10 state_is 2 failed
	dm_heal flaw /dev/c
	dstctl node resume v 2
	in_sync v
}

@test "after a crash the regions that were being written are made the same, and no others" {
	local_pair 32
	patterns 1
	put "$new" /dev/dst/v 3
	# Nobody stops it in an orderly way; then the copies differ, in a region with a bit and in one without.
	dstctl volume stop v --force
	equal clean "$(dump /dev/a .super.clean)" false
	"$superdump" --bitmap /dev/b | grep -q '^3'
	spoil /dev/b $((3 << 20)) 65536
	spoil /dev/b $((20 << 20)) 65536
	again v /dev/b /dev/a
	for _ in 1 2 3; do got "$new" /dev/dst/v 3; done
	quiet v
	stop v
	got "$new" /dev/b 3
	not same_bytes /dev/a /dev/b "$(data_bytes /dev/a)" > /dev/null
	cmp -n $((20 << 20)) /dev/a /dev/b
	equal clean "$(dump /dev/a .super.clean)" true
}

# Feared: an orderly stop says that nothing was under way, and then nobody compares what may differ since the crash (R3).
@test "what may differ since a crash is made the same in the end, however often the volume is stopped meanwhile" {
	local nr
	local_pair 32
	patterns 1
	for nr in 3 5 7; do put "$new" /dev/dst/v $nr; done
	dstctl volume stop v --force
	for nr in 3 5 7; do spoil /dev/b $((nr << 20)) 65536; done
	echo $((60000 * DST_SLOW)) > /sys/kernel/debug/dst/first_region_ms
	defer eval 'echo 0 > /sys/kernel/debug/dst/first_region_ms'
	again v /dev/a /dev/b
	retry 20 _in_window
	# The one that is being compared ends with it.
	dstctl volume stop v
	echo 0 > /sys/kernel/debug/dst/first_region_ms
	not same_bytes /dev/a /dev/b "$(data_bytes /dev/a)" > /dev/null
	equal clean "$(dump /dev/a .super.clean)" false
	again v /dev/a /dev/b
	quiet v
	stopped_equal /dev/a /dev/b
	for nr in 3 5 7; do got "$new" /dev/b $nr; done
	equal clean "$(dump /dev/a .super.clean)" true
}

# Feared: the superblocks say that nobody has that node's data, and the volume can't be assembled any more.
@test "a volume of one copy that a node failed in is assembled like any other" {
	policies linear
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	dm_linear flaw /dev/a > /dev/null
	volume v --policy linear /dev/mapper/flaw /dev/b
	patterns 1
	put "$old" /dev/dst/v 20
	put "$old" /dev/dst/v
	dm_fail flaw
	not dd if="$new" of=/dev/dst/v bs=64k count=1 oflag=direct 2> /dev/null
	retry 10 node_is v 0 state failed
	put "$new" /dev/dst/v 20
	dm_heal flaw /dev/a
	stop v
	again v /dev/mapper/flaw /dev/b
	got "$old" /dev/dst/v
	got "$new" /dev/dst/v 20
	stop v
}

@test "an old copy of a node's medium is not believed when the volume is assembled" {
	local_pair 16
	patterns
	put "$old" /dev/dst/v
	stop v
	disk c 16 > /dev/null
	dd if=/dev/b of=/dev/c bs=1M iflag=direct oflag=direct status=none
	again v /dev/a /dev/b
	put "$new" /dev/dst/v
	stop v
	again v /dev/a /dev/c
	for _ in 1 2 3; do got "$new" /dev/dst/v; done
	in_sync v
	for _ in 1 2 3; do got "$new" /dev/dst/v; done
	stopped_equal /dev/a /dev/c
}

@test "another policy of that name that places elsewhere is not assembled with" {
	local_pair 16
	stop v
	sum /dev/a > "$BATS_TEST_TMPDIR/before"
	dstctl policy unload mirror
	dstctl policy load "$BATS_TEST_DIRNAME/build/hostile/elsewhere.bpf.o"
	refused "elsewhere|is another one" dstctl volume assemble v /dev/a /dev/b
	rm /sys/fs/bpf/dst/elsewhere
	dstctl policy load mirror
	sum /dev/a | same_bytes - "$BATS_TEST_TMPDIR/before"
	again v /dev/a /dev/b
}

@test "a leg by itself mounts without DST, read-only" {
	local_pair 32
	local fs=$BATS_TEST_TMPDIR/fs
	mkfs.ext4 -q /dev/dst/v
	mounted /dev/dst/v "$fs"
	numbered "$fs/file" 4
	cp "$fs/file" "$BATS_TEST_TMPDIR/file"
	umount "$fs"
	stop v
	local name before
	for name in a b; do
		before=$(sum /dev/$name)
		blockdev --setro /dev/$name
		mounted /dev/$name "$fs" -o ro
		same_bytes "$fs/file" "$BATS_TEST_TMPDIR/file"
		umount "$fs"
		e2fsck -fn /dev/$name > "$BATS_TEST_TMPDIR/fsck"
		blockdev --setrw /dev/$name
		equal "what is on it" "$(sum /dev/$name)" "$before"
	done
}

# ---- maintenance

@test "a node is suspended and resumed under load: no error, no time-out, and the others' data flows" {
	pair 32 --io-timeout 5
	history_start /dev/dst/v --size 16M
	forget
	dstctl node suspend v 1
	sleep 6
	history_goes_on
	state_is 1 suspended
	dstctl node resume v 1
	in_sync v
	history_stop
	history_check
	changes_are 1 "up>suspended suspended>syncing syncing>up" || changes_are 1 "up>suspended suspended>connecting connecting>syncing syncing>up"
	equal errors "$(node_field v 0 errors) $(node_field v 1 errors)" "0 0"
	stopped_equal /dev/a /dev/b
}

# Feared: a leg that has found its node in service gets to it when it is not there any more. It was never sent: no error.
@test "what waits for a node, or comes too late for it, when it is suspended is no error of it" {
	local how write
	pair 16
	for how in node export; do
		fault hold_legs 2
		background writes 0 1
		write=$background
		retry 10 node_is v 1 in_flight 1
		kill -0 "$write"
		if [ $how = node ]; then dstctl node suspend v 1; else ns=far dst export suspend b; fi
		wait "$write"
		retry 10 state_is 1 suspended
		equal "$how: errors" "$(node_field v 0 errors) $(node_field v 1 errors)" "0 0"
		fault hold_legs 0
		if [ $how = node ]; then dstctl node resume v 1; else ns=far dst export resume b; fi
		in_sync v
	done
	stopped_equal /dev/a /dev/b
}

@test "an export is suspended and resumed under load: no error, no time-out, and it is back by itself" {
	pair 32 --io-timeout 5
	history_start /dev/dst/v --size 16M
	forget
	ns=far dst export suspend b
	retry 10 state_is 1 suspended
	sleep 6
	history_goes_on
	ns=far dst export resume b
	in_sync v
	history_stop
	history_check
	not told 1 lost
	not told 1 failed
	equal errors "$(node_field v 0 errors)" 0
	stopped_equal /dev/a /dev/b
}

@test "without redundancy only the requests for a suspended node wait, and go on when it is resumed" {
	policies linear
	far
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	remote b /dev/b
	volume v --policy linear --io-timeout 2 --grace 1 /dev/a "dst://$far/b"
	local what
	for what in node export; do
		if [ $what = node ]; then dstctl node suspend v 1; else ns=far dst export suspend b; fi
		retry 10 state_is 1 suspended
		writes 0
		background writes $((20 << 20))
		local writer=$background
		background reads $((21 << 20))
		local reader=$background
		sleep 4
		kill -0 "$writer"
		kill -0 "$reader"
		reads 0 16
		if [ $what = node ]; then dstctl node resume v 1; else ns=far dst export resume b; fi
		wait "$writer"
		wait "$reader"
		retry 10 works 1
	done
	equal errors "$(node_field v 1 errors)" 0
}

@test "a disk that something else has when its node is resumed is waited for" {
	local_pair 16
	dstctl node suspend v 1
	writes $((3 << 20))
	background python3 -c 'import os, time; os.open("/dev/b", os.O_RDWR | os.O_EXCL); time.sleep(100)'
	local holder=$background
	held() { find "/proc/$holder/fd" -lname /dev/b | grep -q .; }
	retry 10 held
	dstctl node resume v 1
	sleep 3
	writes $((5 << 20))
	volume_is v state degraded
	kill_wait "$holder"
	in_sync v
	stopped_equal /dev/a /dev/b
}

# ---- one writer

@test "a node that another one has is not taken without --takeover, which fences that one" {
	policies linear
	disk b 16 > /dev/null
	exported b /dev/b
	volume v --policy linear dst://127.0.0.1/b
	stop v
	local before
	before=$(sum /dev/b)
	background "$peer" --seconds 100 --client $other --instance 9 watch 127.0.0.1:7700 b > "$BATS_TEST_TMPDIR/peer"
	retry 5 sessions_are b 1
	refused "busy: volume 'wirepeer' has it as writer [(]--takeover fences" dstctl volume assemble v dst://127.0.0.1/b
	equal "what is on it" "$(sum /dev/b)" "$before"
	again v --takeover dst://127.0.0.1/b
	writes 0
	reads 0
	retry 5 grep -q "^bye .*status=40" "$BATS_TEST_TMPDIR/peer"
}

@test "a volume that is taken over fails its I/O, and does not come back by itself" {
	pair 16 --grace 60
	patterns
	put "$old" /dev/dst/v
	background nsenter --net=/run/netns/far "$peer" --seconds 100 --client $other --instance 9 --takeover watch "$far:7700" b > "$BATS_TEST_TMPDIR/peer"
	local winner=$background
	retry 10 volume_is v state fenced
	[[ $(volume_field v reason) =~ "taken" ]]
	eio reads 0
	eio writes 0
	local before
	before=$(sum /dev/b)
	refused "fenced" dstctl volume wait v --until up --timeout 5
	# Not when the winner has gone, either.
	kill_wait "$winner"
	sleep 3
	volume_is v state fenced
	eio writes 0
	equal "what is on it" "$(sum /dev/b)" "$before"
	dstctl status v | grep -q "fenced"
	stop v
	# By hand: as another instance it may have them.
	again v /dev/a "dst://$far/b"
	got "$old" /dev/dst/v
}

# ---- quorum

# majority [OPTION...]: mirror v over the local disk a and the far b, with a witness w that is far too
majority() {
	policies mirror
	far
	disk a 16 > /dev/null
	disk b 16 > /dev/null
	disk w 4 > /dev/null
	remote b /dev/b
	remote w /dev/w
	volume v --policy mirror --grace 1 "$@" /dev/a "dst://$far/b" --witness "dst://$far/w"
	quiet v
}

@test "of two nodes and a witness one may be lost; of two that are lost I/O waits for one" {
	majority
	history_start /dev/dst/v --size 8M
	unexport w
	retry 20 state_is 2 away
	history_goes_on
	remote w /dev/w
	retry 30 works 2
	unexport b
	retry 20 state_is 1 away
	history_goes_on
	unexport w
	retry 20 volume_is v state held
	[[ $(volume_field v reason) =~ "1 of 3 votes; I/O waits" ]]
	background reads 0
	local reader=$background
	sleep 3
	kill -0 "$reader"
	# The witness is enough.
	remote w /dev/w
	retry 20 volume_is v state degraded
	wait "$reader"
	history_goes_on
	remote b /dev/b
	in_sync v
	history_stop
	history_check
	stopped_equal /dev/a /dev/b
}

# Feared: the write that waits asks for a record, whose failure lets it go to ask again, without end.
@test "without a quorum the record is tried once a second, and what waits for it goes on" {
	majority
	history_start /dev/dst/v --size 8M
	unexport w
	retry 20 state_is 2 away
	# Its writes are under way when it goes: they are not acknowledged before it is recorded that it missed them.
	unexport b
	retry 20 volume_is v state held
	local before tries probes=/sys/kernel/tracing/kprobe_events
	echo p:dst_record dstb_record > $probes
	defer eval "echo -:dst_record >> $probes"
	echo 1 > /sys/kernel/tracing/events/kprobes/dst_record/enable
	defer eval 'echo 0 > /sys/kernel/tracing/events/kprobes/dst_record/enable'
	before=$(sectors_written /dev/a)
	sleep 5
	tries=$(awk '$1 == "dst_record" { print $2 }' /sys/kernel/tracing/kprobe_profile)
	[ "$tries" -ge 2 ] || { echo "not tried again"; return 1; }
	[ "$tries" -le 20 ] || { echo "tried $tries times in 5 s"; return 1; }
	# Nobody could count on what only one node has.
	equal "sectors written" "$(sectors_written /dev/a)" "$before"
	remote w /dev/w
	retry 20 volume_is v state degraded
	history_goes_on
	remote b /dev/b
	in_sync v
	history_stop
	history_check
	stopped_equal /dev/a /dev/b
}

@test "without a quorum I/O fails with --no-wait" {
	majority --no-wait
	unexport b
	unexport w
	retry 20 volume_is v state held
	eio writes 0
	eio reads 0
	remote w /dev/w
	retry 20 volume_is v state degraded
	writes 0
	reads 0
}

# ---- split brain

# apart: v's disks a and b have been written to apart from each other
apart() {
	pair 16 --grace 1
	patterns
	write_apart "$new"
}

@test "what was written apart is not assembled together" {
	apart
	local a b
	a=$(sum /dev/a) b=$(sum /dev/b)
	refused "written apart .split brain." dstctl volume assemble v /dev/a "dst://$far/b"
	refused "written apart .split brain." dstctl volume assemble v --degraded "dst://$far/b" /dev/a
	equal a "$(sum /dev/a)" "$a"
	equal b "$(sum /dev/b)" "$b"
}

@test "a node that was written apart stays out, until it is said to discard that" {
	apart
	local b
	b=$(sum /dev/b)
	unexport b
	again v --degraded --grace 1 /dev/a "dst://$far/b"
	remote b /dev/b
	because 1 refused "written apart from this volume .split brain."
	got "$new" /dev/dst/v
	equal b "$(sum /dev/b)" "$b"
	dstctl node resolve v 1 --discard
	in_sync v
	got "$new" /dev/dst/v
	stopped_equal /dev/a /dev/b
}

@test "of what was written apart one side is begun with, and the other is given to it as a new node" {
	apart
	again v --degraded --grace 1 /dev/a
	because 1 away "was not given: dstctl node replace"
	refused "nothing to resolve" dstctl node resolve v 1 --discard
	dstctl node replace v 1 "dst://$far/b" --adopt
	in_sync v
	got "$new" /dev/dst/v
	stopped_equal /dev/a /dev/b
}

# ---- copies

@test "a scrub finds what differs between nodes, and mends it from the first" {
	pair 16
	patterns
	put "$new" /dev/dst/v
	quiet v
	spoil /dev/b $((3 << 20)) 4096
	spoil /dev/b $((9 << 20)) 512
	dmesg_allow 'volume v: scrub: '
	refused "differ" dstctl volume scrub v --wait
	equal differed "$(volume_field v scrub_errors)" $((4096 + 512))
	dstctl volume scrub v --wait --repair
	dstctl volume scrub v --wait --json | jq -e '.differed == 0 and .skipped == 0'
	equal state "$(volume_field v state)" active
	stopped_equal /dev/a /dev/b
	got "$new" /dev/b
}

@test "a scrub that could not compare every copy does not say that nothing differs" {
	pair 16
	quiet v
	dstctl node suspend v 1
	refused "volume v: 0 compared, nothing differs; 15M were not, on every copy" dstctl volume scrub v --wait
	dstctl status v | grep -q "the last scrub did not compare 15M on every copy"
	dstctl node resume v 1
	in_sync v
	dstctl volume scrub v --wait | grep -q "15M compared, nothing differs"
	not grep -q "last scrub" <(dstctl status v)
}

# unreadable SECTOR: "flaw" is the disk a, with 8 sectors from there on that can't be read until they are written: a hole in what a
# snapshot is of
unreadable() {
	local size
	size=$(sectors /dev/a)
	disk c 16 > /dev/null
	dm_disk hole "$(holed /dev/a "$1" 8)" > /dev/null
	dm_disk flaw "0 $size snapshot /dev/mapper/hole /dev/c N 8" > /dev/null
}

@test "a read error on one copy is mended from the other, and no node is the worse for it" {
	local bad=4096
	requires module dm_snapshot
	modprobe dm_snapshot
	local_pair 16
	patterns
	put "$new" /dev/dst/v
	stop v
	unreadable $bad
	not dd if=/dev/mapper/flaw of=/dev/null bs=4k skip=$((bad / 8)) count=1 iflag=direct status=none 2> /dev/null
	# The local one is preferred.
	exported b /dev/b
	again v /dev/mapper/flaw dst://127.0.0.1/b
	retry 10 eval 'got "$new" /dev/dst/v && [ "$(volume_field v repaired)" -ge 1 ]'
	equal repaired "$(volume_field v repaired)" 1
	equal state "$(volume_field v state)" active
	got "$new" /dev/mapper/flaw
}

# Feared: nobody is there to mend it from, so the one that is there has failed, and nobody is.
@test "a bad sector while the other copy is only lost puts nobody out, and is mended when that is back" {
	local bad=4096 reader
	requires module dm_snapshot
	modprobe dm_snapshot
	pair 16
	patterns
	put "$new" /dev/dst/v
	stop v
	unreadable $bad
	again v --grace 60 /dev/mapper/flaw "dst://$far/b"
	in_sync v
	cut
	retry 20 state_is 1 lost
	reads() { dd if=/dev/dst/v bs=4k skip=$((bad / 8)) count=1 iflag=direct status=none; }
	background eval 'reads > "$BATS_TEST_TMPDIR/read"'
	reader=$background
	sleep 2
	kill -0 "$reader"
	equal "state of the one that is there" "$(node_field v 0 state)" up
	heal
	wait "$reader"
	dd if="$new" bs=4k skip=$((bad / 8)) count=1 status=none | cmp - "$BATS_TEST_TMPDIR/read"
	retry 20 works 1
	retry 20 eval 'reads > /dev/null && [ "$(volume_field v repaired)" -ge 1 ]'
	equal state "$(volume_field v state)" active
	got "$new" /dev/mapper/flaw
}

# Feared: who is syncing has got it, its region is not marked any more, and from then on a read finds either.
@test "what the last copy in sync could not flush is compared when there are others" {
	requires module dm_flakey
	modprobe dm_flakey
	policies mirror
	disk a 16 cache=8 > /dev/null
	disk b 16 > /dev/null
	dm_linear flaw /dev/a > /dev/null
	volume v --policy mirror /dev/mapper/flaw /dev/b
	in_sync v
	patterns 1
	put "$old" /dev/dst/v 3
	quiet v
	dstctl node suspend v 1
	put "$old" /dev/dst/v 9
	window region_ms
	defer let_go
	dstctl node resume v 1
	in_window
	put "$new" /dev/dst/v 3
	got "$new" /dev/b 3
	# A device of errors would say that it has flushed.
	dm_table flaw "0 $(sectors /dev/a) flakey /dev/a 0 0 600 1 error_writes"
	not sync /dev/dst/v 2> /dev/null
	dm_heal flaw /dev/a
	# What its cache had.
	put "$old" /dev/a 3
	let_go
	in_sync v
	quiet v
	sync /dev/dst/v
	stop v
	got "$old" /dev/a 3
	got "$old" /dev/b 3
}

# ---- the end

@test "a volume stops while a node is lost, and while one is away" {
	pair 16 --grace 60
	cut
	retry 20 state_is 1 lost
	at_most 40 dstctl volume stop v
	heal
	# The target finds out by itself that nobody is there any more.
	retry 30 again v /dev/a "dst://$far/b" --grace 1
	cut
	retry 30 state_is 1 away
	at_most 40 dstctl volume stop v
}
