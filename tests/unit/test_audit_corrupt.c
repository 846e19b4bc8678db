/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_audit_corrupt CAPTURE N: N times, page tables of a real guest's capture are
 * corrupted at random, and all of it is audited. That must end, in bounded work, and
 * every finding must be confirmed by a check that is simple, slow and shares no code with
 * the audit: it walks with tests/common/manual.c, and reads entries by hand.
 */
#include "audit/rule.h"
#include "common/frames.h"
#include "common/manual.h"
#include "common/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/memory.h"
#include "util/bits.h"

#define P 1u
#define RW 2u
#define US 4u
#define PS 128u
#define A_D 0x60u
#define XD (UINT64_C(1) << 63)
#define PAGE 4096u

/* Tables of one capture: 25 spaces of some ten each. */
#define TABLES_MAX 4096
/* docs/add-a-rule.md states the bound; a healthy capture takes a tenth of it. */
#define WORK_MAX (1u << 24)
/* Every so many corruptions discovery runs on the corrupted memory too. */
#define DISCOVER_EVERY 100

struct table {
	uint64_t pa;
	unsigned levels; /* a bit for each level at which it is used */
};

static struct scene {
	const char *path;
	unsigned rounds;
	struct ws_context *ctx;
	struct ws_target *target;
	struct ws_system *system;       /* of the memory as it was */
	struct ws_system *looked_at;    /* of the memory as it is; mostly the same */
	struct table table[TABLES_MAX]; /* as of now */
	unsigned ntables;
	bool tables_known;
	uint64_t frame[TABLES_MAX]; /* tables as they were: what is corrupted */
	unsigned nframes;
	uint64_t findings; /* that were confirmed */
} scene;

/* ---- a second way to read tables -------------------------------------------------- */

#define MOST_LEVELS 4

struct level {
	unsigned shift, bits;
};

/* The format's own levels, top first (SDM vol. 3A, figures 4-2 to 4-11). */
static const struct shape {
	const char *format;
	unsigned entry_size, nlevels, private_level;
	struct level level[MOST_LEVELS];
} shapes[] = {
	{ "i386", 4, 2, 0, { { 22, 10 }, { 12, 10 } } },
	{ "i386-pae", 8, 3, 1, { { 30, 2 }, { 21, 9 }, { 12, 9 } } },
	{ "x86_64", 8, 4, 0, { { 39, 9 }, { 30, 9 }, { 21, 9 }, { 12, 9 } } },
};
static const struct shape *shape; /* the capture's */

static bool is_pdpt(unsigned level)
{
	return shape->private_level && !level;
}

static uint64_t address_in(uint64_t entry)
{
	return entry & (shape->entry_size == 8 ? UINT64_C(0x000ffffffffff000)
					       : UINT64_C(0xfffff000));
}

static const uint8_t *frame_at(uint64_t pa)
{
	return paging_frame(&scene.looked_at->paging, pa);
}

static bool read_entry(uint64_t table, unsigned index, uint64_t *entry)
{
	uint64_t at = table + (uint64_t)index * shape->entry_size;
	const uint8_t *frame = frame_at(at);

	*entry = 0;
	if (frame)
		*entry = ws_le_word(frame + at % PAGE, shape->entry_size);
	return frame;
}

static bool leads_to_table(unsigned level, uint64_t entry)
{
	bool may_map = !is_pdpt(level) && shape->level[level].shift <= 30;

	return entry & P && level + 1 < shape->nlevels && level + 1 < MOST_LEVELS &&
	       !(may_map && entry & PS);
}

/* The tables that a walk of va reads, with the one that its last entry leads to. */
struct path {
	unsigned n; /* entries read */
	uint64_t table[6];
	uint64_t entry[5];
};

static struct path path_of(uint64_t root, uint64_t va)
{
	struct path path = { .table = { root } };

