// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzzes kmod/wire.c: everything that a peer says before the module believes it.
 *
 * What follows the flags is a session's limits (struct limits), a header, and its payload: HELLO or
 * with FUZZ_OTHER WELCOME.
 */
#include "fuzz.h"
#include "wire.h"

/**
 * struct limits - what the target granted, as the fuzzer chooses it
 * @size:	log2 of the size modulo 55, and what to take from that
 * @epoch:	this and the rest as in struct dstb_wire_limits, brought within bounds by grant()
 * @max_discard: in sectors
 * @max_write_zeroes: in sectors
 * @depth:	less 1
 * @max_request: in units of DST_WIRE_UNIT, less 1
 * @block_shift: log2 of the block size, less 9
 * @read_only:	no writes
 * @features:	this, too
 * @unused:	anything
 */
struct limits {
	u64 size;
	u64 epoch;
	u32 max_discard;
	u32 max_write_zeroes;
	u16 depth;
	u16 max_request;
	u8 block_shift;
	u8 read_only;
	u8 features;
	u8 unused;
};

/* Only what a target grants. */
static struct dstb_wire_limits grant(const struct limits *from)
{
	u32 block = 512U << from->block_shift % 4;
	struct dstb_wire_limits lim = {
		.size = ((1ULL << from->size % 55) - (from->size >> 6) % 8) & ~(block / 512 - 1ULL),
		.depth = from->depth % DST_WIRE_MAX_DEPTH + 1,
		.features = from->features & DSTB_WIRE_FEATURES,
		.max_request = (from->max_request % 256 + 1) * DST_WIRE_UNIT,
		.max_discard = from->max_discard % (DST_WIRE_MAX_RANGE + 1),
		.max_write_zeroes = from->max_write_zeroes % (DST_WIRE_MAX_RANGE + 1),
		.block_size = block,
		.epoch = from->epoch,
		.read_only = from->read_only & 1,
	};

	return lim;
}

static void mend(struct dst_wire_hdr *hdr)
{
	u32 crc;

	hdr->magic = cpu_to_le32(DST_WIRE_MAGIC);
	crc = ~crc32c(~0U, hdr, offsetof(struct dst_wire_hdr, header_crc));
	hdr->header_crc = cpu_to_le32(crc);
}

static void check_range(const struct dstb_wire_msg *msg, u64 nr,
			const struct dstb_wire_limits *lim)
{
	MUST(nr && nr <= lim->size && msg->sector <= lim->size - nr);
	MUST(!((msg->sector * 512 | nr * 512) & (lim->block_size - 1)));
}

/* What the target goes by without checking it again. */
static void check_command(const struct dstb_wire_msg *msg, const struct dstb_wire_limits *lim)
{
	if (fuzz_refused(dstb_wire_check_command(msg, lim)))
		return;
	MUST(msg->epoch == lim->epoch && !(msg->flags & DST_WIRE_F_REPLY));
	MUST(dstb_wire_payload(msg) <= lim->max_request);
	MUST(msg->op != DST_WIRE_DIGEST || lim->features & DST_WIRE_FEAT_DIGEST);
	switch (msg->op) {
	case DST_WIRE_READ:
	case DST_WIRE_WRITE:
	case DST_WIRE_DIGEST:
		MUST(msg->tag < lim->depth && msg->length <= lim->max_request);
		MUST(!(msg->length & 511));
		MUST(dstb_wire_window(msg->length) >= msg->length);
		check_range(msg, msg->length / 512, lim);
		break;
	case DST_WIRE_DISCARD:
		MUST(msg->tag < lim->depth && msg->length <= lim->max_discard);
		check_range(msg, msg->length, lim);
		break;
	case DST_WIRE_WRITE_ZEROES:
		MUST(msg->tag < lim->depth && msg->length <= lim->max_write_zeroes);
		check_range(msg, msg->length, lim);
		break;
	case DST_WIRE_FLUSH:
		MUST(msg->tag < lim->depth);
		break;
	default:
		MUST(msg->op == DST_WIRE_PING || msg->op == DST_WIRE_BYE);
	}
	if (lim->read_only)
		MUST(msg->op != DST_WIRE_WRITE && msg->op != DST_WIRE_DISCARD &&
		     msg->op != DST_WIRE_WRITE_ZEROES);
}

