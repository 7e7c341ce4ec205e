// SPDX-License-Identifier: GPL-2.0
/*
 * The initiator's half of the handshake: connect, HELLO, WELCOME or REJECT. Runs in the process of
 * whoever makes the volume or connects a node again; all of it is bounded by
 * DST_WIRE_HANDSHAKE_MS, and ends soon when the volume is stopped by force.
 */
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "chain.h"
#include "node.h"
#include "session.h"
#include "transport.h"

/**
 * struct hello_msg - a HELLO as it travels
 * @hdr:	its header
 * @hello:	its payload
 */
struct hello_msg {
	struct dst_wire_hdr hdr;
	struct dst_wire_hello hello;
} __packed __aligned(8);

/**
 * struct talk - a handshake under way
 * @node:	whose
 * @sock:	the connection
 * @where:	to whom, as text
 * @end:	jiffies when it must be over
 * @extack:	gets the sentence
 */
struct talk {
	const struct dstb_node *node;
	struct socket *sock;
	const char *where;
	unsigned long end;
	struct netlink_ext_ack *extack;
};

static void hello_fill(struct hello_msg *m, const struct dstb_node *node, u32 conn, u32 nr_conns,
		       u64 session)
{
	struct dstb_wire_msg msg = { .op = DST_WIRE_HELLO, .length = sizeof(m->hello) };
	struct dst_wire_hello *h = &m->hello;

	h->version_min = DST_WIRE_VERSION;
	h->version_max = DST_WIRE_VERSION;
	h->role = dstb_node_role(node);
	h->conn = cpu_to_le16(conn);
	h->nr_conns = cpu_to_le16(nr_conns);
	h->depth = cpu_to_le16(DSTB_WANTED_DEPTH);
	dstb_chain_fill(node->vol, h);
	h->max_request = cpu_to_le32(DST_WIRE_MAX_REQUEST);
	h->window = cpu_to_le32(DSTB_WANTED_WINDOW);
	h->features = cpu_to_le32(DSTB_WIRE_FEATURES);
	/* Who reconnects does not ask again. */
	if (node->vol->takeover && !READ_ONCE(node->taken) && h->role == DST_WIRE_WRITER && !conn)
		h->hello_flags = DST_WIRE_HELLO_TAKEOVER;
	if (node->probing)
		h->hello_flags = DST_WIRE_HELLO_PROBE;
	/* A target that does not know the flag is not to take it for a node of the volume. */
	h->instance = cpu_to_le64(node->probing ? get_random_u64() | 1 : node->vol->instance);
	h->session = cpu_to_le64(session);
	export_uuid(h->client, &node->vol->uuid);
	strscpy(h->volume, node->vol->name, sizeof(h->volume));
	strscpy(h->export, node->config.export, sizeof(h->export));
	dstb_wire_encode(&m->hdr, &msg);
}

/* Within the time that a handshake may take, and as long as the volume is to be. */
static int exact(const struct talk *talk, void *buf, size_t len, bool send)
{
	struct socket *sock = talk->sock;
	size_t done = 0;

	while (done < len) {
		struct kvec vec = { .iov_base = buf + done, .iov_len = len - done };
		struct msghdr msg = { .msg_flags = MSG_NOSIGNAL };
		int ret = send ? kernel_sendmsg(sock, &msg, &vec, 1, len - done) :
				 kernel_recvmsg(sock, &msg, &vec, 1, len - done, msg.msg_flags);

		if (!ret)
			return -ECONNRESET;
		if (ret < 0 && ret != -EAGAIN)
			return ret;
		done += max(ret, 0);
		if (done < len && READ_ONCE(talk->node->vol->gate_dead))
			return -ECANCELED;
		if (done < len && time_after(jiffies, talk->end))
			return -ETIMEDOUT;
	}
	return 0;
}

/* Who says so comes first, where there is room for it: what is wrong is not cut for that. */
static int rejected(const struct talk *talk, const struct dstb_wire_msg *msg)
{
	struct netlink_ext_ack *extack = talk->extack;
	char text[DST_WIRE_TEXT + 1] = "";
	bool fits;
	u32 i;

	if (msg->length > DST_WIRE_TEXT || exact(talk, text, msg->length, false)) {
		NL_SET_ERR_MSG_FMT(extack, "%.22s speaks something else: malformed REJECT",
				   talk->where);
		return -EPROTO;
	}
	/* It is the peer's text: nothing but characters that can be printed. */
	for (i = 0; text[i]; i++)
		if (!isascii(text[i]) || !isprint(text[i]))
			text[i] = '?';
	fits = strlen(talk->where) + strlen(": ") + strlen(text) < NETLINK_MAX_FMTMSG_LEN;
	NL_SET_ERR_MSG_FMT(extack, "%s%s%.79s", fits ? talk->where : "", fits ? ": " : "", text);
	return dstb_wire_errno(msg->status);
}

