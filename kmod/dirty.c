// SPDX-License-Identifier: GPL-2.0
/*
 * Dirty tracking. docs/recovery.md says what the bits mean; here is how they stay right.
 *
 * A region that is written to has a struct dstb_region in the hash table, in one of these states:
 * PENDING: its bit is being set, writes wait. SET: the bit is on every node that is in service.
 * CLEANING: the bit is being cleared, writes wait. A bit without a region is set on the media, too.
 *
 * All I/O (bitmap.c) is done by one ordered worker (the volume's meta_wq), from one buffer: two
 * writes of the same block of the bitmap are never under way together, so the later one is the one
 * that counts.
 *
 * The worker does not wait for nodes that are away. A node that comes back is given the whole
 * bitmap before it gets any write (admit.c), on the same worker.
 */
#include <linux/hash.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bitmap.h"
#include "dirty.h"
#include "disk.h"
#include "io.h"
#include "main.h"
#include "member.h"
#include "node.h"
#include "raw.h"
#include "resync.h"
#include "volume.h"

#define BAD_MAX		(60UL * HZ)	/* until a bad sector is tried again, at most */
#define IDLE		(5 * HZ)	/* without a write before a region is cleaned */
#define CLEAN_PASS	1024		/* regions cleaned in one go */
#define SWEEP_RESERVE	(DSTB_DIRTY_SLOTS / 4)

enum region_state {
	REGION_PENDING,
	REGION_SET,
	REGION_CLEANING,
};

static struct dstb_dirty_bucket *bucket_of(struct dstb_dirty *dirty, u32 nr)
{
	return &dirty->buckets[hash_32(nr, ilog2(DSTB_DIRTY_BUCKETS))];
}

static struct dstb_region *find(const struct dstb_dirty_bucket *bucket, u32 nr)
{
	struct dstb_region *region;

	lockdep_assert_held(&bucket->lock);
	hlist_for_each_entry(region, &bucket->regions, hash)
		if (region->nr == nr)
			return region;
	return NULL;
}

static struct dstb_region *take_free(struct dstb_dirty *dirty, u32 reserve)
{
	struct dstb_region *region = NULL;
	unsigned long flags;

	spin_lock_irqsave(&dirty->lock, flags);
	if (dirty->nr_free > reserve) {
		region = list_first_entry(&dirty->free, struct dstb_region, queue);
		list_del(&region->queue);
		dirty->nr_free--;
	}
	spin_unlock_irqrestore(&dirty->lock, flags);
	return region;
}

static void resume_all(struct list_head *waiters)
{
	struct dstb_io *io, *next;

	list_for_each_entry_safe(io, next, waiters, overlap.wait)
		dstb_io_resume(io);
}

/* The slot is free again: for those who wait for one, too. */
static void give_free(struct dstb_dirty *dirty, struct dstb_region *region)
{
	unsigned long flags;
	LIST_HEAD(starved);

	spin_lock_irqsave(&dirty->lock, flags);
	list_add(&region->queue, &dirty->free);
	dirty->nr_free++;
	list_splice_init(&dirty->starved, &starved);
	spin_unlock_irqrestore(&dirty->lock, flags);
	resume_all(&starved);
}

static void region_init(struct dstb_region *region, u32 nr, u8 state)
{
	region->nr = nr;
	region->state = state;
	region->count = 0;
	region->locked = false;
	region->stamp = jiffies;
	INIT_LIST_HEAD(&region->waiters);
}

/* ---- requests ---- */

/* No slot is left: the longest unused one is to give way. */
static bool starve(struct dstb_volume *vol, struct dstb_io *io)
{
	struct dstb_dirty *dirty = &vol->dirty;
	unsigned long flags;
	bool wait;

	spin_lock_irqsave(&dirty->lock, flags);
	wait = !dirty->nr_free;
	if (wait)
		list_add_tail(&io->overlap.wait, &dirty->starved);
	spin_unlock_irqrestore(&dirty->lock, flags);
	if (wait)
		dstb_meta_now(vol, &dirty->clean_work);
	return wait;
}

