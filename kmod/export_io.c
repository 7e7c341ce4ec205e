// SPDX-License-Identifier: GPL-2.0
/*
 * Commands at the target: header and payload as they come, submission from the connection's worker,
 * reply.
 *
 * Memory. A connection has a pool of as many pages as its window has units. A command takes its
 * pages when its header is there and gives them back when its reply has been handed to the socket.
 * TCP may still hold those of a READ then (of a DIGEST: the first), to send them again. The pool is
 * a queue, and that is enough: a page comes to its front only when every other page is with a
 * command that has no reply yet, or was given back later. Would the initiator not have our reply
 * yet, all those would count against its window, with nothing left for the command that wants the
 * page. So it has the reply, and has said so to our TCP with that command.
 */
#include <linux/blkdev.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "main.h"
#include "target.h"
#include "trace.h"

/* ---- the pool ---- */

static bool pool_take(struct dstb_cmd *cmd, u32 nr)
{
	struct dstb_tconn *tc = cmd->tc;
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&tc->pool_lock, flags);
	ok = tc->nr_pool >= nr;
	if (ok) {
		tc->nr_pool -= nr;
		while (nr--)
			list_move_tail(tc->pool.next, &cmd->pages);
	}
	spin_unlock_irqrestore(&tc->pool_lock, flags);
	return ok;
}

static void pool_give(struct dstb_cmd *cmd)
{
	struct dstb_tconn *tc = cmd->tc;
	unsigned long flags;
	struct page *page;
	u32 nr = 0;

	list_for_each_entry(page, &cmd->pages, lru)
		nr++;
	if (!nr)
		return;
	spin_lock_irqsave(&tc->pool_lock, flags);
	list_splice_tail_init(&cmd->pages, &tc->pool);
	tc->nr_pool += nr;
	spin_unlock_irqrestore(&tc->pool_lock, flags);
}

/* ---- replies ---- */

/* Bytes that the reply of a command that worked carries; they are in its pages. */
static u32 reply_bytes(const struct dstb_cmd *cmd)
{
	switch (cmd->op) {
	case DST_WIRE_READ:
		return cmd->length;
	case DST_WIRE_DIGEST:
		return DST_WIRE_DIGEST_BYTES;
	default:
		return 0;
	}
}

static void reply(struct dstb_cmd *cmd)
{
	struct dstb_tconn *tc = cmd->tc;
	struct dstb_wire_msg msg = {
		.op = cmd->op,
		.flags = DST_WIRE_F_REPLY,
		.tag = cmd->tag,
		.status = cmd->status,
		.epoch = tc->session->limits.epoch,
	};

	if (!cmd->status)
		msg.length = reply_bytes(cmd);
	dstb_wire_encode(cmd->msg.hdr, &msg);
	cmd->msg.payload = msg.length;
	atomic_inc(&tc->replying);
	/* pairs with dstb_export_io_header() */
	smp_store_release(&cmd->state, DSTB_CMD_REPLYING);
	dstb_conn_queue(&tc->conn, &cmd->msg);
	/*
	 * In an interrupt of the submitter current is the submitter: it clears the pointer before
	 * it looks a last time.
	 */
	if (READ_ONCE(tc->submitter) != current)
		dstb_conn_send_later(&tc->conn);
}

/**
 * dstb_export_io_sent() - the socket has a reply, or never will
 * @msg:	the reply
 *
 * Context: process.
 */
void dstb_export_io_sent(struct dstb_msg *msg)
{
	struct dstb_cmd *cmd = container_of(msg, struct dstb_cmd, msg);
	struct dstb_tconn *tc = cmd->tc;

	pool_give(cmd);
	/* the pages are back, then FREE: pairs with dstb_export_io_header() */
	smp_store_release(&cmd->state, DSTB_CMD_FREE);
	/* after the pages, as the one who looks expects it */
	atomic_dec_return(&tc->replying);
	dstb_conn_resume(&tc->conn);
}

/**
 * dstb_export_io_vecs() - describe the data of a reply
 * @msg:	the reply
 * @off:	from this byte on
 * @vecs:	where to
 * @max:	as many
 *
 * Context: process.
 * Return: how many.
 */
u32 dstb_export_io_vecs(struct dstb_msg *msg, u32 off, struct bio_vec *vecs, u32 max)
{
	struct dstb_cmd *cmd = container_of(msg, struct dstb_cmd, msg);
	u32 left = msg->payload - off, nr = 0;
	struct page *page;

	list_for_each_entry(page, &cmd->pages, lru) {
		u32 len;

		if (off >= PAGE_SIZE) {
			off -= PAGE_SIZE;
			continue;
		}
		if (nr == max || !left)
			break;
		len = min_t(u32, left, PAGE_SIZE - off);
		bvec_set_page(&vecs[nr++], page, len, off);
		left -= len;
		off = 0;
	}
	return nr;
}

