// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Generic netlink over libmnl: requests, dumps, and what the kernel says when it refuses.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

#define REQUEST_SIZE	(192 * 1024)	/* 256 nodes with long paths are half of that */
#define RECEIVE_SIZE	(64 * 1024)
#define DUMP_TRIES	8

/* Names of attributes, for refusals of the kernel's own checks, which only point to the place. */
struct attr_name {
	uint16_t type;
	const char *name;
	const struct attr_name *nested;
};

static const struct attr_name addr_names[] = {
	{ DST_A_ADDR_TRANSPORT, "transport", NULL },
	{ DST_A_ADDR_SOCKADDR, "address", NULL },
	{ 0 },
};

static const struct attr_name param_names[] = {
	{ DST_A_PARAM_NAME, "parameter name", NULL },
	{ DST_A_PARAM_VALUE, "parameter value", NULL },
	{ 0 },
};

static const struct attr_name node_names[] = {
	{ DST_A_NODE_INDEX, "index of a node", NULL },
	{ DST_A_NODE_PATH, "path of a node", NULL },
	{ DST_A_NODE_ADDR, "address of a node", addr_names },
	{ DST_A_NODE_EXPORT, "export of a node", NULL },
	{ DST_A_NODE_WEIGHT, "weight of a node", NULL },
	{ DST_A_NODE_ZONE, "zone of a node", NULL },
	{ DST_A_NODE_WITNESS, "witness", NULL },
	{ 0 },
};

static const struct attr_name volume_names[] = {
	{ DST_A_VOLUME_NAME, "volume name", NULL },
	{ DST_A_VOLUME_UUID, "uuid", NULL },
	{ DST_A_VOLUME_POLICY, "policy name", NULL },
	{ DST_A_VOLUME_PARAM, "parameter", param_names },
	{ DST_A_VOLUME_NODE, "node", node_names },
	{ DST_A_VOLUME_FORCE, "force", NULL },
	{ DST_A_VOLUME_READ_ONLY, "read-only", NULL },
	{ DST_A_VOLUME_ROLE, "role", NULL },
	{ DST_A_VOLUME_CONNECTIONS, "connections", NULL },
	{ DST_A_VOLUME_IO_TIMEOUT_MS, "I/O timeout", NULL },
	{ DST_A_VOLUME_ADOPT, "adopt", NULL },
	{ DST_A_VOLUME_NO_WAIT, "no-wait", NULL },
	{ DST_A_VOLUME_GRACE_MS, "grace time", NULL },
	{ DST_A_VOLUME_DEGRADED, "degraded", NULL },
	{ DST_A_VOLUME_TAKEOVER, "takeover", NULL },
	{ DST_A_VOLUME_REPAIR, "repair", NULL },
	{ DST_A_VOLUME_END, "end", NULL },
	{ DST_A_VOLUME_CHECKSUM, "checksum", NULL },
	{ 0 },
};

static const struct attr_name export_names[] = {
	{ DST_A_EXPORT_NAME, "export name", NULL },
	{ DST_A_EXPORT_PATH, "device", NULL },
	{ DST_A_EXPORT_LISTEN, "address to listen on", addr_names },
	{ DST_A_EXPORT_READ_ONLY, "read-only", NULL },
	{ DST_A_EXPORT_SHARED, "shared", NULL },
	{ DST_A_EXPORT_MAX_SESSIONS, "number of sessions", NULL },
	{ 0 },
};

static const struct attr_name map_names[] = {
	{ DST_A_MAP_VOLUME, "volume name", NULL }, { DST_A_MAP_SECTOR, "sector", NULL },
	{ DST_A_MAP_NR_SECTORS, "length", NULL }, { 0 },
};

static const struct attr_name *names_of(uint8_t cmd)
{
	switch (cmd) {
	case DST_CMD_EXPORT_ADD:
	case DST_CMD_EXPORT_REMOVE:
	case DST_CMD_EXPORT_SUSPEND:
	case DST_CMD_EXPORT_RESUME:
	case DST_CMD_EXPORT_GET:
	case DST_CMD_SESSION_GET:
		return export_names;
	case DST_CMD_MAP_GET:
		return map_names;
	default:
		return volume_names;
	}
}

