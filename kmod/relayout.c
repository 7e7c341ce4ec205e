// SPDX-License-Identifier: GPL-2.0
/*
 * A mapping for a node more, or less: only where no data moves for that. The same size, and each
 * sector's copies where they are, but for the one on the node that comes or goes.
 */
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "mapping.h"
#include "mapping_int.h"
#include "place.h"
#include "policy.h"

/* The index that a node had, or will have, without @node. */
static u32 without(u32 index, u32 node)
{
	return index > node ? index - 1 : index;
}

/* Is @more what @fewer is, with one leg on @node besides? In @fewer the nodes after it move up. */
static bool one_leg_more(const struct dstb_placement *more, const struct dstb_placement *fewer,
			 u32 node)
{
	u32 i, k = 0;

	if (more->nr_legs != fewer->nr_legs + 1)
		return false;
	for (i = 0; i < more->nr_legs; i++) {
		const struct dstb_leg_addr *leg = &more->legs[i];

		if (leg->node == node)
			continue;
		if (k == fewer->nr_legs || fewer->legs[k].sector != leg->sector ||
		    fewer->legs[k].node != without(leg->node, node))
			return false;
		k++;
	}
	return k == fewer->nr_legs;
}

/* Asks both about each sample. Returns the first sector that moves, or the capacity. */
static u64 first_moved(struct dstb_mapping *more, struct dstb_mapping *fewer,
		       const struct dstb_policy_ops *ops, u32 node)
{
	u32 block = more->layout.block_size >> SECTOR_SHIFT, i;
	struct dstb_placement a, b;
	bool ok = true;
	u64 sector;

	for (i = 0; i < DSTB_MAPPING_SAMPLES; i++) {
		sector = dstb_mapping_sample(&more->layout, i);
		rcu_read_lock();
		ok = !dstb_place_ask(more, ops, sector, block, &a) &&
		     !dstb_place_ask(fewer, ops, sector, block, &b) && one_leg_more(&a, &b, node);
		rcu_read_unlock();
		if (!ok)
			return sector;
	}
	return more->layout.capacity;
}

static int compare(struct dstb_mapping *map, struct dstb_mapping *draft,
		   const struct dstb_policy_ops *ops, u32 node, struct netlink_ext_ack *extack)
{
	bool add = draft->layout.nr_nodes > map->layout.nr_nodes;
	struct dstb_mapping *more = add ? draft : map, *fewer = add ? map : draft;
	u64 sector;

	if (more->layout.copies != fewer->layout.copies + 1) {
		NL_SET_ERR_MSG_FMT(extack,
				   "policy '%s' keeps no copy on each node: sectors would move",
				   map->policy_name);
		return -EOPNOTSUPP;
	}
	if (draft->layout.capacity < map->layout.capacity) {
		NL_SET_ERR_MSG_FMT(extack,
				   "it is too small: the volume would have %llu sectors, not %llu",
				   draft->layout.capacity, map->layout.capacity);
		return -ENOSPC;
	}
	if (draft->layout.capacity > map->layout.capacity) {
		NL_SET_ERR_MSG_FMT(extack,
				   "the volume would have %llu sectors without it, not %llu",
				   draft->layout.capacity, map->layout.capacity);
		return -EOPNOTSUPP;
	}
	sector = first_moved(more, fewer, ops, node);
	if (sector == map->layout.capacity)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "policy '%s' would move sector %llu", map->policy_name, sector);
	return -EOPNOTSUPP;
}

/**
 * dstb_mapping_draft() - lay a volume out for a node more, or less
 * @map:	its mapping
 * @nodes:	the nodes that it will have
 * @nr:		how many, one more or less than now
 * @node:	index of the one that comes or goes
 * @extack:	gets the sentence
 *
 * init() is not called again: the volume is the one that it was. Process context, sleeps; takes
 * dstb_policy_lock.
 *
 * Return: for dstb_mapping_switch() and dstb_mapping_scratch_free(), or an ERR_PTR.
 */
struct dstb_mapping *dstb_mapping_draft(struct dstb_mapping *map,
					const struct dstb_layout_node *nodes, u32 nr, u32 node,
					struct netlink_ext_ack *extack)
{
	struct dstb_mapping *draft = dstb_mapping_scratch(map);
	struct dstb_policy_use use;
	char why[DSTB_REASON_LEN];
	bool found;
	int err;

	if (!draft)
		return ERR_PTR(-ENOMEM);
	memset(draft->nodes, 0, DSTB_MAX_NODES * sizeof(*draft->nodes));
	memcpy(draft->nodes, nodes, nr * sizeof(*nodes));
	draft->layout.nr_nodes = nr;
	mutex_lock(&dstb_policy_lock);
	found = !dstb_mapping_lost(map) && dstb_policy_use(map->policy_name, &use);
	draft->generation = map->generation;
	mutex_unlock(&dstb_policy_lock);
	if (found) {
		err = dstb_mapping_prepare(draft, use.policy->ops, why);
		if (err)
			NL_SET_ERR_MSG_FMT(extack, "%s", why);
		else
			err = compare(map, draft, use.policy->ops, node, extack);
		dstb_policy_unuse(&use);
	} else {
		NL_SET_ERR_MSG_FMT(extack, "policy '%s' is detached", map->policy_name);
		err = -EAGAIN;
	}
	if (!err)
		return draft;
	dstb_mapping_scratch_free(draft);
	return ERR_PTR(err);
}

/**
 * dstb_mapping_switch_begin() - the mapping keeps its policy until dstb_mapping_switch_end()
 * @map:	the mapping; nobody asks it now
 * @draft:	from dstb_mapping_draft()
 *
 * Process context; takes dstb_policy_lock. Return: 0, and it is held; or -EAGAIN when the policy
 * that drew it has been detached since.
 */
int dstb_mapping_switch_begin(const struct dstb_mapping *map, const struct dstb_mapping *draft)
{
	mutex_lock(&dstb_policy_lock);
	/* One that was lost may be tried with another policy just now. */
	if (!dstb_mapping_lost(map) && map->generation == draft->generation)
		return 0;
	mutex_unlock(&dstb_policy_lock);
	return -EAGAIN;
}

/**
 * dstb_mapping_switch() - place sectors by a draft from now on
 * @map:	the mapping, after dstb_mapping_switch_begin()
 * @draft:	as there
 *
 * Does not sleep.
 */
void dstb_mapping_switch(struct dstb_mapping *map, const struct dstb_mapping *draft)
{
	map->layout = draft->layout;
	memcpy(map->nodes, draft->nodes, DSTB_MAX_NODES * sizeof(*map->nodes));
	memcpy(map->fingerprint, draft->fingerprint, sizeof(map->fingerprint));
}

/**
 * dstb_mapping_switch_end() - the reverse of dstb_mapping_switch_begin()
 *
 * Process context.
 */
void dstb_mapping_switch_end(void)
{
	mutex_unlock(&dstb_policy_lock);
}
