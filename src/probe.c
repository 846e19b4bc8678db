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
#include "util/huge.h"

struct memo {
	uint64_t entry;
	uint32_t outcome;
	uint8_t access; /* inherited from the levels above */
	bool known;
};

/* The same of the top level, as the next space is held against it: nothing else is read. */
struct top {
	uint64_t entry;
	uint64_t at; /* where the entry lies in a root; NOT_YET: it was not looked at */
	uint32_t outcome;
};
#define NOT_YET WS_BIT(63) /* far from any frame, wherever the root is */

/* How far the walk of one address has come. */
struct place {
	uint64_t table;   /* of the next level */
	unsigned level;   /* which that is: so many memos are this walk's */
	uint8_t access;   /* that is left */
	uint32_t outcome; /* at the end */
};

/* Outcomes that differ, each once: the key is the outcome's own bytes. */
struct interned {
	struct ws_outcome outcome;
	uint32_t id;
	UT_hash_handle hh;
};

/* The frame that was looked at last: the next entry mostly lies there, too. */
struct kept {
	uint64_t pa;
	const uint8_t *frame; /* NULL: none yet */
};

struct probe {
	struct ws_system *system;
	const struct ws_format *format; /* of the window that is looked through */
	struct memo *memo;              /* [level][address] */
	struct top *top;                /* [address] */
	size_t naddresses;
	struct interned *outcomes;
	uint32_t noutcomes;
	const struct ws_window *window;
	uint64_t root; /* its */
	struct kept kept[WS_MAX_LEVELS];
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

static enum ws_evidence keep_frame(struct probe *p, struct kept *kept, uint64_t pa)
{
	const uint8_t *frame;
	enum ws_evidence evidence =
		p->system->paging.frame(p->system->paging.opaque, pa, &frame);

