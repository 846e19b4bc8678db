/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A dump of only what the answers rest on. There is no list of what that is: the
 * discovery runs again with the target's recorder on, and the frames it looked at are
 * the capture. What it never looks at, user memory above all, cannot be in it.
 */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "linux/linux.h"
#include "linux/region.h"
#include "linux/roots.h"
#include "linux/special.h"
#include "linux/stacks.h"
#include "linux/users_pages.h"
#include "paging/format.h"
#include "util/cleanup.h"
#include "util/hash.h"
#include "util/whole.h"

/* A table at a level: one table can serve two, and leads elsewhere in each. */
struct seen_table {
	uint64_t key;
	UT_hash_handle hh;
};

struct tour {
	struct ws_system *system;
	struct seen_table *seen;
	bool short_of_memory;
};

static bool first_visit(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	struct tour *tour = arg;
	uint64_t key = pa | level; /* tables are at least 32-byte aligned */
	struct seen_table *known;

	(void)va;
	if (level == 0) /* called once for each half of a canonical address space */
		return true;
	HASH_FIND(hh, tour->seen, &key, sizeof(key), known);
	if (known)
		return false;
	known = calloc(1, sizeof(*known));
	if (known) {
		known->key = key;
		HASH_ADD(hh, tour->seen, key, sizeof(known->key), known);
	}
	if (!known || !known->hh.tbl) {
		free(known);
		tour->short_of_memory = true;
		return false;
	}
	return true;
}

static void forget_tables(struct tour *tour)
{
	struct seen_table *it, *next;

	HASH_ITER(hh, tour->seen, it, next)
	{
		HASH_DEL(tour->seen, it);
		free(it);
	}
}

/*
 * What a freed root leads to below the kernel half may be anybody's pages by now, and so
 * may hold what a user wrote: of a freed space only the kernel half is kept.
 */
static enum ws_status tour_space(struct tour *tour, const struct ws_space *space)
{
	const struct ws_system *system = tour->system;
	uint64_t first = space->kind == WS_SPACE_FREED ? system->layout.kernel_first : 0;

	return ws_tables(&system->paging, space->root, first, UINT64_MAX, 0, first_visit,
			 tour);
}

/* With PTI user halves are held against init_mm's own, which is no space. */
static enum ws_status tour_reference(struct tour *tour)
{
	const struct ws_system *system = tour->system;

	if (!system->layout.pti || system->layout.consensus)
		return WS_OK;
	return ws_tables(&system->paging,
			 ws_user_half_of(system, system->layout.reference),
			 system->layout.kernel_first, UINT64_MAX, 0, first_visit, tour);
}

static enum ws_status tour_spaces(struct ws_system *system)
{
	struct tour tour = { .system = system };
	enum ws_status status = tour_reference(&tour);

	for (size_t i = 0; i < system->spaces.n && status == WS_OK; i++)
		status = tour_space(&tour, &system->spaces.v[i]);
	for (size_t i = 0; i < system->specials.n && status == WS_OK; i++)
		if (system->specials.v[i].known &&
		    system->specials.v[i].space == WS_NO_SPACE)
			status = ws_tables(&system->specials.v[i].paging,
					   system->specials.v[i].root, 0, UINT64_MAX, 0,
					   first_visit, &tour);
	forget_tables(&tour);
	if (tour.short_of_memory)
		return ws_fail_memory(system->ctx);
	if (status == WS_ERR_LIMIT)
		return ws_fail(system->ctx, status, "page tables without an end");
	return status;
}

/* What the processors' registers point at. */
static void tour_registers(struct ws_system *system)
{
	const struct ws_arch_linux *on_linux = ws_on_linux(system);

	if (!system->target->cpus.n && on_linux && on_linux->tour_registers)
		on_linux->tour_registers(system, NULL);
	ws_vec_each(&system->target->cpus, cpu)
		if (cpu->arch->on_linux && cpu->arch->on_linux->tour_registers)
			cpu->arch->on_linux->tour_registers(system, cpu);
}

/* Where tasks say that their kernel stacks are, and where they were on them; not what is
 * on them. */
static enum ws_status tour_stacks(struct ws_system *system)
{
	ws_stack_vec stacks = { 0 };
	enum ws_status status = ws_find_stacks(system, &stacks);
	int32_t offset;
	uint64_t sp;

	if (status == WS_OK && ws_find_saved_sp(system, &stacks, &offset))
		ws_vec_each(&stacks, stack)
			(void)ws_saved_sp(system, stack, offset, &sp);
	ws_vec_release(&stacks);
	return status;
}

/*
 * The log, which is read as the command reads it. Where none is found there is none to
 * keep, and a capture will not find one either.
 */
static enum ws_status tour_log(struct ws_system *system)
{
	const struct ws_log *log;
	enum ws_status status = ws_system_log(system, &log);

