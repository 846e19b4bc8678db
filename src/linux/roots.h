/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a root looks like. Roots have no magic number; but each holds its own copy of the
 * kernel's entries, or leads to one, so each looks like one that is known. Where none
 * does, all that can be said is that it is a table of tables (enum ws_root_kind).
 */
#ifndef WS_LINUX_ROOTS_H
#define WS_LINUX_ROOTS_H

#include <string.h>

#include "linux/linux.h"

#define WS_SAMPLES 16

/*
 * What a group or table of entries that lead to tables looks like, as the architecture
 * says it. size: of a group, or what lies in one frame of a table; 0: no root is known so.
 */
struct ws_root_shape {
	uint64_t value, ignored, address; /* of an entry; address: the bits of one */
	uint64_t memory_end;              /* no table lies at or above it */
	unsigned size;
	uint8_t entry_log2;
	unsigned kernel; /* of a group: the entry that leads to the kernel's */
};

/*
 * A known private table and which of its entries to judge others by. Only those of the
 * direct map, if there are enough: they never change, while those of vmalloc memory are
 * what may be missing or stale. Constant during a scan, so that threads can share it.
 */
struct ws_likeness {
	uint8_t table[WS_FRAME_SIZE]; /* of several frames: that with these entries, */
	uint64_t place;               /* and where it lies in the table */
	uint64_t align;               /* a table's address is a multiple of that */
	uint16_t slot[1024];          /* in this frame */
	unsigned nslots;
	uint16_t sample[WS_SAMPLES]; /* some of slot, spread: looked at first */
	unsigned nsamples;
	uint64_t mask; /* ws_common_bits() */
	uint8_t entry_log2;
	uint8_t kind; /* enum ws_root_kind; LEADS_TO_IT: to such a table */
	struct ws_root_shape shape;
};

enum ws_root_kind ws_root_kind(const struct ws_format *format);
/* The level of the tables that a process has of its own for the kernel half. */
unsigned ws_private_level(const struct ws_format *format);
/*
 * The entry of the root where the kernel half begins, which may begin amid what it rules
 * (ARM LPAE: modules); where roots have none, how many entries there are.
 */
unsigned ws_first_kernel_slot(const struct ws_system *system);
/* The last address below the kernel half. */
uint64_t ws_last_user_va(const struct ws_system *system);
/*
 * The bits of a private entry that roots have in common: what it leads to, and where; not
 * what the processor sets, nor rights.
 */
uint64_t ws_common_bits(const struct ws_format *format);

/* From the reference. False where it has no entry to judge by. */
bool ws_likeness_take(struct ws_system *system, struct ws_likeness *likeness);
bool ws_is_like(const struct ws_likeness *likeness, const uint8_t *table);
/* Whether a frame may be the one of a root's that was judged by, and the root. */
static inline bool ws_root_of_frame(const struct ws_likeness *likeness, uint64_t pa,
				    uint64_t *root)
{
	*root = pa - likeness->place;
	return pa >= likeness->place && !(*root & (likeness->align - 1));
}

/* The shape of a root's entries with that format. */
struct ws_root_shape ws_root_shape(const struct ws_format *format, uint64_t memory_end);
/* All but groups fail here, for the most: few of an entry's low bits are an address's. */
static inline bool ws_may_be_group(const struct ws_root_shape *shape,
				   const uint8_t *bytes)
{
	return (bytes[shape->kernel << shape->entry_log2] & (uint8_t)~shape->ignored) ==
	       (uint8_t)shape->value;
}
/* Whether bytes have a group's shape, and *table where its kernel entry leads. */
bool ws_is_group(const struct ws_root_shape *shape, const uint8_t *bytes,
		 uint64_t *table);
/* Whether all that is in it leads to tables, and something is. */
bool ws_is_table_of_tables(const struct ws_root_shape *shape, const uint8_t *bytes);

/*
 * Whether what lies at a root looks like a table of this kernel's; WS_FIT_UNKNOWN where
 * it cannot be read, or there is nothing to judge by.
 */
enum ws_fit ws_root_fit(struct ws_system *system, uint64_t root);

/* Whether a frame is one byte, repeated: as a table, empty or none. */
static inline bool ws_is_one_byte(const uint8_t *frame)
{
	return frame[0] == frame[1] && !memcmp(frame, frame + 1, WS_FRAME_SIZE - 1);
}

/*
 * The root's table in memory, or NULL: its frame, at the root's offset in it; of a table
 * of several frames, the first.
 */
const uint8_t *ws_root_table(struct ws_system *system, uint64_t root);
/* The frame of it that holds the entry at slot, for ws_entry(). */
const uint8_t *ws_root_part(struct ws_system *system, uint64_t root, unsigned slot);
/* The bytes of a root's frames. */
uint64_t ws_root_size(const struct ws_format *format);
/* How many entries lie in one frame, or in the whole of a smaller table. */
unsigned ws_slots_in_part(const struct ws_format *format);
/*
 * LEADS_TO_IT: whether it may be a root, and what would show it, the table with the kernel's
 * entries, is not in the target.
 */
bool ws_lacks_directory(struct ws_system *system, uint64_t root);
bool ws_user_half_is_empty(struct ws_system *system, uint64_t root);
/*
 * Whether something else was written over it since it was freed: most of what is there is
 * no entry. A kernel clears those that it takes out, and leaves none that is not present.
 */
bool ws_user_half_is_reused(struct ws_system *system, uint64_t root);

/*
 * *entry: what a root holds at that slot, without what the processor sets by itself. False: that
 * is not in the target.
 */
bool ws_user_entry(struct ws_system *system, uint64_t root, unsigned slot,
		   uint64_t *entry);

/*
 * On a machine that runs on: whether an entry of the user half leads elsewhere, now or in
 * the next fifth of a second, than it did. Then it is being made, or taken down, or has had
 * another user since, as most are that no task has: fork() fills one before anybody can see
 * the child.
 */
bool ws_root_is_passing(struct ws_system *system, uint64_t root);

/*
 * PTI: where the root's user half would lie, where this architecture's kernels have such;
 * and whether pa may be one, and of which root. Its address is a power of two above.
 */
uint64_t ws_user_half_of(const struct ws_system *system, uint64_t root);
bool ws_may_be_user_half(const struct ws_system *system, uint64_t pa, uint64_t *root);
/* Whether what lies there is the root's user half. */
bool ws_has_user_half(struct ws_system *system, uint64_t root);
/* Whether what lies there looks like one, whatever single entries are. */
enum ws_fit ws_user_half_fit(struct ws_system *system, uint64_t root);
/* Whether this kernel runs user code with roots of their own: most roots show it. */
bool ws_isolates(struct ws_system *system);

/* Adds a root that is not there yet; keeps the order. */
enum ws_status ws_root_add(struct ws_system *system, uint64_t root) WS_MUST_CHECK;
/* Its index in system->roots, or SIZE_MAX. */
size_t ws_root_find(const struct ws_system *system, uint64_t root);

/* Makes the majority of all roots the reference. */
enum ws_status ws_find_consensus(struct ws_system *system) WS_MUST_CHECK;

#endif
