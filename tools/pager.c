/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the pager, a child that reads what is printed. */
#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/wrap.h"
#include "util/cleanup.h"

static struct {
	pid_t pid;         /* 0: there is none */
	int stderr_before; /* -1: standard error is as it was */
} pager = { .stderr_before = -1 };

/* NULL: none is wanted. A dumb terminal is no place for one. */
static const char *pager_command(void)
{
	const char *term = getenv("TERM"), *command = getenv("WHOSEES_PAGER");

	if (!isatty(STDOUT_FILENO) || !term || strcmp(term, "dumb") == 0)
		return NULL;
	if (!command)
		command = getenv("PAGER");
	if (!command)
		command = "less";
	return *command && strcmp(command, "cat") != 0 ? command : NULL;
}

/* The reader's interrupt is the pager's to handle; when that ends, so does this. */
static const int left_to_pager[] = { SIGINT, SIGQUIT, SIGPIPE };
#define LEFT_TO_PAGER (sizeof(left_to_pager) / sizeof(*left_to_pager))

static void leave_signals(void)
{
	for (size_t i = 0; i < LEFT_TO_PAGER; i++)
		signal(left_to_pager[i], SIG_IGN);
}

/* The pager of which only a name is given is run as such: it may not be there. */
static pid_t spawn(const char *command, int from)
{
	const char *shell[] = { "sh", "-c", command, NULL };
	const char *alone[] = { command, NULL };
	const char **argv =
		strpbrk(command, "|&;<>()$`\\\"' \t\n*?[#~=%") ? shell : alone;
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return 0;
	if (posix_spawn_file_actions_adddup2(&actions, from, STDIN_FILENO) != 0 ||
	    posix_spawnp(&pid, argv[0], &actions, NULL, (char **)argv, environ) != 0)
		pid = 0;
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

/* What no longer is a terminal has the width of the one that it was. */
static void keep_width(void)
{
	char width[16];

	snprintf(width, sizeof(width), "%zu", wrap_width(stdout));
	setenv("COLUMNS", width, 1);
	setenv("LESS", "FRX", 0);
}

static void send_to(int to)
{
	fflush(stdout);
	fflush(stderr);
	if (isatty(STDERR_FILENO)) {
		pager.stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		dup2(to, STDERR_FILENO);
	}
	dup2(to, STDOUT_FILENO);
}

void pager_begin(void)
{
	const char *command = pager_command();
	int ends[2];

	if (pager.pid || !command || pipe2(ends, O_CLOEXEC) != 0)
		return;
	keep_width();
	pager.pid = spawn(command, ends[0]);
	if (pager.pid) {
		leave_signals();
		send_to(ends[1]);
	}
	close(ends[0]);
	close(ends[1]);
}

bool pager_is_on(void)
{
	return pager.pid;
}

bool pager_end(void)
{
	if (!pager.pid)
		return false;
	fflush(stderr);
	if (pager.stderr_before >= 0)
		dup2(pager.stderr_before, STDERR_FILENO);
	while (waitpid(pager.pid, NULL, 0) < 0 && errno == EINTR)
		;
	pager.pid = 0;
	return true;
}
