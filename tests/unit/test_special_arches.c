/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The page tables of AArch64, ARM and RISC-V that no task has (x86: test_special.c), on memory made for it: what
 * they are for is there and nothing else, or it is found, one page above and one below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "linux/special.h"
#include "made_kernel.h"

#define PAGE 0x1000u
#define CODE MADE_RAM
#define TRAMPOLINE (MADE_RAM + PAGE) /* two pages */
#define PER_CPU (MADE_RAM + 3u * PAGE)
#define FLAG (MADE_RAM + 4u * PAGE)
#define OTHER (MADE_RAM + 5u * PAGE)
#define TRAMP_VALIAS UINT64_C(0xffffffffff5f5000)
#define OFFSET UINT64_C(0x100)

static struct made_kernel kernel;
static uint64_t idmap, tramp, reserved;

static uint64_t direct(uint64_t pa)
{
	return pa + kernel.system.layout.direct_delta;
}

static void run(void)
{
	ws_vec_release(&kernel.system.specials);
	kernel.system.specials_done = false;
	assert_int_equal(ws_find_regime(&kernel.system), WS_OK);
	made_run(&kernel, &ws_specials);
}

static void leave(void)
{
	ws_vec_release(&kernel.system.specials);
	made_destroy(&kernel);
}

static void expect(const char *rule, const char *words)
{
	run();
	assert_int_equal(made_findings(&kernel), 1);
	assert_int_equal(made_count(&kernel, rule, WS_NO_SPACE), 1);
	assert_true(made_finds(&kernel, words));
}

static void expect_nothing(void)
{
	run();
	assert_int_equal(made_findings(&kernel), 0);
}

/* ---- AArch64 --------------------------------------------------------------------------- */

enum has { DATA_SYMBOLS = 1, KPTI = 2 };

static void name_data(void)
{
	static const struct {
		const char *name;
		uint64_t below; /* pages below swapper_pg_dir */
	} roots[] = { { "idmap_pg_dir", 3 },
		      { "tramp_pg_dir", 2 },
		      { "reserved_pg_dir", 1 },
		      { "swapper_pg_dir", 0 } };
	uint64_t swapper = kernel.system.layout.reference;

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		uint64_t pa = swapper - roots[i].below * PAGE;

		made_map(&kernel, swapper, direct(pa), pa, MADE_CONSTANT);
		made_symbol(&kernel, roots[i].name, direct(pa), 'D');
	}
	made_symbol(&kernel, "__idmap_kpti_flag", direct(FLAG), 'd');
	made_symbol(&kernel, "this_cpu_vector", direct(PER_CPU) + 8 - OFFSET, 'd');
	made_symbol(&kernel, "__per_cpu_offset", direct(PER_CPU), 'D');
}

static void create_arm64(unsigned has)
{
	uint64_t swapper;

	made_create(&kernel, "arm64-4k-48", 8, UINT64_C(0xffff000000000000));
	swapper = kernel.system.layout.reference;
	idmap = swapper - 3 * PAGE;
	tramp = swapper - 2 * PAGE;
	reserved = swapper - PAGE;
	for (uint64_t pa = MADE_RAM; pa <= OTHER; pa += PAGE)
		made_map(&kernel, swapper, direct(pa), pa,
			 pa == PER_CPU || pa == FLAG ? MADE_DATA : MADE_CODE);
	made_symbol(&kernel, "__idmap_text_start", direct(CODE), 'T');
	made_symbol(&kernel, "cpu_soft_restart", direct(CODE) + 0x20, 'T');
	made_symbol(&kernel, "__idmap_text_end", direct(CODE) + 0x80, 'T');
	made_symbol(&kernel, "__entry_tramp_text_start", direct(TRAMPOLINE), 'T');
	made_symbol(&kernel, "__entry_tramp_text_end", direct(TRAMPOLINE) + 2 * PAGE,
		    'T');
	made_map(&kernel, idmap, CODE, CODE, MADE_CODE);
	if (has & DATA_SYMBOLS)
		name_data();
	made_put_word(&kernel, PER_CPU, OFFSET);
	made_put_word(&kernel, PER_CPU + 8,
		      has & KPTI ? TRAMP_VALIAS + 0x1800 : direct(CODE) + 0x400);
	for (unsigned i = 0; i < 2 && has & KPTI; i++) {
		made_map(&kernel, swapper, TRAMP_VALIAS + i * PAGE, TRAMPOLINE + i * PAGE,
			 MADE_CODE);
		made_map(&kernel, tramp, TRAMP_VALIAS + i * PAGE, TRAMPOLINE + i * PAGE,
			 MADE_CODE);
	}
}

