// SPDX-License-Identifier: GPL-2.0
/*
 * What the operator can do to a volume and its nodes while it runs, and what there is to see.
 */
#include <linux/blkdev.h>
#include <linux/netlink.h>
#include <linux/slab.h>

#include "compat.h"
#include "dirty.h"
#include "io.h"
#include "main.h"
#include "member.h"
#include "node.h"
#include "resync.h"
#include "super.h"
#include "volume.h"

#define DRAIN_MS	1000

/* ---- status ---- */

/**
 * dstb_node_lacked() - how much a node lacks
 * @node:	the node
 *
 * Context: any, while the volume is there.
 * Return: sectors in regions that it lacks.
 */
u64 dstb_node_lacked(const struct dstb_node *node)
{
	const struct dstb_dirty *dirty = &node->vol->dirty;
	const unsigned long *lacks;

	if (!dirty->bits || node->config.witness || READ_ONCE(node->part) == DSTB_PART_IN)
		return 0;
	lacks = READ_ONCE(node->part) == DSTB_PART_SYNCING ? node->lacks : dirty->bits;
	return (u64)bitmap_weight(lacks, dirty->nr_regions) << dirty->shift;
}

/**
 * dstb_node_status() - what there is to say of a node
 * @node:	the node
 * @status:	where to
 */
void dstb_node_status(struct dstb_node *node, struct dstb_node_status *status)
{
	const struct dstb_dirty *dirty = &node->vol->dirty;
	u32 ms = jiffies_to_msecs(jiffies - READ_ONCE(node->sync_stamp));
	unsigned long grace_end = READ_ONCE(node->grace_end), now = jiffies;

	memset(status, 0, sizeof(*status));
	status->witness = node->config.witness;
	status->in_sync = READ_ONCE(node->recorded);
	status->uuid = node->uuid;
	status->since_ms = jiffies_to_msecs(jiffies - READ_ONCE(node->since));
	if (READ_ONCE(node->state) == DST_NODE_STATE_LOST && time_after(grace_end, now))
		status->left_ms = jiffies_to_msecs(grace_end - now);
	status->dirty = dstb_node_lacked(node);
	status->sync_same = READ_ONCE(node->sync_same);
	if (READ_ONCE(node->part) != DSTB_PART_SYNCING)
		return;
	status->sync_total = (u64)node->sync_total << dirty->shift;
	if (ms)
		status->sync_rate =
			div_u64(((u64)node->sync_done << dirty->shift) * MSEC_PER_SEC, ms);
}

/**
 * dstb_member_status() - what there is to say of a volume's members
 * @vol:	the volume
 * @status:	where to
 */
void dstb_member_status(struct dstb_volume *vol, struct dstb_member_status *status)
{
	struct dstb_dirty *dirty = &vol->dirty;
	struct dstb_scrub_status scrub;
	struct dstb_node *node;
	u32 i;

	memset(status, 0, sizeof(*status));
	status->metadata = vol->super;
	if (!vol->super)
		return;
	status->age = READ_ONCE(vol->super->age.seq);
	status->nr_votes = vol->nr_nodes;
	rcu_read_lock();
	for (i = 0; (node = dstb_volume_node(vol, i)); i++)
		status->votes += READ_ONCE(node->ready);
	rcu_read_unlock();
	if (!dirty->bits)
		return;
	status->region = 1ULL << dirty->shift;
	status->dirty = (u64)bitmap_weight(dirty->bits, dirty->nr_regions) << dirty->shift;
	dstb_resync_status(vol, &scrub);
	status->scrub_done = scrub.done;
	status->scrub_total = scrub.total;
	status->scrub_skipped = scrub.skipped;
	status->scrub_errors = scrub.errors;
	status->repaired = scrub.repaired;
}

/* ---- nodes ---- */

