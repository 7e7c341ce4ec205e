// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Policies: loaded and pinned with libbpf, listed with netlink.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define LOG_SIZE	(1024 * 1024)
#define OPS_TYPE	"dstb_policy_ops"

/* ---- what libbpf says, for the time of a load ---- */

/* The hook is the whole process's: loads go one after the other. */
static pthread_mutex_t capture_lock = PTHREAD_MUTEX_INITIALIZER;
static libbpf_print_fn_t old_print;
static __thread char *capture;

__printf(2, 0)
static int capture_print(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t len;

	if (!capture)
		return old_print ? old_print(level, format, args) : 0;
	len = strlen(capture);
	if (level == LIBBPF_DEBUG || len >= LOG_SIZE - 1)
		return 0;
	return vsnprintf(capture + len, LOG_SIZE - len, format, args);
}

static int capture_begin(struct dst_handle *handle)
{
	free(handle->log);
	handle->log = calloc(1, LOG_SIZE);
	if (!handle->log)
		return dsti_error(handle, -ENOMEM, "out of memory");
	pthread_mutex_lock(&capture_lock);
	capture = handle->log;
	old_print = libbpf_set_print(capture_print);
	return 0;
}

static void capture_end(void)
{
	libbpf_set_print(old_print);
	capture = NULL;
	pthread_mutex_unlock(&capture_lock);
}

/* The line of the verifier that says what is wrong: the last one before its statistics. */
static void verdict(const char *log, char *line, size_t size)
{
	const char *end = strstr(log, "\nprocessed "), *begin;

	*line = '\0';
	while (end && strstr(end + 1, "\nprocessed "))
		end = strstr(end + 1, "\nprocessed ");
	if (!end)
		return;
	while (end > log && end[-1] == '\n')
		end--;
	for (begin = end; begin > log && begin[-1] != '\n'; begin--)
		;
	snprintf(line, size, ": %.*s", (int)(end - begin), begin);
}

/* ---- which policy an object file holds ---- */

/**
 * struct loading - a policy on its way
 * @handle:	gets the errors
 * @path:	of the object file
 * @pin_dir:	where it will be pinned
 * @obj:	the open object
 * @map:	its struct_ops map
 * @name:	what the policy calls itself
 */
struct loading {
	struct dst_handle *handle;
	char path[PATH_MAX];
	const char *pin_dir;
	struct bpf_object *obj;
	struct bpf_map *map;
	char name[DST_POLICY_NAME_MAX + 1];
};

static int find_file(struct loading *load, const char *what, const char *policy_dir)
{
	size_t len = strlen(what);
	int err, is_file = strchr(what, '/') || (len > 2 && !strcmp(what + len - 2, ".o"));

	if (!policy_dir)
		policy_dir = getenv("DST_POLICY_DIR");
	if (!policy_dir)
		policy_dir = DST_POLICY_DIR;
	if (is_file) {
		err = snprintf(load->path, PATH_MAX, "%s", what);
	} else {
		err = dsti_check_name(load->handle, "policy", what, DST_POLICY_NAME_MAX);
		if (err)
			return err;
		err = snprintf(load->path, PATH_MAX, "%s/%s.bpf.o", policy_dir, what);
	}
	if (err >= PATH_MAX)
		return dsti_error(load->handle, -ENAMETOOLONG, "policy '%s': the path is too long",
				  what);
	if (!access(load->path, R_OK))
		return 0;
	if (errno == ENOENT && !is_file)
		return dsti_error(load->handle, -ENOENT,
				  "no policy '%s' ships with DST: there is no %s", what,
				  load->path);
	return dsti_error(load->handle, -errno, "policy '%s': %m", load->path);
}

static int find_map(struct loading *load)
{
	const struct btf *btf = bpf_object__btf(load->obj);
	struct bpf_map *map;
	const struct btf_type *type;
	const char *name;

	bpf_object__for_each_map(map, load->obj) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		type = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
		name = type ? btf__name_by_offset(btf, type->name_off) : NULL;
		if (!name ||
		    (strcmp(name, OPS_TYPE) && strncmp(name, OPS_TYPE "___", sizeof(OPS_TYPE) + 2)))
			return dsti_error(load->handle, -EINVAL,
					  "'%s' holds a struct %s: DST policies are a struct %s",
					  load->path, name ? name : "of no name", OPS_TYPE);
		if (load->map)
			return dsti_error(load->handle, -EINVAL, "'%s' holds more than one policy",
					  load->path);
		load->map = map;
	}
	if (!load->map)
		return dsti_error(load->handle, -EINVAL,
				  "'%s' holds no policy: no struct %s in section '.struct_ops.link'",
				  load->path, OPS_TYPE);
	if (!(bpf_map__map_flags(load->map) & BPF_F_LINK))
		return dsti_error(load->handle, -EINVAL,
				  "'%s': to be pinned, a policy must be in '.struct_ops.link'",
				  load->path);
	return 0;
}

