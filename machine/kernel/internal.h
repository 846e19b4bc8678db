/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The model kernel inside. kernel.h says what it does; a file a subject:
 *
 *	layout.c      where things lie in each format: rows
 *	memory.c      words of the simulated memory, by physical and linear address
 *	pages.c       page frames: given, taken back, there or "not there"
 *	pgtable.c     entries: written, walked, copied for a new space
 *	sync.c        strategies: rows of what is done when
 *	gates.c       gates and the TSS's stack, as memory holds them
 *	boot.c        the first tables, IDT, GDT, TSS; init
 *	vmalloc.c     areas, and the tables they need
 *	process.c     fork, exec, exit
 *	mmap.c        a process's VMAs
 *	user.c        the user half of a space: copied, given back
 *	code.c        functions: their bytes, and running them where the processor stands
 *	run.c         an access, its faults, the handlers they lead to; how a machine ends
 *	fault.c       the kernel's page-fault handler, and its oops
 *	module.c      drivers: insmod, rmmod; module_code.c what their functions do
 *	syscall.c     the gate, files, nodes
 *	symbols.c     names and addresses
 *	look.c        walks, for whoever asks; what goes wrong on purpose
 *	sched.c       switches, migration
 *	say.c         what happens, in plain words
 *	linux.c       what crash tools look for, as Linux lays it out: struct page, tasks,
 *	              modules, kallsyms, VMCOREINFO: linux.h has the files
 *	core.c        the ELF core
 *	books.c       the books against the memory
 *
 * Page tables, descriptor tables, stacks and code are in the simulated memory and nowhere
 * else. What is in C structures is what a kernel's own lists would say: areas, VMAs,
 * files, free frames. Whatever was read from the simulated memory may be rubbish.
 */
#ifndef MACHINE_KERNEL_INTERNAL_H
#define MACHINE_KERNEL_INTERNAL_H

#include "machine/kernel/kernel.h"
#include "machine/x86.h"

#define PAGE MACHINE_FRAME_SIZE
#define COMM 16
#define NO_PA UINT64_MAX
#define MIB (UINT64_C(1) << 20)

/* ---- layout.c -------------------------------------------------------------------- */

/* A row a format. Everything from page_offset on is the direct map of all memory. */
struct layout {
	const char *name;
	uint64_t page_offset;
	uint64_t image; /* va of pa image_pa; on i386 a part of the direct map */
	uint64_t image_pa, image_size;
	uint64_t vmalloc_first, vmalloc_last; /* i386: above the direct map */
	uint64_t modules_first, modules_last; /* i386: the same */
	uint64_t user_first, user_last;
	uint64_t stack_size; /* of a task's kernel stack; aligned to it */
	uint64_t most_ram;
	uint8_t levels; /* of tables, PDPT included */
	uint8_t entry_size;
	uint8_t word;
	uint8_t private_level; /* of the tables whose kernel entries each space copies */
	uint8_t large_shift;   /* of the direct map's pages */
	uint16_t kernel_cs, kernel_ds, user_cs, user_ds;
	uint16_t tss, double_fault_tss; /* selectors; 0: none, it has an IST */
};

/* The row, with what depends on ram filled in; false: no kernel fits that. */
bool layout_of(enum kernel_format format, uint64_t ram, struct layout *layout);

/* ---- the host's memory ------------------------------------------------------------ */

/*
 * Zeroed; NULL where the host has no memory, which the kernel remembers: what it does
 * then is not what the simulated machine would do.
 */
void *host_allocate(struct kernel *kernel, size_t size);

/* ---- processes ------------------------------------------------------------------- */

struct vma {
	uint64_t first, last; /* pages, both included */
	unsigned protection;
	struct vma *next; /* by rising address */
};

struct open_file;

struct process {
	int pid, parent; /* the parent may be gone */
	char comm[COMM];
	uint64_t root;   /* pa of the top-level table */
	uint64_t stack;  /* va of the kernel stack's lowest byte */
	uint64_t sp;     /* of that stack, while it does not run; its top: user mode */
	uint64_t task;   /* va of its task_struct, by linux.c */
	uint64_t mm;     /* va of its mm_struct, by linux.c */
	uint64_t mapped; /* user pages it has */
	bool had_tables; /* of its user half */
	unsigned cpu;
	int preempt_next; /* whom its next fault is to give way to; 0: nobody */
	bool in_fault;    /* sp is in the middle of one */
	struct vma *vmas;
	struct open_file *files;
	struct process *next_in_hash;
	struct process *before, *after; /* by rising pid */
};

