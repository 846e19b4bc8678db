/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Coherence: every entry of the kernel half that a space holds privately, against the
 * one that init_mm has there. What lies below a shared entry is shared, and is not
 * looked at: the cost is spaces x private entries, whatever they map.
 */
#include "audit/lack.h"

#include <stdio.h>
#include <string.h>

#include "linux/roots.h"
#include "paging/format.h"

enum difference { SAME, MISSING, STALE, SHAPE, TARGET, RIGHTS };

/* clang-format off */
static const struct ws_rule rules[] = {
	[MISSING - 1] = {
		"coherence-missing", "coherence", "kernel mapping missing here", WS_ERROR,
		"init_mm maps this part of the kernel and this space does not. The first "
		"access from this space faults; whether that fault can be handled is what "
		"the verdict says.",
		"Synchronise the entry before the address is used: arch_sync_kernel_mappings() "
		"from the code that made the mapping, or map it before the space is forked.",
		"dtrace4linux 2012; x86-64 5beda7d54eaf (VMAP stacks), 6659d0279980 (2025); "
		"ARM32 44e9a3bb76e5 (2024)",
		WS_DIVERGES,
	},
	[STALE - 1] = {
		"coherence-stale", "coherence", "mapping here that init_mm gave up", WS_ERROR,
		"This space still maps what init_mm has unmapped. Nobody flushes it: the "
		"frames behind it may be anybody's by now, and reads and writes go there.",
		"Clear the entry in every space when the kernel's own is cleared, before its "
		"page table is freed.",
		"3f8fd02b1bf1 (2019): stale vmalloc entries on i386",
		WS_DIVERGES,
	},
	[SHAPE - 1] = {
		"coherence-shape", "coherence", "large page here, table there", WS_WARNING,
		"One of the two maps this range by a large page and the other by a table: a "
		"change of rights made to the one never reaches the other.",
		"Split or merge the range in every space at once, as __split_large_page() does "
		"along pgd_list.",
		"arch/x86/mm/pat/set_memory.c, __set_pmd_pte()",
		WS_COHERENT,
	},
	[TARGET - 1] = {
		"coherence-target", "coherence", "leads elsewhere than in init_mm", WS_ERROR,
		"Both map this range, to different frames: the space sees other memory than "
		"the kernel does.",
		"Copy init_mm's entry; find out who replaced a table without telling the "
		"other spaces.",
		"4819e15f740e (2021): the second allocator finds an entry present and does "
		"not synchronise",
		WS_DIVERGES,
	},
	[RIGHTS - 1] = {
		"coherence-rights", "coherence", "other rights than in init_mm", WS_ERROR,
		"The same memory with other rights or attributes: what is protected for the "
		"kernel is not protected here, or faults here only.",
		"Change rights through set_memory_*(), which walks pgd_list.",
		"41e71dbb0e0a (2024): entry text cloned with other rights into the user half",
		WS_DIVERGES,
	},
};
/* clang-format on */

/* Differences that are meant to be. Each cites the kernel source it rests on. */
static const struct {
	const char *region;
	const char *source;
} meant[] = {
	/* With PTI each mm maps its own LDT, and none maps init_mm's: there is none. */
	{ "LDT remap", "arch/x86/kernel/ldt.c, map_ldt_struct()" },
};

/* A run of neighbouring entries that differ in the same way. */
struct run {
	enum difference what;
	unsigned level;
	unsigned first, last; /* indices in the table */
	uint64_t va, va_last;
	uint64_t here, there; /* the first's entries */
};

struct comparison {
	struct ws_audit *audit;
	const struct ws_format *format;
	unsigned private_level;
	uint32_t space;
	uint64_t kernel_first;
	struct run run;
};

static bool is_meant(const struct comparison *c, uint64_t va)
{
	const char *region = ws_region_name(&c->audit->regions, va);

	if (!c->audit->system->layout.pti)
		return false;
	for (size_t i = 0; i < WS_ARRAY_SIZE(meant); i++)
		if (!strcmp(region, meant[i].region))
			return true;
	return false;
}

static void name_entries(const struct comparison *c, char *text, size_t size)
{
	const struct run *run = &c->run;
	const char *name = ws_level_entry_name(c->format, run->level);

	if (run->first == run->last)
		snprintf(text, size, "%s %u", name, run->first);
	else
		snprintf(text, size, "%ss %u to %u", name, run->first, run->last);
}

/* Whether the two grant other rights, or only differ in how they cache. */
static bool grant_alike(const struct comparison *c, const struct run *run)
{
	const struct ws_row *row = ws_row_of(&c->format->level[run->level], run->here);

	return row && ws_row_denied(row, run->here) == ws_row_denied(row, run->there);
}

