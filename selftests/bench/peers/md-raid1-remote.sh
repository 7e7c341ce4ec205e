# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# a local disk and one over NVMe/TCP mirrored, no bitmap; reads stay local
up() { a=$(disk nullb0) && b=$(nvme_disk nullb1) && md_mirror "$a" --write-mostly "$b"; }
down() { md_mirror_gone; nvme_disk_gone nullb1; disk_gone nullb0; }
