/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may be written to control registers, and what follows: SDM 2.2, 2.5, 4.1, 4.4. */
#include "stand.h"

static const struct machine_model all = { .features = MACHINE_HAS_ALL, .maxphyaddr = 40 };

typedef bool write_fn(struct machine_cpu *cpu, uint64_t value,
		      struct machine_event *event);

static void refuses(struct stand *s, write_fn *write, uint64_t value)
{
	struct machine_registers before = s->cpu.r;
	struct machine_event event = { 0 };

	assert_false(write(&s->cpu, value, &event));
	assert_int_equal(event.vector, MACHINE_GP);
	assert_int_equal(event.error, 0);
	assert_int_equal(s->cpu.r.cr0, before.cr0);
	assert_int_equal(s->cpu.r.cr3, before.cr3);
	assert_int_equal(s->cpu.r.cr4, before.cr4);
	assert_int_equal(s->cpu.r.efer, before.efer);
}

static void takes(struct stand *s, write_fn *write, uint64_t value)
{
	struct machine_event event;

	assert_true(write(&s->cpu, value, &event));
}

/* SDM 2.5, CR0: PG needs PE, NW needs CD, the high half is reserved. */
static void test_cr0(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &all);
	refuses(&s, machine_write_cr0, 0x80000010);
	refuses(&s, machine_write_cr0, 0xa0000011);
	refuses(&s, machine_write_cr0, UINT64_C(0x180000011));
	takes(&s, machine_write_cr0, 0xe0000001);
	assert_int_equal(s.cpu.r.cr0, 0xe0000011); /* ET is always set */
	stand_close(&s);
}

/* SDM 10.8.5: LME, then PG: LMA; without PAE that is #GP. */
static void test_long_mode(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &all);
	refuses(&s, machine_write_efer, 0x100); /* paging is on */
	takes(&s, machine_write_cr0, 0x11);
	takes(&s, machine_write_efer, 0x100);
	refuses(&s, machine_write_cr0, 0x80000011);
	takes(&s, machine_write_cr4, 0x20);
	assert_false(machine_long_mode(&s.cpu));
	takes(&s, machine_write_cr0, 0x80000011);
	assert_true(machine_long_mode(&s.cpu));
	refuses(&s, machine_write_cr4, 0);      /* PAE cannot go */
	refuses(&s, machine_write_cr4, 0x1020); /* LA57 cannot change */
	refuses(&s, machine_write_cr3, UINT64_C(1) << 40);
	takes(&s, machine_write_cr0, 0x11);
	assert_false(machine_long_mode(&s.cpu));
	stand_close(&s);
}

/* SDM 2.5, CR4: a bit whose feature is missing is reserved. */
static void test_cr4_features(void **state)
{
	static const struct machine_model none = { .maxphyaddr = 32 };
	static const uint64_t bits[] = { 1 << 12, 1 << 17, CR4_SMEP, CR4_SMAP };
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &none);
	for (unsigned i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		refuses(&s, machine_write_cr4, CR4_PSE | bits[i]);
	refuses(&s, machine_write_efer, EFER_NXE);
	refuses(&s, machine_write_efer, 0x100);
	takes(&s, machine_write_cr4, CR4_PSE | CR4_PGE);
	stand_close(&s);
	stand_open(&s, STAND_32BIT, &all);
	takes(&s, machine_write_cr4, CR4_PSE | CR4_SMEP | CR4_SMAP);
	refuses(&s, machine_write_cr4, CR4_PSE | 1 << 15);
	refuses(&s, machine_write_cr4, CR4_PSE | 1 << 17); /* PCIDE needs IA-32e mode */
	stand_close(&s);
}

/* SDM 4.4.1: turning PAE paging on loads the PDPTEs, and may fail for one. */
static void test_pae_on(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &all);
	stand_put(&s, 0x3000020, 8, 0x3001000 | P | RW);
	takes(&s, machine_write_cr3, 0x3000020);
	refuses(&s, machine_write_cr4, CR4_PSE | 0x20);
	stand_put(&s, 0x3000020, 8, 0x3001000 | P);
	takes(&s, machine_write_cr4, CR4_PSE | 0x20);
	assert_int_equal(s.cpu.r.pdpte[0], 0x3001000 | P);
	stand_close(&s);
}

/* Outside IA-32e mode CR3 has 32 bits (SDM tables 4-3 and 4-7). */
static void test_cr3(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &all);
	takes(&s, machine_write_cr3, UINT64_C(0x500100018));
	assert_int_equal(s.cpu.r.cr3, 0x100018);
	stand_goes(&s, 0x1234, MACHINE_READ, 0x1234);
	stand_close(&s);
	stand_open(&s, STAND_4LEVEL, &all);
	takes(&s, machine_write_cr4, 0x20 | 1 << 17);
	takes(&s, machine_write_cr3, UINT64_C(1) << 63 | 0x100000);
	assert_int_equal(s.cpu.r.cr3, 0x100000);
	stand_close(&s);
}

/* Every departure has a name, a section and one bit of its own. */
static void test_departures(void **state)
{
	uint32_t seen = 0;

	(void)state;
	for (const struct machine_departure *d = machine_departures; d->bit; d++) {
		assert_int_equal(__builtin_popcount(d->bit), 1);
		assert_false(seen & d->bit);
		assert_true(*d->name && *d->meaning &&
			    strncmp(d->section, "SDM ", 4) == 0);
		seen |= d->bit;
	}
	assert_int_equal(seen, MACHINE_TCG);
}

static void test_versions(void **state)
{
	(void)state;
	assert_int_equal(machine_tcg(702), MACHINE_TCG);
	assert_int_equal(machine_tcg(799), MACHINE_TCG);
	assert_int_equal(machine_tcg(800), MACHINE_TCG & ~MACHINE_IDT_ERROR_BY_16);
	assert_int_equal(machine_tcg(900), machine_tcg(800));
	assert_int_equal(machine_tcg(901), machine_tcg(800) & ~MACHINE_NO_RF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "CR0: what is #GP(0) (SDM 2.5)", test_cr0 },
		{ "into IA-32e mode and out of it (SDM 10.8.5)", test_long_mode },
		{ "CR4: bits without their feature are reserved (SDM 2.5)",
		  test_cr4_features },
		{ "turning PAE paging on loads PDPTEs (SDM 4.4.1)", test_pae_on },
		{ "CR3 in each mode (SDM 4.3 to 4.5)", test_cr3 },
		{ "every departure is named", test_departures },
		{ "newer QEMUs have fewer", test_versions },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
