/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kdump-compressed format of makedumpfile and QEMU: in blocks of 4 KiB,
 *
 *	block 0			header (struct disk_dump_header)
 *	block 1			sub header (struct kdump_sub_header), notes
 *	after sub_hdr_size	bitmap of the memory there is
 *	halfway in the bitmaps	bitmap of the memory that the file holds
 *	after bitmap_blocks	a descriptor for every bit of the second, in order
 *	anywhere		the frames, compressed one by one
 *
 * (makedumpfile's IMPLEMENTATION and diskdump_mod.h). So the pieces of memory are the
 * runs of the second bitmap, and a frame's ordinal is the number of its descriptor. A
 * filtered frame (makedumpfile -d) has no bit: it is left out, not zero. Frames that
 * are all zero but not filtered share one descriptor's bytes.
 *
 * Of a dump that is cut off or damaged the frames are read whose descriptors make sense
 * and whose bytes are there; the others are absent, and counted in a note.
 *
 * Read here and not by libkdumpfile: 0.5.1 takes no flattened files, and writes past
 * its memory on 1 or 2 in 100 files whose headers are damaged. What is left to a library
 * once all these are checked is to uncompress a frame. The tests hold libkdumpfile's
 * answers against ours.
 */
#include "target/target.h"

#include <stdlib.h>
#include <string.h>

#include "target/image.h"
#include "target/unpack.h"
#include "util/bits.h"
#include "util/cleanup.h"
#include "util/hash.h"

#define KDUMP_MAGIC "KDUMP   "
#define KDUMP_MAGIC_SIZE 8
#define KDUMP_VERSION 8
#define NEW_UTS_NAME 65 /* bytes in each name of struct new_utsname */
#define KDUMP_MACHINE (12 + 4 * NEW_UTS_NAME)
#define KDUMP_HEADER_SIZE 444 /* up to and with max_mapnr, in the larger class */
#define SUB_HEADER_MAX 104
#define DESCRIPTOR_SIZE 24
#define INCOMPLETE 0x8 /* DUMP_DH_COMPRESSED_INCOMPLETE in the header's status */
#define BITMAP_BLOCK (64u << 10)

/*
 * Frames that are looked at by address are unpacked for good, since a walk has pointers
 * to them: as much as KEEP_MIN and so many times the file. Page tables, which are what is
 * looked at, compress to a sixtieth at best, but no dump consists of them alone; a
 * hostile one can hold 170 times its size.
 */
#define KEEP_MIN (UINT64_C(64) << 20)
#define KEEP_TIMES 16

/*
 * Where the fields are that depend on sizeof(long) and its alignment. Those of the
 * header are u32; vmcoreinfo and note are a u64 offset and a long size. The class is
 * that of the writer, not of the machine: QEMU writes the 64-bit one for an i686 that
 * has anything at 4 GiB.
 */
struct kdump_class {
	uint8_t size; /* bytes in a size */
	uint16_t status, block_size, sub_hdr_size, bitmap_blocks, max_mapnr;
	uint16_t split, vmcoreinfo, note, max_mapnr_64, end;
};

/* clang-format off */
static const struct kdump_class kdump_classes[] = {
	{ .size = 4,
	  .status = 412,
	  .block_size = 416, .sub_hdr_size = 420, .bitmap_blocks = 424, .max_mapnr = 428,
	  .split = 8, .vmcoreinfo = 20, .note = 32, .max_mapnr_64 = 72, .end = 80 },
	{ .size = 8,
	  .status = 424,
	  .block_size = 428, .sub_hdr_size = 432, .bitmap_blocks = 436, .max_mapnr = 440,
	  .split = 12, .vmcoreinfo = 32, .note = 48, .max_mapnr_64 = 96, .end = 104 },
};
/* clang-format on */

static const char *const machines[] = { "i386", "i486", "i586", "i686", "x86_64" };

/* What newer QEMUs (10 does, 7.2 does not) write for every machine. */
#define NO_MACHINE "Unknown"

/* What the headers say. bitmap and descriptors are image offsets. */
struct kdump_header {
	const struct kdump_class *class;
	uint32_t version;
	uint64_t max_mapnr, bitmap_blocks, bitmap, descriptors;
	bool machine_unsaid;
	bool incomplete;
};

/* Bytes that a header leads to, owned. */
struct section {
	uint64_t offset, size;
	uint8_t *bytes;
};

static void section_release(struct section *section)
{
	free(section->bytes);
}

struct descriptor {
	uint64_t offset;
	uint32_t size, flags;
};

/* A frame that was unpacked, under the descriptor of all the frames that share it. */
struct kept {
	struct descriptor d;
	uint8_t frame[WS_FRAME_SIZE];
	UT_hash_handle hh;
};

/* What one thread reads with. */
struct reader {
	struct ws_unpacker unpacker;
	struct ws_window descriptors, frames;
};

struct kdump {
	struct ws_image image;
	uint64_t descriptors;
	bool incomplete;        /* makedumpfile says that it could not write it all */
	struct kept **frames;   /* by ordinal; NULL: not yet */
	struct kept *kept;      /* by descriptor; owned */
	uint64_t common_offset; /* where the bytes of the frame lie that many share */
	uint8_t *common;        /* that frame; NULL: none is shared */
	struct reader readers[WS_SCAN_WORKERS];
};

static bool kdump_probe(const struct ws_file *file)
{
	return ws_image_flattened(file) ||
	       (file->size >= KDUMP_MAGIC_SIZE &&
		!memcmp(file->data, KDUMP_MAGIC, KDUMP_MAGIC_SIZE));
}

/* ---- headers ---------------------------------------------------------------------- */

/* Copies size bytes of the image, which the headers say are there. */
static enum ws_status need(struct ws_target *target, uint64_t offset, void *to,
			   uint64_t size, const char *what)
{
	struct kdump *kdump = target->priv;
	enum ws_evidence evidence = ws_image_read(&kdump->image, NULL, offset, to, size);

	if (evidence == WS_READ)
		return WS_OK;
	if (evidence == WS_FAILED)
		return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: %s: %s",
			       target->file.path, what, strerror(target->file.error));
	return ws_fail(target->ctx, WS_ERR_UNREADABLE,
		       "%s: %s: %#lx bytes at %soffset %#lx are not in the file of %#zx "
		       "bytes: is the dump truncated?",
		       target->file.path, what, size,
		       kdump->image.flattened ? "rearranged " : "file ", offset,
		       target->file.size);
}

