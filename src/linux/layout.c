/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A first root that holds together, and what it says of the layout.
 *
 * Every root maps the direct map, also one that lacks other parts, so what that is mapped
 * by is the difference va - pa under which the most memory is mapped. A root "holds
 * together" if it maps itself at its own place in that map.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/census.h"
#include "linux/layout.h"
#include "linux/roots.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

/* A machine that Linux runs on has more memory than this; its direct map does too. */
#define DIRECT_MAP_MIN (UINT64_C(4) << 20)

/* ---- one root --------------------------------------------------------------------- */

enum ws_end ws_maps_itself(const struct ws_paging *paging, uint64_t root, uint64_t delta)
{
	struct ws_trail trail;

	ws_walk(paging, root, delta + root, &trail);
	return trail.end == WS_END_PAGE && trail.pa != root ? WS_END_HOLE : trail.end;
}

static bool is_direct(void *arg, const struct ws_run *run)
{
	struct ws_layout *layout = arg;

	if (run->end != WS_END_PAGE || run->va - run->pa != layout->direct_delta)
		return true;
	layout->page_offset = run->va;
	return false;
}

/* Where the first byte is mapped at the direct map's difference. */
static void find_page_offset(struct ws_system *system, const struct ws_linux_layout *row)
{
	struct ws_layout *layout = &system->layout;

	layout->page_offset = row->from_zero ? layout->direct_delta : row->direct_last;
	if (!row->from_zero)
		(void)!ws_range(&system->paging, layout->reference, row->direct_first,
				row->direct_last, WS_RANGE_PHYSICAL, 0, is_direct,
				layout);
}

void ws_layout_adopt(struct ws_system *system, uint64_t root, uint64_t delta)
{
	const struct ws_format *format = system->paging.format;
	const struct ws_linux_layout *row = ws_linux_layout_of(format);

	system->layout.direct_delta = delta;
	system->layout.word = row->word;
	ws_vec_each(&system->target->cpus, cpu)
		cpu->word = row->word;
	ws_set_reference(system, root);
	/* The direct map may show a bit that is no address bit. */
	ws_set_format(system, system->format);
	find_page_offset(system, row);
	system->layout.kernel_first = format->canonical
					      ? ~UINT64_C(0) << (format->va_bits - 1)
					      : system->layout.page_offset - row->below;
}

/* Makes root the reference if it holds together. */
static enum ws_status try_root(struct ws_system *system, uint64_t root, uint64_t *budget)
{
	const struct ws_linux_layout *row = ws_linux_row(system);
	struct ws_census census = { .first = row->direct_first,
				    .last = row->direct_last,
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

		if (ballot->bytes < DIRECT_MAP_MIN ||
		    !ws_may_be_delta(row, ballot->delta) ||
		    ws_maps_itself(&system->paging, root, ballot->delta) != WS_END_PAGE)
			continue;
		ws_layout_adopt(system, root, ballot->delta);
		return WS_OK;
	}
	return WS_ERR_NOT_FOUND;
}

