/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One story of what-if: how it begins, what it comes to, what gave way. */
#include <inttypes.h>
#include <stdio.h>

#include "lines.h"
#include "outlook.h"
#include "place.h"
#include "report/words.h"
#include "steps.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

#define ERROR_PRESENT 1u /* SDM vol. 3A, 4.7: the page is there, the right is not */

/* ---- the first sentence ------------------------------------------------------------ */

/* Where the handler is that could not be fetched: "whose module is not mapped there". */
static void print_handler(FILE *to, const struct outlook *outlook,
			  const struct ws_story *story)
{
	struct ws_place place = { 0 };
	bool known = ws_place_at(outlook->session->system, story->exception[0].address,
				 &place) == WS_OK;

	if (!known)
		ws_error_clear(outlook->session->ctx);
	fprintf(to, " never reaches its handler, %s %s there",
		known && place.module ? "whose module is" : "which is",
		story->exception[0].error & ERROR_PRESENT ? "not executable"
							  : "not mapped");
}

/* What a panic needs to say why: on real kernels most hang instead without it. */
static bool panic_needs(uint8_t use)
{
	return use == WS_FRAME_MODULE || use == WS_FRAME_IMAGE || use == WS_FRAME_SLAB ||
	       use == WS_FRAME_TABLE;
}

static bool may_hang(const struct outlook *outlook)
{
	for (size_t i = 0; i < outlook->nruns; i++)
		if (panic_needs(outlook->runs[i].use))
			return true;
	return false;
}

/* "; it recurses 7,877 times, then double-faults", or that it did so at once. */
static void print_recursion(FILE *to, const struct outlook *outlook,
			    const struct ws_story *story, const char *end)
{
	if (!story->nested) {
		fprintf(to, " cannot be delivered: it %s at once", end);
		return;
	}
	print_handler(to, outlook, story);
	fprintf(to, "; it recurses %s, then %s", WS_COUNT_OF(story->nested, "time"), end);
}

static void print_fate(FILE *to, const struct outlook *outlook,
		       const struct simulated *one)
{
	const struct ws_story *story = &one->story;

	switch ((enum ws_fate)story->fate) {
	case WS_FATE_SURVIVES:
		fputs(" reaches its handler", to);
		break;
	case WS_FATE_DIVERTED:
		fputs(" reaches the handler of another exception: an oops", to);
		break;
	case WS_FATE_PANICS:
		print_recursion(to, outlook, story, "double-faults");
		fputs(may_hang(outlook)
			      ? ", and the kernel panics, or hangs before it prints "
				"anything"
			      : ", and the kernel panics",
		      to);
		break;
	case WS_FATE_LOOPS:
		fputs(" repeats the same faults for ever: the CPU hangs, with no message "
		      "and no reset",
		      to);
		break;
	case WS_FATE_RESETS:
		print_recursion(to, outlook, story, "triple-faults");
		fputs(", and the machine resets", to);
		break;
	case WS_FATE_GAVE_UP:
		fprintf(to, " does not end within %s exception frames",
			WS_COUNT(story->frames));
		break;
	case WS_FATE_UNKNOWN:
		fputs(" cannot be followed to its end: the target does not hold what "
		      "decides",
		      to);
		break;
	}
}

char *story_sentence(const struct outlook *outlook, const struct simulated *one)
{
	const struct ws_story *story = &one->story;
	struct ws_text sentence;
	FILE *to = ws_text_open(&sentence);
	char words[WORDS], does[VERDICT_WORDS];
	const struct ws_judgement verdict_alone = { .verdict = one->whole.verdict,
						    .nesting = one->whole.nesting };

	if (!to)
		return NULL;
	fprintf(to, "simulated: a %s-mode page fault in %s (at 0x%" PRIx64 ")",
		ws_fault_mode_name(story->mode),
		space_words(&outlook->spaces[story->space], words), story->address);
	print_fate(to, outlook, one);
	if (story->fate == WS_FATE_SURVIVES && one->whole.verdict == WS_UNKNOWN)
		fputs("; whether that can handle it is not known", to);
	else if (story->fate == WS_FATE_SURVIVES &&
		 verdict_class(one->whole.verdict) == VERDICT_CRASH)
		fprintf(to, ", but %s %s", words,
			judgement_words(&verdict_alone, false, does));
	return ws_text_close(&sentence, NULL);
}

/* ---- what happened, and the evidence ----------------------------------------------- */

