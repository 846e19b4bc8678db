/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dumps of machines whose processors no note has but PRSTATUS: which registers they are
 * said to have, and what of the others is unknown.
 */
#include "arch/arch.h"
#include "arm64/registers.h"
#include "mk/mk.h"
#include "riscv/registers.h"
#include "target/target.h"
#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct dump {
	struct mk mk;
	int fd;
	char path[32];
	struct ws_context *ctx;
	struct ws_target *target;
};

static void dump_close(struct dump *d)
{
	ws_target_close(d->target);
	ws_context_destroy(d->ctx);
	close(d->fd);
	mk_release(&d->mk);
}

#define autodump ws_cleanup(dump_close) struct dump

/* Each register of PRSTATUS holds 1000 plus its place in pr_reg. */
static const struct machine {
	unsigned elf, size, registers;
	const char *arch;
	struct {
		const char *name;
		unsigned place;
	} known[8];
	const char *unknown[6];
} machines[] = {
	{ 243,
	  376,
	  32,
	  "riscv",
	  { { "pc", 0 },
	    { "ra", 1 },
	    { "sp", 2 },
	    { "tp", 4 },
	    { "a0", 10 },
	    { "s2", 18 },
	    { "t3", 28 },
	    { "t6", 31 } },
	  { "satp", "stvec", "sscratch" } },
	{ 183,
	  392,
	  34,
	  "arm64",
	  { { "x0", 0 },
	    { "x7", 7 },
	    { "x8", 8 },
	    { "x30", 30 },
	    { "sp", 31 },
	    { "pc", 32 },
	    { "pstate", 33 } },
	  { "ttbr0_el1", "ttbr1_el1", "tcr_el1", "sctlr_el1", "vbar_el1", "sp_el0" } },
};

/* less: bytes that the note is short of a PRSTATUS. */
static struct dump dump_open(const struct machine *m, unsigned less)
{
	struct dump d = { .ctx = ws_context_create() };
	char text[4096];
	int n = snprintf(text, sizeof(text),
			 "ehdr64 machine=%u phnum=2\n"
			 "phdr64 type=4 offset=176 filesz=%u\n"
			 "phdr64 offset=0x1000 filesz=0x1000 memsz=0x1000\n"
			 "nhdr descsz=%u type=1\ntext \"CORE\\0\\0\\0\\0\"\n"
			 "fill 112 0\nu64",
			 m->elf, m->size - less + 20, m->size - less);

	for (unsigned i = 0; i < m->registers; i++)
		n += snprintf(text + n, sizeof(text) - n, " %u", 1000 + i);
	snprintf(text + n, sizeof(text) - n, "\nat 0x1000\nframes 0 1");
	assert_non_null(d.ctx);
	assert_true(mk_build(&d.mk, text));
	d.fd = mk_file(&d.mk, d.path);
	if (ws_target_open(d.ctx, d.path, NULL, &d.target))
		fail_msg("%s", ws_error(d.ctx, 0));
	return d;
}

static void registers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		const struct machine *m = &machines[i];
		autodump d = dump_open(m, 0);
		const struct ws_cpu *cpu = ws_target_cpu(d.target, 0);
		uint64_t value;

		assert_string_equal(d.target->arch->name, m->arch);
		assert_int_equal(d.target->word, 8);
		assert_non_null(cpu);
		assert_null(ws_target_cpu(d.target, 1));
		for (unsigned k = 0; k < 8 && m->known[k].name; k++) {
			assert_true(ws_cpu_register(cpu, m->known[k].name, &value));
			assert_int_equal(value, 1000 + m->known[k].place);
		}
		for (unsigned k = 0; k < 6 && m->unknown[k]; k++)
			assert_false(ws_cpu_register(cpu, m->unknown[k], &value));
		assert_false(ws_cpu_root(cpu, &value));
		assert_false(cpu->arch->has_paging_off(cpu));
		assert_null(d.target->format);
	}
}

/* A note of another size is of something else. */
static void other_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		autodump d = dump_open(&machines[i], 8);

		assert_null(ws_target_cpu(d.target, 0));
	}
}

/* ---- what they say of paging ------------------------------------------------------ */

static const char *name_of(const struct ws_format *format)
{
	return format ? ws_format_name(format) : "none";
}

