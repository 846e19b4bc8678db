/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protection: what the rights of pages add up to. Rights are effective ones, those that
 * every level of a walk grants: i386's kernel PDEs say "user" and mean nothing by it.
 * Each distinct table is looked at once, however many spaces share it.
 */
#include <stdio.h>
#include <string.h>

#include "audit/arch.h"
#include "audit/needs.h"
#include "audit/tour.h"
#include "linux/roots.h"
#include "linux/users_pages.h"

enum {
	USER,
	HIDDEN,
	USER_TABLE,
	ALIASED_TABLE,
	WRITE_EXECUTE,
	CODE,
	WIDE,
	NRUNS, /* what a tour gathers ends here */
	READ_ONLY = NRUNS,
	NO_NX,
};

/* clang-format off */
static const struct ws_rule rules[] = {
	[USER] = {
		"protection-user", "protection", "kernel page that user mode can reach", WS_ERROR,
		"User mode can read this kernel memory without a system call, and write or "
		"execute it where the entries grant that too.",
		"Take user mode's right from the entry that maps it (`whosees walk' shows which), "
		"and find out who gave it there and in the entries above.",
		"CVE-2018-1038 (Windows 7): one top-level entry that user mode might use opened all "
		"page tables to every process",
		WS_LEAKS,
	},
	[HIDDEN] = {
		"protection-user-hidden", "protection",
		"kernel page that only page-table isolation hides", WS_WARNING,
		"Every entry of the walk grants user mode access to an address in the kernel's "
		"half. User mode runs with other tables (PTI), which do not have it: nothing "
		"leaks, but nothing else stands in the way.",
		"Take user mode's right from the entry that maps it (`whosees walk' shows which), "
		"and find out who gave it there and in the entries above.",
		"Linux Documentation, pti.rst: both halves map user memory; the kernel's "
		"is never loaded in user mode",
		WS_COHERENT,
	},
	[USER_TABLE] = {
		"protection-user-table", "protection", "page table that user mode can write",
		WS_ERROR,
		"A page that user mode may write is a page table. A process that writes its "
		"entries can map, read and write all of memory.",
		"Look for a frame that was freed as a table while it was in use, or freed as a "
		"page while it was mapped.",
		"Seaborn and Dullien 2015: rowhammer, used to make a page table writable for its "
		"own process",
		WS_LEAKS,
	},
	[ALIASED_TABLE] = {
		"protection-table-alias", "protection",
		"page table writable at a second address", WS_WARNING,
		"The kernel writes to page tables through the direct map (its image, or pkmap "
		"and fixmap for tables in highmem). This one can be written at another address "
		"too, where something else takes it for memory of its own.",
		"Find out who mapped the frame: it may have been given out twice.",
		"Linux Kconfig, HIGHPTE, has the one other way that is meant",
		WS_COHERENT,
	},
	[WRITE_EXECUTE] = {
		"protection-wx", "protection", "writable and executable", WS_WARNING,
		"A stray or malicious write here changes code that the kernel runs.",
		"set_memory_ro() on code and set_memory_nx() on data; CONFIG_STRICT_KERNEL_RWX "
		"and CONFIG_STRICT_MODULE_RWX do it for image and modules.",
		"Linux e1a58320a38d (2015): CONFIG_DEBUG_WX warns of the same at boot",
		WS_COHERENT,
	},
	[NO_NX] = {
		"protection-no-nx", "protection", "all kernel memory is executable", WS_INFO,
		"The format could take away the right to execute, and no entry of the kernel's "
		"does: the processor has no NX, or it is switched off.",
		"Switch it on: firmware's setting (XD, NX, DEP), and no noexec=off.",
		"Linux ae84739c27b6 (2010): firmware that hides NX is overruled",
		WS_COHERENT,
	},
	[CODE] = {
		"protection-code-alias", "protection", "kernel code writable at a second address", WS_WARNING,
		"The kernel executes these frames at one address, where they are read-only, and "
		"can write them at another.",
		"set_memory_ro() changes the direct map's alias too: use it, and not a PTE "
		"written by hand.",
		"Kemerlis, Polychronakis and Keromytis 2014, \"ret2dir\": what the direct map's "
		"aliases are good for",
		WS_COHERENT,
	},
	[WIDE] = {
		"protection-pti-wide", "protection", "user half maps more of the kernel than entry needs", WS_ERROR,
		"With PTI, user mode runs with tables that have of the kernel only what it takes "
		"to get in: entry text, cpu_entry_area, and what lies there. This page is none "
		"of these; a processor with Meltdown lets user mode read it.",
		"Find out who copied the entry: pti_clone_pgtable() has few callers.",
		"Linux c40a56a7818c (2018): freed parts of the image stayed mapped in the user "
		"half",
		WS_LEAKS,
	},
	[READ_ONLY] = {
		"protection-read-only", "protection", "read-only in init_mm, writable here",
		WS_ERROR,
		"A part of the kernel image that init_mm maps read-only can be written in this "
		"space, which has an entry of its own for it.",
		"Change rights through set_memory_*(), which walks pgd_list.",
		"Linux set_memory.c, __set_pmd_pte(): where page directories are not shared, each "
		"must be changed",
		WS_DIVERGES,
	},
};
/* clang-format on */

