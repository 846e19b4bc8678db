/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module's file: where the loader would put each of its handlers, and what these need
 * from elsewhere. Sections become memory as in kernel/module/main.c: layout_sections()
 * puts all that is executable first, in the order of the section headers, and what is
 * named .init apart, which do_free_init() gives back once the module's init has run.
 *
 * The file is nobody's friend: libelf checks what it hands out, all tables are read
 * once, and what is asked of each handler is bounded (WORK_MAX).
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <gelf.h>
#include <string.h>

#include "arch/arch.h"
#include "context.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/pread.h"
#include "util/sorted.h"
#include "util/text.h"
#include "util/vec.h"
#include "whosees.h"

#define HANDLERS_MAX 4096u
#define SECTIONS_MAX SHN_LORESERVE /* the loader knows no extended numbers */
#define LEAVING_MAX 64u            /* names kept of a handler */
/* Symbols and relocations looked at for all handlers together. */
#define WORK_MAX (1ull << 28)

/* What the loader makes of a section. */
struct section {
	const char *name; /* never NULL */
	GElf_Shdr header;
	uint8_t landing;
	uint64_t offset; /* in the memory of its kind, which begins on a page */
};

struct symbol {
	const char *name;
	uint64_t value, size;
	uint32_t section; /* SHN_UNDEF: leaves the module */
	uint8_t type;
};

struct reference {
	uint64_t offset;
	uint32_t symbol;
};

struct references {
	WS_VEC(struct reference);
	bool read;
};

/* Invariant: symbols are those of the file, in its order, the null symbol included. */
struct ws_module_file {
	struct ws_context *ctx;
	const char *path;
	int fd;
	Elf *elf;
	WS_VEC(struct section) sections;
	WS_VEC(struct symbol) symbols;
	struct references *references; /* one a section, sorted, read when asked for */
	WS_VEC(struct ws_handler) handlers;
	uint64_t work;
};

/* ---- sections, and where they land ------------------------------------------------ */

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static enum ws_landing landing_of(const struct section *section)
{
	bool executable = section->header.sh_flags & SHF_EXECINSTR;

	if (!(section->header.sh_flags & SHF_ALLOC))
		return WS_LANDS_NOWHERE;
	if (begins(section->name, ".init"))
		return executable ? WS_LANDS_INIT_TEXT : WS_LANDS_INIT_DATA;
	if (!executable)
		return WS_LANDS_DATA;
	return begins(section->name, ".exit") ? WS_LANDS_EXIT_TEXT : WS_LANDS_TEXT;
}

static enum ws_status sections_read(struct ws_module_file *file)
{
	struct section *null = ws_vec_push(&file->sections);
	Elf_Scn *from = NULL;
	size_t names;

	if (!null)
		return ws_fail_memory(file->ctx);
	*null = (struct section){ .name = "", .landing = WS_LANDS_NOWHERE };
	if (elf_getshdrstrndx(file->elf, &names) != 0)
		return ws_fail(file->ctx, WS_ERR_MALFORMED, "%s: %s", file->path,
			       elf_errmsg(-1));
	while ((from = elf_nextscn(file->elf, from))) {
		struct section *section = ws_vec_push(&file->sections);

		if (!section)
			return ws_fail_memory(file->ctx);
		if (file->sections.n > SECTIONS_MAX ||
		    !gelf_getshdr(from, &section->header))
			return ws_fail(file->ctx, WS_ERR_MALFORMED,
				       "%s: section %zu of its headers makes no sense",
				       file->path, file->sections.n - 1);
		section->name =
			elf_strptr(file->elf, names, section->header.sh_name) ?: "?";
		section->landing = (uint8_t)landing_of(section);
	}
	return WS_OK;
}

/* Each kind of memory begins on a page. .exit.text lies among the text. */
struct memory {
	uint64_t end[WS_LANDS_NOWHERE], writable;
};

static uint64_t *end_of(struct memory *memory, const struct section *section)
{
	if (section->landing == WS_LANDS_EXIT_TEXT)
		return &memory->end[WS_LANDS_TEXT];
	if (section->landing == WS_LANDS_DATA && (section->header.sh_flags & SHF_WRITE))
		return &memory->writable;
	return &memory->end[section->landing];
}

