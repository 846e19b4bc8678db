/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What what-if has been told: of one space its whole story, or of each how it ends. */
#ifndef WHOSEES_OUTLOOK_H
#define WHOSEES_OUTLOOK_H

#include "session.h"
#include "util/vec.h"

struct told {
	uint32_t space; /* that was asked for */
	struct ws_story story;
	enum ws_verdict verdict; /* the audit's: the worse of the space's two halves' */
	const char *reasons;     /* that verdict's */
};

struct outlook {
	struct session *session;
	const struct ws_format *format;
	const struct ws_space *spaces;
	size_t nspaces;
	const struct ws_task *tasks;
	const struct ws_judgement *judgements;
	struct ws_audit *audit;
	struct ws_machine *machine;
	struct ws_what_if question;
	WS_VEC(struct told) told;
	size_t nsurvive, nunknown;
	/* of one space */
	const struct ws_overwritten *runs;
	size_t nruns;
};

/*
 * One story: in words; the exceptions of its last delivery; the access that this stopped
 * at; pages it has overwritten by what they were, and run by run. arg is an outlook.
 */
report_rows_fn tell_story, tell_exceptions, tell_ground_row, tell_uses, tell_runs,
	tell_more_runs;
extern const struct table exceptions_table, ground_table, uses_table, overwritten_table;

#endif
