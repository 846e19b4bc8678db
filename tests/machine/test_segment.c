/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors, limits, and task switches through a task gate: SDM 3.4, 5.3, chapter 8. */
#include "stand.h"

static const struct machine_model manual = { .features = MACHINE_HAS_ALL,
					     .maxphyaddr = 40 };

#define NEW_TSS 0x13000u
#define NEW_ROOT 0x3000000u
#define NEW_STACK 0x24000u
#define EXT 1u
#define FLAGS_NT UINT64_C(0x4000)

/* SDM figure 3-8. */
static void test_descriptor(void **state)
{
	struct machine_segment s = machine_descriptor(0x2b, 0x12c9f334567890ab);

	(void)state;
	assert_int_equal(s.base, 0x12345678);
	assert_int_equal(s.limit, 0x990abfff);
	assert_int_equal(s.selector, 0x2b);
	s = machine_descriptor(8, 0x124993345678abcd);
	assert_int_equal(s.limit, 0x9abcd);
}

struct limit_row {
	uint64_t raw;
	uint64_t offset, size;
	bool within;
};

/* SDM 5.3: byte and page granular, expand-down with both sizes. */
static const struct limit_row limit_rows[] = {
	{ 0x00cf93000000ffff, 0, 4, true },
	{ 0x00cf93000000ffff, 0xfffffffc, 4, true },
	{ 0x00cf93000000ffff, 0xfffffffd, 4, false },
	{ 0x0040930000000fff, 0xffc, 4, true },
	{ 0x0040930000000fff, 0xffd, 4, false },
	{ 0x00c0930000000000, 0xffc, 4, true },
	{ 0x00c0930000000000, 0x1000, 1, false },
	{ 0x0040970000000fff, 0xfff, 1, false }, /* expand-down: above the limit */
	{ 0x0040970000000fff, 0x1000, 4, true },
	{ 0x0040970000000fff, 0xfffffffc, 4, true },
	{ 0x0040970000000fff, 0xfffffffd, 4, false },
	{ 0x0000970000000fff, 0xfffc, 4, true },
	{ 0x0000970000000fff, 0xfffd, 4, false },
	{ 0x00409b0000000fff, 0xfff, 1, true }, /* code: bit 10 is conforming */
	{ 0x00409f0000000fff, 0x1000, 1, false },
};

static void test_limits(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(limit_rows) / sizeof(*limit_rows); i++) {
		const struct limit_row *row = &limit_rows[i];
		struct machine_segment segment = machine_descriptor(8, row->raw);

		if (machine_within_limit(&segment, row->offset, row->size) != row->within)
			fail_msg("%" PRIx64 ": %" PRIx64 "+%" PRIu64, row->raw,
				 row->offset, row->size);
	}
}

/* ---- task switches ---- */

/* A TSS as Linux has one for #DF: a stack, a CR3 and segments of its own. */
static void build_task(struct stand *s)
{
	stand_descriptor(s, STAND_FREE, 0x0000890000000067 | (uint64_t)NEW_TSS << 16);
	stand_gate(s, MACHINE_DF, 5, STAND_FREE, 0, 0, 0);
	stand_put(s, NEW_TSS + 0x1c, 4, NEW_ROOT);
	stand_put(s, NEW_TSS + 0x20, 4, 0xabcd);
	stand_put(s, NEW_TSS + 0x24, 4, 2);
	for (unsigned i = 0; i < 8; i++)
		stand_put(s, NEW_TSS + 0x28 + 4 * i, 4, 0x1000 + i);
	stand_put(s, NEW_TSS + 0x28 + 4 * MACHINE_REG_SP, 4, NEW_STACK);
	for (unsigned i = 0; i < MACHINE_SEGMENTS; i++)
		stand_put(s, NEW_TSS + 0x48 + 4 * i, 4, STAND_KERNEL_DS);
	stand_put(s, NEW_TSS + 0x48 + 4 * MACHINE_SEG_CS, 4, STAND_KERNEL_CS);
	/* the same space under another root */
	for (unsigned i = 0; i < 1024; i++)
		stand_put(s, NEW_ROOT + 4 * i, 4, stand_get(s, s->root + 4 * i, 4));
}

static void open_task(struct stand *s)
{
	stand_open(s, STAND_32BIT, &manual);
	build_task(s);
	for (unsigned i = 0; i < 8; i++)
		if (i != MACHINE_REG_SP)
			s->cpu.r.reg[i] = 0x2000 + i;
}

