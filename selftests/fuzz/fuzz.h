/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzers share. An input begins with a byte of FUZZ_* flags; the same program writes the
 * seeds when built with -DFUZZ_SEEDS (selftests/fuzz/run).
 */
#ifndef _DSTB_FUZZ_H
#define _DSTB_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "wire_user.h"

#define FUZZ_MEND	1	/* make checksums right: what is behind them is the point */
#define FUZZ_OTHER	2	/* each fuzzer's own */

#define MUST(condition) do {							\
	if (!(condition)) {							\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);	\
		abort();							\
	}									\
} while (0)

/* A copy of its own, of just that size, so that ASan sees who reads on; 8 bytes aligned. */
static inline void *fuzz_copy(const void *data, size_t len)
{
	void *copy = malloc(len ? len : 1);

	MUST(copy);
	memcpy(copy, data, len);
	return copy;
}

/* A refusal is a few words that fit netlink's 79 characters with something before them. */
static inline bool fuzz_refused(const char *why)
{
	if (!why)
		return false;
	MUST(*why && strlen(why) < 70);
	return true;
}

/* What libFuzzer calls: run renames it. Returns 0. */
int fuzz_one(const uint8_t *data, size_t len);

/* Writes the seed FOLDER/NAME: @flags, then @len bytes. */
static inline void fuzz_seed(const char *folder, const char *name, u8 flags, const void *data,
			     size_t len)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s-%u", folder, name, flags);
	file = fopen(path, "w");
	MUST(file && fputc(flags, file) == flags && fwrite(data, 1, len, file) == len);
	MUST(!fclose(file));
}

#endif /* _DSTB_FUZZ_H */
