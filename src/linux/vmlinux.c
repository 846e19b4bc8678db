/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The symbol table of an ELF kernel, stripped of nothing. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>

#include "linux/symtab.h"
#include "util/cleanup.h"

WS_DEFINE_CLEANUP(elf_endp, Elf *, elf_end)

/* nm's letter. */
static char letter_of(Elf *elf, const GElf_Sym *symbol)
{
	char letter = 'd';
	GElf_Shdr header;
	Elf_Scn *section;

	if (symbol->st_shndx == SHN_ABS)
		letter = 'a';
	else if ((section = elf_getscn(elf, symbol->st_shndx)) &&
		 gelf_getshdr(section, &header)) {
		if (header.sh_flags & SHF_EXECINSTR)
			letter = 't';
		else if (header.sh_type == SHT_NOBITS)
			letter = 'b';
		else if (!(header.sh_flags & SHF_WRITE))
			letter = 'r';
	}
	if (GELF_ST_BIND(symbol->st_info) == STB_WEAK)
		return letter == 't' ? 'W' : 'V';
	return GELF_ST_BIND(symbol->st_info) == STB_LOCAL
		       ? letter
		       : (char)toupper((unsigned char)letter);
}

static bool is_named_place(const GElf_Sym *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF &&
	       (type == STT_NOTYPE || type == STT_OBJECT || type == STT_FUNC);
}

static enum ws_status table_read(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
				 struct ws_symtab *map)
{
	struct ws_symtab_entry entry = { .module = WS_KERNEL_SYMBOL };
	Elf_Data *data = elf_getdata(section, NULL);
	enum ws_status status = WS_OK;
	GElf_Sym symbol;

	for (int i = 1; data && !status && gelf_getsym(data, i, &symbol); i++) {
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
		size_t len = name ? strnlen(name, WS_SYMBOL_NAME_MAX + 1) : 0;

		if (!ws_symbol_name_valid(name, len) || !is_named_place(&symbol))
			continue;
		entry.va = symbol.st_value;
		entry.type = letter_of(elf, &symbol);
		status = ws_symtab_add(map, WS_FROM_VMLINUX, &entry, name, len);
	}
	return status;
}

static enum ws_status elf_read(Elf *elf, const char *path, struct ws_symtab *map)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	enum ws_status status = WS_OK;

	while (!status && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
			status = table_read(elf, section, &header, map);
	if (!status && !map->entries.n)
		status = ws_fail(map->ctx, WS_ERR_MALFORMED,
				 "%s: has no symbol table: was it stripped?", path);
	return status;
}

enum ws_status ws_vmlinux_read(const char *path, struct ws_symtab *map)
{
	ws_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ws_cleanup(elf_endp) Elf *elf = NULL;

	if (fd < 0)
		return ws_fail(map->ctx, WS_ERR_UNREADABLE, "%s: %s", path,
			       strerror(errno));
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return ws_fail(
			map->ctx, WS_ERR_MALFORMED,
			"%s: is not an ELF file (a vmlinuz must be unpacked first)",
			path);
	return elf_read(elf, path, map);
}
