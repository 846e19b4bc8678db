/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Coherence: every entry of the kernel half that a space holds privately, against the
 * one that init_mm has there. What lies below a shared entry is shared, and is not
 * looked at: the cost is spaces x private entries, whatever they map. Only where one of
 * the two maps a page and the other leads to a table, the table is compared (split.h).
 */
#include "audit/lack.h"

#include <stdio.h>
#include <string.h>

#include "audit/arch.h"
#include "audit/damaged.h"
#include "audit/special.h"
#include "audit/split.h"
#include "linux/roots.h"
#include "paging/format.h"
#include "util/count.h"
#include "util/reference.h"

enum difference { SAME, MISSING, STALE, SHAPE, TARGET, RIGHTS };

/* clang-format off */
static const struct ws_rule rules[] = {
	[MISSING - 1] = {
		"coherence-missing", "coherence", "kernel mapping missing", WS_ERROR,
		"init_mm maps this part of the kernel and this space does not. The first "
		"access from this space faults; whether that fault can be handled is what "
		"the verdict says. Where the kernel itself repairs it (verdict heals), nothing "
		"fails, and it is a warning.",
		"Synchronise the entry in all page tables, from the code that made the mapping, "
		"before the address is used, or map it before the space is forked.",
		"dtrace4linux 2012; Linux 5beda7d54eaf (4.15, VMAP stacks), 44e9a3bb76e5 (2024), "
		"6659d0279980 (2025)",
		WS_DIVERGES,
	},
	[STALE - 1] = {
		"coherence-stale", "coherence", "stale mapping that init_mm no longer has", WS_ERROR,
		"This space still maps what init_mm has unmapped. Nothing flushes it: its page "
		"frames may be in other use by now, and reads and writes go there.",
		"Clear the entry in every space when the kernel's own is cleared, before its "
		"page table is freed.",
		"Linux 3f8fd02b1bf1 (2019): stale vmalloc entries",
		WS_DIVERGES,
	},
	[SHAPE - 1] = {
		"coherence-shape", "coherence", "mapped by another size of page than in init_mm",
		WS_INFO,
		"One of the two maps this range by a large page and the other by a table, "
		"which leads to the same memory with the same rights, page for page. Nothing "
		"differs by now, but a change made to the one never reaches the other.",
		"Split or merge the range in every space at once, as __split_large_page() does "
		"along pgd_list.",
		"Linux set_memory.c, __set_pmd_pte()",
		WS_COHERENT,
	},
	[TARGET - 1] = {
		"coherence-target", "coherence", "mapped to other memory than in init_mm", WS_ERROR,
		"Both map this range, to different page frames: this space has other memory "
		"there than the kernel.",
		"Copy init_mm's entry; find out what replaced a table without updating the "
		"other spaces.",
		"4819e15f740e (5.9): the second allocator finds an entry present and does "
		"not synchronise",
		WS_DIVERGES,
	},
	[RIGHTS - 1] = {
		"coherence-rights", "coherence", "other access rights than in init_mm", WS_ERROR,
		"The same memory, with other rights or attributes: what is protected in "
		"init_mm is not protected here, or it faults here only.",
		"Change rights through set_memory_*(), which walks pgd_list.",
		"41e71dbb0e0a (2024): entry text cloned with other rights into the user half",
		WS_DIVERGES,
	},
};
/* clang-format on */

/* A run of neighbouring entries that differ in the same way. */
struct run {
	enum difference what;
	unsigned level;
	unsigned first, last; /* indices in the table */
	uint64_t va, va_last;
	uint64_t here, there; /* the first's entries */
	bool granted_alike;   /* RIGHTS: they differ only in how they cache */
};

struct comparison {
	struct ws_audit *audit;
	const struct ws_format *format;
	unsigned private_level;
	uint32_t space;
	uint64_t kernel_first;
	struct run run;
	struct ws_splits splits;
};

/* Where isolated spaces have their own, init_mm has nothing that they lack. */
static bool is_meant(const struct comparison *c, uint64_t va)
{
	const struct ws_isolation *isolation = c->audit->arch->isolation;

	return c->audit->system->layout.pti && isolation &&
	       ws_lies_in(c->audit, va, isolation->own);
}

