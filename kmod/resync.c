// SPDX-License-Identifier: GPL-2.0
/*
 * Resync, scrub, repair. One worker a volume, one region at a time: writers of the region wait, its
 * runs are read from a copy that has them, and written to those that lack them.
 *
 * A region counts as copied only while no node is another one than when that began (sync_gen): one
 * that was lost and came back meanwhile may have lost what is in its cache.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "dirty.h"
#include "event.h"
#include "io.h"
#include "member.h"
#include "node.h"
#include "place.h"
#include "raw.h"
#include "recovery.h"
#include "resync_int.h"
#include "volume.h"

#define BUF_BYTES	(DSTB_RAW_SECTORS << SECTOR_SHIFT)
#define PAUSE_MAX_MS	200	/* a region at least so often, however busy the volume is */
#define REST_MS		50U	/* then whether to go on is looked at */
#define STOP_MS		20	/* until it is looked whether the worker has stopped */
#define RETRY		HZ	/* when nobody could serve a region */

/* ---- one run ---- */

/*
 * The copy that is believed: the first that has the region and is there. @first: where copies may
 * differ, only the first that has it; it may be back in a moment, and has been read from (R3).
 */
static int source_of(const struct dstb_volume *vol, const struct dstb_placement *place, u32 nr,
		     const struct dstb_node *but, bool first)
{
	u32 i;

	for (i = 0; i < place->nr_legs; i++) {
		struct dstb_node *node = vol->nodes[place->legs[i].node];

		if (node == but || !dstb_node_has(node, nr))
			continue;
		if (READ_ONCE(node->ready))
			return i;
		if (first)
			break;
	}
	return -1;
}

/**
 * dstb_sync_lacks() - is a node to get a region that it has not got yet?
 * @node:	the node
 * @nr:		the region
 *
 * Context: any.
 */
bool dstb_sync_lacks(const struct dstb_node *node, u32 nr)
{
	return READ_ONCE(node->part) == DSTB_PART_SYNCING && !dstb_node_has(node, nr);
}

/**
 * dstb_sync_read() - read from a copy that has it
 * @vol:	the volume
 * @leg:	where
 * @nr_sectors:	how many, at most DSTB_RAW_SECTORS
 * @buf:	where to, as for dstb_raw_one()
 *
 * A node that is there and can't read has failed, if another one has it.
 * Context: process, may sleep; the region is locked.
 * Return: 0 or a negative errno.
 */
int dstb_sync_read(struct dstb_volume *vol, const struct dstb_leg_addr *leg, u32 nr_sectors,
		   void *buf)
{
	struct dstb_node *node = vol->nodes[leg->node];
	int err = dstb_raw_one(node, REQ_OP_READ, false, leg->sector, nr_sectors, buf);

	/* While the others are only lost it stays: nobody else would be there. */
	if (err && READ_ONCE(node->ready) && dstb_member_is_spared(node))
		dstb_member_error(node, errno_to_blk_status(err), "reading for resync");
	return err;
}

/**
 * dstb_sync_write() - write to a copy that lacks it, or has something else
 * @vol:	the volume
 * @leg:	where
 * @nr_sectors:	how many, at most DSTB_RAW_SECTORS
 * @buf:	what, as for dstb_raw_one()
 * @fua:	durable: no bit says that it may be gone with a cache
 *
 * A node that can't write has failed, or was lost.
 * Context: process, may sleep; the region is locked.
 * Return: 0 or a negative errno.
 */
int dstb_sync_write(struct dstb_volume *vol, const struct dstb_leg_addr *leg, u32 nr_sectors,
		    void *buf, bool fua)
{
	struct dstb_node *node = vol->nodes[leg->node];
	struct dstb_raw raw = {
		.node = node, .op = REQ_OP_WRITE, .fua = fua, .sector = leg->sector,
		.nr_sectors = nr_sectors, .buf = buf,
	};

	dstb_raw_run(vol, &raw, 1);
	if (raw.status)
		dstb_member_error(node, raw.status, "writing for resync");
	return blk_status_to_errno(raw.status);
}

/*
 * Is every node the one that the region was copied from, or to? Else what was in its cache may be
 * gone, whether it is synced anew or believed all the same: cache_lost().
 */
