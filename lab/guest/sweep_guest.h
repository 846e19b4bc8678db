/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest without a kernel needs of the hardware: a serial port, control registers.
 */
#ifndef LAB_GUEST_SWEEP_GUEST_H
#define LAB_GUEST_SWEEP_GUEST_H

#include <stdint.h>

#ifdef __x86_64__
typedef uint64_t word;
#else
typedef uint32_t word;
#endif

#define COM1 0x3f8
#define DEBUG_EXIT 0xf4

/* ---- the serial port ---- */

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static char line[4096];
static uint32_t used;

static inline void flush(void)
{
	const char *from = line;
	word n = used;

	__asm__ volatile("rep outsb" : "+S"(from), "+c"(n) : "d"(COM1) : "memory");
	used = 0;
}

static inline void put_char(char c)
{
	line[used++] = c;
	if (used == sizeof(line))
		flush();
}

static inline void put_text(const char *text)
{
	while (*text)
		put_char(*text++);
}

static inline void put_hex(uint32_t value, unsigned digits)
{
	while (digits--)
		put_char("0123456789abcdef"[value >> 4 * digits & 15]);
}

/* ---- the processor ---- */

struct pointer {
	uint16_t limit;
	word base;
} __attribute__((packed));

static inline uint32_t cpuid(uint32_t leaf, uint32_t sub, unsigned which)
{
	uint32_t a = leaf, b, c = sub, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return which == 0 ? a : which == 1 ? b : which == 2 ? c : d;
}

static inline void write_msr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t read_msr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void write_cr0(word value)
{
	__asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline word read_cr0(void)
{
	word value;

	__asm__ volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static inline void write_cr3(word value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline void write_cr4(word value)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

/* The GDT at gdt, the IDT at idt, a page each; segments and task out of the first. */
__attribute__((always_inline)) static inline void
load_tables(word gdt, word idt, unsigned code, unsigned data, unsigned task)
{
	struct pointer gdtr = { 0xfff, gdt }, idtr = { 0xfff, idt };

	__asm__ volatile("lgdt %0\n\tlidt %1" : : "m"(gdtr), "m"(idtr));
	__asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%ss" : : "r"(data));
#ifdef __x86_64__
	__asm__ volatile("pushq %0\n\tpushq $1f\n\tlretq\n1:" : : "i"(code));
#else
	__asm__ volatile("ljmp %0, $1f\n1:" : : "i"(code));
#endif
	__asm__ volatile("ltr %w0" : : "r"(task));
}

/* ---- memory ---- */

/* A paging-structure entry or word of a table at once, as one that is in use needs it. */
static inline void put(void *arg, uint32_t pa, uint64_t value, unsigned size)
{
	(void)arg;
	if (size == 4)
		*(volatile uint32_t *)(word)pa = (uint32_t)value;
	else
		*(volatile uint64_t *)(word)pa = value;
}

/* Ends QEMU, with status 1. */
static inline void leave(void)
{
	put_text("end\n");
	flush();
	out8(DEBUG_EXIT, 0);
}

#endif
