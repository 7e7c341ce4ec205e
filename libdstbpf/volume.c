// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Volumes. Their nodes are in node.c.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define MAX_NODES	256
#define MAX_PARAMS	16
#define MAX_LEGS	16

struct node_spec {
	struct dsti_place place;
	uint32_t weight;
	uint32_t zone;
	bool witness;
};

struct param_spec {
	char name[DST_PARAM_NAME_MAX + 1];
	uint64_t value;
};

struct dst_volume_spec {
	struct dst_handle *handle;
	char name[DST_VOLUME_NAME_MAX + 1];
	char policy[DST_POLICY_NAME_MAX + 1];	/* empty: to be assembled */
	bool read_only;
	bool shared;
	bool has_uuid;
	uint8_t uuid[16];
	uint32_t connections;
	uint32_t io_timeout_ms;
	bool adopt;
	bool no_wait;
	bool has_grace;
	uint32_t grace_ms;
	bool checksum;
	uint32_t nr_params;
	struct param_spec params[MAX_PARAMS];
	uint32_t nr_nodes;
	struct node_spec nodes[MAX_NODES];
};

int dst_volume_spec__new(struct dst_handle *handle, const char *name, const char *policy,
			 const struct dst_volume_opts *opts, struct dst_volume_spec **specp)
{
	struct dst_volume_opts known;
	struct dst_volume_spec *spec;
	int err;

	err = dsti_opts(handle, opts, &known, DSTI_KNOWN(dst_volume_opts));
	if (!err)
		err = dsti_check_name(handle, "volume", name, DST_VOLUME_NAME_MAX);
	if (!err && policy)
		err = dsti_check_name(handle, "policy", policy, DST_POLICY_NAME_MAX);
	if (err)
		return err;
	spec = calloc(1, sizeof(*spec));
	if (!spec)
		return dsti_error(handle, -ENOMEM, "out of memory");
	spec->handle = handle;
	strcpy(spec->name, name);
	strcpy(spec->policy, policy ? policy : "");
	spec->read_only = known.read_only;
	spec->shared = known.shared;
	spec->connections = known.connections;
	spec->io_timeout_ms = known.io_timeout_ms;
	spec->adopt = known.adopt;
	spec->no_wait = known.no_wait;
	spec->has_grace = known.has_grace;
	spec->grace_ms = known.grace_ms;
	spec->checksum = known.checksum;
	if (known.uuid) {
		spec->has_uuid = true;
		memcpy(spec->uuid, known.uuid, sizeof(spec->uuid));
	}
	*specp = spec;
	return 0;
}

int dst_volume_spec__add_node(struct dst_volume_spec *spec, const char *where,
			      const struct dst_node_opts *opts)
{
	struct node_spec *node = &spec->nodes[spec->nr_nodes];
	struct dst_node_opts known;
	int err;

	err = dsti_opts(spec->handle, opts, &known, DSTI_KNOWN(dst_node_opts));
	if (err)
		return err;
	if (spec->nr_nodes == MAX_NODES)
		return dsti_error(spec->handle, -E2BIG, "a volume has at most %u nodes", MAX_NODES);
	if (!known.witness && spec->nr_nodes && node[-1].witness)
		return dsti_error(spec->handle, -EINVAL,
				  "node '%s' comes after a witness: witnesses come last", where);
	err = dsti_place(spec->handle, where, known.may_be_absent, &node->place);
	if (err)
		return err;
	node->weight = known.weight;
	node->zone = known.zone;
	node->witness = known.witness;
	spec->nr_nodes++;
	return 0;
}

