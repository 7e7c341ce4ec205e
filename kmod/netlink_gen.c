// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	docs/netlink/dst.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: docs/netlink/regen */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "compat.h"
#include "netlink_gen.h"

#include "uapi/dst_netlink.h"

/* Integer value ranges */
static const struct netlink_range_validation dstb_a_node_weight_range = {
	.min	= 1ULL,
	.max	= 1000000ULL,
};

static const struct netlink_range_validation dstb_a_volume_io_timeout_ms_range = {
	.min	= 1000ULL,
	.max	= 3600000ULL,
};

static const struct netlink_range_validation dstb_a_volume_grace_ms_range = {
	.max	= 3600000ULL,
};

/* Common nested types */
const struct nla_policy dstb_addr_nl_policy[DST_A_ADDR_SOCKADDR + 1] = {
	[DST_A_ADDR_TRANSPORT] = NLA_POLICY_MAX(NLA_U32, 2),
	[DST_A_ADDR_SOCKADDR] = NLA_POLICY_MAX_LEN(128),
};

const struct nla_policy dstb_node_nl_policy[DST_A_NODE_SYNC_SAME + 1] = {
	[DST_A_NODE_INDEX] = { .type = NLA_U32, },
	[DST_A_NODE_PATH] = { .type = NLA_NUL_STRING, .len = 255, },
	[DST_A_NODE_ADDR] = NLA_POLICY_NESTED(dstb_addr_nl_policy),
	[DST_A_NODE_EXPORT] = { .type = NLA_NUL_STRING, .len = 63, },
	[DST_A_NODE_WEIGHT] = NLA_POLICY_FULL_RANGE(NLA_U32, &dstb_a_node_weight_range),
	[DST_A_NODE_ZONE] = { .type = NLA_U32, },
	[DST_A_NODE_STATE] = NLA_POLICY_MAX(NLA_U32, 7),
	[DST_A_NODE_REASON] = { .type = NLA_NUL_STRING, },
	[DST_A_NODE_SIZE] = { .type = NLA_U64, },
	[DST_A_NODE_IN_FLIGHT] = { .type = NLA_U32, },
	[DST_A_NODE_ERRORS] = { .type = NLA_U64, },
	[DST_A_NODE_READS] = { .type = NLA_U64, },
	[DST_A_NODE_WRITES] = { .type = NLA_U64, },
	[DST_A_NODE_LATENCY_NS] = { .type = NLA_U64, },
	[DST_A_NODE_CONNECTIONS] = { .type = NLA_U32, },
	[DST_A_NODE_VOLUME] = { .type = NLA_NUL_STRING, },
	[DST_A_NODE_WITNESS] = { .type = NLA_FLAG, },
	[DST_A_NODE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[DST_A_NODE_IN_SYNC] = { .type = NLA_FLAG, },
	[DST_A_NODE_DIRTY] = { .type = NLA_U64, },
	[DST_A_NODE_SYNC_TOTAL] = { .type = NLA_U64, },
	[DST_A_NODE_SYNC_RATE] = { .type = NLA_U64, },
	[DST_A_NODE_SINCE_MS] = { .type = NLA_U64, },
	[DST_A_NODE_LEFT_MS] = { .type = NLA_U64, },
	[DST_A_NODE_SYNC_SAME] = { .type = NLA_U64, },
};

const struct nla_policy dstb_param_nl_policy[DST_A_PARAM_VALUE + 1] = {
	[DST_A_PARAM_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
	[DST_A_PARAM_VALUE] = { .type = NLA_U64, },
};

/* DST_CMD_VOLUME_CREATE - do */
static const struct nla_policy dstb_volume_create_nl_policy[DST_A_VOLUME_CHECKSUM + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_VOLUME_UUID] = NLA_POLICY_EXACT_LEN(16),
	[DST_A_VOLUME_POLICY] = { .type = NLA_NUL_STRING, .len = 15, },
	[DST_A_VOLUME_PARAM] = NLA_POLICY_NESTED(dstb_param_nl_policy),
	[DST_A_VOLUME_NODE] = NLA_POLICY_NESTED(dstb_node_nl_policy),
	[DST_A_VOLUME_READ_ONLY] = { .type = NLA_FLAG, },
	[DST_A_VOLUME_ROLE] = NLA_POLICY_MAX(NLA_U32, 2),
	[DST_A_VOLUME_CONNECTIONS] = NLA_POLICY_RANGE(NLA_U32, 1, 64),
	[DST_A_VOLUME_IO_TIMEOUT_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &dstb_a_volume_io_timeout_ms_range),
	[DST_A_VOLUME_ADOPT] = { .type = NLA_FLAG, },
	[DST_A_VOLUME_NO_WAIT] = { .type = NLA_FLAG, },
	[DST_A_VOLUME_GRACE_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &dstb_a_volume_grace_ms_range),
	[DST_A_VOLUME_CHECKSUM] = { .type = NLA_FLAG, },
};

/* DST_CMD_VOLUME_ASSEMBLE - do */
static const struct nla_policy dstb_volume_assemble_nl_policy[DST_A_VOLUME_CHECKSUM + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_VOLUME_NODE] = NLA_POLICY_NESTED(dstb_node_nl_policy),
	[DST_A_VOLUME_CONNECTIONS] = NLA_POLICY_RANGE(NLA_U32, 1, 64),
	[DST_A_VOLUME_IO_TIMEOUT_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &dstb_a_volume_io_timeout_ms_range),
	[DST_A_VOLUME_NO_WAIT] = { .type = NLA_FLAG, },
	[DST_A_VOLUME_GRACE_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &dstb_a_volume_grace_ms_range),
	[DST_A_VOLUME_DEGRADED] = { .type = NLA_FLAG, },
	[DST_A_VOLUME_TAKEOVER] = { .type = NLA_FLAG, },
	[DST_A_VOLUME_CHECKSUM] = { .type = NLA_FLAG, },
};

