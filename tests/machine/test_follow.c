/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nested faults, from the first one to whatever ends them; and that doing them a page at
 * a time leaves the same memory, registers and TLB as doing each.
 */
#include "stand.h"

#include "common/random.h"

static const struct machine_model tcg = { .features = MACHINE_HAS_PSE36,
					  .departures = MACHINE_TCG,
					  .maxphyaddr = 36,
					  .tlb = MACHINE_TLB_TCG };

#define MODULE UINT64_C(0xe0000000) /* where the handler is not mapped */
#define STACKS UINT64_C(0xc0000000) /* maps the RAM from 16 MiB up, 4 KiB each */
#define DF_STACK 0x24000u
#define MAX 10000000u

static const struct machine_event first = { .vector = MACHINE_PF,
					    .error = 2,
					    .address = 0xbffff000 };

/* Frames of 16 bytes from sp down to a hole below `pages` pages of stack. */
static void open_storm(struct stand *s, enum stand_mode mode,
		       const struct machine_model *model, unsigned pages)
{
	stand_open(s, mode, model);
	for (unsigned i = 0; i < pages; i++)
		stand_map(s, STACKS + 4096 * i, 1, (STAND_IDENTITY + 4096 * i) | P | RW);
	stand_gate(s, MACHINE_PF, 14, STAND_KERNEL_CS, MODULE, 0, 0);
	s->cpu.r.reg[MACHINE_REG_SP] = STACKS + 4096 * pages;
	if (mode == STAND_PAE)
		machine_cpu_read_pdptes(&s->cpu);
}

static void follow(struct stand *s, struct machine_story *story)
{
	machine_follow(&s->cpu, &first, MAX, story);
}

/* The stack meets its guard page: the push faults, so #DF, here to a mapped handler. */
static void test_guard_page(void **state)
{
	struct machine_story story;
	struct stand s;

	(void)state;
	open_storm(&s, STAND_32BIT, &tcg, 1);
	stand_gate(&s, MACHINE_DF, 14, STAND_KERNEL_CS, STAND_HANDLER, 0, 0);
	follow(&s, &story);
	assert_int_equal(story.fate,
			 MACHINE_RESETS); /* #DF is pushed to the same stack */
	assert_int_equal(story.nested, 256);
	assert_int_equal(story.sp, STACKS);
	assert_true(story.double_fault);
	stand_close(&s);
}

static void build_double_fault_task(struct stand *s)
{
	stand_descriptor(s, STAND_FREE, 0x0000890130000067);
	stand_gate(s, MACHINE_DF, 5, STAND_FREE, 0, 0, 0);
	stand_put(s, 0x13000 + 0x1c, 4, s->root);
	stand_put(s, 0x13000 + 0x20, 4, STAND_HANDLER);
	stand_put(s, 0x13000 + 0x38, 4, DF_STACK);
	for (unsigned i = 0; i < MACHINE_SEGMENTS; i++)
		stand_put(s, 0x13000 + 0x48 + 4 * i, 4,
			  i == MACHINE_SEG_CS ? STAND_KERNEL_CS : STAND_KERNEL_DS);
}

/* i386's way: #DF is a task of its own, and survives the stack. */
static void test_double_fault_task(void **state)
{
	struct machine_story story;
	struct stand s;

	(void)state;
	open_storm(&s, STAND_32BIT, &tcg, 3);
	build_double_fault_task(&s);
	follow(&s, &story);
	assert_int_equal(story.fate, MACHINE_OTHER_TASK);
	assert_int_equal(story.nested, 3 * 256);
	assert_int_equal(story.frames, 3 * 256 + 1);
	assert_int_equal(story.sp, STACKS);
	assert_int_equal(s.cpu.r.ip, STAND_HANDLER);
	/* every frame but the first: error, IP, CS, flags */
	assert_int_equal(stand_get(&s, STAND_IDENTITY, 4), 0);
	assert_int_equal(stand_get(&s, STAND_IDENTITY + 4, 4), MODULE);
	assert_int_equal(stand_get(&s, STAND_IDENTITY + 8, 4), STAND_KERNEL_CS);
	assert_int_equal(stand_get(&s, STAND_IDENTITY + 12, 4), 2);
	stand_close(&s);
}

