/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the second readings of the manuals have in common (manual.h): no word of a format.
 */
#ifndef TESTS_READING_H
#define TESTS_READING_H

#include "frames.h"
#include "manual_answer.h"

struct reading {
	const struct ws_paging *paging;
	uint64_t va;
	struct manual_answer answer;
};

/* Bits high:low, as the manuals write them; none where high < low. */
static inline uint64_t bits(int high, int low)
{
	uint64_t mask = 0;

	for (int i = low; i <= high; i++)
		mask |= UINT64_C(1) << i;
	return mask;
}

static inline uint64_t field(uint64_t value, int high, int low)
{
	return (value & bits(high, low)) >> low;
}

/* Reads the entry at pa; false where the walk ends here, for it is not in memory. */
static inline bool read_entry(struct reading *r, unsigned level, uint64_t pa,
			      unsigned size, uint64_t *entry)
{
	const uint8_t *frame = paging_frame(r->paging, pa);

	r->answer.level = level;
	*entry = 0;
	r->answer.end = frame ? WS_END_HOLE : WS_END_ABSENT;
	for (unsigned i = 0; frame && i < size; i++)
		*entry |= (uint64_t)frame[pa % 4096 + i] << 8 * i;
	return frame;
}

static inline void deny(struct reading *r, bool yes, unsigned access)
{
	if (yes)
		r->answer.access &= ~access;
}

/* Keeps the first entry that sets a reserved bit. */
static inline void reserve(struct reading *r, uint64_t entry, uint64_t reserved)
{
	if (r->answer.flawed || !(entry & reserved))
		return;
	r->answer.flawed = true;
	r->answer.flaw = (struct ws_flaw){ (uint8_t)r->answer.level, entry & reserved };
}

static inline void page(struct reading *r, unsigned shift, uint64_t address)
{
	r->answer.end = WS_END_PAGE;
	r->answer.page_shift = shift;
	r->answer.pa = address + (r->va & bits((int)shift - 1, 0));
}

/* Bits 63 to highest of an address are all ones or all zeros. */
static inline bool alike_from(uint64_t va, int highest)
{
	uint64_t top = field(va, 63, highest);

	return top == 0 || top == field(~UINT64_C(0), 63, highest);
}

/* Each reads its own formats: false where the name is none of them. */
bool manual_arm(struct reading *r, const char *name, uint64_t root);
bool manual_arm64(struct reading *r, const char *name, uint64_t root);
bool manual_riscv(struct reading *r, const char *name, uint64_t root);

#endif
