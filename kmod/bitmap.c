// SPDX-License-Identifier: GPL-2.0
/*
 * The bitmap on the media: what dirty.c wants there, read and written in blocks of sectors that
 * each have a checksum.
 *
 * All of it is the volume's meta_wq's, or whoever makes or stops the volume; one buffer is enough.
 * Requests set bits in memory meanwhile: a bit that a write of the block missed is written again,
 * for who set it has asked for that.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bitmap.h"
#include "dirty.h"
#include "disk.h"
#include "member.h"
#include "member_int.h"
#include "node.h"
#include "raw.h"
#include "volume.h"

#define BLOCK_BYTES	4096U	/* what is written at once, at least */
#define BLOCK_SECTORS	(BLOCK_BYTES >> SECTOR_SHIFT)
#define BLOCK_BITS	(BLOCK_SECTORS * DST_DISK_BITS)
#define BATCH		16U	/* blocks in one I/O */
#define SECTOR_LONGS	(DST_DISK_BITS / BITS_PER_LONG)
#define MAX_BLOCKS	(DST_DISK_BITMAP_SECTORS / BLOCK_SECTORS)
#define MAX_SECTORS	(MAX_BLOCKS * BLOCK_SECTORS)

/**
 * struct dstb_bitmap - memory for I/O on the bitmap
 * @nr_blocks:	that are in use
 * @buf:	as on the medium, BATCH blocks
 * @bits:	of as many, in the CPU's order
 * @marked:	a bit for each sector that is to be written
 * @bad:	likewise, for those that no copy in sync takes. Read anywhere
 */
struct dstb_bitmap {
	u32 nr_blocks;
	struct dst_disk_bits *buf;
	unsigned long *bits;
	DECLARE_BITMAP(marked, MAX_SECTORS);
	DECLARE_BITMAP(bad, MAX_SECTORS);
};

static u64 sector_of(const struct dstb_node *node, u32 block)
{
	return node->meta + DST_DISK_BITMAP_SECTOR + block * BLOCK_SECTORS;
}

/* The least that is written where a block has a bad sector. */
static u32 unit_of(const struct dstb_volume *vol)
{
	return clamp(vol->map.layout.block_size >> SECTOR_SHIFT, 1U, BLOCK_SECTORS);
}

/* How many regions the blocks have. */
static u32 regions_in(const struct dstb_dirty *dirty, u32 first, u32 nr)
{
	return min(nr * BLOCK_BITS, dirty->nr_regions - first * BLOCK_BITS);
}

static unsigned long *bits_of(unsigned long *bits, u32 block)
{
	return bits + block * (BLOCK_BITS / BITS_PER_LONG);
}

/* Makes sectors of what is at @bits, in the buffer. */
static void encode(struct dstb_bitmap *map, unsigned long *bits, u32 first, u32 nr)
{
	u64 words[DST_DISK_BITS_WORDS];
	u32 i;

	for (i = 0; i < nr; i++) {
		bitmap_to_arr64(words, bits + i * SECTOR_LONGS, DST_DISK_BITS);
		dstb_disk_bits_encode(&map->buf[i], first + i, words);
	}
}

/* Is it the medium that can't, and not that there is no way to it, or no memory? */
static bool is_medium_error(int err)
{
	return err && err != -ENOLINK && err != -ENOMEM;
}

/*
 * Reads sectors of the bitmap to map->bits, from @to on. Return: 0, -EUCLEAN when they are damaged,
 * or another errno.
 */
static int read_sectors(struct dstb_node *node, u32 first, u32 nr, unsigned long *to)
{
	struct dstb_bitmap *map = node->vol->dirty.map;
	u64 words[DST_DISK_BITS_WORDS];
	u32 i;
	int err;

	err = dstb_raw_one(node, REQ_OP_READ, true, sector_of(node, 0) + first, nr, map->buf);
	for (i = 0; i < nr && !err; i++) {
		if (!dstb_disk_bits_decode(&map->buf[i], first + i, words))
			err = -EUCLEAN;
		else
			bitmap_from_arr64(to + i * SECTOR_LONGS, words, DST_DISK_BITS);
	}
	return err;
}

/* Reads blocks to map->bits. What can't be read is dirty: then nothing is missed. */
static int read_blocks(struct dstb_node *node, u32 first, u32 nr)
{
	u32 sector = first * BLOCK_SECTORS, unit = unit_of(node->vol), i;
	unsigned long *bits = node->vol->dirty.map->bits;
	int err;

	nr *= BLOCK_SECTORS;
	err = read_sectors(node, sector, nr, bits);
	if (!is_medium_error(err) || err == -EUCLEAN)
		return err;
	for (i = 0; i < nr; i += unit) {
		err = read_sectors(node, sector + i, unit, bits + i * SECTOR_LONGS);
		if (!err)
			continue;
		if (!is_medium_error(err) || err == -EUCLEAN)
			return err;
		pr_warn_ratelimited("volume %s: node %u: sector %u of the bitmap can't be read: all of it is dirty\n",
				    node->vol->name, node->index, sector + i);
		bitmap_fill(bits + i * SECTOR_LONGS, unit * DST_DISK_BITS);
	}
	return 0;
}

