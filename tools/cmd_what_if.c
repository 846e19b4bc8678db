/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processor would do next, in one space or in all. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "outlook.h"
#include "pid_list.h"
#include "report/words.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

static void outlook_release(struct outlook *outlook)
{
	ws_machine_destroy(outlook->machine);
	ws_audit_destroy(outlook->audit);
	ws_vec_release(&outlook->simulated);
}

/* The machine sees no further than the handler's first byte: the audit does. */
static bool dies_later(enum ws_verdict verdict)
{
	return verdict == WS_NESTS || verdict == WS_DOUBLE_FAULTS;
}

enum survival { DIES, SURVIVES_IT, NOT_KNOWN, SURVIVALS };

static enum survival survival_of(const struct simulated *one)
{
	if (dies_later(one->whole.verdict))
		return DIES;
	if (one->story.fate == WS_FATE_SURVIVES)
		return one->whole.verdict == WS_UNKNOWN ? NOT_KNOWN : SURVIVES_IT;
	return one->story.fate == WS_FATE_UNKNOWN ? NOT_KNOWN : DIES;
}

/* ---- a row a space ---------------------------------------------------------------- */

enum {
	SPACE,
	PID,
	COMM,
	KIND,
	ROOT,
	MODE,
	FATE,
	VERDICT,
	SURVIVES,
	UNKNOWN_PA,
	FRAMES,
	NESTED,
	ADDRESS,
	FLAGS,
	CPU,
	SP_FROM,
	START_SP,
	FIRST_SP,
	SP,
	OVERWRITTEN,
	MISSING
};

static const struct column columns[] = {
	[SPACE] = { NULL, "SPACE", COLUMN_TEXT, NULL, .fold = FOLD_NAMES },
	[PID] = { "pid", NULL, COLUMN_COUNT, "of the first process that has the space" },
	[COMM] = { "comm", NULL, COLUMN_TEXT, "that process's name" },
	[KIND] = { "kind", NULL, COLUMN_TEXT,
		   "of the space whose root was loaded, as spaces has it" },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, "that root" },
	[MODE] = { "fault", "FAULT IN", COLUMN_TEXT, "user or kernel mode",
		   .optional = 1 },
	[FATE] = { "fate", "FATE", COLUMN_TEXT,
		   "survives: the handler is reached; diverted: another exception's is; panics: "
		   "the double fault's is; loops: none, for ever; triple fault: the machine "
		   "resets; gave up: more exception frames than were to be followed; unknown: "
		   "the target does not hold what decides" },
	[VERDICT] = { "verdict", "AUDIT", COLUMN_TEXT, "what audit says of the space" },
	[SURVIVES] = { "survives", NULL, COLUMN_YES,
		       "the fate is, and the verdict is neither nests nor double-faults; null "
		       "where fate or verdict is unknown" },
	[UNKNOWN_PA] = { "unknown_pa", NULL, COLUMN_ADDRESS,
			 "where the processor reads what the target does not hold" },
	[FRAMES] = { "frames", "EXCEPTION FRAMES", COLUMN_COUNT,
		     "deliveries: the first, all that came of it, #DF's",
		     .fold = FOLD_ANY },
	[NESTED] = { "nested", NULL, COLUMN_COUNT,
		     "page faults of fetching a handler; QEMU's -d int has one line v=0e for "
		     "the first fault and one for each of these" },
	[ADDRESS] = { "address", NULL, COLUMN_ADDRESS, "where the first fault was" },
	[FLAGS] = { "flags", NULL, COLUMN_ADDRESS, "EFLAGS then" },
	[CPU] = { "cpu", NULL, COLUMN_COUNT, "the processor whose registers were taken" },
	[SP_FROM] = { "sp_from", NULL, COLUMN_TEXT,
		      "where the stack pointer was taken from: the table of the processor's that "
		      "gives it, own (the task's, where that gives another's), given, processor, saved "
		      "(thread.sp), top of stack, borrowed (the first task's), or unknown: no "
		      "fault can be simulated" },
	[START_SP] = { "start_sp", NULL, COLUMN_ADDRESS,
		       "the stack pointer at the fault; in user mode what the processor's table gives" },
	[FIRST_SP] = { "first_sp", NULL, COLUMN_ADDRESS, "and after the first frame" },
	[SP] = { "sp", "LAST SP", COLUMN_ADDRESS,
		 "and after the last, but for a task of #DF's own", .optional = 2,
		 .fold = FOLD_ANY },
	[OVERWRITTEN] = { "overwritten", "PAGES", COLUMN_COUNT,
			  "pages that were overwritten", .optional = 3,
			  .fold = FOLD_ANY },
	[MISSING] = { "missing", NULL, COLUMN_COUNT,
		      "frames touched that the target does not hold" },
};
const struct table what_if_table = { "spaces", TABLE_COLUMNS(columns), .fold = "spaces" };

