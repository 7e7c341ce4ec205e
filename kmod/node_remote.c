// SPDX-License-Identifier: GPL-2.0
/*
 * Remote nodes: exports of other machines. A leg goes to the lane of the CPU it is started on.
 */
#include <linux/netlink.h>
#include <linux/smp.h>

#include "io.h"
#include "node.h"
#include "raw.h"
#include "session.h"

static void take_limits(struct dstb_node *node, const struct dstb_session *session)
{
	node->size = session->limits.size;
	node->meta = dstb_node_meta(node->size);
	node->max_sectors = session->limits.max_request >> 9;
	node->volatile_cache = session->device & DST_WIRE_DEV_VWC;
	node->read_only = session->limits.read_only;
	node->lim = session->lim;
}

static int remote_open(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	const struct dstb_volume *vol = node->vol;
	struct dstb_session *session;
	u32 i;
	int err;

	err = dstb_addr_check(&node->config.addr, extack);
	if (err)
		return err;
	for (i = 0; i < node->index; i++) {
		const struct dstb_node_config *other = &vol->nodes[i]->config;

		if (!other->path[0] && dstb_addr_equal(&other->addr, &node->config.addr) &&
		    !strcmp(other->export, node->config.export)) {
			NL_SET_ERR_MSG_FMT(extack, "nodes %u and %u are the same export, '%s'", i,
					   node->index, node->config.export);
			return -EEXIST;
		}
	}
	session = dstb_session_open(node, extack);
	if (IS_ERR(session))
		return PTR_ERR(session);
	take_limits(node, session);
	rcu_assign_pointer(node->session, session);
	return 0;
}

static void remote_close(struct dstb_node *node)
{
	struct dstb_session *session = rcu_dereference_protected(node->session, true);

	if (!session)
		return;
	/* The grace period for who starts a leg is the session's own. */
	RCU_INIT_POINTER(node->session, NULL);
	dstb_session_close(session);
}

/* Does the export suit the volume, which is what it is? */
static int suits(const struct dstb_node *node, const struct dstb_session *session,
		 struct netlink_ext_ack *extack)
{
	const struct dstb_wire_limits *lim = &session->limits;
	const struct dstb_volume *vol = node->vol;
	const char *why = NULL;

	if (dstb_node_meta(lim->size) < node->data_sectors || !dstb_node_meta(lim->size))
		why = "is too small";
	else if (lim->read_only && !node->look)
		why = "is read-only";
	else if (node->config.witness || !vol->started)
		return 0;
	else if (lim->block_size > vol->map.layout.block_size)
		why = "has larger blocks than the volume";
	else if (lim->max_request >> 9 < vol->max_sectors)
		why = "takes shorter requests than the volume";
	else if (lim->max_write_zeroes < vol->max_write_zeroes ||
		 (vol->map.layout.copies == 1 && lim->max_discard < vol->max_discard))
		why = "can't write zeroes or discard as the volume does";
	if (!why)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "the export %s", why);
	return -EMEDIUMTYPE;
}

static int remote_reopen(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	struct dstb_session *session;
	int err;

	remote_close(node);
	session = dstb_session_open(node, extack);
	if (IS_ERR(session))
		return PTR_ERR(session);
	err = suits(node, session, extack);
	if (err) {
		dstb_session_close(session);
		return err;
	}
	take_limits(node, session);
	rcu_assign_pointer(node->session, session);
	return 0;
}

/*
 * Since its node was looked at its session may have been replaced, after a grace period in which
 * that was not ready any more: nothing is sent over the new one before the node is let in, but for
 * what that takes. Under RCU, when the session is known.
 */
static bool may_start(const struct dstb_leg *leg)
{
	return READ_ONCE(leg->node->ready) || (leg->io->raw && leg->io->raw->always);
}

static void remote_start(struct dstb_leg *leg)
{
	struct dstb_session *session;
	enum dstb_lane_queued queued;
	struct dstb_lane *lane;

	rcu_read_lock();
	session = rcu_dereference(leg->node->session);
	if (unlikely(!session || !may_start(leg))) {
		rcu_read_unlock();
		dstb_node_pend(leg);
		return;
	}
	/* Here, and not before: it is this session's target that is asked. */
	if (dstb_raw_digests(leg->io->raw) &&
	    !(session->limits.features & DST_WIRE_FEAT_DIGEST)) {
		rcu_read_unlock();
		dstb_leg_end(leg, BLK_STS_NOTSUPP);
		return;
	}
	lane = session->lanes[raw_smp_processor_id() % session->nr_lanes];
	queued = dstb_lane_start(lane, leg);
	/* For the sending: the leg may end, and the session be replaced, meanwhile. */
	if (queued == DSTB_LANE_SEND)
		kref_get(&lane->kref);
	rcu_read_unlock();
	if (queued == DSTB_LANE_SEND) {
		dstb_lane_send(lane);
		dstb_lane_put(lane);
	} else if (unlikely(queued == DSTB_LANE_BROKEN)) {
		dstb_node_pend(leg);
	}
}

static void remote_abort(struct dstb_node *node)
{
	struct dstb_session *session;

	rcu_read_lock();
	session = rcu_dereference(node->session);
	if (session)
		dstb_session_abort(session);
	rcu_read_unlock();
}

/*
 * One that broke ends them all, if not just now: nobody is to be let in on a session that its
 * fail_work is about to end.
 */
static u32 remote_connections(const struct dstb_node *node)
{
	struct dstb_session *session;
	u32 nr = 0, i;

	rcu_read_lock();
	session = rcu_dereference(node->session);
	if (session && !READ_ONCE(session->broken))
		nr = session->nr_lanes;
	for (i = 0; i < nr; i++)
		if (READ_ONCE(session->lanes[i]->conn.broken))
			nr = 0;
	rcu_read_unlock();
	return nr;
}

static u64 remote_instance(const struct dstb_node *node)
{
	struct dstb_session *session;
	u64 instance = 0;

	rcu_read_lock();
	session = rcu_dereference(node->session);
	if (session)
		instance = session->instance;
	rcu_read_unlock();
	return instance;
}

const struct dstb_node_ops dstb_node_remote_ops = {
	.open = remote_open,
	.reopen = remote_reopen,
	.start = remote_start,
	.abort = remote_abort,
	.close = remote_close,
	.connections = remote_connections,
	.instance = remote_instance,
};