static void arm64_has_nothing_to_find(void **state)
{
	(void)state;
	for (unsigned has = 0; has < 4; has++) {
		create_arm64(has);
		expect_nothing();
		assert_int_equal(kernel.system.specials.n,
				 has == (DATA_SYMBOLS | KPTI) ? 3 : 2);
		leave();
	}
}

static void idmap_maps_its_code_and_a_flag(void **state)
{
	(void)state;
	create_arm64(DATA_SYMBOLS);
	made_map(&kernel, idmap, FLAG, FLAG, MADE_DATA);
	expect_nothing();
	made_map(&kernel, idmap, OTHER, OTHER, MADE_DATA);
	expect("special-leak", "idmap_pg_dir");
	leave();
	/* whose place nothing says in a kernel without symbols of data */
	create_arm64(0);
	made_map(&kernel, idmap, FLAG, FLAG, MADE_DATA);
	expect_nothing();
	assert_true(made_notes(&kernel, "where KPTI's flag lies was not found"));
	leave();
}

static void idmap_without_a_symbol_is_known_by_its_code(void **state)
{
	(void)state;
	create_arm64(0);
	made_map(&kernel, idmap, CODE, OTHER, MADE_CODE);
	expect_nothing();
	assert_int_equal(kernel.system.specials.n, 0);
	leave();
}

static void tramp_maps_its_text_and_nothing_else(void **state)
{
	(void)state;
	create_arm64(DATA_SYMBOLS | KPTI);
	made_map(&kernel, tramp, TRAMP_VALIAS + PAGE, 0, MADE_NOTHING);
	expect("special-hole", "no exception that user mode takes gets into the kernel");
	made_map(&kernel, tramp, TRAMP_VALIAS + PAGE, OTHER, MADE_CODE);
	expect("special-target", "tramp_pg_dir");
	made_map(&kernel, tramp, TRAMP_VALIAS + PAGE, TRAMPOLINE + PAGE, MADE_CONSTANT);
	expect("special-rights", "tramp_pg_dir");
	made_map(&kernel, tramp, TRAMP_VALIAS + PAGE, TRAMPOLINE + PAGE, MADE_CODE);
	expect_nothing();
	made_map(&kernel, tramp, TRAMP_VALIAS + 2 * PAGE, OTHER, MADE_CONSTANT);
	expect("special-leak", "Meltdown");
	made_map(&kernel, tramp, TRAMP_VALIAS + 2 * PAGE, 0, MADE_NOTHING);
	made_map(&kernel, tramp, TRAMP_VALIAS - PAGE, OTHER, MADE_CONSTANT);
	expect("special-leak", "Meltdown");
	leave();
}

static void tramp_is_nobodys_without_kpti(void **state)
{
	(void)state;
	create_arm64(DATA_SYMBOLS);
	made_map(&kernel, tramp, TRAMP_VALIAS, OTHER, MADE_CODE);
	expect_nothing();
	leave();
	create_arm64(DATA_SYMBOLS | KPTI);
	made_leave_out(&kernel, PER_CPU);
	expect_nothing();
	assert_true(made_notes(&kernel, "whether tramp_pg_dir maps all that it is for"));
	leave();
}

static void reserved_maps_nothing(void **state)
{
	(void)state;
	for (unsigned has = 0; has < 2; has++) {
		create_arm64(has);
		made_map(&kernel, reserved, 0x8000, OTHER, MADE_DATA);
		expect("special-leak", "reserved_pg_dir");
		made_map(&kernel, reserved, 0x8000, 0, MADE_NOTHING);
		expect_nothing();
		leave();
	}
}

/* ---- ARM -------------------------------------------------------------------------------- */

