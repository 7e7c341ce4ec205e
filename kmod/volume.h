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
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/spinlock.h>
#include <linux/uuid.h>
#include <linux/workqueue.h>

#include "addr.h"
#include "dirty.h"
#include "fault.h"
#include "mapping.h"
#include "overlap.h"
#include "uapi/dst_netlink.h"

struct dstb_io;
struct dstb_node;
struct dstb_placement;
struct dstb_raw;
struct dstb_super;
struct dstb_sync;
struct netlink_ext_ack;
struct seq_file;

#define DSTB_EXPORT_NAME_LEN	64
#define DSTB_PATH_LEN		256
#define DSTB_PATH_EXPORT	"export:"	/* then the name of a local export */

/**
 * struct dstb_node_config - where a node of a new volume is
 * @path:	a local block device, or DSTB_PATH_EXPORT and the name of a local export, which is
 *		used without a socket; empty for a remote node
 * @addr:	a remote node's address
 * @export:	a remote node's export
 * @dev:	what @path means to who has said it: dstb_node_find(); 0: not looked up
 * @weight:	relative share of data
 * @zone:	failure domain
 * @witness:	votes, holds no data; such nodes come last
 */
struct dstb_node_config {
	char path[DSTB_PATH_LEN];
	struct dstb_addr addr;
	char export[DSTB_EXPORT_NAME_LEN];
	dev_t dev;
	u32 weight;
	u32 zone;
	bool witness;
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
 * @adopt:	take media that are not blank
 * @no_wait:	requests that would wait for a node or a quorum fail
 * @checksum:	resync compares digests first
 * @degraded:	assemble without a quorum
 * @takeover:	assemble although another one has the nodes
 * @grace_given: @grace_ms is not the default
 * @grace_ms:	how long a lost node is waited for
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
	bool adopt;
	bool no_wait;
	bool checksum;
	bool degraded;
	bool takeover;
	bool grace_given;
	u32 grace_ms;
	u32 nr_params;
	struct dstb_param params[DSTB_MAX_PARAMS];
	u32 nr_nodes;
	struct dstb_node_config *nodes;
};

/**
 * struct dstb_io_pools - what requests are made from
 * @io:		of struct dstb_io with room for the layout's copies
 * @flush:	of struct dstb_io with room for a leg on every node with data
 */
struct dstb_io_pools {
	mempool_t *io;
	mempool_t *flush;
};

#define DSTB_MAX_DEPTH	16U	/* volumes of one kernel on each other */

