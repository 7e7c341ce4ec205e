// SPDX-License-Identifier: GPL-2.0
/*
 * Membership: nodes that are lost, given up, suspended, connected again. docs/recovery.md says what
 * happens when; here is who does it.
 *
 * A node goes out of service at once, from any context: its part changes, and from then on requests
 * pass it by. What was missed is acknowledged only when the superblocks say so, which is the work
 * of member_work on the volume's ordered meta_wq (record.c). So: who is out is decided in one
 * place, under member_lock (dstb_member_may_lose()); what is recorded lags behind;
 * dstb_node.recorded is what writes ask before they are acknowledged. A node comes back through
 * admit_work, on the meta_wq too (admit.c).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "dirty.h"
#include "event.h"
#include "io.h"
#include "main.h"
#include "member.h"
#include "member_int.h"
#include "node.h"
#include "raw.h"
#include "recovery.h"
#include "resync.h"
#include "session.h"
#include "super.h"
#include "volume.h"

#define RETRY_MIN_MS	200
#define RETRY_MAX_MS	5000U
#define RETRY_RARE_MS	10000	/* for what an operator has to mend */
#define RETRY_LEAVE_MS	1000
#define STEADY_MS	1000	/* a session that lasts for longer */

/* ---- who is out ---- */

/**
 * dstb_member_may_lose() - would every sector keep a copy on a node in sync without this one?
 * @node:	the node
 * @now:	nodes that are lost for now don't count
 *
 * Context: any, with the volume's member_lock.
 */
bool dstb_member_may_lose(const struct dstb_node *node, bool now)
{
	const struct dstb_volume *vol = node->vol;
	u32 lost = 1, i;

	lockdep_assert_held(&vol->member_lock);
	for (i = 0; i < vol->nr_data; i++)
		if (vol->nodes[i] != node &&
		    (!dstb_node_in_sync(vol->nodes[i]) || vol->nodes[i]->cache_lost ||
		     (now && !READ_ONCE(vol->nodes[i]->ready))))
			lost++;
	return lost < vol->map.layout.copies;
}

/* Spared: those that are lost for now don't count. */
static bool may_put_out(const struct dstb_node *node, enum dstb_put_out how)
{
	return how == DSTB_PUT_OUT_ALWAYS || node->config.witness || node->part != DSTB_PART_IN ||
	       dstb_member_may_lose(node, how == DSTB_PUT_OUT_SPARED);
}

/**
 * dstb_member_is_spared() - could a node be put out now? DSTB_PUT_OUT_SPARED
 * @node:	the node
 *
 * Context: any.
 */
bool dstb_member_is_spared(const struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&vol->member_lock, flags);
	ok = may_put_out(node, DSTB_PUT_OUT_SPARED);
	spin_unlock_irqrestore(&vol->member_lock, flags);
	return ok;
}

/*
 * Not ready any more, with this part from now on. What was found on it while it was may be gone
 * when it is back; one that was not let in since changes nothing. With the member_lock.
 */
static void take_out(struct dstb_node *node, enum dstb_part part)
{
	bool ready = node->ready;

	node->gen++;
	dstb_node_set_part(node, part, false);
	if (ready)
		dstb_node_doubt(node);
}

/**
 * dstb_member_put_out() - put a node out of service, if the volume can do without it
 * @node:	the node
 * @how:	enum dstb_put_out
 *
 * What waits for it is the caller's to end.
 * Context: any.
 * Return: whether it is out.
 */
bool dstb_member_put_out(struct dstb_node *node, enum dstb_put_out how)
{
	struct dstb_volume *vol = node->vol;
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&vol->member_lock, flags);
	ok = may_put_out(node, how);
	if (ok)
		take_out(node, DSTB_PART_OUT);
	spin_unlock_irqrestore(&vol->member_lock, flags);
	return ok;
}

