// SPDX-License-Identifier: GPL-2.0
/*
 * Lanes: one connection of a session and the commands under way on it.
 *
 * A slot has two references while it is in use: the sender's, dropped when the socket has the whole
 * message (or never will), and the reply's. The leg ends with the last one: a reply that is quicker
 * than the return of sendmsg does not pull the message away below the sender.
 *
 * A header's memory is used again when its tag is: the target has answered, so it has received the
 * header, so TCP will not send it again.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "compat.h"
#include "io.h"
#include "main.h"
#include "member.h"
#include "node.h"
#include "raw.h"
#include "session.h"
#include "trace.h"

static struct dstb_lane *to_lane(struct dstb_conn *conn)
{
	return container_of(conn, struct dstb_lane, conn);
}

/* ---- slots ---- */

static bool window_take(struct dstb_lane *lane, u32 bytes)
{
	int old = atomic_read(&lane->window);

	do {
		if (old < (int)bytes)
			return false;
	} while (!atomic_try_cmpxchg(&lane->window, &old, old - bytes));
	return true;
}

static u32 leg_bytes(const struct dstb_leg *leg)
{
	return leg->io->op == REQ_OP_READ || leg->io->op == REQ_OP_WRITE ?
		       leg->io->nr_sectors << 9 :
		       0;
}

/*
 * What a leg takes of the window. Discards and zeroes have no data, but the device takes its time
 * for them: few of them at a time.
 */
static u32 leg_window(const struct dstb_lane *lane, const struct dstb_leg *leg)
{
	if (leg->io->op == REQ_OP_DISCARD || leg->io->op == REQ_OP_WRITE_ZEROES)
		return lane->session->limits.max_request;
	return dstb_wire_window(leg_bytes(leg));
}

/*
 * A free slot's number, or -1. No sbitmap: that has percpu memory, whose mutex may be held by
 * somebody who reclaims memory through this volume, while the lane is made that would let it go on.
 */
static int tag_get(struct dstb_lane *lane)
{
	u32 depth = lane->session->limits.depth, tag = READ_ONCE(lane->next_tag);

	do {
		tag = find_next_zero_bit(lane->tags, depth, tag);
		if (tag >= depth)
			tag = find_first_zero_bit(lane->tags, depth);
		if (tag >= depth)
			return -1;
	} while (test_and_set_bit_lock(tag, lane->tags));
	WRITE_ONCE(lane->next_tag, tag + 1);
	return tag;
}

static struct dstb_slot *slot_get(struct dstb_lane *lane, const struct dstb_leg *leg)
{
	u32 window = leg_window(lane, leg);
	struct dstb_slot *slot;
	int tag;

	tag = tag_get(lane);
	if (tag < 0)
		return NULL;
	if (!window_take(lane, window)) {
		clear_bit_unlock(tag, lane->tags);
		return NULL;
	}
	slot = &lane->slots[tag];
	slot->window = window;
	return slot;
}

static void lane_restart(struct dstb_lane *lane);

static void slot_put(struct dstb_slot *slot)
{
	struct dstb_lane *lane = slot->lane;
	struct dstb_leg *leg;
	blk_status_t status;

	if (!atomic_dec_and_test(&slot->refs))
		return;
	/* Only the last one knows that the other has written them. */
	leg = slot->leg;
	status = slot->status;
	slot->leg = NULL;
	WRITE_ONCE(slot->state, DSTB_SLOT_FREE);
	atomic_add(slot->window, &lane->window);
	/* All of that before the tag: who takes it finds the slot so. */
	clear_bit_unlock(slot->tag, lane->tags);
	if (unlikely(status == BLK_STS_TRANSPORT))
		dstb_node_pend(leg);
	else
		dstb_leg_end(leg, status);
	/* The tag back, then the look: who found none enters the queue, then tries again. */
	smp_mb();
	if (!list_empty(&lane->waiting))
		lane_restart(lane);
}

