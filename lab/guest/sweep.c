/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest without a kernel: does every case of sweep.h on the processor that QEMU
 * emulates and prints what came of it on the first serial port. Built for 32 bits it does
 * 2-level and PAE paging, built for 64 bits 4-level paging.
 */
#include "sweep.h"
#include "sweep_guest.h"

#ifdef __x86_64__
#define TEST_VA SWEEP_VA64
#else
#define TEST_VA SWEEP_VA32
#endif

#define KERNEL_CS 0x08
#define DATA 0x1b /* flat, DPL 3: good for both levels */
#define TSS 0x28
#define LDT 0x38
#define OWN_BYTES 0x1000000u /* what the guest maps for itself, one to one */
#define OWN_TABLES 0x910000u

extern const word entries[33], access_code[SWEEP_ACCESSES + 1];
extern volatile word taken_value, taken_vector, taken_error, taken_cr2;
extern char trap_stack_top[], user_begin[], user_end[];
void access_run(word code, word address, word value, word flags, word user);
void guest_main(void);

/* ---- the processor ---- */

static uint64_t gdt[9];
static uint64_t idt[2 * (SWEEP_DONE + 1)];
static uint32_t tss[26];

/* A system descriptor; in IA-32e mode it takes the next slot too (SDM 8.2.3). */
static void system_segment(unsigned selector, uint64_t base, uint32_t limit, uint8_t type)
{
	gdt[selector / 8] = (limit & 0xffff) | (base & 0xffffff) << 16 |
			    (uint64_t)(0x80 | type) << 40 | (base >> 24 & 0xff) << 56;
#ifdef __x86_64__
	gdt[selector / 8 + 1] = base >> 32;
#endif
}

static void set_gate(unsigned vector, word handler, unsigned dpl)
{
	uint64_t low = (handler & 0xffff) | KERNEL_CS << 16 |
		       (uint64_t)(0x8e00 | dpl << 13) << 32 |
		       (uint64_t)(handler >> 16 & 0xffff) << 48;

#ifdef __x86_64__
	idt[2 * vector] = low;
	idt[2 * vector + 1] = handler >> 32;
#else
	idt[vector] = low;
#endif
}

static void set_segments(void)
{
	struct pointer gdtr = { sizeof(gdt) - 1, (word)gdt };
	struct pointer idtr = { sizeof(idt) - 1, (word)idt };
	word trap_stack = (word)trap_stack_top;

	gdt[1] = sizeof(word) == 8 ? 0x00af9b000000ffff : 0x00cf9b000000ffff;
	gdt[2] = 0x00cf93000000ffff;
	gdt[3] = 0x00cff3000000ffff;
	gdt[4] = sizeof(word) == 8 ? 0x00affb000000ffff : 0x00cffb000000ffff;
	tss[1] = (uint32_t)trap_stack; /* ESP0, and the low half of RSP0 */
	tss[2] = sizeof(word) == 8 ? 0 : 0x10;
	system_segment(TSS, (word)tss, sizeof(tss) - 1, 9);
	system_segment(LDT, TEST_VA, 0xfff, 2);
	for (unsigned v = 0; v < 32; v++)
		set_gate(v, entries[v], 0);
	set_gate(SWEEP_DONE, entries[32], 3);
	__asm__ volatile("lgdt %0\n\tlidt %1" : : "m"(gdtr), "m"(idtr));
	__asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %1, %%ss"
			 :
			 : "r"(DATA), "r"(0x10));
#ifdef __x86_64__
	__asm__ volatile("pushq %0\n\tpushq $1f\n\tlretq\n1:" : : "i"(KERNEL_CS));
#else
	__asm__ volatile("ljmp %0, $1f\n1:" : : "i"(KERNEL_CS));
#endif
	__asm__ volatile("ltr %w0\n\tlldt %w1" : : "r"(TSS), "r"(LDT));
}

/* ---- tables ---- */

static void put_entry(enum sweep_mode mode, uint32_t pa, uint64_t value)
{
	if (mode == SWEEP_2LEVEL)
		*(volatile uint32_t *)(word)pa = (uint32_t)value;
	else
		*(volatile uint64_t *)(word)pa = value;
}

static uint64_t get_entry(enum sweep_mode mode, uint32_t pa)
{
	return mode == SWEEP_2LEVEL ? *(volatile uint32_t *)(word)pa
				    : *(volatile uint64_t *)(word)pa;
}

static void clear(uint32_t pa, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i += 4)
		*(volatile uint32_t *)(word)(pa + i) = 0;
}

