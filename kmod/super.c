// SPDX-License-Identifier: GPL-2.0
/*
 * Superblocks: read from and written to media. What they mean is member.c's; their format,
 * disk.c's.
 *
 * All of this runs on the volume's meta_wq, or while the volume is made or stopped: one at a time.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "member.h"
#include "node.h"
#include "raw.h"
#include "super.h"
#include "volume.h"

#define AREA_SECTORS	(DST_DISK_COPIES * DST_DISK_SUPER_SECTORS)
#define AREA_BYTES	(AREA_SECTORS << SECTOR_SHIFT)
#define BLANK_SECTORS	2048U	/* at the front of a medium that nobody uses */
#define BLOCK		4096U
#define TOGETHER	8U	/* superblocks written at a time */

/**
 * dstb_super_read() - read the superblock of a node
 * @node:	the node, open
 * @super:	gets it, if it is valid
 * @state:	gets what is there
 * @why:	gets what is wrong with a damaged one
 *
 * Context: process, may sleep.
 * Return: 0, or a negative errno when the medium could not be read.
 */
int dstb_super_read(struct dstb_node *node, struct dstb_super *super, enum dstb_disk_state *state,
		    const char **why)
{
	struct dstb_volume *vol = node->vol;
	int err;

	err = dstb_raw_one(node, REQ_OP_READ, true, node->meta, AREA_SECTORS,
			   vol->super_area);
	if (!err)
		*state = dstb_disk_pick(vol->super_area, super, why);
	return err;
}

/*
 * A blank medium is given its bitmap first, and may have been lost before its superblock. What is
 * there besides says whether somebody uses it.
 */
static bool is_bitmap(const struct dstb_node *node, u64 sector, const void *data)
{
	u64 first = node->meta + DST_DISK_BITMAP_SECTOR, words[DST_DISK_BITS_WORDS];

	return sector >= first && sector < first + DST_DISK_BITMAP_SECTORS &&
	       dstb_disk_bits_decode(data, sector - first, words);
}

static int blank_range(struct dstb_node *node, u64 first, u32 nr, u64 *sector)
{
	struct dstb_volume *vol = node->vol;
	u32 done, len, i;
	int err;

	for (done = 0; done < nr; done += len) {
		len = min(nr - done, AREA_SECTORS);
		err = dstb_raw_one(node, REQ_OP_READ, true, first + done, len, vol->super_area);
		if (err)
			return err;
		for (i = 0; i < len; i++) {
			const void *data = vol->super_area + (i << SECTOR_SHIFT);

			*sector = first + done + i;
			if (memchr_inv(data, 0, SECTOR_SIZE) && !is_bitmap(node, *sector, data))
				return -EEXIST;
		}
	}
	return 0;
}

/**
 * dstb_super_blank() - does nobody use a medium? (R4)
 * @node:	the node, open
 * @sector:	gets the first sector that somebody uses
 *
 * Context: process, may sleep.
 * Return: 0 if its first MiB and its metadata area are all zeros, but for a bitmap; -EEXIST if not;
 * or another negative errno when it could not be read.
 */
int dstb_super_blank(struct dstb_node *node, u64 *sector)
{
	u32 front = min_t(u64, node->meta, BLANK_SECTORS);

	return blank_range(node, 0, front, sector) ?:
	       blank_range(node, node->meta, DST_DISK_META_SECTORS, sector);
}

static void *buf_of(const struct dstb_volume *vol, u32 slot)
{
	return vol->super_bufs + slot * vol->super_bytes;
}

/* Makes what is to be written to a node next; @always: although it is not in service. */
static void prepare(struct dstb_node *node, struct dstb_raw *raw, void *buf, bool always)
{
	struct dstb_volume *vol = node->vol;
	struct dstb_super *super = vol->super;

	super->index = node->index;
	memcpy(super->node, super->nodes[node->index].uuid, sizeof(super->node));
	super->sequence = ++node->super_seq;
	memset(buf, 0, vol->super_bytes);
	dstb_disk_encode(super, buf);
	*raw = (struct dstb_raw) {
		.node = node, .op = REQ_OP_WRITE, .fua = true, .always = always,
		.sector = node->meta + (node->super_seq & 1) * DST_DISK_SUPER_SECTORS,
		.nr_sectors = vol->super_bytes >> SECTOR_SHIFT, .buf = buf,
	};
	if (unlikely(vol->faults.super_sectors))
		raw->nr_sectors = min(raw->nr_sectors, vol->faults.super_sectors);
}

static void written(struct dstb_node *node)
{
	node->age = node->vol->super->age;
	node->super_failed = false;
	WRITE_ONCE(node->missed, false);
}

