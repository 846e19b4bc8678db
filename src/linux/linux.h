/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is there: what the kernel's own data structures say, found in memory without
 * symbols and without knowledge of versions.
 *
 * ws_system_open() goes this way, a file a step:
 *
 *	vmcoreinfo.c  what the kernel itself put down for crash tools; fit.c whether a text
 *		      is of this boot
 *	encryption.c  the bit of entries that is no address bit
 *	layout.c      a first root that holds together, and PAGE_OFFSET by it; census.c
 *	              what a root maps, summed up
 *	scan.c        one pass over all memory: names, VMCOREINFO text, every root
 *	roots.c       what a root looks like; consensus.c the majority of all of them
 *	image.c       the kernel image, and init_mm's own table in it: the reference;
 *		      resources.c what the kernel itself says of where its image lies
 *	tasks.c       the task list; fields.c where a task's fields lie; threads.c the
 *	              threads behind each leader
 *	owners.c      whom the list does not lead to, found from the roots up
 *	pages.c       struct page: which roots lie in freed pages
 *	spaces.c      roots x tasks -> spaces; pti.c their user halves
 *	recognise.c   whether all that is a Linux with processes
 *
 * and these when first asked:
 *
 *	weigh.c       what the tables of a space weigh
 *	modules.c     the module list; module_regions.c where each one's memory lies
 *	symbols.c     questions of names and addresses; symtab.c the table behind them,
 *	              which is filled from all of these sources:
 *	kallsyms.c    the kernel's own table; kallsyms_search.c finds it by its shape
 *	modsyms.c     the tables of modules
 *	sysmap.c      System.map; vmlinux.c an ELF kernel; map_merge.c says whether such a
 *	              file is of this kernel, and how far KASLR has moved it
 *	members.c     what types say against what was found: btf.c in memory (amd64),
 *	              dwarf.c in a file
 *	search.c      how the three that look for a shape get at memory
 */
#ifndef WS_LINUX_LINUX_H
#define WS_LINUX_LINUX_H

#include "context.h"
#include "paging/format.h"
#include "target/target.h"
#include "util/vec.h"
#include "whosees.h"

typedef WS_VEC(uint64_t) ws_pa_vec;

/*
 * What one pass over all memory found; sorted. Once discovery is done, only those that it
 * rests on: init_task's name, and the text that was taken, if one was.
 */
struct ws_finds {
	ws_pa_vec idle_names; /* 16 bytes "swapper/0" or "swapper", zero-padded */
	ws_pa_vec vmcoreinfo; /* text that begins with "OSRELEASE=" */
	bool words_done;
};

struct ws_symtab;  /* symtab.h */
struct ws_members; /* members.h */

/* Offsets in struct module, found by evidence; 0: not found. */
struct ws_module_fields {
	uint32_t regions;  /* the first region: its base */
	uint32_t size;     /* from a region's base to its size */
	uint32_t stride;   /* from a region to the next */
	uint32_t nregions; /* 0 where regions were not found */
	uint32_t kallsyms; /* struct mod_kallsyms core_kallsyms */
};

/* Offsets from a task's comm to its other fields; WS_NO_FIELD: not found. */
#define WS_NO_FIELD INT32_MIN
struct ws_task_fields {
	int32_t tasks, threads; /* list_heads: of all leaders, of a group's threads */
	int32_t pid, tgid, flags, mm, active_mm;
	int32_t mm_pgd;      /* from mm_struct's start */
	int32_t first, last; /* words at other offsets are no task's, but a neighbour's */
};

/* One translation through the reference, kept. tag 0: empty; else the page's va | 1. */
struct ws_kernel_page {
	uint64_t tag;
	const uint8_t *frame;
	uint8_t evidence; /* enum ws_evidence */
};
#define WS_KERNEL_PAGES 2048

