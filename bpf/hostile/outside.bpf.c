// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* outside: when switched, place() answers a leg that ends outside its node. */
#include "hostile.h"

HOSTILE_PLACE(outside)
{
	const struct dstb_layout_node *nodes = dstb_nodes(layout);

	return nodes ? dstb_place_leg(where, 0, nodes[0].size) : -EINVAL;
}
