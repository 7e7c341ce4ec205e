# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# 2 local disks mirrored
# against: md-raid1
up() { a=$(disk nullb0) && b=$(disk nullb1) && dst_volume v mirror "$a" "$b" && dst_synced v; }
down() { dst_volume_gone v; disk_gone nullb0; disk_gone nullb1; }
