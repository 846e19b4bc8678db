/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processor would do next, in one space or in all. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "outlook.h"
#include "report/words.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/text.h"

static void outlook_release(struct outlook *outlook)
{
	ws_machine_destroy(outlook->machine);
	ws_audit_destroy(outlook->audit);
	ws_vec_release(&outlook->told);
}

/* The machine sees no further than the handler's first byte: the audit does. */
static bool dies_later(enum ws_verdict verdict)
{
	return verdict == WS_NESTS || verdict == WS_DOUBLE_FAULTS;
}

enum survival { DIES, SURVIVES_IT, NOT_KNOWN, SURVIVALS };

static enum survival survival_of(const struct told *told)
{
	if (dies_later(told->verdict))
		return DIES;
	if (told->story.fate == WS_FATE_SURVIVES)
		return told->verdict == WS_UNKNOWN ? NOT_KNOWN : SURVIVES_IT;
	return told->story.fate == WS_FATE_UNKNOWN ? NOT_KNOWN : DIES;
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
	[SPACE] = { NULL, "SPACE", COLUMN_TEXT, NULL },
	[PID] = { "pid", NULL, COLUMN_COUNT, "of the first process that has the space" },
	[COMM] = { "comm", NULL, COLUMN_TEXT, "that process's name" },
	[KIND] = { "kind", NULL, COLUMN_TEXT,
		   "of the space whose root CR3 held, as spaces has it" },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, "that root" },
	[MODE] = { "fault", "FAULT IN", COLUMN_TEXT, "user or kernel mode" },
	[FATE] = { "fate", "FATE", COLUMN_TEXT,
		   "survives: the handler's first byte was fetched; diverted: that of "
		   "another exception's; double fault: that of #DF's; loops; triple fault; "
		   "gave up: more frames than were to be followed; unknown: it goes on by "
		   "what the target does not hold" },
	[VERDICT] = { "verdict", "AUDIT", COLUMN_TEXT, "what audit says of the space" },
	[SURVIVES] = { "survives", NULL, COLUMN_YES,
		       "the fate is, and the verdict is neither nests nor double-faults; null "
		       "where fate or verdict is unknown" },
	[UNKNOWN_PA] = { "unknown_pa", NULL, COLUMN_ADDRESS,
			 "where the processor reads what the target does not hold" },
	[FRAMES] = { "frames", "FRAMES", COLUMN_COUNT,
		     "deliveries: the first, all that came of it, #DF's" },
	[NESTED] = { "nested", NULL, COLUMN_COUNT,
		     "page faults of fetching a handler; QEMU's -d int has one line v=0e for "
		     "the first fault and one for each of these" },
	[ADDRESS] = { "address", NULL, COLUMN_ADDRESS, "where the first fault was" },
	[FLAGS] = { "flags", NULL, COLUMN_ADDRESS, "EFLAGS then" },
	[CPU] = { "cpu", NULL, COLUMN_COUNT, "the processor whose registers were taken" },
	[SP_FROM] = { "sp_from", NULL, COLUMN_TEXT,
		      "where the stack pointer was taken from: TSS, own (the "
		      "task's, where the TSS names another's), given, processor, saved "
		      "(thread.sp), top of stack or borrowed (the first task's)" },
	[START_SP] = { "start_sp", NULL, COLUMN_ADDRESS,
		       "the stack pointer at the fault; in user mode what the TSS names" },
	[FIRST_SP] = { "first_sp", NULL, COLUMN_ADDRESS, "and after the first frame" },
	[SP] = { "sp", "LAST SP", COLUMN_ADDRESS,
		 "and after the last, but for a task of #DF's own" },
	[OVERWRITTEN] = { "overwritten", "PAGES", COLUMN_COUNT,
			  "pages that were overwritten" },
	[MISSING] = { "missing", NULL, COLUMN_COUNT,
		      "frames touched that the target does not hold" },
};
const struct table what_if_table = { "spaces", TABLE_COLUMNS(columns) };

