/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a processor stands, and what it needs to deliver an exception. */
#include "x86/autopsy.h"
#include "x86/faultpath.h"
#include "x86/registers.h"

#include <endian.h>

/*
 * A task gate leaves the interrupted task's registers in its TSS (SDM vol. 3A, 7.2.1 and
 * 7.4). Linux has one such gate, i386's of #DF, whose handler soon loads the task register
 * with the main TSS again (arch/x86/kernel/doublefault_32.c): before that, the new one's link
 * names it. Nothing else writes an instruction pointer there.
 */
static bool find_main_tss(struct ws_system *system, const struct ws_cpu *cpu,
			  const struct ws_idt *idt, uint64_t *base)
{
	struct x86_segment gdtr = x86_segment(cpu, X86_GDT),
			   tr = x86_segment(cpu, X86_TR);
	uint16_t link;
	bool names;

	*base = tr.base;
	if ((idt->gate[WS_VECTOR_DF].selector ^ tr.selector) & 0xfff8)
		return true;
	return ws_system_read(system, tr.base, &link, sizeof(link)) == WS_READ &&
	       ws_tss_of_selector(system, &gdtr, le16toh(link), &names, base) ==
		       WS_READ &&
	       names;
}

static void find_interrupted(struct ws_system *system, const struct ws_cpu *cpu,
			     struct ws_standing *standing)
{
	struct x86_segment idtr = x86_segment(cpu, X86_IDT);
	struct ws_idt idt;
	struct ws_tss before;
	uint64_t base;

	if (system->layout.word != 4 || !x86_has_tables(cpu) ||
	    ws_idt_read(system, &idtr, &idt) != WS_READ || idt.n <= WS_VECTOR_DF ||
	    idt.gate[WS_VECTOR_DF].type != WS_GATE_TASK ||
	    !find_main_tss(system, cpu, &idt, &base) ||
	    ws_tss_read(system, base, &before) != WS_READ || !before.ip)
		return;
	standing->was_elsewhere = true;
	standing->before_ip = before.ip;
	standing->before_sp = before.sp;
}

static bool standing(struct ws_system *system, const struct ws_cpu *cpu,
		     struct ws_standing *standing)
{
	*standing = (struct ws_standing){
		.ip = cpu->reg[X86_IP],
		.sp = cpu->reg[X86_SP],
		.user = x86_in_user_mode(cpu),
		.fault = cpu->reg[X86_CR2],
		.has_fault = ws_cpu_knows(cpu, X86_CR2) && cpu->reg[X86_CR2],
	};
	find_interrupted(system, cpu, standing);
	return ws_cpu_knows(cpu, X86_IP) && ws_cpu_knows(cpu, X86_SP) &&
	       ws_cpu_knows(cpu, X86_CS);
}

#define HLT 0xf4u /* SDM vol. 2A; the saved instruction pointer is behind it */

static bool is_halted(struct ws_system *system, const struct ws_standing *standing)
{
	uint8_t before;

	return !standing->user &&
	       ws_system_read(system, standing->ip - 1, &before, 1) == WS_READ &&
	       before == HLT;
}

/* The error code's P flag (SDM vol. 3A, 4.7). */
static bool is_refusal(const struct ws_exception_frame *frame)
{
	return frame->error & 1;
}

/* The error code of a page fault (SDM vol. 3A, figure 4-12). */
#define ERROR_WRITE (UINT64_C(1) << 1)
#define ERROR_FETCH (UINT64_C(1) << 4)
#define ERROR_RIGHTS (UINT64_C(1) | ERROR_WRITE | ERROR_FETCH)

static uint8_t right_lacked(uint64_t error)
{
	if (error & ~ERROR_RIGHTS)
		return 0;
	return error & ERROR_FETCH   ? WS_KERNEL_EXECUTE
	       : error & ERROR_WRITE ? WS_KERNEL_WRITE
				     : WS_KERNEL_READ;
}

/* arch/x86/kernel/dumpstack.c, show_ip(); before 4.15 __show_regs(). */
static const char *const ip_words[] = { "RIP: ", "EIP: ", NULL };

/*
 * Some that have no undefined form, in no mode (SDM vol. 2D, table A-2): PUSH and POP, Jcc,
 * TEST, XCHG and MOV, NOP, MOV of a constant, RET, CALL and JMP.
 */
static bool is_defined(uint8_t first)
{
	static const struct {
		uint8_t first, last;
	} opcodes[] = {
		{ 0x50, 0x5f }, { 0x70, 0x7f }, { 0x84, 0x8b }, { 0x90, 0x97 },
		{ 0xb0, 0xbf }, { 0xc2, 0xc3 }, { 0xe8, 0xe9 }, { 0xeb, 0xeb },
	};

	for (size_t i = 0; i < WS_ARRAY_SIZE(opcodes); i++)
		if (first >= opcodes[i].first && first <= opcodes[i].last)
			return true;
	return false;
}

