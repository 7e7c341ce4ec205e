// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* legs_17: when switched, place() answers 17 legs. Wants 16 nodes. */
#include "hostile.h"

HOSTILE_PLACE(legs_17)
{
	__u32 i;

	for (i = 0; i <= DSTB_MAX_LEGS; i++)
		dstb_place_leg(where, i, where->sector);
	return 0;
}
