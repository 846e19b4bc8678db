/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/spool.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/pread.h"
#include "util/sorted.h"

/*
 * data is reserved without rights, which costs nothing whatever the kernel's accounting
 * of memory is (vm.overcommit_memory), and made accessible a stride at a time: of 2 MiB,
 * or as long as 2^14 of them make the file, since the kernel allows a process 65530
 * mappings.
 */
#define STRIDE_LOG2 21
#define STRIDES_LOG2 14

#define FIRST_BYTES WS_FILE_BLOCK /* what a kind is recognised by */
#define WINDOW_SIZE (64u << 10)

static enum ws_status refuse(struct ws_context *ctx, const char *path, const char *what)
{
	return ws_fail(ctx, WS_ERR_UNREADABLE, "%s: %s", path, what);
}

static bool bitmap_new(uint8_t **bitmap, uint64_t nbits)
{
	*bitmap = calloc(nbits / 8 + 1, 1);
	return *bitmap;
}

static enum ws_status file_reserve(struct ws_context *ctx, struct ws_file *file)
{
	void *data = mmap(NULL, file->size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (data == MAP_FAILED)
		return ws_fail_errno(ctx, "%s: no address space for its %#zx bytes",
				     file->path, file->size);
	file->data = data;
	/* Few of its frames are looked at: a huge page for each would be a waste. */
	madvise(data, file->size, MADV_NOHUGEPAGE);
	file->stride_log2 = STRIDE_LOG2;
	while (file->size >> file->stride_log2 >> STRIDES_LOG2)
		file->stride_log2++;
	return bitmap_new(&file->held, file->size / WS_FILE_BLOCK + 1) &&
			       bitmap_new(&file->accessible,
					  (file->size >> file->stride_log2) + 1)
		       ? WS_OK
		       : ws_fail_memory(ctx);
}

/* A pipe without a writer is waited for, as everybody does. */
static int source_open(const char *path)
{
	struct stat st;
	bool is_pipe = stat(path, &st) == 0 && S_ISFIFO(st.st_mode);

	if (!strcmp(path, "-"))
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	return open(path, O_RDONLY | O_CLOEXEC | (is_pipe ? 0 : O_NONBLOCK));
}

/* What a pipe gives becomes the file. */
static enum ws_status pipe_take(struct ws_context *ctx, struct ws_file *file,
				struct stat *st)
{
	int fd = file->fd;
	enum ws_status status = ws_spool_pipe(ctx, file->path, fd, &file->fd);

	if (status)
		return status;
	close(fd);
	return fstat(file->fd, st) < 0 ? refuse(ctx, file->path, strerror(errno)) : WS_OK;
}

static enum ws_status source_check(struct ws_context *ctx, struct ws_file *file)
{
	enum ws_status status = WS_OK;
	struct stat st;

	file->fd = source_open(file->path);
	if (file->fd < 0 || fstat(file->fd, &st) < 0)
		return refuse(ctx, file->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return refuse(ctx, file->path, "is a directory, not a dump");
	file->device = st.st_dev;
	file->inode = st.st_ino;
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		status = pipe_take(ctx, file, &st);
	else if (!S_ISREG(st.st_mode))
		return refuse(ctx, file->path, "is not a regular file, and no pipe");
	if (!status && st.st_size == 0)
		return refuse(ctx, file->path, "is empty: it holds no memory");
	if (!status && (uint64_t)st.st_size > SIZE_MAX / 2)
		return refuse(ctx, file->path,
			      "is larger than this program has addresses for: look at it "
			      "on a 64-bit machine");
	file->size = st.st_size;
	return status;
}

enum ws_status ws_file_begin(struct ws_context *ctx, struct ws_file *file)
{
	enum ws_status status = file_reserve(ctx, file);

