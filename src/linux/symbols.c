/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and addresses, asked of every source that there is. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/members.h"
#include "linux/symtab.h"
#include "linux/linux.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/nearest.h"
#include "util/text.h"

/* ---- loading ---------------------------------------------------------------------- */

enum ws_status ws_map_load(struct ws_context *ctx, const char *path, ws_map_read_fn *read,
			   struct ws_symtab **map)
{
	struct ws_symtab *loaded = ws_symtab_create(ctx);
	enum ws_status status;

	*map = NULL;
	if (!loaded)
		return ws_fail_memory(ctx);
	status = read(path, loaded);
	if (!status)
		status = ws_symtab_seal(loaded);
	if (status)
		ws_symtab_destroy(loaded);
	else
		*map = loaded;
	return status;
}

static enum ws_status map_take(struct ws_system *system, struct ws_symtab *symtab,
			       const char *path, ws_map_read_fn *read,
			       enum ws_symbol_source source)
{
	struct ws_symtab *map;
	enum ws_status status;

	if (!path)
		return WS_OK;
	status = ws_map_load(system->ctx, path, read, &map);
	if (status)
		return status;
	status = ws_map_merge(system, symtab, map, source, path);
	ws_symtab_destroy(map);
	return status ? status : ws_symtab_seal(symtab);
}

static enum ws_status symtab_fill(struct ws_system *system, struct ws_symtab *symtab)
{
	const struct ws_system_options *options = &system->options;
	enum ws_status status;

	if ((status = ws_kallsyms_load(system, symtab)) ||
	    (status = ws_module_symbols_load(system, symtab)) ||
	    (status = ws_symtab_seal(symtab)) ||
	    (status = map_take(system, symtab, options->system_map, ws_system_map_read,
			       WS_FROM_SYSTEM_MAP)))
		return status;
	return map_take(system, symtab, options->vmlinux, ws_vmlinux_read,
			WS_FROM_VMLINUX);
}

enum ws_status ws_symbols_load(struct ws_system *system)
{
	struct ws_symtab *symtab;
	enum ws_status status;

	if (system->symtab)
		return WS_OK;
	symtab = ws_symtab_create(system->ctx);
	if (!symtab)
		return ws_fail_memory(system->ctx);
	status = ws_target_looked(system->target, symtab_fill(system, symtab));
	if (status)
		ws_symtab_destroy(symtab);
	else
		system->symtab = symtab;
	return status;
}

size_t ws_functions_known(const struct ws_system *system)
{
	static const enum ws_symbol_source sources[] = { WS_FROM_SYSTEM_MAP,
							 WS_FROM_VMLINUX,
							 WS_FROM_KALLSYMS };
	size_t n = 0;

	for (size_t i = 0; system->symtab && i < WS_ARRAY_SIZE(sources); i++)
		if (sources[i] != WS_FROM_KALLSYMS || !system->symtab->partial)
			n += system->symtab->count[sources[i]].functions;
	return n;
}

void ws_symbols_release(struct ws_system *system)
{
	ws_symtab_destroy(system->symtab);
	system->symtab = NULL;
	ws_symtab_destroy(system->hints);
	system->hints = NULL;
	free(system->members);
	system->members = NULL;
}

/* ---- what was searched, in words -------------------------------------------------- */

static void count_print(FILE *to, const struct ws_symbol_count *count)
{
	fprintf(to, " (%s", WS_COUNT_OF(count->functions, "function"));
	if (count->data)
		fprintf(to, ", %s)", WS_COUNT_OF(count->data, "other symbol"));
	else
		fprintf(to, "; it lists no data)");
}

/* "kallsyms (45,123 functions; it lists no data), 12 modules (...)" */
static void sources_print(FILE *to, const struct ws_system *system)
{
	const struct ws_symbol_count *count = system->symtab->count;
	const char *path[WS_SYMBOL_SOURCES] = {
		[WS_FROM_SYSTEM_MAP] = system->options.system_map,
		[WS_FROM_VMLINUX] = system->options.vmlinux,
	};

	if (count[WS_FROM_KALLSYMS].functions) {
		fprintf(to, "kallsyms");
		count_print(to, &count[WS_FROM_KALLSYMS]);
	} else {
		fprintf(to, "kallsyms (none was found in this memory)");
	}
	fprintf(to, ", %s (%s)", WS_COUNT_OF(system->modules.n, "module"),
		WS_COUNT_OF(count[WS_FROM_MODULES].functions +
				    count[WS_FROM_MODULES].data,
			    "symbol"));
	for (int source = 0; source < WS_SYMBOL_SOURCES; source++)
		if (path[source])
			fprintf(to, ", %s (%s)", path[source],
				WS_COUNT_OF(count[source].functions + count[source].data,
					    "more symbol"));
}

/* A name that is not found may stand in what the target lacks of the symbols. */
static enum ws_status missing_status(const struct ws_system *system)
{
	return system->symtab->partial || system->modules_partial ||
			       ws_target_has_shrunk(system->target)
		       ? WS_ERR_UNKNOWN
		       : WS_ERR_NOT_FOUND;
}

