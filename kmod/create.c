// SPDX-License-Identifier: GPL-2.0
/*
 * A new volume on its nodes: they are opened, looked at, and given superblocks.
 */
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "assemble.h"
#include "bitmap.h"
#include "dirty.h"
#include "member.h"
#include "node.h"
#include "resync.h"
#include "super.h"
#include "volume.h"

#define MAX_BLOCK	4096U	/* metadata is written in blocks of that size */

/* Refuses what carries anything (R4). */
static int check_unused(struct dstb_node *node, struct dstb_super *super,
			struct netlink_ext_ack *extack)
{
	enum dstb_disk_state state;
	const char *why = NULL;
	u64 sector;
	int err;

	err = dstb_super_read(node, super, &state, &why);
	if (!err && state == DSTB_DISK_VALID) {
		NL_SET_ERR_MSG_FMT(extack, "node %u is one of volume '%s': assemble it, or --adopt",
				   node->index, super->name);
		return -EEXIST;
	}
	if (!err)
		err = dstb_super_blank(node, &sector);
	if (err == -EEXIST)
		NL_SET_ERR_MSG_FMT(extack,
				   "node %u is not blank (sector %llu): --adopt loses what is on it",
				   node->index, sector);
	else if (err)
		NL_SET_ERR_MSG_FMT(extack, "node %u can't be read (error %d)", node->index, -err);
	return err;
}

static int look_at_media(struct dstb_volume *vol, bool adopt, struct netlink_ext_ack *extack)
{
	struct dstb_super *super = kvzalloc(sizeof(*super), GFP_KERNEL);
	int err = super ? 0 : -ENOMEM;
	u32 i;

	for (i = 0; !err && i < vol->nr_nodes; i++) {
		struct dstb_node *node = vol->nodes[i];

		if (node->lim.logical_block_size > MAX_BLOCK) {
			NL_SET_ERR_MSG_FMT(extack,
					   "node %u has blocks of %u bytes, at most %u can be", i,
					   node->lim.logical_block_size, MAX_BLOCK);
			err = -EMEDIUMTYPE;
		} else if (!adopt) {
			err = check_unused(node, super, extack);
		}
	}
	kvfree(super);
	return err;
}

/*
 * Their media are free. Whoever had one is fenced only now; and what somebody else did with it
 * since the look, is seen.
 */
static int own_media(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	bool looked = false;
	int err = 0;
	u32 i;

	for (i = 0; !err && i < vol->nr_nodes; i++) {
		if (!vol->nodes[i]->look)
			continue;
		looked = true;
		err = dstb_node_own(vol->nodes[i], extack);
	}
	return err || !looked ? err : look_at_media(vol, false, extack);
}

/**
 * dstb_assemble_new_nodes() - open the nodes of a new volume
 * @vol:	the volume
 * @cfg:	where they are
 * @extack:	gets the sentence
 *
 * Context: process; sleeps, seconds for each node at most.
 * Return: 0 and they are up, or a negative errno.
 */
int dstb_assemble_new_nodes(struct dstb_volume *vol, const struct dstb_volume_config *cfg,
			    struct netlink_ext_ack *extack)
{
	u32 i;
	int err;

	if (!vol->nr_data || (!vol->metadata && vol->nr_data < vol->nr_nodes)) {
		if (vol->nr_data)
			NL_SET_ERR_MSG(extack,
				       "a volume without metadata has no use for a witness");
		else
			NL_SET_ERR_MSG(extack, "a volume takes at least one node with data");
		return -EINVAL;
	}
	for (i = 0; i < vol->nr_nodes; i++) {
		vol->nodes[i] = dstb_node_alloc(vol, i, &cfg->nodes[i]);
		if (!vol->nodes[i])
			return -ENOMEM;
		if (vol->metadata && !cfg->adopt)
			dstb_node_look_first(vol->nodes[i]);
		err = dstb_node_open(vol->nodes[i], extack);
		if (err)
			return err;
	}
	err = vol->metadata ? look_at_media(vol, cfg->adopt, extack) : 0;
	if (!err)
		err = own_media(vol, extack);
	for (i = 0; !err && i < vol->nr_nodes; i++)
		err = dstb_member_enter(vol->nodes[i], extack);
	return err;
}

