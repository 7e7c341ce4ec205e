// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery as a policy wants it: makes the questions out of what is known of the volume and its
 * nodes, and goes by the answers as far as no acknowledged data is given up.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/jiffies.h>
#include <linux/math.h>
#include <linux/mutex.h>
#include <linux/netlink.h>

#include "main.h"
#include "member.h"
#include "node.h"
#include "policy.h"
#include "recovery.h"
#include "resync.h"
#include "volume.h"

#define RETRY_MS	10000	/* what io_error() finds there */

static_assert(DSTB_NODE_CONNECTING == (u32)DST_NODE_STATE_CONNECTING);
static_assert(DSTB_NODE_UP == (u32)DST_NODE_STATE_UP);
static_assert(DSTB_NODE_FAILED == (u32)DST_NODE_STATE_FAILED);
static_assert(DSTB_NODE_LOST == (u32)DST_NODE_STATE_LOST);
static_assert(DSTB_NODE_AWAY == (u32)DST_NODE_STATE_AWAY);
static_assert(DSTB_NODE_SUSPENDED == (u32)DST_NODE_STATE_SUSPENDED);
static_assert(DSTB_NODE_SYNCING == (u32)DST_NODE_STATE_SYNCING);
static_assert(DSTB_NODE_REFUSED == (u32)DST_NODE_STATE_REFUSED);

/*
 * Not who has not taken the last record: quorum() is asked who has it. Of a volume that is being
 * made, those that are to be let in are there, too.
 */
static bool is_here(const struct dstb_node *node)
{
	if (READ_ONCE(node->missed))
		return false;
	return READ_ONCE(node->ready) ||
	       (!READ_ONCE(node->vol->started) && READ_ONCE(node->super_seq));
}

/**
 * dstb_recovery_view() - a node as the callbacks of recovery see it
 * @node:	the node
 * @view:	where to
 *
 * Counts the regions that it lacks: up to half a MiB of bits.
 * Context: any.
 */
void dstb_recovery_view(struct dstb_node *node, struct dstb_node_view *view)
{
	dstb_node_view(node, view);
	view->flags |= (is_here(node) ? DSTB_VIEW_HERE : 0) |
		       (node->config.witness ? DSTB_VIEW_WITNESS : 0);
	view->lacks = dstb_node_lacked(node);
}

/**
 * dstb_recovery_policy_back() - a policy of the volume's name has come back
 * @vol:	the volume
 *
 * What was decided meanwhile, was by the defaults: it is asked now.
 * Context: process.
 */
void dstb_recovery_policy_back(struct dstb_volume *vol)
{
	if (dstb_has(&vol->map, quorum))
		dstb_member_kick(vol);
	dstb_recovery_start(vol);
}

static int ask_quorum(struct dstb_volume *vol, u32 votes)
{
	bool assemble = vol->assembled && !READ_ONCE(vol->started);
	struct dstb_quorum question = {
		.votes = votes,
		.nr_nodes = vol->nr_nodes,
		.enough = assemble ? vol->nr_nodes / 2 + 1 : DIV_ROUND_UP(vol->nr_nodes, 2),
		.flags = assemble ? DSTB_QUORUM_ASSEMBLE : 0,
	};

	return dstb_ask_quorum(&vol->map, &question);
}

/**
 * dstb_recovery_quorum() - are so many votes enough to go on with?
 * @vol:	the volume
 * @votes:	nodes that are there, or that took the record
 *
 * The operator's word (degraded_ok) is not looked at here. Nobody is asked about no votes: what is
 * acknowledged must be recorded somewhere (R1).
 * Context: the volume's meta_wq, or while the volume is made.
 * Return: whether they are.
 */
bool dstb_recovery_quorum(struct dstb_volume *vol, u32 votes)
{
	bool half = votes >= DIV_ROUND_UP(vol->nr_nodes, 2);
	int answer;

	if (!votes)
		return false;
	answer = ask_quorum(vol, votes);
	if (answer < 0)
		return half;
	/* Whoever has the others may be making it, too: not both. */
	if (!READ_ONCE(vol->started))
		return answer && half;
	return answer;
}

