// SPDX-License-Identifier: GPL-2.0
/*
 * Policies: the struct_ops type, its kfuncs, and the registry of names.
 *
 * Locks: BPF's update_mutex (held around ->reg, ->update, and ->unreg of a detach) ->
 * dstb_policy_lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "event.h"
#include "mapping.h"
#include "name.h"
#include "node.h"
#include "place.h"
#include "policy.h"
#include "resync.h"

#define MEMBER(name)	offsetof(struct dstb_policy_ops, name)

/* Callbacks as bits: where a kfunc may be called. */
#define IN_LAYOUT	BIT(0)
#define IN_PLACE	BIT(1)
#define IN_PICK_READ	BIT(2)
#define IN_ACKS		BIT(3)
#define IN_INIT		BIT(4)
#define IN_EXIT		BIT(5)
#define IN_QUORUM	BIT(6)
#define IN_RESYNC_NEXT	BIT(7)
#define IN_NODE_EVENT	BIT(8)
#define IN_IO_ERROR	BIT(9)
#define IN_ARBITRATE	BIT(10)
#define IN_TICK		BIT(11)

#define IN_RECOVERY	(IN_QUORUM | IN_RESYNC_NEXT | IN_NODE_EVENT | IN_IO_ERROR | \
			 IN_ARBITRATE | IN_TICK)

static const struct callback {
	u32 offset;
	u32 bit;
	bool sleepable;
	bool pure;	/* a function of its arguments */
} callbacks[] = {
	{ MEMBER(layout),	IN_LAYOUT,	.sleepable = true, .pure = true },
	{ MEMBER(place),	IN_PLACE,	.pure = true },
	{ MEMBER(pick_read),	IN_PICK_READ },
	{ MEMBER(acks),		IN_ACKS },
	{ MEMBER(init),		IN_INIT,	.sleepable = true },
	{ MEMBER(exit),		IN_EXIT,	.sleepable = true },
	{ MEMBER(quorum),	IN_QUORUM },
	{ MEMBER(resync_next),	IN_RESYNC_NEXT },
	{ MEMBER(node_event),	IN_NODE_EVENT },
	{ MEMBER(io_error),	IN_IO_ERROR },
	{ MEMBER(arbitrate),	IN_ARBITRATE },
	{ MEMBER(tick),		IN_TICK },
};

/* policy.h says what it protects. */
DEFINE_MUTEX(dstb_policy_lock);
static LIST_HEAD(policies);	/* under dstb_policy_lock */

/*
 * What the module's BTF is here. The ids that the build put into lists are those of the BTF that
 * the build saw; the kernel has moved the BTF's own types behind its base's by one distance, which
 * is known once a program is checked.
 */
static struct btf *own_btf;
static u32 distance;

BTF_ID_LIST_SINGLE(ops_id, struct, dstb_policy_ops)
BTF_ID_LIST_SINGLE(layout_args_id, struct, dstb_layout_args)
BTF_ID_LIST_SINGLE(place_id, struct, dstb_place)
BTF_ID_LIST_SINGLE(resync_next_id, struct, dstb_resync_next)
BTF_ID_LIST_SINGLE(node_event_id, struct, dstb_node_event)
BTF_ID_LIST_SINGLE(io_error_id, struct, dstb_io_error)

static u32 member_offset(const struct btf_type *type, const struct btf_member *member)
{
	return __btf_member_bit_offset(type, member) / BITS_PER_BYTE;
}

/* The callback that a program implements; NULL when it is not a policy's program. */
static const struct callback *callback_of(const struct bpf_prog *prog)
{
	const struct btf_type *type;
	u32 offset, i;

	if (prog->type != BPF_PROG_TYPE_STRUCT_OPS || !own_btf || prog->aux->attach_btf != own_btf)
		return NULL;
	type = btf_type_by_id(own_btf, prog->aux->attach_btf_id);
	if (!type || prog->expected_attach_type >= btf_type_vlen(type))
		return NULL;
	offset = member_offset(type, &btf_type_member(type)[prog->expected_attach_type]);
	for (i = 0; i < ARRAY_SIZE(callbacks); i++)
		if (callbacks[i].offset == offset)
			return &callbacks[i];
	return NULL;
}

