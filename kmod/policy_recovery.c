// SPDX-License-Identifier: GPL-2.0
/*
 * The callbacks of recovery: asked under RCU like the hot ones, but only when something has
 * happened. What is no answer is counted as a fault, and the default used; so is an answer that the
 * core can't go by, which whoever asks finds out (dstb_recovery_fault()).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>

#include "mapping.h"
#include "recovery.h"

/**
 * dstb_recovery_fault() - count an answer that is not gone by
 * @map:	the mapping
 * @callback:	which one's
 * @answer:	what it said
 * @wrong:	what is wrong with it, in a few words
 *
 * Context: any.
 */
void dstb_recovery_fault(struct dstb_mapping *map, const char *callback, s64 answer,
			 const char *wrong)
{
	atomic64_inc(&map->choice_faults);
	pr_warn_ratelimited("volume %s: %s() of '%s' answered %lld, %s; using the default\n",
			    map->volume, callback, map->policy_name, answer, wrong);
}

/**
 * dstb_has_callback() - does the policy have a callback?
 * @map:	the mapping
 * @offset:	of it in struct dstb_policy_ops: dstb_has()
 *
 * Context: any.
 * Return: whether it does; false while it is lost.
 */
bool dstb_has_callback(struct dstb_mapping *map, size_t offset)
{
	const struct dstb_policy_ops *ops;
	bool has;

	rcu_read_lock();
	ops = rcu_dereference(map->ops);
	has = ops && *(void *const *)((const void *)ops + offset);
	rcu_read_unlock();
	return has;
}

/**
 * dstb_ask_quorum() - are so many nodes enough to take writes?
 * @map:	the mapping
 * @question:	the votes
 *
 * Context: any but hard interrupts; the caller keeps the mapping and the nodes alive.
 * Return: 1: they are; 0: they are not; -1: the default is to decide.
 */
int dstb_ask_quorum(struct dstb_mapping *map, struct dstb_quorum *question)
{
	const struct dstb_policy_ops *ops;
	int answer = -1;

	rcu_read_lock();
	ops = rcu_dereference(map->ops);
	if (ops && ops->quorum)
		answer = ops->quorum(&map->layout, question);
	rcu_read_unlock();
	if (answer <= 1)
		return max(answer, -1);
	dstb_recovery_fault(map, "quorum", answer, "neither yes nor no");
	return -1;
}

/**
 * dstb_ask_resync_next() - which region is to be copied next?
 * @map:	the mapping
 * @next:	the question, in a struct dstb_resync_ctx; region and pause_ms are undefined when
 *		there is no answer
 *
 * That the region is one that some node lacks is for the caller to check.
 * Context: any but hard interrupts; the caller keeps the mapping and the nodes alive.
 * Return: whether there is an answer; else the default is to decide.
 */
bool dstb_ask_resync_next(struct dstb_mapping *map, struct dstb_resync_next *next)
{
	const struct dstb_policy_ops *ops;
	int answer = -1;

	rcu_read_lock();
	ops = rcu_dereference(map->ops);
	if (ops && ops->resync_next)
		answer = ops->resync_next(&map->layout, next);
	rcu_read_unlock();
	if (answer < 0)
		return false;
	if (answer)
		dstb_recovery_fault(map, "resync_next", answer, "neither 0 nor negative");
	else if (next->region >= next->nr_regions)
		dstb_recovery_fault(map, "resync_next", next->region, "a region that is not there");
	else if (next->pause_ms > DSTB_RESYNC_PAUSE_MAX && next->pause_ms != DSTB_RESYNC_PAUSE)
		dstb_recovery_fault(map, "resync_next", next->pause_ms, "a rest that is too long");
	else
		return true;
	return false;
}

/**
 * dstb_ask_node_event() - how long is a lost node waited for?
 * @map:	the mapping
 * @event:	the question; hold_ms is undefined when there is no answer
 *
 * Context: any but hard interrupts; the caller keeps the mapping and the nodes alive.
 * Return: whether there is an answer; else the default is to decide.
 */
bool dstb_ask_node_event(struct dstb_mapping *map, struct dstb_node_event *event)
{
	const struct dstb_policy_ops *ops;
	int answer = -1;

	rcu_read_lock();
	ops = rcu_dereference(map->ops);
	if (ops && ops->node_event)
		answer = ops->node_event(&map->layout, event);
	rcu_read_unlock();
	if (answer < 0)
		return false;
	if (answer)
		dstb_recovery_fault(map, "node_event", answer, "neither 0 nor negative");
	else if (event->hold_ms > DSTB_HOLD_MAX)
		dstb_recovery_fault(map, "node_event", event->hold_ms, "a time that is too long");
	else
		return true;
	return false;
}

/**
 * dstb_ask_io_error() - what becomes of a node whose medium has reported an error?
 * @map:	the mapping
 * @error:	the question
 *
 * Context: any but hard interrupts; the caller keeps the mapping and the nodes alive.
 * Return: enum dstb_io_verdict, one that fits the question; -1: the default is to decide.
 */
int dstb_ask_io_error(struct dstb_mapping *map, struct dstb_io_error *error)
{
	bool read = error->error == DSTB_ERROR_READ;
	const struct dstb_policy_ops *ops;
	int answer = -1;

	rcu_read_lock();
	ops = rcu_dereference(map->ops);
	if (ops && ops->io_error)
		answer = ops->io_error(&map->layout, error);
	rcu_read_unlock();
	if (answer < 0)
		return -1;
	if (answer > DSTB_IO_RETRY || answer == (read ? DSTB_IO_RETRY : DSTB_IO_KEEP))
		dstb_recovery_fault(map, "io_error", answer, "which is no answer to that");
	else if (answer == DSTB_IO_RETRY && (error->retry_ms < DSTB_RETRY_MIN ||
					     error->retry_ms > DSTB_RETRY_MAX))
		dstb_recovery_fault(map, "io_error", error->retry_ms, "too soon, or too late");
	else
		return answer;
	return -1;
}

/**
 * dstb_ask_arbitrate() - a node was written apart: is what it has to be thrown away?
 * @map:	the mapping
 * @question:	about which node
 *
 * Context: any but hard interrupts; the caller keeps the mapping and the nodes alive.
 * Return: whether it is; false is the default.
 */
bool dstb_ask_arbitrate(struct dstb_mapping *map, struct dstb_arbitrate *question)
{
	const struct dstb_policy_ops *ops;
	int answer = -1;

	rcu_read_lock();
	ops = rcu_dereference(map->ops);
	if (ops && ops->arbitrate)
		answer = ops->arbitrate(&map->layout, question);
	rcu_read_unlock();
	if (answer > 1)
		dstb_recovery_fault(map, "arbitrate", answer, "neither yes nor no");
	return answer == 1;
}

/**
 * dstb_call_tick() - a second has passed
 * @map:	the mapping
 * @tick:	what the policy sees of it
 *
 * Context: any but hard interrupts; the caller keeps the mapping and the nodes alive.
 * Return: whether the policy has a tick(); false while it is lost.
 */
bool dstb_call_tick(struct dstb_mapping *map, struct dstb_tick *tick)
{
	const struct dstb_policy_ops *ops;
	bool has;

	rcu_read_lock();
	ops = rcu_dereference(map->ops);
	has = ops && ops->tick;
	if (has)
		ops->tick(&map->layout, tick);
	rcu_read_unlock();
	return has;
}
