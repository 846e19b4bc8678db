/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libaddrxlat, the address translation of libkdumpfile, set up to walk page tables from
 * a root and nothing more: no operating system, no symbols. An independent voice for the
 * tests, and what the benchmark runs beside.
 */
#ifndef TESTS_ADDRXLAT_H
#define TESTS_ADDRXLAT_H

#include "whosees.h"

#include <libkdumpfile/addrxlat.h>

struct addrxlat {
	addrxlat_ctx_t *ctx;
	addrxlat_meth_t meth;
	addrxlat_step_t step; /* of the last walk */
};

/* Whether it has this format; of this version not those of 32-bit ARM and of RISC-V. */
bool addrxlat_knows(const struct ws_format *format);

/* paging must outlive it: memory is read through it. False when memory is short. */
bool addrxlat_open(struct addrxlat *x, const struct ws_paging *paging);
void addrxlat_close(struct addrxlat *x);

/* Translates va; the physical address is in x->step.base.addr on ADDRXLAT_OK. */
addrxlat_status addrxlat_translate(struct addrxlat *x, uint64_t root, uint64_t va);

/* The same, a step at a time: the raw entries go to entry[], their number to *n. */
addrxlat_status addrxlat_steps(struct addrxlat *x, uint64_t root, uint64_t va,
			       uint64_t entry[ADDRXLAT_FIELDS_MAX], unsigned *n);

#endif