	for (unsigned l = 0; l < shape->nlevels; l++) {
		const struct level *level = &shape->level[l];
		unsigned index = va >> level->shift & ((1u << level->bits) - 1);
		uint64_t entry;

		if (!read_entry(path.table[l], index, &entry))
			break;
		path.entry[path.n++] = entry;
		path.table[l + 1] = address_in(entry);
		if (!leads_to_table(l, entry))
			break;
	}
	return path;
}

static uint64_t private_size(void)
{
	return UINT64_C(1) << shape->level[shape->private_level].shift;
}

/* The private entry for va, without A and D; 0: there is none. */
static uint64_t private_entry(uint64_t root, uint64_t va)
{
	struct path path = path_of(root, va);

	if (path.n <= shape->private_level || !(path.entry[shape->private_level] & P))
		return 0;
	return path.entry[shape->private_level] & ~(uint64_t)A_D;
}

/* ---- all tables, by brute force --------------------------------------------------- */

static void learn_table(uint64_t pa, unsigned level)
{
	for (unsigned i = 0; i < scene.ntables; i++)
		if (scene.table[i].pa == pa / PAGE * PAGE) {
			scene.table[i].levels |= 1u << level;
			return;
		}
	assert_true(scene.ntables < TABLES_MAX);
	scene.table[scene.ntables++] = (struct table){ pa / PAGE * PAGE, 1u << level };
}

static bool knows_table(uint64_t pa, unsigned level)
{
	for (unsigned i = 0; i < scene.ntables; i++)
		if (scene.table[i].pa == pa / PAGE * PAGE)
			return scene.table[i].levels & 1u << level;
	return false;
}

static void learn_below(uint64_t pa, unsigned level)
{
	uint64_t entry;

	if (!frame_at(pa) || (level && knows_table(pa, level)))
		return;
	learn_table(pa, level);
	for (unsigned i = 0;
	     level + 1 < shape->nlevels && i < 1u << shape->level[level].bits; i++)
		if (read_entry(pa, i, &entry) && leads_to_table(level, entry))
			learn_below(address_in(entry), level + 1);
}

static void learn_tables(const struct ws_audit *audit)
{
	if (scene.tables_known)
		return;
	scene.ntables = 0;
	for (uint32_t i = 0; i < scene.looked_at->spaces.n; i++)
		if (ws_audited(audit, i))
			learn_below(scene.looked_at->spaces.v[i].root, 0);
	scene.tables_known = true;
}

/* Levels at which any frame of [pa, pa + size) is a table. */
static unsigned tables_in(uint64_t pa, uint64_t size)
{
	unsigned levels = 0;

	for (unsigned i = 0; i < scene.ntables; i++)
		if (scene.table[i].pa >= pa && scene.table[i].pa - pa < size)
			levels |= scene.table[i].levels;
	return levels;
}

/* ---- one finding ------------------------------------------------------------------ */

struct check {
	const struct ws_audit *audit;
	const struct ws_finding *finding;
	const struct ws_space *space;
	uint64_t root, reference;
};

static struct manual_answer walk(uint64_t root, uint64_t va)
{
	return manual_walk(&scene.looked_at->paging, root, va);
}

typedef bool page_check(const struct check *c, uint64_t va,
			const struct manual_answer *page);

/* Whether all pages of the finding are as it says; a hole among them is not. */
static bool all_pages(const struct check *c, page_check *check)
{
	uint64_t va = c->finding->va;

	for (;;) {
		struct manual_answer page = walk(c->root, va);
		uint64_t last = va | ((UINT64_C(1) << page.page_shift) - 1);

		if (page.end != WS_END_PAGE || !check(c, va, &page))
			return false;
		if (last >= c->finding->last)
			return true;
		va = last + 1;
	}
}

static uint64_t page_base(uint64_t va, const struct manual_answer *page)
{
	(void)va;
	return page->pa & -(UINT64_C(1) << page->page_shift);
}

static unsigned tables_of_page(uint64_t va, const struct manual_answer *page)
{
	return tables_in(page_base(va, page), UINT64_C(1) << page->page_shift);
}

