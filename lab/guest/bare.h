/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guest's programs stand on, instead of a C library: system calls, numbers as
 * text, QEMU's ports, and the way in. None of a guest's architecture or age is needed to
 * build them, and they run on kernels that today's C libraries refuse.
 */
#ifndef WHOSEES_BARE_H
#define WHOSEES_BARE_H

#include <asm/unistd.h>
#include <linux/fcntl.h>

#define SIGCHLD 17
#define PAGE 4096
/* of QEMU's, as in the lab module */
#define DEBUG_PORT 0xe9
#define COM2 0x2f8
#define COM2_STATUS (COM2 + 5)
#define UNUSED __attribute__((unused))

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

UNUSED static long fork(void)
{
	return call(__NR_clone, SIGCHLD, 0, 0);
}

UNUSED static void die(int status)
{
	for (;;)
		call(__NR_exit, status, 0, 0);
}

UNUSED static void must(long result)
{
	if (result < 0)
		die(1);
}

/* Decimal digits of value at the end of text, at least one; the text is padded with 0. */
UNUSED static void digits(char *text, int length, int value)
{
	while (length--) {
		text[length] = '0' + value % 10;
		value /= 10;
	}
}

UNUSED static int number(const char *text)
{
	int value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + *text++ - '0';
	return value;
}

UNUSED static unsigned long hexadecimal(const char *text)
{
	unsigned long value = 0;

	for (; (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'f'); text++)
		value = value * 16 +
			(unsigned long)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	return value;
}

UNUSED static int length_of(const char *text)
{
	int length = 0;

	while (text[length])
		length++;
	return length;
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

UNUSED static void say(const char *text)
{
	while (*text)
		out_byte(DEBUG_PORT, *text++);
}

/* As the lab module does it, but in user mode. iopl(3) comes first. */
UNUSED static void wait_for_host(void)
{
	say("@frozen\n");
	while (!(in_byte(COM2_STATUS) & 1))
		;
	in_byte(COM2);
}

/* The kernel's process start: argc and argv lie on the stack. */
__attribute__((used)) void begin(long *stack);

#ifdef __x86_64__
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");
#else
__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tpush %eax\n"
	"\tpush %eax\n\tpush %eax\n\tpush %eax\n\tcall begin\n");
#endif

#endif