/* The same without the bit that all its entries have, where nothing says that there is one. */
static enum ws_status try_encrypted(struct ws_system *system, uint64_t root,
				    uint64_t *budget)
{
	const struct ws_layout before = system->layout;
	uint64_t bits = ws_encryption_bits(system), bit = 0;
	const struct ws_paging *paging = &system->paging;
	enum ws_status status = WS_ERR_NOT_FOUND;
	const uint8_t *frame;
	bool taken = false;

	root &= paging->format->root_mask;
	if (bits && paging->frame(paging->opaque, root, &frame) == WS_READ)
		bit = ws_encryption_of(paging->format, frame, bits);
	if (!bit)
		return WS_ERR_NOT_FOUND;
	ws_encryption_try(system, bit);
	status = try_root(system, root, budget);
	if (status == WS_OK)
		status = ws_encryption_take(system, root, &taken);
	if (taken)
		return WS_OK;
	system->layout = before;
	ws_encryption_try(system, 0);
	return status == WS_OK ? WS_ERR_NOT_FOUND : status;
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

enum ws_fit ws_vmcoreinfo_root(struct ws_system *system, uint64_t *root)
{
	uint64_t va, pa[WS_SWAPPERS_MAX];
	enum ws_fit fit = WS_MISFITS, here;
	unsigned n;

	if (!ws_vmcoreinfo(system, "SYMBOL", "swapper_pg_dir", &va) ||
	    !ws_on_linux(system)->swappers(system, va, pa, &n))
		return WS_FIT_UNKNOWN;
	for (unsigned i = 0; i < n; i++) {
		*root = pa[i];
		here = is_swapper(system, va, *root);
		if (here == WS_FITS)
			return here;
		if (here == WS_FIT_UNKNOWN)
			fit = here;
	}
	return fit;
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
	bool of_cpu; /* in the register that holds a root; whence: what of it */
};
typedef WS_VEC(struct candidate) candidate_vec;

static bool add_candidate(candidate_vec *candidates, uint64_t root, const char *whence,
			  bool of_cpu)
{
	struct candidate *c;

	ws_vec_each(candidates, known)
		if (known->root == root)
			return true;
	c = ws_vec_push(candidates);
	if (c)
		*c = (struct candidate){ root, whence, of_cpu };
	return c;
}

/*
 * What the caller says is used, or refused; else the surest first. With PTI a processor
 * may have a user half loaded.
 */
static bool gather_candidates(struct ws_system *system, candidate_vec *candidates)
{
	const struct ws_format *format = system->paging.format;
	uint64_t root;

	if (system->target->has_root)
		return add_candidate(candidates, system->target->root & format->root_mask,
				     system->target->root_is_noted
					     ? "the root in this capture's note"
					     : "the root that was given",
				     false);
	if (ws_vmcoreinfo_swapper(system, &root) &&
	    !add_candidate(candidates, root, "VMCOREINFO's swapper_pg_dir", false))
		return false;
	ws_vec_each(&system->target->cpus, cpu) {
		if (!ws_system_cpu_root(system, cpu, &root))
			continue;
		if (!add_candidate(candidates, root, "", true))
			return false;
		if (ws_may_be_user_half(system, root, &root) &&
		    !add_candidate(candidates, root, "'s kernel half", true))
			return false;
	}
	return true;
}

static const char *root_register(const struct ws_system *system)
{
	const char *name = ws_arch_of(system->paging.format)->root_register;

	return name ? name : "a register";
}

static enum ws_status check_given_root(const struct ws_system *system)
{
	const struct ws_format *format = system->paging.format;
	uint64_t root = system->target->root, wrong = root & ~format->root_mask;

	if (!system->target->has_root || !wrong)
		return WS_OK;
	if (wrong < (format->root_mask & -format->root_mask))
		return ws_fail(
			system->ctx, WS_ERR_USAGE,
			"the root that was given, %#jx, is no page table's address: with "
			"the format %s that is a multiple of %#jx, without %s's flags",
			root, format->name, format->root_mask & -format->root_mask,
			root_register(system));
	return ws_fail(
		system->ctx, WS_ERR_USAGE,
		"the root that was given, %#jx, is no physical address that %s can "
		"hold: with the format %s the highest is %#jx",
		system->target->root, root_register(system), format->name,
		format->root_mask);
}

/* A bit that the caller gives: of no entry's address it would be no such bit. */
static enum ws_status check_given_bit(const struct ws_system *system)
{
	const struct ws_target *target = system->target;
	const struct ws_linux_layout *row = ws_linux_layout_of(system->format);
	uint64_t bit = WS_BIT(target->encryption_bit), end = 0;

	if (!target->has_encryption_bit || !target->encryption_bit)
		return WS_OK;
	if (!row || !(row->encryption_bits & bit))
		return ws_fail(
			system->ctx, WS_ERR_USAGE,
			"bit %u says of no entry whether memory is encrypted: with "
			"the format %s %s",
			target->encryption_bit, system->format->name,
			row && row->encryption_bits ? "it is one from 32 to 51"
						    : "none does");
	ws_vec_each(&target->memory, piece)
		end = piece->at.pa + piece->at.len;
	if (bit < end)
		return ws_fail(system->ctx, WS_ERR_USAGE,
			       "bit %u is one of addresses: the target has memory up to "
			       "%#jx",
			       target->encryption_bit, end);
	return WS_OK;
}

enum ws_status ws_check_given(const struct ws_system *system)
{
	enum ws_status status = check_given_bit(system);

	return status == WS_OK ? check_given_root(system) : status;
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
	status = ws_check_given(system);
	if (status != WS_OK)
		return status;
	status = WS_ERR_NOT_FOUND;
	if (!gather_candidates(system, &candidates))
		status = ws_fail_memory(system->ctx);
	for (size_t i = 0; i < candidates.n && status == WS_ERR_NOT_FOUND; i++)
		status = try_root(system, candidates.v[i].root, &budget);
	for (size_t i = 0; i < candidates.n && status == WS_ERR_NOT_FOUND; i++)
		status = try_encrypted(system, candidates.v[i].root, &budget);
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
			fprintf(to, "%s %s%s%s (%#jx)", c == candidates.v ? "" : ",",
				c->of_cpu ? "a " : "",
				c->of_cpu ? root_register(system) : "", c->whence,
				c->root);
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

/* And what the search for others came to. */
static char *search_in_words(const struct ws_system *system)
{
	char *words;
	int n = system->self_pointers
			? asprintf(
				  &words,
				  "; and %s in memory with the shape of one, for a direct "
				  "map at %#jx, where %s %s",
				  WS_COUNT_OF(system->shapes, "table"),
				  system->likely_offset,
				  WS_COUNT_OF(system->self_pointers, "word"),
				  system->self_pointers == 1 ? "leads to itself"
							     : "lead to themselves")
			: asprintf(
				  &words,
				  "; and tables in memory that have the shape of one, but "
				  "no words there lead to themselves, as empty lists "
				  "do, to show where a direct map lies");

	return n < 0 ? NULL : words;
}

/* What runs there is firmware, a loader, or a kernel's first lines. */
bool ws_paging_is_off(const struct ws_target *target)
{
	ws_vec_each(&target->cpus, cpu)
		if (!cpu->arch->has_paging_off(cpu))
			return false;
	return target->cpus.n;
}

static enum ws_status refuse_format(const struct ws_system *system)
{
	return ws_fail(
		system->ctx, WS_ERR_NOT_FOUND,
		ws_paging_is_off(system->target)
			? "%s: no processor has paging on, and no VMCOREINFO is in "
			  "memory: the machine has not come as far as a kernel "
			  "with address spaces"
			: "%s: the paging format is unknown: no control registers, "
			  "no VMCOREINFO in memory, and no table there maps itself in "
			  "any format; give it with --format, or if the memory is "
			  "encrypted (AMD SME, SEV; Intel TDX), that bit with "
			  "--encryption-bit",
		ws_target_path(system->target));
}

/* Says what is known, and what the caller can do. */
enum ws_status ws_layout_refuse(struct ws_system *system)
{
	const struct ws_target *target = system->target;
	ws_autofree char *tried = NULL, *searched = NULL;

	if (!system->format)
		return refuse_format(system);
	if (system->two_kinds)
		return ws_fail(
			system->ctx, WS_ERR_NOT_FOUND,
			"%s: memory holds page tables of two kernels, of one with a bit of "
			"encrypted memory and of one without, and nothing shows which ran "
			"last: give --encryption-bit, or 0 where there is none",
			ws_target_path(target));
	tried = candidates_in_words(system);
	if (!tried || (!target->has_root && !(searched = search_in_words(system))))
		return ws_fail_memory(system->ctx);
	return ws_fail(
		system->ctx, WS_ERR_NOT_FOUND,
		"%s: no candidate root is a usable kernel page table: none maps its own "
		"table in the direct map. Format: %s. Tried:%s%s. Give another with "
		"--root, or another --format",
		ws_target_path(target), system->paging.format->name, tried,
		searched ? searched : "");
}
