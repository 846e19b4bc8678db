/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ELF notes of machines: processors and VMCOREINFO. Layouts: gABI ch. 5 for the note
 * itself, QEMU target/i386/arch_dump.c for "QEMU", Linux include/linux/elfcore.h (struct
 * elf_prstatus) for "CORE".
 */
#include "target/target.h"

#include <elf.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "util/bits.h"
#include "util/text.h"

#define NOTE_HEADER 12 /* n_namesz, n_descsz, n_type */

/* QEMUCPUState: version, size, registers, segments, CR0..CR4 (then kernel_gs_base). */
#define QEMU_VERSION 1
#define QEMU_REGISTERS 8
#define QEMU_SEGMENTS (QEMU_REGISTERS + 8 * WS_REG_COUNT)
#define QEMU_SEGMENT_SIZE 24
#define QEMU_CONTROLS (QEMU_SEGMENTS + QEMU_SEGMENT_SIZE * WS_ARRAY_SIZE(qemu_segments))
#define QEMU_STATE_SIZE (QEMU_CONTROLS + 8 * 5)

static const size_t qemu_segments[] = {
	offsetof(struct ws_cpu, cs),  offsetof(struct ws_cpu, ds),
	offsetof(struct ws_cpu, es),  offsetof(struct ws_cpu, fs),
	offsetof(struct ws_cpu, gs),  offsetof(struct ws_cpu, ss),
	offsetof(struct ws_cpu, ldt), offsetof(struct ws_cpu, tr),
	offsetof(struct ws_cpu, gdt), offsetof(struct ws_cpu, idt),
};

/* elf_prstatus of the two architectures: its size, and where pr_reg has what. */
#define NO_REGISTER 0xff
static const struct prstatus {
	size_t size, registers;
	uint8_t word, cs, ss;
	uint8_t index[WS_REG_COUNT]; /* in the order of enum ws_register */
} prstatuses[] = {
	{ .size = 144,
	  .registers = 72,
	  .word = 4,
	  .cs = 13,
	  .ss = 16,
	  .index = { 6, 0, 1, 2, 3, 4, 15, 5, NO_REGISTER, NO_REGISTER, NO_REGISTER,
		     NO_REGISTER, NO_REGISTER, NO_REGISTER, NO_REGISTER, NO_REGISTER, 12,
		     14 } },
	{ .size = 336,
	  .registers = 112,
	  .word = 8,
	  .cs = 17,
	  .ss = 20,
	  .index = { 10, 5, 11, 12, 13, 14, 19, 4, 9, 8, 7, 6, 3, 2, 1, 0, 16, 18 } },
};

struct note {
	uint64_t at; /* file offset */
	uint32_t type;
	const char *name;
	size_t namesz;
	const uint8_t *desc;
	size_t descsz;
};

static bool note_is(const struct note *note, const char *name, uint32_t type)
{
	size_t len = strlen(name);

	return note->type == type && note->namesz >= len &&
	       !memcmp(note->name, name, len) &&
	       (note->namesz == len || !note->name[len]);
}

/*
 * QEMU writes every processor's PRSTATUS, then every processor's own note: the latter
 * tells more of the same processors in the same order.
 */
static struct ws_cpu *cpu_without_control(struct ws_target *target)
{
	ws_vec_each(&target->cpus, cpu)
		if (!cpu->has_control)
			return cpu;
	return ws_vec_push(&target->cpus);
}

static struct ws_segment qemu_segment(const uint8_t *p)
{
	return (struct ws_segment){
		.selector = ws_le32(p),
		.limit = ws_le32(p + 4),
		.flags = ws_le32(p + 8),
		.base = ws_le64(p + 16),
	};
}

static enum ws_status qemu_note(struct ws_target *target, const struct note *note)
{
	const uint8_t *desc = note->desc;
	struct ws_cpu *cpu;