static u8 wire_op(const struct dstb_io *io)
{
	switch (io->op) {
	case REQ_OP_READ:
		return dstb_raw_digests(io->raw) ? DST_WIRE_DIGEST : DST_WIRE_READ;
	case REQ_OP_WRITE:
		return DST_WIRE_WRITE;
	case REQ_OP_FLUSH:
		return DST_WIRE_FLUSH;
	case REQ_OP_DISCARD:
		return DST_WIRE_DISCARD;
	default:
		return DST_WIRE_WRITE_ZEROES;
	}
}

static void slot_queue(struct dstb_slot *slot, struct dstb_leg *leg)
{
	struct dstb_lane *lane = slot->lane;
	const struct dstb_io *io = leg->io;
	struct dstb_wire_msg msg = {
		.op = wire_op(io),
		.tag = slot->tag,
		.sector = leg->sector,
		.length = leg_bytes(leg),
		.epoch = lane->session->limits.epoch,
	};

	if (io->op == REQ_OP_FLUSH)
		msg.sector = 0;
	else if (!msg.length)
		msg.length = io->nr_sectors;
	if (io->opf & REQ_FUA && io->op == REQ_OP_WRITE)
		msg.flags |= DST_WIRE_F_FUA;
	if (io->op == REQ_OP_WRITE_ZEROES && io->opf & REQ_NOUNMAP)
		msg.flags |= DST_WIRE_F_NOUNMAP;
	dstb_wire_encode(slot->msg.hdr, &msg);
	slot->msg.payload = io->op == REQ_OP_WRITE ? msg.length : 0;
	slot->leg = leg;
	slot->op = msg.op;
	slot->status = BLK_STS_IOERR;
	WRITE_ONCE(slot->started, jiffies);
	atomic_set(&slot->refs, 2);
	/* all of the above, then WAITING: pairs with lane_header() */
	smp_store_release(&slot->state, DSTB_SLOT_WAITING);
	dstb_conn_queue(&lane->conn, &slot->msg);
}

/* Gives slots to legs that wait, as far as there are any. */
static void lane_restart(struct dstb_lane *lane)
{
	struct dstb_slot *slot;
	struct dstb_leg *leg;
	unsigned long flags;
	bool any = false;

	rcu_read_lock(); /* as whoever calls dstb_lane_start() */
	spin_lock_irqsave(&lane->wait_lock, flags);
	while (!READ_ONCE(lane->session->broken) &&
	       (leg = list_first_entry_or_null(&lane->waiting, struct dstb_leg, wait))) {
		slot = slot_get(lane, leg);
		if (!slot)
			break;
		list_del(&leg->wait);
		slot_queue(slot, leg);
		any = true;
	}
	spin_unlock_irqrestore(&lane->wait_lock, flags);
	rcu_read_unlock();
	if (any)
		dstb_conn_send_later(&lane->conn);
}

/* ---- starting legs ---- */

/**
 * struct lane_plug - sends what was queued while the submitter's plug was held
 * @cb:		the block layer's
 * @lane:	holds a reference: the requests may be over, and the volume gone, before the plug
 *		is. And the lane has one on the module, which lane_unplug() is part of
 */
struct lane_plug {
	struct blk_plug_cb cb;
	struct dstb_lane *lane;
};

static void lane_unplug(struct blk_plug_cb *cb, bool from_schedule)
{
	struct lane_plug *plug = container_of(cb, struct lane_plug, cb);

	/* On its way to sleep the task must not sleep for the socket lock. */
	if (from_schedule)
		dstb_conn_send_later(&plug->lane->conn);
	else
		dstb_conn_send(&plug->lane->conn);
	dstb_lane_put(plug->lane);
	kfree(plug);
}

/*
 * Leaves the sending to the end of the submitter's plug, if it has one: a plug's worth of requests
 * is one sendmsg.
 */
