# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# one local disk, mapped by a BPF program
# against: dm-linear
up() { d=$(disk nullb0) && dst_volume v linear "$d"; }
down() { dst_volume_gone v; disk_gone nullb0; }
