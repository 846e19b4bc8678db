/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fault path on small machines of every kind: nothing is found where nothing is
 * wrong; each link of the chain, hidden in one space, is found there and there alone; and
 * registers or tables full of nonsense do no harm.
 */
#include "common/random.h"
#include "fault_guest.h"
#include "paging/format.h"
#include "x86/registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RW 2u
#define US 4u
#define XD (UINT64_C(1) << 63)

/* ---- what was found ---------------------------------------------------------------- */

static struct fault_guest *create(void **state)
{
	return fault_guest_create(*state);
}

static bool is_wide(const struct fault_guest *fault)
{
	return fault->guest->word == 8;
}

/* Findings of a rule about the space with that root. */
static unsigned count(const struct fault_guest *fault, const char *rule, uint64_t root)
{
	uint32_t space = space_with_root(fault->system, root);
	unsigned n = 0;

	ws_vec_each(&fault->audit->findings, finding)
		n += finding->space == space && !strcmp(finding->rule->id, rule);
	return n;
}

static const struct ws_finding *find(const struct fault_guest *fault, const char *rule,
				     uint64_t root)
{
	uint32_t space = space_with_root(fault->system, root);

	ws_vec_each(&fault->audit->findings, finding)
		if (finding->space == space && !strcmp(finding->rule->id, rule))
			return finding;
	fail_msg("no finding of %s", rule);
	return NULL;
}

static void expect_text(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text ? text : "(nothing)");
}

/* One finding of the rule in that space, and none in any other. */
static void expect_only(const struct fault_guest *fault, const char *rule, uint64_t root,
			const char *part)
{
	const struct ws_finding *finding = find(fault, rule, root);
	unsigned n = 0;

	expect_text(finding->text, part);
	ws_vec_each(&fault->audit->findings, other)
		n += !strcmp(other->rule->id, rule);
	assert_int_equal(n, 1);
}

/* Whether a finding is one of those that this test is about; the others have theirs. */
static bool is_ours(const struct ws_finding *finding)
{
	return !strcmp(finding->rule->family, "fault-path") ||
	       !strcmp(finding->rule->family, "coherence");
}

static unsigned count_ours(const struct fault_guest *fault)
{
	unsigned n = 0;

	ws_vec_each(&fault->audit->findings, finding)
		n += is_ours(finding);
	return n;
}

static void expect_none(const struct fault_guest *fault)
{
	ws_vec_each(&fault->audit->findings, finding)
		if (is_ours(finding))
			fail_msg("%s: %s", finding->rule->id, finding->text);
	ws_vec_each(&fault->audit->judgements, judgement)
		assert_int_equal(judgement->verdict, WS_COHERENT);
}

static void expect_verdict(const struct fault_guest *fault, uint64_t root,
			   enum ws_verdict verdict)
{
	uint32_t space = space_with_root(fault->system, root);

	assert_string_equal(ws_verdict_name(fault->audit->judgements.v[space].verdict),
			    ws_verdict_name(verdict));
}

static bool has_note(const struct fault_guest *fault, const char *part)
{
	for (unsigned i = 0; ws_system_note(fault->system, i); i++)
		if (strstr(ws_system_note(fault->system, i), part))
			return true;
	return false;
}

/* ---- nothing is wrong ------------------------------------------------------------- */

static void nothing_is_found(void **state)
{
	for (enum fault_symbols s = FAULT_NO_SYMBOLS; s <= FAULT_NOT_LAZY; s++) {
		struct fault_guest *fault = create(state);

		fault_guest_audit(fault, s);
		expect_none(fault);
		assert_false(has_note(fault, "stack"));
		assert_true(fault->audit->work > 0);
		fault_guest_destroy(fault);
	}
}

static void unused_gates_may_lead_anywhere(void **state)
{
	struct fault_guest *fault = create(state);

	for (unsigned v = 20; v < 32; v++)
		if (v != 29)
			fault_guest_set_gate(fault, v,
					     fault->guest->kind->image + 0x900000);
	fault_guest_audit(fault, FAULT_LAZY);
	ws_vec_each(&fault->audit->findings, finding)
		if (is_ours(finding))
			assert_string_equal(finding->rule->id,
					    "faultpath-foreign-handler");
	assert_int_equal(count_ours(fault), 11);
	expect_verdict(fault, fault_guest_victim(fault), WS_COHERENT);
	fault_guest_destroy(fault);
}

/* ---- gates that the processor cannot use ------------------------------------------ */

/* What raises a vector only while a bit is set; #AC has another cause besides. */
static const struct {
	unsigned vector, cr;
	uint64_t bit;
} switched[] = {
	{ 16, 0, UINT64_C(1) << 5 },  { 17, 0, UINT64_C(1) << 18 },
	{ 18, 4, UINT64_C(1) << 6 },  { 19, 4, UINT64_C(1) << 10 },
	{ 21, 4, UINT64_C(1) << 23 },
};

static void set_switch(struct ws_cpu *cpu, size_t i, bool on)
{
	uint64_t *cr = switched[i].cr ? &cpu->reg[X86_CR4] : &cpu->reg[X86_CR0];

	*cr = (*cr & ~switched[i].bit) | (on ? switched[i].bit : 0);
}

/* Behind the direct map: no space has it. */
static uint64_t nowhere(const struct fault_guest *fault)
{
	return fault->guest->kind->page_offset + GUEST_MEMORY + 0x100000;
}

/* A page of text that nothing else leads to; PTI's user halves have it too. */
static uint64_t apart(struct fault_guest *fault)
{
	uint64_t va = fault->guest->kind->image + 0x40000;

	if (fault->guest->kind->pti)
		for (unsigned i = 0; i < fault->guest->ntasks; i++)
			if (fault->guest->task[i].root)
				guest_map(fault->guest,
					  fault->guest->task[i].root + WS_FRAME_SIZE, va,
					  guest_pa(fault->guest, va), 1);
	return va;
}