static void set_later(struct dstb_volume *vol, struct dstb_region *region)
{
	struct dstb_dirty *dirty = &vol->dirty;
	unsigned long flags;

	spin_lock_irqsave(&dirty->lock, flags);
	list_add_tail(&region->queue, &dirty->pending);
	spin_unlock_irqrestore(&dirty->lock, flags);
	dstb_meta_now(vol, &dirty->intent_work);
}

/* Its bit was to be set, and could not be. */
static bool is_bad(const struct dstb_dirty *dirty, const struct dstb_region *region)
{
	return region->state == REGION_PENDING && dstb_bitmap_is_bad(dirty, region->nr);
}

static enum dstb_dirty_verdict enter(const struct dstb_dirty *dirty, struct dstb_region *region,
				     struct dstb_io *io)
{
	if (region->state == REGION_SET && !region->locked) {
		region->count++;
		io->region = region;
		return DSTB_DIRTY_GO;
	}
	if (is_bad(dirty, region))
		return DSTB_DIRTY_FAILS;
	if (io->opf & REQ_NOWAIT)
		return DSTB_DIRTY_AGAIN;
	list_add_tail(&io->overlap.wait, &region->waiters);
	return DSTB_DIRTY_WAITS;
}

/**
 * dstb_dirty_begin() - a write is about to be sent
 * @vol:	the volume, with dirty tracking
 * @io:		the write; it lies in one region
 *
 * Context: any.
 * Return: DSTB_DIRTY_GO when the region's bit is durable, with a count that dstb_dirty_end() drops.
 */
enum dstb_dirty_verdict dstb_dirty_begin(struct dstb_volume *vol, struct dstb_io *io)
{
	struct dstb_dirty *dirty = &vol->dirty;
	u32 nr = dstb_dirty_region(dirty, io->bio->bi_iter.bi_sector);
	struct dstb_dirty_bucket *bucket = bucket_of(dirty, nr);
	struct dstb_region *region, *fresh = NULL;
	bool nowait = io->opf & REQ_NOWAIT, set;
	enum dstb_dirty_verdict verdict;
	unsigned long flags;

again:
	spin_lock_irqsave(&bucket->lock, flags);
	region = find(bucket, nr);
	if (region) {
		verdict = enter(dirty, region, io);
		spin_unlock_irqrestore(&bucket->lock, flags);
		if (fresh)
			give_free(dirty, fresh);
		return verdict;
	}
	set = test_bit(nr, dirty->bits);
	/* Whatever memory says: drop_region(). */
	if (dstb_bitmap_is_bad(dirty, nr)) {
		spin_unlock_irqrestore(&bucket->lock, flags);
		if (fresh)
			give_free(dirty, fresh);
		return DSTB_DIRTY_FAILS;
	}
	if (fresh && (set || !nowait)) {
		region_init(fresh, nr, set ? REGION_SET : REGION_PENDING);
		hlist_add_head(&fresh->hash, &bucket->regions);
		if (!set)
			set_bit(nr, dirty->bits);
		verdict = enter(dirty, fresh, io);
		spin_unlock_irqrestore(&bucket->lock, flags);
		if (!set)
			set_later(vol, fresh);
		return verdict;
	}
	spin_unlock_irqrestore(&bucket->lock, flags);
	if (fresh)
		give_free(dirty, fresh);
	if (nowait && !set)
		return DSTB_DIRTY_AGAIN;
	fresh = take_free(dirty, 0);
	if (fresh)
		goto again;
	if (nowait)
		return DSTB_DIRTY_AGAIN;
	if (!starve(vol, io))
		goto again;
	return DSTB_DIRTY_WAITS;
}

