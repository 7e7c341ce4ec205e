// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * resync: resync_next() leaves it to the default (switch at 0), begins with the last region (1);
 * answers one that is not there (2), or that no node lacks (3), or too long a rest (4), or nonsense
 * (5); is right and rests for 300 ms (6), or for 10 s (7).
 */
#include "hostile.h"

HOSTILE_SWITCH(resync);

static __always_inline __u32 last_lacked(struct dstb_resync_next *next)
{
	__u32 region = next->region, i;

	bpf_for(i, 0, next->nr_regions) {
		__u32 found = dstb_resync_lacked(next, region + 1);

		if (found >= next->nr_regions)
			break;
		region = found;
	}
	return region;
}

static __always_inline __u32 not_lacked(struct dstb_resync_next *next)
{
	__u32 i;

	bpf_for(i, 0, next->nr_regions)
		if (dstb_resync_lacked(next, i) != i)
			return i;
	return 0;
}

int DSTB_PROG(resync_next, resync_next, struct dstb_layout *layout, struct dstb_resync_next *next)
{
	switch (hostile_switch(&k_resync)) {
	case 0:
		return -1;
	case 1:
		next->region = last_lacked(next);
		return 0;
	case 2:
		next->region = next->nr_regions;
		return 0;
	case 3:
		next->region = not_lacked(next);
		return 0;
	case 4:
		next->pause_ms = DSTB_RESYNC_PAUSE_MAX + 1;
		return 0;
	case 5:
		return 1;
	case 6:
		next->pause_ms = 300;
		return 0;
	default:
		next->pause_ms = DSTB_RESYNC_PAUSE_MAX;
		return 0;
	}
}

HOSTILE_RECOVERY(resync, .resync_next = (void *)resync_next);
