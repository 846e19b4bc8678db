/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a machine died: the cause first, then what it rests on. */
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "report/fingerprint.h"
#include "report/provenance.h"
#include "result.h"
#include "session.h"
#include "util/cleanup.h"
#include "util/count.h"

struct post_mortem {
	struct session *session;
	struct ws_audit *audit;
	struct ws_autopsy *autopsy;
	const struct ws_death *death;
	const struct ws_space *spaces;
	struct fingerprint print; /* of the cause; empty: there is none */
};

static void post_mortem_release(struct post_mortem *mortem)
{
	ws_autopsy_destroy(mortem->autopsy);
	ws_audit_destroy(mortem->audit);
}

static struct value number_if(bool known, uint64_t number)
{
	return known ? value_number(number) : (struct value){ 0 };
}

/* ---- the cause ---------------------------------------------------------------------- */

enum {
	SENTENCE,
	CAUSE,
	CERTAINTY,
	PID,
	COMM,
	ROOT,
	HANDLER,
	CPU,
	VECTOR,
	ERROR_CODE,
	STORM_FRAMES,
	STRIDE,
	FIRST_IP,
	FIRST_SP,
	FIRST_USER,
	LAST_SP,
	REPLAY_FATE,
	REPLAY_SP,
	REPLAY_DIFFERS,
	ALL_FRAMES,
	LOST_FRAMES,
	UNKNOWN,
	KERNEL,
	FINGERPRINT,
};

static const struct column cause_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[CAUSE] = { "cause", NULL, COLUMN_TEXT, "its name; null: no sign of one" },
	[CERTAINTY] = { "certainty", NULL, COLUMN_TEXT,
			"none; possible: or the dump is damaged; likely: traces of a death "
			"and page tables agree; reproduced: a simulated processor leaves the "
			"same traces" },
	[PID] = { "pid", NULL, COLUMN_COUNT, "of the space that it died in" },
	[COMM] = { "comm", NULL, COLUMN_TEXT, "that process's name" },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, "that space's root" },
	[HANDLER] = { "handler", NULL, COLUMN_ADDRESS, "that was not reached" },
	[CPU] = { "cpu", NULL, COLUMN_COUNT, "the processor whose registers tell of it" },
	[VECTOR] = { "vector", NULL, COLUMN_COUNT,
		     "whose handler that is, by the processors' own tables" },
	[ERROR_CODE] = { "error", NULL, COLUMN_ADDRESS,
			 "the error code in the uppermost frame of the storm" },
	[STORM_FRAMES] = { "frames", NULL, COLUMN_COUNT,
			   "exception frames of the storm" },
	[STRIDE] = { "stride", NULL, COLUMN_COUNT, "bytes from one to the next" },
	[FIRST_IP] = { "first_ip", NULL, COLUMN_ADDRESS, "where the first fault was" },
	[FIRST_SP] = { "first_frame", NULL, COLUMN_ADDRESS, "where its frame lies" },
	[FIRST_USER] = { "first_user", NULL, COLUMN_YES, "it was in user mode" },
	[LAST_SP] = { "last_sp", NULL, COLUMN_ADDRESS, "where the last frame lies" },
	[REPLAY_FATE] = { "replay", NULL, COLUMN_TEXT,
			  "how the storm ends on the simulated processor, as what-if has it" },
	[REPLAY_SP] = { "replay_sp", NULL, COLUMN_ADDRESS,
			"where the last frame lies there" },
	[REPLAY_DIFFERS] = { "replay_differs", NULL, COLUMN_TEXT,
			     "in what the machine ended otherwise; null: no sign of that" },
	[ALL_FRAMES] = { "all_frames", NULL, COLUMN_COUNT,
			 "what looks like an exception frame in all of memory" },
	[LOST_FRAMES] = { "lost_frames", NULL, COLUMN_COUNT,
			  "of these, those that were counted and not looked at" },
	[UNKNOWN] = { "unknown", NULL, COLUMN_TEXT,
		      "what the target lacks, in which a cause may lie" },
	[KERNEL] = { "kernel", NULL, COLUMN_TEXT, "its release, as uname has it" },
	[FINGERPRINT] = { "fingerprint", NULL, COLUMN_TEXT,
			  "the same for the same cause on other machines" },
};
static const struct table cause_table = { "summary", TABLE_COLUMNS(cause_columns),
					  .prose = true };

