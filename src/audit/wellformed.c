/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Well-formedness: whether tables are what a processor takes them for. Each distinct
 * table is looked at once; what is wrong with it is reported of the space where it was
 * met, and is true of all that share it.
 */
#include <stdio.h>
#include <string.h>

#include "audit/arch.h"
#include "audit/lack.h"
#include "audit/tour.h"
#include "linux/census.h"
#include "linux/pages.h"
#include "linux/roots.h"
#include "linux/stacks.h"
#include "util/hash.h"

enum { RESERVED, OUTSIDE, LEVELS, LOOP, STACK, FREED, SPECULATION };

/* clang-format off */
static const struct ws_rule rules[] = {
	[RESERVED] = {
		"wellformed-reserved", "well-formed", "reserved bits set", WS_ERROR,
		"An entry is present and has bits set that must be 0. Each access through it "
		"is a fault, which the kernel reports as a corrupted page table, and it dies "
		"of it.",
		"Find out who wrote to the table: such an entry is mostly data of something else.",
		"Linux fault.c, pgtable_bad(): \"Corrupted page table\"",
		WS_DIVERGES,
	},
	[OUTSIDE] = {
		"wellformed-outside", "well-formed", "page table outside memory", WS_ERROR,
		"An entry leads to a table where there is no memory. The processor reads all "
		"ones there, or whatever a device answers, and goes on with that.",
		"Find out who wrote to the table: such an entry is mostly data of something else.",
		"Linux mm/pgtable-generic.c, pmd_clear_bad(): \"bad pmd\"",
		WS_DIVERGES,
	},
	[LEVELS] = {
		"wellformed-levels", "well-formed", "table used at two levels", WS_ERROR,
		"One frame is a table at two levels. The entries that are right for the one "
		"mean other addresses at the other, so whoever changes a mapping changes two.",
		"Linux never does this: look for a table that was freed while it was in use, "
		"and has been given out again.",
		"Linux eb66ae030829 (2018, CVE-2018-18281): pages given out again while a "
		"processor still went through them",
		WS_DIVERGES,
	},
	[LOOP] = {
		"wellformed-loop", "well-formed", "table that leads to itself", WS_ERROR,
		"A walk returns to a table that it has already used. The tables are then "
		"mapped as memory, with the rights of that walk.",
		"Linux has no such map (Windows has): find out who wrote the entry.",
		"Economou and Nissim, \"Getting Physical\" (2016): self-referencing entries as "
		"a way to write to page tables",
		WS_DIVERGES,
	},
	[STACK] = {
		"wellformed-stack", "well-formed", "page table in use as a stack", WS_FATAL,
		"A kernel stack lies in a frame that is a page table of some space: what is "
		"pushed becomes entries, and the next walk goes where they say.",
		"If a processor's stack pointer is there, its stack has overflowed: look for "
		"nested faults. If a task's stack lies there, the frame was given out twice.",
		"dtrace4linux 2012: nested page faults ran their stack through page tables "
		"until the machine was reset",
		WS_DIVERGES,
	},
	[FREED] = {
		"wellformed-freed", "well-formed", "page table in a freed page", WS_ERROR,
		"The page allocator has the frame of a table that is in use as free. Whoever is "
		"given the page next writes entries by writing data, and a processor, or a device "
		"that shares the tables, goes where they say.",
		"Look for who freed the table before its entry was cleared and everybody's "
		"translations of it were flushed.",
		"CVE-2025-71089: kernel page tables freed while an IOMMU still went through them",
		WS_DIVERGES,
	},
	[SPECULATION] = {
		"wellformed-open-hole", "well-formed", "entry that is not present and leads to memory",
		WS_WARNING,
		"An entry of the kernel's tables is not present, and the address in it is one of "
		"memory. A processor that is open to the L1 terminal fault reads that memory "
		"from its cache by speculation, whatever rights there are.",
		"Invert the address bits of what is made not present, as pfn_pte() does, "
		"and never clear the present bit by itself.",
		"6b28baca9b1f (2018, CVE-2018-3620); KFENCE cleared the bit by itself until 2026",
		WS_COHERENT,
	},
};
/* clang-format on */

/* A frame that serves as a table: as what, and where it was met first. */
struct known {
	uint64_t pa;
	uint64_t va;
	uint32_t space;
	uint8_t level;
	uint8_t access; /* what was inherited when it was met */
	bool noted;     /* that it is something else too */
	UT_hash_handle hh;
};

/* A terabyte of large pages; more is made by hostile memory. */
#define LARGE_MAX (1u << 19)

