// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* random: does not load: place() asks for a random number. */
#include "hostile.h"

int DSTB_PROG(place, random_place, struct dstb_layout *layout, struct dstb_place *where)
{
	return dstb_place_leg(where, bpf_get_prandom_u32() % layout->nr_nodes, where->sector);
}

DSTB_POLICY(random, .place = (void *)random_place);
