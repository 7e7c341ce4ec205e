// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* layout_error: layout() refuses without a sentence. */
#include "hostile.h"

HOSTILE_LAYOUT(layout_error)
{
	return -EINVAL;
}
