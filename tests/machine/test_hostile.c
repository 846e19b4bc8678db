/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A state out of a dump can be anything: registers, descriptors, tables. Whatever it is,
 * following a fault ends, and says how. WS_SEED=n asks for other states.
 */
#include "common/memory.h"
#include "common/random.h"
#include "stand.h"

#define STATES 10000u
#define FRAMES 64u
#define MAX 2000u

/* Often one of the values that matter, else anything. */
static uint64_t hostile(struct random *random)
{
	static const uint64_t likely[] = { 0,          1,          8,
					   0x10,       0x1b,       0x23,
					   0xfff,      0x1000,     0x10000,
					   UINT32_MAX, UINT64_MAX, UINT64_C(1) << 47 };

	if (random_percent(random, 40))
		return likely[random_below(random, sizeof(likely) / sizeof(*likely))];
	if (random_percent(random, 60))
		return random_below(random, FRAMES * WS_FRAME_SIZE);
	return random_next(random);
}

static struct machine_segment hostile_segment(struct random *random)
{
	return (struct machine_segment){ .base = hostile(random),
					 .limit = (uint32_t)hostile(random),
					 .attributes = (uint32_t)random_next(random),
					 .selector = (uint16_t)hostile(random) };
}

static struct machine_registers hostile_registers(struct random *random)
{
	struct machine_registers r;

	for (unsigned i = 0; i < MACHINE_REGISTERS; i++)
		r.reg[i] = hostile(random);
	for (unsigned i = 0; i < MACHINE_SEGMENTS; i++)
		r.seg[i] = hostile_segment(random);
	for (unsigned i = 0; i < 4; i++)
		r.pdpte[i] = hostile(random);
	r.ip = hostile(random);
	r.flags = random_next(random);
	r.cr0 = random_next(random) | (random_percent(random, 95) ? 0x80000001 : 0);
	r.cr2 = hostile(random);
	r.cr3 = hostile(random);
	r.cr4 = random_next(random);
	r.efer = random_next(random);
	r.ldtr = hostile_segment(random);
	r.tr = hostile_segment(random);
	r.gdtr = (struct machine_table){ hostile(random), (uint16_t)hostile(random) };
	r.idtr = (struct machine_table){ hostile(random), (uint16_t)hostile(random) };
	r.cpl = (uint8_t)random_below(random, 5) * (uint8_t)random_below(random, 64);
	return r;
}

static struct machine_event hostile_event(struct random *random)
{
	return (struct machine_event){ .vector = (uint8_t)random_next(random),
				       .kind = (uint8_t)random_below(random, 3),
				       .error = (uint32_t)random_next(random),
				       .address = hostile(random),
				       .length = (uint8_t)random_next(random) };
}

/* Both ways of following must end, and alike. */
static void follow_both(struct machine_cpu *cpu, const struct machine_registers *r,
			const struct machine_event *event, uint64_t *fates)
{
	struct machine_story fast, slow;
	uint64_t sp;

	machine_cpu_load(cpu, r);
	machine_follow(cpu, event, MAX, &fast);
	sp = cpu->r.reg[MACHINE_REG_SP];
	machine_memory_reset(cpu->memory);
	machine_cpu_load(cpu, r);
	machine_follow_slowly(cpu, event, MAX, &slow);
	assert_int_equal(fast.fate, slow.fate);
	assert_int_equal(fast.frames, slow.frames);
	assert_int_equal(sp, cpu->r.reg[MACHINE_REG_SP]);
	assert_true(fast.frames <= MAX);
	assert_true(fast.last.nevents <= MACHINE_MAX_EVENTS);
	machine_memory_reset(cpu->memory);
	fates[fast.fate]++;
}

static void say(const uint64_t *fates)
{
	print_message("# seed %" PRIu64 ": %" PRIu64 " survive, %" PRIu64
		      " in another task, %" PRIu64 " reset, %" PRIu64 " loop, %" PRIu64
		      " given up, %" PRIu64 " lost\n",
		      random_seed(), fates[MACHINE_SURVIVES], fates[MACHINE_OTHER_TASK],
		      fates[MACHINE_RESETS], fates[MACHINE_LOOPS], fates[MACHINE_GAVE_UP],
		      fates[MACHINE_LOST]);
}

