/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The vectors, as Linux fills them in (vector_stub, arch/arm/kernel/entry-armv.S): each
 * branches to a stub in the page behind, which stores three words on the stack of its
 * mode, changes to SVC mode, and goes on by a table of 16 handlers, one for each mode
 * that can have been interrupted:
 *
 *	0xffff000c  b    1f
 *	0xffff1280  1:  ...  b 2f		since 5.17 loops against branch history injection
 *	0xffff1124  2:  ...  movs pc, lr
 *		    .long __pabt_usr, invalid, invalid, __pabt_svc, invalid ...
 *
 * Kernels that are built as Thumb code have other instructions there, and are not
 * followed.
 */
#include "arm/faultpath.h"
#include "arm/registers.h"

/* DDI 0406C, A8.8.18, A8.8.64 and B9.3.20, all of them unconditional. */
#define BRANCH 0xeau        /* in bits 31:24: b imm24 */
#define LOAD_PC 0xe59ff000u /* ldr pc, [pc, #imm12] */
#define LOAD_PC_MASK 0xfffff000u
#define MOVS_PC_LR 0xe1b0f00eu

#define HANDLERS 16
#define HANDLER_USER 0
#define HANDLER_SVC 3

/* A stub has some twenty instructions. */
#define INSTRUCTIONS_MAX 64

static void end_part(struct arm_stub *stub, uint64_t va, uint64_t last)
{
	if (stub->nparts == ARM_STUB_PARTS)
		return;
	stub->part[stub->nparts].va = va;
	stub->part[stub->nparts++].last = last;
}

static uint64_t branch_target(uint64_t va, uint32_t instruction)
{
	int32_t offset = (int32_t)(instruction << 8) >> 6; /* imm24, times four */

	return (uint32_t)(va + 8 + (uint64_t)(int64_t)offset);
}

static enum ws_evidence read_handlers(struct ws_system *system, uint64_t table,
				      struct arm_stub *stub)
{
	enum ws_evidence evidence =
		ws_kernel_word(system, table + UINT64_C(4) * HANDLER_USER, &stub->user);

	if (evidence == WS_READ)
		evidence = ws_kernel_word(system, table + UINT64_C(4) * HANDLER_SVC,
					  &stub->kernel);
	return evidence;
}

#define NO_VBAR "VBAR, where the vectors are: by SCTLR.V they are not at 0xffff0000"
#define NO_SCTLR                                                                              \
	"SCTLR.V, by which the vectors are at 0xffff0000, where nothing is mapped, or at 0, " \
	"where something may be"

/* Whether some processor's registers say; those of one that has paging off do not. */
static bool by_registers(const struct ws_system *system, const char **lacks, uint64_t *va)
{
	ws_vec_each(&system->target->cpus, cpu) {
		uint64_t sctlr = cpu->reg[ARM_SCTLR];

		if (!ws_cpu_knows(cpu, ARM_SCTLR) || !(sctlr & ARM_SCTLR_M))
			continue;
		if (!(sctlr & ARM_SCTLR_V) && !ws_cpu_knows(cpu, ARM_VBAR))
			*lacks = NO_VBAR;
		*va = sctlr & ARM_SCTLR_V ? ARM_VECTORS : cpu->reg[ARM_VBAR];
		return true;
	}
	return false;
}

/*
 * Linux maps the page at 0xffff0000 whatever SCTLR.V is, and for low vectors at 0 too: where
 * it is at 0 alone, either mapping may be the one that was damaged.
 */
const char *arm_find_vectors(struct ws_system *system, uint64_t *va)
{
	enum ws_evidence at_low, at_high;
	const char *lacks = NULL;
	uint64_t low, high;

	*va = ARM_VECTORS;
	if (by_registers(system, &lacks, va))
		return lacks;
	at_low = ws_kernel_translate(system, 0, &low);
	at_high = ws_kernel_translate(system, ARM_VECTORS, &high);
	if (at_high == WS_NOT_MAPPED && at_low != WS_NOT_MAPPED)
		return NO_SCTLR;
	if (at_low == WS_READ && at_high == WS_READ && low == high)
		*va = 0;
	return NULL;
}

/* Linux has two pages there: where one is not mapped, that is a hole, whatever the code. */
static enum ws_evidence end_unread(struct arm_stub *stub, uint64_t vectors,
				   uint64_t first, uint64_t va, enum ws_evidence evidence)
{
	stub->hole = evidence == WS_NOT_MAPPED && va - vectors < 2 * WS_FRAME_SIZE;
	if (stub->hole)
		end_part(stub, first, va + 3);
	return evidence;
}

enum ws_evidence arm_follow_vector(struct ws_system *system, uint64_t vectors,
				   enum arm_vector vector, struct arm_stub *stub)
{
	uint64_t va = vectors + UINT64_C(4) * vector, first = va;
	enum ws_evidence evidence = WS_READ;
	uint32_t word;

	*stub = (struct arm_stub){ .nparts = 0 };
	for (unsigned i = 0; i < INSTRUCTIONS_MAX; i++, va += 4) {
		evidence = ws_kernel_u32(system, va, &word);
		if (evidence != WS_READ)
			return end_unread(stub, vectors, first, va, evidence);
		if (word >> 24 == BRANCH && branch_target(va, word) != va + 4) {
			end_part(stub, first, va + 3);
			first = branch_target(va, word);
			va = first - 4;
		} else if ((word & LOAD_PC_MASK) == LOAD_PC) {
			uint64_t from = va + 8 + (word & ~LOAD_PC_MASK);

			end_part(stub, first, va + 3);
			evidence = ws_kernel_word(system, from, &stub->kernel);
			stub->user = stub->kernel;
			if (evidence != WS_READ)
				return end_unread(stub, vectors, from, from, evidence);
			end_part(stub, from, from + 3);
			return evidence;
		} else if (word == MOVS_PC_LR) {
			end_part(stub, first, va + 3 + UINT64_C(4) * HANDLERS);
			return read_handlers(system, va + 4, stub);
		}
	}
	return WS_NOT_MAPPED;
}
