/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lets our processor run into the storms that lab/guest/sweep_storm.c let QEMU's run
 * into, and holds what is left side by side: storm_replay LOG. Ours has all of TCG's
 * departures and its TLB. A line a mode on standard output: "good" or "bad", then what
 * was found.
 */
#include "lab/guest/sweep_storm.h"
#include "machine/machine.h"
#include "tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 5 /* differing cases reported in full */
#define MAX_FRAMES 10000000u

/* What is left when #DF has ended it, or that nothing is. */
struct left {
	bool reset;
	uint64_t sp, ip, flags, cr2;
	uint32_t hash;
};

struct replay {
	enum sweep_mode mode;
	uint8_t maxphyaddr;
	uint32_t tcg;                                    /* QEMU's departures */
	uint64_t kernel_fault, user_fault, double_fault; /* addresses in the guest */
	struct machine_memory *memory;
	struct machine_cpu cpu;
	uint32_t cases, differ, resets;
	uint64_t frames, most;
};

static _Noreturn void refuse(const char *why, const char *what)
{
	fprintf(stderr, "storm_replay: %s: %s\n", why, what);
	exit(2);
}

/* ---- our machine ---- */

static void put(void *arg, uint32_t pa, uint64_t value, unsigned size)
{
	struct replay *replay = arg;

	machine_memory_write(replay->memory, pa, &value, size);
}

static uint64_t get(struct replay *replay, uint64_t pa, unsigned size)
{
	uint64_t value = 0;

	machine_memory_read(replay->memory, pa, &value, size);
	return value;
}

/* The guest's own tables, one to one; and under the root that #DF switches to. */
static void map_own_pages(struct replay *replay, uint32_t safe_root)
{
	unsigned size = storm_entry_size(replay->mode);
	uint32_t tables = STORM_OWN + 0x2000, directory = safe_root;

	for (uint32_t pa = 0; pa < STORM_OWN_BYTES; pa += 4096)
		put(replay, tables + pa / 4096 * size,
		    pa | SWEEP_P | SWEEP_RW | SWEEP_A | SWEEP_D, size);
	if (replay->mode == SWEEP_PAE) {
		directory = safe_root + 0x1000;
		put(replay, safe_root, directory | SWEEP_P, 8);
	}
	for (uint32_t i = 0; i < STORM_OWN_BYTES / 4096 * size / 4096; i++)
		put(replay, directory + i * size, (tables + 4096 * i) | SWEEP_ALL, size);
}

static struct machine_segment segment(struct replay *replay, uint16_t selector)
{
	return machine_descriptor(selector, get(replay, STORM_GDT + (selector & ~7u), 8));
}

static void set_registers(struct replay *replay, const struct storm *storm)
{
	uint16_t data = storm->user ? STORM_USER_DS : STORM_KERNEL_DS;
	struct machine_registers r = { 0 };

	for (unsigned i = 0; i < MACHINE_SEGMENTS; i++)
		r.seg[i] = segment(replay, data);
	r.seg[MACHINE_SEG_CS] =
		segment(replay, storm->user ? STORM_USER_CS : STORM_KERNEL_CS);
	r.tr = segment(replay, STORM_TR);
	r.gdtr = (struct machine_table){ STORM_GDT, 0xfff };
	r.idtr = (struct machine_table){ STORM_IDT, 0xfff };
	r.cr0 = 0x80000011 | (storm->wp ? 0x10000 : 0);
	r.cr3 = sweep_root(replay->mode);
	r.cr4 = (replay->mode == SWEEP_2LEVEL ? 0x10 : 0x20) | 1 << 20;
	r.efer = replay->mode == SWEEP_4LEVEL ? 0x500 : 0;
	r.flags = 2;
	machine_cpu_load(&replay->cpu, &r);
}

/*
 * What LTR does, and the guest's last touches: the TLB has those pages, and that of the
 * running code, in which #DF's handler lies. Then the state of the first fault.
 */
