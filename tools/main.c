// SPDX-License-Identifier: GPL-2.0
/*
 * dstctl: controls DST, the distributed block device.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dstctl.h"

static int run(struct context *ctx, int argc, char **argv)
{
	int status = parse_args(ctx, argc, argv);

	if (!status && option(ctx, "help")) {
		print_help(ctx->command);
		return 0;
	}
	if (status)
		return status;
	ctx->dst = dst_handle__new();
	if (!ctx->dst)
		return refuse("out of memory");
	status = ctx->command->run(ctx);
	dst_handle__free(ctx->dst);
	return status;
}

/* Finds the command; NULL when that was an error, which was told. */
static const struct command *choose(int argc, char **argv)
{
	const struct command *command = find_command(argv[1], argc > 2 ? argv[2] : NULL);

	if (command)
		return command;
	if (!is_object(argv[1]))
		usage_error(NULL, "there is no command '%s'", argv[1]);
	else if (argc > 2)
		usage_error(NULL, "there is no command '%s %s'", argv[1], argv[2]);
	else
		usage_error(NULL, "'%s' takes a verb", argv[1]);
	return NULL;
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

int main(int argc, char **argv)
{
	struct context ctx = { 0 };
	int words, status;

	if (argc < 2)
		return usage_error(NULL, "what shall be done?");
	if (!strcmp(argv[1], "--dump") && argc == 3)
		return dump_table(argv[2]);
	if ((is_help(argv[1]) || !strcmp(argv[1], "--version")) && argc > 2)
		return usage_error(NULL, "'%s' is a word too many", argv[2]);
	if (is_help(argv[1])) {
		print_usage(NULL);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("dstctl %s\n", dst_version());
		return 0;
	}
	if (argc == 3 && is_object(argv[1]) && is_help(argv[2])) {
		print_usage(argv[1]);
		return 0;
	}
	ctx.command = choose(argc, argv);
	if (!ctx.command)
		return EXIT_USAGE;
	words = ctx.command->verb ? 3 : 2;
	status = run(&ctx, argc - words, argv + words);
	free(ctx.args);
	free(ctx.opts);
	if (fflush(stdout) || ferror(stdout)) {
		fputs("dstctl: can't write the output\n", stderr);
		status = status ? status : EXIT_REFUSED;
	}
	return status;
}