/* It is not there: what part it has stays. Says whether it has any. */
static bool not_ready(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	unsigned long flags;
	bool has_part;

	spin_lock_irqsave(&vol->member_lock, flags);
	has_part = node->part != DSTB_PART_OUT;
	take_out(node, node->part);
	spin_unlock_irqrestore(&vol->member_lock, flags);
	return has_part;
}

/**
 * dstb_member_kick() - something is to be recorded
 * @vol:	the volume
 *
 * Context: any.
 */
void dstb_member_kick(struct dstb_volume *vol)
{
	/* One that is being made records for itself. */
	if (vol->super && READ_ONCE(vol->started))
		dstb_meta_now(vol, &vol->member_work);
}

/**
 * dstb_member_early() - may writes be acknowledged before all legs are done?
 * @vol:	the volume
 *
 * After a crash the first leg in sync is needed then; that must be recorded before.
 * Context: any.
 */
bool dstb_member_early(struct dstb_volume *vol)
{
	if (!vol->super)
		return true;
	/* Else who is first is another one for each sector, and one of them is believed of all. */
	if (vol->map.layout.copies < vol->nr_data)
		return false;
	if (likely(READ_ONCE(vol->early_ok)))
		return true;
	if (!READ_ONCE(vol->early_wanted)) {
		WRITE_ONCE(vol->early_wanted, true);
		dstb_member_kick(vol);
	}
	return false;
}

/**
 * dstb_member_failed() - a node's medium reported an error
 * @node:	the node
 * @reason:	a sentence
 *
 * It is out of service, unless it has the last copy: then only what failed is lost.
 * Context: any.
 */
void dstb_member_failed(struct dstb_node *node, const char *reason)
{
	struct dstb_volume *vol = node->vol;
	bool last_copy = vol->super && vol->map.layout.copies > 1;

	if (!dstb_member_put_out(node, last_copy ? DSTB_PUT_OUT_IN_SYNC : DSTB_PUT_OUT_ALWAYS))
		return;
	/* Then the work that asks: dstb_record_work_fn(). */
	if (dstb_node_set_state(node, DST_NODE_STATE_FAILED, reason))
		WRITE_ONCE(node->dropped, true);
	dstb_member_kick(vol);
}

/**
 * dstb_member_error() - the module's own I/O on a node failed
 * @node:	the node
 * @status:	how; BLK_STS_TRANSPORT is dealt with where the connection is
 * @what:	it was
 *
 * Context: any.
 */
void dstb_member_error(struct dstb_node *node, blk_status_t status, const char *what)
{
	char reason[80];

	if (status == BLK_STS_TRANSPORT)
		return;
	atomic64_inc(&node->errors);
	scnprintf(reason, sizeof(reason), "%s failed (error %d)", what,
		  -blk_status_to_errno(status));
	dstb_member_failed(node, reason);
}

/**
 * dstb_member_fence() - another initiator has what is ours
 * @vol:	the volume: nothing is written any more, and nothing comes back by itself
 * @reason:	a sentence
 *
 * Context: any.
 */
void dstb_member_fence(struct dstb_volume *vol, const char *reason)
{
	struct dstb_node *node;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&vol->lock, flags);
	if (vol->fenced[0]) {
		spin_unlock_irqrestore(&vol->lock, flags);
		return;
	}
	strscpy(vol->fenced, reason, sizeof(vol->fenced));
	WRITE_ONCE(vol->gate_dead, true);
	spin_unlock_irqrestore(&vol->lock, flags);
	rcu_read_lock();
	for (i = 0; (node = dstb_volume_node(vol, i)); i++) {
		dstb_member_put_out(node, DSTB_PUT_OUT_ALWAYS);
		dstb_node_set_state(node, DST_NODE_STATE_REFUSED, "the volume is fenced");
	}
	rcu_read_unlock();
	dstb_volume_node_changed(vol);
	dstb_member_kick(vol); /* ends what waits */
}

/**
 * dstb_member_do_without() - put a node out of service, and have nobody wait for it
 * @node:	the node, in a state that says why
 * @how:	enum dstb_put_out
 *
 * Context: any.
 */
