/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_whatif_corrupt CAPTURE N: N times, tables of a real guest's capture are corrupted
 * at random: page tables, IDT, GDT, TSS. A story over them must end, hold together, be
 * the same when reported again; and where it says that a handler was reached, a walk of
 * src/paging must get there too.
 */
#include "audit/rule.h"
#include "common/frames.h"
#include "common/random.h"
#include "x86/descriptors.h"
#include "x86/registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATCHES 4
#define MAX_FRAMES 20000u

/* Frames that are not what they were. */
static struct scene {
	const char *path;
	unsigned rounds;
	struct ws_context *ctx;
	struct ws_target *target;
	struct ws_system *system;
	struct ws_audit *audit;
	struct ws_machine *machine;
	struct ws_paging real;
	uint64_t pa[PATCHES];
	uint8_t frame[PATCHES][WS_FRAME_SIZE];
	unsigned npatches;
	uint64_t fates[WS_FATE_UNKNOWN + 1];
} scene;

static enum ws_evidence patched_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	(void)opaque;
	for (unsigned i = 0; i < scene.npatches; i++)
		if (scene.pa[i] == pa / WS_FRAME_SIZE)
			return frame_lend(scene.frame[i], frame);
	return scene.real.frame(scene.real.opaque, pa, frame);
}

static int open_capture(void **state)
{
	(void)state;
	scene.ctx = ws_context_create();
	assert_int_equal(ws_target_open(scene.ctx, scene.path, NULL, &scene.target),
			 WS_OK);
	assert_int_equal(ws_system_open(scene.target, NULL, &scene.system), WS_OK);
	assert_int_equal(ws_audit_run(scene.system, &scene.audit), WS_OK);
	assert_int_equal(ws_machine_create(scene.audit, &scene.machine), WS_OK);
	scene.real = scene.system->paging;
	scene.system->paging.frame = patched_frame;
	return 0;
}

static int close_capture(void **state)
{
	(void)state;
	ws_machine_destroy(scene.machine);
	ws_audit_destroy(scene.audit);
	ws_system_close(scene.system);
	ws_target_close(scene.target);
	ws_context_destroy(scene.ctx);
	return 0;
}

/* ---- corruption ------------------------------------------------------------------- */

/* One of the processor's tables, or of those on the way to it or to a stack. */
static uint64_t random_victim(struct random *random, uint64_t root)
{
	const struct ws_cpu *cpu = scene.target->cpus.v;
	const struct ws_need *needs = scene.audit->needs.v;
	const uint64_t vas[] = { cpu->reg[X86_IDT + WS_SEGMENT_BASE],
				 cpu->reg[X86_GDT + WS_SEGMENT_BASE],
				 cpu->reg[X86_TR + WS_SEGMENT_BASE],
				 needs[random_below(random, scene.audit->needs.n)].va };
	uint64_t va = vas[random_below(random, WS_ARRAY_SIZE(vas))];
	struct ws_trail trail;

	ws_walk(&scene.system->paging, root, va, &trail);
	if (trail.end == WS_END_PAGE && random_percent(random, 40))
		return trail.pa;
	if (!trail.nsteps)
		return root;
	return ws_step_entry_pa(scene.real.format,
				&trail.step[random_below(random, trail.nsteps)]);
}

static void patch(struct random *random, uint64_t pa)
{
	const uint8_t *frame = paging_frame(&scene.real, pa);
	uint8_t *copy = scene.frame[scene.npatches];
	uint32_t at = (uint32_t)(pa % WS_FRAME_SIZE);

	if (!frame)
		return;
	memcpy(copy, frame, WS_FRAME_SIZE);
	for (unsigned n = 1 + (unsigned)random_below(random, 4); n; n--) {
		if (random_percent(random, 50))
			copy[at] ^= (uint8_t)(1u << random_below(random, 8));
		else
			copy[at] = (uint8_t)random_next(random);
		at = (at + (uint32_t)random_below(random, 8)) % WS_FRAME_SIZE;
	}
	scene.pa[scene.npatches++] = pa / WS_FRAME_SIZE;
}

/* ---- what must hold --------------------------------------------------------------- */

static void check_story(const struct ws_what_if *question, const struct ws_story *story)
{
	assert_true(story->frames <= question->max_frames);
	assert_true(story->nested <= story->frames);
	if (story->fate == WS_FATE_UNKNOWN) { /* some changed entry leads out of memory */
		assert_int_equal(story->nexceptions, 0);
		assert_int_equal(story->undermined, -1);
		return;
	}
	assert_in_range(story->nexceptions, 1, WS_STORY_EXCEPTIONS);
	assert_int_equal(story->exception[0].vector == 14 || story->nested, true);
	if (story->fate == WS_FATE_SURVIVES) {
		assert_int_equal(story->frames, 1);
		assert_int_equal(story->nexceptions, 1);
	}
	if (story->fate == WS_FATE_PANICS || story->fate == WS_FATE_RESETS)
		assert_true(story->double_fault);
	if (story->double_fault && story->fate != WS_FATE_RESETS)
		assert_int_not_equal(story->df_stack, WS_DF_NONE);
	if (story->undermined >= 0)
		assert_int_not_equal(story->before.step[story->undermined].entry,
				     story->after.step[story->undermined].entry);
}

