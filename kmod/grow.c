// SPDX-License-Identifier: GPL-2.0
/*
 * A node more, or one less, while a volume runs. docs/recovery.md says why no crash finds two
 * volumes afterwards.
 *
 * All that can fail is done before anything changes: the new node is opened and looked at, the
 * policy asked, memory taken. Then, for a moment, there are no requests (dstb_io_freeze()), no
 * resync, and nothing else on the meta_wq; nobody commands (control_lock), goes through the nodes
 * (nodes_lock) or decides who is out (member_lock). In that moment the nodes, the mapping and the
 * table of the superblocks become others, and a new age with that table is recorded. If that finds
 * no quorum the volume is held until it does, as with any other age.
 *
 * The new node is let in after that, like one that was replaced: not before is anything on its
 * medium lost. A node that goes is put out and closed before that, as for a suspension; its memory
 * goes a grace period after it is in no list.
 *
 * The command waits for as long as the media take; for resync and requests under way FREEZE_MS at
 * most. To add one it does so until it is interrupted, with the lock of generic netlink that keeps
 * families from coming and going; to remove one, in a worker. It has the control_lock meanwhile.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "dirty.h"
#include "event.h"
#include "io.h"
#include "main.h"
#include "member.h"
#include "member_int.h"
#include "node.h"
#include "resync.h"
#include "super.h"
#include "volume.h"

#define FREEZE_MS	10000	/* for resync; then for requests under way, while new ones wait */
#define MAX_BLOCK	4096U	/* metadata is written in blocks of that size */

/**
 * struct change - a node that comes or goes
 * @work:	for the meta_wq
 * @fn:		what is to be done there
 * @vol:	the volume
 * @node:	the node
 * @slot:	its index
 * @add:	it comes
 * @adopt:	although its medium is not blank
 * @draft:	the mapping then; NULL: it is a witness, and the mapping stays
 * @pools:	what requests are made from then; afterwards, what they were made from
 * @old:	limits of the queue before
 * @extack:	gets the sentence
 * @err:	how it went
 */
struct change {
	struct work_struct work;
	void (*fn)(struct change *c);
	struct dstb_volume *vol;
	struct dstb_node *node;
	u32 slot;
	bool add;
	bool adopt;
	struct dstb_mapping *draft;
	struct dstb_io_pools pools;
	struct queue_limits old;
	struct netlink_ext_ack *extack;
	int err;
};

static void change_work_fn(struct work_struct *work)
{
	struct change *c = container_of(work, struct change, work);
	unsigned int noio = memalloc_noio_save();

	c->fn(c);
	memalloc_noio_restore(noio);
}

static int on_meta_wq(struct change *c, void (*fn)(struct change *c))
{
	c->fn = fn;
	c->err = 0;
	INIT_WORK_ONSTACK(&c->work, change_work_fn);
	queue_work(c->vol->meta_wq, &c->work);
	flush_work(&c->work);
	destroy_work_on_stack(&c->work);
	return c->err;
}

/* ---- may it be? ---- */

/* Another command may take as long as a device does. */
static int begin(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	if (!mutex_lock_interruptible(&vol->control_lock))
		return 0;
	NL_SET_ERR_MSG(extack, "interrupted while another command was under way");
	return -EINTR;
}

static int check_volume(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	bool quorum;

	if (!vol->super) {
		NL_SET_ERR_MSG_FMT(extack,
				   "volume '%s' has no metadata: its nodes are what they are",
				   vol->name);
		return -EOPNOTSUPP;
	}
	if (!READ_ONCE(vol->started) || READ_ONCE(vol->gate_dead)) {
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' is fenced, or not in service", vol->name);
		return -EBUSY;
	}
	if (test_bit(0, &vol->map.faulted)) {
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' is faulted", vol->name);
		return -EBUSY;
	}
	spin_lock_irq(&vol->lock);
	quorum = vol->quorum && !vol->degraded_ok;
	spin_unlock_irq(&vol->lock);
	if (!quorum) {
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' has no quorum", vol->name);
		return -EAGAIN;
	}
	return 0;
}

/* Requests for a node that is lost wait for it: they would not end. */
static int check_lost(const struct change *c)
{
	const struct dstb_volume *vol = c->vol;
	u32 i;

	for (i = 0; i < vol->nr_data; i++) {
		const struct dstb_node *node = vol->nodes[i];

		if (node == c->node || READ_ONCE(node->part) == DSTB_PART_OUT ||
		    READ_ONCE(node->ready))
			continue;
		NL_SET_ERR_MSG_FMT(c->extack,
				   "node %u is %s, requests wait for it: when it is back, or away",
				   i, dstb_node_state_name(READ_ONCE(node->state)));
		return -EAGAIN;
	}
	return 0;
}

