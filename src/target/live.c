/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The running kernel, by /proc/kcore (fs/proc/kcore.c): an ELF core that is made anew for
 * each read. Its headers become the file, which elf.c reads as those of a copy; memory is
 * read when it is asked for.
 *
 * The kernel hands out a page at a time through a buffer of its own, one for each open
 * file and without a lock, so threads that read through one file would get each other's
 * pages: each has a file of its own. What it does not show (a page that is offline, or
 * that a guest has given back) it reads as zero; no page table lies there.
 */
#include "target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "target/elf.h"
#include "target/kcore.h"
#include "target/kernel_roll.h"
#include "util/cleanup.h"
#include "util/pread.h"

#define NAME "live"
#define KCORE "/proc/kcore"
#define LOCKDOWN "/sys/kernel/security/lockdown"

struct live {
	int fd[WS_READERS]; /* -1: none */
	int roll;           /* kernel_roll.h; -1: none, */
	bool roll_asked;    /* or not asked for yet */
};

/* ---- opening ---------------------------------------------------------------------- */

/* A mount of proc elsewhere has the same file on another device. */
static bool live_owns(const char *path)
{
	const char *name = strrchr(path, '/');
	struct stat there, kcore;
	struct statfs fs;

	if (!strcmp(path, KCORE)) /* even where it is not there: then that is said */
		return true;
	if (stat(path, &there) || !S_ISREG(there.st_mode))
		return false;
	if (!stat(KCORE, &kcore) && kcore.st_dev == there.st_dev &&
	    kcore.st_ino == there.st_ino)
		return true;
	return name && !strcmp(name, strrchr(KCORE, '/')) && !statfs(path, &fs) &&
	       fs.f_type == PROC_SUPER_MAGIC;
}

