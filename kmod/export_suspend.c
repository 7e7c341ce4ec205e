// SPDX-License-Identifier: GPL-2.0
/*
 * Exports that are suspended for a while: asked of everybody to leave, done when the device is
 * idle, undone by resume.
 *
 * The flag is what counts: set under dstb_target_lock before anybody is told, so nobody comes in
 * meanwhile. The waiting is done without the lock, holding a reference on the export; what may have
 * happened to it is looked at after each wait: removed, resumed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/file.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>

#include "event.h"
#include "target.h"

#define PATIENCE_MS	30000	/* for initiators that are asked to leave */
#define LOOK_MS		200
#define CALM_LOOKS	5	/* so often in turn nothing of them was with the device */

/* Is there still something to wait for? */
static bool waits(const struct dstb_export *exp)
{
	return READ_ONCE(exp->nr_sessions) && READ_ONCE(exp->suspended) && !READ_ONCE(exp->removed);
}

static bool all_idle(const struct dstb_export *exp)
{
	struct dstb_tsession *sess;
	struct dstb_tconn *tc;

	list_for_each_entry(sess, &exp->sessions, list) {
		/* Only it knows what it has with the device: it leaves when it has nothing. */
		if (sess->local)
			return false;
		list_for_each_entry(tc, &sess->tconns, list)
			if (dstb_tconn_busy(tc))
				return false;
	}
	return true;
}

static void tell_leaving(struct dstb_export *exp)
{
	struct dstb_tsession *sess;
	struct dstb_tconn *tc;

	list_for_each_entry(sess, &exp->sessions, list) {
		if (sess->local)
			sess->local->leave(sess->local->arg, DST_WIRE_ESUSPENDED,
					   "the export is being suspended");
		list_for_each_entry(tc, &sess->tconns, list)
			dstb_tconn_leaving(tc);
	}
}

/* Lets the initiators leave in their own time, which is limited. Drops the lock while waiting. */
static void wait_polite(struct dstb_export *exp)
{
	unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);
	u32 calm = 0;

	while (waits(exp) && calm < CALM_LOOKS && time_before(jiffies, end) &&
	       !signal_pending(current)) {
		mutex_unlock(&dstb_target_lock);
		wait_event_interruptible_timeout(exp->gone, !waits(exp), msecs_to_jiffies(LOOK_MS));
		mutex_lock(&dstb_target_lock);
		calm = all_idle(exp) ? calm + 1 : 0;
	}
}

/* Ends who has not left, and waits for the device. Drops the lock while waiting. */
static int wait_end(struct dstb_export *exp)
{
	struct dstb_tsession *sess;
	int err = 0;

	if (waits(exp))
		list_for_each_entry(sess, &exp->sessions, list)
			dstb_tsession_end(sess, DST_WIRE_ESUSPENDED, "the export is suspended");
	while (waits(exp) && !err) {
		mutex_unlock(&dstb_target_lock);
		err = wait_event_interruptible(exp->gone, !waits(exp));
		mutex_lock(&dstb_target_lock);
	}
	return err;
}

static bool has_cache(const struct dstb_export *exp)
{
	return !exp->config.read_only && bdev_write_cache(exp->bdev);
}

/*
 * Nothing that was replied to is left in a volatile cache: whatever is done to the device while the
 * export is suspended, this is the same life of it. Drops the lock while it flushes: nobody may
 * come in meanwhile, for it is not known yet which life that would be.
 */
static int settle(struct dstb_export *exp)
{
	struct file *file;
	int err;

	if (!has_cache(exp))
		return 0;
	exp->settling = true;
	file = get_file(exp->bdev_file);
	mutex_unlock(&dstb_target_lock);
	err = blkdev_issue_flush(file_bdev(file));
	mutex_lock(&dstb_target_lock);
	fput(file);
	exp->settling = false;
	wake_up_all(&exp->gone);
	if (err)
		pr_warn("export %s: can't be flushed (error %d): what its cache has may be lost\n",
			exp->config.name, -err);
	return err;
}

