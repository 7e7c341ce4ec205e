#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Policies: registered, lost, come back, and answering wrongly in every way (bpf/hostile).
load helpers
load volumes

hostile=$BATS_TEST_DIRNAME/build/hostile
shipped=/usr/lib/dst/policies
# Where selftests/vm/run puts what selftests/vm/bpftool-patched has built.
patched=${BPFTOOL_PATCHED:-/x/bpftool/bpftool}

# loaded NAME: a hostile policy
loaded() {
	dstctl policy load "$hostile/$1.bpf.o" || return
	defer policy_gone "$1"
}
policy_gone() { [ ! -e "/sys/fs/bpf/dst/$1" ] || rm "/sys/fs/bpf/dst/$1"; }
# switched NAME LEVEL: how wrongly a hostile policy answers
switched() { bpftool map update name "k_$1" key 0 0 0 0 value "$2" 0 0 0; }
registered() { [ "$(dstctl policy list --json | jq -r '.[].name' | grep -cx "$1")" = 1 ]; }
policy_field() { dstctl policy show "$1" --json | jq -r ".$2"; }

# stock COMMAND...: bpftool struct_ops, which crashes while it prints (docs/bpftool): that is all it may do wrong
stock() {
	local status=0
	bpftool struct_ops "$@" > "$BATS_TEST_TMPDIR/bpftool" 2>&1 || status=$?
	case $status in
	0 | 139) ;;
	*) cat "$BATS_TEST_TMPDIR/bpftool"; return 1 ;;
	esac
}
needs_patched() { [ -x "$patched" ] || skip "needs the patched bpftool: selftests/vm/bpftool-patched"; }

detach() { bpftool link detach pinned "/sys/fs/bpf/dst/$1" && rm "/sys/fs/bpf/dst/$1"; }
writes() { dd if=/dev/urandom of=/dev/dst/v bs=4k count=1 seek="${1:-0}" oflag=direct status=none; }
reads() { dd if=/dev/dst/v of=/dev/null bs=4k count=1 skip="${1:-0}" iflag=direct status=none; }
held_is() { volume_is v held "$1"; }

# ---- registering

@test "dstctl loads, lists, shows and unloads policies" {
	policies linear mirror
	equal names "$(dstctl policy list --json | jq -r '[.[].name] | sort | join(" ")')" "linear mirror"
	equal pin "$(policy_field linear pin)" /sys/fs/bpf/dst/linear
	equal callbacks "$(policy_field linear 'callbacks | join(" ")')" "layout place"
	equal volumes "$(policy_field linear volumes)" 0
	refused 'policy linear is registered already' dstctl policy load linear
	dstctl policy unload linear
	[ ! -e /sys/fs/bpf/dst/linear ]
	retry 5 not registered linear
	dstctl policy load $shipped/linear.bpf.o
	registered linear
}

@test "every policy that ships loads from its one object file, on this kernel too" {
	local file name n=0
	for file in "$shipped"/*.bpf.o; do
		name=${file##*/} name=${name%.bpf.o}
		policies "$name"
		registered "$name"
		n=$((n + 1))
	done
	[ $n -ge 4 ]
}

@test "stock bpftool registers a policy, whatever it prints" {
	local a
	a=$(disk a 8)
	stock register $shipped/linear.bpf.o /sys/fs/bpf/dst
	defer dstctl policy unload linear
	[ -e /sys/fs/bpf/dst/linear ]
	equal pin "$(policy_field linear pin)" /sys/fs/bpf/dst/linear
	volume v --policy linear "$a"
	writes && reads
}

@test "the patched bpftool registers, lists, dumps and unregisters policies without a crash" {
	needs_patched
	local a
	a=$(disk a 8)
	"$patched" struct_ops register $shipped/linear.bpf.o /sys/fs/bpf/dst
	defer policy_gone linear
	registered linear
	"$patched" struct_ops list | grep -q dstb_policy_ops
	"$patched" struct_ops dump > "$BATS_TEST_TMPDIR/dump"
	grep -q linear "$BATS_TEST_TMPDIR/dump"
	volume v --policy linear "$a"
	writes && reads
	"$patched" struct_ops register "$hostile/no_link.bpf.o"
	registered no_link
	"$patched" struct_ops unregister name no_link
	not registered no_link
}

