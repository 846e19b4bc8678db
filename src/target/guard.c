/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANGS \
	600000 /* ms for which a peer that hangs is waited for: its storage may be gone */
#define QUIET 3000 /* ms without a word after which the peer has taken what it was sent */
#define LISTEN 1000 /* times that it is listened to, at most */

/* QEMU drops commands that it has not carried out when the connection is closed. */
static void send_words(const struct ws_last_words *words)
{
	struct pollfd answer = { .fd = words->socket, .events = POLLOUT };
	char drain[512];
	int patience = HANGS;

	if (words->socket < 0 || !words->bytes)
		return;
	if (poll(&answer, 1, HANGS) <= 0 ||
	    send(words->socket, words->bytes, strlen(words->bytes), MSG_NOSIGNAL) < 0)
		return;
	answer.events = POLLIN;
	for (unsigned i = 0; i < LISTEN && poll(&answer, 1, patience) > 0; i++) {
		if (recv(words->socket, drain, sizeof(drain), MSG_DONTWAIT) <= 0)
			return;
		patience = QUIET;
	}
}

static void carry_out(const struct ws_last_will *will)
{
	if (will->file)
		unlink(will->file);
	if (will->folder)
		rmdir(will->folder);
	for (unsigned i = 0; i < WS_LAST_WORDS; i++)
		send_words(&will->words[i]);
}

#define KEPT (1 + WS_LAST_WORDS)

/* The lowest of them from `from` on; -1: none is. */
static int lowest(const int fds[KEPT], int from)
{
	int low = -1;

	for (unsigned i = 0; i < KEPT; i++)
		if (fds[i] >= from && (low < 0 || fds[i] < low))
			low = fds[i];
	return low;
}

/* Other guards' pipes too: each is to see this process end. */
static void close_others(int life, const struct ws_last_will *will)
{
	int kept[KEPT] = { life }, from = 0, next;

	for (unsigned i = 0; i < WS_LAST_WORDS; i++)
		kept[i + 1] = will->words[i].bytes ? will->words[i].socket : -1;
	for (; (next = lowest(kept, from)) >= 0; from = next + 1)
		if (next > from)
			close_range((unsigned)from, (unsigned)next - 1, 0);
	close_range((unsigned)from, ~0U, 0);
}

/*
 * Only system calls: another thread may have held any lock. What a terminal sends to all of a
 * group, or a person to this name, is not for the child.
 */
static void wait_for_the_end(int life, const struct ws_last_will *will)
{
	sigset_t all;
	char done;
	ssize_t n;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	close_others(life, will);
	do {
		n = read(life, &done, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		carry_out(will);
	_exit(0);
}

/* Without a signal to the caller when it ends: he may have children of his own. */
static pid_t split(void)
{
	return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
}

/*
 * A child of a child that has ended: nobody has to wait for it once it is left. 0, or what kept it
 * from being there.
 */
static int start(int life, const struct ws_last_will *will)
{
	pid_t child = split(), waited;
	int status;

	if (!child) {
		child = split();
		if (!child)
			wait_for_the_end(life, will);
		_exit(child < 0 ? errno : 0);
	}
	if (child < 0)
		return errno;
	while ((waited = waitpid(child, &status, __WALL)) < 0 && errno == EINTR)
		;
	return waited < 0 ? errno : WIFEXITED(status) ? WEXITSTATUS(status) : EAGAIN;
}

bool ws_guard_start(struct ws_guard *guard, const struct ws_last_will *will)
{
	int ends[2],
		error; /* no pipe: writing to one that nobody reads would be a signal */

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return false;
	error = start(ends[0], will);
	close(ends[0]);
	if (error)
		close(ends[1]);
	else
		*guard = (struct ws_guard){ true, ends[1] };
	errno = error;
	return !error;
}

void ws_guard_end(struct ws_guard *guard)
{
	char none;

	if (!guard->there)
		return;
	while (send(guard->life, "", 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
	shutdown(guard->life, SHUT_WR);
	/* its end of the two is closed when it has ended */
	while (recv(guard->life, &none, 1, 0) < 0 && errno == EINTR)
		;
	ws_guard_leave(guard);
}

void ws_guard_leave(struct ws_guard *guard)
{
	if (guard->there)
		close(guard->life);
	guard->there = false;
}
