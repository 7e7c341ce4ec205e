/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files about membership (member.c, admit.c, record.c, replace.c) share.
 */
#ifndef _DSTB_MEMBER_INT_H
#define _DSTB_MEMBER_INT_H

#include <linux/types.h>

struct dstb_node;
struct dstb_node_config;
struct dstb_super;
struct dstb_volume;
struct netlink_ext_ack;
struct work_struct;

/* member.c */
bool dstb_member_may_lose(const struct dstb_node *node, bool now);
void dstb_member_fence(struct dstb_volume *vol, const char *reason);
void dstb_member_refuse(struct dstb_node *node, const char *reason);
void dstb_member_overdue(struct dstb_volume *vol);

/* admit.c */
void dstb_admit_begin(struct dstb_node *node);
void dstb_admit(struct dstb_node *node, const struct dstb_super *theirs, bool full);
bool dstb_admit_record_out(struct dstb_node *node);
void dstb_admit_new_medium(struct dstb_node *node);
void dstb_admit_failed(struct dstb_node *node, int err);
void dstb_admit_work_fn(struct work_struct *work);

/* replace.c */
int dstb_member_check_medium(struct dstb_node *node, bool adopt,
			     struct netlink_ext_ack *extack);
int dstb_member_check_place(struct dstb_volume *vol, const struct dstb_node *node,
			    const struct dstb_node_config *to, struct netlink_ext_ack *extack);

/* record.c */
bool dstb_record_age(struct dstb_volume *vol, const struct dstb_node *node);
bool dstb_record_waits(const struct dstb_volume *vol, const struct dstb_node *node);
const struct dstb_node *dstb_record_stuck(const struct dstb_volume *vol);
bool dstb_record(struct dstb_volume *vol);
void dstb_record_work_fn(struct work_struct *work);
void dstb_record_clean(struct dstb_volume *vol);

#endif /* _DSTB_MEMBER_INT_H */
