// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * sides: arbitrate() leaves it to the default (switch at 0), says that the volume's side wins (1),
 * that nobody does (2), or answers nonsense (3).
 */
#include "hostile.h"

HOSTILE_SWITCH(sides);

int DSTB_PROG(arbitrate, sides_arbitrate, struct dstb_layout *layout,
	      struct dstb_arbitrate *arbitrate)
{
	struct dstb_node_view view = {};

	/* It is a node's, which is not in service, and the volume is on others. */
	if (dstb_member_view(layout, arbitrate->node, &view, sizeof(view)) ||
	    view.flags & (DSTB_VIEW_HERE | DSTB_VIEW_IN_SYNC) || !arbitrate->ours ||
	    !arbitrate->theirs || arbitrate->votes * 2 < arbitrate->nr_nodes)
		return 7;
	switch (hostile_switch(&k_sides)) {
	case 1:
		return 1;
	case 2:
		return 0;
	case 3:
		return 2;
	default:
		return -1;
	}
}

HOSTILE_RECOVERY(sides, .arbitrate = (void *)sides_arbitrate);
