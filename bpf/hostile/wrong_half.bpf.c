// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* wrong_half: when switched, place() answers no legs for the second half of the volume. */
#include "hostile.h"

HOSTILE_PLACE(wrong_half)
{
	return where->sector < layout->capacity / 2 ? hostile_mirror_place(layout, where) : 0;
}