struct ws_system {
	struct ws_context *ctx;
	struct ws_target *target;         /* not owned */
	struct ws_system_options options; /* its strings are the system's own copies */
	const struct ws_format
		*format;            /* paging's, as it is written down; NULL: unknown */
	struct ws_format encrypted; /* the same without the encryption bit */
	uint64_t encryption;        /* that bit; 0: none */
	struct ws_paging paging;
	struct ws_layout layout;
	struct ws_finds finds;
	char *vmcoreinfo;   /* from the note or from RAM; NULL: neither */
	uint8_t *consensus; /* WS_CONSENSUS_FRAMES synthetic tables; NULL: none */
	bool image_named;   /* the kernel's own resources say where its image lies */
	struct ws_kernel_page *kernel_pages; /* WS_KERNEL_PAGES of them */
	struct ws_task_fields fields;
	ws_pa_vec roots; /* every root found, sorted */
	WS_VEC(struct ws_task) tasks;
	bool tasks_partial; /* the task list was cut, or: */
	bool no_task_list;  /* it was not found, and tasks by other ways */
	WS_VEC(struct ws_space) spaces;
	uint32_t *owners;       /* the tgids that they point at */
	struct ws_scale *scale; /* weigh.c; NULL until asked for */
	WS_VEC(struct ws_module) modules;
	struct ws_module_fields module_fields;
	bool modules_done;
	bool modules_partial;     /* tables of where modules lie are not in the target */
	struct ws_symtab *symtab; /* kernel and modules, NULL until asked for */
	struct ws_symtab *hints;  /* hints.c; NULL: none */
	uint64_t hints_shift;     /* how far memory has them from where they say */
	struct ws_members *members; /* what types say, NULL until asked for */
	WS_VEC(char *) notes;
};

/* Whether user mode runs in it, or with PTI in its user half. */
static inline bool ws_is_of_processes(const struct ws_space *space)
{
	return space->kind == WS_SPACE_PROCESS || space->kind == WS_SPACE_UNOWNED;
}

/* x86-64: the kernel image's va, less its pa and phys_base (__START_KERNEL_map). */
#define WS_KERNEL_MAP UINT64_C(0xffffffff80000000)

/*
 * The pa under which a synthetic consensus root answers. It survives every format's
 * root mask, and no page table lies there: a PC's reset vector does. The frames below
 * it are the kernel PMDs that a PAE consensus may need: at most four PDPTEs, and one
 * that leads to user memory needs none.
 */
#define WS_CONSENSUS_ROOT UINT64_C(0xfffff000)
#define WS_CONSENSUS_FRAMES 4

