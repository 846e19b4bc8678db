/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each processor is at: its space, its task, the mm it has loaded, and its gates. */
#include "audit_guest.h"
#include "x86/registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Where the guest has nothing: what a processor has for itself. */
#define PA_UNIT (13u << 20)
#define AT 0x240 /* loaded_mm in it */

static struct fault_guest *create(void **state)
{
	struct fault_guest *fault = audit_guest_create(*state);

	ws_cpu_set(fault_guest_cpu(fault), X86_CS, 0x10); /* in the kernel */
	return fault;
}

static struct ws_cpu_state state_of(struct fault_guest *fault)
{
	struct ws_cpu_state state;

	if (!fault->system)
		fault_guest_open(fault, FAULT_LAZY);
	assert_int_equal(ws_system_cpu_state(fault->system, 0, &state), WS_OK);
	return state;
}

/* ---- space and task ----------------------------------------------------------------- */

static void test_space(void **state)
{
	struct fault_guest *fault = create(state);
	uint64_t root = fault_guest_victim(fault);
	struct ws_cpu_state at;

	fault_guest_cpu(fault)->reg[X86_CR3] = root;
	at = state_of(fault);
	assert_true(at.has_root);
	assert_int_equal(at.root, root);
	assert_int_equal(at.space, space_with_root(fault->system, root));
	fault_guest_cpu(fault)->reg[X86_CR3] = 14u << 20; /* nobody's */
	assert_int_equal(state_of(fault).space, WS_NO_SPACE);
	guest_forget_registers(fault_guest_cpu(fault));
	assert_false(state_of(fault).has_root);
	fault_guest_destroy(fault);
}

static void test_task(void **state)
{
	const unsigned task = 5;

	for (unsigned on_it = 0; on_it < 2; on_it++) {
		struct fault_guest *fault = create(state);
		uint64_t stack = fault_guest_stack(fault, task).va;
		struct ws_cpu_state at;

		guest_put(fault->guest, fault->tss.pa + 4, 0);
		guest_put(fault->guest, fault->tss.pa + 12, 0);
		ws_cpu_set(fault_guest_cpu(fault), X86_SP,
			   on_it ? stack + 0x100 : 0x1000);
		at = state_of(fault);
		assert_int_equal(at.has_thread, on_it);
		assert_int_equal(at.task, on_it ? task : WS_NO_TASK);
		if (on_it) {
			assert_int_equal(at.thread_pid, fault->guest->task[task].pid);
			assert_string_equal(at.thread_comm,
					    fault->guest->task[task].comm);
		}
		fault_guest_destroy(fault);
	}
}

static void test_no_such(void **state)
{
	struct fault_guest *fault = create(state);
	struct ws_cpu_state at;

	state_of(fault);
	assert_int_equal(ws_system_cpu_state(fault->system, 1, &at), WS_ERR_NOT_FOUND);
	assert_non_null(strstr(ws_error(fault->system->ctx, 0),
			       "there is no processor 1: the target keeps 1 processor"));
	fault_guest_destroy(fault);
}

/* ---- loaded_mm ---------------------------------------------------------------------- */

/* The processor's own memory, by its segment: symbols of 32-bit ones are in the image. */
static void set_unit(struct fault_guest *fault)
{
	const struct guest_kind *kind = fault->guest->kind;
	uint64_t va = kind->page_offset + PA_UNIT;
	bool wide = fault->guest->word == 8;

	struct x86_segment segment = { .base = wide ? va : (uint32_t)(va - kind->image) };

	x86_set_segment(fault_guest_cpu(fault), wide ? X86_GS : X86_FS, &segment);
}

static void put_word(struct fault_guest *fault, uint64_t at, uint64_t value)
{
	guest_put(fault->guest, PA_UNIT + at, value);
}

/* A cpu_tlbstate with mm, whose CR4 is so many words behind. */
static void put_tlbstate(struct fault_guest *fault, uint64_t at, uint64_t mm,
			 unsigned words)
{
	put_word(fault, at, mm);
	put_word(fault, at + (uint64_t)words * fault->guest->word,
		 fault_guest_cpu(fault)->reg[X86_CR4]);
}

static uint64_t victims_mm(const struct fault_guest *fault)
{
	return fault->guest->task[fault->guest->victim].mm;
}

static uint64_t another_mm(const struct fault_guest *fault)
{
	const struct guest *guest = fault->guest;

	for (unsigned i = 0; i < guest->ntasks; i++)
		if (guest->task[i].mm && guest->task[i].mm != victims_mm(fault))
			return guest->task[i].mm;
	return 0;
}

static struct fault_guest *with_unit(void **state)
{
	struct fault_guest *fault = create(state);

	set_unit(fault);
	fault_guest_cpu(fault)->reg[X86_CR4] |= X86_CR4_SMEP;
	return fault;
}

