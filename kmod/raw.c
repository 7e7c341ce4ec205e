// SPDX-License-Identifier: GPL-2.0
/*
 * The module's own I/O on nodes. A request of one leg, from pools of its own: what a request waits
 * for must not wait for requests.
 */
#include <linux/bio.h>
#include <linux/completion.h>
#include <linux/slab.h>

#include "io.h"
#include "node.h"
#include "raw.h"
#include "uapi/dst_wire.h"
#include "volume.h"

#define POOL_MIN	4 /* I/Os that go on without memory */

/**
 * struct dstb_raw_batch - I/Os that are waited for together
 * @left:	not ended yet, and one for who starts them
 * @done:	all have
 */
struct dstb_raw_batch {
	atomic_t left;
	struct completion done;
};

static void batch_put(struct dstb_raw_batch *batch)
{
	if (atomic_dec_and_test(&batch->left))
		complete(&batch->done);
}

/**
 * dstb_raw_end() - the leg of one has ended
 * @leg:	the leg
 * @status:	how
 *
 * Context: any.
 */
void dstb_raw_end(struct dstb_leg *leg, blk_status_t status)
{
	struct dstb_io *io = leg->io;
	struct dstb_raw *raw = io->raw;

	raw->status = status;
	if (io->data)
		bio_put(io->data);
	mempool_free(io, &io->vol->raw_pool);
	batch_put(raw->batch); /* the last touch: the batch is on its waiter's stack */
}

static struct bio *raw_bio(struct dstb_volume *vol, const struct dstb_raw *raw)
{
	u32 bytes = raw->digest ? DST_WIRE_DIGEST_BYTES : raw->nr_sectors << SECTOR_SHIFT, off;
	struct bio *bio;

	bio = bio_alloc_bioset(NULL, DIV_ROUND_UP(bytes, PAGE_SIZE), raw->op, GFP_NOIO,
			       &vol->raw_bios);
	for (off = 0; off < bytes; off += PAGE_SIZE)
		__bio_add_page(bio, virt_to_page(raw->buf + off),
			       min_t(u32, bytes - off, PAGE_SIZE), offset_in_page(raw->buf));
	bio->bi_iter.bi_sector = raw->sector;
	return bio;
}

static void raw_start(struct dstb_volume *vol, struct dstb_raw *raw)
{
	struct dstb_io *io = mempool_alloc(&vol->raw_pool, GFP_NOIO);
	struct dstb_leg *leg = &io->legs[0];

	memset(io, 0, struct_size(io, legs, 1));
	io->vol = vol;
	io->raw = raw;
	io->op = raw->op;
	io->opf = REQ_SYNC | REQ_META | (raw->fua ? REQ_FUA : 0);
	io->flush = raw->op == REQ_OP_FLUSH;
	io->nr_sectors = io->flush ? 0 : raw->nr_sectors;
	io->nr_legs = 1;
	if (!io->flush)
		io->data = raw_bio(vol, raw);
	leg->io = io;
	leg->node = raw->node;
	leg->sector = raw->sector;
	atomic_inc(&raw->node->in_flight);
	smp_mb__after_atomic(); /* as in dstb_leg_start() */
	if (raw->always || READ_ONCE(raw->node->ready))
		raw->node->ops->start(leg);
	else
		dstb_leg_end(leg, BLK_STS_TRANSPORT);
}

/**
 * dstb_raw_run() - start I/Os and wait for all of them
 * @vol:	the volume
 * @raws:	the I/Os; those without a node are passed over
 * @nr:		how many
 *
 * Context: process, may sleep; bounded by the nodes' own time limits.
 */
void dstb_raw_run(struct dstb_volume *vol, struct dstb_raw *raws, u32 nr)
{
	struct dstb_raw_batch batch = {
		.left = ATOMIC_INIT(1),
		.done = COMPLETION_INITIALIZER_ONSTACK(batch.done),
	};
	u32 i;

	for (i = 0; i < nr; i++) {
		if (!raws[i].node)
			continue;
		raws[i].batch = &batch;
		atomic_inc(&batch.left);
		raw_start(vol, &raws[i]);
	}
	batch_put(&batch);
	wait_for_completion(&batch.done);
}

/**
 * dstb_raw_one() - do one I/O
 * @node:	where
 * @op:		REQ_OP_READ, REQ_OP_WRITE (durable when it ends) or REQ_OP_FLUSH
 * @always:	although the node is not in service
 * @sector:	on the medium
 * @nr_sectors:	how many
 * @buf:	data; kernel memory in whole pages, not vmalloc()'s
 *
 * Context: process, may sleep; bounded by the node's own time limits.
 * Return: 0 or a negative errno.
 */
int dstb_raw_one(struct dstb_node *node, enum req_op op, bool always, u64 sector, u32 nr_sectors,
		 void *buf)
{
	struct dstb_raw raw = {
		.node = node, .op = op, .fua = op == REQ_OP_WRITE, .always = always,
		.sector = sector, .nr_sectors = nr_sectors, .buf = buf,
	};

	dstb_raw_run(node->vol, &raw, 1);
	return blk_status_to_errno(raw.status);
}

/**
 * dstb_raw_volume_init() - make the pools of a volume
 * @vol:	the volume
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; dstb_raw_volume_exit() either way.
 */
int dstb_raw_volume_init(struct dstb_volume *vol)
{
	/* Metadata must not wait for digests of a node that does not answer. */
	u32 reserve = POOL_MIN + (vol->checksum ? DSTB_RAW_DIGESTS : 0);
	struct dstb_io *io;
	int err;

	err = mempool_init_kmalloc_pool(&vol->raw_pool, reserve, struct_size(io, legs, 1));
	return err ?: bioset_init(&vol->raw_bios, reserve, 0, BIOSET_NEED_BVECS);
}

/**
 * dstb_raw_volume_exit() - the reverse of dstb_raw_volume_init()
 * @vol:	the volume; nothing is under way
 *
 * Context: process, may sleep.
 */
void dstb_raw_volume_exit(struct dstb_volume *vol)
{
	bioset_exit(&vol->raw_bios);
	mempool_exit(&vol->raw_pool);
}
