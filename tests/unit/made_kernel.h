/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel made for tests of what an architecture's folder says: memory at 1 GiB, page
 * tables in any format, symbols, spaces, and the system above it as discovery would have
 * left it. A test maps and writes what it is about, and runs one family of rules.
 */
#ifndef TESTS_MADE_KERNEL_H
#define TESTS_MADE_KERNEL_H

#include "audit/rule.h"

#define MADE_RAM UINT64_C(0x40000000)
#define MADE_MEMORY (8u << 20)

struct made_kernel {
	uint8_t *memory; /* MADE_MEMORY bytes from MADE_RAM on */
	uint64_t free;   /* pa of what no table has taken */
	struct ws_target target;
	struct ws_system system;
	struct ws_audit *audit; /* of the last run */
};

enum made_rights { MADE_NOTHING, MADE_CODE, MADE_DATA, MADE_CONSTANT };

/* Its reference is an empty root; direct: where the direct map has MADE_RAM. */
void made_create(struct made_kernel *kernel, const char *format, unsigned word,
		 uint64_t direct);
void made_destroy(struct made_kernel *kernel);

/* An empty root. */
uint64_t made_root(struct made_kernel *kernel);
/* One page, by a table at each level; MADE_NOTHING takes its entry away. */
void made_map(struct made_kernel *kernel, uint64_t root, uint64_t va, uint64_t pa,
	      enum made_rights rights);
/* A space of that kind; the first is init_mm's, with the reference. */
uint32_t made_space(struct made_kernel *kernel, enum ws_space_kind kind, uint64_t root);

void made_symbol(struct made_kernel *kernel, const char *name, uint64_t va, char type);
void made_put32(struct made_kernel *kernel, uint64_t pa, uint32_t value);
void made_put_word(struct made_kernel *kernel, uint64_t pa, uint64_t value);
/* The target lacks that frame from now on; once. */
void made_leave_out(struct made_kernel *kernel, uint64_t pa);

/* Runs a family anew, on memory as it is. */
void made_run(struct made_kernel *kernel, const struct ws_family *family);
/* How many findings of a rule there are, about that space; WS_NO_SPACE: about any. */
unsigned made_count(const struct made_kernel *kernel, const char *rule, uint32_t space);
unsigned made_findings(const struct made_kernel *kernel);
/* Whether some finding, note or lack of the last run has those words. */
bool made_finds(const struct made_kernel *kernel, const char *words);
bool made_notes(const struct made_kernel *kernel, const char *words);
bool made_lacks(const struct made_kernel *kernel, const char *words);

#endif
