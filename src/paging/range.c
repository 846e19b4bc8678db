/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ranges: one descent over the tables serves runs and tables alike. Runs are coalesced
 * in one place (note) and handed out in one other (flush).
 */
#include "paging/format.h"

/* What 2 TiB of 4 KiB pages take; hostile tables are given up after some seconds. */
#define DEFAULT_MAX_TABLES (UINT64_C(1) << 20)

struct descent {
	const struct ws_paging *paging;
	uint64_t first, last;
	uint64_t tables_left;
	enum ws_status status; /* once it is not WS_OK the descent ends */
	bool stopped;          /* so it does when a callback has had enough */

	ws_table_fn *table_fn;
	ws_run_fn *run_fn;
	void *arg;
	unsigned flags;
	struct ws_run run; /* the run being gathered */
	bool open;         /* there is one */
};

/* Who stands at one entry: the va range it rules, cut to the range asked for. */
struct entry_at {
	unsigned level;
	uint64_t va, last;
	uint8_t access;
};

static void flush(struct descent *d)
{
	if (d->open && !d->stopped)
		d->stopped = !d->run_fn(d->arg, &d->run);
	d->open = false;
}

static bool continues(const struct descent *d, const struct ws_run *next)
{
	const struct ws_run *run = &d->run;

	return d->open && run->last + 1 == next->va && run->end == next->end &&
	       run->level == next->level && run->page_shift == next->page_shift &&
	       run->access == next->access &&
	       (!(d->flags & WS_RANGE_PHYSICAL) || run->end != WS_END_PAGE ||
		run->pa + (next->va - run->va) == next->pa);
}

static bool is_wanted(const struct descent *d, uint8_t end)
{
	return end == WS_END_PAGE || d->flags & WS_RANGE_HOLES ||
	       (d->flags & WS_RANGE_UNKNOWN && !ws_end_is_known(end));
}

static void note(struct descent *d, const struct ws_run *next)
{
	if (!d->run_fn)
		return;
	if (!is_wanted(d, next->end)) {
		flush(d);
		return;
	}
	if (continues(d, next)) {
		d->run.last = next->last;
		return;
	}
	flush(d);
	d->run = *next;
	d->open = true;
}

static void note_end(struct descent *d, const struct entry_at *at, enum ws_end end)
{
	note(d, &(struct ws_run){ .va = at->va,
				  .last = at->last,
				  .end = (uint8_t)end,
				  .level = (uint8_t)at->level });
}

static void note_page(struct descent *d, const struct entry_at *at,
		      const struct ws_row *row, uint64_t entry)
{
	uint64_t offset = at->va & (WS_BIT(row->page_shift) - 1);

	note(d, &(struct ws_run){ .va = at->va,
				  .last = at->last,
				  .pa = ws_row_address(row, entry) | offset,
				  .end = WS_END_PAGE,
				  .level = (uint8_t)at->level,
				  .page_shift = row->page_shift,
				  .access = at->access });
}

static void visit_table(struct descent *d, const struct entry_at *at, uint64_t table,
			uint64_t base);

static void visit_entry(struct descent *d, struct entry_at *at, uint64_t entry,
			uint64_t base)
{
	const struct ws_format *format = d->paging->format;
	const struct ws_row *row = ws_row_of(&format->level[at->level], entry);

	if (!row) {
		note_end(d, at, ws_unmatched_end(format, entry));
		return;
	}
	at->access &= (uint8_t)~ws_row_denied(row, entry, at->access);
	if (row->kind == WS_ROW_LEAF) {
		note_page(d, at, row, entry);
		return;
	}
	at->level++;
	visit_table(d, at, ws_row_address(row, entry), base);
}

/* Counts and reports a table; false where the descent must not go in. */
static bool enter_table(struct descent *d, const struct entry_at *at, uint64_t table,
			uint64_t base)
{
	if (!d->tables_left) {
		d->status = WS_ERR_LIMIT;
		return false;
	}
	d->tables_left--;
	return !d->table_fn || d->table_fn(d->arg, table, at->level, base);
}