/* ---- the device ---- */

/* It has just found out that its device does not do this: blk-lib.c and dm.c look at the same. */
static bool gave_up(const struct dstb_cmd *cmd)
{
	struct block_device *bdev = cmd->tc->session->export->bdev;

	return cmd->op == DST_WIRE_DISCARD ? !bdev_max_discard_sectors(bdev) :
					     !bdev_write_zeroes_sectors(bdev);
}

static u32 wire_status(const struct dstb_cmd *cmd, blk_status_t status)
{
	bool range = cmd->op == DST_WIRE_DISCARD || cmd->op == DST_WIRE_WRITE_ZEROES;

	/* A SCSI disk says BLK_STS_TARGET when it rejects its first UNMAP or WRITE SAME. */
	if (status && range && (status == BLK_STS_TARGET || gave_up(cmd)))
		return DST_WIRE_ENOTSUPP;
	switch (status) {
	case BLK_STS_OK:
		return DST_WIRE_OK;
	case BLK_STS_NOSPC:
		return DST_WIRE_ENOSPC;
	case BLK_STS_NOTSUPP:
		return DST_WIRE_ENOTSUPP;
	case BLK_STS_TIMEOUT:
		return DST_WIRE_ETIMEDOUT;
	case BLK_STS_RESOURCE:
		return DST_WIRE_ENOMEM;
	case BLK_STS_INVAL:
		return DST_WIRE_EINVAL;
	default:
		return DST_WIRE_EIO;
	}
}

static void bios_put(struct dstb_tconn *tc)
{
	if (atomic_dec_and_test(&tc->bios))
		complete(&tc->idle);
}

static void cmd_done(struct dstb_cmd *cmd, u32 status)
{
	struct dstb_tconn *tc = cmd->tc;

	cmd->status = status;
	trace_dstb_cmd_done(cmd->op, cmd->tag, cmd->sector, cmd->length, status);
	if (!reply_bytes(cmd))
		pool_give(cmd);
	reply(cmd);
	bios_put(tc); /* the last touch: the connection may be gone after it */
}

/*
 * The digest takes the place of the data in the first page. The command counts in bios until it is
 * done, so its connection is there until then.
 */
static void digest_work_fn(struct work_struct *work)
{
	struct dstb_cmd *cmd = container_of(work, struct dstb_cmd, digest_work);
	u32 left = cmd->length, len;
	dstb_blake2s blake;
	struct page *page;

	blake2s_init(&blake, DST_WIRE_DIGEST_BYTES);
	list_for_each_entry(page, &cmd->pages, lru) {
		len = min_t(u32, left, PAGE_SIZE);
		blake2s_update(&blake, page_address(page), len);
		left -= len;
		cond_resched();
	}
	page = list_first_entry(&cmd->pages, struct page, lru);
	blake2s_final(&blake, page_address(page));
	cmd_done(cmd, DST_WIRE_OK);
}

static void cmd_end_io(struct bio *bio)
{
	struct dstb_cmd *cmd = bio->bi_private;
	u32 status = wire_status(cmd, bio->bi_status);

	bio_put(bio);
	/* Not here: it takes too long for an interrupt. */
	if (cmd->op == DST_WIRE_DIGEST && !status)
		queue_work(dstb_digest_wq, &cmd->digest_work);
	else
		cmd_done(cmd, status);
}

/*
 * The device has got a volatile cache since the initiator was told that it has none, which then
 * does not flush it.
 */
static bool got_cache(const struct dstb_cmd *cmd)
{
	const struct dstb_tsession *sess = cmd->tc->session;

	return !sess->told_cache && bdev_write_cache(sess->export->bdev);
}

static blk_opf_t cmd_opf(const struct dstb_cmd *cmd)
{
	switch (cmd->op) {
	case DST_WIRE_READ:
	case DST_WIRE_DIGEST:
		return REQ_OP_READ;
	case DST_WIRE_WRITE:
		return REQ_OP_WRITE | REQ_SYNC | REQ_IDLE |
		       (cmd->flags & DST_WIRE_F_FUA || got_cache(cmd) ? REQ_FUA : 0);
	case DST_WIRE_FLUSH:
		return REQ_OP_WRITE | REQ_SYNC | REQ_PREFLUSH;
	case DST_WIRE_DISCARD:
		return REQ_OP_DISCARD | REQ_SYNC;
	default:
		return REQ_OP_WRITE_ZEROES | REQ_SYNC |
		       (cmd->flags & DST_WIRE_F_NOUNMAP ? REQ_NOUNMAP : 0);
	}
}

