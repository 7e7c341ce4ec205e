// SPDX-License-Identifier: GPL-2.0
/*
 * Queue limits of a volume: those of its nodes, stacked.
 */
#include <linux/blkdev.h>
#include <linux/netlink.h>

#include "compat.h"
#include "disk.h"
#include "node.h"
#include "volume.h"

#define MAX_IO_MIN	(16U << 20) /* bytes: a run longer than this tells a file system nothing */

/* Nothing of these passes through a volume. */
#define NOT_FOR_VOLUMES	(BLK_FEAT_POLL | BLK_FEAT_DAX | BLK_FEAT_ZONED | BLK_FEAT_PCI_P2PDMA)

/**
 * dstb_limits_block_size() - logical block size of a volume
 * @vol:	the volume, its nodes are open
 *
 * Return: the largest of the nodes', in bytes.
 */
u32 dstb_limits_block_size(const struct dstb_volume *vol)
{
	u32 size = SECTOR_SIZE, i;

	if (vol->assembled)
		return vol->super->block_size;
	for (i = 0; i < vol->nr_data; i++)
		size = max(size, vol->nodes[i]->lim.logical_block_size);
	return size;
}

static u32 least(u32 a, u32 b)
{
	return min(a, b);
}

static int limits_check(struct dstb_volume *vol, struct queue_limits *lim, u32 block,
			struct netlink_ext_ack *extack)
{
	if (vol->depth > DSTB_MAX_DEPTH) {
		NL_SET_ERR_MSG_FMT(extack, "more than %u volumes would be stacked",
				   DSTB_MAX_DEPTH);
		return -ELOOP;
	}
	if (!vol->max_sectors)
		return 0;
	vol->max_sectors = round_down(vol->max_sectors, block);
	if (!vol->max_sectors) {
		NL_SET_ERR_MSG_FMT(extack, "a node takes no requests of %u bytes, one block",
				   block << SECTOR_SHIFT);
		return -EMEDIUMTYPE;
	}
	lim->max_hw_sectors = min_not_zero(lim->max_hw_sectors, vol->max_sectors);
	return 0;
}

/* The least common multiple of several devices' may be anything. */
static void limits_cap(struct queue_limits *lim)
{
	if (lim->io_opt > MAX_IO_MIN)
		lim->io_opt = 0;
	if (lim->io_min > MAX_IO_MIN)
		lim->io_min = lim->physical_block_size;
}

/**
 * dstb_limits_stack() - what a volume can do
 * @vol:	the volume; its nodes are open, its layout is known. Gets its own limits, too
 * @lim:	gets the block layer's
 * @extack:	gets the sentence
 *
 * Context: process.
 * Return: 0, or -ELOOP or -EMEDIUMTYPE for nodes that don't make a volume.
 */
int dstb_limits_stack(struct dstb_volume *vol, struct queue_limits *lim,
		      struct netlink_ext_ack *extack)
{
	u32 discard = UINT_MAX >> 9, zeroes = UINT_MAX >> 9, block, i;
	bool copies = vol->map.layout.copies > 1;

