/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Nodes: the members of a volume. One table of operations, two kinds: local and remote.
 */
#ifndef _DSTB_NODE_H
#define _DSTB_NODE_H

#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "mapping.h"
#include "volume.h"

struct dstb_leg;
struct dstb_node;
struct dstb_session;
struct netlink_ext_ack;

/**
 * struct dstb_node_ops - a kind of node
 * @open:	opens or connects; fills size, limits, flags of the node. Process context, may
 *		sleep, seconds at most
 * @start:	starts a leg; dstb_leg_end() is called for it once, here or later, in any context.
 *		Submitter's context or a worker's: may sleep on preallocated pools only
 * @abort:	makes everything under way end with an error within a bounded time, and refuses what
 *		comes later. Process context, may sleep. Not for local devices, whose own timeouts
 *		must do. Optional
 * @close:	the reverse of @open; nothing is under way. Process context, may sleep
 * @connections: how many now. Optional
 */
struct dstb_node_ops {
	int (*open)(struct dstb_node *node, struct netlink_ext_ack *extack);
	void (*start)(struct dstb_leg *leg);
	void (*abort)(struct dstb_node *node);
	void (*close)(struct dstb_node *node);
	u32 (*connections)(const struct dstb_node *node);
};

/**
 * struct dstb_node - a member of a volume
 * @vol:	the volume
 * @index:	its place in it, 0..nr_nodes-1
 * @ops:	its kind
 * @config:	where it is
 * @state:	enum dst_node_state; changed by dstb_node_set_state() only, read anywhere
 * @lock:	protects changes of @state and @reason; irq-safe
 * @reason:	a sentence for people
 * @size:	of the medium, in sectors
 * @data_sectors: of the data area: what the layout may use
 * @lim:	its queue limits, as opened
 * @max_sectors: longest leg it takes, in sectors; 0: any
 * @volatile_cache: a flush means something to it
 * @read_only:	takes no writes
 * @in_flight:	legs under way
 * @errors:	legs that failed
 * @reads:	legs that were read
 * @writes:	legs that were written
 * @latency_ns:	moving average of a read, an eighth of weight for the newest
 * @bdev_file:	local: the device, open
 * @bdev:	local: the device
 * @session:	remote: the session
 */
struct dstb_node {
	struct dstb_volume *vol;
	u32 index;
	const struct dstb_node_ops *ops;
	struct dstb_node_config config;
	u32 state;
	spinlock_t lock; /* protects state and reason */
	char reason[DSTB_REASON_LEN];
	u64 size;
	u64 data_sectors;
	struct queue_limits lim;
	u32 max_sectors;
	bool volatile_cache;
	bool read_only;
	atomic_t in_flight;
	atomic64_t errors;
	atomic64_t reads;
	atomic64_t writes;
	u64 latency_ns;
	struct file *bdev_file;
	struct block_device *bdev;
	struct dstb_session *session;
};

struct dstb_node *dstb_node_create(struct dstb_volume *vol, u32 index,
				   const struct dstb_node_config *cfg,
				   struct netlink_ext_ack *extack);
void dstb_node_destroy(struct dstb_node *node);
bool dstb_node_set_state(struct dstb_node *node, u32 state, const char *reason);
const char *dstb_node_state_name(u32 state);
void dstb_node_view(const struct dstb_node *node, struct dstb_node_view *view);
u32 dstb_node_connections(const struct dstb_node *node);

static inline u32 dstb_node_in_flight(const struct dstb_node *node)
{
	return atomic_read(&node->in_flight);
}

/* In sync: may be read. Until recovery comes, that is: it has not failed. */
static inline bool dstb_node_in_sync(const struct dstb_node *node)
{
	return READ_ONCE(node->state) == DST_NODE_STATE_UP;
}

extern const struct dstb_node_ops dstb_node_local_ops;
extern const struct dstb_node_ops dstb_node_remote_ops;

#endif /* _DSTB_NODE_H */
