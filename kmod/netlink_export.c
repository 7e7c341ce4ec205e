// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink handlers about exports and their sessions.
 */
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "export.h"
#include "netlink.h"

static int parse_path(struct genl_info *info, struct dstb_export_config *cfg)
{
	const struct nlattr *attr = info->attrs[DST_A_EXPORT_PATH];

	if (GENL_REQ_ATTR_CHECK(info, DST_A_EXPORT_PATH)) {
		GENL_SET_ERR_MSG(info, "the path of the device is missing");
		return -EINVAL;
	}
	nla_strscpy(cfg->path, attr, sizeof(cfg->path));
	if (cfg->path[0] != '/') {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "the path of the device must start with '/'");
		return -EINVAL;
	}
	return 0;
}

static int parse_listen(struct genl_info *info, struct dstb_export_config *cfg)
{
	struct nlattr *attr;
	int rem, err;
	u32 i;

	nla_for_each_attr_type(attr, DST_A_EXPORT_LISTEN, nlmsg_attrdata(info->nlhdr, GENL_HDRLEN),
			       nlmsg_attrlen(info->nlhdr, GENL_HDRLEN), rem) {
		if (cfg->nr_listen == DSTB_MAX_LISTEN) {
			NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "more than %u addresses",
						DSTB_MAX_LISTEN);
			return -E2BIG;
		}
		err = dstb_netlink_addr_get(attr, &cfg->listen[cfg->nr_listen], info->extack);
		if (err)
			return err;
		for (i = 0; i < cfg->nr_listen; i++) {
			if (!dstb_addr_equal(&cfg->listen[i], &cfg->listen[cfg->nr_listen]))
				continue;
			NL_SET_ERR_MSG_ATTR(info->extack, attr, "an address is given twice");
			return -EINVAL;
		}
		cfg->nr_listen++;
	}
	if (!cfg->nr_listen) {
		GENL_SET_ERR_MSG(info, "an export takes at least one address to listen on");
		return -EINVAL;
	}
	return 0;
}

