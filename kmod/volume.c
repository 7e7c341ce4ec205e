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
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "assemble.h"
#include "compat.h"
#include "dirty.h"
#include "event.h"
#include "fault.h"
#include "io.h"
#include "main.h"
#include "member.h"
#include "node.h"
#include "place.h"
#include "raw.h"
#include "recovery.h"
#include "resync.h"
#include "trace.h"
#include "volume.h"

#define GRACE_MS	30000

/* ---- state ---- */

static const char * const state_names[] = {
	[DST_VOLUME_STATE_ASSEMBLING] = "assembling",
	[DST_VOLUME_STATE_ACTIVE] = "active",
	[DST_VOLUME_STATE_DEGRADED] = "degraded",
	[DST_VOLUME_STATE_POLICY_LOST] = "policy-lost",
	[DST_VOLUME_STATE_FAULTED] = "faulted",
	[DST_VOLUME_STATE_STOPPED] = "stopped",
	[DST_VOLUME_STATE_HELD] = "held",
	[DST_VOLUME_STATE_FENCED] = "fenced",
	[DST_VOLUME_STATE_SUSPENDED] = "suspended",
};

#define TO(name)	BIT(DST_VOLUME_STATE_ ## name)
/* What a volume that is there may become. */
#define RUNNING		(TO(ACTIVE) | TO(DEGRADED) | TO(POLICY_LOST) | TO(FAULTED) | TO(HELD) | \
			 TO(FENCED) | TO(SUSPENDED) | TO(STOPPED))

