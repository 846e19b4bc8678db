/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The results of many targets, by what was found: how many have it, and since when. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "session.h"
#include "tally.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

/* How many lines of a kind there are, and where the first is. */
struct lines_of {
	uint64_t n, first;
	const char *file;
};

struct digesting {
	struct session *session;
	struct tally tally;
	struct result_line line; /* what was read last */
	char *text;              /* LINE_LENGTH bytes and one more */
	uint64_t nlines;
	struct lines_of kind[LINE_KINDS];
};

static void digesting_release(struct digesting *digesting)
{
	tally_release(&digesting->tally);
	result_line_release(&digesting->line);
	free(digesting->text);
}

/* ---- lines on their way in ---------------------------------------------------------- */

/*
 * The next line, without its end, as far as there is room for it; *n: its length, which is
 * more than LINE_LENGTH where there is not. False: there is none.
 */
static bool next_line(FILE *from, char *text, size_t *n)
{
	int c = getc_unlocked(from);

	*n = 0;
	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc_unlocked(from))
		if (*n <= LINE_LENGTH)
			text[(*n)++] = (char)c;
	return true;
}

static bool take_line(struct digesting *digesting, size_t n, const char *file,
		      uint64_t number)
{
	struct result_line *line = &digesting->line;
	enum line_kind kind =
		n > LINE_LENGTH ? LINE_LONG : result_line_read(line, digesting->text, n);
	struct lines_of *lines = &digesting->kind[kind];

	if (!lines->n++)
		*lines = (struct lines_of){ 1, number, file };
	if (line->short_of_memory)
		return false;
	return kind != LINE_RESULT || tally_add(&digesting->tally, line);
}

static enum exit_status take_lines(struct digesting *digesting, FILE *from,
				   const char *file)
{
	uint64_t number = 0;
	size_t n;

	while (next_line(from, digesting->text, &n)) {
		digesting->nlines++;
		if (!take_line(digesting, n, file, ++number))
			return session_fail_memory();
	}
	return ferror(from) ? session_write_failed(digesting->session, file) : EXIT_SEEN;
}

static enum exit_status take_file(struct digesting *digesting, const char *file)
{
	ws_autofclose FILE *opened = NULL;

	if (!strcmp(file, "-"))
		return take_lines(digesting, stdin, "standard input");
	opened = fopen(file, "re");
	return opened ? take_lines(digesting, opened, file)
		      : session_write_failed(digesting->session, file);
}

static enum exit_status take_files(struct digesting *digesting)
{
	const struct request *request = digesting->session->request;
	enum exit_status status = EXIT_SEEN;

	if (!request->nwords)
		return take_file(digesting, "-");
	for (size_t i = 0; status == EXIT_SEEN && i < request->nwords; i++)
		status = take_file(digesting, request->words[i]);
	return status;
}

/* ---- the summary: a row a command ------------------------------------------------- */

