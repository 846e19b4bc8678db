/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Translation in every paging mode: SDM 4.2 to 4.8. */
#include "stand.h"

#define VA UINT64_C(0x80d23000)
#define LONG_VA UINT64_C(0xffff908080d23000)
#define PAGE UINT64_C(0x2345000)
#define USER_READ (MACHINE_READ | MACHINE_USER)
#define USER_WRITE (MACHINE_WRITE | MACHINE_USER)
#define USER_FETCH (MACHINE_FETCH | MACHINE_USER)

static const struct machine_model model = { .features = MACHINE_HAS_ALL,
					    .maxphyaddr = 40 };

static void test_32bit(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &model);
	stand_map(&s, VA, 1, PAGE | P);
	stand_goes(&s, VA + 0x123, MACHINE_READ, PAGE + 0x123);
	stand_map(&s, VA, 2, UINT64_C(0x2c00000) | P | PS);
	stand_goes(&s, VA, MACHINE_READ, 0x2d23000);
	stand_close(&s);
}

/* SDM table 4-4: PSE-36, and bit 21 beyond a MAXPHYADDR of 40. */
static void test_pse36(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &model);
	stand_map(&s, VA, 2, UINT64_C(0x2c00000) | 0xab << 13 | P | PS);
	stand_goes(&s, VA, MACHINE_READ, UINT64_C(0xab02d23000));
	stand_map(&s, VA, 2, UINT64_C(0x2c00000) | 1 << 21 | P | PS);
	stand_faults(&s, VA, MACHINE_READ, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_RSVD);
	stand_close(&s);
	stand_open(&s, STAND_32BIT, &(struct machine_model){ .maxphyaddr = 36 });
	stand_map(&s, VA, 2, UINT64_C(0x2c00000) | 1 << 13 | P | PS);
	stand_faults(&s, VA, MACHINE_READ, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_RSVD);
	stand_close(&s);
}

/* SDM table 4-4, M is MAXPHYADDR: bits 21:M-19 are reserved. */
static void test_pse36_narrow(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT,
		   &(struct machine_model){ .maxphyaddr = 36,
					    .features = MACHINE_HAS_PSE36 });
	stand_map(&s, VA, 2, UINT64_C(0x2c00000) | 1 << 16 | P | PS);
	stand_goes(&s, VA, MACHINE_READ, UINT64_C(0x802d23000));
	stand_map(&s, VA, 2, UINT64_C(0x2c00000) | 1 << 17 | P | PS);
	stand_faults(&s, VA, MACHINE_READ, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_RSVD);
	stand_close(&s);
}

static void clear_pse(struct machine_registers *r)
{
	r->cr4 &= ~CR4_PSE;
}

/* SDM table 4-5. */
static void test_no_pse(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &model);
	stand_map(&s, VA, 1, PAGE | P);
	stand_map(&s, VA, 2, stand_mapped(&s, VA, 2) | PS);
	stand_set(&s, clear_pse);
	stand_goes(&s, VA, MACHINE_READ, PAGE);
	stand_close(&s);
}

static void test_pae(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_PAE, &model);
	stand_map(&s, VA, 1, UINT64_C(0xff00001000) | P);
	machine_cpu_read_pdptes(&s.cpu);
	stand_goes(&s, VA + 4, MACHINE_READ, UINT64_C(0xff00001004));
	stand_map(&s, VA, 2, UINT64_C(0x2c00000) | P | PS);
	stand_goes(&s, VA, MACHINE_READ, 0x2d23000);
	stand_map(&s, VA, 2, UINT64_C(0x2c00000) | 1 << 13 | P | PS);
	stand_faults(&s, VA, MACHINE_READ, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_RSVD);
	stand_close(&s);
}

/* SDM 4.4.1: translation uses the registers, not the table in memory. */
static void test_pdptes_are_registers(void **state)
{
	struct stand s;
	struct machine_event event;

	(void)state;
	stand_open(&s, STAND_PAE, &model);
	stand_map(&s, VA, 1, PAGE | P);
	stand_faults(&s, VA, MACHINE_READ, MACHINE_PF, 0);
	assert_true(machine_write_cr3(&s.cpu, s.root, &event));
	stand_goes(&s, VA, MACHINE_READ, PAGE);
	stand_map(&s, VA, 3, 0);
	stand_goes(&s, VA + 1, MACHINE_READ, PAGE + 1);
	stand_close(&s);
}