/**
 * dstb_dirty_end() - a write is over on all its legs, and who missed it is recorded
 * @vol:	the volume
 * @io:		the write
 *
 * Context: any.
 */
void dstb_dirty_end(struct dstb_volume *vol, struct dstb_io *io)
{
	struct dstb_dirty *dirty = &vol->dirty;
	struct dstb_region *region = io->region;
	struct dstb_dirty_bucket *bucket = bucket_of(dirty, region->nr);
	unsigned long flags;
	bool wake;

	spin_lock_irqsave(&bucket->lock, flags);
	region->stamp = jiffies;
	wake = !--region->count && region->locked;
	spin_unlock_irqrestore(&bucket->lock, flags);
	io->region = NULL;
	if (wake)
		wake_up_all(&dirty->wait);
}

/**
 * dstb_dirty_unclean() - a write failed, on some legs maybe
 * @vol:	the volume
 * @io:		the write, which is still counted in its region
 *
 * Until resync has made the copies the same, only the first is believed.
 * Context: any.
 */
void dstb_dirty_unclean(struct dstb_volume *vol, struct dstb_io *io)
{
	set_bit(io->region->nr, vol->dirty.unclean);
	if (!READ_ONCE(vol->gate_dead) && READ_ONCE(vol->started))
		dstb_resync_kick(vol);
}

/**
 * dstb_dirty_doubt() - what was written lately may be gone from the copy that is believed
 * @vol:	the volume
 *
 * Others may have it: until all are the same again, the first is believed.
 * Context: any.
 */
void dstb_dirty_doubt(struct dstb_volume *vol)
{
	struct dstb_dirty *dirty = &vol->dirty;
	unsigned long flags;
	u32 nr;

	if (!dirty->bits)
		return;
	/* The region that is just being compared, too: it is compared once more. */
	spin_lock_irqsave(&vol->member_lock, flags);
	WRITE_ONCE(dirty->doubts, dirty->doubts + 1);
	spin_unlock_irqrestore(&vol->member_lock, flags);
	for_each_set_bit(nr, dirty->bits, dirty->nr_regions)
		set_bit(nr, dirty->unclean);
	if (!READ_ONCE(vol->gate_dead) && READ_ONCE(vol->started))
		dstb_resync_kick(vol);
}

/**
 * dstb_dirty_doubt_later() - what dstb_dirty_flush_failed() has asked for
 * @vol:	the volume
 *
 * Once a second at most: all is compared again. Until then no bit is cleared.
 * Context: process; the volume's meta_wq.
 */
void dstb_dirty_doubt_later(struct dstb_volume *vol)
{
	struct dstb_dirty *dirty = &vol->dirty;

	if (!READ_ONCE(dirty->doubt))
		return;
	if (time_before(jiffies, dirty->doubt_stamp + HZ)) {
		dstb_meta_later(vol, &vol->member_work, HZ);
		return;
	}
	WRITE_ONCE(dirty->doubt, false);
	dirty->doubt_stamp = jiffies;
	dstb_dirty_doubt(vol);
}

/**
 * dstb_dirty_flush_failed() - a node that is not put out by that could not be flushed
 * @vol:	the volume
 *
 * Whoever waited for the flush has been told, or is about to be.
 * Context: any.
 */
void dstb_dirty_flush_failed(struct dstb_volume *vol)
{
	if (!vol->dirty.bits)
		return;
	WRITE_ONCE(vol->dirty.doubt, true);
	dstb_member_kick(vol);
}

/* ---- resync ---- */

static bool is_quiet(struct dstb_dirty *dirty, u32 nr)
{
	struct dstb_dirty_bucket *bucket = bucket_of(dirty, nr);
	struct dstb_region *region;
	unsigned long flags;
	bool quiet;

	spin_lock_irqsave(&bucket->lock, flags);
	region = find(bucket, nr);
	quiet = !region->count && (region->state == REGION_SET || is_bad(dirty, region));
	spin_unlock_irqrestore(&bucket->lock, flags);
	return quiet;
}

