// SPDX-License-Identifier: GPL-2.0
/*
 * Words of the command line. Nothing is guessed: what is not understood is refused.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dstctl.h"

static void say(const char *format, va_list args)
{
	fflush(stdout);
	fputs("dstctl: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int usage_error(const struct context *ctx, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	if (ctx && ctx->command)
		fprintf(stderr, "Try 'dstctl %s%s%s --help'.\n", ctx->command->object,
			ctx->command->verb ? " " : "",
			ctx->command->verb ? ctx->command->verb : "");
	else
		fputs("Try 'dstctl help'.\n", stderr);
	return EXIT_USAGE;
}

int refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return EXIT_REFUSED;
}

/* Something was done, and may not be what was meant. */
void warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

/* The library's sentence. */
int refused(const struct context *ctx)
{
	const char *error = dst_handle__error(ctx->dst);

	return refuse("%s", *error ? error : "out of memory");
}

/* Value of an option, "" for a flag, NULL when it was not given. */
const char *option(const struct context *ctx, const char *name)
{
	int i;

	for (i = 0; i < ctx->nopts; i++)
		if (!strcmp(ctx->opts[i].def->name, name))
			return ctx->opts[i].value;
	return NULL;
}

bool parse_number(const char *text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && !*end;
}

/*
 * Leaves @value alone when the option was not given. Says what is wrong and returns false for a bad
 * number.
 */
bool option_number(const struct context *ctx, const char *name, uint64_t min, uint64_t max,
		   uint64_t *value)
{
	const char *text = option(ctx, name);

	if (!text)
		return true;
	if (parse_number(text, value) && *value >= min && *value <= max)
		return true;
	usage_error(ctx, "--%s: '%s' is not a number from %ju to %ju", name, text, (uintmax_t)min,
		    (uintmax_t)max);
	return false;
}

bool is_object(const char *word)
{
	const struct command *command;

	for (command = commands; command->object; command++)
		if (command->verb && !strcmp(command->object, word))
			return true;
	return false;
}

const struct command *find_command(const char *object, const char *verb)
{
	const struct command *command;

	for (command = commands; command->object; command++)
		if (!strcmp(command->object, object) &&
		    (command->verb ? verb && !strcmp(command->verb, verb) : true))
			return command;
	return NULL;
}

static const struct option_def *find_option(const struct option_def *list, const char *name,
					    size_t len)
{
	for (; list->name; list++)
		if (strlen(list->name) == len && !strncmp(list->name, name, len))
			return list;
	return NULL;
}

/* One option; @next is the word after it, or NULL. Returns how many words were used, or -1. */
static int take_option(struct context *ctx, const char *given, const char *next)
{
	/* What many try first; no other option is short. */
	const char *word = strcmp(given, "-h") ? given : "--help";
	const char *name = word + 2, *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	const struct option_def *def = find_option(ctx->command->options, name, len);
	int used = 1;

	if (!def)
		def = find_option(common_options, name, len);
	if (strncmp(word, "--", 2) || !def) {
		usage_error(ctx, "there is no option '%s' here", word);
		return -1;
	}
	if (!def->repeat && option(ctx, def->name)) {
		usage_error(ctx, "option --%s is given twice", def->name);
		return -1;
	}
	if (value && !def->arg) {
		usage_error(ctx, "option --%s takes no value", def->name);
		return -1;
	}
	if (value) {
		value++;
	} else if (def->arg) {
		value = next;
		used = 2;
	} else {
		value = "";
	}
	if (!value || (def->arg && !*value)) {
		usage_error(ctx, "option --%s takes a value: %s", def->name, def->arg);
		return -1;
	}
	ctx->opts[ctx->nopts].def = def;
	ctx->opts[ctx->nopts++].value = value;
	return used;
}

/* What comes after the words of the command. Returns 0 or an exit status. */
int parse_args(struct context *ctx, int argc, char **argv)
{
	bool words_only = false;
	int i = 0, used;

	ctx->args = calloc((size_t)argc + 1, sizeof(*ctx->args));
	ctx->opts = calloc((size_t)argc + 1, sizeof(*ctx->opts));
	if (!ctx->args || !ctx->opts)
		return refuse("out of memory");
	while (i < argc) {
		if (words_only || argv[i][0] != '-' || !argv[i][1]) {
			ctx->args[ctx->nargs++] = argv[i++];
		} else if (!strcmp(argv[i], "--")) {
			words_only = true;
			i++;
		} else {
			used = take_option(ctx, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
			if (used < 0)
				return EXIT_USAGE;
			i += used;
		}
	}
	if (option(ctx, "help"))
		return 0;
	if (ctx->nargs < ctx->command->min)
		return usage_error(ctx, "too few words: %s", ctx->command->args);
	if (ctx->command->max >= 0 && ctx->nargs > ctx->command->max)
		return usage_error(ctx, "'%s' is a word too many", ctx->args[ctx->command->max]);
	ctx->json = option(ctx, "json");
	return 0;
}
