// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * quorum: quorum() leaves it to the default (switch at 0), wants every node that has data (1), is
 * content with any (2), or answers nonsense (3).
 */
#include "hostile.h"

HOSTILE_SWITCH(quorum);

static __always_inline bool all_here(struct dstb_layout *layout, __u32 nr_nodes)
{
	__u32 i;

	bpf_for(i, 0, nr_nodes) {
		struct dstb_node_view view = {};

		if (dstb_member_view(layout, i, &view, sizeof(view)))
			return false;
		if (!(view.flags & (DSTB_VIEW_HERE | DSTB_VIEW_WITNESS)))
			return false;
	}
	return true;
}

int DSTB_PROG(quorum, quorum_quorum, struct dstb_layout *layout, struct dstb_quorum *quorum)
{
	struct dstb_node_view view = {};

	/* There is none behind the last. */
	if (!dstb_member_view(layout, quorum->nr_nodes, &view, sizeof(view)))
		return 7;
	switch (hostile_switch(&k_quorum)) {
	case 0:
		return -1;
	case 1:
		return all_here(layout, quorum->nr_nodes);
	case 2:
		return 1;
	default:
		return 2;
	}
}

HOSTILE_RECOVERY(quorum, .quorum = (void *)quorum_quorum);