static void prepare(struct replay *replay, const struct storm *storm)
{
	struct machine_registers *r = &replay->cpu.r;
	struct machine_event event;
	struct machine_translation t;
	uint64_t value;

	put(replay, STORM_GDT + STORM_TR, storm_tss_descriptor(STORM_TSS, 11), 8);
	set_registers(replay, storm);
	r->cpl = 0;
	if (!machine_translate(&replay->cpu, replay->double_fault, MACHINE_FETCH, &t,
			       &event))
		refuse("the guest's code", "is not there");
	for (unsigned i = 0; i < sizeof(storm_touched) / sizeof(*storm_touched); i++)
		if (!machine_load(&replay->cpu, storm_touched[i], 1, MACHINE_READ, &value,
				  &event) ||
		    !machine_store(&replay->cpu, storm_touched[i], 1, MACHINE_WRITE,
				   value, &event))
			refuse("a page that all cases have", "is not there");
	r->cpl = storm->user ? 3 : 0;
	r->flags = storm->flags;
	r->ip = storm->user ? replay->user_fault : replay->kernel_fault;
	r->reg[MACHINE_REG_SP] = storm->user ? 0 : storm_sp(replay->mode, storm);
}

static uint32_t hash_memory(struct replay *replay)
{
	uint32_t hash = SWEEP_HASH_START;

	for (unsigned r = 0; r < sizeof(storm_ranges) / sizeof(*storm_ranges); r++)
		for (uint32_t i = 0; i < storm_ranges[r].frames * 4096; i += 8)
			hash = sweep_hash(hash, get(replay, storm_ranges[r].pa + i, 8));
	return hash;
}

/* Where the guest looks: the old TSS, or the frame on the IST. */
static struct left what_is_left(struct replay *replay)
{
	struct left left = { .cr2 = replay->cpu.r.cr2, .hash = hash_memory(replay) };
	uint64_t frame = replay->cpu.r.reg[MACHINE_REG_SP];

	if (replay->mode == SWEEP_4LEVEL) {
		left.ip = get(replay, frame + 8, 8);
		left.flags = get(replay, frame + 24, 8);
		left.sp = get(replay, frame + 32, 8);
	} else {
		left.ip = get(replay, STORM_TSS + 0x20, 4);
		left.flags = get(replay, STORM_TSS + 0x24, 4);
		left.sp = get(replay, STORM_TSS + 0x38, 4);
	}
	return left;
}

static struct left run(struct replay *replay, uint32_t n)
{
	const uint32_t safe_root = 0x940000;
	struct storm_builder builder = { .mode = replay->mode,
					 .put = put,
					 .arg = replay,
					 .df_handler = replay->double_fault };
	struct machine_translation t;
	struct machine_event event;
	struct machine_story story;
	struct storm storm;
	bool ended;

	storm_case(replay->mode, n, &storm);
	machine_memory_reset(replay->memory);
	storm_build(&builder, &storm, safe_root);
	map_own_pages(replay, safe_root);
	prepare(replay, &storm);
	if (machine_translate(&replay->cpu, STORM_TOUCHED,
			      MACHINE_READ | (storm.user ? MACHINE_USER : 0), &t, &event))
		refuse("an address that no case has", "is there");
	machine_follow(&replay->cpu, &event, MAX_FRAMES, &story);
	replay->frames += story.nested;
	if (replay->most < story.nested)
		replay->most = story.nested;
	if (story.fate == MACHINE_RESETS)
		return (struct left){ .reset = true };
	ended = story.double_fault && replay->cpu.r.ip == replay->double_fault;
	return ended ? what_is_left(replay) : (struct left){ 0 };
}

/* ---- beside the guest ---- */

static void say(const char *who, const struct left *left)
{
	if (left->reset)
		fprintf(stderr, "  %s: reset\n", who);
	else
		fprintf(stderr,
			"  %s: SP %" PRIx64 " IP %" PRIx64 " flags %" PRIx64
			" CR2 %" PRIx64 " memory %08" PRIx32 "\n",
			who, left->sp, left->ip, left->flags, left->cr2, left->hash);
}

