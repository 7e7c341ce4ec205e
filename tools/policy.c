// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl policy ...
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dstctl.h"

int policy_load(struct context *ctx)
{
	int err = dst_policy__load(ctx->dst, ctx->args[0], NULL);

	if (err && !(err == -EEXIST && option(ctx, "if-needed"))) {
		if (option(ctx, "verbose"))
			fputs(dst_handle__log(ctx->dst), stderr);
		return refused(ctx);
	}
	return ctx->json ? print_json(json_pack("{s:s}", "loaded", ctx->args[0])) : 0;
}

static const char *callback_names(uint32_t callbacks, char *buf, size_t size)
{
	size_t len = 0;
	unsigned int i;

	snprintf(buf, size, "-");
	for (i = 0; dst_policy__callback_name(i); i++)
		if (callbacks & 1U << i && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? "," : "",
						dst_policy__callback_name(i));
	return buf;
}

static int list_row(const struct dst_policy_info *info, void *arg)
{
	char names[128];

	table_cell(arg, "%s", info->name);
	table_cell(arg, "%u", info->volumes);
	table_cell(arg, "%s", callback_names(info->callbacks, names, sizeof(names)));
	table_cell(arg, "%s", *info->pin ? info->pin : "-");
	return 0;
}

static int list_json(const struct dst_policy_info *info, void *arg)
{
	return json_array_append_new(arg, policy_json(info)) ? -12 : 0;
}

int policy_list(struct context *ctx)
{
	json_t *array = ctx->json ? json_array() : NULL;
	struct table *table = ctx->json ? NULL :
					  table_new("NAME", "VOLUMES", "CALLBACKS", "PIN", NULL);
	int err = dst_policy__for_each(ctx->dst, NULL, ctx->json ? list_json : list_row,
				       ctx->json ? (void *)array : (void *)table);

	return print_list(ctx, err, array, table);
}

static int show(const struct dst_policy_info *info, void *arg)
{
	const struct context *ctx = arg;
	char names[128];

	if (ctx->json)
		return print_json(policy_json(info));
	line("policy", "%s", info->name);
	line("callbacks", "%s", callback_names(info->callbacks, names, sizeof(names)));
	line("volumes", "%u", info->volumes);
	if (info->link_id)
		line("BPF link", "%u", info->link_id);
	line("pin", "%s", *info->pin ? info->pin : "none");
	return 0;
}

int policy_show(struct context *ctx)
{
	return dst_policy__for_each(ctx->dst, ctx->args[0], show, ctx) ? refused(ctx) : 0;
}

int policy_unload(struct context *ctx)
{
	if (dst_policy__unload(ctx->dst, ctx->args[0], NULL))
		return refused(ctx);
	return ctx->json ? print_json(json_pack("{s:s}", "unloaded", ctx->args[0])) : 0;
}
