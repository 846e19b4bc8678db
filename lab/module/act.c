// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel at work in the space of whoever writes the command, where what plant.c did
 * shows:
 *
 *   read WHERE     say the text that is there
 *   write WHERE    write a byte there
 *   patch          write another answer into lab_answer(), and call it
 *
 * What it says begins with "after": how the guest went on after the dump.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/string.h>

#include "lab.h"

#define MAX_TEXT 24

/* int lab_answer(void): mov $1, %eax; ret. The byte to patch is the second. */
asm(".pushsection .text\n"
    ".balign 16\n"
    ".globl lab_answer\n"
    ".type lab_answer, @function\n"
    "lab_answer:\n"
    "\t.byte 0xb8, 1, 0, 0, 0, 0xc3\n"
    ".size lab_answer, . - lab_answer\n"
    ".popsection");

static void read_text(const char *where)
{
	char text[MAX_TEXT];

	strscpy(text, where, sizeof(text));
	say("after read %*pE\n", (int)strlen(text), text);
}

static void patch(void)
{
	int (*answer)(void) = (void *)lab_answer;

	WRITE_ONCE(lab_answer[1], 2);
	say("after answer %d\n", answer());
}

int act(const char *command)
{
	char what[8], where[MAX_WHERE];
	unsigned long address;
	int error;

	if (sysfs_streq(command, "patch")) {
		patch();
		return 0;
	}
	if (sscanf(command, "%7s %31s", what, where) != 2)
		return -EINVAL;
	error = where_is(where, &address);
	if (error)
		return error;
	if (!strcmp(what, "read"))
		read_text((const char *)address);
	else if (!strcmp(what, "write"))
		WRITE_ONCE(*(char *)address, 'M');
	else
		return -EINVAL;
	say("after %s done\n", what);
	return 0;
}
