#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The format of the medium: the codec (progs/disktest.c, which runs kmod/disk.c), and superdump, by which other tests look.
load helpers

programs=$BATS_TEST_DIRNAME/build

# dumped JQ-FILTER WANTED [SUPERDUMP-OPTION...]: of $medium
dumped() {
	local filter=$1 wanted=$2
	shift 2
	equal "superdump $* | $filter" "$("$programs/superdump" "$@" "$medium" | jq -cr "$filter")" "$wanted"
}

# medium: a file with two superblocks, 8 and 9, and some bits of the bitmap
make_medium() {
	medium=$BATS_TEST_TMPDIR/medium
	"$programs/disktest" "$medium"
}

# scribble OFFSET TEXT: over the metadata area of $medium
scribble() { printf '%s' "$2" | dd of="$medium" bs=1 seek=$((2097152 + $1)) conv=notrunc status=none; }

@test "the codec: round trips, every field damaged, truncated, torn writes, ages, regions" {
	"$programs/disktest"
}

@test "superdump shows both copies and the one that counts" {
	make_medium
	dumped .offset 2097152
	dumped '[.state, .why, .counts]' '["valid",null,1]'
	dumped '[.copies[] | [.copy, .valid, .why, .super.sequence]]' '[[0,true,null,8],[1,true,null,9]]'
	dumped '.super | [.sequence, .name, .policy, .nodes[1].witness, .clean]' '[9,"a_volume-1.x","mirror",true,true]'
	dumped .super.node 01a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0
	dumped '[.super.age.seq, .super.age.nonce]' '[5,"0000000000000005"]'
	dumped '[.super.history[].seq]' '[4,3,2,1]'
	dumped '[.super.sequence, .valid]' '[8,true]' --copy 0
	dumped '[.super.sequence, .valid]' '[9,true]' --copy 1
}

@test "superdump says why a copy is invalid" {
	make_medium
	scribble $((65536 + 100)) x
	dumped '[.state, .counts, .super.sequence]' '["valid",0,8]'
	dumped '[.valid, .why, .super]' '[false,"bad crc",null]' --copy 1
	scribble 0 x
	dumped '[.state, .why, .counts, .super]' '["corrupt","bad crc",null,null]'
	dumped .why 'bad magic' --copy 0
	scribble 65536 x
	dumped '[.state, .why]' '["foreign",null]'
}

@test "superdump shows the regions that are marked" {
	make_medium
	"$programs/superdump" --bitmap "$medium" > "$BATS_TEST_TMPDIR/ranges"
	diff "$BATS_TEST_TMPDIR/ranges" <(printf '%s\n' 0-2 15-15 4194303-4194303)
	local status=0
	scribble $(((512 + 0) * 512 + 8)) x
	"$programs/superdump" --bitmap "$medium" > "$BATS_TEST_TMPDIR/ranges" 2> "$BATS_TEST_TMPDIR/err" || status=$?
	equal status $status 1
	equal error "$(cat "$BATS_TEST_TMPDIR/err")" "superdump: $medium: sector 0 of the bitmap is damaged"
	diff "$BATS_TEST_TMPDIR/ranges" <(echo 4194303-4194303)
}

@test "superdump of a blank disk, and of one whose size is no multiple of 1 MiB" {
	local device
	medium=$(disk a 4)
	dumped '[.offset, .state, .why]' '[3145728,"blank",null]'
	equal bitmap "$("$programs/superdump" --bitmap "$medium")" ''
	make_medium
	truncate -s +1M "$medium"
	truncate -s -512 "$medium"
	dumped '[.offset, .state]' '[2097152,"valid"]'
	device=$(loop_disk b 3584K)
	dd if="$medium" of="$device" bs=512 count=6144 oflag=direct status=none
	medium=$device
	dumped '[.offset, .state]' '[2097152,"valid"]'
}

@test "superdump says what it can't do" {
	local status
	truncate -s 2047K "$BATS_TEST_TMPDIR/small"
	for words in '' '--copy 2 x' '--copy x' '--bitmap --copy 0 x' /nowhere "$BATS_TEST_TMPDIR/small" "$BATS_TEST_TMPDIR"; do
		status=0
		# shellcheck disable=SC2086 # a list of words
		"$programs/superdump" $words > "$BATS_TEST_TMPDIR/out" 2> "$BATS_TEST_TMPDIR/err" || status=$?
		equal "status of '$words'" $status 2
		[ ! -s "$BATS_TEST_TMPDIR/out" ]
		grep -qE '^(superdump: /|usage: )' "$BATS_TEST_TMPDIR/err"
	done
}
