#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What is written is what is read, and lies where the policy says, over every transport, in every size and shape.
load helpers
load volumes

# ---- the volumes that are tried; SIZE is that of a node in MiB, and more words go to its disk

# on_linear SIZE: local + TCP
on_linear() {
	policies linear
	disk a "$@" > /dev/null
	disk b "$@" > /dev/null
	exported b /dev/b
	volume v --policy linear /dev/a dst://127.0.0.1/b
}

# on_stripe SIZE: four over TCP
on_stripe() {
	local name
	policies stripe
	for name in a b c d; do
		disk $name "$@" > /dev/null
		exported $name /dev/$name
	done
	volume v --policy stripe dst://127.0.0.1/{a,b,c,d}
}

# on_mirror SIZE: local + TCP + UNIX
on_mirror() {
	policies mirror
	disk a "$@" > /dev/null
	disk b "$@" > /dev/null
	disk c "$@" > /dev/null
	exported b /dev/b
	exported c /dev/c --listen "dst+unix:///?socket=$BATS_TEST_TMPDIR/socket"
	volume v --policy mirror /dev/a dst://127.0.0.1/b "dst+unix:///c?socket=$BATS_TEST_TMPDIR/socket"
}

# alike DISK...: hold the same data
alike() {
	local first=$1 other
	shift
	for other; do same_bytes "$first" "$other" "$(data_bytes "$first")"; done
}

# no_exports NAME...: so that the disks can be looked at
no_exports() {
	local name
	for name; do dstctl export remove "$name"; done
}

# ---- mixed sizes, four jobs, depth 32

@test "fio verifies: linear over local and TCP" {
	on_linear 18
	verified /dev/dst/v 4 8
}

@test "fio verifies: stripe over four TCP nodes" {
	on_stripe 10
	verified /dev/dst/v 4 8
}

@test "fio verifies: mirror over local, TCP and UNIX; the legs are the same below" {
	on_mirror 33
	verified /dev/dst/v 4 8
	stop v
	no_exports b c
	alike /dev/a /dev/b /dev/c
}

@test "fio verifies: mirror over TCP and vsock; the legs are the same below" {
	requires module vsock_loopback
	modprobe vsock_loopback
	policies mirror
	disk a 25
	disk b 25
	exported a /dev/a
	exported b /dev/b --listen dst+vsock://any:7700
	volume v --policy mirror dst://127.0.0.1/a dst+vsock://1:7700/b
	verified /dev/dst/v 4 6
	stop v
	no_exports a b
	alike /dev/a /dev/b
}

@test "fio verifies: linear over vsock alone" {
	requires module vsock_loopback
	modprobe vsock_loopback
	policies linear
	disk a 25
	exported a /dev/a --listen dst+vsock://1
	volume v --policy linear dst+vsock://1/a
	verified /dev/dst/v 4 6
}

@test "fio verifies reads and writes mixed, overlapping, on a mirror; the legs are the same below" {
	on_mirror 9
	# Four jobs on the same sectors: what is read is anything, but the legs must agree in the end.
	fio --name=overlap --filename=/dev/dst/v --ioengine=io_uring --direct=1 --iodepth=32 --rw=randrw --numjobs=4 \
		--size=4M --io_size=12M --norandommap --bssplit=512/30:4k/30:12k/20:256k/20 --output="$BATS_TEST_TMPDIR/fio"
	stop v
	no_exports b c
	alike /dev/a /dev/b /dev/c
}

# ---- where it lies

@test "a stripe's chunks lie on the nodes in turn" {
	on_stripe 5
	numbered "$BATS_TEST_TMPDIR/data" 16
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v
	stop v
	no_exports a b c d
	python3 - "$BATS_TEST_TMPDIR/data" <<-'PY'
	import sys
	data, chunk = open(sys.argv[1], "rb").read(), 65536
	for node, name in enumerate("abcd"):
	    wanted = b"".join(data[n:n + chunk] for n in range(node * chunk, len(data), 4 * chunk))
	    found = open("/dev/" + name, "rb").read(len(wanted))
	    assert found == wanted, f"node {name} differs"
	PY
}

