#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# dstctl, libdstbpf and the netlink family under them: what is not about one kind of object. Help, man pages, completion.
load helpers
load volumes

# Without the module, in the checks that come with the source, are refusals of the command line: tools/check.

@test "every command and option is in --help, the man page and the completion" {
	local words rest options option help page
	page=$(mandoc -T ascii /usr/share/man/man8/dstctl.8 | sed "s/.$(printf "\b")//g" | tr -s ' \n' ' ')
	while IFS='|' read -r words rest; do
		options=${rest##*|}
		# shellcheck disable=SC2086 # two words
		help=$(dstctl $words --help)
		[[ $page == *" $words"* ]] || { echo "dstctl.8 lacks $words"; return 1; }
		grep -qF "$words|" /usr/share/bash-completion/completions/dstctl
		for option in $options; do
			option=${option%=}
			[[ $help == *"$option"* ]] || { echo "$words --help lacks $option"; return 1; }
			[[ $page == *"$option"* ]] || { echo "dstctl.8 lacks $option of $words"; return 1; }
		done
	done < <(dstctl --dump words)
}

@test "every function of the library has a man page, and every exported symbol is declared" {
	local name
	for name in $(grep -v '^ \*' /usr/include/dst/dst.h | grep -o '\bdst_[a-z0-9_]*(' | tr -d '(' | sort -u); do
		[ -e "/usr/share/man/man3/$name.3" ] || { echo "no page for $name"; return 1; }
		nm -D --defined-only "/usr/lib/$(gcc -print-multiarch)/libdstbpf.so.0" | grep -q " T $name@@DST_" ||
			{ echo "$name is not exported"; return 1; }
	done
	mandoc -T lint -W warning /usr/share/man/man[378]/dst*
}

@test "completion offers the names that are there" {
	policies linear
	local a
	a=$(disk a 8)
	volume something --policy linear "$a"
	complete_words() {
		# shellcheck source=/dev/null
		. /usr/share/bash-completion/completions/dstctl
		COMP_WORDS=(dstctl "$@") COMP_CWORD=$#
		_dstctl
		echo " ${COMPREPLY[*]} "
	}
	[[ $(complete_words volume stop "") == *" something "* ]]
	[[ $(complete_words volume create v --policy "") == *" linear "* ]]
	[[ $(complete_words policy load mir) == *" mirror "* ]]
	[[ $(complete_words volume stop --f) == *" --force "* ]]
	[[ $(complete_words node suspend something "") == *" 0 "* ]]
	[[ $(complete_words volume wait something --until "") == *" in-sync "* ]]
}

@test "a program builds against the installed library and says what is wrong" {
	cat > "$BATS_TEST_TMPDIR/p.c" <<-'C'
	#include <dst/dst.h>
	#include <stdio.h>
	static int show(const struct dst_volume_info *v, void *arg)
	{
		(void)arg;
		printf("%s %s\n", v->name, dst_volume_state__name(v->state));
		return 0;
	}
	int main(void)
	{
		struct dst_handle *h = dst_handle__new();
		int err = dst_volume__for_each(h, "nothing", show, NULL);

		printf("%d %s\n", err, dst_handle__error(h));
		err = dst_volume__for_each(h, NULL, show, NULL);
		dst_handle__free(h);
		return err;
	}
	C
	# shellcheck disable=SC2046 # a list of words
	gcc -Wall -Werror -o "$BATS_TEST_TMPDIR/p" "$BATS_TEST_TMPDIR/p.c" $(pkg-config --cflags --libs libdstbpf)
	equal "what it prints" "$("$BATS_TEST_TMPDIR/p")" "-2 there is no volume nothing"
}

@test "everything is JSON with --json" {
	policies linear
	local a
	a=$(disk a 8)
	dstctl volume create v --policy linear "$a" --json | jq -e '.volume == "v" and .device == "/dev/dst/v"'
	defer _volume_gone v init
	dstctl export add e /dev/dst/v --listen dst://127.0.0.1 --json | jq -e '.added == "e"'
	defer _export_gone e init
	dstctl policy show linear --json | jq -e '.name == "linear" and .volumes == 1 and .pin == "/sys/fs/bpf/dst/linear"'
	dstctl policy list --json | jq -e 'length == 1'
	dstctl volume show v --json | jq -e '.nodes | length == 1'
	dstctl volume list --json | jq -e 'length == 1'
	dstctl node show v --json | jq -e '.[0].volume == "v" and .[0].local'
	dstctl node show v --json | jq -e '.[0] | .witness == false and (.since_ms | type) == "number" and
		has("in_sync") and has("uuid") and has("dirty") and has("sync_total") and has("sync_rate") and has("sync_same") and has("left_ms")'
	dstctl volume show v --json | jq -e 'has("no_wait") and has("grace_ms") and has("checksum") and has("metadata") and has("age") and has("votes") and
		has("nr_votes") and has("region_size") and has("dirty") and has("scrub_done") and has("scrub_total") and
		has("scrub_errors") and has("repaired")'
	dstctl export show e --json | jq -e '.sessions == [] and .listen == ["dst://127.0.0.1:7700"]'
	dstctl export list --json | jq -e '.[0].device == "/dev/dst/v" and .[0].suspended == false'
	dstctl status v --json | jq -e '.[0].nr_nodes == 1 and .[0].problems == [] and .[0].nodes[0].index == 0'
	dstctl volume wait v --until active --json | jq -e '.state == "active"'
	dstctl save - | jq -e '.version == 1 and .policies == [{"name": "linear"}] and .exports[0].listen == ["dst://127.0.0.1:7700"] and
		.volumes[0].nodes[0].where == "/dev/a"'
	dstctl save "$BATS_TEST_TMPDIR/config" --json | jq -e '.saved | endswith("/config")'
	dstctl restore "$BATS_TEST_TMPDIR/config" --json | jq -e '.failed == [] and .restored == ["policy linear", "export e", "volume v"]'
	dstctl tree --json | jq -e '.volumes[0].exports[0].name == "e" and .exports == []'
	dstctl map v 8 --json | jq -e '.sector == 8'
	dstctl export remove e --json | jq -e '.removed == "e"'
	dstctl volume stop v --json | jq -e '.stopped == "v"'
}

@test "a volume of 256 nodes is shown whole, one of 257 refused" {
	policies linear
	local a n names=() nodes=() tables=
	a=$(disk a 640)
	for ((n = 0; n < 257; n++)); do
		tables+="n$n,,,rw,0 4096 linear $a $((n * 4096));"
		names+=("n$n")
		nodes+=("/dev/mapper/n$n")
	done
	# All in one process: hundreds take longer than the test may.
	defer dmsetup remove --noudevsync "${names[@]}"
	dmsetup create --noudevsync --noudevrules --concise "${tables%;}"
	dmsetup mknodes
	refused "at most 256 nodes" dstctl volume create v --policy linear "${nodes[@]}"
	volume v --policy linear "${nodes[@]:0:256}"
	equal nodes "$(dstctl node show v --json | jq -c '[.[].index] == [range(256)]')" true
	equal where "$(dstctl node show v --json | jq -r '.[255].where')" /dev/mapper/n255
	equal up "$(volume_field v up_nodes)" 256
	equal lines "$(dstctl volume show v | grep -c ' up ')" 256
}

@test "a list is whole while volumes come and go" {
	policies linear
	local a b i
	a=$(disk a 8)
	b=$(disk b 8)
	volume stays --policy linear "$a"
	come_and_go() { while dstctl volume create goes --policy linear --adopt "$b"; do dstctl volume stop goes; done; }
	come_and_go > /dev/null 2>&1 &
	background=$!
	for ((i = 0; i < 15; i++)); do
		dstctl volume list --json | jq -e 'any(.name == "stays")' > /dev/null
		dstctl status | grep -q '^stays: active, 1 of 1 nodes up$'
		dstctl tree --json | jq -e 'any(.volumes[]; .name == "stays") and all(.volumes[]; .nodes | length == 1)' > /dev/null
		dstctl save - | jq -e 'any(.volumes[]; .name == "stays") and all(.volumes[]; .nodes | length == 1)' > /dev/null
	done
	kill $background
	wait $background || :
	retry 10 dstctl volume stop goes 2> /dev/null || [ ! -e /dev/dst/goes ]
}

# A socket is in the group of the events: in another one than that in which all families come and go, number 16.
somebody_listens() { awk '$2 == 16 && $4 !~ /^0000[08]000$/ { found = 1 } END { exit !found }' /proc/net/netlink; }

@test "events end after --count and --timeout" {
	local status=0
	refused "^dstctl: 2 more events were to come$" dstctl events --count 2 --timeout 1
	equal "nothing" "$(dstctl events --timeout 1)" ""
	dstctl events --count 1 --timeout 30 > "$BATS_TEST_TMPDIR/event" &
	background=$!
	retry 10 somebody_listens
	policies linear
	wait $background || status=$?
	equal status $status 0
	grep -qE '^[0-9-]+ [0-9:.]+ policy linear registered' "$BATS_TEST_TMPDIR/event"
}

@test "a listener ends with the module, and a handle goes on with the next" {
	local status=0 gone="-19 the kernel module dstblk is not loaded (modprobe dstblk)"
	dstctl events 2> "$BATS_TEST_TMPDIR/said" &
	background=$!
	defer kill_wait $background
	retry 10 somebody_listens
	cat > "$BATS_TEST_TMPDIR/p.c" <<-'C'
	#include <dst/dst.h>
	#include <stdio.h>
	#include <stdlib.h>
	static int show(const struct dst_node_info *n, void *arg)
	{
		(void)n;
		(void)arg;
		return 0;
	}
	static void look(struct dst_handle *h, const char *name)
	{
		int err = dst_node__for_each(h, name, show, NULL);

		printf("%d %s\n", err, dst_handle__error(h));
	}
	int main(int argc, char **argv)
	{
		struct dst_handle *h = dst_handle__new();
		int i;

		look(h, NULL);
		for (i = 1; i < argc; i++) {
			if (system(argv[i]))
				return 1;
			look(h, NULL);
			look(h, "v");
		}
		dst_handle__free(h);
		return 0;
	}
	C
	# shellcheck disable=SC2046 # a list of words
	gcc -Wall -Werror -o "$BATS_TEST_TMPDIR/p" "$BATS_TEST_TMPDIR/p.c" $(pkg-config --cflags --libs libdstbpf)
	defer module_load
	# The kernel would load it when it is asked for.
	defer cp "$BATS_TEST_TMPDIR/modprobe" /proc/sys/kernel/modprobe
	cp /proc/sys/kernel/modprobe "$BATS_TEST_TMPDIR/modprobe"
	echo /bin/false > /proc/sys/kernel/modprobe
	equal "what it prints" "$("$BATS_TEST_TMPDIR/p" "modprobe -r dstblk" "modprobe dstblk")" \
		"$(printf '%s\n' "0 " "$gone" "$gone" "0 " "-2 there is no volume v")"
	wait $background || status=$?
	equal status $status 1
	equal said "$(< "$BATS_TEST_TMPDIR/said")" "dstctl: the kernel module dstblk was unloaded"
}

@test "the unit's script loads the policies of a list, once" {
	# A file need not be called like the policy in it, and what is last in the list may lack its newline.
	local file=$BATS_TEST_TMPDIR/stripe-the-second-version.bpf.o
	cp /usr/lib/dst/policies/stripe.bpf.o "$file"
	printf '# a comment\n\nlinear\n%s\nmirror' "$file" > "$BATS_TEST_TMPDIR/list"
	/usr/lib/dst/load-policies "$BATS_TEST_TMPDIR/list"
	defer dstctl policy unload linear
	defer dstctl policy unload mirror
	defer dstctl policy unload stripe
	/usr/lib/dst/load-policies "$BATS_TEST_TMPDIR/list"
	equal policies "$(dstctl policy list --json | jq -c 'map(.name) | sort')" '["linear","mirror","stripe"]'
	echo "linear too" > "$BATS_TEST_TMPDIR/list"
	not /usr/lib/dst/load-policies "$BATS_TEST_TMPDIR/list" 2> /dev/null
}

@test "a policy is not loaded twice, nor over a pin of something else" {
	policies linear
	refused "policy linear is registered already" dstctl policy load linear
	touch "$BATS_TEST_TMPDIR/x"
	dstctl policy load mirror
	mv /sys/fs/bpf/dst/mirror /sys/fs/bpf/dst/other
	defer dstctl policy unload mirror
	equal pin "$(dstctl policy show mirror --json | jq -r .pin)" /sys/fs/bpf/dst/other
	refused "policy mirror is registered already" dstctl policy load mirror
	dstctl policy load mirror --if-needed
	dstctl policy unload linear
	retry 10 not dstctl policy show linear > /dev/null 2>&1
	mv /sys/fs/bpf/dst/other /sys/fs/bpf/dst/linear
	refused "/sys/fs/bpf/dst/linear exists, though no policy linear is registered" dstctl policy load linear --if-needed
	dstctl policy unload mirror
	dstctl policy load linear --if-needed
	retry 10 dstctl policy load mirror 2> /dev/null
}

# Feared: the hook for what libbpf says, which the process has one of, is taken from one thread by the other.
@test "threads load policies at the same time, and each gets its own log" {
	cat > "$BATS_TEST_TMPDIR/p.c" <<-'C'
	#include <dst/dst.h>
	#include <pthread.h>
	#include <string.h>
	static void *loads(void *file)
	{
		struct dst_handle *h = dst_handle__new();
		void *bad = NULL;
		int i;

		for (i = 0; i < 300; i++)
			if (!dst_policy__load(h, file, NULL) || !strstr(dst_handle__log(h), file))
				bad = h;
		return bad;
	}
	int main(int argc, char **argv)
	{
		void *bad[2];
		pthread_t threads[2];
		int i;

		for (i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, loads, argv[i + 1]);
		for (i = 0; i < 2; i++)
			pthread_join(threads[i], &bad[i]);
		return argc != 3 || bad[0] || bad[1];
	}
	C
	# shellcheck disable=SC2046 # a list of words
	gcc -Wall -Werror -pthread -o "$BATS_TEST_TMPDIR/p" "$BATS_TEST_TMPDIR/p.c" $(pkg-config --cflags --libs libdstbpf)
	echo x > "$BATS_TEST_TMPDIR/one.o"
	echo x > "$BATS_TEST_TMPDIR/two.o"
	"$BATS_TEST_TMPDIR/p" "$BATS_TEST_TMPDIR/one.o" "$BATS_TEST_TMPDIR/two.o" 2> "$BATS_TEST_TMPDIR/said"
	[ ! -s "$BATS_TEST_TMPDIR/said" ]
}

@test "changing a node that is not there, or a volume that is not there, is refused" {
	policies linear
	local a verb
	a=$(disk a 8)
	volume v --policy linear "$a"
	for verb in suspend resume; do
		refused "volume v has no node 1, its nodes are 0 to 0" dstctl node $verb v 1
		refused "there is no volume w" dstctl node $verb w 0
		refused "there is no volume w" dstctl volume $verb w
		refused "no export" dstctl export $verb e
	done
	refused "volume v has no node 4294967295, its nodes are 0 to 0" dstctl node resolve v 4294967295 --discard
	refused "volume v has no node 1" dstctl node replace v 1 export:e
	refused "there is no volume w" dstctl node replace w 0 dst://127.0.0.1/e
	refused "there is no volume w" dstctl volume scrub w
	refused "there is no volume w" dstctl volume wait w --until up
	equal state "$(volume_field v state)" active
}

@test "a medium that is not blank is named, and taken with --adopt" {
	policies linear
	local a b
	a=$(disk a 16)
	b=$(disk b 16)
	mkfs.ext4 -q -L precious "$a"
	refused "node '/dev/a' is not blank: it holds ext4 \\(label 'precious'\\), which --adopt throws away" \
		dstctl volume create v --policy linear "$b" "$a"
	refused "node '/dev/a' is not blank: it holds ext4" dstctl volume create v --policy linear "$b" --witness "$a"
	echo 'label: gpt' | sfdisk -q "$b"
	refused "node '/dev/b' is not blank: it holds a partition table \\(gpt\\)" dstctl volume create v --policy linear "$b"
	fsck.ext4 -fn "$a" > /dev/null
	volume v --policy linear --adopt "$a" "$b"
}

@test "waiting ends at once, at a change, or when time is up" {
	policies mirror
	local a b status=0
	a=$(disk a 16)
	b=$(dm_linear slow "$(disk b 16)")
	volume v --policy mirror "$a" "$b"
	for state in up in-sync active; do at_most 5 dstctl volume wait v --until $state; done
	dm_fail slow
	dd if=/dev/zero of=/dev/dst/v bs=64k count=1 oflag=direct status=none
	retry 10 volume_is v state degraded
	dmesg_allow 'volume v: node 1 failed'
	at_most 5 dstctl volume wait v --until up
	refused "not active after 1 s: v: degraded, 1 of 2 nodes up; .*node 1 \\(/dev/mapper/slow\\) failed: " \
		dstctl volume wait v --until active --timeout 1
	refused "not in-sync after 1 s: v: degraded" dstctl volume wait v --until in-sync --timeout 1
	dstctl volume wait v --until active > /dev/null 2> "$BATS_TEST_TMPDIR/waits" &
	background=$!
	sleep 1
	stop v
	wait $background || status=$?
	equal status $status 1
	grep -qxE "dstctl: (there is no volume v|volume v is being stopped)" "$BATS_TEST_TMPDIR/waits"
}

@test "status --watch prints what changes, and draws on a terminal" {
	policies linear
	local a b
	a=$(disk a 8)
	b=$(disk b 8)
	volume v --policy linear "$a"
	dstctl status --watch > "$BATS_TEST_TMPDIR/watch" &
	background=$!
	defer kill_wait $background
	retry 10 grep -qx "v: active, 1 of 1 nodes up" "$BATS_TEST_TMPDIR/watch"
	volume w --policy linear "$b"
	retry 10 grep -qx "w: active, 1 of 1 nodes up" "$BATS_TEST_TMPDIR/watch"
	sleep 2
	# It may have seen w attaching, too; but nothing twice, although it looks every second.
	equal "last line" "$(tail -n 1 "$BATS_TEST_TMPDIR/watch")" "w: active, 1 of 1 nodes up"
	equal "of w, twice" "$(grep "^w: " "$BATS_TEST_TMPDIR/watch" | uniq -d)" ""
	equal "of v" "$(grep -c "^v: active" "$BATS_TEST_TMPDIR/watch")" $((1 + $(grep -c "^w: " "$BATS_TEST_TMPDIR/watch")))
	timeout 3 dstctl status --watch --json | head -n 1 | jq -e 'map(.name) == ["v", "w"]'
	timeout -s INT $((5 * DST_SLOW)) script -qec "timeout -s INT $((3 * DST_SLOW)) dstctl status v --watch" /dev/null < /dev/null \
		> "$BATS_TEST_TMPDIR/drawn" || :
	grep -q "$(printf '\033')\[H$(printf '\033')\[Jv: active, 1 of 1 nodes up" "$BATS_TEST_TMPDIR/drawn"
	refused "there is no volume x" dstctl status x --watch
}

# Those without superblocks, which are made anew; the others are in recover-cli.
@test "what was saved comes back, in whatever order it takes" {
	policies linear
	local a b before
	a=$(disk a 8)
	b=$(disk b 8)
	volume low --policy linear --read-only "$a"
	exported mid /dev/dst/low --read-only --max-sessions 5
	volume high --policy linear --read-only --connections 2 --io-timeout 7 dst://127.0.0.1/mid "$b"
	exported top /dev/dst/high --read-only --shared --listen dst://127.0.0.1:7701 --listen 'dst://[::1]:7702'
	dstctl save
	defer rm -rf /etc/dst/config.json
	before=$(dstctl tree --json | jq -S 'del(.. | .in_flight?, .reads?, .since_ms?, .latency_ns?, .major?, .minor?, .id?, .sessions?)')
	dstctl export remove top
	stop high
	dstctl export remove mid
	stop low
	dstctl policy unload linear
	dstctl restore
	equal tree "$(dstctl tree --json | jq -S 'del(.. | .in_flight?, .reads?, .since_ms?, .latency_ns?, .major?, .minor?, .id?, .sessions?)')" \
		"$before"
	dstctl restore
	equal files "$(ls /etc/dst/config.json*)" /etc/dst/config.json
}

# Feared: after a reboot another disk has the name, and is exported, or written to.
@test "disks are saved by a name that lasts, where they have one" {
	policies linear
	local a file=$BATS_TEST_TMPDIR/config name=/dev/disk/by-id/test-a
	a=$(disk a 8)
	mkdir -p /dev/disk/by-id
	defer rm -f /dev/disk/by-id/{dm-name-a,test-a,wwn-a}
	ln -s ../../a /dev/disk/by-id/dm-name-a
	ln -s ../../a /dev/disk/by-id/test-a
	ln -s ../../a /dev/disk/by-id/wwn-a
	volume v --policy linear --read-only "$a"
	exported e "$a" --read-only
	dstctl save "$file"
	jq -e --arg name $name '.exports[0].device == $name and .volumes[0].nodes[0].where == $name' "$file"
	# It is there.
	dstctl restore "$file"
	stop v
	dstctl export remove e
	dstctl restore "$file"
	equal where "$(node_field v 0 where)" $name
	equal device "$(dstctl export show e --json | jq -r .device)" $name
	dstctl restore "$file"
}

# Feared: a volume that did not come up at boot is forgotten by the next save.
@test "what a save leaves out is said, and the former file is kept" {
	policies linear
	local a b file=$BATS_TEST_TMPDIR/config
	a=$(disk a 8)
	b=$(disk b 8)
	volume stays --policy linear "$a"
	volume lost --policy linear "$b"
	exported e /dev/dst/stays
	dstctl save "$file" 2> "$BATS_TEST_TMPDIR/said"
	cp "$file" "$BATS_TEST_TMPDIR/former"
	stop lost
	dstctl save "$file" 2>> "$BATS_TEST_TMPDIR/said"
	equal said "$(< "$BATS_TEST_TMPDIR/said")" \
		"dstctl: warning: volume lost is not there now: it was in $file, which is kept as $file.old"
	cmp "$BATS_TEST_TMPDIR/former" "$file.old"
	# One more has nothing to add.
	dstctl save "$file" 2> "$BATS_TEST_TMPDIR/said"
	[ ! -s "$BATS_TEST_TMPDIR/said" ]
	cmp "$BATS_TEST_TMPDIR/former" "$file.old"
	echo "{" > "$file"
	dstctl save "$file" 2> "$BATS_TEST_TMPDIR/said"
	grep -q "could not be understood: it is kept as $file.old" "$BATS_TEST_TMPDIR/said"
	equal kept "$(< "$file.old")" "{"
}

@test "what can't be restored is said, and the rest comes back" {
	policies linear
	local a b status=0
	a=$(disk a 8)
	b=$(disk b 8)
	volume good --policy linear --read-only "$a"
	volume bad --policy linear --read-only "$b"
	exported e "$b" --read-only
	dstctl save "$BATS_TEST_TMPDIR/config"
	stop good
	stop bad
	dstctl export remove e
	disk_gone b
	dstctl restore "$BATS_TEST_TMPDIR/config" 2> "$BATS_TEST_TMPDIR/said" || status=$?
	equal status $status 1
	grep -q "^dstctl: export e: device '/dev/b': No such file" "$BATS_TEST_TMPDIR/said"
	grep -q "^dstctl: volume bad: node '/dev/b': No such file" "$BATS_TEST_TMPDIR/said"
	equal lines "$(wc -l < "$BATS_TEST_TMPDIR/said")" 2
	volume_is good state active
	refused "can't write /nowhere/config: No such file" dstctl save /nowhere/config
	# Again, as dst.service does it, and once more when the disk is there: nothing is said of what was there already.
	status=0
	dstctl restore "$BATS_TEST_TMPDIR/config" 2> "$BATS_TEST_TMPDIR/again" || status=$?
	equal status $status 1
	same_bytes "$BATS_TEST_TMPDIR/said" "$BATS_TEST_TMPDIR/again"
	disk b 8 > /dev/null
	dstctl restore "$BATS_TEST_TMPDIR/config" 2> "$BATS_TEST_TMPDIR/again"
	equal said "$(cat "$BATS_TEST_TMPDIR/again")" ""
	volume_is bad state active
	equal export "$(dstctl export show e --json | jq -r .device)" /dev/b
	dstctl export remove e
	stop bad
}
