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

/* Of physical memory. */
struct dump_piece {
	uint64_t pa, last;
};

/* From now on the copy lacks these pieces, which do not overlap, and no others. */
bool dump_without(struct dump *dump, const struct dump_piece *pieces, size_t n);

/* From now on those bytes lie in the frame at pa; before: what did until now. */
bool dump_overwrite(struct dump *dump, uint64_t pa, const uint8_t *bytes,
		    uint8_t *before);

#endif