void dstb_member_do_without(struct dstb_node *node, enum dstb_put_out how)
{
	if (!dstb_member_put_out(node, how))
		return;
	dstb_node_end_pending(node);
	dstb_member_kick(node->vol);
	dstb_dirty_kick(node->vol);
}

/* ---- lost ---- */

/* What became of a lost node, after why it was lost, which nobody is to have to look for. */
static void after_loss(struct dstb_node *node, char reason[DSTB_REASON_LEN], const char *what)
{
	spin_lock_irq(&node->lock);
	scnprintf(reason, DSTB_REASON_LEN, "%.100s%s%s", node->loss, node->loss[0] ? "; " : "",
		  what);
	spin_unlock_irq(&node->lock);
}

static void give_up(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	char reason[DSTB_REASON_LEN], what[40];

	if (READ_ONCE(node->ready) || !vol->started)
		return;
	if (dstb_member_put_out(node, DSTB_PUT_OUT_SPARED)) {
		scnprintf(what, sizeof(what), "not back within %u s",
			  jiffies_to_msecs(READ_ONCE(node->grace)) / 1000);
		after_loss(node, reason, what);
		dstb_node_set_state(node, DST_NODE_STATE_AWAY, reason);
		dstb_node_end_pending(node);
		dstb_member_kick(vol);
		dstb_dirty_kick(vol);
		/* It may be there just now, and have been looked at in vain. */
		dstb_member_reconnect(node);
		return;
	}
	after_loss(node, reason,
		   vol->no_wait ? "nobody else has its data; requests for it fail" :
				  "nobody else has its data; requests for it wait");
	dstb_node_set_state(node, DST_NODE_STATE_LOST, reason);
	if (vol->no_wait) {
		spin_lock_irq(&node->lock);
		node->impatient = !node->ready;
		spin_unlock_irq(&node->lock);
		dstb_node_end_pending(node);
	}
}

/*
 * Asks the policy how long the node is waited for, or how much longer. Says whether it is. One that
 * was lost anew meanwhile has a time of its own: its work is queued already.
 */
static bool waits_on(struct dstb_node *node, bool begins)
{
	u32 ms = begins ? node->vol->grace_ms : 0;
	unsigned long time;

	if (!dstb_recovery_hold(node, begins ? DSTB_EVENT_LOST : DSTB_EVENT_OVERDUE, &ms) &&
	    !begins)
		return false;
	time = msecs_to_jiffies(ms);
	if (begins || time > READ_ONCE(node->grace))
		WRITE_ONCE(node->grace, time);
	WRITE_ONCE(node->grace_end, jiffies + time);
	/* One whose time is over at once is overdue, and that is another question. */
	if (begins || time)
		queue_delayed_work(dstb_watch_wq, &node->grace_work, time);
	return begins || time;
}

static void grace_work_fn(struct work_struct *work)
{
	struct dstb_node *node =
		container_of(to_delayed_work(work), struct dstb_node, grace_work);
	bool begins = xchg(&node->grace_asks, false);
	unsigned long end = READ_ONCE(node->grace_end);
	u32 state = READ_ONCE(node->state);

	if (READ_ONCE(node->ready) || !READ_ONCE(node->vol->started))
		return;
	/* It was done without meanwhile: it has failed, say. */
	if (READ_ONCE(node->part) == DSTB_PART_OUT)
		return;
	/*
	 * It may have been suspended just now: then no time is counted. Or a while ago, when nobody
	 * else had what it has, and somebody has now. One that its target suspended is asked again
	 * soon.
	 */
	if (state == DST_NODE_STATE_SUSPENDED) {
		if (READ_ONCE(node->suspended))
			dstb_member_do_without(node, DSTB_PUT_OUT_SPARED);
		return;
	}
	/* Somebody who came in may have hurried it: dstb_member_overdue(). */
	if (state == DST_NODE_STATE_LOST && !begins && time_before(jiffies, end)) {
		queue_delayed_work(dstb_watch_wq, &node->grace_work, end - jiffies);
		return;
	}
	if (state != DST_NODE_STATE_LOST || !waits_on(node, begins))
		give_up(node);
}

