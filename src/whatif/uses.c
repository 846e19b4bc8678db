/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a frame was. Several things can be true of one (a page table is slab memory on
 * some kernels): each is claimed, and the strongest evidence is kept.
 *
 *	tables, user pages   a tour of the spaces' page tables
 *	stacks               task_struct's pointer to them
 *	the fault path       what the audit knows that a processor needs
 *	image, modules       the layout, and the module list
 *	slab, free, cache    struct page, where VMCOREINFO tells what it looks like
 */
#include <string.h>

#include "audit/tour.h"
#include "linux/pages.h"
#include "linux/roots.h"
#include "util/cleanup.h"
#include "whatif/whatif.h"

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

struct census {
	struct ws_machine *machine;
	struct ws_system *system;
	struct ws_overwritten *frames; /* by pa, a frame each */
	size_t n;
};

/* The first frame that ends at or behind pa. */
static size_t first_from(const struct census *census, uint64_t pa)
{
	size_t low = 0, high = census->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (census->frames[middle].last < pa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* All of the frames that [pa, last] meets are what claim says, if nothing stronger is. */
static void claim(struct census *census, uint64_t pa, uint64_t last,
		  const struct ws_overwritten *claim)
{
	for (size_t i = first_from(census, pa);
	     i < census->n && census->frames[i].pa <= last; i++) {
		struct ws_overwritten *frame = &census->frames[i];
		struct ws_overwritten claimed = *claim;

		if (frame->use >= claim->use)
			continue;
		claimed.pa = frame->pa;
		claimed.last = frame->last;
		*frame = claimed;
	}
}

/* The same for what init_mm maps at va. */
static void claim_va(struct census *census, uint64_t va, uint64_t last,
		     const struct ws_overwritten *what)
{
	uint64_t pa;

	for (va &= ~(uint64_t)(WS_FRAME_SIZE - 1);; va += WS_FRAME_SIZE) {
		if (ws_kernel_translate(census->system, va, &pa) == WS_READ)
			claim(census, pa, pa, what);
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

static void take_entry(void *arg, const struct ws_entry_at *at)
{
	struct census *census = arg;
	struct ws_overwritten what = { .space = at->space };

	if (!at->row)
		return;
	if (at->row->kind == WS_ROW_TABLE) {
		what.use = WS_FRAME_TABLE;
		what.level = (uint8_t)(at->level + 1);
		what.space = owner_of(census->system, at);
		what.va = at->va;
		what.va_last = at->last;
		claim(census, at->address, at->address, &what);
	} else if (at->access & WS_USER && at->va < census->system->layout.kernel_first) {
		what.use = WS_FRAME_USER;
		claim(census, at->address, at->address + (at->last - at->va), &what);
	}
}

static void claim_root(struct census *census, uint32_t space)
{
	const struct ws_format *format = census->system->paging.format;
	uint64_t root = census->system->spaces.v[space].root & format->root_mask;
	struct ws_overwritten what = { .use = WS_FRAME_TABLE, .space = space };

	what.va_last = format->va_bits == 32 ? UINT32_MAX : UINT64_MAX;
	claim(census, root, root, &what);
}

static enum ws_status claim_tables(struct census *census)
{
	struct ws_audit *audit = census->machine->audit;
	struct ws_tour tour = { .audit = audit, .fn = take_entry, .arg = census };

	for (uint32_t i = 0; i < census->system->spaces.n; i++) {
		if (census->system->spaces.v[i].kind == WS_SPACE_FREED)
			continue;
		claim_root(census, i);
		ws_tour_space(&tour, i);
	}
	ws_tour_release(&tour);
	return audit->short_of_memory ? ws_fail_memory(audit->ctx) : WS_OK;
}

/* ---- stacks, fault path, image, modules ---- */

static enum ws_status claim_stacks(struct census *census)
{
	enum ws_status status = ws_machine_stacks(census->machine);

	if (status != WS_OK)
		return status;
	ws_vec_each(&census->machine->stacks, stack) {
		struct ws_overwritten what = { .use = WS_FRAME_STACK,
					       .space = WS_NO_SPACE,
					       .task = stack->task };

		claim_va(census, stack->va, stack->va + (stack->size - 1), &what);
	}
	return WS_OK;
}

/* Of what a processor needs, its data. */
static bool is_data(const struct ws_need *need)
{
	static const char *const rules[] = {
		"faultpath-idt",         "faultpath-gdt",       "faultpath-tss",
		"faultpath-entry-stack", "faultpath-ist-stack", "faultpath-double-fault"
	};

	for (size_t i = 0; i < WS_ARRAY_SIZE(rules); i++)
		if (!strcmp(need->rule->id, rules[i]))
			return true;
	return false;
}

static void claim_fault_path(struct census *census)
{
	ws_vec_each(&census->machine->audit->needs, need) {
		struct ws_overwritten what = { .use = WS_FRAME_FAULT_PATH,
					       .space = WS_NO_SPACE,
					       .name = need->what };

		if (is_data(need))
			claim_va(census, need->va, need->last, &what);
	}
}

static void claim_image(struct census *census)
{
	const struct ws_layout *layout = &census->system->layout;
	struct ws_overwritten what = { .use = WS_FRAME_IMAGE, .space = WS_NO_SPACE };

	if (layout->image_last)
		claim(census, layout->image_first - layout->image_delta,
		      layout->image_last - layout->image_delta, &what);
}

/* A hostile region is no longer than the module area of any kernel. */
#define REGION_MAX (UINT64_C(2) << 30)

static void claim_modules(struct census *census)
{
	const struct ws_module *modules;
	size_t n;

	if (ws_system_modules(census->system, &modules, &n) != WS_OK) {
		ws_error_clear(census->system->ctx);
		return;
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned r = 0; r < modules[i].nregions; r++) {
			const struct ws_region *region = &modules[i].region[r];
			struct ws_overwritten what = { .use = WS_FRAME_MODULE,
						       .space = WS_NO_SPACE,
						       .name = modules[i].name };

			if (region->len && region->len <= REGION_MAX &&
			    region->va + (region->len - 1) >= region->va)
				claim_va(census, region->va,
					 region->va + (region->len - 1), &what);
		}
}

/* ---- struct page ---- */

static void claim_pages(struct census *census)
{
	static const uint8_t uses[] = {
		[WS_PAGE_UNKNOWN] = WS_FRAME_UNKNOWN, [WS_PAGE_FREE] = WS_FRAME_FREE,
		[WS_PAGE_SLAB] = WS_FRAME_SLAB,       [WS_PAGE_CACHE] = WS_FRAME_CACHE,
		[WS_PAGE_ANON] = WS_FRAME_UNKNOWN, /* whose it is the tour would know */
	};
	struct ws_page_marks marks;
	struct ws_pages pages;

	if (!ws_pages_find(census->system, &pages) ||
	    !ws_page_marks_find(census->system, &marks))
		return;
	for (size_t i = 0; i < census->n; i++) {
		struct ws_overwritten *frame = &census->frames[i];

		if (frame->use == WS_FRAME_UNKNOWN)
			frame->use = uses[ws_page_use(census->system, &pages, &marks,
						      frame->pa)];
	}
}

enum ws_status ws_frame_uses(struct ws_machine *machine, struct ws_overwritten *frames,
			     size_t n)
{
	struct census census = { machine, machine->system, frames, n };
	enum ws_status status = claim_tables(&census);

	if (status == WS_OK)
		status = claim_stacks(&census);
	if (status != WS_OK)
		return status;
	claim_fault_path(&census);
	claim_image(&census);
	claim_modules(&census);
	claim_pages(&census);
	return WS_OK;
}
