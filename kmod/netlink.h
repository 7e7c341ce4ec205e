/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generic netlink family "dst" (docs/netlink/dst.yaml): what its handlers share.
 */
#ifndef _DSTB_NETLINK_H
#define _DSTB_NETLINK_H

#include <linux/types.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

struct dstb_addr;
struct netlink_ext_ack;
struct sk_buff;

int dstb_netlink_init(void);
void dstb_netlink_exit(void);

/* for the handlers, in all files */
int dstb_netlink_check_name(const char *name, const char *what, size_t size,
			    const struct nlattr *attr, struct netlink_ext_ack *extack);
int dstb_netlink_name(const struct nlattr *attr, const char *what, char *buf, size_t size,
		      struct netlink_ext_ack *extack);
int dstb_netlink_addr_get(const struct nlattr *nest, struct dstb_addr *addr,
			  struct netlink_ext_ack *extack);
int dstb_netlink_addr_put(struct sk_buff *skb, int type, const struct dstb_addr *addr);

/**
 * struct dstb_netlink_dump - where a dump goes on, in cb->ctx
 * @object:	serial number of the last object that is done; of policies, how many are
 * @part:	how many parts (nodes, sessions) of @part_of are done
 * @part_of:	serial number of the object that comes next, if it is still there
 * @found:	the object that was asked for was there
 */
struct dstb_netlink_dump {
	u64 object;
	u64 part_of;
	unsigned long part;
	bool found;
};

/* An object comes next: its parts are shown from where the dump stands, or from the first. */
static inline void dstb_netlink_dump_next(struct dstb_netlink_dump *ctx, u64 serial)
{
	if (ctx->part_of != serial)
		ctx->part = 0;
	ctx->part_of = serial;
}

static inline u32 dstb_netlink_u32(const struct nlattr *attr, u32 absent)
{
	return attr ? nla_get_u32(attr) : absent;
}

#endif /* _DSTB_NETLINK_H */
