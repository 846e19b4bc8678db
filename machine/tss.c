/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The task-state segment: stacks for handlers, and whole tasks. SDM chapter 8. */
#include "mmu.h"
#include "segment.h"

#define SYSTEM_READ (MACHINE_READ | MACHINE_IMPLICIT)
#define SYSTEM_WRITE (MACHINE_WRITE | MACHINE_IMPLICIT)

/* SDM figures 8-2 and 8-10: byte offsets of what a task switch saves and loads. */
struct layout {
	uint8_t word; /* bytes of a register */
	uint8_t limit;
	uint8_t stacks; /* of level 0: stack pointer, then SS */
	uint8_t cr3;    /* 0: the 16-bit TSS has none */
	uint8_t ip, flags, registers, segments, nsegments, ldt;
	uint8_t segment_step;
};

static const struct layout tss32 = {
	.word = 4,
	.limit = 0x67,
	.stacks = 4,
	.cr3 = 0x1c,
	.ip = 0x20,
	.flags = 0x24,
	.registers = 0x28,
	.segments = 0x48,
	.nsegments = 6,
	.ldt = 0x60,
	.segment_step = 4,
};

static const struct layout tss16 = {
	.word = 2,
	.limit = 0x2b,
	.stacks = 2,
	.ip = 0x0e,
	.flags = 0x10,
	.registers = 0x12,
	.segments = 0x22,
	.nsegments = 4,
	.ldt = 0x2a,
	.segment_step = 2,
};

static const struct layout *layout_of(uint32_t attributes)
{
	return DESC_TYPE(attributes) & 8 ? &tss32 : &tss16;
}

/* ---- stacks for handlers ---- */

bool task_stack(struct machine_cpu *cpu, unsigned dpl, uint32_t ext, uint16_t *ss,
		uint64_t *sp, struct machine_event *event)
{
	const struct machine_segment *tr = &cpu->r.tr;
	const struct layout *layout = layout_of(tr->attributes);
	unsigned offset = layout->stacks + dpl * 2 * layout->word;
	uint64_t selector;

	if (offset + layout->word + 1 > tr->limit)
		return raise(event, MACHINE_TS, SELECTOR_INDEX(tr->selector) | ext);
	if (!machine_load(cpu, tr->base + offset, layout->word, SYSTEM_READ, sp, event) ||
	    !machine_load(cpu, tr->base + offset + layout->word, 2, SYSTEM_READ,
			  &selector, event))
		return false;
	*ss = (uint16_t)selector;
	return true;
}

/* SDM 8.7, figure 8-11: RSP0 is at 4, IST1 at 36. */
bool task_stack64(struct machine_cpu *cpu, unsigned dpl, unsigned ist, uint32_t ext,
		  uint64_t *sp, struct machine_event *event)
{
	const struct machine_segment *tr = &cpu->r.tr;
	unsigned offset = ist ? 28 + 8 * ist : 4 + 8 * dpl;

	if (offset + 7 > tr->limit)
		return raise(event, MACHINE_TS, SELECTOR_INDEX(tr->selector) | ext);
	return machine_load(cpu, tr->base + offset, 8, SYSTEM_READ, sp, event);
}

/* ---- task switches ---- */

/* What the new TSS holds. */
struct task {
	uint64_t cr3, ip, flags, reg[8], segment[MACHINE_SEGMENTS], ldt;
};

static bool read_task(struct machine_cpu *cpu, const struct machine_segment *tss,
		      struct task *task, struct machine_event *event)
{
	const struct layout *l = layout_of(tss->attributes);
	bool ok = true;

	*task = (struct task){ 0 };
	if (l->cr3)
		ok = machine_load(cpu, tss->base + l->cr3, 4, SYSTEM_READ, &task->cr3,
				  event);
	ok = ok &&
	     machine_load(cpu, tss->base + l->ip, l->word, SYSTEM_READ, &task->ip,
			  event) &&
	     machine_load(cpu, tss->base + l->flags, l->word, SYSTEM_READ, &task->flags,
			  event);
	for (unsigned i = 0; ok && i < 8; i++)
		ok = machine_load(cpu, tss->base + l->registers + i * l->word, l->word,
				  SYSTEM_READ, &task->reg[i], event);
	for (unsigned i = 0; ok && i < l->nsegments; i++)
		ok = machine_load(cpu, tss->base + l->segments + i * l->segment_step, 2,
				  SYSTEM_READ, &task->segment[i], event);
	return ok &&
	       machine_load(cpu, tss->base + l->ldt, 2, SYSTEM_READ, &task->ldt, event);
}

