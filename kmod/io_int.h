/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files about requests (io.c, io_leg.c, io_write.c, io_read.c) share.
 */
#ifndef _DSTB_IO_INT_H
#define _DSTB_IO_INT_H

#include <linux/workqueue.h>

#include "io.h"

enum dstb_leg_state {
	LEG_UNUSED,	/* its node is out */
	LEG_STARTED,
	LEG_DONE,	/* ended well */
	LEG_FAILED,	/* and its node with it, unless it only refused, or was not there */
};

/* io.c */
void dstb_io_done(struct dstb_io *io);
void dstb_io_bio_done(struct dstb_io *io, blk_status_t status);
void dstb_io_free(struct dstb_io *io);
void dstb_io_later(struct dstb_io *io, work_func_t fn);
void dstb_io_flush_resume(struct dstb_io *io);
bool dstb_io_missed(const struct dstb_io *io);
bool dstb_io_park(struct dstb_io *io);

/* io_freeze.c */
bool dstb_io_frozen(struct dstb_volume *vol, struct bio *bio);

/* io_leg.c */
void dstb_leg_start(struct dstb_leg *leg, bool patient);
void dstb_leg_failed(struct dstb_leg *leg, blk_status_t status);

/* io_write.c */
void dstb_write_go(struct dstb_io *io);
void dstb_write_done(struct dstb_io *io);
void dstb_write_early_ack(struct dstb_io *io);
bool dstb_write_early_wait(struct dstb_volume *vol, struct dstb_io *flush);
int dstb_write_zeroes_init(struct dstb_volume *vol);

/* io_read.c */
void dstb_read_go(struct dstb_io *io);
void dstb_read_done(struct dstb_io *io);

#endif /* _DSTB_IO_INT_H */
