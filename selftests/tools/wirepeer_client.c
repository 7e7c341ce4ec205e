// SPDX-License-Identifier: GPL-2.0
/*
 * wirepeer as an initiator: a correct one, and every kind of wrong one.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wirepeer.h"

struct grant grant;

static struct packet in;
static uint8_t data[DST_WIRE_MAX_REQUEST];

/* ---- hello ---- */

void hello_fill(struct hello_packet *p)
{
	struct dstb_wire_msg msg = { .op = DST_WIRE_HELLO, .length = sizeof(p->hello) };
	struct dst_wire_hello *h = &p->hello;
	uint32_t i;

	memset(p, 0, sizeof(*p));
	h->version_min = DST_WIRE_VERSION;
	h->version_max = DST_WIRE_VERSION;
	h->role = (uint8_t)opt.role;
	h->conn = cpu_to_le16(opt.conn);
	h->nr_conns = cpu_to_le16(opt.conns);
	h->depth = cpu_to_le16(128);
	h->max_request = cpu_to_le32(DST_WIRE_MAX_REQUEST);
	h->window = cpu_to_le32(4 << 20);
	h->hello_flags = (opt.takeover ? DST_WIRE_HELLO_TAKEOVER : 0) |
			 (opt.probe ? DST_WIRE_HELLO_PROBE : 0);
	h->features = cpu_to_le32(opt.features);
	if ((!strncmp(opt.mode, "digest", 6) && strcmp(opt.mode, "digest-unwanted")) ||
	    !strcmp(opt.mode, "storm"))
		h->features |= cpu_to_le32(DST_WIRE_FEAT_DIGEST);
	h->instance = cpu_to_le64(opt.instance);
	h->session = cpu_to_le64(opt.session);
	memcpy(h->client, opt.client, sizeof(h->client));
	memcpy(h->chain[0], opt.client, sizeof(h->client));
	for (i = 0; i < opt.chain_len && i + 1 < DST_WIRE_MAX_CHAIN; i++)
		memcpy(h->chain[i + 1], opt.chain[i], 16);
	h->chain_len = cpu_to_le16(i + 1);
	snprintf(h->volume, sizeof(h->volume), "%s", opt.volume);
	snprintf(h->export, sizeof(h->export), "%s", opt.export);
	dstb_wire_encode(&p->hdr, &msg);
}

static int take_welcome(const struct dstb_wire_msg *msg)
{
	struct dst_wire_welcome w;
	const char *why;

	memcpy(&w, in.payload, sizeof(w));
	why = dstb_wire_check_welcome(msg, &w);
	if (why) {
		say("bad welcome: %s", why);
		return PEER_OTHER;
	}
	grant.epoch = le64_to_cpu(w.epoch);
	grant.session = le64_to_cpu(w.session);
	grant.instance = le64_to_cpu(w.instance);
	grant.size = le64_to_cpu(w.size);
	grant.depth = le16_to_cpu(w.depth);
	grant.features = le32_to_cpu(w.features);
	grant.block = le32_to_cpu(w.block_size);
	grant.window = le32_to_cpu(w.window);
	grant.max_request = le32_to_cpu(w.max_request);
	grant.max_discard = le32_to_cpu(w.max_discard);
	grant.max_zeroes = le32_to_cpu(w.max_write_zeroes);
	grant.conns = le16_to_cpu(w.nr_conns);
	return PEER_DONE;
}

void say_welcome(void)
{
	say("instance=%llu", (unsigned long long)grant.instance);
	say("features=%u", grant.features);
	say("welcome session=%llu conns=%u depth=%u window=%u max_request=%u size=%llu block=%u",
	    (unsigned long long)grant.session, grant.conns, grant.depth, grant.window,
	    grant.max_request, (unsigned long long)grant.size, grant.block);
}

/* Returns PEER_DONE when it is a WELCOME. */
int read_answer(int fd)
{
	struct dstb_wire_msg msg;

	switch (peer_recv_msg(fd, &msg, &in, opt.seconds * 1000)) {
	case GOT_CLOSED:
		say("closed");
		return PEER_OTHER;
	case GOT_SILENCE:
		say("silent");
		return PEER_OTHER;
	case GOT_GARBAGE:
		return PEER_OTHER;
	case GOT_ALL:
		break;
	}
	if (msg.op == DST_WIRE_REJECT) {
		say("reject status=%u %.*s", msg.status, (int)msg.length, (char *)in.payload);
		return PEER_REJECTED;
	}
	return take_welcome(&msg);
}