static bool is_all_the_same(const struct dstb_sync *sync)
{
	const struct dstb_volume *vol = sync->vol;
	u32 i;

	for (i = 0; i < vol->nr_data; i++)
		if (READ_ONCE(vol->nodes[i]->sync_gen) != sync->gens[i])
			return false;
	return READ_ONCE(vol->dirty.doubts) == sync->doubts;
}

static void differs(struct dstb_sync *sync, const struct dstb_placement *place, u32 leg, u64 sector)
{
	struct dstb_volume *vol = sync->vol;
	const u8 *a = sync->from, *b = sync->to;
	u32 i, nr = 0, first = 0;

	for (i = 0; i < place->nr_sectors; i++) {
		if (!memcmp(a + (i << SECTOR_SHIFT), b + (i << SECTOR_SHIFT), SECTOR_SIZE))
			continue;
		if (!nr++)
			first = i;
	}
	spin_lock_irq(&sync->lock);
	sync->status.errors += nr;
	spin_unlock_irq(&sync->lock);
	pr_warn_ratelimited("volume %s: scrub: %u sectors from %llu differ on node %u\n", vol->name,
			    nr, sector + first, place->legs[leg].node);
}

/*
 * @all: every copy is compared, those that differ are written if @mend. Else those are written that
 * lack the region.
 */
static int sync_run(struct dstb_sync *sync, const struct dstb_placement *place, u64 sector, u32 nr,
		    bool all, bool mend, bool scrub)
{
	struct dstb_volume *vol = sync->vol;
	int from = source_of(vol, place, nr, NULL, all);
	u32 i;

	if (from < 0)
		return -EAGAIN;
	/* A scrub says which sectors differ: it looks at the data. */
	if (sync->sums && !scrub)
		return dstb_sums_run(sync, place, from, nr, all);
	if (dstb_sync_read(vol, &place->legs[from], place->nr_sectors, sync->from) ||
	    !is_all_the_same(sync))
		return -EAGAIN;
	for (i = 0; i < place->nr_legs; i++) {
		const struct dstb_leg_addr *leg = &place->legs[i];
		struct dstb_node *node = vol->nodes[leg->node];
		bool lacks = dstb_sync_lacks(node, nr);

		if (i == from || (!all && !lacks))
			continue;
		if (READ_ONCE(node->part) == DSTB_PART_OUT) {
			sync->scrub_missed = true;
			continue;
		}
		if (!lacks) {
			if (dstb_sync_read(vol, leg, place->nr_sectors, sync->to))
				return -EAGAIN;
			if (!memcmp(sync->from, sync->to, place->nr_sectors << SECTOR_SHIFT))
				continue;
			if (scrub)
				differs(sync, place, i, sector);
			if (!mend)
				continue;
		}
		if (dstb_sync_write(vol, leg, place->nr_sectors, sync->from, scrub)) {
			__set_bit(leg->node, sync->wrong);
			if (all)
				return -EAGAIN;
		}
	}
	return 0;
}

static int sync_runs(struct dstb_sync *sync, u32 nr, bool all, bool mend, bool scrub)
{
	struct dstb_volume *vol = sync->vol;
	u64 sector = (u64)nr << vol->dirty.shift;
	u64 end = min(sector + (1ULL << vol->dirty.shift), vol->map.layout.capacity);
	/* No longer than what every node takes: a target may have granted less than a MiB. */
	u32 longest = min_not_zero(vol->max_sectors, DSTB_RAW_SECTORS);
	struct dstb_placement place;
	int err;

	for (; sector < end; sector += place.nr_sectors) {
		if (READ_ONCE(sync->stop))
			return -ESHUTDOWN;
		err = dstb_place(&vol->map, sector, min_t(u64, end - sector, longest), &place);
		if (err)
			return -EAGAIN;
		err = sync_run(sync, &place, sector, nr, all, mend, scrub);
		if (err)
			return err;
	}
	return 0;
}

/* ---- one region ---- */

static void begin_region(struct dstb_sync *sync)
{
	struct dstb_volume *vol = sync->vol;
	u32 i;

	bitmap_zero(sync->wrong, DSTB_MAX_NODES);
	memset(sync->same, 0, sizeof(sync->same));
	spin_lock_irq(&vol->member_lock);
	for (i = 0; i < vol->nr_data; i++)
		sync->gens[i] = vol->nodes[i]->sync_gen;
	sync->doubts = vol->dirty.doubts;
	spin_unlock_irq(&vol->member_lock);
}

