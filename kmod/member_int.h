/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files about membership (member.c, admit.c, record.c, replace.c) share.
 */
#ifndef _DSTB_MEMBER_INT_H
#define _DSTB_MEMBER_INT_H

#include <linux/types.h>

struct dstb_node;
struct dstb_super;
struct dstb_volume;
struct work_struct;

/* member.c */
enum dstb_put_out {
	DSTB_PUT_OUT_SPARED,	/* if every sector has a copy that is there now */
	DSTB_PUT_OUT_IN_SYNC,	/* if every sector has a copy, that may be lost for now */
	DSTB_PUT_OUT_ALWAYS,
};

bool dstb_member_may_lose(const struct dstb_node *node, bool now);
bool dstb_member_put_out(struct dstb_node *node, enum dstb_put_out how);
void dstb_member_fence(struct dstb_volume *vol, const char *reason);
void dstb_member_refuse(struct dstb_node *node, const char *reason);
void dstb_member_overdue(struct dstb_volume *vol);

/* admit.c */
void dstb_admit_begin(struct dstb_node *node);
void dstb_admit(struct dstb_node *node, const struct dstb_super *theirs, bool full);
void dstb_admit_work_fn(struct work_struct *work);

/* record.c */
bool dstb_record(struct dstb_volume *vol);
void dstb_record_work_fn(struct work_struct *work);
void dstb_record_clean(struct dstb_volume *vol);

#endif /* _DSTB_MEMBER_INT_H */
