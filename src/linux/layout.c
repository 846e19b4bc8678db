/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A first root that holds together, and what it tells of the layout.
 *
 *	i386, PAE                            x86-64
 *	0            user                    0                 user
 *	PAGE_OFFSET  direct map (lowmem)     kernel_first      (guard, LDT)
 *	...          vmalloc, modules,       PAGE_OFFSET       direct map; KASLR moves it
 *	             fixmap                  ...               vmalloc, vmemmap, ...
 *	                                     ffffffff80000000  kernel image, modules
 *
 * Every root maps the direct map, a victim's too, so PAGE_OFFSET is the difference
 * va - pa under which the most memory is mapped. A root "holds together" if it maps
 * itself at its own place in that map.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/census.h"
#include "linux/linux.h"
#include "util/cleanup.h"
#include "util/text.h"

/* A machine that Linux runs on has more memory than this; its direct map does too. */
#define DIRECT_MAP_MIN (UINT64_C(4) << 20)

/*
 * Where PAGE_OFFSET can lie. i386: the VMSPLIT choices of arch/x86/Kconfig are multiples
 * of a page directory entry's 4 MiB from 1 GiB up. x86-64: KASLR moves the direct map in
 * steps of a PUD entry (arch/x86/mm/kaslr.c), always below the kernel image
 * (Documentation/arch/x86/x86_64/mm.rst).
 */
static const struct place {
	unsigned word;
	uint64_t first, last, step;
} places[] = {
	{ 4, UINT64_C(0x40000000), UINT64_C(0xffffffff), UINT64_C(4) << 20 },
	{ 8, UINT64_C(1) << 63, WS_KERNEL_MAP - 1, UINT64_C(1) << 30 },
};

static const struct place *place_of(const struct ws_format *format)
{
	return &places[format->va_bits > 32];
}

/* ---- one root --------------------------------------------------------------------- */

static bool maps_itself(const struct ws_paging *paging, uint64_t root,
			uint64_t page_offset)
{
	struct ws_trail trail;

	ws_walk(paging, root, page_offset + root, &trail);
	return trail.end == WS_END_PAGE && trail.pa == root;
}

static void adopt(struct ws_system *system, uint64_t root, uint64_t page_offset)
{
	const struct ws_format *format = system->paging.format;
	const struct place *place = place_of(format);

	system->layout.page_offset = page_offset;
	system->layout.word = place->word;
	system->layout.kernel_first =
		format->canonical ? ~UINT64_C(0) << (format->va_bits - 1) : page_offset;
	ws_set_reference(system, root);
}

/* Makes root the reference if it holds together. */
static enum ws_status try_root(struct ws_system *system, uint64_t root, uint64_t *budget)
{
	const struct place *place = place_of(system->paging.format);
	struct ws_census census = { .first = place->first,
				    .last = place->last,
				    .budget = *budget };
	enum ws_status status;

	root &= system->paging.format->root_mask;
	if (!ws_target_piece(system->target, root))
		return WS_ERR_NOT_FOUND;
	status = ws_census_take(system, root, &census);
	*budget = census.budget;
	if (status != WS_OK)
		return status;
	for (unsigned i = 0; i < WS_BALLOTS; i++) {
		const struct ws_ballot *ballot = &census.ballot[i];

		if (ballot->bytes < DIRECT_MAP_MIN || ballot->delta < place->first ||
		    ballot->delta > place->last || ballot->delta % place->step ||
		    !maps_itself(&system->paging, root, ballot->delta))
			continue;
		adopt(system, root, ballot->delta);
		return WS_OK;
	}
	return WS_ERR_NOT_FOUND;
}

/* ---- VMCOREINFO's swapper_pg_dir -------------------------------------------------- */

/* A root that maps the va at which its kernel says it lies to itself is the right one. */
static enum ws_fit is_swapper(struct ws_system *system, uint64_t va, uint64_t pa)
{
	struct ws_trail trail;

	if (pa & ~system->paging.format->root_mask)
		return WS_MISFITS;
	ws_walk(&system->paging, pa, va, &trail);
	if (!ws_end_is_known(trail.end))
		return WS_FIT_UNKNOWN;
	return trail.end == WS_END_PAGE && trail.pa == pa ? WS_FITS : WS_MISFITS;
}

static enum ws_fit swapper_32(struct ws_system *system, uint64_t va, uint64_t *root)
{
	/* arch/x86/Kconfig, PAGE_OFFSET */
	static const uint32_t splits[] = { 0xc0000000, 0xb0000000, 0x80000000, 0x78000000,
					   0x40000000 };
	enum ws_fit fit = WS_MISFITS;

	for (unsigned i = 0; i < WS_ARRAY_SIZE(splits); i++) {
		enum ws_fit here;

		if (va < splits[i] ||
		    (system->layout.word && system->layout.page_offset != splits[i]))
			continue;
		*root = va - splits[i];
		here = is_swapper(system, va, *root);
		if (here == WS_FITS)
			return here;
		if (here == WS_FIT_UNKNOWN)
			fit = here;
	}
	return fit;
}

/* Told as a number since 401721ecd1dc (4.10); before, where it lies. */
static bool phys_base_of(struct ws_system *system, uint64_t *phys_base)
{
	uint64_t va;

	return ws_vmcoreinfo(system, "NUMBER", "phys_base", phys_base) ||
	       (system->layout.word &&
		ws_vmcoreinfo(system, "SYMBOL", "phys_base", &va) &&
		ws_kernel_word(system, va, phys_base) == WS_READ);
}