/* Where the image's byte at offset is in the file, for messages. */
static uint64_t file_offset(const struct ws_target *target, uint64_t offset)
{
	const struct kdump *kdump = target->priv;

	return ws_image_at(&kdump->image, offset);
}

/*
 * The one whose block size is a frame's and whose sub header has a block: where the
 * 32-bit class has the latter, the 64-bit one has the upper half of a time in us.
 */
static const struct kdump_class *class_of(const uint8_t *header)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(kdump_classes); i++)
		if (ws_le32(header + kdump_classes[i].block_size) == WS_FRAME_SIZE &&
		    ws_le32(header + kdump_classes[i].sub_hdr_size))
			return &kdump_classes[i];
	return NULL;
}

static bool machine_unsaid(const uint8_t *header)
{
	return !strncmp((const char *)header + KDUMP_MACHINE, NO_MACHINE, NEW_UTS_NAME);
}

static bool machine_known(const char *name)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(machines); i++)
		if (!strncmp(machines[i], name, NEW_UTS_NAME))
			return true;
	return false;
}

static enum ws_status header_check(struct ws_target *target, const uint8_t *p)
{
	const char *path = target->file.path;

	if (memcmp(p, KDUMP_MAGIC, KDUMP_MAGIC_SIZE))
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: no kdump magic at file offset %#lx", path,
			       file_offset(target, 0));
	if (!machine_unsaid(p) && !machine_known((const char *)p + KDUMP_MACHINE))
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: kdump of machine '%.64s' (file offset %#lx), neither "
			       "i386 nor x86_64",
			       path, p + KDUMP_MACHINE,
			       file_offset(target, KDUMP_MACHINE));
	if (!class_of(p))
		return ws_fail(
			target->ctx, WS_ERR_MALFORMED,
			"%s: kdump header (file offset %#lx): block size %u is not "
			"that of a frame, or the sub header has none",
			path, file_offset(target, kdump_classes[1].block_size),
			ws_le32(p + kdump_classes[1].block_size));
	return WS_OK;
}

