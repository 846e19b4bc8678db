/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A model kernel on the simulated machine: as much of Linux's memory management as the
 * story of the vanished page-fault handler needs. Its page tables, descriptor tables,
 * stacks, tasks and modules lie in the simulated memory, laid out as Linux lays them out,
 * so that whoever reads that memory finds a Linux there. What it does, it does on a
 * processor: accesses are translated, faults delivered, handlers fetched.
 *
 * Its code is C. A kernel function has an address in the image or in a module, and bytes
 * there that name it; to call it the processor has to be able to fetch those bytes, in
 * the address space that is loaded at that moment.
 *
 * In reading order:
 *
 *   1. options      format, synchronisation strategy, processors, who listens
 *   2. outcomes     what an operation came to; how a machine ends
 *   3. processes    fork, exec, exit, mmap
 *   4. user mode    accesses and system calls
 *   5. kernel mode  modules, vmalloc, interrupts, stray accesses
 *   6. scheduler    switches, also in the middle of a page fault; several processors
 *   7. looking      symbols, walks, memory, a core file
 *
 * Everything is deterministic. Nothing here is safe against another thread.
 */
#ifndef MACHINE_KERNEL_KERNEL_H
#define MACHINE_KERNEL_KERNEL_H

#include <stdio.h>

#include "machine/machine.h"

/* ---- 1. options ------------------------------------------------------------------ */

enum kernel_format {
	KERNEL_I386,
	KERNEL_I386_PAE,
	KERNEL_X86_64,
};

/*
 * How an address space that exists learns of kernel mappings made since it was forked.
 * A new one copies the kernel's entries from swapper_pg_dir always (pgd_ctor(),
 * arch/x86/mm/pgtable.c).
 */
enum kernel_sync {
	KERNEL_SYNC_NONE,
	KERNEL_SYNC_LAZY,
	KERNEL_SYNC_EAGER,
	KERNEL_SYNC_EAGER_ON_LOAD,
	KERNEL_SYNC_PREALLOCATED,
	KERNEL_SYNC_DIRECT_MAP,
	KERNEL_SYNC_LAZY_EAGER,
	KERNEL_SYNCS
};

struct kernel_strategy {
	const char *name;    /* "lazy": what scripts and options say */
	const char *meaning; /* one sentence */
	const char *history; /* where it is or was done so */
};

/* KERNEL_SYNCS of them, in that order. */
extern const struct kernel_strategy kernel_strategies[];

/* Who a line of the story is about. */
enum kernel_voice {
	VOICE_STORY,     /* the script: what somebody wants to happen */
	VOICE_KERNEL,    /* what the kernel does about it */
	VOICE_PROCESSOR, /* what the processor does: faults, frames, resets */
};

struct kernel_line {
	enum kernel_voice voice;
	unsigned cpu;
	int pid;          /* whose address space is loaded; 0: init_mm's */
	const char *text; /* plain words, no newline; valid during the call */
};

#define KERNEL_CPUS 8

struct kernel_options {
	uint8_t format;      /* enum kernel_format */
	uint8_t sync;        /* enum kernel_sync */
	uint8_t tlb;         /* enum machine_tlb_kind */
	uint32_t departures; /* of the processor: 0, or MACHINE_TCG */
	unsigned cpus;       /* 1 to KERNEL_CPUS; 0: 1 */
	uint64_t ram;        /* bytes, whole MiB; 0: 64 MiB */
	/* Free pages are "not there": CONFIG_DEBUG_PAGEALLOC. */
	bool debug_pagealloc;
	/* Called with each thing that happens; NULL: nobody listens. */
	void (*say)(void *arg, const struct kernel_line *line);
	void *arg;
};

struct kernel;

/*
 * Boots: init_mm, pid 1 "init" on processor 0, all others idle. NULL, and *why a static
 * sentence, where the options make no sense or the simulated memory is too small; *why is
 * NULL where the host's memory is short.
 */
struct kernel *kernel_create(const struct kernel_options *options, const char **why);
void kernel_destroy(struct kernel *kernel);
/* Whether the host's memory was short at some time: what came of it is no story. */
bool kernel_host_is_short(const struct kernel *kernel);

