// SPDX-License-Identifier: GPL-2.0
/*
 * The built-in decisions: what a volume gets whose policy does not implement a callback.
 */
#include <linux/blkdev.h>
#include <linux/math.h>
#include <linux/minmax.h>

#include "node.h"
#include "place.h"
#include "policy.h"

/**
 * dstb_default_layout() - lays a volume out as a concatenation of its nodes
 * @args:	version, nr_nodes and block_size are read, the outputs are filled
 * @nodes:	size is read; value becomes the volume's sector where the node begins
 *
 * A node's odd sectors at its end, less than a block, stay unused. Any context.
 */
void dstb_default_layout(struct dstb_layout_args *args, struct dstb_layout_node *nodes)
{
	u32 block = args->block_size >> SECTOR_SHIFT;
	u64 start = 0;
	u32 i;

	for (i = 0; i < args->nr_nodes; i++) {
		nodes[i].value = start;
		start += round_down(nodes[i].size, block);
	}
	args->capacity = start;
	args->run = 0;
	args->copies = 1;
}

/**
 * dstb_default_place() - says where sectors live in a concatenation
 * @layout:	the layout
 * @nodes:	its nodes, value in ascending order, beginning with 0
 * @where:	the question; run is shortened to what the node holds
 * @out:	one leg
 *
 * Costs a binary search over the nodes. Any context.
 */
void dstb_default_place(const struct dstb_layout *layout, const struct dstb_layout_node *nodes,
			struct dstb_place *where, struct dstb_placement *out)
{
	u32 block = layout->block_size >> SECTOR_SHIFT;
	u32 low = 0, high = layout->nr_nodes;
	u64 offset, left;

	/* The last node that begins at or before the sector. */
	while (high - low > 1) {
		u32 mid = (low + high) / 2;

		if (nodes[mid].value <= where->sector)
			low = mid;
		else
			high = mid;
	}
	offset = where->sector - nodes[low].value;
	left = round_down(nodes[low].size, block);
	left = left > offset ? left - offset : 0;
	where->run = min_t(u64, where->run, left);
	out->legs[0].node = low;
	out->legs[0].sector = offset;
	out->nr_legs = 1;
}

/**
 * dstb_default_pick_read() - chooses the leg whose node has the least to do
 * @legs:	the legs
 * @nr_legs:	how many, not 0
 *
 * Any context. Return: the leg.
 */
u32 dstb_default_pick_read(const struct dstb_pick_leg *legs, u32 nr_legs)
{
	u32 best = 0, least = dstb_node_in_flight(legs[0].node);
	u32 i;

	for (i = 1; i < nr_legs && least; i++) {
		u32 n = dstb_node_in_flight(legs[i].node);

		if (n < least) {
			least = n;
			best = i;
		}
	}
	return best;
}
