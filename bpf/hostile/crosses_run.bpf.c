// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* crosses_run: layout() promises runs of a block, place() answers longer ones. */
#include "hostile.h"

HOSTILE_LAYOUT(crosses_run)
{
	args->run = args->block_size >> DSTB_SECTOR_SHIFT;
	return 0;
}
