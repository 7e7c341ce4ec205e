// SPDX-License-Identifier: GPL-2.0
/*
 * Connections: framing, batching, zero copy. drivers/nvme/host/tcp.c is where the shape comes from.
 *
 * Sending. Whoever has a message puts it into a lock-free queue and tries to take tx_lock; who
 * holds it sends for all, many messages with one sendmsg. Pages are lent to the socket
 * (MSG_SPLICE_PAGES) where they allow it. A full socket ends the sender; its write_space callback
 * queues tx_work. Nobody waits.
 *
 * Receiving. TCP data is taken where it arrives, in data_ready, with a byte budget; what is left,
 * and every other family, is rx_work's. Both run under the socket lock or as the one work item,
 * never two at a time.
 *
 * Ending. A sendmsg that fails ends the sending, no more: what the peer said before it closed is
 * received first, then rx_work breaks the connection. dstb_conn_fail() only marks and tells, from
 * any context. dstb_conn_close() detaches the callbacks (after that no new work is queued by the
 * socket), disables the work, throws away what the socket still has to send (R10: pages go back to
 * their owners only then) and hands each message to ops->sent. What TCP has handed down already, to
 * a queueing discipline or the NIC's ring, can't be called back.
 */
#include <linux/bio.h>
#include <linux/net.h>
#include <linux/sched/mm.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "compat.h"
#include "conn.h"
#include "transport.h"

#define TX_BYTES	(1024 * 1024 + 4096)	/* of one sendmsg */
#define RX_BUDGET	(256 * 1024)		/* of one data_ready callback or work */

/**
 * dstb_conn_fail() - the connection is of no more use
 * @conn:	the connection
 * @fmt:	why, for people; the first reason stays
 *
 * Tells ops->broken once. Context: any.
 */
void dstb_conn_fail(struct dstb_conn *conn, const char *fmt, ...)
{
	va_list args;

	if (test_and_set_bit(0, &conn->broken))
		return;
	va_start(args, fmt);
	vscnprintf(conn->reason, sizeof(conn->reason), fmt, args);
	va_end(args);
	conn->ops->broken(conn);
}

/**
 * dstb_conn_violation() - the peer broke the protocol: the connection is of no more use
 * @conn:	the connection
 * @why:	in what way
 *
 * Context: any.
 * Return: DSTB_RX_FAIL, for ops->header to return.
 */
enum dstb_rx_verdict dstb_conn_violation(struct dstb_conn *conn, const char *why)
{
	WRITE_ONCE(conn->violated, true);
	dstb_conn_fail(conn, "protocol broken: %s", why);
	return DSTB_RX_FAIL;
}

/* ---- sending ---- */

static void tx_collect(struct dstb_conn *conn)
{
	struct llist_node *list = llist_reverse_order(llist_del_all(&conn->txq));
	struct dstb_msg *msg, *next;

	llist_for_each_entry_safe(msg, next, list, node) {
		msg->next = NULL;
		*conn->tx_tail = msg;
		conn->tx_tail = &msg->next;
	}
}

/*
 * Describes as much as one sendmsg takes; says whether pages may be lent, and whether more is to
 * follow.
 */
static u32 tx_describe(struct dstb_conn *conn, size_t *bytes, bool *lend, bool *more)
{
	struct bio_vec *vecs = conn->tx_vecs;
	struct dstb_msg *msg;
	u32 nr = 0, i;

	*bytes = 0;
	*lend = false;
	*more = false;
	for (msg = conn->tx_head; msg; msg = msg->next) {
		u32 off = msg->sent, head = sizeof(*msg->hdr), first = nr;

		if (nr + 2 > DSTB_TX_VECS || *bytes >= TX_BYTES) {
			*more = true;
			break;
		}
		if (off < head) {
			bvec_set_virt(&vecs[nr], (void *)msg->hdr + off, head - off);
			nr++;
			off = head;
		}
		if (msg->payload) {
			nr += conn->ops->vecs(conn, msg, off - head, vecs + nr, DSTB_TX_VECS - nr);
			*lend = true;
		}
		for (i = first; i < nr; i++)
			*bytes += vecs[i].bv_len;
		if (msg == READ_ONCE(conn->last))
			break;
	}
	for (i = 0; *lend && i < nr; i++)
		/* Its length counts from the start of the first page. */
		*lend = sendpages_ok(vecs[i].bv_page,
				     vecs[i].bv_len + offset_in_page(vecs[i].bv_offset),
				     vecs[i].bv_offset);
	return nr;
}

