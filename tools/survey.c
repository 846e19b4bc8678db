/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "survey.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* Bounds the memory for one matrix: 4 MiB of cells, unless one WHAT needs more. */
#define MATRIX_CELLS (UINT64_C(1) << 20)

/* Where init_mm has an address, when that is known and decides. */
struct expected {
	bool known;
	bool unknown; /* it would decide, and the target cuts its walk short */
	uint64_t pa;
};

/* One matrix: the WHATs first..first + n - 1, whose addresses are neighbours. */
struct slice {
	struct survey *survey;
	const struct ws_matrix *matrix;
	const struct expected *expected; /* of the matrix's addresses */
	size_t first, n;
};

static bool select_spaces(struct survey *survey, const struct ws_system *system, bool all)
{
	size_t n;
	const struct ws_space *spaces = ws_system_spaces(system, &n);

	survey->spaces = calloc(n ? n : 1, sizeof(*survey->spaces));
	if (!survey->spaces)
		return false;
	for (size_t i = 0; i < n; i++)
		if (all || spaces[i].counts)
			survey->spaces[survey->nspaces++] = spaces[i];
	return true;
}

/* User addresses are everyone's own; only of the kernel's is init_mm the measure. */
static struct expected *expect(struct ws_system *system, const uint64_t *addresses,
			       size_t n)
{
	const struct ws_layout *layout = ws_system_layout(system);
	struct expected *expected = calloc(n ? n : 1, sizeof(*expected));

	for (size_t i = 0; expected && i < n; i++) {
		struct ws_trail trail;

		if (addresses[i] < layout->kernel_first)
			continue;
		ws_walk(ws_system_paging(system), layout->reference, addresses[i],
			&trail);
		expected[i].known = trail.end == WS_END_PAGE;
		expected[i].unknown = !ws_end_is_known(trail.end);
		expected[i].pa = trail.pa;
	}
	return expected;
}

static bool is_elsewhere(const struct ws_outcome *outcome,
			 const struct expected *expected)
{
	return outcome->end == WS_END_PAGE && expected->known &&
	       outcome->pa != expected->pa;
}

static bool is_unknown(const struct ws_outcome *outcome, const struct expected *expected)
{
	return !ws_end_is_known(outcome->end) ||
	       (outcome->end == WS_END_PAGE && expected->unknown);
}

static struct sight look(const struct slice *slice, const struct what *what,
			 const uint32_t *cells, size_t at)
{
	const uint64_t *va = &slice->survey->whats->address.v[what->first];
	struct sight sight = { .va = va[0], .outcome = slice->matrix->outcome[cells[0]] };

	for (size_t a = 0; a < what->n; a++) {
		const struct ws_outcome *outcome = &slice->matrix->outcome[cells[a]];
		const struct expected *expected = &slice->expected[at + a];
		bool elsewhere = is_elsewhere(outcome, expected);
		bool unknown = is_unknown(outcome, expected);

		if (outcome->end == WS_END_PAGE && !elsewhere && !unknown)
			continue;
		if (unknown ? !sight.unseen && !sight.unknown : !sight.unseen) {
			sight.va = va[a];
			sight.outcome = *outcome;
			sight.elsewhere = elsewhere;
		}
		sight.unknown += unknown;
		sight.unseen += !unknown;
	}
	return sight;
}

/* What a page that is no table would translate to says nothing of the space. */
static struct sight unknown_sight(const struct slice *slice, const struct what *what)
{
	return (struct sight){ .va = slice->survey->whats->address.v[what->first],
			       .outcome.end = WS_END_ABSENT,
			       .unknown = (uint32_t)what->n,
			       .damaged = true };
}

/* A space whose cells are those of the space before sees what that sees. */
static bool look_at_what(const struct slice *slice, size_t w)
{
	struct survey *survey = slice->survey;
	const struct what *what = &survey->whats->what.v[w];
	size_t stride = slice->matrix->naddresses;
	size_t at = what->first - survey->whats->what.v[slice->first].first;
	const uint32_t *before = NULL;
	uint32_t *cell = &survey->cell[w * survey->nspaces];

	for (size_t s = 0; s < survey->nspaces; s++) {
		const uint32_t *cells = &slice->matrix->cell[s * stride + at];
		bool damaged = survey->spaces[s].looks_damaged;

		if (damaged || !before ||
		    memcmp(cells, before, what->n * sizeof(*cells))) {
			struct sight *sight = ws_vec_push(&survey->sight);

			if (!sight)
				return false;
			*sight = damaged ? unknown_sight(slice, what)
					 : look(slice, what, cells, at);
		}
		cell[s] = (uint32_t)(survey->sight.n - 1);
		before = damaged ? NULL : cells;
	}
	return true;
}

/* How many WHATs from first on fill one matrix. */
static size_t slice_length(const struct survey *survey, size_t first)
{
	uint64_t addresses = 0, most = MATRIX_CELLS / (survey->nspaces + 1) + 1;
	size_t w = first;

	do
		addresses += survey->whats->what.v[w++].n;
	while (w < survey->whats->what.n &&
	       addresses + survey->whats->what.v[w].n <= most);
	return w - first;
}

static enum exit_status probe_slice(struct survey *survey, struct session *session,
				    size_t first, size_t n)
{
	const struct what *what = survey->whats->what.v;
	const uint64_t *address = &survey->whats->address.v[what[first].first];
	size_t naddresses =
		what[first + n - 1].first + what[first + n - 1].n - what[first].first;
	ws_autofree struct expected *expected =
		expect(session->system, address, naddresses);
	ws_cleanup(ws_matrix_release) struct ws_matrix matrix = { 0 };
	struct slice slice = { survey, &matrix, expected, first, n };
	enum ws_status status;

	if (!expected)
		return session_fail_memory();
	status = ws_probe(session->system, survey->spaces, survey->nspaces, address,
			  naddresses, &matrix);
	if (status != WS_OK)
		return session_fail(session, status, NULL);
	for (size_t w = first; w < first + n; w++)
		if (!look_at_what(&slice, w))
			return session_fail_memory();
	return EXIT_SEEN;
}

enum exit_status survey_make(struct survey *survey, struct session *session,
			     const struct whats *whats, bool all)
{
	*survey = (struct survey){ .whats = whats };
	if (!select_spaces(survey, session->system, all))
		return session_fail_memory();
	survey->cell =
		calloc(survey->nspaces ? survey->nspaces : 1,
		       (whats->what.n ? whats->what.n : 1) * sizeof(*survey->cell));
	if (!survey->cell)
		return session_fail_memory();
	for (size_t w = 0, n; w < whats->what.n; w += n) {
		enum exit_status status;

		n = slice_length(survey, w);
		status = probe_slice(survey, session, w, n);
		if (status != EXIT_SEEN)
			return status;
		progress_show(&session->progress, "probing",
			      (double)(w + n) / (double)whats->what.n);
	}
	return EXIT_SEEN;
}

void survey_release(struct survey *survey)
{
	free(survey->spaces);
	free(survey->cell);
	ws_vec_release(&survey->sight);
	*survey = (struct survey){ 0 };
}