static void compare(struct replay *replay, uint32_t n, const struct left *theirs)
{
	struct left ours = run(replay, n);

	replay->cases++;
	replay->resets += theirs->reset;
	if (ours.reset == theirs->reset && ours.sp == theirs->sp &&
	    ours.ip == theirs->ip && ours.flags == theirs->flags &&
	    ours.cr2 == theirs->cr2 && ours.hash == theirs->hash)
		return;
	if (replay->differ++ >= SHOWN)
		return;
	fprintf(stderr, "mode %u, case %" PRIu32 "\n", replay->mode, n);
	say("QEMU", theirs);
	say("ours", &ours);
}

/* Ends a mode; true if there was one and all of it is alike. */
static bool conclude(struct replay *replay)
{
	static const char *const names[] = { "2-level", "PAE", "4-level" };
	bool good = replay->cases == STORM_CASES && !replay->differ;

	printf("%s storms, %s: %" PRIu32 " of %u cases, %" PRIu64
	       " nested faults (at most %" PRIu64 "), %" PRIu32 " resets: %" PRIu32
	       " differ\n",
	       good ? "good" : "bad", names[replay->mode], replay->cases, STORM_CASES,
	       replay->frames, replay->most, replay->resets, replay->differ);
	return good;
}

static void begin(struct replay *replay, const char *line)
{
	struct machine_model model = { .features = MACHINE_HAS_ALL,
				       .departures = replay->tcg,
				       .maxphyaddr = replay->maxphyaddr,
				       .tlb = MACHINE_TLB_TCG };
	unsigned mode;

	if (sscanf(line, "storm %x %" SCNx64 " %" SCNx64 " %" SCNx64, &mode,
		   &replay->kernel_fault, &replay->user_fault,
		   &replay->double_fault) != 4 ||
	    mode > SWEEP_4LEVEL)
		refuse("no mode", line);
	replay->mode = (enum sweep_mode)mode;
	machine_cpu_release(&replay->cpu);
	machine_cpu_init(&replay->cpu, &model, replay->memory);
}

static bool replay_log(struct replay *replay, FILE *in)
{
	bool good = true, started = false;
	char line[128] = "";
	unsigned maxphyaddr;

	if (!fgets(line, sizeof(line), in) ||
	    sscanf(line, "maxphyaddr %x", &maxphyaddr) != 1)
		refuse("no header", line);
	replay->maxphyaddr = (uint8_t)maxphyaddr;
	while (fgets(line, sizeof(line), in)) {
		struct left left = { 0 };
		uint32_t n;

		if (strncmp(line, "storm ", 6) == 0 || strncmp(line, "end", 3) == 0) {
			bool again = replay->cases > 0 && replay->cases < STORM_CASES &&
				     *line == 's';

			if (started && !again) {
				good = conclude(replay) && good;
				replay->cases = replay->differ = replay->resets = 0;
				replay->frames = replay->most = 0;
			}
			if (*line == 'e')
				return good && started;
			begin(replay, line);
			started = true;
		} else if (sscanf(line, "%" SCNx32 " reset", &n) == 1 &&
			   strstr(line, "reset")) {
			left.reset = true;
			compare(replay, n, &left);
		} else if (sscanf(line,
				  "%" SCNx32 " %" SCNx64 " %" SCNx64 " %" SCNx64
				  " %" SCNx64 " %" SCNx32,
				  &n, &left.sp, &left.ip, &left.flags, &left.cr2,
				  &left.hash) == 6) {
			compare(replay, n, &left);
		} else {
			refuse("not a result", line);
		}
	}
	refuse("the log does not end as it should", line);
}

int main(int argc, char **argv)
{
	FILE *in = argc == 3 ? fopen(argv[1], "r") : NULL;
	struct replay replay = { .memory = machine_memory_create(NULL, 64 << 20) };
	bool good;

	if (!in || !replay.memory)
		refuse("usage: storm_replay LOG QEMU-VERSION", argc == 3 ? argv[1] : "");
	replay.tcg = tally_tcg(argv[2]);
	good = replay_log(&replay, in);
	machine_cpu_release(&replay.cpu);
	machine_memory_destroy(replay.memory);
	fclose(in);
	return good ? 0 : 1;
}