/* The suspicion of 2012: "using the page table as a stack". */
static void test_stack_in_page_table(void **state)
{
	struct machine_story story;
	struct stand s;
	uint64_t table;

	(void)state;
	open_storm(&s, STAND_32BIT, &tcg, 16);
	build_double_fault_task(&s);
	/* The stack's fifth page from below is the very table that maps the stack. */
	table = stand_mapped(&s, STACKS, 2) & ~UINT64_C(0xfff);
	stand_map(&s, STACKS + 4 * 4096, 1, table | P | RW);
	follow(&s, &story);
	/*
	 * Its entries are overwritten while the TLB still has the page; the next page
	 * below is looked up in what the frames have left.
	 */
	assert_int_equal(story.fate, MACHINE_OTHER_TASK);
	assert_int_equal(story.sp, STACKS + 4 * 4096);
	assert_int_equal(story.nested, 12 * 256);
	stand_close(&s);
}

/* Without a TLB the first frame in the table is the last. */
static void test_stack_in_page_table_without_tlb(void **state)
{
	struct machine_model none = tcg;
	struct machine_story story;
	struct stand s;
	uint64_t table;

	(void)state;
	none.tlb = MACHINE_TLB_NONE;
	open_storm(&s, STAND_32BIT, &none, 16);
	build_double_fault_task(&s);
	table = stand_mapped(&s, STACKS, 2) & ~UINT64_C(0xfff);
	stand_map(&s, STACKS + 4 * 4096, 1, table | P | RW);
	follow(&s, &story);
	assert_int_equal(story.fate, MACHINE_OTHER_TASK);
	/*
	 * Entry 4 of the table maps this page: the frame that overwrites it, at its bytes
	 * 16 to 31, is the last.
	 */
	assert_int_equal(story.sp, STACKS + 4 * 4096 + 16);
	stand_close(&s);
}

/* An IST is the same stack for every fault: it never ends, and nothing grows. */
static void test_loops(void **state)
{
	struct machine_model model = tcg;
	struct machine_story story;
	struct stand s;

	(void)state;
	model.features = MACHINE_HAS_ALL;
	open_storm(&s, STAND_4LEVEL, &model, 1);
	stand_gate(&s, MACHINE_PF, 14, STAND_KERNEL_CS, MODULE, 0, 1);
	follow(&s, &story);
	assert_int_equal(story.fate, MACHINE_LOOPS);
	assert_int_equal(story.sp, STAND_IST - 48);
	stand_close(&s);
}

static void test_survives(void **state)
{
	struct machine_story story;
	struct stand s;

	(void)state;
	open_storm(&s, STAND_32BIT, &tcg, 1);
	stand_map(&s, MODULE, 1, 0x3000000 | P);
	follow(&s, &story);
	assert_int_equal(story.fate, MACHINE_SURVIVES);
	assert_int_equal(story.frames, 1);
	assert_int_equal(story.nested, 0);
	stand_close(&s);
}

/* The IDT itself out of sight: #PF on #PF, #DF the same, at once. */
static void test_no_idt(void **state)
{
	struct machine_story story;
	struct stand s;

	(void)state;
	open_storm(&s, STAND_32BIT, &tcg, 1);
	stand_map(&s, STAND_IDT, 1, 0);
	follow(&s, &story);
	assert_int_equal(story.fate, MACHINE_RESETS);
	assert_int_equal(story.frames, 0);
	assert_int_equal(story.last.nevents, 4);
	stand_close(&s);
}

static void test_gives_up(void **state)
{
	struct machine_story story;
	struct stand s;

	(void)state;
	open_storm(&s, STAND_32BIT, &tcg, 64);
	for (unsigned max = 1; max < 2000; max += 7) {
		struct machine_registers r = s.cpu.r;

		machine_follow(&s.cpu, &first, max, &story);
		assert_int_equal(story.fate, MACHINE_GAVE_UP);
		assert_int_equal(story.frames, max);
		assert_int_equal(story.sp, STACKS + 64 * 4096 - 16 * max);
		machine_cpu_load(&s.cpu, &r);
	}
	stand_close(&s);
}

/* ---- a page at a time, or one by one ---- */

static void assert_same_story(const struct machine_story *a,
			      const struct machine_story *b)
{
	assert_int_equal(a->fate, b->fate);
	assert_int_equal(a->frames, b->frames);
	assert_int_equal(a->nested, b->nested);
	assert_int_equal(a->sp, b->sp);
	assert_int_equal(a->double_fault, b->double_fault);
	assert_int_equal(a->last.end, b->last.end);
	assert_int_equal(a->last.nevents, b->last.nevents);
	for (unsigned i = 0; i < a->last.nevents; i++) {
		assert_int_equal(a->last.event[i].vector, b->last.event[i].vector);
		assert_int_equal(a->last.event[i].error, b->last.event[i].error);
		assert_int_equal(a->last.event[i].address, b->last.event[i].address);
	}
}

