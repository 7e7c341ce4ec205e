// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Nodes of volumes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define EXPORT_PREFIX	"export:"

/*
 * Opens a device, and closes it again: when that takes a module, or takes long, it happens here.
 * In the kernel's handler of our request it would keep everybody from generic netlink; and modprobe
 * may need that. What is wrong with the device, the kernel says better.
 */
void dsti_touch(const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
}

/* Understands where a node is: the address of an export, a local export, or a path. */
int dsti_place(struct dst_handle *handle, const char *where, bool may_be_absent,
	       struct dsti_place *place)
{
	char *path;
	int err;

	memset(place, 0, sizeof(*place));
	if (strstr(where, "://"))
		return dst_addr__parse(handle, where, DST_ADDR_REMOTE, &place->addr);
	if (!strncmp(where, EXPORT_PREFIX, strlen(EXPORT_PREFIX))) {
		err = dsti_check_name(handle, "export", where + strlen(EXPORT_PREFIX),
				      DST_EXPORT_NAME_MAX);
		if (!err)
			strcpy(place->path, where);
		return err;
	}
	/* The kernel would look from its own folder on. */
	path = realpath(where, NULL);
	if (!path && errno == ENOENT && may_be_absent && *where == '/')
		path = strdup(where);
	if (!path)
		return dsti_error(handle, -errno, "node '%s': %m", where);
	if (strlen(path) >= DSTI_PATH_LEN) {
		free(path);
		return dsti_error(handle, -ENAMETOOLONG,
				  "node '%s': the path is longer than %u characters", where,
				  DSTI_PATH_LEN - 1);
	}
	/* Keep stable names as /dev/disk/by-id/X as they were given. */
	strcpy(place->path, *where == '/' && strlen(where) < DSTI_PATH_LEN ? where : path);
	free(path);
	dsti_touch(place->path);
	return 0;
}

/* Puts it into the nest of a node. Returns false when there is no room. */
bool dsti_put_place(struct nlmsghdr *nlh, size_t size, const struct dsti_place *place)
{
	if (!place->addr)
		return mnl_attr_put_strz_check(nlh, size, DST_A_NODE_PATH, place->path);
	return dsti_put_addr(nlh, size, DST_A_NODE_ADDR, place->addr) &&
	       mnl_attr_put_strz_check(nlh, size, DST_A_NODE_EXPORT, place->addr->export_name);
}

/* A request about one node, to be completed and sent; NULL when that can't be. */
static struct nlmsghdr *node_request(struct dst_handle *handle, uint8_t cmd, const char *volume,
				     size_t *size, int *err)
{
	struct nlmsghdr *nlh;

	*err = dsti_check_name(handle, "volume", volume, DST_VOLUME_NAME_MAX);
	if (!*err)
		*err = dsti_connect(handle);
	if (*err)
		return NULL;
	nlh = dsti_request(handle, cmd, 0, size);
	if (!nlh)
		*err = -ENOMEM;
	else
		mnl_attr_put_strz(nlh, DST_A_VOLUME_NAME, volume);
	return nlh;
}

static int change_node(struct dst_handle *handle, uint8_t cmd, const char *volume, uint32_t index)
{
	struct nlattr *nest;
	struct nlmsghdr *nlh;
	int err;

	nlh = node_request(handle, cmd, volume, NULL, &err);
	if (!nlh)
		return err;
	nest = mnl_attr_nest_start(nlh, DST_A_VOLUME_NODE);
	mnl_attr_put_u32(nlh, DST_A_NODE_INDEX, index);
	mnl_attr_nest_end(nlh, nest);
	return dsti_talk(handle, nlh, NULL);
}

int dst_node__suspend(struct dst_handle *handle, const char *volume, uint32_t index)
{
	return change_node(handle, DST_CMD_NODE_SUSPEND, volume, index);
}

int dst_node__resume(struct dst_handle *handle, const char *volume, uint32_t index)
{
	return change_node(handle, DST_CMD_NODE_RESUME, volume, index);
}

int dst_node__resolve(struct dst_handle *handle, const char *volume, uint32_t index)
{
	return change_node(handle, DST_CMD_NODE_RESOLVE, volume, index);
}

/* A request about a place; @index is NULL where the node has none yet. */
static int change_place(struct dst_handle *handle, uint8_t cmd, const char *volume,
			const uint32_t *index, const char *where,
			const struct dst_node_add_opts *opts, struct dsti_answer *answer)
{
	struct dsti_place place;
	struct nlattr *nest;
	struct nlmsghdr *nlh;
	size_t size;
	int err;

	err = dsti_place(handle, where, false, &place);
	if (err)
		return err;
	nlh = node_request(handle, cmd, volume, &size, &err);
	if (nlh) {
		nest = mnl_attr_nest_start(nlh, DST_A_VOLUME_NODE);
		if (index)
			mnl_attr_put_u32(nlh, DST_A_NODE_INDEX, *index);
		/* The buffer is made for 256 of these. */
		dsti_put_place(nlh, size, &place);
		if (opts->witness)
			mnl_attr_put(nlh, DST_A_NODE_WITNESS, 0, NULL);
		mnl_attr_nest_end(nlh, nest);
		if (opts->adopt)
			mnl_attr_put(nlh, DST_A_VOLUME_ADOPT, 0, NULL);
		err = dsti_talk(handle, nlh, answer);
	}
	dst_addr__free(place.addr);
	return err;
}

