// SPDX-License-Identifier: GPL-2.0
/*
 * The record: makes the superblocks say who is in sync, with a new age whenever that changes, on a
 * quorum of the nodes. What waits for that (dstb_io_park()) goes on then.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "dirty.h"
#include "io.h"
#include "main.h"
#include "member.h"
#include "member_int.h"
#include "node.h"
#include "recovery.h"
#include "resync.h"
#include "super.h"
#include "volume.h"

#define RETRY	HZ	/* after a record that no quorum took */

/* Is somebody else in sync than the superblock says? */
static bool sync_changes(const struct dstb_volume *vol)
{
	u32 i;

	for (i = 0; i < vol->nr_data; i++)
		if ((READ_ONCE(vol->nodes[i]->part) == DSTB_PART_IN) !=
		    !!(vol->super->nodes[i].flags & DST_DISK_NODE_IN_SYNC))
			return true;
	return false;
}

/*
 * A write that was acknowledged before all its legs were done counts on the first copy: after a
 * crash that is believed. Which one it is changes when no such write has legs under way. Says
 * whether one has; there are no more from here on until early_go_on().
 */
static bool early_hold(struct dstb_volume *vol)
{
	bool busy;

	spin_lock_irq(&vol->lock);
	vol->early_hold = true;
	busy = vol->nr_early_legs;
	spin_unlock_irq(&vol->lock);
	return busy;
}

static void early_go_on(struct dstb_volume *vol)
{
	spin_lock_irq(&vol->lock);
	vol->early_hold = false;
	spin_unlock_irq(&vol->lock);
}

/*
 * Puts into the superblock who is in sync now, unless @as_it_is. What is news wants a new age.
 */
static void update_super(struct dstb_volume *vol, bool as_it_is)
{
	struct dstb_super *super = vol->super;
	bool news = false, early = READ_ONCE(vol->early_wanted);
	u32 i;

	for (i = 0; !as_it_is && i < vol->nr_data; i++) {
		struct dstb_super_node *entry = &super->nodes[i];
		struct dstb_node *node = vol->nodes[i];
		bool in = READ_ONCE(node->part) == DSTB_PART_IN;

		/* Nobody else has its data: out or not, it is needed to assemble the volume. */
		if (vol->map.layout.copies == 1) {
			WRITE_ONCE(node->recorded, in);
			WRITE_ONCE(node->sure, in);
			continue;
		}
		if (in && !node->recorded) {
			/* From now on, what misses it waits for the record that it did. */
			WRITE_ONCE(node->recorded, true);
			smp_mb(); /* recorded, then the look: pairs with dstb_io_missed() */
			in = READ_ONCE(node->part) == DSTB_PART_IN;
			/* What missed it just then waits for a record that would be no news. */
			news = news || !in;
		}
		if (!in)
			WRITE_ONCE(node->sure, false);
		if (in == !!(entry->flags & DST_DISK_NODE_IN_SYNC))
			continue;
		entry->flags ^= DST_DISK_NODE_IN_SYNC;
		news = true;
	}
	/* By that, one that has been away for long is known when it comes back. */
	for (i = 0; i < vol->nr_nodes; i++)
		super->nodes[i].age = vol->nodes[i]->age;
	if (early && !(super->flags & DST_DISK_EARLY)) {
		super->flags |= DST_DISK_EARLY;
		news = true;
	}
	if (news) {
		vol->activating = true;
		vol->unrecorded = true;
	}
}

/*
 * Where writes are acknowledged early the first copy in sync may alone have one, and is believed
 * after a crash. NULL: there is none, or they are not. One that was not there when the volume was
 * assembled, before the first record says so, has been done without by the operator's word.
 */
static struct dstb_node *believed(const struct dstb_volume *vol)
{
	u32 i;

	if (!(vol->super->flags & DST_DISK_EARLY))
		return NULL;
	for (i = 0; i < vol->nr_data; i++)
		if (vol->super->nodes[i].flags & DST_DISK_NODE_IN_SYNC &&
		    (READ_ONCE(vol->started) ||
		     READ_ONCE(vol->nodes[i]->part) != DSTB_PART_OUT))
			return vol->nodes[i];
	return NULL;
}

/**
 * dstb_record_stuck() - would a new age have to wait for the copy that is believed?
 * @vol:	the volume
 *
 * Context: as dstb_record().
 * Return: the node, or NULL.
 */
const struct dstb_node *dstb_record_stuck(const struct dstb_volume *vol)
{
	const struct dstb_node *first = believed(vol);

	return first && !READ_ONCE(first->ready) ? first : NULL;
}

static void new_age(struct dstb_volume *vol)
{
	u64 nonce;

	do {
		nonce = get_random_u64();
	} while (!nonce);
	dstb_age_bump(vol->super, nonce);
	vol->activating = false;
	vol->unrecorded = true;
}

/**
 * dstb_record_waits() - is there a new age, and the copy that is believed lost, which has it first?
 * @vol:	the volume
 * @node:	that is to be given it, maybe NULL
 *
 * Context: as dstb_record().
 */
