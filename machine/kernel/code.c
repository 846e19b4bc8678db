/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions: where they lie, what their bytes say, and what they are made of. */
#include "machine/kernel/code.h"
#include "machine/kernel/say.h"
#include "machine/segment.h"

#include <stdio.h>

/* clang-format off */
const struct code_row code_rows[CODES] = {
	[CODE_DEFAULT_IDLE] = { "default_idle", run_default_idle, false },
	[CODE_PAGE_FAULT] = { "page_fault", run_page_fault, false },
	[CODE_DO_PAGE_FAULT] = { "do_page_fault", run_do_page_fault, false },
	[CODE_HANDLE_MM_FAULT] = { "handle_mm_fault", run_handle_mm_fault, false },
	[CODE_FINISH_TASK_SWITCH] = { "finish_task_switch", run_finish_task_switch, false },
	[CODE_RET_FROM_EXCEPTION] = { "ret_from_exception", run_ret_from_exception, false },
	[CODE_EXCEPTION] = { "invalid_op", run_exception, false },
	[CODE_EXCEPTION_WITH_ERROR] = { "general_protection", run_exception_with_error, false },
	[CODE_DOUBLE_FAULT] = { "double_fault", run_double_fault, false },
	[CODE_FIXUP] = { "bad_user_access", run_fixup, false },
	[CODE_SYSTEM_CALL] = { "system_call", run_system_call, false },
	[CODE_SYSCALL_EXIT] = { "syscall_exit", run_syscall_exit, false },
	[CODE_SYS_READ] = { "sys_read", run_sys_read, true },
	[CODE_SYS_WRITE] = { "sys_write", run_sys_write, true },
	[CODE_SYS_OPEN] = { "sys_open", run_sys_open, false },
	[CODE_SYS_CLOSE] = { "sys_close", run_sys_close, false },
	[CODE_SYS_INIT_MODULE] = { "sys_init_module", run_sys_init_module, false },
	[CODE_SYS_DELETE_MODULE] = { "sys_delete_module", run_sys_delete_module, false },
	[CODE_FOLLOW_POINTER] = { "follow_pointer", run_follow_pointer, false },
	[CODE_MODULES_READ] = { "modules_read", run_modules_read, true },
	[CODE_INTERRUPT] = { "common_interrupt", run_interrupt, false },
	[CODE_RET_FROM_INTR] = { "ret_from_intr", run_ret_from_intr, false },
	[CODE_MODULE_INIT] = { "init", run_module_init, false },
	[CODE_MODULE_EXIT] = { "exit", run_module_exit, false },
	[CODE_MODULE_INTERRUPT] = { "interrupt", run_module_interrupt, false },
	[CODE_MODULE_OPEN] = { "open", run_module_open, false },
	[CODE_MODULE_READ] = { "read", run_module_read, true },
	[CODE_MODULE_WRITE] = { "write", run_module_write, true },
	[CODE_MODULE_RELEASE] = { "release", run_module_release, false },
	[CODE_MODULE_PROC_READ] = { "proc_read", run_module_proc_read, true },
	[CODE_MODULE_PAGE_FAULT] = { "page_fault", run_module_page_fault, false },
};
/* clang-format on */

/* ---- bytes ---- */

/* A four-byte NOP, the row, the argument. */
#define MARK 0x00401f0fu

/* Of common_interrupt there is one for each vector. */
uint64_t code_va(const struct kernel *kernel, enum code code)
{
	unsigned extra = code > CODE_INTERRUPT ? KERNEL_IRQS - 1 : 0;

	return kernel->layout.image + (code + extra) * CODE_SIZE;
}

void code_write(struct kernel *kernel, uint64_t va, enum code code, uint64_t argument)
{
	va_put(kernel, va, 4, MARK);
	va_put(kernel, va + 4, 4, code);
	va_put(kernel, va + 8, 8, argument);
}

static const struct code_row *row_of(uint64_t word)
{
	return (uint32_t)word == MARK && word >> 32 < CODES ? &code_rows[word >> 32]
							    : NULL;
}

const struct code_row *code_at(struct kernel *kernel, uint64_t va)
{
	return row_of(va_get(kernel, va, 8));
}

