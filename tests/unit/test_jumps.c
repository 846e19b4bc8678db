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
	{ "__pabt_svc", BOOT + 0x240 },
	{ "last", BOOT + 0x280 },
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

#define IRQ (DATA + PAGE)
#define READS_TTBCR 0xee123f50  /* mrc p15, 0, r3, c2, c0, 2 */
#define WRITES_TTBCR 0xee023f50 /* mcr p15, 0, r3, c2, c0, 2 */
#define NOP 0xe320f000
#define PUSH 0xe92d4010   /* push {r4, lr} */
#define SUB_SP 0xe24dd050 /* sub sp, sp, #80 */
#define STORE 0xe98d1ffe  /* stmib sp, {r1 - r12} */
#define RETURN 0xe8ddffff /* ldm sp, {r0 - pc}^ */
#define SUBEQ_SP 0x024dd050
#define ADDS_HI 0x80900000 /* addshi r0, r0, r0 */

/* A function of size bytes that begins so, and whose rest does nothing. */
static void put_code(uint64_t pa, unsigned size, const uint32_t *first, unsigned n)
{
	for (unsigned i = 0; i < size / 4; i++)
		made_put32(&kernel, pa + 4 * i, i < n ? first[i] : NOP);
}

static void put_entry_of_svc(uint64_t pa, unsigned size, bool writes)
{
	const uint32_t code[] = { SUB_SP, STORE, writes ? READS_TTBCR : NOP,
				  writes ? WRITES_TTBCR : NOP, RETURN };

	put_code(pa, size, code, 5);
}

static void put_caller(uint64_t pa, unsigned size, bool writes)
{
	const uint32_t code[] = { PUSH, writes ? READS_TTBCR : NOP,
				  writes ? WRITES_TTBCR : NOP };

	put_code(pa, size, code, 3);
}

/* All of its code is whole; pan: CONFIG_CPU_TTBR0_PAN; irq: where __irq_svc is. */
static void create_lpae_with(bool pan, uint64_t irq, unsigned size)
{
	create_arm("arm-lpae", true);
	made_map(&kernel, kernel.system.layout.reference, direct(IRQ), IRQ, MADE_CODE);
	made_symbol(&kernel, "__irq_svc", direct(irq), 'T');
	made_symbol(&kernel, "end", direct(irq) + size, 'T');
	put_entry_of_svc(BOOT + 0x200, 0x40, pan);
	put_entry_of_svc(BOOT + 0x240, 0x40, pan);
	put_entry_of_svc(irq, size, pan);
	put_caller(BOOT, 0x100, false);
	put_caller(BOOT + 0x100, 0x100, false);
	put_caller(REST + 0x20, 0x10, false);
	/* init_mm has a table for user addresses there, with nothing in it */
	made_map(&kernel, kernel.system.layout.reference, CODE, CODE, MADE_NOTHING);
}

static void create_lpae(bool pan)
{
	create_lpae_with(pan, IRQ, 0x40);
}

static void lpae_is_hidden_but_where_user_access_is_on(void **state)
{
	(void)state;
	create_lpae(true);
	assert_int_equal(run(), 2);
	assert_true(made_finds(&kernel, "maps that, and is not what translates it"));
	assert_true(made_notes(&kernel, "bringing up a processor survives"));
	put_caller(BOOT + 0x100, 0x100, true);
	assert_int_equal(run(), 1);
	assert_true(made_finds(&kernel, "resuming a processor dies"));
	put_caller(REST + 0x20, 0x10, true);
	assert_int_equal(run(), 0);
	made_destroy(&kernel);
}

static void lpae_without_pan_survives(void **state)
{
	(void)state;
	create_lpae(false);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "resuming a processor survive, as far as"));
	made_destroy(&kernel);
}

/*
 * One word of code, or many; how many jumps die then, and what is said of the regime of
 * others; NULL: it is known.
 */
static void check_poke(bool pan, uint64_t pa, unsigned n, uint32_t word, unsigned die,
		       const char *why)
{
	create_lpae(pan);
	for (unsigned i = 0; i < n; i++)
		made_put32(&kernel, pa + 4 * i, word);
	assert_int_equal(run(), die);
	assert_int_equal(made_notes(&kernel, "is not known"), why != NULL);
	if (why)
		assert_true(made_notes(&kernel, why));
	made_destroy(&kernel);
}