/* The guest itself, one to one, for supervisors; for users the pages of user_begin. */
static void map_own_pages(enum sweep_mode mode, uint32_t tables)
{
	uint32_t size = mode == SWEEP_2LEVEL ? 4 : 8;

	for (uint32_t pa = 0; pa < OWN_BYTES; pa += 4096) {
		bool user = pa >= (word)user_begin && pa < (word)user_end;

		put_entry(mode, tables + pa / 4096 * size,
			  pa | SWEEP_P | SWEEP_RW | SWEEP_A | SWEEP_D |
				  (user ? SWEEP_US : 0));
	}
}

/* Tables of the guest's own beside those of the test address, under one root. */
static void build_tables(enum sweep_mode mode)
{
	uint32_t size = mode == SWEEP_2LEVEL ? 4 : 8, directory = SWEEP_TABLE(2);
	uint32_t pages = OWN_TABLES + 0x2000;

	clear(SWEEP_TABLE(1), 4 * 4096);
	clear(OWN_TABLES, 0x2000);
	map_own_pages(mode, pages);
	if (mode == SWEEP_PAE) {
		directory = OWN_TABLES;
		put_entry(mode, SWEEP_PDPT, OWN_TABLES | SWEEP_P);
	} else if (mode == SWEEP_4LEVEL) {
		directory = OWN_TABLES;
		put_entry(mode, SWEEP_TABLE(4), (OWN_TABLES + 0x1000) | SWEEP_ALL);
		put_entry(mode, OWN_TABLES + 0x1000, OWN_TABLES | SWEEP_ALL);
	}
	for (uint32_t i = 0; i < OWN_BYTES / 4096 * size / 4096; i++)
		put_entry(mode, directory + i * size, (pages + i * 4096) | SWEEP_ALL);
}

/* ---- the page that is reached ---- */

static void fill_page(word at, uint32_t marker)
{
	volatile uint8_t *page = (volatile uint8_t *)at;

	page[SWEEP_CODE] = 0xb8; /* mov $marker, %eax */
	for (unsigned i = 0; i < 4; i++)
		page[SWEEP_CODE + 1 + i] = (uint8_t)(marker >> 8 * i);
	page[SWEEP_CODE + 5] = 0xcd; /* int $SWEEP_DONE */
	page[SWEEP_CODE + 6] = SWEEP_DONE;
	*(volatile uint32_t *)(at + SWEEP_DATA) = marker;
	*(volatile uint32_t *)(at + SWEEP_STORE) = 0;
	*(volatile uint64_t *)(at + SWEEP_ACCESSED) = SWEEP_DESCRIPTOR | SWEEP_BIT(40);
	*(volatile uint64_t *)(at + SWEEP_UNACCESSED) = SWEEP_DESCRIPTOR;
}

/* The page at SWEEP_HIGH is beyond a 32-bit guest's own map: by way of PSE-36. */
static void fill_high_page(void)
{
	uint32_t entry = sweep_entry_pa(SWEEP_2LEVEL, 2);

	write_cr4(0x10);
	put_entry(SWEEP_2LEVEL, entry, SWEEP_LARGE | SWEEP_BIT(13));
	write_cr3(sweep_root(SWEEP_2LEVEL));
	fill_page(SWEEP_VA32, SWEEP_HIGH_MARKER);
	put_entry(SWEEP_2LEVEL, entry, 0);
}

/* Which page an access that went through has met; undoes what it did there. */
static char reached(enum sweep_kind kind)
{
	volatile uint32_t *store = (volatile uint32_t *)(SWEEP_FRAME + SWEEP_STORE);
	volatile uint32_t *descriptor =
		(volatile uint32_t *)(SWEEP_FRAME + SWEEP_UNACCESSED + 4);
	bool low;

	switch (kind) {
	case SWEEP_READ:
	case SWEEP_FETCH:
		low = (uint32_t)taken_value == SWEEP_MARKER;
		return low ? 'l' : (uint32_t)taken_value == SWEEP_HIGH_MARKER ? 'h' : 'n';
	case SWEEP_WRITE:
		low = *store == SWEEP_STORED;
		*store = 0;
		return low ? 'l' : 'n';
	case SWEEP_MARK_SEGMENT:
		low = *descriptor >> 8 & 1;
		*descriptor = (uint32_t)(SWEEP_DESCRIPTOR >> 32);
		return low ? 'l' : 'n';
	default:
		return '-';
	}
}

/* ---- one case ---- */

static void set_control(enum sweep_mode mode, uint32_t control)
{
	word cr4 = mode == SWEEP_2LEVEL ? 0 : 0x20;

	cr4 |= control & SWEEP_PSE ? 0x10 : 0;
	cr4 |= control & SWEEP_SMEP ? 1u << 20 : 0;
	cr4 |= control & SWEEP_SMAP ? 1u << 21 : 0;
	write_cr4(cr4);
	write_cr0((read_cr0() & ~(word)0x10000) | (control & SWEEP_WP ? 0x10000 : 0));
	write_msr(0xc0000080, (read_msr(0xc0000080) & ~UINT64_C(0x800)) |
				      (control & SWEEP_NXE ? 0x800 : 0));
}