@test "linear fills its nodes one after the other" {
	on_linear 5
	numbered "$BATS_TEST_TMPDIR/data" 8
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	stop v
	no_exports b
	head -c 4M "$BATS_TEST_TMPDIR/data" > "$BATS_TEST_TMPDIR/first"
	tail -c 4M "$BATS_TEST_TMPDIR/data" > "$BATS_TEST_TMPDIR/second"
	got "$BATS_TEST_TMPDIR/first" /dev/a
	got "$BATS_TEST_TMPDIR/second" /dev/b
	# The end of each is not the volume's: the superblock is there.
	dd if=/dev/a bs=1M skip=4 count=1 status=none | grep -qa DSTSUPER
}

# ---- sizes and shapes

@test "the largest requests there are" {
	on_mirror 70
	defer eval "echo 0 > /proc/sys/vm/nr_hugepages"
	echo 40 > /proc/sys/vm/nr_hugepages
	# Huge pages make one bio of all of it.
	fio --name=large --filename=/dev/dst/v --ioengine=io_uring --direct=1 --iodepth=2 --bs=32M --size=64M --rw=write \
		--iomem=mmaphuge --verify=crc32c --verify_fatal=1 --output="$BATS_TEST_TMPDIR/fio"
	stop v
	no_exports b c
	alike /dev/a /dev/b /dev/c
}

@test "single sectors, everywhere in a chunk" {
	on_stripe 5
	fio --name=small --filename=/dev/dst/v --ioengine=io_uring --direct=1 --iodepth=32 --bs=512 --size=1M --rw=randwrite \
		--verify=crc32c --verify_fatal=1 --output="$BATS_TEST_TMPDIR/fio"
}

