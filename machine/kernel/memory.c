/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's private work on its own data: by physical address, which is the direct
 * map, or through init_mm's tables. It faults nowhere and leaves no trace in a TLB; what
 * belongs to the story goes through a processor instead.
 */
#include "machine/kernel/pgtable.h"
#include "machine/memory.h"

#include <string.h>

uint64_t pa_get(struct kernel *kernel, uint64_t pa, unsigned size)
{
	if (pa % PAGE + size > PAGE) {
		uint8_t bytes[8] = { 0 };

		machine_memory_read(kernel->memory, pa, bytes, size);
		return load_le(bytes, size);
	}
	return memory_load(kernel->memory, pa, size);
}

void pa_put(struct kernel *kernel, uint64_t pa, unsigned size, uint64_t value)
{
	uint8_t bytes[8];

	if (pa % PAGE + size <= PAGE) {
		memory_store(kernel->memory, pa, size, value, MACHINE_WROTE_DATA);
		return;
	}
	store_le(bytes, size, value);
	machine_memory_write(kernel->memory, pa, bytes, size);
}

uint64_t va_pa(struct kernel *kernel, uint64_t va)
{
	const struct layout *l = &kernel->layout;

	if (va >= l->page_offset && va - l->page_offset < kernel->options.ram)
		return va - l->page_offset;
	if (va >= l->image && va - l->image < l->image_size)
		return va - l->image + l->image_pa;
	return pgtable_walk(kernel, kernel->swapper, va).pa;
}

uint64_t va_get(struct kernel *kernel, uint64_t va, unsigned size)
{
	uint8_t bytes[8] = { 0 };

	va_read(kernel, va, bytes, size);
	return load_le(bytes, size);
}

void va_put(struct kernel *kernel, uint64_t va, unsigned size, uint64_t value)
{
	uint8_t bytes[8];

	store_le(bytes, size, value);
	va_write(kernel, va, bytes, size);
}

static size_t within_page(uint64_t va, size_t len)
{
	size_t rest = PAGE - va % PAGE;

	return len < rest ? len : rest;
}

void va_read(struct kernel *kernel, uint64_t va, void *buf, size_t len)
{
	uint8_t *to = buf;

	for (size_t n; len; va += n, to += n, len -= n) {
		uint64_t pa = va_pa(kernel, va);

		n = within_page(va, len);
		if (pa != NO_PA)
			machine_memory_read(kernel->memory, pa, to, n);
		else
			memset(to, 0, n);
	}
}

void va_write(struct kernel *kernel, uint64_t va, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	for (size_t n; len; va += n, from += n, len -= n) {
		uint64_t pa = va_pa(kernel, va);

		n = within_page(va, len);
		if (pa != NO_PA)
			machine_memory_write(kernel->memory, pa, from, n);
	}
}
