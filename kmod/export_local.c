// SPDX-License-Identifier: GPL-2.0
/*
 * Volumes of this kernel at an export, without a socket. A disk that is a node here and exported to
 * the partner has one owner in this way: what excludes whom, who is replaced and who is fenced is
 * decided by the same claims as for those who come over the network.
 *
 * The holder submits to the export's device itself. So it is the holder who knows when nothing of
 * it is with the device: it is asked to leave, stops, waits, and detaches; until then nobody takes
 * its place. dstb_target_lock protects the session; leave() is called with it held, so it is not
 * called any more when dstb_export_detach() has returned.
 */
#include <linux/netlink.h>
#include <linux/slab.h>

#include "chain.h"
#include "target.h"

#define LOOK_MS	200

static void claim_kick(struct dstb_claim *claim)
{
	complete(&container_of(claim, struct dstb_local_session, claim)->kicked);
}

/*
 * Waits until the claim is decided. dstb_target_lock is held, and dropped while waiting; the caller
 * has a reference on the export. Returns 0 with the sentence if it was refused. When the volume is
 * stopped by force, nobody waits on.
 */
static int wait_decided(struct dstb_local_session *ls, struct dstb_export *exp,
			const struct dstb_volume *vol, const struct dst_wire_hello *hello,
			u32 *status, char *text)
{
	long left;

	for (;;) {
		if (exp->removed) {
			scnprintf(text, DST_WIRE_TEXT, "no export named '%s' here",
				  exp->config.name);
			*status = DST_WIRE_ENOENT;
			return 0;
		}
		*status = dstb_claim_decide(&ls->claim, exp, hello, text);
		if (*status != DSTB_CLAIM_WAIT)
			return 0;
		mutex_unlock(&dstb_target_lock);
		left = wait_for_completion_interruptible_timeout(&ls->kicked,
								 msecs_to_jiffies(LOOK_MS));
		mutex_lock(&dstb_target_lock);
		if (left < 0)
			return -EINTR;
		if (READ_ONCE(vol->gate_dead))
			return -ECANCELED;
		/* After the lock: a kick that has come since is about what is looked at now. */
		reinit_completion(&ls->kicked);
	}
}

static int attach(struct dstb_local_session *ls, struct dstb_export *exp,
		  const struct dstb_volume *vol, const struct dst_wire_hello *hello,
		  struct netlink_ext_ack *extack)
{
	char text[DST_WIRE_TEXT];
	u32 status;
	int err;

	err = wait_decided(ls, exp, vol, hello, &status, text);
	if (!err && status) {
		NL_SET_ERR_MSG_FMT(extack, "%.79s", text);
		err = dstb_wire_errno(status);
	}
	if (!err) {
		dstb_tsession_init(&ls->sess, exp, &ls->claim, hello);
		ls->sess.local = ls;
		strscpy(ls->sess.info.peer, "local", sizeof(ls->sess.info.peer));
		dstb_tsession_opened(&ls->sess);
	}
	dstb_claim_drop(&ls->claim);
	return err;
}

static void claim_fill(struct dstb_claim *claim, const struct dstb_volume *vol, u32 role,
		       bool takeover)
{
	dstb_claim_init(claim, claim_kick);
	claim->who.client = vol->uuid;
	claim->who.instance = vol->instance;
	claim->volume = vol->name;
	claim->role = role;
	claim->takeover = takeover && role == DST_WIRE_WRITER;
}