/**
 * dstb_member_overdue() - somebody came in: lost nodes whose time is over may go now, and those
 * that are suspended
 * @vol:	the volume
 *
 * Context: any.
 */
void dstb_member_overdue(struct dstb_volume *vol)
{
	struct dstb_node *node;
	u32 i;

	rcu_read_lock();
	for (i = 0; (node = dstb_volume_node(vol, i)); i++)
		if ((READ_ONCE(node->state) == DST_NODE_STATE_LOST ||
		     READ_ONCE(node->state) == DST_NODE_STATE_SUSPENDED) &&
		    !delayed_work_pending(&node->grace_work))
			mod_delayed_work(dstb_watch_wq, &node->grace_work, 0);
	rcu_read_unlock();
}

/* By its target, or by the operator: no time is counted, and nobody waits who need not. */
static void suspended(struct dstb_node *node, const char *reason)
{
	if (!dstb_member_put_out(node, DSTB_PUT_OUT_SPARED))
		not_ready(node);
	cancel_delayed_work(&node->grace_work);
	WRITE_ONCE(node->grace_asks, false);
	dstb_node_set_state(node, DST_NODE_STATE_SUSPENDED, reason);
	/* Once more: whoever came in until now did not find it suspended. dstb_member_overdue() */
	dstb_member_do_without(node, DSTB_PUT_OUT_SPARED);
	dstb_dirty_kick(node->vol);
}

/*
 * A node's time begins. The policy is asked by the work, which is ended before the policy goes; who
 * calls this may come later. Says when the work is due.
 */
static unsigned long begin_grace(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	unsigned long grace = msecs_to_jiffies(vol->grace_ms);
	bool asks = READ_ONCE(vol->started) && dstb_has(&vol->map, node_event);

	WRITE_ONCE(node->grace, grace);
	WRITE_ONCE(node->grace_end, jiffies + grace);
	WRITE_ONCE(node->grace_asks, asks);
	return asks ? 0 : grace;
}

/*
 * A node that breaks again before it was there for as long as it may be missing, gets no more time
 * by having come back: else one that breaks at every request would hold that request for ever. Nor
 * does one that breaks before it is let in.
 */
static unsigned long go_on_with_grace(struct dstb_node *node)
{
	unsigned long grace = msecs_to_jiffies(node->vol->grace_ms), now = jiffies;
	unsigned long end = READ_ONCE(node->grace_end);

	if (READ_ONCE(node->state) != DST_NODE_STATE_LOST &&
	    time_after_eq(now, node->back + min(READ_ONCE(node->grace), grace)))
		return begin_grace(node);
	return !READ_ONCE(node->grace_asks) && time_after(end, now) ? end - now : 0;
}

/*
 * Its time first, then its state: dstb_member_overdue() lets the work run at once where it sees
 * that the node is lost.
 */
static void lost(struct dstb_node *node, const char *reason, bool anew)
{
	unsigned long due = anew ? begin_grace(node) : go_on_with_grace(node);

	dstb_node_set_state(node, DST_NODE_STATE_LOST, reason);
	mod_delayed_work(dstb_watch_wq, &node->grace_work, due);
}

/* Or is it one that is just being added, or has been removed? */
static bool is_member(const struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	bool ok;

	spin_lock_irq(&vol->member_lock);
	ok = !vol->started ||
	     (node->index < vol->nr_nodes && vol->nodes[node->index] == node);
	spin_unlock_irq(&vol->member_lock);
	return ok;
}

/**
 * dstb_member_lost() - the session of a node is broken
 * @node:	the node
 * @bye:	enum dst_wire_status that the target said good-bye with; 0: it did not
 * @reason:	a sentence
 *
 * Comes before what was under way is given back to the node.
 * Context: process, may sleep.
 */