/* Modules and BPF programs make thousands; more is made by hostile memory. */
#define SPANS_MAX (1u << 20)

/* Neighbouring pages of which the same is to be said. */
struct run {
	bool open;
	uint32_t space;
	uint8_t level, access;
	uint64_t va, last;
	uint64_t elsewhere; /* what the first page's frame is, or where */
};

struct protecting {
	struct ws_audit *audit;
	const struct ws_format *format;
	bool has_pages;   /* something is mapped */
	bool has_nx;      /* there are kernel pages that may not be executed */
	bool knows_pkmap; /* and the fixmap, where tables of highmem are mapped */
	bool user_half;   /* the space that is toured is one */
	bool is_hidden;   /* user mode never runs with the space that is toured */
	ws_spans code;    /* what is executed in the kernel, and not written there */
	const struct ws_kernel_region *area; /* by which all enter; NULL: not known */
	ws_spans entry;                      /* its frames */
	struct run run[NRUNS];
};

/* ---- findings ---------------------------------------------------------------------- */

enum tail { NOTHING, ACCESS, FRAME, ADDRESS };

/* "user mode can reach", 4 KiB, "of the kernel", ": read, write". */
static const struct words {
	const char *before, *after;
	enum tail tail;
} words[] = {
	[USER] = { "user mode can reach ", "of the kernel", ACCESS },
	[HIDDEN] = { "only the user half hides ", "of the kernel from user mode",
		     ACCESS },
	[USER_TABLE] = { "user mode can write ", "of page tables", FRAME },
	[ALIASED_TABLE] = { "", "of page tables can be written here", FRAME },
	[WRITE_EXECUTE] = { "", "can be written and executed", NOTHING },
	[CODE] = { "", "can be written here, and are executed elsewhere", ADDRESS },
	[WIDE] = { "the user half has ", "of the kernel", ACCESS },
	[READ_ONLY] = { "", "can be written here, and not in init_mm", NOTHING },
};

static bool lies_where_meant(const struct ws_system *system, const struct ws_meant *meant,
			     uint64_t va, uint64_t last)
{
	uint64_t delta = system->layout.direct_delta;

	if (meant->region)
		return !strcmp(ws_region_name(system, va), meant->region);
	return va >= delta + meant->first && last <= delta + meant->last;
}

const char *ws_why_meant(const struct ws_system *system, const char *rule, uint64_t va,
			 uint64_t last)
{
	const struct ws_arch_audit *arch = ws_arch_of(system->paging.format)->audit;
	const struct ws_meant *meant = arch ? arch->meant : NULL;

	for (; meant && meant->rule; meant++)
		if (!strcmp(meant->rule, rule) && meant->word == system->layout.word &&
		    lies_where_meant(system, meant, va, last))
			return meant->why;
	return NULL;
}

static void tail_of(unsigned rule, const struct run *run, char *text, size_t size)
{
	bool write = run->access & WS_ACCESS_WRITE,
	     execute = run->access & WS_ACCESS_EXECUTE;

	text[0] = '\0';
	if (words[rule].tail == ACCESS)
		snprintf(text, size, ": read%s%s", write ? ", write" : "",
			 execute ? ", execute" : "");
	else if (words[rule].tail == FRAME)
		snprintf(text, size, ": frame %#jx", run->elsewhere);
	else if (words[rule].tail == ADDRESS)
		snprintf(text, size, ": at %#jx", run->elsewhere);
}