static void cmd_submit(struct dstb_cmd *cmd)
{
	struct dstb_export *exp = cmd->tc->session->export;
	bool data = !list_empty(&cmd->pages);
	u32 left = cmd->length;
	struct page *page;
	struct bio *bio;

	/* There is no FUA for it: the initiator is to write zeroes instead. */
	if (cmd->op == DST_WIRE_WRITE_ZEROES && got_cache(cmd)) {
		cmd_done(cmd, DST_WIRE_ENOTSUPP);
		return;
	}
	bio = bio_alloc_bioset(exp->bdev, data ? DIV_ROUND_UP(left, PAGE_SIZE) : 0, cmd_opf(cmd),
			       GFP_NOIO, &exp->bios);
	bio->bi_iter.bi_sector = cmd->sector;
	bio->bi_private = cmd;
	bio->bi_end_io = cmd_end_io;
	list_for_each_entry(page, &cmd->pages, lru) {
		__bio_add_page(bio, page, min_t(u32, left, PAGE_SIZE), 0);
		left -= min_t(u32, left, PAGE_SIZE);
	}
	if (!data && cmd->op != DST_WIRE_FLUSH)
		bio->bi_iter.bi_size = cmd->length << 9;
	submit_bio(bio);
}

static void submit_work_fn(struct work_struct *work)
{
	struct dstb_tconn *tc = container_of(work, struct dstb_tconn, submit_work);
	unsigned int noio = memalloc_noio_save();
	unsigned int throttle = current->flags & PF_LOCAL_THROTTLE;
	struct dstb_cmd *cmd, *next;
	struct blk_plug plug;

	/* Writeback that waits for us must not be what we are throttled for. */
	current->flags |= PF_LOCAL_THROTTLE;
	WRITE_ONCE(tc->submitter, current);
	blk_start_plug(&plug);
	llist_for_each_entry_safe(cmd, next, llist_reverse_order(llist_del_all(&tc->ready)), ready)
		cmd_submit(cmd);
	blk_finish_plug(&plug);
	WRITE_ONCE(tc->submitter, NULL);
	barrier(); /* cleared, then the look: see reply() */
	dstb_conn_send(&tc->conn);
	current_restore_flags(throttle, PF_LOCAL_THROTTLE);
	memalloc_noio_restore(noio);
}

/* ---- what comes in ---- */

/**
 * dstb_export_io_header() - a command's header came
 * @tc:		the connection
 * @msg:	the header
 *
 * Context: socket lock held, may be softirq.
 * Return: DSTB_RX_PAUSE while the reply that used the tag (or the pages) before has reached the
 * peer but not yet returned from our sendmsg.
 */
enum dstb_rx_verdict dstb_export_io_header(struct dstb_tconn *tc, const struct dstb_wire_msg *msg)
{
	bool data = msg->op == DST_WIRE_READ || msg->op == DST_WIRE_WRITE ||
		    msg->op == DST_WIRE_DIGEST;
	const char *why = dstb_wire_check_command(msg, &tc->session->limits);
	struct dstb_cmd *cmd;
	u8 state;

	if (why)
		return dstb_conn_violation(&tc->conn, why);
	cmd = &tc->cmds[msg->tag];
	/* pairs with reply() and dstb_export_io_sent() */
	state = smp_load_acquire(&cmd->state);
	if (state == DSTB_CMD_REPLYING)
		return DSTB_RX_PAUSE;
	if (state != DSTB_CMD_FREE)
		return dstb_conn_violation(&tc->conn, "tag in use");
	if (data && !pool_take(cmd, DIV_ROUND_UP(msg->length, PAGE_SIZE))) {
		if (atomic_read_acquire(&tc->replying))
			return DSTB_RX_PAUSE;
		/* The last reply may have gone, and its pages come back, between the two looks. */
		if (!pool_take(cmd, DIV_ROUND_UP(msg->length, PAGE_SIZE)))
			return dstb_conn_violation(&tc->conn, "window exceeded");
	}
	cmd->op = msg->op;
	cmd->flags = msg->flags;
	cmd->sector = msg->sector;
	cmd->length = msg->length;
	cmd->state = DSTB_CMD_RECEIVING;
	if (msg->op == DST_WIRE_WRITE) {
		cmd->fill = NULL;
		dstb_export_io_piece(tc);
	}
	return DSTB_RX_OK;
}

/**
 * dstb_export_io_piece() - set up the next page of a WRITE's payload
 * @tc:		the connection
 *
 * Context: socket lock held, may be softirq.
 */