int dst_volume_spec__add_param(struct dst_volume_spec *spec, const char *name, uint64_t value)
{
	struct param_spec *param = &spec->params[spec->nr_params];
	uint32_t i;
	int err;

	err = dsti_check_name(spec->handle, "parameter", name, DST_PARAM_NAME_MAX);
	if (err)
		return err;
	if (spec->nr_params == MAX_PARAMS)
		return dsti_error(spec->handle, -E2BIG, "a volume has at most %u parameters",
				  MAX_PARAMS);
	for (i = 0; i < spec->nr_params; i++)
		if (!strcmp(spec->params[i].name, name))
			return dsti_error(spec->handle, -EINVAL, "parameter '%s' is given twice",
					  name);
	strcpy(param->name, name);
	param->value = value;
	spec->nr_params++;
	return 0;
}

void dst_volume_spec__free(struct dst_volume_spec *spec)
{
	uint32_t i;

	if (!spec)
		return;
	for (i = 0; i < spec->nr_nodes; i++)
		dst_addr__free(spec->nodes[i].place.addr);
	free(spec);
}

static bool put_node(struct nlmsghdr *nlh, size_t size, const struct node_spec *node)
{
	struct nlattr *nest = mnl_attr_nest_start_check(nlh, size, DST_A_VOLUME_NODE);

	if (!nest || !dsti_put_place(nlh, size, &node->place))
		return false;
	if ((node->weight && !mnl_attr_put_u32_check(nlh, size, DST_A_NODE_WEIGHT, node->weight)) ||
	    (node->zone && !mnl_attr_put_u32_check(nlh, size, DST_A_NODE_ZONE, node->zone)) ||
	    (node->witness && !mnl_attr_put_check(nlh, size, DST_A_NODE_WITNESS, 0, NULL)))
		return false;
	mnl_attr_nest_end(nlh, nest);
	return true;
}

static bool put_param(struct nlmsghdr *nlh, size_t size, const struct param_spec *param)
{
	struct nlattr *nest = mnl_attr_nest_start_check(nlh, size, DST_A_VOLUME_PARAM);

	if (!nest || !mnl_attr_put_strz_check(nlh, size, DST_A_PARAM_NAME, param->name) ||
	    !mnl_attr_put_u64_check(nlh, size, DST_A_PARAM_VALUE, param->value))
		return false;
	mnl_attr_nest_end(nlh, nest);
	return true;
}

static void put_flag(struct nlmsghdr *nlh, uint16_t type, bool value)
{
	if (value)
		mnl_attr_put(nlh, type, 0, NULL);
}

/* The first attributes fit: the buffer is larger than all of them. */
static bool put_spec(struct nlmsghdr *nlh, size_t size, const struct dst_volume_spec *spec)
{
	uint32_t i;

	mnl_attr_put_strz(nlh, DST_A_VOLUME_NAME, spec->name);
	if (*spec->policy)
		mnl_attr_put_strz(nlh, DST_A_VOLUME_POLICY, spec->policy);
	if (spec->has_uuid)
		mnl_attr_put(nlh, DST_A_VOLUME_UUID, sizeof(spec->uuid), spec->uuid);
	put_flag(nlh, DST_A_VOLUME_READ_ONLY, spec->read_only);
	if (spec->shared && !spec->read_only)
		mnl_attr_put_u32(nlh, DST_A_VOLUME_ROLE, DST_ROLE_SHARED);
	if (spec->connections)
		mnl_attr_put_u32(nlh, DST_A_VOLUME_CONNECTIONS, spec->connections);
	if (spec->io_timeout_ms)
		mnl_attr_put_u32(nlh, DST_A_VOLUME_IO_TIMEOUT_MS, spec->io_timeout_ms);
	put_flag(nlh, DST_A_VOLUME_ADOPT, spec->adopt);
	put_flag(nlh, DST_A_VOLUME_NO_WAIT, spec->no_wait);
	put_flag(nlh, DST_A_VOLUME_CHECKSUM, spec->checksum);
	if (spec->has_grace)
		mnl_attr_put_u32(nlh, DST_A_VOLUME_GRACE_MS, spec->grace_ms);
	for (i = 0; i < spec->nr_params; i++)
		if (!put_param(nlh, size, &spec->params[i]))
			return false;
	for (i = 0; i < spec->nr_nodes; i++)
		if (!put_node(nlh, size, &spec->nodes[i]))
			return false;
	return true;
}

