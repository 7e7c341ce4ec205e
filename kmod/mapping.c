// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings: a volume's use of a policy, from layout() to exit(), through the loss of the policy and
 * its return.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/bpf.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "mapping.h"
#include "mapping_int.h"
#include "place.h"
#include "policy.h"

#define MAX_SECTORS	(LLONG_MAX >> SECTOR_SHIFT)
#define SAMPLE_SECTORS	2048U

static LIST_HEAD(mappings);			/* under dstb_policy_lock */
static DECLARE_WAIT_QUEUE_HEAD(unpinned);	/* some mapping's pins became 0 */
static struct workqueue_struct *reattach_wq;

static void say(char *why, const char *fmt, ...) __printf(2, 3);
static void say(char *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, DSTB_REASON_LEN, fmt, args);
	va_end(args);
}

/**
 * dstb_mapping_sample() - a sampled sector
 * @layout:	the layout
 * @i:		which, less than DSTB_MAPPING_SAMPLES
 *
 * The first, the last, and others whose distances are uneven, so that no stripe hides. Never to be
 * changed: fingerprints are to be compared with stored ones. Any context. Return: the sector.
 */
u64 dstb_mapping_sample(const struct dstb_layout *layout, u32 i)
{
	u32 block = layout->block_size >> SECTOR_SHIFT;
	u64 blocks = div_u64(layout->capacity, block);
	u64 step = div_u64(blocks, DSTB_MAPPING_SAMPLES - 1);

	if (!i)
		return 0;
	if (i == DSTB_MAPPING_SAMPLES - 1)
		return (blocks - 1) * block;
	if (!step)
		return min_t(u64, i, blocks - 1) * block;
	return (step * i + mul_u64_u64_shr(i * 0x9e3779b97f4a7c15ULL, step, 64)) * block;
}

static u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ (hash >> 32);
}

static u32 answer_hash(const struct dstb_placement *answer)
{
	u64 hash = mix(0, answer->nr_legs);
	u32 i;

	for (i = 0; i < answer->nr_legs; i++) {
		hash = mix(hash, answer->legs[i].node);
		hash = mix(hash, answer->legs[i].sector);
	}
	return hash;
}

/* Asks about one sector, twice: alone, and as the first of many. */
static int sample(struct dstb_mapping *map, const struct dstb_policy_ops *ops, u32 i, char *why)
{
	u32 block = map->layout.block_size >> SECTOR_SHIFT;
	u64 sector = dstb_mapping_sample(&map->layout, i);
	u32 many = min_t(u64, round_up(SAMPLE_SECTORS, block), map->layout.capacity - sector);
	struct dstb_placement answer;
	const char *wrong;

	rcu_read_lock();
	wrong = dstb_place_ask(map, ops, sector, block, &answer);
	if (!wrong) {
		map->fingerprint[i] = answer_hash(&answer);
		wrong = dstb_place_ask(map, ops, sector, many, &answer);
		if (!wrong && map->fingerprint[i] != answer_hash(&answer))
			wrong = "asked twice, it answers differently";
	}
	rcu_read_unlock();
	if (!wrong)
		return 0;
	say(why, "place() is wrong at sector %llu: %s", sector, wrong);
	return -EINVAL;
}

static int check_layout(const struct dstb_mapping *map, const struct dstb_layout_args *args,
			char *why)
{
	u32 mask = (args->block_size >> SECTOR_SHIFT) - 1;
	u64 sum = 0;
	u32 i;

	for (i = 0; i < args->nr_nodes; i++)
		sum += map->nodes[i].size;
	if (!args->capacity)
		say(why, "layout() answered a volume of no sectors");
	else if (args->capacity & mask)
		say(why, "layout() answered %llu sectors, not a multiple of the block size",
		    args->capacity);
	else if (args->capacity > sum)
		say(why, "layout() answered %llu sectors, the nodes have %llu",
		    args->capacity, sum);
	else if (args->capacity > MAX_SECTORS)
		say(why, "layout() answered %llu sectors, at most %llu can be",
		    args->capacity, (u64)MAX_SECTORS);
	else if (args->run & mask)
		say(why, "layout() answered runs of %llu sectors, not a multiple of the block size",
		    args->run);
	else if (!args->copies || args->copies > DSTB_MAX_LEGS)
		say(why, "layout() answered %u copies, 1 to %d can be",
		    args->copies, DSTB_MAX_LEGS);
	else if (args->copies > args->nr_nodes)
		say(why, "layout() answered %u copies for %u nodes", args->copies, args->nr_nodes);
	else
		return 0;
	return -EINVAL;
}

