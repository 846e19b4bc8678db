/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much memory may be taken for a target: for what is kept of it, for the tables that say
 * where it lies, for what unpacks it, and for what is found in it. Who makes a dump decides how
 * much all that would be; who opens it, how much it may be.
 */
#ifndef WS_TARGET_BUDGET_H
#define WS_TARGET_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: as much as there is. */
struct ws_budget {
	uint64_t limit; /* bytes; 0: none */
	uint64_t taken;
	bool spent; /* more was asked for */
};

/* A quarter of this machine's memory; 0: it is not known. */
uint64_t ws_budget_usual(void);

/* Whether so many more may be taken; if so they are. For one thread at a time. */
bool ws_budget_take(struct ws_budget *budget, uint64_t bytes);
void ws_budget_give(struct ws_budget *budget, uint64_t bytes);

#endif
