// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Exports and their sessions.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define MAX_LISTEN	8
#define PATH_LEN	256

struct dst_export_spec {
	struct dst_handle *handle;
	char name[DST_EXPORT_NAME_MAX + 1];
	char device[PATH_LEN];
	bool read_only;
	bool shared;
	uint32_t max_sessions;
	uint32_t nr_listen;
	struct dst_addr *listen[MAX_LISTEN];
};

int dst_export_spec__new(struct dst_handle *handle, const char *name, const char *device,
			 const struct dst_export_opts *opts, struct dst_export_spec **specp)
{
	struct dst_export_opts known;
	struct dst_export_spec *spec;
	char *path;
	int err;

	err = dsti_opts(handle, opts, &known, sizeof(known));
	if (!err)
		err = dsti_check_name(handle, "export", name, DST_EXPORT_NAME_MAX);
	if (err)
		return err;
	path = realpath(device, NULL);
	if (!path)
		return dsti_error(handle, -errno, "device '%s': %m", device);
	spec = calloc(1, sizeof(*spec));
	if (!spec) {
		free(path);
		return dsti_error(handle, -ENOMEM, "out of memory");
	}
	if (snprintf(spec->device, PATH_LEN, "%s", *device == '/' ? device : path) >= PATH_LEN) {
		free(path);
		free(spec);
		return dsti_error(handle, -ENAMETOOLONG,
				  "device '%s': the path is longer than %u characters", device,
				  PATH_LEN - 1);
	}
	free(path);
	dsti_touch(spec->device);
	spec->handle = handle;
	strcpy(spec->name, name);
	spec->read_only = known.read_only;
	spec->shared = known.shared;
	spec->max_sessions = known.max_sessions;
	*specp = spec;
	return 0;
}

int dst_export_spec__add_listen(struct dst_export_spec *spec, const char *uri)
{
	int err;

	if (spec->nr_listen == MAX_LISTEN)
		return dsti_error(spec->handle, -E2BIG, "an export listens on at most %u addresses",
				  MAX_LISTEN);
	err = dst_addr__parse(spec->handle, uri, DST_ADDR_LISTEN, &spec->listen[spec->nr_listen]);
	if (!err)
		spec->nr_listen++;
	return err;
}

void dst_export_spec__free(struct dst_export_spec *spec)
{
	uint32_t i;

	if (!spec)
		return;
	for (i = 0; i < spec->nr_listen; i++)
		dst_addr__free(spec->listen[i]);
	free(spec);
}

int dst_export__add(struct dst_handle *handle, const struct dst_export_spec *spec)
{
	struct nlmsghdr *nlh;
	size_t size;
	uint32_t i;
	int err;

	if (!spec->nr_listen)
		return dsti_error(handle, -EINVAL,
				  "an export takes at least one address to listen on");
	err = dsti_connect(handle);
	if (err)
		return err;
	nlh = dsti_request(handle, DST_CMD_EXPORT_ADD, 0, &size);
	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, DST_A_EXPORT_NAME, spec->name);
	mnl_attr_put_strz(nlh, DST_A_EXPORT_PATH, spec->device);
	if (spec->read_only)
		mnl_attr_put(nlh, DST_A_EXPORT_READ_ONLY, 0, NULL);
	if (spec->shared)
		mnl_attr_put(nlh, DST_A_EXPORT_SHARED, 0, NULL);
	if (spec->max_sessions)
		mnl_attr_put_u32(nlh, DST_A_EXPORT_MAX_SESSIONS, spec->max_sessions);
	for (i = 0; i < spec->nr_listen; i++)
		dsti_put_addr(nlh, size, DST_A_EXPORT_LISTEN, spec->listen[i]);
	return dsti_talk(handle, nlh, NULL);
}

int dst_export__remove(struct dst_handle *handle, const char *name)
{
	int err = dsti_check_name(handle, "export", name, DST_EXPORT_NAME_MAX);

	if (err)
		return err;
	return dsti_simple(handle, DST_CMD_EXPORT_REMOVE, DST_A_EXPORT_NAME, name, 0);
}

int dst_export__suspend(struct dst_handle *handle, const char *name)
{
	int err = dsti_check_name(handle, "export", name, DST_EXPORT_NAME_MAX);

	if (err)
		return err;
	return dsti_simple(handle, DST_CMD_EXPORT_SUSPEND, DST_A_EXPORT_NAME, name, 0);
}

int dst_export__resume(struct dst_handle *handle, const char *name)
{
	int err = dsti_check_name(handle, "export", name, DST_EXPORT_NAME_MAX);

	if (err)
		return err;
	return dsti_simple(handle, DST_CMD_EXPORT_RESUME, DST_A_EXPORT_NAME, name, 0);
}