/* The second bitmap is behind the first unless one alone is needed for all the memory. */
static enum ws_status bitmap_place(struct ws_target *target, struct kdump_header *h)
{
	uint64_t bits = h->bitmap_blocks * WS_FRAME_SIZE * 8;

	if (h->max_mapnr > bits)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: kdump header (file offset %#lx): %lu bitmap blocks "
			       "are too few for %#lx frames",
			       target->file.path,
			       file_offset(target, h->class->bitmap_blocks),
			       h->bitmap_blocks, h->max_mapnr);
	if (h->max_mapnr <= bits / 2)
		h->bitmap += h->bitmap_blocks / 2 * WS_FRAME_SIZE;
	return WS_OK;
}

static enum ws_status header_read(struct ws_target *target, struct kdump_header *h)
{
	uint8_t p[KDUMP_HEADER_SIZE];
	enum ws_status status = need(target, 0, p, sizeof(p), "kdump header");

	if (status || (status = header_check(target, p)))
		return status;
	h->class = class_of(p);
	h->machine_unsaid = machine_unsaid(p);
	h->incomplete = ws_le32(p + h->class->status) & INCOMPLETE;
	h->version = ws_le32(p + KDUMP_VERSION);
	h->max_mapnr = ws_le32(p + h->class->max_mapnr);
	h->bitmap_blocks = ws_le32(p + h->class->bitmap_blocks);
	h->bitmap = (1 + (uint64_t)ws_le32(p + h->class->sub_hdr_size)) * WS_FRAME_SIZE;
	h->descriptors = h->bitmap + h->bitmap_blocks * WS_FRAME_SIZE;
	return WS_OK;
}

/* It grew with every version. */
static size_t sub_header_size(const struct kdump_header *h)
{
	const struct kdump_class *class = h->class;

	return h->version >= 6   ? class->end
	       : h->version >= 4 ? class->note + 8 + class->size
	       : h->version >= 3 ? class->vmcoreinfo + 8 + class->size
	       : h->version >= 2 ? class->split + 4
				 : 0;
}

/* A u64 offset and a long size, and what they lead to; no bytes where size is 0. */
static enum ws_status section_read(struct ws_target *target,
				   const struct kdump_class *class, const uint8_t *field,
				   const char *what, struct section *section)
{
	uint64_t size = class->size == 8 ? ws_le64(field + 8) : ws_le32(field + 8);

	*section = (struct section){ .offset = ws_le64(field), .size = size };
	if (!size)
		return WS_OK;
	/* Nothing can be larger than the file that it is in. */
	if (size <= target->file.size && size <= WS_HEADER_MAX) {
		section->bytes = malloc(size);
		return section->bytes
			       ? need(target, section->offset, section->bytes, size, what)
			       : ws_fail_memory(target->ctx);
	}
	return ws_fail(target->ctx, WS_ERR_UNREADABLE,
		       "%s: %s: %#lx bytes at offset %#lx are not in the file of %#zx "
		       "bytes: is the dump truncated?",
		       target->file.path, what, size, section->offset, target->file.size);
}

