// SPDX-License-Identifier: GPL-2.0
/*
 * Local nodes: block devices of this machine. A leg is a clone of the request's bio, embedded in
 * the leg.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/netlink.h>

#include "chain.h"
#include "compat.h"
#include "io.h"
#include "node.h"
#include "raw.h"

/*
 * The flags of a request that its leg must not have: the block layer's own, and what makes a leg
 * fail before its time.
 */
#define NOT_FOR_LEGS \
	(REQ_POLLED | REQ_ALLOC_CACHE | REQ_PREFLUSH | REQ_RAHEAD | REQ_FAILFAST_MASK)

static int same_twice(const struct dstb_node *node, dev_t dev, struct netlink_ext_ack *extack)
{
	const struct dstb_volume *vol = node->vol;
	const struct dstb_node *other;
	int err = 0;
	u32 i;

	/* A block_device is freed after a grace period. */
	rcu_read_lock();
	for (i = 0; !err && (other = dstb_volume_node(vol, i)); i++) {
		const struct block_device *bdev = READ_ONCE(other->bdev);

		if (other == node || !bdev || bdev->bd_dev != dev)
			continue;
		NL_SET_ERR_MSG_FMT(extack, "nodes %u and %u are the same device, %s",
				   min(i, node->index), max(i, node->index), node->config.path);
		err = -EEXIST;
	}
	rcu_read_unlock();
	return err;
}

static int open_error(const char *path, u32 index, int err, struct netlink_ext_ack *extack)
{
	switch (err) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		NL_SET_ERR_MSG_FMT(extack, "node %u: there is no %s", index, path);
		break;
	case -ENOTBLK:
		NL_SET_ERR_MSG_FMT(extack, "node %u: %s is not a block device", index, path);
		break;
	case -EBUSY:
		NL_SET_ERR_MSG_FMT(extack, "node %u: %s is busy: something else uses it",
				   index, path);
		break;
	case -EACCES:
	case -EROFS:
		NL_SET_ERR_MSG_FMT(extack,
				   "node %u: %s is read-only: create the volume --read-only",
				   index, path);
		break;
	default:
		NL_SET_ERR_MSG_FMT(extack, "node %u: can't open %s (error %d)", index, path,
				   -err);
	}
	/* To whoever called that says that the volume is fenced, which a device never does. */
	return err == -ESTALE ? -EIO : err;
}

/**
 * dstb_node_find() - find out which device is meant by who asks, if one is
 * @cfg:	where a node is to be; gets the device's number
 * @index:	of the node
 * @extack:	gets the sentence
 *
 * A worker that opens it would look elsewhere, where this process has other mounts.
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int dstb_node_find(struct dstb_node_config *cfg, u32 index, struct netlink_ext_ack *extack)
{
	int err;

	if (cfg->path[0] != '/')
		return 0;
	err = lookup_bdev(cfg->path, &cfg->dev);
	return err ? open_error(cfg->path, index, err, extack) : 0;
}

static void local_close(struct dstb_node *node)
{
	struct file *file = node->bdev_file;

	if (!file)
		return;
	/* What is with the device ends by its own limits; then it may go away. */
	WRITE_ONCE(node->bdev, NULL);
	while (dstb_node_busy(node))
		msleep(20);
	node->bdev_file = NULL;
	bdev_fput(file);
}

/**
 * dstb_node_bdev_limits() - take what a node's device is and can do
 * @node:	the node; its device is known
 */
void dstb_node_bdev_limits(struct dstb_node *node)
{
	node->size = bdev_nr_sectors(node->bdev);
	node->meta = dstb_node_meta(node->size);
	node->lim = bdev_get_queue(node->bdev)->limits;
	node->volatile_cache = bdev_write_cache(node->bdev);
	node->read_only = bdev_read_only(node->bdev);
}

/**
 * dstb_node_depth() - how many volumes of this kernel a node's device has below it, with itself
 * @node:	the node
 *
 * Context: process; nobody opens the node again meanwhile.
 */
u32 dstb_node_depth(const struct dstb_node *node)
{
	const struct dstb_volume *below = node->bdev ? dstb_volume_of(node->bdev) : NULL;

	return below ? below->depth : 0;
}

/**
 * dstb_node_deepen() - a volume has got a node: it may have more volumes below it than before
 * @node:	the node, open
 *
 * Context: process; nobody opens the node again meanwhile.
 */
void dstb_node_deepen(const struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	u32 depth = dstb_node_depth(node) + 1;

	spin_lock_irq(&vol->member_lock);
	if (vol->depth < depth && !node->config.witness)
		WRITE_ONCE(vol->depth, depth);
	spin_unlock_irq(&vol->member_lock);
}