	if (status)
		return status;
	switch (ws_file_hold(file, 0,
			     file->size < FIRST_BYTES ? file->size : FIRST_BYTES)) {
	case WS_READ:
	case WS_ABSENT: /* a gap */
		if (!file->shrunk)
			return WS_OK;
		return refuse(ctx, file->path, "shrinks while it is opened");
	default:
		return ws_fail(ctx, WS_ERR_SYSTEM, "%s: %s", file->path,
			       strerror(file->error));
	}
}

enum ws_status ws_file_take(struct ws_context *ctx, struct ws_file *file)
{
	enum ws_status status = source_check(ctx, file);

	return status ? status : ws_file_begin(ctx, file);
}

void ws_file_close(struct ws_file *file)
{
	if (file->data)
		munmap((void *)file->data, file->size);
	if (file->fd >= 0)
		close(file->fd);
	free(file->held);
	free(file->accessible);
	free((char *)file->path);
	ws_vec_release(&file->gaps);
	for (size_t i = 0; i < WS_ARRAY_SIZE(file->notes); i++)
		free(file->notes[i]);
}

/* ---- copies ----------------------------------------------------------------------- */

static enum ws_evidence read_failed(struct ws_file *file, int error)
{
	__atomic_store_n(&file->error, error, __ATOMIC_RELAXED);
	return WS_FAILED;
}

/* The first gap that ends behind offset, or NULL. */
static const struct ws_gap *gap_after(const struct ws_file *file, uint64_t offset)
{
	const struct ws_gap *v = file->gaps.v;
	size_t i = ws_lower_bound(v, file->gaps.n, gap, gap->end <= offset);

	return i < file->gaps.n ? &v[i] : NULL;
}

/* How many bytes there are at offset, up to a gap or to the end. */
static uint64_t room_at(const struct ws_file *file, uint64_t offset)
{
	const struct ws_gap *gap = file->gaps.n ? gap_after(file, offset) : NULL;
	uint64_t end = gap && gap->at < file->size ? gap->at : file->size;

	return offset < end ? end - offset : 0;
}

enum ws_evidence ws_file_read(struct ws_file *file, uint64_t offset, void *to,
			      size_t size, size_t *got)
{
	uint64_t room = room_at(file, offset);
	size_t want = size < room ? size : room, have = 0;

	if (!file->held && want)
		memcpy(to, file->data + offset, have = want);
	else if (!ws_pread(file->fd, to, want, offset, &have))
		return read_failed(file, errno);
	if (have < want)
		__atomic_store_n(&file->shrunk, true, __ATOMIC_RELAXED);
	if (got)
		*got = have;
	return have == size ? WS_READ : WS_ABSENT;
}

void ws_file_window_release(struct ws_file_window *window)
{
	free(window->bytes);
}

/* Without memory for a window it goes without: slower, not wrong. */
static bool window_fill(struct ws_file *file, struct ws_file_window *window,
			uint64_t offset)
{
	if (!window->bytes)
		window->bytes = malloc(WINDOW_SIZE);
	window->at = offset;
	window->have = 0;
	return window->bytes && ws_file_read(file, offset, window->bytes, WINDOW_SIZE,
					     &window->have) != WS_FAILED;
}

enum ws_evidence ws_file_window_read(struct ws_file *file, struct ws_file_window *window,
				     uint64_t offset, void *to, size_t size)
{
	bool follows = offset == window->next;

	window->next = offset + size;
	if (offset < window->at || offset - window->at > window->have ||
	    size > window->have - (offset - window->at)) {
		if (!follows || size > WINDOW_SIZE ||
		    !window_fill(file, window, offset) || window->have < size)
			return ws_file_read(file, offset, to, size, NULL);
	}
	memcpy(to, window->bytes + (offset - window->at), size);
	return WS_READ;
}

/* ---- what is held ----------------------------------------------------------------- */

static bool make_accessible(struct ws_file *file, uint64_t offset, uint64_t size)
{
	uint64_t first = offset >> file->stride_log2;
	uint64_t last = (offset + size - 1) >> file->stride_log2;

	for (uint64_t stride = first; stride <= last; stride++) {
		uint64_t at = stride << file->stride_log2;
		uint64_t len = UINT64_C(1) << file->stride_log2;

		if (file->accessible[stride / 8] >> stride % 8 & 1)
			continue;
		if (len > file->size - at)
			len = file->size - at;
		if (mprotect((uint8_t *)file->data + at, len, PROT_READ | PROT_WRITE))
			return false;
		file->accessible[stride / 8] |= (uint8_t)(1u << stride % 8);
	}
	return true;
}

/* Reads the blocks first..last; those that are there are held, whatever of the others. */
static enum ws_evidence blocks_read(struct ws_file *file, uint64_t first, uint64_t last)
{
	uint64_t at = first * WS_FILE_BLOCK, end = (last + 1) * WS_FILE_BLOCK;
	enum ws_evidence evidence;
	size_t got = 0;