void dstb_member_lost(struct dstb_node *node, u32 bye, const char *reason)
{
	struct dstb_volume *vol = node->vol;

	if (!vol->super) {
		dstb_member_put_out(node, DSTB_PUT_OUT_ALWAYS);
		dstb_node_set_state(node, DST_NODE_STATE_FAILED, reason);
		dstb_node_end_pending(node);
		return;
	}
	if (bye == DST_WIRE_EFENCED && is_member(node)) {
		dstb_member_fence(vol, "another one has taken its nodes over");
		return;
	}
	if (bye == DST_WIRE_ESUSPENDED || READ_ONCE(node->leaving)) {
		suspended(node, "by its target");
		return;
	}
	if (!not_ready(node)) {
		if (READ_ONCE(node->state) == DST_NODE_STATE_CONNECTING)
			dstb_node_set_state(node, DST_NODE_STATE_AWAY, reason);
		return;
	}
	lost(node, reason, false);
}

static void leave_fn(struct dstb_node *node)
{
	u32 status = READ_ONCE(node->leave_status);

	if (READ_ONCE(node->vol->gate_dead)) {
		WRITE_ONCE(node->leaving, false);
	} else if (!node->vol->super || (status && status != DST_WIRE_ESUSPENDED)) {
		/* An export of this kernel: nobody closes the session but us. */
		WRITE_ONCE(node->leaving, false);
		dstb_member_lost(node, status, "the export was taken from it");
	} else {
		suspended(node, "by its target");
	}
	/* What is under way ends in peace; then the session. */
	while (dstb_node_busy(node) && !READ_ONCE(node->closing))
		msleep(20);
	node->ops->close(node);
	dstb_member_reconnect(node);
}

/**
 * dstb_member_leaving() - a node's target asks to do without it
 * @node:	the node
 *
 * A volume that is being made does so when it is there.
 * Context: any.
 */
void dstb_member_leaving(struct dstb_node *node)
{
	/*
	 * Without metadata it could not come back: it stays until the session is closed. An export
	 * of this kernel does not do that.
	 */
	if (!node->vol->super && node->config.addr.len)
		return;
	WRITE_ONCE(node->leaving, true);
	smp_mb(); /* leaving, then the look: pairs with dstb_member_start() */
	if (READ_ONCE(node->vol->started))
		mod_delayed_work(node->vol->node_wq, &node->reconnect, 0);
}

/* ---- back: connecting ---- */

static u32 retry_ms(const struct dstb_node *node, int err)
{
	u32 ms = RETRY_MIN_MS << min(node->tries, 6U);

	ms = min(ms, RETRY_MAX_MS);
	if (err == -EAGAIN)
		ms = RETRY_LEAVE_MS;
	if (err == -EMEDIUMTYPE)
		ms = RETRY_RARE_MS;
	/* Not all at the same time, when a switch comes back. */
	return ms * 3 / 4 + get_random_u32_below(ms / 2 + 1);
}

/**
 * dstb_member_refuse() - a node is not let in; it is tried again, rarely
 * @node:	the node
 * @reason:	a sentence
 *
 * Where nobody else has its data, requests wait for the right medium.
 * Context: process, may sleep.
 */
void dstb_member_refuse(struct dstb_node *node, const char *reason)
{
	if (dstb_member_put_out(node, DSTB_PUT_OUT_SPARED)) {
		dstb_node_set_state(node, DST_NODE_STATE_REFUSED, reason);
		dstb_node_end_pending(node);
	} else {
		dstb_node_set_state(node, DST_NODE_STATE_LOST, reason);
	}
	dstb_node_look_first(node);
	dstb_member_kick(node->vol);
	queue_delayed_work(node->vol->node_wq, &node->reconnect, msecs_to_jiffies(RETRY_RARE_MS));
}

/*
 * We have been fenced at this node. Is there data that all nodes which have it refuse us for that?
 * They will as long as this volume lives.
 */
