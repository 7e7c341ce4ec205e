// SPDX-License-Identifier: GPL-2.0
/*
 * The way of a request: gate, run, legs, acknowledgment; and flushes. Writes are in io_write.c,
 * reads in io_read.c, what happens to a leg in io_leg.c.
 *
 * One submit_bio makes one struct dstb_io, for the first run of the bio; the rest goes back to the
 * block layer and comes again. So each call takes one element of the volume's pool, and the pool's
 * guarantee holds. A request holds one reference of the volume's inflight from submit_bio to its
 * end, held ones excepted.
 *
 * Legs end in any context, softirq mostly. What may sleep (another try of a read, the data after a
 * flush, a write that waited for one that overlaps) is the volume's workqueue's.
 */
#include <linux/blkdev.h>
#include <linux/slab.h>

#include "compat.h"
#include "dirty.h"
#include "io_int.h"
#include "member.h"
#include "node.h"
#include "place.h"
#include "trace.h"
#include "volume.h"

#define POOL_MIN	64	/* requests that go on without memory */
#define COPY_PAGES	512	/* pages of writes acknowledged before all legs are done */

static void io_start(struct dstb_volume *vol, struct bio *bio);

/* ---- objects ---- */

static struct dstb_io *io_alloc(struct dstb_volume *vol, struct bio *bio, mempool_t *pool)
{
	gfp_t gfp = bio->bi_opf & REQ_NOWAIT ? GFP_NOWAIT | __GFP_NOWARN : GFP_NOIO;
	struct dstb_io *io = mempool_alloc(pool, gfp);

	if (!io)
		return NULL;
	io->vol = vol;
	io->bio = bio;
	io->data = bio;
	io->op = bio_op(bio);
	io->opf = bio->bi_opf & ~REQ_OP_MASK;
	io->nr_sectors = bio_sectors(bio);
	io->start_time = 0;
	io->raw = NULL;
	io->region = NULL;
	io->in_overlap = false;
	io->acked = 0;
	io->zero_pages = false;
	io->flush = false;
	io->nr_legs = 0;
	io->need = 0;
	atomic_set(&io->good, 0);
	atomic_set(&io->refused, 0);
	io->status = BLK_STS_OK;
	return io;
}

/**
 * dstb_io_free() - a request is over
 * @io:		the request; its bio is ended
 *
 * Context: any.
 */
void dstb_io_free(struct dstb_io *io)
{
	struct dstb_volume *vol = io->vol;

	mempool_free(io, io->flush ? vol->pools.flush : vol->pools.io);
	percpu_ref_put(&vol->inflight);
}

/**
 * dstb_io_bio_done() - end the bio of a request
 * @io:		the request
 * @status:	how
 *
 * Context: any.
 */
void dstb_io_bio_done(struct dstb_io *io, blk_status_t status)
{
	struct bio *bio = io->bio;

	if (io->start_time)
		bio_end_io_acct(bio, io->start_time);
	trace_dstb_io_end(io->vol->name, (__force u32)io->op, bio->bi_iter.bi_sector,
			  io->nr_sectors, blk_status_to_errno(status));
	bio->bi_status = status;
	bio_endio(bio);
}

/**
 * dstb_io_later() - go on with a request from a process
 * @io:		the request
 * @fn:		of its work; allocates nothing: on that queue requests end that others wait for
 *
 * Context: any.
 */
void dstb_io_later(struct dstb_io *io, work_func_t fn)
{
	INIT_WORK(&io->work, fn);
	queue_work(io->vol->io_wq, &io->work);
}

static void io_go(struct dstb_io *io)
{
	if (io->op == REQ_OP_READ)
		dstb_read_go(io);
	else
		dstb_write_go(io);
}

static void go_work_fn(struct work_struct *work)
{
	io_go(container_of(work, struct dstb_io, work));
}

/**
 * dstb_io_resume() - a request that waited may go on
 * @io:		the request, in no queue any more
 *
 * Context: any.
 */
void dstb_io_resume(struct dstb_io *io)
{
	dstb_io_later(io, go_work_fn);
}

/* ---- what is acknowledged must be recorded ---- */

/**
 * dstb_io_missed() - is a write, or a flush, missing on a node that is recorded to have everything?
 * @io:		the request, its legs have ended
 *
 * Then it must not be acknowledged yet (R1, R7).
 * Context: any.
 */
