#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# Who owns an export: reconnecting, taking over, suspending. The peers are build/wirepeer; what is under way at the device is
# there for as long as dm-delay says.
load helpers
load volumes
load peers

other=00000000-0000-0000-0000-000000000002
third=00000000-0000-0000-0000-000000000003

# on_offer [OPTION...]: an export e
on_offer() {
	local a
	a=$(disk a 8)
	exported e "$a" "$@"
}

# held [MILLISECONDS]: an export e whose device keeps writes until release, or so long; reads it answers at once
held() {
	requires module dm_delay
	modprobe dm_delay
	held=$(disk a 8)
	dm_disk held "0 $(sectors "$held") delay $held 0 0 $held 0 ${1:-600000}" > /dev/null
	exported e /dev/mapper/held
	defer release
}
# A table that goes lets go of all it has.
release() { dm_table held "0 $(sectors "$held") linear $held 0"; }

# start NAME ARGUMENT...: a peer in the background; what it says is in file NAME, and it has said WELCOME (or, with
# wait=REGEX, that)
start() {
	local name=$1
	shift
	background "$peer" --seconds 90 "$@" > "$BATS_TEST_TMPDIR/$name"
	retry 10 said "$name" "${wait-welcome}"
}
# parked NAME ARGUMENT...: a peer in the background that does not get an answer for now
parked() {
	wait=hello start "$@"
	sleep $((DST_SLOW > 1 ? 3 : 1))
	not grep -E 'welcome|reject|closed' "$BATS_TEST_TMPDIR/$1"
}
# said NAME REGEX...: in lines of its own, in any order
said() {
	local regex
	for regex in "${@:2}"; do grep -qE "^$regex" "$BATS_TEST_TMPDIR/$1" || { echo "$1 has not said $regex, but:"; cat "$BATS_TEST_TMPDIR/$1"; return 1; }; done
}
instance() { sed -n 's/^instance=//p' "$BATS_TEST_TMPDIR/$1"; }
rejected() { dstctl export show e --json | jq .rejected; }

# ---- reconnecting

@test "a new session of an instance takes the place of its old one, when the device is through with that one's writes" {
	held
	wait=submitted start old --instance 5 --seed 170 submit "$tcp" e
	parked new --instance 5 read "$tcp" e
	retry 5 said old 'bye .*status=37' closed
	not said new welcome
	release
	retry 10 said new 'read byte=aa'
	retry 5 sessions_are e 0
	equal rejected "$(rejected)" 0
}

@test "a HELLO may wait for longer than a handshake may take" {
	held
	wait=submitted start old --instance 5 --seed 170 submit "$tcp" e
	parked new --instance 5 read "$tcp" e
	sleep 8
	not said new 'welcome|reject|closed'
	release
	retry 10 said new 'read byte=aa'
	equal rejected "$(rejected)" 0
}

@test "of two HELLOs of an instance that wait, the newer one gets the session" {
	held
	wait=submitted start old --instance 5 submit "$tcp" e
	parked first --instance 5 watch "$tcp" e
	parked second --instance 5 watch "$tcp" e
	retry 5 said first "reject status=37 .*volume 'wirepeer' has asked for export 'e' again since"
	release
	retry 10 said second welcome
	not said first welcome
	equal sessions "$(sessions e)" 1
	not said second bye
}

@test "another instance of the same volume is refused while the first is there" {
	on_offer
	start first --instance 5 watch "$tcp" e
	says "^reject status=33 .*busy: volume 'wirepeer' has it as writer" 3 --instance 6 hello "$tcp" e
	says "^reject status=33 .*busy" 3 --client $other --instance 5 hello "$tcp" e
	not said first bye
}

@test "a session that has said good-bye is waited for, not in the way" {
	held
	wait=submitted start old --seed 187 leave "$tcp" e
	retry 5 said old closed
	parked new --client $other read "$tcp" e
	release
	retry 10 said new 'read byte=bb'
}

@test "an export says which life it is in" {
	on_offer
	says '^welcome' 0 hello "$tcp" e
	first=$(instance out)
	retry 5 says '^welcome' 0 --client $other hello "$tcp" e
	equal instance "$(instance out)" "$first"
	dstctl export remove e
	exported e /dev/a
	says '^welcome' 0 hello "$tcp" e
	not equal instance "$(instance out)" "$first"
}

