/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ELF cores of whole machines, both classes: /proc/vmcore, QEMU's dump-guest-memory,
 * virsh dump, our own captures. Physical memory is PT_LOAD at p_paddr; registers and
 * VMCOREINFO are PT_NOTE.
 *
 * Bytes of a segment past p_filesz are taken as left out, not as zero: makedumpfile -E
 * ends segments so where it filtered frames, whatever these held. Of a file that is cut
 * off the segments are read as far as it goes.
 *
 * The two classes differ in where a field is and how wide an address is, so they are
 * two rows, and every field is checked against the file before it is believed. (libelf
 * would clip a program header table that reaches past the file without a word.)
 */
#include "target/target.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "util/bits.h"

struct elf_class {
	uint8_t address; /* bytes in an address, an offset and a size */
	uint16_t ehdr, e_type, e_machine, e_phoff, e_shoff, e_phentsize, e_phnum, e_shnum;
	uint16_t phdr, p_type, p_offset, p_paddr, p_filesz, p_memsz;
	uint16_t shdr, sh_info;
};

#define FIELD(bits, header, field) .field = offsetof(Elf##bits##_##header, field)
#define ELF_CLASS(bits)                                                                \
	{                                                                              \
		.address = sizeof(Elf##bits##_Addr), .ehdr = sizeof(Elf##bits##_Ehdr), \
		.phdr = sizeof(Elf##bits##_Phdr), .shdr = sizeof(Elf##bits##_Shdr),    \
		FIELD(bits, Ehdr, e_type), FIELD(bits, Ehdr, e_machine),               \
		FIELD(bits, Ehdr, e_phoff), FIELD(bits, Ehdr, e_shoff),                \
		FIELD(bits, Ehdr, e_phentsize), FIELD(bits, Ehdr, e_phnum),            \
		FIELD(bits, Ehdr, e_shnum), FIELD(bits, Phdr, p_type),                 \
		FIELD(bits, Phdr, p_offset), FIELD(bits, Phdr, p_paddr),               \
		FIELD(bits, Phdr, p_filesz), FIELD(bits, Phdr, p_memsz),               \
		FIELD(bits, Shdr, sh_info)                                             \
	}

static const struct elf_class elf_classes[] = {
	[ELFCLASS32] = ELF_CLASS(32),
	[ELFCLASS64] = ELF_CLASS(64),
};

struct segment {
	uint64_t index, header; /* of its program header; header is a file offset */
	uint32_t type;
	uint64_t offset, pa, filesz, memsz;
};

/* What the segments are together. */
struct core {
	const struct elf_class *class;
	uint64_t phoff, phnum;
	unsigned nloads;
	bool physical; /* some p_paddr is not 0 */
};

static uint64_t load_address(const struct elf_class *class, const uint8_t *p)
{
	return class->address == 8 ? ws_le64(p) : ws_le32(p);
}

static bool elf_probe(const struct ws_file *file)
{
	return file->size >= SELFMAG && !memcmp(file->data, ELFMAG, SELFMAG);
}

static enum ws_status header_check(struct ws_target *target, struct core *core)
{
	const char *path = target->file.path;
	const uint8_t *ehdr = target->file.data;
	uint16_t type, machine;
	enum ws_status status;

	if ((status = ws_target_need(target, 0, EI_NIDENT, "ELF header")))
		return status;
	if (!elf_probe(&target->file))
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: no ELF magic at file offset 0", path);
	if (ehdr[EI_CLASS] != ELFCLASS32 && ehdr[EI_CLASS] != ELFCLASS64)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: ELF class %u at file offset %#x is neither 32- nor "
			       "64-bit",
			       path, ehdr[EI_CLASS], EI_CLASS);
	if (ehdr[EI_DATA] != ELFDATA2LSB)
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: ELF data encoding %u at file offset %#x is not "
			       "little-endian",
			       path, ehdr[EI_DATA], EI_DATA);
	core->class = &elf_classes[ehdr[EI_CLASS]];
	if ((status = ws_target_need(target, 0, core->class->ehdr, "ELF header")))
		return status;
	type = ws_le16(ehdr + core->class->e_type);
	if (type != ET_CORE)
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: ELF type %u at file offset %#x is not a core (4)",
			       path, type, core->class->e_type);
	machine = ws_le16(ehdr + core->class->e_machine);
	if (machine != EM_386 && machine != EM_X86_64)
		return ws_fail(
			target->ctx, WS_ERR_UNSUPPORTED,
			"%s: ELF machine %u at file offset %#x is neither i386 (3) "
			"nor x86-64 (62)",
			path, machine, core->class->e_machine);
	target->long_mode = machine == EM_X86_64;
	return WS_OK;
}

