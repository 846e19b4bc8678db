/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls through gate 0x80, and the files they reach. A node's operations are
 * words in kernel data, of a driver's in its module, which the processor has to see; so
 * has it the functions they lead to. Paths are not read from user memory.
 */
#include "machine/kernel/modules.h"
#include "machine/kernel/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_GATE 0x80
#define INT_LENGTH 2

/* ---- the gate ---- */

static const struct {
	unsigned number;
	enum code code;
} calls[] = {
	{ SYS_READ, CODE_SYS_READ },
	{ SYS_WRITE, CODE_SYS_WRITE },
	{ SYS_OPEN, CODE_SYS_OPEN },
	{ SYS_CLOSE, CODE_SYS_CLOSE },
	{ SYS_INIT_MODULE, CODE_SYS_INIT_MODULE },
	{ SYS_DELETE_MODULE, CODE_SYS_DELETE_MODULE },
	{ SYS_FOLLOW, CODE_FOLLOW_POINTER },
};

static enum code code_of_call(uint64_t number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return calls[i].code;
	return CODE_FIXUP; /* which returns -1 */
}

bool run_system_call(struct kernel *kernel, struct processor *processor,
		     uint64_t argument, struct machine_event *event)
{
	struct machine_registers *r = &processor->cpu.r;

	(void)argument;
	if (!stack_push(kernel, processor, r->reg[MACHINE_REG_AX], event) ||
	    !registers_push(kernel, processor, event) ||
	    !stack_push(kernel, processor, code_va(kernel, CODE_SYSCALL_EXIT), event))
		return false;
	r->ip = code_va(kernel, code_of_call(r->reg[MACHINE_REG_AX]));
	r->reg[MACHINE_REG_SI] = 0;
	return true;
}

bool run_syscall_exit(struct kernel *kernel, struct processor *processor,
		      uint64_t argument, struct machine_event *event)
{
	return stack_poke(kernel, processor, registers_ax(kernel),
			  processor->cpu.r.reg[MACHINE_REG_AX], event) &&
	       run_ret_from_exception(kernel, processor, argument, event);
}

/* Where nobody is in user mode it is a plain call, which returns to the idle loop. */
bool syscall_run(struct kernel *kernel, struct processor *processor, unsigned number)
{
	struct machine_registers *r = &processor->cpu.r;
	struct machine_event event = { .vector = SYSTEM_GATE,
				       .kind = MACHINE_SOFTWARE_INTERRUPT,
				       .length = INT_LENGTH };

	r->reg[MACHINE_REG_AX] = number;
	if (r->cpl == 3)
		return run_event(kernel, processor, &event);
	r->reg[MACHINE_REG_SI] = 0;
	if (!stack_push(kernel, processor, code_va(kernel, CODE_DEFAULT_IDLE), &event))
		return run_event(kernel, processor, &event);
	r->ip = code_va(kernel, code_of_call(number));
	return run(kernel, processor);
}

bool function_return(struct kernel *kernel, struct processor *processor, uint64_t result,
		     struct machine_event *event)
{
	struct machine_registers *r = &processor->cpu.r;

	if (!stack_pop(kernel, processor, &r->ip, event))
		return false;
	r->reg[MACHINE_REG_AX] = result;
	return true;
}

/* ---- user memory ---- */

/* Linux's access_ok(). */
static bool access_ok(const struct kernel *kernel, uint64_t va, uint64_t len)
{
	return va <= kernel->layout.user_last && kernel->layout.user_last - va >= len;
}

bool copy_bytes(struct kernel *kernel, struct processor *processor, uint64_t from,
		uint64_t to, uint64_t n, struct machine_event *event)
{
	struct machine_cpu *cpu = &processor->cpu;
	uint64_t *done = &cpu->r.reg[MACHINE_REG_SI], byte;

	for (; *done < n; ++*done) {
		if (!machine_load(cpu, from + *done, 1, MACHINE_READ, &byte, event) ||
		    !machine_store(cpu, to + *done, 1, MACHINE_WRITE, byte, event))
			return false;
		pages_written(kernel, cpu->stored);
	}
	return true;
}

