/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is there: what the kernel's own data structures say, found in memory without
 * symbols and without knowledge of versions.
 *
 * ws_system_open() goes this way, a file a step:
 *
 *	kread.c       how all of them read kernel memory; unsure.c what they note
 *	vmcoreinfo.c  what the kernel itself put down for crash tools; fit.c whether a text
 *		      is of this boot, texts.c which of those that were found
 *	encryption.c  the bit of entries that is no address bit
 *	layout.c      a first root that holds together, and PAGE_OFFSET by it; census.c
 *	              what a root maps, summed up
 *	candidates.c  another way to one, where no register or note leads to it
 *	scan.c        one pass over all memory: names, VMCOREINFO text, every root
 *	root_table.c  how its table is laid out; roots.c what a root looks like; consensus.c the majority of all of them
 *	image.c       the kernel image; resources.c what the kernel itself says of where
 *		      it lies
 *	swapper.c     init_mm's own table in it
 *	tasks.c       the task list; fields.c where a task's fields lie; threads.c the
 *	              threads behind each leader
 *	owners.c      whom the list does not lead to, found from the roots up;
 *		      mm_owner.c by what an mm says of its owner; cpu_tasks.c by the
 *		      stacks that processors run on, loaded_mms.c whose root they have
 *	pages.c       struct page: which roots lie in freed pages
 *	present.c     both, until it holds, on a machine that runs on; roll_call.c held
 *	              against whom the kernel names itself
 *	spaces.c      roots x tasks -> spaces; user_halves.c their second roots;
 *		      special.c what the kernel has a root for that is no task's
 *	regime.c      which root translates which addresses
 *	parents.c     who forked whom
 *	recognise.c   whether all that is a Linux with processes
 *
 * and these when first asked:
 *
 *	weigh.c       what the tables of a space weigh
 *	modules.c     the module list; module_regions.c where each one's memory lies
 *	symbols.c     questions of names and addresses; symtab.c the table behind them,
 *	              which is filled from all of these sources:
 *	kallsyms.c    the kernel's own table; kallsyms_search.c finds it by its shape,
 *		      kallsyms_order.c says what of it is believed, kallsyms_tables.c
 *		      what an entry of it says
 *	modsyms.c     the tables of modules
 *	sysmap.c      System.map; vmlinux.c an ELF kernel; map_merge.c says whether such a
 *	              file is of this kernel, and how far KASLR has moved it
 *	members.c     what types say against what was found: btf.c in memory (amd64),
 *	              dwarf.c in a file
 *	cpu_states.c  what runs on each processor
 *	log.c         the kernel's log; log.h names the files for each form of it
 *	search.c      how those that look for a shape get at memory
 */
#ifndef WS_LINUX_LINUX_H
#define WS_LINUX_LINUX_H

#include "arch/arch.h"
#include "context.h"
#include "paging/format.h"
#include "target/target.h"
#include "util/reference.h"
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

struct ws_symtab;    /* symtab.h */
struct ws_members;   /* members.h */
struct ws_log_store; /* log.h */

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

/* The table that was peeked at last: who finds it there goes into it next. */
struct ws_peeked {
	uint64_t tag; /* 0: none; else its pa | 1 */
	uint8_t frame[WS_FRAME_SIZE];
};

/* What a processor runs: the task whose comm lies there; 0: not known. */
struct ws_current {
	uint64_t comm_va;
};

/* An mm that the target lacks, and the root that a processor in it has loaded. */
struct ws_loaded_mm {
	uint64_t mm, root;
	uint32_t cpu;
	bool disputed; /* by another processor */
};

/* A root that the kernel has for a purpose of its own (special.h). */
struct ws_special_found {
	const struct ws_special_root *row;
	uint64_t root;
	uint32_t space;          /* WS_NO_SPACE: it is none of those that were found */
	bool known;              /* false: it is there, and where was not found */
	struct ws_paging paging; /* by which its tables are read */
};

