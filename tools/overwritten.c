/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pages that a story of what-if has overwritten, and what they were. */
#include <stdio.h>
#include <string.h>

#include "frame_words.h"
#include "lines.h"
#include "outlook.h"
#include "report/words.h"

enum { U_USE, U_SHOWN, U_PAGES, U_RUNS };

static const struct column use_columns[] = {
	[U_USE] = { "use", NULL, COLUMN_TEXT, NULL },
	[U_SHOWN] = { NULL, "WRITTEN", COLUMN_TEXT, NULL },
	[U_PAGES] = { "pages", "PAGES", COLUMN_COUNT, NULL },
	[U_RUNS] = { "runs", "RANGES", COLUMN_COUNT, NULL },
};
const struct table uses_table = { "uses", TABLE_COLUMNS(use_columns) };

static uint64_t pages_of(const struct ws_frame_run *run)
{
	return (run->last - run->pa + 1) / WS_FRAME_SIZE;
}

/*
 * Whether no more was done to it than delivery does to it anyway. Where frames ran
 * through memory, what they met on their way lies beside other memory that they
 * overwrote.
 */
static bool is_normal_use(const struct outlook *outlook, size_t i)
{
	const struct ws_frame_run *runs = outlook->runs;
	size_t first = i, last = i;

	while (first && runs[first - 1].last + 1 == runs[first].pa)
		first--;
	while (last + 1 < outlook->nruns && runs[last].last + 1 == runs[last + 1].pa)
		last++;
	for (size_t at = first; at <= last; at++)
		if (!runs[at].by_design)
			return false;
	return true;
}

void usage_count(const struct outlook *outlook, struct usage usage[static WS_FRAME_USES])
{
	memset(usage, 0, WS_FRAME_USES * sizeof(*usage));
	for (size_t i = 0; i < outlook->nruns; i++) {
		usage[outlook->runs[i].use].pages += pages_of(&outlook->runs[i]);
		usage[outlook->runs[i].use].runs++;
	}
}

static void print_use(struct report *report, const char *use, const char *remark,
		      const struct usage *usage)
{
	char words[WORDS];
	struct value row[] = {
		[U_USE] = value_text(use),
		[U_SHOWN] = value_text(words),
		[U_PAGES] = value_number(usage->pages),
		[U_RUNS] = value_number(usage->runs),
	};

	snprintf(words, sizeof(words), "%s%s", use, remark);
	if (usage->pages)
		report_row(report, row);
}

/* Text has stacks and a TSS that were only used in a row of their own. */
void print_uses(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;
	struct usage usage[WS_FRAME_USES], normal = { 0 };

	usage_count(outlook, usage);
	for (size_t i = 0; i < outlook->nruns; i++)
		if (outlook->session->request->format == REPORT_TEXT &&
		    is_normal_use(outlook, i)) {
			normal.pages += pages_of(&outlook->runs[i]);
			normal.runs++;
		}
	usage[WS_FRAME_FAULT_PATH].pages -= normal.pages;
	usage[WS_FRAME_FAULT_PATH].runs -= normal.runs;
	for (unsigned use = WS_FRAME_USES; use-- > 0;) {
		print_use(report, ws_frame_use_name(use), "", &usage[use]);
		if (use == WS_FRAME_FAULT_PATH)
			print_use(report, ws_frame_use_name(use), " (normal use)",
				  &normal);
	}
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

static bool print_run(const struct outlook *outlook, size_t i, struct report *report)
{
	const struct ws_frame_run *run = &outlook->runs[i];
	bool table = run->use == WS_FRAME_TABLE;
	struct frame_names names = { outlook->format, outlook->spaces, outlook->nspaces,
				     outlook->tasks };
	char words[FRAME_WORDS];
	struct value row[] = {
		[O_PA] = value_number(run->pa),
		[O_LAST] = value_number(run->last),
		[O_PAGES] = value_number(pages_of(run)),
		[O_USE] = value_text(ws_frame_use_name(run->use)),
		[O_PID] = frame_pid(&names, run),
		[O_COMM] = frame_comm(&names, run),
		[O_VA] = { .known = table, .number = run->va },
		[O_VA_LAST] = { .known = table, .number = run->va_last },
		[O_WHAT] = value_text(frame_words(&names, run, words)),
	};

	if (outlook->session->request->format == REPORT_TEXT && is_normal_use(outlook, i))
		strncat(words, " (normal use)", FRAME_WORDS - 1 - strlen(words));
	row[O_WHAT].alarm = table;
	return report_row(report, row);
}

/* The stack goes down, and what matters is where it ended: text shows the lowest. */
#define SHOWN 24

static bool is_shown(const struct outlook *outlook, size_t i)
{
	return outlook->session->request->format != REPORT_TEXT || i < SHOWN;
}

void print_runs(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;

	for (size_t i = 0; i < outlook->nruns && is_shown(outlook, i); i++)
		if (!print_run(outlook, i, report))
			return;
}

void print_more_runs(void *arg, struct report *report)
{
	const struct outlook *outlook = arg;

	if (outlook->nruns > SHOWN)
		prose_line(report, false, "and %zu more, which --json has",
			   outlook->nruns - SHOWN);
}
