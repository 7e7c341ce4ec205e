// SPDX-License-Identifier: GPL-2.0
/*
 * Writes, discards, zeroes: all legs at once. Those of several copies wait for writes that overlap,
 * and for the bit of their region.
 *
 * Writes may be acknowledged before all legs are done. A flush must not overtake the legs that such
 * a write still has under way (R7): it waits until there are none. While one waits, no further
 * write is acknowledged early, so it does not wait for ever.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/slab.h>

#include "dirty.h"
#include "io_int.h"
#include "member.h"
#include "node.h"
#include "place.h"
#include "volume.h"

#define ZERO_VECS	((DSTB_GRANULE << SECTOR_SHIFT) / PAGE_SIZE)

/*
 * A node may have lost with its cache what it had of the write, and be believed all the same. A
 * flush that was under way has said so; none will after the write is acknowledged.
 */
static bool lost_meanwhile(const struct dstb_io *io)
{
	return io->nr_legs > 1 && !(io->opf & REQ_FUA) &&
	       unlikely(atomic_read(&io->vol->losses) != READ_ONCE(io->losses));
}

/* ---- acknowledged early ---- */

static bool early_enter(struct dstb_volume *vol)
{
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&vol->lock, flags);
	ok = list_empty(&vol->flushes) && !vol->early_hold;
	vol->nr_early += ok;
	vol->nr_early_legs += ok;
	spin_unlock_irqrestore(&vol->lock, flags);
	return ok;
}

/* All legs have ended. The record of who missed it, which it waits for, may wait for that. */
static void early_landed(struct dstb_volume *vol)
{
	unsigned long flags;
	bool kick;

	spin_lock_irqsave(&vol->lock, flags);
	kick = !--vol->nr_early_legs && vol->early_hold;
	spin_unlock_irqrestore(&vol->lock, flags);
	if (kick)
		dstb_member_kick(vol);
}

static void early_exit(struct dstb_volume *vol)
{
	struct dstb_io *io, *next;
	unsigned long flags;
	LIST_HEAD(flushes);

	spin_lock_irqsave(&vol->lock, flags);
	if (!--vol->nr_early)
		list_splice_init(&vol->flushes, &flushes);
	spin_unlock_irqrestore(&vol->lock, flags);
	list_for_each_entry_safe(io, next, &flushes, overlap.wait)
		dstb_io_flush_resume(io);
}

/**
 * dstb_write_early_wait() - must a flush wait for writes that were acknowledged early?
 * @vol:	the volume
 * @flush:	the flush
 *
 * Context: any.
 * Return: true: dstb_io_flush_resume() follows.
 */
bool dstb_write_early_wait(struct dstb_volume *vol, struct dstb_io *flush)
{
	unsigned long flags;
	bool wait;

	spin_lock_irqsave(&vol->lock, flags);
	wait = vol->nr_early;
	if (wait)
		list_add_tail(&flush->overlap.wait, &vol->flushes);
	spin_unlock_irqrestore(&vol->lock, flags);
	return wait;
}

static void copy_free(struct dstb_io *io)
{
	struct bio_vec *vec;
	int i;

	if (io->data == io->bio)
		return;
	bio_for_each_bvec_all(vec, io->data, i)
		mempool_free(vec->bv_page, &io->vol->copy_pages);
	bio_put(io->data);
	io->data = io->bio;
}

/*
 * The pages are the submitter's again once the write is acknowledged, so the legs that are still
 * under way then need pages of their own. Without memory for them the write simply waits for every
 * leg.
 */
static void copy_make(struct dstb_io *io)
{
	struct dstb_volume *vol = io->vol;
	u32 left = io->nr_sectors << 9;
	struct bio *copy;

	if (io->op != REQ_OP_WRITE || !mempool_initialized(&vol->copy_pages))
		return;
	copy = bio_alloc_bioset(NULL, DIV_ROUND_UP(left, PAGE_SIZE), REQ_OP_WRITE, GFP_NOWAIT,
				&vol->copy_bios);
	if (!copy)
		return;
	io->data = copy;
	while (left) {
		struct page *page = mempool_alloc(&vol->copy_pages, GFP_NOWAIT | __GFP_NOWARN);

		if (!page) {
			copy_free(io);
			return;
		}
		__bio_add_page(copy, page, min_t(u32, left, PAGE_SIZE), 0);
		left -= min_t(u32, left, PAGE_SIZE);
	}
	bio_copy_data(copy, io->bio);
}