struct looking {
	struct ws_audit *audit;
	struct known *known, *last;
	struct ws_frame_set users; /* 4 KiB pages that user mode may write */
	ws_spans users_large;      /* and larger ones */
};

/* Which table it is says the trail: spaces that are alike are to be reported alike. */
static void found(struct looking *l, unsigned rule, const struct ws_entry_at *at,
		  const char *why)
{
	const struct ws_format *format = l->audit->system->paging.format;
	char modules[WS_MODULES_TEXT];

	ws_modules_there(l->audit->system, at->va, at->last, modules);
	ws_found(l->audit, &rules[rule], at->space, at->va, at->last, "%s %u, %#jx, %s%s",
		 ws_level_entry_name(format, at->level), at->index, at->entry, why,
		 modules);
}

/* ---- one entry -------------------------------------------------------------------- */

static void look_for_reserved(struct looking *l, const struct ws_entry_at *at)
{
	const struct ws_paging *paging = &l->audit->system->paging;
	uint64_t bits = at->row ? ws_reserved_bits(paging, at->row, at->entry) : 0;
	char why[64];

	if (at->row && !bits)
		return;
	snprintf(why, sizeof(why), "has reserved bits %#jx set", bits);
	found(l, RESERVED, at, at->row ? why : "is no valid entry");
}

/*
 * What a space's own entry leads to decides there. Below the private level of the
 * kernel's half the tour comes once for all the spaces that share the table.
 */
static void lacks_table(struct looking *l, const struct ws_entry_at *at)
{
	const struct ws_system *system = l->audit->system;
	const struct ws_format *format = system->paging.format;
	bool is_shared = at->va >= system->layout.kernel_first &&
			 at->level > ws_private_level(format);

	(at->va < system->layout.kernel_first ? ws_lack_user_table : ws_lack_frame)(
		l->audit, is_shared ? WS_NO_SPACE : at->space, at->address,
		"the %s at %#jx, which maps %#jx to %#jx",
		ws_level_name(format, at->level + 1u), at->address, at->va, at->last);
}

/* Where it is the firmware's, Linux gives the first frame to nobody. */
static bool is_first_frame(struct looking *l, const struct ws_entry_at *at)
{
	if (at->address || !l->audit->arch->first_frame_unused)
		return false;
	found(l, OUTSIDE, at,
	      "leads to a table at 0, a frame that the kernel never uses");
	return true;
}

/* True where the table is in memory. Below memory's end it may have been left out. */
static bool look_for_outside(struct looking *l, const struct ws_entry_at *at)
{
	uint8_t scratch[WS_FRAME_SIZE];
	const uint8_t *frame;
	char why[96];

	if (is_first_frame(l, at))
		return false;
	if (ws_peek_table(l->audit->system, at->address, scratch, &frame) == WS_READ)
		return true;
	if (at->address < ws_memory_end(l->audit)) {
		lacks_table(l, at);
		return false;
	}
	snprintf(why, sizeof(why), "leads to a table at %#jx, beyond the end of memory",
		 at->address);
	found(l, OUTSIDE, at, why);
	return false;
}

/* The table among those that the walk came through: its level, or -1. */
static int level_above(const struct ws_entry_at *at)
{
	for (const struct ws_entry_at *up = at; up; up = up->above)
		if (up->table / WS_FRAME_SIZE == at->address / WS_FRAME_SIZE)
			return up->level;
	return -1;
}

static struct known *know(struct looking *l, uint64_t pa, uint32_t space, uint8_t level,
			  uint64_t va, uint8_t access)
{
	struct known *known;

	HASH_FIND(hh, l->known, &pa, sizeof(pa), known);
	if (known)
		return known;
	known = calloc(1, sizeof(*known));
	if (known) {
		*known = (struct known){ .pa = pa,
					 .va = va,
					 .space = space,
					 .level = level,
					 .access = access };
		HASH_ADD(hh, l->known, pa, sizeof(pa), known);
	}
	if (known && known->hh.tbl)
		return known;
	free(known);
	l->audit->short_of_memory = true;
	return NULL;
}

/*
 * A table that is something else has been reported; what it leads to comes of that. One
 * that is met again with other rights is no other table.
 */
static bool is_known(struct looking *l, const struct ws_entry_at *at)
{
	uint8_t inherited = at->above ? at->above->access : WS_ACCESS_ALL;
	uint64_t pa = at->table & -(uint64_t)WS_FRAME_SIZE;
	struct known *known;

	if (!l->last || l->last->pa != pa) { /* entries come table by table */
		HASH_FIND(hh, l->known, &pa, sizeof(pa), known);
		l->last = known;
	}
	return !l->last || l->last->level != at->level || l->last->access != inherited;
}

