/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the processor would do next, in one space or in all. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/words.h"
#include "session.h"
#include "steps.h"
#include "util/bits.h"
#include "util/cleanup.h"
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
	size_t nsurvive;
	/* of one space */
	const struct ws_overwritten *runs;
	size_t nruns;
};

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

static bool survives(const struct told *told)
{
	return told->story.fate == WS_FATE_SURVIVES && !dies_later(told->verdict);
}

/* ---- a row a space -------------------------------------------------------------------
 */

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
		   "gave up: more frames than were to be followed" },
	[VERDICT] = { "verdict", "AUDIT", COLUMN_TEXT, "what audit says of the space" },
	[SURVIVES] = { "survives", NULL, COLUMN_YES,
		       "the fate is, and the verdict is neither nests nor double-faults" },
	[FRAMES] = { "frames", "FRAMES", COLUMN_COUNT,
		     "deliveries: the first, all that came of it, #DF's" },
	[NESTED] = { "nested", NULL, COLUMN_COUNT,
		     "page faults of fetching a handler; QEMU's -d int has one line v=0e for "
		     "the first fault and one for each of these" },
	[ADDRESS] = { "address", NULL, COLUMN_ADDRESS, "where the first fault was" },
	[FLAGS] = { "flags", NULL, COLUMN_ADDRESS, "EFLAGS then" },
	[CPU] = { "cpu", NULL, COLUMN_COUNT, "the processor whose registers were taken" },
	[SP_FROM] = { "sp_from", NULL, COLUMN_TEXT,
		      "where the stack pointer was taken from: TSS, given, processor, saved "
		      "(thread.sp) or top of stack" },
	[START_SP] = { "start_sp", NULL, COLUMN_ADDRESS,
		       "the stack pointer at the fault; nothing in user mode" },
	[FIRST_SP] = { "first_sp", NULL, COLUMN_ADDRESS, "and after the first frame" },
	[SP] = { "sp", "LAST SP", COLUMN_ADDRESS,
		 "and after the last, but for a task of #DF's own" },
	[OVERWRITTEN] = { "overwritten", "PAGES", COLUMN_COUNT,
			  "pages that were overwritten" },
	[MISSING] = { "missing", NULL, COLUMN_COUNT,
		      "frames touched that the target does not hold" },
};
const struct table what_if_table = { "spaces", TABLE_COLUMNS(columns) };

static bool has_pid(const struct ws_space *space)
{
	return space->kind == WS_SPACE_PROCESS || space->kind == WS_SPACE_USER;
}

static bool tell_one(const struct outlook *outlook, const struct told *told,
		     struct report *report)
{
	const struct ws_story *story = &told->story;
	const struct ws_space *space = &outlook->spaces[story->space];
	char words[WORDS];
	struct value row[] = {
		[SPACE] = value_text(space_words(space, words)),
		[PID] = { .known = has_pid(space), .number = space->pid },
		[COMM] = value_text(space->comm),
		[KIND] = value_text(ws_space_kind_name(space->kind)),
		[ROOT] = value_number(space->root),
		[MODE] = value_text(ws_fault_mode_name(story->mode)),
		[FATE] = value_text(ws_fate_name(story->fate)),
		[VERDICT] = value_text(ws_verdict_name(told->verdict)),
		[SURVIVES] = value_number(survives(told)),
		[FRAMES] = value_number(story->frames),
		[NESTED] = value_number(story->nested),
		[ADDRESS] = value_number(story->address),
		[FLAGS] = value_number(story->flags),
		[CPU] = value_number(story->cpu),
		[SP_FROM] = value_text(ws_sp_origin_name(story->sp_origin)),
		[START_SP] = { .known = story->sp_origin != WS_SP_TSS,
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

/* ---- the summary ---------------------------------------------------------------------
 */

enum { SENTENCE, S_SPACES, S_SURVIVE, S_PROCESSOR };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[S_SPACES] = { "spaces", NULL, COLUMN_COUNT, NULL },
	[S_SURVIVE] = { "survive", NULL, COLUMN_COUNT, NULL },
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
		[S_PROCESSOR] =
			value_text(ws_processor_name(outlook->question.processor)),
	};