bool dstb_record_waits(const struct dstb_volume *vol, const struct dstb_node *node)
{
	const struct dstb_node *first = dstb_record_stuck(vol);

	return first && first != node &&
	       (vol->activating || !dstb_age_equal(&first->age, &vol->super->age));
}

/**
 * dstb_record_age() - before a superblock is written: what is new in it has a new age
 * @vol:	the volume
 * @node:	that is to be given it; NULL: all that are in service
 *
 * Nobody gets one before the copy that is believed has it: else a crash would make an old copy of
 * that, and what it alone has would be overwritten.
 * Context: as dstb_record().
 * Return: whether it may be written; not while that copy is lost.
 */
bool dstb_record_age(struct dstb_volume *vol, const struct dstb_node *node)
{
	struct dstb_node *first = believed(vol);
	int err = 0;

	if (dstb_record_waits(vol, node))
		return false;
	if (vol->activating)
		new_age(vol);
	if (first && first != node && !dstb_age_equal(&first->age, &vol->super->age))
		err = dstb_super_write_one(first, false);
	if (!err || err == -ESHUTDOWN)
		return !err;
	dstb_member_error(first, errno_to_blk_status(err), "writing the superblock");
	/* The last copy goes on: there is no other that could be believed. */
	return err != -ENOLINK && READ_ONCE(first->ready);
}

/*
 * The table of nodes has changed. It counts when half of those that were in the old one have it,
 * too: then there is no majority for the old one any more. docs/recovery.md.
 */
static bool table_taken(const struct dstb_volume *vol)
{
	u32 nr = 0, i;

	for (i = 0; vol->nr_before && i < vol->nr_nodes; i++)
		nr += vol->nodes[i] != vol->newcomer &&
		      dstb_age_equal(&vol->nodes[i]->age, &vol->super->age);
	return nr * 2 >= vol->nr_before;
}

static u32 nr_ready(const struct dstb_volume *vol)
{
	u32 nr = 0, i;

	for (i = 0; i < vol->nr_nodes; i++)
		nr += READ_ONCE(vol->nodes[i]->ready);
	return nr;
}

/*
 * Fewer nodes are there than must be: that a witness has gone, or one that was syncing, is no news.
 * So are fewer than half, or more of them again, that do by the policy's word: whose word counts
 * depends on it, and status says so.
 */
static bool votes_changed(struct dstb_volume *vol)
{
	u32 nr = nr_ready(vol);
	bool weak;

	if (vol->degraded_ok && nr)
		return false;
	weak = nr * 2 < vol->nr_nodes;
	return !dstb_recovery_quorum(vol, nr) || weak != vol->weak || (weak && nr != vol->votes);
}

static void set_quorum(struct dstb_volume *vol, bool ok, u32 votes)
{
	spin_lock_irq(&vol->lock);
	vol->quorum = ok;
	vol->votes = votes;
	vol->weak = ok && !vol->degraded_ok && votes * 2 < vol->nr_nodes;
	vol->park_fails = !ok && vol->no_wait;
	WRITE_ONCE(vol->gate_hold, !ok || vol->suspended);
	spin_unlock_irq(&vol->lock);
	dstb_volume_node_changed(vol);
	if (ok || vol->no_wait)
		queue_work(vol->new_wq, &vol->held_work);
}

/*
 * Could a quorum have it at all? Else nothing is written: an age that only a minority has looks,
 * when another machine has taken the volume over, as if it had been written apart (R9).
 */
static bool may_record(struct dstb_volume *vol)
{
	u32 nr = nr_ready(vol);

	if ((vol->degraded_ok && nr) || dstb_recovery_quorum(vol, nr))
		return true;
	set_quorum(vol, false, nr);
	return false;
}

/* Writes the superblocks. Says whether a quorum has them. */
static bool write_record(struct dstb_volume *vol)
{
	bool enough, ok;
	u32 votes, i;

	dstb_fault_wait(&vol->faults, &vol->faults.age_before_ms);
	/* Once more what could not be recorded is no new age. */
	if (!dstb_record_age(vol, NULL)) {
		const struct dstb_node *first = dstb_record_stuck(vol);

		/* With a new table nothing may go on before that is recorded. */
		if (vol->nr_before || (first && READ_ONCE(first->impatient)))
			set_quorum(vol, false, vol->votes);
		return false;
	}
	votes = dstb_super_write(vol);
	dstb_fault_wait(&vol->faults, &vol->faults.age_after_ms);
	/* The operator's word counts until there is a quorum. */
	enough = dstb_recovery_quorum(vol, votes);
	ok = (enough || (vol->degraded_ok && votes)) && table_taken(vol);
	if (enough)
		vol->degraded_ok = false;
	if (ok) {
		vol->fresh = true;
		vol->unrecorded = false;
		vol->nr_before = 0;
		vol->newcomer = NULL;
		for (i = 0; vol->map.layout.copies > 1 && i < vol->nr_data; i++) {
			bool in = vol->super->nodes[i].flags & DST_DISK_NODE_IN_SYNC;

			WRITE_ONCE(vol->nodes[i]->recorded, in);
			WRITE_ONCE(vol->nodes[i]->sure, in);
		}
		WRITE_ONCE(vol->early_ok, vol->super->flags & DST_DISK_EARLY);
	}
	set_quorum(vol, ok, votes);
	return ok;
}

