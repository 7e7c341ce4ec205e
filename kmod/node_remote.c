// SPDX-License-Identifier: GPL-2.0
/*
 * Remote nodes: exports of other machines. A leg goes to the lane of the CPU it is started on.
 */
#include <linux/netlink.h>
#include <linux/smp.h>

#include "io.h"
#include "node.h"
#include "session.h"

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
	node->session = session;
	return 0;
}

static void remote_start(struct dstb_leg *leg)
{
	struct dstb_session *session = leg->node->session;

	dstb_lane_start(session->lanes[raw_smp_processor_id() % session->nr_lanes], leg);
}

static void remote_abort(struct dstb_node *node)
{
	dstb_session_abort(node->session);
}

static void remote_close(struct dstb_node *node)
{
	dstb_session_close(node->session);
}

static u32 remote_connections(const struct dstb_node *node)
{
	return READ_ONCE(node->session->broken) ? 0 : node->session->nr_lanes;
}

const struct dstb_node_ops dstb_node_remote_ops = {
	.open = remote_open,
	.start = remote_start,
	.abort = remote_abort,
	.close = remote_close,
	.connections = remote_connections,
};
