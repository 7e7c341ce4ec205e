// SPDX-License-Identifier: GPL-2.0
/*
 * Looks for the nodes of a volume among all block devices of this machine that nobody uses.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "medium.h"

#define BLOCK	"/sys/class/block"

/* Is it part of something else (multipath, RAID, LVM), which shows the same superblock? */
static bool has_holders(const char *name)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool held = false;
	DIR *dir;

	snprintf(path, sizeof(path), BLOCK "/%s/holders", name);
	dir = opendir(path);
	while (dir && !held && (entry = readdir(dir)))
		held = entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return held;
}

/* The first line of an attribute; empty when there is none. */
static void attribute(const char *name, const char *which, char *buf, size_t size)
{
	char path[PATH_MAX];
	FILE *file;

	*buf = '\0';
	snprintf(path, sizeof(path), BLOCK "/%s/%s", name, which);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(buf, (int)size, file))
		*buf = '\0';
	fclose(file);
	buf[strcspn(buf, "\n")] = '\0';
}

/* Path of a device: by its mapped name where it has one, which is the same after a reboot. */
static char *device_path(const char *name)
{
	char *path = NULL, *bang, mapped[256];

	attribute(name, "dm/name", mapped, sizeof(mapped));
	if (*mapped && asprintf(&path, "/dev/mapper/%s", mapped) >= 0) {
		if (!access(path, F_OK))
			return path;
		free(path);
	}
	if (asprintf(&path, "/dev/%s", name) < 0)
		return NULL;
	while ((bang = strchr(path, '!')))
		*bang = '/';
	return path;
}

static bool matches(const struct dstb_super *super, const char *volume)
{
	char uuid[37];

	return !strcmp(super->name, volume) || !strcmp(uuid_text(super->volume, uuid), volume);
}

static int look_at(const char *name, const char *volume, struct scan *scan)
{
	struct dstb_super *super = NULL;
	struct found *found;
	char number[32], *path;

	attribute(name, "dev", number, sizeof(number));
	/* A look at a floppy or a CD takes seconds. */
	if (!strncmp(number, "2:", 2) || !strncmp(number, "11:", 3) || has_holders(name))
		return 0;
	path = device_path(name);
	if (path)
		super = look(path);
	if (!super || !matches(super, volume)) {
		free(super);
		free(path);
		return 0;
	}
	found = realloc(scan->found, (scan->nr + 1) * sizeof(*found));
	if (!found) {
		free(super);
		free(path);
		return refuse("out of memory");
	}
	scan->found = found;
	found[scan->nr].path = path;
	found[scan->nr++].super = super;
	return 0;
}

static int by_index(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->super->index > y->super->index) - (x->super->index < y->super->index);
}

/* The superblock that knows best which nodes the volume has. */
const struct dstb_super *youngest(const struct scan *scan)
{
	const struct dstb_super *best = scan->found[0].super;
	size_t i;

	for (i = 1; i < scan->nr; i++)
		if (scan->found[i].super->age.seq > best->age.seq)
			best = scan->found[i].super;
	return best;
}

static bool is_member(const struct dstb_super *super, const uint8_t node[16])
{
	uint32_t i;

	for (i = 0; i < super->nr_nodes; i++)
		if (!memcmp(super->nodes[i].uuid, node, 16))
			return true;
	return false;
}

/* Leaves out what was a node once and has been replaced. */
static void drop_strangers(struct scan *scan)
{
	const struct dstb_super *best = youngest(scan);
	size_t i, nr = 0;

	for (i = 0; i < scan->nr; i++) {
		if (scan->found[i].super == best || is_member(best, scan->found[i].super->node)) {
			scan->found[nr++] = scan->found[i];
		} else {
			free(scan->found[i].path);
			free(scan->found[i].super);
		}
	}
	scan->nr = nr;
}

static int check_pair(const char *volume, const struct found *a, const struct found *b)
{
	char uuid[37], other[37];

	if (memcmp(a->super->volume, b->super->volume, 16))
		return refuse("there are two volumes %s, %s and %s: give the uuid", volume,
			      uuid_text(a->super->volume, uuid),
			      uuid_text(b->super->volume, other));
	if (!memcmp(a->super->node, b->super->node, 16))
		return refuse("%s and %s are copies of one node: give the nodes themselves",
			      a->path, b->path);
	return 0;
}

static int check_scan(const char *volume, const struct scan *scan)
{
	int status = 0;
	size_t i, j;

	for (i = 1; i < scan->nr; i++)
		for (j = 0; j < i && !status; j++)
			status = check_pair(volume, &scan->found[j], &scan->found[i]);
	return status;
}

/* Finds the nodes of a volume, by its name or uuid. Returns an exit status; for scan_free(). */
int scan_for(const char *volume, struct scan *scan)
{
	struct dirent *entry;
	int status = 0;
	DIR *dir;

	memset(scan, 0, sizeof(*scan));
	dir = opendir(BLOCK);
	if (!dir)
		return refuse("can't look for block devices: %s: %s", BLOCK, strerror(errno));
	while (!status && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			status = look_at(entry->d_name, volume, scan);
	closedir(dir);
	if (status || !scan->nr)
		return status;
	qsort(scan->found, scan->nr, sizeof(*scan->found), by_index);
	status = check_scan(volume, scan);
	if (!status)
		drop_strangers(scan);
	return status;
}

void scan_free(struct scan *scan)
{
	size_t i;

	for (i = 0; i < scan->nr; i++) {
		free(scan->found[i].path);
		free(scan->found[i].super);
	}
	free(scan->found);
	memset(scan, 0, sizeof(*scan));
}
