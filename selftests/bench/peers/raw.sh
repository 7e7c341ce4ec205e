# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# the bare disk that is below every other peer, with the load generator
up() { disk nullb0; }
down() { disk_gone nullb0; }
