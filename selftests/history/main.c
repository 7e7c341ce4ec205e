// SPDX-License-Identifier: GPL-2.0
/* history: the command line, and what all share. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"

struct options opt = {
	.seed = 1,
	.min = 1,
	.max = 128,
	.writers = 4,
	.flush_every = 16,
	.show = 20,
};

static const char usage_text[] =
	"usage: history write DEVICE --log FILE [--writers 4] [--readers 0] [--seed 1]\n"
	"         [--seconds T] [--writes N] [--offset BYTES] [--size BYTES] [--min 512]\n"
	"         [--max 65536] [--flush-every 16] [--fua PERCENT] [--keep-going]\n"
	"       history check DEVICE {--log FILE}... [--durable all|flushed] [--base zero|any]\n"
	"         [--settle FILE] [--show 20]\n"
	"       history compare DEVICE DEVICE [--offset BYTES] [--size BYTES] [--show 20]\n"
	"write goes on for T seconds, or N writes of each writer, or until SIGTERM; an error ends\n"
	"it unless --keep-going. One at a time may write there. The log is appended to.\n"
	"check wants all logs since the device was zero (--base any: was anything), in order;\n"
	"--settle writes one that stands for all of them, for the checks after the next round.\n"
	"--durable flushed: what was acknowledged counts once it was flushed, or had FUA.\n"
	"status: 0 all as it must be, 1 not so, 2 nothing can be said\n";

void fail(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("history: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(HISTORY_TROUBLE);
}

void *get_memory(void *old, size_t bytes)
{
	void *p = realloc(old, bytes ? bytes : 1);

	if (!p)
		fail("no memory");
	return p;
}

u64 random_next(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 0x2545f4914f6cdd1dULL) >> 16;
}

u64 random_start(u64 seed, u64 thread)
{
	u64 state = (seed * 0x9e3779b97f4a7c15ULL) ^
		    ((thread + 1) * 0xbf58476d1ce4e5b9ULL);
	unsigned int i;

	state |= 1;
	for (i = 0; i < 8; i++)
		random_next(&state);
	return state;
}

/* With the letters that truncate has. */
static u64 get_number(const char *name, const char *text, u64 most)
{
	char *end;
	u64 n = strtoull(text, &end, 0);

	if (end == text || *text == '-')
		fail("%s is no number: '%s'", name, text);
	if (*end) {
		const char *letter = strchr("KMG", *end);

		if (!letter || end[1])
			fail("%s is no number: '%s'", name, text);
		n <<= 10 * (letter - "KMG" + 1);
	}
	if (n > most)
		fail("%s: at most %llu", name, most);
	return n;
}

static u64 get_bytes(const char *name, const char *text)
{
	u64 n = get_number(name, text, INT64_MAX);

	if (n % SECTOR_SIZE)
		fail("%s: a multiple of %u", name, SECTOR_SIZE);
	return n >> SECTOR_SHIFT;
}

