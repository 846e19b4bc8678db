/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of the direct map that was overwritten. */
#include "autopsy/lost_table.h"
#include "paging/format.h"

static const struct ws_row *leaf_row(const struct ws_level *level)
{
	const struct ws_row *row = level->row;

	while (row->kind != WS_ROW_NONE && row->kind != WS_ROW_LEAF)
		row++;
	return row->kind == WS_ROW_LEAF ? row : NULL;
}

/*
 * An entry that leads to where it should, present or not: debug_pagealloc and KFENCE take the
 * bit away that makes it present, and leave the address, or all of its bits the other way
 * round (arch/x86/include/asm/pgtable-invert.h).
 */
static bool is_in_order(const struct ws_autopsy *autopsy, const struct ws_trail *trail)
{
	const struct ws_format *format = autopsy->system->paging.format;
	uint64_t pa = ws_direct_pa(autopsy->system, trail->va), entry;
	const struct ws_row *row = leaf_row(&format->level[format->nlevels - 1]);

	if (trail->end == WS_END_PAGE)
		return trail->pa == pa;
	if (!row || trail->nsteps != format->nlevels)
		return false;
	entry = trail->step[trail->nsteps - 1].entry;
	pa &= -(uint64_t)WS_FRAME_SIZE;
	return entry && !ws_is_present(format, entry) &&
	       (ws_row_address(row, entry) == pa || ws_row_address(row, ~entry) == pa);
}

static bool maps_directly(const struct ws_autopsy *autopsy, uint64_t va)
{
	struct ws_trail trail;

	ws_walk(&autopsy->system->paging, autopsy->system->layout.reference, va, &trail);
	return is_in_order(autopsy, &trail);
}

/*
 * Of the table with the last step: how many entries map the direct map in order, and how many
 * hold anything else. Empty ones are of memory that the kernel leaves out.
 */
static void count_direct(const struct ws_autopsy *autopsy, struct ws_lost_table *lost)
{
	struct ws_system *system = autopsy->system;
	struct ws_trail each;

	for (unsigned i = 0; i < lost->entries; i++) {
		ws_walk(&system->paging, system->layout.reference,
			lost->first + i * (uint64_t)WS_FRAME_SIZE, &each);
		if (is_in_order(autopsy, &each))
			lost->left++;
		else if (each.nsteps && each.step[each.nsteps - 1].entry)
			lost->foreign++;
	}
}

/*
 * Where the region ends was read from these very tables, and vmalloc's lie behind it: of a
 * table of the direct map what is mapped right below goes on in order.
 */
static bool is_in_direct_map(const struct ws_autopsy *autopsy,
			     const struct ws_lost_table *lost)
{
	uint64_t begin = autopsy->system->regions.v[0].first;

	return lost->fault >= begin &&
	       ws_target_piece(autopsy->system->target,
			       ws_direct_pa(autopsy->system, lost->fault)) &&
	       (lost->first <= begin || maps_directly(autopsy, lost->first - 1));
}

/* As much has to lie there that is no entry: a stack's page has one word of five. */
#define FOREIGN_SHARE 16u

/*
 * The table by which init_mm maps va, in the direct map, if it holds less than half of what it
 * should, and other words; va is of memory that there is.
 */
static bool is_lost(const struct ws_autopsy *autopsy, uint64_t va,
		    struct ws_lost_table *lost)
{
	const struct ws_system *system = autopsy->system;
	const struct ws_format *format = system->paging.format;
	struct ws_trail trail;

	ws_walk(&system->paging, system->layout.reference, va, &trail);
	if (trail.nsteps != format->nlevels || !ws_end_is_known(trail.end) ||
	    is_in_order(autopsy, &trail))
		return false;
	lost->fault = va;
	lost->level = trail.nsteps - 1u;
	lost->table = trail.step[lost->level].table;
	lost->entries = WS_FRAME_SIZE >> format->entry_log2;
	lost->first = va & -(uint64_t)(lost->entries * (uint64_t)WS_FRAME_SIZE);
	lost->left = lost->foreign = 0;
	if (!is_in_direct_map(autopsy, lost))
		return false;
	count_direct(autopsy, lost);
	return lost->left < lost->entries / 2 &&
	       lost->foreign >= lost->entries / FOREIGN_SHARE;
}

/* ---- by a processor, or in all of the direct map ---------------------------------------- */

static bool find_by_fault(const struct ws_autopsy *autopsy, struct ws_lost_table *lost)
{
	const struct ws_target *target = autopsy->system->target;
	struct ws_standing standing;

	for (lost->cpu = 0; lost->cpu < target->cpus.n; lost->cpu++)
		if (autopsy->arch->standing(autopsy->system, &target->cpus.v[lost->cpu],
					    &standing) &&
		    standing.has_fault && is_lost(autopsy, standing.fault, lost))
			return true;
	return false;
}

/* A few places of a table tell that it is in order, as almost all are. */
#define PLACES 8u

static bool looks_in_order(const struct ws_autopsy *autopsy, uint64_t first,
			   uint64_t size)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PLACES; i++)
		n += maps_directly(autopsy, first + i * (size / PLACES));
	return n > PLACES / 2;
}

/* What came after the death has faults of its own, and the first one's address is gone. */
static bool find_anywhere(const struct ws_autopsy *autopsy, struct ws_lost_table *lost)
{
	const struct ws_system *system = autopsy->system;
	uint64_t entries = WS_FRAME_SIZE >> system->paging.format->entry_log2;
	uint64_t size = entries * WS_FRAME_SIZE;
	uint64_t last = ws_last_va(system);

	ws_vec_each(&system->target->extents, extent) {
		uint64_t va = ws_direct_va(system, extent->pa), len = extent->len, step;

		for (; len && va <= last; va += step, len -= step) {
			step = size - (va & (size - 1));
			step = step < len ? step : len;
			if (!looks_in_order(autopsy, va & -size, size) &&
			    is_lost(autopsy, va, lost))
				return true;
			if (last - va < step)
				break;
		}
	}
	return false;
}

bool ws_find_lost_table(const struct ws_autopsy *autopsy, struct ws_lost_table *lost)
{
	lost->by_fault = find_by_fault(autopsy, lost);
	return lost->by_fault || find_anywhere(autopsy, lost);
}

void ws_put_lost_table(struct ws_autopsy *autopsy, struct ws_death *death,
		       const struct ws_lost_table *lost)
{
	death->has_cpu = lost->by_fault;
	death->cpu = lost->by_fault ? lost->cpu : 0;
	death->certainty = lost->by_fault ? WS_CERTAINTY_LIKELY : WS_CERTAINTY_POSSIBLE;
	if (lost->by_fault)
		ws_clue(autopsy, "processor",
			"the address that faulted last on cpu %u, %#jx, is in the direct map, "
			"which maps all memory: a fault there should not be",
			lost->cpu, lost->fault);
	ws_clue(autopsy, "hole",
		"the %s at %#jx, by which init_mm and all spaces map it, has %u of %u "
		"entries as they should be",
		ws_level_name(autopsy->system->paging.format, lost->level), lost->table,
		lost->left, lost->entries);
}