static void name_entries(const struct comparison *c, unsigned level, unsigned first,
			 unsigned last, char *text, size_t size)
{
	const char *name = ws_level_entry_name(c->format, level);
	int is_y = name[0] && name[strlen(name) - 1] == 'y'; /* "L1 entry" */

	if (first == last)
		snprintf(text, size, "%s %u", name, first);
	else
		snprintf(text, size, "%.*s%s %u to %u", (int)strlen(name) - is_y, name,
			 is_y ? "ies" : "s", first, last);
}

static void record_rights(struct comparison *c, const char *entries)
{
	const struct run *run = &c->run;
	struct ws_finding *finding;
	char here[96], there[96];

	ws_entry_describe(c->format, run->level, run->here, here, sizeof(here));
	ws_entry_describe(c->format, run->level, run->there, there, sizeof(there));
	finding = ws_found(c->audit, &rules[RIGHTS - 1], c->space, run->va, run->va_last,
			   "%s: %s here, %s in %s", entries, here, there,
			   ws_reference_words(&c->audit->system->layout));
	if (finding && run->granted_alike)
		finding->severity = WS_WARNING;
}

static void record_missing(struct comparison *c, const char *entries)
{
	const struct run *run = &c->run;
	char here[48] = "empty here";

	if (run->here)
		snprintf(here, sizeof(here), "not usable here (entry %#jx)", run->here);
	ws_found(c->audit, &rules[MISSING - 1], c->space, run->va, run->va_last,
		 "%s %s, present in %s (entry %#jx)", entries, here,
		 ws_reference_words(&c->audit->system->layout), run->there);
}

static void flush(struct comparison *c)
{
	const struct run *run = &c->run;
	char entries[64];

	if (run->what == SAME)
		return;
	name_entries(c, run->level, run->first, run->last, entries, sizeof(entries));
	if (run->what == RIGHTS)
		record_rights(c, entries);
	else if (run->what == MISSING)
		record_missing(c, entries);
	else if (run->what == STALE)
		ws_found(c->audit, &rules[STALE - 1], c->space, run->va, run->va_last,
			 "%s present here (entry %#jx), empty in init_mm", entries,
			 run->here);
	else
		ws_found(c->audit, &rules[run->what - 1], c->space, run->va, run->va_last,
			 "%s: %#jx here, %#jx in %s", entries, run->here, run->there,
			 ws_reference_words(&c->audit->system->layout));
	c->run.what = SAME;
}

static void note(struct comparison *c, const struct run *next)
{
	struct run *run = &c->run;

	if (run->what == next->what && run->level == next->level &&
	    run->granted_alike == next->granted_alike && run->last + 1 == next->first &&
	    run->va_last + 1 == next->va) {
		run->last = next->last;
		run->va_last = next->va_last;
		return;
	}
	flush(c);
	*run = *next;
}

/*
 * What most have stands in for init_mm's: that it has no entry which a space has shows
 * only that few have one, and they have it from init_mm.
 */
static bool is_known(const struct comparison *c, enum difference what)
{
	return what != STALE || !c->audit->system->layout.consensus;
}

/* Every bit that a row gives a meaning, but those that the processor sets by itself. */
static uint64_t meaningful(const struct ws_format *format, const struct ws_row *row)
{
	uint64_t bits = 0;

	for (const struct ws_attribute *a = row->attributes; a && a->name; a++)
		bits |= a->bit;
	return bits & ~format->touched;
}

static enum difference differ(const struct comparison *c, const struct ws_level *level,
			      uint64_t here, uint64_t there)
{
	const struct ws_row *a = ws_row_of(level, here), *b = ws_row_of(level, there);

	if (!a || !b)
		return a ? STALE : b ? MISSING : SAME;
	if (a->kind != b->kind)
		return SHAPE;
	if (ws_row_address(a, here) != ws_row_address(b, there))
		return TARGET;
	return (here ^ there) & meaningful(c->format, a) ? RIGHTS : SAME;
}

/* Whether the two grant other rights, or only differ in how they cache. */
static bool grant_alike(const struct comparison *c, const struct run *run)
{
	const struct ws_row *row = ws_row_of(&c->format->level[run->level], run->here);

	return row && ws_row_denied(row, run->here, WS_ACCESS_ALL) ==
			      ws_row_denied(row, run->there, WS_ACCESS_ALL);
}

/* ---- a large page against a table -------------------------------------------------- */

