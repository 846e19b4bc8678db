/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the processor looks: the gates of the IDT, and the TSS's stack for ring 0. */
#ifndef MACHINE_KERNEL_GATES_H
#define MACHINE_KERNEL_GATES_H

#include "machine/kernel/internal.h"

void gate_put(struct kernel *kernel, unsigned vector, unsigned type, uint16_t selector,
	      uint64_t handler, unsigned dpl, unsigned ist);
/* An interrupt gate to kernel code. */
void gate_write(struct kernel *kernel, unsigned vector, uint64_t handler, unsigned dpl);
/* Where it leads. */
uint64_t gate_read(struct kernel *kernel, unsigned vector);

/* TSS.ESP0, RSP0. */
uint64_t tss_stack(struct kernel *kernel, const struct processor *processor);
void tss_set_stack(struct kernel *kernel, const struct processor *processor, uint64_t sp);

#endif