static int check_params(const struct dstb_mapping *map, char *why)
{
	u32 i;

	for (i = 0; i < map->nr_params; i++) {
		if (map->params[i].asked)
			continue;
		say(why, "policy '%s' has no parameter '%s'", map->policy_name,
		    map->params[i].name);
		return -EINVAL;
	}
	return 0;
}

/* layout() or its default: fills map->layout and the nodes' values. */
static int lay_out(struct dstb_mapping *map, const struct dstb_policy_ops *ops, char *why)
{
	struct dstb_layout *layout = &map->layout;
	struct dstb_layout_ctx *ctx;
	int err = 0;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx) {
		say(why, "no memory");
		return -ENOMEM;
	}
	ctx->map = map;
	ctx->args.version = layout->version;
	ctx->args.nr_nodes = layout->nr_nodes;
	ctx->args.block_size = layout->block_size;
	dstb_default_layout(&ctx->args, map->nodes);
	if (ops->layout)
		err = ops->layout(&ctx->args);
	if (ctx->why[0])
		say(why, "%s", ctx->why);
	else if (err)
		say(why, "layout() of policy '%s' returned %d", map->policy_name, err);
	if (ctx->why[0] || err > 0 || err < -MAX_ERRNO)
		err = -EINVAL;
	if (!err)
		err = check_params(map, why);
	if (!err)
		err = check_layout(map, &ctx->args, why);
	layout->copies = ctx->args.copies;
	layout->capacity = ctx->args.capacity;
	layout->run = ctx->args.run;
	memcpy(layout->priv, ctx->args.priv, sizeof(layout->priv));
	kfree(ctx);
	return err;
}

/**
 * dstb_mapping_prepare() - everything but init(): layout and fingerprint
 * @map:	the mapping; its nodes and parameters are filled in
 * @ops:	whom to ask; the caller may call its sleepable callbacks
 * @why:	gets a sentence on errors, DSTB_REASON_LEN
 *
 * Process context, sleeps. Return: 0 or a negative errno.
 */
int dstb_mapping_prepare(struct dstb_mapping *map, const struct dstb_policy_ops *ops, char *why)
{
	u32 i;
	int err;

	err = lay_out(map, ops, why);
	for (i = 0; !err && i < DSTB_MAPPING_SAMPLES; i++) {
		err = sample(map, ops, i, why);
		cond_resched();
	}
	return err;
}

static int call_init(const struct dstb_mapping *map, const struct dstb_policy_ops *ops, char *why)
{
	struct dstb_init init = {
		.nr_nodes = map->layout.nr_nodes,
		.copies = map->layout.copies,
		.capacity = map->layout.capacity,
	};
	int err;

	if (!ops->init)
		return 0;
	strscpy(init.volume, map->volume, sizeof(init.volume));
	export_uuid(init.uuid, &map->uuid);
	err = ops->init(&init);
	if (!err)
		return 0;
	say(why, "init() of policy '%s' returned %d", map->policy_name, err);
	return err > 0 || err < -MAX_ERRNO ? -EINVAL : err;
}

static void call_exit(const struct dstb_mapping *map, const struct dstb_policy_ops *ops,
		      enum dstb_exit_reason reason)
{
	struct dstb_exit exit = { .reason = reason };

	if (!ops->exit)
		return;
	strscpy(exit.volume, map->volume, sizeof(exit.volume));
	export_uuid(exit.uuid, &map->uuid);
	ops->exit(&exit);
}

