/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest without a kernel that does the phases of sweep_speed.h one after the other. */
#include "sweep_storm.h"
#include "sweep_guest.h"
#include "sweep_speed.h"

#define DIRECTORY SWEEP_TABLE(2)
#define TABLES 0x1000000u    /* one page table after the other, for SPEED_RAM */
#define STACK_RAM 0x4000000u /* what the storm runs through */
#define STACK 0xb0000000u    /* there; nothing is mapped below it */
#define LARGE 0x400000u      /* what one page table maps */
#define PROBED 0x700000u     /* a page that leads to another frame for a moment */
#define OTHER 0x600000u
#define STEP (1657u * 4096) /* an odd number of pages: all are visited */

extern volatile word storm_left_sp;
extern char storm_double_fault[];
void storm_run(word sp, word address, word flags, word user);
void guest_main(void);

static void map(uint32_t va, uint32_t pa, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i += LARGE)
		put(0, DIRECTORY + (va + i) / LARGE * 4,
		    (TABLES + (pa + i) / 1024) | STORM_USED, 4);
}

static void build(void)
{
	struct storm_builder builder = { .mode = SWEEP_2LEVEL,
					 .put = put,
					 .df_handler = (word)storm_double_fault };
	struct storm storm = { .offset = 0 };

	storm_clear(&builder, DIRECTORY, 4096);
	storm_clear(&builder, STORM_GDT, 4 * 4096);
	for (uint32_t pa = 0; pa < SPEED_RAM; pa += 4096)
		put(0, TABLES + pa / 1024, pa | STORM_USED | SWEEP_D, 4);
	map(0, 0, SPEED_RAM);
	map(SPEED_DIRECT, 0, SPEED_RAM);
	map(STACK, STACK_RAM, SPEED_FRAMES * 16);
	storm_build_segments(&builder, &storm);
	storm_build_task(&builder, DIRECTORY);
	storm_gate(&builder, 14, 14, STORM_KERNEL_CS, STORM_HANDLER, 0);
	storm_gate(&builder, 8, 5, STORM_DF_TR, 0, 0);
}

static bool obeys_tables(void)
{
	volatile uint32_t *probed = (volatile uint32_t *)(SPEED_DIRECT + PROBED);
	bool obeys;

	put(0, OTHER, SWEEP_MARKER, 4);
	put(0, PROBED, 0, 4);
	put(0, TABLES + PROBED / 1024, OTHER | STORM_USED | SWEEP_D, 4);
	write_cr3(DIRECTORY);
	obeys = *probed == SWEEP_MARKER;
	put(0, TABLES + PROBED / 1024, PROBED | STORM_USED | SWEEP_D, 4);
	write_cr3(DIRECTORY);
	return obeys;
}

/* ---- the phases ---- */

static void loop(uint32_t pages, uint32_t n)
{
	for (uint32_t at = 0; n; n--) {
		at = (at + STEP) & (pages * 4096 - 1);
		__asm__ volatile("" : "+r"(at));
	}
}

static void read_pages(uint32_t pages, uint32_t n)
{
	for (uint32_t at = 0; n; n--) {
		at = (at + STEP) & (pages * 4096 - 1);
		(void)*(volatile uint32_t *)(SPEED_DIRECT + at);
	}
}

/*
 * QEMU's TLB doubles where a flush finds it used: accel/tcg/cputlb.c,
 * tlb_mmu_resize_locked().
 */
static void grow_tlb(void)
{
	for (unsigned i = 0; i < 8; i++) {
		read_pages(4096, 4096);
		write_cr3(DIRECTORY);
	}
}

/* False: it did not end where the stack does. */
static bool storm(void)
{
	storm_run(STACK + SPEED_FRAMES * 16, (word)STORM_TOUCHED, 2, 0);
	return storm_left_sp == STACK;
}

static bool run(enum speed_phase phase)
{
	switch (phase) {
	case SPEED_LOOP:
		loop(64, SPEED_READS);
		break;
	case SPEED_HITS_64:
		read_pages(64, SPEED_READS);
		break;
	case SPEED_HITS_4096:
		read_pages(4096, SPEED_READS);
		break;
	case SPEED_WALKS:
		for (unsigned i = 0; i < SPEED_WALK_ROUNDS; i++) {
			write_cr3(DIRECTORY);
			read_pages(SPEED_WALK_PAGES, SPEED_WALK_PAGES);
		}
		break;
	default:
		return storm();
	}
	return true;
}

void guest_main(void)
{
	build();
	load_tables(STORM_GDT, STORM_IDT, STORM_KERNEL_CS, STORM_KERNEL_DS, STORM_TR);
	write_cr3(DIRECTORY);
	write_cr0(read_cr0() | 0x80000000);
	out8(COM1, obeys_tables() ? SPEED_OBEYS : SPEED_IGNORES);
	for (enum speed_phase phase = 0; phase < SPEED_PHASES; phase++) {
		if (phase == SPEED_HITS_4096)
			grow_tlb();
		out8(COM1, SPEED_BEGIN);
		if (!run(phase))
			break;
		out8(COM1, SPEED_END);
	}
	out8(DEBUG_EXIT, 0);
}
