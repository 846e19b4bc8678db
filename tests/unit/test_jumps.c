/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The jumps of ARM, AArch64 and RISC-V, on memory made for it: each survives with its
 * tables whole, dies with one thing wrong, and is unknown where nothing shows it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "made_kernel.h"

#define PAGE 0x1000u
#define CODE MADE_RAM               /* the code that the identity map is for */
#define REST (MADE_RAM + PAGE)      /* what it goes on with */
#define BOOT (MADE_RAM + 2u * PAGE) /* setup_mm_for_reboot(), __dabt_svc */
#define DATA (MADE_RAM + 3u * PAGE)

static struct made_kernel kernel;

struct named {
	const char *name;
	uint64_t pa;
};

static uint64_t direct(uint64_t pa)
{
	return pa + kernel.system.layout.direct_delta;
}

/* A kernel whose first pages all roots have, with those symbols. */
static void create(const char *format, unsigned word, uint64_t va,
		   const struct named *symbols)
{
	uint64_t root;

	made_create(&kernel, format, word, va);
	root = kernel.system.layout.reference;
	for (; symbols->name; symbols++)
		made_symbol(&kernel, symbols->name, direct(symbols->pa), 'T');
	made_map(&kernel, root, direct(CODE), CODE, MADE_CODE);
	made_map(&kernel, root, direct(REST), REST, MADE_CODE);
	made_map(&kernel, root, direct(BOOT), BOOT, MADE_CODE);
	made_map(&kernel, root, direct(DATA), DATA, MADE_DATA);
}

static unsigned run(void)
{
	assert_int_equal(ws_find_regime(&kernel.system), WS_OK);
	made_run(&kernel, &ws_jumps);
	assert_int_equal(made_findings(&kernel),
			 made_count(&kernel, "jump-dies", WS_NO_SPACE));
	return made_findings(&kernel);
}

/* ---- ARM ----------------------------------------------------------------------------- */

static const struct named of_arm[] = {
	{ "__idmap_text_start", CODE },
	{ "__turn_mmu_on", CODE },
	{ "__turn_mmu_on_end", CODE + 0x20 },
	{ "cpu_resume_mmu", CODE + 0x20 },
	{ "cpu_v7_reset", CODE + 0x44 },
	{ "__idmap_text_end", CODE + 0x80 },
	{ "secondary_startup", REST },
	{ "__secondary_switched", REST + 0x10 },
	{ "cpu_suspend", REST + 0x20 },
	{ "cpu_resume_after_mmu", REST + 0x30 },
	{ "machine_kexec", REST + 0x40 },
	{ "setup_mm_for_reboot", BOOT },
	{ "__soft_restart", BOOT + 0x100 },
	{ "__dabt_svc", BOOT + 0x200 },
	{ "last", BOOT + 0x300 },
	{ NULL, 0 },
};

#define IDMAP_PGD (DATA + 0x158)

/* The identity map's root; named: a symbol leads to it. */
static uint64_t create_arm(const char *format, bool named)
{
	uint64_t root;

	create(format, 4, 0xc0000000, of_arm);
	root = made_root(&kernel);
	made_put_word(&kernel, IDMAP_PGD, direct(root));
	if (named)
		made_symbol(&kernel, "idmap_pgd", direct(IDMAP_PGD), 'b');
	made_map(&kernel, root, direct(CODE), CODE, MADE_CODE);
	made_map(&kernel, root, direct(REST), REST, MADE_CODE);
	made_map(&kernel, root, direct(BOOT), BOOT, MADE_CODE);
	made_map(&kernel, root, CODE, CODE, MADE_CODE);
	return root;
}

static void arm_survives(void **state)
{
	(void)state;
	create_arm("arm", true);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "resuming a processor survive, as far as"));
	made_destroy(&kernel);
}

static void arm_dies_without_its_identity(void **state)
{
	static const struct {
		uint64_t pa;
		enum made_rights rights;
		const char *words;
	} rows[] = {
		{ CODE, MADE_NOTHING, "does not map that code there" },
		{ REST, MADE_CODE, "does not map that code there" },
		{ CODE, MADE_CONSTANT, "does not let that code be executed there" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t root = create_arm("arm", true);

		/* another entry of the table: it was not overwritten as a whole */
		made_map(&kernel, root, CODE + 8 * PAGE, CODE, MADE_CODE);
		made_map(&kernel, root, CODE, rows[i].pa, rows[i].rights);
		assert_int_equal(run(), 3);
		assert_true(made_finds(&kernel, rows[i].words));
		made_destroy(&kernel);
	}
}

static void arm_an_erased_table_is_unknown(void **state)
{
	uint64_t root = create_arm("arm", true);

	(void)state;
	made_map(&kernel, root, CODE, CODE, MADE_NOTHING);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "may have been overwritten"));
	made_destroy(&kernel);
}

