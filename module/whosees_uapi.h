/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What /dev/whosees answers. Every struct has the same layout for 32-bit and 64-bit callers,
 * in native byte order: pointers are __u64, and nothing is padded by the compiler.
 *
 * Open needs CAP_SYS_ADMIN, and is refused (EPERM) while the kernel is locked down, as all
 * calls are. Each returns 0, or -1 with errno: EFAULT for memory that is not the caller's,
 * EINVAL for what makes no sense, E2BIG for more than one call answers, ESRCH for a space that
 * is not there (any more), ENOENT for a table that a walk does not come to, EAGAIN where
 * processes begin faster than they can be counted, ENOMEM, EINTR, ENOTTY.
 *
 * A list: the caller has room for so many elements at `at`; `n` becomes how many there are,
 * of which the first `room` are written.
 */
#ifndef WHOSEES_UAPI_H
#define WHOSEES_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Grows when a struct or the meaning of one changes: who finds another must not go on. */
#define WHOSEES_VERSION 2

#define WHOSEES_SYNCS 1u /* it was loaded with allow_sync=1 */

struct whosees_about {
	__u32 version;
	__u32 word;   /* sizeof(long) of the kernel */
	__u32 levels; /* of its page tables, folded ones not counted */
	__u32 page_shift;
	__u32 ncpus; /* online */
	__u32 flags;
	__u64 kernel_first; /* below it probes are refused: it is user mode's */
};

struct whosees_list {
	__u64 at;
	__u32 room;
	__u32 n;
};

/*
 * What a processor has in a register, read on it; those of the one that asks come first. Names
 * are the manual's, in lower case.
 */
struct whosees_register {
	__u32 cpu;
	char name[12]; /* terminated: "cr3", "idt.base", "idt.limit", "satp" */
	__u64 value;
};

#define WHOSEES_SPACE_KERNEL 1u /* borrowed by a kernel thread, or by an idle processor */
#define WHOSEES_SPACE_LAZY 2u   /* of no process any more: a processor has it loaded */

/* A process's page table. Processes that share one have the same mm and root. */
struct whosees_space {
	__u64 mm;   /* where mm_struct lies */
	__u64 root; /* the physical address of its top-level table */
	__s32 pid;  /* in the initial namespace; 0: of no process */
	__u32 flags;
	char comm[16];
};

/* How the kernel's own walk for an address ends. */
#define WHOSEES_END_PAGE 0u
#define WHOSEES_END_HOLE 1u
#define WHOSEES_END_BAD 2u /* the entry is no table's, or leads to what is no memory */
#define WHOSEES_END_UNREADABLE 3u /* the table is gone: entry is 0, and was not read */

struct whosees_outcome {
	__u64 entry; /* the last one that was read */
	__u8 end;
	__u8 level; /* of that entry: 1 is the top-level table */
	__u8 reserved[6];
};

/*
 * Every address in every space. For each address a row of outcomes, of as many elements as
 * spaces are written; 256 that follow each other are of one moment.
 */
struct whosees_probe {
	struct whosees_list spaces; /* of struct whosees_space */
	__u64 addresses;            /* of naddresses __u64 */
	__u64 outcomes;             /* room for naddresses * spaces.room */
	__u32 naddresses;           /* WHOSEES_ADDRESSES_MAX at most */
	__u32 reserved;             /* 0 */
};
#define WHOSEES_ADDRESSES_MAX 512u

/* The table on the way to an address, copied: one page, as the kernel's own walk meets it. */
struct whosees_table {
	__u64 mm; /* which space: as whosees_space has it */
	__u64 address;
	__u64 at; /* where one page is written */
	__u32 level;
	__u32 reserved; /* 0 */
	__u64 pa;       /* becomes where it lies */
};

/*
 * An entry of a space's own page table that is to hold what init_mm's does, now it is empty; or
 * that is to be empty again. Written is only what the kernel finds to be so:
 *
 *   0             it holds `then` now
 *   1             it held that already (WHOSEES_SYNC_WAS_SO)
 *   EBUSY         it holds neither `now` nor `then`
 *   EAGAIN        what is to be emptied is of a space that another processor has loaded, which
 *                 runs in it, or idles, or runs a kernel thread
 *   ESTALE        init_mm's is neither `then` nor `now`
 *   EDEADLK       what is to be emptied is of the space that asks, or leads to the stack of a
 *                 thread that has it
 *   EOPNOTSUPP    spaces have no entry of their own there; PAE's top level, which a processor
 *                 reads when CR3 is loaded, and not again
 *   EINVAL        no such level; a user address; not exactly one of `now` and `then` is 0
 *   ESRCH, ENOENT no such space, or its tables end before that level
 *   ECANCELED     nobody has come to it
 */
#define WHOSEES_SYNC_WAS_SO 1

struct whosees_sync_entry {
	__u64 mm;      /* which space: as whosees_space has it */
	__u64 address; /* any that the entry is for */
	__u64 now;     /* what it holds; what the processor sets in it is ignored */
	__u64 then;    /* what it is to hold */
	__u32 level;   /* 1 is the top-level table */
	__s32 came_to; /* becomes 0, 1, or of these one, negative */
};

/*
 * Needs allow_sync=1 and CAP_SYS_ADMIN of who asks (EPERM), and a file that is open for writing
 * (EBADF). EINVAL: `reference` is not where init_mm's table is. EOPNOTSUPP: no space has a table
 * of its own for the kernel (AArch64), or the kernel does not say where init_mm's is.
 */
struct whosees_sync {
	__u64 reference; /* the physical address of init_mm's top-level table */
	__u64 at;        /* of n struct whosees_sync_entry */
	__u32 n;         /* WHOSEES_SYNC_MAX at most */
	__u32 reserved;  /* 0 */
};
#define WHOSEES_SYNC_MAX 512u

#define WHOSEES_ABOUT _IOR('w', 0, struct whosees_about)
#define WHOSEES_REGISTERS _IOWR('w', 1, struct whosees_list)
#define WHOSEES_SPACES _IOWR('w', 2, struct whosees_list)
#define WHOSEES_PROBE _IOWR('w', 3, struct whosees_probe)
#define WHOSEES_TABLE _IOWR('w', 4, struct whosees_table)
#define WHOSEES_SYNC _IOW('w', 5, struct whosees_sync)

#endif