/*
 * Legs are under way, enough others are done: may the write be acknowledged? The first leg in sync
 * must be among those that are done: after a crash it is the one that is believed (R3). And the
 * first that has the region: it is believed now. Nobody may have missed it for good without a
 * record of that.
 */
static bool early_ok(const struct dstb_io *io)
{
	bool first = true;
	u32 i, done = 0;

	for (i = 0; i < io->nr_legs; i++) {
		const struct dstb_node *node = io->legs[i].node;
		/* Its bio may be another leg's to end. */
		bool has = !io->region || dstb_node_has(node, io->region->nr);
		u8 state = READ_ONCE(io->legs[i].state);

		/* After a crash nobody believes it, so it does not count. */
		if (io->vol->super && !READ_ONCE(node->recorded))
			continue;
		if (io->vol->super && !READ_ONCE(node->sure))
			return false;
		done += state == LEG_DONE && has;
		if (state == LEG_UNUSED || state == LEG_FAILED) {
			if (READ_ONCE(node->recorded))
				return false;
		} else if (first) {
			if (io->vol->super && state != LEG_DONE)
				return false;
			first = !has;
		}
	}
	return done >= io->need;
}

/**
 * dstb_write_early_ack() - enough legs of a write are done: acknowledge it, if that may be
 * @io:		the write, its data is a copy
 *
 * Context: any. By exactly one leg.
 */
void dstb_write_early_ack(struct dstb_io *io)
{
	if (test_bit(0, &io->acked) || !early_ok(io) || !early_enter(io->vol))
		return;
	/* Who is believed may have changed until it was counted; from here on that waits for it. */
	if (lost_meanwhile(io) || !early_ok(io) || test_and_set_bit(0, &io->acked)) {
		early_landed(io->vol);
		early_exit(io->vol);
	} else {
		dstb_io_bio_done(io, BLK_STS_OK);
	}
}

/* ---- zeroes that a copy refuses ---- */

/**
 * dstb_write_zeroes_init() - make what is written where zeroes are refused
 * @vol:	the volume, of several copies
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; @zeroes of the volume is for kfree().
 */
int dstb_write_zeroes_init(struct dstb_volume *vol)
{
	u32 i;

	vol->zeroes = kcalloc(ZERO_VECS, sizeof(*vol->zeroes), GFP_KERNEL);
	if (!vol->zeroes)
		return -ENOMEM;
	for (i = 0; i < ZERO_VECS; i++)
		bvec_set_page(&vol->zeroes[i], ZERO_PAGE(0), PAGE_SIZE, 0);
	return 0;
}

/* The bio of a leg that is done is nobody's any more: so this takes no memory. */
static struct bio *zeroes_bio(struct dstb_io *io)
{
	struct bio *bio = NULL;
	u32 i;

	for (i = 0; i < io->nr_legs && !bio; i++)
		if (io->legs[i].state == LEG_DONE)
			bio = &io->legs[i].bio;
	bio_init(bio, NULL, io->vol->zeroes, ZERO_VECS, REQ_OP_WRITE);
	bio->bi_vcnt = DIV_ROUND_UP(io->nr_sectors << SECTOR_SHIFT, PAGE_SIZE);
	bio->bi_iter.bi_size = io->nr_sectors << SECTOR_SHIFT;
	return bio;
}