/*
 * Writes sectors to every node in service. Returns 0 when one in sync took them (who is syncing may
 * be gone when it is asked); -EIO when none did and one stays that can't, for it has the last copy;
 * -EAGAIN when nobody in sync was there.
 */
static int write_sectors(struct dstb_volume *vol, unsigned long *bits, u32 first, u32 nr, bool fua)
{
	struct dstb_raw *raws = vol->raws;
	bool good = false, bad = false;
	u32 i;

	encode(vol->dirty.map, bits, first, nr);
	for (i = 0; i < vol->nr_data; i++) {
		struct dstb_node *node = vol->nodes[i];

		raws[i] = (struct dstb_raw) {
			.node = READ_ONCE(node->part) != DSTB_PART_OUT ? node : NULL,
			.op = REQ_OP_WRITE, .fua = fua, .sector = sector_of(node, 0) + first,
			.nr_sectors = nr, .buf = vol->dirty.map->buf,
		};
	}
	dstb_raw_run(vol, raws, vol->nr_data);
	for (i = 0; i < vol->nr_data; i++) {
		if (!raws[i].node)
			continue;
		if (!raws[i].status) {
			good |= READ_ONCE(raws[i].node->part) == DSTB_PART_IN;
			continue;
		}
		dstb_member_error(raws[i].node, raws[i].status, "writing the bitmap");
		bad |= raws[i].status != BLK_STS_TRANSPORT &&
		       READ_ONCE(raws[i].node->part) != DSTB_PART_OUT;
	}
	return good ? 0 : bad ? -EIO : -EAGAIN;
}

/**
 * dstb_bitmap_mark() - a region's bit is to be written
 * @vol:	the volume
 * @nr:		the region
 *
 * With the block around it, but not with what is known to be bad there.
 * Context: as dstb_bitmap_write().
 */
void dstb_bitmap_mark(struct dstb_volume *vol, u32 nr)
{
	struct dstb_bitmap *map = vol->dirty.map;
	u32 sector = nr / DST_DISK_BITS, block = round_down(sector, BLOCK_SECTORS);
	u32 end = block + BLOCK_SECTORS, unit = unit_of(vol);

	if (find_next_bit(map->bad, end, block) == end)
		bitmap_set(map->marked, block, BLOCK_SECTORS);
	else
		bitmap_set(map->marked, round_down(sector, unit), unit);
}

/**
 * dstb_bitmap_is_bad() - can a region's bit not be written?
 * @dirty:	the dirty tracking
 * @nr:		the region
 *
 * Context: any.
 * Return: true when no copy in sync took it the last time.
 */
bool dstb_bitmap_is_bad(const struct dstb_dirty *dirty, u32 nr)
{
	return unlikely(test_bit(nr / DST_DISK_BITS, dirty->map->bad));
}

static void note(struct dstb_volume *vol, u32 first, u32 nr, bool bad)
{
	struct dstb_bitmap *map = vol->dirty.map;
	u32 i;

	for (i = first; i < first + nr; i++) {
		if (!bad)
			clear_bit(i, map->bad);
		else if (!test_and_set_bit(i, map->bad))
			pr_warn_ratelimited("volume %s: sector %u of the bitmap can't be written: writes that need it fail\n",
					    vol->name, i);
	}
}

/* Writes sectors, and notes whether they are bad; those are tried again. */
static int write_noted(struct dstb_volume *vol, unsigned long *bits, u32 first, u32 nr, bool fua)
{
	int err = write_sectors(vol, bits, first, nr, fua);

	/* What is not durable is no sign; and no write waits for bits to be cleared. */
	if (fua && (!err || (err == -EIO && nr <= unit_of(vol))))
		note(vol, first, nr, err);
	return err;
}

/* Returns whether somebody in sync was there. */
static bool write_run(struct dstb_volume *vol, unsigned long *bits, u32 first, u32 nr, bool fua)
{
	u32 unit = unit_of(vol), i;
	bool ok = true;
	int err;

	err = write_noted(vol, bits, first, nr, fua);
	if (err != -EIO || nr <= unit)
		return err != -EAGAIN;
	/* One of them is bad: each by itself. */
	for (i = 0; i < nr; i += unit)
		ok &= write_noted(vol, bits + i * SECTOR_LONGS, first + i, unit, fua) != -EAGAIN;
	return ok;
}

/*
 * Writes blocks with bits that are about to be set in memory, where they are taken for durable: but
 * not those of sectors that are bad. Nobody may be there: who comes is given all of it.
 */
