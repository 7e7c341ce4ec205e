// SPDX-License-Identifier: GPL-2.0
/*
 * Claims: who may have an export, and who has to leave first.
 *
 * A session begins only when everything is over that must not land after its first command: the
 * commands of the session whose place it takes (R6), and those of the writers it fences (R5). That
 * takes as long as the device does. Meanwhile the claim waits in the export's queue, nobody waits
 * for it: it is asked to look again when a session of the export has gone, when the claim before it
 * was decided, when the export is suspended or removed, and from time to time.
 *
 * Looking again is deciding from the start, under dstb_target_lock. So there is nothing to be
 * remembered of the last time, and to be asked once too often does no harm. The first of the queue
 * waits for sessions that have been ended, and for nobody else; the others wait for those before
 * them whose role excludes theirs. So somebody always gets on, and of two that take over, the one
 * that came last has the export in the end.
 */
#include <linux/jiffies.h>

#include "chain.h"
#include "event.h"
#include "target.h"

static const char *role_name(u32 role)
{
	static const char * const names[] = { "writer", "reader", "shared" };

	return names[role];
}

/* Can these two not be there at the same time? */
static bool excludes(u32 a, u32 b)
{
	if (a == DST_WIRE_READER || b == DST_WIRE_READER)
		return false;
	return a != DST_WIRE_SHARED || b != DST_WIRE_SHARED;
}

/* ---- the queue ---- */

/**
 * dstb_claim_init() - make a claim that waits for nothing
 * @claim:	the claim, zeroed; the caller fills in who it is
 * @kick:	as in struct dstb_claim
 *
 * Context: any.
 */
void dstb_claim_init(struct dstb_claim *claim, void (*kick)(struct dstb_claim *claim))
{
	INIT_LIST_HEAD(&claim->list);
	claim->kick = kick;
}

/**
 * dstb_claim_kick() - have the first of an export's queue look again
 * @exp:	the export
 *
 * Context: process; dstb_target_lock held.
 */
void dstb_claim_kick(struct dstb_export *exp)
{
	struct dstb_claim *first =
		list_first_entry_or_null(&exp->claims, struct dstb_claim, list);

	lockdep_assert_held(&dstb_target_lock);
	if (first)
		first->kick(first);
}

static void unqueue(struct dstb_claim *claim)
{
	list_del_init(&claim->list);
	claim->export = NULL;
}

/**
 * dstb_claim_kick_all() - nobody waits for an export any more: have all of its queue look again
 * @exp:	the export, suspended or removed
 *
 * Context: process; dstb_target_lock held.
 */
void dstb_claim_kick_all(struct dstb_export *exp)
{
	struct dstb_claim *claim, *next;

	lockdep_assert_held(&dstb_target_lock);
	list_for_each_entry_safe(claim, next, &exp->claims, list) {
		unqueue(claim);
		claim->kick(claim);
	}
}

/**
 * dstb_claim_drop() - a claim is over: it has what it wanted, or never will
 * @claim:	the claim; not touched any more
 *
 * Context: process; dstb_target_lock held.
 */
void dstb_claim_drop(struct dstb_claim *claim)
{
	struct dstb_export *exp = claim->export;

	lockdep_assert_held(&dstb_target_lock);
	if (!exp)
		return;
	unqueue(claim);
	dstb_claim_kick(exp);
}

static void enqueue(struct dstb_claim *claim, struct dstb_export *exp)
{
	if (claim->export)
		return;
	claim->export = exp;
	claim->since = jiffies;
	list_add_tail(&claim->list, &exp->claims);
}

/* A newer claim of the same initiator gets the place of the older one in the queue. */
static void replace_older(struct dstb_claim *claim, struct dstb_export *exp)
{
	struct dstb_claim *old;

	if (claim->export)
		return;
	list_for_each_entry(old, &exp->claims, list) {
		if (!dstb_identity_equal(&old->who, &claim->who))
			continue;
		list_replace_init(&old->list, &claim->list);
		old->export = NULL;
		claim->export = exp;
		claim->since = jiffies;
		old->replaced = true;
		old->kick(old);
		return;
	}
}

/* ---- fencing ---- */

static bool is_fenced(const struct dstb_export *exp, const struct dstb_identity *who)
{
	u32 i;

	for (i = 0; i < min(exp->nr_fenced, DSTB_FENCED); i++)
		if (dstb_identity_equal(&exp->fenced[i], who))
			return true;
	return false;
}

