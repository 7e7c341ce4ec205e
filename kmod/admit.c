// SPDX-License-Identifier: GPL-2.0
/*
 * Admission: a node that is connected again is looked at, brought up to date, and let in; or
 * refused.
 *
 * On the volume's meta_wq, so that the bitmap and the superblocks do not change meanwhile.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "bitmap.h"
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

#define RETRY_MS	10000	/* when the last copy can't be read */
#define BUSY_MS		500	/* while it is to wait: early writes are under way, say */
#define MEMORY_MS	1000	/* when there was no memory to look at it */

static void refuse(struct dstb_node *node, const char *reason)
{
	/* The operator's word was about the medium that was there, not a later one. */
	WRITE_ONCE(node->discard, false);
	/* Nor is it to be taken, again and again, from whoever has it. */
	WRITE_ONCE(node->taken, true);
	dstb_member_refuse(node, reason);
	node->ops->close(node);
}

/* Makes room for what a node lacks. Nobody looks at it while the node is not syncing. */
static int make_lacks(struct dstb_node *node)
{
	u32 nr = node->vol->dirty.nr_regions;

	if (!node->lacks)
		node->lacks = kvzalloc(BITS_TO_LONGS(nr) * sizeof(long), GFP_NOIO);
	if (!node->lacks)
		return -ENOMEM;
	if (node->part != DSTB_PART_SYNCING)
		bitmap_fill(node->lacks, nr);
	return 0;
}

static u64 instance_of(const struct dstb_node *node)
{
	return node->ops->instance ? node->ops->instance(node) : 0;
}

/*
 * Another life of its target, and nobody else has what may have been in its cache, which it need
 * not have any more. Without other copies it is the same when the node was out. May sleep.
 */
static bool lost_its_cache(struct dstb_node *node)
{
	return !node->config.witness && node->had_cache && node->instance &&
	       node->instance != instance_of(node) &&
	       (node->part == DSTB_PART_IN || !node->vol->dirty.bits);
}

/*
 * The node has lost its cache. Is there another one that has not, and may be back in time? If this
 * one were believed meanwhile, what the other has would be overwritten (R1). With the member_lock.
 */
static const struct dstb_node *has_what_it_lost(const struct dstb_node *node)
{
	const struct dstb_volume *vol = node->vol;
	u32 i;

	if (!dstb_member_may_lose(node, false))
		return NULL;
	for (i = 0; i < vol->nr_data; i++) {
		const struct dstb_node *other = vol->nodes[i];
		u32 state = READ_ONCE(other->state);

		if (other == node || other->cache_lost || !dstb_node_in_sync(other) ||
		    READ_ONCE(other->ready))
			continue;
		/* One that is up is not ready any more, and about to be lost. */
		if (state == DST_NODE_STATE_UP ||
		    (state == DST_NODE_STATE_LOST &&
		     time_before(jiffies, READ_ONCE(other->grace_end))))
			return other;
	}
	return NULL;
}

/*
 * The node is to be written, but not to be believed: @sync. Not when nobody else could be: then it
 * is believed. Or when the volume is dead: whoever puts its nodes out, and ends what waits for
 * them, has the last word. @was_out: nobody waited for it until now.
 *
 * Return: 0, or -EAGAIN: it has @lost its cache, and another one is to be waited for first.
 */
static int enter_sync(struct dstb_node *node, bool lost, bool *sync, bool *was_out)
{
	struct dstb_volume *vol = node->vol;
	const struct dstb_node *other = NULL;
	char reason[80];

	spin_lock_irq(&vol->member_lock);
	*sync = !READ_ONCE(vol->gate_dead) &&
		(node->part != DSTB_PART_IN || dstb_member_may_lose(node, true));
	*was_out = node->part == DSTB_PART_OUT;
	if (*sync)
		dstb_node_set_part(node, DSTB_PART_SYNCING, false);
	else if (lost)
		other = has_what_it_lost(node);
	node->cache_lost = other;
	if (other)
		scnprintf(reason, sizeof(reason),
			  "its cache is lost: waits for node %u, which has what was in it",
			  other->index);
	else
		dstb_node_doubt(node);
	spin_unlock_irq(&vol->member_lock);
	if (!other)
		return 0;
	if (READ_ONCE(node->state) == DST_NODE_STATE_LOST)
		dstb_node_set_state(node, DST_NODE_STATE_LOST, reason);
	return -EAGAIN;
}

