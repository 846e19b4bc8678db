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
#include "util/text.h"

/* ---- loading ---------------------------------------------------------------------- */

typedef enum ws_status map_read_fn(const char *path, struct ws_symtab *map);

static enum ws_status map_load(struct ws_system *system, struct ws_symtab *symtab,
			       const char *path, map_read_fn *read,
			       enum ws_symbol_source source)
{
	struct ws_symtab *map;
	enum ws_status status;

	if (!path)
		return WS_OK;
	map = ws_symtab_create(system->ctx);
	if (!map)
		return ws_fail_memory(system->ctx);
	status = read(path, map);
	if (!status)
		status = ws_symtab_seal(map);
	if (!status)
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
	    (status = map_load(system, symtab, options->system_map, ws_system_map_read,
			       WS_FROM_SYSTEM_MAP)))
		return status;
	return map_load(system, symtab, options->vmlinux, ws_vmlinux_read,
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
	fprintf(to, " (%zu functions", count->functions);
	if (count->data)
		fprintf(to, ", %zu other symbols)", count->data);
	else
		fprintf(to, "; it lists no data)");
}

/* "kallsyms (45123 functions; it lists no data), 12 modules (...)" */
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
	fprintf(to, ", %zu module%s (%zu symbols)", system->modules.n,
		system->modules.n == 1 ? "" : "s",
		count[WS_FROM_MODULES].functions + count[WS_FROM_MODULES].data);
	for (int source = 0; source < WS_SYMBOL_SOURCES; source++)
		if (path[source])
			fprintf(to, ", %s (%zu symbols more)", path[source],
				count[source].functions + count[source].data);
}

/* A name that is not found may stand in what the target lacks of the symbols. */
static enum ws_status missing_status(const struct ws_system *system)
{
	return system->symtab->partial || system->modules_partial ? WS_ERR_UNKNOWN
								  : WS_ERR_NOT_FOUND;
}

static enum ws_status not_found(struct ws_system *system, const char *name)
{
	ws_autofree char *sources = NULL;
	struct ws_text text;
	FILE *to = ws_text_open(&text);

	if (!to)
		return ws_fail_memory(system->ctx);
	sources_print(to, system);
	sources = ws_text_close(&text, NULL);
	if (!sources)
		return ws_fail_memory(system->ctx);
	return ws_fail(system->ctx, missing_status(system), "no symbol '%s' in %s%s",
		       name, sources,
		       missing_status(system) == WS_ERR_UNKNOWN
			       ? "; the target lacks some, or they are damaged"
			       : "");
}

/* ---- name -> address -------------------------------------------------------------- */

static void symbol_tell(const struct ws_system *system, uint32_t entry,
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
	ws_note(system, "'%s' is the name of %u places: took %#lx, in %s",
		ws_symtab_name(system->symtab, best), places, entry->va,
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
			/* by va: the same place told twice comes together */
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

/* Module names are told with '_', files and people also say '-'. */
static bool module_name_is(const char *name, const char *asked, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] != asked[i] && !(name[i] == '_' && asked[i] == '-'))
			return false;
	return !name[len];
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
	return ws_fail(system->ctx, missing_status(system),
		       "no module '%.*s' among the %zu that are loaded", (int)len, name,
		       system->modules.n);
}

static enum ws_status not_found_in(struct ws_system *system, int16_t module,
				   const char *name)
{
	size_t n = 0;

	ws_vec_each(&system->symtab->entries, entry)
		n += entry->module == module;
	return ws_fail(system->ctx, missing_status(system),
		       "no symbol '%s' among the %zu of module %s", name, n,
		       system->modules.v[module].name);
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
	entry = best_of(system, bare, module, !colon);
	if (entry == WS_NO_ENTRY)
		return colon ? not_found_in(system, module, bare)
			     : not_found(system, name);
	symbol_tell(system, entry, symbol);
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

enum ws_status ws_symbol_at(struct ws_system *system, uint64_t va,
			    struct ws_symbol *symbol)
{
	enum ws_status status = ws_symbols_load(system);
	const struct ws_symtab_entry *v;
	uint32_t found = WS_NO_ENTRY;
	uint64_t first;
	int16_t module;

	if (status)
		return status;
	if (!owner_of(system, va, &module, &first))
		return ws_fail(system->ctx, WS_ERR_NOT_FOUND,
			       "%#lx lies neither in the kernel image nor in one of %zu "
			       "modules",
			       va, system->modules.n);
	v = system->symtab->entries.v;
	/* of those at one va the first told is the kernel's own choice too */
	for (size_t i = ws_symtab_not_above(system->symtab, va); i-- && v[i].va >= first;)
		if (v[i].module == module &&
		    (found == WS_NO_ENTRY || v[i].va == v[found].va))
			found = i;
		else if (found != WS_NO_ENTRY && v[i].va != v[found].va)
			break;
	if (found == WS_NO_ENTRY)
		return ws_fail(system->ctx, WS_ERR_NOT_FOUND,
			       "%#lx: no symbol at or below it in %s", va,
			       module >= 0 ? system->modules.v[module].name
					   : "the kernel image");
	symbol_tell(system, found, symbol);
	return WS_OK;
}