/* layout_sections(): one after the other, each at its own alignment. */
static enum ws_status place_section(struct ws_module_file *file, struct memory *memory,
				    struct section *section)
{
	uint64_t align = section->header.sh_addralign ?: 1, *end;

	if (section->landing == WS_LANDS_NOWHERE)
		return WS_OK;
	end = end_of(memory, section);
	if ((align & (align - 1)) || section->header.sh_size > UINT32_MAX ||
	    align > UINT32_MAX || *end > UINT32_MAX)
		return ws_fail(
			file->ctx, WS_ERR_MALFORMED,
			"%s: section %s: no memory is of size %#jx at an alignment "
			"of %#jx",
			file->path, section->name, section->header.sh_size, align);
	section->offset = (*end + align - 1) & ~(align - 1);
	*end = section->offset + section->header.sh_size;
	return WS_OK;
}

static enum ws_status place_sections(struct ws_module_file *file)
{
	struct memory memory = { 0 };
	enum ws_status status = WS_OK;

	ws_vec_each(&file->sections, section)
		if (status == WS_OK)
			status = place_section(file, &memory, section);
	return status;
}

/* ---- symbols ---------------------------------------------------------------------- */

static enum ws_status symbols_read(struct ws_module_file *file, size_t index)
{
	const GElf_Shdr *header = &file->sections.v[index].header;
	Elf_Data *data = elf_getdata(elf_getscn(file->elf, index), NULL);
	GElf_Sym from;

	for (int i = 0; data && gelf_getsym(data, i, &from); i++) {
		struct symbol *symbol = ws_vec_push(&file->symbols);

		if (!symbol)
			return ws_fail_memory(file->ctx);
		symbol->name = elf_strptr(file->elf, header->sh_link, from.st_name) ?: "";
		symbol->value = from.st_value;
		symbol->size = from.st_size;
		symbol->section = from.st_shndx;
		symbol->type = GELF_ST_TYPE(from.st_info);
	}
	return WS_OK;
}

static enum ws_status all_symbols_read(struct ws_module_file *file)
{
	for (size_t i = 0; i < file->sections.n; i++)
		if (file->sections.v[i].header.sh_type == SHT_SYMTAB)
			return symbols_read(file, i);
	return ws_fail(file->ctx, WS_ERR_MALFORMED,
		       "%s: has no symbol table: stripped or cut off, the loader would "
		       "not take it",
		       file->path);
}

/* The section that a symbol lies in; NULL: none of this module's. */
static const struct section *section_of(const struct ws_module_file *file,
					const struct symbol *symbol)
{
	return symbol->section && symbol->section < file->sections.n
		       ? &file->sections.v[symbol->section]
		       : NULL;
}

/* ---- opening ---------------------------------------------------------------------- */

/* Debian's and others' modules may come compressed; libelf does not unpack them. */
static const struct {
	const char *magic, *name, *unpack;
} packed[] = {
	{ "\xfd"
	  "7zXZ",
	  "xz", "unxz -k" },
	{ "\x28\xb5\x2f\xfd", "zstd", "unzstd" },
	{ "\x1f\x8b", "gzip", "gunzip -k" },
};

static enum ws_status not_elf(const struct ws_module_file *file)
{
	char head[8] = { 0 };
	size_t got;

	if (!ws_pread(file->fd, head, sizeof(head) - 1, 0, &got))
		return ws_fail(file->ctx, WS_ERR_UNREADABLE, "%s: %s", file->path,
			       strerror(errno));
	for (size_t i = 0; i < WS_ARRAY_SIZE(packed); i++)
		if (begins(head, packed[i].magic))
			return ws_fail(file->ctx, WS_ERR_UNSUPPORTED,
				       "%s: is compressed with %s: unpack it first (%s) "
				       "and name what comes out",
				       file->path, packed[i].name, packed[i].unpack);
	return ws_fail(file->ctx, WS_ERR_MALFORMED, "%s: is not an ELF file", file->path);
}

static enum ws_status elf_open(struct ws_module_file *file)
{
	char names[WS_MACHINE_NAMES];
	const struct ws_arch *arch;
	GElf_Ehdr header;

