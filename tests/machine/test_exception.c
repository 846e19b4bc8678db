/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Delivery through the IDT, and what becomes of it when it fails: SDM chapter 6. */
#include "stand.h"

static const struct machine_model manual = { .features = MACHINE_HAS_ALL,
					     .maxphyaddr = 40 };
static const struct machine_model tcg = { .features = MACHINE_HAS_ALL,
					  .maxphyaddr = 40,
					  .departures = MACHINE_TCG };

#define HOLE UINT64_C(0x80000000) /* an address where nothing is mapped */
#define EXT 1u

static const struct machine_event page_fault = { .vector = MACHINE_PF,
						 .error = 5,
						 .address = 0x1234567 };

static struct machine_event exception(unsigned vector, uint32_t error)
{
	return (struct machine_event){ .vector = (uint8_t)vector, .error = error };
}

static struct machine_event interrupt(unsigned vector)
{
	return (struct machine_event){ .vector = (uint8_t)vector,
				       .kind = MACHINE_EXTERNAL_INTERRUPT };
}

static struct machine_event software(unsigned vector)
{
	return (struct machine_event){ .vector = (uint8_t)vector,
				       .kind = MACHINE_SOFTWARE_INTERRUPT,
				       .length = 2 };
}

static enum machine_end deliver(struct stand *s, struct machine_event event,
				struct machine_delivery *delivery)
{
	return machine_deliver(&s->cpu, &event, delivery);
}

/* The words on the stack from the top (where SP is) up. */
static void assert_stack(struct stand *s, unsigned size, const uint64_t *word, unsigned n)
{
	uint64_t sp = s->cpu.r.reg[MACHINE_REG_SP];

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(stand_get(s, sp + i * size, size), word[i]);
}

/* That the first attempt ends in vector(error), which is then delivered. */
static void assert_second(const struct machine_delivery *d, unsigned vector,
			  uint32_t error)
{
	assert_true(d->nevents >= 2);
	assert_int_equal(d->event[1].vector, vector);
	assert_int_equal(d->event[1].error, error);
}

/* ---- 32-bit frames ---- */

/* SDM 6.12.1, figure 6-4, without a change of level. */
static void test_same_level(void **state)
{
	const uint64_t frame[] = { 5, 0x1000, STAND_KERNEL_CS, 2 | FLAGS_IF | FLAGS_RF };
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	assert_int_equal(deliver(&s, page_fault, &d), MACHINE_DELIVERED);
	assert_int_equal(d.nevents, 1);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_SP], STAND_STACK - 16);
	assert_stack(&s, 4, frame, 4);
	assert_int_equal(s.cpu.r.ip, STAND_HANDLER + MACHINE_PF);
	assert_int_equal(s.cpu.r.flags, 2); /* 6.12.1.3: IF goes, by an interrupt gate */
	assert_int_equal(s.cpu.r.cr2, 0x1234567);
	assert_int_equal(s.cpu.r.cpl, 0);
	stand_close(&s);
}

/* SDM 6.12.1.3: a trap gate leaves IF; 6.13: no error code for interrupts. */
static void test_trap_gate(void **state)
{
	const uint64_t frame[] = { 0x1000, STAND_KERNEL_CS, 2 | FLAGS_IF };
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	stand_gate(&s, 14, 15, STAND_KERNEL_CS, STAND_HANDLER, 0, 0);
	assert_int_equal(deliver(&s, interrupt(14), &d), MACHINE_DELIVERED);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_SP], STAND_STACK - 12);
	assert_stack(&s, 4, frame, 3);
	assert_int_equal(s.cpu.r.flags, 2 | FLAGS_IF);
	assert_int_equal(s.cpu.r.cr2, 0);
	stand_close(&s);
}

/* SDM figure 6-4, with a change of level: SS:ESP of the TSS, the old one on top. */
static void test_inner_level(void **state)
{
	const uint64_t frame[] = {
		5,           0x1000,       STAND_USER_CS, 2 | FLAGS_IF | FLAGS_RF,
		STAND_STACK, STAND_USER_DS
	};
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	stand_user(&s);
	assert_int_equal(deliver(&s, page_fault, &d), MACHINE_DELIVERED);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_SP], STAND_INNER - 24);
	assert_stack(&s, 4, frame, 6);
	assert_int_equal(s.cpu.r.cpl, 0);
	assert_int_equal(s.cpu.r.seg[MACHINE_SEG_SS].selector, STAND_KERNEL_DS);
	assert_int_equal(s.cpu.r.seg[MACHINE_SEG_CS].selector, STAND_KERNEL_CS);
	stand_close(&s);
}

