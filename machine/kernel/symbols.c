/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and addresses: the image's, then the modules'. */
#include "machine/kernel/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct kernel *kernel)
{
	size_t room = kernel->room_for_symbols ? 2 * kernel->room_for_symbols : 64;
	struct symbol *grown;

	if (kernel->nsymbols < kernel->room_for_symbols)
		return true;
	grown = realloc(kernel->symbols, room * sizeof(*grown));
	kernel->host_is_short |= !grown;
	if (!grown)
		return false;
	kernel->symbols = grown;
	kernel->room_for_symbols = room;
	return true;
}

bool symbol_add(struct kernel *kernel, const struct module *module, const char *name,
		uint64_t va, uint32_t size, char type)
{
	struct symbol *symbol;

	if (!make_room(kernel))
		return false;
	symbol = &kernel->symbols[kernel->nsymbols++];
	*symbol =
		(struct symbol){ .va = va, .size = size, .type = type, .module = module };
	snprintf(symbol->name, sizeof(symbol->name), "%s", name);
	return true;
}

const struct symbol *symbol_find(const struct kernel *kernel, const char *name)
{
	for (size_t i = 0; i < kernel->nsymbols; i++)
		if (!strcmp(kernel->symbols[i].name, name))
			return &kernel->symbols[i];
	return NULL;
}

const struct symbol *symbol_at(const struct kernel *kernel, uint64_t va)
{
	for (size_t i = 0; i < kernel->nsymbols; i++)
		if (va - kernel->symbols[i].va < kernel->symbols[i].size)
			return &kernel->symbols[i];
	return NULL;
}

const char *symbol_name(const struct kernel *kernel, uint64_t va)
{
	const struct symbol *symbol = symbol_at(kernel, va);

	return symbol ? symbol->name : "what is nobody's";
}

void symbols_remove(struct kernel *kernel, const struct module *module)
{
	size_t n = 0;

	for (size_t i = 0; i < kernel->nsymbols; i++)
		if (kernel->symbols[i].module != module)
			kernel->symbols[n++] = kernel->symbols[i];
	kernel->nsymbols = n;
}

bool kernel_symbol(const struct kernel *kernel, const char *name, uint64_t *va)
{
	const struct symbol *symbol = symbol_find(kernel, name);

	if (symbol)
		*va = symbol->va;
	return symbol;
}
