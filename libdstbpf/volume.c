// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Volumes and their nodes.
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
#define PATH_LEN	256

struct node_spec {
	char path[PATH_LEN];		/* or addr */
	struct dst_addr *addr;
	uint32_t weight;
	uint32_t zone;
};

struct param_spec {
	char name[DST_PARAM_NAME_MAX + 1];
	uint64_t value;
};

struct dst_volume_spec {
	struct dst_handle *handle;
	char name[DST_VOLUME_NAME_MAX + 1];
	char policy[DST_POLICY_NAME_MAX + 1];
	bool read_only;
	bool shared;
	bool has_uuid;
	uint8_t uuid[16];
	uint32_t connections;
	uint32_t io_timeout_ms;
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

	err = dsti_opts(handle, opts, &known, sizeof(known));
	if (!err)
		err = dsti_check_name(handle, "volume", name, DST_VOLUME_NAME_MAX);
	if (!err)
		err = dsti_check_name(handle, "policy", policy, DST_POLICY_NAME_MAX);
	if (err)
		return err;
	spec = calloc(1, sizeof(*spec));
	if (!spec)
		return dsti_error(handle, -ENOMEM, "out of memory");
	spec->handle = handle;
	strcpy(spec->name, name);
	strcpy(spec->policy, policy);
	spec->read_only = known.read_only;
	spec->shared = known.shared;
	spec->connections = known.connections;
	spec->io_timeout_ms = known.io_timeout_ms;
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
	char *path;
	int err;

	err = dsti_opts(spec->handle, opts, &known, sizeof(known));
	if (err)
		return err;
	if (spec->nr_nodes == MAX_NODES)
		return dsti_error(spec->handle, -E2BIG, "a volume has at most %u nodes", MAX_NODES);
	if (strstr(where, "://")) {
		err = dst_addr__parse(spec->handle, where, DST_ADDR_REMOTE, &node->addr);
		if (err)
			return err;
	} else {
		/* The kernel would look from its own folder on. */
		path = realpath(where, NULL);
		if (!path)
			return dsti_error(spec->handle, -errno, "node '%s': %m", where);
		if (strlen(path) >= PATH_LEN) {
			free(path);
			return dsti_error(spec->handle, -ENAMETOOLONG,
					  "node '%s': the path is longer than %u characters", where,
					  PATH_LEN - 1);
		}
		/* Keep stable names as /dev/disk/by-id/X as they were given. */
		strcpy(node->path, *where == '/' && strlen(where) < PATH_LEN ? where : path);
		free(path);
	}
	node->weight = known.weight;
	node->zone = known.zone;
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
		dst_addr__free(spec->nodes[i].addr);
	free(spec);
}

static bool put_node(struct nlmsghdr *nlh, size_t size, const struct node_spec *node)
{
	struct nlattr *nest = mnl_attr_nest_start_check(nlh, size, DST_A_VOLUME_NODE);

	if (!nest)
		return false;
	if (node->addr) {
		if (!dsti_put_addr(nlh, size, DST_A_NODE_ADDR, node->addr) ||
		    !mnl_attr_put_strz_check(nlh, size, DST_A_NODE_EXPORT, node->addr->export_name))
			return false;
	} else if (!mnl_attr_put_strz_check(nlh, size, DST_A_NODE_PATH, node->path)) {
		return false;
	}
	if ((node->weight && !mnl_attr_put_u32_check(nlh, size, DST_A_NODE_WEIGHT, node->weight)) ||
	    (node->zone && !mnl_attr_put_u32_check(nlh, size, DST_A_NODE_ZONE, node->zone)))
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

static bool put_spec(struct nlmsghdr *nlh, size_t size, const struct dst_volume_spec *spec)
{
	uint32_t i;

	mnl_attr_put_strz(nlh, DST_A_VOLUME_NAME, spec->name);
	mnl_attr_put_strz(nlh, DST_A_VOLUME_POLICY, spec->policy);
	if (spec->has_uuid)
		mnl_attr_put(nlh, DST_A_VOLUME_UUID, sizeof(spec->uuid), spec->uuid);
	if (spec->read_only)
		mnl_attr_put(nlh, DST_A_VOLUME_READ_ONLY, 0, NULL);
	if (spec->shared && !spec->read_only)
		mnl_attr_put_u32(nlh, DST_A_VOLUME_ROLE, DST_ROLE_SHARED);
	if (spec->connections)
		mnl_attr_put_u32(nlh, DST_A_VOLUME_CONNECTIONS, spec->connections);
	if (spec->io_timeout_ms)
		mnl_attr_put_u32(nlh, DST_A_VOLUME_IO_TIMEOUT_MS, spec->io_timeout_ms);
	for (i = 0; i < spec->nr_params; i++)
		if (!put_param(nlh, size, &spec->params[i]))
			return false;
	for (i = 0; i < spec->nr_nodes; i++)
		if (!put_node(nlh, size, &spec->nodes[i]))
			return false;
	return true;
}

int dst_volume__create(struct dst_handle *handle, const struct dst_volume_spec *spec)
{
	struct nlmsghdr *nlh;
	size_t size;
	int err;

	if (!spec->nr_nodes)
		return dsti_error(handle, -EINVAL, "a volume takes at least one node");
	err = dsti_connect(handle);
	if (err)
		return err;
	nlh = dsti_request(handle, DST_CMD_VOLUME_CREATE, 0, &size);
	if (!nlh)
		return -ENOMEM;
	if (!put_spec(nlh, size, spec)) {
		free(nlh);
		return dsti_error(handle, -E2BIG, "the description of the volume is too long");
	}
	return dsti_talk(handle, nlh, NULL);
}

int dst_volume__stop(struct dst_handle *handle, const char *name,
		     const struct dst_volume_stop_opts *opts)
{
	struct dst_volume_stop_opts known;
	int err = dsti_opts(handle, opts, &known, sizeof(known));

	if (!err)
		err = dsti_check_name(handle, "volume", name, DST_VOLUME_NAME_MAX);
	if (err)
		return err;
	return dsti_simple(handle, DST_CMD_VOLUME_STOP, DST_A_VOLUME_NAME, name,
			   known.force);
}

static uint32_t get_params(const struct nlmsghdr *nlh, struct dst_param_info *params)
{
	const struct nlattr *attr, *tb[DST_A_PARAM_MAX + 1];
	uint32_t nr = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != DST_A_VOLUME_PARAM || nr == MAX_PARAMS)
			continue;
		dsti_parse_nest(tb, DST_A_PARAM_MAX, attr);
		params[nr].name = dsti_str(tb[DST_A_PARAM_NAME]);
		params[nr++].value = dsti_u64(tb[DST_A_PARAM_VALUE]);
	}
	return nr;
}

