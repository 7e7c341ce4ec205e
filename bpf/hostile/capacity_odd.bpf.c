// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* capacity_odd: layout() answers a size that is not a multiple of the block size. */
#include "hostile.h"

HOSTILE_LAYOUT(capacity_odd)
{
	args->capacity -= 1;
	return 0;
}
