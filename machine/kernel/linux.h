/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What linux*.c share: Linux' structures, and the books of where they lie.
 *
 *	linux_layout.c      offsets and sizes: rows
 *	linux.c             tasks and their mm_structs; init_mm; resources
 *	linux_page.c        struct page, a frame each
 *	linux_module.c      struct module, and the symbols that a module keeps
 *	linux_kallsyms.c    the image's symbols
 *	linux_vmcoreinfo.c  what a dump says of all that
 */
#ifndef MACHINE_KERNEL_LINUX_H
#define MACHINE_KERNEL_LINUX_H

#include "machine/kernel/internal.h"

/* ---- linux_layout.c -------------------------------------------------------------- */

enum linux_field {
	TASK_CPU,
	TASK_STACK,
	TASK_USAGE,
	TASK_FLAGS,
	TASK_PRIO,
	TASK_TASKS,
	TASK_MM,
	TASK_ACTIVE_MM,
	TASK_PID,
	TASK_TGID,
	TASK_REAL_PARENT,
	TASK_PARENT,
	TASK_CHILDREN,
	TASK_SIBLING,
	TASK_GROUP_LEADER,
	TASK_THREAD_GROUP,
	TASK_COMM,
	MM_TASK_SIZE,
	MM_PGD,
	MM_USERS,
	MM_COUNT,
	MM_MMLIST,
	PAGE_FLAGS,
	PAGE_LRU,
	PAGE_MAPPING,
	PAGE_PRIVATE,
	PAGE_MAPCOUNT,
	PAGE_REFCOUNT,
	MODULE_STATE,
	MODULE_LIST,
	MODULE_NAME,
	MODULE_CORE_BASE,
	MODULE_CORE_SIZE,
	MODULE_TEXT_SIZE,
	MODULE_RO_SIZE,
	MODULE_KALLSYMS,
	MODULE_SYMTAB,
	MODULE_NUM_SYMTAB,
	MODULE_STRTAB,
	MODULE_TYPETAB,
	RESOURCE_START,
	RESOURCE_END,
	RESOURCE_NAME,
	SECTION_MEM_MAP,
	/* what the model does not keep, and VMCOREINFO has all the same */
	UTS_NAME,
	PAGE_COMPOUND_DTOR,
	PAGE_COMPOUND_ORDER,
	PAGE_COMPOUND_HEAD,
	LIST_NEXT,
	LIST_PREV,
	LINUX_FIELDS
};

enum linux_struct {
	TASK,
	MM,
	PAGE_STRUCT,
	MODULE,
	MOD_KALLSYMS,
	RESOURCE,
	MEM_SECTION,
	LIST_HEAD,
	UTS_NAMESPACE,
	LINUX_STRUCTS
};

/* Widths that differ: a pointer's, a physical address's. */
#define LINUX_WORD 0
#define LINUX_PHYS 1

struct linux_field_row {
	const char *name; /* as VMCOREINFO's OFFSET() has it */
	uint16_t at[3];   /* by enum kernel_format */
	uint8_t width;    /* in bytes, or one of the two above */
};
extern const struct linux_field_row linux_fields[LINUX_FIELDS];

struct linux_struct_row {
	const char *name;
	uint16_t size[3];
};
extern const struct linux_struct_row linux_structs[LINUX_STRUCTS];

uint64_t linux_offset(const struct kernel *kernel, enum linux_field field);
uint64_t linux_size(const struct kernel *kernel, enum linux_struct row);

/* A field of the structure at va. */
void linux_put(struct kernel *kernel, uint64_t va, enum linux_field field,
	       uint64_t value);
uint64_t linux_get(struct kernel *kernel, uint64_t va, enum linux_field field);

/* struct list_head, by its own va. */
void linux_list_init(struct kernel *kernel, uint64_t head);
void linux_list_add(struct kernel *kernel, uint64_t node, uint64_t head);
void linux_list_add_tail(struct kernel *kernel, uint64_t node, uint64_t head);
void linux_list_del(struct kernel *kernel, uint64_t node);
uint64_t linux_list_next(struct kernel *kernel, uint64_t node);

/* ---- the books -------------------------------------------------------------------- */

/*
 * Free objects of one size, linked by their first word, in pages that are never given
 * back.
 */
struct linux_cache {
	enum linux_struct kind;
	uint64_t free; /* va of the first; 0: none */
};

/* Owned by the kernel; va each but for vmcoreinfo. */
struct linux_books {
	struct linux_cache tasks, mms;
	uint64_t init_task, kthreadd, init_mm;
	uint64_t anon_vma; /* one for all user pages: there is no reverse map */
	uint64_t modules;  /* the list's head */
	uint64_t pgd_list; /* the same */
	uint64_t mem_map;  /* struct page of pa 0 */
	uint64_t mem_map_pointer, mem_section; /* i386 has the one, x86-64 the other */
	uint64_t vmcoreinfo;                   /* pa of its page */
};

/* Image memory with a name, zeroed; 0: no memory. */
uint64_t linux_variable(struct kernel *kernel, const char *name, uint64_t size);

/* va of the struct page of pa's frame. */
uint64_t linux_page_of(const struct kernel *kernel, uint64_t pa);
bool linux_pages_create(struct kernel *kernel);
bool linux_modules_create(struct kernel *kernel);

/* Offsets into kallsyms, a table each. */
struct linux_kallsyms {
	long offsets, base, num, names, token_table, token_index;
};
/* va of the tables, of all symbols there are; 0: no memory. */
uint64_t linux_kallsyms_create(struct kernel *kernel, struct linux_kallsyms *tables);

#endif