static bool lane_plugged(struct dstb_lane *lane)
{
	struct blk_plug_cb *cb = blk_check_plugged(lane_unplug, lane, sizeof(struct lane_plug));
	struct lane_plug *plug;

	if (!cb)
		return false;
	plug = container_of(cb, struct lane_plug, cb);
	if (!plug->lane) {
		kref_get(&lane->kref);
		plug->lane = lane;
	}
	return true;
}

/**
 * dstb_lane_start() - queue a leg's command, now or when there is a slot for it
 * @lane:	the lane
 * @leg:	the leg
 *
 * Context: process, in the RCU section in which the lane was found: whoever sets broken waits for a
 * grace period before it collects what was started.
 * Return: DSTB_LANE_SEND: dstb_lane_send() is due. DSTB_LANE_WAITS: the leg waits for a slot.
 * DSTB_LANE_BROKEN: the session is broken, the leg is still the caller's.
 */
enum dstb_lane_queued dstb_lane_start(struct dstb_lane *lane, struct dstb_leg *leg)
{
	struct dstb_slot *slot = NULL;
	unsigned long flags;

	if (unlikely(READ_ONCE(lane->session->broken)))
		return DSTB_LANE_BROKEN;
	if (likely(list_empty(&lane->waiting)))
		slot = slot_get(lane, leg);
	if (likely(slot)) {
		slot_queue(slot, leg);
		return DSTB_LANE_SEND;
	}
	spin_lock_irqsave(&lane->wait_lock, flags);
	list_add_tail(&leg->wait, &lane->waiting);
	spin_unlock_irqrestore(&lane->wait_lock, flags);
	smp_mb(); /* as in slot_put() */
	lane_restart(lane);
	return DSTB_LANE_WAITS;
}

/**
 * dstb_lane_send() - send what is queued, now or at the end of the submitter's plug
 * @lane:	the lane, with a reference
 *
 * Context: process; may sleep for the socket lock.
 */
void dstb_lane_send(struct dstb_lane *lane)
{
	if (!lane_plugged(lane))
		dstb_conn_send(&lane->conn);
}

/* ---- what comes back ---- */

static const blk_status_t wire_errors[] = {
	[DST_WIRE_OK] = BLK_STS_OK,
	[DST_WIRE_EIO] = BLK_STS_IOERR,
	[DST_WIRE_ENOSPC] = BLK_STS_NOSPC,
	[DST_WIRE_ENOTSUPP] = BLK_STS_NOTSUPP,
	[DST_WIRE_EROFS] = BLK_STS_IOERR,
	[DST_WIRE_EINVAL] = BLK_STS_INVAL,
	[DST_WIRE_ETIMEDOUT] = BLK_STS_TIMEOUT,
	[DST_WIRE_ENOMEM] = BLK_STS_RESOURCE,
};

static u32 count_vecs(const struct bio_vec *vec, u32 done, u32 bytes)
{
	u32 nr = 0;

	bytes += done;
	while (bytes) {
		bytes -= min(bytes, vec[nr].bv_len);
		nr++;
	}
	return nr;
}

static void receive_into(struct dstb_conn *conn, const struct bio *bio)
{
	struct bvec_iter iter = bio->bi_iter;
	const struct bio_vec *vec = __bvec_iter_bvec(bio->bi_io_vec, iter);
	u32 done = mp_bvec_iter_offset(bio->bi_io_vec, iter) - vec->bv_offset;

	iov_iter_bvec(&conn->rx_iter, ITER_DEST, vec, count_vecs(vec, done, iter.bi_size),
		      iter.bi_size + done);
	iov_iter_advance(&conn->rx_iter, done);
}

/**
 * dstb_lane_bye_reason() - why a target has said good-bye
 * @status:	enum dst_wire_status that it said it with
 *
 * Context: any.
 * Return: the sentence.
 */
