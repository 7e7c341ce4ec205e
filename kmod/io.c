// SPDX-License-Identifier: GPL-2.0
/*
 * The way of a request: gate, run, legs, acknowledgment.
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
#include <linux/ktime.h>
#include <linux/slab.h>

#include "compat.h"
#include "io.h"
#include "node.h"
#include "place.h"
#include "trace.h"
#include "volume.h"

#define POOL_MIN	64	/* requests that go on without memory */
#define COPY_PAGES	512	/* pages of writes acknowledged before all legs are done */

enum leg_state {
	LEG_UNUSED,	/* its node is out */
	LEG_STARTED,
	LEG_DONE,	/* ended well */
	LEG_FAILED,	/* and its node with it, unless it only refused */
};

static void io_start(struct dstb_volume *vol, struct bio *bio);
static void io_go(struct dstb_io *io);

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
	io->in_overlap = false;
	io->acked = false;
	io->flush = false;
	io->nr_legs = 0;
	io->need = 0;
	atomic_set(&io->good, 0);
	atomic_set(&io->refused, 0);
	io->status = BLK_STS_OK;
	return io;
}

static void io_free(struct dstb_io *io)
{
	struct dstb_volume *vol = io->vol;

	mempool_free(io, io->flush ? &vol->flush_pool : &vol->io_pool);
	percpu_ref_put(&vol->inflight);
}

static void bio_done(struct dstb_io *io, blk_status_t status)
{
	struct bio *bio = io->bio;

	if (io->start_time)
		bio_end_io_acct(bio, io->start_time);
	trace_dstb_io_end(io->vol->name, (__force u32)io->op, bio->bi_iter.bi_sector,
			  io->nr_sectors, blk_status_to_errno(status));
	bio->bi_status = status;
	bio_endio(bio);
}

/* Goes on from a process. */
static void io_later(struct dstb_io *io, work_func_t fn)
{
	INIT_WORK(&io->work, fn);
	queue_work(io->vol->io_wq, &io->work);
}

static void go_work_fn(struct work_struct *work)
{
	io_go(container_of(work, struct dstb_io, work));
}

static void resume_waiter(struct dstb_overlap_entry *waiter)
{
	io_later(container_of(waiter, struct dstb_io, overlap), go_work_fn);
}

/*
 * ---- writes that are acknowledged before all legs are done ----
 *
 * A flush must not overtake the legs that such a write still has under way (R7): it waits until
 * there are none. While one waits, no further write is acknowledged early, so it does not wait for
 * ever.
 */

static bool early_enter(struct dstb_volume *vol)
{
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&vol->lock, flags);
	ok = list_empty(&vol->flushes);
	vol->nr_early += ok;
	spin_unlock_irqrestore(&vol->lock, flags);
	return ok;
}

static void flush_work_fn(struct work_struct *work);

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
		io_later(io, flush_work_fn);
}

static bool early_wait(struct dstb_volume *vol, struct dstb_io *flush)
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

/* ---- legs ---- */

static void leg_start(struct dstb_leg *leg)
{
	struct dstb_node *node = leg->node;

	leg->state = LEG_STARTED;
	leg->started_ns = leg->io->op == REQ_OP_READ && leg->io->nr_legs > 1 ? ktime_get_ns() : 0;
	atomic_inc(&node->in_flight);
	if (unlikely(!dstb_node_in_sync(node)))
		dstb_leg_end(leg, BLK_STS_IOERR);
	else
		node->ops->start(leg);
}

/* Says this status that the node does not do such things, rather than that it failed? */
static bool is_refusal(const struct dstb_leg *leg, blk_status_t status)
{
	return status == BLK_STS_AGAIN ||
	       (status == BLK_STS_NOTSUPP && leg->io->op != REQ_OP_READ &&
		leg->io->op != REQ_OP_WRITE);
}

static const char *op_name(enum req_op op)
{
	switch (op) {
	case REQ_OP_READ:
		return "a read";
	case REQ_OP_WRITE:
		return "a write";
	case REQ_OP_FLUSH:
		return "a flush";
	case REQ_OP_DISCARD:
		return "a discard";
	default:
		return "writing zeroes";
	}
}

static void leg_failed(struct dstb_leg *leg, blk_status_t status)
{
	char reason[80];

	atomic64_inc(&leg->node->errors);
	scnprintf(reason, sizeof(reason), "%s at sector %llu failed (error %d)",
		  op_name(leg->io->op), leg->sector, -blk_status_to_errno(status));
	dstb_node_set_state(leg->node, DST_NODE_STATE_FAILED, reason);
}

