/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Nodes: the members of a volume. One table of operations, two kinds: local and remote.
 */
#ifndef _DSTB_NODE_H
#define _DSTB_NODE_H

#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "disk.h"
#include "mapping.h"
#include "volume.h"

struct dstb_leg;
struct dstb_local_session;
struct dstb_node;
struct dstb_session;
struct netlink_ext_ack;

/* The end of each medium is kept for the superblocks and the bitmap: docs/recovery.md. */
#define DSTB_ALIGN_SECTORS	2048U
#define DSTB_MIN_SECTORS	(DST_DISK_META_SECTORS + DSTB_ALIGN_SECTORS)
#define DSTB_MAX_SECTORS	((u64)LLONG_MAX >> SECTOR_SHIFT) /* 8 EiB: no device has more */

/*
 * enum dstb_part - which part a node has in requests; apart from its state, which says why
 */
enum dstb_part {
	DSTB_PART_OUT,		/* none */
	DSTB_PART_SYNCING,	/* is written; serves reads of regions that it does not lack */
	DSTB_PART_IN,		/* is written and read */
};

/**
 * struct dstb_node_ops - a kind of node
 * @open:	opens or connects; fills size, limits, flags of the node. Process context, may
 *		sleep, seconds at most
 * @reopen:	opens or connects again what was open before, whatever has become of it: its limits
 *		must still suit the volume. Process context, may sleep, seconds at most
 * @start:	starts a leg; dstb_leg_end() or dstb_node_pend() is called for it once, here or
 *		later, in any context. Submitter's context or a worker's: may sleep on preallocated
 *		pools only
 * @abort:	makes everything under way end within a bounded time, with dstb_node_pend(). Any
 *		context. Not for local devices, whose own timeouts must do. Optional
 * @close:	the reverse of @open; nothing is under way. Process context, may sleep. Does nothing
 *		when it is not open
 * @connections: how many now. Optional
 * @instance:	which life of its target it is connected to. Process context, may sleep. Optional
 */
struct dstb_node_ops {
	int (*open)(struct dstb_node *node, struct netlink_ext_ack *extack);
	int (*reopen)(struct dstb_node *node, struct netlink_ext_ack *extack);
	void (*start)(struct dstb_leg *leg);
	void (*abort)(struct dstb_node *node);
	void (*close)(struct dstb_node *node);
	u32 (*connections)(const struct dstb_node *node);
	u64 (*instance)(const struct dstb_node *node);
};