/* Name of the innermost known attribute that holds byte @at of @request, or NULL. */
static const char *attr_at(const struct nlmsghdr *request, uint32_t at)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(request);
	const struct attr_name *known = names_of(genl->cmd);
	const char *place = (const char *)request + at, *found = NULL;
	const struct nlattr *attr = mnl_nlmsg_get_payload_offset(request, sizeof(*genl));
	const char *end = mnl_nlmsg_get_payload_tail(request);

	while (known && mnl_attr_ok(attr, (int)(end - (const char *)attr))) {
		const char *next = (const char *)mnl_attr_next(attr);

		if (place >= next) {
			attr = (const void *)next;
			continue;
		}
		while (known->name && known->type != mnl_attr_get_type(attr))
			known++;
		if (!known->name)
			break;
		found = known->name;
		known = known->nested;
		if (place == (const char *)attr)
			break;
		end = next;
		attr = mnl_attr_get_payload(attr);
	}
	return found;
}

/* Sentences of the kernel's own checks do not name the attribute: DST's do. */
static bool is_generic(const char *message)
{
	static const char *const generic[] = {
		"Attribute failed policy validation",
		"integer out of range",
		"invalid attribute length",
		"Unknown attribute type",
		"unsupported attribute",
		"Unsupported attribute",
		"reserved bit set",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(generic); i++)
		if (!strcmp(message, generic[i]))
			return true;
	return false;
}

static int refusal(struct dst_handle *handle, int err, const struct nlmsghdr *request,
		   const char *message, const struct nlattr *offs)
{
	const char *name;

	if (message && !is_generic(message))
		return dsti_error(handle, err, "%s", message);
	if (message) {
		name = offs ? attr_at(request, dsti_u32(offs)) : NULL;
		if (name)
			return dsti_error(handle, err, "%s: the kernel refuses its value (%s)",
					  name, message);
		return dsti_error(handle, err, "%s", message);
	}
	if (err == -EPERM)
		return dsti_error(handle, err, "this needs the rights of root (%s)",
				  "CAP_NET_ADMIN and CAP_SYS_ADMIN");
	return dsti_error(handle, err, "the kernel refuses: %s", strerror(-err));
}

/* What a message that ends an answer says: NLMSG_ERROR or NLMSG_DONE. */
static int end_of_answer(struct dst_handle *handle, const struct nlmsghdr *request,
			 const struct nlmsghdr *nlh)
{
	size_t head = nlh->nlmsg_type == NLMSG_ERROR ? sizeof(struct nlmsgerr) : sizeof(int);
	const struct nlattr *attr, *offs = NULL;
	const char *message = NULL;
	int err = 0;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(int))
		return 0;
	memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
	if (err >= 0)
		return 0;
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && mnl_nlmsg_get_payload_len(nlh) >= head) {
		mnl_attr_for_each(attr, nlh, head) {
			if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG && *dsti_str(attr))
				message = dsti_str(attr);
			else if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_OFFS)
				offs = attr;
		}
	}
	return refusal(handle, err, request, message, offs);
}

static int keep(struct dst_handle *handle, struct dsti_answer *answer, const struct nlmsghdr *nlh)
{
	size_t len = MNL_ALIGN(nlh->nlmsg_len);

	if (answer->len + len > answer->size) {
		size_t size = (answer->len + len) * 2;
		char *buf = realloc(answer->buf, size);

		if (!buf)
			return dsti_error(handle, -ENOMEM, "out of memory");
		answer->buf = buf;
		answer->size = size;
	}
	memset(answer->buf + answer->len, 0, len);
	memcpy(answer->buf + answer->len, nlh, nlh->nlmsg_len);
	answer->len += len;
	return 0;
}

/* One datagram of an answer. Returns 1 when there is more to come. */
static int take(struct dst_handle *handle, const struct nlmsghdr *request,
		struct dsti_answer *answer, const char *buf, int len)
{
	const struct nlmsghdr *nlh;
	int err;

	for (nlh = (const void *)buf; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_seq != request->nlmsg_seq)
			continue;
		if (answer && nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			answer->disturbed = true;
		if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE)
			return end_of_answer(handle, request, nlh);
		if (nlh->nlmsg_type < NLMSG_MIN_TYPE || !answer)
			continue;
		err = keep(handle, answer, nlh);
		if (err)
			return err;
	}
	return 1;
}

