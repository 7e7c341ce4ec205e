/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	docs/netlink/dst.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: docs/netlink/regen */

#ifndef _DSTB_NETLINK_GEN_H
#define _DSTB_NETLINK_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include "uapi/dst_netlink.h"

/* Common nested types */
extern const struct nla_policy dstb_addr_nl_policy[DST_A_ADDR_SOCKADDR + 1];
extern const struct nla_policy dstb_node_nl_policy[DST_A_NODE_SYNC_SAME + 1];
extern const struct nla_policy dstb_param_nl_policy[DST_A_PARAM_VALUE + 1];

int dstb_nl_do_admin(const struct genl_split_ops *ops, struct sk_buff *skb,
		     struct genl_info *info);
int dstb_nl_dump_admin(struct netlink_callback *cb);

int dstb_nl_volume_create_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_volume_assemble_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_volume_suspend_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_volume_resume_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_volume_scrub_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_node_suspend_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_node_resume_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_node_replace_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_node_resolve_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_volume_stop_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_volume_get_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_volume_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int dstb_nl_node_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int dstb_nl_export_add_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_export_remove_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_export_suspend_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_export_resume_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_export_get_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_export_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int dstb_nl_session_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int dstb_nl_policy_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int dstb_nl_map_get_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_node_add_doit(struct sk_buff *skb, struct genl_info *info);
int dstb_nl_node_remove_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	DST_NLGRP_EVENTS,
};

extern struct genl_family dstb_nl_family;

#endif /* _DSTB_NETLINK_GEN_H */
