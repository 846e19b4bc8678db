/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first fault of a storm, and where #DF ends it. */
#include "sweep_call.h"

#define TSS 0x722000 /* STORM_TSS */

	.text
	.globl storm_run, storm_kernel_fault, storm_double_fault
#ifdef __x86_64__
/* storm_run(sp, address, flags, user) */
storm_run:
	keep_registers
	mov %rsp, main_sp
	mov %rdx, %rax
	mov %rsi, %rdx
	test %rcx, %rcx
	jnz 1f
	push %rax
	popfq
	mov %rdi, %rsp
storm_kernel_fault:
	mov (%rdx), %eax
1:	pushq $0x23
	pushq $0
	push %rax
	pushq $0x1b
	pushq $storm_user_fault
	iretq

/* By an IST: the frame says what was (SDM figure 6-9). */
storm_double_fault:
	mov 8(%rsp), %rax
	mov %rax, storm_left_ip
	mov 24(%rsp), %rax
	mov %rax, storm_left_flags
	mov 32(%rsp), %rax
	mov %rax, storm_left_sp
	mov %cr2, %rax
	mov %rax, storm_left_cr2
	mov storm_safe_root, %rax
	mov %rax, %cr3
	mov $0x10, %eax
	mov %eax, %ss
	mov main_sp, %rsp
	return_to_c
#else
storm_run:
	mov %esp, %eax
	keep_registers
	mov %esp, main_sp
	mov 8(%eax), %edx
	mov 12(%eax), %ecx
	mov 4(%eax), %edi
	cmpl $0, 16(%eax)
	jne 1f
	push %ecx
	popfl
	mov %edi, %esp
storm_kernel_fault:
	mov (%edx), %eax
1:	pushl $0x23
	pushl $0
	push %ecx
	pushl $0x1b
	pushl $storm_user_fault
	iret

/* A task of its own: the old TSS says what was (SDM figure 8-2). */
storm_double_fault:
	mov TSS + 0x20, %eax
	mov %eax, storm_left_ip
	mov TSS + 0x24, %eax
	mov %eax, storm_left_flags
	mov TSS + 0x38, %eax
	mov %eax, storm_left_sp
	mov %cr2, %eax
	mov %eax, storm_left_cr2
	mov main_sp, %esp
	return_to_c
#endif

	.section .user, "ax"
	.globl storm_user_fault
storm_user_fault:
#ifdef __x86_64__
	mov (%rdx), %eax
#else
	mov (%edx), %eax
#endif

	.bss
	.balign 8
	.globl storm_left_sp, storm_left_ip, storm_left_flags, storm_left_cr2
	.globl storm_safe_root
main_sp: .skip 8
storm_left_sp: .skip 8
storm_left_ip: .skip 8
storm_left_flags: .skip 8
storm_left_cr2: .skip 8
storm_safe_root: .skip 8
	.section .note.GNU-stack, "", @progbits
