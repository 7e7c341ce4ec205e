# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# NVMe over TCP, both ends in this kernel, a queue for each CPU, native multipath
up() { nvme_disk nullb0; }
down() { nvme_disk_gone nullb0; }