/* Enough of the nodes that were in the old table and are in the new one. */
static int check_votes(const struct change *c)
{
	const struct dstb_volume *vol = c->vol;
	u32 need = DIV_ROUND_UP(vol->nr_nodes + c->add, 2), nr = 0, i;

	for (i = 0; i < vol->nr_nodes; i++)
		nr += vol->nodes[i] != c->node && READ_ONCE(vol->nodes[i]->ready);
	if (nr >= need)
		return 0;
	NL_SET_ERR_MSG_FMT(c->extack, "no quorum: %u of the %snodes are there, %u must be", nr,
			   c->add ? "" : "other ", need);
	return -EAGAIN;
}

/* Asks the policy about the nodes that there will be. */
static int draft_mapping(struct change *c)
{
	struct dstb_volume *vol = c->vol;
	struct dstb_layout_node *nodes;
	u32 i, nr = 0;
	int err;

	nodes = kcalloc(vol->nr_data + 1, sizeof(*nodes), GFP_KERNEL);
	if (!nodes)
		return -ENOMEM;
	for (i = 0; i < vol->nr_data + c->add; i++) {
		const struct dstb_node *node = i < vol->nr_data ? vol->nodes[i] : c->node;

		if (!c->add && node == c->node)
			continue;
		nodes[nr++] = (struct dstb_layout_node) {
			.size = node->data_sectors,
			.weight = node->config.weight,
			.zone = node->config.zone,
		};
	}
	c->draft = dstb_mapping_draft(&vol->map, nodes, nr, c->slot, c->extack);
	kfree(nodes);
	if (!IS_ERR(c->draft))
		return dstb_io_pools_make(&c->pools, c->draft->layout.copies, nr);
	err = PTR_ERR(c->draft);
	c->draft = NULL;
	return err;
}

static void change_free(struct change *c)
{
	dstb_mapping_scratch_free(c->draft);
	dstb_io_pools_free(&c->pools);
}

/* ---- the moment ---- */

static void table_add(struct change *c)
{
	struct dstb_volume *vol = c->vol;
	struct dstb_super *super = vol->super;
	struct dstb_super_node *entry = &super->nodes[c->slot];
	u32 i;

	for (i = vol->nr_nodes; i > c->slot; i--) {
		WRITE_ONCE(vol->nodes[i], vol->nodes[i - 1]);
		WRITE_ONCE(vol->nodes[i]->index, i);
		super->nodes[i] = super->nodes[i - 1];
	}
	*entry = (struct dstb_super_node) {
		.size = c->node->data_sectors,
		.weight = c->node->config.weight,
		.zone = c->node->config.zone,
		.flags = c->node->config.witness ? DST_DISK_NODE_WITNESS : 0,
	};
	export_uuid(entry->uuid, &c->node->uuid);
	/* The node, then the pointer, then the number: pairs with dstb_volume_node(). */
	smp_store_release(&vol->nodes[c->slot], c->node);
	/* likewise */
	smp_store_release(&vol->nr_nodes, vol->nr_nodes + 1);
	vol->newcomer = c->node;
}

static void table_remove(struct change *c)
{
	struct dstb_volume *vol = c->vol;
	struct dstb_super *super = vol->super;
	u32 i;

	for (i = c->slot; i + 1 < vol->nr_nodes; i++) {
		WRITE_ONCE(vol->nodes[i], vol->nodes[i + 1]);
		WRITE_ONCE(vol->nodes[i]->index, i);
		super->nodes[i] = super->nodes[i + 1];
	}
	memset(&super->nodes[i], 0, sizeof(super->nodes[i]));
	/* Nobody looks for it any more, then it is not there. */
	smp_store_release(&vol->nr_nodes, i);
	WRITE_ONCE(vol->nodes[i], NULL);
}

static void change_table(struct change *c)
{
	struct dstb_volume *vol = c->vol;
	struct dstb_super *super = vol->super;
	int more = c->add ? 1 : -1;

	vol->nr_before = vol->nr_nodes;
	spin_lock_irq(&vol->member_lock);
	if (c->add)
		table_add(c);
	else
		table_remove(c);
	if (c->draft) {
		/* With the nodes: how many may be lost depends on both (dstb_member_may_lose()). */
		dstb_mapping_switch(&vol->map, c->draft);
		vol->nr_data += more;
	}
	spin_unlock_irq(&vol->member_lock);
	super->nr_nodes = vol->nr_nodes;
	dstb_super_resize(vol);
	if (!c->draft)
		return;
	super->copies = vol->map.layout.copies;
	memcpy(super->fingerprint, vol->map.fingerprint, sizeof(super->fingerprint));
	swap(vol->pools, c->pools);
	if (c->add)
		dstb_node_deepen(c->node);
}