@test "a policy that is only a name is linear storage" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	policies minimal
	volume v --policy minimal "$a" "$b"
	equal size "$(volume_field v size)" $((14 << 20))
	numbered "$BATS_TEST_TMPDIR/numbers" 14
	put "$BATS_TEST_TMPDIR/numbers" /dev/dst/v
	cmp -n $((7 << 20)) "$BATS_TEST_TMPDIR/numbers" "$a"
	cmp -i $((7 << 20)):0 -n $((7 << 20)) "$BATS_TEST_TMPDIR/numbers" "$b"
}

@test "a policy without a link is used, lost when unregistered, and comes back" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	stock register "$hostile/no_link.bpf.o"
	defer eval 'not registered no_link || stock unregister name no_link'
	registered no_link
	refused 'policy no_link is not pinned' dstctl policy unload no_link
	volume v --policy no_link "$a" "$b"
	writes
	stock unregister name no_link
	retry 5 volume_is v state policy-lost
	not registered no_link
	stock register "$hostile/no_link.bpf.o"
	retry 5 volume_is v state active
	reads
	stop v
	stock unregister name no_link
	not registered no_link
}

@test "an object whose pin is in the way is refused" {
	policies linear
	detach_only() { bpftool link detach pinned /sys/fs/bpf/dst/linear; }
	detach_only
	not registered linear
	refused '/sys/fs/bpf/dst/linear exists, though no policy linear is registered' dstctl policy load linear
	rm /sys/fs/bpf/dst/linear
	dstctl policy load linear
}

# verifier_says REGEX NAME: in all that --verbose prints; how much of it is in the sentence depends on the kernel
verifier_says() {
	not dstctl policy load --verbose "$hostile/$2.bpf.o" 2> "$BATS_TEST_TMPDIR/log" || return
	grep -qE "$1" "$BATS_TEST_TMPDIR/log" || { cat "$BATS_TEST_TMPDIR/log"; return 1; }
}

@test "policies that break the rules do not load, and the verifier's reason is shown" {
	local name
	for name in wrong_kfunc random clock forged wrong_write wrong_sleep; do
		refused "the kernel does not take '.*/$name.bpf.o'" dstctl policy load "$hostile/$name.bpf.o"
	done
	verifier_says bpf_get_prandom_u32 random
	verifier_says dstb_place_leg wrong_kfunc
	verifier_says 'dstblk: the member at offset 0 is read-only' wrong_write
	verifier_says "dstblk: only the callback's arguments can be written to|dstb_place_leg" forged
	for name in bad_abi bad_flags bad_name; do
		refused "$name" dstctl policy load "$hostile/$name.bpf.o"
	done
	dmesg_since | grep -q "policy 'bad_abi' is for abi 2, this is 1"
	dmesg_since | grep -q "a policy's name is 1 to 15 of"
	equal policies "$(dstctl policy list --json | jq length)" 0
}

@test "an unprivileged user registers no policy" {
	local nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	not "${nobody[@]}" dstctl policy load linear 2> /dev/null
	not registered linear
}

# ---- the life of a policy

@test "the module does not unload while a policy, a volume or an export is there" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	policies linear
	not modprobe -r dstblk 2> "$BATS_TEST_TMPDIR/err"
	grep -q 'in use' "$BATS_TEST_TMPDIR/err"
	exported e "$b"
	volume v --policy linear "$a"
	dstctl policy unload linear
	not modprobe -r dstblk 2> /dev/null
	stop v
	not modprobe -r dstblk 2> /dev/null
	dstctl export remove e
	retry 5 modprobe -r dstblk
	module_load
	dstctl policy load linear    # whose unloading is to come
}

