/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "changes.h"

#include <string.h>

#include "whosees.h"

/* ---- which ------------------------------------------------------------------------- */

static bool add(change_vec *changes, const struct change *change)
{
	struct change *added = ws_vec_push(changes);

	if (added)
		*added = *change;
	return added;
}

/* What heals, by the kernel's own doing, is as good as coherent. */
static int badness(const struct fact *fact)
{
	return !fact || fact->verdict == WS_HEALS ? WS_COHERENT : fact->verdict;
}

/* A space that came with a verdict, or went with one, changes as from coherent, or to it. */
static enum change_kind kind_of_verdict(const struct fact *before,
					const struct fact *after)
{
	int was = badness(before), is = badness(after);

	if (was == is || was == WS_UNKNOWN || is == WS_UNKNOWN)
		return CHANGE_OTHER;
	return is > was ? CHANGE_WORSE : CHANGE_IMPROVED;
}

static bool is_sick(const struct fact *fact)
{
	return badness(fact) != WS_COHERENT;
}

/* What heals is no news of a process that began or ended. */
static bool add_verdict(const struct fact *before, const struct fact *after,
			change_vec *changes)
{
	const struct fact *fact = after ? after : before;

	if (before && after ? before->verdict == after->verdict : !is_sick(fact))
		return true;
	return add(changes, &(struct change){ .kind = kind_of_verdict(before, after),
					      .what = "verdict",
					      .severity = -1,
					      .name = fact->name,
					      .before = before ? before->value : NULL,
					      .after = after ? after->value : NULL });
}

static bool differ(const struct fact *before, const struct fact *after)
{
	const char *was = before->same ? before->same : before->value;
	const char *is = after->same ? after->same : after->value;

	return strcmp(was, is) != 0;
}

static enum change_kind kind_of_finding(const struct fact *before,
					const struct fact *after)
{
	return !before ? CHANGE_FOUND : !after ? CHANGE_GONE : CHANGE_OTHER;
}

static bool add_thing(const struct fact *before, const struct fact *after,
		      change_vec *changes)
{
	const struct fact *fact = after ? after : before;
	bool finding = fact->kind == FACT_FINDING;

	if (before && after && !differ(before, after))
		return true;
	return add(changes,
		   &(struct change){ .kind = finding ? kind_of_finding(before, after)
						     : CHANGE_OTHER,
				     .what = finding ? "finding" : "module",
				     .name = fact->name,
				     .before = before ? before->value : NULL,
				     .after = after ? after->value : NULL,
				     .severity = fact->severity,
				     .has_range = fact->has_range,
				     .va = fact->va,
				     .last = fact->last });
}

static int by_kind(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return (x->kind > y->kind) - (x->kind < y->kind);
}

bool changes_find(const fact_pairs *pairs, change_vec *changes)
{
	ws_vec_each(pairs, pair) {
		const struct fact *fact = pair->after ? pair->after : pair->before;
		bool added = true;

		if (fact->kind == FACT_VERDICT)
			added = add_verdict(pair->before, pair->after, changes);
		else if (fact->kind != FACT_SPACE)
			added = add_thing(pair->before, pair->after, changes);
		if (!added)
			return false;
	}
	if (changes->n)
		qsort(changes->v, changes->n, sizeof(*changes->v), by_kind);
	return true;
}

bool change_is_alarm(const struct change *change)
{
	return change->kind == CHANGE_WORSE ||
	       (change->kind == CHANGE_FOUND && change->severity >= WS_ERROR);
}

/* ---- how it is said ---------------------------------------------------------------- */

static const char *const kinds[] = {
	[CHANGE_WORSE] = "worse",       [CHANGE_FOUND] = "found",
	[CHANGE_IMPROVED] = "improved", [CHANGE_GONE] = "gone",
	[CHANGE_OTHER] = "changed",     [CHANGE_LOST] = "lost",
	[CHANGE_BACK] = "back",
};

enum { TIME, CHANGE, WHAT, NAME, SEVERITY, VA, LAST, BEFORE, AFTER };

static const struct column columns[] = {
	[TIME] = { "time", NULL, COLUMN_TEXT, "when the look began, UTC" },
	[CHANGE] = { "change", "CHANGE", COLUMN_TEXT,
		     "of a verdict worse or improved; of a finding found or gone; changed; of "
		     "the target lost, when a look failed, or back" },
	[WHAT] = { "what", "WHAT", COLUMN_TEXT, "verdict, finding, module or target" },
	[NAME] = { "name", "NAME", COLUMN_TEXT, "which one" },
	[SEVERITY] = { "severity", "SEVERITY", COLUMN_TEXT,
		       "of a finding: info, warning, error or fatal" },
	[VA] = { "address", NULL, COLUMN_ADDRESS,
		 "its first byte, where it has a range" },
	[LAST] = { "last", NULL, COLUMN_ADDRESS, "and the last" },
	[BEFORE] = { "before", NULL, COLUMN_TEXT, "what it was; nothing: it was not" },
	[AFTER] = { "after", NULL, COLUMN_TEXT, "what it is; nothing: it is not" },
};
const struct table changes_table = { "changes", TABLE_COLUMNS(columns) };

const char *change_time(time_t now, char text[static CHANGE_TIME])
{
	struct tm utc;

	if (!gmtime_r(&now, &utc) ||
	    !strftime(text, CHANGE_TIME, "%Y-%m-%dT%H:%M:%SZ", &utc))
		*text = '\0';
	return text;
}

static const char *severity_of(const struct change *change)
{
	return change->severity < 0
		       ? NULL
		       : ws_severity_name((enum ws_severity)change->severity);
}

static bool report_change(const struct change *change, time_t now, struct report *report)
{
	char time[CHANGE_TIME];

	return report_row(
		report,
		(struct value[]){
			[TIME] = value_text(change_time(now, time)),
			[CHANGE] = value_text(kinds[change->kind]),
			[WHAT] = value_text(change->what),
			[NAME] = value_text(change->name),
			[SEVERITY] = value_text(severity_of(change)),
			[VA] = { .known = change->has_range, .number = change->va },
			[LAST] = { .known = change->has_range, .number = change->last },
			[BEFORE] = value_text(change->before),
			[AFTER] = value_text(change->after),
		});
}

struct rows {
	const change_vec *changes;
	time_t now;
};

static void report_rows(void *arg, struct report *report)
{
	const struct rows *rows = arg;

	ws_vec_each(rows->changes, change)
		if (!report_change(change, rows->now, report))
			return;
}

void changes_report(const change_vec *changes, time_t now, struct report *report)
{
	struct rows rows = { changes, now };

	report_table(report, &changes_table, report_rows, &rows);
}

static void print_clean(const char *text, FILE *to)
{
	char clean[REPORT_CELL];

	report_clean(clean, sizeof(clean), text);
	fputs(clean, to);
}

void change_print_words(const struct change *change, FILE *to)
{
	fprintf(to, "%-8s  %s ", kinds[change->kind], change->what);
	print_clean(change->name, to);
	if (severity_of(change))
		fprintf(to, " (%s)", severity_of(change));
	fputs(": ", to);
	if (change->before)
		print_clean(change->before, to);
	if (change->before && change->after)
		fputs(" -> ", to);
	if (change->after)
		print_clean(change->after, to);
}

void change_print(const struct change *change, time_t now, FILE *to)
{
	char time[CHANGE_TIME];

	fprintf(to, "%s  ", change_time(now, time));
	change_print_words(change, to);
	fputc('\n', to);
}
