/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Superblocks: read from and written to media.
 */
#ifndef _DSTB_SUPER_H
#define _DSTB_SUPER_H

#include <linux/types.h>

#include "disk.h"

struct dstb_node;
struct dstb_volume;

int dstb_super_read(struct dstb_node *node, struct dstb_super *super, enum dstb_disk_state *state,
		    const char **why);
int dstb_super_blank(struct dstb_node *node, u64 *sector);
u32 dstb_super_write(struct dstb_volume *vol);
int dstb_super_write_one(struct dstb_node *node, bool always);
int dstb_super_try(struct dstb_node *node);
int dstb_super_wipe(struct dstb_node *node);
void dstb_super_resize(struct dstb_volume *vol);
int dstb_super_init(struct dstb_volume *vol);
void dstb_super_exit(struct dstb_volume *vol);

#endif /* _DSTB_SUPER_H */
