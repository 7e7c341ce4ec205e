// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* clock: does not load: layout() asks for the time. */
#include "hostile.h"

int DSTB_PROG(layout, clock_layout, struct dstb_layout_args *args)
{
	args->priv[0] = bpf_ktime_get_ns();
	return 0;
}

DSTB_POLICY(clock, .layout = (void *)clock_layout);