static enum machine_end double_fault(struct stand *s, struct machine_delivery *d)
{
	return machine_deliver(&s->cpu, &(struct machine_event){ .vector = MACHINE_DF },
			       d);
}

/* SDM 8.3, steps 8 to 14; figure 8-2. */
static void test_task_switch(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	open_task(&s);
	assert_int_equal(double_fault(&s, &d), MACHINE_TASK);
	assert_int_equal(stand_get(&s, STAND_TSS + 0x20, 4), 0x1000);
	assert_int_equal(stand_get(&s, STAND_TSS + 0x24, 4), 2 | FLAGS_IF);
	assert_int_equal(stand_get(&s, STAND_TSS + 0x28, 4), 0x2000);
	assert_int_equal(stand_get(&s, STAND_TSS + 0x28 + 4 * MACHINE_REG_SP, 4),
			 STAND_STACK);
	assert_int_equal(stand_get(&s, STAND_TSS + 0x48 + 4 * MACHINE_SEG_CS, 2),
			 STAND_KERNEL_CS);
	assert_int_equal(s.cpu.r.cr3, NEW_ROOT);
	assert_int_equal(s.cpu.r.ip, 0xabcd);
	assert_int_equal(s.cpu.r.flags, 2 | FLAGS_NT);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_DI], 0x1007);
	assert_int_equal(s.cpu.r.tr.selector, STAND_FREE);
	assert_int_equal(s.cpu.r.cr0 & 8, 8);
	assert_int_equal(stand_get(&s, NEW_TSS, 2),
			 STAND_TR); /* the previous task link */
	assert_int_equal(stand_get(&s, STAND_GDT + STAND_FREE + 5, 1), 0x8b); /* busy */
	stand_close(&s);
}

/* Vol. 2A, TASK-GATE: the error code goes to the new stack. */
static void test_task_error_code(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	open_task(&s);
	stand_put(&s, NEW_STACK - 4, 4, 0xffffffff);
	double_fault(&s, &d);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_SP], NEW_STACK - 4);
	assert_int_equal(stand_get(&s, NEW_STACK - 4, 4), 0);
	stand_close(&s);
}

/* A task is not re-entered while it is busy (vol. 2A): #DF, #GP, so shutdown. */
static void test_busy(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	open_task(&s);
	assert_int_equal(double_fault(&s, &d), MACHINE_TASK);
	assert_int_equal(double_fault(&s, &d), MACHINE_SHUTDOWN);
	assert_int_equal(d.event[1].vector, MACHINE_GP);
	assert_int_equal(d.event[1].error, STAND_FREE + EXT);
	stand_close(&s);
}

struct task_refusal {
	const char *why;
	uint32_t at; /* physical */
	unsigned size;
	uint64_t value;
	unsigned vector;
	uint32_t error;
};

/* SDM tables 6-6 and 8-1. An interrupt by the gate, so that the second is delivered. */
static const struct task_refusal task_refusals[] = {
	{ "in the LDT", STAND_IDT + 32 * 8 + 2, 2, STAND_FREE | 4, MACHINE_GP,
	  STAND_FREE + 4 + EXT },
	{ "beyond the GDT", STAND_IDT + 32 * 8 + 2, 2, 0x1000, MACHINE_GP, 0x1000 + EXT },
	{ "not a TSS", STAND_IDT + 32 * 8 + 2, 2, STAND_KERNEL_DS, MACHINE_GP,
	  STAND_KERNEL_DS + EXT },
	{ "TSS not present", STAND_GDT + STAND_FREE + 5, 1, 0x09, MACHINE_NP,
	  STAND_FREE + EXT },
	{ "TSS too short", STAND_GDT + STAND_FREE, 2, 0x66, MACHINE_TS,
	  STAND_FREE + EXT },
	{ "LDT of no such kind", NEW_TSS + 0x60, 2, STAND_KERNEL_DS, MACHINE_TS,
	  STAND_KERNEL_DS + EXT },
	{ "CS null", NEW_TSS + 0x48 + 4, 2, 0, MACHINE_TS, EXT },
	{ "CS is data", NEW_TSS + 0x48 + 4, 2, STAND_KERNEL_DS, MACHINE_TS,
	  STAND_KERNEL_DS + EXT },
	{ "SS of another level", NEW_TSS + 0x48 + 8, 2, STAND_USER_DS, MACHINE_TS,
	  (STAND_USER_DS & ~3u) + EXT },
	{ "IP beyond CS", NEW_TSS + 0x48 + 4, 2, 0x40, MACHINE_GP, EXT },
};