static int make(struct dst_handle *handle, uint8_t cmd, const struct dst_volume_spec *spec,
		const struct dst_volume_assemble_opts *opts)
{
	struct nlmsghdr *nlh;
	size_t size;
	int err;

	if (!spec->nr_nodes)
		return dsti_error(handle, -EINVAL, "a volume takes at least one node");
	err = dsti_connect(handle);
	if (err)
		return err;
	nlh = dsti_request(handle, cmd, 0, &size);
	if (!nlh)
		return -ENOMEM;
	put_flag(nlh, DST_A_VOLUME_DEGRADED, opts->degraded);
	put_flag(nlh, DST_A_VOLUME_TAKEOVER, opts->takeover);
	if (!put_spec(nlh, size, spec)) {
		free(nlh);
		return dsti_error(handle, -E2BIG, "the description of the volume is too long");
	}
	return dsti_talk(handle, nlh, NULL);
}

int dst_volume__create(struct dst_handle *handle, const struct dst_volume_spec *spec)
{
	static const struct dst_volume_assemble_opts none;

	if (!*spec->policy)
		return dsti_error(handle, -EINVAL, "a new volume takes a policy");
	return make(handle, DST_CMD_VOLUME_CREATE, spec, &none);
}

/* What an assembled volume has on its nodes must not be given. */
static const char *too_much(const struct dst_volume_spec *spec)
{
	uint32_t i;

	if (*spec->policy || spec->nr_params)
		return "its policy and parameters are in the superblocks";
	if (spec->read_only || spec->shared)
		return "a read-only or shared volume has no superblocks";
	if (spec->has_uuid || spec->adopt)
		return "uuid and adopt are for a new volume";
	for (i = 0; i < spec->nr_nodes; i++)
		if (spec->nodes[i].weight || spec->nodes[i].zone || spec->nodes[i].witness)
			return "weights, zones and witnesses are in the superblocks";
	return NULL;
}

int dst_volume__assemble(struct dst_handle *handle, const struct dst_volume_spec *spec,
			 const struct dst_volume_assemble_opts *opts)
{
	struct dst_volume_assemble_opts known;
	const char *why = too_much(spec);
	int err = dsti_opts(handle, opts, &known, DSTI_KNOWN(dst_volume_assemble_opts));

	if (err)
		return err;
	if (why)
		return dsti_error(handle, -EINVAL, "can't assemble volume %s so: %s", spec->name,
				  why);
	return make(handle, DST_CMD_VOLUME_ASSEMBLE, spec, &known);
}

static int simple(struct dst_handle *handle, uint8_t cmd, const char *name, uint16_t flag)
{
	int err = dsti_check_name(handle, "volume", name, DST_VOLUME_NAME_MAX);

	return err ? err : dsti_simple(handle, cmd, DST_A_VOLUME_NAME, name, flag);
}

int dst_volume__suspend(struct dst_handle *handle, const char *name)
{
	return simple(handle, DST_CMD_VOLUME_SUSPEND, name, 0);
}

int dst_volume__resume(struct dst_handle *handle, const char *name)
{
	return simple(handle, DST_CMD_VOLUME_RESUME, name, 0);
}

int dst_volume__scrub(struct dst_handle *handle, const char *name,
		      const struct dst_volume_scrub_opts *opts)
{
	struct dst_volume_scrub_opts known;
	int err = dsti_opts(handle, opts, &known, DSTI_KNOWN(dst_volume_scrub_opts));

	if (err)
		return err;
	if (known.repair && known.end)
		return dsti_error(handle, -EINVAL, "to repair and to end do not go together");
	return simple(handle, DST_CMD_VOLUME_SCRUB, name,
		      known.repair ? DST_A_VOLUME_REPAIR : known.end ? DST_A_VOLUME_END : 0);
}

