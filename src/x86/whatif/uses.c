/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a frame was. Several things can be true of one (a page table is slab memory on
 * some kernels): each is claimed, and the strongest evidence is kept.
 *
 *	tables, user pages   a tour of the spaces' page tables
 *	stacks               task_struct's pointer to them
 *	the fault path       what the audit knows that a processor needs
 *	image, modules       the layout, and the module list
 *	slab, free, cache    struct page, where VMCOREINFO says what it looks like
 */
#include "audit/tour.h"
#include "linux/pages.h"
#include "linux/roots.h"
#include "util/cleanup.h"
#include "util/sorted.h"
#include "x86/faultpath.h"
#include "x86/whatif/whatif.h"

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

struct claims {
	struct ws_machine *machine;
	struct ws_system *system;
	struct ws_overwritten *frames; /* by pa, a frame each */
	size_t n;
};

/* The first frame that ends at or behind pa. */
static size_t first_from(const struct claims *claims, uint64_t pa)
{
	return ws_lower_bound(claims->frames, claims->n, at, at->last < pa);
}

/* All of the frames that [pa, last] meets are what claim says, if nothing stronger is. */
static void claim(struct claims *claims, uint64_t pa, uint64_t last,
		  const struct ws_overwritten *claim)
{
	for (size_t i = first_from(claims, pa);
	     i < claims->n && claims->frames[i].pa <= last; i++) {
		struct ws_overwritten *frame = &claims->frames[i];
		struct ws_overwritten claimed = *claim;

		if (frame->use >= claim->use)
			continue;
		claimed.pa = frame->pa;
		claimed.last = frame->last;
		*frame = claimed;
	}
}

