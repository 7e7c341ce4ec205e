// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions at the target: who may have which export, decided when a HELLO is there.
 */
#include <linux/blkdev.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "chain.h"
#include "event.h"
#include "target.h"
#include "transport.h"

__printf(3, 4)
static void reject(struct dstb_tconn *tc, u32 status, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vscnprintf(tc->ctl->text, sizeof(tc->ctl->text), fmt, args);
	va_end(args);
	dstb_tconn_answer(tc, DST_WIRE_REJECT, status, len);
}

static const char *role_name(u32 role)
{
	static const char * const names[] = { "writer", "reader", "shared" };

	return names[role];
}

/* May this role come in beside those that are there? Rejects if not. */
static bool role_ok(struct dstb_tconn *tc, struct dstb_export *exp)
{
	u32 role = tc->hello.role;
	struct dstb_tsession *other;

	if (role == DST_WIRE_READER)
		return true;
	if (exp->config.read_only) {
		reject(tc, DST_WIRE_EROFS, "export '%s' is read-only: ask for it with --read-only",
		       exp->config.name);
		return false;
	}
	if (role == DST_WIRE_SHARED && !exp->config.shared) {
		reject(tc, DST_WIRE_EBUSY, "export '%s' is not shared: it takes one writer",
		       exp->config.name);
		return false;
	}
	list_for_each_entry(other, &exp->sessions, list) {
		if (other->info.role == DST_WIRE_READER)
			continue;
		if (role == DST_WIRE_SHARED && other->info.role == DST_WIRE_SHARED)
			continue;
		reject(tc, DST_WIRE_EBUSY, "export '%s' is busy: volume '%s' has it as %s",
		       exp->config.name, other->info.volume, role_name(other->info.role));
		return false;
	}
	return true;
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
	sess->window = min(le32_to_cpu(h->window), DSTB_TARGET_WINDOW) & ~(DST_WIRE_UNIT - 1);
	lim->max_request = min3(le32_to_cpu(h->max_request) & ~(DST_WIRE_UNIT - 1),
				DST_WIRE_MAX_REQUEST, sess->window);
	lim->read_only |= sess->info.role == DST_WIRE_READER;
}

static struct dstb_tsession *session_new(struct dstb_tconn *tc, struct dstb_export *exp)
{
	const struct dst_wire_hello *h = &tc->hello;
	char name[DSTB_VOLUME_NAME_LEN];
	struct dstb_tsession *sess;

	if (!role_ok(tc, exp))
		return NULL;
	if (exp->nr_sessions >= exp->config.max_sessions) {
		reject(tc, DST_WIRE_ELIMIT, "export '%s' has %u sessions, no more are allowed",
		       exp->config.name, exp->nr_sessions);
		return NULL;
	}
	if (dstb_chain_loops(exp->bdev, h, name, sizeof(name))) {
		reject(tc, DST_WIRE_ELOOP,
		       "export '%s' is on volume '%s', which would then hold itself (a cycle)",
		       exp->config.name, name);
		return NULL;
	}
	sess = kzalloc(sizeof(*sess), GFP_KERNEL);
	if (!sess) {
		reject(tc, DST_WIRE_ENOMEM, "the target is out of memory");
		return NULL;
	}
	INIT_LIST_HEAD(&sess->tconns);
	sess->export = exp;
	do {
		sess->info.id = get_random_u64();
	} while (!sess->info.id);
	import_uuid(&sess->info.client, h->client);
	strscpy(sess->info.volume, h->volume, sizeof(sess->info.volume));
	sess->info.role = h->role;
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
		if (memcmp(&sess->info.client, tc->hello.client, sizeof(uuid_t)) ||
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

static void grant(struct dstb_tconn *tc, const struct dstb_tsession *sess)
{
	const struct dstb_wire_limits *lim = &sess->limits;
	struct dst_wire_welcome *w = &tc->ctl->welcome;

	memset(w, 0, sizeof(*w));
	dstb_export_fill_welcome(sess->export, w);
	w->version = DST_WIRE_VERSION;
	w->nr_conns = cpu_to_le16(sess->nr_conns);
	w->depth = cpu_to_le16(lim->depth);
	if (lim->read_only)
		w->device |= cpu_to_le16(DST_WIRE_DEV_READ_ONLY);
	w->max_request = cpu_to_le32(lim->max_request);
	w->window = cpu_to_le32(sess->window);
	w->session = cpu_to_le64(sess->info.id);
	w->epoch = cpu_to_le64(lim->epoch);
}

/* The connection becomes one of the session. From here on its work is the export's. */
static void join(struct dstb_tconn *tc, struct dstb_tsession *sess)
{
	struct dstb_export *exp = sess->export;

	if (list_empty(&sess->tconns)) {
		list_add_tail(&sess->list, &exp->sessions);
		exp->nr_sessions++;
		dstb_event_session(exp->net, exp->config.name, "", "open", sess->info.volume);
	}
	if (!--tc->listener->nr_tconns)
		wake_up_all(&tc->listener->gone);
	tc->listener = NULL;
	list_move_tail(&tc->list, &sess->tconns);
	tc->session = sess;
	tc->index = le16_to_cpu(tc->hello.conn);
	exp->nr_tconns++;
	grant(tc, sess);
	/* all of the above, then LIVE: tconn_header() uses it */
	smp_store_release(&tc->state, DSTB_TCONN_LIVE);
	dstb_tconn_answer(tc, DST_WIRE_WELCOME, 0, sizeof(struct dst_wire_welcome));
}

static void hello_locked(struct dstb_tconn *tc)
{
	const struct dst_wire_hello *h = &tc->hello;
	struct dstb_tsession *sess;
	struct dstb_export *exp;

	if (h->version_min > DST_WIRE_VERSION || h->version_max < DST_WIRE_VERSION) {
		reject(tc, DST_WIRE_EVERSION, "no version in common: the target speaks %u",
		       DST_WIRE_VERSION);
		return;
	}
	exp = dstb_export_find(tc->listener, h->export);
	if (!exp) {
		reject(tc, DST_WIRE_ENOENT, "no export named '%s' here", h->export);
		return;
	}
	sess = h->conn ? session_find(tc, exp) : session_new(tc, exp);
	if (!sess)
		return;
	if (dstb_export_io_init(tc, DSTB_TARGET_DEPTH, DSTB_TARGET_WINDOW)) {
		if (list_empty(&sess->tconns))
			kfree(sess);
		reject(tc, DST_WIRE_ENOMEM, "the target is out of memory");
		return;
	}
	dstb_conn_move(&tc->conn, exp->wq,
		       cpumask_local_spread(le16_to_cpu(h->conn), NUMA_NO_NODE));
	join(tc, sess);
}

/**
 * dstb_tsession_hello() - decide about a HELLO, and answer it
 * @tc:		the connection
 *
 * Context: process, may sleep.
 */
void dstb_tsession_hello(struct dstb_tconn *tc)
{
	mutex_lock(&dstb_target_lock);
	hello_locked(tc);
	mutex_unlock(&dstb_target_lock);
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
	struct dstb_export *exp = sess->export;
	struct dstb_tconn *other;

	lockdep_assert_held(&dstb_target_lock);
	sess->dead = true;
	list_for_each_entry(other, &sess->tconns, list)
		dstb_conn_fail(&other->conn, "another connection of the session ended");
	if (list_empty(&sess->tconns)) {
		dstb_event_session(exp->net, exp->config.name, "open", "closed", tc->conn.reason);
		list_del(&sess->list);
		exp->nr_sessions--;
		kfree(sess);
	}
	if (!--exp->nr_tconns)
		wake_up_all(&exp->gone);
}