int open_session(int *fd)
{
	struct hello_packet p;

	hello_fill(&p);
	*fd = peer_connect();
	if (!peer_send(*fd, &p, sizeof(p))) {
		say("closed");
		return PEER_OTHER;
	}
	say("hello");
	return read_answer(*fd);
}

/* ---- watching what the target does ---- */

static bool is(const char *mode)
{
	return !strcmp(opt.mode, mode);
}

/* Is it something that a target may say unasked, or in reply? */
static bool sane(const struct dstb_wire_msg *msg)
{
	const char *why = NULL;

	if (msg->op == DST_WIRE_BYE || msg->op == DST_WIRE_LEAVING)
		why = dstb_wire_check_notice(msg, grant.epoch);
	if (why)
		say("bad %s: %s", op_name(msg->op), why);
	return !why;
}

/* Reads until the target closes the connection: PEER_DONE then. */
static int until_closed(int fd)
{
	struct dstb_wire_msg msg;

	for (;;) {
		switch (peer_recv_msg(fd, &msg, &in, opt.seconds * 1000)) {
		case GOT_CLOSED:
			say("closed");
			return PEER_DONE;
		case GOT_SILENCE:
			say("silent");
			return PEER_OTHER;
		case GOT_GARBAGE:
			return PEER_OTHER;
		case GOT_ALL:
			say("%s tag=%u status=%u length=%u", op_name(msg.op), msg.tag, msg.status,
			    msg.length);
			if (!sane(&msg))
				return PEER_OTHER;
		}
	}
}

/* Sends a command and reads its reply. Returns the status, or -1. */
static int command(int fd, struct dstb_wire_msg *msg, const void *payload)
{
	uint32_t length = msg->op == DST_WIRE_WRITE ? msg->length : 0;
	struct dstb_wire_msg reply;
	enum got got;

	msg->epoch = grant.epoch;
	if (!peer_send_msg(fd, msg, payload, length))
		return -1;
	got = peer_recv_msg(fd, &reply, &in, opt.seconds * 1000);
	if (got != GOT_ALL) {
		say("%s: no reply (%s)", op_name(msg->op), got == GOT_CLOSED ? "closed" : "silent");
		return -1;
	}
	say("%s tag=%u status=%u length=%u", op_name(reply.op), reply.tag, reply.status,
	    reply.length);
	if (reply.op != msg->op || reply.tag != msg->tag || reply.epoch != grant.epoch ||
	    !(reply.flags & DST_WIRE_F_REPLY))
		return -1;
	return (int)reply.status;
}

static int hold(void)
{
	while (opt.hold)
		pause();
	return PEER_DONE;
}

/* ---- correct initiators ---- */

static int mode_hello(int fd)
{
	(void)fd;
	say_welcome();
	return hold();
}

static int mode_read(int fd)
{
	struct dstb_wire_msg msg = {
		.op = DST_WIRE_READ, .tag = 5, .sector = opt.sector, .length = opt.length
	};

	int status;

	say_welcome();
	status = command(fd, &msg, NULL);
	if (!status)
		say("read byte=%02x", in.payload[0]);
	return status < 0 ? PEER_OTHER : PEER_DONE;
}