	row[SENTENCE].alarm = outlook->nsurvive < outlook->told.n;
	report_row(report, row);
}

/* A sentence names so many of those that do not survive. */
#define NAMED 3

static void tell_count(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	size_t n = outlook->told.n, ill = n - outlook->nsurvive, named = 0;
	ws_autofree char *sentence = NULL;
	size_t size;
	FILE *to = open_memstream(&sentence, &size);
	char words[WORDS];

	if (!to)
		return;
	fprintf(to, "%zu of %zu address spaces survive a page fault", outlook->nsurvive,
		n);
	ws_vec_each(&outlook->told, told)
		if (!survives(told) && named++ < NAMED)
			fprintf(to, "%s %s", named == 1 ? "; not" : ",",
				space_words(&outlook->spaces[told->space], words));
	if (ill > NAMED)
		fprintf(to, " and %zu more", ill - NAMED);
	if (!fclose(to))
		tell_sentence(outlook, report, sentence);
}

static const char *const endings[] = {
	[WS_FATE_SURVIVES] = "the handler is reached",
	[WS_FATE_DIVERTED] =
		"the handler is not reached, but that of another exception: an oops",
	[WS_FATE_DOUBLE_FAULT] =
		"the handler is not reached; a double fault's is: a panic",
	[WS_FATE_LOOPS] = "the same faults for ever: a hang",
	[WS_FATE_RESETS] = "triple fault: the machine resets",
	[WS_FATE_GAVE_UP] = "no end within the frames that were followed",
};

static void tell_story_sentence(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	const struct told *told = outlook->told.v;
	const struct ws_story *story = &told->story;
	const char *but = story->fate == WS_FATE_SURVIVES && dies_later(told->verdict)
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

/* ---- one story, in words -------------------------------------------------------------
 */

static const struct column line_columns[] = {
	{ "line", NULL, COLUMN_TEXT, NULL },
};
static const struct table lines = { "lines", TABLE_COLUMNS(line_columns), .prose = true };

static void tell_line(struct report *report, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void tell_line(struct report *report, const char *fmt, ...)
{
	ws_autofree char *line = NULL;
	struct value row;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	row = value_text(line ? line : "out of memory");
	report_row(report, &row);
}

static void tell_start(const struct outlook *outlook, const struct ws_story *story,
		       struct report *report)
{
	static const char *const origins[] = {
		[WS_SP_TSS] = "the TSS's",
		[WS_SP_GIVEN] = "as was asked for",
		[WS_SP_PROCESSOR] = "the processor's own",
		[WS_SP_SAVED] = "where the task was when it was switched away",
		[WS_SP_TOP] =
			"512 bytes below the top of the task's, since where it was is "
			"not known",
	};
	static const char *const processors[] = {
		[WS_PROCESSOR_SDM] = "as the manual has it",
		[WS_PROCESSOR_TCG] = "as QEMU 7.2's TCG is",
		[WS_PROCESSOR_NONE] = "as the manual has it, without a TLB",
	};

	tell_line(report,
		  "  it begins with the registers of cpu %u, which is %s, and EFLAGS "
		  "0x%" PRIx64 "; the processor is %s",
		  story->cpu, story->cpu_is_here ? "in this space" : "in another space",
		  story->flags, processors[outlook->question.processor]);
	if (story->sp_origin == WS_SP_TSS)
		tell_line(report, "  the stack is %s", origins[WS_SP_TSS]);
	else
		tell_line(report, "  the stack pointer is 0x%" PRIx64 ": %s",
			  story->start_sp, origins[story->sp_origin]);
}

static void tell_frames(const struct ws_story *story, struct report *report)
{
	if (!story->frames) {
		tell_line(report, "  no frame can be pushed");
		return;
	}
	tell_line(report,
		  "  frames: %" PRIu64 "%s; nested faults: %" PRIu64
		  "; the stack pointer goes from 0x%" PRIx64 " to 0x%" PRIx64,
		  story->frames,
		  story->df_stack != WS_DF_NONE ? ", the double fault's among them" : "",
		  story->nested, story->first_sp, story->sp);
}

static void print_exception(FILE *to, const struct ws_exception *exception)
{
	static const char *const names[] = {
		[0] = "#DE",  [6] = "#UD",  [8] = "#DF",  [10] = "#TS", [11] = "#NP",
		[12] = "#SS", [13] = "#GP", [14] = "#PF", [17] = "#AC",
	};
	unsigned vector = exception->vector;

	if (vector < WS_ARRAY_SIZE(names) && names[vector])
		fprintf(to, "%s", names[vector]);
	else
		fprintf(to, "vector %u", vector);
	fprintf(to, " (error 0x%x", exception->error);
	if (vector == 14)
		fprintf(to, ", CR2 0x%" PRIx64, exception->address);
	fprintf(to, ")");
}

static void tell_chain(const struct ws_story *story, struct report *report)
{
	ws_autofree char *chain = NULL;
	size_t size;
	FILE *to = open_memstream(&chain, &size);

	if (!to)
		return;
	for (unsigned i = 0; i < story->nexceptions; i++) {
		fprintf(to, "%s", i ? ", then " : "");
		print_exception(to, &story->exception[i]);
	}
	if (!fclose(to))
		tell_line(report, "  the last delivery: %s", chain);
}

static void tell_undermined(const struct outlook *outlook, const struct ws_story *story,
			    struct report *report)
{
	unsigned level = (unsigned)story->undermined;
	const struct ws_step *was = &story->before.step[level];
	const struct ws_step *is = &story->after.step[level];

	tell_line(report,
		  "  the stack has run over the tables that it is reached through: %s %u "
		  "at 0x%" PRIx64 " was 0x%" PRIx64 " and is 0x%" PRIx64,
		  ws_level_entry_name(outlook->format, level), is->index,
		  ws_step_entry_pa(outlook->format, is), was->entry, is->entry);
}

static void tell_descriptor(const struct ws_story *story, struct report *report)
{
	if (story->stumble != WS_STUMBLE_OTHER)
		tell_line(
			report,
			"  the ground gave way in the %s: what lies at 0x%x of it is not "
			"what the delivery needs",
			story->stumble == WS_STUMBLE_IDT ? "IDT" : "GDT",
			story->exception[1].error & 0xfff8);
}

static void tell_ground(const struct outlook *outlook, const struct ws_story *story,
			struct report *report)
{
	static const char *const accesses[] = {
		[WS_STUMBLE_PUSH] = "a push to",
		[WS_STUMBLE_IDT] = "reading the IDT at",
		[WS_STUMBLE_GDT] = "the GDT at",
		[WS_STUMBLE_TSS] = "the TSS at",
		[WS_STUMBLE_OTHER] = "an access to",
	};
	const struct ws_trail *after = &story->after;
	char words[WORDS];

	if (story->stumble == WS_STUMBLE_NONE)
		return;
	if (story->exception[1].vector != 14) {
		tell_descriptor(story, report);
		return;
	}
	tell_line(report, "  the ground gave way under %s 0x%" PRIx64 ": %s%s",
		  accesses[story->stumble], after->va,
		  after->end == WS_END_PAGE ? "the page there is " : "",
		  after->end == WS_END_PAGE
			  ? access_words(after->access, words)
			  : end_words(outlook->format, after->end,
				      after->nsteps ? after->nsteps - 1 : 0, words));
	if (story->undermined >= 0)
		tell_undermined(outlook, story, report);
}

static void tell_double_fault(const struct ws_story *story, struct report *report)
{
	static const char *const stacks[] = {
		[WS_DF_TASK] = "in a task of its own, whose CR3 is not this space's",
		[WS_DF_IST] = "on an interrupt stack of its own",
		[WS_DF_STACK] = "on the stack that there is",
	};

	if (story->df_stack != WS_DF_NONE)
		tell_line(report, "  the double fault is delivered %s",
			  stacks[story->df_stack]);
	else if (story->double_fault)
		tell_line(report, "  the double fault cannot be delivered either");
}

static void tell_reasons(const char *reasons, struct report *report)
{
	while (reasons) {
		size_t n = strcspn(reasons, "\n");

		tell_line(report, "    %.*s", (int)n, reasons);
		reasons = reasons[n] ? reasons + n + 1 : NULL;
	}
}

/* What the machine does not know: what the handler needs behind its first byte. */
static void tell_verdict(const struct told *told, struct report *report)
{
	if (told->verdict == WS_COHERENT)
		return;
	tell_line(report, "  the audit says that this space %s",
		  ws_verdict_name(told->verdict));
	if (told->story.fate == WS_FATE_SURVIVES)
		tell_reasons(told->reasons, report);
}

static void tell_missing(const struct ws_story *story, struct report *report)
{
	if (story->missing)
		tell_line(
			report,
			"  frames that it touched and this target does not hold: %" PRIu64
			", the first at 0x%" PRIx64
			"; they were read as zeroes, and what was written there is lost",
			story->missing, story->missing_pa);
}

static void tell_words(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	const struct told *told = outlook->told.v;

	tell_start(outlook, &told->story, report);
	tell_frames(&told->story, report);
	tell_chain(&told->story, report);
	tell_ground(outlook, &told->story, report);
	tell_double_fault(&told->story, report);
	tell_verdict(told, report);
	tell_missing(&told->story, report);
}

/* ---- the last delivery and the ground, for programs ----------------------------------
 */

enum { E_VECTOR, E_ERROR, E_ADDRESS };

static const struct column exception_columns[] = {
	[E_VECTOR] = { "vector", NULL, COLUMN_COUNT, NULL },
	[E_ERROR] = { "error", NULL, COLUMN_COUNT, NULL },
	[E_ADDRESS] = { "address", NULL, COLUMN_ADDRESS, NULL },
};
static const struct table exceptions = { "exceptions", TABLE_COLUMNS(exception_columns) };

static void tell_exceptions(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	const struct ws_story *story = &outlook->told.v->story;

	for (unsigned i = 0; i < story->nexceptions; i++) {
		const struct ws_exception *exception = &story->exception[i];

		report_row(report,
			   (struct value[]){
				   [E_VECTOR] = value_number(exception->vector),
				   [E_ERROR] = value_number(exception->error),
				   [E_ADDRESS] = { .known = exception->vector == 14,
						   .number = exception->address },
			   });
	}
}

enum { G_ACCESS, G_ADDRESS, G_END, G_UNDERMINED, G_BEFORE, G_AFTER };

static const struct column ground_columns[] = {
	[G_ACCESS] = { "access", NULL, COLUMN_TEXT, NULL },
	[G_ADDRESS] = { "address", NULL, COLUMN_ADDRESS, NULL },
	[G_END] = { "end", NULL, COLUMN_TEXT, NULL },
	[G_UNDERMINED] = { "undermined", NULL, COLUMN_TEXT, NULL },
	[G_BEFORE] = { "before", NULL, COLUMN_ROWS, NULL, &steps_table },
	[G_AFTER] = { "after", NULL, COLUMN_ROWS, NULL, &steps_table },
};
static const struct table ground = { "ground", TABLE_COLUMNS(ground_columns) };

static void tell_ground_row(void *arg, struct report *report)
{
	static const char *const accesses[] = {
		[WS_STUMBLE_PUSH] = "push",   [WS_STUMBLE_IDT] = "IDT",
		[WS_STUMBLE_GDT] = "GDT",     [WS_STUMBLE_TSS] = "TSS",
		[WS_STUMBLE_OTHER] = "other",
	};
	const struct outlook *outlook = arg;
	const struct ws_story *story = &outlook->told.v->story;
	struct steps before = { outlook->format, &story->before },
		     after = { outlook->format, &story->after };
	unsigned level = story->after.nsteps ? story->after.nsteps - 1 : 0;
	char words[WORDS];
	struct value row[] = {
		[G_ACCESS] = value_text(accesses[story->stumble]),
		[G_ADDRESS] = value_number(story->after.va),
		[G_END] = value_text(
			end_words(outlook->format, story->after.end, level, words)),
		[G_UNDERMINED] = value_text(
			story->undermined < 0
				? NULL
				: ws_level_entry_name(outlook->format,
						      (unsigned)story->undermined)),
		[G_BEFORE] = value_rows(tell_steps, &before),
		[G_AFTER] = value_rows(tell_steps, &after),
	};

	if (story->stumble != WS_STUMBLE_NONE && story->exception[1].vector == 14)
		report_row(report, row);
}

/* ---- what was overwritten ------------------------------------------------------------
 */

enum { U_USE, U_PAGES, U_RUNS };

static const struct column use_columns[] = {
	[U_USE] = { "use", "OVERWRITTEN", COLUMN_TEXT, NULL },
	[U_PAGES] = { "pages", "PAGES", COLUMN_COUNT, NULL },
	[U_RUNS] = { "runs", "RUNS", COLUMN_COUNT, NULL },
};
static const struct table uses = { "uses", TABLE_COLUMNS(use_columns) };

static uint64_t pages_of(const struct ws_overwritten *run)
{
	return (run->last - run->pa + 1) / WS_FRAME_SIZE;
}

static void tell_uses(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	uint64_t pages[WS_FRAME_USES] = { 0 }, runs[WS_FRAME_USES] = { 0 };

	for (size_t i = 0; i < outlook->nruns; i++) {
		pages[outlook->runs[i].use] += pages_of(&outlook->runs[i]);
		runs[outlook->runs[i].use]++;
	}
	for (unsigned use = WS_FRAME_USES; use-- > 0;)
		if (pages[use])
			report_row(report,
				   (struct value[]){
					   [U_USE] = value_text(ws_frame_use_name(use)),
					   [U_PAGES] = value_number(pages[use]),
					   [U_RUNS] = value_number(runs[use]),
				   });
}

enum { O_PA, O_LAST, O_PAGES, O_USE, O_PID, O_COMM, O_VA, O_VA_LAST, O_WHAT };

static const struct column run_columns[] = {
	[O_PA] = { "pa", "PHYSICAL", COLUMN_ADDRESS, NULL },
	[O_LAST] = { "last", "LAST", COLUMN_ADDRESS, NULL },
	[O_PAGES] = { "pages", "PAGES", COLUMN_COUNT, NULL },
	[O_USE] = { "use", NULL, COLUMN_TEXT, NULL },
	[O_PID] = { "pid", NULL, COLUMN_COUNT, NULL },
	[O_COMM] = { "comm", NULL, COLUMN_TEXT, NULL },
	[O_VA] = { "maps", NULL, COLUMN_ADDRESS, NULL },
	[O_VA_LAST] = { "maps_last", NULL, COLUMN_ADDRESS, NULL },
	[O_WHAT] = { "what", "WHAT IT WAS", COLUMN_TEXT, NULL },
};
static const struct table overwritten = { "overwritten", TABLE_COLUMNS(run_columns) };

/* Room for a need of the audit's, which is the longest. */
#define RUN_WORDS 256

static const char *run_words(const struct outlook *outlook,
			     const struct ws_overwritten *run,
			     char words[static RUN_WORDS])
{
	const struct ws_space *space =
		run->space < outlook->nspaces ? &outlook->spaces[run->space] : NULL;
	char owner[WORDS];

	switch (run->use) {
	case WS_FRAME_TABLE:
		snprintf(words, RUN_WORDS, "%s of %s, maps 0x%" PRIx64 " to 0x%" PRIx64,
			 ws_level_name(outlook->format, run->level),
			 space ? space_words(space, owner) : "init_mm", run->va,
			 run->va_last);
		break;
	case WS_FRAME_STACK:
		snprintf(words, RUN_WORDS, "kernel stack of %u %s",
			 outlook->tasks[run->task].pid, outlook->tasks[run->task].comm);
		break;
	case WS_FRAME_USER:
		snprintf(words, RUN_WORDS, "user memory of %s",
			 space ? space_words(space, owner) : "a process");
		break;
	case WS_FRAME_MODULE:
		snprintf(words, RUN_WORDS, "module %s", run->name);
		break;
	case WS_FRAME_FAULT_PATH:
		snprintf(words, RUN_WORDS, "%s", run->name);
		break;
	default:
		snprintf(words, RUN_WORDS, "%s", ws_frame_use_name(run->use));
	}
	return words;
}

static struct value run_pid(const struct outlook *outlook,
			    const struct ws_overwritten *run)
{
	if (run->use == WS_FRAME_STACK)
		return value_number(outlook->tasks[run->task].pid);
	if (run->space < outlook->nspaces && has_pid(&outlook->spaces[run->space]))
		return value_number(outlook->spaces[run->space].pid);
	return (struct value){ .known = false };
}

static struct value run_comm(const struct outlook *outlook,
			     const struct ws_overwritten *run)
{
	if (run->use == WS_FRAME_STACK)
		return value_text(outlook->tasks[run->task].comm);
	return value_text(run->space < outlook->nspaces ? outlook->spaces[run->space].comm
							: NULL);
}

static bool tell_run(const struct outlook *outlook, const struct ws_overwritten *run,
		     struct report *report)
{
	bool table = run->use == WS_FRAME_TABLE;
	char words[RUN_WORDS];
	struct value row[] = {
		[O_PA] = value_number(run->pa),
		[O_LAST] = value_number(run->last),
		[O_PAGES] = value_number(pages_of(run)),
		[O_USE] = value_text(ws_frame_use_name(run->use)),
		[O_PID] = run_pid(outlook, run),
		[O_COMM] = run_comm(outlook, run),
		[O_VA] = { .known = table, .number = run->va },
		[O_VA_LAST] = { .known = table, .number = run->va_last },
		[O_WHAT] = value_text(run_words(outlook, run, words)),
	};

	row[O_WHAT].alarm = table;
	return report_row(report, row);
}

/* The stack goes down, and what matters is where it ended: text shows the lowest. */
#define SHOWN 24

static bool is_shown(const struct outlook *outlook, size_t i)
{
	return outlook->session->request->format != REPORT_TEXT || i < SHOWN;
}

static void tell_runs(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;

	for (size_t i = 0; i < outlook->nruns && is_shown(outlook, i); i++)
		if (!tell_run(outlook, &outlook->runs[i], report))
			return;
}

static void tell_rest(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;

	if (outlook->nruns > SHOWN)
		tell_line(report, "and %zu more, which --json has",
			  outlook->nruns - SHOWN);
}

/* ---- all of it -----------------------------------------------------------------------
 */

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
	{ IN(TEXT), ONE, &lines, tell_words },
	{ IN(JSON) | IN(NDJSON) | IN(CSV), ONE, &what_if_table, tell_all },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON) | IN(CSV), ALL, &what_if_table, tell_all },
	{ IN(JSON) | IN(NDJSON), ONE, &exceptions, tell_exceptions },
	{ IN(JSON) | IN(NDJSON), ONE, &ground, tell_ground_row },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), ONE, &uses, tell_uses },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), ONE, &overwritten, tell_runs },
	{ IN(TEXT), ONE, &lines, tell_rest },
};

static enum exit_status answer(struct outlook *outlook)
{
	struct session *session = outlook->session;
	struct report *report = session_report(session);
	unsigned when = session->request->every_space ? ALL : ONE;

	for (size_t i = 0; i < WS_ARRAY_SIZE(parts); i++)
		if (parts[i].formats & 1u << session->request->format &&
		    parts[i].when & when)
			report_table(report, parts[i].table, parts[i].rows, outlook);
	return session_answer(session, outlook->nsurvive < outlook->told.n ? EXIT_UNSEEN
									   : EXIT_SEEN);
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
	outlook->nsurvive += survives(told);
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
	return ws_machine_create(outlook->audit, &outlook->machine);
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
	exit = request->every_space ? tell_of_all(&outlook)
				    : tell_of_one(&outlook, only.root);
	return exit == EXIT_SEEN ? answer(&outlook) : exit;
}
