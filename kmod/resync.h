/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resync: makes copies the same again, region by region; scrub: looks whether they are.
 */
#ifndef _DSTB_RESYNC_H
#define _DSTB_RESYNC_H

#include <linux/types.h>

struct dstb_node;
struct dstb_volume;

/**
 * struct dstb_scrub_status - how a scrub is getting on
 * @done:	sectors it is through with
 * @skipped:	of these, sectors of which not every copy was compared
 * @total:	sectors that it looks at; 0: none has run
 * @errors:	sectors that differed
 * @repaired:	reads that were mended from another copy
 */
struct dstb_scrub_status {
	u64 done;
	u64 skipped;
	u64 total;
	u64 errors;
	u64 repaired;
};

int dstb_resync_init(struct dstb_volume *vol);
void dstb_resync_exit(struct dstb_volume *vol);
void dstb_resync_kick(struct dstb_volume *vol);
void dstb_resync_forget(struct dstb_volume *vol, const struct dstb_node *gone);
void dstb_resync_go_on(struct dstb_volume *vol);
void dstb_resync_stop(struct dstb_volume *vol);
int dstb_resync_pause(struct dstb_volume *vol, u32 ms);
int dstb_resync_scrub(struct dstb_volume *vol, bool repair, bool end);
void dstb_resync_status(struct dstb_volume *vol, struct dstb_scrub_status *status);
u32 dstb_resync_region(const struct dstb_volume *vol, u32 from);
bool dstb_resync_repair(struct dstb_node *node, u64 sector, u32 nr_sectors);

#endif /* _DSTB_RESYNC_H */
