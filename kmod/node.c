// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes: made, watched, unmade. What differs between local and remote is behind struct
 * dstb_node_ops.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/slab.h>

#include "event.h"
#include "node.h"
#include "trace.h"

/*
 * The end of each medium is kept for what recovery will store there (superblocks, bitmap), so that
 * volumes made now keep their layout: docs/decisions.md.
 */
#define META_SECTORS	2048U
#define ALIGN_SECTORS	2048U
#define MIN_SECTORS	(META_SECTORS + ALIGN_SECTORS)

static const char * const state_names[] = {
	[DST_NODE_STATE_CONNECTING] = "connecting",
	[DST_NODE_STATE_UP] = "up",
	[DST_NODE_STATE_FAILED] = "failed",
};

/* From (row) to (bit). A node that has failed stays so for the life of the volume. */
static const u8 transitions[] = {
	[DST_NODE_STATE_CONNECTING] = BIT(DST_NODE_STATE_UP) | BIT(DST_NODE_STATE_FAILED),
	[DST_NODE_STATE_UP] = BIT(DST_NODE_STATE_FAILED),
	[DST_NODE_STATE_FAILED] = 0,
};

/**
 * dstb_node_state_name() - a state for people
 * @state:	enum dst_node_state
 */
const char *dstb_node_state_name(u32 state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : "unknown";
}

/**
 * dstb_node_set_state() - the only way a node changes its state
 * @node:	the node
 * @state:	enum dst_node_state
 * @reason:	a sentence for people
 *
 * Context: any.
 * Return: true if it changed; false if the table forbids it, or it is in that state.
 */
bool dstb_node_set_state(struct dstb_node *node, u32 state, const char *reason)
{
	unsigned long flags;
	u32 old;
	bool ok;

	spin_lock_irqsave(&node->lock, flags);
	old = node->state;
	ok = transitions[old] & BIT(state);
	if (ok) {
		strscpy(node->reason, reason, sizeof(node->reason));
		WRITE_ONCE(node->state, state);
	}
	spin_unlock_irqrestore(&node->lock, flags);
	if (!ok)
		return false;
	trace_dstb_node_state(node->vol->name, node->index, old, state);
	if (state == DST_NODE_STATE_FAILED)
		pr_warn("volume %s: node %u failed: %s\n", node->vol->name, node->index, reason);
	dstb_event_node(node, state_names[old], state_names[state], reason);
	if (state == DST_NODE_STATE_FAILED)
		dstb_volume_node_failed(node->vol);
	return true;
}

/**
 * dstb_node_view() - a node as policies see it
 * @node:	the node
 * @view:	where to
 *
 * Context: any.
 */
void dstb_node_view(const struct dstb_node *node, struct dstb_node_view *view)
{
	view->node = node->index;
	view->flags = (node->session ? 0 : DSTB_VIEW_LOCAL) |
		      (dstb_node_in_sync(node) ? DSTB_VIEW_IN_SYNC : 0);
	view->in_flight = atomic_read(&node->in_flight);
	view->errors = atomic64_read(&node->errors);
	view->latency_ns = READ_ONCE(node->latency_ns);
	view->size = node->data_sectors;
	view->weight = node->config.weight;
	view->zone = node->config.zone;
}

/**
 * dstb_node_connections() - how many connections a node has now
 * @node:	the node
 *
 * Context: any.
 */
u32 dstb_node_connections(const struct dstb_node *node)
{
	return node->ops->connections ? node->ops->connections(node) : 0;
}

static int check_size(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	if (node->size < MIN_SECTORS) {
		NL_SET_ERR_MSG_FMT(extack,
				   "node %u is too small: %llu bytes, at least %llu are needed",
				   node->index, (u64)node->size << 9, (u64)MIN_SECTORS << 9);
		return -ENOSPC;
	}
	if (node->read_only && !node->vol->read_only) {
		NL_SET_ERR_MSG_FMT(extack, "node %u is read-only: create the volume --read-only",
				   node->index);
		return -EROFS;
	}
	node->data_sectors = round_down(node->size, ALIGN_SECTORS) - META_SECTORS;
	return 0;
}

/**
 * dstb_node_create() - open or connect a node of a new volume
 * @vol:	the volume
 * @index:	its place in it
 * @cfg:	where it is
 * @extack:	gets the sentence
 *
 * Context: process; sleeps, seconds at most.
 * Return: the node, up, or an ERR_PTR.
 */
struct dstb_node *dstb_node_create(struct dstb_volume *vol, u32 index,
				   const struct dstb_node_config *cfg,
				   struct netlink_ext_ack *extack)
{
	struct dstb_node *node;
	int err;

	node = kzalloc(sizeof(*node), GFP_KERNEL);
	if (!node)
		return ERR_PTR(-ENOMEM);
	node->vol = vol;
	node->index = index;
	node->config = *cfg;
	if (!node->config.weight)
		node->config.weight = 100;
	node->state = DST_NODE_STATE_CONNECTING;
	spin_lock_init(&node->lock);
	node->ops = cfg->path[0] ? &dstb_node_local_ops : &dstb_node_remote_ops;
	err = node->ops->open(node, extack);
	if (err)
		goto free;
	err = check_size(node, extack);
	if (err)
		goto close;
	if (!dstb_node_set_state(node, DST_NODE_STATE_UP, "")) {
		NL_SET_ERR_MSG_FMT(extack, "node %u failed: %s", index, node->reason);
		err = -EIO;
		goto close;
	}
	return node;
close:
	node->ops->close(node);
free:
	kfree(node);
	return ERR_PTR(err);
}

/**
 * dstb_node_destroy() - close a node
 * @node:	the node; nothing is under way on it
 *
 * Context: process, may sleep.
 */
void dstb_node_destroy(struct dstb_node *node)
{
	node->ops->close(node);
	kfree(node);
}
