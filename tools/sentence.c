// SPDX-License-Identifier: GPL-2.0
/*
 * What is wrong with a volume or a node, and what happens next: a sentence each.
 */
#include <stdio.h>
#include <string.h>

#include "dstctl.h"

const char *duration_text(uint64_t ms, char buf[static 32])
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = { { "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
	uint64_t seconds = (ms + 500) / 1000;
	size_t i = 0;

	while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
		i++;
	snprintf(buf, 32, "%ju %s", (uintmax_t)(seconds / units[i].seconds), units[i].name);
	return buf;
}

const char *rate_text(uint64_t bytes, char buf[static 32])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t i = 0;

	while (value >= 1024 && i < 4) {
		value /= 1024;
		i++;
	}
	snprintf(buf, 32, i && value < 10 ? "%.1f %s/s" : "%.0f %s/s", value, units[i]);
	return buf;
}

/* How much of a resync, or scrub, is done. */
unsigned int percent(uint64_t done, uint64_t total)
{
	if (!total || done >= total)
		return 100;
	return (unsigned int)((double)done * 100 / (double)total);
}

uint64_t node_synced(const struct dst_node_info *node)
{
	return node->dirty < node->sync_total ? node->sync_total - node->dirty : 0;
}

/* "37 %, 120 MiB/s, 40 s left" */
const char *progress_text(uint64_t done, uint64_t total, uint64_t rate, char buf[static 64])
{
	char speed[32], left[32], size[32];

	if (rate && done < total)
		snprintf(buf, 64, "%u %%, %.20s, %.20s left", percent(done, total),
			 rate_text(rate, speed),
			 duration_text((total - done) / rate * 1000, left));
	else if (done < total)
		snprintf(buf, 64, "%u %%, %.20s left", percent(done, total),
			 size_text(total - done, size));
	else
		snprintf(buf, 64, "%u %%", percent(done, total));
	return buf;
}

/* " (reason)", or nothing. */
static const char *in_brackets(const char *reason, char buf[static 192])
{
	snprintf(buf, 192, *reason ? " (%.180s)" : "%.180s", reason);
	return buf;
}

static void lost_text(const struct dst_volume_info *volume, const struct dst_node_info *node,
		      char *buf, size_t size)
{
	const char *what = volume->no_wait ? "requests for it fail" :
			   node->left_ms && volume->copies > 1 ? "holding writes" :
								 "holding requests for it";
	char since[32], left[32], reason[192];

	duration_text(node->since_ms, since);
	in_brackets(node->reason, reason);
	if (node->witness)
		snprintf(buf, size, "node %u lost %s ago%s, its vote is missing until it is back",
			 node->index, since, reason);
	else if (node->left_ms && volume->copies > 1)
		snprintf(buf, size, "node %u lost %s ago%s, %s for %s more, then degrading",
			 node->index, since, reason, what, duration_text(node->left_ms, left));
	else
		snprintf(buf, size, "node %u lost %s ago%s, %s until it is back", node->index,
			 since, reason, what);
}

/* Of one that is not written to: what will have to be copied, and when. */
static void absent_text(const struct dst_node_info *node, const char *how, const char *next,
			char *buf, size_t size)
{
	char since[32], reason[192], bytes[32], copy[64] = "";

	if (node->dirty)
		snprintf(copy, sizeof(copy), ", %.20s to copy then", size_text(node->dirty, bytes));
	snprintf(buf, size, "node %u %s %s%s, %s%s", node->index, how,
		 duration_text(node->since_ms, since), in_brackets(node->reason, reason), next,
		 copy);
}

