#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# What is refused, and the sentence that says why. What comes over the wire is in wire.bats, what policies answer in policy.bats.
load helpers
load volumes

peer=$BATS_TEST_DIRNAME/build/wirepeer
hostile=$BATS_TEST_DIRNAME/build/hostile

# usage REGEX COMMAND...: refused as not understood: status 2, and a first line on stderr that matches
usage() {
	local regex=$1 status=0 message
	shift
	message=$("$@" 2>&1 > /dev/null) || status=$?
	message=${message%%$'\n'*}
	if [ $status = 2 ] && [[ $message =~ $regex ]]; then return; fi
	echo "expected status 2 and: $regex"
	echo "got status $status and: $message"
	return 1
}

# target MODE [OPTION...]: a target that misbehaves; what it says is in $BATS_TEST_TMPDIR/MODE
target() {
	local out=$BATS_TEST_TMPDIR/$1
	sock=/tmp/$1
	defer rm -f "$sock"
	background "$peer" "$@" "$sock" > "$out"
	retry 5 grep -q listening "$out"
}
# remote EXPORT: at the target made last
remote() { echo "dst+unix:///$1?socket=$sock"; }

# nothing_made: a refusal leaves no volume, and the disk free for the next
nothing_made() {
	equal volumes "$(dstctl volume list --json | jq length)" 0
	[ ! -e "/sys/block/dst!v" ]
}

as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# ---- rights

@test "who is not root can neither make nor see anything" {
	local root='this needs the rights of root'
	refused "$root" as_nobody dstctl volume list
	refused "$root" as_nobody dstctl policy list
	refused "$root" as_nobody dstctl export list
	refused "$root" as_nobody dstctl volume stop v
	refused "$root" as_nobody dstctl volume create v --policy linear /dev/null
	refused "$root" as_nobody dstctl export add e /dev/null --listen dst://127.0.0.1
	refused "$root" as_nobody dstctl export remove e
	refused "$root" as_nobody dstctl map v 0
	refused 'to listen to events needs the rights of root' as_nobody dstctl events --timeout 1
}

@test "root of a user namespace is not root" {
	refused 'this needs the rights of root' as_nobody unshare --map-root-user --net dstctl volume list
	refused 'this needs the rights of root' as_nobody unshare --map-root-user --net dstctl volume stop v
}

@test "CAP_NET_ADMIN alone is not enough" {
	refused 'this needs CAP_SYS_ADMIN' setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin dstctl volume stop v
}

@test "without the module, it is said that it is missing" {
	local modprobe
	modprobe=$(cat /proc/sys/kernel/modprobe)
	defer module_load
	module_unload
	# which the kernel would load otherwise
	defer eval "echo $modprobe > /proc/sys/kernel/modprobe"
	echo /bin/false > /proc/sys/kernel/modprobe
	refused 'dstblk' dstctl volume list
}

# ---- names

@test "a volume's name is of 1 to 27 letters, digits, _ . -" {
	local a
	a=$(disk a 8)
	policies linear
	refused "name of the volume, 'x{28}', is longer than 27" dstctl volume create "$(printf 'x%.0s' {1..28})" --policy linear "$a"
	refused "name of the volume, 'a/b', may consist" dstctl volume create a/b --policy linear "$a"
	refused "name of the volume, '../b', may consist" dstctl volume create ../b --policy linear "$a"
	refused "name of the volume, 'a b', may consist" dstctl volume create 'a b' --policy linear "$a"
	refused "name of the volume, 'a!b', may consist" dstctl volume create 'a!b' --policy linear "$a"
	refused "name of the volume, 'ä', may consist" dstctl volume create 'ä' --policy linear "$a"
	refused "name of the volume is empty" dstctl volume create '' --policy linear "$a"
	refused "name of the volume can't be '[.][.]'" dstctl volume create .. --policy linear "$a"
	nothing_made
	volume "$(printf 'x%.0s' {1..27})" --policy linear "$a"
}

