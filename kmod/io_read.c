// SPDX-License-Identifier: GPL-2.0
/*
 * Reads: one leg after the other, until one has it.
 */
#include <linux/blkdev.h>

#include "compat.h"
#include "dirty.h"
#include "io_int.h"
#include "node.h"
#include "place.h"
#include "volume.h"

/**
 * struct stragglers - legs that must not serve a read: an acknowledged write is still on its way to
 * them
 * @io:		the read
 * @behind:	bit n: leg n is behind
 * @waits:	the read waits for the write
 */
struct stragglers {
	struct dstb_io *io;
	u32 behind;
	bool waits;
};

static bool find_stragglers(struct dstb_overlap_entry *entry, void *arg)
{
	struct dstb_io *write = container_of(entry, struct dstb_io, overlap);
	struct stragglers *s = arg;
	struct dstb_io *io = s->io;
	u32 i, j, usable = 0;

	if (!test_bit(0, &write->acked))
		return false;
	for (i = 0; i < io->nr_legs; i++) {
		for (j = 0; j < write->nr_legs; j++)
			if (write->legs[j].node == io->legs[i].node &&
			    READ_ONCE(write->legs[j].state) != LEG_DONE)
				s->behind |= BIT(i);
		if (io->legs[i].state == LEG_UNUSED && !(s->behind & BIT(i)) &&
		    dstb_leg_readable(&io->legs[i]))
			usable++;
	}
	if (usable)
		return false;
	/* Every leg that is left is behind. They will not stay so. */
	list_add_tail(&io->overlap.wait, &entry->waiters);
	s->waits = true;
	return true;
}

/*
 * Legs that may serve a read: those whose node is there. If there are none, one whose node may come
 * back: the read waits for it.
 */
static u32 candidates(struct dstb_io *io, u32 behind, u32 *index, bool *patient)
{
	const struct dstb_dirty *dirty = &io->vol->dirty;
	u32 region = dstb_dirty_region(dirty, io->bio->bi_iter.bi_sector);
	bool fixed = dirty->unclean && unlikely(test_bit(region, dirty->unclean));
	u32 nr = 0, i, away = DSTB_MAX_LEGS;

	for (i = 0; i < io->nr_legs; i++) {
		if (io->legs[i].state != LEG_UNUSED || behind & BIT(i) ||
		    !dstb_leg_may_read(&io->legs[i]))
			continue;
		if (READ_ONCE(io->legs[i].node->ready))
			index[nr++] = i;
		else if (away == DSTB_MAX_LEGS)
			away = i;
		/* Until the copies are the same, only the first is believed (R3). */
		if (fixed)
			break;
	}
	*patient = !nr;
	if (!nr && away < DSTB_MAX_LEGS)
		index[nr++] = away;
	return nr;
}

static blk_status_t read_error(const struct dstb_io *io)
{
	return io->status && io->status != BLK_STS_TRANSPORT ? io->status : BLK_STS_IOERR;
}

/**
 * dstb_read_go() - start a read, or its next try
 * @io:		the read
 *
 * Context: process.
 */
void dstb_read_go(struct dstb_io *io)
{
	struct stragglers s = { .io = io };
	struct dstb_pick_leg legs[DSTB_MAX_LEGS] DSTB_UNINITIALIZED;
	u32 index[DSTB_MAX_LEGS] DSTB_UNINITIALIZED;
	u64 sector = io->bio->bi_iter.bi_sector;
	u32 nr, i, pick = 0;
	bool patient;

	if (unlikely(READ_ONCE(io->vol->early)) &&
	    dstb_overlap_for_each(&io->vol->overlap, sector, io->nr_sectors, find_stragglers, &s))
		return;
	nr = candidates(io, s.behind, index, &patient);
	if (!nr) {
		dstb_io_bio_done(io, read_error(io));
		dstb_io_free(io);
		return;
	}
	if (nr > 1) {
		for (i = 0; i < nr; i++)
			legs[i].node = io->legs[index[i]].node;
		pick = dstb_pick_read(&io->vol->map, sector, io->nr_sectors, legs, nr);
	}
	atomic_set(&io->left, 1);
	dstb_leg_start(&io->legs[index[pick]], patient);
}

/* Another leg may have it; or the same one, later, if its node was only away. */
static bool read_again(struct dstb_io *io)
{
	bool again = false;
	u32 i;

	for (i = 0; i < io->nr_legs; i++) {
		struct dstb_leg *leg = &io->legs[i];

		if (leg->state == LEG_FAILED && io->status == BLK_STS_TRANSPORT && !leg->patient)
			leg->state = LEG_UNUSED;
		again = again || (leg->state == LEG_UNUSED && dstb_leg_readable(leg));
	}
	return again;
}

/**
 * dstb_read_done() - a read's leg has ended
 * @io:		the read
 *
 * Context: any.
 */
void dstb_read_done(struct dstb_io *io)
{
	if (likely(atomic_read(&io->good)) || atomic_read(&io->refused)) {
		dstb_io_bio_done(io, atomic_read(&io->good) ? BLK_STS_OK : io->status);
		dstb_io_free(io);
	} else if (read_again(io)) {
		/* From a process, this may be an interrupt. */
		dstb_io_resume(io);
	} else {
		dstb_io_bio_done(io, read_error(io));
		dstb_io_free(io);
	}
}
