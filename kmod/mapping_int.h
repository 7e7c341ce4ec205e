/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files about mappings (mapping.c, relayout.c) share.
 */
#ifndef _DSTB_MAPPING_INT_H
#define _DSTB_MAPPING_INT_H

#include <linux/types.h>

struct dstb_layout;
struct dstb_mapping;
struct dstb_policy_ops;

/* mapping.c */
u64 dstb_mapping_sample(const struct dstb_layout *layout, u32 i);
int dstb_mapping_prepare(struct dstb_mapping *map, const struct dstb_policy_ops *ops, char *why);
struct dstb_mapping *dstb_mapping_scratch(const struct dstb_mapping *map);

#endif /* _DSTB_MAPPING_INT_H */
