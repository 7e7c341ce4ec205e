// SPDX-License-Identifier: GPL-2.0
/*
 * Volumes: made, shown, stopped.
 *
 * Life. The list of volumes, the disk, and each user of dstb_volume_get() hold a reference on the
 * memory. What a request needs (nodes, pools, policy) is there from create until stop has drained
 * inflight; a device that is still open after a forced stop only finds inflight dead.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "event.h"
#include "io.h"
#include "node.h"
#include "place.h"
#include "trace.h"
#include "volume.h"

#define MAX_VOLUMES	1024

static LIST_HEAD(volumes);
/* Protects the list, and the nodes of all that is in it from being destroyed. */
static DEFINE_MUTEX(volumes_lock);
static u32 nr_volumes;

/* ---- state ---- */

static const char * const state_names[] = {
	[DST_VOLUME_STATE_ASSEMBLING] = "assembling",
	[DST_VOLUME_STATE_ACTIVE] = "active",
	[DST_VOLUME_STATE_DEGRADED] = "degraded",
	[DST_VOLUME_STATE_POLICY_LOST] = "policy-lost",
	[DST_VOLUME_STATE_FAULTED] = "faulted",
	[DST_VOLUME_STATE_STOPPED] = "stopped",
};

/* From (row) to (bit). */
static const u8 transitions[] = {
	[DST_VOLUME_STATE_ASSEMBLING] = BIT(DST_VOLUME_STATE_ACTIVE) |
					BIT(DST_VOLUME_STATE_STOPPED),
	[DST_VOLUME_STATE_ACTIVE] = BIT(DST_VOLUME_STATE_DEGRADED) |
				    BIT(DST_VOLUME_STATE_POLICY_LOST) |
				    BIT(DST_VOLUME_STATE_FAULTED) | BIT(DST_VOLUME_STATE_STOPPED),
	[DST_VOLUME_STATE_DEGRADED] = BIT(DST_VOLUME_STATE_POLICY_LOST) |
				      BIT(DST_VOLUME_STATE_FAULTED) | BIT(DST_VOLUME_STATE_STOPPED),
	[DST_VOLUME_STATE_POLICY_LOST] =
		BIT(DST_VOLUME_STATE_ACTIVE) | BIT(DST_VOLUME_STATE_DEGRADED) |
		BIT(DST_VOLUME_STATE_FAULTED) | BIT(DST_VOLUME_STATE_STOPPED),
	[DST_VOLUME_STATE_FAULTED] = BIT(DST_VOLUME_STATE_STOPPED),
	[DST_VOLUME_STATE_STOPPED] = 0,
};

/**
 * dstb_volume_state_name() - a state for people
 * @state:	enum dst_volume_state
 */
const char *dstb_volume_state_name(u32 state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : "unknown";
}

/* The only way a volume changes its state. Says whether the table allows it, and it is a change. */
static bool change_state(struct dstb_volume *vol, u32 state, const char *reason)
{
	lockdep_assert_held(&vol->lock);
	if (!(transitions[vol->state] & BIT(state)))
		return false;
	strscpy(vol->reason, reason, sizeof(vol->reason));
	WRITE_ONCE(vol->state, state);
	return true;
}

static void tell_state(struct dstb_volume *vol, u32 old, u32 new, const char *reason)
{
	trace_dstb_volume_state(vol->name, 0, old, new);
	dstb_event_volume(vol, old == DST_VOLUME_STATE_ASSEMBLING ? "" : state_names[old],
			  state_names[new], reason);
}

/**
 * dstb_volume_up_nodes() - how many nodes are in service
 * @vol:	the volume
 *
 * Context: any, with a reference, while the volume is not stopped.
 */
u32 dstb_volume_up_nodes(const struct dstb_volume *vol)
{
	u32 nr = 0, i;

	for (i = 0; i < vol->nr_nodes; i++)
		nr += dstb_node_in_sync(vol->nodes[i]);
	return nr;
}

