// SPDX-License-Identifier: GPL-2.0
/* history compare: do two devices hold the same bytes, and what is where they do not? */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history.h"

static void show(const char *path, const void *buf)
{
	struct content content;
	char text[160];

	sector_read(buf, &content);
	printf("\t%s: %s\n", path, content_text(&content, text, sizeof(text)));
}

int command_compare(void)
{
	const char *const paths[2] = { opt.device, opt.other };
	u64 done, i, differ = 0;
	char *buf[2];
	int fd[2], n;

	for (n = 0; n < 2; n++) {
		u64 sectors;

		fd[n] = device_open(paths[n], O_RDONLY);
		buf[n] = device_buffer((size_t)CHUNK_SECTORS << SECTOR_SHIFT);
		sectors = device_sectors(fd[n], paths[n]);
		if (!opt.size && !n && sectors > opt.offset)
			opt.size = sectors - opt.offset;
		if (sectors < opt.offset + opt.size)
			fail("%s has %llu sectors, not %llu", paths[n], sectors,
			     opt.offset + opt.size);
	}
	if (!opt.size)
		fail("nothing to compare");
	for (done = 0; done < opt.size; done += CHUNK_SECTORS) {
		u64 count = opt.size - done, sector = opt.offset + done;

		if (count > CHUNK_SECTORS)
			count = CHUNK_SECTORS;
		for (n = 0; n < 2; n++)
			device_read(fd[n], paths[n], buf[n], sector,
				    (u32)count);
		if (!memcmp(buf[0], buf[1], (size_t)count << SECTOR_SHIFT))
			continue;
		for (i = 0; i < count; i++) {
			const char *a = buf[0] + (i << SECTOR_SHIFT);
			const char *b = buf[1] + (i << SECTOR_SHIFT);

			if (!memcmp(a, b, SECTOR_SIZE) || differ++ >= opt.show)
				continue;
			printf("sector %llu differs\n", sector + i);
			show(paths[0], a);
			show(paths[1], b);
		}
	}
	printf("%llu sectors compared, %llu differ\n", opt.size, differ);
	for (n = 0; n < 2; n++) {
		close(fd[n]);
		free(buf[n]);
	}
	return differ ? HISTORY_VIOLATED : HISTORY_OK;
}
