/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which root translates which addresses, by control registers: each bound, and one off; and
 * which is the kernel's, by VMCOREINFO.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arch/arch.h"
#include "made_kernel.h"

/* Windows that registers give; last 0: there is none. */
struct expected {
	const char *format, *reg;
	uint64_t value;
	struct {
		uint64_t first, last;
		enum ws_root_of root_of;
		unsigned nlevels;
		uint64_t offset;
	} window[WS_MAX_WINDOWS];
};

/* clang-format off */
#define TOP UINT64_C(0xffffffff)
#define SPACE WS_ROOT_OF_SPACE
#define PROCESS WS_ROOT_OF_PROCESS
#define KERNEL WS_ROOT_OF_KERNEL
static const struct expected rows[] = {
	/* DDI 0406C B3.5.4: N; PD0, PD1 */
	{ "arm", "ttbcr", 0, {{ 0, TOP, SPACE, 2, 0 }} },
	{ "arm", "ttbcr", 1, {{ 0, 0x7fffffff, SPACE, 2, 0 }, { 0x80000000, TOP, KERNEL, 2, 0 }} },
	{ "arm", "ttbcr", 7, {{ 0, 0x1ffffff, SPACE, 2, 0 }, { 0x2000000, TOP, KERNEL, 2, 0 }} },
	{ "arm", "ttbcr", 0x11, {{ 0x80000000, TOP, KERNEL, 2, 0 }} },
	{ "arm", "ttbcr", 0x21, {{ 0, 0x7fffffff, SPACE, 2, 0 }} },
	{ "arm", "ttbcr", 0x20, {{ 0, TOP, SPACE, 2, 0 }} },
	{ "arm", "ttbcr", 0x10, {{ 0 }} },
	{ "arm", "ttbcr", 0x30, {{ 0 }} },
	{ "arm", "ttbcr", 0x31, {{ 0 }} },
	{ "arm-lpae", "ttbcr", 0x80000080, {{ 0 }} },
	/* B3.6.4: neither, either and both sizes; EPD0, EPD1 */
	{ "arm-lpae", "ttbcr", 0x80000000, {{ 0, TOP, SPACE, 3, 0 }} },
	{ "arm-lpae", "ttbcr", 0x80000001, {{ 0, 0x7fffffff, SPACE, 3, 0 },
					    { 0x80000000, TOP, KERNEL, 3, 0 }} },
	{ "arm-lpae", "ttbcr", 0x80000002, {{ 0, 0x3fffffff, SPACE, 2, 0 },
					    { 0x40000000, TOP, KERNEL, 3, 0 }} },
	{ "arm-lpae", "ttbcr", 0x80010000, {{ 0, 0x7fffffff, SPACE, 3, 0 },
					    { 0x80000000, TOP, KERNEL, 3, 0 }} },
	{ "arm-lpae", "ttbcr", 0x80020000, {{ 0, 0xbfffffff, SPACE, 3, 0 },
					    { 0xc0000000, TOP, KERNEL, 2, 0x4000 }} },
	{ "arm-lpae", "ttbcr", 0x80020001, {{ 0, 0x7fffffff, SPACE, 3, 0 },
					    { 0xc0000000, TOP, KERNEL, 2, 0x4000 }} },
	{ "arm-lpae", "ttbcr", 0xb5403587, {{ 0x2000000, TOP, KERNEL, 3, 0 }} },
	{ "arm-lpae", "ttbcr", 0xb5003500, {{ 0, TOP, SPACE, 3, 0 }} },
	{ "arm-lpae", "ttbcr", 0x80820000, {{ 0, 0xbfffffff, SPACE, 3, 0 }} },
	/* Arm ARM D24.2.189: T0SZ, T1SZ, TG0, TG1, EPD0, EPD1 */
	{ "arm64-4k-48", "tcr_el1", UINT64_C(0x80100010),
	  {{ 0, UINT64_C(0xffffffffffff), PROCESS, 4, 0 },
	   { UINT64_C(0xffff000000000000), UINT64_MAX, KERNEL, 4, 0 }} },
	{ "arm64-4k-39", "tcr_el1", UINT64_C(0x80190010),
	  {{ 0, UINT64_C(0xffffffffffff), PROCESS, 4, 0 },
	   { UINT64_C(0xffffff8000000000), UINT64_MAX, KERNEL, 3, 0 }} },
	{ "arm64-64k-42", "tcr_el1", UINT64_C(0xc0168011),
	  {{ 0, UINT64_C(0x7fffffffffff), PROCESS, 3, 0 },
	   { UINT64_C(0xfffffc0000000000), UINT64_MAX, KERNEL, 2, 0 }} },
	{ "arm64-4k-48", "tcr_el1", UINT64_C(0x80100090),
	  {{ UINT64_C(0xffff000000000000), UINT64_MAX, KERNEL, 4, 0 }} },
	{ "arm64-4k-48", "tcr_el1", UINT64_C(0x80900010),
	  {{ 0, UINT64_C(0xffffffffffff), PROCESS, 4, 0 }} },
};
/* clang-format on */