/**
 * struct dstb_volume - a volume
 * @list:	in the list of volumes, under its mutex
 * @serial:	one more than that of the volume made before; the list is in this order
 * @kref:	the list's, the disk's and each user's of dstb_volume_get()
 * @name:	its name; also of the disk, as dst!NAME
 * @uuid:	its identity
 * @net:	the network namespace it was made in; stopped when that ends
 * @disk:	the block device
 * @users:	one reference for each who looks at it or changes it; killed by stop, first
 * @unused:	@users is zero
 * @inflight:	one reference for each bio (piece) under way and each submitter; killed by stop,
 *		and for a moment by dstb_io_freeze()
 * @drained:	@inflight is zero
 * @frozen:	it is killed for a moment only: requests wait in @held. Under @lock
 * @ended:	it is killed for good. Under @lock
 * @map:	its policy
 * @nr_nodes:	how many nodes
 * @nr_data:	of them hold data; the rest are witnesses
 * @nodes:	the nodes, DSTB_MAX_NODES of them at most. They may change while it runs, with no
 *		request under way, on the meta_wq, resync stopped, and under @control_lock,
 *		@nodes_lock and @member_lock. Who has none of these asks dstb_volume_node()
 * @nodes_lock:	for who goes through them and sleeps
 * @depth:	volumes of this kernel that lie on each other, with this one on top
 * @max_sectors: longest request that every node takes, in sectors
 * @max_discard: longest DISCARD, in sectors; 0: none
 * @max_write_zeroes: longest WRITE_ZEROES, in sectors; 0: none
 * @pools:	of its requests
 * @copy_bios:	for writes that are acknowledged before all legs are done
 * @copy_pages:	likewise
 * @zeroes:	the page of zeroes, a granule of it; NULL with one copy
 * @early:	the policy has asked for that; set once
 * @nr_early:	such writes under way. Under @lock
 * @nr_early_legs: those of them with legs under way. Under @lock
 * @early_hold:	there must be no more of them for now: who is in sync is to change. Under @lock
 * @flushes:	flushes that wait for them. Under @lock
 * @overlap:	writes with several copies under way
 * @wq:		for its connections
 * @io_wq:	for its requests, where they need a process. Apart from @wq, which they may wait for
 * @new_wq:	for what takes new requests from the pools. Apart from @io_wq, which gives them back
 * @node_wq:	connects its nodes. Each volume's own: it may wait for a volume below, whose
 *		nodes are to be connected meanwhile
 * @flushed:	bios whose flush is done, and whose data is to be written. Under @lock
 * @flushed_work: writes it
 * @lock:	protects @state, @reason, @held, @parked; irq-safe
 * @state:	enum dst_volume_state; read without the lock on the fast path
 * @reason:	a sentence for people
 * @fault:	what the policy answered wrongly. Under @lock
 * @policy_lost: set and cleared by the mapping's callbacks only. Under @lock
 * @held:	bios that wait for the policy, or for @gate_hold to be over
 * @nr_held:	how many
 * @held_work:	submits what was held
 * @gate_dead:	stopped by force, or fenced: everything fails
 * @gate_hold:	no quorum, or suspended: everything waits
 * @read_only:	no writes
 * @role:	enum dst_role
 * @connections: asked for; 0: default
 * @io_timeout_ms: asked for; 0: default
 * @added:	the disk is there: others may look at the volume
 * @stopping:	no longer; nobody can open it any more. Under @lock
 * @stop_force:	of who stops it
 * @openers:	how many have it open. Under @lock
 * @instance:	random, not 0: this life of the volume, for the targets
 * @takeover:	nodes are to be taken over from whoever writes to them: until each is in service
 * @metadata:	its nodes hold superblocks
 * @assembled:	it was there before
 * @wrote:	its nodes have got superblocks
 * @degraded_ok: fewer than half of the votes will do, by the operator's word
 * @no_wait:	requests that would wait for a node or a quorum fail
 * @checksum:	resync compares digests first
 * @grace_ms:	how long a lost node is waited for
 *
 * Of volumes with metadata (member.c, super.c, resync.c):
 * @super:	what the superblocks say; NULL: there are none. The meta_wq's once it is made
 * @super_bytes: of one, encoded, in whole blocks
 * @super_alloc: bytes of @super_bufs
 * @super_bufs:	for writing some of them
 * @super_area:	for reading both copies of one, and for looking whether a medium is blank
 * @raws:	for I/O on all nodes. The meta_wq's
 * @raw_pool:	of the module's own I/O
 * @raw_bios:	likewise
 * @dirty:	its dirty tracking
 * @meta_wq:	ordered: everything that reads or writes metadata
 * @timer_lock:	held by who has work of @meta_wq done later; irq-safe, inside all others
 * @member_work: makes the superblocks say what has become of the nodes
 * @member_lock: one decision about who is out at a time; irq-safe; inside it, node->lock and @lock
 * @losses:	how often what was acknowledged was lost, with a node's cache, say, and nobody else
 *		had it
 * @losses_told: how many of them a flush has failed for
 * @parked:	writes and flushes that wait for the superblocks. Under @lock
 * @park_fails:	they fail instead, and so do new ones: no quorum, and @no_wait. Under @lock
 * @unrecorded:	the superblocks are to be written. The meta_wq's
 * @activating:	with a new age: what they say is another thing. The meta_wq's
 * @fresh:	they have been since writes and flushes that wait for that were looked at. Likewise
 * @nr_before:	their table of nodes is another one, and not recorded yet: how many the old one had;
 *		else 0. The meta_wq's
 * @newcomer:	the node that was not in it. The meta_wq's
 * @quorum:	enough of them could be. Under @lock
 * @votes:	how many were
 * @weak:	they are fewer than half, and enough by the policy's word. Under @lock
 * @fenced:	why it is; empty while it is not. Under @lock
 * @suspended:	by the operator. Under @lock
 * @control_lock: one change by the operator at a time
 * @drained_once: stopping it has only to take it apart. Under @control_lock
 * @early_wanted: writes are to be acknowledged before all legs are done
 * @early_ok:	and the superblocks say so
 * @started:	its nodes may come and go
 * @tick_work:	the policy's tick(): recovery.c
 * @ticks:	how many there were; its own
 * @sync_wq:	for @sync_work
 * @sync:	resync
 * @faults:	what tests make go wrong
 */
struct dstb_volume {
	struct list_head list;
	u64 serial;
	struct kref kref;
	char name[DSTB_VOLUME_NAME_LEN];
	uuid_t uuid;
	struct net *net;
	struct gendisk *disk;
	struct percpu_ref users;
	struct completion unused;
	struct percpu_ref inflight;
	struct completion drained;
	bool frozen;
	bool ended;
	struct dstb_mapping map;
	u32 nr_nodes;
	u32 nr_data;
	struct dstb_node **nodes;
	struct mutex nodes_lock; /* no node comes or goes */
	u32 depth;
	u32 max_sectors;
	u32 max_discard;
	u32 max_write_zeroes;
	struct dstb_io_pools pools;
	struct bio_set copy_bios;
	mempool_t copy_pages;
	struct bio_vec *zeroes;
	bool early;
	u32 nr_early;
	u32 nr_early_legs;
	bool early_hold;
	struct list_head flushes;
	struct dstb_overlap overlap;
	struct workqueue_struct *wq;
	struct workqueue_struct *io_wq;
	struct workqueue_struct *new_wq;
	struct workqueue_struct *node_wq;
	struct bio_list flushed;
	struct work_struct flushed_work;
	spinlock_t lock; /* protects state, reason, held, stopping, openers */
	u32 state;
	char reason[DSTB_REASON_LEN];
	char fault[DSTB_REASON_LEN];
	bool policy_lost;
	struct bio_list held;
	u32 nr_held;
	struct work_struct held_work;
	bool gate_dead;
	bool gate_hold;
	bool read_only;
	u32 role;
	u32 connections;
	u32 io_timeout_ms;
	bool no_wait;
	bool checksum;
	u32 grace_ms;
	bool added;
	bool stopping;
	bool stop_force;
	u32 openers;
	u64 instance;
	bool takeover;
	bool metadata;
	bool assembled;
	bool wrote;
	bool degraded_ok;

