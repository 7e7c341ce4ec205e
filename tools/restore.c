// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl restore: what save wrote runs again. Exports may be of volumes and volumes over exports of
 * this machine: whatever does not work yet is tried again when something else did. What fails in
 * the end is said, and the rest goes on.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

/**
 * struct item - something to be restored
 * @kind:	"policy", "export" or "volume"
 * @name:	its name
 * @json:	what was saved of it
 * @restore:	does it; returns 0, or -1 with @why
 * @done:	it was done, or was there
 * @given_up:	it can't be done, and that was said
 * @why:	why not; to be freed
 */
struct item {
	const char *kind;
	const char *name;
	const json_t *json;
	int (*restore)(const struct context *ctx, struct item *item);
	bool done;
	bool given_up;
	char *why;
};

struct plan {
	const struct context *ctx;
	size_t nr;
	struct item *items;
};

/* Keeps the library's sentence. */
static int failed(const struct context *ctx, struct item *item)
{
	free(item->why);
	item->why = strdup(dst_handle__error(ctx->dst));
	return -1;
}

static bool flag(const json_t *json, const char *key)
{
	return json_is_true(json_object_get(json, key));
}

static uint32_t number(const json_t *json, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(json, key));
}

/* ---- policies, exports ---- */

static int one_policy(const struct dst_policy_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 0;
}

static int restore_policy(const struct context *ctx, struct item *item)
{
	if (!dst_policy__for_each(ctx->dst, item->name, one_policy, NULL) ||
	    !dst_policy__load(ctx->dst, item->name, NULL))
		return 0;
	return failed(ctx, item);
}

static int one_export(const struct dst_export_info *info, void *arg)
{
	const char *device = json_text(arg, "device");

	return strcmp(info->device, device) && !same_device(info->device, device);
}

static int restore_export(const struct context *ctx, struct item *item)
{
	const json_t *listen = json_object_get(item->json, "listen");
	struct dst_export_spec *spec;
	size_t i;
	int err;

	DST_OPTS(dst_export_opts, opts, .read_only = flag(item->json, "read_only"),
		 .shared = flag(item->json, "shared"),
		 .max_sessions = number(item->json, "max_sessions"));
	err = dst_export__for_each(ctx->dst, item->name, one_export, (void *)item->json);
	if (!err)
		return 0;
	if (dst_export_spec__new(ctx->dst, item->name, json_text(item->json, "device"), &opts,
				 &spec))
		return failed(ctx, item);
	for (i = 0, err = 0; !err && i < json_array_size(listen); i++)
		err = dst_export_spec__add_listen(spec,
						  json_string_value(json_array_get(listen, i)));
	if (!err)
		err = dst_export__add(ctx->dst, spec);
	dst_export_spec__free(spec);
	return err ? failed(ctx, item) : 0;
}

/* ---- volumes ---- */

static bool parse_uuid(const char *text, uint8_t uuid[16])
{
	int digits = 0, value;

	for (; *text; text++) {
		if (*text == '-')
			continue;
		if (!isxdigit((unsigned char)*text) || digits == 32)
			return false;
		value = isdigit((unsigned char)*text) ? *text - '0' :
							tolower((unsigned char)*text) - 'a' + 10;
		if (digits % 2)
			uuid[digits / 2] |= (uint8_t)value;
		else
			uuid[digits / 2] = (uint8_t)(value << 4);
		digits++;
	}
	return digits == 32;
}

static int one_volume(const struct dst_volume_info *info, void *arg)
{
	return memcmp(info->uuid, arg, 16) ? 1 : 0;
}

/*
 * May a saved path be a node, which the scan has not found to be one? If it is blank: the disk was
 * replaced. Or if nothing has that name: the disk may show up later. Not if something else has it.
 */
static bool may_be_node(const char *where)
{
	struct dstb_super *super;
	char *holds;
	bool blank;

	if (!is_there(where))
		return true;
	if (!is_block(where) || is_busy(where))
		return false;
	holds = medium_holds(where);
	super = malloc(sizeof(*super));
	blank = !holds && super && medium_state(where, super) == DSTB_DISK_BLANK;
	free(super);
	free(holds);
	return blank;
}

