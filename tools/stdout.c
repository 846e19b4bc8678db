/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stdout.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pager.h"

/*
 * A descriptor that is not open would be that of the next file: what is meant for people
 * would be written into a dump. Writing to this one fails instead.
 */
static void hold_descriptor(int fd, int flags)
{
	if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
		(void)!open("/dev/null", flags);
}

/* Why writing failed before the end; errno, 0: it did not, or nobody knows. */
static int stdout_error;

enum exit_status stdout_failed(int error)
{
	stdout_error = error;
	return EXIT_UNREADABLE;
}

/* Nothing printed is lost in silence, not by --help either. */
static void close_stdout(void)
{
	bool failed = ferror(stdout);

	errno = 0;
	failed |= fclose(stdout) != 0;
	if (pager_end() || !failed)
		return;
	if (!stdout_error)
		stdout_error = errno;
	fprintf(stderr, "whosees: standard output: %s\n",
		stdout_error ? strerror(stdout_error) : "Not all of it was written");
	_exit(EXIT_UNREADABLE);
}

/*
 * What is printed in one go fails at its end, where errno says why: stdio's own buffer may
 * fail in the midst of a text, and be empty at its end.
 */
static char stdout_buffer[1 << 16];

bool stdout_begin(void)
{
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, stdout_buffer, _IOFBF, sizeof(stdout_buffer));
	signal(SIGXFSZ, SIG_IGN); /* a limit of files is an error, as a full disk is */
	hold_descriptor(STDIN_FILENO, O_WRONLY);
	hold_descriptor(STDOUT_FILENO, O_RDONLY);
	hold_descriptor(STDERR_FILENO, O_WRONLY);
	return atexit(close_stdout) == 0;
}
