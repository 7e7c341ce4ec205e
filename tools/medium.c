// SPDX-License-Identifier: GPL-2.0
/*
 * What is on block devices: superblocks of DST, and what libblkid knows.
 */
#include <blkid/blkid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "medium.h"

#define MIB		1048576UL
#define SUPER_BYTES	(DST_DISK_COPIES * DST_DISK_SUPER_SECTORS * 512UL)

bool is_there(const char *path)
{
	return !access(path, F_OK);
}

bool is_block(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISBLK(st.st_mode);
}

bool same_device(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && S_ISBLK(x.st_mode) && S_ISBLK(y.st_mode) &&
	       x.st_rdev == y.st_rdev;
}

static bool read_all(int fd, char *buf, size_t size, off_t at)
{
	ssize_t len;

	while (size) {
		len = pread(fd, buf, size, at);
		if (len <= 0)
			return false;
		buf += len;
		at += len;
		size -= (size_t)len;
	}
	return true;
}

/*
 * Opens a block device to read what is on it, past what user space may have cached: the kernel
 * writes superblocks below that. Returns -1 when it can't. @flags: O_EXCL, or 0.
 */
static int open_medium(const char *path, int flags, uint64_t *size)
{
	struct stat st;
	int fd;

	flags |= O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	fd = open(path, flags | O_DIRECT);
	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISBLK(st.st_mode) || ioctl(fd, BLKGETSIZE64, size)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Reads the superblock; what can't be read holds none. */
static enum dstb_disk_state read_super(int fd, uint64_t size, struct dstb_super *super)
{
	enum dstb_disk_state state = DSTB_DISK_FOREIGN;
	const char *why;
	void *area;

	if (size < 2 * MIB || posix_memalign(&area, 4096, SUPER_BYTES))
		return state;
	if (read_all(fd, area, SUPER_BYTES, (off_t)((size / MIB - 1) * MIB)))
		state = dstb_disk_pick(area, super, &why);
	free(area);
	return state;
}

/* A number that sysfs has in a folder of a disk's folder. */
static bool number_of(const char *folder, const char *name, const char *which, uint64_t *value)
{
	char path[PATH_MAX];
	uintmax_t number;
	FILE *file;
	bool is_one;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, name, which);
	file = fopen(path, "re");
	if (!file)
		return false;
	is_one = fscanf(file, "%ju", &number) == 1;
	fclose(file);
	*value = number;
	return is_one;
}

/*
 * Is this place of a disk in one of its partitions? The last MiB of a disk often is the last one of
 * its last partition, too. That of a partition table inside a volume ends before the superblock.
 */
static bool in_partition(int fd, uint64_t sector)
{
	uint64_t start, size;
	struct dirent *entry;
	bool found = false;
	char folder[64];
	struct stat st;
	DIR *dir;

	if (fstat(fd, &st))
		return false;
	snprintf(folder, sizeof(folder), "/sys/dev/block/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	dir = opendir(folder);
	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' &&
			number_of(folder, entry->d_name, "start", &start) &&
			number_of(folder, entry->d_name, "size", &size) && sector >= start &&
			sector - start < size;
	if (dir)
		closedir(dir);
	return found;
}

/* What of DST is on a block device itself, rather than on a partition of it. */
enum dstb_disk_state medium_state(const char *path, struct dstb_super *super)
{
	enum dstb_disk_state state = DSTB_DISK_FOREIGN;
	uint64_t size;
	int fd = open_medium(path, 0, &size);

	if (fd < 0)
		return state;
	state = read_super(fd, size, super);
	if ((state == DSTB_DISK_VALID || state == DSTB_DISK_CORRUPT) &&
	    in_partition(fd, (size / MIB - 1) * (MIB / 512)))
		state = DSTB_DISK_FOREIGN;
	close(fd);
	return state;
}

/* The superblock on a block device, to be freed, or NULL. */
struct dstb_super *medium_super(const char *path)
{
	struct dstb_super *super = malloc(sizeof(*super));

	if (super && medium_state(path, super) == DSTB_DISK_VALID)
		return super;
	free(super);
	return NULL;
}

/* Does something use it: a file system, an export, a volume? */
bool is_busy(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_EXCL);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EBUSY;
}

