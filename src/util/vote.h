/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of many differences has the most bytes, or votes, without a count for each. */
#ifndef WS_UTIL_VOTE_H
#define WS_UTIL_VOTE_H

#include <stdint.h>

/* bytes: a lower bound of what there is with this difference. */
struct ws_ballot {
	uint64_t delta, bytes;
};
#define WS_BALLOTS 16
/* Of WS_BALLOTS ballots, empty ones all 0. */
void ws_vote(struct ws_ballot *ballots, uint64_t delta, uint64_t bytes);

#endif
