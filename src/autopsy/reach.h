/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who could not reach an address: in which spaces, of those that a processor may have been in,
 * an access that failed does fail.
 */
#ifndef WS_AUTOPSY_REACH_H
#define WS_AUTOPSY_REACH_H

#include "autopsy/autopsy.h"

enum ws_reach {
	WS_REACHED,
	WS_REACH_NONE,
	WS_REACH_REFUSED, /* mapped, and the tables do not grant the right */
	WS_REACH_UNKNOWN,
};
#define WS_EITHER WS_REACH_UNKNOWN /* of an access: nothing says how it failed */

/* right: WS_KERNEL_EXECUTE to fetch, WS_KERNEL_WRITE to push, WS_KERNEL_READ. */
struct ws_failed_access {
	uint64_t va;
	uint8_t right;
	enum ws_reach how;
};

/*
 * The spaces in which it fails, or one root that is no space's. Where a storm has run over an
 * entry on the way, nothing tells whether it failed there before.
 */
struct ws_blind {
	uint32_t first, n; /* first: WS_NO_SPACE where there is none, and of a root */
	uint64_t root;     /* of the first */
	enum ws_reach how; /* in the first */
	bool suspect_is;   /* the suspect is one of them, and first */
};

enum ws_reach ws_reach(const struct ws_autopsy *autopsy, uint32_t space, uint64_t va,
		       uint8_t right, struct ws_trail *trail);
enum ws_reach ws_reach_by_root(const struct ws_autopsy *autopsy, uint64_t root,
			       uint64_t va, uint8_t right, struct ws_trail *trail);
enum ws_reach ws_reach_in_reference(const struct ws_autopsy *autopsy, uint64_t va,
				    uint8_t right);

/*
 * Whether va is in the kernel image, and init_mm's own entry for it is no entry: something
 * wrote over the table, and what came of that is no cause.
 */
bool ws_is_image_lost(const struct ws_autopsy *autopsy, uint64_t va,
		      struct ws_trail *trail);

/* Whether the frames of the storm lie on an entry of that walk. */
bool ws_ran_over(const struct ws_autopsy *autopsy, const struct ws_storm *storm,
		 const struct ws_trail *trail);

/* Whether a processor may have been in it. */
bool ws_could_run(const struct ws_autopsy *autopsy, const struct ws_space *space);

/* suspect: in which it most likely was, or WS_NO_SPACE. */
struct ws_blind ws_find_blind(const struct ws_autopsy *autopsy,
			      const struct ws_failed_access *access, uint32_t suspect);

/* Whether it fails by the root of a process that is no space any more: all that is left. */
struct ws_blind ws_find_blind_root(const struct ws_autopsy *autopsy,
				   const struct ws_failed_access *access, uint64_t root);

/* "116 waiter has nothing at lab_page_fault at 0xc4fed630: PDE 787 is 0" */
void ws_clue_hole(struct ws_autopsy *autopsy, const struct ws_blind *blind, uint64_t va,
		  uint8_t right);

/* The death was in that space; WS_NO_SPACE: nothing says in which. */
void ws_put_space(struct ws_autopsy *autopsy, struct ws_death *death, uint32_t space);
/* The same of those that are blind, if it was in the first. */
void ws_put_blind(struct ws_autopsy *autopsy, struct ws_death *death,
		  const struct ws_blind *blind);

/* "116 waiter", "root 0x2238000". */
const char *ws_whose_blind(const struct ws_autopsy *autopsy, const struct ws_blind *blind,
			   char text[static WS_NAMED]);

/* "in 116 waiter", or "in 3 spaces" where nothing says in which. */
const char *ws_in_space(const struct ws_autopsy *autopsy, const struct ws_death *death,
			const struct ws_blind *blind, char text[static 2 * WS_NAMED]);

#endif