/* Does it suit the volume, which is what it is? */
static int bdev_suits(const struct dstb_node *node, struct netlink_ext_ack *extack)
{
	const struct dstb_volume *vol = node->vol;
	const char *why = NULL;

	if (node->meta < node->data_sectors || !node->meta)
		why = "is too small";
	else if (dstb_node_depth(node) >= DSTB_MAX_DEPTH)
		why = "is a volume with too many below it";
	else if (!node->config.witness && vol->started &&
		 node->lim.logical_block_size > vol->map.layout.block_size)
		why = "has larger blocks than the volume";
	if (!why)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "%.60s %s", node->config.path, why);
	return -EMEDIUMTYPE;
}

static int open_path(struct dstb_node *node, blk_mode_t mode, struct file **file,
		     struct netlink_ext_ack *extack)
{
	struct fs_struct *own = dstb_paths_begin();
	dev_t dev;
	int err = 0;

	/* If there is none the open says it better. */
	if (!lookup_bdev(node->config.path, &dev))
		err = same_twice(node, dev, extack);
	if (!err)
		*file = bdev_file_open_by_path(node->config.path, mode, node, NULL);
	dstb_paths_end(own);
	return err;
}

static int local_open(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	blk_mode_t mode = BLK_OPEN_READ | (node->vol->read_only ? 0 : BLK_OPEN_WRITE);
	struct file *file;
	int err = 0;

	/* The node is the holder: exclusive, against other nodes of the volume, too. */
	if (node->dev) {
		err = same_twice(node, node->dev, extack);
		if (err)
			return err;
		file = bdev_file_open_by_dev(node->dev, mode, node, NULL);
	} else {
		err = open_path(node, mode, &file, extack);
		if (err)
			return err;
	}
	if (IS_ERR(file))
		return open_error(node->config.path, node->index, PTR_ERR(file), extack);
	node->bdev_file = file;
	node->bdev = file_bdev(file);
	node->dev = node->bdev->bd_dev;
	if (bdev_is_zoned(node->bdev)) {
		NL_SET_ERR_MSG_FMT(extack, "node %u: %s is a zoned device, which can't be a node",
				   node->index, node->config.path);
		local_close(node);
		return -EOPNOTSUPP;
	}
	dstb_node_bdev_limits(node);
	/* Nobody is above a volume that is still being made. */
	if (READ_ONCE(node->vol->started))
		err = dstb_chain_check(node->vol, node->bdev, extack);
	if (err)
		local_close(node);
	return err;
}

/**
 * dstb_node_bdev_reopen() - open a node's device again
 * @node:	the node
 * @extack:	gets the sentence
 *
 * Context: process, may sleep.
 * Return: 0, or a negative errno, and it is closed.
 */
int dstb_node_bdev_reopen(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	int err;

	node->ops->close(node);
	err = node->ops->open(node, extack);
	if (err)
		return err;
	err = bdev_suits(node, extack);
	if (err)
		node->ops->close(node);
	else if (READ_ONCE(node->vol->started))
		dstb_node_deepen(node);
	return err;
}

static void local_end_io(struct bio *bio)
{
	struct dstb_leg *leg = bio->bi_private;
	blk_status_t status = bio->bi_status;

	bio_uninit(bio);
	/*
	 * A device that can't be reached is a device that fails: it has nobody to connect it again.
	 */
	dstb_leg_end(leg, status == BLK_STS_TRANSPORT ? BLK_STS_IOERR : status);
}

/**
 * dstb_node_bdev_start() - start a leg on a device of this kernel
 * @leg:	the leg
 *
 * Context: process; may sleep as submit_bio() does.
 */
void dstb_node_bdev_start(struct dstb_leg *leg)
{
	struct dstb_io *io = leg->io;
	struct block_device *bdev = READ_ONCE(leg->node->bdev);
	struct bio *bio = &leg->bio;

	/* Who wants a digest reads, and makes it himself. */
	if (dstb_raw_digests(io->raw)) {
		dstb_leg_end(leg, BLK_STS_NOTSUPP);
		return;
	}
	/* It is being opened again. */
	if (unlikely(!bdev)) {
		dstb_node_pend(leg);
		return;
	}
	if (io->flush) {
		bio_init(bio, bdev, NULL, 0, REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC);
	} else {
		/*
		 * Nothing to clone but the description: no integrity, no inline encryption, so this
		 * allocates nothing.
		 */
		bio_init_clone(bdev, bio, io->data, GFP_NOIO);
		bio->bi_opf = io->op | (io->opf & ~NOT_FOR_LEGS);
		bio->bi_iter.bi_sector = leg->sector;
	}
	bio->bi_private = leg;
	bio->bi_end_io = local_end_io;
	submit_bio_noacct(bio);
}

const struct dstb_node_ops dstb_node_local_ops = {
	.open = local_open,
	.reopen = dstb_node_bdev_reopen,
	.start = dstb_node_bdev_start,
	.close = local_close,
};