/**
 * dstb_recovery_may_assemble() - are the nodes that are there enough to assemble the volume?
 * @vol:	the volume; the default has found that they are
 *
 * Asked before anything is written.
 * Context: process, while the volume is made.
 * Return: whether they are.
 */
bool dstb_recovery_may_assemble(struct dstb_volume *vol)
{
	u32 votes = 0, i;

	for (i = 0; i < vol->nr_nodes; i++)
		votes += is_here(vol->nodes[i]);
	vol->votes = votes;
	return ask_quorum(vol, votes) != 0;
}

/**
 * dstb_recovery_no_quorum() - say that the policy does not go on with so few
 * @vol:	the volume
 * @votes:	how many
 * @extack:	gets the sentence
 *
 * Context: process.
 */
void dstb_recovery_no_quorum(const struct dstb_volume *vol, u32 votes,
			     struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG_FMT(extack, "policy '%s' says that %u of %u nodes are too few",
			   vol->map.policy_name, votes, vol->nr_nodes);
}

/**
 * dstb_recovery_resync_next() - which region is to be copied next?
 * @vol:	the volume
 * @next:	by the default
 * @busy:	legs of requests that ended since it was asked before
 * @pause_ms:	gets how long to rest then; DSTB_RESYNC_PAUSE: as the default does
 *
 * Context: the worker of resync.
 * Return: a region that some node lacks, or lacked just now.
 */
u32 dstb_recovery_resync_next(struct dstb_volume *vol, u32 next, u32 busy, u32 *pause_ms)
{
	struct dstb_resync_ctx ctx = {
		.next = {
			.region_sectors = 1ULL << vol->dirty.shift,
			.nr_regions = vol->dirty.nr_regions,
			.nr_nodes = vol->nr_nodes,
			.busy = busy,
			.region = next,
			.pause_ms = DSTB_RESYNC_PAUSE,
		},
		.vol = vol,
	};

	*pause_ms = DSTB_RESYNC_PAUSE;
	if (!dstb_ask_resync_next(&vol->map, &ctx.next))
		return next;
	if (dstb_resync_region(vol, ctx.next.region) != ctx.next.region) {
		/* What has come and gone meanwhile makes no difference to the default's region. */
		if (ctx.next.region != next)
			dstb_recovery_fault(&vol->map, "resync_next", ctx.next.region,
					    "a region that no node lacks");
		return next;
	}
	*pause_ms = ctx.next.pause_ms;
	return ctx.next.region;
}

/* A node that is just being added, or has been removed, has no place that could be asked about. */
static bool is_listed(const struct dstb_node *node)
{
	const struct dstb_volume *vol = node->vol;

	lockdep_assert_held(&vol->nodes_lock);
	return node->index < vol->nr_nodes && vol->nodes[node->index] == node;
}

/**
 * dstb_recovery_hold() - how long is a lost node waited for?
 * @node:	the node
 * @event:	its time begins, or is over
 * @ms:		by the default; gets how long
 *
 * Context: process, the node's grace_work; may sleep, but for no I/O.
 * Return: whether the policy has said so; else @ms is what it was.
 */
bool dstb_recovery_hold(struct dstb_node *node, enum dstb_node_event_kind event, u32 *ms)
{
	struct dstb_volume *vol = node->vol;
	struct dstb_node_event question = {
		.event = event,
		.hold_ms = *ms,
		.lost_ms = jiffies64_to_msecs(jiffies - READ_ONCE(node->since)),
	};
	bool answered = false;

	/* The layout and the nodes' indexes stay what they are. */
	mutex_lock(&vol->nodes_lock);
	if (is_listed(node)) {
		question.node = node->index;
		question.nr_nodes = vol->nr_nodes;
		answered = dstb_ask_node_event(&vol->map, &question);
	}
	mutex_unlock(&vol->nodes_lock);
	if (answered)
		*ms = question.hold_ms;
	return answered;
}

static int ask_io_error(struct dstb_node *node, struct dstb_io_error *question)
{
	question->node = node->index;
	question->nr_nodes = node->vol->nr_nodes;
	question->retry_ms = RETRY_MS;
	return dstb_ask_io_error(&node->vol->map, question);
}