/* "none integrity [confidentiality]": what holds is in brackets. */
static bool is_confidential(void)
{
	char modes[128] = "";
	int fd = open(LOCKDOWN, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, modes, sizeof(modes) - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 && strstr(modes, "[confidentiality]");
}

/* Why it cannot be opened, and what to do. */
static const char *why_not(int error)
{
	if (error == ENOENT)
		return "it is not there. Either /proc is not mounted, or this kernel was "
		       "built without it (CONFIG_PROC_KCORE): take a dump instead, as "
		       "docs/get-a-dump.md has it";
	if (error != EPERM && error != EACCES)
		return strerror(error);
	if (is_confidential())
		return "the kernel is locked down for confidentiality (" LOCKDOWN
		       "), and then shows its memory to nobody. Boot with "
		       "lockdown=integrity, or take a dump from outside of the machine";
	return "the kernel shows its memory only to who has CAP_SYS_RAWIO, and to nobody "
	       "when locked down for confidentiality (" LOCKDOWN "): run this as root, "
	       "outside of containers";
}

static enum ws_status refuse(struct ws_context *ctx, const char *path, const char *why)
{
	return ws_fail(ctx, WS_ERR_UNREADABLE, "%s: %s", path, why);
}

static enum ws_status kcore_open(struct ws_context *ctx, const char *path, int *fd)
{
	struct stat st;

	/* What is mounted over it may be a pipe, for whose writer open() would wait. */
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return refuse(ctx, path, why_not(errno));
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
		return WS_OK;
	return refuse(ctx, path,
		      "something else is mounted over it, as containers do, to hide the "
		      "kernel's memory: run this outside of the container");
}

/* ---- headers ---------------------------------------------------------------------- */

/* In pages of their own, as ws_file_close() gives them back. */
static enum ws_status bytes_grow(struct ws_context *ctx, struct ws_file *file,
				 size_t size)
{
	void *grown =
		file->data ? mremap((void *)file->data, file->size, size, MREMAP_MAYMOVE)
			   : mmap(NULL, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (grown == MAP_FAILED)
		return ws_fail_memory(ctx);
	file->data = grown;
	file->size = size;
	return WS_OK;
}

static enum ws_status bytes_read(struct ws_context *ctx, struct ws_file *file)
{
	size_t got;

	if (!ws_pread(file->fd, (uint8_t *)file->data, file->size, 0, &got))
		return ws_fail_errno(ctx, "%s: cannot read its headers", file->path);
	return got == file->size
		       ? WS_OK
		       : refuse(ctx, file->path, "it ends within its own headers");
}

static enum ws_status headers_read(struct ws_context *ctx, struct ws_file *file)
{
	uint64_t need = WS_FILE_BLOCK;
	enum ws_status status = WS_OK;

	while (file->size < need && !status) {
		if (need > WS_HEADER_MAX)
			return refuse(ctx, file->path,
				      "it has longer headers than any machine needs");
		status = bytes_grow(ctx, file, need);
		if (!status)
			status = bytes_read(ctx, file);
		if (!status)
			need = ws_elf_head(file->data, file->size);
	}
	return status;
}

/* ---- memory ----------------------------------------------------------------------- */

static void live_close(struct ws_target *target)
{
	struct live *live = target->priv;

	for (unsigned i = 0; live && i < WS_READERS; i++)
		if (live->fd[i] >= 0)
			close(live->fd[i]);
	if (live && live->roll >= 0)
		close(live->roll);
	free(live);
}

static enum ws_status readers_open(struct ws_target *target, struct live *live)
{
	enum ws_status status =
		kcore_open(target->ctx, target->file.path, &live->fd[WS_BY_ADDRESS]);

	for (unsigned i = 0; i < ws_workers() && !status; i++)
		status = kcore_open(target->ctx, target->file.path, &live->fd[i]);
	return status;
}

static enum ws_status live_open(struct ws_target *target,
				const struct ws_target_options *options)
{
	struct live *live = target->priv = calloc(1, sizeof(*live));
	struct ws_file *file = &target->file;
	enum ws_status status;

	if (!live)
		return ws_fail_memory(target->ctx);
	for (unsigned i = 0; i < WS_READERS; i++)
		live->fd[i] = -1;
	live->roll = -1;
	target->moving = true;
	if (!strcmp(file->path, NAME)) {
		free((char *)file->path);
		file->path = strdup(KCORE);
		if (!file->path)
			return ws_fail_memory(target->ctx);
	}
	if ((status = kcore_open(target->ctx, file->path, &file->fd)) ||
	    (status = headers_read(target->ctx, file)) ||
	    (status = readers_open(target, live)))
		return status;
	return ws_target_elf.open(target, options);
}

/* Memory that is plugged in or out may move all that is behind the headers. */
static enum ws_status live_looked(struct ws_target *target)
{
	const struct ws_file *file = &target->file;
	uint64_t size = ws_elf_table(file->data, file->size);
	ws_autofree uint8_t *now = malloc(size);
	size_t got;

	if (!now)
		return ws_fail_memory(target->ctx);
	if (ws_pread(file->fd, now, size, 0, &got) && got == size &&
	    !memcmp(now, file->data, size))
		return WS_OK;
	return ws_fail(
		target->ctx, WS_ERR_SYSTEM,
		"%s: memory was plugged in or out while it was looked at: there is "
		"no answer; ask again",
		file->path);
}

/* From any thread: the reason is the file's, for ws_target_looked() to say. */
static enum ws_evidence read_failed(struct ws_target *target, int error)
{
	__atomic_store_n(&target->file.error, error, __ATOMIC_RELAXED);
	return WS_FAILED;
}

/*
 * Where the kernel cannot read a page itself some give zero, and others EFAULT for all that
 * was asked for: then one is asked for at a time.
 */
static enum ws_evidence live_copy_frames(struct ws_target *target, unsigned worker,
					 uint64_t ordinal, size_t n, uint8_t *frames,
					 size_t *got)
{
	const struct live *live = target->priv;
	const struct ws_piece_of_memory *piece;
	uint64_t pa, offset;
	size_t bytes;

	piece = ws_target_piece_of(target, ordinal, &pa);
	offset = piece->offset + (pa - piece->at.pa);
	if (ws_pread(live->fd[worker], frames, n * WS_FRAME_SIZE, offset, &bytes)) {
		*got = bytes / WS_FRAME_SIZE;
		return *got == n ? WS_READ : WS_ABSENT;
	}
	for (*got = 0; *got < n; ++*got) {
		size_t at = *got * WS_FRAME_SIZE;

		if (!ws_pread(live->fd[worker], frames + at, WS_FRAME_SIZE, offset + at,
			      &bytes))
			return errno == EFAULT ? WS_ABSENT : read_failed(target, errno);
	}
	return WS_READ;
}

static enum ws_status live_roll(struct ws_target *target, ws_roll *roll, bool *known)
{
	struct live *live = target->priv;

	if (!live->roll_asked)
		live->roll = ws_kernel_roll_open();
	live->roll_asked = true;
	return ws_kernel_roll(target, live->roll, roll, known);
}

const struct ws_target_ops ws_target_live = {
	.kind = NAME,
	.title = "running kernel",
	.scheme = NAME,
	.about = "The memory of the kernel that runs this, by /proc/kcore, which may be "
		 "named as well. It has no registers, and moves while it is read.",
	.header = "program header",
	.owns = live_owns,
	.open = live_open,
	.copy_frames = live_copy_frames,
	.looked = live_looked,
	.sync = ws_kernel_sync,
	.roll = live_roll,
	.close = live_close,
};
