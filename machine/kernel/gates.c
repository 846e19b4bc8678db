/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptor tables as memory holds them: the gates of the IDT, the stack of a TSS. */
#include "machine/kernel/gates.h"

static uint64_t gate_va(const struct kernel *kernel, unsigned vector)
{
	return kernel->idt + vector * 2 * kernel->layout.word;
}

void gate_put(struct kernel *kernel, unsigned vector, unsigned type, uint16_t selector,
	      uint64_t handler, unsigned dpl, unsigned ist)
{
	uint64_t low = (handler & 0xffff) | (uint64_t)selector << 16 |
		       (uint64_t)ist << 32 | (uint64_t)type << 40 | (uint64_t)dpl << 45 |
		       BIT(47) | (handler & 0xffff0000) << 32;

	va_put(kernel, gate_va(kernel, vector), 8, low);
	if (kernel->layout.word == 8)
		va_put(kernel, gate_va(kernel, vector) + 8, 8, handler >> 32);
}

void gate_write(struct kernel *kernel, unsigned vector, uint64_t handler, unsigned dpl)
{
	gate_put(kernel, vector, TYPE_INTERRUPT, kernel->layout.kernel_cs, handler, dpl,
		 0);
}

uint64_t gate_read(struct kernel *kernel, unsigned vector)
{
	uint64_t low = va_get(kernel, gate_va(kernel, vector), 8), high = 0;

	if (kernel->layout.word == 8)
		high = va_get(kernel, gate_va(kernel, vector) + 8, 4) << 32;
	return (low & 0xffff) | (low >> 32 & 0xffff0000) | high;
}

uint64_t tss_stack(struct kernel *kernel, const struct processor *processor)
{
	return va_get(kernel, processor->tss + 4, kernel->layout.word);
}

void tss_set_stack(struct kernel *kernel, const struct processor *processor, uint64_t sp)
{
	va_put(kernel, processor->tss + 4, kernel->layout.word, sp);
	if (kernel->layout.word == 4)
		va_put(kernel, processor->tss + 8, 2, kernel->layout.kernel_ds);
}
