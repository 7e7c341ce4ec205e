// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl save: what runs now, as JSON. restore is in restore.c.
 */
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#define BY_ID	"/dev/disk/by-id"

struct collection {
	const struct context *ctx;
	json_t *array;
};

/* What can't be said in JSON (a path that is no UTF-8) is not left out silently. */
static int append(json_t *array, json_t *json)
{
	return json_array_append_new(array, json) ? -ENOMEM : 0;
}

static int save_policy(const struct dst_policy_info *info, void *arg)
{
	struct collection *all = arg;

	if (!*info->pin)
		return 0;
	return append(all->array, json_pack("{s:s}", "name", info->name));
}

/* Of what it is part says which part, not which disk. */
static int says_which(const struct dirent *entry)
{
	static const char *const others[] = { ".", "dm-", "lvm-", "md-" };
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strncmp(entry->d_name, others[i], strlen(others[i])))
			return 0;
	return 1;
}

/*
 * A disk may have another name after a reboot; where udev has a name for it that tells which one it
 * is, that is saved. To be freed; NULL without memory.
 */
static char *lasting_place(const char *where)
{
	struct dirent **entries;
	char *path = NULL;
	int nr = -1, i;

	/* What lies deeper was named so on purpose, or is no disk. */
	if (!strncmp(where, "/dev/", 5) && !strchr(where + 5, '/'))
		nr = scandir(BY_ID, &entries, says_which, alphasort);
	for (i = 0; i < nr; i++) {
		if (!path && asprintf(&path, BY_ID "/%s", entries[i]->d_name) < 0)
			path = NULL;
		if (path && !same_device(path, where)) {
			free(path);
			path = NULL;
		}
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
	return path ? path : strdup(where);
}

static int save_export(const struct dst_export_info *info, void *arg)
{
	char *device = lasting_place(info->device);
	struct collection *all = arg;
	json_t *listen = json_array();
	int err = device ? 0 : -ENOMEM;
	uint32_t i;

	for (i = 0; i < info->nr_listen && !err; i++)
		err = append(listen, json_string(info->listen[i]));
	if (err)
		json_decref(listen);
	else
		err = append(all->array, json_pack("{s:s, s:s, s:o, s:b, s:b, s:I}", "name",
						   info->name, "device", device,
						   "listen", listen, "read_only", info->read_only,
						   "shared", info->shared, "max_sessions",
						   (json_int_t)info->max_sessions));
	free(device);
	return err;
}

static int save_node(const struct dst_node_info *info, void *arg)
{
	char *where = lasting_place(info->where), uuid[37];
	int err;

	if (!where)
		return -ENOMEM;
	err = append(arg, json_pack("{s:s, s:s, s:I, s:I, s:b}", "where", where, "uuid",
				    info->has_uuid ? uuid_text(info->uuid, uuid) : "", "weight",
				    (json_int_t)info->weight, "zone", (json_int_t)info->zone,
				    "witness", info->witness));
	free(where);
	return err;
}

static int save_volume(const struct dst_volume_info *info, void *arg)
{
	json_t *params = json_object(), *nodes = json_array(), *json;
	struct collection *all = arg;
	char uuid[37];
	uint32_t i;
	int err;

	err = dst_node__for_each(all->ctx->dst, info->name, save_node, nodes);
	if (err) {
		json_decref(params);
		json_decref(nodes);
		/* It was stopped since it was listed. */
		return err == -ENOENT ? 0 : err;
	}
	for (i = 0; i < info->nr_params; i++)
		json_object_set_new(params, info->params[i]->name,
				    json_integer((json_int_t)info->params[i]->value));
	json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:b, s:b, s:b, s:b}", "name", info->name,
			 "uuid", uuid_text(info->uuid, uuid), "policy", info->policy, "params",
			 params, "nodes", nodes, "metadata", info->metadata, "read_only",
			 info->read_only, "shared", info->role == DST_ROLE_SHARED, "no_wait",
			 info->no_wait);
	if (!json)
		return -ENOMEM;
	json_object_set_new(json, "grace_ms", json_integer(info->grace_ms));
	json_object_set_new(json, "checksum", json_boolean(info->checksum));
	json_object_set_new(json, "connections", json_integer(info->connections));
	json_object_set_new(json, "io_timeout_ms", json_integer(info->io_timeout_ms));
	return append(all->array, json);
}

/* All that runs, or NULL when that was refused. */
static json_t *collect(const struct context *ctx)
{
	struct collection policies = { ctx, json_array() }, exports = { ctx, json_array() },
			  volumes = { ctx, json_array() };
	json_t *all = json_pack("{s:i, s:o, s:o, s:o}", "version", CONFIG_VERSION, "policies",
				policies.array, "exports", exports.array, "volumes",
				volumes.array);

	if (!dst_policy__for_each(ctx->dst, NULL, save_policy, &policies) &&
	    !dst_export__for_each(ctx->dst, NULL, save_export, &exports) &&
	    !dst_volume__for_each(ctx->dst, NULL, save_volume, &volumes))
		return all;
	json_decref(all);
	return NULL;
}

