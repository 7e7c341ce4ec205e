// SPDX-License-Identifier: GPL-2.0
/*
 * A connection at the target, from accept to its end.
 *
 * Its beginning: HELLO comes; hello_work decides, or leaves it parked until others have left the
 * export (target_claim.c), and is then queued again; WELCOME or REJECT.
 *
 * Its end: dstb_conn_fail() from anywhere queues close_work, which is the only one to take it
 * apart, in this order: watch and handshake stopped; socket closed (nothing comes in any more);
 * what the device has is waited for; replies thrown away; out of the queue that its claim waits in;
 * out of its session (whose other connections then end, too) or its listener; freed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/net.h>
#include <linux/ratelimit.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "fault.h"
#include "main.h"
#include "target.h"
#include "transport.h"

static struct dstb_tconn *to_tconn(struct dstb_conn *conn)
{
	return container_of(conn, struct dstb_tconn, conn);
}

/* ---- what comes in ---- */

static enum dstb_rx_verdict tconn_header(struct dstb_conn *conn, const struct dstb_wire_msg *msg)
{
	struct dstb_tconn *tc = to_tconn(conn);
	struct kvec vec = { .iov_base = &tc->hello, .iov_len = sizeof(tc->hello) };

	/* pairs with join() */
	if (smp_load_acquire(&tc->state) != DSTB_TCONN_LIVE) {
		if (tc->state != DSTB_TCONN_HELLO || msg->op != DST_WIRE_HELLO)
			return dstb_conn_violation(conn, "no HELLO");
		if (msg->length != sizeof(tc->hello))
			return dstb_conn_violation(conn, "malformed HELLO");
		conn->rx_hello = vec;
		iov_iter_kvec(&conn->rx_iter, ITER_DEST, &conn->rx_hello, 1, vec.iov_len);
		return DSTB_RX_OK;
	}
	if (msg->op != DST_WIRE_PING && msg->op != DST_WIRE_BYE)
		return dstb_export_io_header(tc, msg);
	if (dstb_wire_check_command(msg, &tc->session->limits))
		return dstb_conn_violation(conn, "malformed PING or BYE");
	/* The last answer may have reached the peer, and not yet returned from our sendmsg. */
	if (msg->op == DST_WIRE_PING && test_and_set_bit_lock(0, &tc->pong_busy))
		return DSTB_RX_PAUSE;
	return DSTB_RX_OK;
}

static void tconn_piece(struct dstb_conn *conn)
{
	struct dstb_tconn *tc = to_tconn(conn);

	if (tc->state == DSTB_TCONN_LIVE)
		dstb_export_io_piece(tc);
}

static void tconn_pong(struct dstb_tconn *tc)
{
	struct dstb_wire_msg msg = {
		.op = DST_WIRE_PING, .flags = DST_WIRE_F_REPLY, .epoch = tc->session->limits.epoch,
	};

	dstb_wire_encode(tc->pong.hdr, &msg);
	dstb_conn_queue(&tc->conn, &tc->pong);
	dstb_conn_send_later(&tc->conn);
}

static void tconn_message(struct dstb_conn *conn, const struct dstb_wire_msg *msg)
{
	struct dstb_tconn *tc = to_tconn(conn);
	const char *why;

	switch (msg->op) {
	case DST_WIRE_HELLO:
		why = dstb_wire_check_hello(msg, &tc->hello);
		if (why) {
			dstb_conn_violation(conn, why);
			return;
		}
		WRITE_ONCE(tc->state, DSTB_TCONN_DECIDING);
		queue_work(dstb_wq, &tc->hello_work);
		return;
	case DST_WIRE_PING:
		tconn_pong(tc);
		return;
	case DST_WIRE_BYE:
		WRITE_ONCE(tc->session->left, true);
		dstb_conn_fail(conn, "the initiator said good-bye");
		return;
	default:
		dstb_export_io_message(tc, msg);
	}
}

static void tconn_received(struct dstb_conn *conn)
{
	struct dstb_tconn *tc = to_tconn(conn);

	if (tc->state == DSTB_TCONN_LIVE)
		dstb_export_io_received(tc);
}

/* ---- what goes out ---- */

static u32 tconn_vecs(struct dstb_conn *conn, struct dstb_msg *msg, u32 off, struct bio_vec *vecs,
		      u32 max)
{
	struct dstb_tconn *tc = to_tconn(conn);

	if (msg != &tc->answer) {
		dstb_fault_wait(&dstb_target_faults, &dstb_target_faults.reply_ms);
		return dstb_export_io_vecs(msg, off, vecs, max);
	}
	bvec_set_virt(vecs, tc->ctl->text + off, msg->payload - off);
	return 1;
}

