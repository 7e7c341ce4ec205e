/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * The wire protocol, version 1. Little-endian; every message is a header of 48 bytes and an
 * optional payload. docs/protocol.md says in words what is here in C.
 */
#ifndef _UAPI_DST_WIRE_H
#define _UAPI_DST_WIRE_H

#include <linux/types.h>

#define DST_WIRE_MAGIC		0x57545344	/* "DSTW" on the wire */
#define DST_WIRE_VERSION	1
#define DST_WIRE_PORT		7700

#define DST_WIRE_MAX_REQUEST	(1U << 20)	/* bytes of data in one command, at most */
#define DST_WIRE_MAX_DEPTH	1024		/* commands under way on one connection, at most */
/* bytes of data under way on one connection, at most */
#define DST_WIRE_MAX_WINDOW	(64U << 20)
#define DST_WIRE_MAX_RANGE	(1U << 22)	/* sectors of one DISCARD or WRITE_ZEROES */
#define DST_WIRE_UNIT		4096U		/* data counts against the window in whole units */
#define DST_WIRE_MAX_CONNS	64		/* connections of one session, at most */
#define DST_WIRE_MAX_CHAIN	16		/* volumes above, at most: how deep trees get */
#define DST_WIRE_NAME		64		/* of an export, with the terminating zero */
#define DST_WIRE_TEXT		200		/* of a REJECT, no terminating zero needed */
#define DST_WIRE_DIGEST_BYTES	32		/* payload of the reply to a DIGEST: BLAKE2s-256 */
/* from accept to HELLO, and from connect to WELCOME */
#define DST_WIRE_HANDSHAKE_MS	5000
#define DST_WIRE_PING_MS	3000		/* silence after which the initiator asks */
/* silence after which either side gives the session up */
#define DST_WIRE_DEAD_MS	12000

/*
 * enum dst_wire_op - opcodes
 *
 * A reply has the opcode of its command and DST_WIRE_F_REPLY.
 */
enum dst_wire_op {
	DST_WIRE_HELLO = 1, /* payload: struct dst_wire_hello; the first message, once */
	DST_WIRE_WELCOME = 2, /* payload: struct dst_wire_welcome; or REJECT */
	DST_WIRE_REJECT =
		3, /* payload: text of at most DST_WIRE_TEXT bytes; status says why in a number */
	DST_WIRE_READ = 4, /* the reply to a read that worked carries length bytes */
	DST_WIRE_WRITE = 5, /* payload: length bytes */
	DST_WIRE_FLUSH = 6,
	DST_WIRE_DISCARD = 7, /* length is in sectors, as in WRITE_ZEROES */
	DST_WIRE_WRITE_ZEROES = 8,
	DST_WIRE_PING = 9,
	DST_WIRE_BYE = 10, /* no reply: the session ends in an orderly way; status as in REJECT */
	/* target to initiator, no reply: do without me from now on, finish what is under way */
	DST_WIRE_LEAVING = 11,
	/* with DST_WIRE_FEAT_DIGEST; the reply carries the digest of what a READ would carry */
	DST_WIRE_DIGEST = 12,
};

#define DST_WIRE_FEAT_DIGEST	(1U << 0)	/* the target answers DIGEST */

#define DST_WIRE_F_REPLY	(1U << 0)
#define DST_WIRE_F_FUA		(1U << 1)	/* WRITE: on stable storage before the reply */
#define DST_WIRE_F_NOUNMAP	(1U << 2)	/* WRITE_ZEROES: keep the space allocated */

/*
 * enum dst_wire_status - how a command ended
 */
enum dst_wire_status {
	DST_WIRE_OK = 0,
	DST_WIRE_EIO = 1,		/* the medium failed */
	DST_WIRE_ENOSPC = 2,
	DST_WIRE_ENOTSUPP = 3,		/* the device does not do this */
	DST_WIRE_EROFS = 4,
	DST_WIRE_EINVAL = 5,
	DST_WIRE_ETIMEDOUT = 6,
	DST_WIRE_ENOMEM = 7,
	/* only in REJECT and BYE */
	DST_WIRE_ENOENT = 32,		/* no such export */
	DST_WIRE_EBUSY = 33,		/* another writer has it */
	DST_WIRE_EVERSION = 34,		/* no version in common */
	DST_WIRE_ELOOP = 35,		/* the tree would bite its tail */
	DST_WIRE_ELIMIT = 36,		/* too many sessions or connections */
	DST_WIRE_ESESSION = 37,		/* no such session */
	DST_WIRE_EPROTO = 38,		/* the peer broke the protocol */
	DST_WIRE_EGONE = 39,		/* the export was removed */
	DST_WIRE_EFENCED = 40,		/* another initiator has taken the export over */
	DST_WIRE_ESUSPENDED = 41,	/* the export is suspended: try again later */
};