/* SDM table 3-2: 16-bit gates push words. */
static void test_16bit_gate(void **state)
{
	const uint64_t frame[] = { 5, 0x1000, STAND_KERNEL_CS, 2 | FLAGS_IF };
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	stand_gate(&s, 14, 6, STAND_KERNEL_CS, 0x123, 0, 0);
	assert_int_equal(deliver(&s, page_fault, &d), MACHINE_DELIVERED);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_SP], STAND_STACK - 8);
	assert_stack(&s, 2, frame, 4);
	assert_int_equal(s.cpu.r.ip, 0x123);
	stand_close(&s);
}

static void enter_vm86(struct machine_registers *r)
{
	r->flags |= 1 << 17;
	r->cpl = 3;
	for (unsigned i = 0; i < MACHINE_SEGMENTS; i++)
		r->seg[i] = (struct machine_segment){ .selector = (uint16_t)(0x100 + i),
						      .base = 0x1000 + 16 * i,
						      .limit = 0xffff };
}

/* SDM vol. 3B 21.3.1.1: all segment registers are pushed, and the data ones cleared. */
static void test_vm86(void **state)
{
	const uint64_t frame[] = { 5,           0x1000,
				   0x101,       2 | FLAGS_IF | FLAGS_RF | 1 << 17,
				   STAND_STACK, 0x102,
				   0x100,       0x103,
				   0x104,       0x105 };
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	stand_set(&s, enter_vm86);
	assert_int_equal(deliver(&s, page_fault, &d), MACHINE_DELIVERED);
	assert_stack(&s, 4, frame, 10);
	assert_int_equal(s.cpu.r.seg[MACHINE_SEG_DS].selector, 0);
	assert_int_equal(s.cpu.r.flags & 1 << 17, 0);
	stand_close(&s);
}

/* Vol. 2A, INT n: the next instruction is returned to, and the gate's DPL counts. */
static void test_software_interrupt(void **state)
{
	const uint64_t frame[] = { 0x1002, STAND_USER_CS, 2 | FLAGS_IF };
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	stand_user(&s);
	assert_int_equal(deliver(&s, software(0x80), &d), MACHINE_DELIVERED);
	assert_second(&d, MACHINE_GP, 0x80 * 8 + 2); /* EXT is clear: the program's own */
	stand_close(&s);
	stand_open(&s, STAND_32BIT, &manual);
	stand_user(&s);
	stand_gate(&s, 0x80, 14, STAND_KERNEL_CS, STAND_HANDLER, 3, 0);
	assert_int_equal(deliver(&s, software(0x80), &d), MACHINE_DELIVERED);
	assert_int_equal(d.nevents, 1);
	assert_stack(&s, 4, frame, 3);
	stand_close(&s);
}

/* ---- 64-bit frames ---- */

/* SDM 6.14.2, figure 6-9: SS:RSP always, on a stack aligned to 16 bytes. */
static void test_64bit(void **state)
{
	const uint64_t frame[] = { 5,
				   0x1000,
				   STAND_KERNEL_CS,
				   2 | FLAGS_IF | FLAGS_RF,
				   STAND_STACK - 4,
				   STAND_KERNEL_DS };
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_4LEVEL, &manual);
	s.cpu.r.reg[MACHINE_REG_SP] = STAND_STACK - 4;
	assert_int_equal(deliver(&s, page_fault, &d), MACHINE_DELIVERED);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_SP], STAND_STACK - 16 - 48);
	assert_stack(&s, 8, frame, 6);
	stand_close(&s);
}

/* SDM 6.14.4 and 6.14.5: RSP0 from the TSS and a null SS; an IST wins over it. */
static void test_64bit_stacks(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_4LEVEL, &manual);
	stand_user(&s);
	assert_int_equal(deliver(&s, page_fault, &d), MACHINE_DELIVERED);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_SP], STAND_INNER - 48);
	assert_int_equal(s.cpu.r.seg[MACHINE_SEG_SS].selector, 0);
	stand_gate(&s, 14, 14, STAND_KERNEL_CS, STAND_HANDLER, 0, 1);
	assert_int_equal(deliver(&s, page_fault, &d), MACHINE_DELIVERED);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_SP], STAND_IST - 48);
	assert_int_equal(stand_get(&s, STAND_IST - 16, 8), STAND_INNER - 48);
	stand_close(&s);
}

