/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit/per_cpu.h"

#include "linux/symtab.h"

static bool find(struct ws_system *system, const char *name, uint64_t *va)
{
	struct ws_symbol symbol;

	if (ws_symbol_lookup(system, name, &symbol) != WS_OK) {
		ws_error_clear(system->ctx);
		return false;
	}
	*va = symbol.va;
	return true;
}

enum ws_evidence ws_per_cpu_va(struct ws_system *system, const char *variable, size_t cpu,
			       uint64_t *va)
{
	enum ws_evidence evidence = WS_NOT_MAPPED;
	uint64_t symbol, offsets, offset = 0;

	if (find(system, variable, &symbol) && find(system, "__per_cpu_offset", &offsets))
		evidence = ws_kernel_word(system, offsets + cpu * system->layout.word,
					  &offset);
	*va = evidence == WS_READ ? (symbol + offset) & ws_last_va(system) : 0;
	return evidence;
}

enum ws_evidence ws_per_cpu_word(struct ws_system *system, const char *variable,
				 size_t cpu, uint64_t *word)
{
	uint64_t va;
	enum ws_evidence evidence = ws_per_cpu_va(system, variable, cpu, &va);

	*word = 0;
	return evidence == WS_READ ? ws_kernel_word(system, va, word) : evidence;
}