void dstb_export_io_piece(struct dstb_tconn *tc)
{
	struct dstb_conn *conn = &tc->conn;
	struct dstb_cmd *cmd = &tc->cmds[conn->rx_msg.tag];
	u32 left;

	if (!cmd->fill) {
		cmd->fill = list_first_entry(&cmd->pages, struct page, lru);
		left = cmd->length;
	} else {
		cmd->fill = list_next_entry(cmd->fill, lru);
		left = conn->rx_left;
	}
	bvec_set_page(&conn->rx_vec, cmd->fill, min_t(u32, left, PAGE_SIZE), 0);
	iov_iter_bvec(&conn->rx_iter, ITER_DEST, &conn->rx_vec, 1, conn->rx_vec.bv_len);
}

/**
 * dstb_export_io_message() - a command is all there
 * @tc:		the connection
 * @msg:	its header
 *
 * Context: socket lock held, may be softirq.
 */
void dstb_export_io_message(struct dstb_tconn *tc, const struct dstb_wire_msg *msg)
{
	struct dstb_cmd *cmd = &tc->cmds[msg->tag];

	WRITE_ONCE(cmd->state, DSTB_CMD_BUSY);
	atomic_inc(&tc->bios);
	llist_add(&cmd->ready, &tc->ready);
}

/**
 * dstb_export_io_received() - have what came submitted
 * @tc:		the connection
 *
 * Context: socket lock may be held, may be softirq.
 */
void dstb_export_io_received(struct dstb_tconn *tc)
{
	if (!llist_empty(&tc->ready))
		queue_work_on(tc->conn.cpu, tc->conn.wq, &tc->submit_work);
}

/* ---- life ---- */

/**
 * dstb_export_io_stop() - wait until the device has none of a connection's commands
 * @tc:		the connection, closed
 *
 * Context: process; sleeps as long as the device takes.
 */
void dstb_export_io_stop(struct dstb_tconn *tc)
{
	struct dstb_cmd *cmd, *next;

	if (!tc->cmds)
		return;
	disable_work_sync(&tc->submit_work);
	llist_for_each_entry_safe(cmd, next, llist_del_all(&tc->ready), ready)
		cmd_done(cmd, DST_WIRE_EIO);
	bios_put(tc);
	wait_for_completion(&tc->idle);
}

/**
 * dstb_export_io_init() - make room for a connection's commands
 * @tc:		the connection
 * @depth:	commands
 * @window:	bytes of data
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; dstb_export_io_exit() either way.
 */
int dstb_export_io_init(struct dstb_tconn *tc, u32 depth, u32 window)
{
	/* Whoever asks can wait until there is more: nothing is to be killed for it. */
	const gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	struct dst_wire_hdr *hdr;
	u32 i;

	spin_lock_init(&tc->pool_lock);
	INIT_LIST_HEAD(&tc->pool);
	init_llist_head(&tc->ready);
	INIT_WORK(&tc->submit_work, submit_work_fn);
	atomic_set(&tc->bios, 1);
	init_completion(&tc->idle);
	tc->hdrs_order = get_order(depth * sizeof(*hdr));
	tc->hdrs = alloc_pages(gfp | __GFP_COMP, tc->hdrs_order);
	if (!tc->hdrs)
		return -ENOMEM;
	for (i = 0; i < window / DST_WIRE_UNIT; i++) {
		struct page *page = alloc_page(gfp);

		if (!page)
			return -ENOMEM;
		list_add(&page->lru, &tc->pool);
		tc->nr_pool++;
	}
	tc->cmds = kcalloc(depth, sizeof(*tc->cmds), gfp);
	if (!tc->cmds)
		return -ENOMEM;
	hdr = page_address(tc->hdrs);
	for (i = 0; i < depth; i++) {
		tc->cmds[i].tc = tc;
		tc->cmds[i].tag = i;
		tc->cmds[i].msg.hdr = hdr++;
		INIT_LIST_HEAD(&tc->cmds[i].pages);
		INIT_WORK(&tc->cmds[i].digest_work, digest_work_fn);
	}
	return 0;
}

static void free_pages_of(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/**
 * dstb_export_io_exit() - the reverse of dstb_export_io_init()
 * @tc:		the connection, closed and drained, or without a session. May be called again, and
 *		so may dstb_export_io_init()
 * @depth:	as in init
 */
void dstb_export_io_exit(struct dstb_tconn *tc, u32 depth)
{
	u32 i;

	/* A command that was still being received has pages. */
	for (i = 0; tc->cmds && i < depth; i++)
		free_pages_of(&tc->cmds[i].pages);
	kfree(tc->cmds);
	tc->cmds = NULL;
	if (tc->hdrs) {
		free_pages_of(&tc->pool);
		tc->nr_pool = 0;
		__free_pages(tc->hdrs, tc->hdrs_order);
		tc->hdrs = NULL;
	}
}