/* Where a node was, when @before was saved, or "". */
static const char *former_place(const json_t *before, const char *uuid)
{
	const json_t *volumes = json_object_get(before, "volumes"), *nodes, *node;
	size_t i, j;

	for (i = 0; *uuid && i < json_array_size(volumes); i++) {
		nodes = json_object_get(json_array_get(volumes, i), "nodes");
		for (j = 0; j < json_array_size(nodes); j++) {
			node = json_array_get(nodes, j);
			if (!strcmp(json_text(node, "uuid"), uuid))
				return json_text(node, "where");
		}
	}
	return "";
}

/*
 * A node that was not given to assemble is part of its volume, and nobody knows its place but the
 * former file: with it the node comes back at the next boot.
 */
static void keep_places(const json_t *all, const json_t *before)
{
	const json_t *volumes = json_object_get(all, "volumes"), *nodes;
	json_t *node;
	size_t i, j;

	for (i = 0; i < json_array_size(volumes); i++) {
		nodes = json_object_get(json_array_get(volumes, i), "nodes");
		for (j = 0; j < json_array_size(nodes); j++) {
			node = json_array_get(nodes, j);
			if (*json_text(node, "where"))
				continue;
			json_object_set_new(node, "where",
					    json_string(former_place(before,
								     json_text(node, "uuid"))));
		}
	}
}

static int sync_folder(const char *folder)
{
	FILE *file = fopen(folder, "re");
	int err = file ? fsync(fileno(file)) : -1;

	if (file)
		fclose(file);
	return err;
}

static bool has(const json_t *array, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(array); i++)
		if (!strcmp(json_text(json_array_get(array, i), "name"), name))
			return true;
	return false;
}

/* What was saved before, and is not now, is said. Returns how much that is. */
static size_t tell_dropped(const json_t *all, const json_t *before, const char *path,
			   const char *kept)
{
	static const char *const kinds[][2] = {
		{ "policies", "policy" }, { "exports", "export" }, { "volumes", "volume" }, { 0 },
	};
	const json_t *array;
	size_t i, j, nr = 0;
	const char *name;

	for (i = 0; kinds[i][0]; i++) {
		array = json_object_get(before, kinds[i][0]);
		for (j = 0; j < json_array_size(array); j++) {
			name = json_text(json_array_get(array, j), "name");
			if (has(json_object_get(all, kinds[i][0]), name))
				continue;
			warn("warning: %s %s is not there now: it was in %s, which is kept as %s",
			     kinds[i][1], name, path, kept);
			nr++;
		}
	}
	return nr;
}

/*
 * A volume that did not come up is not to be forgotten by the next save: a file that had more than
 * the new one, or can't be understood, is kept. Only the last such.
 */
static int keep_former(const json_t *all, const json_t *before, const char *path)
{
	char *kept = NULL;
	int err = 0;

	if (asprintf(&kept, "%s.old", path) < 0) {
		kept = NULL;
		err = -1;
	} else if (!before) {
		warn("warning: %s could not be understood: it is kept as %s", path, kept);
	}
	if (!err && (!before || tell_dropped(all, before, path, kept))) {
		unlink(kept);
		/* There is always one of that name, where the file system has links. */
		err = link(path, kept) && rename(path, kept);
	}
	free(kept);
	return err;
}

/* All of it or nothing is in the file, whatever happens. */
static int write_file(const json_t *all, const char *path)
{
	char *copy = strdup(path), *folder = copy ? dirname(copy) : NULL, *new = NULL;
	json_t *before = NULL;
	FILE *file = NULL;
	int fd = -1, err = -1;
	struct stat st = { 0 };

	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		free(copy);
		return refuse("%s is no regular file; '-' is the standard output", path);
	}
	if (st.st_size)
		before = json_load_file(path, 0, NULL);
	keep_places(all, before);
	if (folder && !strcmp(path, CONFIG_FILE))
		mkdir(folder, 0755);
	if (folder && asprintf(&new, "%s.XXXXXX", path) >= 0)
		fd = mkostemp(new, O_CLOEXEC);
	if (fd >= 0)
		file = fdopen(fd, "w");
	if (file) {
		err = json_dumpf(all, file, JSON_INDENT(2)) || fputc('\n', file) == EOF ||
		      fflush(file) || fchmod(fd, 0644) || fsync(fd);
		err |= fclose(file);
		if (!err && st.st_size)
			err = keep_former(all, before, path);
		if (!err)
			err = rename(new, path) || sync_folder(folder);
	}
	if (err)
		refuse("can't write %s: %s", path, strerror(errno));
	if (err && fd >= 0)
		unlink(new);
	json_decref(before);
	free(new);
	free(copy);
	return err ? EXIT_REFUSED : 0;
}

int save(struct context *ctx)
{
	const char *path = ctx->nargs ? ctx->args[0] : CONFIG_FILE;
	json_t *all = collect(ctx);
	int status;

	if (!all)
		return refused(ctx);
	if (!strcmp(path, "-"))
		return print_json(all);
	status = write_file(all, path);
	json_decref(all);
	if (!status && ctx->json)
		return print_json(json_pack("{s:s}", "saved", path));
	return status;
}
