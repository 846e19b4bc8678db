/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an architecture says of its jumps (jump.c): ways into a kernel, or out of it, on
 * which code is run by page tables of its own.
 */
#ifndef WS_AUDIT_JUMP_H
#define WS_AUDIT_JUMP_H

#include "audit/rule.h"

/* By which tables the code of a step is translated. */
struct ws_jump_tables {
	const char *name; /* "the identity map" */
	uint64_t root;
	const struct ws_format *format; /* by which that root alone is read */
	struct ws_eye eye;
	char text[WS_REGIME_TEXT]; /* the regime; "": the root translates all */
};

/* Code of a jump: from its entry up to its end, at its physical or virtual address. */
struct ws_jump;
struct ws_jump_step {
	const char *entry; /* a symbol; NULL: past the last */
	const char *end; /* the symbol that follows; NULL: its first instruction alone */
	bool is_virtual;
	/* NULL: *tables are known; else why they are not, in words. */
	const char *(*tables)(struct ws_system *system, const struct ws_jump *jump,
			      struct ws_jump_tables *tables);
};

#define WS_JUMPS_MAX 8
#define WS_JUMP_LOADERS 2
#define WS_JUMP_STEPS 2

struct ws_jump {
	const char *what; /* "bringing up a processor"; NULL: past the last */
	const char *by;   /* a function that kernels which do it have */
	/* Of the architecture's own: functions on the way that set the regime. */
	const char *loads[WS_JUMP_LOADERS];
	struct ws_jump_step step[WS_JUMP_STEPS]; /* in order */
	const char *unknown; /* with no step: why nothing can be known */
};

/* Looks at what the architecture's jumps rest on, for a capture. */
void ws_jumps_tour(struct ws_system *system);

/* Whether the code of a step is mapped and may be run; where not, *trail is of there. */
bool ws_jump_is_mapped(struct ws_system *system, const struct ws_jump_step *step,
		       const struct ws_eye *eye, struct ws_trail *trail);

/* The symbol's address; false: there is none of that name. */
bool ws_jump_symbol(struct ws_system *system, const char *name, uint64_t *va);

#endif
