#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Volumes and exports: made, shown, limited, shared, in network namespaces, gone again.
load helpers
load volumes

@test "a volume is created, listed, shown and stopped" {
	policies minimal
	local a size
	a=$(disk a 64)
	volume v --policy minimal "$a"
	[ -b /dev/dst/v ]
	size=$((63 << 20))
	equal "size" "$(blockdev --getsize64 /dev/dst/v)" $size
	dstctl volume list | grep -qE '^v +active +63M +minimal +1/1 '
	dstctl volume list --json | jq -e --argjson size $size \
		'length == 1 and .[0].name == "v" and .[0].size == $size and .[0].open == 0 and .[0].device == "/dev/dst/v"'
	dstctl volume show v | grep -q '^state  *active$'
	dstctl volume show v --json | jq -e \
		'.state == "active" and .policy == "minimal" and .up_nodes == 1 and .nodes[0].where == "/dev/a" and .nodes[0].state == "up"'
	dstctl volume stop v
	[ ! -e /dev/dst/v ]
	equal "volumes" "$(dstctl volume list --json | jq length)" 0
	refused "v" dstctl volume show v
}

@test "sizes: nodes lose their last part, a mirror is its smallest node, a stripe whole chunks of each" {
	policies linear mirror stripe
	local a b
	a=$(loop_disk a 10752k)    # 10.5 MiB: 9 for data
	b=$(disk b 8)
	volume v --policy linear "$a" "$b"
	equal linear "$(blockdev --getsize64 /dev/dst/v)" $((16 << 20))
	stop v
	volume v --policy mirror --adopt "$a" "$b"
	equal mirror "$(blockdev --getsize64 /dev/dst/v)" $((7 << 20))
	stop v
	volume v --policy stripe --adopt --param stripe=2M "$a" "$b"
	equal stripe "$(blockdev --getsize64 /dev/dst/v)" $((12 << 20))
	equal "chunk" "$(dstctl volume show v --json | jq .params.stripe)" $((2 << 20))
	equal "hint for file systems" "$(queue v minimum_io_size)" $((2 << 20))
}

@test "a read-only volume takes no writes" {
	policies linear
	local a
	a=$(disk a 16)
	numbered "$BATS_TEST_TMPDIR/data" 1
	put "$BATS_TEST_TMPDIR/data" "$a"
	volume v --policy linear --read-only "$a"
	equal "read-only" "$(blockdev --getro /dev/dst/v)" 1
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v
	not put "$BATS_TEST_TMPDIR/data" /dev/dst/v 2> /dev/null
	[ "$(volume_field v read_only)" = true ]
}

@test "a read-only disk is a node of a read-only volume, and of no other" {
	policies linear
	local a
	a=$(loop_disk a 16M --read-only)
	refused "read-only" dstctl volume create v --policy linear "$a"
	volume v --policy linear --read-only "$a"
	zeroes /dev/dst/v 0 $((15 << 20))
}

@test "the logical block size is the largest of the nodes', local and remote" {
	policies linear
	local a b
	a=$(disk a 16)
	b=$(disk b 16 blocksize=4096)
	exported b "$b"
	volume v --policy linear "$a" dst://127.0.0.1/b
	equal "logical block size" "$(queue v logical_block_size)" 4096
	equal "physical block size" "$(queue v physical_block_size)" 4096
	not dd if=/dev/dst/v of=/dev/null bs=512 count=1 iflag=direct status=none 2> /dev/null
	fio --name=v --filename=/dev/dst/v --ioengine=io_uring --direct=1 --rw=randwrite --bs=4k --iodepth=8 --size=30M \
		--number_ios=500 --verify=crc32c --verify_fatal=1 > "$BATS_TEST_TMPDIR/fio"
}

@test "a volume discards when all its nodes do" {
	policies linear
	local a b c
	a=$(disk a 16 discard=1)
	b=$(disk b 16 discard=1)
	c=$(disk c 16)
	exported b "$b"
	volume v --policy linear "$a" dst://127.0.0.1/b
	[ "$(queue v discard_max_bytes)" -gt 0 ]
	numbered "$BATS_TEST_TMPDIR/data" 4
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v 13
	blkdiscard -o $((14 << 20)) -l $((2 << 20)) /dev/dst/v
	zeroes /dev/dst/v $((14 << 20)) $((2 << 20))
	head -c 1M "$BATS_TEST_TMPDIR/data" > "$BATS_TEST_TMPDIR/first"
	got "$BATS_TEST_TMPDIR/first" /dev/dst/v 13
	stop v
	volume v --policy linear --adopt dst://127.0.0.1/b "$c"
	equal "discard" "$(queue v discard_max_bytes)" 0
	not blkdiscard /dev/dst/v 2> /dev/null
}