static void remember_fenced(struct dstb_export *exp, const struct dstb_identity *who)
{
	if (who->instance && !is_fenced(exp, who))
		exp->fenced[exp->nr_fenced++ % DSTB_FENCED] = *who;
}

/**
 * dstb_claim_opened() - a session begins
 * @exp:	the export
 * @who:	whose
 * @role:	enum dst_wire_role
 *
 * Who wrote before has lost the export for good: the one who writes now has looked at its medium,
 * and goes on from there, although it may have broken off before it left a trace (docs/model:
 * NO_CLAIM). Context: process; dstb_target_lock held.
 */
void dstb_claim_opened(struct dstb_export *exp, const struct dstb_identity *who, u32 role)
{
	lockdep_assert_held(&dstb_target_lock);
	if (role == DST_WIRE_READER || dstb_identity_equal(&exp->last_writer, who))
		return;
	if (role == DST_WIRE_WRITER)
		remember_fenced(exp, &exp->last_writer);
	exp->last_writer = *who;
}

static void fence(struct dstb_tsession *sess, const struct dstb_claim *claim)
{
	struct dstb_export *exp = sess->export;
	char why[DSTB_REASON_LEN];

	if (sess->fenced)
		return;
	sess->fenced = true;
	remember_fenced(exp, &sess->who);
	scnprintf(why, sizeof(why), "fenced: volume '%s' has taken export '%s' over from '%s'",
		  claim->volume, exp->config.name, sess->info.volume);
	dstb_event_session(exp->net, exp->config.name, "open", "fenced", why);
	dstb_tsession_end(sess, DST_WIRE_EFENCED, why);
}

/* ---- deciding ---- */

__printf(3, 4)
static u32 refuse(char *text, u32 status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(text, DST_WIRE_TEXT, fmt, args);
	va_end(args);
	return status;
}

static u32 refuse_full(const struct dstb_export *exp, char *text)
{
	return refuse(text, DST_WIRE_ELIMIT, "export '%s' has %u sessions, no more are allowed",
		      exp->config.name, exp->config.max_sessions);
}

/* What no waiting would change. */
static u32 check_export(const struct dstb_claim *claim, const struct dstb_export *exp,
			const struct dst_wire_hello *hello, char *text)
{
	const char *name = exp->config.name;
	char above[DSTB_VOLUME_NAME_LEN];

	if (exp->suspended)
		return refuse(text, DST_WIRE_ESUSPENDED,
			      "export '%s' is suspended: try again later", name);
	if (claim->replaced)
		return refuse(text, DST_WIRE_ESESSION,
			      "volume '%s' has asked for export '%s' again since", claim->volume,
			      name);
	if (is_fenced(exp, &claim->who))
		return refuse(text, DST_WIRE_EFENCED,
			      "volume '%s' is fenced: another one has taken export '%s' over",
			      claim->volume, name);
	if (exp->config.read_only && claim->role != DST_WIRE_READER)
		return refuse(text, DST_WIRE_EROFS,
			      "export '%s' is read-only: ask for it with --read-only", name);
	if (claim->role == DST_WIRE_SHARED && !exp->config.shared)
		return refuse(text, DST_WIRE_EBUSY,
			      "export '%s' is not shared: it takes one writer", name);
	if (dstb_chain_loops(exp->bdev, hello, above, sizeof(above)))
		return refuse(text, DST_WIRE_ELOOP,
			      "export '%s' is on volume '%s', which would then hold itself (a cycle)",
			      name, above);
	return DST_WIRE_OK;
}

/*
 * A session that is on its way out is waited for by one who would be let in then anyway: its
 * initiator has said good-bye, or is the same volume in an earlier life.
 */
static bool is_leaving(const struct dstb_tsession *sess, const struct dstb_claim *claim)
{
	return READ_ONCE(sess->left) ||
	       (sess->dead && uuid_equal(&sess->who.client, &claim->who.client));
}