	file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return ws_fail(file->ctx, WS_ERR_UNREADABLE, "%s: %s", file->path,
			       strerror(errno));
	elf_version(EV_CURRENT);
	file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF ||
	    !gelf_getehdr(file->elf, &header))
		return not_elf(file);
	if (header.e_type != ET_REL)
		return ws_fail(file->ctx, WS_ERR_MALFORMED,
			       "%s: is linked already: a module (.ko) is relocatable",
			       file->path);
	if (!ws_machine_of_elf(header.e_machine, &arch))
		return ws_fail(file->ctx, WS_ERR_UNSUPPORTED,
			       "%s: is for ELF machine %u, not for %s", file->path,
			       header.e_machine, ws_machine_names(names));
	return WS_OK;
}

enum ws_status ws_module_file_open(struct ws_context *ctx, const char *path,
				   struct ws_module_file **file)
{
	struct ws_module_file *opened = calloc(1, sizeof(*opened));
	enum ws_status status;

	*file = NULL;
	if (!opened)
		return ws_fail_memory(ctx);
	opened->ctx = ctx;
	opened->path = path;
	status = elf_open(opened);
	if (status == WS_OK)
		status = sections_read(opened);
	if (status == WS_OK)
		status = place_sections(opened);
	if (status == WS_OK)
		status = all_symbols_read(opened);
	if (status == WS_OK) {
		opened->references =
			calloc(opened->sections.n, sizeof(*opened->references));
		status = opened->references ? WS_OK : ws_fail_memory(ctx);
	}
	if (status == WS_OK)
		*file = opened;
	else
		ws_module_file_close(opened);
	return status;
}

static void handlers_release(struct ws_module_file *file)
{
	ws_vec_each(&file->handlers, handler)
		free(handler->leaving);
	ws_vec_release(&file->handlers);
}

