/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linux on an architecture: what discovery (src/linux, src/capture.c) asks of it. Rows
 * before hooks: a hook is for what no row can say. They are filled in by the folder of
 * the architecture, whose files may include linux/linux.h for that.
 *
 * Virtual and physical addresses are numbers modulo 2^64, so a difference va - pa is one
 * whether or not it is negative: RAM begins at 0 on x86, at 0x40000000 or 0x80000000 on
 * many an ARM or RISC-V machine, and above 4 GiB on some.
 */
#ifndef WS_ARCH_LINUX_H
#define WS_ARCH_LINUX_H

#include "paging/format.h"

struct ws_system; /* linux/linux.h */
struct ws_cpu;    /* arch/arch.h */

/*
 * Whether something is what it is taken for, or a text is of this boot: memory says so
 * itself, and memory that the dump does not hold says nothing.
 */
enum ws_fit {
	WS_FIT_UNKNOWN,
	WS_FITS,
	WS_MISFITS,
};

/*
 * How a process's root is known for one in a pass over memory.
 *
 * HOLDS_KERNEL  It is a table with the kernel's entries in it, those of the direct map at
 *		 least: by these (i386's and ARM's page directories, x86-64's top table,
 *		 RISC-V's root). Of a table of several frames, ARM's 16 KiB, the frame that
 *		 holds PAGE_OFFSET's entry is looked for.
 * LEADS_TO_IT	 It is a group of a few entries, and that of PAGE_OFFSET leads to a table
 *		 which holds the kernel's: to one of its own, or to the one that all
 *		 share (PAE's PDPTs, and the PGDs of ARM LPAE).
 * NO_KERNEL	 The kernel has a root of its own, the reference, and a process's has no
 *		 part of it (AArch64's TTBR0): nothing to know it by but that all its
 *		 entries lead to tables, and that an mm points to it. Whatever has the
 *		 shape is kept until tasks are known, and only what has an mm then.
 */
enum ws_root_kind {
	WS_ROOT_HOLDS_KERNEL,
	WS_ROOT_LEADS_TO_IT,
	WS_ROOT_NO_KERNEL,
};

/* Linux with one paging format. */
struct ws_linux_layout {
	const struct ws_format *format; /* rows end with NULL */
	uint8_t word;                   /* sizeof(long): 4 or 8 */

	/*
	 * The direct map (lowmem, linear map). first, last: where its addresses can lie.
	 * delta: which differences va - pa it can have, all multiples of the step; from
	 * delta_first up to delta_last, modulo 2^64.
	 */
	uint64_t direct_first, direct_last;
	uint64_t delta_first, delta_last, delta_step;
	/*
	 * Physical memory begins at 0 on every machine, and the direct map with it; else
	 * it begins where the first byte lies that is mapped at its difference.
	 */
	bool from_zero;
	/* Then: all gaps in it are narrower than this, and the one behind it is not. */
	uint64_t direct_gap;
	/*
	 * The kernel's own addresses begin so far below the direct map (ARM: modules and
	 * pkmap). Of a canonical format they are the upper half, and this says nothing.
	 */
	uint64_t below;

	/*
	 * Where the image's own mapping can lie; both 0: it is mapped by the direct map
	 * only (32-bit kernels). Modules are looked for in modules_first to modules_last;
	 * both 0: wherever the kernel's addresses are.
	 */
	uint64_t image_first, image_last;
	bool image_anywhere; /* and much else with it */
	/* Which bits of an entry may say that memory is encrypted, and by which name: all that
	 * lead to tables have it (AMD's C bit). 0: there are none such. */
	uint64_t encryption_bits;
	const char *encryption_name;
	/* A head of its own, mapped or not, lies before its code. */
	bool image_head;
	uint64_t modules_first, modules_last;

