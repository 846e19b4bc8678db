/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would bring each space up to date; done, with a journal; and taken back. */
#include "facts.h"
#include "interrupts.h"
#include "journal.h"
#include "report/words.h"
#include "session.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

/* What is done with a plan, in words. */
struct words {
	const char *would, *done; /* of an entry: "copy", "copied" */
	const char *nothing;      /* where there is none */
	const char *none;         /* where all there are are left alone */
	const char *plan, *carried_out;
};

static const struct words copying = {
	.would = "copy",
	.done = "copied",
	.nothing = "every space has init_mm's entries: there is nothing to bring up to "
		   "date",
	.none = "nothing is to be copied from init_mm",
	.plan = "%s would be copied from init_mm, in %s",
	.carried_out =
		"%s of %zu copied from init_mm, in %s, and found there by a second "
		"walk",
};

static const struct words taking_back = {
	.would = "take back",
	.done = "taken back",
	.nothing = "the journal has no entry that was written: there is nothing to take "
		   "back",
	.none = "nothing is to be taken back",
	.plan = "%s would be taken back, in %s",
	.carried_out = "%s of %zu taken back, in %s, and found gone by a second walk",
};

struct plan {
	struct session *session;
	struct ws_audit *audit; /* NULL: of a journal */
	struct ws_sync_plan *plan;
	const struct ws_sync_entry *entries;
	const struct words *words;
	bool carried_out;
	bool keeps;            /* a journal */
	enum exit_status kept; /* EXIT_SEEN: it is whole */
	size_t n, nwanted, nproved, nsettled,
		nspaces; /* nspaces: where one is proved or wanted */
	bool unknown;    /* what decides about some space is not in the target */
	const struct ws_space *spaces;
	char *hint;   /* or NULL */
	char *sequel; /* what comes of it, of a simulated machine; or NULL */
	struct journal journal;
};

static void plan_release(struct plan *plan)
{
	ws_sync_plan_destroy(plan->plan);
	ws_audit_destroy(plan->audit);
	journal_release(&plan->journal);
	free(plan->sequel);
	free(plan->hint);
}

/* ---- what is said ------------------------------------------------------------------- */

enum { SENTENCE, ENTRIES, COPIED, REFUSED, SPACES, APPLIED };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[ENTRIES] = { "entries", NULL, COLUMN_COUNT, NULL },
	[COPIED] = { "copied", NULL, COLUMN_COUNT, NULL },
	[REFUSED] = { "refused", NULL, COLUMN_COUNT, NULL },
	[SPACES] = { "spaces", NULL, COLUMN_COUNT, NULL },
	[APPLIED] = { "applied", NULL, COLUMN_YES, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

static char *sentence_of(const struct plan *plan)
{
	size_t nrefused = plan->n - plan->nwanted;
	bool some = plan->nwanted != 0;
	ws_autofree char *first = NULL;

	if (!plan->n)
		return ws_text_of("%s", plan->unknown
						? "as far as it is known every space has "
						  "init_mm's entries; the target lacks "
						  "some of what decides"
						: plan->words->nothing);
	if (plan->carried_out)
		first = ws_text_of(plan->words->carried_out,
				   WS_COUNT_OF(plan->nproved, "entry"), plan->nwanted,
				   WS_COUNT_OF(plan->nspaces, "space"));
	else if (!some)
		first = ws_text_of("%s", plan->words->none);
	else
		first = ws_text_of(plan->words->plan, WS_COUNT_OF(plan->nwanted, "entry"),
				   WS_COUNT_OF(plan->nspaces, "space"));
	if (!first || !nrefused)
		return ws_steal(first);
	return ws_text_of("%s; %s %s left alone", first, WS_COUNT_OF(nrefused, "entry"),
			  some && !plan->carried_out ? "would be"
			  : some && nrefused == 1    ? "was"
			  : some                     ? "were"
			  : nrefused == 1            ? "is"
						     : "are");
}

static void print_summary(void *arg, struct report *report)
{
	const struct plan *plan = arg;
	ws_autofree char *sentence = sentence_of(plan);

	report_row(report,
		   (struct value[]){
			   [SENTENCE] = report_text_or_short(report, sentence),
			   [ENTRIES] = value_number(plan->n),
			   [COPIED] = value_number(plan->carried_out ? plan->nproved
								     : plan->nwanted),
			   [REFUSED] = value_number(plan->n - plan->nwanted),
			   [SPACES] = value_number(plan->nspaces),
			   [APPLIED] = value_number(plan->carried_out),
		   });
}

enum {
	PID,
	COMM,
	ROOT,
	VA,
	LAST,
	REGION,
	LEVEL,
	ENTRY_PA,
	NOW,
	THEN,
	FROM,
	REFUSED_FOR,
	END,
	WHAT
};

static const struct column columns[] = {
	[PID] = { "pid", "PID", COLUMN_COUNT, "of the process whose space it is" },
	[COMM] = { "comm", "NAME", COLUMN_TEXT, "that process's name" },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, "that space's root" },
	[VA] = { "address", "ADDRESS", COLUMN_ADDRESS,
		 "the first that the entry is for" },
	[LAST] = { "last", NULL, COLUMN_ADDRESS, "and the last" },
	[REGION] = { "region", NULL, COLUMN_TEXT, "what the kernel has there" },
	[LEVEL] = { "level", "ENTRY", COLUMN_TEXT,
		    "what an entry of its table is called" },
	[ENTRY_PA] = { "entry_pa", "AT", COLUMN_ADDRESS, "where it lies, physical" },
	[NOW] = { "now", "NOW", COLUMN_ADDRESS, "what it holds, or held before" },
	[THEN] = { "then", "THEN", COLUMN_ADDRESS, "what it is to hold: init_mm's" },
	[FROM] = { "from", NULL, COLUMN_ADDRESS, "where that lies, physical" },
	[REFUSED_FOR] = { "refused", NULL, COLUMN_TEXT,
			  "why it is left alone; null: it is not" },
	[END] = { "end", NULL, COLUMN_TEXT,
		  "what came of it; null: nobody has tried to write it" },
	[WHAT] = { "what", "WHAT", COLUMN_TEXT, "the same in a word" },
};
const struct table sync_table = { "entries", TABLE_COLUMNS(columns) };

