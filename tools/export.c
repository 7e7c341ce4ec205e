// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl export ...
 */
#include <stdio.h>
#include <string.h>

#include "dstctl.h"

static int add_listens(const struct context *ctx, struct dst_export_spec *spec)
{
	int i;

	for (i = 0; i < ctx->nopts; i++)
		if (!strcmp(ctx->opts[i].def->name, "listen") &&
		    dst_export_spec__add_listen(spec, ctx->opts[i].value))
			return refused(ctx);
	return 0;
}

int export_add(struct context *ctx)
{
	struct dst_export_spec *spec;
	uint64_t max_sessions = 0;
	int status;

	if (!option(ctx, "listen"))
		return usage_error(ctx, "--listen is missing");
	if (!option_number(ctx, "max-sessions", 1, 1024, &max_sessions))
		return EXIT_USAGE;
	DST_OPTS(dst_export_opts, opts, .read_only = option(ctx, "read-only"),
		 .shared = option(ctx, "shared"), .max_sessions = (uint32_t)max_sessions);
	if (dst_export_spec__new(ctx->dst, ctx->args[0], ctx->args[1], &opts, &spec))
		return refused(ctx);
	status = add_listens(ctx, spec);
	if (!status && dst_export__add(ctx->dst, spec))
		status = refused(ctx);
	dst_export_spec__free(spec);
	if (!status && ctx->json)
		return print_json(json_pack("{s:s}", "added", ctx->args[0]));
	return status;
}

static int list_row(const struct dst_export_info *info, void *arg)
{
	char size[32];

	table_cell(arg, "%s", info->name);
	table_cell(arg, "%s", info->device);
	table_cell(arg, "%s", size_text(info->size, size));
	table_cell(arg, "%s%s", info->read_only ? "read-only" : "read-write",
		   info->shared ? ",shared" : "");
	table_cell(arg, "%s", info->suspended ? "suspended" : "offered");
	table_cell(arg, "%u", info->nr_sessions);
	table_cell(arg, "%s%s", info->nr_listen ? info->listen[0] : "-",
		   info->nr_listen > 1 ? " ..." : "");
	return 0;
}

static int list_json(const struct dst_export_info *info, void *arg)
{
	return json_array_append_new(arg, export_json(info)) ? -12 : 0;
}

int export_list(struct context *ctx)
{
	json_t *array = ctx->json ? json_array() : NULL;
	struct table *table =
		ctx->json ? NULL :
			    table_new("NAME", "DEVICE", "SIZE", "MODE", "STATE", "SESSIONS",
				      "LISTEN", NULL);
	int err = dst_export__for_each(ctx->dst, NULL, ctx->json ? list_json : list_row,
				       ctx->json ? (void *)array : (void *)table);

	return print_list(ctx, err, array, table);
}

static int session_row(const struct dst_session_info *info, void *arg)
{
	char uuid[37];

	table_cell(arg, "%016jx", (uintmax_t)info->id);
	table_cell(arg, "%s", info->volume);
	table_cell(arg, "%s", dst_role__name(info->role));
	table_cell(arg, "%u", info->connections);
	table_cell(arg, "%u", info->in_flight);
	table_cell(arg, "%s", info->peer);
	table_cell(arg, "%s", uuid_text(info->client, uuid));
	return 0;
}

static int show_text(const struct context *ctx, const struct dst_export_info *info)
{
	struct table *table;
	char size[32];
	uint32_t i;
	int err;

	line("export", "%s", info->name);
	line("device", "%s", info->device);
	line("size", "%s (%ju bytes)", size_text(info->size, size), (uintmax_t)info->size);
	line("block size", "%u", info->block_size);
	line("mode", "%s%s", info->read_only ? "read-only" : "read-write",
	     info->shared ? ", shared" : "");
	for (i = 0; i < info->nr_listen; i++)
		line("listens on", "%s", info->listen[i]);
	if (info->suspended)
		line("suspended", "initiators do without it until it is resumed");
	line("rejected", "%ju", (uintmax_t)info->rejected);
	line("sessions", "%u, at most %u", info->nr_sessions, info->max_sessions);
	if (!info->nr_sessions)
		return 0;
	table = table_new("SESSION", "VOLUME", "ROLE", "CONNECTIONS", "IN FLIGHT", "PEER", "CLIENT",
			  NULL);
	err = dst_session__for_each(ctx->dst, info->name, session_row, table);
	table_print(table);
	return err;
}

static int show(const struct dst_export_info *info, void *arg)
{
	const struct context *ctx = arg;
	json_t *json, *sessions;
	int err;

	if (!ctx->json)
		return show_text(ctx, info);
	json = export_json(info);
	sessions = json_array();
	err = dst_session__for_each(ctx->dst, info->name, append_session_json, sessions);
	json_object_set_new(json, "sessions", sessions);
	if (!err)
		return print_json(json);
	json_decref(json);
	return err;
}

int export_show(struct context *ctx)
{
	return dst_export__for_each(ctx->dst, ctx->args[0], show, ctx) ? refused(ctx) : 0;
}

int export_remove(struct context *ctx)
{
	if (dst_export__remove(ctx->dst, ctx->args[0]))
		return refused(ctx);
	return ctx->json ? print_json(json_pack("{s:s}", "removed", ctx->args[0])) : 0;
}

int export_suspend(struct context *ctx)
{
	if (dst_export__suspend(ctx->dst, ctx->args[0]))
		return refused(ctx);
	return ctx->json ? print_json(json_pack("{s:s}", "suspended", ctx->args[0])) : 0;
}

int export_resume(struct context *ctx)
{
	if (dst_export__resume(ctx->dst, ctx->args[0]))
		return refused(ctx);
	return ctx->json ? print_json(json_pack("{s:s}", "resumed", ctx->args[0])) : 0;
}