/**
 * dstb_dirty_lock() - keep writers out of a region, wait until none is left in it
 * @vol:	the volume
 * @nr:		the region; its bit is set
 * @stop:	gives up when it is set; the volume's dirty.wait is to be woken then
 *
 * Context: process, may sleep; one region at a time, until dstb_dirty_unlock().
 * Return: whether it is locked.
 */
bool dstb_dirty_lock(struct dstb_volume *vol, u32 nr, const bool *stop)
{
	struct dstb_dirty *dirty = &vol->dirty;
	struct dstb_dirty_bucket *bucket = bucket_of(dirty, nr);
	struct dstb_region *region;
	bool quiet;

	spin_lock_irq(&bucket->lock);
	region = find(bucket, nr);
	if (!region) {
		region = &dirty->resync;
		region_init(region, nr, REGION_SET);
		hlist_add_head(&region->hash, &bucket->regions);
	}
	region->locked = true;
	spin_unlock_irq(&bucket->lock);
	/* A writer may wait for a node that is lost, for as long as that is. */
	wait_event(dirty->wait, (quiet = is_quiet(dirty, nr)) || READ_ONCE(*stop));
	if (!quiet)
		dstb_dirty_unlock(vol, nr);
	return quiet;
}

/**
 * dstb_dirty_unlock() - let writers into a region again
 * @vol:	the volume
 * @nr:		the region
 *
 * Context: process.
 */
void dstb_dirty_unlock(struct dstb_volume *vol, u32 nr)
{
	struct dstb_dirty *dirty = &vol->dirty;
	struct dstb_dirty_bucket *bucket = bucket_of(dirty, nr);
	struct dstb_region *region;
	LIST_HEAD(waiters);

	spin_lock_irq(&bucket->lock);
	region = find(bucket, nr);
	region->locked = false;
	list_splice_init(&region->waiters, &waiters);
	if (region == &dirty->resync)
		hlist_del(&region->hash);
	spin_unlock_irq(&bucket->lock);
	resume_all(&waiters);
}

/* ---- setting bits ---- */

static bool any_data_node(const struct dstb_volume *vol)
{
	u32 i;

	for (i = 0; i < vol->nr_data; i++)
		if (READ_ONCE(vol->nodes[i]->part) != DSTB_PART_OUT)
			return true;
	return false;
}

static void region_set(struct dstb_volume *vol, struct dstb_region *region)
{
	struct dstb_dirty_bucket *bucket = bucket_of(&vol->dirty, region->nr);
	unsigned long flags;
	LIST_HEAD(waiters);
	bool wake;

	spin_lock_irqsave(&bucket->lock, flags);
	region->state = REGION_SET;
	wake = region->locked;
	if (!region->locked)
		list_splice_init(&region->waiters, &waiters);
	spin_unlock_irqrestore(&bucket->lock, flags);
	if (wake)
		wake_up_all(&vol->dirty.wait);
	resume_all(&waiters);
}

/*
 * Its bit can't be set: who waits fails. The bit stays in memory, so that it is written when the
 * sector is taken again; until then nobody believes it. One that resync has locked stays.
 */
static bool drop_region(struct dstb_volume *vol, struct dstb_region *region)
{
	struct dstb_dirty_bucket *bucket = bucket_of(&vol->dirty, region->nr);
	LIST_HEAD(waiters);
	bool locked;

	spin_lock_irq(&bucket->lock);
	locked = region->locked;
	list_splice_init(&region->waiters, &waiters);
	if (!locked)
		hlist_del(&region->hash);
	spin_unlock_irq(&bucket->lock);
	if (locked)
		wake_up_all(&vol->dirty.wait);
	else
		give_free(&vol->dirty, region);
	resume_all(&waiters);
	return !locked;
}

