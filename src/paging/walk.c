/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one walk that serves every format: SDM vol. 3A 4.3 to 4.5, figures 4-2 to 4-11. */
#include "paging/format.h"

void ws_walk(const struct ws_paging *paging, uint64_t root, uint64_t va,
	     struct ws_trail *trail)
{
	const struct ws_format *format = paging->format;
	uint64_t table = root & format->root_mask;

	*trail = (struct ws_trail){ .va = va,
				    .root = table,
				    .end = WS_END_HOLE,
				    .access = WS_ACCESS_ALL,
				    .format = format };
	if (!ws_translatable(format, va)) {
		trail->end = WS_END_NONCANONICAL;
		return;
	}
	for (unsigned l = 0; l < format->nlevels; l++) {
		const struct ws_level *level = &format->level[l];
		struct ws_step *step = &trail->step[trail->nsteps++];
		const struct ws_row *row;
		enum ws_evidence evidence;
		const uint8_t *frame;
		uint64_t pa;

		step->table = table;
		step->index = (uint32_t)ws_level_index(level, va);
		pa = ws_step_entry_pa(format, step);
		evidence = paging->frame(paging->opaque, pa, &frame);
		if (evidence != WS_READ) {
			trail->end = (uint8_t)ws_unread_end(evidence);
			return;
		}
		step->entry = ws_load_entry(frame, pa, format->entry_log2);
		row = ws_row_of(level, step->entry);
		if (!row) {
			trail->end = (uint8_t)ws_unmatched_end(format, step->entry);
			return;
		}
		trail->access &= (uint8_t)~ws_row_denied(row, step->entry, trail->access);
		table = ws_row_address(row, step->entry);
		if (row->kind == WS_ROW_LEAF) {
			trail->end = WS_END_PAGE;
			trail->page_shift = row->page_shift;
			trail->pa = table | (va & (WS_BIT(row->page_shift) - 1));
			return;
		}
	}
}

uint64_t ws_step_entry_pa(const struct ws_format *format, const struct ws_step *step)
{
	return step->table + ((uint64_t)step->index << format->entry_log2);
}

const struct ws_window *ws_eye_window(const struct ws_eye *eye, uint64_t va)
{
	for (unsigned i = 0; i < eye->nwindows; i++)
		if (va >= eye->window[i].first && va <= eye->window[i].last)
			return &eye->window[i];
	return NULL;
}

void ws_eye_walk(const struct ws_paging *paging, const struct ws_eye *eye, uint64_t va,
		 struct ws_trail *trail)
{
	const struct ws_window *window = ws_eye_window(eye, va);
	struct ws_paging through = *paging;

	*trail = (struct ws_trail){ .va = va,
				    .end = WS_END_NONCANONICAL,
				    .access = WS_ACCESS_ALL,
				    .format = paging->format };
	if (!window)
		return;
	through.format = window->format;
	ws_walk(&through, window->root, va, trail);
}