static bool is_kernel(uint64_t va)
{
	return va >= scene.looked_at->layout.kernel_first;
}

static bool user_page(const struct check *c, uint64_t va,
		      const struct manual_answer *page)
{
	(void)c;
	return is_kernel(va) && page->access & WS_USER_READ;
}

static bool users_table(const struct check *c, uint64_t va,
			const struct manual_answer *page)
{
	(void)c;
	return !is_kernel(va) && page->access & WS_USER_WRITE && tables_of_page(va, page);
}

static bool users_read_table(const struct check *c, uint64_t va,
			     const struct manual_answer *page)
{
	(void)c;
	return !is_kernel(va) && page->access & WS_USER_READ &&
	       !(page->access & WS_USER_WRITE) && tables_of_page(va, page);
}

static bool meets(uint64_t first, uint64_t last, const struct manual_answer *page)
{
	uint64_t base = page_base(0, page);

	return first <= base + ((UINT64_C(1) << page->page_shift) - 1) && last >= base;
}

static bool is_in_module(const struct manual_answer *page)
{
	uint64_t reference = scene.looked_at->layout.reference;

	ws_vec_each(&scene.looked_at->modules, module)
		for (unsigned r = 0; r < module->nregions; r++)
			for (uint64_t at = 0; at < module->region[r].len; at += PAGE) {
				struct manual_answer there =
					walk(reference, module->region[r].va + at);

				if (there.end == WS_END_PAGE &&
				    meets(there.pa / PAGE * PAGE, there.pa | (PAGE - 1),
					  page))
					return true;
			}
	return false;
}

/* A capture holds no free frame: nothing that it has is in it. */
static bool users_free(const struct check *c, uint64_t va,
		       const struct manual_answer *page)
{
	(void)c;
	return !is_kernel(va) && page->access & WS_USER_READ;
}

/* That it is a stack's captures have next to nothing to show by. */
static bool users_kernel(const struct check *c, uint64_t va,
			 const struct manual_answer *page)
{
	const struct ws_layout *layout = &scene.looked_at->layout;

	return !is_kernel(va) && page->access & WS_USER_WRITE &&
	       (strstr(c->finding->text, "kernel stack") ||
		meets(layout->image_first - layout->image_delta,
		      layout->image_last - layout->image_delta, page) ||
		is_in_module(page));
}

static bool aliased_table(const struct check *c, uint64_t va,
			  const struct manual_answer *page)
{
	const struct ws_layout *layout = &scene.looked_at->layout;

	(void)c;
	return is_kernel(va) && page->access & WS_KERNEL_WRITE &&
	       tables_of_page(va, page) && va - page->pa != layout->page_offset &&
	       va - page->pa != layout->image_delta;
}

static bool writable_code(const struct check *c, uint64_t va,
			  const struct manual_answer *page)
{
	(void)c;
	return is_kernel(va) && page->access & WS_KERNEL_WRITE &&
	       page->access & WS_KERNEL_EXECUTE;
}

/* The first frame of it is executed at the address that the words end in. */
static bool aliased_code(const struct check *c, uint64_t va,
			 const struct manual_answer *page)
{
	const char *at = strstr(c->finding->text, ": at 0x");
	uint64_t code = at ? strtoull(at + 5, NULL, 16) : 0;

	if (!(page->access & WS_KERNEL_WRITE) || page->access & WS_KERNEL_EXECUTE)
		return false;
	if (va != c->finding->va)
		return true;
	for (uint32_t i = 0; i < scene.looked_at->spaces.n; i++) {
		struct manual_answer other =
			walk(scene.looked_at->spaces.v[i].root, code);

		if (ws_audited(c->audit, i) && other.end == WS_END_PAGE &&
		    other.access & WS_KERNEL_EXECUTE &&
		    !(other.access & WS_KERNEL_WRITE) &&
		    other.pa - page_base(va, page) < UINT64_C(1) << page->page_shift)
			return true;
	}
	return false;
}

