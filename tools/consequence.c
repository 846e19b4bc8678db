/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "consequence.h"

#include <stdlib.h>

#include "lines.h"
#include "report/digest.h"
#include "util/cleanup.h"

static void print_cases(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	ws_vec_each(&digest->cases, sick) {
		ws_autofree char *sentence = digest_case_sentence(digest, sick);

		if (!sentence)
			report_short(report);
		prose_line(report, true, "%s", sentence ? sentence : "");
	}
}

enum exit_status consequence_print(struct session *session, struct report *report,
				   const struct ws_space *spaces, size_t n)
{
	ws_cleanup(digest_release) struct digest digest = { 0 };
	enum exit_status exit = EXIT_SEEN;
	struct ws_audit *audit;
	enum ws_status status;

	if (!n || report->alone) /* --columns: nothing but the table is printed */
		return EXIT_SEEN;
	status = ws_audit_run(session->system, &audit);
	progress_clear(&session->progress);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	if (digest_make(&digest, session->system, audit, spaces, n))
		report_table(report, &lines_table, print_cases, &digest);
	else
		exit = session_fail_memory();
	ws_audit_destroy(audit);
	return exit;
}