static void a_gate_that_leads_nowhere(void **state)
{
	for (size_t i = 0; i < 2 * WS_ARRAY_SIZE(switched); i++) {
		struct fault_guest *fault = create(state);
		bool on = i % 2;

		fault_guest_set_gate(fault, switched[i / 2].vector, nowhere(fault));
		set_switch(fault_guest_cpu(fault), i / 2, on);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(
			count(fault, "faultpath-gate-target", fault->guest->swapper), on);
		expect_verdict(fault, fault_guest_victim(fault),
			       on ? WS_DIVERGES : WS_COHERENT);
		fault_guest_destroy(fault);
	}
}

/* Nothing, where it is switched off; #AC is raised by split locks too. */
static void a_gate_that_the_victim_lacks(void **state)
{
	for (size_t i = 0; i < 2 * WS_ARRAY_SIZE(switched); i++) {
		struct fault_guest *fault = create(state);
		uint64_t victim = fault_guest_victim(fault);
		bool on = i % 2 || switched[i / 2].vector == 17;

		fault_guest_set_gate(fault, switched[i / 2].vector, apart(fault));
		set_switch(fault_guest_cpu(fault), i / 2, i % 2);
		fault_guest_hide_page(fault, victim, apart(fault));
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(count(fault, "faultpath-gate-target", victim), on);
		fault_guest_destroy(fault);
	}
}

/* A vector that nothing raises is raised by INT n where the gate's DPL is 3. */
static void a_gate_that_user_mode_may_use(void **state)
{
	for (unsigned dpl = 2; dpl <= 3; dpl++) {
		struct fault_guest *fault = create(state);
		uint64_t gate = fault->idt.pa + 22 * (is_wide(fault) ? 16 : 8);

		fault_guest_set_gate(fault, 22, nowhere(fault));
		fault->guest->memory[gate + 5] |= (uint8_t)(dpl << 5);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(
			count(fault, "faultpath-gate-target", fault->guest->swapper),
			dpl == 3);
		fault_guest_destroy(fault);
	}
}

/* One of two that share the IDT may raise it. */
static void a_gate_that_another_processor_uses(void **state)
{
	for (unsigned on = 0; on < 2; on++) {
		struct fault_guest *fault = create(state);
		struct ws_cpu *second = ws_vec_push(&fault->guest->target.cpus);

		assert_non_null(second);
		*second = *fault_guest_cpu(fault);
		set_switch(fault_guest_cpu(fault), 2, false);
		set_switch(second, 2, on);
		fault_guest_set_gate(fault, 18, nowhere(fault));
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(
			count(fault, "faultpath-gate-target", fault->guest->swapper), on);
		fault_guest_destroy(fault);
	}
}

/* Without control registers it is looked at where init_mm has the handler. */
static void a_gate_of_unknown_use(void **state)
{
	for (unsigned mapped = 0; mapped < 2; mapped++) {
		struct fault_guest *fault = create(state);
		uint64_t victim = fault_guest_victim(fault);

		fault_guest_set_gate(fault, 18, mapped ? apart(fault) : nowhere(fault));
		fault_guest_hide_page(fault, victim, apart(fault));
		fault_guest_open(fault, FAULT_LAZY);
		guest_forget_registers(fault_guest_cpu(fault));
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(count(fault, "faultpath-gate-target", victim), mapped);
		assert_int_equal(
			count(fault, "faultpath-gate-target", fault->guest->swapper), 0);
		fault_guest_destroy(fault);
	}
}

/* The stack of a gate that nothing uses is none, but for another gate that has it. */
static void a_stack_of_an_unused_gate(void **state)
{
	for (unsigned on = 0; on < 2; on++) {
		struct fault_guest *fault = create(state);

		guest_put(fault->guest, fault->tss.pa + 28 + 8 * 3, nowhere(fault));
		fault->guest->memory[fault->idt.pa + 18 * 16 + 4] = 3;
		set_switch(fault_guest_cpu(fault), 2, on);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(
			count(fault, "faultpath-ist-stack", fault->guest->swapper), on);
		fault_guest_destroy(fault);
	}
}

/* With #VC, whose stack nobody has mapped. */
static void a_stack_that_two_gates_share(void **state)
{
	struct fault_guest *fault = create(state);

	fault->guest->memory[fault->idt.pa + 200 * 16 + 4] = 5;
	fault_guest_audit(fault, FAULT_LAZY);
	expect_text(find(fault, "faultpath-ist-stack", fault->guest->swapper)->text,
		    "the stack of gate 200 (interrupt), IST 5");
	fault_guest_destroy(fault);
}

/* FRED has no gates (CR4 bit 32): what the IDT holds does not matter. */
static void a_processor_without_gates(void **state)
{
	for (unsigned bit = 31; bit <= 32; bit++) {
		struct fault_guest *fault = create(state);
		uint64_t victim = fault_guest_victim(fault);

		fault_guest_cpu(fault)->reg[X86_CR4] |= UINT64_C(1) << bit;
		fault_guest_hide_page(fault, victim, fault->idt.va);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(count(fault, "faultpath-idt", victim), bit == 31);
		assert_int_equal(has_note(fault, "by FRED"), bit == 32);
		fault_guest_destroy(fault);
	}
}

/* ---- what is wrong with the machine's own tables is no space's -------------------- */

static const struct ws_finding *expect_machine(const struct fault_guest *fault,
					       const char *rule, const char *part)
{
	const struct ws_finding *finding = find(fault, rule, fault->guest->swapper);

	expect_only(fault, rule, fault->guest->swapper, part);
	assert_true(finding->machine);
	ws_vec_each(&fault->audit->judgements, judgement)
		assert_int_equal(judgement->verdict, WS_COHERENT);
	return finding;
}

/*
 * What no machine runs with: the dump is damaged or the machine dead, and nobody judged.
 */
