// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* capacity_0: layout() answers a volume of no sectors. */
#include "hostile.h"

HOSTILE_LAYOUT(capacity_0)
{
	args->capacity = 0;
	return 0;
}