static void leg_count(struct dstb_leg *leg)
{
	struct dstb_node *node = leg->node;
	u64 old, took;

	if (leg->io->op != REQ_OP_READ) {
		atomic64_inc(&node->writes);
		return;
	}
	atomic64_inc(&node->reads);
	if (leg->started_ns) {
		old = READ_ONCE(node->latency_ns);
		took = ktime_get_ns() - leg->started_ns;
		WRITE_ONCE(node->latency_ns, old ? old - (old >> 3) + (took >> 3) : took);
	}
}

static void io_done(struct dstb_io *io);

/**
 * dstb_leg_end() - a leg is over
 * @leg:	the leg
 * @status:	how it ended
 *
 * A leg that failed takes its node out before the request can be acknowledged: what it missed is
 * never read from there.
 * Context: any.
 */
void dstb_leg_end(struct dstb_leg *leg, blk_status_t status)
{
	struct dstb_io *io = leg->io;

	atomic_dec(&leg->node->in_flight);
	trace_dstb_leg_end(io->vol->name, leg->node->index, (__force u32)io->op, leg->sector,
			   io->nr_sectors, blk_status_to_errno(status));
	if (likely(!status)) {
		leg_count(leg);
		WRITE_ONCE(leg->state, LEG_DONE);
		/*
		 * The early acknowledgment, by exactly one leg; the count comes last: io_done()
		 * may follow at once.
		 */
		if (atomic_inc_return(&io->good) == io->need && io->need && io->data != io->bio &&
		    early_enter(io->vol)) {
			io->acked = true;
			bio_done(io, BLK_STS_OK);
		}
	} else {
		if (is_refusal(leg, status))
			atomic_inc(&io->refused);
		else
			leg_failed(leg, status);
		WRITE_ONCE(io->status, status);
		WRITE_ONCE(leg->state, LEG_FAILED);
	}
	if (atomic_dec_and_test(&io->left))
		io_done(io);
}

/* ---- writes ---- */

/* Legs that refused what others did are behind: their nodes are out. */
static void fail_refusers(struct dstb_io *io)
{
	u32 i;

	for (i = 0; i < io->nr_legs; i++)
		if (io->legs[i].state == LEG_FAILED && dstb_node_in_sync(io->legs[i].node))
			leg_failed(&io->legs[i], io->status);
}

static blk_status_t write_status(struct dstb_io *io)
{
	u32 good = atomic_read(&io->good), refused = atomic_read(&io->refused);

	if (good && refused)
		fail_refusers(io);
	if (good && good >= io->need)
		return BLK_STS_OK;
	/* Nobody did it, and somebody said so: no node is the worse for it. */
	if (!good && refused)
		return io->status;
	return BLK_STS_IOERR;
}

static void write_done(struct dstb_io *io)
{
	blk_status_t status = io->acked ? BLK_STS_OK : write_status(io);

	if (io->acked && atomic_read(&io->refused))
		fail_refusers(io);
	if (io->in_overlap)
		dstb_overlap_end(&io->vol->overlap, &io->overlap, resume_waiter);
	if (io->acked)
		early_exit(io->vol);
	if (!io->acked)
		bio_done(io, status);
	copy_free(io);
	io_free(io);
}

static void write_start(struct dstb_io *io)
{
	struct dstb_volume *vol = io->vol;
	u32 i, live = 0;

	for (i = 0; i < io->nr_legs; i++) {
		io->legs[i].state = dstb_node_in_sync(io->legs[i].node) ? LEG_STARTED : LEG_UNUSED;
		live += io->legs[i].state == LEG_STARTED;
	}
	if (io->nr_legs > 1) {
		struct dstb_acks acks = {
			.sector = io->bio->bi_iter.bi_sector,
			.nr_sectors = io->nr_sectors,
			.flags = (io->opf & REQ_FUA ? DSTB_REQ_FUA : 0) |
				 (io->opf & REQ_META ? DSTB_REQ_META : 0),
			.nr_legs = io->nr_legs,
			.nr_in_sync = live,
		};

		io->need = dstb_acks(&vol->map, &acks);
		/* Part of the legs refusing for lack of a moment would leave them different. */
		io->opf &= ~REQ_NOWAIT;
	}
	atomic_set(&io->left, 1);
	if (!live || io->need > live) {
		io->need = io->nr_legs + 1;
		io_done(io);
		return;
	}
	if (io->need && io->need < live) {
		WRITE_ONCE(vol->early, true);
		copy_make(io);
	}
	for (i = 0; i < io->nr_legs; i++) {
		if (io->legs[i].state == LEG_UNUSED)
			continue;
		atomic_inc(&io->left);
		leg_start(&io->legs[i]);
	}
	if (atomic_dec_and_test(&io->left))
		io_done(io);
}

/* ---- reads ---- */

/**
 * struct stragglers - legs that must not serve a read: an acknowledged write is still on its way to
 * them
 * @io:		the read
 * @behind:	bit n: leg n is behind
 * @waits:	the read waits for the write
 */
