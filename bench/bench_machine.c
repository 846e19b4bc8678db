/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the simulated machine costs: nanoseconds a translation, nested faults a second.
 * On 256 MiB of RAM that is mapped from 3 GiB up by 4 KiB pages, as an i386 kernel of
 * 2012 had it. Beside it, QEMU's TCG and Unicorn run a guest that does the
 * same: bench_machine [GUEST], as lab/guest/sweep.py builds it.
 */
#include "bench.h"
#include "emulators.h"

#include "machine/machine.h"

#include <stdio.h>
#include <stdlib.h>

#define MEBIBYTE (UINT64_C(1) << 20)
#define RAM (256 * MEBIBYTE)
#define DIRECTORY 0x1000u
#define TABLES 0x100000u            /* one page table after the other */
#define DIRECT UINT64_C(0xc0000000) /* va of pa 0 */
#define IDT 0x2000u
#define GDT 0x3000u
#define HANDLER UINT64_C(0xf8000000) /* nothing is mapped there */

#define ROUNDS 4000000u
#define STORM SPEED_FRAMES /* of one that was seen on a real kernel */
#define STORMS 20u

static void put(struct machine_memory *memory, uint64_t pa, uint64_t value, size_t size)
{
	machine_memory_write(memory, pa, &value, size);
}

/* The kernel's space, one code segment, and a page-fault gate to HANDLER. */
static struct machine_memory *build_memory(void)
{
	struct machine_memory *memory = machine_memory_create(NULL, RAM);

	if (!memory)
		return NULL;
	for (uint64_t pa = 0; pa < RAM; pa += MACHINE_FRAME_SIZE)
		put(memory, TABLES + pa / 1024, pa | 0x63, 4);
	for (uint64_t pa = 0; pa < RAM; pa += 4 * MEBIBYTE)
		put(memory, DIRECTORY + (DIRECT + pa) / (4 * MEBIBYTE) * 4,
		    (TABLES + pa / 1024) | 0x63, 4);
	put(memory, GDT + 8, UINT64_C(0x00cf9b000000ffff), 8);
	put(memory, IDT + 14 * 8,
	    HANDLER >> 16 << 48 | UINT64_C(0x8e00) << 32 | 8 << 16 | (HANDLER & 0xffff),
	    8);
	return memory;
}

static void start(struct machine_cpu *cpu, struct machine_memory *memory, uint8_t tlb)
{
	struct machine_model model = { .features = MACHINE_HAS_PSE36,
				       .departures =
					       tlb == MACHINE_TLB_TCG ? MACHINE_TCG : 0,
				       .maxphyaddr = 36,
				       .tlb = tlb };
	struct machine_registers r;

	machine_cpu_init(cpu, &model, memory);
	r = cpu->r;
	r.cr3 = DIRECTORY;
	r.cr0 = 0x80010011;
	r.gdtr = (struct machine_table){ DIRECT + GDT, 0xff };
	r.idtr = (struct machine_table){ DIRECT + IDT, 0x7ff };
	r.reg[MACHINE_REG_SP] = DIRECT + 200 * MEBIBYTE;
	machine_cpu_load(cpu, &r);
}

/* ---- translations ---- */

struct reads {
	struct machine_cpu cpu;
	uint64_t *va; /* npages of them, in a fixed random order */
	size_t npages;
	uint64_t sum; /* so that no read can be left out */
};

static bool read_all(struct reads *reads)
{
	struct machine_translation t;
	struct machine_event event;

	for (size_t i = 0; i < reads->npages; i++) {
		if (!machine_translate(&reads->cpu, reads->va[i], MACHINE_READ, &t,
				       &event))
			return false;
		reads->sum += t.pa;
	}
	return true;
}

static bool order_pages(struct reads *reads)
{
	uint64_t state = 2012;

	reads->va = malloc(reads->npages * sizeof(*reads->va));
	if (!reads->va)
		return false;
	for (size_t i = 0; i < reads->npages; i++)
		reads->va[i] = DIRECT + i * MACHINE_FRAME_SIZE;
	for (size_t i = reads->npages; i-- > 1;) {
		uint64_t other, va = reads->va[i];

		state = state * UINT64_C(6364136223846793005) + 1;
		other = (state >> 32) % (i + 1);
		reads->va[i] = reads->va[other];
		reads->va[other] = va;
	}
	return true;
}

/* Nanoseconds a translation; negative where something failed. */
static double translation(uint8_t tlb, size_t npages)
{
	struct reads reads = { .npages = npages };
	struct machine_memory *memory = build_memory();
	double from, seconds = 0;
	bool good;

	if (!memory || !order_pages(&reads))
		return -1;
	start(&reads.cpu, memory, tlb);
	good = read_all(&reads);
	from = bench_cpu_seconds();
	for (size_t i = 0; good && i < ROUNDS / npages; i++)
		good = read_all(&reads);
	seconds = bench_cpu_seconds() - from;
	machine_cpu_release(&reads.cpu);
	machine_memory_destroy(memory);
	free(reads.va);
	return good && reads.sum ? seconds / (double)(ROUNDS / npages * npages) * 1e9
				 : -1;
}

