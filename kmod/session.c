// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions: open, watch, end.
 *
 * An error on one connection is an error of the session. It ends in one place, fail_work: mark the
 * session broken, wait a grace period (whoever was starting a leg has queued it by then), close
 * every connection, and only then give what was under way back to the node, which keeps it for the
 * next session or ends it. dstb_session_close() does the same for a volume that stops.
 */
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "compat.h"
#include "fault.h"
#include "io.h"
#include "main.h"
#include "member.h"
#include "node.h"
#include "session.h"
#include "uapi/dst_disk.h"
#include "volume.h"

#define TICK		HZ
#define CONNS_DEFAULT	8U
#define IO_TIMEOUT_MS	30000
#define OPEN_MS		20000		/* for all connections of a session */
#define MAX_IO_OPT	(16U << 20)	/* bytes */

static void session_end(struct dstb_session *session)
{
	u32 i;

	set_bit(0, &session->broken);
	synchronize_rcu();
	for (i = 0; i < session->nr_open; i++)
		dstb_conn_close(&session->lanes[i]->conn);
	for (i = 0; i < session->nr_open; i++)
		dstb_lane_fail_all(session->lanes[i]);
}

static void fail_work_fn(struct work_struct *work)
{
	struct dstb_session *session = container_of(work, struct dstb_session, fail_work);
	struct dstb_faults *faults = &session->node->vol->faults;
	char reason[DSTB_CONN_REASON] = "stopped";
	u32 bye, i;

	for (i = 0; i < session->nr_lanes; i++) {
		if (session->lanes[i]->conn.reason[0]) {
			strscpy(reason, session->lanes[i]->conn.reason, sizeof(reason));
			break;
		}
	}
	smp_rmb(); /* reason, then bye: the other way round in lane_notice() */
	bye = READ_ONCE(session->bye);
	/* What the target said, on whichever connection; the others may just have been closed. */
	if (bye)
		strscpy(reason, dstb_lane_bye_reason(bye), sizeof(reason));
	/* Before any leg ends: a write is not acknowledged before it is known who missed it. */
	dstb_member_lost(session->node, bye, reason);
	dstb_fault_wait(faults, &faults->lost_ms);
	session_end(session);
	dstb_member_reconnect(session->node);
}

static void tick_fn(struct work_struct *work)
{
	struct dstb_session *session =
		container_of(to_delayed_work(work), struct dstb_session, tick);
	u32 nr = smp_load_acquire(&session->nr_open), i; /* pairs with open_lanes() */

	if (READ_ONCE(session->broken))
		return;
	for (i = 0; i < nr; i++) {
		struct dstb_lane *lane = session->lanes[i];
		const char *why = dstb_lane_overdue(lane, session->io_timeout);

		if (why) {
			dstb_conn_fail(&lane->conn, "%s", why);
			return;
		}
		/* However much comes in: the target must hear something, too. */
		if (time_after(jiffies, lane->ping_stamp + msecs_to_jiffies(DST_WIRE_PING_MS))) {
			lane->ping_stamp = jiffies;
			dstb_lane_ping(lane);
		}
	}
	queue_delayed_work(dstb_watch_wq, &session->tick, TICK);
}

/* A target may grant more than was asked for: no more is used. */
static u32 granted_depth(const struct dst_wire_welcome *w)
{
	return min_t(u32, le16_to_cpu(w->depth), DSTB_WANTED_DEPTH);
}

static u32 granted_window(const struct dst_wire_welcome *w)
{
	return min(le32_to_cpu(w->window), DSTB_WANTED_WINDOW);
}

