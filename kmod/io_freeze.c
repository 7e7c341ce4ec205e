// SPDX-License-Identifier: GPL-2.0
/*
 * No request for a moment: those under way end, new ones wait. Not even one that waits for a bit of
 * the bitmap, or for another request, is left then: what requests are made from, and where they
 * go, can be changed.
 *
 * The volume's inflight is killed as when it is stopped, and brought back. Who submits then finds
 * it dead, and looks under the volume's lock for why.
 */
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/rcupdate.h>

#include "io_int.h"
#include "volume.h"

/**
 * dstb_io_frozen() - a request could not get a reference of inflight
 * @vol:	the volume
 * @bio:	what of
 *
 * Context: process.
 * Return: true: it waits, or has been ended; false: it is to be tried again.
 */
bool dstb_io_frozen(struct dstb_volume *vol, struct bio *bio)
{
	bool frozen, dead, wait;

	spin_lock_irq(&vol->lock);
	frozen = vol->frozen;
	dead = vol->ended || vol->gate_dead;
	wait = frozen && !dead && !(bio->bi_opf & REQ_NOWAIT);
	if (wait) {
		bio_list_add(&vol->held, bio);
		vol->nr_held++;
	}
	spin_unlock_irq(&vol->lock);
	if (dead)
		bio_io_error(bio);
	else if (frozen && !wait)
		bio_wouldblock_error(bio);
	return dead || frozen;
}

/**
 * dstb_io_freeze() - let every request end, and have new ones wait
 * @vol:	the volume; what calls this holds its users, and its control_lock
 * @ms:		how long to wait for them
 *
 * Context: process, may sleep.
 * Return: 0, and there is none until dstb_io_thaw(); or -ETIMEDOUT or -EINTR, and they go on.
 */
int dstb_io_freeze(struct dstb_volume *vol, u32 ms)
{
	long left;

	spin_lock_irq(&vol->lock);
	vol->frozen = true;
	spin_unlock_irq(&vol->lock);
	reinit_completion(&vol->drained);
	percpu_ref_kill(&vol->inflight);
	left = wait_for_completion_interruptible_timeout(&vol->drained, msecs_to_jiffies(ms));
	if (left > 0)
		return 0;
	dstb_io_thaw(vol);
	return left ? -EINTR : -ETIMEDOUT;
}

/**
 * dstb_io_thaw() - requests go on
 * @vol:	the volume, frozen
 *
 * Context: process, may sleep.
 */
void dstb_io_thaw(struct dstb_volume *vol)
{
	percpu_ref_resurrect(&vol->inflight);
	/* The last put may have seen zero, and not yet said so: not to be of the next time. */
	synchronize_rcu();
	spin_lock_irq(&vol->lock);
	vol->frozen = false;
	spin_unlock_irq(&vol->lock);
	queue_work(vol->new_wq, &vol->held_work);
}
