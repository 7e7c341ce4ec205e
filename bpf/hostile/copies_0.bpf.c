// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* copies_0: layout() answers no copies. */
#include "hostile.h"

HOSTILE_LAYOUT(copies_0)
{
	args->copies = 0;
	return 0;
}