@test "a volume's name that is taken is refused, here and in another namespace" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	netns x
	policies linear
	volume v --policy linear "$a"
	refused "volume name 'v' is taken$" dstctl volume create v --policy linear "$b"
	refused "volume name 'v' is taken in another network namespace" in_ns x dstctl volume create v --policy linear "$b"
	equal state "$(volume_field v state)" active
	refused "(no|is no) volume (named '|)v" in_ns x dstctl volume stop v
}

@test "what is not there is said to be not there" {
	local a
	a=$(disk a 8)
	policies linear
	volume v --policy linear "$a"
	refused "no volume named 'w'" dstctl volume stop w
	refused "there is no volume w" dstctl volume show w
	refused "there is no volume w" dstctl node show w
	refused "there is no volume w" dstctl map w 0
	refused "there is no volume w" dstctl status w
	refused "there is no export w" dstctl export show w
	refused "no export named 'w'" dstctl export remove w
	refused "policy w is not registered" dstctl policy show w
	refused "policy w is not registered" dstctl policy unload w
	refused "sector 14336 is past the end, the volume has 14336" dstctl map v 14336
	refused "sector 18446744073709551615 is past the end" dstctl map v 18446744073709551615
}

# ---- policies

@test "an unknown policy is refused, with what to do about it" {
	local a
	a=$(disk a 8)
	refused "no policy 'nosuch' is registered: load it first" dstctl volume create v --policy nosuch "$a"
	refused "name of the policy, 'x{16}', is longer than 15" dstctl volume create v --policy "$(printf 'x%.0s' {1..16})" "$a"
	refused "name of the policy, 'a/b', may" dstctl volume create v --policy a/b "$a"
	usage "--policy is missing" dstctl volume create v "$a"
	nothing_made
}

@test "a file that holds no policy is refused" {
	echo nonsense > "$BATS_TEST_TMPDIR/x.bpf.o"
	refused "is not a BPF object file" dstctl policy load "$BATS_TEST_TMPDIR/x.bpf.o"
	: > "$BATS_TEST_TMPDIR/empty.bpf.o"
	refused "is not a BPF object file" dstctl policy load "$BATS_TEST_TMPDIR/empty.bpf.o"
	head -c 2000 /usr/lib/dst/policies/linear.bpf.o > "$BATS_TEST_TMPDIR/cut.bpf.o"
	refused "is not a BPF object file|BPF" dstctl policy load "$BATS_TEST_TMPDIR/cut.bpf.o"
	refused "'/nonexistent/x.o': No such file" dstctl policy load /nonexistent/x.o
	refused "no policy 'nosuch' ships with DST" dstctl policy load nosuch
	equal policies "$(dstctl policy list --json | jq length)" 0
}

@test "a parameter that the policy does not know, or of a bad value, is refused" {
	local a
	a=$(disk a 8)
	policies linear stripe
	refused "policy 'linear' has no parameter 'stripe'" dstctl volume create v --policy linear --param stripe=64k "$a"
	refused "stripe is not a power of two from 4096 on" dstctl volume create v --policy stripe --param stripe=5000 "$a"
	refused "a node is smaller than a stripe" dstctl volume create v --policy stripe --param stripe=1G "$a"
	refused "parameter 'stripe' is given twice" dstctl volume create v --policy stripe --param stripe=64k --param stripe=64k "$a"
	refused "name of the parameter, 'x{32}', is longer than 31" dstctl volume create v --policy stripe \
		--param "$(printf 'x%.0s' {1..32})=1" "$a"
	usage "stripe=0' must not be 0" dstctl volume create v --policy stripe --param stripe=0 "$a"
	usage "'64x' is not a number" dstctl volume create v --policy stripe --param stripe=64x "$a"
	usage "'-1' is not a number" dstctl volume create v --policy stripe --param stripe=-1 "$a"
	usage "'stripe' is not KEY=VALUE" dstctl volume create v --policy stripe --param stripe "$a"
	nothing_made
}