static void record_run(struct protecting *p, unsigned rule, const struct run *run)
{
	const char *why =
		ws_why_meant(p->audit->system, rules[rule].id, run->va, run->last);
	uint64_t kib = (run->last - run->va) / 1024 + 1;
	bool mib = kib % 1024 == 0;
	struct ws_finding *finding;
	char tail[48], modules[WS_MODULES_TEXT];

	tail_of(rule, run, tail, sizeof(tail));
	ws_modules_there(p->audit->system, run->va, run->last, modules);
	finding = ws_found(p->audit, &rules[rule], run->space, run->va, run->last,
			   "%s%ju %s %s%s%s%s", words[rule].before,
			   mib ? kib / 1024 : kib, mib ? "MiB" : "KiB", words[rule].after,
			   tail, why ? why : "", modules);
	if (finding && why)
		finding->severity = WS_INFO;
}

/* ---- runs -------------------------------------------------------------------------- */

static void flush(struct protecting *p, unsigned rule)
{
	if (p->run[rule].open)
		record_run(p, rule, &p->run[rule]);
	p->run[rule].open = false;
}

/* A run below the private level ends where its private entry does: others share it. */
static bool goes_on(const struct protecting *p, const struct run *run,
		    const struct ws_entry_at *at)
{
	unsigned level = ws_private_level(p->format);
	uint64_t apart = (at->va ^ run->va) >> p->format->level[level].shift;

	return run->open && run->space == at->space && run->last + 1 == at->va &&
	       run->level == at->level && run->access == at->access &&
	       (at->level <= level || !apart);
}

static void note(struct protecting *p, unsigned rule, const struct ws_entry_at *at,
		 uint64_t elsewhere)
{
	struct run *run = &p->run[rule];

	if (goes_on(p, run, at)) {
		run->last = at->last;
		return;
	}
	flush(p, rule);
	*run = (struct run){ .open = true,
			     .space = at->space,
			     .level = at->level,
			     .access = at->access,
			     .va = at->va,
			     .last = at->last,
			     .elsewhere = elsewhere };
}

/* ---- one page ---------------------------------------------------------------------- */

/* One that user mode is meant to see, and may not write. */
static bool is_users(const struct protecting *p, const struct ws_entry_at *at)
{
	return at->last - at->va < WS_FRAME_SIZE && !(at->access & WS_KERNEL_WRITE) &&
	       ws_is_users_page(p->audit->system, at->va, at->address, at->entry);
}

/*
 * The regions that the architecture says, of the image no more than what is read-only, and
 * wherever it is what the area of entry has too.
 */
static bool belongs_in_user_half(const struct protecting *p, const struct ws_entry_at *at)
{
	static const char *const image[] = { "kernel image", NULL };
	uint64_t pa_last = at->address + (at->last - at->va);

	return ws_lies_in(p->audit, at->va, p->audit->arch->isolation->whole) ||
	       is_users(p, at) ||
	       (ws_lies_in(p->audit, at->va, image) && !(at->access & WS_KERNEL_WRITE)) ||
	       ws_spans_meet(&p->entry, at->address, pa_last);
}

/* The map of the image reaches beyond it: early tables lie in the brk behind the bss. */
static bool may_map_tables(const struct protecting *p, const struct ws_entry_at *at)
{
	static const char *const names[] = { "pkmap", "fixmap", NULL };
	const struct ws_layout *layout = &p->audit->system->layout;
	uint64_t delta = at->va - at->address;

	return delta == layout->direct_delta || delta == layout->image_delta ||
	       !p->knows_pkmap || ws_lies_in(p->audit, at->va, names);
}

static void look_at_written(struct protecting *p, const struct ws_entry_at *at)
{
	uint64_t pa_last = at->address + (at->last - at->va);
	const struct ws_span *span;

	if (p->has_nx && at->access & WS_KERNEL_EXECUTE) {
		note(p, WRITE_EXECUTE, at, 0);
		return;
	}
	span = ws_spans_meet(&p->code, at->address, pa_last);
	if (p->has_nx && span)
		note(p, CODE, at,
		     at->address > span->pa ? span->va + (at->address - span->pa)
					    : span->va);
	span = ws_spans_meet(&p->audit->tables, at->address, pa_last);
	if (span && !may_map_tables(p, at))
		note(p, ALIASED_TABLE, at, span->pa);
}

