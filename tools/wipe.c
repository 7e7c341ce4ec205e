// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl node wipe: a disk that was a node, and shall be something else. Whatever is made on it,
 * few programs touch its last MiB; and as long as there is a superblock, udev takes it for a node.
 * Needs no kernel module.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "medium.h"

#define MIB 1048576UL

static int zero_last(const char *path, int fd)
{
	char *zeroes = calloc(1, MIB);
	size_t left = MIB;
	ssize_t len = 0;
	uint64_t size;
	off_t at;

	if (!zeroes)
		return refuse("out of memory");
	if (!ioctl(fd, BLKGETSIZE64, &size)) {
		at = (off_t)((size / MIB - 1) * MIB);
		for (; left && (len = pwrite(fd, zeroes, left, at)) > 0; left -= (size_t)len)
			at += len;
	}
	free(zeroes);
	return left || fsync(fd) ? refuse("can't write '%s': %s", path, strerror(errno)) : 0;
}

int node_wipe(struct context *ctx)
{
	const char *path = ctx->args[0];
	enum dstb_disk_state state;
	struct dstb_super *super;
	int status, fd;

	fd = open(path, O_RDWR | O_CLOEXEC | O_EXCL);
	if (fd < 0)
		return refuse("can't wipe '%s': %s", path,
			      errno == EBUSY ? "it is in use" : strerror(errno));
	super = malloc(sizeof(*super));
	if (!super) {
		close(fd);
		return refuse("out of memory");
	}
	state = medium_state(path, super);
	free(super);
	if (state == DSTB_DISK_VALID || state == DSTB_DISK_CORRUPT)
		status = zero_last(path, fd);
	else
		status = refuse("'%s' is no node: there is no superblock of DST", path);
	close(fd);
	return status;
}
