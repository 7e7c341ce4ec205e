// SPDX-License-Identifier: GPL-2.0
/*
 * Resync by digests: a run is looked at in pieces, and only those are copied whose digests differ.
 * A remote node's target digests for it; what is local, or has a target that can't, is read and
 * digested here.
 *
 * All of that with the region locked, as when everything is copied: nobody writes to a piece
 * between its digest and its copy. A piece that is the same is as durable as one that was copied:
 * it may be in the node's cache, which is flushed before anybody goes by it. And it counts only for
 * the resync that it was found in (end_region()): a node that lost its cache since begins another.
 *
 * A digest is a reason not to copy, never one to put a node out: without it the piece is copied,
 * and what is wrong with the node shows in that.
 */
#include <linux/slab.h>

#include "compat.h"
#include "node.h"
#include "place.h"
#include "raw.h"
#include "resync_int.h"
#include "uapi/dst_wire.h"

#define PIECES	DSTB_RAW_DIGESTS
#define PIECE	(DSTB_RAW_SECTORS / PIECES) /* sectors: so much is copied for one that differs */

/**
 * struct sums_page - digests of a run; a page, for none of them may cross one
 * @from:	of the copy that is believed
 * @to:		of another
 */
struct sums_page {
	u8 from[PIECES][DST_WIRE_DIGEST_BYTES];
	u8 to[PIECES][DST_WIRE_DIGEST_BYTES];
};

/**
 * struct dstb_sums - what comparing digests needs
 * @raws:	asks for those of a run, all at once
 * @page:	they go there
 * @have:	a bit for each piece: its data is in dstb_sync.from
 * @gen:	of the node of the copy that is believed, when its digests were asked for
 */
struct dstb_sums {
	struct dstb_raw raws[PIECES];
	struct sums_page *page;
	u32 have;
	u32 gen;
};

static u32 piece_len(u32 nr_sectors, u32 piece)
{
	return min(nr_sectors - piece * PIECE, PIECE);
}

/* ---- digests of a copy ---- */

/* For a node that is being moved meanwhile either answer will do: it is not ready. */
static bool is_local(const struct dstb_node *node)
{
	return node->config.path[0];
}

static u32 node_gen(struct dstb_sync *sync, u32 node)
{
	struct dstb_volume *vol = sync->vol;
	u32 gen;

	spin_lock_irq(&vol->member_lock);
	gen = vol->nodes[node]->gen;
	spin_unlock_irq(&vol->member_lock);
	return gen;
}

/* Has them made by the node's target. */
static int ask(struct dstb_sync *sync, const struct dstb_leg_addr *leg, u32 nr_sectors,
	       u8 (*digests)[DST_WIRE_DIGEST_BYTES])
{
	struct dstb_node *node = sync->vol->nodes[leg->node];
	struct dstb_raw *raws = sync->sums->raws;
	u32 nr = DIV_ROUND_UP(nr_sectors, PIECE), i;

	if (is_local(node))
		return -EOPNOTSUPP;
	for (i = 0; i < nr; i++)
		raws[i] = (struct dstb_raw) {
			.node = node, .op = REQ_OP_READ, .digest = true,
			.sector = leg->sector + i * PIECE, .nr_sectors = piece_len(nr_sectors, i),
			.buf = digests[i],
		};
	dstb_raw_run(sync->vol, raws, nr);
	for (i = 0; i < nr; i++)
		if (raws[i].status)
			return blk_status_to_errno(raws[i].status);
	return 0;
}

static void make(const void *buf, u32 nr_sectors, u8 (*digests)[DST_WIRE_DIGEST_BYTES])
{
	u32 nr = DIV_ROUND_UP(nr_sectors, PIECE), i;
	dstb_blake2s blake;

	for (i = 0; i < nr; i++) {
		blake2s_init(&blake, DST_WIRE_DIGEST_BYTES);
		blake2s_update(&blake, buf + (i * PIECE << SECTOR_SHIFT),
			       piece_len(nr_sectors, i) << SECTOR_SHIFT);
		blake2s_final(&blake, digests[i]);
		cond_resched();
	}
}

/*
 * Has the node of the copy that is believed been there all the time? If it was lost meanwhile it
 * may be back without what its cache had, and what came since is not to be believed.
 */