/* What the flags come to. The first reason that applies is the state. */
static u32 derived_state(const struct dstb_volume *vol, const char **reason)
{
	if (test_bit(0, &vol->map.faulted)) {
		*reason = vol->fault;
		return DST_VOLUME_STATE_FAULTED;
	}
	if (vol->policy_lost) {
		*reason = "the policy was detached; I/O waits until it is registered again";
		return DST_VOLUME_STATE_POLICY_LOST;
	}
	if (dstb_volume_up_nodes(vol) < vol->nr_nodes) {
		*reason = "a node has failed";
		return DST_VOLUME_STATE_DEGRADED;
	}
	*reason = "";
	return DST_VOLUME_STATE_ACTIVE;
}

/* A flag has changed: so may the state. Any context. */
static void volume_update(struct dstb_volume *vol)
{
	unsigned long flags;
	const char *reason;
	u32 old, new;
	bool ok;

	spin_lock_irqsave(&vol->lock, flags);
	old = vol->state;
	new = derived_state(vol, &reason);
	/* One that is being made looks for itself when it is done. */
	ok = vol->added && change_state(vol, new, reason);
	spin_unlock_irqrestore(&vol->lock, flags);
	if (ok)
		tell_state(vol, old, new, reason);
}

/**
 * dstb_volume_node_failed() - a node of the volume has failed
 * @vol:	the volume
 *
 * Context: any.
 */
void dstb_volume_node_failed(struct dstb_volume *vol)
{
	volume_update(vol);
}

static struct dstb_volume *of_map(struct dstb_mapping *map)
{
	return container_of(map, struct dstb_volume, map);
}

static void set_policy_lost(struct dstb_volume *vol, bool lost)
{
	spin_lock_irq(&vol->lock);
	vol->policy_lost = lost;
	spin_unlock_irq(&vol->lock);
	volume_update(vol);
}

static void policy_lost(struct dstb_mapping *map)
{
	set_policy_lost(of_map(map), true);
}

static void policy_back(struct dstb_mapping *map)
{
	set_policy_lost(of_map(map), false);
	queue_work(of_map(map)->io_wq, &of_map(map)->held_work);
}

static void policy_refused(struct dstb_mapping *map, const char *why)
{
	struct dstb_volume *vol = of_map(map);
	unsigned long flags;

	spin_lock_irqsave(&vol->lock, flags);
	strscpy(vol->reason, why, sizeof(vol->reason));
	spin_unlock_irqrestore(&vol->lock, flags);
	pr_warn("volume %s: %s\n", vol->name, why);
	dstb_event_volume(vol, state_names[READ_ONCE(vol->state)],
			  state_names[READ_ONCE(vol->state)], why);
}

static void policy_fault(struct dstb_mapping *map, const char *why)
{
	struct dstb_volume *vol = of_map(map);
	unsigned long flags;

	pr_err("volume %s: %s; it takes no writes any more\n", vol->name, why);
	spin_lock_irqsave(&vol->lock, flags);
	strscpy(vol->fault, why, sizeof(vol->fault));
	spin_unlock_irqrestore(&vol->lock, flags);
	volume_update(vol);
}

static const struct dstb_mapping_ops mapping_ops = {
	.lost = policy_lost,
	.back = policy_back,
	.refused = policy_refused,
	.fault = policy_fault,
};

static void held_work_fn(struct work_struct *work)
{
	dstb_io_release_held(container_of(work, struct dstb_volume, held_work));
}

/* ---- the block device ---- */

static int volume_open(struct gendisk *disk, blk_mode_t mode)
{
	struct dstb_volume *vol = disk->private_data;
	int err = 0;

	spin_lock_irq(&vol->lock);
	if (vol->stopping)
		err = -ENXIO;
	else
		vol->openers++;
	spin_unlock_irq(&vol->lock);
	return err;
}

static void volume_close(struct gendisk *disk)
{
	struct dstb_volume *vol = disk->private_data;

	spin_lock_irq(&vol->lock);
	vol->openers--;
	spin_unlock_irq(&vol->lock);
}

static void volume_free_disk(struct gendisk *disk)
{
	dstb_volume_put(disk->private_data);
}

