// SPDX-License-Identifier: GPL-2.0
/*
 * The table of writes under way. Interval trees after lib/interval_tree.c, one for each bucket of
 * granules.
 */
#include <linux/interval_tree_generic.h>
#include <linux/hash.h>

#include "overlap.h"

#define FIRST(entry)	((entry)->start)
#define LAST(entry)	((entry)->last)

INTERVAL_TREE_DEFINE(struct dstb_overlap_entry, rb, u64, subtree_last, FIRST, LAST,
		     static __maybe_unused, tree)

static struct dstb_overlap_bucket *bucket_of(struct dstb_overlap *ov, u64 sector)
{
	return &ov->buckets[hash_64(sector >> DSTB_GRANULE_SHIFT, ilog2(DSTB_OVERLAP_BUCKETS))];
}

/**
 * dstb_overlap_init() - make an empty table
 * @ov:		the table
 */
void dstb_overlap_init(struct dstb_overlap *ov)
{
	unsigned int i;

	for (i = 0; i < DSTB_OVERLAP_BUCKETS; i++) {
		spin_lock_init(&ov->buckets[i].lock);
		ov->buckets[i].tree = RB_ROOT_CACHED;
	}
}

/**
 * dstb_overlap_begin() - enter a request
 * @ov:		the table
 * @entry:	the request's entry
 * @sector:	first sector
 * @nr_sectors:	length; the range lies in one granule
 *
 * Context: any.
 * Return: true: go on. False: it waits for one that overlaps, and goes on when dstb_overlap_end()
 * of that resumes it; it is then to call this again.
 */
bool dstb_overlap_begin(struct dstb_overlap *ov, struct dstb_overlap_entry *entry, u64 sector,
			u32 nr_sectors)
{
	struct dstb_overlap_bucket *bucket = bucket_of(ov, sector);
	struct dstb_overlap_entry *other;
	unsigned long flags;

	entry->start = sector;
	entry->last = sector + nr_sectors - 1;
	INIT_LIST_HEAD(&entry->waiters);
	spin_lock_irqsave(&bucket->lock, flags);
	other = tree_iter_first(&bucket->tree, entry->start, entry->last);
	if (other)
		list_add_tail(&entry->wait, &other->waiters);
	else
		tree_insert(entry, &bucket->tree);
	spin_unlock_irqrestore(&bucket->lock, flags);
	return !other;
}

/**
 * dstb_overlap_end() - a request is over on all its legs
 * @ov:		the table
 * @entry:	the request's entry
 * @resume:	called for each that waited for it, oldest first, without a lock; must not run it on
 *		the spot where the caller's context forbids that
 *
 * Context: any.
 */
void dstb_overlap_end(struct dstb_overlap *ov, struct dstb_overlap_entry *entry,
		      void (*resume)(struct dstb_overlap_entry *waiter))
{
	struct dstb_overlap_bucket *bucket = bucket_of(ov, entry->start);
	struct dstb_overlap_entry *waiter, *next;
	unsigned long flags;
	LIST_HEAD(waiters);

	spin_lock_irqsave(&bucket->lock, flags);
	tree_remove(entry, &bucket->tree);
	list_splice_init(&entry->waiters, &waiters);
	spin_unlock_irqrestore(&bucket->lock, flags);
	list_for_each_entry_safe(waiter, next, &waiters, wait)
		resume(waiter);
}

/**
 * dstb_overlap_for_each() - look at the requests under way that overlap a range
 * @ov:		the table
 * @sector:	first sector
 * @nr_sectors:	length; the range lies in one granule
 * @fn:		called under the bucket's lock; true ends the walk
 * @arg:	for @fn
 *
 * Context: any.
 * Return: true if @fn ended the walk.
 */
bool dstb_overlap_for_each(struct dstb_overlap *ov, u64 sector, u32 nr_sectors,
			   bool (*fn)(struct dstb_overlap_entry *entry, void *arg), void *arg)
{
	struct dstb_overlap_bucket *bucket = bucket_of(ov, sector);
	u64 last = sector + nr_sectors - 1;
	struct dstb_overlap_entry *entry;
	unsigned long flags;
	bool ended = false;

	spin_lock_irqsave(&bucket->lock, flags);
	for (entry = tree_iter_first(&bucket->tree, sector, last); entry && !ended;
	     entry = tree_iter_next(entry, sector, last))
		ended = fn(entry, arg);
	spin_unlock_irqrestore(&bucket->lock, flags);
	return ended;
}
