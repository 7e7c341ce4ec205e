// SPDX-License-Identifier: GPL-2.0
/*
 * The codec of the wire protocol: encode, decode, validate. Touches nothing but its arguments.
 */
#include "wire.h"
#include "name.h"

#ifdef __KERNEL__
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#endif

#define HEADER_CRC_LEN	offsetof(struct dst_wire_hdr, header_crc)
#define ALL_FLAGS	(DST_WIRE_F_REPLY | DST_WIRE_F_FUA | DST_WIRE_F_NOUNMAP)

/**
 * dstb_wire_encode() - make a header
 * @hdr:	where to
 * @msg:	what of
 *
 * Context: any.
 */
void dstb_wire_encode(struct dst_wire_hdr *hdr, const struct dstb_wire_msg *msg)
{
	hdr->magic = cpu_to_le32(DST_WIRE_MAGIC);
	hdr->version = DST_WIRE_VERSION;
	hdr->op = msg->op;
	hdr->flags = cpu_to_le16(msg->flags);
	hdr->tag = cpu_to_le32(msg->tag);
	hdr->status = cpu_to_le32(msg->status);
	hdr->sector = cpu_to_le64(msg->sector);
	hdr->length = cpu_to_le32(msg->length);
	hdr->payload_crc = cpu_to_le32(msg->payload_crc);
	hdr->epoch = cpu_to_le64(msg->epoch);
	hdr->reserved = 0;
	hdr->header_crc = cpu_to_le32(~crc32c(~0U, hdr, HEADER_CRC_LEN));
}

/**
 * dstb_wire_decode() - take a header apart and check what can be checked without knowing the
 * session
 * @hdr:	what came
 * @msg:	where to; undefined when refused
 *
 * Context: any.
 * Return: NULL, or why it is no header of ours.
 */
const char *dstb_wire_decode(const struct dst_wire_hdr *hdr, struct dstb_wire_msg *msg)
{
	if (le32_to_cpu(hdr->magic) != DST_WIRE_MAGIC)
		return "bad magic";
	if (le32_to_cpu(hdr->header_crc) != (u32)~crc32c(~0U, hdr, HEADER_CRC_LEN))
		return "bad header crc";
	if (hdr->version != DST_WIRE_VERSION)
		return "unknown version";
	if (hdr->reserved)
		return "reserved field not zero";
	msg->op = hdr->op;
	msg->flags = le16_to_cpu(hdr->flags);
	msg->tag = le32_to_cpu(hdr->tag);
	msg->status = le32_to_cpu(hdr->status);
	msg->sector = le64_to_cpu(hdr->sector);
	msg->length = le32_to_cpu(hdr->length);
	msg->payload_crc = le32_to_cpu(hdr->payload_crc);
	msg->epoch = le64_to_cpu(hdr->epoch);
	if (msg->op < DST_WIRE_HELLO || msg->op > DST_WIRE_DIGEST)
		return "unknown opcode";
	if (msg->flags & ~ALL_FLAGS)
		return "unknown flag";
	return NULL;
}

static bool range_ok(u64 sector, u64 nr_sectors, const struct dstb_wire_limits *lim)
{
	u32 mask = (lim->block_size >> 9) - 1;

	return nr_sectors && nr_sectors <= lim->size && sector <= lim->size - nr_sectors &&
	       !((sector | nr_sectors) & mask);
}

static const char *check_data(const struct dstb_wire_msg *msg, const struct dstb_wire_limits *lim)
{
	if (!msg->length || msg->length > lim->max_request)
		return "length out of bounds";
	if (msg->length & 511)
		return "length not in sectors";
	if (!range_ok(msg->sector, msg->length >> 9, lim))
		return "sector out of bounds";
	return NULL;
}

static const char *check_range(const struct dstb_wire_msg *msg, u32 max,
			       const struct dstb_wire_limits *lim)
{
	if (!msg->length || msg->length > max)
		return "length out of bounds";
	if (!range_ok(msg->sector, msg->length, lim))
		return "sector out of bounds";
	return NULL;
}

/**
 * dstb_wire_check_command() - hold a command against what was granted
 * @msg:	the command, decoded
 * @lim:	what was granted
 *
 * Context: any.
 * Return: NULL, or in what way the peer broke the protocol. Writing to a read-only export is such a
 * way, too: a peer that was told so does not try.
 */
