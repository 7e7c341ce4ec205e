/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mapping: one volume's use of one policy: its layout, parameters, fingerprint, and the published
 * ops.
 */
#ifndef _DSTB_MAPPING_H
#define _DSTB_MAPPING_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/uuid.h>

#include "uapi/dst_policy.h"

struct bpf_link;
struct dstb_mapping;
struct dstb_policy;
struct netlink_ext_ack;

#define DSTB_MAX_PARAMS		16
#define DSTB_MAPPING_SAMPLES	64
#define DSTB_REASON_LEN		160	/* a sentence for people, with the terminating zero */

/**
 * struct dstb_param - a parameter that the operator gave
 * @name:	its name
 * @value:	its value
 * @asked:	layout() asked for it; one that nobody asks for is refused
 */
struct dstb_param {
	char name[DSTB_PARAM_NAME_LEN];
	u64 value;
	bool asked;
};

/**
 * struct dstb_mapping_ops - what the owner of a mapping is told
 * @lost:	the policy was detached; dstb_place() says -EAGAIN from now on. Process context, may
 *		sleep; must not wait for I/O (a kernel-global mutex of BPF's is held)
 * @back:	a policy with the same name and fingerprint took over. Process context, may sleep
 * @refused:	a policy of that name registered but places data elsewhere; @why names the first
 *		sector. Process context
 * @fault:	the first wrong answer of a layout callback (place); called at most once a mapping,
 *		any context
 * @view:	looks at a node of the volume for a callback of recovery; false: there is no such
 *		node. Does not sleep; only while such a callback runs
 *
 * lost, back and refused come one at a time and in order, the first maybe before
 * dstb_mapping_init() has returned. dstb_mapping_exit() waits for them: they must not take a lock
 * that is held around it. A dstb_place() may say -EAGAIN before @lost has come, and one that began
 * earlier after @back has: who queues a request on -EAGAIN must ask dstb_mapping_lost() once more
 * when it is queued.
 */
struct dstb_mapping_ops {
	void (*lost)(struct dstb_mapping *map);
	void (*back)(struct dstb_mapping *map);
	void (*refused)(struct dstb_mapping *map, const char *why);
	void (*fault)(struct dstb_mapping *map, const char *why);
	bool (*view)(struct dstb_mapping *map, u32 node, struct dstb_node_view *view);
};

/**
 * struct dstb_mapping_config - what a mapping is made from
 * @policy:	name of a registered policy
 * @volume:	name of the volume, for init() and exit()
 * @uuid:	of the volume
 * @block_size:	logical block size in bytes
 * @nr_nodes:	1..DSTB_MAX_NODES
 * @nodes:	size, weight and zone of each
 * @nr_params:	how many parameters
 * @params:	the operator's parameters
 * @fingerprint: what it must be, DSTB_MAPPING_SAMPLES words; NULL for a new volume
 */
struct dstb_mapping_config {
	const char *policy;
	const char *volume;
	uuid_t uuid;
	u32 block_size;
	u32 nr_nodes;
	const struct dstb_layout_node *nodes;
	u32 nr_params;
	const struct dstb_param *params;
	const u32 *fingerprint;
};

/**
 * struct dstb_mapping - one volume's use of one policy
 * @ops:	the policy's callbacks under RCU; NULL while the policy is lost
 * @layout:	what place() is a function of; changes with dstb_mapping_switch() only
 * @nodes:	the layout's nodes, DSTB_MAX_NODES of them, zero from nr_nodes on
 * @owner_ops:	whom to tell
 * @policy_name: name of the policy, stays when the policy goes
 * @faulted:	a layout callback answered wrongly; set once
 * @choice_faults: wrong answers of callbacks with a default (pick_read, acks, those of recovery) so
 *		far
 * @place_faults: wrong answers of place so far
 *
 * The rest belongs to mapping.c, under dstb_policy_lock:
 * @list:	of all mappings
 * @policy:	the policy in use; NULL while it is lost
 * @link:	a reference on the policy's link: the policy stays when its pin goes
 * @generation:	one more with each time that it got a policy
 * @pins:	who works on the mapping outside the lock; dstb_mapping_exit() waits for them
 * @retry:	a policy of that name registered since the mapping lost its own
 * @inited:	init() returned 0, exit() is due
 * @volume:	for init() and exit()
 * @uuid:	for init() and exit()
 * @nr_params:	how many parameters
 * @params:	what the operator gave
 * @fingerprint: a hash of place()'s answer at each sampled sector
 */
struct dstb_mapping {
	struct dstb_policy_ops __rcu *ops;
	struct dstb_layout layout;
	struct dstb_layout_node *nodes;
	const struct dstb_mapping_ops *owner_ops;
	char policy_name[DSTB_POLICY_NAME_LEN];
	unsigned long faulted;
	atomic64_t choice_faults;
	atomic64_t place_faults;

	/* mapping.c: under its mutex */
	struct list_head list;
	struct dstb_policy *policy;
	struct bpf_link *link;
	u32 generation;
	u32 pins;
	bool retry;
	bool inited;
	char volume[DSTB_VOLUME_NAME_LEN];
	uuid_t uuid;
	u32 nr_params;
	struct dstb_param params[DSTB_MAX_PARAMS];
	u32 fingerprint[DSTB_MAPPING_SAMPLES];
};

int dstb_mapping_init(struct dstb_mapping *map, const struct dstb_mapping_config *cfg,
		      const struct dstb_mapping_ops *owner_ops, struct netlink_ext_ack *extack);
void dstb_mapping_exit(struct dstb_mapping *map, enum dstb_exit_reason reason);
bool dstb_mapping_lost(const struct dstb_mapping *map);

/* relayout.c */
struct dstb_mapping *dstb_mapping_draft(struct dstb_mapping *map,
					const struct dstb_layout_node *nodes, u32 nr, u32 node,
					struct netlink_ext_ack *extack);
int dstb_mapping_switch_begin(const struct dstb_mapping *map, const struct dstb_mapping *draft);
void dstb_mapping_switch(struct dstb_mapping *map, const struct dstb_mapping *draft);
void dstb_mapping_switch_end(void);
void dstb_mapping_scratch_free(struct dstb_mapping *scratch);

#endif /* _DSTB_MAPPING_H */
