/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An audit, counted and grouped once for all that tell of it: tables, SARIF, the page,
 * and the difference between two.
 */
#ifndef WS_REPORT_DIGEST_H
#define WS_REPORT_DIGEST_H

#include "util/vec.h"
#include "whosees.h"

#define DIGEST_SEVERITIES (WS_FATAL + 1)
#define DIGEST_VERDICTS (WS_DOUBLE_FAULTS + 1)

/* Findings alike but for their space: digest.by_group[at .. at + nspaces). */
struct digest_group {
	const struct ws_finding *first;
	uint32_t id; /* what their finding.group is */
	uint32_t at, nspaces;
	enum ws_severity severity; /* the worst of them */
};

/* Spaces that are not coherent, all with one verdict and the same groups of findings. */
struct digest_case {
	uint32_t at; /* digest.sick[at .. at + nspaces) are indices of spaces */
	uint32_t nspaces;
};

/* Findings, spaces and judgements are the audit's own, and so outlived by it. */
struct digest {
	struct ws_system *system;
	const struct ws_audit *audit;
	const struct ws_space *spaces;
	size_t nspaces;
	const struct ws_judgement *judgements; /* one a space */
	bool *told; /* the spaces that are told of, one a space */
	size_t ntold;
	size_t ncoherent;
	size_t nverdict[DIGEST_VERDICTS];
	WS_VEC(const struct ws_finding *)
	findings;                           /* of those spaces, in the audit's order */
	const struct ws_finding **by_group; /* the same, sorted */
	size_t nseverity[DIGEST_SEVERITIES];
	WS_VEC(struct digest_group) groups; /* worst first */
	WS_VEC(uint32_t) sick;
	WS_VEC(struct digest_case) cases; /* worst first */
};

/*
 * Of every space that was audited, or, where only is given, of that one and its user
 * half. False when memory is short.
 */
bool digest_make(struct digest *digest, struct ws_system *system,
		 const struct ws_audit *audit, const struct ws_space *only);
void digest_release(struct digest *digest);

/* Findings by space, and in a space by group. To be freed; NULL: memory is short. */
const struct ws_finding **digest_by_space(const struct digest *digest);

/* What all of it comes to, for the exit status. */
enum digest_state {
	DIGEST_CLEAN,   /* every space is coherent, no finding is worse than info */
	DIGEST_UNKNOWN, /* the same, as far as it is known */
	DIGEST_FOUND,
};
enum digest_state digest_state(const struct digest *digest);

/* What a verdict means, in half a sentence. */
const char *verdict_meaning(enum ws_verdict verdict);

/*
 * "1004 of 1005 address spaces are coherent; 1 nests: 83 victim". To be freed; NULL:
 * memory is short.
 */
char *digest_sentence(const struct digest *digest);
/* "3 findings: 1 fatal, 2 errors". The same. */
char *digest_findings_sentence(const struct digest *digest);

/* "83 victim nests:", "83 victim, 84 other, 85 third and 12 more nest:". The same. */
char *digest_case_sentence(const struct digest *digest, const struct digest_case *sick);

#endif