	/*
	 * What a root looks like, and (but for HOLDS_KERNEL) what an entry in it that
	 * leads to a table holds beside the address, whose entry it is: table_value, where
	 * table_ignored may be set or not. No memory lies at or above memory_end.
	 */
	uint8_t root; /* enum ws_root_kind */
	uint64_t table_value, table_ignored;
	uint64_t memory_end;
	/*
	 * Where no register and no note leads to a root, tables in memory are held against
	 * that (candidates.c): of HOLDS_KERNEL an address whose entry is there in all, as
	 * the fixmap's, the vectors' or the image's is. root_maps_image: a lower table,
	 * read as a root, may seem to map itself as well, but no image in its place.
	 */
	uint64_t anchor;
	bool root_maps_image;

	/*
	 * Roots below that are the kernel's own, to start processors with (x86's real-mode
	 * trampoline); 0: none is known by its place.
	 */
	uint64_t low_roots_end;
	bool sections_static; /* it selects SPARSEMEM_STATIC */
	/* The resource "Kernel data" reaches to the image's end, and there is none for
	 * .bss (ARM, AArch64). */
	bool data_holds_bss;
	uint64_t image_head_max; /* _stext lies so far behind _text at most */
	/* init_mm's root lies so far before _text; 0: in the image. */
	uint64_t root_before_image;
	/* The stack pointer of a task that sleeps is kept in thread_info, at the beginning
	 * of task_struct (ARM); else in thread_struct, which lies behind comm. */
	bool sp_in_thread_info;
};

/*
 * Page-table isolation: a second root that a process runs user code with, so far above
 * its root as `distance`.
 */
struct ws_user_halves {
	uint64_t distance;
	/* Whether what lies there is one; and whether it looks like one, whatever single
	 * entries are. */
	bool (*has)(struct ws_system *system, uint64_t root);
	enum ws_fit (*fit)(struct ws_system *system, uint64_t root);
};

/*
 * Pages in the kernel's half that user mode is meant to see: each page from first to
 * last of a kernel with longs of that size, before version `until` (1000 * major + minor;
 * of 2.6 all are 2006), where is_it says so of what lies there. (ARM: the vectors page
 * with its kuser helpers.)
 */
#define WS_ALWAYS UINT32_MAX
struct ws_users_page {
	uint8_t word; /* rows end with 0 */
	uint64_t first, last;
	bool (*is_it)(struct ws_system *system, uint64_t va, uint64_t pa, uint64_t entry);
	uint32_t until;
};

/*
 * A root that the kernel has for a purpose of its own, and no task: to bring a processor
 * up with, to call firmware in, to change its text through. What it has to map an audit
 * knows by it (struct ws_special, audit/special.h).
 *
 * It is found by its place, where that says. Below the row's low_roots_end every root is
 * it, and is_it finds it there where the pass over memory has not. At a distance from
 * init_mm's root is_it says whether what lies there is it; and of a root that was found in
 * the image is_it alone. What no place says, symbols do, which take longer to load: `by`
 * is how the symbol leads to it.
 */
enum ws_special_by {
	WS_SPECIAL_TABLE,    /* the symbol is the table */
	WS_SPECIAL_TABLE_AT, /* a pointer to it */
	WS_SPECIAL_TABLE_PA, /* its physical address */
	WS_SPECIAL_MM,       /* an mm_struct */
	WS_SPECIAL_MM_AT,    /* a pointer to one */
};
#define WS_SPECIAL_SYMBOLS 2

struct ws_special_root {
	const char *name; /* as the kernel calls it, 19 letters at most; NULL: the end */
	uint8_t word;     /* in kernels with longs of that size; 0: in all */
	const char *symbol[WS_SPECIAL_SYMBOLS]; /* the names it has had, or none */
	uint8_t by;                             /* enum ws_special_by */
	bool low;                               /* below low_roots_end */
	int64_t beside; /* so many bytes from init_mm's root; 0: its place is not known */
	bool (*is_it)(struct ws_system *system,
		      uint64_t root); /* NULL: the place is all */
	const char *has; /* a symbol of kernels that have it; NULL: none says */
	/* What no row can say. WS_NOT_MAPPED: there is none, or nothing leads to it. */
	enum ws_evidence (*find)(struct ws_system *system, uint64_t *root);
	/* By which its tables are read; NULL: by the format of all others. */
	const struct ws_format *(*format)(struct ws_system *system, uint64_t root);
};