static int mode_digest(int fd)
{
	struct dstb_wire_msg msg = {
		.op = DST_WIRE_DIGEST, .tag = 5, .sector = opt.sector, .length = opt.length
	};
	char text[2 * DST_WIRE_DIGEST_BYTES + 1];
	int status, i;

	say_welcome();
	status = command(fd, &msg, NULL);
	for (i = 0; !status && i < DST_WIRE_DIGEST_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", in.payload[i]);
	if (!status)
		say("digest %s", text);
	return status < 0 ? PEER_OTHER : PEER_DONE;
}

/* Opens a session and does nothing with it, until the target ends it. */
static int mode_watch(int fd)
{
	say_welcome();
	return until_closed(fd);
}

/*
 * A write of bytes that are the seed, and a read: when that is answered the device has the write,
 * too. Then as above; the reply to the write may still come, or not. Mode leave says good-bye at
 * once.
 */
static int mode_submit(int fd)
{
	struct dstb_wire_msg msg = { .op = DST_WIRE_WRITE,
				     .tag = 1,
				     .sector = opt.sector,
				     .length = opt.length,
				     .epoch = grant.epoch };
	struct dstb_wire_msg read = { .op = DST_WIRE_READ, .tag = 2, .length = 4096 };
	struct dstb_wire_msg bye = { .op = DST_WIRE_BYE, .epoch = grant.epoch };

	say_welcome();
	memset(data, (int)opt.seed, opt.length);
	if (!peer_send_msg(fd, &msg, data, opt.length) || command(fd, &read, NULL))
		return PEER_OTHER;
	say("submitted");
	if (is("leave"))
		peer_send_msg(fd, &bye, NULL, 0);
	return until_closed(fd);
}

/* Keeps two writes under way, whatever it is told, until the target ends it. */
static int mode_busy(int fd)
{
	struct dstb_wire_msg msg;
	uint32_t tag;

	say_welcome();
	for (tag = 0; tag < 2; tag++) {
		msg = (struct dstb_wire_msg){ .op = DST_WIRE_WRITE,
					      .tag = tag,
					      .sector = tag * 8,
					      .length = 4096,
					      .epoch = grant.epoch };
		peer_send_msg(fd, &msg, data, msg.length);
	}
	while (peer_recv_msg(fd, &msg, &in, opt.seconds * 1000) == GOT_ALL && sane(&msg)) {
		say("%s status=%u", op_name(msg.op), msg.status);
		if (msg.op != DST_WIRE_WRITE)
			continue;
		msg.flags = 0;
		msg.status = 0;
		msg.length = 4096;
		msg.sector = msg.tag * 8;
		peer_send_msg(fd, &msg, data, msg.length);
	}
	say("closed");
	return PEER_DONE;
}

/* Leaves when it is asked to. */
static int mode_polite(int fd)
{
	struct dstb_wire_msg msg, bye = { .op = DST_WIRE_BYE, .epoch = grant.epoch };

	say_welcome();
	while (peer_recv_msg(fd, &msg, &in, opt.seconds * 1000) == GOT_ALL && sane(&msg)) {
		say("%s", op_name(msg.op));
		if (msg.op != DST_WIRE_LEAVING)
			continue;
		peer_send_msg(fd, &bye, NULL, 0);
		return until_closed(fd);
	}
	return PEER_OTHER;
}

/* Writes, reads back, flushes, zeroes, asks for life signs, all at the sector given. */
static int mode_roundtrip(int fd)
{
	struct dstb_wire_msg write = { .op = DST_WIRE_WRITE,
				       .tag = 1,
				       .sector = opt.sector,
				       .length = opt.length,
				       .flags = DST_WIRE_F_FUA };
	struct dstb_wire_msg read = {
		.op = DST_WIRE_READ, .tag = 2, .sector = opt.sector, .length = opt.length
	};
	struct dstb_wire_msg flush = { .op = DST_WIRE_FLUSH, .tag = 3 };
	struct dstb_wire_msg zero = { .op = DST_WIRE_WRITE_ZEROES,
				      .tag = grant.depth - 1,
				      .sector = opt.sector,
				      .length = opt.length >> 9 };
	struct dstb_wire_msg ping = { .op = DST_WIRE_PING };
	uint32_t i;

	random_fill(data, opt.length);
	if (command(fd, &write, data) || command(fd, &read, NULL) ||
	    memcmp(in.payload, data, opt.length))
		return PEER_OTHER;
	if (command(fd, &flush, NULL) || command(fd, &ping, NULL))
		return PEER_OTHER;
	if (grant.max_zeroes) {
		if (command(fd, &zero, NULL) || command(fd, &read, NULL))
			return PEER_OTHER;
		for (i = 0; i < opt.length; i++)
			if (in.payload[i])
				return PEER_OTHER;
	}
	say("right");
	return PEER_DONE;
}

/* Two connections of one session; the second ends, so the first must be ended, too. */
static int mode_sibling(int fd)
{
	int second, status;

	opt.conn = 1;
	opt.session = grant.session;
	status = open_session(&second);
	if (status)
		return status;
	say("two connections");
	close(second);
	return until_closed(fd);
}

static int mode_bye(int fd)
{
	struct dstb_wire_msg msg = { .op = DST_WIRE_BYE, .epoch = grant.epoch };

	peer_send_msg(fd, &msg, NULL, 0);
	return until_closed(fd);
}

/* ---- messages that are wrong in one field ---- */

static bool listed(const char *const *names)
{
	while (*names && strcmp(*names, opt.mode))
		names++;
	return *names;
}

static const char *const command_twists[] = {
	"bad-magic",	  "bad-crc",	  "wrong-version", "reserved",	       "unknown-opcode",
	"opcode-zero",	  "unknown-flag", "reply-flag",	   "read-fua",	       "wrong-epoch",
	"no-epoch",	  "has-status",	  "has-digest",	   "tag-out-of-range", "tag-huge",
	"length-zero",	  "length-huge",  "length-over",   "length-odd",       "past-end",
	"over-end",	  "sector-huge",  "unaligned",	   "short-block",      "write-over",
	"write-past-end", "write",	  "welcome",	   "reject",	       "flush-range",
	"ping-flag",	  "bye-epoch",	  "zeroes-over",   "zeroes-past-end",  "discard-over",
	"discard-huge",	  "leaving",	  "zeroes-fua",	   "digest-unwanted",
	"digest-zero",	  "digest-odd",	  "digest-over",   "digest-huge",
	"digest-past-end", "digest-over-end", "digest-fua", "digest-reply",
	"digest-tag",	  NULL,
};

static void twist_op(struct dstb_wire_msg *m)
{
	if (!strncmp(opt.mode, "write", 5))
		m->op = DST_WIRE_WRITE;
	else if (!strncmp(opt.mode, "zeroes", 6))
		m->op = DST_WIRE_WRITE_ZEROES;
	else if (!strncmp(opt.mode, "discard", 7))
		m->op = DST_WIRE_DISCARD;
	else if (!strncmp(opt.mode, "digest", 6))
		m->op = DST_WIRE_DIGEST;
	else if (is("welcome"))
		m->op = DST_WIRE_WELCOME;
	else if (is("reject"))
		m->op = DST_WIRE_REJECT;
	else if (is("flush-range"))
		m->op = DST_WIRE_FLUSH;
	else if (is("ping-flag"))
		m->op = DST_WIRE_PING;
	else if (is("bye-epoch"))
		m->op = DST_WIRE_BYE;
	else if (is("leaving"))
		m->op = DST_WIRE_LEAVING;
	if (is("reply-flag") || is("digest-reply"))
		m->flags = DST_WIRE_F_REPLY;
	if (is("read-fua") || is("ping-flag") || is("zeroes-fua") || is("digest-fua"))
		m->flags = DST_WIRE_F_FUA;
	if (is("wrong-epoch") || is("bye-epoch"))
		m->epoch++;
	if (is("no-epoch"))
		m->epoch = 0;
	if (is("has-status"))
		m->status = 1;
	if (is("has-digest"))
		m->payload_crc = 1;
	if (is("tag-out-of-range") || is("digest-tag"))
		m->tag = grant.depth;
	if (is("tag-huge"))
		m->tag = ~0U;
}

static void twist_range(struct dstb_wire_msg *m)
{
	if (is("length-zero") || is("welcome") || is("digest-zero"))
		m->length = 0;
	if (is("length-huge") || is("digest-huge"))
		m->length = ~0U & ~511U;
	if (is("length-over") || is("write-over") || is("digest-over"))
		m->length = grant.max_request + 512;
	if (is("length-odd") || is("digest-odd"))
		m->length = 513;
	if (is("short-block"))
		m->length = grant.block / 2;
	if (is("unaligned")) {
		m->sector = 1;
		m->length = grant.block;
	}
	if (is("past-end") || is("write-past-end") || is("digest-past-end"))
		m->sector = grant.size;
	if (is("over-end") || is("digest-over-end")) {
		m->sector = grant.size - 1;
		m->length = 8192;
	}
	if (is("sector-huge"))
		m->sector = ~0ULL;
	if (is("zeroes-over"))
		m->length = grant.max_zeroes + 1;
	if (is("zeroes-fua"))
		m->length = 8;
	if (is("zeroes-past-end")) {
		m->sector = grant.size - 1;
		m->length = 2;
	}
	if (is("discard-over"))
		m->length = grant.max_discard + 1;
	if (is("discard-huge"))
		m->length = ~0U;
}

static void twist_header(struct dst_wire_hdr *h)
{
	if (is("bad-magic"))
		h->magic ^= cpu_to_le32(1);
	if (is("wrong-version"))
		h->version = 2;
	if (is("reserved"))
		h->reserved = cpu_to_le32(1);
	if (is("unknown-opcode"))
		h->op = 99;
	if (is("opcode-zero"))
		h->op = 0;
	if (is("unknown-flag"))
		h->flags = cpu_to_le16(0x8000);
	seal(h);
	if (is("bad-crc"))
		h->header_crc ^= cpu_to_le32(1);
}

static int twisted_command(int fd)
{
	struct dstb_wire_msg msg = {
		.op = DST_WIRE_READ,
		.tag = 1,
		.length = opt.length,
		.epoch = grant.epoch,
	};
	struct dst_wire_hdr hdr;

	twist_op(&msg);
	twist_range(&msg);
	dstb_wire_encode(&hdr, &msg);
	twist_header(&hdr);
	peer_send(fd, &hdr, sizeof(hdr));
	return until_closed(fd);
}

static const char *const hello_twists[] = {
	"hello-bad-crc",
	"hello-length",
	"hello-huge",
	"hello-epoch",
	"hello-flags",
	"command-first",
	"hello-no-version",
	"hello-version-order",
	"hello-role",
	"hello-flag",
	"hello-no-instance",
	"hello-reader-takeover",
	"hello-shared-takeover",
	"hello-late-takeover",
	"hello-late-probe",
	"hello-probe-takeover",
	"hello-conn",
	"hello-no-conns",
	"hello-many-conns",
	"hello-session",
	"hello-depth",
	"hello-request",
	"hello-window",
	"hello-no-chain",
	"hello-long-chain",
	"hello-export",
	"hello-no-export",
	"hello-volume",
	NULL,
};

static void twist_hello_header(struct dst_wire_hdr *h)
{
	if (is("hello-length"))
		h->length = cpu_to_le32(sizeof(struct dst_wire_hello) - 1);
	if (is("hello-huge"))
		h->length = cpu_to_le32(~0U);
	if (is("hello-epoch"))
		h->epoch = cpu_to_le64(1);
	if (is("hello-flags"))
		h->flags = cpu_to_le16(DST_WIRE_F_REPLY);
	if (is("command-first"))
		h->op = DST_WIRE_READ;
	seal(h);
	if (is("hello-bad-crc"))
		h->header_crc ^= cpu_to_le32(1);
}

static void twist_hello(struct dst_wire_hello *h)
{
	if (is("hello-no-version"))
		h->version_min = 0;
	if (is("hello-version-order"))
		h->version_min = 3;
	if (is("hello-role"))
		h->role = 3;
	if (is("hello-flag"))
		h->hello_flags = 4;
	if (is("hello-no-instance"))
		h->instance = 0;
	if (is("hello-reader-takeover"))
		h->role = DST_WIRE_READER;
	if (is("hello-shared-takeover"))
		h->role = DST_WIRE_SHARED;
	if (strstr(opt.mode, "hello-late-")) {
		h->role = DST_WIRE_WRITER;
		h->conn = cpu_to_le16(1);
		h->nr_conns = cpu_to_le16(2);
		h->session = cpu_to_le64(1);
	}
	if (strstr(opt.mode, "-takeover"))
		h->hello_flags = DST_WIRE_HELLO_TAKEOVER;
	if (is("hello-late-probe"))
		h->hello_flags = DST_WIRE_HELLO_PROBE;
	if (is("hello-probe-takeover")) {
		h->role = DST_WIRE_WRITER;
		h->hello_flags |= DST_WIRE_HELLO_PROBE;
	}
	if (is("hello-conn"))
		h->conn = cpu_to_le16(1);
	if (is("hello-no-conns"))
		h->nr_conns = 0;
	if (is("hello-many-conns"))
		h->nr_conns = cpu_to_le16(65535);
	if (is("hello-session"))
		h->session = cpu_to_le64(1);
	if (is("hello-depth"))
		h->depth = 0;
	if (is("hello-request"))
		h->max_request = cpu_to_le32(1);
	if (is("hello-window"))
		h->window = 0;
	if (is("hello-no-chain"))
		h->chain_len = 0;
	if (is("hello-long-chain"))
		h->chain_len = cpu_to_le16(DST_WIRE_MAX_CHAIN + 1);
	if (is("hello-export"))
		memset(h->export, 'x', sizeof(h->export));
	if (is("hello-no-export"))
		h->export[0] = 0;
	if (is("hello-volume"))
		memset(h->volume, 'x', sizeof(h->volume));
}

static int twisted_hello(void)
{
	struct hello_packet p;
	int fd = peer_connect();

	hello_fill(&p);
	twist_hello(&p.hello);
	twist_hello_header(&p.hdr);
	peer_send(fd, &p, sizeof(p));
	return until_closed(fd);
}

/* A target that speaks other versions only is told so, not cut off. */
static int mode_future(void)
{
	struct hello_packet p;
	int fd = peer_connect();

	hello_fill(&p);
	p.hello.version_min = 2;
	p.hello.version_max = 9;
	peer_send(fd, &p, sizeof(p));
	return read_answer(fd);
}

/* ---- streams ---- */

static int mode_garbage(void)
{
	uint8_t buf[4096];
	int fd = peer_connect();

	random_fill(buf, sizeof(buf));
	peer_send(fd, buf, sizeof(buf));
	return until_closed(fd);
}

static int mode_silent(void)
{
	return until_closed(peer_connect());
}

/* Half a HELLO, then nothing. */
static int mode_half_hello(void)
{
	struct hello_packet p;
	int fd = peer_connect();

	hello_fill(&p);
	peer_send(fd, &p, sizeof(p) / 2);
	return until_closed(fd);
}

/* HELLO a byte at a time is slow, but right. */
static int mode_slow_hello(void)
{
	struct hello_packet p;
	int fd = peer_connect(), status;
	size_t i;

	hello_fill(&p);
	for (i = 0; i < sizeof(p); i++)
		if (!peer_send(fd, (char *)&p + i, 1))
			return PEER_OTHER;
	status = read_answer(fd);
	if (!status)
		say_welcome();
	return status;
}

static int mode_hello_gone(void)
{
	struct hello_packet p;
	int fd = peer_connect();

	hello_fill(&p);
	peer_send(fd, &p, sizeof(p));
	close(fd);
	say("gone");
	return PEER_DONE;
}

/* The rest is after a WELCOME. */

static int mode_late_garbage(int fd)
{
	random_fill(data, 65536);
	peer_send(fd, data, 65536);
	return until_closed(fd);
}

static int mode_short_header(int fd)
{
	struct dstb_wire_msg msg = { .op = DST_WIRE_READ, .length = 4096, .epoch = grant.epoch };
	struct dst_wire_hdr hdr;

	dstb_wire_encode(&hdr, &msg);
	peer_send(fd, &hdr, 20);
	shutdown(fd, SHUT_WR);
	return until_closed(fd);
}

static int mode_short_payload(int fd)
{
	struct dstb_wire_msg msg = {
		.op = DST_WIRE_WRITE, .sector = opt.sector, .length = 65536, .epoch = grant.epoch
	};

	memset(data, 0xee, sizeof(data));
	peer_send_msg(fd, &msg, data, 5000);
	shutdown(fd, SHUT_WR);
	return until_closed(fd);
}

/* Reads under way when the initiator vanishes. */
static int mode_vanish(int fd)
{
	struct linger linger = { .l_onoff = 1 };
	struct dstb_wire_msg msg = { .op = DST_WIRE_READ, .length = 65536, .epoch = grant.epoch };

	for (msg.tag = 0; msg.tag < 32; msg.tag++)
		peer_send_msg(fd, &msg, NULL, 0);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
	say("gone");
	return PEER_DONE;
}

/* As many headers in one segment. */
static void send_many(int fd, struct dstb_wire_msg *msg, uint32_t count, bool count_tags)
{
	static struct dst_wire_hdr hdrs[1024];
	uint32_t i;

	for (i = 0; i < count; i++) {
		dstb_wire_encode(&hdrs[i], msg);
		msg->tag += count_tags;
	}
	peer_send(fd, hdrs, count * sizeof(*hdrs));
}

static int mode_tag_in_use(int fd)
{
	struct dstb_wire_msg msg = {
		.op = DST_WIRE_READ, .tag = 3, .length = 4096, .epoch = grant.epoch
	};

	send_many(fd, &msg, 2, false);
	return until_closed(fd);
}

static int mode_window(int fd)
{
	struct dstb_wire_msg msg = { .op = is("window") ? DST_WIRE_READ : DST_WIRE_DIGEST,
				     .length = grant.max_request,
				     .epoch = grant.epoch };

	send_many(fd, &msg, grant.window / grant.max_request + 1, true);
	return until_closed(fd);
}

/* More than it should send; each has its answer. */
static int mode_ping_flood(int fd)
{
	struct dstb_wire_msg msg = { .op = DST_WIRE_PING, .epoch = grant.epoch };
	uint32_t i;

	send_many(fd, &msg, 1024, false);
	for (i = 0; i < 1024; i++)
		if (peer_recv_msg(fd, &msg, &in, opt.seconds * 1000) != GOT_ALL || !sane(&msg) ||
		    msg.op != DST_WIRE_PING || msg.flags != DST_WIRE_F_REPLY)
			return PEER_OTHER;
	say("right");
	return PEER_DONE;
}

static int mode_hello_twice(int fd)
{
	struct hello_packet p;

	hello_fill(&p);
	peer_send(fd, &p, sizeof(p));
	return until_closed(fd);
}

/* ---- dispatch ---- */

static const struct {
	const char *name;
	int (*fn)(int fd); /* after a WELCOME */
	int (*raw)(void); /* connects itself */
} modes[] = {
	{ "hello", mode_hello, NULL },
	{ "read", mode_read, NULL },
	{ "digest", mode_digest, NULL },
	{ "watch", mode_watch, NULL },
	{ "submit", mode_submit, NULL },
	{ "leave", mode_submit, NULL },
	{ "busy", mode_busy, NULL },
	{ "polite", mode_polite, NULL },
	{ "roundtrip", mode_roundtrip, NULL },
	{ "sibling", mode_sibling, NULL },
	{ "idle", until_closed, NULL },
	{ "bye", mode_bye, NULL },
	{ "garbage", NULL, mode_garbage },
	{ "silent", NULL, mode_silent },
	{ "half-hello", NULL, mode_half_hello },
	{ "slow-hello", NULL, mode_slow_hello },
	{ "hello-gone", NULL, mode_hello_gone },
	{ "future", NULL, mode_future },
	{ "late-garbage", mode_late_garbage, NULL },
	{ "short-header", mode_short_header, NULL },
	{ "short-payload", mode_short_payload, NULL },
	{ "vanish", mode_vanish, NULL },
	{ "tag-in-use", mode_tag_in_use, NULL },
	{ "window", mode_window, NULL },
	{ "digest-window", mode_window, NULL },
	{ "ping-flood", mode_ping_flood, NULL },
	{ "hello-twice", mode_hello_twice, NULL },
	{ "storm", NULL, mode_storm },
	{ "crowd", NULL, mode_crowd },
	{ 0 },
};

void client_modes(void)
{
	int i;

	for (i = 0; modes[i].name; i++)
		printf(" %s", modes[i].name);
	for (i = 0; command_twists[i]; i++)
		printf(" %s", command_twists[i]);
	for (i = 0; hello_twists[i]; i++)
		printf(" %s", hello_twists[i]);
	puts("");
}

int client_main(void)
{
	bool twisted = listed(command_twists);
	int fd, status, i;

	if (listed(hello_twists))
		return twisted_hello();
	for (i = 0; modes[i].name && strcmp(modes[i].name, opt.mode); i++)
		;
	if (!twisted && !modes[i].name)
		fail("there is no mode '%s' with an export", opt.mode);
	if (!twisted && modes[i].raw)
		return modes[i].raw();
	status = open_session(&fd);
	if (status)
		return status;
	return twisted ? twisted_command(fd) : modes[i].fn(fd);
}
