// SPDX-License-Identifier: GPL-2.0
/*
 * Local nodes: block devices of this machine. A leg is a clone of the request's bio, embedded in
 * the leg.
 */
#include <linux/blkdev.h>
#include <linux/netlink.h>

#include "io.h"
#include "node.h"

/*
 * The flags of a request that its leg must not have: the block layer's own, and what makes a leg
 * fail before its time.
 */
#define NOT_FOR_LEGS \
	(REQ_POLLED | REQ_ALLOC_CACHE | REQ_PREFLUSH | REQ_RAHEAD | REQ_FAILFAST_MASK)

static int same_twice(const struct dstb_node *node, struct netlink_ext_ack *extack)
{
	const struct dstb_volume *vol = node->vol;
	dev_t dev;
	u32 i;

	if (lookup_bdev(node->config.path, &dev))
		return 0; /* the open says it better */
	for (i = 0; i < node->index; i++) {
		if (vol->nodes[i]->bdev && vol->nodes[i]->bdev->bd_dev == dev) {
			NL_SET_ERR_MSG_FMT(extack, "nodes %u and %u are the same device, %s", i,
					   node->index, node->config.path);
			return -EEXIST;
		}
	}
	return 0;
}

static int open_error(const struct dstb_node *node, int err, struct netlink_ext_ack *extack)
{
	const char *path = node->config.path;

	switch (err) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		NL_SET_ERR_MSG_FMT(extack, "node %u: there is no %s", node->index, path);
		break;
	case -ENOTBLK:
		NL_SET_ERR_MSG_FMT(extack, "node %u: %s is not a block device", node->index, path);
		break;
	case -EBUSY:
		NL_SET_ERR_MSG_FMT(extack, "node %u: %s is busy: something else uses it",
				   node->index, path);
		break;
	case -EACCES:
	case -EROFS:
		NL_SET_ERR_MSG_FMT(extack,
				   "node %u: %s is read-only: create the volume --read-only",
				   node->index, path);
		break;
	default:
		NL_SET_ERR_MSG_FMT(extack, "node %u: can't open %s (error %d)", node->index, path,
				   -err);
	}
	return err;
}

static int local_open(struct dstb_node *node, struct netlink_ext_ack *extack)
{
	blk_mode_t mode = BLK_OPEN_READ | (node->vol->read_only ? 0 : BLK_OPEN_WRITE);
	struct file *file;
	int err;

	err = same_twice(node, extack);
	if (err)
		return err;
	/* The node is the holder: exclusive, against other nodes of the volume, too. */
	file = bdev_file_open_by_path(node->config.path, mode, node, NULL);
	if (IS_ERR(file))
		return open_error(node, PTR_ERR(file), extack);
	node->bdev_file = file;
	node->bdev = file_bdev(file);
	if (bdev_is_zoned(node->bdev)) {
		NL_SET_ERR_MSG_FMT(extack, "node %u: %s is a zoned device, which can't be a node",
				   node->index, node->config.path);
		bdev_fput(file);
		return -EOPNOTSUPP;
	}
	node->size = bdev_nr_sectors(node->bdev);
	node->lim = bdev_get_queue(node->bdev)->limits;
	node->volatile_cache = bdev_write_cache(node->bdev);
	node->read_only = bdev_read_only(node->bdev);
	return 0;
}

static void local_close(struct dstb_node *node)
{
	bdev_fput(node->bdev_file);
}

static void local_end_io(struct bio *bio)
{
	struct dstb_leg *leg = bio->bi_private;
	blk_status_t status = bio->bi_status;

	bio_uninit(bio);
	dstb_leg_end(leg, status);
}

static void local_start(struct dstb_leg *leg)
{
	struct dstb_io *io = leg->io;
	struct bio *bio = &leg->bio;

	if (io->flush) {
		bio_init(bio, leg->node->bdev, NULL, 0, REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC);
	} else {
		/*
		 * Nothing to clone but the description: no integrity, no inline encryption, so this
		 * allocates nothing.
		 */
		bio_init_clone(leg->node->bdev, bio, io->data, GFP_NOIO);
		bio->bi_opf = io->op | (io->opf & ~NOT_FOR_LEGS);
		bio->bi_iter.bi_sector = leg->sector;
	}
	bio->bi_private = leg;
	bio->bi_end_io = local_end_io;
	submit_bio_noacct(bio);
}

const struct dstb_node_ops dstb_node_local_ops = {
	.open = local_open,
	.start = local_start,
	.close = local_close,
};
