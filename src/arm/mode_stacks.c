/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stacks that are no task's. Each mode that an exception enters has a few words for each
 * processor, in which its stub saves three before it changes to SVC mode (`stacks`, struct
 * stack and cpu_init() in arch/arm/kernel/setup.c). And where a stack in vmalloc memory
 * has run over, the entry code goes on at what overflow_stack_ptr says, to panic there
 * (__bad_stack in entry-armv.S, since a1c510d0adc6, 5.18).
 *
 * These are static data, of which few kernels have symbols.
 */
#include "arm/faultpath.h"
#include "audit/code.h"
#include "audit/per_cpu.h"
#include "audit/trap.h"

/* u32 irq[4], abt[4], und[4], fiq[4], aligned to cache lines, none longer than that. */
#define STACK_SIZE 64
#define OVERFLOW_STACK_SIZE WS_FRAME_SIZE

static struct ws_need need_of(const struct ws_rule *rule, size_t cpu, uint64_t va,
			      uint64_t size)
{
	return (struct ws_need){ .rule = rule,
				 .cpu = (int)cpu,
				 .va = va,
				 .last = ws_last_of(va, size),
				 .halves = WS_HALF_KERNEL,
				 .rights = WS_KERNEL_WRITE };
}

bool arm_need_mode_stacks(struct ws_needs *needs)
{
	uint64_t stacks;

	if (!ws_code_symbol(needs->audit, "stacks", &stacks) ||
	    !ws_in_image(needs->audit->system, stacks))
		return false;
	for (size_t i = 0; i < ws_per_cpus(needs->audit->system); i++) {
		struct ws_need need = need_of(&arm_fault_rules[ARM_RULE_ABORT_STACK], i,
					      stacks + i * STACK_SIZE, STACK_SIZE);

		ws_need_add(needs, &need,
			    "the stacks of abort, undefined and IRQ mode of cpu %zu at "
			    "%#jx",
			    i, need.va);
	}
	return true;
}

static void need_overflow_stack(struct ws_needs *needs, size_t cpu)
{
	struct ws_need need;
	uint64_t top;

	if (ws_per_cpu_word(needs->audit->system, ARM_OVERFLOW_STACK, cpu, &top) !=
		    WS_READ ||
	    !ws_is_kernel_va(needs->audit->system, top - OVERFLOW_STACK_SIZE))
		return;
	need = need_of(&ws_trap_rules[WS_TRAP_LAST_RESORT], cpu,
		       top - OVERFLOW_STACK_SIZE, OVERFLOW_STACK_SIZE);
	ws_need_add(needs, &need, "the overflow stack of cpu %zu at %#jx", cpu, need.va);
}

void arm_need_overflow_stacks(struct ws_needs *needs)
{
	static const char *const names[] = { "__bad_stack", "handle_bad_stack" };
	uint64_t va;

	for (size_t i = 0; i < WS_ARRAY_SIZE(names); i++) {
		struct ws_need need = { .rule = &ws_trap_rules[WS_TRAP_LAST_RESORT],
					.cpu = -1,
					.halves = WS_HALF_KERNEL,
					.rights = WS_KERNEL_EXECUTE };

		if (!ws_code_symbol(needs->audit, names[i], &va))
			continue;
		need.va = va;
		need.last = ws_code_last(needs->audit, va);
		ws_need_add(needs, &need, "what finds that a stack has run over, %s",
			    names[i]);
	}
	for (size_t i = 0; i < ws_per_cpus(needs->audit->system); i++)
		need_overflow_stack(needs, i);
}
