// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* copies_17: layout() answers 17 copies. */
#include "hostile.h"

HOSTILE_LAYOUT(copies_17)
{
	args->copies = DSTB_MAX_LEGS + 1;
	return 0;
}
