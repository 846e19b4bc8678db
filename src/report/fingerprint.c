/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/fingerprint.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "util/bits.h"
#include "util/text.h"

/* What changes any of the words below makes other fingerprints, and this another number. */
#define VERSION "whosees-fingerprint/1"

/* ---- where ------------------------------------------------------------------------ */

static bool has_memory_in(const struct ws_module *module, uint64_t va, uint64_t last)
{
	for (unsigned r = 0; r < module->nregions; r++) {
		const struct ws_region *region = &module->region[r];

		if (region->len && region->va <= last &&
		    va <= region->va + (region->len - 1))
			return true;
	}
	return false;
}

/* False when memory is short. A kernel of which only page tables are known has none. */
static bool find_modules(struct ws_system *system, const struct ws_module **modules,
			 size_t *n)
{
	enum ws_status status = ws_system_modules(system, modules, n);

	if (status != WS_OK)
		*n = 0;
	return status != WS_ERR_SYSTEM;
}

/* The module that has the first and the last byte of a range; NULL: none. */
static const struct ws_module *module_around(const struct ws_module *modules, size_t n,
					     uint64_t va, uint64_t last)
{
	for (size_t m = 0; m < n; m++)
		if (has_memory_in(&modules[m], va, va) &&
		    has_memory_in(&modules[m], last, last))
			return &modules[m];
	return NULL;
}

/* Without what the compiler appends, which is other in each build: ".isra.0", ".cold". */
static void symbol_words(const struct ws_symbol *symbol, char place[static PLACE_WORDS])
{
	int n = (int)strcspn(symbol->name + 1, ".") + 1;

	snprintf(place, PLACE_WORDS, "%s%s%.*s",
		 symbol->module ? symbol->module->name : "", symbol->module ? ":" : "", n,
		 symbol->name);
}

/*
 * Of a range that is one symbol's its name, and of one that is within a module the module's;
 * of any other, which begins wherever an entry does, what it begins in says nothing.
 */
static bool name_place(struct fingerprint *print, struct ws_system *system, uint64_t va,
		       uint64_t last, const char *region)
{
	struct ws_symbol first = { 0 }, end = { 0 };
	enum ws_status status = ws_symbol_at(system, va, &first);
	const struct ws_module *modules, *around;
	size_t n;

	if (status == WS_OK)
		status = ws_symbol_at(system, last, &end);
	if (status == WS_ERR_SYSTEM || !find_modules(system, &modules, &n))
		return false;
	around = module_around(modules, n, va, last);
	if (status == WS_OK && first.va == end.va && *first.name)
		symbol_words(&first, print->place);
	else
		snprintf(print->place, PLACE_WORDS, "%s%s", around ? "module " : "",
			 around ? around->name : region);
	return true;
}

static bool is_within(const struct ws_module *module, const struct byte_range *ranges,
		      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (has_memory_in(module, ranges[i].va, ranges[i].last))
			return true;
	return false;
}

char *modules_within(struct ws_system *system, const struct byte_range *ranges, size_t n)
{
	const struct ws_module *modules;
	const char *separator = "";
	struct ws_text names;
	size_t nmodules;
	FILE *to = NULL;

	if (find_modules(system, &modules, &nmodules))
		to = ws_text_open(&names);
	if (!to)
		return NULL;
	for (size_t m = 0; m < nmodules; m++)
		if (is_within(&modules[m], ranges, n)) {
			fprintf(to, "%s%s", separator, modules[m].name);
			separator = "\n";
		}
	return ws_text_close(&names, NULL);
}

/* ---- in what it differs ----------------------------------------------------------- */

/*
 * Of two pages. Of which kind the first of a range is, is chance, and so only what one of
 * them has more or less goes in.
 */
static void page_words(const struct ws_trail *here, const struct ws_trail *there,
		       char words[static DIFFERENCE_WORDS])
{
	uint8_t gained = here->access & ~there->access,
		lost = there->access & ~here->access;
	char more[WORDS], less[WORDS];

	snprintf(words, DIFFERENCE_WORDS, "page%s%s%s%s%s",
		 here->page_shift == there->page_shift ? "" : " of another size",
		 gained ? ", gains " : "", gained ? access_words(gained, more) : "",
		 lost ? ", loses " : "", lost ? access_words(lost, less) : "");
}

static void difference_words(const struct ws_finding *finding,
			     char words[static DIFFERENCE_WORDS])
{
	const struct ws_trail *here = &finding->here, *there = &finding->there;
	bool is_mapped = there->end == WS_END_PAGE;
	char end[WORDS];

	if (here->end == WS_END_PAGE && is_mapped) {
		page_words(here, there, words);
		return;
	}
	end_words(here->format, here->end, here->nsteps ? here->nsteps - 1u : 0, end);
	snprintf(words, DIFFERENCE_WORDS, "%s, %s in init_mm", end,
		 is_mapped ? "mapped" : "not mapped");
}

/* ---- both ------------------------------------------------------------------------- */

static void hash_line(struct sha256_ctx *hash, const char *line)
{
	sha256_update(hash, strlen(line), (const uint8_t *)line);
	sha256_update(hash, 1, (const uint8_t *)"\n");
}

/* A name may hold a line's end: it stands last, where it can be taken for nothing else. */
static void print_hex(struct fingerprint *print, const char *rule, const char *whose)
{
	const char *const lines[] = { VERSION, rule, whose, print->difference,
				      print->place };
	uint8_t bytes[SHA256_DIGEST_SIZE];
	struct sha256_ctx hash;

	sha256_init(&hash);
	for (size_t i = 0; i < WS_ARRAY_SIZE(lines); i++)
		hash_line(&hash, lines[i]);
	sha256_digest(&hash, sizeof(bytes), bytes);
	for (size_t i = 0; i < FINGERPRINT_HEX / 2; i++)
		snprintf(print->hex + 2 * i, 3, "%02x", bytes[i]);
}

bool fingerprint_finding(struct fingerprint *print, struct ws_system *system,
			 const struct ws_finding *finding)
{
	*print = (struct fingerprint){ 0 };
	difference_words(finding, print->difference);
	if (!name_place(print, system, finding->va, finding->last, finding->region))
		return false;
	print_hex(print, finding->rule->id, finding->machine ? "machine" : "space");
	return true;
}

bool fingerprint_death(struct fingerprint *print, struct ws_system *system,
		       const struct ws_death *death)
{
	*print = (struct fingerprint){ 0 };
	if (death->handler &&
	    !name_place(print, system, death->handler, death->handler, "unnamed"))
		return false;
	print_hex(print, death->cause->id, "machine");
	return true;
}
