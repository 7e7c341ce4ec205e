// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* no_legs: when switched, place() answers no legs. */
#include "hostile.h"

HOSTILE_PLACE(no_legs)
{
	return 0;
}