bool dstb_io_missed(const struct dstb_io *io)
{
	u32 nr = io->flush ? io->vol->nr_data : io->nr_legs, i;

	for (i = 0; i < nr; i++) {
		const struct dstb_leg *leg = &io->legs[i];

		if (io->flush && leg->state == LEG_UNUSED && !dstb_node_may_cache(leg->node))
			continue;
		/* One that is syncing may have lost what was in its cache. */
		if (READ_ONCE(leg->state) == LEG_DONE &&
		    READ_ONCE(leg->node->part) != DSTB_PART_SYNCING)
			continue;
		smp_mb(); /* who is out, then what is recorded: pairs with update_super() */
		if (READ_ONCE(leg->node->recorded))
			return true;
	}
	return false;
}

/*
 * Will it ever be recorded that they missed it? A node that stays in sync although it failed
 * (nobody else has its data) never is.
 */
static bool recordable(const struct dstb_io *io)
{
	u32 nr = io->flush ? io->vol->nr_data : io->nr_legs, i;

	for (i = 0; i < nr; i++) {
		const struct dstb_leg *leg = &io->legs[i];

		if (io->flush && leg->state == LEG_UNUSED && !dstb_node_may_cache(leg->node))
			continue;
		if (READ_ONCE(leg->state) != LEG_DONE &&
		    READ_ONCE(leg->node->part) == DSTB_PART_IN)
			return false;
	}
	return true;
}

/**
 * dstb_io_park() - is a request to wait until what a node missed is recorded?
 * @io:		the request, its legs have ended
 *
 * Context: any.
 * Return: true: it waits; dstb_io_done() is called once more when there is something new.
 */
bool dstb_io_park(struct dstb_io *io)
{
	struct dstb_volume *vol = io->vol;
	unsigned long flags;
	bool wait;

	if (likely(!dstb_io_missed(io)))
		return false;
	spin_lock_irqsave(&vol->lock, flags);
	/* What is recorded is so before dstb_io_release_parked() takes the lock. */
	wait = dstb_io_missed(io) && recordable(io) && !vol->gate_dead && !vol->park_fails;
	if (wait)
		list_add_tail(&io->overlap.wait, &vol->parked);
	spin_unlock_irqrestore(&vol->lock, flags);
	/* Without a quorum it is tried again in any case, at its own pace. */
	if (wait && READ_ONCE(vol->quorum))
		dstb_member_kick(vol);
	return wait;
}

/**
 * dstb_io_release_parked() - a new state of the superblocks is recorded, or there will be none
 * @vol:	the volume
 *
 * Writes and flushes that waited for it are acknowledged, or wait on, or fail.
 * Context: process, may sleep.
 */
void dstb_io_release_parked(struct dstb_volume *vol)
{
	struct dstb_io *io, *next;
	LIST_HEAD(parked);

	spin_lock_irq(&vol->lock);
	list_splice_init(&vol->parked, &parked);
	spin_unlock_irq(&vol->lock);
	list_for_each_entry_safe(io, next, &parked, overlap.wait)
		dstb_io_done(io);
}

/* ---- flushes ---- */

static bool flush_lost_data(const struct dstb_io *io)
{
	const struct dstb_volume *vol = io->vol;
	u32 failed = 0, i;

	for (i = 0; i < vol->nr_data; i++)
		failed += READ_ONCE(vol->nodes[i]->part) == DSTB_PART_OUT;
	/* As many nodes gone as a sector has copies: what was acknowledged may be on none. */
	return failed >= vol->map.layout.copies;
}

/* The data of bios whose flush is done: apart from what ends requests, for it takes new ones. */
static void flushed_work_fn(struct work_struct *work)
{
	struct dstb_volume *vol = container_of(work, struct dstb_volume, flushed_work);
	struct bio_list bios;
	struct bio *bio;

	spin_lock_irq(&vol->lock);
	bios = vol->flushed;
	bio_list_init(&vol->flushed);
	spin_unlock_irq(&vol->lock);
	/* The reference of inflight goes on with the bio. */
	while ((bio = bio_list_pop(&bios)))
		io_start(vol, bio);
}

static void flush_next(struct dstb_io *io)
{
	struct dstb_volume *vol = io->vol;
	struct bio *bio = io->bio;
	unsigned long flags;

	bio->bi_opf &= ~REQ_PREFLUSH;
	mempool_free(io, vol->pools.flush);
	spin_lock_irqsave(&vol->lock, flags);
	bio_list_add(&vol->flushed, bio);
	spin_unlock_irqrestore(&vol->lock, flags);
	queue_work(vol->new_wq, &vol->flushed_work);
}

/*
 * What a node had acknowledged is gone, and nobody else has it: every flush says so that was under
 * way then, or that begins before one has said it. Its target may have restarted while they waited
 * for it.
 */
