// SPDX-License-Identifier: GPL-2.0
/*
 * Listening sockets, shared by the exports that name the same address.
 */
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "main.h"
#include "target.h"
#include "transport.h"

/* connections of one listener that have no session, or none yet */
#define MAX_HANDSHAKES	256
/* of them, from one machine */
#define MAX_FROM_ONE	64
/* until there may be memory again for a connection */
#define ACCEPT_AGAIN	(HZ / 10)

static LIST_HEAD(listeners); /* under dstb_target_lock; one without users is being closed */
static DECLARE_WAIT_QUEUE_HEAD(listener_closed);
static atomic_t nr_closed; /* so far */
static DEFINE_MUTEX(open_lock); /* of two who want an address, the second finds it in the list */

static void listener_data_ready(struct sock *sk)
{
	struct dstb_listener *listener;

	read_lock_bh(&sk->sk_callback_lock);
	listener = sk->sk_user_data;
	/* A child has our callback, too, until it is accepted. */
	if (listener && sk->sk_state == TCP_LISTEN)
		mod_delayed_work(dstb_wq, &listener->accept_work, 0);
	read_unlock_bh(&sk->sk_callback_lock);
}

/* An accepted socket must not keep what it inherited. */
static void disinherit(struct dstb_listener *listener, struct sock *sk)
{
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_data_ready == listener_data_ready)
		sk->sk_data_ready = listener->saved_data_ready;
	sk->sk_user_data = NULL;
	write_unlock_bh(&sk->sk_callback_lock);
}

static bool has_room(const struct dstb_listener *listener, struct socket *sock)
{
	const struct dstb_tconn *tc;
	struct in6_addr from;
	u32 nr = 0;

	if (listener->nr_tconns >= MAX_HANDSHAKES)
		return false;
	dstb_transport_from(sock, &from);
	list_for_each_entry(tc, &listener->tconns, list)
		nr += ipv6_addr_equal(&tc->from, &from);
	return nr < MAX_FROM_ONE || ipv6_addr_any(&from);
}

static void accept_work_fn(struct work_struct *work)
{
	struct dstb_listener *listener =
		container_of(to_delayed_work(work), struct dstb_listener, accept_work);
	unsigned int noio = memalloc_noio_save(); /* as hello_work_fn() */
	struct socket *sock;
	bool go = true;
	int err = 0;

	while (go) {
		err = kernel_accept(listener->sock, &sock, O_NONBLOCK);
		if (err)
			break;
		disinherit(listener, sock->sk);
		dstb_transport_tune(sock);
		mutex_lock(&dstb_target_lock);
		go = listener->users;
		if (go && has_room(listener, sock)) {
			dstb_tconn_create(listener, sock);
		} else {
			atomic64_inc(&listener->rejected);
			sock_release(sock);
		}
		mutex_unlock(&dstb_target_lock);
	}
	/* With -EINVAL it does not listen any more. */
	if (err && err != -EAGAIN && err != -EINVAL)
		queue_delayed_work(dstb_wq, &listener->accept_work, ACCEPT_AGAIN);
	memalloc_noio_restore(noio);
}

static int listener_open(struct dstb_listener *listener, struct netlink_ext_ack *extack)
{
	char text[DSTB_ADDR_TEXT];
	struct sock *sk;
	int err;

	err = dstb_transport_listen(listener->net, &listener->addr, &listener->sock);
	if (err) {
		NL_SET_ERR_MSG_FMT(extack, "can't listen on %s: %s (error %d)",
				   dstb_addr_text(&listener->addr, text, sizeof(text)),
				   err == -EADDRINUSE	 ? "the address is in use" :
				   err == -EADDRNOTAVAIL ? "not an address of this machine" :
				   err == -EAGAIN ? "its file system is frozen" :
				   err == -EOPNOTSUPP ? "only in the initial network namespace" :
							   "refused",
				   -err);
		return err;
	}
	sk = listener->sock->sk;
	write_lock_bh(&sk->sk_callback_lock);
	listener->saved_data_ready = sk->sk_data_ready;
	sk->sk_user_data = listener;
	sk->sk_data_ready = listener_data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
	queue_delayed_work(dstb_wq, &listener->accept_work, 0);
	return 0;
}