@test "a volume goes on when its policy is unloaded, and lets go of it at its end" {
	local a
	a=$(disk a 8)
	dstctl policy load linear
	volume v --policy linear "$a"
	equal volumes "$(policy_field linear volumes)" 1
	dstctl policy unload linear
	[ ! -e /sys/fs/bpf/dst/linear ]
	writes && reads
	equal state "$(volume_field v state)" active
	equal pin "$(policy_field linear pin)" ""
	refused 'policy linear is not pinned' dstctl policy unload linear
	# It can be used still; no other of its name can come.
	refused 'policy linear is registered already' dstctl policy load linear
	stop v
	retry 5 not registered linear
}

@test "one policy serves many volumes" {
	local name
	policies linear
	for name in a b c; do volume "v$name" --policy linear "$(disk $name 8)"; done
	equal volumes "$(policy_field linear volumes)" 3
	stop vb
	equal volumes "$(policy_field linear volumes)" 2
}

@test "a detached policy holds I/O until it is registered again" {
	local a reader writer
	a=$(disk a 8)
	policies linear
	volume v --policy linear "$a"
	writes 3
	dd if=/dev/dst/v of="$BATS_TEST_TMPDIR/before" bs=4k count=1 skip=3 iflag=direct status=none
	head -c 4096 /dev/urandom > "$BATS_TEST_TMPDIR/new"
	detach linear
	retry 5 volume_is v state policy-lost
	[[ $(volume_field v reason) =~ "the policy was detached; I/O waits until it is registered again" ]]
	dd if=/dev/dst/v of="$BATS_TEST_TMPDIR/after" bs=4k count=1 skip=3 iflag=direct status=none &
	reader=$!
	defer kill_wait $reader
	dd if="$BATS_TEST_TMPDIR/new" of=/dev/dst/v bs=4k count=1 seek=9 oflag=direct status=none &
	writer=$!
	defer kill_wait $writer
	retry 5 held_is 2
	refused 'policy linear is not registered now' dstctl map v 0
	kill -0 $reader && kill -0 $writer
	dstctl policy load linear
	wait $reader
	wait $writer
	equal state "$(volume_field v state)" active
	equal held "$(volume_field v held)" 0
	cmp "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	cmp -i 0:36864 -n 4096 "$BATS_TEST_TMPDIR/new" "$a"
	equal volumes "$(policy_field linear volumes)" 1
}

@test "a policy that comes back but places data elsewhere is refused, naming the first sector" {
	local a b writer
	a=$(disk a 8) b=$(disk b 8)
	policies mirror
	volume v --policy mirror "$a" "$b"
	detach mirror
	retry 5 volume_is v state policy-lost
	writes &
	writer=$!
	defer kill_wait $writer
	retry 5 held_is 1
	dstctl policy load "$hostile/elsewhere.bpf.o"
	defer policy_gone elsewhere
	retry 5 eval '[[ $(volume_field v reason) =~ "policy '\''mirror'\'' came back but places sector "[0-9]+" elsewhere" ]]'
	# The volume has 14336 sectors; the second half is elsewhere.
	[ "$(volume_field v reason | sed 's/.*sector \([0-9]*\) .*/\1/')" -ge 7168 ]
	equal state "$(volume_field v state)" policy-lost
	held_is 1
	kill -0 $writer
	rm /sys/fs/bpf/dst/elsewhere
	retry 5 not registered mirror
	dstctl policy load mirror
	wait $writer
	volume_is v state active
	equal reason "$(volume_field v reason)" ""
}

@test "a policy that comes back with another layout is refused" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	policies mirror
	volume v --policy mirror "$a" "$b"
	detach mirror
	retry 5 volume_is v state policy-lost
	dstctl policy load "$hostile/linear_mirror.bpf.o"
	defer policy_gone linear_mirror
	retry 5 eval '[[ $(volume_field v reason) =~ "came back but lays out 28672 sectors" ]]'
	equal state "$(volume_field v state)" policy-lost
	rm /sys/fs/bpf/dst/linear_mirror
	retry 5 not registered mirror
	dstctl policy load mirror
	retry 5 volume_is v state active
	writes && reads
}

