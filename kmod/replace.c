// SPDX-License-Identifier: GPL-2.0
/*
 * Another medium in the place of a node, while the volume runs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/slab.h>

#include "dirty.h"
#include "export.h"
#include "io.h"
#include "main.h"
#include "member.h"
#include "member_int.h"
#include "node.h"
#include "resync.h"
#include "session.h"
#include "super.h"
#include "volume.h"

/**
 * dstb_member_check_medium() - a medium is to be a node's: is it free for that?
 * @node:	the node, open
 * @adopt:	it need not be
 * @extack:	gets the sentence
 *
 * Context: the volume's meta_wq.
 * Return: 0 or a negative errno.
 */
int dstb_member_check_medium(struct dstb_node *node, bool adopt,
			     struct netlink_ext_ack *extack)
{
	u64 sector;
	int err;

	err = adopt ? 0 : dstb_super_blank(node, &sector);
	if (err == -EEXIST)
		NL_SET_ERR_MSG_FMT(extack,
				   "it is not blank (sector %llu): --adopt loses what is on it",
				   sector);
	else if (err)
		NL_SET_ERR_MSG_FMT(extack, "it can't be read (error %d)", -err);
	return err;
}

/**
 * struct replacement - a node's new medium, for the meta_wq
 * @work:	looks at it, or brings it in
 * @node:	the node
 * @adopt:	although it is not blank
 * @extack:	gets the sentence
 * @err:	how it went
 */
struct replacement {
	struct work_struct work;
	struct dstb_node *node;
	bool adopt;
	struct netlink_ext_ack *extack;
	int err;
};

static void replace_fn(struct work_struct *work)
{
	struct replacement *r = container_of(work, struct replacement, work);
	struct dstb_node *node = r->node;

	if (node->look) {
		r->err = dstb_member_check_medium(node, r->adopt, r->extack);
		return;
	}
	/* It is out; its superblock must not say that it is in sync. */
	if (!dstb_admit_record_out(node)) {
		const struct dstb_node *first = dstb_record_stuck(node->vol);

		if (first)
			NL_SET_ERR_MSG_FMT(r->extack,
					   "only node %u has all that was acknowledged, and it is lost: try again",
					   first->index);
		else
			NL_SET_ERR_MSG_FMT(r->extack,
					   "writes that were acknowledged early are under way: try again");
		r->err = -EBUSY;
		return;
	}
	dstb_admit_begin(node);
	r->err = dstb_member_check_medium(node, r->adopt, r->extack);
	if (!r->err)
		r->err = dstb_super_wipe(node);
	if (r->err)
		return;
	node->super_seq = 0;
	dstb_admit_new_medium(node);
}

static int bring_in(struct dstb_node *node, bool adopt, struct netlink_ext_ack *extack)
{
	struct replacement r = { .node = node, .adopt = adopt, .extack = extack };

	INIT_WORK_ONSTACK(&r.work, replace_fn);
	queue_work(node->vol->meta_wq, &r.work);
	flush_work(&r.work);
	destroy_work_on_stack(&r.work);
	return r.err;
}

/* Which life of an export is there? 0: of none, it is a device. */
static int find_instance(struct dstb_volume *vol, const struct dstb_node_config *to, u64 *instance,
			 struct netlink_ext_ack *extack)
{
	struct dstb_node *probe;
	int err;

	*instance = 0;
	if (to->path[0]) {
		if (dstb_node_export(to))
			*instance = dstb_export_instance_of(vol->net, dstb_node_export(to));
		return 0;
	}
	err = dstb_addr_check(&to->addr, extack);
	if (err)
		return err;
	probe = dstb_node_alloc(vol, vol->nr_nodes, to);
	if (!probe)
		return -ENOMEM;
	probe->look = true;
	probe->probing = true;
	err = dstb_handshake_probe(probe, instance, extack);
	dstb_node_destroy(probe);
	return err;
}

/*
 * The same export by another address: the target would end the session of the node that is there,
 * before anything could be seen of its medium.
 */
