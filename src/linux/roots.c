/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "linux/roots.h"

#include <stdlib.h>
#include <string.h>

#include "paging/x86.h"
#include "util/cleanup.h"

/* Fewer entries than that, and chance decides: then vmalloc's are judged by as well. */
#define DIRECT_SLOTS_MIN 8

unsigned ws_private_level(const struct ws_format *format)
{
	const struct ws_level *top = &format->level[0];

	return 1u << (top->bits + format->entry_log2) < WS_FRAME_SIZE;
}

unsigned ws_first_kernel_slot(const struct ws_system *system)
{
	return (unsigned)ws_level_index(&system->paging.format->level[0],
					system->layout.kernel_first);
}

uint64_t ws_common_bits(const struct ws_format *format)
{
	return (format->entry_log2 == 3 ? WS_BITS(51, 12) : WS_BITS(31, 12)) | X86_P |
	       X86_PS;
}

/* ---- likeness --------------------------------------------------------------------- */

static bool maps_directly(struct ws_system *system, uint64_t va)
{
	uint64_t pa;

	return ws_kernel_translate(system, va, &pa) == WS_READ &&
	       va - pa == system->layout.page_offset;
}

/* The table's present kernel entries; or only those of the direct map. */
static void choose_slots(struct ws_system *system, struct ws_likeness *l, uint64_t base,
			 bool direct_only)
{
	const struct ws_format *format = system->paging.format;
	const struct ws_level *level = &format->level[ws_private_level(format)];
	uint64_t page_offset = system->layout.page_offset;

	l->nslots = 0;
	for (unsigned i = 0; i < 1u << level->bits; i++) {
		uint64_t first =
			ws_canonical(format, base + ((uint64_t)i << level->shift));
		uint64_t last = first + (WS_BIT(level->shift) - 1);
		uint64_t va =
			page_offset > first && page_offset <= last ? page_offset : first;

		if (last >= system->layout.kernel_first &&
		    ws_entry(system, l->table, i) & X86_P &&
		    (!direct_only || maps_directly(system, va)))
			l->slot[l->nslots++] = (uint16_t)i;
	}
}

bool ws_likeness_take(struct ws_system *system, struct ws_likeness *l)
{
	const struct ws_format *format = system->paging.format;
	unsigned private = ws_private_level(format);
	struct ws_trail trail;
	const uint8_t *frame;

	ws_walk(&system->paging, system->layout.reference, system->layout.page_offset,
		&trail);
	if (trail.nsteps <= private)
		return false;
	if (system->paging.frame(system, trail.step[private].table, &frame) != WS_READ)
		return false;
	memcpy(l->table, frame, WS_FRAME_SIZE);
	l->entry_log2 = format->entry_log2;
	l->by_pdpt = private > 0;
	l->pdpte = trail.step[0].index;
	l->memory_end = system->target->memory_end;
	uint64_t base = private ? (uint64_t)l->pdpte << format->level[0].shift : 0;

	choose_slots(system, l, base, true);
	if (l->nslots < DIRECT_SLOTS_MIN)
		choose_slots(system, l, base, false);
	l->nsamples = l->nslots < WS_SAMPLES ? l->nslots : WS_SAMPLES;
	for (unsigned i = 0; i < l->nsamples; i++)
		l->sample[i] = l->slot[i * l->nslots / l->nsamples];
	return l->nslots;
}

static uint64_t common(const struct ws_likeness *l, const uint8_t *table, unsigned slot)
{
	const uint64_t mask32 = WS_BITS(31, 12) | X86_P | X86_PS;
	const uint64_t mask64 = WS_BITS(51, 12) | X86_P | X86_PS;

	return l->entry_log2 == 3 ? ws_le64(table + 8 * slot) & mask64
				  : ws_le32(table + 4 * slot) & mask32;
}

static unsigned samples_alike(const struct ws_likeness *l, const uint8_t *table)
{
	unsigned alike = 0;

	for (unsigned i = 0; i < l->nsamples; i++)
		alike += common(l, table, l->sample[i]) ==
			 common(l, l->table, l->sample[i]);
	return alike;
}

/*
 * Measured on kernels from 6.1 to 6.12: a root has 15 or 16 of 16 samples in common with
 * another, any other frame 0 or 1. Half may be missing (that is what is looked for), but
 * a table with many others in their place is something else.
 */