bool code_create(struct kernel *kernel)
{
	for (unsigned i = 0; i < KERNEL_IRQS; i++)
		code_write(kernel, code_va(kernel, CODE_INTERRUPT) + i * CODE_SIZE,
			   CODE_INTERRUPT, i);
	for (unsigned i = 0; i < CODE_OF_IMAGE; i++) {
		unsigned size = i == CODE_INTERRUPT ? KERNEL_IRQS * CODE_SIZE : CODE_SIZE;

		if (i != CODE_INTERRUPT)
			code_write(kernel, code_va(kernel, i), i, 0);
		if (!symbol_add(kernel, NULL, code_rows[i].name, code_va(kernel, i), size,
				'T'))
			return false;
	}
	return true;
}

bool code_step(struct kernel *kernel, struct processor *processor,
	       struct machine_event *event)
{
	struct machine_cpu *cpu = &processor->cpu;
	uint64_t ip = cpu->r.ip, sp = cpu->r.reg[MACHINE_REG_SP], word, argument;
	const struct code_row *row;

	if (!machine_load(cpu, ip, 8, MACHINE_FETCH, &word, event) ||
	    !machine_load(cpu, ip + 8, 8, MACHINE_FETCH, &argument, event))
		return false;
	row = row_of(word);
	if (!row) {
		say(kernel, processor, VOICE_PROCESSOR,
		    "what lies at %08" PRIx64 " is no code any more: #UD", ip);
		return raise(event, MACHINE_UD, 0);
	}
	if (row->run(kernel, processor, argument, event))
		return true;
	cpu->r.ip = ip;
	cpu->r.reg[MACHINE_REG_SP] = sp;
	return false;
}

/* ---- the stack ---- */

static uint64_t word_at(const struct kernel *kernel, const struct processor *processor,
			int64_t word)
{
	const struct machine_registers *r = &processor->cpu.r;
	uint64_t sp = r->reg[MACHINE_REG_SP] + (uint64_t)word * kernel->layout.word;

	return sp & segment_stack_mask(&processor->cpu, &r->seg[MACHINE_SEG_SS]);
}

bool stack_peek(struct kernel *kernel, struct processor *processor, unsigned word,
		uint64_t *value, struct machine_event *event)
{
	return machine_load(&processor->cpu, word_at(kernel, processor, word),
			    kernel->layout.word, MACHINE_READ | MACHINE_STACK, value,
			    event);
}

bool stack_poke(struct kernel *kernel, struct processor *processor, unsigned word,
		uint64_t value, struct machine_event *event)
{
	return machine_store(&processor->cpu, word_at(kernel, processor, word),
			     kernel->layout.word, MACHINE_WRITE | MACHINE_STACK, value,
			     event);
}

bool stack_push(struct kernel *kernel, struct processor *processor, uint64_t value,
		struct machine_event *event)
{
	uint64_t sp = word_at(kernel, processor, -1);

	if (!machine_store(&processor->cpu, sp, kernel->layout.word,
			   MACHINE_WRITE | MACHINE_STACK, value, event))
		return false;
	processor->cpu.r.reg[MACHINE_REG_SP] = sp;
	return true;
}

bool stack_pop(struct kernel *kernel, struct processor *processor, uint64_t *value,
	       struct machine_event *event)
{
	if (!stack_peek(kernel, processor, 0, value, event))
		return false;
	processor->cpu.r.reg[MACHINE_REG_SP] = word_at(kernel, processor, 1);
	return true;
}

/* ---- struct pt_regs ---- */

#define SEGMENT(which) (0x80 | MACHINE_SEG_##which)
#define REG(which) MACHINE_REG_##which

/* In the order of pushes: arch/x86/include/asm/ptrace.h from below. */
static const uint8_t order32[] = { SEGMENT(GS), SEGMENT(FS), SEGMENT(ES), SEGMENT(DS),
				   REG(AX),     REG(BP),     REG(DI),     REG(SI),
				   REG(DX),     REG(CX),     REG(BX) };
static const uint8_t order64[] = { REG(DI),     REG(SI),     REG(DX),     REG(CX),
				   REG(AX),     REG(R8),     REG(R8) + 1, REG(R8) + 2,
				   REG(R8) + 3, REG(BX),     REG(BP),     REG(R8) + 4,
				   REG(R8) + 5, REG(R8) + 6, REG(R8) + 7 };

