// SPDX-License-Identifier: GPL-2.0
/*
 * Writing the log. A line is one write(), and the next thing happens when that has returned. So a
 * line of which a write is the consequence has left the machine before that write does if the
 * channel works at once: a port of virtio-serial without an ioeventfd (vm/boot -l), a file on 9p
 * without a cache, a tty (drained after each line).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "history.h"

static struct {
	pthread_mutex_t lock;
	const char *path;
	int fd;
	bool tty;
} out = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

void log_open(const char *path)
{
	struct termios termios;

	out.path = path;
	out.fd = open(path,
		      O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC,
		      0644);
	if (out.fd < 0)
		fail("%s: %s", path, strerror(errno));
	out.tty = isatty(out.fd);
	if (out.tty && !tcgetattr(out.fd, &termios)) {
		cfmakeraw(&termios);
		tcsetattr(out.fd, TCSANOW, &termios);
	}
}

static void write_all(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(out.fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		/* Without a log nothing more may be written. */
		if (n <= 0)
			fail("%s: %s", out.path, strerror(errno));
		text += n;
		len -= (size_t)n;
	}
}

void log_line(const char *format, ...)
{
	char line[2048];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(line) - 1)
		fail("a line too long for the log");
	line[len++] = '\n';
	pthread_mutex_lock(&out.lock);
	write_all(line, (size_t)len);
	if (out.tty)
		tcdrain(out.fd);
	pthread_mutex_unlock(&out.lock);
}

void log_close(void)
{
	if (out.fd >= 0 && close(out.fd))
		fail("%s: %s", out.path, strerror(errno));
	out.fd = -1;
}