static int get_listen(struct dst_handle *handle, const struct nlmsghdr *nlh,
		      struct dst_addr **addrs, const char **texts, uint32_t *nr)
{
	const struct nlattr *attr;
	int err;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != DST_A_EXPORT_LISTEN || *nr == MAX_LISTEN)
			continue;
		err = dsti_get_addr(handle, attr, NULL, &addrs[*nr]);
		if (err)
			return err;
		texts[*nr] = addrs[*nr]->text;
		++*nr;
	}
	return 0;
}

static int show_export(struct dst_handle *handle, const struct nlmsghdr *nlh,
		       int (*fn)(const struct dst_export_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_EXPORT_MAX + 1];
	struct dst_addr *addrs[MAX_LISTEN];
	const char *texts[MAX_LISTEN];
	struct dst_export_info info;
	uint32_t i, nr = 0;
	int err;

	dsti_parse(tb, DST_A_EXPORT_MAX, nlh);
	err = get_listen(handle, nlh, addrs, texts, &nr);
	if (!err) {
		info = (struct dst_export_info){
			.sz = sizeof(info),
			.name = dsti_str(tb[DST_A_EXPORT_NAME]),
			.device = dsti_str(tb[DST_A_EXPORT_PATH]),
			.listen = texts,
			.nr_listen = nr,
			.read_only = tb[DST_A_EXPORT_READ_ONLY],
			.shared = tb[DST_A_EXPORT_SHARED],
			.size = dsti_u64(tb[DST_A_EXPORT_SIZE]),
			.block_size = dsti_u32(tb[DST_A_EXPORT_BLOCK_SIZE]),
			.rejected = dsti_u64(tb[DST_A_EXPORT_REJECTED]),
			.max_sessions = dsti_u32(tb[DST_A_EXPORT_MAX_SESSIONS]),
			.nr_sessions = dsti_u32(tb[DST_A_EXPORT_NR_SESSIONS]),
			.suspended = tb[DST_A_EXPORT_SUSPENDED],
		};
		err = fn(&info, arg);
	}
	for (i = 0; i < nr; i++)
		dst_addr__free(addrs[i]);
	return err;
}

int dst_export__for_each(struct dst_handle *handle, const char *name,
			 int (*fn)(const struct dst_export_info *info, void *arg), void *arg)
{
	struct dsti_answer answer;
	const struct nlmsghdr *nlh = NULL;
	int err = 0;

	if (name)
		err = dsti_check_name(handle, "export", name, DST_EXPORT_NAME_MAX);
	if (err)
		return err;
	err = dsti_get(handle, DST_CMD_EXPORT_GET, !name, DST_A_EXPORT_NAME, name, &answer);
	if (!err) {
		while ((nlh = dsti_next(&answer, nlh))) {
			err = show_export(handle, nlh, fn, arg);
			if (err)
				break;
		}
	}
	free(answer.buf);
	return err;
}

static int show_session(const struct nlmsghdr *nlh,
			int (*fn)(const struct dst_session_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_EXPORT_MAX + 1], *st[DST_A_SESSION_MAX + 1];
	struct dst_session_info info;

	dsti_parse(tb, DST_A_EXPORT_MAX, nlh);
	if (!tb[DST_A_EXPORT_SESSION])
		return 0;
	dsti_parse_nest(st, DST_A_SESSION_MAX, tb[DST_A_EXPORT_SESSION]);
	info = (struct dst_session_info){
		.sz = sizeof(info),
		.export_name = dsti_str(tb[DST_A_EXPORT_NAME]),
		.id = dsti_u64(st[DST_A_SESSION_ID]),
		.volume = dsti_str(st[DST_A_SESSION_VOLUME]),
		.role = dsti_u32(st[DST_A_SESSION_ROLE]),
		.connections = dsti_u32(st[DST_A_SESSION_CONNECTIONS]),
		.in_flight = dsti_u32(st[DST_A_SESSION_IN_FLIGHT]),
		.peer = dsti_str(st[DST_A_SESSION_PEER]),
	};
	dsti_uuid(st[DST_A_SESSION_CLIENT], info.client);
	return fn(&info, arg);
}

int dst_session__for_each(struct dst_handle *handle, const char *export_name,
			  int (*fn)(const struct dst_session_info *info, void *arg), void *arg)
{
	struct dsti_answer answer;
	const struct nlmsghdr *nlh = NULL;
	int err = 0;

	if (export_name)
		err = dsti_check_name(handle, "export", export_name, DST_EXPORT_NAME_MAX);
	if (err)
		return err;
	err = dsti_get(handle, DST_CMD_SESSION_GET, true, DST_A_EXPORT_NAME, export_name, &answer);
	if (!err) {
		while ((nlh = dsti_next(&answer, nlh))) {
			err = show_session(nlh, fn, arg);
			if (err)
				break;
		}
	}
	free(answer.buf);
	if (err == -ENOENT && export_name)
		dsti_error(handle, err, "there is no export %s", export_name);
	return err;
}
