/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a processor does until it is done, and who has it. */
#ifndef MACHINE_KERNEL_RUN_H
#define MACHINE_KERNEL_RUN_H

#include "machine/kernel/code.h"

/* ---- run.c ---- */

/* Delivers the event and runs until user mode, or idle, or the end. False: the end. */
bool run_event(struct kernel *kernel, struct processor *processor,
	       const struct machine_event *event);
/* The same, from kernel mode as it stands. */
bool run(struct kernel *kernel, struct processor *processor);
/* The machine ends here; why: one sentence. */
void end(struct kernel *kernel, const struct processor *processor, enum kernel_end how,
	 const char *why);

/* What every operation begins with: KERNEL_OK, or why it cannot be. */
enum kernel_outcome operation_begin(struct kernel *kernel);

/* ---- sched.c ---- */

/* The processor goes on with next, wherever that stood; NULL: it idles. */
void sched_switch(struct kernel *kernel, struct processor *processor,
		  struct process *next);
/* For an operation: pid is the current process of its processor, in user mode. */
enum kernel_outcome sched_enter(struct kernel *kernel, int pid, struct process **process,
				struct processor **processor);
/* After user mode was reached: what the operation for pid has come to. */
enum kernel_outcome sched_leave(struct kernel *kernel, int pid,
				const struct processor *processor);
/* No processor has root loaded from now on. */
void sched_abandon(struct kernel *kernel, uint64_t root);
struct process *current(const struct kernel *kernel, const struct processor *processor);
uint64_t stack_top(const struct kernel *kernel, const struct process *process);

/* ---- process.c ---- */

struct process *process_init(struct kernel *kernel);
/* Frees all that it has; it runs nowhere. */
void process_remove(struct kernel *kernel, struct process *process);
/* Only what of it is in C structures. */
void process_discard(struct process *process);

/* ---- mmap.c ---- */

const struct vma *vma_find(const struct process *process, uint64_t va);
/* False: no memory; what was copied is to's to release. */
bool vmas_copy(struct kernel *kernel, const struct process *from, struct process *to);
void vmas_release(struct process *process);

/* ---- user.c ---- */

/* A zeroed page at va; false: no memory. */
bool user_map(struct kernel *kernel, struct process *process, uint64_t va,
	      unsigned protection);
bool user_copy(struct kernel *kernel, struct process *from, struct process *to);
void user_unmap(struct kernel *kernel, struct process *process, uint64_t first,
		uint64_t last);
/* All pages and tables of the user half. */
void user_clear(struct kernel *kernel, struct process *process);

/* ---- vmalloc.c ---- */

enum area_use { AREA_VMALLOC, AREA_MODULE };

struct area {
	uint64_t va, size; /* without the empty page */
	enum area_use use;
	struct area *next;
};

/* 0: no memory, or no room. Pages, zeroed, and a hole after them. */
uint64_t area_create(struct kernel *kernel, uint64_t size, enum area_use use);
/* False: there is no such one. */
bool area_destroy(struct kernel *kernel, uint64_t va, enum area_use use);
void areas_release(struct kernel *kernel);

/* ---- syscall.c ---- */

struct open_file {
	int fd;
	uint64_t operations; /* va of its file operations: a word a call, see below */
	uint64_t at;
	struct module *module; /* NULL: the image's node */
	struct open_file *next;
};

enum operation {
	OPERATION_OPEN,
	OPERATION_READ,
	OPERATION_WRITE,
	OPERATION_RELEASE,
	OPERATIONS
};

/* Numbers as in int 0x80's table, but for the last, which Linux does not have. */
enum {
	SYS_READ = 3,
	SYS_WRITE = 4,
	SYS_OPEN = 5,
	SYS_CLOSE = 6,
	SYS_INIT_MODULE = 128,
	SYS_DELETE_MODULE = 129,
	SYS_FOLLOW = 1024
};

/* From user mode through gate 0x80, else as a call; the arguments are in BX, CX, DX. */
bool syscall_run(struct kernel *kernel, struct processor *processor, unsigned number);
struct open_file *file_find(const struct process *process, int fd);
bool files_copy(struct kernel *kernel, const struct process *from, struct process *to);
void files_release(struct process *process);

#endif
