/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/words.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/text.h"

/* A sentence names so many spaces; lists have them all. */
#define NAMED 3

/* ---- which spaces ----------------------------------------------------------------- */

static bool is_only(const struct ws_space *space, const struct ws_space *only)
{
	if (space->kind == WS_SPACE_USER)
		return space->root == only->root + WS_FRAME_SIZE;
	return space->root == only->root;
}

static bool choose_spaces(struct digest *digest, const struct ws_space *only)
{
	digest->told = calloc(digest->nspaces ? digest->nspaces : 1, sizeof(bool));
	if (!digest->told)
		return false;
	for (uint32_t s = 0; s < digest->nspaces; s++) {
		if (!ws_audited(digest->audit, s) ||
		    (only && !is_only(&digest->spaces[s], only)))
			continue;
		digest->told[s] = true;
		digest->ntold++;
		digest->nverdict[digest->judgements[s].verdict]++;
	}
	digest->ncoherent = digest->nverdict[WS_COHERENT];
	return true;
}

/* ---- findings and groups ---------------------------------------------------------- */

static bool choose_findings(struct digest *digest)
{
	size_t n;
	const struct ws_finding *findings = ws_audit_findings(digest->audit, &n);

	for (size_t i = 0; i < n; i++) {
		const struct ws_finding **chosen;

		if (!findings[i].machine && !digest->told[findings[i].space])
			continue;
		chosen = ws_vec_push(&digest->findings);
		if (!chosen)
			return false;
		*chosen = &findings[i];
		digest->nseverity[findings[i].severity]++;
	}
	return true;
}

/* By group, and in a group as they were found. */
static int by_group(const void *left, const void *right)
{
	const struct ws_finding *a = *(const struct ws_finding *const *)left;
	const struct ws_finding *b = *(const struct ws_finding *const *)right;

	if (a->group != b->group)
		return (a->group > b->group) - (a->group < b->group);
	return (a > b) - (a < b);
}

static int worst_first(const void *left, const void *right)
{
	const struct digest_group *a = left, *b = right;

	if (a->severity != b->severity)
		return a->severity < b->severity ? 1 : -1;
	return (a->id > b->id) - (a->id < b->id);
}

static bool add_to_group(struct digest *digest, size_t at)
{
	const struct ws_finding *finding = digest->by_group[at];
	struct digest_group *group = at ? &digest->groups.v[digest->groups.n - 1] : NULL;

	if (!group || group->id != finding->group) {
		group = ws_vec_push(&digest->groups);
		if (!group)
			return false;
		group->first = finding;
		group->id = finding->group;
		group->at = (uint32_t)at;
	}
	group->nspaces++;
	if (finding->severity > group->severity)
		group->severity = finding->severity;
	return true;
}

typedef int finding_order(const void *left, const void *right);

/* A copy of the findings in another order; NULL: memory is short. */
static const struct ws_finding **sorted_findings(const struct digest *digest,
						 finding_order *order)
{
	size_t n = digest->findings.n;
	const struct ws_finding **sorted = calloc(n ? n : 1, sizeof(*sorted));

	if (!sorted || !n)
		return sorted;
	memcpy(sorted, digest->findings.v, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), order);
	return sorted;
}

static bool group_findings(struct digest *digest)
{
	digest->by_group = sorted_findings(digest, by_group);
	if (!digest->by_group)
		return false;
	for (size_t i = 0; i < digest->findings.n; i++)
		if (!add_to_group(digest, i))
			return false;
	if (digest->groups.n)
		qsort(digest->groups.v, digest->groups.n, sizeof(*digest->groups.v),
		      worst_first);
	return true;
}

static int by_space_and_group(const void *left, const void *right)
{
	const struct ws_finding *a = *(const struct ws_finding *const *)left;
	const struct ws_finding *b = *(const struct ws_finding *const *)right;

	if (a->space != b->space)
		return (a->space > b->space) - (a->space < b->space);
	return (a->group > b->group) - (a->group < b->group);
}

const struct ws_finding **digest_by_space(const struct digest *digest)
{
	return sorted_findings(digest, by_space_and_group);
}

/* ---- cases ------------------------------------------------------------------------ */

/* What a space has: its verdict, and its findings' groups in order of number. */
struct illness {
	uint32_t space;
	enum ws_verdict verdict;
	bool at_least;
	const struct ws_lack
		*lack;          /* where all share it; NULL: none, or one of its own */
	const uint32_t *groups; /* in one array for all */
	size_t n;
};

