# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Building blocks for peers, sourced in the VM. Each that makes a device prints its path.

# disk NAME: a null_blk disk of 64 MiB that keeps its data in memory, all of it allocated
disk() {
	modprobe null_blk nr_devices=0
	local d=/sys/kernel/config/nullb/$1
	mkdir "$d" || return
	echo 64 > "$d/size"
	echo 4096 > "$d/blocksize"    # in pieces of that size it copies
	echo 0 > "$d/irqmode"    # complete at once, in the submitter
	nproc > "$d/submit_queues"
	echo 128 > "$d/hw_queue_depth"
	echo 2048 > "$d/max_sectors"
	echo 1 > "$d/memory_backed"
	echo 1 > "$d/power"
	dd if=/dev/zero of="/dev/$1" bs=1M count=64 oflag=direct 2> /dev/null || return
	echo "/dev/$1"
}
disk_gone() { rmdir "/sys/kernel/config/nullb/$1"; }

# appears GLOB COMMAND...: runs COMMAND and prints the block device that it makes appear among GLOB
appears() {
	local glob=$1 before device i
	shift
	before=" $(compgen -G "$glob" | tr '\n' ' ') "
	"$@" >&2 || return
	for ((i = 0; i < 100; i++)); do
		for device in $(compgen -G "$glob"); do
			[[ $before == *" $device "* || ! -b $device || $(blockdev --getsz "$device") = 0 ]] || { echo "$device"; return; }
		done
		sleep 0.1
	done
	echo "nothing new among $glob" >&2
	return 1
}

# nvme_disk NAME: a disk NAME exported and connected over NVMe/TCP on loopback
nvme_disk() {
	modprobe -a nvmet-tcp nvme-tcp
	local t=/sys/kernel/config/nvmet
	mkdir -p "$t/subsystems/$1/namespaces/1"
	echo 1 > "$t/subsystems/$1/attr_allow_any_host"
	disk "$1" > "$t/subsystems/$1/namespaces/1/device_path"
	echo 1 > "$t/subsystems/$1/namespaces/1/enable"
	if mkdir "$t/ports/1" 2> /dev/null; then
		(cd "$t/ports/1" && echo ipv4 > addr_adrfam && echo tcp > addr_trtype && echo 4420 > addr_trsvcid && echo 127.0.0.1 > addr_traddr)
	fi
	ln -s "$t/subsystems/$1" "$t/ports/1/subsystems/$1"
	appears '/dev/nvme*n1' nvme connect -t tcp -a 127.0.0.1 -s 4420 -n "$1" -i "$(nproc)"
}
nvme_disk_gone() {
	local t=/sys/kernel/config/nvmet
	nvme disconnect -n "$1" > /dev/null
	rm "$t/ports/1/subsystems/$1"
	rmdir "$t/subsystems/$1/namespaces/1" "$t/subsystems/$1"
	disk_gone "$1"
}

# dm NAME TABLE-LINE...: a device-mapper device (no udev here to wait for)
dm() {
	local name=$1
	shift
	printf '%s\n' "$@" | dmsetup create "$name" --noudevsync --noudevrules
	dmsetup mknodes "$name"
	echo "/dev/mapper/$name"
}
dm_gone() { dmsetup remove --noudevsync "$1"; }

# md_mirror OPTION|DISK...: /dev/md0, a raid1 without metadata and without bitmap
md_mirror() {
	mdadm --build /dev/md0 --level=1 --raid-devices=2 --assume-clean "$@" >&2
	echo /dev/md0
}
md_mirror_gone() { mdadm --stop /dev/md0 2> /dev/null; }

# dst_export NAME: a disk NAME exported over TCP on loopback; prints its address
dst_export() {
	local port=$((7700 + ${1#nullb}))
	modprobe dstblk
	dstctl export add "$1" "$(disk "$1")" --listen "dst://127.0.0.1:$port" >&2 || return
	echo "dst://127.0.0.1:$port/$1"
}
dst_export_gone() { dstctl export remove "$1" >&2; disk_gone "$1"; }

# dst_volume NAME POLICY NODE...: a volume
dst_volume() {
	local name=$1 policy=$2
	shift 2
	modprobe dstblk
	dstctl policy load "$policy" >&2 && dstctl volume create "$name" --policy "$policy" "$@" >&2 || return
	echo "/dev/dst/$name"
}
# dst_synced NAME: its first resync is over
dst_synced() { dstctl volume wait "$1" --until in-sync --timeout 60 >&2; }
dst_volume_gone() { dstctl volume stop "$1" >&2; }
