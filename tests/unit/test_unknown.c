/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verdict unknown: what decides about a space is left out of the memory, and what is
 * known all the same still counts.
 */
#include "fault_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct fault_guest *create(const char *name)
{
	const struct guest_kind *kind;

	for (unsigned i = 0; (kind = guest_kind_at(i)); i++)
		if (!strcmp(kind->name, name))
			return fault_guest_create(kind);
	fail_msg("no kind %s", name);
	return NULL;
}

/* Discovery has been done; the audit must do without the frame. */
static void leave_out(struct fault_guest *fault, uint64_t pa)
{
	if (!fault->system)
		fault_guest_open(fault, FAULT_LAZY);
	guest_leave_out(fault->guest, pa);
	ws_set_reference(fault->system, fault->system->layout.reference);
}

static const struct ws_judgement *judged(const struct fault_guest *fault, uint64_t root)
{
	return &fault->audit->judgements.v[space_with_root(fault->system, root)];
}

static void expect(const struct fault_guest *fault, uint64_t root,
		   enum ws_verdict verdict, enum ws_verdict known, bool at_least)
{
	const struct ws_judgement *judgement = judged(fault, root);

	if (judgement->verdict != verdict)
		fail_msg("%s, not %s: %s", ws_verdict_name(judgement->verdict),
			 ws_verdict_name(verdict),
			 judgement->reasons ? judgement->reasons : "(no reasons)");
	assert_int_equal(judgement->known, known);
	assert_int_equal(judgement->at_least, at_least);
}

static void expect_all(const struct fault_guest *fault, enum ws_verdict verdict)
{
	for (uint32_t i = 0; i < fault->system->spaces.n; i++)
		if (ws_audited(fault->audit, i))
			assert_int_equal(fault->audit->judgements.v[i].verdict, verdict);
}

/* The guest's data may be executed, which is another family's matter. */
static void expect_no_findings(const struct fault_guest *fault)
{
	ws_vec_each(&fault->audit->findings, finding)
		if (strcmp(finding->rule->family, "protection") != 0)
			fail_msg("%s: %s", finding->rule->id, finding->text);
}

static void expect_lack(const struct fault_guest *fault, uint64_t pa, const char *part)
{
	size_t n;
	const struct ws_lack *lacks = ws_audit_lacks(fault->audit, &n);

	for (size_t i = 0; i < n; i++)
		if (lacks[i].has_pa && lacks[i].pa == (pa & -(uint64_t)WS_FRAME_SIZE) &&
		    strstr(lacks[i].what, part))
			return;
	fail_msg("nothing like '%s' is missing at %#lx", part, pa);
}

static void a_root_concerns_its_space_alone(void **state)
{
	struct fault_guest *fault = create("i386");
	uint64_t victim = fault_guest_victim(fault);

	(void)state;
	leave_out(fault, victim);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_UNKNOWN, WS_COHERENT, false);
	expect(fault, fault->guest->swapper, WS_COHERENT, WS_COHERENT, false);
	expect_lack(fault, victim, "its page directory");
	assert_non_null(
		strstr(judged(fault, victim)->reasons, "the target lacks frame 0x"));
	expect_no_findings(fault);
	fault_guest_destroy(fault);
}

/* What every space needs is missing in every space, and nothing is found. */
static void tables_of_the_processor_concern_all(void **state)
{
	static const struct {
		const char *kind, *part;
		size_t place;
	} cases[] = {
		{ "i386", "the IDT at", offsetof(struct fault_guest, idt) },
		{ "i386", "the GDT at", offsetof(struct fault_guest, gdt) },
		{ "i386", "the TSS of cpu", offsetof(struct fault_guest, tss) },
		{ "i386", "the double fault's TSS",
		  offsetof(struct fault_guest, df_tss) },
		{ "x86-64", "the IDT at", offsetof(struct fault_guest, idt) },
		{ "x86-64", "the TSS of cpu", offsetof(struct fault_guest, tss) },
	};

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(cases); i++) {
		struct fault_guest *fault = create(cases[i].kind);
		const struct place *place =
			(const void *)((const char *)fault + cases[i].place);

		leave_out(fault, place->pa);
		fault_guest_audit(fault, FAULT_LAZY);
		expect_all(fault, WS_UNKNOWN);
		expect_lack(fault, place->pa, cases[i].part);
		expect_no_findings(fault);
		fault_guest_destroy(fault);
	}
}

