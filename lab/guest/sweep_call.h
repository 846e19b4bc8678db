/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For assembly that is called, leaves the road, and returns much later: what a C function
 * wants to find again (System V ABI), kept on its stack.
 */
#ifndef LAB_GUEST_SWEEP_CALL_H
#define LAB_GUEST_SWEEP_CALL_H

/* clang-format off */
	.macro keep_registers
#ifdef __x86_64__
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
#else
	push %ebx
	push %ebp
	push %esi
	push %edi
#endif
	.endm

/* With the stack as keep_registers left it; flags are cleared. */
	.macro return_to_c
#ifdef __x86_64__
	pushq $2
	popfq
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
#else
	pushl $2
	popfl
	pop %edi
	pop %esi
	pop %ebp
	pop %ebx
#endif
	ret
	.endm
/* clang-format on */

#endif
