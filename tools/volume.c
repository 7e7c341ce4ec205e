// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl volume ..., node ..., map
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "dstctl.h"

#define DEVICE_WAIT_MS	5000

static int add_param(const struct context *ctx, struct dst_volume_spec *spec, const char *text)
{
	const char *value = strchr(text, '=');
	uint64_t number;
	char *name;
	int err;

	if (!value || value == text)
		return usage_error(ctx, "--param: '%s' is not KEY=VALUE", text);
	if (dst_size__parse(value + 1, &number))
		return usage_error(ctx, "--param: '%s' is not a number (suffixes: k, M, G, T, P)",
				   value + 1);
	if (!number)
		return usage_error(ctx, "--param: '%s' must not be 0", text);
	name = strndup(text, (size_t)(value - text));
	if (!name)
		return refuse("out of memory");
	err = dst_volume_spec__add_param(spec, name, number);
	free(name);
	return err ? refused(ctx) : 0;
}

static int fill_spec(const struct context *ctx, struct dst_volume_spec *spec)
{
	int i, status = 0;

	for (i = 0; i < ctx->nopts && !status; i++)
		if (!strcmp(ctx->opts[i].def->name, "param"))
			status = add_param(ctx, spec, ctx->opts[i].value);
	for (i = 1; i < ctx->nargs && !status; i++)
		if (dst_volume_spec__add_node(spec, ctx->args[i], NULL))
			status = refused(ctx);
	return status;
}

static int copy_number(const struct dst_volume_info *info, void *arg)
{
	*(struct dst_volume_info *)arg = *info;
	return 0;
}

/* udev may take its time; without it, the kernel has made the device already. */
static int wait_for_device(const struct context *ctx, const char *name)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	struct dst_volume_info info;
	char path[64];
	struct stat st;
	int waited;

	if (dst_volume__for_each(ctx->dst, name, copy_number, &info))
		return refused(ctx);
	snprintf(path, sizeof(path), "/dev/dst/%s", name);
	for (waited = 0; waited < DEVICE_WAIT_MS; waited += 20) {
		if (!stat(path, &st) && S_ISBLK(st.st_mode) && major(st.st_rdev) == info.major &&
		    minor(st.st_rdev) == info.minor)
			return 0;
		nanosleep(&pause, NULL);
	}
	return refuse("volume %s was made, but its device %s (%u:%u) did not appear in 5 seconds",
		      name, path, info.major, info.minor);
}

int volume_create(struct context *ctx)
{
	const char *policy = option(ctx, "policy"), *name = ctx->args[0];
	uint64_t connections = 0, timeout = 0;
	struct dst_volume_spec *spec;
	int status;

	if (!policy)
		return usage_error(ctx, "--policy is missing");
	if (!option_number(ctx, "connections", 1, 64, &connections) ||
	    !option_number(ctx, "io-timeout", 1, 3600, &timeout))
		return EXIT_USAGE;
	if (option(ctx, "read-only") && option(ctx, "shared"))
		return usage_error(ctx, "--read-only and --shared do not go together");
	DST_OPTS(dst_volume_opts, opts, .read_only = option(ctx, "read-only"),
		 .shared = option(ctx, "shared"), .connections = (uint32_t)connections,
		 .io_timeout_ms = (uint32_t)timeout * 1000);
	if (dst_volume_spec__new(ctx->dst, name, policy, &opts, &spec))
		return refused(ctx);
	status = fill_spec(ctx, spec);
	if (!status && dst_volume__create(ctx->dst, spec))
		status = refused(ctx);
	dst_volume_spec__free(spec);
	if (!status)
		status = wait_for_device(ctx, name);
	if (!status && ctx->json)
		return print_json(json_pack("{s:s, s:o}", "volume", name, "device",
					    json_sprintf("/dev/dst/%s", name)));
	return status;
}

static int list_row(const struct dst_volume_info *info, void *arg)
{
	char size[32];

	table_cell(arg, "%s", info->name);
	table_cell(arg, "%s", dst_volume_state__name(info->state));
	table_cell(arg, "%s", size_text(info->size, size));
	table_cell(arg, "%s", info->policy);
	table_cell(arg, "%u/%u", info->up_nodes, info->nr_nodes);
	table_cell(arg, "%u", info->open);
	return 0;
}

static int list_json(const struct dst_volume_info *info, void *arg)
{
	return json_array_append_new(arg, volume_json(info)) ? -12 : 0;
}

int volume_list(struct context *ctx)
{
	json_t *array = ctx->json ? json_array() : NULL;
	struct table *table =
		ctx->json ? NULL :
			    table_new("NAME", "STATE", "SIZE", "POLICY", "NODES", "OPEN", NULL);
	int err = dst_volume__for_each(ctx->dst, NULL, ctx->json ? list_json : list_row,
				       ctx->json ? (void *)array : (void *)table);

	if (err) {
		json_decref(array);
		return refused(ctx);
	}
	if (ctx->json)
		return print_json(array);
	table_print(table);
	return 0;
}

static struct table *node_table(void)
{
	return table_new("NODE", "STATE", "SIZE", "READS", "WRITES", "ERRORS", "WHERE", "REASON",
			 NULL);
}

static int node_row(const struct dst_node_info *info, void *arg)
{
	char size[32];

	table_cell(arg, "%u", info->index);
	table_cell(arg, "%s", dst_node_state__name(info->state));
	table_cell(arg, "%s", size_text(info->size, size));
	table_cell(arg, "%ju", (uintmax_t)info->reads);
	table_cell(arg, "%ju", (uintmax_t)info->writes);
	table_cell(arg, "%ju", (uintmax_t)info->errors);
	table_cell(arg, "%s", info->where);
	table_cell(arg, "%s", *info->reason ? info->reason : "-");
	return 0;
}

