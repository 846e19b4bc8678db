/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state at the fault. A dump knows the registers of its processors, which are mostly
 * in other spaces than the one that is asked for: tables (IDT, GDT, TSS) and control
 * registers are one of theirs, the rest is what Linux has in such a place.
 */
#include "x86/whatif/whatif.h"
#include "x86/registers.h"

/* SDM 2.2.1, 2.3, 2.5. */
#define EFER_SCE WS_BIT(0)
#define EFER_LME WS_BIT(8)
#define EFER_LMA WS_BIT(10)
#define EFER_NXE WS_BIT(11)
/* Bit 1 is fixed; IF, ZF, PF: as a kernel's code leaves them more often than not. */
#define FLAGS_USUAL 0x246u

static bool is_long(const struct ws_system *system)
{
	return system->layout.word == 8;
}

/* ---- which processor ---- */

/* Its registers fit the paging format that was found, and it has handlers. */
static bool is_sane(const struct ws_system *system, const struct ws_cpu *cpu)
{
	const struct ws_format *format = system->paging.format;

	return x86_has_tables(cpu) &&
	       (cpu->reg[X86_CR0] & (X86_CR0_PE | X86_CR0_PG)) ==
		       (X86_CR0_PE | X86_CR0_PG) &&
	       !(cpu->reg[X86_CR4] & X86_CR4_PAE) == (format->entry_log2 != 3) &&
	       (!is_long(system) ||
		!(cpu->reg[X86_CR4] & X86_CR4_LA57) == (format->nlevels != 5)) &&
	       (uint16_t)x86_segment(cpu, X86_IDT).limit;
}

/* PTI: the halves of a space are the same but for this bit of CR3. */
static bool has_root(const struct ws_system *system, const struct ws_cpu *cpu,
		     uint64_t root)
{
	uint64_t loaded = cpu->reg[X86_CR3] & system->paging.format->root_mask;
	uint64_t half = system->layout.pti ? WS_FRAME_SIZE : 0;

	return (loaded & ~half) == (root & ~half);
}

const struct ws_cpu *ws_start_cpu(const struct ws_system *system, uint64_t root,
				  bool *here)
{
	const struct ws_cpu *first = NULL;

	*here = false;
	ws_vec_each(&system->target->cpus, cpu) {
		if (!is_sane(system, cpu))
			continue;
		if (has_root(system, cpu, root)) {
			*here = true;
			return cpu;
		}
		first = first ? first : cpu;
	}
	return first;
}

/* ---- which space ---- */

static uint32_t user_half_of(const struct ws_system *system, uint32_t space)
{
	uint64_t root = system->spaces.v[space].root + WS_FRAME_SIZE;

	for (uint32_t i = 0; i < system->spaces.n; i++)
		if (system->spaces.v[i].kind == WS_SPACE_USER &&
		    system->spaces.v[i].root == root)
			return i;
	return space;
}

static bool has_user_mode(const struct ws_space *space)
{
	return space->user_mode || space->kind == WS_SPACE_USER;
}

/* Where the processor would have to go through it, now or once the entry code has run. */
static enum ws_status check_table(const struct ws_system *system, uint32_t index)
{
	const struct ws_space *space = &system->spaces.v[index];

	if (!space->looks_damaged)
		return WS_OK;
	return ws_fail(
		system->ctx, WS_ERR_UNKNOWN,
		"what lies at its root %#jx does not look like a %s (damaged, or in "
		"other use): what a processor would do there is not known",
		space->root, system->paging.format->level[0].name);
}

/* What the audit judges no space by decides no fault either. */
static enum ws_status check_doubt(const struct ws_audit *audit)
{
	if (!audit->doubt)
		return WS_OK;
	return ws_fail(
		audit->ctx, WS_ERR_UNKNOWN,
		"no machine can have run like this: %s; what a fault came to on it "
		"is not known",
		audit->doubt);
}

static enum ws_status choose_space(const struct ws_machine *machine,
				   const struct ws_what_if *what_if,
				   struct ws_story *story)
{
	const struct ws_system *system = machine->system;
	const struct ws_space *space;

