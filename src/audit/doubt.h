/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What no machine runs with: tables and stacks of a processor that are out of reach in
 * init_mm and in the table that is loaded too. The first interrupt ends such a machine. So
 * it is the register or the memory of the dump that is wrong, or the machine died of it:
 * nothing says which, and no space is judged by it.
 */
#ifndef WS_AUDIT_DOUBT_H
#define WS_AUDIT_DOUBT_H

#include "audit/needs.h"

/*
 * Says that the processor cannot have run so, and makes every space unknown for it. cpu:
 * its number; -1: all of them.
 */
void ws_doubt(struct ws_audit *audit, int cpu, const char *text);

/* A finding that is true whatever is loaded, if it is; but the dump may be wrong. */
void ws_found_doubtful(struct ws_audit *audit, int cpu, const struct ws_rule *rule,
		       uint64_t va, uint64_t last, const char *text);

/*
 * Whether neither init_mm nor the table that the processor has loaded serves it, and why
 * init_mm's does not.
 */
bool ws_is_doubtful(struct ws_needs *needs, const struct ws_cpu *cpu,
		    const struct ws_need *need, struct ws_trail *trail,
		    const char **wrong);

/*
 * Takes back the need that was added last, and doubts it, if it is doubtful. source:
 * where its address is from, "GDTR".
 */
void ws_doubt_last(struct ws_needs *needs, const struct ws_cpu *cpu, const char *source);

#endif
