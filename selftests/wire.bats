#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Peers that break the protocol, against the target and against the initiator. build/wirepeer --help lists its modes.
load helpers
load volumes
load peers

# on_offer NAME MEGABYTES [OPTION...]: a disk exported on TCP and on the socket $un
on_offer() {
	local disk
	disk=$(disk "$1" "$2") || return
	shift 2
	un=$BATS_TEST_TMPDIR/un
	exported e "$disk" --listen "dst://$tcp" --listen "dst+unix:///?socket=$un" "$@"
}

rejected() { dstctl export show e --json | jq .rejected; }
rejected_is() { [ "$(rejected)" = "$1" ]; }

# closes MODE...: for each, the target closes the connection and counts it; over TCP
closes() {
	local mode before
	before=$(rejected)
	for mode; do
		if ! "$peer" --role "${role:-shared}" "$mode" "$tcp" e > "$BATS_TEST_TMPDIR/out"; then
			echo "$mode: not closed, but:"
			cat "$BATS_TEST_TMPDIR/out"
			return 1
		fi
	done
	retry 5 rejected_is $((before + $#)) || { echo "rejected: $(rejected), before: $before, and $# since"; return 1; }
	retry 5 sessions_are e 0
}

# ---- the target

@test "a correct initiator from userspace is served, over TCP and UNIX sockets" {
	on_offer a 8
	says '^welcome .*size=16384 block=512' 0 hello "$tcp" e
	says '^right' 0 roundtrip "$tcp" e
	says '^right' 0 --length 512 --sector 8191 roundtrip "$un" e
	says '^right' 0 --length 1048576 --sector 8192 roundtrip "$un" e
	says '^right' 0 --length 1048576 --sector 2047 roundtrip "$tcp" e
	says '^closed' 0 bye "$tcp" e
	says '^welcome' 0 slow-hello "$tcp" e
	says '^welcome' 0 slow-hello "$un" e
	equal rejected "$(rejected)" 0
	retry 5 sessions_are e 0
}

@test "a header that is wrong ends the connection" {
	on_offer a 8 --shared
	closes bad-magic bad-crc wrong-version reserved unknown-opcode opcode-zero unknown-flag reply-flag read-fua \
		wrong-epoch no-epoch has-status has-digest welcome reject leaving ping-flag bye-epoch
	says '^right' 0 --role shared roundtrip "$tcp" e
}

@test "a command outside of the export or of what was granted ends the connection" {
	on_offer a 8 --shared
	closes tag-out-of-range tag-huge length-zero length-huge length-over length-odd past-end over-end sector-huge \
		write-over write-past-end flush-range zeroes-over zeroes-past-end zeroes-fua discard-over discard-huge
	says '^right' 0 --role shared roundtrip "$tcp" e
}

@test "a digest is what it says, of as much as a read may be, for readers too, and only where it was agreed on" {
	local n
	on_offer a 8 --shared
	numbered "$BATS_TEST_TMPDIR/numbers" 7
	put "$BATS_TEST_TMPDIR/numbers" /dev/a
	# digest_is SECTOR BYTES [OPTION...]: as Python has it
	digest_is() {
		says "^digest $(dd if=/dev/a bs=512 skip="$1" count=$(($2 / 512)) iflag=direct status=none |
			python3 -c 'import hashlib, sys; print(hashlib.blake2s(sys.stdin.buffer.read()).hexdigest())')\$" \
			0 --role reader --sector "$1" --length "$2" digest "${@:3}" e
	}
	for n in "$tcp" "$un"; do
		digest_is 0 512 "$n"
		digest_is 16383 512 "$n"
		digest_is 4711 65536 "$n"
		digest_is 8 5120 "$n"
		digest_is 2047 1048576 "$n"
		says '^closed' 0 --role shared digest-unwanted "$n" e
	done
	says '^welcome' 0 --role reader hello "$tcp" e
	grep -qx features=0 "$BATS_TEST_TMPDIR/out"
	says '^welcome' 0 --role reader --features 0xffffffff hello "$tcp" e
	grep -qx features=1 "$BATS_TEST_TMPDIR/out"
	closes digest-unwanted digest-zero digest-odd digest-over digest-huge digest-past-end digest-over-end digest-fua \
		digest-reply digest-tag digest-window
	got "$BATS_TEST_TMPDIR/numbers" /dev/a
	says '^right' 0 --role shared roundtrip "$tcp" e
}

@test "a command that is not aligned to blocks ends the connection" {
	local a
	a=$(disk a 8 blocksize=4096)
	exported e "$a" --shared
	closes unaligned short-block length-odd over-end
	says '^right' 0 --role shared roundtrip "$tcp" e
}

@test "a reader that writes is cut off, and nothing is written" {
	on_offer a 8
	role=reader closes write write-past-end zeroes-past-end discard-huge
	zeroes /dev/a 0 $((8 << 20))
	ns=init dst export remove e
	exported e /dev/a --read-only
	role=reader closes write
	says "export 'e' is read-only" 3 --role writer hello "$tcp" e
	zeroes /dev/a 0 $((8 << 20))
}

@test "a HELLO that is wrong ends the connection" {
	on_offer a 8
	closes hello-bad-crc hello-length hello-huge hello-epoch hello-flags command-first hello-no-version \
		hello-version-order hello-role hello-flag hello-no-instance hello-reader-takeover hello-shared-takeover \
		hello-late-takeover hello-late-probe hello-probe-takeover hello-conn hello-no-conns hello-many-conns hello-session \
		hello-depth hello-request hello-window hello-no-chain hello-long-chain hello-export hello-no-export hello-volume
	says '^welcome' 0 hello "$tcp" e
}

@test "a probe learns which life of an export is there, whoever has it, and is no session" {
	on_offer a 8 --max-sessions 1
	background "$peer" --instance 5 --hold hello "$tcp" e > "$BATS_TEST_TMPDIR/owner"
	local owner=$background
	retry 5 grep -q '^welcome' "$BATS_TEST_TMPDIR/owner"
	instance() { sed -n 's/^instance=//p' "$BATS_TEST_TMPDIR/$1"; }
	session() { dstctl export show e --json | jq -c '.sessions | map(.id)'; }
	session=$(session)
	"$peer" --instance 5 --probe hello "$tcp" e > "$BATS_TEST_TMPDIR/probe"
	grep -q '^welcome' "$BATS_TEST_TMPDIR/probe"
	equal instance "$(instance probe)" "$(instance owner)"
	equal session "$(session)" "$session"
	says "^reject .*no export named 'f' here" 3 --probe hello "$tcp" f
	# It has nothing to ask for, and is not kept.
	says 'no reply .closed.' 1 --probe read "$tcp" e
	says '^closed' 0 --probe --seconds 20 idle "$tcp" e
	kill_wait "$owner"
	retry 5 sessions_are e 0
	background "$peer" --client 00000000-0000-0000-0000-000000000002 --hold hello "$tcp" e > "$BATS_TEST_TMPDIR/other"
	retry 5 grep -q '^welcome' "$BATS_TEST_TMPDIR/other"
	says "^reject status=36 .*has 1 sessions, no more are allowed" 3 --probe hello "$tcp" e
	dstctl export suspend e
	says "^reject status=41" 3 --probe hello "$tcp" e
}

@test "a HELLO that cannot be granted is answered with the reason" {
	on_offer a 8
	says "^reject .*no version in common: the target speaks 1" 3 future "$tcp" e
	says "^reject .*no export named 'f' here" 3 hello "$tcp" f
	says "^reject .*no such session at export 'e'" 3 --conn 1 --conns 2 --session 4711 hello "$tcp" e
	says "^reject .*export 'e' is not shared" 3 --role shared hello "$un" e
	says '^welcome' 0 hello "$tcp" e
	retry 5 rejected_is 4
}

@test "a session is not for others: another client's, another instance's, and another role's, connections are refused" {
	local session
	on_offer a 8 --shared
	background "$peer" --instance 5 --role shared --conns 2 --hold hello "$tcp" e > "$BATS_TEST_TMPDIR/held"
	retry 5 grep -q welcome "$BATS_TEST_TMPDIR/held"
	session=$(sed -n 's/.*session=\([0-9]*\) .*/\1/p' "$BATS_TEST_TMPDIR/held")
	says 'no such session' 3 --instance 5 --role shared --conns 2 --conn 1 --session "$session" \
		--client 00000000-0000-0000-0000-000000000001 hello "$tcp" e
	says 'no such session' 3 --instance 6 --role shared --conns 2 --conn 1 --session "$session" hello "$tcp" e
	says 'no such session' 3 --instance 5 --role reader --conns 2 --conn 1 --session "$session" hello "$tcp" e
	says 'no such session' 3 --instance 5 --role shared --conns 9 --conn 8 --session "$session" hello "$tcp" e
	says '^welcome' 0 --instance 5 --role shared --conns 2 --conn 1 --session "$session" hello "$tcp" e
	# which has ended again, and the session with it
	retry 5 sessions_are e 0
}

@test "when one connection of a session ends, the others do" {
	on_offer a 8
	says '^closed' 0 --conns 2 sibling "$tcp" e
	retry 5 sessions_are e 0
	says '^closed' 0 --conns 2 sibling "$un" e
	retry 5 sessions_are e 0
}

@test "a tag in use, a window exceeded, and a second HELLO end the connection; a flood of PINGs is answered" {
	on_offer a 64 --shared
	closes tag-in-use window hello-twice
	says '^closed' 0 --role shared tag-in-use "$un" e
	says '^closed' 0 --role shared window "$un" e
	says '^right' 0 --role shared ping-flood "$tcp" e
	says '^right' 0 --role shared ping-flood "$un" e
	says '^right' 0 --role shared roundtrip "$tcp" e
}

@test "a stream of garbage ends the connection" {
	on_offer a 8
	closes garbage
	role=writer closes late-garbage
	says '^closed' 0 garbage "$un" e
	says '^closed' 0 late-garbage "$un" e
	# In one piece: printf writes line by line, and dies of SIGPIPE when the first was enough.
	printf 'GET / HTTP/1.1\r\nHost: here\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\r\n' > "$BATS_TEST_TMPDIR/get"
	cat "$BATS_TEST_TMPDIR/get" > /dev/tcp/127.0.0.1/7700
	retry 5 rejected_is 5
	says '^right' 0 roundtrip "$tcp" e
}

@test "what was sent in part is never written" {
	on_offer a 8
	says '^closed' 0 short-header "$tcp" e
	says '^closed' 0 short-payload "$tcp" e
	says '^closed' 0 short-header "$un" e
	says '^closed' 0 short-payload "$un" e
	retry 5 sessions_are e 0
	zeroes /dev/a 0 $((8 << 20))
	equal rejected "$(rejected)" 0
}

@test "initiators that vanish leave nothing behind" {
	on_offer a 64
	for _ in 1 2 3 4 5; do
		retry 5 says '^gone' 0 vanish "$tcp" e
		says '^gone' 0 hello-gone "$tcp" e
		retry 5 says '^gone' 0 vanish "$un" e
	done
	retry 5 sessions_are e 0
	says '^right' 0 roundtrip "$tcp" e
}

@test "silence in the handshake is cut off after 5 seconds, in a session after 12" {
	local start=$SECONDS pids=()
	on_offer a 8
	says() { "$peer" --seconds 30 "$@" > "$BATS_TEST_TMPDIR/out-$1-${2##*/}"; }
	says silent "$tcp" e & pids+=($!)
	says half-hello "$tcp" e & pids+=($!)
	says silent "$un" e & pids+=($!)
	says half-hello "$un" e & pids+=($!)
	says idle "$tcp" e & pids+=($!)
	wait "${pids[@]:0:4}"
	[ $((SECONDS - start)) -ge 4 ] && [ $((SECONDS - start)) -le $((10 * DST_SLOW)) ]
	retry 5 rejected_is 4
	wait "${pids[4]}"
	[ $((SECONDS - start)) -ge 11 ] && [ $((SECONDS - start)) -le $((20 * DST_SLOW)) ]
	retry 5 sessions_are e 0
}

@test "hundreds of silent connections are bounded, and do not keep others out for long" {
	local start=$SECONDS
	on_offer a 8
	background python3 -c '
import socket, sys, time
socks = []
for n in range(300):
    try:
        socks.append(socket.create_connection(("127.0.0.1", 7700)))
    except ConnectionResetError:    # one too many
        pass
print("connected", flush=True)
time.sleep(600)' > "$BATS_TEST_TMPDIR/out"
	retry 10 grep -q connected "$BATS_TEST_TMPDIR/out"
	retry 5 eval '[ "$(rejected)" -ge 44 ]'
	retry 10 says '^right' 0 roundtrip "$tcp" e
	[ $((SECONDS - start)) -le $((15 * DST_SLOW)) ]
}

@test "a read or a digest that fails sends no data" {
	dm_error bad 16384 > /dev/null
	exported e /dev/mapper/bad
	says 'read tag=5 status=1 length=0' 0 read "$tcp" e
	says 'read tag=5 status=1 length=0' 0 --length 1048576 read "$tcp" e
	says 'digest tag=5 status=1 length=0' 0 digest "$tcp" e
	says 'digest tag=5 status=1 length=0' 0 --length 1048576 digest "$tcp" e
	equal rejected "$(rejected)" 0
}

@test "an export that is removed says good-bye and closes" {
	on_offer a 8
	background "$peer" idle "$tcp" e > "$BATS_TEST_TMPDIR/out"
	retry 5 sessions_are e 1
	dstctl export remove e
	retry 5 grep -q closed "$BATS_TEST_TMPDIR/out"
	grep -q 'bye .*status=39' "$BATS_TEST_TMPDIR/out"
}

@test "the socket of an export that is removed goes with it, and the path can be listened on again" {
	on_offer a 8
	[ -S "$un" ]
	dstctl export remove e
	not [ -e "$un" ]
	exported e /dev/a --listen "dst+unix:///?socket=$un"
	says '^right' 0 roundtrip "$un" e
	# What somebody else has put there stays.
	rm "$un"
	echo other > "$un"
	dstctl export remove e
	equal "what is there" "$(cat "$un")" other
}

@test "storms of mutated messages leave the target alive" {
	local seed
	on_offer a 8
	for seed in 1 2 3; do
		says '^welcome' 0 --seed $seed --count 300 storm "$tcp" e
	done
	says '^welcome' 0 --seed 4 --count 300 storm "$un" e
	[ "$(rejected)" -gt 50 ]
	retry 5 sessions_are e 0
	says '^right' 0 roundtrip "$tcp" e
}

@test "an initiator at work is not disturbed by hostile ones at the same export" {
	local fio
	policies linear
	on_offer a 64 --shared
	volume v --policy linear --shared dst://"$tcp"/e
	verified /dev/dst/v 1 16 > "$BATS_TEST_TMPDIR/verified" 2>&1 &
	fio=$!
	defer kill_wait $fio
	while kill -0 $fio 2> /dev/null; do
		says '^welcome' 0 --role reader --seed $RANDOM --count 50 storm "$tcp" e
		"$peer" --role reader late-garbage "$un" e > "$BATS_TEST_TMPDIR/out"
		"$peer" --role shared window "$tcp" e > "$BATS_TEST_TMPDIR/out"
	done
	wait $fio || { cat "$BATS_TEST_TMPDIR/verified"; return 1; }
	equal state "$(node_field v 0 state)" up
}

slab_objects() { awk '/^kmalloc-(1k|2k|4k|8k) / { n += $2 } END { print n }' /proc/slabinfo; }
minus_free_kb() { echo $((-$(free_kb))); }
# grown_less NUMBER BEFORE COMMAND: what it counts has grown by less since
grown_less() { [ $(($($3) - $2)) -lt "$1" ]; }
free_kb() { sync; echo 3 > /proc/sys/vm/drop_caches; awk '/^MemFree/ { print $2 }' /proc/meminfo; }

@test "hostile connections leak nothing" {
	local slab free
	on_offer a 8 --shared
	says '^welcome' 0 --role shared --seed 1 --count 100 storm "$tcp" e
	retry 5 sessions_are e 0
	slab=$(slab_objects) free=$(free_kb)
	says '^welcome' 0 --role shared --seed 2 --count 400 storm "$tcp" e
	retry 5 sessions_are e 0
	# More than a hundred sessions of 4 MiB each came and went.
	grep -q 'connections=[1-9][0-9][0-9]' "$BATS_TEST_TMPDIR/out"
	# Where kmemleak watches, what was freed is kept for a while, too.
	if [ ! -e /sys/kernel/debug/kmemleak ]; then
		retry 10 grown_less 80 "$slab" slab_objects
		retry 10 grown_less 32768 $((-free)) minus_free_kb
	fi
	dstctl export remove e
	module_unload
	module_load
}

# Feared: all of them are granted the one session before the first has it, and each takes 4 MiB for that.
@test "of many initiators at once, only those that are let in take memory" {
	local probes=/sys/kernel/tracing/kprobe_events
	on_offer a 8 --max-sessions 1
	echo p:dst_room dstb_export_io_init > $probes
	defer eval "echo -:dst_room >> $probes"
	echo 1 > /sys/kernel/tracing/events/kprobes/dst_room/enable
	defer eval 'echo 0 > /sys/kernel/tracing/events/kprobes/dst_room/enable'
	says '^crowd welcome=1$' 0 --role reader --count 60 crowd "$tcp" e
	equal "with memory" "$(awk '$1 == "dst_room" { print $2 }' /sys/kernel/tracing/kprobe_profile)" 1
}

# ---- the initiator

# target MODE [OPTION...]: a target on the socket $sock
target() {
	sock=$BATS_TEST_TMPDIR/$1.sock
	background "$peer" "$@" "$sock" > "$BATS_TEST_TMPDIR/$1"
	retry 5 grep -q listening "$BATS_TEST_TMPDIR/$1"
}
# breaks EXPORT REGEX SECONDS [OPTION...]: a volume whose one target misbehaves when sector 2048 is read; within so many
# seconds the read fails, the node too, with this reason, and the volume stops. One that only reads: others would connect again
breaks() {
	local name=$1 regex=$2 seconds=$3 start
	shift 3
	volume v --policy linear --read-only "$@" "dst+unix:///$name?socket=$sock"
	dd if=/dev/dst/v of=/dev/null bs=4k skip=1 count=1 iflag=direct status=none
	start=$SECONDS
	not at_most "$seconds" dd if=/dev/dst/v of=/dev/null bs=4k skip=256 count=1 iflag=direct status=none 2> /dev/null
	if [ $((SECONDS - start)) -gt $((seconds * DST_SLOW)) ]; then echo "$name: after $((SECONDS - start)) s"; return 1; fi
	retry 5 node_is v 0 state failed
	if ! [[ $(node_field v 0 reason) =~ $regex ]]; then
		echo "$name: expected $regex, got $(node_field v 0 reason)"
		return 1
	fi
	retry 5 volume_is v state degraded
	not dd if=/dev/dst/v of=/dev/null bs=4k skip=1 count=1 iflag=direct status=none 2> /dev/null
	stop v
}

@test "a volume works with a target that is not ours" {
	policies linear
	target good
	volume v --policy linear "dst+unix:///e?socket=$sock"
	verified /dev/dst/v 1 2
	numbered "$BATS_TEST_TMPDIR/numbers" 2
	put "$BATS_TEST_TMPDIR/numbers" /dev/dst/v
	blkdiscard -z -o 1048576 -l 4096 /dev/dst/v
	zeroes /dev/dst/v 1048576 4096
	# It asks for a life sign when nothing else is going on.
	retry 8 grep -q ping "$BATS_TEST_TMPDIR/good"
	stop v
	retry 5 grep -q bye "$BATS_TEST_TMPDIR/good"
	not grep broke "$BATS_TEST_TMPDIR/good"
}

# Feared: the first seems dead, to either end, by the time that the last is there.
@test "connections of a session are kept alive while the others are opened" {
	policies linear
	target good --conns 2 --bad slow
	volume v --policy linear --connections 2 "dst+unix:///e?socket=$sock"
	equal connections "$(node_field v 0 connections)" 2
	equal "what came first" "$(grep -m 1 -xE 'ping|welcome' "$BATS_TEST_TMPDIR/good")" ping
}

# Feared: the initiator was told that there is no cache, does not flush it, and the target loses power (R7).
@test "what is written to a device that has got a volatile cache since WELCOME is not left in there" {
	local issued=/sys/kernel/tracing/events/block/block_rq_issue/enable
	# writes of 64 KiB with FUA, among those of dd
	durable() {
		echo > /sys/kernel/tracing/trace
		dd if=/dev/urandom of=/dev/dst/v bs=64k count=4 oflag=direct status=none
		grep -c ' WFS 65536 ' /sys/kernel/tracing/trace || :
	}
	disk a 16 cache=8 > /dev/null
	exported e /dev/a
	policies linear
	echo 1 > $issued
	defer eval "echo 0 > $issued"
	# One that is told of a cache flushes it: nothing else is needed.
	volume v --policy linear dst://127.0.0.1/e
	equal "writes with FUA" "$(durable)" 0
	stop v
	echo write through > /sys/block/a/queue/write_cache
	dst volume assemble v dst://127.0.0.1/e
	equal "writes with FUA" "$(durable)" 0
	echo write back > /sys/block/a/queue/write_cache
	equal "writes with FUA" "$(durable)" 4 || { cat /sys/kernel/tracing/trace; return 1; }
}

# Feared: the same; and no WRITE_ZEROES has FUA.
@test "zeroes for a device that has got a volatile cache since WELCOME are written, not left in there" {
	local disk cache issued=/sys/kernel/tracing/events/block/block_rq_issue/enable
	# how many of the requests that blkdiscard -z makes are WRITE_ZEROES: of a loop device
	unwritten() {
		numbered "$BATS_TEST_TMPDIR/numbers" 1
		put "$BATS_TEST_TMPDIR/numbers" /dev/dst/v
		echo > /sys/kernel/tracing/trace
		blkdiscard -z -l 1048576 /dev/dst/v
		grep -cE ' 7,[0-9]+ (N|WZ)[A-Z]* ' /sys/kernel/tracing/trace || :
		zeroes /dev/dst/v 0 1048576 >&2
	}
	disk below 64 > /dev/null
	mkfs.ext4 -q /dev/below
	mounted /dev/below "$BATS_TEST_TMPDIR/ext4"
	disk=$(loop_disk ext4/a 16M)
	cache=/sys/block/${disk#/dev/}/queue/write_cache
	echo write through > "$cache"
	exported e "$disk"
	policies linear
	volume v --policy linear dst://127.0.0.1/e
	echo 1 > $issued
	defer eval "echo 0 > $issued"
	not equal "WRITE_ZEROES" "$(unwritten)" 0
	echo write back > "$cache"
	equal "WRITE_ZEROES" "$(unwritten)" 0 || { cat /sys/kernel/tracing/trace; return 1; }
}

@test "of a device whose end is no whole block, what is before that is exported" {
	local odd
	odd=$(loop_disk odd 8389120 --sector-size 4096)
	equal sectors "$(sectors "$odd")" 16385
	exported e "$odd"
	policies linear
	volume v --policy linear dst://127.0.0.1/e
	numbered "$BATS_TEST_TMPDIR/numbers" 2
	put "$BATS_TEST_TMPDIR/numbers" /dev/dst/v
	got "$BATS_TEST_TMPDIR/numbers" /dev/dst/v
}

@test "a reply that nothing asked for fails the node" {
	local fault
	policies linear
	target named --sector 2048
	for fault in unknown-tag free-tag short-reply long-reply wrong-op odd-status pong; do
		breaks $fault 'a reply that nothing asked for' 5
	done
}

@test "a reply that is no message of this session fails the node" {
	policies linear
	target named --sector 2048
	breaks wrong-epoch 'wrong epoch' 5
	breaks reply-flag 'flag not allowed' 5
	breaks bad-reply-crc 'bad header crc' 5
	breaks noise-reply 'bad magic' 5
}

@test "what a target says unasked is BYE or LEAVING, and nothing but that; all else fails the node" {
	policies linear
	target named --sector 2048
	breaks no-reply 'opcode not allowed here' 5
	breaks bye-epoch 'wrong epoch' 5
	breaks bye-sector 'reserved field not zero' 5
	breaks leaving-status 'status in a notice' 5
}

@test "a target that ends the session fails the node" {
	policies linear
	target named --sector 2048
	breaks bye 'the target said good-bye' 5
	breaks close 'closed by the peer|connection lost' 5
}

@test "a target whose medium fails fails the node" {
	policies linear
	target named --sector 2048
	breaks eio '.' 5
}

@test "a reply that comes twice fails the node" {
	policies linear
	target named --sector 2048
	volume v --policy linear --read-only "dst+unix:///twice?socket=$sock"
	dd if=/dev/dst/v of=/dev/null bs=4k skip=256 count=1 iflag=direct status=none || :
	retry 5 node_is v 0 state failed
	[[ $(node_field v 0 reason) =~ 'a reply that nothing asked for' ]]
	stop v
}

@test "a request that is never answered fails the node after the I/O timeout" {
	policies linear
	target named --sector 2048
	breaks stall 'a request took too long' 5 --io-timeout 1
}

@test "a reply that trickles in fails the node after the I/O timeout" {
	policies linear
	target named --sector 2048
	breaks trickle '.' 6 --io-timeout 1
}

@test "a target that stops in the middle of a reply fails the node in bounded time" {
	policies linear
	target named --sector 2048
	breaks half-reply '.' 17 --io-timeout 1
}

@test "a target that falls silent fails the node after 12 seconds" {
	policies linear
	target named --sector 2048
	breaks dead 'silent for too long' 17
}

@test "a mirror goes on when one of its targets breaks the protocol, however often it comes back" {
	local a
	a=$(disk a 64)
	policies mirror
	target named --sector 2048
	volume v --policy mirror --grace 1 "$a" "dst+unix:///unknown-tag?socket=$sock"
	numbered "$BATS_TEST_TMPDIR/numbers" 4
	at_most 30 dd if="$BATS_TEST_TMPDIR/numbers" of=/dev/dst/v bs=1M oflag=direct conv=notrunc status=none
	retry 10 volume_is v state degraded
	got "$BATS_TEST_TMPDIR/numbers" /dev/dst/v
	node_has v 1 errors 1
	equal local "$(node_field v 0 state)" up
	equal errors "$(node_field v 0 errors)" 0
	at_most 30 dstctl volume stop v
}

@test "a mirror that compares digests goes on when a target answers them wrongly" {
	local a fault
	a=$(disk a 64)
	policies mirror
	numbered "$BATS_TEST_TMPDIR/numbers" 4
	target named --sector 2048 --features 1
	for fault in short-reply long-reply wrong-op odd-status no-reply; do
		volume v --policy mirror --checksum --grace 1 --adopt "$a" "dst+unix:///$fault?socket=$sock"
		put "$BATS_TEST_TMPDIR/numbers" /dev/dst/v 4
		# A new volume's copies are compared: that is what it asks for.
		retry 20 grep -q "now: $fault" "$BATS_TEST_TMPDIR/named"
		got "$BATS_TEST_TMPDIR/numbers" /dev/dst/v 4
		equal local "$(node_field v 0 state)" up
		at_most 30 dstctl volume stop v
	done
	not grep broke "$BATS_TEST_TMPDIR/named"
}

@test "a volume whose target is silent can be stopped by force at once" {
	policies linear
	target named --sector 2048
	volume v --policy linear "dst+unix:///dead?socket=$sock"
	background dd if=/dev/dst/v of=/dev/null bs=4k skip=256 count=1 iflag=direct status=none
	retry 5 grep -q 'now: dead' "$BATS_TEST_TMPDIR/named"
	refused "volume 'v' is in use" dstctl volume stop v
	at_most 5 dstctl volume stop v --force
	retry 5 not kill -0 "$background"
}

# Feared: the stop waits for a handshake that nobody answers, once for each connection.
@test "a volume that is just connecting to a target that does not answer can be stopped by force at once" {
	modprobe dummy
	policies mirror
	disk b 16 > /dev/null
	disk c 16 > /dev/null
	# No reply to HELLO.
	exported e /dev/b --listen dst://127.0.0.1:7704
	volume v --policy mirror /dev/c dst://127.0.0.1:7704/e
	dstctl node suspend v 1
	dstctl export remove e
	background "$peer" silent 127.0.0.1:7704 > "$BATS_TEST_TMPDIR/silent"
	retry 5 grep -q listening "$BATS_TEST_TMPDIR/silent"
	dstctl node resume v 1
	retry 5 eval 'ss -Htn state established dst 127.0.0.1:7704 | grep -q .'
	at_most 2 dstctl volume stop v --force
	# Nor to a SYN.
	ip addr add 10.99.0.2/32 dev lo
	exported e /dev/b --listen dst://10.99.0.2
	volume v --policy mirror --adopt /dev/c dst://10.99.0.2/e
	dstctl node suspend v 1
	ip addr del 10.99.0.2/32 dev lo
	ip link add void type dummy
	defer ip link del void
	ip link set void arp off up
	ip addr add 10.99.0.1/24 dev void
	dstctl node resume v 1
	retry 5 eval 'ss -Htn state syn-sent dst 10.99.0.2 | grep -q .'
	at_most 2 dstctl volume stop v --force
}

# Feared: ESTALE is taken for the target's word that another one has taken its export over, and the volume stops for good.
@test "a volume is not fenced by the file system that its target's socket is in" {
	local folder=$BATS_TEST_TMPDIR/folder
	requires module fuse
	modprobe fuse
	fails() { [[ $(node_field v 0 reason) = *": can't connect" ]]; }
	mkdir "$folder"
	disk a 16 > /dev/null
	exported e /dev/a --listen "dst+unix:///?socket=$folder/un"
	policies linear
	volume v --policy linear "dst+unix:///e?socket=$folder/un"
	# One of FUSE, where every file is stale.
	background python3 -c '
import ctypes, errno, os, struct, sys
fuse = os.open("/dev/fuse", os.O_RDWR)
how = "fd=%d,rootmode=40000,user_id=0,group_id=0" % fuse
if ctypes.CDLL(None).mount(b"stale", sys.argv[1].encode(), b"fuse", 0, how.encode()):
    sys.exit("not mounted")
print("mounted", flush=True)
while True:
    size, op, unique = struct.unpack_from("IIQ", os.read(fuse, 1 << 18))
    if op == 26:                # INIT
        os.write(fuse, struct.pack("IiQIIIIHHI40x", 80, 0, unique, 7, 31, 0, 0, 0, 0, 4096))
    elif op not in (2, 42):     # FORGET, BATCH_FORGET
        os.write(fuse, struct.pack("IiQ", 16, -errno.ESTALE, unique))' "$folder" > "$BATS_TEST_TMPDIR/out"
	defer eval "umount -l $folder 2> /dev/null || :"
	retry 5 grep -q mounted "$BATS_TEST_TMPDIR/out"
	not stat "$folder/un" 2> "$BATS_TEST_TMPDIR/stat"
	grep -q 'Stale file handle' "$BATS_TEST_TMPDIR/stat"
	dstctl export suspend e
	dstctl export resume e
	retry 10 fails
	# Whoever tries to connect just then has it in use.
	retry 10 umount "$folder" 2> /dev/null
	retry 10 node_is v 0 state up
	zeroes /dev/dst/v 0 4096
}
