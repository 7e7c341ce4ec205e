/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exports: block devices that other machines may use as nodes (the kernel target).
 */
#ifndef _DSTB_EXPORT_H
#define _DSTB_EXPORT_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uuid.h>

#include "addr.h"
#include "volume.h"

struct net;
struct netlink_ext_ack;
struct dstb_export;

#define DSTB_MAX_LISTEN	8

/**
 * struct dstb_export_config - what an export is made from
 * @name:	1 to 63 characters
 * @path:	the block device
 * @read_only:	refuse writers
 * @shared:	more than one writer at a time
 * @max_sessions: 0 for the default
 * @nr_listen:	1..DSTB_MAX_LISTEN
 * @listen:	addresses; several exports may share one
 */
struct dstb_export_config {
	char name[DSTB_EXPORT_NAME_LEN];
	char path[DSTB_PATH_LEN];
	bool read_only;
	bool shared;
	u32 max_sessions;
	u32 nr_listen;
	struct dstb_addr listen[DSTB_MAX_LISTEN];
};

/**
 * struct dstb_session_info - an initiator at an export, for status
 * @id:		number of the session
 * @client:	uuid of its volume
 * @volume:	what it calls that
 * @role:	enum dst_wire_role
 * @connections: how many now
 * @in_flight:	commands with the device
 * @peer:	address of its first connection
 */
struct dstb_session_info {
	u64 id;
	uuid_t client;
	char volume[DSTB_VOLUME_NAME_LEN];
	u32 role;
	u32 connections;
	u32 in_flight;
	char peer[DSTB_ADDR_TEXT];
};

/**
 * struct dstb_export_info - an export, for status
 * @config:	what it was made from
 * @size:	in sectors
 * @block_size:	in bytes
 * @rejected:	connections refused or closed for what they sent
 * @suspended:	takes nobody for now
 */
struct dstb_export_info {
	struct dstb_export_config config;
	u64 size;
	u32 block_size;
	u64 rejected;
	bool suspended;
};

int dstb_export_add(struct net *net, const struct dstb_export_config *cfg,
		    struct netlink_ext_ack *extack);
int dstb_export_remove(struct net *net, const char *name, struct netlink_ext_ack *extack);
struct dstb_export *dstb_export_get(struct net *net, const char *name);
struct dstb_export *dstb_export_next(struct net *net, u64 serial);
u64 dstb_export_serial(const struct dstb_export *exp);
u32 dstb_export_generation(void);
void dstb_export_put(struct dstb_export *exp);
void dstb_export_info(struct dstb_export *exp, struct dstb_export_info *info);
/* Calls @fn for each session, under the export's mutex. */
int dstb_export_walk(struct dstb_export *exp, int (*fn)(struct dstb_session_info *, void *),
		     void *arg);

/* export_suspend.c */
int dstb_export_suspend(struct net *net, const char *name, struct netlink_ext_ack *extack);
int dstb_export_resume(struct net *net, const char *name, struct netlink_ext_ack *extack);

/* export_local.c: volumes of this kernel that use an export without a socket */
struct block_device;
struct dstb_local_session;
struct dstb_local_session *dstb_export_attach(const struct dstb_volume *vol, const char *name,
					      u32 role, bool takeover,
					      void (*leave)(void *arg, u32 status, const char *why),
					      void *arg, struct netlink_ext_ack *extack);
void dstb_export_detach(struct dstb_local_session *ls);
struct block_device *dstb_export_bdev(const struct dstb_local_session *ls);
u64 dstb_export_instance(const struct dstb_local_session *ls);
u64 dstb_export_instance_of(struct net *net, const char *name);

#endif /* _DSTB_EXPORT_H */
