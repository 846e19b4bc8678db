/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that QEMU writes to a file of ours (pmemsave), a piece at a time. QEMU 7.2 saves
 * 350 MB/s in pieces of 1 MiB or more; of 64 KiB a fifth of that.
 */
#include "target/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/pread.h"
#include "util/text.h"

WS_DEFINE_CLEANUP(drop_json, json_t *, json_decref)
#define autojson ws_cleanup(drop_json) json_t

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

char *ws_qemu_folder(void)
{
	const char *where = secure_getenv("TMPDIR");
	ws_autofree char *parent = realpath(where && *where ? where : "/var/tmp", NULL);
	char *folder = parent ? ws_text_of("%s/whosees-XXXXXX", parent) : NULL;

	if (folder && !mkdtemp(folder))
		free(ws_steal(folder));
	return folder;
}

/* The guard of a machine that is stopped cannot be given more to do: that is this one's. */
static bool make_file(struct ws_qemu *qemu)
{
	struct ws_saved *saved = &qemu->saved;
	struct ws_last_will will = { 0 };

	saved->folder = ws_qemu_folder();
	if (!saved->folder)
		return false;
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
	free(saved->path);
	free(saved->folder);
	ws_fetched_release(&saved->fetched);
	*saved = (struct ws_saved){ .fd = -1, .fetched = ws_fetched_none };
}

/* Tries both on the first frame that there is. */
enum ws_status ws_qemu_saved_open(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	uint64_t pa = target->memory.v[0].at.pa;

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

/* ---- frames ------------------------------------------------------------------------ */

static enum ws_status fetch(struct ws_target *target, uint64_t pa, size_t n,
			    uint8_t *frames)
{
	struct ws_qemu *qemu = target->priv;
	size_t len = n * WS_FRAME_SIZE;
	enum ws_status status = ws_qemu_save(qemu->ctx, qemu, pa, len);

	if (status || ws_pread_all(qemu->saved.fd, frames, len, 0))
		return status;
	return ws_fail_errno(qemu->ctx, "%s: reading what QEMU has saved", target->named);
}

enum ws_evidence ws_qemu_saved_copy(struct ws_target *target, uint64_t ordinal, size_t n,
				    uint8_t *frames, size_t *got)
{
	struct ws_qemu *qemu = target->priv;
	enum ws_evidence evidence;

	pthread_mutex_lock(&qemu->lock);
	evidence = ws_fetched_copy(target, qemu->ctx, &qemu->saved.fetched, fetch,
				   ordinal, n, frames, got);
	pthread_mutex_unlock(&qemu->lock);
	return evidence;
}
