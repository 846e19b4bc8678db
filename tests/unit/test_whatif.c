/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Faults delivered over a small guest of each kind: what the state is that they begin
 * with, how they end, what gave way, what was overwritten; and hostile registers and
 * tables, which must end too.
 */
#include "audit_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit/rule.h"
#include "common/random.h"
#include "linux/roots.h"
#include "machine/machine.h"
#include "x86/registers.h"

#define VICTIM(fault) ((fault)->guest->task[(fault)->guest->victim])

struct stage {
	struct fault_guest *fault;
	struct ws_machine *machine;
	struct ws_what_if question;
	struct ws_story story;
};

static bool is_wide(const struct stage *stage)
{
	return stage->fault->guest->word == 8;
}

/* The harm must be done before. */
static void open_stage(struct stage *stage)
{
	fault_guest_audit(stage->fault, FAULT_LAZY);
	assert_int_equal(ws_machine_create(stage->fault->audit, &stage->machine), WS_OK);
	stage->question.space =
		space_with_root(stage->fault->system, fault_guest_victim(stage->fault));
}

static void close_stage(struct stage *stage)
{
	ws_machine_destroy(stage->machine);
	fault_guest_destroy(stage->fault);
}

static void say(struct stage *stage)
{
	enum ws_status status =
		ws_machine_what_if(stage->machine, &stage->question, &stage->story);

	if (status != WS_OK)
		fail_msg("%s", ws_error(stage->fault->system->ctx, 0));
}

/* The root that a fault from user mode finds loaded: PTI's user half. */
static uint64_t entry_root(const struct fault_guest *fault)
{
	return fault_guest_victim(fault) + (fault->guest->kind->pti ? WS_FRAME_SIZE : 0);
}

/* Of frames with error code: from another privilege level, and from the same. */
static unsigned outer_frame(const struct stage *stage)
{
	return is_wide(stage) ? 48 : 24;
}

static unsigned inner_frame(const struct stage *stage)
{
	return is_wide(stage) ? 48 : 16;
}

static uint64_t top_of(struct place stack)
{
	return stack.va + WS_FRAME_SIZE;
}

/* ---- where it begins -------------------------------------------------------------- */

static void test_survives(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	const struct ws_story *story = &stage.story;

	open_stage(&stage);
	say(&stage);
	assert_int_equal(story->fate, WS_FATE_SURVIVES);
	assert_int_equal(story->mode, WS_FAULT_USER);
	assert_int_equal(story->sp_origin, WS_SP_ENTRY);
	assert_int_equal(story->start_sp, top_of(stage.fault->entry_stack));
	assert_int_equal(story->frames, 1);
	assert_int_equal(story->nested, 0);
	assert_int_equal(story->sp,
			 top_of(stage.fault->entry_stack) - outer_frame(&stage));
	assert_int_equal(story->first_sp, story->sp);
	assert_false(story->double_fault);
	assert_int_equal(story->nexceptions, 1);
	assert_int_equal(story->exception[0].vector, 14);
	assert_int_equal(story->exception[0].error, 6); /* a write from user mode */
	assert_int_equal(story->exception[0].address, story->address);
	assert_int_equal(story->stumble, WS_STUMBLE_NONE);
	assert_int_equal(story->undermined, -1);
	assert_int_equal(story->missing, 0);
	assert_int_equal(stage.fault->system->spaces.v[story->space].root,
			 entry_root(stage.fault));
	close_stage(&stage);
}

/* Nothing of the target is changed, and one story leaves nothing for the next. */
static void test_leaves_nothing(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	struct ws_story first;
	uint8_t *before = malloc(GUEST_MEMORY);

	fault_guest_hide_page(stage.fault, entry_root(stage.fault),
			      stage.fault->pf_handler.va);
	open_stage(&stage);
	assert_non_null(before);
	memcpy(before, stage.fault->guest->memory, GUEST_MEMORY);
	for (unsigned i = 0; i < 6; i++) {
		stage.question.processor = (uint8_t)(i % 3);
		say(&stage);
		if (!i)
			first = stage.story;
		assert_int_equal(stage.story.fate, first.fate);
		assert_int_equal(stage.story.frames, first.frames);
		assert_int_equal(stage.story.sp, first.sp);
	}
	assert_memory_equal(before, stage.fault->guest->memory, GUEST_MEMORY);
	free(before);
	close_stage(&stage);
}

