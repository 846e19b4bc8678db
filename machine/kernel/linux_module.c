/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct module and, behind it, the symbols that a module keeps: an ELF symbol table, its
 * strings, and nm's letters (struct mod_kallsyms; kernel/module/kallsyms.c,
 * layout_symtab()).
 *
 *	record		record + sizeof(struct module)		the end of the page
 *	struct module	symtab ...	typetab ...	strtab ...	|
 */
#include "machine/kernel/linux.h"

#include <ctype.h>
#include <elf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FIRST_SECTION 1 /* of the module's file: its text */

/* Where the next symbol goes. */
struct kept {
	uint64_t symtab, typetab, strtab, end; /* va */
	unsigned n;                            /* symbols so far, the null symbol too */
	uint64_t string;
};

static bool is_of(const struct symbol *symbol, const struct module *module)
{
	return symbol->module == module;
}

static unsigned count(const struct kernel *kernel, const struct module *module)
{
	unsigned n = 1;

	for (size_t i = 0; i < kernel->nsymbols; i++)
		n += is_of(&kernel->symbols[i], module);
	return n;
}

struct field {
	uint8_t at, size;
};

/* The classes have the same fields in another order. */
struct symbol_layout {
	struct field name, info, section, value, size;
	uint8_t whole;
};

/* clang-format off */
#define FIELD(type, field) { offsetof(type, field), sizeof(((type *)0)->field) }
#define SYMBOL(type)                                                        \
	{ FIELD(type, st_name), FIELD(type, st_info), FIELD(type, st_shndx), \
	  FIELD(type, st_value), FIELD(type, st_size), sizeof(type) }
/* clang-format on */
static const struct symbol_layout narrow = SYMBOL(Elf32_Sym), wide = SYMBOL(Elf64_Sym);

static const struct symbol_layout *symbol_layout(const struct kernel *kernel)
{
	return kernel->layout.word == 8 ? &wide : &narrow;
}

static void field_put(struct kernel *kernel, uint64_t symbol, const struct field *field,
		      uint64_t value)
{
	va_put(kernel, symbol + field->at, field->size, value);
}

static void symbol_put(struct kernel *kernel, uint64_t va, const struct symbol *symbol,
		       uint32_t name)
{
	const struct symbol_layout *layout = symbol_layout(kernel);
	bool global = isupper((unsigned char)symbol->type);
	bool function = tolower(symbol->type) == 't';

	field_put(kernel, va, &layout->name, name);
	field_put(kernel, va, &layout->info,
		  ELF64_ST_INFO(global ? STB_GLOBAL : STB_LOCAL,
				function ? STT_FUNC : STT_OBJECT));
	field_put(kernel, va, &layout->section, FIRST_SECTION);
	field_put(kernel, va, &layout->value, symbol->va);
	field_put(kernel, va, &layout->size, symbol->size);
}

static bool keep(struct kernel *kernel, struct kept *kept, const struct symbol *symbol)
{
	size_t len = strlen(symbol->name) + 1;

	if (len > kept->end - kept->string)
		return false;
	symbol_put(kernel, kept->symtab + kept->n * symbol_layout(kernel)->whole, symbol,
		   (uint32_t)(kept->string - kept->strtab));
	va_put(kernel, kept->typetab + kept->n, 1, (uint8_t)symbol->type);
	va_write(kernel, kept->string, symbol->name, len);
	kept->string += len;
	kept->n++;
	return true;
}

/* False: they do not fit behind the record. */
static bool keep_symbols(struct kernel *kernel, const struct module *module,
			 struct kept *kept)
{
	unsigned n = count(kernel, module);

	kept->symtab = module->record + linux_size(kernel, MODULE);
	kept->typetab = kept->symtab + n * symbol_layout(kernel)->whole;
	kept->strtab = kept->typetab + n;
	kept->string = kept->strtab + 1; /* name 0 is empty */
	kept->end = module->va + module->size;
	kept->n = 1; /* the null symbol */
	if (kept->string > kept->end)
		return false;
	for (size_t i = 0; i < kernel->nsymbols; i++)
		if (is_of(&kernel->symbols[i], module) &&
		    !keep(kernel, kept, &kernel->symbols[i]))
			return false;
	return true;
}

bool linux_module_add(struct kernel *kernel, struct module *module)
{
	uint64_t record = module->va + MODULE_RECORD;
	struct kept kept;

	module->record = record;
	if (!keep_symbols(kernel, module, &kept))
		return false;
	va_write(kernel, record + linux_offset(kernel, MODULE_NAME), module->name,
		 sizeof(module->name));
	linux_put(kernel, record, MODULE_CORE_BASE, module->va);
	linux_put(kernel, record, MODULE_CORE_SIZE, module->size);
	linux_put(kernel, record, MODULE_TEXT_SIZE, MODULE_BUFFER);
	linux_put(kernel, record, MODULE_RO_SIZE, MODULE_BUFFER);
	linux_put(kernel, record, MODULE_KALLSYMS,
		  record + linux_offset(kernel, MODULE_SYMTAB));
	linux_put(kernel, record, MODULE_SYMTAB, kept.symtab);
	linux_put(kernel, record, MODULE_NUM_SYMTAB, kept.n);
	linux_put(kernel, record, MODULE_STRTAB, kept.strtab);
	linux_put(kernel, record, MODULE_TYPETAB, kept.typetab);
	linux_list_add(kernel, record + linux_offset(kernel, MODULE_LIST),
		       kernel->books->modules);
	return true;
}

void linux_module_remove(struct kernel *kernel, struct module *module)
{
	linux_list_del(kernel, module->record + linux_offset(kernel, MODULE_LIST));
}

bool linux_modules_create(struct kernel *kernel)
{
	uint64_t head = linux_variable(kernel, "modules", 2 * kernel->layout.word);

	kernel->books->modules = head;
	if (head)
		linux_list_init(kernel, head);
	return head;
}
