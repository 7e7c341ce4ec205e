// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes that are exports of this kernel: the device without a socket, with the export's say in who
 * owns it. That is how a disk that is exported to a partner is used here.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/netlink.h>

#include "export.h"
#include "member.h"
#include "node.h"
#include "volume.h"
#include "uapi/dst_wire.h"

static const char *export_name(const struct dstb_node *node)
{
	return dstb_node_export(&node->config);
}

/* With the target's lock held: only remembers it. */
static void leave(void *arg, u32 status, const char *why)
{
	struct dstb_node *node = arg;

	WRITE_ONCE(node->leave_status, status);
	dstb_member_leaving(node);
}

static void export_close(struct dstb_node *node)
{
	struct dstb_local_session *attached = node->attached;

	if (!attached)
		return;
	/* What is with the device ends by its own limits; then it is somebody else's. */
	WRITE_ONCE(node->bdev, NULL);
	while (dstb_node_busy(node))
		msleep(20);
	node->attached = NULL;
	dstb_export_detach(attached);
}

/* The second session of a volume would take the place of the first. */
static bool same_twice(const struct dstb_node *node, struct netlink_ext_ack *extack)
{
	const struct dstb_node *other;
	bool twice = false;
	u32 i;

	rcu_read_lock();
	for (i = 0; !twice && (other = dstb_volume_node(node->vol, i)); i++) {
		twice = other != node && READ_ONCE(other->attached) &&
			!strcmp(other->config.path, node->config.path);
		if (twice)
			NL_SET_ERR_MSG_FMT(extack, "nodes %u and %u are the same export, '%s'",
					   min(i, node->index), max(i, node->index),
					   export_name(node));
	}
	rcu_read_unlock();
	return twice;
}

static int export_open(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	const struct dstb_volume *vol = node->vol;
	struct dstb_local_session *attached;
	bool takeover;

	if (same_twice(node, extack))
		return -EEXIST;
	WRITE_ONCE(node->leave_status, 0);
	takeover = vol->takeover && !READ_ONCE(node->taken);
	attached = dstb_export_attach(vol, export_name(node), dstb_node_role(node), takeover,
				      leave, node, extack);
	if (IS_ERR(attached))
		return PTR_ERR(attached);
	node->attached = attached;
	node->bdev = dstb_export_bdev(attached);
	dstb_node_bdev_limits(node);
	return 0;
}

static u32 export_connections(const struct dstb_node *node)
{
	return READ_ONCE(node->attached) ? 1 : 0;
}

static u64 export_instance(const struct dstb_node *node)
{
	return node->attached ? dstb_export_instance(node->attached) : 0;
}

const struct dstb_node_ops dstb_node_export_ops = {
	.open = export_open,
	.reopen = dstb_node_bdev_reopen,
	.start = dstb_node_bdev_start,
	.close = export_close,
	.connections = export_connections,
	.instance = export_instance,
};