static bool source_stayed(struct dstb_sync *sync, const struct dstb_leg_addr *leg)
{
	return node_gen(sync, leg->node) == sync->sums->gen;
}

/*
 * The digests of a run on the copy that is believed. That it can't be read is an error of its node,
 * as when all is copied.
 */
static int digest_source(struct dstb_sync *sync, const struct dstb_leg_addr *leg, u32 nr_sectors,
			 u32 nr)
{
	const struct dstb_node *node = sync->vol->nodes[leg->node];
	struct dstb_sums *sums = sync->sums;
	int err;

	sums->have = 0;
	sums->gen = node_gen(sync, leg->node);
	/* With this gen: source_of() has looked before. */
	if (!READ_ONCE(node->ready) || !dstb_node_has(node, nr))
		return -EAGAIN;
	if (ask(sync, leg, nr_sectors, sums->page->from)) {
		err = dstb_sync_read(sync->vol, leg, nr_sectors, sync->from);
		if (err)
			return err;
		sums->have = ~0U;
		make(sync->from, nr_sectors, sums->page->from);
	}
	return source_stayed(sync, leg) ? 0 : -EAGAIN;
}

/*
 * Those of a copy that lacks the run: it is not read over the network for them. Its medium may be
 * unreadable there; perhaps it can be written.
 */
static int digest_lacking(struct dstb_sync *sync, const struct dstb_leg_addr *leg, u32 nr_sectors)
{
	struct dstb_node *node = sync->vol->nodes[leg->node];
	int err;

	if (!is_local(node))
		return ask(sync, leg, nr_sectors, sync->sums->page->to);
	err = dstb_raw_one(node, REQ_OP_READ, false, leg->sector, nr_sectors, sync->to);
	if (!err)
		make(sync->to, nr_sectors, sync->sums->page->to);
	return err;
}

/* Those of a copy that others may read: that it can't be is an error of its node. */
static int digest_other(struct dstb_sync *sync, const struct dstb_leg_addr *leg, u32 nr_sectors)
{
	int err;

	if (!ask(sync, leg, nr_sectors, sync->sums->page->to))
		return 0;
	err = dstb_sync_read(sync->vol, leg, nr_sectors, sync->to);
	if (!err)
		make(sync->to, nr_sectors, sync->sums->page->to);
	return err;
}

/* ---- what differs ---- */

static u32 all_pieces(u32 nr_sectors)
{
	return GENMASK(DIV_ROUND_UP(nr_sectors, PIECE) - 1, 0);
}

/* A bit for each piece whose digests differ. */
static u32 compare(const struct dstb_sums *sums, u32 nr_sectors)
{
	u32 nr = DIV_ROUND_UP(nr_sectors, PIECE), differ = 0, i;

	for (i = 0; i < nr; i++)
		if (memcmp(sums->page->from[i], sums->page->to[i], DST_WIRE_DIGEST_BYTES))
			differ |= BIT(i);
	return differ;
}

static u32 count_sectors(u32 pieces, u32 nr_sectors)
{
	u32 nr = 0, i;

	for (i = 0; i < DIV_ROUND_UP(nr_sectors, PIECE); i++)
		if (pieces & BIT(i))
			nr += piece_len(nr_sectors, i);
	return nr;
}

/* Takes the first pieces that follow each other from *@pieces; returns where they begin. */
static u32 take_extent(u32 *pieces, u32 nr_sectors, u32 *len)
{
	u32 first = __ffs(*pieces), nr = ffz(*pieces >> first), last = first + nr - 1;

	*pieces &= ~GENMASK(last, first);
	*len = last * PIECE + piece_len(nr_sectors, last) - first * PIECE;
	return first * PIECE;
}

static struct dstb_leg_addr moved(const struct dstb_leg_addr *leg, u32 sectors)
{
	struct dstb_leg_addr to = *leg;

	to.sector += sectors;
	return to;
}

/*
 * Reads what is not there yet of some pieces of the copy that is believed. Others were waited for
 * since its digests were made.
 */
