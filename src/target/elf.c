/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ELF cores of whole machines, both classes: /proc/vmcore, QEMU's dump-guest-memory,
 * virsh dump, VirtualBox's dumpvmcore, our own captures. Physical memory is PT_LOAD at
 * p_paddr, but for copies of /proc/kcore (kcore.h); registers and VMCOREINFO are PT_NOTE.
 *
 * Bytes of a segment past p_filesz are taken as left out, not as zero: makedumpfile -E
 * ends segments so where it filtered frames, whatever these held. Of a file that is cut
 * off the segments are read as far as it goes. A program header that makes no sense is
 * left out, with a note, and the others are read. p_vaddr says something of physical
 * memory in copies of /proc/kcore only, p_flags and p_align nothing.
 *
 * The two classes differ in where a field is and how wide an address is, so they are
 * two rows, and every field is checked against the file before it is believed. (libelf
 * would clip a program header table that reaches past the file without a word.)
 */
#include "target/elf.h"

#include <elf.h>
#include <stdio.h>
#include <stddef.h>
#include <string.h>

#include "target/kcore.h"
#include "target/unread.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"

struct elf_class {
	uint8_t address; /* bytes in an address, an offset and a size */
	uint16_t ehdr, e_type, e_machine, e_phoff, e_shoff, e_phentsize, e_phnum, e_shnum;
	uint16_t phdr, p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz;
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
		FIELD(bits, Phdr, p_offset), FIELD(bits, Phdr, p_vaddr),               \
		FIELD(bits, Phdr, p_paddr), FIELD(bits, Phdr, p_filesz),               \
		FIELD(bits, Phdr, p_memsz), FIELD(bits, Shdr, sh_info)                 \
	}

static const struct elf_class elf_classes[] = {
	[ELFCLASS32] = ELF_CLASS(32),
	[ELFCLASS64] = ELF_CLASS(64),
};

struct segment {
	uint64_t index;
	uint32_t type;
	uint64_t offset, va, pa, filesz, memsz;
};

/* What the segments are together. */
struct core {
	const struct elf_class *class;
	uint64_t phoff, phnum;
	uint64_t nalike; /* up to the last of memory or of notes: no data lies there */
	unsigned nloads;
	bool physical;       /* some p_paddr is not 0 */
	bool number_unknown; /* phnum is how many there is room for */
	uint64_t ragged;     /* memory begins here in a page, but not so in the file */
	struct {
		uint64_t end,
			memory; /* where the last segment ends, what it leaves out */
	} gap;
	uint64_t unfilled; /* of all, where bytes of the file follow that are none's */
	uint64_t claimed;  /* bytes of the file that are headers', notes' or memory's */
	struct ws_kcore kcore;
};

static void core_release(struct core *core)
{
	ws_kcore_release(&core->kcore);
}

static uint64_t load_address(const struct elf_class *class, const uint8_t *p)
{
	return ws_le_word(p, class->address);
}

static bool is_elf(const struct ws_file *file)
{
	return file->size >= SELFMAG && !memcmp(file->data, ELFMAG, SELFMAG);
}

static bool elf_probe(const struct ws_file *file)
{
	return is_elf(file) && !ws_target_xen.probe(file);
}

static uint64_t ends_at(uint64_t offset, uint64_t size)
{
	return offset + size < offset ? UINT64_MAX : offset + size;
}

static const struct elf_class *class_of(const uint8_t *bytes, size_t have)
{
	if (have < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG) != 0 ||
	    (bytes[EI_CLASS] != ELFCLASS32 && bytes[EI_CLASS] != ELFCLASS64))
		return NULL;
	return &elf_classes[bytes[EI_CLASS]];
}

uint64_t ws_elf_table(const uint8_t *bytes, size_t have)
{
	const struct elf_class *class = class_of(bytes, have);

	if (!class || have < class->ehdr)
		return class ? class->ehdr : 0;
	return ends_at(load_address(class, bytes + class->e_phoff),
		       (uint64_t)ws_le16(bytes + class->e_phnum) * class->phdr);
}