static int talk_once(struct dst_handle *handle, struct nlmsghdr *request,
		     struct dsti_answer *answer)
{
	char *buf = malloc(RECEIVE_SIZE);
	int err = 1;

	if (!buf)
		return dsti_error(handle, -ENOMEM, "out of memory");
	request->nlmsg_seq = ++handle->seq;
	if (answer) {
		answer->len = 0;
		answer->disturbed = false;
	}
	if (mnl_socket_sendto(handle->nl, request, request->nlmsg_len) < 0)
		err = dsti_error(handle, -errno, "can't send over netlink: %m");
	while (err == 1) {
		ssize_t len = mnl_socket_recvfrom(handle->nl, buf, RECEIVE_SIZE);

		if (len >= 0)
			err = take(handle, request, answer, buf, (int)len);
		else if (errno != EINTR)
			err = dsti_error(handle, -errno, "can't receive over netlink: %m");
	}
	free(buf);
	return err;
}

/* A dump that was disturbed is repeated. */
static int talk(struct dst_handle *handle, struct nlmsghdr *request, struct dsti_answer *answer)
{
	int tries = 0, err;

	do {
		err = talk_once(handle, request, answer);
	} while (!err && answer && answer->disturbed && ++tries < DUMP_TRIES);
	return err;
}

/*
 * Something is not there. Was it the family? It has another number when the module was loaded anew
 * since it was looked up; then the request goes there.
 */
static int talk_anew(struct dst_handle *handle, struct nlmsghdr *request,
		     struct dsti_answer *answer)
{
	char error[sizeof(handle->error)];
	int err;

	strcpy(error, handle->error);
	err = dsti_find_family(handle);
	if (err)
		return err;
	if (handle->family == request->nlmsg_type)
		return dsti_error(handle, -ENOENT, "%s", error);
	request->nlmsg_type = handle->family;
	return talk(handle, request, answer);
}

/* Sends a request and waits for the whole answer. Frees the request. */
int dsti_talk(struct dst_handle *handle, struct nlmsghdr *request, struct dsti_answer *answer)
{
	int err = talk(handle, request, answer);

	if (err == -ENOENT && request->nlmsg_type != GENL_ID_CTRL)
		err = talk_anew(handle, request, answer);
	free(request);
	if (!err)
		handle->error[0] = '\0';
	return err;
}

static struct nlmsghdr *new_message(uint16_t type, uint8_t cmd, uint8_t version, uint16_t flags)
{
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh = calloc(1, REQUEST_SIZE);

	if (!nlh)
		return NULL;
	mnl_nlmsg_put_header(nlh);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

static void parse_family(struct dst_handle *handle, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[CTRL_ATTR_MAX + 1], *group, *gt[CTRL_ATTR_MCAST_GRP_MAX + 1];

	dsti_parse(tb, CTRL_ATTR_MAX, nlh);
	if (tb[CTRL_ATTR_FAMILY_ID] && !mnl_attr_validate(tb[CTRL_ATTR_FAMILY_ID], MNL_TYPE_U16))
		handle->family = mnl_attr_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	if (!tb[CTRL_ATTR_MCAST_GROUPS])
		return;
	mnl_attr_for_each_nested(group, tb[CTRL_ATTR_MCAST_GROUPS]) {
		dsti_parse_nest(gt, CTRL_ATTR_MCAST_GRP_MAX, group);
		if (!strcmp(dsti_str(gt[CTRL_ATTR_MCAST_GRP_NAME]), DST_MCGRP_EVENTS))
			handle->group = dsti_u32(gt[CTRL_ATTR_MCAST_GRP_ID]);
	}
}

int dsti_find_family(struct dst_handle *handle)
{
	struct dsti_answer answer = { 0 };
	struct nlmsghdr *request = new_message(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);
	int err;

	if (!request)
		return dsti_error(handle, -ENOMEM, "out of memory");
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, DST_FAMILY_NAME);
	err = dsti_talk(handle, request, &answer);
	if (!err && answer.len)
		parse_family(handle, (void *)answer.buf);
	free(answer.buf);
	if (err == -ENOENT || (!err && !handle->family))
		return dsti_error(handle, -ENODEV,
				  "the kernel module dstblk is not loaded (modprobe dstblk)");
	return err;
}

