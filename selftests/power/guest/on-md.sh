# shellcheck shell=bash disable=SC2034 # storage_legs is for lib.sh
# SPDX-License-Identifier: GPL-2.0
# md's raid1, with a bitmap: something that is known to work, for the tests of the test. Its metadata is at the end.
export MDADM_NO_UDEV=1
storage_legs=2
storage_up() {
	local device=/dev/md/$1 how=$2
	shift 2
	modprobe -q raid1
	mkdir -p /dev/md
	if [ "$how" = create ]; then
		mdadm --create "$device" --run --level=1 --metadata=1.0 --bitmap=internal --assume-clean --raid-devices=2 "$@"
	else
		# else it waits for a write before it makes the copies equal
		mdadm --assemble "$device" --run "$@" && { mdadm --readwrite "$device" || :; }
	fi
}
storage_device() { readlink -f "/dev/md/$1"; }
storage_in_sync() {
	local md n
	md=/sys/block/$(basename "$(storage_device "$1")")/md
	for ((n = 0; n < 600; n++)); do
		# what there is to do begins a moment after the assembly
		[ "$(cat "$md/sync_action")" != idle ] || [ "$(cat "$md/resync_start" 2> /dev/null)" != none ] || {
			[ "$(cat "$md/degraded")" = 0 ]
			return
		}
		sleep 0.2
	done
	return 1
}
storage_down() { mdadm --stop "/dev/md/$1"; }
