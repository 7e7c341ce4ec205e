// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* same_node: when switched, place() answers two copies on one node. */
#include "hostile.h"

HOSTILE_PLACE(same_node)
{
	dstb_place_leg(where, 0, where->sector);
	return dstb_place_leg(where, 0, where->sector);
}