/* The socket took @bytes: those messages that it has whole are done with. */
static void tx_advance(struct dstb_conn *conn, size_t bytes)
{
	while (bytes) {
		struct dstb_msg *msg = conn->tx_head;
		u32 left = sizeof(*msg->hdr) + msg->payload - msg->sent;

		if (bytes < left) {
			msg->sent += bytes;
			return;
		}
		bytes -= left;
		conn->tx_head = msg->next;
		if (!conn->tx_head)
			conn->tx_tail = &conn->tx_head;
		if (msg == READ_ONCE(conn->last))
			conn->tx_ended = true;
		conn->ops->sent(conn, msg);
	}
}

static void tx_drop(struct dstb_conn *conn)
{
	lockdep_assert_held(&conn->tx_lock);
	tx_collect(conn);
	while (conn->tx_head) {
		struct dstb_msg *msg = conn->tx_head;

		conn->tx_head = msg->next;
		conn->ops->sent(conn, msg);
	}
	conn->tx_tail = &conn->tx_head;
}

/* Sends what there is to send, as far as the socket takes it. */
static void tx_locked(struct dstb_conn *conn)
{
	bool lend, more;
	size_t bytes;
	int ret;
	u32 nr;

	lockdep_assert_held(&conn->tx_lock);
	if (conn->closed) {
		tx_drop(conn);
		return;
	}
	for (;;) {
		struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };

		tx_collect(conn);
		if (READ_ONCE(conn->broken) || conn->tx_ended)
			return;
		nr = tx_describe(conn, &bytes, &lend, &more);
		if (!nr)
			return;
		if (lend && conn->may_lend)
			msg.msg_flags |= MSG_SPLICE_PAGES;
		if (more)
			msg.msg_flags |= MSG_MORE;
		iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, conn->tx_vecs, nr, bytes);
		ret = sock_sendmsg(conn->sock, &msg);
		if (ret == -EAGAIN || !ret)
			return;
		if (ret < 0) {
			conn->tx_ended = true;
			/* First what the peer said before it closed: BYE, perhaps; rx_work_fn() */
			smp_store_release(&conn->tx_error, -ret);
			queue_work_on(conn->cpu, conn->wq, &conn->rx_work);
			return;
		}
		tx_advance(conn, ret);
	}
}

/**
 * dstb_conn_send() - send what is queued, or leave it to the one who is sending
 * @conn:	the connection
 *
 * Context: process; may sleep for the socket lock, never for the peer.
 */
void dstb_conn_send(struct dstb_conn *conn)
{
	unsigned int noio;

	while (!llist_empty(&conn->txq)) {
		if (!mutex_trylock(&conn->tx_lock))
			return;
		noio = memalloc_noio_save();
		tx_locked(conn);
		memalloc_noio_restore(noio);
		mutex_unlock(&conn->tx_lock);
		/*
		 * One who failed to take the lock since our last look relies on this look: unlock,
		 * then read.
		 */
		smp_mb();
		if (READ_ONCE(conn->broken))
			return;
	}
}

/* Sends what is queued, after the one who is sending. */
static void tx_flush(struct dstb_conn *conn)
{
	unsigned int noio = memalloc_noio_save();

	mutex_lock(&conn->tx_lock);
	tx_locked(conn);
	mutex_unlock(&conn->tx_lock);
	memalloc_noio_restore(noio);
	smp_mb(); /* as in dstb_conn_send() */
	dstb_conn_send(conn);
}

static void tx_work_fn(struct work_struct *work)
{
	tx_flush(container_of(work, struct dstb_conn, tx_work));
}

/**
 * dstb_conn_queue() - queue a message; dstb_conn_send() or dstb_conn_send_later() is to follow
 * @conn:	the connection
 * @msg:	the message; ops->sent is called for it once
 *
 * Context: any.
 * Return: true if the queue was empty.
 */
bool dstb_conn_queue(struct dstb_conn *conn, struct dstb_msg *msg)
{
	msg->sent = 0;
	return llist_add(&msg->node, &conn->txq);
}

/**
 * dstb_conn_send_later() - have what is queued sent by a worker
 * @conn:	the connection
 *
 * Context: any.
 */
void dstb_conn_send_later(struct dstb_conn *conn)
{
	queue_work_on(conn->cpu, conn->wq, &conn->tx_work);
}

/**
 * dstb_conn_bye() - send the last message: all that was queued before goes first, nothing after it
 * @conn:	the connection; the caller breaks or closes it then
 * @msg:	the message
 *
 * It is with the socket on return, unless that is full or the connection broken: dstb_conn_send()
 * could leave it to one who is sending, and who sends no more once the connection is broken.
 * Context: process; sleeps for the one who is sending and for the socket lock, never for the peer.
 */