const char *dstb_lane_bye_reason(u32 status)
{
	switch (status) {
	case DST_WIRE_EGONE:
		return "the export was removed";
	case DST_WIRE_EFENCED:
		return "another initiator has taken the export over";
	case DST_WIRE_ESUSPENDED:
		return "the export was suspended";
	default:
		return "the target said good-bye";
	}
}

/* Bytes that the reply to a command that worked carries. */
static u32 reply_bytes(const struct dstb_slot *slot)
{
	switch (slot->op) {
	case DST_WIRE_READ:
		return leg_bytes(slot->leg);
	case DST_WIRE_DIGEST:
		return DST_WIRE_DIGEST_BYTES;
	default:
		return 0;
	}
}

/* What nothing asked for: only BYE and LEAVING may come. */
static enum dstb_rx_verdict lane_notice(struct dstb_conn *conn, const struct dstb_wire_msg *msg)
{
	struct dstb_session *session = to_lane(conn)->session;
	struct dstb_faults *faults = &session->node->vol->faults;
	const char *why = dstb_wire_check_notice(msg, session->limits.epoch);

	if (why)
		return dstb_conn_violation(conn, why);
	if (msg->op == DST_WIRE_LEAVING) {
		dstb_member_leaving(session->node);
		return DSTB_RX_OK;
	}
	if (!conn->reads_sock)
		dstb_fault_wait(faults, &faults->bye_ms);
	/* Without a reason is as one that was replaced. */
	WRITE_ONCE(session->bye, msg->status ?: DST_WIRE_ESESSION);
	dstb_conn_fail(conn, "%s", dstb_lane_bye_reason(msg->status));
	return DSTB_RX_FAIL;
}

static enum dstb_rx_verdict lane_header(struct dstb_conn *conn, const struct dstb_wire_msg *msg)
{
	struct dstb_lane *lane = to_lane(conn);
	struct dstb_slot *slot;
	u32 bytes;

	if (!(msg->flags & DST_WIRE_F_REPLY))
		return lane_notice(conn, msg);
	if (msg->epoch != lane->session->limits.epoch)
		return dstb_conn_violation(conn, "wrong epoch");
	if (msg->flags != DST_WIRE_F_REPLY)
		return dstb_conn_violation(conn, "flag not allowed");
	if (msg->payload_crc)
		goto broken;
	if (msg->op == DST_WIRE_PING) {
		if (msg->tag || msg->length ||
		    !test_and_clear_bit(DSTB_PING_DUE, &lane->ping_state))
			goto broken;
		return DSTB_RX_OK;
	}
	if (msg->tag >= lane->session->limits.depth || msg->status >= ARRAY_SIZE(wire_errors))
		goto broken;
	slot = &lane->slots[msg->tag];
	/* pairs with slot_queue() */
	if (smp_load_acquire(&slot->state) != DSTB_SLOT_WAITING || slot->op != msg->op)
		goto broken;
	bytes = msg->status ? 0 : reply_bytes(slot);
	if (msg->length != bytes)
		goto broken;
	if (bytes)
		receive_into(conn, slot->leg->io->data);
	WRITE_ONCE(slot->state, DSTB_SLOT_RECEIVING);
	return DSTB_RX_OK;
broken:
	return dstb_conn_violation(conn, "a reply that nothing asked for");
}

static void lane_message(struct dstb_conn *conn, const struct dstb_wire_msg *msg)
{
	struct dstb_lane *lane = to_lane(conn);
	struct dstb_slot *slot;

	if (msg->op == DST_WIRE_PING || msg->op == DST_WIRE_LEAVING)
		return;
	slot = &lane->slots[msg->tag];
	slot->status = wire_errors[msg->status];
	WRITE_ONCE(slot->state, DSTB_SLOT_REPLIED);
	slot_put(slot);
}

