/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of the audit, as a table. */
#include "lines.h"
#include "session.h"

enum { ID, FAMILY, SEVERITY, VERDICT, NAME, MEANING, FIX, HISTORY };

static const struct column columns[] = {
	[ID] = { "id", "RULE", COLUMN_TEXT, "what findings and SARIF call it" },
	[FAMILY] = { "family", "FAMILY", COLUMN_TEXT,
		     "coherence, fault-path, protection or well-formed", .optional = 2 },
	[SEVERITY] = { "severity", "SEVERITY", COLUMN_TEXT,
		       "info, warning, error or fatal, at worst: what is repaired is a warning" },
	[VERDICT] = { "verdict", "VERDICT", COLUMN_TEXT,
		      "what it comes to for a space, where nothing repairs it",
		      .optional = 1 },
	[NAME] = { "name", "WHAT IT FINDS", COLUMN_TEXT, "what it finds, in short" },
	[MEANING] = { "meaning", NULL, COLUMN_TEXT, "and what that means" },
	[FIX] = { "fix", NULL, COLUMN_TEXT, "what to do about it" },
	[HISTORY] = { "history", NULL, COLUMN_TEXT, "where it happened" },
};
const struct table rules_table = { "rules", TABLE_COLUMNS(columns) };

static void print_rules(void *arg, struct report *report)
{
	const struct ws_rule *rule;

	(void)arg;
	for (unsigned i = 0; (rule = ws_rule_at(i)); i++) {
		struct value row[] = {
			[ID] = value_text(rule->id),
			[FAMILY] = value_text(rule->family),
			[SEVERITY] = value_text(ws_severity_name(rule->severity)),
			[VERDICT] = value_text(ws_verdict_name(rule->verdict)),
			[NAME] = value_text(rule->name),
			[MEANING] = value_text(rule->meaning),
			[FIX] = value_text(rule->fix),
			[HISTORY] = value_text(rule->history),
		};

		if (!report_row(report, row))
			return;
	}
}

static void print_at_worst(void *arg, struct report *report)
{
	(void)arg;
	prose_line(
		report, false,
		"severities and verdicts at worst: what the kernel itself repairs is a "
		"warning, and the verdict heals");
}

enum exit_status run_rules(struct session *session)
{
	struct report *report = session_report(session);

	if (session->request->format == REPORT_TEXT)
		report_table(report, &lines_table, print_at_worst, NULL);
	report_table(report, &rules_table, print_rules, NULL);
	return session_answer(session, EXIT_SEEN);
}
