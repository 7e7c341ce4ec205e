// SPDX-License-Identifier: GPL-2.0
/*
 * Legs: one node's share of a request, from its start to its end.
 */
#include <linux/blkdev.h>
#include <linux/ktime.h>

#include "dirty.h"
#include "fault.h"
#include "io_int.h"
#include "member.h"
#include "node.h"
#include "raw.h"
#include "resync.h"
#include "trace.h"
#include "volume.h"

/**
 * dstb_leg_start() - send a leg to its node
 * @leg:	the leg; one of io->left is its
 * @patient:	it waits for the node when that is away for a while
 *
 * Context: process; may sleep as the node's start does.
 */
void dstb_leg_start(struct dstb_leg *leg, bool patient)
{
	struct dstb_node *node = leg->node;

	leg->state = LEG_STARTED;
	leg->patient = patient;
	leg->started_ns = leg->io->op == REQ_OP_READ && leg->io->nr_legs > 1 ? ktime_get_ns() : 0;
	atomic_inc(&node->in_flight);
	smp_mb__after_atomic(); /* counted, then whether it can be started: dstb_node_busy() */
	if (static_branch_unlikely(&dstb_fault_holds) && dstb_fault_hold(node))
		dstb_node_pend(leg);
	else if (likely(READ_ONCE(node->ready)))
		node->ops->start(leg);
	else
		dstb_node_pend(leg);
}

/**
 * dstb_leg_readable() - does a leg's node have what the leg is about?
 * @leg:	the leg
 *
 * Context: any.
 */
bool dstb_leg_readable(const struct dstb_leg *leg)
{
	const struct dstb_volume *vol = leg->io->vol;

	return dstb_node_has(leg->node,
			     dstb_dirty_region(&vol->dirty, leg->io->bio->bi_iter.bi_sector));
}

/**
 * dstb_leg_may_read() - as dstb_leg_readable(), and the end looks whether that was so when it was
 *			 read
 * @leg:	a leg of a read, that is about to be started
 *
 * Context: any.
 */
bool dstb_leg_may_read(struct dstb_leg *leg)
{
	/* Then its part, and whether it is ready: pairs with dstb_node_doubt() */
	leg->sync_gen = smp_load_acquire(&leg->node->sync_gen);
	return dstb_leg_readable(leg);
}

/*
 * Its node went after it was found to have what was to be read, and may have come back without it
 * before that was read there (R2).
 */
static bool is_stale(const struct dstb_leg *leg)
{
	return leg->io->op == REQ_OP_READ && leg->io->nr_legs > 1 &&
	       READ_ONCE(leg->node->sync_gen) != leg->sync_gen;
}

/* It has just found out that its device does not do this: blk-lib.c and dm.c look at the same. */
static bool gave_up(const struct dstb_node *node, enum req_op op)
{
	struct block_device *bdev;
	bool ok;

	/* The leg does not count any more: its node may be closed, and the device go. */
	rcu_read_lock();
	bdev = READ_ONCE(node->bdev);
	ok = bdev && ((op == REQ_OP_WRITE_ZEROES && !bdev_write_zeroes_sectors(bdev)) ||
		      (op == REQ_OP_DISCARD && !bdev_max_discard_sectors(bdev)));
	rcu_read_unlock();
	return ok;
}

