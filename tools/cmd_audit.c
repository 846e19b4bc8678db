/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every rule over every space: a verdict for each, its reasons, and the findings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "stdout.h"
#include "pid_list.h"
#include "report/digest.h"
#include "report/fingerprint.h"
#include "report/provenance.h"
#include "report/sarif.h"
#include "report/words.h"
#include "result.h"
#include "session.h"
#include "steps.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"

/* ---- the summary: one row, two sentences in text ---------------------------------- */

enum {
	SENTENCE,
	SPACES,
	COHERENT,
	UNKNOWN,
	FINDINGS,
	FATAL,
	ERRORS,
	WARNINGS,
	INFOS,
	WHO,
	KERNEL
};

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[SPACES] = { "spaces", NULL, COLUMN_COUNT, NULL },
	[COHERENT] = { "coherent", NULL, COLUMN_COUNT, NULL },
	[UNKNOWN] = { "unknown", NULL, COLUMN_COUNT, NULL },
	[FINDINGS] = { "findings", NULL, COLUMN_COUNT, NULL },
	[FATAL] = { "fatal", NULL, COLUMN_COUNT, NULL },
	[ERRORS] = { "errors", NULL, COLUMN_COUNT, NULL },
	[WARNINGS] = { "warnings", NULL, COLUMN_COUNT, NULL },
	[INFOS] = { "infos", NULL, COLUMN_COUNT, NULL },
	[WHO] = { "who", NULL, COLUMN_TEXT, NULL },
	[KERNEL] = { "kernel", NULL, COLUMN_TEXT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

static void print_summary(void *arg, struct report *report)
{
	const struct digest *digest = arg;
	ws_autofree char *sentence = digest_sentence(digest);
	char who[WHO_WORDS], release[RELEASE_WORDS];
	struct value row[] = {
		[SENTENCE] = report_text_or_short(report, sentence),
		[SPACES] = value_number(digest->nchosen),
		[COHERENT] = value_number(digest->ncoherent),
		[UNKNOWN] = value_number(digest->nverdict[WS_UNKNOWN]),
		[FINDINGS] = value_number(digest->findings.n),
		[FATAL] = value_number(digest->nseverity[WS_FATAL]),
		[ERRORS] = value_number(digest->nseverity[WS_ERROR]),
		[WARNINGS] = value_number(digest->nseverity[WS_WARNING]),
		[INFOS] = value_number(digest->nseverity[WS_INFO]),
		[WHO] = value_text(who_counts(digest->spaces, digest->nspaces, who)),
		[KERNEL] = value_text(kernel_release(digest->system, release)),
	};

	row[SENTENCE].alarm = digest->ncoherent < digest->nchosen;
	report_row(report, row);
}

static void print_who(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	prose_who(report, digest->spaces, digest->nspaces);
}

/* Of what is wrong with others findings say, and notes of what is not known. */
static void print_kept(void *arg, struct report *report)
{
	const struct digest *digest = arg;
	const struct ws_special_judgement *specials;
	char names[256] = "";
	size_t n, at = 0;

	specials = ws_audit_specials(digest->audit, &n);
	for (size_t i = 0; i < n && at < sizeof(names); i++)
		if (specials[i].state == WS_SPECIAL_KEPT)
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
					       at ? ", " : "", specials[i].name);
	if (at)
		prose_line(report, false,
			   "page tables of no task that map all that they are for: %s",
			   names);
}

/* ---- spaces by verdict ------------------------------------------------------------ */

enum { V_VERDICT, V_SPACES, V_MEANING };

static const struct column verdict_columns[] = {
	[V_VERDICT] = { "verdict", "VERDICT", COLUMN_TEXT, NULL },
	[V_SPACES] = { "spaces", "SPACES", COLUMN_COUNT, NULL },
	[V_MEANING] = { "meaning", "MEANING", COLUMN_TEXT, NULL },
};
static const struct table verdicts = { "verdicts", TABLE_COLUMNS(verdict_columns) };

