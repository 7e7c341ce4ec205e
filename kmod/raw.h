/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's own I/O on nodes: superblocks, bitmap, resync. Legs like those of requests, but they
 * never wait for a node that is away.
 */
#ifndef _DSTB_RAW_H
#define _DSTB_RAW_H

#include <linux/blk_types.h>
#include <linux/types.h>

struct dstb_leg;
struct dstb_node;
struct dstb_raw_batch;
struct dstb_volume;

/**
 * struct dstb_raw - one I/O
 * @node:	where; NULL: not part of the batch
 * @op:		REQ_OP_READ, REQ_OP_WRITE or REQ_OP_FLUSH
 * @fua:	a write is durable when it ends
 * @always:	although the node is not in service
 * @digest:	a read that is not to bring the data but its digest, DST_WIRE_DIGEST_BYTES. It ends
 *		with BLK_STS_NOTSUPP where the node is local, or its target can't do that
 * @sector:	on the medium
 * @nr_sectors:	how many; at most DSTB_RAW_SECTORS
 * @buf:	data; kernel memory in whole pages (a digest: within one page), not vmalloc()'s
 * @status:	how it ended
 * @batch:	raw.c's
 */
struct dstb_raw {
	struct dstb_node *node;
	enum req_op op;
	bool fua;
	bool always;
	bool digest;
	u64 sector;
	u32 nr_sectors;
	void *buf;
	blk_status_t status;
	struct dstb_raw_batch *batch;
};

/* The longest I/O: 1 MiB. */
#define DSTB_RAW_SECTORS	2048U
/* Digests that resync asks for at a time, of as many parts of such an I/O. */
#define DSTB_RAW_DIGESTS	16U

/* Does a request want a digest? @raw: its raw; NULL for those that are not the module's own. */
static inline bool dstb_raw_digests(const struct dstb_raw *raw)
{
	return unlikely(raw) && raw->digest;
}

void dstb_raw_run(struct dstb_volume *vol, struct dstb_raw *raws, u32 nr);
int dstb_raw_one(struct dstb_node *node, enum req_op op, bool always, u64 sector, u32 nr_sectors,
		 void *buf);
void dstb_raw_end(struct dstb_leg *leg, blk_status_t status);
int dstb_raw_volume_init(struct dstb_volume *vol);
void dstb_raw_volume_exit(struct dstb_volume *vol);

#endif /* _DSTB_RAW_H */
