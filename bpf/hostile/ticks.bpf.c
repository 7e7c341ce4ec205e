// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * ticks: tick() counts in m_ticks: how often it was called (0), how many nodes were there when it
 * was called last (1), and how often it was told something wrong (2).
 */
#include "hostile.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u32);
} m_ticks SEC(".maps");

static __always_inline __u32 *counter(__u32 key)
{
	return bpf_map_lookup_elem(&m_ticks, &key);
}

void DSTB_PROG(tick, ticks_tick, struct dstb_layout *layout, struct dstb_tick *tick)
{
	__u32 *calls = counter(0), *here = counter(1), *wrong = counter(2);
	__u32 nr = 0, i;

	if (!calls || !here || !wrong)
		return;
	bpf_for(i, 0, tick->nr_nodes) {
		struct dstb_node_view view = {};

		if (dstb_member_view(layout, i, &view, sizeof(view)) || view.node != i)
			*wrong += 1;
		nr += !!(view.flags & DSTB_VIEW_HERE);
	}
	*here = nr;
	*calls += 1;
}

HOSTILE_RECOVERY(ticks, .tick = (void *)ticks_tick);