@test "more parameters than there can be are refused" {
	local a i params=()
	a=$(disk a 8)
	policies linear
	for ((i = 0; i < 17; i++)); do params+=(--param "p$i=1"); done
	refused "at most 16 parameters" dstctl volume create v --policy linear "${params[@]}" "$a"
	nothing_made
}

@test "sizes that are 0 or not a multiple of the block size are refused" {
	local a name
	a=$(disk a 8 blocksize=4096)
	for name in capacity_0 capacity_odd capacity_big run_odd copies_0 copies_17; do
		dstctl policy load "$hostile/$name.bpf.o"
		defer dstctl policy unload "$name"
	done
	refused 'layout\(\) answered a volume of no sectors' dstctl volume create v --policy capacity_0 "$a"
	refused 'layout\(\) answered 14335 sectors, not a multiple of the block size' dstctl volume create v --policy capacity_odd "$a"
	refused 'layout\(\) answered 1152921504606846976 sectors, the nodes have 14336' dstctl volume create v --policy capacity_big "$a"
	refused 'layout\(\) answered runs of 3 sectors, not a multiple of the block size' dstctl volume create v --policy run_odd "$a"
	refused 'layout\(\) answered 0 copies, 1 to 16 can be' dstctl volume create v --policy copies_0 "$a"
	refused 'layout\(\) answered 17 copies, 1 to 16 can be' dstctl volume create v --policy copies_17 "$a"
	nothing_made
}

# ---- nodes

@test "a node that is too small is refused" {
	local a b
	a=$(disk a 8) b=$(disk b 1)
	policies linear
	refused 'node 1 is too small: 1048576 bytes, at least 2097152 are needed' dstctl volume create v --policy linear "$a" "$b"
	nothing_made
	volume v --policy linear "$a"
}

@test "a node that is missing, or no block device, is refused" {
	local a
	a=$(disk a 8)
	policies linear
	refused "'/dev/nosuch': No such file or directory" dstctl volume create v --policy linear "$a" /dev/nosuch
	refused 'node 1: /dev/null is not a block device' dstctl volume create v --policy linear "$a" /dev/null
	refused 'node 1: /etc is not a block device' dstctl volume create v --policy linear "$a" /etc
	truncate -s 8M "$BATS_TEST_TMPDIR/file"
	refused "node 0: .*/file is not a block device" dstctl volume create v --policy linear "$BATS_TEST_TMPDIR/file"
	mknod "$BATS_TEST_TMPDIR/gone" b 240 7
	refused 'node 0: there is no .*/gone' dstctl volume create v --policy linear "$BATS_TEST_TMPDIR/gone"
	usage 'too few words' dstctl volume create v --policy linear
	nothing_made
}

@test "a node that is in use is refused" {
	local a b
	a=$(disk a 8) b=$(disk b 64)
	policies linear
	volume u --policy linear "$a"
	refused "node 0: $a is busy: something else uses it" dstctl volume create v --policy linear "$a"
	mkfs.ext4 -q "$b"
	mounted "$b" "$BATS_TEST_TMPDIR/mnt"
	refused "node 0: $b is busy: something else uses it" dstctl volume create v --policy linear "$b"
	exported e /dev/dst/u
	refused "node 0: /dev/dst/u is busy: something else uses it" dstctl volume create v --policy linear /dev/dst/u
}

@test "a read-only node is refused, and told how to use it" {
	local a
	a=$(disk a 8)
	policies linear
	blockdev --setro "$a"
	refused "node 0(:.*|) is read-only: create the volume --read-only" dstctl volume create v --policy linear "$a"
	volume v --policy linear --read-only "$a"
	equal read-only "$(volume_field v read_only)" true
	not dd if=/dev/zero of=/dev/dst/v bs=4k count=1 oflag=direct status=none 2> /dev/null
}

