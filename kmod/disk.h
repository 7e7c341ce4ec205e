/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The codec of the medium's format, and what superblocks say of each other. Plain C that also
 * compiles in userspace, for the tests, the fuzzers and the userspace target. Does no I/O.
 */
#ifndef _DSTB_DISK_H
#define _DSTB_DISK_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include "wire_user.h"
#endif

#include "uapi/dst_disk.h"

/**
 * struct dstb_age - an age in the CPU's order
 * @seq:	its number
 * @nonce:	random
 */
struct dstb_age {
	u64 seq;
	u64 nonce;
};

/**
 * struct dstb_super_node - a node in a superblock
 * @uuid:	of the node
 * @size:	of its data area in sectors
 * @weight:	as in the layout
 * @zone:	as in the layout
 * @flags:	DST_DISK_NODE_*
 * @age:	the last at which it was in sync
 */
struct dstb_super_node {
	u8 uuid[16];
	u64 size;
	u32 weight;
	u32 zone;
	u32 flags;
	struct dstb_age age;
};

/**
 * struct dstb_super_param - a parameter in a superblock
 * @name:	its name
 * @value:	its value
 */
struct dstb_super_param {
	char name[32];
	u64 value;
};

/*
 * struct dstb_super - a superblock in the CPU's order; the members are those of struct
 * dst_disk_super. About 16 KiB: not for the stack.
 */
struct dstb_super {
	u32 flags;
	u64 sequence;
	u64 compat;
	u64 ro_compat;
	u64 incompat;
	u8 volume[16];
	u8 node[16];
	char name[32];
	u32 index;
	u32 layout_version;
	u32 nr_nodes;
	u32 nr_params;
	u32 block_size;
	u32 copies;
	u64 capacity;
	u32 region_shift;
	char policy[16];
	struct dstb_age age;
	struct dstb_age history[DST_DISK_HISTORY];
	struct dstb_super_param params[DST_DISK_MAX_PARAMS];
	u32 fingerprint[DST_DISK_SAMPLES];
	struct dstb_super_node nodes[DST_DISK_MAX_NODES];
};

enum dstb_disk_state {
	DSTB_DISK_VALID,	/* a superblock of ours */
	DSTB_DISK_BLANK,	/* both copies are all zeros */
	/* it is or was one of ours: the magic is there, but no copy that counts is valid */
	DSTB_DISK_CORRUPT,
	DSTB_DISK_FOREIGN,	/* something else */
};

/* How the history of one superblock relates to that of another. */
enum dstb_age_relation {
	DSTB_AGE_EQUAL,
	DSTB_AGE_OLDER,		/* the first is an ancestor of the second */
	DSTB_AGE_YOUNGER,	/* the second is an ancestor of the first */
	DSTB_AGE_DIVERGED,	/* neither */
};

u32 dstb_disk_bytes(u32 nr_nodes);
u32 dstb_disk_encode(const struct dstb_super *super, void *buf);
const char *dstb_disk_decode(const void *buf, u32 len, struct dstb_super *super);
enum dstb_disk_state dstb_disk_pick(const void *area, struct dstb_super *super, const char **why);

bool dstb_age_equal(const struct dstb_age *a, const struct dstb_age *b);
bool dstb_age_none(const struct dstb_age *a);
bool dstb_age_known(const struct dstb_super *super, const struct dstb_age *age);
enum dstb_age_relation dstb_age_relate(const struct dstb_super *a, const struct dstb_super *b);
void dstb_age_bump(struct dstb_super *super, u64 nonce);

u32 dstb_disk_region_shift(u64 capacity);
u32 dstb_disk_regions(u64 capacity, u32 region_shift);
void dstb_disk_bits_encode(struct dst_disk_bits *disk, u32 index, const u64 *words);
bool dstb_disk_bits_decode(const struct dst_disk_bits *disk, u32 index, u64 *words);

#endif /* _DSTB_DISK_H */