/* SDM 4.4.1: #GP(0) where one that is present is malformed, and none is loaded. */
static void test_pdptes_are_checked(void **state)
{
	static const uint64_t bad[] = {
		1 << 1, 1 << 2, 1 << 5, 1 << 8, UINT64_C(1) << 40, UINT64_C(1) << 52, XD
	};
	struct machine_event event;
	struct stand s;

	(void)state;
	stand_open(&s, STAND_PAE, &model);
	stand_map(&s, VA, 1, PAGE | P);
	machine_cpu_read_pdptes(&s.cpu);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		stand_map(&s, VA + (UINT64_C(1) << 30), 3, bad[i] | P);
		assert_false(machine_write_cr3(&s.cpu, s.root, &event));
		assert_int_equal(event.vector, MACHINE_GP);
		assert_int_equal(event.error, 0);
		stand_goes(&s, VA, MACHINE_READ, PAGE);
		stand_map(&s, VA + (UINT64_C(1) << 30), 3, bad[i]);
		assert_true(machine_write_cr3(&s.cpu, s.root, &event));
	}
	stand_close(&s);
}

static void test_4level(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_4LEVEL, &model);
	stand_map(&s, LONG_VA, 1, PAGE | P);
	stand_goes(&s, LONG_VA + 0xfff, MACHINE_READ, PAGE + 0xfff);
	stand_map(&s, LONG_VA, 2, UINT64_C(0x2c00000) | P | PS);
	stand_goes(&s, LONG_VA, MACHINE_READ, 0x2d23000);
	stand_map(&s, LONG_VA, 3, UINT64_C(0x40000000) | P | PS);
	stand_goes(&s, LONG_VA, MACHINE_READ, 0x40d23000);
	stand_map(&s, LONG_VA, 4, UINT64_C(0x40000000) | P | PS);
	stand_faults(&s, LONG_VA, MACHINE_READ, MACHINE_PF,
		     MACHINE_PF_P | MACHINE_PF_RSVD);
	stand_close(&s);
}

/*
 * APM vol. 2, 7.10: the C bit is neither reserved nor part of an address, but in CR3 too.
 */
static void test_c_bit(void **state)
{
	const uint64_t c_bit = UINT64_C(1) << 47;
	const struct machine_model sme = { .features = MACHINE_HAS_ALL,
					   .maxphyaddr = 40,
					   .c_bit = c_bit };
	struct machine_event event;
	struct stand s;
	uint64_t leaf;

	(void)state;
	stand_open(&s, STAND_4LEVEL, &sme);
	stand_map(&s, LONG_VA, 1, PAGE | P | c_bit);
	leaf = stand_entry(&s, LONG_VA, 1);
	for (unsigned level = 2; level <= 4; level++)
		stand_map(&s, LONG_VA, level, stand_mapped(&s, LONG_VA, level) | c_bit);
	stand_goes(&s, LONG_VA + 8, MACHINE_READ, PAGE + 8);
	assert_true(machine_write_cr3(&s.cpu, s.root | c_bit, &event));
	stand_goes(&s, LONG_VA + 9, MACHINE_READ, PAGE + 9);
	assert_false(machine_write_cr3(&s.cpu, s.root | c_bit >> 1, &event));
	stand_put(&s, leaf, 8, PAGE | P | c_bit >> 1);
	machine_tlb_flush(&s.cpu);
	stand_faults(&s, LONG_VA, MACHINE_READ, MACHINE_PF,
		     MACHINE_PF_P | MACHINE_PF_RSVD);
	stand_close(&s);
}

/* SDM 4.5: without 1 GiB pages PS of a PDPTE is reserved. */
static void test_no_gigabyte(void **state)
{
	struct machine_model narrow = model;
	struct stand s;

	(void)state;
	narrow.features &= ~(uint32_t)MACHINE_HAS_GIGABYTE;
	stand_open(&s, STAND_4LEVEL, &narrow);
	stand_map(&s, LONG_VA, 3, UINT64_C(0x40000000) | P | PS);
	stand_faults(&s, LONG_VA, MACHINE_READ, MACHINE_PF,
		     MACHINE_PF_P | MACHINE_PF_RSVD);
	stand_close(&s);
}

/* SDM vol. 1, 3.3.7.1, and SDM 6.15: #GP, or #SS for the stack. */
static void test_canonical(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_4LEVEL, &model);
	stand_faults(&s, UINT64_C(0x0000800000000000), MACHINE_READ, MACHINE_GP, 0);
	stand_faults(&s, UINT64_C(0xffff7fffffffffff), MACHINE_READ, MACHINE_GP, 0);
	stand_faults(&s, UINT64_C(0x8000000000000000), MACHINE_WRITE | MACHINE_STACK,
		     MACHINE_SS, 0);
	stand_faults(&s, UINT64_C(0x00007fffffffffff), MACHINE_READ, MACHINE_PF, 0);
	stand_close(&s);
	stand_open(&s, STAND_5LEVEL, &model);
	stand_faults(&s, UINT64_C(0x0000800000000000), MACHINE_READ, MACHINE_PF, 0);
	stand_faults(&s, UINT64_C(0x0100000000000000), MACHINE_READ, MACHINE_GP, 0);
	stand_map(&s, UINT64_C(0xff12345678901000), 1, PAGE | P);
	stand_goes(&s, UINT64_C(0xff12345678901234), MACHINE_READ, PAGE + 0x234);
	stand_close(&s);
}

