# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# a local disk and an export over TCP mirrored; reads stay local
# against: md-raid1-remote
up() { a=$(disk nullb0) && b=$(dst_export nullb1) && dst_volume v mirror "$a" "$b" && dst_synced v; }
down() { dst_volume_gone v; dst_export_gone nullb1; disk_gone nullb0; }