static void tconn_sent(struct dstb_conn *conn, struct dstb_msg *msg)
{
	struct dstb_tconn *tc = to_tconn(conn);

	if (msg == &tc->pong) {
		clear_bit_unlock(0, &tc->pong_busy);
		dstb_conn_resume(conn);
	} else if (msg == &tc->leaving) {
		clear_bit(0, &tc->leaving_busy);
	} else if (msg != &tc->bye && msg != &tc->answer) {
		dstb_export_io_sent(msg);
	}
}

/**
 * dstb_tconn_answer() - answer a HELLO
 * @tc:		the connection; its ctl has the payload
 * @op:		DST_WIRE_WELCOME or DST_WIRE_REJECT. Where no session begins it is the peer that
 *		closes, so that the answer arrives; one that does not is closed after as long as a
 *		handshake may take
 * @status:	of a REJECT
 * @length:	of the payload
 *
 * Context: process, may sleep.
 */
void dstb_tconn_answer(struct dstb_tconn *tc, u8 op, u32 status, u32 length)
{
	struct dstb_wire_msg msg = { .op = op, .status = status, .length = length };

	tc->rejecting = op == DST_WIRE_REJECT;
	WRITE_ONCE(tc->since, jiffies);
	/* since, then answered: tick_fn() */
	smp_store_release(&tc->answered, true);
	dstb_wire_encode(tc->answer.hdr, &msg);
	tc->answer.payload = length;
	dstb_conn_queue(&tc->conn, &tc->answer);
	dstb_conn_send(&tc->conn);
}

/**
 * dstb_tconn_bye() - tell the peer that a connection ends; the caller breaks it then
 * @tc:		the connection, of a session
 * @status:	enum dst_wire_status, what to say
 *
 * Context: process, may sleep; dstb_target_lock held.
 */
void dstb_tconn_bye(struct dstb_tconn *tc, u32 status)
{
	struct dstb_wire_msg msg = {
		.op = DST_WIRE_BYE, .status = status, .epoch = tc->session->limits.epoch,
	};

	lockdep_assert_held(&dstb_target_lock);
	if (READ_ONCE(tc->conn.broken))
		return;
	dstb_wire_encode(tc->bye.hdr, &msg);
	dstb_conn_bye(&tc->conn, &tc->bye);
}

/**
 * dstb_tconn_leaving() - tell the initiator that it will have to do without the export
 * @tc:		the connection, of a session
 *
 * Context: process, may sleep; dstb_target_lock held.
 */
void dstb_tconn_leaving(struct dstb_tconn *tc)
{
	struct dstb_wire_msg msg = {
		.op = DST_WIRE_LEAVING, .epoch = tc->session->limits.epoch,
	};

	lockdep_assert_held(&dstb_target_lock);
	if (READ_ONCE(tc->conn.broken) || test_and_set_bit(0, &tc->leaving_busy))
		return;
	dstb_wire_encode(tc->leaving.hdr, &msg);
	dstb_conn_queue(&tc->conn, &tc->leaving);
	dstb_conn_send(&tc->conn);
}

/* ---- watch ---- */

static bool after_ms(unsigned long since, unsigned int ms)
{
	return time_after_eq(jiffies, since + msecs_to_jiffies(ms));
}

static void tick_fn(struct work_struct *work)
{
	struct dstb_tconn *tc = container_of(to_delayed_work(work), struct dstb_tconn, tick);
	/* Before state: of one that was answered and stays, join() has set LIVE before. */
	bool answered = smp_load_acquire(&tc->answered); /* pairs with dstb_tconn_answer() */

	switch (READ_ONCE(tc->state)) {
	case DSTB_TCONN_HELLO:
		dstb_conn_violation(&tc->conn, "handshake took too long");
		return;
	case DSTB_TCONN_PARKED:
		/* Perhaps it has waited for too long. Not here: that takes the lock. */
		queue_work(dstb_wq, &tc->hello_work);
		break;
	case DSTB_TCONN_LIVE:
		if (!after_ms(READ_ONCE(tc->conn.rx_stamp), DST_WIRE_DEAD_MS + 1))
			break;
		dstb_conn_fail(&tc->conn, "silent for too long");
		return;
	default:
		if (!answered || !after_ms(READ_ONCE(tc->since), DST_WIRE_HANDSHAKE_MS))
			break;
		dstb_conn_fail(&tc->conn, "answered");
		return;
	}
	queue_delayed_work(dstb_watch_wq, &tc->tick, msecs_to_jiffies(DST_WIRE_PING_MS));
}

