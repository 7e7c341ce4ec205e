// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Events: a socket of their own in the multicast group.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define RECEIVE_SIZE	(64 * 1024)

/**
 * struct dst_events - a listener
 * @handle:	gets the errors
 * @nl:		socket in the multicast group, and in that in which families come and go
 * @family:	number of the family "dst" when it began
 * @buf:	a datagram
 */
struct dst_events {
	struct dst_handle *handle;
	struct mnl_socket *nl;
	uint16_t family;
	char buf[RECEIVE_SIZE];
};

static int join(const struct dst_events *events, uint32_t group)
{
	if (!mnl_socket_setsockopt(events->nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		return 0;
	return dsti_error(events->handle, -errno,
			  errno == EPERM ? "to listen to events needs the rights of root" :
					   "can't listen to events: %m");
}

/* The family is looked up once its end would be heard of: with it the group ends silently. */
static int join_groups(struct dst_events *events)
{
	int err = join(events, GENL_ID_CTRL);

	if (!err)
		err = dsti_find_family(events->handle);
	if (err)
		return err;
	events->family = events->handle->family;
	return join(events, events->handle->group);
}

int dst_events__open(struct dst_handle *handle, struct dst_events **eventsp)
{
	struct dst_events *events;
	int err = dsti_connect(handle);

	if (err)
		return err;
	events = calloc(1, sizeof(*events));
	if (!events)
		return dsti_error(handle, -ENOMEM, "out of memory");
	events->handle = handle;
	events->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!events->nl)
		err = dsti_error(handle, -errno, "can't open a netlink socket: %m");
	else if (mnl_socket_bind(events->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		err = dsti_error(handle, -errno, "can't bind a netlink socket: %m");
	else
		err = join_groups(events);
	if (err) {
		dst_events__close(events);
		return err;
	}
	*eventsp = events;
	return 0;
}

int dst_events__fd(const struct dst_events *events)
{
	return mnl_socket_get_fd(events->nl);
}

static int show(const struct nlmsghdr *nlh, int (*fn)(const struct dst_event_info *info, void *arg),
		void *arg)
{
	const struct nlattr *tb[DST_A_EVENT_MAX + 1];
	struct dst_event_info info;

	dsti_parse(tb, DST_A_EVENT_MAX, nlh);
	info = (struct dst_event_info){
		.sz = sizeof(info),
		.kind = dsti_u32(tb[DST_A_EVENT_KIND]),
		.name = dsti_str(tb[DST_A_EVENT_NAME]),
		.node = tb[DST_A_EVENT_NODE] ? (int64_t)dsti_u32(tb[DST_A_EVENT_NODE]) : -1,
		.old_state = dsti_str(tb[DST_A_EVENT_OLD]),
		.new_state = dsti_str(tb[DST_A_EVENT_NEW]),
		.reason = dsti_str(tb[DST_A_EVENT_REASON]),
		.time_ns = dsti_u64(tb[DST_A_EVENT_TIME_NS]),
		.has_uuid = tb[DST_A_EVENT_UUID],
	};
	dsti_uuid(tb[DST_A_EVENT_UUID], info.uuid);
	return fn(&info, arg);
}

static bool is_end(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[CTRL_ATTR_MAX + 1];

	if (nlh->nlmsg_type != GENL_ID_CTRL || genl->cmd != CTRL_CMD_DELFAMILY)
		return false;
	dsti_parse(tb, CTRL_ATTR_MAX, nlh);
	return !strcmp(dsti_str(tb[CTRL_ATTR_FAMILY_NAME]), DST_FAMILY_NAME);
}

int dst_events__wait(struct dst_events *events, int timeout_ms,
		     int (*fn)(const struct dst_event_info *info, void *arg), void *arg)
{
	struct pollfd poller = { .fd = dst_events__fd(events), .events = POLLIN };
	const struct nlmsghdr *nlh;
	const struct genlmsghdr *genl;
	ssize_t len;
	int ready, rest, nr = 0;

	ready = poll(&poller, 1, timeout_ms);
	if (ready < 0)
		return dsti_error(events->handle, -errno, "can't wait for events: %m");
	if (!ready)
		return 0;
	len = mnl_socket_recvfrom(events->nl, events->buf, sizeof(events->buf));
	if (len < 0 && errno == EAGAIN)
		return 0;
	if (len < 0 && errno == ENOBUFS)
		return dsti_error(events->handle, -ENOBUFS,
				  "some events were lost: they came faster than they were read");
	if (len < 0)
		return dsti_error(events->handle, -errno, "can't receive events: %m");
	rest = (int)len;
	for (nlh = (void *)events->buf; mnl_nlmsg_ok(nlh, rest); nlh = mnl_nlmsg_next(nlh, &rest)) {
		genl = mnl_nlmsg_get_payload(nlh);
		if (is_end(nlh))
			return dsti_error(events->handle, -ENODEV,
					  "the kernel module dstblk was unloaded");
		if (nlh->nlmsg_type != events->family || genl->cmd != DST_CMD_EVENT)
			continue;
		if (show(nlh, fn, arg))
			return -ECANCELED;
		nr++;
	}
	return nr;
}

void dst_events__close(struct dst_events *events)
{
	if (!events)
		return;
	if (events->nl)
		mnl_socket_close(events->nl);
	free(events);
}