static int fetch(struct dstb_sync *sync, const struct dstb_leg_addr *leg, u32 nr_sectors,
		 u32 pieces)
{
	u32 missing = pieces & ~sync->sums->have, len, at;
	int err;

	if (!missing)
		return 0;
	while (missing) {
		struct dstb_leg_addr from;

		at = take_extent(&missing, nr_sectors, &len);
		from = moved(leg, at);
		err = dstb_sync_read(sync->vol, &from, len, sync->from + (at << SECTOR_SHIFT));
		if (err)
			return err;
	}
	if (!source_stayed(sync, leg))
		return -EAGAIN;
	sync->sums->have |= pieces;
	return 0;
}

static int store(struct dstb_sync *sync, const struct dstb_leg_addr *leg, u32 nr_sectors,
		 u32 pieces)
{
	u32 len, at;
	int err = 0;

	while (pieces && !err) {
		struct dstb_leg_addr to;

		at = take_extent(&pieces, nr_sectors, &len);
		to = moved(leg, at);
		err = dstb_sync_write(sync->vol, &to, len, sync->from + (at << SECTOR_SHIFT),
				      false);
	}
	return err;
}

/* ---- a run ---- */

static int run_leg(struct dstb_sync *sync, const struct dstb_leg_addr *from,
		   const struct dstb_leg_addr *leg, u32 nr_sectors, bool lacks)
{
	u32 differ;
	int err;

	if (lacks)
		err = digest_lacking(sync, leg, nr_sectors);
	else
		err = digest_other(sync, leg, nr_sectors);
	if (err && !lacks)
		return -EAGAIN;
	differ = err ? all_pieces(nr_sectors) : compare(sync->sums, nr_sectors);
	if (fetch(sync, from, nr_sectors, differ))
		return -EAGAIN;
	if (store(sync, leg, nr_sectors, differ))
		__set_bit(leg->node, sync->wrong);
	else if (lacks)
		sync->same[leg->node] += nr_sectors - count_sectors(differ, nr_sectors);
	return 0;
}

/**
 * dstb_sums_run() - make a run the same on its copies, by copying what differs
 * @sync:	the volume's, with sums; its buffers are used
 * @place:	where the run is, DSTB_RAW_SECTORS at most
 * @from:	the leg that is believed
 * @nr:		the region that it is in
 * @all:	on every copy; else on those that lack the region
 *
 * Nodes that could not be written are marked in sync->wrong.
 * Context: process, may sleep; the region is locked, from the worker of resync.
 * Return: 0, or -EAGAIN when it is to be tried again later.
 */
int dstb_sums_run(struct dstb_sync *sync, const struct dstb_placement *place, u32 from, u32 nr,
		  bool all)
{
	const struct dstb_leg_addr *source = &place->legs[from];
	bool begun = false;
	u32 i;

	for (i = 0; i < place->nr_legs; i++) {
		const struct dstb_leg_addr *leg = &place->legs[i];
		const struct dstb_node *node = sync->vol->nodes[leg->node];
		bool lacks = dstb_sync_lacks(node, nr);

		if (i == from || READ_ONCE(node->part) == DSTB_PART_OUT || (!all && !lacks))
			continue;
		if (!begun && digest_source(sync, source, place->nr_sectors, nr))
			return -EAGAIN;
		begun = true;
		if (run_leg(sync, source, leg, place->nr_sectors, lacks))
			return -EAGAIN;
		if (all && test_bit(leg->node, sync->wrong))
			return -EAGAIN;
	}
	return 0;
}

/* ---- life ---- */

/**
 * dstb_sums_alloc() - make what comparing digests needs
 *
 * Context: process, may sleep.
 * Return: it, for dstb_sums_free(); or NULL.
 */
struct dstb_sums *dstb_sums_alloc(void)
{
	struct dstb_sums *sums = kzalloc(sizeof(*sums), GFP_KERNEL);

	BUILD_BUG_ON(sizeof(struct sums_page) > PAGE_SIZE);
	if (!sums)
		return NULL;
	sums->page = (void *)get_zeroed_page(GFP_KERNEL);
	if (sums->page)
		return sums;
	kfree(sums);
	return NULL;
}

/**
 * dstb_sums_free() - the reverse of dstb_sums_alloc()
 * @sums:	what it returned
 *
 * Context: process.
 */
void dstb_sums_free(struct dstb_sums *sums)
{
	if (!sums)
		return;
	free_page((unsigned long)sums->page);
	kfree(sums);
}
