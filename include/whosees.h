/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * whosees: which address spaces can see a kernel address, which cannot, and why.
 *
 * The only public header, in reading order:
 *
 *   1. status and errors      what every call returns, and where its words are
 *   2. formats                what page tables look like, and the rights they give
 *   3. walks                  one address through the tables: a trail
 *   4. ranges                 what a processor would refuse; many addresses: runs
 *   5. eyes                   which root for which addresses: two, perhaps
 *   6. targets                where physical memory comes from
 *   7. kinds of target        what a target may be
 *   8. memory                 what a target holds of it
 *   9. registers              processors, and what dumps say of themselves
 *  10. systems                who is there, found in memory
 *  11. regimes                which registers decide what a root maps
 *  12. spaces                 address spaces, and whose they are
 *  13. tasks                  processes and kernel threads, and what their tables weigh
 *  14. modules and symbols    names, and what lies at an address
 *  15. probe                  spaces x addresses -> outcomes
 *  16. capture                a small dump with only what the answers rest on
 *  17. rules                  what an audit looks for, and what it comes to
 *  18. audit                  every divergence, and a verdict for each space
 *  19. lacks and needs        what was not read, and the fault path
 *  20. module files           where the handlers of a .ko would land
 *  21. what-if: the question  a fault delivered in a space
 *  22. what-if: the end       what becomes of it
 *  23. what-if: the story     all that is told of it
 *  24. what-if: memory        the machine that it is asked of, and what it has overwritten
 *  25. the kernel's log       printk's records, from memory
 *  26. traces of a death      what exceptions leave in memory
 *  27. autopsy                why a machine died, by these
 *  28. frames                 what physical memory is used for
 *  29. who maps frames        page tables, the other way about
 *  30. processors             what runs on them, and where they enter the kernel
 *  31. stacks                 what lies on them
 *  32. what would mend a space  entries to copy, and to leave alone
 *  33. mending                what is written to a machine, and taken back
 *
 * Rules that hold throughout: addresses and lengths are bytes; a physical address is
 * called pa, a virtual one va; a root is the pa of a top-level table without the flags
 * that the register has beside it. Pointers that a call hands out belong to the object
 * they came from and live as long as it does, unless the call says otherwise. Nothing
 * here calls exit(), prints, or keeps global state. Since says which version has it first;
 * docs/abi.md what may change later.
 *
 * Threads: a context and all that was opened or made with it (targets, systems, audits,
 * stories) are used by one thread at a time, since even to read a frame remembers
 * something and every failure goes to the context. Any thread may be the one, and two
 * contexts have nothing in common. Calls that pass over all memory have threads of their
 * own, which are gone when the call returns; every callback is called in the caller's
 * thread. No signal's handling is changed.
 */
#ifndef WHOSEES_H
#define WHOSEES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/* All that is declared here can be linked to; whatever else the library has is hidden. */
#pragma GCC visibility push(default)

/* ---- 1. status and errors --------------------------------------------------------- */

/* What a call returns. Since: 0.1 */
enum ws_status {
	WS_OK = 0,
	WS_ERR_USAGE,       /* the caller's argument makes no sense */
	WS_ERR_UNREADABLE,  /* the target cannot be opened or read */
	WS_ERR_MALFORMED,   /* the target was read and contradicts its own format */
	WS_ERR_UNSUPPORTED, /* well-formed, but of a kind this build does not know */
	WS_ERR_NOT_FOUND,   /* no such space, task, module or symbol */
	WS_ERR_LIMIT,       /* a bound on work was reached; the result is partial */
	WS_ERR_SYSTEM,      /* memory, disk or the operating system refused */
	WS_ERR_UNKNOWN,     /* not found, but the target lacks where it may be */
};

#define WS_MUST_CHECK __attribute__((warn_unused_result))

/*
 * What came of a look at memory. Only WS_READ gives bytes, and none of the others stands
 * for another: "not mapped" is an answer that was read from page tables; "absent" means
 * that the dump leaves those bytes out, so nobody can know them; "failed" means that this
 * process could not look, for want of memory or by an I/O error, and that the call which
 * needed it ends in WS_ERR_SYSTEM. Since: 0.1
 */
enum ws_evidence {
	WS_READ = 0,
	WS_NOT_MAPPED,
	WS_ABSENT,
	WS_FAILED,
};

struct ws_context;

/* Called now and then with how far a long piece of work is; done is 0..1. Since: 0.1 */
typedef void ws_progress_fn(void *arg, const char *what, double done);

/* Returns NULL only when memory is short. Since: 0.1 */
struct ws_context *ws_context_create(void);
void ws_context_destroy(struct ws_context *ctx);
void ws_context_set_progress(struct ws_context *ctx, ws_progress_fn *fn, void *arg);

/*
 * The words behind the last failure, newest first: depth 0 says what the caller asked
 * for, deeper ones what stood in its way. NULL past the end. Since: 0.1
 */
const char *ws_error(const struct ws_context *ctx, unsigned depth);
void ws_error_clear(struct ws_context *ctx);

/* ---- 2. formats ------------------------------------------------------------------- */

#define WS_FRAME_SIZE 4096u
#define WS_MAX_LEVELS 5u

/*
 * A paging format, such as "i386-pae", "x86_64", "arm-lpae", "arm64-4k-48", "riscv-sv39";
 * ws_format_at() has them all. Level 0 is the top. Since: 0.1
 */
struct ws_format;

const struct ws_format *ws_format_by_name(const char *name);
const struct ws_format *ws_format_at(unsigned i); /* NULL past the last */
const char *ws_format_name(const struct ws_format *format);
unsigned ws_format_levels(const struct ws_format *format);
/* How many bits of an address decide; those above repeat the top one, or are zero. */
unsigned ws_format_va_bits(const struct ws_format *format);
/* log2 of the smallest page. Since: 0.1 */
unsigned ws_format_page_bits(const struct ws_format *format);
/* The bit of entries that says whose key memory has, and is no address's; 0: none. Since: 0.1 */
uint64_t ws_format_encryption_bit(const struct ws_format *format);
/* Whether an entry can withhold a right (enum ws_access). Since: 0.1 */
bool ws_format_withholds(const struct ws_format *format, uint8_t right);

/* "page directory" and "PDE": the names that the manual gives a level. Since: 0.1 */
const char *ws_level_name(const struct ws_format *format, unsigned level);
const char *ws_level_entry_name(const struct ws_format *format, unsigned level);

/*
 * Gives the 4 KiB frame that holds pa: WS_READ and *frame, or WS_ABSENT or WS_FAILED, and
 * *frame is NULL. The pointer must stay valid for as long as the walk that asked.
 * Since: 0.1
 */
typedef enum ws_evidence ws_frame_fn(void *opaque, uint64_t pa, const uint8_t **frame);

/* What a walk needs to know of a machine. Since: 0.1 */
struct ws_paging {
	const struct ws_format *format;
	ws_frame_fn *frame;
	void *opaque;
	uint8_t pa_bits; /* how wide physical addresses are; 0: as wide as can be */
	bool no_execute; /* entries may forbid execution: that bit of theirs is in use */
	/*
	 * Reserved bits that an emulator sets by itself are forgiven. True in
	 * what ws_system_paging() gives, since a dump may be of one.
	 */
	bool emulated;
};

/*
 * Effective rights: what every level of the walk grants to the kernel, and what to user
 * mode. They are rights of the tables alone: what a control register adds or takes away
 * is not in them. Since: 0.1
 */
enum ws_access {
	WS_KERNEL_READ = 1 << 0,
	WS_KERNEL_WRITE = 1 << 1,
	WS_KERNEL_EXECUTE = 1 << 2,
	WS_USER_READ = 1 << 3,
	WS_USER_WRITE = 1 << 4,
	WS_USER_EXECUTE = 1 << 5,

	WS_KERNEL_ALL = WS_KERNEL_READ | WS_KERNEL_WRITE | WS_KERNEL_EXECUTE,
	WS_USER_ALL = WS_USER_READ | WS_USER_WRITE | WS_USER_EXECUTE,
	WS_ACCESS_ALL = WS_KERNEL_ALL | WS_USER_ALL,
	WS_ACCESS_WRITE = WS_KERNEL_WRITE | WS_USER_WRITE,
	WS_ACCESS_EXECUTE = WS_KERNEL_EXECUTE | WS_USER_EXECUTE,
};

/* ---- 3. walks --------------------------------------------------------------------- */

/* How a walk ends. "Not present" is an answer, never an error. Since: 0.1 */
enum ws_end {
	WS_END_PAGE,         /* mapped: pa, page_shift and access are set */
	WS_END_HOLE,         /* not present at the last step's level */
	WS_END_MALFORMED,    /* an entry that the format gives no meaning */
	WS_END_ABSENT,       /* the last step's table is not in the memory: unknown */
	WS_END_NONCANONICAL, /* the address has no translation at all: no steps */
	WS_END_FAILED,       /* the last step's table could not be looked at: WS_FAILED */
};

/* One entry that a walk went through. Since: 0.1 */
struct ws_step {
	uint64_t table; /* pa of the table */
	uint64_t entry; /* raw; 0 where the table was not read */
	uint32_t index;
};

/*
 * One walk, every step of it, top first. Walks are lenient: reserved bits do not stop
 * them; ws_check() judges. Since: 0.1
 */