static bool print_one(const struct outlook *outlook, const struct simulated *one,
		      struct report *report)
{
	const struct ws_story *story = &one->story;
	const struct ws_space *space = &outlook->spaces[story->space];
	enum survival survival = survival_of(one);
	char words[WORDS];
	struct value row[] = {
		[SPACE] = value_text(space_words(space, words)),
		[PID] = { .known = space_has_pid(space), .number = space->pid },
		[COMM] = value_text(space->comm),
		[KIND] = value_text(ws_space_kind_name(space->kind)),
		[ROOT] = value_number(space->root),
		[MODE] = value_text(ws_fault_mode_name(story->mode)),
		[FATE] = value_text(ws_fate_name(story->fate)),
		[VERDICT] = value_text(ws_verdict_name(one->whole.verdict)),
		[SURVIVES] = { .known = survival != NOT_KNOWN,
			       .number = survival == SURVIVES_IT },
		[UNKNOWN_PA] = { .known = one->begun && story->fate == WS_FATE_UNKNOWN,
				 .number = story->unknown_pa },
		[FRAMES] = value_number(story->frames),
		[NESTED] = value_number(story->nested),
		[ADDRESS] = { .known = one->begun, .number = story->address },
		[FLAGS] = { .known = one->begun, .number = story->flags },
		[CPU] = value_number(story->cpu),
		[SP_FROM] = value_text(one->begun ? ws_sp_origin_name(story->sp_origin)
						  : "unknown"),
		[START_SP] = { .known = one->begun && (story->sp_origin != WS_SP_ENTRY ||
						       story->start_sp),
			       .number = story->start_sp },
		[FIRST_SP] = { .known = story->frames, .number = story->first_sp },
		[SP] = { .known = story->frames, .number = story->sp },
		[OVERWRITTEN] = value_number(story->overwritten),
		[MISSING] = value_number(story->missing),
	};

	row[FATE].alarm = story->fate != WS_FATE_SURVIVES;
	row[VERDICT].alarm = dies_later(one->whole.verdict);
	return report_row(report, row);
}

static void print_all(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;

	ws_vec_each(&outlook->simulated, one)
		if (!print_one(outlook, one, report))
			return;
}

/* ---- the summary ------------------------------------------------------------------ */

enum { SENTENCE, S_SPACES, S_SURVIVE, S_UNKNOWN, S_PROCESSOR, S_WHO };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[S_SPACES] = { "spaces", NULL, COLUMN_COUNT, NULL },
	[S_SURVIVE] = { "survive", NULL, COLUMN_COUNT, NULL },
	[S_UNKNOWN] = { "unknown", NULL, COLUMN_COUNT, NULL },
	[S_PROCESSOR] = { "tlb", NULL, COLUMN_TEXT, NULL },
	[S_WHO] = { "who", NULL, COLUMN_TEXT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

static void print_sentence(const struct outlook *outlook, struct report *report,
			   const char *sentence)
{
	char who[WHO_WORDS];
	bool all = outlook->session->request->every_space;
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[S_SPACES] = value_number(outlook->simulated.n),
		[S_SURVIVE] = value_number(outlook->nsurvive),
		[S_UNKNOWN] = value_number(outlook->nunknown),
		[S_PROCESSOR] =
			value_text(ws_processor_name(outlook->question.processor)),
		[S_WHO] = value_text(
			all ? who_counts(outlook->spaces, outlook->nspaces, who) : NULL),
	};

	row[SENTENCE].alarm = outlook->nsurvive < outlook->simulated.n;
	report_row(report, row);
}

/* A sentence names so many of those that do not survive. */
#define NAMED 3