/* With the control_lock: it stays as long as that is held. */
static struct dstb_node *node_of(struct dstb_volume *vol, u32 index, struct netlink_ext_ack *extack)
{
	if (!vol->super) {
		NL_SET_ERR_MSG_FMT(extack,
				   "volume '%s' has no metadata: its nodes are what they are",
				   vol->name);
		return ERR_PTR(-EOPNOTSUPP);
	}
	if (index >= vol->nr_nodes) {
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' has no node %u, only %u", vol->name, index,
				   vol->nr_nodes);
		return ERR_PTR(-ENOENT);
	}
	return vol->nodes[index];
}

/**
 * dstb_node_suspend() - do without a node for a while
 * @vol:	the volume
 * @index:	of the node
 * @extack:	gets the sentence
 *
 * What is under way on it ends in peace, then its session or device is closed. Where nobody else
 * has its data, requests for it wait, and it is flushed before. Return: 0 or a negative errno.
 */
int dstb_node_suspend(struct dstb_volume *vol, u32 index, struct netlink_ext_ack *extack)
{
	struct dstb_node *node;
	int err = 0;

	mutex_lock(&vol->control_lock);
	node = node_of(vol, index, extack);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
	} else if (node->suspended) {
		NL_SET_ERR_MSG_FMT(extack, "node %u is suspended already", index);
		err = -EALREADY;
	} else {
		dstb_member_suspend(node);
	}
	mutex_unlock(&vol->control_lock);
	return err;
}

/* The device may have another number by now. */
static void find_again(struct dstb_node *node)
{
	struct fs_struct *own;
	dev_t dev;

	if (node->config.path[0] != '/')
		return;
	own = dstb_paths_begin();
	if (!lookup_bdev(node->config.path, &dev))
		node->dev = dev;
	dstb_paths_end(own);
}

/**
 * dstb_node_resume() - go on with a node that was suspended, has failed, or was refused
 * @vol:	the volume
 * @index:	of the node
 * @extack:	gets the sentence
 *
 * It is connected and looked at in the background.
 * Return: 0 or a negative errno.
 */
int dstb_node_resume(struct dstb_volume *vol, u32 index, struct netlink_ext_ack *extack)
{
	struct dstb_node *node;
	int err = 0;

	mutex_lock(&vol->control_lock);
	node = node_of(vol, index, extack);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
	} else if (READ_ONCE(node->ready)) {
		NL_SET_ERR_MSG_FMT(extack, "node %u is in service", index);
		err = -EALREADY;
	} else if (!node->config.path[0] && !node->config.addr.len) {
		NL_SET_ERR_MSG_FMT(extack,
				   "node %u was not given: assemble with it, or 'node replace' it",
				   index);
		err = -ENXIO;
	} else {
		find_again(node);
		dstb_member_resume(node);
	}
	mutex_unlock(&vol->control_lock);
	return err;
}

/**
 * dstb_node_replace() - put another medium in the place of a node
 * @vol:	the volume
 * @index:	of the node
 * @cfg:	where the new one is
 * @adopt:	although it is not blank
 * @extack:	gets the sentence
 *
 * Return: 0, and its resync has begun; or a negative errno, and the node is where it was; one that
 * was in service comes back, others are suspended.
 */
int dstb_node_replace(struct dstb_volume *vol, u32 index, const struct dstb_node_config *cfg,
		      bool adopt, struct netlink_ext_ack *extack)
{
	struct dstb_node *node;
	bool was;
	int err;

	mutex_lock(&vol->control_lock);
	node = node_of(vol, index, extack);
	if (IS_ERR(node)) {
		mutex_unlock(&vol->control_lock);
		return PTR_ERR(node);
	}
	was = node->suspended || READ_ONCE(node->state) == DST_NODE_STATE_FAILED ||
	      READ_ONCE(node->state) == DST_NODE_STATE_REFUSED;
	err = dstb_member_replace(node, cfg, adopt, extack);
	if (err && node->suspended && !was) {
		find_again(node);
		dstb_member_resume(node);
	}
	mutex_unlock(&vol->control_lock);
	return err;
}

/**
 * dstb_node_resolve() - throw away what a node has that was written apart
 * @vol:	the volume
 * @index:	of the node
 * @extack:	gets the sentence
 *
 * Return: 0, and its resync begins; or a negative errno.
 */
