// SPDX-License-Identifier: GPL-2.0
/*
 * wirepeer: a peer for the tests, over the module's own codec: an initiator that breaks the
 * protocol, and a target that does. What it sees goes to stdout, a line each; the exit status says
 * whether it was what the mode is about (wirepeer.h).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "wirepeer.h"

struct options opt = {
	.volume = "wirepeer",
	.role = DST_WIRE_WRITER,
	.conns = 1,
	.seconds = 15,
	.size = 131072,
	.block = 512,
	.length = 4096,
	.sector = 0,
	.seed = 1,
	.count = 100,
	.text = "go away",
	.bad = "none",
	.status = DST_WIRE_ENOENT,
	.client = { 0x77, 0x69, 0x72, 0x65, 0x70, 0x65, 0x65, 0x72, 0x77, 0x69, 0x72, 0x65, 0x70,
		    0x65, 0x65, 0x72 },
};

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void fail(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("wirepeer: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(PEER_USAGE);
}

/* xorshift64*: the same seed is the same storm, everywhere. */
uint64_t random_next(void)
{
	static uint64_t state;

	if (!state)
		state = opt.seed * 0x9e3779b97f4a7c15ULL | 1;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

void random_fill(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len--)
		*p++ = (uint8_t)(random_next() >> 32);
}

const char *op_name(unsigned int op)
{
	static const char *const names[] = {
		[DST_WIRE_HELLO] = "hello",	[DST_WIRE_WELCOME] = "welcome",
		[DST_WIRE_REJECT] = "reject",	[DST_WIRE_READ] = "read",
		[DST_WIRE_WRITE] = "write",	[DST_WIRE_FLUSH] = "flush",
		[DST_WIRE_DISCARD] = "discard", [DST_WIRE_WRITE_ZEROES] = "write-zeroes",
		[DST_WIRE_PING] = "ping",	[DST_WIRE_BYE] = "bye",
		[DST_WIRE_LEAVING] = "leaving", [DST_WIRE_DIGEST] = "digest",
	};

	return op < sizeof(names) / sizeof(*names) && names[op] ? names[op] : "?";
}

/* ---- addresses: /PATH, HOST:PORT, [HOST]:PORT ---- */

static socklen_t parse_address(struct sockaddr_storage *ss)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *found;
	struct sockaddr_un *un = (void *)ss;
	const char *colon = strrchr(opt.address, ':');
	char host[64];
	socklen_t len;
	size_t hlen;

	memset(ss, 0, sizeof(*ss));
	if (opt.address[0] == '/') {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "%s", opt.address);
		return sizeof(*un);
	}
	if (!colon)
		fail("'%s' is no address", opt.address);
	hlen = (size_t)(colon - opt.address);
	snprintf(host, sizeof(host), "%.*s", (int)hlen, opt.address);
	if (host[0] == '[' && hlen && host[hlen - 1] == ']') {
		host[hlen - 1] = 0;
		memmove(host, host + 1, strlen(host));
	}
	if (getaddrinfo(host, colon + 1, &hints, &found))
		fail("'%s' is no address", opt.address);
	len = found->ai_addrlen;
	memcpy(ss, found->ai_addr, len);
	freeaddrinfo(found);
	return len;
}

