// SPDX-License-Identifier: GPL-2.0
/*
 * Transports: one table, a row for each kind of address. Any stream family can be added here, and
 * nowhere else.
 */
#include <linux/dcache.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inet.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/un.h>
#include <linux/vm_sockets.h>
#include <net/af_unix.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "compat.h"
#include "transport.h"
#include "uapi/dst_netlink.h"

#define LISTEN_BACKLOG	128
#define LOOK_MS		200
#define FROZEN_LOOKS	20

/**
 * struct transport - a kind of address
 * @protocol:	for socket()
 * @holds_net:	who connects has the kernel count on the namespace, even on one that is about to go
 * @init_net:	listens in the initial network namespace only: the kernel makes accepted sockets by
 *		itself, which count on the namespace, even on one that is about to go
 * @check:	why an address is no good, or NULL
 * @text:	an address as a URI
 * @tune:	socket options beyond those that all have. Optional
 * @listen:	what is to be done before bind. Optional
 * @unbind:	takes back what bind has left elsewhere. Optional
 */
struct transport {
	int protocol;
	bool holds_net;
	bool init_net;
	const char *(*check)(const struct dstb_addr *addr);
	void (*text)(const struct dstb_addr *addr, char *buf, size_t size);
	void (*tune)(struct socket *sock);
	int (*listen)(struct socket *sock, const struct dstb_addr *addr);
	void (*unbind)(struct socket *sock);
};

/* ---- TCP over IPv4 and IPv6 ---- */

static const char *tcp_check(const struct dstb_addr *addr)
{
	const struct sockaddr_in *in = (const void *)&addr->ss;
	const struct sockaddr_in6 *in6 = (const void *)&addr->ss;

	if (in->sin_family == AF_INET && addr->len == sizeof(*in))
		return in->sin_port ? NULL : "port 0";
	if (in6->sin6_family == AF_INET6 && addr->len == sizeof(*in6))
		return in6->sin6_port ? NULL : "port 0";
	return "not an IPv4 or IPv6 address";
}

static void tcp_text(const struct dstb_addr *addr, char *buf, size_t size)
{
	scnprintf(buf, size, "dst://%pISpc", &addr->ss);
}

static void tcp_tune(struct socket *sock)
{
	/* A small request must not wait for the reply to the one before. */
	tcp_sock_set_nodelay(sock->sk);
}

static int tcp_listen(struct socket *sock, const struct dstb_addr *addr)
{
	sock_set_reuseaddr(sock->sk);
	return 0;
}

/* ---- UNIX domain ---- */

static const char *unix_check(const struct dstb_addr *addr)
{
	const struct sockaddr_un *un = (const void *)&addr->ss;
	size_t head = offsetof(struct sockaddr_un, sun_path);

	if (un->sun_family != AF_UNIX || addr->len <= head + 1 || addr->len > sizeof(*un))
		return "not a UNIX domain address";
	if (un->sun_path[0] != '/' || strnlen(un->sun_path, addr->len - head) == addr->len - head)
		return "the socket's path must be absolute";
	return NULL;
}

static void unix_text(const struct dstb_addr *addr, char *buf, size_t size)
{
	const struct sockaddr_un *un = (const void *)&addr->ss;
	int path = addr->len > offsetof(struct sockaddr_un, sun_path) ? sizeof(un->sun_path) : 0;

	scnprintf(buf, size, "dst+unix:///?socket=%.*s", path, un->sun_path);
}

static bool is_frozen(const struct path *path)
{
	return READ_ONCE(path->mnt->mnt_sb->s_writers.frozen) != SB_UNFROZEN;
}

/*
 * bind() would wait until the file system is thawed, and can't be killed. It may be frozen for a
 * snapshot, only for a moment.
 */
static int unix_listen(struct socket *sock, const struct dstb_addr *addr)
{
	const struct sockaddr_un *un = (const void *)&addr->ss;
	char *folder = kstrdup(un->sun_path, GFP_KERNEL);
	struct path path;
	int err, i;

	if (!folder)
		return -ENOMEM;
	/* unix_check(): it begins with one */
	*max(strrchr(folder, '/'), folder + 1) = '\0';
	err = kern_path(folder, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);
	kfree(folder);
	if (err)
		return err;
	for (i = 0; is_frozen(&path) && i < FROZEN_LOOKS && !fatal_signal_pending(current); i++)
		msleep_interruptible(100);
	if (is_frozen(&path))
		err = -EAGAIN;
	path_put(&path);
	return err;
}

/*
 * What bind has made in the file system does not go with the socket. The socket keeps its dentry:
 * as long as that can be found, it is still ours, wherever it is by now.
 */