/* ---- nested faults ---- */

typedef void follow_fn(struct machine_cpu *cpu, const struct machine_event *event,
		       uint64_t max_frames, struct machine_story *story);

/* Seconds for STORMS storms, each on a fresh fork of the memory; negative: failed. */
static double storm(uint8_t tlb, follow_fn *follow)
{
	struct machine_event event = { .vector = 14, .error = 2, .address = HANDLER };
	struct machine_memory *memory = build_memory(), *fork;
	struct machine_backing backing;
	struct machine_cpu cpu;
	double from, seconds;
	bool good = true;

	if (!memory)
		return -1;
	backing = machine_memory_backing(memory);
	fork = machine_memory_create(&backing, 0);
	if (!fork)
		return -1;
	start(&cpu, fork, tlb);
	from = bench_cpu_seconds();
	for (unsigned i = 0; i < STORMS; i++) {
		struct machine_registers r = cpu.r;
		struct machine_story story;

		follow(&cpu, &event, STORM, &story);
		good = good && story.frames == STORM && story.fate == MACHINE_GAVE_UP;
		machine_memory_reset(fork);
		machine_cpu_load(&cpu, &r);
	}
	seconds = bench_cpu_seconds() - from;
	machine_cpu_release(&cpu);
	machine_memory_destroy(fork);
	machine_memory_destroy(memory);
	return good ? seconds : -1;
}

/* ---- the table ---- */

enum row {
	WALK_16M,
	WALK_256M,
	WALK_QEMU,
	WALK_UNICORN,
	HIT_64_TCG,
	HIT_64_SDM,
	HIT_64_QEMU,
	HIT_64_UNICORN,
	HIT_4096_TCG,
	HIT_4096_SDM,
	HIT_4096_QEMU,
	HIT_4096_UNICORN,
	LOOP_QEMU,
	LOOP_UNICORN,
	FAULTS_TCG,
	FAULTS_SDM,
	FAULTS_NONE,
	FAULTS_SLOWLY,
	FAULTS_QEMU,
	FAULTS_UNICORN,
	STORM_TCG,
	STORM_QEMU,
	STORM_UNICORN,
	ROWS
};

static struct bench_row rows[ROWS + 1] = {
	[WALK_16M] = { "2-level walk, no TLB, 16 MiB", "ns", BENCH_AT_MOST, 30 },
	[WALK_256M] = { "2-level walk, no TLB, 256 MiB", "ns", BENCH_AT_MOST, 30 },
	[WALK_QEMU] = { "  QEMU TCG, TLB miss, 256 MiB", "ns" },
	[WALK_UNICORN] = { "  Unicorn, TLB miss, 256 MiB", "ns" },
	[HIT_64_TCG] = { "TLB hit, TCG's kind, 64 pages", "ns", BENCH_AT_MOST, 5 },
	[HIT_64_SDM] = { "TLB hit, the manual's kind, 64 pages", "ns", BENCH_AT_MOST, 5 },
	[HIT_64_QEMU] = { "  QEMU TCG, 64 pages", "ns" },
	[HIT_64_UNICORN] = { "  Unicorn, 64 pages", "ns" },
	[HIT_4096_TCG] = { "TLB hit, TCG's kind, 4096 pages", "ns", BENCH_AT_MOST, 5 },
	[HIT_4096_SDM] = { "TLB hit, the manual's kind, 4096 pages", "ns", BENCH_AT_MOST,
			   5 },
	[HIT_4096_QEMU] = { "  QEMU TCG, 4096 pages", "ns" },
	[HIT_4096_UNICORN] = { "  Unicorn, 4096 pages", "ns" },
	[LOOP_QEMU] = { "  QEMU TCG, the loop without its read", "ns" },
	[LOOP_UNICORN] = { "  Unicorn, the loop without its read", "ns" },
	[FAULTS_TCG] = { "nested faults, TCG's TLB", "M/s", BENCH_AT_LEAST, 20 },
	[FAULTS_SDM] = { "nested faults, the manual's TLB", "M/s", BENCH_AT_LEAST, 20 },
	[FAULTS_NONE] = { "nested faults, no TLB", "M/s", BENCH_AT_LEAST, 20 },
	[FAULTS_SLOWLY] = { "nested faults one by one, TCG's TLB", "M/s" },
	[FAULTS_QEMU] = { "  QEMU TCG", "M/s" },
	[FAULTS_UNICORN] = { "  Unicorn", "M/s" },
	[STORM_TCG] = { "719,796 nested faults, TCG's TLB", "ms", BENCH_AT_MOST, 40 },
	[STORM_QEMU] = { "  QEMU TCG", "ms" },
	[STORM_UNICORN] = { "  Unicorn", "ms" },
};