/* May it come in beside the others, or in place of them? */
static u32 check_others(struct dstb_claim *claim, struct dstb_export *exp, bool *wait, char *text)
{
	struct dstb_claim *before;
	struct dstb_tsession *sess;
	u32 stay = 0;

	list_for_each_entry(sess, &exp->sessions, list) {
		if (dstb_identity_equal(&sess->who, &claim->who)) {
			*wait = true;
			continue;
		}
		if (!excludes(claim->role, sess->info.role)) {
			stay++;
			continue;
		}
		if (!claim->takeover && !is_leaving(sess, claim))
			return refuse(text, DST_WIRE_EBUSY,
				      "export '%s' is busy: volume '%s' has it as %s",
				      exp->config.name, sess->info.volume,
				      role_name(sess->info.role));
		*wait = true;
	}
	list_for_each_entry(before, &exp->claims, list) {
		if (before == claim)
			break;
		stay++;
		if (!excludes(claim->role, before->role))
			continue;
		if (!claim->takeover)
			return refuse(text, DST_WIRE_EBUSY,
				      "export '%s' is busy: volume '%s' is about to have it as %s",
				      exp->config.name, before->volume, role_name(before->role));
		*wait = true;
	}
	/* Before anybody is ended for it. */
	if (stay >= exp->config.max_sessions)
		return refuse_full(exp, text);
	return DST_WIRE_OK;
}

static void end_others(const struct dstb_claim *claim, struct dstb_export *exp)
{
	struct dstb_tsession *sess;

	if (claim->takeover && !dstb_identity_equal(&exp->last_writer, &claim->who))
		remember_fenced(exp, &exp->last_writer);
	list_for_each_entry(sess, &exp->sessions, list) {
		if (dstb_identity_equal(&sess->who, &claim->who)) {
			if (!sess->dead)
				dstb_tsession_end(sess, DST_WIRE_ESESSION,
						  "a new session of the same volume replaces it");
		} else if (claim->takeover && excludes(claim->role, sess->info.role)) {
			fence(sess, claim);
		}
	}
}

/**
 * dstb_claim_decide() - may this initiator have the export now?
 * @claim:	the claim; looked at for the first time, or kicked
 * @exp:	the export; not removed
 * @hello:	has the chain of volumes above, checked
 * @text:	gets the sentence of a refusal, DST_WIRE_TEXT bytes
 *
 * Ends the sessions whose place this one takes. With any other answer than DSTB_CLAIM_WAIT, the
 * caller is to call dstb_claim_drop(), after the new session is in the list.
 *
 * Context: process, may sleep; dstb_target_lock held.
 * Return: DST_WIRE_OK, DSTB_CLAIM_WAIT, or the status to refuse it with.
 */
u32 dstb_claim_decide(struct dstb_claim *claim, struct dstb_export *exp,
		      const struct dst_wire_hello *hello, char *text)
{
	bool wait = false;
	u32 status;

	lockdep_assert_held(&dstb_target_lock);
	status = check_export(claim, exp, hello, text);
	if (status)
		return status;
	replace_older(claim, exp);
	status = check_others(claim, exp, &wait, text);
	if (status)
		return status;
	end_others(claim, exp);
	if (!wait)
		return DST_WIRE_OK;
	enqueue(claim, exp);
	if (time_before(jiffies, claim->since + msecs_to_jiffies(DSTB_CLAIM_MS)))
		return DSTB_CLAIM_WAIT;
	/* Not EBUSY: nobody else has it. */
	return refuse(text, DST_WIRE_ETIMEDOUT,
		      "export '%s' is busy: its device still has commands of an earlier session",
		      exp->config.name);
}

/**
 * dstb_claim_probe() - what an initiator that only asks is to be told
 * @claim:	its claim; of no queue
 * @exp:	the export; not removed
 * @hello:	has the chain of volumes above, checked
 * @text:	gets the sentence of a refusal, DST_WIRE_TEXT bytes
 *
 * What its real claim would be refused for now, but for what may be about its own sessions: those
 * of its volume are not counted. Nobody is ended, nothing waits.
 *
 * Context: process, may sleep; dstb_target_lock held.
 * Return: DST_WIRE_OK, or the status to refuse it with.
 */
u32 dstb_claim_probe(const struct dstb_claim *claim, const struct dstb_export *exp,
		     const struct dst_wire_hello *hello, char *text)
{
	u32 status = check_export(claim, exp, hello, text), others = 0;
	const struct dstb_tsession *sess;

	lockdep_assert_held(&dstb_target_lock);
	list_for_each_entry(sess, &exp->sessions, list)
		others += !uuid_equal(&sess->who.client, &claim->who.client);
	if (!status && others >= exp->config.max_sessions)
		status = refuse_full(exp, text);
	return status;
}