/*
 * The node lacks what the bitmap says, and what its own says: what it had under way when it was
 * lost. It gets writes already; then the bits are looked at. A write that passed it by has set its
 * bit before it looked (write_legs()).
 */
static int begin_sync(struct dstb_node *node, bool full)
{
	struct dstb_dirty *dirty = &node->vol->dirty;
	int err;

	smp_mb(); /* it gets writes, then the look at the bits: pairs with write_legs() */
	bitmap_fill(node->lacks, dirty->nr_regions);
	/* Who has nothing has no bitmap either. */
	err = full ? 0 : dstb_bitmap_merge(node);
	bitmap_copy(node->lacks, dirty->bits, dirty->nr_regions);
	node->sync_total = bitmap_weight(node->lacks, dirty->nr_regions);
	node->sync_done = 0;
	WRITE_ONCE(node->sync_same, 0);
	node->sync_stamp = jiffies;
	/* A region that was being copied by what it lacked before is not taken off this list. */
	spin_lock_irq(&node->vol->member_lock);
	dstb_node_doubt(node);
	spin_unlock_irq(&node->vol->member_lock);
	return err;
}

/* What it has is what it had: nobody wrote to it, and its target is the one that it was. */
static bool nothing_missed(struct dstb_node *node, const struct dstb_super *theirs)
{
	return node->part == DSTB_PART_IN && theirs && dstb_age_equal(&theirs->age, &node->age) &&
	       node->instance == instance_of(node);
}

/**
 * dstb_admit_failed() - a node could not be looked at, or brought up to date
 * @node:	the node
 * @err:	why
 *
 * Context: as dstb_admit().
 */
void dstb_admit_failed(struct dstb_node *node, int err)
{
	/* A device of this kernel has no connections: its errors are its own. */
	bool gone = node->ops->connections ? !dstb_node_connections(node) : err == -ENOLINK;

	if (gone) {
		dstb_member_reconnect(node);
		return;
	}
	if (err == -ENOMEM) {
		dstb_member_retry(node, MEMORY_MS);
		return;
	}
	dstb_member_error(node, errno_to_blk_status(err), "looking at its medium");
	/* Nobody else has its data, requests wait for it: it may be better later. */
	if (READ_ONCE(node->part) != DSTB_PART_OUT)
		dstb_member_retry(node, RETRY_MS);
}

/* The next flush says so. Who is syncing may have got what is lost now. */
static void cache_lost(struct dstb_node *node)
{
	atomic_inc(&node->vol->losses);
	dstb_dirty_doubt(node->vol);
}

/*
 * Brings the node's medium up to date. @full: it has nothing. @sync, @was_out: say what it did, as
 * enter_sync().
 */
static int bring_up(struct dstb_node *node, const struct dstb_super *theirs, bool full, bool *sync,
		    bool *was_out)
{
	struct dstb_volume *vol = node->vol;
	bool tracked = vol->dirty.bits && !node->config.witness;
	bool keep = nothing_missed(node, theirs);
	bool lost = !keep && lost_its_cache(node);
	int err = 0;

	*sync = false;
	*was_out = false;
	if (node->part != DSTB_PART_IN && dstb_record_waits(vol, node))
		return -EAGAIN;
	if (tracked && !keep)
		err = make_lacks(node);
	if (!err && tracked && !keep)
		err = enter_sync(node, lost, sync, was_out);
	if (!err && !*sync && lost)
		cache_lost(node);
	if (!err && full && *sync)
		dstb_bitmap_fill(vol);
	if (!err && *sync)
		err = begin_sync(node, full);
	if (!err && tracked)
		err = dstb_bitmap_write_all(node);
	if (err)
		return err;
	/* Nobody may have the same age with another table. */
	if (dstb_record_age(vol, node))
		return dstb_super_write_one(node, true);
	/* Who keeps its part has an age that all know: it gets the new one later. */
	return !*sync && READ_ONCE(node->part) == DSTB_PART_IN ? 0 : -EAGAIN;
}

