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
 *	-                      the same from standard input
 */
#ifndef WHOSEES_WHAT_H
#define WHOSEES_WHAT_H

#include "session.h"
#include "util/vec.h"

struct what {
	char *label;     /* as it was named; owned by the list, as is place */
	char *place;     /* what lies there, where label is an address; or NULL */
	size_t first, n; /* its addresses in the list; n is 1 but for modules */
};

/* Zeroed: empty. Released by whats_release(), also after a failure. */
struct whats {
	WS_VEC(struct what) what;
	WS_VEC(uint64_t) address;
	WS_VEC(char *) nowhere; /* modules of all, of which is unknown where they lie */
};

/* Calls fn with word, or, where that names a list, with each of its words. */
typedef enum exit_status what_fn(void *arg, struct session *session, const char *word);
enum exit_status what_each(struct session *session, const char *word, what_fn *fn,
			   void *arg);

enum exit_status whats_add(struct whats *whats, struct session *session,
			   const char *word);
enum exit_status whats_add_modules(struct whats *whats, struct session *session);
void whats_release(struct whats *whats);

/*
 * A WHAT that must be one address, for a module its first. Label is "loop (0xc500b000,
 * vmalloc)", or, where the word is the address, "c500b010 (loop:lo_open+0x10, vmalloc)".
 */
#define WHAT_LABEL 1024
enum exit_status what_address(struct session *session, const char *word, uint64_t *va,
			      char label[static WHAT_LABEL]);

/* Of bytes, both included. */
struct what_range {
	uint64_t first, last;
};

/* "c4c00000-c4ffffff"; whether it is one, whichever of the two is less. */
bool what_is_range(const char *word, struct what_range *range);

/* Decimal, or hex after 0x; not 0. */
enum exit_status what_length(struct session *session, const char *text, uint64_t *length);

/*
 * "FIRST-LAST", or a WHAT and a length, without which it is all of a module, in the order of
 * its memory, or the page of an address.
 */
enum exit_status what_ranges(struct session *session, const char *word,
			     const char *length,
			     struct what_range ranges[static WS_MODULE_REGIONS],
			     size_t *n);

#endif