static bool flush_lost_cache(const struct dstb_io *io)
{
	u32 losses = atomic_read(&io->vol->losses);

	if (likely(losses == io->losses))
		return false;
	/* Those that are held were there before this one fails, too. */
	if (!READ_ONCE(io->vol->nr_held))
		WRITE_ONCE(io->vol->losses_told, losses);
	return true;
}

/*
 * A node that was out when the flush began is in sync now: it is to be flushed, too. One that is
 * lost once more is waited for like any other, unless nothing is.
 */
static bool flush_came_in(const struct dstb_io *io)
{
	u32 i;

	for (i = 0; i < io->vol->nr_data && !READ_ONCE(io->vol->gate_dead); i++) {
		const struct dstb_node *node = io->legs[i].node;

		if (io->legs[i].state == LEG_UNUSED && dstb_node_may_cache(node) &&
		    dstb_node_in_sync(node) &&
		    (READ_ONCE(node->ready) || !READ_ONCE(node->impatient)))
			return true;
	}
	return false;
}

static void flush_done(struct dstb_io *io)
{
	bool lost = flush_lost_data(io) || flush_lost_cache(io);

	if (!lost && unlikely(flush_came_in(io))) {
		dstb_io_flush_resume(io);
		return;
	}
	if (!lost && dstb_io_park(io))
		return;
	if (lost || dstb_io_missed(io)) {
		dstb_io_bio_done(io, BLK_STS_IOERR);
		dstb_io_free(io);
	} else if (bio_sectors(io->bio)) {
		flush_next(io);
	} else {
		dstb_io_bio_done(io, BLK_STS_OK);
		dstb_io_free(io);
	}
}

static void flush_go(struct dstb_io *io)
{
	struct dstb_volume *vol = io->vol;
	u32 i;

	atomic_set(&io->left, 1);
	for (i = 0; i < vol->nr_data; i++) {
		struct dstb_leg *leg = &io->legs[i];

		leg->io = io;
		leg->node = vol->nodes[i];
		leg->sector = 0;
		leg->state = LEG_UNUSED;
	}
	/* After all of them are filled in: the first may end at once. */
	for (i = 0; i < vol->nr_data; i++) {
		if (!dstb_node_may_cache(vol->nodes[i]) ||
		    READ_ONCE(vol->nodes[i]->part) == DSTB_PART_OUT)
			continue;
		atomic_inc(&io->left);
		dstb_leg_start(&io->legs[i], true);
	}
	if (atomic_dec_and_test(&io->left))
		dstb_io_done(io);
}

static void flush_work_fn(struct work_struct *work)
{
	flush_go(container_of(work, struct dstb_io, work));
}

/**
 * dstb_io_flush_resume() - a flush need not wait any more
 * @io:		the flush
 *
 * Context: any.
 */
void dstb_io_flush_resume(struct dstb_io *io)
{
	dstb_io_later(io, flush_work_fn);
}

static void flush_start(struct dstb_volume *vol, struct bio *bio)
{
	struct dstb_io *io = io_alloc(vol, bio, vol->pools.flush);

	if (!io) {
		bio_wouldblock_error(bio);
		percpu_ref_put(&vol->inflight);
		return;
	}
	io->flush = true;
	io->op = REQ_OP_FLUSH;
	io->opf = 0;
	io->nr_sectors = 0;
	io->losses = READ_ONCE(vol->losses_told);
	if (unlikely(READ_ONCE(vol->early)) && dstb_write_early_wait(vol, io))
		return; /* dstb_io_flush_resume() goes on */
	flush_go(io);
}

/* ---- all together ---- */

/**
 * dstb_io_done() - all legs of a request have ended
 * @io:		the request
 *
 * Context: any.
 */
void dstb_io_done(struct dstb_io *io)
{
	if (io->flush)
		flush_done(io);
	else if (io->op == REQ_OP_READ)
		dstb_read_done(io);
	else
		dstb_write_done(io);
}

static void io_set_legs(struct dstb_io *io, const struct dstb_placement *place)
{
	u32 i;

	io->nr_legs = place->nr_legs;
	for (i = 0; i < place->nr_legs; i++) {
		struct dstb_leg *leg = &io->legs[i];

		leg->io = io;
		leg->node = io->vol->nodes[place->legs[i].node];
		leg->sector = place->legs[i].sector;
		leg->state = LEG_UNUSED;
	}
	/* What is discarded from a mirror must read the same everywhere. */
	if (io->op == REQ_OP_DISCARD && io->vol->map.layout.copies > 1) {
		io->op = REQ_OP_WRITE_ZEROES;
		io->opf &= ~REQ_NOUNMAP;
	}
}

