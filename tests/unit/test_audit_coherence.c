/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Private entries held against init_mm's, on small machines of every kind: each way to
 * differ is found in the space that differs and in no other, and what is meant to differ
 * is not found.
 */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit/split.h"
#include "linux/roots.h"
#include "x86/entry.h"
#include "x86/registers.h"

static struct fault_guest *create(void **state)
{
	return audit_guest_create(*state);
}

static uint64_t private_size(const struct fault_guest *fault)
{
	const struct ws_format *format = fault->guest->kind->format;

	return UINT64_C(1) << format->level[ws_private_level(format)].shift;
}

static uint64_t victims_entry(const struct fault_guest *fault)
{
	return guest_private_entry(fault->guest, fault_guest_victim(fault),
				   fault->guest->kind->module);
}

static void nothing_is_found(void **state)
{
	struct fault_guest *fault = create(state);

	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "coherence");
	assert_int_equal(fault->audit->findings.n, 0);
	fault_guest_destroy(fault);
}

static void a_hole(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t module = fault->guest->kind->module, first = module;
	const struct ws_finding *finding;

	first &= -private_size(fault);
	audit_put(fault, victims_entry(fault), 0);
	fault_guest_audit(fault, FAULT_LAZY);
	finding = audit_expect(fault, "coherence-missing", fault_guest_victim(fault),
			       "empty here");
	assert_int_equal(finding->va, first);
	assert_int_equal(finding->last, first + private_size(fault) - 1);
	assert_int_equal(finding->here.end, WS_END_HOLE);
	if (!strstr(fault->guest->kind->name, "KASLR"))
		assert_string_equal(finding->region, "vmalloc");
	fault_guest_destroy(fault);
}

/* Two holes side by side are reported as one, and a third apart from them. */
static void neighbouring_holes(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t size = private_size(fault), module = guest->kind->module;
	uint64_t victim = fault_guest_victim(fault);

	for (unsigned i = 1; i < 4; i += 1 + (i == 1))
		guest_map(guest, guest->swapper, module + i * size, guest->module_pa,
			  P | RW);
	audit_put(fault, victims_entry(fault), 0);
	fault_guest_audit(fault, FAULT_LAZY);
	/* and the others miss the new ones, the victim its old one too */
	assert_int_equal(audit_count(fault, "coherence-missing", victim), 2);
	assert_int_equal(audit_find(fault, "coherence-missing", victim)->last + 1,
			 (module & -size) + 2 * size);
	assert_non_null(
		strstr(audit_find(fault, "coherence-missing", victim)->text, " to "));
	assert_int_equal(audit_count(fault, "coherence-missing", guest->task[1].root), 2);
	fault_guest_destroy(fault);
}

/* What init_mm has given up and everybody else still has: one group of findings. */
static void stale_entries(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	unsigned processes = 0, groups = 0;

	audit_put(fault, guest_private_entry(guest, guest->swapper, guest->kind->module),
		  0);
	fault_guest_audit(fault, FAULT_LAZY);
	ws_vec_each(&fault->system->spaces, space)
		processes += space->kind == WS_SPACE_PROCESS;
	assert_int_equal(audit_count(fault, "coherence-stale", 0), processes);
	assert_int_equal(audit_count(fault, "coherence-missing", 0), 0);
	ws_vec_each(&fault->audit->findings, finding)
		if (finding->group >= groups)
			groups = finding->group + 1;
	assert_int_equal(groups, 1);
	fault_guest_destroy(fault);
}

static void another_target(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);

	guest_own_entry(fault->guest, victim, fault->guest->kind->module);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "coherence-target", victim, " in init_mm");
	fault_guest_destroy(fault);
}

static void other_rights(void **state)
{
	struct fault_guest *fault = create(state);

	audit_change(fault, victims_entry(fault), 0, RW);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(
		audit_expect(fault, "coherence-rights", fault_guest_victim(fault), "R/W")
			->severity,
		WS_ERROR);
	fault_guest_destroy(fault);
}