# ---- taking over

@test "who takes over fences the writer, and begins when the device is through with its writes" {
	held
	wait=submitted start old --instance 5 --seed 170 submit "$tcp" e
	says "^reject status=33" 3 --client $other hello "$tcp" e
	parked new --client $other --takeover read "$tcp" e
	retry 5 said old 'bye .*status=40' closed
	not said new welcome
	release
	retry 10 said new 'read byte=aa'
	# It does not come back by itself, whether it asks nicely or not.
	retry 5 sessions_are e 0
	says "^reject status=40 .*volume 'wirepeer' is fenced: another one has taken export 'e' over" 3 --instance 5 hello "$tcp" e
	says "^reject status=40" 3 --instance 5 --takeover hello "$tcp" e
	# Another life of it may.
	says '^welcome' 0 --instance 6 hello "$tcp" e
}

@test "of two that take over at the same time, the last one has the export" {
	held
	wait=submitted start old --instance 5 submit "$tcp" e
	parked first --client $other --instance 6 --takeover watch "$tcp" e
	parked second --client $third --instance 7 --takeover watch "$tcp" e
	said old 'bye .*status=40' closed
	release
	retry 10 said second welcome
	said first welcome 'bye .*status=40' closed
	equal sessions "$(sessions e)" 1
	not said second bye
	says "^reject status=40" 3 --client $other --instance 6 hello "$tcp" e
}

@test "while one waits to take over, others are refused, and so is the fenced one when it reconnects" {
	held
	wait=submitted start old --instance 5 submit "$tcp" e
	parked again --instance 5 watch "$tcp" e
	parked new --client $other --takeover watch "$tcp" e
	says "^reject status=33 .*busy" 3 --client $third hello "$tcp" e
	says "^reject status=40" 3 --instance 5 hello "$tcp" e
	release
	retry 10 said again "reject status=40"
	retry 10 said new welcome
}

@test "all who write to a shared export are fenced, who reads is not" {
	on_offer --shared
	start a --role shared --instance 5 watch "$tcp" e
	start b --role shared --client $other watch "$tcp" e
	start c --role reader --client $third watch "$tcp" e
	start d --client 00000000-0000-0000-0000-000000000004 --takeover watch "$tcp" e
	retry 5 said a 'bye .*status=40' closed
	retry 5 said b 'bye .*status=40' closed
	not said c bye
	equal sessions "$(sessions e)" 2
	says "^reject status=40" 3 --role shared --instance 5 hello "$tcp" e
}

@test "taking over what nobody has is no different from opening it, but who had it is fenced" {
	on_offer
	says '^welcome' 0 --instance 5 hello "$tcp" e
	retry 5 sessions_are e 0
	says '^welcome' 0 --client $other --takeover hello "$tcp" e
	retry 5 sessions_are e 0
	says "^reject status=40" 3 --instance 5 hello "$tcp" e
	says '^welcome' 0 --instance 6 hello "$tcp" e
}

@test "who may not have the export at all fences nobody" {
	on_offer
	start old watch "$tcp" e
	says "^reject status=33" 3 --role shared --client $other hello "$tcp" e
	says "^reject status=34" 3 --client $other --takeover future "$tcp" e
	not said old bye
	equal sessions "$(sessions e)" 1
}

@test "who takes over an export that is full fences nobody" {
	on_offer --max-sessions 1
	says '^welcome' 0 --instance 5 hello "$tcp" e
	retry 5 sessions_are e 0
	start reader --role reader --client $third watch "$tcp" e
	says "^reject .*has 1 sessions, no more are allowed" 3 --client $other --takeover hello "$tcp" e
	kill "$background"
	retry 5 sessions_are e 0
	says '^welcome' 0 --instance 5 hello "$tcp" e
}