	if (what_if->space >= system->spaces.n)
		return ws_fail(system->ctx, WS_ERR_USAGE, "there is no space %u",
			       what_if->space);
	space = &system->spaces.v[what_if->space];
	if (space->kind == WS_SPACE_FREED)
		return ws_fail(system->ctx, WS_ERR_USAGE,
			       "root %#jx lies in a freed page: nobody runs there",
			       space->root);
	story->space = what_if->space;
	if (what_if->has_mode && what_if->mode == WS_FAULT_USER && !has_user_mode(space))
		return ws_fail(
			system->ctx, WS_ERR_USAGE,
			"%s has no user mode: nothing but the kernel runs in the space "
			"with root %#jx",
			space->kind == WS_SPACE_INIT ? "pid 0 (init_mm)" : space->comm,
			space->root);
	story->mode = has_user_mode(space) ? what_if->mode : WS_FAULT_KERNEL;
	if (story->mode == WS_FAULT_USER && space->user_mode)
		story->space = user_half_of(system, what_if->space);
	return check_table(system, what_if->space) == WS_OK
		       ? check_table(system, story->space)
		       : WS_ERR_UNKNOWN;
}

/* ---- the registers ---- */

/* arch/x86/include/asm/segment.h: CS and SS in the kernel and in user mode. */
static const uint16_t selectors[2][2][2] = {
	{ [WS_FAULT_USER] = { 0x73, 0x7b }, [WS_FAULT_KERNEL] = { 0x60, 0x68 } },
	{ [WS_FAULT_USER] = { 0x33, 0x2b }, [WS_FAULT_KERNEL] = { 0x10, 0x18 } },
};

/* SDM 3.4.5: a flat segment, as all of Linux's are. */
static struct machine_segment flat(uint16_t selector, bool code, bool wide)
{
	uint32_t size =
		wide && code ? UINT32_C(1) << 21 : UINT32_C(1) << 22; /* L or D/B */
	uint32_t type = code ? 0xb : 0x3;

	return (struct machine_segment){
		.limit = UINT32_MAX,
		.attributes = UINT32_C(1) << 23 | size | UINT32_C(1) << 15 |
			      (uint32_t)(selector & 3) << 13 | UINT32_C(1) << 12 |
			      type << 8,
		.selector = selector,
	};
}

static struct machine_segment segment_of(const struct ws_cpu *cpu,
					 enum x86_register number)
{
	struct x86_segment segment = x86_segment(cpu, number);

	return (struct machine_segment){ .base = segment.base,
					 .limit = segment.limit,
					 .attributes = segment.flags,
					 .selector = (uint16_t)segment.selector };
}

static struct machine_table table_of(const struct ws_cpu *cpu, enum x86_register number)
{
	struct x86_segment segment = x86_segment(cpu, number);

	return (struct machine_table){ segment.base, (uint16_t)segment.limit };
}

/* What is the processor's wherever it is. */
static void take_tables(const struct ws_system *system, const struct ws_cpu *cpu,
			struct machine_registers *r)
{
	r->cr0 = cpu->reg[X86_CR0];
	r->cr2 = cpu->reg[X86_CR2];
	r->cr4 = cpu->reg[X86_CR4];
	/* QEMU's notes have no EFER: what the format needs, and NX where it has it */
	if (ws_cpu_knows(cpu, X86_EFER))
		r->efer = cpu->reg[X86_EFER];
	else
		r->efer = (is_long(system) ? EFER_SCE | EFER_LME | EFER_LMA : 0) |
			  (system->paging.no_execute ? EFER_NXE : 0);
	r->gdtr = table_of(cpu, X86_GDT);
	r->idtr = table_of(cpu, X86_IDT);
	r->tr = segment_of(cpu, X86_TR);
	r->ldtr = segment_of(cpu, X86_LDT);
	r->seg[MACHINE_SEG_ES] = segment_of(cpu, X86_ES);
	r->seg[MACHINE_SEG_DS] = segment_of(cpu, X86_DS);
	r->seg[MACHINE_SEG_FS] = segment_of(cpu, X86_FS);
	r->seg[MACHINE_SEG_GS] = segment_of(cpu, X86_GS);
}