/* As an old kernel has it: the TSS names the top of the running task's stack. */
static void run_first_task(struct fault_guest *fault, uint64_t depth)
{
	fault_guest_save_sps(fault, 0);
	guest_put(fault->guest, fault->tss.pa + 4,
		  fault_guest_stack(fault, 0).va + depth);
}

static void test_kernel_stack(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	struct place stack = fault_guest_stack(stage.fault, stage.fault->guest->victim);

	run_first_task(stage.fault, stage.fault->stack_size);
	open_stage(&stage);
	stage.question.mode = WS_FAULT_KERNEL;
	say(&stage);
	assert_int_equal(stage.story.fate, WS_FATE_SURVIVES);
	assert_int_equal(stage.story.sp_origin, WS_SP_TOP);
	assert_int_equal(stage.story.start_sp, stack.va + stage.fault->stack_size - 512);
	assert_int_equal(stage.story.sp, stage.story.start_sp - inner_frame(&stage));
	assert_int_equal(stage.story.exception[0].error, 2);
	assert_int_equal(stage.fault->system->spaces.v[stage.story.space].root,
			 fault_guest_victim(stage.fault));
	stage.question.has_sp = true;
	stage.question.sp = stack.va + 0x808;
	say(&stage);
	assert_int_equal(stage.story.sp_origin, WS_SP_GIVEN);
	assert_int_equal(stage.story.start_sp, stack.va + 0x808);
	close_stage(&stage);
}

/* Where a stack ends is not made up. */
static void test_no_size(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };

	fault_guest_save_sps(stage.fault, 0);
	open_stage(&stage);
	stage.question.mode = WS_FAULT_KERNEL;
	assert_int_equal(ws_machine_what_if(stage.machine, &stage.question, &stage.story),
			 WS_ERR_UNKNOWN);
	assert_non_null(strstr(ws_error(stage.fault->system->ctx, 0), "--sp"));
	stage.question.has_sp = true;
	stage.question.sp =
		fault_guest_stack(stage.fault, stage.fault->guest->victim).va + 0x800;
	say(&stage);
	assert_int_equal(stage.story.sp_origin, WS_SP_GIVEN);
	close_stage(&stage);
}

static void test_saved_sp(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	unsigned victim = stage.fault->guest->victim;

	open_stage(&stage);
	stage.question.mode = WS_FAULT_KERNEL;
	say(&stage);
	assert_int_equal(stage.story.sp_origin, WS_SP_SAVED);
	assert_int_equal(stage.story.start_sp, fault_guest_saved_sp(stage.fault, victim));
	close_stage(&stage);
}

/* An old kernel's TSS names the stack of the task that runs; here of the first one. */
static void test_own_stack(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	struct fault_guest *fault = stage.fault;
	uint64_t depth = fault->stack_size - 16;

	run_first_task(fault, depth);
	open_stage(&stage);
	say(&stage);
	assert_int_equal(stage.story.fate, WS_FATE_SURVIVES);
	assert_int_equal(stage.story.sp_origin, WS_SP_OWN);
	assert_int_equal(stage.story.start_sp,
			 fault_guest_stack(fault, fault->guest->victim).va + depth);
	assert_int_equal(stage.story.sp, stage.story.start_sp - outer_frame(&stage));
	stage.question.mode = WS_FAULT_KERNEL; /* the TSS is as it was again */
	say(&stage);
	assert_int_equal(stage.story.sp_origin, WS_SP_TOP);
	close_stage(&stage);
}

