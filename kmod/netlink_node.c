// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink handlers about the nodes of volumes, and how requests describe nodes.
 */
#include <linux/bits.h>
#include <linux/netlink.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "main.h"
#include "member.h"
#include "netlink.h"
#include "netlink_volume.h"
#include "node.h"
#include "volume.h"

/* What a request may say of a node. */
#define PLACE (BIT(DST_A_NODE_PATH) | BIT(DST_A_NODE_ADDR) | BIT(DST_A_NODE_EXPORT))
#define LAYOUT (BIT(DST_A_NODE_WEIGHT) | BIT(DST_A_NODE_ZONE) | BIT(DST_A_NODE_WITNESS))
#define INDEX BIT(DST_A_NODE_INDEX)
static_assert(DST_A_NODE_MAX < 32);

/* Parses a node; attributes that are not among @allowed are refused. @index is for the sentence. */
static int parse_attrs(const struct nlattr *nest, u32 index, u32 allowed, struct nlattr **tb,
		       struct netlink_ext_ack *extack)
{
	int i, err;

	err = nla_parse_nested(tb, DST_A_NODE_MAX, nest, dstb_node_nl_policy, extack);
	if (err)
		return err;
	index = dstb_netlink_u32(tb[DST_A_NODE_INDEX], index);
	for (i = 1; i <= DST_A_NODE_MAX; i++) {
		if (!tb[i] || allowed & BIT(i))
			continue;
		NL_SET_ERR_MSG_ATTR_FMT(extack, tb[i], "node %u: attribute %d can't be given",
					index, i);
		return -EINVAL;
	}
	return 0;
}

static int parse_path(const struct nlattr *attr, u32 index, struct dstb_node_config *node,
		      struct netlink_ext_ack *extack)
{
	nla_strscpy(node->path, attr, sizeof(node->path));
	if (node->path[0] == '/')
		return 0;
	if (!strncmp(node->path, DSTB_PATH_EXPORT, strlen(DSTB_PATH_EXPORT)))
		return dstb_netlink_check_name(node->path + strlen(DSTB_PATH_EXPORT), "export",
					       DSTB_EXPORT_NAME_LEN, attr, extack);
	NL_SET_ERR_MSG_ATTR_FMT(extack, attr,
				"node %u: the path must start with '/', or be export:NAME", index);
	return -EINVAL;
}

static int parse_place(struct nlattr **tb, u32 index, struct dstb_node_config *node,
		       struct netlink_ext_ack *extack)
{
	if (!tb[DST_A_NODE_PATH] == !tb[DST_A_NODE_ADDR]) {
		NL_SET_ERR_MSG_FMT(extack, "node %u: give one of path and addr", index);
		return -EINVAL;
	}
	if (!tb[DST_A_NODE_ADDR] != !tb[DST_A_NODE_EXPORT]) {
		NL_SET_ERR_MSG_FMT(extack, "node %u: an export goes with addr, and addr takes one",
				   index);
		return -EINVAL;
	}
	if (tb[DST_A_NODE_PATH])
		return parse_path(tb[DST_A_NODE_PATH], index, node, extack);
	return dstb_netlink_name(tb[DST_A_NODE_EXPORT], "export", node->export,
				 sizeof(node->export), extack) ?:
	       dstb_netlink_addr_get(tb[DST_A_NODE_ADDR], &node->addr, extack);
}

static void parse_layout(struct nlattr **tb, struct dstb_node_config *node)
{
	node->weight = dstb_netlink_u32(tb[DST_A_NODE_WEIGHT], 100);
	node->zone = dstb_netlink_u32(tb[DST_A_NODE_ZONE], 0);
	node->witness = nla_get_flag(tb[DST_A_NODE_WITNESS]);
}

static int parse_node(const struct nlattr *nest, u32 allowed, struct dstb_volume_config *cfg,
		      struct netlink_ext_ack *extack)
{
	u32 index = cfg->nr_nodes;
	struct dstb_node_config *node = &cfg->nodes[index];
	struct nlattr *tb[DST_A_NODE_MAX + 1];
	int err;

	err = parse_attrs(nest, index, allowed, tb, extack);
	if (!err)
		err = parse_place(tb, index, node, extack);
	if (err)
		return err;
	parse_layout(tb, node);
	if (node->witness && !index) {
		NL_SET_ERR_MSG_ATTR(extack, tb[DST_A_NODE_WITNESS],
				    "node 0 can't be a witness: witnesses come after the nodes");
		return -EINVAL;
	}
	if (!node->witness && index && node[-1].witness) {
		NL_SET_ERR_MSG_ATTR_FMT(extack, nest,
					"node %u comes after a witness: witnesses come last",
					index);
		return -EINVAL;
	}
	return 0;
}