/* Of its four frames the one with the entry has another one, and the first has none. */
static void arm_dies_by_a_first_level_entry(void **state)
{
	uint64_t root = create_arm("arm", true);

	(void)state;
	made_put32(&kernel, root + 0x1000, 0);
	made_put32(&kernel, root + 0x1004, 0x40500402);
	assert_int_equal(run(), 3);
	made_put32(&kernel, root + 0x1004, 0);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "may have been overwritten"));
	made_destroy(&kernel);
}

static void arm_an_absent_table_is_unknown(void **state)
{
	uint64_t root = create_arm("arm", true);

	(void)state;
	made_leave_out(&kernel, root + 0x1000);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "is not in the target"));
	made_destroy(&kernel);
}

static void arm_dies_where_it_cannot_go_on(void **state)
{
	uint64_t root = create_arm("arm", true);

	(void)state;
	made_map(&kernel, root, direct(REST), REST, MADE_NOTHING);
	assert_int_equal(run(), 2);
	assert_true(made_finds(&kernel, "bringing up a processor dies at 0xc0001010"));
	assert_true(made_notes(&kernel, "crash kernel) survives"));
	made_destroy(&kernel);
}

static void arm_a_kernel_without_a_jump_has_none(void **state)
{
	static const struct named none[] = { { "last", CODE }, { NULL, 0 } };

	(void)state;
	create("arm", 4, 0xc0000000, none);
	assert_int_equal(run(), 0);
	assert_false(made_notes(&kernel, "survive"));
	made_destroy(&kernel);
}

/* movw r2, #3000; movt r2, #0xc000; ldr r0, [r2, #0x158] */
static void put_load(uint32_t offset)
{
	made_put32(&kernel, BOOT + 0x0, 0xe3032000);
	made_put32(&kernel, BOOT + 0x4, 0xe34c2000);
	made_put32(&kernel, BOOT + 0x8, 0xe5920000 | offset);
}

static void arm_finds_the_root_in_code(void **state)
{
	(void)state;
	create_arm("arm", false);
	put_load(0x158);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "resuming a processor survive, as far as"));
	put_load(0x15c);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "no page table was found"));
	made_destroy(&kernel);
}

static void arm_finds_the_root_by_its_likeness(void **state)
{
	uint64_t root = create_arm("arm", false);

	(void)state;
	made_space(&kernel, WS_SPACE_LONE, root);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "resuming a processor survive, as far as"));
	made_map(&kernel, root, CODE, REST, MADE_CODE);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "no page table was found"));
	made_destroy(&kernel);
}

/* mcr p15, 0, r3, c2, c0, 2 */
#define WRITES_TTBCR 0xee023f50

static void lpae_is_hidden_but_where_user_access_is_on(void **state)
{
	(void)state;
	create_arm("arm-lpae", true);
	made_put32(&kernel, BOOT + 0x200, WRITES_TTBCR);
	/* init_mm has a table for user addresses there, with nothing in it */
	made_map(&kernel, kernel.system.layout.reference, CODE, CODE, MADE_NOTHING);
	assert_int_equal(run(), 2);
	assert_true(made_finds(&kernel, "maps that, and is not what translates it"));
	assert_true(made_notes(&kernel, "bringing up a processor survives"));
	made_put32(&kernel, BOOT + 0x100, WRITES_TTBCR);
	assert_int_equal(run(), 1);
	assert_true(made_finds(&kernel, "resuming a processor dies"));
	made_put32(&kernel, REST + 0x20, WRITES_TTBCR);
	assert_int_equal(run(), 0);
	made_destroy(&kernel);
}

/* ---- AArch64 ------------------------------------------------------------------------- */

static const struct named of_arm64[] = {
	{ "__idmap_text_start", CODE },      { "cpu_resume", CODE },
	{ "cpu_soft_restart", CODE + 0x20 }, { "secondary_startup", CODE + 0x40 },
	{ "__enable_mmu", CODE + 0x60 },     { "__idmap_text_end", CODE + 0x80 },
	{ "machine_kexec", REST },           { "__secondary_switched", REST + 0x10 },
	{ "_cpu_resume", REST + 0x20 },      { NULL, 0 },
};

/*
 * idmap_pg_dir lies three pages below swapper_pg_dir, and is one of a format of its own;
 * named: a symbol says so.
 */
static uint64_t create_arm64(const char *format, const char *idmap_format, bool named)
{
	uint64_t start = strstr(format, "39") ? UINT64_C(0xffffff8000000000)
					      : UINT64_C(0xffff000000000000);
	uint64_t root;

	create(format, 8, start, of_arm64);
	root = kernel.system.layout.reference - 3 * PAGE;
	if (named) {
		made_map(&kernel, kernel.system.layout.reference, direct(root), root,
			 MADE_CONSTANT);
		made_symbol(&kernel, "idmap_pg_dir", direct(root), 'D');
	}
	kernel.system.format = ws_format_by_name(idmap_format);
	made_map(&kernel, root, CODE, CODE, MADE_CODE);
	kernel.system.format = ws_format_by_name(format);
	return root;
}