/* The policy is the mapping's from now on. False when it has begun to go meanwhile. */
static bool attach(struct dstb_mapping *map, struct dstb_policy_use *use)
{
	lockdep_assert_held(&dstb_policy_lock);
	if (use->policy->dead)
		return false;
	map->policy = use->policy;
	map->policy->nr_volumes++;
	map->generation++;
	map->link = use->link;
	use->link = NULL;
	rcu_assign_pointer(map->ops, map->policy->ops);
	return true;
}

static void pin(struct dstb_mapping *map)
{
	lockdep_assert_held(&dstb_policy_lock);
	WRITE_ONCE(map->pins, map->pins + 1);
}

/* The mapping may be gone when this returns. */
static void unpin(struct dstb_mapping *map)
{
	mutex_lock(&dstb_policy_lock);
	WRITE_ONCE(map->pins, map->pins - 1);
	mutex_unlock(&dstb_policy_lock);
	wake_up_all(&unpinned);
}

static int check_config(const struct dstb_mapping_config *cfg, char *why)
{
	u32 i;

	if (cfg->nr_nodes < 1 || cfg->nr_nodes > DSTB_MAX_NODES)
		say(why, "%u nodes, 1 to %d can be", cfg->nr_nodes, DSTB_MAX_NODES);
	else if (cfg->nr_params > DSTB_MAX_PARAMS)
		say(why, "%u parameters, at most %d can be", cfg->nr_params, DSTB_MAX_PARAMS);
	else if (cfg->block_size < SECTOR_SIZE || !is_power_of_2(cfg->block_size))
		say(why, "a block size of %u bytes", cfg->block_size);
	else
		why[0] = 0;
	for (i = 0; !why[0] && i < cfg->nr_nodes; i++)
		if (cfg->nodes[i].size > MAX_SECTORS)
			say(why, "node %u has %llu sectors", i, cfg->nodes[i].size);
	return why[0] ? -EINVAL : 0;
}

static int fill(struct dstb_mapping *map, const struct dstb_mapping_config *cfg,
		const struct dstb_mapping_ops *owner_ops, char *why)
{
	u32 i;
	int err;

	memset(map, 0, sizeof(*map));
	INIT_LIST_HEAD(&map->list);
	err = check_config(cfg, why);
	if (err)
		return err;
	map->nodes = kvcalloc(DSTB_MAX_NODES, sizeof(*map->nodes), GFP_KERNEL);
	if (!map->nodes) {
		say(why, "no memory");
		return -ENOMEM;
	}
	memcpy(map->nodes, cfg->nodes, cfg->nr_nodes * sizeof(*map->nodes));
	map->owner_ops = owner_ops;
	strscpy(map->policy_name, cfg->policy, sizeof(map->policy_name));
	strscpy(map->volume, cfg->volume, sizeof(map->volume));
	map->uuid = cfg->uuid;
	map->nr_params = cfg->nr_params;
	for (i = 0; i < cfg->nr_params; i++) {
		map->params[i] = cfg->params[i];
		map->params[i].asked = false;
	}
	map->layout.version = 1;
	map->layout.nr_nodes = cfg->nr_nodes;
	map->layout.block_size = cfg->block_size;
	return 0;
}

/* The data of a volume that was there before lies where it lay then. */
static int check_fingerprint(const struct dstb_mapping *map, const u32 *fingerprint, char *why)
{
	u32 i;

	for (i = 0; fingerprint && i < DSTB_MAPPING_SAMPLES; i++) {
		if (map->fingerprint[i] == fingerprint[i])
			continue;
		say(why, "policy '%s' is another one: it places sector %llu elsewhere",
		    map->policy_name, dstb_mapping_sample(&map->layout, i));
		return -EINVAL;
	}
	return 0;
}

static int create(struct dstb_mapping *map, const struct dstb_mapping_config *cfg,
		  struct dstb_policy_use *use, char *why)
{
	const struct dstb_policy_ops *ops = use->policy->ops;
	bool attached;
	int err;

	err = dstb_mapping_prepare(map, ops, why);
	if (!err)
		err = check_fingerprint(map, cfg->fingerprint, why);
	if (!err)
		err = call_init(map, ops, why);
	if (err)
		return err;
	mutex_lock(&dstb_policy_lock);
	attached = attach(map, use);
	if (attached)
		list_add_tail(&map->list, &mappings);
	map->inited = attached;
	mutex_unlock(&dstb_policy_lock);
	if (attached)
		return 0;
	call_exit(map, ops, DSTB_EXIT_FAILED);
	say(why, "policy '%s' was detached meanwhile", map->policy_name);
	return -ENOENT;
}

