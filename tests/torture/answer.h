/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that the library says of one dump, and what an answer may become when some of the
 * dump's memory is left out: unknown, and nothing else.
 */
#ifndef TESTS_ANSWER_H
#define TESTS_ANSWER_H

#include "audit/rule.h"
#include "torture/dump.h"
#include "whosees.h"

#include <stdio.h>

#define ANSWER_MODES 2 /* enum ws_fault_mode */
#define NO_FATE (-1)

struct answer {
	struct ws_context *ctx;
	struct ws_target *target;
	struct ws_system *system;   /* NULL: refused, and status says why */
	struct ws_audit *audit;     /* NULL: the same */
	struct ws_machine *machine; /* NULL: the registers are not enough for one */
	enum ws_status status;
	const struct ws_space *space;
	size_t nspaces;
	const struct ws_judgement *judged;
	const struct ws_module *module;
	size_t nmodules;
	int *fate; /* ANSWER_MODES a space */
};

/* What can go wrong. One case of the test each. */
enum wrong {
	WRONG_REFUSED,
	WRONG_SPACE,
	WRONG_OWNER,
	WRONG_VERDICT,
	WRONG_FINDING,
	WRONG_MODULE,
	WRONG_SYMBOL,
	WRONG_PROBE,
	WRONG_FATE,
	WRONG_STATUS,
	WRONG_END, /* of the program: a signal */
	WRONGS
};

/* The physical memory that was left out. */
struct omission {
	const struct dump_piece *piece;
	size_t n;
};

void answer_get(struct answer *answer, const char *path);
void answer_release(struct answer *answer);

/*
 * Writes a line a fault: the number of its enum wrong, a blank, and "what: before ->
 * after".
 */
void answer_compare(const struct answer *whole, const struct answer *part,
		    const struct omission *omission, FILE *out);

/* The same where the frame was overwritten: damage.c says what may be. */
void answer_compare_damage(const struct answer *whole, const struct answer *part,
			   const struct omission *omission, FILE *out);

#endif