struct ws_trail {
	uint64_t va;
	uint64_t root;
	uint64_t pa;                    /* of va itself, not of its page */
	uint8_t end;                    /* enum ws_end */
	uint8_t nsteps;                 /* the last step is at level nsteps - 1 */
	uint8_t page_shift;             /* log2 of the page's size */
	uint8_t access;                 /* enum ws_access bits */
	const struct ws_format *format; /* of its tables */
	struct ws_step step[WS_MAX_LEVELS];
};

/* *trail becomes the walk of va from root. Since: 0.1 */
void ws_walk(const struct ws_paging *paging, uint64_t root, uint64_t va,
	     struct ws_trail *trail);

/* pa of the entry that step read. Since: 0.1 */
uint64_t ws_step_entry_pa(const struct ws_format *format, const struct ws_step *step);

/* Whether an end says what the machine does; false where that is unknown. Since: 0.1 */
static inline bool ws_end_is_known(uint8_t end)
{
	return end != WS_END_ABSENT && end != WS_END_FAILED;
}

/* Whether the step at level of a trail was read. Since: 0.1 */
static inline bool ws_step_is_read(const struct ws_trail *trail, unsigned level)
{
	return ws_end_is_known(trail->end) || level + 1u < trail->nsteps;
}

/* ---- 4. ranges -------------------------------------------------------------------- */

/* A strict verdict on a trail: the first entry the processor would refuse. Since: 0.1 */
struct ws_flaw {
	uint8_t level;
	uint64_t reserved; /* the reserved bits that are set there */
};

/*
 * Judges a trail as the processor would: true, and *flaw, if it would refuse an entry in
 * which reserved bits are set. Since: 0.1
 */
bool ws_check(const struct ws_paging *paging, const struct ws_trail *trail,
	      struct ws_flaw *flaw);

/*
 * Writes the names of the bits that are set in one entry into text, always terminated;
 * they are the manual's. Returns text. Since: 0.1
 */
char *ws_entry_describe(const struct ws_format *format, unsigned level, uint64_t entry,
			char *text, size_t size);

/* Neighbouring addresses that end alike. Since: 0.1 */
struct ws_run {
	uint64_t va;
	uint64_t last; /* the last byte, so that a run can end at the top of memory */
	uint64_t pa;   /* of va; pages only */
	uint8_t end;   /* enum ws_end */
	uint8_t level; /* where it ended */
	uint8_t page_shift;
	uint8_t access;
};

/* Return false to stop. Since: 0.1 */
typedef bool ws_run_fn(void *arg, const struct ws_run *run);

/* What ws_range() is asked for beside pages. Since: 0.1 */
enum ws_range_flags {
	WS_RANGE_PHYSICAL = 1 << 0, /* a run's pa must be contiguous too */
	WS_RANGE_HOLES = 1 << 1,    /* report whatever is no page as well; */
	WS_RANGE_UNKNOWN = 1 << 2,  /* or of that only what was not read */
};

/*
 * Every run of [first, last] in order of address; both are clipped to what the format
 * can translate. Work is bounded by max_tables tables visited (0: 2^20), since
 * hostile tables may point at themselves: WS_ERR_LIMIT past it. Since: 0.1
 */
enum ws_status ws_range(const struct ws_paging *paging, uint64_t root, uint64_t first,
			uint64_t last, unsigned flags, uint64_t max_tables, ws_run_fn *fn,
			void *arg) WS_MUST_CHECK;

/* Return false to keep out of the table (and out of all it leads to). Since: 0.1 */
typedef bool ws_table_fn(void *arg, uint64_t pa, unsigned level, uint64_t va);

/*
 * Every table reached from root whose range meets [first, last], top first, the root
 * included; a table reached by two ways is reported twice, so the callback is where to
 * remember what was seen. Bounded as ws_range() is. Since: 0.1
 */
enum ws_status ws_tables(const struct ws_paging *paging, uint64_t root, uint64_t first,
			 uint64_t last, uint64_t max_tables, ws_table_fn *fn,
			 void *arg) WS_MUST_CHECK;

/* ---- 5. eyes ---------------------------------------------------------------------- */

/*
 * What translates the addresses of one space. A processor may have two roots, each for a
 * part of the addresses, and control registers say for which (ws_system_regime()). An
 * address in no window has no translation. Since: 0.1
 */
#define WS_MAX_WINDOWS 2u
struct ws_window {
	uint64_t first, last;
	uint64_t root;
	const struct ws_format *format;
};
struct ws_eye {
	unsigned nwindows;
	struct ws_window window[WS_MAX_WINDOWS]; /* in order of address */
};

/* The window that va is in; NULL: none is. Since: 0.1 */
const struct ws_window *ws_eye_window(const struct ws_eye *eye, uint64_t va);

/* As ws_walk(), from the root of va's window, by the window's format. Since: 0.1 */
void ws_eye_walk(const struct ws_paging *paging, const struct ws_eye *eye, uint64_t va,
		 struct ws_trail *trail);

/* As ws_range(), through each window; in none is WS_END_NONCANONICAL. Since: 0.1 */
enum ws_status ws_eye_range(const struct ws_paging *paging, const struct ws_eye *eye,
			    uint64_t first, uint64_t last, unsigned flags,
			    uint64_t max_tables, ws_run_fn *fn, void *arg) WS_MUST_CHECK;

/* ---- 6. targets ------------------------------------------------------------------- */

struct ws_target;

/* How to read a file whose own bytes do not say. Zeroed: ask the file. Since: 0.1 */
struct ws_target_options {
	const char *kind;   /* one of ws_target_kind_at(); NULL: from the first bytes */
	const char *format; /* a paging format's name; NULL: from the registers */
	/*
	 * Where the pieces of raw memory lie: "OFFSET:LENGTH:PA,...", hexadecimal, with
	 * LENGTH empty for the rest of the file; NULL: as the memory itself shows, or byte n
	 * is physical address n.
	 */
	const char *pieces;
	/*
	 * Paths of the other parts of a dump that makedumpfile --split wrote, in any order,
	 * NULL after the last; NULL: they lie in the directory of the one that is opened.
	 */
	const char *const *parts;
	uint64_t root; /* a known root */
	bool has_root;
	/* The bit of entries that says whose key memory has; 0: none. Else it is found. */
	uint8_t encryption_bit;
	bool has_encryption_bit;
	/*
	 * Bytes of memory that looking at it may take, beside what this process has already;
	 * 0: a quarter of the machine's. Once more is needed there is no answer:
	 * WS_ERR_SYSTEM.
	 */
	uint64_t memory;
	/* Of a machine that runs: it is stopped, and runs on when the target is closed. */
	bool stop;
	unsigned timeout; /* seconds that an answer of such may take; 0: 20 */
};

/*
 * options: NULL, or see there. path may be what is no file, as ws_target_scheme_at() has it.
 * Since: 0.1
 */
enum ws_status ws_target_open(struct ws_context *ctx, const char *path,
			      const struct ws_target_options *options,
			      struct ws_target **target) WS_MUST_CHECK;
void ws_target_close(struct ws_target *target);

/* As it was opened, and as what. Since: 0.1 */
const char *ws_target_path(const struct ws_target *target);
const char *ws_target_kind(const struct ws_target *target);
/* How the file was compressed as a whole: "gzip"; NULL: it was not. Since: 0.1 */
const char *ws_target_packing(const struct ws_target *target);

/*
 * i-th thing that is wrong with the target itself, in plain words: it is cut off, damaged
 * in places, shrinks while it is read. NULL past the end; there may be more after memory
 * was looked at. What is missing is WS_ABSENT wherever it is asked for. Since: 0.1
 */
const char *ws_target_note(const struct ws_target *target, unsigned i);

/*
 * Seconds since 1970 that a kdump's header gives as its time; false: it gives none.
 * Since: 0.1
 */
bool ws_target_taken(const struct ws_target *target, int64_t *seconds);

/* ---- 7. kinds of target ----------------------------------------------------------- */

/*
 * i-th way to name a target that is no file: "sim:SCENARIO", or a word without a colon. NULL
 * past the last. A file that is called so is named with its folder, as "./sim:x". Since: 0.1
 */
const char *ws_target_scheme_at(unsigned i);
/* Whether a path is such a name, and no file's. Since: 0.1 */
bool ws_target_is_named(const char *path);

/*
 * i-th kind of target, in the order in which they are looked for; NULL past the last. Those
 * that are no file come last. Since: 0.1
 */
const char *ws_target_kind_at(unsigned i);

/* What a sentence calls it: "ELF core"; NULL past the last. Since: 0.1 */
const char *ws_target_kind_title(unsigned i);
/* Who writes such files, and what they lack, in sentences. Since: 0.1 */
const char *ws_target_kind_about(unsigned i);

/*
 * Copies len bytes of physical memory at pa: WS_READ, or WS_ABSENT where one of them is not to
 * be had, or WS_FAILED, after which there is no answer. Since: 0.1
 */
typedef enum ws_evidence ws_given_fn(void *arg, uint64_t pa, void *buf, size_t len);

/*
 * Memory that the caller has: of a debugger's session, or of a container that no kind of
 * target knows. read is called in the caller's thread alone, in the calls that look at memory,
 * for pieces of one frame to 256 KiB within one extent. Since: 0.1
 */
