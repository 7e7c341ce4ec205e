// SPDX-License-Identifier: GPL-2.0
/*
 * A volume from what the superblocks of its nodes say.
 *
 * First the nodes are only read, with remote ones opened as a reader: whoever uses them is not
 * disturbed, and a refusal changes nothing. When it is clear what they are, they are opened for
 * writing (with --takeover, that fences who had them), looked at once more, and the volume begins a
 * new age.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "assemble.h"
#include "bitmap.h"
#include "dirty.h"
#include "member.h"
#include "node.h"
#include "recovery.h"
#include "resync.h"
#include "super.h"
#include "volume.h"

/**
 * struct found - a node that was given, and what it holds
 * @node:	the node
 * @super:	its superblock
 * @valid:	there is one
 * @slot:	its place in the volume, once that is known
 * @out:	it can't be used: another history, or no part of the volume any more
 * @why:	the sentence about one that can't be reached, or read
 */
struct found {
	struct dstb_node *node;
	struct dstb_super *super;
	bool valid;
	u32 slot;
	bool out;
	char why[NETLINK_MAX_FMTMSG_LEN];
};

/**
 * struct party - all nodes that were given
 * @vol:	the volume
 * @nr:		how many
 * @all:	the nodes
 * @best:	the one whose superblock counts
 */
struct party {
	struct dstb_volume *vol;
	u32 nr;
	struct found *all;
	struct found *best;
};

/* ---- reading ---- */

/* There may be enough others. If not, the refusal tells it. */
static void cannot_use(const struct party *party, struct found *f, const char *why)
{
	pr_warn("volume %s: %s\n", party->vol->name, why);
	strscpy(f->why, why, sizeof(f->why));
}

/* Of the first node that can't be used; NULL when all were what they are. */
static const char *first_trouble(const struct party *party)
{
	u32 i;

	for (i = 0; i < party->nr; i++)
		if (party->all[i].why[0])
			return party->all[i].why;
	return NULL;
}

static int read_one(struct party *party, struct found *f, u32 i, struct netlink_ext_ack *extack)
{
	const char *name = party->vol->name;
	char text[NETLINK_MAX_FMTMSG_LEN];
	enum dstb_disk_state state;
	const char *why = NULL;
	int err;

	err = dstb_super_read(f->node, f->super, &state, &why);
	if (err == -ENOMEM) {
		NL_SET_ERR_MSG_FMT(extack, "node %u can't be read (error %d)", i, -err);
		return err;
	}
	/* As one that can't be reached. */
	if (err) {
		scnprintf(text, sizeof(text), "%s can't be read (error %d)",
			  f->node->config.path[0] ? f->node->config.path : f->node->config.export,
			  -err);
		cannot_use(party, f, text);
		f->node->ops->close(f->node);
		return 0;
	}
	switch (state) {
	case DSTB_DISK_VALID:
		f->valid = true;
		if (!strcmp(f->super->name, name))
			return 0;
		NL_SET_ERR_MSG_FMT(extack, "node %u is one of volume '%s', not of '%s'", i,
				   f->super->name, name);
		return -EMEDIUMTYPE;
	case DSTB_DISK_BLANK:
		return 0; /* a new medium: it is adopted when the volume is there */
	case DSTB_DISK_CORRUPT:
		NL_SET_ERR_MSG_FMT(extack, "the superblock of node %u is damaged: %s", i, why);
		return -EUCLEAN;
	default:
		NL_SET_ERR_MSG_FMT(extack, "node %u holds no volume of DST", i);
		return -EMEDIUMTYPE;
	}
}

/* Nodes that can't be reached, or read, now may come later; what can be read must be ours. */
static int read_all(struct party *party, const struct dstb_volume_config *cfg,
		    struct netlink_ext_ack *extack)
{
	int err = 0;
	u32 i;

