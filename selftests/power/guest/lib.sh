# shellcheck shell=bash disable=SC2154 # targets and on: initiator's; storage_legs: on-*.sh's
# SPDX-License-Identifier: GPL-2.0
# What guest/initiator does, in parts. The volumes are hist (for selftests/history) and files (ext4). /x/state is the host's
# folder, which outlives this VM: log.N what round N logged, settled.N what was found after it, files.log.
state=/x/state history=/x/selftests/build/history
failed() { echo "@@failed $*"; exit 1; }

# leg NAME: the disk of this machine, or the target's
leg() {
	case $targets-$1 in
	none-* | mixed-[ac]) echo "/dev/disk/by-id/virtio-$1" ;;
	*)
		if [ "$on" = dst ]; then echo "dst://10.9.0.2/$1"; else remote_disk "$1"; fi ;;
	esac
}
# remote_disk NAME: for other mirrors, a volume that is the target's disk and no more
remote_disk() {
	if [ ! -b "/dev/dst/$1" ]; then
		{ modprobe dstblk && { [ -e /sys/fs/bpf/dst/linear ] || dstctl policy load linear; } &&
			dstctl volume create "$1" "dst://10.9.0.2/$1" --policy linear; } >&2 || return
	fi
	echo "/dev/dst/$1"
}

volumes_up() {
	local how=$1 a b c d
	if [ "$targets" != none ]; then
		ip addr add 10.9.0.1/24 dev eth0 && ip link set eth0 mtu 9000 up || return
	fi
	a=$(leg a) && b=$(leg b) && c=$(leg c) && d=$(leg d) || return
	if [ "$storage_legs" = 1 ]; then b='' d=''; fi
	# shellcheck disable=SC2086 # none or one word
	storage_up hist "$how" "$a" $b && storage_up files "$how" "$c" $d
}

volumes_in_sync() { storage_in_sync hist && storage_in_sync files; }

# history_logs ROUND: options for the check before that round
history_logs() {
	local last=-1 n
	for ((n = $1 - 1; n >= 0 && last < 0; n--)); do [ ! -e $state/settled.$n ] || last=$n; done
	[ $last -lt 0 ] || printf '%s\n' --log "$state/settled.$last"
	# A round may have ended before it began.
	for ((n = last + 1; n < $1; n++)); do ! grep -qs '^H 1 .*' "$state/log.$n" || printf '%s\n' --log "$state/log.$n"; done
}

# check_history ROUND: everything before that round
check_history() {
	local logs
	mapfile -t logs < <(history_logs "$1")
	[ ${#logs[@]} -gt 0 ] || { echo "nothing written yet"; return; }
	"$history" check "$(storage_device hist)" "${logs[@]}" --settle $state/settled.new &&
		mv $state/settled.new "$state/settled.$(($1 - 1))"
}

# Each file that was synced, and not yet about to go, is there and whole; then the file system is.
check_files() {
	local device
	device=$(storage_device files)
	mkdir -p /mnt
	mount "$device" /mnt || return
	awk 'NF == 2 && $1 == "gone" { delete sum[$2] } NF == 2 && length($1) == 64 { sum[$2] = $1 }
		END { for (name in sum) print sum[name] "  /mnt/" name }' $state/files.log > /tmp/sums
	if [ -s /tmp/sums ]; then sha256sum --quiet -c /tmp/sums || return; fi
	echo "$(wc -l < /tmp/sums) files are whole"
	umount /mnt || return
	fsck.ext4 -fn "$device" > /tmp/fsck 2>&1 || { cat /tmp/fsck; return 1; }
}

# The host compares: all copies are files there. Nothing may write meanwhile.
check_legs() {
	local n
	[ "$storage_legs" != 1 ] || return 0
	sync
	echo "@@legs $1 $(blockdev --getsize64 "$(storage_device hist)") $(blockdev --getsize64 "$(storage_device files)")"
	for ((n = 0; n < 600 * DST_SLOW; n++)); do
		[ ! -e "$state/legs.$1" ] || { [ "$(cat "$state/legs.$1")" = equal ]; return; }
		sleep 0.1
	done
	return 1
}

# What there was once everybody was there again is what is there still: nothing comes later.
check_all() {
	# at once: also what is being copied yet is read right
	check_history "$1" || failed "history, before all was in sync"
	volumes_in_sync || failed "not in sync"
	check_files || failed "files"
	check_history "$1" || failed "history, when all was in sync"
	check_legs "$1" || failed "legs"
}

# load_files ROUND LOG: files come, are synced, and go, until there is a file /tmp/stop
load_files() {
	local n name sum
	echo > "$2"    # the line before may have been cut off
	for name in /mnt/*.*; do
		[ -e "$name" ] || continue
		echo "gone ${name##*/}" > "$2" && rm "$name" || return
	done
	for ((n = 0; ; n++)); do
		[ ! -e /tmp/stop ] || return 0
		name=$1.$n
		head -c $((RANDOM * 8)) /dev/urandom > "/mnt/$name" && sync "/mnt/$name" || return
		sum=$(sha256sum < "/mnt/$name") || return
		echo "${sum%% *} $name" > "$2" || return
		[ $n -ge 20 ] || continue
		echo "gone $1.$((n - 20))" > "$2"
		rm "/mnt/$1.$((n - 20))" || return
	done
}

# load ROUND SEED HISTORY-LOG FILES-LOG: in the background, until load_ends
load() {
	RANDOM=$2
	rm -f /tmp/stop
	mount "$(storage_device files)" /mnt || return
	"$history" write "$(storage_device hist)" --log "$3" --size 32M --writers 4 --readers 1 --fua 5 --seed "$2" &
	load_history=$!
	load_files "$1" "$4" &
	load_files=$!
}
load_ends() {
	touch /tmp/stop
	kill -TERM "$load_history"
	wait "$load_history" && wait "$load_files" && umount /mnt
}
