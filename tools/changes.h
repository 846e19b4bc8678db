/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed from one look at a target to the next, for whoever watches it. */
#ifndef WHOSEES_CHANGES_H
#define WHOSEES_CHANGES_H

#include <time.h>

#include "facts.h"
#include "report/report.h"

/* In the order in which they matter. */
enum change_kind {
	CHANGE_WORSE,    /* a verdict, */
	CHANGE_FOUND,    /* a finding that was not there, */
	CHANGE_IMPROVED, /* a verdict, */
	CHANGE_GONE,     /* a finding that is there no more, */
	CHANGE_OTHER,    /* a verdict that became unknown, or a module */
	CHANGE_LOST,     /* a look that failed, */
	CHANGE_BACK,     /* and the next that did not */
};

/* Strings are the facts' own. */
struct change {
	enum change_kind kind;
	const char *what; /* "verdict", "finding", "module", "target" */
	const char *name;
	const char *before, *after; /* NULL: it was not, it is not */
	int severity;               /* of a finding, enum ws_severity; else -1 */
	bool has_range;
	uint64_t va, last;
};
typedef WS_VEC(struct change) change_vec;

/*
 * Processes come and go: only what is wrong with them is a change. False: memory is
 * short.
 */
bool changes_find(const fact_pairs *pairs, change_vec *changes);

/* Whether somebody should be told: a worse verdict, or a new finding, error or fatal. */
bool change_is_alarm(const struct change *change);

extern const struct table changes_table;
/* All of them as rows of that table. */
void changes_report(const change_vec *changes, time_t now, struct report *report);
/* A line of text; and without its time and its end. */
void change_print(const struct change *change, time_t now, FILE *to);
void change_print_words(const struct change *change, FILE *to);

/* "2026-11-30T23:59:59Z" */
#define CHANGE_TIME 32
const char *change_time(time_t now, char text[static CHANGE_TIME]);

#endif
