/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "torture/dump.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

static bool refuse(const char *path, const char *what)
{
	fprintf(stderr, "%s: %s\n", path, what);
	return false;
}

static bool copy_bytes(int from, int to, uint64_t size)
{
	void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, from, 0);
	bool copied;

	if (bytes == MAP_FAILED)
		return false;
	copied = pwrite(to, bytes, size, 0) == (ssize_t)size;
	munmap(bytes, size);
	return copied;
}

static bool read_headers(struct dump *dump)
{
	size_t size;

	if (pread(dump->fd, &dump->header, sizeof(dump->header), 0) !=
		    sizeof(dump->header) ||
	    dump->header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    dump->header.e_phnum == PN_XNUM)
		return false;
	dump->nloads = dump->header.e_phnum;
	size = dump->nloads * sizeof(*dump->load);
	dump->load = malloc(size);
	return dump->load && pread(dump->fd, dump->load, size,
				   (off_t)dump->header.e_phoff) == (ssize_t)size;
}

bool dump_open(struct dump *dump, const char *path)
{
	int original = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool copied;

	*dump = (struct dump){ .fd = memfd_create("dump", 0) };
	if (original < 0 || dump->fd < 0 || fstat(original, &st))
		return refuse(path, "cannot be opened");
	dump->size = (uint64_t)st.st_size;
	copied = copy_bytes(original, dump->fd, dump->size);
	close(original);
	if (!copied || !read_headers(dump))
		return refuse(path, "is no ELF core of 64 bits that can be copied");
	snprintf(dump->path, sizeof(dump->path), "/proc/self/fd/%d", dump->fd);
	return true;
}

void dump_close(struct dump *dump)
{
	free(dump->load);
	close(dump->fd);
}

/* What is left of a piece of memory on both sides: 0, 1 or 2 pieces. */
static size_t cut(const Elf64_Phdr *load, uint64_t pa, uint64_t last, Elf64_Phdr out[2])
{
	uint64_t end = load->p_paddr + load->p_filesz;
	size_t n = 0;

	if (load->p_type != PT_LOAD || last < load->p_paddr || pa >= end) {
		out[n++] = *load;
		return n;
	}
	if (pa > load->p_paddr) {
		out[n] = *load;
		out[n].p_filesz = pa - load->p_paddr;
		out[n++].p_memsz = pa - load->p_paddr;
	}
	if (last < end - 1) {
		uint64_t gone = last + 1 - load->p_paddr;

		out[n] = *load;
		out[n].p_paddr += gone;
		out[n].p_offset += gone;
		out[n].p_filesz -= gone;
		out[n++].p_memsz -= gone;
	}
	return n;
}

/* What is left of all, in memory of its own; *n: how many pieces. NULL: memory is short. */
static Elf64_Phdr *cut_all(const Elf64_Phdr *load, const struct dump_piece *piece,
			   size_t *n)
{
	Elf64_Phdr *left = calloc(2 * *n + 1, sizeof(*left));
	size_t nleft = 0;

	for (size_t i = 0; left && i < *n; i++)
		nleft += cut(&load[i], piece->pa, piece->last, &left[nleft]);
	*n = nleft;
	return left;
}

bool dump_without(struct dump *dump, const struct dump_piece *pieces, size_t npieces)
{
	size_t n = dump->nloads, size;
	ws_autofree Elf64_Phdr *left = calloc(n, sizeof(*left));
	Elf64_Ehdr header = dump->header;

	if (left)
		memcpy(left, dump->load, n * sizeof(*left));
	for (size_t i = 0; left && i < npieces; i++) {
		Elf64_Phdr *before = left;

		left = cut_all(before, &pieces[i], &n);
		free(before);
	}
	if (!left)
		return false;
	size = n * sizeof(*left);
	header.e_phoff = (dump->size + 4095) & ~UINT64_C(4095);
	header.e_phnum = (Elf64_Half)n;
	return n < PN_XNUM &&
	       pwrite(dump->fd, &header, sizeof(header), 0) == sizeof(header) &&
	       pwrite(dump->fd, left, size, (off_t)header.e_phoff) == (ssize_t)size;
}

#define FRAME 4096

bool dump_overwrite(struct dump *dump, uint64_t pa, const uint8_t *bytes, uint8_t *before)
{
	for (size_t i = 0; i < dump->nloads; i++) {
		const Elf64_Phdr *load = &dump->load[i];
		off_t at = (off_t)(load->p_offset + (pa - load->p_paddr));

		if (load->p_type != PT_LOAD || pa < load->p_paddr ||
		    pa - load->p_paddr + FRAME > load->p_filesz)
			continue;
		return pread(dump->fd, before, FRAME, at) == FRAME &&
		       pwrite(dump->fd, bytes, FRAME, at) == FRAME;
	}
	return false;
}