/* "; not 3 bash, 4 sshd and 2 more" of those, if any, that fare so. */
static void print_those(FILE *to, const struct outlook *outlook, enum survival survival,
			const char *begin)
{
	size_t n = 0;
	char words[WORDS];

	ws_vec_each(&outlook->simulated, one) {
		if (survival_of(one) != survival)
			continue;
		if (n++ < NAMED)
			fprintf(to, "%s %s", n == 1 ? begin : ",",
				space_words(&outlook->spaces[one->space], words));
	}
	if (n > NAMED)
		fprintf(to, " and %s more", WS_COUNT(n - NAMED));
}

static void print_count(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	ws_autofree char *sentence = NULL;
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	if (!to) {
		report_short(report);
		return;
	}
	fprintf(to, "simulated: %s of %s %s a page fault", WS_COUNT(outlook->nsurvive),
		WS_COUNT_OF(outlook->simulated.n, "address space"),
		outlook->nsurvive == 1
			? outlook->nunknown ? "is known to survive" : "survives"
		: outlook->nunknown ? "are known to survive"
				    : "survive");
	print_those(to, outlook, DIES, "; these do not:");
	print_those(to, outlook, NOT_KNOWN, "; not known:");
	sentence = ws_text_close(&text, NULL);
	if (sentence)
		print_sentence(outlook, report, sentence);
	else
		report_short(report);
}

static void print_who(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;

	prose_who(report, outlook->spaces, outlook->nspaces);
}

static void print_story_sentence(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	ws_autofree char *sentence = story_sentence(outlook, outlook->simulated.v);

	if (sentence)
		print_sentence(outlook, report, sentence);
	else
		report_short(report);
}

/* ---- all of it -------------------------------------------------------------------- */

#define IN(format) (1u << REPORT_##format)
#define ONE 1u
#define ALL 2u
#define CHOSEN 4u /* one, and --columns */

static const struct part {
	unsigned formats, when;
	const struct table *table;
	report_rows_fn *rows;
} parts[] = {
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), ONE, &summary, print_story_sentence },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), ALL, &summary, print_count },
	{ IN(TEXT), ALL, &lines_table, print_who },
	{ IN(TEXT), ONE, &lines_table, print_story },
	{ IN(TEXT), CHOSEN, &what_if_table, print_all },
	{ IN(JSON) | IN(NDJSON) | IN(CSV), ONE, &what_if_table, print_all },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON) | IN(CSV), ALL, &what_if_table, print_all },
	{ IN(JSON) | IN(NDJSON), ONE, &exceptions_table, print_exceptions },
	{ IN(JSON) | IN(NDJSON), ONE, &ground_table, print_ground_row },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), ONE, &uses_table, print_uses },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), ONE, &overwritten_table, print_runs },
	{ IN(TEXT), ONE, &lines_table, print_more_runs },
};

static enum exit_status status_of(const struct outlook *outlook)
{
	if (outlook->nsurvive + outlook->nunknown < outlook->simulated.n)
		return EXIT_UNSEEN;
	if (outlook->nunknown || (outlook->session->request->every_space &&
				  ws_system_lacks_tasks(outlook->session->system)))
		return EXIT_UNKNOWN;
	return EXIT_SEEN;
}

static enum exit_status answer(struct outlook *outlook)
{
	struct session *session = outlook->session;
	struct report *report = session_report(session);
	unsigned when = !outlook->one               ? ALL
			: session->request->columns ? ONE | CHOSEN
						    : ONE;

	for (size_t i = 0; i < WS_ARRAY_SIZE(parts); i++)
		if (parts[i].formats & 1u << session->request->format &&
		    parts[i].when & when)
			report_table(report, parts[i].table, parts[i].rows, outlook);
	return session_answer(session, status_of(outlook));
}

/* Where of one space among all it is not known what its story begins on, that is its row. */
static bool can_go_on(const struct outlook *outlook, enum ws_status status)
{
	return outlook->session->request->every_space &&
	       (status == WS_ERR_UNKNOWN || status == WS_ERR_NOT_FOUND);
}

static enum exit_status simulate(struct outlook *outlook, uint32_t space)
{
	struct simulated *one = ws_vec_push(&outlook->simulated);
	enum ws_status status;