/* What is wrong with a node, or NULL. */
const char *node_problem(const struct dst_volume_info *volume, const struct dst_node_info *node,
			 char buf[static SENTENCE])
{
	const char *colon = *node->reason ? ": " : "", *next;
	const char *where = *node->where ? node->where : "not given";
	char text[64], size[32], same[64] = "";

	switch (node->state) {
	case DST_NODE_STATE_UP:
		return NULL;
	case DST_NODE_STATE_LOST:
		lost_text(volume, node, buf, SENTENCE);
		break;
	case DST_NODE_STATE_AWAY:
		absent_text(node, "away for", "back when it can be reached", buf, SENTENCE);
		break;
	case DST_NODE_STATE_SUSPENDED:
		absent_text(node, "suspended for", "back when it is resumed", buf, SENTENCE);
		break;
	case DST_NODE_STATE_SYNCING:
		if (node->sync_same)
			snprintf(same, sizeof(same), ", %.20s of it were the same",
				 size_text(node->sync_same, size));
		snprintf(buf, SENTENCE, "node %u syncing %s%s", node->index,
			 progress_text(node_synced(node), node->sync_total, node->sync_rate,
				       text),
			 same);
		break;
	case DST_NODE_STATE_FAILED:
	case DST_NODE_STATE_REFUSED:
		next = !volume->metadata		       ? "the volume is stopped" :
		       node->state == DST_NODE_STATE_FAILED ? "it is replaced or resumed" :
							      "it is replaced or resolved";
		snprintf(buf, SENTENCE, "node %u (%s) %s%s%s, out until %s", node->index,
			 where, dst_node_state__name(node->state), colon, node->reason, next);
		break;
	default:
		snprintf(buf, SENTENCE, "node %u (%s) %s%s%s", node->index, where,
			 dst_node_state__name(node->state), colon, node->reason);
	}
	return buf;
}

static bool has_quorum(uint32_t votes, uint32_t nr_votes)
{
	return 2 * (uint64_t)votes >= nr_votes;
}

/* What the state of a volume means, or NULL. */
const char *state_problem(const struct dst_volume_info *volume, char buf[static SENTENCE])
{
	const char *fails = volume->no_wait ? ", requests fail meanwhile" : "";

	switch (volume->state) {
	case DST_VOLUME_STATE_ACTIVE:
	case DST_VOLUME_STATE_DEGRADED:
		/* The nodes say why. */
		return NULL;
	case DST_VOLUME_STATE_HELD:
		if (!has_quorum(volume->votes, volume->nr_votes))
			snprintf(buf, SENTENCE, "held: %u of %u votes, waiting for nodes%s",
				 volume->votes, volume->nr_votes, fails);
		else
			snprintf(buf, SENTENCE, "held: %s, waiting for nodes%s",
				 *volume->reason ? volume->reason : "no copy that may be used",
				 fails);
		return buf;
	case DST_VOLUME_STATE_FENCED:
		snprintf(buf, SENTENCE, "fenced: %s, requests fail until it is stopped",
			 *volume->reason ? volume->reason : "another one has its nodes");
		return buf;
	case DST_VOLUME_STATE_SUSPENDED:
		snprintf(buf, SENTENCE, "suspended, requests wait until it is resumed");
		return buf;
	default:
		if (!*volume->reason)
			return NULL;
		snprintf(buf, SENTENCE, "%s", volume->reason);
		return buf;
	}
}

/* Does it take one more loss to hold it? Or NULL. */
const char *vote_problem(const struct dst_volume_info *volume, char buf[static SENTENCE])
{
	if (!volume->metadata || !volume->votes || volume->votes >= volume->nr_votes ||
	    !has_quorum(volume->votes, volume->nr_votes) ||
	    has_quorum(volume->votes - 1, volume->nr_votes))
		return NULL;
	snprintf(buf, SENTENCE, "%u of %u votes, if one more is lost I/O is held", volume->votes,
		 volume->nr_votes);
	return buf;
}

/* What the scrub that runs, or was the last, has found; NULL when there is nothing to say. */
const char *scrub_text(const struct dst_volume_info *volume, char buf[static SENTENCE])
{
	char size[32];

	if (!volume->scrub_total ||
	    (volume->scrub_done >= volume->scrub_total && !volume->scrub_errors &&
	     !volume->scrub_skipped))
		return NULL;
	if (volume->scrub_done >= volume->scrub_total && !volume->scrub_errors)
		snprintf(buf, SENTENCE, "the last scrub did not compare %s on every copy",
			 size_text(volume->scrub_skipped, size));
	else if (volume->scrub_done >= volume->scrub_total)
		snprintf(buf, SENTENCE, "%s differed in the last scrub",
			 size_text(volume->scrub_errors, size));
	else if (volume->scrub_errors)
		snprintf(buf, SENTENCE, "scrubbing %u %%, %s differed so far",
			 percent(volume->scrub_done, volume->scrub_total),
			 size_text(volume->scrub_errors, size));
	else
		snprintf(buf, SENTENCE, "scrubbing %u %%, nothing differed so far",
			 percent(volume->scrub_done, volume->scrub_total));
	return buf;
}
