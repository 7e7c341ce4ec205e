/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Transports: sockets of every kind of address. Nothing outside transport.c knows which kinds there
 * are.
 */
#ifndef _DSTB_TRANSPORT_H
#define _DSTB_TRANSPORT_H

#include <linux/types.h>

#include "addr.h"

struct in6_addr;
struct net;
struct socket;

int dstb_transport_connect(struct net *net, const struct dstb_addr *addr, unsigned int timeout_ms,
			   const bool *give_up, struct socket **sockp);
int dstb_transport_listen(struct net *net, const struct dstb_addr *addr, struct socket **sockp);
void dstb_transport_unlisten(const struct dstb_addr *addr, struct socket *sock);
bool dstb_transport_may_lend(const struct socket *sock);
void dstb_transport_tune(struct socket *sock);
void dstb_transport_from(struct socket *sock, struct in6_addr *from);
void dstb_transport_peer(struct socket *sock, char *buf, size_t size);

#endif /* _DSTB_TRANSPORT_H */
