// SPDX-License-Identifier: GPL-2.0
/*
 * Exports: made, shown, removed.
 */
#include <linux/blkdev.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "chain.h"
#include "event.h"
#include "main.h"
#include "target.h"

#define MAX_SESSIONS	64
/* sectors of one DISCARD or WRITE_ZEROES: what a slow device does well within a timeout */
#define MAX_RANGE	(64U << 11)

/* target.h says what it protects. */
DEFINE_MUTEX(dstb_target_lock);
/* under dstb_target_lock */
static LIST_HEAD(exports);
static u64 last_serial;
static u32 generation = 1; /* one more with each export that comes or goes */

/* ---- the device ---- */

static int open_device(struct dstb_export *exp, struct netlink_ext_ack *extack)
{
	const struct dstb_export_config *cfg = &exp->config;
	blk_mode_t mode = BLK_OPEN_READ | (cfg->read_only ? 0 : BLK_OPEN_WRITE);
	/*
	 * Nobody else may use what a single writer is promised; what is shared or only read may be
	 * in use, mounted even.
	 */
	void *holder = cfg->read_only || cfg->shared ? NULL : exp;
	struct file *file;

	file = bdev_file_open_by_path(cfg->path, mode, holder, NULL);
	if (IS_ERR(file)) {
		int err = PTR_ERR(file);

		if (err == -EBUSY)
			NL_SET_ERR_MSG_FMT(extack, "%s is busy: export it --read-only",
					   cfg->path);
		else if (err == -EACCES || err == -EROFS)
			NL_SET_ERR_MSG_FMT(extack, "%s is read-only: export it --read-only",
					   cfg->path);
		else if (err == -ENOTBLK)
			NL_SET_ERR_MSG_FMT(extack, "%s is not a block device", cfg->path);
		else
			NL_SET_ERR_MSG_FMT(extack, "can't open %s (error %d)", cfg->path, -err);
		return err;
	}
	exp->bdev_file = file;
	exp->bdev = file_bdev(file);
	if (bdev_is_zoned(exp->bdev)) {
		NL_SET_ERR_MSG_FMT(extack, "%s is a zoned device, which can't be exported",
				   cfg->path);
		return -EOPNOTSUPP;
	}
	if (bdev_logical_block_size(exp->bdev) > DST_WIRE_UNIT) {
		NL_SET_ERR_MSG_FMT(extack, "%s has blocks of %u bytes, at most %u can be exported",
				   cfg->path, bdev_logical_block_size(exp->bdev), DST_WIRE_UNIT);
		return -EOPNOTSUPP;
	}
	if (!bdev_nr_sectors(exp->bdev)) {
		NL_SET_ERR_MSG_FMT(extack, "%s has size 0", cfg->path);
		return -ENODEV;
	}
	return 0;
}

/* Longest range that is granted, when the device takes @max sectors at a time. */
static u32 range_limit(const struct dstb_export *exp, u32 max)
{
	return round_down(min3(max, MAX_RANGE, DST_WIRE_MAX_RANGE),
			  exp->limits.block_size >> SECTOR_SHIFT);
}

static void read_limits(struct dstb_export *exp)
{
	struct dstb_wire_limits *lim = &exp->limits;

	lim->block_size = bdev_logical_block_size(exp->bdev);
	lim->size = round_down(bdev_nr_sectors(exp->bdev), lim->block_size >> SECTOR_SHIFT);
	lim->max_discard = range_limit(exp, bdev_max_discard_sectors(exp->bdev));
	lim->max_write_zeroes = range_limit(exp, bdev_write_zeroes_sectors(exp->bdev));
	lim->read_only = exp->config.read_only;
}

/**
 * dstb_export_fill_welcome() - what a WELCOME says of the device
 * @exp:	the export
 * @w:		zeroed
 *
 * Context: process; dstb_target_lock held.
 */
void dstb_export_fill_welcome(const struct dstb_export *exp, struct dst_wire_welcome *w)
{
	struct block_device *bdev = exp->bdev;
	const struct dstb_volume *vol = dstb_volume_of(bdev);
	u16 device = 0;

	if (bdev_write_cache(bdev))
		device |= DST_WIRE_DEV_VWC;
	if (bdev_get_queue(bdev)->limits.features & BLK_FEAT_ROTATIONAL)
		device |= DST_WIRE_DEV_ROTATIONAL;
	if (vol) {
		device |= DST_WIRE_DEV_VOLUME;
		export_uuid(w->volume, &vol->uuid);
	}
	w->device = cpu_to_le16(device);
	w->block_size = cpu_to_le32(exp->limits.block_size);
	w->size = cpu_to_le64(exp->limits.size);
	w->physical_block_size = cpu_to_le32(bdev_physical_block_size(bdev));
	w->io_min = cpu_to_le32(bdev_io_min(bdev));
	w->io_opt = cpu_to_le32(bdev_io_opt(bdev));
	w->discard_granularity = cpu_to_le32(bdev_discard_granularity(bdev));
	w->max_discard = cpu_to_le32(exp->limits.max_discard);
	w->max_write_zeroes = cpu_to_le32(exp->limits.max_write_zeroes);
}

