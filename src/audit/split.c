/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/split.h"

#include <stdlib.h>
#include <string.h>

#include "paging/format.h"

struct splitting {
	struct ws_splits *splits;
	struct ws_split *split;
	const struct ws_format *format;
	const struct ws_row *row; /* the large page's */
	uint8_t access;           /* so is this */
};

/* Bits that are compared in another way, or are nobody's choice. */
static uint64_t ruled_bits(const struct ws_format *format, const struct ws_row *row)
{
	uint64_t bits = format->touched | row->mask;

	for (const struct ws_denial *d = row->denials; d && d->mask; d++)
		bits |= d->mask;
	return bits;
}

static bool has_attribute(const struct ws_row *row, uint64_t entry, const char *name)
{
	for (const struct ws_attribute *a = row->attributes; a && a->name; a++)
		if (!strcmp(a->name, name))
			return entry & a->bit;
	return false;
}

/* By name: a large page has its PAT bit in another place than a small one. */
static bool has_attributes_of(const struct ws_format *format, const struct ws_row *row,
			      uint64_t entry, const struct ws_row *other,
			      uint64_t others_entry)
{
	uint64_t ruled = ruled_bits(format, other);

	for (const struct ws_attribute *a = other->attributes; a && a->name; a++)
		if (others_entry & a->bit & ~ruled && !has_attribute(row, entry, a->name))
			return false;
	return true;
}

static uint64_t page_pa(const struct ws_row *row, uint64_t entry, uint64_t va)
{
	return ws_row_address(row, entry) | (va & (WS_BIT(row->page_shift) - 1));
}

static enum ws_split_what differ(const struct splitting *s, const struct ws_row *row,
				 const struct ws_split_run *at, uint8_t access)
{
	uint64_t page = s->split->key.page;

	if (!row)
		return WS_SPLIT_HOLE;
	if (at->pa != page_pa(s->row, page, at->va))
		return WS_SPLIT_ELSEWHERE;
	if (access != s->access)
		return WS_SPLIT_RIGHTS;
	return has_attributes_of(s->format, row, at->entry, s->row, page) &&
			       has_attributes_of(s->format, s->row, page, row, at->entry)
		       ? WS_SPLIT_ALIKE
		       : WS_SPLIT_ATTRIBUTES;
}

static void note(struct splitting *s, const struct ws_split_run *next)
{
	struct ws_split *split = s->split;
	struct ws_split_run *run =
		split->runs.n ? &split->runs.v[split->runs.n - 1] : NULL;

	if (next->what == WS_SPLIT_ALIKE)
		return;
	if (run && run->what == next->what && run->level == next->level &&
	    run->last + 1 == next->first && run->va_last + 1 == next->va) {
		run->last = next->last;
		run->va_last = next->va_last;
		return;
	}
	run = ws_vec_push(&split->runs);
	if (run)
		*run = *next;
	else
		s->splits->audit->short_of_memory = true;
}

static void compare_table(struct splitting *s, unsigned level, uint64_t table,
			  uint64_t base, uint8_t access);

static void compare_entry(struct splitting *s, struct ws_split_run *at, uint8_t access)
{
	const struct ws_row *row = ws_row_of(&s->format->level[at->level], at->entry);

	if (row)
		access &= (uint8_t)~ws_row_denied(row, at->entry, access);
	if (row && row->kind == WS_ROW_TABLE) {
		compare_table(s, at->level + 1, ws_row_address(row, at->entry), at->va,
			      access);
		return;
	}
	at->pa = row ? page_pa(row, at->entry, at->va) : 0;
	at->what = differ(s, row, at, access);
	note(s, at);
}

static void compare_part(struct splitting *s, unsigned level,
			 const struct ws_table_part *part, const uint8_t *frame,
			 uint64_t base, uint8_t access)
{
	const struct ws_level *rows = &s->format->level[level];
	const uint8_t log2 = s->format->entry_log2;

	for (uint32_t i = 0; i < part->count; i++) {
		unsigned index = part->first + i;
		uint64_t va = base + ((uint64_t)index << rows->shift);
		struct ws_split_run at = { .level = level,
					   .first = index,
					   .last = index,
					   .va = va,
					   .va_last = va + (WS_BIT(rows->shift) - 1) };

		at.entry = ws_load_entry(frame, part->pa + ((uint64_t)i << log2), log2);
		compare_entry(s, &at, access);
	}
	s->splits->audit->work += part->count;
}

/* base: the va that the table's first entry rules. */
static void compare_table(struct splitting *s, unsigned level, uint64_t table,
			  uint64_t base, uint8_t access)
{
	const struct ws_paging *paging = &s->splits->audit->system->paging;
	struct ws_table_part part = { .pa = table };
	const uint8_t *frame;

	if (s->splits->ntables == WS_SPLIT_TABLES) {
		s->split->limited = true;
		return;
	}
	s->splits->ntables++;
	while (ws_table_next(s->format, level, &part)) {
		if (paging->frame(paging->opaque, part.pa, &frame) == WS_READ) {
			compare_part(s, level, &part, frame, base, access);
		} else if (!s->split->unread) {
			s->split->unread = true;
			s->split->unread_pa = part.pa;
		}
	}
}

static void compare(struct ws_splits *splits, struct ws_split *split)
{
	const struct ws_format *format = splits->audit->system->paging.format;
	const struct ws_level *rows = &format->level[split->key.level];
	const struct ws_row *table = ws_row_of(rows, split->key.table);
	struct splitting s = { .splits = splits,
			       .split = split,
			       .format = format,
			       .row = ws_row_of(rows, split->key.page),
			       .access = WS_ACCESS_ALL };

	s.access &= (uint8_t)~ws_row_denied(s.row, split->key.page, WS_ACCESS_ALL);
	compare_table(&s, (unsigned)split->key.level + 1,
		      ws_row_address(table, split->key.table), split->key.va,
		      (uint8_t)(WS_ACCESS_ALL &
				~ws_row_denied(table, split->key.table, WS_ACCESS_ALL)));
}

const struct ws_split *ws_split_of(struct ws_splits *splits, unsigned level, uint64_t va,
				   uint64_t page, uint64_t table)
{
	static const struct ws_split one_too_many = { .limited = true };
	const uint64_t touched = splits->audit->system->paging.format->touched;
	const struct ws_split_key key = { level, va, page & ~touched, table & ~touched };
	struct ws_split *split;

	HASH_FIND(hh, splits->seen, &key, sizeof(key), split);
	if (split)
		return split;
	if (splits->ntables == WS_SPLIT_TABLES)
		return &one_too_many;
	split = calloc(1, sizeof(*split));
	if (split) {
		split->key = key;
		HASH_ADD(hh, splits->seen, key, sizeof(key), split);
	}
	if (split && split->hh.tbl) {
		compare(splits, split);
		return split;
	}
	free(split);
	splits->audit->short_of_memory = true;
	return NULL;
}

void ws_splits_release(struct ws_splits *splits)
{
	struct ws_split *it, *next;

	HASH_ITER(hh, splits->seen, it, next)
	{
		HASH_DEL(splits->seen, it);
		ws_vec_release(&it->runs);
		free(it);
	}
}