static void satp(void **state)
{
	static const struct {
		uint64_t satp;
		const char *format;
		bool off;
	} cases[] = {
		{ UINT64_C(0x8000000000012345), "riscv-sv39", false },
		{ UINT64_C(0x9000100000012345), "riscv-sv48", false },
		{ UINT64_C(0xa000000000012345), "riscv-sv57", false },
		{ UINT64_C(0x7000000000012345), "none", false },
		{ UINT64_C(0xb000000000012345), "none", false },
		{ 0, "none", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ws_cpu cpu = { 0 };
		uint64_t root;

		assert_null(riscv_format_of_cpu(&cpu, true));
		ws_cpu_set(&cpu, RISCV_SATP, cases[i].satp);
		assert_string_equal(name_of(riscv_format_of_cpu(&cpu, true)),
				    cases[i].format);
		assert_int_equal(riscv_has_paging_off(&cpu), cases[i].off);
		assert_true(riscv_root(&cpu, &root));
		assert_int_equal(root, cases[i].satp ? 0x12345000 : 0);
	}
}

static void tcr(void **state)
{
	static const struct {
		uint64_t tcr;
		const char *format;
	} cases[] = {
		{ UINT64_C(0xb5593519), "arm64-4k-39" },
		{ 0x80100000, "arm64-4k-48" },
		{ 0x800c0000, "arm64-4k-52" },
		{ 0x40110000, "arm64-16k-47" },
		{ 0x40100000, "arm64-16k-48" },
		{ 0xc0160000, "arm64-64k-42" },
		{ 0xc00c0000, "arm64-64k-52" },
		{ 0x80110000, "none" },
		{ 0x00100000, "none" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ws_cpu cpu = { 0 };
		uint64_t root;

		assert_null(arm64_format_of_cpu(&cpu, true));
		ws_cpu_set(&cpu, ARM64_TCR, cases[i].tcr);
		assert_string_equal(name_of(arm64_format_of_cpu(&cpu, true)),
				    cases[i].format);
		ws_cpu_set(&cpu, ARM64_SCTLR, 1);
		assert_string_equal(name_of(arm64_format_of_cpu(&cpu, true)),
				    cases[i].format);
		ws_cpu_set(&cpu, ARM64_SCTLR, 0);
		assert_null(arm64_format_of_cpu(&cpu, true));
		assert_true(arm64_has_paging_off(&cpu));
		assert_false(arm64_root(&cpu, &root));
		ws_cpu_set(&cpu, ARM64_TTBR0, UINT64_C(0x0012000041234001));
		assert_true(arm64_root(&cpu, &root));
		assert_int_equal(root, 0x41234000);
	}
}

static void kernel_sp(void **state)
{
	struct ws_cpu riscv = { .reg = { [RISCV_SP] = 5 } };
	struct ws_cpu arm64 = { .reg = { [ARM64_SP] = 6 } };
	uint64_t sp;

	(void)state;
	assert_false(riscv_kernel_sp(&riscv, &sp));
	ws_cpu_set(&riscv, RISCV_PC, UINT64_C(0x7fffffffffffffff));
	assert_false(riscv_kernel_sp(&riscv, &sp));
	ws_cpu_set(&riscv, RISCV_PC, UINT64_C(0xffffffff80000000));
	assert_true(riscv_kernel_sp(&riscv, &sp));
	assert_int_equal(sp, 5);
	assert_false(arm64_kernel_sp(&arm64, &sp));
	ws_cpu_set(&arm64, ARM64_PSTATE, 0x60000000); /* EL0t */
	assert_false(arm64_kernel_sp(&arm64, &sp));
	ws_cpu_set(&arm64, ARM64_PSTATE, 0x60000005); /* EL1h */
	assert_true(arm64_kernel_sp(&arm64, &sp));
	assert_int_equal(sp, 6);
}

static void vmcoreinfo(void **state)
{
	static const struct {
		const char *text, *format;
	} cases[] = {
		{ "PAGESIZE=4096\nNUMBER(VA_BITS)=39\nNUMBER(phys_ram_base)=2147483648\n",
		  "riscv-sv39" },
		{ "NUMBER(VA_BITS)=48\nNUMBER(phys_ram_base)=0", "riscv-sv48" },
		{ "NUMBER(phys_ram_base)=0\nNUMBER(VA_BITS)=57\n", "riscv-sv57" },
		{ "NUMBER(phys_ram_base)=0\nNUMBER(VA_BITS)=47\n", "none" },
		{ "NUMBER(VA_BITS)=48\n", "none" },
		{ "PAGESIZE=4096\nNUMBER(VA_BITS)=48\nNUMBER(kimage_voffset)=0x1\n",
		  "arm64-4k-48" },
		{ "PAGESIZE=65536\nNUMBER(VA_BITS)=52\nNUMBER(kimage_voffset)=0x1\n"
		  "NUMBER(TCR_EL1_T1SZ)=0x10\n",
		  "arm64-64k-48" },
		{ "PAGESIZE=4096\nNUMBER(VA_BITS)=47\nNUMBER(kimage_voffset)=0x1\n",
		  "none" },
		{ "NUMBER(VA_BITS)=48\nNUMBER(kimage_voffset)=0x1\n", "none" },
		{ "PAGESIZE=4096\nNUMBER(VA_BITS)=48\n", "none" },
		{ "PAGESIZE=0\nNUMBER(VA_BITS)=48\nNUMBER(kimage_voffset)=0x1\n",
		  "none" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(name_of(ws_format_of_vmcoreinfo(cases[i].text)),
				    cases[i].format);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers), cmocka_unit_test(other_size),
		cmocka_unit_test(satp),      cmocka_unit_test(tcr),
		cmocka_unit_test(kernel_sp), cmocka_unit_test(vmcoreinfo),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