	if (note->descsz < QEMU_STATE_SIZE)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: QEMU note at file offset %#lx: %zu bytes, a "
			       "processor's state needs %zu",
			       target->file.path, note->at, note->descsz,
			       QEMU_STATE_SIZE);
	if (ws_le32(desc) != QEMU_VERSION)
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: QEMU note at file offset %#lx: version %u, not %u",
			       target->file.path, note->at, ws_le32(desc), QEMU_VERSION);
	cpu = cpu_without_control(target);
	if (!cpu)
		return ws_fail_memory(target->ctx);
	for (size_t i = 0; i < WS_REG_COUNT; i++)
		cpu->reg[i] = ws_le64(desc + QEMU_REGISTERS + 8 * i);
	for (size_t i = 0; i < WS_ARRAY_SIZE(qemu_segments); i++)
		*(struct ws_segment *)((char *)cpu + qemu_segments[i]) =
			qemu_segment(desc + QEMU_SEGMENTS + QEMU_SEGMENT_SIZE * i);
	cpu->cr0 = ws_le64(desc + QEMU_CONTROLS);
	cpu->cr2 = ws_le64(desc + QEMU_CONTROLS + 8 * 2);
	cpu->cr3 = ws_le64(desc + QEMU_CONTROLS + 8 * 3);
	cpu->cr4 = ws_le64(desc + QEMU_CONTROLS + 8 * 4);
	cpu->has_control = true;
	return WS_OK;
}

static uint64_t prstatus_load(const struct prstatus *layout, const uint8_t *desc,
			      uint8_t index)
{
	const uint8_t *p = desc + layout->registers + index * layout->word;

	if (index == NO_REGISTER)
		return 0;
	return layout->word == 8 ? ws_le64(p) : ws_le32(p);
}

/* One of another size is another architecture's, and tells us nothing. */
static enum ws_status prstatus_note(struct ws_target *target, const struct note *note)
{
	const struct prstatus *layout = prstatuses;
	struct ws_cpu *cpu;

	while (layout->size != note->descsz)
		if (++layout == prstatuses + WS_ARRAY_SIZE(prstatuses))
			return WS_OK;
	cpu = ws_vec_push(&target->cpus);
	if (!cpu)
		return ws_fail_memory(target->ctx);
	for (size_t i = 0; i < WS_REG_COUNT; i++)
		cpu->reg[i] = prstatus_load(layout, note->desc, layout->index[i]);
	cpu->cs.selector = prstatus_load(layout, note->desc, layout->cs);
	cpu->ss.selector = prstatus_load(layout, note->desc, layout->ss);
	return WS_OK;
}

static enum ws_status vmcoreinfo_note(struct ws_target *target, const struct note *note)
{
	if (target->vmcoreinfo)
		return WS_OK;
	target->vmcoreinfo = strndup((const char *)note->desc, note->descsz);
	return target->vmcoreinfo ? WS_OK : ws_fail_memory(target->ctx);
}

/*
 * Our own note stands in for registers that a captured dump never had, or that a root was
 * given in place of: one line
 * "NAME ROOT", a paging format and the pa of the reference root in hexadecimal, 0 where
 * the reference was a consensus.
 */
static enum ws_status whosees_note(struct ws_target *target, const struct note *note)
{
	char name[32], text[64] = "";
	uint64_t root;

	memcpy(text, note->desc,
	       note->descsz < sizeof(text) ? note->descsz : sizeof(text) - 1);
	if (sscanf(text, "%31s %" SCNx64, name, &root) != 2 || !ws_format_by_name(name))
		return ws_fail(
			target->ctx, WS_ERR_MALFORMED,
			"%s: WHOSEES note at file offset %#lx: no paging format and "
			"root in it",
			target->file.path, note->at);
	target->format = ws_format_by_name(name);
	target->root = root;
	target->has_root = root != 0;
	return WS_OK;
}

static const struct {
	const char *name;
	uint32_t type;
	enum ws_status (*take)(struct ws_target *target, const struct note *note);
} note_kinds[] = {
	{ "QEMU", 0, qemu_note },
	{ "CORE", NT_PRSTATUS, prstatus_note },
	{ "VMCOREINFO", 0, vmcoreinfo_note },
	{ "WHOSEES", 0, whosees_note },
};

static enum ws_status note_take(struct ws_target *target, const struct note *note)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(note_kinds); i++)
		if (note_is(note, note_kinds[i].name, note_kinds[i].type))
			return note_kinds[i].take(target, note);
	return WS_OK;
}

static uint64_t aligned(uint64_t offset)
{
	return (offset + 3) & ~UINT64_C(3);
}

