# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What tests of recovery share, on top of helpers.bash: `load recovery`. Writers that log what they do run on a device while
# the test cuts and restores things; then every sector must hold what it may (selftests/history).
#	history_start /dev/dst/v
#	cut_link ...; restore_link ...
#	history_stop
#	in_sync v
#	history_check
#	legs_equal v "$disk_a" "$disk_b"
# Start and stop may follow each other; a check is of all since the test's beginning, when the device must have been zero.

history=${BATS_TEST_DIRNAME-}/build/history

# history_start DEVICE [OPTION...]: writes there in the background, with the options of `history write`: --size 32M to stay
# in a part, --keep-going if errors are expected. Returns when the first write has been acknowledged.
history_start() {
	history_device=$1
	history_log=$BATS_TEST_TMPDIR/history.log
	shift
	history_runs=$((${history_runs:-0} + 1))
	background "$history" write "$history_device" --log "$history_log" --readers 1 --fua 5 --seed "${history_seed:-$history_runs}" "$@"
	# shellcheck disable=SC2154 # set by background
	history_pid=$background
	retry 30 _history_has "$history_runs"
}
_history_has() { awk -v run="$1" '/^H/ { n++ } /^A/ && n == run { ok = 1; exit } END { exit !ok }' "$history_log" 2> /dev/null; }

# history_acks: how many writes have been acknowledged so far. history_goes_on: some more are within 30 s
history_acks() { grep -c ^A "$history_log"; }
history_goes_on() {
	local before
	before=$(history_acks)
	retry "${1:-30}" _history_more "$before"
}
_history_more() { [ "$(history_acks)" -gt "$1" ]; }

# history_stop [SECONDS]: ends the writers; fails when one had an error, or what is under way does not end
history_stop() {
	kill -TERM "$history_pid"
	retry "${1:-60}" not kill -0 "$history_pid" 2> /dev/null || return
	wait "$history_pid"
}

# history_check [DEVICE] [OPTION...]: all that was written is there; on the volume, or on a leg's disk. For options see
# `history check`: --durable flushed after a disk lost its cache
history_check() {
	local device=$history_device
	if [ "${1-}" ] && [[ $1 != --* ]]; then
		device=$1
		shift
	fi
	"$history" check "$device" --log "$history_log" "$@"
}

# in_sync VOLUME [SECONDS]: waits until all its nodes are
in_sync() { in_ns "${ns:-init}" dstctl volume wait "$1" --until in-sync --timeout $((${2:-60} * DST_SLOW)); }

# legs_equal VOLUME DISK DISK...: the copies below the volume hold the same bytes, as many as it has
legs_equal() {
	local volume=$1 first=$2 bytes leg
	shift 2
	[ $# -gt 0 ] || { echo "legs_equal: one leg is equal to itself"; return 1; }
	bytes=$(blockdev --getsize64 "/dev/dst/$volume") || return
	for leg; do "$history" compare "$first" "$leg" --bytes "$bytes" || return; done
}