uint64_t ws_elf_head(const uint8_t *bytes, size_t have)
{
	const struct elf_class *class = class_of(bytes, have);
	uint64_t end = ws_elf_table(bytes, have), last = end;

	if (!class || have < class->ehdr)
		return end;
	for (uint64_t at = load_address(class, bytes + class->e_phoff);
	     last <= have && at < last; at += class->phdr) {
		uint64_t notes =
			ends_at(load_address(class, bytes + at + class->p_offset),
				load_address(class, bytes + at + class->p_filesz));

		if (ws_le32(bytes + at + class->p_type) == PT_NOTE && notes > end)
			end = notes;
	}
	return end;
}

/* What people take for one. */
static const char *const no_core[] = {
	[ET_NONE] = "",
	[ET_REL] =
		(", but an object file or a kernel module: `whosees check-module' says where "
		 "its handlers would lie"),
	[ET_EXEC] =
		", but a program, or a kernel's vmlinux, which --vmlinux gives beside a dump",
	[ET_DYN] = ", but a program or a shared library",
};

/*
 * Of another machine than is known here, in either byte order, whether it is a core or a
 * kernel: both classes have e_machine in one place.
 */
static enum ws_status machine_refuse(struct ws_target *target)
{
	const uint8_t *ehdr = target->file.data;
	const uint8_t *at = ehdr + elf_classes[ehdr[EI_CLASS]].e_machine;
	bool big = ehdr[EI_DATA] == ELFDATA2MSB;
	const struct ws_other_machine *other =
		ws_other_machine((uint16_t)(big ? ws_be16(at) : ws_le16(at)));
	char names[WS_MACHINE_NAMES];

	return other ? ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: an ELF file of %s (machine %u at file offset %#tx, %s-"
			       "endian), which is not %s: %s",
			       target->file.path, other->name, other->elf, at - ehdr,
			       big ? "big" : "little", ws_machine_names(names),
			       other->advice)
		     : WS_OK;
}

static enum ws_status header_check(struct ws_target *target, struct core *core)
{
	const struct ws_machine_type *known;
	char names[WS_MACHINE_NAMES];
	const char *path = target->file.path;
	const uint8_t *ehdr = target->file.data;
	uint16_t type, machine;
	enum ws_status status;

	if ((status = ws_target_need(target, 0, EI_NIDENT, "ELF header")))
		return status;
	if (!is_elf(&target->file))
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: no ELF magic at file offset 0", path);
	if (ehdr[EI_CLASS] != ELFCLASS32 && ehdr[EI_CLASS] != ELFCLASS64)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: ELF class %u at file offset %#x is neither 32- nor "
			       "64-bit",
			       path, ehdr[EI_CLASS], EI_CLASS);
	if (target->file.size >= elf_classes[ehdr[EI_CLASS]].ehdr &&
	    (status = machine_refuse(target)))
		return status;
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
			       "%s: ELF type %u at file offset %#x is not a core (4)%s",
			       path, type, core->class->e_type,
			       type < WS_ARRAY_SIZE(no_core) ? no_core[type] : "");
	machine = ws_le16(ehdr + core->class->e_machine);
	known = ws_machine_of_elf(machine, &target->arch);
	if (!known)
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: ELF machine %u at file offset %#x is not %s", path,
			       machine, core->class->e_machine, ws_machine_names(names));
	target->word = known->word;
	return WS_OK;
}

/*
 * Where e_phnum is too narrow, section header 0 has it in sh_info (gABI ch. 4). Where
 * that is gone, those are read that look like program headers of a core.
 */
static enum ws_status phnum_extended(struct ws_target *target, struct core *core)
{
	const uint8_t *data = target->file.data;
	uint64_t shoff = load_address(core->class, data + core->class->e_shoff);
	uint64_t size = target->file.size, room = core->class->shdr;
	enum ws_status status;

	if (shoff && shoff <= size && size - shoff >= room) {
		status = ws_target_need(target, shoff, room, "section header 0");
		if (status)
			return status;
		core->phnum = ws_le32(data + shoff + core->class->sh_info);
	}
	core->number_unknown =
		core->phnum < PN_XNUM || !shoff || shoff > size || size - shoff < room;
	if (!core->number_unknown)
		return WS_OK;
	core->phnum = WS_HEADER_MAX / core->class->phdr;
	return ws_target_add_note(
		target,
		"section header 0 (file offset %#jx), which holds the number of program "
		"headers, is damaged or cut off: they are read up to the first that is "
		"neither of memory nor of notes; whether there are more is unknown",
		shoff);
}

