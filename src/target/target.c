/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens a file as a target, and answers for its memory whatever its kind. */
#include "target/target.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "paging/format.h"
#include "util/bits.h"
#include "util/cleanup.h"

/*
 * In the order of probing. raw looks like anything, so it has no probe; sim is told by
 * its name.
 */
static const struct ws_target_ops *const kinds[] = {
	&ws_target_elf, &ws_target_kdump, &ws_target_lime, &ws_target_raw, &ws_target_sim,
};

/* ---- the file --------------------------------------------------------------------- */

bool ws_target_is_file(const struct ws_target *target, const char *path)
{
	struct stat here, there;

	return fstat(target->file.fd, &here) == 0 && stat(path, &there) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* Why size bytes at offset are not to be had. */
static enum ws_status need_fail(struct ws_target *target, uint64_t offset, uint64_t size,
				enum ws_evidence evidence, const char *what)
{
	const struct ws_file *file = &target->file;

	if (evidence == WS_FAILED)
		return ws_fail(target->ctx, WS_ERR_SYSTEM,
			       "%s: %s: %#lx bytes at file offset %#lx: %s", file->path,
			       what, size, offset, strerror(file->error));
	if (evidence == WS_READ)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: %s: %#lx bytes at file offset %#lx are more than any "
			       "machine has",
			       file->path, what, size, offset);
	return ws_fail(target->ctx, WS_ERR_UNREADABLE,
		       "%s: %s: %#lx bytes at file offset %#lx reach past the file's end "
		       "%#zx: is the dump truncated?",
		       file->path, what, size, offset, file->size);
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
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
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
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return note_keep(target, text);
}

const char *ws_target_note(const struct ws_target *target, unsigned i)
{
	if (i < target->notes.n)
		return target->notes.v[i];
	if (i == target->notes.n && target->file.shrunk)
		return "the file has become shorter while it was read: what lay past its "
		       "new end is unknown";
	return NULL;
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

void ws_target_cut_frame(struct ws_target *target, uint64_t pa)
{
	ws_target_cut(target, pa, WS_FRAME_SIZE);
	target->cut_inside += WS_FRAME_SIZE;
	target->nknown_absent++;
}

/* "3 of 16 MiB are missing": in MiB from a few of them on. */
static enum ws_status cut_note(struct ws_target *target)
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
		"the dump is cut off: %s%lu of %lu %s of its memory are missing, from "
		"physical %#lx on: what lay there is unknown",
		target->cut_more ? "at least " : "", ((target->cut - 1) >> log2) + 1,
		((total - 1) >> log2) + 1, log2 == 20 ? "MiB" : "KiB", target->cut_first);
}

/* ---- the memory, once the kind has told it ---------------------------------------- */

static enum ws_status add_piece(struct ws_target *target, uint64_t pa, uint64_t len,
				const uint8_t *data)
{
	struct ws_piece_of_memory *piece;

	if (!len)
		return WS_OK;
	piece = ws_vec_push(&target->memory);
	if (!piece)
		return ws_fail_memory(target->ctx);
	piece->at = (struct ws_extent){ pa, len };
	piece->data = data;
	return WS_OK;
}

enum ws_status ws_target_add_memory(struct ws_target *target, uint64_t pa, uint64_t len)
{
	return add_piece(target, pa, len, NULL);
}

enum ws_status ws_target_add_from_file(struct ws_target *target, uint64_t pa,
				       uint64_t len, uint64_t offset)
{
	uint64_t room = offset < target->file.size ? target->file.size - offset : 0;
	uint64_t have = len < room ? len : room;

	ws_target_cut(target, pa + have, len - have);
	return add_piece(target, pa, have, have ? target->file.data + offset : NULL);
}

/* By pa; of those that begin together, the longest first. */
static int piece_order(const void *left, const void *right)
{
	const struct ws_extent *a = &((const struct ws_piece_of_memory *)left)->at;
	const struct ws_extent *b = &((const struct ws_piece_of_memory *)right)->at;

	if (a->pa != b->pa)
		return a->pa < b->pa ? -1 : 1;
	return a->len == b->len ? 0 : a->len > b->len ? -1 : 1;
}