int dst_volume__stop(struct dst_handle *handle, const char *name,
		     const struct dst_volume_stop_opts *opts)
{
	struct dst_volume_stop_opts known;
	int err = dsti_opts(handle, opts, &known, DSTI_KNOWN(dst_volume_stop_opts));

	if (err)
		return err;
	return simple(handle, DST_CMD_VOLUME_STOP, name, known.force ? DST_A_VOLUME_FORCE : 0);
}

static uint32_t get_params(const struct nlmsghdr *nlh, struct dst_param_info *params,
			   const struct dst_param_info **listed)
{
	const struct nlattr *attr, *tb[DST_A_PARAM_MAX + 1];
	uint32_t nr = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != DST_A_VOLUME_PARAM || nr == MAX_PARAMS)
			continue;
		dsti_parse_nest(tb, DST_A_PARAM_MAX, attr);
		params[nr] = (struct dst_param_info){
			.sz = sizeof(*params),
			.name = dsti_str(tb[DST_A_PARAM_NAME]),
			.value = dsti_u64(tb[DST_A_PARAM_VALUE]),
		};
		listed[nr] = &params[nr];
		nr++;
	}
	return nr;
}

static void get_members(const struct nlattr **tb, struct dst_volume_info *info)
{
	info->no_wait = tb[DST_A_VOLUME_NO_WAIT];
	info->grace_ms = dsti_u32(tb[DST_A_VOLUME_GRACE_MS]);
	info->metadata = tb[DST_A_VOLUME_METADATA];
	info->age = dsti_u64(tb[DST_A_VOLUME_AGE]);
	info->votes = dsti_u32(tb[DST_A_VOLUME_VOTES]);
	info->nr_votes = dsti_u32(tb[DST_A_VOLUME_NR_VOTES]);
	info->region_size = dsti_u64(tb[DST_A_VOLUME_REGION_SIZE]);
	info->dirty = dsti_u64(tb[DST_A_VOLUME_DIRTY]);
	info->scrub_done = dsti_u64(tb[DST_A_VOLUME_SCRUB_DONE]);
	info->scrub_total = dsti_u64(tb[DST_A_VOLUME_SCRUB_TOTAL]);
	info->scrub_errors = dsti_u64(tb[DST_A_VOLUME_SCRUB_ERRORS]);
	info->repaired = dsti_u64(tb[DST_A_VOLUME_REPAIRED]);
	info->checksum = tb[DST_A_VOLUME_CHECKSUM];
	info->scrub_skipped = dsti_u64(tb[DST_A_VOLUME_SCRUB_SKIPPED]);
}

static int show_volume(const struct nlmsghdr *nlh,
		       int (*fn)(const struct dst_volume_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_VOLUME_MAX + 1];
	const struct dst_param_info *listed[MAX_PARAMS];
	struct dst_param_info params[MAX_PARAMS];
	struct dst_volume_info info;

	dsti_parse(tb, DST_A_VOLUME_MAX, nlh);
	info = (struct dst_volume_info){
		.sz = sizeof(info),
		.name = dsti_str(tb[DST_A_VOLUME_NAME]),
		.policy = dsti_str(tb[DST_A_VOLUME_POLICY]),
		.params = listed,
		.nr_params = get_params(nlh, params, listed),
		.state = dsti_u32(tb[DST_A_VOLUME_STATE]),
		.reason = dsti_str(tb[DST_A_VOLUME_REASON]),
		.size = dsti_u64(tb[DST_A_VOLUME_SIZE]),
		.block_size = dsti_u32(tb[DST_A_VOLUME_BLOCK_SIZE]),
		.copies = dsti_u32(tb[DST_A_VOLUME_COPIES]),
		.policy_faults = dsti_u64(tb[DST_A_VOLUME_POLICY_FAULTS]),
		.open = dsti_u32(tb[DST_A_VOLUME_OPEN]),
		.held = dsti_u32(tb[DST_A_VOLUME_HELD]),
		.major = dsti_u32(tb[DST_A_VOLUME_MAJOR]),
		.minor = dsti_u32(tb[DST_A_VOLUME_MINOR]),
		.read_only = tb[DST_A_VOLUME_READ_ONLY],
		.role = dsti_u32(tb[DST_A_VOLUME_ROLE]),
		.connections = dsti_u32(tb[DST_A_VOLUME_CONNECTIONS]),
		.io_timeout_ms = dsti_u32(tb[DST_A_VOLUME_IO_TIMEOUT_MS]),
		.up_nodes = dsti_u32(tb[DST_A_VOLUME_UP_NODES]),
		.nr_nodes = dsti_u32(tb[DST_A_VOLUME_NR_NODES]),
	};
	dsti_uuid(tb[DST_A_VOLUME_UUID], info.uuid);
	get_members(tb, &info);
	return fn(&info, arg);
}