static u32 sessions_above(const struct dstb_export *exp, u8 chain[][16], u32 len)
{
	const struct dstb_tsession *sess;
	u32 i;

	list_for_each_entry(sess, &exp->sessions, list)
		for (i = 0; i < sess->chain_len; i++)
			len = dstb_chain_add(chain, len, sess->chain[i]);
	return len;
}

/**
 * dstb_export_above() - add the volumes that have one of a chain as a node by way of an export
 * @chain:	the chain
 * @len:	its length
 *
 * Context: process, may sleep.
 * Return: its length now.
 */
u32 dstb_export_above(u8 chain[][16], u32 len)
{
	const struct dstb_export *exp;
	const struct dstb_volume *vol;
	u32 i;

	mutex_lock(&dstb_target_lock);
	for (i = 0; i < len; i++) {
		list_for_each_entry(exp, &exports, list) {
			vol = exp->added && exp->bdev ? dstb_volume_of(exp->bdev) : NULL;
			if (vol && !memcmp(chain[i], &vol->uuid, sizeof(vol->uuid)))
				len = sessions_above(exp, chain, len);
		}
	}
	mutex_unlock(&dstb_target_lock);
	return len;
}

/* ---- finding ---- */

/**
 * dstb_export_new_life() - what an export had acknowledged may be lost from now on
 * @exp:	the export, new, or nobody has it
 *
 * Context: any.
 */
void dstb_export_new_life(struct dstb_export *exp)
{
	do {
		exp->instance = get_random_u64();
	} while (!exp->instance);
}

/**
 * dstb_export_lookup() - an export by its name
 * @net:	network namespace
 * @name:	its name
 *
 * Context: process; dstb_target_lock held.
 * Return: the export, without a reference and perhaps removed or still being made, or NULL.
 */
struct dstb_export *dstb_export_lookup(struct net *net, const char *name)
{
	struct dstb_export *exp;

	lockdep_assert_held(&dstb_target_lock);
	list_for_each_entry(exp, &exports, list)
		if (net_eq(exp->net, net) && !strcmp(exp->config.name, name))
			return exp;
	return NULL;
}

/**
 * dstb_export_find() - the export that a HELLO names
 * @listener:	where it came in
 * @name:	the name
 *
 * Context: process; dstb_target_lock held.
 * Return: the export, or NULL if there is none that listens there.
 */
struct dstb_export *dstb_export_find(struct dstb_listener *listener, const char *name)
{
	struct dstb_export *exp = dstb_export_lookup(listener->net, name);
	u32 i;

	for (i = 0; exp && !exp->removed && i < exp->config.nr_listen; i++)
		if (exp->listeners[i] == listener)
			return exp;
	return NULL;
}

/**
 * dstb_export_get() - an export by its name
 * @net:	network namespace
 * @name:	its name
 *
 * Context: process, may sleep.
 * Return: the export with a reference, or NULL.
 */
struct dstb_export *dstb_export_get(struct net *net, const char *name)
{
	struct dstb_export *exp;

	mutex_lock(&dstb_target_lock);
	exp = dstb_export_lookup(net, name);
	if (exp && !exp->added)
		exp = NULL;
	if (exp)
		kref_get(&exp->kref);
	mutex_unlock(&dstb_target_lock);
	return exp;
}

/**
 * dstb_export_next() - the exports of a network namespace, one after the other
 * @net:	the namespace
 * @serial:	of the one before, whether it is still there or not; 0 to begin
 *
 * Context: process, may sleep.
 * Return: the next with a reference, or NULL.
 */
struct dstb_export *dstb_export_next(struct net *net, u64 serial)
{
	struct dstb_export *exp, *next = NULL;

	mutex_lock(&dstb_target_lock);
	list_for_each_entry(exp, &exports, list) {
		if (exp->serial > serial && exp->added && net_eq(exp->net, net)) {
			kref_get(&exp->kref);
			next = exp;
			break;
		}
	}
	mutex_unlock(&dstb_target_lock);
	return next;
}

/**
 * dstb_export_serial() - for dstb_export_next()
 * @exp:	the export
 *
 * Context: any.
 */
u64 dstb_export_serial(const struct dstb_export *exp)
{
	return exp->serial;
}