/* SDM 8.3, step 8: the state of the old task, into its TSS. */
static bool save_task(struct machine_cpu *cpu, uint64_t ip, struct machine_event *event)
{
	const struct machine_registers *r = &cpu->r;
	const struct layout *l = layout_of(r->tr.attributes);
	uint64_t tss = r->tr.base;
	bool ok = machine_store(cpu, tss + l->ip, l->word, SYSTEM_WRITE, ip, event) &&
		  machine_store(cpu, tss + l->flags, l->word, SYSTEM_WRITE, r->flags,
				event);

	for (unsigned i = 0; ok && i < 8; i++)
		ok = machine_store(cpu, tss + l->registers + i * l->word, l->word,
				   SYSTEM_WRITE, r->reg[i], event);
	for (unsigned i = 0; ok && i < l->nsegments; i++)
		ok = machine_store(cpu, tss + l->segments + i * l->segment_step, 2,
				   SYSTEM_WRITE, r->seg[i].selector, event);
	return ok;
}

/* Vol. 2A, INT n, TASK-GATE; SDM 8.3, steps 2 to 5: is this a TSS to switch to? */
static bool check_tss(struct machine_cpu *cpu, uint16_t selector, uint32_t ext,
		      struct machine_segment *tss, struct machine_event *event)
{
	uint32_t error = SELECTOR_INDEX(selector) | ext, type;

	if (selector & SELECTOR_TI)
		return raise(event, MACHINE_GP, error);
	if (!segment_read(cpu, selector, MACHINE_GP, ext, tss, event))
		return false;
	type = DESC_TYPE(tss->attributes);
	if (tss->attributes & DESC_S || (type != TYPE_TSS && type != TYPE_TSS16))
		return raise(event, MACHINE_GP, error);
	if (!(tss->attributes & DESC_P))
		return raise(event, MACHINE_NP, error);
	if (tss->limit < layout_of(tss->attributes)->limit)
		return raise(event, MACHINE_TS, error);
	return true;
}

/* Steps 6 and 9 to 11: links the new task to the old one and marks it busy. */
static bool link_task(struct machine_cpu *cpu, const struct machine_segment *tss,
		      struct machine_event *event)
{
	return machine_store(cpu, tss->base, 2, SYSTEM_WRITE, cpu->r.tr.selector,
			     event) &&
	       segment_mark(cpu, tss, TSS_BUSY, event);
}

/*
 * Step 12. CR3 changes for 32-bit tasks only; with PAE paging the PDPTE registers go
 * with it (SDM 4.4.1), and malformed ones are a fault in the new task.
 */
static bool load_state(struct machine_cpu *cpu, const struct machine_segment *tss,
		       const struct task *task, uint32_t ext, struct machine_event *event)
{
	struct machine_registers *r = &cpu->r;
	const struct layout *l = layout_of(tss->attributes);
	bool new_cr3 = l->cr3 && cpu->paging, sound = true;

	for (unsigned i = 0; i < 8; i++)
		r->reg[i] = l->word == 4 ? task->reg[i]
					 : (r->reg[i] & ~BITS(15, 0)) | task->reg[i];
	r->ip = task->ip;
	r->flags = task->flags | FLAGS_FIXED | FLAGS_NT;
	r->tr = *tss;
	r->tr.attributes |= TSS_BUSY;
	r->cr0 |= CR0_TS;
	/*
	 * SDM 4.10.4.1: a task switch invalidates if it changes the value of CR3; QEMU
	 * flushes whatever the value is.
	 */
	if (new_cr3 && (task->cr3 != r->cr3 || cpu->tlb.kind == MACHINE_TLB_TCG))
		tlb_flush_local(cpu);
	if (new_cr3) {
		if (mmu_pae(cpu) && task->cr3 != r->cr3)
			sound = mmu_pdptes(cpu, task->cr3, r->pdpte);
		r->cr3 = task->cr3;
	}
	if (!sound && !departs(cpu, MACHINE_TASK_CR3_UNCHECKED))
		return raise(event, MACHINE_GP, ext);
	return true;
}

/* Step 13, LDTR: SDM 6.15, #TS, table 6-6. */
static bool load_ldt(struct machine_cpu *cpu, uint16_t selector, uint32_t ext,
		     struct machine_event *event)
{
	uint32_t error = SELECTOR_INDEX(selector) | ext;
	struct machine_segment ldt;

