/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bitmap on the media.
 */
#ifndef _DSTB_BITMAP_H
#define _DSTB_BITMAP_H

#include <linux/types.h>

struct dstb_dirty;
struct dstb_node;
struct dstb_volume;

void dstb_bitmap_mark(struct dstb_volume *vol, u32 nr);
bool dstb_bitmap_is_bad(const struct dstb_dirty *dirty, u32 nr);
bool dstb_bitmap_any_bad(const struct dstb_dirty *dirty);
bool dstb_bitmap_retry(struct dstb_volume *vol);
bool dstb_bitmap_write(struct dstb_volume *vol, bool fua);
int dstb_bitmap_write_all(struct dstb_node *node);
int dstb_bitmap_merge(struct dstb_node *node);
void dstb_bitmap_fill(struct dstb_volume *vol);
int dstb_bitmap_read(struct dstb_node *node);
unsigned long *dstb_bitmap_alloc(u32 nr_regions);
int dstb_bitmap_init(struct dstb_dirty *dirty);
void dstb_bitmap_exit(struct dstb_dirty *dirty);

#endif /* _DSTB_BITMAP_H */
