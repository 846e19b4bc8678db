/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One missing entry, and all the findings that follow from it. */
#include <stdlib.h>
#include <string.h>

#include "report/digest.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

/* Where the walks of a group end: the entry that is not there, by the way to it. */
struct hole {
	uint32_t group;
	unsigned n;
	uint32_t index[WS_MAX_LEVELS];
	bool empty;
};

static int compare_way(const struct hole *a, const struct hole *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (unsigned l = 0; l < a->n; l++)
		if (a->index[l] != b->index[l])
			return a->index[l] < b->index[l] ? -1 : 1;
	return 0;
}

static int by_way(const void *left, const void *right)
{
	const struct hole *a = left, *b = right;
	int order = compare_way(a, b);

	return order ? order : (a->group > b->group) - (a->group < b->group);
}

/* What is wrong with the machine's own tables follows from no space's entry. */
static bool hole_of_finding(const struct ws_finding *finding, struct hole *hole)
{
	const struct ws_trail *here = &finding->here;

	if (finding->machine || here->end != WS_END_HOLE || !here->nsteps)
		return false;
	hole->n = here->nsteps;
	for (unsigned l = 0; l < here->nsteps; l++)
		hole->index[l] = here->step[l].index;
	hole->empty = !here->step[here->nsteps - 1].entry;
	return true;
}

/* Alike findings may yet end at different levels in different spaces. */
static bool hole_of_group(const struct digest *digest, uint32_t at, struct hole *hole)
{
	const struct digest_group *group = &digest->groups.v[at];
	bool empty = true;

	*hole = (struct hole){ .group = at };
	for (uint32_t i = 0; i < group->nspaces; i++) {
		struct hole other = { .group = at };

		if (!hole_of_finding(digest->by_group[group->at + i], &other) ||
		    (i && compare_way(hole, &other)))
			return false;
		*hole = other;
		empty &= other.empty;
	}
	hole->empty = empty;
	return true;
}

/* How many spaces the groups of n holes are about. */
static uint32_t count_spaces(const struct digest *digest, const struct hole *holes,
			     size_t n, bool *seen)
{
	uint32_t count = 0;

	memset(seen, 0, digest->nspaces * sizeof(*seen));
	for (size_t h = 0; h < n; h++) {
		const struct digest_group *group = &digest->groups.v[holes[h].group];

		for (uint32_t i = 0; i < group->nspaces; i++) {
			uint32_t space = digest->by_group[group->at + i]->space;

			count += !seen[space];
			seen[space] = true;
		}
	}
	return count;
}

static bool add_cause(struct digest *digest, const struct hole *holes, size_t n,
		      bool *seen)
{
	struct digest_cause *cause = ws_vec_push(&digest->causes);

	if (!cause)
		return false;
	*cause = (struct digest_cause){ .first = digest->groups.v[holes->group].first,
					.empty = true,
					.va = UINT64_MAX,
					.ngroups = (uint32_t)n };
	for (size_t h = 0; h < n; h++) {
		struct digest_group *group = &digest->groups.v[holes[h].group];

		group->cause = (uint32_t)digest->causes.n - 1;
		cause->nfindings += group->nspaces;
		if (group->first->va < cause->va)
			cause->va = group->first->va;
		if (group->first->last > cause->last)
			cause->last = group->first->last;
		cause->empty &= holes[h].empty;
		if (group->severity > cause->severity)
			cause->severity = group->severity;
	}
	cause->nspaces = count_spaces(digest, holes, n, seen);
	return true;
}

/* Holes that are one, in a row, are a cause if there are two of them. */
static bool add_causes(struct digest *digest, const struct hole *holes, size_t n)
{
	ws_autofree bool *seen = calloc(digest->nspaces + 1, sizeof(*seen));

	for (size_t i = 0, end; seen && i < n; i = end) {
		end = i + 1;
		while (end < n && !compare_way(&holes[i], &holes[end]))
			end++;
		if (end - i > 1 && !add_cause(digest, &holes[i], end - i, seen))
			return false;
	}
	return seen;
}