/**
 * dstb_member_admitted() - a node is let in: remember whose life it is
 * @node:	the node
 */
void dstb_member_admitted(struct dstb_node *node)
{
	u64 instance = instance_of(node);
	bool cached = node->volatile_cache;

	/* What it acknowledged it may have kept, or is believed to have until that is recorded. */
	if (node->instance == instance || READ_ONCE(node->part) == DSTB_PART_SYNCING)
		cached = cached || node->had_cache;
	WRITE_ONCE(node->had_cache, cached);
	node->instance = instance;
	WRITE_ONCE(node->taken, true);
	/* Whatever it was said of, that is over. */
	WRITE_ONCE(node->discard, false);
}

/**
 * dstb_member_enter() - a node of a volume that is being made is in service
 * @node:	the node, open, in sync
 * @extack:	gets the sentence
 *
 * Context: process, may sleep.
 * Return: 0, or -EIO: it was lost while the others were opened.
 */
int dstb_member_enter(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	dstb_node_set_part(node, DSTB_PART_IN, true);
	/* Then the look: dstb_member_lost() does both the other way round. */
	if (READ_ONCE(node->state) != DST_NODE_STATE_CONNECTING ||
	    !dstb_node_set_state(node, DST_NODE_STATE_UP, "")) {
		NL_SET_ERR_MSG_FMT(extack, "node %u failed: %s", node->index, node->reason);
		return -EIO;
	}
	dstb_member_admitted(node);
	return 0;
}

/* Its session is about to be ended by who has told that the node is lost, or will: fail_work. */
static bool is_breaking(const struct dstb_node *node)
{
	return node->ops->connections && !dstb_node_connections(node);
}

/*
 * Unless it was lost again, given up or suspended while its medium was looked at, or its session is
 * breaking: that is marked before it is told. Its state changes with its part: whoever puts it out,
 * or has it synced, finds both, and has the last word.
 */
static bool let_in(struct dstb_node *node, bool sync)
{
	struct dstb_volume *vol = node->vol;
	bool ok;

	spin_lock_irq(&vol->member_lock);
	ok = node->gen == node->admit_gen && !READ_ONCE(node->suspended) &&
	     !READ_ONCE(vol->gate_dead) && !is_breaking(node);
	if (ok) {
		dstb_node_set_part(node, sync ? DSTB_PART_SYNCING : DSTB_PART_IN, true);
		dstb_node_set_state(node, sync ? DST_NODE_STATE_SYNCING : DST_NODE_STATE_UP, "");
	}
	spin_unlock_irq(&vol->member_lock);
	return ok;
}

/**
 * dstb_admit_begin() - what happens to a node from now on counts for its admission
 * @node:	the node
 *
 * Context: as dstb_admit(), before its medium is looked at.
 */
void dstb_admit_begin(struct dstb_node *node)
{
	spin_lock_irq(&node->vol->member_lock);
	node->admit_gen = node->gen;
	spin_unlock_irq(&node->vol->member_lock);
}

/* It is to be let in: it is connected again, as what is written, and looked at once more. */
static void own(struct dstb_node *node)
{
	node->look = false;
	node->ops->close(node);
	dstb_member_reconnect(node);
}

/*
 * The node was out, and could not be let in after all. Requests must not wait for it meanwhile: it
 * is out again. Only here are nodes made ready: it is not.
 */
static void undo_sync(struct dstb_node *node)
{
	if (READ_ONCE(node->part) == DSTB_PART_SYNCING)
		dstb_member_do_without(node, DSTB_PUT_OUT_ALWAYS);
}

/**
 * dstb_admit() - let a node in
 * @node:	the node, open
 * @theirs:	its superblock; NULL: it has none that counts
 * @full:	it has nothing
 *
 * Context: the volume's meta_wq, or while the volume is made.
 */
