// SPDX-License-Identifier: GPL-2.0
/*
 * What the table of commands says, for people, for the man page and for bash.
 */
#include <stdio.h>
#include <string.h>

#include "dstctl.h"

static void command_words(const struct command *command, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", command->object, command->verb ? " " : "",
		 command->verb ? command->verb : "");
}

/* All commands, or those of one object. */
void print_usage(const char *object)
{
	const struct command *command;
	char words[128];

	puts("Usage: dstctl COMMAND [ARGUMENT...] [--OPTION...]\n");
	puts("Controls DST, the distributed block device.\n");
	for (command = commands; command->object; command++) {
		if (object && strcmp(object, command->object))
			continue;
		snprintf(words, sizeof(words), "%s%s%s %s", command->object,
			 command->verb ? " " : "", command->verb ? command->verb : "",
			 command->args);
		printf("  %-26s %s\n", words, command->summary);
	}
	puts("\nEvery command takes --json and --help, or -h.");
	puts("Exit status: 0 done, 1 refused or failed, 2 usage.");
	puts("dstctl --version prints the version. More in dstctl(8) and dst(7).");
}

static void print_options(const struct option_def *options)
{
	char words[128];

	for (; options->name; options++) {
		snprintf(words, sizeof(words), "--%s%s%s", options->name, options->arg ? " " : "",
			 options->arg ? options->arg : "");
		printf("  %-22s %s%s\n", words, options->help,
		       options->repeat ? "; repeatable" : "");
	}
}

void print_help(const struct command *command)
{
	char words[64];

	command_words(command, words, sizeof(words));
	printf("Usage: dstctl %s%s%s [--OPTION...]\n\nTo %s.\n\nOptions:\n", words,
	       *command->args ? " " : "", command->args, command->summary);
	print_options(command->options);
	print_options(common_options);
}

int help(struct context *ctx)
{
	const struct command *command;

	if (!ctx->nargs) {
		print_usage(NULL);
		return 0;
	}
	if (ctx->nargs == 1 && is_object(ctx->args[0])) {
		print_usage(ctx->args[0]);
		return 0;
	}
	command = find_command(ctx->args[0], ctx->nargs > 1 ? ctx->args[1] : NULL);
	if (!command || (ctx->nargs > 1 && !command->verb))
		return usage_error(NULL, "there is no command '%s%s%s'", ctx->args[0],
				   ctx->nargs > 1 ? " " : "", ctx->nargs > 1 ? ctx->args[1] : "");
	print_help(command);
	return 0;
}

/* A sentence from a summary or help text, in lines that mandoc likes. */
static void dump_sentence(const char *before, const char *text, const char *after)
{
	char copy[256], *word, *save = NULL;
	size_t column = 0;

	snprintf(copy, sizeof(copy), "%s%s%s.", before, text, after);
	if (!*before && copy[0] >= 'a' && copy[0] <= 'z')
		copy[0] = (char)(copy[0] - 'a' + 'A');
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (column && column + 1 + strlen(word) > 78)
			column = 0;
		printf("%s%s", column ? " " : "\n", word);
		column += strlen(word) + 1;
	}
	putchar('\n');
}

/* Words of "VOL NODE..." as arguments in mdoc. */
static void dump_mdoc_args(const char *args)
{
	char copy[64], *word, *save = NULL, *bar;

	snprintf(copy, sizeof(copy), "%s", args);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		size_t len = strlen(word);
		bool optional = *word == '[';
		bool many;

		if (optional) {
			word[len - 1] = '\0';
			word++;
			len -= 2;
		}
		many = len > 3 && !strcmp(word + len - 3, "...");
		if (many)
			word[len - 3] = '\0';
		bar = strchr(word, '|');
		if (bar)
			*bar = '\0';
		printf(" %sAr %s", optional ? "Op " : "", word);
		if (bar)
			printf(" | %s", bar + 1);
		if (many)
			printf(" ...");
	}
}

static void dump_mdoc(void)
{
	const struct command *command;
	const struct option_def *def;

	printf(".Bl -tag -width Ds\n");
	for (command = commands; command->object; command++) {
		printf(".It Cm %s", command->object);
		if (command->verb)
			printf(" %s", command->verb);
		dump_mdoc_args(command->args);
		dump_sentence("To ", command->summary, "");
		if (!command->options->name)
			continue;
		printf(".Bl -tag -width Ds\n");
		for (def = command->options; def->name; def++) {
			printf(".It Fl Fl %s", def->name);
			if (def->arg)
				printf(" Ar %s", def->arg);
			dump_sentence("", def->help,
				      def->repeat ? "; may be given more than once" : "");
		}
		printf(".El\n");
	}
	printf(".El\n");
}

/* For completion: a line a command: its words, "=", the first argument's kind, its options. */
static void dump_words(void)
{
	const struct command *command;
	const struct option_def *def;
	char words[64];

	for (command = commands; command->object; command++) {
		command_words(command, words, sizeof(words));
		printf("%s|%s|", words, command->args);
		for (def = command->options; def->name; def++)
			printf("--%s%s ", def->name, def->arg ? "=" : "");
		for (def = common_options; def->name; def++)
			printf("--%s%s", def->name, def[1].name ? " " : "");
		putchar('\n');
	}
}

/* Hidden: for the Makefile and the tests. */
int dump_table(const char *what)
{
	if (!strcmp(what, "mdoc"))
		dump_mdoc();
	else if (!strcmp(what, "words"))
		dump_words();
	else
		return usage_error(NULL, "--dump takes mdoc or words");
	return 0;
}
