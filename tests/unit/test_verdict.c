/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What findings come to: what heals and what does not, which of several decides, and the
 * words for it.
 */
#include "fault_guest.h"
#include "x86/registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct guest_kind *kind_named(const char *name)
{
	const struct guest_kind *kind;

	for (unsigned i = 0; (kind = guest_kind_at(i)); i++)
		if (!strcmp(kind->name, name))
			return kind;
	fail_msg("no kind %s", name);
	return NULL;
}

static struct fault_guest *create(const char *kind)
{
	return fault_guest_create(kind_named(kind));
}

static const struct ws_judgement *judgement(const struct fault_guest *fault,
					    uint64_t root)
{
	size_t n;
	const struct ws_judgement *all = ws_audit_judgements(fault->audit, &n);

	assert_int_equal(n, fault->system->spaces.n);
	return &all[space_with_root(fault->system, root)];
}

/* The verdict, and what must be in the reasons, part after part. */
static void expect(const struct fault_guest *fault, uint64_t root,
		   enum ws_verdict verdict, ...)
{
	const struct ws_judgement *judged = judgement(fault, root);
	const char *at = judged->reasons, *part;
	va_list ap;

	if (judged->verdict != verdict)
		fail_msg("%s, not %s: %s", ws_verdict_name(judged->verdict),
			 ws_verdict_name(verdict), at ? at : "(no reasons)");
	va_start(ap, verdict);
	while ((part = va_arg(ap, const char *))) {
		const char *found = at ? strstr(at, part) : NULL;

		if (!found)
			fail_msg("'%s' does not come in: %s", part, judged->reasons);
		at = found + strlen(part);
	}
	va_end(ap);
}

static void hide_module(struct fault_guest *fault)
{
	fault_guest_hide(fault, fault_guest_victim(fault), fault->guest->kind->module);
}

/* ---- holes in vmalloc memory ------------------------------------------------------ */

static void a_hole_heals(void **state)
{
	static const char *const kinds[] = { "i386", "PAE with PTI", "x86-64",
					     "x86-64, five levels" };

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(kinds); i++) {
		struct fault_guest *fault = create(kinds[i]);

		hide_module(fault);
		fault_guest_audit(fault, FAULT_LAZY);
		expect(fault, fault_guest_victim(fault), WS_HEALS, "an access to ",
		       "(vmalloc) in ",
		       " victim faults once and goes on: ", "vmalloc_fault() at 0x",
		       "\nthat page fault can be handled: all",
		       "\nevidence: ", " empty here, present in init_mm", NULL);
		assert_int_equal(judgement(fault, fault_guest_victim(fault))->nfindings,
				 1);
		assert_int_equal(judgement(fault, fault->guest->swapper)->verdict,
				 WS_COHERENT);
		fault_guest_destroy(fault);
	}
}

static void a_hole_without_a_lazy_fault(void **state)
{
	struct fault_guest *fault = create("i386");

	(void)state;
	hide_module(fault);
	fault_guest_audit(fault, FAULT_NOT_LAZY);
	expect(fault, fault_guest_victim(fault), WS_DIVERGES,
	       "no vmalloc_fault() among its 13 functions", NULL);
	fault_guest_destroy(fault);

	fault = create("i386");
	hide_module(fault);
	fault_guest_audit(fault, FAULT_NO_SYMBOLS);
	expect(fault, fault_guest_victim(fault), WS_UNKNOWN, "lazy fault",
	       "is not known, since its symbols were not found", NULL);
	fault_guest_destroy(fault);
}

/* Two gigabytes above it, but nothing that a lazy fault would look at. */
static void a_hole_outside_vmalloc(void **state)
{
	struct fault_guest *fault = create("i386");

	(void)state;
	fault_guest_hide(fault, fault_guest_victim(fault),
			 fault->guest->kind->page_offset + (8u << 20));
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, fault_guest_victim(fault), WS_DIVERGES, "(direct map) in ",
	       " is not repaired: a lazy fault handler copies", NULL);
	fault_guest_destroy(fault);
}