/* Below the fixed places of what PTI maps (Documentation/arch/x86/x86_64/mm.rst). */
static bool wide_page(const struct check *c, uint64_t va,
		      const struct manual_answer *page)
{
	const struct ws_layout *layout = &scene.looked_at->layout;
	bool image = va >= layout->image_first && va <= layout->image_last;

	return c->space->kind == WS_SPACE_USER && is_kernel(va) &&
	       (!image || page->access & WS_KERNEL_WRITE) &&
	       va < UINT64_C(0xffffffffffff0000);
}

static bool writable_here_only(const struct check *c, uint64_t va,
			       const struct manual_answer *page)
{
	struct manual_answer there = walk(c->reference, va);

	return page->access & WS_KERNEL_WRITE && there.end == WS_END_PAGE &&
	       !(there.access & WS_KERNEL_WRITE);
}

/* Private entries of all of the range, here and there. */
typedef bool entries_check(uint64_t here, uint64_t there);

static bool all_entries(const struct check *c, entries_check *check)
{
	for (uint64_t va = c->finding->va;; va += private_size()) {
		if (!is_kernel(va) ||
		    !check(private_entry(c->root, va), private_entry(c->reference, va)))
			return false;
		if (c->finding->last - va < private_size())
			return true;
	}
}

static bool is_missing(uint64_t here, uint64_t there)
{
	return !here && there;
}

static bool is_stale(uint64_t here, uint64_t there)
{
	return here && !there;
}

/* A top-level entry of x86-64 cannot map a page, whatever its bit 7 (table 4-15). */
static bool is_other_shape(uint64_t here, uint64_t there)
{
	return here && there && (here ^ there) & PS && private_size() <= 1u << 22;
}

static bool is_other_target(uint64_t here, uint64_t there)
{
	return here && there && !is_other_shape(here, there) &&
	       address_in(here) != address_in(there);
}

static bool is_other_rights(uint64_t here, uint64_t there)
{
	return here && there && here != there;
}

/* ---- a large page here and a table there: by the 4 KiB page ----------------------- */

static bool is_hole(const struct manual_answer *page)
{
	return page->end != WS_END_PAGE;
}

static bool page_missing(const struct manual_answer *here,
			 const struct manual_answer *there)
{
	return is_hole(here) && !is_hole(there);
}

static bool page_stale(const struct manual_answer *here,
		       const struct manual_answer *there)
{
	return !is_hole(here) && is_hole(there);
}

static bool page_elsewhere(const struct manual_answer *here,
			   const struct manual_answer *there)
{
	return !is_hole(here) && !is_hole(there) && here->pa != there->pa;
}

/* What a walk says is no more than these: caching it does not. */
static bool page_same(const struct manual_answer *here, const struct manual_answer *there)
{
	return !is_hole(here) && !is_hole(there) && here->pa == there->pa;
}

static bool page_alike(const struct manual_answer *here,
		       const struct manual_answer *there)
{
	return page_same(here, there) && here->access == there->access;
}

static bool page_other_rights(const struct manual_answer *here,
			      const struct manual_answer *there)
{
	return page_same(here, there) && here->access != there->access;
}

static bool shapes_differ(const struct check *c)
{
	return is_other_shape(private_entry(c->root, c->finding->va),
			      private_entry(c->reference, c->finding->va));
}

static bool by_page(const struct check *c)
{
	static const struct {
		const char *rule;
		enum ws_severity least;
		bool (*check)(const struct manual_answer *here,
			      const struct manual_answer *there);
	} checks[] = {
		{ "coherence-missing", WS_INFO, page_missing },
		{ "coherence-stale", WS_INFO, page_stale },
		{ "coherence-target", WS_INFO, page_elsewhere },
		{ "coherence-rights", WS_ERROR, page_other_rights },
		{ "coherence-rights", WS_INFO, page_same },
		{ "coherence-shape", WS_INFO, page_alike },
	};
	size_t i = 0;

	while (strcmp(checks[i].rule, c->finding->rule->id) ||
	       checks[i].least > c->finding->severity)
		if (++i == sizeof(checks) / sizeof(*checks))
			return false;
	for (uint64_t va = c->finding->va;; va += PAGE) {
		struct manual_answer here = walk(c->root, va),
				     there = walk(c->reference, va);

		if (!is_kernel(va) || !checks[i].check(&here, &there))
			return false;
		if (c->finding->last - va < PAGE)
			return true;
	}
}