@test "a policy is detached and comes back under I/O, again and again" {
	local a b fio
	a=$(disk a 64) b=$(disk b 64)
	policies mirror
	volume v --policy mirror "$a" "$b"
	verified /dev/dst/v 1 16 > "$BATS_TEST_TMPDIR/verified" 2>&1 &
	fio=$!
	defer kill_wait $fio
	for _ in 1 2 3 4 5 6; do
		detach mirror
		retry 5 volume_is v state policy-lost
		dstctl policy load mirror
		retry 5 volume_is v state active
	done
	wait $fio || { cat "$BATS_TEST_TMPDIR/verified"; return 1; }
	cmp -n $((16 << 20)) "$a" "$b"
}

@test "a volume without its policy stops" {
	local a
	a=$(disk a 8)
	policies linear
	volume v --policy linear "$a"
	detach linear
	retry 5 volume_is v state policy-lost
	at_most 10 dstctl volume stop v
	dstctl policy load linear
}

@test "a volume whose I/O is held stops by force, and the I/O fails" {
	local a writer reader
	a=$(disk a 8)
	policies linear
	volume v --policy linear "$a"
	detach linear
	retry 5 volume_is v state policy-lost
	writes 2> /dev/null & writer=$!
	defer kill_wait $writer
	reads 2> /dev/null & reader=$!
	defer kill_wait $reader
	retry 5 held_is 2
	refused "volume 'v' is in use" dstctl volume stop v
	at_most 10 dstctl volume stop v --force
	not wait $writer
	not wait $reader
	[ ! -e '/sys/block/dst!v' ]
	dstctl policy load linear
}

@test "init() may refuse a volume, and layout() with a sentence of its own" {
	local a
	a=$(disk a 8)
	loaded init_refuses
	loaded refuses
	loaded layout_error
	refused "init\(\) of policy 'init_refuses' returned -22" dstctl volume create v --policy init_refuses "$a"
	refused 'this policy refuses every volume' dstctl volume create v --policy refuses "$a"
	refused "layout\(\) of policy 'layout_error' returned -22" dstctl volume create v --policy layout_error "$a"
	equal volumes "$(dstctl volume list --json | jq length)" 0
}

# ---- wrong answers

# wrong_at_create NAME WORDS: switched on before, it makes no volume
wrong_at_create() {
	local a b
	a=$(disk a 8 blocksize=4096) b=$(disk b 8 blocksize=4096)
	loaded "$1"
	switched "$1" "${3:-1}"
	refused "place\(\) is wrong at sector 0: $2" dstctl volume create v --policy "$1" "$a" "$b"
	equal volumes "$(dstctl volume list --json | jq length)" 0
	switched "$1" 0
	wrong_at_run_time "$@"
}

# wrong_at_run_time NAME WORDS [LEVEL]: switched on while the volume runs, it fails I/O, and writes for ever
wrong_at_run_time() {
	volume v --policy "$1" /dev/a /dev/b
	quiet v
	writes 1
	volume_is v state active
	switched "$1" "${3:-1}"
	not writes 2 2> /dev/null
	volume_is v state faulted
	if [[ $(volume_field v reason) != "place() of policy '$1' is wrong at sector 16: $2" ]]; then
		volume_field v reason
		return 1
	fi
	[ "$(volume_field v policy_faults)" -ge 1 ]
	not reads 1 2> /dev/null
	switched "$1" 0
	# Reads are answered again; writes are not, whatever it says now.
	reads 1
	not writes 1 2> /dev/null
	volume_is v state faulted
	zeroes /dev/a 8192 4096
	stop v
}

