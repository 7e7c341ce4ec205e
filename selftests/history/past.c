// SPDX-License-Identifier: GPL-2.0
/*
 * Reading logs: what may be where. A log may end anywhere, also in the middle of a line: what came
 * after that had not left the machine, so no write followed from it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"

#define HASH_BITS 16

static u32 heads[1U << HASH_BITS]; /* index of the newest write, plus one */

struct flush {
	u64 n;
	u64 from;
};

/* While reading. */
static struct {
	const char *path;
	struct past *past;
	size_t room;
	size_t room_seen;
	u64 pos;
	u64 run;
	u64 flushed; /* writes of this round acknowledged before this are durable */
	size_t round_first; /* write of this round */
	struct flush flush[MAX_THREADS + 1]; /* under way, of each writer */
	u64 read_from[MAX_THREADS + 1];
} in;

static u32 hash(const struct key *key)
{
	u64 x = key->run ^ key->seq * 0x9e3779b97f4a7c15ULL ^
		(u64)key->writer << 40;

	return (u32)(x * 0xbf58476d1ce4e5b9ULL >> (64 - HASH_BITS));
}

static void bad(const char *line)
{
	fail("%s: entry %llu makes no sense: %s", in.path, in.pos, line);
}

static bool key_equal(const struct key *a, const struct key *b)
{
	return a->seq == b->seq && a->writer == b->writer && a->run == b->run;
}

const struct write *past_find(const struct past *past, const struct key *key,
			      u64 sector, u64 before)
{
	u32 i;

	for (i = heads[hash(key)]; i; i = past->writes[i - 1].next) {
		const struct write *w = past->writes + i - 1;

		if (key_equal(&w->key, key) && sector >= w->sector &&
		    sector - w->sector < w->count && w->issued < before)
			return w;
	}
	return NULL;
}

static struct write *add(const struct key *key, u64 sector, u64 count)
{
	struct past *past = in.past;
	struct write *w;
	u32 h = hash(key);

	if (sector < past->first || count > past->sectors ||
	    sector - past->first > past->sectors - count ||
	    past->nr >= UINT32_MAX - 1)
		bad("a write outside of the range");
	if (past->nr == in.room) {
		in.room = in.room ? in.room * 2 : 4096;
		past->writes = get_memory(past->writes, in.room * sizeof(*w));
	}
	w = past->writes + past->nr++;
	memset(w, 0, sizeof(*w));
	w->key = *key;
	w->sector = sector;
	w->count = (u32)count;
	w->round = past->round;
	w->issued = in.pos;
	w->acked = POS_NEVER;
	w->end = POS_NEVER;
	w->next = heads[h];
	heads[h] = (u32)past->nr;
	return w;
}

/* The machine is gone, or the run has ended: whatever is not there by now does not come. */
static void end_round(void)
{
	struct past *past = in.past;
	size_t i;

	for (i = in.round_first; i < past->nr; i++) {
		struct write *w = past->writes + i;

		if (w->end == POS_NEVER)
			w->end = in.pos;
		if (w->acked != POS_NEVER && (w->fua || w->acked < in.flushed))
			w->durable = true;
	}
	in.round_first = past->nr;
	in.flushed = 0;
	memset(in.flush, 0, sizeof(in.flush));
}

static void header(const char *line)
{
	u64 first, sectors;

	end_round();
	if (sscanf(line, "H 1 %llx %*u %llu %llu", &in.run, &first, &sectors) !=
	    3)
		bad(line);
	if (in.past->round &&
	    (first != in.past->first || sectors != in.past->sectors))
		fail("%s: sectors %llu+%llu, not %llu+%llu as in the round before",
		     in.path, first, sectors, in.past->first, in.past->sectors);
	in.past->first = first;
	in.past->sectors = sectors;
	in.past->round++;
}

static struct write *mine(const char *line)
{
	struct key key = { .run = in.run };
	u32 i;

	if (sscanf(line, "%*c %u %llu", &key.writer, &key.seq) != 2)
		bad(line);
	for (i = heads[hash(&key)]; i; i = in.past->writes[i - 1].next)
		if (key_equal(&in.past->writes[i - 1].key, &key))
			return in.past->writes + i - 1;
	return NULL;
}

static void issued(const char *line)
{
	struct key key = { .run = in.run };
	u64 sector, count;
	char fua = 0;

	if (sscanf(line, "I %u %llu %llu %llu %c", &key.writer, &key.seq,
		   &sector, &count, &fua) < 4 ||
	    !count || mine(line))
		bad(line);
	add(&key, sector, count)->fua = fua == 'f';
}

static void acked(const char *line)
{
	struct write *w = mine(line);

	if (!w || w->end != POS_NEVER)
		bad(line);
	w->acked = in.pos;
	w->end = in.pos;
	in.past->nr_acked++;
}

static void failed(const char *line)
{
	struct write *w = mine(line);

	/* A flush or a read that failed says nothing. */
	if (w)
		w->end = in.pos;
}

static u32 thread(const char *line, u64 *n)
{
	u32 index;

	if (sscanf(line, "%*c %u %llu", &index, n) != 2 || index > MAX_THREADS)
		bad(line);
	return index;
}

static void flushing(const char *line)
{
	u64 n;
	u32 index = thread(line, &n);

	in.flush[index].n = n;
	in.flush[index].from = in.pos;
}

