// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* fewer_copies: when switched, place() answers fewer legs than layout() promised. */
#include "hostile.h"

HOSTILE_PLACE(fewer_copies)
{
	return dstb_place_leg(where, layout->nr_nodes - 1, where->sector);
}