/* DST_CMD_VOLUME_SUSPEND - do */
static const struct nla_policy dstb_volume_suspend_nl_policy[DST_A_VOLUME_NAME + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
};

/* DST_CMD_VOLUME_RESUME - do */
static const struct nla_policy dstb_volume_resume_nl_policy[DST_A_VOLUME_NAME + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
};

/* DST_CMD_VOLUME_SCRUB - do */
static const struct nla_policy dstb_volume_scrub_nl_policy[DST_A_VOLUME_END + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_VOLUME_REPAIR] = { .type = NLA_FLAG, },
	[DST_A_VOLUME_END] = { .type = NLA_FLAG, },
};

/* DST_CMD_NODE_SUSPEND - do */
static const struct nla_policy dstb_node_suspend_nl_policy[DST_A_VOLUME_NODE + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_VOLUME_NODE] = NLA_POLICY_NESTED(dstb_node_nl_policy),
};

/* DST_CMD_NODE_RESUME - do */
static const struct nla_policy dstb_node_resume_nl_policy[DST_A_VOLUME_NODE + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_VOLUME_NODE] = NLA_POLICY_NESTED(dstb_node_nl_policy),
};

/* DST_CMD_NODE_REPLACE - do */
static const struct nla_policy dstb_node_replace_nl_policy[DST_A_VOLUME_ADOPT + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_VOLUME_NODE] = NLA_POLICY_NESTED(dstb_node_nl_policy),
	[DST_A_VOLUME_ADOPT] = { .type = NLA_FLAG, },
};

/* DST_CMD_NODE_RESOLVE - do */
static const struct nla_policy dstb_node_resolve_nl_policy[DST_A_VOLUME_NODE + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_VOLUME_NODE] = NLA_POLICY_NESTED(dstb_node_nl_policy),
};

/* DST_CMD_VOLUME_STOP - do */
static const struct nla_policy dstb_volume_stop_nl_policy[DST_A_VOLUME_FORCE + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_VOLUME_FORCE] = { .type = NLA_FLAG, },
};

