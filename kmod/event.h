/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events: every change of state of every object, to the multicast group "events" of the netlink
 * family. Callable from any context.
 */
#ifndef _DSTB_EVENT_H
#define _DSTB_EVENT_H

#include <linux/types.h>

struct dstb_node;
struct dstb_volume;
struct net;

int dstb_event_init(void);
void dstb_event_exit(void);

void dstb_event_volume(const struct dstb_volume *vol, const char *old, const char *new,
		       const char *reason);
void dstb_event_node(const struct dstb_node *node, const char *old, const char *new,
		     const char *reason);
void dstb_event_policy(const char *name, const char *old, const char *new, const char *reason);
void dstb_event_export(struct net *net, const char *name, const char *old, const char *new,
		       const char *reason);
void dstb_event_session(struct net *net, const char *export, const char *old, const char *new,
			const char *reason);

#endif /* _DSTB_EVENT_H */