static void assert_same_memory(const struct stand *a, const struct stand *b)
{
	struct machine_written *x, *y;
	size_t nx, ny;

	assert_true(machine_memory_written(a->memory, &x, &nx));
	assert_true(machine_memory_written(b->memory, &y, &ny));
	assert_int_equal(nx, ny);
	for (size_t i = 0; i < nx; i++) {
		assert_int_equal(x[i].pa, y[i].pa);
		assert_int_equal(x[i].reasons, y[i].reasons);
		assert_memory_equal(x[i].bytes, y[i].bytes, MACHINE_FRAME_SIZE);
	}
	free(x);
	free(y);
}

static void assert_same_registers(const struct machine_registers *a,
				  const struct machine_registers *b)
{
	assert_memory_equal(a->reg, b->reg, sizeof(a->reg));
	assert_int_equal(a->ip, b->ip);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->cr2, b->cr2);
	assert_int_equal(a->cr3, b->cr3);
	assert_int_equal(a->cpl, b->cpl);
	assert_int_equal(a->tr.selector, b->tr.selector);
}

/* The same slots in the same order: nothing was remembered more or less. */
static void assert_same_tlb(const struct machine_tlb *a, const struct machine_tlb *b)
{
	assert_int_equal(a->hash_shift, b->hash_shift);
	assert_int_equal(a->used, b->used);
	assert_int_equal(a->sizes, b->sizes);
	for (size_t i = 0; a->slot && i < (size_t)1 << (64 - a->hash_shift); i++) {
		assert_int_equal(a->slot[i].tag, b->slot[i].tag);
		assert_int_equal(a->slot[i].pfn, b->slot[i].pfn);
		assert_int_equal(a->slot[i].generation, b->slot[i].generation);
		assert_int_equal(a->slot[i].rights, b->slot[i].rights);
	}
}

/*
 * A stack whose pages are anything: RAM, other stack pages, the tables that map it, the
 * page directory, IDT, GDT, TSS, read-only, or a hole; a start that is not aligned.
 */
static void random_storm(struct stand *s, enum stand_mode mode,
			 const struct machine_model *model, struct random *random)
{
	static const uint32_t important[] = { STAND_GDT, STAND_IDT, STAND_TSS };
	unsigned pages = 24, size = mode == STAND_32BIT ? 4 : 8;
	uint64_t ram;

	open_storm(s, mode, model, pages);
	if (mode == STAND_32BIT)
		build_double_fault_task(s);
	for (unsigned i = 0; i < pages; i++) {
		ram = STAND_IDENTITY + 4096 * random_below(random, pages);
		switch (random_below(random, 60)) {
		case 0:
			ram = s->root;
			break;
		case 1:
			ram = stand_mapped(s, STACKS, 2) & ~UINT64_C(0xfff);
			break;
		case 2:
			ram = important[random_below(random, 3)];
			break;
		case 3:
			ram = UINT64_C(0xf0000000); /* no memory */
			break;
		case 4:
			stand_map(s, STACKS + 4096 * i, 1, 0);
			continue;
		case 5: /* an entry of the very tables that are walked for the handler */
			ram = stand_entry(s, MODULE, mode == STAND_32BIT ? 2 : 1) &
			      ~UINT64_C(0xfff);
			break;
		default:
			break;
		}
		stand_map(s, STACKS + 4096 * i, 1,
			  ram | P | (random_percent(random, 97) ? RW : 0));
	}
	s->cpu.r.reg[MACHINE_REG_SP] -= random_below(random, 4096 / size) * size;
	s->cpu.r.ip = random_next(random) & 0xffff;
	if (random_percent(random, 20))
		stand_gate(s, MACHINE_PF, 15, STAND_KERNEL_CS, MODULE, 0, 0);
	if (random_percent(random, 10)) /* the handler's own address below the stack */
		stand_gate(s, MACHINE_PF, 14, STAND_KERNEL_CS, STACKS - 4096, 0, 0);
	stand_control(s, CR0_WP, 0, 0);
	if (mode == STAND_PAE)
		machine_cpu_read_pdptes(&s->cpu);
}