/* With PAE a whole PDPTE may be what differs; then so do all entries below. */
static bool coherence(const struct check *c, entries_check *check)
{
	uint64_t here, there;

	if (shapes_differ(c))
		return by_page(c);
	if (all_entries(c, check))
		return true;
	if (!shape->private_level || c->finding->last - c->finding->va != 0x3fffffff)
		return false;
	here = path_of(c->root, c->finding->va).entry[0] & ~(uint64_t)A_D;
	there = path_of(c->reference, c->finding->va).entry[0] & ~(uint64_t)A_D;
	return check(here & P ? here : 0, there & P ? there : 0);
}

static bool is_reserved(const struct check *c)
{
	return walk(c->root, c->finding->va).flawed;
}

/* Or in the first frame, which the kernel gives to nobody. */
static bool is_outside(const struct check *c)
{
	const struct ws_extent *extents;
	struct path path = path_of(c->root, c->finding->va);
	size_t n;

	for (unsigned i = 1; i <= path.n; i++)
		if (path.table[i] < PAGE)
			return true;
	extents = ws_target_extents(scene.target, &n);
	return walk(c->root, c->finding->va).end == WS_END_ABSENT &&
	       path.table[path.n] >= extents[n - 1].pa + extents[n - 1].len;
}

/* Whether some memory of the target holds pa. */
static bool is_memory(uint64_t pa)
{
	const struct ws_extent *extents;
	size_t n;

	extents = ws_target_extents(scene.target, &n);
	for (size_t i = 0; i < n; i++)
		if (pa >= extents[i].pa && pa - extents[i].pa < extents[i].len)
			return true;
	return false;
}

/* The walk ends at an entry that lacks P, and whose address is one of memory. */
static bool is_open_hole(const struct check *c)
{
	struct path path = path_of(c->root, c->finding->va);
	uint64_t last = path.n ? path.entry[path.n - 1] : 1;

	return !(last & 1) && last && is_memory(address_in(last));
}

static bool is_at_two_levels(const struct check *c)
{
	struct path path = path_of(c->root, c->finding->va);

	for (unsigned i = 0; i <= path.n; i++) {
		unsigned levels = tables_in(path.table[i] / PAGE * PAGE, PAGE);

		if (levels & (levels - 1))
			return true;
	}
	return false;
}

static bool is_loop(const struct check *c)
{
	struct path path = path_of(c->root, c->finding->va);

	for (unsigned i = 0; i <= path.n; i++)
		for (unsigned j = 0; j < i; j++)
			if (path.table[i] / PAGE == path.table[j] / PAGE)
				return true;
	return false;
}

static bool is_stack(const struct check *c)
{
	struct manual_answer page = walk(c->root, c->finding->va);

	return page.end == WS_END_PAGE && tables_in(page.pa / PAGE * PAGE, PAGE);
}

/* The table that its words end in is one; of struct page captures have next to nothing. */
static bool is_freed(const struct check *c)
{
	const char *at = strstr(c->finding->text, " at 0x");

	return at && tables_in(strtoull(at + 4, NULL, 16) / PAGE * PAGE, PAGE);
}

/* Something that a fault needs is not there, or not with the rights it takes. */
static bool is_out_of_reach(const struct check *c)
{
	struct manual_answer page = walk(c->root, c->finding->va);
	const uint8_t kernels = WS_KERNEL_WRITE | WS_KERNEL_EXECUTE;

	return page.end != WS_END_PAGE || (page.access & kernels) != kernels ||
	       page.access & WS_USER_READ;
}

/* ---- page tables of the kernel's own, against init_mm's or against themselves ------- */