static int compare_illness(const struct illness *a, const struct illness *b)
{
	size_t n = a->n < b->n ? a->n : b->n;

	if (a->verdict != b->verdict)
		return a->verdict < b->verdict ? 1 : -1;
	if (a->at_least != b->at_least)
		return a->at_least ? -1 : 1;
	if (a->lack != b->lack)
		return a->lack < b->lack ? -1 : 1;
	for (size_t i = 0; i < n; i++)
		if (a->groups[i] != b->groups[i])
			return a->groups[i] < b->groups[i] ? -1 : 1;
	return (a->n > b->n) - (a->n < b->n);
}

static int by_illness(const void *left, const void *right)
{
	const struct illness *a = left, *b = right;
	int order = compare_illness(a, b);

	return order ? order : (a->space > b->space) - (a->space < b->space);
}

typedef WS_VEC(struct illness) illness_vec;

/* The findings of one space are sorted[at .. the returned index). */
static size_t number_groups(const struct ws_finding **sorted, size_t n, size_t at,
			    uint32_t space, uint32_t *groups)
{
	for (; at < n && sorted[at]->space == space; at++)
		groups[at] = sorted[at]->group;
	return at;
}

/* Each space that lacks its own root is ill in the same way. */
static const struct ws_lack *common_lack(const struct ws_judgement *judgement)
{
	const struct ws_lack *lack = judgement->lack;

	return lack && lack->space == WS_NO_SPACE ? lack : NULL;
}

/* groups has room for one number a finding. */
static bool diagnose(const struct digest *digest, const struct ws_finding **sorted,
		     uint32_t *groups, illness_vec *ill)
{
	size_t at = 0, end;

	for (uint32_t s = 0; s < digest->nspaces; s++, at = end) {
		const struct ws_judgement *judgement = &digest->judgements[s];
		struct illness *it;

		end = number_groups(sorted, digest->findings.n, at, s, groups);
		if (!digest->told[s] || judgement->verdict == WS_COHERENT)
			continue;
		it = ws_vec_push(ill);
		if (!it)
			return false;
		*it = (struct illness){ .space = s,
					.verdict = judgement->verdict,
					.at_least = judgement->at_least,
					.lack = common_lack(judgement),
					.groups = groups + at,
					.n = end - at };
	}
	return true;
}

static bool gather_cases(struct digest *digest, const illness_vec *ill)
{
	struct digest_case *last = NULL;

	for (size_t i = 0; i < ill->n; i++) {
		uint32_t *space = ws_vec_push(&digest->sick);

		if (!space)
			return false;
		*space = ill->v[i].space;
		if (!last || compare_illness(&ill->v[i - 1], &ill->v[i])) {
			last = ws_vec_push(&digest->cases);
			if (!last)
				return false;
			last->at = (uint32_t)i;
		}
		last->nspaces++;
	}
	return true;
}

static bool make_cases(struct digest *digest)
{
	size_t n = digest->findings.n;
	ws_autofree const struct ws_finding **sorted = digest_by_space(digest);
	ws_autofree uint32_t *groups = calloc(n ? n : 1, sizeof(*groups));
	illness_vec ill = { 0 };
	bool made;

	if (!sorted || !groups)
		return false;
	made = diagnose(digest, sorted, groups, &ill);
	if (made && ill.n)
		qsort(ill.v, ill.n, sizeof(*ill.v), by_illness);
	made = made && gather_cases(digest, &ill);
	ws_vec_release(&ill);
	return made;
}

bool digest_make(struct digest *digest, struct ws_system *system,
		 const struct ws_audit *audit, const struct ws_space *only)
{
	size_t n;

	*digest = (struct digest){ .system = system, .audit = audit };
	digest->spaces = ws_system_spaces(system, &digest->nspaces);
	digest->judgements = ws_audit_judgements(audit, &n);
	return choose_spaces(digest, only) && choose_findings(digest) &&
	       group_findings(digest) && make_cases(digest);
}

void digest_release(struct digest *digest)
{
	free(digest->told);
	free(digest->by_group);
	ws_vec_release(&digest->findings);
	ws_vec_release(&digest->groups);
	ws_vec_release(&digest->sick);
	ws_vec_release(&digest->cases);
	*digest = (struct digest){ 0 };
}

enum digest_state digest_state(const struct digest *digest)
{
	if (digest->ncoherent + digest->nverdict[WS_UNKNOWN] < digest->ntold ||
	    digest->nseverity[WS_INFO] < digest->findings.n)
		return DIGEST_FOUND;
	return digest->nverdict[WS_UNKNOWN] || ws_system_lacks_tasks(digest->system)
		       ? DIGEST_UNKNOWN
		       : DIGEST_CLEAN;
}

/* ---- in words --------------------------------------------------------------------- */