/*
 * kfuncs. Each gets a trusted pointer that the verifier has followed from the callback's own
 * argument: it has the type and offset of that argument and no other object of the type is in a
 * program's reach, so container_of() is safe.
 */
__bpf_kfunc_start_defs();

/**
 * dstb_layout_node() - copies what the layout knows of a node
 * @args:	the argument of layout()
 * @node:	index of the node
 * @out:	a struct dstb_layout_node
 * @out__sz:	its size; a shorter one gets the front, what is longer is zero
 *
 * For layout(). Return: 0, or -ERANGE when there is no such node.
 */
__bpf_kfunc int dstb_layout_node(struct dstb_layout_args *args, u32 node, void *out, u32 out__sz)
{
	struct dstb_layout_ctx *ctx = container_of(args, struct dstb_layout_ctx, args);
	u32 len = min_t(u32, out__sz, sizeof(struct dstb_layout_node));

	memset(out + len, 0, out__sz - len);
	if (node >= args->nr_nodes) {
		memset(out, 0, len);
		return -ERANGE;
	}
	memcpy(out, &ctx->map->nodes[node], len);
	return 0;
}

/**
 * dstb_layout_set_value() - stores a number with a node, for place()
 * @args:	the argument of layout()
 * @node:	index of the node
 * @value:	the number
 *
 * For layout(). Return: 0, or -ERANGE when there is no such node.
 */
__bpf_kfunc int dstb_layout_set_value(struct dstb_layout_args *args, u32 node, u64 value)
{
	struct dstb_layout_ctx *ctx = container_of(args, struct dstb_layout_ctx, args);

	if (node >= args->nr_nodes)
		return -ERANGE;
	ctx->map->nodes[node].value = value;
	return 0;
}

/**
 * dstb_layout_param() - asks for a parameter of the volume
 * @args:	the argument of layout()
 * @name__str:	its name
 * @dflt:	its value when the operator gave none
 *
 * For layout(). A parameter that was given and that layout() does not ask for makes the volume be
 * refused.
 * Return: the value.
 */
__bpf_kfunc u64 dstb_layout_param(struct dstb_layout_args *args, const char *name__str, u64 dflt)
{
	struct dstb_mapping *map = container_of(args, struct dstb_layout_ctx, args)->map;
	u32 i;

	for (i = 0; i < map->nr_params; i++) {
		if (strcmp(map->params[i].name, name__str))
			continue;
		map->params[i].asked = true;
		return map->params[i].value;
	}
	return dflt;
}

/**
 * dstb_layout_refuse() - refuses the volume
 * @args:	the argument of layout()
 * @why__str:	the sentence that the operator reads, up to 79 characters
 *
 * For layout(), whatever it returns then. Return: -EINVAL, for layout() to return.
 */
__bpf_kfunc int dstb_layout_refuse(struct dstb_layout_args *args, const char *why__str)
{
	struct dstb_layout_ctx *ctx = container_of(args, struct dstb_layout_ctx, args);

	strscpy(ctx->why, *why__str ? why__str : "refused", sizeof(ctx->why));
	return -EINVAL;
}

/**
 * dstb_layout_nodes() - the layout's nodes
 * @layout:	the argument of a callback
 * @rdonly_buf_size: up to DSTB_MAX_NODES * sizeof(struct dstb_layout_node), a constant
 *
 * For all but layout(), init() and exit(). Return: an array of struct dstb_layout_node; NULL when
 * asked for more than there is.
 */
__bpf_kfunc u8 *dstb_layout_nodes(struct dstb_layout *layout, const size_t rdonly_buf_size)
{
	struct dstb_mapping *map = container_of(layout, struct dstb_mapping, layout);

	if (rdonly_buf_size > DSTB_MAX_NODES * sizeof(struct dstb_layout_node))
		return NULL;
	return (u8 *)map->nodes;
}

