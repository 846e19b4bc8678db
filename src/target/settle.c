/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What pieces of memory come to that were added in any order: sorted, and none twice.
 *
 * Two headers contradict each other where they give one physical address different
 * contents, or one byte of the file different addresses. Nothing shows which of two is
 * damaged, so both are left out: a wrong address makes all of a piece's memory false. Of
 * more than two the one with the most contradictions is, for a wild size swallows many.
 */
#include "target/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/sorted.h"

/* No dump has so many overlaps: a core with virtual addresses maps a page a few times. */
#define STEPS_MIN 1024
#define STEPS_TIMES 64
/* Nor so many that contradict each other, each of which takes memory. */
#define CONTRADICTIONS_TIMES 4

enum clash { CONTENTS, ADDRESSES, PLACE };
static const char *const clash_words[] = {
	[CONTENTS] = "the same physical memory with different contents",
	[ADDRESSES] = "the same physical memory",
	[PLACE] = "the same bytes of the file as other physical memory",
};

struct contradiction {
	size_t a, b; /* in memory */
	enum clash how;
};

struct settling {
	struct ws_target *target;
	WS_VEC(struct contradiction) contradictions;
	uint64_t compared; /* no file has more to compare than it is long */
	uint64_t steps;
	uint32_t *number; /* of contradictions that a piece is in */
	bool *left;
};

static void settling_release(struct settling *s)
{
	ws_vec_release(&s->contradictions);
	free(s->number);
	free(s->left);
}

static uint64_t piece_end(const struct ws_piece_of_memory *piece)
{
	return piece->at.pa + piece->at.len;
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

static int data_order(const void *left, const void *right)
{
	const struct ws_piece_of_memory *a = *(const struct ws_piece_of_memory **)left;
	const struct ws_piece_of_memory *b = *(const struct ws_piece_of_memory **)right;

	return a->data == b->data ? 0 : a->data < b->data ? -1 : 1;
}

/* ---- contradictions --------------------------------------------------------------- */

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
 * Memory that is added twice is no contradiction if it is the same: a kdump kernel's core
 * holds the kernel image a second time, under its own virtual address (Linux
 * kernel/crash_core.c, crash_prepare_elf64_headers()). b begins in a.
 */
static enum ws_status repeats(struct settling *s, const struct ws_piece_of_memory *a,
			      const struct ws_piece_of_memory *b, bool *equal)
{
	struct ws_target *target = s->target;
	uint64_t offset = b->at.pa - a->at.pa, len = a->at.len - offset;
	enum ws_evidence evidence;

	if (len > b->at.len)
		len = b->at.len;
	*equal = false;
	if (len > target->file.size - s->compared)
		return WS_OK;
	s->compared += len;
	evidence = bytes_equal(target, a->data + offset, b->data, len, equal);
	if (evidence != WS_FAILED)
		return WS_OK;
	return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s", target->file.path,
		       strerror(target->file.error ? target->file.error : ENOMEM));
}

/* A core with virtual addresses leads to one place in the file from many headers. */
static bool in_one_place(const struct ws_piece_of_memory *a,
			 const struct ws_piece_of_memory *b)
{
	return a->at.pa - (uint64_t)(uintptr_t)a->data ==
	       b->at.pa - (uint64_t)(uintptr_t)b->data;
}

static enum ws_status step(struct settling *s)
{
	uint64_t n = s->target->memory.n;

	if (s->steps++ < STEPS_MIN + STEPS_TIMES * n &&
	    s->contradictions.n < STEPS_MIN + CONTRADICTIONS_TIMES * n)
		return WS_OK;
	return ws_fail(
		s->target->ctx, WS_ERR_MALFORMED,
		"%s: its %ju %ss of memory overlap in more places than any dump's: "
		"it is damaged, or made to exhaust time",
		s->target->file.path, n, s->target->ops->header);
}