static const uint8_t *order(const struct kernel *kernel)
{
	return kernel->layout.word == 8 ? order64 : order32;
}

unsigned registers_words(const struct kernel *kernel)
{
	return kernel->layout.word == 8 ? sizeof(order64) : sizeof(order32);
}

unsigned registers_ax(const struct kernel *kernel)
{
	return kernel->layout.word == 8 ? 10 : 6;
}

bool registers_push(struct kernel *kernel, struct processor *processor,
		    struct machine_event *event)
{
	const struct machine_registers *r = &processor->cpu.r;

	for (unsigned i = 0; i < registers_words(kernel); i++) {
		uint8_t which = order(kernel)[i];
		uint64_t value =
			which & 0x80 ? r->seg[which & 0x7f].selector : r->reg[which];

		if (!stack_push(kernel, processor, value, event))
			return false;
	}
	return true;
}

/* Segment registers keep their values: the kernel runs with the user's. */
bool registers_pop(struct kernel *kernel, struct processor *processor,
		   struct machine_event *event)
{
	struct machine_registers *r = &processor->cpu.r;
	uint64_t value;

	for (unsigned i = registers_words(kernel); i--;) {
		uint8_t which = order(kernel)[i];

		if (!stack_pop(kernel, processor, &value, event))
			return false;
		if (!(which & 0x80))
			r->reg[which] = value;
	}
	return true;
}

/* ---- IRET ---- */

/* SDM vol. 2A, IRET: the selector must be one that the kernel would have pushed. */
static bool load_returned(struct kernel *kernel, struct processor *processor,
			  uint64_t selector, uint16_t kernels, uint16_t users,
			  struct machine_segment *segment, struct machine_event *event)
{
	bool null = kernel->layout.word == 8 && kernels == kernel->layout.kernel_ds;

	if (null && !selector) {
		*segment = processor->cpu.r.seg[MACHINE_SEG_SS];
		return true;
	}
	if (selector != kernels && selector != users)
		return raise(event, MACHINE_GP, (uint32_t)selector & 0xfffc);
	return segment_read(&processor->cpu, (uint16_t)selector, MACHINE_GP, 0, segment,
			    event);
}

bool interrupt_return(struct kernel *kernel, struct processor *processor,
		      struct machine_event *event)
{
	const struct layout *l = &kernel->layout;
	struct machine_registers *r = &processor->cpu.r;
	struct machine_segment cs, ss = r->seg[MACHINE_SEG_SS];
	uint64_t word[5], mask = segment_stack_mask(&processor->cpu, &ss);
	unsigned n = 3;

	for (unsigned i = 0; i < n; i++) {
		if (!stack_peek(kernel, processor, i, &word[i], event))
			return false;
		if (i == 1 && (l->word == 8 || word[1] & 3))
			n = 5;
	}
	if (!load_returned(kernel, processor, word[1], l->kernel_cs, l->user_cs, &cs,
			   event) ||
	    (n == 5 && !load_returned(kernel, processor, word[4], l->kernel_ds,
				      l->user_ds, &ss, event)))
		return false;
	r->reg[MACHINE_REG_SP] =
		n == 5 ? word[3] : (r->reg[MACHINE_REG_SP] + n * l->word) & mask;
	r->ip = word[0];
	r->flags = (word[2] & ~FLAGS_VM) | FLAGS_FIXED;
	r->seg[MACHINE_SEG_CS] = cs;
	r->seg[MACHINE_SEG_SS] = ss;
	r->cpl = word[1] & 3;
	return true;
}

/* ---- data ---- */

bool data_load(struct kernel *kernel, struct processor *processor, uint64_t va,
	       uint64_t *value, struct machine_event *event)
{
	return machine_load(&processor->cpu, va, kernel->layout.word, MACHINE_READ, value,
			    event);
}

bool data_store(struct kernel *kernel, struct processor *processor, uint64_t va,
		uint64_t value, struct machine_event *event)
{
	return machine_store(&processor->cpu, va, kernel->layout.word, MACHINE_WRITE,
			     value, event);
}
