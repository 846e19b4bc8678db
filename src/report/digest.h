/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An audit, counted and grouped once for all that report it: tables, SARIF, the page,
 * and the difference between two.
 */
#ifndef WS_REPORT_DIGEST_H
#define WS_REPORT_DIGEST_H

#include "report/words.h"
#include "util/vec.h"
#include "whosees.h"

#define DIGEST_SEVERITIES (WS_FATAL + 1)
#define DIGEST_VERDICTS (WS_DOUBLE_FAULTS + 1)

/* Findings alike but for their space: digest.by_group[at .. at + nfindings). */
struct digest_group {
	const struct ws_finding *first;
	uint32_t id; /* what their finding.group is */
	uint32_t at, nfindings;
	uint32_t nspaces;          /* that they are of; both halves of one are one */
	enum ws_severity severity; /* the worst of them */
	uint32_t cause;            /* in digest.causes, or DIGEST_NO_CAUSE */
};

#define DIGEST_NO_CAUSE UINT32_MAX

/*
 * An entry that is missing, and at which the walks of several groups of findings end: one
 * cause, however many rules it breaks.
 */
struct digest_cause {
	const struct ws_finding *first; /* its walk in the space ends there */
	bool empty;                     /* the entry is zero, in each of the spaces */
	uint64_t va, last;              /* from the first of the findings to the last */
	uint32_t ngroups, nfindings, nspaces;
	enum ws_severity severity; /* the worst of them */
};

/* Of a space's findings, the most that have one cause; zeroed: no two have. */
struct digest_caused {
	uint32_t cause; /* in digest.causes */
	uint32_t n;     /* findings */
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
	bool *chosen;   /* the spaces that are reported, one a space */
	size_t nchosen; /* and count: user halves do not */
	bool is_part;   /* not all that were audited are: some were asked for */
	size_t ncoherent;
	size_t nverdict[DIGEST_VERDICTS];
	WS_VEC(const struct ws_finding *)
	findings;                           /* of those spaces, in the audit's order */
	const struct ws_finding **by_group; /* the same, sorted */
	size_t nseverity[DIGEST_SEVERITIES];
	WS_VEC(struct digest_group) groups; /* worst first */
	WS_VEC(uint32_t) sick;
	WS_VEC(struct digest_case) cases; /* worst first */
	WS_VEC(struct digest_cause) causes;
	struct digest_caused *caused; /* one a space */
};

/*
 * Of every space that was audited, or, where only is not NULL, of these nonly and their
 * user halves. False when memory is short.
 */
bool digest_make(struct digest *digest, struct ws_system *system,
		 const struct ws_audit *audit, const struct ws_space *only, size_t nonly);
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

/* The worst of what is wrong with the machine's own tables, whatever is mapped; or NULL. */
const struct ws_finding *digest_worst_of_machine(const struct digest *digest);

/* Whether the space behind this one is its user half. */
bool digest_has_half(const struct digest *digest, uint32_t space);

/*
 * What will happen, worst first: "2,001 of 2,023 processes will crash at their next page
 * fault (gate 14 leads into module dtrace, which is not mapped there)". To be freed;
 * NULL: memory is short.
 */
char *digest_headline(const struct digest *digest);
/* The same, and how many are coherent. */
char *digest_sentence(const struct digest *digest);
/*
 * "8 findings, in 3 rows: 4 fatal, 4 errors": those that are alike share a row. The same.
 */
char *digest_findings_sentence(const struct digest *digest, size_t rows);
/* How many rows that is where findings of one cause share one as well. */
size_t digest_folded_rows(const struct digest *digest);

/* What all spaces with that verdict have in common; of a verdict that none has, itself. */
struct ws_judgement digest_of_verdict(const struct digest *digest,
				      enum ws_verdict verdict);

/*
 * The space that a processor's CR3 holds; WS_NO_SPACE: none that is reported, or unknown.
 */
uint32_t digest_loaded(const struct digest *digest, const struct ws_cpu *cpu);

/*
 * Of spaces in which the machine will crash, whether a processor is in one: "CPU 0 is in
 * 83 waiter now"; "" of others. To be freed; NULL: memory is short.
 */
char *digest_now_sentence(const struct digest *digest, const struct digest_case *sick);

/*
 * "83 waiter will crash at its next page fault (nests)"; four or more are named as "83 a,
 * 84 b, 85 c and 12 more". The same.
 */
char *digest_case_sentence(const struct digest *digest, const struct digest_case *sick);

/* digest_make()'s last step: causes, and what they come to for each space. cause.c */
bool digest_find_causes(struct digest *digest);
/* "PML4E 511 is empty". */
const char *digest_cause_words(const struct digest *digest,
			       const struct digest_cause *cause,
			       char words[static WORDS]);
/*
 * "PML4E 511 is empty, and all 17 findings about this space follow from it", or, where it
 * is not alone, about each; "" where no two of its findings have one cause. To be freed;
 * NULL: memory is short.
 */
char *digest_cause_sentence(const struct digest *digest, uint32_t space, bool alone);

#endif
