/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paging formats as rows of data under one walk. This directory is freestanding: it
 * allocates nothing and calls nothing outside itself.
 *
 * How to add a format: write one file with one struct ws_format (i386.c is the
 * shortest), add it to formats[] in format.c, and give it vectors in tests/spec/.
 * docs/add-a-format.md does RISC-V Sv39 as an example.
 */
#ifndef WS_PAGING_FORMAT_H
#define WS_PAGING_FORMAT_H

#include "util/bits.h"
#include "whosees.h"

/*
 * One way to read an entry. Rows are tried in order; the first with (entry & mask) ==
 * value decides. An entry that no row takes is a hole if (entry & present) is 0 in its
 * level, and malformed otherwise.
 */
enum ws_row_kind {
	WS_ROW_NONE, /* ends a list of rows */
	WS_ROW_TABLE,
	WS_ROW_LEAF,
};

/* A piece of a physical address: the entry's bits under mask, moved left by shift. */
struct ws_piece {
	uint64_t mask;
	int8_t shift;
};

/* Rights that an entry takes away where (entry & mask) == value. Ends with mask 0. */
struct ws_denial {
	uint64_t mask, value;
	uint8_t denied; /* enum ws_access */
};

/* A bit and what the manual calls it. Ends with a NULL name. */
struct ws_attribute {
	uint64_t bit;
	const char *name;
};

struct ws_row {
	uint64_t mask, value;
	enum ws_row_kind kind;
	uint8_t page_shift; /* leaves only */
	struct ws_piece address[2];
	uint64_t reserved; /* must be 0, whatever the processor */
	const struct ws_denial *denials;
	const struct ws_attribute *attributes;
	uint64_t tcg; /* reserved bits that QEMU's TCG sets all the same */
};

#define WS_MAX_ROWS 3

struct ws_level {
	const char *name;       /* "page directory" */
	const char *entry_name; /* "PDE" */
	uint8_t shift;          /* lowest va bit of the index */
	uint8_t bits;           /* width of the index */
	struct ws_row row[WS_MAX_ROWS + 1];
};

struct ws_format {
	const char *name;
	const char *title;
	uint8_t entry_log2; /* log2 of an entry's size: 2 or 3 */
	uint8_t va_bits;
	bool canonical; /* bits above va_bits repeat the top one (SDM vol. 1, 3.3.7.1) */
	uint64_t root_mask;  /* CR3's address bits */
	uint64_t present;    /* an entry without any of these bits is a hole */
	uint64_t touched;    /* bits the processor sets by itself: accessed, dirty */
	uint64_t no_execute; /* the XD bit, or 0: reserved while NXE is off */
	/* Address bits from MAXPHYADDR up to this one are reserved (0: none are). */
	uint8_t pa_bits;
	uint8_t nlevels;
	struct ws_level level[WS_MAX_LEVELS];
};

extern const struct ws_format ws_format_i386, ws_format_i386_nopse, ws_format_i386_pae,
	ws_format_x86_64, ws_format_x86_64_la57;

/* What one entry means: the row that takes it, or NULL. */
static inline const struct ws_row *ws_row_of(const struct ws_level *level, uint64_t entry)
{
	for (const struct ws_row *row = level->row; row->kind != WS_ROW_NONE; row++)
		if ((entry & row->mask) == row->value)
			return row;
	return NULL;
}

static inline uint64_t ws_piece_of(const struct ws_piece *piece, uint64_t entry)
{
	uint64_t bits = entry & piece->mask;

	return piece->shift >= 0 ? bits << piece->shift : bits >> -piece->shift;
}

/* Where an entry points: a table's or a page's first byte. */
static inline uint64_t ws_row_address(const struct ws_row *row, uint64_t entry)
{
	return ws_piece_of(&row->address[0], entry) |
	       ws_piece_of(&row->address[1], entry);
}

static inline uint8_t ws_row_denied(const struct ws_row *row, uint64_t entry)
{
	uint8_t denied = 0;

	for (const struct ws_denial *d = row->denials; d && d->mask; d++)
		if ((entry & d->mask) == d->value)
			denied |= d->denied;
	return denied;
}

/* The bits of an entry, which row takes, that this processor refuses (check.c). */
uint64_t ws_reserved_bits(const struct ws_paging *paging, const struct ws_row *row,
			  uint64_t entry);

static inline enum ws_end ws_unmatched_end(const struct ws_format *format, uint64_t entry)
{
	return entry & format->present ? WS_END_MALFORMED : WS_END_HOLE;
}

/* How a walk ends at a table that was not read. */
static inline enum ws_end ws_unread_end(enum ws_evidence evidence)
{
	return evidence == WS_FAILED ? WS_END_FAILED : WS_END_ABSENT;
}

static inline uint64_t ws_level_index(const struct ws_level *level, uint64_t va)
{
	return va >> level->shift & (WS_BIT(level->bits) - 1);
}

static inline uint64_t ws_load_entry(const uint8_t *frame, uint64_t pa,
				     uint8_t entry_log2)
{
	const uint8_t *p = frame + (pa & (WS_FRAME_SIZE - 1));

	return entry_log2 == 3 ? ws_le64(p) : ws_le32(p);
}

/* The va with its bits above the format's width made canonical. */
static inline uint64_t ws_canonical(const struct ws_format *format, uint64_t va)
{
	unsigned unused = 64 - format->va_bits;

	return format->canonical ? (uint64_t)((int64_t)(va << unused) >> unused) : va;
}

static inline bool ws_translatable(const struct ws_format *format, uint64_t va)
{
	uint64_t clipped = va & (~UINT64_C(0) >> (64 - format->va_bits));

	return ws_canonical(format, clipped) == va;
}

#endif
