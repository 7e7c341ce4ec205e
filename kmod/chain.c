// SPDX-License-Identifier: GPL-2.0
/*
 * Chains. A volume is above another when it has it as a node. A HELLO carries the chain of its
 * volume; a target whose export is on a volume of the chain refuses.
 *
 * Nobody can be above a volume that is being made. But nodes are connected again later: the chain
 * then has the volumes of this kernel that have this one, or one of them, as a local node; and of
 * the sessions at exports of those, the chain that they came with. What has come above those since
 * is not in there, and two that close a cycle at the same moment do not see each other.
 */
#include <linux/blkdev.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "chain.h"
#include "target.h"
#include "volume.h"
#include "wire.h"

/**
 * dstb_chain_add() - a volume more
 * @chain:	the chain, of DST_WIRE_MAX_CHAIN
 * @len:	its length
 * @uuid:	of the volume
 *
 * Context: any.
 * Return: the length now.
 */
u32 dstb_chain_add(u8 chain[][16], u32 len, const u8 *uuid)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (!memcmp(chain[i], uuid, sizeof(chain[i])))
			return len;
	if (len < DST_WIRE_MAX_CHAIN)
		memcpy(chain[len++], uuid, sizeof(*chain));
	return len;
}

/**
 * dstb_chain_fill() - a volume, and all that are above it
 * @vol:	the volume
 * @hello:	gets the chain; the nearest DST_WIRE_MAX_CHAIN volumes if there are more
 *
 * Context: process, may sleep.
 */
void dstb_chain_fill(const struct dstb_volume *vol, struct dst_wire_hello *hello)
{
	u32 len = 1, i;

	export_uuid(hello->chain[0], &vol->uuid);
	if (vol->disk) {
		dstb_volume_lock();
		for (i = 0; i < len; i++)
			len = dstb_volume_above(hello->chain, len, i);
		dstb_volume_unlock();
		len = dstb_export_above(hello->chain, len);
	}
	hello->chain_len = cpu_to_le16(len);
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

/**
 * dstb_chain_check() - would a volume hold itself, with a device as its node?
 * @vol:	the volume
 * @bdev:	the device
 * @extack:	gets the sentence
 *
 * Who exports a device asks dstb_chain_loops() itself, for remote nodes and those of this kernel.
 * Context: process, may sleep.
 * Return: 0, -ELOOP, or -ENOMEM.
 */
int dstb_chain_check(const struct dstb_volume *vol, struct block_device *bdev,
		     struct netlink_ext_ack *extack)
{
	struct dst_wire_hello *hello;
	char name[DSTB_VOLUME_NAME_LEN];
	int err = 0;

	if (!dstb_volume_of(bdev))
		return 0;
	hello = kzalloc(sizeof(*hello), GFP_NOIO);
	if (!hello)
		return -ENOMEM;
	dstb_chain_fill(vol, hello);
	if (dstb_chain_loops(bdev, hello, name, sizeof(name))) {
		NL_SET_ERR_MSG_FMT(extack, "it lies on the volume, which would hold itself: '%s'",
				   name);
		err = -ELOOP;
	}
	kfree(hello);
	return err;
}