static void check_row(const struct expected *row)
{
	const struct ws_format *format = ws_format_by_name(row->format);
	const struct ws_arch *arch = ws_arch_of(format);
	struct ws_cpu cpu = { .arch = arch, .word = 4 };
	struct ws_regime regime;
	unsigned n = 0;

	assert_false(arch->regime(&cpu, format, &regime));
	assert_true(ws_cpu_set_register(&cpu, row->reg, row->value));
	assert_true(arch->regime(&cpu, format, &regime));
	for (; n < WS_MAX_WINDOWS && row->window[n].last; n++) {
		const struct ws_regime_window *window = &regime.window[n];

		assert_true(n < regime.nwindows);
		assert_int_equal(window->first, row->window[n].first);
		assert_int_equal(window->last, row->window[n].last);
		assert_int_equal(window->root_of, row->window[n].root_of);
		assert_int_equal(window->format->nlevels, row->window[n].nlevels);
		assert_int_equal(window->offset, row->window[n].offset);
	}
	assert_int_equal(n, regime.nwindows);
	assert_true(regime.has_windows);
	assert_int_not_equal(strlen(regime.text), 0);
	assert_true(strlen(regime.text) < sizeof(regime.text) - 1); /* nothing was cut */
}

static void test_windows(void **state)
{
	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

/* Long descriptors are not those of a processor that has short ones on, and the reverse. */
static void test_other_format(void **state)
{
	static const struct {
		const char *format;
		uint64_t ttbcr;
	} wrong[] = { { "arm", 0x80000000 }, { "arm-lpae", 0 } };
	/* of another width, or granule; of a width that no format has */
	static const uint64_t wrong_tcr[] = { 0x80110010, 0x40100010, 0x80100011 };
	struct ws_regime regime;

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(wrong); i++) {
		const struct ws_format *format = ws_format_by_name(wrong[i].format);
		const struct ws_arch *arch = ws_arch_of(format);
		struct ws_cpu cpu = { .arch = arch, .word = 4 };

		assert_true(ws_cpu_set_register(&cpu, "ttbcr", wrong[i].ttbcr));
		assert_false(arch->regime(&cpu, format, &regime));
	}
	for (size_t i = 0; i < WS_ARRAY_SIZE(wrong_tcr); i++) {
		const struct ws_format *format = ws_format_by_name("arm64-4k-48");
		const struct ws_arch *arch = ws_arch_of(format);
		struct ws_cpu cpu = { .arch = arch, .word = 8 };

		assert_true(ws_cpu_set_register(&cpu, "tcr_el1", wrong_tcr[i]));
		assert_false(arch->regime(&cpu, format, &regime));
	}
}

/* What the words say is disabled is what no window has. */
static void test_words(void **state)
{
	static const struct {
		uint64_t ttbcr;
		const char *words;
	} words[] = {
		{ 0x00, "TTBCR 0: TTBR0 translates all" },
		{ 0x10, "TTBCR 0x10: TTBR0 is disabled for all" },
		{ 0x20, "TTBCR 0x20: TTBR0 translates all" },
		{ 0x01,
		  "TTBCR 0x1: TTBR0 translates what is below 0x80000000, TTBR1 the rest" },
		{ 0x11, "TTBCR 0x11: TTBR0 is disabled for what is below 0x80000000, "
			"TTBR1 translates the rest" },
		{ 0x21, "TTBCR 0x21: TTBR0 translates what is below 0x80000000, "
			"TTBR1 is disabled for the rest" },
		{ 0x31, "TTBCR 0x31: TTBR0 is disabled for what is below 0x80000000, "
			"TTBR1 is disabled for the rest" },
	};
	const struct ws_format *format = ws_format_by_name("arm");
	struct ws_regime regime;

	(void)state;
	for (size_t i = 0; i < WS_ARRAY_SIZE(words); i++) {
		struct ws_cpu cpu = { .arch = ws_arch_of(format), .word = 4 };

		assert_true(ws_cpu_set_register(&cpu, "ttbcr", words[i].ttbcr));
		assert_true(cpu.arch->regime(&cpu, format, &regime));
		assert_string_equal(regime.text, words[i].words);
	}
}

/* satp's mode is the tables'; what it says of a root is a space's own matter. */
static void test_modes(void **state)
{
	static const char *const formats[] = { "riscv-sv39", "riscv-sv48", "riscv-sv57" };
	static const char *const words[] = {
		"satp mode 8 (Sv39): the space's own root translates all",
		"satp mode 9 (Sv48): the space's own root translates all",
		"satp mode 10 (Sv57): the space's own root translates all",
	};
	struct ws_regime regime;

	(void)state;
	for (uint64_t i = 0; i < 3 * 16; i++) {
		const struct ws_format *format = ws_format_by_name(formats[i / 16]);
		struct ws_cpu cpu = { .arch = ws_arch_of(format), .word = 8 };
		bool right = i % 16 == 8 + i / 16;

		assert_false(cpu.arch->regime(&cpu, format, &regime));
		assert_true(ws_cpu_set_register(&cpu, "satp", i % 16 << 60 | 0x801cf));
		assert_int_equal(cpu.arch->regime(&cpu, format, &regime), right);
		if (right)
			assert_string_equal(regime.text, words[i / 16]);
		if (right)
			assert_false(regime.has_windows);
	}
}