/* A line of the story, from outside. */
void kernel_tell(struct kernel *kernel, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- 2. outcomes ----------------------------------------------------------------- */

enum kernel_outcome {
	KERNEL_OK,
	KERNEL_INVALID,   /* no such pid, file, module, address; not in this state */
	KERNEL_NO_MEMORY, /* the simulated memory is full */
	KERNEL_SLEEPS,    /* the task was switched away in the middle of it */
	KERNEL_KILLED,    /* the process is gone: SIGSEGV */
	KERNEL_OOPS,      /* the process is gone: the kernel tripped over itself */
	KERNEL_STOPPED,   /* the machine has ended; kernel_ending() says how */
};
const char *kernel_outcome_name(enum kernel_outcome outcome); /* "killed" */

enum kernel_end {
	KERNEL_RUNS,
	/*
	 * An orderly end: #DF was handled; or an oops, and nobody to kill for it, since
	 * it was in an interrupt, in idle, or in init.
	 */
	KERNEL_PANICS,
	KERNEL_RESETS, /* triple fault */
	KERNEL_HANGS,  /* one fault for ever */
};

struct kernel_ending {
	enum kernel_end end;
	unsigned cpu;
	int pid;                    /* whose space was loaded then */
	struct machine_event first; /* the event that it began with */
	struct machine_story story;
};
const struct kernel_ending *kernel_ending(const struct kernel *kernel);

/* ---- 3. processes ---------------------------------------------------------------- */

/*
 * From here on a pid is that of a process there is; 1 is init, which cannot exit, and
 * takes the machine along when it is killed. Pids are never given twice.
 */

/* The child does not run yet. comm NULL: the parent's. */
enum kernel_outcome kernel_fork(struct kernel *kernel, int parent, const char *comm,
				int *pid);
/* A new, empty user half and a new name; the kernel half is copied anew. */
enum kernel_outcome kernel_exec(struct kernel *kernel, int pid, const char *comm);
enum kernel_outcome kernel_exit(struct kernel *kernel, int pid);

enum kernel_protection {
	KERNEL_PROT_WRITE = 1 << 0,
	KERNEL_PROT_EXEC = 1 << 1,
};

/* len bytes of zeroed memory that comes when it is touched; *va is page-aligned. */
enum kernel_outcome kernel_mmap(struct kernel *kernel, int pid, uint64_t len,
				unsigned protection, uint64_t *va);
enum kernel_outcome kernel_munmap(struct kernel *kernel, int pid, uint64_t va);

/* ---- 4. user mode ---------------------------------------------------------------- */

/*
 * What a process does, it does on its own processor, which switches to it first. kind is
 * MACHINE_READ, WRITE or FETCH of one byte; *value is read or written.
 */
enum kernel_outcome kernel_user_access(struct kernel *kernel, int pid, unsigned kind,
				       uint64_t va, uint8_t *value);

/*
 * System calls, through the gate. Paths: /proc/modules, /proc/NAME and /dev/NAME of each
 * driver. Reads and writes go between the node and the process's memory at va, which may
 * fault in kernel mode; *done is how many bytes.
 */
enum kernel_outcome kernel_open(struct kernel *kernel, int pid, const char *path,
				int *fd);
enum kernel_outcome kernel_read(struct kernel *kernel, int pid, int fd, uint64_t va,
				uint64_t len, uint64_t *done);
enum kernel_outcome kernel_write(struct kernel *kernel, int pid, int fd, uint64_t va,
				 uint64_t len, uint64_t *done);
enum kernel_outcome kernel_close(struct kernel *kernel, int pid, int fd);

/* ---- 5. kernel mode -------------------------------------------------------------- */

#define KERNEL_IRQ_FIRST 32
#define KERNEL_IRQS 16

struct kernel_driver {
	const char *name;      /* of the module; also /dev/NAME and /proc/NAME */
	uint64_t size;         /* bytes of module memory; 0: one page */
	bool hooks_page_fault; /* gate 14 leads to it, and it goes on to the last one */
	int irq;               /* vector it handles, or 0 */
};

/*
 * insmod and rmmod, on processor 0 in whatever space is loaded there, which sees the
 * driver from then on: its memory is touched. A driver that hooked gate 14 puts back what
 * it found there when it is unloaded, whoever hooked since; one whose nodes are open is
 * not unloaded (KERNEL_INVALID). An interrupt has one driver.
 */
enum kernel_outcome kernel_insmod(struct kernel *kernel,
				  const struct kernel_driver *driver);
enum kernel_outcome kernel_rmmod(struct kernel *kernel, const char *name);

/*
 * Areas of a large page's size and more are mapped with large pages, as ioremap() does:
 * on i386 and PAE these are entries that each space has a copy of.
 */
enum kernel_outcome kernel_vmalloc(struct kernel *kernel, uint64_t size, uint64_t *va);
enum kernel_outcome kernel_vfree(struct kernel *kernel, uint64_t va);
/* A page of the direct map, as kmalloc() gives it. */
enum kernel_outcome kernel_kmalloc(struct kernel *kernel, uint64_t *va);
enum kernel_outcome kernel_kfree(struct kernel *kernel, uint64_t va);

/* An interrupt arrives at a processor. */
enum kernel_outcome kernel_interrupt(struct kernel *kernel, unsigned cpu, int vector);

/* Kernel code follows a pointer, as pid, in kernel mode: right or wrong. */
enum kernel_outcome kernel_kernel_access(struct kernel *kernel, int pid, unsigned kind,
					 uint64_t va, uint8_t *value);

/*
 * Something goes wrong: in pid's top-level table only (0: init_mm's), the entry for va is
 * emptied, or bits of it are flipped; with PAE, in the page-middle directory, since the
 * processor does not read the top level again. The TLBs are left as they are.
 */
enum kernel_outcome kernel_hide(struct kernel *kernel, int pid, uint64_t va);
enum kernel_outcome kernel_flip(struct kernel *kernel, int pid, uint64_t va,
				uint64_t bits);

/* ---- 6. scheduler ---------------------------------------------------------------- */

/* Processor cpu goes on with pid, which was ready; 0: it idles, in the space it has. */
enum kernel_outcome kernel_switch(struct kernel *kernel, unsigned cpu, int pid);
/* pid is to run on another processor from now on. */
enum kernel_outcome kernel_migrate(struct kernel *kernel, int pid, unsigned cpu);
/*
 * In the middle of the next page fault that the kernel's own handler handles for pid, the
 * scheduler gives the processor to next, another process of the same one. pid goes on
 * with its fault when it is switched to.
 */
enum kernel_outcome kernel_preempt_in_fault(struct kernel *kernel, int pid, int next);
/* All of a processor's TLB, global pages too. */
void kernel_flush_tlb(struct kernel *kernel, unsigned cpu);

/* ---- 7. looking ------------------------------------------------------------------ */

/* Names of the image and of modules ("dtrace_page_fault"); false: there is none. */
bool kernel_symbol(const struct kernel *kernel, const char *name, uint64_t *va);

struct kernel_walk {
	uint64_t entry_va; /* direct-map address of the last entry; 0 where none */
	uint64_t entry;
	/*
	 * As Linux's lookup_address() counts: 1 a 4 KiB page, 2 a large one, 3 and more
	 * where the walk stopped short at a higher table.
	 */
	unsigned level;
	bool present;
};
/* dtrace4linux's lookup_address1(): the tables alone, no TLB. pid 0: init_mm. */
enum kernel_outcome kernel_walk(struct kernel *kernel, int pid, uint64_t va,
				struct kernel_walk *walk);

struct kernel_process {
	int pid, parent;
	const char *comm; /* until the next operation */
	uint64_t root;
	unsigned cpu;
	bool running;  /* is its processor's current task */
	bool in_fault; /* switched away in the middle of a page fault */
};
enum kernel_outcome kernel_process(const struct kernel *kernel, int pid,
				   struct kernel_process *process);
/* The pid after this one, by rising pid, 0: none. kernel_next_pid(kernel, 0) is 1. */
int kernel_next_pid(const struct kernel *kernel, int pid);
size_t kernel_processes(const struct kernel *kernel);

const struct kernel_options *kernel_options(const struct kernel *kernel);
struct machine_memory *kernel_memory(const struct kernel *kernel);
const struct machine_cpu *kernel_cpu(const struct kernel *kernel, unsigned cpu);
int kernel_current(const struct kernel *kernel, unsigned cpu); /* pid; 0: idle */

/*
 * Holds the model's own books against its memory: every table, every list, every page
 * accounted for. NULL, or what is wrong (static). What kernel_hide() and kernel_flip()
 * did is wrong.
 */
const char *kernel_check(struct kernel *kernel);

/*
 * The machine as an ELF core: a PT_LOAD of all RAM, on x86-64 one of the image too; a
 * "QEMU" note a processor, VMCOREINFO. What was never written is a hole where the stream
 * can seek. False: errno says why.
 */
bool kernel_save(struct kernel *kernel, FILE *to);

#endif