/* A root that no task runs with has no stack of its own. */
static void test_borrowed_stack(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };

	/* pid 0 has borrowed another's space, and yet init_mm's stack is its */
	guest_put(stage.fault->guest,
		  guest_pa(stage.fault->guest, stage.fault->guest->task[0].comm_va) +
			  GUEST_MM_OFFSET + stage.fault->guest->word,
		  VICTIM(stage.fault).mm);
	open_stage(&stage);
	stage.question.space =
		space_with_root(stage.fault->system, stage.fault->guest->kept);
	say(&stage);
	assert_int_equal(stage.story.mode, WS_FAULT_KERNEL);
	assert_int_equal(stage.story.sp_origin, WS_SP_BORROWED);
	assert_int_equal(stage.story.start_sp, fault_guest_saved_sp(stage.fault, 0));
	stage.question.space = ws_init_space(stage.fault->audit);
	say(&stage);
	assert_int_equal(stage.story.sp_origin, WS_SP_SAVED);
	assert_int_equal(stage.story.start_sp, fault_guest_saved_sp(stage.fault, 0));
	close_stage(&stage);
}

/* It is in the kernel, in the victim's space, on the victim's stack. */
static void test_processor(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	struct ws_cpu *cpu = fault_guest_cpu(stage.fault);
	struct place stack = fault_guest_stack(stage.fault, stage.fault->guest->victim);

	cpu->reg[X86_CR3] = fault_guest_victim(stage.fault);
	cpu->reg[X86_CS] = is_wide(&stage) ? 0x10 : 0x60;
	x86_set_segment(cpu, X86_SS,
			&(struct x86_segment){ .limit = UINT32_MAX, .flags = 0xcf9300 });
	cpu->reg[X86_SP] = stack.va + 0x900;
	cpu->reg[X86_FLAGS] = 0x87;
	open_stage(&stage);
	stage.question.mode = WS_FAULT_KERNEL;
	say(&stage);
	assert_true(stage.story.cpu_is_here);
	assert_int_equal(stage.story.sp_origin, WS_SP_PROCESSOR);
	assert_int_equal(stage.story.start_sp, stack.va + 0x900);
	assert_int_equal(stage.story.flags, 0x87);
	stage.question.space = ws_init_space(stage.fault->audit);
	say(&stage);
	assert_false(stage.story.cpu_is_here);
	assert_int_equal(stage.story.flags, 0x246);
	close_stage(&stage);
}

/* ---- how it ends ------------------------------------------------------------------ */

/*
 * The handler's first page is not there: frames fill the entry stack, to its guard page.
 */
static void test_nests(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	const struct ws_story *story = &stage.story;
	uint64_t pushed, room = WS_FRAME_SIZE;

	fault_guest_hide_page(stage.fault, entry_root(stage.fault),
			      stage.fault->pf_handler.va);
	open_stage(&stage);
	for (unsigned processor = 0; processor < 3; processor++) {
		stage.question.processor = (uint8_t)processor;
		say(&stage);
		pushed = 1 + (room - outer_frame(&stage)) / inner_frame(&stage);
		assert_int_equal(story->fate, WS_FATE_PANICS);
		assert_int_equal(story->nested, pushed);
		assert_int_equal(story->frames, pushed + 1);
		assert_int_equal(story->df_stack,
				 is_wide(&stage) ? WS_DF_OWN : WS_DF_TASK);
		assert_int_equal(story->stumble, WS_STUMBLE_PUSH);
		assert_int_equal(story->exception[1].address,
				 stage.fault->entry_stack.va - stage.fault->guest->word);
		assert_int_equal(story->after.end, WS_END_HOLE);
		assert_int_equal(story->undermined, -1);
		assert_true(story->overwritten >= 1);
	}
	if (!is_wide(&stage))
		assert_int_equal(story->sp, top_of(stage.fault->entry_stack) -
						    outer_frame(&stage) -
						    (pushed - 1) * inner_frame(&stage));
	close_stage(&stage);
}

