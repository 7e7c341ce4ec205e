/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the netlink handlers about volumes share with those about nodes.
 */
#ifndef _DSTB_NETLINK_VOLUME_H
#define _DSTB_NETLINK_VOLUME_H

#include <linux/types.h>

struct dstb_volume;
struct dstb_volume_config;
struct genl_info;
struct netlink_callback;
struct nlattr;
struct sk_buff;

/* netlink_volume.c */
bool dstb_netlink_hold(struct dstb_volume *vol);
void dstb_netlink_release(struct dstb_volume *vol);
struct dstb_volume *dstb_netlink_get_volume(struct genl_info *info, const struct nlattr *attr);
void dstb_netlink_put_volume(struct dstb_volume *vol);
void *dstb_netlink_volume_head(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);

/* netlink_node.c */
int dstb_netlink_nodes(struct genl_info *info, bool assemble, struct dstb_volume_config *cfg);

#endif /* _DSTB_NETLINK_VOLUME_H */
