/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Volumes: a block device over an ordered set of nodes.
 */
#ifndef _DSTB_VOLUME_H
#define _DSTB_VOLUME_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/percpu-refcount.h>
#include <linux/spinlock.h>
#include <linux/uuid.h>
#include <linux/workqueue.h>

#include "addr.h"
#include "mapping.h"
#include "overlap.h"
#include "uapi/dst_netlink.h"

struct dstb_io;
struct dstb_node;
struct dstb_placement;
struct netlink_ext_ack;
struct seq_file;

#define DSTB_EXPORT_NAME_LEN	64
#define DSTB_PATH_LEN		256

/**
 * struct dstb_node_config - where a node of a new volume is
 * @path:	a local block device; empty for a remote node
 * @addr:	a remote node's address
 * @export:	a remote node's export
 * @weight:	relative share of data
 * @zone:	failure domain
 */
struct dstb_node_config {
	char path[DSTB_PATH_LEN];
	struct dstb_addr addr;
	char export[DSTB_EXPORT_NAME_LEN];
	u32 weight;
	u32 zone;
};

/**
 * struct dstb_volume_config - what a volume is made from
 * @name:	name, 1 to 27 characters
 * @uuid:	null for a new one
 * @policy:	name of a registered policy
 * @read_only:	no writes
 * @role:	enum dst_role, how remote nodes are opened
 * @connections: connections a remote node, at most; 0 for the default
 * @io_timeout_ms: a remote request that takes longer fails its node; 0 for the default
 * @nr_params:	how many parameters
 * @params:	for the policy
 * @nr_nodes:	1..DSTB_MAX_NODES
 * @nodes:	in order
 */
struct dstb_volume_config {
	char name[DSTB_VOLUME_NAME_LEN];
	uuid_t uuid;
	char policy[DSTB_POLICY_NAME_LEN];
	bool read_only;
	u32 role;
	u32 connections;
	u32 io_timeout_ms;
	u32 nr_params;
	struct dstb_param params[DSTB_MAX_PARAMS];
	u32 nr_nodes;
	struct dstb_node_config *nodes;
};

/**
 * struct dstb_volume - a volume
 * @list:	in the list of volumes, under its mutex
 * @kref:	the list's, the disk's and each user's of dstb_volume_get()
 * @name:	its name; also of the disk, as dst!NAME
 * @uuid:	its identity
 * @net:	the network namespace it was made in; stopped when that ends
 * @disk:	the block device
 * @inflight:	one reference for each bio (piece) under way and each submitter; killed by stop
 * @drained:	@inflight is zero
 * @map:	its policy
 * @nr_nodes:	how many nodes
 * @nodes:	the nodes, fixed for its life
 * @max_sectors: longest request that every node takes, in sectors
 * @max_discard: longest DISCARD, in sectors; 0: none
 * @max_write_zeroes: longest WRITE_ZEROES, in sectors; 0: none
 * @io_pool:	of struct dstb_io with room for the layout's copies
 * @flush_pool:	of struct dstb_io with room for a leg on every node
 * @copy_bios:	for writes that are acknowledged before all legs are done
 * @copy_pages:	likewise
 * @early:	the policy has asked for that; set once
 * @nr_early:	such writes under way. Under @lock
 * @flushes:	flushes that wait for them. Under @lock
 * @overlap:	writes with several copies under way
 * @wq:		for its connections
 * @io_wq:	for its requests, where they need a process. Apart from @wq, which they may wait for
 * @lock:	protects @state, @reason, @held; irq-safe
 * @state:	enum dst_volume_state; read without the lock on the fast path
 * @reason:	a sentence for people
 * @fault:	what the policy answered wrongly. Under @lock
 * @policy_lost: set and cleared by the mapping's callbacks only. Under @lock
 * @held:	bios that wait for the policy
 * @nr_held:	how many
 * @held_work:	submits what was held
 * @dead:	stopped by force: everything fails
 * @read_only:	no writes
 * @role:	enum dst_role
 * @connections: asked for; 0: default
 * @io_timeout_ms: asked for; 0: default
 * @added:	the disk is there: others may look at the volume
 * @stopping:	no longer; nobody can open it any more. Under @lock
 * @openers:	how many have it open. Under @lock
 */
struct dstb_volume {
	struct list_head list;
	struct kref kref;
	char name[DSTB_VOLUME_NAME_LEN];
	uuid_t uuid;
	struct net *net;
	struct gendisk *disk;
	struct percpu_ref inflight;
	struct completion drained;
	struct dstb_mapping map;
	u32 nr_nodes;
	struct dstb_node **nodes;
	u32 max_sectors;
	u32 max_discard;
	u32 max_write_zeroes;
	mempool_t io_pool;
	mempool_t flush_pool;
	struct bio_set copy_bios;
	mempool_t copy_pages;
	bool early;
	u32 nr_early;
	struct list_head flushes;
	struct dstb_overlap overlap;
	struct workqueue_struct *wq;
	struct workqueue_struct *io_wq;
	spinlock_t lock; /* protects state, reason, held, stopping, openers */
	u32 state;
	char reason[DSTB_REASON_LEN];
	char fault[DSTB_REASON_LEN];
	bool policy_lost;
	struct bio_list held;
	u32 nr_held;
	struct work_struct held_work;
	bool dead;
	bool read_only;
	u32 role;
	u32 connections;
	u32 io_timeout_ms;
	bool added;
	bool stopping;
	u32 openers;
};

int dstb_volume_create(struct net *net, const struct dstb_volume_config *cfg,
		       struct dstb_volume **volp, struct netlink_ext_ack *extack);
int dstb_volume_stop(struct net *net, const char *name, bool force, struct netlink_ext_ack *extack);
struct dstb_volume *dstb_volume_get(struct net *net, const char *name);
struct dstb_volume *dstb_volume_next(struct net *net, struct dstb_volume *prev);
void dstb_volume_put(struct dstb_volume *vol);
void dstb_volume_lock(void);
void dstb_volume_unlock(void);
/*
 * Calls @show for each volume that is there, of every network namespace; dstb_volume_lock() held.
 */
void dstb_volume_for_each(struct seq_file *m,
			  void (*show)(struct seq_file *m, struct dstb_volume *vol));
u32 dstb_volume_openers(const struct dstb_volume *vol);
u32 dstb_volume_up_nodes(const struct dstb_volume *vol);

/*
 * Asks the policy where sectors live: control plane, process context. Returns 0, -EAGAIN while
 * lost, -EBADE when faulted.
 */
int dstb_volume_map(struct dstb_volume *vol, u64 sector, u32 nr_sectors,
		    struct dstb_placement *out);

const char *dstb_volume_state_name(u32 state);
void dstb_volume_node_failed(struct dstb_volume *vol);
void dstb_volume_net_exit(struct net *net);

struct dstb_volume *dstb_volume_of(struct block_device *bdev);

/* limits.c */
void dstb_limits_stack(struct dstb_volume *vol, struct queue_limits *lim);
u32 dstb_limits_block_size(const struct dstb_volume *vol);

#endif /* _DSTB_VOLUME_H */