/**
 * dstb_place_leg() - answers a leg
 * @where:	the argument of place()
 * @node:	index of the node
 * @sector:	the run's first sector in the node's data area
 *
 * For place(). Return: 0, or -E2BIG past DSTB_MAX_LEGS, which makes the answer wrong.
 */
__bpf_kfunc int dstb_place_leg(struct dstb_place *where, u32 node, u64 sector)
{
	struct dstb_placement *out = container_of(where, struct dstb_place_ctx, where)->out;
	u32 nr = out->nr_legs;

	if (nr >= DSTB_MAX_LEGS) {
		out->nr_legs = DSTB_MAX_LEGS + 1;
		return -E2BIG;
	}
	out->legs[nr].node = node;
	out->legs[nr].sector = sector;
	out->nr_legs = nr + 1;
	return 0;
}

/**
 * dstb_pick_view() - looks at a leg's node
 * @pick:	the argument of pick_read()
 * @leg:	a leg, 0..nr_legs-1
 * @view:	a struct dstb_node_view
 * @view__sz:	its size; a shorter one gets the front, what is longer is zero
 *
 * For pick_read(). Return: 0, or -ERANGE when there is no such leg.
 */
__bpf_kfunc int dstb_pick_view(struct dstb_pick *pick, u32 leg, void *view, u32 view__sz)
{
	struct dstb_pick_ctx *ctx = container_of(pick, struct dstb_pick_ctx, pick);
	u32 len = min_t(u32, view__sz, sizeof(struct dstb_node_view));
	struct dstb_node_view full = {};

	memset(view + len, 0, view__sz - len);
	if (leg >= pick->nr_legs) {
		memset(view, 0, len);
		return -ERANGE;
	}
	dstb_node_view(ctx->legs[leg].node, &full);
	memcpy(view, &full, len);
	return 0;
}

/**
 * dstb_member_view() - looks at a node of the volume
 * @layout:	the argument of a callback
 * @node:	index of the node; witnesses come last
 * @view:	a struct dstb_node_view
 * @view__sz:	its size; a shorter one gets the front, what is longer is zero
 *
 * For the callbacks of recovery. Return: 0, or -ERANGE when there is no such node.
 */
__bpf_kfunc int dstb_member_view(struct dstb_layout *layout, u32 node, void *view, u32 view__sz)
{
	struct dstb_mapping *map = container_of(layout, struct dstb_mapping, layout);
	u32 len = min_t(u32, view__sz, sizeof(struct dstb_node_view));
	struct dstb_node_view full = {};

	memset(view + len, 0, view__sz - len);
	if (!map->owner_ops->view(map, node, &full)) {
		memset(view, 0, len);
		return -ERANGE;
	}
	memcpy(view, &full, len);
	return 0;
}

/**
 * dstb_resync_lacked() - looks for a region that some node lacks
 * @next:	the argument of resync_next()
 * @from:	the first to look at
 *
 * For resync_next(). Return: the region, or nr_regions when there is none from there on.
 */
__bpf_kfunc u32 dstb_resync_lacked(struct dstb_resync_next *next, u32 from)
{
	const struct dstb_resync_ctx *ctx = container_of(next, struct dstb_resync_ctx, next);

	return dstb_resync_region(ctx->vol, min(from, next->nr_regions));
}

__bpf_kfunc_end_defs();

/*
 * The table of kfuncs: what the verifier is told, and the callbacks that may call each. The second
 * list and the third go together.
 */
