/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one look at a target found, in words: it outlives the target, for whoever looks at
 * it until the next one. Strings are as they were found: not yet fit for a terminal.
 */
#ifndef WHOSEES_SNAPSHOT_H
#define WHOSEES_SNAPSHOT_H

#include <time.h>

#include "look.h"
#include "report/provenance.h"

/* Alike findings, of however many spaces. */
struct snapshot_finding {
	const struct ws_rule *rule;
	enum ws_severity severity;
	bool machine; /* of descriptor tables, whatever space is loaded: init_mm lists it */
	uint64_t va, last;
	char *text;
};

/* A space that counts, with its user half. */
struct snapshot_space {
	bool has_pid;
	uint32_t pid;
	uint64_t root;
	char name[WORDS]; /* without its pid */
	char *sentence;   /* what will happen */
	char *reasons;    /* lines; "": none */
	char *worst;      /* what decides about it, or what was not read; "": nothing */
	enum ws_verdict verdict;
	size_t at, nkinds; /* snapshot.kinds[at .. at + nkinds): its findings, worst
			      first; those of both halves are one */
	time_t since;      /* that it has the verdict; 0: as long as it is watched */
};

/* Zeroed: empty. */
struct snapshot {
	time_t when;                 /* the look began, */
	double seconds;              /* and took */
	char release[RELEASE_WORDS]; /* "": not known */
	char *sentence;
	size_t nverdict[DIGEST_VERDICTS], nseverity[DIGEST_SEVERITIES];
	WS_VEC(struct snapshot_finding) findings;
	WS_VEC(struct snapshot_space) spaces;
	WS_VEC(uint32_t) kinds; /* indices of findings */
	WS_VEC(char *) notes;
};

/* Of a look whose audit is there yet. False: memory is short. */
bool snapshot_make(struct snapshot *snapshot, const struct look *look);
void snapshot_release(struct snapshot *snapshot);

/* Whether both are of one space, at two moments: as changes have it. */
int snapshot_space_compare(const struct snapshot_space *a,
			   const struct snapshot_space *b);

/* since of each space that has had its verdict in `before`, too. False: memory is short. */
bool snapshot_keep_since(struct snapshot *snapshot, const struct snapshot *before);

#endif
