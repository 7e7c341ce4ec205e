// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl tree: made as JSON first, then printed one way or the other.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "dstctl.h"

struct forest {
	const struct context *ctx;
	json_t *volumes;
	json_t *exports;	/* those that are not over a volume */
};

/* What was stopped or removed since it was listed is passed over. */
static int passed_over(int err, json_t *object, json_t *parts)
{
	json_decref(object);
	json_decref(parts);
	return err == -ENOENT ? 0 : err;
}

static int tree_volume(const struct dst_volume_info *info, void *arg)
{
	struct forest *forest = arg;
	json_t *volume = volume_json(info), *nodes = json_array();
	int err = dst_node__for_each(forest->ctx->dst, info->name, append_node_json, nodes);

	if (err)
		return passed_over(err, volume, nodes);
	json_object_set_new(volume, "nodes", nodes);
	json_object_set_new(volume, "exports", json_array());
	json_array_append_new(forest->volumes, volume);
	return 0;
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

	if (err)
		return passed_over(err, export, sessions);
	json_object_set_new(export, "sessions", sessions);
	json_array_append_new(volume ? json_object_get(volume, "exports") : forest->exports,
			      export);
	return 0;
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

	printf("%sexport %s of %s on", branch, json_text(export, "name"),
	       json_text(export, "device"));
	for (i = 0; i < json_array_size(listen); i++)
		printf(" %s", json_string_value(json_array_get(listen, i)));
	putchar('\n');
	for (i = 0; i < nr; i++) {
		session = json_array_get(sessions, i);
		printf("%s%s session %s: volume %s, %s, %lld connections, %s\n", below,
		       branch_of(i + 1 == nr), json_text(session, "id"),
		       json_text(session, "volume"), json_text(session, "role"),
		       number(session, "connections"), json_text(session, "peer"));
	}
}

static void print_volume(const json_t *volume)
{
	const json_t *nodes = json_object_get(volume, "nodes"),
		     *exports = json_object_get(volume, "exports"), *node;
	size_t i, nr_nodes = json_array_size(nodes), nr_exports = json_array_size(exports);
	const char *where;
	char size[32];
	bool last;

	printf("volume %s, %s, %s, policy %s\n", json_text(volume, "name"),
	       json_text(volume, "state"), size_text((uint64_t)number(volume, "size"), size),
	       json_text(volume, "policy"));
	for (i = 0; i < nr_nodes; i++) {
		node = json_array_get(nodes, i);
		where = *json_text(node, "where") ? json_text(node, "where") : "not given";
		printf("%s node %lld %s, %s%s%s\n", branch_of(i + 1 == nr_nodes && !nr_exports),
		       number(node, "index"), where, json_text(node, "state"),
		       *json_text(node, "reason") ? ": " : "", json_text(node, "reason"));
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
