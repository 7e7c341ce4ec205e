/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault points: windows that matter held open, so that tests can look into them. A folder for each
 * volume, /sys/kernel/debug/dst/faults/VOLUME; all exports' are ../../target_*. All are off, and
 * cost nothing, until they are set. One that is set to 0 while somebody waits there lets go of him.
 */
#ifndef _DSTB_FAULT_H
#define _DSTB_FAULT_H

#include <linux/compiler.h>
#include <linux/jump_label.h>
#include <linux/types.h>

struct dentry;
struct dstb_node;
struct dstb_volume;

/**
 * struct dstb_faults - what is to go wrong in a volume; 0: nothing
 * @intent_ms:	wait so long after a region's bit is durable, before the data goes
 * @age_before_ms: wait so long before a new age is written
 * @age_after_ms: wait so long after a new age is written, before anybody goes by it
 * @super_sectors: only so many sectors of a superblock reach the medium (torn)
 * @lost_ms:	wait so long after a node is known to be lost, before its session ends
 * @region_ms:	wait so long after a region was copied, before it counts as such
 * @bye_ms:	wait so long after a target's good-bye has come in, before anybody goes by it;
 *		not over TCP, where it may come in where nobody may wait
 * @reply_ms:	of targets: wait so long while a reply with data is being sent
 * @hold_legs:	bit n: legs for node n are kept back until this is cleared
 * @waiting:	how many wait at one of the fault points now; read-only
 * @dir:	the folder
 */
struct dstb_faults {
	u32 intent_ms;
	u32 age_before_ms;
	u32 age_after_ms;
	u32 super_sectors;
	u32 lost_ms;
	u32 region_ms;
	u32 bye_ms;
	u32 reply_ms;
	u32 hold_legs;
	atomic_t waiting;
	struct dentry *dir;
};

extern struct dstb_faults dstb_target_faults;

DECLARE_STATIC_KEY_FALSE(dstb_fault_holds);

void dstb_fault_wait_slow(struct dstb_faults *faults, const u32 *ms);

/* Waits as the fault point @ms of @faults says. Context: process, may sleep. */
static inline void dstb_fault_wait(struct dstb_faults *faults, const u32 *ms)
{
	if (unlikely(READ_ONCE(*ms)))
		dstb_fault_wait_slow(faults, ms);
}

bool dstb_fault_hold(const struct dstb_node *node);
void dstb_fault_module_init(struct dentry *root);
void dstb_fault_add(struct dstb_volume *vol);
void dstb_fault_remove(struct dstb_volume *vol);

#endif /* _DSTB_FAULT_H */