static void switch_fn(struct change *c)
{
	struct dstb_volume *vol = c->vol;

	mutex_lock(&vol->nodes_lock);
	/* Under the lock: who ends everything finds the node, if it does that later. */
	if (READ_ONCE(vol->gate_dead)) {
		NL_SET_ERR_MSG_FMT(c->extack, "volume '%s' is fenced, or being stopped",
				   vol->name);
		c->err = -EBUSY;
	} else if (c->draft) {
		c->err = dstb_mapping_switch_begin(&vol->map, c->draft);
		if (c->err)
			NL_SET_ERR_MSG_FMT(c->extack, "policy '%s' was detached meanwhile",
					   vol->map.policy_name);
	}
	if (!c->err) {
		change_table(c);
		if (c->draft)
			dstb_mapping_switch_end();
	}
	mutex_unlock(&vol->nodes_lock);
	if (c->err)
		return;
	/* The table of nodes is another one: so is the age. */
	vol->unrecorded = true;
	vol->activating = true;
	if (!READ_ONCE(vol->gate_dead))
		dstb_record(vol);
}

static int not_still(const struct change *c, int err, const char *who)
{
	if (err == -EINTR)
		NL_SET_ERR_MSG(c->extack, "interrupted, nothing is changed");
	else
		NL_SET_ERR_MSG_FMT(c->extack, "%s under way for too long, nothing is changed", who);
	return err;
}

static int switch_over(struct change *c)
{
	struct dstb_volume *vol = c->vol;
	bool limits = c->add && c->draft;
	unsigned int noio;
	int err;

	/* First the resync: requests need not wait for the region that it is at. */
	err = dstb_resync_pause(vol, FREEZE_MS);
	if (err)
		return not_still(c, err, "resync is");
	err = dstb_io_freeze(vol, FREEZE_MS);
	if (err) {
		dstb_resync_go_on(vol);
		return not_still(c, err, "requests are");
	}
	/* Memory must not be reclaimed through the volume now. */
	noio = memalloc_noio_save();
	if (limits)
		err = dstb_limits_add(vol, c->node, &c->old);
	if (err) {
		NL_SET_ERR_MSG_FMT(c->extack, "its limits don't suit the volume (error %d)", -err);
	} else {
		err = on_meta_wq(c, switch_fn);
		if (err && limits)
			dstb_limits_set(vol, &c->old);
	}
	if (!err && !c->add)
		dstb_resync_forget(vol, c->node);
	dstb_io_thaw(vol);
	dstb_resync_go_on(vol);
	memalloc_noio_restore(noio);
	if (err)
		return err;
	dstb_volume_changed();
	dstb_volume_node_changed(vol);
	return 0;
}

/* ---- a node more ---- */

/* A node that is suspended, or away, is not open here: by another name its medium may be given. */
static int check_stranger(struct change *c)
{
	struct dstb_super *theirs = kvzalloc(sizeof(*theirs), GFP_NOIO);
	const struct dstb_super *ours = c->vol->super;
	enum dstb_disk_state state;
	const char *why;
	int err;
	u32 i;

	err = theirs ? dstb_super_read(c->node, theirs, &state, &why) : -ENOMEM;
	if (err)
		NL_SET_ERR_MSG_FMT(c->extack, "it can't be read (error %d)", -err);
	for (i = 0; !err && state == DSTB_DISK_VALID && i < ours->nr_nodes; i++) {
		if (memcmp(theirs->node, ours->nodes[i].uuid, sizeof(theirs->node)))
			continue;
		NL_SET_ERR_MSG_FMT(c->extack, "it is the medium of node %u of the volume", i);
		err = -EEXIST;
	}
	kvfree(theirs);
	return err;
}

static void look_fn(struct change *c)
{
	c->err = dstb_member_check_medium(c->node, c->adopt, c->extack) ?: check_stranger(c);
	if (c->err || c->node->look)
		return;
	c->err = dstb_super_try(c->node);
	if (c->err)
		NL_SET_ERR_MSG_FMT(c->extack, "it can't be written (error %d)", -c->err);
}

/* It is a node, whatever happens from here on: what was on its medium is of no use any more. */
static void admit_fn(struct change *c)
{
	int err;

	if (READ_ONCE(c->vol->gate_dead))
		return;
	dstb_admit_begin(c->node);
	err = dstb_super_wipe(c->node);
	if (err)
		dstb_admit_failed(c->node, err);
	else
		dstb_admit(c->node, NULL, true);
}

