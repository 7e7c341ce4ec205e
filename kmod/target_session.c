// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions at the target: opened when a HELLO is there and its claim was granted, closed when the
 * last of their connections has gone.
 */
#include <linux/blkdev.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "event.h"
#include "main.h"
#include "target.h"
#include "transport.h"

/*
 * HELLOs are looked at one after the other, with the memory that it takes: it is had by connections
 * that have a session, and by one more. Taken before dstb_target_lock.
 */
static DEFINE_MUTEX(hello_lock);

/* The sentence is in the connection's text already. */
static void reject_text(struct dstb_tconn *tc, u32 status)
{
	dstb_tconn_answer(tc, DST_WIRE_REJECT, status,
			  strnlen(tc->ctl->text, sizeof(tc->ctl->text)));
}

__printf(3, 4)
static void reject(struct dstb_tconn *tc, u32 status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(tc->ctl->text, sizeof(tc->ctl->text), fmt, args);
	va_end(args);
	reject_text(tc, status);
}

/* What all connections of a session are granted: fixed before the first of them is live. */
static void session_limits(struct dstb_tsession *sess, const struct dst_wire_hello *h)
{
	struct dstb_wire_limits *lim = &sess->limits;

	*lim = sess->export->limits;
	do {
		lim->epoch = get_random_u64();
	} while (!lim->epoch);
	lim->depth = min_t(u32, le16_to_cpu(h->depth), DSTB_TARGET_DEPTH);
	lim->features = le32_to_cpu(h->features) & DSTB_WIRE_FEATURES;
	sess->window = min(le32_to_cpu(h->window), DSTB_TARGET_WINDOW) & ~(DST_WIRE_UNIT - 1);
	lim->max_request = min3(le32_to_cpu(h->max_request) & ~(DST_WIRE_UNIT - 1),
				DST_WIRE_MAX_REQUEST, sess->window);
	lim->read_only |= sess->info.role == DST_WIRE_READER;
}

/**
 * dstb_tsession_init() - make a session for a claim that was granted
 * @sess:	the session, zeroed
 * @exp:	the export
 * @claim:	the claim
 * @hello:	what it came with, checked
 *
 * Context: process; dstb_target_lock held.
 */
void dstb_tsession_init(struct dstb_tsession *sess, struct dstb_export *exp,
			const struct dstb_claim *claim, const struct dst_wire_hello *hello)
{
	INIT_LIST_HEAD(&sess->tconns);
	sess->export = exp;
	sess->who = claim->who;
	sess->chain_len = le16_to_cpu(hello->chain_len);
	memcpy(sess->chain, hello->chain, sizeof(sess->chain));
	do {
		sess->info.id = get_random_u64();
	} while (!sess->info.id);
	sess->info.client = claim->who.client;
	strscpy(sess->info.volume, claim->volume, sizeof(sess->info.volume));
	sess->info.role = claim->role;
}

/**
 * dstb_tsession_opened() - a session begins: it is its export's from now on
 * @sess:	the session
 *
 * Context: process; dstb_target_lock held.
 */
void dstb_tsession_opened(struct dstb_tsession *sess)
{
	struct dstb_export *exp = sess->export;

	lockdep_assert_held(&dstb_target_lock);
	list_add_tail(&sess->list, &exp->sessions);
	exp->nr_sessions++;
	dstb_claim_opened(exp, &sess->who, sess->info.role);
	dstb_event_session(exp->net, exp->config.name, "", "open", sess->info.volume);
}

/**
 * dstb_tsession_closed() - a session is over: nothing of it is with the device
 * @sess:	the session; the caller frees it
 * @why:	for the event
 *
 * Context: process; dstb_target_lock held.
 */
void dstb_tsession_closed(struct dstb_tsession *sess, const char *why)
{
	struct dstb_export *exp = sess->export;

	lockdep_assert_held(&dstb_target_lock);
	dstb_event_session(exp->net, exp->config.name, sess->fenced ? "fenced" : "open", "closed",
			   why);
	list_del(&sess->list);
	exp->nr_sessions--;
	wake_up_all(&exp->gone);
	dstb_claim_kick(exp);
}

/**
 * dstb_tsession_end() - have a session end
 * @sess:	the session; gone some time after this, when the device has finished its commands
 * @status:	enum dst_wire_status, what to tell the initiator
 * @why:	a sentence
 *
 * Context: process, may sleep, not for the device; dstb_target_lock held.
 */
void dstb_tsession_end(struct dstb_tsession *sess, u32 status, const char *why)
{
	struct dstb_tconn *tc;

	lockdep_assert_held(&dstb_target_lock);
	/* The peer closes when it has BYE: then that is not why. */
	if (!sess->dead)
		strscpy(sess->why, why, sizeof(sess->why));
	sess->dead = true;
	if (sess->local)
		sess->local->leave(sess->local->arg, status, why);
	/* On all of them, then the end: one that breaks ends them all for the peer. */
	list_for_each_entry(tc, &sess->tconns, list)
		dstb_tconn_bye(tc, status);
	list_for_each_entry(tc, &sess->tconns, list)
		dstb_conn_fail(&tc->conn, "%s", why);
}

