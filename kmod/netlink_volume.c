// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink handlers about volumes, their nodes, and where their sectors live.
 */
#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "mapping.h"
#include "netlink.h"
#include "node.h"
#include "place.h"
#include "volume.h"

/* Counts what may disturb a dump of volumes under way. */
static atomic_t generation = ATOMIC_INIT(1);

static u32 dump_seq(void)
{
	return atomic_read(&generation) ?: 1;
}

/*
 * Keeps nodes and disk of a volume from being taken apart, for a moment: stopping waits for it.
 * Returns false when it is being stopped already.
 */
static bool hold_volume(struct dstb_volume *vol)
{
	return percpu_ref_tryget_live(&vol->inflight);
}

static void release_volume(struct dstb_volume *vol)
{
	percpu_ref_put(&vol->inflight);
}

static int refuse_reply_only(struct nlattr **tb, const u8 *types, size_t nr, u32 index,
			     struct netlink_ext_ack *extack)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!tb[types[i]])
			continue;
		NL_SET_ERR_MSG_ATTR_FMT(extack, tb[types[i]],
					"node %u: attribute %u can't be given", index, types[i]);
		return -EINVAL;
	}
	return 0;
}

static int parse_node_place(struct nlattr **tb, u32 index, struct dstb_node_config *node,
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
	if (tb[DST_A_NODE_PATH]) {
		nla_strscpy(node->path, tb[DST_A_NODE_PATH], sizeof(node->path));
		if (node->path[0] == '/')
			return 0;
		NL_SET_ERR_MSG_ATTR_FMT(extack, tb[DST_A_NODE_PATH],
					"node %u: the path must start with '/'", index);
		return -EINVAL;
	}
	return dstb_netlink_name(tb[DST_A_NODE_EXPORT], "export", node->export,
				 sizeof(node->export), extack) ?:
	       dstb_netlink_addr_get(tb[DST_A_NODE_ADDR], &node->addr, extack);
}

static int parse_node(const struct nlattr *nest, u32 index, struct dstb_node_config *node,
		      struct netlink_ext_ack *extack)
{
	static const u8 reply_only[] = {
		DST_A_NODE_INDEX, DST_A_NODE_STATE, DST_A_NODE_REASON, DST_A_NODE_SIZE,
		DST_A_NODE_IN_FLIGHT, DST_A_NODE_ERRORS, DST_A_NODE_READS, DST_A_NODE_WRITES,
		DST_A_NODE_LATENCY_NS, DST_A_NODE_CONNECTIONS, DST_A_NODE_VOLUME,
	};
	struct nlattr *tb[DST_A_NODE_MAX + 1];
	int err;

	err = nla_parse_nested(tb, DST_A_NODE_MAX, nest, dstb_node_nl_policy, extack);
	if (!err)
		err = refuse_reply_only(tb, reply_only, ARRAY_SIZE(reply_only), index, extack);
	if (!err)
		err = parse_node_place(tb, index, node, extack);
	if (err)
		return err;
	node->weight = dstb_netlink_u32(tb[DST_A_NODE_WEIGHT], 100);
	node->zone = dstb_netlink_u32(tb[DST_A_NODE_ZONE], 0);
	return 0;
}

static int parse_nodes(struct genl_info *info, struct dstb_volume_config *cfg)
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
		err = parse_node(attr, cfg->nr_nodes, &cfg->nodes[cfg->nr_nodes], info->extack);
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

static int parse_param(struct genl_info *info, const struct nlattr *nest,
		       struct dstb_volume_config *cfg)
{
	struct dstb_param *param = &cfg->params[cfg->nr_params];
	struct nlattr *tb[DST_A_PARAM_MAX + 1];
	u32 i;
	int err;

