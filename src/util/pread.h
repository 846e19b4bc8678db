/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pread() to the end: a call that a signal interrupted, or that gave less than was asked for,
 * is followed by another one.
 */
#ifndef WS_UTIL_PREAD_H
#define WS_UTIL_PREAD_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* *got: how many of the bytes at offset there are, or could be read. False: an error, errno. */
static inline bool ws_pread(int fd, void *to, size_t size, uint64_t offset, size_t *got)
{
	ssize_t n = 1;

	for (*got = 0; *got < size && n; *got += n > 0 ? (size_t)n : 0) {
		n = pread(fd, (char *)to + *got, size - *got, (off_t)(offset + *got));
		if (n < 0 && errno != EINTR)
			return false;
	}
	return true;
}

/* False, with errno: not all is there. */
static inline bool ws_pread_all(int fd, void *to, size_t size, uint64_t offset)
{
	size_t got;

	if (!ws_pread(fd, to, size, offset, &got))
		return false;
	errno = ENODATA;
	return got == size;
}

#endif
