// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink handlers about volumes, and where their sectors live. Their nodes: netlink_node.c.
 */
#include <linux/blkdev.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "mapping.h"
#include "member.h"
#include "netlink.h"
#include "netlink_volume.h"
#include "node.h"
#include "place.h"
#include "volume.h"

/**
 * dstb_netlink_hold() - keep nodes and disk of a volume from being taken apart, for a moment
 * @vol:	the volume; stopping it waits for dstb_netlink_release()
 *
 * Return: false when it is being stopped already.
 */
bool dstb_netlink_hold(struct dstb_volume *vol)
{
	return percpu_ref_tryget_live(&vol->users);
}

/**
 * dstb_netlink_release() - the reverse of dstb_netlink_hold()
 * @vol:	the volume
 */
void dstb_netlink_release(struct dstb_volume *vol)
{
	percpu_ref_put(&vol->users);
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

/* What a volume that is made and one that is assembled have in common. */
static int parse_common(struct genl_info *info, bool assemble, struct dstb_volume_config *cfg)
{
	struct nlattr **attrs = info->attrs;
	int err;

	err = dstb_netlink_name(attrs[DST_A_VOLUME_NAME], "volume", cfg->name, sizeof(cfg->name),
				info->extack);
	if (!err)
		err = dstb_netlink_nodes(info, assemble, cfg);
	if (err)
		return err;
	cfg->connections = dstb_netlink_u32(attrs[DST_A_VOLUME_CONNECTIONS], 0);
	cfg->io_timeout_ms = dstb_netlink_u32(attrs[DST_A_VOLUME_IO_TIMEOUT_MS], 0);
	cfg->no_wait = nla_get_flag(attrs[DST_A_VOLUME_NO_WAIT]);
	cfg->checksum = nla_get_flag(attrs[DST_A_VOLUME_CHECKSUM]);
	cfg->grace_given = attrs[DST_A_VOLUME_GRACE_MS];
	cfg->grace_ms = dstb_netlink_u32(attrs[DST_A_VOLUME_GRACE_MS], 0);
	return 0;
}

static int check_role(struct genl_info *info, const struct dstb_volume_config *cfg)
{
	struct nlattr **attrs = info->attrs;

	if (cfg->role == DST_ROLE_READER && !cfg->read_only) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[DST_A_VOLUME_ROLE],
				    "role reader: the volume must be read-only then");
		return -EINVAL;
	}
	if (cfg->role == DST_ROLE_WRITER && !cfg->read_only)
		return 0;
	if (cfg->adopt) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[DST_A_VOLUME_ADOPT],
				    "adopt: a read-only or shared volume takes any node as it is");
		return -EINVAL;
	}
	if (cfg->nodes[cfg->nr_nodes - 1].witness) {
		NL_SET_ERR_MSG(info->extack, "a read-only or shared volume has no witnesses");
		return -EINVAL;
	}
	return 0;
}

static int parse_create(struct genl_info *info, struct dstb_volume_config *cfg)
{
	struct nlattr **attrs = info->attrs;
	int err;

	err = parse_common(info, false, cfg);
	if (!err)
		err = dstb_netlink_name(attrs[DST_A_VOLUME_POLICY], "policy", cfg->policy,
					sizeof(cfg->policy), info->extack);
	if (!err)
		err = parse_params(info, cfg);
	if (err)
		return err;
	if (attrs[DST_A_VOLUME_UUID])
		import_uuid(&cfg->uuid, nla_data(attrs[DST_A_VOLUME_UUID]));
	cfg->adopt = nla_get_flag(attrs[DST_A_VOLUME_ADOPT]);
	cfg->read_only = nla_get_flag(attrs[DST_A_VOLUME_READ_ONLY]);
	cfg->role = dstb_netlink_u32(attrs[DST_A_VOLUME_ROLE],
				     cfg->read_only ? DST_ROLE_READER : DST_ROLE_WRITER);
	return check_role(info, cfg);
}

static int parse_assemble(struct genl_info *info, struct dstb_volume_config *cfg)
{
	cfg->role = DST_ROLE_WRITER;
	cfg->degraded = nla_get_flag(info->attrs[DST_A_VOLUME_DEGRADED]);
	cfg->takeover = nla_get_flag(info->attrs[DST_A_VOLUME_TAKEOVER]);
	return parse_common(info, true, cfg);
}

