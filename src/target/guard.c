/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/guard.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANGS \
	600000 /* ms for which a peer that hangs is waited for: its storage may be gone */
#define QUIET 3000 /* ms without a word after which the peer has taken what it was sent */
#define LISTEN 1000 /* times that it is listened to, at most */
#define FDS_MAX (1u << 20)
#define LEFT_MAX 16

/* The first byte of a message: nothing is to be done; or other words follow. */
enum { DONE = 'd', REPLACED = 'r' };
static char replaced[WS_LAST_WORDS_MAX + 1];

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

/* Before Linux 5.9, and where a filter of system calls does not know it, one by one. */
static void close_between(unsigned from, unsigned to)
{
	struct rlimit limit;

	if (!close_range(from, to, 0) || getrlimit(RLIMIT_NOFILE, &limit))
		return;
	for (; from <= to && from < limit.rlim_cur && from < FDS_MAX; from++)
		close((int)from);
}

/* Other guards' sockets too: each is to see this process end. */
static void close_others(int life, const struct ws_last_will *will)
{
	int kept[KEPT] = { life }, from = 0, next;

	for (unsigned i = 0; i < WS_LAST_WORDS; i++)
		kept[i + 1] = will->words[i].bytes ? will->words[i].socket : -1;
	for (; (next = lowest(kept, from)) >= 0; from = next + 1)
		if (next > from)
			close_between((unsigned)from, (unsigned)next - 1);
	close_between((unsigned)from, ~0U);
}

/*
 * Only system calls: another thread may have held any lock. What a terminal sends to all of a
 * group, or a person to this name, is not for the child, which has all signals blocked.
 */
static void wait_for_the_end(int life, struct ws_last_will will)
{
	char message[1 + WS_LAST_WORDS_MAX + 1];
	ssize_t n;

	setsid();
	close_others(life, &will);
	for (;;) {
		n = read(life, message, sizeof(message) - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			carry_out(&will);
			_exit(0);
		}
		if (message[0] == DONE)
			_exit(0);
		message[n] = '\0';
		will.words[0].bytes = strcpy(replaced, message + 1);
	}
}

/* ---- those that were left ---------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t left[LEFT_MAX]; /* 0: nobody; one more than that stays a zombie */

/* Who has ended meanwhile; or makes room for another. */
static void look_after(pid_t another)
{
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < LEFT_MAX; i++) {
		if (left[i] && waitpid(left[i], NULL, __WALL | WNOHANG) != 0)
			left[i] = 0;
		if (!left[i] && another) {
			left[i] = another;
			another = 0;
		}
	}
	pthread_mutex_unlock(&lock);
}

/* ---- from outside ------------------------------------------------------------------- */

/* Without a signal to the caller when it ends: he may have children of his own. */
static pid_t split(const int ends[2], const struct ws_last_will *will)
{
	sigset_t all, before;
	pid_t child;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* from its first instant on */
	child = (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
	if (!child) {
		close(ends[1]);
		wait_for_the_end(ends[0], *will);
	}
	error = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return child;
}

bool ws_guard_start(struct ws_guard *guard, const struct ws_last_will *will)
{
	int ends[2],
		error; /* no pipe: writing to one that nobody reads would be a signal */

	look_after(0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return false;
	guard->child = split(ends, will);
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

static bool tell(const struct ws_guard *guard, const char *message, size_t n)
{
	ssize_t sent;

	do {
		sent = send(guard->life, message, n, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)n;
}

bool ws_guard_say(const struct ws_guard *guard, const char *bytes)
{
	char message[1 + WS_LAST_WORDS_MAX];
	size_t n = strlen(bytes);

	if (n > WS_LAST_WORDS_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	message[0] = REPLACED;
	memcpy(message + 1, bytes, n);
	return tell(guard, message, 1 + n);
}

void ws_guard_end(struct ws_guard *guard)
{
	if (!guard->child)
		return;
	tell(guard, &(char){ DONE }, 1);
	close(guard->life);
	while (waitpid(guard->child, NULL, __WALL) < 0 && errno == EINTR)
		;
	guard->child = 0;
}

void ws_guard_leave(struct ws_guard *guard)
{
	if (!guard->child)
		return;
	close(guard->life);
	look_after(guard->child);
	guard->child = 0;
}