/* SDM 3.3: without IA-32e mode a linear address has 32 bits. */
static void test_wraps_at_4g(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &model);
	stand_goes(&s, UINT64_C(0x100001234), MACHINE_READ, 0x1234);
	stand_close(&s);
}

/* SDM 4.6.1, bit by bit: test_properties.c does it whole. */
static void test_user_and_supervisor(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_4LEVEL, &model);
	stand_map(&s, LONG_VA, 1, PAGE | P);
	stand_faults(&s, LONG_VA, USER_READ, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_U);
	stand_goes(&s, LONG_VA, MACHINE_WRITE, PAGE);
	stand_control(&s, CR0_WP, 0, 0);
	stand_faults(&s, LONG_VA, MACHINE_WRITE, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_W);
	stand_map(&s, LONG_VA, 1, PAGE | P | US);
	stand_goes(&s, LONG_VA, USER_READ, PAGE);
	stand_faults(&s, LONG_VA, USER_WRITE, MACHINE_PF,
		     MACHINE_PF_P | MACHINE_PF_W | MACHINE_PF_U);
	stand_map(&s, LONG_VA, 4, stand_mapped(&s, LONG_VA, 4) & ~US);
	stand_control(&s, 0, 0, 0);
	stand_faults(&s, LONG_VA, USER_READ, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_U);
	stand_close(&s);
}

/* SDM 4.6, 4.7: XD and the I/D flag of the error code. */
static void test_no_execute(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_4LEVEL, &model);
	stand_faults(&s, LONG_VA, MACHINE_FETCH, MACHINE_PF, 0);
	stand_map(&s, LONG_VA, 1, PAGE | P | XD);
	stand_faults(&s, LONG_VA, MACHINE_READ, MACHINE_PF,
		     MACHINE_PF_P | MACHINE_PF_RSVD);
	stand_control(&s, 0, 0, EFER_NXE);
	stand_goes(&s, LONG_VA, MACHINE_READ, PAGE);
	stand_faults(&s, LONG_VA, MACHINE_FETCH, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_I);
	stand_faults(&s, LONG_VA + 0x1000, USER_FETCH, MACHINE_PF,
		     MACHINE_PF_U | MACHINE_PF_I);
	stand_close(&s);
}

static void set_ac(struct machine_registers *r)
{
	r->flags |= FLAGS_AC;
}

/* SDM 4.6.1: SMEP, SMAP, EFLAGS.AC, implicit accesses. */
static void test_smep_and_smap(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &model);
	stand_map(&s, VA, 1, PAGE | P | US | RW);
	stand_goes(&s, VA, MACHINE_FETCH, PAGE);
	stand_control(&s, 0, CR4_SMEP | CR4_SMAP, 0);
	stand_faults(&s, VA, MACHINE_FETCH, MACHINE_PF, MACHINE_PF_P | MACHINE_PF_I);
	stand_goes(&s, VA, USER_FETCH, PAGE);
	stand_faults(&s, VA, MACHINE_READ, MACHINE_PF, MACHINE_PF_P);
	stand_set(&s, set_ac);
	stand_goes(&s, VA, MACHINE_WRITE, PAGE);
	stand_faults(&s, VA, MACHINE_READ | MACHINE_IMPLICIT, MACHINE_PF, MACHINE_PF_P);
	stand_close(&s);
}

/* SDM 4.8: what an access that goes through leaves behind. */
static void test_accessed_and_dirty(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_PAE, &model);
	stand_map(&s, VA, 1, PAGE | P | RW);
	machine_cpu_read_pdptes(&s.cpu);
	stand_goes(&s, VA, MACHINE_READ, PAGE);
	assert_int_equal(stand_mapped(&s, VA, 1), PAGE | P | RW | A);
	assert_int_equal(stand_mapped(&s, VA, 2) & (A | D), A);
	assert_int_equal(stand_mapped(&s, VA, 3) & (A | D), 0);
	stand_goes(&s, VA, MACHINE_WRITE, PAGE);
	assert_int_equal(stand_mapped(&s, VA, 1), PAGE | P | RW | A | D);
	stand_map(&s, VA, 2, UINT64_C(0x2c00000) | P | RW | PS);
	stand_goes(&s, VA, MACHINE_WRITE, 0x2d23000);
	assert_int_equal(stand_mapped(&s, VA, 2) & (A | D), A | D);
	stand_close(&s);
}

