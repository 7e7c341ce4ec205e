// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes: made, watched, unmade. What differs between local and remote is behind struct
 * dstb_node_ops; what makes them come and go, in member.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/slab.h>

#include "event.h"
#include "fault.h"
#include "io.h"
#include "member.h"
#include "node.h"
#include "trace.h"

static const char * const state_names[] = {
	[DST_NODE_STATE_CONNECTING] = "connecting",
	[DST_NODE_STATE_UP] = "up",
	[DST_NODE_STATE_FAILED] = "failed",
	[DST_NODE_STATE_LOST] = "lost",
	[DST_NODE_STATE_AWAY] = "away",
	[DST_NODE_STATE_SUSPENDED] = "suspended",
	[DST_NODE_STATE_SYNCING] = "syncing",
	[DST_NODE_STATE_REFUSED] = "refused",
};

#define TO(name)	BIT(DST_NODE_STATE_ ## name)
/* What a node that is out of service may become, besides being connected again. */
#define FROM_OUT	(TO(CONNECTING) | TO(UP) | TO(SYNCING) | TO(SUSPENDED) | TO(REFUSED) | \
			 TO(FAILED))

/* From (row) to (bit). */
static const u8 transitions[] = {
	[DST_NODE_STATE_CONNECTING] = TO(UP) | TO(SYNCING) | TO(FAILED) | TO(AWAY) | TO(SUSPENDED) |
				      TO(REFUSED),
	[DST_NODE_STATE_UP] = TO(FAILED) | TO(LOST) | TO(AWAY) | TO(SUSPENDED) | TO(REFUSED) |
			      TO(SYNCING),
	[DST_NODE_STATE_SYNCING] = TO(UP) | TO(FAILED) | TO(LOST) | TO(AWAY) | TO(SUSPENDED) |
				   TO(REFUSED),
	[DST_NODE_STATE_LOST] = TO(UP) | TO(SYNCING) | TO(AWAY) | TO(SUSPENDED) | TO(REFUSED) |
				TO(FAILED),
	[DST_NODE_STATE_AWAY] = FROM_OUT,
	[DST_NODE_STATE_SUSPENDED] = FROM_OUT | TO(LOST) | TO(AWAY),
	[DST_NODE_STATE_REFUSED] = FROM_OUT,
	[DST_NODE_STATE_FAILED] = FROM_OUT,
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
 * Return: true if it changed; false if the table forbids it, or it is in that state: then only the
 * reason is taken, where the state is the same.
 */
bool dstb_node_set_state(struct dstb_node *node, u32 state, const char *reason)
{
	unsigned long flags;
	u32 old;
	bool ok;

	spin_lock_irqsave(&node->lock, flags);
	old = node->state;
	ok = transitions[old] & BIT(state);
	if (ok || (old == state && state != DST_NODE_STATE_FAILED))
		strscpy(node->reason, reason, sizeof(node->reason));
	if (ok && state == DST_NODE_STATE_LOST)
		strscpy(node->loss, reason, sizeof(node->loss));
	if (ok) {
		WRITE_ONCE(node->state, state);
		node->since = jiffies;
	}
	spin_unlock_irqrestore(&node->lock, flags);
	if (!ok)
		return false;
	trace_dstb_node_state(node->vol->name, node->index, old, state);
	if (state == DST_NODE_STATE_FAILED || state == DST_NODE_STATE_LOST ||
	    state == DST_NODE_STATE_AWAY || state == DST_NODE_STATE_REFUSED)
		pr_warn("volume %s: node %u %s: %s\n", node->vol->name, node->index,
			state_names[state], reason);
	dstb_event_node(node, state_names[old], state_names[state], reason);
	dstb_volume_node_changed(node->vol);
	return true;
}

/**
 * dstb_node_set_part() - change the part that a node has in requests
 * @node:	the node
 * @part:	its part from now on
 * @ready:	legs may be started
 *
 * What waits for it is started when it is ready; when it is out, dstb_node_end_pending() is due.
 * Context: any.
 */
void dstb_node_set_part(struct dstb_node *node, enum dstb_part part, bool ready)
{
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	smp_store_release(&node->part, part); /* after @lacks: pairs with dstb_node_has() */
	WRITE_ONCE(node->ready, ready);
	if (ready) {
		node->impatient = false;
		if (!list_empty(&node->pending))
			queue_work(node->vol->io_wq, &node->pend_work);
	}
	spin_unlock_irqrestore(&node->lock, flags);
}

/**
 * dstb_node_pend() - a leg can't be started, or its connection broke below it
 * @leg:	the leg; nobody else has it any more
 *
 * It waits for the node to come back, and ends with BLK_STS_TRANSPORT where that is of no use: when
 * the node is out, when a read can go elsewhere, when it is the module's own.
 * Context: any.
 */
void dstb_node_pend(struct dstb_leg *leg)
{
	struct dstb_node *node = leg->node;
	unsigned long flags;
	bool wait = leg->patient;

	/* The partitions of a disk that is being made: nobody brings its nodes back yet. */
	if (leg->io->op == REQ_OP_READ && node->vol->super && !READ_ONCE(node->vol->started))
		wait = false;
	if (wait) {
		spin_lock_irqsave(&node->lock, flags);
		wait = node->part != DSTB_PART_OUT && !node->impatient;
		if (wait) {
			list_add_tail(&leg->wait, &node->pending);
			WRITE_ONCE(node->nr_pending, node->nr_pending + 1);
			/* It may have come back before we got here. */
			if (node->ready)
				queue_work(node->vol->io_wq, &node->pend_work);
		}
		spin_unlock_irqrestore(&node->lock, flags);
	}
	if (!wait)
		dstb_leg_end(leg, BLK_STS_TRANSPORT);
}

/**
 * dstb_node_busy() - how many legs the medium has now, apart from those that wait for it
 * @node:	the node
 *
 * Context: any.
 */
u32 dstb_node_busy(struct dstb_node *node)
{
	unsigned long flags;
	u32 nr;

	smp_mb(); /* it can't be started on, then who is counted: pairs with dstb_leg_start() */
	spin_lock_irqsave(&node->lock, flags);
	/* Together: a leg leaves both counts, one after the other. */
	nr = atomic_read(&node->in_flight) - node->nr_pending;
	spin_unlock_irqrestore(&node->lock, flags);
	return nr;
}

static void take_pending(struct dstb_node *node, struct list_head *legs)
{
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	list_splice_init(&node->pending, legs);
	WRITE_ONCE(node->nr_pending, 0);
	spin_unlock_irqrestore(&node->lock, flags);
}

/**
 * dstb_node_end_pending() - nothing waits for the node any more
 * @node:	the node, out or impatient
 *
 * Context: process, may sleep.
 */
void dstb_node_end_pending(struct dstb_node *node)
{
	struct dstb_leg *leg, *next;
	LIST_HEAD(legs);

	take_pending(node, &legs);
	list_for_each_entry_safe(leg, next, &legs, wait)
		dstb_leg_end(leg, BLK_STS_TRANSPORT);
}

static void pend_work_fn(struct work_struct *work)
{
	struct dstb_node *node = container_of(work, struct dstb_node, pend_work);
	struct dstb_leg *leg, *next;
	LIST_HEAD(legs);

	if (READ_ONCE(node->ready) && !dstb_fault_hold(node))
		take_pending(node, &legs);
	list_for_each_entry_safe(leg, next, &legs, wait) {
		/* It may have come back without what is to be read. */
		if (leg->io->op == REQ_OP_READ && !dstb_leg_may_read(leg))
			dstb_leg_end(leg, BLK_STS_TRANSPORT);
		else if (READ_ONCE(node->ready))
			node->ops->start(leg);
		else /* lost once more */
			dstb_node_pend(leg);
	}
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
	view->flags = (node->config.path[0] ? DSTB_VIEW_LOCAL : 0) |
		      (dstb_node_in_sync(node) ? DSTB_VIEW_IN_SYNC : 0);
	view->in_flight = atomic_read(&node->in_flight);
	view->errors = atomic64_read(&node->errors);
	view->latency_ns = READ_ONCE(node->latency_ns);
	view->size = node->data_sectors;
	view->weight = node->config.weight;
	view->zone = node->config.zone;
	view->state = READ_ONCE(node->state);
}

/**
 * dstb_node_connections() - how many connections a node has now
 * @node:	the node
 *
 * Context: any.
 */
u32 dstb_node_connections(const struct dstb_node *node)
{
	/* dstb_member_replace() may give it others meanwhile. */
	const struct dstb_node_ops *ops = READ_ONCE(node->ops);

	return ops->connections ? ops->connections(node) : 0;
}

static int check_size(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	if (node->size < DSTB_MIN_SECTORS) {
		NL_SET_ERR_MSG_FMT(extack,
				   "node %u is too small: %llu bytes, at least %llu are needed",
				   node->index, (u64)node->size << 9, (u64)DSTB_MIN_SECTORS << 9);
		return -ENOSPC;
	}
	if (node->size > DSTB_MAX_SECTORS) {
		NL_SET_ERR_MSG_FMT(extack, "node %u has %llu sectors, at most %llu can be",
				   node->index, node->size, DSTB_MAX_SECTORS);
		return -EFBIG;
	}
	if (node->read_only && !node->vol->read_only && !node->look) {
		NL_SET_ERR_MSG_FMT(extack, "node %u is read-only: create the volume --read-only",
				   node->index);
		return -EROFS;
	}
	node->data_sectors = node->meta;
	return 0;
}

/**
 * dstb_node_ops_of() - which kind of node is this?
 * @cfg:	where it is
 */
const struct dstb_node_ops *dstb_node_ops_of(const struct dstb_node_config *cfg)
{
	if (str_has_prefix(cfg->path, DSTB_PATH_EXPORT))
		return &dstb_node_export_ops;
	return cfg->path[0] ? &dstb_node_local_ops : &dstb_node_remote_ops;
}

/**
 * dstb_node_export() - which export is this, by its name?
 * @cfg:	where the node is
 *
 * Return: the name, or NULL for a device.
 */
const char *dstb_node_export(const struct dstb_node_config *cfg)
{
	if (str_has_prefix(cfg->path, DSTB_PATH_EXPORT))
		return cfg->path + strlen(DSTB_PATH_EXPORT);
	return cfg->path[0] ? NULL : cfg->export;
}

/**
 * dstb_node_alloc() - make a node that is not open
 * @vol:	the volume
 * @index:	its place in it
 * @cfg:	where it is
 *
 * Context: process, may sleep.
 * Return: the node, out, or NULL.
 */
struct dstb_node *dstb_node_alloc(struct dstb_volume *vol, u32 index,
				  const struct dstb_node_config *cfg)
{
	struct dstb_node *node = kzalloc(sizeof(*node), GFP_KERNEL);

	if (!node)
		return NULL;
	node->vol = vol;
	node->index = index;
	node->config = *cfg;
	if (!node->config.weight)
		node->config.weight = 100;
	node->state = DST_NODE_STATE_CONNECTING;
	node->since = jiffies;
	spin_lock_init(&node->lock);
	mutex_init(&node->link);
	INIT_LIST_HEAD(&node->pending);
	INIT_WORK(&node->pend_work, pend_work_fn);
	dstb_member_init_node(node);
	node->ops = dstb_node_ops_of(cfg);
	return node;
}

/**
 * dstb_node_open() - open or connect a node for the first time
 * @node:	the node
 * @extack:	gets the sentence
 *
 * Context: process; sleeps, seconds at most.
 * Return: 0, and its size and limits are known; or a negative errno, and it is not open.
 */
int dstb_node_open(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	int err = node->ops->open(node, extack);

	if (err)
		return err;
	err = check_size(node, extack);
	if (err)
		node->ops->close(node);
	return err;
}

/**
 * dstb_node_own() - what was looked at is opened for good
 * @node:	the node, open as a reader
 * @extack:	gets the sentence
 *
 * Another one may have taken it meanwhile: it is to be looked at again.
 * Context: process; sleeps, seconds at most; the node's link is held, or its volume is being made.
 * Return: 0, or a negative errno, and it is closed.
 */
int dstb_node_own(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	node->look = false;
	/* That was about the session that only read. */
	WRITE_ONCE(node->leaving, false);
	return node->ops->reopen(node, extack);
}

/**
 * dstb_node_destroy() - close a node
 * @node:	the node; nothing is under way on it, and nothing is done to it any more
 *
 * Context: process, may sleep.
 */
void dstb_node_destroy(struct dstb_node *node)
{
	node->ops->close(node);
	kvfree(node->lacks);
	kfree(node);
}