/* Says this status that the node does not do such things, rather than that it failed? */
static bool is_refusal(const struct dstb_leg *leg, blk_status_t status)
{
	enum req_op op = leg->io->op;

	if (op == REQ_OP_FLUSH)
		return false;
	/* It was not fit for the device: whoever made it is to blame. */
	if (status == BLK_STS_AGAIN || status == BLK_STS_INVAL)
		return true;
	return (op == REQ_OP_DISCARD || op == REQ_OP_WRITE_ZEROES) &&
	       (status == BLK_STS_NOTSUPP || status == BLK_STS_TARGET || gave_up(leg->node, op));
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

/* Another copy has what could not be read: it may be mended. */
static bool may_mend(const struct dstb_leg *leg)
{
	const struct dstb_io *io = leg->io;

	return io->op == REQ_OP_READ && io->nr_legs > 1 &&
	       dstb_resync_repair(leg->node, io->bio->bi_iter.bi_sector, io->nr_sectors);
}

/**
 * dstb_leg_failed() - a leg's node could not do it
 * @leg:	the leg
 * @status:	what it said
 *
 * Context: any.
 */
void dstb_leg_failed(struct dstb_leg *leg, blk_status_t status)
{
	char reason[80];

	atomic64_inc(&leg->node->errors);
	if (may_mend(leg))
		return;
	/* Nor is it put out by a read while the others are only lost. */
	if (leg->io->op == REQ_OP_READ && leg->io->nr_legs > 1 &&
	    !dstb_member_is_spared(leg->node))
		return;
	scnprintf(reason, sizeof(reason), "%s at sector %llu failed (error %d)",
		  op_name(leg->io->op), leg->sector, -blk_status_to_errno(status));
	dstb_member_failed(leg->node, reason);
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

/*
 * A leg that came too late for a node that is being suspended, or waited for it, was never sent:
 * nothing is wrong with the node. Its marks come before its part is changed (dstb_node_pend()).
 */
static bool is_excused(const struct dstb_node *node)
{
	return READ_ONCE(node->suspended) || READ_ONCE(node->leaving) ||
	       READ_ONCE(node->state) == DST_NODE_STATE_SUSPENDED;
}

static void leg_bad(struct dstb_leg *leg, blk_status_t status)
{
	struct dstb_io *io = leg->io;

	if (status == BLK_STS_TRANSPORT) {
		if (!is_excused(leg->node))
			atomic64_inc(&leg->node->errors);
	} else if (is_refusal(leg, status)) {
		atomic_inc(&io->refused);
	} else {
		dstb_leg_failed(leg, status);
		/* The last copy goes on, without what it should have flushed, perhaps. */
		if (io->flush && READ_ONCE(leg->node->part) != DSTB_PART_OUT) {
			atomic_inc(&io->vol->losses);
			dstb_dirty_flush_failed(io->vol);
		}
	}
	WRITE_ONCE(io->status, status);
	/* A flush that its node may not have had: one that comes in again is asked for it anew. */
	WRITE_ONCE(leg->state,
		   io->flush && status == BLK_STS_TRANSPORT ? LEG_UNUSED : LEG_FAILED);
}

/*
 * What one leg had done when something was lost may be gone: lost_meanwhile(). Legs that only
 * waited then are done later.
 */
static u32 leg_good(struct dstb_io *io)
{
	/* Before it counts: whatever is lost from here on is seen. */
	u32 losses = atomic_read(&io->vol->losses), good = atomic_inc_return(&io->good);

	if (good == 1 && !io->flush)
		WRITE_ONCE(io->losses, losses);
	return good;
}

/**
 * dstb_leg_end() - a leg is over
 * @leg:	the leg
 * @status:	how it ended; BLK_STS_TRANSPORT: its node was not there, and may have done it or not
 *
 * A leg that failed takes its node out before the request can be acknowledged: what it missed is
 * never read from there.
 * Context: any.
 */
void dstb_leg_end(struct dstb_leg *leg, blk_status_t status)
{
	struct dstb_io *io = leg->io;

	atomic_dec(&leg->node->in_flight);
	if (unlikely(io->raw)) {
		dstb_raw_end(leg, status);
		return;
	}
	trace_dstb_leg_end(io->vol->name, leg->node->index, (__force u32)io->op, leg->sector,
			   io->nr_sectors, blk_status_to_errno(status));
	if (unlikely(!status && is_stale(leg))) {
		/* Once more: from whoever has it now. */
		WRITE_ONCE(io->status, BLK_STS_TRANSPORT);
		WRITE_ONCE(leg->state, LEG_UNUSED);
	} else if (likely(!status)) {
		leg_count(leg);
		WRITE_ONCE(leg->state, LEG_DONE);
		/* The count comes last: dstb_io_done() may follow at once. */
		if (leg_good(io) >= io->need && io->need && io->data != io->bio && !io->zero_pages)
			dstb_write_early_ack(io);
	} else {
		leg_bad(leg, status);
	}
	if (atomic_dec_and_test(&io->left))
		dstb_io_done(io);
}
