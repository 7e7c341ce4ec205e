/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel target, inside: exports, listeners, claims, sessions, connections, commands.
 *
 * dstb_target_lock protects every list here and what hangs on it; it is for control only, no
 * command takes it. Nobody waits for a device or for a peer while holding it: who must wait until
 * others have left an export has a claim in the export's queue.
 */
#ifndef _DSTB_TARGET_H
#define _DSTB_TARGET_H

#include <linux/bio.h>
#include <linux/completion.h>
#include <linux/in6.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "conn.h"
#include "export.h"

extern struct mutex dstb_target_lock;

#define DSTB_FENCED	16U	/* fenced initiators that an export remembers */

/**
 * struct dstb_identity - who an initiator is
 * @client:	uuid of its volume
 * @instance:	the volume's life; 0: nobody
 */
struct dstb_identity {
	uuid_t client;
	u64 instance;
};

/**
 * struct dstb_claim - somebody wants an export
 *
 * All under dstb_target_lock.
 * @list:	in the export's queue of those who wait, else empty
 * @export:	whose queue that is, or NULL
 * @who:	who
 * @volume:	what it is called; outlives the claim
 * @role:	enum dst_wire_role
 * @takeover:	other writers are to be fenced
 * @replaced:	a newer claim of the same initiator has come: this one is over
 * @since:	jiffies when it began to wait
 * @kick:	asks it to look again, in a process and soon; called with dstb_target_lock held
 */
struct dstb_claim {
	struct list_head list;
	struct dstb_export *export;
	struct dstb_identity who;
	const char *volume;
	u32 role;
	bool takeover;
	bool replaced;
	unsigned long since;
	void (*kick)(struct dstb_claim *claim);
};

/* It is in the queue now: look again when kicked. No status of the wire. */
#define DSTB_CLAIM_WAIT	(~0U)
/* so long at most, then it is refused */
#define DSTB_CLAIM_MS	60000U

/**
 * struct dstb_listener - a listening socket, shared by the exports that name its address
 * @list:	in the list of listeners
 * @net:	its network namespace
 * @addr:	its address
 * @users:	exports; the last one closes it
 * @sock:	the socket
 * @accept_work: takes what has connected; later once more if there was no memory for it
 * @tconns:	connections that have no session, or none yet
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
	struct delayed_work accept_work;
	struct list_head tconns;
	u32 nr_tconns;
	wait_queue_head_t gone;
	atomic64_t rejected;
	void (*saved_data_ready)(struct sock *sk);
};

/**
 * struct dstb_export - a block device on offer
 * @list:	in the list of exports
 * @serial:	one more than that of the export made before; the list is in this order
 * @kref:	the list's, and each user's of dstb_export_get()
 * @config:	what it was made from
 * @net:	its network namespace
 * @bdev_file:	the device, open
 * @bdev:	the device
 * @limits:	what every session is granted
 * @bios:	for commands
 * @wq:		for its connections; of its own, so that a tree in one kernel never waits for its
 *		own level's rescuer
 * @close_wq:	ends its connections, which takes as long as the device does: of its own, so that
 *		no other export waits for this one's device
 * @listeners:	one for each address
 * @instance:	random, not 0: what the device's volatile cache took in this life of the export is
 *		still there
 * @sessions:	who uses it
 * @nr_sessions: how many
 * @claims:	who waits for others to leave, in the order they came
 * @fenced:	initiators that must not come back, the last DSTB_FENCED of them
 * @nr_fenced:	how many there have been
 * @last_writer: who opened it last other than as a reader
 * @suspended:	takes nobody for now
 * @suspending:	who suspends it waits
 * @settling:	its device is being flushed for that
 * @unsettled:	it was not flushed when it was suspended
 * @removed:	takes nobody any more, or not yet
 * @added:	it was there once; else only its name is taken
 * @gone:	woken when a session has gone, and when @suspended, @settling or @removed changes
 * @rejected:	connections closed or refused for what they sent
 */
