/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of symbols against memory in which no kallsyms were found. */
#ifndef WS_LINUX_MAP_EVIDENCE_H
#define WS_LINUX_MAP_EVIDENCE_H

#include "linux/linux.h"
#include "linux/symtab.h"

/*
 * How many symbols could be compared, and how many agree. Gates count apart: whoever
 * changes the kernel's behaviour hooks them first, so that they differ says little.
 */
struct ws_map_evidence {
	uint64_t shift; /* how far memory has the kernel from where the file has it */
	size_t common, agree;
	size_t gates, gates_agree;
	int odd_gate; /* one that leads elsewhere; -1: none */
	uint64_t odd_target;
};

/*
 * Holds a sealed map against VMCOREINFO's symbols, the gates that the first processor's
 * registers lead to, and what must lie at some symbols.
 */
enum ws_status ws_map_weigh(struct ws_system *system, const struct ws_symtab *map,
			    struct ws_map_evidence *evidence) WS_MUST_CHECK;
/* Whether that is enough to take the file for this kernel's. */
bool ws_map_is_shown(const struct ws_map_evidence *evidence);

static inline uint64_t ws_map_moved(const struct ws_system *system, uint64_t shift,
				    uint64_t va)
{
	return system->layout.word == 8 ? va + shift : (uint32_t)(va + shift);
}

#endif
