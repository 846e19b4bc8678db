/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sweep's exception entries, and the accesses themselves. */
#include "sweep_call.h"
#define DONE 0x81

	.text
#ifdef __x86_64__
#define AX rax
#define DX rdx
#define SP rsp
#else
#define AX eax
#define DX edx
#define SP esp
#endif
#define R_(name) %name
#define R(name) R_(name)

/* ---- exceptions: what happened is noted, and access_run() returns ---- */

	.macro entry vector
entry_\vector:
	/* these push an error code (SDM table 6-1) */
	.if \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17
	.else
	push $0
	.endif
	push $\vector
	jmp taken
	.endm

	.altmacro
	.set i, 0
	.rept 32
	entry %i
	.set i, i + 1
	.endr
	entry 129
	.noaltmacro

taken:
	mov R(AX), taken_value
	pop R(AX)
	mov R(AX), taken_vector
	pop R(AX)
	mov R(AX), taken_error
	mov %cr2, R(AX)
	mov R(AX), taken_cr2
	mov run_sp, R(SP)
	return_to_c

/* ---- accesses: address in DX, value or selector in CX ---- */

	.macro accesses prefix
\prefix\()_read:
	mov (R(DX)), %eax
	int $DONE
\prefix\()_write:
	mov %ecx, (R(DX))
	int $DONE
\prefix\()_fetch:
	jmp *R(DX)
\prefix\()_segment:
	mov %ecx, %fs
	int $DONE
	.endm

	accesses kernel
kernel_cr3:
	mov R(DX), %cr3
	int $DONE

	.section .user, "ax"
	accesses user

/*
 * void access_run(code, address, value, flags, user): goes there, and comes back by way
 * of an exception or of int $DONE.
 */
	.text
	.globl access_run
access_run:
#ifdef __x86_64__
	keep_registers
	mov %rsp, run_sp
	mov %rdx, %rax
	mov %rsi, %rdx
	test %r8, %r8
	jnz 1f
	push %rcx
	popfq
	mov %eax, %ecx
	jmp *%rdi
1:	pushq $0x1b
	pushq $0
	push %rcx
	pushq $0x23
	push %rdi
	mov %eax, %ecx
	iretq
#else
	mov %esp, %eax
	keep_registers
	mov %esp, run_sp
	mov 4(%eax), %edi
	mov 8(%eax), %edx
	mov 12(%eax), %ecx
	cmpl $0, 20(%eax)
	jne 1f
	pushl 16(%eax)
	popfl
	jmp *%edi
1:	pushl $0x1b
	pushl $0
	pushl 16(%eax)
	pushl $0x23
	push %edi
	iret
#endif

	.section .rodata
	.balign 8
	.globl entries, access_code
#ifdef __x86_64__
#define WORD .quad
#else
#define WORD .long
#endif
	.macro entry_address vector
	WORD entry_\vector
	.endm
entries:
	.altmacro
	.set i, 0
	.rept 32
	entry_address %i
	.set i, i + 1
	.endr
	entry_address 129
	.noaltmacro
/* By enum sweep_kind, at CPL 0 and at CPL 3; then the CR3 write. */
access_code:
	WORD kernel_read, user_read, kernel_write, user_write, kernel_fetch, user_fetch
	WORD kernel_segment, user_segment, kernel_segment, user_segment, kernel_cr3

	.bss
	.balign 16
	.skip 4096
	.globl trap_stack_top, taken_value, taken_vector, taken_error, taken_cr2
trap_stack_top:
	.balign 8
run_sp: .skip 8
taken_value: .skip 8
taken_vector: .skip 8
taken_error: .skip 8
taken_cr2: .skip 8
	.section .note.GNU-stack, "", @progbits
