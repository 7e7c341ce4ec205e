// SPDX-License-Identifier: GPL-2.0
/*
 * Chains. A volume is above another when it has it as a node. A HELLO carries the chain of its
 * volume; a target whose export is on a volume of the chain refuses.
 *
 * Nodes are connected when a volume is made, and nobody can be above it then: until nodes can join
 * later, a chain is the volume itself. Other initiators may well send longer ones.
 */
#include <linux/blkdev.h>
#include <linux/uuid.h>

#include "chain.h"
#include "volume.h"
#include "wire.h"

/**
 * dstb_chain_fill() - a volume, and all that are above it
 * @vol:	the volume
 * @hello:	gets the chain
 *
 * Context: process.
 */
void dstb_chain_fill(const struct dstb_volume *vol, struct dst_wire_hello *hello)
{
	export_uuid(hello->chain[0], &vol->uuid);
	hello->chain_len = cpu_to_le16(1);
}

/**
 * dstb_chain_loops() - would a device hold itself?
 * @bdev:	what is exported
 * @hello:	from the one that wants it; checked
 * @name:	gets the name of the volume that would
 * @size:	of @name
 *
 * Context: process.
 * Return: true if so.
 */
bool dstb_chain_loops(struct block_device *bdev, const struct dst_wire_hello *hello, char *name,
		      size_t size)
{
	struct dstb_volume *vol = dstb_volume_of(bdev);
	u32 i;

	for (i = 0; vol && i < le16_to_cpu(hello->chain_len); i++) {
		if (!memcmp(hello->chain[i], &vol->uuid, sizeof(vol->uuid))) {
			strscpy(name, vol->name, size);
			return true;
		}
	}
	return false;
}