	struct dstb_super *super;
	u32 super_bytes;
	u32 super_alloc;
	void *super_bufs;
	void *super_area;
	struct dstb_raw *raws;
	mempool_t raw_pool;
	struct bio_set raw_bios;
	struct dstb_dirty dirty;
	struct workqueue_struct *meta_wq;
	spinlock_t timer_lock; /* timers of its work */
	struct delayed_work member_work;
	spinlock_t member_lock; /* one decision about nodes at a time */
	atomic_t losses;
	u32 losses_told;
	struct list_head parked;
	bool park_fails;
	bool unrecorded;
	bool activating;
	bool fresh;
	u32 nr_before;
	struct dstb_node *newcomer;
	bool quorum;
	u32 votes;
	bool weak;
	char fenced[DSTB_REASON_LEN];
	bool suspended;
	struct mutex control_lock; /* changes by the operator */
	bool drained_once;
	bool early_wanted;
	bool early_ok;
	bool started;
	struct delayed_work tick_work;
	u64 ticks;
	struct workqueue_struct *sync_wq;
	struct dstb_sync *sync;
	struct dstb_faults faults;
};

/*
 * Node @i, or NULL when there are no more, for who looks at one or all of them under
 * rcu_read_lock(), or with interrupts off: they may change meanwhile, and then one may be seen
 * twice, or not at all.
 */
static inline struct dstb_node *dstb_volume_node(const struct dstb_volume *vol, u32 i)
{
	/* The number, then the node: pairs with grow.c. */
	return i < smp_load_acquire(&vol->nr_nodes) ? READ_ONCE(vol->nodes[i]) : NULL;
}

int dstb_volume_create(struct net *net, struct dstb_volume_config *cfg, struct dstb_volume **volp,
		       struct netlink_ext_ack *extack);
int dstb_volume_assemble(struct net *net, struct dstb_volume_config *cfg, struct dstb_volume **volp,
			 struct netlink_ext_ack *extack);
int dstb_volume_stop(struct net *net, const char *name, bool force, struct netlink_ext_ack *extack);
struct dstb_volume *dstb_volume_get(struct net *net, const char *name);
struct dstb_volume *dstb_volume_next(struct net *net, u64 serial);
u32 dstb_volume_generation(void);
void dstb_volume_changed(void);
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
void dstb_volume_node_changed(struct dstb_volume *vol);
void dstb_volume_net_exit(struct net *net);

struct dstb_volume *dstb_volume_of(struct block_device *bdev);

/* volume_list.c */
int dstb_volume_reserve(struct dstb_volume *vol, struct netlink_ext_ack *extack);
void dstb_volume_show(struct dstb_volume *vol);
void dstb_volume_unlist(struct dstb_volume *vol);
int dstb_volume_take_uuid(struct dstb_volume *vol, const u8 *uuid, struct netlink_ext_ack *extack);
u32 dstb_volume_above(u8 chain[][16], u32 len, u32 i);

/* limits.c */
int dstb_limits_stack(struct dstb_volume *vol, struct queue_limits *lim,
		      struct netlink_ext_ack *extack);
u32 dstb_limits_block_size(const struct dstb_volume *vol);
int dstb_limits_suit(const struct dstb_volume *vol, const struct dstb_node *node,
		     struct netlink_ext_ack *extack);
int dstb_limits_set(struct dstb_volume *vol, const struct queue_limits *lim);
int dstb_limits_add(struct dstb_volume *vol, struct dstb_node *node, struct queue_limits *old);

/*
 * Have work of the meta_wq done after a while; dstb_meta_now() does not come when it counts as
 * pending and has no timer yet. Context: any.
 */
static inline void dstb_meta_later(struct dstb_volume *vol, struct delayed_work *work,
				   unsigned long delay)
{
	unsigned long flags;

	spin_lock_irqsave(&vol->timer_lock, flags);
	queue_delayed_work(vol->meta_wq, work, delay);
	spin_unlock_irqrestore(&vol->timer_lock, flags);
}

/*
 * At once, instead of when its timer ends; work that is queued keeps its place. Context: any.
 */
static inline void dstb_meta_now(struct dstb_volume *vol, struct delayed_work *work)
{
	unsigned long flags;

	if (queue_delayed_work(vol->meta_wq, work, 0))
		return;
	spin_lock_irqsave(&vol->timer_lock, flags);
	if (timer_pending(&work->timer))
		mod_delayed_work(vol->meta_wq, work, 0);
	spin_unlock_irqrestore(&vol->timer_lock, flags);
}

#endif /* _DSTB_VOLUME_H */
