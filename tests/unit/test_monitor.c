/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU's human monitor prints of processors and of memory, and what it never would. */
#include "target/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ws_target *create(void)
{
	struct ws_target *target = calloc(1, sizeof(*target));

	assert_non_null(target);
	target->ctx = ws_context_create();
	assert_non_null(target->ctx);
	target->named = "qemu:it";
	target->budget.limit = UINT64_C(1) << 30;
	return target;
}

static void destroy(struct ws_target *target)
{
	ws_vec_each(&target->notes, note)
		free(*note);
	ws_vec_release(&target->notes);
	ws_vec_release(&target->memory);
	ws_vec_release(&target->cpus);
	ws_context_destroy(target->ctx);
	free(target);
}

/* ---- registers -------------------------------------------------------------------- */

static struct ws_target *read_registers(const char *text)
{
	struct ws_target *target = create();

	assert_int_equal(ws_read_monitor_registers(target, text), WS_OK);
	return target;
}

static void expect(const struct ws_target *target, size_t cpu, const char *name,
		   uint64_t value)
{
	uint64_t is = ~value;

	assert_true(ws_cpu_register(&target->cpus.v[cpu], name, &is));
	assert_int_equal(is, value);
}

static void expect_unknown(const struct ws_target *target, const char *name)
{
	uint64_t is;

	assert_false(ws_cpu_register(&target->cpus.v[0], name, &is));
}

static const char wide[] =
	"\r\nCPU#0\r\n"
	"RAX=0000000000000060 RBX=ffffffffa921aa40 RCX=0000000000000000 RDX=00000000000002fd\r\n"
	"RSI=ffffd0afc0013b60 RDI=0000000000000004 RBP=ffffffffa921aa40 RSP=ffffd0afc0013ca0\r\n"
	"R8 =ffffffffc04036f7 R9 =ffffd0b0c0013b80 R10=ffffffffc04036f0 R11=ffffd0afc0013b81\r\n"
	"RIP=ffffffffc03fe76f RFL=00000013 [----A-C] CPL=0 II=0 A20=1 SMM=0 HLT=0\r\n"
	"ES =0000 0000000000000000 00000000 00000000\r\n"
	"CS =0010 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]\r\n"
	"GS =0000 ffff8f2c5f200000 00000000 00000000\r\n"
	"LDT=0000 0000000000000000 00000000 00008200 DPL=0 LDT\r\n"
	"TR =0040 fffffe0000003000 00004087 00008900 DPL=0 TSS64-avl\r\n"
	"GDT=     fffffe0000001000 0000007f\r\n"
	"IDT=     fffffe0000000000 00000fff\r\n"
	"CR0=80050033 CR2=00000000005e3c80 CR3=0000000001062000 CR4=00750ef0\r\n"
	"DR0=0000000000000000 DR1=0000000000000000 \r\n"
	"EFER=0000000000000d01\r\n"
	"FPR0=0000000000000000 0000 FPR1=0000000000000000 0000\r\n"
	"CPU#1\r\n"
	"EAX=00000001 EBX=00000002 ECX=00000003 EDX=00000004\r\n"
	"EIP=08048000 EFL=00000246 [---Z-P-] CPL=3 II=0 A20=1 SMM=0 HLT=0\r\n"
	"CR0=80050033 CR2=00000000 CR3=0000000002345000 CR4=00750ef0\r\n";

static void two_processors(void **state)
{
	struct ws_target *target = read_registers(wide);

	(void)state;
	assert_int_equal(target->cpus.n, 2);
	ws_vec_each(&target->cpus, cpu)
		cpu->word = 8;
	expect(target, 0, "rax", 0x60);
	expect(target, 0, "r8", UINT64_C(0xffffffffc04036f7));
	expect(target, 0, "r11", UINT64_C(0xffffd0afc0013b81));
	expect(target, 0, "rip", UINT64_C(0xffffffffc03fe76f));
	expect(target, 0, "rflags", 0x13);
	expect(target, 0, "cs", 0x10);
	expect(target, 0, "cs.flags", 0xaf9b00);
	expect(target, 0, "gs.base", UINT64_C(0xffff8f2c5f200000));
	expect(target, 0, "tr", 0x40);
	expect(target, 0, "tr.base", UINT64_C(0xfffffe0000003000));
	expect(target, 0, "tr.limit", 0x4087);
	expect(target, 0, "gdt.base", UINT64_C(0xfffffe0000001000));
	expect(target, 0, "idt.limit", 0xfff);
	expect(target, 0, "cr2", 0x5e3c80);
	expect(target, 0, "cr4", 0x750ef0);
	expect(target, 0, "efer", 0xd01);
	expect_unknown(target, "r12");
	/* One in compatibility mode shows 32 bits of what it runs. */
	expect(target, 1, "rax", 1);
	expect(target, 1, "rip", 0x8048000);
	expect(target, 1, "cr3", 0x2345000);
	destroy(target);
}

