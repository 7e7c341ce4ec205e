// SPDX-License-Identifier: GPL-2.0
/*
 * DST: a distributed block device. Init in order, exit in exact reverse.
 */
#include <linux/module.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "debugfs.h"
#include "main.h"
#include "netlink.h"
#include "policy.h"
#include "target.h"
#include "volume.h"

struct workqueue_struct *dstb_wq;
struct workqueue_struct *dstb_watch_wq;

/*
 * Volumes before exports: a volume may be an initiator of this namespace's own exports, and ends in
 * an orderly way then.
 */
static void __net_exit net_exit(struct net *net)
{
	dstb_volume_net_exit(net);
	dstb_export_net_exit(net);
}

static struct pernet_operations net_ops = {
	.exit = net_exit,
};

static int __init dstb_init(void)
{
	int err;

	dstb_wq = alloc_workqueue("dstb", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	dstb_watch_wq = alloc_workqueue("dstb_watch", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!dstb_wq || !dstb_watch_wq) {
		err = -ENOMEM;
		goto queues;
	}
	dstb_debugfs_init();
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto debugfs;
	err = dstb_policy_module_init();
	if (err)
		goto pernet;
	err = dstb_netlink_init();
	if (err)
		goto policy;
	return 0;
policy:
	dstb_policy_module_exit();
pernet:
	unregister_pernet_subsys(&net_ops);
debugfs:
	dstb_debugfs_exit();
queues:
	if (dstb_watch_wq)
		destroy_workqueue(dstb_watch_wq);
	if (dstb_wq)
		destroy_workqueue(dstb_wq);
	return err;
}

/*
 * Every volume, export and registered policy holds a reference on the module: nothing of theirs is
 * left here.
 */
static void __exit dstb_exit(void)
{
	dstb_netlink_exit();
	dstb_policy_module_exit();
	unregister_pernet_subsys(&net_ops);
	dstb_debugfs_exit();
	destroy_workqueue(dstb_watch_wq);
	destroy_workqueue(dstb_wq);
}

module_init(dstb_init);
module_exit(dstb_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("DST: distributed block device with BPF policies");
MODULE_AUTHOR("The DST developers");
