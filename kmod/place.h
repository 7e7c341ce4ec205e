/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asking a mapping, checking what it answers. Hot: called for every request, in the submitter's
 * context.
 */
#ifndef _DSTB_PLACE_H
#define _DSTB_PLACE_H

#include <linux/types.h>

#include "uapi/dst_policy.h"

struct dstb_mapping;
struct dstb_node;

/**
 * struct dstb_leg_addr - where one copy of a run lives
 * @node:	index of the node
 * @sector:	first sector in the node's data area
 */
struct dstb_leg_addr {
	u32 node;
	u64 sector;
};

/**
 * struct dstb_placement - a checked answer of place()
 * @nr_sectors:	how long the run is: 1..asked, a multiple of the block size
 * @nr_legs:	the layout's copies
 * @legs:	each inside its node, no two on one node, block-aligned
 */
struct dstb_placement {
	u32 nr_sectors;
	u32 nr_legs;
	struct dstb_leg_addr legs[DSTB_MAX_LEGS];
};

/**
 * struct dstb_pick_leg - a leg that a read may choose
 * @node:	the node
 */
struct dstb_pick_leg {
	struct dstb_node *node;
};

const char *dstb_place_ask(struct dstb_mapping *map, const struct dstb_policy_ops *ops, u64 sector,
			   u32 nr_sectors, struct dstb_placement *out);
int dstb_place(struct dstb_mapping *map, u64 sector, u32 nr_sectors, struct dstb_placement *out);
u32 dstb_pick_read(struct dstb_mapping *map, u64 sector, u32 nr_sectors,
		   const struct dstb_pick_leg *legs, u32 nr_legs);
u32 dstb_acks(struct dstb_mapping *map, const struct dstb_acks *question);

#endif /* _DSTB_PLACE_H */
