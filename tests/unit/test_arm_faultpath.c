/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fault path of 32-bit ARM, on memory made for it: vectors and their stubs are followed
 * as far as they are code that Linux writes, the tables of abort handlers are found by the
 * names in them, and each rule finds what one process lacks, and nothing beside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arm/faultpath.h"
#include "arm/regime.h"
#include "audit/lack.h"
#include "made_kernel.h"

#define PAGE 0x1000u
#define VECTORS MADE_RAM
#define STUBS (MADE_RAM + PAGE)
/* The image, from here on: pages that each hold one thing. */
enum place {
	ENTRY_CODE,  /* handlers of aborts */
	SVC_CODE,    /* the handler of system calls */
	ABORT_CODE,  /* do_PrefetchAbort(), do_translation_fault() */
	TABLES,      /* fsr_info */
	NAMES,       /* and the names in it */
	MODE_STACKS, /* `stacks` */
	PER_CPU,     /* overflow_stack_ptr, __per_cpu_offset */
	OVERFLOW,    /* the overflow stack */
	PLACES,
};
#define PLACE(place) (MADE_RAM + (2u + (place)) * PAGE)
#define DIRECT UINT64_C(0xc0000000)
#define VA(pa) ((pa)-MADE_RAM + DIRECT)
#define MODULE_VA UINT64_C(0xbf000000)

static struct made_kernel kernel;
static uint32_t process;
static uint64_t root;

/* ---- code of a kernel ----------------------------------------------------------------- */

#define NOP 0xe1a00000
#define MOVS_PC_LR 0xe1b0f00e
#define HANDLERS 16

static uint32_t branch(uint64_t from, uint64_t to)
{
	return 0xea000000 | ((uint32_t)(to - from - 8) >> 2 & 0xffffff);
}

/* pa of the stub that a vector leads to; 0x80 bytes each. */
static uint64_t stub_of(unsigned vector)
{
	return STUBS + 0x80u * vector;
}

/* A vector that branches to a stub of so many instructions before its movs pc, lr. */
static void put_vector(unsigned vector, unsigned before, uint64_t user, uint64_t svc)
{
	uint64_t va = ARM_VECTORS + 4 * vector, stub = stub_of(vector);

	made_put32(&kernel, VECTORS + 4 * vector, branch(va, 0xffff1000 + stub - STUBS));
	for (unsigned i = 0; i < before; i++)
		made_put32(&kernel, stub + 4 * i, NOP);
	stub += 4 * before;
	made_put32(&kernel, stub, MOVS_PC_LR);
	for (unsigned i = 0; i < HANDLERS; i++)
		made_put32(&kernel, stub + 4 + 4 * i, 0);
	made_put32(&kernel, stub + 4, (uint32_t)user);
	made_put32(&kernel, stub + 4 + 4 * 3, (uint32_t)svc);
}

