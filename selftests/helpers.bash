# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the bats files share: `load helpers` gives a test setup and teardown (a file with its own calls common_setup and
# common_teardown in them). Cleanup is registered with defer before the risk and always runs, last first. A test fails on
# whatever bad the kernel logged meanwhile, and on anything of DST that it left behind.
bats_require_minimum_version 1.5.0

# Debug kernels under emulation are slow: every wait is so many times as long.
: "${DST_SLOW:=1}"

setup() { common_setup; }
teardown() { common_teardown; }

common_setup() {
	trace_failures_only
	_defers=$BATS_TEST_TMPDIR/defers _allowed=$BATS_TEST_TMPDIR/allowed
	: > "$_defers"
	: > "$_allowed"
	_marker="dst-test: begin ${BATS_TEST_FILENAME##*/} $BATS_TEST_NUMBER $$ $BATS_TEST_DESCRIPTION"
	echo "<5>$_marker" > /dev/kmsg
}

common_teardown() {
	local status=0
	run_deferred || status=1
	nothing_left || status=1
	dmesg_clean || status=1
	return $status
}

# bats notes the call stack before each command, so that it can say where a test failed. Under emulation that takes longer
# than most of the commands (4 ms each). Here it is noted when a command has failed, or the time is up.
# shellcheck disable=SC2034 # bats's own
trace_failures_only() {
	trap - DEBUG
	BATS_DEBUG_LAST_STACK_TRACE=() BATS_DEBUG_LASTLAST_STACK_TRACE=()
	trap _command_failed ERR
	trap '_time_is_up "$BASH_COMMAND"' ABRT
}
_command_failed() {
	BATS_ERROR_STATUS=${BATS_ERROR_STATUS:-$?}
	bats_capture_stack_trace
	bats_error_trap
}
# shellcheck disable=SC2034 # likewise
_time_is_up() {
	echo "interrupted: $1"    # the stack has its line wrong
	bats_capture_stack_trace
	BATS_DEBUG_LASTLAST_STACK_TRACE=("${BATS_DEBUG_LAST_STACK_TRACE[@]}")
	bats_timeout_trap
}

# test_timeout SECONDS, in setup_file, alone on its line: more time than BATS_TEST_TIMEOUT for each test of this file
test_timeout() {
	[ $(($1 * DST_SLOW)) -le "${BATS_TEST_TIMEOUT:-0}" ] || export BATS_TEST_TIMEOUT=$(($1 * DST_SLOW))
}

# ---- cleanup

# defer COMMAND...: to be run at the end of the test, last first; the test fails when it fails
# In a file, because most helpers run in a subshell: disk=$(disk a 64)
defer() { printf '%s\n' "${*@Q}" >> "$_defers"; }

