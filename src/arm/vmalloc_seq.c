/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mm->context.vmalloc_seq against init_mm's: whether the next switch to a space copies
 * vmalloc's entries (check_vmalloc_seq(), arch/arm/include/asm/mmu_context.h; an int until
 * d31e23aff011, 5.18, an atomic_t since). It does where the two differ. init_mm's counts
 * changes of vmalloc's entries since a1c510d0adc6 (5.18: arch_sync_kernel_mappings()), and
 * before only those of large pages by ioremap() on one processor. Modules lie below, and
 * are neither counted nor copied. With LPAE nobody compares: vmalloc is shared.
 *
 * Where it lies is what the kernel's own code says, which copies it at the end:
 *
 *	movw, movt Rb, init_mm
 *	ldr Rt, [Rb, #offset]
 *	...
 *	str Rt, [Rm, #offset]
 */
#include "arm/vmalloc_seq.h"

#include "arm/code.h"
#include "arm/entry.h"
#include "linux/tasks.h"

/* Of DDI 0406C, A8.8.102, 106, 63 and 204, always executed. */
#define MOVW 0xe3000000u
#define MOVT 0xe3400000u
#define LDR 0xe5900000u
#define STR 0xe5800000u
#define KIND_MASK 0xfff00000u

static unsigned rn(uint32_t word)
{
	return word >> 16 & 15;
}

static unsigned rt(uint32_t word)
{
	return word >> 12 & 15;
}

static uint32_t imm12(uint32_t word)
{
	return word & 0xfff;
}

static uint32_t imm16(uint32_t word)
{
	return (word >> 4 & 0xf000) | imm12(word);
}

/* What a MOVW and a MOVT before the n-th instruction have put there. */
static bool find_constant(const struct arm_code *code, unsigned n, unsigned reg,
			  uint32_t *value)
{
	bool low = false, high = false;

	*value = 0;
	while (n-- && !(low && high)) {
		uint32_t word = code->word[n], kind = word & KIND_MASK;

		if (rt(word) != reg || (kind != MOVW && kind != MOVT))
			continue;
		*value |= kind == MOVW ? imm16(word) : imm16(word) << 16;
		low |= kind == MOVW;
		high |= kind == MOVT;
	}
	return low && high;
}

/* Whether it stores what the load has read, at the same offset of something else. */
static bool is_stored(const struct arm_code *code, uint32_t load)
{
	for (unsigned i = 0; i < code->n; i++) {
		uint32_t word = code->word[i];

		if ((word & KIND_MASK) == STR && rt(word) == rt(load) &&
		    imm12(word) == imm12(load) && rn(word) != rn(load))
			return true;
	}
	return false;
}

static bool is_init_mm(struct ws_system *system, uint64_t mm)
{
	uint64_t pgd, root;

	return system->init_known && system->fields.mm_pgd != WS_NO_FIELD &&
	       ws_kernel_word(system, mm + system->fields.mm_pgd, &pgd) == WS_READ &&
	       ws_pa_of_pgd(system, pgd, &root) && root == system->init_root;
}

bool arm_vmalloc_seq(struct ws_system *system, struct ws_mending_count *count)
{
	struct arm_code code;
	uint32_t mm;

	*count = (struct ws_mending_count){ .name = "vmalloc_seq" };
	count->never = system->format != &ws_format_arm;
	if (count->never)
		return true;
	if (arm_read_code(system, ARM_CHECK_VMALLOC_SEQ, arm_is_whole_caller, &code))
		return false;
	for (unsigned i = 0; i < code.n; i++) {
		uint32_t load = code.word[i];

		if ((load & KIND_MASK) != LDR || !is_stored(&code, load) ||
		    !find_constant(&code, i, rn(load), &mm) || !is_init_mm(system, mm))
			continue;
		count->offset = (int32_t)imm12(load);
		return ws_kernel_u32(system, mm + (uint64_t)count->offset, &count->now) ==
		       WS_READ;
	}
	return false;
}

void arm_tour_vmalloc_seq(struct ws_system *system)
{
	struct ws_mending_count count;
	uint32_t word;

	if (!arm_vmalloc_seq(system, &count) || count.never)
		return;
	ws_vec_each(&system->spaces, space)
		if (space->mm)
			(void)!ws_kernel_u32(system, space->mm + (uint64_t)count.offset,
					     &word);
}
