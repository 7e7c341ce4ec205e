// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* wrong_sleep: does not load: place() in a section of programs that may sleep. */
#include "hostile.h"

#undef _DSTB_SEC_place
#define _DSTB_SEC_place "struct_ops.s/place"

int DSTB_PROG(place, wrong_sleep_place, struct dstb_layout *layout, struct dstb_place *where)
{
	return dstb_place_leg(where, 0, where->sector);
}

DSTB_POLICY(wrong_sleep, .place = (void *)wrong_sleep_place);
