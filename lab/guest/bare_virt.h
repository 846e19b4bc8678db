/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is below bare.h on ARM, AArch64 and RISC-V: system calls, the way in, and ports by
 * the kernel's /dev/port, of a 16550 with two of them on PCI (-device pci-serial-2x).
 */
#ifndef WHOSEES_BARE_VIRT_H
#define WHOSEES_BARE_VIRT_H

/* One of six arguments, after the number. */
long call6(long number, long a, long b, long c, long d, long e, long f);
/*
 * Start a task in the caller's own memory. It never returns nor touches its stack, so it
 * needs none: it goes from the system call straight to sleep, for ever.
 */
long sleeper_in_this_mm(long flags);

#define TEXT(number) #number
#define NUMBER(number) TEXT(number)
#define CLONE NUMBER(__NR_clone) "\n\t"
#ifdef __NR_pause
#define SLEEP NUMBER(__NR_pause) "\n\t"
#else
#define SLEEP NUMBER(__NR_ppoll) "\n\t"
#endif

#if defined(__arm__)
__asm__("call6:\n\tpush {r4, r5, r7, lr}\n\tmov r7, r0\n\tmov r0, r1\n\tmov r1, r2\n"
	"\tmov r2, r3\n\tldr r3, [sp, #16]\n\tldr r4, [sp, #20]\n\tldr r5, [sp, #24]\n"
	"\tsvc #0\n\tpop {r4, r5, r7, pc}\n");
__asm__("sleeper_in_this_mm:\n\tpush {r4, r7, lr}\n\tmov r1, #0\n\tmov r2, #0\n"
	"\tmov r3, #0\n\tmov r4, #0\n\tmov r7, #" CLONE "svc #0\n"
	"\tcmp r0, #0\n\tpopne {r4, r7, pc}\n"
	"1:\tmov r7, #" SLEEP "svc #0\n\tb 1b\n");
__asm__(".globl _start\n_start:\n\tmov r0, sp\n\tbic sp, sp, #7\n\tbl begin\n");
#elif defined(__aarch64__)
__asm__("call6:\n\tmov x8, x0\n\tmov x0, x1\n\tmov x1, x2\n\tmov x2, x3\n"
	"\tmov x3, x4\n\tmov x4, x5\n\tmov x5, x6\n\tsvc #0\n\tret\n");
__asm__("sleeper_in_this_mm:\n\tmov x1, #0\n\tmov x2, #0\n\tmov x3, #0\n\tmov x4, #0\n"
	"\tmov x8, #" CLONE "svc #0\n\tcbz x0, 1f\n\tret\n"
	"1:\tmov x0, #0\n\tmov x8, #" SLEEP "svc #0\n\tb 1b\n");
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl begin\n");
#elif defined(__riscv)
__asm__("call6:\n\tmv a7, a0\n\tmv a0, a1\n\tmv a1, a2\n\tmv a2, a3\n\tmv a3, a4\n"
	"\tmv a4, a5\n\tmv a5, a6\n\tecall\n\tret\n");
__asm__("sleeper_in_this_mm:\n\tli a1, 0\n\tli a2, 0\n\tli a3, 0\n\tli a4, 0\n"
	"\tli a7, " CLONE "ecall\n\tbeqz a0, 1f\n\tret\n"
	"1:\tli a0, 0\n\tli a7, " SLEEP "ecall\n\tj 1b\n");
/* The linker takes it that gp has this, wherever that makes an access shorter. */
__asm__(".globl _start\n_start:\n\t.option push\n\t.option norelax\n"
	"\tla gp, __global_pointer$\n\t.option pop\n"
	"\tmv a0, sp\n\tandi sp, sp, -16\n\tcall begin\n");
#endif

UNUSED static long call(long number, long a, long b, long c)
{
	return call6(number, a, b, c, 0, 0, 0);
}

/* The compiler may ask for it where a struct is copied. */
__attribute__((used)) void *memcpy(void *to, const void *from, __SIZE_TYPE__ size)
{
	for (__SIZE_TYPE__ i = 0; i < size; i++)
		((char *)to)[i] = ((const char *)from)[i];
	return to;
}

/* ---- ports ------------------------------------------------------------------------ */

#define PORTS "/dev/port"
#define PORTS_DEVICE (1 << 8 | 4) /* Documentation/admin-guide/devices.txt */
#define S_IFCHR 0020000
#define SERIAL "1b360003\t" /* QEMU's docs/specs/pci-serial.rst */
#define PORT_SIZE 8
#define STATUS 5 /* of a 16550's line: a byte is there, another can be taken */
#define IS_THERE 0x01
#define IS_EMPTY 0x20

static long ports, debug_port;

UNUSED static unsigned char port_in(long port)
{
	unsigned char byte = 0;

	call(__NR_lseek, ports, port, 0);
	call(__NR_read, ports, (long)&byte, 1);
	return byte;
}

UNUSED static void say_byte(char byte)
{
	while (!(port_in(debug_port + STATUS) & IS_EMPTY))
		;
	call(__NR_lseek, ports, debug_port, 0);
	call(__NR_write, ports, (long)&byte, 1);
}

UNUSED static void hear_byte(void)
{
	while (!(port_in(debug_port + PORT_SIZE + STATUS) & IS_THERE))
		;
	port_in(debug_port + PORT_SIZE);
}

UNUSED static unsigned long hexadecimal(const char *text);

/*
 * Of /proc/bus/pci/devices, whose lines begin: bus and function, the device's name, its
 * interrupt, its first resource with flags in the last digit.
 */
UNUSED static long port_of(const char *devices)
{
	static const char name[] = SERIAL;
	int at = 0;

	for (; *devices && name[at]; devices++)
		at = *devices == name[at] ? at + 1 : *devices == name[0];
	while (*devices && *devices++ != '\t')
		;
	while (*devices == ' ')
		devices++;
	return (long)hexadecimal(devices) & ~15l;
}

/* /proc is there. */
UNUSED static void open_ports(void)
{
	static char devices[4096];
	long list = call6(__NR_openat, AT_FDCWD, (long)"/proc/bus/pci/devices", O_RDONLY,
			  0, 0, 0);

	call(__NR_read, list, (long)devices, sizeof(devices) - 1);
	call(__NR_close, list, 0, 0);
	debug_port = port_of(devices);
	call6(__NR_mknodat, AT_FDCWD, (long)PORTS, S_IFCHR | 0600, PORTS_DEVICE, 0, 0);
	ports = call6(__NR_openat, AT_FDCWD, (long)PORTS, O_RDWR, 0, 0, 0);
}

#endif
