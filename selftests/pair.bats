#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Two machines with a disk each and one that votes, as docs/howto-pair.md has it.
load helpers
load volumes

machine() {
	netns "$1"
	link init "$1"
	ip -n "$1" route add default via "$(address init "$1")"
}

# a, b and c, which reach each other through here; each offers its disk
machines() {
	local name
	policies mirror
	echo 1 > /proc/sys/net/ipv4/ip_forward
	for name in a b c; do machine $name; done
	disk a 32 > /dev/null
	disk b 32 > /dev/null
	disk c 2 > /dev/null
	for name in a b c; do ns=$name exported "disk-$name" "/dev/$name" --listen "dst://$(address $name init)"; done
	a=$(address a init) b=$(address b init) c=$(address c init)
}
in_sync() { dst volume wait data --until in-sync --timeout $((60 * DST_SLOW)); }

# Feared: alone, the primary gives its secondary up, and that looks like a split brain when it returns (R9).
@test "a pair: the primary is alone for long before it dies, and returns as secondary all the same" {
	taken_over eval 'retry 20 node_is data 1 state away; sleep 2'
}

@test "a pair: the primary dies, the other takes over, nothing is lost, the first returns as secondary" {
	taken_over
}

# taken_over [COMMAND...]: which is run while the primary is alone
taken_over() {
	machines
	ns=a volume data export:disk-a "dst://$b/disk-b" --witness "dst://$c/disk-c" --policy mirror --grace 2
	ns=a in_sync
	numbered "$BATS_TEST_TMPDIR/one" 8
	numbered "$BATS_TEST_TMPDIR/two" 8 100
	put "$BATS_TEST_TMPDIR/one" /dev/dst/data
	# a dies: nobody hears of it any more, and it does not say good-bye.
	cut_link a init
	ns=a "${@:-true}"
	ns=a dst volume stop data --force
	ns=b volume_gone_later data
	ns=b dst volume assemble data "dst://$a/disk-a" export:disk-b "dst://$c/disk-c" --takeover --grace 2
	got "$BATS_TEST_TMPDIR/one" /dev/dst/data
	put "$BATS_TEST_TMPDIR/two" /dev/dst/data 10
	restore_link a init
	ns=b in_sync
	got "$BATS_TEST_TMPDIR/one" /dev/dst/data
	got "$BATS_TEST_TMPDIR/two" /dev/dst/data 10
	ns=b stop data
	same_bytes /dev/a /dev/b "$(data_bytes /dev/a)"
	# And back, on purpose.
	ns=a volume_gone_later data
	ns=a dst volume assemble data export:disk-a "dst://$b/disk-b" "dst://$c/disk-c"
	got "$BATS_TEST_TMPDIR/two" /dev/dst/data 10
	ns=a stop data
}
volume_gone_later() { defer _volume_gone "$1" "${ns:-init}"; }
