/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Delivery of exceptions and interrupts: SDM chapter 6, and the operation section of
 * INT n in volume 2A, which says in which order things are read and refused.
 */
#include "mmu.h"
#include "segment.h"

/* ---- vectors ---- */

enum class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

struct vector {
	const char *name;
	enum class class; /* SDM table 6-4 */
	bool has_error;   /* SDM table 6-1 */
	bool fault;       /* the image of RF pushed for it is 1 (SDM vol. 3B 18.3.1.1) */
};

/* clang-format off */
static const struct vector vectors[32] = {
	[MACHINE_DE] = { "#DE", CONTRIBUTORY, false, true },
	[MACHINE_DB] = { "#DB", BENIGN, false, false },
	[MACHINE_NMI] = { "NMI", BENIGN, false, false },
	[MACHINE_BP] = { "#BP", BENIGN, false, false },
	[MACHINE_OF] = { "#OF", BENIGN, false, false },
	[MACHINE_BR] = { "#BR", BENIGN, false, true },
	[MACHINE_UD] = { "#UD", BENIGN, false, true },
	[MACHINE_NM] = { "#NM", BENIGN, false, true },
	[MACHINE_DF] = { "#DF", DOUBLE_FAULT, true, false },
	[MACHINE_TS] = { "#TS", CONTRIBUTORY, true, true },
	[MACHINE_NP] = { "#NP", CONTRIBUTORY, true, true },
	[MACHINE_SS] = { "#SS", CONTRIBUTORY, true, true },
	[MACHINE_GP] = { "#GP", CONTRIBUTORY, true, true },
	[MACHINE_PF] = { "#PF", PAGE_FAULT, true, true },
	[MACHINE_MF] = { "#MF", BENIGN, false, true },
	[MACHINE_AC] = { "#AC", BENIGN, true, true },
	[MACHINE_MC] = { "#MC", BENIGN, false, false },
	[MACHINE_XM] = { "#XM", BENIGN, false, true },
	[MACHINE_VE] = { "#VE", PAGE_FAULT, false, true },
	[MACHINE_CP] = { "#CP", CONTRIBUTORY, true, true },
};
/* clang-format on */

const char *machine_vector_name(unsigned vector)
{
	return vector < 32 ? vectors[vector].name : NULL;
}

/* Interrupts are benign, whatever vector they come by (SDM table 6-4). */
static enum class class_of(const struct machine_event *event) {
	if (event->kind != MACHINE_EXCEPTION || event->vector >= 32) return BENIGN;
	return vectors[event->vector].class;
}

static bool has_error(const struct machine_event *event)
{
	return event->kind == MACHINE_EXCEPTION && event->vector < 32 &&
	       vectors[event->vector].has_error;
}

/* ---- one attempt ---- */

/* What one attempt to deliver knows, in the order in which it learns it. */
struct attempt {
	struct machine_cpu *cpu;
	const struct machine_event *event;
	struct machine_event *second; /* what went wrong */
	uint32_t ext;                 /* the EXT flag of error codes (SDM 6.13) */
	uint64_t resume;              /* the IP that is pushed */
	/* the gate */
	unsigned type, ist;
	uint16_t selector;
	uint64_t target;
	/* the handler's code and stack */
	struct machine_segment cs, ss;
	unsigned cpl;
	bool new_stack;
	uint64_t sp;
};

/* SDM 6.13, figure 6-7: the vector as an index into the IDT. */
static uint32_t idt_error(const struct attempt *a)
{
	bool by_16 =
		machine_long_mode(a->cpu) && departs(a->cpu, MACHINE_IDT_ERROR_BY_16);

	return a->event->vector * (by_16 ? 16u : 8u) | 2 | a->ext;
}

