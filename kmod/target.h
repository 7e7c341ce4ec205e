/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel target, inside: exports, listeners, sessions, connections, commands.
 *
 * dstb_target_lock protects every list here and what hangs on it; it is for control only, no
 * command takes it.
 */
#ifndef _DSTB_TARGET_H
#define _DSTB_TARGET_H

#include <linux/bio.h>
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "conn.h"
#include "export.h"

extern struct mutex dstb_target_lock;

/**
 * struct dstb_listener - a listening socket, shared by the exports that name its address
 * @list:	in the list of listeners
 * @net:	its network namespace
 * @addr:	its address
 * @users:	exports; the last one closes it
 * @sock:	the socket
 * @accept_work: takes what has connected
 * @tconns:	connections that are still in the handshake
 * @nr_tconns:	how many
 * @gone:	woken when @nr_tconns becomes zero
 * @rejected:	connections closed or refused before it was known which export they were for
 * @saved_data_ready: the socket's own
 */
struct dstb_listener {
	struct list_head list;
	struct net *net;
	struct dstb_addr addr;
	u32 users;
	struct socket *sock;
	struct work_struct accept_work;
	struct list_head tconns;
	u32 nr_tconns;
	wait_queue_head_t gone;
	atomic64_t rejected;
	void (*saved_data_ready)(struct sock *sk);
};

/**
 * struct dstb_export - a block device on offer
 * @list:	in the list of exports
 * @kref:	the list's, and each user's of dstb_export_get()
 * @config:	what it was made from
 * @net:	its network namespace
 * @bdev_file:	the device, open
 * @bdev:	the device
 * @limits:	what every session is granted
 * @bios:	for commands
 * @wq:		for its connections; of its own, so that a tree in one kernel never waits for its
 *		own level's rescuer
 * @listeners:	one for each address
 * @sessions:	who uses it
 * @nr_sessions: how many
 * @nr_tconns:	connections of its sessions
 * @removed:	takes nobody any more
 * @gone:	woken when @nr_tconns becomes zero
 * @rejected:	connections closed or refused for what they sent
 */
struct dstb_export {
	struct list_head list;
	struct kref kref;
	struct dstb_export_config config;
	struct net *net;
	struct file *bdev_file;
	struct block_device *bdev;
	struct dstb_wire_limits limits;
	struct bio_set bios;
	struct workqueue_struct *wq;
	struct dstb_listener *listeners[DSTB_MAX_LISTEN];
	struct list_head sessions;
	u32 nr_sessions;
	u32 nr_tconns;
	bool removed;
	wait_queue_head_t gone;
	atomic64_t rejected;
};

/**
 * struct dstb_tsession - an initiator at an export
 * @list:	in the export's
 * @export:	the export
 * @info:	for status
 * @limits:	to hold commands against; constant
 * @window:	granted, bytes of data under way on a connection
 * @nr_conns:	granted
 * @tconns:	its connections
 * @dead:	one of its connections broke: takes no more
 */
struct dstb_tsession {
	struct list_head list;
	struct dstb_export *export;
	struct dstb_session_info info;
	struct dstb_wire_limits limits;
	u32 window;
	u32 nr_conns;
	struct list_head tconns;
	bool dead;
};

enum dstb_cmd_state {
	DSTB_CMD_FREE,
	DSTB_CMD_RECEIVING,	/* its payload is coming in */
	DSTB_CMD_BUSY,		/* waits for the worker, or is with the device */
	DSTB_CMD_REPLYING,	/* its reply is on the way */
};

struct dstb_tconn;

/**
 * struct dstb_cmd - a command, preallocated
 * @msg:	its reply
 * @ready:	in the connection's list of commands to submit
 * @tc:		the connection
 * @state:	enum dstb_cmd_state
 * @op:		enum dst_wire_op
 * @flags:	DST_WIRE_F_*
 * @tag:	index in the table
 * @sector:	first sector
 * @length:	as on the wire
 * @status:	enum dst_wire_status, of the reply
 * @pages:	its data; the connection's pool has them otherwise
 * @fill:	the page that is being received
 */
struct dstb_cmd {
	struct dstb_msg msg;
	struct llist_node ready;
	struct dstb_tconn *tc;
	u8 state;
	u8 op;
	u16 flags;
	u32 tag;
	u64 sector;
	u32 length;
	u32 status;
	struct list_head pages;
	struct page *fill;
};

enum dstb_tconn_state {
	DSTB_TCONN_HELLO,	/* HELLO has not come yet */
	DSTB_TCONN_DECIDING,	/* HELLO is being looked at */
	DSTB_TCONN_LIVE,
};