static const struct block_device_operations volume_fops = {
	.owner = THIS_MODULE,
	.submit_bio = dstb_submit_bio,
	.open = volume_open,
	.release = volume_close,
	.free_disk = volume_free_disk,
};

/**
 * dstb_volume_of() - the volume behind a block device
 * @bdev:	an open block device
 *
 * Return: the volume, or NULL if it is none of ours.
 */
struct dstb_volume *dstb_volume_of(struct block_device *bdev)
{
	return bdev->bd_disk->fops == &volume_fops ? bdev->bd_disk->private_data : NULL;
}

/* ---- finding ---- */

/*
 * The module stays for as long as the memory: the last to let go may be the block layer, after the
 * last close.
 */
static void volume_release(struct kref *kref)
{
	kfree(container_of(kref, struct dstb_volume, kref));
	module_put(THIS_MODULE);
}

/**
 * dstb_volume_put() - drop a reference
 * @vol:	the volume
 *
 * Context: any.
 */
void dstb_volume_put(struct dstb_volume *vol)
{
	kref_put(&vol->kref, volume_release);
}

/**
 * dstb_volume_lock() - keep volumes from being taken apart, while they are looked at
 *
 * Context: process, may sleep. Not while a reference to a volume is all that is needed.
 */
void dstb_volume_lock(void)
{
	mutex_lock(&volumes_lock);
}

/**
 * dstb_volume_unlock() - the reverse of dstb_volume_lock()
 */
void dstb_volume_unlock(void)
{
	mutex_unlock(&volumes_lock);
}

static struct dstb_volume *find(const char *name)
{
	struct dstb_volume *vol;

	lockdep_assert_held(&volumes_lock);
	list_for_each_entry(vol, &volumes, list)
		if (!strcmp(vol->name, name))
			return vol;
	return NULL;
}

static bool find_uuid(const uuid_t *uuid)
{
	struct dstb_volume *vol;

	lockdep_assert_held(&volumes_lock);
	list_for_each_entry(vol, &volumes, list)
		if (uuid_equal(&vol->uuid, uuid))
			return true;
	return false;
}

/**
 * dstb_volume_get() - a volume by its name
 * @net:	network namespace
 * @name:	its name
 *
 * Context: process, may sleep.
 * Return: the volume with a reference, or NULL.
 */
struct dstb_volume *dstb_volume_get(struct net *net, const char *name)
{
	struct dstb_volume *vol;

	mutex_lock(&volumes_lock);
	vol = find(name);
	if (vol && (!vol->added || !net_eq(vol->net, net)))
		vol = NULL;
	if (vol)
		kref_get(&vol->kref);
	mutex_unlock(&volumes_lock);
	return vol;
}

/**
 * dstb_volume_next() - the volumes of a network namespace, one after the other
 * @net:	the namespace
 * @prev:	the one before, whose reference is dropped; NULL to begin
 *
 * Context: process, may sleep.
 * Return: the next with a reference, or NULL.
 */
struct dstb_volume *dstb_volume_next(struct net *net, struct dstb_volume *prev)
{
	struct dstb_volume *vol, *next = NULL;
	bool seen = !prev;

	mutex_lock(&volumes_lock);
	list_for_each_entry(vol, &volumes, list) {
		if (seen && vol->added && net_eq(vol->net, net)) {
			kref_get(&vol->kref);
			next = vol;
			break;
		}
		seen = seen || vol == prev;
	}
	mutex_unlock(&volumes_lock);
	if (prev)
		dstb_volume_put(prev);
	return next;
}

void dstb_volume_for_each(struct seq_file *m,
			  void (*show)(struct seq_file *m, struct dstb_volume *vol))
{
	struct dstb_volume *vol;

	lockdep_assert_held(&volumes_lock);
	list_for_each_entry(vol, &volumes, list)
		if (vol->added)
			show(m, vol);
}

/**
 * dstb_volume_openers() - how many have the device open
 * @vol:	the volume
 *
 * Context: any.
 */
u32 dstb_volume_openers(const struct dstb_volume *vol)
{
	return READ_ONCE(vol->openers);
}