	if (!one)
		return session_fail_memory();
	one->space = outlook->question.space = space;
	if (outlook->session->request->every_space) /* not all have both modes */
		outlook->question.has_mode = false;
	one->whole = ws_audit_whole(outlook->audit, space);
	status = ws_machine_what_if(outlook->machine, &outlook->question, &one->story);
	one->begun = status == WS_OK;
	if (!one->begun && !can_go_on(outlook, status))
		return session_fail(outlook->session, status, NULL);
	outlook->nsurvive += survival_of(one) == SURVIVES_IT;
	outlook->nunknown += survival_of(one) == NOT_KNOWN;
	return EXIT_SEEN;
}

static enum exit_status simulate_all(struct outlook *outlook)
{
	enum exit_status status = EXIT_SEEN;

	for (uint32_t i = 0; i < outlook->nspaces && status == EXIT_SEEN; i++)
		if (outlook->spaces[i].counts)
			status = simulate(outlook, i);
	return status;
}

static enum exit_status simulate_chosen(struct outlook *outlook,
					const pids_spaces *chosen)
{
	enum exit_status exit = EXIT_SEEN;

	for (size_t i = 0; i < chosen->n && exit == EXIT_SEEN; i++) {
		uint32_t space = 0;

		while (space < outlook->nspaces &&
		       outlook->spaces[space].root != chosen->v[i].root)
			space++;
		exit = simulate(outlook, space);
	}
	return exit;
}

static enum exit_status simulate_one(struct outlook *outlook, const pids_spaces *chosen)
{
	enum exit_status exit = simulate_chosen(outlook, chosen);
	enum ws_status status;

	if (exit != EXIT_SEEN)
		return exit;
	status =
		ws_machine_overwritten(outlook->machine, &outlook->runs, &outlook->nruns);
	return status == WS_OK ? EXIT_SEEN : session_fail(outlook->session, status, NULL);
}

static enum ws_status prepare(struct outlook *outlook)
{
	struct session *session = outlook->session;
	size_t n;
	enum ws_status status = ws_audit_run(session->system, &outlook->audit);

	if (status != WS_OK)
		return status;
	outlook->format = ws_system_paging(session->system)->format;
	outlook->spaces = ws_system_spaces(session->system, &outlook->nspaces);
	outlook->tasks = ws_system_tasks(session->system, &n);
	return WS_OK;
}

static enum exit_status make_machine(struct outlook *outlook)
{
	enum ws_status status = ws_machine_create(outlook->audit, &outlook->machine);

	if (status == WS_ERR_UNSUPPORTED)
		return session_fail_hint(
			outlook->session, status, NULL,
			ws_machine_is_known(outlook->format)
				? "QEMU's dump-guest-memory keeps them; a dump that the "
				  "kernel wrote itself does not"
				: "no processor of it is simulated; `whosees audit` says "
				  "which faults cannot be handled there, and why");
	return status == WS_OK ? EXIT_SEEN : session_fail(outlook->session, status, NULL);
}

static enum exit_status simulate_any(struct outlook *outlook, const pids_spaces *chosen)
{
	if (outlook->session->request->every_space)
		return simulate_all(outlook);
	return outlook->one ? simulate_one(outlook, chosen)
			    : simulate_chosen(outlook, chosen);
}

static enum exit_status what_if(struct session *session, const pids_spaces *chosen)
{
	const struct request *request = session->request;
	ws_cleanup(outlook_release) struct outlook outlook = {
		.session = session,
		.question = request->what_if,
		.one = !request->every_space && chosen->n == 1,
	};
	enum exit_status exit;
	enum ws_status status;

	if (request->what_if.has_sp && chosen->n > 1)
		return session_usage(session, "give one of their pids",
				     "--sp: these are %s, which do not share one stack",
				     WS_COUNT_OF(chosen->n, "address space"));
	status = prepare(&outlook);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	exit = make_machine(&outlook);
	if (exit == EXIT_SEEN)
		exit = simulate_any(&outlook, chosen);
	return exit == EXIT_SEEN ? answer(&outlook) : exit;
}

enum exit_status run_what_if(struct session *session)
{
	pids_spaces chosen = { 0 };
	enum exit_status exit = session_spaces(session, &chosen);

	if (exit == EXIT_SEEN)
		exit = what_if(session, &chosen);
	ws_vec_release(&chosen);
	return exit;
}