bool read_text(struct kernel *kernel, struct processor *processor, const char *text,
	       size_t len, struct machine_event *event)
{
	struct machine_cpu *cpu = &processor->cpu;
	uint64_t *done = &cpu->r.reg[MACHINE_REG_SI], n = 0;
	struct open_file *file = file_of_call(kernel, processor);

	if (file && file->at < len)
		n = len - file->at;
	if (n > cpu->r.reg[MACHINE_REG_DX])
		n = cpu->r.reg[MACHINE_REG_DX];
	for (; *done < n; ++*done) {
		if (!machine_store(cpu, cpu->r.reg[MACHINE_REG_CX] + *done, 1,
				   MACHINE_WRITE, (uint8_t)text[file->at + *done], event))
			return false;
		pages_written(kernel, cpu->stored);
	}
	if (!function_return(kernel, processor, n, event))
		return false;
	if (file)
		file->at += n;
	return true;
}

/* ---- files ---- */

struct open_file *file_find(const struct process *process, int fd)
{
	struct open_file *file = process->files;

	while (file && file->fd != fd)
		file = file->next;
	return file;
}

struct open_file *file_of_call(struct kernel *kernel, const struct processor *processor)
{
	const struct process *p = current(kernel, processor);

	return p ? file_find(p, (int)processor->cpu.r.reg[MACHINE_REG_BX]) : NULL;
}

/* The lowest descriptor that is free, as POSIX has it. */
static struct open_file *add(struct kernel *kernel, struct process *p,
			     const struct open_file *file)
{
	struct open_file **at = &p->files, *new = host_allocate(kernel, sizeof(*new));
	int fd = 0;

	if (!new)
		return NULL;
	for (; *at && (*at)->fd == fd; at = &(*at)->next)
		fd++;
	*new = *file;
	new->fd = fd;
	new->next = *at;
	*at = new;
	if (new->module)
		new->module->users++;
	return new;
}

static void drop(struct process *p, struct open_file *file)
{
	struct open_file **at = &p->files;

	while (*at != file)
		at = &(*at)->next;
	*at = file->next;
	if (file->module)
		file->module->users--;
	free(file);
}

bool files_copy(struct kernel *kernel, const struct process *from, struct process *to)
{
	for (const struct open_file *file = from->files; file; file = file->next) {
		struct open_file *copy = add(kernel, to, file);

		if (!copy)
			return false;
		copy->fd = file->fd;
	}
	return true;
}

void files_release(struct process *process)
{
	while (process->files)
		drop(process, process->files);
}

/* ---- nodes ---- */

static bool find_node(const struct kernel *kernel, const char *path,
		      struct open_file *file)
{
	bool dev = !strncmp(path, "/dev/", 5), proc = !strncmp(path, "/proc/", 6);

	*file = (struct open_file){ 0 };
	if (!strcmp(path, "/proc/modules")) {
		file->operations = kernel->modules_operations;
		return true;
	}
	if (!dev && !proc)
		return false;
	file->module = module_find(kernel, path + (dev ? 5 : 6));
	if (!file->module)
		return false;
	file->operations = file->module->va + (dev ? DATA_DEV : DATA_PROC);
	return true;
}

bool run_modules_read(struct kernel *kernel, struct processor *processor,
		      uint64_t argument, struct machine_event *event)
{
	char text[8192];
	size_t len = 0;

	(void)argument;
	for (const struct module *m = kernel->modules; m && len < sizeof(text) - 160;
	     m = m->next)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s %" PRIu64 " %u - Live 0x%08" PRIx64 "\n",
					m->name, m->size, m->users, m->va);
	return read_text(kernel, processor, text, len, event);
}

/* ---- what the calls do ---- */

/* On to the file's own function; one that has none has nothing to do. */
static bool go_on(struct kernel *kernel, struct processor *processor,
		  enum operation operation, uint64_t otherwise,
		  struct machine_event *event)
{
	const struct open_file *file = file_of_call(kernel, processor);
	uint64_t function;

	if (!file)
		return function_return(kernel, processor, UINT64_MAX, event);
	if (!data_load(kernel, processor, file->operations + 8 * operation, &function,
		       event))
		return false;
	if (!function)
		return function_return(kernel, processor, otherwise, event);
	processor->cpu.r.ip = function;
	return true;
}

static bool transfer(struct kernel *kernel, struct processor *processor,
		     enum operation operation, struct machine_event *event)
{
	const struct machine_registers *r = &processor->cpu.r;

	if (!access_ok(kernel, r->reg[MACHINE_REG_CX], r->reg[MACHINE_REG_DX]))
		return function_return(kernel, processor, UINT64_MAX, event);
	return go_on(kernel, processor, operation, UINT64_MAX, event);
}