@test "a volume writes zeroes when all its nodes do" {
	policies linear
	local a b c
	a=$(loop_disk a 16M)
	b=$(loop_disk b 16M)
	c=$(disk c 16)
	exported b "$b"
	volume v --policy linear "$a" dst://127.0.0.1/b
	[ "$(queue v write_zeroes_max_bytes)" -gt 0 ]
	stop v
	volume v --policy linear --adopt dst://127.0.0.1/b "$c"
	equal "write zeroes" "$(queue v write_zeroes_max_bytes)" 0
	# the block layer writes them then
	numbered "$BATS_TEST_TMPDIR/data" 2
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v 14
	blkdiscard -z -o $((14 << 20)) -l $((2 << 20)) /dev/dst/v
	zeroes /dev/dst/v $((14 << 20)) $((2 << 20))
}

@test "a volume takes flushes and FUA, whether its nodes have a volatile cache now or not" {
	policies linear
	local a b c
	a=$(disk a 16)
	b=$(disk b 16 cache=4)
	c=$(disk c 16)
	exported b "$b"
	exported c "$c"
	volume v --policy linear "$a" dst://127.0.0.1/c
	equal "cache" "$(queue v write_cache)" "write back"
	equal "FUA" "$(queue v fua)" 1
	stop v
	volume v --policy linear --adopt "$a" dst://127.0.0.1/b
	equal "cache" "$(queue v write_cache)" "write back"
	equal "FUA" "$(queue v fua)" 1
}

# flushes DISK: how many it had. What does nothing that could be flushed gets none.
flushes() { awk '{ print $16 }' "/sys/block/$1/stat"; }

@test "flush and FUA reach the caches of all nodes, local and remote" {
	policies linear
	local a b before
	a=$(disk a 16 cache=4)
	b=$(disk b 16 cache=4)
	exported b "$b"
	volume v --policy linear "$a" dst://127.0.0.1/b
	before="$(flushes a) $(flushes b)"
	dd if=/dev/zero of=/dev/dst/v bs=4k count=1 oflag=direct status=none conv=notrunc,fsync
	[ "$(flushes a)" -gt "${before% *}" ]
	[ "$(flushes b)" -gt "${before#* }" ]
	# FUA: only the node that is written
	before="$(flushes a) $(flushes b)"
	xfs_io -d -c "open -ds /dev/dst/v" -c "pwrite -b 4k 20m 4k" /dev/dst/v > /dev/null
	[ "$(flushes b)" -gt "${before#* }" ]
}

@test "what a volume does is counted as of any disk" {
	policies stripe
	local a b before after
	a=$(disk a 16)
	b=$(disk b 16)
	volume v --policy stripe "$a" "$b"
	read -ra before < "/sys/block/dst!v/stat"
	dd if=/dev/zero of=/dev/dst/v bs=64k count=16 oflag=direct conv=notrunc status=none
	dd if=/dev/dst/v of=/dev/null bs=64k count=8 iflag=direct status=none
	read -ra after < "/sys/block/dst!v/stat"
	equal "writes" $((after[4] - before[4])) 16
	equal "sectors written" $((after[6] - before[6])) 2048
	equal "sectors read" $((after[2] - before[2])) 1024
	equal "under way" "${after[8]}" 0
	equal "writes to node 0" "$(node_field v 0 writes)" 8
	equal "writes to node 1" "$(node_field v 1 writes)" 8
}