/* In the order of enum machine_register. */
static const uint8_t register_of[MACHINE_REGISTERS] = {
	X86_AX, X86_CX, X86_DX,  X86_BX,  X86_SP,  X86_BP,  X86_SI,  X86_DI,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
};

/* The fault is one of the code that the processor is in. */
static void take_place(const struct ws_cpu *cpu, struct machine_registers *r)
{
	for (size_t i = 0; i < MACHINE_REGISTERS; i++)
		r->reg[i] = cpu->reg[register_of[i]];
	r->ip = cpu->reg[X86_IP];
	r->flags = cpu->reg[X86_FLAGS];
	r->seg[MACHINE_SEG_CS] = segment_of(cpu, X86_CS);
	r->seg[MACHINE_SEG_SS] = segment_of(cpu, X86_SS);
}

/* Or it is of code that runs some other time: where, is not known. */
static void make_place(const struct ws_system *system, enum ws_fault_mode mode,
		       struct machine_registers *r)
{
	const uint16_t *selector = selectors[is_long(system)][mode];

	r->flags = FLAGS_USUAL;
	r->seg[MACHINE_SEG_CS] = flat(selector[0], true, is_long(system));
	r->seg[MACHINE_SEG_SS] = flat(selector[1], false, is_long(system));
}

static bool is_in_place(const struct ws_cpu *cpu, const struct ws_story *story)
{
	bool user = x86_in_user_mode(cpu);

	if (story->mode == WS_FAULT_USER)
		return story->cpu_is_here && user;
	return story->sp_origin == WS_SP_PROCESSOR;
}

static uint64_t word_mask(const struct ws_system *system)
{
	return is_long(system) ? UINT64_MAX : UINT32_MAX;
}

static void set_registers(const struct ws_machine *machine, const struct ws_cpu *cpu,
			  const struct ws_what_if *what_if, struct ws_story *story,
			  struct machine_registers *r)
{
	const struct ws_system *system = machine->system;

	*r = (struct machine_registers){ 0 };
	take_tables(system, cpu, r);
	r->cr3 = system->spaces.v[story->space].root;
	r->cpl = story->mode == WS_FAULT_USER ? 3 : 0;
	if (is_in_place(cpu, story))
		take_place(cpu, r);
	else
		make_place(system, story->mode, r);
	if (what_if->has_flags)
		r->flags = what_if->flags;
	story->flags = r->flags;
	if (story->mode == WS_FAULT_KERNEL)
		r->reg[MACHINE_REG_SP] = story->start_sp &= word_mask(system);
}

/* Cut to a register's width it would be another place than the one that was asked for. */
static enum ws_status check_width(const struct ws_system *system, const char *what,
				  bool given, uint64_t value)
{
	if (!given || value <= word_mask(system))
		return WS_OK;
	return ws_fail(system->ctx, WS_ERR_USAGE,
		       "%s %#jx does not fit the 32 bits that this processor has for it",
		       what, value);
}

enum ws_status ws_start(struct ws_machine *machine, const struct ws_what_if *what_if,
			struct machine_registers *registers, struct ws_story *story)
{
	const struct ws_system *system = machine->system;
	enum ws_status status = check_doubt(machine->audit);
	const struct ws_cpu *cpu;

	if (status == WS_OK)
		status = choose_space(machine, what_if, story);
	if (status == WS_OK)
		status = check_width(system, "stack pointer", what_if->has_sp,
				     what_if->sp);
	if (status == WS_OK)
		status = check_width(system, "address", what_if->has_address,
				     what_if->address);
	if (status != WS_OK)
		return status;
	if (what_if->has_sp && story->mode == WS_FAULT_USER)
		return ws_fail(
			system->ctx, WS_ERR_USAGE,
			"at a fault in user mode the stack pointer comes from the TSS: it cannot be "
			"given");
	cpu = ws_start_cpu(system, system->spaces.v[story->space].root,
			   &story->cpu_is_here);
	story->cpu = (uint32_t)(cpu - system->target->cpus.v);
	status = ws_start_sp(machine, what_if, cpu, story);
	if (status == WS_OK)
		set_registers(machine, cpu, what_if, story, registers);
	return status;
}
