// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl events
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "dstctl.h"

struct watch {
	const struct context *ctx;
	uint64_t left;		/* events to come; 0: any number */
	bool done;
};

static void print_text(const struct dst_event_info *info)
{
	time_t seconds = (time_t)(info->time_ns / 1000000000);
	char stamp[32], node[16] = "";
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%F %T", &tm);
	if (info->node >= 0)
		snprintf(node, sizeof(node), "/%u", (unsigned int)info->node);
	printf("%s.%03u %s %s%s %s%s%s%s%s\n", stamp,
	       (unsigned int)(info->time_ns / 1000000 % 1000), dst_event_kind__name(info->kind),
	       info->name, node, info->old_state, *info->old_state ? " -> " : "", info->new_state,
	       *info->reason ? ": " : "", info->reason);
}

static int print_event(const struct dst_event_info *info, void *arg)
{
	struct watch *watch = arg;
	json_t *json;

	if (watch->ctx->json) {
		json = event_json(info);
		json_dumpf(json, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(json);
	} else {
		print_text(info);
	}
	if (watch->left && !--watch->left)
		watch->done = true;
	/* A reader that went away is no error. */
	if (fflush(stdout))
		watch->done = true;
	return watch->done;
}

static int watch_events(struct watch *watch, struct dst_events *listener, int64_t end)
{
	int wait, err;

	while (!watch->done) {
		wait = -1;
		if (end) {
			if (now_ms() >= end)
				break;
			wait = (int)(end - now_ms()) + 1;
		}
		err = dst_events__wait(listener, wait, print_event, watch);
		if (err == -ENOBUFS)
			refused(watch->ctx);
		else if (err < 0 && err != -EINTR && err != -ECANCELED)
			return refused(watch->ctx);
	}
	if (watch->left)
		return refuse("%ju more events were to come", (uintmax_t)watch->left);
	return 0;
}

int events(struct context *ctx)
{
	struct watch watch = { .ctx = ctx };
	struct dst_events *listener;
	uint64_t timeout = 0;
	int status;

	if (!option_number(ctx, "count", 1, UINT32_MAX, &watch.left) ||
	    !option_number(ctx, "timeout", 1, 1000000, &timeout))
		return EXIT_USAGE;
	if (dst_events__open(ctx->dst, &listener))
		return refused(ctx);
	status = watch_events(&watch, listener, timeout ? now_ms() + (int64_t)timeout * 1000 : 0);
	dst_events__close(listener);
	return status;
}