void ws_module_file_close(struct ws_module_file *file)
{
	if (!file)
		return;
	handlers_release(file);
	for (size_t i = 0; file->references && i < file->sections.n; i++)
		ws_vec_release(&file->references[i]);
	free(file->references);
	ws_vec_release(&file->symbols);
	ws_vec_release(&file->sections);
	elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

/* ---- relocations ------------------------------------------------------------------ */

static int by_offset(const void *left, const void *right)
{
	const struct reference *a = left, *b = right;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

/* i386 has REL, x86-64 RELA; of both only where and what matters. */
static bool relocation(Elf_Data *data, bool rela, int i, struct reference *reference)
{
	GElf_Rela with;
	GElf_Rel without;

	if (rela ? !gelf_getrela(data, i, &with) : !gelf_getrel(data, i, &without))
		return false;
	reference->offset = rela ? with.r_offset : without.r_offset;
	reference->symbol = (uint32_t)GELF_R_SYM(rela ? with.r_info : without.r_info);
	return true;
}

/* All relocations of one section's bytes. */
static enum ws_status references_read(struct ws_module_file *file, uint32_t section)
{
	struct references *to = &file->references[section];

	to->read = true;
	for (size_t i = 0; i < file->sections.n; i++) {
		const GElf_Shdr *header = &file->sections.v[i].header;
		bool rela = header->sh_type == SHT_RELA;
		struct reference found;
		Elf_Data *data;

		if ((!rela && header->sh_type != SHT_REL) || header->sh_info != section)
			continue;
		data = elf_getdata(elf_getscn(file->elf, i), NULL);
		for (int r = 0; data && relocation(data, rela, r, &found); r++) {
			struct reference *reference = ws_vec_push(to);

			if (!reference)
				return ws_fail_memory(file->ctx);
			*reference = found;
		}
	}
	if (to->n)
		qsort(to->v, to->n, sizeof(*to->v), by_offset);
	return WS_OK;
}

static size_t first_at(const struct references *references, uint64_t offset)
{
	return ws_lower_bound(references->v, references->n, at, at->offset < offset);
}

/* Names listed once each; those that are many are given by their number. */
struct names {
	const char *v[LEAVING_MAX];
	unsigned n;
};

static void name_once(struct names *names, const char *name)
{
	for (unsigned i = 0; i < names->n; i++)
		if (!strcmp(names->v[i], name))
			return;
	if (names->n < LEAVING_MAX)
		names->v[names->n++] = name;
}

static enum ws_status keep_names(struct ws_module_file *file, const struct names *names,
				 struct ws_handler *handler)
{
	struct ws_text leaving;
	FILE *to;

	if (!names->n)
		return WS_OK;
	to = ws_text_open(&leaving);
	if (!to)
		return ws_fail_memory(file->ctx);
	for (unsigned i = 0; i < names->n; i++)
		fprintf(to, "%s%s", i ? "\n" : "", names->v[i]);
	handler->leaving = ws_text_close(&leaving, NULL);
	return handler->leaving ? WS_OK : ws_fail_memory(file->ctx);
}

static void refer(const struct ws_module_file *file, const struct reference *reference,
		  struct ws_handler *handler, struct names *names)
{
	const struct symbol *symbol = &file->symbols.v[reference->symbol];
	const struct section *section = section_of(file, symbol);

	if (symbol->section == SHN_UNDEF) {
		handler->nleaving++;
		name_once(names, symbol->name);
	} else if (section && begins(section->name, ".init") &&
		   (section->header.sh_flags & SHF_ALLOC)) {
		handler->ninit++;
	}
}

static enum ws_status bounded(struct ws_module_file *file, uint64_t work)
{
	file->work += work;
	return file->work <= WORK_MAX
		       ? WS_OK
		       : ws_fail(file->ctx, WS_ERR_LIMIT,
				 "%s: its handlers overlap beyond all measure",
				 file->path);
}

static enum ws_status follow(struct ws_module_file *file, const struct symbol *symbol,
			     struct ws_handler *handler)
{
	struct references *references = &file->references[symbol->section];
	enum ws_status status =
		references->read ? WS_OK : references_read(file, symbol->section);
	struct names names = { .n = 0 };

	for (size_t i = first_at(references, symbol->value);
	     status == WS_OK && i < references->n &&
	     references->v[i].offset - symbol->value < handler->size;
	     i++) {
		/* the null symbol: an address that is no symbol's */
		if (references->v[i].symbol && references->v[i].symbol < file->symbols.n)
			refer(file, &references->v[i], handler, &names);
		status = bounded(file, 1 + names.n);
	}
	return status == WS_OK ? keep_names(file, &names, handler) : status;
}

/* ---- handlers --------------------------------------------------------------------- */

/* Names that handlers go by, and sections that are for them alone. */
static const char *const patterns[] = {
	"*page_fault*", "*double_fault*", "*general_protection*",
	"*_handler",    "*_interrupt",    "*_interrupt_*",
	"*_trap",       "*_isr",          "*_intr",
	"*_nmi",        "*_nmi_*",
};
static const char *const handler_sections[] = {
	".entry.text",
	".noinstr.text",
	".kprobes.text",
};

static bool has_handlers_name(const char *name)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(patterns); i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

static bool is_in_handlers_section(const struct section *section)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(handler_sections); i++)
		if (!strcmp(section->name, handler_sections[i]))
			return true;
	return false;
}

/*
 * Code written in assembly may have lost its type: a label counts where code can be, but
 * not what modpost and the export tables make of names (__ksymtab_NAME and their kind).
 */
static bool could_be_code(const struct ws_module_file *file, const struct symbol *symbol)
{
	const struct section *section = section_of(file, symbol);

	if (!section || section->landing == WS_LANDS_NOWHERE ||
	    begins(symbol->name, ".L"))
		return false;
	if (symbol->type == STT_FUNC)
		return true;
	return symbol->type == STT_NOTYPE && !begins(section->name, "__") &&
	       (section->header.sh_flags & (SHF_EXECINSTR | SHF_WRITE));
}

static bool is_handler(const struct ws_module_file *file, const struct symbol *symbol)
{
	if (!*symbol->name || !could_be_code(file, symbol))
		return false;
	return has_handlers_name(symbol->name) ||
	       (symbol->type == STT_FUNC &&
		is_in_handlers_section(section_of(file, symbol)));
}

