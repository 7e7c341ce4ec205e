// SPDX-License-Identifier: GPL-2.0
/*
 * A sector: who wrote it, where it belongs, words that differ in every write, a crc32c over all.
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "history.h"

#define MAGIC 0x79726f7473696844ULL /* "Dhistory" */

struct sector {
	u64 magic;
	u64 run;
	u64 seq;
	u64 sector;
	u64 first;
	u32 writer;
	u32 count;
	u64 fill[57];
	u32 zero;
	u32 crc;
};

static_assert(sizeof(struct sector) == SECTOR_SIZE, "a sector");

static u32 table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_fill(void)
{
	unsigned int n, bit;

	for (n = 0; n < 256; n++) {
		u32 crc = n;

		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
		table[0][n] = crc;
	}
	for (n = 0; n < 256; n++)
		for (bit = 1; bit < 8; bit++)
			table[bit][n] = table[bit - 1][n] >> 8 ^
					table[0][table[bit - 1][n] & 255];
}

/* Eight bytes at a time: under emulation every instruction counts. */
static u32 crc32c(const void *buf, size_t len)
{
	const u8 *p = buf;
	u32 crc = ~0U;

	pthread_once(&table_once, table_fill);
	for (; len >= 8; len -= 8, p += 8) {
		u64 word;

		memcpy(&word, p, 8);
		word ^= crc;
		crc = table[7][word & 255] ^ table[6][word >> 8 & 255] ^
		      table[5][word >> 16 & 255] ^ table[4][word >> 24 & 255] ^
		      table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255] ^
		      table[1][word >> 48 & 255] ^ table[0][word >> 56];
	}
	while (len--)
		crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
	return ~crc;
}

void sector_fill(void *buf, const struct key *key, u64 sector, u64 first,
		 u32 count)
{
	struct sector *s = buf;
	u64 x = key->run ^ (u64)key->writer << 48 ^ key->seq << 20 ^ sector;
	unsigned int i;

	s->magic = MAGIC;
	s->run = key->run;
	s->seq = key->seq;
	s->sector = sector;
	s->first = first;
	s->writer = key->writer;
	s->count = count;
	for (i = 0; i < sizeof(s->fill) / sizeof(*s->fill); i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		s->fill[i] = x;
	}
	s->zero = 0;
	s->crc = crc32c(s, offsetof(struct sector, crc));
}

void sector_read(const void *buf, struct content *content)
{
	const u64 *word = buf;
	struct sector s;
	unsigned int i;

	memset(content, 0, sizeof(*content));
	memcpy(&s, buf, sizeof(s));
	if (s.magic == MAGIC) {
		content->kind =
			s.crc == crc32c(&s, offsetof(struct sector, crc)) ?
				KIND_WRITTEN :
				KIND_TORN;
		content->key.run = s.run;
		content->key.seq = s.seq;
		content->key.writer = s.writer;
		content->sector = s.sector;
		content->first = s.first;
		content->count = s.count;
		return;
	}
	for (i = 0; i < SECTOR_SIZE / 8; i++) {
		if (word[i]) {
			content->kind = KIND_OTHER;
			return;
		}
	}
	content->kind = KIND_ZERO;
}

const char *content_text(const struct content *content, char *text, size_t room)
{
	const char *pieces = content->kind == KIND_TORN ? "pieces, of which one of " : "";

	if (content->kind == KIND_ZERO)
		snprintf(text, room, "zeroes");
	else if (content->kind == KIND_OTHER)
		snprintf(text, room, "what was never written here");
	else
		snprintf(text, room, "%swrite %u.%llu of run %llx (%llu+%u) for sector %llu",
			 pieces, content->key.writer, content->key.seq, content->key.run,
			 content->first, content->count, content->sector);
	return text;
}

bool content_equal(const struct content *a, const struct content *b)
{
	return a->kind == b->kind && a->key.run == b->key.run &&
	       a->key.seq == b->key.seq && a->key.writer == b->key.writer;
}