/* Where e_phnum is too narrow, section header 0 has it in sh_info (gABI ch. 4). */
static enum ws_status phnum_extended(struct ws_target *target, struct core *core)
{
	const uint8_t *data = target->file.data;
	uint64_t shoff = load_address(core->class, data + core->class->e_shoff);
	enum ws_status status;

	status = ws_target_need(target, shoff, core->class->shdr,
				"section header 0, which holds the number of program "
				"headers");
	if (status)
		return status;
	core->phnum = ws_le32(data + shoff + core->class->sh_info);
	return WS_OK;
}

static enum ws_status table_check(struct ws_target *target, struct core *core)
{
	const struct elf_class *class = core->class;
	const uint8_t *ehdr = target->file.data;
	uint16_t entsize = ws_le16(ehdr + class->e_phentsize);
	enum ws_status status;

	core->phoff = load_address(class, ehdr + class->e_phoff);
	core->phnum = ws_le16(ehdr + class->e_phnum);
	if (core->phnum == PN_XNUM && (status = phnum_extended(target, core)))
		return status;
	if (!core->phnum)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: a core without program headers (file offset %#x)",
			       target->file.path, class->e_phnum);
	if (entsize != class->phdr)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: program header size %u at file offset %#x is not %u",
			       target->file.path, entsize, class->e_phentsize,
			       class->phdr);
	return ws_target_need(target, core->phoff, core->phnum * class->phdr,
			      "table of %lu program headers", core->phnum);
}

static struct segment segment_at(const struct ws_target *target, const struct core *core,
				 uint64_t index)
{
	const struct elf_class *class = core->class;
	uint64_t header = core->phoff + index * class->phdr;
	const uint8_t *phdr = target->file.data + header;

	return (struct segment){
		.index = index,
		.header = header,
		.type = ws_le32(phdr + class->p_type),
		.offset = load_address(class, phdr + class->p_offset),
		.pa = load_address(class, phdr + class->p_paddr),
		.filesz = load_address(class, phdr + class->p_filesz),
		.memsz = load_address(class, phdr + class->p_memsz),
	};
}

static enum ws_status segment_fail(struct ws_target *target, const struct segment *s,
				   const char *what, uint64_t a, uint64_t b)
{
	return ws_fail(target->ctx, WS_ERR_MALFORMED,
		       "%s: program header %lu (file offset %#lx): %s (%#lx, %#lx)",
		       target->file.path, s->index, s->header, what, a, b);
}

static enum ws_status load_add(struct ws_target *target, struct core *core,
			       const struct segment *s)
{
	if (s->filesz && s->filesz > s->memsz)
		return segment_fail(target, s, "more bytes in the file than in memory",
				    s->filesz, s->memsz);
	if (s->filesz && s->pa + s->memsz < s->pa)
		return segment_fail(target, s, "physical address and size overflow",
				    s->pa, s->memsz);
	if (s->pa + s->memsz > s->pa)
		ws_target_reaches(target, s->pa + s->memsz);
	if (!s->filesz)
		return WS_OK;
	core->nloads++;
	core->physical |= s->pa != 0;
	return ws_target_add_from_file(target, s->pa, s->filesz, s->offset);
}

static enum ws_status note_add(struct ws_target *target, const struct segment *s)
{
	uint64_t size = target->file.size, have;
	enum ws_status status;

	have = s->offset < size ? size - s->offset : 0;
	if (have < s->filesz)
		status = ws_target_add_note(
			target,
			"the dump is cut off in its notes, at file offset %#lx: what they "
			"say of registers and of the kernel is unknown from there on",
			size);
	else
		status = WS_OK;
	if (have > s->filesz)
		have = s->filesz;
	if (status || !have)
		return status;
	status = ws_target_need(target, s->offset, have,
				"program header %lu (file offset %#lx): notes", s->index,
				s->header);
	if (status)
		return status;
	return ws_target_parse_notes(target, target->file.data + s->offset, have,
				     s->offset, have < s->filesz);
}

static enum ws_status elf_open(struct ws_target *target,
			       const struct ws_target_options *options)
{
	struct core core = { 0 };
	enum ws_status status;

	(void)options;
	if ((status = header_check(target, &core)) ||
	    (status = table_check(target, &core)))
		return status;
	for (uint64_t i = 0; i < core.phnum && !status; i++) {
		struct segment segment = segment_at(target, &core, i);

		if (segment.type == PT_LOAD)
			status = load_add(target, &core, &segment);
		else if (segment.type == PT_NOTE)
			status = note_add(target, &segment);
	}
	if (!status && core.nloads > 1 && !core.physical)
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: all %u segments have physical address 0: the core of "
			       "a process, not of a machine",
			       target->file.path, core.nloads);
	return status;
}

const struct ws_target_ops ws_target_elf = {
	.kind = "elf",
	.probe = elf_probe,
	.open = elf_open,
};