static enum ws_status notes_read(struct ws_target *target, const struct kdump_header *h,
				 const uint8_t *sub)
{
	ws_cleanup(section_release) struct section notes = { 0 }, text = { 0 };
	enum ws_status status;

	status = section_read(target, h->class, sub + h->class->note, "kdump notes",
			      &notes);
	if (!status && notes.bytes)
		status = ws_target_parse_notes(target, notes.bytes, notes.size,
					       file_offset(target, notes.offset), false);
	if (status || target->vmcoreinfo)
		return status;
	status = section_read(target, h->class, sub + h->class->vmcoreinfo,
			      "kdump VMCOREINFO", &text);
	if (status || !text.bytes)
		return status;
	target->vmcoreinfo = strndup((const char *)text.bytes, text.size);
	return target->vmcoreinfo ? WS_OK : ws_fail_memory(target->ctx);
}

static enum ws_status sub_header_read(struct ws_target *target, struct kdump_header *h)
{
	uint8_t sub[SUB_HEADER_MAX] = { 0 };
	enum ws_status status =
		need(target, WS_FRAME_SIZE, sub, sub_header_size(h), "kdump sub header");

	if (status)
		return status;
	if (ws_le32(sub + h->class->split))
		return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
			       "%s: one part of a split dump (file offset %#lx): "
			       "makedumpfile --reassemble joins them",
			       target->file.path,
			       file_offset(target, WS_FRAME_SIZE + h->class->split));
	if (h->version >= 6)
		h->max_mapnr = ws_le64(sub + h->class->max_mapnr_64);
	return notes_read(target, h, sub);
}

/* Notes of processors are as good as the machine's name: each has its own size. */
static enum ws_status machine_check(struct ws_target *target,
				    const struct kdump_header *h)
{
	if (!h->machine_unsaid || target->cpus.n)
		return WS_OK;
	return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
		       "%s: kdump of machine '" NO_MACHINE "' (file offset %#lx), and it "
		       "has no note of an i386 or x86_64 processor",
		       target->file.path, file_offset(target, KDUMP_MACHINE));
}

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
static uint64_t frames_max(const struct ws_target *target)
{
	const struct kdump *kdump = target->priv;
	uint64_t size = target->file.size;

	if (!kdump->image.flattened)
		size = kdump->descriptors < size ? size - kdump->descriptors : 0;
	return size / DESCRIPTOR_SIZE;
}

/* The memory of frames pfn to end; those past the last descriptor are cut off. */
static enum ws_status run_add(struct ws_target *target, uint64_t pfn, uint64_t end,
			      uint64_t *room)
{
	uint64_t n = end - pfn < *room ? end - pfn : *room;

	*room -= n;
	ws_target_cut(target, (pfn + n) * WS_FRAME_SIZE, (end - pfn - n) * WS_FRAME_SIZE);
	return ws_target_add_memory(target, pfn * WS_FRAME_SIZE, n * WS_FRAME_SIZE);
}

/* A run of bits as it is put together across blocks of the bitmap. */
struct run {
	uint64_t pfn, room;
	bool open;
};

static enum ws_status block_add(struct ws_target *target, struct run *run, uint64_t base,
				const uint8_t *bits, uint64_t n)
{
	enum ws_status status = WS_OK;

	for (uint64_t i = 0; !status; run->open = !run->open) {
		i = bit_find(bits, n, i, !run->open);
		if (i == n)
			break;
		if (run->open)
			status = run_add(target, run->pfn, base + i, &run->room);
		run->pfn = base + i;
	}
	return status;
}

static enum ws_status bitmap_read(struct ws_target *target, const struct kdump_header *h)
{
	ws_autofree uint8_t *bits = malloc(BITMAP_BLOCK);
	struct run run = { .room = frames_max(target) };
	enum ws_status status = bits ? WS_OK : ws_fail_memory(target->ctx);
	uint64_t n;