void dstb_conn_bye(struct dstb_conn *conn, struct dstb_msg *msg)
{
	WRITE_ONCE(conn->last, msg);
	dstb_conn_queue(conn, msg);
	tx_flush(conn);
}

/* ---- receiving ---- */

static void rx_complete(struct dstb_conn *conn)
{
	conn->rx_have = 0;
	conn->ops->message(conn, &conn->rx_msg);
}

/* The header is there. Returns false when receiving must not go on. */
static bool rx_header(struct dstb_conn *conn)
{
	enum dstb_rx_verdict verdict;
	const char *why;

	if (!conn->rx_paused) {
		why = dstb_wire_decode(&conn->rx_hdr, &conn->rx_msg);
		if (why) {
			dstb_conn_violation(conn, why);
			return false;
		}
	}
	WRITE_ONCE(conn->rx_paused, true);
	/* Pause first, ask then: a dstb_conn_resume() in between is not lost. */
	smp_mb();
	verdict = conn->ops->header(conn, &conn->rx_msg);
	if (verdict != DSTB_RX_OK)
		return false;
	WRITE_ONCE(conn->rx_paused, false);
	conn->rx_left = dstb_wire_payload(&conn->rx_msg);
	if (!conn->rx_left)
		rx_complete(conn);
	return true;
}

/* Where the next bytes go: the rest of the header, or a piece of the payload. */
static bool rx_in_header(const struct dstb_conn *conn)
{
	return conn->rx_have < sizeof(conn->rx_hdr);
}

static bool rx_filled(struct dstb_conn *conn, size_t bytes)
{
	if (rx_in_header(conn)) {
		conn->rx_have += bytes;
		return rx_in_header(conn) || rx_header(conn);
	}
	conn->rx_left -= bytes;
	if (!conn->rx_left)
		rx_complete(conn);
	else if (!iov_iter_count(&conn->rx_iter) && conn->ops->piece)
		conn->ops->piece(conn);
	return true;
}

static int rx_actor(read_descriptor_t *desc, struct sk_buff *skb, unsigned int off, size_t len)
{
	struct dstb_conn *conn = desc->arg.data;
	bool go = !conn->rx_paused && !READ_ONCE(conn->broken);
	size_t done = 0;

	while (done < len && go) {
		size_t n = len - done;

		if (rx_in_header(conn)) {
			n = min(n, sizeof(conn->rx_hdr) - conn->rx_have);
			if (skb_copy_bits(skb, off + done, (void *)&conn->rx_hdr + conn->rx_have,
					  n))
				go = false;
		} else {
			n = min(n, iov_iter_count(&conn->rx_iter));
			if (skb_copy_datagram_iter(skb, off + done, &conn->rx_iter, n))
				go = false;
		}
		if (!go) {
			dstb_conn_fail(conn, "receiving failed");
			break;
		}
		done += n;
		go = rx_filled(conn, n);
	}
	desc->count = !go || desc->count <= done ? 0 : desc->count - done;
	return done;
}

/* Takes what is there from the socket. Returns true when the budget ended it. Socket lock held. */
static bool rx_read_sock(struct dstb_conn *conn)
{
	read_descriptor_t desc = { .arg.data = conn, .count = RX_BUDGET };

	if (READ_ONCE(conn->broken) || conn->rx_paused)
		return false;
	WRITE_ONCE(conn->rx_stamp, jiffies);
	conn->sock->ops->read_sock(conn->sock->sk, &desc, rx_actor);
	if (conn->ops->received)
		conn->ops->received(conn);
	return !desc.count && !conn->rx_paused && !READ_ONCE(conn->broken);
}

static bool rx_recvmsg(struct dstb_conn *conn)
{
	size_t budget = RX_BUDGET;
	bool go = true;

	while (go && budget && !READ_ONCE(conn->broken) && !conn->rx_paused) {
		struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
		struct kvec vec;
		int ret;

		if (rx_in_header(conn)) {
			vec.iov_base = (void *)&conn->rx_hdr + conn->rx_have;
			vec.iov_len = sizeof(conn->rx_hdr) - conn->rx_have;
			iov_iter_kvec(&msg.msg_iter, ITER_DEST, &vec, 1, vec.iov_len);
		} else {
			msg.msg_iter = conn->rx_iter;
		}
		ret = sock_recvmsg(conn->sock, &msg, msg.msg_flags);
		if (ret == -EAGAIN)
			break;
		if (ret <= 0) {
			dstb_conn_fail(conn,
				       ret ? "connection lost (error %d)" : "closed by the peer",
				       -ret);
			break;
		}
		WRITE_ONCE(conn->rx_stamp, jiffies);
		if (!rx_in_header(conn))
			iov_iter_advance(&conn->rx_iter, ret);
		budget -= min_t(size_t, budget, ret);
		go = rx_filled(conn, ret);
	}
	if (conn->ops->received)
		conn->ops->received(conn);
	return !budget;
}