static enum ws_status overlap_fail(struct ws_target *target,
				   const struct ws_piece_of_memory *a,
				   const struct ws_piece_of_memory *b)
{
	return ws_fail(target->ctx, WS_ERR_MALFORMED,
		       "%s: two pieces claim the same physical memory with different "
		       "contents: %#lx..%#lx (file offset %#tx) and %#lx..%#lx (file "
		       "offset %#tx)",
		       target->file.path, a->at.pa, a->at.pa + a->at.len - 1,
		       a->data - target->file.data, b->at.pa, b->at.pa + b->at.len - 1,
		       b->data - target->file.data);
}

/* Reads both, for neither is to be kept. */
static enum ws_evidence bytes_equal(struct ws_target *target, const uint8_t *a,
				    const uint8_t *b, uint64_t len, bool *equal)
{
	struct ws_file *file = &target->file;
	ws_autofree uint8_t *buffer = malloc(2 * WS_SCAN_CHUNK);
	enum ws_evidence evidence = buffer ? WS_READ : WS_FAILED;
	size_t n;

	*equal = true;
	for (uint64_t at = 0; at < len && *equal && !evidence; at += n) {
		n = len - at < WS_SCAN_CHUNK ? len - at : WS_SCAN_CHUNK;
		evidence = ws_file_read(file, a + at - file->data, buffer, n, NULL);
		if (!evidence)
			evidence = ws_file_read(file, b + at - file->data,
						buffer + WS_SCAN_CHUNK, n, NULL);
		*equal = !evidence && !memcmp(buffer, buffer + WS_SCAN_CHUNK, n);
	}
	return evidence;
}

/*
 * A piece inside another is no contradiction if it repeats it: a kdump kernel's core
 * holds the kernel image a second time, under its own virtual address (Linux
 * kernel/crash_core.c, crash_prepare_elf64_headers()). *compared: no file has more to
 * compare than it is long.
 */
static enum ws_status piece_repeats(struct ws_target *target,
				    const struct ws_piece_of_memory *whole,
				    const struct ws_piece_of_memory *part,
				    uint64_t *compared)
{
	uint64_t offset = part->at.pa - whole->at.pa;
	enum ws_evidence evidence;
	bool equal;

	*compared = add_or_most(*compared, part->at.len);
	if (offset + part->at.len > whole->at.len || !whole->data || !part->data ||
	    *compared > target->file.size)
		return overlap_fail(target, whole, part);
	evidence = bytes_equal(target, whole->data + offset, part->data, part->at.len,
			       &equal);
	if (evidence == WS_FAILED)
		return ws_fail(
			target->ctx, WS_ERR_SYSTEM, "%s: %s", target->file.path,
			strerror(target->file.error ? target->file.error : ENOMEM));
	return equal ? WS_OK : overlap_fail(target, whole, part);
}

/* Without any memory there is no target, and why it has none makes a difference. */
static enum ws_status memory_none(struct ws_target *target)
{
	if (target->cut)
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: is cut off at %#zx bytes, before the first of its "
			       "memory: is the dump truncated?",
			       target->file.path, target->file.size);
	return ws_fail(target->ctx, WS_ERR_MALFORMED, "%s: holds no physical memory",
		       target->file.path);
}

/* Pieces that share the file's bytes could make a pass over a small file endless. */
#define CLAIM_TIMES 16

static enum ws_status claims_check(struct ws_target *target)
{
	uint64_t claimed = 0;

	ws_vec_each(&target->memory, piece)
		claimed = add_or_most(claimed, piece->data ? piece->at.len : 0);
	if (claimed / CLAIM_TIMES <= target->file.size)
		return WS_OK;
	return ws_fail(
		target->ctx, WS_ERR_MALFORMED,
		"%s: %#lx bytes of physical memory are claimed to lie in a file of "
		"%#zx bytes",
		target->file.path, claimed, target->file.size);
}

/* Sorts the pieces, drops repetitions, joins neighbours that are so in the file too. */
static enum ws_status memory_settle(struct ws_target *target)
{
	struct ws_piece_of_memory *kept = target->memory.v;
	uint64_t compared = 0;
	size_t nkept = 0;

	enum ws_status status;