static void print_cause(void *arg, struct report *report)
{
	const struct post_mortem *mortem = arg;
	const struct ws_death *death = mortem->death;
	const struct ws_storm *storm = death->storm;
	const struct ws_space *space =
		death->space == WS_NO_SPACE ? NULL : &mortem->spaces[death->space];
	bool first = storm && storm->has_first;
	char release[RELEASE_WORDS];

	report_row(
		report,
		(struct value[]){
			[SENTENCE] = value_text(death->sentence),
			[CAUSE] = death->cause ? value_text(death->cause->id)
					       : (struct value){ 0 },
			[CERTAINTY] = value_text(ws_certainty_name(death->certainty)),
			[PID] = number_if(space && space->pid, space ? space->pid : 0),
			[COMM] = space && space->pid ? value_text(space->comm)
						     : (struct value){ 0 },
			[ROOT] = number_if(death->has_root, death->root),
			[HANDLER] = number_if(death->handler, death->handler),
			[CPU] = number_if(death->has_cpu, death->cpu),
			[VECTOR] = number_if(storm && storm->has_vector,
					     storm ? storm->vector : 0),
			[ERROR_CODE] = number_if(storm, storm ? storm->frame.error : 0),
			[STORM_FRAMES] = number_if(storm, storm ? storm->frames : 0),
			[STRIDE] = number_if(storm, storm ? storm->stride : 0),
			[FIRST_IP] = number_if(first, first ? storm->first.ip : 0),
			[FIRST_SP] = number_if(first, first ? storm->first_va : 0),
			[FIRST_USER] = first ? value_number(storm->first.user)
					     : (struct value){ 0 },
			[LAST_SP] = number_if(storm, storm ? storm->va : 0),
			[REPLAY_FATE] = death->has_story ? value_text(ws_fate_name(
								   death->story.fate))
							 : (struct value){ 0 },
			[REPLAY_SP] = number_if(death->has_story, death->story.sp),
			[REPLAY_DIFFERS] = value_text(death->replay_differs),
			[ALL_FRAMES] = value_number(death->nframes),
			[LOST_FRAMES] = value_number(death->nlost),
			[UNKNOWN] = value_text(death->unknown),
			[KERNEL] = value_text(
				kernel_release(mortem->session->system, release)),
			[FINGERPRINT] = death->cause ? value_text(mortem->print.hex)
						     : (struct value){ 0 },
		});
}

/* ---- the chain ---------------------------------------------------------------------- */

enum { ABOUT, VA, PA, CLUE };

static const struct column clue_columns[] = {
	[ABOUT] = { "about", "ABOUT", COLUMN_TEXT,
		    "processor, frames, hole, stack, who, replay, code, overwritten, log" },
	[VA] = { "address", "ADDRESS", COLUMN_ADDRESS, "where it lies" },
	[PA] = { "pa", NULL, COLUMN_ADDRESS, "the same, physical" },
	[CLUE] = { "text", "EVIDENCE", COLUMN_TEXT, "one link of the chain" },
};
const struct table autopsy_table = { "clues", TABLE_COLUMNS(clue_columns) };

static void print_clues(void *arg, struct report *report)
{
	const struct post_mortem *mortem = arg;
	size_t n;
	const struct ws_clue *clues = ws_autopsy_clues(mortem->autopsy, &n);

	for (size_t i = 0; i < n; i++)
		if (!report_row(report,
				(struct value[]){
					[ABOUT] = value_text(clues[i].about),
					[VA] = number_if(clues[i].has_va, clues[i].va),
					[PA] = number_if(clues[i].has_pa, clues[i].pa),
					[CLUE] = value_text(clues[i].text),
				}))
			return;
}

/* ---- all storms ---------------------------------------------------------------------- */

enum {
	STORM_VA,
	STORM_PA,
	STORM_LAST_PA,
	STORM_COUNT,
	STORM_STRIDE,
	STORM_IP,
	STORM_VECTOR,
	STORM_ERROR,
	STORM_PID
};

static const struct column storm_columns[] = {
	[STORM_VA] = { "address", NULL, COLUMN_ADDRESS, "of the lowest byte" },
	[STORM_PA] = { "pa", NULL, COLUMN_ADDRESS, "the same, physical" },
	[STORM_LAST_PA] = { "last_pa", NULL, COLUMN_ADDRESS, "of the highest byte" },
	[STORM_COUNT] = { "frames", NULL, COLUMN_COUNT, "exception frames" },
	[STORM_STRIDE] = { "stride", NULL, COLUMN_COUNT, "bytes from one to the next" },
	[STORM_IP] = { "ip", NULL, COLUMN_ADDRESS, "that each of them saved" },
	[STORM_VECTOR] = { "vector", NULL, COLUMN_COUNT, "whose handler that is" },
	[STORM_ERROR] = { "error", NULL, COLUMN_ADDRESS,
			  "the word below it in the uppermost frame: an error code" },
	[STORM_PID] = { "pid", NULL, COLUMN_COUNT,
			"of the task on whose stack it began; null: of none that is known" },
};
static const struct table storm_table = { "storms", TABLE_COLUMNS(storm_columns) };

