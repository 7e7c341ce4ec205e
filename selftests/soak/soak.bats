#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Everything that can happen to a mirror while it is used, at random, for as long as is asked: selftests/soak/run.
load helpers
load volumes
load recovery
load members
load cuts

# ---- what can happen; each is over when it returns, but for nodes that have something to copy yet

cut_it() {
	at_random drop reset delay loss
	cut_of "$chosen"
}
suspend_node() {
	local n=$((RANDOM % 3))
	dstctl node suspend v $n
	lasts $((RANDOM % 40))
	dstctl node resume v $n
}
suspend_export() {
	local n=$((RANDOM % 3))
	ns=h$n dst export suspend d$n
	retry 20 state_is $n suspended
	lasts $((RANDOM % 40))
	ns=h$n dst export resume d$n
}
remove_export() {
	local n=$((RANDOM % 3))
	ns=h$n dst export remove d$n
	retry 20 down $n
	lasts $((RANDOM % 40))
	ns=h$n exported d$n /dev/d$n --listen "dst://$(address h$n init)"
}
# The same disk, with nothing on it: as if it were a new one.
replace_it() {
	local n=$((RANDOM % 3)) m
	# The others must have everything.
	in_sync v 300
	ns=h$n dst export remove d$n
	retry 20 state_is $n away
	dd if=/dev/zero of=/dev/d$n bs=1M oflag=direct status=none 2> /dev/null || :
	ns=h$n exported d$n /dev/d$n --listen "dst://$(address h$n init)"
	for m in 0 1 2; do [ $m = $n ] || works $m || return; done
}
scrub_it() {
	dstctl volume scrub v --wait
	equal differed "$(volume_field v scrub_errors)" 0
}
# The load has to end before; nodes may be behind.
stop_and_assemble() {
	load_stops
	stop v
	again v --takeover "${where[@]}" --grace 1 --io-timeout 3
	load_starts
}
crash_and_assemble() {
	local n
	for n in 0 1 2; do cut_host $n; done
	dstctl volume stop v --force
	for n in 0 1 2; do heal_host $n; done
	load_is_over
	again v --takeover "${where[@]}" --grace 1 --io-timeout 3
	load_starts
}
check_it() {
	load_ends_well
	load_starts
}

@test "random operations under load, for as long as is asked" {
	local end=$((SECONDS + ${SOAK_SECONDS:-3600})) n
	seeded
	three_copies 48
	load_starts
	for ((number = 1; SECONDS < end; number++)); do
		at_random cut_it cut_it cut_it suspend_node suspend_export remove_export replace_it scrub_it stop_and_assemble \
			crash_and_assemble check_it
		echo "# $number: $chosen" >&3
		$chosen
		load_runs
		history_goes_on 60
	done
	load_ends_well
	dstctl volume scrub v --wait
	equal differed "$(volume_field v scrub_errors)" 0
	for n in 0 1 2; do equal "node $n" "$(node_field v $n state)" up; done
	stop v
	same_bytes /dev/d0 /dev/d1 "$(data_bytes /dev/d0)"
	same_bytes /dev/d0 /dev/d2 "$(data_bytes /dev/d0)"
	echo "# $number operations" >&3
}