static void unix_unbind(struct socket *sock)
{
	const struct path *path = &unix_sk(sock->sk)->path;
	struct dentry *folder, *dentry;

	if (!path->dentry)
		return;
	/* Nobody waits for that until it is thawed. */
	if (is_frozen(path) || mnt_want_write(path->mnt))
		return;
	folder = dget_parent(path->dentry);
	dentry = dstb_start_removing(folder, path->dentry);
	if (!IS_ERR(dentry)) {
		vfs_unlink(mnt_idmap(path->mnt), d_inode(folder), dentry, NULL);
		dstb_end_removing(folder, dentry);
	}
	dput(folder);
	mnt_drop_write(path->mnt);
}

/* ---- virtual machines ---- */

static const char *vsock_check(const struct dstb_addr *addr)
{
	const struct sockaddr_vm *vm = (const void *)&addr->ss;

	return vm->svm_family == AF_VSOCK && addr->len == sizeof(*vm) ? NULL :
									"not a vsock address";
}

static void vsock_text(const struct dstb_addr *addr, char *buf, size_t size)
{
	const struct sockaddr_vm *vm = (const void *)&addr->ss;

	if (vm->svm_cid == VMADDR_CID_ANY)
		scnprintf(buf, size, "dst+vsock://any:%u", vm->svm_port);
	else
		scnprintf(buf, size, "dst+vsock://%u:%u", vm->svm_cid, vm->svm_port);
}

static const struct transport transports[] = {
	[DST_TRANSPORT_TCP] = {
		.protocol = IPPROTO_TCP,
		.check = tcp_check,
		.text = tcp_text,
		.tune = tcp_tune,
		.listen = tcp_listen,
	},
	[DST_TRANSPORT_UNIX] = {
		.holds_net = true,
		.check = unix_check,
		.text = unix_text,
		.listen = unix_listen,
		.unbind = unix_unbind,
	},
	[DST_TRANSPORT_VSOCK] = { .init_net = true, .check = vsock_check, .text = vsock_text },
};

/* ---- for everyone ---- */

/**
 * dstb_addr_check() - is this an address that something can be done with?
 * @addr:	the address
 * @extack:	gets the sentence
 *
 * Context: any.
 * Return: 0, or -EINVAL, or -EAFNOSUPPORT.
 */
int dstb_addr_check(const struct dstb_addr *addr, struct netlink_ext_ack *extack)
{
	const char *why;

	if (addr->transport >= ARRAY_SIZE(transports)) {
		NL_SET_ERR_MSG_FMT(extack, "address of an unknown transport (%u)", addr->transport);
		return -EAFNOSUPPORT;
	}
	why = transports[addr->transport].check(addr);
	if (why) {
		NL_SET_ERR_MSG_FMT(extack, "bad address: %s", why);
		return -EINVAL;
	}
	return 0;
}

/**
 * dstb_addr_equal() - are two addresses the same?
 * @a:		one
 * @b:		the other; both checked
 */
bool dstb_addr_equal(const struct dstb_addr *a, const struct dstb_addr *b)
{
	return a->transport == b->transport && a->len == b->len && !memcmp(&a->ss, &b->ss, a->len);
}

/**
 * dstb_addr_text() - an address for people
 * @addr:	checked
 * @buf:	where to
 * @size:	of @buf; DSTB_ADDR_TEXT is enough
 *
 * Context: any.
 * Return: @buf.
 */
const char *dstb_addr_text(const struct dstb_addr *addr, char *buf, size_t size)
{
	transports[addr->transport].text(addr, buf, size);
	return buf;
}

/**
 * dstb_transport_tune() - prepare a socket for the data path
 * @sock:	the socket
 *
 * Memory for it must never come from writing to a block device, nor its page fragment from the
 * task that submits. Nor may one linger when it is closed: the kernel sends for no socket of its
 * own that nobody has any more, so what is left in it would stay for ever. Whoever has something
 * to say waits until the peer has it.
 * Context: process.
 */
void dstb_transport_tune(struct socket *sock)
{
	unsigned int i;

	sock->sk->sk_allocation = GFP_NOIO;
	sock->sk->sk_use_task_frag = false;
	sock_no_linger(sock->sk);
	for (i = 0; i < ARRAY_SIZE(transports); i++)
		if (transports[i].protocol == sock->sk->sk_protocol && transports[i].tune)
			transports[i].tune(sock);
}

/**
 * dstb_transport_may_lend() - may pages be lent to a socket?
 * @sock:	the socket
 *
 * What is sent over a UNIX socket waits in the peer as the very pages that were lent, and closing
 * our end does not take them back (R10): these are copied. The same is true of TCP within one
 * machine, where it is accepted: docs/decisions.md.
 */
bool dstb_transport_may_lend(const struct socket *sock)
{
	return sock->sk->sk_family != AF_UNIX;
}

static int create(struct net *net, const struct dstb_addr *addr, struct socket **sockp)
{
	int err = sock_create_kern(net, addr->ss.ss_family, SOCK_STREAM,
				   transports[addr->transport].protocol, sockp);

	if (!err)
		dstb_transport_tune(*sockp);
	return err;
}