static void look_for_loop(struct looking *l, const struct ws_entry_at *at)
{
	const struct ws_format *format = l->audit->system->paging.format;
	uint8_t level = (uint8_t)(at->level + 1);
	struct known *known = know(l, at->address, at->space, level, at->va, at->access);
	int above = level_above(at);
	char why[192];

	if (!known || known->level == level || known->noted)
		return;
	known->noted = true;
	if (above >= 0) {
		snprintf(why, sizeof(why), "leads back to %#jx, the %s it came from",
			 at->address, ws_level_name(format, (unsigned)above));
		found(l, LOOP, at, why);
		return;
	}
	snprintf(why, sizeof(why),
		 "makes a %s of %#jx, which is a %s of %.32s (%u) too, at %#jx",
		 ws_level_name(format, level), at->address,
		 ws_level_name(format, known->level),
		 l->audit->system->spaces.v[known->space].comm,
		 l->audit->system->spaces.v[known->space].pid, known->va);
	found(l, LEVELS, at, why);
}

/* What user mode may write is kept, to be held against tables when all are known. */
static void keep_users(struct looking *l, const struct ws_entry_at *at)
{
	if (!at->row || at->row->kind != WS_ROW_LEAF || !(at->access & WS_USER_WRITE))
		return;
	if (at->last - at->va < WS_FRAME_SIZE)
		ws_frame_set_add(&l->users, at->address);
	else if (l->users_large.n < LARGE_MAX &&
		 !ws_spans_add(&l->users_large, at->address,
			       at->address + (at->last - at->va), at->va))
		l->audit->short_of_memory = true;
}

static void look(void *arg, const struct ws_entry_at *at)
{
	struct looking *l = arg;

	keep_users(l, at);
	if (is_known(l, at))
		return;
	look_for_reserved(l, at);
	if (at->row && at->row->kind == WS_ROW_TABLE && look_for_outside(l, at))
		look_for_loop(l, at);
}

/* Of what is not present only the kernel's is looked at: in it is what all share. */
static void look_at_hole(void *arg, const struct ws_entry_at *at)
{
	struct looking *l = arg;
	const struct ws_system *system = l->audit->system;
	uint64_t address =
		at->entry & ws_address_bits(&system->paging.format->level[at->level]);

	if (address && at->va >= system->layout.kernel_first && !is_known(l, at) &&
	    ws_target_piece(system->target, address))
		found(l, SPECULATION, at, "is not present, and leads to memory");
}

/* Roots are known before any table is: one that is met again is no table. */
static void look_at_root(struct looking *l, uint32_t space)
{
	const struct ws_system *system = l->audit->system;
	uint64_t root = system->spaces.v[space].root;
	const uint8_t *frame;

	know(l, root & -(uint64_t)WS_FRAME_SIZE, space, 0, 0, WS_ACCESS_ALL);
	if (system->paging.frame(system->paging.opaque, root, &frame) == WS_READ)
		return;
	if (root < ws_memory_end(l->audit))
		ws_lack_frame(l->audit, space, root, "its root at %#jx", root);
	else /* no processor runs there: who says so, its mm or a table, is damaged */
		ws_lack_fact_of(l->audit, space,
				"its root: %#jx, which is said to be it, lies beyond the "
				"end of memory",
				root);
}

/* ---- stacks ------------------------------------------------------------------------ */

static void look_at_stack(struct looking *l, uint32_t space, uint64_t va,
			  const char *whose)
{
	const struct ws_system *system = l->audit->system;
	struct ws_trail trail;
	struct known *known;
	uint64_t pa;

	if (system->spaces.v[space].looks_damaged)
		return;
	ws_space_walk(system, &system->spaces.v[space], va, &trail);
	if (trail.end != WS_END_PAGE)
		return;
	pa = trail.pa & ~(uint64_t)(WS_FRAME_SIZE - 1);
	HASH_FIND(hh, l->known, &pa, sizeof(pa), known);
	if (known)
		ws_found(l->audit, &rules[STACK], space, va, va | (WS_FRAME_SIZE - 1),
			 "%s at %#jx lies in the frame %#jx, which is a %s of %.32s (%u)",
			 whose, va, pa,
			 ws_level_name(system->paging.format, known->level),
			 system->spaces.v[known->space].comm,
			 system->spaces.v[known->space].pid);
}