/* SDM 6.14.1: no task gates and no 16-bit ones; 6.14: the handler is 64-bit code. */
static void test_64bit_gates(void **state)
{
	static const unsigned types[] = { 5, 6, 7, 12, 9 };
	struct machine_delivery d;
	struct stand s;

	(void)state;
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++) {
		stand_open(&s, STAND_4LEVEL, &manual);
		stand_gate(&s, 32, types[i], STAND_KERNEL_CS, STAND_HANDLER, 0, 0);
		assert_int_equal(deliver(&s, interrupt(32), &d), MACHINE_DELIVERED);
		assert_second(&d, MACHINE_GP, 32 * 8 + 2 + EXT);
		stand_close(&s);
	}
	stand_open(&s, STAND_4LEVEL, &manual);
	stand_descriptor(&s, STAND_FREE, 0x00cf9b000000ffff);
	stand_gate(&s, 32, 14, STAND_FREE, STAND_HANDLER, 0, 0);
	deliver(&s, interrupt(32), &d);
	assert_second(&d, MACHINE_GP, STAND_FREE + EXT);
	stand_close(&s);
}

/* SDM 6.15, #SS and #GP: addresses that are not canonical. */
static void test_64bit_canonical(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_4LEVEL, &manual);
	stand_gate(&s, 32, 14, STAND_KERNEL_CS, UINT64_C(1) << 63, 0, 0);
	deliver(&s, interrupt(32), &d);
	assert_second(&d, MACHINE_GP, EXT);
	stand_put(&s, STAND_TSS + 36, 8, UINT64_C(1) << 63);
	stand_gate(&s, 32, 14, STAND_KERNEL_CS, STAND_HANDLER, 0, 1);
	deliver(&s, interrupt(32), &d);
	assert_second(&d, MACHINE_SS, EXT);
	stand_close(&s);
}

/* ---- what refuses an interrupt, and with what error code ---- */

struct refusal {
	const char *why;
	void (*spoil)(struct stand *s);
	unsigned vector;
	uint32_t error;
};

static void gate_type(struct stand *s)
{
	stand_gate(s, 32, 12, STAND_KERNEL_CS, STAND_HANDLER, 0, 0);
}

static void gate_absent(struct stand *s)
{
	stand_put(s, STAND_IDT + 32 * 8 + 5, 1, 0x0e);
}

static void idt_short(struct stand *s)
{
	s->cpu.r.idtr.limit = 32 * 8 + 6;
}

static void code_null(struct stand *s)
{
	stand_gate(s, 32, 14, 3, STAND_HANDLER, 0, 0);
}

static void code_beyond(struct stand *s)
{
	stand_gate(s, 32, 14, 0x1000, STAND_HANDLER, 0, 0);
}

static void code_is_data(struct stand *s)
{
	stand_gate(s, 32, 14, STAND_KERNEL_DS, STAND_HANDLER, 0, 0);
}

static void code_absent(struct stand *s)
{
	stand_descriptor(s, STAND_FREE, 0x00cf1b000000ffff);
	stand_gate(s, 32, 14, STAND_FREE, STAND_HANDLER, 0, 0);
}

static void code_outer(struct stand *s)
{
	s->cpu.r.cpl = 0;
	stand_gate(s, 32, 14, STAND_USER_CS, STAND_HANDLER, 0, 0);
}

static void code_short(struct stand *s)
{
	stand_descriptor(s, STAND_FREE, 0x00409b0000000fff);
	stand_gate(s, 32, 14, STAND_FREE, 0x1000, 0, 0);
}

static void code_in_absent_ldt(struct stand *s)
{
	stand_gate(s, 32, 14, STAND_KERNEL_CS | 4, STAND_HANDLER, 0, 0);
}

static void tss_short(struct stand *s)
{
	s->cpu.r.tr.limit = 8;
}

static void stack_null(struct stand *s)
{
	stand_put(s, STAND_TSS + 8, 4, 0);
}

static void stack_rpl(struct stand *s)
{
	stand_put(s, STAND_TSS + 8, 4, STAND_KERNEL_DS | 1);
}

static void stack_is_code(struct stand *s)
{
	stand_put(s, STAND_TSS + 8, 4, STAND_KERNEL_CS);
}

static void stack_absent(struct stand *s)
{
	stand_put(s, STAND_TSS + 8, 4, STAND_FREE);
	stand_descriptor(s, STAND_FREE, 0x00cf13000000ffff);
}

