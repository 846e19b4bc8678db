/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pages that a story of what-if has overwritten, and what they were. */
#include <inttypes.h>
#include <stdio.h>

#include "lines.h"
#include "outlook.h"
#include "report/words.h"

enum { U_USE, U_PAGES, U_RUNS };

static const struct column use_columns[] = {
	[U_USE] = { "use", "OVERWRITTEN", COLUMN_TEXT, NULL },
	[U_PAGES] = { "pages", "PAGES", COLUMN_COUNT, NULL },
	[U_RUNS] = { "runs", "RUNS", COLUMN_COUNT, NULL },
};
const struct table uses_table = { "uses", TABLE_COLUMNS(use_columns) };

static uint64_t pages_of(const struct ws_overwritten *run)
{
	return (run->last - run->pa + 1) / WS_FRAME_SIZE;
}

void tell_uses(void *arg, struct report *report)
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
const struct table overwritten_table = { "overwritten", TABLE_COLUMNS(run_columns) };

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
	if (run->space < outlook->nspaces && space_has_pid(&outlook->spaces[run->space]))
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

void tell_runs(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;

	for (size_t i = 0; i < outlook->nruns && is_shown(outlook, i); i++)
		if (!tell_run(outlook, &outlook->runs[i], report))
			return;
}

void tell_more_runs(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;

	if (outlook->nruns > SHOWN)
		prose_line(report, false, "and %zu more, which --json has",
			   outlook->nruns - SHOWN);
}
