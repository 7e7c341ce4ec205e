// SPDX-License-Identifier: GPL-2.0
/*
 * Tables, sizes, JSON.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dstctl.h"

#define MAX_COLUMNS	10

/**
 * struct table - a table for people, printed when all is there
 * @columns:	how many
 * @nr:		cells so far, the heads among them
 * @cells:	row by row
 * @failed:	there was no memory for a cell
 */
struct table {
	size_t columns;
	size_t nr;
	char **cells;
	bool failed;
};

/* Exact where it can be said in a word: 64M, 1.5G, 513. */
const char *size_text(uint64_t bytes, char buf[static 32])
{
	static const char suffixes[] = "kMGTP";
	int i;

	for (i = 4; i >= 0; i--) {
		uint64_t unit = 1ULL << (10 * (i + 1));

		if (bytes < unit)
			continue;
		if (bytes % unit == 0)
			snprintf(buf, 32, "%ju%c", (uintmax_t)(bytes / unit), suffixes[i]);
		else
			snprintf(buf, 32, "%.2f%c", (double)bytes / (double)unit, suffixes[i]);
		return buf;
	}
	snprintf(buf, 32, "%ju", (uintmax_t)bytes);
	return buf;
}

const char *uuid_text(const uint8_t uuid[16], char buf[static 37])
{
	char *p = buf;
	int i;

	for (i = 0; i < 16; i++)
		p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			     uuid[i]);
	return buf;
}

static void add_cell(struct table *table, char *text)
{
	char **cells = realloc(table->cells, (table->nr + 1) * sizeof(*cells));

	if (cells)
		table->cells = cells;
	if (!cells || !text) {
		free(text);
		table->failed = true;
		return;
	}
	cells[table->nr++] = text;
}

/* The heads of the columns, then NULL. */
struct table *table_new(const char *first, ...)
{
	struct table *table = calloc(1, sizeof(*table));
	const char *head;
	va_list args;

	if (!table) {
		fputs("dstctl: out of memory\n", stderr);
		exit(EXIT_REFUSED);
	}
	va_start(args, first);
	for (head = first; head && table->columns < MAX_COLUMNS;
	     head = va_arg(args, const char *)) {
		add_cell(table, strdup(head));
		table->columns++;
	}
	va_end(args);
	return table;
}

void table_cell(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	add_cell(table, text);
}

