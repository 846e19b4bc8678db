/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line on a terminal that shows how far long work is. */
#include "session.h"

#include <unistd.h>

#define FIRST_AFTER_MS 500
#define AGAIN_AFTER_MS 100

void progress_begin(struct progress *progress)
{
	*progress = (struct progress){ 0 };
	clock_gettime(CLOCK_MONOTONIC, &progress->begun);
}

static long since_ms(const struct timespec *then, const struct timespec *now)
{
	return (now->tv_sec - then->tv_sec) * 1000 +
	       (now->tv_nsec - then->tv_nsec) / 1000000;
}

void progress_show(void *arg, const char *what, double done)
{
	struct progress *progress = arg;
	struct timespec now;

	if (!isatty(STDERR_FILENO))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (since_ms(&progress->begun, &now) < FIRST_AFTER_MS ||
	    since_ms(&progress->shown, &now) < AGAIN_AFTER_MS)
		return;
	fprintf(stderr, "\r%s: %d %%\033[K", what, (int)(done * 100));
	progress->shown = now;
	progress->visible = true;
}

void progress_clear(struct progress *progress)
{
	if (progress->visible)
		fputs("\r\033[K", stderr);
	progress->visible = false;
}