static void zeroes_work_fn(struct work_struct *work)
{
	struct dstb_io *io = container_of(work, struct dstb_io, work);
	u32 i;

	io->data = zeroes_bio(io);
	io->op = REQ_OP_WRITE;
	io->opf &= ~REQ_NOUNMAP;
	atomic_set(&io->refused, 0);
	atomic_set(&io->left, 1);
	for (i = 0; i < io->nr_legs; i++) {
		if (io->legs[i].state != LEG_FAILED ||
		    READ_ONCE(io->legs[i].node->part) == DSTB_PART_OUT)
			continue;
		atomic_inc(&io->left);
		dstb_leg_start(&io->legs[i], true);
	}
	if (atomic_dec_and_test(&io->left))
		dstb_io_done(io);
}

/*
 * Some copies have written zeroes, others don't do that: a device may find out late, and the limits
 * of one that came later may be lower. No node is the worse for it.
 */
static bool zeroes_refused(struct dstb_io *io)
{
	if (io->op != REQ_OP_WRITE_ZEROES || !atomic_read(&io->refused) || !atomic_read(&io->good))
		return false;
	io->zero_pages = true;
	dstb_io_later(io, zeroes_work_fn);
	return true;
}

/* ---- the end ---- */

/* Legs that refused what others did are behind: their nodes are out. */
static void fail_refusers(struct dstb_io *io)
{
	u32 i;

	for (i = 0; i < io->nr_legs; i++)
		if (io->legs[i].state == LEG_FAILED &&
		    READ_ONCE(io->legs[i].node->part) != DSTB_PART_OUT)
			dstb_leg_failed(&io->legs[i], io->status);
}

/* Legs that have it and are believed: not of nodes that lack its region, as in write_legs(). */
static u32 nr_believed(const struct dstb_io *io)
{
	u32 nr = 0, i;

	for (i = 0; i < io->nr_legs; i++)
		nr += io->legs[i].state == LEG_DONE && dstb_leg_readable(&io->legs[i]);
	return nr;
}

static blk_status_t write_status(struct dstb_io *io)
{
	u32 good = atomic_read(&io->good), refused = atomic_read(&io->refused);

	if (good && refused)
		fail_refusers(io);
	if (good && (!io->need || nr_believed(io) >= io->need))
		return BLK_STS_OK;
	/* Nobody did it, and somebody said so: no node is the worse for it. */
	if (!good && refused)
		return io->status;
	return BLK_STS_IOERR;
}

/* It was acknowledged, and now nobody who is believed has it: the next flush says so. */
static void lost_acked(struct dstb_volume *vol)
{
	/* Its nodes went out by force, with what they have; no flush succeeds after that. */
	if (READ_ONCE(vol->gate_dead))
		return;
	pr_warn_ratelimited("volume %s: a write failed that was acknowledged already\n", vol->name);
	atomic_inc(&vol->losses);
}

static void resume_waiter(struct dstb_overlap_entry *waiter)
{
	dstb_io_resume(container_of(waiter, struct dstb_io, overlap));
}

static void write_end(struct dstb_io *io, blk_status_t status)
{
	bool acked = test_bit(0, &io->acked);

	if (io->region)
		dstb_dirty_end(io->vol, io);
	if (io->in_overlap)
		dstb_overlap_end(&io->vol->overlap, &io->overlap, resume_waiter);
	if (acked)
		early_exit(io->vol);
	else
		dstb_io_bio_done(io, status);
	copy_free(io);
	dstb_io_free(io);
}

/**
 * dstb_write_done() - all legs of a write have ended
 * @io:		the write
 *
 * Context: any.
 */
void dstb_write_done(struct dstb_io *io)
{
	bool acked = test_bit(0, &io->acked);
	struct dstb_volume *vol = io->vol;
	blk_status_t status;

	if (unlikely(zeroes_refused(io)))
		return;
	if (unlikely(io->zero_pages))
		io->data = io->bio;
	status = acked ? BLK_STS_OK : write_status(io);
	if (!acked && !status && lost_meanwhile(io))
		status = BLK_STS_IOERR;
	/* Once: it may be parked after that. */
	if (acked && !test_and_set_bit(1, &io->acked))
		early_landed(vol);
	if (acked && atomic_read(&io->refused))
		fail_refusers(io);
	/* One that fails needs no record. */
	if (!status && dstb_io_park(io))
		return;
	if (!status && unlikely(dstb_io_missed(io)))
		status = BLK_STS_IOERR;
	/* Copies that stay in service may be different now. */
	if (unlikely(status) && io->region)
		dstb_dirty_unclean(vol, io);
	/* Before the flushes that wait for it go on. */
	if (unlikely(status) && acked)
		lost_acked(vol);
	write_end(io, status);
}

