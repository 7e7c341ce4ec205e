/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a volume is made from: new nodes, or nodes whose superblocks describe it.
 */
#ifndef _DSTB_ASSEMBLE_H
#define _DSTB_ASSEMBLE_H

#include <linux/types.h>

struct dstb_volume;
struct dstb_volume_config;
struct netlink_ext_ack;

int dstb_assemble_new_nodes(struct dstb_volume *vol, const struct dstb_volume_config *cfg,
			    struct netlink_ext_ack *extack);
int dstb_assemble_new_metadata(struct dstb_volume *vol, const struct dstb_volume_config *cfg,
			       struct netlink_ext_ack *extack);
int dstb_assemble_nodes(struct dstb_volume *vol, struct dstb_volume_config *cfg,
			const u32 **fingerprint, struct netlink_ext_ack *extack);
int dstb_assemble_metadata(struct dstb_volume *vol, const struct dstb_volume_config *cfg,
			   struct netlink_ext_ack *extack);
void dstb_assemble_undo(struct dstb_volume *vol);

#endif /* _DSTB_ASSEMBLE_H */
