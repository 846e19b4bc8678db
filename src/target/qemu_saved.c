/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that QEMU writes to a file of ours (pmemsave), a piece at a time. An answer of the
 * monitor's takes longer than a frame, so a piece is many, and is kept in a temporary file
 * without a name until memory is to be looked at again.
 */
#include "target/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/text.h"

WS_DEFINE_CLEANUP(drop_json, json_t *, json_decref)
#define autojson ws_cleanup(drop_json) json_t

/* QEMU 7.2 saves 350 MB/s in pieces of 1 MiB or more; of 64 KiB a fifth of that. */
#define PIECE_FRAMES 256u

const struct ws_saved ws_saved_none = { .fd = -1,
					.look = UINT_MAX,
					.spool = { .fd = -1 } };

/* ---- the file --------------------------------------------------------------------- */

enum ws_status ws_qemu_save(struct ws_context *ctx, struct ws_qemu *qemu, uint64_t pa,
			    uint64_t len)
{
	struct ws_saved *saved = &qemu->saved;
	json_t *arguments = json_pack("{s:I, s:I, s:s}", "val", (json_int_t)pa, "size",
				      (json_int_t)len, "filename", saved->path);
	enum ws_status status;
	struct stat st;

	if (!arguments)
		return ws_fail_memory(ctx);
	status = ws_qmp_ask(ctx, &qemu->qmp, "pmemsave", arguments, -1, NULL);
	if (status == WS_ERR_NOT_FOUND)
		return ws_qmp_refused(ctx, &qemu->qmp, "pmemsave");
	if (status)
		return status;
	if (fstat(saved->fd, &st) || (uint64_t)st.st_size < len)
		return ws_fail(
			ctx, WS_ERR_UNREADABLE,
			"%s: QEMU says that it has written memory to a file of this "
			"host, and has not: does it run elsewhere? Use a socket on "
			"its own host",
			qemu->qmp.peer.name);
	return WS_OK;
}

/* One without a name, which needs no common folder and no common user. */
static bool send_file(struct ws_qemu *qemu)
{
	struct ws_saved *saved = &qemu->saved;
	autojson *answer = NULL;
	const json_t *fd;

	saved->fd = memfd_create("whosees", MFD_CLOEXEC);
	if (saved->fd < 0 || ws_qmp_ask(qemu->ctx, &qemu->qmp, "add-fd", NULL, saved->fd,
					&answer) != WS_OK)
		return false;
	fd = json_object_get(answer, "fd");
	saved->set = json_integer_value(json_object_get(answer, "fdset-id"));
	saved->path = json_is_integer(fd)
			      ? ws_text_of("/proc/self/fd/%" JSON_INTEGER_FORMAT,
					   json_integer_value(fd))
			      : NULL;
	return saved->path;
}