static int show_text(const struct dst_volume_info *info)
{
	char size[32], uuid[37];
	uint32_t i;

	line("volume", "%s", info->name);
	line("device", "/dev/dst/%s (%u:%u)", info->name, info->major, info->minor);
	line("uuid", "%s", uuid_text(info->uuid, uuid));
	line("state", "%s%s%s", dst_volume_state__name(info->state), *info->reason ? ": " : "",
	     info->reason);
	line("size", "%s (%ju bytes)", size_text(info->size, size), (uintmax_t)info->size);
	line("block size", "%u", info->block_size);
	line("policy", "%s", info->policy);
	for (i = 0; i < info->nr_params; i++)
		line("parameter", "%s=%ju", info->params[i].name, (uintmax_t)info->params[i].value);
	line("copies", "%u", info->copies);
	if (info->policy_faults)
		line("policy faults", "%ju", (uintmax_t)info->policy_faults);
	line("mode", "%s%s", info->read_only ? "read-only" : "read-write",
	     info->role == DST_ROLE_SHARED ? ", exports shared" : "");
	line("open", "%u", info->open);
	if (info->held)
		line("held", "%u requests wait for the policy", info->held);
	line("nodes", "%u of %u up", info->up_nodes, info->nr_nodes);
	return 0;
}

static int show(const struct dst_volume_info *info, void *arg)
{
	const struct context *ctx = arg;
	struct table *table;
	json_t *json, *nodes;
	int err;

	if (ctx->json) {
		json = volume_json(info);
		nodes = json_array();
		err = dst_node__for_each(ctx->dst, info->name, append_node_json, nodes);
		json_object_set_new(json, "nodes", nodes);
		if (!err)
			return print_json(json);
		json_decref(json);
		return err;
	}
	show_text(info);
	table = node_table();
	err = dst_node__for_each(ctx->dst, info->name, node_row, table);
	table_print(table);
	return err;
}

int volume_show(struct context *ctx)
{
	return dst_volume__for_each(ctx->dst, ctx->args[0], show, ctx) ? refused(ctx) : 0;
}

int volume_stop(struct context *ctx)
{
	DST_OPTS(dst_volume_stop_opts, opts, .force = option(ctx, "force"));

	if (dst_volume__stop(ctx->dst, ctx->args[0], &opts))
		return refused(ctx);
	return ctx->json ? print_json(json_pack("{s:s}", "stopped", ctx->args[0])) : 0;
}

int node_show(struct context *ctx)
{
	json_t *array = ctx->json ? json_array() : NULL;
	struct table *table = ctx->json ? NULL : node_table();
	int err = dst_node__for_each(ctx->dst, ctx->args[0],
				     ctx->json ? append_node_json : node_row,
				     ctx->json ? (void *)array : (void *)table);

	if (err) {
		json_decref(array);
		return refused(ctx);
	}
	if (ctx->json)
		return print_json(array);
	table_print(table);
	return 0;
}

/* Where the nodes are, by index: for the map. */
struct places {
	char *where[256];
};

static int add_place(const struct dst_node_info *info, void *arg)
{
	struct places *places = arg;

	if (info->index < 256 && !places->where[info->index])
		places->where[info->index] = strdup(info->where);
	return 0;
}

struct mapping {
	const struct context *ctx;
	struct places places;
};

static const char *where(const struct mapping *mapping, uint32_t node)
{
	return node < 256 && mapping->places.where[node] ? mapping->places.where[node] : "?";
}

static int show_map(const struct dst_map_info *info, void *arg)
{
	const struct mapping *mapping = arg;
	json_t *legs = json_array();
	uint32_t i;

	if (mapping->ctx->json) {
		for (i = 0; i < info->nr_legs; i++)
			json_array_append_new(legs,
					      json_pack("{s:i, s:s, s:I, s:b}", "node",
							(int)info->legs[i].node, "where",
							where(mapping, info->legs[i].node),
							"sector", (json_int_t)info->legs[i].sector,
							"in_sync", info->legs[i].in_sync));
		return print_json(json_pack("{s:s, s:I, s:I, s:o}", "volume", info->volume,
					    "sector", (json_int_t)info->sector, "nr_sectors",
					    (json_int_t)info->nr_sectors, "legs", legs));
	}
	json_decref(legs);
	printf("volume %s, sectors %ju to %ju:\n", info->volume, (uintmax_t)info->sector,
	       (uintmax_t)info->sector + info->nr_sectors - 1);
	for (i = 0; i < info->nr_legs; i++)
		printf("  node %u (%s), sector %ju%s\n", info->legs[i].node,
		       where(mapping, info->legs[i].node), (uintmax_t)info->legs[i].sector,
		       info->legs[i].in_sync ? "" : ", not in sync");
	return 0;
}

int volume_map(struct context *ctx)
{
	struct mapping mapping = { .ctx = ctx };
	uint64_t sector;
	int i, err;

	if (!parse_number(ctx->args[1], &sector))
		return usage_error(ctx, "'%s' is not the number of a sector", ctx->args[1]);
	err = dst_node__for_each(ctx->dst, ctx->args[0], add_place, &mapping.places);
	if (!err)
		err = dst_volume__map(ctx->dst, ctx->args[0], sector, show_map, &mapping);
	for (i = 0; i < 256; i++)
		free(mapping.places.where[i]);
	return err ? refused(ctx) : 0;
}