/* Its number is wrong, or the file is cut off in it: those are read that are there. */
static enum ws_status table_cut(struct ws_target *target, struct core *core)
{
	uint64_t size = target->file.size;
	uint64_t room = core->phoff < size ? size - core->phoff : 0;
	uint64_t have = room / core->class->phdr, claimed = core->phnum;

	if (claimed <= have)
		return WS_OK;
	if (!have)
		return ws_fail(
			target->ctx, WS_ERR_UNREADABLE,
			"%s: table of %ju program headers: not one is between file "
			"offset %#jx and the file's end %#jx: is the dump "
			"truncated?",
			target->file.path, claimed, core->phoff, size);
	core->phnum = have;
	if (core->number_unknown)
		return WS_OK;
	ws_target_reaches(target, WS_PHYSICAL_END);
	return ws_target_add_note(
		target,
		"%ju program headers are claimed (file offset %#x), and %ju are in the "
		"file: the dump is cut off, or the number is wrong; what memory the "
		"others were of is unknown",
		claimed, core->class->e_phnum, have);
}

/* Each class has one size, so another one is damage, and says nothing. */
static enum ws_status entry_size_note(struct ws_target *target, const struct core *core)
{
	const struct elf_class *class = core->class;
	uint16_t size = ws_le16(target->file.data + class->e_phentsize);

	if (size == class->phdr)
		return WS_OK;
	return ws_target_add_note(target,
				  "program header size %u at file offset %#x is damaged "
				  "and taken as %u, the only one there is",
				  size, class->e_phentsize, class->phdr);
}

static struct segment segment_at(const struct ws_target *target, const struct core *core,
				 uint64_t index)
{
	const struct elf_class *class = core->class;
	const uint8_t *phdr = target->file.data + core->phoff + index * class->phdr;

	return (struct segment){
		.index = index,
		.type = ws_le32(phdr + class->p_type),
		.offset = load_address(class, phdr + class->p_offset),
		.va = load_address(class, phdr + class->p_vaddr),
		.pa = load_address(class, phdr + class->p_paddr),
		.filesz = load_address(class, phdr + class->p_filesz),
		.memsz = load_address(class, phdr + class->p_memsz),
	};
}

/* Up to the last that is one; where their number is not known, the first that is none ends them. */
static void alike_count(const struct ws_target *target, struct core *core)
{
	for (uint64_t i = 0; i < core->phnum; i++) {
		uint32_t type = segment_at(target, core, i).type;

		if (type == PT_LOAD || type == PT_NOTE)
			core->nalike = i + 1;
		else if (core->number_unknown)
			break;
	}
	if (core->number_unknown)
		core->phnum = core->nalike;
}

static enum ws_status table_check(struct ws_target *target, struct core *core)
{
	const struct elf_class *class = core->class;
	const uint8_t *ehdr = target->file.data;
	enum ws_status status;

	core->phoff = load_address(class, ehdr + class->e_phoff);
	core->phnum = ws_le16(ehdr + class->e_phnum);
	if (!core->phnum)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: a core without program headers (file offset %#x)",
			       target->file.path, class->e_phnum);
	if ((status = entry_size_note(target, core)) ||
	    (core->phnum == PN_XNUM && (status = phnum_extended(target, core))) ||
	    (status = table_cut(target, core)))
		return status;
	status = ws_target_need(target, core->phoff, core->phnum * class->phdr,
				"table of %ju program headers", core->phnum);
	if (!status)
		alike_count(target, core);
	return status;
}

/* ---- segments --------------------------------------------------------------------- */

static bool lies_over(const struct segment *s, uint64_t offset, uint64_t size)
{
	return s->offset < offset + size && offset < s->offset + s->filesz;
}

/* Why it cannot be what it says; NULL: it can. */
static const char *load_flaw(const struct core *core, const struct segment *s)
{
	if (s->filesz > s->memsz)
		return "it has more bytes in the file than in memory";
	if (s->pa > WS_PHYSICAL_END || s->memsz > WS_PHYSICAL_END - s->pa)
		return "it ends past the last physical address that a processor can have";
	if (!s->filesz)
		return NULL;
	if (s->offset + s->filesz < s->offset)
		return "its place in the file wraps";
	if (lies_over(s, 0, core->class->ehdr) ||
	    lies_over(s, core->phoff, core->nalike * core->class->phdr))
		return "its place in the file is that of the headers";
	return NULL;
}