run_deferred() {
	local command status=0 commands n
	[ -s "${_defers-}" ] || return 0
	mapfile -t commands < "$_defers"
	: > "$_defers"
	for ((n = ${#commands[@]} - 1; n >= 0; n--)); do
		command=${commands[n]}
		if ! eval "$command"; then echo "cleanup failed: $command"; status=1; fi
	done
	return $status
}

# background COMMAND...: runs it beside the test, killed at its end; its pid is in $background
background() {
	"$@" 3>&- 4>&- < /dev/null &
	background=$!
	defer kill_wait $background
}
kill_wait() {
	kill "$1" 2> /dev/null || return 0
	retry 10 not kill -0 "$1" 2> /dev/null || kill -KILL "$1" 2> /dev/null || :
	wait "$1" 2> /dev/null || :
}

# ---- what the kernel said

_bad='BUG:|kernel BUG at|WARNING:|KASAN|UBSAN|KFENCE|KCSAN|possible circular locking|possible recursive|inconsistent lock state'
_bad+='|suspicious RCU|bad unlock balance|held lock freed|lock held when returning|still has locks held|possible irq lock'
_bad+='|INFO: trying to register|Invalid wait context|ODEBUG|blocked for more than|blocked in I/O wait for more than'
_bad+='|Oops|general protection|scheduling while atomic|sleeping function called|refcount_t|detected stalls?|self-detected stall'
_bad+='|soft lockup|hard LOCKUP|kmemleak: .* new suspected|unregister_netdevice: waiting|page allocation failure|list_(add|del) corruption'
_bad+='|Call Trace:|Kernel panic|unable to handle|workqueue: .* flush|slab-|Objects remaining'

# dmesg_since: the kernel's log since this test began
dmesg_since() {
	dmesg | awk -v marker="$_marker" 'index($0, marker) { found = 1; next } found; END { exit !found }' ||
		{ echo "BUG: the kernel's log has lost the mark of this test"; dmesg; }
}

# dmesg_allow REGEX: a line that this test causes on purpose
dmesg_allow() { printf '%s\n' "$1" >> "$_allowed"; }

dmesg_clean() {
	local log=$BATS_TEST_TMPDIR/dmesg
	dmesg_since > "$log" 2> /dev/null
	if [ -s "$_allowed" ]; then
		grep -vE -f "$_allowed" "$log" > "$log.kept" || :
		mv "$log.kept" "$log"
	fi
	grep -qE "$_bad" "$log" || return 0
	echo "the kernel complained:"
	grep -E -m 1 -B 5 -A 60 "$_bad" "$log"
	return 1
}

# ---- what a test may leave behind: nothing

# _listed OBJECT: names of all objects of that kind
_listed() { dstctl "$1" list --json 2> /dev/null | jq -r '.. | objects | .name? // empty' 2> /dev/null; }

nothing_left() {
	local name left=
	if [ ! -d /sys/module/dstblk ] || ! command -v dstctl > /dev/null; then return 0; fi
	# A module that nobody holds has no volumes and no exports: to ask for them takes a third of a second.
	if [ "$(< /sys/module/dstblk/refcnt)" != 0 ]; then
		for name in $(_listed volume); do
			left+=" volume:$name"
			dstctl volume stop "$name" || :
		done
		for name in $(_listed export); do
			left+=" export:$name"
			dstctl export remove "$name" || :
		done
	fi
	for name in /sys/fs/bpf/dst/*; do
		[ -e "$name" ] || continue
		left+=" pin:$name"
		rm -rf "$name"
	done
	for name in /sys/block/dst!*; do [ ! -e "$name" ] || left+=" disk:$name"; done
	[ -n "$left" ] || return 0
	echo "left behind:$left"
	return 1
}

# ---- requirements

# requires module NAME | command NAME | file PATH | kernel VERSION | config OPTION | root: skips the test without it
requires() {
	local kind=$1 what
	shift
	for what in "${@:-}"; do
		case $kind in
		module) modprobe -n -q "$what" || skip "needs the kernel module $what" ;;
		command) command -v "$what" > /dev/null || skip "needs the command $what" ;;
		file) [ -e "$what" ] || skip "needs $what" ;;
		kernel) printf '%s\n' "$what" "$(uname -r)" | sort -CV || skip "needs kernel $what" ;;
		config) grep -qE "^(CONFIG_)?$what=[ym]" "/boot/config-$(uname -r)" 2> /dev/null ||
			grep -qE "^CONFIG_${what#CONFIG_}=[ym]" "/boot/config-$(uname -r)" 2> /dev/null ||
			skip "needs a kernel with ${what#CONFIG_}" ;;
		root) [ "$(id -u)" = 0 ] || skip "needs root" ;;
		*) echo "requires: what is $kind?"; return 1 ;;
		esac
	done
}

# ---- waiting and asserting

not() { ! "$@"; }

# retry SECONDS COMMAND...: until it succeeds; the test fails when it does not within SECONDS (times DST_SLOW)
retry() {
	local end=$((SECONDS + $1 * DST_SLOW)) n=0
	shift
	until "$@"; do
		if [ $SECONDS -ge $end ]; then echo "in vain: $*"; return 1; fi
		# short at first: most things are there at once
		if [ $((n++)) -lt 10 ]; then pause 0.02; else pause 0.2; fi
	done
}
# pause SECONDS: without a process
pause() {
	[ "${_never-}" ] || exec {_never}<> <(:)
	read -r -t "$1" -u "$_never" || :
}

# refused REGEX COMMAND...: it must end with status 1 and one line on stderr that matches (nothing else there)
refused() {
	local regex=$1 status=0 message
	shift
	message=$("$@" 2>&1 > /dev/null) || status=$?
	if [ $status != 1 ] || ! [[ $message =~ $regex ]] || [[ $message == *$'\n'* ]]; then
		echo "expected status 1 and: $regex"
		echo "got status $status and: $message"
		return 1
	fi
}

# equal WHAT GOT WANTED
equal() { [ "$2" = "$3" ] || { echo "$1: got '$2', wanted '$3'"; return 1; }; }

# same_bytes A B [BYTES]: devices or files
same_bytes() { cmp ${3:+-n "$3"} "$1" "$2"; }

# ---- the module

module_load() { modprobe dstblk "$@"; }
# What just ended may hold it for a moment.
module_unload() { retry 5 _module_unload; }
_module_unload() { [ ! -d /sys/module/dstblk ] || modprobe -r dstblk 2> "$BATS_TEST_TMPDIR/unload" || { tail -n 1 "$BATS_TEST_TMPDIR/unload"; return 1; }; }

# ---- disks; each prints the path of its device, gone at the end of the test

# disk NAME MEGABYTES [ATTRIBUTE=VALUE]...: a null_blk that keeps its data. blocksize=4096 discard=1 cache=8 (MB of
# volatile write cache), or any attribute of its configfs folder
disk() {
	local name=$1 size=$2 folder=/sys/kernel/config/nullb/$1 attribute
	shift 2
	[ -d /sys/kernel/config/nullb ] || modprobe null_blk nr_devices=0 || return
	mkdir "$folder" || return
	defer _disk_gone "$name"
	echo "$size" > "$folder/size"
	echo 1 > "$folder/memory_backed"
	echo 512 > "$folder/blocksize"
	for attribute; do
		case $attribute in cache=*) attribute=cache_size=${attribute#*=} ;; esac
		if [ ! -e "$folder/${attribute%%=*}" ]; then echo "null_blk has no ${attribute%%=*}" >&2; return 1; fi
		echo "${attribute#*=}" > "$folder/${attribute%%=*}" || return
	done
	echo 1 > "$folder/power" || return
	retry 5 test -b "/dev/$name" >&2 || return
	echo "/dev/$name"
}
_disk_gone() { [ ! -d "/sys/kernel/config/nullb/$1" ] || rmdir "/sys/kernel/config/nullb/$1"; }
# disk_gone NAME: pulls it out now
disk_gone() { rmdir "/sys/kernel/config/nullb/$1"; }

# loop_disk NAME SIZE [LOSETUP-OPTION]...: a loop device on a file in memory. SIZE as truncate has it
loop_disk() {
	local file=$BATS_TEST_TMPDIR/$1.img device
	truncate -s "$2" "$file" || return
	[ -e /dev/loop-control ] || modprobe loop || return
	shift 2
	device=$(losetup -f --show "$@" "$file") || return
	defer losetup -d "$device"
	echo "$device"
}

sectors() { blockdev --getsz "$1"; }

# dm_disk NAME TABLE: a device-mapper device. No udev need be there to wait for.
dm_disk() {
	dmsetup create "$1" --noudevsync --noudevrules --table "$2" || return
	defer _dm_gone "$1"
	dmsetup mknodes "$1" || return
	echo "/dev/mapper/$1"
}
_dm_gone() { dmsetup remove --noudevsync --noudevrules --retry "$1" && dmsetup mknodes "$1"; }
dm_table() { dmsetup suspend --noudevsync --noflush "$1" && dmsetup load "$1" --table "$2" && dmsetup resume --noudevsync "$1"; }

# dm_linear NAME DEVICE: passes on, until dm_fail NAME makes everything an error, and dm_heal NAME DEVICE no more
dm_linear() { dm_disk "$1" "0 $(sectors "$2") linear $2 0"; }
dm_fail() { dm_table "$1" "0 $(sectors "/dev/mapper/$1") error"; }
dm_heal() { dm_table "$1" "0 $(sectors "$2") linear $2 0"; }
# dm_hole NAME DEVICE SECTOR NUMBER: so many sectors from SECTOR on are errors, until dm_heal. holed: the table of that
dm_hole() { dm_table "$1" "$(holed "${@:2}")"; }
holed() {
	local end=$(($2 + $3))
	printf '%s\n' "0 $2 linear $1 0" "$2 $3 error" "$end $(($(sectors "$1") - end)) linear $1 $end"
}
# dm_error NAME SECTORS: a disk on which everything fails
dm_error() { dm_disk "$1" "0 $2 error"; }
# dm_flaky NAME DEVICE UP DOWN [FEATURE...]: good for UP seconds, bad for DOWN, and so on
dm_flaky() {
	local name=$1 device=$2 up=$3 down=$4
	shift 4
	requires module dm_flakey
	modprobe dm_flakey
	dm_disk "$name" "0 $(sectors "$device") flakey $device 0 $up $down${1:+ $# $*}"
}
# dm_delay NAME DEVICE MILLISECONDS
dm_delay() {
	modprobe dm_delay || return
	dm_disk "$1" "0 $(sectors "$2") delay $2 0 $3"
}

# slowed: something is under way on the dm-delay "slow"
slowed() { dmsetup status slow | awk '$3 == "delay" && $5 > 0 { ok = 1 } END { exit !ok }'; }

# ---- hosts: network namespaces; "init" is the one the test runs in

netns() {
	local name
	for name; do
		ip netns add "$name" || return
		defer ip netns delete "$name"
		ip -n "$name" link set lo up || return
	done
}

# in_ns NAME COMMAND...; not "ip netns exec", which hides what is mounted below /sys
in_ns() {
	local name=$1
	shift
	if [ "$name" = init ]; then "$@"; else nsenter --net="/run/netns/$name" "$@"; fi
}

# link A B: a veth pair, interface to-B in A and to-A in B. The Nth link has 10.77.N.1 and fd77::N:1 at A, .2 and :2 at B.
link() {
	local a=$1 b=$2 n links at_b=()
	echo "$a $b" >> "$BATS_TEST_TMPDIR/links"
	mapfile -t links < "$BATS_TEST_TMPDIR/links"
	n=${#links[@]}
	[ "$b" = init ] || at_b=(netns "$b")
	in_ns "$a" ip link add name "to-$b" type veth peer name "to-$a" "${at_b[@]}" || return
	_link_end "$a" "$b" "10.77.$n.1" "fd77::$n:1" && _link_end "$b" "$a" "10.77.$n.2" "fd77::$n:2"
}
_link_end() {
	local dev=to-$2
	[ "$1" != init ] || defer ip link delete "$dev"
	printf '%s\n' "address add $3/24 dev $dev" "address add $4/112 dev $dev nodad" "link set $dev up" |
		in_ns "$1" ip -batch -
}

# address A B [6]: of A on its link to B
address() {
	local n end links
	mapfile -t links < "$BATS_TEST_TMPDIR/links"
	for n in "${!links[@]}"; do
		case ${links[n]} in
		"$1 $2") end=1 ;;
		"$2 $1") end=2 ;;
		*) continue ;;
		esac
		break
	done
	[ "${end-}" ] || { echo "no link $1 $2" >&2; return 1; }
	n=$((n + 1))
	if [ "${3-}" = 6 ]; then echo "fd77::$n:$end"; else echo "10.77.$n.$end"; fi
}

# cut_link A B: nothing passes any more, without a word to either end. restore_link A B
cut_link() {
	in_ns "$1" nft -f - <<-NFT
	table inet cut-$2 {
		chain in { type filter hook input priority -300; iifname "to-$2" drop; }
		chain out { type filter hook output priority -300; oifname "to-$2" drop; }
	}
	NFT
	defer _restore_link "$1" "$2"
}
restore_link() { in_ns "$1" nft delete table inet "cut-$2"; }
_restore_link() { restore_link "$1" "$2" 2> /dev/null || :; }

# slow_link A B NETEM...: e.g. slow_link a b delay 20ms loss 1%
slow_link() {
	local a=$1 b=$2
	shift 2
	in_ns "$a" tc qdisc replace dev "to-$b" root netem "$@"
}

# kill_connections NS PORT: every TCP connection there from or to PORT is reset
kill_connections() { in_ns "$1" ss -K -n "( sport = :$2 or dport = :$2 )" > /dev/null; }
# connections NS PORT: how many are established
connections() { in_ns "$1" ss -Htn state established "( sport = :$2 or dport = :$2 )" | wc -l; }