static void print_verdicts(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	for (unsigned v = 0; v < DIGEST_VERDICTS; v++) {
		const struct ws_judgement common = digest_of_verdict(digest, v);
		char words[VERDICT_WORDS];
		struct value row[] = {
			[V_VERDICT] = value_text(ws_verdict_name(v)),
			[V_SPACES] = value_number(digest->nverdict[v]),
			[V_MEANING] = value_text(judgement_meaning(&common, words)),
		};

		if (digest->nverdict[v])
			report_row(report, row);
	}
}

/* ---- why, for those that are not coherent: prose ---------------------------------- */

static void print_cases(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	ws_vec_each(&digest->cases, sick) {
		uint32_t space = digest->sick.v[sick->at];
		ws_autofree char *sentence = digest_case_sentence(digest, sick);
		ws_autofree char *cause =
			digest_cause_sentence(digest, space, sick->nspaces == 1);
		ws_autofree char *now = digest_now_sentence(digest, sick);

		prose_line(report, false, "%s", "");
		if (!sentence || !cause || !now)
			report_short(report);
		prose_line(report, true, "%s:", sentence ? sentence : "");
		if (now && *now)
			prose_line(report, false, "  %s", now);
		if (cause && *cause)
			prose_line(report, false, "  %s", cause);
		prose_lines(report, "  ", digest->judgements[space].reasons);
		if (digest_has_half(digest, space))
			prose_lines(report, "  ", digest->judgements[space + 1].reasons);
	}
}

/* ---- every space ------------------------------------------------------------------ */

enum { PID, COMM, KIND, ROOT, VERDICT, KNOWN, AT_LEAST, NFINDINGS, NLACKS, REASONS };

static const struct column space_columns[] = {
	[PID] = { "pid", NULL, COLUMN_COUNT, NULL },
	[COMM] = { "comm", NULL, COLUMN_TEXT, NULL },
	[KIND] = { "kind", NULL, COLUMN_TEXT, NULL },
	[ROOT] = { "root", NULL, COLUMN_ADDRESS, NULL },
	[VERDICT] = { "verdict", NULL, COLUMN_TEXT, NULL },
	[KNOWN] = { "known", NULL, COLUMN_TEXT, NULL },
	[AT_LEAST] = { "at_least", NULL, COLUMN_YES, NULL },
	[NFINDINGS] = { "findings", NULL, COLUMN_COUNT, NULL },
	[NLACKS] = { "lacks", NULL, COLUMN_COUNT, NULL },
	[REASONS] = { "reasons", NULL, COLUMN_LINES, NULL },
};
static const struct table spaces = { "spaces", TABLE_COLUMNS(space_columns) };

/* The verdict is that of the whole space; findings are of each half in its row. */
static bool print_space(const struct digest *digest, uint32_t s, struct report *report)
{
	const struct ws_space *space = &digest->spaces[s];
	const struct ws_judgement *own = &digest->judgements[s];
	struct ws_judgement whole = ws_audit_whole(digest->audit, s);
	struct value row[] = {
		[PID] = { .known = space_has_pid(space), .number = space->pid },
		[COMM] = value_text(space->comm),
		[KIND] = value_text(ws_space_kind_name(space->kind)),
		[ROOT] = value_number(space->root),
		[VERDICT] = value_text(ws_verdict_name(whole.verdict)),
		[KNOWN] = value_text(ws_verdict_name(whole.known)),
		[AT_LEAST] = value_number(whole.at_least),
		[NFINDINGS] = value_number(own->nfindings),
		[NLACKS] = value_number(own->nlacks),
		[REASONS] = value_text(whole.reasons),
	};

	return report_row(report, row);
}

static void print_spaces(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	for (uint32_t s = 0; s < digest->nspaces; s++)
		if (digest->chosen[s] && !print_space(digest, s, report))
			return;
}

/* ---- what decides and is not in the target ---------------------------------------- */