	for (uint64_t pfn = 0; pfn < h->max_mapnr && !status; pfn += n) {
		n = h->max_mapnr - pfn;
		if (n > BITMAP_BLOCK * 8)
			n = BITMAP_BLOCK * 8;
		status = need(target, h->bitmap + pfn / 8, bits, (n + 7) / 8,
			      "kdump bitmap");
		if (!status)
			status = block_add(target, &run, pfn, bits, n);
	}
	if (!status && run.open)
		status = run_add(target, run.pfn, h->max_mapnr, &run.room);
	return status;
}

static enum ws_evidence descriptor_read(const struct kdump *kdump,
					struct ws_window *window, uint64_t ordinal,
					struct descriptor *d)
{
	uint8_t p[DESCRIPTOR_SIZE];
	enum ws_evidence evidence = ws_image_read(
		&kdump->image, window, kdump->descriptors + ordinal * DESCRIPTOR_SIZE, p,
		sizeof(p));

	if (evidence == WS_READ)
		*d = (struct descriptor){ ws_le64(p), ws_le32(p + 8), ws_le32(p + 12) };
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

static enum flaw descriptor_flaw(const struct kdump *kdump, const struct descriptor *d)
{
	/* Where the disk was full it left the descriptor as it was: zero. */
	if (kdump->incomplete && !d->offset)
		return LOST;
	if (!ws_unpack_known(d->flags))
		return BAD_CODEC;
	if (!d->size || d->size > WS_FRAME_SIZE)
		return BAD_SIZE;
	return ws_image_has(&kdump->image, d->offset, d->size) ? SOUND : PAST_END;
}

struct flawed {
	enum flaw flaw;
	uint64_t ordinal, pa;
	struct descriptor d;
};

/* The descriptors as one pass finds them. */
struct census {
	uint64_t nflawed, ndamaged;
	struct flawed first, first_damaged;
	struct descriptor before, common;
};

static void flaw_count(struct ws_target *target, struct census *census,
		       const struct flawed *flawed)
{
	if (!census->nflawed++)
		census->first = *flawed;
	if (flaws[flawed->flaw].cut) {
		ws_target_cut_frame(target, flawed->pa);
		return;
	}
	if (!census->ndamaged++)
		census->first_damaged = *flawed;
	target->nknown_absent++;
}

/* Neighbours share their bytes where memory is zero: these are the common ones. */
static enum ws_status descriptor_count(struct ws_target *target, struct census *census,
				       uint64_t ordinal, uint64_t pa)
{
	struct kdump *kdump = target->priv;
	struct descriptor d = { 0 };
	enum ws_evidence evidence =
		descriptor_read(kdump, &kdump->readers[0].descriptors, ordinal, &d);
	enum flaw flaw;

	if (evidence == WS_FAILED)
		return ws_fail(target->ctx, WS_ERR_SYSTEM, "%s: page descriptor %lu: %s",
			       target->file.path, ordinal, strerror(target->file.error));
	flaw = evidence == WS_READ ? descriptor_flaw(kdump, &d) : MISSING;
	if (flaw)
		flaw_count(target, census, &(struct flawed){ flaw, ordinal, pa, d });
	else if (d.offset == census->before.offset && d.size == census->before.size)
		census->common = d;
	census->before = d;
	return WS_OK;
}

/* With no frame left the dump is refused, for what is wrong with the first. */
static enum ws_status census_judge(struct ws_target *target, const struct census *census,
				   uint64_t nframes)
{
	const struct kdump *kdump = target->priv;
	const struct flawed *f = &census->first, *damaged = &census->first_damaged;
	uint64_t at = kdump->descriptors + f->ordinal * DESCRIPTOR_SIZE;

	if (nframes && census->nflawed == nframes)
		return ws_fail(
			target->ctx, flaws[f->flaw].status,
			"%s: page descriptor %lu (file offset %#lx): the frame at pa "
			"%#lx (offset %#lx, size %#x, flags %#x) %s",
			target->file.path, f->ordinal, file_offset(target, at), f->pa,
			f->d.offset, f->d.size, f->d.flags, flaws[f->flaw].words);
	if (!census->ndamaged)
		return WS_OK;
	at = kdump->descriptors + damaged->ordinal * DESCRIPTOR_SIZE;
	return ws_target_add_note(
		target,
		"%lu of %lu page descriptors are damaged, the first at file offset %#lx: "
		"the frame at physical %#lx (offset %#lx, size %#x, flags %#x) %s; what "
		"lay in these frames is unknown",
		census->ndamaged, nframes, file_offset(target, at), damaged->pa,
		damaged->d.offset, damaged->d.size, damaged->d.flags,
		flaws[damaged->flaw].words);
}

static enum ws_status descriptors_check(struct ws_target *target,
					struct descriptor *common)
{
	struct census census = { 0 };
	enum ws_status status = WS_OK;
	uint64_t ordinal = 0;

