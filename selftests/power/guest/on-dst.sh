# shellcheck shell=bash disable=SC2034 # storage_legs is for lib.sh
# SPDX-License-Identifier: GPL-2.0
# DST's own mirror. A target that outlives this machine may still hold the connections of the dead one: hence --takeover.
storage_legs=2
storage_up() {
	local volume=$1 how=$2
	shift 2
	modprobe dstblk || return
	[ -e /sys/fs/bpf/dst/mirror ] || dstctl policy load mirror || return
	if [ "$how" = create ]; then
		dstctl volume create "$volume" --policy mirror "$@"
	else
		dstctl volume assemble "$volume" "$@" --takeover
	fi
}
storage_device() { echo "/dev/dst/$1"; }
storage_in_sync() { dstctl volume wait "$1" --until in-sync --timeout $((120 * DST_SLOW)) || { dstctl status "$1"; return 1; }; }
storage_down() { dstctl volume stop "$1"; }