/*
 * What makedumpfile -E filters is not in the file, whose segments lie one behind the
 * other. Where bytes that are no segment's follow one which leaves memory out, its size
 * is damaged, and hides them. next: where the next segment begins.
 */
static void close_gap(struct core *core, uint64_t next)
{
	if (next - core->gap.end >= WS_FRAME_SIZE)
		core->unfilled += core->gap.memory;
	core->gap.memory = 0;
}

/* p_paddr's -1 is one in both classes. */
static struct ws_kcore_segment kcore_segment(const struct core *core,
					     const struct segment *s)
{
	uint64_t minus_one = core->class->address == 4 ? UINT32_MAX : UINT64_MAX;

	return (struct ws_kcore_segment){ .va = s->va,
					  .pa = s->pa == minus_one ? UINT64_MAX : s->pa,
					  .len = s->memsz };
}

static enum ws_status load_leave(struct ws_target *target, const struct segment *s,
				 const char *flaw)
{
	return ws_target_leave(target, s->index, &(struct ws_extent){ s->pa, s->memsz },
			       "%s (file offset %#jx, %#jx bytes there)", flaw, s->offset,
			       s->filesz);
}

static enum ws_status load_add(struct ws_target *target, struct core *core,
			       const struct segment *s)
{
	const char *flaw = load_flaw(core, s);

	if (flaw)
		return load_leave(target, s, flaw);
	ws_target_reaches(target, s->pa + s->memsz);
	close_gap(core, s->offset);
	core->gap.end = s->offset + s->filesz;
	core->gap.memory = s->memsz - s->filesz;
	if (!s->filesz)
		return WS_OK;
	if (s->pa % WS_FRAME_SIZE && (s->pa - s->offset) % WS_FRAME_SIZE)
		core->ragged = core->ragged ? core->ragged : s->pa;
	core->nloads++;
	core->physical |= s->pa != 0;
	return ws_target_copies(target)
		       ? ws_target_add_memory_at(target, s->pa, s->filesz, s->offset,
						 s->index)
		       : ws_target_add_from_file(target, s->pa, s->filesz, s->offset,
						 s->index);
}

/* Of a copy of /proc/kcore: those that are memory, where that lies. */
static enum ws_status kcore_load_add(struct ws_target *target, struct core *core,
				     const struct segment *s)
{
	struct ws_kcore_segment segment = kcore_segment(core, s);
	struct segment placed = *s;
	const char *flaw;

	if (!ws_kcore_place(target, &core->kcore, &segment, &placed.pa, &flaw))
		return WS_OK;
	return flaw ? load_leave(target, s, flaw) : load_add(target, core, &placed);
}

static enum ws_status notes_cut(struct ws_target *target, const struct segment *s)
{
	return ws_target_add_note(
		target,
		"the dump is cut off in its notes, at file offset %#zx, or program header "
		"%ju is damaged: what they say of registers and of the kernel is unknown "
		"from there on",
		target->file.size, s->index);
}

static enum ws_status note_add(struct ws_target *target, struct core *core,
			       const struct segment *s)
{
	uint64_t size = target->file.size, have;
	enum ws_status status = WS_OK;

	(void)core;
	have = s->offset < size ? size - s->offset : 0;
	if (have < s->filesz)
		status = notes_cut(target, s);
	else
		have = s->filesz;
	if (status || !have)
		return status;
	if (have > WS_HEADER_MAX)
		return ws_target_add_note(
			target,
			"program header %ju is of notes of %#jx bytes, which is more than "
			"any machine has: what they say of registers and of the kernel is "
			"unknown",
			s->index, s->filesz);
	status = ws_target_need(target, s->offset, have, "program header %ju: notes",
				s->index);
	if (status)
		return status;
	return ws_target_parse_notes(target, target->file.data + s->offset, have,
				     s->offset, have < s->filesz);
}