static void others(void **state)
{
	struct ws_target *target = read_registers(
		"\nCPU#0\nR00=c480dd14 R01=00000000 R02=bf009360 R03=00000060\n"
		"R04=c160f580 R05=c160f580 R06=c160f580 R07=bf009340\n"
		"R08=00000007 R09=60000013 R10=00000066 R11=c160fb68\n"
		"R12=c480dd1c R13=c480de30 R14=bf011690 R15=bf011828\n"
		"PSR=80000093 N--- A S svc32\ns00=6e6f632f s01=6c6f7274 d00=6c6f\n");

	(void)state;
	expect(target, 0, "r0", 0xc480dd14);
	expect(target, 0, "r10", 0x66);
	expect(target, 0, "sp", 0xc480de30);
	expect(target, 0, "pc", 0xbf011828);
	expect(target, 0, "cpsr", 0x80000093);
	destroy(target);
	target = read_registers(
		"\nCPU#0\n V      =   0\n pc       ffffffff01edd8c0\n"
		" mstatus  0000000a000000a0\n stvec    ffffffff80a81240\n"
		" satp     a0001000000830d8\n"
		" x0/zero  0000000000000000 x1/ra    ffffffff01edd62e x2/sp    ff2000000000b980"
		" x3/gp    ffffffff81db6e50\n x4/tp    ff60000002683900 x5/t0    0000020000000000"
		" x6/t1    00000000000000ff x7/t2    ffffe00000000000\n"
		" x8/s0    ff2000000000b9a0 x9/s1    ffffffff8140a971 x10/a0   ffffffff8140a938\n");
	expect(target, 0, "pc", UINT64_C(0xffffffff01edd8c0));
	expect(target, 0, "satp", UINT64_C(0xa0001000000830d8));
	expect(target, 0, "stvec", UINT64_C(0xffffffff80a81240));
	expect(target, 0, "tp", UINT64_C(0xff60000002683900));
	expect(target, 0, "a0", UINT64_C(0xffffffff8140a938));
	destroy(target);
}

static void of_no_processor(void **state)
{
	static const char *const texts[] = {
		"",
		"CPU#",
		"CPU#0",
		"CPU#0\nRAX=1 RBX=2\n",
		"no CPU#0\nRAX=1 RBX=2 RCX=3 RDX=4 RSI=5 RDI=6 RSP=7 RBP=8 RIP=9\n",
		"CPU#0\n= = = =\n=0=0=0\nRAX=\nRBX\n/=1\n/ / / /\n 0 0 0\n",
		"CPU#0\nRAX=11111111111111111 RBX=22222222222222222 RCX=33333333333333333\n",
		"unknown command: 'info registers -a'\r\n",
		/* of an S/390 */
		"\nCPU#0\nPSW=mask 0000000180000000 addr 0000000000010400 cc 00\n"
		"R00=0000000000000000 R01=0000000000000000 R02=0000000000000000\n"
		"R03=0000000000000000 R04=0000000000000000 R05=0000000000000000\n"
		"R06=0000000000000000 R07=0000000000000000 R08=0000000000000000\n"
		"R09=0000000000000000 R10=0000000000000000 R11=0000000000000000\n",
		/* of an OpenRISC */
		"CPU#0\nPC=00000100\nR00=00000000 R01=00000000 R02=00000000 R03=00000000\n"
		"R04=00000000 R05=00000000 R06=00000000 R07=00000000\n"
		"R08=00000000 R09=00000000 R10=00000000 R11=00000000\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct ws_target *target = read_registers(texts[i]);

		assert_int_equal(target->cpus.n, 0);
		assert_non_null(strstr(target->notes.v[0], "they are unknown"));
		destroy(target);
	}
}

/* Cut at every length: nothing behind its end is read, and no value is made up. */
static void cut_anywhere(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(wide); n++) {
		char *text = strndup(wide, n);
		struct ws_target *target;
		uint64_t value;

		assert_non_null(text);
		target = read_registers(text);
		if (target->cpus.n &&
		    ws_cpu_register(&target->cpus.v[0], "efer", &value) &&
		    strstr(text, "EFER=0000000000000d01"))
			assert_int_equal(value, 0xd01);
		destroy(target);
		free(text);
	}
}

