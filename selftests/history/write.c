// SPDX-License-Identifier: GPL-2.0
/*
 * history write: many writers, each one request at a time, anywhere in the range; some readers
 * beside them. The log's lines:
 *	H 1 RUN SEED FIRST SECTORS		a run begins
 *	I WRITER SEQ SECTOR COUNT [f]		a write is about to be issued (f: with FUA)
 *	A WRITER SEQ				it has been acknowledged
 *	E WRITER SEQ ERRNO			it has failed: it may be there, in part, or not
 *	F WRITER N, G WRITER N			a flush is about to be issued, has been acknowledged
 *	Q READER N SECTOR COUNT			a read is about to be issued
 *	R READER N SECTOR COUNT:WHAT...		what it got; WHAT is WRITER.SEQ[.RUN], z, t or o
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "history.h"

struct thread {
	pthread_t id;
	u32 index;
	u64 random;
	u64 done;
	u64 flushes;
	u64 errors;
	u64 sectors;
	void *buf;
};

static atomic_bool stopped;
static atomic_bool broken;
static int device = -1;
static unsigned int block; /* in sectors */
static u64 run;
static struct timespec until;

static void stop(int signal)
{
	(void)signal;
	atomic_store(&stopped, true);
}

/* Readers go on until the last writer has ended. */
static atomic_uint writing;

static bool stopping(void)
{
	struct timespec now;

	if (atomic_load(&stopped))
		return true;
	if (!opt.seconds)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > until.tv_sec ||
	       (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec);
}

static u64 below(struct thread *t, u64 limit)
{
	return random_next(&t->random) % limit;
}

/* Small ones, whole pages, big ones; half of all in a sixteenth of the range, so that they meet. */
static void pick(struct thread *t, u32 most, u64 *sector, u32 *count)
{
	u64 range = opt.size;
	u32 n;

	switch (below(t, 4)) {
	case 0:
		n = block;
		break;
	case 1:
		n = 8;
		break;
	case 2:
		n = 1 + (u32)below(t, 16);
		break;
	default:
		n = 1 + (u32)below(t, most);
		break;
	}
	if (n < opt.min)
		n = opt.min;
	if (n > most)
		n = most;
	n = (n + block - 1) / block * block;
	if (below(t, 2) && range / 16 >= n)
		range /= 16;
	*count = n;
	*sector = opt.offset + below(t, (range - n) / block + 1) * block;
	/* As file systems do. */
	if (n >= 8 && below(t, 2))
		*sector -= (*sector - opt.offset) % 8;
}

static ssize_t write_out(const void *buf, size_t bytes, off_t offset, bool fua)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = bytes };
	ssize_t n;

	do {
		n = pwritev2(device, &iov, 1, offset, fua ? RWF_DSYNC : 0);
	} while (n < 0 && errno == EINTR);
	return n;
}

static void failed(struct thread *t, u64 n, int error)
{
	log_line("E %u %llu %d", t->index, n, error);
	t->errors++;
	if (!opt.keep_going && !atomic_exchange(&broken, true))
		fprintf(stderr, "history: %s: %s\n", opt.device,
			strerror(error));
	if (!opt.keep_going)
		atomic_store(&stopped, true);
}

static void flush_one(struct thread *t)
{
	u64 n = ++t->flushes;

	log_line("F %u %llu", t->index, n);
	if (!fdatasync(device))
		log_line("G %u %llu", t->index, n);
	else
		failed(t, 0, errno);
}

static void write_one(struct thread *t)
{
	struct key key = { .run = run, .seq = ++t->done, .writer = t->index };
	bool fua = opt.fua && below(t, 100) < opt.fua;
	u32 count, i;
	u64 sector;
	ssize_t n;

	pick(t, opt.max, &sector, &count);
	for (i = 0; i < count; i++)
		sector_fill((char *)t->buf + ((size_t)i << SECTOR_SHIFT), &key,
			    sector + i, sector, count);
	log_line("I %u %llu %llu %u%s", t->index, key.seq, sector, count,
		 fua ? " f" : "");
	n = write_out(t->buf, (size_t)count << SECTOR_SHIFT,
		      (off_t)(sector << SECTOR_SHIFT), fua);
	if (n == (ssize_t)count << SECTOR_SHIFT) {
		log_line("A %u %llu", t->index, key.seq);
		t->sectors += count;
		return;
	}
	failed(t, key.seq, n < 0 ? errno : EIO);
}

static void *writer(void *arg)
{
	struct thread *t = arg;

	while (!stopping() && (!opt.writes || t->done < opt.writes)) {
		write_one(t);
		if (opt.flush_every && !(t->done % opt.flush_every))
			flush_one(t);
	}
	if (atomic_fetch_sub(&writing, 1) == 1)
		atomic_store(&stopped, true);
	return NULL;
}

