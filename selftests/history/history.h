/* SPDX-License-Identifier: GPL-2.0 */
/*
 * history: writes a device so that every sector says which write it is of, logs each write before
 * it is issued and after it is acknowledged, and tells afterwards whether each sector holds what it
 * may hold. What its files share.
 */
#ifndef _HISTORY_H
#define _HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned long long u64; /* for %llu */
typedef uint32_t u32;
typedef uint8_t u8;

#define SECTOR_SIZE 512U
#define SECTOR_SHIFT 9
#define CHUNK_SECTORS 2048U /* what is read at a time */
#define READ_SECTORS 16U /* what a reader reads at most */
#define MAX_THREADS 256

/* Exit status. */
enum {
	HISTORY_OK = 0,
	HISTORY_VIOLATED = 1,
	HISTORY_TROUBLE = 2, /* usage, or nothing can be said */
};

/* Names a write: run is a random number of each `history write`. All zero: no write, zeroes. */
struct key {
	u64 run;
	u64 seq;
	u32 writer;
};

/* What a sector of 512 bytes can be. */
enum kind {
	KIND_ZERO,
	KIND_WRITTEN, /* by us, and whole */
	KIND_TORN, /* has our magic and no valid crc */
	KIND_OTHER,
};

struct content {
	enum kind kind;
	struct key key;
	u64 sector; /* it was written to be */
	u64 first; /* sector of its write */
	u32 count; /* sectors of its write */
};

struct options {
	const char *command;
	const char *device;
	const char *other; /* compare: the second device */
	const char **logs;
	int nr_logs;
	const char *settle;
	u64 seed;
	u64 offset; /* in sectors, like these */
	u64 size;
	u32 min;
	u32 max;
	unsigned int writers;
	unsigned int readers;
	unsigned int seconds;
	u64 writes; /* of each writer; 0: no limit */
	unsigned int flush_every;
	unsigned int fua; /* per cent of the writes */
	unsigned int show;
	bool keep_going;
	bool flushed; /* check: durable is what was flushed, not what was acknowledged */
	bool any_base; /* check: the device need not have been zero at first */
};

extern struct options opt;

__printf(1, 2) __noreturn void fail(const char *format, ...);
void *get_memory(void *old, size_t bytes);

/* xorshift64*: the same seed gives the same writes. */
u64 random_next(u64 *state);
u64 random_start(u64 seed, u64 thread);

/* ---- sector.c ---- */

void sector_fill(void *buf, const struct key *key, u64 sector, u64 first,
		 u32 count);
void sector_read(const void *buf, struct content *content);
/* Into text: "write 3.17 (sectors 8+16)", "zeroes" and so on. */
const char *content_text(const struct content *content, char *text,
			 size_t room);
bool content_equal(const struct content *a, const struct content *b);

/* ---- device.c ---- */

int device_open(const char *path, int flags);
u64 device_sectors(int fd, const char *path);
unsigned int device_block(int fd);
void *device_buffer(size_t bytes);
/* Reads all of it, or ends the program. */
void device_read(int fd, const char *path, void *buf, u64 sector, u32 count);

/* ---- log.c: writing it ---- */

void log_open(const char *path);
/* When it returns, the line has left this process; the channel decides how far it has come. */
__printf(1, 2) void log_line(const char *format, ...);
void log_close(void);

/* ---- past.c: reading it. A position counts entries over all logs; 0 is before all. ---- */

#define POS_NEVER UINT64_MAX

/*
 * Its end is when it can no longer land: acknowledged, failed, or the machine was gone. What is
 * found in the sectors later was written by it if no write that counts was issued after its end.
 */
struct write {
	struct key key;
	u64 sector;
	u32 count;
	u32 round;
	u64 issued;
	u64 acked; /* POS_NEVER */
	u64 end;
	u32 next; /* of the same hash, plus one */
	bool fua;
	bool durable;
};

/* What a reader saw in a sector, between two positions. */
struct seen {
	struct content content;
	u64 sector;
	u64 from;
	u64 to;
	u32 round;
};

struct past {
	struct write *writes;
	size_t nr;
	struct seen *seen;
	size_t nr_seen;
	u64 first; /* the range of sectors that all runs had */
	u64 sectors;
	u64 nr_acked;
	u64 nr_flushes;
	u32 round; /* a header, a round */
	/* For each sector the writes to it, in the order they were issued. */
	u64 *start;
	u32 *entry;
};

void past_read(struct past *past, const char *const *logs, int nr);
/* Of the sector, the newest with that key that was issued before @before, or NULL. */
const struct write *past_find(const struct past *past, const struct key *key,
			      u64 sector, u64 before);

/* ---- the commands; each returns the exit status ---- */

int command_write(void);
int command_check(void);
int command_compare(void);

#endif /* _HISTORY_H */
