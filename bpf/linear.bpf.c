// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * linear: the nodes one after the other, each sector on one node.
 *
 * For volumes larger than a node, of nodes of any sizes. No redundancy: a lost node takes its part
 * of the volume away. One stream of I/O keeps one node busy.
 *
 * Does the same as the built-in default. Shows a layout that leaves a number with each node, and a
 * place() that finds the node by binary search: 8 steps, however many nodes there are.
 */
#include "dst_policy.bpf.h"

int DSTB_PROG(layout, linear_layout, struct dstb_layout_args *args)
{
	__u32 block = args->block_size >> DSTB_SECTOR_SHIFT;
	__u64 start = 0;
	__u32 i;

	bpf_for(i, 0, args->nr_nodes) {
		struct dstb_layout_node node = {};

		dstb_layout_node(args, i, &node, sizeof(node));
		dstb_layout_set_value(args, i, start);
		start += node.size & ~(__u64)(block - 1);
	}
	args->capacity = start;
	args->run = 0;
	args->copies = 1;
	return 0;
}

int DSTB_PROG(place, linear_place, struct dstb_layout *layout, struct dstb_place *where)
{
	__u32 block = layout->block_size >> DSTB_SECTOR_SHIFT;
	const struct dstb_layout_node *nodes = dstb_nodes(layout);
	__u64 sector = where->sector, offset, left;
	__u32 node = 0, step;

	if (!nodes)
		return -EINVAL;
	/* The last node that begins at or before the sector. */
	for (step = DSTB_MAX_NODES / 2; step; step /= 2) {
		__u32 next = node + step;

		if (next < layout->nr_nodes && next < DSTB_MAX_NODES &&
		    nodes[next].value <= sector)
			node = next;
	}
	offset = sector - nodes[node].value;
	left = (nodes[node].size & ~(__u64)(block - 1)) - offset;
	if (left < where->run)
		where->run = left;
	return dstb_place_leg(where, node, offset);
}

DSTB_POLICY(linear,
	    .layout = (void *)linear_layout,
	    .place = (void *)linear_place);