/* The same for what init_mm maps at va. */
static void claim_va(struct claims *claims, uint64_t va, uint64_t last,
		     const struct ws_overwritten *what)
{
	uint64_t pa;

	for (va &= ~(uint64_t)(WS_FRAME_SIZE - 1);; va += WS_FRAME_SIZE) {
		if (ws_kernel_translate(claims->system, va, &pa) == WS_READ)
			claim(claims, pa, pa, what);
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
	struct claims *claims = arg;
	struct ws_overwritten what = { .space = at->space };

	if (!at->row)
		return;
	if (at->row->kind == WS_ROW_TABLE) {
		what.use = WS_FRAME_TABLE;
		what.level = (uint8_t)(at->level + 1);
		what.space = owner_of(claims->system, at);
		what.va = at->va;
		what.va_last = at->last;
		claim(claims, at->address, at->address, &what);
	} else if (at->access & WS_USER_READ &&
		   at->va < claims->system->layout.kernel_first) {
		what.use = WS_FRAME_USER;
		claim(claims, at->address, at->address + (at->last - at->va), &what);
	}
}

static void claim_root(struct claims *claims, uint32_t space)
{
	const struct ws_format *format = claims->system->paging.format;
	uint64_t root = claims->system->spaces.v[space].root & format->root_mask;
	struct ws_overwritten what = { .use = WS_FRAME_TABLE, .space = space };

	what.va_last = format->va_bits == 32 ? UINT32_MAX : UINT64_MAX;
	claim(claims, root, root, &what);
}

static enum ws_status claim_tables(struct claims *claims)
{
	struct ws_audit *audit = claims->machine->audit;
	struct ws_tour tour = { .audit = audit, .fn = take_entry, .arg = claims };

	for (uint32_t i = 0; i < claims->system->spaces.n; i++) {
		if (claims->system->spaces.v[i].kind == WS_SPACE_FREED)
			continue;
		claim_root(claims, i);
		ws_tour_space(&tour, i);
	}
	ws_tour_release(&tour);
	return audit->short_of_memory ? ws_fail_memory(audit->ctx) : WS_OK;
}

/* ---- stacks, fault path, image, modules ---- */

static enum ws_status claim_stacks(struct claims *claims)
{
	enum ws_status status = ws_machine_stacks(claims->machine);

	if (status != WS_OK)
		return status;
	ws_vec_each(&claims->machine->stacks, stack) {
		struct ws_overwritten what = { .use = WS_FRAME_STACK,
					       .space = WS_NO_SPACE,
					       .task = stack->task };

		claim_va(claims, stack->va, stack->va + (stack->size - 1), &what);
	}
	return WS_OK;
}

/*
 * Of what a processor needs, its data; and whether delivery writes there wherever it goes
 * well: stacks, and the TSS that a task leaves.
 */
static const struct {
	enum x86_fault_rule rule;
	bool by_design;
} data[] = {
	{ X86_RULE_IDT, false },      { X86_RULE_GDT, false },
	{ X86_RULE_TSS, true },       { X86_RULE_ENTRY_STACK, true },
	{ X86_RULE_IST_STACK, true }, { X86_RULE_DOUBLE_FAULT, true },
};

static void claim_need(struct claims *claims, const struct ws_need *need)
{
	struct ws_overwritten what = { .use = WS_FRAME_FAULT_PATH,
				       .space = WS_NO_SPACE,
				       .name = need->what };

	for (size_t i = 0; i < WS_ARRAY_SIZE(data); i++) {
		if (need->rule != &x86_fault_rules[data[i].rule])
			continue;
		what.by_design = data[i].by_design;
		claim_va(claims, need->va, need->last, &what);
	}
}

static void claim_fault_path(struct claims *claims)
{
	ws_vec_each(&claims->machine->audit->needs, need)
		claim_need(claims, need);
}

static void claim_image(struct claims *claims)
{
	const struct ws_layout *layout = &claims->system->layout;
	struct ws_overwritten what = { .use = WS_FRAME_IMAGE, .space = WS_NO_SPACE };

	if (layout->image_last)
		claim(claims, layout->image_first - layout->image_delta,
		      layout->image_last - layout->image_delta, &what);
}

/* A hostile region is no longer than the module area of any kernel. */
#define REGION_MAX (UINT64_C(2) << 30)

static void claim_modules(struct claims *claims)
{
	const struct ws_module *modules;
	size_t n;

	if (ws_system_modules(claims->system, &modules, &n) != WS_OK) {
		ws_error_clear(claims->system->ctx);
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
				claim_va(claims, region->va,
					 region->va + (region->len - 1), &what);
		}
}

/* ---- struct page ---- */

static void claim_pages(struct claims *claims)
{
	static const uint8_t uses[] = {
		[WS_PAGE_UNKNOWN] = WS_FRAME_UNKNOWN, [WS_PAGE_FREE] = WS_FRAME_FREE,
		[WS_PAGE_SLAB] = WS_FRAME_SLAB,       [WS_PAGE_CACHE] = WS_FRAME_CACHE,
		[WS_PAGE_ANON] = WS_FRAME_UNKNOWN, /* whose it is the tour would know */
	};
	struct ws_page_marks marks;
	struct ws_pages pages;

	if (!ws_pages_find(claims->system, &pages) ||
	    !ws_page_marks_find(claims->system, &marks))
		return;
	for (size_t i = 0; i < claims->n; i++) {
		struct ws_overwritten *frame = &claims->frames[i];

		if (frame->use == WS_FRAME_UNKNOWN)
			frame->use = uses[ws_page_use(claims->system, &pages, &marks,
						      frame->pa)];
	}
}

enum ws_status ws_frame_uses(struct ws_machine *machine, struct ws_overwritten *frames,
			     size_t n)
{
	struct claims claims = { machine, machine->system, frames, n };
	enum ws_status status = claim_tables(&claims);

	if (status == WS_OK)
		status = claim_stacks(&claims);
	if (status != WS_OK)
		return status;
	claim_fault_path(&claims);
	claim_image(&claims);
	claim_modules(&claims);
	claim_pages(&claims);
	return WS_OK;
}
