// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * minimal: the smallest policy, a name.
 *
 * Everything is left to the built-in decisions: the nodes one after the other, each sector on one
 * node. Shows what every policy starts from.
 */
#include "dst_policy.bpf.h"

DSTB_POLICY(minimal);
