// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* wrong_view: does not load: acks() looks at the volume's nodes, which takes too long there. */
#include "hostile.h"

int DSTB_PROG(acks, wrong_view_acks, struct dstb_layout *layout, struct dstb_acks *acks)
{
	struct dstb_node_view view = {};

	return dstb_member_view(layout, 0, &view, sizeof(view));
}

DSTB_POLICY(wrong_view, .acks = (void *)wrong_view_acks);
