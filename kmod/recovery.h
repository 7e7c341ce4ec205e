/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Recovery as a policy wants it: what the callbacks of recovery are asked, and what becomes of the
 * answers. All of it is away from the way of requests.
 */
#ifndef _DSTB_RECOVERY_H
#define _DSTB_RECOVERY_H

#include <linux/stddef.h>
#include <linux/types.h>

#include "uapi/dst_policy.h"

struct dstb_mapping;
struct dstb_node;
struct dstb_volume;
struct netlink_ext_ack;

/* policy_recovery.c: asks a policy, checks what it answers */
void dstb_recovery_fault(struct dstb_mapping *map, const char *callback, s64 answer,
			 const char *wrong);
bool dstb_has_callback(struct dstb_mapping *map, size_t offset);
int dstb_ask_quorum(struct dstb_mapping *map, struct dstb_quorum *question);
bool dstb_ask_resync_next(struct dstb_mapping *map, struct dstb_resync_next *next);
bool dstb_ask_node_event(struct dstb_mapping *map, struct dstb_node_event *event);
int dstb_ask_io_error(struct dstb_mapping *map, struct dstb_io_error *error);
bool dstb_ask_arbitrate(struct dstb_mapping *map, struct dstb_arbitrate *question);
bool dstb_call_tick(struct dstb_mapping *map, struct dstb_tick *tick);

/* Does the policy of a mapping have that callback? */
#define dstb_has(map, callback)	\
	dstb_has_callback(map, offsetof(struct dstb_policy_ops, callback))

/* recovery.c: makes the questions, goes by the answers */
void dstb_recovery_view(struct dstb_node *node, struct dstb_node_view *view);
void dstb_recovery_policy_back(struct dstb_volume *vol);
bool dstb_recovery_quorum(struct dstb_volume *vol, u32 votes);
bool dstb_recovery_may_assemble(struct dstb_volume *vol);
u32 dstb_recovery_resync_next(struct dstb_volume *vol, u32 next, u32 busy, u32 *pause_ms);
bool dstb_recovery_hold(struct dstb_node *node, enum dstb_node_event_kind event, u32 *ms);
int dstb_recovery_read_error(struct dstb_node *node, u64 sector, u32 nr_sectors);
void dstb_recovery_dropped(struct dstb_node *node);
bool dstb_recovery_arbitrate(struct dstb_node *node, u64 theirs);
void dstb_recovery_init(struct dstb_volume *vol);
void dstb_recovery_start(struct dstb_volume *vol);
void dstb_recovery_stop(struct dstb_volume *vol);
void dstb_recovery_no_quorum(const struct dstb_volume *vol, u32 votes,
			     struct netlink_ext_ack *extack);

#endif /* _DSTB_RECOVERY_H */