/* What the policy's member "name" holds; left empty when it can't be found: the kernel will say. */
static void find_name(struct loading *load)
{
	const struct btf *btf = bpf_object__btf(load->obj);
	const struct btf_type *type = btf__type_by_id(btf, bpf_map__btf_value_type_id(load->map));
	const char *value;
	unsigned int i;
	size_t size;

	value = bpf_map__initial_value(load->map, &size);
	for (i = 0; value && i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		size_t offset = btf_member_bit_offset(type, i) / 8;

		if (strcmp(btf__name_by_offset(btf, member->name_off), "name") ||
		    offset + sizeof(load->name) > size)
			continue;
		memcpy(load->name, value + offset, sizeof(load->name));
		load->name[DST_POLICY_NAME_MAX] = '\0';
	}
}

static int open_policy(struct loading *load)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	int err;

	load->obj = bpf_object__open_file(load->path, &opts);
	if (!load->obj)
		return dsti_error(load->handle, -errno, "'%s' is not a BPF object file: %m",
				  load->path);
	err = find_map(load);
	if (!err)
		find_name(load);
	return err;
}

/* ---- registering and pinning ---- */

static int name_taken(const struct dst_policy_info *info, void *arg)
{
	const char *name = arg;

	return strcmp(info->name, name) ? 0 : 1;
}

static int check_taken(struct loading *load, const char *pin)
{
	int taken = dst_policy__for_each(load->handle, NULL, name_taken, load->name);

	if (taken < 0)
		return taken;
	if (taken)
		return dsti_error(load->handle, -EEXIST, "policy %s is registered already",
				  load->name);
	if (!access(pin, F_OK))
		return dsti_error(load->handle, -EBUSY,
				  "%s exists, though no policy %s is registered (remove it)", pin,
				  load->name);
	return 0;
}

static int pin_policy(struct loading *load, struct bpf_link *link, const char *pin)
{
	int err;

	if (mkdir(load->pin_dir, 0700) && errno != EEXIST)
		return dsti_error(load->handle, -errno,
				  "can't make %s: %m (is a bpf file system mounted there?)",
				  load->pin_dir);
	err = bpf_link__pin(link, pin);
	if (!err)
		return 0;
	return dsti_error(load->handle, err, "can't pin policy %s at %s: %s", load->name, pin,
			  strerror(-err));
}

static int register_policy(struct loading *load, const char *pin)
{
	struct bpf_link *link;
	char line[200];
	int err;

	err = bpf_object__load(load->obj);
	if (err) {
		verdict(load->handle->log, line, sizeof(line));
		return dsti_error(load->handle, err, "the kernel does not take '%s': %s%s",
				  load->path, strerror(-err), line);
	}
	link = bpf_map__attach_struct_ops(load->map);
	if (!link) {
		err = -errno;
		if (err == -EEXIST || err == -EBUSY)
			return dsti_error(load->handle, -EEXIST, "policy %s is registered already",
					  load->name);
		return dsti_error(load->handle, err,
				  "DST refuses policy %s of '%s': %s (see the kernel's log)",
				  load->name, load->path, strerror(-err));
	}
	err = pin_policy(load, link, pin);
	bpf_link__destroy(link);
	return err;
}

int dst_policy__load(struct dst_handle *handle, const char *what,
		     const struct dst_policy_load_opts *opts)
{
	struct loading *load = calloc(1, sizeof(*load));
	struct dst_policy_load_opts known;
	char pin[PATH_MAX];
	int err;

	if (!load)
		return dsti_error(handle, -ENOMEM, "out of memory");
	load->handle = handle;
	err = dsti_opts(handle, opts, &known, sizeof(known));
	load->pin_dir = known.pin_dir ? known.pin_dir : DST_PIN_DIR;
	if (!err)
		err = find_file(load, what, known.policy_dir);
	if (!err)
		err = dsti_connect(handle);
	if (!err)
		err = capture_begin(handle);
	if (!err) {
		err = open_policy(load);
		if (!err) {
			snprintf(pin, sizeof(pin), "%s/%s", load->pin_dir,
				 bpf_map__name(load->map));
			err = check_taken(load, pin);
		}
		if (!err)
			err = register_policy(load, pin);
		bpf_object__close(load->obj);
		capture_end();
	}
	free(load);
	return err;
}

/* ---- listing and unloading ---- */

/**
 * struct pins - the links pinned in a directory
 * @nr:		how many
 * @pins:	id and path of each
 */
