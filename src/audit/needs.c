/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Needs against spaces. A need is cut where init_mm's pages end, one address stands for
 * each piece, and one ws_probe() asks them all of all spaces: what is shared costs one
 * load and one compare. Only where the answer is not a page of that size with the rights
 * that are needed is a space walked on its own.
 */
#include "audit/needs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/arch.h"
#include "audit/damaged.h"
#include "audit/lack.h"
#include "linux/roots.h"
#include "paging/format.h"
#include "util/cleanup.h"
#include "util/text.h"

/* A need has some pages; more comes of hostile descriptors or symbols. */
#define NEED_MAX (1u << 20)
/* Cells of one matrix, 16 MiB of them, or those of one need if they are more. */
#define CELLS_MAX (4u << 20)

void ws_need_add(struct ws_needs *needs, const struct ws_need *need, const char *fmt, ...)
{
	struct ws_need *added;
	char *what;
	va_list ap;

	va_start(ap, fmt);
	what = ws_text_of_args(fmt, ap);
	va_end(ap);
	added = what ? ws_vec_push(&needs->v) : NULL;
	if (!added) {
		free(what);
		needs->audit->short_of_memory = true;
		return;
	}
	*added = *need;
	added->what = what;
	if (need->last - need->va >= NEED_MAX)
		added->last = need->va + NEED_MAX - 1;
}

/* ---- one space -------------------------------------------------------------------- */

/*
 * What is said of one thing that is needed, and of many; and " here", where it may
 * differ.
 */
struct complaint {
	const char *one, *many, *here;
};

static const struct complaint hole = { "is not mapped", "are not mapped", " here" },
			      no_address = { "is no address that can be mapped",
					     "are no addresses that can be mapped", "" },
			      invalid = { "has an invalid entry", "have an invalid entry",
					  " here" },
			      no_execute = { "may not be executed", "may not be executed",
					     " here" },
			      no_write = { "may not be written", "may not be written",
					   " here" },
			      user_page = { NULL, NULL, " here" };

/* Of a user's page, who keeps the kernel from it is the architecture's to say. */
static const char *words_one(const struct ws_audit *audit, const struct complaint *c)
{
	return c == &user_page ? audit->arch->user_page : c->one;
}

static const char *words_many(const struct ws_audit *audit, const struct complaint *c)
{
	return c == &user_page ? audit->arch->user_pages : c->many;
}

/* What stands between a need and how a walk ended; NULL: nothing that can be named. */
static const struct complaint *complaint(const struct ws_need *need, uint8_t end,
					 uint8_t access)
{
	switch (end) {
	case WS_END_HOLE:
		return &hole;
	case WS_END_NONCANONICAL:
		return &no_address;
	case WS_END_MALFORMED:
		return &invalid;
	case WS_END_ABSENT:
	case WS_END_FAILED:
		return NULL;
	}
	if (need->rights & ~access & WS_KERNEL_EXECUTE)
		return &no_execute;
	if (need->rights & ~access & WS_KERNEL_WRITE)
		return &no_write;
	if (access & need->refused)
		return &user_page;
	return NULL;
}

uint64_t ws_trail_last(const struct ws_format *format, const struct ws_trail *trail)
{
	unsigned shift;

	/* it has no translation, nor have others up to the upper half */
	if (!trail->nsteps)
		return format->canonical ? ~(UINT64_MAX >> (65 - format->va_bits)) - 1
					 : UINT64_MAX;
	shift = trail->end == WS_END_PAGE ? trail->page_shift
					  : format->level[trail->nsteps - 1].shift;
	return trail->va | (WS_BIT(shift) - 1);
}

/* Neighbouring addresses of which the same is to be said. */
struct gap {
	const struct complaint *complaint; /* NULL: none is open */
	struct ws_trail trail;             /* of its first address */
	uint64_t last;
};

