/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Policies for the tests that answer wrongly, each in one way.
 *
 * Those whose place() is wrong mirror over all nodes (up to 16), correctly, until their switch is
 * thrown, so that a volume can be made first: the switch is the array map k_NAME with one __u32,
 *
 *	bpftool map update name k_NAME key 0 0 0 0 value 1 0 0 0
 */
#ifndef _HOSTILE_H
#define _HOSTILE_H

#include "dst_policy.bpf.h"

#define HOSTILE_SWITCH(id)								\
struct {										\
	__uint(type, BPF_MAP_TYPE_ARRAY);						\
	__uint(max_entries, 1);								\
	__type(key, __u32);								\
	__type(value, __u32);								\
} k_##id SEC(".maps")

/* What the switch is at. */
static __always_inline __u32 hostile_switch(void *map)
{
	__u32 key = 0, *value = bpf_map_lookup_elem(map, &key);

	return value ? *value : 0;
}

static __always_inline void hostile_mirror_layout(struct dstb_layout_args *args)
{
	__u32 block = args->block_size >> DSTB_SECTOR_SHIFT;
	__u64 smallest = ~0ULL;
	__u32 i;

	bpf_for(i, 0, args->nr_nodes) {
		struct dstb_layout_node node = {};

		dstb_layout_node(args, i, &node, sizeof(node));
		if (node.size < smallest)
			smallest = node.size;
	}
	args->capacity = smallest & ~(__u64)(block - 1);
	args->copies = args->nr_nodes < DSTB_MAX_LEGS ? args->nr_nodes : DSTB_MAX_LEGS;
}

static __always_inline int hostile_mirror_place(struct dstb_layout *layout,
						struct dstb_place *where)
{
	__u32 i;

	for (i = 0; i < DSTB_MAX_LEGS && i < layout->copies; i++)
		dstb_place_leg(where, i, where->sector);
	return 0;
}

/* HOSTILE_PLACE(NAME) { what place() does when the switch is at "level" instead of 0 } */
#define HOSTILE_PLACE(id)								\
HOSTILE_SWITCH(id);									\
static int wrong(struct dstb_layout *layout, struct dstb_place *where, __u32 level);	\
int DSTB_PROG(layout, id##_layout, struct dstb_layout_args *args)			\
{											\
	hostile_mirror_layout(args);							\
	return 0;									\
}											\
int DSTB_PROG(place, id##_place, struct dstb_layout *layout, struct dstb_place *where)	\
{											\
	__u32 level = hostile_switch(&k_##id);						\
											\
	if (level)									\
		return wrong(layout, where, level);					\
	return hostile_mirror_place(layout, where);					\
}											\
DSTB_POLICY(id, .layout = (void *)id##_layout, .place = (void *)id##_place);		\
static __always_inline int wrong(struct dstb_layout *layout, struct dstb_place *where, __u32 level)

/*
 * HOSTILE_RECOVERY(NAME, MEMBERS...): a mirror, and a switch for the callbacks in MEMBERS, which
 * stand before it
 */
#define HOSTILE_RECOVERY(id, members...)						\
int DSTB_PROG(layout, id##_layout, struct dstb_layout_args *args)			\
{											\
	hostile_mirror_layout(args);							\
	return 0;									\
}											\
int DSTB_PROG(place, id##_place, struct dstb_layout *layout, struct dstb_place *where)	\
{											\
	return hostile_mirror_place(layout, where);					\
}											\
DSTB_POLICY(id, .layout = (void *)id##_layout, .place = (void *)id##_place, members)

/* HOSTILE_LAYOUT(NAME) { what layout() does after it has laid a mirror out } */
#define HOSTILE_LAYOUT(id)								\
static int wrong(struct dstb_layout_args *args);					\
int DSTB_PROG(layout, id##_layout, struct dstb_layout_args *args)			\
{											\
	hostile_mirror_layout(args);							\
	return wrong(args);								\
}											\
int DSTB_PROG(place, id##_place, struct dstb_layout *layout, struct dstb_place *where)	\
{											\
	return hostile_mirror_place(layout, where);					\
}											\
DSTB_POLICY(id, .layout = (void *)id##_layout, .place = (void *)id##_place);		\
static __always_inline int wrong(struct dstb_layout_args *args)

#endif /* _HOSTILE_H */