@test "the same node twice is refused, by whatever path" {
	local a
	a=$(disk a 8)
	policies linear
	refused "nodes 0 and 1 are the same device, $a" dstctl volume create v --policy linear "$a" "$a"
	ln -s "$a" "$BATS_TEST_TMPDIR/link"
	refused "nodes 0 and 1 are the same device, $BATS_TEST_TMPDIR/link" dstctl volume create v --policy linear "$a" \
		"$BATS_TEST_TMPDIR/link"
	exported e "$a" --shared
	refused "nodes 0 and 1 are the same export, 'e'" dstctl volume create v --policy linear --shared \
		dst://127.0.0.1/e dst://127.0.0.1:7700/e
	dstctl export remove e
	exported f "$a"
	refused "nodes 0 and 1 are the same export, 'f'" at_most 20 dstctl volume create v --policy linear export:f export:f
	nothing_made
}

@test "a volume cannot be its own node" {
	local a
	a=$(disk a 8)
	policies linear
	volume v --policy linear "$a"
	refused "volume name 'v' is taken" dstctl volume create v --policy linear /dev/dst/v
}

@test "more nodes than there can be are refused" {
	local nodes
	policies linear
	mapfile -t nodes < <(seq -f 'dst://127.0.0.1/e%g' 257)
	refused 'a volume has at most 256 nodes' dstctl volume create v --policy linear "${nodes[@]}"
	nothing_made
}

# ---- addresses and peers

@test "an address that is none is refused" {
	local uri
	policies linear
	while read -r uri; do
		refused "bad address|name of the export" dstctl volume create v --policy linear "$uri"
	done <<-'URIS'
	dst://
	dst:///e
	dst://127.0.0.1
	dst://127.0.0.1/
	dst://127.0.0.1/a/b
	dst://127.0.0.1:0/e
	dst://127.0.0.1:65536/e
	dst://127.0.0.1:x/e
	dst://127.0.0.1:/e
	dst://no.such.host.invalid/e
	dst://::1/e
	dst://[::1/e
	dst://[::1]x/e
	dst://127.0.0.1/e?socket=/x
	dst+unix:///e
	dst+unix:///e?socket=
	dst+unix:///e?socket=relative
	dst+unix://host/e?socket=/x
	dst+vsock://any/e
	dst+vsock://x/e
	dst+vsock://4294967296/e
	dst+vsock://1:4294967295/e
	http://127.0.0.1/e
	dsts://127.0.0.1/e
	dst+mptcp://127.0.0.1/e
	URIS
	nothing_made
}

@test "an address to listen on that is none, or not of this machine, is refused" {
	local a uri
	a=$(disk a 8)
	for uri in dst://127.0.0.1/e dst:// dst+unix:///e?socket=/tmp/x dst+unix:///?socket=x dst+vsock://any/e nonsense; do
		refused 'bad address' dstctl export add e "$a" --listen "$uri"
	done
	refused "can't listen on .*203.0.113.1.*: not an address of this machine" \
		dstctl export add e "$a" --listen dst://203.0.113.1
	netns far
	refused "can't listen on .*: only in the initial network namespace" \
		in_ns far dstctl export add e "$a" --listen dst+vsock://any:7700
	refused "can't listen on .*/nonexistent/" dstctl export add e "$a" --listen 'dst+unix:///?socket=/nonexistent/sock'
	usage "--listen is missing" dstctl export add e "$a"
	equal exports "$(dstctl export list --json | jq length)" 0
}