@test "map says who holds a sector" {
	policies linear stripe mirror
	local a b
	a=$(disk a 16)
	b=$(disk b 16)
	volume v --policy linear "$a" "$b"
	dstctl map v 0 --json | jq -e '.legs == [{node: 0, where: "/dev/a", sector: 0, in_sync: true}]'
	dstctl map v $((15 * 2048 + 5)) --json | jq -e '.legs | length == 1 and .[0].node == 1 and .[0].sector == 5'
	refused "" dstctl map v $((30 * 2048))
	stop v
	volume v --policy stripe --adopt --param stripe=64k "$a" "$b"
	dstctl map v $((5 * 128 + 7)) --json | jq -e '.legs | length == 1 and .[0].node == 1 and .[0].sector == 2 * 128 + 7'
	stop v
	volume v --policy mirror --adopt "$a" "$b"
	dstctl map v 77 | grep -qF "node 1 (/dev/b), sector 77"
	dstctl map v 77 --json | jq -e '[.legs[].node] == [0, 1] and ([.legs[].sector] == [77, 77])'
}

@test "status says in a line how a volume is" {
	policies linear
	local a
	a=$(disk a 16)
	equal "without volumes" "$(dstctl status)" ""
	volume v --policy linear "$a"
	equal "status" "$(dstctl status v)" "v: active, 1 of 1 nodes up"
	dstctl status --json | jq -e '.[0].state == "active" and .[0].problems == []'
}

@test "events tell of creation, loss and stop" {
	policies mirror
	local a b events=$BATS_TEST_TMPDIR/events
	a=$(disk a 16)
	b=$(disk b 16)
	background dstctl events --json >> "$events"
	retry 10 grep -qs dstctl "/proc/$background/comm"
	# It listens when an event comes: the first of them may be too early.
	listens() { exported x "$a" && dstctl export remove x && [ -s "$events" ]; }
	retry 10 listens
	: > "$events"
	exported b "$b"
	volume v --policy mirror --grace 1 "$a" dst://127.0.0.1/b
	dstctl export remove b
	retry 10 node_is v 1 state away
	stop v
	retry 10 grep -q '"stopped"' "$events"
	jq -es '[.[] | select(.kind == "volume" and .name == "v")] |
		map(.new) == ["active", "degraded", "stopped"] and (map(.uuid) | unique | length == 1)' "$events"
	jq -es 'any(.kind == "node" and .node == 1 and .old == "up" and .new == "lost" and .reason != "")' "$events"
	jq -es 'any(.kind == "node" and .node == 1 and .old == "lost" and .new == "away" and .reason != "")' "$events"
	jq -es '[.[] | select(.kind == "export" and .name == "b") | .new] == ["added", "removed"]' "$events"
	# As a reader, to look at the medium; then as its owner.
	jq -es '[.[] | select(.kind == "session" and .name == "b") | .new] == ["open", "closed", "open", "closed"]' "$events"
	jq -es 'map(.time_ns) | . == sort' "$events"
}

@test "tree shows volumes, nodes, exports and sessions" {
	policies linear
	local a id
	a=$(disk a 16)
	volume lower --policy linear "$a"
	exported e /dev/dst/lower
	volume upper --policy linear dst://127.0.0.1/e
	dstctl tree > "$BATS_TEST_TMPDIR/tree"
	grep -qE '^volume lower, active, 15M, policy linear$' "$BATS_TEST_TMPDIR/tree"
	grep -qE '.*node 0 /dev/a, up$' "$BATS_TEST_TMPDIR/tree"
	grep -qE '.*export e of /dev/dst/lower on dst://127.0.0.1:7700$' "$BATS_TEST_TMPDIR/tree"
	grep -qE '.*session [0-9a-f]{16}: volume upper, writer, [0-9]+ connections, dst://127.0.0.1:' "$BATS_TEST_TMPDIR/tree"
	grep -qE '.*node 0 dst://127.0.0.1:7700/e, up$' "$BATS_TEST_TMPDIR/tree"
	dstctl tree --json | jq -e '.exports == [] and (.volumes | map(select(.name == "lower")) |
		.[0].exports[0].sessions[0].volume == "upper")'
	# Its number is text, whole, and the same everywhere.
	id=$(dstctl export show e --json | jq -r '.sessions[0].id | select(type == "string")')
	grep -qF " session $id: volume upper" "$BATS_TEST_TMPDIR/tree"
	dstctl export show e | grep -q "^$id  *upper "
}

