/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an architecture says of its ways into another kernel (jump.c). */
#ifndef WS_AUDIT_JUMP_H
#define WS_AUDIT_JUMP_H

#include "audit/rule.h"

#define WS_JUMP_LOADERS 2

/* A way into another kernel, by code that is run at its physical address. */
struct ws_jump {
	const char *where;       /* "into another kernel (kexec)"; NULL: past the last */
	const char *first, *end; /* symbols: the code that is run there, and its end */
	const char *entry;       /* and where it is entered */
	const char *loads[WS_JUMP_LOADERS]; /* the functions on the way there: they load
					     * the identity map */
	/* The regime in which it is run; false: it is not known. */
	bool (*regime)(const struct ws_audit *audit, const struct ws_jump *jump,
		       struct ws_regime *regime);
};

#endif