/* With PTI a fault from kernel mode finds the other half, which has it all. */
static void test_halves(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };

	fault_guest_hide_page(stage.fault, entry_root(stage.fault),
			      stage.fault->pf_handler.va);
	open_stage(&stage);
	stage.question.mode = WS_FAULT_KERNEL;
	say(&stage);
	if (stage.fault->guest->kind->pti)
		assert_int_equal(stage.story.fate, WS_FATE_SURVIVES);
	else
		assert_int_not_equal(stage.story.fate, WS_FATE_SURVIVES);
	close_stage(&stage);
}

static void test_no_idt(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	unsigned gate = is_wide(&stage) ? 16 : 8;

	fault_guest_hide_page(stage.fault, entry_root(stage.fault), stage.fault->idt.va);
	open_stage(&stage);
	say(&stage);
	assert_int_equal(stage.story.fate, WS_FATE_RESETS);
	assert_int_equal(stage.story.frames, 0);
	assert_int_equal(stage.story.df_stack, WS_DF_NONE);
	assert_true(stage.story.double_fault);
	assert_int_equal(stage.story.nexceptions, 4); /* #PF, #PF; #DF, #PF */
	assert_int_equal(stage.story.stumble, WS_STUMBLE_VECTORS);
	assert_int_equal(stage.story.exception[1].address,
			 stage.fault->idt.va + 14 * gate);
	close_stage(&stage);
}

static void test_no_entry_stack(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };

	fault_guest_hide_page(stage.fault, entry_root(stage.fault),
			      stage.fault->entry_stack.va);
	open_stage(&stage);
	say(&stage);
	assert_int_equal(stage.story.fate, WS_FATE_PANICS);
	assert_int_equal(stage.story.frames, 1);
	assert_int_equal(stage.story.nested, 0);
	assert_int_equal(stage.story.stumble, WS_STUMBLE_PUSH);
	close_stage(&stage);
}

/* #DF's handler is not there either: on an IST it goes round, in a task it nests. */
static void test_no_double_fault(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	struct fault_guest *fault = stage.fault;

	fault_guest_hide_page(fault, entry_root(fault), fault->pf_handler.va);
	fault_guest_set_gate(fault, 8, fault->guest->kind->module + 0x100000);
	open_stage(&stage);
	say(&stage);
	if (is_wide(&stage)) {
		assert_int_equal(stage.story.fate, WS_FATE_LOOPS);
		assert_int_equal(stage.story.df_stack, WS_DF_OWN);
		assert_true(stage.story.frames < 100000);
	} else { /* the gate is no task's any more: #DF goes to the full stack */
		assert_int_equal(stage.story.fate, WS_FATE_RESETS);
	}
	close_stage(&stage);
}

/* #DF's handler is not there, but that of the page fault which this raises is. */
static void test_diverted(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	struct fault_guest *fault = stage.fault;

	fault_guest_hide_page(fault, entry_root(fault), fault->entry_stack.va);
	fault_guest_set_gate(fault, 8, fault->guest->kind->module + 0x100000);
	open_stage(&stage);
	say(&stage);
	if (is_wide(&stage)) {
		assert_int_equal(stage.story.fate, WS_FATE_DIVERTED);
		assert_int_equal(stage.story.frames, 2);
		assert_int_equal(stage.story.nested, 1);
		assert_true(stage.story.double_fault);
	} else {
		assert_int_equal(stage.story.fate, WS_FATE_RESETS);
	}
	close_stage(&stage);
}

/* Gate 14 on an IST: the same fault on the same stack. */
static void test_loops(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	struct fault_guest *fault = stage.fault;

	fault->guest->memory[fault->idt.pa + 14 * 16 + 4] = 2; /* NMI's stack */
	fault_guest_hide_page(fault, entry_root(fault), fault->pf_handler.va);
	open_stage(&stage);
	say(&stage);
	assert_int_equal(stage.story.fate, WS_FATE_LOOPS);
	assert_int_equal(stage.story.sp, top_of(fault->nmi_stack) - 48);
	assert_false(stage.story.double_fault);
	close_stage(&stage);
}

