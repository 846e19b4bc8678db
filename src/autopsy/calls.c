/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stack, told from other memory: each call saves the frame pointer of its caller, with the
 * address above it to which it returns. What else points to itself, as lists do, has no such
 * chain.
 */
#include "autopsy/calls.h"

#include "util/bits.h"

#define CALLS_MIN 4u

/* No image, nor memory by the direct map: code of a module, whose tables may be lost too. */
static bool may_be_code(const struct ws_system *system, uint64_t va)
{
	return ws_is_kernel_va(system, va) &&
	       (ws_in_image(system, va) ||
		!ws_target_piece(system->target, ws_direct_pa(system, va)));
}

/* Whether so many calls lead upward from there, and the last out of the page. */
static bool leads_out(const struct ws_system *system, const uint8_t *page, uint64_t va,
		      size_t at)
{
	unsigned word = system->layout.word, n = 0;

	while (at + 2 * word <= WS_FRAME_SIZE) {
		uint64_t caller = ws_le_word(page + at, word);

		if (caller % word || caller <= va + at + word ||
		    caller - va >= 2 * WS_FRAME_SIZE ||
		    !may_be_code(system, ws_le_word(page + at + word, word)))
			return false;
		n++;
		at = caller - va;
	}
	return n >= CALLS_MIN;
}

uint64_t ws_find_calls(const struct ws_system *system, uint64_t va)
{
	const uint8_t *page;

	if (ws_target_frame(system->target, ws_direct_pa(system, va), &page) != WS_READ)
		return 0;
	for (size_t at = 0; at < WS_FRAME_SIZE; at += system->layout.word)
		if (leads_out(system, page, va, at))
			return va + at;
	return 0;
}
