/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/text.h"

/* All of them as one piece of text; NULL: memory is short. */
static char *text_of(const change_vec *changes, time_t now, size_t *len)
{
	struct report report = { 0 };
	struct ws_text text;
	FILE *to = ws_text_open(&text);
	bool whole;

	if (!to)
		return NULL;
	report.ops = &report_ndjson;
	report.out = to;
	changes_report(changes, now, &report);
	whole = !report.failed;
	if (whole)
		return ws_text_close(&text, len);
	free(ws_text_close(&text, len));
	errno = ENOMEM;
	return NULL;
}

/* What was renamed before is gone with that. */
static bool begin_anew(const struct history *history)
{
	ws_autofree char *old = ws_text_of("%s.1", history->path);

	if (!old) {
		errno = ENOMEM;
		return false;
	}
	return rename(history->path, old) == 0;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* Where the disk is full, no half of a line stays. */
static bool append(int fd, const char *bytes, size_t len)
{
	off_t end = lseek(fd, 0, SEEK_END);
	int error;

	if (end < 0 || write_all(fd, bytes, len))
		return end >= 0;
	error = errno;
	if (ftruncate(fd, end) < 0)
		error = errno;
	errno = error;
	return false;
}

static int open_history(const struct history *history)
{
	return open(history->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

bool history_begin(const struct history *history)
{
	ws_autoclose int fd = history->path ? open_history(history) : -1;

	return !history->path || fd >= 0;
}

bool history_append(const struct history *history, const change_vec *changes, time_t now)
{
	ws_autofree char *text = NULL;
	struct stat is;
	size_t len = 0;
	int fd, error;
	bool done;

	if (!history->path || !changes->n)
		return true;
	text = text_of(changes, now, &len);
	if (!text)
		return false;
	if (stat(history->path, &is) == 0 && S_ISREG(is.st_mode) && is.st_size &&
	    (uint64_t)is.st_size + len > history->limit && !begin_anew(history))
		return false;
	fd = open_history(history);
	if (fd < 0)
		return false;
	done = append(fd, text, len);
	error = errno;
	if (close(fd) < 0 && done)
		return false;
	errno = error;
	return done;
}