static bool is_found(const struct scan *scan, const char *where)
{
	size_t i;

	for (i = 0; i < scan->nr; i++)
		if (same_device(scan->found[i].path, where))
			return true;
	return false;
}

static const char *saved_place(const json_t *nodes, size_t i)
{
	return json_text(json_array_get(nodes, i), "where");
}

/* How many nodes the scan has not found, and no address says where they are. */
static size_t missing_of(const json_t *nodes, const struct scan *scan)
{
	size_t nr = json_array_size(nodes), have = scan->nr, i;

	for (i = 0; i < json_array_size(nodes); i++)
		have += *saved_place(nodes, i) && !is_device_path(saved_place(nodes, i));
	/* Some may have been removed since. */
	if (scan->nr && youngest(scan)->nr_nodes < nr)
		nr = youngest(scan)->nr_nodes;
	return nr > have ? nr - have : 0;
}

/*
 * Those that the scan found, whatever they are called today; then the remote ones, and what was at
 * the place of those that are missing, in their order: that is how those that can't be asked are
 * told apart. Of the others the superblocks say which is which.
 */
static int find_nodes(const struct item *item, const struct scan *scan,
		      struct dst_volume_spec *spec)
{
	const json_t *nodes = json_object_get(item->json, "nodes");
	size_t i, missing = missing_of(nodes, scan);
	const char *where;
	int err = 0;

	DST_OPTS(dst_node_opts, opts, .may_be_absent = true);
	for (i = 0; !err && i < scan->nr; i++)
		err = dst_volume_spec__add_node(spec, scan->found[i].path, NULL);
	for (i = 0; !err && i < json_array_size(nodes); i++) {
		where = saved_place(nodes, i);
		if (!*where)
			continue;
		if (is_device_path(where)) {
			if (!missing || is_found(scan, where) || !may_be_node(where))
				continue;
			missing--;
		}
		err = dst_volume_spec__add_node(spec, where, &opts);
	}
	return err;
}

static int assemble(const struct context *ctx, struct item *item,
		    const struct dst_volume_opts *opts)
{
	struct dst_volume_spec *spec;
	struct scan scan;
	int err;

	if (scan_for(json_text(item->json, "uuid"), &scan)) {
		/* Which has said why; it would say the same once more. */
		scan_free(&scan);
		item->given_up = true;
		return -1;
	}
	err = dst_volume_spec__new(ctx->dst, item->name, NULL, opts, &spec);
	if (!err) {
		err = find_nodes(item, &scan, spec);
		if (!err)
			err = dst_volume__assemble(ctx->dst, spec, NULL);
		dst_volume_spec__free(spec);
	}
	scan_free(&scan);
	return err ? failed(ctx, item) : 0;
}

static int fill_spec(const struct item *item, struct dst_volume_spec *spec)
{
	const json_t *nodes = json_object_get(item->json, "nodes"), *node;
	const char *key;
	json_t *value;
	size_t i;
	int err;

	json_object_foreach(json_object_get(item->json, "params"), key, value) {
		err = dst_volume_spec__add_param(spec, key, (uint64_t)json_integer_value(value));
		if (err)
			return err;
	}
	for (i = 0; i < json_array_size(nodes); i++) {
		node = json_array_get(nodes, i);
		DST_OPTS(dst_node_opts, opts, .weight = number(node, "weight"),
			 .zone = number(node, "zone"));

		err = dst_volume_spec__add_node(spec, json_text(node, "where"), &opts);
		if (err)
			return err;
	}
	return 0;
}

/* One without superblocks is made as it was made before. */
static int create(const struct context *ctx, struct item *item, struct dst_volume_opts *opts,
		  const uint8_t uuid[16])
{
	struct dst_volume_spec *spec;
	int err;

	opts->read_only = flag(item->json, "read_only");
	opts->shared = flag(item->json, "shared") && !opts->read_only;
	opts->uuid = uuid;
	err = dst_volume_spec__new(ctx->dst, item->name, json_text(item->json, "policy"), opts,
				   &spec);
	if (err)
		return failed(ctx, item);
	err = fill_spec(item, spec);
	if (!err)
		err = dst_volume__create(ctx->dst, spec);
	dst_volume_spec__free(spec);
	return err ? failed(ctx, item) : 0;
}

