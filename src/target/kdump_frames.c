/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which frames a kdump describes: the runs of bits in its bitmaps, and a descriptor for
 * each. No frame is placed where it may not belong.
 */
#include "target/kdump.h"

#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/sorted.h"

#define BITMAP_BLOCK (64u << 10)

/* ---- memory: the second bitmap, and its descriptors ------------------------------- */

/* The first bit at or after i that is as wanted; n if there is none. */
static uint64_t bit_find(const uint8_t *bits, uint64_t n, uint64_t i, bool wanted)
{
	uint8_t dull = wanted ? 0 : 0xff;

	while (i < n) {
		if (i % 8 == 0 && bits[i / 8] == dull)
			i += 8;
		else if ((bits[i / 8] >> i % 8 & 1) == wanted)
			return i;
		else
			i++;
	}
	return n;
}

/* How many frames the file has room to describe: a small one cannot claim much memory. */
static uint64_t frames_max(const struct kdump *kdump, const struct kdump_part *part)
{
	uint64_t size = part->image->file->size;

	if (!part->image->flattened)
		size = kdump->descriptors < size ? size - kdump->descriptors : 0;
	return size / KDUMP_DESCRIPTOR_SIZE;
}

/* A run of bits as it is put together across blocks of the bitmap. */
struct run {
	uint64_t pfn, room;
	uint64_t header; /* the number of the part */
	bool open;
};

/* The memory of a run up to end; the frames past the last descriptor are cut off. */
static enum ws_status run_add(struct ws_target *target, struct run *run, uint64_t end)
{
	uint64_t pfn = run->pfn, n = end - pfn < run->room ? end - pfn : run->room;
	struct kdump *kdump = target->priv;
	uint64_t block = kdump->block;

	run->room -= n;
	kdump->nblocks += n;
	ws_target_cut(target, (pfn + n) * block, (end - pfn - n) * block);
	return ws_target_add_memory(target, pfn * block, n * block, run->header);
}

static enum ws_status block_add(struct ws_target *target, struct run *run, uint64_t base,
				const uint8_t *bits, uint64_t n)
{
	enum ws_status status = WS_OK;

	for (uint64_t i = 0; !status; run->open = !run->open) {
		i = bit_find(bits, n, i, !run->open);
		if (i == n)
			break;
		if (run->open)
			status = run_add(target, run, base + i);
		run->pfn = base + i;
	}
	return status;
}

/* Without some of its bits nobody knows which frames the descriptors behind are of. */
static enum ws_status bitmap_cut(struct ws_target *target, uint64_t block,
				 const struct kdump_part *part, uint64_t pfn)
{
	target->cut_more = true;
	return ws_target_add_note(
		target,
		"the dump is cut off in its bitmap: of the page frames from physical %#jx "
		"to %#jx it is unknown which the dump holds",
		pfn * block, part->end * block - 1);
}

/* How many of nbits at a bitmap's byte are read; a byte that is not ends them. */
static enum ws_evidence bits_read(const struct ws_kdump_file *image, uint64_t at,
				  uint8_t *bits, uint64_t *nbits)
{
	uint64_t size = (*nbits + 7) / 8, n = 0;
	enum ws_evidence evidence = ws_kdump_file_read(image, NULL, at, bits, size);

	if (evidence != WS_ABSENT)
		return evidence;
	while (n < size && (evidence = ws_kdump_file_read(image, NULL, at + n, bits + n,
							  1)) == WS_READ)
		n++;
	*nbits = n * 8;
	return evidence;
}

/* Of the bits of the frames from pfn on those that lie before the part are none of its. */
static void bits_before_clear(const struct kdump_part *part, uint64_t pfn, uint8_t *bits)
{
	if (pfn < part->start)
		bits[0] &= (uint8_t)(0xff << (part->start - pfn));
}