struct process *process_find(const struct kernel *kernel, int pid);
/* Whose top-level table it is; NULL: nobody's. */
struct process *process_of_root(const struct kernel *kernel, uint64_t root);

#define processes_each(kernel, p) \
	for (struct process *p = (kernel)->first_process; p; p = p->after)

/* ---- modules --------------------------------------------------------------------- */

/*
 * A module's memory: code from 0, then data, then the struct module. Its page-fault stub
 * with the data it needs is MODULE_STUB into it, or a page of the direct map of its own.
 */
enum {
	MODULE_CODE = 0,
	MODULE_DATA = 0x200,
	MODULE_STUB = 0x380,
	MODULE_BUFFER = 0x400, /* what /dev/NAME holds, up to MODULE_RECORD */
	MODULE_RECORD = 0x800, /* to the end of the page: linux.c's */
};

struct module {
	struct kernel_driver driver; /* its name is the one below */
	char name[56];
	uint64_t va, size;   /* its memory, whole pages */
	uint64_t record;     /* va of its struct module, in its memory, by linux.c */
	uint64_t stub;       /* va of its page-fault stub; 0: it has none */
	unsigned users;      /* open files */
	struct module *next; /* the newest first, as Linux has them */
};

struct module *module_find(const struct kernel *kernel, const char *name);

/* ---- symbols --------------------------------------------------------------------- */

struct symbol {
	char name[80];
	uint64_t va;
	uint32_t size;
	char type;                   /* as nm(1) has it: T, t, D, d, B, b, R, r */
	const struct module *module; /* NULL: the image's */
};

/* False: no memory. The image's come first, in the order in which they were added. */
bool symbol_add(struct kernel *kernel, const struct module *module, const char *name,
		uint64_t va, uint32_t size, char type);
const struct symbol *symbol_find(const struct kernel *kernel, const char *name);
/* What va lies in; NULL: nothing that has a size. */
const struct symbol *symbol_at(const struct kernel *kernel, uint64_t va);
const char *symbol_name(const struct kernel *kernel, uint64_t va); /* for a story */

/* ---- the kernel ------------------------------------------------------------------ */

/* What a frame is used for, as struct page is to say. */
enum page_use {
	PAGE_RESERVED, /* low memory, the image, mem_map */
	PAGE_FREE,
	PAGE_SLAB,
	PAGE_TABLE,
	PAGE_STACK,
	PAGE_KERNEL, /* vmalloc, modules */
	PAGE_USER,
	PAGE_KMALLOC,
	PAGE_USES
};

struct area; /* of vmalloc memory */
struct sync;
struct frames;

struct processor {
	struct machine_cpu cpu;
	unsigned number;
	int current;         /* pid; 0: idle */
	bool halted;         /* in the idle loop */
	unsigned interrupts; /* that are being handled */
	uint64_t idle_stack; /* va of its lowest byte */
	uint64_t gdt, tss;   /* va, in the image */
};

struct kernel {
	struct kernel_options options;
	bool host_is_short; /* kernel_host_is_short() */
	struct layout layout;
	const struct sync *sync;
	struct machine_memory *memory;
	struct processor processor[KERNEL_CPUS];
	struct kernel_ending ending;
	uint64_t root_before; /* CR3 when the last event came */

	struct frames *frames;       /* pages.c */
	uint64_t image_end;          /* va; what image_take() gives next */
	uint64_t swapper;            /* pa of swapper_pg_dir, init_top_pgt */
	uint64_t idt;                /* va */
	uint64_t irq_desc;           /* va of a word a vector: its handler, or 0 */
	uint64_t modules_operations; /* va of the file operations of /proc/modules */
	struct area *areas;          /* by rising address */

	struct process *first_process, *last_process; /* by rising pid */
	struct process **hash;
	unsigned hash_log2;
	size_t nprocesses;
	int next_pid;