	ws_vec_each(&target->memory, piece)
		for (uint64_t at = 0; at < piece->at.len && !status; at += WS_FRAME_SIZE)
			status = descriptor_count(target, &census, ordinal++,
						  piece->at.pa + at);
	*common = census.common;
	return status ? status : census_judge(target, &census, ordinal);
}

/* ---- frames ----------------------------------------------------------------------- */

/* The descriptor, if the frame can be unpacked by it. */
static enum ws_evidence descriptor_sound(struct kdump *kdump, struct ws_window *window,
					 uint64_t ordinal, struct descriptor *d)
{
	enum ws_evidence evidence = descriptor_read(kdump, window, ordinal, d);

	if (evidence == WS_READ && descriptor_flaw(kdump, d) != SOUND)
		return WS_ABSENT;
	return evidence;
}

static enum ws_evidence frame_unpack(struct kdump *kdump, struct reader *reader,
				     struct ws_window *window, const struct descriptor *d,
				     uint8_t *frame)
{
	uint8_t packed[WS_FRAME_SIZE];
	enum ws_evidence evidence =
		ws_image_read(&kdump->image, window, d->offset, packed, d->size);

	return evidence == WS_READ
		       ? ws_unpack(&reader->unpacker, d->flags, packed, d->size, frame)
		       : evidence;
}

static enum ws_evidence kdump_copy_frame(struct ws_target *target, unsigned worker,
					 uint64_t ordinal, uint8_t *frame)
{
	struct kdump *kdump = target->priv;
	struct reader *reader = &kdump->readers[worker];
	struct descriptor d;
	enum ws_evidence evidence =
		descriptor_sound(kdump, &reader->descriptors, ordinal, &d);

	if (evidence != WS_READ)
		return evidence;
	if (kdump->common && d.offset == kdump->common_offset) {
		memcpy(frame, kdump->common, WS_FRAME_SIZE);
		return WS_READ;
	}
	return frame_unpack(kdump, reader, &reader->frames, &d, frame);
}

/* Whether one more may be kept. */
static bool may_keep(struct ws_target *target, const struct kdump *kdump)
{
	uint64_t kept = HASH_COUNT(kdump->kept) * sizeof(struct kept);

	if (kept <= KEEP_MIN + KEEP_TIMES * target->file.size)
		return true;
	target->why = "its page tables would take more memory than any dump of its size "
		      "may need: it is damaged, or made to exhaust memory";
	return false;
}

static enum ws_evidence keep(struct ws_target *target, const struct descriptor *d,
			     struct kept **kept)
{
	struct kdump *kdump = target->priv;
	ws_autofree struct kept *new = NULL;
	enum ws_evidence evidence;