/**
 * dstb_mapping_init() - lays a volume out by a policy
 * @map:	filled
 * @cfg:	what it is made from; not kept
 * @owner_ops:	whom to tell what happens to the policy
 * @extack:	gets a sentence on errors; may be NULL
 *
 * Asks layout(), checks its answer and those of place() at some sectors, calls init(). Process
 * context, sleeps; takes dstb_policy_lock. @owner_ops may be called before this has returned 0.
 *
 * Return: 0, or a negative errno, and then there is nothing to undo: -ENOENT when there is no such
 * policy, -EINVAL when an answer was wrong, -ENOMEM, or what layout() or init() returned.
 */
int dstb_mapping_init(struct dstb_mapping *map, const struct dstb_mapping_config *cfg,
		      const struct dstb_mapping_ops *owner_ops, struct netlink_ext_ack *extack)
{
	struct dstb_policy_use use;
	char why[DSTB_REASON_LEN];
	bool found;
	int err;

	err = fill(map, cfg, owner_ops, why);
	if (err)
		goto out;
	mutex_lock(&dstb_policy_lock);
	found = dstb_policy_use(map->policy_name, &use);
	mutex_unlock(&dstb_policy_lock);
	if (found) {
		err = create(map, cfg, &use, why);
		dstb_policy_unuse(&use);
	} else {
		say(why, "no policy '%s' is registered: load it first", map->policy_name);
		err = -ENOENT;
	}
	if (err) {
		kvfree(map->nodes);
		map->nodes = NULL;
	}
out:
	if (err)
		NL_SET_ERR_MSG_FMT(extack, "%s", why);
	return err;
}

/**
 * dstb_mapping_exit() - the reverse of dstb_mapping_init()
 * @map:	the mapping
 * @reason:	for the policy's exit()
 *
 * Nobody asks the mapping any more. Waits until the owner is told nothing any more. Process
 * context, sleeps; takes dstb_policy_lock.
 */
void dstb_mapping_exit(struct dstb_mapping *map, enum dstb_exit_reason reason)
{
	struct dstb_policy *policy;
	struct bpf_link *link;
	int idx;

	mutex_lock(&dstb_policy_lock);
	while (map->pins) {
		mutex_unlock(&dstb_policy_lock);
		wait_event(unpinned, !READ_ONCE(map->pins));
		mutex_lock(&dstb_policy_lock);
	}
	list_del(&map->list);
	RCU_INIT_POINTER(map->ops, NULL);
	policy = map->policy;
	link = map->link;
	if (policy) {
		policy->nr_volumes--;
		/* Keeps ->unreg from going on; it does not know this mapping any more. */
		idx = dstb_policy_srcu_lock(policy);
	}
	mutex_unlock(&dstb_policy_lock);

	if (policy) {
		if (map->inited)
			call_exit(map, policy->ops, reason);
		dstb_policy_srcu_unlock(policy, idx);
	}
	if (link)
		bpf_link_put(link);
	kvfree(map->nodes);
	map->nodes = NULL;
}

/**
 * dstb_mapping_lost() - is the policy away?
 * @map:	the mapping
 *
 * Any context. Return: whether dstb_place() would say -EAGAIN now.
 */
bool dstb_mapping_lost(const struct dstb_mapping *map)
{
	return !rcu_access_pointer(map->ops);
}

/* Takes the policy away from each of its mappings and pins them. Returns how many there are. */
static u32 unpublish(struct dstb_policy *policy)
{
	struct dstb_mapping *map;
	u32 nr = 0;

	mutex_lock(&dstb_policy_lock);
	policy->dead = true;
	list_for_each_entry(map, &mappings, list) {
		if (map->policy != policy)
			continue;
		rcu_assign_pointer(map->ops, NULL);
		pin(map);
		nr++;
	}
	mutex_unlock(&dstb_policy_lock);
	return nr;
}

