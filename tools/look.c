// SPDX-License-Identifier: GPL-2.0
/*
 * A look at a device that may not answer: a volume that waits for its nodes, one that is suspended.
 * Whoever reads it then can't even be killed. So a child reads, and is left behind if it must be.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "medium.h"

/* A disk that sleeps takes half of that to wake up. Where several are mute, less and less. */
#define PATIENCE_MS	20000
#define PATIENCE_MIN_MS	1000

/* The child's part. Nothing of its parent's stays open: somebody may wait for the end of a pipe. */
static int read_it(const char *path, int out)
{
	struct dstb_super *super;
	const char *at;
	size_t left;
	ssize_t len;

	if (close_range(0, (unsigned int)out - 1, 0) || close_range((unsigned int)out + 1, ~0U, 0))
		return EXIT_FAILURE;
	super = medium_super(path);
	at = (const char *)super;
	/* What is in use can't be a node, or is one by another way: as export:NAME. */
	left = super && !is_busy(path) && !is_raid_half(path) ? sizeof(*super) : 0;
	for (; left; left -= (size_t)len, at += len) {
		len = write(out, at, left);
		if (len <= 0)
			break;
	}
	free(super);
	return left ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Takes it from the child. Returns how many bytes came; -ETIME when the time was over. */
static ssize_t take_it(int in, struct dstb_super *super, int patience_ms)
{
	struct pollfd wait = { .fd = in, .events = POLLIN };
	int64_t end = now_ms() + patience_ms, left;
	size_t have = 0;
	ssize_t len;

	while (have < sizeof(*super)) {
		left = end - now_ms();
		if (left <= 0)
			return -ETIME;
		if (poll(&wait, 1, (int)left) <= 0)
			continue;
		len = read(in, (char *)super + have, sizeof(*super) - have);
		if (len <= 0)
			break;
		have += (size_t)len;
	}
	return (ssize_t)have;
}

/*
 * The superblock on a block device that nobody uses, to be freed, or NULL. One that does not answer
 * is left out, which is said.
 */
struct dstb_super *look(const char *path)
{
	static int patience_ms = PATIENCE_MS;
	struct dstb_super *super = malloc(sizeof(*super));
	ssize_t have = 0;
	pid_t child = -1;
	int ends[2];

	if (super && !pipe(ends)) {
		child = fork();
		if (!child)
			_exit(read_it(path, ends[1]));
		close(ends[1]);
		if (child > 0)
			have = take_it(ends[0], super, patience_ms);
		close(ends[0]);
	}
	if (child < 0)
		warn("warning: can't read %s: %s: it is left out", path, strerror(errno));
	if (have == -ETIME) {
		warn("warning: %s did not answer in %d seconds: it is left out", path,
		     patience_ms / 1000);
		patience_ms = patience_ms / 2 > PATIENCE_MIN_MS ? patience_ms / 2 : PATIENCE_MIN_MS;
		kill(child, SIGKILL);
	} else if (child > 0) {
		waitpid(child, NULL, 0);
	}
	if (have == sizeof(*super))
		return super;
	free(super);
	return NULL;
}