static void test_gives_up(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };

	fault_guest_hide_page(stage.fault, entry_root(stage.fault),
			      stage.fault->pf_handler.va);
	open_stage(&stage);
	for (uint64_t max = 1; max < 60; max += 7) {
		stage.question.max_frames = max;
		say(&stage);
		assert_int_equal(stage.story.fate, WS_FATE_GAVE_UP);
		assert_int_equal(stage.story.frames, max);
	}
	close_stage(&stage);
}

/* ---- what was overwritten --------------------------------------------------------- */

static const struct ws_frame_run *run_of(struct stage *stage, uint64_t pa)
{
	const struct ws_frame_run *runs;
	size_t n;

	assert_int_equal(ws_machine_overwritten(stage->machine, &runs, &n), WS_OK);
	for (size_t i = 0; i < n; i++) {
		if (i)
			assert_true(runs[i].pa > runs[i - 1].last);
		if (pa >= runs[i].pa && pa <= runs[i].last)
			return &runs[i];
	}
	fail_msg("%#lx is not among what was overwritten", pa);
	return NULL;
}

static void expect_use(struct stage *stage, uint64_t pa, enum ws_frame_use use)
{
	const struct ws_frame_run *run = run_of(stage, pa);

	if (run->use != use)
		fail_msg("%#lx was %s, not %s", pa, ws_frame_use_name(run->use),
			 ws_frame_use_name(use));
}

/* A storm in the direct map, that begins right above the frame at pa. */
static void storm_above(struct stage *stage, uint64_t pa)
{
	stage->question.mode = WS_FAULT_KERNEL;
	stage->question.has_sp = true;
	stage->question.sp = stage->fault->guest->kind->page_offset + pa + WS_FRAME_SIZE;
	stage->question.max_frames = 4 * WS_FRAME_SIZE / inner_frame(stage);
	say(stage);
}

/*
 * The page table as a stack: without a TLB the tables that lead there are what is in
 * them.
 */
static void test_undermined(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	struct fault_guest *fault = stage.fault;
	const struct ws_story *story = &stage.story;
	uint64_t root = fault_guest_victim(fault), pa;
	const struct ws_frame_run *run;

	fault_guest_hide_page(fault, root, fault->pf_handler.va);
	pa = guest_private_entry(fault->guest, root, fault->guest->kind->page_offset) &
	     ~(uint64_t)(WS_FRAME_SIZE - 1);
	open_stage(&stage);
	stage.question.processor = WS_PROCESSOR_NO_TLB;
	storm_above(&stage, pa);
	assert_int_not_equal(story->fate, WS_FATE_SURVIVES);
	assert_true(story->double_fault);
	assert_int_equal(story->undermined, ws_private_level(fault->guest->kind->format));
	assert_int_equal(story->after.step[story->undermined].table, pa);
	assert_int_not_equal(story->after.step[story->undermined].entry,
			     story->before.step[story->undermined].entry);
	assert_int_equal(story->before.end, WS_END_PAGE);
	assert_in_range(story->sp, stage.question.sp - WS_FRAME_SIZE, stage.question.sp);
	run = run_of(&stage, pa);
	assert_int_equal(run->use, WS_FRAME_TABLE);
	assert_int_equal(run->space, stage.question.space);
	assert_int_equal(run->level, story->undermined);
	close_stage(&stage);
}

/* Gate 14 leads to nothing, in all spaces. */
static void open_storm(struct stage *stage)
{
	fault_guest_set_gate(stage->fault, 14,
			     stage->fault->guest->kind->module + 0x100000);
	open_stage(stage);
	stage->question.space = ws_init_space(stage->fault->audit);
}

