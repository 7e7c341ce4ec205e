// SPDX-License-Identifier: GPL-2.0
/*
 * history check: does each sector hold what it may, and did each read get what it could?
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history.h"

enum verdict {
	GOOD,
	LOST, /* nothing of ours, though a write that counts was made */
	STALE, /* an older write than one that counts */
	MISPLACED, /* another sector's content */
	UNKNOWN, /* a write that was never issued, or not to there */
	TORN,
	FOREIGN, /* what nobody wrote */
	FUTURE, /* read before it was issued */
	NR_VERDICTS,
};

static const char *const names[] = {
	[LOST] = "lost",	   [STALE] = "stale",
	[MISPLACED] = "misplaced", [UNKNOWN] = "never issued",
	[TORN] = "torn",	   [FOREIGN] = "foreign",
	[FUTURE] = "too early",
};

static struct past past;
static u64 found[NR_VERDICTS];
static u64 shown;

/* Adjacent sectors with the same fault are one report. */
static struct report {
	enum verdict verdict;
	u64 sector;
	u64 count;
	struct content content;
	const struct write *wanted;
	const struct seen *seen;
} report;

static void tell_wanted(const struct write *w)
{
	printf("; expected write %u.%llu (%llu+%u, issued at entry %llu, acknowledged at %llu)",
	       w->key.writer, w->key.seq, w->sector, w->count, w->issued, w->acked);
	printf(" or a later one");
}

static void report_out(void)
{
	char text[160];

	if (!report.count)
		return;
	if (shown++ < opt.show) {
		printf("%s: sector %llu", names[report.verdict], report.sector);
		if (report.count > 1)
			printf("-%llu", report.sector + report.count - 1);
		printf(" %s %s", report.seen ? "was read as" : "holds",
		       content_text(&report.content, text, sizeof(text)));
		if (report.seen)
			printf(" between entries %llu and %llu",
			       report.seen->from, report.seen->to);
		if (report.wanted)
			tell_wanted(report.wanted);
		putchar('\n');
	}
	report.count = 0;
}

static void violation(enum verdict verdict, u64 sector,
		      const struct content *content, const struct write *wanted,
		      const struct seen *seen)
{
	found[verdict]++;
	if (report.count && report.verdict == verdict &&
	    report.sector + report.count == sector &&
	    content_equal(&report.content, content) &&
	    report.wanted == wanted && (!seen == !report.seen) &&
	    (!seen || seen->to == report.seen->to)) {
		report.count++;
		return;
	}
	report_out();
	report.verdict = verdict;
	report.sector = sector;
	report.count = 1;
	report.content = *content;
	report.wanted = wanted;
	report.seen = seen;
}

/*
 * The newest write to the sector that counts and was issued after @end; or NULL. For a reader only
 * what was acknowledged before it began counts, of its own round even what is not yet durable.
 */
static const struct write *newer(u64 sector, u64 end, const struct seen *seen)
{
	u64 i = past.start[sector - past.first + 1],
	    first = past.start[sector - past.first];

	while (i-- > first) {
		const struct write *w = past.writes + past.entry[i];

		if (w->issued <= end)
			return NULL;
		if (w->acked == POS_NEVER || (seen && w->acked >= seen->from))
			continue;
		if (w->durable || !opt.flushed ||
		    (seen && w->round == seen->round))
			return w;
	}
	return NULL;
}

/* While a sector is being written, emulated devices hand out pieces; real ones do not. */
static bool under_way(u64 sector, const struct seen *seen)
{
	u64 i, end = past.start[sector - past.first + 1];

	for (i = past.start[sector - past.first]; i < end; i++) {
		const struct write *w = past.writes + past.entry[i];

		if (w->issued < seen->to && w->end > seen->from)
			return true;
	}
	return false;
}

static enum verdict judge(u64 sector, const struct content *content,
			  const struct seen *seen, const struct write **wanted)
{
	const struct write *w;

	*wanted = NULL;
	if (content->kind == KIND_WRITTEN && content->sector != sector)
		return MISPLACED;
	w = past_find(&past, &content->key, sector,
		      seen ? seen->to : POS_NEVER);
	if (content->kind == KIND_TORN && seen && under_way(sector, seen))
		return GOOD;
	if (content->kind == KIND_TORN && !opt.any_base)
		return TORN;
	/* Without a write: what was there at first. */
	*wanted = newer(sector, w ? w->end : 0, seen);
	switch (content->kind) {
	case KIND_WRITTEN:
		if (!w && seen &&
		    past_find(&past, &content->key, sector, POS_NEVER))
			return FUTURE;
		if (!w && (!opt.any_base || *wanted))
			return UNKNOWN;
		return *wanted ? STALE : GOOD;
	case KIND_ZERO:
		return *wanted ? LOST : GOOD;
	case KIND_TORN:
		return *wanted ? TORN : GOOD;
	default:
		return *wanted || !opt.any_base ? FOREIGN : GOOD;
	}
}

