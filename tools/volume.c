// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl volume ...; create and assemble are in create.c, wait and scrub in wait.c.
 */
#include <stdio.h>
#include <string.h>

#include "dstctl.h"

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

	return print_list(ctx, err, array, table);
}

/* What recovery knows of it. */
static void show_members(const struct dst_volume_info *info)
{
	char size[32], buf[SENTENCE];

	if (!info->metadata)
		return;
	line("votes", "%u of %u", info->votes, info->nr_votes);
	line("age", "%ju", (uintmax_t)info->age);
	if (info->no_wait)
		line("without a node", "requests fail at once");
	else if (info->copies < 2)
		line("without a node", "requests wait until it is back");
	else
		line("without a node", "requests wait %u.%01u s", info->grace_ms / 1000,
		     info->grace_ms / 100 % 10);
	if (info->region_size) {
		line("region size", "%s", size_text(info->region_size, size));
		line("dirty", "%s", size_text(info->dirty, size));
	}
	if (info->checksum)
		line("resync", "compares digests first");
	if (info->repaired)
		line("reads mended", "%ju", (uintmax_t)info->repaired);
	if (scrub_text(info, buf))
		line("scrub", "%s", buf);
	else if (info->scrub_total)
		line("scrub", "%s compared, nothing differed", size_text(info->scrub_done, size));
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
		line("parameter", "%s=%ju", info->params[i]->name,
		     (uintmax_t)info->params[i]->value);
	line("copies", "%u", info->copies);
	if (info->policy_faults)
		line("policy faults", "%ju", (uintmax_t)info->policy_faults);
	line("mode", "%s%s", info->read_only ? "read-only" : "read-write",
	     info->role == DST_ROLE_SHARED ? ", exports shared" : "");
	line("open", "%u", info->open);
	if (info->held)
		line("held", "%u requests wait", info->held);
	line("nodes", "%u of %u up", info->up_nodes, info->nr_nodes);
	show_members(info);
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

int volume_suspend(struct context *ctx)
{
	if (dst_volume__suspend(ctx->dst, ctx->args[0]))
		return refused(ctx);
	return ctx->json ? print_json(json_pack("{s:s}", "suspended", ctx->args[0])) : 0;
}

int volume_resume(struct context *ctx)
{
	if (dst_volume__resume(ctx->dst, ctx->args[0]))
		return refused(ctx);
	return ctx->json ? print_json(json_pack("{s:s}", "resumed", ctx->args[0])) : 0;
}
