/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ELF notes of machines: processors and VMCOREINFO. Layouts: gABI ch. 5 for the note
 * itself, Linux include/linux/elfcore.h (struct elf_prstatus) for "CORE", VirtualBox
 * include/VBox/vmm/dbgfcorefmt.h for "VBCORE"; of processors the architecture has the rest.
 */
#include "target/target.h"

#include <elf.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"
#include "util/text.h"

#define NOTE_HEADER 12 /* n_namesz, n_descsz, n_type */

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
 * says more of the same processors in the same order.
 */
static struct ws_cpu *cpu_of_qemu_note(struct ws_target *target,
				       const struct ws_arch *arch)
{
	while (target->nqemu_notes > target->cpus.n) {
		struct ws_cpu *cpu = ws_vec_push(&target->cpus);

		if (!cpu)
			return NULL;
		cpu->arch = arch;
	}
	return &target->cpus.v[target->nqemu_notes - 1];
}

/* One of another size is not of this version either, or it is damaged. */
static enum ws_status qemu_note_left(struct ws_target *target, const struct note *note,
				     const char *what, uint64_t is, uint64_t should)
{
	return ws_target_add_note(
		target,
		"the QEMU note at file offset %#jx is damaged, or newer "
		"than this tool: its %s is %ju, not %ju: what it says of "
		"the registers of processor %zu is unknown",
		note->at, what, is, should, target->nqemu_notes - 1);
}

/* The machine's architecture where the dump says it, else the one that has such notes. */
static const struct ws_arch *qemu_arch(const struct ws_target *target)
{
	const struct ws_arch *arch = target->arch;

	for (unsigned i = 0; !arch; i++)
		if (ws_arch_at(i)->qemu_note)
			arch = ws_arch_at(i);
	return arch;
}

static enum ws_status qemu_note(struct ws_target *target, const struct note *note)
{
	const struct ws_arch *arch = qemu_arch(target);
	const struct ws_qemu_note *layout = arch->qemu_note;
	struct ws_cpu *cpu;

	if (!layout)
		return WS_OK;
	target->nqemu_notes++;
	if (note->descsz < layout->size)
		return qemu_note_left(target, note, "size", note->descsz, layout->size);
	if (ws_le32(note->desc) != layout->version)
		return qemu_note_left(target, note, "version", ws_le32(note->desc),
				      layout->version);
	cpu = cpu_of_qemu_note(target, arch);
	if (!cpu)
		return ws_fail_memory(target->ctx);
	layout->read(cpu, note->desc);
	return WS_OK;
}

/* Its size says whose it is; NULL: of no architecture that is known. */
static const struct ws_prstatus *prstatus_of(const struct note *note,
					     const struct ws_arch **arch)
{
	for (unsigned i = 0; (*arch = ws_arch_at(i)); i++)
		for (const struct ws_prstatus *p = (*arch)->prstatuses; p && p->size; p++)
			if (p->size == note->descsz)
				return p;
	return NULL;
}

static enum ws_status prstatus_note(struct ws_target *target, const struct note *note)
{
	const struct ws_arch *arch;
	const struct ws_prstatus *layout = prstatus_of(note, &arch);
	struct ws_cpu *cpu;

	if (!layout)
		return WS_OK;
	cpu = ws_vec_push(&target->cpus);
	if (!cpu)
		return ws_fail_memory(target->ctx);
	cpu->arch = arch;
	cpu->word = layout->word;
	if (!target->arch) /* a kdump of a machine without a name */
		target->arch = arch;
	for (unsigned i = 0; i < WS_REGISTERS_MAX; i++) {
		const uint8_t *p = note->desc + layout->registers +
				   (layout->index[i] - 1) * layout->word;

		if (layout->index[i])
			ws_cpu_set(cpu, i, ws_le_word(p, layout->word));
	}
	return WS_OK;
}

#define VBOX_MAGIC 0xc01ac0de
#define VBOX_VERSION 4              /* where it is */
#define VBOX_VERSION_MIN 0x00010001 /* 1.0 has its processors in another form */
#define VBOX_VERSION_MAX 0x0001ffff

/* VirtualBox's first note: of which version its notes on processors are. */
static enum ws_status vbox_note(struct ws_target *target, const struct note *note)
{
	uint32_t version = note->descsz >= 8 ? ws_le32(note->desc + VBOX_VERSION) : 0;
	bool sound = note->descsz >= 8 && ws_le32(note->desc) == VBOX_MAGIC;

	target->monitor_unknown =
		!sound || version < VBOX_VERSION_MIN || version > VBOX_VERSION_MAX;
	if (!target->monitor_unknown)
		return WS_OK;
	return ws_target_add_note(
		target,
		"the VBCORE note at file offset %#jx is damaged, or of a version that is "
		"unknown (%#x): what is said there of registers is not read",
		note->at, version);
}