	if (!target->memory.n)
		return memory_none(target);
	if ((status = claims_check(target)))
		return status;
	qsort(kept, target->memory.n, sizeof(*kept), piece_order);
	ws_vec_each(&target->memory, piece) {
		struct ws_piece_of_memory *last = nkept ? &kept[nkept - 1] : NULL;
		uint64_t end = last ? last->at.pa + last->at.len : 0;

		if (last && piece->at.pa < end)
			status = piece_repeats(target, last, piece, &compared);
		else if (last && piece->at.pa == end && last->data &&
			 piece->data == last->data + last->at.len)
			last->at.len += piece->at.len;
		else
			kept[nkept++] = *piece;
		if (status)
			return status;
	}
	target->memory.n = nkept;
	return WS_OK;
}

/* Counts the whole frames, and tells memory's outside view: no seams. */
static enum ws_status extents_settle(struct ws_target *target)
{
	uint64_t end = 0;

	ws_vec_each(&target->memory, piece) {
		struct ws_extent *last;
		uint64_t frame_end = (piece->at.pa + piece->at.len) / WS_FRAME_SIZE;

		piece->first_frame = target->nframes;
		if (frame_end * WS_FRAME_SIZE > piece->at.pa)
			target->nframes =
				ws_frame_ordinal(piece, frame_end * WS_FRAME_SIZE);
		if (target->extents.n && piece->at.pa == end) {
			target->extents.v[target->extents.n - 1].len += piece->at.len;
		} else {
			last = ws_vec_push(&target->extents);
			if (!last)
				return ws_fail_memory(target->ctx);
			*last = piece->at;
		}
		end = piece->at.pa + piece->at.len;
	}
	ws_target_reaches(target, end);
	return WS_OK;
}

/* ---- open and close --------------------------------------------------------------- */

static const struct ws_target_ops *kind_by_name(const char *name)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i]->kind, name))
			return kinds[i];
	return NULL;
}

static const struct ws_target_ops *kind_by_probe(const struct ws_file *file)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(kinds); i++)
		if (kinds[i]->probe && kinds[i]->probe(file))
			return kinds[i];
	return NULL;
}

static enum ws_status kind_choose(struct ws_target *target,
				  const struct ws_target_options *options)
{
	if (options->kind) {
		target->ops = kind_by_name(options->kind);
		return target->ops ? WS_OK
				   : ws_fail(target->ctx, WS_ERR_USAGE,
					     "'%s' is no kind of target", options->kind);
	}
	target->ops = ws_is_sim(target->file.path) ? &ws_target_sim
						   : kind_by_probe(&target->file);
	if (!target->ops && options->format)
		target->ops = &ws_target_raw;
	if (target->ops)
		return WS_OK;
	return ws_fail(
		target->ctx, WS_ERR_UNREADABLE,
		"%s: neither an ELF core nor a kdump nor LiME at file offset 0; raw "
		"memory from physical address 0 needs its paging format given",
		target->file.path);
}

/* What the caller says goes before what the dump says. */
static enum ws_status format_choose(struct ws_target *target,
				    const struct ws_target_options *options)
{
	if (options->has_root) {
		target->has_root = true;
		target->root = options->root;
	}
	if (options->format)
		target->format = ws_format_by_name(options->format);
	if (options->format && !target->format)
		return ws_fail(target->ctx, WS_ERR_USAGE, "'%s' is no paging format",
			       options->format);
	ws_vec_each(&target->cpus, cpu)
		if (!target->format)
			target->format = ws_format_of_cpu(cpu, target->long_mode);
	if (!target->format && target->vmcoreinfo) {
		target->format = ws_format_of_vmcoreinfo(target->vmcoreinfo);
		target->format_by_note = target->format;
	}
	if (target->format)
		target->long_mode = target->format->va_bits > 32;
	return WS_OK;
}

static enum ws_status target_fill(struct ws_target *target, const char *path,
				  const struct ws_target_options *options)
{
	enum ws_status status;

	target->file.path = strdup(path);
	if (!target->file.path)
		return ws_fail_memory(target->ctx);
	status = ws_is_sim(path) ? ws_sim_run(target->ctx, &target->file)
				 : ws_file_open(target->ctx, &target->file);
	if (status || (status = kind_choose(target, options)) ||
	    (status = target->ops->open(target, options)) ||
	    (status = memory_settle(target)) || (status = extents_settle(target)) ||
	    (status = cut_note(target)))
		return status;
	return format_choose(target, options);
}