/* Opens the socket and finds the family; does nothing when that is done. */
int dsti_connect(struct dst_handle *handle)
{
	struct mnl_socket *nl;
	int err, on = 1;

	if (handle->nl)
		return 0;
	nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl)
		return dsti_error(handle, -errno, "can't open a netlink socket: %m");
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = dsti_error(handle, -errno, "can't bind a netlink socket: %m");
		mnl_socket_close(nl);
		return err;
	}
	/* Older kernels lack some of these, and do without. */
	mnl_socket_setsockopt(nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	handle->nl = nl;
	err = dsti_find_family(handle);
	if (err) {
		mnl_socket_close(nl);
		handle->nl = NULL;
	}
	return err;
}

/* A new request with room for *@size bytes, or NULL. */
struct nlmsghdr *dsti_request(struct dst_handle *handle, uint8_t cmd, uint16_t flags, size_t *size)
{
	struct nlmsghdr *nlh;

	if (dsti_connect(handle))
		return NULL;
	nlh = new_message(handle->family, cmd, DST_FAMILY_VERSION, flags);
	if (!nlh)
		dsti_error(handle, -ENOMEM, "out of memory");
	if (size)
		*size = REQUEST_SIZE;
	return nlh;
}

/* A request that is a name, maybe with the flag @flag (0: none), and has no answer. */
int dsti_simple(struct dst_handle *handle, uint8_t cmd, uint16_t attr, const char *name,
		uint16_t flag)
{
	int err = dsti_connect(handle);
	struct nlmsghdr *nlh;

	if (err)
		return err;
	nlh = dsti_request(handle, cmd, 0, NULL);
	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, attr, name);
	if (flag)
		mnl_attr_put(nlh, flag, 0, NULL);
	return dsti_talk(handle, nlh, NULL);
}

/*
 * A request for information: a dump, or of one object. The answer's buffer is for the caller to
 * free, always.
 */
int dsti_get(struct dst_handle *handle, uint8_t cmd, bool dump, uint16_t attr, const char *name,
	     struct dsti_answer *answer)
{
	int err = dsti_connect(handle);
	struct nlmsghdr *nlh;

	memset(answer, 0, sizeof(*answer));
	if (err)
		return err;
	nlh = dsti_request(handle, cmd, dump ? NLM_F_DUMP : 0, NULL);
	if (!nlh)
		return -ENOMEM;
	if (name)
		mnl_attr_put_strz(nlh, attr, name);
	return dsti_talk(handle, nlh, answer);
}

/* The message after @prev (NULL: the first) of an answer, or NULL. */
const struct nlmsghdr *dsti_next(const struct dsti_answer *answer, const struct nlmsghdr *prev)
{
	const char *next = answer->buf, *end = answer->buf + answer->len;

	if (prev)
		next = (const char *)prev + MNL_ALIGN(prev->nlmsg_len);
	if (!next || !mnl_nlmsg_ok((const void *)next, (int)(end - next)))
		return NULL;
	return (const void *)next;
}

void dsti_parse(const struct nlattr **tb, unsigned int max, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) <= max)
			tb[mnl_attr_get_type(attr)] = attr;
}

void dsti_parse_nest(const struct nlattr **tb, unsigned int max, const struct nlattr *nest)
{
	const struct nlattr *attr;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) <= max)
			tb[mnl_attr_get_type(attr)] = attr;
}

uint32_t dsti_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) >= sizeof(uint32_t) ? mnl_attr_get_u32(attr) :
									    0;
}

uint64_t dsti_u64(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) >= sizeof(uint64_t) ? mnl_attr_get_u64(attr) :
									    0;
}

const char *dsti_str(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(attr) :
									   "";
}

void dsti_uuid(const struct nlattr *attr, uint8_t uuid[16])
{
	memset(uuid, 0, 16);
	if (attr && mnl_attr_get_payload_len(attr) == 16)
		memcpy(uuid, mnl_attr_get_payload(attr), 16);
}