/* With one user more, or NULL; @closing: there is one that can't be had any more. */
static struct dstb_listener *find(struct net *net, const struct dstb_addr *addr, bool *closing)
{
	struct dstb_listener *listener, *found = NULL;

	*closing = false;
	mutex_lock(&dstb_target_lock);
	list_for_each_entry(listener, &listeners, list) {
		if (!net_eq(listener->net, net) || !dstb_addr_equal(&listener->addr, addr))
			continue;
		*closing = !listener->users;
		if (!*closing) {
			listener->users++;
			found = listener;
		}
		break;
	}
	mutex_unlock(&dstb_target_lock);
	return found;
}

static struct dstb_listener *make(struct net *net, const struct dstb_addr *addr,
				  struct netlink_ext_ack *extack)
{
	struct dstb_listener *listener = kzalloc(sizeof(*listener), GFP_KERNEL);
	int err;

	if (!listener)
		return ERR_PTR(-ENOMEM);
	listener->net = net;
	listener->addr = *addr;
	listener->users = 1;
	INIT_DELAYED_WORK(&listener->accept_work, accept_work_fn);
	INIT_LIST_HEAD(&listener->tconns);
	init_waitqueue_head(&listener->gone);
	err = listener_open(listener, extack);
	if (err) {
		kfree(listener);
		return ERR_PTR(err);
	}
	mutex_lock(&dstb_target_lock);
	list_add(&listener->list, &listeners);
	mutex_unlock(&dstb_target_lock);
	return listener;
}

/**
 * dstb_listener_get() - listen on an address
 * @net:	where
 * @addr:	checked
 * @extack:	gets the sentence
 *
 * Without dstb_target_lock: binding waits for the file system that a UNIX socket is in.
 *
 * Context: process, may sleep.
 * Return: the listener, with one user more, or an ERR_PTR.
 */
struct dstb_listener *dstb_listener_get(struct net *net, const struct dstb_addr *addr,
					struct netlink_ext_ack *extack)
{
	struct dstb_listener *listener;
	bool closing;

	do {
		int seen = atomic_read(&nr_closed); /* before the look */

		if (mutex_lock_killable(&open_lock))
			return ERR_PTR(-EINTR);
		listener = find(net, addr, &closing);
		if (!listener && !closing)
			listener = make(net, addr, extack);
		mutex_unlock(&open_lock);
		if (closing &&
		    wait_event_killable(listener_closed, atomic_read(&nr_closed) != seen))
			return ERR_PTR(-EINTR);
	} while (closing);
	return listener;
}

/**
 * dstb_listener_put() - one user less; the last one closes the socket
 * @listener:	the listener
 *
 * Context: process, may sleep; dstb_target_lock held, dropped and taken again.
 */
void dstb_listener_put(struct dstb_listener *listener)
{
	struct sock *sk = listener->sock->sk;
	struct dstb_tconn *tc;

	lockdep_assert_held(&dstb_target_lock);
	if (--listener->users)
		return;
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_user_data = NULL;
	sk->sk_data_ready = listener->saved_data_ready;
	write_unlock_bh(&sk->sk_callback_lock);
	list_for_each_entry(tc, &listener->tconns, list)
		dstb_conn_fail(&tc->conn, "the export was removed");
	mutex_unlock(&dstb_target_lock);

	cancel_delayed_work_sync(&listener->accept_work);
	wait_event(listener->gone, !READ_ONCE(listener->nr_tconns));
	dstb_transport_unlisten(&listener->addr, listener->sock);
	/*
	 * Whoever woke us has done so with the lock held, and may still be about to let go of it.
	 */
	mutex_lock(&dstb_target_lock);
	list_del(&listener->list);
	kfree(listener);
	atomic_inc(&nr_closed);
	wake_up_all(&listener_closed);
}
