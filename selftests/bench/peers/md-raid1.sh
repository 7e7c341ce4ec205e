# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# 2 local disks mirrored, no bitmap
up() { a=$(disk nullb0) && b=$(disk nullb1) && md_mirror "$a" "$b"; }
down() { md_mirror_gone; disk_gone nullb0; disk_gone nullb1; }