static void expect_doubt(const struct fault_guest *fault, const char *rule,
			 const char *part)
{
	const struct ws_finding *finding = find(fault, rule, fault->guest->swapper);

	expect_text(finding->text, part);
	assert_true(finding->machine);
	assert_int_equal(finding->severity, WS_WARNING);
	assert_true(has_note(fault, part));
	assert_true(has_note(fault, "the dump is damaged, or the machine died of it"));
	for (uint32_t i = 0; i < fault->system->spaces.n; i++)
		if (ws_audited(fault->audit, i))
			assert_int_equal(fault->audit->judgements.v[i].verdict,
					 WS_UNKNOWN);
	ws_vec_each(&fault->audit->findings, other)
		assert_true(other->machine || !is_ours(other));
}

/* Bits 47 (four levels) or 56 (five) up must be alike. */
static void a_gate_to_no_address(void **state)
{
	struct fault_guest *fault = create(state);
	bool la57 = fault->guest->kind->format->nlevels == 5;
	uint64_t end = UINT64_C(1) << (la57 ? 56 : 47);

	fault_guest_set_gate(fault, 39, end);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_machine(fault, "faultpath-gate-target",
		       "gate 39 (interrupt) of the IDT at 0xfffffe0000000000 "
		       "leads to ");
	assert_int_equal(count_ours(fault), 1);

	fault_guest_destroy(fault);
	fault = create(state);
	fault_guest_set_gate(fault, 39, end - 1);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(count(fault, "faultpath-gate-target", fault_guest_victim(fault)) ==
		    1);

	fault_guest_destroy(fault);
	fault = create(state);
	fault_guest_set_gate(fault, 14, UINT64_C(0x0343cfff810001b0));
	fault_guest_audit(fault, FAULT_LAZY);
	expect_doubt(fault, "faultpath-pf-target",
		     "which is no address that can be mapped");
	fault_guest_destroy(fault);
}

/* A table that begins below the upper half and ends in it. */
static void a_table_at_no_address(void **state)
{
	struct fault_guest *fault = create(state);
	bool la57 = fault->guest->kind->format->nlevels == 5;
	uint64_t upper = -(UINT64_C(1) << (la57 ? 56 : 47));

	fault_guest_cpu(fault)->reg[X86_GDT + WS_SEGMENT_BASE] = upper - 16;
	fault_guest_audit(fault, FAULT_LAZY);
	expect_doubt(fault, "faultpath-gdt",
		     "(GDTR), which is no address that can be mapped even in init_mm");
	fault_guest_destroy(fault);
}

/* i386 without CONFIG_DOUBLEFAULT leaves the descriptor empty; one that holds something
 * else somebody has written. */
static void a_double_fault_without_a_task(void **state)
{
	for (unsigned empty = 0; empty < 2; empty++) {
		struct fault_guest *fault = create(state);

		memset(fault->guest->memory + fault->gdt.pa + 0xf8, 0, 8);
		fault->guest->memory[fault->gdt.pa + 0xf8] = !empty;
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(expect_machine(fault, "faultpath-double-fault",
						"selector 0xf8, which is no TSS")
					 ->severity,
				 empty ? WS_WARNING : WS_FATAL);
		fault_guest_destroy(fault);
	}
}

/* ---- entry stacks, and kernels that have none ------------------------------------- */

/* The TSS in the direct map, as per-CPU data lay before 4.15. */
static void move_tss(struct fault_guest *fault)
{
	fault_guest_cpu(fault)->reg[X86_TR + WS_SEGMENT_BASE] =
		fault->guest->kind->page_offset + fault->tss.pa;
}

static void set_sp0(struct fault_guest *fault, uint64_t sp0)
{
	guest_put(fault->guest, fault->tss.pa + 4, sp0);
}

/* Of the idle task it was 0: nobody enters by it. In the entry area it is an error. */
static void no_sp0(void **state)
{
	for (unsigned old = 0; old < 2; old++) {
		struct fault_guest *fault = create(state);

		set_sp0(fault, 0);
		if (old)
			move_tss(fault);
		fault_guest_audit(fault, FAULT_LAZY);
		if (old)
			expect_none(fault);
		else
			expect_doubt(fault, "faultpath-entry-stack",
				     "the entry stack below 0 (TSS)");
		fault_guest_destroy(fault);
	}
}

/*
 * The current task's stack, which the victim does not see: nothing to it, unless it is
 * the victim that runs. In i386 kernels until 4.19 the TSS was in the entry area by then.
 */
static void sp0_of_the_current_task(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		bool moved = i & 1, runs = i & 2;
		struct fault_guest *fault = create(state);
		uint64_t victim = fault_guest_victim(fault);
		uint64_t top = fault_guest_stack(fault, 1).va; /* task 0's */

		set_sp0(fault, top);
		if (moved)
			move_tss(fault);
		fault_guest_hide_page(fault, victim, top - WS_FRAME_SIZE);
		fault_guest_open(fault, FAULT_LAZY);
		fault_guest_cpu(fault)->reg[X86_CR3] = victim;
		fault_guest_cpu(fault)->reg[X86_CS] = runs ? 0x33 : 0x10;
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(count(fault, "faultpath-entry-stack", victim), runs);
		assert_int_equal(
			count(fault, "faultpath-entry-stack", fault->guest->task[1].root),
			0);
		if (runs)
			expect_only(fault, "faultpath-entry-stack", victim,
				    "the current task's stack below ");
		fault_guest_destroy(fault);
	}
}

/* ---- each link, hidden page by page ----------------------------------------------- */

static void hide_one(void **state, size_t place, const char *rule, const char *part,
		     enum ws_verdict verdict)
{
	struct fault_guest *fault = create(state);
	const struct place *hidden = (const void *)((const char *)fault + place);
	const struct ws_finding *finding;