/* SDM 4.8: entries used on the way are accessed; a refused page is not. */
static void test_accessed_on_a_fault(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_4LEVEL, &model);
	stand_map(&s, LONG_VA, 1, PAGE | P);
	stand_faults(&s, LONG_VA, USER_WRITE, MACHINE_PF,
		     MACHINE_PF_P | MACHINE_PF_W | MACHINE_PF_U);
	assert_int_equal(stand_mapped(&s, LONG_VA, 1) & (A | D), 0);
	for (unsigned l = 2; l <= 4; l++)
		assert_int_equal(stand_mapped(&s, LONG_VA, l) & (A | D), A);
	stand_close(&s);
}

/*
 * Loads and stores over a page boundary: all of it is translated before any is written.
 */
static void test_crossing(void **state)
{
	struct machine_event event;
	struct stand s;
	uint64_t value;

	(void)state;
	stand_open(&s, STAND_32BIT, &model);
	stand_map(&s, VA, 1, PAGE | P | RW);
	assert_false(
		machine_store(&s.cpu, VA + 0xffe, 4, MACHINE_WRITE, 0x12345678, &event));
	assert_int_equal(event.address, VA + 0x1000);
	assert_int_equal(stand_get(&s, PAGE + 0xffe, 2), 0);
	stand_map(&s, VA + 0x1000, 1, (PAGE + 0x5000) | P | RW);
	assert_true(
		machine_store(&s.cpu, VA + 0xffe, 4, MACHINE_WRITE, 0x12345678, &event));
	assert_int_equal(stand_get(&s, PAGE + 0xffe, 2), 0x5678);
	assert_int_equal(stand_get(&s, PAGE + 0x5000, 2), 0x1234);
	assert_true(machine_load(&s.cpu, VA + 0xffe, 4, MACHINE_READ, &value, &event));
	assert_int_equal(value, 0x12345678);
	stand_close(&s);
}

/* Tables outside memory read as zeroes: nothing is present. */
static void test_tables_outside_memory(void **state)
{
	struct stand s;

	(void)state;
	stand_open(&s, STAND_32BIT, &model);
	stand_map(&s, VA, 2, UINT64_C(0xf0000000) | P | RW);
	stand_faults(&s, VA, MACHINE_READ, MACHINE_PF, 0);
	stand_map(&s, VA, 2, UINT64_C(0xf0000000) | P | PS | RW);
	stand_goes(&s, VA, MACHINE_WRITE, 0xf0123000);
	stand_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "32-bit paging: 4 KiB and 4 MiB (SDM 4.3)", test_32bit },
		{ "PSE-36, and what is reserved without it (SDM table 4-4)", test_pse36 },
		{ "PSE-36 up to MAXPHYADDR (SDM table 4-4)", test_pse36_narrow },
		{ "PS is ignored without CR4.PSE (SDM table 4-5)", test_no_pse },
		{ "PAE paging: 4 KiB and 2 MiB (SDM 4.4)", test_pae },
		{ "PDPTEs are registers (SDM 4.4.1)", test_pdptes_are_registers },
		{ "a CR3 write checks PDPTEs (SDM 4.4.1)", test_pdptes_are_checked },
		{ "4-level paging: 4 KiB, 2 MiB, 1 GiB (SDM 4.5)", test_4level },
		{ "the C bit of encrypted memory (APM vol. 2, 7.10)", test_c_bit },
		{ "PS of a PDPTE without 1 GiB pages (SDM 4.5)", test_no_gigabyte },
		{ "canonical addresses of 48 and 57 bits (SDM vol. 1 3.3.7.1)",
		  test_canonical },
		{ "linear addresses wrap at 4 GiB (SDM 3.3)", test_wraps_at_4g },
		{ "U/S, R/W and CR0.WP (SDM 4.6.1)", test_user_and_supervisor },
		{ "XD and the I/D flag (SDM 4.6, 4.7)", test_no_execute },
		{ "SMEP, SMAP and AC (SDM 4.6.1)", test_smep_and_smap },
		{ "accessed and dirty flags (SDM 4.8)", test_accessed_and_dirty },
		{ "accessed flags where the access is refused (SDM 4.8)",
		  test_accessed_on_a_fault },
		{ "an access over a page boundary is whole or not at all",
		  test_crossing },
		{ "tables outside memory", test_tables_outside_memory },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