# Feared: it asks for the export as a writer just to see what is on the medium; the owner, away for a moment, is fenced.
@test "who only looks at a medium does not fence its owner who is away" {
	local there=dst://127.0.0.1
	policies mirror
	for name in a b c; do disk $name 16 > /dev/null; done
	owned() { says '^welcome' 0 --instance 5 hello "$tcp" "$1" && retry 5 sessions_are "$1" 0; }
	mkfs.ext4 -q /dev/c
	exported c /dev/c
	owned c
	refused "node 0 is not blank" dstctl volume create v --policy mirror $there/c
	owned c
	exported b /dev/b
	volume v --policy mirror /dev/a $there/b
	retry 60 node_is v 1 state up
	refused "it is not blank" dstctl node add v $there/c
	owned c
	refused "it is not blank" dstctl node replace v 1 $there/c
	owned c
	dstctl export remove c
	stop v
	dstctl export remove b
	dst volume assemble v --degraded /dev/a $there/b
	exported b /dev/c
	owned b
	retry 20 node_is v 1 state refused
	owned b
	dstctl node resume v 1
	retry 20 node_is v 1 state refused
	owned b
	dstctl export remove b
	exported b /dev/b
	dstctl node resume v 1
	retry 30 node_is v 1 state up
}

@test "who gives up while it waits leaves nothing behind" {
	held
	wait=submitted start old --instance 5 submit "$tcp" e
	parked new --client $other --takeover watch "$tcp" e
	kill "$background"
	parked next --client $third --takeover watch "$tcp" e
	release
	retry 10 said next welcome
	not said next bye
	equal sessions "$(sessions e)" 1
}

@test "an export can be removed while HELLOs wait" {
	held
	wait=submitted start old --instance 5 submit "$tcp" e
	parked first --instance 5 watch "$tcp" e
	parked second --client $other --takeover watch "$tcp" e
	said old 'bye .*status=37' closed
	background dstctl export remove e
	defer release # before that is waited for
	# Its instance has been fenced, which it may have been told before it heard of the end.
	retry 5 said first "reject status=(40|32)"
	retry 5 said second "reject status=32 .*no export named 'e' here"
	release
	wait "$background"
}

@test "HELLOs that wait, time after time: nothing hangs, nothing is left" {
	local n pids=()
	held 300
	for n in {1..40}; do
		"$peer" --seconds 20 --client "00000000-0000-0000-0000-00000000000$((n % 3))" --instance $((n % 5 + 1)) \
			--takeover --seed "$n" submit "$tcp" e > "$BATS_TEST_TMPDIR/peer-$n" & pids+=($!)
		[ $((n % 4)) != 0 ] || kill "${pids[$((RANDOM % n))]}" 2> /dev/null || :
		sleep 0.05
	done
	sleep 2
	kill "${pids[@]}" 2> /dev/null || :
	wait "${pids[@]}" || :
	retry 20 sessions_are e 0
	says '^welcome' 0 --client $other --instance 99 hello "$tcp" e
	at_most 10 dstctl export remove e
}

# ---- suspending

suspended() { dstctl export show e --json | jq -r .suspended; }
suspended_is() { [ "$(suspended)" = "$1" ]; }
# In the background, with what it says in file suspend
suspending() {
	background dstctl export suspend e 2> "$BATS_TEST_TMPDIR/suspend"
	retry 5 suspended_is true
}

@test "an export that is suspended is left by all, and takes nobody until it is resumed" {
	local life
	on_offer --shared
	equal suspended "$(suspended)" false
	start stays --role shared watch "$tcp" e
	start leaves --role shared --client $other polite "$tcp" e
	life=$(instance leaves)
	at_most 20 dstctl export suspend e
	retry 5 said stays 'leaving tag=0 status=0 length=0' 'bye .*status=41' closed
	retry 5 said leaves leaving closed
	not said leaves bye
	equal suspended "$(suspended)" true
	equal sessions "$(sessions e)" 0
	says "^reject status=41 .*export 'e' is suspended: try again later" 3 --role shared hello "$tcp" e
	says "^reject status=41" 3 --client $third --takeover hello "$tcp" e
	refused "export 'e' is suspended already" dstctl export suspend e
	dstctl export resume e
	refused "export 'e' is not suspended" dstctl export resume e
	refused "no export named 'f'" dstctl export suspend f
	refused "no export named 'f'" dstctl export resume f
	equal suspended "$(suspended)" false
	says '^welcome' 0 --role shared hello "$tcp" e
	equal instance "$(instance out)" "$life"
}

@test "suspending waits for what is under way, and the initiator gets its reply" {
	held
	wait=submitted start old submit "$tcp" e
	suspending
	retry 5 said old leaving
	sleep 3
	not said old bye
	release
	wait "$background"
	retry 5 said old 'write tag=1 status=0' 'bye .*status=41' closed
}

