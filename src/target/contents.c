/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the reader of a kind of dump says while it opens one: the bytes that it cannot do
 * without, the memory that the dump holds, and what is cut off, left out or odd.
 */
#include "target/target.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/text.h"

/* ---- the file --------------------------------------------------------------------- */

/* Why size bytes at offset are not to be had. */
static enum ws_status need_fail(struct ws_target *target, uint64_t offset, uint64_t size,
				enum ws_evidence evidence, const char *what)
{
	const struct ws_file *file = &target->file;

	if (evidence == WS_FAILED)
		return ws_fail(target->ctx, WS_ERR_SYSTEM,
			       "%s: %s: %#jx bytes at file offset %#jx: %s", file->path,
			       what, size, offset, strerror(file->error));
	if (evidence == WS_READ)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: %s: %#jx bytes at file offset %#jx are more than any "
			       "machine has",
			       file->path, what, size, offset);
	return ws_fail(target->ctx, WS_ERR_UNREADABLE,
		       "%s: %s: %#jx bytes at file offset %#jx reach past the file's end "
		       "%#zx: is the dump truncated?",
		       file->path, what, size, offset, file->size);
}

bool ws_target_may_grow(struct ws_target *target, size_t n, size_t cap, size_t size)
{
	return n < cap || ws_budget_take(&target->budget, (cap ? cap : 16) * size);
}

enum ws_status ws_target_need(struct ws_target *target, uint64_t offset, uint64_t size,
			      const char *fmt, ...)
{
	struct ws_file *file = &target->file;
	enum ws_evidence evidence = WS_ABSENT;
	ws_autofree char *what = NULL;
	va_list ap;

	if (offset <= file->size && size <= file->size - offset)
		evidence = size && size <= WS_HEADER_MAX
				   ? ws_file_hold(file, offset, size)
				   : WS_READ;
	if (evidence == WS_READ && size <= WS_HEADER_MAX)
		return WS_OK;
	va_start(ap, fmt);
	what = ws_text_of_args(fmt, ap);
	va_end(ap);
	return need_fail(target, offset, size, evidence, what ? what : "?");
}

/* ---- what is wrong with it -------------------------------------------------------- */

static enum ws_status note_keep(struct ws_target *target, char *text)
{
	char **note = text ? ws_vec_push(&target->notes) : NULL;

	if (!note) {
		free(text);
		return ws_fail_memory(target->ctx);
	}
	*note = text;
	return WS_OK;
}

enum ws_status ws_target_add_note(struct ws_target *target, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = ws_text_of_args(fmt, ap);
	va_end(ap);
	return note_keep(target, text);
}

static uint64_t add_or_most(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

void ws_target_cut(struct ws_target *target, uint64_t pa, uint64_t len)
{
	if (!len)
		return;
	if (!target->cut || pa < target->cut_first)
		target->cut_first = pa;
	target->cut = add_or_most(target->cut, len);
	ws_target_reaches(target, add_or_most(pa, len));
}

/* So many are named, and the others counted. */
#define LEFT_NAMED 4

enum ws_status ws_target_leave(struct ws_target *target, uint64_t header,
			       const struct ws_extent *at, const char *fmt, ...)
{
	ws_autofree char *why = NULL;
	va_list ap;

	target->nleft++;
	ws_target_reaches(target, WS_PHYSICAL_END);
	if (target->nleft > LEFT_NAMED)
		return WS_OK;
	if (target->nleft == 1)
		target->first_left = target->notes.n;
	va_start(ap, fmt);
	why = ws_text_of_args(fmt, ap);
	va_end(ap);
	if (!why)
		return ws_fail_memory(target->ctx);
	return ws_target_add_note(
		target,
		"%s %ju (physical %#jx, %#jx bytes) is left out: %s; what lay there is "
		"unknown",
		target->ops->header, header, at->pa, at->len, why);
}

enum ws_status ws_target_note_left(struct ws_target *target)
{
	if (target->nleft <= LEFT_NAMED)
		return WS_OK;
	return ws_target_add_note(target, "%ju more %ss are left out for such reasons",
				  target->nleft - LEFT_NAMED, target->ops->header);
}

void ws_target_cut_frame(struct ws_target *target, uint64_t pa)
{
	ws_target_cut(target, pa, WS_FRAME_SIZE);
	target->cut_inside += WS_FRAME_SIZE;
	target->nknown_absent++;
}

/* "3 of 16 MiB are missing": in MiB from a few of them on. */
enum ws_status ws_target_note_cut(struct ws_target *target)
{
	uint64_t total = target->cut - target->cut_inside;
	unsigned log2;

	if (!target->cut)
		return WS_OK;
	ws_vec_each(&target->memory, piece)
		total = add_or_most(total, piece->at.len);
	log2 = total >> 24 ? 20 : 10;
	return ws_target_add_note(
		target,
		"the dump is cut off: %s%ju of %ju %s of its memory are missing, from "
		"physical %#jx on: what lay there is unknown",
		target->cut_more ? "at least " : "", ((target->cut - 1) >> log2) + 1,
		((total - 1) >> log2) + 1, log2 == 20 ? "MiB" : "KiB", target->cut_first);
}

/* ---- the memory, once the kind has added it --------------------------------------- */

static enum ws_status add_piece(struct ws_target *target,
				const struct ws_piece_of_memory *added)
{
	struct ws_piece_of_memory *piece;

	if (!added->at.len)
		return WS_OK;
	piece = ws_vec_push(&target->memory);
	if (!piece)
		return ws_fail_memory(target->ctx);
	*piece = *added;
	return WS_OK;
}

enum ws_status ws_target_add_memory(struct ws_target *target, uint64_t pa, uint64_t len,
				    uint64_t header)
{
	return ws_target_add_memory_at(target, pa, len, 0, header);
}

enum ws_status ws_target_add_memory_at(struct ws_target *target, uint64_t pa,
				       uint64_t len, uint64_t offset, uint64_t header)
{
	return add_piece(target, &(struct ws_piece_of_memory){ { pa, len },
							       .offset = offset,
							       .header = header });
}

enum ws_status ws_target_add_from_file(struct ws_target *target, uint64_t pa,
				       uint64_t len, uint64_t offset, uint64_t header)
{
	uint64_t room = offset < target->file.size ? target->file.size - offset : 0;
	uint64_t have = len < room ? len : room;

	ws_target_cut(target, pa + have, len - have);
	return add_piece(target, &(struct ws_piece_of_memory){
					 { pa, have },
					 have ? target->file.data + offset : NULL,
					 .header = header });
}