static bool is_done(const struct ws_sync_entry *entry)
{
	return entry->end == WS_SYNC_WRITTEN || entry->end == WS_SYNC_IS_SO;
}

static char *what_of(const struct plan *plan, const struct ws_sync_entry *entry)
{
	if (entry->refused)
		return ws_text_of("leave: %s", entry->refused);
	if (!plan->carried_out)
		return ws_text_of("%s", plan->words->would);
	return ws_text_of("%s%s",
			  entry->end == WS_SYNC_WRITTEN ? plan->words->done
							: ws_sync_end_name(entry->end),
			  is_done(entry) && !entry->proved
				  ? ", but a second walk does not find it"
				  : "");
}

static struct value end_of(const struct ws_sync_entry *entry)
{
	return entry->end == WS_SYNC_LEFT ? value_text(NULL)
	       : is_done(entry) && !entry->proved
		       ? value_text("not found by a second walk")
		       : value_text(ws_sync_end_name(entry->end));
}

static bool print_entry(const struct plan *plan, const struct ws_sync_entry *entry,
			struct report *report)
{
	const struct ws_space *space =
		entry->space == WS_NO_SPACE ? NULL : &plan->spaces[entry->space];
	const struct ws_format *format = ws_system_paging(plan->session->system)->format;
	ws_autofree char *what = what_of(plan, entry);

	return report_row(
		report,
		(struct value[]){
			[PID] = { .known = !space || space_has_pid(space),
				  .number = entry->pid },
			[COMM] = value_text(space ? space->comm : NULL),
			[ROOT] = value_number(entry->root),
			[VA] = value_number(entry->va),
			[LAST] = value_number(entry->last),
			[REGION] = value_text(entry->region),
			[LEVEL] = value_text(ws_level_entry_name(format, entry->level)),
			[ENTRY_PA] = { .known = entry->pa, .number = entry->pa },
			[NOW] = value_number(entry->now),
			[THEN] = value_number(entry->then),
			[FROM] = { .known = entry->from, .number = entry->from },
			[REFUSED_FOR] = value_text(entry->refused),
			[END] = end_of(entry),
			[WHAT] = report_text_or_short(report, what),
		});
}

static void print_entries(void *arg, struct report *report)
{
	const struct plan *plan = arg;

	for (size_t i = 0; i < plan->n; i++)
		if (!print_entry(plan, &plan->entries[i], report))
			return;
}

/* Where a fault cannot reach its handler a copied entry mends the spaces of today alone. */
static bool is_for_a_handler(const struct plan *plan)
{
	const struct ws_judgement *judgements;
	size_t n;

	if (!plan->audit || plan->words != &copying)
		return false;
	judgements = ws_audit_judgements(plan->audit, &n);
	for (size_t i = 0; i < plan->n; i++)
		if (!plan->entries[i].refused && plan->entries[i].space < n &&
		    judgements[plan->entries[i].space].verdict == WS_NESTS)
			return true;
	return false;
}

static void print_notes(const struct plan *plan, struct report *report)
{
	ws_autofree char *journal = NULL;

	if (plan->words == &taking_back && !plan->carried_out && plan->nwanted)
		report_note(report, "--apply takes them back");
	if (is_for_a_handler(plan))
		report_note(
			report,
			"copied entries mend the address spaces of now, and the next "
			"module that is loaded may need them anew; what mends it for good is "
			"a fault handler in memory that every space has from the "
			"beginning, the kernel's image or kmalloc()'s: whosees sim "
			"repair-direct-map");
	if (plan->sequel)
		report_note(report, plan->sequel);
	if (!plan->journal.path)
		return;
	journal = ws_text_of("--undo %s --apply takes back what was written, unless the "
			     "kernel changes it first",
			     plan->journal.path);
	if (journal)
		report_note(report, journal);
}