	for (i = 0; i < party->nr && !err; i++) {
		struct netlink_ext_ack ignored = {};
		struct found *f = &party->all[i];

		f->super = kvzalloc(sizeof(*f->super), GFP_KERNEL);
		f->node = dstb_node_alloc(party->vol, i, &cfg->nodes[i]);
		/* same_twice() looks for those before it there */
		party->vol->nodes[i] = f->node;
		if (!f->super || !f->node)
			return -ENOMEM;
		dstb_node_look_first(f->node);
		err = dstb_node_open(f->node, &ignored);
		if (err == -EEXIST || (err == -EBUSY && cfg->nodes[i].path[0])) {
			NL_SET_ERR_MSG_FMT(extack, "%s", ignored._msg ?: "busy");
			return err;
		}
		if (err)
			cannot_use(party, f, ignored._msg ?: "can't be opened");
		err = err ? 0 : read_one(party, f, i, extack);
	}
	return err;
}

/* ---- deciding ---- */

static int check_same_volume(const struct party *party, struct netlink_ext_ack *extack)
{
	u32 i, j;

	for (i = 0; i < party->nr; i++) {
		for (j = 0; j < i; j++) {
			const struct found *a = &party->all[i], *b = &party->all[j];

			if (!a->valid || !b->valid)
				continue;
			if (memcmp(a->super->volume, b->super->volume, sizeof(a->super->volume))) {
				NL_SET_ERR_MSG_FMT(extack,
						   "nodes %u and %u are of two volumes with that name",
						   j, i);
				return -EMEDIUMTYPE;
			}
			if (!memcmp(a->super->node, b->super->node, sizeof(a->super->node))) {
				NL_SET_ERR_MSG_FMT(extack,
						   "nodes %u and %u are the same medium, or a copy of it",
						   j, i);
				return -EEXIST;
			}
		}
	}
	return 0;
}

/*
 * What the other says of the node whose superblock this is; NULL when it is none of its nodes: it
 * was replaced. By its uuid: its index need not be the same in both.
 */
static const struct dstb_super_node *entry_of(const struct dstb_super *theirs,
					      const struct dstb_super *of)
{
	u32 i;

	for (i = 0; i < of->nr_nodes; i++)
		if (!memcmp(of->nodes[i].uuid, theirs->node, sizeof(theirs->node)))
			return &of->nodes[i];
	return NULL;
}

/* How many superblocks are of the history of this one. */
static u32 followers(const struct party *party, const struct found *of)
{
	u32 nr = 0, i;

	for (i = 0; i < party->nr; i++) {
		const struct dstb_super *theirs = party->all[i].super;
		const struct dstb_super_node *entry;
		enum dstb_age_relation rel;

		entry = party->all[i].valid ? entry_of(theirs, of->super) : NULL;
		if (!entry)
			continue;
		rel = dstb_age_relate(theirs, of->super);
		nr += rel == DSTB_AGE_EQUAL || rel == DSTB_AGE_OLDER ||
		      /* so old that the history has forgotten it; the record has not */
		      dstb_age_equal(&theirs->age, &entry->age);
	}
	return nr;
}

/* A sentence holds 79 characters: what can't be used, and why, is more of a help than what then. */
static int too_few(const struct party *party, u32 nr, struct netlink_ext_ack *extack)
{
	const char *trouble = first_trouble(party);
	u32 of = party->best->super->nr_nodes;
	char text[NETLINK_MAX_FMTMSG_LEN];

	if (trouble) {
		scnprintf(text, sizeof(text), "%u of %u nodes; %s", nr, of, trouble);
		NL_SET_ERR_MSG_FMT(extack, "%s", text);
	} else {
		NL_SET_ERR_MSG_FMT(extack, "only %u of %u nodes are there, more than half must be",
				   nr, of);
	}
	return -EAGAIN;
}

