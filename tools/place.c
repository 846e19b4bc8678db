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

static bool find_symbol(struct session *session, uint64_t va, struct ws_symbol *symbol)
{
	bool found = ws_symbol_at(session->system, va, symbol) == WS_OK;

	ws_error_clear(session->ctx);
	return found;
}

void place_find(struct session *session, uint64_t va, struct place *place)
{
	*place = (struct place){ 0 };
	if (ws_system_layout(session->system)->tables_only)
		return;
	place->has_place = ws_place_at(session->system, va, &place->at) == WS_OK;
	ws_error_clear(session->ctx);
	place->has_symbol = place->has_place && find_symbol(session, va, &place->symbol);
}

const char *place_symbol(const struct place *place, uint64_t va,
			 char words[static PLACE_SYMBOL])
{
	const struct ws_module *module = place->symbol.module;
	int n;

	words[0] = '\0';
	if (!place->has_symbol)
		return words;
	n = snprintf(words, PLACE_SYMBOL, "%s%s%.480s", module ? module->name : "",
		     module ? ":" : "", place->symbol.name);
	if (va != place->symbol.va)
		snprintf(words + n, (size_t)(PLACE_SYMBOL - n), "+0x%" PRIx64,
			 va - place->symbol.va);
	return words;
}

const char *place_words(struct session *session, uint64_t va, const char *named,
			char words[static PLACE_WORDS])
{
	char symbol[PLACE_SYMBOL];
	struct place place;
	bool is_module, shown;
	size_t n = 0;

	place_find(session, va, &place);
	words[0] = '\0';
	if (!place.has_place)
		return words;
	is_module = named && place.at.module && !strcmp(named, place.at.module->name);
	shown = !is_module && place.has_symbol &&
		!(named && is_named(&place.symbol, named));
	if (shown)
		n = (size_t)snprintf(words, PLACE_WORDS, "%s",
				     place_symbol(&place, va, symbol));
	if (place.at.module && !is_module && !(shown && place.symbol.module))
		n += (size_t)snprintf(words + n, PLACE_WORDS - n, "%smodule %s",
				      n ? ", " : "", place.at.module->name);
	snprintf(words + n, PLACE_WORDS - n, "%s%s", n ? ", " : "", place.at.region);
	return words;
}
