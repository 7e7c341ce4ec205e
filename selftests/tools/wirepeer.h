/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wirepeer: speaks the wire protocol in all the ways it should not be spoken. What its files share.
 */
#ifndef _WIREPEER_H
#define _WIREPEER_H

#include "wire.h"

/* Exit status. */
enum {
	PEER_DONE = 0, /* what the mode is about has happened */
	PEER_OTHER = 1, /* something else has */
	PEER_USAGE = 2, /* or no connection */
	PEER_REJECTED = 3, /* the target said REJECT */
};

struct options {
	const char *mode;
	const char *address;
	const char *export;
	const char *volume;
	const char *text;
	const char *bad;
	int role;
	int status;
	int conn;
	int conns;
	int seconds;
	int hold;
	int takeover;
	int probe;
	uint64_t session;
	uint64_t instance;
	uint64_t sector;
	uint64_t size;
	uint32_t block;
	uint32_t features;
	uint32_t length;
	uint64_t seed;
	uint32_t count;
	uint32_t chain_len;
	uint8_t client[16];
	uint8_t chain[DST_WIRE_MAX_CHAIN][16];
};

extern struct options opt;

/* What a read of the socket ended with. */
enum got {
	GOT_ALL,
	GOT_CLOSED, /* by the other side */
	GOT_SILENCE, /* for opt.seconds */
	GOT_GARBAGE, /* no header of ours */
};

/* What travels: a header and up to so much payload. */
struct packet {
	struct dst_wire_hdr hdr;
	uint8_t payload[DST_WIRE_MAX_REQUEST];
};

__printf(1, 2) void say(const char *format, ...);
__printf(1, 2) __noreturn void fail(const char *format, ...);
uint64_t random_next(void);
void random_fill(void *buf, size_t len);
int peer_connect(void);
int peer_listen(void);
bool peer_send(int fd, const void *buf, size_t len);
bool peer_send_msg(int fd, const struct dstb_wire_msg *msg, const void *payload, size_t len);
enum got peer_recv(int fd, void *buf, size_t len, int ms);
enum got peer_recv_msg(int fd, struct dstb_wire_msg *msg, struct packet *packet, int ms);
void seal(struct dst_wire_hdr *hdr);
const char *op_name(unsigned int op);

/* What WELCOME said to the initiator. */
struct grant {
	uint64_t epoch;
	uint64_t session;
	uint64_t instance;
	uint64_t size;
	uint32_t depth;
	uint32_t features;
	uint32_t block;
	uint32_t window;
	uint32_t max_request;
	uint32_t max_discard;
	uint32_t max_zeroes;
	uint32_t conns;
};

extern struct grant grant;

struct hello_packet {
	struct dst_wire_hdr hdr;
	struct dst_wire_hello hello;
};

void hello_fill(struct hello_packet *p);
int read_answer(int fd);
int open_session(int *fd);
void say_welcome(void);
int mode_storm(void);
int mode_crowd(void);
int client_main(void);
int server_main(void);
void client_modes(void);
void server_modes(void);

#endif /* _WIREPEER_H */