static int answer(const struct talk *talk, struct dst_wire_welcome *welcome)
{
	struct netlink_ext_ack *extack = talk->extack;
	const char *where = talk->where;
	struct dst_wire_hdr hdr;
	struct dstb_wire_msg msg;
	const char *why;
	int err;

	err = exact(talk, &hdr, sizeof(hdr), false);
	if (err)
		goto lost;
	why = dstb_wire_decode(&hdr, &msg);
	if (!why && msg.op == DST_WIRE_REJECT)
		return rejected(talk, &msg);
	if (!why && (msg.op != DST_WIRE_WELCOME || msg.length != sizeof(*welcome)))
		why = "no WELCOME";
	if (!why) {
		err = exact(talk, welcome, sizeof(*welcome), false);
		if (err)
			goto lost;
		why = dstb_wire_check_welcome(&msg, welcome);
	}
	if (!why)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "%.22s speaks something else: %.33s", where, why);
	return -EPROTO;
lost:
	if (err == -ETIMEDOUT)
		NL_SET_ERR_MSG_FMT(extack, "%.40s: connected, but silent for %u s", where,
				   DST_WIRE_HANDSHAKE_MS / 1000);
	else
		NL_SET_ERR_MSG_FMT(extack, "%.32s: connection lost in the handshake (error %d)",
				   where, -err);
	return err;
}

static const char *connect_error(int err)
{
	switch (err) {
	case -ECONNREFUSED:
		return "connection refused: nobody listens there";
	case -ETIMEDOUT:
		return "no answer";
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -EADDRNOTAVAIL:
	case -ENODEV:
		return "can't be reached from here";
	case -ECANCELED:
		return "its volume is fenced, or being stopped";
	case -ENOENT:
		return "no such socket";
	case -EAFNOSUPPORT:
		return "this kernel lacks the address family";
	default:
		return "can't connect";
	}
}

/**
 * dstb_handshake() - open one connection of a session
 * @node:	the node
 * @conn:	number of the connection
 * @nr_conns:	connections wanted
 * @session:	number of the session; 0 for the first connection
 * @welcome:	gets what the target granted, checked
 * @extack:	gets the sentence
 *
 * Context: process; sleeps, seconds at most.
 * A sentence to netlink holds 79 characters: a long address is cut, not what is wrong with it.
 * Return: the connected socket, or an ERR_PTR; -ESTALE: the volume is fenced there.
 */
struct socket *dstb_handshake(struct dstb_node *node, u32 conn, u32 nr_conns, u64 session,
			      struct dst_wire_welcome *welcome, struct netlink_ext_ack *extack)
{
	char where[DSTB_ADDR_TEXT];
	struct talk talk = {
		.node = node, .where = where, .extack = extack,
		.end = jiffies + msecs_to_jiffies(DST_WIRE_HANDSHAKE_MS),
	};
	struct hello_msg *hello;
	int err;

	dstb_addr_text(&node->config.addr, where, sizeof(where));
	hello = kzalloc(sizeof(*hello), GFP_KERNEL);
	if (!hello)
		return ERR_PTR(-ENOMEM);
	hello_fill(hello, node, conn, nr_conns, session);
	err = dstb_transport_connect(node->vol->net, &node->config.addr, DST_WIRE_HANDSHAKE_MS,
				     &node->vol->gate_dead, &talk.sock);
	if (err) {
		NL_SET_ERR_MSG_FMT(extack, "%.36s: %s", where, connect_error(err));
		/* Here it is a file system's. That the volume is fenced only a REJECT says. */
		if (err == -ESTALE)
			err = -EIO;
		goto free;
	}
	err = exact(&talk, hello, sizeof(*hello), true);
	if (err)
		NL_SET_ERR_MSG_FMT(extack, "%.32s: connection lost in the handshake (error %d)",
				   where, -err);
	else
		err = answer(&talk, welcome);
	if (err)
		sock_release(talk.sock);
free:
	kfree(hello);
	return err ? ERR_PTR(err) : talk.sock;
}

/**
 * dstb_handshake_probe() - which life of an export is at a node's address?
 * @node:	the node, probing and not open
 * @instance:	gets the number
 * @extack:	gets the sentence
 *
 * No session is opened for that, and none ends: it may be that of a node of the same volume.
 *
 * Context: process; sleeps, seconds at most.
 * Return: 0 or a negative errno.
 */
int dstb_handshake_probe(struct dstb_node *node, u64 *instance, struct netlink_ext_ack *extack)
{
	struct dst_wire_welcome w;
	struct socket *sock;

	sock = dstb_handshake(node, 0, 1, 0, &w, extack);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	*instance = le64_to_cpu(w.instance);
	sock_release(sock);
	return 0;
}
