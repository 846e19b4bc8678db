/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fault path of RISC-V and AArch64, on memory made for it: each rule finds what one
 * process lacks, and nothing beside; what no machine ran with is a warning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "audit/trap.h"
#include "made_kernel.h"

#define PAGE 0x1000u
enum place {
	VECTORS,
	HANDLERS,
	TABLE,
	FLAGS,
	BAD_STACK,
	PER_CPU,
	OVERFLOW,
	USERS,
	PLACES
};
#define PLACE(place) (MADE_RAM + (place)*PAGE)
#define SV39 UINT64_C(0xffffffd600000000)
#define OFFSET UINT64_C(0x100)

static struct made_kernel kernel;
static uint32_t process;
static uint64_t root;

static uint64_t va_of(enum place place)
{
	return PLACE(place) + kernel.system.layout.direct_delta;
}

static enum made_rights rights_of(enum place place)
{
	switch (place) {
	case VECTORS:
	case HANDLERS:
	case BAD_STACK:
	case USERS:
		return MADE_CODE;
	case TABLE:
		return MADE_CONSTANT;
	default:
		return MADE_DATA;
	}
}

static void map_all(uint64_t to)
{
	for (unsigned i = 0; i < PLACES; i++)
		made_map(&kernel, to, va_of(i), PLACE(i), rights_of(i));
}

static void add_cpu(void)
{
	struct ws_cpu *cpu = ws_vec_push(&kernel.target.cpus);

	assert_non_null(cpu);
	*cpu = (struct ws_cpu){ .arch = ws_arch_of(kernel.system.format), .word = 8 };
}

static struct ws_cpu *first_cpu(void)
{
	return &kernel.target.cpus.v[0];
}

/* Symbols that end code and data lie right behind what they end. */
static void add_symbols(const char *vectors, const char *handler)
{
	made_symbol(&kernel, vectors, va_of(VECTORS), 'T');
	made_symbol(&kernel, "behind_vectors", va_of(VECTORS) + 0x800, 'T');
	made_symbol(&kernel, handler, va_of(HANDLERS), 'T');
	made_symbol(&kernel, "behind_handler", va_of(HANDLERS) + 0x100, 'T');
	made_symbol(&kernel, "handle_bad_stack", va_of(BAD_STACK), 'T');
	made_symbol(&kernel, "behind_bad_stack", va_of(BAD_STACK) + 0x10, 'T');
	made_symbol(&kernel, "overflow_stack", va_of(OVERFLOW) - OFFSET, 'd');
	made_symbol(&kernel, "__per_cpu_offset", va_of(PER_CPU), 'D');
	made_put_word(&kernel, PLACE(PER_CPU), OFFSET);
}

static void create_riscv(void)
{
	made_create(&kernel, "riscv-sv39", 8, SV39);
	root = made_root(&kernel);
	process = made_space(&kernel, WS_SPACE_PROCESS, root);
	map_all(kernel.system.layout.reference);
	map_all(root);
	add_symbols("handle_exception", "do_page_fault");
	made_symbol(&kernel, "excp_vect_table", va_of(TABLE), 'R');
	made_symbol(&kernel, "excp_vect_table_end", va_of(TABLE) + 0x80, 'R');
	made_symbol(&kernel, "new_vmalloc", va_of(FLAGS), 'D');
	add_cpu();
}

/* All processes have one root there: what differs is what init_mm has. */
static void create_arm64(void)
{
	made_create(&kernel, "arm64-4k-48", 8, UINT64_C(0xffff000000000000));
	root = kernel.system.layout.reference;
	map_all(root);
	add_symbols("vectors", "do_mem_abort");
	made_symbol(&kernel, "this_cpu_vector", va_of(PER_CPU) + 8 - OFFSET, 'd');
	made_put_word(&kernel, PLACE(PER_CPU) + 8, va_of(USERS) + 0x800);
	add_cpu();
}

static void run(void)
{
	assert_int_equal(ws_find_regime(&kernel.system), WS_OK);
	made_run(&kernel, &ws_trap_family);
}

static void nothing_is_found_where_nothing_is_wrong(void **state)
{
	(void)state;
	create_riscv();
	run();
	assert_int_equal(made_findings(&kernel), 0);
	assert_false(made_lacks(&kernel, "overflow_stack"));
	made_destroy(&kernel);
	create_arm64();
	run();
	assert_int_equal(made_findings(&kernel), 0);
	made_destroy(&kernel);
}