@test "several volumes and exports do not mix" {
	policies linear
	local i device
	all_put() { put "$BATS_TEST_TMPDIR/$1" "/dev/dst/v$1"; }
	for i in 0 1 2 3; do
		device=$(disk "n$i" 16)
		exported "e$i" "$device"
		numbered "$BATS_TEST_TMPDIR/$i" 4 $((i * 1000))
	done
	for i in 0 1 2 3; do volume "v$i" --policy linear "dst://127.0.0.1/e$i"; done
	together 4 all_put
	for i in 0 1 2 3; do got "$BATS_TEST_TMPDIR/$i" "/dev/dst/v$i"; done
	for i in 0 1 2 3; do got "$BATS_TEST_TMPDIR/$i" "/dev/n$i"; done
	equal "volumes" "$(dstctl volume list --json | jq length)" 4
	equal "exports" "$(dstctl export list --json | jq length)" 4
}

@test "several initiators read a read-only export, none may write" {
	policies linear
	local a i
	a=$(disk a 16)
	numbered "$BATS_TEST_TMPDIR/data" 4
	put "$BATS_TEST_TMPDIR/data" "$a"
	exported e "$a" --read-only
	for i in 0 1 2; do volume "v$i" --policy linear --read-only dst://127.0.0.1/e; done
	retry 5 sessions_are e 3
	all_got() { got "$BATS_TEST_TMPDIR/data" "/dev/dst/v$1"; }
	together 3 all_got
	refused "read-only" dstctl volume create w --policy linear --adopt dst://127.0.0.1/e
	equal "sessions" "$(sessions e)" 3
}

@test "several initiators write a shared export" {
	policies linear
	local a i
	a=$(disk a 16)
	exported e "$a" --shared
	volume v0 --policy linear --shared dst://127.0.0.1/e
	volume v1 --policy linear --shared dst://127.0.0.1/e
	both_put() { put "$BATS_TEST_TMPDIR/$1" "/dev/dst/v$1" $(($1 * 4)); }
	for i in 0 1; do numbered "$BATS_TEST_TMPDIR/$i" 4 $((i * 4)); done
	together 2 both_put
	for i in 0 1; do
		got "$BATS_TEST_TMPDIR/$i" "/dev/dst/v$((1 - i))" $((i * 4))
		got "$BATS_TEST_TMPDIR/$i" "/dev/dst/v$i" $((i * 4))
	done
	# One who wants it alone does not get it.
	refused "busy.*v[01].*shared" dstctl volume create w --policy linear --adopt dst://127.0.0.1/e
}

@test "a second writer is refused until the first has gone" {
	policies linear
	local a
	a=$(disk a 16)
	exported e "$a"
	volume v --policy linear dst://127.0.0.1/e
	refused "export 'e' is busy: volume 'v' has it as writer" dstctl volume create w --policy linear --adopt dst://127.0.0.1/e
	refused "not shared" dstctl volume create w --policy linear --shared dst://127.0.0.1/e
	# Who only reads may.
	volume r --policy linear --read-only dst://127.0.0.1/e
	stop v
	retry 5 volume w --policy linear --adopt dst://127.0.0.1/e
}

@test "an export takes no more sessions than it may" {
	policies linear
	local a
	a=$(disk a 16)
	exported e "$a" --read-only --max-sessions 1
	volume v --policy linear --read-only dst://127.0.0.1/e
	refused "1 sessions, no more" dstctl volume create w --policy linear --read-only dst://127.0.0.1/e
}

@test "a volume is exported while it is mounted" {
	policies linear
	local a
	a=$(disk a 64)
	volume v --policy linear "$a"
	mkfs.ext4 -q /dev/dst/v 48M    # what lies above it is a little smaller
	mounted /dev/dst/v "$BATS_TEST_TMPDIR/fs"
	echo hello > "$BATS_TEST_TMPDIR/fs/file"
	sync -f "$BATS_TEST_TMPDIR/fs"
	refused "busy" dstctl export add e /dev/dst/v --listen dst://127.0.0.1
	exported e /dev/dst/v --read-only
	volume r --policy linear --read-only dst://127.0.0.1/e
	mounted /dev/dst/r "$BATS_TEST_TMPDIR/other" -o ro,noload
	equal "file" "$(cat "$BATS_TEST_TMPDIR/other/file")" hello
	umount "$BATS_TEST_TMPDIR/other"
	umount "$BATS_TEST_TMPDIR/fs"
	stop r
	dstctl export remove e
	fsck.ext4 -fn /dev/dst/v
}