/**
 * dstb_transport_connect() - connect to an address
 * @net:	where
 * @addr:	checked
 * @timeout_ms:	at most
 * @give_up:	becomes true when nobody wants it any more
 * @sockp:	gets the socket, whose calls return -EAGAIN now and then while they wait: its user,
 *		too, is to look at @give_up
 *
 * Context: process; sleeps, can be interrupted by signals.
 * Return: 0, or a negative errno, -ETIMEDOUT for nobody there, -ECANCELED for @give_up.
 */
int dstb_transport_connect(struct net *net, const struct dstb_addr *addr, unsigned int timeout_ms,
			   const bool *give_up, struct socket **sockp)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);
	bool holds = transports[addr->transport].holds_net;
	struct sockaddr_storage ss = addr->ss;
	struct fs_struct *own;
	int err;

	if (holds && !maybe_get_net(net))
		return -ECANCELED;
	err = create(net, addr, sockp);
	if (err)
		goto put;
	(*sockp)->sk->sk_sndtimeo = msecs_to_jiffies(LOOK_MS);
	(*sockp)->sk->sk_rcvtimeo = msecs_to_jiffies(LOOK_MS);
	do {
		own = dstb_paths_begin(); /* a UNIX socket has one */
		err = kernel_connect(*sockp, (dstb_sockaddr *)&ss, addr->len, 0);
		dstb_paths_end(own);
		/* The second time it goes on with the first. */
		if (err != -EINPROGRESS && err != -EALREADY && err != -EAGAIN)
			break;
		err = READ_ONCE(*give_up) ? -ECANCELED : -ETIMEDOUT;
	} while (err != -ECANCELED && time_before(jiffies, end));
	if (err)
		sock_release(*sockp);
put:
	if (holds)
		put_net(net);
	return err;
}

/**
 * dstb_transport_listen() - listen on an address
 * @net:	where
 * @addr:	checked
 * @sockp:	gets the socket
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno; -EOPNOTSUPP: not in this namespace; -EAGAIN: not while the file
 * system is frozen.
 */
int dstb_transport_listen(struct net *net, const struct dstb_addr *addr, struct socket **sockp)
{
	struct sockaddr_storage ss = addr->ss;
	int err;

	if (transports[addr->transport].init_net && !net_eq(net, &init_net))
		return -EOPNOTSUPP;
	err = create(net, addr, sockp);
	if (err)
		return err;
	if (transports[addr->transport].listen)
		err = transports[addr->transport].listen(*sockp, addr);
	if (!err)
		err = kernel_bind(*sockp, (dstb_sockaddr *)&ss, addr->len);
	if (err) {
		sock_release(*sockp);
		return err;
	}
	err = kernel_listen(*sockp, LISTEN_BACKLOG);
	if (err)
		dstb_transport_unlisten(addr, *sockp);
	return err;
}

/**
 * dstb_transport_unlisten() - the reverse of dstb_transport_listen()
 * @addr:	the same
 * @sock:	the socket
 *
 * Context: process; sleeps, for a file system perhaps.
 */
void dstb_transport_unlisten(const struct dstb_addr *addr, struct socket *sock)
{
	if (transports[addr->transport].unbind)
		transports[addr->transport].unbind(sock);
	sock_release(sock);
}

/**
 * dstb_transport_from() - which machine is at the other end?
 * @sock:	a connected socket
 * @from:	gets something that is the same for all connections from there; zeroes for this
 *		machine (a UNIX socket)
 *
 * Context: process.
 */
void dstb_transport_from(struct socket *sock, struct in6_addr *from)
{
	const struct sock *sk = sock->sk;
	struct sockaddr_storage ss;

	memset(from, 0, sizeof(*from));
	switch (sk->sk_family) {
	case AF_INET:
		ipv6_addr_set_v4mapped(sk->sk_daddr, from);
		break;
#if IS_ENABLED(CONFIG_IPV6)
	case AF_INET6:
		*from = sk->sk_v6_daddr;
		break;
#endif
	case AF_VSOCK:
		if (kernel_getpeername(sock, (struct sockaddr *)&ss) >= 0)
			from->s6_addr32[3] = htonl(((struct sockaddr_vm *)&ss)->svm_cid);
		break;
	}
}

/**
 * dstb_transport_peer() - who is at the other end, for people
 * @sock:	a connected socket
 * @buf:	where to
 * @size:	of @buf
 *
 * Context: process.
 */
void dstb_transport_peer(struct socket *sock, char *buf, size_t size)
{
	struct dstb_addr addr = {};
	int len;

	switch (sock->sk->sk_family) {
	case AF_UNIX:
		strscpy(buf, "dst+unix://", size);
		return;
	case AF_VSOCK:
		addr.transport = DST_TRANSPORT_VSOCK;
		break;
	default:
		addr.transport = DST_TRANSPORT_TCP;
	}
	len = kernel_getpeername(sock, (struct sockaddr *)&addr.ss);
	if (len < 0) {
		strscpy(buf, "unknown", size);
		return;
	}
	addr.len = len;
	dstb_addr_text(&addr, buf, size);
}