static int check_export(struct dstb_volume *vol, const struct dstb_node *node,
			const struct dstb_node_config *to, struct netlink_ext_ack *extack)
{
	u64 instance;
	int err;
	u32 i;

	err = find_instance(vol, to, &instance, extack);
	for (i = 0; !err && instance && i < vol->nr_nodes; i++) {
		const struct dstb_node *other = vol->nodes[i];
		const char *name = dstb_node_export(&other->config);

		/* Numbers of targets that are not ours may be not so random: the name, too. */
		if (other == node || READ_ONCE(other->instance) != instance || !name ||
		    strcmp(name, dstb_node_export(to)))
			continue;
		NL_SET_ERR_MSG_FMT(extack, "that is the export of node %u of the volume", i);
		err = -EEXIST;
	}
	return err;
}

/**
 * dstb_member_check_place() - is another node of the volume there already?
 * @vol:	the volume
 * @node:	the node that is to be there; NULL: none of its yet
 * @to:		where
 * @extack:	gets the sentence
 *
 * Context: process, with the control_lock; sleeps, seconds at most.
 * Return: 0, -EEXIST, or why it can't be asked.
 */
int dstb_member_check_place(struct dstb_volume *vol, const struct dstb_node *node,
			    const struct dstb_node_config *to, struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < vol->nr_nodes; i++) {
		const struct dstb_node_config *other = &vol->nodes[i]->config;

		if (vol->nodes[i] == node || strcmp(other->path, to->path) ||
		    (!to->path[0] && (!dstb_addr_equal(&other->addr, &to->addr) ||
				      strcmp(other->export, to->export))))
			continue;
		NL_SET_ERR_MSG_FMT(extack, "that is node %u of the volume", i);
		return -EEXIST;
	}
	return check_export(vol, node, to, extack);
}

/* Where the node is from now on; it is closed. Whoever shows it looks under its lock. */
static void move_node(struct dstb_node *node, const struct dstb_node_config *to)
{
	spin_lock_irq(&node->lock);
	strscpy(node->config.path, to->path, sizeof(node->config.path));
	node->config.addr = to->addr;
	strscpy(node->config.export, to->export, sizeof(node->config.export));
	WRITE_ONCE(node->ops, dstb_node_ops_of(to));
	WRITE_ONCE(node->fenced, false);
	node->dev = to->dev;
	spin_unlock_irq(&node->lock);
	/* Whoever has it keeps it, even if the volume has taken over the others. */
	WRITE_ONCE(node->taken, true);
}

/**
 * dstb_member_replace() - put another medium in the place of a node
 * @node:	the node
 * @cfg:	where the new one is
 * @adopt:	although it is not blank
 * @extack:	gets the sentence
 *
 * Context: process; sleeps.
 * Return: 0 or a negative errno, and the node is what it was, but suspended.
 */
int dstb_member_replace(struct dstb_node *node, const struct dstb_node_config *cfg, bool adopt,
			struct netlink_ext_ack *extack)
{
	struct dstb_node_config old = node->config;
	struct dstb_volume *vol = node->vol;
	int err;

	old.dev = node->dev;
	if (!node->config.witness && !vol->dirty.bits) {
		NL_SET_ERR_MSG_FMT(extack, "nobody else has the data of node %u", node->index);
		return -EINVAL;
	}
	err = dstb_member_check_place(vol, node, cfg, extack);
	if (err)
		return err;
	if (!dstb_member_put_out(node, DSTB_PUT_OUT_SPARED)) {
		NL_SET_ERR_MSG_FMT(extack, "node %u is the last one that has all data",
				   node->index);
		return -EBUSY;
	}
	dstb_member_kick(vol);
	dstb_member_suspend(node);
	move_node(node, cfg);
	/* Until it is in: whoever looks at it, or is to leave it, waits. */
	mutex_lock(&node->link);
	if (!adopt)
		dstb_node_look_first(node);
	err = node->ops->reopen(node, extack);
	if (!err && node->look)
		err = bring_in(node, adopt, extack) ?: dstb_node_own(node, extack);
	if (!err) {
		WRITE_ONCE(node->suspended, false);
		err = bring_in(node, adopt, extack);
	}
	mutex_unlock(&node->link);
	if (!err)
		return 0;
	WRITE_ONCE(node->suspended, true);
	cancel_delayed_work_sync(&node->reconnect);
	cancel_work_sync(&node->admit_work);
	mutex_lock(&node->link);
	node->ops->close(node);
	mutex_unlock(&node->link);
	move_node(node, &old);
	return err;
}