static u32 lane_vecs(struct dstb_conn *conn, struct dstb_msg *msg, u32 off, struct bio_vec *vecs,
		     u32 max)
{
	const struct dstb_slot *slot = container_of(msg, struct dstb_slot, msg);
	const struct bio *bio = slot->leg->io->data;
	struct bvec_iter iter = bio->bi_iter;
	u32 nr = 0;

	bvec_iter_advance(bio->bi_io_vec, &iter, off);
	while (iter.bi_size && nr < max) {
		vecs[nr] = mp_bvec_iter_bvec(bio->bi_io_vec, iter);
		bvec_iter_advance_single(bio->bi_io_vec, &iter, vecs[nr].bv_len);
		nr++;
	}
	return nr;
}

static void lane_sent(struct dstb_conn *conn, struct dstb_msg *msg)
{
	struct dstb_lane *lane = to_lane(conn);

	if (msg == &lane->ping)
		clear_bit(DSTB_PING_QUEUED, &lane->ping_state);
	else if (msg != &lane->bye)
		slot_put(container_of(msg, struct dstb_slot, msg));
}

static void lane_broken(struct dstb_conn *conn)
{
	struct dstb_session *session = to_lane(conn)->session;

	queue_work(dstb_watch_wq, &session->fail_work);
}

static const struct dstb_conn_ops lane_conn_ops = {
	.header = lane_header,
	.message = lane_message,
	.vecs = lane_vecs,
	.sent = lane_sent,
	.broken = lane_broken,
};

/* ---- keeping watch ---- */

static struct dstb_msg *lane_fill(struct dstb_lane *lane, struct dstb_msg *msg, u8 op)
{
	struct dstb_wire_msg wire = { .op = op, .epoch = lane->session->limits.epoch };

	dstb_wire_encode(msg->hdr, &wire);
	msg->payload = 0;
	return msg;
}

/**
 * dstb_lane_ping() - ask whether the peer is alive, unless it has still to answer that
 * @lane:	the lane
 *
 * Context: process; one at a time.
 */
void dstb_lane_ping(struct dstb_lane *lane)
{
	if (READ_ONCE(lane->ping_state))
		return;
	set_bit(DSTB_PING_DUE, &lane->ping_state);
	set_bit(DSTB_PING_QUEUED, &lane->ping_state);
	dstb_conn_queue(&lane->conn, lane_fill(lane, &lane->ping, DST_WIRE_PING));
	dstb_conn_send_later(&lane->conn);
}

/**
 * dstb_lane_bye() - tell the peer that this is an orderly end
 * @lane:	the lane
 *
 * Context: process; nothing else is under way.
 */
void dstb_lane_bye(struct dstb_lane *lane)
{
	dstb_conn_bye(&lane->conn, lane_fill(lane, &lane->bye, DST_WIRE_BYE));
}

/**
 * dstb_lane_overdue() - has the peer taken too long?
 * @lane:	the lane
 * @timeout:	for one command, in jiffies
 *
 * Context: any.
 * Return: NULL, or in what way.
 */
const char *dstb_lane_overdue(const struct dstb_lane *lane, unsigned long timeout)
{
	u32 i;

	if (time_after(jiffies,
		       READ_ONCE(lane->conn.rx_stamp) + msecs_to_jiffies(DST_WIRE_DEAD_MS)))
		return "silent for too long";
	for (i = 0; i < lane->session->limits.depth; i++) {
		const struct dstb_slot *slot = &lane->slots[i];

		/* pairs with slot_queue() */
		if (smp_load_acquire(&slot->state) != DSTB_SLOT_FREE &&
		    time_after(jiffies, READ_ONCE(slot->started) + timeout))
			return "a request took too long";
	}
	return NULL;
}

/* ---- life ---- */

/**
 * dstb_lane_fail_all() - give everything on a lane whose connection is closed back to the node
 * @lane:	the lane; the session has been broken for a grace period
 *
 * Context: process, may sleep.
 */
