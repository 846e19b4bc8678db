/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/uses.h"

#include <stdlib.h>

#include "audit/tour.h"
#include "linux/pages.h"
#include "linux/roots.h"
#include "util/cleanup.h"
#include "util/sorted.h"

const char *ws_frame_use_name(enum ws_frame_use use)
{
	static const char *const names[] = {
		[WS_FRAME_UNKNOWN] = "unknown",    [WS_FRAME_CACHE] = "page cache",
		[WS_FRAME_FREE] = "free",          [WS_FRAME_SLAB] = "slab",
		[WS_FRAME_USER] = "user page",     [WS_FRAME_MODULE] = "module",
		[WS_FRAME_IMAGE] = "kernel image", [WS_FRAME_FAULT_PATH] = "fault path",
		[WS_FRAME_STACK] = "kernel stack", [WS_FRAME_TABLE] = "page table",
	};

	return names[use];
}

/* The first frame that ends at or behind pa. */
static size_t first_from(const struct ws_uses *uses, uint64_t pa)
{
	return ws_lower_bound(uses->frames, uses->n, at, at->last < pa);
}

/* All of the frames that [pa, last] meets are what claim says, if nothing stronger is. */
void ws_uses_claim(struct ws_uses *uses, uint64_t pa, uint64_t last,
		   const struct ws_frame_run *claim)
{
	for (size_t i = first_from(uses, pa); i < uses->n && uses->frames[i].pa <= last;
	     i++) {
		struct ws_frame_run *frame = &uses->frames[i];
		struct ws_frame_run claimed = *claim;

		if (frame->use >= claim->use)
			continue;
		claimed.pa = frame->pa;
		claimed.last = frame->last;
		claimed.there = frame->there;
		*frame = claimed;
	}
}

/* The same for what init_mm maps at va. */
void ws_uses_claim_va(struct ws_uses *uses, uint64_t va, uint64_t last,
		      const struct ws_frame_run *what)
{
	uint64_t pa;

	for (va &= ~(uint64_t)(WS_FRAME_SIZE - 1);; va += WS_FRAME_SIZE) {
		if (ws_kernel_translate(uses->audit->system, va, &pa) == WS_READ)
			ws_uses_claim(uses, pa, pa, what);
		if (last - va < WS_FRAME_SIZE)
			return;
	}
}

/* ---- page tables, and what users map ---- */

/* Below the private level all kernel tables are init_mm's, whoever leads there. */
static uint32_t owner_of(const struct ws_system *system, const struct ws_entry_at *at)
{
	if (at->va >= system->layout.kernel_first &&
	    at->level + 1u > ws_private_level(system->paging.format))
		return WS_NO_SPACE;
	return at->space;
}

static void note_written(struct ws_uses *uses, uint64_t pa, uint64_t last)
{
	for (size_t i = first_from(uses, pa); i < uses->n && uses->frames[i].pa <= last;
	     i++)
		uses->is_written[i] = true;
}

static uint64_t table_size(const struct ws_format *format, unsigned level)
{
	return WS_BIT(format->level[level].bits) << format->entry_log2;
}

static void take_entry(void *arg, const struct ws_entry_at *at)
{
	struct ws_uses *uses = arg;
	const struct ws_system *system = uses->audit->system;
	struct ws_frame_run what = { .space = at->space };

	if (!at->row)
		return;
	if (at->row->kind == WS_ROW_TABLE) {
		what.use = WS_FRAME_TABLE;
		what.level = (uint8_t)(at->level + 1);
		what.space = owner_of(system, at);
		what.va = at->va;
		what.va_last = at->last;
		ws_uses_claim(uses, at->address,
			      at->address +
				      (table_size(system->paging.format, what.level) - 1),
			      &what);
	} else if (at->access & WS_USER_READ && at->va < system->layout.kernel_first) {
		what.use = WS_FRAME_USER;
		ws_uses_claim(uses, at->address, at->address + (at->last - at->va),
			      &what);
		if (at->access & WS_USER_WRITE)
			note_written(uses, at->address,
				     at->address + (at->last - at->va));
	}
}

static void claim_root(struct ws_uses *uses, uint32_t space)
{
	const struct ws_system *system = uses->audit->system;
	const struct ws_format *format = system->paging.format;
	uint64_t root = system->spaces.v[space].root & format->root_mask;
	struct ws_frame_run what = { .use = WS_FRAME_TABLE, .space = space };

	what.va_last = format->va_bits == 32 ? UINT32_MAX : UINT64_MAX;
	ws_uses_claim(uses, root, root + (table_size(format, 0) - 1), &what);
}

static enum ws_status claim_tables(struct ws_uses *uses)
{
	struct ws_audit *audit = uses->audit;
	struct ws_tour tour = { .audit = audit, .fn = take_entry, .arg = uses };

	for (uint32_t i = 0; i < audit->system->spaces.n; i++) {
		if (audit->system->spaces.v[i].kind == WS_SPACE_FREED)
			continue;
		claim_root(uses, i);
		ws_tour_space(&tour, i);
	}
	ws_tour_release(&tour);
	return audit->short_of_memory ? ws_fail_memory(audit->ctx) : WS_OK;
}

/* ---- stacks, image, modules ---- */

static void claim_stacks(struct ws_uses *uses, const ws_stack_vec *stacks)
{
	ws_vec_each(stacks, stack) {
		struct ws_frame_run what = { .use = WS_FRAME_STACK,
					     .space = WS_NO_SPACE,
					     .task = stack->task };

		ws_uses_claim_va(uses, stack->va, stack->va + (stack->size - 1), &what);
	}
}