struct dstb_export {
	struct list_head list;
	u64 serial;
	struct kref kref;
	struct dstb_export_config config;
	struct net *net;
	struct file *bdev_file;
	struct block_device *bdev;
	struct dstb_wire_limits limits;
	struct bio_set bios;
	struct workqueue_struct *wq;
	struct workqueue_struct *close_wq;
	struct dstb_listener *listeners[DSTB_MAX_LISTEN];
	u64 instance;
	struct list_head sessions;
	u32 nr_sessions;
	struct list_head claims;
	struct dstb_identity fenced[DSTB_FENCED];
	u32 nr_fenced;
	struct dstb_identity last_writer;
	bool suspended;
	bool suspending;
	bool settling;
	bool unsettled;
	bool removed;
	bool added;
	wait_queue_head_t gone;
	atomic64_t rejected;
};

/**
 * struct dstb_tsession - an initiator at an export
 * @list:	in the export's
 * @export:	the export
 * @who:	who it is
 * @local:	it is in this kernel and has no connections; else NULL
 * @info:	for status
 * @limits:	to hold commands against; constant
 * @window:	granted, bytes of data under way on a connection
 * @nr_conns:	granted
 * @chain_len:	of @chain
 * @chain:	the initiator's volume, and those above it, when it came
 * @tconns:	its connections
 * @dead:	one of its connections broke, or it was ended: takes no more
 * @why:	it ends; stable once @dead
 * @left:	the initiator has said BYE. Set without a lock
 * @fenced:	another one has taken its place as writer
 * @told_cache:	that the device has a volatile cache
 */
struct dstb_tsession {
	struct list_head list;
	struct dstb_export *export;
	struct dstb_identity who;
	struct dstb_local_session *local;
	struct dstb_session_info info;
	struct dstb_wire_limits limits;
	u32 window;
	u32 nr_conns;
	u32 chain_len;
	u8 chain[DST_WIRE_MAX_CHAIN][16];
	struct list_head tconns;
	bool dead;
	char why[DSTB_CONN_REASON];
	bool left;
	bool fenced;
	bool told_cache;
};

/**
 * struct dstb_local_session - a volume of this kernel at an export
 * @sess:	what others see of it
 * @claim:	how it came in
 * @kicked:	its claim was
 * @leave:	asks it to detach: dstb_export_attach()
 * @arg:	for @leave
 */
struct dstb_local_session {
	struct dstb_tsession sess;
	struct dstb_claim claim;
	struct completion kicked;
	void (*leave)(void *arg, u32 status, const char *why);
	void *arg;
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
 * @digest_work: of a DIGEST whose data was read: digests it
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
	struct work_struct digest_work;
};

enum dstb_tconn_state {
	DSTB_TCONN_HELLO,	/* HELLO has not come yet */
	DSTB_TCONN_DECIDING,	/* HELLO is being looked at */
	DSTB_TCONN_PARKED,	/* its claim waits until others have left the export */
	DSTB_TCONN_LIVE,
};

/**
 * struct dstb_tctl - what a connection sends besides replies, in a page of its own
 * @answer:	header of WELCOME or REJECT
 * @welcome:	payload of WELCOME
 * @text:	payload of REJECT
 * @pong:	header of the reply to a PING
 * @bye:	header of BYE
 * @leaving:	header of LEAVING
 */
struct dstb_tctl {
	struct dst_wire_hdr answer;
	union {
		struct dst_wire_welcome welcome;
		char text[DST_WIRE_TEXT];
	};
	struct dst_wire_hdr pong;
	struct dst_wire_hdr bye;
	struct dst_wire_hdr leaving;
};