static struct dstb_tsession *session_new(struct dstb_tconn *tc, struct dstb_export *exp)
{
	const struct dst_wire_hello *h = &tc->hello;
	struct dstb_tsession *sess;

	sess = kzalloc(sizeof(*sess), GFP_KERNEL);
	if (!sess) {
		reject(tc, DST_WIRE_ENOMEM, "the target is out of memory");
		return NULL;
	}
	dstb_tsession_init(sess, exp, &tc->claim, h);
	dstb_transport_peer(tc->conn.sock, sess->info.peer, sizeof(sess->info.peer));
	session_limits(sess, h);
	sess->nr_conns = min3((u32)le16_to_cpu(h->nr_conns), DSTB_TARGET_CONNS, num_online_cpus());
	return sess;
}

static struct dstb_tsession *session_find(struct dstb_tconn *tc, struct dstb_export *exp)
{
	u32 index = le16_to_cpu(tc->hello.conn);
	struct dstb_tsession *sess;
	struct dstb_tconn *other;

	list_for_each_entry(sess, &exp->sessions, list) {
		if (sess->info.id != le64_to_cpu(tc->hello.session) || sess->dead)
			continue;
		if (!dstb_identity_equal(&sess->who, &tc->claim.who) || sess->local ||
		    index >= sess->nr_conns || tc->hello.role != sess->info.role)
			break;
		list_for_each_entry(other, &sess->tconns, list)
			if (other->index == index)
				goto none;
		return sess;
	}
none:
	reject(tc, DST_WIRE_ESESSION, "no such session at export '%s'", exp->config.name);
	return NULL;
}

static void grant(struct dstb_tconn *tc, struct dstb_tsession *sess)
{
	const struct dstb_wire_limits *lim = &sess->limits;
	struct dst_wire_welcome *w = &tc->ctl->welcome;

	memset(w, 0, sizeof(*w));
	dstb_export_fill_welcome(sess->export, w);
	/* What its first connection says is what it goes by. */
	if (!tc->hello.conn)
		sess->told_cache = w->device & cpu_to_le16(DST_WIRE_DEV_VWC);
	w->version = DST_WIRE_VERSION;
	w->nr_conns = cpu_to_le16(sess->nr_conns);
	w->depth = cpu_to_le16(lim->depth);
	if (lim->read_only)
		w->device |= cpu_to_le16(DST_WIRE_DEV_READ_ONLY);
	w->max_request = cpu_to_le32(lim->max_request);
	w->window = cpu_to_le32(sess->window);
	w->features = cpu_to_le32(lim->features);
	w->instance = cpu_to_le64(sess->export->instance);
	w->session = cpu_to_le64(sess->info.id);
	w->epoch = cpu_to_le64(lim->epoch);
}

/* What it asks for, without the session that it would have. The peer closes. */
static void answer_probe(struct dstb_tconn *tc, struct dstb_export *exp)
{
	u32 status = dstb_claim_probe(&tc->claim, exp, &tc->hello, tc->ctl->text);
	struct dstb_tsession *sess;

	if (status) {
		reject_text(tc, status);
		return;
	}
	sess = session_new(tc, exp);
	if (!sess)
		return;
	grant(tc, sess);
	kfree(sess);
	dstb_tconn_answer(tc, DST_WIRE_WELCOME, 0, sizeof(struct dst_wire_welcome));
}

/* The connection becomes one of the session. From here on its work is the export's. */
static void join(struct dstb_tconn *tc, struct dstb_tsession *sess)
{
	if (list_empty(&sess->tconns))
		dstb_tsession_opened(sess);
	if (!--tc->listener->nr_tconns)
		wake_up_all(&tc->listener->gone);
	tc->listener = NULL;
	list_move_tail(&tc->list, &sess->tconns);
	tc->session = sess;
	tc->index = le16_to_cpu(tc->hello.conn);
	grant(tc, sess);
	/* It may have waited in silence. */
	WRITE_ONCE(tc->conn.rx_stamp, jiffies);
	/* all of the above, then LIVE: tconn_header() uses it */
	smp_store_release(&tc->state, DSTB_TCONN_LIVE);
	dstb_tconn_answer(tc, DST_WIRE_WELCOME, 0, sizeof(struct dst_wire_welcome));
}

static void claim_kick(struct dstb_claim *claim)
{
	queue_work(dstb_wq, &container_of(claim, struct dstb_tconn, claim)->hello_work);
}