static void grant(struct dstb_session *session, const struct dst_wire_welcome *w, u32 wanted)
{
	struct dstb_wire_limits *lim = &session->limits;
	struct queue_limits *queue = &session->lim;
	u32 device = le16_to_cpu(w->device);

	session->id = le64_to_cpu(w->session);
	session->window = granted_window(w);
	session->nr_lanes = min_t(u32, wanted, le16_to_cpu(w->nr_conns));
	session->device = device;
	session->instance = le64_to_cpu(w->instance);
	lim->size = le64_to_cpu(w->size);
	lim->depth = granted_depth(w);
	lim->features = le32_to_cpu(w->features);
	lim->max_request = le32_to_cpu(w->max_request);
	lim->max_discard = le32_to_cpu(w->max_discard);
	lim->max_write_zeroes = le32_to_cpu(w->max_write_zeroes);
	lim->block_size = le32_to_cpu(w->block_size);
	lim->epoch = le64_to_cpu(w->epoch);
	lim->read_only = device & DST_WIRE_DEV_READ_ONLY;

	blk_set_stacking_limits(queue);
	queue->logical_block_size = lim->block_size;
	queue->physical_block_size = le32_to_cpu(w->physical_block_size);
	queue->io_min = max(le32_to_cpu(w->io_min), lim->block_size);
	queue->io_opt = le32_to_cpu(w->io_opt);
	/* How far is read ahead follows from that: not as far as a target likes. */
	if (queue->io_opt > MAX_IO_OPT)
		queue->io_opt = 0;
	queue->discard_granularity = le32_to_cpu(w->discard_granularity);
	queue->max_hw_discard_sectors = lim->max_discard;
	queue->max_discard_sectors = lim->max_discard;
	queue->max_write_zeroes_sectors = lim->max_write_zeroes;
	queue->features = BLK_FEAT_NOWAIT |
			  (device & DST_WIRE_DEV_VWC ? BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA : 0) |
			  (device & DST_WIRE_DEV_ROTATIONAL ? BLK_FEAT_ROTATIONAL : 0);
}

static int open_lane(struct dstb_session *session, u32 index, struct socket *sock,
		     struct netlink_ext_ack *extack)
{
	struct dst_wire_welcome w;
	struct dstb_lane *lane;

	lane = dstb_lane_create(session, index);
	if (IS_ERR(lane)) {
		if (sock)
			sock_release(sock);
		return PTR_ERR(lane);
	}
	session->lanes[index] = lane;
	if (!sock) {
		sock = dstb_handshake(session->node, index, session->nr_lanes, session->id, &w,
				      extack);
		if (IS_ERR(sock))
			return PTR_ERR(sock);
		if (le64_to_cpu(w.epoch) != session->limits.epoch ||
		    granted_depth(&w) != session->limits.depth ||
		    le32_to_cpu(w.features) != session->limits.features ||
		    granted_window(&w) != session->window) {
			NL_SET_ERR_MSG(extack, "the target grants each connection something else");
			sock_release(sock);
			return -EPROTO;
		}
	}
	/* The handshake's timeouts are not for the data path, where nobody waits. */
	sock->sk->sk_rcvtimeo = MAX_SCHEDULE_TIMEOUT;
	sock->sk->sk_sndtimeo = MAX_SCHEDULE_TIMEOUT;
	dstb_conn_start(&lane->conn, sock);
	return 0;
}

/*
 * Those that are open are watched while the rest are opened: that may take longer than either end
 * puts up with silence.
 */
static int open_lanes(struct dstb_session *session, struct socket *first, unsigned long end,
		      struct netlink_ext_ack *extack)
{
	u32 i;
	int err;

	queue_delayed_work(dstb_watch_wq, &session->tick, TICK);
	for (i = 0; i < session->nr_lanes; i++) {
		if (i && time_after(jiffies, end)) {
			NL_SET_ERR_MSG(extack, "the target takes too long: fewer --connections");
			return -ETIMEDOUT;
		}
		err = open_lane(session, i, i ? NULL : first, extack);
		if (err)
			return err;
		/* the lane, then the number: pairs with tick_fn() */
		smp_store_release(&session->nr_open, i + 1);
	}
	return 0;
}

