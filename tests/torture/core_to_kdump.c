/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * core_to_kdump CORE KDUMP: the same memory and notes as a kdump-compressed dump, its frames
 * by all codecs in turn.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mk/mk.h"
#include "util/cleanup.h"

#define BLOCK 4096u
#define PFN_MAX (UINT64_C(1) << 24) /* 64 GiB */
#define NOTES_AT (2 * BLOCK)

static const char *const codecs[] = { "zlib", "lzo", "snappy", "zstd", "plain" };

struct core {
	const uint8_t *bytes;
	size_t size;
	const Elf64_Phdr *phdr, *notes;
	unsigned nphdrs;
	uint64_t npfns;
};

static uint64_t blocks(uint64_t size)
{
	return (size + BLOCK - 1) / BLOCK;
}

static bool core_open(struct core *core, const char *path)
{
	ws_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	const Elf64_Ehdr *header;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || st.st_size < (off_t)sizeof(*header))
		return false;
	core->size = (size_t)st.st_size;
	core->bytes = mmap(NULL, core->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (core->bytes == MAP_FAILED)
		return false;
	header = (const Elf64_Ehdr *)core->bytes;
	core->phdr = (const Elf64_Phdr *)(core->bytes + header->e_phoff);
	core->nphdrs = header->e_phnum;
	for (unsigned i = 0; i < core->nphdrs; i++) {
		const Elf64_Phdr *phdr = &core->phdr[i];
		uint64_t end = (phdr->p_paddr + phdr->p_filesz) / BLOCK;

		if (phdr->p_type == PT_NOTE)
			core->notes = phdr;
		else if (phdr->p_type == PT_LOAD && end > core->npfns)
			core->npfns = end;
	}
	return core->notes && core->npfns && core->npfns < PFN_MAX;
}

/* Header, sub header, notes and both bitmaps; the cursor is then behind them. */
static bool put_headers(struct mk *mk, const struct core *core)
{
	uint64_t sub = 1 + blocks(core->notes->p_filesz);
	uint64_t bitmap = blocks((core->npfns + 7) / 8), at = (1 + sub) * BLOCK;
	ws_autofree char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool good;

	if (!f)
		return false;
	fprintf(f,
		"kdump64 sub_hdr_size=%lu bitmap_blocks=%lu max_mapnr=%lu\n"
		"at %u\nsub64 max_mapnr_64=%lu offset_note=%u size_note=%lu\n",
		sub, 2 * bitmap, core->npfns, BLOCK, core->npfns, NOTES_AT,
		core->notes->p_filesz);
	for (unsigned i = 0; i < core->nphdrs; i++)
		for (unsigned half = 0; core->phdr[i].p_type == PT_LOAD && half < 2;
		     half++)
			fprintf(f, "bits %lu %lu %lu\n", at + half * bitmap * BLOCK,
				core->phdr[i].p_paddr / BLOCK,
				core->phdr[i].p_filesz / BLOCK);
	fprintf(f, "at %lu\n", at + 2 * bitmap * BLOCK);
	good = !fclose(f) && mk_build(mk, text);
	if (good)
		memcpy(mk_room(mk, NOTES_AT, core->notes->p_filesz),
		       core->bytes + core->notes->p_offset, core->notes->p_filesz);
	return good;
}

static void put_frame(struct mk *mk, size_t n, const uint8_t *frame)
{
	uint8_t packed[2 * BLOCK];
	uint32_t flags, size;
	uint64_t at = mk->end;

	size = (uint32_t)mk_compress(codecs[n % (sizeof(codecs) / sizeof(*codecs))],
				     frame, BLOCK, packed, &flags);
	if (size >= BLOCK) /* as makedumpfile does with what does not compress */
		size = (uint32_t)mk_compress("plain", frame, BLOCK, packed, &flags);
	memcpy(mk_room(mk, mk->at, 8), &at, 8);
	memcpy(mk_room(mk, mk->at + 8, 4), &size, 4);
	memcpy(mk_room(mk, mk->at + 12, 4), &flags, 4);
	memset(mk_room(mk, mk->at + 16, 8), 0, 8);
	memcpy(mk_room(mk, mk->end, size), packed, size);
	mk->at += 24;
	mk->end += size;
}

/* Descriptors where the cursor is, frames behind them. */
static void put_frames(struct mk *mk, const struct core *core)
{
	size_t n = 0;

	for (unsigned i = 0; i < core->nphdrs; i++)
		if (core->phdr[i].p_type == PT_LOAD)
			n += core->phdr[i].p_filesz / BLOCK;
	mk->end = mk->at + blocks(n * 24) * BLOCK;
	n = 0;
	for (unsigned i = 0; i < core->nphdrs; i++)
		for (uint64_t at = 0;
		     core->phdr[i].p_type == PT_LOAD && at < core->phdr[i].p_filesz;
		     at += BLOCK)
			put_frame(mk, n++, core->bytes + core->phdr[i].p_offset + at);
}

int main(int argc, char **argv)
{
	struct core core = { 0 };
	struct mk mk = { 0 };
	FILE *out;
	bool good;

	if (argc != 3 || !core_open(&core, argv[1]) || !put_headers(&mk, &core)) {
		fprintf(stderr, "usage: core_to_kdump CORE KDUMP\n");
		return EXIT_FAILURE;
	}
	put_frames(&mk, &core);
	out = fopen(argv[2], "w");
	good = out && fwrite(mk.bytes, 1, mk.size, out) == mk.size;
	good = out && !fclose(out) && good;
	mk_release(&mk);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