static void put_vectors(void)
{
	static const struct {
		unsigned vector;
		enum place place;
	} rows[] = {
		{ ARM_VECTOR_UNDEFINED, SVC_CODE },
		{ ARM_VECTOR_PREFETCH, ENTRY_CODE },
		{ ARM_VECTOR_DATA, ENTRY_CODE },
		{ ARM_VECTOR_IRQ, SVC_CODE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		put_vector(rows[i].vector, 3,
			   VA(PLACE(rows[i].place)) + 0x10 * rows[i].vector,
			   VA(PLACE(rows[i].place)) + 0x10 * rows[i].vector + 8);
	/* ldr pc, [pc, #0xff0]: a word in the page behind (entry-armv.S, vector_swi) */
	made_put32(&kernel, VECTORS + 4 * ARM_VECTOR_SVC, 0xe59fff00);
	made_put32(&kernel, VECTORS + 4 * ARM_VECTOR_SVC + 8 + 0xf00,
		   (uint32_t)VA(PLACE(SVC_CODE)) + 0x80);
}

/* One row of fsr_info. */
static void put_row(uint64_t pa, uint64_t handler, uint64_t name)
{
	made_put32(&kernel, pa, (uint32_t)handler);
	made_put32(&kernel, pa + 12, (uint32_t)VA(name));
}

static void put_names(void)
{
	static const char *const names[] = { "section translation fault",
					     "level 2 translation fault" };

	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k <= strlen(names[i]); k++)
			kernel.memory[PLACE(NAMES) + 0x40 * i + k - MADE_RAM] =
				(uint8_t)names[i][k];
	put_row(PLACE(TABLES), VA(PLACE(ABORT_CODE)) + 0x40, PLACE(NAMES));
}

static void map_all(uint64_t to)
{
	made_map(&kernel, to, ARM_VECTORS, VECTORS, MADE_CODE);
	made_map(&kernel, to, ARM_VECTORS + PAGE, STUBS, MADE_CODE);
	for (unsigned i = 0; i < PLACES; i++)
		made_map(&kernel, to, VA(PLACE(i)), PLACE(i),
			 i <= ABORT_CODE             ? MADE_CODE
			 : i == TABLES || i == NAMES ? MADE_CONSTANT
						     : MADE_DATA);
	/* both roots, where the direct map has them */
	for (unsigned i = 0; i < 4; i++) {
		made_map(&kernel, to, VA(root) + i * PAGE, root + i * PAGE, MADE_DATA);
		made_map(&kernel, to, VA(kernel.system.layout.reference) + i * PAGE,
			 kernel.system.layout.reference + i * PAGE, MADE_DATA);
	}
}

#define OFFSET 0x100

static void create_with(const char *format)
{
	made_create(&kernel, format, 4, DIRECT);
	root = made_root(&kernel);
	process = made_space(&kernel, WS_SPACE_PROCESS, root);
	map_all(kernel.system.layout.reference);
	map_all(root);
	put_vectors();
	put_names();
	made_symbol(&kernel, "do_PrefetchAbort", VA(PLACE(ABORT_CODE)), 'T');
	made_symbol(&kernel, "do_translation_fault", VA(PLACE(ABORT_CODE)) + 0x40, 'T');
	made_symbol(&kernel, "last", VA(PLACE(ABORT_CODE)) + 0x80, 'T');
}

static void create(void)
{
	create_with("arm");
}

/* The symbols of data that a file gives, and a processor. */
static void know_data(void)
{
	struct ws_cpu *cpu = ws_vec_push(&kernel.target.cpus);

	assert_non_null(cpu);
	*cpu = (struct ws_cpu){ .arch = ws_arch_of(kernel.system.format), .word = 4 };
	made_symbol(&kernel, "stacks", VA(PLACE(MODE_STACKS)), 'b');
	made_symbol(&kernel, "overflow_stack_ptr", VA(PLACE(PER_CPU)), 'd');
	made_symbol(&kernel, "__per_cpu_offset", VA(PLACE(PER_CPU)) + 0x800, 'D');
	made_put32(&kernel, PLACE(PER_CPU) + 0x800, OFFSET);
	made_put32(&kernel, PLACE(PER_CPU) + OFFSET,
		   (uint32_t)VA(PLACE(OVERFLOW)) + PAGE);
}

static void run(void)
{
	made_run(&kernel, &arm_faultpath);
}

/* ---- vectors --------------------------------------------------------------------------- */

static enum ws_evidence follow(unsigned vector, struct arm_stub *stub)
{
	memset(kernel.system.kernel_pages, 0,
	       WS_KERNEL_PAGES * sizeof(*kernel.system.kernel_pages));
	return arm_follow_vector(&kernel.system, ARM_VECTORS, vector, stub);
}

static void a_vector_leads_to_two_handlers(void **state)
{
	struct arm_stub stub;

	(void)state;
	create();
	assert_int_equal(follow(ARM_VECTOR_PREFETCH, &stub), WS_READ);
	assert_int_equal(stub.user, VA(PLACE(ENTRY_CODE)) + 0x30);
	assert_int_equal(stub.kernel, VA(PLACE(ENTRY_CODE)) + 0x38);
	assert_int_equal(stub.nparts, 2);
	assert_int_equal(stub.part[0].va, ARM_VECTORS + 12);
	assert_int_equal(stub.part[0].last, ARM_VECTORS + 15);
	assert_int_equal(stub.part[1].va, 0xffff1180);
	assert_int_equal(stub.part[1].last, 0xffff1180 + 4 * 4 + 4 * HANDLERS - 1);
	assert_int_equal(follow(ARM_VECTOR_SVC, &stub), WS_READ);
	assert_int_equal(stub.user, VA(PLACE(SVC_CODE)) + 0x80);
	assert_int_equal(stub.kernel, stub.user);
	made_destroy(&kernel);
}

static void code_that_no_linux_has_leads_nowhere(void **state)
{
	struct arm_stub stub;

	(void)state;
	create();
	/* sixty-four instructions, the branch among them, and one more */
	put_vector(ARM_VECTOR_DATA, 62, 1, 2);
	assert_int_equal(follow(ARM_VECTOR_DATA, &stub), WS_READ);
	put_vector(ARM_VECTOR_DATA, 63, 1, 2);
	assert_int_equal(follow(ARM_VECTOR_DATA, &stub), WS_NOT_MAPPED);
	put_vector(ARM_VECTOR_DATA, 3, 1, 2);
	made_put32(&kernel, stub_of(ARM_VECTOR_DATA) + 12, MOVS_PC_LR & ~0x00100000u);
	assert_int_equal(follow(ARM_VECTOR_DATA, &stub), WS_NOT_MAPPED);
	made_leave_out(&kernel, STUBS);
	assert_int_equal(follow(ARM_VECTOR_PREFETCH, &stub), WS_ABSENT);
	made_destroy(&kernel);
}

static void give(struct ws_cpu *cpu, const char *name, uint64_t value)
{
	assert_true(ws_cpu_set_register(cpu, name, value));
}

static void registers_say_where_vectors_are(void **state)
{
	struct ws_cpu *cpu;
	uint64_t va;

	(void)state;
	create();
	assert_null(arm_find_vectors(&kernel.system, &va));
	assert_int_equal(va, ARM_VECTORS);
	cpu = ws_vec_push(&kernel.target.cpus);
	assert_non_null(cpu);
	*cpu = (struct ws_cpu){ .arch = ws_arch_of(kernel.system.format), .word = 4 };
	give(cpu, "sctlr", 0x0001); /* M, and V is 0 */
	assert_non_null(arm_find_vectors(&kernel.system, &va));
	give(cpu, "vbar", 0x1000);
	assert_null(arm_find_vectors(&kernel.system, &va));
	assert_int_equal(va, 0x1000);
	give(cpu, "sctlr", 0x2001);
	assert_null(arm_find_vectors(&kernel.system, &va));
	assert_int_equal(va, ARM_VECTORS);
	give(cpu, "sctlr", 0x0000); /* it has paging off: it says nothing */
	assert_null(arm_find_vectors(&kernel.system, &va));
	assert_int_equal(va, ARM_VECTORS);
	made_destroy(&kernel);
}

static void vectors_that_init_mm_has_twice_are_low(void **state)
{
	uint64_t va;

	(void)state;
	create();
	made_map(&kernel, kernel.system.layout.reference, 0, STUBS, MADE_CODE);
	assert_null(arm_find_vectors(&kernel.system, &va));
	assert_int_equal(va, ARM_VECTORS);
	made_map(&kernel, kernel.system.layout.reference, 0, VECTORS, MADE_CODE);
	memset(kernel.system.kernel_pages, 0,
	       WS_KERNEL_PAGES * sizeof(*kernel.system.kernel_pages));
	assert_null(arm_find_vectors(&kernel.system, &va));
	assert_int_equal(va, 0);
	made_destroy(&kernel);
}

static void map_both(uint64_t va, uint64_t pa, enum made_rights rights)
{
	made_map(&kernel, kernel.system.layout.reference, va, pa, rights);
	made_map(&kernel, root, va, pa, rights);
}

static void vectors_that_nobody_maps_are_a_hole(void **state)
{
	static const uint64_t pages[] = { ARM_VECTORS, ARM_VECTORS + PAGE };

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		create();
		map_both(pages[i], 0, MADE_NOTHING);
		run();
		assert_true(made_count(&kernel, "faultpath-vectors-page", 0) > 0);
		assert_true(made_count(&kernel, "faultpath-vectors-page", process) > 0);
		assert_false(made_lacks(&kernel, "where the vector"));
		made_destroy(&kernel);
	}
	/* code that is none of Linux's is no hole */
	create();
	put_vector(ARM_VECTOR_DATA, 63, 1, 2);
	run();
	assert_int_equal(made_findings(&kernel), 0);
	assert_true(made_lacks(&kernel, "where the vector of data aborts leads"));
	made_destroy(&kernel);
}

