/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables that are not what a processor takes them for, on small machines of every kind.
 */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "paging/format.h"
#include "x86/entry.h"
#include "x86/registers.h"

static struct fault_guest *create(void **state)
{
	return audit_guest_create(*state);
}

static bool is_pae(const struct fault_guest *fault)
{
	return fault->guest->kind->format == &ws_format_i386_pae;
}

/* The bits of an upper entry that leads to a table in the user half. */
static uint64_t table_bits(const struct fault_guest *fault)
{
	return is_pae(fault) ? P : P | RW | US;
}

/* Where user mode's tables are met first: those of a user half after its process's. */
static void put_unused(struct fault_guest *fault, uint64_t entry)
{
	uint64_t victim = fault_guest_victim(fault);

	audit_put(fault, audit_entry(fault, victim, audit_unused_va(fault), 0), entry);
	if (fault->guest->kind->pti)
		audit_put(fault,
			  audit_entry(fault, victim + WS_FRAME_SIZE,
				      audit_unused_va(fault), 0),
			  entry);
}

static void nothing_is_found(void **state)
{
	struct fault_guest *fault = create(state);

	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "well-formed");
	assert_true(fault->audit->tables.n > 0);
	fault_guest_destroy(fault);
}

/* ---- reserved bits ---------------------------------------------------------------- */

/* SDM tables 4-4 to 4-20: bit 21 of a 4 MiB page, 62 of PAE's PTE, 13 of a 2 MiB page. */
static void reserved_bits(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault), root = victim;
	uint64_t va = audit_unused_va(fault);

	guest_map(fault->guest, victim, va, 0, 0);
	if (!audit_has_nx(fault))
		audit_put(fault, audit_entry(fault, victim, va, 0),
			  0x400000 | P | US | PS | WS_BIT(21));
	else
		audit_put(fault,
			  audit_entry(fault, victim, va,
				      fault->guest->kind->format->nlevels - 2),
			  0x400000 | P | US | PS | WS_BIT(13));
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "wellformed-reserved", root, "has reserved bits 0x2");
	assert_int_equal(audit_find(fault, "wellformed-reserved", root)->va, va);
	audit_expect_verdict(fault, root, WS_DIVERGES);
	fault_guest_destroy(fault);
}

/* In a table that all share it is reported once, and holds for all. */
static void reserved_bits_in_a_shared_table(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t init = fault->guest->swapper, module = fault->guest->kind->module;

	audit_change(fault, audit_entry(fault, init, module, -1), WS_BIT(62), 0);
	audit_give_module(fault, "naughty", module - WS_FRAME_SIZE, 2);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "wellformed-reserved", init,
		     "set; module naughty; 24 other spaces have the "
		     "same table");
	audit_expect_verdicts(fault, WS_SPACE_PROCESS, WS_DIVERGES);
	fault_guest_destroy(fault);
}

/* The reserved bits that ws_check() sees on the way to va. */
static uint64_t reserved_on_the_way(const struct ws_paging *paging, uint64_t root,
				    uint64_t va)
{
	struct ws_flaw flaw = { 0 };
	struct ws_trail trail;

	ws_walk(paging, root, va, &trail);
	ws_check(paging, &trail, &flaw);
	return flaw.reserved;
}

/* A walk says of the PDPTE what the audit says; the manual alone forgives nothing. */
static void check_walk(const struct fault_guest *fault, uint64_t root, uint64_t bits,
		       uint64_t by_manual)
{
	struct ws_paging paging = *ws_system_paging(fault->system);
	uint64_t va = fault->guest->kind->module;

	assert_int_equal(reserved_on_the_way(&paging, root, va), bits);
	paging.emulated = false;
	assert_int_equal(reserved_on_the_way(&paging, root, va), by_manual);
}

/* TCG sets Accessed in a PDPTE, where the manual has it reserved; bit 6 nobody sets. */
static void accessed_pdptes(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);
	uint64_t pdpte = audit_entry(fault, victim, fault->guest->kind->module, 0);

	audit_change(fault, pdpte, ACCESSED, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "well-formed");
	check_walk(fault, victim, 0, ACCESSED);
	audit_change(fault, pdpte, DIRTY, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "wellformed-reserved", victim, "bits 0x40 set");
	check_walk(fault, victim, DIRTY, ACCESSED | DIRTY);
	fault_guest_destroy(fault);
}

/* ---- tables that are none --------------------------------------------------------- */