const char *verdict_meaning(enum ws_verdict verdict)
{
	static const char *const meanings[] = {
		[WS_COHERENT] = "sees what init_mm sees, as far as any fault can need it",
		[WS_HEALS] = "lacks what a lazy fault repairs at first touch",
		[WS_UNKNOWN] = "something that decides is not in the target",
		[WS_DIVERGES] =
			"differs where nothing repairs it: an access fails, or strays",
		[WS_LEAKS] = "lets user mode reach kernel memory",
		[WS_NESTS] =
			"lacks the code behind a gate: faults nest until a push fails",
		[WS_DOUBLE_FAULTS] =
			"lacks what delivery of a fault itself needs: it fails",
	};

	return meanings[verdict];
}

/* "nests", of several "nest", and "at least nests" where one of them may be worse. */
static void print_verdict(FILE *f, const struct digest *digest, const uint32_t *spaces,
			  size_t n)
{
	enum ws_verdict verdict = digest->judgements[*spaces].verdict;
	const char *name = ws_verdict_name(verdict);
	int len = (int)strlen(name);
	bool at_least = false;

	for (size_t i = 0; i < n; i++)
		at_least |= digest->judgements[spaces[i]].at_least;
	if (at_least)
		fputs("at least ", f);
	if (verdict == WS_COHERENT || verdict == WS_UNKNOWN)
		fprintf(f, "%s %s", n == 1 ? "is" : "are", name);
	else
		fprintf(f, "%.*s", n == 1 ? len : len - 1, name);
}

/* "83 victim, 84 other and 12 more" of n spaces. */
static void print_names(FILE *f, const struct digest *digest, const uint32_t *spaces,
			size_t n)
{
	char words[WORDS];

	for (size_t i = 0; i < n && i < NAMED; i++)
		fprintf(f, "%s%s", i ? ", " : "",
			space_words(&digest->spaces[spaces[i]], words));
	if (n > NAMED)
		fprintf(f, " and %zu more", n - NAMED);
}

static void print_sick(FILE *f, const struct digest *digest)
{
	size_t at = 0;

	for (enum ws_verdict v = WS_DOUBLE_FAULTS; v > WS_COHERENT; v--) {
		size_t n = digest->nverdict[v];

		if (!n)
			continue;
		fprintf(f, "; %zu ", n);
		print_verdict(f, digest, &digest->sick.v[at], n);
		fputs(": ", f);
		print_names(f, digest, &digest->sick.v[at], n);
		at += n;
	}
}

/* What is wrong with the machine's own tables, whatever is mapped: the worst of it. */
static void print_machine(FILE *f, const struct digest *digest)
{
	const struct ws_finding *worst = NULL;

	ws_vec_each(&digest->findings, finding)
		if ((*finding)->machine && (*finding)->severity >= WS_ERROR &&
		    (!worst || (*finding)->severity > worst->severity))
			worst = *finding;
	if (worst)
		fprintf(f, "; of the machine itself, %s", worst->text);
}

char *digest_sentence(const struct digest *digest)
{
	size_t n = digest->ntold;
	const char *found =
		ws_system_lacks_tasks(digest->system) ? " that were found" : "";
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	if (digest->ncoherent == n && n > 1)
		fprintf(f, "all %zu address spaces%s are coherent", n, found);
	else
		fprintf(f, "%zu of %zu address space%s%s %s coherent", digest->ncoherent,
			n, n == 1 ? "" : "s", found,
			digest->ncoherent == 1 || n == 1 ? "is" : "are");
	print_sick(f, digest);
	print_machine(f, digest);
	return ws_text_close(&sentence, NULL);
}

static void print_severities(FILE *f, const struct digest *digest)
{
	const char *separator = ": ";

	for (int s = WS_FATAL; s >= WS_INFO; s--) {
		size_t n = digest->nseverity[s];
		bool plural = n > 1 && (s == WS_ERROR || s == WS_WARNING);

		if (!n)
			continue;
		fprintf(f, "%s%zu %s%s", separator, n,
			ws_severity_name((enum ws_severity)s), plural ? "s" : "");
		separator = ", ";
	}
}

char *digest_findings_sentence(const struct digest *digest)
{
	size_t n = digest->findings.n;
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	if (n)
		fprintf(f, "%zu finding%s", n, n == 1 ? "" : "s");
	else
		fputs("no findings", f);
	print_severities(f, digest);
	return ws_text_close(&sentence, NULL);
}

char *digest_case_sentence(const struct digest *digest, const struct digest_case *sick)
{
	const uint32_t *spaces = &digest->sick.v[sick->at];
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	print_names(f, digest, spaces, sick->nspaces);
	fputc(' ', f);
	print_verdict(f, digest, spaces, sick->nspaces);
	fputc(':', f);
	return ws_text_close(&sentence, NULL);
}