struct variant {
	enum stand_mode mode;
	struct machine_model model;
};

static void test_same(void **state)
{
	const struct variant *variant = *state;
	struct random random = { random_seed() };
	uint64_t frames = 0, fates[MACHINE_LOST + 1] = { 0 };

	for (unsigned i = 0; i < 200; i++) {
		struct random again = random;
		struct machine_story fast, slow;
		struct stand a, b;
		uint64_t max = random_percent(&random, 20)
				       ? 1 + random_below(&random, 5000)
				       : MAX;

		again = random;
		random_storm(&a, variant->mode, &variant->model, &random);
		random_storm(&b, variant->mode, &variant->model, &again);
		machine_follow(&a.cpu, &first, max, &fast);
		machine_follow_slowly(&b.cpu, &first, max, &slow);
		assert_same_story(&fast, &slow);
		assert_same_registers(&a.cpu.r, &b.cpu.r);
		assert_same_tlb(&a.cpu.tlb, &b.cpu.tlb);
		assert_same_memory(&a, &b);
		frames += fast.frames;
		fates[fast.fate]++;
		stand_close(&a);
		stand_close(&b);
	}
	print_message("# seed %" PRIu64 ": %" PRIu64 " frames; %" PRIu64
		      " survive, %" PRIu64 " in another task, %" PRIu64 " reset, %" PRIu64
		      " loop, %" PRIu64 " given up\n",
		      random_seed(), frames, fates[MACHINE_SURVIVES],
		      fates[MACHINE_OTHER_TASK], fates[MACHINE_RESETS],
		      fates[MACHINE_LOOPS], fates[MACHINE_GAVE_UP]);
	assert_true(frames > 100000);
}

int main(void)
{
	static struct variant variants[] = {
		{ STAND_32BIT, { MACHINE_HAS_ALL, MACHINE_TCG, 36, MACHINE_TLB_TCG } },
		{ STAND_32BIT, { MACHINE_HAS_ALL, 0, 36, MACHINE_TLB_SDM } },
		{ STAND_32BIT, { MACHINE_HAS_ALL, 0, 36, MACHINE_TLB_NONE } },
		{ STAND_PAE, { MACHINE_HAS_ALL, MACHINE_TCG, 36, MACHINE_TLB_TCG } },
		{ STAND_PAE, { MACHINE_HAS_ALL, 0, 36, MACHINE_TLB_SDM } },
		{ STAND_4LEVEL, { MACHINE_HAS_ALL, MACHINE_TCG, 40, MACHINE_TLB_TCG } },
		{ STAND_4LEVEL, { MACHINE_HAS_ALL, 0, 40, MACHINE_TLB_SDM } },
		{ STAND_4LEVEL, { MACHINE_HAS_ALL, 0, 40, MACHINE_TLB_NONE } },
	};
	const struct CMUnitTest tests[] = {
		{ "a handler that is there: one frame", test_survives },
		{ "a guard page below, #DF on the same stack: reset", test_guard_page },
		{ "a guard page below, #DF by a task gate", test_double_fault_task },
		{ "the page table as a stack, remembered by the TLB",
		  test_stack_in_page_table },
		{ "the page table as a stack, without a TLB",
		  test_stack_in_page_table_without_tlb },
		{ "an IST: the same fault for ever", test_loops },
		{ "an IDT out of sight: reset at once", test_no_idt },
		{ "no more frames than asked for", test_gives_up },
		{ "by the page as one by one: 32-bit, TCG", test_same, NULL, NULL,
		  &variants[0] },
		{ "by the page as one by one: 32-bit, manual", test_same, NULL, NULL,
		  &variants[1] },
		{ "by the page as one by one: 32-bit, no TLB", test_same, NULL, NULL,
		  &variants[2] },
		{ "by the page as one by one: PAE, TCG", test_same, NULL, NULL,
		  &variants[3] },
		{ "by the page as one by one: PAE, manual", test_same, NULL, NULL,
		  &variants[4] },
		{ "by the page as one by one: 4-level, TCG", test_same, NULL, NULL,
		  &variants[5] },
		{ "by the page as one by one: 4-level, manual", test_same, NULL, NULL,
		  &variants[6] },
		{ "by the page as one by one: 4-level, no TLB", test_same, NULL, NULL,
		  &variants[7] },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
