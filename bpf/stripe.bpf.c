// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * stripe: chunks go round the nodes in turn (RAID0).
 *
 * Parameter stripe: size of a chunk in bytes, a power of two from 4096 on; 65536 when not given.
 *
 * For throughput: many requests, or a long one, keep all nodes busy. No redundancy: a lost node
 * takes a part of nearly every file away. Nodes of different sizes give what the smallest has,
 * each; the rest of the larger ones stays unused.
 *
 * Shows parameters, numbers that layout() computes for place(), and runs that end at chunks.
 */
#include "dst_policy.bpf.h"

#define PRIV_SHIFT	0	/* log2 of the sectors of a chunk */

static __always_inline __u32 log2_of(__u64 power_of_two)
{
	__u32 shift = 0, step;

	for (step = 32; step; step /= 2)
		if (power_of_two >> (shift + step))
			shift += step;
	return shift;
}

int DSTB_PROG(layout, stripe_layout, struct dstb_layout_args *args)
{
	__u64 chunk = dstb_layout_param(args, "stripe", 64 << 10), smallest = ~0ULL;
	__u32 i;

	if (chunk < 4096 || chunk & (chunk - 1))
		return dstb_layout_refuse(args, "stripe is not a power of two from 4096 on");
	if (chunk < args->block_size)
		return dstb_layout_refuse(args, "stripe is less than the volume's block size");
	chunk >>= DSTB_SECTOR_SHIFT;

	bpf_for(i, 0, args->nr_nodes) {
		struct dstb_layout_node node = {};

		dstb_layout_node(args, i, &node, sizeof(node));
		if (node.size < smallest)
			smallest = node.size;
	}
	if (smallest < chunk)
		return dstb_layout_refuse(args, "a node is smaller than a stripe");
	args->capacity = (smallest & ~(chunk - 1)) * args->nr_nodes;
	args->run = chunk;
	args->copies = 1;
	args->priv[PRIV_SHIFT] = log2_of(chunk);
	return 0;
}

int DSTB_PROG(place, stripe_place, struct dstb_layout *layout, struct dstb_place *where)
{
	__u32 shift = layout->priv[PRIV_SHIFT], nr_nodes = layout->nr_nodes;
	__u64 chunk = where->sector >> shift, row = chunk / nr_nodes;
	__u64 offset = where->sector - (chunk << shift), left = (1ULL << shift) - offset;

	if (left < where->run)
		where->run = left;
	return dstb_place_leg(where, chunk - row * nr_nodes, (row << shift) + offset);
}

DSTB_POLICY(stripe,
	    .layout = (void *)stripe_layout,
	    .place = (void *)stripe_place);
