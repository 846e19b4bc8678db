/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What on a kernel stack leads into code, and what is an exception frame. */
#include "audit_guest.h"
#include "x86/registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TASK 3
#define AT 0x800 /* where on its stack a test writes */

struct stage {
	struct fault_guest *fault;
	struct ws_kernel_stack stack;
};

static struct stage begin(void **state)
{
	return (struct stage){ .fault = audit_guest_create(*state) };
}

static void put(struct stage *stage, uint64_t at, uint64_t word)
{
	guest_put(stage->fault->guest, fault_guest_stack(stage->fault, TASK).pa + at,
		  word);
}

static void read_stack(struct stage *stage)
{
	if (!stage->fault->system)
		fault_guest_open(stage->fault, FAULT_LAZY);
	assert_int_equal(ws_system_task_stack(stage->fault->system, TASK, &stage->stack),
			 WS_OK);
	assert_int_equal(stage->stack.va, fault_guest_stack(stage->fault, TASK).va);
	assert_int_equal(stage->stack.task, TASK);
}

static void end(struct stage *stage)
{
	ws_kernel_stack_release(&stage->stack);
	fault_guest_destroy(stage->fault);
}

static const struct ws_stack_word *word_at(const struct stage *stage, uint64_t at)
{
	for (size_t i = 0; i < stage->stack.nwords; i++)
		if (stage->stack.words[i].va == stage->stack.va + at)
			return &stage->stack.words[i];
	return NULL;
}

/* A word into a function is listed, one far behind the last or into data is not. */
static void test_words(void **state)
{
	struct stage stage = begin(state);
	const struct fault_guest *fault = stage.fault;
	const unsigned word = fault->guest->word;
	const uint64_t values[] = {
		fault->exc_page_fault.va + 7,
		fault_guest_stack(fault, TASK).va, /* data */
		fault->guest->kind->page_offset + 0x1000,
		0x1234,
		fault->exc_page_fault.va,
	};

	for (unsigned i = 0; i < WS_ARRAY_SIZE(values); i++)
		put(&stage, AT + i * word, values[i]);
	read_stack(&stage);
	assert_non_null(word_at(&stage, AT));
	assert_int_equal(word_at(&stage, AT)->value, values[0]);
	assert_false(word_at(&stage, AT)->is_frame);
	for (unsigned i = 1; i < 4; i++)
		assert_null(word_at(&stage, AT + i * word));
	assert_non_null(word_at(&stage, AT + 4 * word));
	end(&stage);
}

/* error, IP, CS, flags, and in 64-bit mode SP and SS. */
static unsigned put_frame(struct stage *stage, uint64_t at, uint64_t ip, uint64_t flags)
{
	const unsigned word = stage->fault->guest->word;
	const bool wide = word == 8;
	const uint64_t words[] = { 0x10,
				   ip,
				   wide ? 0x10 : 0x60,
				   flags,
				   fault_guest_stack(stage->fault, TASK).va + at,
				   0x18 };

	for (unsigned i = 0; i < (wide ? 6 : 4); i++)
		put(stage, at + i * word, words[i]);
	return (wide ? 6 : 4) * word;
}

static void test_frame(void **state)
{
	struct stage stage = begin(state);
	uint64_t ip = stage.fault->exc_page_fault.va + 9;
	unsigned size = put_frame(&stage, AT, ip, 0x246);
	const struct ws_stack_word *found;

	put(&stage, AT + size, ip); /* a word right behind it */
	read_stack(&stage);
	found = word_at(&stage, AT);
	assert_non_null(found);
	assert_true(found->is_frame);
	assert_int_equal(found->value, ip);
	assert_int_equal(found->frame.error, 0x10);
	assert_int_equal(found->frame.flags, 0x246);
	assert_false(found->frame.user);
	/* its words are its own, and the one behind it is a word */
	assert_null(word_at(&stage, AT + stage.fault->guest->word));
	assert_non_null(word_at(&stage, AT + size));
	assert_false(word_at(&stage, AT + size)->is_frame);
	end(&stage);
}

/* Flags that no processor has, or a place that is no code, make no frame. */
static void test_no_frame(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct stage stage = begin(state);
		uint64_t ip = i ? stage.fault->guest->kind->page_offset + 0x1000
				: stage.fault->exc_page_fault.va + 9;

		put_frame(&stage, AT, ip, i ? 0x246 : 0x244);
		read_stack(&stage);
		assert_null(word_at(&stage, AT));
		assert_int_equal(word_at(&stage, AT + stage.fault->guest->word) != NULL,
				 !i);
		end(&stage);
	}
}

