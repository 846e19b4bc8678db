/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a root looks like. Roots have no magic number; but each holds its own copy of the
 * kernel's entries, so each looks like one that is known.
 *
 *	i386	the page directory's kernel entries
 *	PAE	those of the kernel's page directories, which a 32-byte PDPT leads to:
 *		one that all share, or (with PTI, and since 2025 always) one each
 *	x86-64	the top-level table's upper half
 */
#ifndef WS_LINUX_ROOTS_H
#define WS_LINUX_ROOTS_H

#include "linux/linux.h"

#define WS_SAMPLES 16

/*
 * A known private table and which of its entries to judge others by. Only those of the
 * direct map, if there are enough: they never change, while those of vmalloc memory are
 * what may be missing or stale. Constant during a scan, so that threads can share it.
 */
struct ws_likeness {
	uint8_t table[WS_FRAME_SIZE];
	uint16_t slot[1024];
	unsigned nslots;
	uint16_t sample[WS_SAMPLES]; /* some of slot, spread: looked at first */
	unsigned nsamples;
	uint8_t entry_log2;
	bool by_pdpt;        /* PAE: a root is a PDPT that leads to such a table, */
	unsigned pdpte;      /* in this entry */
	uint64_t memory_end; /* no table lies at or above it */
};

/* The level of the tables that a process has of its own for the kernel half. */
unsigned ws_private_level(const struct ws_format *format);
/* The entry of the root where the kernel half begins. */
unsigned ws_first_kernel_slot(const struct ws_system *system);
/*
 * The bits of an entry that roots have in common: the frame, P and PS, but not A or NX.
 */
uint64_t ws_common_bits(const struct ws_format *format);

/* From the reference. False where it has no entry to judge by. */
bool ws_likeness_take(struct ws_system *system, struct ws_likeness *likeness);
bool ws_is_like(const struct ws_likeness *likeness, const uint8_t *table);
/* All but PDPTs fail here, for the most: of bits 11:0 a PDPTE has P and at most A. */
static inline bool ws_may_be_pdpt(const struct ws_likeness *likeness,
				  const uint8_t *bytes)
{
	return (bytes[8 * likeness->pdpte] & 0xdf) == 1;
}
/* Whether 32 bytes have a PDPT's shape, and *table where its kernel PDPTE leads. */
bool ws_is_pdpt(const struct ws_likeness *likeness, const uint8_t *bytes,
		uint64_t *table);

/* The root's table in memory, or NULL: its frame, at the root's offset in it. */
const uint8_t *ws_root_table(struct ws_system *system, uint64_t root);
bool ws_user_half_is_empty(struct ws_system *system, uint64_t root);

/* PTI: whether the page above the root is its user half. */
bool ws_has_user_half(struct ws_system *system, uint64_t root);
/* Whether this kernel runs user code with roots of their own: most roots show it. */
bool ws_isolates(struct ws_system *system);

/* Adds a root that is not there yet; keeps the order. */
enum ws_status ws_root_add(struct ws_system *system, uint64_t root) WS_MUST_CHECK;
/* Its index in system->roots, or SIZE_MAX. */
size_t ws_root_find(const struct ws_system *system, uint64_t root);

/* Makes the majority of all roots the reference. */
enum ws_status ws_find_consensus(struct ws_system *system) WS_MUST_CHECK;

#endif
