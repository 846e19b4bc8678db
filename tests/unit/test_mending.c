/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which holes are filled: those at the level that is copied, and above it where the kernel
 * copies there too; never one that init_mm has as well, nor one below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arch/arch.h"
#include "audit/mending.h"
#include "made_kernel.h"

#define DIRECT UINT64_C(0xc0000000)
#define MODULE_VA UINT64_C(0xbf000000)
#define MIB (UINT64_C(1) << 20)

static struct made_kernel kernel;
static uint64_t root;
static uint32_t process;

/* init_mm maps a page of modules; the process something else behind the same L1 entry. */
static void create(uint64_t also)
{
	made_create(&kernel, "arm-lpae", 4, DIRECT);
	root = made_root(&kernel);
	process = made_space(&kernel, WS_SPACE_PROCESS, root);
	made_map(&kernel, kernel.system.layout.reference, MODULE_VA, MADE_RAM, MADE_CODE);
	if (also)
		made_map(&kernel, root, also, MADE_RAM, MADE_DATA);
	made_run(&kernel, &ws_jumps);
}

static const struct ws_mender *mender_at(uint64_t va, const struct ws_menders *menders)
{
	const struct ws_finding *finding =
		ws_found(kernel.audit, &ws_coherence.rules[0], process, va,
			 va + 2 * MIB - 1, "missing");

	assert_non_null(finding);
	return ws_mender_of(kernel.audit, menders, finding);
}

static void a_hole_is_filled_where_entries_are_copied(void **state)
{
	static const struct {
		uint64_t also; /* what the process maps */
		bool above, is_filled;
	} rows[] = {
		{ 0, false, false }, /* no L1 entry */
		{ 0, true, true },
		{ MODULE_VA + 2 * MIB, false, true }, /* no L2 entry */
		{ MODULE_VA + 2 * MIB, true, true },
		{ MODULE_VA + 0x1000, false, false }, /* no L3 entry */
		{ MODULE_VA + 0x1000, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct ws_mending mending = { .function = "mend",
						    .copies_above = rows[i].above };
		const struct ws_menders menders = {
			.v = { { &mending, WS_MENDS, DIRECT } }, .n = 1, .nfunctions = 1
		};

		create(rows[i].also);
		assert_int_equal(mender_at(MODULE_VA, &menders) != NULL,
				 rows[i].is_filled);
		/* init_mm has nothing there either */
		assert_null(mender_at(MODULE_VA - 64 * MIB, &menders));
		made_destroy(&kernel);
	}
}

static void arm_copies_first_level_entries_by_a_fault(void **state)
{
	const struct ws_mender *mender;
	struct ws_menders menders;

	(void)state;
	create(0);
	made_symbol(&kernel, "__check_vmalloc_seq", DIRECT + 0x1000, 'T');
	made_symbol(&kernel, "do_translation_fault", DIRECT + 0x2000, 't');
	ws_menders_look(kernel.audit, &menders);
	mender = mender_at(MODULE_VA, &menders);
	assert_non_null(mender);
	assert_string_equal(mender->mending->function, "do_translation_fault");
	assert_int_equal(mender->does, WS_MENDS);
	made_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hole_is_filled_where_entries_are_copied),
		cmocka_unit_test(arm_copies_first_level_entries_by_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