/* Puts down something the inference is not sure of. */
void ws_note(struct ws_system *system, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A table's entry, however it is stored; a frame need not be that of a root. */
static inline uint64_t ws_entry(const struct ws_system *system, const uint8_t *table,
				unsigned index)
{
	uint8_t log2 = system->paging.format->entry_log2;

	return ws_load_entry(table, (uint64_t)index << log2, log2);
}

/*
 * Kernel words and pointers, by init_mm's page tables; 0 where not WS_READ. Who goes on
 * after another answer says what is then unknown: "not mapped" alone was read.
 */
enum ws_evidence ws_kernel_u32(struct ws_system *system, uint64_t va,
			       uint32_t *value) WS_MUST_CHECK;
enum ws_evidence ws_kernel_word(struct ws_system *system, uint64_t va,
				uint64_t *value) WS_MUST_CHECK;
/* The pa that the reference root gives a kernel va. */
enum ws_evidence ws_kernel_translate(struct ws_system *system, uint64_t va,
				     uint64_t *pa) WS_MUST_CHECK;
/* The frame behind a kernel va; NULL where not WS_READ. */
enum ws_evidence ws_kernel_frame(struct ws_system *system, uint64_t va,
				 const uint8_t **frame) WS_MUST_CHECK;
/*
 * Whether some byte of kernel memory at [va, va + len), or a table on the way there, is
 * not in the target, and the first such frame. False too where it is read or not mapped.
 */
bool ws_kernel_absent(struct ws_system *system, uint64_t va, uint64_t len, uint64_t *pa);
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

/* Told a mapped frame of kernel memory; it is valid during the call only. */
typedef bool ws_search_fn(void *arg, uint64_t va, const uint8_t *frame);

enum ws_search_flags {
	WS_SEARCH_NO_DIRECT_MAP = 1 << 0,
	WS_SEARCH_CONSTANTS = 1 << 1, /* only what is neither written nor executed */
};

/*
 * Every frame that the reference maps in [first, last], in order, until fn returns
 * false. A search looks at far more than it finds: it neither keeps frames nor records
 * them as what answers rest on.
 */
enum ws_status ws_search(struct ws_system *system, uint64_t first, uint64_t last,
			 unsigned flags, ws_search_fn *fn, void *arg) WS_MUST_CHECK;
/* Copies kernel memory in the same way, what there is of it. va: of a frame. */
enum ws_status ws_search_copy(struct ws_system *system, uint64_t va, uint8_t *bytes,
			      size_t len) WS_MUST_CHECK;

/*
 * The va of every place in [first, last] where the needle's bytes (at most 32) lie, in
 * order but for those astride two frames; at most max of them.
 */
enum ws_status ws_search_bytes(struct ws_system *system, uint64_t first, uint64_t last,
			       const uint8_t *needle, size_t len, uint64_t *hits,
			       unsigned max, unsigned *n) WS_MUST_CHECK;

/*
 * From now on memory is walked in that format (NULL: unknown), less the bit of its
 * addresses that an AMD processor encrypts memory by, where there is one.
 */
void ws_set_format(struct ws_system *system, const struct ws_format *format);

/* Takes the text in the frame at pa as the system's VMCOREINFO. */
enum ws_status ws_vmcoreinfo_take(struct ws_system *system, uint64_t pa) WS_MUST_CHECK;
void ws_vmcoreinfo_drop(struct ws_system *system);
/* The paging format it tells of; NULL: none. */
const struct ws_format *ws_vmcoreinfo_format(const struct ws_system *system);
/*
 * Whether a text is of this boot: it says so itself in what it says of memory, and memory
 * that the dump does not hold says nothing.
 */
enum ws_fit {
	WS_FIT_UNKNOWN,
	WS_FITS,
	WS_MISFITS,
};
/* The root of its swapper_pg_dir, which must map itself where the text says it lies. */
enum ws_fit ws_vmcoreinfo_root(struct ws_system *system, uint64_t *root);
/* The same, where it fits. */
bool ws_vmcoreinfo_swapper(struct ws_system *system, uint64_t *root);
/* By all that can be held against memory; *why, in words, where it does not fit. */
enum ws_fit ws_vmcoreinfo_fit(struct ws_system *system, const char **why);

/* From now on kernel memory is read through root. */
void ws_set_reference(struct ws_system *system, uint64_t root);

/*
 * Between the two the target's recorder rests: who searches looks at much that answers do
 * not rest on, a user's memory among it, which must not get into a capture.
 */
uint8_t *ws_search_begin(struct ws_system *system);
void ws_search_end(struct ws_system *system, uint8_t *recorder);

/*
 * A first root, as the reference, and PAGE_OFFSET. WS_ERR_NOT_FOUND, without a message:
 * nothing that is known so far leads to one; ws_layout_refuse() then says what is known.
 */
enum ws_status ws_find_layout(struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_layout_refuse(struct ws_system *system) WS_MUST_CHECK;
/* One pass: finds, and roots as soon as a layout is known. */
enum ws_status ws_find_scan(struct ws_system *system) WS_MUST_CHECK;
/*
 * The dump's note if it fits, or else of the texts that the pass found the one that does.
 */
enum ws_status ws_find_vmcoreinfo(struct ws_system *system) WS_MUST_CHECK;
/* init_mm's own table, or the consensus of all roots; and the image. */
enum ws_status ws_find_reference(struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_find_tasks(struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_find_spaces(struct ws_system *system) WS_MUST_CHECK;
/* WS_ERR_NOT_FOUND, with words: this is no Linux that runs processes. */
enum ws_status ws_recognise(struct ws_system *system) WS_MUST_CHECK;
void ws_scale_free(struct ws_scale *scale);

/*
 * Loads every symbol that memory and the files in options tell of, once; called by the
 * first lookup, and by ws_system_open() when a file is given, so that a file of another
 * kernel is refused at once. Memory without symbols is no failure.
 */
enum ws_status ws_symbols_load(struct ws_system *system) WS_MUST_CHECK;
void ws_symbols_release(struct ws_system *system); /* symtab and members */

/*
 * Holds the offsets in fields against those that the kernel's own BTF, or the DWARF of
 * options.vmlinux, gives; what differs becomes a note. Called once tasks are known.
 */
enum ws_status ws_cross_check_tasks(struct ws_system *system) WS_MUST_CHECK;

#endif