BTF_KFUNCS_START(kfunc_set)
BTF_ID_FLAGS(func, dstb_layout_node, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, dstb_layout_set_value, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, dstb_layout_param, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, dstb_layout_refuse, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, dstb_layout_nodes, KF_TRUSTED_ARGS | KF_RET_NULL)
BTF_ID_FLAGS(func, dstb_place_leg, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, dstb_pick_view, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, dstb_member_view, KF_TRUSTED_ARGS)
BTF_ID_FLAGS(func, dstb_resync_lacked, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(kfunc_set)

BTF_ID_LIST(kfunc_ids)
BTF_ID(func, dstb_layout_node)
BTF_ID(func, dstb_layout_set_value)
BTF_ID(func, dstb_layout_param)
BTF_ID(func, dstb_layout_refuse)
BTF_ID(func, dstb_layout_nodes)
BTF_ID(func, dstb_place_leg)
BTF_ID(func, dstb_pick_view)
BTF_ID(func, dstb_member_view)
BTF_ID(func, dstb_resync_lacked)

static const u32 kfunc_in[] = {
	IN_LAYOUT,					/* dstb_layout_node */
	IN_LAYOUT,					/* dstb_layout_set_value */
	IN_LAYOUT,					/* dstb_layout_param */
	IN_LAYOUT,					/* dstb_layout_refuse */
	IN_PLACE | IN_PICK_READ | IN_ACKS | IN_RECOVERY, /* dstb_layout_nodes */
	IN_PLACE,					/* dstb_place_leg */
	IN_PICK_READ,					/* dstb_pick_view */
	IN_RECOVERY,					/* dstb_member_view */
	IN_RESYNC_NEXT,					/* dstb_resync_lacked */
};

static int kfunc_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
	const struct callback *callback = callback_of(prog);
	u32 i;

	if (!callback)
		return -EACCES;
	kfunc_id -= prog->aux->attach_btf_id - ops_id[0];
	for (i = 0; i < ARRAY_SIZE(kfunc_in); i++)
		if (kfunc_ids[i] == kfunc_id)
			return kfunc_in[i] & callback->bit ? 0 : -EACCES;
	return -EACCES;
}

static const struct btf_kfunc_id_set kfuncs = {
	.owner = THIS_MODULE,
	.set = &kfunc_set,
	.filter = kfunc_filter,
};

/* What a function of its arguments may call: no clocks, no random numbers, no CPU, no task. */
static bool pure(enum bpf_func_id func)
{
	switch (func) {
	case BPF_FUNC_map_lookup_elem:
	case BPF_FUNC_map_update_elem:
	case BPF_FUNC_map_delete_elem:
	case BPF_FUNC_map_push_elem:
	case BPF_FUNC_map_pop_elem:
	case BPF_FUNC_map_peek_elem:
	case BPF_FUNC_map_lookup_percpu_elem:
	case BPF_FUNC_for_each_map_elem:
	case BPF_FUNC_spin_lock:
	case BPF_FUNC_spin_unlock:
	case BPF_FUNC_ringbuf_output:
	case BPF_FUNC_ringbuf_reserve:
	case BPF_FUNC_ringbuf_submit:
	case BPF_FUNC_ringbuf_discard:
	case BPF_FUNC_dynptr_from_mem:
	case BPF_FUNC_dynptr_read:
	case BPF_FUNC_dynptr_write:
	case BPF_FUNC_dynptr_data:
	case BPF_FUNC_loop:
	case BPF_FUNC_strncmp:
	case BPF_FUNC_strtol:
	case BPF_FUNC_strtoul:
	case BPF_FUNC_snprintf:
	case BPF_FUNC_trace_printk:
	case BPF_FUNC_trace_vprintk:
		return true;
	default:
		return false;
	}
}

static const struct bpf_func_proto *func_proto(enum bpf_func_id func, const struct bpf_prog *prog)
{
	const struct callback *callback = callback_of(prog);

	/* A tail call could lead to a program that was checked as another callback. */
	if (!callback || func == BPF_FUNC_tail_call || (callback->pure && !pure(func)))
		return NULL;
	return bpf_base_func_proto(func, prog);
}

