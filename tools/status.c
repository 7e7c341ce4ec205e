// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl status, tree
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "dstctl.h"

/* ---- status ---- */

struct checkup {
	const struct context *ctx;
	json_t *problems;	/* of the volume at hand: sentences */
	json_t *volumes;	/* all that was found out */
};

static void problem(struct checkup *checkup, json_t *sentence)
{
	json_array_append_new(checkup->problems, sentence);
}

static int check_node(const struct dst_node_info *info, void *arg)
{
	if (info->state != DST_NODE_STATE_UP)
		problem(arg, json_sprintf("node %u (%s) %s%s%s", info->index, info->where,
					  dst_node_state__name(info->state),
					  *info->reason ? ": " : "", info->reason));
	return 0;
}

static int check_volume(const struct dst_volume_info *info, void *arg)
{
	struct checkup *checkup = arg;
	int err;

	checkup->problems = json_array();
	if (info->state != DST_VOLUME_STATE_ACTIVE && *info->reason)
		problem(checkup, json_string(info->reason));
	if (info->held)
		problem(checkup,
			json_sprintf("%u requests wait for policy %s", info->held, info->policy));
	if (info->policy_faults)
		problem(checkup, json_sprintf("policy %s answered wrongly %ju times", info->policy,
					      (uintmax_t)info->policy_faults));
	err = dst_node__for_each(checkup->ctx->dst, info->name, check_node, checkup);
	json_array_append_new(checkup->volumes,
			      json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "name", info->name,
					"state", dst_volume_state__name(info->state), "policy",
					info->policy, "up_nodes", (int)info->up_nodes, "nr_nodes",
					(int)info->nr_nodes, "problems", checkup->problems));
	return err;
}

static void print_status(const json_t *volume)
{
	const json_t *problems = json_object_get(volume, "problems");
	const char *name, *state;
	int up, nodes;
	size_t i;

	json_unpack((json_t *)volume, "{s:s, s:s, s:i, s:i}", "name", &name, "state", &state,
		    "up_nodes", &up, "nr_nodes", &nodes);
	printf("%s: %s, %d of %d nodes up", name, state, up, nodes);
	for (i = 0; i < json_array_size(problems); i++)
		printf("; %s", json_string_value(json_array_get(problems, i)));
	putchar('\n');
}

int status(struct context *ctx)
{
	struct checkup checkup = { .ctx = ctx, .volumes = json_array() };
	size_t i;

	if (dst_volume__for_each(ctx->dst, ctx->nargs ? ctx->args[0] : NULL, check_volume,
				 &checkup)) {
		json_decref(checkup.volumes);
		return refused(ctx);
	}
	if (ctx->json)
		return print_json(checkup.volumes);
	for (i = 0; i < json_array_size(checkup.volumes); i++)
		print_status(json_array_get(checkup.volumes, i));
	json_decref(checkup.volumes);
	return 0;
}

/* ---- tree: made as JSON first, then printed one way or the other ---- */

struct forest {
	const struct context *ctx;
	json_t *volumes;
	json_t *exports;	/* those that are not over a volume */
};

static int tree_volume(const struct dst_volume_info *info, void *arg)
{
	struct forest *forest = arg;
	json_t *volume = volume_json(info), *nodes = json_array();
	int err = dst_node__for_each(forest->ctx->dst, info->name, append_node_json, nodes);

	json_object_set_new(volume, "nodes", nodes);
	json_object_set_new(volume, "exports", json_array());
	json_array_append_new(forest->volumes, volume);
	return err;
}

/* The volume that an export's device is, or NULL. */
static json_t *volume_under(const json_t *volumes, const char *device)
{
	json_t *volume;
	struct stat st;
	int maj, min;
	size_t i;

	if (stat(device, &st) || !S_ISBLK(st.st_mode))
		return NULL;
	for (i = 0; i < json_array_size(volumes); i++) {
		volume = json_array_get(volumes, i);
		if (!json_unpack(volume, "{s:i, s:i}", "major", &maj, "minor", &min) &&
		    (unsigned int)maj == major(st.st_rdev) &&
		    (unsigned int)min == minor(st.st_rdev))
			return volume;
	}
	return NULL;
}

static int tree_export(const struct dst_export_info *info, void *arg)
{
	struct forest *forest = arg;
	json_t *export = export_json(info), *sessions = json_array();
	json_t *volume = volume_under(forest->volumes, info->device);
	int err =
		dst_session__for_each(forest->ctx->dst, info->name, append_session_json, sessions);

	json_object_set_new(export, "sessions", sessions);
	json_array_append_new(volume ? json_object_get(volume, "exports") : forest->exports,
			      export);
	return err;
}

static const char *text(const json_t *json, const char *key)
{
	const char *value = json_string_value(json_object_get(json, key));

	return value ? value : "";
}

static long long number(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

static const char *branch_of(bool last)
{
	return last ? "└─" : "├─";
}

static void print_export(const json_t *export, const char *branch, const char *below)
{
	const json_t *sessions = json_object_get(export, "sessions"),
		     *listen = json_object_get(export, "listen"), *session;
	size_t i, nr = json_array_size(sessions);

	printf("%sexport %s of %s on", branch, text(export, "name"),
	       text(export, "device"));
	for (i = 0; i < json_array_size(listen); i++)
		printf(" %s", json_string_value(json_array_get(listen, i)));
	putchar('\n');
	for (i = 0; i < nr; i++) {
		session = json_array_get(sessions, i);
		printf("%s%s session %lld: volume %s, %s, %lld connections, %s\n", below,
		       branch_of(i + 1 == nr), number(session, "id"), text(session, "volume"),
		       text(session, "role"), number(session, "connections"),
		       text(session, "peer"));
	}
}

static void print_volume(const json_t *volume)
{
	const json_t *nodes = json_object_get(volume, "nodes"),
		     *exports = json_object_get(volume, "exports"), *node;
	size_t i, nr_nodes = json_array_size(nodes), nr_exports = json_array_size(exports);
	char size[32];
	bool last;

	printf("volume %s, %s, %s, policy %s\n", text(volume, "name"), text(volume, "state"),
	       size_text((uint64_t)number(volume, "size"), size), text(volume, "policy"));
	for (i = 0; i < nr_nodes; i++) {
		node = json_array_get(nodes, i);
		printf("%s node %lld %s, %s%s%s\n", branch_of(i + 1 == nr_nodes && !nr_exports),
		       number(node, "index"), text(node, "where"), text(node, "state"),
		       *text(node, "reason") ? ": " : "", text(node, "reason"));
	}
	for (i = 0; i < nr_exports; i++) {
		last = i + 1 == nr_exports;
		print_export(json_array_get(exports, i), last ? "└─ " : "├─ ",
			     last ? "   " : "│  ");
	}
}

int tree(struct context *ctx)
{
	struct forest forest = { .ctx = ctx, .volumes = json_array(), .exports = json_array() };
	json_t *all = json_pack("{s:o, s:o}", "volumes", forest.volumes, "exports", forest.exports);
	size_t i;

	if (dst_volume__for_each(ctx->dst, NULL, tree_volume, &forest) ||
	    dst_export__for_each(ctx->dst, NULL, tree_export, &forest)) {
		json_decref(all);
		return refused(ctx);
	}
	if (ctx->json)
		return print_json(all);
	for (i = 0; i < json_array_size(forest.volumes); i++)
		print_volume(json_array_get(forest.volumes, i));
	for (i = 0; i < json_array_size(forest.exports); i++)
		print_export(json_array_get(forest.exports, i), "", "");
	json_decref(all);
	return 0;
}
