// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* wrong_out: does not load: resync_next() writes to what it is told. */
#include "hostile.h"

int DSTB_PROG(resync_next, wrong_out_next, struct dstb_layout *layout,
	      struct dstb_resync_next *next)
{
	next->nr_regions = 1;
	return 0;
}

DSTB_POLICY(wrong_out, .resync_next = (void *)wrong_out_next);