static bool tell_one(const struct outlook *outlook, const struct told *told,
		     struct report *report)
{
	const struct ws_story *story = &told->story;
	const struct ws_space *space = &outlook->spaces[story->space];
	enum survival survival = survival_of(told);
	char words[WORDS];
	struct value row[] = {
		[SPACE] = value_text(space_words(space, words)),
		[PID] = { .known = space_has_pid(space), .number = space->pid },
		[COMM] = value_text(space->comm),
		[KIND] = value_text(ws_space_kind_name(space->kind)),
		[ROOT] = value_number(space->root),
		[MODE] = value_text(ws_fault_mode_name(story->mode)),
		[FATE] = value_text(ws_fate_name(story->fate)),
		[VERDICT] = value_text(ws_verdict_name(told->verdict)),
		[SURVIVES] = { .known = survival != NOT_KNOWN,
			       .number = survival == SURVIVES_IT },
		[UNKNOWN_PA] = { .known = story->fate == WS_FATE_UNKNOWN,
				 .number = story->unknown_pa },
		[FRAMES] = value_number(story->frames),
		[NESTED] = value_number(story->nested),
		[ADDRESS] = value_number(story->address),
		[FLAGS] = value_number(story->flags),
		[CPU] = value_number(story->cpu),
		[SP_FROM] = value_text(ws_sp_origin_name(story->sp_origin)),
		[START_SP] = { .known = story->sp_origin != WS_SP_TSS || story->start_sp,
			       .number = story->start_sp },
		[FIRST_SP] = { .known = story->frames, .number = story->first_sp },
		[SP] = { .known = story->frames, .number = story->sp },
		[OVERWRITTEN] = value_number(story->overwritten),
		[MISSING] = value_number(story->missing),
	};

	row[FATE].alarm = story->fate != WS_FATE_SURVIVES;
	row[VERDICT].alarm = dies_later(told->verdict);
	return report_row(report, row);
}

static void tell_all(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;

	ws_vec_each(&outlook->told, told)
		if (!tell_one(outlook, told, report))
			return;
}

/* ---- the summary ------------------------------------------------------------------ */

enum { SENTENCE, S_SPACES, S_SURVIVE, S_UNKNOWN, S_PROCESSOR };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[S_SPACES] = { "spaces", NULL, COLUMN_COUNT, NULL },
	[S_SURVIVE] = { "survive", NULL, COLUMN_COUNT, NULL },
	[S_UNKNOWN] = { "unknown", NULL, COLUMN_COUNT, NULL },
	[S_PROCESSOR] = { "tlb", NULL, COLUMN_TEXT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

static void tell_sentence(const struct outlook *outlook, struct report *report,
			  const char *sentence)
{
	struct value row[] = {
		[SENTENCE] = value_text(sentence),
		[S_SPACES] = value_number(outlook->told.n),
		[S_SURVIVE] = value_number(outlook->nsurvive),
		[S_UNKNOWN] = value_number(outlook->nunknown),
		[S_PROCESSOR] =
			value_text(ws_processor_name(outlook->question.processor)),
	};

	row[SENTENCE].alarm = outlook->nsurvive < outlook->told.n;
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

	ws_vec_each(&outlook->told, told) {
		if (survival_of(told) != survival)
			continue;
		if (n++ < NAMED)
			fprintf(to, "%s %s", n == 1 ? begin : ",",
				space_words(&outlook->spaces[told->space], words));
	}
	if (n > NAMED)
		fprintf(to, " and %zu more", n - NAMED);
}

static void tell_count(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	ws_autofree char *sentence = NULL;
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	if (!to) {
		report_short(report);
		return;
	}
	fprintf(to, "%zu of %zu address spaces survive a page fault", outlook->nsurvive,
		outlook->told.n);
	print_those(to, outlook, DIES, "; not");
	print_those(to, outlook, NOT_KNOWN, "; unknown:");
	sentence = ws_text_close(&text, NULL);
	if (sentence)
		tell_sentence(outlook, report, sentence);
	else
		report_short(report);
}

static const char *const endings[] = {
	[WS_FATE_SURVIVES] = "the handler is reached",
	[WS_FATE_DIVERTED] =
		"the handler is not reached, but that of another exception: an oops",
	[WS_FATE_DOUBLE_FAULT] =
		"the handler is not reached; a double fault's is, which panics",
	[WS_FATE_LOOPS] = "the same faults for ever: a hang",
	[WS_FATE_RESETS] = "triple fault: the machine resets",
	[WS_FATE_GAVE_UP] = "no end within the frames that were followed",
	[WS_FATE_UNKNOWN] = "unknown, since the target does not hold what decides",
};

static void tell_story_sentence(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	const struct told *told = outlook->told.v;
	const struct ws_story *story = &told->story;
	const char *but =
		story->fate == WS_FATE_SURVIVES && survival_of(told) != SURVIVES_IT
			? "; but the audit sees further"
			: "";
	char words[WORDS], sentence[REPORT_CELL];

	snprintf(sentence, sizeof(sentence),
		 "a page fault in %s, from %s mode at 0x%" PRIx64 ": %s%s",
		 space_words(&outlook->spaces[story->space], words),
		 ws_fault_mode_name(story->mode), story->address, endings[story->fate],
		 but);
	tell_sentence(outlook, report, sentence);
}

/* ---- all of it -------------------------------------------------------------------- */

#define IN(format) (1u << REPORT_##format)
#define ONE 1u
#define ALL 2u

static const struct part {
	unsigned formats, when;
	const struct table *table;
	report_rows_fn *rows;
} parts[] = {
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), ONE, &summary, tell_story_sentence },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), ALL, &summary, tell_count },
	{ IN(TEXT), ONE, &lines_table, tell_story },
	{ IN(JSON) | IN(NDJSON) | IN(CSV), ONE, &what_if_table, tell_all },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON) | IN(CSV), ALL, &what_if_table, tell_all },
	{ IN(JSON) | IN(NDJSON), ONE, &exceptions_table, tell_exceptions },
	{ IN(JSON) | IN(NDJSON), ONE, &ground_table, tell_ground_row },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), ONE, &uses_table, tell_uses },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), ONE, &overwritten_table, tell_runs },
	{ IN(TEXT), ONE, &lines_table, tell_more_runs },
};

