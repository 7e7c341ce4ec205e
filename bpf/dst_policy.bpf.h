/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a policy includes, after <linux/bpf.h>: types, kfuncs, macros. docs/policies.md is the
 * guide.
 */
#ifndef _DST_POLICY_BPF_H
#define _DST_POLICY_BPF_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/*
 * The module's types: members are found by name when the policy is loaded, so newer modules may
 * append.
 */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#include "dst_policy.h"
#pragma clang attribute pop

#define DSTB_SECTOR_SHIFT	9

#ifndef EINVAL
#define EINVAL			22
#endif

/* For layout(). */
extern int dstb_layout_node(struct dstb_layout_args *args, __u32 node, void *out,
			    __u32 out__sz) __ksym;
extern int dstb_layout_set_value(struct dstb_layout_args *args, __u32 node, __u64 value) __ksym;
extern __u64 dstb_layout_param(struct dstb_layout_args *args, const char *name__str,
			       __u64 dflt) __ksym;
extern int dstb_layout_refuse(struct dstb_layout_args *args, const char *why__str) __ksym;
/* For place(), pick_read(), acks(), and the callbacks of recovery. */
extern __u8 *dstb_layout_nodes(struct dstb_layout *layout, const __u64 rdonly_buf_size) __ksym;
/* For place(). */
extern int dstb_place_leg(struct dstb_place *where, __u32 node, __u64 sector) __ksym;
/* For pick_read(). */
extern int dstb_pick_view(struct dstb_pick *pick, __u32 leg, void *view, __u32 view__sz) __ksym;

/* For the callbacks of recovery: quorum() and those after it. Witnesses have the last indexes. */
extern int dstb_member_view(struct dstb_layout *layout, __u32 node, void *view,
			    __u32 view__sz) __ksym;
/* For resync_next(). */
extern __u32 dstb_resync_lacked(struct dstb_resync_next *next, __u32 from) __ksym;

/*
 * The layout's nodes: an array of DSTB_MAX_NODES, zero from nr_nodes on; NULL never, but the
 * verifier wants a test.
 */
static __always_inline const struct dstb_layout_node *dstb_nodes(struct dstb_layout *layout)
{
	return (void *)dstb_layout_nodes(layout, DSTB_MAX_NODES * sizeof(struct dstb_layout_node));
}

/*
 * DSTB_PROG(CALLBACK, NAME, ARGUMENTS...) begins a function that implements a callback:
 *
 *	int DSTB_PROG(place, my_place, struct dstb_layout *layout, struct dstb_place *where)
 *	{
 *		return dstb_place_leg(where, 0, where->sector);
 *	}
 *
 * It goes into the section that the callback needs. Its arguments may be called anything; libbpf's
 * BPF_PROG() keeps "ctx" for itself.
 */
#define DSTB_PROG(callback, name, args...)						\
name(unsigned long long *_dstb_args);							\
static __always_inline typeof(name(0)) _dstb_##name(args);				\
SEC(_DSTB_SEC_##callback)								\
typeof(name(0)) name(unsigned long long *_dstb_args)					\
{											\
	return _dstb_##name(___bpf_apply(_DSTB_ARGS, ___bpf_narg(args)));		\
}											\
static __always_inline typeof(name(0)) _dstb_##name(args)

#define _DSTB_SEC_layout	"struct_ops.s/layout"
#define _DSTB_SEC_place		"struct_ops/place"
#define _DSTB_SEC_pick_read	"struct_ops/pick_read"
#define _DSTB_SEC_acks		"struct_ops/acks"
#define _DSTB_SEC_init		"struct_ops.s/init"
#define _DSTB_SEC_exit		"struct_ops.s/exit"
#define _DSTB_SEC_quorum	"struct_ops/quorum"
#define _DSTB_SEC_resync_next	"struct_ops/resync_next"
#define _DSTB_SEC_node_event	"struct_ops/node_event"
#define _DSTB_SEC_io_error	"struct_ops/io_error"
#define _DSTB_SEC_arbitrate	"struct_ops/arbitrate"
#define _DSTB_SEC_tick		"struct_ops/tick"

#define _DSTB_SEC_ops		".struct_ops.link"

#define _DSTB_ARGS1		(void *)_dstb_args[0]
#define _DSTB_ARGS2		(void *)_dstb_args[0], (void *)_dstb_args[1]

/*
 * DSTB_POLICY(NAME, MEMBERS...) defines the policy NAME, up to 15 characters:
 *
 *	DSTB_POLICY(mine, .place = (void *)my_place);
 *
 * One a file: bpftool 7.5 and 7.8 do not register a second one.
 */
#define DSTB_POLICY(id, members...)							\
char _license[] SEC("license") = "Dual BSD/GPL";						\
SEC(_DSTB_SEC_ops)									\
struct dstb_policy_ops id = {								\
	.name = #id,									\
	.abi = DSTB_POLICY_ABI,								\
	members										\
}

#endif /* _DST_POLICY_BPF_H */