int peer_connect(void)
{
	struct sockaddr_storage ss;
	socklen_t len = parse_address(&ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&ss, len))
		fail("%s: %s", opt.address, strerror(errno));
	if (ss.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

int peer_listen(void)
{
	struct sockaddr_storage ss;
	socklen_t len = parse_address(&ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		fail("%s: %s", opt.address, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ss.ss_family == AF_UNIX)
		unlink(opt.address);
	if (bind(fd, (struct sockaddr *)&ss, len) || listen(fd, 64))
		fail("%s: %s", opt.address, strerror(errno));
	return fd;
}

/* ---- messages ---- */

bool peer_send(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t ret;

	while (len) {
		ret = send(fd, p, len, MSG_NOSIGNAL);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret <= 0)
			return false;
		p += ret;
		len -= (size_t)ret;
	}
	return true;
}

/* Header and payload in one go, so that one segment brings both. */
bool peer_send_msg(int fd, const struct dstb_wire_msg *msg, const void *payload, size_t len)
{
	static struct packet packet;

	dstb_wire_encode(&packet.hdr, msg);
	if (len)
		memcpy(packet.payload, payload, len);
	return peer_send(fd, &packet, sizeof(packet.hdr) + len);
}

/* Makes a header's crc right again. */
void seal(struct dst_wire_hdr *hdr)
{
	hdr->header_crc = cpu_to_le32(~crc32c(~0U, hdr, offsetof(struct dst_wire_hdr, header_crc)));
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

enum got peer_recv(int fd, void *buf, size_t len, int ms)
{
	int64_t end = now_ms() + ms;
	char *p = buf;

	while (len) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int64_t left = end - now_ms();
		ssize_t ret;

		if (poll(&pfd, 1, left > 0 ? (int)left : 0) <= 0)
			return GOT_SILENCE;
		ret = recv(fd, p, len, 0);
		if (ret <= 0)
			return GOT_CLOSED;
		p += ret;
		len -= (size_t)ret;
	}
	return GOT_ALL;
}

enum got peer_recv_msg(int fd, struct dstb_wire_msg *msg, struct packet *packet, int ms)
{
	enum got got = peer_recv(fd, &packet->hdr, sizeof(packet->hdr), ms);
	const char *why;

	if (got != GOT_ALL)
		return got;
	why = dstb_wire_decode(&packet->hdr, msg);
	if (why || dstb_wire_payload(msg) > sizeof(packet->payload)) {
		say("garbage: %s", why ? why : "payload too long");
		return GOT_GARBAGE;
	}
	return peer_recv(fd, packet->payload, dstb_wire_payload(msg), ms);
}

/* ---- the command line ---- */

static void show_usage(void)
{
	puts("usage: wirepeer [OPTION]... MODE ADDRESS [EXPORT]\n"
	     "  ADDRESS: /PATH, HOST:PORT or [HOST]:PORT\n"
	     "  --role writer|reader|shared --volume NAME --client UUID --chain UUID (repeatable) --conn N --conns N\n"
	     "  --instance N (default: random) --takeover --probe --session N --sector N --length BYTES --seed N --count N --seconds N --hold (until killed)\n"
	     "  --size SECTORS --block BYTES --status N --text TEXT --bad FIELD\n"
	     "  --features BITS (wanted, or granted; default: none, of an initiator's mode of that name and storm: digest)\n"
	     "initiator modes (EXPORT needed); status 0 for the hostile ones: the target closed the connection");
	client_modes();
	puts("target modes:");
	server_modes();
}

static int parse_role(const char *name)
{
	static const char *const names[] = { "writer", "reader", "shared" };
	int i;

	for (i = 0; i < 3; i++)
		if (!strcmp(name, names[i]))
			return i;
	fail("'%s' is no role", name);
}

static void parse_uuid(const char *text, uint8_t uuid[16])
{
	unsigned int byte;
	int i;

	for (i = 0; i < 16; i++) {
		if (*text == '-')
			text++;
		if (sscanf(text, "%2x", &byte) != 1)
			fail("that is no uuid");
		uuid[i] = (uint8_t)byte;
		text += 2;
	}
}

static uint64_t parse_number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end)
		fail("'%s' is no number", text);
	return value;
}

enum {
	OPT_ROLE = 1,
	OPT_VOLUME,
	OPT_CLIENT,
	OPT_CHAIN,
	OPT_CONN,
	OPT_CONNS,
	OPT_SESSION,
	OPT_INSTANCE,
	OPT_TAKEOVER,
	OPT_PROBE,
	OPT_SECTOR,
	OPT_LENGTH,
	OPT_SEED,
	OPT_COUNT,
	OPT_SECONDS,
	OPT_HOLD,
	OPT_SIZE,
	OPT_BLOCK,
	OPT_STATUS,
	OPT_TEXT,
	OPT_BAD,
	OPT_FEATURES,
	OPT_HELP,
};

