// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* empty_run: when switched, place() answers a run of no sectors. */
#include "hostile.h"

HOSTILE_PLACE(empty_run)
{
	where->run = 0;
	return hostile_mirror_place(layout, where);
}