/* Superblocks are read whole, and no request is longer than what was granted. */
static int check_grant(const struct dstb_session *session, struct netlink_ext_ack *extack)
{
	u32 needed = DST_DISK_COPIES * DST_DISK_SUPER_SECTORS << SECTOR_SHIFT;
	u32 granted = min(session->limits.max_request, session->window);

	if (!session->node->vol->metadata || granted >= needed)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "the target grants %u bytes at a time, superblocks need %u",
			   granted, needed);
	return -EMEDIUMTYPE;
}

static void session_free(struct dstb_session *session)
{
	u32 i;

	for (i = 0; session->lanes && i < session->nr_lanes; i++)
		if (session->lanes[i])
			dstb_lane_put(session->lanes[i]);
	kfree(session->lanes);
	kfree(session);
}

/**
 * dstb_session_open() - connect a node
 * @node:	the node; nothing of it is changed
 * @extack:	gets the sentence
 *
 * Context: process; sleeps, OPEN_MS and the time of a handshake at most.
 * Return: the session, or an ERR_PTR.
 */
struct dstb_session *dstb_session_open(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	u32 wanted = node->vol->connections ?: min(num_online_cpus(), CONNS_DEFAULT), i;
	unsigned long end = jiffies + msecs_to_jiffies(OPEN_MS);
	struct dst_wire_welcome w;
	struct dstb_session *session;
	struct socket *sock;
	int err;

	session = kzalloc(sizeof(*session), GFP_KERNEL);
	if (!session)
		return ERR_PTR(-ENOMEM);
	session->node = node;
	session->io_timeout = msecs_to_jiffies(node->vol->io_timeout_ms ?: IO_TIMEOUT_MS);
	INIT_WORK(&session->fail_work, fail_work_fn);
	INIT_DELAYED_WORK(&session->tick, tick_fn);
	/*
	 * A connection that breaks while others are still being opened is looked at when all are
	 * there.
	 */
	disable_work(&session->fail_work);

	sock = dstb_handshake(node, 0, wanted, 0, &w, extack);
	if (IS_ERR(sock)) {
		kfree(session);
		return ERR_CAST(sock);
	}
	grant(session, &w, wanted);
	err = check_grant(session, extack);
	if (!err) {
		session->lanes = kcalloc(session->nr_lanes, sizeof(*session->lanes), GFP_KERNEL);
		if (!session->lanes)
			err = -ENOMEM;
	}
	if (err) {
		sock_release(sock);
		kfree(session);
		return ERR_PTR(err);
	}
	err = open_lanes(session, sock, end, extack);
	if (err) {
		disable_delayed_work_sync(&session->tick);
		session_end(session);
		session_free(session);
		return ERR_PTR(err);
	}
	enable_work(&session->fail_work);
	for (i = 0; i < session->nr_lanes; i++)
		if (READ_ONCE(session->lanes[i]->conn.broken))
			queue_work(dstb_watch_wq, &session->fail_work);
	return session;
}

/**
 * dstb_session_abort() - have everything under way end with an error, within a bounded time
 * @session:	the session, which is not freed meanwhile
 *
 * Context: any.
 */
void dstb_session_abort(struct dstb_session *session)
{
	dstb_conn_fail(&session->lanes[0]->conn, "stopped by force");
}

/**
 * dstb_session_close() - the reverse of dstb_session_open()
 * @session:	the session; nothing is under way, unless the volume is being stopped by force
 *
 * Context: process, may sleep.
 */
void dstb_session_close(struct dstb_session *session)
{
	bool busy;
	u32 i;

	disable_delayed_work_sync(&session->tick);
	/* The target closes when it has the first BYE: from here on that is no failure. */
	disable_work_sync(&session->fail_work);
	/* After BYE what is still to be sent is: not pages that are about to be given back. */
	busy = dstb_node_busy(session->node);
	for (i = 0; i < session->nr_lanes && !busy && !READ_ONCE(session->broken); i++)
		dstb_lane_bye(session->lanes[i]);
	session_end(session);
	session_free(session);
}
