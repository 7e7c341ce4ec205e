// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* place_error: when switched, place() returns an error, or what the switch is at. */
#include "hostile.h"

HOSTILE_PLACE(place_error)
{
	hostile_mirror_place(layout, where);
	return level == 1 ? -EINVAL : level;
}