/* From (row) to (bit). */
static const u16 transitions[] = {
	[DST_VOLUME_STATE_ASSEMBLING] = RUNNING,
	[DST_VOLUME_STATE_ACTIVE] = RUNNING & ~TO(ACTIVE),
	[DST_VOLUME_STATE_DEGRADED] = RUNNING & ~TO(DEGRADED),
	[DST_VOLUME_STATE_POLICY_LOST] = RUNNING & ~TO(POLICY_LOST),
	[DST_VOLUME_STATE_HELD] = RUNNING & ~TO(HELD),
	[DST_VOLUME_STATE_SUSPENDED] = RUNNING & ~TO(SUSPENDED),
	[DST_VOLUME_STATE_FAULTED] = TO(FENCED) | TO(STOPPED),
	[DST_VOLUME_STATE_FENCED] = TO(STOPPED),
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
 * dstb_volume_up_nodes() - how many nodes are in service and have everything
 * @vol:	the volume
 *
 * Context: any, with a reference, while the volume is not stopped.
 */
u32 dstb_volume_up_nodes(const struct dstb_volume *vol)
{
	struct dstb_node *node;
	u32 nr = 0, i;

	rcu_read_lock();
	for (i = 0; (node = dstb_volume_node(vol, i)); i++)
		nr += dstb_node_in_sync(node) && READ_ONCE(node->ready);
	rcu_read_unlock();
	return nr;
}

/* What there is to say of the first node that is not as it should be. */
static void node_reason(const struct dstb_volume *vol, char *reason)
{
	struct dstb_node *node;
	u32 i;

	rcu_read_lock();
	for (i = 0; (node = dstb_volume_node(vol, i)); i++) {
		if (READ_ONCE(node->state) == DST_NODE_STATE_UP)
			continue;
		scnprintf(reason, DSTB_REASON_LEN, "node %u is %s", i,
			  dstb_node_state_name(READ_ONCE(node->state)));
		break;
	}
	rcu_read_unlock();
}

/* What the flags come to. The first reason that applies is the state. */
static u32 derived_state(const struct dstb_volume *vol, char *reason)
{
	reason[0] = 0;
	if (vol->fenced[0]) {
		strscpy(reason, vol->fenced, DSTB_REASON_LEN);
		return DST_VOLUME_STATE_FENCED;
	}
	if (test_bit(0, &vol->map.faulted)) {
		strscpy(reason, vol->fault, DSTB_REASON_LEN);
		return DST_VOLUME_STATE_FAULTED;
	}
	if (vol->policy_lost) {
		strscpy(reason, "the policy was detached; I/O waits until it is registered again",
			DSTB_REASON_LEN);
		return DST_VOLUME_STATE_POLICY_LOST;
	}
	if (vol->super && !vol->quorum) {
		scnprintf(reason, DSTB_REASON_LEN, "%u of %u votes; %s", vol->votes, vol->nr_nodes,
			  vol->no_wait ? "I/O fails" : "I/O waits for nodes to come back");
		return DST_VOLUME_STATE_HELD;
	}
	if (vol->suspended) {
		strscpy(reason, "by the operator", DSTB_REASON_LEN);
		return DST_VOLUME_STATE_SUSPENDED;
	}
	if (vol->weak) {
		scnprintf(reason, DSTB_REASON_LEN, "%u of %u votes; policy '%s' says that will do",
			  vol->votes, vol->nr_nodes, vol->map.policy_name);
		return DST_VOLUME_STATE_DEGRADED;
	}
	if (dstb_volume_up_nodes(vol) < vol->nr_nodes) {
		node_reason(vol, reason);
		return DST_VOLUME_STATE_DEGRADED;
	}
	return DST_VOLUME_STATE_ACTIVE;
}

/*
 * A flag has changed: so may the state. Any context. One that is being made looks for itself when
 * it is done; of one that is stopped there may be no nodes any more.
 */
static void volume_update(struct dstb_volume *vol)
{
	char reason[DSTB_REASON_LEN];
	unsigned long flags;
	u32 old, new = 0;
	bool ok;

	spin_lock_irqsave(&vol->lock, flags);
	old = vol->state;
	ok = vol->added && old != DST_VOLUME_STATE_STOPPED;
	if (ok) {
		new = derived_state(vol, reason);
		if (new == old && new != DST_VOLUME_STATE_POLICY_LOST)
			strscpy(vol->reason, reason, sizeof(vol->reason));
		ok = change_state(vol, new, reason);
	}
	spin_unlock_irqrestore(&vol->lock, flags);
	if (ok)
		tell_state(vol, old, new, reason);
}

/**
 * dstb_volume_node_changed() - a node, or what depends on nodes, has changed
 * @vol:	the volume
 *
 * Context: any.
 */
void dstb_volume_node_changed(struct dstb_volume *vol)
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
	queue_work(of_map(map)->new_wq, &of_map(map)->held_work);
	dstb_recovery_policy_back(of_map(map));
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

static bool policy_view(struct dstb_mapping *map, u32 node, struct dstb_node_view *view)
{
	struct dstb_node *found;

	rcu_read_lock();
	found = dstb_volume_node(of_map(map), node);
	if (found)
		dstb_recovery_view(found, view);
	rcu_read_unlock();
	return found;
}

static const struct dstb_mapping_ops mapping_ops = {
	.lost = policy_lost,
	.back = policy_back,
	.refused = policy_refused,
	.fault = policy_fault,
	.view = policy_view,
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

/* ---- memory ---- */

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
 * dstb_volume_openers() - how many have the device open
 * @vol:	the volume
 *
 * Context: any.
 */
u32 dstb_volume_openers(const struct dstb_volume *vol)
{
	return READ_ONCE(vol->openers);
}

/* Where that is does not change meanwhile. */
static int place(struct dstb_volume *vol, u64 sector, u32 nr_sectors, struct dstb_placement *out)
{
	int err;

	mutex_lock(&vol->nodes_lock);
	err = dstb_place(&vol->map, sector, nr_sectors, out);
	mutex_unlock(&vol->nodes_lock);
	return err;
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

	if (!percpu_ref_tryget_live(&vol->users))
		return -ENODEV;
	if (!nr_sectors || nr_sectors > size || sector > size - nr_sectors)
		err = -EINVAL;
	else
		err = place(vol, sector, nr_sectors, out);
	percpu_ref_put(&vol->users);
	return err;
}

/* ---- life ---- */

static void users_release(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct dstb_volume, users)->unused);
}

static void inflight_release(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct dstb_volume, inflight)->drained);
}

