/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A dump with a piece of its memory left out, as a filter or a damaged disk leaves it: the
 * same file with other program headers, so that it is read the way every dump is.
 */
#ifndef TESTS_DUMP_H
#define TESTS_DUMP_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A copy of an ELF core of 64 bits, in a file without a name on any disk. */
struct dump {
	int fd;
	char path[32]; /* of the copy; good for programs that this one starts, too */
	uint64_t size; /* of the original */
	Elf64_Ehdr header;
	Elf64_Phdr *load; /* PT_NOTE among them; owned */
	size_t nloads;
};

/* Says on stderr what is wrong with the file, and gives false. */
bool dump_open(struct dump *dump, const char *path);
void dump_close(struct dump *dump);

/* From now on the copy lacks len bytes of memory at pa. */
bool dump_without(struct dump *dump, uint64_t pa, uint64_t len);

#endif
