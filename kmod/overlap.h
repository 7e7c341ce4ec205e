/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes of several copies that overlap are serialised: two of them in flight together would have
 * no order on one leg and another on the next. A table of the writes under way, by granule; nobody
 * waits unless two really overlap.
 */
#ifndef _DSTB_OVERLAP_H
#define _DSTB_OVERLAP_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* 1 MiB in sectors: no request of several copies crosses a multiple of it */
#define DSTB_GRANULE_SHIFT	11
#define DSTB_GRANULE		BIT(DSTB_GRANULE_SHIFT)
#define DSTB_OVERLAP_BUCKETS	64

/**
 * struct dstb_overlap_entry - one request in the table
 * @rb:		in its bucket's interval tree
 * @start:	first sector
 * @last:	last sector
 * @subtree_last: of the interval tree
 * @waiters:	requests that overlap and came later, oldest first
 * @wait:	in the @waiters of the request that this one waits for
 */
struct dstb_overlap_entry {
	struct rb_node rb;
	u64 start;
	u64 last;
	u64 subtree_last;
	struct list_head waiters;
	struct list_head wait;
};

/**
 * struct dstb_overlap_bucket - the requests of some granules
 * @lock:	irq-safe
 * @tree:	interval tree of the requests under way
 */
struct dstb_overlap_bucket {
	/* protects the tree, and @waiters and @wait of all that is in it or waits for it */
	spinlock_t lock;
	struct rb_root_cached tree;
};

/**
 * struct dstb_overlap - the table of a volume
 * @buckets:	by the hash of the granule
 */
struct dstb_overlap {
	struct dstb_overlap_bucket buckets[DSTB_OVERLAP_BUCKETS];
};

void dstb_overlap_init(struct dstb_overlap *ov);
bool dstb_overlap_begin(struct dstb_overlap *ov, struct dstb_overlap_entry *entry, u64 sector,
			u32 nr_sectors);
void dstb_overlap_end(struct dstb_overlap *ov, struct dstb_overlap_entry *entry,
		      void (*resume)(struct dstb_overlap_entry *waiter));
/* Calls @fn for each entry that overlaps, under the bucket's lock, until it returns true. */
bool dstb_overlap_for_each(struct dstb_overlap *ov, u64 sector, u32 nr_sectors,
			   bool (*fn)(struct dstb_overlap_entry *entry, void *arg), void *arg);

#endif /* _DSTB_OVERLAP_H */
