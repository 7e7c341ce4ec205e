// SPDX-License-Identifier: GPL-2.0
/*
 * wirepeer as an initiator that sends messages with random mistakes in them, and as many that come
 * at once.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wirepeer.h"

static uint8_t data[65536];

static uint32_t pick(uint32_t n)
{
	return (uint32_t)(random_next() >> 33) % n;
}

static uint64_t wild(void)
{
	const uint64_t values[] = {
		0,
		1,
		511,
		512,
		513,
		4095,
		4097,
		grant.size - 1,
		grant.size,
		grant.size + 1,
		grant.depth,
		grant.max_request,
		grant.max_request + 512,
		~0ULL,
		1ULL << 63,
		0x7fffffff,
		random_next(),
		random_next() >> 40,
	};

	return values[pick(sizeof(values) / sizeof(*values))];
}

static void any_command(struct dstb_wire_msg *msg)
{
	static const uint8_t ops[] = {
		DST_WIRE_READ,	       DST_WIRE_READ,	 DST_WIRE_WRITE, DST_WIRE_FLUSH,
		DST_WIRE_WRITE_ZEROES, DST_WIRE_DISCARD, DST_WIRE_PING,	 DST_WIRE_DIGEST,
	};

	*msg = (struct dstb_wire_msg){ .op = ops[pick(sizeof(ops))],
				       .tag = pick(grant.depth),
				       .epoch = grant.epoch };
	if (msg->op == DST_WIRE_FLUSH || msg->op == DST_WIRE_PING)
		return;
	msg->sector = pick(1024) * (uint64_t)(grant.block >> 9);
	msg->length = (pick(16) + 1) * grant.block;
	if (msg->op == DST_WIRE_WRITE_ZEROES || msg->op == DST_WIRE_DISCARD)
		msg->length >>= 9;
}

static void wild_field(struct dstb_wire_msg *msg)
{
	switch (pick(7)) {
	case 0:
		msg->op = (uint8_t)wild();
		break;
	case 1:
		msg->flags = (uint16_t)wild();
		break;
	case 2:
		msg->tag = (uint32_t)wild();
		break;
	case 3:
		msg->status = (uint32_t)wild();
		break;
	case 4:
		msg->sector = wild();
		break;
	case 5:
		msg->length = (uint32_t)wild();
		break;
	case 6:
		msg->epoch ^= wild();
		break;
	}
}

/* One message, mutated or not. Returns false when nothing more can come on this connection. */
static bool storm_message(int fd)
{
	static struct packet p;
	struct dstb_wire_msg msg;
	uint32_t kind = pick(8), i, len;

	any_command(&msg);
	if (kind == 0)
		wild_field(&msg);
	dstb_wire_encode(&p.hdr, &msg);
	len = dstb_wire_payload(&msg);
	if (len > 65536)
		len = 65536;
	random_fill(p.payload, len < 64 ? len : 64);
	len += sizeof(p.hdr);
	if (kind == 1)
		for (i = pick(4) + 1; i; i--)
			((uint8_t *)&p.hdr)[pick(sizeof(p.hdr))] ^= (uint8_t)(1 << pick(8));
	if (kind == 2) {
		((uint8_t *)&p.hdr)[4 + pick(40)] ^= (uint8_t)(1 << pick(8));
		seal(&p.hdr);
	}
	if (kind == 3) {
		peer_send(fd, &p, pick(len) + 1);
		return false;
	}
	if (kind == 4)
		random_fill(&p, pick(sizeof(p.hdr)) + 1);
	return peer_send(fd, &p, len);
}

static bool storm_hello(int fd)
{
	struct hello_packet p;
	uint32_t i;

	hello_fill(&p);
	if (pick(6))
		return peer_send(fd, &p, sizeof(p)) && !read_answer(fd);
	for (i = pick(8) + 1; i; i--)
		((uint8_t *)&p)[pick(sizeof(p))] = (uint8_t)random_next();
	/*
	 * Not from somebody else: he may well be let in while no session is left, and the storm is
	 * fenced from then on, as it must be.
	 */
	memcpy(p.hello.client, opt.client, sizeof(p.hello.client));
	p.hello.instance = cpu_to_le64(opt.instance);
	if (pick(2))
		seal(&p.hdr);
	peer_send(fd, &p, sizeof(p) - (pick(3) ? 0 : pick(sizeof(p))));
	return false;
}

/* Takes what has come; false when the target has closed. */
static bool storm_drain(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t ret;

	while (poll(&pfd, 1, ms) > 0) {
		ret = recv(fd, data, sizeof(data), 0);
		if (ret <= 0)
			return false;
	}
	return true;
}

int mode_storm(void)
{
	uint32_t n, connections = 0, closed = 0;
	int fd = -1, status = PEER_OTHER;

	for (n = 0; n < opt.count; n++) {
		if (fd < 0) {
			fd = peer_connect();
			connections++;
			if (storm_hello(fd))
				continue;
		} else if (storm_message(fd) && storm_drain(fd, pick(4) ? 0 : 2)) {
			continue;
		}
		closed += !storm_drain(fd, (int)pick(3));
		close(fd);
		fd = -1;
	}
	if (fd >= 0)
		close(fd);
	say("storm seed=%llu messages=%u connections=%u closed=%u", (unsigned long long)opt.seed, n,
	    connections, closed);
	/* What is left of the sessions may keep a writer out for a moment. */
	for (n = 0; n < 100; n++) {
		status = open_session(&fd);
		if (status != PEER_REJECTED)
			break;
		close(fd);
		usleep(50000);
	}
	if (!status)
		say_welcome();
	return status;
}

/* So many initiators at once: all are connected before the first says HELLO. */
int mode_crowd(void)
{
	int *fds = calloc(opt.count, sizeof(*fds));
	uint32_t n, welcome = 0;
	struct hello_packet p;

	if (!fds)
		fail("no memory");
	for (n = 0; n < opt.count; n++)
		fds[n] = peer_connect();
	for (n = 0; n < opt.count; n++) {
		hello_fill(&p);
		p.hello.instance = cpu_to_le64(opt.instance + n);
		peer_send(fds[n], &p, sizeof(p));
	}
	for (n = 0; n < opt.count; n++)
		welcome += !read_answer(fds[n]);
	say("crowd welcome=%u", welcome);
	free(fds);
	return PEER_DONE;
}
