/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mappings.h"
#include "util/sorted.h"

#include <stdlib.h>
#include <string.h>

/* Runs are physical: vmalloc memory has one a page. More are made by hostile tables. */
#define RUNS_MAX (1u << 20)

struct gathering {
	run_vec *runs;
	bool too_many, short_of_memory;
};

static bool take_run(void *arg, const struct ws_run *run)
{
	struct gathering *g = arg;
	struct ws_run *kept;

	g->too_many = g->runs->n == RUNS_MAX;
	if (g->too_many)
		return false;
	kept = ws_vec_push(g->runs);
	g->short_of_memory = !kept;
	if (kept)
		*kept = *run;
	return kept;
}

enum exit_status mappings_gather(struct session *session, run_vec *runs)
{
	const struct ws_layout *layout = ws_system_layout(session->system);
	struct gathering g = { .runs = runs };
	enum ws_status status =
		ws_range(ws_system_paging(session->system), layout->reference,
			 layout->kernel_first, UINT64_MAX,
			 WS_RANGE_PHYSICAL | WS_RANGE_UNKNOWN, 0, take_run, &g);

	if (g.short_of_memory)
		return session_fail_memory();
	if (status != WS_OK || g.too_many)
		return session_fail(session, WS_ERR_LIMIT,
				    "init_mm has more page tables than memory can hold");
	return EXIT_SEEN;
}

/* ---- the sweep -------------------------------------------------------------------- */

/* One side of it: the runs, and the one that va is in or comes to next. */
struct side {
	const run_vec *runs;
	size_t at;
};

static const struct ws_run *run_at(struct side *side, uint64_t va)
{
	while (side->at < side->runs->n && side->runs->v[side->at].last < va)
		side->at++;
	if (side->at == side->runs->n || side->runs->v[side->at].va > va)
		return NULL;
	return &side->runs->v[side->at];
}

/* The last address up to which nothing begins or ends on this side. */
static uint64_t calm_until(const struct side *side, uint64_t va)
{
	const struct ws_run *run =
		side->at < side->runs->n ? &side->runs->v[side->at] : NULL;

	if (!run)
		return UINT64_MAX;
	return run->va > va ? run->va - 1 : run->last;
}

static bool same_rights(const struct ws_run *a, const struct ws_run *b)
{
	return a->access == b->access && a->page_shift == b->page_shift;
}

static bool same_mapping(const struct ws_run *a, const struct ws_run *b)
{
	return !a || !b ? a == b : same_rights(a, b) && a->pa - a->va == b->pa - b->va;
}

/* A difference that may go on with the next range. */
struct open_range {
	bool open;
	uint64_t va, last;
	const struct ws_run *before, *after;
};

static bool is_alike(const struct ws_run *a, const struct ws_run *b)
{
	return !a || !b ? a == b : same_rights(a, b);
}

static bool flush(struct open_range *range, mappings_fn *fn, void *arg)
{
	bool goes_on = !range->open ||
		       fn(arg, range->va, range->last, range->before, range->after);

	range->open = false;
	return goes_on;
}

static bool note(struct open_range *range, const struct open_range *next, mappings_fn *fn,
		 void *arg)
{
	if (range->open && range->last + 1 == next->va &&
	    is_alike(range->before, next->before) &&
	    is_alike(range->after, next->after)) {
		range->last = next->last;
		return true;
	}
	if (!flush(range, fn, arg))
		return false;
	*range = *next;
	return true;
}

static bool is_unknown(const struct ws_run *run)
{
	return run && run->end != WS_END_PAGE;
}

uint64_t mappings_unknown(const run_vec *runs)
{
	uint64_t bytes = 0;

	ws_vec_each(runs, run)
		if (is_unknown(run))
			bytes += run->last - run->va + 1;
	return bytes;
}

void mappings_compare(const run_vec *before, const run_vec *after, mappings_fn *fn,
		      void *arg)
{
	struct side left = { before, 0 }, right = { after, 0 };
	struct open_range range = { .open = false };
	uint64_t va = 0, last;

	for (;; va = last + 1) {
		const struct ws_run *was = run_at(&left, va), *is = run_at(&right, va);
		uint64_t other = calm_until(&right, va);

		last = calm_until(&left, va);
		if (other < last)
			last = other;
		if (!is_unknown(was) && !is_unknown(is) && !same_mapping(was, is) &&
		    !note(&range, &(struct open_range){ true, va, last, was, is }, fn,
			  arg))
			return;
		if (last == UINT64_MAX)
			break;
	}
	flush(&range, fn, arg);
}