/**
 * struct dstb_node - a member of a volume
 * @vol:	the volume
 * @index:	its place in it, 0..nr_nodes-1
 * @ops:	its kind
 * @config:	where it is
 * @state:	enum dst_node_state; changed by dstb_node_set_state() only, read anywhere
 * @lock:	protects changes of @state, @reason, @loss, @part, @ready, @impatient, @pending;
 *		irq-safe
 * @reason:	a sentence for people
 * @loss:	that of its last loss
 * @since:	jiffies when it came into its state
 * @part:	enum dstb_part; read anywhere
 * @ready:	legs may be started; else they wait in @pending. Read anywhere
 * @impatient:	legs do not wait, they fail
 * @pending:	legs that wait for it
 * @nr_pending:	how many
 * @pend_work:	starts them
 * @size:	of the medium, in sectors
 * @data_sectors: of the data area: what the layout may use; what it was made with, whatever medium
 *		is in its place
 * @meta:	where the medium's metadata area begins, in sectors
 * @lim:	its queue limits, as first opened
 * @max_sectors: longest leg it takes, in sectors; 0: any
 * @volatile_cache: a flush means something to it; as it was when it was opened
 * @read_only:	takes no writes
 * @in_flight:	legs under way
 * @errors:	legs that failed
 * @reads:	legs that were read
 * @writes:	legs that were written
 * @latency_ns:	moving average of a read, an eighth of weight for the newest
 * @dev:	local: the device's number, once it was opened: kernel threads have no root to look
 *		its path up in (since 7.0)
 * @bdev_file:	local: the device, open
 * @bdev:	local: the device
 * @session:	remote: the session; RCU for who starts a leg
 * @attached:	local export: what it is attached by
 * @probing:	remote: no node of its volume, only made to ask which export is there
 * @leave_status: local export: enum dst_wire_status, why it is to be left; 0: it is not
 *
 * Of volumes with metadata (member.c; what is not said to be read elsewhere is its worker's):
 * @uuid:	of the medium
 * @age:	the last that was written to it
 * @super_seq:	sequence number of the superblock written last
 * @super_failed: the next one failed in its place
 * @missed:	it has not got the superblocks that were written last. Read anywhere
 * @recorded:	superblocks may say that it is in sync. Read by who ends writes
 * @sure:	a quorum of them does
 * @gen:	one more with each time that it goes out or is lost. Under the volume's member_lock
 * @admit_gen:	what @gen was when its admission began
 * @link:	held by who connects it, looks at its medium, or closes it
 * @instance:	of the remote export, when it was last in service
 * @lacks:	while it is syncing, a bit for each region that it has not got. Made before it
 *		begins, kept until the node goes
 * @sync_total:	regions that @lacks began with
 * @sync_done:	regions that it got since
 * @sync_same:	sectors of the regions that it got since, that were found the same and not copied
 * @sync_stamp:	jiffies when its resync began
 * @sync_gen:	one more each time that it is not ready any more, and that it is found that it need
 *		not have what it had: dstb_node_doubt()
 * @look:	it is connected, or will be, as a reader: only its medium is to be looked at. Under
 *		@link, or while the volume is made
 * @taken:	it has been in service: who has it now, if it is not us, has taken it from us
 * @cache_lost:	it is there without what was in its cache, and waits for one that has it. Under the
 *		volume's member_lock
 * @had_cache:	it has acknowledged what may be in a volatile cache, or was, and it is believed to
 *		have; whatever it has now
 * @fenced:	its target refuses us, who have been fenced there
 * @reconnect:	connects it again
 * @grace_work:	ends the time that it is waited for
 * @grace_end:	jiffies then
 * @grace:	how long it may be missing, in jiffies: the volume's, or what the policy said last
 * @grace_asks:	@grace_work is to ask the policy for it
 * @back:	jiffies when it was let in
 * @tries:	attempts to connect since it was lost, and sessions that broke at once
 * @not_before:	jiffies; it is not connected again before
 * @suspended:	by the operator: is not connected again
 * @leaving:	its target has asked to do without it
 * @admit_work:	looks at its medium
 * @dropped:	an error has put it out: the policy is to be asked
 * @discard:	what it has that was written apart is to be thrown away
 * @closing:	no reconnect is begun any more
 */
struct dstb_node {
	struct dstb_volume *vol;
	u32 index;
	const struct dstb_node_ops *ops;
	struct dstb_node_config config;
	u32 state;
	spinlock_t lock; /* protects state, reason, loss, part, ready, pending */
	char reason[DSTB_REASON_LEN];
	char loss[DSTB_REASON_LEN];
	unsigned long since;
	u8 part;
	bool ready;
	bool impatient;
	struct list_head pending;
	u32 nr_pending;
	struct work_struct pend_work;
	u64 size;
	u64 data_sectors;
	u64 meta;
	struct queue_limits lim;
	u32 max_sectors;
	bool volatile_cache;
	bool read_only;
	atomic_t in_flight;
	atomic64_t errors;
	atomic64_t reads;
	atomic64_t writes;
	u64 latency_ns;
	dev_t dev;
	struct file *bdev_file;
	struct block_device *bdev;
	struct dstb_session __rcu *session;
	struct dstb_local_session *attached;
	bool probing;
	u32 leave_status;

	uuid_t uuid;
	struct dstb_age age;
	u64 super_seq;
	bool super_failed;
	bool missed;
	bool recorded;
	bool sure;
	u32 gen;
	u32 admit_gen;
	struct mutex link; /* connecting, closing */
	u64 instance;
	unsigned long *lacks;
	u32 sync_total;
	u32 sync_done;
	u64 sync_same;
	unsigned long sync_stamp;
	u32 sync_gen;
	bool look;
	bool taken;
	bool cache_lost;
	bool had_cache;
	bool fenced;
	struct delayed_work reconnect;
	struct delayed_work grace_work;
	unsigned long grace_end;
	unsigned long grace;
	bool grace_asks;
	unsigned long back;
	u32 tries;
	unsigned long not_before;
	bool suspended;
	bool leaving;
	struct work_struct admit_work;
	bool dropped;
	bool discard;
	bool closing;
};

