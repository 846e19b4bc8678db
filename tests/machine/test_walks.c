/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random translations, by three who share nothing: the machine's MMU, src/paging's walk
 * with its strict check, and libaddrxlat. The machine stops where a processor would: at
 * reserved bits, which the other two forgive and ws_check() names. WS_SEED=n asks for
 * other tables.
 */
#include "common/addrxlat.h"
#include "common/memory.h"
#include "common/random.h"
#include "stand.h"

#include "whosees.h"

#define TRANSLATIONS 1000000u
#define BATCHES 50u
#define FRAMES 512u
#define PDPTS 64u /* well-made ones at the arena's start, for PAE */

#define BITS(high, low) (~UINT64_C(0) >> (63 - (high)) & ~UINT64_C(0) << (low))

struct mode {
	const char *format;
	uint64_t cr4, efer;
	unsigned entry_size;
};

static const struct mode modes[] = {
	{ "i386", 0x10, 0, 4 },
	{ "i386-nopse", 0, 0, 4 },
	{ "i386-pae", 0x20, 0, 8 },
	{ "x86_64", 0x20, 0x500, 8 },
	{ "x86_64-la57", 0x1020, 0x500, 8 },
};

struct trial {
	const struct mode *mode;
	struct ws_paging paging;
	struct arena arena;
	struct machine_memory *memory;
	struct machine_cpu cpu;
	struct addrxlat addrxlat;
	bool has_addrxlat;
	struct random random;
	unsigned pages, holes, reserved, refused, noncanonical, unreadable;
};

/* ---- tables ---- */

/* Mostly what a kernel would write, with one entry in ten spoilt. */
static uint64_t random_entry(struct trial *trial)
{
	static const uint8_t large[] = { 21, 22, 30 };
	struct random *random = &trial->random;
	uint64_t entry = random_next(random) & (BITS(11, 8) | BITS(6, 1));

	entry |= random_percent(random, 92) ? P : 0;
	entry |= random_percent(random, 20) ? XD : 0;
	if (random_percent(random, 12)) {
		entry |= PS | (random_next(random) & BITS(12, 12));
		entry |= random_below(random, 8) << large[random_below(random, 3)];
	} else {
		entry |= random_below(random, FRAMES) * WS_FRAME_SIZE;
	}
	if (random_percent(random, 3))
		entry |= UINT64_C(1) << (13 + random_below(random, 50));
	return trial->mode->entry_size == 4 ? entry & UINT32_MAX : entry;
}

static uint64_t random_pdpte(struct trial *trial)
{
	struct random *random = &trial->random;
	uint64_t entry = random_below(random, FRAMES) * WS_FRAME_SIZE;

	entry |= random_percent(random, 90) ? P : 0;
	if (random_percent(random, 4))
		entry |= UINT64_C(1) << random_below(random, 64);
	return entry;
}

static void fill(struct trial *trial)
{
	unsigned size = trial->mode->entry_size;
	uint64_t bytes = FRAMES * WS_FRAME_SIZE;
	bool pae = strcmp(trial->mode->format, "i386-pae") == 0;

	for (uint64_t at = 0; at < bytes; at += size) {
		uint64_t entry = pae && at < PDPTS * 32 ? random_pdpte(trial)
							: random_entry(trial);

		memcpy(trial->arena.bytes + at, &entry, size);
	}
}

static uint64_t random_root(struct trial *trial)
{
	if (strcmp(trial->mode->format, "i386-pae") == 0)
		return random_below(&trial->random, PDPTS) * 32;
	return random_below(&trial->random, FRAMES + 4) * WS_FRAME_SIZE;
}

/* ---- the machine's answer ---- */

static void start(struct trial *trial)
{
	struct machine_model model = { .features = MACHINE_HAS_ALL };
	struct machine_registers r;

	model.maxphyaddr = (uint8_t)(36 + random_below(&trial->random, 17));
	trial->paging.pa_bits = model.maxphyaddr;
	trial->paging.no_execute = random_percent(&trial->random, 70);
	machine_cpu_release(&trial->cpu);
	machine_cpu_init(&trial->cpu, &model, trial->memory);
	r = trial->cpu.r;
	r.cr0 = 0x80000011;
	r.cr4 = trial->mode->cr4;
	r.efer = trial->mode->efer | (trial->paging.no_execute ? EFER_NXE : 0);
	machine_cpu_load(&trial->cpu, &r);
}

/* A supervisor read with CR0.WP and SMAP clear: no rights stand in its way. */
static bool machine_answers(struct trial *trial, uint64_t root, uint64_t va,
			    struct machine_translation *t, struct machine_event *event)
{
	machine_memory_reset(trial->memory);
	return machine_write_cr3(&trial->cpu, root, event) &&
	       machine_translate(&trial->cpu, va, MACHINE_READ, t, event);
}

/* ---- the other two ---- */

static uint8_t rights_of(const struct machine_translation *t)
{
	bool execute = !(t->rights & MACHINE_NO_EXECUTE);

	return (uint8_t)(WS_ACCESS_ALL &
			 ~(t->rights & MACHINE_MAY_USER ? 0u : WS_USER_ALL) &
			 ~(t->rights & MACHINE_MAY_WRITE ? 0u : WS_ACCESS_WRITE) &
			 ~(execute ? 0u : WS_ACCESS_EXECUTE));
}

/* Any of the four PDPTEs: #GP at the CR3 write, whatever is translated. */
static bool pdpt_refused(const struct trial *trial, uint64_t root)
{
	struct ws_trail trail;
	struct ws_flaw flaw;

	if (strcmp(trial->mode->format, "i386-pae") != 0)
		return false;
	for (uint64_t quarter = 0; quarter < 4; quarter++) {
		ws_walk(&trial->paging, root, quarter << 30, &trail);
		if (ws_check(&trial->paging, &trail, &flaw) && flaw.level == 0)
			return true;
	}
	return false;
}