@test "what is exported or mounted is not stopped without force" {
	policies linear
	local a
	a=$(disk a 16)
	volume v --policy linear "$a"
	exported e /dev/dst/v
	refused "in use" dstctl volume stop v
	dstctl export remove e
	mkfs.ext4 -q /dev/dst/v
	mounted /dev/dst/v "$BATS_TEST_TMPDIR/fs"
	refused "in use" dstctl volume stop v
	umount "$BATS_TEST_TMPDIR/fs"
	stop v
}

@test "two hosts in one kernel over IPv4 and IPv6" {
	policies linear
	local device
	netns a b
	link a b
	device=$(disk d 40)
	ns=a exported e "$device" --listen "dst://$(address a b)" --listen "dst://[$(address a b 6)]:7701"
	equal "exports seen from outside" "$(dstctl export list --json | jq length)" 0
	ns=b volume v --policy linear "dst://$(address a b)/e"
	verified /dev/dst/v 2 8
	equal "volumes seen from outside" "$(dstctl volume list --json | jq length)" 0
	refused "v" dstctl volume stop v
	refused "another network namespace" dstctl volume create v --policy linear /dev/d
	[ "$(connections b 7700)" -ge 1 ]
	ns=b stop v
	ns=b volume v --policy linear --adopt "dst://[$(address a b 6)]:7701/e"
	[ "$(connections b 7701)" -ge 1 ]
	verified /dev/dst/v 2 8
	ns=b dst node show v --json | jq -r '.[0].where' | grep -qF "dst://[$(address a b 6)]:7701/e"
}

@test "an address is reached from its own namespace only" {
	policies linear
	local device
	netns a b
	link a b
	device=$(disk d 16)
	ns=a exported e "$device" --listen dst://127.0.0.1
	refused "refused" dstctl volume create v --policy linear dst://127.0.0.1/e
	refused "refused" in_ns b dstctl volume create v --policy linear "dst://$(address a b)/e"
	ns=a volume v --policy linear dst://127.0.0.1/e
	ns=a stop v
}

@test "a network namespace that goes takes its volume along" {
	policies mirror
	local a b
	netns a b
	link a b
	a=$(disk da 32)
	b=$(disk db 32)
	ns=a exported e "$a" --listen "dst://$(address a b)"
	ns=b volume v --policy mirror "$b" "dst://$(address a b)/e"
	background fio --name=load --filename=/dev/dst/v --ioengine=io_uring --direct=1 --iodepth=16 --rw=randwrite --bs=16k \
		--size=24M --time_based --runtime=60 --output="$BATS_TEST_TMPDIR/fio"
	written() { ns=b node_has v 1 writes 50; }
	retry 20 written
	ip netns delete b
	retry 20 test ! -e "/sys/block/dst!v"
	[ ! -e /dev/dst/v ]
	# What used it got errors and ended.
	retry 20 not kill -0 "$background"
	# The disk is free again, and so is the export.
	none() { ns=a sessions_are e 0; }
	retry 30 none
	volume v --policy mirror --adopt "$b"
	ip netns add b    # for the cleanup
}

@test "a network namespace that goes takes its export along" {
	policies linear
	local a
	netns a b
	link a b
	a=$(disk da 32)
	ns=a exported e "$a" --listen "dst://$(address a b)"
	ns=b volume v --policy linear --grace 1 --no-wait "dst://$(address a b)/e"
	ip netns delete a
	lost() { [[ $(ns=b node_field v 0 reason) == *"; nobody else has its data; requests for it fail" ]]; }
	retry 30 lost
	not dd if=/dev/dst/v of=/dev/null bs=4k count=1 iflag=direct status=none 2> /dev/null
	# The disk is free again.
	free() { volume w --policy linear --adopt "$a" 2> /dev/null; }
	retry 20 free
	ip netns add a    # for the cleanup
}

@test "the module does not unload while a policy, a volume or an export is there" {
	local a
	a=$(disk a 16)
	dstctl policy load linear
	defer dstctl policy unload linear
	not modprobe -r dstblk 2> /dev/null
	exported e "$a" --shared
	not modprobe -r dstblk 2> /dev/null
	dstctl export remove e
	volume v --policy linear "$a"
	not modprobe -r dstblk 2> /dev/null
	[ -d /sys/module/dstblk ]
	stop v
	not modprobe -r dstblk 2> /dev/null
}
