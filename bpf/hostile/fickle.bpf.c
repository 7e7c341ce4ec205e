// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* fickle: place() answers differently each time: one node, then another. */
#include "hostile.h"

static __u32 asked;

int DSTB_PROG(place, fickle_place, struct dstb_layout *layout, struct dstb_place *where)
{
	return dstb_place_leg(where, ++asked % layout->nr_nodes, 0);
}

DSTB_POLICY(fickle, .place = (void *)fickle_place);
