#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
# The module itself, before anything is made with it.
load helpers

module_file() { modinfo -F filename dstblk; }

@test "the module carries what registering policies needs" {
	local file
	file=$(module_file)
	for section in .BTF .BTF.base .BTF_ids; do
		readelf -SW "$file" | grep -qF " $section " || { echo "$file has no $section"; return 1; }
	done
}

@test "the module loads and unloads" {
	defer module_unload
	module_load
	[ -d /sys/module/dstblk ]
	[ -e /sys/kernel/btf/dstblk ]
	module_unload
	[ ! -d /sys/module/dstblk ]
}

@test "the module loads and unloads twenty times" {
	defer module_unload
	local i
	for ((i = 0; i < 20; i++)); do
		module_load
		module_unload
	done
}

@test "the module taints the kernel only as out of tree and unsigned" {
	defer module_unload
	module_load
	# P (proprietary), F (forced) and the like must not be there
	[[ $(cat /sys/module/dstblk/taint) =~ ^[OE]*$ ]]
	equal license "$(modinfo -F license dstblk)" GPL
}

@test "an unknown module parameter is said, not silently taken" {
	defer module_unload
	module_load no_such_parameter=1
	dmesg_since | grep -q "dstblk: unknown parameter 'no_such_parameter' ignored"
}

@test "a module without BTF is refused, with a sentence" {
	local file=$BATS_TEST_TMPDIR/dstblk.ko module
	objcopy -R .BTF -R .BTF.base "$(module_file)" "$file"
	for module in $(modinfo -F depends dstblk | tr , ' '); do modprobe "$module"; done
	defer module_unload
	not insmod "$file"
	[ ! -d /sys/module/dstblk ]
	dmesg_since | grep -q "dstblk: this module has no BTF that fits the running kernel, so no policy could be registered"
	# Nothing of the attempt is in the way of the right one.
	module_load
	[ -e /sys/kernel/btf/dstblk ]
}