/* The superblock with the most behind it. What is of another history stays out (R8). */
static int choose(struct party *party, bool degraded, struct netlink_ext_ack *extack)
{
	const char *trouble = first_trouble(party);
	u32 i, best = 0, valid = 0, nr;

	for (i = 0; i < party->nr; i++) {
		struct found *f = &party->all[i];

		if (!f->valid)
			continue;
		valid++;
		nr = followers(party, f);
		if (nr > best || (nr == best && f->super->age.seq > party->best->super->age.seq)) {
			best = nr;
			party->best = f;
		}
	}
	if (!valid) {
		if (trouble)
			NL_SET_ERR_MSG_FMT(extack, "no node is there; %.61s", trouble);
		else
			NL_SET_ERR_MSG(extack,
				       "no node with a superblock of this volume can be reached");
		return -ENODEV;
	}
	for (i = 0; i < party->nr && best * 2 <= party->best->super->nr_nodes && !degraded; i++) {
		if (!party->all[i].valid || entry_of(party->all[i].super, party->best->super))
			continue;
		NL_SET_ERR_MSG_FMT(extack, "node %u is no longer part of the volume", i);
		return -EMEDIUMTYPE;
	}
	if (best < valid && best * 2 <= party->best->super->nr_nodes) {
		NL_SET_ERR_MSG(extack,
			       "nodes were written apart (split brain): give one side, --degraded");
		return -ENOTUNIQ;
	}
	if (best * 2 <= party->best->super->nr_nodes && !degraded)
		return too_few(party, best, extack);
	return 0;
}

/* Each node to its place; those that did not say who they are, to the places that are left. */
static int seat(struct party *party, struct netlink_ext_ack *extack)
{
	const struct dstb_super *super = party->best->super;
	DECLARE_BITMAP(taken, DST_DISK_MAX_NODES) = {};
	u32 i, slot;

	for (i = 0; i < party->nr; i++) {
		struct found *f = &party->all[i];

		if (!f->valid)
			continue;
		for (slot = 0; slot < super->nr_nodes; slot++)
			if (!memcmp(super->nodes[slot].uuid, f->super->node,
				    sizeof(f->super->node)))
				break;
		f->slot = slot;
		if (slot == super->nr_nodes)
			f->out = true; /* it was replaced */
		else
			__set_bit(slot, taken);
	}
	for (i = 0; i < party->nr; i++) {
		if (party->all[i].valid)
			continue;
		slot = find_first_zero_bit(taken, super->nr_nodes);
		if (slot >= super->nr_nodes) {
			NL_SET_ERR_MSG_FMT(extack, "%u nodes were given, the volume has %u",
					   party->nr, super->nr_nodes);
			return -E2BIG;
		}
		party->all[i].slot = slot;
		__set_bit(slot, taken);
	}
	return 0;
}

/* The age that a node had, as far as its superblock tells the others. */
static struct dstb_age super_age(const struct dstb_super *super, u32 slot)
{
	return super->nodes[slot].flags & DST_DISK_NODE_IN_SYNC ? super->age :
								  super->nodes[slot].age;
}

static int take_seats(struct party *party)
{
	const struct dstb_super *super = party->best->super;
	static const struct dstb_node_config nowhere = {};
	struct dstb_volume *vol = party->vol;
	u32 i;

	for (i = 0; i < party->nr; i++)
		vol->nodes[i] = NULL;
	vol->nr_nodes = super->nr_nodes;
	vol->nr_data = 0;
	for (i = 0; i < party->nr; i++) {
		struct found *f = &party->all[i];

		if (f->slot == super->nr_nodes) {
			f->node->ops->close(f->node);
			synchronize_rcu(); /* who found it in the list */
			dstb_node_destroy(f->node);
			f->node = NULL;
			continue;
		}
		vol->nodes[f->slot] = f->node;
		f->node->index = f->slot;
		/* It was written apart: whoever did that keeps it, if the others are taken over. */
		if (f->out)
			f->node->taken = true;
	}
	for (i = 0; i < vol->nr_nodes; i++) {
		struct dstb_node *node = vol->nodes[i];
		const struct dstb_super_node *entry = &super->nodes[i];

		if (!node) {
			node = dstb_node_alloc(vol, i, &nowhere);
			if (!node)
				return -ENOMEM;
			vol->nodes[i] = node;
		}
		node->config.weight = entry->weight;
		node->config.zone = entry->zone;
		node->config.witness = entry->flags & DST_DISK_NODE_WITNESS;
		node->data_sectors = entry->size;
		/* At least: older than that is an old copy of it. */
		node->age = super_age(super, i);
		import_uuid(&node->uuid, entry->uuid);
		vol->nr_data += !node->config.witness;
	}
	*vol->super = *super;
	dstb_super_resize(vol);
	return 0;
}