#define WHERE_WORDS (PLACE_WORDS + 4)

/* " (whosees_lab:lab_page_fault, vmalloc)". */
static const char *where(const struct outlook *outlook, uint64_t va,
			 char words[static WHERE_WORDS])
{
	char place[PLACE_WORDS];

	place_words(outlook->session, va, NULL, place);
	snprintf(words, WHERE_WORDS, *place ? " (%s)" : "%s", place);
	return words;
}

#define ORIGIN_WORDS 128

/* Some name the table by which the processor finds its stack. */
static const char *origin_words(enum ws_sp_origin origin, char words[static ORIGIN_WORDS])
{
	static const char *const origins[] = {
		[WS_SP_ENTRY] = "from the ",
		[WS_SP_OWN] = "the top of the task's own, which a switch to it puts into "
			      "the ",
		[WS_SP_GIVEN] = "as given",
		[WS_SP_PROCESSOR] = "the processor's",
		[WS_SP_SAVED] = "saved at the task's last context switch",
		[WS_SP_TOP] =
			"512 bytes below the top of the task's stack, since where it "
			"was is not known",
		[WS_SP_BORROWED] =
			"the first task's, as when it borrows this space, which "
			"has no stack of its own",
	};

	bool named = origin == WS_SP_ENTRY || origin == WS_SP_OWN;

	snprintf(words, ORIGIN_WORDS, "%s%s", origins[origin],
		 named ? ws_sp_origin_name(WS_SP_ENTRY) : "");
	return words;
}

static void print_start(const struct outlook *outlook, const struct ws_story *story,
			struct report *report)
{
	char words[WHERE_WORDS], origin[ORIGIN_WORDS];
	static const char *const processors[] = {
		[WS_PROCESSOR_MANUAL] = "as the Intel SDM defines it",
		[WS_PROCESSOR_EMULATED] = "as in QEMU 7.2's TCG",
		[WS_PROCESSOR_NO_TLB] = "as the Intel SDM defines it, without a TLB",
	};

	prose_line(report, false,
		   "  simulated with the control registers of cpu %u, which had %s space "
		   "loaded, and EFLAGS 0x%" PRIx64 "; processor %s",
		   story->cpu, story->cpu_is_here ? "this" : "another", story->flags,
		   processors[outlook->question.processor]);
	origin_words((enum ws_sp_origin)story->sp_origin, origin);
	if (story->sp_origin == WS_SP_ENTRY && !story->start_sp)
		prose_line(report, false,
			   "  initial stack pointer: %s, which was not read", origin);
	else
		prose_line(report, false, "  initial stack pointer: 0x%" PRIx64 "%s, %s",
			   story->start_sp, where(outlook, story->start_sp, words),
			   origin);
}

static void print_frames(const struct outlook *outlook, const struct ws_story *story,
			 struct report *report)
{
	char words[WHERE_WORDS];

	if (!story->frames) {
		if (story->fate != WS_FATE_UNKNOWN)
			prose_line(report, false, "  no exception frame can be pushed");
		return;
	}
	prose_line(
		report, false,
		"  exception frames pushed: %s%s; after the last the stack pointer was "
		"0x%" PRIx64 "%s",
		WS_COUNT(story->frames),
		story->df_stack != WS_DF_NONE ? " (including the double fault's)" : "",
		story->sp, where(outlook, story->sp, words));
}

static void print_exception(FILE *to, const struct outlook *outlook,
			    const struct ws_exception *exception)
{
	char words[WHERE_WORDS];
	const char *name = ws_vector_name(exception->vector);
	const char *in = ws_exception_register(exception);

	if (name)
		fprintf(to, "%s", name);
	else
		fprintf(to, "vector %u", exception->vector);
	fprintf(to, " (error 0x%x", exception->error);
	if (in)
		fprintf(to, ", %s 0x%" PRIx64 "%s", in, exception->address,
			where(outlook, exception->address, words));
	fprintf(to, ")");
}

static void print_chain(const struct outlook *outlook, const struct ws_story *story,
			struct report *report)
{
	ws_autofree char *chain = NULL;
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	if (!to) {
		report_short(report);
		return;
	}
	for (unsigned i = 0; i < story->nexceptions; i++) {
		fprintf(to, "%s", i ? ", then " : "");
		print_exception(to, outlook, &story->exception[i]);
	}
	chain = ws_text_close(&text, NULL);
	if (!chain)
		report_short(report);
	else if (story->nexceptions)
		prose_line(report, false, "  last exceptions: %s", chain);
}

