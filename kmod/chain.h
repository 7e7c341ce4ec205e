/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Chains: the volumes above a volume, so that a tree that bites its tail is refused.
 */
#ifndef _DSTB_CHAIN_H
#define _DSTB_CHAIN_H

#include <linux/types.h>

struct block_device;
struct dstb_volume;

int dstb_chain_above(struct dstb_volume *vol, u8 (*chain)[16], int max);
bool dstb_chain_loops(struct block_device *bdev, const u8 (*chain)[16], int nr, char *name, size_t size);

#endif /* _DSTB_CHAIN_H */
