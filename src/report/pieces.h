/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's half cut into pieces for a map: where a region or a module begins or
 * ends, or what a finding is about. Between two cuts all is alike, as far as a map shows.
 */
#ifndef WS_REPORT_PIECES_H
#define WS_REPORT_PIECES_H

#include "report/digest.h"

struct piece {
	uint64_t va, last;
	const char *region;             /* static */
	const struct ws_module *module; /* that lies there; NULL: none */
	uint64_t mapped;                /* bytes of it that init_mm maps */
	uint64_t user_mapped;           /* and that PTI's user half of it does */
	bool found;                     /* a finding is about it */
};

/* In order of address, without a gap or an overlap. Zeroed: empty. */
struct pieces {
	WS_VEC(struct piece) v;
};

/* False when memory is short. Tables without an end leave mapped at what was seen. */
bool pieces_make(struct pieces *pieces, const struct digest *digest);
void pieces_release(struct pieces *pieces);

#endif