/**
 * dstb_volume_map() - ask the policy where sectors live
 * @vol:	the volume
 * @sector:	first sector
 * @nr_sectors:	how many
 * @out:	the first run
 *
 * Context: process, may sleep.
 * Return: 0; -ENODEV when it is being stopped; -EAGAIN while the policy is lost; -EBADE when it
 * answers wrongly; -EINVAL for sectors past the end.
 */
int dstb_volume_map(struct dstb_volume *vol, u64 sector, u32 nr_sectors, struct dstb_placement *out)
{
	u64 size = vol->map.layout.capacity;
	int err;

	if (!percpu_ref_tryget_live(&vol->inflight))
		return -ENODEV;
	if (!nr_sectors || nr_sectors > size || sector > size - nr_sectors)
		err = -EINVAL;
	else
		err = dstb_place(&vol->map, sector, nr_sectors, out);
	percpu_ref_put(&vol->inflight);
	return err;
}

/* ---- life ---- */

static void inflight_release(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct dstb_volume, inflight)->drained);
}

static int open_nodes(struct dstb_volume *vol, const struct dstb_volume_config *cfg,
		      struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < vol->nr_nodes; i++) {
		struct dstb_node *node = dstb_node_create(vol, i, &cfg->nodes[i], extack);

		if (IS_ERR(node))
			return PTR_ERR(node);
		vol->nodes[i] = node;
	}
	return 0;
}

static int open_mapping(struct dstb_volume *vol, const struct dstb_volume_config *cfg,
			struct netlink_ext_ack *extack)
{
	struct dstb_layout_node *nodes;
	struct dstb_mapping_config mc = {
		.policy = cfg->policy,
		.volume = vol->name,
		.uuid = vol->uuid,
		.block_size = dstb_limits_block_size(vol),
		.nr_nodes = vol->nr_nodes,
		.nr_params = cfg->nr_params,
		.params = cfg->params,
	};
	u32 i;
	int err;

	nodes = kcalloc(vol->nr_nodes, sizeof(*nodes), GFP_KERNEL);
	if (!nodes)
		return -ENOMEM;
	for (i = 0; i < vol->nr_nodes; i++) {
		nodes[i].size = vol->nodes[i]->data_sectors;
		nodes[i].weight = vol->nodes[i]->config.weight;
		nodes[i].zone = vol->nodes[i]->config.zone;
	}
	mc.nodes = nodes;
	err = dstb_mapping_init(&vol->map, &mc, &mapping_ops, extack);
	kfree(nodes);
	return err;
}

static int open_disk(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	struct queue_limits lim;
	struct gendisk *disk;
	int err;

	dstb_limits_stack(vol, &lim);
	disk = blk_alloc_disk(&lim, NUMA_NO_NODE);
	if (IS_ERR(disk)) {
		NL_SET_ERR_MSG_FMT(extack, "can't make the disk (error %d)", (int)-PTR_ERR(disk));
		return PTR_ERR(disk);
	}
	snprintf(disk->disk_name, DISK_NAME_LEN, "dst!%s", vol->name);
	disk->fops = &volume_fops;
	disk->private_data = vol;
	set_capacity(disk, vol->map.layout.capacity);
	set_disk_ro(disk, vol->read_only);
	vol->disk = disk;
	/* the disk's: volume_free_disk(), which is called for a disk that was added only */
	kref_get(&vol->kref);
	err = add_disk(disk);
	if (err) {
		NL_SET_ERR_MSG_FMT(extack, "can't add the disk dst/%s (error %d)", vol->name, -err);
		dstb_volume_put(vol);
	}
	return err;
}

/*
 * Takes everything apart that create made, in reverse. The disk is gone, or was never added;
 * nothing is under way.
 */
