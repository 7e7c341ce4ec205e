# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What tests share in which nodes come and go, on top of helpers, volumes and recovery: `load members`.
# shellcheck disable=SC2034 # used by the tests
superdump=$BATS_TEST_DIRNAME/build/superdump

# far: host "far", at the other end of a link; its address is $far. remote NAME DEVICE: an export there
far() {
	netns far
	link init far
	far=$(address far init)
}
remote() { ns=far exported "$1" "$2" --listen "dst://$far"; }
unexport() { ns=far dst export remove "$1"; }

# pair SIZE [OPTION...]: mirror v over the local disk a and the far disk b, the same and with no region marked; listens to events
# With far_disk=ATTRIBUTE=VALUE before it, b is such a disk.
pair() {
	local size=$1
	shift
	policies mirror
	far
	disk a "$size" > /dev/null
	disk b "$size" ${far_disk:+"$far_disk"} > /dev/null
	remote b /dev/b
	listen /dev/a
	volume v --policy mirror "$@" /dev/a "dst://$far/b"
	in_sync v
	quiet v
	forget
}
# hosts N SIZE: disks d0, d1 ... on hosts h0, h1 ..., each an export there; ${where[@]} are their addresses. With
# host_disk=ATTRIBUTE=VALUE before it, they are such disks.
hosts() {
	local n
	for ((n = 0; n < $1; n++)); do
		netns h$n
		link init h$n
		disk d$n "$2" ${host_disk:+"$host_disk"} > /dev/null
		ns=h$n exported d$n /dev/d$n --listen "dst://$(address h$n init)"
		where[n]=dst://$(address h$n init)/d$n
	done
}
# mirrored N SIZE [OPTION...]: mirror v over such hosts, all in sync
mirrored() {
	local n=$1 size=$2
	shift 2
	policies mirror
	hosts "$n" "$size"
	volume v --policy mirror "$@" "${where[@]}"
	in_sync v
}
# cut_host N: host hN does nothing of what it is told any more; whoever tries learns so at once, which saves tests the time
# that a handshake may take. heal_host N
cut_host() {
	in_ns "h$1" nft -f - <<-'NFT'
	table inet cut-init {
		chain in { type filter hook input priority -300; iifname "to-init" ip protocol tcp reject with tcp reset; iifname "to-init" drop; }
		chain out { type filter hook output priority -300; oifname "to-init" tcp flags & rst != rst drop; }
	}
	NFT
	defer _restore_link "h$1" init
}
heal_host() { restore_link "h$1" init; }
# unexport_host N, export_host N: dN is in another life of its target then
unexport_host() { ns=h$1 dst export remove "d$1"; }
export_host() { ns=h$1 exported "d$1" "/dev/d$1" --listen "dst://$(address "h$1" init)"; }
# again NAME ARGUMENT...: assembled, and gone with the test
again() {
	dst volume assemble "$@" || return
	defer _volume_gone "$1" "${ns:-init}"
}

# cut: the link to far carries nothing any more, and the connections over it are gone. heal
cut() {
	cut_link far init
	kill_connections init 7700
}
heal() { restore_link far init; }
works() { node_is v "$1" state up; }
state_is() { node_is v "$1" state "$2"; }
# because INDEX STATE REGEX: node INDEX of v gets into that state, for such a reason
because() {
	retry 40 state_is "$1" "$2" || { dstctl node show v; return 1; }
	[[ $(node_field v "$1" reason) =~ $3 ]] || { echo "node $1 is $2, because: $(node_field v "$1" reason)"; return 1; }
}