/*
 * After everything that came before it was received: is this the end? rx_recvmsg() need not ask: it
 * is told when it has drained the socket, which the peer may end before.
 */
static void rx_check_end(struct dstb_conn *conn)
{
	struct sock *sk = conn->sock->sk;

	if (sk->sk_err)
		dstb_conn_fail(conn, "connection lost (error %d)", sk->sk_err);
	else if (sk->sk_shutdown & RCV_SHUTDOWN || sk->sk_state == TCP_CLOSE)
		dstb_conn_fail(conn, "closed by the peer");
}

static void rx_work_fn(struct work_struct *work)
{
	struct dstb_conn *conn = container_of(work, struct dstb_conn, rx_work);
	struct sock *sk = conn->sock->sk;
	unsigned int noio = memalloc_noio_save();
	int tx_error;
	bool more;

	if (conn->reads_sock)
		lock_sock(sk);
	/* What came before sending failed is there by now: this, then what there is to receive. */
	tx_error = smp_load_acquire(&conn->tx_error); /* pairs with tx_locked() */
	if (conn->rx_paused && !READ_ONCE(conn->broken))
		rx_header(conn);
	more = conn->reads_sock ? rx_read_sock(conn) : rx_recvmsg(conn);
	if (!more && tx_error)
		dstb_conn_fail(conn, "sending failed (error %d)", tx_error);
	if (conn->reads_sock) {
		if (!more && !conn->rx_paused)
			rx_check_end(conn);
		release_sock(sk);
	}
	memalloc_noio_restore(noio);
	if (more)
		queue_work_on(conn->cpu, conn->wq, &conn->rx_work);
}

/**
 * dstb_conn_resume() - what ops->header waited for may have come
 * @conn:	the connection
 *
 * Context: any; after the change that it is about.
 */
void dstb_conn_resume(struct dstb_conn *conn)
{
	smp_mb(); /* the change, then the look: rx_header() does it the other way round */
	if (READ_ONCE(conn->rx_paused))
		queue_work_on(conn->cpu, conn->wq, &conn->rx_work);
}

/* ---- the socket's callbacks ---- */

