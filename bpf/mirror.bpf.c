// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * mirror: every node holds a copy of everything (RAID1 over up to 16 nodes).
 *
 * Parameter acks: how many copies must be durable before a write is acknowledged; 0, or not given:
 * all that are in sync. The other copies are written too, later. When fewer than that are in sync,
 * writes fail: the number is a promise.
 *
 * For data that must survive the loss of all nodes but one. As large as its smallest node. A write
 * costs as much as the slowest node that must acknowledge it. Reads go to a local node when there
 * is one, else to the node that will answer first by its latency and its queue.
 *
 * Shows several legs, a choice that looks at nodes, and a number of acknowledgements.
 */
#include "dst_policy.bpf.h"

#define PRIV_ACKS	0

int DSTB_PROG(layout, mirror_layout, struct dstb_layout_args *args)
{
	__u64 acks = dstb_layout_param(args, "acks", 0), smallest = ~0ULL;
	__u32 block = args->block_size >> DSTB_SECTOR_SHIFT;
	__u32 i;

	if (args->nr_nodes > DSTB_MAX_LEGS)
		return dstb_layout_refuse(args, "a mirror has at most 16 nodes");
	if (acks > args->nr_nodes)
		return dstb_layout_refuse(args, "acks is more than there are nodes");

	bpf_for(i, 0, args->nr_nodes) {
		struct dstb_layout_node node = {};

		dstb_layout_node(args, i, &node, sizeof(node));
		if (node.size < smallest)
			smallest = node.size;
	}
	args->capacity = smallest & ~(__u64)(block - 1);
	args->run = 0;
	args->copies = args->nr_nodes;
	args->priv[PRIV_ACKS] = acks;
	return 0;
}

int DSTB_PROG(place, mirror_place, struct dstb_layout *layout, struct dstb_place *where)
{
	__u32 i;

	for (i = 0; i < DSTB_MAX_LEGS && i < layout->nr_nodes; i++)
		dstb_place_leg(where, i, where->sector);
	return 0;
}

int DSTB_PROG(pick_read, mirror_pick_read, struct dstb_layout *layout, struct dstb_pick *pick)
{
	bool best_local = false;
	__u64 least = ~0ULL;
	__u32 i;
	int best = -1;

	for (i = 0; i < DSTB_MAX_LEGS && i < pick->nr_legs; i++) {
		struct dstb_node_view view = {};
		__u64 cost;
		bool local;

		if (dstb_pick_view(pick, i, &view, sizeof(view)))
			break;
		local = view.flags & DSTB_VIEW_LOCAL;
		/* One that was never read costs nothing: it is tried. */
		cost = view.latency_ns * (view.in_flight + 1);
		if (local == best_local ? cost >= least : best_local)
			continue;
		best_local = local;
		least = cost;
		best = i;
	}
	return best;
}

int DSTB_PROG(acks, mirror_acks, struct dstb_layout *layout, struct dstb_acks *acks)
{
	return layout->priv[PRIV_ACKS];
}

DSTB_POLICY(mirror,
	    .layout = (void *)mirror_layout,
	    .place = (void *)mirror_place,
	    .pick_read = (void *)mirror_pick_read,
	    .acks = (void *)mirror_acks);
