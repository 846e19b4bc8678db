// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The only program of a guest that jumps into another kernel, as /init. It loads what
 * /plan says by kexec_load(2), waits for the host, which may dump the guest, and jumps:
 *
 *   entry ADDR          where the other kernel is entered
 *   load FILE ADDR      a segment of it
 *   crash               loaded for a crash, and jumped to by one (sysrq c); else by
 *                       reboot(2)
 *
 * In the other kernel there is no /plan: it says so, and that is all.
 */
#include <linux/kexec.h>
#include <linux/reboot.h>

#include "bare.h"

#define BUFFER (24 << 20)
#define MAX_SEGMENTS 4

static char buffer[BUFFER]; /* of all segments */
static struct kexec_segment segments[MAX_SEGMENTS];
static unsigned long nsegments, entry;
static long filled, flags;

/* The whole of a file into what is left of the buffer; how much there is of it. */
static long read_file(const char *path)
{
	long length = 0, part, file = open_path(path, O_RDONLY);

	if (file < 0)
		return file;
	do {
		part = call(__NR_read, file, (long)(buffer + filled + length),
			    BUFFER - filled - length);
		length += part > 0 ? part : 0;
	} while (part > 0);
	call(__NR_close, file, 0, 0);
	return length;
}

/* Of a line of the plan: the word after `text`, ended. */
static char *next_word(char *text)
{
	while (*text > ' ')
		text++;
	if (*text)
		*text++ = 0;
	return text;
}

static void load(const char *path, unsigned long address)
{
	long length = read_file(path);

	must(length);
	segments[nsegments++] = (struct kexec_segment){
		.buf = buffer + filled,
		.bufsz = (__kernel_size_t)length,
		.mem = (void *)address,
		.memsz = (__kernel_size_t)((length + PAGE - 1) & ~(PAGE - 1l))
	};
	filled += (length + PAGE - 1) & ~(PAGE - 1l);
}

static char *obey(char *line)
{
	char *first = next_word(line), *second;

	if (*line == 'c') {
		flags = KEXEC_ON_CRASH;
		return first;
	}
	second = next_word(first);
	if (*line == 'e') {
		entry = hexadecimal(first);
		return second;
	}
	load(first, hexadecimal(second));
	return next_word(second);
}

static void jump(void)
{
	long trigger;

	if (!flags) {
		call6(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		      LINUX_REBOOT_CMD_KEXEC, 0, 0, 0);
		return;
	}
	trigger = open_path("/proc/sysrq-trigger", O_WRONLY);
	call(__NR_write, trigger, (long)"c", 1);
}

void begin(long *stack)
{
	static char plan[1024];
	long file = open_path("/plan", O_RDONLY);
	char *line = plan;

	(void)stack;
	call6(__NR_mount, (long)"proc", (long)"/proc", (long)"proc", 0, 0, 0);
	open_ports();
	if (file < 0) {
		say("@second\n@end\n");
		for (;;)
			pause();
	}
	must(call(__NR_read, file, (long)plan, sizeof(plan) - 1));
	while (*line && nsegments < MAX_SEGMENTS)
		line = obey(line);
	if (call6(__NR_kexec_load, (long)entry, (long)nsegments, (long)segments, flags, 0,
		  0) < 0)
		say("@refused\n");
	wait_for_host();
	jump();
	say("@returned\n@end\n");
	for (;;)
		pause();
}
