/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A library to be preloaded: what the program reads and writes goes as the system may let it.
 * WS_IO says how:
 *
 *	interrupt	each call is interrupted by a signal once, before it is done
 *	short		each moves half of what it could, at least a byte
 *	lost		from the WS_FAIL_AT-th read on (the first is 1) of files, the medium is
 *			gone: EIO
 *
 * WS_FAIL_LOG names a file for how many reads of files there were. What the C library does for
 * a FILE does not come by here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static bool interrupts, shortens;
static unsigned long lost_from, nreads;

__attribute__((constructor)) static void begin(void)
{
	const char *how = getenv("WS_IO"), *at = getenv("WS_FAIL_AT");

	interrupts = how && !strcmp(how, "interrupt");
	shortens = how && !strcmp(how, "short");
	lost_from = how && !strcmp(how, "lost") && at ? strtoul(at, NULL, 10) : 0;
}

__attribute__((destructor)) static void end(void)
{
	const char *log = getenv("WS_FAIL_LOG");
	int fd = log ? open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd >= 0)
		dprintf(fd, "%lu\n", __atomic_load_n(&nreads, __ATOMIC_RELAXED));
}

/* ---- how a call goes -------------------------------------------------------------- */

/* Every other call of a thread: the program gives it again. */
static bool interrupted(void)
{
	static __thread bool was;

	if (!interrupts)
		return false;
	was = !was;
	if (was)
		errno = EINTR;
	return was;
}

static bool is_lost(int fd)
{
	unsigned long number;
	struct stat is;
	int error = errno;

	if (fstat(fd, &is) || !S_ISREG(is.st_mode)) {
		errno = error;
		return false;
	}
	number = __atomic_add_fetch(&nreads, 1, __ATOMIC_RELAXED);
	if (!lost_from || number < lost_from)
		return false;
	errno = EIO;
	return true;
}

static size_t some(size_t n)
{
	return shortens && n > 1 ? n / 2 : n;
}

/* A message goes as a whole. */
static size_t some_of_stream(int fd, size_t n)
{
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){ sizeof(type) }) ||
			       type == SOCK_STREAM
		       ? some(n)
		       : n;
}

/* ---- the calls -------------------------------------------------------------------- */

/* With offsets of 64 bits, as everything here is built, pread() is pread64() to the linker. */
#define REAL(name)                     \
	static __typeof__(name) *real; \
	if (!real)                     \
	real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t read(int fd, void *to, size_t n)
{
	REAL(read);
	return interrupted() || is_lost(fd) ? -1 : real(fd, to, some_of_stream(fd, n));
}

ssize_t pread64(int fd, void *to, size_t n, off64_t at)
{
	REAL(pread64);
	return interrupted() || is_lost(fd) ? -1 : real(fd, to, some(n), at);
}

ssize_t write(int fd, const void *from, size_t n)
{
	REAL(write);
	return interrupted() ? -1 : real(fd, from, some(n));
}

ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at)
{
	REAL(pwrite64);
	return interrupted() ? -1 : real(fd, from, some(n), at);
}

ssize_t recv(int fd, void *to, size_t n, int flags)
{
	REAL(recv);
	return interrupted() ? -1 : real(fd, to, some_of_stream(fd, n), flags);
}

ssize_t send(int fd, const void *from, size_t n, int flags)
{
	REAL(send);
	return interrupted() ? -1 : real(fd, from, some_of_stream(fd, n), flags);
}

int poll(struct pollfd *of, nfds_t n, int patience)
{
	REAL(poll);
	return interrupted() ? -1 : real(of, n, patience);
}
