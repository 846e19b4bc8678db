/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strict verdicts: what the walk forgives and the processor would not. */
#include "paging/format.h"

/*
 * The address bits that this processor does not have: from MAXPHYADDR up to the widest
 * that the format allows (SDM 4.1.4 and the tables of 4.3 to 4.5). They are counted in
 * the physical address, so that PSE-36's moved bits are judged too.
 */
static uint64_t too_wide(const struct ws_paging *paging, const struct ws_row *row,
			 uint64_t entry)
{
	uint8_t widest = paging->format->pa_bits;
	uint64_t missing, bits = 0;

	if (!paging->pa_bits || paging->pa_bits >= widest)
		return 0;
	missing = WS_BITS(widest - 1, paging->pa_bits);
	for (unsigned i = 0; i < WS_ARRAY_SIZE(row->address); i++) {
		const struct ws_piece *piece = &row->address[i];
		uint64_t there = piece->shift >= 0 ? missing >> piece->shift
						   : missing << -piece->shift;

		bits |= entry & piece->mask & there;
	}
	return bits;
}

uint64_t ws_reserved_bits(const struct ws_paging *paging, const struct ws_row *row,
			  uint64_t entry)
{
	uint64_t reserved =
		paging->emulated ? row->reserved & ~row->emulated : row->reserved;
	uint64_t bits = (entry & reserved) | too_wide(paging, row, entry);

	for (const struct ws_refusal *r = row->refusals; r && r->mask; r++)
		if ((entry & r->mask) == r->value)
			bits |= r->mask;
	return paging->no_execute ? bits : bits | (entry & paging->format->no_execute);
}

bool ws_check(const struct ws_paging *paging, const struct ws_trail *trail,
	      struct ws_flaw *flaw)
{
	const struct ws_format *format = trail->format;

	for (unsigned l = 0; l < trail->nsteps; l++) {
		uint64_t entry = trail->step[l].entry, bits;
		const struct ws_row *row = ws_row_of(&format->level[l], entry);

		if (!row)
			return false;
		bits = ws_reserved_bits(paging, row, entry);
		if (bits) {
			*flaw = (struct ws_flaw){ .level = (uint8_t)l, .reserved = bits };
			return true;
		}
	}
	return false;
}
