/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The codec of the wire protocol: encode, decode, validate. Plain C that also compiles in
 * userspace, for the tests, the fuzzers and the userspace target.
 */
#ifndef _DSTB_WIRE_H
#define _DSTB_WIRE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include "wire_user.h"
#endif

#include "uapi/dst_wire.h"

/* What both ends of this version can do beyond version 1 of the protocol. */
#define DSTB_WIRE_FEATURES	DST_WIRE_FEAT_DIGEST

/**
 * struct dstb_wire_msg - a header, decoded: the fields of struct dst_wire_hdr in the CPU's order
 * @op:		enum dst_wire_op
 * @flags:	DST_WIRE_F_*
 * @tag:	number of the command
 * @status:	enum dst_wire_status
 * @sector:	first sector
 * @length:	as on the wire
 * @payload_crc: as on the wire
 * @epoch:	of the session
 */
struct dstb_wire_msg {
	u8 op;
	u16 flags;
	u32 tag;
	u32 status;
	u64 sector;
	u32 length;
	u32 payload_crc;
	u64 epoch;
};

/**
 * struct dstb_wire_limits - what a target granted, to hold commands against
 * @size:	of the export in sectors
 * @depth:	tags below this
 * @features:	DST_WIRE_FEAT_*
 * @max_request: bytes of READ, WRITE and DIGEST
 * @max_discard: sectors; 0: none
 * @max_write_zeroes: sectors; 0: none
 * @block_size:	in bytes
 * @epoch:	of the session
 * @read_only:	no WRITE, DISCARD, WRITE_ZEROES
 */
struct dstb_wire_limits {
	u64 size;
	u32 depth;
	u32 features;
	u32 max_request;
	u32 max_discard;
	u32 max_write_zeroes;
	u32 block_size;
	u64 epoch;
	bool read_only;
};

void dstb_wire_encode(struct dst_wire_hdr *hdr, const struct dstb_wire_msg *msg);
const char *dstb_wire_decode(const struct dst_wire_hdr *hdr, struct dstb_wire_msg *msg);
const char *dstb_wire_check_command(const struct dstb_wire_msg *msg,
				    const struct dstb_wire_limits *lim);
const char *dstb_wire_check_notice(const struct dstb_wire_msg *msg, u64 epoch);
int dstb_wire_errno(u32 status);
const char *dstb_wire_check_hello(const struct dstb_wire_msg *msg,
				  const struct dst_wire_hello *hello);
const char *dstb_wire_check_welcome(const struct dstb_wire_msg *msg,
				    const struct dst_wire_welcome *w);

/* Bytes that follow the header of @msg. */
static inline u32 dstb_wire_payload(const struct dstb_wire_msg *msg)
{
	switch (msg->op) {
	case DST_WIRE_HELLO:
	case DST_WIRE_WELCOME:
	case DST_WIRE_REJECT:
		return msg->length;
	case DST_WIRE_WRITE:
		return msg->flags & DST_WIRE_F_REPLY ? 0 : msg->length;
	case DST_WIRE_READ:
	case DST_WIRE_DIGEST:
		return msg->flags & DST_WIRE_F_REPLY && !msg->status ? msg->length : 0;
	default:
		return 0;
	}
}

/* Bytes that a command of @length bytes of data takes of the window. */
static inline u32 dstb_wire_window(u32 length)
{
	return (length + DST_WIRE_UNIT - 1) & ~(DST_WIRE_UNIT - 1);
}

#endif /* _DSTB_WIRE_H */