/* Is the claim granted? If not, it waits, or the HELLO was rejected. */
static bool granted(struct dstb_tconn *tc, struct dstb_export *exp)
{
	u32 status = dstb_claim_decide(&tc->claim, exp, &tc->hello, tc->ctl->text);

	if (!status)
		return true;
	if (status == DSTB_CLAIM_WAIT)
		WRITE_ONCE(tc->state, DSTB_TCONN_PARKED);
	else
		reject_text(tc, status);
	return false;
}

/*
 * Decides, and answers or leaves the claim waiting. Returns 0; or the window that there is to be
 * memory for first: then nothing was decided, and it is to be called again with that.
 */
static u32 hello_locked(struct dstb_tconn *tc)
{
	const struct dst_wire_hello *h = &tc->hello;
	struct dstb_tsession *sess;
	struct dstb_export *exp;
	u32 window;

	if (h->version_min > DST_WIRE_VERSION || h->version_max < DST_WIRE_VERSION) {
		reject(tc, DST_WIRE_EVERSION, "no version in common: the target speaks %u",
		       DST_WIRE_VERSION);
		return 0;
	}
	exp = dstb_export_find(tc->listener, h->export);
	if (!exp) {
		reject(tc, DST_WIRE_ENOENT, "no export named '%s' here", h->export);
		return 0;
	}
	if (h->hello_flags & DST_WIRE_HELLO_PROBE) {
		answer_probe(tc, exp);
		return 0;
	}
	if (h->conn && exp->suspended) {
		reject(tc, DST_WIRE_ESUSPENDED, "export '%s' is suspended: try again later",
		       exp->config.name);
		return 0;
	}
	if (!h->conn && !granted(tc, exp))
		return 0;
	sess = h->conn ? session_find(tc, exp) : session_new(tc, exp);
	if (!sess)
		return 0;
	if (!tc->cmds) {
		window = sess->window;
		if (list_empty(&sess->tconns))
			kfree(sess);
		return window;
	}
	dstb_conn_move(&tc->conn, exp->wq,
		       cpumask_local_spread(le16_to_cpu(h->conn), NUMA_NO_NODE));
	join(tc, sess);
	return 0;
}

static void claim_fill(struct dstb_tconn *tc)
{
	const struct dst_wire_hello *h = &tc->hello;
	struct dstb_claim *claim = &tc->claim;

	dstb_claim_init(claim, claim_kick);
	import_uuid(&claim->who.client, h->client);
	claim->who.instance = le64_to_cpu(h->instance);
	claim->volume = h->volume;
	claim->role = h->role;
	claim->takeover = h->hello_flags & DST_WIRE_HELLO_TAKEOVER;
}

/**
 * dstb_tsession_hello() - decide about a HELLO, and answer it, or have it wait
 * @tc:		the connection
 *
 * For one that waits it is called again. One that is closing is left alone: nobody is fenced for a
 * peer that has gone.
 *
 * Context: process, may sleep.
 */
void dstb_tsession_hello(struct dstb_tconn *tc)
{
	u32 window;

	mutex_lock(&hello_lock);
again:
	mutex_lock(&dstb_target_lock);
	/* Answered already: it was asked once too often. */
	if (READ_ONCE(tc->conn.broken) || tc->answered)
		goto unlock;
	if (!tc->claim.kick)
		claim_fill(tc);
	WRITE_ONCE(tc->state, DSTB_TCONN_DECIDING);
	window = hello_locked(tc);
	if (window) {
		/* Without the lock: that may take a while. Its claim keeps its place meanwhile. */
		mutex_unlock(&dstb_target_lock);
		if (!dstb_export_io_init(tc, DSTB_TARGET_DEPTH, window))
			goto again;
		mutex_lock(&dstb_target_lock);
		reject(tc, DST_WIRE_ENOMEM, "the target is out of memory");
	}
	if (tc->state != DSTB_TCONN_PARKED)
		dstb_claim_drop(&tc->claim);
unlock:
	/* What it was granted may be somebody else's since. */
	if (tc->state != DSTB_TCONN_LIVE)
		dstb_export_io_exit(tc, DSTB_TARGET_DEPTH);
	mutex_unlock(&dstb_target_lock);
	mutex_unlock(&hello_lock);
}

/**
 * dstb_tsession_leave() - a connection has ended: so does its session
 * @tc:		the connection, no longer in the session's list
 *
 * Context: process, may sleep; dstb_target_lock held.
 */
void dstb_tsession_leave(struct dstb_tconn *tc)
{
	struct dstb_tsession *sess = tc->session;
	struct dstb_tconn *other;

	lockdep_assert_held(&dstb_target_lock);
	if (!sess->dead)
		strscpy(sess->why, tc->conn.reason, sizeof(sess->why));
	sess->dead = true;
	list_for_each_entry(other, &sess->tconns, list)
		dstb_conn_fail(&other->conn, "another connection of the session ended");
	if (list_empty(&sess->tconns)) {
		dstb_tsession_closed(sess, sess->why);
		kfree(sess);
	}
}
