#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What the system's own parts make of what is installed: systemd of the unit, udev of the rules.
load helpers

# transaction: what systemd would do to boot a system on which dst is enabled and /etc/fstab has a volume with _netdev
transaction() {
	local root=$BATS_TEST_TMPDIR/root units
	units=$root/etc/systemd/system
	install -D -m 644 /usr/lib/systemd/system/dst.service "$root/usr/lib/systemd/system/dst.service"
	systemctl --root="$root" enable dst
	mkdir -p "$units/multi-user.target.wants" "$units/remote-fs.target.requires"
	ln -s /usr/lib/systemd/system/remote-fs.target "$units/multi-user.target.wants/"
	# As systemd-fstab-generator has it.
	printf '%s\n' '[Unit]' Before=remote-fs.target '[Mount]' What=/dev/dst/v Where=/mnt Type=ext4 Options=_netdev > "$units/mnt.mount"
	ln -s ../mnt.mount "$units/remote-fs.target.requires/"
	chmod -R go+rX "$BATS_RUN_TMPDIR"
	if [ ! -e /sys/fs/cgroup/cgroup.procs ] && [ ! -e /sys/fs/cgroup/unified ]; then
		mount -t cgroup2 cgroup /sys/fs/cgroup || return
		defer umount /sys/fs/cgroup
	fi
	# It refuses to do this as root.
	SYSTEMD_UNIT_PATH="$units:" SYSTEMD_LOG_TARGET=console HOME=/ setpriv --reuid=nobody --clear-groups \
		/usr/lib/systemd/systemd --test --system --unit=multi-user.target
}
# unit NAME: what the transaction says of it
unit() { awk -v unit="Unit $1:" '/^\t.* Unit / { found = index($0, unit) } found' "$BATS_TEST_TMPDIR/boot"; }

@test "a unit that is enabled starts at boot, before what is mounted of its volumes" {
	requires command setpriv systemctl
	requires file /usr/lib/systemd/systemd /usr/lib/systemd/system/dst.service
	transaction > "$BATS_TEST_TMPDIR/boot" 2> "$BATS_TEST_TMPDIR/said" || { cat "$BATS_TEST_TMPDIR/said"; return 1; }
	local name
	for name in dst.service remote-fs-pre.target mnt.mount remote-fs.target; do
		unit "$name" | grep -q "Action: $name -> start" || { echo "$name does not start"; return 1; }
	done
	unit dst.service | grep -q "Before: remote-fs-pre.target "
	unit mnt.mount | grep -q "After: remote-fs-pre.target "
	# At the end the other way round: for that both have to stop.
	unit dst.service | grep -q "Conflicts: shutdown.target "
	not grep -i -e cycle -e "dst.service: " "$BATS_TEST_TMPDIR/said"
}

# Rules are tried by a udev of the test's own, on what it triggers only, unless one runs.
udev() {
	udevadm control --ping 2> /dev/null && return
	/usr/lib/systemd/systemd-udevd --daemon 3>&- 4>&- || return
	defer udevadm control --exit
	udevadm control --ping
}
# look DEVICE: has udev look at it, and waits
look() { udevadm trigger --settle --action=change "$1"; }
# has_link DEVICE -e FOLDER...: has it a name in such a folder of /dev/disk?
has_link() { udevadm info --query=symlink "$1" | grep -w "${@:2}"; }
# udev may just be looking at it.
stop() { retry 10 dstctl volume stop "$1"; }
property() { udevadm info --query=property --property="$2" --value "$1"; }

