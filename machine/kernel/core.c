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

/* ---- registers, as the notes have them -------------------------------------------- */

/* QEMUCPUSegment and QEMUCPUState. */
struct qemu_segment {
	uint32_t selector, limit, flags, pad;
	uint64_t base;
};

struct qemu_state {
	uint32_t version, size;
	uint64_t reg[16], ip, flags;
	struct qemu_segment cs, ds, es, fs, gs, ss, ldt, tr, gdt, idt;
	uint64_t cr[5];
	uint64_t kernel_gs_base;
};
_Static_assert(sizeof(struct qemu_state) == 440, "QEMUCPUState");

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

static struct qemu_segment segment_of(const struct machine_segment *segment)
{
	return (struct qemu_segment){ .selector = segment->selector,
				      .limit = segment->limit,
				      .flags = segment->attributes,
				      .base = segment->base };
}

static struct qemu_segment table_of(const struct machine_table *table)
{
	return (struct qemu_segment){ .limit = table->limit, .base = table->base };
}

static struct qemu_state qemu_state(const struct machine_registers *r)
{
	/* QEMU has the order of the names, the machine that of the encodings */
	static const uint8_t order[] = { MACHINE_REG_AX, MACHINE_REG_BX, MACHINE_REG_CX,
					 MACHINE_REG_DX, MACHINE_REG_SI, MACHINE_REG_DI,
					 MACHINE_REG_SP, MACHINE_REG_BP };
	struct qemu_state state = {
		.version = 1,
		.size = sizeof(state),
		.ip = r->ip,
		.flags = r->flags,
		.cs = segment_of(&r->seg[MACHINE_SEG_CS]),
		.ds = segment_of(&r->seg[MACHINE_SEG_DS]),
		.es = segment_of(&r->seg[MACHINE_SEG_ES]),
		.fs = segment_of(&r->seg[MACHINE_SEG_FS]),
		.gs = segment_of(&r->seg[MACHINE_SEG_GS]),
		.ss = segment_of(&r->seg[MACHINE_SEG_SS]),
		.ldt = segment_of(&r->ldtr),
		.tr = segment_of(&r->tr),
		.gdt = table_of(&r->gdtr),
		.idt = table_of(&r->idtr),
		.cr = { r->cr0, 0, r->cr2, r->cr3, r->cr4 },
	};

	for (unsigned i = 0; i < 16; i++)
		state.reg[i] = r->reg[i < sizeof(order) ? order[i] : i];
	return state;
}

/* ---- notes ------------------------------------------------------------------------ */

static void note_write(FILE *to, const char *name, uint32_t type, const void *desc,
		       size_t size)
{
	static const char padding[4];
	uint32_t namesz = (uint32_t)strlen(name) + 1;
	uint32_t header[] = { namesz, (uint32_t)size, type };

	fwrite(header, sizeof(header), 1, to);
	fwrite(name, namesz, 1, to);
	fwrite(padding, -namesz & 3, 1, to);
	fwrite(desc, size, 1, to);
	fwrite(padding, -size & 3, 1, to);
}

static bool is_wide(const struct kernel *kernel)
{
	return kernel_options(kernel)->format == KERNEL_X86_64;
}

static void prstatus_write(const struct kernel *kernel, unsigned cpu, FILE *to)
{
	const struct prstatus *layout = &prstatuses[is_wide(kernel)];
	const char *registers = (const char *)&kernel_cpu(kernel, cpu)->r;
	uint8_t desc[336] = { 0 };

	desc[layout->pid] = (uint8_t)(cpu + 1);
	for (unsigned i = 0; i < layout->n; i++) {
		const struct pr_word *field = &layout->pr_reg[i];

		memcpy(desc + layout->registers + i * layout->word, registers + field->at,
		       field->size < layout->word ? field->size : layout->word);
	}
	note_write(to, "CORE", NT_PRSTATUS, desc, layout->size);
}

/* All of PRSTATUS, then all of QEMU's own, then the guest's: write_elf64_notes(). */
static bool notes_make(struct core *core)
{
	struct kernel *kernel = core->kernel;
	unsigned cpus = kernel_options(kernel)->cpus;
	struct ws_text notes;
	FILE *to = ws_text_open(&notes);
	char vmcoreinfo[PAGE];

	if (!to)
		return false;
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		prstatus_write(kernel, cpu, to);
	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		struct qemu_state state = qemu_state(&kernel_cpu(kernel, cpu)->r);

		note_write(to, "QEMU", 0, &state, sizeof(state));
	}
	machine_memory_read(kernel_memory(kernel), kernel->books->vmcoreinfo, vmcoreinfo,
			    sizeof(vmcoreinfo));
	note_write(to, "VMCOREINFO", 0, vmcoreinfo,
		   strnlen(vmcoreinfo, sizeof(vmcoreinfo)));
	core->notes = ws_text_close(&notes, &core->notes_size);
	return core->notes;
}

/* ---- headers ---------------------------------------------------------------------- */

/* The classes differ in the width and order of fields only. */
static bool ehdr_write(const struct core *core)
{
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = core->nphdrs,
	};
	Elf32_Ehdr narrow = {
		.e_type = ET_CORE,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(narrow),
		.e_ehsize = sizeof(narrow),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = core->nphdrs,
	};

	if (is_wide(core->kernel))
		return fwrite(&ehdr, sizeof(ehdr), 1, core->to) == 1;
	memcpy(narrow.e_ident, ehdr.e_ident, sizeof(narrow.e_ident));
	narrow.e_ident[EI_CLASS] = ELFCLASS32;
	return fwrite(&narrow, sizeof(narrow), 1, core->to) == 1;
}

static bool phdr_write(const struct core *core, const Elf64_Phdr *phdr)
{
	const Elf32_Phdr narrow = {
		.p_type = phdr->p_type,
		.p_offset = (Elf32_Off)phdr->p_offset,
		.p_vaddr = (Elf32_Addr)phdr->p_vaddr,
		.p_paddr = (Elf32_Addr)phdr->p_paddr,
		.p_filesz = (Elf32_Word)phdr->p_filesz,
		.p_memsz = (Elf32_Word)phdr->p_memsz,
	};

	if (is_wide(core->kernel))
		return fwrite(phdr, sizeof(*phdr), 1, core->to) == 1;
	return fwrite(&narrow, sizeof(narrow), 1, core->to) == 1;
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

	if (!ehdr_write(core))
		return false;
	for (unsigned i = 0; i < core->nphdrs; i++)
		if (!phdr_write(core, &headers[i]))
			return false;
	return true;
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
	core->notes_at = (wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)) +
			 core->nphdrs * (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
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