static void other_caching(void **state)
{
	struct fault_guest *fault = create(state);

	audit_change(fault, victims_entry(fault), PCD, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(
		audit_expect(fault, "coherence-rights", fault_guest_victim(fault), "PCD")
			->severity,
		WS_WARNING);
	fault_guest_destroy(fault);
}

/* What the processor sets by itself is no difference (SDM 4.8). */
static void accessed_and_dirty(void **state)
{
	struct fault_guest *fault = create(state);

	audit_change(fault, victims_entry(fault), ACCESSED | DIRTY, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "coherence");
	fault_guest_destroy(fault);
}

/* ---- a large page here and a table there ------------------------------------------ */

/*
 * The first address of a private entry that nothing was mapped by: by now init_mm and all
 * processes but the victim have a table there or a large page, and the victim the other;
 * all its pages lead to the same memory. Possible at the private level of i386 and PAE
 * only.
 */
struct halves {
	struct fault_guest *fault;
	uint64_t va;
	uint64_t page, table; /* the entries */
	uint64_t ptes;        /* pa of the table */
	bool large_here;      /* the victim has the large page */
};

static unsigned pages_of(const struct halves *h)
{
	return (unsigned)(private_size(h->fault) / WS_FRAME_SIZE);
}

static uint64_t pte_at(const struct halves *h, unsigned page)
{
	return h->ptes + ((uint64_t)page << h->fault->guest->kind->format->entry_log2);
}

static struct halves create_halves(void **state, bool large_here)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t size = private_size(fault), pa = guest->module_pa & -size;
	uint64_t xd = audit_has_nx(fault) ? XD : 0, victim = fault_guest_victim(fault);
	struct halves h = { .fault = fault,
			    .va = (guest->kind->module & -size) + size,
			    .page = pa | P | RW | PS | xd,
			    .large_here = large_here };
	uint64_t at = guest_private_entry(guest, guest->swapper, h.va);

	for (uint64_t offset = 0; offset < size; offset += WS_FRAME_SIZE)
		guest_map(guest, guest->swapper, h.va + offset, pa + offset, P | RW | xd);
	h.table = audit_get(fault, at);
	h.ptes = h.table & WS_BITS(31, 12);
	audit_put(fault, at, large_here ? h.table : h.page);
	for (unsigned i = 0; i < guest->ntasks; i++) {
		uint64_t root = guest->task[i].root;

		if (root)
			audit_put(fault, guest_private_entry(guest, root, h.va),
				  large_here == (root == victim) ? h.page : h.table);
	}
	return h;
}

static void audit_halves(struct halves *h)
{
	fault_guest_audit(h->fault, FAULT_LAZY);
}

/* What the processor sets by itself is no difference. */
static void the_same_in_pages(void **state)
{
	for (unsigned large_here = 0; large_here < 2; large_here++) {
		struct halves h = create_halves(state, large_here);
		uint64_t victim = fault_guest_victim(h.fault);
		const struct ws_finding *finding;

		audit_change(h.fault, pte_at(&h, 7), ACCESSED | DIRTY, 0);
		audit_halves(&h);
		finding = audit_expect(h.fault, "coherence-shape", victim, " in init_mm");
		assert_int_equal(finding->severity, WS_INFO);
		assert_int_equal(finding->va, h.va);
		assert_int_equal(finding->last, h.va + private_size(h.fault) - 1);
		assert_int_equal(h.fault->audit->findings.n, 1);
		audit_expect_verdict(h.fault, victim, WS_COHERENT);
		fault_guest_destroy(h.fault);
	}
}

/* Some of the pages are changed; what is found is of these alone, as one. */
static const struct page_change {
	const char *what;
	uint64_t set, clear, moved; /* moved: added to the address */
	const char *rule[2];        /* the large page is init_mm's; is the victim's */
	enum ws_severity severity;
} page_changes[] = {
	{ "nothing mapped",
	  0,
	  ~UINT64_C(0),
	  0,
	  { "coherence-missing", "coherence-stale" },
	  WS_ERROR },
	{ "the next frame",
	  0,
	  0,
	  WS_FRAME_SIZE,
	  { "coherence-target", "coherence-target" },
	  WS_ERROR },
	{ "read-only", 0, RW, 0, { "coherence-rights", "coherence-rights" }, WS_ERROR },
	{ "not cached",
	  PCD,
	  0,
	  0,
	  { "coherence-rights", "coherence-rights" },
	  WS_WARNING },
	{ "PAT",
	  PS,
	  0,
	  0,
	  { "coherence-rights", "coherence-rights" },
	  WS_WARNING }, /* bit 7 of a PTE */
};

static void change_pages(const struct halves *h, const struct page_change *change,
			 unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++) {
		uint64_t at = pte_at(h, i);

		audit_change(h->fault, at, change->set, change->clear);
		audit_put(h->fault, at, audit_get(h->fault, at) + change->moved);
	}
}