/**
 * dstb_nl_export_add_doit() - offer a block device
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_export_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dstb_export_config *cfg = kzalloc(sizeof(*cfg), GFP_KERNEL);
	int err;

	if (!cfg)
		return -ENOMEM;
	err = dstb_netlink_name(info->attrs[DST_A_EXPORT_NAME], "export", cfg->name,
				sizeof(cfg->name), info->extack);
	if (!err)
		err = parse_path(info, cfg);
	if (!err)
		err = parse_listen(info, cfg);
	if (!err) {
		cfg->read_only = nla_get_flag(info->attrs[DST_A_EXPORT_READ_ONLY]);
		cfg->shared = nla_get_flag(info->attrs[DST_A_EXPORT_SHARED]);
		cfg->max_sessions = dstb_netlink_u32(info->attrs[DST_A_EXPORT_MAX_SESSIONS], 0);
		err = dstb_export_add(genl_info_net(info), cfg, info->extack);
	}
	kfree(cfg);
	return err;
}

/**
 * dstb_nl_export_remove_doit() - take an export back
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_export_remove_doit(struct sk_buff *skb, struct genl_info *info)
{
	char name[DSTB_EXPORT_NAME_LEN];

	return dstb_netlink_name(info->attrs[DST_A_EXPORT_NAME], "export", name, sizeof(name),
				 info->extack) ?:
	       dstb_export_remove(genl_info_net(info), name, info->extack);
}

/**
 * dstb_nl_export_suspend_doit() - have everybody leave an export
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_export_suspend_doit(struct sk_buff *skb, struct genl_info *info)
{
	char name[DSTB_EXPORT_NAME_LEN];

	return dstb_netlink_name(info->attrs[DST_A_EXPORT_NAME], "export", name, sizeof(name),
				 info->extack) ?:
	       dstb_export_suspend(genl_info_net(info), name, info->extack);
}

/**
 * dstb_nl_export_resume_doit() - let initiators in again
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_export_resume_doit(struct sk_buff *skb, struct genl_info *info)
{
	char name[DSTB_EXPORT_NAME_LEN];

	return dstb_netlink_name(info->attrs[DST_A_EXPORT_NAME], "export", name, sizeof(name),
				 info->extack) ?:
	       dstb_export_resume(genl_info_net(info), name, info->extack);
}

static int count_session(struct dstb_session_info *session, void *arg)
{
	++*(u32 *)arg;
	return 0;
}

static int put_export(struct sk_buff *skb, struct dstb_export *exp, struct dstb_export_info *info)
{
	const struct dstb_export_config *cfg = &info->config;
	u32 i, nr_sessions = 0;

	dstb_export_info(exp, info);
	dstb_export_walk(exp, count_session, &nr_sessions);
	for (i = 0; i < cfg->nr_listen; i++) {
		if (dstb_netlink_addr_put(skb, DST_A_EXPORT_LISTEN, &cfg->listen[i]))
			return -EMSGSIZE;
	}
	if (nla_put_string(skb, DST_A_EXPORT_NAME, cfg->name) ||
	    nla_put_string(skb, DST_A_EXPORT_PATH, cfg->path) ||
	    (cfg->read_only && nla_put_flag(skb, DST_A_EXPORT_READ_ONLY)) ||
	    (cfg->shared && nla_put_flag(skb, DST_A_EXPORT_SHARED)) ||
	    (info->suspended && nla_put_flag(skb, DST_A_EXPORT_SUSPENDED)) ||
	    nla_put_u64_64bit(skb, DST_A_EXPORT_SIZE, info->size << SECTOR_SHIFT, 0) ||
	    nla_put_u32(skb, DST_A_EXPORT_BLOCK_SIZE, info->block_size) ||
	    nla_put_u64_64bit(skb, DST_A_EXPORT_REJECTED, info->rejected, 0) ||
	    nla_put_u32(skb, DST_A_EXPORT_MAX_SESSIONS, cfg->max_sessions) ||
	    nla_put_u32(skb, DST_A_EXPORT_NR_SESSIONS, nr_sessions))
		return -EMSGSIZE;
	return 0;
}

static struct dstb_export *get_export(struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[DST_A_EXPORT_NAME];
	char name[DSTB_EXPORT_NAME_LEN];
	struct dstb_export *exp;
	int err;

	err = dstb_netlink_name(attr, "export", name, sizeof(name), info->extack);
	if (err)
		return ERR_PTR(err);
	exp = dstb_export_get(genl_info_net(info), name);
	if (exp)
		return exp;
	NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "there is no export %s", name);
	return ERR_PTR(-ENOENT);
}

/**
 * dstb_nl_export_get_doit() - show an export
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_export_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dstb_export_info *data;
	struct dstb_export *exp;
	struct sk_buff *reply;
	int err = -ENOMEM;
	void *head;

	exp = get_export(info);
	if (IS_ERR(exp))
		return PTR_ERR(exp);
	data = kzalloc(sizeof(*data), GFP_KERNEL);
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (data && reply) {
		head = genlmsg_put_reply(reply, info, &dstb_nl_family, 0, DST_CMD_EXPORT_GET);
		err = head ? put_export(reply, exp, data) : -EMSGSIZE;
	}
	dstb_export_put(exp);
	kfree(data);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, head);
	return genlmsg_reply(reply, info);
}

static void *dump_head(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				 &dstb_nl_family, NLM_F_MULTI, cmd);

	if (head)
		genl_dump_check_consistent(cb, head);
	return head;
}

/**
 * dstb_nl_export_get_dumpit() - show the exports
 * @skb:	gets the messages
 * @cb:		the dump
 *
 * Return: 0 when all was shown, -EMSGSIZE when there is more, or another negative errno.
 */