/* Those of no use are empty in what writes cores of machines. */
static enum ws_status other_add(struct ws_target *target, struct core *core,
				const struct segment *s)
{
	(void)core;
	if (!s->filesz && !s->memsz)
		return WS_OK;
	return ws_target_leave(target, s->index, &(struct ws_extent){ s->pa, s->memsz },
			       "its type %#x is neither memory's nor notes'", s->type);
}

static enum ws_status segment_add(struct ws_target *target, struct core *core,
				  const struct segment *s)
{
	core->claimed += s->filesz;
	if (s->type == PT_NOTE)
		return WS_OK;
	if (s->type != PT_LOAD)
		return other_add(target, core, s);
	return core->kcore.is ? kcore_load_add(target, core, s)
			      : load_add(target, core, s);
}

static enum ws_status segment_look(struct ws_target *target, struct core *core,
				   const struct segment *s)
{
	struct ws_kcore_segment *segment;

	if (s->type == PT_NOTE)
		return note_add(target, core, s);
	if (s->type != PT_LOAD || !s->filesz)
		return WS_OK;
	segment = ws_vec_push(&core->kcore.segments);
	if (!segment)
		return ws_fail_memory(target->ctx);
	*segment = kcore_segment(core, s);
	return WS_OK;
}

typedef enum ws_status segment_fn(struct ws_target *target, struct core *core,
				  const struct segment *s);

static enum ws_status segments_each(struct ws_target *target, struct core *core,
				    segment_fn *fn)
{
	enum ws_status status = WS_OK;

	for (uint64_t i = 0; i < core->phnum && !status; i++) {
		struct segment segment = segment_at(target, core, i);

		status = fn(target, core, &segment);
	}
	return status;
}

/*
 * Where memory begins within a page (/proc/vmcore, by the firmware's map) so it does in
 * the file (Linux fs/proc/vmcore.c); all other dumps are of whole pages.
 */
static enum ws_status ragged_note(struct ws_target *target, const struct core *core)
{
	if (!core->ragged)
		return WS_OK;
	return ws_target_add_note(
		target,
		"memory at physical %#jx begins within a page, as no writer of dumps lets "
		"it: its address in the program header may be wrong",
		core->ragged);
}

static enum ws_status unfilled_note(struct ws_target *target, struct core *core)
{
	uint64_t size = target->file.size;

	close_gap(core, size);
	if (!core->unfilled ||
	    (core->claimed < size && size - core->claimed < WS_FRAME_SIZE))
		return WS_OK;
	return ws_target_add_note(
		target,
		"its program headers leave %ju KiB of memory out, and the file has bytes "
		"there that are none's: they are damaged, and what lay there is unknown",
		(core->unfilled - 1) / 1024 + 1);
}

static enum ws_status process_refuse(struct ws_target *target, const struct core *core)
{
	if (core->nloads < 2 || core->physical || core->kcore.is)
		return WS_OK;
	return ws_fail(
		target->ctx, WS_ERR_UNSUPPORTED,
		"%s: all %s have physical address 0: the core of a process, not of "
		"a machine",
		target->file.path, WS_COUNT_OF(core->nloads, "segment"));
}

static enum ws_status elf_open(struct ws_target *target,
			       const struct ws_target_options *options)
{
	ws_cleanup(core_release) struct core core = { 0 };
	enum ws_status status;

	(void)options;
	if ((status = header_check(target, &core)) ||
	    (status = table_check(target, &core)))
		return status;
	core.claimed = core.class->ehdr + core.phnum * core.class->phdr;
	if ((status = segments_each(target, &core, segment_look)) ||
	    (status = ws_kcore_look(target, &core.kcore)) ||
	    (core.kcore.is && (status = ws_kcore_note(target, &core.kcore))) ||
	    (status = segments_each(target, &core, segment_add)) ||
	    (status = process_refuse(target, &core)) ||
	    (status = ragged_note(target, &core)))
		return status;
	return unfilled_note(target, &core);
}

const struct ws_target_ops ws_target_elf = {
	.kind = "elf",
	.title = "ELF core",
	.about =
		"Of a whole machine: QEMU's dump-guest-memory, virsh dump --memory-only, "
		"VirtualBox's dumpvmcore, /proc/vmcore, copies of /proc/kcore, whosees "
		"capture.",
	.header = "program header",
	.probe = elf_probe,
	.open = elf_open,
};
