// SPDX-License-Identifier: GPL-2.0
/*
 * DST: a distributed block device. Init in order, exit in exact reverse.
 */
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
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
struct workqueue_struct *dstb_digest_wq;
/* What the operator may wait for. Waits for anything, so nothing that reclaim needs. */
static struct workqueue_struct *run_wq;

/* ---- what the operator waits for, unless killed ---- */

/**
 * struct run - something that may take as long as a device does
 * @work:	does it
 * @done:	it is over
 * @refs:	of the work, and of who waits
 * @net:	stays for as long as it takes
 * @fn:		what
 * @arg:	for @fn
 */
struct run {
	struct work_struct work;
	struct completion done;
	refcount_t refs;
	struct net *net;
	void (*fn)(void *arg);
	void *arg;
};

static void run_put(struct run *run)
{
	if (refcount_dec_and_test(&run->refs))
		kfree(run);
}

static void run_work_fn(struct work_struct *work)
{
	struct run *run = container_of(work, struct run, work);

	run->fn(run->arg);
	/* Devices that a worker closes are closed later: whoever waits may want them. */
	flush_delayed_fput();
	put_net(run->net);
	complete(&run->done);
	run_put(run);
}

/**
 * dstb_run_killable() - do something that may take long, and wait for it unless killed
 * @net:	network namespace, which does not end meanwhile
 * @fn:		what to do; goes on when the caller is killed
 * @arg:	for @fn
 *
 * Handlers of generic netlink are called with a lock that everybody needs who registers a family: a
 * process that waits there for a device that hangs must be one that can be killed.
 *
 * Context: process, may sleep.
 * Return: 0, or -EINTR when it goes on without us.
 */
int dstb_run_killable(struct net *net, void (*fn)(void *arg), void *arg)
{
	struct run *run = kzalloc(sizeof(*run), GFP_KERNEL);
	int err;

	if (!run) {
		fn(arg);
		return 0;
	}
	INIT_WORK(&run->work, run_work_fn);
	init_completion(&run->done);
	refcount_set(&run->refs, 2);
	run->net = get_net(net);
	run->fn = fn;
	run->arg = arg;
	queue_work(run_wq, &run->work);
	err = wait_for_completion_killable(&run->done);
	run_put(run);
	return err ? -EINTR : 0;
}

/* ---- life ---- */

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
	dstb_digest_wq = alloc_workqueue("dstb_digest", WQ_UNBOUND | WQ_MEM_RECLAIM,
					 num_online_cpus());
	run_wq = alloc_workqueue("dstb_run", WQ_UNBOUND, 0);
	if (!dstb_wq || !dstb_watch_wq || !dstb_digest_wq || !run_wq) {
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
	if (run_wq)
		destroy_workqueue(run_wq);
	if (dstb_digest_wq)
		destroy_workqueue(dstb_digest_wq);
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
	destroy_workqueue(run_wq);
	destroy_workqueue(dstb_digest_wq);
	destroy_workqueue(dstb_watch_wq);
	destroy_workqueue(dstb_wq);
	/* Who dropped the last reference on the module may still be on its way out of it. */
	synchronize_rcu_tasks();
}

module_init(dstb_init);
module_exit(dstb_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("DST: distributed block device with BPF policies");
MODULE_AUTHOR("The DST developers");
