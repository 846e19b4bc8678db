/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whom a finding concerns, with ARM's long descriptors, where the directory of the direct
 * map is no process's own: who has the same entry has the finding, and nobody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/arch.h"
#include "arm/regime.h"
#include "made_kernel.h"
#include "util/bits.h"

#define DIRECT UINT64_C(0xc0000000)
/* Mapped by a block, by a table, and in a process's own directory. */
#define BLOCK_VA (DIRECT + 0x600000)
#define PAGE_VA (DIRECT + 0x1000)
#define MODULE_VA UINT64_C(0xbf000000)

#define L1_OF(va) ((va) >> 30)
#define BLOCK_ENTRY (MADE_RAM + 0x600000 + 0x741) /* AP[1]: user mode may read */

static struct made_kernel kernel;
static uint32_t sharer, stranger;

static uint32_t word_at(uint64_t pa)
{
	return ws_le32(kernel.memory + (pa - MADE_RAM));
}

/* The reference's directory of the direct map, with a block and a table in it. */
static void create(void)
{
	uint64_t reference, root;

	made_create(&kernel, "arm-lpae", 4, DIRECT);
	reference = kernel.system.layout.reference;
	made_map(&kernel, reference, PAGE_VA, MADE_RAM + 0x1000, MADE_DATA);
	made_map(&kernel, reference, MODULE_VA, MADE_RAM + 0x2000, MADE_DATA);
	made_put32(&kernel,
		   (word_at(reference + 8 * L1_OF(DIRECT)) & 0xfffff000) +
			   8 * (BLOCK_VA >> 21 & 511),
		   (uint32_t)BLOCK_ENTRY);
	root = made_root(&kernel);
	sharer = made_space(&kernel, WS_SPACE_PROCESS, root);
	made_put32(&kernel, root + 8 * L1_OF(DIRECT),
		   word_at(reference + 8 * L1_OF(DIRECT)));
	root = made_root(&kernel);
	stranger = made_space(&kernel, WS_SPACE_PROCESS, root);
	made_map(&kernel, root, PAGE_VA, MADE_RAM + 0x1000, MADE_DATA);
	made_run(&kernel, &ws_jumps);
}

static struct ws_finding *find(uint32_t space, uint64_t va)
{
	struct ws_finding *finding;

	for (size_t i = 0; i < ws_protection.nrules; i++)
		if (!strcmp(ws_protection.rules[i].id, "protection-user")) {
			finding = ws_found(kernel.audit, &ws_protection.rules[i], space,
					   va, va + 0xfff, "found");
			assert_non_null(finding);
			ws_finding_share(kernel.audit, finding);
			return finding;
		}
	fail();
	return NULL;
}

static bool is_shared_with(uint32_t space)
{
	return ws_finding_shared_with(kernel.audit, space) != NULL;
}

static void what_lies_in_a_shared_directory_is_everybodys(void **state)
{
	static const uint64_t places[] = { BLOCK_VA, PAGE_VA };

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		create();
		assert_string_equal(find(0, places[i])->text,
				    "found; 1 other space has the same table");
		assert_true(is_shared_with(sharer));
		assert_false(is_shared_with(stranger));
		made_destroy(&kernel);
	}
}

static void what_a_space_has_alone_is_its_own(void **state)
{
	(void)state;
	create();
	assert_string_equal(find(stranger, PAGE_VA)->text, "found");
	assert_string_equal(find(0, MODULE_VA)->text, "found");
	assert_false(is_shared_with(sharer));
	assert_false(is_shared_with(0));
	made_destroy(&kernel);
}

/* Where TTBR0 is disabled, nobody goes by another root than init_mm's. */
static void what_goes_by_the_kernels_root_is_everybodys(void **state)
{
	(void)state;
	create();
	assert_true(ws_regime_of_named(&kernel.system,
				       arm_regime_named(kernel.system.format, "kernel"),
				       &kernel.system.regime));
	assert_string_equal(find(0, BLOCK_VA)->text,
			    "found; 2 other spaces have the same table");
	assert_true(is_shared_with(sharer));
	assert_true(is_shared_with(stranger));
	made_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lies_in_a_shared_directory_is_everybodys),
		cmocka_unit_test(what_a_space_has_alone_is_its_own),
		cmocka_unit_test(what_goes_by_the_kernels_root_is_everybodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
