# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the files that make volumes share, on top of helpers.bash: `load volumes`. The module is there for each test of such a
# file and gone at its end; policies, volumes and exports made with these functions go with their test, whatever happens.
# With ns=NAME before it, a function acts in that network namespace: ns=b volume v --policy linear ...

setup_file() { module_load; }
teardown_file() { module_unload; }

# at_most SECONDS COMMAND...: fails when it takes longer (times DST_SLOW)
at_most() {
	local seconds=$(($1 * DST_SLOW)) status=0
	shift
	timeout -k 5 "$seconds" "$@" || status=$?
	if [ $status -ge 124 ]; then echo "not done after $seconds s: $*"; fi
	return $status
}

# together N FUNCTION: with 0, 1 ... N-1, all at once
together() {
	local pids=() i pid
	for ((i = 0; i < $1; i++)); do
		"$2" "$i" 3>&- 4>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
}

dst() { in_ns "${ns:-init}" dstctl "$@"; }

# policies NAME...: that ship with DST
policies() {
	local name
	for name; do
		dstctl policy load "$name" || return
		defer dstctl policy unload "$name"
	done
}

# volume NAME ARGUMENT...: as dstctl volume create has them
volume() {
	dst volume create "$@" || return
	defer _volume_gone "$1" "${ns:-init}"
}
_volume_gone() {
	local ns=$2
	[ -e "/sys/block/dst!$1" ] || return 0
	stop "$1" || { dst volume stop "$1" --force; return 1; }
}
# stop NAME: waits for those who are just letting go of it (io_uring does so in the background)
stop() { retry 10 in_ns "${ns:-init}" timeout -k 5 $((60 * DST_SLOW)) dstctl volume stop "$1"; }

# exported NAME DEVICE [OPTION...]: an export; on dst://127.0.0.1 unless it is said where
exported() {
	local listen=()
	[[ " $* " == *" --listen "* ]] || listen=(--listen dst://127.0.0.1)
	dst export add "$@" "${listen[@]}" || return
	defer _export_gone "$1" "${ns:-init}"
}
_export_gone() {
	local ns=$2 said
	said=$(dst export remove "$1" 2>&1) || ! dst export show "$1" > /dev/null 2>&1 || { echo "$said"; return 1; }
}

# shown KIND NAME FIELD [INDEX]: sets $value to what show says, of node INDEX. Most of what tests wait for they ask for again
# and again: a process takes 5 to 20 ms under emulation and jq 35, so there is but one. It knows how dstctl prints: an object
# or an array in more lines than one is not for it, nor is what has a backslash.
shown() {
	local file=$BATS_TEST_TMPDIR/shown.$BASHPID indent='  ' n=-1 line lines
	dst "$1" show "$2" --json > "$file" || return
	mapfile -t lines < "$file"
	[ "$1" != node ] || indent='    '
	for line in "${lines[@]}"; do
		case $line in
		"  {") n=$((n + 1)) ;;
		"$indent\"$3\": "*) [ -z "${4-}" ] || [ $n = "$4" ] || continue; break ;;
		esac
	done
	if [[ $line != "$indent\"$3\": "* || $line == *\\* || $line == *['{['] ]]; then echo "$1 $2 shows no plain $3"; return 1; fi
	value=${line#*: } value=${value%,} value=${value#\"} value=${value%\"}
}
# volume_is NAME FIELD VALUE, node_is NAME INDEX FIELD VALUE: what show says
volume_field() { shown volume "$1" "$2" && echo "$value"; }
volume_is() { shown volume "$1" "$2" && [ "$value" = "$3" ]; }
node_field() { shown node "$1" "$3" "$2" && echo "$value"; }
node_is() { shown node "$1" "$3" "$2" && [ "$value" = "$4" ]; }
# node_has NAME INDEX FIELD NUMBER: at least
node_has() { shown node "$1" "$3" "$2" && [ "$value" -ge "$4" ]; }
# quiet VOLUME: its copies have been compared, or made the same, and no region is marked
quiet() { retry 60 volume_is "$1" dirty 0; }
sessions() { shown export "$1" nr_sessions && echo "$value"; }
sessions_are() { shown export "$1" nr_sessions && [ "$value" = "$2" ]; }

# The part of a disk that holds data: whole MiB, less the last one, which is for metadata.
data_bytes() { echo $((($(blockdev --getsize64 "$1") >> 20) - 1 << 20)); }
# queue VOLUME ATTRIBUTE
queue() { cat "/sys/block/dst!$1/queue/$2"; }

# ---- data

# verified DEVICE JOBS MEGABYTES [OPTION...]: writes so much in each job, in blocks of all sizes, and reads it back
verified() {
	local device=$1 jobs=$2 size=$3
	shift 3
	fio --name=verified --filename="$device" --ioengine=io_uring --direct=1 --iodepth=32 --rw=randwrite \
		--numjobs="$jobs" --size="${size}M" --offset_increment="${size}M" \
		--bssplit=512/25:1k/5:4k/25:12k/5:64k/20:256k/10:1M/10 --verify=crc32c --verify_fatal=1 --group_reporting \
		--output="$BATS_TEST_TMPDIR/fio" "$@" && return
	cat "$BATS_TEST_TMPDIR/fio"
	return 1
}

# numbered FILE MEGABYTES [FIRST]: each sector says where it is, counted from the MiB FIRST on, so that a wrong place shows
numbered() {
	python3 - "$@" <<-'PY'
	import struct, sys
	first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
	mib = bytearray(b"".join(struct.pack("<HH", n, 0) * 128 for n in range(2048)))
	with open(sys.argv[1], "wb") as f:
	    for n in range(first + 1, first + 1 + int(sys.argv[2])):
	        mib[2::4] = bytes([n & 255]) * (len(mib) // 4)
	        mib[3::4] = bytes([n >> 8]) * (len(mib) // 4)
	        f.write(mib)
	PY
}

# put FILE DEVICE [SEEK-MB], got FILE DEVICE [SKIP-MB]: directly; got compares
put() { dd if="$1" of="$2" bs=1M seek="${3:-0}" oflag=direct conv=notrunc status=none; }
got() {
	local size
	size=$(stat -c %s "$1")
	dd if="$2" bs=1M skip="${3:-0}" count=$(((size + 1048575) >> 20)) iflag=direct status=none | cmp -n "$size" - "$1"
}
# zeroes DEVICE OFFSET LENGTH: reads zeroes there
zeroes() { blockdev --flushbufs "$1" && cmp -i "$2:0" -n "$3" "$1" /dev/zero; }

# mounted DEVICE FOLDER [OPTION...]: unmounted at the end of the test
mounted() {
	local device=$1 folder=$2
	shift 2
	mkdir -p "$folder"
	mount "$@" "$device" "$folder" || return
	defer _unmounted "$folder"
}
_unmounted() { ! mountpoint -q "$1" || umount "$1"; }
