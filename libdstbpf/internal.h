/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * What the files of libdstbpf share. Names begin with dsti_ and stay inside: see libdstbpf.map.
 */
#ifndef DST_INTERNAL_H
#define DST_INTERNAL_H

#include <libmnl/libmnl.h>
#include <stdint.h>

#include "dst/dst.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/**
 * struct dst_handle - what a user of the library has
 * @error:	the last error, a sentence
 * @log:	what was said when a policy was loaded last, or NULL
 * @nl:		netlink socket, NULL until needed
 * @family:	number of the family "dst"
 * @group:	number of its multicast group "events"
 * @seq:	of the last request
 */
struct dst_handle {
	char error[512];
	char *log;
	struct mnl_socket *nl;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
};

struct dst_addr {
	enum dst_transport transport;
	socklen_t len;
	struct sockaddr_storage ss;
	char export_name[DST_EXPORT_NAME_MAX + 1];
	char text[256];
};

/* handle.c: sets the error, returns @err */
__printf(3, 4) int dsti_error(struct dst_handle *handle, int err, const char *format, ...);
int dsti_opts(struct dst_handle *handle, const void *given, void *known, size_t size);
/* So much of a struct of options is known; of one without padding, which has no "reserved", all. */
#define DSTI_KNOWN(type) offsetof(struct type, reserved)
int dsti_check_name(struct dst_handle *handle, const char *what, const char *name, size_t max);

/**
 * struct dsti_answer - the messages that answered a request
 * @buf:	one after the other
 * @len:	bytes in @buf
 * @size:	room in @buf
 * @disturbed:	something came or went during the dump
 */
struct dsti_answer {
	char *buf;
	size_t len;
	size_t size;
	bool disturbed;
};

/* netlink.c */
int dsti_connect(struct dst_handle *handle);
int dsti_find_family(struct dst_handle *handle);
struct nlmsghdr *dsti_request(struct dst_handle *handle, uint8_t cmd, uint16_t flags, size_t *size);
int dsti_talk(struct dst_handle *handle, struct nlmsghdr *request, struct dsti_answer *answer);
int dsti_simple(struct dst_handle *handle, uint8_t cmd, uint16_t attr, const char *name,
		uint16_t flag);
int dsti_get(struct dst_handle *handle, uint8_t cmd, bool dump, uint16_t attr, const char *name,
	     struct dsti_answer *answer);
void dsti_parse(const struct nlattr **tb, unsigned int max, const struct nlmsghdr *nlh);
void dsti_parse_nest(const struct nlattr **tb, unsigned int max, const struct nlattr *nest);
uint32_t dsti_u32(const struct nlattr *attr);
uint64_t dsti_u64(const struct nlattr *attr);
const char *dsti_str(const struct nlattr *attr);
void dsti_uuid(const struct nlattr *attr, uint8_t uuid[16]);
const struct nlmsghdr *dsti_next(const struct dsti_answer *answer, const struct nlmsghdr *prev);

#define DSTI_PATH_LEN	256

/**
 * struct dsti_place - where a node is
 * @path:	of a local block device, or export:NAME; empty with @addr
 * @addr:	of a remote node, for dst_addr__free(), or NULL
 */
struct dsti_place {
	char path[DSTI_PATH_LEN];
	struct dst_addr *addr;
};

/* node.c */
void dsti_touch(const char *path);
int dsti_place(struct dst_handle *handle, const char *where, bool may_be_absent,
	       struct dsti_place *place);
bool dsti_put_place(struct nlmsghdr *nlh, size_t size, const struct dsti_place *place);

/* addr.c */
bool dsti_put_addr(struct nlmsghdr *nlh, size_t size, uint16_t type, const struct dst_addr *addr);
int dsti_get_addr(struct dst_handle *handle, const struct nlattr *nest, const char *export_name,
		  struct dst_addr **addr);

#endif /* DST_INTERNAL_H */