/* The bits of nbits frames at pfn, a multiple of 8, in the bitmaps that were chosen. */
static enum ws_evidence frames_read(const struct kdump_header *h,
				    const struct kdump_part *part, enum frames_by by,
				    uint64_t pfn, uint8_t *bits, uint64_t *nbits)
{
	ws_autofree uint8_t *first = NULL;
	uint64_t at = by == BY_FIRST ? h->first : h->bitmap;
	enum ws_evidence evidence = bits_read(part->image, at + pfn / 8, bits, nbits);

	if (*nbits)
		bits_before_clear(part, pfn, bits);
	if (evidence || by != BY_BOTH)
		return evidence;
	first = malloc(BITMAP_BLOCK);
	if (!first)
		return WS_FAILED;
	evidence = bits_read(part->image, h->first + pfn / 8, first, nbits);
	for (uint64_t i = 0; i < (*nbits + 7) / 8; i++)
		bits[i] &= first[i];
	return evidence;
}

/* Where the first block of a bitmap begins that has bits of a part. */
static uint64_t first_bit(const struct kdump_part *part)
{
	return part->start & ~UINT64_C(7);
}

/* Frames in one block of a bitmap. */
static uint64_t block_frames(const struct kdump_part *part, uint64_t pfn)
{
	uint64_t n = part->end - pfn;

	return n < BITMAP_BLOCK * 8 ? n : BITMAP_BLOCK * 8;
}

enum ws_status ws_kdump_add_memory(struct ws_target *target, const struct kdump_header *h,
				   struct kdump_part *part)
{
	const struct kdump *kdump = target->priv;
	ws_autofree uint8_t *bits = malloc(BITMAP_BLOCK);
	struct run run = { .room = frames_max(kdump, part),
			   .header = (uint64_t)(part - kdump->parts) };
	enum ws_status status = bits ? WS_OK : ws_fail_memory(target->ctx);
	enum ws_evidence evidence = WS_READ;
	uint64_t pfn, n;

	part->first = kdump->nblocks;
	for (pfn = first_bit(part); pfn < part->end && !status && !evidence; pfn += n) {
		n = block_frames(part, pfn);
		evidence = frames_read(h, part, part->frames_by, pfn, bits, &n);
		if (evidence == WS_FAILED)
			return ws_kdump_need(target, part->image, h->bitmap + pfn / 8,
					     bits, 1, "kdump bitmap");
		status = block_add(target, &run, pfn, bits, n);
	}
	if (!status && run.open)
		status = run_add(target, &run, pfn);
	if (!status && evidence && pfn < part->end)
		status = pfn ? bitmap_cut(target, h->block, part, pfn)
			     : ws_kdump_need(target, part->image, h->bitmap, bits, 1,
					     "kdump bitmap");
	return status;
}

static enum ws_evidence descriptor_read(const struct kdump *kdump,
					const struct kdump_part *part,
					struct ws_file_window *window, uint64_t ordinal,
					struct kdump_descriptor *d)
{
	uint8_t p[KDUMP_DESCRIPTOR_SIZE];
	enum ws_evidence evidence = ws_kdump_file_read(
		part->image, window, kdump->descriptors + ordinal * KDUMP_DESCRIPTOR_SIZE,
		p, sizeof(p));

	if (evidence == WS_READ)
		*d = (struct kdump_descriptor){ ws_le64(p), ws_le32(p + 8),
						ws_le32(p + 12) };
	return evidence;
}

/* What can be wrong with a descriptor, and what it means if that is true of all. */
enum flaw { SOUND, LOST, MISSING, PAST_END, BAD_CODEC, BAD_SIZE };
static const struct {
	bool cut; /* it was, or could not be, written; else it is damaged */
	enum ws_status status;
	const char *words;
} flaws[] = {
	[LOST] = { true, WS_ERR_UNREADABLE,
		   "was not written: makedumpfile says that the dump is incomplete" },
	[MISSING] = { true, WS_ERR_UNREADABLE,
		      "is not described: the page descriptor is past the file's end: is "
		      "the dump truncated?" },
	[PAST_END] = { true, WS_ERR_UNREADABLE,
		       "lies past the file's end: is the dump truncated?" },
	[BAD_CODEC] = { false, WS_ERR_UNSUPPORTED,
			"is compressed in a way unknown here" },
	[BAD_SIZE] = { false, WS_ERR_MALFORMED, "has a size that no frame can have" },
};