/* In that order: of a page that a table maps otherwise, by whose the large page is. */
static const enum difference split_differences[][2] = {
	[WS_SPLIT_HOLE] = { MISSING, STALE },
	[WS_SPLIT_ELSEWHERE] = { TARGET, TARGET },
	[WS_SPLIT_RIGHTS] = { RIGHTS, RIGHTS },
	[WS_SPLIT_ATTRIBUTES] = { RIGHTS, RIGHTS },
};

/* What a side says of its pages: "0x3ff4000", or "P R/W A D, below P R/W U/S A". */
#define SIDE 192

static void describe_pages(const struct comparison *c, const struct ws_split_run *run,
			   const struct ws_split_key *key, char text[static SIDE])
{
	char page[80], above[80];

	if (run->what == WS_SPLIT_ELSEWHERE) {
		snprintf(text, SIDE, "%#jx", run->pa);
		return;
	}
	ws_entry_describe(c->format, run->level, run->entry, page, sizeof(page));
	ws_entry_describe(c->format, (unsigned)key->level, key->table, above,
			  sizeof(above));
	snprintf(text, SIDE, "%s, below %s", page, above);
}

static void describe_large(const struct comparison *c, const struct ws_split_run *run,
			   const struct ws_split_key *key, char text[static SIDE])
{
	const struct ws_row *row = ws_row_of(&c->format->level[key->level], key->page);
	uint64_t offset = run->va & (WS_BIT(row->page_shift) - 1);

	if (run->what == WS_SPLIT_HOLE || run->what == WS_SPLIT_ELSEWHERE)
		snprintf(text, SIDE, "%#jx", ws_row_address(row, key->page) | offset);
	else
		ws_entry_describe(c->format, (unsigned)key->level, key->page, text, SIDE);
}

static void record_split(struct comparison *c, const struct run *at, bool large_here,
			 const struct ws_split_key *key, const struct ws_split_run *run)
{
	enum difference what = split_differences[run->what][large_here];
	char name[64], words[SIDE], large[SIDE + 128], pages[SIDE + 128], there[48];
	const char *place[] = { there, "here" };
	struct ws_finding *finding;

	if (!is_known(c, what))
		return;
	snprintf(there, sizeof(there), "in %s",
		 ws_reference_words(&c->audit->system->layout));
	name_entries(c, at->level, at->first, at->last, name, sizeof(name));
	describe_large(c, run, key, words);
	snprintf(large, sizeof(large), "%s maps a large page %s (%s)", name,
		 place[large_here], words);
	name_entries(c, run->level, run->first, run->last, name, sizeof(name));
	describe_pages(c, run, key, words);
	if (run->what == WS_SPLIT_HOLE)
		snprintf(pages, sizeof(pages), "%s empty %s", name, place[!large_here]);
	else
		snprintf(pages, sizeof(pages), "%s present %s (%s)", name,
			 place[!large_here], words);
	finding = ws_found(c->audit, &rules[what - 1], c->space, run->va, run->va_last,
			   "%s, %s", large_here ? large : pages,
			   large_here ? pages : large);
	if (finding && run->what == WS_SPLIT_ATTRIBUTES)
		finding->severity = WS_WARNING;
}

static void lack_split(struct comparison *c, const struct ws_split *split,
		       bool large_here)
{
	const char *reference = ws_reference_words(&c->audit->system->layout);

	if (split->unread)
		ws_lack_frame(c->audit, c->space, split->unread_pa,
			      large_here
				      ? "the table at %#jx, by which %s maps what is a "
					"large page here"
				      : "its table at %#jx, where %s has a large page",
			      split->unread_pa, reference);
	if (split->limited)
		ws_lack_fact_of(
			c->audit, c->space,
			"pages where it or %s has a large page and the other a table: %s "
			"were compared, and there are more",
			reference, WS_COUNT_OF(WS_SPLIT_TABLES, "table"));
}

/* Entries that differ in kind may translate alike, or not. */
static void compare_split(struct comparison *c, struct run *at)
{
	const struct ws_level *rows = &c->format->level[at->level];
	bool large_here = ws_row_of(rows, at->here)->kind == WS_ROW_LEAF;
	const struct ws_split *split;

	if (c->audit->limited) /* no finding could be added */
		return;
	split = ws_split_of(&c->splits, at->level, at->va,
			    large_here ? at->here : at->there,
			    large_here ? at->there : at->here);
	if (!split)
		return;
	lack_split(c, split, large_here);
	if (!split->runs.n && !split->unread && !split->limited)
		note(c, at);
	else
		flush(c);
	ws_vec_each(&split->runs, run)
		record_split(c, at, large_here, &split->key, run);
}