enum { L_PID, L_COMM, L_KIND, L_ROOT, L_PA, L_WHERE_DIFFERENT, L_WHAT };

static const struct column lack_columns[] = {
	[L_PID] = { "pid", NULL, COLUMN_COUNT, NULL },
	[L_COMM] = { "comm", NULL, COLUMN_TEXT, NULL },
	[L_KIND] = { "kind", NULL, COLUMN_TEXT, NULL },
	[L_ROOT] = { "root", NULL, COLUMN_ADDRESS, NULL },
	[L_PA] = { "pa", NULL, COLUMN_ADDRESS, NULL },
	[L_WHERE_DIFFERENT] = { "where_different", NULL, COLUMN_YES, NULL },
	[L_WHAT] = { "what", NULL, COLUMN_TEXT, NULL },
};
static const struct table lacks_table = { "lacks", TABLE_COLUMNS(lack_columns) };

static bool print_lack(const struct digest *digest, const struct ws_lack *lack,
		       struct report *report)
{
	static const struct ws_space none;
	bool is_own = lack->space != WS_NO_SPACE;
	const struct ws_space *space = is_own ? &digest->spaces[lack->space] : &none;
	struct value row[] = {
		[L_PID] = { .known = space_has_pid(space), .number = space->pid },
		[L_COMM] = { .known = is_own, .text = space->comm },
		[L_KIND] = { .known = is_own, .text = ws_space_kind_name(space->kind) },
		[L_ROOT] = { .known = is_own, .number = space->root },
		[L_PA] = { .known = lack->has_pa, .number = lack->pa },
		[L_WHERE_DIFFERENT] = value_number(lack->where_different),
		[L_WHAT] = value_text(lack->what),
	};

	return report_row(report, row);
}

static void print_lacks(void *arg, struct report *report)
{
	const struct digest *digest = arg;
	size_t n;
	const struct ws_lack *lacks = ws_audit_lacks(digest->audit, &n);

	for (size_t i = 0; i < n; i++)
		if ((lacks[i].space == WS_NO_SPACE || digest->chosen[lacks[i].space]) &&
		    !print_lack(digest, &lacks[i], report))
			return;
}

/* ---- findings, those that are alike on one line ----------------------------------- */

enum {
	G_GROUP,
	G_SEVERITY,
	G_RULE,
	G_CPU,
	G_VA,
	G_LAST,
	G_REGION,
	G_SPACES,
	G_TEXT,
	G_FINGERPRINT,
	G_PLACE,
	G_DIFFERENCE,
	G_MODULES
};

static const struct column group_columns[] = {
	[G_GROUP] = { "group", NULL, COLUMN_COUNT, NULL },
	[G_SEVERITY] = { "severity", "SEVERITY", COLUMN_TEXT, NULL },
	[G_RULE] = { "rule", "RULE", COLUMN_TEXT, NULL },
	[G_CPU] = { "cpu", NULL, COLUMN_COUNT, NULL },
	[G_VA] = { "address", "ADDRESS", COLUMN_ADDRESS, NULL, .optional = 1 },
	[G_LAST] = { "last", "LAST", COLUMN_ADDRESS, NULL, .optional = 3 },
	[G_REGION] = { "region", "REGION", COLUMN_TEXT, NULL, .optional = 2 },
	[G_SPACES] = { "spaces", "SPACES", COLUMN_COUNT, NULL },
	[G_TEXT] = { "text", "WHAT", COLUMN_TEXT, NULL },
	[G_FINGERPRINT] = { "fingerprint", NULL, COLUMN_TEXT, NULL },
	[G_PLACE] = { "place", NULL, COLUMN_TEXT, NULL },
	[G_DIFFERENCE] = { "difference", NULL, COLUMN_TEXT, NULL },
	[G_MODULES] = { "modules", NULL, COLUMN_LINES, NULL },
};
static const struct table groups = { "groups", TABLE_COLUMNS(group_columns) };