int dstb_node_resolve(struct dstb_volume *vol, u32 index, struct netlink_ext_ack *extack)
{
	struct dstb_node *node;
	int err = 0;

	mutex_lock(&vol->control_lock);
	node = node_of(vol, index, extack);
	if (IS_ERR(node)) {
		err = PTR_ERR(node);
	} else if (READ_ONCE(node->state) != DST_NODE_STATE_REFUSED) {
		NL_SET_ERR_MSG_FMT(extack, "node %u is %s: there is nothing to resolve", index,
				   dstb_node_state_name(READ_ONCE(node->state)));
		err = -EINVAL;
	} else if (!vol->dirty.bits && !node->config.witness) {
		NL_SET_ERR_MSG_FMT(extack, "nobody else has the data of node %u", index);
		err = -EINVAL;
	} else {
		WRITE_ONCE(node->discard, true);
		dstb_member_resume(node);
	}
	mutex_unlock(&vol->control_lock);
	return err;
}

/* ---- volumes ---- */

/*
 * Waits until no request is under way. What the legs of nodes are would not do: those of resync go
 * on, and a request that waits for a bit of the bitmap has none. The control_lock is given back now
 * and then: who stops the volume by force ends what this waits for, and takes it.
 */
static int drain(struct dstb_volume *vol)
{
	int err;

	do {
		err = mutex_lock_interruptible(&vol->control_lock);
		if (err)
			break;
		err = dstb_io_freeze(vol, DRAIN_MS);
		if (!err)
			dstb_io_thaw(vol);
		mutex_unlock(&vol->control_lock);
	} while (err == -ETIMEDOUT);
	return err;
}

/**
 * dstb_volume_suspend() - hold new I/O
 * @vol:	the volume
 * @extack:	gets the sentence
 *
 * Returns when what was under way has ended; or -EINTR, and new I/O is held all the same.
 * Return: 0 or a negative errno.
 */
int dstb_volume_suspend(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	bool was;

	spin_lock_irq(&vol->lock);
	was = vol->suspended;
	vol->suspended = true;
	WRITE_ONCE(vol->gate_hold, true);
	spin_unlock_irq(&vol->lock);
	if (was) {
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' is suspended already", vol->name);
		return -EALREADY;
	}
	dstb_volume_node_changed(vol);
	if (!drain(vol))
		return 0;
	NL_SET_ERR_MSG(extack, "interrupted; new I/O is held, some is still under way");
	return -EINTR;
}

/**
 * dstb_volume_resume() - go on after dstb_volume_suspend()
 * @vol:	the volume
 * @extack:	gets the sentence
 *
 * Return: 0 or a negative errno.
 */
int dstb_volume_resume(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	bool was;

	spin_lock_irq(&vol->lock);
	was = vol->suspended;
	vol->suspended = false;
	WRITE_ONCE(vol->gate_hold, vol->super && !vol->quorum);
	spin_unlock_irq(&vol->lock);
	if (!was) {
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' is not suspended", vol->name);
		return -EALREADY;
	}
	dstb_volume_node_changed(vol);
	queue_work(vol->new_wq, &vol->held_work);
	return 0;
}

/**
 * dstb_volume_scrub() - compare the copies of a volume in the background, or end that
 * @vol:	the volume
 * @repair:	make copies that differ the same as the first
 * @end:	end the one that runs
 * @extack:	gets the sentence
 *
 * Return: 0 or a negative errno.
 */
int dstb_volume_scrub(struct dstb_volume *vol, bool repair, bool end,
		      struct netlink_ext_ack *extack)
{
	int err = dstb_resync_scrub(vol, repair, end);

	switch (err) {
	case -EOPNOTSUPP:
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' keeps no copies that could be compared",
				   vol->name);
		break;
	case -EALREADY:
		NL_SET_ERR_MSG_FMT(extack, "a scrub of volume '%s' is under way", vol->name);
		break;
	case -ENOENT:
		NL_SET_ERR_MSG_FMT(extack, "no scrub of volume '%s' is under way", vol->name);
		break;
	}
	return err;
}