/* What the initiator goes by. */
static void check_notice(const struct dstb_wire_msg *msg, u64 epoch)
{
	MUST(dstb_wire_errno(msg->status) < 0);
	if (fuzz_refused(dstb_wire_check_notice(msg, epoch)))
		return;
	MUST(msg->op == DST_WIRE_BYE || msg->op == DST_WIRE_LEAVING);
	MUST(msg->epoch == epoch && !msg->flags && !dstb_wire_payload(msg));
}

static void check_hello(const struct dstb_wire_msg *msg, const struct dst_wire_hello *hello)
{
	u32 conn = le16_to_cpu(hello->conn), conns = le16_to_cpu(hello->nr_conns);

	if (fuzz_refused(dstb_wire_check_hello(msg, hello)))
		return;
	MUST(conn < conns && conns <= DST_WIRE_MAX_CONNS && !conn == !hello->session);
	MUST(le16_to_cpu(hello->chain_len) && le16_to_cpu(hello->chain_len) <= DST_WIRE_MAX_CHAIN);
	MUST(memchr(hello->volume, 0, sizeof(hello->volume)) && hello->volume[0]);
	MUST(memchr(hello->export, 0, sizeof(hello->export)) && hello->export[0]);
	MUST(hello->role <= DST_WIRE_SHARED);
	MUST(hello->hello_flags <= DST_WIRE_HELLO_PROBE);
	MUST(!hello->hello_flags || !hello->conn);
	MUST(hello->hello_flags != DST_WIRE_HELLO_TAKEOVER || hello->role == DST_WIRE_WRITER);
	MUST(hello->instance);
	MUST(le32_to_cpu(hello->max_request) >= DST_WIRE_UNIT);
	MUST(le32_to_cpu(hello->window) >= DST_WIRE_UNIT && hello->depth);
}

static void check_welcome(const struct dstb_wire_msg *msg, const struct dst_wire_welcome *welcome)
{
	u32 max_request = le32_to_cpu(welcome->max_request), window = le32_to_cpu(welcome->window);
	u32 block = le32_to_cpu(welcome->block_size), depth = le16_to_cpu(welcome->depth);

	if (fuzz_refused(dstb_wire_check_welcome(msg, welcome)))
		return;
	MUST(depth && depth <= DST_WIRE_MAX_DEPTH);
	MUST(welcome->nr_conns && le16_to_cpu(welcome->nr_conns) <= DST_WIRE_MAX_CONNS);
	MUST(max_request >= DST_WIRE_UNIT && max_request <= DST_WIRE_MAX_REQUEST);
	MUST(window >= max_request && window <= DST_WIRE_MAX_WINDOW);
	MUST(block >= 512 && block <= 4096 && !(block & (block - 1)));
	MUST(le32_to_cpu(welcome->physical_block_size) >= block);
	MUST(welcome->size && le64_to_cpu(welcome->size) <= 1ULL << 54);
	MUST(le32_to_cpu(welcome->max_discard) <= DST_WIRE_MAX_RANGE);
	MUST(le32_to_cpu(welcome->max_write_zeroes) <= DST_WIRE_MAX_RANGE);
	MUST(welcome->session && welcome->epoch && welcome->instance);
	MUST(!(le32_to_cpu(welcome->features) & ~DSTB_WIRE_FEATURES));
}

/* The caller's part is to have all of the payload before it asks. */
static void check_payload(const struct dstb_wire_msg *msg, const u8 *data, size_t len, u8 flags)
{
	size_t want = flags & FUZZ_OTHER ? sizeof(struct dst_wire_welcome) :
					   sizeof(struct dst_wire_hello);
	void *payload;

	if (len < want)
		return;
	payload = fuzz_copy(data, want);
	if (flags & FUZZ_OTHER)
		check_welcome(msg, payload);
	else
		check_hello(msg, payload);
	free(payload);
}

