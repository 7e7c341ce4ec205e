/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files about resync (resync.c, resync_sums.c) share.
 */
#ifndef _DSTB_RESYNC_INT_H
#define _DSTB_RESYNC_INT_H

#include <linux/bitmap.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "resync.h"
#include "volume.h"

struct dstb_leg_addr;
struct dstb_placement;
struct dstb_sums;

#define DSTB_MAX_REPAIRS	32

/**
 * struct dstb_repair - a read that failed on one node
 * @node:	which
 * @sector:	in the volume
 * @nr_sectors:	how many
 */
struct dstb_repair {
	struct dstb_node *node;
	u64 sector;
	u32 nr_sectors;
};

/**
 * struct dstb_sync - the worker of a volume
 * @vol:	the volume
 * @work:	does it all
 * @stop:	no more
 * @from:	a region's data, of the copy that is believed
 * @to:		that of another, to compare
 * @cursor:	the next region to look at
 * @asked:	what requests() said when the policy was asked last
 * @gens:	of the nodes, when the region at hand was begun
 * @doubts:	of dirty tracking, likewise
 * @wrong:	a bit for each node that did not get all of it
 * @same:	of each node: sectors of it that needed no copy
 * @sums:	for comparing digests; NULL: the volume does not
 * @lock:	protects the rest
 * @repairs:	reads to mend, oldest first
 * @nr_repairs:	how many
 * @scrub:	a scrub is to go on
 * @mend:	it makes different copies the same
 * @scrub_next:	its next region
 * @scrub_missed: not every copy of the present one was there
 * @status:	how it is getting on
 */
struct dstb_sync {
	struct dstb_volume *vol;
	struct delayed_work work;
	bool stop;
	void *from;
	void *to;
	u32 cursor;
	u64 asked;
	u32 gens[DSTB_MAX_NODES];
	u32 doubts;
	DECLARE_BITMAP(wrong, DSTB_MAX_NODES);
	u64 same[DSTB_MAX_NODES];
	struct dstb_sums *sums;
	spinlock_t lock; /* protects repairs, scrub */
	struct dstb_repair repairs[DSTB_MAX_REPAIRS];
	u32 nr_repairs;
	bool scrub;
	bool mend;
	u32 scrub_next;
	bool scrub_missed;
	struct dstb_scrub_status status;
};

/* resync.c */
bool dstb_sync_lacks(const struct dstb_node *node, u32 nr);
int dstb_sync_read(struct dstb_volume *vol, const struct dstb_leg_addr *leg, u32 nr_sectors,
		   void *buf);
int dstb_sync_write(struct dstb_volume *vol, const struct dstb_leg_addr *leg, u32 nr_sectors,
		    void *buf, bool fua);

/* resync_sums.c */
struct dstb_sums *dstb_sums_alloc(void);
void dstb_sums_free(struct dstb_sums *sums);
int dstb_sums_run(struct dstb_sync *sync, const struct dstb_placement *place, u32 from, u32 nr,
		  bool all);

#endif /* _DSTB_RESYNC_INT_H */