static void conn_data_ready(struct sock *sk)
{
	struct dstb_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn) {
		/*
		 * Called for the backlog, too, by who owns the socket, without its spinlock: then
		 * the work item does it.
		 */
		if (!conn->reads_sock || sock_owned_by_user_nocheck(sk) || rx_read_sock(conn))
			queue_work_on(conn->cpu, conn->wq, &conn->rx_work);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void conn_write_space(struct sock *sk)
{
	struct dstb_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn && sk_stream_is_writeable(sk)) {
		clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		dstb_conn_send_later(conn);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void conn_state_change(struct sock *sk)
{
	struct dstb_conn *conn;

	read_lock_bh(&sk->sk_callback_lock);
	conn = sk->sk_user_data;
	if (conn)
		queue_work_on(conn->cpu, conn->wq, &conn->rx_work);
	read_unlock_bh(&sk->sk_callback_lock);
}

/* ---- life ---- */

/* cpumask_local_spread() says nr_cpu_ids when one has just gone. */
static int online(int cpu)
{
	return cpu < nr_cpu_ids ? cpu : WORK_CPU_UNBOUND;
}

/**
 * dstb_conn_init() - make a connection that has no socket yet
 * @conn:	the connection, zeroed
 * @ops:	what it is used for
 * @wq:		for its work; WQ_MEM_RECLAIM, and of one level of a tree only
 * @cpu:	where its work runs
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int dstb_conn_init(struct dstb_conn *conn, const struct dstb_conn_ops *ops,
		   struct workqueue_struct *wq, int cpu)
{
	conn->tx_vecs = kmalloc_array(DSTB_TX_VECS, sizeof(*conn->tx_vecs), GFP_KERNEL);
	if (!conn->tx_vecs)
		return -ENOMEM;
	conn->ops = ops;
	conn->wq = wq;
	conn->cpu = online(cpu);
	init_llist_head(&conn->txq);
	mutex_init(&conn->tx_lock);
	conn->tx_tail = &conn->tx_head;
	INIT_WORK(&conn->tx_work, tx_work_fn);
	INIT_WORK(&conn->rx_work, rx_work_fn);
	return 0;
}

/**
 * dstb_conn_start() - put a connected socket to work
 * @conn:	the connection
 * @sock:	the socket; the connection's from now on
 *
 * Context: process, may sleep.
 */
void dstb_conn_start(struct dstb_conn *conn, struct socket *sock)
{
	struct sock *sk = sock->sk;

	conn->sock = sock;
	conn->rx_stamp = jiffies;
	conn->may_lend = dstb_transport_may_lend(sock);
	conn->reads_sock = sk->sk_protocol == IPPROTO_TCP && sock->ops->read_sock;
	write_lock_bh(&sk->sk_callback_lock);
	conn->saved_data_ready = sk->sk_data_ready;
	conn->saved_write_space = sk->sk_write_space;
	conn->saved_state_change = sk->sk_state_change;
	sk->sk_user_data = conn;
	sk->sk_data_ready = conn_data_ready;
	sk->sk_write_space = conn_write_space;
	sk->sk_state_change = conn_state_change;
	write_unlock_bh(&sk->sk_callback_lock);
	/* What came before the callbacks were there. */
	queue_work_on(conn->cpu, conn->wq, &conn->rx_work);
}

/**
 * dstb_conn_move() - have a connection's work done elsewhere from now on
 * @conn:	the connection, started; nothing is being sent
 * @wq:		as in dstb_conn_init()
 * @cpu:	as in dstb_conn_init()
 *
 * A work item that is queued on another workqueue while it runs could run twice at a time: it is at
 * rest in between.
 * Context: process, may sleep; not from the connection's own work.
 */
void dstb_conn_move(struct dstb_conn *conn, struct workqueue_struct *wq, int cpu)
{
	disable_work_sync(&conn->rx_work);
	disable_work_sync(&conn->tx_work);
	/* No callback is left that has seen the old ones. */
	write_lock_bh(&conn->sock->sk->sk_callback_lock);
	conn->wq = wq;
	conn->cpu = online(cpu);
	write_unlock_bh(&conn->sock->sk->sk_callback_lock);
	enable_work(&conn->tx_work);
	enable_work(&conn->rx_work);
	/* What the callbacks could not queue meanwhile. */
	queue_work_on(conn->cpu, conn->wq, &conn->rx_work);
}

/**
 * dstb_conn_close() - end a connection; its socket sends nothing any more
 * @conn:	the connection; one that was never started is fine
 *
 * No callback of @ops but sent runs after this, and that only from dstb_conn_drain() or for
 * messages queued later.
 * Context: process, may sleep; not from the connection's own work.
 */
void dstb_conn_close(struct dstb_conn *conn)
{
	unsigned int noio;
	struct sock *sk;

	if (!conn->sock)
		return;
	/* The I/O that memory waits for may wait for this; a vsock allocates to say good-bye. */
	noio = memalloc_noio_save();
	sk = conn->sock->sk;
	set_bit(0, &conn->broken);
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	sk->sk_data_ready = conn->saved_data_ready;
	sk->sk_write_space = conn->saved_write_space;
	sk->sk_state_change = conn->saved_state_change;
	write_unlock_bh(&sk->sk_callback_lock);
	/* This pushes what is there to send: not what is about to be thrown away. */
	if (READ_ONCE(conn->last))
		kernel_sock_shutdown(conn->sock, SHUT_RDWR);
	disable_work_sync(&conn->rx_work);

	mutex_lock(&conn->tx_lock);
	conn->closed = true;
	/*
	 * With no linger the close is a disconnect: the send queue is thrown away, and pages go
	 * back (R10).
	 */
	sock_no_linger(sk);
	sock_release(conn->sock);
	conn->sock = NULL;
	tx_drop(conn);
	mutex_unlock(&conn->tx_lock);
	memalloc_noio_restore(noio);
}

/**
 * dstb_conn_drain() - hand the messages that were queued after dstb_conn_close() to ops->sent
 * @conn:	the connection, closed
 *
 * Context: process, may sleep; nobody queues any more.
 */
void dstb_conn_drain(struct dstb_conn *conn)
{
	disable_work_sync(&conn->tx_work);
	mutex_lock(&conn->tx_lock);
	tx_drop(conn);
	mutex_unlock(&conn->tx_lock);
}

/**
 * dstb_conn_exit() - the reverse of dstb_conn_init()
 * @conn:	the connection, closed and drained or never started
 */
void dstb_conn_exit(struct dstb_conn *conn)
{
	kfree(conn->tx_vecs);
	mutex_destroy(&conn->tx_lock);
}