static enum flaw descriptor_flaw(const struct kdump *kdump, const struct kdump_part *part,
				 const struct kdump_descriptor *d)
{
	/* Where the disk was full it left the descriptor as it was: zero. */
	if (kdump->incomplete && !d->offset)
		return LOST;
	if (!ws_unpack_known(d->flags))
		return BAD_CODEC;
	if (!d->size || d->size > kdump->block)
		return BAD_SIZE;
	return ws_kdump_file_has(part->image, d->offset, d->size) ? SOUND : PAST_END;
}

struct flawed {
	enum flaw flaw;
	const struct kdump_part *part;
	uint64_t ordinal, pa;
	struct kdump_descriptor d;
};

/* The descriptors as one pass finds them. */
struct descriptor_counts {
	uint64_t nflawed, ndamaged;
	struct flawed first, first_damaged;
	struct kdump_descriptor before;
};

static void flaw_count(struct ws_target *target, struct descriptor_counts *counts,
		       const struct flawed *flawed)
{
	uint64_t block = ((const struct kdump *)target->priv)->block;

	if (!counts->nflawed++)
		counts->first = *flawed;
	if (flaws[flawed->flaw].cut) {
		for (uint64_t at = 0; at < block; at += WS_FRAME_SIZE)
			ws_target_cut_frame(target, flawed->pa + at);
		return;
	}
	if (!counts->ndamaged++)
		counts->first_damaged = *flawed;
	target->nknown_absent += block / WS_FRAME_SIZE;
}

/* Neighbours share their bytes where memory is zero: these are the common ones. */
static enum ws_status descriptor_count(struct ws_target *target,
				       struct descriptor_counts *counts,
				       struct kdump_part *part, uint64_t ordinal,
				       uint64_t pa)
{
	struct kdump *kdump = target->priv;
	struct kdump_descriptor d = { 0 };
	enum ws_evidence evidence;
	enum flaw flaw;

	kdump_reader_turn(&kdump->readers[0], part);
	evidence =
		descriptor_read(kdump, part, &kdump->readers[0].descriptors, ordinal, &d);
	if (evidence == WS_FAILED)
		return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: page descriptor %ju: %s",
			       part->image->file->path, ordinal,
			       strerror(part->image->file->error));
	flaw = evidence == WS_READ ? descriptor_flaw(kdump, part, &d) : MISSING;
	if (flaw)
		flaw_count(target, counts,
			   &(struct flawed){ flaw, part, ordinal, pa, d });
	else if (ordinal && d.offset == counts->before.offset &&
		 d.size == counts->before.size)
		part->shared = d;
	counts->before = d;
	return WS_OK;
}

/* Where in its file the descriptor is. */
static uint64_t place_of(const struct kdump *kdump, const struct flawed *f)
{
	return ws_kdump_file_at(f->part->image,
				kdump->descriptors + f->ordinal * KDUMP_DESCRIPTOR_SIZE);
}

/* With no frame left the dump is refused, for what is wrong with the first. */
static enum ws_status judge_counts(struct ws_target *target,
				   const struct descriptor_counts *counts)
{
	const struct kdump *kdump = target->priv;
	const struct flawed *f = &counts->first, *damaged = &counts->first_damaged;

	if (kdump->nblocks && counts->nflawed == kdump->nblocks)
		return ws_fail(
			target->ctx, flaws[f->flaw].status,
			"%s: page descriptor %ju (file offset %#jx): the frame at pa "
			"%#jx (offset %#jx, size %#x, flags %#x) %s",
			f->part->image->file->path, f->ordinal, place_of(kdump, f), f->pa,
			f->d.offset, f->d.size, f->d.flags, flaws[f->flaw].words);
	if (!counts->ndamaged)
		return WS_OK;
	return ws_target_add_note(
		target,
		"%ju of %ju page descriptors are damaged, the first at file offset %#jx: "
		"the frame at physical %#jx (offset %#jx, size %#x, flags %#x) %s; what "
		"lay in these frames is unknown",
		counts->ndamaged, kdump->nblocks, place_of(kdump, damaged), damaged->pa,
		damaged->d.offset, damaged->d.size, damaged->d.flags,
		flaws[damaged->flaw].words);
}