/* A branch to the last word of the page of stubs, and to the one behind it. */
static void only_the_two_pages_of_vectors_must_be_there(void **state)
{
	uint64_t from = ARM_VECTORS + 4 * ARM_VECTOR_DATA;
	struct arm_stub stub;

	(void)state;
	create();
	map_both(ARM_VECTORS + PAGE, 0, MADE_NOTHING);
	made_put32(&kernel, VECTORS + 4 * ARM_VECTOR_DATA,
		   branch(from, ARM_VECTORS + 2 * PAGE - 4));
	assert_int_equal(follow(ARM_VECTOR_DATA, &stub), WS_NOT_MAPPED);
	assert_true(stub.hole);
	assert_int_equal(stub.part[1].va, ARM_VECTORS + 2 * PAGE - 4);
	made_put32(&kernel, VECTORS + 4 * ARM_VECTOR_DATA,
		   branch(from, ARM_VECTORS + 2 * PAGE));
	assert_int_equal(follow(ARM_VECTOR_DATA, &stub), WS_NOT_MAPPED);
	assert_false(stub.hole);
	assert_int_equal(follow(ARM_VECTOR_SVC, &stub), WS_READ);
	assert_false(stub.hole);
	made_destroy(&kernel);
}

static void a_hole_may_be_where_vectors_are_not(void **state)
{
	struct ws_cpu *cpu;

	(void)state;
	create();
	map_both(ARM_VECTORS, 0, MADE_NOTHING);
	map_both(0, VECTORS, MADE_CODE);
	run();
	assert_int_equal(made_count(&kernel, "faultpath-vectors-page", WS_NO_SPACE), 0);
	assert_true(made_lacks(&kernel, "SCTLR.V"));
	assert_non_null(ws_lacks_first(kernel.audit, process, false));
	/* that it has */
	cpu = ws_vec_push(&kernel.target.cpus);
	assert_non_null(cpu);
	*cpu = (struct ws_cpu){ .arch = ws_arch_of(kernel.system.format), .word = 4 };
	give(cpu, "sctlr", 0x2001);
	run();
	assert_true(made_count(&kernel, "faultpath-vectors-page", process) > 0);
	assert_false(made_lacks(&kernel, "SCTLR.V"));
	made_destroy(&kernel);
}