/* What a processor runs for that vector, under the names it has had. */
struct ws_vector_handler {
	unsigned vector;
	const char *name[3]; /* rows end with none */
};

/* What a processor may keep of where its task's stack ends. */
#define WS_STACK_TOPS 2

/* At most so many places are tried for swapper_pg_dir. */
#define WS_SWAPPERS_MAX 8

struct ws_arch_linux {
	const struct ws_linux_layout *layouts; /* one for each format that Linux uses */

	/*
	 * VMCOREINFO has swapper_pg_dir at va: the physical addresses at which it may
	 * lie, best first; the one whose root maps va to itself is believed. False: what
	 * is known does not say (arm64: kimage_voffset; riscv: va_kernel_pa_offset; arm:
	 * PHYS_OFFSET, unless the direct map's difference is known).
	 */
	bool (*swappers)(struct ws_system *system, uint64_t va,
			 uint64_t pa[static WS_SWAPPERS_MAX], unsigned *n);

	/*
	 * NULL: no process has a second root. (AArch64's tramp_pg_dir is one for all, in
	 * TTBR1, beside swapper_pg_dir: a reference of the user's, and none of these.)
	 */
	const struct ws_user_halves *user_halves;

	/* The bit of entries, and of the register with the root, that says of encrypted
	 * memory whose key it has, and is no address bit; bit 0: none. It is asked once
	 * more when the reference is known. NULL: there are none such. */
	struct ws_attribute (*encryption)(const struct ws_system *system);

	/*
	 * Adds the parts of the kernel's address space (ws_region_add(), linux/region.h),
	 * but for the direct map, which is regions.v[0] already, and the image.
	 */
	enum ws_status (*regions)(struct ws_system *system);

	const struct ws_users_page *users_pages; /* NULL: none */

	const struct ws_special_root *specials; /* NULL: none is known */

	/*
	 * Where a processor's own tables say that the kernel stack of its task ends, one
	 * past its last byte, first that of a fault in user mode; what else they may hold
	 * there is no task's stack. False: not known. NULL: they say nothing, and SP in
	 * kernel mode (ws_arch.kernel_sp) is all.
	 */
	bool (*stack_tops)(struct ws_system *system, const struct ws_cpu *cpu,
			   uint64_t top[static WS_STACK_TOPS]);

	/* Some of the handlers, and where the processor's own tables have one: by these a
	 * file of symbols is held against memory. NULL: none. */
	const struct ws_vector_handler *handlers;
	bool (*handler_va)(struct ws_system *system, const struct ws_cpu *cpu,
			   unsigned vector, uint64_t *va);

	/* Where it goes when it takes an exception: ws_system_entry_point(). NULL: not known. */
	enum ws_evidence (*entry_point)(struct ws_system *system,
					const struct ws_cpu *cpu, unsigned n,
					struct ws_entry_point *point);
	/*
	 * The mm that the kernel takes that processor to have loaded, by its per-CPU data;
	 * *by_shape: by what looks like it. False: not found. NULL: kernels keep none.
	 */
	bool (*loaded_mm)(struct ws_system *system, size_t cpu, uint64_t *mm,
			  bool *by_shape);

	/* Looks, for a capture, at all that a processor's registers point at and that an
	 * audit reads: ws_kernel_tour(). NULL: nothing. */
	void (*tour_registers)(struct ws_system *system, const struct ws_cpu *cpu);
};

/* The row of a format, or of a copy of one; NULL: its Linux is not known. */
const struct ws_linux_layout *ws_linux_layout_of(const struct ws_format *format);

static inline bool ws_may_be_delta(const struct ws_linux_layout *row, uint64_t delta)
{
	return delta - row->delta_first <= row->delta_last - row->delta_first &&
	       !(delta & (row->delta_step - 1));
}

#endif