static void a_table_outside_memory(void **state)
{
	struct fault_guest *fault = create(state);

	put_unused(fault, (GUEST_MEMORY + WS_FRAME_SIZE) | table_bits(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	assert_int_equal(audit_count(fault, "wellformed-outside", 0),
			 fault->guest->kind->pti ? 2 : 1);
	assert_int_equal(
		audit_find(fault, "wellformed-outside", fault_guest_victim(fault))->va,
		audit_unused_va(fault));
	fault_guest_destroy(fault);
}

/* Nor may the first frame be one, whether or not a dump has it. */
static void a_table_in_the_first_frame(void **state)
{
	struct fault_guest *fault = create(state);

	put_unused(fault, table_bits(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	assert_non_null(strstr(
		audit_find(fault, "wellformed-outside", fault_guest_victim(fault))->text,
		"leads to a table at 0,"));
	fault_guest_destroy(fault);
}

/*
 * A dump may have left out a frame that is in the midst of memory: that is no flaw, but
 * what it maps is not known.
 */
static void a_table_left_out(void **state)
{
	struct fault_guest *fault = create(state);

	put_unused(fault, (GUEST_MEMORY - 2 * WS_FRAME_SIZE) | table_bits(fault));
	guest_leave_out(fault->guest, GUEST_MEMORY - 2 * WS_FRAME_SIZE);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "well-formed");
	for (uint32_t i = 0; i < fault->system->spaces.n; i++) /* and of its user half */
		assert_int_equal(fault->audit->judgements.v[i].verdict,
				 !strcmp(fault->system->spaces.v[i].comm, "victim")
					 ? WS_UNKNOWN
					 : WS_COHERENT);
	fault_guest_destroy(fault);
}

static void a_table_at_two_levels(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t other = fault->guest->task[1].root;

	put_unused(fault, other | table_bits(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "wellformed-levels", fault_guest_victim(fault),
		     "of init (1) too");
	assert_int_equal(audit_count(fault, "wellformed-loop", 0), 0);
	fault_guest_destroy(fault);
}

static void a_table_that_leads_to_itself(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);

	put_unused(fault, victim | table_bits(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "wellformed-loop", victim, "leads back to");
	assert_int_equal(audit_count(fault, "wellformed-levels", 0), 0);
	fault_guest_destroy(fault);
}

/* All of every root leads to roots: the audit ends, and says what it came upon. */
static void tables_without_end(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	size_t size = (size_t)1 << guest->kind->format->entry_log2;
	unsigned slots = 1u << guest->kind->format->level[0].bits;

	fault_guest_open(fault, FAULT_LAZY);
	for (unsigned i = 0; i < guest->ntasks; i++)
		for (unsigned slot = 0; guest->task[i].root && slot < slots; slot++)
			audit_put(fault, guest->task[i].root + slot * size,
				  guest->task[1 + (slot + i) % 20].root |
					  table_bits(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(audit_count(fault, "wellformed-loop", 0) +
			    audit_count(fault, "wellformed-levels", 0) >
		    0);
	assert_true(fault->audit->work < 1u << 24);
	fault_guest_destroy(fault);
}

/* The same of init_mm's kernel half, which much else is found through. */
static void a_reference_without_end(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	size_t size = (size_t)1 << guest->kind->format->entry_log2;
	unsigned slots = 1u << guest->kind->format->level[0].bits;

	fault_guest_open(fault, FAULT_LAZY);
	for (unsigned slot = 0; slot < slots; slot++)
		audit_put(fault, guest->swapper + slot * size,
			  guest->swapper | table_bits(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(audit_count(fault, "wellformed-loop", guest->swapper) > 0);
	assert_true(fault->audit->work < 1u << 24);
	fault_guest_destroy(fault);
}

/* ---- stacks ----------------------------------------------------------------------- */

/* As nested faults leave it: the next push goes into the victim's root. */
static void a_processor_on_a_page_table(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);
	struct ws_cpu *cpu = fault_guest_cpu(fault);

	cpu->reg[X86_CR3] = victim;
	cpu->reg[X86_CS] = 0x10;
	cpu->reg[X86_SP] = fault->guest->kind->page_offset + victim + 0x804;
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "wellformed-stack", victim, "the stack that cpu 0 is on");
	fault_guest_destroy(fault);
}

/* In user mode SP is the user's own affair. */
static void a_processor_in_user_mode(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);
	struct ws_cpu *cpu = fault_guest_cpu(fault);

	cpu->reg[X86_CR3] = victim;
	cpu->reg[X86_CS] = 0x33;
	cpu->reg[X86_SP] = fault->guest->kind->page_offset + victim + 0x804;
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "well-formed");
	fault_guest_destroy(fault);
}

/* A frame that was given out twice: as the second page of a stack, and as a table. */
static void a_tasks_stack_in_a_page_table(void **state)
{
	struct fault_guest *fault = create(state);
	unsigned victim = fault->guest->victim;
	uint64_t page = fault_guest_stack(fault, victim).pa + WS_FRAME_SIZE;

	put_unused(fault, page | table_bits(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "wellformed-stack", fault_guest_victim(fault),
		     "the kernel stack of 29 victim");
	fault_guest_destroy(fault);
}

/* ---- freed frames ------------------------------------------------------------------ */

#define PA_NOBODYS (15u << 20) /* a frame far from all else in the small guest's memory */

/* A table of the victim's that has nothing in it, in a frame that the allocator has so. */
static void table_in_page(struct fault_guest *fault, uint32_t mapcount)
{
	audit_put_page(fault, PA_NOBODYS, 0, 0, 0, mapcount);
	put_unused(fault, PA_NOBODYS | table_bits(fault));
}

static void a_table_in_a_freed_page(void **state)
{
	struct fault_guest *fault = create(state);

	audit_say_of_pages(fault);
	table_in_page(fault, (uint32_t)-129);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "wellformed-freed", fault_guest_victim(fault),
		     "0xf00000 lies in a page that has been freed");
	fault_guest_destroy(fault);
}

/* The value that says so, and its neighbours: a page table's own among them. */
static void a_table_in_a_page_in_use(void **state)
{
	static const uint32_t others[] = { 0, UINT32_MAX, (uint32_t)-128,
					   (uint32_t)-130 };

	for (size_t i = 0; i < WS_ARRAY_SIZE(others); i++) {
		struct fault_guest *fault = create(state);

		audit_say_of_pages(fault);
		table_in_page(fault, others[i]);
		fault_guest_audit(fault, FAULT_LAZY);
		audit_expect_none(fault, "well-formed");
		fault_guest_destroy(fault);
	}
}

/* Without a word of VMCOREINFO on it nothing is said. */
static void a_table_in_a_page_of_no_known_use(void **state)
{
	struct fault_guest *fault = create(state);

	table_in_page(fault, (uint32_t)-129);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "well-formed");
	fault_guest_destroy(fault);
}

/* ---- entries that are not present --------------------------------------------------- */

static void a_hole_that_leads_to_memory(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t init = fault->guest->swapper, module = fault->guest->kind->module;

	audit_change(fault, audit_entry(fault, init, module, -1), 0, P);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect(fault, "wellformed-open-hole", init,
		     "is not present, and leads to memory");
	fault_guest_destroy(fault);
}

/* Where there is no memory, nothing is read: so the kernel inverts addresses. */
static void a_hole_that_leads_nowhere(void **state)
{
	static const uint64_t nowhere[] = { 0, WS_BIT(31) };

	for (size_t i = 0; i < WS_ARRAY_SIZE(nowhere); i++) {
		struct fault_guest *fault = create(state);
		uint64_t init = fault->guest->swapper;

		audit_put(fault, audit_entry(fault, init, fault->guest->kind->module, -1),
			  nowhere[i] | (nowhere[i] ? RW : 0));
		fault_guest_audit(fault, FAULT_LAZY);
		audit_expect_none(fault, "well-formed");
		fault_guest_destroy(fault);
	}
}

/* What user mode has swapped out is its own affair. */
static void a_hole_of_user_mode(void **state)
{
	struct fault_guest *fault = create(state);

	put_unused(fault, PA_NOBODYS);
	fault_guest_audit(fault, FAULT_LAZY);
	audit_expect_none(fault, "well-formed");
	fault_guest_destroy(fault);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "a table in a freed page", a_table_in_a_freed_page },
		{ "a table in a page that is in use", a_table_in_a_page_in_use },
		{ "a table in a page of no known use",
		  a_table_in_a_page_of_no_known_use },
		{ "a hole that leads to memory", a_hole_that_leads_to_memory },
		{ "a hole that leads nowhere", a_hole_that_leads_nowhere },
		{ "a hole of user mode", a_hole_of_user_mode },
		{ "nothing is wrong", nothing_is_found },
		{ "reserved bits", reserved_bits },
		{ "reserved bits in a shared table", reserved_bits_in_a_shared_table,
		  GUEST_PAE },
		{ "accessed PDPTEs", accessed_pdptes, GUEST_PAE },
		{ "a table outside memory", a_table_outside_memory },
		{ "a table in the first frame", a_table_in_the_first_frame },
		{ "a table left out", a_table_left_out },
		{ "a table at two levels", a_table_at_two_levels },
		{ "a table that leads to itself", a_table_that_leads_to_itself },
		{ "tables without end", tables_without_end },
		{ "a reference without end", a_reference_without_end },
		{ "a processor on a page table", a_processor_on_a_page_table },
		{ "a processor in user mode", a_processor_in_user_mode },
		{ "a task's stack in a page table", a_tasks_stack_in_a_page_table },
	};

	return guest_run_cases("well-formed", cases, WS_ARRAY_SIZE(cases));
}