/* That no function writes TTBCR is believed of ARM code that is whole. */
static void lpae_is_unknown_by_damaged_exceptions(void **state)
{
	static const struct {
		unsigned at, n;
		uint32_t word;
		bool is_whole;
	} rows[] = {
		{ 0, 16, 0, false },
		{ 0, 16, 0xffffffff, false },
		{ 0, 16, 0xf3efb094, false }, /* Thumb-2: sub sp, #80; mrs */
		{ 0x3c, 1, 0, false },        /* its last word */
		{ 0x3c, 1, 0xffffffff, false },
		{ 0x3c, 1, 0xf2000000, false }, /* NEON */
		{ 0x3c, 1, 0xf10c0080, true },  /* cpsid i */
		{ 0x3c, 1, ADDS_HI, true },
		{ 0, 1, SUBEQ_SP, false },
		{ 0, 1, SUB_SP + 0x3c, true },
		{ 4, 1, NOP, false },
		{ 4, 1, STORE ^ 1u << 24, true }, /* stmia, before 5.18 */
		{ 16, 1, NOP, false },            /* no return */
	};
	static const struct named entries[] = {
		{ "the code of __dabt_svc is damaged, or not ARM", BOOT + 0x200 },
		{ "the code of __pabt_svc is damaged, or not ARM", BOOT + 0x240 },
		{ "the code of __irq_svc is damaged, or not ARM", IRQ },
	};

	(void)state;
	for (size_t i = 0; i < 2 * 3 * WS_ARRAY_SIZE(rows); i++) {
		const struct named *entry = &entries[i / 2 % 3];
		bool pan = i % 2, whole = rows[i / 6].is_whole;

		check_poke(pan, entry->pa + rows[i / 6].at, rows[i / 6].n,
			   rows[i / 6].word, whole && pan ? 2 : 0,
			   whole ? NULL : entry->name);
	}
}

static void lpae_is_unknown_by_contradictions(void **state)
{
	static const char one_half[] = "has one half of what saves and restores TTBCR";

	(void)state;
	check_poke(true, BOOT + 0x20c, 1, NOP, 0, one_half);
	check_poke(true, BOOT + 0x208, 1, NOP, 0, one_half);
	check_poke(false, BOOT + 0x208, 1, READS_TTBCR, 0, one_half);
	create_lpae(true);
	put_entry_of_svc(BOOT + 0x240, 0x40, false);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "of __dabt_svc and __pabt_svc one writes TTBCR"));
	put_entry_of_svc(BOOT + 0x240, 0x40, true);
	put_entry_of_svc(IRQ, 0x40, false);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "of __dabt_svc and __irq_svc one writes TTBCR"));
	made_destroy(&kernel);
}

/* On the way: whole, half of it conditional, one more; not one that calls another. */
static void lpae_is_unknown_by_damage_on_the_way(void **state)
{
	static const char damaged[] = "the code of setup_mm_for_reboot is damaged";
	const uint64_t pa = BOOT;

	(void)state;
	check_poke(true, pa + 0xfc, 1, 0, 1, damaged);
	check_poke(true, pa + 0xfc, 1, 0xffffffff, 1, damaged);
	check_poke(true, pa + 0x80, 32, ADDS_HI, 2, NULL);
	check_poke(true, pa + 0x7c, 33, ADDS_HI, 1, damaged);
	check_poke(true, pa, 1, 0xe92d0010, 1, damaged); /* push {r4} */
	check_poke(true, pa, 1, 0xe52de004, 2, NULL);    /* push {lr} */
	check_poke(true, pa + 4, 1, READS_TTBCR, 1, "has one half of what saves");
	/* without PAN nothing on the way is asked */
	check_poke(false, pa + 0xfc, 1, 0, 0, NULL);
}

/* As many instructions as are read, and one more; of Thumb; none. */
static void lpae_is_unknown_by_a_function_without_end(void **state)
{
	(void)state;
	create_lpae_with(true, IRQ, 4 * 256);
	assert_int_equal(run(), 2);
	made_destroy(&kernel);
	create_lpae_with(true, IRQ, 4 * 257);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "the code of __irq_svc has no known end"));
	made_destroy(&kernel);
	/* bit 0 of its address: Thumb code */
	create_lpae_with(true, IRQ + 1, 0x40);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "the code of __irq_svc is not ARM code"));
	made_destroy(&kernel);
	create_lpae(true);
	made_leave_out(&kernel, IRQ);
	assert_int_equal(run(), 0);
	assert_true(made_notes(&kernel, "the code of __irq_svc is not in the target"));
	made_destroy(&kernel);
}

/* It is an option to look at processes by; a jump is the kernel's own. */
static void lpae_dies_whatever_regime_is_given(void **state)
{
	static const char *const given[] = { "kernel", "user-access", "split" };

	(void)state;
	create_lpae(true);
	for (int i = 0; i < 3; i++) {
		kernel.system.options.regime = given[i];
		assert_int_equal(run(), 2);
		assert_int_equal(made_notes(&kernel, "not by the regime that was given"),
				 i > 0);
	}
	kernel.system.options.regime = NULL;
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
		cmocka_unit_test(lpae_without_pan_survives),
		cmocka_unit_test(lpae_is_unknown_by_damaged_exceptions),
		cmocka_unit_test(lpae_is_unknown_by_contradictions),
		cmocka_unit_test(lpae_is_unknown_by_damage_on_the_way),
		cmocka_unit_test(lpae_is_unknown_by_a_function_without_end),
		cmocka_unit_test(lpae_dies_whatever_regime_is_given),
		cmocka_unit_test(arm64_survives),
		cmocka_unit_test(arm64_dies_without_its_identity),
		cmocka_unit_test(arm64_dies_where_it_cannot_go_on),
		cmocka_unit_test(riscv_survives),
		cmocka_unit_test(riscv_dies_without_its_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