/* All of them, but for those that are bad; or none, while nobody is there who could. */
static void set_bits(struct dstb_volume *vol, struct list_head *pending)
{
	struct dstb_dirty *dirty = &vol->dirty;
	struct dstb_region *region, *next;
	bool ok;

	list_for_each_entry(region, pending, queue)
		dstb_bitmap_mark(vol, region->nr);
	ok = dstb_bitmap_write(vol, true);
	dstb_fault_wait(&vol->faults, &vol->faults.intent_ms);
	if (!ok && !READ_ONCE(vol->gate_dead) && any_data_node(vol)) {
		/* Nobody took them. dstb_dirty_kick() comes when somebody returns. */
		spin_lock_irq(&dirty->lock);
		list_splice(pending, &dirty->pending);
		spin_unlock_irq(&dirty->lock);
		dstb_meta_later(vol, &dirty->intent_work, HZ);
		return;
	}
	list_for_each_entry_safe(region, next, pending, queue) {
		list_del(&region->queue);
		if (!dstb_bitmap_is_bad(dirty, region->nr)) {
			region_set(vol, region);
		} else if (!drop_region(vol, region)) {
			spin_lock_irq(&dirty->lock);
			list_add_tail(&region->queue, &dirty->pending);
			spin_unlock_irq(&dirty->lock);
			dstb_meta_later(vol, &dirty->intent_work, HZ);
		}
	}
	dstb_meta_later(vol, &dirty->clean_work, IDLE);
}

/* Now and then, and not with the others: a medium may take seconds to find out that it can't. */
static void retry_bad(struct dstb_volume *vol)
{
	struct dstb_dirty *dirty = &vol->dirty;
	unsigned long pause = READ_ONCE(dirty->bad_pause), due;

	if (!dstb_bitmap_any_bad(dirty)) {
		WRITE_ONCE(dirty->bad_pause, 0);
		return;
	}
	if (time_after_eq(jiffies, dirty->bad_stamp + pause)) {
		/* Before it is tried: somebody who comes meanwhile sets it anew. */
		WRITE_ONCE(dirty->bad_pause, clamp(2 * pause, (unsigned long)HZ, BAD_MAX));
		/* The first time it has just been tried, for those who wanted it. */
		if (pause && !dstb_bitmap_retry(vol)) {
			WRITE_ONCE(dirty->bad_pause, 0);
			return;
		}
		dirty->bad_stamp = jiffies;
	}
	due = dirty->bad_stamp + READ_ONCE(dirty->bad_pause);
	dstb_meta_later(vol, &dirty->intent_work, time_after(due, jiffies) ? due - jiffies : 1);
}

static void intent_work_fn(struct work_struct *work)
{
	struct dstb_volume *vol =
		container_of(to_delayed_work(work), struct dstb_volume, dirty.intent_work);
	struct dstb_dirty *dirty = &vol->dirty;
	LIST_HEAD(pending);

	spin_lock_irq(&dirty->lock);
	list_splice_init(&dirty->pending, &pending);
	spin_unlock_irq(&dirty->lock);
	if (!list_empty(&pending))
		set_bits(vol, &pending);
	retry_bad(vol);
}

/**
 * dstb_dirty_kick() - a node came or went: set bits that could not be set before
 * @vol:	the volume
 *
 * Context: any.
 */
void dstb_dirty_kick(struct dstb_volume *vol)
{
	/* The bitmap is whoever makes the volume's until then: dstb_member_start() kicks it. */
	if (!vol->dirty.bits || !READ_ONCE(vol->started))
		return;
	/* Another one may take what nobody took. */
	WRITE_ONCE(vol->dirty.bad_pause, 1);
	dstb_meta_now(vol, &vol->dirty.intent_work);
}

/* ---- cleaning ---- */

