/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paging formats as rows of data under one walk. This directory is freestanding: it
 * allocates nothing and calls nothing outside itself.
 *
 * How to add a format: write one file with one struct ws_format in the folder of its
 * architecture (src/x86/i386.c is the shortest), add it to the formats of its struct
 * ws_arch, and give it vectors in tests/spec/. docs/add-a-format.md has an example.
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

/*
 * Rights that an entry takes away where (entry & mask) == value. Ends with mask 0. given:
 * only where the levels above have left all of these: on AArch64 the kernel may not
 * execute what user mode may write, and an entry above may have taken the latter.
 */
struct ws_denial {
	uint64_t mask, value;
	uint8_t denied, given; /* enum ws_access */
};

/* A value of a field that the processor refuses. Ends with mask 0. */
struct ws_refusal {
	uint64_t mask, value;
};

/* A bit and what the manual calls it. Ends with a NULL name. */
struct ws_attribute {
	uint64_t bit;
	const char *name;
};

/* ARM's supersections take three: a base, and two fields above 32 bits. */
#define WS_MAX_PIECES 3

struct ws_row {
	uint64_t mask, value;
	enum ws_row_kind kind;
	uint8_t page_shift; /* leaves only */
	struct ws_piece address[WS_MAX_PIECES];
	uint64_t reserved; /* must be 0, whatever the processor */
	const struct ws_denial *denials;
	const struct ws_attribute *attributes;
	uint64_t emulated; /* reserved bits that QEMU's TCG sets all the same */
	const struct ws_refusal *refusals; /* what is reserved as a value, not as a bit */
};

#define WS_MAX_ROWS 4

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
	/*
	 * How much of an address decides. One more than the top level indexes where a
	 * root serves either half: bits above the index are then all ones or all zeros,
	 * and lead to the same entries (AArch64, which has a root for each half).
	 */
	uint8_t va_bits;
	bool canonical; /* bits above va_bits repeat the top one (SDM vol. 1, 3.3.7.1) */
	uint64_t root_mask;  /* where a top table can lie; CR3's address bits */
	uint64_t present;    /* an entry without any of these bits is a hole */
	uint64_t touched;    /* bits the processor sets by itself: accessed, dirty */
	uint64_t no_execute; /* the XD bit, or 0: reserved while NXE is off */
	uint64_t
		uncached; /* bits of a leaf that keep its page out of the cache, if any */
	/* A bit of every entry that is neither of the address nor a right: where memory is
	 * encrypted, whose key it has. No name: there is none. */
	struct ws_attribute aside;
	/* Address bits from MAXPHYADDR up to this one are reserved (0: none are). */
	uint8_t pa_bits;
	uint8_t nlevels;
	struct ws_level level[WS_MAX_LEVELS];
};

/* What one entry means: the row that takes it, or NULL. */
static inline const struct ws_row *ws_row_of(const struct ws_level *level, uint64_t entry)
{
	for (const struct ws_row *row = level->row; row->kind != WS_ROW_NONE; row++)
		if ((entry & row->mask) == row->value)
			return row;
	return NULL;
}

/* Whether an entry is one that the processor takes up, well-formed or not. */
static inline bool ws_is_present(const struct ws_format *format, uint64_t entry)
{
	return entry & format->present;
}

/* The bits of a level's entries, whatever row takes them, that are an address's. */
static inline uint64_t ws_address_bits(const struct ws_level *level)
{
	uint64_t bits = 0;

	for (const struct ws_row *row = level->row; row->kind != WS_ROW_NONE; row++)
		for (unsigned i = 0; i < WS_MAX_PIECES; i++)
			bits |= row->address[i].mask;
	return bits;
}

/* And those that say what it leads to. */
static inline uint64_t ws_kind_bits(const struct ws_level *level)
{
	uint64_t bits = 0;

	for (const struct ws_row *row = level->row; row->kind != WS_ROW_NONE; row++)
		bits |= row->mask;
	return bits;
}

static inline uint64_t ws_piece_of(const struct ws_piece *piece, uint64_t entry)
{
	uint64_t bits = entry & piece->mask;

	return piece->shift >= 0 ? bits << piece->shift : bits >> -piece->shift;
}

/* Those behind the first. Few rows have any, and all walks pay for what is inlined. */
uint64_t ws_further_pieces(const struct ws_row *row, uint64_t entry);

/* Where an entry points: a table's or a page's first byte. */
static inline uint64_t ws_row_address(const struct ws_row *row, uint64_t entry)
{
	uint64_t address = ws_piece_of(&row->address[0], entry);

	return row->address[1].mask ? address | ws_further_pieces(row, entry) : address;
}

/* What an entry takes away of the rights that the levels above have left. */
static inline uint8_t ws_row_denied(const struct ws_row *row, uint64_t entry,
				    uint8_t access)
{
	uint8_t denied = 0;

	for (const struct ws_denial *d = row->denials; d && d->mask; d++)
		if ((entry & d->mask) == d->value && !(d->given & ~access))
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
				     unsigned entry_log2)
{
	const uint8_t *p = frame + (pa & (WS_FRAME_SIZE - 1));

	return ws_le_word(p, 1u << entry_log2);
}

/*
 * A piece of a table, as large as the frame that it lies in or smaller: what can be read
 * at once. Zeroed but for pa: before the first.
 */
struct ws_table_part {
	uint64_t pa;           /* of its first entry */
	uint32_t first, count; /* its entries */
};

/* The next part of a table of that level; false after the last. */
static inline bool ws_table_next(const struct ws_format *format, unsigned level,
				 struct ws_table_part *part)
{
	uint32_t entries = UINT32_C(1) << format->level[level].bits;
	uint32_t in_frame = WS_FRAME_SIZE >> format->entry_log2;

	part->first += part->count;
	part->pa += (uint64_t)part->count << format->entry_log2;
	if (part->first == entries)
		return false;
	part->count = entries < in_frame ? entries : in_frame;
	return true;
}

/* The va with its bits above the format's width made canonical. */
static inline uint64_t ws_canonical(const struct ws_format *format, uint64_t va)
{
	unsigned unused = 64 - format->va_bits;

	return format->canonical ? (uint64_t)((int64_t)(va << unused) >> unused) : va;
}

/* The va that entry 0 of a root rules, in the half of the addresses that va is in. */
static inline uint64_t ws_root_base(const struct ws_format *format, uint64_t va)
{
	unsigned covered = format->level[0].shift + format->level[0].bits;

	return ws_canonical(format, va & ~(WS_BIT(covered) - 1));
}

static inline bool ws_translatable(const struct ws_format *format, uint64_t va)
{
	uint64_t clipped = va & (~UINT64_C(0) >> (64 - format->va_bits));

	return ws_canonical(format, clipped) == va;
}

#endif
