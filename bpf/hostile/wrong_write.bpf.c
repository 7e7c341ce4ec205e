// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* wrong_write: does not load: place() writes to the question. */
#include "hostile.h"

int DSTB_PROG(place, wrong_write_place, struct dstb_layout *layout, struct dstb_place *where)
{
	where->sector = 0;
	return dstb_place_leg(where, 0, 0);
}

DSTB_POLICY(wrong_write, .place = (void *)wrong_write_place);