static bool all_fenced(struct dstb_node *node)
{
	struct dstb_volume *vol = node->vol;
	u32 gone = 0, i;

	WRITE_ONCE(node->fenced, true);
	spin_lock_irq(&vol->member_lock);
	for (i = 0; i < vol->nr_data; i++)
		gone += !dstb_node_in_sync(vol->nodes[i]) || READ_ONCE(vol->nodes[i]->fenced);
	spin_unlock_irq(&vol->member_lock);
	return !node->config.witness && gone >= vol->map.layout.copies;
}

static void not_connected(struct dstb_node *node, int err, const char *why)
{
	/*
	 * Another one wrote to it since we did. That alone is no reason to stop: it may have given
	 * up again. Without this node we go on, if there is a quorum and others have its data.
	 */
	if (err == -ESTALE) {
		if (all_fenced(node))
			dstb_member_fence(node->vol, "another one has taken its nodes over");
		else
			dstb_member_refuse(node, why);
		return;
	}
	if (err == -EAGAIN) {
		suspended(node, "by its target");
	} else if (err == -EMEDIUMTYPE && READ_ONCE(node->part) == DSTB_PART_OUT) {
		dstb_node_look_first(node);
		dstb_node_set_state(node, DST_NODE_STATE_REFUSED, why);
	} else if (READ_ONCE(node->state) == DST_NODE_STATE_AWAY ||
		   READ_ONCE(node->state) == DST_NODE_STATE_CONNECTING) {
		dstb_node_set_state(node, READ_ONCE(node->state), why);
	} else if (READ_ONCE(node->state) == DST_NODE_STATE_SUSPENDED && !node->suspended &&
		   READ_ONCE(node->part) != DSTB_PART_OUT) {
		/* It is not the target's maintenance any more. */
		lost(node, why, true);
	}
	node->tries++;
	queue_delayed_work(node->vol->node_wq, &node->reconnect,
			   msecs_to_jiffies(retry_ms(node, err)));
}

/* One that breaks as soon as it is connected is left alone for longer and longer. */
static void connected(struct dstb_node *node)
{
	if (time_after(jiffies, READ_ONCE(node->not_before) + msecs_to_jiffies(STEADY_MS)))
		node->tries = 0;
	else
		node->tries++;
	WRITE_ONCE(node->not_before,
		   jiffies + msecs_to_jiffies(node->tries ? retry_ms(node, 0) : 0));
}

/* Says whether its medium is to be looked at. */
static bool reconnect(struct dstb_node *node)
{
	unsigned long not_before = READ_ONCE(node->not_before);
	struct netlink_ext_ack extack = {};
	int err;

	if (READ_ONCE(node->closing))
		return false;
	/* Somebody waits for that, whatever has become of the volume. */
	if (READ_ONCE(node->leaving) && dstb_node_connections(node)) {
		leave_fn(node);
		return false;
	}
	/* Without metadata it does not come back: it may have been asked twice to leave. */
	if (READ_ONCE(node->vol->gate_dead) || !node->vol->super)
		return false;
	if (READ_ONCE(node->ready) || node->suspended ||
	    (!node->config.path[0] && !node->config.addr.len))
		return false;
	/* It is tried again. From here on it may fail anew. */
	if (READ_ONCE(node->state) == DST_NODE_STATE_FAILED)
		dstb_node_set_state(node, DST_NODE_STATE_CONNECTING, "");
	if (!dstb_node_connections(node)) {
		if (time_before(jiffies, not_before)) {
			queue_delayed_work(node->vol->node_wq, &node->reconnect,
					   not_before - jiffies);
			return false;
		}
		/* That was about the session that is gone. */
		WRITE_ONCE(node->leaving, false);
		err = node->ops->reopen(node, &extack);
		if (err) {
			not_connected(node, err, extack._msg ?: "can't be connected");
			return false;
		}
		WRITE_ONCE(node->fenced, false);
		connected(node);
	}
	return true;
}