static void test_stacks_and_module(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	struct fault_guest *fault = stage.fault;
	const struct ws_frame_run *run;

	open_storm(&stage);
	storm_above(&stage, fault_guest_stack(fault, 3).pa);
	run = run_of(&stage, fault_guest_stack(fault, 3).pa);
	assert_int_equal(run->use, WS_FRAME_STACK);
	assert_int_equal(run->task, 3);
	run = run_of(&stage, fault_guest_stack(fault, 2).pa + WS_FRAME_SIZE);
	assert_int_equal(run->task, 2);
	storm_above(&stage, fault->guest->image_end - WS_FRAME_SIZE);
	expect_use(&stage, fault->guest->image_end - WS_FRAME_SIZE, WS_FRAME_IMAGE);
	storm_above(&stage, fault->guest->swapper); /* in the image, and a table */
	expect_use(&stage, fault->guest->swapper, WS_FRAME_TABLE);
	storm_above(&stage, fault->entry_stack.pa);
	expect_use(&stage, fault->entry_stack.pa, WS_FRAME_FAULT_PATH);
	assert_non_null(
		strstr(run_of(&stage, fault->entry_stack.pa)->name, "the entry stack"));
	close_stage(&stage);
}

/* Frames far from all else, in the small guest's memory. */
#define PA_NOBODYS (15u << 20)

/*
 * From above: nobody's that is known; of a slab's compound page the second; the first;
 * page cache; a block of two free frames.
 */
static void make_pages(struct fault_guest *fault)
{
	struct guest *guest = fault->guest;
	const uint64_t pa = PA_NOBODYS, page = WS_FRAME_SIZE;
	uint64_t va = guest->mem_map + (pa + 3 * page) / page * 32;

	audit_put_page(fault, pa + 5 * page, 0, 0,
		       (guest->kind->page_offset + 0x1000) | 1, 0);
	audit_put_page(fault, pa + 4 * page, 0, va | 1, 0, UINT32_MAX);
	audit_put_page(fault, pa + 3 * page, 1u << 9, 0, 0, UINT32_MAX);
	audit_put_page(fault, pa + 2 * page, 0, 0, guest->kind->page_offset + 0x1000, 0);
	audit_put_page(fault, pa + page, 0, 0, 0, UINT32_MAX);
	audit_put_page(fault, pa, 0, 0, 1, (uint32_t)-129);
}

static void test_pages(void **state)
{
	static const uint8_t uses[] = { WS_FRAME_FREE, WS_FRAME_FREE, WS_FRAME_CACHE,
					WS_FRAME_SLAB, WS_FRAME_SLAB, WS_FRAME_UNKNOWN };
	const uint64_t page = WS_FRAME_SIZE;

	for (unsigned reported = 0; reported < 2; reported++) {
		struct stage stage = { .fault = audit_guest_create(*state) };

		if (reported)
			audit_say_of_pages(stage.fault);
		make_pages(stage.fault);
		open_storm(&stage);
		for (unsigned i = 0; i < WS_ARRAY_SIZE(uses); i++) {
			storm_above(&stage, PA_NOBODYS + i * page);
			expect_use(&stage, PA_NOBODYS + i * page,
				   reported ? uses[i] : WS_FRAME_UNKNOWN);
		}
		close_stage(&stage);
	}
}

/* ---- what cannot be asked --------------------------------------------------------- */

static void refuse(struct stage *stage, enum ws_status status, const char *part)
{
	const char *said;

	assert_int_equal(
		ws_machine_what_if(stage->machine, &stage->question, &stage->story),
		status);
	said = ws_error(stage->fault->system->ctx, 0);
	if (!said || !strstr(said, part))
		fail_msg("'%s' is not in '%s'", part, said ? said : "");
	ws_error_clear(stage->fault->system->ctx);
}

static void test_refusals(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	uint32_t victim;

	open_stage(&stage);
	victim = stage.question.space;
	stage.question.space = UINT32_MAX;
	refuse(&stage, WS_ERR_USAGE, "no space");
	stage.question.space =
		space_with_root(stage.fault->system, stage.fault->guest->freed);
	refuse(&stage, WS_ERR_USAGE, "freed page");
	stage.question.space = victim;
	stage.question.has_sp = true;
	refuse(&stage, WS_ERR_USAGE, "TSS");
	stage.question.has_sp = false;
	stage.question.mode = WS_FAULT_KERNEL;
	stage.question.has_address = true;
	stage.question.address = fault_guest_stack(stage.fault, 0).va;
	refuse(&stage, WS_ERR_USAGE, "no access to it faults");
	if (is_wide(&stage)) {
		stage.question.address = UINT64_C(1) << 60;
		refuse(&stage, WS_ERR_USAGE, "not canonical");
	} else {
		stage.question.address = UINT64_C(1) << 32;
		refuse(&stage, WS_ERR_USAGE, "address 0x100000000 does not fit");
		stage.question.has_address = false;
		stage.question.has_sp = true;
		stage.question.sp = UINT64_C(1) << 32;
		refuse(&stage, WS_ERR_USAGE, "stack pointer 0x100000000 does not fit");
	}
	close_stage(&stage);
}

