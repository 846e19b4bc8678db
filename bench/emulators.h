/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest of lab/guest/sweep_speed.h on other people's processors, with a clock. */
#ifndef BENCH_EMULATORS_H
#define BENCH_EMULATORS_H

#include "lab/guest/sweep_speed.h"

#include <stdbool.h>

struct emulation {
	bool obeys;                   /* a page is where its entry says */
	unsigned done;                /* phases, from the first */
	double seconds[SPEED_PHASES]; /* processor time of each that is done */
	char reason[160];             /* why no more are */
	double begun;                 /* processor time when the phase began */
};

/* The guest wrote a byte to COM1, at so many seconds of its processor's time. */
void emulation_hear(struct emulation *result, char byte, double seconds);

/* Runs the ELF file `guest` to its end, or as far as it goes. */
typedef void emulate_fn(const char *guest, struct emulation *result);

emulate_fn emulate_by_qemu, emulate_by_unicorn;

#endif