static void reconnect_fn(struct work_struct *work)
{
	struct dstb_node *node =
		container_of(to_delayed_work(work), struct dstb_node, reconnect);
	/* The volume may be what memory is to be reclaimed through. */
	unsigned int noio = memalloc_noio_save();
	bool admit;

	mutex_lock(&node->link);
	admit = reconnect(node);
	mutex_unlock(&node->link);
	/* After the lock: the admission does not wait for it. */
	if (admit)
		queue_work(node->vol->meta_wq, &node->admit_work);
	memalloc_noio_restore(noio);
}

/**
 * dstb_member_reconnect() - connect a node again, soon
 * @node:	the node
 *
 * Context: any.
 */
void dstb_member_reconnect(struct dstb_node *node)
{
	/* Something has happened: what was planned for later need not be waited for. */
	if (node->vol->super && node->vol->started && !READ_ONCE(node->closing))
		mod_delayed_work(node->vol->node_wq, &node->reconnect,
				 msecs_to_jiffies(RETRY_MIN_MS / 4));
}

/**
 * dstb_member_retry() - connect a node again after a while, even if it has failed
 * @node:	the node, not in service
 * @ms:		when, at the latest: whoever has something sooner in mind goes first
 *
 * Nothing happens then if the operator has suspended it, or it is in service. If it can't be
 * connected, it is tried again like any other. A volume that is being made, or taken apart, does
 * not.
 * Context: any.
 */
void dstb_member_retry(struct dstb_node *node, u32 ms)
{
	/* While the volume is made nobody else looks at its nodes. Then dstb_member_start does. */
	if (READ_ONCE(node->vol->started) && !READ_ONCE(node->closing))
		queue_delayed_work(node->vol->node_wq, &node->reconnect, msecs_to_jiffies(ms));
}

/* ---- the operator ---- */

/*
 * Nobody else has what may be in the node's cache, and who suspends a disk may well take its power
 * away. A target that can't be reached tells by its life whether it has it still.
 */
static void flush_last(struct dstb_node *node)
{
	int err;

	if (READ_ONCE(node->part) != DSTB_PART_IN || node->config.witness ||
	    !dstb_node_may_cache(node) || READ_ONCE(node->closing))
		return;
	err = dstb_raw_one(node, REQ_OP_FLUSH, true, 0, 0, NULL);
	/* Another one may be back meanwhile. */
	if (!err || err == -ENOLINK || READ_ONCE(node->part) != DSTB_PART_IN)
		return;
	pr_warn("volume %s: node %u can't be flushed (error %d): what its cache has may be lost\n",
		node->vol->name, node->index, -err);
	/* The next flush says so. */
	atomic_inc(&node->vol->losses);
	dstb_dirty_doubt(node->vol);
}

/**
 * dstb_member_suspend() - do without a node until dstb_member_resume()
 * @node:	the node
 *
 * Context: process; sleeps until what is under way on it has ended, and, where nobody else has its
 * data, it has been flushed.
 */
void dstb_member_suspend(struct dstb_node *node)
{
	WRITE_ONCE(node->suspended, true);
	cancel_delayed_work_sync(&node->reconnect);
	cancel_work_sync(&node->admit_work);
	suspended(node, "by the operator");
	while (dstb_node_busy(node) && !READ_ONCE(node->closing))
		msleep(20);
	flush_last(node);
	cancel_delayed_work_sync(&node->reconnect);
	mutex_lock(&node->link);
	node->ops->close(node);
	mutex_unlock(&node->link);
}

/**
 * dstb_member_resume() - connect a node and look at it
 * @node:	the node, not in service
 *
 * Context: process, may sleep.
 */
void dstb_member_resume(struct dstb_node *node)
{
	WRITE_ONCE(node->suspended, false);
	WRITE_ONCE(node->not_before, jiffies);
	node->tries = 0;
	if (READ_ONCE(node->part) == DSTB_PART_OUT)
		dstb_node_set_state(node, DST_NODE_STATE_CONNECTING, "");
	mod_delayed_work(node->vol->node_wq, &node->reconnect, 0);
}

