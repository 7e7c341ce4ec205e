/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections: messages over a socket, for both ends. Knows framing, batching, zero copy; not what
 * messages mean.
 */
#ifndef _DSTB_CONN_H
#define _DSTB_CONN_H

#include <linux/bvec.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "wire.h"

struct dstb_conn;
struct sock;
struct socket;

#define DSTB_CONN_REASON	80
/* pieces of one sendmsg: more than a whole largest request */
#define DSTB_TX_VECS		320

/**
 * struct dstb_msg - a message to send
 * @node:	in the connection's queue
 * @next:	in the connection's list of those being sent
 * @hdr:	its header; not slab memory: it may be lent to the socket
 * @payload:	bytes after the header
 * @sent:	bytes of both that the socket has
 */
struct dstb_msg {
	struct llist_node node;
	struct dstb_msg *next;
	struct dst_wire_hdr *hdr;
	u32 payload;
	u32 sent;
};

enum dstb_rx_verdict {
	DSTB_RX_OK,	/* go on */
	DSTB_RX_PAUSE,	/* ask again with the same header when dstb_conn_resume() is called */
	DSTB_RX_FAIL,	/* the peer broke the protocol; dstb_conn_fail() was called */
};

/**
 * struct dstb_conn_ops - what a connection is used for
 * @header:	a header came. With a payload to come, sets up @rx_iter for its first piece. Socket
 *		lock held, may be softirq
 * @piece:	@rx_iter is full and payload is left: sets up the next piece. As @header. Optional
 *		where @rx_iter always takes all
 * @message:	the whole message is there. Socket lock held, may be softirq
 * @received:	a batch of messages was received. Socket lock may be held, may be softirq. Optional
 * @vecs:	describes the payload of @msg from byte @off on; returns how many of @max pieces it
 *		filled. Process context
 * @sent:	the socket has all of @msg, or never will. Process context, or any once the
 *		connection is closed
 * @broken:	the connection broke, once; it is to be closed from a process. Any context
 */
struct dstb_conn_ops {
	enum dstb_rx_verdict (*header)(struct dstb_conn *conn, const struct dstb_wire_msg *msg);
	void (*piece)(struct dstb_conn *conn);
	void (*message)(struct dstb_conn *conn, const struct dstb_wire_msg *msg);
	void (*received)(struct dstb_conn *conn);
	u32 (*vecs)(struct dstb_conn *conn, struct dstb_msg *msg, u32 off, struct bio_vec *vecs,
		    u32 max);
	void (*sent)(struct dstb_conn *conn, struct dstb_msg *msg);
	void (*broken)(struct dstb_conn *conn);
};

/**
 * struct dstb_conn - a connection
 * @ops:	what it is used for
 * @sock:	its socket; released by dstb_conn_close(), under @tx_lock
 * @wq:		where its work runs
 * @cpu:	on which CPU
 * @reads_sock:	the family lets data be taken in its data_ready callback
 * @may_lend:	pages may be lent to the socket
 * @broken:	set once by dstb_conn_fail()
 * @violated:	it broke because the peer broke the protocol
 * @closed:	nothing is sent any more
 * @last:	BYE, once it is to be said: it should still reach the peer, and nothing is sent
 *		after it
 * @reason:	why it broke; stable once @broken is set and ops->broken was called
 * @rx_stamp:	jiffies when something came last
 * @txq:	messages to send, newest first
 * @tx_lock:	held by whoever sends; protects the members below up to @tx_work
 * @tx_head:	messages being sent, oldest first
 * @tx_tail:	where the next one goes
 * @tx_vecs:	describes what one sendmsg sends, DSTB_TX_VECS pieces
 * @tx_ended:	nothing is sent any more
 * @tx_error:	why, where that is the socket's error, positive: the connection breaks when what
 *		has come in is received (by @rx_work, which reads this without the lock)
 * @tx_work:	sends when nobody else can
 * @rx_work:	receives when data_ready can't; sees the end
 * @rx_hdr:	header being received. This and the rest is protected by the socket lock (by
 *		@rx_work where reads_sock is not set)
 * @rx_have:	bytes of it that are there
 * @rx_msg:	the header, decoded
 * @rx_left:	bytes of payload to come
 * @rx_iter:	where the next ones go
 * @rx_vec:	for @rx_iter, where ops->header needs one piece
 * @rx_hello:	the same, of memory that has no page to name
 * @rx_paused:	ops->header said so
 * @saved_data_ready: the socket's own
 * @saved_write_space: the socket's own
 * @saved_state_change: the socket's own
 */
struct dstb_conn {
	const struct dstb_conn_ops *ops;
	struct socket *sock;
	struct workqueue_struct *wq;
	int cpu;
	bool reads_sock;
	bool may_lend;
	unsigned long broken;
	bool violated;
	bool closed;
	struct dstb_msg *last;
	char reason[DSTB_CONN_REASON];
	unsigned long rx_stamp;

	struct llist_head txq ____cacheline_aligned_in_smp;
	struct mutex tx_lock; /* held by whoever sends */
	struct dstb_msg *tx_head;
	struct dstb_msg **tx_tail;
	struct bio_vec *tx_vecs;
	bool tx_ended;
	int tx_error;
	struct work_struct tx_work;

	struct work_struct rx_work ____cacheline_aligned_in_smp;
	struct dst_wire_hdr rx_hdr;
	u32 rx_have;
	struct dstb_wire_msg rx_msg;
	u32 rx_left;
	struct iov_iter rx_iter;
	struct bio_vec rx_vec;
	struct kvec rx_hello;
	bool rx_paused;

	void (*saved_data_ready)(struct sock *sk);
	void (*saved_write_space)(struct sock *sk);
	void (*saved_state_change)(struct sock *sk);
};

int dstb_conn_init(struct dstb_conn *conn, const struct dstb_conn_ops *ops,
		   struct workqueue_struct *wq, int cpu);
void dstb_conn_start(struct dstb_conn *conn, struct socket *sock);
void dstb_conn_move(struct dstb_conn *conn, struct workqueue_struct *wq, int cpu);
void dstb_conn_close(struct dstb_conn *conn);
void dstb_conn_drain(struct dstb_conn *conn);
void dstb_conn_exit(struct dstb_conn *conn);
__printf(2, 3) void dstb_conn_fail(struct dstb_conn *conn, const char *fmt, ...);
enum dstb_rx_verdict dstb_conn_violation(struct dstb_conn *conn, const char *why);

bool dstb_conn_queue(struct dstb_conn *conn, struct dstb_msg *msg);
void dstb_conn_send(struct dstb_conn *conn);
void dstb_conn_bye(struct dstb_conn *conn, struct dstb_msg *msg);
void dstb_conn_send_later(struct dstb_conn *conn);
void dstb_conn_resume(struct dstb_conn *conn);

#endif /* _DSTB_CONN_H */