/* How much of a bio one request may be. */
static u32 longest(const struct dstb_volume *vol, const struct bio *bio)
{
	u32 nr = bio_sectors(bio), max = vol->max_sectors;
	u64 sector = bio->bi_iter.bi_sector;

	if (bio_op(bio) == REQ_OP_DISCARD)
		max = vol->max_discard;
	else if (bio_op(bio) == REQ_OP_WRITE_ZEROES)
		max = vol->max_write_zeroes;
	if (max)
		nr = min(nr, max);
	if (vol->map.layout.copies > 1)
		nr = min_t(u32, nr, DSTB_GRANULE - (sector & (DSTB_GRANULE - 1)));
	return nr;
}

static void bio_fail(struct dstb_volume *vol, struct bio *bio, blk_status_t status)
{
	bio->bi_status = status;
	bio_endio(bio);
	percpu_ref_put(&vol->inflight);
}

/* The policy is gone, or the volume held: the bio waits, unless it or the volume does not. */
static void hold(struct dstb_volume *vol, struct bio *bio)
{
	unsigned long flags;
	bool again;

	if (bio->bi_opf & REQ_NOWAIT) {
		bio_fail(vol, bio, BLK_STS_AGAIN);
		return;
	}
	spin_lock_irqsave(&vol->lock, flags);
	/* Nobody could end the wait of one that is still being made. */
	if (vol->gate_dead || !vol->added || vol->park_fails) {
		spin_unlock_irqrestore(&vol->lock, flags);
		bio_fail(vol, bio, BLK_STS_IOERR);
		return;
	}
	bio_list_add(&vol->held, bio);
	vol->nr_held++;
	/* It may have come back before we got here. */
	again = !dstb_mapping_lost(&vol->map) && !vol->gate_hold;
	spin_unlock_irqrestore(&vol->lock, flags);
	if (again)
		queue_work(vol->new_wq, &vol->held_work);
	percpu_ref_put(&vol->inflight);
}

/* Starts the first run of a bio; the rest of it is submitted again. Has a reference of inflight. */
static void io_start(struct dstb_volume *vol, struct bio *bio)
{
	struct dstb_placement place DSTB_UNINITIALIZED;
	struct bio *rest = NULL;
	struct dstb_io *io;
	int err;

	err = dstb_place(&vol->map, bio->bi_iter.bi_sector, longest(vol, bio), &place);
	if (unlikely(err == -EAGAIN)) {
		hold(vol, bio);
		return;
	}
	if (unlikely(err)) {
		bio_fail(vol, bio, BLK_STS_IOERR);
		return;
	}
	if (place.nr_sectors < bio_sectors(bio)) {
		struct bio *front;

		if (bio->bi_opf & REQ_NOWAIT) {
			bio_fail(vol, bio, BLK_STS_AGAIN);
			return;
		}
		front = dstb_bio_split(bio, place.nr_sectors, &vol->disk->bio_split);
		if (!front) {
			bio_fail(vol, bio, BLK_STS_IOERR);
			return;
		}
		bio_chain(front, bio);
		rest = bio;
		bio = front;
	}
	io = io_alloc(vol, bio, vol->pools.io);
	if (!io) {
		bio_fail(vol, bio, BLK_STS_AGAIN);
		return;
	}
	if (blk_queue_io_stat(vol->disk->queue))
		io->start_time = bio_start_io_acct(bio);
	trace_dstb_io_start(vol->name, (__force u32)io->op, bio->bi_iter.bi_sector, io->nr_sectors,
			    0);
	io_set_legs(io, &place);
	io_go(io);
	if (rest)
		submit_bio_noacct(rest);
}

/* Must it fail before anybody is asked? */
static blk_status_t gate(const struct dstb_volume *vol, const struct bio *bio)
{
	u32 mask = (vol->map.layout.block_size >> SECTOR_SHIFT) - 1;
	bool writes = op_is_write(bio_op(bio)) && bio_sectors(bio);

	if (unlikely(READ_ONCE(vol->gate_dead) ||
		     (writes && (vol->read_only || test_bit(0, &vol->map.faulted)))))
		return BLK_STS_IOERR;
	switch (bio_op(bio)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		break;
	default:
		return BLK_STS_NOTSUPP;
	}
	/*
	 * The block layer checks that for requests, but not for bios (partitions, stacked devices).
	 */
	if (unlikely((bio->bi_iter.bi_sector | bio_sectors(bio)) & mask ||
		     (!bio_sectors(bio) && !(bio->bi_opf & REQ_PREFLUSH))))
		return BLK_STS_INVAL;
	return BLK_STS_OK;
}