/*
 * The region is the same everywhere, but where it could not be written; or it is copied again. It
 * is no longer @unclean if it was when that began.
 */
static void end_region(struct dstb_sync *sync, u32 nr, bool unclean)
{
	struct dstb_volume *vol = sync->vol;
	bool same;
	u32 i;

	spin_lock_irq(&vol->member_lock);
	same = is_all_the_same(sync);
	for (i = 0; same && i < vol->nr_data; i++) {
		struct dstb_node *node = vol->nodes[i];

		if (node->part != DSTB_PART_SYNCING || test_bit(i, sync->wrong) ||
		    !test_bit(nr, node->lacks))
			continue;
		clear_bit(nr, node->lacks);
		node->sync_done++;
		WRITE_ONCE(node->sync_same, node->sync_same + sync->same[i]);
	}
	if (same && unclean)
		clear_bit(nr, vol->dirty.unclean);
	spin_unlock_irq(&vol->member_lock);
}

/*
 * Is it still to be recorded who is in sync? Making copies the same counts no earlier: after a
 * crash another copy would be believed. docs/model: EQUALIZE_BEFORE_AGE.
 */
static bool is_unrecorded(const struct dstb_volume *vol)
{
	u32 i;

	for (i = 0; i < vol->nr_data; i++)
		if (READ_ONCE(vol->nodes[i]->recorded) != dstb_node_in_sync(vol->nodes[i]))
			return true;
	return false;
}

static int sync_region(struct dstb_sync *sync, u32 nr)
{
	struct dstb_volume *vol = sync->vol;
	bool unclean;
	int err;

	begin_region(sync);
	if (!dstb_dirty_lock(vol, nr, &sync->stop))
		return -ESHUTDOWN;
	/* With the lock: the last write in it may have failed, and put its node out. */
	unclean = test_bit(nr, vol->dirty.unclean);
	if (unclean && is_unrecorded(vol)) {
		dstb_member_kick(vol);
		err = -EAGAIN;
	} else {
		err = sync_runs(sync, nr, unclean, unclean, false);
	}
	if (!err) {
		dstb_fault_wait(&vol->faults, &vol->faults.region_ms);
		end_region(sync, nr, unclean);
	}
	dstb_dirty_unlock(vol, nr);
	return err;
}

static int scrub_region(struct dstb_sync *sync, u32 nr)
{
	int err;

	begin_region(sync);
	sync->scrub_missed = false;
	if (!dstb_dirty_lock(sync->vol, nr, &sync->stop))
		return -ESHUTDOWN;
	err = sync_runs(sync, nr, true, READ_ONCE(sync->mend), true);
	dstb_dirty_unlock(sync->vol, nr);
	return err;
}

/* ---- which region ---- */

/**
 * dstb_resync_region() - look for a region that somebody lacks
 * @vol:	the volume
 * @from:	the first to look at
 *
 * Context: any, from the worker of resync.
 * Return: the region, or nr_regions.
 */
u32 dstb_resync_region(const struct dstb_volume *vol, u32 from)
{
	const struct dstb_dirty *dirty = &vol->dirty;
	u32 next = dirty->nr_regions, i;

	next = find_next_bit(dirty->unclean, next, from);
	for (i = 0; i < vol->nr_data; i++) {
		const struct dstb_node *node = vol->nodes[i];

		if (READ_ONCE(node->part) == DSTB_PART_SYNCING && READ_ONCE(node->ready))
			next = min_t(u32, next, find_next_bit(node->lacks, next, from));
	}
	return next;
}

/* What it was given is durable before the superblocks say that it has it. JOIN_UNFLUSHED. */
static bool flush_node(struct dstb_node *node)
{
	struct dstb_raw raw = { .node = node, .op = REQ_OP_FLUSH };

	if (!dstb_node_may_cache(node))
		return true;
	dstb_raw_run(node->vol, &raw, 1);
	if (raw.status)
		dstb_member_error(node, raw.status, "a flush after resync");
	return !raw.status;
}

/* Nodes that have got everything are in sync. */
static void finish_nodes(struct dstb_volume *vol)
{
	u32 i;

	for (i = 0; i < vol->nr_data; i++) {
		struct dstb_node *node = vol->nodes[i];

		if (READ_ONCE(node->part) == DSTB_PART_SYNCING && READ_ONCE(node->ready) &&
		    bitmap_empty(node->lacks, vol->dirty.nr_regions) && flush_node(node))
			dstb_member_synced(node);
	}
}

