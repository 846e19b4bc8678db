/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What heals: which holes the kernel of this target fills by itself, and by what. */
#ifndef WS_AUDIT_MENDING_H
#define WS_AUDIT_MENDING_H

#include "audit/arch.h"

enum ws_mends {
	WS_MENDS_NOT,
	WS_MENDS_PERHAPS, /* its functions are not known, or not all of them */
	WS_MENDS,
};

/* Of one row of the architecture's: whether this kernel does it. */
struct ws_mender {
	const struct ws_mending *mending;
	enum ws_mends does;
	uint64_t va; /* of the function */
	bool counts; /* where its count is is known */
	struct ws_mending_count count;
};

struct ws_menders {
	struct ws_mender v[WS_MENDINGS_MAX];
	/* The same, in a space of which it is not known whether it is due there. */
	struct ws_mender perhaps[WS_MENDINGS_MAX];
	size_t n;
	size_t nfunctions; /* of the kernel's, that are known; 0: not all are */
};

void ws_menders_look(struct ws_audit *audit, struct ws_menders *menders);

/*
 * What would fill the hole that a finding is about: one that this kernel has before one
 * that it may have, and that before one that it has not. NULL: nothing ever does.
 */
const struct ws_mender *ws_mender_of(const struct ws_audit *audit,
				     const struct ws_menders *menders,
				     const struct ws_finding *finding);
/* The same of a hole in a space that no verdict is passed on. */
const struct ws_mender *ws_mender_of_hole(const struct ws_audit *audit,
					  const struct ws_menders *menders,
					  const struct ws_finding *finding);

/*
 * Of each way that goes by a count, and copies such entries: what that says of the space. A
 * line each.
 */
void ws_menders_print_counts(FILE *to, const struct ws_audit *audit,
			     const struct ws_menders *menders,
			     const struct ws_finding *finding);

#endif