static const struct option options[] = {
	{ "role", 1, NULL, OPT_ROLE },	     { "volume", 1, NULL, OPT_VOLUME },
	{ "client", 1, NULL, OPT_CLIENT },   { "chain", 1, NULL, OPT_CHAIN },
	{ "conn", 1, NULL, OPT_CONN },	     { "conns", 1, NULL, OPT_CONNS },
	{ "session", 1, NULL, OPT_SESSION }, { "sector", 1, NULL, OPT_SECTOR },
	{ "length", 1, NULL, OPT_LENGTH },   { "seed", 1, NULL, OPT_SEED },
	{ "count", 1, NULL, OPT_COUNT },     { "seconds", 1, NULL, OPT_SECONDS },
	{ "hold", 0, NULL, OPT_HOLD },	     { "size", 1, NULL, OPT_SIZE },
	{ "block", 1, NULL, OPT_BLOCK },     { "status", 1, NULL, OPT_STATUS },
	{ "text", 1, NULL, OPT_TEXT },	     { "bad", 1, NULL, OPT_BAD },
	{ "instance", 1, NULL, OPT_INSTANCE }, { "takeover", 0, NULL, OPT_TAKEOVER },
	{ "probe", 0, NULL, OPT_PROBE },
	{ "features", 1, NULL, OPT_FEATURES }, { "help", 0, NULL, OPT_HELP },
	{ 0 },
};

static void take_option(int c)
{
	switch (c) {
	case OPT_ROLE:
		opt.role = parse_role(optarg);
		break;
	case OPT_VOLUME:
		opt.volume = optarg;
		break;
	case OPT_CLIENT:
		parse_uuid(optarg, opt.client);
		break;
	case OPT_CHAIN:
		if (opt.chain_len == DST_WIRE_MAX_CHAIN)
			fail("the chain is too long");
		parse_uuid(optarg, opt.chain[opt.chain_len++]);
		break;
	case OPT_CONN:
		opt.conn = (int)parse_number(optarg);
		break;
	case OPT_CONNS:
		opt.conns = (int)parse_number(optarg);
		break;
	case OPT_SESSION:
		opt.session = parse_number(optarg);
		break;
	case OPT_INSTANCE:
		opt.instance = parse_number(optarg);
		break;
	case OPT_TAKEOVER:
		opt.takeover = 1;
		break;
	case OPT_PROBE:
		opt.probe = 1;
		break;
	case OPT_SECTOR:
		opt.sector = parse_number(optarg);
		break;
	case OPT_LENGTH:
		opt.length = (uint32_t)parse_number(optarg);
		break;
	case OPT_SEED:
		opt.seed = parse_number(optarg);
		break;
	case OPT_COUNT:
		opt.count = (uint32_t)parse_number(optarg);
		break;
	case OPT_SECONDS:
		opt.seconds = (int)parse_number(optarg);
		break;
	case OPT_HOLD:
		opt.hold = 1;
		break;
	case OPT_SIZE:
		opt.size = parse_number(optarg);
		break;
	case OPT_BLOCK:
		opt.block = (uint32_t)parse_number(optarg);
		break;
	case OPT_STATUS:
		opt.status = (int)parse_number(optarg);
		break;
	case OPT_TEXT:
		opt.text = optarg;
		break;
	case OPT_BAD:
		opt.bad = optarg;
		break;
	case OPT_FEATURES:
		opt.features = (uint32_t)parse_number(optarg);
		break;
	case OPT_HELP:
		show_usage();
		exit(0);
	default:
		exit(PEER_USAGE);
	}
}

int main(int argc, char **argv)
{
	const char *slow = getenv("DST_SLOW");
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(c);
	if (argc - optind < 2 || argc - optind > 3)
		fail("takes a mode, an address, and an export; see --help");
	if (slow && atoi(slow) > 1)
		opt.seconds *= atoi(slow);
	/* Not by the seed: two peers are two initiators, unless they are told otherwise. */
	while (!opt.instance)
		if (getrandom(&opt.instance, sizeof(opt.instance), 0) < 0)
			fail("no random numbers");
	opt.mode = argv[optind];
	opt.address = argv[optind + 1];
	opt.export = argv[optind + 2]; /* or NULL */
	signal(SIGPIPE, SIG_IGN);
	return opt.export ? client_main() : server_main();
}