static void expect_pages(const struct halves *h, const struct page_change *change,
			 unsigned first, unsigned last)
{
	uint64_t victim = fault_guest_victim(h->fault);
	const struct ws_finding *finding;
	char pages[32];

	snprintf(pages, sizeof(pages), first == last ? "PTE %u " : "PTEs %u to %u ",
		 first, last);
	finding = audit_expect(h->fault, change->rule[h->large_here], victim, pages);
	assert_int_equal(finding->va, h->va + (uint64_t)first * WS_FRAME_SIZE);
	assert_int_equal(finding->last, h->va + (last + UINT64_C(1)) * WS_FRAME_SIZE - 1);
	assert_int_equal(finding->severity, change->severity);
	assert_int_equal(audit_count(h->fault, "coherence-shape", 0), 0);
	audit_expect_verdict(h->fault, victim, WS_DIVERGES);
}

static void other_pages(void **state)
{
	for (size_t i = 0; i < 2 * WS_ARRAY_SIZE(page_changes); i++) {
		const struct page_change *change = &page_changes[i / 2];

		for (unsigned part = 0; part < 4; part++) {
			struct halves h = create_halves(state, i % 2);
			unsigned end = pages_of(&h) - 1;
			const unsigned parts[][2] = {
				{ 0, 0 }, { 3, 4 }, { end, end }, { 0, end }
			};

			change_pages(&h, change, parts[part][0], parts[part][1]);
			audit_halves(&h);
			expect_pages(&h, change, parts[part][0], parts[part][1]);
			fault_guest_destroy(h.fault);
		}
	}
}

/* As sim:unload-stale: freed, and in part mapped anew. */
static void several_outcomes(void **state)
{
	struct halves h = create_halves(state, true);
	uint64_t victim = fault_guest_victim(h.fault);

	change_pages(&h, &page_changes[1], 0, 9);
	change_pages(&h, &page_changes[0], 10, pages_of(&h) - 1);
	audit_halves(&h);
	assert_int_equal(
		audit_expect(h.fault, "coherence-target", victim, "PTEs 0 to 9 ")->last +
			1,
		audit_expect(h.fault, "coherence-stale", victim, " empty in init_mm")
			->va);
	assert_int_equal(audit_find(h.fault, "coherence-stale", victim)->last,
			 h.va + private_size(h.fault) - 1);
	fault_guest_destroy(h.fault);
}

/* What the entry above takes away, no page of the table grants. */
static void rights_from_above(void **state)
{
	for (unsigned large_here = 0; large_here < 2; large_here++) {
		struct halves h = create_halves(state, large_here);
		struct guest *guest = h.fault->guest;
		uint64_t victim = fault_guest_victim(h.fault);

		for (unsigned i = 0; i <= guest->ntasks; i++) {
			uint64_t root =
				i < guest->ntasks ? guest->task[i].root : guest->swapper;

			if (root && large_here != (root == victim))
				audit_change(h.fault,
					     guest_private_entry(guest, root, h.va), 0,
					     RW);
		}
		audit_halves(&h);
		audit_expect(h.fault, "coherence-rights", victim, "PTEs 0 to ");
		audit_expect_verdict(h.fault, victim, WS_DIVERGES);
		fault_guest_destroy(h.fault);
	}
}

/* What the dump lacks may be alike, and may not. */
static void a_table_left_out(void **state)
{
	for (unsigned large_here = 0; large_here < 2; large_here++) {
		struct halves h = create_halves(state, large_here);
		struct fault_guest *fault = h.fault;
		uint32_t victim = 0;

		guest_leave_out(fault->guest, h.ptes);
		audit_halves(&h);
		audit_expect_none(fault, "coherence");
		while (fault->system->spaces.v[victim].root != fault_guest_victim(fault))
			victim++;
		assert_int_equal(fault->audit->judgements.v[victim].verdict, WS_UNKNOWN);
		fault_guest_destroy(fault);
	}
}

/* That most lack an entry shows nothing; that their page is another one does. */
static void pages_of_the_majority(void **state)
{
	struct halves h = create_halves(state, true);
	struct guest *guest = h.fault->guest;
	uint64_t victim = fault_guest_victim(h.fault);

	memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
	memset(guest->memory + guest->swapper, 0, 2 * WS_FRAME_SIZE);
	fault_guest_cpu(h.fault)->reg[X86_CR3] = guest->task[1].root;
	change_pages(&h, &page_changes[0], 3, 3);
	change_pages(&h, &page_changes[1], 5, 5);
	audit_halves(&h);
	assert_true(h.fault->system->layout.consensus);
	audit_expect(h.fault, "coherence-target", victim, "PTE 5 ");
	assert_int_equal(audit_count(h.fault, "coherence-stale", 0), 0);
	fault_guest_destroy(h.fault);
}

