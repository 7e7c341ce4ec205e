# shellcheck shell=bash disable=SC2034 # storage_legs is for lib.sh
# SPDX-License-Identifier: GPL-2.0
# A disk as it is, without any copy: what the power cut itself does.
storage_legs=1
storage_up() { printf -v "raw_$1" %s "$3"; }    # VOLUME create|assemble LEG...
storage_device() { local name=raw_$1; echo "${!name}"; }
storage_in_sync() { :; }
storage_down() { :; }
