/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is there: what the kernel's own data structures say, found in memory without
 * symbols and without knowledge of versions.
 *
 * ws_system_open() goes this way, a file a step:
 *
 *	scan.c        one pass over all memory: names, VMCOREINFO text, likely roots
 *	vmcoreinfo.c  what the kernel itself put down for crash tools
 *	layout.c      the reference root, PAGE_OFFSET, the kernel image
 *	roots.c       every root, and the consensus where init_mm is not known
 *	tasks.c       the task list, and where its fields lie
 *	spaces.c      roots x tasks -> spaces, freed ones told apart
 *
 * and these when first asked:
 *
 *	modules.c     the module list and its regions
 *	kallsyms.c    the kernel's symbol table; modsyms.c those of modules
 *	btf.c         types, where the kernel carries them (amd64)
 *	symbols.c     System.map and vmlinux, for those who have them
 */
#ifndef WS_LINUX_LINUX_H
#define WS_LINUX_LINUX_H

#include "context.h"
#include "target/target.h"
#include "util/vec.h"
#include "whosees.h"

/* What one pass over all memory found; pa each. Owned by the system. */
struct ws_finds {
	WS_VEC(uint64_t) idle_names; /* 16 bytes "swapper/0" or "swapper", zero-padded */
	WS_VEC(uint64_t) vmcoreinfo; /* text "OSRELEASE=" at the start of a frame */
};

struct ws_symtab; /* symbols.c: sorted by va and hashed by name */

/* Offsets from a task's comm to its other fields; -1-based absence is WS_NO_FIELD. */
#define WS_NO_FIELD INT32_MIN
struct ws_task_fields {
	int32_t tasks, pid, mm, active_mm;
	int32_t mm_pgd; /* from mm_struct's start */
};

struct ws_system {
	struct ws_context *ctx;
	struct ws_target *target; /* not owned */
	struct ws_system_options options;
	struct ws_paging paging;
	struct ws_layout layout;
	struct ws_finds finds;
	char *vmcoreinfo;         /* from the note or from RAM; NULL: neither */
	uint8_t *consensus_frame; /* the root at WS_CONSENSUS_ROOT, when synthetic */
	struct ws_task_fields fields;
	WS_VEC(uint64_t) roots; /* every root found, sorted */
	WS_VEC(struct ws_task) tasks;
	WS_VEC(struct ws_space) spaces;
	WS_VEC(struct ws_module) modules;
	bool modules_done;
	struct ws_symtab *symtab; /* kernel and modules, NULL until asked for */
	WS_VEC(char *) notes;
};

/*
 * The pa under which a synthetic consensus root answers. It survives every format's
 * root mask, and no page table lies there: a PC's reset vector does.
 */
#define WS_CONSENSUS_ROOT UINT64_C(0xfffff000)

/* Puts down something the inference is not sure of. */
void ws_note(struct ws_system *system, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Kernel words and pointers, through init_mm's eyes; false where not mapped. */
bool ws_kread32(struct ws_system *system, uint64_t va, uint32_t *value);
bool ws_kread_word(struct ws_system *system, uint64_t va, uint64_t *value);
/* The pa that the reference root gives a kernel va. */
bool ws_kernel_pa(struct ws_system *system, uint64_t va, uint64_t *pa);
/* The frame behind a kernel va, or NULL. */
const uint8_t *ws_kernel_frame(struct ws_system *system, uint64_t va);
bool ws_in_image(const struct ws_system *system, uint64_t va);
bool ws_is_kernel_va(const struct ws_system *system, uint64_t va);

/*
 * VMCOREINFO's SYMBOL(name)=, OFFSET(name)=, SIZE(name)=, NUMBER(name)=, LENGTH(name)=
 * (Documentation/admin-guide/kdump/vmcoreinfo.rst). kind is "SYMBOL" and so on.
 */
bool ws_vmcoreinfo(const struct ws_system *system, const char *kind, const char *name,
		   uint64_t *value);
/* A line "CONFIG_X86_PAE=y" or "OSRELEASE=...": the text after '=', its length in *n. */
const char *ws_vmcoreinfo_line(const struct ws_system *system, const char *key,
			       size_t *n);

enum ws_status ws_find_scan(struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_find_vmcoreinfo(struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_find_layout(struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_find_roots(struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_find_tasks(struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_find_spaces(struct ws_system *system) WS_MUST_CHECK;

/* One more symbol; name is copied. module: index into system->modules, or -1. */
enum ws_status ws_symtab_add(struct ws_symtab *symtab, uint64_t va, char type,
			     const char *name, int module) WS_MUST_CHECK;
/* The kernel's symbols out of its own kallsyms tables; WS_ERR_NOT_FOUND: none there. */
enum ws_status ws_kallsyms_load(struct ws_system *system,
				struct ws_symtab *symtab) WS_MUST_CHECK;
/* The symbols that loaded modules keep (struct mod_kallsyms). */
enum ws_status ws_module_symbols_load(struct ws_system *system,
				      struct ws_symtab *symtab) WS_MUST_CHECK;

#endif
