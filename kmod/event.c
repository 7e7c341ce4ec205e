// SPDX-License-Identifier: GPL-2.0
/*
 * Events: to the multicast group "events" of the netlink family, in the network namespace of the
 * object. Whoever has one may hold locks or sit in an interrupt, so the message is made there and
 * sent by a worker, in order. A listener that is too slow loses some, and so do all when the
 * worker is or there is no memory: they are told so by their sockets (ENOBUFS).
 */
#include <linux/skbuff.h>
#include <linux/timekeeping.h>
#include <linux/uuid.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "event.h"
#include "netlink_gen.h"
#include "node.h"
#include "uapi/dst_netlink.h"
#include "volume.h"

/**
 * struct event - what there is to tell
 * @kind:	enum dst_event_kind
 * @name:	of the object
 * @uuid:	of the volume, or NULL
 * @node:	index of the node, with DST_EVENT_KIND_NODE
 * @old:	state before; NULL for what is new
 * @new:	state now
 * @reason:	a sentence, or NULL
 */
struct event {
	u32 kind;
	const char *name;
	const uuid_t *uuid;
	u32 node;
	const char *old;
	const char *new;
	const char *reason;
};

#define MAX_QUEUED	4096

/* In the control block of a queued message. */
struct queued {
	struct net *net;
};

static struct workqueue_struct *event_wq;
static struct sk_buff_head queue;

static void send_queued(struct work_struct *work)
{
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&queue))) {
		struct net *net = ((struct queued *)skb->cb)->net;

		memset(skb->cb, 0, sizeof(struct queued));
		genlmsg_multicast_netns(&dstb_nl_family, net, skb, 0, DST_NLGRP_EVENTS,
					GFP_KERNEL);
		put_net(net);
	}
}

static DECLARE_WORK(send_work, send_queued);

static struct sk_buff *event_message(const struct event *event)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	void *head;

	if (!skb)
		return NULL;
	head = genlmsg_put(skb, 0, 0, &dstb_nl_family, 0, DST_CMD_EVENT);
	if (!head || nla_put_u32(skb, DST_A_EVENT_KIND, event->kind) ||
	    nla_put_string(skb, DST_A_EVENT_NAME, event->name) ||
	    (event->kind == DST_EVENT_KIND_NODE &&
	     nla_put_u32(skb, DST_A_EVENT_NODE, event->node)) ||
	    nla_put_string(skb, DST_A_EVENT_OLD, event->old ?: "") ||
	    nla_put_string(skb, DST_A_EVENT_NEW, event->new ?: "") ||
	    nla_put_string(skb, DST_A_EVENT_REASON, event->reason ?: "") ||
	    nla_put_u64_64bit(skb, DST_A_EVENT_TIME_NS, ktime_get_real_fast_ns(), 0) ||
	    (event->uuid && nla_put(skb, DST_A_EVENT_UUID, UUID_SIZE, event->uuid))) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, head);
	return skb;
}

static bool queue_event(struct net *net, const struct event *event)
{
	struct sk_buff *skb;

	if (skb_queue_len_lockless(&queue) >= MAX_QUEUED)
		return false;
	skb = event_message(event);
	if (!skb)
		return false;
	((struct queued *)skb->cb)->net = get_net(net);
	skb_queue_tail(&queue, skb);
	queue_work(event_wq, &send_work);
	return true;
}

static void send_event(struct net *net, const struct event *event)
{
	if (!event_wq || !genl_has_listeners(&dstb_nl_family, net, DST_NLGRP_EVENTS) ||
	    !maybe_get_net(net))
		return;
	if (!queue_event(net, event))
		genl_set_err(&dstb_nl_family, net, 0, DST_NLGRP_EVENTS, -ENOBUFS);
	put_net(net);
}

/**
 * dstb_event_volume() - tell that a volume changed its state
 * @vol:	the volume
 * @old:	its state before, NULL for a new one
 * @new:	its state now
 * @reason:	a sentence, or NULL
 *
 * Context: any.
 */
void dstb_event_volume(const struct dstb_volume *vol, const char *old, const char *new,
		       const char *reason)
{
	send_event(vol->net, &(struct event){
		.kind = DST_EVENT_KIND_VOLUME, .name = vol->name, .uuid = &vol->uuid,
		.old = old, .new = new, .reason = reason,
	});
}

/**
 * dstb_event_node() - tell that a node changed its state
 * @node:	the node
 * @old:	its state before, NULL for a new one
 * @new:	its state now
 * @reason:	a sentence, or NULL
 *
 * Context: any.
 */
void dstb_event_node(const struct dstb_node *node, const char *old, const char *new,
		     const char *reason)
{
	send_event(node->vol->net, &(struct event){
		.kind = DST_EVENT_KIND_NODE, .name = node->vol->name, .uuid = &node->vol->uuid,
		.node = node->index, .old = old, .new = new, .reason = reason,
	});
}

/**
 * dstb_event_policy() - tell that a policy came or went
 * @name:	its name
 * @old:	its state before, NULL for a new one
 * @new:	its state now
 * @reason:	a sentence, or NULL
 *
 * Policies are the whole machine's: every network namespace hears of them.
 *
 * Context: any.
 */
void dstb_event_policy(const char *name, const char *old, const char *new, const char *reason)
{
	const struct event event = {
		.kind = DST_EVENT_KIND_POLICY, .name = name,
		.old = old, .new = new, .reason = reason,
	};
	struct net *net;

	rcu_read_lock();
	for_each_net_rcu(net)
		send_event(net, &event);
	rcu_read_unlock();
}

/**
 * dstb_event_export() - tell that an export came or went
 * @net:	its network namespace
 * @name:	its name
 * @old:	its state before, NULL for a new one
 * @new:	its state now
 * @reason:	a sentence, or NULL
 *
 * Context: any.
 */
void dstb_event_export(struct net *net, const char *name, const char *old, const char *new,
		       const char *reason)
{
	send_event(net, &(struct event){
		.kind = DST_EVENT_KIND_EXPORT, .name = name,
		.old = old, .new = new, .reason = reason,
	});
}

/**
 * dstb_event_session() - tell that an initiator came or went
 * @net:	network namespace of the export
 * @export:	name of the export
 * @old:	its state before, NULL for a new one
 * @new:	its state now
 * @reason:	a sentence that says who, or NULL
 *
 * Context: any.
 */
void dstb_event_session(struct net *net, const char *export, const char *old, const char *new,
			const char *reason)
{
	send_event(net, &(struct event){
		.kind = DST_EVENT_KIND_SESSION, .name = export,
		.old = old, .new = new, .reason = reason,
	});
}

/**
 * dstb_event_init() - begin to send events; before, they are dropped
 *
 * Return: 0 or -ENOMEM.
 */
int __init dstb_event_init(void)
{
	skb_queue_head_init(&queue);
	event_wq = alloc_ordered_workqueue("dstb_event", 0);
	return event_wq ? 0 : -ENOMEM;
}

/**
 * dstb_event_exit() - send what is left; nothing has events any more
 */
void dstb_event_exit(void)
{
	destroy_workqueue(event_wq);
	event_wq = NULL;
}