static const struct ws_monitor_note *monitor_note_of(const struct note *note,
						     const struct ws_arch **arch)
{
	for (unsigned i = 0; (*arch = ws_arch_at(i)); i++)
		for (const struct ws_monitor_note *m = (*arch)->monitor_notes;
		     m && m->name; m++)
			if (note_is(note, m->name, m->type))
				return m;
	return NULL;
}

static enum ws_status processor_unknown(struct ws_target *target, const char *name,
					uint64_t at)
{
	return ws_target_add_note(
		target,
		"the %s note at file offset %#jx is damaged, or newer than this tool: "
		"what it says of the registers of processor %zu is unknown",
		name, at, target->cpus.n - 1);
}

/* A processor that is not known is one all the same. */
static enum ws_status monitor_note(struct ws_target *target, const struct note *note)
{
	const struct ws_arch *arch;
	const struct ws_monitor_note *layout = monitor_note_of(note, &arch);
	struct ws_cpu *cpu;

	if (!layout)
		return WS_OK;
	cpu = ws_vec_push(&target->cpus);
	if (!cpu)
		return ws_fail_memory(target->ctx);
	*cpu = (struct ws_cpu){ .arch = arch };
	if (target->monitor_unknown)
		return WS_OK;
	if (note->descsz >= layout->size && layout->read(cpu, note->desc))
		return WS_OK;
	*cpu = (struct ws_cpu){ .arch = arch };
	return processor_unknown(target, layout->name, note->at);
}

enum ws_status ws_target_add_cpu(struct ws_target *target, const char *name,
				 uint32_t type, const uint8_t *bytes, size_t size,
				 uint64_t at)
{
	return monitor_note(target, &(struct note){ .at = at,
						    .type = type,
						    .name = name,
						    .namesz = strlen(name),
						    .desc = bytes,
						    .descsz = size });
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
 * the reference was a consensus; and behind them the number of the encryption bit, which
 * less memory would not show again, where it was given or found in memory.
 */
static enum ws_status whosees_note(struct ws_target *target, const struct note *note)
{
	char name[32], text[64] = "";
	uint64_t root;
	unsigned bit;
	int parts;

	memcpy(text, note->desc,
	       note->descsz < sizeof(text) ? note->descsz : sizeof(text) - 1);
	parts = sscanf(text, "%31s %" SCNx64 " %u", name, &root, &bit);
	if (parts < 2 || !ws_format_by_name(name) || (parts > 2 && bit > UINT8_MAX))
		return ws_target_add_note(
			target,
			"the WHOSEES note at file offset %#jx is damaged: no paging format "
			"and root are in it",
			note->at);
	target->format = ws_format_by_name(name);
	target->root = root;
	target->has_root = root != 0;
	target->root_is_noted = target->has_root;
	target->has_encryption_bit = parts > 2;
	target->encryption_bit = parts > 2 ? (uint8_t)bit : 0;
	return WS_OK;
}

/*
 * Another of ours, where no module was found: a capture holds no memory in which none
 * was. One line "modules-absent BYTES": how much of where modules may lie could not be
 * looked through, in hexadecimal.
 */
static enum ws_status modules_note(struct ws_target *target, const struct note *note)
{
	char text[64] = "";

	memcpy(text, note->desc,
	       note->descsz < sizeof(text) ? note->descsz : sizeof(text) - 1);
	if (sscanf(text, "modules-absent %" SCNx64, &target->modules_absent) != 1)
		return ws_target_add_note(
			target,
			"the WHOSEES note at file offset %#jx is damaged: nothing about "
			"modules is in it",
			note->at);
	target->modules_sought = true;
	return WS_OK;
}

/* Of what writes cores today /proc/kcore alone has such (Linux fs/proc/kcore.c). */
static enum ws_status taskstruct_note(struct ws_target *target, const struct note *note)
{
	target->of_itself = true;
	target->own_task = note->desc;
	target->own_task_size = note->descsz;
	return WS_OK;
}

#define WHOSEES_ROOT 0
#define WHOSEES_MODULES 1

static const struct {
	const char *name;
	uint32_t type;
	enum ws_status (*take)(struct ws_target *target, const struct note *note);
} note_kinds[] = {
	{ "QEMU", 0, qemu_note },
	{ "CORE", NT_PRSTATUS, prstatus_note },
	{ "CORE", NT_TASKSTRUCT, taskstruct_note },
	{ "VBCORE", 0xb00, vbox_note },
	{ "VMCOREINFO", 0, vmcoreinfo_note },
	{ "WHOSEES", WHOSEES_ROOT, whosees_note },
	{ "WHOSEES", WHOSEES_MODULES, modules_note },
};

static enum ws_status note_take(struct ws_target *target, const struct note *note)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(note_kinds); i++)
		if (note_is(note, note_kinds[i].name, note_kinds[i].type))
			return note_kinds[i].take(target, note);
	return monitor_note(target, note);
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
			return ws_target_add_note(
				target,
				"the note at file offset %#jx is damaged: its name of %#jx "
				"and its contents of %#jx bytes end past the notes' end "
				"%#jx: what it and those behind it say of registers and of "
				"the kernel is unknown",
				note.at, namesz, descsz, at + size);
		}
		status = note_take(target, &note);
		here = desc + aligned(descsz);
		if (here > size)
			here = size;
	}
	return status;
}

