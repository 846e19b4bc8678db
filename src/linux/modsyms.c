/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The symbols that a module keeps once it is loaded: ELF symbols, their strings and
 * nm's letters, all in its own memory, named by fields of struct module:
 *
 *	struct mod_kallsyms { Elf_Sym *symtab; unsigned num_symtab; char *strtab;
 *			      char *typetab; } core_kallsyms;	since 8244062ef1e5 (4.5)
 *	Elf_Sym *symtab, *core_symtab; unsigned num_symtab, core_num_syms;
 *	char *strtab, *core_strtab;					before
 *
 * typetab came with 1c7651f43777 (5.2); before, the letter stood in st_info (for two
 * versions in st_size, which is let be: such a letter is unknown).
 */
#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "linux/modules.h"
#include "linux/symtab.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"

#define SYMBOLS_MAX (UINT32_C(1) << 18)

/* Where num and strtab lie from symtab on, and typetab if there is one. */
struct shape {
	uint32_t num, strtab, typetab;
};

/* One module's symbols, as its struct has them. */
struct kept {
	uint64_t symtab, strtab, typetab;
	uint32_t num;
};

static size_t symbol_size(const struct ws_system *system)
{
	return system->layout.word == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
}

static void shapes_of(const struct ws_system *system, struct shape shapes[2])
{
	unsigned word = system->layout.word;

	shapes[0] = (struct shape){ word, 2 * word, 3 * word };
	shapes[1] = (struct shape){ 2 * word, 2 * word + 8, 0 };
}

/* symtab and strtab lie in the module, and the first symbol is ELF's null symbol. */
static bool kept_valid(struct ws_system *system, const struct ws_module *module,
		       const struct kept *kept)
{
	static const uint8_t null[sizeof(Elf64_Sym)];
	uint8_t first[sizeof(Elf64_Sym)];
	size_t size = symbol_size(system);

	return kept->num && kept->num <= SYMBOLS_MAX &&
	       kept->symtab % system->layout.word == 0 &&
	       ws_module_region(module, kept->symtab, (uint64_t)kept->num * size) &&
	       ws_module_region(module, kept->strtab, 1) &&
	       ws_system_read(system, kept->symtab, first, size) == WS_READ &&
	       !memcmp(first, null, size);
}

static bool shape_fits(struct ws_system *system, const struct ws_module_sample *sample,
		       const struct shape *shape, uint32_t at)
{
	size_t misfits = 0;

	for (size_t i = 0; i < sample->n; i++) {
		struct kept kept = {
			.symtab = ws_module_sample_word(sample, i, at),
			.num = ws_module_sample_32(sample, i, at + shape->num),
			.strtab = ws_module_sample_word(sample, i, at + shape->strtab),
		};

		if (!kept_valid(system, sample->module[i], &kept) &&
		    ++misfits > ws_module_misfits_max(sample))
			return false;
	}
	return true;
}

/* The offset in struct module at which one of the shapes fits the modules. */
static bool find_field(struct ws_system *system, const struct ws_module_sample *sample,
		       struct shape *shape)
{
	uint32_t end = WS_STRUCT_MODULE_MAX - 6 * system->layout.word;
	struct shape shapes[2];

	shapes_of(system, shapes);
	for (uint32_t at = 0; at < end; at += system->layout.word)
		for (size_t s = 0; s < WS_ARRAY_SIZE(shapes); s++)
			if (shape_fits(system, sample, &shapes[s], at)) {
				system->module_fields.kallsyms = at;
				*shape = shapes[s];
				return true;
			}
	return false;
}

static bool kept_read(struct ws_system *system, const struct ws_module *module,
		      const struct shape *shape, struct kept *kept)
{
	uint64_t at = module->module + system->module_fields.kallsyms;

	kept->typetab = 0;
	if (ws_kernel_word(system, at, &kept->symtab) != WS_READ ||
	    ws_kernel_u32(system, at + shape->num, &kept->num) != WS_READ ||
	    ws_kernel_word(system, at + shape->strtab, &kept->strtab) != WS_READ ||
	    !kept_valid(system, module, kept))
		return false;
	if (shape->typetab &&
	    (ws_kernel_word(system, at + shape->typetab, &kept->typetab) != WS_READ ||
	     !ws_module_region(module, kept->typetab, kept->num)))
		kept->typetab = 0;
	return true;
}

/* Elf32_Sym and Elf64_Sym hold the same fields in another order. */
static Elf64_Sym symbol_at(const struct ws_system *system, const uint8_t *bytes)
{
	if (system->layout.word == 8)
		return (Elf64_Sym){ .st_name = ws_le32(bytes),
				    .st_info = bytes[4],
				    .st_shndx = ws_le16(bytes + 6),
				    .st_value = ws_le64(bytes + 8) };
	return (Elf64_Sym){ .st_name = ws_le32(bytes),
			    .st_value = ws_le32(bytes + 4),
			    .st_info = bytes[12],
			    .st_shndx = ws_le16(bytes + 14) };
}

/* What is copied out of a module; owned. types may be NULL. */
struct kept_bytes {
	uint8_t *symbols, *types;
	char *strings;
	size_t strings_len;
};