/* The next mapping that still has the policy, which it loses here. */
static struct dstb_mapping *next_lost(struct dstb_policy *policy, struct bpf_link **link)
{
	struct dstb_mapping *map, *found = NULL;

	mutex_lock(&dstb_policy_lock);
	list_for_each_entry(map, &mappings, list) {
		if (map->policy != policy)
			continue;
		found = map;
		*link = map->link;
		map->policy = NULL;
		map->link = NULL;
		policy->nr_volumes--;
		break;
	}
	mutex_unlock(&dstb_policy_lock);
	return found;
}

/**
 * dstb_mapping_policy_detached() - takes a policy away from its mappings
 * @policy:	the policy; afterwards nobody uses it, and nobody can begin to
 *
 * Called by ->unreg, mostly under BPF's update_mutex: waits for the policy's own callbacks, never
 * for I/O. Process context, sleeps; takes dstb_policy_lock.
 */
void dstb_mapping_policy_detached(struct dstb_policy *policy)
{
	u32 nr = unpublish(policy);
	struct dstb_mapping *map;
	struct bpf_link *link;

	/*
	 * For sleepable callbacks, and for who was about to attach it: the owner hears of its
	 * back() before its lost().
	 */
	synchronize_srcu(&policy->srcu);
	/*
	 * For the hot callbacks: exit() is the last that is called, and nobody reads the layout any
	 * more.
	 */
	if (nr)
		synchronize_rcu();
	while ((map = next_lost(policy, &link))) {
		if (map->inited)
			call_exit(map, policy->ops, DSTB_EXIT_DETACHED);
		map->inited = false;
		map->owner_ops->lost(map);
		unpin(map);
		if (link)
			bpf_link_put(link);
	}
}

/**
 * dstb_mapping_scratch() - a mapping like another, to try a policy or other nodes with
 * @map:	the other
 *
 * Process context. Return: for dstb_mapping_scratch_free(), or NULL.
 */
struct dstb_mapping *dstb_mapping_scratch(const struct dstb_mapping *map)
{
	struct dstb_mapping *scratch;
	u32 i;

	scratch = kzalloc(sizeof(*scratch), GFP_KERNEL);
	if (!scratch)
		return NULL;
	scratch->nodes = kvmemdup(map->nodes, DSTB_MAX_NODES * sizeof(*map->nodes), GFP_KERNEL);
	if (!scratch->nodes) {
		kfree(scratch);
		return NULL;
	}
	scratch->layout.version = map->layout.version;
	scratch->layout.nr_nodes = map->layout.nr_nodes;
	scratch->layout.block_size = map->layout.block_size;
	strscpy(scratch->policy_name, map->policy_name, sizeof(scratch->policy_name));
	scratch->nr_params = map->nr_params;
	for (i = 0; i < map->nr_params; i++) {
		scratch->params[i] = map->params[i];
		scratch->params[i].asked = false;
	}
	return scratch;
}

/**
 * dstb_mapping_scratch_free() - the reverse of dstb_mapping_scratch()
 * @scratch:	from there, or NULL
 *
 * Process context.
 */
void dstb_mapping_scratch_free(struct dstb_mapping *scratch)
{
	if (scratch)
		kvfree(scratch->nodes);
	kfree(scratch);
}

/* Does the other place every sample where this one does? */
static int compare(const struct dstb_mapping *map, const struct dstb_mapping *other, char *why)
{
	const struct dstb_layout *a = &map->layout, *b = &other->layout;
	u32 i;

	if (a->capacity != b->capacity || a->run != b->run || a->copies != b->copies) {
		say(why, "policy '%s' came back but lays out %llu sectors, runs of %llu, %u copies",
		    map->policy_name, b->capacity, b->run, b->copies);
		return -EINVAL;
	}
	for (i = 0; i < DSTB_MAPPING_SAMPLES; i++) {
		if (map->fingerprint[i] == other->fingerprint[i])
			continue;
		say(why, "policy '%s' came back but places sector %llu elsewhere",
		    map->policy_name, dstb_mapping_sample(a, i));
		return -EINVAL;
	}
	return 0;
}