/* With the node's link: who looks at it, or is to leave it, waits. */
static int bring_in(struct change *c)
{
	struct dstb_node *node = c->node;
	int err;

	err = dstb_node_open(node, c->extack);
	if (!err && node->config.witness && node->lim.logical_block_size > MAX_BLOCK) {
		NL_SET_ERR_MSG_FMT(c->extack, "it has blocks of %u bytes, at most %u can be",
				   node->lim.logical_block_size, MAX_BLOCK);
		err = -EMEDIUMTYPE;
	}
	if (!err && !node->config.witness)
		err = draft_mapping(c) ?: dstb_limits_suit(c->vol, node, c->extack);
	if (!err && !node->config.witness && !c->vol->dirty.bits) {
		NL_SET_ERR_MSG(c->extack,
			       "a volume made with one copy can't get another: make one of two nodes");
		err = -EOPNOTSUPP;
	}
	if (!err && node->look)
		err = on_meta_wq(c, look_fn) ?: dstb_node_own(node, c->extack);
	if (!err)
		err = on_meta_wq(c, look_fn);
	if (!err)
		err = switch_over(c);
	if (err)
		return err;
	dstb_event_node(node, NULL, dstb_node_state_name(READ_ONCE(node->state)), "added");
	on_meta_wq(c, admit_fn);
	return 0;
}

static int add(struct change *c, const struct dstb_node_config *cfg)
{
	struct dstb_volume *vol = c->vol;
	struct dstb_node *node;
	int err;

	c->slot = cfg->witness ? vol->nr_nodes : vol->nr_data;
	if (vol->nr_nodes == DSTB_MAX_NODES) {
		NL_SET_ERR_MSG_FMT(c->extack, "volume '%s' has %u nodes, no more are possible",
				   vol->name, vol->nr_nodes);
		return -E2BIG;
	}
	err = dstb_member_check_place(vol, NULL, cfg, c->extack) ?: check_lost(c) ?: check_votes(c);
	if (err)
		return err;
	node = dstb_node_alloc(vol, c->slot, cfg);
	if (!node)
		return -ENOMEM;
	/* Whoever has it keeps it, even if the volume has taken over the others. */
	node->taken = true;
	if (!c->adopt)
		dstb_node_look_first(node);
	uuid_gen(&node->uuid);
	c->node = node;
	mutex_lock(&node->link);
	err = bring_in(c);
	/* With the link: who has waited for it to connect the node again finds that it is none. */
	if (err)
		WRITE_ONCE(node->closing, true);
	mutex_unlock(&node->link);
	if (err) {
		dstb_member_quiesce_node(node);
		dstb_node_destroy(node);
	}
	return err;
}

/**
 * dstb_node_add() - a node more
 * @vol:	the volume
 * @cfg:	where it is, and whether it is a witness
 * @adopt:	although it is not blank
 * @index:	gets its index
 * @extack:	gets the sentence
 *
 * Nodes with data come before witnesses, whose indices change then.
 *
 * Return: 0, and it is a node, its resync has begun; or a negative errno, and nothing is changed.
 */
int dstb_node_add(struct dstb_volume *vol, const struct dstb_node_config *cfg, bool adopt,
		  u32 *index, struct netlink_ext_ack *extack)
{
	struct change c = { .vol = vol, .add = true, .adopt = adopt, .extack = extack };
	int err;

	err = begin(vol, extack);
	if (err)
		return err;
	err = check_volume(vol, extack) ?: add(&c, cfg);
	mutex_unlock(&vol->control_lock);
	change_free(&c);
	*index = c.slot;
	return err;
}

/* ---- a node less ---- */

/*
 * It is to be of use elsewhere. Only what is ours, and has nothing that we have not; and when the
 * others know that they are without it.
 */
static void wipe_fn(struct change *c)
{
	const struct dstb_super *ours = c->vol->super;
	struct dstb_super *theirs = kvzalloc(sizeof(*theirs), GFP_NOIO);
	enum dstb_disk_state state;
	const char *why;
	u8 uuid[16];

	export_uuid(uuid, &c->node->uuid);
	if (c->vol->nr_before || READ_ONCE(c->vol->gate_dead))
		c->err = -EAGAIN;
	else
		c->err = theirs ? dstb_super_read(c->node, theirs, &state, &why) : -ENOMEM;
	if (!c->err && (state != DSTB_DISK_VALID ||
			memcmp(theirs->volume, ours->volume, sizeof(ours->volume)) ||
			memcmp(theirs->node, uuid, sizeof(uuid)) ||
			!(dstb_age_known(ours, &theirs->age) ||
			  dstb_age_equal(&theirs->age, &c->node->age))))
		c->err = -EMEDIUMTYPE;
	if (!c->err && !c->node->look)
		c->err = dstb_super_wipe(c->node);
	kvfree(theirs);
}

