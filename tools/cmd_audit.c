/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every rule over every space: a verdict for each, its reasons, and the findings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "outputs.h"
#include "report/digest.h"
#include "report/sarif.h"
#include "report/words.h"
#include "session.h"
#include "steps.h"
#include "util/bits.h"
#include "util/cleanup.h"

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
	WHO
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
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

static void tell_summary(void *arg, struct report *report)
{
	const struct digest *digest = arg;
	ws_autofree char *sentence = digest_sentence(digest);
	char who[WHO_WORDS];
	struct value row[] = {
		[SENTENCE] = report_text_or_short(report, sentence),
		[SPACES] = value_number(digest->ntold),
		[COHERENT] = value_number(digest->ncoherent),
		[UNKNOWN] = value_number(digest->nverdict[WS_UNKNOWN]),
		[FINDINGS] = value_number(digest->findings.n),
		[FATAL] = value_number(digest->nseverity[WS_FATAL]),
		[ERRORS] = value_number(digest->nseverity[WS_ERROR]),
		[WARNINGS] = value_number(digest->nseverity[WS_WARNING]),
		[INFOS] = value_number(digest->nseverity[WS_INFO]),
		[WHO] = value_text(
			who_counts(digest->spaces, digest->nspaces, true, who)),
	};

	row[SENTENCE].alarm = digest->ncoherent < digest->ntold;
	report_row(report, row);
}

/* The same words as spaces has, and with --pid nothing: there is nothing to count. */
static void tell_who(void *arg, struct report *report)
{
	const struct digest *digest = arg;
	char who[WHO_WORDS];

	if (digest->ntold > 2)
		prose_line(report, false, "%s",
			   who_counts(digest->spaces, digest->nspaces, true, who));
}

/* ---- spaces by verdict ------------------------------------------------------------ */

enum { V_VERDICT, V_SPACES, V_MEANING };

static const struct column verdict_columns[] = {
	[V_VERDICT] = { "verdict", "VERDICT", COLUMN_TEXT, NULL },
	[V_SPACES] = { "spaces", "SPACES", COLUMN_COUNT, NULL },
	[V_MEANING] = { "meaning", "SUCH A SPACE", COLUMN_TEXT, NULL },
};
static const struct table verdicts = { "verdicts", TABLE_COLUMNS(verdict_columns) };

static void tell_verdicts(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	for (unsigned v = 0; v < DIGEST_VERDICTS; v++) {
		struct value row[] = {
			[V_VERDICT] = value_text(ws_verdict_name(v)),
			[V_SPACES] = value_number(digest->nverdict[v]),
			[V_MEANING] = value_text(verdict_meaning(v)),
		};

		if (digest->nverdict[v])
			report_row(report, row);
	}
}

/* ---- why, for those that are not coherent: prose ---------------------------------- */

