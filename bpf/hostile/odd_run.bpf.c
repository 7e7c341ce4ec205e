// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * odd_run: when switched, place() answers a run that is not a multiple of the block size. Wants
 * blocks above 512.
 */
#include "hostile.h"

HOSTILE_PLACE(odd_run)
{
	where->run = 1;
	return hostile_mirror_place(layout, where);
}