/* A hole that would heal, if only the path to the handler that heals it were known. */
static void what_heals_is_unknown(void **state)
{
	struct fault_guest *fault = create("i386");
	uint64_t victim = fault_guest_victim(fault);

	(void)state;
	fault_guest_hide(fault, victim, fault->guest->kind->module);
	leave_out(fault, fault->idt.pa);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_UNKNOWN, WS_HEALS, false);
	assert_non_null(strstr(judged(fault, victim)->reasons, "\nwhat is known: "));
	assert_null(strstr(judged(fault, victim)->reasons, "faults once"));
	fault_guest_destroy(fault);
}

static void a_hole_that_is_seen_counts(void **state)
{
	struct fault_guest *fault = create("i386");
	uint64_t victim = fault_guest_victim(fault);

	(void)state;
	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	leave_out(fault, fault->tss.pa);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_NESTS, WS_NESTS, true);
	assert_non_null(strstr(judged(fault, victim)->reasons, "may be worse than that"));
	expect(fault, fault->guest->swapper, WS_UNKNOWN, WS_COHERENT, false);
	fault_guest_destroy(fault);

	/* worse than the worst there is not */
	fault = create("i386");
	victim = fault_guest_victim(fault);
	fault_guest_hide_page(fault, victim, fault->idt.va);
	leave_out(fault, fault->tss.pa);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_DOUBLE_FAULTS, WS_DOUBLE_FAULTS, false);
	assert_null(strstr(judged(fault, victim)->reasons, "is not known"));
	fault_guest_destroy(fault);
}

/*
 * Who finds no handler does not get as far as the task's own stack: where the gates are
 * not known, neither is which of the two kills, but one of them does.
 */
static void a_stack_is_no_more_than_nesting_without_the_idt(void **state)
{
	(void)state;
	for (int lacks_idt = 0; lacks_idt < 2; lacks_idt++) {
		struct fault_guest *fault = create("x86-64");
		uint64_t victim = fault_guest_victim(fault);

		fault_guest_hide(fault, victim, fault_guest_stack(fault, 1).va);
		if (lacks_idt)
			leave_out(fault, fault->idt.pa);
		fault_guest_audit(fault, FAULT_LAZY);
		if (lacks_idt)
			expect(fault, victim, WS_NESTS, WS_NESTS, true);
		else
			expect(fault, victim, WS_DOUBLE_FAULTS, WS_DOUBLE_FAULTS, false);
		assert_non_null(strstr(judged(fault, victim)->reasons, "the first push"));
		assert_null(strstr(judged(fault, victim)->reasons, "is not known"));
		fault_guest_destroy(fault);
	}
}

/* Where perhaps nobody runs, a hole that is seen may never be met. */
static void what_may_be_freed_is_unknown(void **state)
{
	struct fault_guest *fault = create("i386");
	uint64_t victim = fault_guest_victim(fault);

	(void)state;
	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	fault_guest_open(fault, FAULT_LAZY);
	ws_vec_each(&fault->system->spaces, space)
		space->perhaps_freed = space->root == victim;
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_UNKNOWN, WS_NESTS, false);
	assert_non_null(strstr(judged(fault, victim)->reasons, "may have been freed"));
	expect(fault, fault->guest->swapper, WS_COHERENT, WS_COHERENT, false);
	ws_vec_each(&fault->audit->findings, finding)
		assert_true(finding->severity <= WS_WARNING);
	fault_guest_destroy(fault);
}

/*
 * Without registers a space that is as init_mm is coherent; one that differs may hide
 * what only they could show.
 */