static void kept_bytes_release(struct kept_bytes *bytes)
{
	free(bytes->symbols);
	free(bytes->types);
	free(bytes->strings);
}

/*
 * strtab does not say how long it is: no further than its region goes, and no further
 * than the last name can reach.
 */
static size_t strings_len(const struct ws_system *system, const struct ws_module *module,
			  const struct kept *kept, const uint8_t *symbols)
{
	const struct ws_region *region = ws_module_region(module, kept->strtab, 1);
	uint64_t len = region->len - (kept->strtab - region->va), most = 0;

	for (uint32_t i = 0; i < kept->num; i++) {
		uint64_t name = ws_le32(symbols + i * symbol_size(system));

		if (name > most)
			most = name;
	}
	most += WS_SYMBOL_NAME_MAX;
	return len < most ? len : most;
}

/*
 * All bytes that are copied, of all modules: far above what a kernel has loaded. Regions may lie
 * over each other, and pages of theirs be one frame: neither bounds it.
 */
#define COPIED_MAX (UINT64_C(256) << 20)

/*
 * size bytes at va, owned by the caller; NULL when they cannot be read, or *left has been copied.
 */
static void *read_new(struct ws_system *system, uint64_t va, size_t size, uint64_t *left)
{
	void *bytes;

	if (size > *left)
		return NULL;
	*left -= size;
	bytes = malloc(size);
	if (!bytes)
		(void)!ws_target_short(system->target);
	if (bytes && ws_system_read(system, va, bytes, size) == WS_READ)
		return bytes;
	free(bytes);
	return NULL;
}

/* False when a part cannot be read. */
static bool kept_copy(struct ws_system *system, const struct ws_module *module,
		      const struct kept *kept, struct kept_bytes *bytes, uint64_t *left)
{
	size_t size = kept->num * symbol_size(system);

	bytes->symbols = read_new(system, kept->symtab, size, left);
	if (!bytes->symbols)
		return false;
	bytes->strings_len = strings_len(system, module, kept, bytes->symbols);
	bytes->strings = read_new(system, kept->strtab, bytes->strings_len, left);
	if (!bytes->strings || !kept->typetab)
		return bytes->strings;
	bytes->types = read_new(system, kept->typetab, kept->num, left);
	return bytes->types;
}

static char letter(uint8_t c)
{
	return isalpha(c) || c == '?' ? (char)c : 0;
}

static enum ws_status symbols_add(struct ws_system *system, struct ws_symtab *symtab,
				  int16_t module, const struct kept *kept,
				  const struct kept_bytes *bytes)
{
	enum ws_status status = WS_OK;

	for (uint32_t i = 1; i < kept->num && !status; i++) {
		Elf64_Sym symbol =
			symbol_at(system, bytes->symbols + i * symbol_size(system));
		struct ws_symtab_entry entry = {
			.va = symbol.st_value,
			.module = module,
			.type = letter(bytes->types ? bytes->types[i] : symbol.st_info),
		};
		const char *name = bytes->strings + symbol.st_name;
		size_t left, len;

		if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= bytes->strings_len)
			continue;
		left = bytes->strings_len - symbol.st_name;
		len = strnlen(name, left);
		/* $x: a mapping symbol, which names no place */
		if (len < left && ws_symbol_name_valid(name, len) && *name != '$')
			status =
				ws_symtab_add(symtab, WS_FROM_MODULES, &entry, name, len);
	}
	return status;
}

static enum ws_status module_load(struct ws_system *system, struct ws_symtab *symtab,
				  const struct shape *shape, int16_t index,
				  uint64_t *left)
{
	ws_cleanup(kept_bytes_release) struct kept_bytes bytes = { 0 };
	const struct ws_module *module = &system->modules.v[index];
	struct kept kept;

	if (!kept_read(system, module, shape, &kept) ||
	    !kept_copy(system, module, &kept, &bytes, left)) {
		/* an unformed module has no symbols yet */
		if (module->state != WS_MODULE_UNFORMED)
			ws_note(system, "the symbols of module %s cannot be read",
				module->name);
		return WS_OK;
	}
	return symbols_add(system, symtab, index, &kept, &bytes);
}

enum ws_status ws_module_symbols_load(struct ws_system *system, struct ws_symtab *symtab)
{
	ws_cleanup(ws_module_sample_release) struct ws_module_sample sample = { 0 };
	const struct ws_module *modules;
	struct shape shape;
	uint64_t left = COPIED_MAX;
	enum ws_status status;
	size_t n;

	status = ws_system_modules(system, &modules, &n);
	if (status || !system->module_fields.nregions)
		return status;
	status = ws_module_sample_take(system, &sample);
	if (status)
		return status;
	if (!find_field(system, &sample, &shape)) {
		ws_note(system,
			"%s, but nothing in struct module leads to symbols (a kernel "
			"without CONFIG_KALLSYMS keeps none)",
			WS_COUNT_OF(n, "module"));
		return WS_OK;
	}
	for (size_t i = 0; i < n && !status; i++)
		status = module_load(system, symtab, &shape, (int16_t)i, &left);
	return status;
}