static void tell_rights(struct comparison *c, const char *entries)
{
	const struct run *run = &c->run;
	struct ws_finding *finding;
	char here[96], there[96];

	ws_entry_describe(c->format, run->level, run->here, here, sizeof(here));
	ws_entry_describe(c->format, run->level, run->there, there, sizeof(there));
	finding = ws_found(c->audit, &rules[RIGHTS - 1], c->space, run->va, run->va_last,
			   "%s: %s here, %s in init_mm", entries, here, there);
	if (finding && grant_alike(c, run))
		finding->severity = WS_WARNING;
}

static void flush(struct comparison *c)
{
	const struct run *run = &c->run;
	char entries[64];

	if (run->what == SAME)
		return;
	name_entries(c, entries, sizeof(entries));
	if (run->what == RIGHTS)
		tell_rights(c, entries);
	else if (run->what == MISSING)
		ws_found(c->audit, &rules[MISSING - 1], c->space, run->va, run->va_last,
			 "%s empty here, present in init_mm (%#lx)", entries, run->there);
	else if (run->what == STALE)
		ws_found(c->audit, &rules[STALE - 1], c->space, run->va, run->va_last,
			 "%s present here (%#lx), empty in init_mm", entries, run->here);
	else
		ws_found(c->audit, &rules[run->what - 1], c->space, run->va, run->va_last,
			 "%s: %#lx here, %#lx in init_mm", entries, run->here,
			 run->there);
	c->run.what = SAME;
}

static void note(struct comparison *c, const struct run *next)
{
	struct run *run = &c->run;

	if (run->what == next->what && run->level == next->level &&
	    run->last + 1 == next->first && run->va_last + 1 == next->va) {
		run->last = next->last;
		run->va_last = next->va_last;
		return;
	}
	flush(c);
	*run = *next;
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

static void compare_tables(struct comparison *c, unsigned level, uint64_t here,
			   uint64_t there, uint64_t base);

static void compare_entries(struct comparison *c, unsigned level, struct run *at)
{
	const struct ws_level *rows = &c->format->level[level];
	const struct ws_row *row = ws_row_of(rows, at->here);

	at->what = differ(c, rows, at->here, at->there);
	if (at->what != SAME && is_meant(c, at->va))
		at->what = SAME;
	if (at->what == TARGET && row->kind == WS_ROW_TABLE && level < c->private_level)
		compare_tables(c, level + 1, ws_row_address(row, at->here),
			       ws_row_address(ws_row_of(rows, at->there), at->there),
			       at->va);
	else
		note(c, at);
}

static void compare_tables(struct comparison *c, unsigned level, uint64_t here,
			   uint64_t there, uint64_t base)
{
	const struct ws_paging *paging = &c->audit->system->paging;
	const struct ws_level *rows = &c->format->level[level];
	const uint8_t *ours, *theirs;

	(void)paging->frame(paging->opaque, here, &ours);
	(void)paging->frame(paging->opaque, there, &theirs);
	if (!theirs)
		ws_lack_frame(c->audit, c->space, there, "the %s of init_mm at %#lx",
			      rows->name, there);
	if (!ours)
		ws_lack_frame(c->audit, c->space, here, "its %s at %#lx", rows->name,
			      here);
	if (!ours || !theirs || here == there)
		return;
	for (unsigned i = 0; i < WS_BIT(rows->bits); i++) {
		uint64_t va =
			ws_canonical(c->format, base + ((uint64_t)i << rows->shift));
		uint64_t offset = (uint64_t)i << c->format->entry_log2;
		struct run at = { .level = level,
				  .first = i,
				  .last = i,
				  .va = va,
				  .va_last = va + (WS_BIT(rows->shift) - 1) };

		if (at.va_last < c->kernel_first)
			continue;
		at.here = ws_load_entry(ours, here + offset, c->format->entry_log2);
		at.there = ws_load_entry(theirs, there + offset, c->format->entry_log2);
		c->audit->work++;
		compare_entries(c, level, &at);
	}
	flush(c);
}

static enum ws_status run_coherence(struct ws_audit *audit)
{
	struct ws_system *system = audit->system;
	struct comparison c = { .audit = audit,
				.format = system->paging.format,
				.private_level = ws_private_level(system->paging.format),
				.kernel_first = system->layout.kernel_first };

	if (system->layout.consensus) /* half of the processes may be blind, or all */
		ws_lack_fact(
			audit, false,
			"init_mm's own page table, which was not found: mappings that "
			"it alone may have");
	for (c.space = 0; c.space < system->spaces.n; c.space++) {
		const struct ws_space *space = &system->spaces.v[c.space];

		if (ws_audited(audit, c.space))
			compare_tables(&c, 0, space->root, ws_reference_of(audit, space),
				       0);
	}
	return WS_OK;
}

const struct ws_family ws_coherence = {
	.name = "coherence",
	.rules = rules,
	.nrules = WS_ARRAY_SIZE(rules),
	.run = run_coherence,
};
