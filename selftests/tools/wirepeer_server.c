// SPDX-License-Identifier: GPL-2.0
/*
 * wirepeer as a target: one that keeps its data in memory and answers correctly, until it is asked
 * for --sector.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wirepeer.h"

#define EPOCH 0x1122334455667788ULL
#define DEPTH 64
#define REQUEST (256U << 10)

static uint8_t *medium;
static struct packet in;
static struct packet out;

/* Says nothing, takes everything, until the other side has had enough. */
static void swallow(int fd)
{
	static char buf[65536];

	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
	say("closed");
}

/* ---- instead of WELCOME ---- */

static void serve_silent(int fd)
{
	swallow(fd);
}

static void serve_http(int fd)
{
	static const char text[] =
		"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nWhat?\r\n";

	peer_send(fd, text, sizeof(text) - 1);
	swallow(fd);
}

static void serve_noise(int fd)
{
	random_fill(out.payload, 4096);
	peer_send(fd, out.payload, 4096);
	swallow(fd);
}

static void serve_hangup(int fd)
{
	close(fd);
}

static void serve_echo(int fd)
{
	static char buf[4096];
	ssize_t len;

	while ((len = recv(fd, buf, sizeof(buf), 0)) > 0 && peer_send(fd, buf, (size_t)len))
		;
}

static void serve_reject(int fd)
{
	struct dstb_wire_msg msg = { .op = DST_WIRE_REJECT,
				     .status = (u32)opt.status,
				     .length = (u32)strlen(opt.text) };

	peer_send_msg(fd, &msg, opt.text, msg.length);
	swallow(fd);
}

/* A REJECT that claims more text than there may be. */
static void serve_long_reject(int fd)
{
	struct dstb_wire_msg msg = { .op = DST_WIRE_REJECT,
				     .status = (u32)opt.status,
				     .length = 4000 };

	memset(out.payload, 'A', 4000);
	peer_send_msg(fd, &msg, out.payload, 4000);
	swallow(fd);
}

/* A text that would like to be more than one line. */
static void serve_control_reject(int fd)
{
	static const char text[] = "one\ntwo\033[31m\0three";
	struct dstb_wire_msg msg = { .op = DST_WIRE_REJECT,
				     .status = (u32)opt.status,
				     .length = sizeof(text) - 1 };

	peer_send_msg(fd, &msg, text, msg.length);
	swallow(fd);
}

/* ---- WELCOME, right or wrong in one field ---- */

static bool is_bad(const char *what)
{
	return !strcmp(opt.bad, what);
}

static void bad_limits(struct dst_wire_welcome *w)
{
	if (is_bad("depth"))
		w->depth = 0;
	if (is_bad("deep"))
		w->depth = cpu_to_le16(65535);
	if (is_bad("window"))
		w->window = cpu_to_le32(4096);
	if (is_bad("request"))
		w->max_request = 0;
	/* Not wrong: too little for superblocks. */
	if (is_bad("narrow"))
		w->max_request = cpu_to_le32(65536);
	if (is_bad("request-odd"))
		w->max_request = cpu_to_le32(5000);
	if (is_bad("conns"))
		w->nr_conns = 0;
	if (is_bad("version"))
		w->version = 2;
	if (is_bad("session"))
		w->session = 0;
	if (is_bad("epoch"))
		w->epoch = 0;
	if (is_bad("instance"))
		w->instance = 0;
	if (is_bad("features"))
		w->features = cpu_to_le32(1U << 31);
}

static void bad_device(struct dst_wire_welcome *w)
{
	if (is_bad("size-0"))
		w->size = 0;
	if (is_bad("size-huge"))
		w->size = cpu_to_le64(1ULL << 60);
	if (is_bad("size-odd")) {
		w->size = cpu_to_le64(131073);
		w->block_size = cpu_to_le32(4096);
		w->physical_block_size = cpu_to_le32(4096);
	}
	if (is_bad("block-0"))
		w->block_size = 0;
	if (is_bad("block-odd"))
		w->block_size = cpu_to_le32(1000);
	if (is_bad("block-huge"))
		w->block_size = cpu_to_le32(1 << 30);
	if (is_bad("physical"))
		w->physical_block_size = cpu_to_le32(256);
	/* These are for the block layer to cope with. */
	if (is_bad("odd-hints")) {
		w->io_min = cpu_to_le32(12345);
		w->io_opt = cpu_to_le32(~0U);
		w->discard_granularity = cpu_to_le32(777);
		w->max_discard = cpu_to_le32(~0U);
		w->max_write_zeroes = cpu_to_le32(~0U);
	}
}