struct ws_given_memory {
	const struct ws_extent *extents; /* where there is memory, in any order */
	size_t nextents;
	ws_given_fn *read;
	void *arg;
	const char *vmcoreinfo; /* VMCOREINFO text; NULL: none is known */
	bool moving;            /* it changes while it is read */
};

/*
 * As ws_target_open() of a file: name stands in for its path in messages. What given points
 * to is copied, but arg. There are no registers. Since: 0.1
 */
enum ws_status ws_target_open_given(struct ws_context *ctx, const char *name,
				    const struct ws_given_memory *given,
				    const struct ws_target_options *options,
				    struct ws_target **target) WS_MUST_CHECK;

/* ---- 8. memory -------------------------------------------------------------------- */

/* A piece of memory that the target holds. Sorted, never overlapping. Since: 0.1 */
struct ws_extent {
	uint64_t pa;
	uint64_t len;
};
const struct ws_extent *ws_target_extents(const struct ws_target *target, size_t *n);

/*
 * The frame that holds pa: WS_READ and *frame, valid until the target is closed, or, of a
 * machine that runs, until ws_system_open() or ws_audit_run() looks again; or WS_ABSENT or
 * WS_FAILED, and *frame is NULL. Since: 0.1
 */
enum ws_evidence ws_target_frame(struct ws_target *target, uint64_t pa,
				 const uint8_t **frame) WS_MUST_CHECK;

/* Copies len bytes: all, or what kept it from the first that is missing. Since: 0.1 */
enum ws_evidence ws_target_read(struct ws_target *target, uint64_t pa, void *buf,
				size_t len) WS_MUST_CHECK;

/*
 * What a call returns that looked at memory: status, but WS_ERR_SYSTEM in place of WS_OK
 * where some look was WS_FAILED. Then its answer rests on less than the target holds, and
 * is none. Whoever walks and reads himself asks when he is done. Since: 0.1
 */
enum ws_status ws_target_looked(struct ws_target *target,
				enum ws_status status) WS_MUST_CHECK;

/* ---- 9. registers ----------------------------------------------------------------- */

/* i-th processor as the target kept it; NULL past the last. Since: 0.1 */
struct ws_cpu;
const struct ws_cpu *ws_target_cpu(const struct ws_target *target, size_t i);

/* Which registers are listed together. Since: 0.1 */
enum ws_register_group {
	WS_REGISTER_GENERAL,
	WS_REGISTER_CONTROL,
	WS_REGISTER_SEGMENT, /* NAME is its selector; NAME.limit, NAME.flags, NAME.base */
};

/*
 * i-th register of the processor's architecture, as its manual calls it, in lower case:
 * "rax" or "sp_svc"; NULL past the last. Whether the target kept its value
 * ws_cpu_register() says. Since: 0.1
 */
const char *ws_cpu_register_at(const struct ws_cpu *cpu, unsigned i,
			       enum ws_register_group *group);

/* *value of the register with that name; false: the target has not kept it. Since: 0.1 */
bool ws_cpu_register(const struct ws_cpu *cpu, const char *name, uint64_t *value);

/* The register that holds its root, as a sentence has it: "CR3". Since: 0.1 */
const char *ws_cpu_root_register(const struct ws_cpu *cpu);

/*
 * What the i-th architecture calls a word of the glossary (`whosees help words'): its
 * Linux, and its manual; NULL: nothing of its own. ws_manual_at(): "Intel SDM"; NULL past
 * the last architecture. Since: 0.1
 */
struct ws_term {
	const char *word; /* "root", "verdict leaks" */
	const char *in_linux, *in_manual;
};
const char *ws_manual_at(unsigned i);
const struct ws_term *ws_term_at(unsigned i, const char *word);

/* The VMCOREINFO text of the target's own note, or NULL. Terminated. Since: 0.1 */
const char *ws_target_vmcoreinfo(const struct ws_target *target);

/* ---- 10. systems ------------------------------------------------------------------ */

struct ws_system;

/* What the caller knows beyond the memory. Zeroed: nothing. Since: 0.1 */
struct ws_system_options {
	const char *system_map; /* path of a System.map (or a copy of /proc/kallsyms) */
	const char *vmlinux;    /* path of an ELF kernel with symbols or DWARF */
	/*
	 * The control registers that decide what a root maps, where the target has not kept
	 * them or another moment is meant: "NAME=VALUE,..." with the manual's names and
	 * numbers in C's notation, or one of ws_system_regime_at().
	 */
	const char *regime;
};

/*
 * Finds out, from the memory alone, who is there. The target must outlive the system.
 * Fails only when not even one address space can be found; what it is unsure of it
 * says in ws_system_note(). Modules and symbols are looked for when first asked for.
 * Since: 0.1
 */
enum ws_status ws_system_open(struct ws_target *target,
			      const struct ws_system_options *options,
			      struct ws_system **system) WS_MUST_CHECK;
void ws_system_close(struct ws_system *system);

/* What it was opened with, and how walks are made in it. Since: 0.1 */
struct ws_target *ws_system_target(const struct ws_system *system);
const struct ws_paging *ws_system_paging(const struct ws_system *system);

/* The VMCOREINFO text, from the target's note or from its memory, or NULL. Since: 0.1 */
const char *ws_system_vmcoreinfo(const struct ws_system *system);

/*
 * i-th thing that is wrong with the target (ws_target_note()), and then that the
 * inference was not sure of, in plain words; NULL past the end. Since: 0.1
 */
const char *ws_system_note(const struct ws_system *system, unsigned i);

/* The layout that was inferred. Since: 0.1 */
struct ws_layout {
	uint64_t page_offset;  /* va of the direct map's first byte */
	uint64_t direct_delta; /* va - pa in the direct map, modulo 2^64; where physical
				  memory begins at 0, it is page_offset */
	uint64_t kernel_first; /* the lowest kernel va */
	uint64_t image_first;  /* the kernel image (text through bss), last included */
	uint64_t image_last;
	uint64_t image_delta; /* va - pa inside the image */
	uint64_t reference;   /* root of init_mm, or of the consensus of all roots */
	bool consensus;       /* reference is a majority of roots, not a table in RAM */
	bool pti;             /* page-table isolation: user halves were found */
	unsigned word;        /* sizeof(long) of the kernel: 4 or 8 */
	/*
	 * No kernel was looked for, since none is known with this format: reference is
	 * the root that was given, there are no spaces, and all else here says nothing.
	 */
	bool tables_only;
};
const struct ws_layout *ws_system_layout(const struct ws_system *system);

/* ---- 11. regimes ------------------------------------------------------------------ */

/* The root that the processor has loaded; false where that is not known. Since: 0.1 */
bool ws_system_cpu_root(const struct ws_system *system, const struct ws_cpu *cpu,
			uint64_t *root);

/*
 * Which root translates which addresses by which registers, in words. NULL: the registers
 * that decide are not known, and a space's root translates all of its. Since: 0.1
 */
const char *ws_system_regime(const struct ws_system *system);

/* i-th regime of this kernel with a name, what it is; NULL past the last. Since: 0.1 */
const char *ws_system_regime_at(const struct ws_system *system, unsigned i,
				const char **what);

/* ---- 12. spaces ------------------------------------------------------------------- */

/* Whose a space is. Since: 0.1 */
enum ws_space_kind {
	WS_SPACE_INIT,    /* init_mm: swapper_pg_dir or init_top_pgt */
	WS_SPACE_PROCESS, /* at least one live task has it as its mm */
	WS_SPACE_USER,    /* user half of the space before it, by page-table isolation */
	WS_SPACE_LONE,    /* in use, but nobody lives or runs there: efi_mm, a trampoline,
			     an mm that is kept */
	WS_SPACE_FREED,   /* lies in a freed page: nobody's any more */
	WS_SPACE_UNOWNED, /* no task's that was found, but user mode has memory there, or
			     may, or a processor or a kernel thread is in it */
};

/* An address space: a root and whose it is. Sorted: init, by pid, unowned. Since: 0.1 */
struct ws_space {
	uint64_t root;
	uint8_t kind;    /* enum ws_space_kind */
	uint32_t pid;    /* of the first task; 0 unless process or user */
	char comm[20];   /* always terminated; without a task what is known of it, as
			    "efi_mm" (ws_system_name_spaces()), and "root 0x21ba000"
			    where that is nothing else */
	uint32_t ntasks; /* thread groups that share it */
	uint64_t mm;     /* va of its mm_struct; 0: unknown */
	const uint32_t *owners; /* their tgids, ntasks of them: processes, and kernel
				   threads that use its mm */
	uint32_t nthreads;      /* that live in all of these */
	/* It is one of everyone: init_mm, each process and each root of no known owner,
	   since a task or a processor can run there. Out are lone and freed ones. A user
	   half is a part of the space before it and does not count again. */
	bool counts;
	bool user_mode; /* runs there, or in its user half: it is a process's, or
			   of no known owner with memory of user mode */
	/* Of an unowned one nothing that was read says whether its page was freed: it
	   counts, and no verdict on it is known. */
	bool perhaps_freed;
	/* What lies at its root was read, and is no table of this kernel's: the target is
	   damaged there, or the frame was given to something else. It counts, and no
	   verdict on it is known. */
	bool looks_damaged;
};
const struct ws_space *ws_system_spaces(const struct ws_system *system, size_t *n);

/*
 * Names roots of no task that the kernel has for a purpose of its own by symbols too
 * ("efi_mm", "poking_mm"), which are loaded for it; those that a place says are named
 * before. An audit does it by itself. Since: 0.1
 */