static struct fingerprint print_of(const struct digest *digest,
				   const struct ws_finding *finding,
				   struct report *report)
{
	struct fingerprint print;

	if (!fingerprint_finding(&print, digest->system, finding))
		report_short(report);
	return print;
}

static void print_count(const struct digest *digest, size_t rows, struct report *report)
{
	ws_autofree char *sentence = digest_findings_sentence(digest, rows);

	prose_line(report, false, "%s", "");
	if (!sentence)
		report_short(report);
	prose_line(report, false, "%s", sentence ? sentence : "");
}

static void print_count_folded(void *arg, struct report *report)
{
	print_count(arg, digest_folded_rows(arg), report);
}

static void print_count_all(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	print_count(digest, digest->groups.n, report);
}

static bool print_group(const struct digest *digest, const struct digest_group *group,
			struct report *report)
{
	const struct ws_finding *finding = group->first;
	const struct byte_range range = { finding->va, finding->last };
	ws_autofree char *modules = modules_within(digest->system, &range, 1);
	const struct fingerprint print = print_of(digest, finding, report);
	struct value row[] = {
		[G_GROUP] = value_number(group->id),
		[G_SEVERITY] = value_text(ws_severity_name(group->severity)),
		[G_RULE] = value_text(finding->rule->id),
		[G_CPU] = { .known = finding->cpu >= 0,
			    .number = (uint64_t)finding->cpu },
		[G_VA] = value_number(finding->va),
		[G_LAST] = value_number(finding->last),
		[G_REGION] = value_text(finding->region),
		[G_SPACES] = { .known = !finding->machine, .number = group->nspaces },
		[G_TEXT] = value_text(finding->text),
		[G_FINGERPRINT] = value_text(print.hex),
		[G_PLACE] = value_text(print.place),
		[G_DIFFERENCE] = value_text(print.difference),
		[G_MODULES] = { .known = modules && *modules, .text = modules },
	};

	if (!modules)
		report_short(report);
	row[G_SEVERITY].alarm = group->severity >= WS_ERROR;
	return report_row(report, row);
}

static void print_groups(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	ws_vec_each(&digest->groups, group)
		if (!print_group(digest, group, report))
			return;
}

/* One missing entry on one line, however many rules it breaks. */
static bool print_cause(const struct digest *digest, const struct digest_cause *cause,
			struct report *report)
{
	char words[WORDS], text[2 * WORDS];
	struct value row[] = {
		[G_SEVERITY] = value_text(ws_severity_name(cause->severity)),
		[G_RULE] = value_text("(missing entry)"),
		[G_VA] = value_number(cause->va),
		[G_LAST] = value_number(cause->last),
		[G_SPACES] = value_number(cause->nspaces),
		[G_TEXT] = value_text(text),
	};

	row[G_SEVERITY].alarm = cause->severity >= WS_ERROR;
	snprintf(text, sizeof(text), "%s; %s follow from it (--all lists them)",
		 digest_cause_words(digest, cause, words),
		 WS_COUNT_OF(cause->nfindings, "finding"));
	return report_row(report, row);
}

/* A cause stands where the worst of its groups does. */
static void print_folded(void *arg, struct report *report)
{
	const struct digest *digest = arg;
	ws_autofree bool *shown = calloc(digest->causes.n + 1, sizeof(*shown));
	bool goes_on = shown;

	if (!shown)
		report_short(report);
	for (size_t i = 0; goes_on && i < digest->groups.n; i++) {
		const struct digest_group *group = &digest->groups.v[i];

		if (group->cause == DIGEST_NO_CAUSE) {
			goes_on = print_group(digest, group, report);
		} else if (!shown[group->cause]) {
			shown[group->cause] = true;
			goes_on = print_cause(digest, &digest->causes.v[group->cause],
					      report);
		}
	}
}

/* ---- every finding, with its trails ----------------------------------------------- */

