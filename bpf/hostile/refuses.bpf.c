// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* refuses: layout() refuses, with a sentence. */
#include "hostile.h"

HOSTILE_LAYOUT(refuses)
{
	return dstb_layout_refuse(args, "this policy refuses every volume");
}