/**
 * dstb_export_attach() - use the device of an export of this kernel, as its owner
 * @vol:	the volume; the export is looked for in its network namespace. Its uuid and
 *		instance are what the export goes by
 * @name:	name of the export
 * @role:	enum dst_wire_role
 * @takeover:	fence other writers. As in HELLO: not when the volume comes back to this export
 * @leave:	asks the holder to stop its I/O, wait for what is under way, and detach. May be
 *		called several times, and even before this function has returned. @status says why,
 *		@why does in a sentence that is gone after the call: DST_WIRE_EFENCED: another one
 *		has taken the export over, do not come back. DST_WIRE_ESUSPENDED: come back when it
 *		is resumed, until then attaching fails with -EAGAIN. DST_WIRE_EGONE: the export is
 *		being removed. DST_WIRE_ESESSION: the same volume has attached once more, or has
 *		come in over the network. Called with dstb_target_lock held, in a process: it must
 *		not wait for I/O, nor call anything of this header; queue a work item and return
 * @arg:	for @leave
 * @extack:	gets the sentence, or NULL
 *
 * Waits until nothing of those whose place is taken is with the device. No lock is held meanwhile.
 *
 * Context: process; sleeps as long as the device takes, at most DSTB_CLAIM_MS. Signals end it.
 * Return: the session, or an ERR_PTR: -ENOENT no such export, -EBUSY somebody else has it,
 * -ETIMEDOUT the device took too long, -ESTALE this instance of the volume was fenced, -EAGAIN the
 * export is suspended, -EROFS, -ELOOP, -EUSERS, -EINTR, -ENOMEM, -ECANCELED the volume is stopped
 * by force.
 */
struct dstb_local_session *dstb_export_attach(const struct dstb_volume *vol, const char *name,
					      u32 role, bool takeover,
					      void (*leave)(void *arg, u32 status, const char *why),
					      void *arg, struct netlink_ext_ack *extack)
{
	struct dstb_local_session *ls;
	struct dst_wire_hello *hello;
	struct dstb_export *exp;
	int err = -ENOMEM;

	ls = kzalloc(sizeof(*ls), GFP_KERNEL);
	hello = kzalloc(sizeof(*hello), GFP_KERNEL);
	if (!ls || !hello)
		goto free;
	claim_fill(&ls->claim, vol, role, takeover);
	dstb_chain_fill(vol, hello);
	init_completion(&ls->kicked);
	ls->leave = leave;
	ls->arg = arg;
	exp = dstb_export_get(vol->net, name);
	if (exp) {
		mutex_lock(&dstb_target_lock);
		err = attach(ls, exp, vol, hello, extack);
		mutex_unlock(&dstb_target_lock);
		/* The session keeps the reference. */
		if (err)
			dstb_export_put(exp);
	} else {
		NL_SET_ERR_MSG_FMT(extack, "no export named '%.40s' here", name);
		err = -ENOENT;
	}
free:
	kfree(hello);
	if (!err)
		return ls;
	kfree(ls);
	return ERR_PTR(err);
}

/**
 * dstb_export_detach() - let go of an export
 * @ls:		the session; gone after this. Nothing of the holder is with the device any more:
 *		others are let in at once
 *
 * Context: process, may sleep, not for the device.
 */
void dstb_export_detach(struct dstb_local_session *ls)
{
	struct dstb_export *exp = ls->sess.export;

	mutex_lock(&dstb_target_lock);
	dstb_tsession_closed(&ls->sess, "detached");
	mutex_unlock(&dstb_target_lock);
	dstb_export_put(exp);
	kfree(ls);
}

/**
 * dstb_export_bdev() - the device of an export that a volume is attached to
 * @ls:		the session
 *
 * It is open for as long as the session is there, for writing unless the export is read-only.
 *
 * Context: any.
 * Return: the device.
 */
struct block_device *dstb_export_bdev(const struct dstb_local_session *ls)
{
	return ls->sess.export->bdev;
}

/**
 * dstb_export_instance() - which life of the export a volume is attached to
 * @ls:		the session
 *
 * As in WELCOME: another one than the last time may have lost what was in a volatile cache.
 *
 * Context: process, may sleep.
 * Return: the number, never 0.
 */
u64 dstb_export_instance(const struct dstb_local_session *ls)
{
	u64 instance;

	mutex_lock(&dstb_target_lock);
	instance = ls->sess.export->instance;
	mutex_unlock(&dstb_target_lock);
	return instance;
}

/**
 * dstb_export_instance_of() - which life of an export of this kernel it is
 * @net:	network namespace
 * @name:	its name
 *
 * Context: process, may sleep.
 * Return: as dstb_export_instance(); 0: there is no such export.
 */
u64 dstb_export_instance_of(struct net *net, const char *name)
{
	struct dstb_export *exp = dstb_export_get(net, name);
	u64 instance;

	if (!exp)
		return 0;
	mutex_lock(&dstb_target_lock);
	instance = exp->instance;
	mutex_unlock(&dstb_target_lock);
	dstb_export_put(exp);
	return instance;
}
