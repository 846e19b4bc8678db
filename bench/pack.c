/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of an ELF core as other programs write it: as it lies, with holes where there is
 * none or all is zero, and by AVML.
 *
 *	pack raw|avml CORE OUT
 */
#include <elf.h>
#include <fcntl.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/bits.h"
#include "util/crc32c.h"

#define PAGE UINT64_C(4096)
#define BLOCK (UINT64_C(16) << 20) /* avml src/image.rs: a header for each */
#define CHUNK UINT64_C(65536)      /* snappy framing_format.txt: at most */
#define CHUNK_HEADER 8u            /* type, length, checksum */

struct pack {
	FILE *out;
	struct ws_crc32c crc;
};

static bool is_zero(const uint8_t *bytes, uint64_t size)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

static bool put(struct pack *p, const void *bytes, size_t size)
{
	return fwrite(bytes, size, 1, p->out) == 1;
}

/* ---- as it lies ------------------------------------------------------------------- */

static bool raw_write(struct pack *p, uint64_t pa, const uint8_t *bytes, uint64_t len)
{
	bool good = true;

	for (uint64_t at = 0; at < len && good; at += PAGE) {
		uint64_t n = len - at < PAGE ? len - at : PAGE;

		if (!is_zero(bytes + at, n))
			good = !fseeko(p->out, (off_t)(pa + at), SEEK_SET) &&
			       put(p, bytes + at, n);
	}
	return good && !fflush(p->out) && !ftruncate(fileno(p->out), (off_t)(pa + len));
}

/* ---- AVML ------------------------------------------------------------------------- */

static bool chunk_write(struct pack *p, const uint8_t *bytes, uint64_t len,
			uint64_t *written)
{
	static char packed[2 * CHUNK];
	uint8_t header[CHUNK_HEADER] = { 0 };
	size_t size = sizeof(packed);
	uint32_t sum = ws_crc32c(&p->crc, bytes, len), length;

	if (snappy_compress((const char *)bytes, len, packed, &size) != SNAPPY_OK)
		return false;
	length = (uint32_t)size + 4;
	sum = (sum >> 15 | sum << 17) + 0xa282ead8;
	memcpy(header + 1, &length, 3);
	memcpy(header + 4, &sum, 4);
	*written += sizeof(header) + size;
	return put(p, header, sizeof(header)) && put(p, packed, size);
}

static bool block_write(struct pack *p, uint64_t pa, const uint8_t *bytes, uint64_t len)
{
	static const char stream[] = "\xff\x06\0\0sNaPpY";
	const uint32_t magic[] = { 0x4c4d5641, 2 };
	const uint64_t range[] = { pa, pa + len - 1, 0 };
	uint64_t written = sizeof(stream) - 1;
	bool good = put(p, magic, sizeof(magic)) && put(p, range, sizeof(range)) &&
		    put(p, stream, sizeof(stream) - 1);

	for (uint64_t at = 0; at < len && good; at += CHUNK)
		good = chunk_write(p, bytes + at, len - at < CHUNK ? len - at : CHUNK,
				   &written);
	return good && put(p, &written, sizeof(written));
}

static bool avml_write(struct pack *p, uint64_t pa, const uint8_t *bytes, uint64_t len)
{
	bool good = true;

	for (uint64_t at = 0; at < len && good; at += BLOCK) {
		uint64_t n = len - at < BLOCK ? len - at : BLOCK;

		if (!is_zero(bytes + at, n))
			good = block_write(p, pa + at, bytes + at, n);
	}
	return good;
}

/* ---- all of it -------------------------------------------------------------------- */

static const struct {
	const char *name;
	bool (*write)(struct pack *p, uint64_t pa, const uint8_t *bytes, uint64_t len);
} forms[] = { { "raw", raw_write }, { "avml", avml_write } };

/* RAM alone: the firmware's flash, which ends at 4 GiB, no other program takes. */
static bool is_flash(const Elf64_Phdr *phdr)
{
	return phdr->p_paddr + phdr->p_filesz == UINT64_C(1) << 32;
}

static bool pack(struct pack *p, size_t form, const uint8_t *core)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)core;
	const Elf64_Phdr *phdr = (const Elf64_Phdr *)(core + header->e_phoff);
	bool good = true;

	for (unsigned i = 0; i < header->e_phnum && good; i++)
		if (phdr[i].p_type == PT_LOAD && phdr[i].p_filesz && !is_flash(&phdr[i]))
			good = forms[form].write(p, phdr[i].p_paddr,
						 core + phdr[i].p_offset,
						 phdr[i].p_filesz);
	return good;
}

int main(int argc, char **argv)
{
	struct pack p = { 0 };
	const uint8_t *core;
	size_t form = 0;
	struct stat st;
	int fd;

	while (argc == 4 && form < WS_ARRAY_SIZE(forms) &&
	       strcmp(argv[1], forms[form].name) != 0)
		form++;
	if (argc != 4 || form == WS_ARRAY_SIZE(forms)) {
		fprintf(stderr, "usage: pack raw|avml CORE OUT\n");
		return 2;
	}
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	core = fd < 0 || fstat(fd, &st)
		       ? MAP_FAILED
		       : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	p.out = fopen(argv[3], "we");
	ws_crc32c_init(&p.crc);
	if (core == MAP_FAILED || !p.out || !pack(&p, form, core) || fclose(p.out)) {
		perror("pack");
		return 1;
	}
	return 0;
}
