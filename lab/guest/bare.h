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
#define UNUSED __attribute__((unused))

/* The kernel's process start: argc and argv lie on the stack. */
__attribute__((used)) void begin(long *stack);

#if defined(__i386__) || defined(__x86_64__)
#include "bare_x86.h"
#else
#include "bare_virt.h"
#endif

/* ---- calls that newer architectures have only by newer names ------------------------ */

UNUSED static long open_path(const char *path, long flags)
{
#ifdef __NR_open
	return call(__NR_open, (long)path, flags, 0);
#else
	return call(__NR_openat, AT_FDCWD, (long)path, flags);
#endif
}

UNUSED static long make_pipe(int *ends)
{
#ifdef __NR_pipe
	return call(__NR_pipe, (long)ends, 0, 0);
#else
	return call(__NR_pipe2, (long)ends, 0, 0);
#endif
}

UNUSED static void pause(void)
{
#ifdef __NR_pause
	call(__NR_pause, 0, 0, 0);
#else
	call(__NR_ppoll, 0, 0, 0);
#endif
}

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

UNUSED static void say(const char *text)
{
	while (*text)
		say_byte(*text++);
}

/* As the lab module does it, but in user mode. open_ports() comes first. */
UNUSED static void wait_for_host(void)
{
	say("@frozen\n");
	hear_byte();
}

#endif