	err = nla_parse_nested(tb, DST_A_PARAM_MAX, nest, dstb_param_nl_policy, info->extack);
	if (!err)
		err = dstb_netlink_name(tb[DST_A_PARAM_NAME], "parameter", param->name,
					sizeof(param->name), info->extack);
	if (err)
		return err;
	if (NL_REQ_ATTR_CHECK(info->extack, nest, tb, DST_A_PARAM_VALUE)) {
		NL_SET_ERR_MSG_FMT(info->extack, "parameter %s has no value", param->name);
		return -EINVAL;
	}
	param->value = nla_get_u64(tb[DST_A_PARAM_VALUE]);
	for (i = 0; i < cfg->nr_params; i++) {
		if (strcmp(cfg->params[i].name, param->name))
			continue;
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, nest, "parameter %s is given twice",
					param->name);
		return -EINVAL;
	}
	cfg->nr_params++;
	return 0;
}

static int parse_params(struct genl_info *info, struct dstb_volume_config *cfg)
{
	struct nlattr *attr;
	int rem, err;

	nla_for_each_attr_type(attr, DST_A_VOLUME_PARAM, nlmsg_attrdata(info->nlhdr, GENL_HDRLEN),
			       nlmsg_attrlen(info->nlhdr, GENL_HDRLEN), rem) {
		if (cfg->nr_params == DSTB_MAX_PARAMS) {
			NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "more than %u parameters",
						DSTB_MAX_PARAMS);
			return -E2BIG;
		}
		err = parse_param(info, attr, cfg);
		if (err)
			return err;
	}
	return 0;
}

static int parse_volume(struct genl_info *info, struct dstb_volume_config *cfg)
{
	struct nlattr **attrs = info->attrs;
	int err;

	err = dstb_netlink_name(attrs[DST_A_VOLUME_NAME], "volume", cfg->name, sizeof(cfg->name),
				info->extack);
	if (!err)
		err = dstb_netlink_name(attrs[DST_A_VOLUME_POLICY], "policy", cfg->policy,
					sizeof(cfg->policy), info->extack);
	if (!err)
		err = parse_params(info, cfg);
	if (!err)
		err = parse_nodes(info, cfg);
	if (err)
		return err;
	if (attrs[DST_A_VOLUME_UUID])
		import_uuid(&cfg->uuid, nla_data(attrs[DST_A_VOLUME_UUID]));
	cfg->read_only = nla_get_flag(attrs[DST_A_VOLUME_READ_ONLY]);
	cfg->role = dstb_netlink_u32(attrs[DST_A_VOLUME_ROLE],
				     cfg->read_only ? DST_ROLE_READER : DST_ROLE_WRITER);
	cfg->connections = dstb_netlink_u32(attrs[DST_A_VOLUME_CONNECTIONS], 0);
	cfg->io_timeout_ms = dstb_netlink_u32(attrs[DST_A_VOLUME_IO_TIMEOUT_MS], 0);
	if (cfg->role == DST_ROLE_READER && !cfg->read_only) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[DST_A_VOLUME_ROLE],
				    "role reader: the volume must be read-only then");
		return -EINVAL;
	}
	return 0;
}

static void create_reply(struct sk_buff *skb, struct genl_info *info,
			 const struct dstb_volume *vol)
{
	void *head = genlmsg_put_reply(skb, info, &dstb_nl_family, 0, DST_CMD_VOLUME_CREATE);

	/* It fits: the message was made with room for much more. */
	if (WARN_ON_ONCE(!head || nla_put_string(skb, DST_A_VOLUME_NAME, vol->name) ||
			 nla_put(skb, DST_A_VOLUME_UUID, UUID_SIZE, &vol->uuid) ||
			 nla_put_u32(skb, DST_A_VOLUME_MAJOR, vol->disk->major) ||
			 nla_put_u32(skb, DST_A_VOLUME_MINOR, vol->disk->first_minor) ||
			 nla_put_u64_64bit(skb, DST_A_VOLUME_SIZE,
					   vol->map.layout.capacity << SECTOR_SHIFT, 0))) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	genlmsg_reply(skb, info);
}