/*
 * The audit judges nobody by a GDT that is out of reach for all: so no fault is followed.
 */
static void test_doubt(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };

	fault_guest_cpu(stage.fault)->reg[X86_GDT + WS_SEGMENT_BASE] =
		stage.fault->guest->kind->page_offset + 2 * GUEST_MEMORY;
	open_stage(&stage);
	stage.question.mode = WS_FAULT_USER;
	refuse(&stage, WS_ERR_UNKNOWN, "no machine can have run like this: the GDT at");
	close_stage(&stage);
}

static void test_no_registers(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };

	guest_forget_registers(fault_guest_cpu(stage.fault));
	fault_guest_audit(stage.fault, FAULT_LAZY);
	assert_int_equal(ws_machine_create(stage.fault->audit, &stage.machine),
			 WS_ERR_UNSUPPORTED);
	assert_null(stage.machine);
	assert_non_null(strstr(ws_error(stage.fault->system->ctx, 0),
			       "no fault can be delivered"));
	close_stage(&stage);
}

/* No processor of such a machine is simulated. */
static void test_other_architecture(void **state)
{
	struct stage stage = { .fault = audit_guest_create(*state) };
	struct ws_paging *paging;
	const struct ws_format *format;

	fault_guest_audit(stage.fault, FAULT_LAZY);
	paging = &stage.fault->system->paging;
	format = paging->format;
	paging->format = ws_format_by_name("riscv-sv39");
	assert_int_equal(ws_machine_create(stage.fault->audit, &stage.machine),
			 WS_ERR_UNSUPPORTED);
	assert_null(stage.machine);
	assert_string_equal(ws_error(stage.fault->system->ctx, 0),
			    "what-if is not known for this architecture: riscv-sv39");
	paging->format = format;
	close_stage(&stage);
}

/* ---- hostile ---------------------------------------------------------------------- */

static uint64_t random_address(struct random *random, const struct fault_guest *fault)
{
	switch (random_below(random, 4)) {
	case 0:
		return random_next(random);
	case 1:
		return fault->guest->kind->page_offset +
		       random_below(random, GUEST_MEMORY);
	case 2:
		return fault->guest->kind->cpu_entry + random_below(random, 0x9000);
	default:
		return UINT64_MAX - random_below(random, 64);
	}
}

static void spoil_registers(struct random *random, struct fault_guest *fault)
{
	struct ws_cpu *cpu = fault_guest_cpu(fault);
	static const enum x86_register tables[] = { X86_IDT, X86_GDT, X86_TR,
						    X86_LDT, X86_SS,  X86_CS };
	enum x86_register table = tables[random_below(random, WS_ARRAY_SIZE(tables))];

	x86_set_segment(cpu, table,
			&(struct x86_segment){ .selector = (uint32_t)random_next(random),
					       .limit = (uint32_t)random_next(random),
					       .flags = (uint32_t)random_next(random),
					       .base = random_address(random, fault) });
	if (random_percent(random, 30))
		cpu->reg[X86_CR0] ^= UINT64_C(1) << random_below(random, 64);
	if (random_percent(random, 30))
		cpu->reg[X86_CR4] ^= UINT64_C(1) << random_below(random, 64);
	cpu->reg[X86_SP] = random_address(random, fault);
}