static void table_free(struct table *table)
{
	size_t i;

	if (!table)
		return;
	for (i = 0; i < table->nr; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

/* Prints and frees it. */
void table_print(struct table *table)
{
	size_t width[MAX_COLUMNS] = { 0 }, i, column;

	for (i = 0; i < table->nr; i++) {
		column = i % table->columns;
		if (strlen(table->cells[i]) > width[column])
			width[column] = strlen(table->cells[i]);
	}
	if (table->failed)
		fputs("dstctl: out of memory\n", stderr);
	for (i = 0; i < table->nr; i++) {
		column = i % table->columns;
		if (column + 1 < table->columns)
			printf("%-*s  ", (int)width[column], table->cells[i]);
		else
			printf("%s\n", table->cells[i]);
	}
	table_free(table);
}

void line(const char *key, const char *format, ...)
{
	va_list args;

	printf("%-16s", key);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* Prints and frees it. */
int print_json(json_t *json)
{
	if (!json)
		return refuse("out of memory");
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
	return 0;
}

/* The end of a list, which is one of these: prints it, or says why it is none; frees it. */
int print_list(const struct context *ctx, int err, json_t *array, struct table *table)
{
	if (err) {
		json_decref(array);
		table_free(table);
		return refused(ctx);
	}
	if (ctx->json)
		return print_json(array);
	table_print(table);
	return 0;
}

/* A member of an object that is a string, or "". */
const char *json_text(const json_t *json, const char *key)
{
	const char *value = json_string_value(json_object_get(json, key));

	return value ? value : "";
}

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

json_t *policy_json(const struct dst_policy_info *info)
{
	json_t *callbacks = json_array();
	unsigned int i;

	for (i = 0; dst_policy__callback_name(i); i++)
		if (info->callbacks & 1U << i)
			json_array_append_new(callbacks, json_string(dst_policy__callback_name(i)));
	return json_pack("{s:s, s:o, s:o, s:o, s:s}", "name", info->name, "callbacks", callbacks,
			 "volumes", integer(info->volumes), "link_id", integer(info->link_id),
			 "pin", info->pin);
}

static void add_members(json_t *json, const struct dst_volume_info *info)
{
	json_object_set_new(json, "no_wait", json_boolean(info->no_wait));
	json_object_set_new(json, "grace_ms", integer(info->grace_ms));
	json_object_set_new(json, "checksum", json_boolean(info->checksum));
	json_object_set_new(json, "metadata", json_boolean(info->metadata));
	json_object_set_new(json, "age", integer(info->age));
	json_object_set_new(json, "votes", integer(info->votes));
	json_object_set_new(json, "nr_votes", integer(info->nr_votes));
	json_object_set_new(json, "region_size", integer(info->region_size));
	json_object_set_new(json, "dirty", integer(info->dirty));
	json_object_set_new(json, "scrub_done", integer(info->scrub_done));
	json_object_set_new(json, "scrub_total", integer(info->scrub_total));
	json_object_set_new(json, "scrub_skipped", integer(info->scrub_skipped));
	json_object_set_new(json, "scrub_errors", integer(info->scrub_errors));
	json_object_set_new(json, "repaired", integer(info->repaired));
}

json_t *volume_json(const struct dst_volume_info *info)
{
	json_t *params = json_object(), *json;
	char uuid[37];
	uint32_t i;

	for (i = 0; i < info->nr_params; i++)
		json_object_set_new(params, info->params[i]->name, integer(info->params[i]->value));
	json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "name", info->name, "uuid",
			 uuid_text(info->uuid, uuid), "state", dst_volume_state__name(info->state),
			 "reason", info->reason, "policy", info->policy, "params", params);
	if (!json)
		return NULL;
	json_object_set_new(json, "device", json_sprintf("/dev/dst/%s", info->name));
	json_object_set_new(json, "size", integer(info->size));
	json_object_set_new(json, "block_size", integer(info->block_size));
	json_object_set_new(json, "copies", integer(info->copies));
	json_object_set_new(json, "policy_faults", integer(info->policy_faults));
	json_object_set_new(json, "open", integer(info->open));
	json_object_set_new(json, "held", integer(info->held));
	json_object_set_new(json, "major", integer(info->major));
	json_object_set_new(json, "minor", integer(info->minor));
	json_object_set_new(json, "read_only", json_boolean(info->read_only));
	json_object_set_new(json, "role", json_string(dst_role__name(info->role)));
	json_object_set_new(json, "connections", integer(info->connections));
	json_object_set_new(json, "io_timeout_ms", integer(info->io_timeout_ms));
	json_object_set_new(json, "up_nodes", integer(info->up_nodes));
	json_object_set_new(json, "nr_nodes", integer(info->nr_nodes));
	add_members(json, info);
	return json;
}

json_t *node_json(const struct dst_node_info *info)
{
	json_t *json = json_pack("{s:s, s:o, s:s, s:b, s:s, s:s}", "volume", info->volume, "index",
				 integer(info->index), "where", info->where, "local", info->local,
				 "state", dst_node_state__name(info->state), "reason",
				 info->reason);
	char uuid[37];

	if (!json)
		return NULL;
	json_object_set_new(json, "weight", integer(info->weight));
	json_object_set_new(json, "zone", integer(info->zone));
	json_object_set_new(json, "size", integer(info->size));
	json_object_set_new(json, "in_flight", integer(info->in_flight));
	json_object_set_new(json, "errors", integer(info->errors));
	json_object_set_new(json, "reads", integer(info->reads));
	json_object_set_new(json, "writes", integer(info->writes));
	json_object_set_new(json, "latency_ns", integer(info->latency_ns));
	json_object_set_new(json, "connections", integer(info->connections));
	json_object_set_new(json, "witness", json_boolean(info->witness));
	json_object_set_new(json, "in_sync", json_boolean(info->in_sync));
	json_object_set_new(json, "uuid",
			    info->has_uuid ? json_string(uuid_text(info->uuid, uuid)) :
					     json_null());
	json_object_set_new(json, "dirty", integer(info->dirty));
	json_object_set_new(json, "sync_total", integer(info->sync_total));
	json_object_set_new(json, "sync_rate", integer(info->sync_rate));
	json_object_set_new(json, "sync_same", integer(info->sync_same));
	json_object_set_new(json, "since_ms", integer(info->since_ms));
	json_object_set_new(json, "left_ms", integer(info->left_ms));
	return json;
}

json_t *export_json(const struct dst_export_info *info)
{
	json_t *listen = json_array();
	uint32_t i;

	for (i = 0; i < info->nr_listen; i++)
		json_array_append_new(listen, json_string(info->listen[i]));
	return json_pack("{s:s, s:s, s:o, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "name",
			 info->name, "device", info->device, "listen", listen, "read_only",
			 info->read_only, "shared", info->shared, "suspended", info->suspended,
			 "size", integer(info->size), "block_size",
			 integer(info->block_size), "rejected", integer(info->rejected),
			 "max_sessions", integer(info->max_sessions), "nr_sessions",
			 integer(info->nr_sessions));
}

json_t *session_json(const struct dst_session_info *info)
{
	char uuid[37];

	/* The id is a random number of 64 bits: many readers of JSON would round it. */
	return json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:o, s:s}", "export", info->export_name,
			 "id", json_sprintf("%016jx", (uintmax_t)info->id), "client",
			 uuid_text(info->client, uuid), "volume", info->volume, "role",
			 dst_role__name(info->role), "connections", integer(info->connections),
			 "in_flight", integer(info->in_flight), "peer", info->peer);
}

json_t *event_json(const struct dst_event_info *info)
{
	json_t *json = json_pack("{s:o, s:s, s:s, s:s, s:s, s:s}", "time_ns",
				 integer(info->time_ns), "kind", dst_event_kind__name(info->kind),
				 "name", info->name, "old", info->old_state, "new", info->new_state,
				 "reason", info->reason);
	char uuid[37];

	if (json && info->node >= 0)
		json_object_set_new(json, "node", json_integer(info->node));
	if (json && info->has_uuid)
		json_object_set_new(json, "uuid", json_string(uuid_text(info->uuid, uuid)));
	return json;
}

int append_node_json(const struct dst_node_info *info, void *arg)
{
	return json_array_append_new(arg, node_json(info)) ? -12 : 0;
}

int append_session_json(const struct dst_session_info *info, void *arg)
{
	return json_array_append_new(arg, session_json(info)) ? -12 : 0;
}