static void stack_short(struct stand *s)
{
	stand_put(s, STAND_TSS + 8, 4, STAND_FREE);
	stand_descriptor(s, STAND_FREE, 0x004093000000ffff);
}

/* Vol. 2A, INT n, operation; SDM 6.13. From CPL 3, by an interrupt: EXT is set. */
static const struct refusal refusals[] = {
	{ "no gate type", gate_type, MACHINE_GP, 32 * 8 + 2 + EXT },
	{ "gate not present", gate_absent, MACHINE_NP, 32 * 8 + 2 + EXT },
	{ "IDT too short", idt_short, MACHINE_GP, 32 * 8 + 2 + EXT },
	{ "CS null", code_null, MACHINE_GP, EXT },
	{ "CS beyond the GDT", code_beyond, MACHINE_GP, 0x1000 + EXT },
	{ "CS is data", code_is_data, MACHINE_GP, STAND_KERNEL_DS + EXT },
	{ "CS not present", code_absent, MACHINE_NP, STAND_FREE + EXT },
	{ "CS less privileged", code_outer, MACHINE_GP, (STAND_USER_CS & ~3u) + EXT },
	{ "IP beyond CS", code_short, MACHINE_GP, EXT },
	{ "CS in an LDT that is not there", code_in_absent_ldt, MACHINE_GP,
	  STAND_KERNEL_CS + 4 + EXT },
	{ "TSS too short", tss_short, MACHINE_TS, STAND_TR + EXT },
	{ "SS null", stack_null, MACHINE_TS, EXT },
	{ "SS with another RPL", stack_rpl, MACHINE_TS, STAND_KERNEL_DS + EXT },
	{ "SS is code", stack_is_code, MACHINE_TS, STAND_KERNEL_CS + EXT },
	{ "SS not present", stack_absent, MACHINE_SS, STAND_FREE + EXT },
	{ "SS too short", stack_short, MACHINE_SS, STAND_FREE + EXT },
};

static void test_refusals(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	for (unsigned i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		stand_open(&s, STAND_32BIT, &manual);
		stand_user(&s);
		refusals[i].spoil(&s);
		deliver(&s, interrupt(32), &d);
		if (d.nevents < 2 || d.event[1].vector != refusals[i].vector ||
		    d.event[1].error != refusals[i].error)
			fail_msg("%s: %s(%x)", refusals[i].why,
				 machine_vector_name(d.event[1].vector),
				 d.event[1].error);
		stand_close(&s);
	}
}

/* SDM 3.4.5.1: the handler's descriptors are marked, in memory. */
static void test_segment_accessed(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	stand_descriptor(&s, STAND_KERNEL_CS, 0x00cf9a000000ffff);
	deliver(&s, interrupt(32), &d);
	assert_int_equal(stand_get(&s, STAND_GDT + STAND_KERNEL_CS, 8),
			 0x00cf9b000000ffff);
	stand_close(&s);
	stand_open(&s, STAND_32BIT, &tcg);
	stand_descriptor(&s, STAND_KERNEL_CS, 0x00cf9a000000ffff);
	deliver(&s, interrupt(32), &d);
	assert_int_equal(stand_get(&s, STAND_GDT + STAND_KERNEL_CS, 8),
			 0x00cf9a000000ffff);
	stand_close(&s);
}

/* Why the GDT's frame was written, by a delivery over memory that is as it was. */
static uint8_t gdt_written(struct stand *s)
{
	struct machine_backing below = machine_memory_backing(s->memory);
	struct machine_memory *over = machine_memory_create(&below, 0);
	struct machine_written *written;
	struct machine_delivery d;
	uint8_t reasons = 0;
	size_t n;

	assert_non_null(over);
	s->cpu.memory = over;
	deliver(s, interrupt(32), &d);
	assert_true(machine_memory_written(over, &written, &n));
	for (size_t i = 0; i < n; i++)
		if (written[i].pa == STAND_GDT)
			reasons = written[i].reasons;
	free(written);
	s->cpu.memory = s->memory;
	machine_memory_destroy(over);
	return reasons;
}