void dstb_admit(struct dstb_node *node, const struct dstb_super *theirs, bool full)
{
	struct dstb_volume *vol = node->vol;
	bool sync, was_out;
	int err;

	if (node->look) {
		own(node);
		return;
	}
	err = bring_up(node, theirs, full, &sync, &was_out);
	if (err && was_out)
		undo_sync(node);
	if (err == -EUCLEAN) {
		refuse(node, "its bitmap is damaged: dstctl node replace --adopt");
		return;
	}
	if (err == -EAGAIN) {
		dstb_member_retry(node, BUSY_MS);
		return;
	}
	if (err) {
		dstb_admit_failed(node, err);
		return;
	}
	dstb_member_admitted(node);
	node->back = jiffies;
	if (!let_in(node, sync)) {
		if (was_out)
			undo_sync(node);
		dstb_member_reconnect(node);
		return;
	}
	dstb_member_kick(vol);
	dstb_dirty_kick(vol);
	dstb_resync_kick(vol);
	dstb_member_overdue(vol);
}

/**
 * dstb_admit_record_out() - have it recorded that a node is out
 * @node:	the node, put out
 *
 * The superblock calls it in sync, and it is about to get that superblock: that must not say so any
 * more, or what the node has would be believed if it all ended just then. Whoever has all has the
 * same age with another table until the volume is made: what this one gets is younger.
 *
 * Context: the volume's meta_wq, or whoever makes the volume.
 * Return: whether that is so, and a new age could be given: not while writes that were acknowledged
 * early are under way, or who alone may have some is lost.
 */
bool dstb_admit_record_out(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	struct dstb_super_node *entry = &vol->super->nodes[node->index];

	if (!READ_ONCE(vol->started)) {
		entry->flags &= ~DST_DISK_NODE_IN_SYNC;
		vol->super->flags &= ~DST_DISK_CLEAN;
		vol->activating = true;
		return true;
	}
	/* Whether a quorum takes it or not. */
	dstb_record(vol);
	dstb_member_kick(vol); /* for what waited for that */
	return !(entry->flags & DST_DISK_NODE_IN_SYNC) && !dstb_record_stuck(vol);
}

/* Says whether the node may get a superblock; if not, it is looked at again soon. */
static bool is_recorded_out(struct dstb_node *node)
{
	if (dstb_admit_record_out(node))
		return true;
	dstb_member_retry(node, BUSY_MS);
	return false;
}

/*
 * The node has had a younger age than this: somebody put an old copy of its medium in its place.
 * What it lacks is in no bitmap any more (R4).
 */
static void admit_old_copy(struct dstb_node *node, const struct dstb_super *theirs)
{
	char reason[DSTB_REASON_LEN];

	/* Who is to be refused is so without being opened for writing. */
	if (node->look && node->vol->dirty.bits && dstb_member_is_spared(node)) {
		own(node);
		return;
	}
	if (!node->vol->dirty.bits || !dstb_member_put_out(node, DSTB_PUT_OUT_SPARED)) {
		scnprintf(reason, sizeof(reason),
			  "an old copy of what it was (age %llu, it had %llu), and nobody else has its data",
			  theirs->age.seq, node->age.seq);
		refuse(node, reason);
		return;
	}
	dstb_admit_begin(node);
	dstb_node_end_pending(node);
	if (is_recorded_out(node))
		dstb_admit(node, NULL, true);
}

/* Has the volume a quorum by the count, not by somebody's word? */
static bool has_majority(const struct dstb_volume *vol)
{
	return vol->quorum && !vol->weak && !vol->degraded_ok;
}

/*
 * The policy's word about a node that was written apart. It is asked about one that nobody counts
 * on any more, which is then what the operator would find: refused; and only when a quorum has
 * recorded that.
 */