static u64 requests(const struct dstb_volume *vol)
{
	u64 nr = 0;
	u32 i;

	for (i = 0; i < vol->nr_data; i++)
		nr += atomic64_read(&vol->nodes[i]->reads) + atomic64_read(&vol->nodes[i]->writes);
	return nr;
}

/* Not past the end of resync: whoever stops it waits. */
static void rest(const struct dstb_sync *sync, u32 ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);

	while (!READ_ONCE(sync->stop) && time_before(jiffies, end))
		msleep(min(jiffies_to_msecs(end - jiffies), REST_MS));
}

/* While others use the volume, three quarters of the time are theirs. */
static void pace(struct dstb_sync *sync, u64 before, u64 began_ns, u32 pause_ms)
{
	u64 took_ms = div_u64(ktime_get_ns() - began_ns, NSEC_PER_MSEC);

	if (pause_ms != DSTB_RESYNC_PAUSE) {
		rest(sync, pause_ms);
		return;
	}
	if (requests(sync->vol) != before)
		msleep(clamp_t(u64, 3 * took_ms, 1, PAUSE_MAX_MS));
}

/*
 * The region to copy; @next by the default. After one that could not be copied, others have their
 * turn, whatever the policy wants: it would want the same one again.
 */
static u32 choose_region(struct dstb_sync *sync, u32 next, bool ask, u32 *pause_ms)
{
	struct dstb_volume *vol = sync->vol;
	u64 before = sync->asked;
	u32 nr = next;

	*pause_ms = DSTB_RESYNC_PAUSE;
	if (ask) {
		sync->asked = requests(vol);
		nr = dstb_recovery_resync_next(vol, next, sync->asked - before, pause_ms);
	}
	if (nr == next)
		sync->cursor = nr + 1;
	return nr;
}

/* Returns 0 when nobody lacks anything, or why it must wait. */
static int resync(struct dstb_sync *sync)
{
	struct dstb_volume *vol = sync->vol;
	u32 nr, pause_ms, skipped = 0, total = vol->dirty.nr_regions;
	u64 before, began;
	int err = 0;

	while (!READ_ONCE(sync->stop)) {
		nr = dstb_resync_region(vol, sync->cursor);
		if (nr >= total && sync->cursor) {
			sync->cursor = 0;
			/* Who has all need not wait for regions that are to be compared again. */
			finish_nodes(vol);
			if (err)
				return err;
			continue;
		}
		if (nr >= total)
			break;
		nr = choose_region(sync, nr, !err, &pause_ms);
		before = requests(vol);
		began = ktime_get_ns();
		if (sync_region(sync, nr)) {
			err = -EAGAIN;
			/* Nobody can serve any, it seems. */
			if (++skipped == 16) {
				finish_nodes(vol);
				return err;
			}
		}
		/* At most once a second: so much is copied again when it is interrupted. */
		dstb_dirty_sweep(vol);
		pace(sync, before, began, pause_ms);
		/* Whoever asked for that has queued the work once more. */
		if (READ_ONCE(sync->nr_repairs))
			return -EAGAIN;
	}
	if (!err)
		finish_nodes(vol);
	return err;
}

/* The region has been looked at, unless somebody has ended the scrub, or begun another. */
static void scrubbed(struct dstb_sync *sync, u32 nr)
{
	struct dstb_scrub_status *status = &sync->status;
	u64 end = min((u64)(nr + 1) << sync->vol->dirty.shift, status->total);

	spin_lock_irq(&sync->lock);
	if (sync->scrub && sync->scrub_next == nr) {
		sync->scrub_next = nr + 1;
		if (sync->scrub_missed)
			status->skipped += end - status->done;
		status->done = end;
	}
	spin_unlock_irq(&sync->lock);
}

static void scrub_ended(struct dstb_sync *sync)
{
	const struct dstb_scrub_status *status = &sync->status;
	const char *result = NULL;

	spin_lock_irq(&sync->lock);
	if (sync->scrub && sync->scrub_next >= sync->vol->dirty.nr_regions) {
		WRITE_ONCE(sync->scrub, false);
		result = status->errors ? "differs" : status->skipped ? "incomplete" : "same";
	}
	spin_unlock_irq(&sync->lock);
	if (result)
		dstb_event_volume(sync->vol, "scrub", result, "");
}