/**
 * dstb_recovery_read_error() - a read failed on a node: is that to be mended?
 * @node:	the node
 * @sector:	first sector, in the volume
 * @nr_sectors:	how many
 *
 * Context: the worker of resync.
 * Return: DSTB_IO_KEEP: no, that is all; DSTB_IO_DROP: no, the node is to fail; -1: yes.
 */
int dstb_recovery_read_error(struct dstb_node *node, u64 sector, u32 nr_sectors)
{
	struct dstb_io_error question = {
		.error = DSTB_ERROR_READ,
		.sector = sector,
		.nr_sectors = nr_sectors,
	};

	return ask_io_error(node, &question);
}

/**
 * dstb_recovery_dropped() - a node is out of service by an error: is it to be tried again?
 * @node:	the node
 *
 * What it missed is recorded, or will be before that is acknowledged; it comes back as one that was
 * away does. The operator's word stands above the policy's.
 * Context: the volume's meta_wq.
 */
void dstb_recovery_dropped(struct dstb_node *node)
{
	struct dstb_io_error question = { .error = DSTB_ERROR_DROPPED };

	if (READ_ONCE(node->state) != DST_NODE_STATE_FAILED || READ_ONCE(node->suspended))
		return;
	if (ask_io_error(node, &question) == DSTB_IO_RETRY)
		dstb_member_retry(node, question.retry_ms);
}

/**
 * dstb_recovery_arbitrate() - a node was written apart: is what it has to be thrown away?
 * @node:	the node
 * @theirs:	sequence number of its medium's age
 *
 * The caller has seen that the volume runs with a quorum of its own.
 * Context: the volume's meta_wq.
 * Return: whether it is, by the policy's word; else nobody wins.
 */
bool dstb_recovery_arbitrate(struct dstb_node *node, u64 theirs)
{
	struct dstb_volume *vol = node->vol;
	struct dstb_arbitrate question = {
		.ours = vol->super->age.seq,
		.theirs = theirs,
		.node = node->index,
		.nr_nodes = vol->nr_nodes,
		.votes = vol->votes,
	};

	if (!dstb_ask_arbitrate(&vol->map, &question))
		return false;
	pr_warn("volume %s: node %u was written apart (age %llu, ours is %llu): that is thrown away, by the word of policy '%s'\n",
		vol->name, question.node, theirs, question.ours, vol->map.policy_name);
	return true;
}

/* ---- tick ---- */

static void tick_work_fn(struct work_struct *work)
{
	struct dstb_volume *vol =
		container_of(to_delayed_work(work), struct dstb_volume, tick_work);
	struct dstb_tick tick = { .nr = vol->ticks };
	bool goes_on;

	export_uuid(tick.uuid, &vol->uuid);
	/* The layout and the nodes stay what they are. */
	mutex_lock(&vol->nodes_lock);
	tick.nr_nodes = vol->nr_nodes;
	goes_on = dstb_call_tick(&vol->map, &tick);
	mutex_unlock(&vol->nodes_lock);
	if (!goes_on)
		return;
	vol->ticks++;
	queue_delayed_work(dstb_watch_wq, &vol->tick_work, HZ);
}

/**
 * dstb_recovery_init() - prepare a volume
 * @vol:	the volume, being made
 *
 * Context: any.
 */
void dstb_recovery_init(struct dstb_volume *vol)
{
	INIT_DELAYED_WORK(&vol->tick_work, tick_work_fn);
}

/**
 * dstb_recovery_start() - the policy's ticks begin, if it has any
 * @vol:	the volume
 *
 * When it is made, and when a policy of its policy's name has come back; a tick that finds none is
 * the last one. Before the volume is made, and when it is being taken apart, nothing happens.
 * Context: process.
 */
void dstb_recovery_start(struct dstb_volume *vol)
{
	if (READ_ONCE(vol->started) && dstb_has(&vol->map, tick))
		queue_delayed_work(dstb_watch_wq, &vol->tick_work, HZ);
}

/**
 * dstb_recovery_stop() - there are no ticks any more
 * @vol:	the volume, being taken apart; dstb_recovery_init() was called
 *
 * Before its mapping and its nodes go. Context: process, may sleep.
 */
void dstb_recovery_stop(struct dstb_volume *vol)
{
	disable_delayed_work_sync(&vol->tick_work);
}
