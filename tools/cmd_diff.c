/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What appeared, vanished and changed between two moments of one machine. */
#include <inttypes.h>
#include <string.h>

#include "facts.h"
#include "mappings.h"
#include "report/words.h"
#include "session.h"
#include "util/cleanup.h"
#include "util/text.h"

enum { CHANGE, WHAT, NAME, VA, LAST, BEFORE, AFTER };

static const struct column columns[] = {
	[CHANGE] = { "change", "CHANGE", COLUMN_TEXT, "appeared, vanished or changed" },
	[WHAT] = { "what", "WHAT", COLUMN_TEXT,
		   "space, verdict, module, mapping (of init_mm) or finding" },
	[NAME] = { "name", "NAME", COLUMN_TEXT, "which one" },
	[VA] = { "address", NULL, COLUMN_ADDRESS,
		 "its first byte, where it has a range" },
	[LAST] = { "last", NULL, COLUMN_ADDRESS, "and the last" },
	[BEFORE] = { "before", "BEFORE", COLUMN_TEXT, "what it was in TARGET" },
	[AFTER] = { "after", "AFTER", COLUMN_TEXT, "what it is in OTHER" },
};
const struct table diff_table = { "changes", TABLE_COLUMNS(columns) };

enum { SENTENCE, OTHER, APPEARED, VANISHED, CHANGED };

static const struct column summary_columns[] = {
	[SENTENCE] = { "sentence", NULL, COLUMN_TEXT, NULL },
	[OTHER] = { "other", NULL, COLUMN_TEXT, NULL },
	[APPEARED] = { "appeared", NULL, COLUMN_COUNT, NULL },
	[VANISHED] = { "vanished", NULL, COLUMN_COUNT, NULL },
	[CHANGED] = { "changed", NULL, COLUMN_COUNT, NULL },
};
static const struct table summary = { "summary", TABLE_COLUMNS(summary_columns),
				      .prose = true };

/* Kinds of facts, and mappings, which are ranges and no facts. */
enum thing { THING_MAPPING = FACT_FINDING + 1, THINGS };

static const struct {
	const char *one, *many;
} things[THINGS] = {
	[FACT_SPACE] = { "space", "spaces" },
	[FACT_VERDICT] = { "verdict", "verdicts" },
	[FACT_MODULE] = { "module", "modules" },
	[FACT_FINDING] = { "finding", "findings" },
	[THING_MAPPING] = { "mapping", "mappings" },
};

enum change { DID_APPEAR, DID_VANISH, DID_CHANGE, CHANGES };
static const char *const changes[CHANGES] = { "appeared", "vanished", "changed" };

/* One of the two targets: what is found in it. */
struct moment {
	struct session *session;
	struct ws_audit *audit;
	struct digest digest;
	struct facts facts;
	run_vec runs;
};

struct diff {
	struct moment before, after;
	struct report *report;
	bool counting;
	uint64_t count[THINGS][CHANGES];
};

/* ---- one machine? ----------------------------------------------------------------- */

/* Of VMCOREINFO, what one and the same kernel says otherwise the next time. */
static bool may_differ(const char *line)
{
	static const char key[] = "CRASHTIME=";

	return !strncmp(line, key, sizeof(key) - 1);
}