/* Symbols of one module, or of all and the modules' own names. */
static const char *suggest(const struct ws_system *system, int16_t module, bool any,
			   const char *name, char words[static WS_NEAREST_WORDS])
{
	const struct ws_symtab *symtab = system->symtab;
	struct ws_nearest nearest = ws_nearest_to(name);

	for (size_t i = 0; any && i < system->modules.n; i++)
		ws_nearest_offer(&nearest, system->modules.v[i].name);
	for (uint32_t i = 0; i < symtab->entries.n; i++)
		if (any || symtab->entries.v[i].module == module)
			ws_nearest_offer(&nearest, ws_symtab_name(symtab, i));
	return ws_nearest_words(&nearest, words);
}

static enum ws_status not_found(struct ws_system *system, const char *name)
{
	ws_autofree char *sources = NULL;
	char words[WS_NEAREST_WORDS];
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	if (!to)
		return ws_fail_memory(system->ctx);
	sources_print(to, system);
	sources = ws_text_close(&text, NULL);
	if (!sources)
		return ws_fail_memory(system->ctx);
	return ws_fail(system->ctx, missing_status(system), "no symbol '%s' in %s%s%s",
		       name, sources,
		       missing_status(system) == WS_ERR_UNKNOWN
			       ? "; the target lacks some, or they are damaged"
			       : "",
		       suggest(system, WS_KERNEL_SYMBOL, true, name, words));
}

/* ---- name -> address -------------------------------------------------------------- */

static void symbol_fill(const struct ws_system *system, size_t entry,
			struct ws_symbol *symbol)
{
	const struct ws_symtab_entry *e = &system->symtab->entries.v[entry];

	*symbol = (struct ws_symbol){
		.va = e->va,
		.type = e->type,
		.name = ws_symtab_name(system->symtab, entry),
		.module = e->module >= 0 ? &system->modules.v[e->module] : NULL,
	};
}

/* Of symbols of one name: the kernel's before a module's, a global one before static. */
static bool is_better(const struct ws_symtab_entry *a, const struct ws_symtab_entry *b)
{
	bool global_a = isupper((unsigned char)a->type),
	     global_b = isupper((unsigned char)b->type);

	if (a->module != b->module)
		return a->module < b->module;
	if (global_a != global_b)
		return global_a;
	return a->va < b->va;
}

static void note_ambiguity(struct ws_system *system, uint32_t best, unsigned places)
{
	struct ws_symtab_entry *entry = &system->symtab->entries.v[best];

	if (entry->noted)
		return;
	entry->noted = true;
	ws_note(system, "'%s' is the name of %s: took %#jx, in %s",
		ws_symtab_name(system->symtab, best), WS_COUNT_OF(places, "place"),
		entry->va,
		entry->module >= 0 ? system->modules.v[entry->module].name
				   : "the kernel itself");
}

/* The best symbol of that name, anywhere or in one module; WS_NO_ENTRY: none. */
static uint32_t best_of(struct ws_system *system, const char *name, int16_t module,
			bool any)
{
	const struct ws_symtab *symtab = system->symtab;
	const struct ws_symtab_entry *v = symtab->entries.v;
	uint32_t best = WS_NO_ENTRY, entry = ws_symtab_first(symtab, name, strlen(name));
	unsigned places = 0;
	uint64_t last = 0;

	for (; entry != WS_NO_ENTRY; entry = ws_symtab_next(symtab, entry)) {
		if (any || v[entry].module == module) {
			/* by va: the same place given twice comes together */
			places += !places || v[entry].va != last;
			last = v[entry].va;
			if (best == WS_NO_ENTRY || is_better(&v[entry], &v[best]))
				best = entry;
		}
	}
	if (places > 1)
		note_ambiguity(system, best, places);
	return best;
}

/* Module names are listed with '_', files and people also say '-'. */
static bool module_name_is(const char *name, const char *asked, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] != asked[i] && !(name[i] == '_' && asked[i] == '-'))
			return false;
	return !name[len];
}

static enum ws_status no_module(struct ws_system *system, const char *name, size_t len)
{
	ws_autofree char *module = strndup(name, len);
	char words[WS_NEAREST_WORDS];
	struct ws_nearest nearest;

	if (!module)
		return ws_fail_memory(system->ctx);
	nearest = ws_nearest_to(module);
	ws_vec_each(&system->modules, loaded)
		ws_nearest_offer(&nearest, loaded->name);
	return ws_fail(system->ctx, missing_status(system),
		       "no module '%s' among the %s that are loaded%s", module,
		       WS_COUNT(system->modules.n), ws_nearest_words(&nearest, words));
}

static enum ws_status module_by_name(struct ws_system *system, const char *name,
				     size_t len, int16_t *index)
{
	for (size_t i = 0; i < system->modules.n; i++)
		if (len < sizeof(system->modules.v[i].name) &&
		    module_name_is(system->modules.v[i].name, name, len)) {
			*index = (int16_t)i;
			return WS_OK;
		}
	return no_module(system, name, len);
}

