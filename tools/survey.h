/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * spaces x WHATs: what the library's spaces x addresses come to when a WHAT may have
 * many addresses, all of which a space must see to see it.
 */
#ifndef WHOSEES_SURVEY_H
#define WHOSEES_SURVEY_H

#include "what.h"

/*
 * How one space sees one WHAT: by its first address that is not seen, or not known to be,
 * if any.
 */
struct sight {
	uint64_t va;
	struct ws_outcome outcome;
	uint32_t unseen;  /* addresses of the WHAT that are known not to be seen */
	uint32_t unknown; /* and those whose walk, or init_mm's, the target cuts short */
	bool damaged;     /* what lies at the space's root is no table */
	bool elsewhere;   /* a page is there, but not the one that init_mm has */
};

/*
 * sight[cell[w * nspaces + s]] is how space s sees WHAT w. Most spaces see alike, so a
 * cell is four bytes, as in struct ws_matrix. Zeroed: empty.
 */
struct survey {
	struct ws_space *spaces;
	size_t nspaces;
	const struct whats *whats;
	uint32_t *cell;
	WS_VEC(struct sight) sight;
};

/*
 * Probes the spaces that count: init_mm, processes and others in use, but not the
 * tables that the kernel boots with; with all, those, user halves and freed ones too.
 * whats must outlive the survey.
 */
enum exit_status survey_make(struct survey *survey, struct session *session,
			     const struct whats *whats, bool all);
void survey_release(struct survey *survey);

static inline const struct sight *survey_at(const struct survey *survey, size_t what,
					    size_t space)
{
	return &survey->sight.v[survey->cell[what * survey->nspaces + space]];
}

#endif
