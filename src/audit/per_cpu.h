/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each processor has for itself: the kernel's per-CPU variables. */
#ifndef WS_AUDIT_PER_CPU_H
#define WS_AUDIT_PER_CPU_H

#include "linux/linux.h"

/* As many processors as are looked at: more have nothing of their own but stacks. */
#define WS_CPUS_MAX 8192
static inline size_t ws_per_cpus(const struct ws_system *system)
{
	size_t n = system->target->cpus.n;

	return n < WS_CPUS_MAX ? n : WS_CPUS_MAX;
}

/*
 * Where that processor has the variable. WS_NOT_MAPPED: no symbol has that name, or none
 * says how far a processor's own are from their symbols.
 */
enum ws_evidence ws_per_cpu_va(struct ws_system *system, const char *variable, size_t cpu,
			       uint64_t *va) WS_MUST_CHECK;
/* And the word in it. */
enum ws_evidence ws_per_cpu_word(struct ws_system *system, const char *variable,
				 size_t cpu, uint64_t *word) WS_MUST_CHECK;

#endif
