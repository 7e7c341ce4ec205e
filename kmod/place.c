// SPDX-License-Identifier: GPL-2.0
/*
 * Asking a mapping, checking what it answers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/blkdev.h>
#include <linux/bpf.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>

#include "mapping.h"
#include "place.h"
#include "policy.h"

static const char *check_legs(const struct dstb_mapping *map, u64 mask,
			      const struct dstb_placement *out)
{
	u32 i, j;

	for (i = 0; i < out->nr_legs; i++) {
		const struct dstb_leg_addr *leg = &out->legs[i];
		u64 size;

		if (unlikely(leg->node >= map->layout.nr_nodes))
			return "a leg on a node that does not exist";
		if (unlikely(leg->sector & mask))
			return "a leg is not aligned to blocks";
		size = map->nodes[leg->node].size;
		if (unlikely(leg->sector > size || out->nr_sectors > size - leg->sector))
			return "a leg ends outside its node";
		for (j = 0; j < i; j++)
			if (unlikely(out->legs[j].node == leg->node))
				return "two copies on one node";
	}
	/* Who may be lost is counted by the layout: a sector must not have fewer copies. */
	if (unlikely(out->nr_legs < map->layout.copies))
		return "fewer legs than the layout's copies";
	return NULL;
}

/* Returns NULL when the answer is right, or what is wrong. */
static const char *check(const struct dstb_mapping *map, const struct dstb_place *where, u64 sector,
			 u32 asked, const struct dstb_placement *out)
{
	const struct dstb_layout *layout = &map->layout;
	u64 mask = (layout->block_size >> SECTOR_SHIFT) - 1;

	if (unlikely(!out->nr_legs))
		return "no legs";
	if (unlikely(out->nr_legs > DSTB_MAX_LEGS))
		return "more than 16 legs";
	if (unlikely(out->nr_legs > layout->copies))
		return "more legs than the layout's copies";
	if (unlikely(!where->run))
		return "an empty run";
	if (unlikely(where->run > asked))
		return "a run longer than asked for";
	if (unlikely(where->run & mask))
		return "the run is not a multiple of the block size";
	if (layout->run) {
		u64 offset = sector & (layout->run - 1);

		if (!is_power_of_2(layout->run))
			div64_u64_rem(sector, layout->run, &offset);
		if (unlikely(where->run > layout->run - offset))
			return "the run crosses a multiple of the layout's run";
	}
	return check_legs(map, mask, out);
}

/**
 * dstb_place_ask() - asks where sectors live, and checks the answer
 * @map:	the mapping
 * @ops:	whom to ask: the mapping's policy, or one that wants to be
 * @sector:	first sector, in the volume; a multiple of the block size
 * @nr_sectors:	how many, 1 or more, inside the volume; a multiple of the block size
 * @out:	the answer; undefined when it is wrong
 *
 * Any context but hard interrupts. The caller keeps @ops alive (rcu_read_lock(), SRCU), and the
 * layout from changing.
 *
 * Return: NULL, or what is wrong with the answer, in a few words.
 */
const char *dstb_place_ask(struct dstb_mapping *map, const struct dstb_policy_ops *ops, u64 sector,
			   u32 nr_sectors, struct dstb_placement *out)
{
	struct dstb_place_ctx ctx;

	ctx.where.sector = sector;
	ctx.where.asked = nr_sectors;
	ctx.where.run = nr_sectors;
	ctx.out = out;
	out->nr_legs = 0;
	if (!ops->place)
		dstb_default_place(&map->layout, map->nodes, &ctx.where, out);
	else if (unlikely(ops->place(&map->layout, &ctx.where)))
		return "it returned an error";
	out->nr_sectors = ctx.where.run;
	return check(map, &ctx.where, sector, nr_sectors, out);
}

static noinline void fault(struct dstb_mapping *map, u64 sector, const char *wrong)
{
	char why[DSTB_REASON_LEN];

	atomic64_inc(&map->place_faults);
	if (test_and_set_bit(0, &map->faulted))
		return;
	snprintf(why, sizeof(why), "place() of policy '%s' is wrong at sector %llu: %s",
		 map->policy_name, sector, wrong);
	map->owner_ops->fault(map, why);
}