/* Does every node have the region, and is in service? */
static bool may_clean(const struct dstb_volume *vol, u32 nr)
{
	const struct dstb_dirty *dirty = &vol->dirty;
	u32 i;

	if (test_bit(nr, dirty->unclean))
		return false;
	for (i = 0; i < vol->nr_data; i++)
		if (!READ_ONCE(vol->nodes[i]->ready) || !dstb_node_has(vol->nodes[i], nr))
			return false;
	return true;
}

/* Takes the regions of a bucket that nobody has written to for a while out of use. */
static u32 collect_idle(struct dstb_volume *vol, struct dstb_dirty_bucket *bucket,
			unsigned long idle, struct list_head *clean)
{
	struct dstb_region *region;
	struct hlist_node *next;
	LIST_HEAD(unused);
	u32 nr = 0;

	spin_lock_irq(&bucket->lock);
	hlist_for_each_entry_safe(region, next, &bucket->regions, hash) {
		if (region->state != REGION_SET || region->count || region->locked ||
		    region == &vol->dirty.resync ||
		    time_before(jiffies, region->stamp + idle))
			continue;
		if (may_clean(vol, region->nr)) {
			region->state = REGION_CLEANING;
			list_add_tail(&region->queue, clean);
			nr++;
		} else {
			/* The bit stays: the next write finds it set. */
			hlist_del(&region->hash);
			list_add_tail(&region->queue, &unused);
		}
	}
	spin_unlock_irq(&bucket->lock);
	while ((region = list_first_entry_or_null(&unused, struct dstb_region, queue))) {
		list_del(&region->queue);
		give_free(&vol->dirty, region);
	}
	return nr;
}

/* Bits without a region in use, as resync leaves them. */
static u32 collect_bits(struct dstb_volume *vol, u32 max, struct list_head *clean)
{
	struct dstb_dirty *dirty = &vol->dirty;
	struct dstb_dirty_bucket *bucket;
	struct dstb_region *region;
	u32 nr, found = 0;

	/* Before: there may be more to look at by then. */
	WRITE_ONCE(dirty->sweep, false);
	for_each_set_bit(nr, dirty->bits, dirty->nr_regions) {
		if (found == max)
			break;
		if (!may_clean(vol, nr))
			continue;
		region = take_free(dirty, SWEEP_RESERVE);
		if (!region)
			break;
		bucket = bucket_of(dirty, nr);
		spin_lock_irq(&bucket->lock);
		if (!find(bucket, nr)) {
			region_init(region, nr, REGION_CLEANING);
			hlist_add_head(&region->hash, &bucket->regions);
			list_add_tail(&region->queue, clean);
			region = NULL;
			found++;
		}
		spin_unlock_irq(&bucket->lock);
		if (region)
			give_free(dirty, region);
	}
	if (nr < dirty->nr_regions)
		WRITE_ONCE(dirty->sweep, true);
	return found;
}

/* What was written is durable on every node (of those in service), or false. */
static bool flush_nodes(struct dstb_volume *vol, bool in_service)
{
	struct dstb_raw *raws = vol->raws;
	bool ok = true;
	u32 i;

	for (i = 0; i < vol->nr_data; i++) {
		struct dstb_node *node = vol->nodes[i];
		bool pass = !dstb_node_may_cache(node) ||
			    (in_service && READ_ONCE(node->part) == DSTB_PART_OUT);

		raws[i] = (struct dstb_raw) { .node = pass ? NULL : node, .op = REQ_OP_FLUSH };
	}
	dstb_raw_run(vol, raws, vol->nr_data);
	for (i = 0; i < vol->nr_data; i++) {
		if (!raws[i].node || !raws[i].status)
			continue;
		ok = false;
		dstb_member_error(raws[i].node, raws[i].status, "a flush");
		/* Nobody has asked for it: the next that does is told. */
		if (raws[i].status != BLK_STS_TRANSPORT &&
		    READ_ONCE(raws[i].node->part) != DSTB_PART_OUT) {
			atomic_inc(&vol->losses);
			dstb_dirty_doubt(vol);
		}
	}
	/* One that failed meanwhile: dstb_record_work_fn() is about to look at these bits. */
	return ok && !READ_ONCE(vol->dirty.doubt);
}