/**
 * dstb_nl_volume_create_doit() - make a volume
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_volume_create_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dstb_volume_config *cfg;
	struct dstb_volume *vol;
	struct sk_buff *reply;
	int err = -ENOMEM;

	cfg = kvzalloc(sizeof(*cfg), GFP_KERNEL);
	if (!cfg)
		return -ENOMEM;
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	cfg->nodes = kvcalloc(DSTB_MAX_NODES, sizeof(*cfg->nodes), GFP_KERNEL);
	if (reply && cfg->nodes)
		err = parse_volume(info, cfg);
	if (!err)
		err = dstb_volume_create(genl_info_net(info), cfg, &vol, info->extack);
	if (!err) {
		atomic_inc(&generation);
		/* Stopped since? Then there is nothing to tell but that it was made. */
		if (hold_volume(vol)) {
			create_reply(reply, info, vol);
			release_volume(vol);
		} else {
			nlmsg_free(reply);
		}
		dstb_volume_put(vol);
	} else {
		nlmsg_free(reply);
	}
	kvfree(cfg->nodes);
	kvfree(cfg);
	return err;
}

/**
 * dstb_nl_volume_stop_doit() - stop a volume
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_volume_stop_doit(struct sk_buff *skb, struct genl_info *info)
{
	char name[DSTB_VOLUME_NAME_LEN];
	int err;

	err = dstb_netlink_name(info->attrs[DST_A_VOLUME_NAME], "volume", name, sizeof(name),
				info->extack);
	if (err)
		return err;
	err = dstb_volume_stop(genl_info_net(info), name,
			       nla_get_flag(info->attrs[DST_A_VOLUME_FORCE]), info->extack);
	atomic_inc(&generation);
	return err;
}

/* A volume by its name, held; for put_held_volume(). */
static struct dstb_volume *get_held_volume(struct genl_info *info, const struct nlattr *attr)
{
	char name[DSTB_VOLUME_NAME_LEN];
	struct dstb_volume *vol;
	int err;

	err = dstb_netlink_name(attr, "volume", name, sizeof(name), info->extack);
	if (err)
		return ERR_PTR(err);
	vol = dstb_volume_get(genl_info_net(info), name);
	if (!vol) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "there is no volume %s", name);
		return ERR_PTR(-ENOENT);
	}
	if (!hold_volume(vol)) {
		dstb_volume_put(vol);
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "volume %s is being stopped", name);
		return ERR_PTR(-ENODEV);
	}
	return vol;
}

static void put_held_volume(struct dstb_volume *vol)
{
	release_volume(vol);
	dstb_volume_put(vol);
}