static int scrub(struct dstb_sync *sync)
{
	struct dstb_volume *vol = sync->vol;
	u64 before, began;
	u32 nr;

	while (READ_ONCE(sync->scrub) && !READ_ONCE(sync->stop)) {
		nr = sync->scrub_next;
		if (nr >= vol->dirty.nr_regions) {
			scrub_ended(sync);
			break;
		}
		before = requests(vol);
		began = ktime_get_ns();
		if (scrub_region(sync, nr))
			return -EAGAIN;
		scrubbed(sync, nr);
		pace(sync, before, began, DSTB_RESYNC_PAUSE);
		/* A scrub takes hours; what is known to be missing does not wait for it. */
		if (READ_ONCE(sync->nr_repairs) ||
		    dstb_resync_region(vol, 0) < vol->dirty.nr_regions)
			return -EAGAIN;
	}
	return 0;
}

/* ---- reads that failed on one copy ---- */

static int mend_run(struct dstb_sync *sync, const struct dstb_repair *repair,
		    const struct dstb_placement *place, u32 nr)
{
	struct dstb_volume *vol = sync->vol;
	int from, err;
	u32 i;

	do {
		begin_region(sync);
		from = source_of(vol, place, nr, repair->node, false);
		if (from < 0 ||
		    dstb_raw_one(vol->nodes[place->legs[from].node], REQ_OP_READ, false,
				 place->legs[from].sector, place->nr_sectors, sync->from))
			return -EAGAIN;
	} while (!is_all_the_same(sync) && !READ_ONCE(sync->stop));
	for (i = 0; i < place->nr_legs; i++) {
		if (vol->nodes[place->legs[i].node] != repair->node)
			continue;
		err = dstb_raw_one(repair->node, REQ_OP_WRITE, false, place->legs[i].sector,
				   place->nr_sectors, sync->from);
		if (!err)
			err = dstb_raw_one(repair->node, REQ_OP_READ, false, place->legs[i].sector,
					   place->nr_sectors, sync->to);
		if (err || memcmp(sync->from, sync->to, place->nr_sectors << SECTOR_SHIFT))
			return -EIO;
	}
	return 0;
}

/*
 * The read itself has gone to another copy, or is about to. Where copies may differ nobody is
 * asked: what was read there must be what is read from here, too (R3).
 */
static bool is_to_mend(const struct dstb_repair *repair, u32 nr)
{
	struct dstb_node *node = repair->node;
	int verdict;

	if (test_bit(nr, node->vol->dirty.unclean) || !READ_ONCE(node->ready))
		return true;
	verdict = dstb_recovery_read_error(node, repair->sector, repair->nr_sectors);
	if (verdict == DSTB_IO_DROP)
		dstb_member_failed(node, "a read failed");
	return verdict < 0;
}

static void mend(struct dstb_sync *sync, const struct dstb_repair *repair)
{
	struct dstb_volume *vol = sync->vol;
	u32 nr = dstb_dirty_region(&vol->dirty, repair->sector);
	struct dstb_placement place;
	u64 sector = repair->sector, end = sector + repair->nr_sectors;
	int err = 0;

	if (!is_to_mend(repair, nr))
		return;
	if (!dstb_dirty_lock(vol, nr, &sync->stop)) {
		/* Later: dstb_resync_go_on(). */
		dstb_resync_repair(repair->node, repair->sector, repair->nr_sectors);
		return;
	}
	for (; sector < end && !err; sector += place.nr_sectors) {
		err = dstb_place(&vol->map, sector, end - sector, &place);
		if (!err)
			err = mend_run(sync, repair, &place, nr);
	}
	dstb_dirty_unlock(vol, nr);
	/* Nobody has it just now: whoever reads there next asks again. */
	if (err == -EAGAIN)
		return;
	if (err && READ_ONCE(repair->node->ready)) {
		dstb_member_failed(repair->node, "a read failed and could not be mended");
		return;
	}
	if (!err) {
		spin_lock_irq(&sync->lock);
		sync->status.repaired++;
		spin_unlock_irq(&sync->lock);
		pr_info_ratelimited("volume %s: node %u: sector %llu was mended from another copy\n",
				    vol->name, repair->node->index, repair->sector);
	}
}