/* Another value for each process, of the bits that lead nowhere: G, PWT, PCD, 9 to 11. */
static uint64_t own_bits(unsigned i)
{
	assert_true(i < 64);
	return (i & 7) << 9 | (i >> 3 & 3) << 3 | (i >> 5) << 8;
}

/*
 * In every space a large page of its own in every entry that init_mm has nothing in,
 * where it gets a table: of those that are compared all is found, of the others nothing
 * is known.
 */
static void more_tables_than_are_compared(void **state)
{
	struct halves h = create_halves(state, true);
	struct guest *guest = h.fault->guest;
	uint64_t size = private_size(h.fault), entries = 0, last = 0;

	fault_guest_open(h.fault,
			 FAULT_LAZY); /* discovery would take them for no roots */
	memset(guest->memory + h.ptes, 0, WS_FRAME_SIZE);
	for (uint64_t va = guest->kind->page_offset + 8 * GUEST_MEMORY; va < UINT32_MAX;
	     va += size) {
		if (va != h.va &&
		    audit_get(h.fault, guest_private_entry(guest, guest->swapper, va)))
			continue;
		audit_put(h.fault, guest_private_entry(guest, guest->swapper, va),
			  h.table);
		for (unsigned i = 0; i < guest->ntasks; i++) {
			uint64_t root = guest->task[i].root;

			if (root)
				audit_put(h.fault, guest_private_entry(guest, root, va),
					  h.page | own_bits(i));
		}
		entries++;
	}
	audit_halves(&h);
	assert_int_equal(audit_count(h.fault, "coherence-stale", 0), WS_SPLIT_TABLES);
	while (last < h.fault->system->spaces.n &&
	       h.fault->audit->judgements.v[last].verdict != WS_UNKNOWN)
		last++;
	assert_int_equal(last, WS_SPLIT_TABLES / entries + 2); /* init_mm, and a part */
	fault_guest_destroy(h.fault);
}

/* What takes a right away and what only changes caching are two things. */
static void neighbouring_rights(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t size = private_size(fault), va = guest->kind->module + size;
	uint64_t victim = fault_guest_victim(fault);

	guest_map(guest, guest->swapper, va, guest->module_pa, P | RW);
	audit_share_private(fault, va);
	audit_change(fault, victims_entry(fault), PCD, 0);
	audit_change(fault, guest_private_entry(guest, victim, va), 0, RW);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(audit_count(fault, "coherence-rights", victim), 2);
	assert_int_equal(audit_find(fault, "coherence-rights", victim)->severity,
			 WS_WARNING);
	fault_guest_destroy(fault);
}

/* x86-64's private entries all lead to tables: one of its own is other memory. */
static void a_large_page_below(void **state)
{
	for (int up = 2; up <= 3; up++) { /* 2 MiB, 1 GiB */
		struct fault_guest *fault = create(state);
		uint64_t victim = fault_guest_victim(fault);
		uint64_t va = fault->guest->kind->module;
		int level = fault->guest->kind->format->nlevels - up;

		guest_own_entry(fault->guest, victim, va);
		audit_put(fault, audit_entry(fault, victim, va, level), P | RW | PS | XD);
		fault_guest_audit(fault, FAULT_LAZY);
		audit_expect(fault, "coherence-target", victim, " in init_mm");
		assert_int_equal(audit_count(fault, "coherence-shape", 0), 0);
		fault_guest_destroy(fault);
	}
}

/* Where the kernel puts a process's LDT, with PTI. */
static uint64_t ldt_va(const struct fault_guest *fault)
{
	const struct ws_format *format = fault->guest->kind->format;

	if (format == &ws_format_x86_64)
		return UINT64_C(0xffff880000000000);
	if (format == &ws_format_x86_64_la57)
		return UINT64_C(0xff10000000000000);
	return fault->guest->kind->cpu_entry - private_size(fault);
}

static void an_ldt(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t victim = fault_guest_victim(fault);

	guest_map(guest, victim, ldt_va(fault), guest->module_pa, P);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(audit_count(fault, "coherence-stale", victim),
			 !guest->kind->pti);
	assert_int_equal(audit_count(fault, "coherence-stale", 0), !guest->kind->pti);
	fault_guest_destroy(fault);
}

