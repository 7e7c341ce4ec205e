/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * What DST keeps at the end of each node's medium. Little-endian. docs/recovery.md says what it
 * means.
 *
 * The metadata area begins where the data area ends (the medium rounded down to 1 MiB, less 1 MiB)
 * and is DST_DISK_META_SECTORS long.
 */
#ifndef _UAPI_DST_DISK_H
#define _UAPI_DST_DISK_H

#include <linux/types.h>

#define DST_DISK_MAGIC		"DSTSUPER"	/* 8 bytes, no terminating zero */
#define DST_DISK_VERSION	2	/* 1 had a bitmap without checksums */
#define DST_DISK_META_SECTORS	2048U
/* room for a copy of the superblock; copy n begins at n times that */
#define DST_DISK_SUPER_SECTORS	128U
#define DST_DISK_COPIES		2
#define DST_DISK_BITMAP_SECTOR	512U	/* where the bitmap begins in the metadata area */
#define DST_DISK_BITMAP_SECTORS	1048U	/* room for DST_DISK_MAX_REGIONS */
#define DST_DISK_BITS_WORDS	63U
#define DST_DISK_BITS		(64U * DST_DISK_BITS_WORDS)	/* regions in a sector of it */
#define DST_DISK_MAX_REGIONS	(1U << 22)
#define DST_DISK_MIN_REGION	11	/* log2 of sectors: 1 MiB */
#define DST_DISK_HISTORY	16
#define DST_DISK_MAX_NODES	256
#define DST_DISK_MAX_PARAMS	16
#define DST_DISK_SAMPLES	64

/**
 * struct dst_disk_age - which state of the volume a medium has seen
 * @seq:	one more with each age
 * @nonce:	random, not 0: two ages with the same number are told apart by it
 *
 * All zero: none.
 */
struct dst_disk_age {
	__le64 seq;
	__le64 nonce;
} __attribute__((packed));

#define DST_DISK_NODE_IN_SYNC	(1U << 0)	/* at the superblock's age it had everything */
#define DST_DISK_NODE_WITNESS	(1U << 1)	/* votes, holds no data */

/**
 * struct dst_disk_node - a node of the layout
 * @uuid:	of the node, random; stays with the medium
 * @size:	of its data area in sectors
 * @weight:	as in the layout
 * @zone:	as in the layout
 * @flags:	DST_DISK_NODE_*
 * @reserved:	0
 * @age:	the last age at which it was in sync; none: never
 * @reserved2:	0
 */
struct dst_disk_node {
	__u8 uuid[16];
	__le64 size;
	__le32 weight;
	__le32 zone;
	__le32 flags;
	__le32 reserved;
	struct dst_disk_age age;
	__u8 reserved2[8];
} __attribute__((packed));

/**
 * struct dst_disk_param - a parameter of the policy
 * @name:	with a terminating zero
 * @value:	its value
 */
struct dst_disk_param {
	char name[32];
	__le64 value;
} __attribute__((packed));

/**
 * struct dst_disk_bits - a sector of the bitmap
 * @words:	a bit a region, the least significant first; beyond the last region 0
 * @index:	its place in the bitmap, from 0
 * @crc:	crc32c of what comes before
 *
 * Each sector by itself: so much a disk writes wholly or not at all.
 */
struct dst_disk_bits {
	__le64 words[DST_DISK_BITS_WORDS];
	__le32 index;
	__le32 crc;
} __attribute__((packed, aligned(8)));

/* stopped in an orderly way: no bit of the bitmap means a write in flight */
#define DST_DISK_CLEAN		(1U << 0)
/*
 * writes may have been acknowledged before all legs had them: after a crash, the first leg in sync
 * is needed
 */
#define DST_DISK_EARLY		(1U << 1)

/**
 * struct dst_disk_super - a superblock
 * @magic:	DST_DISK_MAGIC
 * @version:	DST_DISK_VERSION
 * @bytes:	length of all of it: up to the end of nodes[nr_nodes - 1]
 * @crc:	crc32c of @bytes bytes, with 0 here
 * @flags:	DST_DISK_*
 * @sequence:	one more with each write to this medium; copy (sequence mod 2) has it
 * @compat:	features that one who does not know them may ignore; none yet
 * @ro_compat:	features that one who does not know them may only read; none yet
 * @incompat:	features that must be known; none yet
 * @volume:	uuid of the volume
 * @node:	uuid of the node whose medium this is
 * @name:	of the volume, with a terminating zero
 * @index:	of the node in @nodes
 * @layout_version: of the layout
 * @nr_nodes:	1..DST_DISK_MAX_NODES
 * @nr_params:	0..DST_DISK_MAX_PARAMS
 * @block_size:	logical block size of the volume, in bytes
 * @copies:	of the layout
 * @capacity:	of the volume in sectors
 * @region_shift: log2 of the sectors of a region
 * @reserved:	0
 * @policy:	its name, with a terminating zero
 * @age:	the age
 * @history:	the ages before it, the latest first
 * @params:	for the policy
 * @fingerprint: hashes of what place() answers at sampled sectors
 * @reserved2:	0
 * @nodes:	the nodes of the layout, then the witnesses
 */
struct dst_disk_super {
	char magic[8];
	__le32 version;
	__le32 bytes;
	__le32 crc;
	__le32 flags;
	__le64 sequence;
	__le64 compat;
	__le64 ro_compat;
	__le64 incompat;
	__u8 volume[16];
	__u8 node[16];
	char name[32];
	__le32 index;
	__le32 layout_version;
	__le32 nr_nodes;
	__le32 nr_params;
	__le32 block_size;
	__le32 copies;
	__le64 capacity;
	__le32 region_shift;
	__le32 reserved;
	char policy[16];
	struct dst_disk_age age;
	struct dst_disk_age history[DST_DISK_HISTORY];
	struct dst_disk_param params[DST_DISK_MAX_PARAMS];
	__le32 fingerprint[DST_DISK_SAMPLES];
	__u8 reserved2[64];
	struct dst_disk_node nodes[];
} __attribute__((packed, aligned(8)));

#endif /* _UAPI_DST_DISK_H */