@test "an address that something else listens on is refused" {
	local a
	a=$(disk a 8)
	background python3 -c 'import socket, time; s = socket.create_server(("127.0.0.1", 7701)); time.sleep(600)'
	retry 5 eval 'ss -Hltn "sport = :7701" | grep -q .'
	refused "can't listen on .*127.0.0.1:7701.*: the address is in use" dstctl export add e "$a" --listen dst://127.0.0.1:7701
	: > /tmp/sock
	defer rm /tmp/sock
	refused "can't listen on .*sock.*: the address is in use" dstctl export add e "$a" --listen 'dst+unix:///?socket=/tmp/sock'
	# A refused export lets go of what it had got before.
	refused "can't listen on" dstctl export add e "$a" --listen dst://127.0.0.1:7702 --listen dst://127.0.0.1:7701
	exported e "$a" --listen dst://127.0.0.1:7702
}

@test "nobody listens: connection refused" {
	policies linear
	refused 'dst://127.0.0.1:7709.*: connection refused: nobody listens there' dstctl volume create v --policy linear \
		dst://127.0.0.1:7709/e
	refused ': no such socket' dstctl volume create v --policy linear 'dst+unix:///e?socket=/nonexistent'
	: > /tmp/sock
	defer rm /tmp/sock
	refused 'connection refused: nobody listens there' dstctl volume create v --policy linear \
		'dst+unix:///e?socket=/tmp/sock'
	refused "can't be reached from here" dstctl volume create v --policy linear dst://203.0.113.1/e
	nothing_made
}

@test "a peer that accepts and stays silent is given up after 5 seconds" {
	local start=$SECONDS
	policies linear
	target silent
	refused 'connected, but silent for 5 s' dstctl volume create v --policy linear "$(remote e)"
	[ $((SECONDS - start)) -ge 4 ] && [ $((SECONDS - start)) -le $((10 * DST_SLOW)) ]
	nothing_made
}

@test "a peer that does not even accept is given up" {
	policies linear
	netns x
	link init x
	# Nothing comes back at all.
	in_ns x nft 'add table inet t; add chain inet t c { type filter hook input priority 0; tcp dport 7700 drop; }'
	refused ': no answer' at_most 10 dstctl volume create v --policy linear "dst://$(address x init)/e"
}

@test "a peer that speaks something else is refused" {
	policies linear
	target http
	refused 'speaks something else: bad magic' dstctl volume create v --policy linear "$(remote e)"
	target noise
	refused 'speaks something else: bad magic' dstctl volume create v --policy linear "$(remote e)"
	target echo
	refused 'speaks something else: no WELCOME' dstctl volume create v --policy linear "$(remote e)"
	target hangup
	refused 'connection lost in the handshake' dstctl volume create v --policy linear "$(remote e)"
	nothing_made
}

@test "a sentence is whole, however long the address" {
	local long
	policies linear
	long=/tmp/$(printf 'x%.0s' {1..90})
	: > "$long"
	defer rm "$long"
	refused 'connection refused: nobody listens there' dstctl volume create v --policy linear "dst+unix:///e?socket=$long"
}

@test "a peer that speaks something else over TCP is refused" {
	policies linear
	sock=127.0.0.1:7703
	background "$peer" http $sock > "$BATS_TEST_TMPDIR/out"
	retry 5 grep -q listening "$BATS_TEST_TMPDIR/out"
	refused '127.0.0.1:7703.* speaks something else: bad magic' dstctl volume create v --policy linear dst://127.0.0.1:7703/e
}

@test "a WELCOME that makes no sense is refused, whatever is wrong in it" {
	local bad
	policies linear
	background "$peer" named 127.0.0.1:7703 > "$BATS_TEST_TMPDIR/named"
	retry 5 grep -q listening "$BATS_TEST_TMPDIR/named"
	for bad in depth:depth deep:depth window:window request:request request-odd:request conns:connections version:version \
		session:grants epoch:grants instance:instance features:grants size-0:size size-huge:size size-odd:size block-0:block block-odd:block \
		block-huge:block physical:block length:WELCOME status:WELCOME op:WELCOME \
		flags:WELCOME reserved:reserved; do
		refused "speaks something else: .*${bad#*:}" dstctl volume create v --policy linear "dst://127.0.0.1:7703/${bad%:*}"
	done
	refused "grants 65536 bytes at a time, superblocks need 131072" dstctl volume create v --policy linear "dst://127.0.0.1:7703/narrow"
	nothing_made
}