static enum ws_status overlap(struct settling *s, struct ws_piece_of_memory *a,
			      struct ws_piece_of_memory *b, enum clash how)
{
	struct ws_piece_of_memory *first = s->target->memory.v;
	struct contradiction *pushed;
	enum ws_status status = step(s);
	bool same = a->data && in_one_place(a, b);

	if (!a->data)
		how = ADDRESSES; /* what is packed is not unpacked to be compared */
	if (!status && !same && how == CONTENTS)
		status = repeats(s, a, b, &same);
	if (status || same)
		return status;
	pushed = ws_vec_push(&s->contradictions);
	if (!pushed)
		return ws_fail_memory(s->target->ctx);
	*pushed = (struct contradiction){ a - first, b - first, how };
	s->number[pushed->a]++;
	s->number[pushed->b]++;
	return WS_OK;
}

static enum ws_status find_by_address(struct settling *s)
{
	struct ws_piece_of_memory *v = s->target->memory.v;
	enum ws_status status = WS_OK;
	size_t n = s->target->memory.n;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n && v[j].at.pa < piece_end(&v[i]) && !status;
		     j++)
			status = overlap(s, &v[i], &v[j], CONTENTS);
	return status;
}

static enum ws_status find_by_file(struct settling *s)
{
	size_t n = 0;
	ws_autofree struct ws_piece_of_memory **v =
		calloc(s->target->memory.n, sizeof(*v));
	enum ws_status status = v ? WS_OK : ws_fail_memory(s->target->ctx);

	ws_vec_each(&s->target->memory, piece)
		if (v && piece->data)
			v[n++] = piece;
	if (v)
		qsort(v, n, sizeof(*v), data_order);
	for (size_t i = 0; i < n && !status; i++)
		for (size_t j = i + 1;
		     j < n && v[j]->data < v[i]->data + v[i]->at.len && !status; j++)
			status = overlap(s, v[i], v[j], PLACE);
	return status;
}

static enum ws_status leave(struct settling *s, const struct contradiction *c,
			    size_t which)
{
	const struct ws_piece_of_memory *piece = &s->target->memory.v[which];
	const struct ws_piece_of_memory *other =
		&s->target->memory.v[which == c->a ? c->b : c->a];

	if (s->left[which])
		return WS_OK;
	s->left[which] = true;
	return ws_target_leave(s->target, piece->header, &piece->at,
			       "it claims %s as %s %ju (physical %#jx, %#jx bytes)",
			       clash_words[c->how], s->target->ops->header, other->header,
			       other->at.pa, other->at.len);
}

static enum ws_status contradictions_settle(struct settling *s)
{
	struct ws_target *target = s->target;
	enum ws_status status = WS_OK;
	size_t nkept = 0;

	ws_vec_each(&s->contradictions, c) {
		if (!status && s->number[c->a] >= s->number[c->b])
			status = leave(s, c, c->a);
		if (!status && s->number[c->b] >= s->number[c->a])
			status = leave(s, c, c->b);
	}
	for (size_t i = 0; i < target->memory.n; i++)
		if (!s->left[i])
			target->memory.v[nkept++] = target->memory.v[i];
	target->memory.n = nkept;
	return status;
}

static enum ws_status contradictions_leave(struct ws_target *target)
{
	ws_cleanup(settling_release) struct settling s = { .target = target };
	enum ws_status status;

	s.number = calloc(target->memory.n, sizeof(*s.number));
	s.left = calloc(target->memory.n, sizeof(*s.left));
	if (!s.number || !s.left)
		return ws_fail_memory(target->ctx);
	if ((status = find_by_address(&s)) || (status = find_by_file(&s)))
		return status;
	return contradictions_settle(&s);
}

/* ---- what is left ----------------------------------------------------------------- */

/* Takes off what is known before end; false: nothing is left. */
static bool trim(struct ws_piece_of_memory *piece, uint64_t end)
{
	uint64_t known = end > piece->at.pa ? end - piece->at.pa : 0;

	if (known >= piece->at.len)
		return false;
	piece->at.pa += known;
	piece->at.len -= known;
	piece->offset += known;
	if (piece->data)
		piece->data += known;
	return true;
}

