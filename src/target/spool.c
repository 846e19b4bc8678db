/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/cleanup.h"

#define PAGE 4096u
#define PIPE_BLOCK ((size_t)1 << 20)
#define CHECK_EACH (UINT64_C(16) << 20)

/* ---- one without a name ----------------------------------------------------------- */

/* Where the file system cannot make one without a name: it has one for an instant. */
static int named_for_an_instant(const char *folder)
{
	ws_autofree char *name = NULL;
	int fd;

	if (asprintf(&name, "%s/whosees-XXXXXX", folder) < 0)
		return -1;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

enum ws_status ws_spool_open(struct ws_context *ctx, const char *path,
			     struct ws_spool *spool)
{
	const char *folder = secure_getenv("TMPDIR");

	*spool = (struct ws_spool){ .folder = folder && *folder ? folder : "/var/tmp" };
	spool->fd = open(spool->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		spool->fd = named_for_an_instant(spool->folder);
	if (spool->fd >= 0)
		return WS_OK;
	spool->error = errno;
	return ws_spool_fail(ctx, path, spool);
}

/* ---- writing ---------------------------------------------------------------------- */

static bool failed(struct ws_spool *spool, int error)
{
	int none = 0;

	__atomic_compare_exchange_n(&spool->error, &none, error, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
	return false;
}

/*
 * Others need room on that disk as well: a twentieth of it stays free, 256 MiB at most. A
 * limit on the size of files would kill the program (SIGXFSZ), so none gets so far.
 */
static bool may_write(struct ws_spool *spool, uint64_t end, size_t size)
{
	uint64_t written = __atomic_add_fetch(&spool->written, size, __ATOMIC_RELAXED);
	uint64_t keep = UINT64_C(256) << 20;
	struct rlimit limit;
	struct statvfs st;

	if (!getrlimit(RLIMIT_FSIZE, &limit) && end > limit.rlim_cur)
		return failed(spool, EFBIG);
	if (written != size &&
	    written - __atomic_load_n(&spool->checked, __ATOMIC_RELAXED) < CHECK_EACH)
		return true;
	__atomic_store_n(&spool->checked, written, __ATOMIC_RELAXED);
	if (fstatvfs(spool->fd, &st))
		return true;
	if (keep > st.f_blocks * (uint64_t)st.f_frsize / 20)
		keep = st.f_blocks * (uint64_t)st.f_frsize / 20;
	return st.f_bavail * (uint64_t)st.f_frsize >= keep || failed(spool, ENOSPC);
}

static bool write_all(struct ws_spool *spool, uint64_t offset, const uint8_t *bytes,
		      size_t size)
{
	if (size && !may_write(spool, offset + size, size))
		return false;
	while (size) {
		ssize_t n = pwrite(spool->fd, bytes, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(spool, n ? errno : ENOSPC);
		bytes += n;
		offset += (size_t)n;
		size -= (size_t)n;
	}
	return true;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return !size || (!*bytes && !memcmp(bytes, bytes + 1, size - 1));
}

/* Pages of the file that are zero are left to be holes. */
bool ws_spool_write(struct ws_spool *spool, uint64_t offset, const uint8_t *bytes,
		    size_t size)
{
	size_t done = 0, run = 0, n; /* what lies between them is still to be written */

	for (; done < size; done += n) {
		n = PAGE - (offset + done) % PAGE;
		if (n > size - done)
			n = size - done;
		if (!is_zero(bytes + done, n))
			continue;
		if (!write_all(spool, offset + run, bytes + run, done - run))
			return false;
		run = done + n;
	}
	return run >= size || write_all(spool, offset + run, bytes + run, size - run);
}

bool ws_spool_end(struct ws_spool *spool, uint64_t size)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_FSIZE, &limit) && size > limit.rlim_cur)
		return failed(spool, EFBIG);
	return !ftruncate(spool->fd, (off_t)size) || failed(spool, errno);
}

enum ws_status ws_spool_fail(struct ws_context *ctx, const char *path,
			     const struct ws_spool *spool)
{
	return ws_fail(ctx, WS_ERR_SYSTEM,
		       "%s: it takes a temporary file in %s to read this, and that fails "
		       "(%s) after %ju MiB: set TMPDIR to a directory with more room",
		       path, spool->folder, strerror(spool->error), spool->written >> 20);
}

/* ---- pipes ------------------------------------------------------------------------ */

static enum ws_status pipe_copy(struct ws_context *ctx, const char *path, int pipe,
				struct ws_spool *spool)
{
	ws_autofree uint8_t *block = malloc(PIPE_BLOCK);
	uint64_t size = 0;
	ssize_t n = 1;

	if (!block)
		return ws_fail_memory(ctx);
	while (n) {
		n = read(pipe, block, PIPE_BLOCK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ws_fail_errno(ctx, "%s: cannot read from it", path);
		if (!ws_spool_write(spool, size, block, (size_t)n))
			return ws_spool_fail(ctx, path, spool);
		size += (size_t)n;
	}
	return ws_spool_end(spool, size) ? WS_OK : ws_spool_fail(ctx, path, spool);
}

enum ws_status ws_spool_pipe(struct ws_context *ctx, const char *path, int pipe, int *fd)
{
	struct ws_spool spool;
	enum ws_status status = ws_spool_open(ctx, path, &spool);

	if (!status)
		status = pipe_copy(ctx, path, pipe, &spool);
	if (status && spool.fd >= 0)
		close(spool.fd);
	if (!status)
		*fd = spool.fd;
	return status;
}
