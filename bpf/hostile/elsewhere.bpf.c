// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * elsewhere: says that it is the policy mirror, but places the second half of the volume elsewhere.
 */
#include "hostile.h"

int DSTB_PROG(layout, elsewhere_layout, struct dstb_layout_args *args)
{
	hostile_mirror_layout(args);
	return 0;
}

int DSTB_PROG(place, elsewhere_place, struct dstb_layout *layout, struct dstb_place *where)
{
	__u64 half = layout->capacity / 2;
	__u32 i;

	if (where->sector < half)
		return hostile_mirror_place(layout, where);
	for (i = DSTB_MAX_LEGS; i-- > 0;)
		if (i < layout->copies)
			dstb_place_leg(where, i, where->sector);
	return 0;
}

DSTB_POLICY(elsewhere,
	    .layout = (void *)elsewhere_layout,
	    .place = (void *)elsewhere_place,
	    .name = "mirror");