enum ws_status ws_system_name_spaces(struct ws_system *system) WS_MUST_CHECK;

/* What translates the space's addresses, in the system's regime. Since: 0.1 */
void ws_space_eye(const struct ws_system *system, const struct ws_space *space,
		  struct ws_eye *eye);

/*
 * The name of a regime in which the space's own root translates va, where in the system's
 * another root does, or none. NULL: its own does, or no regime that is known. Since: 0.1
 */
const char *ws_space_regime(const struct ws_system *system, const struct ws_space *space,
			    uint64_t va);
const char *ws_space_kind_name(enum ws_space_kind kind);

/* ---- 13. tasks -------------------------------------------------------------------- */

#define WS_NO_SPACE UINT32_MAX
#define WS_NO_PID UINT32_MAX

/*
 * A thread group: a process, or a kernel thread, which has no space of its own. What is
 * reported is of its leader; where that has exited and other threads live, it is their
 * mm, and the first of them that comm_va names. Since: 0.1
 */
struct ws_task {
	uint64_t comm_va; /* where its name lies: a task_struct's fields are found around
			     it */
	uint32_t pid;     /* the leader's, which is the tgid of all */
	char comm[17];    /* the leader's */
	bool kernel_thread;
	uint64_t mm, active_mm;
	uint32_t space;        /* index into the spaces; WS_NO_SPACE for kernel threads */
	uint32_t active_space; /* the one it runs in: its own or the one it borrowed */
	uint32_t nthreads;     /* that live, the leader among them; 0: a zombie */
	bool leader_exited;    /* and other threads live */
	uint32_t ppid; /* the parent's pid; 0: the kernel itself (pid 1, kthreadd);
			  WS_NO_PID: unknown, or it has none (init_task) */
};
const struct ws_task *ws_system_tasks(const struct ws_system *system, size_t *n);

/*
 * What the tables of one space weigh, shared and own, each frame once. The root is one of
 * the kernel half's, where it fills frames of its own. Since: 0.1
 */
struct ws_weight {
	uint64_t user_tables;    /* frames used as tables below the user half */
	uint64_t private_tables; /* of the kernel half, those the reference lacks */
	uint64_t shared_tables;  /* of the kernel half, those the reference has too */
};
enum ws_status ws_space_weigh(struct ws_system *system, const struct ws_space *space,
			      struct ws_weight *weight) WS_MUST_CHECK;

/* ---- 14. modules and symbols ------------------------------------------------------ */

/* A piece of a module. Since: 0.1 */
struct ws_region {
	uint64_t va;
	uint64_t len;
};
#define WS_MODULE_REGIONS 8

/* A loaded module, in list order. Since: 0.1 */
struct ws_module {
	char name[64];
	uint64_t module;   /* va of its struct module */
	uint32_t state;    /* enum module_state: 0 live, 1 coming, 2 going, 3 unformed */
	unsigned nregions; /* one before Linux 6.4 (core, and init while loading) */
	struct ws_region region[WS_MODULE_REGIONS];
};
/*
 * Whether there may be processes that were not found, and so spaces: the task list could
 * not be gone along from end to end. Since: 0.1
 */
bool ws_system_lacks_tasks(const struct ws_system *system);

/* Whether some may lie in what the target lacks; once they were looked for. Since: 0.1 */
bool ws_system_lacks_modules(const struct ws_system *system);
enum ws_status ws_system_modules(struct ws_system *system,
				 const struct ws_module **modules,
				 size_t *n) WS_MUST_CHECK;

/* module is NULL for the kernel's own symbols. Since: 0.1 */
struct ws_symbol {
	uint64_t va;
	char type; /* as nm prints it; 0 where unknown */
	const char *name;
	const struct ws_module *module;
};

/*
 * name is "symbol" or "module:symbol". WS_ERR_NOT_FOUND says which tables were
 * searched. Since: 0.1
 */
enum ws_status ws_symbol_find(struct ws_system *system, const char *name,
			      struct ws_symbol *symbol) WS_MUST_CHECK;

/* The symbol at or next below va, within its module or the image. Since: 0.1 */
enum ws_status ws_symbol_at(struct ws_system *system, uint64_t va,
			    struct ws_symbol *symbol) WS_MUST_CHECK;

/* A part of the kernel's address space, as findings name it. Since: 0.1 */
struct ws_kernel_region {
	const char *name; /* static */
	uint64_t first, last;
};

/* What lies at an address. Since: 0.1 */
struct ws_place {
	const char *region; /* "vmalloc", "direct map"; "user"; "kernel": none of these */
	const struct ws_module *module; /* that has memory there, or NULL */
	uint64_t last;                  /* up to here both are the same */
};
/* Looks for modules and regions where that was not done yet. Since: 0.1 */
enum ws_status ws_place_at(struct ws_system *system, uint64_t va,
			   struct ws_place *place) WS_MUST_CHECK;

/*
 * Copies kernel memory as init_mm sees it: all, or what kept it from the first byte that
 * is missing. Since: 0.1
 */
enum ws_evidence ws_system_read(struct ws_system *system, uint64_t va, void *buf,
				size_t len) WS_MUST_CHECK;

/* ---- 15. probe -------------------------------------------------------------------- */

/* How walks of one address ended, wherever they ended alike. Since: 0.1 */
struct ws_outcome {
	uint64_t pa;
	uint8_t end; /* enum ws_end */
	uint8_t level;
	uint8_t page_shift;
	uint8_t access;
};

/*
 * spaces x addresses. cell[s * naddresses + a] is an index into outcome: millions of
 * cells share a handful of outcomes. ws_walk() gives any cell's whole trail. Since: 0.1
 */
struct ws_matrix {
	size_t nspaces, naddresses, noutcomes;
	uint32_t *cell;
	struct ws_outcome *outcome;
};

/* *matrix is released by the caller. Since: 0.1 */
enum ws_status ws_probe(struct ws_system *system, const struct ws_space *spaces,
			size_t nspaces, const uint64_t *addresses, size_t naddresses,
			struct ws_matrix *matrix) WS_MUST_CHECK;
void ws_matrix_release(struct ws_matrix *matrix);

/* ---- 16. capture ------------------------------------------------------------------ */

/*
 * Writes an ELF core that holds only the frames which the answers rest on: page
 * tables, tasks, modules, symbols, registers, the kernel's log; no user page. The file
 * appears whole or not at all, and never in the place of one that the system was read
 * from. The path "-" is standard output. Since: 0.1
 */
enum ws_status ws_capture(struct ws_system *system, const char *path) WS_MUST_CHECK;

/* ---- 17. rules -------------------------------------------------------------------- */

/* How much one finding matters, by itself. Since: 0.1 */
enum ws_severity {
	WS_INFO,    /* true, and worth knowing */
	WS_WARNING, /* wrong, but nothing dies of it by itself */
	WS_ERROR,   /* an access will fail or a protection is gone */
	WS_FATAL,   /* the processor cannot deliver a fault: the machine stops */
};
const char *ws_severity_name(enum ws_severity severity);

/*
 * What findings come to for a space. Worst last; unknown stands between what does no harm
 * and what does, so that it is never better than the truth. Since: 0.1
 */
enum ws_verdict {
	WS_COHERENT,      /* as init_mm, as far as any fault can need it */
	WS_HEALS,         /* a lazy fault repairs it at first touch */
	WS_UNKNOWN,       /* something that decides could not be read */
	WS_DIVERGES,      /* nothing repairs it: an access there fails, or strays */
	WS_LEAKS,         /* user mode can reach kernel memory */
	WS_NESTS,         /* gate target unmapped: faults nest until the stack ends */
	WS_DOUBLE_FAULTS, /* a table or stack of it unmapped: delivery itself fails */
};
const char *ws_verdict_name(enum ws_verdict verdict);

/* What the audit looks for. Static. Since: 0.1 */
struct ws_rule {
	const char *id;     /* "coherence-missing": stable: SARIF and JSON have it */
	const char *family; /* "coherence", "fault-path", "protection", "well-formed" */
	const char *name;   /* "kernel mapping missing here" */
	enum ws_severity severity; /* at worst: what a lazy fault repairs is a warning */
	const char *meaning;       /* one paragraph, plain words */
	const char *fix;           /* what to do about it */
	const char *history;     /* where it happened: kernel commits, papers; one line */
	enum ws_verdict verdict; /* what it comes to, where nothing repairs it */
};
const struct ws_rule *ws_rule_at(unsigned i); /* NULL past the last */

/*
 * Page tables that no task uses and the kernel has for a purpose of its own, such as
 * efi_mm: whether they map all that they are for. What is wrong is in findings too, and
 * what is not known in notes. Since: 0.1
 */
enum ws_special_state {
	WS_SPECIAL_KEPT,
	WS_SPECIAL_BROKEN,
	WS_SPECIAL_UNKNOWN, /* and of what is known nothing is wrong */
};
struct ws_special_judgement {
	const char *name; /* as the kernel calls it */
	uint64_t root;    /* 0 where it is not known */
	uint8_t state;    /* enum ws_special_state */
};

/*
 * Audits of this system leave that family of rules out. WS_ERR_USAGE: it is none that can be,
 * which is "frames" alone: that takes a pass of its own over all page tables and struct pages,
 * and nothing else rests on it. Since: 0.1
 */
