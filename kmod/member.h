/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Membership: which nodes are part of a volume now, and everything that changes that: connections
 * lost and back, grace times, ages, quorum, suspending, replacing. One ordered worker a volume.
 */
#ifndef _DSTB_MEMBER_H
#define _DSTB_MEMBER_H

#include <linux/blk_types.h>
#include <linux/types.h>
#include <linux/uuid.h>

struct dstb_node;
struct dstb_node_config;
struct dstb_volume;
struct netlink_ext_ack;

/**
 * struct dstb_node_status - what there is to say of a node, for status
 * @witness:	votes, holds no data
 * @in_sync:	as the superblocks say
 * @uuid:	of its medium; null when it has none
 * @dirty:	sectors that it lacks
 * @sync_total:	sectors that its resync began with
 * @sync_rate:	sectors a second, of late
 * @sync_same:	sectors that its last resync found the same, and did not copy
 * @since_ms:	how long it has been in its state
 * @left_ms:	of one that is lost: what is left of the grace time
 */
struct dstb_node_status {
	bool witness;
	bool in_sync;
	uuid_t uuid;
	u64 dirty;
	u64 sync_total;
	u64 sync_rate;
	u64 sync_same;
	u64 since_ms;
	u64 left_ms;
};

/**
 * struct dstb_member_status - what there is to say of a volume, for status
 * @metadata:	its nodes hold superblocks
 * @age:	sequence number of its age
 * @votes:	nodes with a superblock that are there now
 * @nr_votes:	nodes with a superblock
 * @region:	sectors of a region; 0 without dirty tracking
 * @dirty:	sectors in regions that are marked in the bitmap
 * @scrub_done:	sectors that the last or running scrub is through with
 * @scrub_skipped: of these, sectors of which not every copy was compared
 * @scrub_total: sectors that it compares
 * @scrub_errors: sectors that differed
 * @repaired:	reads that were mended from another copy
 */
struct dstb_member_status {
	bool metadata;
	u64 age;
	u32 votes;
	u32 nr_votes;
	u64 region;
	u64 dirty;
	u64 scrub_done;
	u64 scrub_skipped;
	u64 scrub_total;
	u64 scrub_errors;
	u64 repaired;
};

/* node.c, io.c, session.c: what happens to nodes */
void dstb_member_init_node(struct dstb_node *node);
void dstb_member_failed(struct dstb_node *node, const char *reason);
void dstb_member_error(struct dstb_node *node, blk_status_t status, const char *what);
void dstb_member_lost(struct dstb_node *node, u32 bye, const char *reason);
void dstb_member_reconnect(struct dstb_node *node);
void dstb_member_retry(struct dstb_node *node, u32 ms);
void dstb_member_leaving(struct dstb_node *node);
void dstb_member_kick(struct dstb_volume *vol);
bool dstb_member_early(struct dstb_volume *vol);

/* When a node may be put out of service. */
enum dstb_put_out {
	DSTB_PUT_OUT_SPARED,	/* if every sector has a copy that is there now */
	DSTB_PUT_OUT_IN_SYNC,	/* if every sector has a copy, that may be lost for now */
	DSTB_PUT_OUT_ALWAYS,
};

/* volume.c: its life */
bool dstb_member_is_spared(const struct dstb_node *node);
bool dstb_member_put_out(struct dstb_node *node, enum dstb_put_out how);
void dstb_member_do_without(struct dstb_node *node, enum dstb_put_out how);
int dstb_member_init(struct dstb_volume *vol);
void dstb_member_start(struct dstb_volume *vol);
int dstb_member_first_commit(struct dstb_volume *vol, struct netlink_ext_ack *extack);
void dstb_member_quiesce(struct dstb_volume *vol);
void dstb_member_quiesce_node(struct dstb_node *node);
void dstb_member_stop(struct dstb_volume *vol, bool clean);
void dstb_member_exit(struct dstb_volume *vol);

/* control.c: the operator */
void dstb_member_suspend(struct dstb_node *node);
void dstb_member_resume(struct dstb_node *node);
int dstb_member_replace(struct dstb_node *node, const struct dstb_node_config *cfg, bool adopt,
			struct netlink_ext_ack *extack);

/* create.c, assemble.c */
void dstb_member_admitted(struct dstb_node *node);
int dstb_member_enter(struct dstb_node *node, struct netlink_ext_ack *extack);
void dstb_member_admit_now(struct dstb_node *node);

/* resync.c */
void dstb_member_synced(struct dstb_node *node);

/* All: process context, may sleep; the volume is held by the caller (its users). */
u64 dstb_node_lacked(const struct dstb_node *node);
void dstb_node_status(struct dstb_node *node, struct dstb_node_status *status);
void dstb_member_status(struct dstb_volume *vol, struct dstb_member_status *status);
int dstb_node_suspend(struct dstb_volume *vol, u32 index, struct netlink_ext_ack *extack);
int dstb_node_resume(struct dstb_volume *vol, u32 index, struct netlink_ext_ack *extack);
int dstb_node_replace(struct dstb_volume *vol, u32 index, const struct dstb_node_config *cfg,
		      bool adopt, struct netlink_ext_ack *extack);
int dstb_node_add(struct dstb_volume *vol, const struct dstb_node_config *cfg, bool adopt,
		  u32 *index, struct netlink_ext_ack *extack);
int dstb_node_remove(struct dstb_volume *vol, u32 index, struct netlink_ext_ack *extack);
int dstb_node_resolve(struct dstb_volume *vol, u32 index, struct netlink_ext_ack *extack);
int dstb_volume_suspend(struct dstb_volume *vol, struct netlink_ext_ack *extack);
int dstb_volume_resume(struct dstb_volume *vol, struct netlink_ext_ack *extack);
int dstb_volume_scrub(struct dstb_volume *vol, bool repair, bool end,
		      struct netlink_ext_ack *extack);

#endif /* _DSTB_MEMBER_H */