/* ---- tables of abort handlers ------------------------------------------------------------ */

static unsigned rows(struct arm_abort_row row[static ARM_ABORT_ROWS])
{
	unsigned n;

	memset(kernel.system.kernel_pages, 0,
	       WS_KERNEL_PAGES * sizeof(*kernel.system.kernel_pages));
	assert_int_equal(arm_find_abort_rows(&kernel.system, row, &n), WS_OK);
	return n;
}

static void rows_are_found_by_their_names(void **state)
{
	struct arm_abort_row row[ARM_ABORT_ROWS];

	(void)state;
	create();
	assert_int_equal(rows(row), 1);
	assert_int_equal(row[0].va, VA(PLACE(TABLES)));
	assert_int_equal(row[0].last, VA(PLACE(TABLES)) + 15);
	assert_int_equal(row[0].handler, VA(PLACE(ABORT_CODE)) + 0x40);
	put_row(PLACE(TABLES) + 0x50, VA(PLACE(ABORT_CODE)), PLACE(NAMES) + 0x40);
	assert_int_equal(rows(row), 2);
	/* a user's address is no handler; nor is an odd place a row's */
	put_row(PLACE(TABLES) + 0x50, 0x8000, PLACE(NAMES) + 0x40);
	assert_int_equal(rows(row), 1);
	put_row(PLACE(TABLES) + 0x50, 0, 0);
	put_row(PLACE(TABLES) + 0x92, VA(PLACE(ABORT_CODE)), PLACE(NAMES) + 0x40);
	assert_int_equal(rows(row), 1);
	/* a name that goes on is another one */
	put_row(PLACE(TABLES) + 0x92, 0, 0);
	kernel.memory[PLACE(NAMES) + strlen("section translation fault") - MADE_RAM] =
		's';
	assert_int_equal(rows(row), 0);
	made_destroy(&kernel);
}