static void volume_destroy(struct dstb_volume *vol, enum dstb_exit_reason reason)
{
	u32 i;

	if (vol->map.nodes)
		dstb_mapping_exit(&vol->map, reason);
	if (vol->io_wq) {
		cancel_work_sync(&vol->held_work);
		/* A worker may still be leaving a lane after the request it started there ended. */
		destroy_workqueue(vol->io_wq);
	}
	mutex_lock(&volumes_lock);
	list_del(&vol->list);
	nr_volumes--;
	mutex_unlock(&volumes_lock);
	for (i = 0; vol->nodes && i < vol->nr_nodes; i++)
		if (vol->nodes[i])
			dstb_node_destroy(vol->nodes[i]);
	dstb_io_volume_exit(vol);
	if (vol->wq)
		destroy_workqueue(vol->wq);
	percpu_ref_exit(&vol->inflight);
	kfree(vol->nodes);
	vol->nodes = NULL;
	if (vol->disk)
		put_disk(vol->disk);
	dstb_volume_put(vol);
}

static int volume_build(struct dstb_volume *vol, const struct dstb_volume_config *cfg,
			struct netlink_ext_ack *extack)
{
	int err;

	err = percpu_ref_init(&vol->inflight, inflight_release, 0, GFP_KERNEL);
	if (err)
		return err;
	vol->wq = alloc_workqueue("dstb-%s", WQ_MEM_RECLAIM | WQ_PERCPU, 0, vol->name);
	vol->io_wq = alloc_workqueue("dstb-io-%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 0, vol->name);
	vol->nodes = kcalloc(vol->nr_nodes, sizeof(*vol->nodes), GFP_KERNEL);
	if (!vol->wq || !vol->io_wq || !vol->nodes)
		return -ENOMEM;
	err = open_nodes(vol, cfg, extack);
	if (!err)
		err = open_mapping(vol, cfg, extack);
	if (!err)
		err = dstb_io_volume_init(vol);
	if (!err)
		err = open_disk(vol, extack);
	return err;
}

static struct dstb_volume *volume_alloc(struct net *net, const struct dstb_volume_config *cfg)
{
	struct dstb_volume *vol;

	/* The netlink handler holds no reference, and the module may be on its way out. */
	if (!try_module_get(THIS_MODULE))
		return NULL;
	vol = kzalloc(sizeof(*vol), GFP_KERNEL);
	if (!vol) {
		module_put(THIS_MODULE);
		return NULL;
	}
	kref_init(&vol->kref);
	strscpy(vol->name, cfg->name, sizeof(vol->name));
	vol->uuid = cfg->uuid;
	if (uuid_is_null(&vol->uuid))
		uuid_gen(&vol->uuid);
	vol->net = net;
	init_completion(&vol->drained);
	spin_lock_init(&vol->lock);
	INIT_WORK(&vol->held_work, held_work_fn);
	vol->state = DST_VOLUME_STATE_ASSEMBLING;
	vol->read_only = cfg->read_only;
	vol->role = cfg->read_only ? DST_ROLE_READER : cfg->role;
	vol->connections = cfg->connections;
	vol->io_timeout_ms = cfg->io_timeout_ms;
	vol->nr_nodes = cfg->nr_nodes;
	return vol;
}

/* Takes the name: slow work can follow without a lock. */
static int volume_reserve(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	struct dstb_volume *other;
	int err = 0;

	mutex_lock(&volumes_lock);
	other = find(vol->name);
	if (other) {
		NL_SET_ERR_MSG_FMT(extack, "volume name '%s' is taken%s", vol->name,
				   net_eq(other->net, vol->net) ? "" :
								  " in another network namespace");
		err = -EEXIST;
	} else if (find_uuid(&vol->uuid)) {
		NL_SET_ERR_MSG_FMT(extack, "there is a volume with uuid %pUb", &vol->uuid);
		err = -EEXIST;
	} else if (nr_volumes == MAX_VOLUMES) {
		NL_SET_ERR_MSG_FMT(extack, "there are %u volumes, no more are possible",
				   MAX_VOLUMES);
		err = -EUSERS;
	} else {
		list_add_tail(&vol->list, &volumes);
		nr_volumes++;
	}
	mutex_unlock(&volumes_lock);
	return err;
}

/**
 * dstb_volume_create() - make a volume
 * @net:	where its sockets are made
 * @cfg:	what from
 * @volp:	gets the volume with a reference
 * @extack:	gets the sentence
 *
 * Context: process; sleeps, seconds for each node at most.
 * Return: 0 or a negative errno; nothing is left behind then.
 */
int dstb_volume_create(struct net *net, const struct dstb_volume_config *cfg,
		       struct dstb_volume **volp, struct netlink_ext_ack *extack)
{
	struct dstb_volume *vol = volume_alloc(net, cfg);
	int err;