static enum exit_status status_of(const struct outlook *outlook)
{
	if (outlook->nsurvive + outlook->nunknown < outlook->told.n)
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
	unsigned when = session->request->every_space ? ALL : ONE;

	for (size_t i = 0; i < WS_ARRAY_SIZE(parts); i++)
		if (parts[i].formats & 1u << session->request->format &&
		    parts[i].when & when)
			report_table(report, parts[i].table, parts[i].rows, outlook);
	return session_answer(session, status_of(outlook));
}

/* A process's space and, with PTI, its user half: both are what it runs in. */
static void take_verdict(const struct outlook *outlook, struct told *told)
{
	const struct ws_space *space = &outlook->spaces[told->space];

	for (size_t i = 0; i < outlook->nspaces; i++) {
		const struct ws_judgement *judgement = &outlook->judgements[i];
		bool half = outlook->spaces[i].kind == WS_SPACE_USER &&
			    outlook->spaces[i].root == space->root + WS_FRAME_SIZE;

		if ((i == told->space || half) && judgement->verdict >= told->verdict) {
			told->verdict = judgement->verdict;
			told->reasons = judgement->reasons;
		}
	}
}

static enum exit_status tell_of(struct outlook *outlook, uint32_t space)
{
	struct told *told = ws_vec_push(&outlook->told);
	enum ws_status status;

	if (!told)
		return session_fail_memory();
	told->space = outlook->question.space = space;
	take_verdict(outlook, told);
	status = ws_machine_what_if(outlook->machine, &outlook->question, &told->story);
	if (status != WS_OK)
		return session_fail(outlook->session, status, NULL);
	outlook->nsurvive += survival_of(told) == SURVIVES_IT;
	outlook->nunknown += survival_of(told) == NOT_KNOWN;
	return EXIT_SEEN;
}

static enum exit_status tell_of_all(struct outlook *outlook)
{
	enum exit_status status = EXIT_SEEN;

	for (uint32_t i = 0; i < outlook->nspaces && status == EXIT_SEEN; i++)
		if (outlook->spaces[i].kind != WS_SPACE_USER &&
		    ws_audited(outlook->audit, i))
			status = tell_of(outlook, i);
	return status;
}

static enum exit_status tell_of_one(struct outlook *outlook, uint64_t root)
{
	uint32_t space = 0;
	enum exit_status exit;
	enum ws_status status;

	while (space < outlook->nspaces && outlook->spaces[space].root != root)
		space++;
	exit = tell_of(outlook, space);
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
	outlook->judgements = ws_audit_judgements(outlook->audit, &n);
	return WS_OK;
}

static enum exit_status make_machine(struct outlook *outlook)
{
	enum ws_status status = ws_machine_create(outlook->audit, &outlook->machine);

	if (status == WS_ERR_UNSUPPORTED)
		return session_fail_hint(
			outlook->session, status, NULL,
			"QEMU's dump-guest-memory keeps them; a dump that "
			"the kernel wrote itself does not");
	return status == WS_OK ? EXIT_SEEN : session_fail(outlook->session, status, NULL);
}

enum exit_status run_what_if(struct session *session)
{
	const struct request *request = session->request;
	ws_cleanup(outlook_release) struct outlook outlook = { .session = session,
							       .question =
								       request->what_if };
	struct ws_space only;
	enum exit_status exit = session_space(session, &only);
	enum ws_status status;

	if (exit != EXIT_SEEN)
		return exit;
	status = prepare(&outlook);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	exit = make_machine(&outlook);
	if (exit != EXIT_SEEN)
		return exit;
	exit = request->every_space ? tell_of_all(&outlook)
				    : tell_of_one(&outlook, only.root);
	return exit == EXIT_SEEN ? answer(&outlook) : exit;
}
