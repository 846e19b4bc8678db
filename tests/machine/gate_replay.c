/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raises on our machine what lab/guest/sweep_gate.c raised on QEMU's processor, and holds
 * what arrived side by side: gate_replay LOG. Where the manual's machine gives another
 * result, the fewest departures of TCG that give QEMU's name the exception. One line on
 * standard output: "good" or "bad", then what was found.
 */
#include "lab/guest/sweep_gate.h"
#include "machine/machine.h"
#include "tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDENTITY 0x10000u /* 1 GiB one to one, for IA-32e mode */
#define NOTHING_ARRIVED 0xff

struct replay {
	struct machine_memory *memory;
	struct machine_cpu cpu;
	struct gate_builder builder;
	uint64_t kernel_code, user_code; /* addresses in the guest */
	struct tally tally;
};

/* A case, and what the guest said of it. */
struct held {
	struct replay *replay;
	struct gate_case c;
	struct gate_result guest;
};

static _Noreturn void refuse(const char *why, const char *what)
{
	fprintf(stderr, "gate_replay: %s: %s\n", why, what);
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

static struct machine_segment segment(struct replay *replay, uint16_t selector)
{
	return machine_descriptor(selector, get(replay, GATE_GDT + (selector & ~7u), 8));
}

/* As the guest's: no paging, or a GiB one to one. */
static void set_paging(struct replay *replay, struct machine_registers *r)
{
	r->cr0 = 0x11;
	if (!replay->builder.wide)
		return;
	put(replay, IDENTITY, (IDENTITY + 0x1000) | 7, 8);
	put(replay, IDENTITY + 0x1000, 0x87, 8);
	r->cr0 = 0x80000011;
	r->cr3 = IDENTITY;
	r->cr4 = 0x20;
	r->efer = 0x500;
}

static void set_registers(struct replay *replay, const struct gate_case *c)
{
	struct machine_registers r = { .flags = GATE_FLAGS };
	uint16_t data = c->user ? GATE_USER_DS : GATE_KERNEL_DS;

	set_paging(replay, &r);
	for (unsigned i = 0; i < MACHINE_SEGMENTS; i++)
		r.seg[i] = segment(replay, data);
	r.seg[MACHINE_SEG_CS] = segment(replay, c->user ? GATE_USER_CS : GATE_KERNEL_CS);
	r.tr = segment(replay, GATE_TR);
	r.gdtr = (struct machine_table){ GATE_GDT, 0xfff };
	r.idtr = (struct machine_table){ GATE_IDT, 0xfff };
	r.cpl = c->user ? 3 : 0;
	r.ip = (c->user ? replay->user_code : replay->kernel_code) + 4 * c->event;
	r.reg[MACHINE_REG_SP] = c->user ? GATE_USER_STACK : gate_kernel_sp(c);
	machine_cpu_load(&replay->cpu, &r);
}

static uint8_t arrived_at(const struct replay *replay)
{
	uint64_t ip = replay->cpu.r.ip;

	if (replay->cpu.shut_down)
		return NOTHING_ARRIVED;
	if (ip == replay->builder.handler)
		return 0;
	for (unsigned i = 0; i < GATE_OBSERVERS; i++)
		if (ip == replay->builder.observer[i])
			return gate_observed[i];
	return NOTHING_ARRIVED;
}

/* The frame that was pushed, or what a task gate left in the old TSS. */
static void read_frame(struct replay *replay, const struct gate_case *c,
		       struct gate_result *result)
{
	unsigned word = replay->builder.wide ? 8 : 4, n = word == 8 || c->user ? 5 : 3;

	if (word == 8 || !result->vector) {
		for (unsigned i = 0; i < n; i++)
			result->frame[i] =
				get(replay, gate_frame(c, result->sp) + i * word, word);
		return;
	}
	result->frame[0] = get(replay, GATE_TSS + 0x20, 4);
	result->frame[1] = get(replay, GATE_TSS + 0x4c, 2);
	result->frame[2] = get(replay, GATE_TSS + 0x24, 4);
	result->frame[3] = get(replay, GATE_TSS + 0x38, 4);
	result->frame[4] = get(replay, GATE_TSS + 0x50, 2);
}

static struct gate_result run(struct replay *replay, const struct gate_case *c,
			      uint32_t departures)
{
	static const uint8_t kinds[] = { MACHINE_EXCEPTION, MACHINE_SOFTWARE_INTERRUPT };
	struct machine_event event = { .vector = (uint8_t)GATE_VECTOR(c->event),
				       .kind = kinds[c->event],
				       .length = 2 };
	const struct machine_registers *r = &replay->cpu.r;
	unsigned word = replay->builder.wide ? 8 : 4;
	struct gate_result result = { 0 };
	struct machine_story story;

	machine_memory_reset(replay->memory);
	replay->cpu.model.departures = departures;
	gate_build(&replay->builder, c);
	set_registers(replay, c);
	machine_follow(&replay->cpu, &event, 4, &story);
	result.vector = arrived_at(replay);
	if (result.vector == NOTHING_ARRIVED)
		return result;
	result.sp = r->reg[MACHINE_REG_SP];
	result.ss = r->seg[MACHINE_SEG_SS].selector;
	if (result.vector) {
		result.error = get(replay, result.sp, word);
		result.sp += word;
	}
	result.accessed = (get(replay, GATE_GDT + GATE_TEST_CS + 5, 1) & 1) |
			  (get(replay, GATE_GDT + GATE_TEST_SS + 5, 1) & 1) << 1;
	read_frame(replay, c, &result);
	return result;
}

/* ---- beside the guest ---- */

static bool agrees(void *arg, uint32_t departures)
{
	const struct held *held = arg;
	struct gate_result ours = run(held->replay, &held->c, departures);

	return ours.vector == held->guest.vector && ours.error == held->guest.error &&
	       ours.sp == held->guest.sp && ours.ss == held->guest.ss &&
	       ours.accessed == held->guest.accessed &&
	       memcmp(ours.frame, held->guest.frame, sizeof(ours.frame)) == 0;
}

static void say(const char *who, const struct gate_result *r)
{
	fprintf(stderr,
		"  %s: vector %u error %" PRIx64 " SP %" PRIx64
		" SS %x accessed %u, frame",
		who, r->vector, r->error, r->sp, r->ss, r->accessed);
	for (unsigned i = 0; i < 5; i++)
		fprintf(stderr, " %" PRIx64, r->frame[i]);
	fputc('\n', stderr);
}

static void hold(struct held *held)
{
	struct gate_result manual, tcg;

	if (tally_case(&held->replay->tally, agrees, held))
		return;
	manual = run(held->replay, &held->c, 0);
	tcg = run(held->replay, &held->c, held->replay->tally.tcg);
	fprintf(stderr, "%s, %s from CPL %d\n", held->c.spoil->name,
		held->c.event == GATE_UD ? "ud2" : "int", held->c.user ? 3 : 0);
	say("QEMU", &held->guest);
	say("manual", &manual);
	say("manual with departures", &tcg);
}

static bool parse(const char *line, uint32_t *n, struct gate_result *r)
{
	unsigned ss, accessed;

	if (sscanf(line,
		   "%" SCNx32 " %" SCNx32 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
		   " %" SCNx64 " %" SCNx64 " %" SCNx64 " %x %x",
		   n, &r->vector, &r->error, &r->sp, &r->frame[0], &r->frame[1],
		   &r->frame[2], &r->frame[3], &r->frame[4], &ss, &accessed) != 11)
		return false;
	r->ss = (uint16_t)ss;
	r->accessed = (uint8_t)accessed;
	return *n < GATE_CASES;
}

static void read_header(struct replay *replay, const char *line)
{
	uint64_t *observer = replay->builder.observer;
	unsigned bits;

	if (sscanf(line,
		   "gate %x %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64
		   " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
		   &bits, &replay->builder.handler, &replay->kernel_code,
		   &replay->user_code, &observer[0], &observer[1], &observer[2],
		   &observer[3], &observer[4], &observer[5]) != 10)
		refuse("no header", line);
	replay->builder.wide = bits == 64;
	replay->builder.put = put;
	replay->builder.arg = replay;
}

static unsigned cases_of(bool wide)
{
	unsigned n = 0;

	for (unsigned i = 0; i < GATE_SPOILS; i++)
		n += (wide ? gate_spoils[i].wide : gate_spoils[i].narrow) * GATE_EVENTS *
		     2;
	return n;
}

static bool replay_log(struct replay *replay, FILE *in)
{
	char line[512] = "";
	bool good;

	if (!fgets(line, sizeof(line), in))
		refuse("no header", "");
	read_header(replay, line);
	while (fgets(line, sizeof(line), in) && strncmp(line, "end", 3) != 0) {
		struct held held = { .replay = replay };
		uint32_t n;

		if (!parse(line, &n, &held.guest))
			refuse("not a result", line);
		held.c = gate_case(n);
		hold(&held);
	}
	good = !replay->tally.differ &&
	       replay->tally.cases == cases_of(replay->builder.wide) &&
	       strncmp(line, "end", 3) == 0;
	printf("%s ", good ? "good" : "bad");
	tally_print(&replay->tally, replay->builder.wide
					    ? "64-bit gates, code segments and stacks"
					    : "32-bit gates, code segments and stacks");
	putchar('\n');
	return good;
}

int main(int argc, char **argv)
{
	const struct machine_model model = { .features = MACHINE_HAS_ALL,
					     .maxphyaddr = 40 };
	FILE *in = argc == 3 ? fopen(argv[1], "r") : NULL;
	struct replay replay = { .memory = machine_memory_create(NULL, 64 << 20) };
	bool good;

	if (!in || !replay.memory)
		refuse("usage: gate_replay LOG QEMU-VERSION", argc == 3 ? argv[1] : "");
	replay.tally.tcg = tally_tcg(argv[2]);
	machine_cpu_init(&replay.cpu, &model, replay.memory);
	good = replay_log(&replay, in);
	machine_cpu_release(&replay.cpu);
	machine_memory_destroy(replay.memory);
	fclose(in);
	return good ? 0 : 1;
}