	cpu->r.ldtr = (struct machine_segment){ .selector = selector };
	if (selector & SELECTOR_TI)
		return raise(event, MACHINE_TS, error);
	if (!SELECTOR_INDEX(selector))
		return true;
	if (!segment_read(cpu, selector, MACHINE_TS, ext, &ldt, event))
		return false;
	if (ldt.attributes & DESC_S || DESC_TYPE(ldt.attributes) != TYPE_LDT ||
	    !(ldt.attributes & DESC_P))
		return raise(event, MACHINE_TS, error);
	cpu->r.ldtr = ldt;
	return true;
}

/* SDM table 6-6: what each register may hold after a task switch. */
static bool fits(const struct machine_cpu *cpu, unsigned which,
		 const struct machine_segment *segment)
{
	uint32_t a = segment->attributes;
	unsigned rpl = segment->selector & 3, dpl = DESC_DPL(a), cpl = cpu->r.cpl;

	if (!(a & DESC_S))
		return false;
	if (which == MACHINE_SEG_CS)
		return a & DESC_CODE && (a & DESC_CE ? dpl <= rpl : dpl == rpl);
	if (which == MACHINE_SEG_SS)
		return !(a & DESC_CODE) && a & DESC_W && dpl == cpl && rpl == cpl;
	if (a & DESC_CODE && !(a & DESC_W))
		return false;
	return (a & DESC_CODE && a & DESC_CE) || (dpl >= cpl && dpl >= rpl);
}

/* Step 13, one segment register. */
static bool load_segment(struct machine_cpu *cpu, unsigned which, uint16_t selector,
			 uint32_t ext, struct machine_event *event)
{
	bool needed = which == MACHINE_SEG_CS || which == MACHINE_SEG_SS;
	uint32_t error = SELECTOR_INDEX(selector) | ext;
	struct machine_segment segment;

	if (!SELECTOR_INDEX(selector))
		return needed ? raise(event, MACHINE_TS, error) : true;
	if (!segment_read(cpu, selector, MACHINE_TS, ext, &segment, event))
		return false;
	if (!fits(cpu, which, &segment))
		return raise(event, MACHINE_TS, error);
	if (!(segment.attributes & DESC_P)) {
		bool stack = which == MACHINE_SEG_SS &&
			     !departs(cpu, MACHINE_ABSENT_STACK_IS_TS);

		return raise(event, stack ? MACHINE_SS : MACHINE_NP, error);
	}
	if (!segment_accessed(cpu, &segment, event))
		return false;
	cpu->r.seg[which] = segment;
	return true;
}

/* Step 13: selectors first, since a fault on the way leaves them loaded. */
static bool load_segments(struct machine_cpu *cpu, const struct task *task, uint32_t ext,
			  struct machine_event *event)
{
	static const uint8_t order[] = { MACHINE_SEG_CS, MACHINE_SEG_SS, MACHINE_SEG_ES,
					 MACHINE_SEG_DS, MACHINE_SEG_FS, MACHINE_SEG_GS };
	struct machine_registers *r = &cpu->r;
	bool vm86 = r->flags & FLAGS_VM, ok;

	r->cpl = vm86 ? 3 : task->segment[MACHINE_SEG_CS] & 3;
	for (unsigned i = 0; i < MACHINE_SEGMENTS; i++) {
		uint16_t selector = (uint16_t)task->segment[i];

		r->seg[i] = vm86 ? segment_vm86(selector)
				 : (struct machine_segment){ .selector = selector };
	}
	ok = load_ldt(cpu, (uint16_t)task->ldt, ext, event);
	for (unsigned i = 0; ok && !vm86 && i < MACHINE_SEGMENTS; i++)
		ok = load_segment(cpu, order[i], (uint16_t)task->segment[order[i]], ext,
				  event);
	return ok;
}

bool task_switch(struct machine_cpu *cpu, uint16_t selector, uint64_t ip, uint32_t ext,
		 struct machine_event *event)
{
	struct machine_segment tss;
	struct task task;

	return check_tss(cpu, selector, ext, &tss, event) &&
	       read_task(cpu, &tss, &task, event) && save_task(cpu, ip, event) &&
	       link_task(cpu, &tss, event) && load_state(cpu, &tss, &task, ext, event) &&
	       load_segments(cpu, &task, ext, event);
}