/* SDM 6.11, figure 6-2; 6.14.1, figure 6-8. */
static bool read_gate(struct attempt *a)
{
	struct machine_cpu *cpu = a->cpu;
	bool wide = machine_long_mode(cpu), software;
	unsigned size = wide ? 16 : 8, at = a->event->vector * size, type;
	uint64_t raw, high = 0, va = cpu->r.idtr.base + at;

	if (at + size - 1 > cpu->r.idtr.limit)
		return raise(a->second, MACHINE_GP, idt_error(a));
	if (!machine_load(cpu, va, 8, MACHINE_READ | MACHINE_IMPLICIT, &raw, a->second))
		return false;
	if (wide && !machine_load(cpu, va + 8, 4, MACHINE_READ | MACHINE_IMPLICIT, &high,
				  a->second))
		return false;
	type = raw >> 40 & 31; /* the S flag must be 0 */
	if (type != TYPE_INTERRUPT && type != TYPE_TRAP &&
	    (wide ||
	     (type != TYPE_TASK_GATE && type != TYPE_INTERRUPT16 && type != TYPE_TRAP16)))
		return raise(a->second, MACHINE_GP, idt_error(a));
	software = a->event->kind == MACHINE_SOFTWARE_INTERRUPT;
	if (software && (raw >> 45 & 3) < cpu->r.cpl)
		return raise(a->second, MACHINE_GP, idt_error(a));
	if (!(raw >> 47 & 1))
		return raise(a->second, MACHINE_NP, idt_error(a));
	a->type = type;
	a->ist = wide ? raw >> 32 & 7 : 0;
	a->selector = (uint16_t)(raw >> 16);
	a->target = (raw & 0xffff) | high << 32;
	if (type & 8)
		a->target |= raw >> 32 & 0xffff0000;
	return true;
}

/* SDM 6.12.1: the handler's code segment, and the level it runs at. */
static bool read_code(struct attempt *a)
{
	struct machine_cpu *cpu = a->cpu;
	uint32_t error = SELECTOR_INDEX(a->selector) | a->ext;
	unsigned dpl;
	bool code64;

	if (!SELECTOR_INDEX(a->selector))
		return raise(a->second, MACHINE_GP, a->ext);
	if (!segment_read(cpu, a->selector, MACHINE_GP, a->ext, &a->cs, a->second))
		return false;
	dpl = DESC_DPL(a->cs.attributes);
	if (!(a->cs.attributes & DESC_S) || !(a->cs.attributes & DESC_CODE) ||
	    dpl > cpu->r.cpl)
		return raise(a->second, MACHINE_GP, error);
	if (!(a->cs.attributes & DESC_P))
		return raise(a->second, MACHINE_NP, error);
	code64 = a->cs.attributes & DESC_L && !(a->cs.attributes & DESC_DB);
	if (machine_long_mode(cpu) && !code64)
		return raise(a->second, MACHINE_GP, error);
	a->cpl = a->cs.attributes & DESC_CE ? cpu->r.cpl : dpl;
	/* Virtual-8086 mode is left for level 0 only (SDM vol. 3B 21.3.1.1). */
	if (cpu->r.flags & FLAGS_VM && a->cpl != 0)
		return raise(a->second, MACHINE_GP, error);
	return true;
}

/* SDM 6.12.1 and table 6-6: the inner stack's segment. */
static bool check_inner_stack(struct attempt *a, uint16_t selector)
{
	uint32_t error = SELECTOR_INDEX(selector) | a->ext, attributes;

	if (!SELECTOR_INDEX(selector) || (selector & 3) != a->cpl)
		return raise(a->second, MACHINE_TS, error);
	if (!segment_read(a->cpu, selector, MACHINE_TS, a->ext, &a->ss, a->second))
		return false;
	attributes = a->ss.attributes;
	if (DESC_DPL(attributes) != a->cpl || !(attributes & DESC_S) ||
	    attributes & DESC_CODE || !(attributes & DESC_W))
		return raise(a->second, MACHINE_TS, error);
	if (!(attributes & DESC_P))
		return raise(a->second,
			     departs(a->cpu, MACHINE_ABSENT_STACK_IS_TS) ? MACHINE_TS
									 : MACHINE_SS,
			     error);
	return true;
}