/* Bytes of the IDT, GDT, TSS, or of page tables. */
static void spoil_memory(struct random *random, struct fault_guest *fault)
{
	const uint64_t at[] = { fault->idt.pa,
				fault->gdt.pa,
				fault->tss.pa,
				fault->df_tss.pa,
				fault->gdt.pa + 0x60,
				fault_guest_victim(fault) & ~0xfffull,
				1u << 20 };
	uint64_t pa = at[random_below(random, WS_ARRAY_SIZE(at))];

	for (unsigned n = 1 + (unsigned)random_below(random, 64); n; n--)
		fault->guest->memory[pa + random_below(random, 256)] =
			(uint8_t)random_next(random);
}

static void ask_anything(struct random *random, struct stage *stage)
{
	const struct ws_system *system = stage->fault->system;

	stage->question = (struct ws_what_if){
		.space = (uint32_t)random_below(random, system->spaces.n),
		.mode = (uint8_t)random_below(random, 2),
		.processor = (uint8_t)random_below(random, 3),
		.has_flags = random_percent(random, 20),
		.flags = random_next(random),
		.has_address = random_percent(random, 30),
		.address = random_address(random, stage->fault),
		.sp = random_address(random, stage->fault),
		.max_frames = 1 + random_below(random, 30000),
	};
	stage->question.has_sp =
		stage->question.mode == WS_FAULT_KERNEL && random_percent(random, 50);
	if (stage->fault->guest->word == 4) { /* wider ones are refused */
		stage->question.address &= UINT32_MAX;
		stage->question.sp &= UINT32_MAX;
	}
}

static void test_hostile(void **state)
{
	struct random random = { random_seed() };
	unsigned reported = 0;

	for (unsigned i = 0; i < 40; i++) {
		struct stage stage = { .fault = audit_guest_create(*state) };
		const struct ws_frame_run *runs;
		size_t n;

		fault_guest_open(stage.fault, FAULT_LAZY);
		spoil_registers(&random, stage.fault);
		spoil_memory(&random, stage.fault);
		fault_guest_audit(stage.fault, FAULT_LAZY);
		if (ws_machine_create(stage.fault->audit, &stage.machine) == WS_OK)
			for (unsigned q = 0; q < 6; q++) {
				ask_anything(&random, &stage);
				if (ws_machine_what_if(stage.machine, &stage.question,
						       &stage.story) != WS_OK)
					continue;
				reported++;
				assert_true(stage.story.frames <=
					    stage.question.max_frames);
				assert_int_equal(
					ws_machine_overwritten(stage.machine, &runs, &n),
					WS_OK);
			}
		close_stage(&stage);
	}
	assert_true(reported >= 40);
}

int main(void)
{
	static const struct guest_case cases[] = {
		{ "a handler that is there", test_survives },
		{ "nothing is left behind", test_leaves_nothing },
		{ "from user mode: an old kernel's stack", test_own_stack, GUEST_NO_PTI },
		{ "from kernel mode: which stack", test_kernel_stack },
		{ "from kernel mode: a stack of no known size", test_no_size },
		{ "from kernel mode: where the task was", test_saved_sp },
		{ "from kernel mode: a space that has no stack", test_borrowed_stack },
		{ "a processor that is there", test_processor },
		{ "a handler that is not there", test_nests },
		{ "PTI's two halves", test_halves },
		{ "an IDT that is not there", test_no_idt },
		{ "an entry stack that is not there", test_no_entry_stack },
		{ "neither handler is there", test_no_double_fault },
		{ "another handler than the page fault's", test_diverted },
		{ "a handler on an IST that is not there", test_loops, GUEST_64_BITS },
		{ "no more frames than asked for", test_gives_up },
		{ "the page table as a stack", test_undermined, GUEST_OWN_KERNEL },
		{ "stacks, image, fault path", test_stacks_and_module },
		{ "what struct page says", test_pages },
		{ "what cannot be asked", test_refusals },
		{ "no registers", test_no_registers },
		{ "registers that no machine has", test_doubt },
		{ "another architecture", test_other_architecture, GUEST_64_BITS },
		{ "hostile registers and tables", test_hostile },
	};

	return guest_run_cases("whatif", cases, WS_ARRAY_SIZE(cases));
}