/**
 * dstb_dirty_flush() - make durable what the nodes in service have
 * @vol:	the volume, stopped
 *
 * Context: process, may sleep.
 * Return: whether that went well.
 */
bool dstb_dirty_flush(struct dstb_volume *vol)
{
	return flush_nodes(vol, true);
}

/* The regions are no longer in use, whether their bits were cleared or not. */
static void release_cleaned(struct dstb_volume *vol, struct list_head *clean)
{
	struct dstb_region *region;

	while ((region = list_first_entry_or_null(clean, struct dstb_region, queue))) {
		struct dstb_dirty_bucket *bucket = bucket_of(&vol->dirty, region->nr);
		LIST_HEAD(waiters);
		bool locked;

		list_del(&region->queue);
		spin_lock_irq(&bucket->lock);
		locked = region->locked;
		if (locked) {
			/*
			 * Resync has asked for it meanwhile, and whoever writes after that: once
			 * more.
			 */
			region->state = REGION_PENDING;
			set_bit(region->nr, vol->dirty.bits);
		} else {
			hlist_del(&region->hash);
			list_splice_init(&region->waiters, &waiters);
		}
		spin_unlock_irq(&bucket->lock);
		if (locked)
			set_later(vol, region);
		else
			give_free(&vol->dirty, region);
		resume_all(&waiters);
	}
}

static bool clean_list(struct dstb_volume *vol, struct list_head *clean)
{
	struct dstb_dirty *dirty = &vol->dirty;
	struct dstb_region *region;
	bool ok = flush_nodes(vol, false);

	if (ok) {
		list_for_each_entry(region, clean, queue) {
			clear_bit(region->nr, dirty->bits);
			dstb_bitmap_mark(vol, region->nr);
		}
		dstb_bitmap_write(vol, false);
	}
	release_cleaned(vol, clean);
	return ok;
}

static u32 clean_pass(struct dstb_volume *vol, unsigned long idle, bool *ok)
{
	struct dstb_dirty *dirty = &vol->dirty;
	LIST_HEAD(clean);
	u32 i, nr = 0;

	for (i = 0; i < DSTB_DIRTY_BUCKETS && nr < CLEAN_PASS; i++)
		nr += collect_idle(vol, &dirty->buckets[i], idle, &clean);
	if (READ_ONCE(dirty->sweep) && nr < CLEAN_PASS)
		nr += collect_bits(vol, CLEAN_PASS - nr, &clean);
	*ok = !nr || clean_list(vol, &clean);
	return nr;
}

static void clean_work_fn(struct work_struct *work)
{
	struct dstb_volume *vol =
		container_of(to_delayed_work(work), struct dstb_volume, dirty.clean_work);
	struct dstb_dirty *dirty = &vol->dirty;
	bool starving, more, ok;
	u32 nr;

	spin_lock_irq(&dirty->lock);
	starving = !list_empty(&dirty->starved);
	spin_unlock_irq(&dirty->lock);
	nr = clean_pass(vol, starving ? 0 : IDLE, &ok);
	spin_lock_irq(&dirty->lock);
	more = dirty->nr_free < DSTB_DIRTY_SLOTS || dirty->sweep;
	starving = !list_empty(&dirty->starved);
	spin_unlock_irq(&dirty->lock);
	if (more || starving)
		dstb_meta_later(vol, &dirty->clean_work,
				starving ? HZ / 20 : nr >= CLEAN_PASS && ok ? 0 : HZ);
}

/**
 * dstb_dirty_sweep() - bits may have become unnecessary: look, soon
 * @vol:	the volume
 *
 * Context: any.
 */
