/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Chains: a volume, and the volumes above it, so that a tree that bites its tail is refused.
 */
#ifndef _DSTB_CHAIN_H
#define _DSTB_CHAIN_H

#include <linux/types.h>

struct block_device;
struct dst_wire_hello;
struct dstb_volume;
struct netlink_ext_ack;

u32 dstb_chain_add(u8 chain[][16], u32 len, const u8 *uuid);
void dstb_chain_fill(const struct dstb_volume *vol, struct dst_wire_hello *hello);
bool dstb_chain_loops(struct block_device *bdev, const struct dst_wire_hello *hello, char *name,
		      size_t size);
int dstb_chain_check(const struct dstb_volume *vol, struct block_device *bdev,
		     struct netlink_ext_ack *extack);

#endif /* _DSTB_CHAIN_H */