static void arm64_survives(void **state)
{
	static const char *const formats[][2] = {
		{ "arm64-4k-48", "arm64-4k-48" },
		{ "arm64-4k-39", "arm64-4k-39" },
		{ "arm64-4k-39", "arm64-4k-48" },
		{ "arm64-4k-52", "arm64-4k-48" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(formats) / sizeof(*formats); i++) {
		create_arm64(formats[i / 2][0], formats[i / 2][1], i % 2);
		assert_int_equal(run(), 0);
		assert_true(
			made_notes(&kernel, "resuming a processor survive, as far as"));
		assert_true(made_notes(&kernel, "(kexec) survives is unknown"));
		made_destroy(&kernel);
	}
}

static void arm64_dies_without_its_identity(void **state)
{
	(void)state;
	for (int named = 0; named < 2; named++) {
		uint64_t root = create_arm64("arm64-4k-48", "arm64-4k-48", named);

		made_map(&kernel, root, CODE, REST, MADE_CODE);
		assert_int_equal(run(), named ? 3 : 0);
		assert_true(named || made_notes(&kernel, "maps no such code to itself"));
		made_map(&kernel, root, CODE, CODE, MADE_CONSTANT);
		assert_int_equal(run(), named ? 3 : 0);
		made_destroy(&kernel);
	}
}

static void arm64_dies_where_it_cannot_go_on(void **state)
{
	(void)state;
	create_arm64("arm64-4k-48", "arm64-4k-48", true);
	made_map(&kernel, kernel.system.layout.reference, direct(REST), REST,
		 MADE_CONSTANT);
	assert_int_equal(run(), 2);
	assert_true(made_finds(&kernel, "resuming a processor dies at"));
	made_destroy(&kernel);
}

/* ---- RISC-V -------------------------------------------------------------------------- */

static const struct named of_riscv[] = {
	{ "relocate_enable_mmu", CODE },
	{ "secondary_start_sbi", CODE + 0x60 },
	{ "smp_callin", REST },
	{ "__cpu_resume_enter", REST + 0x10 },
	{ NULL, 0 },
};

static uint64_t create_riscv(void)
{
	uint64_t root;

	create("riscv-sv39", 8, UINT64_C(0xffffffd600000000), of_riscv);
	root = made_root(&kernel);
	made_map(&kernel, kernel.system.layout.reference, direct(root), root, MADE_DATA);
	made_symbol(&kernel, "trampoline_pg_dir", direct(root), 'b');
	made_map(&kernel, root, direct(CODE), CODE, MADE_CODE);
	return root;
}

static void riscv_survives(void **state)
{
	(void)state;
	create_riscv();
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel,
			       "bringing up a processor and resuming a processor "
			       "survive, as far as page tables go: "
			       "relocate_enable_mmu at 0xffffffd600000000 is "
			       "mapped"));
	made_destroy(&kernel);
}

static void riscv_dies_without_its_code(void **state)
{
	uint64_t root = create_riscv();

	(void)state;
	made_map(&kernel, root, direct(CODE), REST, MADE_CODE);
	assert_int_equal(run(), 2);
	made_map(&kernel, root, direct(CODE), CODE, MADE_DATA);
	assert_int_equal(run(), 2);
	assert_true(made_finds(&kernel, "trampoline_pg_dir"));
	made_map(&kernel, root, direct(CODE), CODE, MADE_CODE);
	assert_int_equal(run(), 0);
	made_map(&kernel, kernel.system.layout.reference, direct(CODE), CODE, MADE_DATA);
	assert_int_equal(run(), 2);
	assert_true(made_finds(&kernel, "swapper_pg_dir"));
	made_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arm_survives),
		cmocka_unit_test(arm_dies_without_its_identity),
		cmocka_unit_test(arm_an_erased_table_is_unknown),
		cmocka_unit_test(arm_dies_by_a_first_level_entry),
		cmocka_unit_test(arm_an_absent_table_is_unknown),
		cmocka_unit_test(arm_dies_where_it_cannot_go_on),
		cmocka_unit_test(arm_a_kernel_without_a_jump_has_none),
		cmocka_unit_test(arm_finds_the_root_in_code),
		cmocka_unit_test(arm_finds_the_root_by_its_likeness),
		cmocka_unit_test(lpae_is_hidden_but_where_user_access_is_on),
		cmocka_unit_test(arm64_survives),
		cmocka_unit_test(arm64_dies_without_its_identity),
		cmocka_unit_test(arm64_dies_where_it_cannot_go_on),
		cmocka_unit_test(riscv_survives),
		cmocka_unit_test(riscv_dies_without_its_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
