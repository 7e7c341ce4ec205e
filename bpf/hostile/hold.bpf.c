// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * hold: node_event() leaves it to the default (switch at 0), does without a lost node at once (1),
 * waits for one that is overdue a second more, each time (2), for one that is lost half a minute
 * (3); answers too long a time (4), or nonsense (5).
 */
#include "hostile.h"

HOSTILE_SWITCH(hold);

int DSTB_PROG(node_event, hold_event, struct dstb_layout *layout, struct dstb_node_event *event)
{
	__u32 level = hostile_switch(&k_hold);
	struct dstb_node_view view = {};

	/* What is asked about is there, and is lost. */
	if (dstb_member_view(layout, event->node, &view, sizeof(view)) ||
	    view.node != event->node || view.flags & DSTB_VIEW_HERE)
		return 7;
	switch (level) {
	case 1:
		event->hold_ms = 0;
		return 0;
	case 2:
		if (event->event == DSTB_EVENT_OVERDUE)
			event->hold_ms = 1000;
		return 0;
	case 3:
		if (event->event == DSTB_EVENT_LOST)
			event->hold_ms = 30000;
		return 0;
	case 4:
		event->hold_ms = DSTB_HOLD_MAX + 1;
		return 0;
	case 5:
		return 1;
	default:
		return -1;
	}
}

HOSTILE_RECOVERY(hold, .node_event = (void *)hold_event);