/* ---- the start ---- */

static u32 write_legs(struct dstb_io *io, u32 *in_sync)
{
	u32 i, live = 0;

	/* The bit of the region, then the look at who is there: pairs with begin_sync(). */
	smp_mb();
	*in_sync = 0;
	for (i = 0; i < io->nr_legs; i++) {
		bool out = READ_ONCE(io->legs[i].node->part) == DSTB_PART_OUT;

		io->legs[i].state = out ? LEG_UNUSED : LEG_STARTED;
		live += !out;
		*in_sync += !out && dstb_leg_readable(&io->legs[i]);
	}
	return live;
}

/* Is the first leg what superblocks call the first copy? That is believed after a crash. */
static bool in_order(const struct dstb_io *io)
{
	u32 i;

	for (i = 1; i < io->nr_legs; i++)
		if (io->legs[i].node->index < io->legs[i - 1].node->index)
			return false;
	return true;
}

static void ask_acks(struct dstb_io *io, u32 in_sync)
{
	struct dstb_acks acks = {
		.sector = io->bio->bi_iter.bi_sector,
		.nr_sectors = io->nr_sectors,
		.flags = (io->opf & REQ_FUA ? DSTB_REQ_FUA : 0) |
			 (io->opf & REQ_META ? DSTB_REQ_META : 0),
		.nr_legs = io->nr_legs,
		.nr_in_sync = in_sync,
	};

	io->need = dstb_acks(&io->vol->map, &acks);
	/* Part of the legs refusing for lack of a moment would leave them different. */
	io->opf &= ~REQ_NOWAIT;
}

static void write_start(struct dstb_io *io)
{
	struct dstb_volume *vol = io->vol;
	u32 i, in_sync, live = write_legs(io, &in_sync);

	if (io->nr_legs > 1)
		ask_acks(io, in_sync);
	atomic_set(&io->left, 1);
	if (!in_sync || io->need > in_sync) {
		for (i = 0; i < io->nr_legs; i++)
			io->legs[i].state = LEG_UNUSED;
		io->need = io->nr_legs + 1;
		dstb_io_done(io);
		return;
	}
	if (io->need && io->need < live && in_order(io) && dstb_member_early(vol)) {
		WRITE_ONCE(vol->early, true);
		copy_make(io);
	}
	for (i = 0; i < io->nr_legs; i++) {
		if (io->legs[i].state == LEG_UNUSED)
			continue;
		atomic_inc(&io->left);
		dstb_leg_start(&io->legs[i], true);
	}
	if (atomic_dec_and_test(&io->left))
		dstb_io_done(io);
}

/**
 * dstb_write_go() - start a write, or go on with one that waited
 * @io:		the write
 *
 * Context: process.
 */
void dstb_write_go(struct dstb_io *io)
{
	struct dstb_volume *vol = io->vol;

	if (io->nr_legs > 1 && !io->in_overlap) {
		if (!dstb_overlap_begin(&vol->overlap, &io->overlap, io->bio->bi_iter.bi_sector,
					io->nr_sectors))
			return; /* resume_waiter() goes on */
		io->in_overlap = true;
	}
	if (vol->dirty.bits && io->nr_legs > 1) {
		switch (dstb_dirty_begin(vol, io)) {
		case DSTB_DIRTY_GO:
			break;
		case DSTB_DIRTY_WAITS:
			return; /* dstb_io_resume() goes on */
		case DSTB_DIRTY_AGAIN:
			write_end(io, BLK_STS_AGAIN);
			return;
		case DSTB_DIRTY_FAILS:
			write_end(io, BLK_STS_IOERR);
			return;
		}
	}
	write_start(io);
}