/**
 * dstb_submit_bio() - the block layer's way in
 * @bio:	what of
 *
 * Context: process.
 */
void dstb_submit_bio(struct bio *bio)
{
	struct dstb_volume *vol = bio->bi_bdev->bd_disk->private_data;
	blk_status_t status;

	while (unlikely(!percpu_ref_tryget_live(&vol->inflight)))
		if (dstb_io_frozen(vol, bio))
			return;
	status = gate(vol, bio);
	if (unlikely(status))
		bio_fail(vol, bio, status);
	else if (unlikely(READ_ONCE(vol->gate_hold)))
		hold(vol, bio);
	else if (bio->bi_opf & REQ_PREFLUSH)
		flush_start(vol, bio);
	else
		io_start(vol, bio);
}

/**
 * dstb_io_release_held() - try what waited for the policy again; fail it when the volume is dead
 * @vol:	the volume
 *
 * Context: process, may sleep; a reference of inflight, or nobody submits any more.
 */
void dstb_io_release_held(struct dstb_volume *vol)
{
	struct bio_list held;
	struct bio *bio;
	u32 nr = 0;

	spin_lock_irq(&vol->lock);
	held = vol->held;
	bio_list_init(&vol->held);
	spin_unlock_irq(&vol->lock);
	while ((bio = bio_list_pop(&held))) {
		dstb_submit_bio(bio);
		nr++;
	}
	/* They count until they have begun: flush_lost_cache(). Some are held once more. */
	spin_lock_irq(&vol->lock);
	vol->nr_held -= nr;
	spin_unlock_irq(&vol->lock);
}

/* ---- what a volume needs for it ---- */

/* Can a write be acknowledged before all its legs are done? */
static bool asks_acks(const struct dstb_volume *vol)
{
	const struct dstb_policy_ops *ops;
	bool asks;

	rcu_read_lock();
	ops = rcu_dereference(vol->map.ops);
	asks = vol->map.layout.copies > 1 && ops && ops->acks;
	rcu_read_unlock();
	return asks;
}

/**
 * dstb_io_pools_make() - make pools of requests
 * @pools:	gets them
 * @copies:	legs of a request
 * @nodes:	legs of a flush
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; dstb_io_pools_free() either way.
 */
int dstb_io_pools_make(struct dstb_io_pools *pools, u32 copies, u32 nodes)
{
	struct dstb_io *io;

	pools->io = mempool_create_kmalloc_pool(POOL_MIN, struct_size(io, legs, copies));
	pools->flush = mempool_create_kmalloc_pool(2, struct_size(io, legs, nodes));
	return pools->io && pools->flush ? 0 : -ENOMEM;
}

/**
 * dstb_io_pools_free() - the reverse of dstb_io_pools_make()
 * @pools:	the pools, nothing is taken from them
 *
 * Context: process, may sleep.
 */
void dstb_io_pools_free(struct dstb_io_pools *pools)
{
	mempool_destroy(pools->flush);
	mempool_destroy(pools->io);
}

/**
 * dstb_io_volume_init() - make the pools of a volume
 * @vol:	the volume; nodes and layout are known
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; dstb_io_volume_exit() either way.
 */
int dstb_io_volume_init(struct dstb_volume *vol)
{
	int err;

	dstb_overlap_init(&vol->overlap);
	bio_list_init(&vol->held);
	bio_list_init(&vol->flushed);
	INIT_WORK(&vol->flushed_work, flushed_work_fn);
	INIT_LIST_HEAD(&vol->flushes);
	INIT_LIST_HEAD(&vol->parked);
	err = dstb_io_pools_make(&vol->pools, vol->map.layout.copies, vol->nr_data);
	if (!err && vol->map.layout.copies > 1)
		err = dstb_write_zeroes_init(vol);
	if (!err && asks_acks(vol)) {
		err = bioset_init(&vol->copy_bios, 2, 0, BIOSET_NEED_BVECS);
		if (!err)
			err = mempool_init_page_pool(&vol->copy_pages, COPY_PAGES, 0);
	}
	return err;
}

/**
 * dstb_io_volume_exit() - the reverse of dstb_io_volume_init()
 * @vol:	the volume; nothing is under way
 *
 * Context: process, may sleep.
 */
void dstb_io_volume_exit(struct dstb_volume *vol)
{
	kfree(vol->zeroes);
	mempool_exit(&vol->copy_pages);
	bioset_exit(&vol->copy_bios);
	dstb_io_pools_free(&vol->pools);
}
