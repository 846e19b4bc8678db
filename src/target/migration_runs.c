/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index of a migration stream's pages: which there are, and where in the file. Pages that
 * follow one another are one entry, so that it is short where the stream is as it is written
 * by a machine that is stopped; it never has more entries than the stream has records.
 */
#include "target/migration.h"

#include <stdlib.h>

#include "util/cleanup.h"
#include "util/sorted.h"

uint64_t ws_run_stride(const struct ws_page_run *run)
{
	return run->kind == WS_RUN_PAGES    ? WS_FRAME_SIZE + 8
	       : run->kind == WS_RUN_MAPPED ? WS_FRAME_SIZE
					    : 0;
}

static uint64_t end_of(const struct ws_page_run *run)
{
	return run->first + run->n;
}

/*
 * Whether a page continues a run. Zero pages have no place in the file, but one that comes
 * later must not be taken for one that was there before: at is that of the run's last.
 */
static bool continues(const struct ws_page_run *run, const struct ws_page_run *page)
{
	if (run->kind != page->kind || page->first != end_of(run) || run->n == UINT32_MAX)
		return false;
	return ws_run_stride(run) ? page->at == run->at + run->n * ws_run_stride(run)
				  : run->kind == WS_RUN_ZERO || run->kind == WS_RUN_LOST;
}

enum ws_status ws_run_add(struct ws_target *target, struct ws_page_runs *runs,
			  const struct ws_page_run *page)
{
	struct ws_page_run *last = runs->n ? &runs->v[runs->n - 1] : NULL;

	if (last && continues(last, page)) {
		last->n += page->n;
		if (!ws_run_stride(last))
			last->at = page->at;
		return WS_OK;
	}
	last = ws_target_push(target, runs);
	if (!last)
		return ws_fail_memory(target->ctx);
	*last = *page;
	return WS_OK;
}

static int run_order(const void *left, const void *right)
{
	const struct ws_page_run *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->at == b->at ? 0 : a->at < b->at ? -1 : 1;
}

/* ---- pages that were written again ------------------------------------------------- */

/* Those that hold the page looked at, the one that was written last on top. */
struct heap {
	const struct ws_page_run **v;
	size_t n;
};

static void swap(struct heap *heap, size_t a, size_t b)
{
	const struct ws_page_run *run = heap->v[a];

	heap->v[a] = heap->v[b];
	heap->v[b] = run;
}

static void heap_push(struct heap *heap, const struct ws_page_run *run)
{
	size_t i = heap->n++;

	heap->v[i] = run;
	for (; i && heap->v[(i - 1) / 2]->at < heap->v[i]->at; i = (i - 1) / 2)
		swap(heap, i, (i - 1) / 2);
}

static void heap_pop(struct heap *heap)
{
	size_t i = 0, child;

	heap->v[0] = heap->v[--heap->n];
	while ((child = 2 * i + 1) < heap->n) {
		if (child + 1 < heap->n && heap->v[child + 1]->at > heap->v[child]->at)
			child++;
		if (heap->v[child]->at <= heap->v[i]->at)
			break;
		swap(heap, i, child);
		i = child;
	}
}

/* Pages from..to of a run. */
static struct ws_page_run part(const struct ws_page_run *run, uint64_t from, uint64_t to)
{
	struct ws_page_run out = *run;

	out.at += (from - run->first) * ws_run_stride(run);
	out.first = from;
	out.n = (uint32_t)(to - from);
	return out;
}

/* runs are in order; kept: room for twice as many, by which each begins and ends. */
static enum ws_status latest(struct ws_target *target, const struct ws_page_runs *runs,
			     struct ws_page_runs *kept, struct heap *heap)
{
	enum ws_status status = WS_OK;
	uint64_t page = 0, to;

	for (size_t i = 0; (i < runs->n || heap->n) && !status;) {
		if (!heap->n)
			page = runs->v[i].first;
		while (i < runs->n && runs->v[i].first == page)
			heap_push(heap, &runs->v[i++]);
		while (heap->n && end_of(heap->v[0]) <= page)
			heap_pop(heap);
		if (!heap->n)
			continue;
		to = end_of(heap->v[0]);
		if (i < runs->n && runs->v[i].first < to)
			to = runs->v[i].first;
		struct ws_page_run found = part(heap->v[0], page, to);

		status = ws_run_add(target, kept, &found);
		page = to;
	}
	return status;
}

static bool overlaps(const struct ws_page_runs *runs)
{
	for (size_t i = 1; i < runs->n; i++)
		if (runs->v[i].first < end_of(&runs->v[i - 1]))
			return true;
	return false;
}

enum ws_status ws_runs_settle(struct ws_target *target, struct ws_page_runs *runs)
{
	ws_autofree const struct ws_page_run **room = NULL;
	struct ws_page_runs kept = { 0 };
	enum ws_status status;

	if (runs->n)
		qsort(runs->v, runs->n, sizeof(*runs->v), run_order);
	if (!overlaps(runs))
		return WS_OK;
	room = calloc(runs->n, sizeof(*room));
	if (!room)
		return ws_fail_memory(target->ctx);
	status = latest(target, runs, &kept, &(struct heap){ .v = room });
	ws_vec_release(runs);
	*runs = kept;
	return status;
}

size_t ws_run_after(const struct ws_page_runs *runs, uint64_t page)
{
	return ws_lower_bound(runs->v, runs->n, run, end_of(run) <= page);
}

const struct ws_page_run *ws_run_of(const struct ws_page_runs *runs, uint64_t page)
{
	size_t i = ws_lower_bound(runs->v, runs->n, run, run->first <= page);

	return i && page < end_of(&runs->v[i - 1]) ? &runs->v[i - 1] : NULL;
}