/*
 * What is there may be torn, so that is the place of the next one, too: the other copy is good. A
 * place that fails twice is bad for ever; the last copy of the data goes on with the other.
 */
static void not_written(struct dstb_node *node)
{
	if (!node->super_failed)
		node->super_seq--;
	node->super_failed = !node->super_failed;
	WRITE_ONCE(node->missed, true);
}

/**
 * dstb_super_write() - write the superblock of each node that is in service
 * @vol:	the volume
 *
 * Context: process, may sleep.
 * Return: how many have it now.
 */
u32 dstb_super_write(struct dstb_volume *vol)
{
	struct dstb_raw raws[TOGETHER];
	u32 i = 0, nr, k, good = 0;

	while (i < vol->nr_nodes) {
		for (nr = 0; nr < TOGETHER && i < vol->nr_nodes; i++)
			if (READ_ONCE(vol->nodes[i]->ready)) {
				prepare(vol->nodes[i], &raws[nr], buf_of(vol, nr), false);
				nr++;
			} else {
				WRITE_ONCE(vol->nodes[i]->missed, true);
			}
		dstb_raw_run(vol, raws, nr);
		for (k = 0; k < nr; k++) {
			if (raws[k].status) {
				not_written(raws[k].node);
				dstb_member_error(raws[k].node, raws[k].status,
						  "writing the superblock");
			} else {
				written(raws[k].node);
				good++;
			}
		}
	}
	return good;
}

/**
 * dstb_super_write_one() - write the superblock of one node
 * @node:	the node
 * @always:	although it is not in service yet
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno; -ESHUTDOWN when the volume is dead.
 */
int dstb_super_write_one(struct dstb_node *node, bool always)
{
	struct dstb_raw raw;

	/* What the superblock says now may only be that its nodes were put out by force. */
	if (READ_ONCE(node->vol->gate_dead))
		return -ESHUTDOWN;
	prepare(node, &raw, buf_of(node->vol, 0), always);
	dstb_raw_run(node->vol, &raw, 1);
	if (raw.status)
		not_written(node);
	else
		written(node);
	return blk_status_to_errno(raw.status);
}

/**
 * dstb_super_try() - can a medium be written where superblocks are?
 * @node:	the node, open
 *
 * What is there stays.
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int dstb_super_try(struct dstb_node *node)
{
	void *area = node->vol->super_area;

	return dstb_raw_one(node, REQ_OP_READ, true, node->meta, AREA_SECTORS, area) ?:
	       dstb_raw_one(node, REQ_OP_WRITE, true, node->meta, AREA_SECTORS, area);
}

/**
 * dstb_super_wipe() - leave a medium without a superblock
 * @node:	the node, open
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int dstb_super_wipe(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;

	memset(vol->super_area, 0, AREA_BYTES);
	return dstb_raw_one(node, REQ_OP_WRITE, true, node->meta, AREA_SECTORS,
			    vol->super_area);
}

/**
 * dstb_super_resize() - a volume's number of nodes is known, or another one
 * @vol:	the volume
 *
 * Context: as all of this.
 */
void dstb_super_resize(struct dstb_volume *vol)
{
	vol->super_bytes = round_up(dstb_disk_bytes(vol->nr_nodes), BLOCK);
}

/**
 * dstb_super_init() - make the memory of a volume's superblocks
 * @vol:	the volume
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; dstb_super_exit() either way.
 */
int dstb_super_init(struct dstb_volume *vol)
{
	/* How many nodes it will have is not known. */
	const u32 nr = DST_DISK_MAX_NODES;

	dstb_super_resize(vol);
	vol->super_alloc = TOGETHER * round_up(dstb_disk_bytes(nr), BLOCK);
	vol->super_bufs = alloc_pages_exact(vol->super_alloc, GFP_KERNEL);
	vol->super_area = alloc_pages_exact(AREA_BYTES, GFP_KERNEL);
	vol->super = kvzalloc(sizeof(*vol->super), GFP_KERNEL);
	vol->raws = kvcalloc(nr, sizeof(*vol->raws), GFP_KERNEL);
	return vol->super_bufs && vol->super_area && vol->super && vol->raws ? 0 : -ENOMEM;
}

/**
 * dstb_super_exit() - the reverse of dstb_super_init()
 * @vol:	the volume
 *
 * Context: process, may sleep.
 */
void dstb_super_exit(struct dstb_volume *vol)
{
	if (vol->super_bufs)
		free_pages_exact(vol->super_bufs, vol->super_alloc);
	if (vol->super_area)
		free_pages_exact(vol->super_area, AREA_BYTES);
	kvfree(vol->super);
	kvfree(vol->raws);
}
