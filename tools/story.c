/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One story of what-if: how it begins, what it comes to, what gave way. */
#include <inttypes.h>
#include <stdio.h>

#include "lines.h"
#include "outlook.h"
#include "report/words.h"
#include "steps.h"
#include "util/cleanup.h"
#include "util/text.h"

#define PAGE_FAULT 14

/* ---- in words ---- */

static void tell_start(const struct outlook *outlook, const struct ws_story *story,
		       struct report *report)
{
	static const char *const origins[] = {
		[WS_SP_TSS] = "the TSS's",
		[WS_SP_OWN] = "the task's own, which a switch to it puts into the TSS",
		[WS_SP_GIVEN] = "as was asked for",
		[WS_SP_PROCESSOR] = "the processor's own",
		[WS_SP_SAVED] = "where the task was when it was switched away",
		[WS_SP_TOP] =
			"512 bytes below the top of the task's, since where it was is "
			"not known",
		[WS_SP_BORROWED] =
			"the first task's, as when it borrows this space, which "
			"has no stack of its own",
	};
	static const char *const processors[] = {
		[WS_PROCESSOR_SDM] = "as the manual has it",
		[WS_PROCESSOR_TCG] = "as QEMU 7.2's TCG is",
		[WS_PROCESSOR_NONE] = "as the manual has it, without a TLB",
	};

	prose_line(report, false,
		   "  it begins with the registers of cpu %u, which is %s, and EFLAGS "
		   "0x%" PRIx64 "; the processor is %s",
		   story->cpu, story->cpu_is_here ? "in this space" : "in another space",
		   story->flags, processors[outlook->question.processor]);
	if (story->sp_origin == WS_SP_TSS && !story->start_sp)
		prose_line(report, false,
			   "  the stack pointer is the TSS's, which is not "
			   "read");
	else
		prose_line(report, false, "  the stack pointer is 0x%" PRIx64 ": %s",
			   story->start_sp, origins[story->sp_origin]);
}

static void tell_frames(const struct ws_story *story, struct report *report)
{
	if (!story->frames) {
		if (story->fate != WS_FATE_UNKNOWN)
			prose_line(report, false, "  no frame can be pushed");
		return;
	}
	prose_line(report, false,
		   "  frames: %" PRIu64 "%s; nested faults: %" PRIu64
		   "; the stack pointer goes from 0x%" PRIx64 " to 0x%" PRIx64,
		   story->frames,
		   story->df_stack != WS_DF_NONE ? ", the double fault's among them" : "",
		   story->nested, story->first_sp, story->sp);
}

static void print_exception(FILE *to, const struct ws_exception *exception)
{
	const char *name = ws_vector_name(exception->vector);

	if (name)
		fprintf(to, "%s", name);
	else
		fprintf(to, "vector %u", exception->vector);
	fprintf(to, " (error 0x%x", exception->error);
	if (exception->vector == PAGE_FAULT)
		fprintf(to, ", CR2 0x%" PRIx64, exception->address);
	fprintf(to, ")");
}

static void tell_chain(const struct ws_story *story, struct report *report)
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
		print_exception(to, &story->exception[i]);
	}
	chain = ws_text_close(&text, NULL);
	if (!chain)
		report_short(report);
	else if (story->nexceptions)
		prose_line(report, false, "  the last delivery: %s", chain);
}

static void tell_undermined(const struct outlook *outlook, const struct ws_story *story,
			    struct report *report)
{
	unsigned level = (unsigned)story->undermined;
	const struct ws_step *was = &story->before.step[level];
	const struct ws_step *is = &story->after.step[level];

	prose_line(
		report, false,
		"  the stack has run over the tables that it is reached through: %s %u "
		"at 0x%" PRIx64 " was 0x%" PRIx64 " and is 0x%" PRIx64,
		ws_level_entry_name(outlook->format, level), is->index,
		ws_step_entry_pa(outlook->format, is), was->entry, is->entry);
}