static enum ws_status not_found_in(struct ws_system *system, int16_t module,
				   const char *name)
{
	char words[WS_NEAREST_WORDS];
	size_t n = 0;

	ws_vec_each(&system->symtab->entries, entry)
		n += entry->module == module;
	return ws_fail(system->ctx, missing_status(system),
		       "no symbol '%s' among the %s of module %s%s", name, WS_COUNT(n),
		       system->modules.v[module].name,
		       suggest(system, module, false, name, words));
}

/* A kernel's or any module's, by its bare name. */
static uint32_t kernel_or_module(struct ws_system *system, const char *name)
{
	return best_of(system, name, WS_KERNEL_SYMBOL, true);
}

enum ws_status ws_symbol_lookup(struct ws_system *system, const char *name,
				struct ws_symbol *symbol)
{
	enum ws_status status = ws_symbols_load(system);
	uint32_t entry = status ? WS_NO_ENTRY : kernel_or_module(system, name);

	if (status)
		return status;
	if (entry == WS_NO_ENTRY)
		return ws_fail(system->ctx, missing_status(system), "no symbol '%s'",
			       name);
	symbol_fill(system, entry, symbol);
	return WS_OK;
}

enum ws_status ws_symbol_find(struct ws_system *system, const char *name,
			      struct ws_symbol *symbol)
{
	const char *colon = strchr(name, ':'), *bare = colon ? colon + 1 : name;
	enum ws_status status = ws_symbols_load(system);
	int16_t module = WS_KERNEL_SYMBOL;
	uint32_t entry;

	if (!status && colon)
		status = module_by_name(system, name, colon - name, &module);
	if (status)
		return status;
	entry = colon ? best_of(system, bare, module, false)
		      : kernel_or_module(system, name);
	if (entry == WS_NO_ENTRY)
		return colon ? not_found_in(system, module, bare)
			     : not_found(system, name);
	symbol_fill(system, entry, symbol);
	return WS_OK;
}

/* ---- address -> name -------------------------------------------------------------- */

/* Whose memory va is in: a module's index and the region's first va, or the image. */
static bool owner_of(struct ws_system *system, uint64_t va, int16_t *module,
		     uint64_t *first)
{
	*module = WS_KERNEL_SYMBOL;
	*first = system->layout.image_first;
	if (ws_in_image(system, va))
		return true;
	for (size_t i = 0; i < system->modules.n; i++) {
		const struct ws_module *m = &system->modules.v[i];

		for (unsigned r = 0; r < m->nregions; r++) {
			if (va < m->region[r].va ||
			    va - m->region[r].va >= m->region[r].len)
				continue;
			*module = (int16_t)i;
			*first = m->region[r].va;
			return true;
		}
	}
	return false;
}

/* It has what kallsyms lacks. */
static bool has_file(const struct ws_system *system)
{
	return system->options.system_map || system->options.vmlinux;
}

enum ws_status ws_symbol_at(struct ws_system *system, uint64_t va,
			    struct ws_symbol *symbol)
{
	enum ws_status status = ws_symbols_load(system);
	const struct ws_symtab_entry *v;
	size_t found = WS_NO_ENTRY;
	uint64_t first;
	int16_t module;
	bool gap;

	if (status)
		return status;
	if (!owner_of(system, va, &module, &first))
		return ws_fail(system->ctx, WS_ERR_NOT_FOUND,
			       "%#jx lies neither in the kernel image nor in one of %s",
			       va, WS_COUNT_OF(system->modules.n, "module"));
	v = system->symtab->entries.v;
	gap = false;
	/* of those at one va the first listed is the kernel's own choice too */
	for (size_t i = ws_symtab_not_above(system->symtab, va); i-- && v[i].va >= first;)
		if (v[i].module == module &&
		    (found == WS_NO_ENTRY || v[i].va == v[found].va)) {
			found = i;
			gap |= v[i].gap_behind;
		} else if (found != WS_NO_ENTRY && v[i].va != v[found].va)
			break;
	if (found != WS_NO_ENTRY && gap && v[found].va != va && !has_file(system))
		return ws_fail(system->ctx, WS_ERR_UNKNOWN,
			       "%#jx: of what lies behind %s the symbols are damaged", va,
			       ws_symtab_name(system->symtab, found));
	if (found == WS_NO_ENTRY)
		return ws_fail(system->ctx, WS_ERR_NOT_FOUND,
			       "%#jx: no symbol at or below it in %s", va,
			       module >= 0 ? system->modules.v[module].name
					   : "the kernel image");
	symbol_fill(system, found, symbol);
	return WS_OK;
}

uint64_t ws_variable(struct ws_system *system, const char *name)
{
	struct ws_symbol symbol = { 0 };
	uint64_t va;

	if (ws_vmcoreinfo(system, "SYMBOL", name, &va))
		return va;
	if (ws_symbol_lookup(system, name, &symbol) == WS_OK && !symbol.module)
		return symbol.va;
	ws_error_clear(system->ctx);
	return 0;
}