static void registers_decide_where_something_differs(void **state)
{
	struct fault_guest *fault = create("i386");
	uint64_t victim = fault_guest_victim(fault);

	(void)state;
	fault_guest_hide(fault, victim, fault->guest->kind->module);
	fault_guest_open(fault, FAULT_LAZY);
	guest_forget_registers(fault_guest_cpu(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_UNKNOWN, WS_HEALS, false);
	expect(fault, fault->guest->swapper, WS_COHERENT, WS_COHERENT, false);
	fault_guest_destroy(fault);
}

/* A table of the shared part of the kernel's half is everyone's. */
static void a_shared_table_concerns_all(void **state)
{
	struct fault_guest *fault = create("x86-64");
	struct ws_trail trail;

	(void)state;
	fault_guest_open(fault, FAULT_LAZY);
	ws_walk(&fault->system->paging, fault->guest->swapper, fault->guest->kind->module,
		&trail);
	assert_int_equal(trail.end, WS_END_PAGE);
	leave_out(fault, trail.step[trail.nsteps - 1].table);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_all(fault, WS_UNKNOWN);
	expect_no_findings(fault);
	fault_guest_destroy(fault);
}

/* What most have is held against each: what init_mm alone has, all may lack. */
static void without_init_mm_all_is_unknown(void **state)
{
	struct fault_guest *fault = create("i386");

	(void)state;
	fault_guest_open(fault, FAULT_LAZY);
	fault->system->layout.consensus = true;
	fault_guest_audit(fault, FAULT_LAZY);
	expect_all(fault, WS_UNKNOWN);
	expect_no_findings(fault);
	fault_guest_destroy(fault);
}

/* User entries of the victim's page directory, which lead to frames that are left out. */
static void lack_tables(struct fault_guest *fault, unsigned entries, unsigned frames)
{
	uint64_t victim = fault_guest_victim(fault), lowest = GUEST_MEMORY;

	if (!fault->system)
		fault_guest_open(fault, FAULT_LAZY);
	for (unsigned i = 0; i < entries; i++) {
		uint64_t frame = GUEST_MEMORY - 2 * (1 + i % frames) * WS_FRAME_SIZE;
		uint32_t entry = (uint32_t)frame | 0x67;

		guest_put32(fault->guest, victim + 4 * (uint64_t)(100 + i), entry);
		if (frame < lowest)
			leave_out(fault, lowest = frame);
	}
	fault_guest_audit(fault, FAULT_LAZY);
}

/* A dump cut in half lacks more than is kept; all of it is counted, a frame once. */
static void lacks_are_counted(void **state)
{
	static const struct {
		unsigned entries, frames, kept;
	} cases[] = { { 40, 1, 1 }, { 16, 16, 16 }, { 17, 17, 16 } };

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(cases); i++) {
		struct fault_guest *fault = create("i386");
		const struct ws_judgement *judgement;
		size_t n;

		lack_tables(fault, cases[i].entries, cases[i].frames);
		judgement = judged(fault, fault_guest_victim(fault));
		assert_int_equal(judgement->verdict, WS_UNKNOWN);
		assert_int_equal(judgement->nlacks, cases[i].frames);
		assert_non_null(strstr(judgement->reasons,
				       "victim can write page tables is not known"));
		ws_audit_lacks(fault->audit, &n);
		assert_int_equal(n, cases[i].kept);
		fault_guest_destroy(fault);
	}
}

/* What decides about faults is named before what does not. */
static void faults_come_first(void **state)
{
	struct fault_guest *fault = create("i386");

	(void)state;
	leave_out(fault, fault->idt.pa);
	lack_tables(fault, 1, 1);
	assert_non_null(strstr(judged(fault, fault_guest_victim(fault))->reasons,
			       "can be handled is not known: the target lacks frame"));
	assert_non_null(
		strstr(judged(fault, fault_guest_victim(fault))->reasons, "the IDT at"));
	fault_guest_destroy(fault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_root_concerns_its_space_alone),
		cmocka_unit_test(tables_of_the_processor_concern_all),
		cmocka_unit_test(what_heals_is_unknown),
		cmocka_unit_test(a_hole_that_is_seen_counts),
		cmocka_unit_test(a_stack_is_no_more_than_nesting_without_the_idt),
		cmocka_unit_test(what_may_be_freed_is_unknown),
		cmocka_unit_test(registers_decide_where_something_differs),
		cmocka_unit_test(a_shared_table_concerns_all),
		cmocka_unit_test(without_init_mm_all_is_unknown),
		cmocka_unit_test(lacks_are_counted),
		cmocka_unit_test(faults_come_first),
	};

	return cmocka_run_group_tests_name("unknown", tests, NULL, NULL);
}