/* DST_CMD_VOLUME_GET - do */
static const struct nla_policy dstb_volume_get_nl_policy[DST_A_VOLUME_NAME + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
};

/* DST_CMD_NODE_GET - dump */
static const struct nla_policy dstb_node_get_nl_policy[DST_A_VOLUME_NAME + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
};

/* DST_CMD_EXPORT_ADD - do */
static const struct nla_policy dstb_export_add_nl_policy[DST_A_EXPORT_MAX_SESSIONS + 1] = {
	[DST_A_EXPORT_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[DST_A_EXPORT_PATH] = { .type = NLA_NUL_STRING, .len = 255, },
	[DST_A_EXPORT_LISTEN] = NLA_POLICY_NESTED(dstb_addr_nl_policy),
	[DST_A_EXPORT_READ_ONLY] = { .type = NLA_FLAG, },
	[DST_A_EXPORT_SHARED] = { .type = NLA_FLAG, },
	[DST_A_EXPORT_MAX_SESSIONS] = NLA_POLICY_RANGE(NLA_U32, 1, 1024),
};

/* DST_CMD_EXPORT_REMOVE - do */
static const struct nla_policy dstb_export_remove_nl_policy[DST_A_EXPORT_NAME + 1] = {
	[DST_A_EXPORT_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* DST_CMD_EXPORT_SUSPEND - do */
static const struct nla_policy dstb_export_suspend_nl_policy[DST_A_EXPORT_NAME + 1] = {
	[DST_A_EXPORT_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* DST_CMD_EXPORT_RESUME - do */
static const struct nla_policy dstb_export_resume_nl_policy[DST_A_EXPORT_NAME + 1] = {
	[DST_A_EXPORT_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* DST_CMD_EXPORT_GET - do */
static const struct nla_policy dstb_export_get_nl_policy[DST_A_EXPORT_NAME + 1] = {
	[DST_A_EXPORT_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* DST_CMD_SESSION_GET - dump */
static const struct nla_policy dstb_session_get_nl_policy[DST_A_EXPORT_NAME + 1] = {
	[DST_A_EXPORT_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* DST_CMD_MAP_GET - do */
static const struct nla_policy dstb_map_get_nl_policy[DST_A_MAP_NR_SECTORS + 1] = {
	[DST_A_MAP_VOLUME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_MAP_SECTOR] = { .type = NLA_U64, },
	[DST_A_MAP_NR_SECTORS] = { .type = NLA_U32, },
};

/* DST_CMD_NODE_ADD - do */
static const struct nla_policy dstb_node_add_nl_policy[DST_A_VOLUME_ADOPT + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_VOLUME_NODE] = NLA_POLICY_NESTED(dstb_node_nl_policy),
	[DST_A_VOLUME_ADOPT] = { .type = NLA_FLAG, },
};

/* DST_CMD_NODE_REMOVE - do */
static const struct nla_policy dstb_node_remove_nl_policy[DST_A_VOLUME_NODE + 1] = {
	[DST_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = 27, },
	[DST_A_VOLUME_NODE] = NLA_POLICY_NESTED(dstb_node_nl_policy),
};

/* Ops table for dst */
static const struct genl_split_ops dstb_nl_ops[] = {
	{
		.cmd		= DST_CMD_VOLUME_CREATE,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_volume_create_doit,
		.policy		= dstb_volume_create_nl_policy,
		.maxattr	= DST_A_VOLUME_CHECKSUM,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_VOLUME_ASSEMBLE,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_volume_assemble_doit,
		.policy		= dstb_volume_assemble_nl_policy,
		.maxattr	= DST_A_VOLUME_CHECKSUM,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_VOLUME_SUSPEND,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_volume_suspend_doit,
		.policy		= dstb_volume_suspend_nl_policy,
		.maxattr	= DST_A_VOLUME_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_VOLUME_RESUME,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_volume_resume_doit,
		.policy		= dstb_volume_resume_nl_policy,
		.maxattr	= DST_A_VOLUME_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_VOLUME_SCRUB,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_volume_scrub_doit,
		.policy		= dstb_volume_scrub_nl_policy,
		.maxattr	= DST_A_VOLUME_END,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_NODE_SUSPEND,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_node_suspend_doit,
		.policy		= dstb_node_suspend_nl_policy,
		.maxattr	= DST_A_VOLUME_NODE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_NODE_RESUME,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_node_resume_doit,
		.policy		= dstb_node_resume_nl_policy,
		.maxattr	= DST_A_VOLUME_NODE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_NODE_REPLACE,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_node_replace_doit,
		.policy		= dstb_node_replace_nl_policy,
		.maxattr	= DST_A_VOLUME_ADOPT,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_NODE_RESOLVE,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_node_resolve_doit,
		.policy		= dstb_node_resolve_nl_policy,
		.maxattr	= DST_A_VOLUME_NODE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_VOLUME_STOP,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_volume_stop_doit,
		.policy		= dstb_volume_stop_nl_policy,
		.maxattr	= DST_A_VOLUME_FORCE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_VOLUME_GET,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_volume_get_doit,
		.policy		= dstb_volume_get_nl_policy,
		.maxattr	= DST_A_VOLUME_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= DST_CMD_VOLUME_GET,
		.start	= dstb_nl_dump_admin,
		.dumpit	= dstb_nl_volume_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= DST_CMD_NODE_GET,
		.start		= dstb_nl_dump_admin,
		.dumpit		= dstb_nl_node_get_dumpit,
		.policy		= dstb_node_get_nl_policy,
		.maxattr	= DST_A_VOLUME_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= DST_CMD_EXPORT_ADD,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_export_add_doit,
		.policy		= dstb_export_add_nl_policy,
		.maxattr	= DST_A_EXPORT_MAX_SESSIONS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_EXPORT_REMOVE,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_export_remove_doit,
		.policy		= dstb_export_remove_nl_policy,
		.maxattr	= DST_A_EXPORT_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_EXPORT_SUSPEND,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_export_suspend_doit,
		.policy		= dstb_export_suspend_nl_policy,
		.maxattr	= DST_A_EXPORT_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_EXPORT_RESUME,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_export_resume_doit,
		.policy		= dstb_export_resume_nl_policy,
		.maxattr	= DST_A_EXPORT_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_EXPORT_GET,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_export_get_doit,
		.policy		= dstb_export_get_nl_policy,
		.maxattr	= DST_A_EXPORT_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= DST_CMD_EXPORT_GET,
		.start	= dstb_nl_dump_admin,
		.dumpit	= dstb_nl_export_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= DST_CMD_SESSION_GET,
		.start		= dstb_nl_dump_admin,
		.dumpit		= dstb_nl_session_get_dumpit,
		.policy		= dstb_session_get_nl_policy,
		.maxattr	= DST_A_EXPORT_NAME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= DST_CMD_POLICY_GET,
		.start	= dstb_nl_dump_admin,
		.dumpit	= dstb_nl_policy_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= DST_CMD_MAP_GET,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_map_get_doit,
		.policy		= dstb_map_get_nl_policy,
		.maxattr	= DST_A_MAP_NR_SECTORS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_NODE_ADD,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_node_add_doit,
		.policy		= dstb_node_add_nl_policy,
		.maxattr	= DST_A_VOLUME_ADOPT,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= DST_CMD_NODE_REMOVE,
		.pre_doit	= dstb_nl_do_admin,
		.doit		= dstb_nl_node_remove_doit,
		.policy		= dstb_node_remove_nl_policy,
		.maxattr	= DST_A_VOLUME_NODE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group dstb_nl_mcgrps[] = {
	[DST_NLGRP_EVENTS] = { "events", .flags = GENL_MCAST_CAP_SYS_ADMIN, },
};

struct genl_family dstb_nl_family __ro_after_init = {
	.name		= DST_FAMILY_NAME,
	.version	= DST_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= dstb_nl_ops,
	.n_split_ops	= ARRAY_SIZE(dstb_nl_ops),
	.mcgrps		= dstb_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(dstb_nl_mcgrps),
};