/**
 * dstb_netlink_nodes() - get the nodes of a volume from a request, checked
 * @info:	the request, parsed
 * @assemble:	the rest is in their superblocks, and must not be given
 * @cfg:	gets them
 *
 * Return: 0 or a negative errno.
 */
int dstb_netlink_nodes(struct genl_info *info, bool assemble, struct dstb_volume_config *cfg)
{
	struct nlattr *attr;
	int rem, err;

	nla_for_each_attr_type(attr, DST_A_VOLUME_NODE, nlmsg_attrdata(info->nlhdr, GENL_HDRLEN),
			       nlmsg_attrlen(info->nlhdr, GENL_HDRLEN), rem) {
		if (cfg->nr_nodes == DSTB_MAX_NODES) {
			NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "more than %u nodes",
						DSTB_MAX_NODES);
			return -E2BIG;
		}
		err = parse_node(attr, assemble ? PLACE : PLACE | LAYOUT, cfg, info->extack);
		if (err)
			return err;
		cfg->nr_nodes++;
	}
	if (!cfg->nr_nodes) {
		NL_SET_ERR_MSG(info->extack, "a volume takes at least one node");
		return -EINVAL;
	}
	return 0;
}

/* ---- changing one ---- */

static int check_one(struct genl_info *info)
{
	const struct nlattr *attr;
	int rem, nr = 0;

	nla_for_each_attr_type(attr, DST_A_VOLUME_NODE, nlmsg_attrdata(info->nlhdr, GENL_HDRLEN),
			       nlmsg_attrlen(info->nlhdr, GENL_HDRLEN), rem)
		nr++;
	if (nr == 1)
		return 0;
	NL_SET_ERR_MSG_FMT(info->extack, "this is about one node, %d are given", nr);
	return -EINVAL;
}

/*
 * The volume and the node that a request is about; the volume for dstb_netlink_put_volume(). @cfg
 * is NULL where the node's index says it all.
 */
static struct dstb_volume *get_node(struct genl_info *info, u32 *index,
				    struct dstb_node_config *cfg)
{
	const struct nlattr *nest = info->attrs[DST_A_VOLUME_NODE];
	struct nlattr *tb[DST_A_NODE_MAX + 1];
	struct dstb_volume *vol;
	int err;

	err = check_one(info);
	if (err)
		return ERR_PTR(err);
	err = parse_attrs(nest, 0, cfg ? INDEX | PLACE : INDEX, tb, info->extack);
	if (err)
		return ERR_PTR(err);
	if (NL_REQ_ATTR_CHECK(info->extack, nest, tb, DST_A_NODE_INDEX)) {
		NL_SET_ERR_MSG(info->extack, "the index of the node is missing");
		return ERR_PTR(-EINVAL);
	}
	*index = nla_get_u32(tb[DST_A_NODE_INDEX]);
	if (cfg)
		err = parse_place(tb, *index, cfg, info->extack);
	if (err)
		return ERR_PTR(err);
	vol = dstb_netlink_get_volume(info, info->attrs[DST_A_VOLUME_NAME]);
	if (IS_ERR(vol) || *index < vol->nr_nodes)
		return vol;
	NL_SET_ERR_MSG_ATTR_FMT(info->extack, tb[DST_A_NODE_INDEX],
				"volume %s has no node %u, its nodes are 0 to %u", vol->name,
				*index, vol->nr_nodes - 1);
	dstb_netlink_put_volume(vol);
	return ERR_PTR(-ENOENT);
}

/**
 * struct node_job - a change of a node, in a worker: it may wait for a device that does not answer
 * @refs:	who has it: the worker, and who waits
 * @vol:	the volume, held
 * @index:	of the node
 * @change:	what to do
 * @cfg:	where its new medium is
 * @adopt:	although that is not blank
 * @extack:	gets the sentence
 * @err:	how it went
 */
struct node_job {
	refcount_t refs;
	struct dstb_volume *vol;
	u32 index;
	int (*change)(struct dstb_volume *vol, u32 index, struct netlink_ext_ack *extack);
	struct dstb_node_config cfg;
	bool adopt;
	struct netlink_ext_ack extack;
	int err;
};

static void job_put(struct node_job *job)
{
	if (refcount_dec_and_test(&job->refs))
		kfree(job);
}

static void job_fn(void *arg)
{
	struct node_job *job = arg;

	if (job->change)
		job->err = job->change(job->vol, job->index, &job->extack);
	else
		job->err = dstb_node_replace(job->vol, job->index, &job->cfg, job->adopt,
					     &job->extack);
	dstb_netlink_put_volume(job->vol);
	job_put(job);
}

/* @change: NULL for replace. Goes on when who asked for it is killed. */
static int run_job(struct genl_info *info,
		   int (*change)(struct dstb_volume *vol, u32 index,
				 struct netlink_ext_ack *extack))
{
	struct node_job *job = kzalloc(sizeof(*job), GFP_KERNEL);
	int err;