/*
 * Those of one byte and some digits of ModR/M's reg field, or of two, that have no meaning in
 * any mode of the kernel's (SDM vol. 2D, tables: groups 4, 5 and 11, UD0, UD1).
 * UD2 is not among them: the kernel has it in its own code.
 */
static bool is_undefined(const struct ws_system *system, const uint8_t code[2])
{
	static const struct {
		uint8_t first;
		uint8_t digits; /* a bit each; 0: second is meant */
		uint8_t second;
		bool long_mode; /* undefined only there */
	} opcodes[] = {
		{ 0xff, 0x80, 0, false }, { 0xfe, 0xfc, 0, false },
		{ 0x0f, 0, 0xff, false }, { 0x0f, 0, 0xb9, false },
		{ 0x06, 0xff, 0, true },  { 0x07, 0xff, 0, true },
		{ 0x0e, 0xff, 0, true },  { 0x16, 0xff, 0, true },
		{ 0x17, 0xff, 0, true },  { 0x1e, 0xff, 0, true },
		{ 0x1f, 0xff, 0, true },  { 0x27, 0xff, 0, true },
		{ 0x2f, 0xff, 0, true },  { 0x37, 0xff, 0, true },
		{ 0x3f, 0xff, 0, true },  { 0x60, 0xff, 0, true },
		{ 0x61, 0xff, 0, true },  { 0x82, 0xff, 0, true },
		{ 0x9a, 0xff, 0, true },  { 0xce, 0xff, 0, true },
		{ 0xd4, 0xff, 0, true },  { 0xea, 0xff, 0, true },
	};

	for (size_t i = 0; i < WS_ARRAY_SIZE(opcodes); i++) {
		if (code[0] != opcodes[i].first ||
		    (opcodes[i].long_mode && system->layout.word == 4))
			continue;
		if (opcodes[i].digits ? opcodes[i].digits >> (code[1] >> 3 & 7) & 1
				      : code[1] == opcodes[i].second)
			return true;
	}
	return false;
}

/* SMEP (SDM vol. 3A, 4.6.1). */
static bool refuses_fetch(const struct ws_system *system, const struct ws_trail *trail)
{
	ws_vec_each(&system->target->cpus, cpu)
		if (x86_has_control(cpu) && cpu->reg[X86_CR4] & X86_CR4_SMEP)
			return trail->access & WS_USER_READ;
	return false;
}

/* va NULL: to anywhere. By no segment, as what a storm wrote over gates has, there is none. */
static bool has_gate_to(struct ws_system *system, const uint64_t *va)
{
	struct ws_idt idt;

	ws_vec_each(&system->target->cpus, cpu) {
		struct x86_segment idtr = x86_segment(cpu, X86_IDT);

		if (!x86_has_tables(cpu) || ws_idt_read(system, &idtr, &idt) != WS_READ)
			continue;
		for (unsigned i = 0; i < idt.n; i++)
			if (idt.gate[i].present && idt.gate[i].type != WS_GATE_TASK &&
			    idt.gate[i].selector && (!va || idt.gate[i].target == *va))
				return true;
	}
	return false;
}

static bool is_handler(struct ws_system *system, uint64_t va)
{
	return has_gate_to(system, &va);
}

static bool has_handlers(struct ws_system *system)
{
	return has_gate_to(system, NULL);
}

/* Read or written before the handler's first byte is fetched. */
static bool is_delivery(const struct ws_rule *rule)
{
	static const enum x86_fault_rule rules[] = {
		X86_RULE_IDT,         X86_RULE_GDT,       X86_RULE_TSS,
		X86_RULE_ENTRY_STACK, X86_RULE_IST_STACK, X86_RULE_DOUBLE_FAULT,
	};

	for (size_t i = 0; i < WS_ARRAY_SIZE(rules); i++)
		if (rule == &x86_fault_rules[rules[i]])
			return true;
	return false;
}

const struct ws_arch_autopsy x86_autopsy = {
	.frame_max = 48,
	/* A PC's video memory and ROM, from 640 KiB to 1 MiB. */
	.lost_first = 0xa0000,
	.lost_last = 0xfffff,
	.next_frame = x86_next_frame,
	.standing = standing,
	.is_halted = is_halted,
	.is_refusal = is_refusal,
	.right_lacked = right_lacked,
	.ip_words = ip_words,
	.is_defined = is_defined,
	.is_undefined = is_undefined,
	.refuses_fetch = refuses_fetch,
	.is_handler = is_handler,
	.has_handlers = has_handlers,
	.is_delivery = is_delivery,
	.replay = x86_replay,
};