static bool same_line(const char *a, const char *b, size_t n)
{
	return n == strcspn(b, "\n") && !memcmp(a, b, n);
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

static enum exit_status refuse(const struct diff *diff, const char *what, const char *a,
			       size_t na, const char *b, size_t nb)
{
	struct session *before = diff->before.session;

	return session_usage(
		before, "a difference makes sense between two moments of one machine",
		"%s and %s are not one machine: %s%.*s in the one, %.*s in the other",
		before->request->target, diff->after.session->request->target, what,
		(int)na, a, (int)nb, b);
}

static enum exit_status compare_vmcoreinfo(const struct diff *diff)
{
	const char *a = ws_system_vmcoreinfo(diff->before.session->system);
	const char *b = ws_system_vmcoreinfo(diff->after.session->system);

	while (a && b && *a && *b) {
		size_t n = strcspn(a, "\n");

		if (!same_line(a, b, n) && !(may_differ(a) && may_differ(b)))
			return refuse(diff, "", a, n, b, strcspn(b, "\n"));
		a = next_line(a);
		b = next_line(b);
	}
	return EXIT_SEEN;
}

static enum exit_status compare_machines(const struct diff *diff)
{
	const struct ws_system *a = diff->before.session->system;
	const struct ws_system *b = diff->after.session->system;
	const char *format_a = ws_format_name(ws_system_paging(a)->format);
	const char *format_b = ws_format_name(ws_system_paging(b)->format);
	uint64_t image_a = ws_system_layout(a)->image_first;
	uint64_t image_b = ws_system_layout(b)->image_first;
	char at_a[24], at_b[24];

	if (strcmp(format_a, format_b) != 0)
		return refuse(diff, "", format_a, strlen(format_a), format_b,
			      strlen(format_b));
	snprintf(at_a, sizeof(at_a), "0x%" PRIx64, image_a);
	snprintf(at_b, sizeof(at_b), "0x%" PRIx64, image_b);
	if (image_a && image_b && image_a != image_b)
		return refuse(diff, "the kernel lies at ", at_a, strlen(at_a), at_b,
			      strlen(at_b));
	return compare_vmcoreinfo(diff);
}

/* ---- telling ---------------------------------------------------------------------- */

struct told {
	enum change change;
	unsigned thing;
	const char *name;
	bool has_range;
	uint64_t va, last;
	const char *before, *after; /* NULL: it was not, it is not */
};

static bool tell(struct diff *diff, const struct told *told)
{
	struct value row[] = {
		[CHANGE] = value_text(changes[told->change]),
		[WHAT] = value_text(things[told->thing].one),
		[NAME] = value_text(told->name),
		[VA] = { .known = told->has_range, .number = told->va },
		[LAST] = { .known = told->has_range, .number = told->last },
		[BEFORE] = value_text(told->before),
		[AFTER] = value_text(told->after),
	};

	if (!diff->counting)
		return report_row(diff->report, row);
	diff->count[told->thing][told->change]++;
	return true;
}

static bool tell_fact(struct diff *diff, const struct fact *before,
		      const struct fact *after)
{
	const struct fact *fact = after ? after : before;
	struct told told = { .change = !before  ? DID_APPEAR
				       : !after ? DID_VANISH
						: DID_CHANGE,
			     .thing = fact->kind,
			     .name = fact->name,
			     .has_range = fact->has_range,
			     .va = fact->va,
			     .last = fact->last,
			     .before = before ? before->value : NULL,
			     .after = after ? after->value : NULL };

	if (before && after && !strcmp(before->value, after->value))
		return true;
	if (fact->kind == FACT_VERDICT && told.change != DID_CHANGE)
		return true; /* that its space came or went is told already */
	return tell(diff, &told);
}

static bool tell_facts(struct diff *diff)
{
	const struct facts *before = &diff->before.facts, *after = &diff->after.facts;
	size_t a = 0, b = 0;

	while (a < before->v.n || b < after->v.n) {
		const struct fact *was = a < before->v.n ? &before->v.v[a] : NULL;
		const struct fact *is = b < after->v.n ? &after->v.v[b] : NULL;
		int order = !was ? 1 : !is ? -1 : fact_compare(was, is);

		a += order <= 0;
		b += order >= 0;
		if (!tell_fact(diff, order <= 0 ? was : NULL, order >= 0 ? is : NULL))
			return false;
	}
	return true;
}

/* "rwx kernel, 4 KiB pages" */
static const char *mapping_words(const struct ws_run *run, char words[static WORDS])
{
	char access[WORDS], size[REPORT_CELL];

	snprintf(words, WORDS, "%.32s, %.16s pages", access_words(run->access, access),
		 report_size(UINT64_C(1) << run->page_shift, size));
	return words;
}

static bool tell_mapping(void *arg, uint64_t va, uint64_t last,
			 const struct ws_run *before, const struct ws_run *after)
{
	struct diff *diff = arg;
	char name[64], was[WORDS], is[WORDS + 16];
	struct told told = { .change = !before  ? DID_APPEAR
				       : !after ? DID_VANISH
						: DID_CHANGE,
			     .thing = THING_MAPPING,
			     .name = name,
			     .has_range = true,
			     .va = va,
			     .last = last };

	snprintf(name, sizeof(name), "0x%" PRIx64 " to 0x%" PRIx64, va, last);
	if (before)
		told.before = mapping_words(before, was);
	if (after)
		told.after = mapping_words(after, is);
	if (before && after && !strcmp(was, is))
		strcat(is, ", other frames");
	return tell(diff, &told);
}

static void tell_changes(void *arg, struct report *report)
{
	struct diff *diff = arg;

	diff->report = report;
	if (tell_facts(diff))
		mappings_compare(&diff->before.runs, &diff->after.runs, tell_mapping,
				 diff);
}

/* ---- the summary ------------------------------------------------------------------ */

static uint64_t sum(const struct diff *diff, enum change change)
{
	uint64_t n = 0;

	for (unsigned thing = 0; thing < THINGS; thing++)
		n += diff->count[thing][change];
	return n;
}

/* "2 spaces appeared, 1 vanished; 1 verdict changed" */
static void print_counts(FILE *f, const struct diff *diff)
{
	const char *separator = "";

	for (unsigned thing = 0; thing < THINGS; thing++) {
		bool named = false;

		for (unsigned c = 0; c < CHANGES; c++) {
			uint64_t n = diff->count[thing][c];

			if (!n)
				continue;
			fprintf(f, "%s%" PRIu64 "%s%s %s", named ? ", " : separator, n,
				named ? "" : " ",
				named    ? ""
				: n == 1 ? things[thing].one
					 : things[thing].many,
				changes[c]);
			named = true;
			separator = "; ";
		}
	}
}

/* Where one side has no page table to read, nothing was compared. */
static bool is_unknown(const struct diff *diff)
{
	return mappings_unknown(&diff->before.runs) ||
	       mappings_unknown(&diff->after.runs) ||
	       diff->before.digest.nverdict[WS_UNKNOWN] ||
	       diff->after.digest.nverdict[WS_UNKNOWN];
}

static char *summary_sentence(const struct diff *diff)
{
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	print_counts(f, diff);
	if (!ftell(f))
		fputs("nothing has changed", f);
	if (is_unknown(diff))
		fputs("; not all of it is known: the targets lack page tables, or other "
		      "things that decide",
		      f);
	return ws_text_close(&sentence, NULL);
}

static void tell_summary(void *arg, struct report *report)
{
	const struct diff *diff = arg;
	ws_autofree char *sentence = summary_sentence(diff);

	report_row(report,
		   (struct value[]){
			   [SENTENCE] = report_text_or_short(report, sentence),
			   [OTHER] = value_text(diff->after.session->request->target),
			   [APPEARED] = value_number(sum(diff, DID_APPEAR)),
			   [VANISHED] = value_number(sum(diff, DID_VANISH)),
			   [CHANGED] = value_number(sum(diff, DID_CHANGE)),
		   });
}

/* ---- all of it -------------------------------------------------------------------- */

static enum exit_status gather(struct moment *moment)
{
	struct ws_system *system = moment->session->system;
	const struct ws_module *modules;
	size_t nmodules;
	enum ws_status status = ws_audit_run(system, &moment->audit);

	if (status == WS_OK)
		status = ws_system_modules(system, &modules, &nmodules);
	if (status != WS_OK)
		return session_fail(moment->session, status, NULL);
	if (!digest_make(&moment->digest, system, moment->audit, NULL) ||
	    !facts_gather(&moment->facts, &moment->digest, modules, nmodules))
		return session_fail_memory();
	return mappings_gather(moment->session, &moment->runs);
}

static void moment_release(struct moment *moment)
{
	facts_release(&moment->facts);
	digest_release(&moment->digest);
	ws_audit_destroy(moment->audit);
	ws_vec_release(&moment->runs);
}

static enum exit_status tell_diff(struct session *session, struct diff *diff)
{
	bool same;
	struct report *report;

	diff->counting = true;
	tell_changes(diff, NULL);
	diff->counting = false;
	same = !sum(diff, DID_APPEAR) && !sum(diff, DID_VANISH) && !sum(diff, DID_CHANGE);
	progress_clear(&diff->after.session->progress);
	report = session_report(session);
	report_table(report, &summary, tell_summary, diff);
	report_table(report, &diff_table, tell_changes, diff);
	if (!same)
		return session_answer(session, EXIT_UNSEEN);
	return session_answer(session, is_unknown(diff) ? EXIT_UNKNOWN : EXIT_SEEN);
}

static enum exit_status compare(struct session *session, struct session *other)
{
	struct diff diff = { .before.session = session, .after.session = other };
	enum exit_status status = compare_machines(&diff);

	if (status == EXIT_SEEN)
		status = gather(&diff.before);
	if (status == EXIT_SEEN)
		status = gather(&diff.after);
	if (status == EXIT_SEEN)
		status = tell_diff(session, &diff);
	moment_release(&diff.before);
	moment_release(&diff.after);
	return status;
}

enum exit_status run_diff(struct session *session)
{
	struct request request = *session->request;
	struct session other;
	enum exit_status status;

	request.target = request.words[0];
	status = session_open(&other, &request);
	if (status != EXIT_SEEN)
		return status;
	status = compare(session, &other);
	session_close(&other);
	return status;
}
