/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of a small machine that never ran: a kernel image, a direct map, tasks in a
 * slab, an address space for each process, module memory that all see but one, and some
 * roots that are nobody's. Made by the rules of the format, not by the code under test.
 */
#ifndef TESTS_SMALL_GUEST_H
#define TESTS_SMALL_GUEST_H

#include "linux/linux.h"
#include "x86/linux.h"

#define GUEST_MEMORY (16u << 20)
#define GUEST_TASKS 64

/* The kinds that there are; NULL past the last. */
struct guest_kind {
	const char *name;
	const struct ws_format *format;
	uint64_t page_offset, image, module; /* va */
	uint64_t cpu_entry;                  /* va that PTI's user halves have too */
	bool pti;
	bool own_kernel; /* each process has kernel entries of its own */
};
const struct guest_kind *guest_kind_at(unsigned i);

/* What a test may need of a kind: on others it would look at nothing, and pass. */
enum guest_trait {
	GUEST_OWN_KERNEL = 1 << 0,
	GUEST_PTI = 1 << 1,
	GUEST_NO_PTI = 1 << 2,
	GUEST_NX = 1 << 3,
	GUEST_32_BITS = 1 << 4, /* the kernel's words */
	GUEST_64_BITS = 1 << 5,
	GUEST_I386 = 1 << 6, /* two levels, of 32-bit entries */
	GUEST_PAE = 1 << 7,
	GUEST_MOST_4_LEVELS = 1 << 8,
};

struct guest_case {
	const char *name;
	void (*test)(void **state); /* *state: the kind */
	unsigned needs;             /* enum guest_trait: all of them */
};
/* Runs every case on every kind that has what it needs, which there must be. */
int guest_run_cases(const char *group, const struct guest_case *cases, size_t n);

struct guest_task {
	uint64_t comm_va; /* the leader's */
	uint64_t mm, active_mm, root;
	uint32_t pid, ppid;
	const char *comm;
	bool kernel_thread;
	unsigned first_thread; /* in thread: of those beside the leader */
	unsigned nthreads;     /* of these */
	bool leader_exited;    /* mm and root are the threads' */
};

struct guest_thread {
	uint64_t comm_va;
	uint32_t pid;
};

/* The pieces of it, for tests to hold answers against and to do harm to; pa each. */
struct guest {
	const struct guest_kind *kind;
	unsigned word;
	uint8_t *memory;
	uint64_t next_frame, next_mm;
	uint64_t swapper, init_mm; /* init_mm: va */
	uint64_t image_pa, image_end;
	uint64_t uts;       /* init_uts_ns */
	uint64_t resources; /* "Kernel bss", and 0x40 behind it "Kernel code" */
	uint64_t vmcoreinfo;
	struct guest_task task[GUEST_TASKS]; /* in list order, init_task first */
	unsigned ntasks;
	unsigned victim; /* index in task: it does not see module memory */
	unsigned threaded, dead, user_of_mm; /* these too: one with threads; one of which
						they alone live; a kernel thread that has
						a process's mm */
	struct guest_thread thread[GUEST_TASKS];
	unsigned nthreads;
	uint64_t module_pa;
	uint64_t freed, kept, reused; /* roots without a task */
	uint64_t mem_map, list_head;  /* va */
	struct ws_target target;
};

struct guest *guest_create(const struct guest_kind *kind);
void guest_destroy(struct guest *guest);

/* A root like a process's, with a page of user mode's, that no mm names; or only what is
 * left of one, which the kernel has taken off its list. */
uint64_t guest_add_root(struct guest *guest, bool listed);

/* Takes the frame of pa out of what the target holds, as a filter leaves it out. */
void guest_leave_out(struct guest *guest, uint64_t pa);

/* Paging is on with cr3, and nothing else is known of the registers. */
void guest_set_cr3(struct guest *guest, uint64_t cr3);
/* Sets the bit in every entry, of tables and of pages. */
void guest_encrypt(struct guest *guest, uint64_t bit);
/* As a dump that has no control registers: nothing of the processor is known. */
void guest_forget_registers(struct ws_cpu *cpu);

uint64_t guest_get(const struct guest *guest, uint64_t pa);
void guest_put(struct guest *guest, uint64_t pa, uint64_t value);
void guest_put32(struct guest *guest, uint64_t pa, uint32_t value);
/* From a task's comm to its parents: x86-64's kernels have a stack canary before them. */
int32_t guest_parent_offset(const struct guest *guest);
/* By the comms of these. */
void guest_set_parents(struct guest *guest, uint64_t comm_va, uint64_t real_parent,
		       uint64_t parent);
/* The comm of a task that lives: the leader, or of a group that has lost it a thread. */
uint64_t guest_live_comm(const struct guest *guest, unsigned task);
/* pa of a va in the direct map or the image. */
uint64_t guest_pa(const struct guest *guest, uint64_t va);

/*
 * Maps one page below root; rights are the entry's low bits. Tables are made as needed.
 */
void guest_map(struct guest *guest, uint64_t root, uint64_t va, uint64_t pa,
	       uint64_t rights);
/* pa of the last level's entry for va, in tables that are now root's alone. */
uint64_t guest_own_entry(struct guest *guest, uint64_t root, uint64_t va);
/* pa of the entry for va that a process has to itself, where each has its own. */
uint64_t guest_private_entry(struct guest *guest, uint64_t root, uint64_t va);

/* Offsets of a task's fields from its comm, and of an mm's. */
#define GUEST_TASKS_OFFSET (-0x100)
#define GUEST_PID_OFFSET (-0xc0)
#define GUEST_THREADS_OFFSET (-0x90)
#define GUEST_FLAGS_OFFSET (-0x1f0)
#define GUEST_MM_OFFSET (-0xe0)
#define GUEST_PGD_OFFSET 0x48

/* The index of the space with that root; the test fails where none has it. */
uint32_t space_with_root(const struct ws_system *system, uint64_t root);

#endif