static bool special_hole(const struct check *c)
{
	struct manual_answer here = walk(c->root, c->finding->va),
			     there = walk(c->reference, c->finding->va);

	return page_missing(&here, &there);
}

static bool special_target(const struct check *c)
{
	struct manual_answer here = walk(c->root, c->finding->va),
			     there = walk(c->reference, c->finding->va);

	return page_elsewhere(&here, &there);
}

static bool special_rights(const struct check *c)
{
	struct manual_answer here = walk(c->root, c->finding->va),
			     there = walk(c->reference, c->finding->va);
	uint8_t kernels = WS_KERNEL_READ | WS_KERNEL_WRITE | WS_KERNEL_EXECUTE;

	return page_same(&here, &there) && (there.access & ~here.access & kernels ||
					    !(here.access & WS_KERNEL_EXECUTE));
}

static bool special_identity(const struct check *c)
{
	struct manual_answer here = walk(c->root, c->finding->va);

	return is_hole(&here) || here.pa != c->finding->va ||
	       !(here.access & WS_KERNEL_EXECUTE);
}

static bool special_user(const struct check *c)
{
	struct manual_answer here = walk(c->root, c->finding->va),
			     there = walk(c->reference, c->finding->va);

	return is_kernel(c->finding->va) && !is_hole(&here) &&
	       here.access & WS_USER_READ &&
	       !(!is_hole(&there) && there.access & WS_USER_READ);
}

static bool is_below_kernel(unsigned level, unsigned index, uint64_t va)
{
	if (shape->nlevels == 4)
		return !level && index < 256;
	return va + (UINT64_C(1) << shape->level[level].shift) <=
	       scene.looked_at->layout.kernel_first;
}

/* By one pass over all that the reference maps. */
static bool nothing_without_execution(uint64_t table, unsigned level, uint64_t base)
{
	uint64_t entry;

	for (unsigned i = 0; i < 1u << shape->level[level].bits; i++) {
		uint64_t va = base + ((uint64_t)i << shape->level[level].shift);

		if (is_below_kernel(level, i, va) || !read_entry(table, i, &entry) ||
		    !(entry & P))
			continue;
		if (entry & XD && !is_pdpt(level))
			return false;
		if (leads_to_table(level, entry) &&
		    !nothing_without_execution(address_in(entry), level + 1, va))
			return false;
	}
	return true;
}

static bool confirm(const struct check *c)
{
	static const struct {
		const char *rule;
		page_check *pages;
		entries_check *entries;
		bool (*other)(const struct check *c);
	} checks[] = {
		{ "coherence-missing", NULL, is_missing, NULL },
		{ "coherence-stale", NULL, is_stale, NULL },
		{ "coherence-shape", NULL, is_other_shape, NULL },
		{ "coherence-target", NULL, is_other_target, NULL },
		{ "coherence-rights", NULL, is_other_rights, NULL },
		{ "wellformed-reserved", NULL, NULL, is_reserved },
		{ "wellformed-outside", NULL, NULL, is_outside },
		{ "wellformed-levels", NULL, NULL, is_at_two_levels },
		{ "wellformed-loop", NULL, NULL, is_loop },
		{ "wellformed-open-hole", NULL, NULL, is_open_hole },
		{ "wellformed-stack", NULL, NULL, is_stack },
		{ "wellformed-freed", NULL, NULL, is_freed },
		{ "protection-user", user_page, NULL, NULL },
		{ "protection-user-hidden", user_page, NULL, NULL },
		{ "protection-user-table", users_table, NULL, NULL },
		{ "protection-table-alias", aliased_table, NULL, NULL },
		{ "protection-wx", writable_code, NULL, NULL },
		{ "protection-code-alias", aliased_code, NULL, NULL },
		{ "protection-pti-wide", wide_page, NULL, NULL },
		{ "protection-read-only", writable_here_only, NULL, NULL },
		{ "frames-free-mapped", users_free, NULL, NULL },
		{ "frames-user-table", users_read_table, NULL, NULL },
		{ "frames-user-kernel", users_kernel, NULL, NULL },
		{ "special-hole", NULL, NULL, special_hole },
		{ "special-target", NULL, NULL, special_target },
		{ "special-rights", NULL, NULL, special_rights },
		{ "special-identity", NULL, NULL, special_identity },
		{ "special-user", NULL, NULL, special_user },
	};
	const char *rule = c->finding->rule->id;

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		if (strcmp(checks[i].rule, rule))
			continue;
		if (checks[i].pages)
			return all_pages(c, checks[i].pages);
		return checks[i].entries ? coherence(c, checks[i].entries)
					 : checks[i].other(c);
	}
	if (!strcmp(rule, "protection-no-nx"))
		return nothing_without_execution(c->reference, 0, 0);
	if (strncmp(rule, "faultpath-", 10))
		fail_msg("%s: nothing confirms it", rule);
	return is_out_of_reach(c);
}