int dst_volume__for_each(struct dst_handle *handle, const char *name,
			 int (*fn)(const struct dst_volume_info *info, void *arg), void *arg)
{
	struct dsti_answer answer;
	const struct nlmsghdr *nlh = NULL;
	int err = 0;

	if (name)
		err = dsti_check_name(handle, "volume", name, DST_VOLUME_NAME_MAX);
	if (err)
		return err;
	err = dsti_get(handle, DST_CMD_VOLUME_GET, !name, DST_A_VOLUME_NAME, name, &answer);
	if (!err) {
		while ((nlh = dsti_next(&answer, nlh))) {
			err = show_volume(nlh, fn, arg);
			if (err)
				break;
		}
	}
	free(answer.buf);
	return err;
}

static int show_map(const struct nlmsghdr *nlh,
		    int (*fn)(const struct dst_map_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_MAP_MAX + 1], *leg[DST_A_LEG_MAX + 1], *attr;
	const struct dst_leg_info *listed[MAX_LEGS];
	struct dst_leg_info legs[MAX_LEGS];
	struct dst_map_info info;

	dsti_parse(tb, DST_A_MAP_MAX, nlh);
	info = (struct dst_map_info){
		.sz = sizeof(info),
		.volume = dsti_str(tb[DST_A_MAP_VOLUME]),
		.sector = dsti_u64(tb[DST_A_MAP_SECTOR]),
		.nr_sectors = dsti_u32(tb[DST_A_MAP_NR_SECTORS]),
		.legs = listed,
	};
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != DST_A_MAP_LEG || info.nr_legs == MAX_LEGS)
			continue;
		dsti_parse_nest(leg, DST_A_LEG_MAX, attr);
		listed[info.nr_legs] = &legs[info.nr_legs];
		legs[info.nr_legs++] = (struct dst_leg_info){
			.sz = sizeof(*legs),
			.node = dsti_u32(leg[DST_A_LEG_NODE]),
			.in_sync = leg[DST_A_LEG_IN_SYNC],
			.sector = dsti_u64(leg[DST_A_LEG_SECTOR]),
		};
	}
	return fn(&info, arg);
}

int dst_volume__map(struct dst_handle *handle, const char *name, uint64_t sector,
		    int (*fn)(const struct dst_map_info *info, void *arg), void *arg)
{
	struct dsti_answer answer = { 0 };
	struct nlmsghdr *nlh;
	int err;

	err = dsti_check_name(handle, "volume", name, DST_VOLUME_NAME_MAX);
	if (!err)
		err = dsti_connect(handle);
	if (err)
		return err;
	nlh = dsti_request(handle, DST_CMD_MAP_GET, 0, NULL);
	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, DST_A_MAP_VOLUME, name);
	mnl_attr_put_u64(nlh, DST_A_MAP_SECTOR, sector);
	err = dsti_talk(handle, nlh, &answer);
	if (!err && answer.len)
		err = show_map((void *)answer.buf, fn, arg);
	free(answer.buf);
	return err;
}
