/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is x86's below bare.h: system calls, the way in, ports that user mode can use. */
#ifndef WHOSEES_BARE_X86_H
#define WHOSEES_BARE_X86_H

/* of QEMU's, as in the lab module */
#define DEBUG_PORT 0xe9
#define COM2 0x2f8
#define COM2_STATUS (COM2 + 5)

/* A system call of three arguments; the fourth is 0, for those that look at it. */
#ifdef __x86_64__
#define TRAP "xor %%r10d, %%r10d\n\tsyscall"
#define R_NUMBER "rax"
#define R_ARGUMENTS(a, b, c) "D"(a), "S"(b), "d"(c)
#define CLOBBERS "rcx", "r10", "r11", "memory"
#else
#define TRAP "xor %%esi, %%esi\n\tint $0x80"
#define R_NUMBER "eax"
#define R_ARGUMENTS(a, b, c) "b"(a), "c"(b), "d"(c)
#define CLOBBERS "esi", "memory"
#endif

UNUSED static long call(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile(TRAP
			 : "=a"(result)
			 : "a"(number), R_ARGUMENTS(a, b, c)
			 : CLOBBERS);
	return result;
}

/* One of six arguments, after the number. */
long call6(long number, long a, long b, long c, long d, long e, long f);
#ifdef __x86_64__
__asm__("call6:\n\tmov %rdi, %rax\n\tmov %rsi, %rdi\n\tmov %rdx, %rsi\n\tmov %rcx, %rdx\n"
	"\tmov %r8, %r10\n\tmov %r9, %r8\n\tmov 8(%rsp), %r9\n\tsyscall\n\tret\n");
#else
__asm__("call6:\n\tpush %ebp\n\tpush %edi\n\tpush %esi\n\tpush %ebx\n"
	"\tmov 20(%esp), %eax\n\tmov 24(%esp), %ebx\n\tmov 28(%esp), %ecx\n"
	"\tmov 32(%esp), %edx\n\tmov 36(%esp), %esi\n\tmov 40(%esp), %edi\n"
	"\tmov 44(%esp), %ebp\n\tint $0x80\n"
	"\tpop %ebx\n\tpop %esi\n\tpop %edi\n\tpop %ebp\n\tret\n");
#endif

/*
 * Start a task in the caller's own memory. It never returns nor touches its stack, so it
 * needs none: it goes from the system call straight to sleep, for ever.
 */
UNUSED static long sleeper_in_this_mm(long flags)
{
	long result;

	__asm__ volatile(TRAP "\n\t"
			      "test %%" R_NUMBER ", %%" R_NUMBER "\n\t"
			      "jnz 2f\n"
			      "1:\tmov %[pause], %%eax\n\t" TRAP "\n\t"
			      "jmp 1b\n"
			      "2:"
			 : "=a"(result)
			 : "a"((long)__NR_clone),
			   R_ARGUMENTS(flags, 0L, 0L), [pause] "i"(__NR_pause)
			 : CLOBBERS);
	return result;
}

UNUSED static void open_ports(void)
{
	call(__NR_iopl, 3, 0, 0);
}

UNUSED static void out_byte(unsigned short port, char byte)
{
	__asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"(port));
}

UNUSED static unsigned char in_byte(unsigned short port)
{
	unsigned char byte;

	__asm__ volatile("inb %1, %0" : "=a"(byte) : "Nd"(port));
	return byte;
}

UNUSED static void say_byte(char byte)
{
	out_byte(DEBUG_PORT, byte);
}

UNUSED static void hear_byte(void)
{
	while (!(in_byte(COM2_STATUS) & 1))
		;
	in_byte(COM2);
}

#ifdef __x86_64__
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");
#else
__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tpush %eax\n"
	"\tpush %eax\n\tpush %eax\n\tpush %eax\n\tcall begin\n");
#endif

#endif