static void mend_all(struct dstb_sync *sync)
{
	struct dstb_repair repair;
	unsigned long flags;

	while (!READ_ONCE(sync->stop)) {
		spin_lock_irqsave(&sync->lock, flags);
		if (!sync->nr_repairs) {
			spin_unlock_irqrestore(&sync->lock, flags);
			return;
		}
		repair = sync->repairs[0];
		sync->nr_repairs--;
		memmove(sync->repairs, sync->repairs + 1,
			sync->nr_repairs * sizeof(sync->repairs[0]));
		spin_unlock_irqrestore(&sync->lock, flags);
		mend(sync, &repair);
	}
}

/**
 * dstb_resync_repair() - a read failed on a node: have it mended from another copy
 * @node:	the node
 * @sector:	first sector, in the volume
 * @nr_sectors:	how many, in one region
 *
 * Context: any.
 * Return: false when that can't be done: then the node has failed.
 */
bool dstb_resync_repair(struct dstb_node *node, u64 sector, u32 nr_sectors)
{
	struct dstb_sync *sync = node->vol->sync;
	unsigned long flags;
	bool ok = false;

	if (!sync)
		return false;
	spin_lock_irqsave(&sync->lock, flags);
	if (sync->nr_repairs < DSTB_MAX_REPAIRS) {
		sync->repairs[sync->nr_repairs++] = (struct dstb_repair) {
			.node = node, .sector = sector, .nr_sectors = nr_sectors,
		};
		ok = true;
	}
	spin_unlock_irqrestore(&sync->lock, flags);
	if (ok)
		dstb_resync_kick(node->vol);
	return ok;
}

/* ---- life ---- */

static void sync_work_fn(struct work_struct *work)
{
	struct dstb_sync *sync = container_of(to_delayed_work(work), struct dstb_sync, work);
	unsigned int noio;
	int err;

	/* How long a request may be is not known before. dstb_member_start() kicks it. */
	if (!READ_ONCE(sync->vol->started))
		return;
	noio = memalloc_noio_save();
	mend_all(sync);
	err = resync(sync);
	if (!err)
		err = scrub(sync);
	dstb_dirty_sweep(sync->vol);
	if (err && !READ_ONCE(sync->stop))
		queue_delayed_work(sync->vol->sync_wq, &sync->work, RETRY);
	memalloc_noio_restore(noio);
}

/**
 * dstb_resync_kick() - there may be something to do
 * @vol:	the volume
 *
 * Context: any.
 */
void dstb_resync_kick(struct dstb_volume *vol)
{
	if (vol->sync)
		mod_delayed_work(vol->sync_wq, &vol->sync->work, 0);
}

/**
 * dstb_resync_scrub() - begin to compare copies, or end that
 * @vol:	the volume
 * @repair:	make those that differ the same
 * @end:	end it
 *
 * Context: process.
 * Return: 0; -EOPNOTSUPP when there are no copies; -EALREADY when one runs; -ENOENT when none does.
 */
int dstb_resync_scrub(struct dstb_volume *vol, bool repair, bool end)
{
	struct dstb_sync *sync = vol->sync;
	int err = 0;

	if (!sync)
		return -EOPNOTSUPP;
	spin_lock_irq(&sync->lock);
	if (end) {
		err = sync->scrub ? 0 : -ENOENT;
		sync->scrub = false;
		sync->status.skipped += sync->status.total - sync->status.done;
		sync->status.done = sync->status.total;
	} else if (sync->scrub) {
		err = -EALREADY;
	} else {
		sync->mend = repair;
		sync->scrub_next = 0;
		sync->status.done = 0;
		sync->status.skipped = 0;
		sync->status.errors = 0;
		sync->status.total = vol->map.layout.capacity;
		sync->scrub = true;
	}
	spin_unlock_irq(&sync->lock);
	if (!err)
		dstb_resync_kick(vol);
	return err;
}

/**
 * dstb_resync_status() - how the scrub is getting on
 * @vol:	the volume
 * @status:	where to
 *
 * Context: process.
 */
void dstb_resync_status(struct dstb_volume *vol, struct dstb_scrub_status *status)
{
	struct dstb_sync *sync = vol->sync;

	memset(status, 0, sizeof(*status));
	if (!sync)
		return;
	spin_lock_irq(&sync->lock);
	*status = sync->status;
	spin_unlock_irq(&sync->lock);
}

/**
 * dstb_resync_stop() - nothing is resynced any more
 * @vol:	the volume
 *
 * Context: process; sleeps until what is under way has ended.
 */