/**
 * struct dstb_tconn - a connection at the target
 * @conn:	the connection
 * @list:	in its listener's, later in its session's
 * @from:	address of the peer
 * @listener:	where it came in; NULL once it has a session
 * @session:	its session; NULL before
 * @state:	enum dstb_tconn_state
 * @index:	number of the connection in its session
 * @since:	jiffies when it was accepted, or answered
 * @hello:	what it said
 * @claim:	of the first connection of a session, until it is decided
 * @hello_work:	looks at it
 * @tick:	looks for silence
 * @close_work:	ends it
 * @ctl:	messages that are not replies
 * @answer:	WELCOME or REJECT
 * @pong:	reply to a PING
 * @bye:	BYE
 * @leaving:	LEAVING
 * @pong_busy:	@pong is on its way
 * @leaving_busy: @leaving is on its way
 * @answered:	@answer is on its way; without a session it is the end
 * @rejecting:	@answer is a REJECT
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
	struct in6_addr from;
	struct dstb_listener *listener;
	struct dstb_tsession *session;
	u8 state;
	u32 index;
	unsigned long since;
	struct dst_wire_hello hello;
	struct dstb_claim claim;
	struct work_struct hello_work;
	struct delayed_work tick;
	struct work_struct close_work;
	struct dstb_tctl *ctl;
	struct dstb_msg answer;
	struct dstb_msg pong;
	struct dstb_msg bye;
	struct dstb_msg leaving;
	unsigned long pong_busy;
	unsigned long leaving_busy;
	bool answered;
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

static inline bool dstb_identity_equal(const struct dstb_identity *a, const struct dstb_identity *b)
{
	return a->instance == b->instance && uuid_equal(&a->client, &b->client);
}

/* Commands of a connection with the device; a hint. One is its own, until it closes. */
static inline u32 dstb_tconn_busy(const struct dstb_tconn *tc)
{
	return max(atomic_read(&tc->bios) - 1, 0);
}

#define DSTB_TARGET_DEPTH	128U		/* commands a connection */
#define DSTB_TARGET_WINDOW	(4U << 20)	/* bytes of data a connection */
#define DSTB_TARGET_CONNS	8U		/* connections a session */

/* listener.c */
struct dstb_listener *dstb_listener_get(struct net *net, const struct dstb_addr *addr,
					struct netlink_ext_ack *extack);
void dstb_listener_put(struct dstb_listener *listener);

/* target_conn.c */
int dstb_tconn_create(struct dstb_listener *listener, struct socket *sock);
void dstb_tconn_bye(struct dstb_tconn *tc, u32 status);
void dstb_tconn_leaving(struct dstb_tconn *tc);
void dstb_tconn_answer(struct dstb_tconn *tc, u8 op, u32 status, u32 length);

/* target_session.c */
void dstb_tsession_hello(struct dstb_tconn *tc);
void dstb_tsession_leave(struct dstb_tconn *tc);
void dstb_tsession_init(struct dstb_tsession *sess, struct dstb_export *exp,
			const struct dstb_claim *claim, const struct dst_wire_hello *hello);
void dstb_tsession_opened(struct dstb_tsession *sess);
void dstb_tsession_closed(struct dstb_tsession *sess, const char *why);
void dstb_tsession_end(struct dstb_tsession *sess, u32 status, const char *why);

/* target_claim.c */
void dstb_claim_init(struct dstb_claim *claim, void (*kick)(struct dstb_claim *claim));
void dstb_claim_drop(struct dstb_claim *claim);
void dstb_claim_opened(struct dstb_export *exp, const struct dstb_identity *who, u32 role);
void dstb_claim_kick(struct dstb_export *exp);
void dstb_claim_kick_all(struct dstb_export *exp);
u32 dstb_claim_decide(struct dstb_claim *claim, struct dstb_export *exp,
		      const struct dst_wire_hello *hello, char *text);
u32 dstb_claim_probe(const struct dstb_claim *claim, const struct dstb_export *exp,
		     const struct dst_wire_hello *hello, char *text);

/* export.c */
struct dstb_export *dstb_export_lookup(struct net *net, const char *name);
void dstb_export_new_life(struct dstb_export *exp);
struct dstb_export *dstb_export_find(struct dstb_listener *listener, const char *name);
u32 dstb_export_above(u8 chain[][16], u32 len);
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