	if (status != WS_ERR_UNKNOWN)
		return status;
	ws_error_clear(system->ctx);
	return WS_OK;
}

/* Where the one pass over memory found what it was looking for. */
static void tour_finds(struct ws_system *system)
{
	const uint8_t *frame;

	ws_vec_each(&system->finds.idle_names, pa)
		(void)!ws_target_frame(system->target, *pa, &frame);
	ws_vec_each(&system->finds.vmcoreinfo, pa)
		(void)!ws_target_frame(system->target, *pa, &frame);
}

static enum ws_status tour_all(struct ws_system *system)
{
	const struct ws_module *modules;
	struct ws_symbol symbol;
	enum ws_status status;
	size_t n;

	tour_finds(system);
	ws_search_tour(system);
	tour_registers(system);
	ws_users_pages_tour(system);
	status = ws_specials_find(system);
	if (status == WS_OK)
		status = tour_spaces(system);
	if (status == WS_OK)
		status = tour_stacks(system);
	if (status == WS_OK)
		status = ws_system_modules(system, &modules, &n);
	if (status == WS_OK) /* any question makes the symbol tables load */
		status = ws_symbol_at(system, system->layout.image_first, &symbol);
	if (status == WS_OK || status == WS_ERR_NOT_FOUND)
		status = ws_regions_find(system);
	return status == WS_OK ? tour_log(system) : status;
}

/* Discovers everything anew, so that the recorder sees all that discovery looks at. */
static enum ws_status record(struct ws_target *target, struct ws_taken_from *from)
{
	struct ws_system *again;
	enum ws_status status = ws_target_record(target);

	if (status != WS_OK)
		return status;
	status = ws_system_open(target, NULL, &again);
	if (status != WS_OK)
		return status;
	status = tour_all(again);
	from->no_modules = again->modules_sought;
	from->modules_absent = again->modules_absent;
	ws_system_close(again);
	return status;
}

/* ---- the file: ELF header, program headers, notes, frames ---- */

typedef WS_VEC(struct ws_extent) extent_vec;

static enum ws_status gather_loads(struct ws_target *target, extent_vec *loads)
{
	struct ws_extent *load = NULL;

	ws_vec_each(&target->memory, piece) {
		uint64_t pa = (piece->at.pa + WS_FRAME_SIZE - 1) &
			      ~(uint64_t)(WS_FRAME_SIZE - 1);
		uint64_t end = piece->at.pa + piece->at.len;

		for (; pa < end && end - pa >= WS_FRAME_SIZE; pa += WS_FRAME_SIZE) {
			if (!ws_target_recorded(target, pa))
				continue;
			if (!load || load->pa + load->len != pa) {
				load = ws_vec_push(loads);
				if (!load)
					return ws_fail_memory(target->ctx);
				load->pa = pa;
			}
			load->len += WS_FRAME_SIZE;
		}
	}
	return WS_OK;
}

struct file_layout {
	uint64_t phdrs, shdr, notes, data;
	size_t nphdrs, notes_size;
};

static struct file_layout lay_out(size_t nloads, size_t notes_size)
{
	struct file_layout l = { .nphdrs = nloads + 1, .notes_size = notes_size };

	l.phdrs = sizeof(Elf64_Ehdr);
	l.shdr = l.phdrs + l.nphdrs * sizeof(Elf64_Phdr);
	l.notes = l.shdr + sizeof(Elf64_Shdr);
	l.data = (l.notes + notes_size + WS_FRAME_SIZE - 1) &
		 ~(uint64_t)(WS_FRAME_SIZE - 1);
	return l;
}

/* Little-endian, as what is in the memory. gABI: more program headers than e_phnum can count are counted in section header 0. */
static bool write_headers(FILE *file, const struct ws_system *system,
			  const struct file_layout *l)
{
	const struct ws_machine_type *machine =
		ws_machine_type(ws_arch_of(system->format), system->layout.word);
	const bool many = l->nphdrs >= PN_XNUM;
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = htole16(ET_CORE),
		.e_machine = htole16(machine->elf),
		.e_version = htole32(EV_CURRENT),
		.e_phoff = htole64(l->phdrs),
		.e_shoff = htole64(many ? l->shdr : 0),
		.e_ehsize = htole16(sizeof(Elf64_Ehdr)),
		.e_phentsize = htole16(sizeof(Elf64_Phdr)),
		.e_phnum = htole16(many ? PN_XNUM : (uint16_t)l->nphdrs),
		.e_shentsize = htole16(many ? sizeof(Elf64_Shdr) : 0),
		.e_shnum = htole16(many),
	};

	return fwrite(&ehdr, sizeof(ehdr), 1, file) == 1;
}