static void tell_cases(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	ws_vec_each(&digest->cases, sick) {
		const struct ws_judgement *judgement =
			&digest->judgements[digest->sick.v[sick->at]];
		ws_autofree char *sentence = digest_case_sentence(digest, sick);

		prose_line(report, false, "%s", "");
		if (!sentence)
			report_short(report);
		prose_line(report, true, "%s", sentence ? sentence : "");
		prose_lines(report, "  ", judgement->reasons);
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

static bool tell_space(const struct digest *digest, size_t s, struct report *report)
{
	const struct ws_space *space = &digest->spaces[s];
	const struct ws_judgement *judgement = &digest->judgements[s];
	struct value row[] = {
		[PID] = { .known = space_has_pid(space), .number = space->pid },
		[COMM] = value_text(space->comm),
		[KIND] = value_text(ws_space_kind_name(space->kind)),
		[ROOT] = value_number(space->root),
		[VERDICT] = value_text(ws_verdict_name(judgement->verdict)),
		[KNOWN] = value_text(ws_verdict_name(judgement->known)),
		[AT_LEAST] = value_number(judgement->at_least),
		[NFINDINGS] = value_number(judgement->nfindings),
		[NLACKS] = value_number(judgement->nlacks),
		[REASONS] = value_text(judgement->reasons),
	};

	return report_row(report, row);
}

static void tell_spaces(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	for (size_t s = 0; s < digest->nspaces; s++)
		if (digest->told[s] && !tell_space(digest, s, report))
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

static bool tell_lack(const struct digest *digest, const struct ws_lack *lack,
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

static void tell_lacks(void *arg, struct report *report)
{
	const struct digest *digest = arg;
	size_t n;
	const struct ws_lack *lacks = ws_audit_lacks(digest->audit, &n);

	for (size_t i = 0; i < n; i++)
		if ((lacks[i].space == WS_NO_SPACE || digest->told[lacks[i].space]) &&
		    !tell_lack(digest, &lacks[i], report))
			return;
}

/* ---- findings, those that are alike on one line ----------------------------------- */

enum { G_GROUP, G_SEVERITY, G_RULE, G_CPU, G_VA, G_LAST, G_REGION, G_SPACES, G_TEXT };

static const struct column group_columns[] = {
	[G_GROUP] = { "group", NULL, COLUMN_COUNT, NULL },
	[G_SEVERITY] = { "severity", "SEVERITY", COLUMN_TEXT, NULL },
	[G_RULE] = { "rule", "RULE", COLUMN_TEXT, NULL },
	[G_CPU] = { "cpu", NULL, COLUMN_COUNT, NULL },
	[G_VA] = { "address", "FIRST", COLUMN_ADDRESS, NULL },
	[G_LAST] = { "last", "LAST", COLUMN_ADDRESS, NULL },
	[G_REGION] = { "region", "REGION", COLUMN_TEXT, NULL },
	[G_SPACES] = { "spaces", "SPACES", COLUMN_COUNT, NULL },
	[G_TEXT] = { "text", "WHAT", COLUMN_TEXT, NULL },
};
static const struct table groups = { "groups", TABLE_COLUMNS(group_columns) };

static void tell_count(void *arg, struct report *report)
{
	ws_autofree char *sentence = digest_findings_sentence(arg);

	prose_line(report, false, "%s", "");
	if (!sentence)
		report_short(report);
	prose_line(report, false, "%s", sentence ? sentence : "");
}

static void tell_groups(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	ws_vec_each(&digest->groups, group) {
		const struct ws_finding *finding = group->first;
		struct value row[] = {
			[G_GROUP] = value_number(group->id),
			[G_SEVERITY] = value_text(ws_severity_name(group->severity)),
			[G_RULE] = value_text(finding->rule->id),
			[G_CPU] = { .known = finding->cpu >= 0,
				    .number = (uint64_t)finding->cpu },
			[G_VA] = value_number(finding->va),
			[G_LAST] = value_number(finding->last),
			[G_REGION] = value_text(finding->region),
			[G_SPACES] = { .known = !finding->machine,
				       .number = group->nspaces },
			[G_TEXT] = value_text(finding->text),
		};

		row[G_SEVERITY].alarm = group->severity >= WS_ERROR;
		if (!report_row(report, row))
			return;
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
	THERE
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
};
const struct table audit_table = { "findings", TABLE_COLUMNS(finding_columns) };

static const char *trail_end(const struct ws_format *format, const struct ws_trail *trail,
			     char words[static WORDS])
{
	return end_words(format, trail->end, trail->nsteps ? trail->nsteps - 1 : 0,
			 words);
}

static bool tell_finding(const struct digest *digest, const struct ws_finding *finding,
			 struct report *report)
{
	const struct ws_format *format = ws_system_paging(digest->system)->format;
	const struct ws_space *space = &digest->spaces[finding->space];
	struct steps here = { format, &finding->here },
		     there = { format, &finding->there };
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
		[HERE] = value_rows(tell_steps, &here),
		[THERE] = value_rows(tell_steps, &there),
	};

	return report_row(report, row);
}

static void tell_findings(void *arg, struct report *report)
{
	const struct digest *digest = arg;

	ws_vec_each(&digest->findings, finding)
		if (!tell_finding(digest, *finding, report))
			return;
}

/* ---- all of it -------------------------------------------------------------------- */

#define IN(format) (1u << REPORT_##format)

static const struct part {
	unsigned formats;
	const struct table *table;
	report_rows_fn *rows;
} parts[] = {
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), &summary, tell_summary },
	{ IN(TEXT), &lines_table, tell_who },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), &verdicts, tell_verdicts },
	{ IN(TEXT), &lines_table, tell_cases },
	{ IN(JSON) | IN(NDJSON), &spaces, tell_spaces },
	{ IN(JSON) | IN(NDJSON), &lacks_table, tell_lacks },
	{ IN(TEXT), &lines_table, tell_count },
	{ IN(TEXT) | IN(JSON) | IN(NDJSON), &groups, tell_groups },
	{ IN(CSV) | IN(JSON) | IN(NDJSON), &audit_table, tell_findings },
};

static enum exit_status tell_tables(struct session *session, struct digest *digest,
				    enum exit_status status)
{
	struct report *report = session_report(session);

	for (size_t i = 0; i < WS_ARRAY_SIZE(parts); i++)
		if (parts[i].formats & 1u << session->request->format)
			report_table(report, parts[i].table, parts[i].rows, digest);
	return session_answer(session, status);
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

static enum exit_status tell_digest(struct session *session, struct digest *digest)
{
	enum exit_status status = audit_status(digest);

	if (session->request->format != REPORT_SARIF)
		return tell_tables(session, digest, status);
	progress_clear(&session->progress);
	if (!sarif_write(stdout, digest))
		return ferror(stdout) ? outputs_failed(errno) : session_fail_memory();
	return status;
}

static enum exit_status audit(struct session *session, const struct ws_space *only)
{
	ws_cleanup(digest_release) struct digest digest = { 0 };
	struct ws_audit *audit;
	enum exit_status exit;
	enum ws_status status = ws_audit_run(session->system, &audit);

	if (status != WS_OK)
		return session_fail(session, status, NULL);
	exit = digest_make(&digest, session->system, audit, only)
		       ? tell_digest(session, &digest)
		       : session_fail_memory();
	ws_audit_destroy(audit);
	return exit;
}

enum exit_status run_audit(struct session *session)
{
	struct ws_space only;
	enum exit_status status = session_space(session, &only);

	if (status != EXIT_SEEN)
		return status;
	return audit(session, session->request->has_pid ? &only : NULL);
}
