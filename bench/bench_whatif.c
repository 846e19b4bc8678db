/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a what-if costs beyond opening the dump: a fault that is handled, one in every
 * space, and a storm of as many nested faults as were seen on a real kernel, with the
 * list of what it has overwritten. For the storm gate 14 is made to lead where nothing
 * is mapped: the dump itself is as it was.
 *
 *	bench_whatif DUMP...
 */
#include "bench.h"
#include "x86/descriptors.h"
#include "x86/whatif/whatif.h"
#include "x86/registers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STORM 719796u
#define MEBIBYTE (UINT64_C(1) << 20)

struct opened {
	struct ws_context *ctx;
	struct ws_target *target;
	struct ws_system *system;
	struct ws_audit *audit;
	struct ws_machine *machine;
	/* the frame of the IDT, with another gate 14 */
	struct ws_paging real;
	uint64_t idt_pa;
	uint8_t idt[WS_FRAME_SIZE];
};

static enum ws_evidence frame_of(void *opaque, uint64_t pa, const uint8_t **frame)
{
	struct opened *o = opaque;

	if (pa / WS_FRAME_SIZE != o->idt_pa / WS_FRAME_SIZE)
		return o->real.frame(o->real.opaque, pa, frame);
	*frame = o->idt;
	return WS_READ;
}

/* Nothing is mapped there: page 0 of user memory, which a handler may not have either. */
static bool take_gate(struct opened *o)
{
	const struct ws_cpu *cpu = o->target->cpus.v;
	unsigned size = o->system->layout.word == 8 ? 16 : 8;
	const uint8_t *frame;

	if (!o->target->cpus.n ||
	    ws_kernel_translate(o->system, cpu->reg[X86_IDT + WS_SEGMENT_BASE],
				&o->idt_pa) != WS_READ)
		return false;
	if (o->system->paging.frame(o->system->paging.opaque, o->idt_pa, &frame) !=
		    WS_READ ||
	    cpu->reg[X86_IDT + WS_SEGMENT_BASE] % WS_FRAME_SIZE)
		return false;
	memcpy(o->idt, frame, WS_FRAME_SIZE);
	memset(o->idt + (size_t)WS_VECTOR_PF * size, 0, 2);
	memset(o->idt + (size_t)WS_VECTOR_PF * size + 6, 0, size == 16 ? 6 : 2);
	o->real = o->system->paging;
	o->system->paging.frame = frame_of;
	o->system->paging.opaque = o;
	return true;
}

static bool open_dump(struct opened *o, const char *path)
{
	*o = (struct opened){ .ctx = ws_context_create() };
	if (o->ctx && ws_target_open(o->ctx, path, NULL, &o->target) == WS_OK &&
	    ws_system_open(o->target, NULL, &o->system) == WS_OK &&
	    ws_audit_run(o->system, &o->audit) == WS_OK &&
	    ws_machine_create(o->audit, &o->machine) == WS_OK)
		return true;
	fprintf(stderr, "bench_whatif: %s: %s\n", path,
		o->ctx ? ws_error(o->ctx, 0) : "out of memory");
	return false;
}

static void close_dump(struct opened *o)
{
	ws_machine_destroy(o->machine);
	ws_audit_destroy(o->audit);
	ws_system_close(o->system);
	ws_target_close(o->target);
	ws_context_destroy(o->ctx);
}

static uint32_t some_process(const struct opened *o)
{
	uint32_t i = (uint32_t)o->system->spaces.n;

	while (i-- > 0)
		if (o->system->spaces.v[i].kind == WS_SPACE_PROCESS)
			return i;
	return 0;
}

static bool storm(struct opened *o, uint64_t sp, struct ws_story *story)
{
	struct ws_what_if question = { .space = some_process(o),
				       .mode = WS_FAULT_KERNEL,
				       .processor = WS_PROCESSOR_EMULATED,
				       .has_sp = true,
				       .sp = sp,
				       .has_address = true,
				       .address = 0,
				       .max_frames = STORM };

	return ws_machine_what_if(o->machine, &question, story) == WS_OK;
}

/* A stack pointer in the direct map below which there is room for all of it. */
static uint64_t find_sp(const char *path, bool *wide)
{
	struct opened o;
	struct ws_story story = { 0 };
	uint64_t sp = 0;

	if (!open_dump(&o, path) || !take_gate(&o))
		return 0;
	*wide = o.system->layout.word == 8;
	for (size_t i = 0; i < o.target->extents.n && story.frames != STORM; i++) {
		const struct ws_extent *extent = &o.target->extents.v[i];

		for (uint64_t pa = extent->pa + extent->len;
		     pa > extent->pa + 48 * MEBIBYTE && story.frames != STORM;
		     pa -= 4 * MEBIBYTE) {
			sp = o.system->layout.page_offset + pa;
			if (sp < o.system->layout.page_offset || !storm(&o, sp, &story))
				break;
		}
	}
	close_dump(&o);
	return story.frames == STORM ? sp : 0;
}

enum { MACHINE, FIRST, ALL, SPACES, EACH, STORM_MS, STORM_RATE, RUNS_MS, RUNS, MEMORY };