enum ws_status ws_system_leave_out(struct ws_system *system,
				   const char *family) WS_MUST_CHECK;

/* ---- 18. audit -------------------------------------------------------------------- */

/* One thing a rule found in one space. Since: 0.1 */
struct ws_finding {
	const struct ws_rule *rule;
	enum ws_severity severity; /* the rule's, or less where the case is milder */
	uint32_t space;            /* index into ws_system_spaces() */
	int cpu; /* whose fault path; -1: no processor's in particular */
	/* About what a descriptor table holds, and so true whatever space is loaded: it
	   is init_mm's in name only, and no space's verdict rests on it. */
	bool machine;
	uint64_t va, last;
	const char *region; /* "vmalloc", "direct map": where va lies */
	/*
	 * The walks in the space and in the reference, of the first address of the range
	 * that either maps, or of va where neither does.
	 */
	struct ws_trail here, there;
	char *text;     /* what it means, in plain words */
	uint32_t group; /* findings alike but for their space share it */
};

struct ws_lack;

/* What brings missing entries up to date, in words. Since: 0.1 */
struct ws_repair {
	const char *by;   /* "lazy fault handler" */
	const char *when; /* "at the first access" */
};

/* How a machine ends in a space that nests, in words. Since: 0.1 */
struct ws_nesting {
	const char *event;   /* what it begins with: "page fault" */
	const char *meaning; /* "page faults cannot reach their handler: ..." */
};

/* What the findings mean for one space, or one half of it. Since: 0.1 */
struct ws_judgement {
	enum ws_verdict verdict;
	enum ws_verdict known; /* the worst that is known: verdict, but where unknown */
	bool at_least;         /* it is that or worse: something was not read */
	uint32_t nfindings;    /* about this space */
	uint32_t nlacks;       /* that decide here, and could not be read */
	const struct ws_lack *lack; /* the first of these; NULL: none */
	const struct ws_rule
		*rule; /* of what is known: the one that decides; NULL: none */
	const struct ws_finding *finding; /* that it was broken by; NULL: none */
	bool hangs;    /* of what nests: page and double faults repeat for ever */
	bool no_image; /* the kernel image as a whole is what is not mapped */
	char *reasons; /* the chain, one step a line; NULL where coherent */
	/* Of what heals: by what; NULL: in several ways, or nothing does. */
	const struct ws_repair *repair;
	const struct ws_nesting *nesting; /* of what nests; NULL: nothing does */
};

struct ws_audit;

/* Runs every rule over every space. The system must outlive the audit. Since: 0.1 */
enum ws_status ws_audit_run(struct ws_system *system,
			    struct ws_audit **audit) WS_MUST_CHECK;
void ws_audit_destroy(struct ws_audit *audit);

/* All of them. Since: 0.1 */
const struct ws_finding *ws_audit_findings(const struct ws_audit *audit, size_t *n);
/* One a space, in the order of ws_system_spaces(). */
const struct ws_judgement *ws_audit_judgements(const struct ws_audit *audit, size_t *n);

/* Each that was found. Since: 0.1 */
const struct ws_special_judgement *ws_audit_specials(const struct ws_audit *audit,
						     size_t *n);

/* ---- 19. lacks and needs ---------------------------------------------------------- */

/* Something that decides about a space and could not be read. Since: 0.1 */
struct ws_lack {
	uint32_t space; /* index into ws_system_spaces(); WS_NO_SPACE: all of them */
	bool where_different; /* it decides only in spaces with findings */
	bool user_part;       /* a table of user memory: it decides whether user mode can
				 write page tables, and about no fault */
	bool has_pa;          /* it is a frame that the target does not hold: at pa */
	uint64_t pa;
	bool is_damage; /* what is one sentence: "its page directory is damaged" */
	char *what;     /* "the stack at 0xff400000" */
};
/* The first ones of each space; a judgement's nlacks counts all. */
const struct ws_lack *ws_audit_lacks(const struct ws_audit *audit, size_t *n);

/*
 * What the audit says of the machine that is no finding: that a jump survives, or why that
 * is unknown; NULL past the last. It lasts as long as the audit. Since: 0.1
 */
const char *ws_audit_note(const struct ws_audit *audit, unsigned i);

/*
 * In which halves of a space, where isolation gives it two: the one that user mode has
 * too, or only the one that the entry code changes to. Since: 0.1
 */
enum ws_half {
	WS_HALF_KERNEL = 1 << 0,
	WS_HALF_USER = 1 << 1,
	WS_HALF_BOTH = WS_HALF_KERNEL | WS_HALF_USER,
};

/*
 * Something that a processor must reach while it delivers a fault. Where a space does not
 * serve a piece of it, that is a finding of its rule. Since: 0.1
 */
struct ws_need {
	const struct ws_rule *rule;
	enum ws_severity severity; /* 0: the rule's */
	int cpu;                   /* -1: every processor's */
	uint64_t va, last;
	uint8_t halves;  /* enum ws_half bits */
	uint8_t rights;  /* WS_KERNEL_WRITE, WS_KERNEL_EXECUTE: beyond reading */
	uint8_t refused; /* WS_USER_READ, where a user's page is refused to the kernel */
	bool if_reference; /* of no use to a kernel whose init_mm does not have it */
	bool many;         /* of what: "which are not mapped" */
	char *what;        /* "the stack of cpu 0 at 0xff400000" */
};
const struct ws_need *ws_audit_needs(const struct ws_audit *audit, size_t *n);

/*
 * Whether the space of that index counts, or is the user half of one that does: of
 * others nothing is asked, and their judgement says nothing. Since: 0.1
 */
bool ws_audited(const struct ws_audit *audit, uint32_t space);

/*
 * What the findings mean for a space with its user half, if it has one: the worse of the
 * two judgements with the findings and lacks of both. Of a user half, its own. The
 * reasons live as long as the audit. Since: 0.1
 */
struct ws_judgement ws_audit_whole(const struct ws_audit *audit, uint32_t space);

/*
 * The direct map is the first; they may lie in one another: the smallest names a va.
 * Since: 0.1
 */
const struct ws_kernel_region *ws_audit_regions(const struct ws_audit *audit, size_t *n);

/* ---- 20. module files ------------------------------------------------------------- */

/* A module's file (.ko), before it is loaded: ELF of 32 or 64 bits. Since: 0.1 */
struct ws_module_file;

/* path must outlive the file. Since: 0.1 */
enum ws_status ws_module_file_open(struct ws_context *ctx, const char *path,
				   struct ws_module_file **file) WS_MUST_CHECK;
void ws_module_file_close(struct ws_module_file *file);

/* What kind of memory the loader puts a section into. Since: 0.1 */
enum ws_landing {
	WS_LANDS_TEXT,      /* executable for as long as the module is loaded */
	WS_LANDS_EXIT_TEXT, /* the same, but only in a kernel that can unload modules */
	WS_LANDS_INIT_TEXT, /* freed when the module's init function has returned */
	WS_LANDS_INIT_DATA, /* the same, and not executable */
	WS_LANDS_DATA,      /* not executable */
	WS_LANDS_NOWHERE,   /* not loaded */
};
const char *ws_landing_name(enum ws_landing landing);

/*
 * Code that the processor or the kernel comes to by a fault or an interrupt. Since: 0.1
 */
struct ws_handler {
	const char *name;
	const char *section; /* "" where it has none */
	uint8_t landing;     /* enum ws_landing */
	uint64_t offset;     /* from the first byte of that memory, which begins a page */
	uint64_t size;
	uint32_t alignment; /* of its first byte; 4096 at most */
	uint32_t pages;     /* that it touches: each has to be seen */
	uint32_t nleaving;  /* its relocations to what is not in this module */
	char *leaving;      /* the first names of these, a line each; NULL: none */
	uint32_t ninit;     /* its relocations to what is freed after init */
};

/*
 * Where symbols land: those of the names given, or, without any, every function in a
 * section for handlers (.entry.text, .noinstr.text, .kprobes.text) or with a name that
 * handlers go by (*page_fault*, *_handler, *_interrupt, *_nmi ...). The handlers live
 * until the next call. WS_ERR_NOT_FOUND: there is no symbol of that name. Since: 0.1
 */
enum ws_status ws_module_file_handlers(struct ws_module_file *file,
				       const char *const *names, size_t nnames,
				       const struct ws_handler **handlers,
				       size_t *n) WS_MUST_CHECK;

/* ---- 21. what-if: the question ---------------------------------------------------- */

/*
 * What the processor would do next: a page fault is delivered in one space to a simulated
 * processor, which begins with the target's registers and memory, and is followed until a
 * handler's first byte is fetched or nothing more can happen. There is such a processor
 * for x86 alone: elsewhere ws_machine_create() says WS_ERR_UNSUPPORTED.
 */

/* Where the fault interrupts. Since: 0.1 */
enum ws_fault_mode {
	WS_FAULT_USER,   /* on the stack that an entry from user mode switches to */
	WS_FAULT_KERNEL, /* on the current stack, unless the vector has its own */
};
const char *ws_fault_mode_name(enum ws_fault_mode mode);

/*
 * Which processor: what it remembers of translations, and whether it departs from the
 * manual. Since: 0.1
 */