enum {
	GROUP,
	SEVERITY,
	RULE,
	F_PID,
	F_COMM,
	F_KIND,
	F_ROOT,
	CPU,
	VA,
	LAST,
	REGION,
	TEXT,
	WALKED,
	END,
	REFERENCE_END,
	HERE,
	THERE,
	F_FINGERPRINT
};

static const struct column finding_columns[] = {
	[GROUP] = { "group", NULL, COLUMN_COUNT,
		    "findings that are alike but for their space have one number" },
	[SEVERITY] = { "severity", NULL, COLUMN_TEXT, "info, warning, error or fatal" },
	[RULE] = { "rule", NULL, COLUMN_TEXT, "the rule, as rules has it" },
	[F_PID] = { "pid", NULL, COLUMN_COUNT,
		    "of the first process that has the space" },
	[F_COMM] = { "comm", NULL, COLUMN_TEXT, "that process's name" },
	[F_KIND] = { "kind", NULL, COLUMN_TEXT, "the space's kind, as spaces has it" },
	[F_ROOT] = { "root", NULL, COLUMN_ADDRESS, "the space's root" },
	[CPU] = { "cpu", NULL, COLUMN_COUNT,
		  "whose fault path; nothing where it is no one processor's" },
	[VA] = { "address", NULL, COLUMN_ADDRESS, "the first byte that it is about" },
	[LAST] = { "last", NULL, COLUMN_ADDRESS, "and the last" },
	[REGION] = { "region", NULL, COLUMN_TEXT, "where in the kernel's half it lies" },
	[TEXT] = { "text", NULL, COLUMN_TEXT, "what it means, in words" },
	[WALKED] = { "walked", NULL, COLUMN_ADDRESS,
		     "the first of these bytes that the space or init_mm maps, or address" },
	[END] = { "end", NULL, COLUMN_TEXT, "how its walk ends in the space" },
	[REFERENCE_END] = { "reference_end", NULL, COLUMN_TEXT, "and in init_mm" },
	[HERE] = { "here", NULL, COLUMN_ROWS,
		   "JSON only: that walk's steps, as walk has them", &steps_table },
	[THERE] = { "there", NULL, COLUMN_ROWS, "and the one in init_mm", &steps_table },
	[F_FINGERPRINT] = { "fingerprint", NULL, COLUMN_TEXT,
			    "the same for the same thing on other machines" },
};
const struct table audit_table = { "findings", TABLE_COLUMNS(finding_columns) };

static const char *trail_end(const struct ws_format *format, const struct ws_trail *trail,
			     char words[static WORDS])
{
	return end_words(format, trail->end, trail->nsteps ? trail->nsteps - 1 : 0,
			 words);
}

static bool print_finding(const struct digest *digest, const struct ws_finding *finding,
			  struct report *report)
{
	const struct ws_format *format = ws_system_paging(digest->system)->format;
	const struct ws_space *space = &digest->spaces[finding->space];
	const struct ws_layout *layout = ws_system_layout(digest->system);
	struct steps here = { format, &finding->here, layout },
		     there = { format, &finding->there, layout };
	const struct fingerprint print = print_of(digest, finding, report);
	char end[WORDS], reference_end[WORDS];
	struct value row[] = {
		[GROUP] = value_number(finding->group),
		[SEVERITY] = value_text(ws_severity_name(finding->severity)),
		[RULE] = value_text(finding->rule->id),
		[F_PID] = { .known = space_has_pid(space), .number = space->pid },
		[F_COMM] = value_text(space->comm),
		[F_KIND] = value_text(ws_space_kind_name(space->kind)),
		[F_ROOT] = value_number(space->root),
		[CPU] = { .known = finding->cpu >= 0, .number = (uint64_t)finding->cpu },
		[VA] = value_number(finding->va),
		[LAST] = value_number(finding->last),
		[REGION] = value_text(finding->region),
		[TEXT] = value_text(finding->text),
		[WALKED] = value_number(finding->here.va),
		[END] = value_text(trail_end(format, &finding->here, end)),
		[REFERENCE_END] =
			value_text(trail_end(format, &finding->there, reference_end)),
		[HERE] = value_rows(print_steps, &here),
		[THERE] = value_rows(print_steps, &there),
		[F_FINGERPRINT] = value_text(print.hex),
	};

