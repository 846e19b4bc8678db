/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What what-if has simulated: of one space its whole story, or of each how it ends. */
#ifndef WHOSEES_OUTLOOK_H
#define WHOSEES_OUTLOOK_H

#include "session.h"
#include "util/vec.h"

struct simulated {
	uint32_t space; /* that was asked for */
	struct ws_story story;
	bool begun;                /* the story; false: what it begins on is not known */
	struct ws_judgement whole; /* the audit's, the worse of the space's two halves' */
};

struct outlook {
	struct session *session;
	const struct ws_format *format;
	const struct ws_space *spaces;
	size_t nspaces;
	const struct ws_task *tasks;
	struct ws_audit *audit;
	struct ws_machine *machine;
	struct ws_what_if question;
	WS_VEC(struct simulated) simulated;
	size_t nsurvive, nunknown;
	bool one; /* its whole story: */
	const struct ws_frame_run *runs;
	size_t nruns;
};

/* Overwritten pages, and runs of them, by what they were: of the sentence and the table. */
struct usage {
	uint64_t pages, runs;
};
void usage_count(const struct outlook *outlook, struct usage usage[static WS_FRAME_USES]);

/*
 * "simulated: a kernel-mode page fault in 116 waiter never reaches its handler, ...". To
 * be freed; NULL: memory is short.
 */
char *story_sentence(const struct outlook *outlook, const struct simulated *one);

/*
 * One story: in words; the exceptions of its last delivery; the access that this stopped
 * at; pages it has overwritten by what they were, and run by run. arg is an outlook.
 */
report_rows_fn print_story, print_exceptions, print_ground_row, print_uses, print_runs,
	print_more_runs;
extern const struct table exceptions_table, ground_table, uses_table, overwritten_table;

#endif