@test "an initiator that does not leave is cut off after 30 seconds" {
	local start=$SECONDS
	held 1000
	start old busy "$tcp" e
	at_most 60 dstctl export suspend e
	[ $((SECONDS - start)) -ge 29 ]
	retry 5 said old leaving 'bye status=41' closed
	equal sessions "$(sessions e)" 0
}

@test "suspending can be interrupted: then all are cut off, and the export is suspended" {
	held
	wait=submitted start old submit "$tcp" e
	suspending
	kill "$background"
	retry 5 not kill -0 "$background"
	retry 5 said old 'bye .*status=41' closed
	equal suspended "$(suspended)" true
	equal sessions "$(sessions e)" 1
	release
	retry 10 sessions_are e 0
	dstctl export resume e
	says '^welcome' 0 --client $other hello "$tcp" e
}

@test "an export that is resumed or removed while it is being suspended" {
	held
	wait=submitted start old submit "$tcp" e
	suspending
	dstctl export resume e
	wait "$background" || equal status "$?" 1
	grep -q "export 'e' was resumed meanwhile" "$BATS_TEST_TMPDIR/suspend"
	not said old bye
	suspending
	background dstctl export remove e
	defer release # before that is waited for
	retry 10 grep -q "export 'e' was removed meanwhile" "$BATS_TEST_TMPDIR/suspend"
	retry 5 said old 'bye .*status=39'
	release
	wait "$background"
}

@test "HELLOs that wait when an export is suspended are told so" {
	held
	wait=submitted start old --instance 5 submit "$tcp" e
	parked first --client $other --takeover watch "$tcp" e
	parked second --client $third --takeover watch "$tcp" e
	suspending
	retry 5 said first 'reject status=41'
	retry 5 said second 'reject status=41'
	release
	wait "$background"
}

@test "an export whose cache is flushed when it is suspended stays in its life, one whose cache can't be begins another" {
	local a life
	requires module dm_flakey
	modprobe dm_flakey
	a=$(disk a 8 cache=4)
	dm_linear lin "$a" > /dev/null
	exported e /dev/mapper/lin
	start old watch "$tcp" e
	life=$(instance old)
	dstctl export suspend e
	dstctl export resume e
	says '^welcome' 0 hello "$tcp" e
	equal instance "$(instance out)" "$life"
	dm_table lin "0 $(sectors "$a") flakey $a 0 0 10"
	refused "'e' is suspended, but can't be flushed" dstctl export suspend e
	equal suspended "$(suspended)" true
	dm_heal lin "$a"
	dstctl export resume e
	says '^welcome' 0 hello "$tcp" e
	not equal instance "$(instance out)" "$life"
}

# Feared: who comes in before the flush has failed is told of a life of the export that ends just then, and never hears of it.
@test "an export is not resumed while its device is being flushed: whether it begins another life is known after that" {
	local a life through
	requires module dm_delay dm_flakey
	modprobe dm_delay
	modprobe dm_flakey
	a=$(disk a 8 cache=4)
	dm_linear lin "$a" > /dev/null
	dm_disk slow "0 $(sectors "$a") delay /dev/mapper/lin 0 0 /dev/mapper/lin 0 0 /dev/mapper/lin 0 600000" > /dev/null
	exported e /dev/mapper/slow
	through="0 $(sectors "$a") linear /dev/mapper/lin 0"
	defer dm_table slow "$through"
	says '^welcome' 0 hello "$tcp" e
	life=$(instance out)
	retry 5 sessions_are e 0
	suspending
	sleep 1 # nobody is to be waited for: it is being flushed
	background dstctl export resume e
	sleep 1
	kill -0 "$background"
	equal suspended "$(suspended)" true
	says '^reject status=41' 3 hello "$tcp" e
	dm_table lin "0 $(sectors "$a") flakey $a 0 0 10"
	dm_table slow "$through"
	wait "$background"
	retry 5 grep -q "'e' is suspended, but can't be flushed" "$BATS_TEST_TMPDIR/suspend"
	dm_heal lin "$a"
	says '^welcome' 0 hello "$tcp" e
	not equal instance "$(instance out)" "$life"
}

