/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How fast an emulator reads memory and runs into page faults: what the guest
 * (sweep_speed.c) does, and how it says the program that holds the clock
 * (bench/emulators.c). 2-level paging; no clock of the guest's is trusted.
 */
#ifndef LAB_GUEST_SWEEP_SPEED_H
#define LAB_GUEST_SWEEP_SPEED_H

enum speed_phase {
	SPEED_LOOP, /* the instructions around a read, without it */
	SPEED_HITS_64,
	SPEED_HITS_4096,
	SPEED_WALKS,
	SPEED_STORM,
	SPEED_PHASES
};

#define SPEED_READS (1u << 26)  /* of the loop and of hits */
#define SPEED_WALK_PAGES 65536u /* all of what is mapped */
#define SPEED_WALK_ROUNDS 64u   /* a CR3 write before each */
#define SPEED_FRAMES 719796u    /* of the storm; SDM 6.12.1: 16 bytes each */

/* Physical memory: [0, SPEED_RAM), which is at SPEED_DIRECT as well. */
#define SPEED_RAM 0x10000000u
#define SPEED_DIRECT 0xc0000000u

/*
 * Bytes to COM1: first whether a page is where its entry says, or at its own address;
 * then a pair around each phase; last one to the port that ends QEMU.
 */
#define SPEED_OBEYS '+'
#define SPEED_IGNORES '-'
#define SPEED_BEGIN '('
#define SPEED_END ')'

#endif