/* The guard of a machine that is stopped cannot be given more to do: that is this one's. */
static bool make_file(struct ws_qemu *qemu)
{
	struct ws_saved *saved = &qemu->saved;
	const char *where = secure_getenv("TMPDIR");
	ws_autofree char *folder = realpath(where && *where ? where : "/var/tmp", NULL);
	struct ws_last_will will = { .socket = -1 };

	saved->folder = folder ? ws_text_of("%s/whosees-XXXXXX", folder) : NULL;
	if (!saved->folder || !mkdtemp(saved->folder)) {
		free(ws_steal(saved->folder));
		return false;
	}
	saved->path = ws_text_of("%s/memory", saved->folder);
	if (saved->path)
		saved->fd =
			open(saved->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	will.file = saved->path;
	will.folder = saved->folder;
	return saved->fd >= 0 && ws_guard_start(&saved->guard, &will);
}

void ws_qemu_saved_close(struct ws_qemu *qemu)
{
	struct ws_saved *saved = &qemu->saved;
	json_t *arguments =
		saved->path && !saved->folder
			? json_pack("{s:I}", "fdset-id", (json_int_t)saved->set)
			: NULL;

	if (arguments &&
	    ws_qmp_ask(qemu->ctx, &qemu->qmp, "remove-fd", arguments, -1, NULL) != WS_OK)
		ws_error_clear(qemu->ctx); /* QEMU closes it with the connection */
	/* A machine that is stopped keeps the descriptor for a while: it takes no memory then. */
	if (saved->fd >= 0) {
		(void)!ftruncate(saved->fd, 0);
		close(saved->fd);
	}
	if (saved->folder && saved->path)
		unlink(saved->path);
	if (saved->folder)
		rmdir(saved->folder);
	ws_guard_end(&saved->guard);
	if (saved->spool.fd >= 0)
		close(saved->spool.fd);
	free(saved->path);
	free(saved->folder);
	free(saved->kept);
	free(saved->piece);
	*saved = ws_saved_none;
}

/* Tries both on the first frame that there is. */
enum ws_status ws_qemu_saved_open(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	uint64_t pa = qemu->ranges.v[0].pa;

	if (send_file(qemu) && ws_qemu_save(qemu->ctx, qemu, pa, WS_FRAME_SIZE) == WS_OK)
		return WS_OK;
	ws_error_clear(qemu->ctx);
	ws_qemu_saved_close(qemu);
	if (!make_file(qemu))
		return ws_fail_errno(
			target->ctx,
			"%s: a temporary file for QEMU to write memory to, in "
			"TMPDIR or /var/tmp",
			target->named);
	return ws_qemu_save(target->ctx, qemu, pa, WS_FRAME_SIZE);
}

/* ---- what is kept ----------------------------------------------------------------- */

static bool has_frames(const struct ws_saved *saved, uint64_t ordinal, size_t n)
{
	for (uint64_t i = ordinal; i < ordinal + n; i++)
		if (!(saved->kept[i / 8] >> i % 8 & 1))
			return false;
	return true;
}

static enum ws_status spool_failed(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;

	return ws_spool_fail(qemu->ctx, target->named, &qemu->saved.spool);
}

/* Once memory is settled; and again whenever it is looked at anew. */
static enum ws_status keep_begin(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	struct ws_saved *saved = &qemu->saved;
	size_t size = target->nframes / 8 + 1;

	if (!saved->piece)
		saved->piece = malloc(PIECE_FRAMES * WS_FRAME_SIZE);
	if (!saved->kept)
		saved->kept = malloc(size);
	if (!saved->piece || !saved->kept)
		return ws_fail_memory(qemu->ctx);
	if (saved->spool.fd < 0 &&
	    ws_spool_open(qemu->ctx, target->named, &saved->spool) != WS_OK)
		return WS_ERR_SYSTEM;
	memset(saved->kept, 0, size);
	saved->look = target->looks;
	/* Emptied, for a page that is zero is not written. */
	return ftruncate(saved->spool.fd, 0) ||
			       !ws_spool_end(&saved->spool,
					     target->nframes * WS_FRAME_SIZE)
		       ? spool_failed(target)
		       : WS_OK;
}

/* n frames, in one piece of memory, from pa on. */
static enum ws_status keep_frames(struct ws_target *target, uint64_t ordinal, uint64_t pa,
				  size_t n)
{
	struct ws_qemu *qemu = target->priv;
	struct ws_saved *saved = &qemu->saved;
	size_t len = n * WS_FRAME_SIZE;
	enum ws_status status = ws_qemu_save(qemu->ctx, qemu, pa, len);

	if (status)
		return status;
	if (pread(saved->fd, saved->piece, len, 0) != (ssize_t)len)
		return ws_fail_errno(qemu->ctx, "%s: reading what QEMU has saved",
				     target->named);
	if (!ws_spool_write(&saved->spool, ordinal * WS_FRAME_SIZE, saved->piece, len))
		return spool_failed(target);
	for (uint64_t i = ordinal; i < ordinal + n; i++)
		saved->kept[i / 8] |= (uint8_t)(1 << i % 8);
	return WS_OK;
}

/* The pieces that frames are in, each once. */
static enum ws_status want_frames(struct ws_target *target,
				  const struct ws_piece_of_memory *memory,
				  uint64_t ordinal, size_t n)
{
	struct ws_qemu *qemu = target->priv;
	uint64_t end =
		memory->first_frame +
		(memory->at.len - (-memory->at.pa & (WS_FRAME_SIZE - 1))) / WS_FRAME_SIZE;
	uint64_t pa = (memory->at.pa + WS_FRAME_SIZE - 1) & -(uint64_t)WS_FRAME_SIZE;
	enum ws_status status = WS_OK;
	uint64_t first, many;

	if (qemu->saved.look != target->looks)
		status = keep_begin(target);
	for (uint64_t at = ordinal; !status && at < ordinal + n; at = first + many) {
		first = at - (at - memory->first_frame) % PIECE_FRAMES;
		many = end - first < PIECE_FRAMES ? end - first : PIECE_FRAMES;
		if (!has_frames(&qemu->saved, first, many))
			status = keep_frames(
				target, first,
				pa + (first - memory->first_frame) * WS_FRAME_SIZE, many);
	}
	return status;
}

enum ws_evidence ws_qemu_saved_copy(struct ws_target *target,
				    const struct ws_piece_of_memory *memory,
				    uint64_t ordinal, size_t n, uint8_t *frames,
				    size_t *got)
{
	struct ws_qemu *qemu = target->priv;
	size_t len = n * WS_FRAME_SIZE;
	enum ws_status status;

	pthread_mutex_lock(&qemu->lock);
	status = want_frames(target, memory, ordinal, n);
	if (!status && pread(qemu->saved.spool.fd, frames, len,
			     (off_t)(ordinal * WS_FRAME_SIZE)) != (ssize_t)len)
		status = ws_fail_errno(qemu->ctx, "%s: reading what was kept of it",
				       target->named);
	if (status)
		target->why = ws_error(qemu->ctx, 0);
	pthread_mutex_unlock(&qemu->lock);
	*got = status ? 0 : n;
	return status ? WS_FAILED : WS_READ;
}
