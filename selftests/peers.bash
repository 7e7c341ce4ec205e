# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What tests share that talk to exports with build/wirepeer, which --help explains: `load peers`.
# shellcheck disable=SC2034 # used by the tests
peer=$BATS_TEST_DIRNAME/build/wirepeer tcp=127.0.0.1:7700

# says REGEX STATUS ARGUMENT...: what wirepeer says at the end, and its exit status
says() {
	local regex=$1 wanted=$2 status=0
	shift 2
	"$peer" "$@" > "$BATS_TEST_TMPDIR/out" || status=$?
	if [ $status = "$wanted" ] && [[ $(tail -n 1 "$BATS_TEST_TMPDIR/out") =~ $regex ]]; then return; fi
	echo "expected status $wanted and: $regex"
	echo "got status $status and:"
	cat "$BATS_TEST_TMPDIR/out"
	return 1
}