	HASH_FIND(hh, kdump->kept, d, sizeof(*d), *kept);
	if (*kept)
		return WS_READ;
	if (!may_keep(target, kdump) || !(new = malloc(sizeof(*new))))
		return WS_FAILED;
	new->d = *d;
	evidence = frame_unpack(kdump, &kdump->readers[0], NULL, d, new->frame);
	if (evidence != WS_READ)
		return evidence;
	HASH_ADD(hh, kdump->kept, d, sizeof(*d), new);
	if (!new->hh.tbl)
		return WS_FAILED;
	*kept = ws_steal(new);
	return WS_READ;
}

static enum ws_evidence kdump_frame(struct ws_target *target, uint64_t ordinal,
				    const uint8_t **frame)
{
	struct kdump *kdump = target->priv;
	enum ws_evidence evidence = WS_READ;
	struct descriptor d;

	if (!kdump->frames)
		kdump->frames = calloc(target->nframes, sizeof(*kdump->frames));
	if (!kdump->frames)
		return WS_FAILED;
	if (!kdump->frames[ordinal])
		evidence = descriptor_sound(kdump, NULL, ordinal, &d);
	if (!kdump->frames[ordinal] && evidence == WS_READ)
		evidence = keep(target, &d, &kdump->frames[ordinal]);
	*frame = kdump->frames[ordinal] ? kdump->frames[ordinal]->frame : NULL;
	return evidence;
}

static enum ws_status common_unpack(struct ws_target *target, const struct descriptor *d)
{
	struct kdump *kdump = target->priv;
	ws_autofree uint8_t *frame = malloc(WS_FRAME_SIZE);

	if (!frame)
		return ws_fail_memory(target->ctx);
	if (d->size &&
	    frame_unpack(kdump, &kdump->readers[0], NULL, d, frame) == WS_READ) {
		kdump->common = ws_steal(frame);
		kdump->common_offset = d->offset;
	}
	return WS_OK;
}

static enum ws_status incomplete_note(struct ws_target *target)
{
	const struct kdump *kdump = target->priv;

	return kdump->incomplete
		       ? ws_target_add_note(target,
					    "makedumpfile could not write all of "
					    "this dump, and says so in its header "
					    "(incomplete)")
		       : WS_OK;
}

/* ---- open and close --------------------------------------------------------------- */

static enum ws_status kdump_open(struct ws_target *target,
				 const struct ws_target_options *options)
{
	struct kdump *kdump = target->priv = calloc(1, sizeof(*kdump));
	struct descriptor common = { 0 };
	struct kdump_header h = { 0 };
	enum ws_status status;

	(void)options;
	if (!kdump)
		return ws_fail_memory(target->ctx);
	if ((status = ws_image_open(target, &kdump->image)) ||
	    (status = header_read(target, &h)) ||
	    (status = sub_header_read(target, &h)) ||
	    (status = machine_check(target, &h)) || (status = bitmap_place(target, &h)))
		return status;
	kdump->descriptors = h.descriptors;
	kdump->incomplete = h.incomplete;
	ws_target_reaches(target, h.max_mapnr * WS_FRAME_SIZE);
	if ((status = bitmap_read(target, &h)) || (status = incomplete_note(target)))
		return status;
	status = descriptors_check(target, &common);
	return status ? status : common_unpack(target, &common);
}

static void kdump_close(struct ws_target *target)
{
	struct kdump *kdump = target->priv;
	struct kept *kept, *next;

	if (!kdump)
		return;
	HASH_ITER(hh, kdump->kept, kept, next)
	{
		HASH_DEL(kdump->kept, kept);
		free(kept);
	}
	for (size_t i = 0; i < WS_SCAN_WORKERS; i++) {
		ws_unpacker_release(&kdump->readers[i].unpacker);
		ws_window_release(&kdump->readers[i].descriptors);
		ws_window_release(&kdump->readers[i].frames);
	}
	free(kdump->frames);
	free(kdump->common);
	ws_image_close(&kdump->image);
	free(kdump);
}

const struct ws_target_ops ws_target_kdump = {
	.kind = "kdump",
	.probe = kdump_probe,
	.open = kdump_open,
	.frame = kdump_frame,
	.copy_frame = kdump_copy_frame,
	.close = kdump_close,
};