/* User halves are held against init_mm's user half, not against init_mm. */
static void a_user_half(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t user = fault_guest_victim(fault) + WS_FRAME_SIZE;

	fault_guest_hide(fault, user, guest->kind->cpu_entry);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "coherence-missing", user, "empty here");
	fault_guest_destroy(fault);
}

/* A root that is no task's is of no interest, until a processor runs on it. */
static void a_lone_root(void **state)
{
	for (unsigned loaded = 0; loaded < 2; loaded++) {
		struct fault_guest *fault = create(state);
		struct guest *guest = fault->guest;

		fault_guest_hide(fault, guest->kept, guest->kind->module);
		if (loaded)
			fault_guest_cpu(fault)->reg[X86_CR3] = guest->kept;
		fault_guest_audit(fault, FAULT_LAZY);
		if (loaded)
			audit_expect(fault, "coherence-missing", guest->kept,
				     "empty here");
		else
			audit_expect_none(fault, "coherence");
		fault_guest_destroy(fault);
	}
}

/* The trampoline's root, in the first MiB, is not meant to be like init_mm. */
static void the_trampoline(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	const uint64_t trampoline = 0x9c000;
	bool found = false;

	memcpy(guest->memory + trampoline, guest->memory + guest->kept,
	       2 * WS_FRAME_SIZE);
	fault_guest_hide(fault, trampoline, guest->kind->module);
	fault_guest_open(fault, FAULT_LAZY);
	fault_guest_cpu(fault)->reg[X86_CR3] = trampoline;
	fault_guest_audit(fault, FAULT_LAZY);
	ws_vec_each(&fault->system->spaces, space)
		found |= space->root == trampoline;
	assert_true(found);
	if (guest->kind->format != &ws_format_i386_pae) /* one directory, twice */
		audit_expect_none(fault, "coherence");
	fault_guest_destroy(fault);
}

/* Where init_mm's own table cannot be found, the majority stands for it. */
static void against_the_majority(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t victim = fault_guest_victim(fault);

	memset(guest->memory + guest->vmcoreinfo, 0, WS_FRAME_SIZE);
	memset(guest->memory + guest->swapper, 0, 2 * WS_FRAME_SIZE);
	fault_guest_cpu(fault)->reg[X86_CR3] = guest->task[1].root;
	audit_put(fault, victims_entry(fault), 0);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(fault->system->layout.consensus);
	audit_expect(fault, "coherence-missing", victim, "empty here");
	fault_guest_destroy(fault);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "nothing is wrong", nothing_is_found },
		{ "a hole", a_hole, GUEST_OWN_KERNEL },
		{ "neighbouring holes", neighbouring_holes, GUEST_OWN_KERNEL },
		{ "stale entries", stale_entries, GUEST_OWN_KERNEL },
		{ "another target", another_target, GUEST_OWN_KERNEL },
		{ "other rights", other_rights, GUEST_OWN_KERNEL },
		{ "other caching", other_caching, GUEST_OWN_KERNEL },
		{ "accessed and dirty", accessed_and_dirty, GUEST_OWN_KERNEL },
		{ "a large page and a table that say the same", the_same_in_pages,
		  GUEST_OWN_KERNEL | GUEST_32_BITS },
		{ "a large page and a table that differ", other_pages,
		  GUEST_OWN_KERNEL | GUEST_32_BITS },
		{ "a large page and a table that differ in two ways", several_outcomes,
		  GUEST_OWN_KERNEL | GUEST_32_BITS },
		{ "a large page and a table without the right", rights_from_above,
		  GUEST_OWN_KERNEL | GUEST_32_BITS },
		{ "a large page and a table that was left out", a_table_left_out,
		  GUEST_OWN_KERNEL | GUEST_32_BITS },
		{ "a large page and a table of the majority's", pages_of_the_majority,
		  GUEST_I386 },
		{ "more tables than are compared", more_tables_than_are_compared,
		  GUEST_I386 },
		{ "neighbouring rights", neighbouring_rights, GUEST_OWN_KERNEL },
		{ "a large page below an own entry", a_large_page_below,
		  GUEST_OWN_KERNEL | GUEST_64_BITS },
		{ "an LDT", an_ldt, GUEST_OWN_KERNEL },
		{ "a user half", a_user_half, GUEST_PTI },
		{ "a lone root", a_lone_root, GUEST_OWN_KERNEL },
		{ "the trampoline", the_trampoline, GUEST_OWN_KERNEL },
		{ "against the majority", against_the_majority,
		  GUEST_OWN_KERNEL | GUEST_NO_PTI },
	};

	return guest_run_cases("coherence", cases, WS_ARRAY_SIZE(cases));
}