static void claim_image(struct ws_uses *uses)
{
	const struct ws_layout *layout = &uses->audit->system->layout;
	struct ws_frame_run what = { .use = WS_FRAME_IMAGE, .space = WS_NO_SPACE };
	uint64_t pa = layout->image_first - layout->image_delta,
		 last = layout->image_last - layout->image_delta;

	if (!layout->image_last)
		return;
	for (size_t i = first_from(uses, pa); i < uses->n && uses->frames[i].pa <= last;
	     i++)
		if (!uses->is_written[i])
			ws_uses_claim(uses, uses->frames[i].pa, uses->frames[i].pa,
				      &what);
}

/* A hostile region is no longer than the module area of any kernel. */
#define REGION_MAX (UINT64_C(2) << 30)

static void claim_modules(struct ws_uses *uses)
{
	const struct ws_module *modules;
	size_t n;

	if (ws_system_modules(uses->audit->system, &modules, &n) != WS_OK) {
		ws_error_clear(uses->audit->ctx);
		return;
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned r = 0; r < modules[i].nregions; r++) {
			const struct ws_region *region = &modules[i].region[r];
			struct ws_frame_run what = { .use = WS_FRAME_MODULE,
						     .space = WS_NO_SPACE,
						     .name = modules[i].name };

			if (region->len && region->len <= REGION_MAX &&
			    region->va + (region->len - 1) >= region->va)
				ws_uses_claim_va(uses, region->va,
						 region->va + (region->len - 1), &what);
		}
}

/* ---- struct page ---- */

/* By enum ws_page_use; whose a user's page is, only a tour would say. */
static const uint8_t use_of_page[] = {
	[WS_PAGE_UNKNOWN] = WS_FRAME_UNKNOWN, [WS_PAGE_FREE] = WS_FRAME_FREE,
	[WS_PAGE_SLAB] = WS_FRAME_SLAB,       [WS_PAGE_CACHE] = WS_FRAME_CACHE,
	[WS_PAGE_ANON] = WS_FRAME_USER,
};

void ws_uses_by_page(struct ws_uses *uses)
{
	struct ws_page_books books;

	if (!ws_page_books_open(uses->audit->system, &books))
		return;
	for (size_t i = 0; i < uses->n; i++) {
		struct ws_frame_run *frame = &uses->frames[i];
		uint8_t use;

		if (frame->use != WS_FRAME_UNKNOWN && frame->use != WS_FRAME_IMAGE)
			continue;
		use = use_of_page[ws_page_use(uses->audit->system, &books, frame->pa)];
		if (use != WS_FRAME_USER && use != WS_FRAME_UNKNOWN)
			frame->use = use;
	}
}

enum ws_evidence ws_system_page_state(struct ws_system *system, uint64_t pa,
				      struct ws_page_state *state)
{
	struct ws_page_books books;
	enum ws_evidence evidence;

	*state = (struct ws_page_state){ .use = WS_FRAME_UNKNOWN };
	if (system->layout.tables_only || !ws_pages_find(system, &books.pages))
		return WS_NOT_MAPPED;
	state->va = ws_page_of(system, &books.pages, pa);
	if (!state->va)
		return WS_NOT_MAPPED;
	evidence =
		ws_kernel_u32(system, state->va + books.pages.refcount, &state->refcount);
	state->has_refcount = evidence == WS_READ;
	if (evidence == WS_READ && ws_page_books_open(system, &books))
		state->use = use_of_page[ws_page_use(system, &books, pa)];
	return evidence;
}

enum ws_status ws_uses_find(struct ws_uses *uses, const ws_stack_vec *stacks)
{
	ws_autofree bool *is_written = calloc(uses->n + 1, sizeof(*is_written));
	enum ws_status status;

	if (!is_written)
		return ws_fail_memory(uses->audit->ctx);
	uses->is_written = is_written;
	status = claim_tables(uses);
	if (status == WS_OK) {
		claim_stacks(uses, stacks);
		claim_image(uses);
		claim_modules(uses);
	}
	uses->is_written = NULL;
	return status;
}

/* ---- of any frames ---- */

static int by_pa(const void *left, const void *right)
{
	const struct ws_frame_run *a = left, *b = right;

	return (a->pa > b->pa) - (a->pa < b->pa);
}

enum ws_status ws_system_frame_uses(struct ws_system *system, struct ws_frame_run *frames,
				    size_t n)
{
	struct ws_audit bare = { .ctx = system->ctx, .system = system };
	struct ws_uses uses = { .audit = &bare, .frames = frames, .n = n };
	ws_stack_vec stacks = { 0 };
	enum ws_status status;

	if (n)
		qsort(frames, n, sizeof(*frames), by_pa);
	for (size_t i = 0; i < n; i++) {
		uint64_t pa = frames[i].pa & ~(uint64_t)(WS_FRAME_SIZE - 1);

		frames[i] = (struct ws_frame_run){ .pa = pa,
						   .last = pa + (WS_FRAME_SIZE - 1),
						   .space = WS_NO_SPACE,
						   .there = (uint8_t)ws_frame_there(
							   system, pa) };
	}
	if (!n || system->layout.tables_only)
		return WS_OK;
	status = ws_find_stacks(system, &stacks);
	if (status == WS_OK)
		status = ws_uses_find(&uses, &stacks);
	if (status == WS_OK)
		ws_uses_by_page(&uses);
	ws_vec_release(&stacks);
	return ws_target_looked(system->target, status);
}