static void look_at_kernel_page(struct protecting *p, const struct ws_entry_at *at)
{
	if (at->access & WS_USER_READ && !is_users(p, at))
		note(p, p->is_hidden ? HIDDEN : USER, at, 0);
	if (at->access & WS_KERNEL_WRITE)
		look_at_written(p, at);
	if (p->user_half && p->area && p->audit->system->layout.image_last &&
	    !belongs_in_user_half(p, at))
		note(p, WIDE, at, 0);
}

static void look_at_user_page(struct protecting *p, const struct ws_entry_at *at)
{
	uint64_t pa_last = at->address + (at->last - at->va);
	const struct ws_span *span;

	if (!(at->access & WS_USER_WRITE))
		return;
	span = ws_spans_meet(&p->audit->tables, at->address, pa_last);
	if (span)
		note(p, USER_TABLE, at, span->pa > at->address ? span->pa : at->address);
}

static void look(void *arg, const struct ws_entry_at *at)
{
	struct protecting *p = arg;

	if (!at->row || at->row->kind != WS_ROW_LEAF)
		return;
	if (at->va >= p->audit->system->layout.kernel_first)
		look_at_kernel_page(p, at);
	else
		look_at_user_page(p, at);
}

/* ---- what must be known before ---------------------------------------------------- */