static void print_undermined(const struct outlook *outlook, const struct ws_story *story,
			     struct report *report)
{
	unsigned level = (unsigned)story->undermined;
	const struct ws_step *was = &story->before.step[level];
	const struct ws_step *is = &story->after.step[level];

	prose_line(report, false,
		   "  the stack had overwritten a page table that maps it: %s %u at "
		   "0x%" PRIx64 " was 0x%" PRIx64 " and became 0x%" PRIx64,
		   ws_level_entry_name(outlook->format, level), is->index,
		   ws_step_entry_pa(outlook->format, is), was->entry, is->entry);
}

static void print_descriptor(const struct ws_story *story, struct report *report)
{
	if (story->stumble != WS_STUMBLE_OTHER)
		prose_line(
			report, false,
			"  the failed access: offset 0x%x of the %s, which holds nothing "
			"that the delivery can use",
			story->exception[1].error & 0xfff8,
			ws_stumble_name((enum ws_stumble)story->stumble));
}

/* "which is mapped read-only (r-x kernel)", "which is not mapped (hole at page table)". */
static const char *failure_words(const struct outlook *outlook,
				 const struct ws_story *story,
				 char words[static 2 * WORDS])
{
	const struct ws_trail *after = &story->after;
	char how[WORDS];

	if (after->end == WS_END_PAGE)
		snprintf(words, 2 * WORDS, "which is mapped %s(%s)",
			 story->stumble == WS_STUMBLE_PUSH &&
					 !(after->access & WS_KERNEL_WRITE)
				 ? "read-only "
				 : "",
			 access_words(after->access, how));
	else
		snprintf(words, 2 * WORDS, "which is not mapped (%s)",
			 end_words(outlook->format, after->end,
				   after->nsteps ? after->nsteps - 1 : 0, how));
	return words;
}

#define ACCESS_WORDS 32

/* "a push to", "a read of the IDT at". */
static const char *failed_access(enum ws_stumble stumble, char words[static ACCESS_WORDS])
{
	if (stumble == WS_STUMBLE_PUSH)
		return "a push to";
	if (stumble == WS_STUMBLE_OTHER)
		return "an access to";
	snprintf(words, ACCESS_WORDS, "a read of the %s at", ws_stumble_name(stumble));
	return words;
}

static void print_failed_access(const struct outlook *outlook,
				const struct ws_story *story, struct report *report)
{
	char words[2 * WORDS], place[WHERE_WORDS], access[ACCESS_WORDS];

	if (story->stumble == WS_STUMBLE_NONE)
		return;
	if (!ws_exception_register(&story->exception[1])) {
		print_descriptor(story, report);
		return;
	}
	prose_line(report, false, "  the failed access: %s 0x%" PRIx64 "%s, %s",
		   failed_access((enum ws_stumble)story->stumble, access),
		   story->after.va, where(outlook, story->after.va, place),
		   failure_words(outlook, story, words));
	if (story->undermined >= 0)
		print_undermined(outlook, story, report);
}

/* By the names and numbers of the table below: only what is there is named. */
static void print_panic(const struct outlook *outlook, struct report *report)
{
	const char *separator = "  it may hang because pages that a panic needs are "
				"overwritten (";
	struct usage usage[WS_FRAME_USES];
	ws_autofree char *sentence = NULL;
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	if (!to) {
		report_short(report);
		return;
	}
	usage_count(outlook, usage);
	for (unsigned use = WS_FRAME_USES; use-- > 0;)
		if (panic_needs((uint8_t)use) && usage[use].pages) {
			fprintf(to, "%s%s %" PRIu64, separator,
				ws_frame_use_name((enum ws_frame_use)use),
				usage[use].pages);
			separator = ", ";
		}
	sentence = ws_text_close(&text, NULL);
	if (!sentence)
		report_short(report);
	else if (*sentence)
		prose_line(report, false, "%s)", sentence);
}

static const char *root_register(const struct outlook *outlook,
				 const struct ws_story *story)
{
	const struct ws_target *target = ws_system_target(outlook->session->system);

	return ws_cpu_root_register(ws_target_cpu(target, story->cpu));
}