@test "an export that was not flushed, for suspending it was interrupted, begins another life" {
	local a life
	requires module dm_delay
	modprobe dm_delay
	a=$(disk a 8 cache=4)
	dm_disk slow "0 $(sectors "$a") delay $a 0 0 $a 0 600000" > /dev/null
	exported e /dev/mapper/slow
	says '^welcome' 0 hello "$tcp" e
	life=$(instance out)
	wait=submitted start old submit "$tcp" e
	suspending
	refused "'e' is suspended already" dstctl export suspend e
	kill "$background"
	retry 5 not kill -0 "$background"
	dm_table slow "0 $(sectors "$a") linear $a 0"
	retry 10 sessions_are e 0
	dstctl export resume e
	says '^welcome' 0 hello "$tcp" e
	not equal instance "$(instance out)" "$life"
}

@test "events tell who was fenced, and that an export was suspended and resumed" {
	local events=$BATS_TEST_TMPDIR/events
	: > "$events"
	background dstctl events --json >> "$events"
	on_offer
	retry 5 eval 'dstctl export remove e; exported e /dev/a && grep -q added "$events"'
	start old --volume lost watch "$tcp" e
	says '^welcome' 0 --volume won --client $other --takeover hello "$tcp" e
	retry 5 sessions_are e 0
	dstctl export suspend e
	dstctl export resume e
	changes() { jq -r "select(.kind == \"$1\" and .name == \"e\") | \"\(.old)>\(.new)\"" "$events" | tail -n "$2" | paste -sd ' '; }
	retry 5 eval '[ "$(changes export 2)" = "added>suspended suspended>added" ]'
	equal session "$(changes session 5)" ">open open>fenced fenced>closed >open open>closed"
	jq -r .reason "$events" | grep -q "fenced: volume 'won' has taken export 'e' over from 'lost'"
}

# Feared: without metadata it is suspended for ever, though nothing could bring it back.
@test "a volume without metadata fails its node when the local export below it is suspended or removed" {
	policies linear
	disk a 16 > /dev/null
	exported e /dev/a
	local how
	for how in "export suspend e" "export remove e"; do
		volume r --policy linear --read-only export:e
		# shellcheck disable=SC2086 # a list of words
		at_most 20 dstctl $how
		retry 10 node_is r 0 state failed
		not dd if=/dev/dst/r of=/dev/null bs=4k count=1 iflag=direct 2> /dev/null
		at_most 20 dstctl volume stop r
		[ "$how" = "export remove e" ] || dstctl export resume e
	done
}

# Feared: it is asked once more while it leaves, so it is connected again, and to be let in by a queue that it does not have.
@test "a volume without metadata that is asked twice to leave stays out" {
	policies linear
	disk a 16 > /dev/null
	dm_linear held /dev/a > /dev/null
	exported e /dev/mapper/held
	volume r --policy linear --read-only export:e
	dmsetup suspend --noudevsync --noflush held
	defer dmsetup resume --noudevsync held
	background dd if=/dev/dst/r of=/dev/null bs=4k count=1 iflag=direct status=none
	local reader=$background
	retry 10 node_has r 0 in_flight 1
	background dstctl export suspend e
	retry 10 node_is r 0 state failed
	kill -KILL "$background"
	retry 10 not kill -0 "$background" 2> /dev/null
	sleep 1
	dmsetup resume --noudevsync held
	wait "$reader" || :
	retry 20 sessions_are e 0
	dstctl export resume e
	# Twice as long as between two tries.
	sleep $((3 * DST_SLOW))
	node_is r 0 state failed
	sessions_are e 0
	at_most 20 dstctl volume stop r
}

# Feared: it is dead, does nothing any more, and who takes over the next of its exports waits for it in vain.
@test "a volume that was fenced leaves the exports of this kernel that it still has" {
	local name
	policies mirror
	for name in a b; do
		disk $name 16 > /dev/null
		exported $name /dev/$name
	done
	volume v --policy mirror export:a export:b
	retry 60 node_is v 1 state up
	for name in b a; do
		says '^welcome' 0 --volume won --client $other --takeover hello "$tcp" $name
		retry 5 sessions_are $name 0
	done
	[[ $(volume_field v reason) =~ fenced|taken ]]
	at_most 20 dstctl volume stop v --force
}