static void compare_tables(struct comparison *c, unsigned level, uint64_t here,
			   uint64_t there, uint64_t base);

static void compare_entries(struct comparison *c, unsigned level, struct run *at)
{
	const struct ws_level *rows = &c->format->level[level];
	const struct ws_row *row = ws_row_of(rows, at->here);

	at->what = differ(c, rows, at->here, at->there);
	if (at->what != SAME && (!is_known(c, at->what) || is_meant(c, at->va)))
		at->what = SAME;
	at->granted_alike = at->what == RIGHTS && grant_alike(c, at);
	if (at->what == SHAPE)
		compare_split(c, at);
	else if (at->what == TARGET && row->kind == WS_ROW_TABLE &&
		 level < c->private_level)
		compare_tables(c, level + 1, ws_row_address(row, at->here),
			       ws_row_address(ws_row_of(rows, at->there), at->there),
			       at->va);
	else
		note(c, at);
}

/*
 * A part of the space's table, whose first entry rules base, and the same of init_mm's.
 */
static void compare_parts(struct comparison *c, unsigned level,
			  const struct ws_table_part *here, uint64_t there, uint64_t base)
{
	const struct ws_paging *paging = &c->audit->system->paging;
	const struct ws_level *rows = &c->format->level[level];
	const uint8_t *ours, *theirs;

	(void)paging->frame(paging->opaque, here->pa, &ours);
	(void)paging->frame(paging->opaque, there, &theirs);
	if (!theirs)
		ws_lack_frame(c->audit, c->space, there, "the %s of init_mm at %#jx",
			      rows->name, there);
	if (!ours)
		ws_lack_frame(c->audit, c->space, here->pa, "its %s at %#jx", rows->name,
			      here->pa);
	if (!ours || !theirs || here->pa == there)
		return;
	for (uint32_t i = 0; i < here->count; i++) {
		uint64_t va =
			ws_canonical(c->format, base + ((uint64_t)i << rows->shift));
		uint64_t offset = (uint64_t)i << c->format->entry_log2;
		struct run at = { .level = level,
				  .first = here->first + i,
				  .last = here->first + i,
				  .va = va,
				  .va_last = va + (WS_BIT(rows->shift) - 1) };

		if (at.va_last < c->kernel_first ||
		    !ws_is_of_space(c->audit->system, at.va, at.va_last))
			continue;
		at.here = ws_load_entry(ours, here->pa + offset, c->format->entry_log2);
		at.there = ws_load_entry(theirs, there + offset, c->format->entry_log2);
		c->audit->work++;
		compare_entries(c, level, &at);
	}
}

static void compare_tables(struct comparison *c, unsigned level, uint64_t here,
			   uint64_t there, uint64_t base)
{
	struct ws_table_part part = { .pa = here };

	while (ws_table_next(c->format, level, &part))
		compare_parts(
			c, level, &part, there + (part.pa - here),
			base + ((uint64_t)part.first << c->format->level[level].shift));
	flush(c);
}

/* ---- the run ----------------------------------------------------------------------- */

static enum ws_status run_coherence(struct ws_audit *audit)
{
	struct ws_system *system = audit->system;
	struct comparison c = { .audit = audit,
				.format = system->paging.format,
				.private_level = ws_private_level(system->paging.format),
				.splits = { .audit = audit },
				.kernel_first = system->layout.kernel_first };

	ws_weigh_user_reference(audit);
	if (system->layout.consensus) /* half of the processes may be blind, or all */
		ws_lack_fact(
			audit, false,
			"init_mm's own page table, which was not found: mappings that "
			"it alone may have");
	for (c.space = 0; c.space < system->spaces.n; c.space++) {
		const struct ws_space *space = &system->spaces.v[c.space];

		if (space->perhaps_freed)
			ws_lack_fact_of(audit, c.space,
					"the task that runs in it, if one does: its page "
					"may have been freed");
		if (space->looks_damaged)
			ws_lack_root(audit, c.space);
		if (ws_has_tables(audit, c.space) && !ws_has_duties(audit, c.space))
			compare_tables(&c, 0, space->root, ws_reference_of(audit, space),
				       0);
	}
	ws_splits_release(&c.splits);
	return WS_OK;
}

const struct ws_family ws_coherence = {
	.name = "coherence",
	.rules = rules,
	.nrules = WS_ARRAY_SIZE(rules),
	.run = run_coherence,
};
