/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine as an ELF core, much as QEMU's dump-guest-memory with paging=false writes
 * one (QEMU 7.2 dump/dump.c, target/i386/arch_dump.c): EM_386 in 32-bit ELF, or EM_X86_64
 * in 64-bit ELF where the processors run in long mode; notes first, then all of RAM.
 * Memory that was never written is zeroes, which a stream that can seek has as a hole.
 */
#include "machine/kernel/linux.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

struct core {
	struct kernel *kernel;
	FILE *to;
	off_t start; /* of the core in the stream; -1: it cannot seek */
	char *notes;
	size_t notes_size;
	uint16_t nphdrs;
	uint64_t notes_at, data; /* offsets; the latter is that of the first frame */
};

/* Whatever the host's order: the cores of both architectures are little-endian. */
static void put(FILE *to, uint64_t value, unsigned bytes)
{
	for (; bytes; bytes--, value >>= 8)
		fputc((int)(value & 0xff), to);
}

/* ---- registers, as the notes have them -------------------------------------------- */

enum { QEMU_STATE = 440 }; /* bytes of QEMUCPUState, version 1 */

/* A word of a prstatus' pr_reg: which field of the registers; size 0: none. */
struct pr_word {
	uint16_t at, size;
};

/*
 * Linux' struct elf_prstatus of the two architectures, with as much of it as QEMU fills
 * in (x86_elf_prstatus, x86_64_elf_prstatus): the registers and, as pr_pid, the
 * processor's number from 1 on.
 */
struct prstatus {
	uint16_t size, pid, registers;
	uint8_t word, n;
	struct pr_word pr_reg[27];
};

/* clang-format off */
#define FIELD(field) { offsetof(struct machine_registers, field), \
		       sizeof(((struct machine_registers *)0)->field) }
#define REG(name) FIELD(reg[MACHINE_REG_##name])
#define R(n) FIELD(reg[n])
#define SEG(name) FIELD(seg[MACHINE_SEG_##name].selector)
#define BASE(name) FIELD(seg[MACHINE_SEG_##name].base)
#define ORIG_AX { 0, 0 }

static const struct prstatus prstatuses[] = {
	{ 144, 24, 72, 4, 17,
	  { REG(BX), REG(CX), REG(DX), REG(SI), REG(DI), REG(BP), REG(AX),
	    SEG(DS), SEG(ES), SEG(FS), SEG(GS), ORIG_AX,
	    FIELD(ip), SEG(CS), FIELD(flags), REG(SP), SEG(SS) } },
	{ 336, 32, 112, 8, 27,
	  { R(15), R(14), R(13), R(12), REG(BP), REG(BX), R(11), R(10), R(9), R(8),
	    REG(AX), REG(CX), REG(DX), REG(SI), REG(DI), ORIG_AX,
	    FIELD(ip), SEG(CS), FIELD(flags), REG(SP), SEG(SS),
	    BASE(FS), BASE(GS), SEG(DS), SEG(ES), SEG(FS), SEG(GS) } },
};
/* clang-format on */

/* QEMUCPUSegment. */
static void segment_put(FILE *to, uint32_t selector, uint32_t limit, uint32_t flags,
			uint64_t base)
{
	put(to, selector, 4);
	put(to, limit, 4);
	put(to, flags, 4);
	put(to, 0, 4);
	put(to, base, 8);
}

static void segments_put(FILE *to, const struct machine_registers *r)
{
	const struct machine_segment *segments[] = {
		&r->seg[MACHINE_SEG_CS],
		&r->seg[MACHINE_SEG_DS],
		&r->seg[MACHINE_SEG_ES],
		&r->seg[MACHINE_SEG_FS],
		&r->seg[MACHINE_SEG_GS],
		&r->seg[MACHINE_SEG_SS],
		&r->ldtr,
		&r->tr,
	};

	for (unsigned i = 0; i < sizeof(segments) / sizeof(*segments); i++)
		segment_put(to, segments[i]->selector, segments[i]->limit,
			    segments[i]->attributes, segments[i]->base);
	segment_put(to, 0, r->gdtr.limit, 0, r->gdtr.base);
	segment_put(to, 0, r->idtr.limit, 0, r->idtr.base);
}

/* ---- notes ------------------------------------------------------------------------ */

static void padding_put(FILE *to, uint32_t size)
{
	put(to, 0, -size & 3);
}

/* What the note says, of that many bytes, is to follow. */
static void note_begin(FILE *to, const char *name, uint32_t type, uint32_t size)
{
	uint32_t namesz = (uint32_t)strlen(name) + 1;

	put(to, namesz, 4);
	put(to, size, 4);
	put(to, type, 4);
	fwrite(name, namesz, 1, to);
	padding_put(to, namesz);
}