static bool policy_discards(struct dstb_node *node, const struct dstb_super *theirs)
{
	struct dstb_volume *vol = node->vol;

	if (!READ_ONCE(vol->started) || !vol->dirty.bits ||
	    !dstb_has(&vol->map, arbitrate) || !dstb_member_put_out(node, DSTB_PUT_OUT_SPARED))
		return false;
	dstb_admit_begin(node);
	dstb_node_end_pending(node);
	return dstb_admit_record_out(node) && has_majority(vol) &&
	       dstb_recovery_arbitrate(node, theirs->age.seq);
}

/* Is what a node has that was written apart of no use? */
static bool is_thrown_away(struct dstb_node *node, const struct dstb_super *theirs)
{
	if (READ_ONCE(node->discard))
		return true;
	/* Whoever has a quorum needs no other's word; a witness holds no data to be lost. */
	if (!has_majority(node->vol))
		return false;
	return node->config.witness || policy_discards(node, theirs);
}

/* It gets everything. */
static void throw_away(struct dstb_node *node)
{
	if (!is_recorded_out(node))
		return;
	/*
	 * A policy's word is about what is there now. It is asked again when nobody else can write
	 * there any more.
	 */
	if (!node->look)
		WRITE_ONCE(node->discard, false);
	dstb_admit(node, NULL, true);
}

/* The medium has a superblock of this volume's, and of this node. */
static void admit_known(struct dstb_node *node, const struct dstb_super *theirs)
{
	struct dstb_volume *vol = node->vol;
	const struct dstb_super_node *mine = &vol->super->nodes[node->index];
	char reason[DSTB_REASON_LEN];

	/*
	 * Not what we meant to write last: the copy that is valid must not be the next one's place.
	 */
	node->super_seq = theirs->sequence;
	switch (dstb_age_relate(theirs, vol->super)) {
	case DSTB_AGE_EQUAL:
	case DSTB_AGE_OLDER:
		if (theirs->age.seq < node->age.seq && !node->config.witness)
			admit_old_copy(node, theirs);
		else
			dstb_admit(node, theirs, false);
		return;
	case DSTB_AGE_YOUNGER:
		scnprintf(reason, sizeof(reason),
			  "node %u was written by another one since (age %llu, ours is %llu)",
			  node->index, theirs->age.seq, vol->super->age.seq);
		dstb_member_fence(vol, reason);
		return;
	case DSTB_AGE_DIVERGED:
		/* Its age may be so old that the history has forgotten it; its record has not. */
		if (dstb_age_equal(&theirs->age, &mine->age)) {
			dstb_admit(node, theirs, false);
			return;
		}
		if (is_thrown_away(node, theirs)) {
			throw_away(node);
			return;
		}
		refuse(node,
		       "was written apart from this volume (split brain): dstctl node resolve");
	}
}

static void admit_valid(struct dstb_node *node, const struct dstb_super *theirs)
{
	struct dstb_volume *vol = node->vol;
	const struct dstb_super *ours = vol->super;
	char reason[DSTB_REASON_LEN];
	u32 i;

	if (memcmp(theirs->volume, ours->volume, sizeof(ours->volume))) {
		scnprintf(reason, sizeof(reason), "belongs to volume %s, not to this one",
			  theirs->name);
		refuse(node, reason);
		return;
	}
	if (!memcmp(theirs->node, ours->nodes[node->index].uuid, sizeof(theirs->node))) {
		admit_known(node, theirs);
		return;
	}
	for (i = 0; i < ours->nr_nodes; i++)
		if (!memcmp(theirs->node, ours->nodes[i].uuid, sizeof(theirs->node)))
			break;
	if (i < ours->nr_nodes)
		scnprintf(reason, sizeof(reason), "is node %u of this volume", i);
	else
		scnprintf(reason, sizeof(reason),
			  "is no part of this volume any more: dstctl node replace --adopt");
	refuse(node, reason);
}

/**
 * dstb_admit_new_medium() - a node has got another medium: it is another one from now on
 * @node:	the node, recorded out; dstb_admit_begin() was called
 *
 * Context: the volume's meta_wq, or whoever makes the volume.
 */