static void test_task_refusals(void **state)
{
	struct machine_event interrupt = { .vector = 32,
					   .kind = MACHINE_EXTERNAL_INTERRUPT };
	struct machine_delivery d;
	struct stand s;

	(void)state;
	for (unsigned i = 0; i < sizeof(task_refusals) / sizeof(*task_refusals); i++) {
		const struct task_refusal *row = &task_refusals[i];

		open_task(&s);
		stand_descriptor(&s, 0x40, 0x00409b0000000fff);
		stand_gate(&s, 32, 5, STAND_FREE, 0, 0, 0);
		stand_put(&s, row->at, row->size, row->value);
		machine_deliver(&s.cpu, &interrupt, &d);
		if (d.nevents < 2 || d.event[1].vector != row->vector ||
		    d.event[1].error != row->error)
			fail_msg("%s: %u events, %s(%x)", row->why, d.nevents,
				 machine_vector_name(d.event[1].vector),
				 d.event[1].error);
		stand_close(&s);
	}
}

/* SDM 4.10.4.1: a task switch keeps the TLB if CR3 stays the same; QEMU flushes it. */
static void test_task_tlb(void **state)
{
	static const uint8_t kinds[] = { MACHINE_TLB_SDM, MACHINE_TLB_TCG };
	struct machine_delivery d;
	struct stand s;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct machine_model model = manual;

		model.tlb = kinds[i];
		stand_open(&s, STAND_32BIT, &model);
		build_task(&s);
		stand_put(&s, NEW_TSS + 0x1c, 4, s.root);
		stand_map(&s, 0x80000000, 1, 0x2000000 | P);
		stand_goes(&s, 0x80000000, MACHINE_READ, 0x2000000);
		stand_map(&s, 0x80000000, 1, 0x2001000 | P);
		assert_int_equal(double_fault(&s, &d), MACHINE_TASK);
		stand_goes(&s, 0x80000000, MACHINE_READ, i ? 0x2001000 : 0x2000000);
		stand_close(&s);
	}
}

/* The new CR3 may lead nowhere: the descriptors' loads fault in the new task. */
static void test_task_to_nowhere(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	open_task(&s);
	stand_put(&s, NEW_TSS + 0x1c, 4, 0x3f00000);
	assert_int_equal(double_fault(&s, &d), MACHINE_SHUTDOWN);
	assert_int_equal(d.event[1].vector, MACHINE_PF);
	assert_int_equal(d.event[1].address, STAND_GDT + STAND_KERNEL_CS);
	stand_close(&s);
}

/* SDM figure 8-10: a 16-bit TSS has words, four segments and no CR3. */
static void test_16bit_task(void **state)
{
	struct machine_delivery d;
	struct stand s;

	(void)state;
	open_task(&s);
	stand_descriptor(&s, STAND_FREE, 0x000081000000002b | (uint64_t)NEW_TSS << 16);
	for (unsigned at = 0; at < 0x2c; at += 2)
		stand_put(&s, NEW_TSS + at, 2, 0);
	stand_put(&s, NEW_TSS + 0x0e, 2, 0x4321);
	stand_put(&s, NEW_TSS + 0x12 + 2 * MACHINE_REG_SP, 2, 0x8000);
	for (unsigned i = 0; i < 4; i++)
		stand_put(&s, NEW_TSS + 0x22 + 2 * i, 2,
			  i == MACHINE_SEG_CS ? STAND_KERNEL_CS : STAND_KERNEL_DS);
	assert_int_equal(double_fault(&s, &d), MACHINE_TASK);
	assert_int_equal(s.cpu.r.ip, 0x4321);
	assert_int_equal(s.cpu.r.cr3, s.root);
	assert_int_equal(s.cpu.r.reg[MACHINE_REG_SP], (STAND_STACK & ~0xffffu) + 0x7ffe);
	assert_int_equal(s.cpu.r.seg[MACHINE_SEG_FS].selector, 0);
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a descriptor taken apart (SDM figure 3-8)", test_descriptor },
		{ "limits (SDM 5.3)", test_limits },
		{ "a task switch saves and loads (SDM 8.3)", test_task_switch },
		{ "the error code goes to the new task (SDM vol. 2A)",
		  test_task_error_code },
		{ "a busy task is not entered again (SDM vol. 2A)", test_busy },
		{ "ten ways to be refused a task (SDM tables 6-6, 8-1)",
		  test_task_refusals },
		{ "task switches and the TLB (SDM 4.10.4.1)", test_task_tlb },
		{ "a task whose space lacks the GDT", test_task_to_nowhere },
		{ "a 16-bit TSS (SDM figure 8-10)", test_16bit_task },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