static bool send_welcome(int fd)
{
	struct dstb_wire_msg msg = { .op = DST_WIRE_WELCOME,
				     .length = sizeof(struct dst_wire_welcome) };
	struct dst_wire_welcome w = {
		.version = DST_WIRE_VERSION,
		.nr_conns = cpu_to_le16((u16)opt.conns),
		.depth = cpu_to_le16(DEPTH),
		.max_request = cpu_to_le32(REQUEST),
		.window = cpu_to_le32(4 << 20),
		.block_size = cpu_to_le32(opt.block),
		.physical_block_size = cpu_to_le32(opt.block),
		.io_min = cpu_to_le32(opt.block),
		.max_write_zeroes = cpu_to_le32(65536),
		.session = cpu_to_le64(7),
		.instance = cpu_to_le64(opt.instance),
		.epoch = cpu_to_le64(EPOCH),
		.size = cpu_to_le64(opt.size),
		.features = cpu_to_le32(opt.features),
	};

	bad_limits(&w);
	bad_device(&w);
	if (is_bad("length"))
		msg.length--;
	if (is_bad("status"))
		msg.status = 1;
	if (is_bad("flags"))
		msg.flags = DST_WIRE_F_REPLY;
	if (is_bad("reserved"))
		w.reserved = 1;
	if (is_bad("op"))
		msg.op = DST_WIRE_PING;
	if (is_bad("half"))
		return peer_send_msg(fd, &msg, &w, sizeof(w) / 2);
	return peer_send_msg(fd, &msg, &w, sizeof(w));
}

/* ---- commands ---- */

static uint8_t *at(uint64_t sector)
{
	return medium + (sector << 9);
}

static bool reply(int fd, const struct dstb_wire_msg *cmd)
{
	struct dstb_wire_msg msg = {
		.op = cmd->op, .flags = DST_WIRE_F_REPLY, .tag = cmd->tag, .epoch = EPOCH
	};

	switch (cmd->op) {
	case DST_WIRE_DIGEST: /* of something else */
		msg.length = DST_WIRE_DIGEST_BYTES;
		return peer_send_msg(fd, &msg, medium, DST_WIRE_DIGEST_BYTES);
	case DST_WIRE_READ:
		msg.length = cmd->length;
		return peer_send_msg(fd, &msg, at(cmd->sector), cmd->length);
	case DST_WIRE_WRITE:
		memcpy(at(cmd->sector), in.payload, cmd->length);
		break;
	case DST_WIRE_WRITE_ZEROES:
		memset(at(cmd->sector), 0, (size_t)cmd->length << 9);
		break;
	}
	return peer_send_msg(fd, &msg, NULL, 0);
}

/* A reply that is as long as a correct one would be, with what is in @msg. */
static bool reply_with(int fd, struct dstb_wire_msg *msg, uint32_t data)
{
	static uint8_t buf[2 * REQUEST];

	memset(buf, 0xbb, data);
	peer_send_msg(fd, msg, buf, data);
	return true;
}