	fault_guest_hide_page(fault, fault_guest_victim(fault), hidden->va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, rule, fault_guest_victim(fault), part);
	expect_verdict(fault, fault_guest_victim(fault), verdict);
	finding = find(fault, rule, fault_guest_victim(fault));
	assert_true(finding->va <= hidden->va + 4095 && finding->last >= hidden->va);
	assert_int_equal(finding->here.end, WS_END_HOLE);
	assert_int_equal(finding->there.end, WS_END_PAGE);
	assert_int_equal(finding->here.root, fault_guest_victim(fault));
	fault_guest_destroy(fault);
}

static void the_idt(void **state)
{
	hide_one(state, offsetof(struct fault_guest, idt), "faultpath-idt", "the IDT at",
		 WS_DOUBLE_FAULTS);
}

static void the_gdt(void **state)
{
	hide_one(state, offsetof(struct fault_guest, gdt), "faultpath-gdt", "the GDT at",
		 WS_DOUBLE_FAULTS);
}

static void the_tss(void **state)
{
	hide_one(state, offsetof(struct fault_guest, tss), "faultpath-tss", "the TSS at",
		 WS_DOUBLE_FAULTS);
}

static void the_entry_stack(void **state)
{
	hide_one(state, offsetof(struct fault_guest, entry_stack),
		 "faultpath-entry-stack", "is not mapped here (PTE ", WS_DOUBLE_FAULTS);
}

static void the_page_fault_handler(void **state)
{
	hide_one(state, offsetof(struct fault_guest, pf_handler), "faultpath-pf-target",
		 "gate 14 (#PF) leads to asm_exc_page_fault at ", WS_NESTS);
}

static void what_the_handler_calls(void **state)
{
	hide_one(state, offsetof(struct fault_guest, exc_page_fault),
		 "faultpath-pf-reach", "exc_page_fault at ", WS_NESTS);
}

/* A function that begins at the end of one page goes on in the next. */
static void the_handlers_second_page(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t second = (fault->pf_handler.va + 0xfff) & ~UINT64_C(0xfff);
	char from[64];

	fault_guest_hide_page(fault, fault_guest_victim(fault), second);
	fault_guest_audit(fault, FAULT_LAZY);
	snprintf(from, sizeof(from), "which from %#lx on is not mapped", second);
	expect_only(fault, "faultpath-pf-target", fault_guest_victim(fault), from);
	expect_verdict(fault, fault_guest_victim(fault), WS_NESTS);
	fault_guest_destroy(fault);
}

/* Without symbols nobody knows how far a function goes: its first byte is looked at. */
static void only_first_bytes_without_symbols(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t second = (fault->pf_handler.va + 0xfff) & ~UINT64_C(0xfff);

	fault_guest_hide_page(fault, fault_guest_victim(fault), second);
	fault_guest_audit(fault, FAULT_NO_SYMBOLS);
	assert_int_equal(count(fault, "faultpath-pf-target", fault_guest_victim(fault)),
			 0);
	fault_guest_destroy(fault);

	fault = create(state);
	fault_guest_hide_page(fault, fault_guest_victim(fault), fault->pf_handler.va);
	fault_guest_audit(fault, FAULT_NO_SYMBOLS);
	expect_only(fault, "faultpath-pf-target", fault_guest_victim(fault),
		    "leads to 0x");
	fault_guest_destroy(fault);
}

static void entry_text_in_between(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t third = fault->entry_text.va + 0x3000; /* no gate leads there */

	fault_guest_hide_page(fault, fault_guest_victim(fault), third);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-entry-text", fault_guest_victim(fault), " from ");
	expect_verdict(fault, fault_guest_victim(fault), WS_NESTS);
	fault_guest_destroy(fault);
}

static void other_handlers_are_weighed_apart(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);
	const struct ws_finding *finding;
	unsigned fatal = 0, n = 0;

	fault_guest_hide_page(fault, victim, fault->gp_handler.va);
	fault_guest_audit(fault, FAULT_LAZY);
	ws_vec_each(&fault->audit->findings, f) {
		if (strcmp(f->rule->id, "faultpath-gate-target"))
			continue;
		fatal += f->severity == WS_FATAL;
		n++;
	}
	assert_int_equal(n, 2); /* #GP and NMI: both lie in that page */
	assert_int_equal(fatal, 1);
	finding = find(fault, "faultpath-gate-target", victim);
	expect_text(finding->text, "gate 2 (NMI) leads to asm_exc_nmi");
	assert_int_equal(count(fault, "faultpath-df-target", victim), is_wide(fault));
	fault_guest_destroy(fault);
}

static void gates_of_one_page_are_reported_together(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);

	fault_guest_hide_page(fault, victim, fault->entry_text.va);
	fault_guest_audit(fault, FAULT_NOT_LAZY);
	/* #DB and #MC apart; the rest of that page together; x86-64's #VC too */
	assert_int_equal(count(fault, "faultpath-gate-target", victim),
			 is_wide(fault) ? 4 : 3);
	ws_vec_each(&fault->audit->findings, f)
		if (strstr(f->text, "0, 3 to 7, 10 to 12, 16 to 17, 19, 32 to 255"))
			return fault_guest_destroy(fault);
	fail_msg("no finding reports all those gates");
}

/* ---- rights ------------------------------------------------------------------------ */

static void a_handler_that_may_not_be_executed(void **state)
{
	struct fault_guest *fault = create(state);

	fault_guest_change_page(fault, fault_guest_victim(fault), fault->pf_handler.va,
				XD, 0);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-pf-target", fault_guest_victim(fault),
		    "may not be executed here");
	expect_verdict(fault, fault_guest_victim(fault), WS_NESTS);
	fault_guest_destroy(fault);
}

static void a_stack_that_may_not_be_written(void **state)
{
	for (int wp = 0; wp < 2; wp++) {
		struct fault_guest *fault = create(state);
		uint64_t victim = fault_guest_victim(fault);

		fault_guest_change_page(fault, victim, fault->entry_stack.va, 0, RW);
		if (!wp)
			fault_guest_cpu(fault)->reg[X86_CR0] &= ~(UINT64_C(1) << 16);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(count(fault, "faultpath-entry-stack", victim), wp);
		if (wp)
			expect_only(fault, "faultpath-entry-stack", victim,
				    "may not be written here");
		fault_guest_destroy(fault);
	}
}

