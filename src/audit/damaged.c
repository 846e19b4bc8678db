/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/damaged.h"

#include <stdio.h>

#include "audit/lack.h"
#include "linux/roots.h"
#include "paging/format.h"

/* A present entry that no kernel writes. */
static bool is_bad_entry(const struct ws_audit *audit, unsigned level, uint64_t entry)
{
	const struct ws_paging *paging = &audit->system->paging;
	const struct ws_row *row = ws_row_of(&paging->format->level[level], entry);

	return !row || ws_reserved_bits(paging, row, entry) ||
	       (row->kind == WS_ROW_TABLE &&
		ws_row_address(row, entry) >= ws_memory_end(audit));
}

/* None of its kernel entries is there, or as many are bad as are not. */
static bool is_bad_table(const struct ws_audit *audit, unsigned level, uint64_t table,
			 uint64_t base)
{
	const struct ws_paging *paging = &audit->system->paging;
	const struct ws_level *rows = &paging->format->level[level];
	unsigned present = 0, bad = 0;
	const uint8_t *frame;

	if (paging->frame(paging->opaque, table, &frame) != WS_READ)
		return false;
	for (unsigned i = 0; i < WS_BIT(rows->bits); i++) {
		uint64_t at = table + ((uint64_t)i << paging->format->entry_log2);
		uint64_t va =
			ws_canonical(paging->format, base + ((uint64_t)i << rows->shift));
		uint64_t entry = ws_load_entry(frame, at, paging->format->entry_log2);

		if (va < audit->system->layout.kernel_first ||
		    !(entry & paging->format->present))
			continue;
		present++;
		bad += is_bad_entry(audit, level, entry);
	}
	return bad * 2 >= present;
}

void ws_weigh_user_reference(struct ws_audit *audit)
{
	const struct ws_system *system = audit->system;
	unsigned level = ws_private_level(system->paging.format);
	struct ws_trail trail;

	if (!system->layout.pti || system->layout.consensus)
		return;
	ws_walk(&system->paging, system->layout.reference + WS_FRAME_SIZE,
		system->layout.kernel_first, &trail);
	if (trail.nsteps <= level && !ws_end_is_known(trail.end))
		return; /* what is not in the target is no damage */
	if (level &&
	    (trail.nsteps <= level || is_bad_entry(audit, 0, trail.step[0].entry)))
		audit->no_user_reference = true;
	else
		audit->no_user_reference =
			is_bad_table(audit, level, trail.step[level].table,
				     level ? system->layout.kernel_first : 0);
	if (audit->no_user_reference)
		ws_note(audit->system,
			"init_mm's own user half at %#jx does not look like one: user halves "
			"are not held against it",
			system->layout.reference + WS_FRAME_SIZE);
}

void ws_lack_root(struct ws_audit *audit, uint32_t index)
{
	const struct ws_system *system = audit->system;
	uint64_t root = system->spaces.v[index].root;
	const uint8_t *frame;
	char bytes[48] = "";

	if (system->paging.frame(system->paging.opaque, root, &frame) == WS_READ &&
	    ws_is_one_byte(frame))
		snprintf(bytes, sizeof(bytes), ": every byte there is %#x", frame[0]);
	ws_lack_damaged(audit, index, "its %s at %#jx is damaged, or in other use%s",
			system->paging.format->level[0].name, root, bytes);
}

bool ws_is_erased(const struct ws_paging *paging, uint64_t table)
{
	const uint8_t *frame;

	return paging->frame(paging->opaque, table, &frame) == WS_READ &&
	       ws_is_one_byte(frame) && !frame[0];
}
