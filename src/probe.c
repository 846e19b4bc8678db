/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * spaces x addresses -> outcomes: the experiment that proved the bug in 2012.
 *
 * The spaces of one kernel mostly hold the same entries, so a walk seldom has to go on:
 * what an entry leads to, for one address and the rights inherited so far, was worked
 * out for the space before. Each address remembers its last entry at every level; a
 * probe of a space like the one before costs one load and one compare.
 */
#include <string.h>

#include "context.h"
#include "linux/linux.h"
#include "paging/format.h"
#include "util/count.h"
#include "util/hash.h"

struct memo {
	uint64_t entry;
	uint32_t outcome;
	uint8_t access; /* inherited from the levels above */
	bool known;
};

/* Outcomes that differ, each once: the key is the outcome's own bytes. */
struct interned {
	struct ws_outcome outcome;
	uint32_t id;
	UT_hash_handle hh;
};

struct probe {
	struct ws_system *system;
	const struct ws_format *format; /* of the window that is looked through */
	struct memo *memo;              /* [address][level] */
	struct interned *outcomes;
	uint32_t noutcomes;
	const struct ws_window *window;
	uint64_t root;     /* its */
	uint64_t frame_pa; /* the root's frame, kept while the window lasts */
	const uint8_t *frame;
	bool short_of_memory;
};

static uint32_t intern(struct probe *p, const struct ws_outcome *outcome)
{
	struct interned *known;

	HASH_FIND(hh, p->outcomes, outcome, sizeof(*outcome), known);
	if (known)
		return known->id;
	known = calloc(1, sizeof(*known));
	if (known) {
		memcpy(&known->outcome, outcome, sizeof(*outcome));
		known->id = p->noutcomes;
		HASH_ADD(hh, p->outcomes, outcome, sizeof(known->outcome), known);
	}
	if (!known || !known->hh.tbl) {
		free(known);
		p->short_of_memory = true;
		return 0;
	}
	return p->noutcomes++;
}

static uint32_t intern_end(struct probe *p, enum ws_end end, unsigned level)
{
	struct ws_outcome outcome;

	memset(&outcome, 0, sizeof(outcome)); /* padding is hashed too */
	outcome.end = (uint8_t)end;
	outcome.level = (uint8_t)level;
	return intern(p, &outcome);
}

static uint32_t intern_page(struct probe *p, unsigned level, const struct ws_row *row,
			    uint64_t entry, uint64_t va, uint8_t access)
{
	struct ws_outcome outcome;

	memset(&outcome, 0, sizeof(outcome));
	outcome.pa = ws_row_address(row, entry) | (va & (WS_BIT(row->page_shift) - 1));
	outcome.end = WS_END_PAGE;
	outcome.level = (uint8_t)level;
	outcome.page_shift = row->page_shift;
	outcome.access = access;
	return intern(p, &outcome);
}

/* All addresses of one space read the same top-level table: look its frame up once. */
static enum ws_evidence frame_at(struct probe *p, uint64_t pa, const uint8_t **frame)
{
	uint64_t frame_pa = pa & ~(uint64_t)(WS_FRAME_SIZE - 1);

	*frame = p->frame;
	if (p->frame && p->frame_pa == frame_pa)
		return WS_READ;
	return p->system->paging.frame(p->system->paging.opaque, pa, frame);
}

static uint32_t probe_level(struct probe *p, struct memo *memo, unsigned level,
			    uint64_t table, uint64_t va, uint8_t access)
{
	const struct ws_level *rows = &p->format->level[level];
	uint64_t pa = table + (ws_level_index(rows, va) << p->format->entry_log2);
	const uint8_t *frame;
	enum ws_evidence evidence = frame_at(p, pa, &frame);
	struct memo *here = &memo[level];
	const struct ws_row *row;
	uint64_t entry;
	uint32_t id;

	if (evidence != WS_READ)
		return intern_end(p, ws_unread_end(evidence), level);
	entry = ws_load_entry(frame, pa, p->format->entry_log2);
	if (here->known && here->entry == entry && here->access == access)
		return here->outcome;
	row = ws_row_of(rows, entry);
	if (!row) {
		id = intern_end(p, ws_unmatched_end(p->format, entry), level);
	} else {
		uint8_t left = access & (uint8_t)~ws_row_denied(row, entry, access);

		id = row->kind == WS_ROW_LEAF
			     ? intern_page(p, level, row, entry, va, left)
			     : probe_level(p, memo, level + 1, ws_row_address(row, entry),
					   va, left);
	}
	*here = (struct memo){ entry, id, access, true };
	return id;
}