/**
 * struct dst_wire_hdr - head of every message
 * @magic:	DST_WIRE_MAGIC
 * @version:	DST_WIRE_VERSION
 * @op:		enum dst_wire_op
 * @flags:	DST_WIRE_F_*
 * @tag:	the initiator's number for the command, below the granted depth; the reply carries
 *		it
 * @status:	enum dst_wire_status; 0 in commands
 * @sector:	first sector of 512 bytes
 * @length:	bytes of data of READ, WRITE and DIGEST; sectors of DISCARD and WRITE_ZEROES; else
 *		bytes of payload, also of the reply to a DIGEST
 * @payload_crc: crc32c of the payload where that was negotiated, else 0
 * @epoch:	of the session; 0 in HELLO
 * @reserved:	0
 * @header_crc:	crc32c of the 44 bytes before
 */
struct dst_wire_hdr {
	__le32 magic;
	__u8 version;
	__u8 op;
	__le16 flags;
	__le32 tag;
	__le32 status;
	__le64 sector;
	__le32 length;
	__le32 payload_crc;
	__le64 epoch;
	__le32 reserved;
	__le32 header_crc;
} __attribute__((packed, aligned(8)));

/*
 * enum dst_wire_role - what an initiator wants to do
 */
enum dst_wire_role {
	DST_WIRE_WRITER = 0,		/* read and write, nobody else writes */
	DST_WIRE_READER = 1,
	DST_WIRE_SHARED = 2,		/* read and write beside others */
};

/* take the export over: who writes now is fenced. Role writer only */
#define DST_WIRE_HELLO_TAKEOVER	(1U << 0)
/* only to ask which export this is, and which life of it: WELCOME opens no session */
#define DST_WIRE_HELLO_PROBE	(1U << 1)

/**
 * struct dst_wire_hello - what the initiator says first, on each connection
 * @version_min: lowest version it speaks
 * @version_max: highest version it speaks
 * @role:	enum dst_wire_role
 * @hello_flags: DST_WIRE_HELLO_*
 * @conn:	number of this connection, 0..nr_conns-1; number 0 opens the session
 * @nr_conns:	connections wanted
 * @depth:	commands under way wanted, a connection
 * @chain_len:	volumes in @chain
 * @max_request: bytes of data in one command wanted, at most
 * @window:	bytes of data under way wanted, a connection
 * @features:	DST_WIRE_FEAT_* wanted; those that are not known are passed over
 * @instance:	random, not 0: one life of the initiator's volume. A new session of the same client
 *		and instance takes the place of the one before, whose commands are finished first
 * @session:	0 for @conn 0, else what WELCOME said there
 * @client:	uuid of the initiator's volume
 * @volume:	what the initiator calls it
 * @export:	the export
 * @chain:	uuids of the volumes above, @client first
 */
struct dst_wire_hello {
	__u8 version_min;
	__u8 version_max;
	__u8 role;
	__u8 hello_flags;
	__le16 conn;
	__le16 nr_conns;
	__le16 depth;
	__le16 chain_len;
	__le32 max_request;
	__le32 window;
	__le32 features;
	__le64 instance;
	__le64 session;
	__u8 client[16];
	char volume[32];
	char export[DST_WIRE_NAME];
	__u8 chain[DST_WIRE_MAX_CHAIN][16];
} __attribute__((packed, aligned(8)));

/* volatile write cache: FLUSH and FUA mean something */
#define DST_WIRE_DEV_VWC	(1U << 0)
#define DST_WIRE_DEV_READ_ONLY	(1U << 1)
#define DST_WIRE_DEV_ROTATIONAL	(1U << 2)
#define DST_WIRE_DEV_VOLUME	(1U << 3)	/* the export is a DST volume, @volume its uuid */

/**
 * struct dst_wire_welcome - what the target answers
 * @version:	version that both speak from now on
 * @reserved:	0
 * @nr_conns:	connections granted
 * @depth:	commands under way granted, a connection
 * @device:	DST_WIRE_DEV_*
 * @max_request: bytes of data in one command, at most
 * @window:	bytes of data under way granted, a connection, each command rounded up to
 *		DST_WIRE_UNIT
 * @features:	DST_WIRE_FEAT_* granted, of those that were wanted on connection 0
 * @session:	number of the session
 * @epoch:	of the session: in every later message
 * @size:	of the export in sectors
 * @block_size:	logical, in bytes
 * @physical_block_size: in bytes
 * @io_min:	preferred smallest I/O in bytes
 * @io_opt:	preferred I/O in bytes, 0 for none
 * @discard_granularity: in bytes
 * @max_discard: in sectors; 0: no DISCARD
 * @max_write_zeroes: in sectors; 0: no WRITE_ZEROES
 * @instance:	random, not 0: one life of the export. A different one may have lost what was in the
 *		device's volatile cache
 * @volume:	uuid of the exported volume with DST_WIRE_DEV_VOLUME
 */
struct dst_wire_welcome {
	__u8 version;
	__u8 reserved;
	__le16 nr_conns;
	__le16 depth;
	__le16 device;
	__le32 max_request;
	__le32 window;
	__le32 features;
	__le32 block_size;
	__le64 session;
	__le64 epoch;
	__le64 size;
	__le32 physical_block_size;
	__le32 io_min;
	__le32 io_opt;
	__le32 discard_granularity;
	__le32 max_discard;
	__le32 max_write_zeroes;
	__le64 instance;
	__u8 volume[16];
} __attribute__((packed, aligned(8)));

#endif /* _UAPI_DST_WIRE_H */