struct ws_system {
	struct ws_context *ctx;
	struct ws_target *target;         /* not owned */
	struct ws_system_options options; /* its strings are the system's own copies */
	const struct ws_format
		*format;            /* paging's, as it is written down; NULL: unknown */
	struct ws_format encrypted; /* the same without the encryption bit */
	struct ws_attribute encryption; /* that bit; 0: none */
	struct ws_attribute inferred; /* what only memory shows it to be: encryption.c */
	size_t inferred_entries;      /* by so many that lead to tables; 0: being tried */
	uint64_t likely_bit;          /* candidates.c: tables of a root's shape have it */
	bool two_kinds;               /* and others have not; both hold together */
	struct ws_paging paging;
	struct ws_regime regime; /* zeros: a space's root translates all */
	struct ws_layout layout;
	struct ws_finds finds;
	char *vmcoreinfo;   /* from the note or from RAM; NULL: neither */
	uint8_t *consensus; /* WS_CONSENSUS_FRAMES synthetic tables; NULL: none */
	/* init_mm's: the reference, or what it needs is not in the target. */
	bool init_known;
	uint64_t init_root;
	uint64_t image_sure; /* the image reaches so far, and to image_last at most */
	bool image_named;    /* the kernel's own resources say where its image lies */
	struct ws_kernel_page *kernel_pages; /* WS_KERNEL_PAGES of them */
	struct ws_peeked peeked;
	struct ws_task_fields fields;
	ws_pa_vec roots;   /* every root found, sorted */
	ws_pa_vec damaged; /* those of them whose table does not look like one */
	/* candidates.c: tables of a root's shape, and the words that vote for an offset */
	size_t shapes;
	uint64_t self_pointers, likely_offset;
	bool layout_by_image; /* the root was seen to map an image, not itself */
	WS_VEC(struct ws_task) tasks;
	WS_VEC(struct ws_current) current; /* one a processor, or none at all */
	WS_VEC(struct ws_loaded_mm) loaded_mms;
	bool leaves_out;    /* audits run without what nothing else rests on */
	bool tasks_partial; /* the task list was cut, or: */
	bool has_users;     /* a root of no task, which counts, maps user memory */
	bool no_task_list;  /* it was not found, and tasks by other ways */
	WS_VEC(struct ws_space) spaces;
	uint32_t *owners; /* the tgids that they point at */
	WS_VEC(struct ws_special_found) specials;
	bool specials_done;
	WS_VEC(struct ws_extent)
	ram; /* by the kernel's own map (memory_map.c); none: not known */
	bool has_read_ram;
	uint32_t own_pid; /* of a running kernel: whose process this is; 0: not known */
	struct ws_scale *scale; /* weigh.c; NULL until asked for */
	WS_VEC(struct ws_kernel_region)
	regions; /* region.c; the direct map first, none until asked for */
	WS_VEC(struct ws_module) modules;
	struct ws_module_fields module_fields;
	bool modules_done;
	bool modules_partial;     /* some may lie in what is not in the target */
	bool modules_sought;      /* none was found, though all that is there was seen; */
	uint64_t modules_absent;  /* bytes of where they may lie that are not in it */
	struct ws_symtab *symtab; /* kernel and modules, NULL until asked for */
	struct ws_symtab *hints;  /* hints.c; NULL: none */
	uint64_t hints_shift;     /* how far memory has them from where they say */
	struct ws_members *members; /* what types say, NULL until asked for */
	struct ws_log_store *log;   /* NULL until asked for */
	WS_VEC(char *) notes;
};

/* What Linux is like there: by the format in which memory is walked. */
static inline const struct ws_arch_linux *ws_on_linux(const struct ws_system *system)
{
	return ws_arch_of(system->paging.format)->on_linux;
}
static inline const struct ws_linux_layout *ws_linux_row(const struct ws_system *system)
{
	return ws_linux_layout_of(system->paging.format);
}