enum ws_processor {
	WS_PROCESSOR_MANUAL,   /* the manual's, with a TLB as it allows one */
	WS_PROCESSOR_EMULATED, /* QEMU 7.2's emulation: its TLB, and all its departures */
	WS_PROCESSOR_NO_TLB,   /* the manual's, without a TLB */
};
const char *ws_processor_name(enum ws_processor processor);

/* What is asked. Zeroed: a fault from user mode in the first space. Since: 0.1 */
struct ws_what_if {
	uint32_t space; /* index into ws_system_spaces(); one of a process or init_mm's */
	uint8_t mode;   /* enum ws_fault_mode; a space of no process has no user mode */
	uint8_t processor; /* enum ws_processor */
	/* has_mode: without that mode there is no answer; or else the other one is taken */
	bool has_mode, has_sp, has_address, has_flags;
	uint64_t sp;         /* at the fault; kernel mode only */
	uint64_t address;    /* that faults; else a user's that the space does not map */
	uint64_t flags;      /* at the fault: pushed frames may become tables */
	uint64_t max_frames; /* 0: 2^26 */
};

/* Where the stack pointer at the fault came from. Since: 0.1 */
enum ws_sp_origin {
	WS_SP_ENTRY,     /* user mode: the processor takes it from there */
	WS_SP_OWN,       /* the same; but it names another task's, and a switch of tasks
			    puts the task's own there (Linux before 4.15) */
	WS_SP_GIVEN,     /* struct ws_what_if said so */
	WS_SP_PROCESSOR, /* a processor is in kernel mode in this space */
	WS_SP_SAVED,     /* where the task was when it was switched away (thread.sp) */
	WS_SP_TOP,       /* 512 bytes below the top of the task's stack */
	WS_SP_BORROWED,  /* the first task's, saved or top: the space has none */
};
const char *ws_sp_origin_name(enum ws_sp_origin origin);

/* ---- 22. what-if: the end --------------------------------------------------------- */

/* Best first, but for the last two. Since: 0.1 */
enum ws_fate {
	WS_FATE_SURVIVES, /* the page fault's handler was reached */
	WS_FATE_DIVERTED, /* another exception's was: an oops */
	WS_FATE_PANICS,   /* the double fault's handler was: a panic */
	WS_FATE_LOOPS,    /* the same faults for ever: a hang */
	WS_FATE_RESETS,   /* not even a double fault can be delivered */
	WS_FATE_GAVE_UP,  /* max_frames were pushed */
	WS_FATE_UNKNOWN,  /* it goes on by what the target does not hold */
};
const char *ws_fate_name(enum ws_fate fate);

/* On which stack a double fault was delivered, if it was. Since: 0.1 */
enum ws_df_stack {
	WS_DF_NONE,  /* none was delivered */
	WS_DF_TASK,  /* in a task of its own, with page tables of its own */
	WS_DF_OWN,   /* one that the vector names */
	WS_DF_STACK, /* the current one, or that of the kernel */
};

/* An exception, by the manual's numbers. Since: 0.1 */
struct ws_exception {
	uint8_t vector;
	uint32_t error;
	uint64_t address; /* that faulted; page faults only */
};

/* "#PF" for 14; NULL for an interrupt's vector. Static. Since: 0.1 */
const char *ws_vector_name(unsigned vector);

/* The register that its address is in: "CR2"; NULL: it has none. Static. Since: 0.1 */
const char *ws_exception_register(const struct ws_exception *exception);

/* What a delivery was at when an exception stopped it. Since: 0.1 */
enum ws_stumble {
	WS_STUMBLE_NONE, /* the last delivery went through at once */
	WS_STUMBLE_PUSH,
	WS_STUMBLE_VECTORS,  /* the table of handlers */
	WS_STUMBLE_SEGMENTS, /* the table of segments */
	WS_STUMBLE_TASK,     /* what names the stacks */
	WS_STUMBLE_OTHER,
};
/* "push", "IDT", "other". Static. Since: 0.1 */
const char *ws_stumble_name(enum ws_stumble stumble);

/* ---- 23. what-if: the story ------------------------------------------------------- */

#define WS_STORY_EXCEPTIONS 8

/* What came of a fault. Since: 0.1 */
struct ws_story {
	uint8_t fate;      /* enum ws_fate */
	uint8_t mode;      /* that was followed; enum ws_fault_mode */
	uint8_t sp_origin; /* enum ws_sp_origin */
	uint8_t df_stack;  /* enum ws_df_stack */
	bool double_fault; /* one was raised, delivered or not */
	uint32_t space; /* whose root was loaded: a user half's, perhaps, in user mode */
	uint32_t cpu;   /* index of the processor whose registers were taken */
	bool cpu_is_here;        /* and it was in this space */
	uint64_t address, flags; /* of the first fault */
	uint64_t start_sp; /* at the fault; user mode: that of the entry, 0: unreadable */
	uint64_t first_sp; /* after the first frame */
	uint64_t sp;       /* after the last one; a double fault's own task excepted */
	uint64_t frames;   /* delivered: the first, all that came of it */
	uint64_t nested;   /* page faults that fetching a handler raised */

	/*
	 * The last delivery: what was to be delivered, and what each attempt raised; not
	 * where the fate is unknown.
	 */
	unsigned nexceptions;
	struct ws_exception exception[WS_STORY_EXCEPTIONS];
	/*
	 * What exception[1] is about; and, where that is a page fault, how the space
	 * translates its address in the target and at the end.
	 */
	uint8_t stumble; /* enum ws_stumble */
	struct ws_trail before, after;
	int undermined; /* the first step of after that was overwritten; -1: none */

	uint64_t overwritten; /* frames with other bytes than before, flags not counted */
	uint64_t missing;     /* frames touched that the target does not hold: */
	uint64_t
		missing_pa; /* the first; what is written there is lost, and nothing is */
	uint64_t unknown_pa; /* read, but for WS_FATE_UNKNOWN: where it wants to read */
};

/* ---- 24. what-if: memory ---------------------------------------------------------- */

struct ws_machine;

/* Whether a processor that uses that format is simulated. Since: 0.1 */
bool ws_machine_is_known(const struct ws_format *format);

/*
 * A machine over the audited target; the audit must outlive it. Fails without registers
 * of a processor that has paging on: WS_ERR_UNSUPPORTED. Since: 0.1
 */
enum ws_status ws_machine_create(struct ws_audit *audit,
				 struct ws_machine **machine) WS_MUST_CHECK;
void ws_machine_destroy(struct ws_machine *machine);

/*
 * Follows one fault; the machine then forgets the one before. WS_ERR_UNKNOWN: on which
 * stack it begins is not known. Where it fails the story's fate is unknown. Since: 0.1
 */
enum ws_status ws_machine_what_if(struct ws_machine *machine,
				  const struct ws_what_if *what_if,
				  struct ws_story *story) WS_MUST_CHECK;

/* What a frame was, by the strongest evidence there is. Weakest first. Since: 0.1 */
enum ws_frame_use {
	WS_FRAME_UNKNOWN,
	WS_FRAME_CACHE,      /* of a file: page->mapping */
	WS_FRAME_FREE,       /* in the buddy allocator */
	WS_FRAME_SLAB,       /* PG_slab */
	WS_FRAME_USER,       /* a space maps it in its user half */
	WS_FRAME_IMAGE,      /* the kernel image; what of it was freed has another use */
	WS_FRAME_MODULE,     /* a module's memory */
	WS_FRAME_FAULT_PATH, /* what the processor needs: tables, an entry stack .. */
	WS_FRAME_STACK,      /* a task's kernel stack */
	WS_FRAME_TABLE,      /* a page table, of whatever level */
	WS_FRAME_USES
};
const char *ws_frame_use_name(enum ws_frame_use use);

/* Neighbouring frames of one use. Since: 0.1 */
struct ws_frame_run {
	uint64_t pa, last;    /* its first byte, and its last */
	uint8_t use;          /* enum ws_frame_use */
	uint8_t level;        /* tables */
	uint32_t space;       /* tables and users: the first that has it; WS_NO_SPACE:
				 init_mm's, which all have */
	uint32_t task;        /* stacks: index into ws_system_tasks() */
	uint64_t va, va_last; /* what a table maps; else 0 */
	const char *name;     /* a module's, or what on the fault path it is; else NULL */
	bool by_design;       /* a delivery that goes well writes there too. Since: 0.1 */
	uint8_t there;        /* enum ws_frame_there; of ws_system_frame_uses() alone */
};

/* All that the last story overwrote, by rising pa; valid until the next. Since: 0.1 */
enum ws_status ws_machine_overwritten(struct ws_machine *machine,
				      const struct ws_frame_run **runs,
				      size_t *n) WS_MUST_CHECK;

/* ---- 25. the kernel's log --------------------------------------------------------- */

/* In which form the kernel keeps it. Since: 0.1 */
enum ws_log_kind {
	WS_LOG_RING,    /* a ring of descriptors and one of texts: since 5.10 */
	WS_LOG_RECORDS, /* records, one behind the other: 3.5 to 5.9 */
	WS_LOG_TEXT,    /* characters: before 3.5 */
};
const char *ws_log_kind_name(enum ws_log_kind kind); /* "ring". Since: 0.1 */

#define WS_LOG_CALLER_CPU 0x80000000u