static bool ctx_access(int off, int size, enum bpf_access_type type, const struct bpf_prog *prog,
		       struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

static bool inside(int off, int size, size_t from, size_t end)
{
	return off >= (int)from && off + size <= (int)end;
}

/*
 * May a program write there? Asked for writes only, and only through pointers to a kernel's type.
 */
static int struct_access(struct bpf_verifier_log *log, const struct bpf_reg_state *reg, int off,
			 int size)
{
	u32 id = reg->btf_id - READ_ONCE(distance);
	bool writable = false;

	/* Not through what a cast made a pointer: it may point anywhere. */
	if (reg->btf != own_btf || !(reg->type & PTR_TRUSTED)) {
		bpf_log(log, "dstblk: only the callback's arguments can be written to\n");
		return -EACCES;
	}
	if (id == layout_args_id[0])
		writable = inside(off, size, offsetof(struct dstb_layout_args, capacity),
				  offsetofend(struct dstb_layout_args, copies)) ||
			   inside(off, size, offsetof(struct dstb_layout_args, priv),
				  offsetofend(struct dstb_layout_args, priv));
	else if (id == place_id[0])
		writable = inside(off, size, offsetof(struct dstb_place, run),
				  offsetofend(struct dstb_place, run));
	else if (id == resync_next_id[0])
		writable = inside(off, size, offsetof(struct dstb_resync_next, region),
				  offsetofend(struct dstb_resync_next, pause_ms));
	else if (id == node_event_id[0])
		writable = inside(off, size, offsetof(struct dstb_node_event, hold_ms),
				  offsetofend(struct dstb_node_event, hold_ms));
	else if (id == io_error_id[0])
		writable = inside(off, size, offsetof(struct dstb_io_error, retry_ms),
				  offsetofend(struct dstb_io_error, retry_ms));
	if (writable)
		return SCALAR_VALUE;
	bpf_log(log, "dstblk: the member at offset %d is read-only\n", off);
	return -EACCES;
}

static const struct bpf_verifier_ops verifier_ops = {
	.get_func_proto = func_proto,
	.is_valid_access = ctx_access,
	.btf_struct_access = struct_access,
};

static int ops_init(struct btf *btf)
{
	own_btf = btf;
	return 0;
}

/* Called when a program is loaded, before anything else of it is checked. */
static int ops_check_member(const struct btf_type *type, const struct btf_member *member,
			    const struct bpf_prog *prog)
{
	const struct callback *callback = callback_of(prog);

	if (!callback)
		return -EINVAL;
	WRITE_ONCE(distance, prog->aux->attach_btf_id - ops_id[0]);
	return prog->sleepable == callback->sleepable ? 0 : -EINVAL;
}

static int ops_init_member(const struct btf_type *type, const struct btf_member *member,
			   void *kdata, const void *udata)
{
	const struct dstb_policy_ops *user = udata;
	struct dstb_policy_ops *ops = kdata;

	switch (member_offset(type, member)) {
	case MEMBER(name):
		if (!dstb_name_len(user->name, DSTB_POLICY_NAME_LEN)) {
			pr_info("a policy's name is 1 to %d of A-Z a-z 0-9 _ . -\n",
				DSTB_POLICY_NAME_LEN - 1);
			return -EINVAL;
		}
		strscpy(ops->name, user->name, sizeof(ops->name));
		return 1;
	case MEMBER(abi):
		if (user->abi != DSTB_POLICY_ABI) {
			pr_info("policy '%.15s' is for abi %u, this is %u\n", user->name,
				user->abi, DSTB_POLICY_ABI);
			return -EPROTONOSUPPORT;
		}
		ops->abi = user->abi;
		return 1;
	case MEMBER(flags):
		return user->flags ? -EINVAL : 1;
	}
	return 0;
}

static int ops_validate(void *kdata)
{
	return 0;
}

static struct dstb_policy *find(const char *name)
{
	struct dstb_policy *policy;

	lockdep_assert_held(&dstb_policy_lock);
	list_for_each_entry(policy, &policies, list)
		if (!strcmp(policy->ops->name, name))
			return policy;
	return NULL;
}

static int publish(struct dstb_policy *policy)
{
	int err = 0;

	mutex_lock(&dstb_policy_lock);
	if (find(policy->ops->name))
		err = -EEXIST;
	else
		list_add_tail(&policy->list, &policies);
	mutex_unlock(&dstb_policy_lock);
	return err;
}

/*
 * Under BPF's update_mutex, or without a link under the map's mutex. Nothing can undo it before it
 * has returned.
 */
static int ops_reg(void *kdata, struct bpf_link *link)
{
	struct dstb_policy *policy;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	policy = kzalloc(sizeof(*policy), GFP_KERNEL);
	if (!policy)
		return -ENOMEM;
	policy->ops = kdata;
	policy->link = link;
	err = init_srcu_struct(&policy->srcu);
	if (err)
		goto err_free;
	err = publish(policy);
	if (err)
		goto err_srcu;
	dstb_event_policy(policy->ops->name, NULL, "registered", NULL);
	dstb_mapping_policy_registered(policy);
	return 0;

err_srcu:
	cleanup_srcu_struct(&policy->srcu);
err_free:
	kfree(policy);
	return err;
}

/* The name stays taken until the end: a policy of that name can't come while this one goes. */
static void ops_unreg(void *kdata, struct bpf_link *link)
{
	struct dstb_policy_ops *ops = kdata;
	struct dstb_policy *policy;

	mutex_lock(&dstb_policy_lock);
	policy = find(ops->name);
	mutex_unlock(&dstb_policy_lock);
	if (WARN_ON_ONCE(!policy || policy->ops != ops))
		return;

	dstb_mapping_policy_detached(policy);
	dstb_event_policy(ops->name, "registered", "detached", NULL);

	mutex_lock(&dstb_policy_lock);
	list_del(&policy->list);
	mutex_unlock(&dstb_policy_lock);
	cleanup_srcu_struct(&policy->srcu);
	kfree(policy);
}

static int ops_update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	struct dstb_policy_ops *ops = kdata;

	pr_info("policy '%s' can't be replaced in place yet: detach it, register the new one\n",
		ops->name);
	return -EOPNOTSUPP;
}