void dstb_admit_new_medium(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;

	uuid_gen(&node->uuid);
	export_uuid(vol->super->nodes[node->index].uuid, &node->uuid);
	/* The others know the new one first. The table of nodes is another one: so is the age. */
	vol->unrecorded = true;
	vol->activating = true;
	dstb_record(vol);
	dstb_admit(node, NULL, true);
}

/* A blank medium in the place of one that we had: it is taken, and gets everything (R4, R9). */
static void admit_blank(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	bool redundant = node->config.witness || vol->dirty.bits;
	char reason[DSTB_REASON_LEN];
	u64 sector;
	int err;

	err = dstb_super_blank(node, &sector);
	if (err == -EEXIST) {
		scnprintf(reason, sizeof(reason),
			  "no superblock, and not blank (sector %llu): dstctl node replace --adopt",
			  sector);
		refuse(node, reason);
	} else if (err) {
		dstb_admit_failed(node, err);
	} else if (!redundant) {
		refuse(node, "blank, and nobody else has its data");
	} else if (node->look && dstb_member_is_spared(node)) {
		own(node);
	} else if (!dstb_member_put_out(node, DSTB_PUT_OUT_SPARED)) {
		refuse(node, "blank, and the last one that had the data");
	} else {
		dstb_admit_begin(node);
		dstb_node_end_pending(node);
		if (is_recorded_out(node))
			dstb_admit_new_medium(node);
	}
}

/**
 * dstb_member_admit_now() - look at a node's medium and let it in, or not
 * @node:	the node, open
 *
 * Context: process, may sleep; the volume's meta_wq, or while the volume is made.
 */
void dstb_member_admit_now(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	enum dstb_disk_state state;
	struct dstb_super *theirs;
	char reason[DSTB_REASON_LEN];
	const char *why = NULL;
	int err;

	if (READ_ONCE(node->closing) || READ_ONCE(node->ready) || READ_ONCE(vol->gate_dead) ||
	    node->suspended)
		return;
	dstb_admit_begin(node);
	theirs = kvzalloc(sizeof(*theirs), GFP_NOIO);
	err = theirs ? dstb_super_read(node, theirs, &state, &why) : -ENOMEM;
	if (err) {
		dstb_admit_failed(node, err);
	} else if (state == DSTB_DISK_VALID) {
		admit_valid(node, theirs);
	} else if (state == DSTB_DISK_CORRUPT) {
		scnprintf(reason, sizeof(reason),
			  "its superblock is damaged (%s): dstctl node replace --adopt", why);
		refuse(node, reason);
	} else {
		admit_blank(node);
	}
	kvfree(theirs);
}

/**
 * dstb_admit_work_fn() - a node's admit_work
 * @work:	the work
 */
void dstb_admit_work_fn(struct work_struct *work)
{
	struct dstb_node *node = container_of(work, struct dstb_node, admit_work);
	unsigned int noio = memalloc_noio_save();

	/* Who connects it queues this again; the meta_wq does not wait for that. */
	if (mutex_trylock(&node->link)) {
		dstb_member_admit_now(node);
		mutex_unlock(&node->link);
	}
	memalloc_noio_restore(noio);
}

/**
 * dstb_member_synced() - a node lacks nothing any more
 * @node:	the node, syncing
 *
 * Context: process; resync.c.
 */
void dstb_member_synced(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	bool ok;

	spin_lock_irq(&vol->member_lock);
	/* It may have been lost meanwhile, and begun anew. */
	ok = node->part == DSTB_PART_SYNCING && node->ready &&
	     bitmap_empty(node->lacks, vol->dirty.nr_regions);
	if (ok) {
		/* What it had before it has got anew, and flushed. */
		WRITE_ONCE(node->had_cache, node->volatile_cache);
		dstb_node_set_part(node, DSTB_PART_IN, node->ready);
		dstb_node_set_state(node, DST_NODE_STATE_UP, "");
	}
	spin_unlock_irq(&vol->member_lock);
	if (!ok)
		return;
	dstb_member_kick(vol);
	dstb_dirty_sweep(vol);
	dstb_member_overdue(vol);
}