/* "PDE 833 empty", where an entry is to blame; "" where rights are. */
static void blame(const struct ws_format *format, const struct ws_trail *trail,
		  const char *reference, char *text, size_t size)
{
	unsigned level = trail->nsteps ? trail->nsteps - 1u : 0;
	const struct ws_step *step = &trail->step[level];

	if (trail->end == WS_END_HOLE)
		snprintf(text, size, " (%s %u empty, %s)",
			 ws_level_entry_name(format, level), step->index, reference);
	else if (trail->end == WS_END_MALFORMED)
		snprintf(text, size, " (%s %u is %#jx)",
			 ws_level_entry_name(format, level), step->index, step->entry);
	else
		text[0] = '\0';
}

static const char *reference_says(const struct ws_audit *audit, uint32_t space,
				  uint64_t va)
{
	const struct ws_space *where = &audit->system->spaces.v[space];
	struct ws_trail there;

	ws_walk(&audit->system->paging, ws_reference_of(audit, where), va, &there);
	if (there.end == WS_END_PAGE)
		return audit->system->layout.consensus ? "mapped in most others"
						       : "mapped in init_mm";
	if (where->kind == WS_SPACE_INIT)
		return "and this is init_mm";
	return audit->system->layout.consensus ? "as in most" : "as in init_mm";
}

static void record_gap(struct ws_needs *needs, const struct ws_need *need, uint32_t space,
		       struct gap *gap)
{
	struct ws_audit *audit = needs->audit;
	struct ws_finding *finding;
	char entry[96], from[32] = "";

	if (!gap->complaint)
		return;
	if (gap->trail.va != need->va)
		snprintf(from, sizeof(from), " from %#jx on", gap->trail.va);
	blame(audit->system->paging.format, &gap->trail,
	      reference_says(audit, space, gap->trail.va), entry, sizeof(entry));
	finding = ws_found(audit, need->rule, space, gap->trail.va, gap->last,
			   "%s, which%s %s%s%s", need->what, from,
			   need->many ? words_many(audit, gap->complaint)
				      : words_one(audit, gap->complaint),
			   gap->complaint->here, entry);
	gap->complaint = NULL;
	if (!finding)
		return;
	finding->cpu = need->cpu;
	if (need->severity)
		finding->severity = need->severity;
}

/*
 * Whether it ends in a table that is empty all over and init_mm's own: something is
 * needed there, so it was not empty while the machine ran. Of what is not in the image,
 * code can have been unmapped by its owner, and have been the last that was there.
 */
static bool ends_in_erased(const struct ws_audit *audit, const struct ws_need *need,
			   uint32_t space, const struct ws_trail *trail)
{
	const struct ws_paging *paging = &audit->system->paging;
	const struct ws_space *where = &audit->system->spaces.v[space];
	unsigned last = trail->nsteps ? trail->nsteps - 1u : 0;
	struct ws_trail there;

	if (trail->end != WS_END_HOLE || !last ||
	    (need->rights & WS_KERNEL_EXECUTE && !ws_in_image(audit->system, trail->va)))
		return false;
	ws_walk(paging, ws_reference_of(audit, where), trail->va, &there);
	return there.nsteps == trail->nsteps &&
	       there.step[last].table == trail->step[last].table &&
	       ws_is_erased(paging, trail->step[last].table);
}

/* Whether the space serves the need is not known. */
static void lacks_table(struct ws_audit *audit, const struct ws_need *need,
			uint32_t space, const struct ws_trail *trail)
{
	const struct ws_format *format = trail->format;
	const struct ws_step *step = &trail->step[trail->nsteps - 1];

	ws_lack_frame(audit, space, ws_step_entry_pa(format, step),
		      "the %s at %#jx, on the way to %s",
		      ws_level_name(format, trail->nsteps - 1u), step->table, need->what);
}