static const struct ws_kernel_region *region_named(const struct ws_audit *audit,
						   const char *name)
{
	ws_vec_each(&audit->system->regions, row)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

static void add_span(struct protecting *p, ws_spans *spans, const struct ws_entry_at *at)
{
	if (spans->n < SPANS_MAX &&
	    !ws_spans_add(spans, at->address, at->address + (at->last - at->va), at->va))
		p->audit->short_of_memory = true;
}

static void learn(void *arg, const struct ws_entry_at *at)
{
	struct protecting *p = arg;
	const struct ws_system *system = p->audit->system;

	if (!at->row || at->row->kind != WS_ROW_LEAF ||
	    at->va < system->layout.kernel_first)
		return;
	p->has_pages = true;
	p->has_nx |= !(at->access & WS_KERNEL_EXECUTE);
	if (at->access & WS_KERNEL_EXECUTE && !(at->access & WS_KERNEL_WRITE))
		add_span(p, &p->code, at);
	if (p->area && at->va >= p->area->first && at->last <= p->area->last &&
	    system->spaces.v[at->space].kind != WS_SPACE_USER)
		add_span(p, &p->entry, at);
}

/* What is executed, whether anything is not, and what the area of entry maps. */
static void learn_kernel_halves(struct protecting *p)
{
	const struct ws_isolation *isolation = p->audit->arch->isolation;
	const struct ws_system *system = p->audit->system;
	struct ws_tour tour = { .audit = p->audit,
				.fn = learn,
				.arg = p,
				.rights = WS_KERNEL_WRITE | WS_KERNEL_EXECUTE,
				.first = system->layout.kernel_first };

	p->area = isolation ? region_named(p->audit, isolation->area) : NULL;
	p->knows_pkmap = system->layout.word == 8 || region_named(p->audit, "pkmap");
	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (ws_has_tables(p->audit, i))
			ws_tour_space(&tour, i);
	ws_tour_release(&tour);
	ws_spans_sort(&p->code);
	ws_spans_sort(&p->entry);
}

static void record_no_nx(struct protecting *p)
{
	const struct ws_layout *layout = &p->audit->system->layout;

	if (p->format->no_execute && p->has_pages && !p->has_nx)
		ws_found(p->audit, &rules[NO_NX], ws_init_space(p->audit),
			 layout->kernel_first, ~UINT64_C(0) >> (64 - 8 * layout->word),
			 "no page of the kernel's half is kept from being executed");
}

/* ---- the image's own rights, space by space --------------------------------------- */

/* A part of the image that one private entry rules. */
struct part {
	struct protecting *p;
	uint32_t space;
	uint64_t first, last;
	struct run run;
};

static void flush_part(struct part *part)
{
	if (part->run.open)
		record_run(part->p, READ_ONLY, &part->run);
	part->run.open = false;
}

static bool may_write(const struct ws_trail *trail)
{
	return trail->end == WS_END_PAGE && trail->access & WS_KERNEL_WRITE;
}

static void compare_part(struct part *part)
{
	struct ws_audit *audit = part->p->audit;
	const struct ws_paging *paging = &audit->system->paging;
	const struct ws_space *space = &audit->system->spaces.v[part->space];
	uint64_t reference = ws_reference_of(audit, space), last;
	struct ws_trail here, there;

	for (uint64_t va = part->first;; va = last + 1) {
		ws_space_walk(audit->system, space, va, &here);
		ws_walk(paging, reference, va, &there);
		audit->work += 2;
		last = ws_trail_last(paging->format, &here);
		if (last > ws_trail_last(paging->format, &there))
			last = ws_trail_last(paging->format, &there);
		if (last > part->last)
			last = part->last;
		if (may_write(&here) && there.end == WS_END_PAGE && !may_write(&there)) {
			if (!part->run.open)
				part->run = (struct run){ .open = true,
							  .space = part->space,
							  .va = va };
			part->run.last = last;
		} else {
			flush_part(part);
		}
		if (last == part->last)
			break;
	}
	flush_part(part);
}

/* What lies below an entry that is init_mm's too is shared, and cannot differ. */
static void look_at_image(struct protecting *p, uint32_t index)
{
	const struct ws_system *system = p->audit->system;
	const struct ws_layout *layout = &system->layout;
	const struct ws_space *space = &system->spaces.v[index];
	uint64_t size = WS_BIT(p->format->level[ws_private_level(p->format)].shift);
	uint64_t reference = ws_reference_of(p->audit, space);
	struct part part = { .p = p, .space = index, .last = layout->image_first - 1 };

	while (part.last != layout->image_last) {
		part.first = part.last + 1;
		part.last = part.first | (size - 1);
		if (part.last > layout->image_last)
			part.last = layout->image_last;
		if (!ws_is_everybodys(p->audit, part.first) &&
		    ws_private_entry(p->audit, space->root, part.first) !=
			    ws_private_entry(p->audit, reference, part.first))
			compare_part(&part);
	}
}

/* ---- the run ---------------------------------------------------------------------- */

/* With PTI user mode runs on the user half of a process, and on nothing else. */
static bool is_hidden(const struct ws_system *system, uint32_t index)
{
	const struct ws_space *space = &system->spaces.v[index];
	const struct ws_space *next = space + 1;

	if (!system->layout.pti || space->kind == WS_SPACE_USER)
		return false;
	return !space->user_mode ||
	       (index + 1 < system->spaces.n && next->kind == WS_SPACE_USER &&
		next->root == space->root + WS_FRAME_SIZE);
}

/*
 * The half below the kernel's is of interest only where a table may be written from
 * there; and of PTI's two roots that lead to it one is enough. Which of the two a kernel
 * table is met in decides what is said of it, so it makes another way.
 */
static void tour_space(struct protecting *p, struct ws_tour *tour, uint32_t index)
{
	const struct ws_system *system = p->audit->system;

	p->is_hidden = is_hidden(system, index);
	p->user_half = system->spaces.v[index].kind == WS_SPACE_USER;
	tour->way = p->is_hidden;
	tour->first =
		p->is_hidden || !p->audit->users_tables ? system->layout.kernel_first : 0;
	ws_tour_space(tour, index);
	for (unsigned rule = 0; rule < NRUNS; rule++)
		flush(p, rule);
}

static void tour_all(struct protecting *p)
{
	struct ws_tour tour = {
		.audit = p->audit, .fn = look, .arg = p, .rights = WS_ACCESS_ALL
	};

	for (uint32_t i = 0; i < p->audit->system->spaces.n; i++)
		if (ws_has_tables(p->audit, i))
			tour_space(p, &tour, i);
	ws_tour_release(&tour);
}

static enum ws_status run_protection(struct ws_audit *audit)
{
	struct protecting p = { .audit = audit, .format = audit->system->paging.format };

	learn_kernel_halves(&p);
	record_no_nx(&p);
	tour_all(&p);
	for (uint32_t i = 0; i < audit->system->spaces.n; i++)
		if (ws_has_tables(audit, i) && audit->system->layout.image_last)
			look_at_image(&p, i);
	ws_vec_release(&p.code);
	ws_vec_release(&p.entry);
	return WS_OK;
}

const struct ws_family ws_protection = {
	.name = "protection",
	.rules = rules,
	.nrules = WS_ARRAY_SIZE(rules),
	.about_tables = true,
	.run = run_protection,
};
