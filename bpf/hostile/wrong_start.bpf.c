// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* wrong_start: place() is right but for the first block of the volume. */
#include "hostile.h"

int DSTB_PROG(layout, wrong_start_layout, struct dstb_layout_args *args)
{
	hostile_mirror_layout(args);
	return 0;
}

int DSTB_PROG(place, wrong_start_place, struct dstb_layout *layout, struct dstb_place *where)
{
	return where->sector ? hostile_mirror_place(layout, where) : 0;
}

DSTB_POLICY(wrong_start, .layout = (void *)wrong_start_layout, .place = (void *)wrong_start_place);