	if (end > file->size)
		end = file->size;
	if (!make_accessible(file, at, end - at))
		return read_failed(file, errno);
	evidence = ws_file_read(file, at, (uint8_t *)file->data + at, end - at, &got);
	for (uint64_t block = first; block <= last; block++) {
		uint64_t block_end = (block + 1) * WS_FILE_BLOCK;

		if (at + got >= (block_end < end ? block_end : end))
			file->held[block / 8] |= (uint8_t)(1u << block % 8);
	}
	return evidence;
}

enum ws_evidence ws_file_hold_slowly(struct ws_file *file, uint64_t offset, uint64_t size)
{
	uint64_t last = (offset + size - 1) / WS_FILE_BLOCK, end;
	enum ws_evidence evidence = WS_READ;

	if (!file->held)
		return WS_READ;
	for (uint64_t block = offset / WS_FILE_BLOCK; block <= last && !evidence;
	     block = end) {
		end = block + 1;
		if (ws_file_has_block(file, block))
			continue;
		while (end <= last && !ws_file_has_block(file, end))
			end++;
		evidence = blocks_read(file, block, end - 1);
	}
	return evidence;
}

enum ws_evidence ws_file_hold_all(struct ws_file *file)
{
	enum ws_evidence evidence = ws_file_hold(file, 0, file->size);

	if (evidence == WS_READ) {
		free(file->held);
		file->held = NULL;
	}
	return evidence;
}

/* ---- holes ------------------------------------------------------------------------ */

/* Where it cannot be known there is no hole: reading says what is there. */
static void file_extent(struct ws_file *file, uint64_t offset, uint64_t end,
			uint64_t *data, uint64_t *hole)
{
	struct stat st;
	off_t at;

	*data = offset;
	*hole = end;
	at = lseek(file->fd, offset, SEEK_DATA);
	/* ENXIO is said of the hole at the end, and of what lies past it. */
	if (at < 0 && errno == ENXIO && fstat(file->fd, &st) == 0 &&
	    (uint64_t)st.st_size >= end)
		*data = end;
	if (at < 0)
		return;
	*data = (uint64_t)at < end ? (uint64_t)at : end;
	at = lseek(file->fd, *data, SEEK_HOLE);
	if (at > 0 && (uint64_t)at < end && (uint64_t)at > *data)
		*hole = at;
}

void ws_file_extent(struct ws_file *file, uint64_t offset, uint64_t end, uint64_t *data,
		    uint64_t *hole)
{
	const struct ws_gap *gap = gap_after(file, offset);
	const struct ws_gap *gaps_end = gap ? file->gaps.v + file->gaps.n : NULL;

	for (; gap < gaps_end && gap->at <= offset; gap++)
		offset = gap->end;
	if (gap == gaps_end)
		gap = NULL;
	*data = *hole = end;
	if (offset >= end)
		return;
	if (gap && gap->at < end)
		end = gap->at;
	if (file->held)
		file_extent(file, offset, end, data, hole);
	else
		*data = offset, *hole = end;
}

bool ws_path_ends_in(const char *path, const char *suffix)
{
	size_t path_len = strlen(path), len = strlen(suffix);

	return path_len > len && !strcasecmp(path + path_len - len, suffix);
}