@test "a place() without legs is refused" { wrong_at_create no_legs 'no legs'; }
@test "a place() of 17 legs is refused" { wrong_at_create legs_17 'more than 16 legs'; }
@test "a place() of more legs than copies is refused" { wrong_at_create more_copies "more legs than the layout's copies"; }
@test "a place() of fewer legs than copies is refused" { wrong_at_create fewer_copies "fewer legs than the layout's copies"; }
@test "a place() of two copies on one node is refused" { wrong_at_create same_node 'two copies on one node'; }
@test "a place() of an empty run is refused" { wrong_at_create empty_run 'an empty run'; }
@test "a place() of a run longer than asked for is refused" { wrong_at_create long_run 'a run longer than asked for'; }
@test "a place() of half a block is refused" { wrong_at_create odd_run 'the run is not a multiple of the block size'; }
@test "a place() outside of a node is refused" { wrong_at_create outside 'a leg ends outside its node'; }
@test "a place() far outside of a node is refused" { wrong_at_create wrap_around 'a leg ends outside its node'; }
@test "a place() on a node that is not there is refused" { wrong_at_create no_node 'a leg on a node that does not exist' 2; }
@test "a place() that is not aligned is refused" { wrong_at_create misaligned 'a leg is not aligned to blocks'; }
@test "a place() that returns an error is refused" { wrong_at_create place_error 'it returned an error'; }
@test "a place() that returns a positive number is refused" { wrong_at_create place_error 'it returned an error' 7; }

@test "a place() that crosses the runs that its layout() promised is refused" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	loaded crosses_run
	refused "the run crosses a multiple of the layout's run" dstctl volume create v --policy crosses_run "$a" "$b"
}

@test "a place() that answers differently each time is refused" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	loaded fickle
	refused 'place\(\) is wrong at sector 0: asked twice, it answers differently' \
		dstctl volume create v --policy fickle "$a" "$b"
}

@test "a place() that is wrong at the start only is refused" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	loaded wrong_start
	refused 'place\(\) is wrong at sector 0: no legs' dstctl volume create v --policy wrong_start "$a" "$b"
}

@test "a place() that is wrong in a part of the volume leaves reads of the rest" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	loaded wrong_half
	volume v --policy wrong_half "$a" "$b"
	numbered "$BATS_TEST_TMPDIR/numbers" 7
	put "$BATS_TEST_TMPDIR/numbers" /dev/dst/v
	quiet v
	switched wrong_half 1
	# 3.5 MiB on: block 896
	not reads 896 2> /dev/null
	volume_is v state faulted
	[[ $(volume_field v reason) =~ "is wrong at sector 7168: no legs" ]]
	dd if=/dev/dst/v bs=512k count=7 iflag=direct status=none | cmp -n $((7 << 19)) - "$BATS_TEST_TMPDIR/numbers"
	not writes 0 2> /dev/null
	# A file system's flush is no write.
	blockdev --flushbufs /dev/dst/v
	refused "policy wrong_half answers wrongly at sector 7168" dstctl map v 7168
	dstctl map v 0 > /dev/null
}

@test "a wrong pick_read() is counted, and the default used" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	loaded wrong_pick
	volume v --policy wrong_pick "$a" "$b"
	# Until then there is nothing to choose.
	quiet v
	numbered "$BATS_TEST_TMPDIR/numbers" 1
	put "$BATS_TEST_TMPDIR/numbers" /dev/dst/v
	got "$BATS_TEST_TMPDIR/numbers" /dev/dst/v
	equal state "$(volume_field v state)" active
	[ "$(volume_field v policy_faults)" -ge 1 ]
}

@test "a wrong acks() is counted, and the default used" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	loaded wrong_acks
	volume v --policy wrong_acks "$a" "$b"
	# Odd MiB are answered with a negative number, even ones with too large a one.
	numbered "$BATS_TEST_TMPDIR/numbers" 4
	put "$BATS_TEST_TMPDIR/numbers" /dev/dst/v
	[ "$(volume_field v policy_faults)" -ge 4 ]
	equal state "$(volume_field v state)" active
	cmp -n $((4 << 20)) "$BATS_TEST_TMPDIR/numbers" "$a"
	cmp -n $((4 << 20)) "$BATS_TEST_TMPDIR/numbers" "$b"
}

@test "a slow place() slows down, and no more" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	loaded slow
	volume v --policy slow "$a" "$b"
	switched slow 20
	writes && reads
	volume_is v state active
}