/* ---- the same, written ------------------------------------------------------------ */

static void put_word(uint8_t *p, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

static void put32(uint8_t *p, uint32_t value)
{
	put_word(p, value, 4);
}

static void note_write(FILE *file, const char *name, uint32_t type, const void *desc,
		       size_t size)
{
	static const uint8_t padding[4];
	size_t namesz = strlen(name) + 1;
	uint8_t header[NOTE_HEADER] = { 0 };

	put32(header, (uint32_t)namesz);
	put32(header + 4, (uint32_t)size);
	put32(header + 8, type);
	fwrite(header, sizeof(header), 1, file);
	fwrite(name, namesz, 1, file);
	fwrite(padding, aligned(namesz) - namesz, 1, file);
	fwrite(desc, size, 1, file);
	fwrite(padding, aligned(size) - size, 1, file);
}

/* *written: all that it has is known. False: memory is short. */
static bool qemu_note_write(FILE *file, const struct ws_cpu *cpu, bool *written)
{
	const struct ws_qemu_note *layout = cpu->arch->qemu_note;
	ws_autofree uint8_t *desc = calloc(1, layout->written);

	if (!desc)
		return false;
	put32(desc, layout->version);
	put32(desc + 4, layout->written);
	*written = layout->write(cpu, desc);
	if (*written)
		note_write(file, "QEMU", 0, desc, layout->written);
	return true;
}

static const struct ws_prstatus *prstatus_like(const struct ws_cpu *cpu)
{
	const struct ws_prstatus *layout = cpu->arch->prstatuses;

	while (layout && layout->size && layout->word != cpu->word)
		layout++;
	return layout && layout->size ? layout : NULL;
}

/* What is not known of them reads as 0. False: memory is short. */
static bool prstatus_write(FILE *file, const struct ws_cpu *cpu)
{
	const struct ws_prstatus *layout = prstatus_like(cpu);
	ws_autofree uint8_t *desc = layout ? calloc(1, layout->size) : NULL;

	if (!layout)
		return true;
	if (!desc)
		return false;
	for (unsigned i = 0; i < WS_REGISTERS_MAX; i++) {
		uint8_t *registers = desc + layout->registers;

		if (layout->index[i] && ws_cpu_knows(cpu, i))
			put_word(registers + (layout->index[i] - 1u) * layout->word,
				 cpu->reg[i], layout->word);
	}
	note_write(file, "CORE", NT_PRSTATUS, desc, layout->size);
	return true;
}

enum ws_status ws_target_write_notes(const struct ws_target *target,
				     const struct ws_taken_from *from, uint8_t **notes,
				     size_t *size)
{
	struct ws_text bytes;
	FILE *file = ws_text_open(&bytes);
	bool registers = false, short_of_memory = false;
	uint64_t root;
	char text[64];

	if (!file)
		return ws_fail_memory(target->ctx);
	ws_vec_each(&target->cpus, cpu)
		if (cpu->arch->qemu_note && ws_cpu_root(cpu, &root)) {
			bool written = false;

			short_of_memory |= !qemu_note_write(file, cpu, &written);
			registers |= written;
		} else if (!cpu->arch->qemu_note) {
			short_of_memory |= !prstatus_write(file, cpu);
		}
	snprintf(text, sizeof(text),
		 from->has_encryption_bit ? "%s %" PRIx64 " %u" : "%s %" PRIx64,
		 ws_format_name(from->format), from->root, from->encryption_bit);
	if (!registers || target->has_root || from->has_encryption_bit)
		note_write(file, "WHOSEES", WHOSEES_ROOT, text, strlen(text) + 1);
	snprintf(text, sizeof(text), "modules-absent %" PRIx64, from->modules_absent);
	if (from->no_modules)
		note_write(file, "WHOSEES", WHOSEES_MODULES, text, strlen(text) + 1);
	if (from->vmcoreinfo)
		note_write(file, "VMCOREINFO", 0, from->vmcoreinfo,
			   strlen(from->vmcoreinfo));
	*notes = (uint8_t *)ws_text_close(&bytes, size);
	return *notes && !short_of_memory ? WS_OK : ws_fail_memory(target->ctx);
}