/* What an emulator's phases are called in the table. */
struct emulator {
	const char *name;
	emulate_fn *emulate;
	enum row hit_64, hit_4096, loop, walk, faults, storm;
};

static const struct emulator emulators[] = {
	{ "QEMU TCG", emulate_by_qemu, HIT_64_QEMU, HIT_4096_QEMU, LOOP_QEMU, WALK_QEMU,
	  FAULTS_QEMU, STORM_QEMU },
	{ "Unicorn", emulate_by_unicorn, HIT_64_UNICORN, HIT_4096_UNICORN, LOOP_UNICORN,
	  WALK_UNICORN, FAULTS_UNICORN, STORM_UNICORN },
};

#define EMULATORS (sizeof(emulators) / sizeof(*emulators))

static void fill(const struct emulator *emulator, const struct emulation *result,
		 double *value)
{
	const double reads = SPEED_READS,
		     walks = (double)SPEED_WALK_PAGES * SPEED_WALK_ROUNDS;

	value[emulator->loop] = result->seconds[SPEED_LOOP] / reads * 1e9;
	value[emulator->hit_64] = result->seconds[SPEED_HITS_64] / reads * 1e9;
	value[emulator->hit_4096] = result->seconds[SPEED_HITS_4096] / reads * 1e9;
	value[emulator->walk] = result->seconds[SPEED_WALKS] / walks * 1e9;
	value[emulator->faults] = SPEED_FRAMES / 1e6 / result->seconds[SPEED_STORM];
	value[emulator->storm] = result->seconds[SPEED_STORM] * 1e3;
}

static bool measure(void *arg, double *value)
{
	const double faults = (double)STORM * STORMS / 1e6;
	const char *guest = arg;
	double storm_tcg;

	value[WALK_16M] = translation(MACHINE_TLB_NONE, 4096);
	value[WALK_256M] = translation(MACHINE_TLB_NONE, 65536);
	value[HIT_64_TCG] = translation(MACHINE_TLB_TCG, 64);
	value[HIT_4096_TCG] = translation(MACHINE_TLB_TCG, 4096);
	value[HIT_64_SDM] = translation(MACHINE_TLB_SDM, 64);
	value[HIT_4096_SDM] = translation(MACHINE_TLB_SDM, 4096);
	storm_tcg = storm(MACHINE_TLB_TCG, machine_follow);
	value[FAULTS_TCG] = faults / storm_tcg;
	value[FAULTS_SDM] = faults / storm(MACHINE_TLB_SDM, machine_follow);
	value[FAULTS_NONE] = faults / storm(MACHINE_TLB_NONE, machine_follow);
	value[FAULTS_SLOWLY] = faults / storm(MACHINE_TLB_TCG, machine_follow_slowly);
	value[STORM_TCG] = storm_tcg / STORMS * 1e3;
	for (size_t i = 0; guest && i < EMULATORS; i++) {
		struct emulation result;

		emulators[i].emulate(guest, &result);
		fill(&emulators[i], &result, value);
	}
	for (unsigned i = 0; i < ROWS; i++)
		if (!rows[i].absent && !(value[i] > 0)) {
			fprintf(stderr, "bench_machine: %s failed\n", rows[i].name);
			return false;
		}
	return true;
}

/* One run of the guest beforehand tells which rows there will be. */
static void try(const struct emulator *emulator, const char *guest,
		struct emulation *result)
{
	const enum row row_of[SPEED_PHASES] = {
		[SPEED_LOOP] = emulator->loop,
		[SPEED_HITS_64] = emulator->hit_64,
		[SPEED_HITS_4096] = emulator->hit_4096,
		[SPEED_WALKS] = emulator->walk,
		[SPEED_STORM] = emulator->storm,
	};

	if (guest)
		emulator->emulate(guest, result);
	for (unsigned phase = result->done; phase < SPEED_PHASES; phase++)
		rows[row_of[phase]].absent = result->reason;
	rows[emulator->faults].absent = rows[emulator->storm].absent;
}

int main(int argc, char **argv)
{
	char *guest = argc > 1 ? argv[1] : NULL;
	struct emulation result[EMULATORS];

	for (size_t i = 0; i < EMULATORS; i++) {
		result[i] = (struct emulation){ .reason = "there is no guest to run" };
		try(&emulators[i], guest, &result[i]);
	}
	printf("the simulated machine\n");
	printf("  %-44s %9s %9s %9s\n", "", "median", "smallest", "largest");
	if (!bench_table(rows, measure, guest))
		return 1;
	for (size_t i = 0; i < EMULATORS; i++)
		if (result[i].done && !result[i].obeys)
			printf("  %s reads a page at its own address, whatever its "
			       "entry says\n",
			       emulators[i].name);
	return 0;
}