enum ws_status ws_kdump_check(struct ws_target *target)
{
	struct kdump *kdump = target->priv;
	struct descriptor_counts counts = { 0 };
	enum ws_status status = WS_OK;
	uint64_t ordinal = 0;

	ws_vec_each(&target->memory, piece) {
		struct kdump_part *part = &kdump->parts[piece->header];

		for (uint64_t at = 0; at < piece->at.len && !status; at += kdump->block)
			status = descriptor_count(target, &counts, part,
						  ordinal++ - part->first,
						  piece->at.pa + at);
	}
	return status ? status : judge_counts(target, &counts);
}

/* ---- as many bits as descriptors --------------------------------------------------- */

static uint64_t bits_set(const uint8_t *bits, uint64_t n)
{
	uint64_t set = 0;

	for (uint64_t i = 0; i < n / 8; i++)
		set += (unsigned)__builtin_popcount(bits[i]);
	if (n % 8)
		set += (unsigned)__builtin_popcount(bits[n / 8] & ((1u << n % 8) - 1));
	return set;
}

/*
 * False: memory is short, or the file cannot be read, which the reading itself reports.
 */
static bool frames_count(const struct kdump_header *h, const struct kdump_part *part,
			 enum frames_by by, uint64_t *count, bool *cut)
{
	ws_autofree uint8_t *bits = malloc(BITMAP_BLOCK);
	enum ws_evidence evidence = WS_READ;
	uint64_t n;

	for (uint64_t pfn = first_bit(part); bits && pfn < part->end && !evidence;
	     pfn += n) {
		n = block_frames(part, pfn);
		evidence = frames_read(h, part, by, pfn, bits, &n);
		if (evidence != WS_FAILED)
			*count += bits_set(bits, n);
	}
	*cut = evidence == WS_ABSENT;
	return bits && evidence != WS_FAILED;
}

uint64_t ws_kdump_count(const struct kdump *kdump, const struct kdump_header *h,
			uint64_t start, uint64_t end)
{
	struct kdump_part gap = { .image = (struct ws_kdump_file *)&kdump->image,
				  .start = start,
				  .end = end };
	uint64_t count = 0;
	bool cut;

	return frames_count(h, &gap, BY_SECOND, &count, &cut) ? count : 0;
}

/* What the descriptors of that many frames, and what follows them, look like. */
struct extent {
	uint64_t lowest; /* offset of a frame that is sound, and lies behind the first */
	uint64_t sound_end; /* how many there are up to the last that is sound */
	bool last_empty;
};

static struct extent extent_of(struct kdump *kdump, const struct kdump_part *part,
			       uint64_t n)
{
	struct extent extent = { .lowest = UINT64_MAX };
	struct kdump_descriptor d;

	kdump_reader_turn(&kdump->readers[0], part);
	for (uint64_t i = 0; i < n; i++) {
		enum flaw flaw;

		if (descriptor_read(kdump, part, &kdump->readers[0].descriptors, i, &d) !=
		    WS_READ)
			break;
		flaw = descriptor_flaw(kdump, part, &d);
		extent.last_empty = flaw && flaw != LOST && !d.offset && !d.size;
		if (flaw)
			continue;
		extent.sound_end = i + 1;
		if (d.offset > kdump->descriptors && d.offset < extent.lowest)
			extent.lowest = d.offset;
	}
	return extent;
}

/* Whether there is a descriptor where the bitmap has none any more. */
static bool is_one_more(const struct kdump *kdump, const struct kdump_part *part,
			const struct extent *extent, uint64_t ordinal)
{
	uint64_t end = kdump->descriptors + (ordinal + 1) * KDUMP_DESCRIPTOR_SIZE;
	struct kdump_descriptor d;
	enum flaw flaw;

	if (end > extent->lowest ||
	    descriptor_read(kdump, part, NULL, ordinal, &d) != WS_READ)
		return false;
	flaw = descriptor_flaw(kdump, part, &d);
	return flaw == LOST ||
	       ((flaw == SOUND || flaw == PAST_END) && d.offset >= extent->lowest);
}