/* As dstb_record(), while there are no more writes that are acknowledged early. */
static bool record(struct dstb_volume *vol, bool *wait)
{
	bool busy;

	for (;;) {
		busy = early_hold(vol);
		*wait = busy && sync_changes(vol);
		if (*wait)
			return false;
		update_super(vol, busy);
		/* By force nodes go out one by one, and have missed nothing. */
		smp_rmb(); /* who is out, then whether that is why: dead before any is put out */
		if (!vol->unrecorded)
			return true;
		if (READ_ONCE(vol->gate_dead) || !may_record(vol) || !write_record(vol))
			return false;
	}
}

/**
 * dstb_record() - make the superblocks say what is
 * @vol:	the volume
 *
 * Context: the volume's meta_wq, or while the volume is made.
 * Return: whether a quorum of nodes has it.
 */
bool dstb_record(struct dstb_volume *vol)
{
	bool ok, wait;

	if (votes_changed(vol))
		vol->unrecorded = true;
	ok = record(vol, &wait);
	if (!wait)
		early_go_on(vol);
	/* Somebody who is there may take it next time: nobody else would ask. */
	if (!ok && vol->started && !READ_ONCE(vol->gate_dead))
		dstb_meta_later(vol, &vol->member_work, RETRY);
	return ok;
}

/**
 * dstb_record_work_fn() - a volume's member_work
 * @work:	the work
 */
void dstb_record_work_fn(struct work_struct *work)
{
	struct dstb_volume *vol =
		container_of(to_delayed_work(work), struct dstb_volume, member_work);
	unsigned int noio = memalloc_noio_save();
	bool recorded = false;
	u32 i;

	dstb_dirty_doubt_later(vol);
	if (!READ_ONCE(vol->gate_dead))
		recorded = dstb_record(vol);
	else
		queue_work(vol->new_wq, &vol->held_work); /* what was held fails */
	for (i = 0; i < vol->nr_nodes; i++)
		if (READ_ONCE(vol->nodes[i]->part) == DSTB_PART_OUT)
			dstb_node_end_pending(vol->nodes[i]);
	/* Else they would only wait once more, and have this work run again for that. */
	if (recorded || vol->fresh || READ_ONCE(vol->gate_dead) || READ_ONCE(vol->park_fails)) {
		vol->fresh = false;
		dstb_io_release_parked(vol);
	}
	dstb_dirty_kick(vol);
	for (i = 0; i < vol->nr_nodes; i++)
		if (xchg(&vol->nodes[i]->dropped, false))
			dstb_recovery_dropped(vol->nodes[i]);
	memalloc_noio_restore(noio);
}

/**
 * dstb_member_first_commit() - record that the volume is in use
 * @vol:	the volume, its superblock is filled in
 * @extack:	gets the sentence
 *
 * Context: process, may sleep; while the volume is made.
 * Return: 0, or -EIO when there is no quorum.
 */
int dstb_member_first_commit(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	const struct dstb_node *first;
	int tries;

	vol->unrecorded = true;
	vol->activating = true;
	/* A place that fails twice is not the next one's: super.c. */
	for (tries = 0; tries < 3; tries++)
		if (dstb_record(vol))
			return 0;
	first = dstb_record_stuck(vol);
	if (first)
		NL_SET_ERR_MSG_FMT(extack,
				   "only node %u has all that was acknowledged, and it was lost",
				   first->index);
	else if (vol->votes * 2 < vol->nr_nodes)
		NL_SET_ERR_MSG_FMT(extack, "only %u of %u nodes took the superblock", vol->votes,
				   vol->nr_nodes);
	else
		dstb_recovery_no_quorum(vol, vol->votes, extack);
	return -EIO;
}

/**
 * dstb_record_clean() - the last word of the superblocks: nothing was under way
 * @vol:	the volume, stopped
 *
 * Context: process, may sleep.
 */
void dstb_record_clean(struct dstb_volume *vol)
{
	u32 i;

	for (i = 0; i < vol->nr_data; i++)
		if (READ_ONCE(vol->nodes[i]->part) == DSTB_PART_IN &&
		    !READ_ONCE(vol->nodes[i]->ready))
			return;
	if (vol->dirty.bits && (dstb_dirty_clean_now(vol) || !dstb_dirty_flush(vol)))
		return;
	/* Whoever assembles it next would take the copies for the same (R3). */
	if (vol->dirty.bits && !bitmap_empty(vol->dirty.unclean, vol->dirty.nr_regions))
		return;
	/* Who is in sync may have changed just before the end, with nobody left to record that. */
	if (vol->unrecorded || !vol->quorum || (vol->map.layout.copies > 1 && sync_changes(vol)))
		return;
	vol->super->flags |= DST_DISK_CLEAN;
	dstb_super_write(vol);
}
