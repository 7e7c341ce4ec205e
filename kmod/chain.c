// SPDX-License-Identifier: GPL-2.0
/*
 * Chains: the volumes above a volume. A volume is above another when it has it as a node, by its device or by an export.
 *
 * A HELLO carries the chain of its volume; a target whose export is on a volume of the chain, or above one, refuses.
 */
#include <linux/blkdev.h>
#include <linux/uuid.h>

#include "chain.h"
#include "node.h"
#include "target.h"
#include "volume.h"

static bool chain_has(const u8 (*chain)[16], int nr, const u8 *uuid)
{
	while (nr--)
		if (!memcmp(chain[nr], uuid, 16))
			return true;
	return false;
}

static int chain_add(u8 (*chain)[16], int nr, int max, const u8 *uuid)
{
	if (chain_has(chain, nr, uuid))
		return nr;
	if (nr == max)
		return -ELOOP;
	memcpy(chain[nr], uuid, 16);
	return nr + 1;
}

static int add_initiators(struct dstb_volume *vol, u8 (*chain)[16], int nr, int max)
{
	struct dstb_export *exp = NULL;
	struct dstb_tsession *sess;
	u32 i;

	mutex_lock(&dstb_target_lock);
	while (nr >= 0 && (exp = dstb_export_of(vol->disk->part0, exp)))
		list_for_each_entry(sess, &exp->sessions, list)
			for (i = 0; i < sess->chain_len && nr >= 0; i++)
				nr = chain_add(chain, nr, max, sess->chain[i]);
	mutex_unlock(&dstb_target_lock);
	return nr;
}

/**
 * dstb_chain_above() - a volume, and all that are above it
 * @vol:	the volume
 * @chain:	gets the uuids, the volume's own first
 * @max:	room for so many
 *
 * Context: process, may sleep.
 * Return: how many, or -ELOOP if they are more.
 */
int dstb_chain_above(struct dstb_volume *vol, u8 (*chain)[16], int max)
{
	int nr = chain_add(chain, 0, max, vol->uuid.b);
	int done;

	/* A new volume has no disk yet, and nobody above. The chain grows while it is walked. */
	for (done = 0; done < nr; done++) {
		struct dstb_volume *v = dstb_volume_by_uuid(chain[done]);

		if (!v)
			continue;
		if (v->disk)
			nr = add_initiators(v, chain, nr, max);
		if (nr >= 0)
			nr = dstb_volume_parents(v, chain, nr, max, chain_add);
		dstb_volume_put(v);
	}
	return nr;
}

/**
 * dstb_chain_loops() - would a device hold itself?
 * @bdev:	what is exported
 * @chain:	the volumes above the one that wants it
 * @nr:		how many
 * @name:	gets the name of the volume that would
 * @size:	of @name
 *
 * Context: process.
 * Return: true if so.
 */
bool dstb_chain_loops(struct block_device *bdev, const u8 (*chain)[16], int nr, char *name, size_t size)
{
	struct dstb_volume *vol = dstb_volume_of(bdev);

	if (!vol || !chain_has(chain, nr, vol->uuid.b))
		return false;
	strscpy(name, vol->name, size);
	return true;
}
