// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* more_copies: when switched, place() answers more legs than layout() promised. */
#include "hostile.h"

HOSTILE_PLACE(more_copies)
{
	__u32 i;

	for (i = 0; i < DSTB_MAX_LEGS && i <= layout->copies; i++)
		dstb_place_leg(where, i, where->sector);
	return 0;
}