enum {
	OPT_LOG = 256,
	OPT_SETTLE,
	OPT_SEED,
	OPT_OFFSET,
	OPT_SIZE,
	OPT_MIN,
	OPT_MAX,
	OPT_WRITERS,
	OPT_READERS,
	OPT_SECONDS,
	OPT_WRITES,
	OPT_FLUSH_EVERY,
	OPT_FUA,
	OPT_SHOW,
	OPT_KEEP_GOING,
	OPT_DURABLE,
	OPT_BASE,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "log", required_argument, NULL, OPT_LOG },
	{ "settle", required_argument, NULL, OPT_SETTLE },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "offset", required_argument, NULL, OPT_OFFSET },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "bytes", required_argument, NULL, OPT_SIZE },
	{ "min", required_argument, NULL, OPT_MIN },
	{ "max", required_argument, NULL, OPT_MAX },
	{ "writers", required_argument, NULL, OPT_WRITERS },
	{ "readers", required_argument, NULL, OPT_READERS },
	{ "writes", required_argument, NULL, OPT_WRITES },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "flush-every", required_argument, NULL, OPT_FLUSH_EVERY },
	{ "fua", required_argument, NULL, OPT_FUA },
	{ "show", required_argument, NULL, OPT_SHOW },
	{ "keep-going", no_argument, NULL, OPT_KEEP_GOING },
	{ "durable", required_argument, NULL, OPT_DURABLE },
	{ "base", required_argument, NULL, OPT_BASE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* One of two words: is it the second? */
static bool second(const char *name, const char *text, const char *one,
		   const char *two)
{
	if (strcmp(text, one) && strcmp(text, two))
		fail("%s is %s or %s", name, one, two);
	return !strcmp(text, two);
}

static void option(int letter, const char *text)
{
	switch (letter) {
	case OPT_LOG:
		opt.logs = get_memory(opt.logs, (size_t)(opt.nr_logs + 1) *
							sizeof(*opt.logs));
		opt.logs[opt.nr_logs++] = text;
		break;
	case OPT_SETTLE:
		opt.settle = text;
		break;
	case OPT_SEED:
		opt.seed = get_number("--seed", text, UINT64_MAX);
		break;
	case OPT_OFFSET:
		opt.offset = get_bytes("--offset", text);
		break;
	case OPT_SIZE:
		opt.size = get_bytes("--size", text);
		break;
	case OPT_MIN:
		opt.min = (u32)get_bytes("--min", text);
		break;
	case OPT_MAX:
		opt.max = (u32)get_bytes("--max", text);
		break;
	case OPT_WRITERS:
		opt.writers = (unsigned int)get_number("--writers", text,
						       MAX_THREADS);
		break;
	case OPT_READERS:
		opt.readers = (unsigned int)get_number("--readers", text,
						       MAX_THREADS);
		break;
	case OPT_SECONDS:
		opt.seconds =
			(unsigned int)get_number("--seconds", text, UINT32_MAX);
		break;
	case OPT_WRITES:
		opt.writes = get_number("--writes", text, UINT64_MAX);
		break;
	case OPT_FLUSH_EVERY:
		opt.flush_every = (unsigned int)get_number("--flush-every",
							   text, UINT32_MAX);
		break;
	case OPT_FUA:
		opt.fua = (unsigned int)get_number("--fua", text, 100);
		break;
	case OPT_SHOW:
		opt.show = (unsigned int)get_number("--show", text, UINT32_MAX);
		break;
	case OPT_KEEP_GOING:
		opt.keep_going = true;
		break;
	case OPT_DURABLE:
		opt.flushed = second("--durable", text, "all", "flushed");
		break;
	case OPT_BASE:
		opt.any_base = second("--base", text, "zero", "any");
		break;
	case OPT_HELP:
		fputs(usage_text, stdout);
		exit(HISTORY_OK);
	default:
		exit(HISTORY_TROUBLE);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
		int devices;
	} commands[] = {
		{ "write", command_write, 1 },
		{ "check", command_check, 1 },
		{ "compare", command_compare, 2 },
	};
	int letter, status = HISTORY_TROUBLE;
	size_t i;

	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		option(letter, optarg);
	if (!opt.min || opt.min > opt.max || opt.max > 1U << 16)
		fail("--min and --max: 512 up to 32M, the first not above the second");
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (optind >= argc || strcmp(argv[optind], commands[i].name))
			continue;
		if (argc - optind - 1 != commands[i].devices)
			fail("%s wants %d device%s", commands[i].name,
			     commands[i].devices,
			     commands[i].devices > 1 ? "s" : "");
		opt.command = commands[i].name;
		opt.device = argv[optind + 1];
		if (commands[i].devices > 1)
			opt.other = argv[optind + 2];
		status = commands[i].run();
		free(opt.logs);
		return status;
	}
	fputs(usage_text, stderr);
	return HISTORY_TROUBLE;
}