static const struct bench_row rows[] = {
	[MACHINE] = { "making the machine", "us", BENCH_NO_BAR, 0 },
	[FIRST] = { "a fault that is handled, the first", "us", BENCH_NO_BAR, 0 },
	[ALL] = { "one in every space", "ms", BENCH_NO_BAR, 0 },
	[SPACES] = { "  spaces", "", BENCH_NO_BAR, 0 },
	[EACH] = { "  each", "us", BENCH_NO_BAR, 0 },
	[STORM_MS] = { "719,796 nested faults", "ms", BENCH_NO_BAR, 0 },
	[STORM_RATE] = { "nested faults", "M/s", BENCH_AT_LEAST, 20 },
	[RUNS_MS] = { "what each page was that they overwrote", "ms", BENCH_NO_BAR, 0 },
	[RUNS] = { "  runs of pages", "", BENCH_NO_BAR, 0 },
	[MEMORY] = { "resident memory beyond the dump", "MiB", BENCH_NO_BAR, 0 },
	{ 0 },
};

struct run {
	const char *path;
	uint64_t sp;
};

static bool in_every_space(struct opened *o, double *spaces)
{
	struct ws_what_if question = { 0 };
	struct ws_story story;

	for (uint32_t i = 0; i < o->system->spaces.n; i++) {
		question.space = i;
		if (!ws_audited(o->audit, i) ||
		    o->system->spaces.v[i].kind == WS_SPACE_USER)
			continue;
		if (ws_machine_what_if(o->machine, &question, &story) != WS_OK)
			return false;
		++*spaces;
	}
	return true;
}

static bool time_spaces(struct opened *o, double *value)
{
	struct ws_what_if question = { .space = some_process(o) };
	struct ws_story story;
	double start = bench_cpu_seconds();

	if (ws_machine_what_if(o->machine, &question, &story) != WS_OK)
		return false;
	value[FIRST] = (bench_cpu_seconds() - start) * 1e6;
	value[SPACES] = 0;
	start = bench_cpu_seconds();
	if (!in_every_space(o, &value[SPACES]))
		return false;
	value[ALL] = (bench_cpu_seconds() - start) * 1e3;
	value[EACH] = value[ALL] * 1e3 / value[SPACES];
	return true;
}

static bool time_storm(struct opened *o, uint64_t sp, double *value)
{
	const struct ws_frame_run *runs;
	struct ws_story story;
	double start = bench_cpu_seconds(), seconds;
	size_t n;

	if (!storm(o, sp, &story) || story.frames != STORM)
		return false;
	seconds = bench_cpu_seconds() - start;
	value[STORM_MS] = seconds * 1e3;
	value[STORM_RATE] = (double)story.nested / seconds / 1e6;
	start = bench_cpu_seconds();
	if (ws_machine_overwritten(o->machine, &runs, &n) != WS_OK)
		return false;
	value[RUNS_MS] = (bench_cpu_seconds() - start) * 1e3;
	value[RUNS] = (double)n;
	return true;
}

/* A machine of its own for the storm: its memory has grown to no other's size. */
static bool measure(void *arg, double *value)
{
	const struct run *run = arg;
	struct opened o;
	double start;
	bool ok = open_dump(&o, run->path);

	if (!ok)
		return false;
	ws_machine_destroy(o.machine);
	start = bench_cpu_seconds();
	ok = ws_machine_create(o.audit, &o.machine) == WS_OK;
	value[MACHINE] = (bench_cpu_seconds() - start) * 1e6;
	ok = ok && time_spaces(&o, value);
	ws_machine_destroy(o.machine);
	ok = ok && ws_machine_create(o.audit, &o.machine) == WS_OK && take_gate(&o) &&
	     time_storm(&o, run->sp, value);
	value[MEMORY] = bench_rss_anon();
	if (!ok)
		fprintf(stderr, "bench_whatif: %s: %s\n", run->path,
			ws_error(o.ctx, 0) ? ws_error(o.ctx, 0) : "another storm");
	close_dump(&o);
	return ok;
}

/* Frames in long mode are three times as long, and so is the stack of a storm. */
#define WIDE_RATE 10

int main(int argc, char **argv)
{
	bool ok = argc > 1, wide = false;

	if (!ok)
		fprintf(stderr, "usage: bench_whatif DUMP...\n");
	for (int i = 1; i < argc; i++) {
		struct run run = { argv[i], find_sp(argv[i], &wide) };
		struct bench_row chosen[sizeof(rows) / sizeof(rows[0])];

		memcpy(chosen, rows, sizeof(rows));
		if (wide)
			chosen[STORM_RATE].bar = WIDE_RATE;
		if (!run.sp)
			fprintf(stderr,
				"bench_whatif: %s: no room for a storm of that many\n",
				argv[i]);
		ok &= run.sp != 0;
		printf("  %-44s %9s %9s %9s\n", argv[i], "median", "smallest", "largest");
		ok = ok && bench_table(chosen, measure, &run);
	}
	return ok ? 0 : 1;
}
