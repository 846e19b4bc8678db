/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Lets go of it all; errno stays what the caller is to see. */
static void forget(struct ws_whole *whole, bool remove)
{
	int saved = errno;

	if (remove)
		unlink(whole->beside);
	free(whole->beside);
	free(whole->path);
	*whole = (struct ws_whole){ 0 };
	errno = saved;
}

/* Nothing has that name yet, or only a link that leads nowhere. */
static bool resolve_new(struct ws_whole *whole, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0) {
		errno = ENOLINK;
		return false;
	}
	whole->path = errno == ENOENT ? strdup(path) : NULL;
	return whole->path;
}

/*
 * A rename would put a file in the place of a device or a pipe, and of a link: what is
 * no file is refused, and a link is followed to the file that it names.
 */
static bool resolve(struct ws_whole *whole, const char *path)
{
	struct stat st;

	whole->mode = 0;
	if (stat(path, &st) != 0)
		return errno == ENOENT && resolve_new(whole, path);
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EOPNOTSUPP;
		return false;
	}
	whole->mode = st.st_mode & 07777;
	whole->path = realpath(path, NULL);
	return whole->path && access(whole->path, W_OK) == 0;
}

/* Of a file without a name nothing is left, whatever ends the process. */
static int open_nameless(const char *path)
{
	char *copy = strdup(path);
	int fd = -1;

	if (copy)
		fd = open(dirname(copy), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(copy);
	return fd;
}

/* As open(2) has it under O_TMPFILE; linkat() replaces no file, the rename then does. */
static bool give_name(const struct ws_whole *whole)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fileno(whole->file));
	return linkat(AT_FDCWD, link, AT_FDCWD, whole->beside, AT_SYMLINK_FOLLOW) == 0;
}

/* Beside, so that the rename cannot cross file systems. */
static int open_beside(struct ws_whole *whole)
{
	int fd;

	if (asprintf(&whole->beside, "%s.%d.part", whole->path, (int)getpid()) < 0) {
		whole->beside = NULL;
		return -1;
	}
	fd = open_nameless(whole->path);
	whole->nameless = fd >= 0;
	if (fd < 0)
		fd = open(whole->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd >= 0 && (!whole->mode || fchmod(fd, whole->mode) == 0))
		whole->file = fdopen(fd, "w");
	return fd;
}

bool ws_whole_is_standard(const char *path)
{
	return strcmp(path, "-") == 0;
}

const char *ws_whole_name(const char *path)
{
	return ws_whole_is_standard(path) ? "standard output" : path;
}

/* A descriptor of its own, so that closing it leaves stdout to its owner. */
static bool open_standard(struct ws_whole *whole)
{
	int fd = fflush(stdout) == 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) : -1;

	whole->standard = true;
	whole->file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (fd >= 0 && !whole->file) {
		errno = errno == EINVAL ? EBADF : errno; /* not open for writing */
		close(fd);
	}
	return whole->file;
}

bool ws_whole_open(struct ws_whole *whole, const char *path)
{
	int fd;

	*whole = (struct ws_whole){ 0 };
	if (ws_whole_is_standard(path))
		return open_standard(whole);
	if (!resolve(whole, path)) {
		forget(whole, false);
		return false;
	}
	fd = open_beside(whole);
	if (whole->file)
		return true;
	forget(whole, fd >= 0 && !whole->nameless);
	if (fd >= 0)
		close(fd);
	return false;
}

/* errno is that of the first step that failed. */
static bool close_standard(struct ws_whole *whole, bool written)
{
	int saved;

	written = written && fflush(whole->file) == 0;
	saved = errno;
	if (fclose(whole->file) != 0 && written) {
		written = false;
		saved = errno;
	}
	*whole = (struct ws_whole){ 0 };
	errno = saved;
	return written;
}

/* The name must not be on the disk before the bytes are. */
bool ws_whole_close(struct ws_whole *whole, bool written)
{
	if (whole->standard)
		return close_standard(whole, written);
	written = written && fflush(whole->file) == 0 && fsync(fileno(whole->file)) == 0;
	if (written && whole->nameless)
		written = give_name(whole);
	if (fclose(whole->file) != 0)
		written = false;
	if (written && rename(whole->beside, whole->path) != 0)
		written = false;
	forget(whole, !written);
	return written;
}

const char *ws_whole_why(int error)
{
	switch (error) {
	case EOPNOTSUPP:
		return "Not a regular file";
	case ENOLINK:
		return "A symbolic link to a file that is not there";
	default:
		return strerror(error);
	}
}

bool ws_whole_replaces(const char *path, const char *input)
{
	struct stat out, in;
	int status = ws_whole_is_standard(path) ? fstat(STDOUT_FILENO, &out)
						: stat(path, &out);

	return status == 0 && stat(input, &in) == 0 && S_ISREG(out.st_mode) &&
	       out.st_dev == in.st_dev && out.st_ino == in.st_ino;
}
