/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sentence and the chain of evidence, and what they call addresses and spaces. */
#include "autopsy/autopsy.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/text.h"

struct ws_clue *ws_clue(struct ws_autopsy *autopsy, const char *about, const char *fmt,
			...)
{
	struct ws_clue *clue = ws_vec_push(&autopsy->clues);
	va_list ap;

	if (!clue) {
		autopsy->short_of_memory = true;
		return NULL;
	}
	va_start(ap, fmt);
	*clue = (struct ws_clue){ .about = about, .text = ws_text_of_args(fmt, ap) };
	va_end(ap);
	if (clue->text)
		return clue;
	autopsy->short_of_memory = true;
	autopsy->clues.n--;
	return NULL;
}

void ws_say(struct ws_autopsy *autopsy, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	free(autopsy->sentence);
	autopsy->sentence = ws_text_of_args(fmt, ap);
	va_end(ap);
	autopsy->short_of_memory |= !autopsy->sentence;
}

const char *ws_named(struct ws_autopsy *autopsy, uint64_t va, char text[static WS_NAMED])
{
	struct ws_symbol symbol;
	int at = 0;

	if (ws_symbol_at(autopsy->system, va, &symbol) != WS_OK) {
		ws_error_clear(autopsy->system->ctx);
		snprintf(text, WS_NAMED, "%#jx", va);
		return text;
	}
	if (symbol.module)
		at = snprintf(text, WS_NAMED, "%.40s:", symbol.module->name);
	at += snprintf(text + at, WS_NAMED - at, "%.50s", symbol.name);
	if (va != symbol.va)
		at += snprintf(text + at, WS_NAMED - at, "+%#jx", va - symbol.va);
	snprintf(text + at, WS_NAMED - at, " at %#jx", va);
	return text;
}

const char *ws_whose(const struct ws_autopsy *autopsy, uint32_t space,
		     char text[static WS_NAMED])
{
	const struct ws_space *of = &autopsy->system->spaces.v[space];
	const char *half = of->kind == WS_SPACE_USER ? " (user half)" : "";

	if (of->pid)
		snprintf(text, WS_NAMED, "%u %s%s", of->pid, of->comm, half);
	else
		snprintf(text, WS_NAMED, "%s%s", of->comm, half);
	ws_one_line(text);
	return text;
}
