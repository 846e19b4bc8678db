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

bool ws_guard_start(struct ws_guard *guard, const struct ws_last_will *will)
{
	int ends[2],
		error; /* no pipe: writing to one that nobody reads would be a signal */

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return false;
	/* Without a signal to the caller when it ends: he may have children of his own. */
	guard->child = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
	if (!guard->child)
		wait_for_the_end(ends[0], will);
	error = errno;
	close(ends[0]);
	if (guard->child > 0) {
		guard->life = ends[1];
		return true;
	}
	close(ends[1]);
	guard->child = 0;
	errno = error;
	return false;
}

static void end(struct ws_guard *guard, bool wait)
{
	if (!guard->child)
		return;
	close(guard->life);
	while (wait && waitpid(guard->child, NULL, __WALL) < 0 && errno == EINTR)
		;
	guard->child = 0;
}

void ws_guard_end(struct ws_guard *guard)
{
	if (guard->child)
		send(guard->life, "", 1, MSG_NOSIGNAL);
	end(guard, true);
}

void ws_guard_leave(struct ws_guard *guard)
{
	end(guard, false);
}
