/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/code.h"

#include <stdio.h>

#include "audit/needs.h"
#include "linux/symtab.h"

char *ws_name_address(struct ws_audit *audit, uint64_t va, char text[WS_NAME_SIZE])
{
	struct ws_symbol symbol;
	char offset[24] = "";

	if (ws_symbol_at(audit->system, va, &symbol) != WS_OK) {
		ws_error_clear(audit->ctx);
		snprintf(text, WS_NAME_SIZE, "%#jx", va);
		return text;
	}
	if (va != symbol.va)
		snprintf(offset, sizeof(offset), "+%#jx", va - symbol.va);
	snprintf(text, WS_NAME_SIZE, "%s%s%.512s%s at %#jx",
		 symbol.module ? symbol.module->name : "", symbol.module ? ":" : "",
		 symbol.name, offset, va);
	return text;
}

/* Where there is no next symbol near by, the span is not known. */
#define FUNCTION_MAX 65536

static uint64_t end_of_owner(const struct ws_system *system,
			     const struct ws_symbol *symbol)
{
	const struct ws_module *module = symbol->module;

	for (unsigned r = 0; module && r < module->nregions; r++)
		if (symbol->va - module->region[r].va < module->region[r].len)
			return ws_last_of(module->region[r].va, module->region[r].len);
	return module ? symbol->va : system->layout.image_last;
}

uint64_t ws_code_last(struct ws_audit *audit, uint64_t va)
{
	const struct ws_symtab *symtab;
	struct ws_symbol symbol;
	uint64_t last, end;
	size_t next;

	if (ws_symbol_at(audit->system, va, &symbol) != WS_OK) {
		ws_error_clear(audit->ctx);
		return va;
	}
	symtab = audit->system->symtab;
	/* what follows it may be a symbol, or a module's end, that the target lacks */
	if (symtab->partial || audit->system->modules_partial)
		return va;
	next = ws_symtab_not_above(symtab, va);
	if (next == symtab->entries.n || symtab->entries.v[next].va - va > FUNCTION_MAX)
		return va;
	last = symtab->entries.v[next].va - 1;
	end = end_of_owner(audit->system, &symbol);
	if (last > end)
		last = end;
	return last > va ? last : va;
}

bool ws_code_symbol(struct ws_audit *audit, const char *name, uint64_t *va)
{
	struct ws_symbol symbol;

	if (ws_symbol_lookup(audit->system, name, &symbol) != WS_OK) {
		ws_error_clear(audit->ctx);
		return false;
	}
	*va = symbol.va;
	return true;
}

const struct ws_module *ws_code_module(struct ws_audit *audit, uint64_t va)
{
	const struct ws_module *modules;
	size_t n;

	if (ws_system_modules(audit->system, &modules, &n) != WS_OK) {
		ws_error_clear(audit->ctx);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned r = 0; r < modules[i].nregions; r++)
			if (va - modules[i].region[r].va < modules[i].region[r].len)
				return &modules[i];
	return NULL;
}