/* ---- memory ----------------------------------------------------------------------- */

#define VIEW                                                                 \
	" AS \"memory\", root: system\n AS \"cpu-memory-0\", root: system\n" \
	" Root memory region: system\n"
#define RAM(first, last) \
	"  " first "-" last " (prio 0, ram): pc.ram @0000000000000000 KVM\n"

static void memory_of_the_view(void **state)
{
	static const struct ws_extent wanted[] = {
		{ 0, 0xa0000 },
		{ 0xc0000, 0x10000 },
		{ 0x100000, 0x1ff00000 },
		{ UINT64_C(0x100000000), UINT64_C(0x40000000) },
	};
	struct ws_target *target = create();

	(void)state;
	assert_int_equal(
		ws_read_memory_tree(
			target,
			"FlatView #0\n AS \"I/O\", root: io\n Root memory region: io\n" RAM(
				"0000000000000000",
				"00000000000000ff") "\nFlatView #1\n" VIEW
				RAM("0000000000000000",
				    "000000000009ffff") "  00000000000a0000-00000000000bffff (prio 1, i/o): vga\n"
							"  00000000000c0000-00000000000cffff (prio 0, rom): pc.rom\n"
							"  00000000000e0000-00000000000effff (prio 0, romd): flash\n" RAM(
								"0000000000100000",
								"000000001fffffff") "  0000000020000000-0000000020000fff (prio 0, ramd): vfio\n"
										    "  0000000100000000-000000013fffffff (prio 0, nv-ram): nvdimm\n\n"
										    "FlatView #2\n AS \"cpu-smm-0\", root: memory\n"
										    " Root memory region: memory\n" RAM(
											    "0000000000000000",
											    "00000000ffffffff")),
		WS_OK);
	assert_int_equal(target->memory.n, sizeof(wanted) / sizeof(*wanted));
	for (size_t i = 0; i < target->memory.n; i++) {
		assert_int_equal(target->memory.v[i].at.pa, wanted[i].pa);
		assert_int_equal(target->memory.v[i].at.len, wanted[i].len);
		assert_int_equal(target->memory.v[i].header, i);
	}
	destroy(target);
}

static void no_memory_map(void **state)
{
	static const char *const texts[] = {
		"",
		"FlatView #0\n",
		VIEW,
		VIEW "  No rendered FlatView\n",
		VIEW RAM("0000000000100000", "000000000000ffff"),
		VIEW RAM("0000000000000000", "ffffffffffffffff"),
		VIEW RAM("0010000000000000", "0010000000000fff"),
		VIEW RAM("0000000000001000", "0000000000001fff")
			RAM("0000000000001000", "0000000000001fff"),
		VIEW RAM("0000000000002000", "0000000000002fff")
			RAM("0000000000001000", "0000000000001fff"),
		VIEW "  -0000000000001000-0000000000001fff (prio 0, ram): pc.ram\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct ws_target *target = create();

		assert_int_equal(ws_read_memory_tree(target, texts[i]), WS_ERR_MALFORMED);
		assert_non_null(strstr(ws_error(target->ctx, 0), "info mtree -f"));
		destroy(target);
	}
}

/* Each line is looked at, and not all that follows it: that would be a terabyte. */
static void many_ranges_and_much_behind(void **state)
{
	const size_t line = strlen(RAM("0000000000000000", "0000000000000fff"));
	const unsigned nranges = 65536;
	const size_t head = strlen(VIEW), behind = 16 << 20;
	struct ws_target *target = create();
	char *text = malloc(head + nranges * line + behind + 1), *at = text + head;

	(void)state;
	assert_non_null(text);
	memcpy(text, VIEW, head);
	for (unsigned i = 0; i < nranges; i++)
		at += sprintf(at, RAM("%016lx", "%016lx"), i * 0x2000ul,
			      i * 0x2000ul + 0xffful);
	memset(at, '.', behind);
	at[behind] = '\0';
	assert_int_equal(ws_read_memory_tree(target, text), WS_OK);
	assert_int_equal(target->memory.n, nranges);
	free(text);
	destroy(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_processors),
		cmocka_unit_test(others),
		cmocka_unit_test(of_no_processor),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(memory_of_the_view),
		cmocka_unit_test(no_memory_map),
		cmocka_unit_test(many_ranges_and_much_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