struct dstb_node *dstb_node_alloc(struct dstb_volume *vol, u32 index,
				  const struct dstb_node_config *cfg);
int dstb_node_open(struct dstb_node *node, struct netlink_ext_ack *extack);
int dstb_node_own(struct dstb_node *node, struct netlink_ext_ack *extack);
void dstb_node_destroy(struct dstb_node *node);
bool dstb_node_set_state(struct dstb_node *node, u32 state, const char *reason);
void dstb_node_set_part(struct dstb_node *node, enum dstb_part part, bool ready);
void dstb_node_pend(struct dstb_leg *leg);
void dstb_node_end_pending(struct dstb_node *node);
u32 dstb_node_busy(struct dstb_node *node);
const char *dstb_node_state_name(u32 state);
void dstb_node_view(const struct dstb_node *node, struct dstb_node_view *view);
u32 dstb_node_connections(const struct dstb_node *node);
const char *dstb_node_export(const struct dstb_node_config *cfg);

static inline u32 dstb_node_in_flight(const struct dstb_node *node)
{
	return atomic_read(&node->in_flight);
}

/*
 * Until it is clear whose its medium is, it is opened as a reader: to be connected as a writer
 * fences whoever wrote before, and may just be away (R5). Nobody but the holder has a device of
 * this kernel.
 */
static inline void dstb_node_look_first(struct dstb_node *node)
{
	node->look = node->ops->connections;
}

/* enum dst_role, how it is opened */
static inline u32 dstb_node_role(const struct dstb_node *node)
{
	return node->look ? DST_ROLE_READER : node->vol->role;
}

/* The metadata is at the end of the medium. */
static inline u64 dstb_node_meta(u64 size)
{
	return size < DSTB_MIN_SECTORS ?
		       0 :
		       round_down(size, DSTB_ALIGN_SECTORS) - DST_DISK_META_SECTORS;
}

/* Has everything: may be read anywhere. */
static inline bool dstb_node_in_sync(const struct dstb_node *node)
{
	return READ_ONCE(node->part) == DSTB_PART_IN;
}

/*
 * May a flush mean something to it? The cache of a device of this kernel can be switched on at any
 * time; the block layer knows. A target may come back without the one that it had: what was in that
 * is to be accounted for.
 */
static inline bool dstb_node_may_cache(const struct dstb_node *node)
{
	return node->volatile_cache || READ_ONCE(node->had_cache) || node->config.path[0];
}

/* Does it have this region? */
static inline bool dstb_node_has(const struct dstb_node *node, u32 region)
{
	u8 part = smp_load_acquire(&node->part); /* then @lacks: pairs with dstb_node_set_part() */

	return likely(part == DSTB_PART_IN) ||
	       (part == DSTB_PART_SYNCING && !test_bit(region, node->lacks));
}

/* What was found on it need not be there any more. With the volume's member_lock. */
static inline void dstb_node_doubt(struct dstb_node *node)
{
	/* After its part, and whether it is ready: pairs with dstb_leg_may_read() */
	smp_store_release(&node->sync_gen, node->sync_gen + 1);
}

/* node_local.c: what devices of this kernel share */
int dstb_node_find(struct dstb_node_config *cfg, u32 index, struct netlink_ext_ack *extack);
void dstb_node_bdev_limits(struct dstb_node *node);
u32 dstb_node_depth(const struct dstb_node *node);
void dstb_node_deepen(const struct dstb_node *node);
int dstb_node_bdev_reopen(struct dstb_node *node, struct netlink_ext_ack *extack);
void dstb_node_bdev_start(struct dstb_leg *leg);

const struct dstb_node_ops *dstb_node_ops_of(const struct dstb_node_config *cfg);

extern const struct dstb_node_ops dstb_node_local_ops;
extern const struct dstb_node_ops dstb_node_export_ops;
extern const struct dstb_node_ops dstb_node_remote_ops;

#endif /* _DSTB_NODE_H */