	return report_row(report, row);
}

static void print_findings(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	ws_vec_each(&digest->findings, finding)
		if (!print_finding(digest, *finding, report))
			return;
}

/* ---- what it comes to, for who counts many targets --------------------------------- */

/* A group, by what would be the same of it on another machine. */
struct recurring {
	char hex[FINGERPRINT_HEX];
	const struct digest_group *group;
};

/* By fingerprint, and of one the worst first, which groups are. */
static int by_fingerprint(const void *left, const void *right)
{
	const struct recurring *a = left, *b = right;
	int order = strcmp(a->hex, b->hex);

	return order ? order : (a->group > b->group) - (a->group < b->group);
}

/* Those of the first of n have one fingerprint. */
static size_t count_alike(const struct recurring *recurring, size_t n)
{
	size_t alike = 1;

	while (alike < n && !strcmp(recurring[alike].hex, recurring->hex))
		alike++;
	return alike;
}

static char *modules_of(const struct digest *digest, const struct recurring *recurring,
			size_t n)
{
	ws_autofree struct byte_range *ranges = calloc(n, sizeof(*ranges));

	for (size_t i = 0; ranges && i < n; i++) {
		const struct ws_finding *finding = recurring[i].group->first;

		ranges[i] = (struct byte_range){ finding->va, finding->last };
	}
	return ranges ? modules_within(digest->system, ranges, n) : NULL;
}

static bool print_alike(const struct digest *digest, const struct recurring *recurring,
			size_t n, struct report *report)
{
	const struct ws_finding *worst = recurring->group->first;
	const struct fingerprint print = print_of(digest, worst, report);
	ws_autofree char *modules = modules_of(digest, recurring, n);

	if (!modules)
		report_short(report);
	return result_finding(
		report, &(struct result_finding){
				.print = &print,
				.severity = ws_severity_name(recurring->group->severity),
				.rule = worst->rule->id,
				.text = worst->text,
				.modules = modules,
			});
}

static void print_recurring(void *arg, struct report *report)
{
	const struct digest *digest = arg;
	size_t n = digest->groups.n;
	ws_autofree struct recurring *recurring = calloc(n + 1, sizeof(*recurring));
	struct fingerprint print;

	if (!recurring) {
		report_short(report);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		recurring[i].group = &digest->groups.v[i];
		print = print_of(digest, recurring[i].group->first, report);
		memcpy(recurring[i].hex, print.hex, sizeof(print.hex));
	}
	qsort(recurring, n, sizeof(*recurring), by_fingerprint);
	for (size_t i = 0, alike; i < n; i += alike) {
		alike = count_alike(&recurring[i], n - i);
		if (!print_alike(digest, &recurring[i], alike, report))
			return;
	}
}

/* ---- what to do about it ---------------------------------------------------------- */

/* Once for what two cases have in common. */
static bool was_printed(const struct digest *digest, size_t at, const char *advice)
{
	for (size_t i = 0; i < at; i++) {
		struct ws_judgement other = ws_audit_whole(
			digest->audit, digest->sick.v[digest->cases.v[i].at]);

		if (!strcmp(what_to_do(&other), advice))
			return true;
	}
	return false;
}

static void print_advice(void *arg, struct report *report)
{
	const struct digest *digest = arg;
	const struct ws_finding *machine = digest_worst_of_machine(digest);

	if (digest->cases.n || machine)
		prose_line(report, false, "%s", "");
	for (size_t i = 0; i < digest->cases.n; i++) {
		struct ws_judgement whole = ws_audit_whole(
			digest->audit, digest->sick.v[digest->cases.v[i].at]);
		const char *advice = what_to_do(&whole);

		if (!was_printed(digest, i, advice))
			prose_line(report, false, "what to do (%s): %s",
				   ws_verdict_name(whole.verdict), advice);
	}
	if (machine)
		prose_line(report, false, "what to do (the machine itself): %s",
			   machine->rule->fix);
}