static void count(struct plan *plan)
{
	uint32_t last = WS_NO_SPACE;

	plan->nwanted = plan->nproved = plan->nsettled = plan->nspaces = 0;
	plan->entries = ws_sync_plan_entries(plan->plan, &plan->n);
	for (size_t i = 0; i < plan->n; i++) {
		const struct ws_sync_entry *entry = &plan->entries[i];

		plan->nwanted += !entry->refused;
		plan->nproved += entry->proved;
		plan->nsettled += entry->proved || entry->end == WS_SYNC_GONE ||
				  (entry->refused && entry->end == WS_SYNC_IS_SO);
		if (entry->refused || (plan->carried_out && !entry->proved))
			continue;
		plan->nspaces += entry->space != last;
		last = entry->space;
	}
}

static enum exit_status status_of(const struct plan *plan)
{
	if (plan->kept != EXIT_SEEN)
		return plan->kept;
	if (plan->n > plan->nsettled)
		return EXIT_UNSEEN;
	return plan->unknown ? EXIT_UNKNOWN : EXIT_SEEN;
}

/* ---- what is done ------------------------------------------------------------------- */

static enum exit_status plan_of_audit(struct plan *plan)
{
	struct session *session = plan->session;
	enum ws_status status;
	size_t nlacks;

	plan->words = &copying;
	status = ws_audit_run(session->system, &plan->audit);
	if (status == WS_OK)
		status = ws_sync_plan_create(plan->audit, &plan->plan);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	ws_audit_lacks(plan->audit, &nlacks);
	plan->unknown = nlacks;
	return EXIT_SEEN;
}

static enum exit_status plan_of_journal(struct plan *plan)
{
	struct session *session = plan->session;
	journal_entries written = { 0 };
	enum exit_status exit = journal_read(session, session->request->undo, &written);
	enum ws_status status;

	plan->words = &taking_back;
	if (exit == EXIT_SEEN) {
		status = ws_sync_plan_undo(session->system, written.v, written.n,
					   &plan->plan);
		if (status != WS_OK)
			exit = session_fail(session, status, NULL);
	}
	ws_vec_release(&written);
	return exit;
}

/* What was written before it failed can be taken back. */
static const char *hint_of(struct plan *plan)
{
	if (plan->journal.path)
		plan->hint = ws_text_of("some entries were written, or may have been: "
					"--undo %s --apply takes them back",
					plan->journal.path);
	return plan->hint;
}

/* What is begun is done to its end, and the journal has it. */
static enum ws_status write_and_keep(struct plan *plan)
{
	struct session *session = plan->session;
	struct interrupts held;
	enum ws_status status;

	interrupts_hold(&held);
	status = ws_sync_plan_apply(session->system, plan->plan);
	if (plan->keeps)
		plan->kept = journal_end(&plan->journal, session, plan->entries, plan->n);
	if (interrupts_came() && plan->journal.path)
		fprintf(stderr,
			"whosees: interrupted, after the entries were written: "
			"--undo %s --apply takes them back\n",
			plan->journal.path);
	interrupts_release(&held);
	return status;
}

static enum exit_status carry_out(struct plan *plan)
{
	struct session *session = plan->session;
	enum exit_status begun = EXIT_SEEN;
	enum ws_status status;

	if (plan->keeps)
		begun = journal_begin(&plan->journal, session, plan->entries, plan->n,
				      session->request->journal);
	if (begun != EXIT_SEEN)
		return begun;
	plan->carried_out = true;
	status = write_and_keep(plan);
	if (status == WS_OK)
		status = ws_sync_goes_on(session->target, &plan->sequel);
	if (status != WS_OK)
		return session_fail_hint(session, status, NULL, hint_of(plan));
	return EXIT_SEEN;
}

enum exit_status run_sync(struct session *session)
{
	ws_cleanup(plan_release) struct plan plan = { .session = session };
	const struct request *request = session->request;
	enum exit_status exit;
	enum ws_status status = WS_OK;
	struct report *report;
	size_t nspaces;
	bool lasts = false;

	if (request->apply || request->undo)
		status = ws_target_may_write(session->target, &lasts);
	if (status != WS_OK)
		return session_fail_hint(session, status, NULL, NULL);
	plan.keeps = request->apply && !request->undo && (request->journal || lasts);
	exit = request->undo ? plan_of_journal(&plan) : plan_of_audit(&plan);
	if (exit != EXIT_SEEN)
		return exit;
	plan.spaces = ws_system_spaces(session->system, &nspaces);
	count(&plan);
	if (plan.nwanted && request->apply) {
		exit = carry_out(&plan);
		count(&plan);
	}
	if (exit != EXIT_SEEN)
		return exit;
	report = session_report(session);
	report_table(report, &summary, print_summary, &plan);
	report_table(report, &sync_table, print_entries, &plan);
	print_notes(&plan, report);
	return session_answer(session, status_of(&plan));
}