static bool cause_groups(struct digest *digest)
{
	ws_autofree struct hole *holes = calloc(digest->groups.n + 1, sizeof(*holes));
	size_t n = 0;

	if (!holes)
		return false;
	for (uint32_t g = 0; g < digest->groups.n; g++)
		n += hole_of_group(digest, g, &holes[n]);
	qsort(holes, n, sizeof(*holes), by_way);
	return add_causes(digest, holes, n);
}

/* The cause of each group, by its id; NULL: memory is short. */
static uint32_t *causes_by_id(const struct digest *digest)
{
	uint32_t most = 0;
	uint32_t *cause;

	ws_vec_each(&digest->groups, group)
		if (group->id > most)
			most = group->id;
	cause = calloc((size_t)most + 1, sizeof(*cause));
	ws_vec_each(&digest->groups, each)
		if (cause)
			cause[each->id] = each->cause;
	return cause;
}

/* The n findings of one space. count has a zero for each cause, before and after. */
static void weigh_causes(const struct ws_finding *const *findings, size_t n,
			 const uint32_t *cause, uint32_t *count,
			 struct digest_caused *most)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t c = cause[findings[i]->group];

		if (c != DIGEST_NO_CAUSE && ++count[c] > most->n)
			*most = (struct digest_caused){ c, count[c] };
	}
	for (size_t i = 0; i < n; i++)
		if (cause[findings[i]->group] != DIGEST_NO_CAUSE)
			count[cause[findings[i]->group]] = 0;
	if (most->n < 2) /* of one finding it says nothing new */
		*most = (struct digest_caused){ 0 };
}

static bool cause_spaces(struct digest *digest)
{
	size_t n = digest->findings.n;
	ws_autofree const struct ws_finding **sorted = digest_by_space(digest);
	ws_autofree uint32_t *cause = causes_by_id(digest);
	ws_autofree uint32_t *count = calloc(digest->causes.n + 1, sizeof(*count));

	digest->caused = calloc(digest->nspaces + 1, sizeof(*digest->caused));
	if (!sorted || !cause || !count || !digest->caused)
		return false;
	for (size_t i = 0, end; i < n; i = end) {
		uint32_t space = sorted[i]->space;

		for (end = i; end < n && sorted[end]->space == space; end++)
			;
		weigh_causes(&sorted[i], end - i, cause, count, &digest->caused[space]);
	}
	return true;
}

bool digest_find_causes(struct digest *digest)
{
	return cause_groups(digest) && cause_spaces(digest);
}

/* ---- in words --------------------------------------------------------------------- */

const char *digest_cause_words(const struct digest *digest,
			       const struct digest_cause *cause, char words[static WORDS])
{
	const struct ws_format *format = ws_system_paging(digest->system)->format;
	const struct ws_trail *here = &cause->first->here;
	unsigned level = here->nsteps - 1u;

	snprintf(words, WORDS, "%s %u is %s", ws_level_entry_name(format, level),
		 here->step[level].index, cause->empty ? "empty" : "not present");
	return words;
}

char *digest_cause_sentence(const struct digest *digest, uint32_t space, bool alone)
{
	const char *of = alone ? "this space" : "each of these spaces";
	const struct digest_caused *caused = &digest->caused[space];
	uint32_t all = digest->judgements[space].nfindings;
	struct ws_text sentence;
	char words[WORDS];
	FILE *f;

	if (!caused->n)
		return strdup("");
	f = ws_text_open(&sentence);
	if (!f)
		return NULL;
	if (digest->judgements[space].no_image)
		fprintf(f, "%s does not map the kernel image: ",
			space_words(&digest->spaces[space], words));
	fprintf(f, "%s, and ",
		digest_cause_words(digest, &digest->causes.v[caused->cause], words));
	if (caused->n < all)
		fprintf(f, "%s of %s about %s follow from it", WS_COUNT(caused->n),
			WS_COUNT_OF(all, "finding"), of);
	else
		fprintf(f, "all %s about %s follow from it", WS_COUNT_OF(all, "finding"),
			of);
	return ws_text_close(&sentence, NULL);
}

size_t digest_folded_rows(const struct digest *digest)
{
	size_t n = digest->causes.n;

	ws_vec_each(&digest->groups, group)
		n += group->cause == DIGEST_NO_CAUSE;
	return n;
}