/* All levels must grant it; the upper ones of the small guest do. */
static void a_users_page(void **state)
{
	for (int kept = 0; kept < 2; kept++) {
		struct fault_guest *fault = create(state);
		uint64_t victim = fault_guest_victim(fault);

		fault_guest_change_page(fault, victim, fault->pf_handler.va, US, 0);
		fault_guest_change_page(fault, victim, fault->gdt.va, US, 0);
		if (!kept)
			fault_guest_cpu(fault)->reg[X86_CR4] = 0;
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(count(fault, "faultpath-pf-target", victim), kept);
		assert_int_equal(count(fault, "faultpath-gdt", victim), kept);
		fault_guest_destroy(fault);
	}
}

/* ---- stacks ------------------------------------------------------------------------ */

static void a_tasks_own_stack(void **state)
{
	struct fault_guest *fault = create(state);
	struct place stack = fault_guest_stack(fault, fault->guest->victim);

	fault_guest_hide_page(fault, fault_guest_victim(fault),
			      stack.va + fault->stack_size - 1);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-task-stack", fault_guest_victim(fault),
		    "victim at");
	expect_verdict(fault, fault_guest_victim(fault), WS_DOUBLE_FAULTS);
	fault_guest_destroy(fault);
}

/* Another's stack: it matters where spaces differ, at the private level. */
static void other_tasks_stacks(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);
	const struct ws_finding *finding;

	fault_guest_hide(fault, victim, fault->stacks.va);
	fault_guest_audit(fault, FAULT_LAZY);
	finding = find(fault, "faultpath-task-stack", victim);
	expect_text(finding->text, "the kernel stack of");
	assert_true(count(fault, "faultpath-task-stack", victim) >= 2);
	expect_verdict(fault, victim, WS_DOUBLE_FAULTS);
	fault_guest_destroy(fault);
}

static void stacks_of_gates(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);

	fault_guest_hide_page(fault, victim, fault->nmi_stack.va);
	fault_guest_audit(fault, FAULT_LAZY);
	if (is_wide(fault)) {
		expect_only(fault, "faultpath-ist-stack", victim,
			    "the stack of gate 2 (NMI), IST 2");
		expect_verdict(fault, victim, WS_DOUBLE_FAULTS);
	} else {
		assert_int_equal(count(fault, "faultpath-ist-stack", victim), 0);
	}
	fault_guest_destroy(fault);
}

/* ---- the double fault ------------------------------------------------------------- */

static void the_double_faults_stack_or_task(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);

	fault_guest_hide_page(fault, victim, fault->df_stack.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-double-fault", victim,
		    is_wide(fault) ? "the stack of gate 8 (#DF), IST 1"
				   : "the TSS of #DF");
	expect_verdict(fault, victim, WS_DIVERGES);
	fault_guest_destroy(fault);
}

static void the_double_faults_own_space(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);

	guest_put32(fault->guest, fault->df_tss.pa + 28, (uint32_t)victim);
	fault_guest_hide_page(fault, victim, fault->df_handler.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-df-target", victim,
		    "in the double fault's own space, the handler");
	fault_guest_destroy(fault);
}

static void a_double_fault_that_leads_nowhere(void **state)
{
	struct fault_guest *fault = create(state);

	memset(fault->guest->memory + fault->gdt.pa + 0xf8, 0, 8);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-double-fault", fault->guest->swapper,
		    "selector 0xf8, which is no TSS");
	fault_guest_destroy(fault);

	fault = create(state);
	guest_put32(fault->guest, fault->df_tss.pa + 28, 0x00abc000);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_none(fault);
	assert_true(has_note(fault, "has CR3 0xabc000"));
	fault_guest_destroy(fault);
}

/* ---- PTI's user halves ------------------------------------------------------------ */