static void test_hostile(void **state)
{
	struct random random = { random_seed() };
	struct arena arena = arena_create(FRAMES);
	struct machine_backing backing = { .frame = arena_lend, .opaque = &arena };
	struct machine_memory *memory = machine_memory_create(&backing, 0);
	uint64_t fates[MACHINE_LOST + 1] = { 0 };

	(void)state;
	for (unsigned i = 0; i < STATES; i++) {
		struct machine_model model = {
			.features = (uint32_t)random_next(&random) & MACHINE_HAS_ALL,
			.departures = random_percent(&random, 50) ? MACHINE_TCG : 0,
			.maxphyaddr = (uint8_t)(32 + random_below(&random, 21)),
			.tlb = (uint8_t)random_below(&random, 3),
		};
		struct machine_registers r = hostile_registers(&random);
		struct machine_event event = hostile_event(&random);
		struct machine_cpu cpu;

		if (i % 100 == 0)
			arena_fill(&arena,
				   ws_format_by_name(i / 100 % 2 ? "i386" : "x86_64"),
				   &random);
		machine_cpu_init(&cpu, &model, memory);
		follow_both(&cpu, &r, &event, fates);
		machine_cpu_release(&cpu);
	}
	say(fates);
	machine_memory_destroy(memory);
	arena_release(&arena);
}

/* One bit, or all, of something that delivery reads. */
static void spoil(struct stand *s, const struct machine_event *event,
		  struct random *random)
{
	unsigned gate = s->mode >= STAND_4LEVEL ? 16 : 8;
	const uint32_t places[] = { STAND_IDT + event->vector * gate,
				    STAND_IDT + MACHINE_PF * gate,
				    STAND_IDT + MACHINE_DF * gate,
				    STAND_GDT + STAND_KERNEL_CS,
				    STAND_GDT + STAND_KERNEL_DS,
				    STAND_GDT + STAND_FREE,
				    STAND_TSS,
				    STAND_TSS + 8,
				    STAND_TSS + 32 };
	uint32_t at = places[random_below(random, sizeof(places) / sizeof(*places))];
	uint64_t value = stand_get(s, at, 8);

	if (random_percent(random, 80))
		value ^= UINT64_C(1) << random_below(random, 64);
	else
		value = random_next(random);
	stand_put(s, at, 8, value);
}

/* A task to switch to, and a handler that is not there, some of the time. */
static void set_scene(struct stand *s, struct random *random)
{
	stand_descriptor(s, STAND_FREE, 0x0000890130000067);
	stand_put(s, 0x13000 + 0x1c, 4, s->root);
	stand_put(s, 0x13000 + 0x38, 4, STAND_IST);
	for (unsigned i = 0; i < MACHINE_SEGMENTS; i++)
		stand_put(s, 0x13000 + 0x48 + 4 * i, 4,
			  i == MACHINE_SEG_CS ? STAND_KERNEL_CS : STAND_KERNEL_DS);
	if (random_percent(random, 50))
		stand_gate(s, MACHINE_DF, s->mode < STAND_4LEVEL ? 5 : 14,
			   s->mode < STAND_4LEVEL ? STAND_FREE : STAND_KERNEL_CS,
			   STAND_HANDLER, 0, 1);
	if (random_percent(random, 50))
		stand_gate(s, MACHINE_PF, 14, STAND_KERNEL_CS, 0x90000000, 0,
			   s->mode < STAND_4LEVEL ? 0 : random_below(random, 2));
	if (random_percent(random, 30))
		stand_user(s);
}

/* Spoilt here and there, behind sound tables. */
static void test_spoilt(void **state)
{
	struct random random = { random_seed() };
	uint64_t fates[MACHINE_LOST + 1] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		const struct machine_model model = { MACHINE_HAS_ALL,
						     i % 8 < 4 ? MACHINE_TCG : 0, 40,
						     (uint8_t)random_below(&random, 3) };
		struct machine_event event = hostile_event(&random);
		struct machine_backing backing;
		struct machine_cpu cpu;
		struct stand s;

		event.vector =
			random_percent(&random, 50) ? MACHINE_PF : event.vector % 32;
		stand_open(&s, (enum stand_mode)(i % 4), &model);
		set_scene(&s, &random);
		for (uint64_t n = random_below(&random, 4); n-- > 0;)
			spoil(&s, &event, &random);
		backing = machine_memory_backing(s.memory);
		machine_cpu_init(&cpu, &model, machine_memory_create(&backing, 0));
		follow_both(&cpu, &s.cpu.r, &event, fates);
		machine_memory_destroy(cpu.memory);
		machine_cpu_release(&cpu);
		stand_close(&s);
	}
	say(fates);
	for (enum machine_fate fate = 0; fate <= MACHINE_GAVE_UP; fate++)
		if (fates[fate] < 10)
			fail_msg("fate %d was met %" PRIu64 " times", fate, fates[fate]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "ten thousand random states: every story ends", test_hostile },
		{ "gates, descriptors and TSS spoilt: every story ends", test_spoilt },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
