// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* slow: when switched, place() burns time: as many thousand rounds as the switch is at. */
#include "hostile.h"

static int burn(__u32 i, __u64 *sum)
{
	*sum = *sum * 31 + i;
	return 0;
}

static __u64 sink;

HOSTILE_PLACE(slow)
{
	__u64 sum = 0;

	bpf_loop(level < 8000 ? level * 1000 : 8000000, burn, &sum, 0);
	sink = sum;
	return hostile_mirror_place(layout, where);
}
