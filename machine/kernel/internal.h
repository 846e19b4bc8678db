/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The model kernel inside. kernel.h says what it does; a file a subject:
 *
 *	layout.c      where things lie in each format: rows
 *	boot.c        the first tables, IDT, GDT, TSS; init
 *	pages.c       page frames: given, taken back, there or "not there"
 *	pgtable.c     entries: written, walked, copied for a new space
 *	sync.c        strategies: rows of what is done when
 *	vmalloc.c     areas, and the tables they need
 *	process.c     fork, exec, exit, mmap
 *	run.c         an access, its faults, the handlers they lead to
 *	fault.c       the kernel's page-fault handler, and its oops
 *	module.c      drivers: insmod, rmmod, their code
 *	syscall.c     the gate, files, nodes
 *	sched.c       switches, migration
 *	linux.c       what crash tools look for, as Linux lays it out: struct page, tasks,
 *	              modules; linux_symbols.c kallsyms and VMCOREINFO
 *	core.c        the ELF core
 *	check.c       the books against the memory
 */
#ifndef MACHINE_KERNEL_INTERNAL_H
#define MACHINE_KERNEL_INTERNAL_H

#include "machine/kernel/kernel.h"

#define PAGE MACHINE_FRAME_SIZE
#define COMM 16

/* ---- layout ---------------------------------------------------------------------- */

/* A row a format. Everything from page_offset on is the direct map of all memory. */
struct layout {
	uint64_t page_offset;
	uint64_t image; /* va of pa image_pa */
	uint64_t image_pa;
	uint64_t vmalloc_first, vmalloc_last; /* i386: above the direct map */
	uint64_t modules_first, modules_last; /* i386: the same */
	uint64_t user_first, user_last;
	uint64_t stack_size; /* of a task's kernel stack; aligned to it */
	uint8_t levels;      /* of tables, PDPT included */
	uint8_t entry_size;
	uint8_t word;
	uint8_t private_level; /* of the tables whose kernel entries each space copies */
};

/* ---- pages ----------------------------------------------------------------------- */

/* What a frame is used for, as struct page is to tell. */
enum page_use {
	PAGE_RESERVED, /* low memory, the image, mem_map */
	PAGE_FREE,
	PAGE_SLAB,
	PAGE_TABLE,
	PAGE_STACK,
	PAGE_KERNEL, /* kmalloc, vmalloc, modules */
	PAGE_USER,
};

/* Whole frames, contiguous, zeroed, aligned to their own size; 0: there are none. */
uint64_t pages_take(struct kernel *kernel, unsigned n, enum page_use use);
void pages_give(struct kernel *kernel, uint64_t pa, unsigned n);

/* ---- processes ------------------------------------------------------------------- */

struct vma;
struct open_file;

struct process {
	int pid, parent;
	char comm[COMM];
	uint64_t root;  /* pa of the top-level table */
	uint64_t stack; /* va of the kernel stack's lowest byte */
	uint64_t task;  /* va of its task_struct, by linux.c */
	uint64_t mm;    /* va of its mm_struct, by linux.c; 0: a kernel thread */
	unsigned cpu;
	struct machine_registers saved; /* while it does not run */
	struct vma *vmas;
	struct open_file *files;
	int preempt_next; /* whom its next fault is to give way to; 0: nobody */
	bool in_fault;    /* saved in the middle of one */
	struct process *next; /* in the hash by pid */
};

/* ---- modules --------------------------------------------------------------------- */

struct module {
	struct kernel_driver driver;
	char name[56];
	uint64_t va, size; /* its memory, whole pages */
	uint64_t record;   /* va of its struct module, in its memory, by linux.c */
	uint64_t old_handler; /* what gate 14 led to before it; 0: not hooked */
	struct module *next;  /* the newest first, as Linux has them */
};

/* ---- code ------------------------------------------------------------------------ */

/* A function of the kernel or of a module: where it lies, and what it does. */
struct symbol {
	char name[64];
	uint64_t va;
	uint32_t size;
	char type; /* as nm(1) has it: T, t, D, d, B, b, R, r */
	const struct module *module;  /* NULL: the image's */
};

/* ---- linux.c: what crash tools find ------------------------------------------------ */

/* At boot, once the image is mapped and its symbols are known. False: no memory. */
bool linux_create(struct kernel *kernel);
/* swapper/0 is 0, kthreadd is 2: both are linux.c's own, and no struct process. */
bool linux_task_add(struct kernel *kernel, struct process *process);
void linux_task_change(struct kernel *kernel, struct process *process);
void linux_task_remove(struct kernel *kernel, struct process *process);
bool linux_module_add(struct kernel *kernel, struct module *module);
void linux_module_remove(struct kernel *kernel, struct module *module);
/* A frame's struct page says what it is now. */
void linux_page(struct kernel *kernel, uint64_t pa, unsigned n, enum page_use use);
/* After the last symbol of the image was added: kallsyms and VMCOREINFO. */
bool linux_symbols_create(struct kernel *kernel);
void linux_release(struct kernel *kernel);

#endif
