# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the scripts of selftests/vm share; sourced. Sets here, project, cache, work.
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
project=$(dirname "$(dirname "$here")")
cache=${DST_CACHE:-~/.cache/dst}
# Two checkouts with one cache do not build over each other.
# shellcheck disable=SC2034 # for who sources this
work=$cache/build/$(printf %s "$project" | sha256sum | cut -c1-8)

die() { echo "${0##*/}: $*" >&2; exit 2; }
discard() { rm -rf --one-file-system "$1"; }    # whatever is mounted in there survives

# find_mirror: the archive that this host's apt uses, or DST_MIRROR. Debian's cloud images have a file with a list of them
# (mirror+file:/etc/apt/mirrors/debian.list), which is not in the tree that is made.
find_mirror() {
	local url=${DST_MIRROR-}
	known() {
		apt-cache policy | awk '
			$1 ~ /^-?[0-9]+$/ { url = $2 }
			/o=Debian,/ && /c=main/ && $0 !~ /security|updates|backports/ { print url; exit }'
	}
	[ "$url" ] || url=$(known)
	if [ -z "$url" ]; then apt-get update -qq >&2; url=$(known); fi
	if [[ $url == mirror+file:* ]]; then url=$(awk '/^https?:/ { print $1; exit }' "/${url#*:/}"); fi
	[ "$url" ] || die "apt here has no Debian main archive; set DST_MIRROR=URL"
	echo "$url"
}

# kernel_find NAME: sets version, image and kdir (as seen in the tree) of kernel NAME: "debug" or a line such as 6.12.
# A line that the suite no longer has stands for the newest of its major version: backports move on.
kernel_find() {
	local folder
	if [ "$1" = debug ]; then
		folder=$("$here/debug-kernel") || die "no debug kernel"
		version=$(cat "$folder/version") image=$folder/bzImage kdir=/x/debug/build
		debug_folder=$folder
		build=debug-${folder##*-}
		return
	fi
	image=$(printf '%s\n' "$cache/rootfs/boot/vmlinuz-$1"[.+-]* | sort -V | tail -n 1)
	if [ ! -e "$image" ]; then
		image=$(printf '%s\n' "$cache/rootfs/boot/vmlinuz-${1%%.*}."* | sort -V | tail -n 1)
		[ -e "$image" ] || die "no kernel $1 in $cache/rootfs"
		echo "${0##*/}: no kernel $1 here; taking ${image##*/vmlinuz-}" >&2
	fi
	# shellcheck disable=SC2034 # for who sources this
	version=${image#*/vmlinuz-} kdir=/usr/src/linux-headers-${image#*/vmlinuz-} debug_folder='' build=${image#*/vmlinuz-}
}
