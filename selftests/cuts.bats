#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Cuts of every kind, at random, between a mirror and its three copies, which are under load all the time. Packets vanish, are
# refused, are lost now and then, or come too late. DST_FULL=1 for 500 of them.
load helpers
load volumes
load recovery
load members
load cuts

setup_file() {
	if [ "${DST_FULL-}" ]; then
		test_timeout 14400
	else
		test_timeout 300
	fi
	module_load
}

@test "cuts of every kind, at random, under load: nothing is lost, all copies end equal" {
	local cuts=4 kinds=(drop reset delay loss) n
	[ ! "${DST_FULL-}" ] || cuts=500
	seeded
	three_copies
	load_starts
	for ((number = 1; number <= cuts; number++)); do
		# Each kind once, at least.
		if [ $number -le ${#kinds[@]} ]; then chosen=${kinds[number - 1]}; else at_random "${kinds[@]}"; fi
		cut_of "$chosen"
		[ $((number % 25)) != 0 ] || { load_ends_well && load_starts; }
	done
	load_ends_well
	for n in 0 1 2; do equal errors "$(node_field v $n state)" up; done
	stop v
	same_bytes /dev/d0 /dev/d1 "$(data_bytes /dev/d0)"
	same_bytes /dev/d0 /dev/d2 "$(data_bytes /dev/d0)"
}