int dstb_nl_export_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dstb_netlink_dump *ctx = (void *)cb->ctx;
	struct dstb_export *exp;
	struct dstb_export_info *data;
	void *head;
	int err = 0;

	data = kzalloc(sizeof(*data), GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	cb->seq = dstb_export_generation();
	while ((exp = dstb_export_next(sock_net(skb->sk), ctx->object))) {
		head = dump_head(skb, cb, DST_CMD_EXPORT_GET);
		err = head ? put_export(skb, exp, data) : -EMSGSIZE;
		if (err) {
			genlmsg_cancel(skb, head);
			dstb_export_put(exp);
			break;
		}
		genlmsg_end(skb, head);
		ctx->object = dstb_export_serial(exp);
		dstb_export_put(exp);
	}
	kfree(data);
	return err;
}

struct session_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	const char *export;
	unsigned long index;
};

static int put_session(struct sk_buff *skb, const struct dstb_session_info *session)
{
	struct nlattr *nest = nla_nest_start(skb, DST_A_EXPORT_SESSION);

	if (!nest || nla_put_u64_64bit(skb, DST_A_SESSION_ID, session->id, 0) ||
	    nla_put(skb, DST_A_SESSION_CLIENT, UUID_SIZE, &session->client) ||
	    nla_put_string(skb, DST_A_SESSION_VOLUME, session->volume) ||
	    nla_put_u32(skb, DST_A_SESSION_ROLE, session->role) ||
	    nla_put_u32(skb, DST_A_SESSION_CONNECTIONS, session->connections) ||
	    nla_put_u32(skb, DST_A_SESSION_IN_FLIGHT, session->in_flight) ||
	    nla_put_string(skb, DST_A_SESSION_PEER, session->peer))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int dump_session(struct dstb_session_info *session, void *arg)
{
	struct session_dump *dump = arg;
	struct dstb_netlink_dump *ctx = (void *)dump->cb->ctx;
	void *head;

	if (dump->index++ < ctx->part)
		return 0;
	head = dump_head(dump->skb, dump->cb, DST_CMD_SESSION_GET);
	if (!head || nla_put_string(dump->skb, DST_A_EXPORT_NAME, dump->export) ||
	    put_session(dump->skb, session)) {
		genlmsg_cancel(dump->skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(dump->skb, head);
	ctx->part = dump->index;
	return 0;
}

/* Shows the sessions of one export, from where the dump stands. */
static int dump_sessions(struct sk_buff *skb, struct netlink_callback *cb, struct dstb_export *exp,
			 struct dstb_export_info *info)
{
	struct session_dump dump = { .skb = skb, .cb = cb, .export = info->config.name };
	struct dstb_netlink_dump *ctx = (void *)cb->ctx;
	int err;

	ctx->found = true;
	err = dstb_export_walk(exp, dump_session, &dump);
	if (!err)
		ctx->part = 0;
	return err;
}

/**
 * dstb_nl_session_get_dumpit() - show the sessions of an export, or of all
 * @skb:	gets the messages
 * @cb:		the dump
 *
 * Return: 0 when all was shown, -EMSGSIZE when there is more, or another negative errno.
 */
int dstb_nl_session_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *name = genl_info_dump(cb)->attrs[DST_A_EXPORT_NAME];
	struct dstb_netlink_dump *ctx = (void *)cb->ctx;
	struct dstb_export_info *data;
	struct dstb_export *exp;
	int err = 0;

	data = kzalloc(sizeof(*data), GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	cb->seq = dstb_export_generation();
	while ((exp = dstb_export_next(sock_net(skb->sk), ctx->object))) {
		dstb_netlink_dump_next(ctx, dstb_export_serial(exp));
		dstb_export_info(exp, data);
		if (!name || !nla_strcmp(name, data->config.name))
			err = dump_sessions(skb, cb, exp, data);
		if (err) {
			dstb_export_put(exp);
			break;
		}
		ctx->object = dstb_export_serial(exp);
		dstb_export_put(exp);
	}
	kfree(data);
	if (err || !name || ctx->found)
		return err;
	NL_SET_ERR_MSG_ATTR(cb->extack, name, "there is no such export");
	return -ENOENT;
}
