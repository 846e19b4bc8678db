/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registers of the processors that run this kernel, by /dev/whosees where its module is loaded
 * (module/whosees_uapi.h). They are of the moment at which it is asked, and the kernel runs on:
 * which root a processor has is soon not true any more, but for the one that asks for us.
 */
#include "target/kcore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "module/whosees_uapi.h"
#include "target/kernel_device.h"
#include "util/cleanup.h"

#define REGISTERS_MAX (1u << 18) /* 8,192 processors, 32 of each */

static enum ws_status unknown(struct ws_target *target, const char *why)
{
	return ws_target_add_note(target, WS_KERNEL_DEVICE ": %s: registers are unknown",
				  why);
}

/* The root that a processor has is believed of the one that asks alone. */
static bool is_wanted(const struct ws_target *target, const struct whosees_register *reg,
		      uint32_t own)
{
	return memchr(reg->name, '\0', sizeof(reg->name)) &&
	       (reg->cpu == own ||
		strcasecmp(reg->name, target->arch->root_register) != 0);
}

static int by_cpu(const void *a, const void *b)
{
	const struct whosees_register *one = a, *other = b;

	return (one->cpu > other->cpu) - (one->cpu < other->cpu);
}

static enum ws_status take(struct ws_target *target, struct whosees_register *reg,
			   size_t n)
{
	uint32_t own = reg->cpu; /* whose come first */
	struct ws_cpu *cpu = NULL;

	qsort(reg, n, sizeof(*reg), by_cpu);
	for (size_t i = 0; i < n; i++) {
		if (!cpu || reg[i].cpu != reg[i - 1].cpu) {
			cpu = ws_vec_push(&target->cpus);
			if (!cpu)
				return ws_fail_memory(target->ctx);
			*cpu = (struct ws_cpu){ .arch = target->arch,
						.word = target->word };
		}
		if (is_wanted(target, &reg[i], own))
			(void)!ws_cpu_set_register(cpu, reg[i].name, reg[i].value);
	}
	return WS_OK;
}

/* Processors may come while it is asked: then some are left out. */
static enum ws_status ask(struct ws_target *target, int fd)
{
	struct whosees_list list = { 0 };
	ws_autofree struct whosees_register *registers = NULL;
	uint32_t room;

	if (ioctl(fd, WHOSEES_REGISTERS, &list))
		return unknown(target, strerror(errno));
	if (list.n > REGISTERS_MAX)
		return unknown(target, "more registers than any machine has");
	room = list.n; /* the list is the module's to write, all of it */
	registers = calloc(room + 1, sizeof(*registers));
	if (!registers)
		return ws_fail_memory(target->ctx);
	list.at = (uintptr_t)registers;
	list.room = room;
	if (ioctl(fd, WHOSEES_REGISTERS, &list))
		return unknown(target, strerror(errno));
	return take(target, registers, list.n < room ? list.n : room);
}

enum ws_status ws_kernel_registers(struct ws_target *target)
{
	const char *why = NULL;
	uint32_t flags;
	int fd = ws_kernel_device_open(O_RDONLY, &flags, &why);
	enum ws_status status;

	if (fd < 0)
		return why ? unknown(target, why) : WS_OK;
	status = ask(target, fd);
	close(fd);
	return status;
}
