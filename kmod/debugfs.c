// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/dst/volumes: requests and slots under way, for developers. Fault points are in
 * fault.c.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>

#include "debugfs.h"
#include "fault.h"
#include "node.h"
#include "session.h"
#include "volume.h"

static struct dentry *root;

static void show_lane(struct seq_file *m, struct dstb_lane *lane)
{
	u32 slots = bitmap_weight(lane->tags, lane->session->limits.depth);

	seq_printf(m, "    lane %u: slots %u window %d waiting %d broken %lu silent %u ms\n",
		   lane->index, slots, atomic_read(&lane->window), !list_empty(&lane->waiting),
		   lane->conn.broken,
		   jiffies_to_msecs(jiffies - READ_ONCE(lane->conn.rx_stamp)));
}

static void show_volume(struct seq_file *m, struct dstb_volume *vol)
{
	struct dstb_session *session;
	struct dstb_node *node;
	u32 i, j;

	seq_printf(m, "%s: %s open %u held %u\n", vol->name,
		   dstb_volume_state_name(READ_ONCE(vol->state)), dstb_volume_openers(vol),
		   READ_ONCE(vol->nr_held));
	rcu_read_lock();
	for (i = 0; (node = dstb_volume_node(vol, i)); i++) {
		seq_printf(m, "  node %u: %s in flight %d\n", i,
			   dstb_node_state_name(READ_ONCE(node->state)),
			   atomic_read(&node->in_flight));
		session = rcu_dereference(node->session);
		for (j = 0; session && j < session->nr_lanes; j++)
			show_lane(m, session->lanes[j]);
	}
	rcu_read_unlock();
}

static int volumes_show(struct seq_file *m, void *unused)
{
	dstb_volume_lock();
	dstb_volume_for_each(m, show_volume);
	dstb_volume_unlock();
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(volumes);

/**
 * dstb_debugfs_init() - make the files
 *
 * Context: process, may sleep.
 */
void dstb_debugfs_init(void)
{
	root = debugfs_create_dir("dst", NULL);
	debugfs_create_file("volumes", 0400, root, NULL, &volumes_fops);
	dstb_fault_module_init(root);
}

/**
 * dstb_debugfs_exit() - the reverse of dstb_debugfs_init()
 *
 * Context: process, may sleep.
 */
void dstb_debugfs_exit(void)
{
	debugfs_remove(root);
}