static void print_storms(void *arg, struct report *report)
{
	const struct post_mortem *mortem = arg;
	size_t n, ntasks;
	const struct ws_storm *storms = ws_autopsy_storms(mortem->autopsy, &n);
	const struct ws_task *tasks = ws_system_tasks(mortem->session->system, &ntasks);

	for (size_t i = 0; i < n; i++) {
		bool on_task = storms[i].task != WS_NO_TASK;

		if (!report_row(
			    report,
			    (struct value[]){
				    [STORM_VA] = number_if(storms[i].va, storms[i].va),
				    [STORM_PA] = value_number(storms[i].pa),
				    [STORM_LAST_PA] = value_number(storms[i].last_pa),
				    [STORM_COUNT] = value_number(storms[i].frames),
				    [STORM_STRIDE] = value_number(storms[i].stride),
				    [STORM_IP] = value_number(storms[i].frame.ip),
				    [STORM_VECTOR] = number_if(storms[i].has_vector,
							       storms[i].vector),
				    [STORM_ERROR] = value_number(storms[i].frame.error),
				    [STORM_PID] = number_if(
					    on_task,
					    on_task ? tasks[storms[i].task].pid : 0),
			    }))
			return;
	}
}

/* ---- what it means, in text --------------------------------------------------------- */

static void print_meaning(void *arg, struct report *report)
{
	const struct post_mortem *mortem = arg;
	const struct ws_death *death = mortem->death;

	if (!death->cause)
		return;
	prose_line(report, false, "how sure: %s", ws_certainty_name(death->certainty));
	if (death->replay_differs)
		prose_line(report, true, "%s", death->replay_differs);
	prose_line(report, false, "%s", death->cause->meaning);
	prose_line(report, false, "what to do (%s): %s", death->cause->id,
		   death->cause->fix);
}

/* A machine that has not died yet may be about to. */
static void print_next(void *arg, struct report *report)
{
	const struct post_mortem *mortem = arg;

	if (mortem->death->unknown)
		prose_line(report, false, "unknown: %s", mortem->death->unknown);
	if (!mortem->death->cause)
		prose_line(report, false,
			   "`whosees audit %s' says which spaces would not survive a "
			   "fault",
			   mortem->session->request->target);
}

/* The cause, as a finding of the machine's. */
static void print_recurring(void *arg, struct report *report)
{
	const struct post_mortem *mortem = arg;
	const struct ws_death *death = mortem->death;
	const struct byte_range handler = { death->handler, death->handler };
	ws_autofree char *modules = NULL;

	if (!death->cause)
		return;
	modules = modules_within(mortem->session->system, &handler, 1);
	if (!modules)
		report_short(report);
	result_finding(report, &(struct result_finding){
				       .print = &mortem->print,
				       .severity = ws_severity_name(WS_FATAL),
				       .rule = death->cause->id,
				       .text = death->cause->name,
				       .modules = modules,
			       });
}

/* What may as well be a damaged dump is no cause that is known. */
static enum exit_status status_of(const struct ws_death *death)
{
	if (death->certainty > WS_CERTAINTY_POSSIBLE)
		return EXIT_UNSEEN;
	return death->cause || death->unknown ? EXIT_UNKNOWN : EXIT_SEEN;
}

static enum exit_status answer(struct post_mortem *mortem)
{
	struct report *report = session_report(mortem->session);
	bool text = mortem->session->request->format == REPORT_TEXT;

	report_table(report, &cause_table, print_cause, mortem);
	report_table(report, &autopsy_table, print_clues, mortem);
	if (text) {
		report_table(report, &lines_table, print_meaning, mortem);
		report_table(report, &lines_table, print_next, mortem);
	} else {
		report_table(report, &storm_table, print_storms, mortem);
	}
	return result_answer(
		mortem->session,
		&(struct result){ mortem->death->sentence, print_recurring, mortem },
		status_of(mortem->death));
}

enum exit_status run_autopsy(struct session *session)
{
	ws_cleanup(post_mortem_release) struct post_mortem mortem = { .session =
									      session };
	enum ws_status status = ws_system_leave_out(session->system, "frames");
	size_t n;

	if (status == WS_OK)
		status = ws_audit_run(session->system, &mortem.audit);
	if (status == WS_OK)
		status = ws_autopsy_run(mortem.audit, &mortem.autopsy);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	mortem.death = ws_autopsy_death(mortem.autopsy);
	mortem.spaces = ws_system_spaces(session->system, &n);
	if (mortem.death->cause &&
	    !fingerprint_death(&mortem.print, session->system, mortem.death))
		return session_fail_memory();
	return answer(&mortem);
}