/* Every regime with a name is one, and all that it translates goes by that format. */
static void test_named(void **state)
{
	const struct ws_format *format;

	(void)state;
	for (unsigned i = 0; (format = ws_format_at(i)); i++) {
		const struct ws_arch *arch = ws_arch_of(format);
		const struct ws_named_regime *row =
			arch->regimes ? arch->regimes(format) : NULL;

		for (; row && row->name; row++) {
			struct ws_cpu cpu = { .arch = arch,
					      .word = format->va_bits > 32 ? 8 : 4 };
			struct ws_regime regime;

			for (unsigned r = 0;
			     r < WS_REGIME_REGISTERS && row->registers[r].name; r++)
				assert_true(ws_cpu_set_register(&cpu,
								row->registers[r].name,
								row->registers[r].value));
			assert_true(arch->regime(&cpu, format, &regime));
			for (unsigned w = 0; w < regime.nwindows; w++)
				assert_string_equal(regime.window[w].format->name,
						    format->name);
		}
	}
}

/* An address, by which regime a process's own root would translate it, and init_mm's. */
static void test_own_regime(void **state)
{
	static const struct {
		const char *format, *regime;
		unsigned word;
		uint64_t va;
		const char *process, *init;
	} own[] = {
		{ "arm", "kernel", 4, 0x10000, NULL, NULL },
		{ "arm", "kernel", 4, TOP + 1, NULL, NULL },
		{ "arm-lpae", "kernel", 4, 0x10000, "user-access", "user-access" },
		{ "arm-lpae", "kernel", 4, 0x1ffffff, "user-access", "user-access" },
		/* by TTBR1, which leads to init_mm's */
		{ "arm-lpae", "kernel", 4, 0x2000000, "user-access", NULL },
		{ "arm-lpae", "kernel", 4, TOP + 1, NULL, NULL },
		{ "arm-lpae", "user-access", 4, 0x10000, NULL, NULL },
		{ "arm-lpae", "split", 4, 0xbfffffff, NULL, NULL },
		{ "arm-lpae", "split", 4, 0xc0000000, "user-access", "kernel" },
		{ "arm-lpae", NULL, 4, 0x10000, NULL, NULL },
	};
	struct made_kernel kernel;

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		struct ws_system *system = &kernel.system;
		const struct ws_named_regime *row;
		const char *name;

		made_create(&kernel, own[i].format, own[i].word, 0xc0000000);
		made_root(
			&kernel); /* what is split off for TTBR1 lies behind init_mm's */
		made_space(&kernel, WS_SPACE_PROCESS, made_root(&kernel));
		row = ws_arch_of(system->format)->regimes(system->format);
		while (own[i].regime && strcmp(row->name, own[i].regime) != 0)
			row++;
		if (own[i].regime)
			assert_true(ws_regime_of_named(system, row, &system->regime));
		name = ws_space_regime(system, &system->spaces.v[1], own[i].va);
		assert_string_equal(name ? name : "",
				    own[i].process ? own[i].process : "");
		name = ws_space_regime(system, &system->spaces.v[0], own[i].va);
		assert_string_equal(name ? name : "", own[i].init ? own[i].init : "");
		made_destroy(&kernel);
	}
}

/* arch/arm/Kconfig, PAGE_OFFSET: by any, before anything is known of the kernel. */
static void test_swapper(void **state)
{
	static const char *const formats[] = { "arm", "arm-lpae" };
	static const uint64_t splits[] = { 0x40000000, 0x80000000, 0xb0000000,
					   0xc0000000 };

	(void)state;
	for (unsigned i = 0; i < WS_ARRAY_SIZE(formats) * WS_ARRAY_SIZE(splits); i++) {
		uint64_t split = splits[i / WS_ARRAY_SIZE(formats)], root, found, va;
		struct made_kernel kernel;
		char text[64];

		made_create(&kernel, formats[i % WS_ARRAY_SIZE(formats)], 4, split);
		kernel.system.layout = (struct ws_layout){ 0 };
		root = made_root(&kernel);
		va = root - MADE_RAM + split;
		made_map(&kernel, root, va, root, MADE_DATA);
		snprintf(text, sizeof(text), "SYMBOL(swapper_pg_dir)=%lx\n", va);
		kernel.system.vmcoreinfo = text;
		assert_true(ws_vmcoreinfo_swapper(&kernel.system, &found));
		assert_int_equal(found, root);
		kernel.system.vmcoreinfo = NULL;
		made_destroy(&kernel);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows), cmocka_unit_test(test_other_format),
		cmocka_unit_test(test_words),   cmocka_unit_test(test_modes),
		cmocka_unit_test(test_named),   cmocka_unit_test(test_own_regime),
		cmocka_unit_test(test_swapper),
	};

	return cmocka_run_group_tests_name("regime", tests, NULL, NULL);
}