static bool is_here(const struct party *party, u32 slot)
{
	u32 i;

	for (i = 0; i < party->nr; i++)
		if (party->all[i].valid && !party->all[i].out && party->all[i].slot == slot)
			return true;
	return false;
}

static u32 nr_missing(const struct party *party)
{
	const struct dstb_super *super = party->best->super;
	u32 nr = 0, slot;

	for (slot = 0; slot < super->nr_nodes; slot++)
		if (!(super->nodes[slot].flags & DST_DISK_NODE_WITNESS) &&
		    (!(super->nodes[slot].flags & DST_DISK_NODE_IN_SYNC) || !is_here(party, slot)))
			nr++;
	return nr;
}

/*
 * A node in sync has the age of the others; or the one before it, after a crash while the new one
 * was being written. Or it is an old copy, which lacks what no bitmap has any more (R4): so it gets
 * everything, where there are copies enough.
 */
static int doubt_the_old(struct party *party, struct netlink_ext_ack *extack)
{
	struct dstb_super *super = party->best->super;
	u32 i;

	for (i = 0; i < party->nr; i++) {
		struct found *f = &party->all[i];
		struct dstb_super_node *entry;

		if (!f->valid || f->out)
			continue;
		entry = &super->nodes[f->slot];
		if (!(entry->flags & DST_DISK_NODE_IN_SYNC) ||
		    dstb_age_equal(&f->super->age, &super->age))
			continue;
		if (nr_missing(party) + 1 < super->copies) {
			entry->flags &= ~DST_DISK_NODE_IN_SYNC;
			entry->age = super->age;
		} else if (f->super->age.seq < entry->age.seq) {
			NL_SET_ERR_MSG_FMT(extack, "node %u is an old copy of what it was",
					   f->slot);
			return -EMEDIUMTYPE;
		}
	}
	return 0;
}

static int no_data(u32 slot, const char *trouble, struct netlink_ext_ack *extack)
{
	if (trouble)
		NL_SET_ERR_MSG_FMT(extack, "node %u has the only copy; %.50s", slot, trouble);
	else
		NL_SET_ERR_MSG_FMT(extack, "node %u is not there, and nobody else has its data",
				   slot);
	return -ENODATA;
}

/* Are all data there, on nodes in sync? And after a crash, the copy that is believed? */
static int check_data(const struct party *party, bool degraded, struct netlink_ext_ack *extack)
{
	const struct dstb_super *super = party->best->super;
	bool crashed = !(super->flags & DST_DISK_CLEAN), first = true;
	const char *trouble = first_trouble(party);
	u32 missing = 0, gone = super->nr_nodes, slot;

	for (slot = 0; slot < super->nr_nodes; slot++) {
		bool in = super->nodes[slot].flags & DST_DISK_NODE_IN_SYNC;
		bool here = is_here(party, slot);

		if (super->nodes[slot].flags & DST_DISK_NODE_WITNESS)
			continue;
		if (!in || !here)
			missing++;
		/* The first that has something which is not there. */
		if (in && !here)
			gone = min(gone, slot);
		if (missing >= super->copies)
			return no_data(min(gone, slot), trouble, extack);
		if (in && first && !here && crashed && super->flags & DST_DISK_EARLY && !degraded) {
			NL_SET_ERR_MSG_FMT(extack,
					   "only node %u has all that was acknowledged: --degraded loses it",
					   slot);
			return -ENODATA;
		}
		first = first && !in;
	}
	return 0;
}

static void mark_diverged(struct party *party)
{
	u32 i;

	for (i = 0; i < party->nr; i++) {
		struct found *f = &party->all[i];

		if (!f->valid || f->out || f == party->best)
			continue;
		/* One that was stopped while another was not may lack what was in a cache. */
		if (!(f->super->flags & DST_DISK_CLEAN))
			party->best->super->flags &= ~DST_DISK_CLEAN;
		switch (dstb_age_relate(f->super, party->best->super)) {
		case DSTB_AGE_EQUAL:
		case DSTB_AGE_OLDER:
			break;
		default:
			f->out = !dstb_age_equal(&f->super->age,
						 &party->best->super->nodes[f->slot].age);
		}
	}
}