const char *dstb_wire_check_command(const struct dstb_wire_msg *msg,
				    const struct dstb_wire_limits *lim)
{
	u16 flags = 0;
	const char *why = NULL;

	if (msg->epoch != lim->epoch)
		return "wrong epoch";
	if (msg->status)
		return "status in a command";
	if (msg->payload_crc)
		return "digest without agreement";
	if (msg->op == DST_WIRE_BYE || msg->op == DST_WIRE_PING) {
		if (msg->tag || msg->sector || msg->length)
			return "reserved field not zero";
		return msg->flags ? "flag not allowed" : NULL;
	}
	if (msg->tag >= lim->depth)
		return "tag out of bounds";

	switch (msg->op) {
	case DST_WIRE_READ:
		why = check_data(msg, lim);
		break;
	case DST_WIRE_DIGEST:
		if (!(lim->features & DST_WIRE_FEAT_DIGEST))
			return "opcode without agreement";
		why = check_data(msg, lim);
		break;
	case DST_WIRE_WRITE:
		flags = DST_WIRE_F_FUA;
		why = check_data(msg, lim);
		break;
	case DST_WIRE_FLUSH:
		why = msg->length || msg->sector ? "flush with a range" : NULL;
		break;
	case DST_WIRE_DISCARD:
		why = check_range(msg, lim->max_discard, lim);
		break;
	case DST_WIRE_WRITE_ZEROES:
		flags = DST_WIRE_F_NOUNMAP;
		why = check_range(msg, lim->max_write_zeroes, lim);
		break;
	default:
		return "opcode not allowed here";
	}
	if (why)
		return why;
	if (msg->flags & ~flags)
		return "flag not allowed";
	if (lim->read_only && msg->op != DST_WIRE_READ && msg->op != DST_WIRE_DIGEST &&
	    msg->op != DST_WIRE_FLUSH)
		return "write to a read-only session";
	return NULL;
}

/**
 * dstb_wire_check_notice() - check what a target says unasked: BYE or LEAVING
 * @msg:	its header, decoded
 * @epoch:	of the session
 *
 * Context: any.
 * Return: NULL, or in what way the peer broke the protocol.
 */
const char *dstb_wire_check_notice(const struct dstb_wire_msg *msg, u64 epoch)
{
	if (msg->op != DST_WIRE_BYE && msg->op != DST_WIRE_LEAVING)
		return "opcode not allowed here";
	if (msg->epoch != epoch)
		return "wrong epoch";
	if (msg->flags)
		return "flag not allowed";
	if (msg->tag || msg->sector || msg->length || msg->payload_crc)
		return "reserved field not zero";
	if (msg->op == DST_WIRE_LEAVING && msg->status)
		return "status in a notice";
	return NULL;
}

/**
 * dstb_wire_errno() - the status of a REJECT or BYE as an error number
 * @status:	enum dst_wire_status, or what a peer sent instead
 *
 * Context: any.
 * Return: a negative errno; -ECONNREFUSED for what has no better one.
 */
int dstb_wire_errno(u32 status)
{
	switch (status) {
	case DST_WIRE_EROFS:
		return -EROFS;
	case DST_WIRE_ETIMEDOUT:
		return -ETIMEDOUT;
	case DST_WIRE_ENOMEM:
		return -ENOMEM;
	case DST_WIRE_ENOENT:
		return -ENOENT;
	case DST_WIRE_EBUSY:
		return -EBUSY;
	case DST_WIRE_EVERSION:
		return -EPROTONOSUPPORT;
	case DST_WIRE_ELOOP:
		return -ELOOP;
	case DST_WIRE_ELIMIT:
		return -EUSERS;
	case DST_WIRE_EFENCED:
		return -ESTALE;
	case DST_WIRE_ESUSPENDED:
		return -EAGAIN;
	default:
		return -ECONNREFUSED;
	}
}

/**
 * dstb_wire_check_hello() - check a HELLO
 * @msg:	its header, decoded
 * @hello:	its payload, msg->length bytes of which the caller has checked that they are all
 *		there
 *
 * Context: any.
 * Return: NULL, or in what way the peer broke the protocol.
 */