int fuzz_one(const uint8_t *data, size_t len)
{
	size_t head = 1 + sizeof(struct limits) + sizeof(struct dst_wire_hdr);
	struct dst_wire_hdr *hdr, again;
	struct dstb_wire_limits lim;
	struct dstb_wire_msg msg;
	struct limits limits;

	if (len < head)
		return 0;
	memcpy(&limits, data + 1, sizeof(limits));
	lim = grant(&limits);
	hdr = fuzz_copy(data + 1 + sizeof(limits), sizeof(*hdr));
	if (data[0] & FUZZ_MEND)
		mend(hdr);
	if (!fuzz_refused(dstb_wire_decode(hdr, &msg))) {
		dstb_wire_encode(&again, &msg);
		MUST(!memcmp(hdr, &again, sizeof(again)));
		check_command(&msg, &lim);
		check_notice(&msg, lim.epoch);
		check_payload(&msg, data + head, len - head, data[0]);
	}
	free(hdr);
	return 0;
}

#ifdef FUZZ_SEEDS
static u8 buf[4096];

/* A message with the limits of a usual session, and @len bytes of payload. */
static void seed(const char *folder, const char *name, u8 flags, const struct dstb_wire_msg *msg,
		 const void *payload, size_t len)
{
	struct limits limits = {
		.size = 20, .depth = 63, .max_request = 255, .max_discard = 1 << 20,
		.max_write_zeroes = 1 << 20, .epoch = 5, .features = DSTB_WIRE_FEATURES,
	};
	size_t head = sizeof(limits) + sizeof(struct dst_wire_hdr);
	struct dst_wire_hdr hdr;

	dstb_wire_encode(&hdr, msg);
	memcpy(buf, &limits, sizeof(limits));
	memcpy(buf + sizeof(limits), &hdr, sizeof(hdr));
	if (len)
		memcpy(buf + head, payload, len);
	fuzz_seed(folder, name, flags, buf, head + len);
	fuzz_seed(folder, name, flags | FUZZ_MEND, buf, head + len);
}

int main(int argc, char **argv)
{
	struct dst_wire_hello hello = {
		.version_min = 1, .version_max = 1, .role = DST_WIRE_WRITER,
		.nr_conns = cpu_to_le16(1), .depth = cpu_to_le16(64), .chain_len = cpu_to_le16(1),
		.max_request = cpu_to_le32(1 << 20), .window = cpu_to_le32(4 << 20),
		.instance = cpu_to_le64(9), .volume = "vol", .export = "exp",
	};
	struct dst_wire_welcome welcome = {
		.version = 1, .nr_conns = cpu_to_le16(1), .depth = cpu_to_le16(64),
		.max_request = cpu_to_le32(1 << 20), .window = cpu_to_le32(4 << 20),
		.block_size = cpu_to_le32(512), .physical_block_size = cpu_to_le32(4096),
		.session = cpu_to_le64(3), .epoch = cpu_to_le64(5), .size = cpu_to_le64(1 << 20),
		.instance = cpu_to_le64(8),
	};
	struct dstb_wire_msg msg;
	char name[16];
	u8 op;

	MUST(argc == 2);
	msg = (struct dstb_wire_msg) { .op = DST_WIRE_HELLO, .length = sizeof(hello) };
	seed(argv[1], "hello", 0, &msg, &hello, sizeof(hello));
	msg = (struct dstb_wire_msg) { .op = DST_WIRE_WELCOME, .length = sizeof(welcome) };
	seed(argv[1], "welcome", FUZZ_OTHER, &msg, &welcome, sizeof(welcome));
	for (op = DST_WIRE_READ; op <= DST_WIRE_DIGEST; op++) {
		snprintf(name, sizeof(name), "op%u", op);
		msg = (struct dstb_wire_msg) { .op = op, .epoch = 5, .tag = op };
		if (op == DST_WIRE_READ || op == DST_WIRE_WRITE || op == DST_WIRE_DIGEST)
			msg.length = 4096;
		else if (op == DST_WIRE_DISCARD || op == DST_WIRE_WRITE_ZEROES)
			msg.length = 8;
		seed(argv[1], name, 0, &msg, NULL, 0);
	}
	return 0;
}
#endif