struct stragglers {
	struct dstb_io *io;
	u32 behind;
	bool waits;
};

static bool find_stragglers(struct dstb_overlap_entry *entry, void *arg)
{
	struct dstb_io *write = container_of(entry, struct dstb_io, overlap);
	struct stragglers *s = arg;
	struct dstb_io *io = s->io;
	u32 i, j, usable = 0;

	if (!READ_ONCE(write->acked))
		return false;
	for (i = 0; i < io->nr_legs; i++) {
		for (j = 0; j < write->nr_legs; j++)
			if (write->legs[j].node == io->legs[i].node &&
			    READ_ONCE(write->legs[j].state) != LEG_DONE)
				s->behind |= BIT(i);
		if (io->legs[i].state == LEG_UNUSED && !(s->behind & BIT(i)) &&
		    dstb_node_in_sync(io->legs[i].node))
			usable++;
	}
	if (usable)
		return false;
	/* Every leg that is left is behind. They will not stay so. */
	list_add_tail(&io->overlap.wait, &entry->waiters);
	s->waits = true;
	return true;
}

static void read_next(struct dstb_io *io)
{
	struct stragglers s = { .io = io };
	struct dstb_pick_leg legs[DSTB_MAX_LEGS] DSTB_UNINITIALIZED;
	u32 index[DSTB_MAX_LEGS] DSTB_UNINITIALIZED;
	u32 nr = 0, i, pick = 0;
	u64 sector = io->bio->bi_iter.bi_sector;

	if (unlikely(READ_ONCE(io->vol->early)) &&
	    dstb_overlap_for_each(&io->vol->overlap, sector, io->nr_sectors, find_stragglers, &s))
		return;
	for (i = 0; i < io->nr_legs; i++) {
		if (io->legs[i].state != LEG_UNUSED || s.behind & BIT(i) ||
		    !dstb_node_in_sync(io->legs[i].node))
			continue;
		index[nr] = i;
		legs[nr++].node = io->legs[i].node;
	}
	if (!nr) {
		bio_done(io, io->status ?: BLK_STS_IOERR);
		io_free(io);
		return;
	}
	if (nr > 1)
		pick = dstb_pick_read(&io->vol->map, sector, io->nr_sectors, legs, nr);
	atomic_set(&io->left, 1);
	leg_start(&io->legs[index[pick]]);
}

static void read_done(struct dstb_io *io)
{
	u32 i;

	if (likely(atomic_read(&io->good)) || io->status == BLK_STS_AGAIN) {
		bio_done(io, atomic_read(&io->good) ? BLK_STS_OK : io->status);
		io_free(io);
		return;
	}
	for (i = 0; i < io->nr_legs; i++) {
		if (io->legs[i].state == LEG_UNUSED && dstb_node_in_sync(io->legs[i].node)) {
			/* Another leg has it: from a process, this may be an interrupt. */
			io_later(io, go_work_fn);
			return;
		}
	}
	bio_done(io, io->status);
	io_free(io);
}

/* ---- flushes ---- */

static bool flush_lost_data(const struct dstb_io *io)
{
	const struct dstb_volume *vol = io->vol;
	u32 failed = 0, i;

	for (i = 0; i < vol->nr_nodes; i++)
		failed += !dstb_node_in_sync(vol->nodes[i]);
	/*
	 * As many nodes gone as there are copies: what was acknowledged may be on none that is
	 * left.
	 */
	return failed >= vol->map.layout.copies;
}

/* The data of a bio whose flush is done. */
static void flushed_work_fn(struct work_struct *work)
{
	struct dstb_io *io = container_of(work, struct dstb_io, work);
	struct dstb_volume *vol = io->vol;
	struct bio *bio = io->bio;

	/* The reference of inflight goes on with the bio. */
	mempool_free(io, &vol->flush_pool);
	io_start(vol, bio);
}

static void flush_done(struct dstb_io *io)
{
	struct bio *bio = io->bio;

	if (flush_lost_data(io)) {
		bio_done(io, BLK_STS_IOERR);
		io_free(io);
	} else if (bio_sectors(bio)) {
		bio->bi_opf &= ~REQ_PREFLUSH;
		io_later(io, flushed_work_fn);
	} else {
		bio_done(io, BLK_STS_OK);
		io_free(io);
	}
}

static void flush_go(struct dstb_io *io)
{
	struct dstb_volume *vol = io->vol;
	u32 i;

	atomic_set(&io->left, 1);
	for (i = 0; i < vol->nr_nodes; i++) {
		struct dstb_leg *leg = &io->legs[i];

		if (!vol->nodes[i]->volatile_cache || !dstb_node_in_sync(vol->nodes[i]))
			continue;
		leg->io = io;
		leg->node = vol->nodes[i];
		leg->sector = 0;
		atomic_inc(&io->left);
		leg_start(leg);
	}
	if (atomic_dec_and_test(&io->left))
		io_done(io);
}