/*
 * How many descriptors there are, where that is not how many bits there are: the frames
 * lie right behind them, or with zeroes between. A descriptor of a place inside the table
 * is itself the one that is damaged if sound ones follow that place.
 */
static uint64_t descriptors_there(struct kdump *kdump, const struct kdump_part *part,
				  uint64_t bits)
{
	struct extent extent = extent_of(kdump, part, bits);
	uint64_t n = bits, fit;

	if (extent.lowest == UINT64_MAX)
		return bits;
	fit = (extent.lowest - kdump->descriptors) / KDUMP_DESCRIPTOR_SIZE;
	if (fit < bits)
		return extent.sound_end <= fit ? fit : bits;
	if (fit > bits && extent.last_empty)
		return extent.sound_end;
	while (is_one_more(kdump, part, &extent, n))
		n++;
	return n;
}

static enum ws_status repaired_note(struct ws_target *target, uint64_t bits, uint64_t n)
{
	return ws_target_add_note(
		target,
		"the second bitmap of this kdump is damaged: it has %s, and there are "
		"%s; the first bitmap shows which they are of",
		WS_COUNT_OF(bits, "page frame"), WS_COUNT_OF(n, "page descriptor"));
}

/*
 * Every bit that is wrong moves the descriptors of all frames behind it. What the file
 * holds is part of the memory that there is, the first bitmap: a bit that only the second
 * has is wrong, and where the first has exactly as many frames as there are descriptors,
 * all of them are held (QEMU; makedumpfile without -d). Nothing else shows which bit it
 * is. In a part of a split dump it may as well be where the part begins or ends.
 */
enum ws_status ws_kdump_choose(struct ws_target *target, const struct kdump_header *h,
			       struct kdump_part *part)
{
	uint64_t bits = 0, first = 0, both = 0, n;
	bool cut, first_cut, both_cut;

	part->frames_by = BY_SECOND;
	if (!frames_count(h, part, BY_SECOND, &bits, &cut) || cut)
		return WS_OK;
	n = descriptors_there(target->priv, part, bits);
	if (n == bits)
		return WS_OK;
	if (!h->split && frames_count(h, part, BY_FIRST, &first, &first_cut) &&
	    frames_count(h, part, BY_BOTH, &both, &both_cut) && !first_cut) {
		if (both == n)
			part->frames_by = BY_BOTH;
		if (first == n && both == bits)
			part->frames_by = BY_FIRST;
	}
	if (part->frames_by != BY_SECOND)
		return repaired_note(target, bits, n);
	return ws_fail(
		target->ctx, WS_ERR_MALFORMED,
		"%s: kdump bitmap (file offset %#jx): it has %s, and there are %s: "
		"it is damaged, and at which addresses the frames lie is unknown",
		part->image->file->path, ws_kdump_file_at(part->image, h->bitmap),
		WS_COUNT_OF(bits, "page frame"), WS_COUNT_OF(n, "page descriptor"));
}

const struct kdump_part *ws_kdump_part_of(const struct kdump *kdump, uint64_t ordinal)
{
	const struct kdump_part *parts = kdump->parts;

	/* Of those without a block the one behind begins with the same. */
	return &parts[ws_lower_bound(parts, kdump->nparts, at, at->first <= ordinal) - 1];
}

/* The descriptor, if the frame can be unpacked by it. */
enum ws_evidence ws_kdump_descriptor(const struct kdump *kdump,
				     const struct kdump_part *part,
				     struct ws_file_window *window, uint64_t ordinal,
				     struct kdump_descriptor *d)
{
	enum ws_evidence evidence = descriptor_read(kdump, part, window, ordinal, d);

	if (evidence == WS_READ && descriptor_flaw(kdump, part, d) != SOUND)
		return WS_ABSENT;
	return evidence;
}
