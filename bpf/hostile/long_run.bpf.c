// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* long_run: when switched, place() answers a longer run than it was asked for. */
#include "hostile.h"

HOSTILE_PLACE(long_run)
{
	where->run = where->asked + (layout->block_size >> DSTB_SECTOR_SHIFT);
	return hostile_mirror_place(layout, where);
}
