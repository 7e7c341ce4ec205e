// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl status: made as JSON first, then printed one way or the other, once or again and again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dstctl.h"

#define BAR_WIDTH	30
#define REDRAW_MS	1000

struct checkup {
	const struct context *ctx;
	const char *name;	/* of the one that is asked for, or NULL */
	const struct dst_volume_info *volume;	/* at hand */
	json_t *problems;	/* of it: sentences */
	json_t *nodes;		/* of it */
	json_t *volumes;	/* all that was found out */
};

static void add_sentence(json_t *array, const char *sentence)
{
	if (sentence)
		json_array_append_new(array, json_string(sentence));
}

static int check_node(const struct dst_node_info *info, void *arg)
{
	struct checkup *checkup = arg;
	char buf[SENTENCE];

	add_sentence(checkup->problems, node_problem(checkup->volume, info, buf));
	return append_node_json(info, checkup->nodes);
}

static void check_requests(const struct dst_volume_info *info, json_t *problems)
{
	if (info->held && info->state == DST_VOLUME_STATE_POLICY_LOST)
		json_array_append_new(problems,
				      json_sprintf("%u requests wait for policy %s", info->held,
						   info->policy));
	else if (info->held)
		json_array_append_new(problems, json_sprintf("%u requests wait", info->held));
	if (info->policy_faults)
		json_array_append_new(problems,
				      json_sprintf("policy %s answered wrongly %ju times",
						   info->policy, (uintmax_t)info->policy_faults));
	if (info->repaired)
		json_array_append_new(problems,
				      json_sprintf("%ju reads were mended from another copy",
						   (uintmax_t)info->repaired));
}

static int check_volume(const struct dst_volume_info *info, void *arg)
{
	struct checkup *checkup = arg;
	char buf[SENTENCE];
	json_t *json;
	int err;

	checkup->volume = info;
	checkup->problems = json_array();
	checkup->nodes = json_array();
	add_sentence(checkup->problems, state_problem(info, buf));
	add_sentence(checkup->problems, vote_problem(info, buf));
	check_requests(info, checkup->problems);
	err = dst_node__for_each(checkup->ctx->dst, info->name, check_node, checkup);
	if (err) {
		json_decref(checkup->problems);
		json_decref(checkup->nodes);
		/* Of a list, one that was stopped in the meantime is passed over. */
		return err == -ENOENT && !checkup->name ? 0 : err;
	}
	add_sentence(checkup->problems, scrub_text(info, buf));
	json = json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o}", "name", info->name, "state",
			 dst_volume_state__name(info->state), "policy", info->policy, "up_nodes",
			 (int)info->up_nodes, "nr_nodes", (int)info->nr_nodes, "problems",
			 checkup->problems, "nodes", checkup->nodes);
	if (!json)
		return -ENOMEM;
	json_object_set_new(json, "votes", json_integer(info->votes));
	json_object_set_new(json, "nr_votes", json_integer(info->nr_votes));
	json_object_set_new(json, "scrub_done", json_integer((json_int_t)info->scrub_done));
	json_object_set_new(json, "scrub_total", json_integer((json_int_t)info->scrub_total));
	json_array_append_new(checkup->volumes, json);
	return 0;
}

/* An object for each volume, or the one of that name; NULL when that was refused. */
json_t *status_json(const struct context *ctx, const char *name)
{
	struct checkup checkup = { .ctx = ctx, .name = name, .volumes = json_array() };

	if (!dst_volume__for_each(ctx->dst, name, check_volume, &checkup))
		return checkup.volumes;
	json_decref(checkup.volumes);
	return NULL;
}

/* A volume in a line. */
void print_status(FILE *out, const json_t *volume)
{
	const json_t *problems = json_object_get(volume, "problems");
	const char *name, *state;
	int up, nodes;
	size_t i;

	json_unpack((json_t *)volume, "{s:s, s:s, s:i, s:i}", "name", &name, "state", &state,
		    "up_nodes", &up, "nr_nodes", &nodes);
	fprintf(out, "%s: %s, %d of %d nodes up", name, state, up, nodes);
	for (i = 0; i < json_array_size(problems); i++)
		fprintf(out, "; %s", json_string_value(json_array_get(problems, i)));
	fputc('\n', out);
}

