// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* capacity_big: layout() answers more than all nodes have. */
#include "hostile.h"

HOSTILE_LAYOUT(capacity_big)
{
	args->capacity = 1ULL << 60;
	return 0;
}
