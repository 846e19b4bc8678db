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

bool dump_without(struct dump *dump, uint64_t pa, uint64_t len)
{
	ws_autofree Elf64_Phdr *left = calloc(2 * dump->nloads, sizeof(*left));
	Elf64_Ehdr header = dump->header;
	size_t n = 0, size;

	if (!left)
		return false;
	for (size_t i = 0; i < dump->nloads; i++)
		n += cut(&dump->load[i], pa, pa + len - 1, &left[n]);
	size = n * sizeof(*left);
	header.e_phoff = (dump->size + 4095) & ~UINT64_C(4095);
	header.e_phnum = (Elf64_Half)n;
	return n < PN_XNUM &&
	       pwrite(dump->fd, &header, sizeof(header), 0) == sizeof(header) &&
	       pwrite(dump->fd, left, size, (off_t)header.e_phoff) == (ssize_t)size;
}