static void content_word(const struct content *c, u64 sector, char *text,
			 size_t room)
{
	if (c->kind == KIND_ZERO)
		snprintf(text, room, "z");
	else if (c->kind == KIND_TORN)
		snprintf(text, room, "t");
	else if (c->kind == KIND_OTHER || c->sector != sector)
		snprintf(text, room, "o");
	else if (c->key.run == run)
		snprintf(text, room, "%u.%llu", c->key.writer, c->key.seq);
	else
		snprintf(text, room, "%u.%llu.%llx", c->key.writer, c->key.seq,
			 c->key.run);
}

static void read_one(struct thread *t)
{
	char words[READ_SECTORS * 64], word[64], last[64] = "";
	u32 count, i, same = 0;
	u64 sector, n = ++t->done;
	struct content content;
	size_t len = 0;
	ssize_t got;

	pick(t, READ_SECTORS, &sector, &count);
	log_line("Q %u %llu %llu %u", t->index, n, sector, count);
	do {
		got = pread(device, t->buf, (size_t)count << SECTOR_SHIFT,
			    (off_t)(sector << SECTOR_SHIFT));
	} while (got < 0 && errno == EINTR);
	if (got != (ssize_t)count << SECTOR_SHIFT) {
		failed(t, 0, got < 0 ? errno : EIO);
		return;
	}
	words[0] = 0;
	for (i = 0; i <= count; i++) {
		word[0] = 0;
		if (i < count) {
			sector_read((char *)t->buf +
					    ((size_t)i << SECTOR_SHIFT),
				    &content);
			content_word(&content, sector + i, word, sizeof(word));
		}
		if (same && strcmp(word, last)) {
			len += (size_t)snprintf(words + len,
						sizeof(words) - len, " %u:%s",
						same, last);
			same = 0;
		}
		memcpy(last, word, sizeof(last));
		same++;
	}
	log_line("R %u %llu %llu%s", t->index, n, sector, words);
}

static void *reader(void *arg)
{
	struct thread *t = arg;

	while (!stopping())
		read_one(t);
	return NULL;
}

static void check_range(void)
{
	u64 all = device_sectors(device, opt.device);

	block = device_block(device);
	if (block > READ_SECTORS)
		fail("%s has blocks of %u sectors", opt.device, block);
	if (opt.offset >= all)
		fail("%s has %llu sectors: nothing is at %llu", opt.device, all,
		     opt.offset);
	if (!opt.size || opt.size > all - opt.offset)
		opt.size = all - opt.offset;
	opt.size -= opt.size % block;
	if (opt.size < opt.max + block || opt.size < READ_SECTORS + block)
		fail("%llu sectors are too few to write up to %u at once",
		     opt.size, opt.max);
}

int command_write(void)
{
	unsigned int nr = opt.writers + opt.readers, i;
	struct sigaction action = { .sa_handler = stop };
	u64 writes = 0, reads = 0, sectors = 0, errors = 0;
	struct thread *threads = get_memory(NULL, nr * sizeof(*threads));

	if (opt.nr_logs != 1)
		fail("write wants one --log");
	device = device_open(opt.device, O_RDWR);
	check_range();
	if (getrandom(&run, sizeof(run), 0) != sizeof(run))
		fail("no random number for the run");
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += opt.seconds;
	log_open(opt.logs[0]);
	/* What was there may end in the middle of a line. */
	log_line("\nH 1 %llx %llu %llu %llu", run, opt.seed, opt.offset,
		 opt.size);
	atomic_store(&writing, opt.writers);
	for (i = 0; i < nr; i++) {
		struct thread *t = threads + i;
		size_t room = opt.max > READ_SECTORS ? opt.max : READ_SECTORS;

		memset(t, 0, sizeof(*t));
		t->index = i < opt.writers ? i : i - opt.writers;
		t->random = random_start(opt.seed, i);
		t->buf = device_buffer((room + block) << SECTOR_SHIFT);
		if (pthread_create(&t->id, NULL,
				   i < opt.writers ? writer : reader, t))
			fail("no more threads");
	}
	for (i = 0; i < nr; i++) {
		struct thread *t = threads + i;

		pthread_join(t->id, NULL);
		*(i < opt.writers ? &writes : &reads) += t->done;
		sectors += t->sectors;
		errors += t->errors;
		free(t->buf);
	}
	free(threads);
	log_line("T");
	log_close();
	printf("%llu writes, %llu sectors, %llu reads, %llu errors, seed %llu\n",
	       writes, sectors, reads, errors, opt.seed);
	return errors && !opt.keep_going ? HISTORY_VIOLATED : HISTORY_OK;
}