@test "a node is not offered by the UUID of what is in the volume" {
	requires command udevadm
	defer module_unload
	module_load
	dstctl policy load mirror
	defer dstctl policy unload mirror
	local a b plain uuid=00112233-4455-6677-8899-aabbccddeeff
	a=$(loop_disk a 24M)
	b=$(loop_disk b 24M)
	plain=$(loop_disk plain 24M)
	dstctl volume create v --policy mirror "$a" "$b"
	mkfs.ext4 -q -U $uuid -L inside /dev/dst/v
	stop v
	mkfs.ext4 -q -U ${uuid/0/f} -L outside "$plain"
	equal "what a node looks like" "$(blkid -p -o value -s UUID "$a")" $uuid
	udev
	look "$a"
	look "$plain"
	equal type "$(property "$a" ID_FS_TYPE)" dst_member
	equal usage "$(property "$a" ID_FS_USAGE)" raid
	equal ready "$(property "$a" SYSTEMD_READY)" 0
	equal volume "$(property "$a" DST_VOLUME)" v
	equal names "$(property "$a" ID_FS_UUID)$(property "$a" ID_FS_LABEL_ENC)" ""
	not has_link "$a" -e by-uuid -e by-label
	[ ! -e /dev/disk/by-uuid/$uuid ]
	[ ! -e /dev/disk/by-label/inside ]
	equal type "$(property "$plain" ID_FS_TYPE)" ext4
	equal link "$(readlink -f /dev/disk/by-label/outside)" "$plain"
	# No node any more.
	refused "'$plain' is no node" dstctl node wipe "$plain"
	dstctl volume assemble v "$a" "$b"
	refused "'$a': it is in use" dstctl node wipe "$a"
	stop v
	dstctl node wipe "$a"
	refused "'$a' is no node" dstctl node probe "$a"
	dstctl node probe "$b" > /dev/null
	look "$a"
	equal type "$(property "$a" ID_FS_TYPE)" ext4
	equal link "$(readlink -f /dev/disk/by-uuid/$uuid)" "$a"
}

@test "a disk of an array that is a node is none itself" {
	requires command udevadm mdadm
	requires module raid1
	defer module_unload
	module_load
	dstctl policy load linear
	defer dstctl policy unload linear
	export MDADM_NO_UDEV=1
	local a b size=$(((24 << 20) + (512 << 10)))
	# The last whole MiB of the array and of its disks are the same one.
	a=$(loop_disk a $size)
	b=$(loop_disk b $size)
	mdadm --create /dev/md77 --run --level=1 --raid-devices=2 --metadata=1.0 --bitmap=none --assume-clean "$a" "$b" 2> "$BATS_TEST_TMPDIR/mdadm"
	defer mdadm --stop -q /dev/md77
	dstctl volume create v --policy linear /dev/md77
	stop v
	mdadm --stop -q /dev/md77
	dstctl node probe "$a" | grep -qx DST_VOLUME=v
	udev
	look "$a"
	equal type "$(property "$a" ID_FS_TYPE)" linux_raid_member
	equal node "$(property "$a" DST_NODE)" ""
	refused "no unused block device" dstctl volume assemble v --scan
	mdadm --assemble -q /dev/md77 "$a" "$b"
	dstctl volume assemble v --scan
	stop v
}

@test "a partition is a node, or is in a volume, and is told from its disk" {
	requires command udevadm sfdisk
	defer module_unload
	module_load
	dstctl policy load linear
	defer dstctl policy unload linear
	local disk leg whole
	# The last MiB of this disk and of its partition are the same one.
	disk=$(loop_disk disk $(((24 << 20) + 64 * 512)) -P)
	leg=$(loop_disk leg 24M -P)
	echo "start=2048, size=$((23 * 2048))" | sfdisk -q --label gpt "$disk"
	retry 5 test -b "${disk}p1"
	dstctl volume create outer --policy linear "${disk}p1"
	stop outer
	dstctl node probe "${disk}p1" --json | jq -e '.volume == "outer" and .node == 0 and (.damaged | not)'
	refused "'$disk' is no node" dstctl node probe "$disk"
	dstctl volume assemble outer --scan
	stop outer
	dstctl volume create inner --policy linear "$leg"
	whole=$(sectors /dev/dst/inner)
	stop inner
	echo "start=2048, size=$((whole - 2048))" | sfdisk -q --label dos "$leg"
	retry 5 test -b "${leg}p1"
	mkfs.ext4 -q -L inside "${leg}p1"
	udev
	look "$disk"
	look "${disk}p1"
	look "$leg"
	look "${leg}p1"
	equal disk "$(property "$disk" DST_NODE)" ""
	equal partition "$(property "${disk}p1" DST_VOLUME)" outer
	has_link "${disk}p1" -e by-partuuid
	equal leg "$(property "$leg" DST_VOLUME)" inner
	equal inside "$(property "${leg}p1" ID_FS_TYPE)" dst_member
	not has_link "${leg}p1" -e by-uuid -e by-label -e by-partuuid
}
