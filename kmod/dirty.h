/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Dirty tracking: which regions of a volume with several copies may differ between them. A bit a
 * region, in memory and on each node's medium, set durably before the first write to the region.
 */
#ifndef _DSTB_DIRTY_H
#define _DSTB_DIRTY_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct dstb_io;
struct dstb_node;
struct dstb_volume;

#define DSTB_DIRTY_BUCKETS	256
#define DSTB_DIRTY_SLOTS	4096	/* regions that are written to at a time */

/**
 * struct dstb_region - a region that is written to, or was lately
 * @hash:	in its bucket
 * @queue:	in a list of the worker's, or of the free ones
 * @nr:		which
 * @state:	enum region_state
 * @count:	writes under way
 * @locked:	resync has it: writes wait
 * @stamp:	jiffies of the last write's end
 * @waiters:	requests that wait, oldest first; by their overlap.wait
 *
 * All but @queue is protected by the bucket's lock.
 */
struct dstb_region {
	struct hlist_node hash;
	struct list_head queue;
	u32 nr;
	u8 state;
	u32 count;
	bool locked;
	unsigned long stamp;
	struct list_head waiters;
};

/**
 * struct dstb_dirty_bucket - the regions of a hash value
 * @lock:	irq-safe
 * @regions:	by @hash
 */
struct dstb_dirty_bucket {
	spinlock_t lock; /* protects the regions */
	struct hlist_head regions;
};

/**
 * struct dstb_dirty - the dirty tracking of a volume
 * @bits:	a bit a region, what is on the media or is to be; NULL: no dirty tracking
 * @nr_regions:	how many
 * @shift:	log2 of a region's sectors
 * @unclean:	a bit for each region that may differ although no node lacks it
 * @buckets:	regions that are written to
 * @slots:	memory of all regions
 * @resync:	for a region that is resynced and not in use
 * @lock:	protects @free, @pending, @starved; irq-safe; inside no bucket's lock
 * @free:	slots of no region
 * @nr_free:	how many
 * @pending:	regions whose bit is to be set on the media
 * @bad_stamp:	jiffies when what no copy in sync takes was tried last. The meta_wq's
 * @bad_pause:	until they are tried again, in jiffies; 0: at once
 * @starved:	requests that wait for a slot
 * @intent_work: sets bits. As all of dirty tracking's I/O, on the volume's meta_wq
 * @clean_work:	clears bits
 * @doubt:	dstb_dirty_doubt() is to be called
 * @doubt_stamp: jiffies when it was for that. The meta_wq's
 * @doubts:	how often it was. With the volume's member_lock
 * @sweep:	there may be bits without a region in use that can be cleared
 * @wait:	for a region that is being locked, or the end of that wait
 * @map:	for I/O on the bitmap; the meta_wq's
 */
struct dstb_dirty {
	unsigned long *bits;
	u32 nr_regions;
	u32 shift;
	unsigned long *unclean;
	struct dstb_dirty_bucket *buckets;
	struct dstb_region *slots;
	struct dstb_region resync;
	spinlock_t lock; /* protects free, pending, starved */
	struct list_head free;
	u32 nr_free;
	struct list_head pending;
	unsigned long bad_stamp;
	unsigned long bad_pause;
	struct list_head starved;
	struct delayed_work intent_work;
	struct delayed_work clean_work;
	bool doubt;
	unsigned long doubt_stamp;
	u32 doubts;
	bool sweep;
	wait_queue_head_t wait;
	struct dstb_bitmap *map;
};

enum dstb_dirty_verdict {
	DSTB_DIRTY_GO,
	DSTB_DIRTY_WAITS,	/* the request is started again when it can go on */
	DSTB_DIRTY_AGAIN,	/* it would wait, and must not */
	DSTB_DIRTY_FAILS,	/* the bit can't be written */
};

enum dstb_dirty_verdict dstb_dirty_begin(struct dstb_volume *vol, struct dstb_io *io);
void dstb_dirty_end(struct dstb_volume *vol, struct dstb_io *io);
void dstb_dirty_unclean(struct dstb_volume *vol, struct dstb_io *io);
void dstb_dirty_doubt(struct dstb_volume *vol);
void dstb_dirty_doubt_later(struct dstb_volume *vol);
void dstb_dirty_flush_failed(struct dstb_volume *vol);
bool dstb_dirty_flush(struct dstb_volume *vol);
bool dstb_dirty_lock(struct dstb_volume *vol, u32 nr, const bool *stop);
void dstb_dirty_unlock(struct dstb_volume *vol, u32 nr);
void dstb_dirty_kick(struct dstb_volume *vol);
void dstb_dirty_sweep(struct dstb_volume *vol);
int dstb_dirty_clean_now(struct dstb_volume *vol);
int dstb_dirty_init(struct dstb_volume *vol, u64 capacity, u32 shift);
void dstb_dirty_stop(struct dstb_volume *vol);
void dstb_dirty_exit(struct dstb_volume *vol);

/* The region of a sector of the volume. */
static inline u32 dstb_dirty_region(const struct dstb_dirty *dirty, u64 sector)
{
	return sector >> dirty->shift;
}

#endif /* _DSTB_DIRTY_H */