static bool write_program_headers(FILE *file, const extent_vec *loads,
				  const struct file_layout *l)
{
	Elf64_Phdr note = { .p_type = htole32(PT_NOTE),
			    .p_offset = htole64(l->notes),
			    .p_filesz = htole64(l->notes_size),
			    .p_memsz = htole64(l->notes_size),
			    .p_align = htole64(4) };
	Elf64_Shdr count = { .sh_info = htole32((uint32_t)l->nphdrs) };
	uint64_t offset = l->data;

	if (fwrite(&note, sizeof(note), 1, file) != 1)
		return false;
	ws_vec_each(loads, load) {
		Elf64_Phdr phdr = { .p_type = htole32(PT_LOAD),
				    .p_offset = htole64(offset),
				    .p_paddr = htole64(load->pa),
				    .p_filesz = htole64(load->len),
				    .p_memsz = htole64(load->len),
				    .p_align = htole64(WS_FRAME_SIZE) };

		if (fwrite(&phdr, sizeof(phdr), 1, file) != 1)
			return false;
		offset += load->len;
	}
	return fwrite(&count, sizeof(count), 1, file) == 1;
}

static bool write_frames(FILE *file, struct ws_target *target, const extent_vec *loads)
{
	ws_vec_each(loads, load)
		for (uint64_t at = 0; at < load->len; at += WS_FRAME_SIZE) {
			const uint8_t *frame;

			if (ws_target_frame(target, load->pa + at, &frame) != WS_READ ||
			    fwrite(frame, WS_FRAME_SIZE, 1, file) != 1)
				return false;
		}
	return true;
}

/* Up to the next page; written, for a pipe cannot seek. */
static bool write_padding(FILE *file, uint64_t size)
{
	static const uint8_t zeros[WS_FRAME_SIZE];

	return fwrite(zeros, 1, size, file) == size;
}

static bool write_core(FILE *file, struct ws_system *system, const extent_vec *loads,
		       const uint8_t *notes, size_t notes_size)
{
	struct file_layout l = lay_out(loads->n, notes_size);

	return write_headers(file, system, &l) &&
	       write_program_headers(file, loads, &l) &&
	       fwrite(notes, 1, notes_size, file) == notes_size &&
	       write_padding(file, l.data - l.notes - notes_size) &&
	       write_frames(file, system->target, loads) && fflush(file) == 0;
}

static enum ws_status write_file(struct ws_system *system, const char *path,
				 const extent_vec *loads, const uint8_t *notes,
				 size_t notes_size)
{
	struct ws_whole whole;

	if (ws_whole_open(&whole, path) &&
	    ws_whole_close(&whole,
			   write_core(whole.file, system, loads, notes, notes_size)))
		return WS_OK;
	return ws_fail(system->ctx, WS_ERR_SYSTEM, "%s: cannot write the capture: %s",
		       ws_whole_name(path), ws_whole_why(errno));
}

/* The files that the answers come from: what a capture must not replace. */
static bool is_input(const struct ws_system *system, const char *path)
{
	const char *const inputs[] = { system->options.system_map,
				       system->options.vmlinux };
	const char *file = ws_target_path(system->target);

	if (ws_target_is_file(system->target, path))
		return true;
	if (file && ws_target_is_named(file) && ws_target_path_in(file) &&
	    ws_whole_replaces(path, ws_target_path_in(file)))
		return true;
	for (size_t i = 0; i < WS_ARRAY_SIZE(inputs); i++)
		if (inputs[i] && ws_whole_replaces(path, inputs[i]))
			return true;
	return false;
}

/* 0: nobody knows one, and who opens the capture is to find out as we did. */
static uint64_t root_to_note(const struct ws_system *system)
{
	if (!system->layout.consensus)
		return system->layout.reference;
	return system->target->has_root ? system->target->root : 0;
}

enum ws_status ws_capture(struct ws_system *system, const char *path)
{
	struct ws_target *target = system->target;
	struct ws_taken_from from = { .format = system->paging.format,
				      .root = root_to_note(system),
				      .vmcoreinfo = system->vmcoreinfo };
	bool inferred = system->inferred.bit;
	ws_autofree uint8_t *notes = NULL;
	extent_vec loads = { 0 };
	enum ws_status status;
	size_t notes_size;

	from.has_encryption_bit = target->has_encryption_bit || inferred;
	from.encryption_bit =
		inferred ? ws_encryption_number(system) : target->encryption_bit;
	if (is_input(system, path))
		return ws_fail(target->ctx, WS_ERR_USAGE,
			       "%s: the capture would replace what it is taken from",
			       path);
	status = ws_target_looked(target, record(target, &from));
	if (status == WS_OK)
		status = gather_loads(target, &loads);
	if (status == WS_OK)
		status = ws_target_write_notes(target, &from, &notes, &notes_size);
	if (status == WS_OK)
		status = write_file(system, path, &loads, notes, notes_size);
	ws_vec_release(&loads);
	return status;
}
