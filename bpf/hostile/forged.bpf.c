// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* forged: does not load: place() answers through a pointer that it got elsewhere. */
#include "hostile.h"

int DSTB_PROG(place, forged_place, struct dstb_layout *layout, struct dstb_place *where)
{
	return dstb_place_leg((void *)layout, 0, where->sector);
}

DSTB_POLICY(forged, .place = (void *)forged_place);