/* SDM 6.12.1: the inner level's stack, or the current one. */
static bool find_stack(struct attempt *a)
{
	const struct machine_registers *r = &a->cpu->r;
	uint16_t selector;

	a->new_stack = a->cpl < r->cpl;
	a->ss = r->seg[MACHINE_SEG_SS];
	a->sp = r->reg[MACHINE_REG_SP];
	if (!a->new_stack)
		return true;
	return task_stack(a->cpu, a->cpl, a->ext, &selector, &a->sp, a->second) &&
	       check_inner_stack(a, selector);
}

/* SDM 6.14.2, 6.14.4, 6.14.5: SS becomes null, the stack is aligned to 16 bytes. */
static bool find_stack64(struct attempt *a)
{
	const struct machine_registers *r = &a->cpu->r;

	a->new_stack = a->cpl < r->cpl || a->ist;
	a->ss = r->seg[MACHINE_SEG_SS];
	a->sp = r->reg[MACHINE_REG_SP];
	if (a->new_stack) {
		if (!task_stack64(a->cpu, a->cpl, a->ist, a->ext, &a->sp, a->second))
			return false;
		a->ss = (struct machine_segment){
			.selector = (uint16_t)a->cpl,
			.attributes = a->cpl << 13,
		};
	}
	a->sp &= ~UINT64_C(15);
	return true;
}

/* The words of a frame, in the order in which they are pushed (SDM figures 6-4, 6-9). */
static unsigned frame_words(const struct attempt *a, uint64_t word[12])
{
	const struct machine_registers *r = &a->cpu->r;
	uint64_t rf = 0;
	unsigned n = 0;

	if (a->event->kind == MACHINE_EXCEPTION && a->event->vector < 32 &&
	    vectors[a->event->vector].fault && !departs(a->cpu, MACHINE_NO_RF))
		rf = FLAGS_RF;
	if (r->flags & FLAGS_VM) {
		word[n++] = r->seg[MACHINE_SEG_GS].selector;
		word[n++] = r->seg[MACHINE_SEG_FS].selector;
		word[n++] = r->seg[MACHINE_SEG_DS].selector;
		word[n++] = r->seg[MACHINE_SEG_ES].selector;
	}
	if (a->new_stack || machine_long_mode(a->cpu)) {
		word[n++] = r->seg[MACHINE_SEG_SS].selector;
		word[n++] = r->reg[MACHINE_REG_SP];
	}
	word[n++] = r->flags | rf;
	word[n++] = r->seg[MACHINE_SEG_CS].selector;
	word[n++] = a->resume;
	if (has_error(a->event))
		word[n++] = a->event->error;
	return n;
}

/* Vol. 2A: "if new stack does not have room": all of the frame, before it is pushed. */
static bool check_room(struct attempt *a, unsigned bytes)
{
	struct machine_cpu *cpu = a->cpu;
	uint64_t mask = segment_stack_mask(cpu, &a->ss), first = (a->sp - bytes) & mask;
	uint32_t selector = a->new_stack ? SELECTOR_INDEX(a->ss.selector) : 0;

	if (machine_long_mode(cpu)) {
		bool good = mmu_canonical(cpu, a->sp) && mmu_canonical(cpu, first);
		bool gp = !a->new_stack && departs(cpu, MACHINE_STACK_ADDRESS_IS_GP);

		return good || raise(a->second, gp ? MACHINE_GP : MACHINE_SS, a->ext);
	}
	return departs(cpu, MACHINE_NO_STACK_LIMIT) ||
	       machine_within_limit(&a->ss, first, bytes) ||
	       raise(a->second, MACHINE_SS, selector | a->ext);
}