/* ---- life ---- */

/**
 * dstb_member_init_node() - prepare a node
 * @node:	the node
 */
void dstb_member_init_node(struct dstb_node *node)
{
	INIT_DELAYED_WORK(&node->reconnect, reconnect_fn);
	INIT_DELAYED_WORK(&node->grace_work, grace_work_fn);
	node->grace = msecs_to_jiffies(node->vol->grace_ms);
	node->grace_end = jiffies;
	node->not_before = jiffies;
	node->back = jiffies - node->grace;
	INIT_WORK(&node->admit_work, dstb_admit_work_fn);
}

/**
 * dstb_member_init() - prepare a volume with metadata
 * @vol:	the volume, being made
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM; dstb_member_exit() either way.
 */
int dstb_member_init(struct dstb_volume *vol)
{
	INIT_DELAYED_WORK(&vol->member_work, dstb_record_work_fn);
	vol->meta_wq = alloc_ordered_workqueue("dstb-meta-%s", WQ_MEM_RECLAIM, vol->name);
	return vol->meta_wq ? dstb_super_init(vol) : -ENOMEM;
}

/**
 * dstb_member_start() - nodes may come and go from now on
 * @vol:	the volume, made
 *
 * Context: process.
 */
void dstb_member_start(struct dstb_volume *vol)
{
	u32 i;

	WRITE_ONCE(vol->started, true);
	smp_mb(); /* then the look for those that were lost before, or are to be left */
	mutex_lock(&vol->nodes_lock);
	for (i = 0; i < vol->nr_nodes; i++) {
		struct dstb_node *node = vol->nodes[i];

		if (READ_ONCE(node->leaving))
			dstb_member_leaving(node);
		else if (!READ_ONCE(node->ready))
			dstb_member_reconnect(node);
	}
	mutex_unlock(&vol->nodes_lock);
	if (vol->super) {
		dstb_member_kick(vol);
		dstb_dirty_kick(vol);
		dstb_member_overdue(vol);
		dstb_resync_kick(vol);
	}
}

/**
 * dstb_member_quiesce_node() - a node comes and goes no longer
 * @node:	the node
 *
 * Context: process, may sleep; its link is not held.
 */
void dstb_member_quiesce_node(struct dstb_node *node)
{
	WRITE_ONCE(node->closing, true);
	disable_delayed_work_sync(&node->reconnect);
	disable_delayed_work_sync(&node->grace_work);
	disable_work_sync(&node->admit_work);
}

/**
 * dstb_member_quiesce() - nodes come and go no longer: the volume is being stopped
 * @vol:	the volume
 *
 * Context: process, may sleep.
 */
void dstb_member_quiesce(struct dstb_volume *vol)
{
	u32 i;

	for (i = 0; vol->nodes && i < vol->nr_nodes; i++)
		if (vol->nodes[i])
			dstb_member_quiesce_node(vol->nodes[i]);
}

/**
 * dstb_member_stop() - the end of a volume's metadata
 * @vol:	the volume; nothing is under way, dstb_member_quiesce() was called
 * @clean:	it was stopped in an orderly way
 *
 * Context: process, may sleep.
 */
void dstb_member_stop(struct dstb_volume *vol, bool clean)
{
	if (!vol->super)
		return;
	dstb_resync_stop(vol);
	disable_delayed_work_sync(&vol->member_work);
	dstb_dirty_stop(vol);
	if (clean && !vol->gate_dead)
		dstb_record_clean(vol);
}

/**
 * dstb_member_exit() - the reverse of dstb_member_init()
 * @vol:	the volume, stopped or never made
 *
 * Context: process, may sleep.
 */
void dstb_member_exit(struct dstb_volume *vol)
{
	if (vol->meta_wq)
		destroy_workqueue(vol->meta_wq);
	dstb_dirty_exit(vol);
	dstb_super_exit(vol);
}
