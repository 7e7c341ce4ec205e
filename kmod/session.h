/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sessions: the initiator's relation with one export. A connection for each CPU (or as many as were
 * granted), each with its own table of slots.
 */
#ifndef _DSTB_SESSION_H
#define _DSTB_SESSION_H

#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/kref.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "conn.h"

struct dstb_lane;
struct dstb_leg;
struct dstb_node;
struct dstb_session;
struct netlink_ext_ack;

enum dstb_slot_state {
	DSTB_SLOT_FREE,		/* in nobody's hands */
	DSTB_SLOT_WAITING,	/* sent, or about to be */
	DSTB_SLOT_RECEIVING,	/* its reply is coming in */
	DSTB_SLOT_REPLIED,	/* the reply is there */
};

/**
 * struct dstb_slot - a command under way
 * @msg:	its message
 * @lane:	the connection's
 * @leg:	what it is for
 * @refs:	one of the sender, one of the reply; the leg ends with the last
 * @state:	enum dstb_slot_state
 * @tag:	index in the lane's table
 * @op:		enum dst_wire_op
 * @window:	bytes it takes of the window
 * @status:	how it ended
 * @started:	jiffies
 */
struct dstb_slot {
	struct dstb_msg msg;
	struct dstb_lane *lane;
	struct dstb_leg *leg;
	atomic_t refs;
	u8 state;
	u8 op;
	u32 tag;
	u32 window;
	blk_status_t status;
	unsigned long started;
};

enum dstb_ping {
	DSTB_PING_QUEUED,	/* the socket does not have it yet */
	DSTB_PING_DUE,		/* the answer is to come */
};

/**
 * struct dstb_lane - a connection and its slots
 * @conn:	the connection
 * @session:	whose
 * @kref:	the session's, and one for each plug that will send
 * @index:	number of the connection
 * @tags:	slots in use
 * @next_tag:	where a free one is looked for first
 * @slots:	the table, of the session's depth
 * @hdrs:	their headers, in pages of their own: lent to the socket
 * @hdrs_order:	of @hdrs
 * @window:	bytes of data that may still be under way
 * @wait_lock:	protects @waiting; irq-safe
 * @waiting:	legs that wait for a slot, oldest first
 * @ping:	asks whether the peer is alive
 * @bye:	says good-bye
 * @ping_state:	bits of enum dstb_ping
 * @ping_stamp:	jiffies when it was asked last
 */
struct dstb_lane {
	struct dstb_conn conn;
	struct dstb_session *session;
	struct kref kref;
	u32 index;
	unsigned long *tags;
	u32 next_tag;
	struct dstb_slot *slots;
	struct page *hdrs;
	unsigned int hdrs_order;
	atomic_t window;
	spinlock_t wait_lock; /* protects waiting */
	struct list_head waiting;
	struct dstb_msg ping;
	struct dstb_msg bye;
	unsigned long ping_state;
	unsigned long ping_stamp;
};

/**
 * struct dstb_session - a session
 * @node:	whose
 * @id:		the target's number for it
 * @limits:	what was granted
 * @window:	bytes of data under way on a connection
 * @nr_lanes:	connections
 * @nr_open:	those of them that are open: all, but while the session is being opened
 * @lanes:	the connections
 * @broken:	set once: no leg is started any more. Read under RCU with the start of a leg
 * @device:	DST_WIRE_DEV_* of the export
 * @instance:	of the export
 * @lim:	its queue limits
 * @bye:	enum dst_wire_status that the target said good-bye with; 0 when it did not
 * @fail_work:	ends everything under way; the only one to do it while the volume lives
 * @tick:	looks for silence and for requests that take too long
 * @io_timeout:	in jiffies
 */
struct dstb_session {
	struct dstb_node *node;
	u64 id;
	struct dstb_wire_limits limits;
	u32 window;
	u32 nr_lanes;
	u32 nr_open;
	struct dstb_lane **lanes;
	unsigned long broken;
	u32 device;
	u64 instance;
	struct queue_limits lim;
	u32 bye;
	struct work_struct fail_work;
	struct delayed_work tick;
	unsigned long io_timeout;
};

struct dstb_session *dstb_session_open(struct dstb_node *node, struct netlink_ext_ack *extack);
void dstb_session_abort(struct dstb_session *session);
void dstb_session_close(struct dstb_session *session);

/* lane.c */
struct dstb_lane *dstb_lane_create(struct dstb_session *session, u32 index);
void dstb_lane_put(struct dstb_lane *lane);
enum dstb_lane_queued {
	DSTB_LANE_SEND,
	DSTB_LANE_WAITS,
	DSTB_LANE_BROKEN,
};

enum dstb_lane_queued dstb_lane_start(struct dstb_lane *lane, struct dstb_leg *leg);
void dstb_lane_send(struct dstb_lane *lane);
void dstb_lane_fail_all(struct dstb_lane *lane);
void dstb_lane_ping(struct dstb_lane *lane);
const char *dstb_lane_bye_reason(u32 status);
void dstb_lane_bye(struct dstb_lane *lane);
const char *dstb_lane_overdue(const struct dstb_lane *lane, unsigned long timeout);

/* handshake.c: commands under way, and bytes of their data, that each connection asks for */
#define DSTB_WANTED_DEPTH	128U
#define DSTB_WANTED_WINDOW	(4U << 20)

struct socket;
struct dst_wire_welcome;
struct socket *dstb_handshake(struct dstb_node *node, u32 conn, u32 nr_conns, u64 session,
			      struct dst_wire_welcome *welcome, struct netlink_ext_ack *extack);
int dstb_handshake_probe(struct dstb_node *node, u64 *instance, struct netlink_ext_ack *extack);

#endif /* _DSTB_SESSION_H */