@test "hints of a WELCOME that are odd do no harm" {
	policies linear
	target good --bad odd-hints
	defer not test -e '/sys/block/dst!v'
	# Either it is refused with a sentence, or there is a volume that works.
	if dstctl volume create v --policy linear "$(remote e)" 2> "$BATS_TEST_TMPDIR/err"; then
		dd if=/dev/urandom of=/dev/dst/v bs=64k count=4 oflag=direct status=none
		stop v
	else
		equal lines "$(wc -l < "$BATS_TEST_TMPDIR/err")" 1
	fi
}

@test "what a target says in a REJECT is shown, and is one line of text" {
	policies linear
	target reject --text 'come back tomorrow'
	refused 'come back tomorrow' dstctl volume create v --policy linear "$(remote e)"
	target control-reject
	refused '[?]' dstctl volume create v --policy linear "$(remote e)"
	target long-reject
	refused 'malformed REJECT' dstctl volume create v --policy linear "$(remote e)"
	target reject --text '%s%s%s%n%p'
	refused '%s%s%s%n%p' dstctl volume create v --policy linear "$(remote e)"
	nothing_made
}

@test "a remote medium that is too small is refused" {
	policies linear
	target good --size 4095
	refused 'node 0 is too small: 2096640 bytes, at least 2097152' dstctl volume create v --policy linear "$(remote e)"
	retry 5 grep -q bye "$BATS_TEST_TMPDIR/good"
}

# ---- exports

@test "an export's name that is taken or no name is refused" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	exported e "$a"
	refused "export name 'e' is taken" dstctl export add e "$b" --listen dst://127.0.0.1:7705
	refused "name of the export, 'a/b', may" dstctl export add a/b "$b" --listen dst://127.0.0.1
	refused "name of the export, 'x{64}', is longer than 63" dstctl export add "$(printf 'x%.0s' {1..64})" "$b" \
		--listen dst://127.0.0.1
	exported "$(printf 'x%.0s' {1..63})" "$b"
}

@test "an export that the target does not have is refused" {
	local a b
	a=$(disk a 8) b=$(disk b 8)
	policies linear
	exported e "$a"
	refused "dst://127.0.0.1:7700: no export named 'f' here" dstctl volume create v --policy linear dst://127.0.0.1/f
	# Only where it listens.
	exported f "$b" --listen dst://127.0.0.1:7706
	refused "dst://127.0.0.1:7706: no export named 'e' here" dstctl volume create v --policy linear dst://127.0.0.1:7706/e
	nothing_made
}

@test "a node that can't be reached is named by the assembly that needs it, with the reason" {
	local a b c
	a=$(disk a 8) b=$(disk b 8)
	policies linear mirror
	exported e "$b"
	volume v --policy mirror "$a" dst://127.0.0.1/e
	stop v
	refused "1 of 2 nodes; dst://127.0.0.1:7700: no export named 'nosuch' here \\(--degraded" \
		dstctl volume assemble v "$a" dst://127.0.0.1/nosuch
	refused "1 of 2 nodes; dst://127.0.0.1:7701: connection refused: nobody listens there \\(--degraded" \
		dstctl volume assemble v --scan dst://127.0.0.1:7701/e
	refused "no node is there; dst://127.0.0.1:7700: no export named 'nosuch'" \
		dstctl volume assemble v dst://127.0.0.1/nosuch
	nothing_made
	volume w --policy linear --adopt "$a" dst://127.0.0.1/e
	stop w
	refused "node 1 has the only copy; dst://127.0.0.1:7700: no export named 'nosuch'" \
		dstctl volume assemble w --degraded "$a" dst://127.0.0.1/nosuch
	# What is there, and lacks something, has not the only copy.
	c=$(disk c 8)
	volume u --policy mirror --adopt dst://127.0.0.1/e "$a" --witness "$c"
	dst node suspend u 1
	dd if=/dev/zero of=/dev/dst/u bs=4k count=1 oflag=direct status=none
	stop u
	refused "node 0 has the only copy; dst://127.0.0.1:7700: no export named 'nosuch'" \
		dstctl volume assemble u --degraded dst://127.0.0.1/nosuch "$a" "$c"
}