/*
 * How layout() codes its decisions for place() may differ; what place() makes of it does not. The
 * policy was lost, so nobody reads these now.
 */
static void take_layout(struct dstb_mapping *map, const struct dstb_mapping *from)
{
	memcpy(map->layout.priv, from->layout.priv, sizeof(map->layout.priv));
	memcpy(map->nodes, from->nodes, DSTB_MAX_NODES * sizeof(*map->nodes));
}

/*
 * Gives a lost mapping, pinned by the caller, to a policy of its policy's name if that places data
 * where it was.
 */
static void reattach(struct dstb_mapping *map, struct dstb_policy_use *use)
{
	const struct dstb_policy_ops *ops = use->policy->ops;
	struct dstb_mapping *scratch = dstb_mapping_scratch(map);
	char why[DSTB_REASON_LEN] = "no memory";
	bool attached = false;
	int err = -ENOMEM;

	if (scratch) {
		err = dstb_mapping_prepare(scratch, ops, why);
		if (!err)
			err = compare(map, scratch, why);
		if (!err)
			err = call_init(map, ops, why);
	}
	if (!err) {
		take_layout(map, scratch);
		mutex_lock(&dstb_policy_lock);
		attached = attach(map, use);
		map->inited = attached;
		mutex_unlock(&dstb_policy_lock);
		if (!attached)
			call_exit(map, ops, DSTB_EXIT_DETACHED);
	}
	dstb_mapping_scratch_free(scratch);
	if (attached)
		map->owner_ops->back(map);
	else if (err)
		map->owner_ops->refused(map, why);
}

/* The next lost mapping whose policy's name has registered again; pinned. */
static struct dstb_mapping *next_retry(struct dstb_policy_use *use)
{
	struct dstb_mapping *map, *found = NULL;

	mutex_lock(&dstb_policy_lock);
	list_for_each_entry(map, &mappings, list) {
		if (!map->retry)
			continue;
		map->retry = false;
		if (!dstb_policy_use(map->policy_name, use))
			continue;
		pin(map);
		found = map;
		break;
	}
	mutex_unlock(&dstb_policy_lock);
	return found;
}

static void reattach_fn(struct work_struct *work)
{
	struct dstb_policy_use use;
	struct dstb_mapping *map;
	/* Memory may be what the requests that wait for it are to free. */
	unsigned int noio = memalloc_noio_save();

	while ((map = next_retry(&use))) {
		reattach(map, &use);
		unpin(map);
		dstb_policy_unuse(&use);
		cond_resched();
	}
	memalloc_noio_restore(noio);
}

static DECLARE_WORK(reattach_work, reattach_fn);

/**
 * dstb_mapping_policy_registered() - offers a policy to mappings that lost one of its name
 * @policy:	the policy, just registered
 *
 * Called by ->reg, under BPF's update_mutex: the work is left to a work item. Process context;
 * takes dstb_policy_lock.
 */
void dstb_mapping_policy_registered(const struct dstb_policy *policy)
{
	struct dstb_mapping *map;
	bool any = false;

	mutex_lock(&dstb_policy_lock);
	list_for_each_entry(map, &mappings, list) {
		if (map->policy || strcmp(map->policy_name, policy->ops->name))
			continue;
		map->retry = true;
		any = true;
	}
	mutex_unlock(&dstb_policy_lock);
	if (any)
		queue_work(reattach_wq, &reattach_work);
}

/**
 * dstb_mapping_module_init() - makes what mappings share
 *
 * Process context. Return: 0 or -ENOMEM.
 */
int dstb_mapping_module_init(void)
{
	/* Volumes that memory is reclaimed through may wait for it. */
	reattach_wq = alloc_ordered_workqueue("dstb_reattach", WQ_MEM_RECLAIM);
	return reattach_wq ? 0 : -ENOMEM;
}

/**
 * dstb_mapping_module_exit() - the reverse of dstb_mapping_module_init()
 *
 * There are neither policies nor mappings any more. Process context.
 */
void dstb_mapping_module_exit(void)
{
	destroy_workqueue(reattach_wq);
}
