#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Over and over: nothing is left, nothing grows. DST_FULL=1 for a thousand volumes and two hundred loads of the module.
load helpers
load volumes

setup_file() {
	if [ "${DST_FULL-}" ]; then
		test_timeout 3600
	fi
	module_load
}

if [ "${DST_FULL-}" ]; then volumes=1000 loads=200; else volumes=30 loads=10; fi

# shrinks: a process that on each line it reads has every cache give back what lies free in it, and answers. It keeps the
# files open: each open of one is an object of kmalloc-96 that is freed some seconds after, hundreds in all.
shrinks() {
	local file fd fds=() _
	for file in /sys/kernel/slab/*/shrink; do
		exec {fd}> "$file"
		fds+=("$fd")
	done
	while read -r _; do
		for fd in "${fds[@]}"; do echo 1 >&"$fd"; done 2> /dev/null    # a cache may have gone with its module
		echo
	done
}

# objects: how many there are in each kmalloc cache and each of the module's, as "NAME NUMBER"
objects() {
	local before now try _
	sync
	echo 3 > /proc/sys/vm/drop_caches
	# The stacks of threads that have ended are freed some grace periods later: until there are no fewer than a second ago.
	now=$(grep -vc unpurged /proc/vmallocinfo)
	for ((try = 0; try < 20; try++)); do
		before=$now
		sleep 1
		now=$(grep -vc unpurged /proc/vmallocinfo)
		[ "$now" -lt "$before" ] || break
	done
	# A cache's count has what lies free in the CPUs' own slabs for used: that is given back first.
	echo >&"${shrinker[1]}"
	read -r -t 60 _ <&"${shrinker[0]}" || return
	awk '/^(kmalloc|dma-kmalloc|dstb|bio|biovec|bdev_cache|inode_cache|sock_inode|TCP|UNIX)/ { print $1, $2 }' /proc/slabinfo
	echo "percpu $(awk '/^Percpu:/ { print $2 }' /proc/meminfo)"
	echo "vmalloc $(grep -vc unpurged /proc/vmallocinfo)"    # freed, but not yet unmapped
}

# leaks N COMMAND...: runs it N times in three rounds, after one to warm up. A cache that grew in each round by as many
# objects as there were turns, or more, has a leak; growth that comes from elsewhere does not go on like that.
leaks() {
	local turns=$1 round turn third
	shift
	third=$((turns / 3))
	coproc shrinker { shrinks; }
	# shellcheck disable=SC2154 # coproc sets it
	defer kill_wait "$shrinker_PID"
	for ((turn = 0; turn < 3; turn++)); do "$@"; done
	objects > "$BATS_TEST_TMPDIR/0"
	for round in 1 2 3; do
		for ((turn = 0; turn < third; turn++)); do "$@"; done
		objects > "$BATS_TEST_TMPDIR/$round"
	done
	local grown
	grown=$(cd "$BATS_TEST_TMPDIR" && awk -v third=$third '
		{ n[FILENAME, $1] = $2; name[$1] }
		END {
			for (c in name) {
				bad = 1
				for (r = 1; r <= 3; r++) if (n[r, c] - n[r - 1, c] < third) bad = 0
				if (bad) print c ": " n[0, c], n[1, c], n[2, c], n[3, c]
			}
		}' 0 1 2 3)
	[ -z "$grown" ] || { echo "leaked: $grown"; return 1; }
}

# nothing_of_ours: no workqueue of a volume or an export is there (by its rescuer), no disk, no cache
nothing_of_ours() {
	! cat /proc/[0-9]*/comm 2> /dev/null | grep '^kworker/R-dstb-' &&
		! compgen -G '/sys/block/dst!*' &&
		! grep '^dstb' /proc/slabinfo
}

# The debug kernel knows every object that nothing points to.
no_leak_reports() {
	local leaks=/sys/kernel/debug/kmemleak
	[ -e $leaks ] || return 0
	sleep 6    # nothing younger than five seconds is reported
	echo scan > $leaks
	echo scan > $leaks
	cat $leaks > "$BATS_TEST_TMPDIR/leaks"
	not grep -B 30 -A 30 -m 1 dstb_ "$BATS_TEST_TMPDIR/leaks"
}

one_volume() {
	dstctl volume create v --policy mirror --adopt /dev/a dst://127.0.0.1/b || return
	dd if=/dev/zero of=/dev/dst/v bs=64k count=2 oflag=direct conv=notrunc status=none || return
	dstctl volume stop v
}

one_export() {
	dstctl export add e /dev/a --listen dst://127.0.0.1:7702 &&
		dstctl volume create v --policy linear --adopt dst://127.0.0.1:7702/e &&
		dd if=/dev/dst/v of=/dev/null bs=64k count=2 iflag=direct status=none &&
		dstctl volume stop v && dstctl export remove e
}

# What is refused half way leaves as little as what goes well.
one_refusal() {
	not dstctl volume create v --policy linear --adopt /dev/a dst://127.0.0.1/nothing 2> /dev/null &&
		not dstctl volume create v --policy stripe --adopt --param stripe=5000 /dev/a dst://127.0.0.1/b 2> /dev/null
}

one_failure() {
	dstctl volume create v --policy mirror --adopt /dev/a dst://127.0.0.1/b || return
	kill_connections init 7700
	dd if=/dev/zero of=/dev/dst/v bs=64k count=2 oflag=direct conv=notrunc status=none || return
	dstctl volume stop v --force
	retry 10 sessions_are b 0
}

one_load() {
	module_load && dstctl policy load linear && dstctl volume create v --policy linear --adopt /dev/a &&
		dstctl volume stop v && dstctl policy unload linear && module_unload
}

prepare() {
	policies linear stripe mirror
	disk a 8 > /dev/null
	disk b 8 > /dev/null
	exported b /dev/b
}

@test "volumes made and stopped leave nothing" {
	prepare
	leaks $volumes one_volume
	dstctl export remove b
	retry 10 nothing_of_ours
	no_leak_reports
}

@test "exports made and removed leave nothing" {
	prepare
	leaks $volumes one_export
	dstctl export remove b
	retry 10 nothing_of_ours
	no_leak_reports
}

@test "volumes that are refused leave nothing" {
	prepare
	leaks $((volumes / 3)) one_refusal
	dstctl export remove b
	retry 10 nothing_of_ours
	no_leak_reports
}

@test "volumes that fail and are stopped by force leave nothing" {
	prepare
	leaks $((volumes / 3)) one_failure
	dstctl export remove b
	retry 10 nothing_of_ours
	no_leak_reports
}

@test "the module loaded and unloaded leaves nothing" {
	disk a 8 > /dev/null
	defer module_load
	module_unload
	leaks $loads one_load
	[ ! -e /sys/kernel/btf/dstblk ]
	[ ! -e /sys/kernel/debug/dst ]
	nothing_of_ours
	no_leak_reports
}