/* Below the private level nothing is copied: the table is there, its entry is not. */
static void a_hole_below_the_private_level(void **state)
{
	struct fault_guest *fault = create("i386");
	uint64_t victim = fault_guest_victim(fault);

	(void)state;
	fault_guest_hide_page(fault, victim, fault->guest->kind->module);
	fault_guest_set_gate(fault, 13, fault->guest->kind->module);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_DIVERGES, NULL);
	fault_guest_destroy(fault);
}

static void a_stale_entry(void **state)
{
	struct fault_guest *fault = create("i386");
	uint64_t stale = fault->guest->kind->module + (8u << 20);

	(void)state;
	guest_map(fault->guest, fault_guest_victim(fault), stale, 10u << 20, 3);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, fault_guest_victim(fault), WS_DIVERGES,
	       "does not fault, so nothing repairs it", "empty in init_mm", NULL);
	fault_guest_destroy(fault);
}

static void a_user_half_does_not_heal(void **state)
{
	struct fault_guest *fault = create("PAE with PTI");
	struct guest *guest = fault->guest;
	uint64_t user = fault_guest_victim(fault) + WS_FRAME_SIZE;
	uint64_t va = guest->kind->module;

	(void)state;
	guest_map(guest, guest->swapper + WS_FRAME_SIZE, va, 10u << 20, 3);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, user, WS_DIVERGES, "is not repaired: a lazy fault handler copies",
	       NULL);
	fault_guest_destroy(fault);
}

/* ---- gates ------------------------------------------------------------------------ */

static void a_handler_in_the_hole(void **state)
{
	static const struct {
		unsigned vector;
		enum ws_verdict verdict;
	} gates[] = { { 13, WS_HEALS },    { 200, WS_HEALS }, { 2, WS_DIVERGES },
		      { 18, WS_DIVERGES }, { 14, WS_NESTS },  { 8, WS_DIVERGES } };

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(gates); i++) {
		struct fault_guest *fault = create("i386");

		hide_module(fault);
		fault_guest_set_gate(fault, gates[i].vector, fault->guest->kind->module);
		fault_guest_audit(fault, FAULT_LAZY);
		expect(fault, fault_guest_victim(fault), gates[i].verdict, NULL);
		fault_guest_destroy(fault);
	}
}

static void the_chain_of_a_nesting_fault(void **state)
{
	struct fault_guest *fault = create("i386");

	(void)state;
	hide_module(fault);
	fault_guest_set_gate(fault, 14, fault->guest->kind->module + 0x20);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, fault_guest_victim(fault), WS_NESTS,
	       "the machine panics, hangs or resets", "\na page fault in ",
	       " victim: ", "cannot fetch the handler, which is the next page fault",
	       "\nevidence: gate 14 (#PF) leads to 0xd0000020",
	       "PDE 832 empty, mapped in init_mm", NULL);
	fault_guest_destroy(fault);
}

/* ---- which of several decides ----------------------------------------------------- */

static void how_it_ends(void **state)
{
	struct fault_guest *fault = create("x86-64");
	uint64_t victim = fault_guest_victim(fault);

	(void)state;
	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	fault_guest_hide_page(fault, victim, fault->df_stack.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_NESTS,
	       "machine resets: the double fault cannot be delivered either "
	       "(faultpath-double-fault), which is a triple fault",
	       NULL);
	fault_guest_destroy(fault);

	fault = create("x86-64");
	victim = fault_guest_victim(fault);
	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	fault_guest_hide_page(fault, victim, fault->df_handler.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_NESTS,
	       "the CPU hangs, with no message and no reset: the handler of double faults",
	       NULL);
	assert_true(judgement(fault, victim)->hangs);
	assert_false(judgement(fault, victim)->no_image);
	fault_guest_destroy(fault);

	/*
	 * No stack in the cpu_entry_area: the frames may overwrite what delivery needs.
	 */
	fault = create("x86-64");
	victim = fault_guest_victim(fault);
	fault_guest_cpu(fault)->reg[X86_TR + WS_SEGMENT_BASE] =
		fault->guest->kind->page_offset + fault->tss.pa;
	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	fault_guest_hide_page(fault, victim, fault->df_handler.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_NESTS, "the machine panics, hangs or resets", NULL);
	assert_false(judgement(fault, victim)->hangs);
	fault_guest_destroy(fault);

	fault = create("i386");
	fault_guest_hide_page(fault, fault->guest->swapper, fault->df_handler.va);
	victim = fault_guest_victim(fault);
	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_NESTS,
	       "whose own task is broken: in the double fault's own space, the handler",
	       NULL);
	fault_guest_destroy(fault);
}