static int show_volume(const struct nlmsghdr *nlh,
		       int (*fn)(const struct dst_volume_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_VOLUME_MAX + 1];
	struct dst_param_info params[MAX_PARAMS];
	struct dst_volume_info info;

	dsti_parse(tb, DST_A_VOLUME_MAX, nlh);
	info = (struct dst_volume_info){
		.sz = sizeof(info),
		.name = dsti_str(tb[DST_A_VOLUME_NAME]),
		.policy = dsti_str(tb[DST_A_VOLUME_POLICY]),
		.params = params,
		.nr_params = get_params(nlh, params),
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

static int show_node(struct dst_handle *handle, const struct nlattr *nest,
		     int (*fn)(const struct dst_node_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_NODE_MAX + 1];
	struct dst_addr *addr = NULL;
	struct dst_node_info info;
	int err;

	dsti_parse_nest(tb, DST_A_NODE_MAX, nest);
	if (tb[DST_A_NODE_ADDR]) {
		err = dsti_get_addr(handle, tb[DST_A_NODE_ADDR], dsti_str(tb[DST_A_NODE_EXPORT]),
				    &addr);
		if (err)
			return err;
	}
	info = (struct dst_node_info){
		.sz = sizeof(info),
		.volume = dsti_str(tb[DST_A_NODE_VOLUME]),
		.index = dsti_u32(tb[DST_A_NODE_INDEX]),
		.where = addr ? addr->text : dsti_str(tb[DST_A_NODE_PATH]),
		.local = !addr,
		.state = dsti_u32(tb[DST_A_NODE_STATE]),
		.reason = dsti_str(tb[DST_A_NODE_REASON]),
		.weight = dsti_u32(tb[DST_A_NODE_WEIGHT]),
		.zone = dsti_u32(tb[DST_A_NODE_ZONE]),
		.size = dsti_u64(tb[DST_A_NODE_SIZE]),
		.in_flight = dsti_u32(tb[DST_A_NODE_IN_FLIGHT]),
		.errors = dsti_u64(tb[DST_A_NODE_ERRORS]),
		.reads = dsti_u64(tb[DST_A_NODE_READS]),
		.writes = dsti_u64(tb[DST_A_NODE_WRITES]),
		.latency_ns = dsti_u64(tb[DST_A_NODE_LATENCY_NS]),
		.connections = dsti_u32(tb[DST_A_NODE_CONNECTIONS]),
	};
	err = fn(&info, arg);
	dst_addr__free(addr);
	return err;
}

int dst_node__for_each(struct dst_handle *handle, const char *volume,
		       int (*fn)(const struct dst_node_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_VOLUME_MAX + 1];
	struct dsti_answer answer;
	const struct nlmsghdr *nlh = NULL;
	int err = 0;

	if (volume)
		err = dsti_check_name(handle, "volume", volume, DST_VOLUME_NAME_MAX);
	if (err)
		return err;
	err = dsti_get(handle, DST_CMD_NODE_GET, true, DST_A_VOLUME_NAME, volume, &answer);
	if (!err) {
		while ((nlh = dsti_next(&answer, nlh))) {
			dsti_parse(tb, DST_A_VOLUME_MAX, nlh);
			if (tb[DST_A_VOLUME_NODE])
				err = show_node(handle, tb[DST_A_VOLUME_NODE], fn, arg);
			if (err)
				break;
		}
	}
	free(answer.buf);
	if (err == -ENOENT && volume)
		dsti_error(handle, err, "there is no volume %s", volume);
	return err;
}

static int show_map(const struct nlmsghdr *nlh,
		    int (*fn)(const struct dst_map_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_MAP_MAX + 1], *leg[DST_A_LEG_MAX + 1], *attr;
	struct dst_leg_info legs[MAX_LEGS];
	struct dst_map_info info;

	dsti_parse(tb, DST_A_MAP_MAX, nlh);
	info = (struct dst_map_info){
		.sz = sizeof(info),
		.volume = dsti_str(tb[DST_A_MAP_VOLUME]),
		.sector = dsti_u64(tb[DST_A_MAP_SECTOR]),
		.nr_sectors = dsti_u32(tb[DST_A_MAP_NR_SECTORS]),
		.legs = legs,
	};
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != DST_A_MAP_LEG || info.nr_legs == MAX_LEGS)
			continue;
		dsti_parse_nest(leg, DST_A_LEG_MAX, attr);
		legs[info.nr_legs++] = (struct dst_leg_info){
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