static bool is_wide(const struct kernel *kernel)
{
	return kernel_options(kernel)->format == KERNEL_X86_64;
}

/* A field of the registers, which are in the host's order. */
static uint64_t register_of(const struct machine_registers *r, const struct pr_word *word)
{
	const char *at = (const char *)r + word->at;
	uint32_t narrow;
	uint64_t wide;
	uint16_t half;

	switch (word->size) {
	case sizeof(half):
		memcpy(&half, at, sizeof(half));
		return half;
	case sizeof(narrow):
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	case sizeof(wide):
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	return 0;
}

static void prstatus_put(const struct kernel *kernel, unsigned cpu, FILE *to)
{
	const struct prstatus *layout = &prstatuses[is_wide(kernel)];
	unsigned registers = layout->registers,
		 end = registers + layout->n * layout->word;

	note_begin(to, "CORE", NT_PRSTATUS, layout->size);
	put(to, 0, layout->pid);
	put(to, cpu + 1, 4);
	put(to, 0, registers - layout->pid - 4);
	for (unsigned i = 0; i < layout->n; i++)
		put(to, register_of(&kernel_cpu(kernel, cpu)->r, &layout->pr_reg[i]),
		    layout->word);
	put(to, 0, layout->size - end);
}

/* QEMUCPUState, version 1. */
static void qemu_state_put(const struct kernel *kernel, unsigned cpu, FILE *to)
{
	/* QEMU has the order of the names, the machine that of the encodings */
	static const uint8_t order[] = { MACHINE_REG_AX, MACHINE_REG_BX, MACHINE_REG_CX,
					 MACHINE_REG_DX, MACHINE_REG_SI, MACHINE_REG_DI,
					 MACHINE_REG_SP, MACHINE_REG_BP };
	const struct machine_registers *r = &kernel_cpu(kernel, cpu)->r;
	const uint64_t cr[] = { r->cr0, 0, r->cr2, r->cr3, r->cr4 };

	note_begin(to, "QEMU", 0, QEMU_STATE);
	put(to, 1, 4);
	put(to, QEMU_STATE, 4);
	for (unsigned i = 0; i < 16; i++)
		put(to, r->reg[i < sizeof(order) ? order[i] : i], 8);
	put(to, r->ip, 8);
	put(to, r->flags, 8);
	segments_put(to, r);
	for (unsigned i = 0; i < sizeof(cr) / sizeof(*cr); i++)
		put(to, cr[i], 8);
	put(to, 0, 8); /* kernel_gs_base */
}

static void vmcoreinfo_put(const struct kernel *kernel, FILE *to)
{
	char vmcoreinfo[PAGE];
	uint32_t size;

	machine_memory_read(kernel_memory(kernel), kernel->books->vmcoreinfo, vmcoreinfo,
			    sizeof(vmcoreinfo));
	size = (uint32_t)strnlen(vmcoreinfo, sizeof(vmcoreinfo));
	note_begin(to, "VMCOREINFO", 0, size);
	fwrite(vmcoreinfo, size, 1, to);
	padding_put(to, size);
}

/* All of PRSTATUS, then all of QEMU's own, then the guest's: write_elf64_notes(). */
static bool notes_make(struct core *core)
{
	struct kernel *kernel = core->kernel;
	unsigned cpus = kernel_options(kernel)->cpus;
	struct ws_text notes;
	FILE *to = ws_text_open(&notes);

	if (!to)
		return false;
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		prstatus_put(kernel, cpu, to);
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		qemu_state_put(kernel, cpu, to);
	vmcoreinfo_put(kernel, to);
	core->notes = ws_text_close(&notes, &core->notes_size);
	return core->notes;
}

/* ---- headers ---------------------------------------------------------------------- */

static unsigned ehdr_size(bool wide)
{
	return wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

static unsigned phdr_size(bool wide)
{
	return wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

/* The classes differ in the width and order of fields only. */
static void ehdr_put(const struct core *core)
{
	static const Elf64_Half machines[] = { EM_386, EM_X86_64 };
	static const unsigned char classes[] = { ELFCLASS32, ELFCLASS64 };
	bool wide = is_wide(core->kernel);
	unsigned word = wide ? 8 : 4;
	const unsigned char ident[EI_NIDENT] = { ELFMAG0,   ELFMAG1,       ELFMAG2,
						 ELFMAG3,   classes[wide], ELFDATA2LSB,
						 EV_CURRENT };

	fwrite(ident, sizeof(ident), 1, core->to);
	put(core->to, ET_CORE, 2);
	put(core->to, machines[wide], 2);
	put(core->to, EV_CURRENT, 4);
	put(core->to, 0, word); /* e_entry */
	put(core->to, ehdr_size(wide), word);
	put(core->to, 0, word); /* e_shoff */
	put(core->to, 0, 4);    /* e_flags */
	put(core->to, ehdr_size(wide), 2);
	put(core->to, phdr_size(wide), 2);
	put(core->to, core->nphdrs, 2);
	put(core->to, 0, 6); /* no sections */
}

static void phdr_put(const struct core *core, const Elf64_Phdr *phdr)
{
	bool wide = is_wide(core->kernel);
	unsigned word = wide ? 8 : 4;

	put(core->to, phdr->p_type, 4);
	if (wide)
		put(core->to, phdr->p_flags, 4);
	put(core->to, phdr->p_offset, word);
	put(core->to, phdr->p_vaddr, word);
	put(core->to, phdr->p_paddr, word);
	put(core->to, phdr->p_filesz, word);
	put(core->to, phdr->p_memsz, word);
	if (!wide)
		put(core->to, phdr->p_flags, 4);
	put(core->to, phdr->p_align, word);
}

static Elf64_Phdr phdr(uint32_t type, uint64_t offset, uint64_t va, uint64_t pa,
		       uint64_t size)
{
	return (Elf64_Phdr){ .p_type = type,
			     .p_offset = offset,
			     .p_vaddr = va,
			     .p_paddr = pa,
			     .p_filesz = size,
			     .p_memsz = size };
}

/*
 * RAM by its place in the direct map; on x86-64 the image once more, by its own. QEMU
 * leaves virtual addresses 0; Linux' own cores have these two
 * (crash_prepare_elf64_headers(), kernel/crash_core.c), and with them a debugger that
 * knows no page tables reads as much.
 */
static bool headers_write(const struct core *core)
{
	const struct layout *l = &core->kernel->layout;
	uint64_t ram = core->kernel->options.ram;
	Elf64_Phdr headers[] = {
		phdr(PT_NOTE, core->notes_at, 0, 0, core->notes_size),
		phdr(PT_LOAD, core->data, l->page_offset, 0, ram),
		phdr(PT_LOAD, core->data + l->image_pa, l->image, l->image_pa,
		     l->image_size),
	};

	ehdr_put(core);
	for (unsigned i = 0; i < core->nphdrs; i++)
		phdr_put(core, &headers[i]);
	return !ferror(core->to);
}

/* ---- memory ----------------------------------------------------------------------- */

/* From `from` to `until`, offsets in the core: a hole, or zeroes. */
static bool zeroes_write(const struct core *core, uint64_t from, uint64_t until)
{
	static const char zeroes[PAGE];

	if (core->start >= 0)
		return fseeko(core->to, core->start + (off_t)until, SEEK_SET) == 0;
	while (from < until) {
		size_t n = until - from < PAGE ? until - from : PAGE;

		if (fwrite(zeroes, n, 1, core->to) != 1)
			return false;
		from += n;
	}
	return true;
}

static bool frames_write(const struct core *core, uint64_t ram)
{
	struct machine_memory *memory = kernel_memory(core->kernel);
	uint64_t at = core->notes_at + core->notes_size;
	uint64_t end = core->data + ram;
	struct machine_written *written;
	bool good = true;
	size_t n;

	if (!machine_memory_written(memory, &written, &n)) {
		errno = ENOMEM;
		return false;
	}
	for (size_t i = 0; i < n && good && written[i].pa < ram; i++) {
		uint64_t to = core->data + written[i].pa;

		good = (at == to || zeroes_write(core, at, to)) &&
		       fwrite(written[i].bytes, PAGE, 1, core->to) == 1;
		at = to + PAGE;
	}
	free(written);
	/* a hole does not make a file longer: its last byte is written */
	return good &&
	       (at == end || (zeroes_write(core, at, end - 1) && !fputc(0, core->to)));
}

static void lay_out(struct core *core)
{
	bool wide = is_wide(core->kernel);

	core->nphdrs = wide ? 3 : 2;
	core->notes_at = ehdr_size(wide) + core->nphdrs * phdr_size(wide);
	core->data = (core->notes_at + core->notes_size + PAGE - 1) & -(uint64_t)PAGE;
}

bool kernel_save(struct kernel *kernel, FILE *to)
{
	struct core core = { .kernel = kernel, .to = to, .start = ftello(to) };
	bool good;

	if (machine_memory_failed(kernel_memory(kernel)) || !notes_make(&core)) {
		free(core.notes);
		errno = ENOMEM;
		return false;
	}
	lay_out(&core);
	good = headers_write(&core) && fwrite(core.notes, core.notes_size, 1, to) == 1 &&
	       frames_write(&core, kernel->options.ram) && fflush(to) == 0;
	free(core.notes);
	return good;
}