const char *dstb_wire_check_hello(const struct dstb_wire_msg *msg,
				  const struct dst_wire_hello *hello)
{
	u32 conn = le16_to_cpu(hello->conn), nr_conns = le16_to_cpu(hello->nr_conns);
	u32 chain = le16_to_cpu(hello->chain_len);

	if (msg->flags || msg->status || msg->epoch || msg->length != sizeof(*hello))
		return "malformed HELLO";
	if (!hello->version_min || hello->version_min > hello->version_max)
		return "no version";
	if (hello->role > DST_WIRE_SHARED)
		return "unknown role";
	if (hello->hello_flags > DST_WIRE_HELLO_PROBE)
		return "unknown flag, or takeover by a probe";
	if (hello->hello_flags && conn)
		return "takeover or probe not on the first connection";
	if (hello->hello_flags & DST_WIRE_HELLO_TAKEOVER && hello->role != DST_WIRE_WRITER)
		return "takeover by no writer";
	if (!hello->instance)
		return "no instance";
	if (!nr_conns || nr_conns > DST_WIRE_MAX_CONNS || conn >= nr_conns)
		return "connection number out of bounds";
	if (!conn != !hello->session)
		return "session number in the wrong place";
	if (!le16_to_cpu(hello->depth) || le32_to_cpu(hello->max_request) < DST_WIRE_UNIT ||
	    le32_to_cpu(hello->window) < DST_WIRE_UNIT)
		return "wanted limits too small";
	if (!chain || chain > DST_WIRE_MAX_CHAIN)
		return "chain length out of bounds";
	/* Names reach logs and people: the peer does not choose the characters. */
	if (!dstb_name_len(hello->export, sizeof(hello->export)) ||
	    !dstb_name_len(hello->volume, sizeof(hello->volume)))
		return "not a name";
	return NULL;
}

static bool is_pow2(u32 n)
{
	return n && !(n & (n - 1));
}

/**
 * dstb_wire_check_welcome() - check a WELCOME
 * @msg:	its header, decoded
 * @w:		its payload, msg->length bytes of which the caller has checked that they are all
 *		there
 *
 * Context: any.
 * Return: NULL, or in what way the peer broke the protocol.
 */
const char *dstb_wire_check_welcome(const struct dstb_wire_msg *msg,
				    const struct dst_wire_welcome *w)
{
	u32 depth = le16_to_cpu(w->depth), max_request = le32_to_cpu(w->max_request);
	u32 window = le32_to_cpu(w->window), lbs = le32_to_cpu(w->block_size),
	    pbs = le32_to_cpu(w->physical_block_size);
	u32 conns = le16_to_cpu(w->nr_conns);

	if (msg->op != DST_WIRE_WELCOME || msg->flags || msg->status || msg->epoch ||
	    msg->length != sizeof(*w))
		return "malformed WELCOME";
	if (w->reserved)
		return "reserved field not zero";
	if (w->version != DST_WIRE_VERSION)
		return "version that was not offered";
	if (!depth || depth > DST_WIRE_MAX_DEPTH || !conns || conns > DST_WIRE_MAX_CONNS)
		return "granted depth or connections out of bounds";
	if (max_request < DST_WIRE_UNIT || max_request > DST_WIRE_MAX_REQUEST ||
	    max_request & (DST_WIRE_UNIT - 1))
		return "granted request size out of bounds";
	if (window < max_request || window > DST_WIRE_MAX_WINDOW)
		return "granted window out of bounds";
	if (!is_pow2(lbs) || lbs < 512 || lbs > DST_WIRE_UNIT || !is_pow2(pbs) || pbs < lbs ||
	    pbs > 1 << 20)
		return "block size out of bounds";
	if (!le64_to_cpu(w->size) || le64_to_cpu(w->size) > 1ULL << 54 ||
	    le64_to_cpu(w->size) & ((lbs >> 9) - 1))
		return "size out of bounds";
	if (le32_to_cpu(w->io_min) & (lbs - 1) || le32_to_cpu(w->io_opt) & (lbs - 1) ||
	    le32_to_cpu(w->discard_granularity) & (lbs - 1))
		return "preferred sizes are no multiples of the block size";
	if (le32_to_cpu(w->max_discard) > DST_WIRE_MAX_RANGE ||
	    le32_to_cpu(w->max_write_zeroes) > DST_WIRE_MAX_RANGE)
		return "longest discard or zeroes out of bounds";
	if (!w->instance)
		return "no instance";
	if (le32_to_cpu(w->features) & ~DSTB_WIRE_FEATURES || !w->session || !w->epoch)
		return "grants what was not asked for";
	return NULL;
}