struct pins {
	unsigned int nr;
	struct {
		uint32_t link_id;
		char path[PATH_MAX];
	} *pins;
};

static uint32_t pinned_link(const char *path)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_obj_get(path), err;

	if (fd < 0)
		return 0;
	err = bpf_link_get_info_by_fd(fd, &info, &len);
	close(fd);
	return err || info.type != BPF_LINK_TYPE_STRUCT_OPS ? 0 : info.id;
}

static void read_pins(struct pins *pins, const char *dir)
{
	struct dirent *entry;
	char path[PATH_MAX];
	DIR *stream = opendir(dir);
	uint32_t id;
	void *more;

	pins->nr = 0;
	pins->pins = NULL;
	while (stream && (entry = readdir(stream))) {
		if (snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >=
			    (int)sizeof(path) ||
		    entry->d_name[0] == '.')
			continue;
		id = pinned_link(path);
		more = id ? realloc(pins->pins, (pins->nr + 1) * sizeof(*pins->pins)) : NULL;
		if (!more)
			continue;
		pins->pins = more;
		pins->pins[pins->nr].link_id = id;
		strcpy(pins->pins[pins->nr++].path, path);
	}
	if (stream)
		closedir(stream);
}

static const char *find_pin(const struct pins *pins, uint32_t link_id)
{
	unsigned int i;

	for (i = 0; link_id && i < pins->nr; i++)
		if (pins->pins[i].link_id == link_id)
			return pins->pins[i].path;
	return "";
}

static int show_policies(struct dst_handle *handle, const char *dir, const char *name,
			 int (*fn)(const struct dst_policy_info *info, void *arg), void *arg)
{
	const struct nlattr *tb[DST_A_POLICY_MAX + 1];
	struct dsti_answer answer;
	const struct nlmsghdr *nlh = NULL;
	struct pins pins;
	bool found = false;
	int err;

	err = dsti_get(handle, DST_CMD_POLICY_GET, true, 0, NULL, &answer);
	read_pins(&pins, dir);
	if (!err) {
		while ((nlh = dsti_next(&answer, nlh))) {
			struct dst_policy_info info = { .sz = sizeof(info) };

			dsti_parse(tb, DST_A_POLICY_MAX, nlh);
			info.name = dsti_str(tb[DST_A_POLICY_NAME]);
			info.link_id = dsti_u32(tb[DST_A_POLICY_LINK_ID]);
			info.callbacks = dsti_u32(tb[DST_A_POLICY_CALLBACKS]);
			info.volumes = dsti_u32(tb[DST_A_POLICY_VOLUMES]);
			info.pin = find_pin(&pins, info.link_id);
			if (name && strcmp(name, info.name))
				continue;
			found = true;
			err = fn(&info, arg);
			if (err)
				break;
		}
		if (!err && name && !found)
			err = dsti_error(handle, -ENOENT, "policy %s is not registered", name);
	}
	free(pins.pins);
	free(answer.buf);
	return err;
}

int dst_policy__for_each(struct dst_handle *handle, const char *name,
			 int (*fn)(const struct dst_policy_info *info, void *arg), void *arg)
{
	int err = name ? dsti_check_name(handle, "policy", name, DST_POLICY_NAME_MAX) : 0;

	return err ? err : show_policies(handle, DST_PIN_DIR, name, fn, arg);
}

static int copy_pin(const struct dst_policy_info *info, void *arg)
{
	strcpy(arg, info->pin);
	return 0;
}

int dst_policy__unload(struct dst_handle *handle, const char *name,
		       const struct dst_policy_unload_opts *opts)
{
	struct dst_policy_unload_opts known;
	char pin[PATH_MAX] = "";
	const char *dir;
	int err;

	err = dsti_opts(handle, opts, &known, sizeof(known));
	dir = known.pin_dir ? known.pin_dir : DST_PIN_DIR;
	if (!err)
		err = dsti_check_name(handle, "policy", name, DST_POLICY_NAME_MAX);
	if (!err)
		err = show_policies(handle, dir, name, copy_pin, pin);
	if (err)
		return err;
	if (!*pin)
		return dsti_error(handle, -ENOENT,
				  "policy %s is not pinned in %s: whoever registered it holds it",
				  name, dir);
	if (unlink(pin))
		return dsti_error(handle, -errno, "can't remove %s: %m", pin);
	return 0;
}

const char *dst_policy__callback_name(unsigned int n)
{
	static const char *const names[] = {
		"layout", "place", "pick_read", "acks", "init", "exit", "quorum",
		"resync_next", "node_event", "io_error", "arbitrate", "tick",
	};

	return n < ARRAY_SIZE(names) ? names[n] : NULL;
}
