/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one target comes to, on one line: the last of NDJSON, there also where there is no
 * answer, so that who goes through many targets needs no other line of each. `digest'
 * counts them.
 */
#ifndef WHOSEES_RESULT_H
#define WHOSEES_RESULT_H

#include "report/fingerprint.h"
#include "session.h"

struct result {
	const char *sentence;     /* NULL: there is no answer */
	report_rows_fn *findings; /* rows by result_finding(); NULL: none */
	void *arg;
};

/* A finding, or all that have one fingerprint: what is alike about them. */
struct result_finding {
	const struct fingerprint *print;
	const char *severity, *rule, *text;
	const char *modules; /* a line each */
};

/*
 * The answer's last line, in NDJSON. Returns status, or another where that no longer holds
 * (session_looked()), and ends the report.
 */
enum exit_status result_answer(struct session *session, const struct result *result,
			       enum exit_status status);
bool result_finding(struct report *report, const struct result_finding *finding);

/* The same where a command that would have ended with it has failed. */
enum exit_status result_of_failure(struct session *session, enum exit_status status);

#endif
