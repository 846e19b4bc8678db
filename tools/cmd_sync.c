/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would bring each space up to date: the plan, of which nothing is done. */
#include "facts.h"
#include "report/words.h"
#include "session.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

struct plan {
	struct session *session;
	struct ws_audit *audit;
	struct ws_sync_plan *plan;
	const struct ws_sync_entry *entries;
	size_t n, ncopied, nspaces;
	bool unknown; /* what decides about some space is not in the target */
	const struct ws_space *spaces;
};

static void plan_release(struct plan *plan)
{
	ws_sync_plan_destroy(plan->plan);
	ws_audit_destroy(plan->audit);
}

enum { SENTENCE, ENTRIES, COPIED, REFUSED, SPACES };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[ENTRIES] = { "entries", NULL, COLUMN_COUNT, NULL },
	[COPIED] = { "copied", NULL, COLUMN_COUNT, NULL },
	[REFUSED] = { "refused", NULL, COLUMN_COUNT, NULL },
	[SPACES] = { "spaces", NULL, COLUMN_COUNT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

static void print_summary(void *arg, struct report *report)
{
	const struct plan *plan = arg;
	uint64_t nrefused = plan->n - plan->ncopied;
	ws_autofree char *sentence = NULL;

	if (!plan->n && plan->unknown)
		sentence = ws_text_of("as far as it is known every space has init_mm's "
				      "entries; the target lacks some of what decides");
	else if (!plan->n)
		sentence = ws_text_of(
			"every space has init_mm's entries: there is nothing to "
			"bring up to date");
	else if (!nrefused)
		sentence = ws_text_of("%s would be copied from init_mm, in %s",
				      WS_COUNT_OF(plan->ncopied, "entry"),
				      WS_COUNT_OF(plan->nspaces, "space"));
	else
		sentence = ws_text_of(
			"%s would be copied from init_mm, in %s; %s would be left "
			"alone",
			WS_COUNT_OF(plan->ncopied, "entry"),
			WS_COUNT_OF(plan->nspaces, "space"),
			WS_COUNT_OF(nrefused, "entry"));
	report_row(report, (struct value[]){
				   [SENTENCE] = report_text_or_short(report, sentence),
				   [ENTRIES] = value_number(plan->n),
				   [COPIED] = value_number(plan->ncopied),
				   [REFUSED] = value_number(nrefused),
				   [SPACES] = value_number(plan->nspaces),
			   });
}

enum { PID, COMM, ROOT, VA, LAST, LEVEL, ENTRY_PA, NOW, THEN, WHAT };

static const struct column columns[] = {
	[PID] = { "pid", "PID", COLUMN_COUNT, "of the process whose space it is" },
	[COMM] = { "comm", "NAME", COLUMN_TEXT, "that process's name" },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, "that space's root" },
	[VA] = { "address", "ADDRESS", COLUMN_ADDRESS,
		 "the first that the entry is for" },
	[LAST] = { "last", NULL, COLUMN_ADDRESS, "and the last" },
	[LEVEL] = { "level", "ENTRY", COLUMN_TEXT,
		    "what an entry of its table is called" },
	[ENTRY_PA] = { "entry_pa", "AT", COLUMN_ADDRESS, "where it lies, physical" },
	[NOW] = { "now", "NOW", COLUMN_ADDRESS, "what it holds" },
	[THEN] = { "then", "THEN", COLUMN_ADDRESS, "what init_mm's holds" },
	[WHAT] = { "refused", "PLAN", COLUMN_TEXT,
		   "why it would be left alone; in JSON null: it would be copied" },
};
const struct table sync_table = { "entries", TABLE_COLUMNS(columns) };

static bool print_entry(const struct plan *plan, const struct ws_sync_entry *entry,
			struct report *report)
{
	const struct ws_space *space = &plan->spaces[entry->space];
	const struct ws_format *format = ws_system_paging(plan->session->system)->format;
	bool text = plan->session->request->format == REPORT_TEXT;
	ws_autofree char *refused = NULL;

	if (entry->refused)
		refused = ws_text_of("%s%s", text ? "leave: " : "", entry->refused);
	else if (text)
		refused = ws_text_of("copy");
	if (!refused && (text || entry->refused))
		report_short(report);
	return report_row(
		report,
		(struct value[]){
			[PID] = { .known = space_has_pid(space), .number = space->pid },
			[COMM] = value_text(space->comm),
			[ROOT] = value_number(space->root),
			[VA] = value_number(entry->va),
			[LAST] = value_number(entry->last),
			[LEVEL] = value_text(ws_level_entry_name(format, entry->level)),
			[ENTRY_PA] = value_number(entry->pa),
			[NOW] = value_number(entry->now),
			[THEN] = value_number(entry->then),
			[WHAT] = value_text(refused),
		});
}

static void print_entries(void *arg, struct report *report)
{
	const struct plan *plan = arg;

	for (size_t i = 0; i < plan->n; i++)
		if (!print_entry(plan, &plan->entries[i], report))
			return;
}

static void count(struct plan *plan)
{
	uint32_t last = WS_NO_SPACE;

	for (size_t i = 0; i < plan->n; i++) {
		if (plan->entries[i].refused)
			continue;
		plan->ncopied++;
		plan->nspaces += plan->entries[i].space != last;
		last = plan->entries[i].space;
	}
}

enum exit_status run_sync(struct session *session)
{
	ws_cleanup(plan_release) struct plan plan = { .session = session };
	enum ws_status status = ws_system_leave_out(session->system, "frames");
	struct report *report;
	size_t nspaces, nlacks;

	if (status == WS_OK)
		status = ws_audit_run(session->system, &plan.audit);
	if (status == WS_OK)
		status = ws_sync_plan_create(plan.audit, &plan.plan);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	plan.spaces = ws_system_spaces(session->system, &nspaces);
	plan.entries = ws_sync_plan_entries(plan.plan, &plan.n);
	ws_audit_lacks(plan.audit, &nlacks);
	plan.unknown = nlacks;
	count(&plan);
	report = session_report(session);
	report_table(report, &summary, print_summary, &plan);
	report_table(report, &sync_table, print_entries, &plan);
	return session_answer(session, plan.n         ? EXIT_UNSEEN
				       : plan.unknown ? EXIT_UNKNOWN
						      : EXIT_SEEN);
}