/* The wrong answer to @cmd. False: swallow() has the connection from now on. */
static bool misbehave(int fd, const struct dstb_wire_msg *cmd)
{
	struct dstb_wire_msg msg = {
		.op = cmd->op, .flags = DST_WIRE_F_REPLY, .tag = cmd->tag, .epoch = EPOCH
	};
	uint32_t data = cmd->op == DST_WIRE_READ   ? cmd->length :
			cmd->op == DST_WIRE_DIGEST ? DST_WIRE_DIGEST_BYTES :
						     0;

	msg.length = data;
	say("now: %s", opt.mode);
	if (!strcmp(opt.mode, "leaving")) { /* and then the right reply */
		msg = (struct dstb_wire_msg){ .op = DST_WIRE_LEAVING, .epoch = EPOCH };
		peer_send_msg(fd, &msg, NULL, 0);
		return reply(fd, cmd);
	}
	if (!strcmp(opt.mode, "stall")) /* this one only */
		return true;
	if (!strcmp(opt.mode, "dead")) /* never says anything again */
		return false;
	if (!strcmp(opt.mode, "close")) {
		shutdown(fd, SHUT_RDWR);
		return false;
	}
	if (!strcmp(opt.mode, "eio")) {
		msg.status = DST_WIRE_EIO;
		msg.length = 0;
		return reply_with(fd, &msg, 0);
	}
	if (!strcmp(opt.mode, "unknown-tag"))
		msg.tag = DEPTH + 5;
	else if (!strcmp(opt.mode, "free-tag"))
		msg.tag = (cmd->tag + 7) % DEPTH;
	else if (!strcmp(opt.mode, "short-reply") && data)
		data = msg.length -= data < 512 ? 1 : 512;
	else if (!strcmp(opt.mode, "long-reply"))
		data = msg.length += 512;
	else if (!strcmp(opt.mode, "wrong-op"))
		msg.op = DST_WIRE_DISCARD;
	else if (!strcmp(opt.mode, "no-reply"))
		msg.flags = 0;
	else if (!strcmp(opt.mode, "odd-status"))
		msg.status = 99;
	else if (!strcmp(opt.mode, "wrong-epoch"))
		msg.epoch++;
	else if (!strcmp(opt.mode, "bye"))
		msg = (struct dstb_wire_msg){ .op = DST_WIRE_BYE, .epoch = EPOCH };
	else if (!strcmp(opt.mode, "bye-epoch"))
		msg = (struct dstb_wire_msg){ .op = DST_WIRE_BYE, .epoch = EPOCH + 1 };
	else if (!strcmp(opt.mode, "bye-sector"))
		msg = (struct dstb_wire_msg){ .op = DST_WIRE_BYE, .sector = 1, .epoch = EPOCH };
	else if (!strcmp(opt.mode, "leaving-status"))
		msg = (struct dstb_wire_msg){ .op = DST_WIRE_LEAVING,
					      .status = DST_WIRE_EGONE,
					      .epoch = EPOCH };
	else if (!strcmp(opt.mode, "reply-flag"))
		msg.flags |= DST_WIRE_F_FUA;
	else if (!strcmp(opt.mode, "pong"))
		msg = (struct dstb_wire_msg){ .op = DST_WIRE_PING,
					      .flags = DST_WIRE_F_REPLY,
					      .epoch = EPOCH };
	else if (!strcmp(opt.mode, "fenced"))
		msg = (struct dstb_wire_msg){ .op = DST_WIRE_BYE,
					      .status = DST_WIRE_EFENCED,
					      .epoch = EPOCH };
	else if (!strcmp(opt.mode, "suspended"))
		msg = (struct dstb_wire_msg){ .op = DST_WIRE_BYE,
					      .status = DST_WIRE_ESUSPENDED,
					      .epoch = EPOCH };
	if (!strcmp(opt.mode, "bad-reply-crc") || !strcmp(opt.mode, "noise-reply")) {
		dstb_wire_encode(&out.hdr, &msg);
		if (!strcmp(opt.mode, "noise-reply"))
			random_fill(&out.hdr, sizeof(out.hdr));
		out.hdr.header_crc ^= cpu_to_le32(1);
		peer_send(fd, &out.hdr, sizeof(out.hdr));
		return false;
	}
	if (!strcmp(opt.mode, "half-reply")) {
		peer_send_msg(fd, &msg, at(cmd->sector), data / 2);
		return false;
	}
	if (!strcmp(opt.mode, "trickle")) {
		dstb_wire_encode(&out.hdr, &msg);
		peer_send(fd, &out.hdr, sizeof(out.hdr));
		while (data-- && peer_send(fd, "x", 1))
			usleep(300 * 1000);
		return true;
	}
	reply_with(fd, &msg, data);
	if (!strcmp(opt.mode, "twice"))
		reply_with(fd, &msg, data);
	return true;
}

static bool hits(const struct dstb_wire_msg *cmd)
{
	uint64_t n = cmd->op == DST_WIRE_WRITE_ZEROES ? cmd->length : cmd->length >> 9;

	return strcmp(opt.mode, "good") && n && cmd->sector <= opt.sector &&
	       opt.sector - cmd->sector < n;
}

static bool ping(int fd)
{
	struct dstb_wire_msg msg = { .op = DST_WIRE_PING,
				     .flags = DST_WIRE_F_REPLY,
				     .epoch = EPOCH };

	return peer_send_msg(fd, &msg, NULL, 0);
}

