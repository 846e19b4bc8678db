/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The events, the handler under test, and the observers. */
#include "sweep_call.h"

	.text
	.globl gate_run, gate_handler, gate_back, gate_observers
	.globl gate_kernel_code, gate_user_code

#ifdef __x86_64__
#define AX %rax
#define SP %rsp
#define WORD .quad
#else
#define AX %eax
#define SP %esp
#define WORD .long
#endif

/* By enum gate_event, 4 bytes each. */
	.balign 16
gate_kernel_code:
	ud2
	.balign 4
	int $0x40
	.balign 16
gate_user_code:
	ud2
	.balign 4
	int $0x40

	.balign 16
gate_handler:
	movl $0, gate_vector
	movl $0, gate_error
	mov SP, gate_sp
	mov %ss, %eax
	mov %eax, gate_ss
	mov %cs, %eax
	test $3, %al
	jz gate_back
	int $0x41

	.macro observer vector
observer_\vector:
	movl $\vector, gate_vector
	pop AX
	mov AX, gate_error
	mov SP, gate_sp
	mov %ss, %eax
	mov %eax, gate_ss
	jmp gate_back
	.endm

	observer 8
	observer 10
	observer 11
	observer 12
	observer 13
	observer 14

#ifdef __x86_64__
gate_back:
	mov $0x10, %eax
	mov %eax, %ss
	mov main_sp, %rsp
	return_to_c

/* gate_run(event, sp, flags, user) */
gate_run:
	keep_registers
	mov %rsp, main_sp
	test %rcx, %rcx
	jnz 1f
	lea gate_kernel_code(,%rdi,4), %rax
	push %rdx
	popfq
	mov %rsi, %rsp
	jmp *%rax
1:	lea gate_user_code(,%rdi,4), %rax
	pushq $0x23
	pushq $0x772000
	push %rdx
	pushq $0x1b
	push %rax
	iretq
#else
gate_back:
	mov $0x10, %eax
	mov %eax, %ss
	mov main_sp, %esp
	return_to_c

gate_run:
	mov %esp, %ecx
	keep_registers
	mov %esp, main_sp
	mov 4(%ecx), %edi
	cmpl $0, 16(%ecx)
	jne 1f
	lea gate_kernel_code(,%edi,4), %eax
	pushl 12(%ecx)
	popfl
	mov 8(%ecx), %esp
	jmp *%eax
1:	lea gate_user_code(,%edi,4), %eax
	pushl $0x23
	pushl $0x772000
	pushl 12(%ecx)
	pushl $0x1b
	push %eax
	iret
#endif

	.section .rodata
	.balign 8
gate_observers:
	WORD observer_8, observer_10, observer_11, observer_12, observer_13, observer_14

	.bss
	.balign 8
	.globl gate_vector, gate_error, gate_sp, gate_ss
main_sp: .skip 8
gate_vector: .skip 8
gate_error: .skip 8
gate_sp: .skip 8
gate_ss: .skip 8
	.section .note.GNU-stack, "", @progbits