static void fill_super(struct dstb_volume *vol)
{
	const struct dstb_mapping *map = &vol->map;
	struct dstb_super *super = vol->super;
	u32 i;

	export_uuid(super->volume, &vol->uuid);
	strscpy(super->name, vol->name, sizeof(super->name));
	super->layout_version = map->layout.version;
	super->nr_nodes = vol->nr_nodes;
	super->nr_params = map->nr_params;
	super->block_size = map->layout.block_size;
	super->copies = map->layout.copies;
	super->capacity = map->layout.capacity;
	super->region_shift = dstb_disk_region_shift(map->layout.capacity);
	strscpy(super->policy, map->policy_name, sizeof(super->policy));
	for (i = 0; i < map->nr_params; i++) {
		strscpy(super->params[i].name, map->params[i].name, sizeof(super->params[i].name));
		super->params[i].value = map->params[i].value;
	}
	BUILD_BUG_ON(sizeof(super->fingerprint) != sizeof(map->fingerprint));
	memcpy(super->fingerprint, map->fingerprint, sizeof(super->fingerprint));
	for (i = 0; i < vol->nr_nodes; i++) {
		struct dstb_node *node = vol->nodes[i];

		uuid_gen(&node->uuid);
		export_uuid(super->nodes[i].uuid, &node->uuid);
		super->nodes[i].size = node->data_sectors;
		super->nodes[i].weight = node->config.weight;
		super->nodes[i].zone = node->config.zone;
		super->nodes[i].flags = node->config.witness ? DST_DISK_NODE_WITNESS :
							       DST_DISK_NODE_IN_SYNC;
	}
}

/* What the media have may differ: every region is unclean until it has been compared. */
static int begin_tracking(struct dstb_volume *vol)
{
	struct dstb_dirty *dirty = &vol->dirty;
	int err;
	u32 i;

	err = dstb_dirty_init(vol, vol->super->capacity, vol->super->region_shift);
	if (!err)
		err = dstb_resync_init(vol);
	if (err)
		return err;
	bitmap_set(dirty->bits, 0, dirty->nr_regions);
	bitmap_set(dirty->unclean, 0, dirty->nr_regions);
	for (i = 0; i < vol->nr_data && !err; i++)
		err = dstb_bitmap_write_all(vol->nodes[i]);
	return err;
}

/**
 * dstb_assemble_new_metadata() - give the nodes of a new volume their superblocks
 * @vol:	the volume; its layout is known
 * @cfg:	what it is made from
 * @extack:	gets the sentence
 *
 * Context: process; sleeps.
 * Return: 0 or a negative errno; dstb_assemble_undo() is due then.
 */
int dstb_assemble_new_metadata(struct dstb_volume *vol, const struct dstb_volume_config *cfg,
			       struct netlink_ext_ack *extack)
{
	int err = 0;
	u32 i;

	for (i = 0; i < vol->nr_nodes && !err; i++)
		err = dstb_super_wipe(vol->nodes[i]);
	if (!err) {
		fill_super(vol);
		vol->wrote = true;
		if (vol->super->copies > 1)
			err = begin_tracking(vol);
	}
	if (!err)
		err = dstb_member_first_commit(vol, extack);
	else
		NL_SET_ERR_MSG_FMT(extack, "can't write metadata (error %d)", -err);
	if (!err && vol->votes < vol->nr_nodes) {
		NL_SET_ERR_MSG_FMT(extack, "only %u of %u nodes took the superblock", vol->votes,
				   vol->nr_nodes);
		err = -EIO;
	}
	return err;
}

/**
 * dstb_assemble_undo() - a new volume came to nothing: its nodes are nobody's again
 * @vol:	the volume
 *
 * Context: process; sleeps.
 */
void dstb_assemble_undo(struct dstb_volume *vol)
{
	u32 i;

	for (i = 0; vol->wrote && i < vol->nr_nodes; i++)
		if (vol->nodes[i] && READ_ONCE(vol->nodes[i]->ready))
			dstb_super_wipe(vol->nodes[i]);
	vol->gate_dead = true; /* nothing is recorded any more */
}