void dstb_lane_fail_all(struct dstb_lane *lane)
{
	struct dstb_leg *leg, *next;
	LIST_HEAD(waiting);
	u32 i;

	dstb_conn_drain(&lane->conn);
	spin_lock_irq(&lane->wait_lock);
	list_splice_init(&lane->waiting, &waiting);
	spin_unlock_irq(&lane->wait_lock);
	list_for_each_entry_safe(leg, next, &waiting, wait)
		dstb_node_pend(leg);
	/*
	 * Nothing is received or sent any more: what is not replied has only the reply's reference
	 * left.
	 */
	for (i = 0; i < lane->session->limits.depth; i++) {
		struct dstb_slot *slot = &lane->slots[i];

		if (slot->state == DSTB_SLOT_WAITING || slot->state == DSTB_SLOT_RECEIVING) {
			slot->status = BLK_STS_TRANSPORT;
			slot->state = DSTB_SLOT_REPLIED;
			slot_put(slot);
		}
	}
}

static void lane_release(struct kref *kref)
{
	struct dstb_lane *lane = container_of(kref, struct dstb_lane, kref);

	dstb_conn_exit(&lane->conn);
	bitmap_free(lane->tags);
	if (lane->hdrs)
		__free_pages(lane->hdrs, lane->hdrs_order);
	kfree(lane->slots);
	kfree(lane);
	module_put(THIS_MODULE);
}

/**
 * dstb_lane_put() - drop a reference
 * @lane:	the lane
 *
 * Context: any but hard interrupts.
 */
void dstb_lane_put(struct dstb_lane *lane)
{
	kref_put(&lane->kref, lane_release);
}

static int lane_alloc(struct dstb_lane *lane, u32 depth)
{
	struct dst_wire_hdr *hdr;
	u32 i;

	lane->slots = kcalloc(depth, sizeof(*lane->slots), GFP_KERNEL);
	lane->tags = bitmap_zalloc(depth, GFP_KERNEL);
	lane->hdrs_order = get_order((depth + 2) * sizeof(*hdr));
	lane->hdrs = alloc_pages(GFP_KERNEL | __GFP_COMP, lane->hdrs_order);
	if (!lane->slots || !lane->tags || !lane->hdrs)
		return -ENOMEM;
	hdr = page_address(lane->hdrs);
	for (i = 0; i < depth; i++) {
		lane->slots[i].lane = lane;
		lane->slots[i].tag = i;
		lane->slots[i].msg.hdr = hdr++;
	}
	lane->ping.hdr = hdr++;
	lane->bye.hdr = hdr;
	return 0;
}

/**
 * dstb_lane_create() - make a lane that is not connected yet
 * @session:	whose; its limits are known
 * @index:	number of the connection
 *
 * Context: process, may sleep.
 * Return: the lane, or an ERR_PTR.
 */
struct dstb_lane *dstb_lane_create(struct dstb_session *session, u32 index)
{
	struct dstb_lane *lane;
	int err;

	lane = kzalloc(sizeof(*lane), GFP_KERNEL);
	if (!lane)
		return ERR_PTR(-ENOMEM);
	__module_get(THIS_MODULE); /* the volume has one */
	lane->session = session;
	lane->index = index;
	lane->ping_stamp = jiffies - msecs_to_jiffies(DST_WIRE_PING_MS); /* with the first tick */
	kref_init(&lane->kref);
	atomic_set(&lane->window, session->window);
	spin_lock_init(&lane->wait_lock);
	INIT_LIST_HEAD(&lane->waiting);
	err = dstb_conn_init(&lane->conn, &lane_conn_ops, session->node->vol->wq,
			     cpumask_local_spread(index, NUMA_NO_NODE));
	if (!err)
		err = lane_alloc(lane, session->limits.depth);
	if (err) {
		dstb_lane_put(lane);
		return ERR_PTR(err);
	}
	return lane;
}
