// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* run_odd: layout() answers runs that are not a multiple of the block size. */
#include "hostile.h"

HOSTILE_LAYOUT(run_odd)
{
	args->run = 3;
	return 0;
}