/* base is the va that the table's entry 0 rules. */
static void visit_table(struct descent *d, const struct entry_at *at, uint64_t table,
			uint64_t base)
{
	const struct ws_format *format = d->paging->format;
	const struct ws_level *level = &format->level[at->level];
	enum ws_evidence evidence = WS_ABSENT;
	const uint8_t *frame = NULL;

	if (!enter_table(d, at, table, base))
		return;
	/*
	 * The last level leads to no table: its frame is only touched, so that whoever
	 * remembers what a tour rests on (ws_target_record) learns of it.
	 */
	if (!d->run_fn && at->level + 1u == format->nlevels) {
		(void)d->paging->frame(d->paging->opaque, table, &frame);
		return;
	}
	for (uint64_t i = 0; i < WS_BIT(level->bits); i++) {
		uint64_t entry_pa = table + (i << format->entry_log2);
		uint64_t va = ws_canonical(format, base + (i << level->shift));
		uint64_t last = va + (WS_BIT(level->shift) - 1);
		struct entry_at child = { .level = at->level,
					  .va = va > d->first ? va : d->first,
					  .last = last < d->last ? last : d->last,
					  .access = at->access };

		if (last < d->first || va > d->last)
			continue;
		if (!frame || !(entry_pa & (WS_FRAME_SIZE - 1)))
			evidence = d->paging->frame(d->paging->opaque, entry_pa, &frame);
		if (evidence == WS_READ)
			visit_entry(d, &child,
				    ws_load_entry(frame, entry_pa, format->entry_log2),
				    va);
		else
			note_end(d, &child, ws_unread_end(evidence));
		if (d->stopped || d->status != WS_OK)
			return;
	}
}

static void visit_part(struct descent *d, uint64_t root, uint64_t first, uint64_t last)
{
	struct entry_at top = { .access = WS_ACCESS_ALL };

	if (first > last || d->stopped || d->status != WS_OK)
		return;
	d->first = first;
	d->last = last;
	visit_table(d, &top, root & d->paging->format->root_mask,
		    ws_root_base(d->paging->format, first));
}

/* The part between the halves of a canonical format: nothing is translated there. */
static void note_gap(struct descent *d, uint64_t first, uint64_t last)
{
	if (first <= last)
		note(d, &(struct ws_run){
				.va = first, .last = last, .end = WS_END_NONCANONICAL });
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void visit_halves(struct descent *d, uint64_t root, uint64_t first, uint64_t last)
{
	const struct ws_format *format = d->paging->format;
	uint64_t top = ~UINT64_C(0) >> (64 - format->va_bits);

	if (format->canonical) {
		uint64_t low_last = top >> 1, high_first = ~low_last;

		visit_part(d, root, first, min64(last, low_last));
		note_gap(d, max64(first, low_last + 1), min64(last, high_first - 1));
		visit_part(d, root, max64(first, high_first), last);
	} else {
		visit_part(d, root, first, min64(last, top));
	}
}

static enum ws_status descend(struct descent *d, uint64_t root, uint64_t first,
			      uint64_t last)
{
	visit_halves(d, root, first, last);
	if (d->run_fn)
		flush(d);
	return d->status;
}

enum ws_status ws_range(const struct ws_paging *paging, uint64_t root, uint64_t first,
			uint64_t last, unsigned flags, uint64_t max_tables, ws_run_fn *fn,
			void *arg)
{
	struct descent d = { .paging = paging,
			     .tables_left = max_tables ? max_tables : DEFAULT_MAX_TABLES,
			     .run_fn = fn,
			     .arg = arg,
			     .flags = flags };

	return descend(&d, root, first, last);
}

/* The part of [first, last] that a window has, from its root. */
static void visit_window(struct descent *d, struct ws_paging *through,
			 const struct ws_window *window, uint64_t first, uint64_t last)
{
	through->format = window->format;
	visit_halves(d, window->root, max64(first, window->first),
		     min64(last, window->last));
}

enum ws_status ws_eye_range(const struct ws_paging *paging, const struct ws_eye *eye,
			    uint64_t first, uint64_t last, unsigned flags,
			    uint64_t max_tables, ws_run_fn *fn, void *arg)
{
	struct ws_paging through = *paging;
	struct descent d = { .paging = &through,
			     .tables_left = max_tables ? max_tables : DEFAULT_MAX_TABLES,
			     .run_fn = fn,
			     .arg = arg,
			     .flags = flags };

	if (!paging->format->canonical)
		last = min64(last, ~UINT64_C(0) >> (64 - paging->format->va_bits));
	for (unsigned i = 0; i < eye->nwindows && first <= last; i++) {
		const struct ws_window *window = &eye->window[i];

		if (window->last < first || window->first > last)
			continue;
		if (window->first > first)
			note_gap(&d, first, window->first - 1);
		visit_window(&d, &through, window, first, last);
		if (window->last >= last) {
			flush(&d);
			return d.status;
		}
		first = window->last + 1;
	}
	note_gap(&d, first, last);
	flush(&d);
	return d.status;
}

enum ws_status ws_tables(const struct ws_paging *paging, uint64_t root, uint64_t first,
			 uint64_t last, uint64_t max_tables, ws_table_fn *fn, void *arg)
{
	struct descent d = { .paging = paging,
			     .tables_left = max_tables ? max_tables : DEFAULT_MAX_TABLES,
			     .table_fn = fn,
			     .arg = arg };

	return descend(&d, root, first, last);
}