static void serve_commands(int fd)
{
	struct dstb_wire_limits lim = {
		.size = opt.size,
		.depth = DEPTH,
		.features = opt.features,
		.max_request = REQUEST,
		.max_write_zeroes = 65536,
		.block_size = opt.block,
		.epoch = EPOCH,
	};
	struct dstb_wire_msg cmd;
	const char *why;
	bool go = true;

	while (go && peer_recv_msg(fd, &cmd, &in, 3600 * 1000) == GOT_ALL) {
		why = dstb_wire_check_command(&cmd, &lim);
		if (why) {
			say("the initiator broke the protocol: %s %s", op_name(cmd.op), why);
			return;
		}
		if (cmd.op == DST_WIRE_BYE) {
			say("bye");
			return;
		}
		if (cmd.op == DST_WIRE_PING) {
			say("ping");
			go = ping(fd);
		} else if (hits(&cmd)) {
			go = misbehave(fd, &cmd);
			if (!go)
				swallow(fd);
		} else {
			go = reply(fd, &cmd);
		}
	}
	say("closed");
}

static void serve_session(int fd)
{
	static char wrong[DST_WIRE_NAME];
	struct dst_wire_hello hello;
	struct dstb_wire_msg msg;
	const char *why;

	if (peer_recv_msg(fd, &msg, &in, 60 * 1000) != GOT_ALL || msg.op != DST_WIRE_HELLO ||
	    msg.length != sizeof(hello)) {
		say("no HELLO");
		return;
	}
	memcpy(&hello, in.payload, sizeof(hello));
	why = dstb_wire_check_hello(&msg, &hello);
	if (why) {
		say("bad hello: %s", why);
		return;
	}
	say("hello export=%s volume=%s role=%u conn=%u conns=%u chain=%u instance=%llu takeover=%u",
	    hello.export, hello.volume, hello.role, le16_to_cpu(hello.conn),
	    le16_to_cpu(hello.nr_conns), le16_to_cpu(hello.chain_len),
	    (unsigned long long)le64_to_cpu(hello.instance),
	    hello.hello_flags & DST_WIRE_HELLO_TAKEOVER);
	/* The name of the export says what is to be wrong. */
	if (!strcmp(opt.mode, "named")) {
		snprintf(wrong, sizeof(wrong), "%s", hello.export);
		opt.bad = wrong;
		opt.mode = wrong;
	}
	/* Not wrong: all but the first have to wait. */
	if (is_bad("slow") && hello.conn) {
		sleep(2);
		say("welcome");
	}
	if (send_welcome(fd))
		serve_commands(fd);
}

/* ---- dispatch ---- */

static const struct {
	const char *name;
	void (*fn)(int fd);
} modes[] = {
	{ "silent", serve_silent },
	{ "http", serve_http },
	{ "noise", serve_noise },
	{ "hangup", serve_hangup },
	{ "echo", serve_echo },
	{ "reject", serve_reject },
	{ "long-reject", serve_long_reject },
	{ "control-reject", serve_control_reject },
	{ "good", serve_session },
	{ "stall", serve_session },
	{ "dead", serve_session },
	{ "close", serve_session },
	{ "eio", serve_session },
	{ "unknown-tag", serve_session },
	{ "free-tag", serve_session },
	{ "short-reply", serve_session },
	{ "long-reply", serve_session },
	{ "wrong-op", serve_session },
	{ "no-reply", serve_session },
	{ "odd-status", serve_session },
	{ "wrong-epoch", serve_session },
	{ "bye", serve_session },
	{ "bye-epoch", serve_session },
	{ "bye-sector", serve_session },
	{ "leaving-status", serve_session },
	{ "reply-flag", serve_session },
	{ "pong", serve_session },
	{ "fenced", serve_session },
	{ "suspended", serve_session },
	{ "leaving", serve_session },
	{ "bad-reply-crc", serve_session },
	{ "noise-reply", serve_session },
	{ "half-reply", serve_session },
	{ "twice", serve_session },
	{ "trickle", serve_session },
	{ "named", serve_session },
	{ 0 },
};

void server_modes(void)
{
	int i;

	for (i = 0; modes[i].name; i++)
		printf(" %s", modes[i].name);
	puts("");
}

/* A process a connection; they end with this one. */
int server_main(void)
{
	int listener, fd, i;
	pid_t parent = getpid();

	for (i = 0; modes[i].name && strcmp(modes[i].name, opt.mode); i++)
		;
	if (!modes[i].name)
		fail("there is no mode '%s' without an export", opt.mode);
	medium = mmap(NULL, opt.size << 9, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (medium == MAP_FAILED)
		fail("no memory for %llu sectors", (unsigned long long)opt.size);
	signal(SIGCHLD, SIG_IGN);
	listener = peer_listen();
	say("listening");
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (fork()) {
			close(fd);
			continue;
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		close(listener);
		modes[i].fn(fd);
		_exit(0);
	}
	fail("accept failed");
}
