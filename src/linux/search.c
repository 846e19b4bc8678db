/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks through kernel memory for what has a shape but no known address. */
#include "linux/linux.h"

#include <string.h>

struct search {
	struct ws_system *system;
	ws_search_fn *fn;
	void *arg;
	unsigned flags;
	uint8_t scratch[WS_FRAME_SIZE];
};

static bool is_wanted(const struct search *search, const struct ws_run *run)
{
	if (search->flags & WS_SEARCH_NO_DIRECT_MAP &&
	    run->va - run->pa == search->system->layout.direct_delta)
		return false;
	return !(search->flags & WS_SEARCH_CONSTANTS &&
		 run->access & (WS_KERNEL_WRITE | WS_KERNEL_EXECUTE));
}

static bool search_frames(struct search *search, const struct ws_run *run, uint64_t from,
			  uint64_t to)
{
	const uint8_t *frame;

	for (uint64_t at = from; at < to; at += WS_FRAME_SIZE) {
		enum ws_evidence evidence = ws_target_peek(
			search->system->target, run->pa + at, search->scratch, &frame);

		if ((evidence == WS_READ ||
		     (evidence == WS_ABSENT && search->flags & WS_SEARCH_ABSENT)) &&
		    !search->fn(search->arg, run->va + at, frame))
			return false;
	}
	return true;
}

/* A direct map has all memory, of which the file may have written next to nothing. */
static bool search_written(struct search *search, const struct ws_run *run, uint64_t len)
{
	uint64_t data, hole;

	for (uint64_t at = 0; at < len; at = hole) {
		ws_target_extent(search->system->target, run->pa + at, run->pa + len,
				 &data, &hole);
		data -= run->pa;
		hole -= run->pa;
		if (!search_frames(search, run, data, hole))
			return false;
	}
	return true;
}

static bool search_run(void *arg, const struct ws_run *run)
{
	struct search *search = arg;
	uint64_t len = run->last - run->va + 1;

	if (!is_wanted(search, run))
		return true;
	return search->flags & WS_SEARCH_NO_HOLES ? search_written(search, run, len)
						  : search_frames(search, run, 0, len);
}

enum ws_status ws_search(struct ws_system *system, uint64_t first, uint64_t last,
			 unsigned flags, ws_search_fn *fn, void *arg)
{
	struct search search = { .system = system, .fn = fn, .arg = arg, .flags = flags };

	return ws_range(&system->paging, system->layout.reference,
			first & -(uint64_t)WS_FRAME_SIZE, last, WS_RANGE_PHYSICAL, 0,
			search_run, &search);
}

struct copy {
	uint64_t va;
	uint8_t *bytes;
	size_t len;
};

static bool copy_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct copy *copy = arg;
	size_t at = va - copy->va, n = copy->len - at;

	memcpy(copy->bytes + at, frame, n < WS_FRAME_SIZE ? n : WS_FRAME_SIZE);
	return true;
}

enum ws_status ws_search_copy(struct ws_system *system, uint64_t va, uint8_t *bytes,
			      size_t len)
{
	struct copy copy = { va, bytes, len };

	return ws_search(system, va, va + len - 1, 0, copy_frame, &copy);
}

/* ---- bytes ------------------------------------------------------------------------ */

#define NEEDLE_MAX 32

struct hunt {
	const uint8_t *needle;
	size_t len;
	uint64_t *hit;
	unsigned n, max;
	uint64_t next; /* the va that continues tail */
	uint8_t tail[NEEDLE_MAX];
};

static void hunt_bytes(struct hunt *hunt, uint64_t va, const uint8_t *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (hunt->n < hunt->max &&
	       (at = memmem(at, bytes + len - at, hunt->needle, hunt->len)))
		hunt->hit[hunt->n++] = va + (at++ - bytes);
}

/* What lies astride two frames is looked for in the end of one and the next's start. */
static bool hunt_frame(void *arg, uint64_t va, const uint8_t *frame)
{
	struct hunt *hunt = arg;
	size_t tail = hunt->len - 1;
	uint8_t seam[2 * NEEDLE_MAX];

	if (va == hunt->next) {
		memcpy(seam, hunt->tail, tail);
		memcpy(seam + tail, frame, tail);
		hunt_bytes(hunt, va - tail, seam, 2 * tail);
	}
	hunt_bytes(hunt, va, frame, WS_FRAME_SIZE);
	memcpy(hunt->tail, frame + WS_FRAME_SIZE - tail, tail);
	hunt->next = va + WS_FRAME_SIZE;
	return hunt->n < hunt->max;
}

enum ws_status ws_search_bytes(struct ws_system *system, uint64_t first, uint64_t last,
			       const uint8_t *needle, size_t len, uint64_t *hits,
			       unsigned max, unsigned *n)
{
	struct hunt hunt = {
		.needle = needle, .len = len, .hit = hits, .max = max, .next = 1
	};
	enum ws_status status = ws_search(system, first, last, 0, hunt_frame, &hunt);

	*n = hunt.n;
	return status;
}
