// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* wrong_pick: pick_read() answers a leg that does not exist. */
#include "hostile.h"

int DSTB_PROG(layout, wrong_pick_layout, struct dstb_layout_args *args)
{
	hostile_mirror_layout(args);
	return 0;
}

int DSTB_PROG(place, wrong_pick_place, struct dstb_layout *layout, struct dstb_place *where)
{
	return hostile_mirror_place(layout, where);
}

int DSTB_PROG(pick_read, wrong_pick_read, struct dstb_layout *layout, struct dstb_pick *pick)
{
	return pick->nr_legs;
}

DSTB_POLICY(wrong_pick,
	    .layout = (void *)wrong_pick_layout,
	    .place = (void *)wrong_pick_place,
	    .pick_read = (void *)wrong_pick_read);