/* Drops repetitions, and joins neighbours that are so in the file too. */
static void repetitions_drop(struct ws_target *target)
{
	struct ws_piece_of_memory *kept = target->memory.v, *last = NULL;
	size_t nkept = 0;

	ws_vec_each(&target->memory, piece) {
		if (!trim(piece, last ? piece_end(last) : 0))
			continue;
		if (last && piece->at.pa == piece_end(last) && last->data &&
		    piece->data == last->data + last->at.len)
			last->at.len += piece->at.len;
		else
			*(last = &kept[nkept++]) = *piece;
	}
	target->memory.n = nkept;
}

/*
 * Whoever writes a dump goes through memory in the order of addresses: one that is out
 * of it may be at a wrong one. That is no more than odd, so it is read.
 */
static enum ws_status order_note(struct ws_target *target)
{
	const struct ws_piece_of_memory *v = target->memory.v;
	size_t i = 1;

	while (i < target->memory.n && v[i].header > v[i - 1].header)
		i++;
	if (!target->ops->header || i >= target->memory.n)
		return WS_OK;
	return ws_target_add_note(
		target,
		"%ss %ju and %ju are out of the order of physical addresses: that their "
		"memory lies at physical %#jx and %#jx may be wrong",
		target->ops->header, v[i].header, v[i - 1].header, v[i].at.pa,
		v[i - 1].at.pa);
}

/* Without any memory there is no target, and why it has none makes a difference. */
static enum ws_status memory_none(struct ws_target *target)
{
	if (target->nleft)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: holds no memory that can be read: %s",
			       target->file.path, target->notes.v[target->first_left]);
	if (target->cut)
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: is cut off at %#zx bytes, before the first of its "
			       "memory: is the dump truncated?",
			       target->file.path, target->file.size);
	return ws_fail(target->ctx, WS_ERR_MALFORMED, "%s: holds no physical memory",
		       target->file.path);
}

/* Counts the whole frames, and gives memory's outside view: no seams. */
static enum ws_status extents_settle(struct ws_target *target)
{
	uint64_t end = 0;

	ws_vec_each(&target->memory, piece) {
		struct ws_extent *last;
		uint64_t frame_end = piece_end(piece) / WS_FRAME_SIZE;

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
		end = piece_end(piece);
	}
	ws_target_reaches(target, end);
	if (target->nframes > SIZE_MAX / 2)
		return ws_fail(
			target->ctx, WS_ERR_UNSUPPORTED,
			"%s: has %ju page frames, more than a build of %zu bits can "
			"count: use one of 64 bits",
			target->named, target->nframes, sizeof(size_t) * 8);
	return WS_OK;
}

enum ws_status ws_target_settle(struct ws_target *target)
{
	enum ws_status status = WS_OK;

	if (target->memory.n)
		qsort(target->memory.v, target->memory.n, sizeof(*target->memory.v),
		      piece_order);
	if (target->memory.n && target->ops->header)
		status = contradictions_leave(target);
	if (status)
		return status;
	if (!target->memory.n)
		return memory_none(target);
	repetitions_drop(target);
	status = order_note(target);
	return status ? status : extents_settle(target);
}

const struct ws_piece_of_memory *ws_target_piece_of(const struct ws_target *target,
						    uint64_t ordinal, uint64_t *pa)
{
	const struct ws_piece_of_memory *memory = target->memory.v, *piece;
	uint64_t first;

	/* Of those without a whole frame the one behind begins with the same. */
	piece = &memory[ws_lower_bound(memory, target->memory.n, at,
				       at->first_frame <= ordinal) -
			1];
	first = (piece->at.pa + WS_FRAME_SIZE - 1) & -(uint64_t)WS_FRAME_SIZE;
	*pa = first + (ordinal - piece->first_frame) * WS_FRAME_SIZE;
	return piece;
}
