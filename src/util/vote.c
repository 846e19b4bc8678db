/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/vote.h"

/*
 * Misra and Gries, "Finding repeated elements" (1982), by weight: what has more than one
 * part in WS_BALLOTS + 1 of all bytes is sure to be among the ballots at the end, however
 * many differences there are. (Every vmalloc page has its own.)
 */
void ws_vote(struct ws_ballot *ballots, uint64_t delta, uint64_t bytes)
{
	struct ws_ballot *least = ballots;
	uint64_t taken;

	for (struct ws_ballot *b = ballots; b < ballots + WS_BALLOTS; b++) {
		if (b->bytes && b->delta == delta) {
			b->bytes += bytes;
			return;
		}
		if (b->bytes < least->bytes)
			least = b;
	}
	taken = bytes < least->bytes ? bytes : least->bytes;
	for (struct ws_ballot *b = ballots; b < ballots + WS_BALLOTS; b++)
		b->bytes -= taken;
	if (bytes > taken)
		*least = (struct ws_ballot){ delta, bytes - taken };
}