/* The root that a space is held against: that of init_mm, or of its user half. */
static uint64_t reference_of(const struct ws_space *space)
{
	uint64_t reference = scene.looked_at->layout.reference;

	if (space->kind != WS_SPACE_USER)
		return reference;
	return scene.looked_at->layout.consensus ? space->root : reference + PAGE;
}

static void check_finding(const struct ws_audit *audit, const struct ws_finding *finding,
			  unsigned round)
{
	const struct ws_space *space = &scene.looked_at->spaces.v[finding->space];
	struct check c = { .audit = audit,
			   .finding = finding,
			   .space = space,
			   .root = space->root,
			   .reference = reference_of(space) };

	learn_tables(audit);
	if (finding->va > finding->last || !finding->text || !finding->region ||
	    !confirm(&c))
		fail_msg("round %u, seed %lu: %s in %s (%#lx), %#lx to %#lx: %s", round,
			 random_seed(), finding->rule->id, space->comm, space->root,
			 finding->va, finding->last, finding->text);
	scene.findings++;
}

/* ---- corruption ------------------------------------------------------------------- */

#define DAMAGE_MAX 4

struct damage {
	uint8_t *frame;
	uint8_t before[PAGE];
};

static uint8_t *random_frame(struct random *random)
{
	uint64_t pa = scene.frame[random_below(random, scene.nframes)];

	return (uint8_t *)target_frame(scene.target, pa);
}

/* Seven times in ten one that is present, if there is one near by. */
static size_t random_slot(struct random *random, const uint8_t *frame)
{
	unsigned n = PAGE / shape->entry_size;
	size_t slot = random_below(random, n);

	for (unsigned i = 0; i < n && random_percent(random, 70); i++) {
		if (frame[slot * shape->entry_size] & P)
			break;
		slot = (slot + 1) % n;
	}
	return slot * shape->entry_size;
}

static uint64_t corrupted(struct random *random, uint64_t entry)
{
	uint64_t other = scene.frame[random_below(random, scene.nframes)];

	switch (random_below(random, 8)) {
	case 0:
		return random_next(random);
	case 1:
		return 0;
	case 2: /* another table */
		return (entry & ~address_in(entry)) | other | P;
	case 3: /* its rights */
		return entry ^ US;
	case 4:
		return entry ^ RW;
	case 5:
		return entry ^ XD;
	case 6: /* beyond the end of memory */
		return entry | UINT64_C(0x40000000);
	default:
		return entry ^ UINT64_C(1) << random_below(random, 8 * shape->entry_size);
	}
}

/* What a stack that has come here leaves: addresses, small numbers, flags. */
static void run_a_stack_through(struct random *random, uint8_t *frame)
{
	uint64_t text = scene.system->layout.image_first;
	unsigned n = 4 + random_below(random, 64);
	size_t at = PAGE - n * shape->entry_size -
		    random_below(random, 64) * shape->entry_size;

	for (unsigned i = 0; i < n; i++) {
		uint64_t word = random_percent(random, 50)
					? text + random_below(random, 1 << 22)
					: random_below(random, 512);

		put_little(frame + at + i * shape->entry_size, shape->entry_size, word);
	}
}