enum ws_status ws_target_open(struct ws_context *ctx, const char *path,
			      const struct ws_target_options *options,
			      struct ws_target **target)
{
	static const struct ws_target_options ask_the_file;
	struct ws_target *opened = calloc(1, sizeof(*opened));
	enum ws_status status;

	*target = NULL;
	if (!opened)
		return ws_fail_memory(ctx);
	ws_begin(ctx);
	opened->ctx = ctx;
	opened->file.fd = -1;
	status = target_fill(opened, path, options ? options : &ask_the_file);
	status = ws_target_looked(opened, status);
	if (status)
		ws_target_close(opened);
	else
		*target = opened;
	return status;
}

void ws_target_close(struct ws_target *target)
{
	if (!target)
		return;
	if (target->ops && target->ops->close)
		target->ops->close(target);
	ws_file_close(&target->file);
	ws_window_release(&target->peeked);
	ws_vec_each(&target->notes, note)
		free(*note);
	ws_vec_release(&target->notes);
	ws_vec_release(&target->memory);
	ws_vec_release(&target->extents);
	ws_vec_release(&target->cpus);
	free(target->vmcoreinfo);
	free(target->recorder);
	free(target);
}

/* ---- what it says of itself ------------------------------------------------------- */

const char *ws_target_path(const struct ws_target *target)
{
	return target->file.path;
}

const char *ws_target_kind(const struct ws_target *target)
{
	return target->ops->kind;
}

const struct ws_extent *ws_target_extents(const struct ws_target *target, size_t *n)
{
	*n = target->extents.n;
	return target->extents.v;
}

const struct ws_cpu *ws_target_cpus(const struct ws_target *target, size_t *n)
{
	*n = target->cpus.n;
	return target->cpus.v;
}

const char *ws_target_vmcoreinfo(const struct ws_target *target)
{
	return target->vmcoreinfo;
}

/* ---- frames and bytes ------------------------------------------------------------- */

static bool piece_holds(const struct ws_piece_of_memory *piece, uint64_t pa)
{
	return pa - piece->at.pa < piece->at.len;
}