static int restore_volume(const struct context *ctx, struct item *item)
{
	uint8_t uuid[16] = { 0 };
	int err;

	DST_OPTS(dst_volume_opts, opts, .no_wait = flag(item->json, "no_wait"),
		 .checksum = flag(item->json, "checksum"),
		 .connections = number(item->json, "connections"),
		 .io_timeout_ms = number(item->json, "io_timeout_ms"));
	if (!parse_uuid(json_text(item->json, "uuid"), uuid)) {
		free(item->why);
		item->why = strdup("its uuid is none");
		return -1;
	}
	err = dst_volume__for_each(ctx->dst, item->name, one_volume, uuid);
	if (!err)
		return 0;
	if (!flag(item->json, "metadata"))
		return create(ctx, item, &opts, uuid);
	opts.has_grace = true;
	opts.grace_ms = number(item->json, "grace_ms");
	return assemble(ctx, item, &opts);
}

/* ---- all of it ---- */

static int plan_array(struct plan *plan, const json_t *all, const char *key, const char *kind,
		      int (*restore_one)(const struct context *ctx, struct item *item))
{
	const json_t *array = json_object_get(all, key), *json;
	struct item *items;
	size_t i;

	if (!json_is_array(array))
		return refuse("\"%s\" is no array", key);
	items = realloc(plan->items, (plan->nr + json_array_size(array) + 1) * sizeof(*items));
	if (!items)
		return refuse("out of memory");
	plan->items = items;
	for (i = 0; i < json_array_size(array); i++) {
		json = json_array_get(array, i);
		if (!*json_text(json, "name"))
			return refuse("\"%s\": one has no name", key);
		items[plan->nr++] = (struct item){ .kind = kind, .name = json_text(json, "name"),
						   .json = json, .restore = restore_one };
	}
	return 0;
}

static int make_plan(struct plan *plan, const json_t *all)
{
	if (json_integer_value(json_object_get(all, "version")) != CONFIG_VERSION)
		return refuse("this is no configuration of this dstctl: \"version\" is not %d",
			      CONFIG_VERSION);
	return plan_array(plan, all, "policies", "policy", restore_policy) ||
	       plan_array(plan, all, "exports", "export", restore_export) ||
	       plan_array(plan, all, "volumes", "volume", restore_volume);
}

/* Returns whether anything was done. */
static bool go_round(struct plan *plan)
{
	bool progress = false;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		struct item *item = &plan->items[i];

		if (item->done || item->given_up || item->restore(plan->ctx, item))
			continue;
		item->done = true;
		progress = true;
	}
	return progress;
}

static int tell(const struct plan *plan)
{
	json_t *done = json_array(), *left = json_array();
	const struct item *item;
	int status = 0;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		item = &plan->items[i];
		json_array_append_new(item->done ? done : left,
				      json_sprintf("%s %s", item->kind, item->name));
		if (item->given_up)
			status = EXIT_REFUSED;
		else if (!item->done)
			status = refuse("%s %s: %s", item->kind, item->name,
					item->why && *item->why ? item->why : "out of memory");
	}
	if (plan->ctx->json) {
		print_json(json_pack("{s:o, s:o}", "restored", done, "failed", left));
	} else {
		json_decref(done);
		json_decref(left);
	}
	return status;
}

int restore(struct context *ctx)
{
	const char *path = ctx->nargs ? ctx->args[0] : CONFIG_FILE;
	struct plan plan = { .ctx = ctx };
	json_error_t error;
	json_t *all;
	int status;
	size_t i;

	all = strcmp(path, "-") ? json_load_file(path, JSON_REJECT_DUPLICATES, &error) :
				  json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
	if (!all && error.line < 0)
		return refuse("can't read %s: %s", path, strerror(errno));
	if (!all)
		return refuse("%s, line %d: %s", path, error.line, error.text);
	status = make_plan(&plan, all);
	if (!status) {
		while (go_round(&plan))
			;
		status = tell(&plan);
	}
	for (i = 0; i < plan.nr; i++)
		free(plan.items[i].why);
	free(plan.items);
	json_decref(all);
	return status;
}