static int put_params(struct sk_buff *skb, const struct dstb_mapping *map)
{
	u32 i;

	for (i = 0; i < map->nr_params; i++) {
		struct nlattr *nest = nla_nest_start(skb, DST_A_VOLUME_PARAM);

		if (!nest || nla_put_string(skb, DST_A_PARAM_NAME, map->params[i].name) ||
		    nla_put_u64_64bit(skb, DST_A_PARAM_VALUE, map->params[i].value, 0))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int put_volume_state(struct sk_buff *skb, struct dstb_volume *vol)
{
	char reason[DSTB_REASON_LEN];
	unsigned long flags;
	u32 state, held;

	spin_lock_irqsave(&vol->lock, flags);
	state = vol->state;
	held = vol->nr_held;
	strscpy(reason, vol->reason);
	spin_unlock_irqrestore(&vol->lock, flags);
	if (nla_put_u32(skb, DST_A_VOLUME_STATE, state) ||
	    nla_put_string(skb, DST_A_VOLUME_REASON, reason) ||
	    nla_put_u32(skb, DST_A_VOLUME_HELD, held))
		return -EMSGSIZE;
	return 0;
}

static int put_volume(struct sk_buff *skb, struct dstb_volume *vol)
{
	const struct dstb_mapping *map = &vol->map;
	u64 faults = atomic64_read(&map->choice_faults) + atomic64_read(&map->place_faults);

	if (nla_put_string(skb, DST_A_VOLUME_NAME, vol->name) ||
	    nla_put(skb, DST_A_VOLUME_UUID, UUID_SIZE, &vol->uuid) ||
	    nla_put_string(skb, DST_A_VOLUME_POLICY, map->policy_name) ||
	    put_params(skb, map) || put_volume_state(skb, vol) ||
	    nla_put_u64_64bit(skb, DST_A_VOLUME_SIZE, map->layout.capacity << SECTOR_SHIFT, 0) ||
	    nla_put_u32(skb, DST_A_VOLUME_BLOCK_SIZE, map->layout.block_size) ||
	    nla_put_u32(skb, DST_A_VOLUME_COPIES, map->layout.copies) ||
	    nla_put_u64_64bit(skb, DST_A_VOLUME_POLICY_FAULTS, faults, 0) ||
	    nla_put_u32(skb, DST_A_VOLUME_OPEN, dstb_volume_openers(vol)) ||
	    nla_put_u32(skb, DST_A_VOLUME_MAJOR, vol->disk->major) ||
	    nla_put_u32(skb, DST_A_VOLUME_MINOR, vol->disk->first_minor) ||
	    (vol->read_only && nla_put_flag(skb, DST_A_VOLUME_READ_ONLY)) ||
	    nla_put_u32(skb, DST_A_VOLUME_ROLE, vol->role) ||
	    nla_put_u32(skb, DST_A_VOLUME_CONNECTIONS, vol->connections) ||
	    nla_put_u32(skb, DST_A_VOLUME_IO_TIMEOUT_MS, vol->io_timeout_ms) ||
	    nla_put_u32(skb, DST_A_VOLUME_UP_NODES, dstb_volume_up_nodes(vol)) ||
	    nla_put_u32(skb, DST_A_VOLUME_NR_NODES, vol->nr_nodes))
		return -EMSGSIZE;
	return 0;
}

/**
 * dstb_nl_volume_get_doit() - show a volume
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_volume_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	struct dstb_volume *vol;
	int err = -EMSGSIZE;
	void *head;

	vol = get_held_volume(info, info->attrs[DST_A_VOLUME_NAME]);
	if (IS_ERR(vol))
		return PTR_ERR(vol);
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply) {
		put_held_volume(vol);
		return -ENOMEM;
	}
	head = genlmsg_put_reply(reply, info, &dstb_nl_family, 0, DST_CMD_VOLUME_GET);
	if (head)
		err = put_volume(reply, vol);
	put_held_volume(vol);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, head);
	return genlmsg_reply(reply, info);
}

static void *dump_head(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *head;

	head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &dstb_nl_family,
			   NLM_F_MULTI, cmd);
	if (head)
		genl_dump_check_consistent(cb, head);
	return head;
}

static int dump_volume(struct sk_buff *skb, struct netlink_callback *cb, struct dstb_volume *vol)
{
	void *head;
	int err;

	if (!hold_volume(vol))
		return 0;
	head = dump_head(skb, cb, DST_CMD_VOLUME_GET);
	err = head ? put_volume(skb, vol) : -EMSGSIZE;
	release_volume(vol);
	if (err)
		genlmsg_cancel(skb, head);
	else
		genlmsg_end(skb, head);
	return err;
}

/**
 * dstb_nl_volume_get_dumpit() - show the volumes
 * @skb:	gets the messages
 * @cb:		the dump
 *
 * Return: 0 when all was shown, else -EMSGSIZE.
 */
int dstb_nl_volume_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dstb_netlink_dump *ctx = (void *)cb->ctx;
	struct dstb_volume *vol = NULL;
	unsigned long index = 0;

	cb->seq = dump_seq();
	while ((vol = dstb_volume_next(sock_net(skb->sk), vol))) {
		if (index++ < ctx->object)
			continue;
		if (dump_volume(skb, cb, vol)) {
			dstb_volume_put(vol);
			return -EMSGSIZE;
		}
		ctx->object = index;
	}
	return 0;
}

static int put_node_place(struct sk_buff *skb, const struct dstb_node_config *cfg)
{
	if (cfg->path[0])
		return nla_put_string(skb, DST_A_NODE_PATH, cfg->path);
	return dstb_netlink_addr_put(skb, DST_A_NODE_ADDR, &cfg->addr) ?:
	       nla_put_string(skb, DST_A_NODE_EXPORT, cfg->export);
}

static int put_node_state(struct sk_buff *skb, struct dstb_node *node)
{
	char reason[DSTB_REASON_LEN];
	unsigned long flags;
	u32 state;

	spin_lock_irqsave(&node->lock, flags);
	state = node->state;
	strscpy(reason, node->reason);
	spin_unlock_irqrestore(&node->lock, flags);
	return nla_put_u32(skb, DST_A_NODE_STATE, state) ?:
	       nla_put_string(skb, DST_A_NODE_REASON, reason);
}

static int put_node(struct sk_buff *skb, struct dstb_node *node)
{
	struct nlattr *nest = nla_nest_start(skb, DST_A_VOLUME_NODE);

	if (!nest || nla_put_u32(skb, DST_A_NODE_INDEX, node->index) ||
	    put_node_place(skb, &node->config) || put_node_state(skb, node) ||
	    nla_put_string(skb, DST_A_NODE_VOLUME, node->vol->name) ||
	    nla_put_u32(skb, DST_A_NODE_WEIGHT, node->config.weight) ||
	    nla_put_u32(skb, DST_A_NODE_ZONE, node->config.zone) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_SIZE, node->data_sectors << SECTOR_SHIFT, 0) ||
	    nla_put_u32(skb, DST_A_NODE_IN_FLIGHT, dstb_node_in_flight(node)) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_ERRORS, atomic64_read(&node->errors), 0) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_READS, atomic64_read(&node->reads), 0) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_WRITES, atomic64_read(&node->writes), 0) ||
	    nla_put_u64_64bit(skb, DST_A_NODE_LATENCY_NS, READ_ONCE(node->latency_ns), 0) ||
	    nla_put_u32(skb, DST_A_NODE_CONNECTIONS, dstb_node_connections(node)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_nodes(struct sk_buff *skb, struct netlink_callback *cb, struct dstb_volume *vol)
{
	struct dstb_netlink_dump *ctx = (void *)cb->ctx;
	int err = 0;
	void *head;

	if (!hold_volume(vol))
		return 0;
	for (; ctx->part < vol->nr_nodes; ctx->part++) {
		head = dump_head(skb, cb, DST_CMD_NODE_GET);
		if (!head || nla_put_string(skb, DST_A_VOLUME_NAME, vol->name) ||
		    put_node(skb, vol->nodes[ctx->part])) {
			genlmsg_cancel(skb, head);
			err = -EMSGSIZE;
			break;
		}
		genlmsg_end(skb, head);
	}
	release_volume(vol);
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
	struct dstb_volume *vol = NULL;
	unsigned long index = 0;

	cb->seq = dump_seq();
	while ((vol = dstb_volume_next(sock_net(skb->sk), vol))) {
		if (index++ < ctx->object)
			continue;
		if (!name || !nla_strcmp(name, vol->name)) {
			ctx->found = true;
			if (put_nodes(skb, cb, vol)) {
				dstb_volume_put(vol);
				return -EMSGSIZE;
			}
		}
		ctx->object = index;
		ctx->part = 0;
	}
	if (!name || ctx->found)
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, name, "there is no such volume");
	return -ENOENT;
}

