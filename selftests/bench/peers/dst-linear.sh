# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# one local disk, a policy without any callback: the built-in mapping
# against: dm-linear
up() { d=$(disk nullb0) && dst_volume v minimal "$d"; }
down() { dst_volume_gone v; disk_gone nullb0; }
