/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's entry (multiboot 1), into guest_main(). For 64 bits start is 32-bit code all
 * the same.
 */
	.section .multiboot, "a"
	.balign 4
	.long 0x1badb002, 0, -0x1badb002

	.text
	.code32
	.globl start
start:
	cli
	mov $stack_top, %esp
#ifdef __x86_64__
	call enter_long_mode
	lgdt boot_gdtr
	ljmp $0x08, $1f

/* SDM vol. 3A 10.8.5: PAE, LME and only then PG; tables for the first 1 GiB. */
enter_long_mode:
	movl $boot_pdpt + 3, boot_pml4
	movl $boot_pd + 3, boot_pdpt
	mov $boot_pd, %edi
	mov $0x83, %eax
	mov $512, %ecx
2:	mov %eax, (%edi)
	movl $0, 4(%edi)
	add $0x200000, %eax
	add $8, %edi
	loop 2b
	mov $boot_pml4, %eax
	mov %eax, %cr3
	mov %cr4, %eax
	or $0x20, %eax
	mov %eax, %cr4
	mov $0xc0000080, %ecx
	rdmsr
	or $0x100, %eax
	wrmsr
	mov %cr0, %eax
	or $0x80000000, %eax
	mov %eax, %cr0
	ret

	.code64
1:	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $stack_top, %rsp
#endif
	call guest_main
0:	hlt
	jmp 0b

	.section .rodata
#ifdef __x86_64__
	.balign 8
boot_gdt:
	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdtr:
	.word 23
	.long boot_gdt
#endif

	.bss
	.balign 4096
#ifdef __x86_64__
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pd: .skip 4096
#endif
	.skip 16384
stack_top:
	.section .note.GNU-stack, "", @progbits
