/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a walk ends by the manual. */
#ifndef TESTS_MANUAL_ANSWER_H
#define TESTS_MANUAL_ANSWER_H

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

#endif
