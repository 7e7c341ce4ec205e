# shellcheck shell=bash disable=SC2034,SC2154 # what the files below set and use
# SPDX-License-Identifier: GPL-2.0
# A mirror of three copies on hosts of their own, under load all the time, on top of members.bash: `load cuts`. For tests
# that do things to it at random: SEED repeats what is done and when, not what the machine does meanwhile.

# seeded: prints the seed
seeded() {
	seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
	RANDOM=$((seed % 32768))
	echo "# SEED=$seed" >&3
}
# at_random WORD...: sets chosen
at_random() { shift $((RANDOM % $#)); chosen=$1; }
# lasts TENTHS: so long at most
lasts() { sleep "$(($1 / 10)).$(($1 % 10))"; }

# three_copies [SIZE]: mirror v, whose nodes are soon given up
three_copies() {
	mirrored 3 "${1:-32}" --grace 1 --io-timeout 3
}

# ---- load: the history of sectors in the first half, fio in the second

load_starts() {
	rm -f "$BATS_TEST_TMPDIR/enough"
	history_start /dev/dst/v --size 12M
	background verified_again
	load=$background
}
verified_again() {
	until [ -e "$BATS_TEST_TMPDIR/enough" ]; do
		fio --name=load --filename=/dev/dst/v --ioengine=io_uring --direct=1 --iodepth=8 --rw=randwrite --offset=16M --size=4M \
			--bssplit=512/20:4k/40:16k/20:64k/20 --rate=1m --verify=crc32c --verify_fatal=1 --output="$BATS_TEST_TMPDIR/fio" || return
	done
}
load_runs() { kill -0 "$load" && kill -0 "$history_pid"; }
# load_stops: it ends without an error. load_is_over: it has ended, with errors, as its volume is gone
load_stops() {
	touch "$BATS_TEST_TMPDIR/enough"
	history_stop
	retry 60 not kill -0 "$load" 2> /dev/null
	wait "$load" || { cat "$BATS_TEST_TMPDIR/fio"; return 1; }
}
load_is_over() {
	retry 60 not kill -0 "$load" 2> /dev/null
	retry 60 not kill -0 "$history_pid" 2> /dev/null
}
# load_ends_well: and all nodes are in sync, nothing was lost, and the copies are the same
load_ends_well() {
	load_stops
	in_sync v 120
	legs_equal v /dev/d0 /dev/d1 /dev/d2
	# What stands for all of the log so far
	history_check --settle "$BATS_TEST_TMPDIR/settled"
	mv "$BATS_TEST_TMPDIR/settled" "$history_log"
	history_runs=1
}

# ---- cuts: what happens between host hN and the volume

# down N: the volume has noticed
down() { not state_is "$1" up; }
cut_starts() {
	local kind=$1 n=$2
	case $kind in
	drop) cut_link "h$n" init ;;
	reset) cut_host "$n" ;;
	loss) slow_link "h$n" init loss 20% && slow_link init "h$n" loss 20% ;;
	# more than --io-timeout
	delay) slow_link "h$n" init delay 5s ;;
	esac
}
cut_ends() {
	local kind=$1 n=$2
	case $kind in
	drop | reset) restore_link "h$n" init ;;
	loss | delay) in_ns "h$n" tc qdisc delete dev to-init root; tc qdisc delete dev "to-h$n" root 2> /dev/null || : ;;
	esac
}
# cut_of KIND: some host, for a while; once in four times another one too, which may leave less than a quorum
cut_of() {
	local kind=$1 n=$((RANDOM % 3)) more='' tenths=$((RANDOM % 30 + 5))
	[ $((RANDOM % 4)) != 0 ] || more=$(((n + 1 + RANDOM % 2) % 3))
	# shellcheck disable=SC2154 # number: the test's
	echo "# $number: $kind of node $n${more:+ and $more}, $tenths/10 s" >&3
	cut_starts "$kind" "$n"
	[ ! "$more" ] || cut_starts "$kind" "$more"
	# All but losing packets is noticed.
	[ "$kind" = loss ] || retry 20 down "$n" || return
	lasts "$tenths"
	cut_ends "$kind" "$n"
	[ ! "$more" ] || cut_ends "$kind" "$more"
	load_runs && history_goes_on 60
}