	if (!job)
		return -ENOMEM;
	job->vol = get_node(info, &job->index, change ? NULL : &job->cfg);
	if (IS_ERR(job->vol)) {
		err = PTR_ERR(job->vol);
		kfree(job);
		return err;
	}
	err = change ? 0 : dstb_node_find(&job->cfg, job->index, info->extack);
	if (err) {
		dstb_netlink_put_volume(job->vol);
		kfree(job);
		return err;
	}
	refcount_set(&job->refs, 2);
	job->change = change;
	/* Other commands have not so many attributes. */
	if (!change)
		job->adopt = nla_get_flag(info->attrs[DST_A_VOLUME_ADOPT]);
	err = dstb_run_killable(genl_info_net(info), job_fn, job);
	if (!err) {
		err = job->err;
		if (job->extack._msg)
			NL_SET_ERR_MSG_FMT(info->extack, "%s", job->extack._msg);
	}
	job_put(job);
	return err;
}

/**
 * dstb_nl_node_suspend_doit() - do without a node for a while
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_node_suspend_doit(struct sk_buff *skb, struct genl_info *info)
{
	return run_job(info, dstb_node_suspend);
}

/**
 * dstb_nl_node_resume_doit() - go on with a node that was suspended, or has failed
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_node_resume_doit(struct sk_buff *skb, struct genl_info *info)
{
	return run_job(info, dstb_node_resume);
}

/**
 * dstb_nl_node_resolve_doit() - throw away what a diverged node has, and resynchronize it
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_node_resolve_doit(struct sk_buff *skb, struct genl_info *info)
{
	return run_job(info, dstb_node_resolve);
}

/**
 * dstb_nl_node_replace_doit() - put another medium in the place of a node
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_node_replace_doit(struct sk_buff *skb, struct genl_info *info)
{
	return run_job(info, NULL);
}

/**
 * dstb_nl_node_remove_doit() - take a node from a volume
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_node_remove_doit(struct sk_buff *skb, struct genl_info *info)
{
	return run_job(info, dstb_node_remove);
}

static void added_reply(struct sk_buff *skb, struct genl_info *info, const struct dstb_volume *vol,
			u32 index)
{
	void *head = genlmsg_put_reply(skb, info, &dstb_nl_family, 0, info->genlhdr->cmd);
	struct nlattr *nest = NULL;

	/* It fits: the message was made with room for much more. */
	if (head && !nla_put_string(skb, DST_A_VOLUME_NAME, vol->name))
		nest = nla_nest_start(skb, DST_A_VOLUME_NODE);
	if (WARN_ON_ONCE(!nest || nla_put_u32(skb, DST_A_NODE_INDEX, index))) {
		nlmsg_free(skb);
		return;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, head);
	genlmsg_reply(skb, info);
}

static int add_node(struct genl_info *info, struct dstb_node_config *cfg, u32 *index,
		    struct sk_buff *reply)
{
	struct dstb_volume *vol;
	int err;

	vol = dstb_netlink_get_volume(info, info->attrs[DST_A_VOLUME_NAME]);
	if (IS_ERR(vol))
		return PTR_ERR(vol);
	err = dstb_node_add(vol, cfg, nla_get_flag(info->attrs[DST_A_VOLUME_ADOPT]), index,
			    info->extack);
	if (!err)
		added_reply(reply, info, vol, *index);
	dstb_netlink_put_volume(vol);
	return err;
}

/**
 * dstb_nl_node_add_doit() - give a volume a node more
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_node_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dstb_node_config *cfg = kzalloc(sizeof(*cfg), GFP_KERNEL);
	struct nlattr *tb[DST_A_NODE_MAX + 1];
	struct sk_buff *reply;
	u32 index = 0;
	int err;

	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	err = cfg && reply ? check_one(info) : -ENOMEM;
	if (!err)
		err = parse_attrs(info->attrs[DST_A_VOLUME_NODE], 0, PLACE | LAYOUT, tb,
				  info->extack);
	if (!err)
		err = parse_place(tb, 0, cfg, info->extack);
	if (!err) {
		parse_layout(tb, cfg);
		err = add_node(info, cfg, &index, reply);
	}
	if (err)
		nlmsg_free(reply);
	kfree(cfg);
	return err;
}

/* ---- showing them ---- */

/* A node that was not given when the volume was assembled is nowhere. */
static int put_place(struct sk_buff *skb, const struct dstb_node_config *cfg)
{
	if (cfg->path[0])
		return nla_put_string(skb, DST_A_NODE_PATH, cfg->path);
	if (!cfg->export[0])
		return 0;
	return dstb_netlink_addr_put(skb, DST_A_NODE_ADDR, &cfg->addr) ?:
	       nla_put_string(skb, DST_A_NODE_EXPORT, cfg->export);
}

