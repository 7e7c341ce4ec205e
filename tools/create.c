// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl volume create, volume assemble
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "medium.h"

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

static int add_node(const struct context *ctx, struct dst_volume_spec *spec, const char *where,
		    bool witness)
{
	bool metadata = !option(ctx, "read-only") && !option(ctx, "shared");

	DST_OPTS(dst_node_opts, opts, .witness = witness);
	if (metadata && !option(ctx, "adopt") && check_blank(where))
		return EXIT_REFUSED;
	return dst_volume_spec__add_node(spec, where, &opts) ? refused(ctx) : 0;
}

static int fill_spec(const struct context *ctx, struct dst_volume_spec *spec)
{
	int i, status = 0;

	for (i = 0; i < ctx->nopts && !status; i++)
		if (!strcmp(ctx->opts[i].def->name, "param"))
			status = add_param(ctx, spec, ctx->opts[i].value);
	for (i = 1; i < ctx->nargs && !status; i++)
		status = add_node(ctx, spec, ctx->args[i], false);
	for (i = 0; i < ctx->nopts && !status; i++)
		if (!strcmp(ctx->opts[i].def->name, "witness"))
			status = add_node(ctx, spec, ctx->opts[i].value, true);
	return status;
}

static int copy_number(const struct dst_volume_info *info, void *arg)
{
	*(struct dst_volume_info *)arg = *info;
	return 0;
}

/* udev may take its time; without it, the kernel has made the device already. */
int wait_for_device(const struct context *ctx, const char *name)
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

/* The options that create and assemble share. */
static bool take_options(const struct context *ctx, struct dst_volume_opts *opts)
{
	uint64_t connections = 0, timeout = 0, grace = 0;

	if (!option_number(ctx, "connections", 1, MAX_CONNECTIONS, &connections) ||
	    !option_number(ctx, "io-timeout", 1, 3600, &timeout) ||
	    !option_number(ctx, "grace", 0, 3600, &grace))
		return false;
	opts->connections = (uint32_t)connections;
	opts->io_timeout_ms = (uint32_t)timeout * 1000;
	opts->no_wait = option(ctx, "no-wait");
	opts->checksum = option(ctx, "checksum");
	opts->has_grace = option(ctx, "grace");
	opts->grace_ms = (uint32_t)grace * 1000;
	return true;
}

static int tell_made(const struct context *ctx, const char *name)
{
	int status = wait_for_device(ctx, name);

	if (!status && ctx->json)
		return print_json(json_pack("{s:s, s:o}", "volume", name, "device",
					    json_sprintf("/dev/dst/%s", name)));
	return status;
}

int volume_create(struct context *ctx)
{
	const char *policy = option(ctx, "policy"), *name = ctx->args[0];
	bool read_only = option(ctx, "read-only"), shared = option(ctx, "shared");
	struct dst_volume_spec *spec;
	int status;

	DST_OPTS(dst_volume_opts, opts, .read_only = read_only, .shared = shared,
		 .adopt = option(ctx, "adopt"));
	if (!policy)
		return usage_error(ctx, "--policy is missing");
	if (!take_options(ctx, &opts))
		return EXIT_USAGE;
	if (read_only && shared)
		return usage_error(ctx, "--read-only and --shared do not go together");
	if ((read_only || shared) && (opts.adopt || option(ctx, "witness")))
		return usage_error(ctx, "--%s is not for a volume that is --read-only or --shared",
				   opts.adopt ? "adopt" : "witness");
	if (dst_volume_spec__new(ctx->dst, name, policy, &opts, &spec))
		return refused(ctx);
	status = fill_spec(ctx, spec);
	if (!status && dst_volume__create(ctx->dst, spec))
		status = refused(ctx);
	dst_volume_spec__free(spec);
	if (status)
		return status;
	if (!strcmp(policy, "mirror") && ctx->nargs == 2 && !read_only && !shared)
		warn("warning: %s has one copy, and can't get a second one later", name);
	return tell_made(ctx, name);
}

/* ---- assemble ---- */

static bool is_given(const struct context *ctx, const char *path)
{
	int i;

	for (i = 1; i < ctx->nargs; i++)
		if (same_device(ctx->args[i], path))
			return true;
	return false;
}

/* The nodes that were given, then those that were found. */
static int add_nodes(const struct context *ctx, struct dst_volume_spec *spec,
		     const struct scan *scan)
{
	size_t n;
	int i;

	for (i = 1; i < ctx->nargs; i++)
		if (dst_volume_spec__add_node(spec, ctx->args[i], NULL))
			return refused(ctx);
	for (n = 0; n < scan->nr; n++)
		if (!is_given(ctx, scan->found[n].path) &&
		    dst_volume_spec__add_node(spec, scan->found[n].path, NULL))
			return refused(ctx);
	return 0;
}

/*
 * What to do about it only the operator can judge: that nodes are busy may be another machine's
 * doing; and those that are missing may be in use there.
 */
static int not_assembled(const struct context *ctx, int err)
{
	int i;

	if (err == -EAGAIN && !option(ctx, "degraded"))
		return refuse("%s (--degraded does without: %s)", dst_handle__error(ctx->dst),
			      "only if nobody else uses those nodes; what only they have is lost");
	for (i = 1; i < ctx->nargs && is_device_path(ctx->args[i]); i++)
		;
	if (err != -EBUSY || option(ctx, "takeover") || i == ctx->nargs)
		return refused(ctx);
	return refuse("%s (--takeover fences a machine that must not have it any more)",
		      dst_handle__error(ctx->dst));
}

static int assemble(struct context *ctx, const char *name, const struct scan *scan)
{
	DST_OPTS(dst_volume_assemble_opts, how, .degraded = option(ctx, "degraded"),
		 .takeover = option(ctx, "takeover"));
	DST_OPTS(dst_volume_opts, opts);
	struct dst_volume_spec *spec;
	int status, err = 0;

	if (!take_options(ctx, &opts))
		return EXIT_USAGE;
	if (dst_volume_spec__new(ctx->dst, name, NULL, &opts, &spec))
		return refused(ctx);
	status = add_nodes(ctx, spec, scan);
	if (!status)
		err = dst_volume__assemble(ctx->dst, spec, &how);
	if (err)
		status = not_assembled(ctx, err);
	dst_volume_spec__free(spec);
	return status ? status : tell_made(ctx, name);
}

int volume_assemble(struct context *ctx)
{
	const char *name = ctx->args[0];
	struct scan scan = { 0 };
	int status = 0;

	if (!option(ctx, "scan") && ctx->nargs < 2)
		return usage_error(ctx, "give the nodes, or --scan");
	if (option(ctx, "scan"))
		status = scan_for(name, &scan);
	if (!status && option(ctx, "scan") && !scan.nr && ctx->nargs < 2)
		status = refuse("no unused block device of this machine is a node of a volume %s",
				name);
	/* By its uuid it can be looked for, but not called. */
	if (!status)
		status = assemble(ctx, scan.nr ? scan.found[0].super->name : name, &scan);
	scan_free(&scan);
	return status;
}