/* One message. What is not known has its has_X false. Since: 0.1 */
struct ws_log_record {
	bool has_seq, has_time, has_level, has_caller;
	bool continues; /* by its own flag, it goes on with the line of one before it */
	bool open;      /* it has no end of line: the next may go on with it */
	bool damaged;   /* its text, or what goes with it, is what is left */
	uint8_t level;  /* as syslog: 0 an emergency, 7 of use to who debugs */
	uint8_t facility;
	uint32_t caller;  /* the pid; or WS_LOG_CALLER_CPU and the processor's number */
	uint64_t seq;     /* from 0, by one with each message since boot */
	uint64_t time;    /* nanoseconds, by the kernel's own clock, which boot starts */
	const char *text; /* terminated; lines have '\n' between them, and none after */
};

/*
 * All records that are left, oldest first. A full log has lost its oldest by design: the
 * first record's seq says how many, and that is neither lost nor damage. Since: 0.1
 */
struct ws_log {
	uint8_t kind;  /* enum ws_log_kind */
	bool by_shape; /* nothing names it: it is what looks like a log */
	bool complete; /* no record behind the first is lost or damaged, none by_shape */
	const struct ws_log_record *records;
	size_t nrecords;
	uint64_t lost;       /* records that were overwritten, or are not in the target */
	uint64_t lost_bytes; /* beside these, bytes that held an unknown number of them */
	size_t damaged;      /* of the records */
};

/*
 * The log is looked for when first asked for, and lives as long as the system; what is
 * wrong with it is in ws_system_note() too. WS_ERR_UNKNOWN: none was found, or the target
 * does not hold it. Since: 0.1
 */
enum ws_status ws_system_log(struct ws_system *system,
			     const struct ws_log **log) WS_MUST_CHECK;

/* ---- 26. traces of a death -------------------------------------------------------- */

/* What a processor pushed when it took an exception. Since: 0.1 */
struct ws_exception_frame {
	uint64_t ip, flags; /* where, and with which flags, it was interrupted */
	uint64_t sp;        /* and its stack pointer, if that was pushed; else 0 */
	uint64_t error;     /* the word below: of vectors with an error code, that */
	uint8_t size;       /* in bytes, the error code among them */
	bool user;          /* user mode was interrupted */
};

/* Frames that saved the same address, one stride apart: a fault that repeats. Since: 0.1 */
struct ws_storm {
	uint64_t pa, last_pa; /* the lowest byte of all frames, and the highest */
	uint64_t va;          /* of pa; 0: not known */
	uint64_t frames;
	uint32_t stride;
	struct ws_exception_frame frame; /* the uppermost of them */
	bool has_first;                  /* the frame above all, which it began with: */
	struct ws_exception_frame first;
	uint64_t first_va; /* of its lowest byte; 0: not known */
	uint32_t task; /* on whose stack it began; index into ws_system_tasks(), or: */
	const char *stack; /* on another, "entry stack"; NULL: a task's, or not known */
	bool has_vector; /* frame.ip is the handler, as a processor's own tables have it, */
	uint8_t vector; /* of that vector */
};
#define WS_NO_TASK UINT32_MAX

/* One link of the chain of evidence. Since: 0.1 */
struct ws_clue {
	const char *about; /* "processor", "frames", "hole", "stack", "who", "replay",
			    "code", "overwritten", "log" */
	uint64_t va, pa;   /* where it lies, if has_va, has_pa */
	bool has_va, has_pa;
	char *text; /* a sentence */
};

/* ---- 27. autopsy ------------------------------------------------------------------ */

/* Why a machine died. A row each; ws_cause_at() has them all. Static. Since: 0.1 */
struct ws_cause {
	const char *id;      /* "handler-unmapped": stable */
	const char *name;    /* "the page-fault handler was not mapped" */
	const char *meaning; /* one paragraph, plain words */
	const char *fix;     /* what to do about it */
};
const struct ws_cause *ws_cause_at(unsigned i); /* NULL past the last */

/* How much a cause rests on. Since: 0.1 */
enum ws_certainty {
	WS_CERTAINTY_NONE,       /* there is no cause */
	WS_CERTAINTY_POSSIBLE,   /* it died of that, or the dump is damaged */
	WS_CERTAINTY_LIKELY,     /* the traces of a death and the page tables agree */
	WS_CERTAINTY_REPRODUCED, /* and a simulated processor leaves the same traces */
};
const char *ws_certainty_name(enum ws_certainty certainty);

struct ws_autopsy;

/*
 * Looks for what killed the machine. Where nothing did as far as memory tells, that is an
 * answer: its cause is NULL. The audit must outlive it. Since: 0.1
 */
enum ws_status ws_autopsy_run(struct ws_audit *audit,
			      struct ws_autopsy **autopsy) WS_MUST_CHECK;
void ws_autopsy_destroy(struct ws_autopsy *autopsy);

/* What it came to. Since: 0.1 */
struct ws_death {
	const struct ws_cause *cause; /* NULL: none */
	enum ws_certainty certainty;
	const char *sentence; /* the cause, or that there is none */
	const char *unknown; /* what a cause may hide in, and the target lacks; or NULL */
	uint32_t space;      /* that it died in; WS_NO_SPACE: none in particular */
	uint64_t root;       /* the same, where has_root, even if no space has it */
	bool has_root;
	uint64_t handler; /* that was not reached; 0: none in particular */
	uint32_t cpu;     /* that tells of it; index of ws_target_cpu() */
	bool has_cpu;
	const struct ws_storm *storm; /* NULL: it is about none */
	/* The storm once more, simulated, where has_story. */
	struct ws_story story;
	bool has_story;
	const char *
		replay_differs; /* how the machine ended otherwise; NULL: no sign of it */
	uint64_t nframes;       /* exception frames in memory, storms and all */
	uint64_t nlost;         /* of these, those that are in no list for want of room */
};
const struct ws_death *ws_autopsy_death(const struct ws_autopsy *autopsy);

/* Both live as long as the autopsy; storms: the largest first, 64 at most. Since: 0.1 */
const struct ws_clue *ws_autopsy_clues(const struct ws_autopsy *autopsy, size_t *n);
const struct ws_storm *ws_autopsy_storms(const struct ws_autopsy *autopsy, size_t *n);

/* ---- 28. frames ------------------------------------------------------------------- */

/* Whether there is anything at a physical address. Since: 0.1 */
enum ws_frame_there {
	WS_THERE,         /* the target holds it */
	WS_THERE_ABSENT,  /* the machine has memory there, which the target lacks */
	WS_THERE_NONE,    /* no memory of the machine's, by the kernel's map of it */
	WS_THERE_UNKNOWN, /* the target lacks it, and no map says which it is */
};
const char *ws_frame_there_name(enum ws_frame_there there); /* "absent". Since: 0.1 */

/*
 * What each of n frames is used for, as far as page tables, stacks, modules and struct page
 * say: of frames[i] its pa is read, and the rest filled in, of the one frame that holds it;
 * afterwards they are in the order of their pa. WS_FRAME_FAULT_PATH is none of these: that
 * takes an audit. Where only page tables are known all are unknown. Since: 0.1
 */
enum ws_status ws_system_frame_uses(struct ws_system *system, struct ws_frame_run *frames,
				    size_t n) WS_MUST_CHECK;

/* What the page allocator says of a frame: its struct page. Since: 0.1 */
struct ws_page_state {
	uint64_t va; /* where it lies */
	uint8_t use; /* WS_FRAME_FREE, _SLAB, _CACHE, _USER (anonymous), or _UNKNOWN */
	bool has_refcount;
	uint32_t refcount;
};
/*
 * WS_READ; WS_NOT_MAPPED: this frame has none, or VMCOREINFO does not describe it; WS_ABSENT:
 * the target lacks it. Since: 0.1
 */
enum ws_evidence ws_system_page_state(struct ws_system *system, uint64_t pa,
				      struct ws_page_state *state) WS_MUST_CHECK;

/* ---- 29. who maps frames ---------------------------------------------------------- */

/*
 * Every entry of every page table that maps a page, by the memory that it maps. The system
 * must outlive it. Since: 0.1
 */
struct ws_frame_map;
enum ws_status ws_frame_map_create(struct ws_system *system,
				   struct ws_frame_map **map) WS_MUST_CHECK;
void ws_frame_map_destroy(struct ws_frame_map *map);

/* Memory that the spaces of a set map at one address, with the same rights. Since: 0.1 */
struct ws_mapping {
	uint64_t pa, last; /* its first byte and its last */
	uint64_t va;       /* of pa */
	uint32_t set;      /* which spaces: ws_frame_map_set() */
	uint32_t nspaces;  /* and how many these are */
	uint8_t page_shift;
	uint8_t access; /* enum ws_access */
	uint64_t more;  /* mappings of the same memory that are not listed after it */
};
/* Return false to stop. Since: 0.1 */
typedef bool ws_mapping_fn(void *arg, const struct ws_mapping *mapping);

/*
 * Every mapping of memory in [pa, last], and no more of it than that, in the order of what
 * one entry, or neighbouring ones alike, map. Since: 0.1
 */
void ws_frame_map_each(const struct ws_frame_map *map, uint64_t pa, uint64_t last,
		       ws_mapping_fn *fn, void *arg);

/* Neighbours in ws_system_spaces(), by their indices, both included. Since: 0.1 */
struct ws_space_span {
	uint32_t first, last;
};
/* The spaces of a set, in their order; NULL past the last set. Since: 0.1 */
const struct ws_space_span *ws_frame_map_set(const struct ws_frame_map *map, uint32_t set,
					     size_t *n);