/* ---- kinds ------------------------------------------------------------------------ */

const char *mapping_kind_name(enum mapping_kind kind)
{
	static const char *const names[] = {
		[MAPPING_OTHER] = "other",
		[MAPPING_FRAMES] = "frames",
		[MAPPING_ALIAS] = "module-alias",
		[MAPPING_VMALLOC] = "vmalloc",
	};

	return names[kind];
}

static bool add_frames(struct placement *placement, const run_vec *runs, uint64_t va,
		       uint64_t last)
{
	size_t low = ws_lower_bound(runs->v, runs->n, at, at->last < va);

	for (; low < runs->n && runs->v[low].va <= last; low++) {
		const struct ws_run *run = &runs->v[low];
		uint64_t from = run->va > va ? run->va : va;
		uint64_t to = run->last < last ? run->last : last;
		struct ws_region *added;

		if (is_unknown(run))
			continue;
		added = ws_vec_push(&placement->frames);
		if (!added)
			return false;
		*added = (struct ws_region){ run->pa + (from - run->va), to - from + 1 };
	}
	return true;
}

/* Rights go by pages, and so does what follows from them. */
bool placement_add(struct placement *placement, const run_vec *runs,
		   const struct ws_module *modules, size_t n)
{
	const uint64_t page = 4096;

	for (size_t m = 0; m < n; m++)
		for (unsigned r = 0; r < modules[m].nregions; r++) {
			const struct ws_region *region = &modules[m].region[r];
			uint64_t last = (region->va + region->len - 1) | (page - 1);

			if (region->len && last >= region->va &&
			    !add_frames(placement, runs, region->va & -page, last))
				return false;
		}
	return true;
}

static int by_pa(const void *left, const void *right)
{
	const struct ws_region *a = left, *b = right;

	return (a->va > b->va) - (a->va < b->va);
}

/* In order, and none overlaps or touches another. */
void placement_seal(struct placement *placement)
{
	struct ws_region *v = placement->frames.v;
	size_t n = 0;

	if (placement->frames.n)
		qsort(v, placement->frames.n, sizeof(*v), by_pa);
	for (size_t i = 0; i < placement->frames.n; i++) {
		uint64_t end = v[i].va + v[i].len;

		if (!n || v[i].va > v[n - 1].va + v[n - 1].len)
			v[n++] = v[i];
		else if (end > v[n - 1].va + v[n - 1].len)
			v[n - 1].len = end - v[n - 1].va;
	}
	placement->frames.n = n;
}

void placement_release(struct placement *placement)
{
	ws_vec_release(&placement->frames);
}

static bool has_frames(const struct placement *placement, uint64_t pa, uint64_t last)
{
	const struct ws_region *v = placement->frames.v;
	size_t n = placement->frames.n;
	size_t i = ws_lower_bound(v, n, at, at->va <= pa && pa - at->va >= at->len);

	return i < n && v[i].va <= pa && last - v[i].va < v[i].len;
}

static bool is_in(const struct ws_kernel_region *region, uint64_t va, uint64_t last)
{
	return va >= region->first && last <= region->last;
}

static bool is_vmalloc(const struct placement *placement, uint64_t va, uint64_t last)
{
	for (size_t i = 0; i < placement->nregions; i++)
		if ((!strcmp(placement->regions[i].name, "vmalloc") ||
		     !strcmp(placement->regions[i].name, "modules")) &&
		    is_in(&placement->regions[i], va, last))
			return true;
	return false;
}

enum mapping_kind mapping_kind(const struct placement *placement, uint64_t va,
			       uint64_t last, const struct ws_run *before,
			       const struct ws_run *after)
{
	if (before && after && same_rights(before, after))
		return MAPPING_FRAMES;
	if (is_vmalloc(placement, va, last))
		return MAPPING_VMALLOC;
	if (before && after && placement->nregions &&
	    is_in(&placement->regions[0], va, last) &&
	    has_frames(placement, va - placement->regions[0].first,
		       last - placement->regions[0].first))
		return MAPPING_ALIAS;
	return MAPPING_OTHER;
}