bool ws_is_like(const struct ws_likeness *l, const uint8_t *table)
{
	unsigned alike = 0, other = 0;

	if (samples_alike(l, table) * 4 < l->nsamples)
		return false;
	for (unsigned i = 0; i < l->nslots; i++) {
		uint64_t entry = common(l, table, l->slot[i]);

		if (entry == common(l, l->table, l->slot[i]))
			alike++;
		else if (entry)
			other++;
	}
	return alike * 2 >= l->nslots && other * 4 <= l->nslots;
}

/*
 * Linux sets only P in a PDPTE (pud_populate(), arch/x86/include/asm/pgalloc.h); bit 5 is
 * reserved (SDM 4.4.1), but QEMU's TCG sets it as it sets A elsewhere.
 */
static bool is_pdpte(const struct ws_likeness *l, uint64_t entry)
{
	uint64_t table = entry & WS_BITS(51, 12);

	return (entry & ~(table | X86_A)) == X86_P && table && table < l->memory_end;
}

bool ws_is_pdpt(const struct ws_likeness *l, const uint8_t *bytes, uint64_t *table)
{
	uint64_t kernel = ws_le64(bytes + 8 * l->pdpte);

	if (!is_pdpte(l, kernel))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		uint64_t entry = ws_le64(bytes + 8 * i);

		if (entry && !is_pdpte(l, entry))
			return false;
	}
	*table = kernel & WS_BITS(51, 12);
	return true;
}

/* ---- the roots -------------------------------------------------------------------- */

const uint8_t *ws_root_table(struct ws_system *system, uint64_t root)
{
	const uint8_t *frame;
	enum ws_evidence evidence = system->paging.frame(system, root, &frame);

	return evidence == WS_READ ? frame + root % WS_FRAME_SIZE : NULL;
}

/* Any present entry of those below end? */
static bool has_entries(const struct ws_system *system, const uint8_t *table,
			unsigned end)
{
	for (unsigned i = 0; i < end; i++)
		if (ws_entry(system, table, i) & X86_P)
			return true;
	return false;
}

/*
 * A frame that answers do not rest on, unless it is visited for another reason: what a
 * freed root leads to may be anybody's by now, and must not get into a capture.
 */
static const uint8_t *peek(struct ws_system *system, uint64_t pa)
{
	uint8_t *recorder = ws_search_begin(system);
	const uint8_t *frame;

	(void)system->paging.frame(system, pa, &frame);
	ws_search_end(system, recorder);
	return frame;
}

/*
 * With PAE the directories of the user half are allocated with the PDPT, and freed with
 * it without its entries being cleared (pgd_mop_up_pmds(), arch/x86/mm/pgtable.c), so an
 * entry that leads to an empty one is as good as none.
 */
bool ws_user_half_is_empty(struct ws_system *system, uint64_t root)
{
	const uint8_t *table = ws_root_table(system, root);
	unsigned end = ws_first_kernel_slot(system);

	if (!table || !ws_private_level(system->paging.format))
		return !table || !has_entries(system, table, end);
	for (unsigned i = 0; i < end; i++) {
		uint64_t entry = ws_entry(system, table, i);
		const uint8_t *directory = NULL;

		if (entry & X86_P)
			directory = peek(system, entry & WS_BITS(51, 12));
		if (directory && has_entries(system, directory, 512))
			return false;
	}
	return true;
}

/* Where root is, or belongs. */
static size_t place_of(const struct ws_system *system, uint64_t root)
{
	size_t low = 0, high = system->roots.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (system->roots.v[middle] < root)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t ws_root_find(const struct ws_system *system, uint64_t root)
{
	size_t at = place_of(system, root);

	return at < system->roots.n && system->roots.v[at] == root ? at : SIZE_MAX;
}

enum ws_status ws_root_add(struct ws_system *system, uint64_t root)
{
	size_t at = place_of(system, root);
	uint64_t *roots, *added;

	if (ws_root_find(system, root) != SIZE_MAX)
		return WS_OK;
	added = ws_vec_push(&system->roots);
	if (!added)
		return ws_fail_memory(system->ctx);
	roots = system->roots.v;
	memmove(roots + at + 1, roots + at, (system->roots.n - 1 - at) * sizeof(*roots));
	roots[at] = root;
	return WS_OK;
}