/**
 * dstb_export_generation() - what has changed since, if an export has come or gone
 *
 * Context: any.
 * Return: not 0.
 */
u32 dstb_export_generation(void)
{
	return READ_ONCE(generation) ?: 1;
}

static void export_release(struct kref *kref)
{
	struct dstb_export *exp = container_of(kref, struct dstb_export, kref);

	kfree(exp);
	module_put(THIS_MODULE);
}

/**
 * dstb_export_put() - drop a reference
 * @exp:	the export
 *
 * Context: any.
 */
void dstb_export_put(struct dstb_export *exp)
{
	kref_put(&exp->kref, export_release);
}

/**
 * dstb_export_info() - an export, for status
 * @exp:	the export
 * @info:	where to
 *
 * Context: process, may sleep.
 */
void dstb_export_info(struct dstb_export *exp, struct dstb_export_info *info)
{
	u32 i;

	mutex_lock(&dstb_target_lock);
	info->config = exp->config;
	info->size = exp->limits.size;
	info->block_size = exp->limits.block_size;
	info->rejected = atomic64_read(&exp->rejected);
	info->suspended = exp->suspended;
	for (i = 0; i < exp->config.nr_listen; i++)
		if (exp->listeners[i])
			info->rejected += atomic64_read(&exp->listeners[i]->rejected);
	mutex_unlock(&dstb_target_lock);
}

/**
 * dstb_export_walk() - look at the sessions of an export
 * @exp:	the export
 * @fn:		called under dstb_target_lock; a non-zero return ends the walk
 * @arg:	for @fn
 *
 * Context: process, may sleep.
 * Return: what @fn returned last, or 0.
 */
int dstb_export_walk(struct dstb_export *exp, int (*fn)(struct dstb_session_info *, void *),
		     void *arg)
{
	struct dstb_tsession *sess;
	struct dstb_tconn *tc;
	int ret = 0;

	mutex_lock(&dstb_target_lock);
	list_for_each_entry(sess, &exp->sessions, list) {
		sess->info.connections = 0;
		sess->info.in_flight = 0;
		list_for_each_entry(tc, &sess->tconns, list) {
			sess->info.connections++;
			sess->info.in_flight += dstb_tconn_busy(tc);
		}
		ret = fn(&sess->info, arg);
		if (ret)
			break;
	}
	mutex_unlock(&dstb_target_lock);
	return ret;
}

/* ---- life ---- */

/*
 * Without the lock: whoever reads the device's partitions just now keeps it, and may wait for a
 * volume that comes back through an export of this kernel. The kernel's locks around workqueues and
 * bio sets may be held by somebody who reclaims memory through such a volume.
 */
static void close_device(struct dstb_export *exp)
{
	struct file *file = exp->bdev_file;

	exp->bdev = NULL;
	exp->bdev_file = NULL;
	mutex_unlock(&dstb_target_lock);
	if (file)
		bdev_fput(file);
	if (exp->wq)
		destroy_workqueue(exp->wq);
	bioset_exit(&exp->bios);
	mutex_lock(&dstb_target_lock);
}

static void export_close(struct dstb_export *exp)
{
	struct dstb_tsession *sess;
	u32 i;

	lockdep_assert_held(&dstb_target_lock);
	exp->removed = true;
	wake_up_all(&exp->gone);
	dstb_claim_kick_all(exp);
	list_for_each_entry(sess, &exp->sessions, list)
		dstb_tsession_end(sess, DST_WIRE_EGONE, "the export was removed");
	while (exp->nr_sessions) {
		mutex_unlock(&dstb_target_lock);
		wait_event(exp->gone, !READ_ONCE(exp->nr_sessions));
		mutex_lock(&dstb_target_lock);
	}
	/* What closed the last connection may not have returned yet. */
	mutex_unlock(&dstb_target_lock);
	if (exp->close_wq)
		destroy_workqueue(exp->close_wq);
	mutex_lock(&dstb_target_lock);
	for (i = 0; i < exp->config.nr_listen; i++) {
		if (exp->listeners[i])
			dstb_listener_put(exp->listeners[i]);
		exp->listeners[i] = NULL;
	}
	close_device(exp);
	list_del(&exp->list);
	WRITE_ONCE(generation, generation + 1);
	dstb_export_put(exp);
}