/* ---- opening for good ---- */

static int reopen_one(struct party *party, struct found *f, struct netlink_ext_ack *extack)
{
	struct dstb_super *again;
	enum dstb_disk_state state;
	const char *why = NULL;
	int err;

	err = dstb_node_own(f->node, extack);
	if (err)
		return err;
	again = kvzalloc(sizeof(*again), GFP_KERNEL);
	err = again ? dstb_super_read(f->node, again, &state, &why) : -ENOMEM;
	if (!err && (state != DSTB_DISK_VALID || again->sequence != f->super->sequence ||
		     !dstb_age_equal(&again->age, &f->super->age))) {
		NL_SET_ERR_MSG_FMT(extack, "node %u was written by somebody else meanwhile",
				   f->node->index);
		err = -EBUSY;
	}
	kvfree(again);
	f->node->super_seq = f->super->sequence;
	/* It may have the age before the last one, and will until it is given the next. */
	if (party->best->super->nodes[f->slot].flags & DST_DISK_NODE_IN_SYNC)
		f->node->age = f->super->age;
	return err;
}

static int reopen_all(struct party *party, struct netlink_ext_ack *extack)
{
	u32 i;
	int err;

	for (i = 0; i < party->nr; i++) {
		struct found *f = &party->all[i];

		if (!f->node)
			continue;
		if (!f->valid || f->out) {
			f->node->ops->close(f->node);
			continue;
		}
		err = reopen_one(party, f, extack);
		if (err)
			return err;
		dstb_member_admitted(f->node);
	}
	return 0;
}

static void fill_config(struct dstb_volume_config *cfg, const struct dstb_super *super)
{
	u32 i;

	strscpy(cfg->policy, super->policy, sizeof(cfg->policy));
	cfg->nr_params = super->nr_params;
	for (i = 0; i < super->nr_params; i++) {
		strscpy(cfg->params[i].name, super->params[i].name, sizeof(cfg->params[i].name));
		cfg->params[i].value = super->params[i].value;
	}
}

static int assemble(struct party *party, struct dstb_volume_config *cfg,
		    struct netlink_ext_ack *extack)
{
	struct dstb_volume *vol = party->vol;
	int err;

	err = read_all(party, cfg, extack);
	if (!err)
		err = check_same_volume(party, extack);
	if (!err)
		err = choose(party, cfg->degraded, extack);
	if (!err)
		err = seat(party, extack);
	if (err)
		return err;
	mark_diverged(party);
	err = doubt_the_old(party, extack);
	if (!err)
		err = check_data(party, cfg->degraded, extack);
	if (!err)
		err = dstb_volume_take_uuid(vol, party->best->super->volume, extack);
	if (!err)
		err = take_seats(party);
	if (err)
		return err;
	fill_config(cfg, vol->super);
	return reopen_all(party, extack);
}

/**
 * dstb_assemble_nodes() - open the nodes of a volume that was there before
 * @vol:	the volume; gets its superblock, its nodes in their order
 * @cfg:	its nodes, in any order; gets policy and parameters
 * @fingerprint: gets what the mapping must be
 * @extack:	gets the sentence
 *
 * Context: process; sleeps, seconds for each node at most.
 * Return: 0 or a negative errno, and nothing is changed on the media.
 */
int dstb_assemble_nodes(struct dstb_volume *vol, struct dstb_volume_config *cfg,
			const u32 **fingerprint, struct netlink_ext_ack *extack)
{
	struct party party = { .vol = vol, .nr = cfg->nr_nodes };
	u32 i;
	int err;

	party.all = kvcalloc(party.nr, sizeof(*party.all), GFP_KERNEL);
	if (!party.all)
		return -ENOMEM;
	err = assemble(&party, cfg, extack);
	for (i = 0; i < party.nr; i++)
		kvfree(party.all[i].super);
	kvfree(party.all);
	*fingerprint = vol->super->fingerprint;
	return err;
}

