/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel made for tests: page tables, an image and an area for modules in 8 MiB of
 * memory, in which a test writes the structures it is about; and the system above it as
 * discovery would have left it.
 */
#ifndef TESTS_FAKE_KERNEL_H
#define TESTS_FAKE_KERNEL_H

#include "linux/linux.h"

#define FAKE_MEMORY (8u << 20)
#define FAKE_AREA (2u << 20) /* bytes of the image, and of the modules' area */

struct fake_kernel {
	unsigned word;
	uint64_t image, modules; /* where they begin, va */
	uint8_t *memory;         /* FAKE_MEMORY bytes from pa 0 on */
	struct ws_target target;
	struct ws_system system;
};

/* word: 4 (i386) or 8 (x86-64). */
void fake_create(struct fake_kernel *kernel, unsigned word);
void fake_destroy(struct fake_kernel *kernel);
/* Forgets what was found, for the memory has changed. */
void fake_forget(struct fake_kernel *kernel);

/*
 * x86-64: maps the image as the kernel maps its constants, not writable nor executable.
 */
void fake_image_constant(struct fake_kernel *kernel);

/* The bytes behind a va of the image or the modules' area. */
uint8_t *fake_at(const struct fake_kernel *kernel, uint64_t va);
void fake_put32(const struct fake_kernel *kernel, uint64_t va, uint32_t value);
void fake_put_word(const struct fake_kernel *kernel, uint64_t va, uint64_t value);

/* The target lacks len bytes from the page of va on; once. */
void fake_leave_out(struct fake_kernel *kernel, uint64_t va, uint64_t len);
/* An entry for the large page behind the one that has the modules' area. */
void fake_map_more(struct fake_kernel *kernel, uint64_t entry);

struct fake_symbol {
	uint64_t va;
	char type;
	const char *name;
};

/* How scripts/kallsyms.c has written its tables through the years. */
enum fake_kallsyms {
	FAKE_ABSOLUTE,  /* before 4.6 */
	FAKE_RELATIVE,  /* 4.6 */
	FAKE_PERCPU,    /* the same with --absolute-percpu */
	FAKE_REORDERED, /* 6.4 */
	FAKE_PLACE,     /* 2026: no base */
	FAKE_KALLSYMS_KINDS
};

/* Where the writer put what; va each. */
struct fake_tables {
	uint64_t num, names, names_end, token_table, token_index, addresses, base;
};

/* Writes the tables from va on. Symbols are sorted by va, as nm -n has them. */
struct fake_tables fake_kallsyms(const struct fake_kernel *kernel, uint64_t va,
				 enum fake_kallsyms kind,
				 const struct fake_symbol *symbols, uint32_t n);

/* Gives the system a VMCOREINFO that reports the tables. */
void fake_vmcoreinfo(struct fake_kernel *kernel, enum fake_kallsyms kind,
		     const struct fake_tables *tables);

#endif
