/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases held beside QEMU: how many agree, and which departures the others have. */
#ifndef TESTS_MACHINE_TALLY_H
#define TESTS_MACHINE_TALLY_H

#include "machine/machine.h"

#include <stdbool.h>
#include <stdint.h>

#define TALLY_REASONS 64 /* distinct sets of departures that can be counted */

/* Zeroed but for the departures that QEMU may have: nothing counted. */
struct tally {
	uint32_t tcg;
	uint32_t cases, agree, differ;
	uint32_t departures[TALLY_REASONS], count[TALLY_REASONS];
	unsigned nreasons;
};

/* The departures of the QEMU that wrote a log: "10.0" as it names itself. */
uint32_t tally_tcg(const char *version);

/* Whether a machine with these departures gives QEMU's result. */
typedef bool tally_fn(void *arg, uint32_t departures);

/*
 * Counts one case: the manual's machine agrees, or else the fewest departures that give
 * QEMU's result name the exception. False: nothing gives it.
 */
bool tally_case(struct tally *tally, tally_fn *agrees, void *arg);

/* "NAME: 12 cases, 10 agree; 2 depart: rsvd-without-p (SDM 4.7)", no newline. */
void tally_print(const struct tally *tally, const char *name);

#endif