static void made_reply(struct sk_buff *skb, struct genl_info *info, const struct dstb_volume *vol)
{
	void *head = genlmsg_put_reply(skb, info, &dstb_nl_family, 0, info->genlhdr->cmd);

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

/* Makes a volume, one way or the other. */
static int make_volume(struct genl_info *info,
		       int (*parse)(struct genl_info *info, struct dstb_volume_config *cfg),
		       int (*make)(struct net *net, struct dstb_volume_config *cfg,
				   struct dstb_volume **volp, struct netlink_ext_ack *extack))
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
		err = parse(info, cfg);
	if (!err)
		err = make(genl_info_net(info), cfg, &vol, info->extack);
	if (!err) {
		/* Stopped since? Then there is nothing to tell but that it was made. */
		if (dstb_netlink_hold(vol)) {
			made_reply(reply, info, vol);
			dstb_netlink_release(vol);
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
 * dstb_nl_volume_create_doit() - make a volume
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_volume_create_doit(struct sk_buff *skb, struct genl_info *info)
{
	return make_volume(info, parse_create, dstb_volume_create);
}

/**
 * dstb_nl_volume_assemble_doit() - bring back a volume that its nodes describe
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_volume_assemble_doit(struct sk_buff *skb, struct genl_info *info)
{
	return make_volume(info, parse_assemble, dstb_volume_assemble);
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
	return dstb_volume_stop(genl_info_net(info), name,
				nla_get_flag(info->attrs[DST_A_VOLUME_FORCE]), info->extack);
}

/**
 * dstb_netlink_get_volume() - a volume by its name, held
 * @info:	the request, parsed
 * @attr:	the name
 *
 * Return: the volume, for dstb_netlink_put_volume(), or an ERR_PTR.
 */
struct dstb_volume *dstb_netlink_get_volume(struct genl_info *info, const struct nlattr *attr)
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
	if (!dstb_netlink_hold(vol)) {
		dstb_volume_put(vol);
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "volume %s is being stopped", name);
		return ERR_PTR(-ENODEV);
	}
	return vol;
}

/**
 * dstb_netlink_put_volume() - the reverse of dstb_netlink_get_volume()
 * @vol:	the volume
 */
void dstb_netlink_put_volume(struct dstb_volume *vol)
{
	dstb_netlink_release(vol);
	dstb_volume_put(vol);
}

static int change_volume(struct genl_info *info,
			 int (*change)(struct dstb_volume *vol, struct netlink_ext_ack *extack))
{
	struct dstb_volume *vol;
	int err;

	vol = dstb_netlink_get_volume(info, info->attrs[DST_A_VOLUME_NAME]);
	if (IS_ERR(vol))
		return PTR_ERR(vol);
	err = change(vol, info->extack);
	dstb_netlink_put_volume(vol);
	return err;
}

/**
 * dstb_nl_volume_suspend_doit() - let what is under way end and hold new I/O
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_volume_suspend_doit(struct sk_buff *skb, struct genl_info *info)
{
	return change_volume(info, dstb_volume_suspend);
}

/**
 * dstb_nl_volume_resume_doit() - go on after that
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_volume_resume_doit(struct sk_buff *skb, struct genl_info *info)
{
	return change_volume(info, dstb_volume_resume);
}

/**
 * dstb_nl_volume_scrub_doit() - compare the copies of a volume, or end that
 * @skb:	the request
 * @info:	the request, parsed
 *
 * Return: 0 or a negative errno.
 */
int dstb_nl_volume_scrub_doit(struct sk_buff *skb, struct genl_info *info)
{
	bool repair = nla_get_flag(info->attrs[DST_A_VOLUME_REPAIR]);
	bool end = nla_get_flag(info->attrs[DST_A_VOLUME_END]);
	struct dstb_volume *vol;
	int err;

	if (repair && end) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DST_A_VOLUME_END],
				    "scrub: repair and end do not go together");
		return -EINVAL;
	}
	vol = dstb_netlink_get_volume(info, info->attrs[DST_A_VOLUME_NAME]);
	if (IS_ERR(vol))
		return PTR_ERR(vol);
	err = dstb_volume_scrub(vol, repair, end, info->extack);
	dstb_netlink_put_volume(vol);
	return err;
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

