/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations on a model kernel that can be drawn at random, done, left out and reported
 * again as a scenario. An operation names slots, not pids: one whose slot is empty does
 * nothing, so every part of a sequence of operations is one as well, which is what
 * shrinking needs.
 */
#ifndef TESTS_KERNEL_OPS_H
#define TESTS_KERNEL_OPS_H

#include "common/random.h"
#include "machine/kernel/kernel.h"

#define OPS_PROCESSES 12
#define OPS_DRIVERS 4 /* the first one hooks the page-fault gate */
#define OPS_AREAS 4

struct op {
	uint8_t kind, a, b;
};

/* What the slots hold. */
struct world {
	struct kernel *kernel;
	unsigned cpus;
	int pid[OPS_PROCESSES]; /* slot 0: init */
	uint64_t mapping[OPS_PROCESSES];
	int file[OPS_PROCESSES]; /* fd + 1 */
	uint64_t area[OPS_AREAS];
	bool loaded[OPS_DRIVERS];
};

/* False: no memory for the kernel. */
bool world_create(struct world *world, const struct kernel_options *options);
void world_destroy(struct world *world);

struct op op_draw(struct random *random);

/* False: it did not apply. */
bool op_do(struct world *world, const struct op *op, enum kernel_outcome *outcome);

/* The first lines of a scenario, for a machine of that format. */
void world_print(FILE *to, const struct kernel_options *options, const char *format);
/* The line that does the same, in the world before it, with what came of it. */
void op_print(FILE *to, const struct world *before, const struct op *op,
	      enum kernel_outcome outcome);

#endif