/* Where the next push goes, in the kernel: SP may be the end of the frame above. */
static void look_at_processor(struct looking *l, size_t index)
{
	const struct ws_system *system = l->audit->system;
	const struct ws_cpu *cpu = &system->target->cpus.v[index];
	uint64_t root, sp;
	char whose[48];

	if (!ws_system_cpu_root(system, cpu, &root) || !cpu->arch->kernel_sp(cpu, &sp) ||
	    sp < system->layout.kernel_first)
		return;
	snprintf(whose, sizeof(whose), "the stack that cpu %zu is on", index);
	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (system->spaces.v[i].root == root && ws_has_tables(l->audit, i))
			look_at_stack(l, i, sp - system->layout.word, whose);
}

static enum ws_status look_at_tasks(struct looking *l)
{
	struct ws_system *system = l->audit->system;
	ws_stack_vec stacks = { 0 };
	enum ws_status status;

	if (system->no_task_list) /* stacks.c: where they lie is a guess */
		return WS_OK;
	status = ws_find_stacks(system, &stacks);

	ws_vec_each(&stacks, stack) {
		const struct ws_task *task = &system->tasks.v[stack->task];
		uint32_t space = task->space == WS_NO_SPACE ? ws_init_space(l->audit)
							    : task->space;
		char whose[64];

		snprintf(whose, sizeof(whose), "the kernel stack of %u %s", task->pid,
			 task->comm);
		for (uint64_t at = 0; at < stack->size; at += WS_FRAME_SIZE)
			look_at_stack(l, space, stack->va + at, whose);
	}
	ws_vec_release(&stacks);
	return status;
}

/* ---- freed frames ------------------------------------------------------------------ */

/* Struct pages are read in their order, each once. */
static int by_pa(const struct known *a, const struct known *b)
{
	return (a->pa > b->pa) - (a->pa < b->pa);
}

/* What the allocator has as free, where it says so; a root of which that is known already
 * is no space's that is looked at. */
static void look_for_freed(struct looking *l)
{
	struct ws_system *system = l->audit->system;
	struct ws_page_books books;
	struct known *it, *next;

	if (!ws_page_books_open(system, &books))
		return;
	HASH_SORT(l->known, by_pa);
	HASH_ITER(hh, l->known, it, next)
	{
		const struct ws_space *space = &system->spaces.v[it->space];

		if (!space->perhaps_freed && ws_page_is_free(system, &books, it->pa))
			ws_found(l->audit, &rules[FREED], it->space, it->va, it->va,
				 "the %s at %#jx lies in a page that has been freed",
				 ws_level_name(system->paging.format, it->level), it->pa);
	}
}

/* ---- the run ----------------------------------------------------------------------- */

static void look_at_tables(struct looking *l)
{
	struct ws_tour tour = { .audit = l->audit,
				.fn = look,
				.hole = l->audit->arch->reads_past_holes ? look_at_hole
									 : NULL,
				.arg = l,
				.rights = WS_USER_WRITE };
	const struct ws_system *system = l->audit->system;

	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (ws_has_tables(l->audit, i))
			look_at_root(l, i);
	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (ws_has_tables(l->audit, i))
			ws_tour_space(&tour, i);
	ws_tour_release(&tour);
}

static uint64_t size_of(const struct looking *l, const struct known *table)
{
	const struct ws_format *format = l->audit->system->paging.format;

	return UINT64_C(1) << (format->level[table->level].bits + format->entry_log2);
}

/* Leaves the frames to the audit, and forgets what else was known of them. */
static void give_tables(struct looking *l)
{
	ws_spans *tables = &l->audit->tables;
	struct known *it, *next;

	tables->n = 0;
	ws_spans_sort(&l->users_large);
	HASH_ITER(hh, l->known, it, next)
	{
		l->audit->users_tables |= ws_frame_set_has(&l->users, it->pa) ||
					  ws_spans_meet(&l->users_large, it->pa, it->pa);
		if (!ws_spans_add(tables, it->pa, it->pa + size_of(l, it) - 1, it->va))
			l->audit->short_of_memory = true;
		HASH_DEL(l->known, it);
		free(it);
	}
	ws_spans_sort(tables);
}

static enum ws_status run_wellformed(struct ws_audit *audit)
{
	struct looking l = { .audit = audit };
	enum ws_status status;

	if (!ws_frame_set_init(&l.users, audit->system->target))
		return ws_fail_memory(audit->ctx);
	look_at_tables(&l);
	look_for_freed(&l);
	status = look_at_tasks(&l);
	for (size_t i = 0; i < audit->system->target->cpus.n; i++)
		look_at_processor(&l, i);
	give_tables(&l);
	ws_frame_set_release(&l.users);
	ws_vec_release(&l.users_large);
	return status;
}

const struct ws_family ws_wellformed = {
	.name = "well-formed",
	.rules = rules,
	.nrules = WS_ARRAY_SIZE(rules),
	.about_tables = true,
	.run = run_wellformed,
};
