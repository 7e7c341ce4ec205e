/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests: one bio (piece) of a volume, and its legs.
 */
#ifndef _DSTB_IO_H
#define _DSTB_IO_H

#include <linux/atomic.h>
#include <linux/bio.h>
#include <linux/list.h>
#include <linux/workqueue.h>

#include "overlap.h"

struct dstb_io;
struct dstb_io_pools;
struct dstb_node;
struct dstb_raw;
struct dstb_region;
struct dstb_volume;

/**
 * struct dstb_leg - one node's share of one request
 * @io:		the request
 * @node:	the node
 * @sector:	where in the node's data area
 * @started_ns:	when; 0 when nobody wants to know
 * @sync_gen:	its node's, when that had what is to be read
 * @state:	LEG_*
 * @patient:	it waits for its node when that is away
 * @bio:	local nodes: what the device gets
 * @wait:	remote nodes: in the queue for a slot
 */
struct dstb_leg {
	struct dstb_io *io;
	struct dstb_node *node;
	u64 sector;
	u64 started_ns;
	u32 sync_gen;
	u8 state;
	bool patient;
	union {
		struct bio bio;
		struct list_head wait;
	};
};

/**
 * struct dstb_io - a request
 * @vol:	the volume; one reference of its inflight
 * @bio:	the piece, the volume's until it is ended
 * @data:	what the legs move: @bio, or a copy where the write is acknowledged before all legs
 *		are done
 * @op:		REQ_OP_* of the legs
 * @opf:	flags of the legs
 * @nr_sectors:	length
 * @start_time:	of the statistics; 0 without
 * @raw:	it is the module's own; most of the rest means nothing then
 * @region:	of the dirty tracking, while the write counts in it
 * @overlap:	of writes with several copies; its wait is of any queue that the request waits in
 * @in_overlap:	@overlap is in the table
 * @acked:	@bio was ended although legs are under way
 * @losses:	volume.h: those that were told when the flush began; all of them when the first leg
 *		of the write was done
 * @zero_pages:	legs that refused to write zeroes are given pages of them
 * @flush:	it is a flush, from the flush pool: a leg for each node that needs one
 * @nr_legs:	in @legs
 * @need:	legs that must be durable; 0: every one that is in sync
 * @left:	legs under way, and one for who starts them
 * @good:	legs that ended well
 * @refused:	legs that said they don't do such things
 * @status:	the last error
 * @work:	what can't be done where a leg ends
 * @legs:	as many as the layout has copies, or nodes in a flush
 */
struct dstb_io {
	struct dstb_volume *vol;
	struct bio *bio;
	struct bio *data;
	enum req_op op;
	blk_opf_t opf;
	u32 nr_sectors;
	unsigned long start_time;
	struct dstb_raw *raw;
	struct dstb_region *region;
	struct dstb_overlap_entry overlap;
	bool in_overlap;
	unsigned long acked;
	u32 losses;
	bool zero_pages;
	bool flush;
	u16 nr_legs;
	u16 need;
	atomic_t left;
	atomic_t good;
	atomic_t refused;
	blk_status_t status;
	struct work_struct work;
	struct dstb_leg legs[];
};

void dstb_submit_bio(struct bio *bio);
void dstb_leg_end(struct dstb_leg *leg, blk_status_t status);
bool dstb_leg_readable(const struct dstb_leg *leg);
bool dstb_leg_may_read(struct dstb_leg *leg);
int dstb_io_pools_make(struct dstb_io_pools *pools, u32 copies, u32 nodes);
void dstb_io_pools_free(struct dstb_io_pools *pools);
int dstb_io_volume_init(struct dstb_volume *vol);
void dstb_io_volume_exit(struct dstb_volume *vol);
void dstb_io_release_held(struct dstb_volume *vol);
void dstb_io_resume(struct dstb_io *io);
void dstb_io_release_parked(struct dstb_volume *vol);

/* io_freeze.c */
int dstb_io_freeze(struct dstb_volume *vol, u32 ms);
void dstb_io_thaw(struct dstb_volume *vol);

#endif /* _DSTB_IO_H */