static uint64_t create_arm(void)
{
	uint64_t root, swapper;

	made_create(&kernel, "arm", 4, 0xc0000000);
	root = made_root(&kernel);
	swapper = kernel.system.layout.reference;
	made_symbol(&kernel, "idmap_pgd", direct(PER_CPU), 'b');
	made_symbol(&kernel, "__idmap_text_start", direct(CODE), 'T');
	made_symbol(&kernel, "__idmap_text_end", direct(CODE) + 0x80, 'T');
	made_put_word(&kernel, PER_CPU, direct(root));
	for (uint64_t pa = MADE_RAM; pa <= OTHER; pa += PAGE) {
		made_map(&kernel, swapper, direct(pa), pa, MADE_CODE);
		made_map(&kernel, root, direct(pa), pa, MADE_CODE);
	}
	made_map(&kernel, swapper, direct(PER_CPU), PER_CPU, MADE_DATA);
	made_map(&kernel, root, direct(PER_CPU), PER_CPU, MADE_DATA);
	made_map(&kernel, root, CODE, CODE, MADE_CODE);
	return root;
}

static void arm_idmap_has_the_image_and_its_sections(void **state)
{
	uint64_t root = create_arm();

	(void)state;
	expect_nothing();
	/* a pair of sections, to its end and no further */
	made_map(&kernel, root, CODE + (2u << 20) - PAGE, OTHER, MADE_CODE);
	expect_nothing();
	made_map(&kernel, root, CODE + (2u << 20), OTHER, MADE_CODE);
	expect("special-leak", "idmap_pgd");
	made_map(&kernel, root, CODE + (2u << 20), 0, MADE_NOTHING);
	made_map(&kernel, root, direct(OTHER), 0, MADE_NOTHING);
	expect("special-hole", "faults where no fault can be handled yet");
	made_map(&kernel, root, direct(OTHER), CODE, MADE_CODE);
	expect("special-target", "idmap_pgd");
	leave();
}

/* ---- RISC-V ----------------------------------------------------------------------------- */

#define SV39 UINT64_C(0xffffffd600000000)

static uint64_t create_riscv(void)
{
	uint64_t root, swapper;

	made_create(&kernel, "riscv-sv39", 8, SV39);
	root = made_root(&kernel);
	swapper = kernel.system.layout.reference;
	for (uint64_t pa = MADE_RAM; pa <= OTHER; pa += PAGE)
		made_map(&kernel, swapper, direct(pa), pa, MADE_CODE);
	made_map(&kernel, swapper, direct(root), root, MADE_DATA);
	return root;
}

static void riscv_trampoline_has_the_beginning_of_the_image(void **state)
{
	uint64_t root = create_riscv();

	(void)state;
	made_symbol(&kernel, "trampoline_pg_dir", direct(root), 'b');
	made_symbol(&kernel, "_start", direct(CODE), 'T');
	made_map(&kernel, root, direct(CODE), CODE, MADE_CODE);
	expect_nothing();
	made_map(&kernel, root, direct(CODE) + PAGE, OTHER, MADE_CODE);
	expect("special-leak", "trampoline_pg_dir");
	leave();
}

static void riscv_efi_mm_has_what_init_mm_has(void **state)
{
	uint64_t root = create_riscv();

	(void)state;
	made_symbol(&kernel, "efi_mm", direct(PER_CPU), 'D');
	kernel.system.fields.mm_pgd = 8;
	made_put_word(&kernel, PER_CPU + 8, 0);
	expect_nothing(); /* there is no EFI */
	assert_int_equal(kernel.system.specials.n, 0);
	made_put_word(&kernel, PER_CPU + 8, direct(root));
	for (uint64_t pa = MADE_RAM; pa <= OTHER; pa += PAGE)
		made_map(&kernel, root, direct(pa), pa, MADE_CODE);
	made_map(&kernel, root, direct(root), root, MADE_DATA);
	expect_nothing();
	assert_int_equal(kernel.system.specials.n, 1);
	made_map(&kernel, root, direct(OTHER), 0, MADE_NOTHING);
	expect("special-hole", "efi_mm");
	leave();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arm64_has_nothing_to_find),
		cmocka_unit_test(idmap_maps_its_code_and_a_flag),
		cmocka_unit_test(idmap_without_a_symbol_is_known_by_its_code),
		cmocka_unit_test(tramp_maps_its_text_and_nothing_else),
		cmocka_unit_test(tramp_is_nobodys_without_kpti),
		cmocka_unit_test(reserved_maps_nothing),
		cmocka_unit_test(arm_idmap_has_the_image_and_its_sections),
		cmocka_unit_test(riscv_trampoline_has_the_beginning_of_the_image),
		cmocka_unit_test(riscv_efi_mm_has_what_init_mm_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
