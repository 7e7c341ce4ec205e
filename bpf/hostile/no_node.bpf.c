// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* no_node: when switched, place() answers a node that does not exist. */
#include "hostile.h"

HOSTILE_PLACE(no_node)
{
	return dstb_place_leg(where, level == 1 ? layout->nr_nodes : level, where->sector);
}