/* An assembler's label has no size: it ends where the next begins, or its section. */
static uint64_t size_of(struct ws_module_file *file, const struct symbol *symbol)
{
	const struct section *section = section_of(file, symbol);
	uint64_t end = section->header.sh_size;

	if (symbol->size || symbol->value >= end)
		return symbol->size;
	ws_vec_each(&file->symbols, other)
		if (other->section == symbol->section && other->value > symbol->value &&
		    other->value < end && other->type != STT_SECTION)
			end = other->value;
	file->work += file->symbols.n;
	return end - symbol->value;
}

static enum ws_status place_handler(struct ws_module_file *file,
				    const struct symbol *symbol,
				    struct ws_handler *handler)
{
	const struct section *section = section_of(file, symbol);
	uint64_t last;

	handler->section = section->name;
	handler->landing = section->landing;
	handler->size = size_of(file, symbol);
	if (symbol->value > section->header.sh_size ||
	    handler->size > section->header.sh_size - symbol->value)
		return ws_fail(file->ctx, WS_ERR_MALFORMED,
			       "%s: %s ends past the end of its section %s", file->path,
			       symbol->name, section->name);
	handler->offset = section->offset + symbol->value;
	handler->alignment = (uint32_t)((handler->offset | WS_FRAME_SIZE) &
					-(handler->offset | WS_FRAME_SIZE));
	last = handler->offset + (handler->size ? handler->size - 1 : 0);
	handler->pages =
		(uint32_t)(last / WS_FRAME_SIZE - handler->offset / WS_FRAME_SIZE + 1);
	return bounded(file, 1);
}

static enum ws_status add_handler(struct ws_module_file *file,
				  const struct symbol *symbol)
{
	struct ws_handler *handler;
	enum ws_status status;

	if (file->handlers.n == HANDLERS_MAX)
		return ws_fail(file->ctx, WS_ERR_LIMIT,
			       "%s: has more than %u handlers: name those you mean",
			       file->path, HANDLERS_MAX);
	handler = ws_vec_push(&file->handlers);
	if (!handler)
		return ws_fail_memory(file->ctx);
	handler->name = symbol->name;
	handler->landing = WS_LANDS_NOWHERE;
	handler->section = "";
	if (!section_of(file, symbol)) /* absolute, or common */
		return WS_OK;
	status = place_handler(file, symbol, handler);
	return status == WS_OK ? follow(file, symbol, handler) : status;
}

static enum ws_status add_named(struct ws_module_file *file, const char *name)
{
	bool leaves = false;

	ws_vec_each(&file->symbols, symbol) {
		if (strcmp(symbol->name, name) != 0)
			continue;
		if (symbol->section != SHN_UNDEF)
			return add_handler(file, symbol);
		leaves = true;
	}
	return ws_fail(file->ctx, WS_ERR_NOT_FOUND,
		       leaves ? "%s: %s is not in this module: it takes it from elsewhere"
			      : "%s: has no symbol %s",
		       file->path, name);
}

static enum ws_status add_all(struct ws_module_file *file)
{
	enum ws_status status = WS_OK;

	ws_vec_each(&file->symbols, symbol)
		if (status == WS_OK && is_handler(file, symbol))
			status = add_handler(file, symbol);
	return status;
}

enum ws_status ws_module_file_handlers(struct ws_module_file *file,
				       const char *const *names, size_t nnames,
				       const struct ws_handler **handlers, size_t *n)
{
	enum ws_status status = WS_OK;

	handlers_release(file);
	file->work = 0;
	for (size_t i = 0; i < nnames && status == WS_OK; i++)
		status = add_named(file, names[i]);
	if (!nnames)
		status = add_all(file);
	*handlers = file->handlers.v;
	*n = status == WS_OK ? file->handlers.n : 0;
	return status;
}

static const char *const landing_names[] = {
	[WS_LANDS_TEXT] = "text",           [WS_LANDS_EXIT_TEXT] = "exit text",
	[WS_LANDS_INIT_TEXT] = "init text", [WS_LANDS_INIT_DATA] = "init data",
	[WS_LANDS_DATA] = "data",           [WS_LANDS_NOWHERE] = "nowhere",
};

const char *ws_landing_name(enum ws_landing landing)
{
	return landing_names[landing];
}