static void tell_descriptor(const struct ws_story *story, struct report *report)
{
	if (story->stumble != WS_STUMBLE_OTHER)
		prose_line(
			report, false,
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
	if (story->exception[1].vector != PAGE_FAULT) {
		tell_descriptor(story, report);
		return;
	}
	prose_line(report, false, "  the ground gave way under %s 0x%" PRIx64 ": %s%s",
		   accesses[story->stumble], after->va,
		   after->end == WS_END_PAGE ? "the page there is " : "",
		   after->end == WS_END_PAGE
			   ? access_words(after->access, words)
			   : end_words(outlook->format, after->end,
				       after->nsteps ? after->nsteps - 1 : 0, words));
	if (story->undermined >= 0)
		tell_undermined(outlook, story, report);
}

/* What a panic needs to say why: on real kernels most hang instead without it. */
static bool panic_needs(uint8_t use)
{
	return use == WS_FRAME_MODULE || use == WS_FRAME_IMAGE || use == WS_FRAME_SLAB ||
	       use == WS_FRAME_TABLE;
}

static void tell_panic(const struct outlook *outlook, struct report *report)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < outlook->nruns; i++)
		if (panic_needs(outlook->runs[i].use))
			pages += (outlook->runs[i].last - outlook->runs[i].pa) /
					 WS_FRAME_SIZE +
				 1;
	if (pages)
		prose_line(
			report, false,
			"  the panic may hang before it says why: %" PRIu64
			" pages of modules, slab, page tables and the kernel image are "
			"overwritten",
			pages);
}

static void tell_double_fault(const struct outlook *outlook, const struct ws_story *story,
			      struct report *report)
{
	static const char *const stacks[] = {
		[WS_DF_TASK] = "in a task of its own, whose CR3 is not this space's",
		[WS_DF_IST] = "on an interrupt stack of its own",
		[WS_DF_STACK] = "on the stack that there is",
	};

	if (story->df_stack != WS_DF_NONE) {
		prose_line(report, false, "  the double fault is delivered %s",
			   stacks[story->df_stack]);
		tell_panic(outlook, report);
	} else if (story->double_fault) {
		prose_line(report, false,
			   "  the double fault cannot be delivered either");
	}
}

/* What the machine does not know: what the handler needs behind its first byte. */
static void tell_verdict(const struct told *told, struct report *report)
{
	if (told->verdict == WS_COHERENT)
		return;
	prose_line(report, false, "  the audit says that this space %s%s",
		   told->verdict == WS_UNKNOWN ? "is " : "",
		   ws_verdict_name(told->verdict));
	if (told->story.fate == WS_FATE_SURVIVES)
		prose_lines(report, "    ", told->reasons);
}

static void tell_missing(const struct ws_story *story, struct report *report)
{
	if (story->fate == WS_FATE_UNKNOWN)
		prose_line(report, true,
			   "  the processor reads physical 0x%" PRIx64
			   " next, which this target does not hold: what comes of it is "
			   "not known",
			   story->unknown_pa);
	else if (story->missing)
		prose_line(
			report, false,
			"  frames that it wrote and this target does not hold: %" PRIu64
			", the first at 0x%" PRIx64,
			story->missing, story->missing_pa);
}

void tell_story(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	const struct told *told = outlook->told.v;

	tell_start(outlook, &told->story, report);
	tell_frames(&told->story, report);
	tell_chain(&told->story, report);
	tell_ground(outlook, &told->story, report);
	tell_double_fault(outlook, &told->story, report);
	tell_verdict(told, report);
	tell_missing(&told->story, report);
}

/* ---- the last delivery and the ground, for programs ---- */

enum { E_VECTOR, E_ERROR, E_ADDRESS };

static const struct column exception_columns[] = {
	[E_VECTOR] = { "vector", NULL, COLUMN_COUNT, NULL },
	[E_ERROR] = { "error", NULL, COLUMN_COUNT, NULL },
	[E_ADDRESS] = { "address", NULL, COLUMN_ADDRESS, NULL },
};
const struct table exceptions_table = { "exceptions", TABLE_COLUMNS(exception_columns) };

void tell_exceptions(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	const struct ws_story *story = &outlook->told.v->story;

	for (unsigned i = 0; i < story->nexceptions; i++) {
		const struct ws_exception *exception = &story->exception[i];

		report_row(report, (struct value[]){
					   [E_VECTOR] = value_number(exception->vector),
					   [E_ERROR] = value_number(exception->error),
					   [E_ADDRESS] = { .known = exception->vector ==
								    PAGE_FAULT,
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

void tell_ground_row(void *arg, struct report *report)
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

	if (story->stumble != WS_STUMBLE_NONE && story->exception[1].vector == PAGE_FAULT)
		report_row(report, row);
}
