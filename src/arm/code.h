/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A function's ARM code, as far as it can be believed (code.c). */
#ifndef WS_ARM_CODE_H
#define WS_ARM_CODE_H

#include "linux/linux.h"

/* What is read so has some forty instructions, or a hundred. */
#define ARM_INSTRUCTIONS_MAX 256

struct arm_code {
	unsigned n;
	uint32_t word[ARM_INSTRUCTIONS_MAX];
};

/* Whether all words are instructions, and what else its kind of function has. */
typedef bool arm_is_whole_fn(const struct arm_code *code);

/* A function of C that calls others; and what an exception of SVC mode goes through. */
arm_is_whole_fn arm_is_whole_caller, arm_is_whole_svc_entry;

/*
 * Reads a function as far as the next symbol. NULL: it is whole; else what it is instead,
 * to stand behind its name: "is not in the target".
 */
const char *arm_read_code(struct ws_system *system, const char *function,
			  arm_is_whole_fn *is_whole, struct arm_code *code) WS_MUST_CHECK;

/* Whether an instruction has those bits, whatever the rest. */
bool arm_has_instruction(const struct arm_code *code, uint32_t mask, uint32_t bits);

#endif