/*
 * What is wrong whatever space is loaded is reported where it matters, and judges nobody.
 */
static void a_double_fault_without_a_task(void **state)
{
	struct fault_guest *fault = create("i386");
	uint64_t victim = fault_guest_victim(fault);

	(void)state;
	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	memset(fault->guest->memory + fault->gdt.pa + 0xf8, 0, 8);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_NESTS,
	       "whose own task is broken: gate 8 (#DF) names selector 0xf8, which is no TSS",
	       "a double fault resets the machine", NULL);
	assert_int_equal(judgement(fault, fault->guest->swapper)->verdict, WS_COHERENT);
	assert_int_equal(judgement(fault, fault->guest->swapper)->nfindings, 0);
	fault_guest_destroy(fault);
}

/* Old kernels have no entry stack: the frames go down the task's own at once. */
static void where_the_frames_go(void **state)
{
	for (unsigned old = 0; old < 2; old++) {
		struct fault_guest *fault = create("i386");
		uint64_t victim = fault_guest_victim(fault);

		(void)state;
		if (old)
			fault_guest_cpu(fault)->reg[X86_TR + WS_SEGMENT_BASE] =
				fault->guest->kind->page_offset + fault->tss.pa;
		fault_guest_hide_page(fault, victim, fault->pf_handler.va);
		fault_guest_audit(fault, FAULT_LAZY);
		expect(fault, victim, WS_NESTS,
		       old ? "\nthe exception frames run down the task's stack, which has no "
			     "guard page"
			   : "\nfrom user mode the exception frames fill the entry stack",
		       NULL);
		fault_guest_destroy(fault);
	}
}

static void the_idt_is_the_end_of_it(void **state)
{
	struct fault_guest *fault = create("i386");
	uint64_t victim = fault_guest_victim(fault);

	(void)state;
	fault_guest_hide_page(fault, victim, fault->idt.va);
	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_DOUBLE_FAULTS,
	       "cannot be delivered either (faultpath-idt)",
	       "\nany fault or interrupt in ", " victim: ", "cannot read its gate",
	       "\nevidence: the IDT at 0xffc00000", NULL);
	fault_guest_destroy(fault);
}

/* With the handler out of reach nobody comes to push anything on the task's stack. */
static void the_handler_comes_before_the_stack(void **state)
{
	struct fault_guest *fault = create("x86-64");
	uint64_t victim = fault_guest_victim(fault);
	struct place stack = fault_guest_stack(fault, fault->guest->victim);

	(void)state;
	fault_guest_hide_page(fault, victim, stack.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_DOUBLE_FAULTS, "the kernel panics",
	       "\nevidence: the kernel stack of ", NULL);
	fault_guest_destroy(fault);

	fault = create("x86-64");
	victim = fault_guest_victim(fault);
	fault_guest_hide_page(fault, victim, stack.va);
	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect(fault, victim, WS_NESTS, "gate 14 (#PF) leads to asm_exc_page_fault",
	       NULL);
	fault_guest_destroy(fault);
}

/* ---- rules of other families ------------------------------------------------------ */

static const struct ws_rule a_leak = { .id = "test-leak",
				       .severity = WS_ERROR,
				       .verdict = WS_LEAKS };