static int suspend(struct dstb_export *exp, struct netlink_ext_ack *extack)
{
	const char *name = exp->config.name;
	int err, lost = 0;

	exp->suspended = true;
	exp->suspending = true;
	exp->unsettled = false;
	dstb_event_export(exp->net, name, "added", "suspended", "");
	dstb_claim_kick_all(exp);
	tell_leaving(exp);
	wait_polite(exp);
	err = wait_end(exp);
	if (exp->suspended && !exp->removed) {
		lost = err ? 0 : settle(exp);
		exp->unsettled = lost || (err && has_cache(exp));
	}
	exp->suspending = false;
	if (exp->removed) {
		NL_SET_ERR_MSG_FMT(extack, "export '%.20s' was removed meanwhile", name);
		return -ENOENT;
	}
	if (!exp->suspended) {
		NL_SET_ERR_MSG_FMT(extack, "export '%.20s' was resumed meanwhile", name);
		return -ECANCELED;
	}
	if (err)
		NL_SET_ERR_MSG_FMT(extack,
				   "interrupted: '%.20s' is suspended, its device is still busy",
				   name);
	if (lost)
		NL_SET_ERR_MSG_FMT(extack, "'%.20s' is suspended, but can't be flushed (error %d)",
				   name, -lost);
	return err ? -EINTR : lost;
}

static struct dstb_export *find(struct net *net, const char *name, struct netlink_ext_ack *extack)
{
	struct dstb_export *exp = dstb_export_lookup(net, name);

	if (exp && !exp->removed)
		return exp;
	NL_SET_ERR_MSG_FMT(extack, "no export named '%s'", name);
	return NULL;
}

/**
 * dstb_export_suspend() - have everybody leave an export, and let nobody in until it is resumed
 * @net:	network namespace
 * @name:	its name
 * @extack:	gets the sentence
 *
 * Context: process; sleeps until the device is idle. A signal ends the waiting, not the suspension.
 * Return: 0, -ENOENT, -EALREADY, -EBUSY if it is just being resumed, -ECANCELED if it was resumed
 * meanwhile; or -EINTR, or how its device could not be flushed, and it is suspended all the same.
 */
int dstb_export_suspend(struct net *net, const char *name, struct netlink_ext_ack *extack)
{
	struct dstb_export *exp;
	int err = -ENOENT;

	mutex_lock(&dstb_target_lock);
	exp = find(net, name, extack);
	if (!exp)
		goto unlock;
	err = -EALREADY;
	if (exp->suspended) {
		NL_SET_ERR_MSG_FMT(extack, "export '%.40s' is suspended already", name);
		goto unlock;
	}
	/* It was resumed, and who had suspended it has yet to look. */
	err = -EBUSY;
	if (exp->suspending) {
		NL_SET_ERR_MSG_FMT(extack, "export '%.20s' is being resumed: try again", name);
		goto unlock;
	}
	kref_get(&exp->kref);
	err = suspend(exp, extack);
	dstb_export_put(exp);
unlock:
	mutex_unlock(&dstb_target_lock);
	return err;
}

/* Until the device has been flushed. Drops the lock while waiting. */
static int wait_settled(struct dstb_export *exp, struct netlink_ext_ack *extack)
{
	int err = 0;

	while (exp->settling && !err) {
		mutex_unlock(&dstb_target_lock);
		err = wait_event_interruptible(exp->gone, !READ_ONCE(exp->settling));
		mutex_lock(&dstb_target_lock);
	}
	if (!err)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "interrupted: '%.20s' is still being flushed",
			   exp->config.name);
	return -EINTR;
}

static int resume(struct dstb_export *exp, struct netlink_ext_ack *extack)
{
	const char *name = exp->config.name;

	if (exp->removed) {
		NL_SET_ERR_MSG_FMT(extack, "export '%.20s' was removed meanwhile", name);
		return -ENOENT;
	}
	if (!exp->suspended) {
		NL_SET_ERR_MSG_FMT(extack, "export '%.40s' is not suspended", name);
		return -EALREADY;
	}
	exp->suspended = false;
	/* What was in a volatile cache may be lost: it is another life of it. */
	if (exp->unsettled)
		dstb_export_new_life(exp);
	dstb_event_export(exp->net, name, "suspended", "added", "");
	wake_up_all(&exp->gone);
	return 0;
}

/**
 * dstb_export_resume() - let initiators in again
 * @net:	network namespace
 * @name:	its name
 * @extack:	gets the sentence
 *
 * Context: process; sleeps as long as the device is being flushed.
 * Return: 0, -ENOENT, -EALREADY, or -EINTR.
 */
int dstb_export_resume(struct net *net, const char *name, struct netlink_ext_ack *extack)
{
	struct dstb_export *exp;
	int err = -ENOENT;

	mutex_lock(&dstb_target_lock);
	exp = find(net, name, extack);
	if (exp) {
		kref_get(&exp->kref);
		err = wait_settled(exp, extack) ?: resume(exp, extack);
		dstb_export_put(exp);
	}
	mutex_unlock(&dstb_target_lock);
	return err;
}