static void check_walks(struct ws_needs *needs, const struct ws_need *need,
			uint32_t space)
{
	const struct ws_system *system = needs->audit->system;
	uint64_t va = need->va, end;
	struct gap gap = { 0 };
	struct ws_trail trail;

	for (;; va = end + 1) {
		const struct complaint *wrong;

		ws_space_walk(system, &system->spaces.v[space], va, &trail);
		needs->audit->work++;
		if (trail.end == WS_END_ABSENT)
			lacks_table(needs->audit, need, space, &trail);
		wrong = complaint(need, trail.end, trail.access);
		if (ends_in_erased(needs->audit, need, space, &trail)) {
			lacks_table(needs->audit, need, space, &trail);
			wrong = NULL;
		}
		if (wrong != gap.complaint)
			record_gap(needs, need, space, &gap);
		if (wrong && !gap.complaint)
			gap = (struct gap){ wrong, trail, 0 };
		end = ws_trail_last(trail.format, &trail);
		if (end > need->last)
			end = need->last;
		gap.last = end;
		if (end == need->last)
			break;
	}
	record_gap(needs, need, space, &gap);
}

const char *ws_need_complaint(struct ws_needs *needs, const struct ws_need *need,
			      uint64_t root, struct ws_trail *trail)
{
	const struct ws_system *system = needs->audit->system;
	const struct complaint *wrong = NULL;
	struct ws_eye eye;

	ws_root_eye(system, root, root == system->layout.reference, &eye);
	for (uint64_t va = need->va, end; !wrong; va = end + 1) {
		ws_eye_walk(&system->paging, &eye, va, trail);
		needs->audit->work++;
		wrong = complaint(need, trail->end, trail->access);
		end = ws_trail_last(trail->format, trail);
		if (end >= need->last)
			break;
	}
	return wrong ? words_one(needs->audit, wrong) : NULL;
}

void ws_need_check(struct ws_needs *needs, const struct ws_need *need, uint32_t space)
{
	if (!needs->audit->system->spaces.v[space].looks_damaged)
		check_walks(needs, need, space);
}

/* ---- all spaces ------------------------------------------------------------------- */

/* A piece of a need that one address stands for. */
struct spot {
	uint64_t va, last;
	uint32_t need;
};

/* The spaces of one sort, and what is asked of them. */
struct coverage {
	struct ws_needs *needs;
	bool user_halves;
	uint64_t reference;
	WS_VEC(struct ws_space) spaces; /* copies: ws_probe() takes them in a row */
	WS_VEC(uint32_t) index;         /* of each in the system's */
	WS_VEC(struct spot) spots;
};

static void coverage_release(struct coverage *s)
{
	ws_vec_release(&s->spaces);
	ws_vec_release(&s->index);
	ws_vec_release(&s->spots);
}

static bool take_spaces(struct coverage *s)
{
	struct ws_audit *audit = s->needs->audit;

	for (uint32_t i = 0; i < audit->system->spaces.n; i++) {
		const struct ws_space *space = &audit->system->spaces.v[i];
		struct ws_space *copy;
		uint32_t *index;

		if ((space->kind == WS_SPACE_USER) != s->user_halves ||
		    !ws_has_tables(audit, i))
			continue;
		if (!s->spaces.n)
			s->reference = ws_reference_of(audit, space);
		copy = ws_vec_push(&s->spaces);
		index = ws_vec_push(&s->index);
		if (!copy || !index)
			return false;
		*copy = *space;
		*index = i;
	}
	return true;
}

static bool add_spot(struct coverage *s, uint32_t need, uint64_t va, uint64_t last)
{
	struct spot *spot = ws_vec_push(&s->spots);

	if (spot)
		*spot = (struct spot){ va, last, need };
	return spot;
}

/* A need that init_mm itself does not serve, and need not, is left out. */
static bool cut_need(struct coverage *s, uint32_t index)
{
	const struct ws_paging *paging = &s->needs->audit->system->paging;
	const struct ws_need *need = &s->needs->v.v[index];
	uint64_t va = need->va, end;
	size_t before = s->spots.n;
	struct ws_trail trail;

	for (;; va = end + 1) {
		ws_walk(paging, s->reference, va, &trail);
		if (need->if_reference && (trail.end != WS_END_PAGE ||
					   complaint(need, trail.end, trail.access))) {
			s->spots.n = before;
			return true;
		}
		end = ws_trail_last(paging->format, &trail);
		if (end > need->last)
			end = need->last;
		if (!add_spot(s, index, va, end))
			return false;
		if (end == need->last)
			return true;
	}
}