/* ---- rules -------------------------------------------------------------------------------- */

static void nothing_is_found_where_nothing_is_wrong(void **state)
{
	(void)state;
	create();
	know_data();
	run();
	assert_int_equal(made_findings(&kernel), 0);
	made_destroy(&kernel);
}

static void each_page_that_is_missing_is_found_by_its_rule(void **state)
{
	static const struct {
		uint64_t va, pa;
		const char *rule;
	} rows[] = {
		{ ARM_VECTORS, VECTORS, "faultpath-vectors-page" },
		{ ARM_VECTORS + PAGE, STUBS, "faultpath-vectors-page" },
		{ VA(PLACE(ENTRY_CODE)), PLACE(ENTRY_CODE), "faultpath-abort-entry" },
		{ VA(PLACE(ABORT_CODE)), PLACE(ABORT_CODE), "faultpath-abort-reach" },
		{ VA(PLACE(TABLES)), PLACE(TABLES), "faultpath-abort-reach" },
		{ VA(PLACE(MODE_STACKS)), PLACE(MODE_STACKS), "faultpath-svc-stack" },
		{ VA(PLACE(SVC_CODE)), PLACE(SVC_CODE), "faultpath-vector-handler" },
		{ VA(PLACE(OVERFLOW)), PLACE(OVERFLOW), "faultpath-overflow-stack" },
		{ VA(PLACE(NAMES)), PLACE(NAMES), NULL }, /* nobody reads them */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		create();
		know_data();
		made_map(&kernel, root, rows[i].va, rows[i].pa, MADE_NOTHING);
		run();
		assert_int_equal(made_findings(&kernel) > 0, rows[i].rule != NULL);
		if (rows[i].rule)
			assert_int_equal(made_count(&kernel, rows[i].rule, process),
					 made_findings(&kernel));
		made_destroy(&kernel);
	}
}