/* What may change at any time: node-replace changes the place, under the node's lock. */
static int put_state(struct sk_buff *skb, struct dstb_node *node)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&node->lock, flags);
	err = put_place(skb, &node->config) ?:
	      nla_put_u32(skb, DST_A_NODE_STATE, node->state) ?:
	      nla_put_string(skb, DST_A_NODE_REASON, node->reason);
	spin_unlock_irqrestore(&node->lock, flags);
	return err;
}

static int put_bytes(struct sk_buff *skb, int type, u64 sectors)
{
	return nla_put_u64_64bit(skb, type, sectors << SECTOR_SHIFT, 0);
}

static int put_member(struct sk_buff *skb, struct dstb_node *node)
{
	struct dstb_node_status status = { 0 };

	dstb_node_status(node, &status);
	if ((status.witness && nla_put_flag(skb, DST_A_NODE_WITNESS)) ||
	    (status.in_sync && nla_put_flag(skb, DST_A_NODE_IN_SYNC)) ||
	    (!uuid_is_null(&status.uuid) &&
	     nla_put(skb, DST_A_NODE_UUID, UUID_SIZE, &status.uuid)) ||
	    put_bytes(skb, DST_A_NODE_DIRTY, status.dirty) ||
	    put_bytes(skb, DST_A_NODE_SYNC_TOTAL, status.sync_total) ||
	    put_bytes(skb, DST_A_NODE_SYNC_RATE, status.sync_rate) ||
	    put_bytes(skb, DST_A_NODE_SYNC_SAME, status.sync_same) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_SINCE_MS, status.since_ms, 0) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_LEFT_MS, status.left_ms, 0))
		return -EMSGSIZE;
	return 0;
}

static int put_node(struct sk_buff *skb, struct dstb_node *node)
{
	struct nlattr *nest = nla_nest_start(skb, DST_A_VOLUME_NODE);

	if (!nest || nla_put_u32(skb, DST_A_NODE_INDEX, node->index) || put_state(skb, node) ||
	    nla_put_string(skb, DST_A_NODE_VOLUME, node->vol->name) ||
	    nla_put_u32(skb, DST_A_NODE_WEIGHT, node->config.weight) ||
	    nla_put_u32(skb, DST_A_NODE_ZONE, node->config.zone) ||
	    put_bytes(skb, DST_A_NODE_SIZE, node->data_sectors) ||
	    nla_put_u32(skb, DST_A_NODE_IN_FLIGHT, dstb_node_in_flight(node)) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_ERRORS, atomic64_read(&node->errors), 0) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_READS, atomic64_read(&node->reads), 0) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_WRITES, atomic64_read(&node->writes), 0) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_LATENCY_NS, READ_ONCE(node->latency_ns), 0) ||
	    nla_put_u32(skb, DST_A_NODE_CONNECTIONS, dstb_node_connections(node)) ||
	    put_member(skb, node))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_nodes(struct sk_buff *skb, struct netlink_callback *cb, struct dstb_volume *vol)
{
	struct dstb_netlink_dump *ctx = (void *)cb->ctx;
	struct dstb_node *node;
	int err = 0;
	void *head;

	if (!dstb_netlink_hold(vol))
		return 0;
	ctx->found = true;
	rcu_read_lock();
	for (; (node = dstb_volume_node(vol, ctx->part)); ctx->part++) {
		head = dstb_netlink_volume_head(skb, cb, DST_CMD_NODE_GET);
		if (!head || nla_put_string(skb, DST_A_VOLUME_NAME, vol->name) ||
		    put_node(skb, node)) {
			genlmsg_cancel(skb, head);
			err = -EMSGSIZE;
			break;
		}
		genlmsg_end(skb, head);
	}
	rcu_read_unlock();
	dstb_netlink_release(vol);
	return err;
}

/**
 * dstb_nl_node_get_dumpit() - show the nodes of a volume, or of all
 * @skb:	gets the messages
 * @cb:		the dump
 *
 * Return: 0 when all was shown, -EMSGSIZE when there is more, or another negative errno.
 */
int dstb_nl_node_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *name = genl_info_dump(cb)->attrs[DST_A_VOLUME_NAME];
	struct dstb_netlink_dump *ctx = (void *)cb->ctx;
	struct dstb_volume *vol;

	cb->seq = dstb_volume_generation();
	while ((vol = dstb_volume_next(sock_net(skb->sk), ctx->object))) {
		dstb_netlink_dump_next(ctx, vol->serial);
		if ((!name || !nla_strcmp(name, vol->name)) && put_nodes(skb, cb, vol)) {
			dstb_volume_put(vol);
			return -EMSGSIZE;
		}
		ctx->object = vol->serial;
		dstb_volume_put(vol);
	}
	if (!name || ctx->found)
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, name, "there is no such volume");
	return -ENOENT;
}