	if (evidence == WS_READ)
		*kept = (struct kept){ pa & ~(uint64_t)(WS_FRAME_SIZE - 1), frame };
	return evidence;
}

/* The entry at pa, of a table of that level. */
static inline enum ws_evidence entry_at(struct probe *p, unsigned level, uint64_t pa,
					uint64_t *entry)
{
	struct kept *kept = &p->kept[level];
	enum ws_evidence evidence = WS_READ;

	if (!kept->frame || pa - kept->pa >= WS_FRAME_SIZE)
		evidence = keep_frame(p, kept, pa);
	if (evidence == WS_READ)
		*entry = ws_load_entry(kept->frame, pa, p->format->entry_log2);
	return evidence;
}

/* From now on addresses in that window are looked at. */
static void look_through(struct probe *p, const struct ws_window *window)
{
	p->window = window;
	p->format = window->format;
	p->root = window->root & p->format->root_mask;
}

static struct memo *memo_at(const struct probe *p, size_t a, unsigned level)
{
	return &p->memo[level * p->naddresses + a];
}

/* One level: true where it is known now what the address leads to, which is *outcome. */
static inline bool probe_level(struct probe *p, size_t a, uint64_t va, struct place *at)
{
	const struct ws_level *level = &p->format->level[at->level];
	uint64_t pa = at->table + (ws_level_index(level, va) << p->format->entry_log2);
	struct memo *memo = memo_at(p, a, at->level);
	const struct ws_row *row;
	uint64_t entry;
	enum ws_evidence evidence = entry_at(p, at->level, pa, &entry);

	if (evidence != WS_READ) {
		at->outcome = intern_end(p, ws_unread_end(evidence), at->level);
		return true;
	}
	if (memo->known && memo->entry == entry && memo->access == at->access) {
		at->outcome = memo->outcome;
		return true;
	}
	*memo = (struct memo){ entry, 0, at->access, true };
	row = ws_row_of(level, entry);
	at->level++;
	if (!row) {
		at->outcome =
			intern_end(p, ws_unmatched_end(p->format, entry), at->level - 1);
		return true;
	}
	at->access &= (uint8_t)~ws_row_denied(row, entry, at->access);
	at->table = ws_row_address(row, entry);
	if (row->kind == WS_ROW_LEAF)
		at->outcome = intern_page(p, at->level - 1, row, entry, va, at->access);
	return row->kind == WS_ROW_LEAF;
}

static uint32_t probe_afresh(struct probe *p, size_t a, uint64_t va)
{
	struct place at = { .table = p->root, .access = WS_ACCESS_ALL };

	if (!ws_translatable(p->format, va))
		return intern_end(p, WS_END_NONCANONICAL, 0);
	while (!probe_level(p, a, va, &at))
		continue;
	while (at.level)
		memo_at(p, a, --at.level)->outcome = at.outcome;
	if (p->memo[a].known)
		p->top[a] = (struct top){ p->memo[a].entry,
					  ws_level_index(&p->format->level[0], va)
						  << p->format->entry_log2,
					  p->memo[a].outcome };
	return at.outcome;
}

/*
 * Whether the space before had the same entry for an address at the top level, and what it
 * led to. An address has the same window in all spaces, so its memo is of one format: where
 * it has one, it can be translated. log2: of an entry; a constant where this is called.
 */
static inline bool recall(const struct probe *p, size_t a, unsigned log2,
			  uint32_t *outcome)
{
	const struct top *top = &p->top[a];
	uint64_t at = p->root + top->at - p->kept[0].pa;

	*outcome = top->outcome;
	return at < WS_FRAME_SIZE &&
	       ws_load_entry(p->kept[0].frame, at, log2) == top->entry;
}

/* The first of each space has to look for the root's frame, and goes the long way. */
static inline size_t probe_alike(struct probe *p, const uint64_t *addresses, size_t a,
				 size_t n, unsigned log2, uint32_t *cells)
{
	const uint64_t first = p->window->first, size = p->window->last - first;

	for (; a < n && addresses[a] - first <= size; a++)
		if (!recall(p, a, log2, &cells[a]))
			cells[a] = probe_afresh(p, a, addresses[a]);
	return a;
}

/* The addresses from a on that the window has; returns the first that it has not. */
static size_t probe_window(struct probe *p, const uint64_t *addresses, size_t a, size_t n,
			   uint32_t *cells)
{
	return p->format->entry_log2 == 3 ? probe_alike(p, addresses, a, n, 3, cells)
					  : probe_alike(p, addresses, a, n, 2, cells);
}

static void probe_space(struct probe *p, const struct ws_space *space,
			const uint64_t *addresses, size_t n, uint32_t *cells)
{
	const struct ws_window *window;
	struct ws_eye eye;

	ws_space_eye(p->system, space, &eye);
	for (size_t a = 0; a < n;) {
		window = ws_eye_window(&eye, addresses[a]);
		if (window) {
			look_through(p, window);
			a = probe_window(p, addresses, a, n, cells);
		} else {
			cells[a++] = intern_end(p, WS_END_NONCANONICAL, 0);
		}
	}
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
	struct probe p = { .system = system, .naddresses = naddresses };
	size_t ncells, size;
	enum ws_status status;

	*matrix = (struct ws_matrix){ .nspaces = nspaces, .naddresses = naddresses };
	if (__builtin_mul_overflow(nspaces, naddresses, &ncells))
		return ws_fail(system->ctx, WS_ERR_USAGE, "%s x %s are too many",
			       WS_COUNT_OF(nspaces, "space"),
			       WS_COUNT_OF(naddresses, "address"));
	if (!__builtin_mul_overflow(ncells, sizeof(*matrix->cell), &size))
		matrix->cell = ws_huge_alloc(size);
	p.memo = calloc(naddresses ? naddresses : 1, WS_MAX_LEVELS * sizeof(*p.memo));
	p.top = calloc(naddresses ? naddresses : 1, sizeof(*p.top));
	for (size_t a = 0; p.top && a < naddresses; a++)
		p.top[a].at = NOT_YET;
	if (matrix->cell && p.memo && p.top) {
		probe_spaces(&p, spaces, false, addresses, matrix);
		probe_spaces(&p, spaces, true, addresses, matrix);
	}
	matrix->outcome = calloc(p.noutcomes ? p.noutcomes : 1, sizeof(*matrix->outcome));
	matrix->noutcomes = p.noutcomes;
	give_outcomes(&p, matrix);
	free(p.top);
	free(p.memo);
	if (!matrix->cell || !p.memo || !p.top || !matrix->outcome || p.short_of_memory) {
		ws_matrix_release(matrix);
		return ws_fail_memory(system->ctx);
	}
	status = ws_target_looked(system->target, WS_OK);
	if (status)
		ws_matrix_release(matrix);
	return status;
}

void ws_matrix_release(struct ws_matrix *matrix)
{
	free(matrix->cell);
	free(matrix->outcome);
	*matrix = (struct ws_matrix){ 0 };
}