static void hello_work_fn(struct work_struct *work)
{
	/* Who takes dstb_target_lock may be what memory is to be reclaimed through. */
	unsigned int noio = memalloc_noio_save();

	dstb_tsession_hello(container_of(work, struct dstb_tconn, hello_work));
	memalloc_noio_restore(noio);
}

/* ---- life ---- */

static void tconn_free(struct dstb_tconn *tc)
{
	dstb_export_io_exit(tc, DSTB_TARGET_DEPTH);
	dstb_conn_exit(&tc->conn);
	free_page((unsigned long)tc->ctl);
	kfree(tc);
}

static void count_rejected(struct dstb_tconn *tc)
{
	if (!tc->conn.violated && !tc->rejecting)
		return;
	atomic64_inc(tc->session ? &tc->session->export->rejected : &tc->listener->rejected);
	if (tc->conn.violated)
		pr_warn_ratelimited("export %s: connection closed: %s\n",
				    tc->session ? tc->session->export->config.name : "?",
				    tc->conn.reason);
}

static void close_work_fn(struct work_struct *work)
{
	struct dstb_tconn *tc = container_of(work, struct dstb_tconn, close_work);
	struct dstb_listener *listener;

	disable_delayed_work_sync(&tc->tick);
	disable_work_sync(&tc->hello_work);
	dstb_conn_close(&tc->conn);
	dstb_export_io_stop(tc);
	dstb_conn_drain(&tc->conn);

	mutex_lock(&dstb_target_lock);
	dstb_claim_drop(&tc->claim);
	count_rejected(tc);
	list_del(&tc->list);
	listener = tc->listener;
	if (tc->session)
		dstb_tsession_leave(tc);
	tconn_free(tc);
	if (listener && !--listener->nr_tconns)
		wake_up_all(&listener->gone);
	mutex_unlock(&dstb_target_lock);
}

static void tconn_broken(struct dstb_conn *conn)
{
	struct dstb_tconn *tc = to_tconn(conn);

	/* One without a session has nothing with a device. Pairs with join(). */
	if (smp_load_acquire(&tc->state) == DSTB_TCONN_LIVE)
		queue_work(tc->session->export->close_wq, &tc->close_work);
	else
		queue_work(dstb_wq, &tc->close_work);
}

static const struct dstb_conn_ops tconn_ops = {
	.header = tconn_header,
	.piece = tconn_piece,
	.message = tconn_message,
	.received = tconn_received,
	.vecs = tconn_vecs,
	.sent = tconn_sent,
	.broken = tconn_broken,
};

/**
 * dstb_tconn_create() - take an accepted socket
 * @listener:	where it came in
 * @sock:	the socket; the connection's from now on, released on failure, too
 *
 * Context: process, may sleep; dstb_target_lock held.
 * Return: 0 or -ENOMEM.
 */
int dstb_tconn_create(struct dstb_listener *listener, struct socket *sock)
{
	struct dstb_tconn *tc = kzalloc(sizeof(*tc), GFP_KERNEL);

	lockdep_assert_held(&dstb_target_lock);
	if (!tc)
		goto release;
	tc->ctl = (void *)get_zeroed_page(GFP_KERNEL);
	if (!tc->ctl)
		goto free;
	tc->answer.hdr = &tc->ctl->answer;
	tc->pong.hdr = &tc->ctl->pong;
	tc->bye.hdr = &tc->ctl->bye;
	tc->leaving.hdr = &tc->ctl->leaving;
	tc->since = jiffies;
	dstb_transport_from(sock, &tc->from);
	INIT_WORK(&tc->hello_work, hello_work_fn);
	INIT_DELAYED_WORK(&tc->tick, tick_fn);
	INIT_WORK(&tc->close_work, close_work_fn);
	/* Until it is known whose wq it is, the module's will do. */
	if (dstb_conn_init(&tc->conn, &tconn_ops, dstb_wq, WORK_CPU_UNBOUND))
		goto free;
	tc->listener = listener;
	list_add_tail(&tc->list, &listener->tconns);
	listener->nr_tconns++;
	queue_delayed_work(dstb_watch_wq, &tc->tick, msecs_to_jiffies(DST_WIRE_HANDSHAKE_MS));
	dstb_conn_start(&tc->conn, sock);
	return 0;
free:
	free_page((unsigned long)tc->ctl);
	kfree(tc);
release:
	sock_release(sock);
	return -ENOMEM;
}