bool run_sys_read(struct kernel *kernel, struct processor *processor, uint64_t argument,
		  struct machine_event *event)
{
	(void)argument;
	return transfer(kernel, processor, OPERATION_READ, event);
}

bool run_sys_write(struct kernel *kernel, struct processor *processor, uint64_t argument,
		   struct machine_event *event)
{
	(void)argument;
	return transfer(kernel, processor, OPERATION_WRITE, event);
}

bool run_sys_open(struct kernel *kernel, struct processor *processor, uint64_t argument,
		  struct machine_event *event)
{
	(void)argument;
	return go_on(kernel, processor, OPERATION_OPEN, 0, event);
}

bool run_sys_close(struct kernel *kernel, struct processor *processor, uint64_t argument,
		   struct machine_event *event)
{
	(void)argument;
	return go_on(kernel, processor, OPERATION_RELEASE, 0, event);
}

/* ---- operations ---- */

/* A result with all bits set is an error, whatever the word's width. */
static bool failed(const struct kernel *kernel, uint64_t result)
{
	return kernel->layout.word == 8 ? result == UINT64_MAX
					: (uint32_t)result == UINT32_MAX;
}

static enum kernel_outcome call(struct kernel *kernel, int pid,
				struct processor *processor, unsigned number, int fd,
				uint64_t va, uint64_t len, uint64_t *result)
{
	struct machine_registers *r = &processor->cpu.r;
	enum kernel_outcome outcome;

	r->reg[MACHINE_REG_BX] = (uint64_t)fd;
	r->reg[MACHINE_REG_CX] = va;
	r->reg[MACHINE_REG_DX] = len;
	syscall_run(kernel, processor, number);
	outcome = sched_leave(kernel, pid, processor);
	if (outcome != KERNEL_OK)
		return outcome;
	if (failed(kernel, r->reg[MACHINE_REG_AX]))
		return KERNEL_INVALID;
	if (result)
		*result = r->reg[MACHINE_REG_AX];
	return KERNEL_OK;
}

enum kernel_outcome kernel_open(struct kernel *kernel, int pid, const char *path, int *fd)
{
	struct processor *processor;
	struct process *process;
	struct open_file node, *file;
	enum kernel_outcome outcome = sched_enter(kernel, pid, &process, &processor);

	if (outcome != KERNEL_OK)
		return outcome;
	if (!path || !fd || !find_node(kernel, path, &node))
		return KERNEL_INVALID;
	file = add(kernel, process, &node);
	if (!file)
		return KERNEL_NO_MEMORY;
	*fd = file->fd;
	outcome = call(kernel, pid, processor, SYS_OPEN, *fd, 0, 0, NULL);
	if (outcome == KERNEL_INVALID)
		drop(process, file);
	return outcome;
}

static enum kernel_outcome transfer_call(struct kernel *kernel, int pid, unsigned number,
					 int fd, uint64_t va, uint64_t len,
					 uint64_t *done)
{
	struct processor *processor;
	struct process *process;
	enum kernel_outcome outcome = sched_enter(kernel, pid, &process, &processor);

	if (done)
		*done = 0;
	if (outcome != KERNEL_OK)
		return outcome;
	return call(kernel, pid, processor, number, fd, va, len, done);
}

enum kernel_outcome kernel_read(struct kernel *kernel, int pid, int fd, uint64_t va,
				uint64_t len, uint64_t *done)
{
	return transfer_call(kernel, pid, SYS_READ, fd, va, len, done);
}

enum kernel_outcome kernel_write(struct kernel *kernel, int pid, int fd, uint64_t va,
				 uint64_t len, uint64_t *done)
{
	return transfer_call(kernel, pid, SYS_WRITE, fd, va, len, done);
}

enum kernel_outcome kernel_close(struct kernel *kernel, int pid, int fd)
{
	struct processor *processor;
	struct process *process;
	enum kernel_outcome outcome = sched_enter(kernel, pid, &process, &processor);
	struct open_file *file;

	if (outcome != KERNEL_OK)
		return outcome;
	file = file_find(process, fd);
	if (!file)
		return KERNEL_INVALID;
	outcome = call(kernel, pid, processor, SYS_CLOSE, fd, 0, 0, NULL);
	if (outcome == KERNEL_OK)
		drop(process, file);
	return outcome;
}