static uint64_t number(const json_t *json, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(json, key));
}

static void print_bar(FILE *out, const char *what, uint64_t done, uint64_t total, uint64_t rate)
{
	unsigned int i, full = percent(done, total) * BAR_WIDTH / 100;
	char text[64];

	fprintf(out, "  %-10s [", what);
	for (i = 0; i < BAR_WIDTH; i++)
		fputc(i < full ? '=' : i == full ? '>' : ' ', out);
	fprintf(out, "] %s\n", progress_text(done, total, rate, text));
}

/* What is under way in a volume, for a terminal. */
static void print_bars(FILE *out, const json_t *volume)
{
	const json_t *nodes = json_object_get(volume, "nodes"), *node;
	uint64_t total, dirty;
	char what[32];
	size_t i;

	for (i = 0; i < json_array_size(nodes); i++) {
		node = json_array_get(nodes, i);
		if (strcmp(json_string_value(json_object_get(node, "state")), "syncing"))
			continue;
		total = number(node, "sync_total");
		dirty = number(node, "dirty");
		snprintf(what, sizeof(what), "node %u", (unsigned int)number(node, "index"));
		print_bar(out, what, dirty < total ? total - dirty : 0, total,
			  number(node, "sync_rate"));
	}
	if (number(volume, "scrub_done") < number(volume, "scrub_total"))
		print_bar(out, "scrub", number(volume, "scrub_done"),
			  number(volume, "scrub_total"), 0);
}

/* ---- again and again ---- */

static int changed(const struct dst_event_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 0;
}

/* As text for @ctx, to be freed; NULL when that was refused, or there is no memory. */
static char *picture(const struct context *ctx, bool bars)
{
	json_t *volumes = status_json(ctx, ctx->nargs ? ctx->args[0] : NULL);
	char *text = NULL;
	size_t len = 0, i;
	FILE *out;

	if (!volumes)
		return NULL;
	out = open_memstream(&text, &len);
	for (i = 0; out && !ctx->json && i < json_array_size(volumes); i++) {
		print_status(out, json_array_get(volumes, i));
		if (bars)
			print_bars(out, json_array_get(volumes, i));
	}
	if (out && ctx->json) {
		json_dumpf(volumes, out, JSON_COMPACT);
		fputc('\n', out);
	}
	if (out)
		fclose(out);
	json_decref(volumes);
	return text;
}

/* On a terminal over the one before, else when it is another one. */
static void draw(char **last, char *text, bool terminal)
{
	if (terminal)
		printf("\033[H\033[J%s", text);
	else if (!*last || strcmp(*last, text))
		fputs(text, stdout);
	free(*last);
	*last = text;
}

static int watch(struct context *ctx)
{
	bool terminal = isatty(STDOUT_FILENO) && !ctx->json;
	struct dst_events *events;
	char *text, *last = NULL;
	int err, status = 0;

	if (dst_events__open(ctx->dst, &events))
		return refused(ctx);
	while (true) {
		text = picture(ctx, terminal);
		if (!text) {
			status = refused(ctx);
			break;
		}
		draw(&last, text, terminal);
		/* A reader that went away is no error. */
		if (fflush(stdout)) {
			clearerr(stdout);
			break;
		}
		err = dst_events__wait(events, REDRAW_MS, changed, NULL);
		if (err < 0 && err != -EINTR && err != -ENOBUFS) {
			status = refused(ctx);
			break;
		}
	}
	free(last);
	dst_events__close(events);
	return status;
}

int status(struct context *ctx)
{
	json_t *volumes;
	size_t i;

	if (option(ctx, "watch"))
		return watch(ctx);
	volumes = status_json(ctx, ctx->nargs ? ctx->args[0] : NULL);
	if (!volumes)
		return refused(ctx);
	if (ctx->json)
		return print_json(volumes);
	for (i = 0; i < json_array_size(volumes); i++)
		print_status(stdout, json_array_get(volumes, i));
	json_decref(volumes);
	return 0;
}