static void each_right_is_asked_for(void **state)
{
	static const struct {
		enum place place;
		enum made_rights enough, not_enough;
		const char *rule;
	} rows[] = {
		{ ENTRY_CODE, MADE_CODE, MADE_CONSTANT, "faultpath-abort-entry" },
		{ ABORT_CODE, MADE_CODE, MADE_DATA, "faultpath-abort-reach" },
		{ TABLES, MADE_CONSTANT, MADE_NOTHING, "faultpath-abort-reach" },
		{ MODE_STACKS, MADE_DATA, MADE_CONSTANT, "faultpath-svc-stack" },
		{ OVERFLOW, MADE_DATA, MADE_CONSTANT, "faultpath-overflow-stack" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t pa = PLACE(rows[i].place);

		create();
		know_data();
		made_map(&kernel, root, VA(pa), pa, rows[i].not_enough);
		run();
		assert_true(made_count(&kernel, rows[i].rule, process) > 0);
		made_map(&kernel, root, VA(pa), pa, rows[i].enough);
		run();
		assert_int_equal(made_findings(&kernel), 0);
		made_destroy(&kernel);
	}
}

static void page_tables_are_read_and_written(void **state)
{
	(void)state;
	create();
	made_map(&kernel, root, VA(root), root, MADE_CONSTANT);
	run();
	assert_int_equal(made_count(&kernel, "faultpath-abort-reach", process), 1);
	assert_true(made_finds(&kernel, "its own page table"));
	made_map(&kernel, root, VA(root), root, MADE_DATA);
	made_map(&kernel, root, VA(kernel.system.layout.reference),
		 kernel.system.layout.reference, MADE_NOTHING);
	run();
	assert_int_equal(made_count(&kernel, "faultpath-abort-reach", process), 1);
	assert_true(made_finds(&kernel, "init_mm's page table"));
	made_destroy(&kernel);
}

static void a_handler_outside_the_image_is_foreign(void **state)
{
	(void)state;
	create();
	made_map(&kernel, root, MODULE_VA, PLACE(ENTRY_CODE), MADE_CODE);
	made_map(&kernel, kernel.system.layout.reference, MODULE_VA, PLACE(ENTRY_CODE),
		 MADE_CODE);
	put_vector(ARM_VECTOR_DATA, 3, MODULE_VA, VA(PLACE(ENTRY_CODE)));
	run();
	assert_int_equal(made_count(&kernel, "faultpath-foreign-abort", WS_NO_SPACE), 1);
	assert_int_equal(made_findings(&kernel), 1);
	put_vector(ARM_VECTOR_DATA, 3, kernel.system.layout.image_last,
		   VA(PLACE(ENTRY_CODE)));
	run();
	assert_int_equal(made_count(&kernel, "faultpath-foreign-abort", WS_NO_SPACE), 0);
	made_destroy(&kernel);
}

static void what_no_symbol_says_is_lacking_by_name(void **state)
{
	(void)state;
	create();
	made_map(&kernel, root, VA(PLACE(PER_CPU)), PLACE(PER_CPU), MADE_NOTHING);
	run();
	assert_false(made_lacks(&kernel, "the stack of abort mode"));
	/* a whole entry of the first-level table: a MiB */
	made_map(&kernel, kernel.system.layout.reference, DIRECT + (2u << 20),
		 MADE_RAM + (2u << 20), MADE_DATA);
	run();
	assert_true(made_lacks(&kernel, "where the stack of abort mode, tasks"));
	know_data();
	run();
	assert_false(made_lacks(&kernel, "the stack of abort mode"));
	assert_true(made_lacks(&kernel, "where tasks and per-CPU data lie"));
	made_destroy(&kernel);
}

/* ---- user mode's regime --------------------------------------------------------------- */

static void use_regime(const char *name)
{
	const struct ws_named_regime *row = arm_regime_named(kernel.system.format, name);

	assert_non_null(row);
	kernel.system.regime = (struct ws_regime){ 0 };
	assert_true(ws_regime_of_named(&kernel.system, row, &kernel.system.regime));
}

static void what_user_mode_needs_goes_by_its_own_regime(void **state)
{
	static const struct {
		uint64_t va, pa;
		const char *rule; /* NULL: only the kernel's code needs it */
	} rows[] = {
		{ ARM_VECTORS, VECTORS, "faultpath-vectors-page" },
		{ ARM_VECTORS + PAGE, STUBS, "faultpath-vectors-page" },
		{ VA(PLACE(ENTRY_CODE)), PLACE(ENTRY_CODE), "faultpath-abort-entry" },
		{ VA(PLACE(MODE_STACKS)), PLACE(MODE_STACKS), "faultpath-svc-stack" },
		{ VA(PLACE(SVC_CODE)), PLACE(SVC_CODE), "faultpath-vector-handler" },
		{ VA(PLACE(ABORT_CODE)), PLACE(ABORT_CODE), NULL },
		{ VA(PLACE(OVERFLOW)), PLACE(OVERFLOW), NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		create_with("arm-lpae");
		know_data();
		use_regime("kernel");
		run();
		assert_int_equal(made_findings(&kernel), 0);
		assert_non_null(ws_audit_note(kernel.audit, 0));
		made_map(&kernel, root, rows[i].va, rows[i].pa, MADE_NOTHING);
		run();
		assert_int_equal(made_finds(&kernel, "from user mode, "),
				 rows[i].rule != NULL);
		if (rows[i].rule)
			assert_int_equal(made_count(&kernel, rows[i].rule, process),
					 made_findings(&kernel));
		made_destroy(&kernel);
	}
}

static void another_regime_is_user_modes_too(void **state)
{
	(void)state;
	create_with("arm-lpae");
	use_regime("user-access");
	made_map(&kernel, root, ARM_VECTORS, 0, MADE_NOTHING);
	run();
	assert_true(made_count(&kernel, "faultpath-vectors-page", process) > 0);
	assert_false(made_finds(&kernel, "from user mode"));
	assert_null(ws_audit_note(kernel.audit, 0));
	made_destroy(&kernel);
}

static void what_init_mm_lacks_is_found_once(void **state)
{
	(void)state;
	create_with("arm-lpae");
	use_regime("kernel");
	map_both(ARM_VECTORS, 0, MADE_NOTHING);
	run();
	assert_true(made_count(&kernel, "faultpath-vectors-page", process) > 0);
	assert_false(made_finds(&kernel, "from user mode"));
	made_destroy(&kernel);
}

/* A hole that only user mode has: the stack of abort mode may be in it. */
static void places_go_by_the_regime(void **state)
{
	(void)state;
	create_with("arm-lpae");
	use_regime("kernel");
	made_map(&kernel, kernel.system.layout.reference, DIRECT, MADE_RAM, MADE_DATA);
	run();
	assert_true(made_lacks(&kernel, "where the stack of abort mode, tasks"));
	know_data();
	run();
	assert_false(made_lacks(&kernel, "tasks and per-CPU data lie"));
	use_regime("user-access");
	run();
	assert_true(made_lacks(&kernel, "where tasks and per-CPU data lie"));
	made_destroy(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vector_leads_to_two_handlers),
		cmocka_unit_test(code_that_no_linux_has_leads_nowhere),
		cmocka_unit_test(registers_say_where_vectors_are),
		cmocka_unit_test(vectors_that_init_mm_has_twice_are_low),
		cmocka_unit_test(vectors_that_nobody_maps_are_a_hole),
		cmocka_unit_test(only_the_two_pages_of_vectors_must_be_there),
		cmocka_unit_test(a_hole_may_be_where_vectors_are_not),
		cmocka_unit_test(rows_are_found_by_their_names),
		cmocka_unit_test(nothing_is_found_where_nothing_is_wrong),
		cmocka_unit_test(each_page_that_is_missing_is_found_by_its_rule),
		cmocka_unit_test(each_right_is_asked_for),
		cmocka_unit_test(page_tables_are_read_and_written),
		cmocka_unit_test(a_handler_outside_the_image_is_foreign),
		cmocka_unit_test(what_no_symbol_says_is_lacking_by_name),
		cmocka_unit_test(what_user_mode_needs_goes_by_its_own_regime),
		cmocka_unit_test(another_regime_is_user_modes_too),
		cmocka_unit_test(what_init_mm_lacks_is_found_once),
		cmocka_unit_test(places_go_by_the_regime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
