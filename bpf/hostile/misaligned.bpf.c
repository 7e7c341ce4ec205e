// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * misaligned: when switched, place() answers a leg that is not aligned to blocks. Wants blocks
 * above 512.
 */
#include "hostile.h"

HOSTILE_PLACE(misaligned)
{
	return dstb_place_leg(where, 0, where->sector + 1);
}
