// SPDX-License-Identifier: GPL-2.0
/* Devices and files, without the page cache where that can be had. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history.h"

int device_open(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT | O_CLOEXEC);

	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	return fd;
}

u64 device_sectors(int fd, const char *path)
{
	struct stat st;
	u64 bytes;

	if (fstat(fd, &st))
		fail("%s: %s", path, strerror(errno));
	bytes = (u64)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, &bytes))
		fail("%s: %s", path, strerror(errno));
	return bytes >> SECTOR_SHIFT;
}

/* In sectors, what a write must be a multiple of. */
unsigned int device_block(int fd)
{
	struct stat st;
	int bytes;

	if (!fstat(fd, &st) && S_ISBLK(st.st_mode) &&
	    !ioctl(fd, BLKSSZGET, &bytes) && bytes > 0)
		return (unsigned int)bytes >> SECTOR_SHIFT;
	return 1;
}

void *device_buffer(size_t bytes)
{
	void *buf;

	if (posix_memalign(&buf, 4096, bytes))
		fail("no memory");
	return buf;
}

void device_read(int fd, const char *path, void *buf, u64 sector, u32 count)
{
	size_t bytes = (size_t)count << SECTOR_SHIFT, done = 0;

	while (done < bytes) {
		ssize_t n = pread(fd, (char *)buf + done, bytes - done,
				  (off_t)((sector << SECTOR_SHIFT) + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("%s: sector %llu: %s", path,
			     (sector + (done >> SECTOR_SHIFT)),
			     strerror(errno));
		if (!n)
			fail("%s ends before sector %llu", path,
			     (sector + count));
		done += (size_t)n;
	}
}