static const struct ws_rule a_remark = { .id = "test-remark",
					 .severity = WS_WARNING,
					 .verdict = WS_DOUBLE_FAULTS };

static void other_rules_bring_their_verdicts(void **state)
{
	struct fault_guest *fault = create("i386");
	struct ws_audit audit = { 0 };
	struct ws_finding *finding;

	(void)state;
	fault_guest_open(fault, FAULT_LAZY);
	audit.ctx = fault->system->ctx;
	audit.system = fault->system;
	audit.arch = ws_arch_of(fault->system->paging.format)->audit;
	assert_int_equal(ws_regions_find(audit.system), WS_OK);
	assert_non_null(ws_found(&audit, &a_leak, 3, 0xc0001000, 0xc0001fff, "a leak"));
	assert_non_null(ws_found(&audit, &a_leak, 3, 0xc0003000, 0xc0003fff, "another"));
	finding = ws_found(&audit, &a_remark, 2, 0xc0001000, 0xc0001fff, "a remark");
	assert_non_null(finding);
	finding->severity = WS_INFO; /* milder than its rule: it decides nothing */
	assert_int_equal(ws_judge(&audit), WS_OK);
	assert_int_equal(audit.judgements.n, fault->system->spaces.n);
	assert_int_equal(audit.judgements.v[2].verdict, WS_COHERENT);
	assert_int_equal(audit.judgements.v[2].nfindings, 1);
	assert_null(audit.judgements.v[2].reasons);
	assert_int_equal(audit.judgements.v[3].verdict, WS_LEAKS);
	assert_int_equal(audit.judgements.v[3].nfindings, 2);
	assert_non_null(strstr(audit.judgements.v[3].reasons, ": a leak"));
	ws_vec_each(&audit.findings, f)
		free(f->text);
	ws_vec_each(&audit.judgements, j)
		free(j->reasons);
	ws_vec_release(&audit.findings);
	ws_vec_release(&audit.judgements);
	fault_guest_destroy(fault);
}

static void verdicts_have_names(void **state)
{
	static const char *const names[] = { "coherent",     "heals", "unknown",
					     "diverges",     "leaks", "nests",
					     "double-faults" };

	(void)state;
	for (unsigned v = 0; v < WS_ARRAY_SIZE(names); v++)
		assert_string_equal(ws_verdict_name(v), names[v]);
	assert_int_equal(WS_DOUBLE_FAULTS + 1, WS_ARRAY_SIZE(names));
}

/* Every rule says all that `whosees rules` prints, under an id of its own. */
static void rules_are_complete(void **state)
{
	const struct ws_rule *rule;
	unsigned i;

	(void)state;
	for (i = 0; (rule = ws_rule_at(i)); i++) {
		assert_true(rule->id && rule->family && rule->name && rule->meaning);
		assert_true(rule->fix && rule->history);
		assert_true(rule->severity <= WS_FATAL &&
			    rule->verdict <= WS_DOUBLE_FAULTS);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(rule->id, ws_rule_at(j)->id);
	}
	assert_true(i > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hole_heals),
		cmocka_unit_test(a_hole_without_a_lazy_fault),
		cmocka_unit_test(a_hole_outside_vmalloc),
		cmocka_unit_test(a_hole_below_the_private_level),
		cmocka_unit_test(a_stale_entry),
		cmocka_unit_test(a_user_half_does_not_heal),
		cmocka_unit_test(a_handler_in_the_hole),
		cmocka_unit_test(the_chain_of_a_nesting_fault),
		cmocka_unit_test(how_it_ends),
		cmocka_unit_test(a_double_fault_without_a_task),
		cmocka_unit_test(where_the_frames_go),
		cmocka_unit_test(the_idt_is_the_end_of_it),
		cmocka_unit_test(the_handler_comes_before_the_stack),
		cmocka_unit_test(other_rules_bring_their_verdicts),
		cmocka_unit_test(verdicts_have_names),
		cmocka_unit_test(rules_are_complete),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