const struct ws_piece_of_memory *ws_target_piece(struct ws_target *target, uint64_t pa)
{
	const struct ws_piece_of_memory *memory = target->memory.v;
	size_t low = 0, high = target->memory.n;

	if (piece_holds(&memory[target->last_piece], pa))
		return &memory[target->last_piece];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (piece_holds(&memory[middle], pa)) {
			target->last_piece = middle;
			return &memory[middle];
		}
		if (memory[middle].at.pa < pa)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool piece_holds_frame(const struct ws_piece_of_memory *piece, uint64_t pa)
{
	return pa >= piece->at.pa && piece->at.len - (pa - piece->at.pa) >= WS_FRAME_SIZE;
}

/* len bytes of a piece that has data, held. */
static enum ws_evidence piece_bytes(struct ws_target *target,
				    const struct ws_piece_of_memory *piece, uint64_t pa,
				    size_t len, const uint8_t **bytes)
{
	const uint8_t *data = piece->data + (pa - piece->at.pa);
	enum ws_evidence evidence =
		ws_file_hold(&target->file, data - target->file.data, len);

	*bytes = evidence == WS_READ ? data : NULL;
	return evidence;
}

static enum ws_evidence piece_frame(struct ws_target *target,
				    const struct ws_piece_of_memory *piece, uint64_t pa,
				    const uint8_t **frame)
{
	enum ws_evidence evidence;
	uint64_t ordinal;

	*frame = NULL;
	if (!piece_holds_frame(piece, pa))
		return WS_ABSENT;
	ordinal = ws_frame_ordinal(piece, pa);
	if (piece->data)
		evidence = piece_bytes(target, piece, pa, WS_FRAME_SIZE, frame);
	else
		evidence = target->ops->frame(target, ordinal, frame);
	if (evidence == WS_READ && target->recorder)
		target->recorder[ordinal / 8] |= 1 << ordinal % 8;
	target->failed |= evidence == WS_FAILED;
	return evidence;
}

enum ws_evidence ws_target_frame(struct ws_target *target, uint64_t pa,
				 const uint8_t **frame)
{
	const struct ws_piece_of_memory *piece = ws_target_piece(target, pa);

	*frame = NULL;
	return piece ? piece_frame(target, piece, pa & -(uint64_t)WS_FRAME_SIZE, frame)
		     : WS_ABSENT;
}

static enum ws_evidence piece_peek(struct ws_target *target,
				   const struct ws_piece_of_memory *piece, uint64_t pa,
				   uint8_t *scratch, const uint8_t **frame)
{
	const uint8_t *data = piece->data + (pa - piece->at.pa);
	struct ws_file *file = &target->file;
	uint64_t offset = data - file->data;
	bool held = ws_file_holds(file, offset, WS_FRAME_SIZE);

	*frame = held ? data : scratch;
	return held ? WS_READ
		    : ws_window_read(file, &target->peeked, offset, scratch,
				     WS_FRAME_SIZE);
}

enum ws_evidence ws_target_peek(struct ws_target *target, uint64_t pa,
				uint8_t scratch[WS_FRAME_SIZE], const uint8_t **frame)
{
	const struct ws_piece_of_memory *piece = ws_target_piece(target, pa);
	enum ws_evidence evidence;

	pa &= -(uint64_t)WS_FRAME_SIZE;
	*frame = scratch;
	if (!piece || !piece_holds_frame(piece, pa))
		evidence = WS_ABSENT;
	else if (piece->data)
		evidence = piece_peek(target, piece, pa, scratch, frame);
	else
		evidence = target->ops->copy_frame(target, 0, ws_frame_ordinal(piece, pa),
						   scratch);
	if (evidence != WS_READ)
		*frame = NULL;
	target->failed |= evidence == WS_FAILED;
	return evidence;
}

/* Bytes at pa that lie together: a whole frame's, or those of a piece's ragged end. */
static enum ws_evidence bytes_at(struct ws_target *target, uint64_t pa,
				 const uint8_t **bytes, size_t *len)
{
	const struct ws_piece_of_memory *piece = ws_target_piece(target, pa);
	uint64_t offset = pa & (WS_FRAME_SIZE - 1);
	enum ws_evidence evidence;
	const uint8_t *frame;

	if (!piece)
		return WS_ABSENT;
	evidence = piece_frame(target, piece, pa - offset, &frame);
	if (evidence == WS_READ) {
		*bytes = frame + offset;
		*len = WS_FRAME_SIZE - offset;
		return WS_READ;
	}
	if (!piece->data)
		return evidence;
	*len = piece->at.len - (pa - piece->at.pa);
	if (*len > WS_FRAME_SIZE - offset)
		*len = WS_FRAME_SIZE - offset;
	evidence = piece_bytes(target, piece, pa, *len, bytes);
	target->failed |= evidence == WS_FAILED;
	return evidence;
}

enum ws_status ws_target_looked(struct ws_target *target, enum ws_status status)
{
	const char *why = target->why;

	if (status != WS_OK || !(target->failed || ws_short_of_memory(target->ctx)))
		return status;
	if (!why)
		why = strerror(target->file.error ? target->file.error : ENOMEM);
	return ws_fail(target->ctx, WS_ERR_SYSTEM,
		       "%s: some of its memory could not be looked at (%s): there is no "
		       "answer",
		       target->file.path, why);
}

enum ws_evidence ws_target_read(struct ws_target *target, uint64_t pa, void *buf,
				size_t len)
{
	enum ws_evidence evidence;
	uint8_t *to = buf;
	const uint8_t *from;
	size_t n;

	while (len) {
		evidence = bytes_at(target, pa, &from, &n);
		if (evidence != WS_READ)
			return evidence;
		if (n > len)
			n = len;
		memcpy(to, from, n);
		to += n;
		pa += n;
		len -= n;
	}
	return WS_READ;
}

enum ws_status ws_target_record(struct ws_target *target)
{
	if (!target->recorder)
		target->recorder = calloc(target->nframes / 8 + 1, 1);
	return target->recorder ? WS_OK : ws_fail_memory(target->ctx);
}

bool ws_target_recorded(struct ws_target *target, uint64_t pa)
{
	const struct ws_piece_of_memory *piece = ws_target_piece(target, pa);
	uint64_t frame = pa & -(uint64_t)WS_FRAME_SIZE, ordinal;

	if (!target->recorder || !piece || !piece_holds_frame(piece, frame))
		return false;
	ordinal = ws_frame_ordinal(piece, frame);
	return target->recorder[ordinal / 8] >> ordinal % 8 & 1;
}