/* Runs of sectors that hold the same write are one line. */
static void settle(FILE *file, u64 sector, const struct content *content,
		   bool last)
{
	static struct content same;
	static u64 first, count;

	if (count && (last || !content_equal(&same, content))) {
		/* Zeroes, too: a write that was not to be seen must not come later. */
		if (same.kind == KIND_WRITTEN || same.kind == KIND_ZERO)
			fprintf(file, "S %llx %u %llu %llu %llu\n",
				same.key.run, same.key.writer, same.key.seq,
				first, count);
		count = 0;
	}
	if (last)
		return;
	if (!count++) {
		same = *content;
		first = sector;
	}
}

static void check_device(FILE *settled)
{
	int fd = device_open(opt.device, O_RDONLY);
	void *buf = device_buffer((size_t)CHUNK_SECTORS << SECTOR_SHIFT);
	const struct write *wanted;
	struct content content = { 0 };
	u64 done, i;

	if (device_sectors(fd, opt.device) < past.first + past.sectors)
		fail("%s is too small: the log has sectors up to %llu",
		     opt.device, past.first + past.sectors);
	/* What is seen here is there to stay. */
	if (fdatasync(fd))
		fail("%s: cannot flush", opt.device);
	for (done = 0; done < past.sectors; done += CHUNK_SECTORS) {
		u64 count = past.sectors - done, sector = past.first + done;

		if (count > CHUNK_SECTORS)
			count = CHUNK_SECTORS;
		device_read(fd, opt.device, buf, sector, (u32)count);
		for (i = 0; i < count; i++) {
			enum verdict verdict;

			sector_read((char *)buf + (i << SECTOR_SHIFT),
				    &content);
			verdict = judge(sector + i, &content, NULL, &wanted);
			if (verdict)
				violation(verdict, sector + i, &content, wanted,
					  NULL);
			if (settled)
				settle(settled, sector + i, &content, false);
		}
	}
	if (settled)
		settle(settled, 0, &content, true);
	report_out();
	free(buf);
	close(fd);
}

static void check_seen(void)
{
	const struct write *wanted;
	size_t i;

	for (i = 0; i < past.nr_seen; i++) {
		const struct seen *seen = past.seen + i;
		enum verdict verdict =
			judge(seen->sector, &seen->content, seen, &wanted);

		if (verdict)
			violation(verdict, seen->sector, &seen->content, wanted,
				  seen);
	}
	report_out();
}

int command_check(void)
{
	u64 sectors = 0, open = 0, all = 0, i;
	FILE *settled = NULL;
	unsigned int verdict;

	past_read(&past, opt.logs, opt.nr_logs);
	if (!past.nr_acked)
		fail("no write was acknowledged: nothing to check");
	if (opt.flushed && !past.nr_flushes)
		fail("no flush was acknowledged: nothing need be durable");
	if (opt.settle) {
		settled = fopen(opt.settle, "w");
		if (!settled)
			fail("%s: cannot write", opt.settle);
		fprintf(settled, "\nH 1 0 0 %llu %llu\n", past.first,
			past.sectors);
	}
	check_device(settled);
	if (settled && fclose(settled))
		fail("%s: cannot write", opt.settle);
	check_seen();
	for (i = 0; i < past.sectors; i++)
		sectors += past.start[i + 1] > past.start[i];
	for (i = 0; i < past.nr; i++)
		open += past.writes[i].acked == POS_NEVER;
	printf("%u runs, %zu writes to %llu sectors, %llu acknowledged, %llu open at the end, ",
	       past.round, past.nr, sectors, past.nr_acked, open);
	printf("%llu flushes, %zu sectors read meanwhile\n", past.nr_flushes, past.nr_seen);
	for (verdict = GOOD + 1; verdict < NR_VERDICTS; verdict++) {
		if (found[verdict])
			printf("%llu sectors %s\n", found[verdict],
			       names[verdict]);
		all += found[verdict];
	}
	if (!all)
		printf("all as it must be\n");
	return all ? HISTORY_VIOLATED : HISTORY_OK;
}
