/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Chains: the volumes above a volume, so that a tree that bites its tail is refused.
 */
#ifndef _DSTB_CHAIN_H
#define _DSTB_CHAIN_H

#include <linux/types.h>

#include <linux/uuid.h>

#include "uapi/dst_wire.h"

struct block_device;
struct dstb_volume;

/**
 * struct dstb_chain - a volume, and all that are above it
 * @nr:		how many
 * @uuids:	who, the volume itself first
 */
struct dstb_chain {
	u32 nr;
	uuid_t uuids[DST_WIRE_MAX_CHAIN];
};

int dstb_chain_above(struct dstb_volume *vol, struct dstb_chain *chain);
int dstb_chain_add(struct dstb_chain *chain, const uuid_t *uuid);
bool dstb_chain_loops(struct block_device *bdev, const struct dstb_chain *chain, char *name,
		      size_t size);

#endif /* _DSTB_CHAIN_H */