/* An accessed flag and a busy flag (SDM 3.4.5.1, 8.2.2) are no data. */
static void test_descriptor_flags(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	assert_int_equal(gdt_written(&s), 0);
	stand_close(&s);
	stand_open(&s, STAND_32BIT, &manual);
	stand_descriptor(&s, STAND_KERNEL_CS, 0x00cf9a000000ffff);
	assert_int_equal(gdt_written(&s), MACHINE_WROTE_FLAGS);
	stand_close(&s);
	stand_open(&s, STAND_32BIT, &manual);
	stand_gate(&s, 32, 5, STAND_FREE, 0, 0, 0);
	stand_descriptor(&s, STAND_FREE, 0x0000890150000067);
	assert_int_equal(gdt_written(&s), MACHINE_WROTE_FLAGS);
	stand_close(&s);
}

/* ---- SDM table 6-5 ---- */

enum { TO_CONTRIBUTORY, TO_PAGE_FAULT };

/* The gate of the vector is made such that its delivery raises #NP or #PF. */
static void break_gate(struct stand *s, unsigned vector, unsigned how)
{
	if (how == TO_CONTRIBUTORY) {
		stand_put(s, STAND_IDT + vector * 8 + 5, 1, 0x0e);
	} else {
		stand_gate(s, vector, 5, STAND_FREE, 0, 0, 0);
		/* a TSS where nothing is mapped */
		stand_descriptor(s, STAND_FREE, 0x8000890000000067);
	}
}

static void test_combinations(void **state)
{
	static const struct {
		const char *name;
		uint8_t vector, kind, how, want;
	} rows[] = {
		{ "benign, contributory", MACHINE_UD, 0, TO_CONTRIBUTORY, MACHINE_NP },
		{ "benign, page fault", MACHINE_UD, 0, TO_PAGE_FAULT, MACHINE_PF },
		{ "interrupt, contributory", 32, 2, TO_CONTRIBUTORY, MACHINE_NP },
		{ "INT 14, page fault", 14, 1, TO_PAGE_FAULT, 0xff },
		{ "#DE, contributory", MACHINE_DE, 0, TO_CONTRIBUTORY, MACHINE_DF },
		{ "#TS, contributory", MACHINE_TS, 0, TO_CONTRIBUTORY, MACHINE_DF },
		{ "#SS, contributory", MACHINE_SS, 0, TO_CONTRIBUTORY, MACHINE_DF },
		{ "#GP, contributory", MACHINE_GP, 0, TO_CONTRIBUTORY, MACHINE_DF },
		{ "#GP, page fault", MACHINE_GP, 0, TO_PAGE_FAULT, MACHINE_PF },
		{ "#PF, contributory", MACHINE_PF, 0, TO_CONTRIBUTORY, MACHINE_DF },
		{ "#PF, page fault", MACHINE_PF, 0, TO_PAGE_FAULT, MACHINE_DF },
		{ "#CP, contributory", MACHINE_CP, 0, TO_CONTRIBUTORY, MACHINE_DF },
		{ "#AC, page fault", MACHINE_AC, 0, TO_PAGE_FAULT, MACHINE_PF },
	};
	struct machine_delivery d;
	struct stand s;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct machine_event event = { .vector = rows[i].vector,
					       .kind = rows[i].kind };
		enum machine_end end;

		stand_open(&s, STAND_32BIT, &manual);
		break_gate(&s, rows[i].vector, rows[i].how);
		end = deliver(&s, event, &d);
		if (rows[i].want == 0xff) {
			/* its #PF goes by the same gate, and faults: #DF */
			assert_int_equal(d.event[d.nevents - 1].vector, MACHINE_DF);
		} else if (end != MACHINE_DELIVERED ||
			   d.event[d.nevents - 1].vector != rows[i].want) {
			fail_msg("%s: %u events, last %s", rows[i].name, d.nevents,
				 machine_vector_name(d.event[d.nevents - 1].vector));
		}
		stand_close(&s);
	}
}

/* #DF whose own delivery fails: shutdown (SDM 6.15, #DF). */
static void test_shutdown(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	for (unsigned how = 0; how < 2; how++) {
		stand_open(&s, STAND_32BIT, &manual);
		break_gate(&s, MACHINE_GP, TO_CONTRIBUTORY);
		break_gate(&s, MACHINE_DF, how);
		assert_int_equal(deliver(&s, exception(MACHINE_GP, 0), &d),
				 MACHINE_SHUTDOWN);
		assert_int_equal(d.nevents, 4);
		assert_int_equal(d.event[1].vector, MACHINE_NP);
		assert_int_equal(d.event[2].vector, MACHINE_DF);
		assert_int_equal(d.event[3].vector, how ? MACHINE_PF : MACHINE_NP);
		assert_true(s.cpu.shut_down);
		assert_int_equal(deliver(&s, interrupt(32), &d), MACHINE_SHUTDOWN);
		stand_close(&s);
	}
}