static void print_double_fault(const struct outlook *outlook,
			       const struct ws_story *story, struct report *report)
{
	static const char *const stacks[] = {
		[WS_DF_TASK] = "in a hardware task of its own, with its own ",
		[WS_DF_OWN] = "on an interrupt stack of its own",
		[WS_DF_STACK] = "on the same stack",
	};

	if (story->df_stack == WS_DF_NONE)
		return;
	prose_line(report, false, "  the handler of the double fault runs %s%s",
		   stacks[story->df_stack],
		   story->df_stack == WS_DF_TASK ? root_register(outlook, story) : "");
	print_panic(outlook, report);
}

/* What the machine does not know: what the handler needs behind its first byte. */
static void print_verdict(const struct simulated *one, struct report *report)
{
	char words[VERDICT_WORDS];

	if (one->whole.verdict == WS_COHERENT)
		return;
	prose_line(report, false, "  the audit's verdict on this space: %s (%s)",
		   ws_verdict_name(one->whole.verdict),
		   judgement_meaning(&one->whole, words));
	if (one->story.fate == WS_FATE_SURVIVES)
		prose_lines(report, "    ", one->whole.reasons);
}

static void print_missing(const struct ws_story *story, struct report *report)
{
	char many[WORDS];

	snprintf(many, sizeof(many), "%s page frames were", WS_COUNT(story->missing));
	if (story->fate == WS_FATE_UNKNOWN)
		prose_line(report, true,
			   "  the processor next reads physical 0x%" PRIx64
			   ", which the target does not hold",
			   story->unknown_pa);
	else if (story->missing)
		prose_line(report, false,
			   "  %s written that the target does not hold (%s0x%" PRIx64
			   "): what %s held before is not known",
			   story->missing == 1 ? "1 page frame was" : many,
			   story->missing == 1 ? "" : "one is ", story->missing_pa,
			   story->missing == 1 ? "it" : "they");
}

void print_story(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	const struct simulated *one = outlook->simulated.v;

	print_double_fault(outlook, &one->story, report);
	print_frames(outlook, &one->story, report);
	print_failed_access(outlook, &one->story, report);
	print_chain(outlook, &one->story, report);
	print_verdict(one, report);
	print_missing(&one->story, report);
	print_start(outlook, &one->story, report);
}

/* ---- the last delivery and the ground, for programs ---- */

enum { E_VECTOR, E_ERROR, E_ADDRESS };

static const struct column exception_columns[] = {
	[E_VECTOR] = { "vector", NULL, COLUMN_COUNT, NULL },
	[E_ERROR] = { "error", NULL, COLUMN_COUNT, NULL },
	[E_ADDRESS] = { "address", NULL, COLUMN_ADDRESS, NULL },
};
const struct table exceptions_table = { "exceptions", TABLE_COLUMNS(exception_columns) };

void print_exceptions(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	const struct ws_story *story = &outlook->simulated.v->story;

	for (unsigned i = 0; i < story->nexceptions; i++) {
		const struct ws_exception *exception = &story->exception[i];

		report_row(report,
			   (struct value[]){
				   [E_VECTOR] = value_number(exception->vector),
				   [E_ERROR] = value_number(exception->error),
				   [E_ADDRESS] = { .known = ws_exception_register(
								    exception) != NULL,
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
const struct table ground_table = { "ground", TABLE_COLUMNS(ground_columns) };

void print_ground_row(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	const struct ws_story *story = &outlook->simulated.v->story;
	const struct ws_layout *layout = ws_system_layout(outlook->session->system);
	struct steps before = { outlook->format, &story->before, layout },
		     after = { outlook->format, &story->after, layout };
	unsigned level = story->after.nsteps ? story->after.nsteps - 1 : 0;
	char words[WORDS];
	struct value row[] = {
		[G_ACCESS] = value_text(ws_stumble_name((enum ws_stumble)story->stumble)),
		[G_ADDRESS] = value_number(story->after.va),
		[G_END] = value_text(
			end_words(outlook->format, story->after.end, level, words)),
		[G_UNDERMINED] = value_text(
			story->undermined < 0
				? NULL
				: ws_level_entry_name(outlook->format,
						      (unsigned)story->undermined)),
		[G_BEFORE] = value_rows(print_steps, &before),
		[G_AFTER] = value_rows(print_steps, &after),
	};

	if (story->stumble != WS_STUMBLE_NONE &&
	    ws_exception_register(&story->exception[1]))
		report_row(report, row);
}