enum { SENTENCE, COMMAND, DUMPS, FOUND, CLEAN, UNKNOWN, FAILED };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[COMMAND] = { "command", NULL, COLUMN_TEXT, NULL },
	[DUMPS] = { "dumps", NULL, COLUMN_COUNT, NULL },
	[FOUND] = { "found", NULL, COLUMN_COUNT, NULL },
	[CLEAN] = { "clean", NULL, COLUMN_COUNT, NULL },
	[UNKNOWN] = { "unknown", NULL, COLUMN_COUNT, NULL },
	[FAILED] = { "failed", NULL, COLUMN_COUNT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

static const struct {
	const char *done, *found;
} command_words[] = {
	[RESULT_AUDIT] = { "audited", "with findings worse than info" },
	[RESULT_AUTOPSY] = { "autopsied", "with a cause of death" },
};

static bool print_command(const struct tally *tally, enum result_of of,
			  struct report *report)
{
	const struct tallied_command *command = &tally->command[of];
	uint64_t n = tally_targets(command);
	ws_autofree char *sentence = ws_text_of(
		"%s %s: %s %s, %s without, %s unknown, %s without an answer",
		WS_COUNT_OF(n, "dump"), command_words[of].done, WS_COUNT(command->found),
		command_words[of].found, WS_COUNT(command->clean),
		WS_COUNT(command->unknown), WS_COUNT(command->failed));
	struct value row[] = {
		[SENTENCE] = report_text_or_short(report, sentence),
		[COMMAND] = value_text(result_command(of)),
		[DUMPS] = value_number(n),
		[FOUND] = value_number(command->found),
		[CLEAN] = value_number(command->clean),
		[UNKNOWN] = value_number(command->unknown),
		[FAILED] = value_number(command->failed),
	};

	row[SENTENCE].alarm = command->found;
	return report_row(report, row);
}

static void print_summary(void *arg, struct report *report)
{
	const struct digesting *digesting = arg;

	for (unsigned of = 0; of < RESULTS_OF; of++)
		if (tally_targets(&digesting->tally.command[of]))
			print_command(&digesting->tally, (enum result_of)of, report);
}

/* ---- what was read ------------------------------------------------------------------ */

enum {
	LINES,
	RESULTS,
	REPEATED,
	UNCHECKED,
	OTHER,
	VERSION,
	WRONG,
	FOREIGN,
	LONG,
	LEFT_OUT
};

static const struct column input_columns[] = {
	[LINES] = { "lines", NULL, COLUMN_COUNT, NULL },
	[RESULTS] = { "results", NULL, COLUMN_COUNT, NULL },
	[REPEATED] = { "repeated", NULL, COLUMN_COUNT, NULL },
	[UNCHECKED] = { "unchecked", NULL, COLUMN_COUNT, NULL },
	[OTHER] = { "other", NULL, COLUMN_COUNT, NULL },
	[VERSION] = { "other_version", NULL, COLUMN_COUNT, NULL },
	[WRONG] = { "damaged", NULL, COLUMN_COUNT, NULL },
	[FOREIGN] = { "foreign", NULL, COLUMN_COUNT, NULL },
	[LONG] = { "too_long", NULL, COLUMN_COUNT, NULL },
	[LEFT_OUT] = { "left_out", NULL, COLUMN_COUNT, NULL },
};
static const struct table input = { "input", TABLE_COLUMNS(input_columns) };

static void print_input(void *arg, struct report *report)
{
	const struct digesting *digesting = arg;
	const struct tally *tally = &digesting->tally;

	report_row(report,
		   (struct value[]){
			   [LINES] = value_number(digesting->nlines),
			   [RESULTS] = value_number(tally->nresults),
			   [REPEATED] = value_number(tally->nrepeated),
			   [UNCHECKED] = value_number(tally->nunchecked),
			   [OTHER] = value_number(digesting->kind[LINE_OTHER].n),
			   [VERSION] = value_number(digesting->kind[LINE_VERSION].n),
			   [WRONG] = value_number(digesting->kind[LINE_WRONG].n),
			   [FOREIGN] = value_number(digesting->kind[LINE_FOREIGN].n),
			   [LONG] = value_number(digesting->kind[LINE_LONG].n),
			   [LEFT_OUT] = value_number(tally->nleft_out),
		   });
}

/* ---- what was found ----------------------------------------------------------------- */

enum {
	F_DUMPS,
	F_OF,
	F_SEVERITY,
	F_RULE,
	F_PLACE,
	F_DIFFERENCE,
	F_WHAT,
	F_KERNEL,
	F_LAST_KERNEL,
	F_MODULE,
	F_TARGET,
	F_FINGERPRINT,
	F_SAME_DUMPS,
	F_COMMAND,
	F_TEXT,
	F_MODULES,
	F_MORE_MODULES
};

/* What comes from a line is ASCII, and was made so when that was printed. */
enum { M_MODULE, M_DUMPS };

static const struct column module_columns[] = {
	[M_MODULE] = { "module", NULL, COLUMN_ASCII, NULL },
	[M_DUMPS] = { "dumps", NULL, COLUMN_COUNT, NULL },
};
static const struct table modules_of = { "modules", TABLE_COLUMNS(module_columns) };

/* clang-format off */
static const struct column finding_columns[] = {
	[F_DUMPS] = { "dumps", "DUMPS", COLUMN_COUNT, "how many dumps have it" },
	[F_OF] = { "of", NULL, COLUMN_COUNT, "of how many, without those that gave no answer" },
	[F_SEVERITY] = { "severity", "SEVERITY", COLUMN_TEXT,
			 "info, warning, error or fatal: the worst that it is in any",
			 .optional = 2 },
	[F_RULE] = { "rule", "RULE", COLUMN_ASCII, "the rule, or the cause of death" },
	[F_PLACE] = { "place", "PLACE", COLUMN_ASCII, "where it is, by name" },
	[F_DIFFERENCE] = { "difference", NULL, COLUMN_ASCII,
			   "in what the space differs there from init_mm" },
	[F_WHAT] = { NULL, "WHAT", COLUMN_TEXT, NULL },
	[F_KERNEL] = { "first_kernel", "FIRST KERNEL", COLUMN_ASCII,
		       "the lowest release of those dumps" },
	[F_LAST_KERNEL] = { "last_kernel", NULL, COLUMN_ASCII, "and the highest" },
	[F_MODULE] = { "module", "MODULE", COLUMN_ASCII,
		       "which most of those dumps have there" },
	[F_TARGET] = { "first_target", NULL, COLUMN_ASCII,
		       "a dump that has it: with that release, the first by name" },
	[F_FINGERPRINT] = { "fingerprint", NULL, COLUMN_TEXT, "as audit and autopsy have it" },
	[F_SAME_DUMPS] = { "same_dumps_as", NULL, COLUMN_TEXT,
			   "a worse finding that the same dumps have, and no others" },
	[F_COMMAND] = { "command", NULL, COLUMN_TEXT, "audit or autopsy" },
	[F_TEXT] = { "text", NULL, COLUMN_ASCII, "what it is in that dump" },
	[F_MODULES] = { "modules", NULL, COLUMN_ROWS,
			"JSON only: up to 8 modules, and how many of those dumps at least have each there",
			&modules_of },
	[F_MORE_MODULES] = { "more_modules", NULL, COLUMN_YES, "there are other modules, too" },
};
/* clang-format on */
const struct table digest_table = { "findings", TABLE_COLUMNS(finding_columns) };

static void print_modules(void *arg, struct report *report)
{
	const struct tallied *tallied = arg;

	for (unsigned m = 0; m < tallied->nmodules; m++)
		report_row(report,
			   (struct value[]){
				   [M_MODULE] = value_text(tallied->module[m].name),
				   [M_DUMPS] = value_number(
					   tally_at_least(&tallied->module[m])) });
}

/* The difference, and how many findings more the same dumps have. */
static char *what_words(const struct tallied *tallied, uint64_t more)
{
	const char *difference = tallied->difference ? tallied->difference : "";

	if (!more)
		return strdup(difference);
	return ws_text_of("%s%s%s more on the same dumps (--all)", difference,
			  *difference ? "; " : "", WS_COUNT_OF(more, "finding"));
}

/* head: the first of those of the same dumps. */
static bool print_finding(const struct digesting *digesting, struct tallied *tallied,
			  const struct tallied *head, uint64_t more,
			  struct report *report)
{
	const struct tallied_command *command = &digesting->tally.command[tallied->of];
	ws_autofree char *what = what_words(tallied, more);
	char print[17], same[17];
	struct value row[] = {
		[F_DUMPS] = value_number(tallied->ndumps),
		[F_OF] = value_number(tally_targets(command) - command->failed),
		[F_SEVERITY] = value_text(ws_severity_name(tallied->severity)),
		[F_RULE] = value_text(tallied->rule),
		[F_PLACE] = value_text(tallied->place),
		[F_DIFFERENCE] = value_text(tallied->difference),
		[F_WHAT] = report_text_or_short(report, what),
		[F_KERNEL] = value_text(tallied->kernel),
		[F_LAST_KERNEL] = value_text(tallied->last_kernel),
		[F_MODULE] =
			value_text(tallied->nmodules ? tallied->module[0].name : NULL),
		[F_TARGET] = value_text(tallied->target),
		[F_FINGERPRINT] = value_text(print),
		[F_SAME_DUMPS] = value_text(head == tallied ? NULL : same),
		[F_COMMAND] = value_text(result_command(tallied->of)),
		[F_TEXT] = value_text(tallied->text),
		[F_MODULES] = value_rows(print_modules, tallied),
		[F_MORE_MODULES] = value_number(tallied->more_modules),
	};

	snprintf(print, sizeof(print), "%016" PRIx64, tallied->fingerprint);
	snprintf(same, sizeof(same), "%016" PRIx64, head->fingerprint);
	row[F_SEVERITY].alarm = tallied->severity >= WS_ERROR;
	return report_row(report, row);
}

static uint64_t count_same_dumps(const struct tallied *head)
{
	uint64_t more = 0;

	for (const struct tallied *it = head->hh.next; it && tally_same_dumps(head, it);
	     it = it->hh.next)
		more++;
	return more;
}

/* In text, of those that the same dumps have, the worst; with --all each. */
static void print_findings(void *arg, struct report *report)
{
	const struct digesting *digesting = arg;
	const struct request *request = digesting->session->request;
	bool folds = request->format == REPORT_TEXT && !request->all;
	const struct tallied *head = NULL;
	struct tallied *it, *next;

	HASH_ITER(hh, digesting->tally.by_fingerprint, it, next)
	{
		if (!head || !tally_same_dumps(head, it))
			head = it;
		if (folds && head != it)
			continue;
		if (!print_finding(digesting, it, head, folds ? count_same_dumps(it) : 0,
				   report))
			return;
	}
}

/* ---- what has no answer ------------------------------------------------------------- */

enum { TARGET, ERROR }; /* ASCII, too */

static const struct column failure_columns[] = {
	[TARGET] = { "target", NULL, COLUMN_ASCII, NULL },
	[ERROR] = { "error", NULL, COLUMN_ASCII, NULL },
};
static const struct table failures = { "failures", TABLE_COLUMNS(failure_columns) };

static void print_failures(void *arg, struct report *report)
{
	const struct digesting *digesting = arg;

	ws_vec_each(&digesting->tally.failures, failure)
		report_row(report,
			   (struct value[]){ [TARGET] = value_text(failure->target),
					     [ERROR] = value_text(failure->error) });
}

/* In text, one stands for all. */
static void print_failure(void *arg, struct report *report)
{
	const struct digesting *digesting = arg;
	const struct tallied_failure *first = digesting->tally.failures.v;

	if (digesting->tally.failures.n)
		prose_line(report, false, "without an answer, for example: %s: %s",
			   first->target, first->error);
}

/* ---- notes: what is not in the numbers ---------------------------------------------- */

static const char *const kind_words[LINE_KINDS] = {
	[LINE_VERSION] = "a result of another version of whosees",
	[LINE_WRONG] = "a result that is damaged or cut off",
	[LINE_FOREIGN] = "no line of whosees --ndjson, or one that is cut off",
	[LINE_LONG] = "longer than 1 MiB",
};

static void note(struct report *report, char *owned)
{
	ws_autofree char *text = owned;

	if (text)
		report_note(report, text);
	else
		report_short(report);
}

static void print_notes(const struct digesting *digesting, struct report *report)
{
	const struct tally *tally = &digesting->tally;

	for (unsigned k = 0; k < LINE_KINDS; k++) {
		const struct lines_of *lines = &digesting->kind[k];

		if (kind_words[k] && lines->n)
			note(report,
			     ws_text_of("%s not counted: line %" PRIu64 " of %s is %s",
					WS_COUNT_OF(lines->n, "line"), lines->first,
					lines->file, kind_words[k]));
	}
	if (tally->nrepeated)
		note(report,
		     ws_text_of("%s of a dump that another is of: each dump counts "
				"once, as the worse says",
				WS_COUNT_OF(tally->nrepeated, "result")));
	if (tally->nunchecked)
		note(report, ws_text_of("more than %s dumps: %s of the others may be of "
					"dumps that were counted before",
					WS_COUNT(SEEN_MAX),
					WS_COUNT_OF(tally->nunchecked, "result")));
	if (tally->nleft_out)
		note(report, ws_text_of("more than %s fingerprints: %s of others not "
					"counted",
					WS_COUNT(TALLY_MAX),
					WS_COUNT_OF(tally->nleft_out, "finding")));
}

/* ---- all of it ---------------------------------------------------------------------- */

#define IN(format) (1u << REPORT_##format)

static const struct part {
	unsigned formats;
	const struct table *table;
	report_rows_fn *rows;
} parts[] = {
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), &summary, print_summary },
	{ IN(JSON) | IN(NDJSON), &input, print_input },
	{ IN(TEXT) | IN(CSV) | IN(JSON) | IN(NDJSON), &digest_table, print_findings },
	{ IN(JSON) | IN(NDJSON), &failures, print_failures },
	{ IN(TEXT), &lines_table, print_failure },
};