# flushed: v, all of it, without an error
flushed() { dd if=/dev/null of=/dev/dst/v conv=fsync,notrunc status=none; }
# stopped_equal A B: v is stopped, and its copies there are the same
stopped_equal() { stop v && same_bytes "$1" "$2" "$(data_bytes "$1")"; }
# sum DEVICE: what is on it, all of it
sum() { dd if="$1" bs=1M iflag=direct status=none | sha256sum; }
# spoil DISK OFFSET BYTES: other bytes, below the volume
spoil() { dd if=/dev/urandom of="$1" bs="$3" count=1 seek="$2"B oflag=direct conv=notrunc status=none; }
# damage DISK [OFFSET]: in both superblocks, some bytes from OFFSET on; DISK is not in use
damage() {
	local area copy
	area=$(data_bytes "$1")
	for copy in 0 65536; do
		head -c 64 /dev/urandom | dd of="$1" bs=1 seek=$((area + copy + ${2:-64})) conv=notrunc,fsync status=none
	done
}
# damage_marks DISK: the first sector of the bitmap; DISK is not in use
damage_marks() {
	dd if=/dev/urandom of="$1" bs=512 count=1 seek=$(($(data_bytes "$1") / 512 + 512)) oflag=direct conv=notrunc status=none
}
# sectors_written DISK: so far
sectors_written() { awk '{ print $7 }' "/sys/block/${1#/dev/}/stat"; }
# fault NAME VALUE: a fault point of v
fault() { echo "$2" > "/sys/kernel/debug/dst/faults/v/$1"; }
# window NAME: is held open, long enough for any test, until let_go; in_window: somebody is in one
window() { fault "$1" $((60000 * DST_SLOW)); }
in_window() { retry 20 _in_window; }
_in_window() { [ "$(cat /sys/kernel/debug/dst/faults/v/waiting)" -gt 0 ]; }
let_go() {
	local name
	for name in intent_ms age_before_ms age_after_ms lost_ms region_ms bye_ms hold_legs; do
		[ ! -e /sys/kernel/debug/dst/faults/v ] || fault $name 0 2> /dev/null || :
	done
}
# patterns [MEGABYTES]: files that differ in each sector: $old, $new
patterns() {
	old=$BATS_TEST_TMPDIR/old new=$BATS_TEST_TMPDIR/new
	numbered "$old" "${1:-8}"
	numbered "$new" "${1:-8}" 500
}
# write_apart FILE: what v has on the disk a and the far disk b goes ways of its own: $new on a, FILE somewhere on b; v is stopped
write_apart() {
	put "$old" /dev/dst/v
	stop v
	again v --degraded /dev/a
	put "$new" /dev/dst/v
	stop v
	again v --degraded "dst://$far/b"
	put "$1" /dev/dst/v 6
	stop v
}
# eio COMMAND...: ends with an I/O error, soon
eio() {
	local message
	message=$("$@" 2>&1) && { echo "no error: $*"; return 1; }
	[[ $message == *"Input/output error"* ]] || { echo "$message"; return 1; }
}
reads() { dd if=/dev/dst/v of=/dev/null bs=4k count="${2:-1}" skip=$(($1 / 4096)) iflag=direct status=none; }
writes() { dd if=/dev/urandom of=/dev/dst/v bs=4k count="${2:-1}" seek=$(($1 / 4096)) oflag=direct conv=notrunc status=none; }

# ---- events

# listen DEVICE: events are written down from here on; DEVICE is not in use
# told INDEX STATE [REGEX]: that node got into that state, for such a reason
listen() {
	_events=$BATS_TEST_TMPDIR/events _listened=$1
	: > "$_events"
	background dstctl events --json >> "$_events"
	retry 10 _listens
}
# It listens when it has heard of an export that comes and goes.
_listens() { exported listens "$_listened" && dstctl export remove listens && [ -s "$_events" ]; }
told() {
	jq -r "select(.kind == \"node\" and .node == $1 and .new == \"$2\").reason" "$_events" > "$BATS_TEST_TMPDIR/told"
	grep -qE "${3-}" "$BATS_TEST_TMPDIR/told"
}
# changes INDEX: all of that node, as "up>lost lost>up"
changes() { jq -r "select(.kind == \"node\" and .node == $1) | \"\(.old)>\(.new)\"" "$_events" | paste -sd ' '; }
changes_are() { [ "$(changes "$1")" = "$2" ] || { echo "changes of node $1: $(changes "$1")"; return 1; }; }
forget() { : > "$_events"; }