static void the_user_half(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t user = fault_guest_victim(fault) + WS_FRAME_SIZE;

	fault_guest_hide_page(fault, user, fault->entry_text.va + 0x3000);
	fault_guest_hide_page(fault, user, fault->exc_page_fault.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-pti-entry", user, "the entry text, ");
	assert_int_equal(count(fault, "faultpath-pf-reach", user), 0);
	expect_verdict(fault, user, WS_NESTS);
	expect_verdict(fault, user - WS_FRAME_SIZE, WS_COHERENT);
	fault_guest_destroy(fault);
}

static void tables_in_the_user_half(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t user = fault_guest_victim(fault) + WS_FRAME_SIZE;

	fault_guest_hide_page(fault, user, fault->idt.va);
	fault_guest_hide_page(fault, user, fault->entry_stack.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-idt", user, "the IDT");
	expect_only(fault, "faultpath-entry-stack", user, "the entry stack");
	expect_verdict(fault, user, WS_DOUBLE_FAULTS);
	fault_guest_destroy(fault);
}

/* ---- handlers that are not the kernel's ------------------------------------------- */

static void add_module(struct fault_guest *fault)
{
	struct ws_module *module = ws_vec_push(&fault->system->modules);

	assert_non_null(module);
	strcpy(module->name, "naughty");
	module->nregions = 1;
	module->region[0] = (struct ws_region){ fault->guest->kind->module, 0x1000 };
}

static void a_handler_in_a_module(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);
	const struct ws_finding *finding;

	fault_guest_set_gate(fault, 14, fault->guest->kind->module + 0x10);
	fault_guest_open(fault, FAULT_LAZY);
	add_module(fault);
	fault_guest_audit(fault, FAULT_LAZY);
	finding = find(fault, "faultpath-foreign-handler", fault->guest->swapper);
	expect_text(finding->text, "in module naughty");
	assert_int_equal(finding->severity, WS_WARNING);
	if (!fault->guest->kind->pti)
		assert_int_equal(count_ours(fault), 1);
	expect_verdict(fault, victim, WS_COHERENT);
	/* of the user halves none has module memory: each of them is lost */
	if (fault->guest->kind->pti)
		expect_verdict(fault, victim + WS_FRAME_SIZE, WS_NESTS);

	if (fault->guest->kind->own_kernel) {
		fault_guest_hide(fault, victim, fault->guest->kind->module);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_int_equal(count(fault, "faultpath-pf-target", victim), 1);
		assert_int_equal(count(fault, "faultpath-pf-reach", victim), 1);
		assert_int_equal(count(fault, "coherence-missing", victim), 1);
		expect_verdict(fault, victim, WS_NESTS);
	}
	fault_guest_destroy(fault);
}

static void gates_that_are_not_there(void **state)
{
	struct fault_guest *fault = create(state);
	unsigned size = is_wide(fault) ? 16 : 8;

	memset(fault->guest->memory + fault->idt.pa + 13 * size, 0, size);
	memset(fault->guest->memory + fault->idt.pa + 14 * size, 0, size);
	memset(fault->guest->memory + fault->idt.pa + 22 * size, 0, size);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-gate-target", fault->guest->swapper,
		    "gate 13 (#GP) of the IDT at");
	expect_doubt(fault, "faultpath-gate-target", "is not present");
	expect_doubt(fault, "faultpath-pf-target", "is not present");
	fault_guest_destroy(fault);

	fault = create(state);
	fault_guest_cpu(fault)->reg[X86_IDT + WS_SEGMENT_LIMIT] = 14 * size - 1;
	fault_guest_audit(fault, FAULT_LAZY);
	expect_doubt(fault, "faultpath-pf-target", "lies beyond the limit");
	fault_guest_destroy(fault);
}

/*
 * Registers that lead nowhere, in init_mm too; but not where init_mm alone has the hole.
 */
static void a_register_that_leads_nowhere(void **state)
{
	static const struct {
		unsigned segment;
		const char *rule, *source;
	} sorts[] = {
		{ X86_IDT, "faultpath-idt", "(IDTR), which is not mapped" },
		{ X86_GDT, "faultpath-gdt", "(GDTR), which is not mapped" },
		{ X86_TR, "faultpath-tss", "(TR), which is not mapped" },
	};

	for (size_t i = 0; i < WS_ARRAY_SIZE(sorts); i++) {
		struct fault_guest *fault = create(state);

		fault_guest_cpu(fault)->reg[sorts[i].segment + WS_SEGMENT_BASE] +=
			0x20000; /* of the entry area, and not mapped */
		fault_guest_audit(fault, FAULT_LAZY);
		expect_doubt(fault, sorts[i].rule, sorts[i].source);
		fault_guest_destroy(fault);
	}
}

/* What the loaded table serves, the processor can have run with. */
static void a_table_that_only_the_loaded_one_has(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);

	fault_guest_cpu(fault)->reg[X86_CR3] = victim;
	fault_guest_hide(fault, fault->guest->swapper, fault->idt.va);
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(count(fault, "faultpath-idt", fault->guest->swapper) > 0);
	assert_false(has_note(fault, "cannot have run like this"));
	fault_guest_destroy(fault);
}

/* P, DPL, S, and the types of SDM 3.4.5.1: what is no segment of that sort. */
static void a_segment_that_is_none(void **state)
{
	struct fault_guest *fault = create(state);
	const bool wide = is_wide(fault);
	const uint64_t bad_64[] = { 0,
				    0x00af1b000000ffff,
				    0x00affb000000ffff,
				    0x00af8b000000ffff,
				    0x00af93000000ffff,
				    0x00cf9b000000ffff,
				    0x00ef9b000000ffff };
	const uint64_t bad_32[] = { 0, 0x00cf1b000000ffff, 0x00cffb000000ffff,
				    0x00cf8b000000ffff, 0x00cf93000000ffff };
	size_t n = wide ? WS_ARRAY_SIZE(bad_64) : WS_ARRAY_SIZE(bad_32);

	fault_guest_destroy(fault);
	for (size_t i = 0; i < n; i++) {
		fault = create(state);
		guest_put(fault->guest, fault->gdt.pa + (wide ? 0x10 : 0x60),
			  wide ? bad_64[i] : bad_32[i]);
		if (!wide)
			guest_put32(fault->guest, fault->gdt.pa + 0x64,
				    (uint32_t)(bad_32[i] >> 32));
		fault_guest_audit(fault, FAULT_LAZY);
		expect_doubt(fault, "faultpath-segment", "gate 14 names selector ");
		fault_guest_destroy(fault);
	}
	fault = create(state);
	fault_guest_cpu(fault)->reg[X86_GDT + WS_SEGMENT_LIMIT] = wide ? 0x16 : 0x66;
	fault_guest_audit(fault, FAULT_LAZY);
	expect_doubt(fault, "faultpath-segment", "gate 14 names selector ");
	fault_guest_destroy(fault);
}

static void a_stack_segment_that_is_none(void **state)
{
	struct fault_guest *fault = create(state);

	memset(fault->guest->memory + fault->gdt.pa + 0x68, 0, 8);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_doubt(fault, "faultpath-segment", "the TSS names selector 0x68");
	fault_guest_destroy(fault);
}

/* ---- knowing less ----------------------------------------------------------------- */

