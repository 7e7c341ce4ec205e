/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is on block devices.
 */
#ifndef DSTCTL_MEDIUM_H
#define DSTCTL_MEDIUM_H

#include "disk.h"
#include "dstctl.h"

/* medium.c */
bool is_there(const char *path);
bool is_block(const char *path);
bool same_device(const char *a, const char *b);
bool is_busy(const char *path);
bool is_raid_half(const char *path);
enum dstb_disk_state medium_state(const char *path, struct dstb_super *super);
struct dstb_super *medium_super(const char *path);
char *medium_holds(const char *path);
bool is_device_path(const char *where);
int check_blank(const char *where);

/**
 * struct found - a block device with a superblock of the volume that is looked for
 * @path:	where it is
 * @super:	its superblock
 */
struct found {
	char *path;
	struct dstb_super *super;
};

/**
 * struct scan - all that were found
 * @nr:		how many
 * @found:	the devices, in order of the nodes
 */
struct scan {
	size_t nr;
	struct found *found;
};

/* look.c */
struct dstb_super *look(const char *path);

/* scan.c */
int scan_for(const char *volume, struct scan *scan);
const struct dstb_super *youngest(const struct scan *scan);
void scan_free(struct scan *scan);

#endif /* DSTCTL_MEDIUM_H */
