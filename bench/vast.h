/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ELF core of a large x86-64 machine that never ran: a kernel half, tasks and mms in
 * slabs, and for each process page tables of its own, as many as a small program has. It
 * lies in memory, in a file without a name, whose holes are what such a machine leaves
 * unused.
 */
#ifndef BENCH_VAST_H
#define BENCH_VAST_H

#include <stdbool.h>
#include <stdint.h>

struct vast {
	uint64_t gib;  /* of memory, holes and all */
	uint64_t data; /* bytes that are in no hole, at least */
	unsigned nprocesses;
};

/* Its file descriptor; below 0: it could not be made, and errno says why. */
int vast_make(const struct vast *vast);

#endif