enum ws_status ws_target_parse_notes(struct ws_target *target, const uint8_t *bytes,
				     size_t size, uint64_t at, bool cut)
{
	enum ws_status status = WS_OK;
	size_t here = 0;

	while (!status && size - here >= NOTE_HEADER) {
		uint64_t namesz = ws_le32(bytes + here);
		uint64_t descsz = ws_le32(bytes + here + 4);
		uint64_t desc = here + NOTE_HEADER + aligned(namesz);
		struct note note = {
			.at = at + here,
			.type = ws_le32(bytes + here + 8),
			.name = (const char *)bytes + here + NOTE_HEADER,
			.namesz = namesz,
			.desc = bytes + desc,
			.descsz = descsz,
		};

		if (desc > size || descsz > size - desc) {
			if (cut)
				return WS_OK;
			return ws_fail(
				target->ctx, WS_ERR_MALFORMED,
				"%s: note at file offset %#lx: name of %#lx and "
				"contents of %#lx bytes end past the notes' end %#lx",
				target->file.path, note.at, namesz, descsz, at + size);
		}
		status = note_take(target, &note);
		here = desc + aligned(descsz);
		if (here > size)
			here = size;
	}
	return status;
}

/* ---- the same, written ------------------------------------------------------------ */

static void put32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = value >> 8 * i;
}

static void put64(uint8_t *p, uint64_t value)
{
	put32(p, value);
	put32(p + 4, value >> 32);
}

static void note_write(FILE *file, const char *name, const void *desc, size_t size)
{
	static const uint8_t padding[4];
	size_t namesz = strlen(name) + 1;
	uint8_t header[NOTE_HEADER] = { 0 };

	put32(header, namesz);
	put32(header + 4, size);
	fwrite(header, sizeof(header), 1, file);
	fwrite(name, namesz, 1, file);
	fwrite(padding, aligned(namesz) - namesz, 1, file);
	fwrite(desc, size, 1, file);
	fwrite(padding, aligned(size) - size, 1, file);
}

static void qemu_note_write(FILE *file, const struct ws_cpu *cpu)
{
	const uint64_t control[] = { cpu->cr0, 0, cpu->cr2, cpu->cr3, cpu->cr4 };
	uint8_t desc[QEMU_STATE_SIZE + 8] = { 0 }; /* kernel_gs_base is not kept */

	put32(desc, QEMU_VERSION);
	put32(desc + 4, sizeof(desc));
	for (size_t i = 0; i < WS_REG_COUNT; i++)
		put64(desc + QEMU_REGISTERS + 8 * i, cpu->reg[i]);
	for (size_t i = 0; i < WS_ARRAY_SIZE(qemu_segments); i++) {
		const struct ws_segment *segment =
			(const void *)((const char *)cpu + qemu_segments[i]);
		uint8_t *p = desc + QEMU_SEGMENTS + QEMU_SEGMENT_SIZE * i;

		put32(p, segment->selector);
		put32(p + 4, segment->limit);
		put32(p + 8, segment->flags);
		put64(p + 16, segment->base);
	}
	for (size_t i = 0; i < WS_ARRAY_SIZE(control); i++)
		put64(desc + QEMU_CONTROLS + 8 * i, control[i]);
	note_write(file, "QEMU", desc, sizeof(desc));
}

enum ws_status ws_target_write_notes(const struct ws_target *target,
				     const struct ws_format *format, uint64_t root,
				     const char *vmcoreinfo, uint8_t **notes,
				     size_t *size)
{
	struct ws_text bytes;
	FILE *file = ws_text_open(&bytes);
	bool registers = false;
	char text[64];

	if (!file)
		return ws_fail_memory(target->ctx);
	ws_vec_each(&target->cpus, cpu)
		if (cpu->has_control) {
			qemu_note_write(file, cpu);
			registers = true;
		}
	snprintf(text, sizeof(text), "%s %" PRIx64, ws_format_name(format), root);
	if (!registers || target->has_root)
		note_write(file, "WHOSEES", text, strlen(text) + 1);
	if (vmcoreinfo)
		note_write(file, "VMCOREINFO", vmcoreinfo, strlen(vmcoreinfo));
	*notes = (uint8_t *)ws_text_close(&bytes, size);
	return *notes ? WS_OK : ws_fail_memory(target->ctx);
}
