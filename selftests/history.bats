#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The sector-history checker itself: storage that lies in every way there is must be found out, storage that does not must
# not. The storage is a file; each test makes one lie in it or in what a reader saw.
load helpers

history=$BATS_TEST_DIRNAME/build/history

setup() {
	common_setup
	cd "$BATS_TEST_TMPDIR" || return
	truncate -s 16M disk
	"$history" write disk --log one --writes 60 --writers 3 --readers 1 --max 16K --seed 5 --flush-every 7 --fua 5
	cp disk before
	cat one > log
	"$history" write disk --log log --writes 60 --writers 3 --max 16K --seed 6
}

check() { "$history" check disk --log log "$@"; }
# found WHAT [OPTION...]: the check must end with status 1 and count one sector that is WHAT, and nothing else
found() {
	local what=$1 status=0
	shift
	check "$@" > out || status=$?
	cat out
	equal status "$status" 1
	equal violations "$(grep -E '^[0-9]+ sectors ' out)" "1 sectors $what"
}
# copy_sector N FROM TO [M]: of FROM number N to TO, there to M
copy_sector() { dd if="$2" of="$3" bs=512 skip="$1" seek="${4:-$1}" count=1 conv=notrunc status=none; }
# A sector that was written, and acknowledged, in both runs
both() {
	awk '/^H/ { run++ }
		/^I/ { for (s = $4; s < $4 + $5; s++) { if (run == 1) one[s] = 1; else if (s in one) { print s; exit } } }' log
}
# A sector that no run wrote
neither() {
	awk '/^H/ { end = $6 } /^I/ { for (s = $4; s < $4 + $5; s++) seen[s] = 1 } END { for (s = 0; s < end; s++) if (!(s in seen)) { print s; exit } }' log
}
# unacknowledged RUN: without the A lines from there on: nothing of it was acknowledged
unacknowledged() { awk -v from="$1" '/^H/ { run++ } !(/^A/ && run >= from)' log > log.cut && mv log.cut log; }

@test "what does not lie passes, and so does what the next run adds to it" {
	check --settle settled
	"$history" check disk --log settled
	"$history" check before --log one --durable flushed
	cp settled log
	"$history" write disk --log log --writes 60 --readers 2 --max 16K --seed 7
	check --settle again
	"$history" check disk --log again
}

@test "a lost write is found: zeroes where something was" {
	copy_sector "$(both)" /dev/zero disk
	found lost
}

@test "a stale sector is found, and before and after it is told what was expected" {
	copy_sector "$(both)" before disk
	found stale
	grep -E '^stale: sector [0-9]+ holds write .*; expected write [0-9]+[.][0-9]+ .* or a later one$' out
}

@test "a torn sector is found" {
	local n
	n=$(both)
	dd if=before of=disk bs=256 skip=$((n * 2)) seek=$((n * 2)) count=1 conv=notrunc status=none
	found torn
}

@test "a misplaced sector is found, where something was written and where nothing was" {
	cp disk good
	copy_sector "$(both)" good disk $(($(both) + 1))
	found misplaced
	cp good disk
	copy_sector "$(both)" good disk "$(neither)"
	found misplaced
}

@test "foreign content is found, where something was written and where nothing was" {
	cp disk good
	copy_sector "$(both)" /dev/urandom disk
	found foreign
	cp good disk
	copy_sector "$(neither)" /dev/urandom disk
	found foreign
	check --base any
	copy_sector "$(both)" /dev/urandom disk
	found foreign --base any
}

@test "a write that was never issued is found" {
	local status=0
	"$history" write disk --log other --writes 60 --max 16K --seed 8
	check || status=$?
	equal status $status 1
}

@test "what was never acknowledged may be there or not, but not half an older one" {
	unacknowledged 2
	check
	# the last acknowledged one of the first run
	cp disk good
	cp before disk
	check
	copy_sector "$(both)" /dev/zero disk
	found lost
}

@test "what an earlier check did not see must not come later" {
	local n
	n=$(both)
	unacknowledged 2
	cp disk later
	cp before disk
	check --settle log.settled
	mv log.settled log
	check
	copy_sector "$n" later disk
	found 'never issued'
}

@test "what was acknowledged and not flushed may be lost, what was flushed may not" {
	local n
	# without flush or FUA after the second header
	awk '/^H/ { run++ } !(/^[FG]/ && run == 2)' log > log.cut && mv log.cut log
	cp disk good
	cp before disk
	check --durable flushed
	copy_sector "$(both)" /dev/zero disk
	check --durable flushed || n=1
	[ -n "$n" ]
	cp before disk
	check --show 1 || n=2
	equal "with --durable all" "$n" 2
}

@test "a flush makes durable what was acknowledged before it, not what came after" {
	cat > log <<-'L'

	H 1 abc 1 0 32768
	I 0 1 8 1
	A 0 1
	F 0 1
	I 0 2 9 1
	A 0 2
	G 0 1
	L
	truncate -s 0 disk
	truncate -s 16M disk
	found lost --durable flushed
	grep 'lost: sector 8 ' out
	sed -i 's/^I 0 2 9 1/& f/' log
	check --durable flushed > out || :
	grep '^2 sectors lost' out
}

@test "a reader that gets an old sector finds it out, whatever is there at the end" {
	cat > log <<-'L'

	H 1 abc 1 0 32768
	I 0 1 8 1
	Q 0 1 8 1
	R 0 1 8 1:z
	A 0 1
	Q 0 2 8 1
	R 0 2 8 1:z
	I 0 2 8 1
	E 0 2 5
	L
	truncate -s 0 disk
	truncate -s 16M disk
	check > out || :
	grep 'lost: sector 8 was read as zeroes between entries 6 and 7; expected write 0.1' out
	grep -c 'was read as' out | grep -qx 1
}

@test "a log that was cut off anywhere is read, one that is wrong in the middle is not" {
	local size n
	unacknowledged 2
	cp before disk
	size=$(stat -c %s one)
	for n in 1 5 12 30; do
		{ cat one; tail -c +$((size + 1)) log | head -c $((2000 + n)); } > short
		"$history" check disk --log short
	done
	head -c $((2000)) one > short
	cat log >> short
	sed -i '20s/.*/I 0 zero/' log
	run -2 check
}

@test "nothing written, or nothing flushed, is nothing to say" {
	printf '\nH 1 abc 1 0 32768\n' > log
	run -2 check
	: > log
	run -2 check
	printf '\nH 1 abc 1 0 32768\nI 0 1 8 1\nA 0 1\n' > log
	run -2 check --durable flushed
}

@test "compare names the first sectors that differ, and what they hold" {
	local n
	n=$(both)
	cp disk other
	"$history" compare disk other
	copy_sector "$n" before other
	run -1 "$history" compare disk other
	[[ ${lines[0]} == "sector $n differs" ]]
	[[ ${lines[1]} == *"disk: write "* ]]
	[[ $output == *"32768 sectors compared, 1 differ" ]]
	"$history" compare disk other --bytes $((n * 512))
}

@test "for other tests: start, go on, stop, start again, check, and a lie in between" {
	load recovery
	truncate -s 0 disk
	truncate -s 16M disk
	# A file of the page cache: who reads a sector while it is written may get half of it, which no disk does.
	history_start disk --max 16K --readers 0
	history_goes_on
	history_stop
	cp disk before
	cp history.log log
	history_start disk --max 16K --readers 0
	history_goes_on
	history_stop
	history_check
	history_check disk --durable flushed
	cp history.log log
	copy_sector "$(both)" before disk
	run -1 history_check
	[[ $output == *"1 sectors stale"* ]]
}
