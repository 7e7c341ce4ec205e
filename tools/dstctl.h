/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dstctl: what its files share. One table of commands (commands.c) drives dispatch, usage,
 * completion and the man page.
 */
#ifndef DSTCTL_H
#define DSTCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dst/dst.h"

#define EXIT_REFUSED	1
#define EXIT_USAGE	2

#define MAX_CONNECTIONS	8	/* that a target grants a session */

/**
 * struct option_def - an option of a command
 * @name:	without dashes; NULL ends a list
 * @arg:	what its value is called, or NULL for a flag
 * @help:	in a few words
 * @repeat:	may be given more than once
 */
struct option_def {
	const char *name;
	const char *arg;
	const char *help;
	bool repeat;
};

struct context;

/**
 * struct command - a command
 * @object:	first word
 * @verb:	second word, or NULL
 * @args:	names of the arguments: "VOL NODE...", "[VOL]", or ""
 * @min:	arguments at least
 * @max:	arguments at most, -1 for any number
 * @summary:	what it does, in one line
 * @options:	its options, besides --json and --help
 * @run:	does it; returns the exit status
 */
struct command {
	const char *object;
	const char *verb;
	const char *args;
	int min;
	int max;
	const char *summary;
	const struct option_def *options;
	int (*run)(struct context *ctx);
};

/**
 * struct context - a command that was given
 * @dst:	the library
 * @command:	the command
 * @json:	print JSON
 * @nargs:	how many arguments
 * @args:	the arguments
 * @nopts:	how many options
 * @opts:	the options, in order
 */
struct context {
	struct dst_handle *dst;
	const struct command *command;
	bool json;
	int nargs;
	char **args;
	int nopts;
	struct given {
		const struct option_def *def;
		const char *value;
	} *opts;
};

/* commands.c */
extern const struct command commands[];
extern const struct option_def common_options[];

/* args.c */
const char *option(const struct context *ctx, const char *name);
bool option_number(const struct context *ctx, const char *name, uint64_t min, uint64_t max,
		   uint64_t *value);
bool parse_number(const char *text, uint64_t *value);
const struct command *find_command(const char *object, const char *verb);
bool is_object(const char *word);
int parse_args(struct context *ctx, int argc, char **argv);
__printf(2, 3) int usage_error(const struct context *ctx, const char *format, ...);
__printf(1, 2) int refuse(const char *format, ...);
__printf(1, 2) void warn(const char *format, ...);
int refused(const struct context *ctx);

/* help.c */
void print_usage(const char *object);
void print_help(const struct command *command);
int dump_table(const char *what);

/* output.c */
struct table;
const char *size_text(uint64_t bytes, char buf[static 32]);
const char *uuid_text(const uint8_t uuid[16], char buf[static 37]);
struct table *table_new(const char *first, ...);
__printf(2, 3) void table_cell(struct table *table, const char *format, ...);
void table_print(struct table *table);
__printf(2, 3) void line(const char *key, const char *format, ...);
int print_json(json_t *json);
int print_list(const struct context *ctx, int err, json_t *array, struct table *table);
const char *json_text(const json_t *json, const char *key);
json_t *policy_json(const struct dst_policy_info *info);
json_t *volume_json(const struct dst_volume_info *info);
json_t *node_json(const struct dst_node_info *info);
json_t *export_json(const struct dst_export_info *info);
json_t *session_json(const struct dst_session_info *info);
json_t *event_json(const struct dst_event_info *info);
int append_node_json(const struct dst_node_info *info, void *arg);
int append_session_json(const struct dst_session_info *info, void *arg);

/* sentence.c */
#define SENTENCE 640	/* room for a sentence */
const char *duration_text(uint64_t ms, char buf[static 32]);
const char *rate_text(uint64_t bytes, char buf[static 32]);
unsigned int percent(uint64_t done, uint64_t total);
uint64_t node_synced(const struct dst_node_info *node);
const char *progress_text(uint64_t done, uint64_t total, uint64_t rate, char buf[static 64]);
const char *node_problem(const struct dst_volume_info *volume, const struct dst_node_info *node,
			 char buf[static SENTENCE]);
const char *state_problem(const struct dst_volume_info *volume, char buf[static SENTENCE]);
const char *vote_problem(const struct dst_volume_info *volume, char buf[static SENTENCE]);
const char *scrub_text(const struct dst_volume_info *volume, char buf[static SENTENCE]);

/* what the files of commands share */
json_t *status_json(const struct context *ctx, const char *name);
void print_status(FILE *out, const json_t *volume);
int64_t now_ms(void);
struct table *node_table(void);
int node_row(const struct dst_node_info *info, void *arg);
int wait_for_device(const struct context *ctx, const char *name);

/* the commands themselves, a file for each object */
int policy_load(struct context *ctx);
int policy_list(struct context *ctx);
int policy_show(struct context *ctx);
int policy_unload(struct context *ctx);
int volume_create(struct context *ctx);
int volume_assemble(struct context *ctx);
int volume_suspend(struct context *ctx);
int volume_resume(struct context *ctx);
int volume_wait(struct context *ctx);
int volume_scrub(struct context *ctx);
int volume_list(struct context *ctx);
int volume_show(struct context *ctx);
int volume_stop(struct context *ctx);
int volume_map(struct context *ctx);
int node_show(struct context *ctx);
int node_suspend(struct context *ctx);
int node_resume(struct context *ctx);
int node_replace(struct context *ctx);
int node_add(struct context *ctx);
int node_remove(struct context *ctx);
int node_resolve(struct context *ctx);
int node_probe(struct context *ctx);
int node_wipe(struct context *ctx);
int export_add(struct context *ctx);
int export_list(struct context *ctx);
int export_show(struct context *ctx);
int export_remove(struct context *ctx);
int export_suspend(struct context *ctx);
int export_resume(struct context *ctx);
int save(struct context *ctx);
int restore(struct context *ctx);
int status(struct context *ctx);
int tree(struct context *ctx);
int events(struct context *ctx);
int help(struct context *ctx);

#endif /* DSTCTL_H */
