/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Lets go of it all; errno stays what the caller is to see. */
static void forget(struct ws_whole *whole, bool remove)
{
	int saved = errno;

	if (remove)
		unlink(whole->beside);
	free(whole->beside);
	*whole = (struct ws_whole){ 0 };
	errno = saved;
}

/* Beside, so that the rename cannot cross file systems. */
bool ws_whole_open(struct ws_whole *whole, const char *path)
{
	int fd;

	*whole = (struct ws_whole){ .path = path };
	if (asprintf(&whole->beside, "%s.%ld.part", path, (long)getpid()) < 0) {
		whole->beside = NULL;
		return false;
	}
	fd = open(whole->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd >= 0)
		whole->file = fdopen(fd, "w");
	if (whole->file)
		return true;
	forget(whole, fd >= 0);
	if (fd >= 0)
		close(fd);
	return false;
}

bool ws_whole_close(struct ws_whole *whole, bool written)
{
	if (fclose(whole->file) != 0)
		written = false;
	if (written && rename(whole->beside, whole->path) != 0)
		written = false;
	forget(whole, !written);
	return written;
}