	struct module *modules;
	struct symbol *symbols;
	size_t nsymbols, room_for_symbols;

	uint64_t linux_pages[PAGE_USES]; /* that linux.c took at boot, for good */

	/* What the operation under way has come to, as the handlers see it. */
	enum kernel_outcome outcome;
	int outcome_pid;           /* for whom; others may have run in between */
	const char *path;          /* of open() */
	struct module *loading;    /* of insmod and rmmod */
	struct linux_books *books; /* linux.c's own; NULL before linux_create() */
};

/* Image memory: zeroed, never given back; 0: the image is full. align: a power of two. */
uint64_t image_take(struct kernel *kernel, uint64_t size, uint64_t align);

/* ---- memory.c -------------------------------------------------------------------- */

/* size is 1, 2, 4 or 8. By physical address: what lies in holes is 0. */
uint64_t pa_get(struct kernel *kernel, uint64_t pa, unsigned size);
void pa_put(struct kernel *kernel, uint64_t pa, unsigned size, uint64_t value);
/*
 * By a kernel address, through init_mm's tables, without the processor: the kernel's
 * private work on its own data. NO_PA, nothing read, nothing written where not mapped.
 */
uint64_t va_pa(struct kernel *kernel, uint64_t va);
uint64_t va_get(struct kernel *kernel, uint64_t va, unsigned size);
void va_put(struct kernel *kernel, uint64_t va, unsigned size, uint64_t value);
void va_read(struct kernel *kernel, uint64_t va, void *buf, size_t len);
void va_write(struct kernel *kernel, uint64_t va, const void *buf, size_t len);

static inline uint64_t direct(const struct kernel *kernel, uint64_t pa)
{
	return kernel->layout.page_offset + pa;
}

/* ---- pages.c --------------------------------------------------------------------- */

bool pages_create(struct kernel *kernel);
void pages_release(struct kernel *kernel);

/*
 * Whole frames, contiguous, zeroed, aligned to n rounded up to a power of two but no more
 * than 4 MiB; 0: there are none.
 */
uint64_t pages_take(struct kernel *kernel, unsigned n, enum page_use use);
/* Frames that are free already, or reserved, stay what they are. */
void pages_give(struct kernel *kernel, uint64_t pa, unsigned n);
enum page_use pages_use(const struct kernel *kernel, uint64_t pa);
uint64_t pages_used(const struct kernel *kernel, enum page_use use);
/* NULL, or what is wrong with the lists. */
const char *pages_check(const struct kernel *kernel);
/* Somebody wrote to pa, who may not own it. */
void pages_written(struct kernel *kernel, uint64_t pa);

/* ---- pgtable.c ------------------------------------------------------------------- */

/*
 * Maps one page of 1 << shift bytes (12 or the format's large_shift) in init_mm's tables;
 * flags are the leaf's. Tables are made as needed; a top-level entry that changes is
 * the strategy's business. False: no memory.
 */
bool pgtable_map(struct kernel *kernel, uint64_t va, uint64_t pa, unsigned shift,
		 uint64_t flags);

/* ---- linux.c: what crash tools find ------------------------------------------------ */

/*
 * At boot, once the image is mapped and its symbols are known, and before there is a
 * process; frames taken earlier are in pages_use(). False: no memory.
 */
bool linux_create(struct kernel *kernel);
/* swapper/0 is 0, kthreadd is 2: both are linux.c's own, and no struct process. */
bool linux_task_add(struct kernel *kernel, struct process *process);
/* Its comm, root, parent or cpu is another now. */
void linux_task_change(struct kernel *kernel, struct process *process);
void linux_task_remove(struct kernel *kernel, struct process *process);
/* Called when the module is mapped and its code in place. */
bool linux_module_add(struct kernel *kernel, struct module *module);
void linux_module_remove(struct kernel *kernel, struct module *module);
/* A frame's struct page says what it is now. */
void linux_page(struct kernel *kernel, uint64_t pa, unsigned n, enum page_use use);
/* After the last symbol of the image was added: kallsyms, and VMCOREINFO of it all. */
bool linux_vmcoreinfo_create(struct kernel *kernel);
void linux_release(struct kernel *kernel);

#endif