/* This and the next take their time. Without the lock: a device that hangs may take minutes. */
static int export_open(struct dstb_export *exp, struct netlink_ext_ack *extack)
{
	int err;

	err = open_device(exp, extack);
	if (err)
		return err;
	read_limits(exp);
	err = bioset_init(&exp->bios, DSTB_TARGET_DEPTH, 0, BIOSET_NEED_BVECS);
	if (err)
		return err;
	exp->wq = alloc_workqueue("dstb-export", WQ_MEM_RECLAIM | WQ_PERCPU, 0);
	exp->close_wq = alloc_workqueue("dstb-close", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	return exp->wq && exp->close_wq ? 0 : -ENOMEM;
}

static int export_listen(struct dstb_export *exp, struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < exp->config.nr_listen; i++) {
		struct dstb_listener *listener =
			dstb_listener_get(exp->net, &exp->config.listen[i], extack);

		if (IS_ERR(listener))
			return PTR_ERR(listener);
		exp->listeners[i] = listener;
	}
	return 0;
}

/**
 * dstb_export_add() - offer a block device
 * @net:	where its sockets are made
 * @cfg:	what of
 * @extack:	gets the sentence
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int dstb_export_add(struct net *net, const struct dstb_export_config *cfg,
		    struct netlink_ext_ack *extack)
{
	struct dstb_export *exp;
	int err;
	u32 i;

	for (i = 0; i < cfg->nr_listen; i++) {
		err = dstb_addr_check(&cfg->listen[i], extack);
		if (err)
			return err;
	}
	exp = kzalloc(sizeof(*exp), GFP_KERNEL);
	if (!exp)
		return -ENOMEM;
	kref_init(&exp->kref);
	exp->config = *cfg;
	exp->config.max_sessions = cfg->max_sessions ?: MAX_SESSIONS;
	exp->net = net;
	INIT_LIST_HEAD(&exp->sessions);
	INIT_LIST_HEAD(&exp->claims);
	dstb_export_new_life(exp);
	init_waitqueue_head(&exp->gone);

	mutex_lock(&dstb_target_lock);
	/* The netlink handler holds no reference, and the module may be on its way out. */
	err = 0;
	if (dstb_export_lookup(net, cfg->name)) {
		NL_SET_ERR_MSG_FMT(extack, "export name '%s' is taken", cfg->name);
		err = -EEXIST;
	} else if (!try_module_get(THIS_MODULE)) {
		NL_SET_ERR_MSG(extack, "the module is being unloaded");
		err = -ENODEV;
	}
	if (err) {
		mutex_unlock(&dstb_target_lock);
		kfree(exp);
		return err;
	}
	/* Takes the name: nobody comes in, or sees it, until all is there. */
	exp->removed = true;
	exp->serial = ++last_serial;
	list_add_tail(&exp->list, &exports);
	mutex_unlock(&dstb_target_lock);
	err = export_open(exp, extack) ?: export_listen(exp, extack);
	mutex_lock(&dstb_target_lock);
	if (err) {
		export_close(exp);
	} else {
		exp->removed = false;
		exp->added = true;
		WRITE_ONCE(generation, generation + 1);
		dstb_event_export(net, cfg->name, "", "added", cfg->path);
	}
	mutex_unlock(&dstb_target_lock);
	return err;
}

static void remove_fn(void *arg)
{
	struct dstb_export *exp = arg;

	mutex_lock(&dstb_target_lock);
	export_close(exp);
	dstb_event_export(exp->net, exp->config.name, exp->suspended ? "suspended" : "added",
			  "removed", "");
	mutex_unlock(&dstb_target_lock);
	dstb_export_put(exp);
}

/**
 * dstb_export_remove() - take an export back; its sessions end, what the device has is waited for
 * @net:	network namespace
 * @name:	its name
 * @extack:	gets the sentence
 *
 * Context: process; sleeps as long as the device takes, unless killed: then it goes on.
 * Return: 0, -ENOENT, or -EINTR.
 */
int dstb_export_remove(struct net *net, const char *name, struct netlink_ext_ack *extack)
{
	struct dstb_export *exp;

	mutex_lock(&dstb_target_lock);
	exp = dstb_export_lookup(net, name);
	if (!exp || exp->removed) {
		mutex_unlock(&dstb_target_lock);
		NL_SET_ERR_MSG_FMT(extack, "no export named '%s'", name);
		return -ENOENT;
	}
	/* Ours: nobody else removes it. */
	exp->removed = true;
	kref_get(&exp->kref);
	mutex_unlock(&dstb_target_lock);
	return dstb_run_killable(net, remove_fn, exp);
}

/**
 * dstb_export_net_exit() - a network namespace ends, and its exports with it
 * @net:	the namespace
 *
 * Context: process, may sleep.
 */
void dstb_export_net_exit(struct net *net)
{
	struct dstb_export *exp, *next;

	mutex_lock(&dstb_target_lock);
again:
	list_for_each_entry_safe(exp, next, &exports, list) {
		if (net_eq(exp->net, net) && !exp->removed) {
			export_close(exp);
			goto again; /* the lock was dropped in there */
		}
	}
	mutex_unlock(&dstb_target_lock);
}