void dstb_resync_stop(struct dstb_volume *vol)
{
	if (!vol->sync)
		return;
	WRITE_ONCE(vol->sync->stop, true);
	wake_up_all(&vol->dirty.wait);
	disable_delayed_work_sync(&vol->sync->work);
}

static void go_on(struct dstb_sync *sync)
{
	WRITE_ONCE(sync->stop, false);
	enable_delayed_work(&sync->work);
	dstb_resync_kick(sync->vol);
}

/**
 * dstb_resync_pause() - nothing is resynced until dstb_resync_go_on()
 * @vol:	the volume; what calls this holds its control_lock
 * @ms:		how long to wait for what is under way: a medium may take its time
 *
 * Context: process, may sleep.
 * Return: 0; or -ETIMEDOUT or -EINTR, and it goes on.
 */
int dstb_resync_pause(struct dstb_volume *vol, u32 ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	struct dstb_sync *sync = vol->sync;
	int err = 0;

	if (!sync)
		return 0;
	WRITE_ONCE(sync->stop, true);
	wake_up_all(&vol->dirty.wait);
	/* It does not begin any more: so once it is not running, that is the end. */
	disable_delayed_work(&sync->work);
	while (!err && work_busy(&sync->work.work) & WORK_BUSY_RUNNING) {
		if (time_after(jiffies, end))
			err = -ETIMEDOUT;
		else if (msleep_interruptible(STOP_MS))
			err = -EINTR;
	}
	if (err)
		go_on(sync);
	return err;
}

/**
 * dstb_resync_forget() - nothing is mended any more on a node that has gone
 * @vol:	the volume, its resync is stopped
 * @gone:	the node; there are no requests
 *
 * Context: process.
 */
void dstb_resync_forget(struct dstb_volume *vol, const struct dstb_node *gone)
{
	struct dstb_sync *sync = vol->sync;
	u32 i, left = 0;

	if (!sync)
		return;
	spin_lock_irq(&sync->lock);
	for (i = 0; i < sync->nr_repairs; i++)
		if (sync->repairs[i].node != gone)
			sync->repairs[left++] = sync->repairs[i];
	sync->nr_repairs = left;
	spin_unlock_irq(&sync->lock);
}

/**
 * dstb_resync_go_on() - the reverse of dstb_resync_pause()
 * @vol:	the volume
 *
 * Context: process.
 */
void dstb_resync_go_on(struct dstb_volume *vol)
{
	if (!vol->sync)
		return;
	/* Of the nodes that there are now. */
	vol->sync->asked = requests(vol);
	go_on(vol->sync);
}

/**
 * dstb_resync_init() - prepare for resync
 * @vol:	the volume, with dirty tracking
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; dstb_resync_exit() either way.
 */
int dstb_resync_init(struct dstb_volume *vol)
{
	struct dstb_sync *sync = kvzalloc(sizeof(*sync), GFP_KERNEL);

	if (!sync)
		return -ENOMEM;
	vol->sync = sync;
	sync->vol = vol;
	spin_lock_init(&sync->lock);
	INIT_DELAYED_WORK(&sync->work, sync_work_fn);
	sync->from = alloc_pages_exact(BUF_BYTES, GFP_KERNEL);
	sync->to = alloc_pages_exact(BUF_BYTES, GFP_KERNEL);
	if (vol->checksum) {
		sync->sums = dstb_sums_alloc();
		if (!sync->sums)
			return -ENOMEM;
	}
	vol->sync_wq = alloc_workqueue("dstb-sync-%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 1, vol->name);
	return sync->from && sync->to && vol->sync_wq ? 0 : -ENOMEM;
}

/**
 * dstb_resync_exit() - the reverse of dstb_resync_init()
 * @vol:	the volume; dstb_resync_stop() was called
 *
 * Context: process, may sleep.
 */
void dstb_resync_exit(struct dstb_volume *vol)
{
	struct dstb_sync *sync = vol->sync;

	if (vol->sync_wq)
		destroy_workqueue(vol->sync_wq);
	if (!sync)
		return;
	if (sync->from)
		free_pages_exact(sync->from, BUF_BYTES);
	if (sync->to)
		free_pages_exact(sync->to, BUF_BYTES);
	dstb_sums_free(sync->sums);
	kvfree(sync);
}