/* SDM 6.15, #PF: CR2 is the last one's, #DF or not; a failed delivery leaves the rest. */
static void test_state_after_failure(void **state)
{
	struct machine_registers before;
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	s.cpu.r.reg[MACHINE_REG_SP] = HOLE + 8; /* two of four words fit */
	stand_map(&s, HOLE, 1, 0x2345000 | P | RW);
	before = s.cpu.r;
	stand_gate(&s, MACHINE_DF, 12, 0, 0, 0, 0);
	assert_int_equal(deliver(&s, page_fault, &d), MACHINE_SHUTDOWN);
	assert_int_equal(s.cpu.r.cr2, HOLE - 4);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_SP], before.reg[MACHINE_REG_SP]);
	assert_int_equal(s.cpu.r.ip, before.ip);
	assert_int_equal(s.cpu.r.flags, before.flags);
	assert_int_equal(stand_get(&s, 0x2345004, 4), 2 | FLAGS_IF | FLAGS_RF);
	assert_int_equal(stand_get(&s, 0x2345000, 4), STAND_KERNEL_CS);
	stand_close(&s);
}

/* SDM 6.15, #DF: its error code is 0, whatever led to it. */
static void test_double_fault_frame(void **state)
{
	const uint64_t frame[] = { 0, 0x1000, STAND_KERNEL_CS, 2 | FLAGS_IF };
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	break_gate(&s, MACHINE_PF, TO_CONTRIBUTORY);
	assert_int_equal(deliver(&s, page_fault, &d), MACHINE_DELIVERED);
	assert_int_equal(s.cpu.r.ip, STAND_HANDLER + MACHINE_DF);
	assert_stack(&s, 4, frame, 4);
	stand_close(&s);
}

/* A scenario's own door: an access at the current level, its fault delivered. */
static void test_access(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	assert_true(machine_access(&s.cpu, 0x2000, MACHINE_WRITE, &d));
	assert_int_equal(s.cpu.r.ip, 0x1000);
	stand_user(&s);
	assert_false(machine_access(&s.cpu, 0x2000, MACHINE_READ, &d));
	assert_int_equal(d.end, MACHINE_DELIVERED);
	assert_int_equal(d.event[0].error, MACHINE_PF_P | MACHINE_PF_U);
	assert_int_equal(s.cpu.r.ip, STAND_HANDLER + MACHINE_PF);
	stand_close(&s);
}

static void leave_protected_mode(struct machine_registers *r)
{
	r->cr0 = 0x10;
}

static void test_real_mode(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &manual);
	stand_set(&s, leave_protected_mode);
	assert_int_equal(deliver(&s, interrupt(32), &d), MACHINE_UNMODELLED);
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a 32-bit frame at the same level (SDM 6.12.1)", test_same_level },
		{ "a trap gate, an interrupt (SDM 6.12.1.3, 6.13)", test_trap_gate },
		{ "a 32-bit frame at an inner level (SDM 6.12.1)", test_inner_level },
		{ "a 16-bit gate (SDM table 3-2)", test_16bit_gate },
		{ "out of virtual-8086 mode (SDM vol. 3B 21.3.1.1)", test_vm86 },
		{ "INT n and the gate's DPL (SDM vol. 2A)", test_software_interrupt },
		{ "a 64-bit frame (SDM 6.14.2)", test_64bit },
		{ "RSP0 and IST (SDM 6.14.4, 6.14.5)", test_64bit_stacks },
		{ "gates of IA-32e mode (SDM 6.14.1)", test_64bit_gates },
		{ "canonical handlers and stacks (SDM 6.15)", test_64bit_canonical },
		{ "sixteen ways to be refused, and their error codes (SDM 6.13)",
		  test_refusals },
		{ "accessed flags of descriptors (SDM 3.4.5.1)", test_segment_accessed },
		{ "flags of descriptors are no data", test_descriptor_flags },
		{ "two exceptions: one after the other, or #DF (SDM table 6-5)",
		  test_combinations },
		{ "#DF that cannot be delivered: shutdown (SDM 6.15)", test_shutdown },
		{ "what a failed delivery leaves (SDM 6.15)", test_state_after_failure },
		{ "the frame of #DF (SDM 6.15)", test_double_fault_frame },
		{ "an access whose fault is delivered", test_access },
		{ "real-address mode is said not to be there", test_real_mode },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