static bool cut_needs(struct coverage *s)
{
	uint8_t half = s->user_halves ? WS_HALF_USER : WS_HALF_KERNEL;

	for (uint32_t i = 0; i < s->needs->v.n; i++)
		if (s->needs->v.v[i].halves & half && !cut_need(s, i))
			return false;
	return true;
}

/* Whether one page with all that is needed covers the spot. */
static bool covers(const struct ws_need *need, const struct spot *spot,
		   const struct ws_outcome *outcome)
{
	return outcome->end == WS_END_PAGE &&
	       (spot->va | (WS_BIT(outcome->page_shift) - 1)) >= spot->last &&
	       !complaint(need, outcome->end, outcome->access);
}

static bool is_served(const struct coverage *s, const struct spot *spots, size_t n,
		      const struct ws_matrix *matrix, const uint32_t *cells)
{
	const struct ws_need *need = &s->needs->v.v[spots->need];

	for (size_t i = 0; i < n; i++)
		if (!covers(need, &spots[i], &matrix->outcome[cells[i]]))
			return false;
	return true;
}

/* How many spots from the first on belong to one need. */
static size_t same_need(const struct spot *spots, size_t n)
{
	size_t same = 0;

	while (same < n && spots[same].need == spots->need)
		same++;
	return same;
}

static void look_closer(struct coverage *s, const struct spot *spots,
			const struct ws_matrix *matrix)
{
	for (size_t a = 0, n; a < matrix->naddresses; a += n) {
		n = same_need(&spots[a], matrix->naddresses - a);
		for (size_t i = 0; i < matrix->nspaces; i++)
			if (!is_served(s, &spots[a], n, matrix,
				       &matrix->cell[i * matrix->naddresses + a]))
				ws_need_check(s->needs, &s->needs->v.v[spots[a].need],
					      s->index.v[i]);
	}
	s->needs->audit->work += matrix->nspaces * matrix->naddresses;
}

static enum ws_status probe_spots(struct coverage *s, const struct spot *spots, size_t n)
{
	struct ws_audit *audit = s->needs->audit;
	ws_autofree uint64_t *addresses = calloc(n, sizeof(*addresses));
	struct ws_matrix matrix;
	enum ws_status status;

	if (!addresses)
		return ws_fail_memory(audit->ctx);
	for (size_t i = 0; i < n; i++)
		addresses[i] = spots[i].va;
	status = ws_probe(audit->system, s->spaces.v, s->spaces.n, addresses, n, &matrix);
	if (status != WS_OK)
		return status;
	look_closer(s, spots, &matrix);
	ws_matrix_release(&matrix);
	return WS_OK;
}

/* As many whole needs as make up some most cells, but one at least. */
static size_t batch_of(const struct coverage *s, size_t at)
{
	size_t most = CELLS_MAX / s->spaces.n, n = 0;

	do
		n += same_need(&s->spots.v[at + n], s->spots.n - at - n);
	while (at + n < s->spots.n && n < most);
	return n;
}

static enum ws_status cover(struct ws_needs *needs, bool user_halves)
{
	struct coverage s = { .needs = needs, .user_halves = user_halves };
	enum ws_status status = WS_OK;

	if (!take_spaces(&s) || (s.spaces.n && !cut_needs(&s)))
		status = ws_fail_memory(needs->audit->ctx);
	for (size_t at = 0, n; at < s.spots.n && status == WS_OK; at += n) {
		n = batch_of(&s, at);
		status = probe_spots(&s, s.spots.v + at, n);
	}
	coverage_release(&s);
	return status;
}

enum ws_status ws_needs_check(struct ws_needs *needs)
{
	enum ws_status status = cover(needs, false);

	return status == WS_OK ? cover(needs, true) : status;
}
