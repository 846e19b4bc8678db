/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which holes are filled: those at the level that is copied, and above it where the kernel
 * copies there too; never one that init_mm has as well, nor one below. And where that goes
 * by a count, only in spaces whose count is not init_mm's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- a count ------------------------------------------------------------------------- */

#define VMALLOC_VA UINT64_C(0xd0000000)
#define CODE UINT64_C(0x1000) /* from DIRECT: __check_vmalloc_seq() */
#define INIT_MM UINT64_C(0x3000)
#define MM UINT64_C(0x4000)
#define PGD 0x58
#define SEQ 0x250
#define NOW 5

/* 6.12's, as gcc 14 has made it, less what copies. */
static const uint32_t switch_code[] = {
	0xe92d41f0, /* push {r4-r8, lr} */
	0xe3034000, /* movw r4, #0x3000 */
	0xe34c4000, /* movt r4, #0xc000 */
	0xe1a06000, /* mov r6, r0 */
	0xe5945250, /* ldr r5, [r4, #0x250] */
	0xf57ff05b, /* dmb ish */
	0xe5960058, /* ldr r0, [r6, #0x58] */
	0xe5941058, /* ldr r1, [r4, #0x58] */
	0xeb000100, /* bl memcpy */
	0xf57ff05b, /* dmb ish */
	0xe5865250, /* str r5, [r6, #0x250] */
	0xe5943250, /* ldr r3, [r4, #0x250] */
	0xe1530005, /* cmp r3, r5 */
	0x1afffff5, /* bne */
	0xe8bd81f0, /* pop {r4-r8, pc} */
};
#define STORE 10 /* among them */

static void put(uint64_t offset, uint32_t value)
{
	made_put32(&kernel, MADE_RAM + offset, value);
}

/* A process that lacks what init_mm maps in vmalloc, with that count. */
static void create_counted(uint32_t count)
{
	uint64_t reference;

	made_create(&kernel, "arm", 4, DIRECT);
	reference = kernel.system.layout.reference;
	root = made_root(&kernel);
	process = made_space(&kernel, WS_SPACE_PROCESS, root);
	made_map(&kernel, reference, VMALLOC_VA, MADE_RAM, MADE_DATA);
	made_map(&kernel, reference, MODULE_VA, MADE_RAM, MADE_CODE);
	for (uint64_t at = 0; at < MADE_MEMORY; at += WS_FRAME_SIZE)
		made_map(&kernel, reference, DIRECT + at, MADE_RAM + at, MADE_DATA);
	kernel.system.init_root = reference;
	kernel.system.fields.mm_pgd = PGD;
	kernel.system.spaces.v[process].mm = DIRECT + MM;
	put(INIT_MM + PGD, (uint32_t)(reference - MADE_RAM + DIRECT));
	put(INIT_MM + SEQ, NOW);
	put(MM + SEQ, count);
	for (size_t i = 0; i < WS_ARRAY_SIZE(switch_code); i++)
		put(CODE + 4 * i, switch_code[i]);
	made_symbol(&kernel, "__check_vmalloc_seq", DIRECT + CODE, 'T');
	made_symbol(&kernel, "next", DIRECT + CODE + sizeof(switch_code), 'T');
	made_symbol(&kernel, "do_translation_fault", DIRECT + 0x2000, 't');
}

/* Who fills the hole at va, and what is said of counts; then all is gone. */
static void expect(uint64_t va, const char *function, const char *words)
{
	const struct ws_mender *mender;
	const struct ws_finding *finding;
	struct ws_menders menders;
	char said[256] = "";
	FILE *to = fmemopen(said, sizeof(said), "w");

	assert_non_null(to);
	made_run(&kernel, &ws_jumps);
	ws_menders_look(kernel.audit, &menders);
	finding = ws_found(kernel.audit, &ws_coherence.rules[0], process, va,
			   va + 2 * MIB - 1, "missing");
	assert_non_null(finding);
	mender = ws_mender_of(kernel.audit, &menders, finding);
	assert_non_null(mender);
	assert_string_equal(mender->mending->function, function);
	assert_int_equal(mender->does, WS_MENDS);
	ws_menders_print_counts(to, kernel.audit, &menders, finding);
	fclose(to);
	if (words)
		assert_non_null(strstr(said, words));
	else
		assert_string_equal(said, "");
	made_destroy(&kernel);
}

static void a_count_that_is_behind_is_due(void **state)
{
	(void)state;
	create_counted(NOW - 1);
	expect(VMALLOC_VA, "__check_vmalloc_seq",
	       "is due there: its vmalloc_seq is not init_mm's, 5");
	create_counted(NOW + 1); /* it is asked whether they are the same */
	expect(VMALLOC_VA, "__check_vmalloc_seq", "is due there");
}

static void a_count_that_is_the_same_is_not(void **state)
{
	(void)state;
	create_counted(NOW);
	expect(VMALLOC_VA, "do_translation_fault",
	       "switch of address spaces does not: by its vmalloc_seq, 5 as init_mm's");
}

static void modules_are_not_counted(void **state)
{
	(void)state;
	create_counted(NOW - 1);
	expect(MODULE_VA, "do_translation_fault", NULL);
}

/* Then the fault is what is known. */
static void a_count_may_not_be_known(void **state)
{
	static const char nowhere[] = "not known: where its count is was not found";

	(void)state;
	create_counted(NOW - 1);
	put(CODE + 4 * STORE, 0xe5865254); /* another place */
	expect(VMALLOC_VA, "do_translation_fault", nowhere);
	create_counted(NOW - 1);
	put(CODE + 4 * STORE, 0); /* no code */
	expect(VMALLOC_VA, "do_translation_fault", nowhere);
	create_counted(NOW - 1);
	put(INIT_MM + PGD, (uint32_t)DIRECT); /* not init_mm */
	expect(VMALLOC_VA, "do_translation_fault", nowhere);
	create_counted(NOW - 1);
	made_leave_out(&kernel, MADE_RAM + MM);
	expect(VMALLOC_VA, "do_translation_fault", "the target lacks its count");
	create_counted(NOW - 1);
	kernel.system.spaces.v[process].mm = 0;
	expect(VMALLOC_VA, "do_translation_fault", "the target lacks its count");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hole_is_filled_where_entries_are_copied),
		cmocka_unit_test(arm_copies_first_level_entries_by_a_fault),
		cmocka_unit_test(a_count_that_is_behind_is_due),
		cmocka_unit_test(a_count_that_is_the_same_is_not),
		cmocka_unit_test(modules_are_not_counted),
		cmocka_unit_test(a_count_may_not_be_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