static void flush_work_fn(struct work_struct *work)
{
	flush_go(container_of(work, struct dstb_io, work));
}

static void flush_start(struct dstb_volume *vol, struct bio *bio)
{
	struct dstb_io *io = io_alloc(vol, bio, &vol->flush_pool);

	if (!io) {
		bio_wouldblock_error(bio);
		percpu_ref_put(&vol->inflight);
		return;
	}
	io->flush = true;
	io->op = REQ_OP_FLUSH;
	io->opf = 0;
	io->nr_sectors = 0;
	if (unlikely(READ_ONCE(vol->early)) && early_wait(vol, io))
		return; /* early_exit() goes on */
	flush_go(io);
}

/* ---- all together ---- */

static void io_done(struct dstb_io *io)
{
	if (io->flush)
		flush_done(io);
	else if (io->op == REQ_OP_READ)
		read_done(io);
	else
		write_done(io);
}

static void io_go(struct dstb_io *io)
{
	if (io->op == REQ_OP_READ) {
		read_next(io);
		return;
	}
	if (io->nr_legs > 1) {
		if (!dstb_overlap_begin(&io->vol->overlap, &io->overlap, io->bio->bi_iter.bi_sector,
					io->nr_sectors))
			return; /* resume_waiter() goes on */
		io->in_overlap = true;
	}
	write_start(io);
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
	if (io->op == REQ_OP_DISCARD && place->nr_legs > 1) {
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

/* The policy is gone: the bio waits for it, unless the volume does not. */
static void hold(struct dstb_volume *vol, struct bio *bio)
{
	unsigned long flags;
	bool again;

	if (bio->bi_opf & REQ_NOWAIT) {
		bio_fail(vol, bio, BLK_STS_AGAIN);
		return;
	}
	spin_lock_irqsave(&vol->lock, flags);
	if (vol->dead) {
		spin_unlock_irqrestore(&vol->lock, flags);
		bio_fail(vol, bio, BLK_STS_IOERR);
		return;
	}
	bio_list_add(&vol->held, bio);
	vol->nr_held++;
	/* It may have come back before we got here. */
	again = !dstb_mapping_lost(&vol->map);
	spin_unlock_irqrestore(&vol->lock, flags);
	if (again)
		queue_work(vol->io_wq, &vol->held_work);
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
	io = io_alloc(vol, bio, &vol->io_pool);
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

/**
 * dstb_submit_bio() - the block layer's way in
 * @bio:	what of
 *
 * Context: process.
 */
void dstb_submit_bio(struct bio *bio)
{
	struct dstb_volume *vol = bio->bi_bdev->bd_disk->private_data;

	if (unlikely(!percpu_ref_tryget_live(&vol->inflight))) {
		bio_io_error(bio);
		return;
	}
	if (unlikely(READ_ONCE(vol->dead) || (op_is_write(bio_op(bio)) && bio_sectors(bio) &&
					      test_bit(0, &vol->map.faulted)))) {
		bio_fail(vol, bio, BLK_STS_IOERR);
		return;
	}
	switch (bio_op(bio)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
	case REQ_OP_DISCARD:
	case REQ_OP_WRITE_ZEROES:
		break;
	default:
		bio_fail(vol, bio, BLK_STS_NOTSUPP);
		return;
	}
	if (bio->bi_opf & REQ_PREFLUSH)
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

	spin_lock_irq(&vol->lock);
	held = vol->held;
	bio_list_init(&vol->held);
	vol->nr_held = 0;
	spin_unlock_irq(&vol->lock);
	while ((bio = bio_list_pop(&held)))
		dstb_submit_bio(bio);
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
 * dstb_io_volume_init() - make the pools of a volume
 * @vol:	the volume; nodes and layout are known
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; dstb_io_volume_exit() either way.
 */
int dstb_io_volume_init(struct dstb_volume *vol)
{
	struct dstb_io *io;
	int err;

	dstb_overlap_init(&vol->overlap);
	bio_list_init(&vol->held);
	INIT_LIST_HEAD(&vol->flushes);
	err = mempool_init_kmalloc_pool(&vol->io_pool, POOL_MIN,
					struct_size(io, legs, vol->map.layout.copies));
	if (!err)
		err = mempool_init_kmalloc_pool(&vol->flush_pool, 2,
						struct_size(io, legs, vol->nr_nodes));
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
	mempool_exit(&vol->copy_pages);
	bioset_exit(&vol->copy_bios);
	mempool_exit(&vol->flush_pool);
	mempool_exit(&vol->io_pool);
}