static void do_access(const struct sweep_case *c)
{
	enum sweep_kind kind = SWEEP_KIND(c->access);
	uint32_t offset = sweep_offset(kind);
	word value = kind == SWEEP_WRITE ? SWEEP_STORED
					 : offset | 7; /* a selector: LDT, RPL 3 */

	access_run(access_code[c->access], TEST_VA + offset, value,
		   2 | (c->control & SWEEP_AC ? 1u << 18 : 0), SWEEP_USER(c->access));
	__asm__ volatile("mov %0, %%fs" : : "r"(0));
}

static void run_case(const struct sweep *sweep, const struct sweep_case *c,
		     struct sweep_result *result, uint32_t *hash)
{
	unsigned levels = sweep_levels(sweep->mode);
	uint64_t changed;

	for (unsigned l = 1; l <= levels; l++) {
		uint32_t pa = sweep_entry_pa(sweep->mode, l);

		put_entry(sweep->mode, pa, c->entry[l]);
		*hash = sweep_hash(*hash, get_entry(sweep->mode, pa));
	}
	*result = (struct sweep_result){ .outcome = 'C', .reached = ' ' };
	access_run(access_code[SWEEP_ACCESSES], sweep_root(sweep->mode), 0, 2, 0);
	if (taken_vector == SWEEP_DONE) {
		do_access(c);
		if (taken_vector == SWEEP_DONE) {
			result->outcome = '.';
			result->reached = reached(SWEEP_KIND(c->access));
		} else {
			result->outcome = taken_vector == 14 ? 'P' : 'G';
			result->error = (uint8_t)taken_error;
			result->cr2 = taken_cr2 >> 12 == TEST_VA >> 12 ? taken_cr2 & 0xfff
								       : 0xfff;
		}
	}
	for (unsigned l = 1; l <= levels; l++) {
		changed = get_entry(sweep->mode, sweep_entry_pa(sweep->mode, l)) ^
			  c->entry[l];
		result->flags |= (changed >> 5 & 3) << 2 * (l - 1);
	}
}

static void put_result(const struct sweep_result *result)
{
	put_char(result->outcome);
	if (result->outcome == '.') {
		put_char(result->reached);
	} else if (result->outcome != 'C') {
		put_hex(result->error, 2);
		put_hex(result->cr2, 3);
	}
	put_hex(result->flags, 2);
	put_char('\n');
}

static void run_sweep(unsigned number)
{
	const struct sweep *sweep = &sweeps[number];
	uint32_t hash = SWEEP_HASH_START, control = ~0u;
	struct sweep_result result;
	struct sweep_case c;

	put_text("sweep ");
	put_hex(number, 2);
	put_char('\n');
	for (uint32_t n = 0; n < sweep_cases(sweep); n++) {
		if (!sweep_case(sweep, n, &c))
			continue;
		if (control != c.control)
			set_control(sweep->mode, c.control);
		control = c.control;
		run_case(sweep, &c, &result, &hash);
		put_result(&result);
	}
	put_text("hash ");
	put_hex(hash, 8);
	put_char('\n');
}

/* All sweeps of one mode, which stays on from then. */
static void run_mode(enum sweep_mode mode)
{
	if (sizeof(word) == 4)
		write_cr0(read_cr0() & 0x7fffffff);
	build_tables(mode);
	if (sizeof(word) == 4)
		write_cr4(mode == SWEEP_PAE ? 0x20 : 0);
	write_cr3(sweep_root(mode));
	write_cr0(read_cr0() | 0x80000000);
	fill_page(SWEEP_FRAME, SWEEP_MARKER);
	if (mode == SWEEP_2LEVEL)
		fill_high_page();
	for (unsigned i = 0; i < SWEEPS; i++)
		if (sweeps[i].mode == mode)
			run_sweep(i);
}

void guest_main(void)
{
	set_segments();
	put_text("maxphyaddr ");
	put_hex(cpuid(0x80000008, 0, 0) & 0xff, 2);
	put_text("\nfeatures ");
	put_hex(cpuid(7, 0, 1), 8); /* SMEP is bit 7, SMAP bit 20 */
	put_char(' ');
	put_hex(cpuid(0x80000001, 0, 3), 8); /* NX is bit 20, 1 GiB pages bit 26 */
	put_char('\n');
	if (sizeof(word) == 4) {
		run_mode(SWEEP_2LEVEL);
		run_mode(SWEEP_PAE);
	} else {
		run_mode(SWEEP_4LEVEL);
	}
	leave();
}