/* Vol. 2A: the instruction pointer must be within CS, or canonical. */
static bool check_target(struct attempt *a)
{
	bool good = machine_long_mode(a->cpu)
			    ? mmu_canonical(a->cpu, a->target)
			    : machine_within_limit(&a->cs, a->target, 1);

	return good || departs(a->cpu, MACHINE_NO_IP_CHECK) ||
	       raise(a->second, MACHINE_GP, a->ext);
}

/* At the handler's level; QEMU pushes as it reads a TSS (cpu_stl_kernel). */
static unsigned push_access(const struct machine_cpu *cpu, unsigned cpl)
{
	if (departs(cpu, MACHINE_IMPLICIT_HONOURS_AC))
		return MACHINE_WRITE | MACHINE_STACK | MACHINE_IMPLICIT;
	return MACHINE_WRITE | MACHINE_STACK | (cpl == 3 ? MACHINE_USER : 0);
}

static bool push(struct attempt *a, unsigned size, uint64_t value)
{
	uint64_t mask = segment_stack_mask(a->cpu, &a->ss), to = (a->sp - size) & mask;

	if (!machine_store(a->cpu, a->ss.base + to, size, push_access(a->cpu, a->cpl),
			   value, a->second))
		return false;
	a->sp = (a->sp & ~mask) | to;
	return true;
}

static bool push_frame(struct attempt *a)
{
	unsigned size = machine_long_mode(a->cpu) ? 8 : a->type & 8 ? 4 : 2;
	uint64_t word[12];
	unsigned n = frame_words(a, word);

	if (!check_room(a, n * size) || !check_target(a))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!push(a, size, word[i]))
			return false;
	return true;
}

/* SDM 6.12.1.3: flags, and the registers of the handler. */
static void enter_handler(struct attempt *a)
{
	struct machine_registers *r = &a->cpu->r;

	if (r->flags & FLAGS_VM)
		for (unsigned i = 0; i < MACHINE_SEGMENTS; i++)
			if (i != MACHINE_SEG_CS && i != MACHINE_SEG_SS)
				r->seg[i] = (struct machine_segment){ 0 };
	if (!(a->type & 1)) /* an interrupt gate */
		r->flags &= ~FLAGS_IF;
	r->flags &= ~(FLAGS_TF | FLAGS_VM | FLAGS_RF | FLAGS_NT);
	r->seg[MACHINE_SEG_SS] = a->ss;
	if (a->new_stack && departs(a->cpu, MACHINE_KEEPS_ESP_HALF)) {
		uint64_t mask = segment_stack_mask(a->cpu, &a->ss);

		a->sp = (r->reg[MACHINE_REG_SP] & ~mask) | (a->sp & mask);
	}
	r->reg[MACHINE_REG_SP] = a->sp;
	a->cs.selector = (uint16_t)(SELECTOR_INDEX(a->selector) | a->cpl);
	r->seg[MACHINE_SEG_CS] = a->cs;
	r->ip = a->target;
	r->cpl = (uint8_t)a->cpl;
}

static bool through_gate(struct attempt *a)
{
	return read_code(a) &&
	       (machine_long_mode(a->cpu) ? find_stack64(a) : find_stack(a)) &&
	       push_frame(a) && segment_accessed(a->cpu, &a->cs, a->second) &&
	       (!a->new_stack || machine_long_mode(a->cpu) ||
		segment_accessed(a->cpu, &a->ss, a->second)) &&
	       (enter_handler(a), true);
}

/* SDM 6.12.2; vol. 2A, TASK-GATE: the error code goes to the new task's stack. */
static bool through_task(struct attempt *a)
{
	struct machine_registers *r = &a->cpu->r;
	unsigned size;

	if (!task_switch(a->cpu, a->selector, a->resume, a->ext, a->second))
		return false;
	size = DESC_TYPE(r->tr.attributes) & 8 ? 4 : 2;
	a->cs = r->seg[MACHINE_SEG_CS];
	a->ss = r->seg[MACHINE_SEG_SS];
	a->cpl = r->cpl;
	a->sp = r->reg[MACHINE_REG_SP];
	a->target = r->ip;
	if (has_error(a->event) &&
	    (!check_room(a, size) || !push(a, size, a->event->error)))
		return false;
	r->reg[MACHINE_REG_SP] = a->sp;
	return check_target(a);
}

