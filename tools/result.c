/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "result.h"

#include "report/provenance.h"
#include "util/cleanup.h"
#include "util/text.h"

enum { FINGERPRINT, SEVERITY, RULE, PLACE, DIFFERENCE, MODULES, TEXT };

static const struct column finding_columns[] = {
	[FINGERPRINT] = { "fingerprint", NULL, COLUMN_TEXT, NULL },
	[SEVERITY] = { "severity", NULL, COLUMN_TEXT, NULL },
	[RULE] = { "rule", NULL, COLUMN_TEXT, NULL },
	[PLACE] = { "place", NULL, COLUMN_TEXT, NULL },
	[DIFFERENCE] = { "difference", NULL, COLUMN_TEXT, NULL },
	[MODULES] = { "modules", NULL, COLUMN_LINES, NULL },
	[TEXT] = { "text", NULL, COLUMN_TEXT, NULL },
};
static const struct table findings = { "findings", TABLE_COLUMNS(finding_columns) };

/* What killed a machine has a place and a difference only where it is known to have. */
static struct value text_unless_empty(const char *text)
{
	return value_text(text && *text ? text : NULL);
}

bool result_finding(struct report *report, const struct result_finding *finding)
{
	struct value row[] = {
		[FINGERPRINT] = value_text(finding->print->hex),
		[SEVERITY] = value_text(finding->severity),
		[RULE] = value_text(finding->rule),
		[PLACE] = text_unless_empty(finding->print->place),
		[DIFFERENCE] = text_unless_empty(finding->print->difference),
		[MODULES] = text_unless_empty(finding->modules),
		[TEXT] = value_text(finding->text),
	};

	return report_row(report, row);
}

enum { SCHEMA, TARGET, STATUS, KERNEL, SENTENCE, ERROR, FINDINGS };

static const struct column result_columns[] = {
	[SCHEMA] = { "schema", NULL, COLUMN_TEXT, NULL },
	[TARGET] = { "target", NULL, COLUMN_TEXT, NULL },
	[STATUS] = { "status", NULL, COLUMN_COUNT, NULL },
	[KERNEL] = { "kernel", NULL, COLUMN_TEXT, NULL },
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[ERROR] = { "error", NULL, COLUMN_TEXT, NULL },
	[FINDINGS] = { "findings", NULL, COLUMN_ROWS, NULL, &findings },
};
static const struct table result_table = { "result", TABLE_COLUMNS(result_columns) };

struct line {
	const struct session *session;
	const struct result *result;
	enum exit_status status;
};

static void print_nothing(void *arg, struct report *report)
{
	(void)arg;
	(void)report;
}

static void print_line(void *arg, struct report *report)
{
	const struct line *line = arg;
	const struct session *session = line->session;
	const struct result *result = line->result;
	const char *why = session->why ? session->why : "standard error has why";
	ws_autofree char *schema =
		ws_text_of("whosees/%s/%u", report->command, report->schema);
	char release[RELEASE_WORDS];
	struct value row[] = {
		[SCHEMA] = report_text_or_short(report, schema),
		[TARGET] = value_text(session->request->target),
		[STATUS] = value_number(line->status),
		[KERNEL] = value_text(session->system
					      ? kernel_release(session->system, release)
					      : NULL),
		[SENTENCE] = value_text(result->sentence),
		[ERROR] = value_text(result->sentence ? NULL : why),
		[FINDINGS] = value_rows(
			result->findings ? result->findings : print_nothing, result->arg),
	};

	report_row(report, row);
}

static enum exit_status print_result(struct session *session, const struct result *result,
				     enum exit_status status)
{
	struct line line = { session, result, status };

	if (session->request->format == REPORT_NDJSON)
		report_table(&session->report, &result_table, print_line, &line);
	return session_answer(session, status);
}

enum exit_status result_answer(struct session *session, const struct result *result,
			       enum exit_status status)
{
	static const struct result none = { 0 };
	enum exit_status looked;

	session_notes(session);
	looked = session_looked(session, status);
	if (session->report.failed) /* rows are missing: it is no answer */
		looked = EXIT_UNREADABLE;
	return print_result(session, looked == status ? result : &none, looked);
}

enum exit_status result_of_failure(struct session *session, enum exit_status status)
{
	static const struct result none = { 0 };

	if (status == EXIT_SEEN || session->report.ops ||
	    !session->request->command->has_result ||
	    session->request->format != REPORT_NDJSON)
		return status;
	session_report(session);
	return print_result(session, &none, status);
}
