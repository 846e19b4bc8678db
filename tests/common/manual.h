/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Intel SDM vol. 3A chapter 4 a second time: one function a section, in the manual's own
 * order and words, with no rows of data and nothing of src/paging. Slow, and meant to be
 * held beside the manual; the tests hold ws_walk() and ws_check() beside it.
 */
#ifndef TESTS_MANUAL_H
#define TESTS_MANUAL_H

#include "whosees.h"

struct manual_answer {
	enum ws_end end;
	unsigned level; /* of the last entry read, 0 the top */
	uint64_t pa;
	unsigned page_shift;
	unsigned access; /* enum ws_access; pages only */
	bool flawed;     /* the processor would refuse an entry: */
	struct ws_flaw flaw;
};

/* Uses of *paging the memory, MAXPHYADDR and NXE; the format goes by its name. */
struct manual_answer manual_walk(const struct ws_paging *paging, uint64_t root,
				 uint64_t va);

#endif