/* What was not counted may be worse than what was. */
static enum exit_status status_of(const struct digesting *digesting)
{
	enum exit_status status = EXIT_SEEN;

	for (unsigned k = 0; k < LINE_KINDS; k++)
		if (kind_words[k] && digesting->kind[k].n)
			status = EXIT_UNKNOWN;
	for (unsigned of = 0; of < RESULTS_OF; of++) {
		const struct tallied_command *command = &digesting->tally.command[of];

		if (command->found)
			return EXIT_UNSEEN;
		if (command->unknown || command->failed)
			status = EXIT_UNKNOWN;
	}
	return status;
}

static enum exit_status answer(struct digesting *digesting)
{
	struct report *report = session_report(digesting->session);

	tally_sort(&digesting->tally);
	for (size_t i = 0; i < WS_ARRAY_SIZE(parts); i++)
		if (parts[i].formats & 1u << digesting->session->request->format)
			report_table(report, parts[i].table, parts[i].rows, digesting);
	print_notes(digesting, report);
	return session_answer(digesting->session, status_of(digesting));
}

/* What the lines are instead, where that is known. */
static enum exit_status no_result(const struct digesting *digesting)
{
	session_usage(digesting->session,
		      "whosees audit --ndjson TARGET prints one, as its last line",
		      "no result among %s", WS_COUNT_OF(digesting->nlines, "line"));
	for (unsigned k = 0; k < LINE_KINDS; k++)
		if (kind_words[k] && digesting->kind[k].n)
			fprintf(stderr, "  line %" PRIu64 " of %s is %s\n",
				digesting->kind[k].first, digesting->kind[k].file,
				kind_words[k]);
	return EXIT_UNREADABLE;
}

enum exit_status run_digest(struct session *session)
{
	ws_cleanup(digesting_release) struct digesting digesting = {
		.session = session, .text = malloc(LINE_LENGTH + 1)
	};
	enum exit_status status;

	if (!digesting.text)
		return session_fail_memory();
	status = take_files(&digesting);
	if (status != EXIT_SEEN)
		return status;
	if (digesting.tally.nresults)
		return answer(&digesting);
	return no_result(&digesting);
}