/* Checks and completes what is asked: as much as there is when no length is given. */
static int map_range(struct genl_info *info, const struct dstb_volume *vol, u64 *sector, u32 *nr)
{
	struct nlattr **attrs = info->attrs;
	u64 capacity = vol->map.layout.capacity;
	u32 block = vol->map.layout.block_size >> SECTOR_SHIFT;

	if (GENL_REQ_ATTR_CHECK(info, DST_A_MAP_SECTOR)) {
		GENL_SET_ERR_MSG(info, "the sector is missing");
		return -EINVAL;
	}
	*sector = nla_get_u64(attrs[DST_A_MAP_SECTOR]);
	*nr = dstb_netlink_u32(attrs[DST_A_MAP_NR_SECTORS], round_down(U32_MAX, block));
	if (*sector >= capacity) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attrs[DST_A_MAP_SECTOR],
					"sector %llu is past the end, the volume has %llu",
					*sector, capacity);
		return -ERANGE;
	}
	if (!*nr || *nr % block || *sector & (block - 1)) {
		GENL_SET_ERR_MSG_FMT(info, "sector and length must be multiples of %u, not 0",
				     block);
		return -EINVAL;
	}
	*nr = min_t(u64, *nr, capacity - *sector);
	return 0;
}

static int put_map(struct sk_buff *skb, struct genl_info *info, const struct dstb_volume *vol,
		   u64 sector, const struct dstb_placement *place)
{
	void *head = genlmsg_put_reply(skb, info, &dstb_nl_family, 0, DST_CMD_MAP_GET);
	u32 i;

	if (!head || nla_put_string(skb, DST_A_MAP_VOLUME, vol->name) ||
	    nla_put_u64_64bit(skb, DST_A_MAP_SECTOR, sector, 0) ||
	    nla_put_u32(skb, DST_A_MAP_NR_SECTORS, place->nr_sectors))
		return -EMSGSIZE;
	for (i = 0; i < place->nr_legs; i++) {
		const struct dstb_leg_addr *leg = &place->legs[i];
		struct nlattr *nest = nla_nest_start(skb, DST_A_MAP_LEG);

		if (!nest || nla_put_u32(skb, DST_A_LEG_NODE, leg->node) ||
		    nla_put_u64_64bit(skb, DST_A_LEG_SECTOR, leg->sector, 0) ||
		    (dstb_node_in_sync(vol->nodes[leg->node]) &&
		     nla_put_flag(skb, DST_A_LEG_IN_SYNC)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	genlmsg_end(skb, head);
	return 0;
}

static int map_reply(struct genl_info *info, const struct dstb_volume *vol, u64 sector,
		     const struct dstb_placement *place)
{
	struct sk_buff *reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	int err;

	if (!reply)
		return -ENOMEM;
	err = put_map(reply, info, vol, sector, place);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return genlmsg_reply(reply, info);
}

/**
 * dstb_nl_map_get_doit() - say where sectors of a volume live
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_map_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dstb_placement place;
	struct dstb_volume *vol;
	u64 sector;
	u32 nr;
	int err;

	vol = get_held_volume(info, info->attrs[DST_A_MAP_VOLUME]);
	if (IS_ERR(vol))
		return PTR_ERR(vol);
	err = map_range(info, vol, &sector, &nr);
	if (err)
		goto put;
	err = dstb_volume_map(vol, sector, nr, &place);
	if (err == -ENODEV)
		GENL_SET_ERR_MSG_FMT(info, "volume %s is being stopped", vol->name);
	else if (err == -EAGAIN)
		GENL_SET_ERR_MSG_FMT(info, "policy %s is not registered now", vol->map.policy_name);
	else if (err)
		GENL_SET_ERR_MSG_FMT(info, "policy %s answers wrongly at sector %llu",
				     vol->map.policy_name, sector);
	else
		err = map_reply(info, vol, sector, &place);
put:
	put_held_volume(vol);
	return err;
}
