/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest without a kernel that runs into every storm of sweep_storm.h and prints what is
 * left of each: stack pointer, instruction pointer, flags, CR2, and a hash of the memory.
 */
#include "sweep_storm.h"
#include "sweep_guest.h"

#define SAFE_ROOT 0x940000u /* PAE: a PDPT */
/* Memory outlives the reset that a triple fault brings: how far it had come. */
#define PROGRESS ((volatile uint32_t *)0x800000)
#define PROGRESS_MAGIC 0x5eed5eedu

extern volatile word storm_left_sp, storm_left_ip, storm_left_flags, storm_left_cr2;
extern volatile word storm_safe_root;
extern char storm_kernel_fault[], storm_user_fault[], storm_double_fault[];
extern char user_begin[], user_end[];
/* Pushes start at sp; returns by way of #DF. */
void storm_run(word sp, word address, word flags, word user);
void guest_main(void);

/* The guest itself, one to one, under the case's root and under the safe one. */
static void map_own_pages(enum sweep_mode mode)
{
	uint32_t size = storm_entry_size(mode), tables = STORM_OWN + 0x2000;

	for (uint32_t pa = 0; pa < STORM_OWN_BYTES; pa += 4096) {
		bool user = pa >= (word)user_begin && pa < (word)user_end;

		put(0, tables + pa / 4096 * size,
		    pa | SWEEP_P | SWEEP_RW | SWEEP_A | SWEEP_D | (user ? SWEEP_US : 0),
		    size);
	}
}

/* Four levels at most: SAFE_ROOT, and a PDPT and a directory behind it. */
static void map_safe(enum sweep_mode mode)
{
	uint32_t size = storm_entry_size(mode), directory = SAFE_ROOT;
	uint32_t tables = STORM_OWN + 0x2000;

	for (uint32_t i = 0; i < 0x3000; i += 4)
		put(0, SAFE_ROOT + i, 0, 4);
	if (mode == SWEEP_PAE) {
		directory = SAFE_ROOT + 0x2000;
		put(0, SAFE_ROOT, directory | SWEEP_P, 8);
	} else if (mode == SWEEP_4LEVEL) {
		directory = SAFE_ROOT + 0x2000;
		put(0, SAFE_ROOT, (SAFE_ROOT + 0x1000) | SWEEP_ALL, 8);
		put(0, SAFE_ROOT + 0x1000, directory | SWEEP_ALL, 8);
	}
	for (uint32_t i = 0; i < STORM_OWN_BYTES / 4096 * size / 4096; i++)
		put(0, directory + i * size, (tables + 4096 * i) | SWEEP_ALL, size);
}

static uint32_t hash_memory(void)
{
	uint32_t hash = SWEEP_HASH_START;

	for (unsigned r = 0; r < sizeof(storm_ranges) / sizeof(*storm_ranges); r++)
		for (uint32_t i = 0; i < storm_ranges[r].frames * 4096; i += 8)
			hash = sweep_hash(
				hash,
				*(volatile uint64_t *)(word)(storm_ranges[r].pa + i));
	return hash;
}

static void put_word(word value)
{
#ifdef __x86_64__
	put_hex((uint32_t)(value >> 32), 8);
#endif
	put_hex((uint32_t)value, 8);
	put_char(' ');
}

static void run_case(enum sweep_mode mode, uint32_t n)
{
	struct storm_builder builder = { .mode = mode,
					 .put = put,
					 .df_handler = (word)storm_double_fault };
	struct storm storm;

	storm_case(mode, n, &storm);
	storm_build(&builder, &storm, SAFE_ROOT);
	load_tables(STORM_GDT, STORM_IDT, STORM_KERNEL_CS, STORM_KERNEL_DS, STORM_TR);
	write_cr0((read_cr0() & ~(word)0x10008) | (storm.wp ? 0x10000 : 0));
	write_cr3(sweep_root(mode));
	for (unsigned i = 0; i < sizeof(storm_touched) / sizeof(*storm_touched); i++) {
		volatile uint8_t *touched = (volatile uint8_t *)(word)storm_touched[i];

		*touched = *touched;
	}
	storm_run((word)storm_sp(mode, &storm), (word)STORM_TOUCHED, storm.flags,
		  storm.user);
	put_word(storm_left_sp);
	put_word(storm_left_ip);
	put_hex((uint32_t)storm_left_flags, 6);
	put_char(' ');
	put_word(storm_left_cr2);
	put_hex(hash_memory(), 8);
	put_char('\n');
}

/* SMEP is on throughout: a user page as handler is refused with P in the error code. */
static void enter_mode(enum sweep_mode mode)
{
	if (sizeof(word) == 4)
		write_cr0(read_cr0() & 0x7fffffff);
	map_own_pages(mode);
	map_safe(mode);
	write_cr4((mode == SWEEP_2LEVEL ? 0x10 : 0x20) | 1u << 20);
	storm_safe_root = SAFE_ROOT;
	write_cr3(SAFE_ROOT);
	write_cr0(read_cr0() | 0x80000000);
	put_text("storm ");
	put_hex(mode, 1);
	put_char(' ');
	put_word((word)storm_kernel_fault);
	put_word((word)storm_user_fault);
	put_word((word)storm_double_fault);
	put_char('\n');
}

/* Goes on after the case that the machine did not survive. */
static void run_mode(enum sweep_mode mode)
{
	if (PROGRESS[1] > mode)
		return;
	if (PROGRESS[1] < mode)
		PROGRESS[2] = 0;
	PROGRESS[1] = mode;
	enter_mode(mode);
	while (PROGRESS[2] < STORM_CASES) {
		uint32_t n = PROGRESS[2]++;

		put_hex(n, 4);
		put_char(' ');
		flush();
		run_case(mode, n);
	}
}

void guest_main(void)
{
	if (PROGRESS[0] == PROGRESS_MAGIC) {
		put_text("reset\n");
	} else {
		put_text("maxphyaddr ");
		put_hex(cpuid(0x80000008, 0, 0) & 0xff, 2);
		put_char('\n');
		PROGRESS[0] = PROGRESS_MAGIC;
		PROGRESS[1] = PROGRESS[2] = 0;
	}
	if (sizeof(word) == 4) {
		run_mode(SWEEP_2LEVEL);
		run_mode(SWEEP_PAE);
	} else {
		run_mode(SWEEP_4LEVEL);
	}
	leave();
}