@test "a device that cannot be exported is refused" {
	local a empty
	a=$(disk a 8)
	refused "'/dev/nosuch': No such file" dstctl export add e /dev/nosuch --listen dst://127.0.0.1
	refused '/dev/null is not a block device' dstctl export add e /dev/null --listen dst://127.0.0.1
	empty=$(loop_disk empty 0)
	refused "$empty has size 0" dstctl export add e "$empty" --listen dst://127.0.0.1
	blockdev --setro "$a"
	refused "$a is read-only: export it --read-only" dstctl export add e "$a" --listen dst://127.0.0.1
	exported e "$a" --read-only
}

@test "a device in use can only be exported read-only, or shared by who says so" {
	local a
	a=$(disk a 8)
	policies linear
	volume v --policy linear "$a"
	refused "$a is busy: export it --read-only" \
		dstctl export add e "$a" --listen dst://127.0.0.1
	exported e "$a" --read-only
	exported f "$a" --shared
}

@test "a second writer is refused, and told who is the first" {
	local a
	a=$(disk a 8)
	policies linear
	exported e "$a"
	volume v --policy linear dst://127.0.0.1/e
	refused "node 0 is one of volume 'v': assemble it, or --adopt" dstctl volume create w --policy linear dst://127.0.0.1/e
	refused "export 'e' is busy: volume 'v' has it as writer" dstctl volume create w --policy linear --adopt dst://127.0.0.1/e
	refused "export 'e' is not shared" dstctl volume create w --policy linear --shared dst://127.0.0.1/e
	volume w --policy linear --read-only dst://127.0.0.1/e
}

@test "a writer of a read-only export is refused" {
	local a
	a=$(disk a 8)
	policies linear
	exported e "$a" --read-only
	refused "export 'e' is read-only: ask for it with --read-only" dstctl volume create v --policy linear dst://127.0.0.1/e
	volume v --policy linear --read-only dst://127.0.0.1/e
}

@test "no more sessions than are allowed" {
	local a
	a=$(disk a 8)
	policies linear
	exported e "$a" --read-only --max-sessions 1
	volume v --policy linear --read-only dst://127.0.0.1/e
	refused "export 'e' has 1 sessions, no more are allowed" dstctl volume create w --policy linear --read-only dst://127.0.0.1/e
	stop v
	retry 5 dstctl volume create w --policy linear --read-only dst://127.0.0.1/e
	defer _volume_gone w init
}

@test "a volume that would hold itself is refused, naming it" {
	local a
	a=$(disk a 8)
	policies linear
	exported inner "$a"
	volume v --policy linear dst://127.0.0.1/inner
	exported outer /dev/dst/v --shared
	run "$peer" --role reader --chain "$(volume_field v uuid)" hello 127.0.0.1:7700 outer
	equal status "$status" 3
	[[ $output =~ "export 'outer' is on volume 'v', which would then hold itself" ]]
}

@test "a medium that lies on its volume is refused, as a new node and in the place of one" {
	local a b w
	a=$(disk a 32) b=$(disk b 32) w=$(disk w 16)
	policies linear mirror
	volume v --policy mirror "$a" "$b" --witness "$w"
	volume upper --policy linear /dev/dst/v
	refused "it lies on the volume, which would hold itself: 'upper'" at_most 20 dstctl node add v /dev/dst/upper --adopt
	refused "it lies on the volume, which would hold itself: 'upper'" at_most 20 dstctl node replace v 2 /dev/dst/upper --adopt
	node_is v 2 where "$w"
	retry 10 node_is v 2 state up
	dd if=/dev/zero of=/dev/dst/upper bs=64k count=4 oflag=direct status=none
}