static void without_registers(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);

	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	fault_guest_hide_page(fault, victim, fault->gdt.va);
	fault_guest_open(fault, FAULT_LAZY);
	guest_forget_registers(fault_guest_cpu(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(has_note(fault, "keeps no processor's control registers"));
	assert_int_equal(count(fault, "faultpath-pf-target", victim), 1);
	assert_int_equal(count(fault, "faultpath-gdt", victim), 0);
	fault_guest_destroy(fault);

	fault = create(state);
	memset(fault->guest->memory + fault->idt.pa, 0, WS_FRAME_SIZE);
	fault_guest_open(fault, FAULT_LAZY);
	guest_forget_registers(fault_guest_cpu(fault));
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(has_note(fault, "no IDT was found"));
	assert_int_equal(count_ours(fault), 0);
	expect_verdict(fault, fault_guest_victim(fault), WS_UNKNOWN);
	fault_guest_destroy(fault);
}

static void forget_table(struct ws_cpu *cpu, unsigned segment)
{
	unsigned number = segment + WS_SEGMENT_BASE;

	cpu->known[number / 64] &= ~(UINT64_C(1) << number % 64);
}

/* VMware's snapshots lack GDTR and TR, Xen's cores IDTR as well. */
static void what_registers_are_missing(void **state)
{
	static const struct {
		unsigned n;
		const char *words;
	} lacking[] = { { 1, "no processor's TR:" },
			{ 2, "no processor's GDTR and TR:" },
			{ 3, "no processor's IDTR, GDTR and TR:" } };
	static const unsigned segments[] = { X86_TR, X86_GDT, X86_IDT };

	for (size_t i = 0; i < WS_ARRAY_SIZE(lacking); i++) {
		struct fault_guest *fault = create(state);
		struct ws_machine *machine;

		fault_guest_open(fault, FAULT_LAZY);
		for (unsigned s = 0; s < lacking[i].n; s++)
			forget_table(fault_guest_cpu(fault), segments[s]);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_true(has_note(fault, lacking[i].words));
		assert_false(has_note(fault, "control registers"));
		assert_int_equal(ws_machine_create(fault->audit, &machine),
				 WS_ERR_UNSUPPORTED);
		assert_non_null(
			strstr(ws_error(fault->guest->target.ctx, 0), lacking[i].words));
		fault_guest_destroy(fault);
	}
}

static void a_processor_that_does_not_page(void **state)
{
	struct fault_guest *fault = create(state);
	struct ws_cpu *cpu;

	cpu = ws_vec_push(&fault->guest->target.cpus);
	assert_non_null(cpu);
	*cpu = (struct ws_cpu){ .arch = fault_guest_cpu(fault)->arch };
	memset(cpu->known, 0xff, sizeof(cpu->known));
	cpu->reg[X86_IDT + WS_SEGMENT_LIMIT] = 0x3ff;
	fault_guest_audit(fault, FAULT_LAZY);
	expect_none(fault);
	fault_guest_destroy(fault);
}

static void an_idt_that_was_given_up(void **state)
{
	struct fault_guest *fault = create(state);

	x86_set_segment(fault_guest_cpu(fault), X86_IDT, &(struct x86_segment){ 0 });
	x86_set_segment(fault_guest_cpu(fault), X86_GDT, &(struct x86_segment){ 0 });
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(has_note(fault, "has given up its IDT"));
	expect_none(fault);
	fault_guest_destroy(fault);
}

/* A second processor's own tables are its own findings; the IDT is both's. */
static void two_processors(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t victim = fault_guest_victim(fault);
	struct ws_cpu *second = ws_vec_push(&fault->guest->target.cpus);

	assert_non_null(second);
	*second = *fault_guest_cpu(fault);
	second->reg[X86_TR + WS_SEGMENT_BASE] =
		fault->nmi_stack.va; /* any page of its own */
	fault_guest_hide_page(fault, victim, fault->idt.va);
	fault_guest_hide_page(fault, victim, fault->tss.va);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-idt", victim, "the IDT");
	assert_int_equal(find(fault, "faultpath-idt", victim)->cpu, -1);
	assert_int_equal(count(fault, "faultpath-tss", victim), 1);
	assert_int_equal(find(fault, "faultpath-tss", victim)->cpu, 0);
	fault_guest_destroy(fault);
}

/* ---- a large page here, a table there --------------------------------------------- */

/* init_mm maps text by one large page; the victim by a table with a hole in it. */
static void a_hole_under_a_large_page(void **state)
{
	struct fault_guest *fault = create(state);
	struct guest *guest = fault->guest;
	uint64_t victim = fault_guest_victim(fault), entry;

	uint64_t large = guest_private_entry(guest, guest->swapper, fault->pf_handler.va);

	fault_guest_hide_page(fault, victim, fault->pf_handler.va);
	entry = guest_pa(guest, fault->pf_handler.va & ~UINT64_C(0x3fffff));
	guest_put32(guest, large, (uint32_t)entry | 0x83);
	fault_guest_audit(fault, FAULT_LAZY);
	expect_only(fault, "faultpath-pf-target", victim, "is not mapped here");
	assert_int_equal(count(fault, "coherence-missing", victim), 1);
	fault_guest_destroy(fault);
}

/* ---- nonsense --------------------------------------------------------------------- */

static uint64_t nonsense(struct random *random, const struct fault_guest *fault)
{
	static const uint64_t odd[] = { 0,
					1,
					4095,
					4096,
					UINT32_MAX,
					UINT64_MAX,
					UINT64_MAX - 4094,
					UINT64_C(0x7ffffffff000),
					UINT64_C(0x800000000000) };

	if (random_percent(random, 40))
		return odd[random_below(random, WS_ARRAY_SIZE(odd))];
	if (random_percent(random, 50))
		return random_next(random);
	return fault->guest->kind->page_offset + random_below(random, GUEST_MEMORY);
}

static void garble_registers(struct random *random, struct fault_guest *fault)
{
	struct ws_cpu *cpu = fault_guest_cpu(fault);
	static const enum x86_register segments[] = { X86_IDT, X86_GDT, X86_TR };

	for (size_t i = 0; i < WS_ARRAY_SIZE(segments); i++) {
		if (random_percent(random, 60))
			cpu->reg[segments[i] + WS_SEGMENT_BASE] = nonsense(random, fault);
		if (random_percent(random, 30))
			cpu->reg[segments[i] + WS_SEGMENT_LIMIT] =
				(uint32_t)nonsense(random, fault);
	}
}

static void garble_memory(struct random *random, struct fault_guest *fault)
{
	static const size_t places[] = { offsetof(struct fault_guest, idt),
					 offsetof(struct fault_guest, gdt),
					 offsetof(struct fault_guest, tss),
					 offsetof(struct fault_guest, df_tss) };

	for (size_t i = 0; i < WS_ARRAY_SIZE(places); i++) {
		const struct place *place = (const void *)((char *)fault + places[i]);

		for (unsigned n = random_below(random, 64); n--;)
			fault->guest->memory[place->pa + random_below(random, 104)] =
				(uint8_t)random_next(random);
	}
}

static void nonsense_does_no_harm(void **state)
{
	struct random random = { random_seed() };
	unsigned rounds = random_rounds(6);

	for (unsigned round = 0; round < rounds; round++) {
		struct fault_guest *fault = create(state);

		garble_memory(&random, fault);
		fault_guest_open(fault, round % 2 ? FAULT_LAZY : FAULT_NO_SYMBOLS);
		garble_registers(&random, fault);
		fault_guest_audit(fault, FAULT_LAZY);
		assert_true(fault->audit->work < 1u << 24);
		fault_guest_destroy(fault);
	}
}

/* So many processors with so many IDTs that a loop over all would not end. */
static void many_processors(void **state)
{
	struct fault_guest *fault = create(state);

	for (unsigned i = 0; i < 9000; i++) {
		struct ws_cpu *cpu = ws_vec_push(&fault->guest->target.cpus);

		assert_non_null(cpu);
		*cpu = *fault_guest_cpu(fault);
		cpu->reg[X86_IDT + WS_SEGMENT_LIMIT] = i;
	}
	fault_guest_audit(fault, FAULT_LAZY);
	assert_true(has_note(fault, "IDTs differ"));
	assert_true(fault->audit->work < 1u << 24);
	fault_guest_destroy(fault);
}

/* ---- all kinds x all cases -------------------------------------------------------- */

static const struct guest_case cases[] = {
	{ "nothing is wrong", nothing_is_found },
	{ "gates that nobody uses", unused_gates_may_lead_anywhere },
	{ "a gate that leads nowhere", a_gate_that_leads_nowhere },
	{ "a gate that the victim lacks", a_gate_that_the_victim_lacks },
	{ "a gate that user mode may use", a_gate_that_user_mode_may_use },
	{ "a gate that another processor uses", a_gate_that_another_processor_uses },
	{ "a gate of unknown use", a_gate_of_unknown_use },
	{ "a stack of an unused gate", a_stack_of_an_unused_gate, GUEST_64_BITS },
	{ "a stack that two gates share", a_stack_that_two_gates_share, GUEST_64_BITS },
	{ "a processor without gates", a_processor_without_gates },
	{ "a gate to no address", a_gate_to_no_address, GUEST_64_BITS },
	{ "a table at no address", a_table_at_no_address, GUEST_64_BITS },
	{ "a double fault without a task", a_double_fault_without_a_task, GUEST_32_BITS },
	{ "no sp0", no_sp0, GUEST_NO_PTI },
	{ "sp0 of the current task", sp0_of_the_current_task,
	  GUEST_NO_PTI | GUEST_MOST_4_LEVELS },
	{ "the IDT", the_idt },
	{ "the GDT", the_gdt },
	{ "the TSS", the_tss },
	{ "the entry stack", the_entry_stack },
	{ "the page fault's handler", the_page_fault_handler },
	{ "the page fault's handler, second page", the_handlers_second_page },
	{ "what the handler calls", what_the_handler_calls },
	{ "first bytes, without symbols", only_first_bytes_without_symbols },
	{ "entry text without a gate", entry_text_in_between },
	{ "other handlers are weighed apart", other_handlers_are_weighed_apart },
	{ "gates of one page are reported together",
	  gates_of_one_page_are_reported_together },
	{ "a handler not executable", a_handler_that_may_not_be_executed, GUEST_NX },
	{ "a stack not writable", a_stack_that_may_not_be_written },
	{ "a user's page, SMEP and SMAP", a_users_page },
	{ "a task's own stack", a_tasks_own_stack },
	{ "other tasks' stacks", other_tasks_stacks, GUEST_OWN_KERNEL },
	{ "stacks of gates", stacks_of_gates },
	{ "the double fault's stack or task", the_double_faults_stack_or_task },
	{ "the double fault's own space", the_double_faults_own_space, GUEST_32_BITS },
	{ "a double fault that leads nowhere", a_double_fault_that_leads_nowhere,
	  GUEST_32_BITS },
	{ "entry text in the user half", the_user_half, GUEST_PTI },
	{ "tables in the user half", tables_in_the_user_half, GUEST_PTI },
	{ "a handler in a module", a_handler_in_a_module },
	{ "gates that are not there", gates_that_are_not_there },
	{ "a register that leads nowhere", a_register_that_leads_nowhere, 0 },
	{ "only the loaded table", a_table_that_only_the_loaded_one_has,
	  GUEST_OWN_KERNEL },
	{ "a segment that is none", a_segment_that_is_none, 0 },
	{ "a stack segment that is none", a_stack_segment_that_is_none, GUEST_32_BITS },
	{ "without registers", without_registers },
	{ "what registers are missing", what_registers_are_missing },
	{ "a processor that does not page", a_processor_that_does_not_page },
	{ "an IDT that was given up", an_idt_that_was_given_up },
	{ "two processors", two_processors },
	{ "a hole under a large page", a_hole_under_a_large_page, GUEST_I386 },
	{ "nonsense does no harm", nonsense_does_no_harm },
	{ "many processors", many_processors },
};

int main(void)
{
	return guest_run_cases("fault path", cases, WS_ARRAY_SIZE(cases));
}