static void write_blocks(struct dstb_volume *vol, unsigned long *bits, u32 first, u32 nr)
{
	write_run(vol, bits, first * BLOCK_SECTORS, nr * BLOCK_SECTORS, true);
	/* It is tried again, whatever becomes of who is being let in. */
	if (dstb_bitmap_any_bad(&vol->dirty))
		dstb_dirty_kick(vol);
}

/**
 * dstb_bitmap_write() - write what was marked, to every node in service
 * @vol:	the volume
 * @fua:	durably
 *
 * Context: the volume's meta_wq, or while the volume is made or stopped.
 * Return: whether each of it is on a node in sync, or dstb_bitmap_is_bad().
 */
bool dstb_bitmap_write(struct dstb_volume *vol, bool fua)
{
	struct dstb_bitmap *map = vol->dirty.map;
	u32 first, end, nr = map->nr_blocks * BLOCK_SECTORS;
	bool ok = true;

	for (first = 0; first < nr; first = end) {
		first = find_next_bit(map->marked, nr, first);
		if (first >= nr)
			break;
		end = find_next_zero_bit(map->marked, nr, first);
		end = min(end, first + BATCH * BLOCK_SECTORS);
		ok &= write_run(vol, vol->dirty.bits + first * SECTOR_LONGS, first, end - first,
				fua);
	}
	bitmap_zero(map->marked, MAX_SECTORS);
	return ok;
}

/**
 * dstb_bitmap_any_bad() - is there anything that no copy in sync takes?
 * @dirty:	the dirty tracking
 *
 * Context: any.
 * Return: whether.
 */
bool dstb_bitmap_any_bad(const struct dstb_dirty *dirty)
{
	return find_first_bit(dirty->map->bad, MAX_SECTORS) < MAX_SECTORS;
}

/**
 * dstb_bitmap_retry() - try again to write what no copy in sync took
 * @vol:	the volume
 *
 * Context: the volume's meta_wq.
 * Return: whether some of it is bad still.
 */
bool dstb_bitmap_retry(struct dstb_volume *vol)
{
	struct dstb_bitmap *map = vol->dirty.map;
	u32 unit = unit_of(vol), nr = map->nr_blocks * BLOCK_SECTORS, i;

	for (i = find_first_bit(map->bad, nr); i < nr; i = find_next_bit(map->bad, nr, i + unit)) {
		i = round_down(i, unit);
		write_noted(vol, vol->dirty.bits + i * SECTOR_LONGS, i, unit, true);
	}
	return dstb_bitmap_any_bad(&vol->dirty);
}

/* Can nobody do without it? */
static bool is_last(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	bool last;

	spin_lock_irq(&vol->member_lock);
	last = node->part == DSTB_PART_IN && !dstb_member_may_lose(node, false);
	spin_unlock_irq(&vol->member_lock);
	return last;
}

/* Gives blocks to a node, without what it does not take. */
static int give_each(struct dstb_node *node, u32 first, u32 nr)
{
	struct dstb_volume *vol = node->vol;
	struct dstb_dirty *dirty = &vol->dirty;
	u32 i = first * BLOCK_SECTORS, end = i + nr * BLOCK_SECTORS, unit = unit_of(vol);
	int err;

	for (; i < end; i += unit) {
		encode(dirty->map, dirty->bits + i * SECTOR_LONGS, i, unit);
		err = dstb_raw_one(node, REQ_OP_WRITE, true, sector_of(node, 0) + i, unit,
				   dirty->map->buf);
		if (err && !is_medium_error(err))
			return err;
		if (err)
			note(vol, i, unit, true);
	}
	return 0;
}

/**
 * dstb_bitmap_write_all() - give a node the whole bitmap, durably
 * @node:	the node, not in service yet
 *
 * One that nobody can do without need not take all of it: dstb_bitmap_is_bad().
 * Context: the volume's meta_wq, or while the volume is made or stopped.
 * Return: 0 or a negative errno.
 */
int dstb_bitmap_write_all(struct dstb_node *node)
{
	struct dstb_dirty *dirty = &node->vol->dirty;
	struct dstb_bitmap *map = dirty->map;
	u32 first, nr;
	int err = 0;

	for (first = 0; first < map->nr_blocks && !err; first += nr) {
		nr = min(map->nr_blocks - first, BATCH);
		encode(map, bits_of(dirty->bits, first), first * BLOCK_SECTORS, nr * BLOCK_SECTORS);
		err = dstb_raw_one(node, REQ_OP_WRITE, true, sector_of(node, first),
				   nr * BLOCK_SECTORS, map->buf);
		if (is_medium_error(err) && is_last(node))
			err = give_each(node, first, nr);
	}
	return err;
}