void dstb_dirty_sweep(struct dstb_volume *vol)
{
	if (!vol->dirty.bits)
		return;
	WRITE_ONCE(vol->dirty.sweep, true);
	dstb_meta_later(vol, &vol->dirty.clean_work, HZ);
}

/**
 * dstb_dirty_clean_now() - clear every bit that can be: the volume is being stopped
 * @vol:	the volume; nobody writes any more, dstb_dirty_stop() was called
 *
 * Context: process, may sleep.
 * Return: 0, or -EIO when the nodes could not be flushed: then the volume is not clean.
 */
int dstb_dirty_clean_now(struct dstb_volume *vol)
{
	bool ok = true;

	WRITE_ONCE(vol->dirty.sweep, true);
	while (clean_pass(vol, 0, &ok) && ok)
		;
	return ok ? 0 : -EIO;
}

/* ---- life ---- */

static int dirty_alloc(struct dstb_dirty *dirty)
{
	u32 i;

	dirty->bits = dstb_bitmap_alloc(dirty->nr_regions);
	dirty->unclean = dstb_bitmap_alloc(dirty->nr_regions);
	dirty->buckets = kvcalloc(DSTB_DIRTY_BUCKETS, sizeof(*dirty->buckets), GFP_KERNEL);
	dirty->slots = kvcalloc(DSTB_DIRTY_SLOTS, sizeof(*dirty->slots), GFP_KERNEL);
	if (!dirty->bits || !dirty->unclean || !dirty->buckets || !dirty->slots)
		return -ENOMEM;
	for (i = 0; i < DSTB_DIRTY_BUCKETS; i++)
		spin_lock_init(&dirty->buckets[i].lock);
	for (i = 0; i < DSTB_DIRTY_SLOTS; i++)
		list_add_tail(&dirty->slots[i].queue, &dirty->free);
	dirty->nr_free = DSTB_DIRTY_SLOTS;
	return dstb_bitmap_init(dirty);
}

/**
 * dstb_dirty_init() - begin to track, with no bit set
 * @vol:	the volume, which is being made
 * @capacity:	of the volume in sectors
 * @shift:	log2 of a region's sectors
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; dstb_dirty_exit() either way.
 */
int dstb_dirty_init(struct dstb_volume *vol, u64 capacity, u32 shift)
{
	struct dstb_dirty *dirty = &vol->dirty;

	dirty->shift = shift;
	dirty->nr_regions = dstb_disk_regions(capacity, shift);
	spin_lock_init(&dirty->lock);
	INIT_LIST_HEAD(&dirty->free);
	INIT_LIST_HEAD(&dirty->pending);
	INIT_LIST_HEAD(&dirty->starved);
	init_waitqueue_head(&dirty->wait);
	dirty->doubt_stamp = jiffies - HZ;
	INIT_DELAYED_WORK(&dirty->intent_work, intent_work_fn);
	INIT_DELAYED_WORK(&dirty->clean_work, clean_work_fn);
	return dirty_alloc(dirty);
}

/**
 * dstb_dirty_stop() - no bit is changed by itself any more
 * @vol:	the volume; nothing is under way
 *
 * Context: process, may sleep.
 */
void dstb_dirty_stop(struct dstb_volume *vol)
{
	if (!vol->dirty.bits)
		return;
	disable_delayed_work_sync(&vol->dirty.clean_work);
	disable_delayed_work_sync(&vol->dirty.intent_work);
}

/**
 * dstb_dirty_exit() - the reverse of dstb_dirty_init()
 * @vol:	the volume; dstb_dirty_stop() was called
 *
 * Context: process, may sleep.
 */
void dstb_dirty_exit(struct dstb_volume *vol)
{
	struct dstb_dirty *dirty = &vol->dirty;

	dstb_bitmap_exit(dirty);
	kvfree(dirty->slots);
	kvfree(dirty->buckets);
	vfree(dirty->unclean);
	vfree(dirty->bits);
}