static void test_loaded(void **state)
{
	static const struct {
		unsigned words;
		bool found;
	} cases[] = { { 2, false }, { 3, true }, { 8, true }, { 9, false } };

	for (unsigned i = 0; i < WS_ARRAY_SIZE(cases); i++) {
		struct fault_guest *fault = with_unit(state);
		struct ws_cpu_state at;

		put_tlbstate(fault, AT, victims_mm(fault), cases[i].words);
		at = state_of(fault);
		assert_int_equal(at.has_loaded_mm, cases[i].found);
		if (cases[i].found) {
			assert_true(at.loaded_by_shape);
			assert_int_equal(at.loaded_mm, victims_mm(fault));
			assert_int_equal(at.loaded_space,
					 space_with_root(fault->system,
							 fault_guest_victim(fault)));
		}
		fault_guest_destroy(fault);
	}
}

/* Two that differ are none, two that say the same are one; an mm of nobody's is none. */
static void test_loaded_twice(void **state)
{
	for (unsigned i = 0; i < 3; i++) {
		struct fault_guest *fault = with_unit(state);
		const struct guest *guest = fault->guest;
		uint64_t other = i == 0   ? victims_mm(fault)
				 : i == 1 ? another_mm(fault)
					  : guest->kind->page_offset + 0x123450;

		put_tlbstate(fault, AT, victims_mm(fault), 4);
		put_tlbstate(fault, AT + 0x400, other, 4);
		assert_true(other);
		assert_int_equal(state_of(fault).has_loaded_mm, i != 1);
		fault_guest_destroy(fault);
	}
}

/* In user mode the segment is the user's own. */
static void test_loaded_in_user_mode(void **state)
{
	struct fault_guest *fault = with_unit(state);

	put_tlbstate(fault, AT, victims_mm(fault), 4);
	ws_cpu_set(fault_guest_cpu(fault), X86_CS, 0x33);
	assert_false(state_of(fault).has_loaded_mm);
	fault_guest_destroy(fault);
}

/* ---- entry points ------------------------------------------------------------------- */

static enum ws_evidence point_of(struct fault_guest *fault, unsigned n,
				 struct ws_entry_point *point)
{
	if (!fault->system)
		fault_guest_open(fault, FAULT_LAZY);
	return ws_system_entry_point(fault->system, fault_guest_cpu(fault), n, point);
}

static void test_gates(void **state)
{
	struct fault_guest *fault = create(state);
	bool wide = fault->guest->word == 8;
	struct ws_entry_point point;

	assert_int_equal(point_of(fault, 14, &point), WS_READ);
	assert_string_equal(point.name, "#PF");
	assert_string_equal(point.kind, "interrupt");
	assert_true(point.is_code);
	assert_int_equal(point.va, fault->pf_handler.va);
	assert_int_equal(point_of(fault, 8, &point), WS_READ);
	assert_string_equal(point.kind, wide ? "interrupt" : "task");
	assert_int_equal(point.is_code, wide);
	assert_int_equal(point.own_stack != 0, wide);
	assert_int_equal(point_of(fault, 255, &point), WS_READ);
	assert_int_equal(point_of(fault, 256, &point), WS_NOT_MAPPED);
	fault_guest_destroy(fault);
}

/* A limit that ends right behind gate 14, or a byte before its end. */
static void test_limit(void **state)
{
	for (unsigned less = 0; less < 2; less++) {
		struct fault_guest *fault = create(state);
		unsigned size = fault->guest->word == 8 ? 16 : 8;
		struct ws_entry_point point;

		fault_guest_cpu(fault)->reg[X86_IDT + WS_SEGMENT_LIMIT] =
			15 * size - 1 - less;
		assert_int_equal(point_of(fault, 14, &point),
				 less ? WS_NOT_MAPPED : WS_READ);
		assert_int_equal(point_of(fault, 13, &point), WS_READ);
		fault_guest_destroy(fault);
	}
}

static void test_absent(void **state)
{
	struct fault_guest *fault = create(state);
	struct ws_entry_point point;

	guest_leave_out(fault->guest, fault->idt.pa);
	assert_int_equal(point_of(fault, 14, &point), WS_ABSENT);
	fault_guest_destroy(fault);
	fault = create(state);
	guest_forget_registers(fault_guest_cpu(fault));
	assert_int_equal(point_of(fault, 14, &point), WS_ABSENT);
	fault_guest_destroy(fault);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "the space whose root is loaded", test_space },
		{ "the task whose stack it is on", test_task },
		{ "no such processor", test_no_such },
		{ "the loaded mm, by its shape", test_loaded },
		{ "two loaded mms", test_loaded_twice },
		{ "no loaded mm in user mode", test_loaded_in_user_mode },
		{ "gates", test_gates },
		{ "as far as the limit", test_limit },
		{ "an absent IDT", test_absent },
	};

	return guest_run_cases("processors", cases, WS_ARRAY_SIZE(cases));
}