/* Never called. The names tell BPF whose arguments they have. */
static int dstb_policy_ops__layout(struct dstb_layout_args *args)
{
	return 0;
}

static int dstb_policy_ops__place(struct dstb_layout *layout, struct dstb_place *where)
{
	return 0;
}

static int dstb_policy_ops__pick_read(struct dstb_layout *layout, struct dstb_pick *pick)
{
	return 0;
}

static int dstb_policy_ops__acks(struct dstb_layout *layout, struct dstb_acks *acks)
{
	return 0;
}

static int dstb_policy_ops__init(struct dstb_init *init)
{
	return 0;
}

static void dstb_policy_ops__exit(struct dstb_exit *exit)
{
}

static int dstb_policy_ops__quorum(struct dstb_layout *layout, struct dstb_quorum *quorum)
{
	return 0;
}

static int dstb_policy_ops__resync_next(struct dstb_layout *layout, struct dstb_resync_next *next)
{
	return 0;
}

static int dstb_policy_ops__node_event(struct dstb_layout *layout, struct dstb_node_event *event)
{
	return 0;
}

static int dstb_policy_ops__io_error(struct dstb_layout *layout, struct dstb_io_error *error)
{
	return 0;
}

static int dstb_policy_ops__arbitrate(struct dstb_layout *layout, struct dstb_arbitrate *arbitrate)
{
	return 0;
}

static void dstb_policy_ops__tick(struct dstb_layout *layout, struct dstb_tick *tick)
{
}

static struct dstb_policy_ops stubs = {
	.layout = dstb_policy_ops__layout,
	.place = dstb_policy_ops__place,
	.pick_read = dstb_policy_ops__pick_read,
	.acks = dstb_policy_ops__acks,
	.init = dstb_policy_ops__init,
	.exit = dstb_policy_ops__exit,
	.quorum = dstb_policy_ops__quorum,
	.resync_next = dstb_policy_ops__resync_next,
	.node_event = dstb_policy_ops__node_event,
	.io_error = dstb_policy_ops__io_error,
	.arbitrate = dstb_policy_ops__arbitrate,
	.tick = dstb_policy_ops__tick,
};

static struct bpf_struct_ops struct_ops = {
	.verifier_ops = &verifier_ops,
	.init = ops_init,
	.check_member = ops_check_member,
	.init_member = ops_init_member,
	.validate = ops_validate,
	.reg = ops_reg,
	.unreg = ops_unreg,
	.update = ops_update,
	.cfi_stubs = &stubs,
	.name = "dstb_policy_ops",
	.owner = THIS_MODULE,
};