static void flushed(const char *line)
{
	u64 n;
	struct flush *f = in.flush + thread(line, &n);

	if (f->n != n || !f->from)
		bad(line);
	if (f->from > in.flushed)
		in.flushed = f->from;
	in.past->nr_flushes++;
}

static void reading(const char *line)
{
	u64 n;

	in.read_from[thread(line, &n)] = in.pos;
}

static void saw(const struct content *content, u64 sector, u64 from)
{
	struct past *past = in.past;
	struct seen *s;

	if (past->nr_seen == in.room_seen) {
		in.room_seen = in.room_seen ? in.room_seen * 2 : 4096;
		past->seen = get_memory(past->seen, in.room_seen * sizeof(*s));
	}
	s = past->seen + past->nr_seen++;
	s->content = *content;
	s->sector = sector;
	s->from = from;
	s->to = in.pos;
	s->round = past->round;
}

/* WRITER.SEQ[.RUN], z, t or o */
static bool what(const char *word, struct content *content)
{
	memset(content, 0, sizeof(*content));
	content->key.run = in.run;
	content->kind = KIND_WRITTEN;
	if (sscanf(word, "%u.%llu.%llx", &content->key.writer,
		   &content->key.seq, &content->key.run) >= 2)
		return true;
	memset(&content->key, 0, sizeof(content->key));
	content->kind = *word == 'z' ? KIND_ZERO :
			*word == 't' ? KIND_TORN :
				       KIND_OTHER;
	return strchr("zto", *word);
}

static void read_done(char *line)
{
	u64 n, sector, from = in.read_from[thread(line, &n)];
	char *save, *word;
	unsigned int field;

	if (!from)
		bad(line);
	word = strtok_r(line, " ", &save);
	for (field = 0; field < 3 && word; field++)
		word = strtok_r(NULL, " ", &save);
	if (!word)
		bad(line);
	sector = strtoull(word, NULL, 10);
	while ((word = strtok_r(NULL, " ", &save))) {
		struct content content;
		char *colon;
		unsigned long count = strtoul(word, &colon, 10);

		if (*colon != ':' || count > CHUNK_SECTORS ||
		    !what(colon + 1, &content) || sector < in.past->first ||
		    sector + count > in.past->first + in.past->sectors)
			bad(word);
		for (; count--; sector++) {
			content.sector = sector;
			saw(&content, sector, from);
		}
	}
}

/* S RUN WRITER SEQ SECTOR COUNT: once the check has seen it there, it is as if just written. */
static void settled(const char *line)
{
	struct key key;
	u64 sector, count;
	struct write *w;

	if (sscanf(line, "S %llx %u %llu %llu %llu", &key.run, &key.writer,
		   &key.seq, &sector, &count) != 5 ||
	    !count)
		bad(line);
	w = add(&key, sector, count);
	w->acked = in.pos;
	w->end = in.pos;
	w->fua = true;
	in.past->nr_acked += !!key.seq;
}

static void take(char *line)
{
	in.pos++;
	if (*line != 'H' && !in.past->round)
		bad(line);
	switch (*line) {
	case 'H':
		header(line);
		break;
	case 'I':
		issued(line);
		break;
	case 'A':
		acked(line);
		break;
	case 'E':
		failed(line);
		break;
	case 'F':
		flushing(line);
		break;
	case 'G':
		flushed(line);
		break;
	case 'Q':
		reading(line);
		break;
	case 'R':
		read_done(line);
		break;
	case 'S':
		settled(line);
		break;
	case 'T':
		break;
	default:
		bad(line);
	}
}

/* A run begins with an empty line: what is right before a header was cut off. */
static void read_log(const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL, *kept = NULL;
	size_t room = 0;
	ssize_t len;

	if (!file)
		fail("%s: %s", path, strerror(errno));
	in.path = path;
	while ((len = getline(&line, &room, file)) > 0 &&
	       line[len - 1] == '\n') {
		line[len - 1] = 0;
		if (kept && *kept && *line != 'H')
			take(kept);
		free(kept);
		kept = strdup(line);
		if (!kept)
			fail("no memory");
	}
	if (kept && *kept)
		take(kept);
	free(kept);
	free(line);
	fclose(file);
}

static void index_writes(struct past *past)
{
	u64 i, all = 0;
	size_t n;

	past->start =
		get_memory(NULL, (past->sectors + 2) * sizeof(*past->start));
	memset(past->start, 0, (past->sectors + 2) * sizeof(*past->start));
	for (n = 0; n < past->nr; n++) {
		const struct write *w = past->writes + n;

		for (i = 0; i < w->count; i++)
			past->start[w->sector - past->first + i + 2]++;
		all += w->count;
	}
	for (i = 2; i < past->sectors + 2; i++)
		past->start[i] += past->start[i - 1];
	past->entry = get_memory(NULL, all * sizeof(*past->entry));
	for (n = 0; n < past->nr; n++) {
		const struct write *w = past->writes + n;

		for (i = 0; i < w->count; i++)
			past->entry[past->start[w->sector - past->first + i +
						1]++] = (u32)n;
	}
}

void past_read(struct past *past, const char *const *logs, int nr)
{
	int i;

	memset(past, 0, sizeof(*past));
	in.past = past;
	for (i = 0; i < nr; i++)
		read_log(logs[i]);
	if (!past->round)
		fail("no run in %s", nr ? logs[0] : "no log");
	in.pos++;
	end_round();
	index_writes(past);
}