static int open_mapping(struct dstb_volume *vol, const struct dstb_volume_config *cfg,
			const u32 *fingerprint, struct netlink_ext_ack *extack)
{
	struct dstb_layout_node *nodes;
	struct dstb_mapping_config mc = {
		.policy = cfg->policy,
		.volume = vol->name,
		.uuid = vol->uuid,
		.block_size = dstb_limits_block_size(vol),
		.nr_nodes = vol->nr_data,
		.nr_params = cfg->nr_params,
		.params = cfg->params,
		.fingerprint = fingerprint,
	};
	u32 i;
	int err;

	nodes = kcalloc(vol->nr_data, sizeof(*nodes), GFP_KERNEL);
	if (!nodes)
		return -ENOMEM;
	for (i = 0; i < vol->nr_data; i++) {
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

	err = dstb_limits_stack(vol, &lim, extack);
	if (err)
		return err;
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

	dstb_fault_remove(vol);
	dstb_recovery_stop(vol);
	dstb_member_quiesce(vol);
	dstb_member_stop(vol, reason == DSTB_EXIT_STOPPED && !vol->gate_dead);
	if (vol->map.nodes)
		dstb_mapping_exit(&vol->map, reason);
	if (vol->new_wq) {
		cancel_work_sync(&vol->held_work);
		destroy_workqueue(vol->new_wq);
	}
	if (vol->io_wq) {
		/* A worker may still be leaving a lane after the request it started there ended. */
		destroy_workqueue(vol->io_wq);
	}
	dstb_volume_unlist(vol);
	/* All are closed before the first is freed: what a target says of one may concern all. */
	for (i = 0; vol->nodes && i < vol->nr_nodes; i++)
		if (vol->nodes[i])
			vol->nodes[i]->ops->close(vol->nodes[i]);
	for (i = 0; vol->nodes && i < vol->nr_nodes; i++)
		if (vol->nodes[i])
			dstb_node_destroy(vol->nodes[i]);
	dstb_resync_exit(vol);
	dstb_member_exit(vol);
	dstb_raw_volume_exit(vol);
	dstb_io_volume_exit(vol);
	if (vol->node_wq)
		destroy_workqueue(vol->node_wq);
	if (vol->wq)
		destroy_workqueue(vol->wq);
	vol->ended = true; /* that of one that could not be made, too: dstb_io_frozen() */
	percpu_ref_exit(&vol->inflight);
	percpu_ref_exit(&vol->users);
	kfree(vol->nodes);
	vol->nodes = NULL;
	if (vol->disk)
		put_disk(vol->disk);
	dstb_volume_put(vol);
}

/* What a volume needs whatever it is made from. */
static int volume_prepare(struct dstb_volume *vol)
{
	int err;

	err = percpu_ref_init(&vol->users, users_release, 0, GFP_KERNEL);
	if (!err)
		err = percpu_ref_init(&vol->inflight, inflight_release, PERCPU_REF_ALLOW_REINIT,
				      GFP_KERNEL);
	if (err)
		return err;
	vol->wq = alloc_workqueue("dstb-%s", WQ_MEM_RECLAIM | WQ_PERCPU, 0, vol->name);
	vol->io_wq = alloc_workqueue("dstb-io-%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 0, vol->name);
	vol->nodes = kcalloc(DSTB_MAX_NODES, sizeof(*vol->nodes), GFP_KERNEL);
	vol->new_wq = alloc_workqueue("dstb-new-%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 0, vol->name);
	vol->node_wq = alloc_workqueue("dstb-node-%s", WQ_MEM_RECLAIM | WQ_UNBOUND, 0, vol->name);
	if (!vol->wq || !vol->io_wq || !vol->new_wq || !vol->node_wq || !vol->nodes)
		return -ENOMEM;
	err = dstb_raw_volume_init(vol);
	if (!err && vol->metadata)
		err = dstb_member_init(vol);
	return err;
}

static int volume_build(struct dstb_volume *vol, struct dstb_volume_config *cfg,
			struct netlink_ext_ack *extack)
{
	const u32 *fingerprint = NULL;
	int err;

	err = volume_prepare(vol);
	if (!err && vol->assembled)
		err = dstb_assemble_nodes(vol, cfg, &fingerprint, extack);
	else if (!err)
		err = dstb_assemble_new_nodes(vol, cfg, extack);
	if (!err)
		err = open_mapping(vol, cfg, fingerprint, extack);
	if (!err)
		err = dstb_io_volume_init(vol);
	if (!err && vol->metadata)
		err = vol->assembled ? dstb_assemble_metadata(vol, cfg, extack) :
				       dstb_assemble_new_metadata(vol, cfg, extack);
	if (!err)
		err = open_disk(vol, extack);
	if (err && vol->metadata && !vol->assembled)
		dstb_assemble_undo(vol);
	return err;
}

static struct dstb_volume *volume_alloc(struct net *net, const struct dstb_volume_config *cfg)
{
	struct dstb_volume *vol;
	u32 i;

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
	init_completion(&vol->unused);
	init_completion(&vol->drained);
	spin_lock_init(&vol->lock);
	INIT_WORK(&vol->held_work, held_work_fn);
	dstb_recovery_init(vol);
	vol->state = DST_VOLUME_STATE_ASSEMBLING;
	vol->read_only = cfg->read_only;
	vol->role = cfg->read_only ? DST_ROLE_READER : cfg->role;
	vol->connections = cfg->connections;
	vol->io_timeout_ms = cfg->io_timeout_ms;
	vol->nr_nodes = cfg->nr_nodes;
	for (i = 0; i < cfg->nr_nodes; i++)
		vol->nr_data += !cfg->nodes[i].witness;
	vol->no_wait = cfg->no_wait;
	vol->checksum = cfg->checksum;
	vol->grace_ms = cfg->grace_given ? cfg->grace_ms : GRACE_MS;
	vol->takeover = cfg->takeover;
	do {
		vol->instance = get_random_u64();
	} while (!vol->instance);
	spin_lock_init(&vol->member_lock);
	spin_lock_init(&vol->timer_lock);
	mutex_init(&vol->control_lock);
	mutex_init(&vol->nodes_lock);
	vol->metadata = !vol->read_only && vol->role == DST_ROLE_WRITER;
	return vol;
}

static int volume_make(struct net *net, struct dstb_volume_config *cfg, bool assemble,
		       struct dstb_volume **volp, struct netlink_ext_ack *extack)
{
	struct dstb_volume *vol = volume_alloc(net, cfg);
	int err;

	if (!vol)
		return -ENOMEM;
	vol->assembled = assemble;
	err = dstb_volume_reserve(vol, extack);
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
	/* From here on it may be stopped; it is not taken apart before it is all there. */
	percpu_ref_get(&vol->users);
	dstb_volume_show(vol);
	dstb_fault_add(vol);
	dstb_member_start(vol);
	dstb_recovery_start(vol);
	volume_update(vol);
	percpu_ref_put(&vol->users);
	*volp = vol;
	return 0;
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
int dstb_volume_create(struct net *net, struct dstb_volume_config *cfg, struct dstb_volume **volp,
		       struct netlink_ext_ack *extack)
{
	return volume_make(net, cfg, false, volp, extack);
}

/**
 * dstb_volume_assemble() - bring back a volume from what the superblocks of its nodes say
 * @net:	where its sockets are made
 * @cfg:	its name and nodes, and how it is to run; the rest is filled in
 * @volp:	gets the volume with a reference
 * @extack:	gets the sentence
 *
 * Context: process; sleeps, seconds for each node at most.
 * Return: 0 or a negative errno; nothing is changed then, but that a takeover may have fenced
 * another.
 */
int dstb_volume_assemble(struct net *net, struct dstb_volume_config *cfg, struct dstb_volume **volp,
			 struct netlink_ext_ack *extack)
{
	return volume_make(net, cfg, true, volp, extack);
}

/* All that can end without a device that does not answer. Nobody need be waited for. */
static void let_all_go(struct dstb_volume *vol)
{
	u32 i;

	for (i = 0; i < vol->nr_nodes; i++) {
		struct dstb_node *node = vol->nodes[i];
		const struct dstb_node_ops *ops = READ_ONCE(node->ops);

		dstb_member_put_out(node, DSTB_PUT_OUT_ALWAYS);
		if (ops->abort)
			ops->abort(node);
		dstb_node_end_pending(node);
	}
	dstb_dirty_kick(vol);
	dstb_io_release_held(vol);
	dstb_io_release_parked(vol);
}

/*
 * By force: what is under way ends, what waits fails. @gone: who has the disk open is told, too,
 * by who takes it apart.
 */
static void volume_kill(struct dstb_volume *vol, bool gone)
{
	/* Whoever changes the list of nodes looks for that under this lock: it stays as it is. */
	mutex_lock(&vol->nodes_lock);
	spin_lock_irq(&vol->lock);
	vol->gate_dead = true;
	spin_unlock_irq(&vol->lock);
	mutex_unlock(&vol->nodes_lock);
	let_all_go(vol);
	if (gone)
		blk_mark_disk_dead(vol->disk);
	/* This may wait for a local device. Then once more: for what was just being connected. */
	dstb_member_quiesce(vol);
	let_all_go(vol);
}

static void volume_stop(struct dstb_volume *vol, bool force)
{
	const char *reason = force ? "stopped by force" : "";
	u32 old;

	if (force || READ_ONCE(vol->gate_dead))
		volume_kill(vol, true);
	del_gendisk(vol->disk);
	/* First who looks at it or changes it: one of them may have it frozen. */
	percpu_ref_kill(&vol->users);
	wait_for_completion(&vol->unused);
	spin_lock_irq(&vol->lock);
	vol->ended = true;
	spin_unlock_irq(&vol->lock);
	reinit_completion(&vol->drained);
	percpu_ref_kill(&vol->inflight);
	wait_for_completion(&vol->drained);
	mutex_lock(&vol->control_lock);
	vol->drained_once = true;
	mutex_unlock(&vol->control_lock);
	spin_lock_irq(&vol->lock);
	old = vol->state;
	change_state(vol, DST_VOLUME_STATE_STOPPED, reason);
	spin_unlock_irq(&vol->lock);
	tell_state(vol, old, DST_VOLUME_STATE_STOPPED, reason);
	volume_destroy(vol, DSTB_EXIT_STOPPED);
}

/*
 * It is being stopped, and waits: what it waits for ends now. The one who stops it goes on, but not
 * to take it apart before this is over.
 */
static void volume_hurry(struct dstb_volume *vol)
{
	mutex_lock(&vol->control_lock);
	if (!vol->drained_once && !READ_ONCE(vol->gate_dead))
		volume_kill(vol, false);
	mutex_unlock(&vol->control_lock);
}

static void hurry_fn(void *arg)
{
	struct dstb_volume *vol = arg;

	volume_hurry(vol);
	dstb_volume_put(vol);
}

/* Takes the right to stop a volume: once, and only while nobody has it open, unless by force. */
static int volume_claim_stop(struct dstb_volume *vol, bool force, struct netlink_ext_ack *extack)
{
	int err = 0;

	spin_lock_irq(&vol->lock);
	if (vol->stopping) {
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' is being stopped", vol->name);
		err = force ? -EINPROGRESS : -EBUSY;
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

static void stop_fn(void *arg)
{
	struct dstb_volume *vol = arg;

	volume_stop(vol, vol->stop_force);
	dstb_volume_put(vol);
}

/**
 * dstb_volume_stop() - stop a volume
 * @net:	network namespace
 * @name:	its name
 * @force:	even if it is open: what is under way, or waits, fails
 * @extack:	gets the sentence
 *
 * Context: process; sleeps until what is under way on local devices has ended, unless killed: then
 * the stopping goes on.
 * Return: 0, -ENOENT, -EBUSY, -EINTR.
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
	if (!err) {
		vol->stop_force = force;
		kref_get(&vol->kref);
		err = dstb_run_killable(net, stop_fn, vol);
	} else if (err == -EINPROGRESS) {
		kref_get(&vol->kref);
		if (dstb_run_killable(net, hurry_fn, vol))
			err = -EINTR;
	}
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
	struct dstb_volume *vol;

	while ((vol = dstb_volume_next(net, 0))) {
		if (!volume_claim_stop(vol, true, NULL)) {
			volume_stop(vol, true);
		} else {
			volume_hurry(vol);
			msleep(20);
		}
		dstb_volume_put(vol);
	}
}