/**
 * dstb_place() - says where sectors of a volume live
 * @map:	the mapping
 * @sector:	first sector, in the volume; a multiple of the block size
 * @nr_sectors:	how many, 1 or more, inside the volume; a multiple of the block size
 * @out:	a checked answer, for the front of the sectors at least; undefined on errors
 *
 * Hot. Does not sleep; any context but hard interrupts. The caller keeps the mapping alive.
 *
 * Return: 0; -EAGAIN while the policy is lost; -EBADE when the policy's answer was wrong: the
 * request must fail.
 */
int dstb_place(struct dstb_mapping *map, u64 sector, u32 nr_sectors, struct dstb_placement *out)
{
	const struct dstb_policy_ops *ops;
	const char *wrong;

	rcu_read_lock();
	ops = rcu_dereference(map->ops);
	if (unlikely(!ops)) {
		rcu_read_unlock();
		return -EAGAIN;
	}
	wrong = dstb_place_ask(map, ops, sector, nr_sectors, out);
	rcu_read_unlock();
	if (likely(!wrong))
		return 0;
	fault(map, sector, wrong);
	return -EBADE;
}

static noinline void choice_fault(struct dstb_mapping *map, const char *callback, int answer,
				  u32 nr_legs)
{
	atomic64_inc(&map->choice_faults);
	pr_warn_ratelimited("volume %s: %s() of '%s' answered %d of %u legs; using the default\n",
			    map->volume, callback, map->policy_name, answer, nr_legs);
}

/**
 * dstb_pick_read() - chooses the leg that serves a read
 * @map:	the mapping
 * @sector:	first sector, in the volume
 * @nr_sectors:	length
 * @legs:	the legs to choose from, all in sync
 * @nr_legs:	how many, not 0
 *
 * Hot. Does not sleep; any context but hard interrupts. The caller keeps the mapping and the nodes
 * alive. A wrong answer is counted, and the default used.
 *
 * Return: the leg, less than @nr_legs.
 */
u32 dstb_pick_read(struct dstb_mapping *map, u64 sector, u32 nr_sectors,
		   const struct dstb_pick_leg *legs, u32 nr_legs)
{
	const struct dstb_policy_ops *ops;
	struct dstb_pick_ctx ctx;
	int leg = -1;

	if (nr_legs == 1)
		return 0;
	rcu_read_lock();
	ops = rcu_dereference(map->ops);
	if (ops && ops->pick_read) {
		ctx.pick.sector = sector;
		ctx.pick.nr_sectors = nr_sectors;
		ctx.pick.nr_legs = nr_legs;
		ctx.legs = legs;
		leg = ops->pick_read(&map->layout, &ctx.pick);
	}
	rcu_read_unlock();
	if (likely(leg >= 0 && leg < nr_legs))
		return leg;
	if (unlikely(leg >= 0))
		choice_fault(map, "pick_read", leg, nr_legs);
	return dstb_default_pick_read(legs, nr_legs);
}

/**
 * dstb_acks() - says on how many legs a write must be before it is acknowledged
 * @map:	the mapping
 * @question:	the write
 *
 * Hot. Does not sleep; any context but hard interrupts. The caller keeps the mapping alive. A wrong
 * answer is counted, and the default used.
 *
 * Return: 1..nr_legs of the question, or 0 for the default: every leg in sync.
 */
u32 dstb_acks(struct dstb_mapping *map, const struct dstb_acks *question)
{
	const struct dstb_policy_ops *ops;
	int acks = 0;

	rcu_read_lock();
	ops = rcu_dereference(map->ops);
	/* The program can't write to it: not one member of a struct dstb_acks is writable. */
	if (ops && ops->acks)
		acks = ops->acks(&map->layout, (struct dstb_acks *)question);
	rcu_read_unlock();
	if (likely(acks >= 0 && acks <= question->nr_legs))
		return acks;
	choice_fault(map, "acks", acks, question->nr_legs);
	return 0;
}