/**
 * dstb_policy_use() - begins to use a policy
 * @name:	its name
 * @use:	filled
 *
 * Until dstb_policy_unuse(), its sleepable callbacks may be called, and its link has one more
 * reference. The caller holds dstb_policy_lock, and may release it then.
 *
 * Return: whether there is such a policy.
 */
bool dstb_policy_use(const char *name, struct dstb_policy_use *use)
{
	struct dstb_policy *policy = find(name);

	if (!policy || policy->dead)
		return false;
	use->link = NULL;
	if (policy->link) {
		use->link = bpf_link_inc_not_zero(policy->link);
		/* Its last reference is gone, ->unreg is on its way. */
		if (IS_ERR(use->link))
			return false;
	}
	use->policy = policy;
	use->idx = dstb_policy_srcu_lock(policy);
	return true;
}

/**
 * dstb_policy_unuse() - the reverse of dstb_policy_use()
 * @use:	what it filled; the link is set to NULL by who keeps the reference
 *
 * Process context; dstb_policy_lock is not held.
 */
void dstb_policy_unuse(struct dstb_policy_use *use)
{
	dstb_policy_srcu_unlock(use->policy, use->idx);
	if (use->link)
		bpf_link_put(use->link);
}

static void fill_info(const struct dstb_policy *policy, struct dstb_policy_info *info)
{
	const struct dstb_policy_ops *ops = policy->ops;
	u32 i;

	memset(info, 0, sizeof(*info));
	strscpy(info->name, ops->name, sizeof(info->name));
	info->link_id = policy->link ? policy->link->id : 0;
	for (i = 0; i < ARRAY_SIZE(callbacks); i++)
		if (*(void *const *)((const void *)ops + callbacks[i].offset))
			info->callbacks |= callbacks[i].bit;
	info->nr_volumes = policy->nr_volumes;
}

/**
 * dstb_policy_for_each() - looks at each registered policy
 * @fn:		called for each under dstb_policy_lock; a non-zero return ends the walk
 * @arg:	for @fn
 *
 * Process context, may sleep. Return: what @fn returned last, or 0.
 */
int dstb_policy_for_each(int (*fn)(const struct dstb_policy_info *info, void *arg), void *arg)
{
	struct dstb_policy_info info;
	struct dstb_policy *policy;
	int ret = 0;

	mutex_lock(&dstb_policy_lock);
	list_for_each_entry(policy, &policies, list) {
		if (policy->dead)
			continue;
		fill_info(policy, &info);
		ret = fn(&info, arg);
		if (ret)
			break;
	}
	mutex_unlock(&dstb_policy_lock);
	return ret;
}

/**
 * dstb_policy_module_init() - makes the policy type known to BPF
 *
 * Policies can come only once the module's initialisation has succeeded. BPF has no way to take the
 * type back; it forgets it when the module goes, which registered policies prevent.
 *
 * Process context. Return: 0, or a negative errno; -ENOEXEC when the module has no usable BTF.
 */
int dstb_policy_module_init(void)
{
	int err;

	err = dstb_mapping_module_init();
	if (err)
		return err;
	err = register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS, &kfuncs);
	if (!err)
		err = register_bpf_struct_ops(&struct_ops, dstb_policy_ops);
	/* Without BTF both say 0 and do nothing. */
	if (!err && !own_btf) {
		pr_err("this module has no BTF that fits the running kernel, so no policy could be registered: build it with pahole against this kernel's headers\n");
		err = -ENOEXEC;
	}
	if (err)
		dstb_mapping_module_exit();
	return err;
}

/**
 * dstb_policy_module_exit() - the reverse of dstb_policy_module_init()
 *
 * There are neither policies (each holds the module) nor mappings any more. Process context.
 */
void dstb_policy_module_exit(void)
{
	WARN_ON(!list_empty(&policies));
	dstb_mapping_module_exit();
}
