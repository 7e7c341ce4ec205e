// SPDX-License-Identifier: GPL-2.0
/*
 * Chains: the volumes above a volume. A volume is above another when it has it as a node, by its
 * device or by an export.
 *
 * A HELLO carries the chain of its volume; a target whose export is on a volume of the chain, or
 * above one, refuses.
 */
#include <linux/blkdev.h>
#include <linux/uuid.h>

#include "chain.h"
#include "node.h"
#include "target.h"
#include "volume.h"

static bool chain_has(const struct dstb_chain *chain, const uuid_t *uuid)
{
	u32 i;

	for (i = 0; i < chain->nr; i++)
		if (uuid_equal(&chain->uuids[i], uuid))
			return true;
	return false;
}

/**
 * dstb_chain_add() - add a volume, unless it is there
 * @chain:	the chain
 * @uuid:	of the volume
 *
 * Return: 0, or -ELOOP for a tree that is too deep.
 */
int dstb_chain_add(struct dstb_chain *chain, const uuid_t *uuid)
{
	if (chain_has(chain, uuid))
		return 0;
	if (chain->nr == ARRAY_SIZE(chain->uuids))
		return -ELOOP;
	uuid_copy(&chain->uuids[chain->nr++], uuid);
	return 0;
}

static int add_initiators(struct dstb_volume *vol, struct dstb_chain *chain)
{
	struct dstb_export *exp = NULL;
	struct dstb_tsession *sess;
	int err = 0;
	u32 i;

	mutex_lock(&dstb_target_lock);
	while (!err && (exp = dstb_export_of(vol->disk->part0, exp)))
		list_for_each_entry(sess, &exp->sessions, list)
			for (i = 0; i < sess->chain.nr && !err; i++)
				err = dstb_chain_add(chain, &sess->chain.uuids[i]);
	mutex_unlock(&dstb_target_lock);
	return err;
}

/**
 * dstb_chain_above() - a volume, and all that are above it
 * @vol:	the volume
 * @chain:	gets them
 *
 * Context: process, may sleep.
 * Return: 0, or -ELOOP if they are too many.
 */
int dstb_chain_above(struct dstb_volume *vol, struct dstb_chain *chain)
{
	int err;
	u32 done;

	chain->nr = 0;
	err = dstb_chain_add(chain, &vol->uuid);
	/* A new volume has no disk yet, and nobody above. The chain grows while it is walked. */
	for (done = 0; done < chain->nr && !err; done++) {
		struct dstb_volume *v = dstb_volume_by_uuid(&chain->uuids[done]);

		if (!v)
			continue;
		if (v->added)
			err = add_initiators(v, chain);
		if (!err)
			err = dstb_volume_parents(v, chain);
		dstb_volume_put(v);
	}
	return err;
}

/**
 * dstb_chain_loops() - would a device hold itself?
 * @bdev:	what is exported
 * @chain:	the one that wants it, and the volumes above
 * @name:	gets the name of the volume that would
 * @size:	of @name
 *
 * Context: process.
 * Return: true if so.
 */
bool dstb_chain_loops(struct block_device *bdev, const struct dstb_chain *chain, char *name,
		      size_t size)
{
	struct dstb_volume *vol = dstb_volume_of(bdev);

	if (!vol || !chain_has(chain, &vol->uuid))
		return false;
	strscpy(name, vol->name, size);
	return true;
}