static void check_runs(const struct ws_story *story)
{
	const struct ws_frame_run *runs;
	uint64_t pages = 0;
	size_t n;

	assert_int_equal(ws_machine_overwritten(scene.machine, &runs, &n), WS_OK);
	for (size_t i = 0; i < n; i++) {
		assert_true(!i || runs[i].pa > runs[i - 1].last);
		pages += (runs[i].last - runs[i].pa + 1) / WS_FRAME_SIZE;
		for (uint64_t pa = runs[i].pa; pa < runs[i].last; pa += WS_FRAME_SIZE)
			assert_true(pa < ws_memory_end(scene.audit));
	}
	assert_int_equal(pages, story->overwritten);
}

/* SDM 6.11, 6.14.1, read through the walk of src/paging. */
static void check_handler(const struct ws_story *story)
{
	const struct ws_paging *paging = &scene.system->paging;
	const struct ws_cpu *cpu = &scene.target->cpus.v[story->cpu];
	unsigned size = scene.system->layout.word == 8 ? 16 : 8;
	uint64_t root = scene.system->spaces.v[story->space].root, target;
	struct ws_trail trail;
	const uint8_t *gate;

	ws_walk(paging, root, cpu->reg[X86_IDT + WS_SEGMENT_BASE] + 14 * size, &trail);
	assert_int_equal(trail.end, WS_END_PAGE);
	assert_int_equal(patched_frame(NULL, trail.pa, &gate), WS_READ);
	gate += trail.pa % WS_FRAME_SIZE;
	if ((gate[5] & 0x1f) == WS_GATE_TASK)
		return;
	target = ws_le32(gate) & 0xffff;
	if (gate[5] & 8) /* the type's, of 32 or 64 bits */
		target |= ws_le32(gate + 4) & 0xffff0000;
	if (size == 16)
		target |= (uint64_t)ws_le32(gate + 8) << 32;
	ws_walk(paging, root, target, &trail);
	assert_int_equal(trail.end, WS_END_PAGE);
	assert_true(trail.access & WS_KERNEL_EXECUTE);
}

static bool same_story(const struct ws_story *a, const struct ws_story *b)
{
	return a->fate == b->fate && a->frames == b->frames && a->nested == b->nested &&
	       a->sp == b->sp && a->overwritten == b->overwritten &&
	       a->missing == b->missing && a->nexceptions == b->nexceptions &&
	       !memcmp(a->exception, b->exception,
		       a->nexceptions * sizeof(*a->exception));
}

static struct ws_what_if random_question(struct random *random)
{
	struct ws_what_if question = { .mode = (uint8_t)random_below(random, 2),
				       .processor = (uint8_t)random_below(random, 3),
				       .max_frames = MAX_FRAMES };

	do
		question.space = (uint32_t)random_below(random, scene.system->spaces.n);
	while (scene.system->spaces.v[question.space].kind != WS_SPACE_PROCESS);
	return question;
}

static void one_round(struct random *random)
{
	struct ws_what_if question = random_question(random);
	uint64_t root = scene.system->spaces.v[question.space].root;
	struct ws_story story, again;

	if (scene.system->layout.pti && question.mode == WS_FAULT_USER)
		root += WS_FRAME_SIZE;
	scene.npatches = 0;
	for (unsigned n = 1 + (unsigned)random_below(random, PATCHES); n; n--)
		patch(random, random_victim(random, root));
	if (ws_machine_what_if(scene.machine, &question, &story) != WS_OK) {
		ws_error_clear(scene.ctx);
		return;
	}
	check_story(&question, &story);
	check_runs(&story);
	if (story.fate == WS_FATE_SURVIVES)
		check_handler(&story);
	assert_int_equal(ws_machine_what_if(scene.machine, &question, &again), WS_OK);
	assert_true(same_story(&story, &again));
	scene.fates[story.fate]++;
}

static void test_corrupt(void **state)
{
	struct random random = { random_seed() };
	uint64_t reported = 0;

	(void)state;
	for (unsigned i = 0; i < scene.rounds; i++)
		one_round(&random);
	for (unsigned fate = 0; fate <= WS_FATE_UNKNOWN; fate++) {
		print_message("# %s: %lu\n", ws_fate_name(fate), scene.fates[fate]);
		reported += scene.fates[fate];
	}
	assert_true(reported >= scene.rounds / 2);
	assert_true(scene.fates[WS_FATE_SURVIVES]);
	assert_true(scene.fates[WS_FATE_PANICS]);
	assert_true(scene.fates[WS_FATE_RESETS]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_corrupt, open_capture,
						close_capture),
	};

	if (argc != 3)
		return 2;
	scene.path = argv[1];
	scene.rounds = random_rounds((unsigned)strtoul(argv[2], NULL, 10));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