/* From now on addresses in that window are looked at. */
static void look_through(struct probe *p, const struct ws_window *window)
{
	p->window = window;
	p->format = window->format;
	p->root = window->root & p->format->root_mask;
	p->frame_pa = p->root & ~(uint64_t)(WS_FRAME_SIZE - 1);
	p->frame = NULL;
	(void)frame_at(p, p->root, &p->frame);
}

/* An address has the same window in all spaces, so its memo is of one format. */
static uint32_t probe_address(struct probe *p, const struct ws_eye *eye, size_t a,
			      uint64_t va)
{
	const struct ws_window *window = p->window;

	if (va < window->first || va > window->last) {
		window = ws_eye_window(eye, va);
		if (window)
			look_through(p, window);
	}
	return window && ws_translatable(p->format, va)
		       ? probe_level(p, &p->memo[a * WS_MAX_LEVELS], 0, p->root, va,
				     WS_ACCESS_ALL)
		       : intern_end(p, WS_END_NONCANONICAL, 0);
}

static void probe_space(struct probe *p, const struct ws_space *space,
			const uint64_t *addresses, size_t n, uint32_t *cells)
{
	struct ws_eye eye;

	ws_space_eye(p->system, space, &eye);
	if (eye.nwindows)
		look_through(p, &eye.window[0]);
	for (size_t a = 0; a < n; a++)
		cells[a] = eye.nwindows ? probe_address(p, &eye, a, addresses[a])
					: intern_end(p, WS_END_NONCANONICAL, 0);
}

/* PTI's user halves are like each other and unlike the rest: one sort after the other. */
static void probe_spaces(struct probe *p, const struct ws_space *spaces, bool user_halves,
			 const uint64_t *addresses, struct ws_matrix *matrix)
{
	size_t n = matrix->naddresses;

	for (size_t s = 0; s < matrix->nspaces; s++)
		if ((spaces[s].kind == WS_SPACE_USER) == user_halves)
			probe_space(p, &spaces[s], addresses, n, &matrix->cell[s * n]);
}

/* Moves the interned outcomes into the matrix, or only frees them. */
static void give_outcomes(struct probe *p, struct ws_matrix *matrix)
{
	struct interned *it, *next;

	HASH_ITER(hh, p->outcomes, it, next)
	{
		if (matrix->outcome)
			matrix->outcome[it->id] = it->outcome;
		HASH_DEL(p->outcomes, it);
		free(it);
	}
}

enum ws_status ws_probe(struct ws_system *system, const struct ws_space *spaces,
			size_t nspaces, const uint64_t *addresses, size_t naddresses,
			struct ws_matrix *matrix)
{
	struct probe p = { .system = system };
	size_t ncells;

	*matrix = (struct ws_matrix){ .nspaces = nspaces, .naddresses = naddresses };
	if (__builtin_mul_overflow(nspaces, naddresses, &ncells))
		return ws_fail(system->ctx, WS_ERR_USAGE, "%s x %s are too many",
			       WS_COUNT_OF(nspaces, "space"),
			       WS_COUNT_OF(naddresses, "address"));
	matrix->cell = calloc(ncells ? ncells : 1, sizeof(*matrix->cell));
	p.memo = calloc(naddresses ? naddresses : 1, WS_MAX_LEVELS * sizeof(*p.memo));
	if (matrix->cell && p.memo) {
		probe_spaces(&p, spaces, false, addresses, matrix);
		probe_spaces(&p, spaces, true, addresses, matrix);
	}
	matrix->outcome = calloc(p.noutcomes ? p.noutcomes : 1, sizeof(*matrix->outcome));
	matrix->noutcomes = p.noutcomes;
	give_outcomes(&p, matrix);
	if (!matrix->cell || !p.memo || !matrix->outcome || p.short_of_memory) {
		free(p.memo);
		ws_matrix_release(matrix);
		return ws_fail_memory(system->ctx);
	}
	free(p.memo);
	return ws_target_looked(system->target, WS_OK);
}

void ws_matrix_release(struct ws_matrix *matrix)
{
	free(matrix->cell);
	free(matrix->outcome);
	*matrix = (struct ws_matrix){ 0 };
}