/* Puts down something the inference is not sure of. */
void ws_note(struct ws_system *system, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A table's entry, however it is stored; table: the frame with that entry, or a smaller
 * table in one.
 */
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
/* Looks at [va, va + len), for a capture. */
void ws_kernel_tour(struct ws_system *system, uint64_t va, uint64_t len);
bool ws_in_image(const struct ws_system *system, uint64_t va);
bool ws_is_kernel_va(const struct ws_system *system, uint64_t va);

/* The highest address that a long of this kernel holds. */
static inline uint64_t ws_last_va(const struct ws_system *system)
{
	return ~UINT64_C(0) >> (64 - 8 * system->layout.word);
}

/* Where the direct map has a frame or byte of memory, and the other way about. */
static inline uint64_t ws_direct_va(const struct ws_system *system, uint64_t pa)
{
	return pa + system->layout.direct_delta;
}
static inline uint64_t ws_direct_pa(const struct ws_system *system, uint64_t va)
{
	return va - system->layout.direct_delta;
}

/*
 * VMCOREINFO's SYMBOL(name)=, OFFSET(name)=, SIZE(name)=, NUMBER(name)=, LENGTH(name)=
 * (Documentation/admin-guide/kdump/vmcoreinfo.rst). kind is "SYMBOL" and so on.
 */
bool ws_vmcoreinfo(const struct ws_system *system, const char *kind, const char *name,
		   uint64_t *value);
enum ws_frame_there ws_frame_there(struct ws_system *system, uint64_t pa);
/* Where a variable lies, by VMCOREINFO or by the tables of symbols; 0: not known. */
uint64_t ws_variable(struct ws_system *system, const char *name);
/* A line "CONFIG_X86_PAE=y" or "OSRELEASE=...": the text after '=', its length in *n. */
const char *ws_vmcoreinfo_line(const struct ws_system *system, const char *key,
			       size_t *n);

/*
 * Called with a mapped frame of kernel memory; it is valid during the call only. NULL:
 * the target does not hold it (WS_SEARCH_ABSENT).
 */
typedef bool ws_search_fn(void *arg, uint64_t va, const uint8_t *frame);

enum ws_search_flags {
	WS_SEARCH_NO_DIRECT_MAP = 1 << 0,
	WS_SEARCH_CONSTANTS = 1 << 1, /* only what is neither written nor executed */
	WS_SEARCH_ABSENT = 1 << 2,    /* frames that the target lacks as well */
	WS_SEARCH_NO_HOLES = 1 << 3,  /* no zeroes that lie in a hole of the file */
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
/* Which bits may be it where nothing says it: those beyond all memory. 0: it is known. */
uint64_t ws_encryption_bits(const struct ws_system *system);
/* The one of these that all present entries of a frame have, and no other; 0: none. */
uint64_t ws_encryption_of(const struct ws_format *format, const uint8_t *frame,
			  uint64_t bits);
/* Memory is walked without that bit, until it is 0. */
void ws_encryption_try(struct ws_system *system, uint64_t bit);
/* Takes the bit that is tried, if many entries below root agree and none disagrees. */
enum ws_status ws_encryption_take(struct ws_system *system, uint64_t root,
				  bool *taken) WS_MUST_CHECK;
uint8_t ws_encryption_number(const struct ws_system *system);
void ws_encryption_note(struct ws_system *system);

/* Takes the text in the frame at pa as the system's VMCOREINFO. */
enum ws_status ws_vmcoreinfo_take(struct ws_system *system, uint64_t pa) WS_MUST_CHECK;
void ws_vmcoreinfo_drop(struct ws_system *system);
/* The paging format it names; NULL: none. */
const struct ws_format *ws_vmcoreinfo_format(const struct ws_system *system);
/* The root of its swapper_pg_dir, which must map itself where the text says it lies. */
enum ws_fit ws_vmcoreinfo_root(struct ws_system *system, uint64_t *root);
/* The same, where it fits. */
bool ws_vmcoreinfo_swapper(struct ws_system *system, uint64_t *root);
/* By all that can be held against memory; *why, in words, where it does not fit. */
enum ws_fit ws_vmcoreinfo_fit(struct ws_system *system, const char **why);

/*
 * What the walk's own reading gives for the frame of pa, in scratch if it is not kept: for
 * tables that are looked at once, of which there are as many as processes have memory.
 */
enum ws_evidence ws_peek_table(struct ws_system *system, uint64_t pa,
			       uint8_t scratch[WS_FRAME_SIZE],
			       const uint8_t **frame) WS_MUST_CHECK;

/* Memory is read from the target; what it is walked by is set later. */
void ws_reading_begin(struct ws_system *system);
/* Whether an audit runs, to which what was overwritten is no table. */
void ws_doubt_tables(struct ws_system *system, bool doubts);
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
/* A root that the caller gives: cut to what CR3 holds it would be another place. And a
 * bit of encrypted memory. */
enum ws_status ws_check_given(const struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_find_layout(struct ws_system *system) WS_MUST_CHECK;
/*
 * The same by a pass over memory, for a root that holds together, whoever's it is; and
 * the note that says so. Nothing is looked for beside a root that the caller has given.
 */
enum ws_status ws_search_layout(struct ws_system *system) WS_MUST_CHECK;
/* How many tables in memory map themselves, in the format that is set; it adopts none. */
enum ws_status ws_search_roots(struct ws_system *system, size_t *n) WS_MUST_CHECK;
/* Whether what is known of all processors says that none has come as far as paging. */
bool ws_paging_is_off(const struct ws_target *target);
void ws_layout_note(struct ws_system *system);
/*
 * Looks at enough of the words that the pass went by, so that a capture of it has them.
 */
void ws_search_tour(struct ws_system *system);
enum ws_status ws_layout_refuse(struct ws_system *system) WS_MUST_CHECK;
/* One pass: finds, and roots as soon as a layout is known. */
enum ws_status ws_find_scan(struct ws_system *system) WS_MUST_CHECK;
/*
 * The dump's note if it fits, or else of the texts that the pass found the one that does.
 */
enum ws_status ws_find_vmcoreinfo(struct ws_system *system) WS_MUST_CHECK;
/* init_mm's own table, or the consensus of all roots; and the image. */
enum ws_status ws_find_reference(struct ws_system *system) WS_MUST_CHECK;
/* Those that processors run on and the target does not hold: tasks are known by roots. */
enum ws_status ws_add_loaded_roots(struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_find_tasks(struct ws_system *system) WS_MUST_CHECK;
enum ws_status ws_find_spaces(struct ws_system *system) WS_MUST_CHECK;
/* Both, until what they find holds. */
enum ws_status ws_find_who(struct ws_system *system) WS_MUST_CHECK;
/* Whether memory says now of a task what it said: its pid, and its mm. */
bool ws_task_stands(struct ws_system *system, const struct ws_task *task);
/* Whether what lies at a root looks like one, as memory is now. */
bool ws_root_fits_now(struct ws_system *system, uint64_t root);
/* Of a moving target: what is looked at from now on is read again. */
void ws_system_forget(struct ws_system *system);
/* How addresses are translated. WS_ERR_USAGE: not as options.regime says. */
enum ws_status ws_find_regime(struct ws_system *system) WS_MUST_CHECK;
/* The regime with that name; false: its registers do not decide. */
bool ws_regime_of_named(const struct ws_system *system, const struct ws_named_regime *row,
			struct ws_regime *regime);
/* What a root is the eye of in a regime, or in the system's; init: that of init_mm. */
void ws_regime_eye(const struct ws_system *system, const struct ws_regime *regime,
		   uint64_t root, bool init, struct ws_eye *eye);
void ws_root_eye(const struct ws_system *system, uint64_t root, bool init,
		 struct ws_eye *eye);
/* Whether the space's own root translates some address of [first, last]. */
bool ws_is_of_space(const struct ws_system *system, uint64_t first, uint64_t last);
/* One walk through a space's eye. */
void ws_space_walk(const struct ws_system *system, const struct ws_space *space,
		   uint64_t va, struct ws_trail *trail);
/* ppid of every task, once all are known. What is not found stays WS_NO_PID. */
enum ws_status ws_find_parents(struct ws_system *system) WS_MUST_CHECK;
/* WS_ERR_NOT_FOUND, with words: this is no Linux that runs processes. */
enum ws_status ws_recognise(struct ws_system *system) WS_MUST_CHECK;
void ws_scale_free(struct ws_scale *scale);
void ws_log_free(struct ws_log_store *log);

/*
 * Loads every symbol that memory and the files in options have, once; called by the
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