/* How many frames of page tables the target lacks, and the first. Since: 0.1 */
uint64_t ws_frame_map_lacks(const struct ws_frame_map *map, uint64_t *pa);
/* Whether all tables were read; false: there are more than is borne. Since: 0.1 */
bool ws_frame_map_is_whole(const struct ws_frame_map *map);

/* Frames of which two things are said that cannot both be true. Since: 0.1 */
struct ws_frame_conflict {
	const char *rule; /* the id of the one that an audit reports it by */
	const char *what; /* in words */
	uint64_t pa, last;
	uint32_t space; /* the first that is concerned; WS_NO_SPACE: none that is known */
	uint64_t va;    /* that it maps there; of a table, that the table rules */
	uint64_t va_last;
	uint8_t access; /* enum ws_access; of a table 0 */
	uint8_t use;    /* enum ws_frame_use: what the frame is beside that */
};
/* All of them, by pa; they live as long as the map. Since: 0.1 */
enum ws_status ws_frame_map_conflicts(struct ws_frame_map *map,
				      const struct ws_frame_conflict **conflicts,
				      size_t *n) WS_MUST_CHECK;

/* ---- 30. processors --------------------------------------------------------------- */

/* What a processor is at, as far as its registers and memory say. Since: 0.1 */
struct ws_cpu_state {
	bool has_root;
	uint64_t root;  /* that it has loaded, where has_root */
	uint32_t space; /* with that root; WS_NO_SPACE: none that is known */
	/*
	 * The task that it runs, by the stack that it is on: its group, an index into
	 * ws_system_tasks(), or WS_NO_TASK; and, where has_thread, the thread itself.
	 */
	uint32_t task;
	bool has_thread;
	uint32_t thread_pid;
	char thread_comm[17];
	/*
	 * The mm_struct that the kernel takes it to have loaded, by its own per-CPU data:
	 * it names whose a root is that no register has any more.
	 */
	bool has_loaded_mm;
	uint64_t loaded_mm;
	uint32_t loaded_space; /* whose mm that is; WS_NO_SPACE: none's that is known */
	bool loaded_by_shape;  /* no symbol names the place: it is what looks like it */
};
/* Of ws_target_cpu(target, i); WS_ERR_NOT_FOUND: there is none. Since: 0.1 */
enum ws_status ws_system_cpu_state(struct ws_system *system, size_t i,
				   struct ws_cpu_state *state) WS_MUST_CHECK;

/* Where a processor goes when it takes an exception, or an interrupt. Since: 0.1 */
struct ws_entry_point {
	unsigned number;  /* the vector's */
	const char *name; /* "#PF", "data abort"; NULL: none of its own */
	const char *
		kind; /* "interrupt", "trap", "task": gates; "vector"; NULL: not present */
	uint64_t va;  /* of what is run, where is_code */
	uint64_t handler; /* that this leads to in the kernel; 0: not followed */
	bool is_code;
	bool has_gate; /* then: */
	uint8_t dpl;
	uint8_t own_stack; /* that it changes to, by its number; 0: none */
	uint16_t selector;
};

/*
 * Its n-th one, as its own tables have it: WS_READ; WS_NOT_MAPPED: there are no more, or
 * nothing is mapped where they are; WS_ABSENT: where they are, or what lies there, is not in
 * the target. Since: 0.1
 */
enum ws_evidence ws_system_entry_point(struct ws_system *system, const struct ws_cpu *cpu,
				       unsigned n,
				       struct ws_entry_point *point) WS_MUST_CHECK;

/* ---- 31. stacks ------------------------------------------------------------------- */

/*
 * Something on a kernel stack that means something by itself: a word that leads into the
 * kernel's or a module's code, or what a processor pushed when it took an exception. Which
 * call made a word, and whether that call has returned since, is not known. Since: 0.1
 */
struct ws_stack_word {
	uint64_t va;    /* where it lies; of an exception frame, its lowest byte */
	uint64_t value; /* the address of code; of a frame, where it interrupted */
	bool is_frame;
	struct ws_exception_frame frame; /* where is_frame */
};

/* Since: 0.1 */
struct ws_kernel_stack {
	uint64_t va,
		size;  /* its lowest byte, and what is known to be its from there on */
	uint32_t task; /* whose it is; WS_NO_TASK: no task's, but a processor's own */
	bool has_sp;
	uint64_t sp;     /* what lies below is what is left of calls that have returned */
	bool is_running; /* a processor is on it: sp is that of its registers */
	uint64_t absent; /* bytes of it that the target lacks */
	struct ws_stack_word *words; /* by rising va */
	size_t nwords;
};

/*
 * Of a task, by its index in ws_system_tasks(); or of a processor: the stack that it is on,
 * and, while it is in user mode, its task's. WS_ERR_NOT_FOUND: it has none (a zombie's is
 * gone); WS_ERR_UNKNOWN: which it is is not known. *stack is released by the caller.
 * Since: 0.1
 */
enum ws_status ws_system_task_stack(struct ws_system *system, uint32_t task,
				    struct ws_kernel_stack *stack) WS_MUST_CHECK;
enum ws_status ws_system_cpu_stack(struct ws_system *system, size_t cpu,
				   struct ws_kernel_stack *stack) WS_MUST_CHECK;
void ws_kernel_stack_release(struct ws_kernel_stack *stack);

/* ---- 32. what would mend a space -------------------------------------------------- */

/* What came of an entry that was to be written. Since: 0.1 */
enum ws_sync_end {
	WS_SYNC_LEFT,    /* nobody has tried to */
	WS_SYNC_WRITTEN, /* it holds `then` now */
	WS_SYNC_IS_SO,   /* it held that already: nothing was written */
	WS_SYNC_CHANGED, /* it holds neither `now` nor `then` any more: nothing was written */
	WS_SYNC_GONE,    /* its space is not there any more */
	WS_SYNC_REFUSED, /* the kernel refused to write it */
	WS_SYNC_DOUBT,   /* it was to be written, and nobody has said whether it was */
};
const char *ws_sync_end_name(enum ws_sync_end end); /* "written"; static */

/*
 * An entry of a space's own page table that differs from init_mm's, what would become of it
 * if the space were brought up to date, as the kernel's own code does where it does; and,
 * once that was done, what came of it. Since: 0.1
 */
struct ws_sync_entry {
	uint32_t space;      /* index into ws_system_spaces(); WS_NO_SPACE: it is gone */
	uint32_t pid;        /* as that space has it; by these three it is known again */
	uint64_t root, mm;   /* mm 0: unknown */
	uint8_t level;       /* of the table that the entry is in; 0: the root */
	uint8_t size;        /* of the entry, in bytes */
	uint8_t end;         /* enum ws_sync_end */
	bool proved;         /* walked again since: the space has what was written */
	uint64_t pa;         /* where it lies */
	uint64_t va, last;   /* what it is for */
	uint64_t witness;    /* the first of these that init_mm maps; or va */
	const char *region;  /* where va lies: "vmalloc"; static; NULL: unknown */
	uint64_t now, then;  /* what it holds, and is to hold: what init_mm's does */
	uint64_t from;       /* where that lies; 0: nowhere, it is taken back */
	const char *refused; /* why it would be left alone, static; NULL: it would not */
};

struct ws_sync_plan;

/*
 * By the audit's findings of coherence; the audit must outlive it. By space, and in a space
 * by address; each entry once. Since: 0.1
 */
enum ws_status ws_sync_plan_create(struct ws_audit *audit,
				   struct ws_sync_plan **plan) WS_MUST_CHECK;
void ws_sync_plan_destroy(struct ws_sync_plan *plan);
const struct ws_sync_entry *ws_sync_plan_entries(const struct ws_sync_plan *plan,
						 size_t *n);

/* ---- 33. mending ------------------------------------------------------------------- */

/*
 * The plan to take back what was written: of each of n entries pid, root, mm, level, witness,
 * now and then, as they were in the plan that was carried out. In it these two have changed
 * places. Left alone is what has been changed since, and whose space is gone; and what no
 * plan of this library has: only a space's own entry that was empty is taken back. Since: 0.1
 */
enum ws_status ws_sync_plan_undo(struct ws_system *system,
				 const struct ws_sync_entry *entries, size_t n,
				 struct ws_sync_plan **plan) WS_MUST_CHECK;

/*
 * Carries the plan out: each entry is written that is not refused and still holds `now`, and
 * then all are walked anew. A machine must stand still (WS_ERR_USAGE), or its kernel do it
 * itself; WS_ERR_UNSUPPORTED: this target is never written to, or what is taken back may
 * stay in a TLB. After a failure each entry's end is what is known of it. Since: 0.1
 */
enum ws_status ws_sync_plan_apply(struct ws_system *system,
				  struct ws_sync_plan *plan) WS_MUST_CHECK;

/*
 * What comes of a simulated machine that was written to, when it goes on from there: a
 * sentence, to be freed. NULL: of another target, whose machine itself shows it. Since: 0.1
 */
enum ws_status ws_sync_goes_on(struct ws_target *target, char **sentence) WS_MUST_CHECK;

/*
 * Whether a target may be written to at all, as it was opened; or why not. *lasts: what is
 * written is there when the target is closed. Since: 0.1
 */
enum ws_status ws_target_may_write(struct ws_target *target, bool *lasts) WS_MUST_CHECK;

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
