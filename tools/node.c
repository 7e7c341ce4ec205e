// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl node ..., map
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "medium.h"

struct table *node_table(void)
{
	return table_new("NODE", "STATE", "FOR", "SIZE", "LACKS", "READS", "WRITES", "ERRORS",
			 "WHERE", "REASON", NULL);
}

int node_row(const struct dst_node_info *info, void *arg)
{
	char size[32];

	table_cell(arg, "%u", info->index);
	table_cell(arg, "%s", dst_node_state__name(info->state));
	table_cell(arg, "%s", duration_text(info->since_ms, size));
	table_cell(arg, "%s", info->witness ? "witness" : size_text(info->size, size));
	table_cell(arg, "%s", info->dirty ? size_text(info->dirty, size) : "-");
	table_cell(arg, "%ju", (uintmax_t)info->reads);
	table_cell(arg, "%ju", (uintmax_t)info->writes);
	table_cell(arg, "%ju", (uintmax_t)info->errors);
	table_cell(arg, "%s", *info->where ? info->where : "-");
	table_cell(arg, "%s", *info->reason ? info->reason : "-");
	return 0;
}

/* The second word of the arguments. Says what is wrong and returns false for no number. */
static bool take_index(const struct context *ctx, uint32_t *index)
{
	uint64_t value;

	if (parse_number(ctx->args[1], &value) && value <= UINT32_MAX) {
		*index = (uint32_t)value;
		return true;
	}
	usage_error(ctx, "'%s' is not the index of a node", ctx->args[1]);
	return false;
}

static int done(const struct context *ctx, const char *what, uint32_t index)
{
	if (!ctx->json)
		return 0;
	return print_json(json_pack("{s:s, s:I}", "volume", ctx->args[0], what,
				    (json_int_t)index));
}

int node_suspend(struct context *ctx)
{
	uint32_t index;

	if (!take_index(ctx, &index))
		return EXIT_USAGE;
	if (dst_node__suspend(ctx->dst, ctx->args[0], index))
		return refused(ctx);
	return done(ctx, "suspended", index);
}

int node_resume(struct context *ctx)
{
	uint32_t index;

	if (!take_index(ctx, &index))
		return EXIT_USAGE;
	if (dst_node__resume(ctx->dst, ctx->args[0], index))
		return refused(ctx);
	return done(ctx, "resumed", index);
}

int node_replace(struct context *ctx)
{
	uint32_t index;

	DST_OPTS(dst_node_replace_opts, opts, .adopt = option(ctx, "adopt"));
	if (!take_index(ctx, &index))
		return EXIT_USAGE;
	if (!opts.adopt && check_blank(ctx->args[2]))
		return EXIT_REFUSED;
	if (dst_node__replace(ctx->dst, ctx->args[0], index, ctx->args[2], &opts))
		return refused(ctx);
	return done(ctx, "replaced", index);
}

int node_add(struct context *ctx)
{
	uint32_t index;

	DST_OPTS(dst_node_add_opts, opts, .adopt = option(ctx, "adopt"),
		 .witness = option(ctx, "witness"));
	if (!opts.adopt && check_blank(ctx->args[1]))
		return EXIT_REFUSED;
	if (dst_node__add(ctx->dst, ctx->args[0], ctx->args[1], &opts, &index))
		return refused(ctx);
	return done(ctx, "added", index);
}

int node_remove(struct context *ctx)
{
	uint32_t index;

	if (!take_index(ctx, &index))
		return EXIT_USAGE;
	if (dst_node__remove(ctx->dst, ctx->args[0], index))
		return refused(ctx);
	return done(ctx, "removed", index);
}

int node_resolve(struct context *ctx)
{
	uint32_t index;

	if (!take_index(ctx, &index))
		return EXIT_USAGE;
	if (!option(ctx, "discard"))
		return usage_error(ctx, "--discard is missing: what only node %u has is lost then",
				   index);
	if (dst_node__resolve(ctx->dst, ctx->args[0], index))
		return refused(ctx);
	return done(ctx, "resolved", index);
}

int node_show(struct context *ctx)
{
	json_t *array = ctx->json ? json_array() : NULL;
	struct table *table = ctx->json ? NULL : node_table();
	int err = dst_node__for_each(ctx->dst, ctx->args[0],
				     ctx->json ? append_node_json : node_row,
				     ctx->json ? (void *)array : (void *)table);

	return print_list(ctx, err, array, table);
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
							(int)info->legs[i]->node, "where",
							where(mapping, info->legs[i]->node),
							"sector", (json_int_t)info->legs[i]->sector,
							"in_sync", info->legs[i]->in_sync));
		return print_json(json_pack("{s:s, s:I, s:I, s:o}", "volume", info->volume,
					    "sector", (json_int_t)info->sector, "nr_sectors",
					    (json_int_t)info->nr_sectors, "legs", legs));
	}
	json_decref(legs);
	printf("volume %s, sectors %ju to %ju:\n", info->volume, (uintmax_t)info->sector,
	       (uintmax_t)info->sector + info->nr_sectors - 1);
	for (i = 0; i < info->nr_legs; i++)
		printf("  node %u (%s), sector %ju%s\n", info->legs[i]->node,
		       where(mapping, info->legs[i]->node), (uintmax_t)info->legs[i]->sector,
		       info->legs[i]->in_sync ? "" : ", not in sync");
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
