/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the memory of a function holds its code: that an instruction is not there says
 * something of a function that is whole, and nothing of zeros, of another page's data or
 * of Thumb code. No single word proves it: the kind of function says what has to be there.
 */
#include "arm/code.h"

#include "linux/symtab.h"

/* ---- one instruction ----------------------------------------------------------------- */

#define CONDITION(word) ((word) >> 28)
#define ALWAYS 0xeu
#define UNCONDITIONAL 0xfu

/* Those without a condition that kernels use (DDI 0406C, A5.7), by bits 27:24. */
static const bool is_used_unconditional[16] = {
	[0x1] = true,               /* CPS, SETEND */
	[0x5] = true,               /* PLD, PLDW, barriers, CLREX */
	[0x7] = true,               /* PLD by a register */
	[0x8] = true, [0x9] = true, /* SRS, RFE */
	[0xa] = true, [0xb] = true, /* BLX */
};

/* A word of zeros would be ANDEQ r0, r0, r0, which no compiler emits. */
static bool is_instruction(uint32_t word)
{
	if (CONDITION(word) == UNCONDITIONAL)
		return is_used_unconditional[word >> 24 & 15];
	return word != 0;
}

static bool are_instructions(const struct arm_code *code)
{
	for (unsigned i = 0; i < code->n; i++)
		if (!is_instruction(code->word[i]))
			return false;
	return code->n;
}

bool arm_has_instruction(const struct arm_code *code, uint32_t mask, uint32_t bits)
{
	for (unsigned i = 0; i < code->n; i++)
		if ((code->word[i] & mask) == bits)
			return true;
	return false;
}

/* ---- one function -------------------------------------------------------------------- */

/* push {..., lr} (DDI 0406C, A8.8.133), by either encoding. */
#define PUSH_LR_MASK 0xffff4000u
#define PUSH_LR 0xe92d4000u
#define PUSH_LR_ALONE 0xe52de004u

/* Three in four instructions of such functions, or more, are unconditional. */
#define is_mostly(n, all) (2 * (n) >= (all))

bool arm_is_whole_caller(const struct arm_code *code)
{
	unsigned always = 0;

	for (unsigned i = 0; i < code->n; i++)
		always += CONDITION(code->word[i]) == ALWAYS;
	return are_instructions(code) && is_mostly(always, code->n) &&
	       (arm_has_instruction(code, PUSH_LR_MASK, PUSH_LR) ||
		arm_has_instruction(code, ~0u, PUSH_LR_ALONE));
}

/*
 * svc_entry and svc_exit in arch/arm/kernel/entry-header.S and entry-armv.S, 3.x to 6.12:
 * sub sp, sp, #n; stmia or (since 5.18) stmib sp, {r1 - r12}; ldmia sp, {r0 - pc}^.
 */
#define SUB_SP_MASK 0xfffff000u
#define SUB_SP 0xe24dd000u
#define STORE_MASK 0xfeffffffu
#define STORE 0xe88d1ffeu
#define RETURN 0xe8ddffffu

bool arm_is_whole_svc_entry(const struct arm_code *code)
{
	return are_instructions(code) && (code->word[0] & SUB_SP_MASK) == SUB_SP &&
	       arm_has_instruction(code, STORE_MASK, STORE) &&
	       arm_has_instruction(code, ~0u, RETURN);
}

/* ---- read ---------------------------------------------------------------------------- */

/* Whether another symbol begins at or before va; false: what is there is not known. */
static bool is_end(struct ws_system *system, uint64_t first, uint64_t va, bool *is)
{
	struct ws_symbol symbol;

	if (ws_symbol_at(system, va, &symbol) != WS_OK) {
		ws_error_clear(system->ctx);
		return false;
	}
	*is = symbol.va != first;
	return true;
}

const char *arm_read_code(struct ws_system *system, const char *function,
			  arm_is_whole_fn *is_whole, struct arm_code *code)
{
	struct ws_symbol symbol;
	bool end = false;

	code->n = 0;
	if (ws_symbol_lookup(system, function, &symbol) != WS_OK) {
		ws_error_clear(system->ctx);
		return "is not known by a symbol";
	}
	if (symbol.va & 3) /* bit 0 of a Thumb function's */
		return "is not ARM code";
	for (; !end; code->n += !end) {
		uint64_t va = symbol.va + UINT64_C(4) * code->n;

		if (!is_end(system, symbol.va, va, &end) ||
		    (!end && code->n == ARM_INSTRUCTIONS_MAX))
			return "has no known end";
		if (!end && ws_kernel_u32(system, va, &code->word[code->n]) != WS_READ)
			return "is not in the target";
	}
	return is_whole(code) ? NULL : "is damaged, or not ARM code";
}
