// SPDX-License-Identifier: GPL-2.0
/*
 * What status says, of volumes and nodes in all states. Needs no kernel module.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dstctl.h"

#define MB	1048576ULL

static int failed, checks;

/* What output.c needs of args.c. */
int refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	return EXIT_REFUSED;
}

int refused(const struct context *ctx)
{
	(void)ctx;
	return EXIT_REFUSED;
}

static void check(const char *got, const char *want)
{
	checks++;
	if (got == want || (got && want && !strcmp(got, want)))
		return;
	printf("sentence: '%s', not '%s'\n", got ? got : "nothing", want ? want : "nothing");
	failed = 1;
}

static void node(struct dst_volume_info volume, struct dst_node_info info, const char *want)
{
	char buf[SENTENCE];

	if (!info.reason)
		info.reason = "";
	info.where = "/dev/sdb";
	check(node_problem(&volume, &info, buf), want);
}

static void nodes(void)
{
	const struct dst_volume_info mirror = { .copies = 2, .metadata = true };
	const struct dst_volume_info hasty = { .copies = 2, .metadata = true, .no_wait = true };
	const struct dst_volume_info single = { .copies = 1, .metadata = true };
	const struct dst_volume_info bare = { .copies = 2 };
	struct dst_node_info lost = { .index = 2, .state = DST_NODE_STATE_LOST, .since_ms = 14000,
				      .left_ms = 16000 };
	struct dst_node_info sync = { .index = 1, .state = DST_NODE_STATE_SYNCING,
				      .sync_total = 7600 * MB, .dirty = 4800 * MB,
				      .sync_rate = 120 * MB };
	struct dst_node_info away = { .index = 1, .state = DST_NODE_STATE_AWAY,
				      .since_ms = 200000, .reason = "no answer for 12 s" };
	struct dst_node_info out = { .state = DST_NODE_STATE_FAILED, .reason = "write error" };

	node(mirror, (struct dst_node_info){ .state = DST_NODE_STATE_UP }, NULL);
	node(mirror, lost, "node 2 lost 14 s ago, holding writes for 16 s more, then degrading");
	node(hasty, lost,
	     "node 2 lost 14 s ago, requests for it fail for 16 s more, then degrading");
	node(single, lost, "node 2 lost 14 s ago, holding requests for it until it is back");
	lost.left_ms = 0;
	lost.reason = "connection reset";
	node(mirror, lost,
	     "node 2 lost 14 s ago (connection reset), holding requests for it until it is back");
	lost.witness = true;
	lost.reason = NULL;
	node(mirror, lost, "node 2 lost 14 s ago, its vote is missing until it is back");
	node(mirror, sync, "node 1 syncing 36 %, 120 MiB/s, 40 s left");
	sync.sync_same = 2048 * MB;
	node(mirror, sync,
	     "node 1 syncing 36 %, 120 MiB/s, 40 s left, 2G of it were the same");
	sync.sync_same = 0;
	sync.sync_rate = 0;
	node(mirror, sync, "node 1 syncing 36 %, 4.69G left");
	sync.dirty = 0;
	node(mirror, sync, "node 1 syncing 100 %");
	node(mirror, away,
	     "node 1 away for 3 min (no answer for 12 s), back when it can be reached");
	away.dirty = 64 * MB;
	away.reason = "";
	node(mirror, away,
	     "node 1 away for 3 min, back when it can be reached, 64M to copy then");
	away.state = DST_NODE_STATE_SUSPENDED;
	away.since_ms = 2 * 86400 * 1000;
	node(mirror, away, "node 1 suspended for 2 d, back when it is resumed, 64M to copy then");
	node(mirror, out,
	     "node 0 (/dev/sdb) failed: write error, out until it is replaced or resumed");
	node(bare, out, "node 0 (/dev/sdb) failed: write error, out until the volume is stopped");
	out.state = DST_NODE_STATE_REFUSED;
	out.reason = "diverged";
	node(mirror, out,
	     "node 0 (/dev/sdb) refused: diverged, out until it is replaced or resolved");
	node(mirror, (struct dst_node_info){ .state = DST_NODE_STATE_CONNECTING },
	     "node 0 (/dev/sdb) connecting");
}

static void state(struct dst_volume_info info, const char *want)
{
	char buf[SENTENCE];

	if (!info.reason)
		info.reason = "";
	check(state_problem(&info, buf), want);
}

static void states(void)
{
	struct dst_volume_info held = { .state = DST_VOLUME_STATE_HELD, .votes = 1, .nr_votes = 3 };
	struct dst_volume_info info = { .state = DST_VOLUME_STATE_ACTIVE };

	state(info, NULL);
	state(held, "held: 1 of 3 votes, waiting for nodes");
	held.no_wait = true;
	state(held, "held: 1 of 3 votes, waiting for nodes, requests fail meanwhile");
	held.no_wait = false;
	held.votes = 2;
	state(held, "held: no copy that may be used, waiting for nodes");
	held.reason = "node 1 is needed";
	state(held, "held: node 1 is needed, waiting for nodes");
	info.state = DST_VOLUME_STATE_FENCED;
	state(info, "fenced: another one has its nodes, requests fail until it is stopped");
	info.state = DST_VOLUME_STATE_SUSPENDED;
	state(info, "suspended, requests wait until it is resumed");
	info.state = DST_VOLUME_STATE_FAULTED;
	state(info, NULL);
	info.reason = "wrong";
	state(info, "wrong");
	info.state = DST_VOLUME_STATE_DEGRADED;
	state(info, NULL);
}

static void votes(uint32_t here, uint32_t all, const char *want)
{
	struct dst_volume_info info = { .metadata = true, .votes = here, .nr_votes = all };
	char buf[SENTENCE];

	check(vote_problem(&info, buf), want);
}

static void scrub(uint64_t done, uint64_t total, uint64_t errors, const char *want)
{
	struct dst_volume_info info = { .scrub_done = done, .scrub_total = total,
					.scrub_errors = errors };
	char buf[SENTENCE];

	check(scrub_text(&info, buf), want);
}

static void texts(void)
{
	char buf[32];

	check(duration_text(0, buf), "0 s");
	check(duration_text(119000, buf), "119 s");
	check(duration_text(120000, buf), "2 min");
	check(duration_text(7200000, buf), "2 h");
	check(rate_text(0, buf), "0 B/s");
	check(rate_text(1536, buf), "1.5 KiB/s");
	check(rate_text(120 * MB, buf), "120 MiB/s");
	votes(3, 3, NULL);
	votes(2, 3, "2 of 3 votes, if one more is lost I/O is held");
	votes(2, 2, NULL);
	votes(1, 2, "1 of 2 votes, if one more is lost I/O is held");
	votes(3, 5, "3 of 5 votes, if one more is lost I/O is held");
	votes(4, 5, NULL);
	votes(1, 3, NULL);
	scrub(0, 0, 0, NULL);
	scrub(0, 100, 0, "scrubbing 0 %, nothing differed so far");
	scrub(37, 100, 4096, "scrubbing 37 %, 4k differed so far");
	scrub(100, 100, 0, NULL);
	scrub(100, 100, 512, "512 differed in the last scrub");
}

int main(void)
{
	nodes();
	states();
	texts();
	if (!failed)
		printf("dstctl: %d sentences are as they were meant\n", checks);
	return failed;
}
