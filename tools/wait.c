// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl volume wait, volume scrub: events say when to look again, the state is what counts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dstctl.h"

/* Not all that is waited for has an event. */
#define LOOK_MS	500

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int nothing(const struct dst_event_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 0;
}

/*
 * Calls @look until it returns other than 0: 1 when it is done, -1 when it was refused and has been
 * told. Returns that; 0 when @end (of now_ms(); 0: never) has come.
 */
static int look_until(const struct context *ctx, int64_t end, int (*look)(void *arg), void *arg)
{
	struct dst_events *events;
	int result = 0, err = 0;
	int64_t left;

	/* First, so that nothing is missed between the look and the wait. */
	if (dst_events__open(ctx->dst, &events)) {
		refused(ctx);
		return -1;
	}
	while (!(result = look(arg))) {
		left = end ? end - now_ms() : LOOK_MS;
		if (left <= 0)
			break;
		err = dst_events__wait(events, left < LOOK_MS ? (int)left : LOOK_MS, nothing, NULL);
		if (err < 0 && err != -EINTR && err != -ENOBUFS) {
			refused(ctx);
			result = -1;
			break;
		}
	}
	dst_events__close(events);
	return result;
}

/* ---- wait ---- */

struct wait {
	const struct context *ctx;
	const char *name;
	const char *until;
	json_t *volume;	/* as it was last */
};

static bool is(const json_t *json, const char *state)
{
	return !strcmp(json_string_value(json_object_get(json, "state")), state);
}

static bool in_sync(const json_t *volume)
{
	const json_t *nodes = json_object_get(volume, "nodes"), *node;
	size_t i;

	for (i = 0; i < json_array_size(nodes); i++) {
		node = json_array_get(nodes, i);
		if (!is(node, "up") && !json_is_true(json_object_get(node, "witness")))
			return false;
	}
	return true;
}

static int look_at_volume(void *arg)
{
	struct wait *wait = arg;
	json_t *volumes = status_json(wait->ctx, wait->name);

	if (!volumes) {
		refused(wait->ctx);
		return -1;
	}
	json_decref(wait->volume);
	wait->volume = json_incref(json_array_get(volumes, 0));
	json_decref(volumes);
	if (!wait->volume || is(wait->volume, "fenced")) {
		refuse("volume %s is fenced: that does not end by itself", wait->name);
		return -1;
	}
	if (!strcmp(wait->until, "active"))
		return is(wait->volume, "active");
	if (!strcmp(wait->until, "up"))
		return is(wait->volume, "active") || is(wait->volume, "degraded");
	return in_sync(wait->volume);
}

int volume_wait(struct context *ctx)
{
	struct wait wait = { .ctx = ctx, .name = ctx->args[0], .until = option(ctx, "until") };
	uint64_t timeout = 0;
	int result;

	if (!wait.until)
		return usage_error(ctx, "--until is missing");
	if (strcmp(wait.until, "in-sync") && strcmp(wait.until, "up") &&
	    strcmp(wait.until, "active"))
		return usage_error(ctx, "--until: '%s' is not in-sync, up or active", wait.until);
	if (!option_number(ctx, "timeout", 1, 1000000, &timeout))
		return EXIT_USAGE;
	result = look_until(ctx, timeout ? now_ms() + (int64_t)timeout * 1000 : 0, look_at_volume,
			    &wait);
	if (!result) {
		fflush(stdout);
		fprintf(stderr, "dstctl: not %s after %ju s: ", wait.until, (uintmax_t)timeout);
		print_status(stderr, wait.volume);
	}
	if (result > 0 && ctx->json)
		print_json(json_incref(wait.volume));
	json_decref(wait.volume);
	return result > 0 ? 0 : EXIT_REFUSED;
}

/* ---- scrub ---- */

struct scrub {
	const struct context *ctx;
	uint64_t done;
	uint64_t total;
	uint64_t skipped;
	uint64_t errors;
};

static int copy_scrub(const struct dst_volume_info *info, void *arg)
{
	struct scrub *scrub = arg;

	scrub->done = info->scrub_done;
	scrub->total = info->scrub_total;
	scrub->skipped = info->scrub_skipped;
	scrub->errors = info->scrub_errors;
	return 0;
}

static int look_at_scrub(void *arg)
{
	struct scrub *scrub = arg;

	if (dst_volume__for_each(scrub->ctx->dst, scrub->ctx->args[0], copy_scrub, scrub)) {
		refused(scrub->ctx);
		return -1;
	}
	return scrub->done >= scrub->total;
}

static int tell_scrub(const struct scrub *scrub, bool repair)
{
	const char *name = scrub->ctx->args[0];
	char text[96] = "nothing differs", compared[32], other[32], skipped[64] = "";
	uint64_t done = scrub->done - scrub->skipped;

	if (scrub->ctx->json) {
		print_json(json_pack("{s:s, s:I, s:I, s:I, s:b}", "volume", name, "compared",
				     (json_int_t)done, "skipped", (json_int_t)scrub->skipped,
				     "differed", (json_int_t)scrub->errors, "repaired",
				     scrub->errors && repair));
		return scrub->skipped || (scrub->errors && !repair) ? EXIT_REFUSED : 0;
	}
	if (scrub->errors)
		snprintf(text, sizeof(text), repair ? "%s differed and were made the same" :
			 "%s differ (--repair makes them the same)",
			 size_text(scrub->errors, other));
	if (scrub->skipped)
		snprintf(skipped, sizeof(skipped), "; %s were not, on every copy",
			 size_text(scrub->skipped, other));
	size_text(done, compared);
	if (scrub->skipped || (scrub->errors && !repair))
		return refuse("volume %s: %s compared, %s%s", name, compared, text, skipped);
	printf("volume %s: %s compared, %s\n", name, compared, text);
	return 0;
}

int volume_scrub(struct context *ctx)
{
	bool repair = option(ctx, "repair"), end = option(ctx, "stop");
	struct scrub scrub = { .ctx = ctx };

	DST_OPTS(dst_volume_scrub_opts, opts, .repair = repair, .end = end);
	if (end && (repair || option(ctx, "wait")))
		return usage_error(ctx, "--stop goes with no other option");
	if (dst_volume__scrub(ctx->dst, ctx->args[0], &opts))
		return refused(ctx);
	if (option(ctx, "wait"))
		return look_until(ctx, 0, look_at_scrub, &scrub) > 0 ? tell_scrub(&scrub, repair) :
								       EXIT_REFUSED;
	if (ctx->json)
		return print_json(json_pack("{s:s}", end ? "stopped" : "started", ctx->args[0]));
	return 0;
}