	if (!vol)
		return -ENOMEM;
	err = volume_reserve(vol, extack);
	if (err) {
		dstb_volume_put(vol);
		return err;
	}
	err = volume_build(vol, cfg, extack);
	if (err) {
		volume_destroy(vol, DSTB_EXIT_FAILED);
		return err;
	}
	kref_get(&vol->kref);
	mutex_lock(&volumes_lock);
	spin_lock_irq(&vol->lock);
	vol->added = true;
	spin_unlock_irq(&vol->lock);
	mutex_unlock(&volumes_lock);
	volume_update(vol);
	*volp = vol;
	return 0;
}

static void volume_stop(struct dstb_volume *vol, bool force)
{
	const char *reason = force ? "stopped by force" : "";
	u32 i, old;

	if (force) {
		spin_lock_irq(&vol->lock);
		vol->dead = true;
		spin_unlock_irq(&vol->lock);
		for (i = 0; i < vol->nr_nodes; i++)
			if (vol->nodes[i]->ops->abort)
				vol->nodes[i]->ops->abort(vol->nodes[i]);
		dstb_io_release_held(vol);
		blk_mark_disk_dead(vol->disk);
	}
	del_gendisk(vol->disk);
	percpu_ref_kill(&vol->inflight);
	wait_for_completion(&vol->drained);
	spin_lock_irq(&vol->lock);
	old = vol->state;
	change_state(vol, DST_VOLUME_STATE_STOPPED, reason);
	spin_unlock_irq(&vol->lock);
	tell_state(vol, old, DST_VOLUME_STATE_STOPPED, reason);
	volume_destroy(vol, DSTB_EXIT_STOPPED);
}

/* Takes the right to stop a volume: once, and only while nobody has it open, unless by force. */
static int volume_claim_stop(struct dstb_volume *vol, bool force, struct netlink_ext_ack *extack)
{
	int err = 0;

	spin_lock_irq(&vol->lock);
	if (vol->stopping) {
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' is being stopped", vol->name);
		err = -EBUSY;
	} else if (vol->openers && !force) {
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' is in use (mounted, exported, open)",
				   vol->name);
		err = -EBUSY;
	} else {
		vol->stopping = true;
	}
	spin_unlock_irq(&vol->lock);
	return err;
}

/**
 * dstb_volume_stop() - stop a volume
 * @net:	network namespace
 * @name:	its name
 * @force:	even if it is open: what is under way, or waits, fails
 * @extack:	gets the sentence
 *
 * Context: process; sleeps until what is under way on local devices has ended.
 * Return: 0, -ENOENT, -EBUSY.
 */
int dstb_volume_stop(struct net *net, const char *name, bool force, struct netlink_ext_ack *extack)
{
	struct dstb_volume *vol = dstb_volume_get(net, name);
	int err;

	if (!vol) {
		NL_SET_ERR_MSG_FMT(extack, "no volume named '%s'", name);
		return -ENOENT;
	}
	err = volume_claim_stop(vol, force, extack);
	if (!err)
		volume_stop(vol, force);
	dstb_volume_put(vol);
	return err;
}

/**
 * dstb_volume_net_exit() - a network namespace ends, and its volumes with it
 * @net:	the namespace
 *
 * Context: process, may sleep.
 */
void dstb_volume_net_exit(struct net *net)
{
	struct dstb_volume *vol = NULL;

	while ((vol = dstb_volume_next(net, NULL))) {
		if (!volume_claim_stop(vol, true, NULL))
			volume_stop(vol, true);
		dstb_volume_put(vol);
	}
}
