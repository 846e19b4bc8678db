/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "place.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "symbol", "symbol+0x10" and "module:symbol" all begin with a name of the symbol. */
static bool is_named(const struct ws_symbol *symbol, const char *named)
{
	const char *colon = strchr(named, ':');
	size_t n = strlen(symbol->name);

	if (colon)
		named = colon + 1;
	return !strncmp(named, symbol->name, n) && (!named[n] || named[n] == '+');
}

static size_t print_symbol(const struct ws_symbol *symbol, uint64_t va,
			   char words[static PLACE_WORDS])
{
	int n = snprintf(words, PLACE_WORDS, "%s%s%.512s",
			 symbol->module ? symbol->module->name : "",
			 symbol->module ? ":" : "", symbol->name);

	if (va != symbol->va)
		n += snprintf(words + n, (size_t)(PLACE_WORDS - n), "+0x%" PRIx64,
			      va - symbol->va);
	return (size_t)n;
}

static bool find_symbol(struct session *session, uint64_t va, struct ws_symbol *symbol)
{
	bool found = ws_symbol_at(session->system, va, symbol) == WS_OK;

	ws_error_clear(session->ctx);
	return found;
}

const char *place_words(struct session *session, uint64_t va, const char *named,
			char words[static PLACE_WORDS])
{
	struct ws_symbol symbol;
	struct ws_place place;
	bool is_module, shown;
	size_t n = 0;

	words[0] = '\0';
	if (ws_system_layout(session->system)->tables_only)
		return words;
	if (ws_place_at(session->system, va, &place) != WS_OK) {
		ws_error_clear(session->ctx);
		return words;
	}
	is_module = named && place.module && !strcmp(named, place.module->name);
	shown = !is_module && find_symbol(session, va, &symbol) &&
		!(named && is_named(&symbol, named));
	if (shown)
		n = print_symbol(&symbol, va, words);
	if (place.module && !is_module && !(shown && symbol.module))
		n += (size_t)snprintf(words + n, PLACE_WORDS - n, "%smodule %s",
				      n ? ", " : "", place.module->name);
	snprintf(words + n, PLACE_WORDS - n, "%s%s", n ? ", " : "", place.region);
	return words;
}
