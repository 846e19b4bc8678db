/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of the direct map that was overwritten, as a processor's last fault shows it. */
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

/* How many entries of the table with the last step map the direct map in order. */
static unsigned count_direct(const struct ws_autopsy *autopsy,
			     const struct ws_trail *trail)
{
	struct ws_system *system = autopsy->system;
	unsigned n = 0, entries = WS_FRAME_SIZE >> system->paging.format->entry_log2;
	uint64_t va = trail->va & -(uint64_t)(entries * WS_FRAME_SIZE);
	struct ws_trail each;

	for (unsigned i = 0; i < entries; i++, va += WS_FRAME_SIZE) {
		ws_walk(&system->paging, system->layout.reference, va, &each);
		n += is_in_order(autopsy, &each);
	}
	return n;
}

/*
 * The table by which init_mm maps va, in the direct map, if it holds less than half of what it
 * should; va is of memory that there is.
 */
static bool is_lost(const struct ws_autopsy *autopsy, uint64_t va,
		    struct ws_lost_table *lost)
{
	const struct ws_system *system = autopsy->system;
	const struct ws_format *format = system->paging.format;
	struct ws_trail trail;

	/* where the region ends was read from these very tables */
	if (va < system->regions.v[0].first ||
	    !ws_target_piece(system->target, ws_direct_pa(system, va)))
		return false;
	ws_walk(&system->paging, system->layout.reference, va, &trail);
	if (trail.nsteps != format->nlevels || !ws_end_is_known(trail.end) ||
	    is_in_order(autopsy, &trail))
		return false;
	lost->fault = va;
	lost->level = trail.nsteps - 1u;
	lost->table = trail.step[lost->level].table;
	lost->entries = WS_FRAME_SIZE >> format->entry_log2;
	lost->left = count_direct(autopsy, &trail);
	return lost->left < lost->entries / 2;
}

bool ws_find_lost_table(const struct ws_autopsy *autopsy, struct ws_lost_table *lost)
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

void ws_clue_lost_table(struct ws_autopsy *autopsy, const struct ws_lost_table *lost)
{
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
