// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * wrong_acks: acks() answers more than there are legs, or a negative number for odd chunks of a
 * MiB.
 */
#include "hostile.h"

int DSTB_PROG(layout, wrong_acks_layout, struct dstb_layout_args *args)
{
	hostile_mirror_layout(args);
	return 0;
}

int DSTB_PROG(place, wrong_acks_place, struct dstb_layout *layout, struct dstb_place *where)
{
	return hostile_mirror_place(layout, where);
}

int DSTB_PROG(acks, wrong_acks_acks, struct dstb_layout *layout, struct dstb_acks *acks)
{
	return acks->sector >> 11 & 1 ? -1 : acks->nr_legs + 1;
}

DSTB_POLICY(wrong_acks,
	    .layout = (void *)wrong_acks_layout,
	    .place = (void *)wrong_acks_place,
	    .acks = (void *)wrong_acks_acks);