@test "buffers that are not aligned to pages, of several pieces" {
	on_linear 9
	on_pieces() {
		python3 - /dev/dst/v "/sys/block/dst!v/queue/dma_alignment" <<-'PY'
		import mmap, os, random, sys
		rnd = random.Random(7)
		align = int(open(sys.argv[2]).read()) + 1
		fd = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
		arena = mmap.mmap(-1, 4 << 20)
		back = mmap.mmap(-1, 4 << 20)
		for turn in range(200):
		    pieces, where = [], rnd.randrange(0, 4096, align)
		    for n in range(rnd.randint(1, 8)):
		        size = 512 * rnd.choice((1, 2, 3, 7, 8, 9, 16, 100))
		        pieces.append((where, size))
		        where += size + rnd.randrange(0, 8192, align)
		    total = sum(size for _, size in pieces)
		    data = rnd.randbytes(total)
		    done = 0
		    for where, size in pieces:
		        arena[where:where + size] = data[done:done + size]
		        done += size
		    # Around the border of the two nodes, too.
		    offset = 512 * rnd.choice((rnd.randrange(0, 30000), 8 * 2048 - rnd.randrange(0, total // 512 + 1)))
		    offset = min(offset, (16 << 20) - total)
		    assert os.pwritev(fd, [memoryview(arena)[w:w + s] for w, s in pieces], offset) == total
		    shift = rnd.randrange(0, 4096, align)
		    assert os.preadv(fd, [memoryview(back)[shift:shift + total]], offset) == total
		    assert back[shift:shift + total] == data, f"turn {turn} at {offset}"
		PY
	}
	on_pieces
}

@test "through the page cache, and what is left of it after" {
	on_linear 9
	numbered "$BATS_TEST_TMPDIR/data" 16
	dd if="$BATS_TEST_TMPDIR/data" of=/dev/dst/v bs=5000 conv=notrunc,fsync status=none
	blockdev --flushbufs /dev/dst/v
	cmp -n $((16 << 20)) "$BATS_TEST_TMPDIR/data" /dev/dst/v
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v
}

# ---- discard and zeroes

@test "what is discarded or zeroed reads as zeroes: linear" {
	policies linear
	a=$(loop_disk a 17M)
	b=$(loop_disk b 17M)
	exported b "$b"
	volume v --policy linear "$a" dst://127.0.0.1/b
	erases
}

@test "what is discarded or zeroed reads as zeroes: stripe" {
	local name device
	policies stripe
	for name in a b c d; do
		device=$(loop_disk $name 9M)
		exported $name "$device"
	done
	volume v --policy stripe dst://127.0.0.1/{a,b,c,d}
	erases
}

@test "what is discarded or zeroed reads as zeroes: mirror, and the legs are the same below" {
	local a b c
	policies mirror
	a=$(loop_disk a 33M)
	b=$(loop_disk b 33M)
	c=$(loop_disk c 33M)
	exported b "$b"
	exported c "$c" --listen "dst+unix:///?socket=$BATS_TEST_TMPDIR/socket"
	volume v --policy mirror "$a" dst://127.0.0.1/b "dst+unix:///c?socket=$BATS_TEST_TMPDIR/socket"
	erases
	equal "nodes up" "$(volume_field v up_nodes)" 3
	stop v
	no_exports b c
	alike "$a" "$b" "$c"
}

@test "zeroes that one copy refuses are written to it: it stays, and the copies are the same" {
	local a b
	policies mirror
	disk below 64 > /dev/null
	mkfs.ext4 -q /dev/below
	mounted /dev/below "$BATS_TEST_TMPDIR/ext4"
	# One that must not unmap: ext4 has that, tmpfs does not, and says so when it is asked.
	a=$(loop_disk ext4/a 33M)
	b=$(loop_disk b 33M)
	volume v --policy mirror "$a" "$b"
	numbered "$BATS_TEST_TMPDIR/data" 32
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	blkdiscard -z -o $(((5 << 20) + 512)) -l $((3 << 20)) /dev/dst/v
	zeroes /dev/dst/v $(((5 << 20) + 512)) $((3 << 20))
	dd if=/dev/zero of="$BATS_TEST_TMPDIR/data" bs=512 seek=$(((10 << 10) + 1)) count=$((6 << 10)) conv=notrunc status=none
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v
	equal "nodes up" "$(volume_field v up_nodes)" 2
	stop v
	alike "$a" "$b"
}

# erases: discards and zeroes parts of v, which has 32 MiB; what is around them stays
erases() {
	numbered "$BATS_TEST_TMPDIR/data" 32
	put "$BATS_TEST_TMPDIR/data" /dev/dst/v
	erased() {
		"${@:3}" -o "$1" -l "$2" /dev/dst/v
		zeroes /dev/dst/v "$1" "$2"
		dd if=/dev/zero of="$BATS_TEST_TMPDIR/data" bs=512 seek=$(($1 / 512)) count=$(($2 / 512)) conv=notrunc status=none
	}
	erased $((1 << 20)) $((3 << 20)) blkdiscard
	erased $((15 << 20)) $((2 << 20)) blkdiscard
	# WRITE_ZEROES that may unmap; an error without it
	erased $((20 << 20)) $((5 << 20)) fallocate -p
	erased $((28 << 20)) 4096 fallocate -p
	# and that may not: tmpfs below has no such thing, which the block layer is told, and writes them itself
	erased $((26 << 20)) $((1 << 20)) blkdiscard -z
	erased $(((31 << 20) + 512)) 1024 blkdiscard -z
	erased $(((16 << 20) - 512)) 512 blkdiscard -z
	got "$BATS_TEST_TMPDIR/data" /dev/dst/v
}

@test "fstrim gives back what a file system does not use" {
	local a b
	policies mirror
	a=$(loop_disk a 65M)
	b=$(loop_disk b 65M)
	exported b "$b"
	volume v --policy mirror "$a" dst://127.0.0.1/b
	# Not made there: mkfs writes zeroes that must not unmap, tmpfs has no such thing, and loop then does no zeroes at all.
	truncate -s 64M "$BATS_TEST_TMPDIR/made"
	mkfs.ext4 -q "$BATS_TEST_TMPDIR/made"
	dd if="$BATS_TEST_TMPDIR/made" of=/dev/dst/v bs=64k conv=sparse,notrunc oflag=direct status=none
	mounted /dev/dst/v "$BATS_TEST_TMPDIR/fs"
	dd if=/dev/urandom of="$BATS_TEST_TMPDIR/fs/large" bs=1M count=24 status=none
	echo small > "$BATS_TEST_TMPDIR/fs/small"
	sync -f "$BATS_TEST_TMPDIR/fs"
	local before after
	before=$(stat -c %b "$BATS_TEST_TMPDIR/b.img")
	rm "$BATS_TEST_TMPDIR/fs/large"
	sync -f "$BATS_TEST_TMPDIR/fs"
	fstrim -v "$BATS_TEST_TMPDIR/fs"
	after=$(stat -c %b "$BATS_TEST_TMPDIR/b.img")
	[ $((before - after)) -gt $((20 << 11)) ] || { echo "blocks before $before, after $after"; return 1; }
	umount "$BATS_TEST_TMPDIR/fs"
	fsck.ext4 -fn /dev/dst/v
	stop v
	no_exports b
	alike "$a" "$b"
}

# ---- file systems

# file_system TYPE MKFS-OPTION...: on v: made, filled, mounted again, read back, checked
file_system() {
	local type=$1 fs=$BATS_TEST_TMPDIR/fs blob=$BATS_TEST_TMPDIR/blob
	shift
	modprobe -q "$type" || :
	"mkfs.$type" -q "$@" /dev/dst/v
	head -c 6M /dev/urandom > "$blob"
	mounted /dev/dst/v "$fs"
	mkdir "$fs/many"
	split -b 9973 -a 4 "$blob" "$fs/many/x"
	cp "$blob" "$fs/blob"
	# To the last block.
	not dd if=/dev/zero of="$fs/rest" bs=1M status=none 2> /dev/null
	umount "$fs"
	check "$type"
	mount /dev/dst/v "$fs"
	cat "$fs"/many/x* | cmp - "$blob"
	cmp "$blob" "$fs/blob"
	rm -r "$fs/many" "$fs/rest"
	cp "$blob" "$fs/again"
	umount "$fs"
	check "$type"
	mount -o ro /dev/dst/v "$fs"
	cmp "$blob" "$fs/again"
	umount "$fs"
}
check() {
	if [ "$1" = xfs ]; then xfs_repair -n /dev/dst/v > "$BATS_TEST_TMPDIR/repair" 2>&1 || { cat "$BATS_TEST_TMPDIR/repair"; return 1; }
	else fsck.ext4 -fn /dev/dst/v > "$BATS_TEST_TMPDIR/fsck" 2>&1 || { cat "$BATS_TEST_TMPDIR/fsck"; return 1; }; fi
}
ext4() { file_system ext4; }
# As small as xfs gets, with sectors of 512 bytes: its headers and small log writes come from slab pages.
xfs() { file_system xfs --unsupported -f -s size=512 -b size=4096 -l size=16m; }

@test "ext4 on linear over local and TCP" { on_linear 32; ext4; }
@test "ext4 on stripe over four TCP nodes" { on_stripe 16; ext4; }
@test "ext4 on mirror over local, TCP and UNIX; the legs are the same below" {
	on_mirror 48
	ext4
	stop v
	no_exports b c
	alike /dev/a /dev/b /dev/c
}
@test "xfs on linear over local and TCP" { on_linear 32; xfs; }
@test "xfs on stripe over four TCP nodes" { on_stripe 16; xfs; }
@test "xfs on mirror over local, TCP and UNIX; the legs are the same below" {
	on_mirror 48
	xfs
	stop v
	no_exports b c
	alike /dev/a /dev/b /dev/c
}

# ---- trees

@test "a tree of three levels: volume over an export of a volume over an export of a volume" {
	policies linear mirror
	disk a 66
	disk b 66
	volume low --policy linear /dev/a
	exported low /dev/dst/low
	volume middle --policy linear dst://127.0.0.1/low
	exported middle /dev/dst/middle --listen "dst+unix:///?socket=$BATS_TEST_TMPDIR/socket"
	volume v --policy mirror "dst+unix:///middle?socket=$BATS_TEST_TMPDIR/socket" /dev/b
	verified /dev/dst/v 2 8
	ext4
	stop v
	no_exports middle
	stop middle
	no_exports low
	# The data area is smaller with each level: the top's begins at the same place.
	same_bytes /dev/dst/low /dev/b $((63 << 20))
}