static void corrupt(struct random *random, struct damage *damage)
{
	uint8_t *frame = damage->frame = random_frame(random);
	size_t slot;

	memcpy(damage->before, frame, PAGE);
	if (random_percent(random, 5)) {
		run_a_stack_through(random, frame);
		return;
	}
	slot = random_slot(random, frame);
	put_little(frame + slot, shape->entry_size,
		   corrupted(random, ws_le_word(frame + slot, shape->entry_size)));
}

/* ---- rounds ----------------------------------------------------------------------- */

static void check_audit(struct ws_system *system, unsigned round)
{
	struct ws_audit *audit;

	scene.looked_at = system;
	scene.tables_known = false;
	if (ws_audit_run(system, &audit) != WS_OK)
		fail_msg("round %u: %s", round, ws_error(scene.ctx, 0));
	assert_true(audit->work < WORK_MAX);
	ws_vec_each(&audit->findings, finding)
		check_finding(audit, finding, round);
	ws_vec_each(&audit->judgements, judgement)
		assert_int_equal(!judgement->reasons, judgement->verdict == WS_COHERENT);
	ws_audit_destroy(audit);
}

static void discover_and_check(unsigned round)
{
	struct ws_system *system;

	if (ws_system_open(scene.target, NULL, &system) != WS_OK) {
		assert_non_null(ws_error(scene.ctx, 0));
		ws_error_clear(scene.ctx);
		return;
	}
	check_audit(system, round);
	ws_system_close(system);
}

static void every_finding_is_confirmed(void **state)
{
	struct random random = { random_seed() };

	(void)state;
	for (unsigned round = 0; round < scene.rounds; round++) {
		struct damage damage[DAMAGE_MAX];
		unsigned n = 1 + random_below(&random, DAMAGE_MAX);

		for (unsigned i = 0; i < n; i++)
			corrupt(&random, &damage[i]);
		check_audit(scene.system, round);
		if (round % DISCOVER_EVERY == 0)
			discover_and_check(round);
		while (n--)
			memcpy(damage[n].frame, damage[n].before, PAGE);
	}
	print_message("# %u corruptions, %lu findings confirmed\n", scene.rounds,
		      scene.findings);
	assert_true(scene.findings > scene.rounds / 10);
}

/* The capture is held in memory of our own, which may be written. */
static int open_capture(void **state)
{
	struct ws_file *file;
	struct ws_audit *audit;

	(void)state;
	scene.ctx = ws_context_create();
	if (ws_target_open(scene.ctx, scene.path, NULL, &scene.target) != WS_OK ||
	    ws_system_open(scene.target, NULL, &scene.system) != WS_OK ||
	    ws_audit_run(scene.system, &audit) != WS_OK) {
		print_error("%s: %s\n", scene.path, ws_error(scene.ctx, 0));
		return 1;
	}
	file = &scene.target->file;
	if (ws_file_hold_all(file) != WS_READ)
		return 1;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (!strcmp(shapes[i].format,
			    ws_format_name(scene.system->paging.format)))
			shape = &shapes[i];
	assert_non_null(shape);
	scene.looked_at = scene.system;
	learn_tables(audit);
	for (unsigned i = 0; i < scene.ntables; i++)
		scene.frame[scene.nframes++] = scene.table[i].pa;
	ws_audit_destroy(audit);
	return 0;
}

static int close_capture(void **state)
{
	(void)state;
	ws_system_close(scene.system);
	ws_target_close(scene.target);
	ws_context_destroy(scene.ctx);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_finding_is_confirmed),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: test_audit_corrupt CAPTURE N\n");
		return 2;
	}
	scene.path = argv[1];
	scene.rounds = random_rounds((unsigned)strtoul(argv[2], NULL, 10));
	return cmocka_run_group_tests_name("corruption", tests, open_capture,
					   close_capture);
}