# Feared: nobody was above the volume when the node was looked at first.
@test "a node that has come to lie on its volume while it was out is not connected again" {
	local a b c
	a=$(disk a 16) b=$(disk b 32) c=$(disk c 32)
	policies mirror
	volume lower --policy mirror "$b" "$c"
	volume v --policy mirror "$a" /dev/dst/lower
	retry 60 node_is v 1 in_sync true
	dstctl node suspend v 1
	dstctl node add lower /dev/dst/v --witness
	dstctl node resume v 1
	retry 20 eval '[[ $(node_field v 1 reason) =~ "it lies on the volume, which would hold itself: " ]]'
	not node_is v 1 state up
	dstctl node remove lower 2
	# It is tried again by itself, too, now and then.
	dstctl node resume v 1 || node_is v 1 state up
	retry 60 node_is v 1 state up
}

@test "a UNIX socket on a file system that is frozen: refused, not waited for" {
	local a device
	a=$(disk a 8)
	device=$(loop_disk fs 16M)
	mke2fs -q -t ext4 "$device"
	mounted "$device" /tmp/fs
	fsfreeze -f /tmp/fs
	defer eval 'fsfreeze -u /tmp/fs 2> /dev/null || :'
	refused "can't listen on .*/fs/s: its file system is frozen" \
		at_most 20 dstctl export add e "$a" --listen 'dst+unix:///?socket=/tmp/fs/s'
	fsfreeze -u /tmp/fs
	exported e "$a" --listen 'dst+unix:///?socket=/tmp/fs/s'
}

# ---- words

@test "what is not understood is refused with status 2" {
	usage "there is no command 'volume frobnicate'" dstctl volume frobnicate
	usage "there is no command 'frobnicate'" dstctl frobnicate
	usage "'volume' takes a verb" dstctl volume
	usage "there is no option '--frobnicate'" dstctl volume list --frobnicate
	usage "'x' is a word too many" dstctl volume list x
	usage "is given twice" dstctl volume create v --policy a --policy b /dev/null
	usage "takes a value" dstctl volume create v /dev/null --policy
	usage "takes no value" dstctl volume stop v --force=1
	usage "'x' is not the number of a sector" dstctl map v x
	usage "--connections: '0' is not a number from 1 to 8" dstctl volume create v --policy linear --connections 0 /dev/null
	usage "--connections: '9'" dstctl volume create v --policy linear --connections 9 /dev/null
	usage "--io-timeout: '0'" dstctl volume create v --policy linear --io-timeout 0 /dev/null
	usage "--max-sessions: '0'" dstctl export add e /dev/null --listen dst://127.0.0.1 --max-sessions 0
	usage "do not go together" dstctl volume create v --policy linear --read-only --shared /dev/null
}

@test "a volume in use does not stop, and says so" {
	local a
	a=$(disk a 8)
	policies linear
	volume v --policy linear "$a"
	exec 9< /dev/dst/v
	defer eval 'exec 9<&-'
	refused "volume 'v' is in use .mounted, exported, open." dstctl volume stop v
	exec 9<&-
	stop v
}

@test "random netlink messages do no harm" {
	local a
	a=$(disk a 8)
	policies linear
	volume v --policy linear "$a"
	python3 "$BATS_TEST_DIRNAME/tools/nlstorm.py" 1 1500
	python3 "$BATS_TEST_DIRNAME/tools/nlstorm.py" 2 1500
	equal state "$(volume_field v state)" active
	dd if=/dev/dst/v of=/dev/null bs=64k count=4 iflag=direct status=none
}