/* It is in no list any more. */
static void let_go(struct change *c)
{
	struct netlink_ext_ack ignored = {};
	struct dstb_node *node = c->node;
	int err;

	dstb_member_quiesce_node(node);
	disable_work_sync(&node->pend_work);
	WRITE_ONCE(node->taken, true); /* whoever has it by now keeps it */
	mutex_lock(&node->link);
	err = node->config.path[0] || node->config.addr.len ? node->ops->reopen(node, &ignored) :
							      -ENODEV;
	if (!err && node->look)
		err = on_meta_wq(c, wipe_fn) ?: dstb_node_own(node, &ignored);
	if (!err)
		err = on_meta_wq(c, wipe_fn);
	node->ops->close(node);
	mutex_unlock(&node->link);
	if (err)
		pr_warn("volume %s: what was node %u keeps its superblock (error %d)\n",
			c->vol->name, c->slot, -err);
	dstb_event_node(node, dstb_node_state_name(READ_ONCE(node->state)), "removed",
			err ? "its superblock is still there" : "");
	synchronize_rcu(); /* who found it in the list */
	dstb_node_destroy(node);
}

static int check_data_node(struct change *c)
{
	struct dstb_volume *vol = c->vol;
	struct dstb_dirty *dirty = &vol->dirty;
	int err;

	err = draft_mapping(c);
	if (err)
		return err;
	if (c->draft->layout.copies == 1) {
		NL_SET_ERR_MSG(c->extack,
			       "one copy would be left: dstctl node replace puts another there");
		return -EOPNOTSUPP;
	}
	/* What readers have seen in such a region may be on this node only (R3). */
	if (c->node->part == DSTB_PART_IN && !bitmap_empty(dirty->unclean, dirty->nr_regions)) {
		NL_SET_ERR_MSG(c->extack,
			       "copies are still being compared: when nothing is dirty any more");
		return -EAGAIN;
	}
	return 0;
}

static int take_out(struct change *c)
{
	struct dstb_volume *vol = c->vol;
	struct dstb_node *node = c->node;
	int err;

	if (!node->config.witness && vol->nr_data == 1) {
		NL_SET_ERR_MSG_FMT(c->extack, "node %u is the only one with data", c->slot);
		return -EBUSY;
	}
	err = check_lost(c) ?: check_votes(c);
	if (!err && !node->config.witness)
		err = check_data_node(c);
	if (!err && !dstb_member_put_out(node, DSTB_PUT_OUT_SPARED)) {
		NL_SET_ERR_MSG_FMT(c->extack, "node %u is the last one that has all data", c->slot);
		err = -EBUSY;
	}
	if (err)
		return err;
	dstb_member_kick(vol);
	dstb_member_suspend(node);
	return 0;
}

/**
 * dstb_node_remove() - a node less
 * @vol:	the volume
 * @index:	of the node
 * @extack:	gets the sentence
 *
 * Those after it get the index before theirs.
 *
 * Return: 0, and its medium is blank but for the data, if it could be reached; or a negative errno,
 * and it is a node as before; one that was in service comes back, others are suspended.
 */
int dstb_node_remove(struct dstb_volume *vol, u32 index, struct netlink_ext_ack *extack)
{
	struct change c = { .vol = vol, .slot = index, .extack = extack };
	bool was = false;
	int err;

	err = begin(vol, extack);
	if (err)
		return err;
	err = check_volume(vol, extack);
	if (!err && index >= vol->nr_nodes) {
		NL_SET_ERR_MSG_FMT(extack, "volume '%s' has no node %u, only %u", vol->name, index,
				   vol->nr_nodes);
		err = -ENOENT;
	}
	if (!err) {
		c.node = vol->nodes[index];
		was = c.node->suspended || READ_ONCE(c.node->state) == DST_NODE_STATE_FAILED ||
		      READ_ONCE(c.node->state) == DST_NODE_STATE_REFUSED;
		err = take_out(&c);
	}
	if (!err)
		err = switch_over(&c);
	if (!err)
		let_go(&c);
	else if (c.node && c.node->suspended && !was)
		dstb_member_resume(c.node);
	mutex_unlock(&vol->control_lock);
	change_free(&c);
	return err;
}