/* ---- all of it -------------------------------------------------------------------- */

#define IN(format) (1u << REPORT_##format)

static const struct part {
	unsigned formats;
	const struct table *table;
	report_rows_fn *rows, *all; /* all: instead of rows, with --all */
} parts[] = {
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), &summary, print_summary },
	{ IN(TEXT), &lines_table, print_who },
	{ IN(TEXT), &lines_table, print_kept },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), &verdicts, print_verdicts },
	{ IN(TEXT), &lines_table, print_cases },
	{ IN(JSON) | IN(NDJSON), &spaces, print_spaces },
	{ IN(JSON) | IN(NDJSON), &lacks_table, print_lacks },
	{ IN(TEXT), &lines_table, print_count_folded, .all = print_count_all },
	{ IN(JSON) | IN(NDJSON), &groups, print_groups },
	{ IN(TEXT), &groups, print_folded, .all = print_groups },
	{ IN(TEXT) | IN(CSV) | IN(JSON) | IN(NDJSON), &audit_table, print_findings },
	{ IN(TEXT), &lines_table, print_advice },
};

static enum exit_status print_tables(struct session *session, struct digest *digest,
				     enum exit_status status)
{
	struct report *report = session_report(session);
	ws_autofree char *sentence = NULL;
	const char *note;

	for (size_t i = 0; i < WS_ARRAY_SIZE(parts); i++)
		if (parts[i].formats & 1u << session->request->format)
			report_table(report, parts[i].table,
				     session->request->all && parts[i].all
					     ? parts[i].all
					     : parts[i].rows,
				     digest);
	session_notes(session);
	for (unsigned i = 0; (note = ws_audit_note(digest->audit, i)); i++)
		report_note(report, note);
	sentence = digest_sentence(digest);
	if (!sentence)
		report_short(report);
	return result_answer(
		session, &(struct result){ sentence, print_recurring, digest }, status);
}

enum exit_status audit_status(const struct digest *digest)
{
	static const enum exit_status statuses[] = {
		[DIGEST_CLEAN] = EXIT_SEEN,
		[DIGEST_UNKNOWN] = EXIT_UNKNOWN,
		[DIGEST_FOUND] = EXIT_UNSEEN,
	};

	return statuses[digest_state(digest)];
}

static enum exit_status print_digest(struct session *session, struct digest *digest)
{
	enum exit_status status = audit_status(digest);

	if (session->request->format != REPORT_SARIF)
		return print_tables(session, digest, status);
	progress_clear(&session->progress);
	if (!sarif_write(stdout, digest))
		return ferror(stdout) ? stdout_failed(errno) : session_fail_memory();
	return status;
}

static enum exit_status audit(struct session *session, const pids_spaces *only)
{
	ws_cleanup(digest_release) struct digest digest = { 0 };
	struct ws_audit *audit;
	enum exit_status exit;
	enum ws_status status = WS_OK;

	if (session->request->without)
		status = ws_system_leave_out(session->system, session->request->without);
	if (status == WS_OK)
		status = ws_audit_run(session->system, &audit);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	exit = digest_make(&digest, session->system, audit, only->v, only->n)
		       ? print_digest(session, &digest)
		       : session_fail_memory();
	ws_audit_destroy(audit);
	return exit;
}

enum exit_status run_audit(struct session *session)
{
	pids_spaces only = { 0 };
	enum exit_status status = EXIT_SEEN;

	if (session->request->pids)
		status = session_spaces(session, &only);
	if (status == EXIT_SEEN)
		status = audit(session, &only);
	ws_vec_release(&only);
	return status;
}
