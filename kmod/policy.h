/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Policies: the struct_ops type, its kfuncs, and the registry of names.
 */
#ifndef _DSTB_POLICY_H
#define _DSTB_POLICY_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/srcu.h>
#include <linux/types.h>

#include "mapping.h"
#include "uapi/dst_policy.h"

struct bpf_link;
struct dstb_pick_leg;
struct dstb_placement;
struct dstb_volume;

/**
 * struct dstb_policy - a registered policy
 * @list:	in the registry
 * @ops:	its callbacks, in BPF's memory
 * @link:	its BPF link; NULL when it was registered without one. Valid while the policy is in
 *		the registry
 * @srcu:	held by who calls a sleepable callback (layout, init, exit); drained before the
 *		policy goes
 * @dead:	it is being detached: nobody starts to use it any more, but its name is still taken
 * @nr_volumes:	mappings that use it
 *
 * All but @srcu is protected by dstb_policy_lock.
 */
struct dstb_policy {
	struct list_head list;
	struct dstb_policy_ops *ops;
	struct bpf_link *link;
	struct srcu_struct srcu;
	bool dead;
	u32 nr_volumes;
};

/**
 * struct dstb_policy_use - the right to call a policy's sleepable callbacks
 * @policy:	the policy
 * @link:	a reference on its link; NULL when it has none
 * @idx:	of SRCU
 */
struct dstb_policy_use {
	struct dstb_policy *policy;
	struct bpf_link *link;
	int idx;
};

/**
 * struct dstb_layout_ctx - the kernel's side of a question to layout()
 * @args:	what the program sees
 * @map:	the mapping in the making: nodes and parameters
 * @why:	what the program said with dstb_layout_refuse(); empty when it did not
 */
struct dstb_layout_ctx {
	struct dstb_layout_args args;
	struct dstb_mapping *map;
	char why[DSTB_REASON_LEN];
};

/**
 * struct dstb_place_ctx - the kernel's side of a question to place()
 * @where:	what the program sees
 * @out:	where the legs go; its nr_legs counts them, and is DSTB_MAX_LEGS + 1 when there were
 *		more
 */
struct dstb_place_ctx {
	struct dstb_place where;
	struct dstb_placement *out;
};

/**
 * struct dstb_pick_ctx - the kernel's side of a question to pick_read()
 * @pick:	what the program sees
 * @legs:	the legs
 */
struct dstb_pick_ctx {
	struct dstb_pick pick;
	const struct dstb_pick_leg *legs;
};

/**
 * struct dstb_resync_ctx - the kernel's side of a question to resync_next()
 * @next:	what the program sees
 * @vol:	whose regions they are
 */
struct dstb_resync_ctx {
	struct dstb_resync_next next;
	const struct dstb_volume *vol;
};

/**
 * struct dstb_policy_info - a registered policy, for status
 * @name:	its name
 * @link_id:	id of its BPF link; 0 when it was registered without one
 * @callbacks:	bit n set: callback n of struct dstb_policy_ops is implemented (layout is 0, exit is
 *		5, quorum is 6)
 * @nr_volumes:	volumes that use it now
 */
struct dstb_policy_info {
	char name[DSTB_POLICY_NAME_LEN];
	u32 link_id;
	u32 callbacks;
	u32 nr_volumes;
};

/*
 * Protects the registry and the list of mappings; taken inside BPF's update_mutex. Not held around
 * callbacks.
 */
extern struct mutex dstb_policy_lock;

int dstb_policy_module_init(void);
void dstb_policy_module_exit(void);

/* SRCU across functions: sparse, which counts within one, is told that nothing is held. */
static inline int dstb_policy_srcu_lock(struct dstb_policy *policy)
{
	int idx = srcu_read_lock(&policy->srcu);

	__release(&policy->srcu);
	return idx;
}

static inline void dstb_policy_srcu_unlock(struct dstb_policy *policy, int idx)
{
	__acquire(&policy->srcu);
	srcu_read_unlock(&policy->srcu, idx);
}

bool dstb_policy_use(const char *name, struct dstb_policy_use *use);
void dstb_policy_unuse(struct dstb_policy_use *use);

/* mapping.c: what the registry tells the mappings */
int dstb_mapping_module_init(void);
void dstb_mapping_module_exit(void);
void dstb_mapping_policy_registered(const struct dstb_policy *policy);
void dstb_mapping_policy_detached(struct dstb_policy *policy);

/*
 * Calls @fn for each registered policy, under the registry's mutex; a non-zero return ends the walk
 * and is returned.
 */
int dstb_policy_for_each(int (*fn)(const struct dstb_policy_info *info, void *arg), void *arg);

/* policy_default.c: what a volume gets whose policy does not implement a callback */
void dstb_default_layout(struct dstb_layout_args *args, struct dstb_layout_node *nodes);
void dstb_default_place(const struct dstb_layout *layout, const struct dstb_layout_node *nodes,
			struct dstb_place *where, struct dstb_placement *out);
u32 dstb_default_pick_read(const struct dstb_pick_leg *legs, u32 nr_legs);

/* policy.c: kfuncs, for programs only; documented in uapi/dst_policy.h */
int dstb_layout_node(struct dstb_layout_args *args, u32 node, void *out, u32 out__sz);
int dstb_layout_set_value(struct dstb_layout_args *args, u32 node, u64 value);
u64 dstb_layout_param(struct dstb_layout_args *args, const char *name__str, u64 dflt);
int dstb_layout_refuse(struct dstb_layout_args *args, const char *why__str);
u8 *dstb_layout_nodes(struct dstb_layout *layout, const size_t rdonly_buf_size);
int dstb_place_leg(struct dstb_place *where, u32 node, u64 sector);
int dstb_pick_view(struct dstb_pick *pick, u32 leg, void *view, u32 view__sz);
int dstb_member_view(struct dstb_layout *layout, u32 node, void *view, u32 view__sz);
u32 dstb_resync_lacked(struct dstb_resync_next *next, u32 from);

#endif /* _DSTB_POLICY_H */