/* At the very end of the stack: what does not fit is none. */
static void test_top(void **state)
{
	struct stage stage = begin(state);
	uint64_t ip = stage.fault->exc_page_fault.va + 9;
	uint64_t size = stage.fault->stack_size;
	const unsigned word = stage.fault->guest->word;

	put(&stage, size - word, ip);
	read_stack(&stage);
	assert_int_equal(stage.stack.size, size);
	assert_non_null(word_at(&stage, size - word));
	end(&stage);
}

static void test_pointer(void **state)
{
	struct stage stage = begin(state);
	uint64_t sp = fault_guest_stack(stage.fault, TASK).va + AT;
	struct ws_cpu *cpu = fault_guest_cpu(stage.fault);

	read_stack(&stage);
	assert_true(stage.stack.has_sp);
	assert_false(stage.stack.is_running);
	assert_int_equal(stage.stack.sp, fault_guest_saved_sp(stage.fault, TASK));
	ws_kernel_stack_release(&stage.stack);
	ws_cpu_set(cpu, X86_SP, sp);
	ws_cpu_set(cpu, X86_CS, 0x10);
	read_stack(&stage);
	assert_true(stage.stack.is_running);
	assert_int_equal(stage.stack.sp, sp);
	ws_kernel_stack_release(&stage.stack);
	/* the same stack is the processor's */
	assert_int_equal(ws_system_cpu_stack(stage.fault->system, 0, &stage.stack),
			 WS_OK);
	assert_int_equal(stage.stack.task, TASK);
	end(&stage);
}

/* In user mode nothing on the task's stack is of use any more. */
static void test_user_mode(void **state)
{
	for (unsigned user = 0; user < 2; user++) {
		struct stage stage = begin(state);
		struct fault_guest *fault = stage.fault;
		uint64_t top = fault_guest_stack(fault, TASK).va + fault->stack_size;

		guest_put(fault->guest, fault->tss.pa + 12, top);
		fault_guest_open(fault, FAULT_LAZY);
		ws_cpu_set(fault_guest_cpu(fault), X86_IP, 0x1000);
		ws_cpu_set(fault_guest_cpu(fault), X86_SP, 0x2000);
		ws_cpu_set(fault_guest_cpu(fault), X86_CS, user ? 0x73 : 0x60);
		read_stack(&stage);
		assert_true(stage.stack.has_sp);
		assert_int_equal(stage.stack.sp == top, user);
		end(&stage);
	}
}

/* A processor on a stack that is no task's, and on none that is mapped. */
static void test_own_stack(void **state)
{
	struct stage stage = begin(state);
	struct fault_guest *fault = stage.fault;

	fault_guest_open(fault, FAULT_LAZY);
	ws_cpu_set(fault_guest_cpu(fault), X86_SP, fault->entry_stack.va + 0x80);
	ws_cpu_set(fault_guest_cpu(fault), X86_CS, 0x10);
	assert_int_equal(ws_system_cpu_stack(fault->system, 0, &stage.stack), WS_OK);
	assert_int_equal(stage.stack.task, WS_NO_TASK);
	assert_in_range(stage.stack.size, WS_FRAME_SIZE, 4 * WS_FRAME_SIZE);
	ws_kernel_stack_release(&stage.stack);
	ws_cpu_set(fault_guest_cpu(fault), X86_SP,
		   fault->guest->kind->page_offset + 4 * (uint64_t)GUEST_MEMORY);
	assert_int_equal(ws_system_cpu_stack(fault->system, 0, &stage.stack),
			 WS_ERR_UNKNOWN);
	assert_int_equal(ws_system_cpu_stack(fault->system, 1, &stage.stack),
			 WS_ERR_NOT_FOUND);
	end(&stage);
}

static void test_absent(void **state)
{
	struct stage stage = begin(state);

	put(&stage, AT, stage.fault->exc_page_fault.va);
	guest_leave_out(stage.fault->guest, fault_guest_stack(stage.fault, TASK).pa);
	read_stack(&stage);
	assert_int_equal(stage.stack.absent, WS_FRAME_SIZE);
	assert_null(word_at(&stage, AT));
	end(&stage);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "words that lead into code", test_words },
		{ "an exception frame", test_frame },
		{ "what is no frame", test_no_frame },
		{ "the last word", test_top },
		{ "the stack pointer", test_pointer },
		{ "a task in user mode", test_user_mode },
		{ "a stack of no task", test_own_stack },
		{ "a page that is absent", test_absent },
	};

	return guest_run_cases("stack_words", cases, WS_ARRAY_SIZE(cases));
}