static char *say_super(int fd, uint64_t size)
{
	struct dstb_super *super = malloc(sizeof(*super));
	char *text = NULL, uuid[37];
	int len = 0;

	if (!super)
		return NULL;
	switch (read_super(fd, size, super)) {
	case DSTB_DISK_VALID:
		len = asprintf(&text, "node %u of the DST volume %s (%s)", super->index,
			       super->name, uuid_text(super->volume, uuid));
		break;
	case DSTB_DISK_CORRUPT:
		len = asprintf(&text, "a damaged superblock of DST");
		break;
	default:
		break;
	}
	free(super);
	return len < 0 ? NULL : text;
}

static const char *value(blkid_probe probe, const char *name)
{
	const char *text;

	return blkid_probe_lookup_value(probe, name, &text, NULL) ? NULL : text;
}

static char *say_known(blkid_probe probe)
{
	const char *type = value(probe, "TYPE"), *table = value(probe, "PTTYPE"),
		   *label = value(probe, "LABEL");
	char *text = NULL;
	int len;

	if (type && label)
		len = asprintf(&text, "%s (label '%s')", type, label);
	else if (type)
		len = asprintf(&text, "%s", type);
	else
		len = asprintf(&text, "a partition table (%s)", table ? table : "unknown");
	return len < 0 ? NULL : text;
}

/* What libblkid knows to be on a block device, to be freed, or NULL. */
static char *say_blkid(const char *path)
{
	blkid_probe probe = blkid_new_probe_from_filename(path);
	char *text = NULL;
	int found;

	if (!probe)
		return NULL;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL);
	blkid_probe_enable_partitions(probe, 1);
	found = blkid_do_safeprobe(probe);
	if (!found)
		text = say_known(probe);
	else if (found == -2)
		text = strdup("more than one thing (wipefs lists them)");
	blkid_free_probe(probe);
	return text;
}

/*
 * Is it part of an array whose own superblock is at the end, so that the array's last MiB, with a
 * superblock of ours, may seem to be that of each of its disks? md's formats 1.1 and 1.2 are at the
 * front: there they are in a volume, and on its nodes.
 */
bool is_raid_half(const char *path)
{
	blkid_probe probe = blkid_new_probe_from_filename(path);
	const char *type, *version;
	bool half = false;

	if (!probe)
		return false;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_VERSION);
	if (!blkid_do_safeprobe(probe)) {
		type = value(probe, "TYPE");
		version = value(probe, "VERSION");
		half = type && strstr(type, "_raid_member") &&
		       (strcmp(type, "linux_raid_member") ||
			(version && strcmp(version, "1.1") && strcmp(version, "1.2")));
	}
	blkid_free_probe(probe);
	return half;
}

/*
 * What is on a block device that nobody uses, in words, to be freed; NULL when nothing is known to
 * be there. Whether it is blank, or busy, is for the kernel to say.
 */
char *medium_holds(const char *path)
{
	char *text;
	uint64_t size;
	int fd = open_medium(path, O_EXCL, &size);

	if (fd < 0)
		return NULL;
	text = say_super(fd, size);
	close(fd);
	return text ? text : say_blkid(path);
}

/* Is a node here a path, rather than an address or the name of an export? */
bool is_device_path(const char *where)
{
	return !strstr(where, "://") && strncmp(where, "export:", 7);
}

/* May it become a node? Only of a local block device can be said here what is on it. */
int check_blank(const char *where)
{
	char *holds;
	int status;

	if (!is_device_path(where))
		return 0;
	holds = medium_holds(where);
	if (!holds)
		return 0;
	status = refuse("node '%s' is not blank: it holds %s, which --adopt throws away", where,
			holds);
	free(holds);
	return status;
}
