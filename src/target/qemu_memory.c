/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ways to a guest's memory, the fastest first:
 *
 *	host	 /proc/PID/mem of the QEMU on this host that made the socket, where the
 *		 monitor says that a range lies (gpa2hva)
 *	saved	 QEMU writes it to a file of ours (qemu_saved.c)
 *
 * A process number may be another's than QEMU's, and an address wrong: of the first way some
 * frames of each range are held against those of the second.
 */
#include "target/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/pread.h"
#include "util/text.h"

/* ---- host ------------------------------------------------------------------------- */

/* As many bytes as can be read; *gone: QEMU has ended. */
static size_t host_read(const struct ws_qemu *qemu, uint64_t host, uint8_t *to, size_t n,
			bool *gone)
{
	size_t have;
	bool good = ws_pread(qemu->mem, to, n, host, &have);

	*gone = good && have < n;
	return have;
}

/* Where the monitor says that a physical address lies; false: it does not. */
static bool host_of(struct ws_qemu *qemu, uint64_t pa, uint64_t *host)
{
	ws_autofree char *line = ws_text_of("gpa2hva %#" PRIx64, pa), *text = NULL;
	const char *is;

	if (!line || ws_qmp_human(qemu->ctx, &qemu->qmp, line, &text) != WS_OK)
		return false;
	is = strstr(text, " is 0x");
	return !strncmp(text, "Host virtual address for", 24) && is &&
	       sscanf(is, " is %" SCNx64, host) == 1 && *host <= INT64_MAX;
}

/* Its last frame too: a range lies in QEMU's memory in one piece. */
static bool range_find(struct ws_qemu *qemu, const struct ws_extent *range,
		       uint64_t *host)
{
	uint64_t last = (range->len - 1) & -(uint64_t)WS_FRAME_SIZE, end;

	return host_of(qemu, range->pa, host) && host_of(qemu, range->pa + last, &end) &&
	       end - *host == last;
}

#define SAMPLES 4 /* frames of a range */
#define TRIES 5   /* at one that changes meanwhile */

static bool is_same(struct ws_qemu *qemu, uint64_t pa, uint64_t host)
{
	uint8_t ours[WS_FRAME_SIZE], theirs[WS_FRAME_SIZE];
	bool gone;

	for (unsigned i = 0; i < TRIES; i++) {
		if (host_read(qemu, host, ours, sizeof(ours), &gone) < sizeof(ours) ||
		    ws_qemu_save(qemu->ctx, qemu, pa, sizeof(theirs)) != WS_OK ||
		    !ws_pread_all(qemu->saved.fd, theirs, sizeof(theirs), 0))
			return false;
		if (!memcmp(ours, theirs, sizeof(ours)))
			return true;
	}
	return false;
}

static bool is_range_same(struct ws_qemu *qemu, const struct ws_extent *range,
			  uint64_t host)
{
	uint64_t nframes = range->len / WS_FRAME_SIZE;

	for (unsigned i = 0; nframes && i < SAMPLES; i++) {
		uint64_t at = nframes * i / SAMPLES * WS_FRAME_SIZE;

		if (!is_same(qemu, range->pa + at, host + at))
			return false;
	}
	return true;
}

/* NULL: it is open; else why it is not. */
static const char *host_open(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	pid_t pid = ws_peer_pid(&qemu->qmp.peer);
	char path[64];

	if (!pid)
		return "the socket does not say whose process made it";
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	qemu->mem = open(path, O_RDONLY | O_CLOEXEC);
	if (qemu->mem < 0)
		return strerror(errno);
	ws_vec_each(&target->memory, piece) {
		uint64_t *host = ws_target_push(target, &qemu->hosts);

		if (!host)
			return "it takes too much memory to keep where it lies";
		if (!range_find(qemu, &piece->at, host))
			return "the monitor does not say where it lies (gpa2hva)";
		if (!is_range_same(qemu, &piece->at, *host))
			return "what lies there is not what QEMU says it is";
	}
	return NULL;
}

enum ws_status ws_qemu_memory_open(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;
	enum ws_status status = ws_qemu_saved_open(target);
	const char *why = status ? NULL : host_open(target);

	ws_error_clear(qemu->ctx);
	if (status || !why)
		return status;
	if (qemu->mem >= 0)
		close(qemu->mem);
	qemu->mem = -1;
	if (qemu->qmp.peer.error)
		return ws_peer_fail(target->ctx, &qemu->qmp.peer,
				    "looking for its memory");
	return ws_target_add_note(
		target,
		"memory is read through the monitor, which is slower than "
		"in QEMU's own process: %s",
		why);
}

void ws_qemu_memory_close(struct ws_target *target)
{
	struct ws_qemu *qemu = target->priv;

	ws_qemu_saved_close(qemu);
	if (qemu->mem >= 0)
		close(qemu->mem);
}

/* ---- frames ----------------------------------------------------------------------- */

static enum ws_evidence host_copy(struct ws_target *target, uint64_t host, size_t n,
				  uint8_t *frames, size_t *got)
{
	bool gone;

	*got = host_read(target->priv, host, frames, n * WS_FRAME_SIZE, &gone) /
	       WS_FRAME_SIZE;
	if (gone)
		__atomic_store_n(&target->why, "QEMU has ended", __ATOMIC_RELAXED);
	return *got == n ? WS_READ : gone ? WS_FAILED : WS_ABSENT;
}

enum ws_evidence ws_qemu_copy_frames(struct ws_target *target, unsigned worker,
				     uint64_t ordinal, size_t n, uint8_t *frames,
				     size_t *got)
{
	struct ws_qemu *qemu = target->priv;
	const struct ws_piece_of_memory *piece;
	uint64_t pa;

	(void)worker;
	if (qemu->mem < 0)
		return ws_qemu_saved_copy(target, ordinal, n, frames, got);
	piece = ws_target_piece_of(target, ordinal, &pa);
	return host_copy(target, qemu->hosts.v[piece->header] + (pa - piece->at.pa), n,
			 frames, got);
}
