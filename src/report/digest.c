/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/words.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

/* ---- which spaces ----------------------------------------------------------------- */

static bool is_one_of(const struct ws_space *space, const struct ws_space *only,
		      size_t nonly)
{
	uint64_t root = space->root;

	if (space->kind == WS_SPACE_USER)
		root -= WS_FRAME_SIZE;
	for (size_t i = 0; i < nonly; i++)
		if (only[i].root == root)
			return true;
	return false;
}

static bool choose_spaces(struct digest *digest, const struct ws_space *only,
			  size_t nonly)
{
	digest->chosen = calloc(digest->nspaces ? digest->nspaces : 1, sizeof(bool));
	if (!digest->chosen)
		return false;
	digest->is_part = only;
	for (uint32_t s = 0; s < digest->nspaces; s++) {
		if (!ws_audited(digest->audit, s) ||
		    (only && !is_one_of(&digest->spaces[s], only, nonly)))
			continue;
		digest->chosen[s] = true;
		if (digest->spaces[s].kind == WS_SPACE_USER)
			continue;
		digest->nchosen++;
		digest->nverdict[ws_audit_whole(digest->audit, s).verdict]++;
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

		if (!findings[i].machine && !digest->chosen[findings[i].space])
			continue;
		chosen = ws_vec_push(&digest->findings);
		if (!chosen)
			return false;
		*chosen = &findings[i];
		digest->nseverity[findings[i].severity]++;
	}
	return true;
}

/* By group, in a group by space, and of one space as they were found. */
static int by_group(const void *left, const void *right)
{
	const struct ws_finding *a = *(const struct ws_finding *const *)left;
	const struct ws_finding *b = *(const struct ws_finding *const *)right;

	if (a->group != b->group)
		return (a->group > b->group) - (a->group < b->group);
	if (a->space != b->space)
		return (a->space > b->space) - (a->space < b->space);
	return (a > b) - (a < b);
}

/* The space that a space is, or is the user half of. */
static uint32_t whole_of(const struct digest *digest, uint32_t space)
{
	return space - (digest->spaces[space].kind == WS_SPACE_USER);
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
		group->cause = DIGEST_NO_CAUSE;
	}
	group->nspaces += !group->nfindings ||
			  whole_of(digest, finding->space) !=
				  whole_of(digest, digest->by_group[at - 1]->space);
	group->nfindings++;
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
	size_t n, nown;         /* so many, and without the user half's */
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
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return (a->nown > b->nown) - (a->nown < b->nown);
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
		struct ws_judgement judgement = ws_audit_whole(digest->audit, s);
		size_t own = number_groups(sorted, digest->findings.n, at, s, groups);
		bool halves = digest_has_half(digest, s);
		struct illness *it;

		end = halves ? number_groups(sorted, digest->findings.n, own, s + 1,
					     groups)
			     : own;
		s += halves;
		if (!digest->chosen[s] || judgement.verdict == WS_COHERENT)
			continue;
		it = ws_vec_push(ill);
		if (!it)
			return false;
		*it = (struct illness){ .space = s - halves,
					.verdict = judgement.verdict,
					.at_least = judgement.at_least,
					.lack = common_lack(&judgement),
					.groups = groups + at,
					.n = end - at,
					.nown = own - at };
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
		 const struct ws_audit *audit, const struct ws_space *only, size_t nonly)
{
	size_t n;

	*digest = (struct digest){ .system = system, .audit = audit };
	digest->spaces = ws_system_spaces(system, &digest->nspaces);
	digest->judgements = ws_audit_judgements(audit, &n);
	return choose_spaces(digest, only, nonly) && choose_findings(digest) &&
	       group_findings(digest) && make_cases(digest) && digest_find_causes(digest);
}

void digest_release(struct digest *digest)
{
	free(digest->chosen);
	free(digest->by_group);
	ws_vec_release(&digest->findings);
	ws_vec_release(&digest->groups);
	ws_vec_release(&digest->sick);
	ws_vec_release(&digest->cases);
	ws_vec_release(&digest->causes);
	free(digest->caused);
	*digest = (struct digest){ 0 };
}

enum digest_state digest_state(const struct digest *digest)
{
	if (digest->ncoherent + digest->nverdict[WS_UNKNOWN] < digest->nchosen ||
	    digest->nseverity[WS_INFO] < digest->findings.n)
		return DIGEST_FOUND;
	return digest->nverdict[WS_UNKNOWN] || ws_system_lacks_tasks(digest->system)
		       ? DIGEST_UNKNOWN
		       : DIGEST_CLEAN;
}

bool digest_has_half(const struct digest *digest, uint32_t space)
{
	return digest->spaces[space].kind != WS_SPACE_USER &&
	       space + 1 < digest->nspaces &&
	       digest->spaces[space + 1].kind == WS_SPACE_USER;
}

/* ---- in words --------------------------------------------------------------------- */

const struct ws_finding *digest_worst_of_machine(const struct digest *digest)
{
	const struct ws_finding *worst = NULL;

	ws_vec_each(&digest->findings, finding)
		if ((*finding)->machine && (*finding)->severity >= WS_ERROR &&
		    (!worst || (*finding)->severity > worst->severity))
			worst = *finding;
	return worst;
}

static void print_severities(FILE *f, const struct digest *digest)
{
	const char *separator = ": ";

	for (int s = WS_FATAL; s >= WS_INFO; s--) {
		size_t n = digest->nseverity[s];
		const char *name = ws_severity_name((enum ws_severity)s);
		bool is_noun = s == WS_ERROR || s == WS_WARNING;

		if (!n)
			continue;
		if (is_noun)
			fprintf(f, "%s%s", separator, WS_COUNT_OF(n, name));
		else
			fprintf(f, "%s%s %s", separator, WS_COUNT(n), name);
		separator = ", ";
	}
}

char *digest_findings_sentence(const struct digest *digest, size_t rows)
{
	size_t n = digest->findings.n, machine = 0;
	struct ws_text sentence;
	FILE *f = ws_text_open(&sentence);

	if (!f)
		return NULL;
	if (n)
		fputs(WS_COUNT_OF(n, "finding"), f);
	else
		fputs("no findings", f);
	ws_vec_each(&digest->findings, finding)
		machine += (*finding)->machine;
	if (machine && machine < n)
		fprintf(f,
			" (%s about address spaces, %s about the machine's own tables)",
			WS_COUNT(n - machine), WS_COUNT(machine));
	if (rows < n)
		fprintf(f, ", in %s", WS_COUNT_OF(rows, "row"));
	print_severities(f, digest);
	return ws_text_close(&sentence, NULL);
}