	blk_set_stacking_limits(lim);
	lim->logical_block_size = dstb_limits_block_size(vol);
	lim->features |= BLK_FEAT_NOWAIT | BLK_FEAT_IO_STAT;
	block = lim->logical_block_size >> SECTOR_SHIFT;
	vol->max_sectors = copies ? DSTB_GRANULE : 0;
	vol->depth = 1;
	for (i = 0; i < vol->nr_data; i++) {
		struct dstb_node *node = vol->nodes[i];

		/* One that is not there yet must suit those that are, when it comes. */
		if (!node->size)
			continue;
		vol->depth = max(vol->depth, dstb_node_depth(node) + 1);
		if (node->bdev)
			queue_limits_stack_bdev(lim, node->bdev, 0, vol->name);
		else
			blk_stack_limits(lim, &node->lim, 0);
		discard = least(discard, node->lim.max_discard_sectors ?
						 node->lim.max_hw_discard_sectors :
						 0);
		zeroes = least(zeroes, node->lim.max_write_zeroes_sectors);
		if (node->max_sectors)
			vol->max_sectors = min_not_zero(vol->max_sectors, node->max_sectors);
	}
	lim->features &= ~NOT_FOR_VOLUMES;
	/*
	 * Every FUA and flush that comes goes to the nodes: those with a volatile cache know what
	 * to do. Which have one may change: a device's is switched on, a node comes that was not
	 * there. The block layer would drop the flushes of a volume that has none.
	 */
	lim->features |= BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA;
	if (copies) {
		/*
		 * Legs must not differ: nobody changes a page on its way, and what is discarded
		 * reads as zeroes. Who refuses these is written pages of zeroes, in one request.
		 */
		lim->features |= BLK_FEAT_STABLE_WRITES;
		zeroes = least(zeroes, vol->max_sectors);
		discard = zeroes;
	}
	/* The nodes' own need not be multiples of the largest block. */
	discard = round_down(discard, block);
	zeroes = round_down(zeroes, block);
	vol->max_discard = discard;
	vol->max_write_zeroes = zeroes;
	lim->max_hw_discard_sectors = discard;
	lim->max_discard_sectors = discard;
	lim->max_write_zeroes_sectors = zeroes;
	lim->max_secure_erase_sectors = 0;
	if (discard && !lim->discard_granularity)
		lim->discard_granularity = lim->logical_block_size;
	dstb_limits_plain_zeroes(lim);
	limits_cap(lim);
	if (vol->map.layout.run && vol->map.layout.run <= MAX_IO_MIN >> 9)
		lim->io_min = max_t(u32, lim->io_min, vol->map.layout.run << 9);
	return limits_check(vol, lim, block, extack);
}

/**
 * dstb_limits_suit() - can a node do what a volume with copies does?
 * @vol:	the volume
 * @node:	the node, open, not one of its yet
 * @extack:	gets the sentence
 *
 * Context: process.
 * Return: 0 or -EMEDIUMTYPE.
 */
int dstb_limits_suit(const struct dstb_volume *vol, const struct dstb_node *node,
		     struct netlink_ext_ack *extack)
{
	const char *why = NULL;

	if (node->lim.logical_block_size > vol->map.layout.block_size)
		why = "has larger blocks than the volume";
	else if (node->max_sectors && node->max_sectors < vol->max_sectors)
		why = "takes shorter requests than the volume";
	else if (node->lim.max_write_zeroes_sectors < vol->max_write_zeroes)
		why = "can't write zeroes or discard as the volume does";
	else if (dstb_node_depth(node) >= DSTB_MAX_DEPTH)
		why = "is a volume with too many below it";
	if (!why)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "it %s", why);
	return -EMEDIUMTYPE;
}

/**
 * dstb_limits_set() - give a volume's queue other limits
 * @vol:	the volume; its requests are frozen
 * @lim:	the limits
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int dstb_limits_set(struct dstb_volume *vol, const struct queue_limits *lim)
{
	struct request_queue *queue = vol->disk->queue;
	struct queue_limits new = *lim, now = queue_limits_start_update(queue);

	/* Written to in sysfs meanwhile. */
	new.max_user_sectors = now.max_user_sectors;
	new.max_user_discard_sectors = now.max_user_discard_sectors;
	return queue_limits_commit_update_frozen(queue, &new);
}

/**
 * dstb_limits_add() - a volume's queue has one node more below it
 * @vol:	the volume; its requests are frozen
 * @node:	the node, dstb_limits_suit()
 * @old:	gets the limits before, for dstb_limits_set()
 *
 * How long requests are does not change. What is stacked are the others' needs: alignment of
 * memory, and what is good to know of a device. When a node goes, they stay.
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int dstb_limits_add(struct dstb_volume *vol, struct dstb_node *node, struct queue_limits *old)
{
	struct queue_limits lim;

	*old = queue_limits_start_update(vol->disk->queue);
	queue_limits_cancel_update(vol->disk->queue);
	lim = *old;
	if (node->bdev)
		queue_limits_stack_bdev(&lim, node->bdev, 0, vol->name);
	else
		blk_stack_limits(&lim, &node->lim, 0);
	lim.features &= ~NOT_FOR_VOLUMES;
	lim.max_hw_discard_sectors = old->max_hw_discard_sectors;
	lim.max_discard_sectors = old->max_discard_sectors;
	lim.max_write_zeroes_sectors = old->max_write_zeroes_sectors;
	lim.max_secure_erase_sectors = 0;
	dstb_limits_plain_zeroes(&lim);
	limits_cap(&lim);
	return dstb_limits_set(vol, &lim);
}
