/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses, and the table of transports: the only code that knows which families there are.
 */
#ifndef _DSTB_ADDR_H
#define _DSTB_ADDR_H

#include <linux/socket.h>
#include <linux/types.h>

struct net;
struct netlink_ext_ack;
struct socket;

#define DSTB_ADDR_TEXT	128

/**
 * struct dstb_addr - where an export listens
 * @transport:	enum dst_transport
 * @len:	valid bytes of @ss
 * @ss:		the family's address
 */
struct dstb_addr {
	u32 transport;
	u32 len;
	struct sockaddr_storage ss;
};

int dstb_addr_check(const struct dstb_addr *addr, struct netlink_ext_ack *extack);
bool dstb_addr_equal(const struct dstb_addr *a, const struct dstb_addr *b);
const char *dstb_addr_text(const struct dstb_addr *addr, char *buf, size_t size);

#endif /* _DSTB_ADDR_H */