static void each_page_is_found_by_its_rule(void **state)
{
	static const struct {
		enum place place;
		enum made_rights rights;
		const char *rule;
	} rows[] = {
		{ VECTORS, MADE_NOTHING, "faultpath-vectors" },
		{ VECTORS, MADE_CONSTANT, "faultpath-vectors" },
		{ HANDLERS, MADE_NOTHING, "faultpath-trap-reach" },
		{ HANDLERS, MADE_DATA, "faultpath-trap-reach" },
		{ TABLE, MADE_NOTHING, "faultpath-trap-reach" },
		{ FLAGS, MADE_CONSTANT, "faultpath-trap-reach" },
		{ BAD_STACK, MADE_NOTHING, "faultpath-overflow-stack" },
		{ OVERFLOW, MADE_NOTHING, "faultpath-overflow-stack" },
		{ OVERFLOW, MADE_CONSTANT, "faultpath-overflow-stack" },
		{ PER_CPU, MADE_NOTHING, NULL }, /* no row names it */
		{ TABLE, MADE_CODE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		create_riscv();
		made_map(&kernel, root, va_of(rows[i].place), PLACE(rows[i].place),
			 rows[i].rights);
		run();
		assert_int_equal(made_findings(&kernel), rows[i].rule != NULL);
		if (rows[i].rule)
			assert_int_equal(made_count(&kernel, rows[i].rule, process), 1);
		made_destroy(&kernel);
	}
}

static void a_register_is_believed_before_a_symbol(void **state)
{
	(void)state;
	create_riscv();
	/* stvec's lowest bits are its mode */
	assert_true(ws_cpu_set_register(first_cpu(), "stvec", va_of(USERS) | 1));
	run();
	assert_int_equal(made_findings(&kernel), 0);
	assert_false(made_notes(&kernel, "keeps no processor's stvec"));
	made_map(&kernel, root, va_of(USERS), PLACE(USERS), MADE_NOTHING);
	run();
	assert_int_equal(made_count(&kernel, "faultpath-vectors", process), 1);
	assert_true(made_finds(&kernel, "(stvec)"));
	made_map(&kernel, root, va_of(USERS), PLACE(USERS), MADE_CODE);
	made_map(&kernel, root, va_of(VECTORS), PLACE(VECTORS), MADE_NOTHING);
	run();
	assert_int_equal(made_findings(&kernel), 0);
	made_destroy(&kernel);
}

static void without_register_and_symbol_it_is_unknown(void **state)
{
	(void)state;
	made_create(&kernel, "riscv-sv39", 8, SV39);
	add_cpu();
	run();
	assert_true(made_lacks(&kernel, "where faults lead: neither stvec"));
	made_destroy(&kernel);
}

static void where_processors_have_their_own_may_be_unknown(void **state)
{
	(void)state;
	create_riscv();
	made_leave_out(&kernel, PLACE(PER_CPU));
	run();
	assert_int_equal(made_findings(&kernel), 0);
	assert_true(made_lacks(&kernel, "overflow_stack among it"));
	made_destroy(&kernel);
}

static void faults_of_user_mode_may_lead_elsewhere(void **state)
{
	(void)state;
	create_arm64();
	made_map(&kernel, root, va_of(USERS), PLACE(USERS), MADE_CONSTANT);
	run();
	assert_int_equal(made_count(&kernel, "faultpath-vectors", WS_NO_SPACE), 1);
	assert_true(made_finds(&kernel, "faults from user mode lead to"));
	/* an address of user memory is none of the kernel's vectors */
	made_put_word(&kernel, PLACE(PER_CPU) + 8, 0x1000);
	run();
	assert_int_equal(made_findings(&kernel), 0);
	made_destroy(&kernel);
}

static void what_not_even_init_mm_maps_no_machine_ran_with(void **state)
{
	(void)state;
	create_arm64();
	made_map(&kernel, root, va_of(VECTORS), PLACE(VECTORS), MADE_NOTHING);
	run();
	assert_int_equal(made_findings(&kernel), 1);
	assert_true(made_finds(&kernel, "is not mapped even in init_mm"));
	assert_true(made_notes(&kernel, "cannot have run like this"));
	assert_int_equal(kernel.audit->findings.v[0].severity, WS_WARNING);
	made_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_found_where_nothing_is_wrong),
		cmocka_unit_test(each_page_is_found_by_its_rule),
		cmocka_unit_test(a_register_is_believed_before_a_symbol),
		cmocka_unit_test(without_register_and_symbol_it_is_unknown),
		cmocka_unit_test(where_processors_have_their_own_may_be_unknown),
		cmocka_unit_test(faults_of_user_mode_may_lead_elsewhere),
		cmocka_unit_test(what_not_even_init_mm_maps_no_machine_ran_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
