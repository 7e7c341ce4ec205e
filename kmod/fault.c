// SPDX-License-Identifier: GPL-2.0
/*
 * Fault points.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "fault.h"
#include "node.h"
#include "volume.h"

DEFINE_STATIC_KEY_FALSE(dstb_fault_holds);

/* What is to go wrong in all exports: reply_ms, no more. */
struct dstb_faults dstb_target_faults;

static struct dentry *faults_dir;
static u32 first_region_ms; /* region_ms of volumes that are made from now on */

/**
 * dstb_fault_wait_slow() - wait as a fault point says, or until it is cleared
 * @faults:	the volume's, or dstb_target_faults
 * @ms:		the fault point, one of them
 *
 * Context: process, may sleep.
 */
void dstb_fault_wait_slow(struct dstb_faults *faults, const u32 *ms)
{
	unsigned long begin = jiffies;

	atomic_inc(&faults->waiting);
	while (time_before(jiffies, begin + msecs_to_jiffies(READ_ONCE(*ms))))
		msleep(20);
	atomic_dec(&faults->waiting);
}

/**
 * dstb_fault_hold() - is a leg for this node to be kept back?
 * @node:	the node
 *
 * Context: any; asked only while dstb_fault_holds is set.
 */
bool dstb_fault_hold(const struct dstb_node *node)
{
	return node->index < 32 && READ_ONCE(node->vol->faults.hold_legs) & BIT(node->index);
}

static int holds_get(void *data, u64 *value)
{
	struct dstb_volume *vol = data;

	*value = vol->faults.hold_legs;
	return 0;
}

static int holds_set(void *data, u64 value)
{
	struct dstb_volume *vol = data;
	struct dstb_node *node;
	u32 i;

	/* Once it was used, it stays: it is for tests. */
	static_branch_enable(&dstb_fault_holds);
	WRITE_ONCE(vol->faults.hold_legs, value);
	rcu_read_lock();
	for (i = 0; (node = dstb_volume_node(vol, i)); i++)
		queue_work(vol->io_wq, &node->pend_work);
	rcu_read_unlock();
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(holds_fops, holds_get, holds_set, "%llu\n");

/**
 * dstb_fault_module_init() - make the folder that volumes have theirs in
 * @root:	the module's folder of debugfs, which removes all of it at the end
 */
void dstb_fault_module_init(struct dentry *root)
{
	faults_dir = debugfs_create_dir("faults", root);
	debugfs_create_u32("first_region_ms", 0600, root, &first_region_ms);
	debugfs_create_u32("target_reply_ms", 0600, root, &dstb_target_faults.reply_ms);
	debugfs_create_atomic_t("target_waiting", 0400, root, &dstb_target_faults.waiting);
}

/**
 * dstb_fault_add() - make a volume's folder
 * @vol:	the volume, made
 *
 * Context: process, may sleep.
 */
void dstb_fault_add(struct dstb_volume *vol)
{
	struct dstb_faults *faults = &vol->faults;

	faults->region_ms = READ_ONCE(first_region_ms);
	faults->dir = debugfs_create_dir(vol->name, faults_dir);
	debugfs_create_u32("intent_ms", 0600, faults->dir, &faults->intent_ms);
	debugfs_create_u32("age_before_ms", 0600, faults->dir, &faults->age_before_ms);
	debugfs_create_u32("age_after_ms", 0600, faults->dir, &faults->age_after_ms);
	debugfs_create_u32("lost_ms", 0600, faults->dir, &faults->lost_ms);
	debugfs_create_u32("super_sectors", 0600, faults->dir, &faults->super_sectors);
	debugfs_create_u32("region_ms", 0600, faults->dir, &faults->region_ms);
	debugfs_create_u32("bye_ms", 0600, faults->dir, &faults->bye_ms);
	debugfs_create_atomic_t("waiting", 0400, faults->dir, &faults->waiting);
	debugfs_create_file_unsafe("hold_legs", 0600, faults->dir, vol, &holds_fops);
}

/**
 * dstb_fault_remove() - the reverse of dstb_fault_add(): nobody sets anything any more, or waits
 * @vol:	the volume; its nodes are there
 *
 * Context: process, may sleep.
 */
void dstb_fault_remove(struct dstb_volume *vol)
{
	struct dstb_faults *faults = &vol->faults;

	debugfs_remove(faults->dir);
	faults->dir = NULL;
	/* Nobody else can let go any more who waits in one. */
	WRITE_ONCE(faults->intent_ms, 0);
	WRITE_ONCE(faults->age_before_ms, 0);
	WRITE_ONCE(faults->age_after_ms, 0);
	WRITE_ONCE(faults->lost_ms, 0);
	WRITE_ONCE(faults->region_ms, 0);
	WRITE_ONCE(faults->bye_ms, 0);
}