enum ws_fit ws_vmcoreinfo_root(struct ws_system *system, uint64_t *root)
{
	uint64_t va, phys_base;

	if (!ws_vmcoreinfo(system, "SYMBOL", "swapper_pg_dir", &va))
		return WS_FIT_UNKNOWN;
	if (system->paging.format->va_bits == 32)
		return swapper_32(system, va, root);
	if (!phys_base_of(system, &phys_base))
		return WS_FIT_UNKNOWN;
	*root = va - WS_KERNEL_MAP + phys_base;
	return is_swapper(system, va, *root);
}

bool ws_vmcoreinfo_swapper(struct ws_system *system, uint64_t *root)
{
	return ws_vmcoreinfo_root(system, root) == WS_FITS;
}

/* ---- all that may be a root ------------------------------------------------------- */

/* At most so many tables are read in the search: a terabyte mapped by 2 MiB pages. */
#define SEARCH_BUDGET (UINT64_C(1) << 19)

struct candidate {
	uint64_t root;
	const char *whence;
};
typedef WS_VEC(struct candidate) candidate_vec;

static bool add_candidate(candidate_vec *candidates, uint64_t root, const char *whence)
{
	struct candidate *c;

	ws_vec_each(candidates, known)
		if (known->root == root)
			return true;
	c = ws_vec_push(candidates);
	if (c)
		*c = (struct candidate){ root, whence };
	return c;
}

/*
 * What the caller says is used, or refused; else the surest first. With PTI a CR3 may be
 * that of a user half, one page above its kernel half (PTI_PGTABLE_SWITCH_BIT,
 * arch/x86/include/asm/pgtable.h).
 */
static bool gather_candidates(struct ws_system *system, candidate_vec *candidates)
{
	const struct ws_format *format = system->paging.format;
	uint64_t root;

	if (system->target->has_root)
		return add_candidate(candidates, system->target->root & format->root_mask,
				     "the root that was given");
	if (ws_vmcoreinfo_swapper(system, &root) &&
	    !add_candidate(candidates, root, "VMCOREINFO's swapper_pg_dir"))
		return false;
	ws_vec_each(&system->target->cpus, cpu) {
		root = cpu->cr3 & format->root_mask;
		if (cpu->has_control &&
		    (!add_candidate(candidates, root, "a CR3") ||
		     !add_candidate(candidates, root & ~(uint64_t)WS_FRAME_SIZE,
				    "a CR3's kernel half")))
			return false;
	}
	return true;
}

enum ws_status ws_find_layout(struct ws_system *system)
{
	candidate_vec candidates = { 0 };
	enum ws_status status = WS_ERR_NOT_FOUND;
	uint64_t budget = SEARCH_BUDGET;

	ws_set_format(system,
		      system->format ? system->format : ws_vmcoreinfo_format(system));
	if (!system->format)
		return WS_ERR_NOT_FOUND;
	system->paging.nx = system->paging.format->no_execute != 0;
	system->paging.tcg = true;
	if (!gather_candidates(system, &candidates))
		status = ws_fail_memory(system->ctx);
	for (size_t i = 0; i < candidates.n && status == WS_ERR_NOT_FOUND; i++)
		status = try_root(system, candidates.v[i].root, &budget);
	ws_vec_release(&candidates);
	return status;
}

/* " a CR3 (0x2000), VMCOREINFO's ...": the roots that were tried. NULL: memory is short. */
static char *candidates_in_words(struct ws_system *system)
{
	candidate_vec candidates = { 0 };
	struct ws_text text;
	FILE *to = ws_text_open(&text);
	bool gathered = gather_candidates(system, &candidates);
	char *words = NULL;

	ws_vec_each(&candidates, c)
		if (to)
			fprintf(to, "%s %s (%#lx)", c == candidates.v ? "" : ",",
				c->whence, c->root);
	if (to && gathered && !candidates.n)
		fputs(" nothing, for no register or note names one", to);
	if (to)
		words = ws_text_close(&text, NULL);
	ws_vec_release(&candidates);
	if (gathered)
		return words;
	free(words);
	return NULL;
}

/* CR0.PG is off: what runs there is firmware, a loader, or a kernel's first lines. */
static bool paging_is_off(const struct ws_target *target)
{
	ws_vec_each(&target->cpus, cpu)
		if (!cpu->has_control || cpu->cr0 >> 31 & 1)
			return false;
	return target->cpus.n;
}

static enum ws_status refuse_format(const struct ws_system *system)
{
	return ws_fail(
		system->ctx, WS_ERR_NOT_FOUND,
		paging_is_off(system->target)
			? "%s: no processor has paging on, and no VMCOREINFO is in "
			  "memory: the machine has not come as far as a kernel "
			  "with address spaces"
			: "%s: the paging format is unknown: no control registers, "
			  "and no VMCOREINFO in memory; give it with --format",
		system->target->file.path);
}

/* Says what is known, and what the caller can do. */
enum ws_status ws_layout_refuse(struct ws_system *system)
{
	const struct ws_target *target = system->target;
	ws_autofree char *tried = NULL;

	if (!system->format)
		return refuse_format(system);
	tried = candidates_in_words(system);
	if (!tried)
		return ws_fail_memory(system->ctx);
	return ws_fail(
		system->ctx, WS_ERR_NOT_FOUND,
		"%s: no page table holds together as the kernel's (a direct map that "
		"holds the table itself). Format: %s. Tried:%s. Give another with "
		"--root, or another --format",
		target->file.path, system->paging.format->name, tried);
}
