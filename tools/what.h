/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * WHAT: the ways to name an address, the same in every command.
 *
 *	0xc1027000  c1027000   an address, hex; without 0x only where no name is like it
 *	do_sys_open            a symbol, of the kernel or of a module
 *	do_sys_open+0x12       the same and on
 *	loop                   a module: every page of it (before a symbol of that name)
 *	loop:lo_open           a module's symbol
 *	@FILE                  one of these a line; # begins a comment
 */
#ifndef WHOSEES_WHAT_H
#define WHOSEES_WHAT_H

#include "session.h"
#include "util/vec.h"

struct what {
	char *label;     /* as it was named; owned by the list */
	size_t first, n; /* its addresses in the list; n is 1 but for modules */
};

/* Zeroed: empty. Released by whats_release(), also after a failure. */
struct whats {
	WS_VEC(struct what) what;
	WS_VEC(uint64_t) address;
};

enum exit_status whats_add(struct whats *whats, struct session *session,
			   const char *word);
enum exit_status whats_add_modules(struct whats *whats, struct session *session);
void whats_release(struct whats *whats);

/*
 * A WHAT that must be one address, for a module its first. Label is "loop (0xc500b000)",
 * or the word alone where that is the address.
 */
#define WHAT_LABEL 320
enum exit_status what_address(struct session *session, const char *word, uint64_t *va,
			      char label[static WHAT_LABEL]);

#endif