/* Once through the IDT; false: *second is why not. */
static bool attempt(struct machine_cpu *cpu, const struct machine_event *event,
		    struct machine_event *second, bool *task)
{
	bool software = event->kind == MACHINE_SOFTWARE_INTERRUPT;
	struct attempt a = {
		.cpu = cpu,
		.event = event,
		.second = second,
		.ext = !software && !departs(cpu, MACHINE_NO_EXT),
		.resume = cpu->r.ip + (software ? event->length : 0),
	};

	if (!read_gate(&a))
		return false;
	*task = a.type == TYPE_TASK_GATE;
	return *task ? through_task(&a) : through_gate(&a);
}

/* ---- when delivery itself fails ---- */

enum next { SERIALLY, DOUBLE, SHUTDOWN };

/* SDM table 6-5, by the classes of the first event and of the second. */
static const uint8_t combination[4][3] = {
	[BENIGN] = { SERIALLY, SERIALLY, SERIALLY },
	[CONTRIBUTORY] = { SERIALLY, DOUBLE, SERIALLY },
	[PAGE_FAULT] = { SERIALLY, DOUBLE, DOUBLE },
	[DOUBLE_FAULT] = { SERIALLY, SHUTDOWN, SHUTDOWN },
};

static void note(struct machine_cpu *cpu, struct machine_delivery *delivery,
		 const struct machine_event *event)
{
	if (event->vector == MACHINE_PF && event->kind == MACHINE_EXCEPTION)
		cpu->r.cr2 = event->address;
	if (delivery->nevents < MACHINE_MAX_EVENTS)
		delivery->event[delivery->nevents++] = *event;
}

enum machine_end machine_deliver(struct machine_cpu *cpu,
				 const struct machine_event *event,
				 struct machine_delivery *delivery)
{
	struct machine_event now = *event, second;
	bool task;

	delivery->nevents = 0;
	note(cpu, delivery, &now);
	if (cpu->shut_down)
		return delivery->end = MACHINE_SHUTDOWN;
	if (!(cpu->r.cr0 & CR0_PE))
		return delivery->end = MACHINE_UNMODELLED;
	while (!attempt(cpu, &now, &second, &task)) {
		enum next next = combination[class_of(&now)][class_of(&second)];

		note(cpu, delivery, &second);
		if (next == SHUTDOWN) {
			cpu->shut_down = true;
			return delivery->end = MACHINE_SHUTDOWN;
		}
		now = second;
		if (next == DOUBLE) {
			raise(&now, MACHINE_DF, 0);
			note(cpu, delivery, &now);
		}
	}
	return delivery->end = task ? MACHINE_TASK : MACHINE_DELIVERED;
}

bool machine_access(struct machine_cpu *cpu, uint64_t va, unsigned kind,
		    struct machine_delivery *delivery)
{
	struct machine_translation translation;
	struct machine_event event;

	kind |= cpu->r.cpl == 3 ? MACHINE_USER : 0;
	if (machine_translate(cpu, va, kind, &translation, &event))
		return true;
	machine_deliver(cpu, &event, delivery);
	return false;
}

bool machine_fetch(struct machine_cpu *cpu, struct machine_event *event)
{
	struct machine_translation translation;
	uint64_t va = cpu->r.seg[MACHINE_SEG_CS].base + cpu->r.ip;

	return machine_translate(cpu, va,
				 MACHINE_FETCH | (cpu->r.cpl == 3 ? MACHINE_USER : 0),
				 &translation, event);
}