static int put_bytes(struct sk_buff *skb, int type, u64 sectors)
{
	return nla_put_u64_64bit(skb, type, sectors << SECTOR_SHIFT, 0);
}

static int put_members(struct sk_buff *skb, struct dstb_volume *vol)
{
	struct dstb_member_status status = { 0 };

	dstb_member_status(vol, &status);
	if ((vol->no_wait && nla_put_flag(skb, DST_A_VOLUME_NO_WAIT)) ||
	    (vol->checksum && nla_put_flag(skb, DST_A_VOLUME_CHECKSUM)) ||
	    nla_put_u32(skb, DST_A_VOLUME_GRACE_MS, vol->grace_ms) ||
	    (status.metadata && nla_put_flag(skb, DST_A_VOLUME_METADATA)) ||
	    nla_put_u64_64bit(skb, DST_A_VOLUME_AGE, status.age, 0) ||
	    nla_put_u32(skb, DST_A_VOLUME_VOTES, status.votes) ||
	    nla_put_u32(skb, DST_A_VOLUME_NR_VOTES, status.nr_votes) ||
	    put_bytes(skb, DST_A_VOLUME_REGION_SIZE, status.region) ||
	    put_bytes(skb, DST_A_VOLUME_DIRTY, status.dirty) ||
	    put_bytes(skb, DST_A_VOLUME_SCRUB_DONE, status.scrub_done) ||
	    put_bytes(skb, DST_A_VOLUME_SCRUB_TOTAL, status.scrub_total) ||
	    put_bytes(skb, DST_A_VOLUME_SCRUB_SKIPPED, status.scrub_skipped) ||
	    put_bytes(skb, DST_A_VOLUME_SCRUB_ERRORS, status.scrub_errors) ||
	    nla_put_u64_64bit(skb, DST_A_VOLUME_REPAIRED, status.repaired, 0))
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
	    put_bytes(skb, DST_A_VOLUME_SIZE, map->layout.capacity) ||
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
	    nla_put_u32(skb, DST_A_VOLUME_NR_NODES, vol->nr_nodes) || put_members(skb, vol))
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

	vol = dstb_netlink_get_volume(info, info->attrs[DST_A_VOLUME_NAME]);
	if (IS_ERR(vol))
		return PTR_ERR(vol);
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply) {
		dstb_netlink_put_volume(vol);
		return -ENOMEM;
	}
	head = genlmsg_put_reply(reply, info, &dstb_nl_family, 0, DST_CMD_VOLUME_GET);
	if (head)
		err = put_volume(reply, vol);
	dstb_netlink_put_volume(vol);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, head);
	return genlmsg_reply(reply, info);
}

/**
 * dstb_netlink_volume_head() - begin a message of a dump
 * @skb:	gets it
 * @cb:		the dump, whose seq is dstb_volume_generation()
 * @cmd:	enum of the command
 *
 * Return: for genlmsg_end() or genlmsg_cancel(), or NULL.
 */
void *dstb_netlink_volume_head(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
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

	if (!dstb_netlink_hold(vol))
		return 0;
	head = dstb_netlink_volume_head(skb, cb, DST_CMD_VOLUME_GET);
	err = head ? put_volume(skb, vol) : -EMSGSIZE;
	dstb_netlink_release(vol);
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
	struct dstb_volume *vol;
	int err = 0;

	cb->seq = dstb_volume_generation();
	while (!err && (vol = dstb_volume_next(sock_net(skb->sk), ctx->object))) {
		err = dump_volume(skb, cb, vol);
		if (!err)
			ctx->object = vol->serial;
		dstb_volume_put(vol);
	}
	return err;
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

/* The node may have gone since. */
static bool in_sync(const struct dstb_volume *vol, u32 index)
{
	const struct dstb_node *node;
	bool ok;

	rcu_read_lock();
	node = dstb_volume_node(vol, index);
	ok = node && dstb_node_in_sync(node);
	rcu_read_unlock();
	return ok;
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
		    (in_sync(vol, leg->node) && nla_put_flag(skb, DST_A_LEG_IN_SYNC)))
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

	vol = dstb_netlink_get_volume(info, info->attrs[DST_A_MAP_VOLUME]);
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
	dstb_netlink_put_volume(vol);
	return err;
}