/**
 * struct dstb_tctl - what a connection sends besides replies, in a page of its own
 * @answer:	header of WELCOME or REJECT
 * @welcome:	payload of WELCOME
 * @text:	payload of REJECT
 * @pong:	header of the reply to a PING
 * @bye:	header of BYE
 */
struct dstb_tctl {
	struct dst_wire_hdr answer;
	union {
		struct dst_wire_welcome welcome;
		char text[DST_WIRE_TEXT];
	};
	struct dst_wire_hdr pong;
	struct dst_wire_hdr bye;
};

/**
 * struct dstb_tconn - a connection at the target
 * @conn:	the connection
 * @list:	in its listener's, later in its session's
 * @listener:	where it came in; NULL once it has a session
 * @session:	its session; NULL before
 * @state:	enum dstb_tconn_state
 * @index:	number of the connection in its session
 * @since:	jiffies when it was accepted
 * @hello:	what it said
 * @hello_work:	looks at it
 * @tick:	looks for silence
 * @close_work:	ends it
 * @ctl:	messages that are not replies
 * @answer:	WELCOME or REJECT
 * @pong:	reply to a PING
 * @bye:	BYE
 * @pong_busy:	@pong is on its way
 * @rejecting:	@answer is a REJECT: the end
 * @cmds:	the table, by tag
 * @hdrs:	headers of the replies, in pages of their own: lent to the socket
 * @hdrs_order:	of @hdrs
 * @pool_lock:	protects the pool; irq-safe
 * @pool:	pages for data, the one used longest ago first: see export_io.c
 * @nr_pool:	how many
 * @replying:	commands in DSTB_CMD_REPLYING
 * @ready:	commands to submit, newest first
 * @submit_work: submits them
 * @submitter:	the task that is doing so: it sends the replies that are there when it is done
 * @bios:	commands with the device, and one for the connection
 * @idle:	no more of them
 */
struct dstb_tconn {
	struct dstb_conn conn;
	struct list_head list;
	struct dstb_listener *listener;
	struct dstb_tsession *session;
	u8 state;
	u32 index;
	unsigned long since;
	struct dst_wire_hello hello;
	struct work_struct hello_work;
	struct delayed_work tick;
	struct work_struct close_work;
	struct dstb_tctl *ctl;
	struct dstb_msg answer;
	struct dstb_msg pong;
	struct dstb_msg bye;
	unsigned long pong_busy;
	bool rejecting;

	struct dstb_cmd *cmds;
	struct page *hdrs;
	unsigned int hdrs_order;
	spinlock_t pool_lock; /* protects the pool */
	struct list_head pool;
	u32 nr_pool;
	atomic_t replying;
	struct llist_head ready;
	struct work_struct submit_work;
	struct task_struct *submitter;
	atomic_t bios;
	struct completion idle;
};

#define DSTB_TARGET_DEPTH	128U		/* commands a connection */
#define DSTB_TARGET_WINDOW	(4U << 20)	/* bytes of data a connection */
#define DSTB_TARGET_CONNS	8U		/* connections a session */

/* listener.c */
struct dstb_listener *dstb_listener_get(struct net *net, const struct dstb_addr *addr,
					struct netlink_ext_ack *extack);
void dstb_listener_put(struct dstb_listener *listener);

/* target_conn.c */
int dstb_tconn_create(struct dstb_listener *listener, struct socket *sock);
void dstb_tconn_bye(struct dstb_tconn *tc, const char *why);
void dstb_tconn_answer(struct dstb_tconn *tc, u8 op, u32 status, u32 length);

/* target_session.c */
void dstb_tsession_hello(struct dstb_tconn *tc);
void dstb_tsession_leave(struct dstb_tconn *tc);

/* export.c */
struct dstb_export *dstb_export_find(struct dstb_listener *listener, const char *name);
void dstb_export_fill_welcome(const struct dstb_export *exp, struct dst_wire_welcome *w);
void dstb_export_net_exit(struct net *net);

/* export_io.c */
int dstb_export_io_init(struct dstb_tconn *tc, u32 depth, u32 window);
void dstb_export_io_exit(struct dstb_tconn *tc, u32 depth);
enum dstb_rx_verdict dstb_export_io_header(struct dstb_tconn *tc, const struct dstb_wire_msg *msg);
void dstb_export_io_piece(struct dstb_tconn *tc);
void dstb_export_io_message(struct dstb_tconn *tc, const struct dstb_wire_msg *msg);
void dstb_export_io_received(struct dstb_tconn *tc);
u32 dstb_export_io_vecs(struct dstb_msg *msg, u32 off, struct bio_vec *vecs, u32 max);
void dstb_export_io_sent(struct dstb_msg *msg);
void dstb_export_io_stop(struct dstb_tconn *tc);

#endif /* _DSTB_TARGET_H */
