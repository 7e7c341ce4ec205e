# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# an export over TCP, both ends in this kernel
# against: nvme-tcp
up() { a=$(dst_export nullb0) && dst_volume v minimal "$a"; }
down() { dst_volume_gone v; dst_export_gone nullb0; }