static bool refuses(bool went, const struct machine_event *event, unsigned vector,
		    uint32_t error)
{
	return !went && event->vector == vector && event->error == error;
}

static bool count(unsigned *n, bool good)
{
	++*n;
	return good;
}

/* Whether the machine did what the walk and its check say. */
static bool agrees(struct trial *trial, const struct ws_trail *trail, bool went,
		   const struct machine_translation *t, const struct machine_event *event)
{
	struct ws_flaw flaw;

	if (pdpt_refused(trial, trail->root))
		return count(&trial->refused, refuses(went, event, MACHINE_GP, 0));
	if (trail->end == WS_END_NONCANONICAL)
		return count(&trial->noncanonical, refuses(went, event, MACHINE_GP, 0));
	if (ws_check(&trial->paging, trail, &flaw))
		return count(&trial->reserved, refuses(went, event, MACHINE_PF,
						       MACHINE_PF_P | MACHINE_PF_RSVD));
	if (trail->end == WS_END_ABSENT) /* no memory reads as zeroes */
		return count(&trial->unreadable, refuses(went, event, MACHINE_PF, 0));
	if (trail->end == WS_END_HOLE)
		return count(&trial->holes, refuses(went, event, MACHINE_PF, 0));
	return count(&trial->pages, trail->end == WS_END_PAGE && went &&
					    t->pa == trail->pa &&
					    t->page_shift == trail->page_shift &&
					    rights_of(t) == trail->access);
}

/* What the machine translates, libaddrxlat translates alike. */
static bool addrxlat_agrees(struct trial *trial, const struct ws_trail *trail, bool went,
			    const struct machine_translation *t)
{
	addrxlat_status status;

	if (!trial->has_addrxlat)
		return true;
	status = addrxlat_translate(&trial->addrxlat, trail->root, trail->va);
	if (went)
		return status == ADDRXLAT_OK && trial->addrxlat.step.base.addr == t->pa;
	return (status == ADDRXLAT_OK) == (trail->end == WS_END_PAGE);
}

static void translate(struct trial *trial)
{
	uint64_t root = random_root(trial);
	uint64_t va = random_va(trial->paging.format, &trial->random);
	struct machine_translation t = { 0 };
	struct machine_event event = { 0 };
	struct ws_trail trail;
	bool went;

	ws_walk(&trial->paging, root, va, &trail);
	/* Outside IA-32e mode there are no address bits above 31 to be wrong. */
	if (trail.end == WS_END_NONCANONICAL && !(trial->mode->efer))
		return;
	went = machine_answers(trial, root, va, &t, &event);
	if (agrees(trial, &trail, went, &t, &event) &&
	    addrxlat_agrees(trial, &trail, went, &t))
		return;
	for (unsigned l = 0; l < trail.nsteps; l++)
		print_error("level %u: entry %" PRIx64 "\n", l, trail.step[l].entry);
	fail_msg("root %" PRIx64 " va %" PRIx64 ": the machine %s %" PRIx64
		 " (%s %x), the walk ends %u at %" PRIx64 ", MAXPHYADDR %u, NXE %d",
		 root, va, went ? "reaches" : "faults", t.pa,
		 machine_vector_name(event.vector), event.error, trail.end, trail.pa,
		 trial->paging.pa_bits, trial->paging.no_execute);
}

static void open_trial(struct trial *trial, const struct mode *mode)
{
	struct machine_backing backing = { .frame = arena_lend, .opaque = &trial->arena };

	*trial = (struct trial){ .mode = mode,
				 .arena = arena_create(FRAMES),
				 .random = { random_seed() } };
	trial->paging = (struct ws_paging){ .format = ws_format_by_name(mode->format),
					    .frame = arena_frame,
					    .opaque = &trial->arena };
	trial->memory = machine_memory_create(&backing, 0);
	assert_non_null(trial->memory);
	trial->has_addrxlat = addrxlat_open(&trial->addrxlat, &trial->paging);
}

static void close_trial(struct trial *trial)
{
	if (trial->has_addrxlat)
		addrxlat_close(&trial->addrxlat);
	machine_cpu_release(&trial->cpu);
	machine_memory_destroy(trial->memory);
	arena_release(&trial->arena);
}

static void test_walks(void **state)
{
	struct trial trial;

	open_trial(&trial, *state);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		fill(&trial);
		start(&trial);
		for (unsigned i = 0; i < TRANSLATIONS / BATCHES; i++)
			translate(&trial);
	}
	print_message("# seed %" PRIu64
		      ": %u pages, %u holes, %u reserved bits, %u refused "
		      "PDPTs, %u not canonical, %u outside memory\n",
		      random_seed(), trial.pages, trial.holes, trial.reserved,
		      trial.refused, trial.noncanonical, trial.unreadable);
	assert_true(trial.pages > TRANSLATIONS / 10);
	assert_true(trial.holes > TRANSLATIONS / 50);
	close_trial(&trial);
}

int main(void)
{
	enum { N = sizeof(modes) / sizeof(*modes) };
	struct CMUnitTest tests[N];
	char title[N][100];

	for (unsigned i = 0; i < N; i++) {
		snprintf(title[i], sizeof(title[i]),
			 "%s: a million random translations, machine, paging%s",
			 modes[i].format,
			 strcmp(modes[i].format, "i386-nopse") ? " and libaddrxlat" : "");
		tests[i] = (struct CMUnitTest){ .name = title[i],
						.test_func = test_walks,
						.initial_state = (void *)&modes[i] };
	}
	return _cmocka_run_group_tests("walks", tests, N, NULL, NULL);
}