/* Adds what a node's bitmap says. @tell: news are written to the nodes in service before. */
static int add_bits(struct dstb_node *node, bool tell)
{
	struct dstb_dirty *dirty = &node->vol->dirty;
	struct dstb_bitmap *map = dirty->map;
	u32 first, nr, bits, bit;
	unsigned long *ours;
	int err;

	for (first = 0; first < map->nr_blocks; first += nr) {
		nr = min(map->nr_blocks - first, BATCH);
		err = read_blocks(node, first, nr);
		if (err)
			return err;
		bits = regions_in(dirty, first, nr);
		ours = bits_of(dirty->bits, first);
		if (bitmap_subset(map->bits, ours, bits))
			continue;
		bitmap_or(map->bits, map->bits, ours, bits);
		if (tell)
			write_blocks(node->vol, map->bits, first, nr);
		/* One by one: writes set others in the same word meanwhile. */
		for_each_set_bit(bit, map->bits, bits)
			set_bit(bit, ours);
	}
	return 0;
}

/**
 * dstb_bitmap_merge() - take what a returning node's bitmap says into the volume's
 * @node:	the node, not in service yet
 *
 * A write that finds a bit set takes it for durable: so it is written to the nodes in service
 * first.
 * Context: the volume's meta_wq.
 * Return: 0, -EUCLEAN when it is damaged, or another negative errno.
 */
int dstb_bitmap_merge(struct dstb_node *node)
{
	return add_bits(node, true);
}

/**
 * dstb_bitmap_read() - take what a node's bitmap says into that of a volume that is being made
 * @node:	the node
 *
 * When all have been read, each is given all of it: dstb_bitmap_write_all().
 * Context: process, may sleep.
 * Return: 0, -EUCLEAN when it is damaged, or another negative errno.
 */
int dstb_bitmap_read(struct dstb_node *node)
{
	return add_bits(node, false);
}

/**
 * dstb_bitmap_fill() - every region is dirty now, durably
 * @vol:	the volume
 *
 * Context: the volume's meta_wq.
 */
void dstb_bitmap_fill(struct dstb_volume *vol)
{
	struct dstb_dirty *dirty = &vol->dirty;
	struct dstb_bitmap *map = dirty->map;
	u32 first, nr;

	for (first = 0; first < map->nr_blocks; first += nr) {
		nr = min(map->nr_blocks - first, BATCH);
		bitmap_zero(map->bits, nr * BLOCK_BITS);
		bitmap_set(map->bits, 0, regions_in(dirty, first, nr));
		write_blocks(vol, map->bits, first, nr);
	}
	bitmap_set(dirty->bits, 0, dirty->nr_regions);
}

/**
 * dstb_bitmap_alloc() - memory for a bitmap in memory
 * @nr_regions:	its bits
 *
 * Context: process, may sleep.
 * Return: no bit set, for vfree(); whole blocks, so that they can be encoded; or NULL.
 */
unsigned long *dstb_bitmap_alloc(u32 nr_regions)
{
	return vzalloc(DIV_ROUND_UP(nr_regions, BLOCK_BITS) * (BLOCK_BITS / BITS_PER_BYTE));
}

/**
 * dstb_bitmap_init() - make what is needed for the bitmap on the media
 * @dirty:	the dirty tracking; nr_regions is known
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; dstb_bitmap_exit() either way.
 */
int dstb_bitmap_init(struct dstb_dirty *dirty)
{
	struct dstb_bitmap *map;

	BUILD_BUG_ON(DST_DISK_BITMAP_SECTORS % BLOCK_SECTORS || DST_DISK_BITS % BITS_PER_LONG);
	BUILD_BUG_ON(MAX_BLOCKS * BLOCK_BITS < DST_DISK_MAX_REGIONS);
	map = kzalloc(sizeof(*map), GFP_KERNEL);
	dirty->map = map;
	if (!map)
		return -ENOMEM;
	map->nr_blocks = DIV_ROUND_UP(dirty->nr_regions, BLOCK_BITS);
	map->buf = (void *)__get_free_pages(GFP_KERNEL | __GFP_COMP,
					    get_order(BATCH * BLOCK_BYTES));
	map->bits = kvcalloc(BATCH, BLOCK_BITS / BITS_PER_BYTE, GFP_KERNEL);
	return map->buf && map->bits ? 0 : -ENOMEM;
}

/**
 * dstb_bitmap_exit() - the reverse of dstb_bitmap_init()
 * @dirty:	the dirty tracking
 *
 * Context: process, may sleep.
 */
void dstb_bitmap_exit(struct dstb_dirty *dirty)
{
	struct dstb_bitmap *map = dirty->map;

	if (!map)
		return;
	kvfree(map->bits);
	if (map->buf)
		free_pages((unsigned long)map->buf, get_order(BATCH * BLOCK_BYTES));
	kfree(map);
}
