// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* wrap_around: when switched, place() answers a leg so high that its end is beyond 64 bits. */
#include "hostile.h"

HOSTILE_PLACE(wrap_around)
{
	return dstb_place_leg(where, 0, -8ULL);
}