int dst_node__replace(struct dst_handle *handle, const char *volume, uint32_t index,
		      const char *where, const struct dst_node_replace_opts *opts)
{
	struct dst_node_replace_opts known;
	int err = dsti_opts(handle, opts, &known, DSTI_KNOWN(dst_node_replace_opts));

	if (err)
		return err;
	return change_place(handle, DST_CMD_NODE_REPLACE, volume, &index, where,
			    &(struct dst_node_add_opts){ .adopt = known.adopt }, NULL);
}

static uint32_t added_index(const struct dsti_answer *answer)
{
	const struct nlattr *tb[DST_A_VOLUME_MAX + 1], *node[DST_A_NODE_MAX + 1];

	dsti_parse(tb, DST_A_VOLUME_MAX, (void *)answer->buf);
	if (!tb[DST_A_VOLUME_NODE])
		return 0;
	dsti_parse_nest(node, DST_A_NODE_MAX, tb[DST_A_VOLUME_NODE]);
	return dsti_u32(node[DST_A_NODE_INDEX]);
}

int dst_node__add(struct dst_handle *handle, const char *volume, const char *where,
		  const struct dst_node_add_opts *opts, uint32_t *index)
{
	struct dst_node_add_opts known;
	struct dsti_answer answer = { 0 };
	int err;

	err = dsti_opts(handle, opts, &known, DSTI_KNOWN(dst_node_add_opts));
	if (!err)
		err = change_place(handle, DST_CMD_NODE_ADD, volume, NULL, where, &known, &answer);
	if (!err && index)
		*index = answer.len ? added_index(&answer) : 0;
	free(answer.buf);
	return err;
}

int dst_node__remove(struct dst_handle *handle, const char *volume, uint32_t index)
{
	return change_node(handle, DST_CMD_NODE_REMOVE, volume, index);
}

static void get_member(const struct nlattr **tb, struct dst_node_info *info)
{
	info->witness = tb[DST_A_NODE_WITNESS];
	info->in_sync = tb[DST_A_NODE_IN_SYNC];
	info->has_uuid = tb[DST_A_NODE_UUID];
	dsti_uuid(tb[DST_A_NODE_UUID], info->uuid);
	info->dirty = dsti_u64(tb[DST_A_NODE_DIRTY]);
	info->sync_total = dsti_u64(tb[DST_A_NODE_SYNC_TOTAL]);
	info->sync_rate = dsti_u64(tb[DST_A_NODE_SYNC_RATE]);
	info->sync_same = dsti_u64(tb[DST_A_NODE_SYNC_SAME]);
	info->since_ms = dsti_u64(tb[DST_A_NODE_SINCE_MS]);
	info->left_ms = dsti_u64(tb[DST_A_NODE_LEFT_MS]);
}

static int show_node(struct dst_handle *handle, const struct nlattr *nest,
		     int (*fn)(const struct dst_node_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_NODE_MAX + 1];
	struct dst_addr *addr = NULL;
	struct dst_node_info info;
	int err;

	dsti_parse_nest(tb, DST_A_NODE_MAX, nest);
	if (tb[DST_A_NODE_ADDR]) {
		err = dsti_get_addr(handle, tb[DST_A_NODE_ADDR], dsti_str(tb[DST_A_NODE_EXPORT]),
				    &addr);
		if (err)
			return err;
	}
	info = (struct dst_node_info){
		.sz = sizeof(info),
		.volume = dsti_str(tb[DST_A_NODE_VOLUME]),
		.index = dsti_u32(tb[DST_A_NODE_INDEX]),
		.where = addr ? addr->text : dsti_str(tb[DST_A_NODE_PATH]),
		.local = tb[DST_A_NODE_PATH],
		.state = dsti_u32(tb[DST_A_NODE_STATE]),
		.reason = dsti_str(tb[DST_A_NODE_REASON]),
		.weight = dsti_u32(tb[DST_A_NODE_WEIGHT]),
		.zone = dsti_u32(tb[DST_A_NODE_ZONE]),
		.size = dsti_u64(tb[DST_A_NODE_SIZE]),
		.in_flight = dsti_u32(tb[DST_A_NODE_IN_FLIGHT]),
		.errors = dsti_u64(tb[DST_A_NODE_ERRORS]),
		.reads = dsti_u64(tb[DST_A_NODE_READS]),
		.writes = dsti_u64(tb[DST_A_NODE_WRITES]),
		.latency_ns = dsti_u64(tb[DST_A_NODE_LATENCY_NS]),
		.connections = dsti_u32(tb[DST_A_NODE_CONNECTIONS]),
	};
	get_member(tb, &info);
	err = fn(&info, arg);
	dst_addr__free(addr);
	return err;
}

int dst_node__for_each(struct dst_handle *handle, const char *volume,
		       int (*fn)(const struct dst_node_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_VOLUME_MAX + 1];
	struct dsti_answer answer;
	const struct nlmsghdr *nlh = NULL;
	int err = 0;

	if (volume)
		err = dsti_check_name(handle, "volume", volume, DST_VOLUME_NAME_MAX);
	if (err)
		return err;
	err = dsti_get(handle, DST_CMD_NODE_GET, true, DST_A_VOLUME_NAME, volume, &answer);
	if (!err) {
		while ((nlh = dsti_next(&answer, nlh))) {
			dsti_parse(tb, DST_A_VOLUME_MAX, nlh);
			if (tb[DST_A_VOLUME_NODE])
				err = show_node(handle, tb[DST_A_VOLUME_NODE], fn, arg);
			if (err)
				break;
		}
	}
	free(answer.buf);
	if (err == -ENOENT && volume)
		dsti_error(handle, err, "there is no volume %s", volume);
	return err;
}