/* ---- the metadata ---- */

static int read_bitmaps(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	struct dstb_dirty *dirty = &vol->dirty;
	bool crashed = !(vol->super->flags & DST_DISK_CLEAN);
	int err = 0;
	u32 i;

	for (i = 0; i < vol->nr_data && !err; i++)
		if (READ_ONCE(vol->nodes[i]->part) == DSTB_PART_IN)
			err = dstb_bitmap_read(vol->nodes[i]);
	if (err == -EUCLEAN)
		NL_SET_ERR_MSG_FMT(extack, "the bitmap of node %u is damaged: assemble without it",
				   i - 1);
	else if (err)
		NL_SET_ERR_MSG_FMT(extack, "can't read the bitmap of node %u (error %d)", i - 1,
				   -err);
	if (err)
		return err;
	/* Writes were under way: their regions may differ between copies (R3). */
	if (crashed)
		bitmap_copy(dirty->unclean, dirty->bits, dirty->nr_regions);
	for (i = 0; i < vol->nr_data && !err; i++)
		if (READ_ONCE(vol->nodes[i]->part) == DSTB_PART_IN)
			err = dstb_bitmap_write_all(vol->nodes[i]);
	if (err)
		NL_SET_ERR_MSG_FMT(extack, "can't write the bitmap of node %u (error %d)", i - 1,
				   -err);
	return err;
}

/* Those in sync are in; those that are there and are not, get what they lack. */
static int enter_nodes(struct dstb_volume *vol, struct netlink_ext_ack *extack)
{
	int err = 0;
	u32 i;

	for (i = 0; i < vol->nr_nodes && !err; i++) {
		struct dstb_node *node = vol->nodes[i];
		bool in = vol->super->nodes[i].flags &
			  (DST_DISK_NODE_IN_SYNC | DST_DISK_NODE_WITNESS);

		if (!node->super_seq) {
			dstb_node_set_state(node, DST_NODE_STATE_AWAY,
					    node->config.path[0] || node->config.addr.len ?
						    "was not there when the volume was assembled" :
						    "was not given: dstctl node replace");
		} else if (in) {
			err = dstb_member_enter(node, extack);
		}
	}
	return err;
}

/**
 * dstb_assemble_metadata() - begin a new age of a volume that was there before
 * @vol:	the volume
 * @cfg:	how it is to run
 * @extack:	gets the sentence
 *
 * Context: process; sleeps.
 * Return: 0 or a negative errno.
 */
int dstb_assemble_metadata(struct dstb_volume *vol, const struct dstb_volume_config *cfg,
			   struct netlink_ext_ack *extack)
{
	struct dstb_super *super = vol->super;
	int err;
	u32 i;

	if (super->capacity != vol->map.layout.capacity ||
	    super->copies != vol->map.layout.copies) {
		NL_SET_ERR_MSG_FMT(extack,
				   "policy '%s' is another one: %llu sectors, %u copies",
				   super->policy, vol->map.layout.capacity, vol->map.layout.copies);
		return -EINVAL;
	}
	err = enter_nodes(vol, extack);
	if (err)
		return err;
	if (!cfg->degraded && !dstb_recovery_may_assemble(vol)) {
		dstb_recovery_no_quorum(vol, vol->votes, extack);
		return -EAGAIN;
	}
	if (super->copies > 1) {
		err = dstb_dirty_init(vol, super->capacity, super->region_shift);
		if (!err)
			err = dstb_resync_init(vol);
		if (!err)
			err = read_bitmaps(vol, extack);
	}
	if (err)
		return err;
	for (i = 0; i < vol->nr_nodes; i++)
		if (vol->nodes[i]->super_seq && !READ_ONCE(vol->nodes[i]->ready))
			dstb_member_admit_now(vol->nodes[i]);
	super->flags &= ~DST_DISK_CLEAN;
	vol->degraded_ok = cfg->degraded;
	return dstb_member_first_commit(vol, extack);
}
