/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kdump-compressed format of makedumpfile and QEMU: in blocks of a page of the
 * kernel's, or, where QEMU does not know how large that is (AArch64), of the largest,
 *
 *	block 0			header (struct disk_dump_header)
 *	block 1			sub header (struct kdump_sub_header), notes
 *	after sub_hdr_size	bitmap of the memory there is
 *	halfway in the bitmaps	bitmap of the memory that the file holds
 *	after bitmap_blocks	a descriptor for every bit of the second, in order
 *	anywhere		these blocks of memory, compressed one by one
 *
 * (makedumpfile's IMPLEMENTATION and diskdump_mod.h). So the pieces of memory are the
 * runs of the second bitmap, and a frame's ordinal is the number of its descriptor. A
 * filtered frame (makedumpfile -d) has no bit: it is left out, not zero. Frames that
 * are all zero but not filtered share one descriptor's bytes.
 *
 * Of a dump that is cut off or damaged the frames are read whose descriptors make sense
 * and whose bytes are there; the others are absent, and counted in a note. What the
 * headers say is held against the bitmaps and the descriptors, and a note says where they
 * differ. No frame is placed where it may not belong: see ws_kdump_choose().
 *
 * Read here and not by libkdumpfile: 0.5.1 takes no flattened files, and writes past
 * its memory on 1 or 2 in 100 files whose headers are damaged. What is left to a library
 * once all these are checked is to uncompress a frame. The tests hold libkdumpfile's
 * answers against ours.
 */
#include "target/kdump.h"

#include <stdlib.h>
#include <string.h>

#include "util/bits.h"
#include "util/cleanup.h"
#include "util/count.h"

#define KDUMP_MAGIC "KDUMP   "
#define KDUMP_MAGIC_SIZE 8
#define KDUMP_VERSION 8
#define NEW_UTS_NAME 65 /* bytes in each name of struct new_utsname */
#define KDUMP_MACHINE (12 + 4 * NEW_UTS_NAME)
#define VERSION_MAX 6
#define MEMORY_MAX WS_BIT(59) /* no bitmap that is there goes so far; it can be counted */
#define INCOMPLETE 0x8        /* DUMP_DH_COMPRESSED_INCOMPLETE in the header's status */

/* clang-format off */
static const struct kdump_class kdump_classes[] = {
	{ .size = 4,
	  .status = 412,
	  .block_size = 416, .sub_hdr_size = 420, .bitmap_blocks = 424, .max_mapnr = 428,
	  .split = 8, .start = 12, .past = 16, .vmcoreinfo = 20, .note = 32, .start_64 = 56,
	  .past_64 = 64, .max_mapnr_64 = 72, .end = 80 },
	{ .size = 8,
	  .status = 424,
	  .block_size = 428, .sub_hdr_size = 432, .bitmap_blocks = 436, .max_mapnr = 440,
	  .split = 12, .start = 16, .past = 24, .vmcoreinfo = 32, .note = 48, .start_64 = 80,
	  .past_64 = 88, .max_mapnr_64 = 96, .end = 104 },
};
/* clang-format on */

/* What newer QEMUs (10 does, 7.2 does not) write for every machine. */
#define NO_MACHINE "Unknown"

/* Bytes that a header leads to, owned. */
struct section {
	uint64_t offset, size;
	uint8_t *bytes;
};

static void section_release(struct section *section)
{
	free(section->bytes);
}

/* Which frame of a block it is: of all the blocks that share a descriptor's bytes. */
struct place {
	const struct kdump_part *part;
	struct kdump_descriptor d;
	uint64_t frame;
};

static bool kdump_probe(const struct ws_file *file)
{
	return ws_kdump_file_flattened(file) ||
	       (file->size >= KDUMP_MAGIC_SIZE &&
		!memcmp(file->data, KDUMP_MAGIC, KDUMP_MAGIC_SIZE));
}

/* ---- headers ---------------------------------------------------------------------- */

/* As large as a page can be on the machines that are read. */
static bool is_block(uint32_t size)
{
	return size == 4u << 10 || size == 16u << 10 || size == 64u << 10;
}

/*
 * The one whose block size is a page's and whose sub header has a block: where the
 * 32-bit class has the latter, the 64-bit one has the upper half of a time in us.
 */
static const struct kdump_class *class_of(const uint8_t *header)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(kdump_classes); i++)
		if (is_block(ws_le32(header + kdump_classes[i].block_size)) &&
		    ws_le32(header + kdump_classes[i].sub_hdr_size))
			return &kdump_classes[i];
	return NULL;
}

static bool machine_unsaid(const uint8_t *header)
{
	return !strncmp((const char *)header + KDUMP_MACHINE, NO_MACHINE, NEW_UTS_NAME);
}

static enum ws_status header_check(struct ws_target *target, const uint8_t *p)
{
	const char *path = target->file.path;
	char names[WS_MACHINE_NAMES];

	if (memcmp(p, KDUMP_MAGIC, KDUMP_MAGIC_SIZE))
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: no kdump magic at file offset %#jx", path,
			       ws_kdump_file_offset(target, 0));
	if (!machine_unsaid(p) &&
	    !ws_is_machine_name((const char *)p + KDUMP_MACHINE, NEW_UTS_NAME))
		return ws_fail(
			target->ctx, WS_ERR_UNSUPPORTED,
			"%s: kdump of machine '%.64s' (file offset %#jx), which is "
			"not %s: crash, built for that machine, reads kdumps",
			path, p + KDUMP_MACHINE,
			ws_kdump_file_offset(target, KDUMP_MACHINE),
			ws_machine_names(names));
	if (!class_of(p))
		return ws_fail(
			target->ctx, WS_ERR_MALFORMED,
			"%s: kdump header (file offset %#jx): block size %u is none "
			"that a page has, or the sub header has none",
			path, ws_kdump_file_offset(target, kdump_classes[1].block_size),
			ws_le32(p + kdump_classes[1].block_size));
	return WS_OK;
}

/*
 * The second bitmap is behind the first unless one alone is needed for all the memory.
 * The header has the number of frames too, as far as 32 bits hold it. Where the two
 * differ, or there are more than bits, the bitmaps have the last word: past memory's end
 * theirs are 0.
 */
static enum ws_status bitmap_place(struct ws_target *target, struct kdump_header *h)
{
	uint64_t bits = h->bitmap_blocks * h->block * 8, said = h->max_mapnr;
	uint64_t narrow = said > UINT32_MAX ? UINT32_MAX : said;

	if (!bits)
		return ws_fail(target->ctx, WS_ERR_MALFORMED,
			       "%s: kdump header (file offset %#jx): no bitmap",
			       target->file.path,
			       ws_kdump_file_offset(target, h->class->bitmap_blocks));
	if (said > bits || narrow != h->max_mapnr_32)
		h->max_mapnr = bits / 2;
	if (h->max_mapnr <= bits / 2)
		h->bitmap += h->bitmap_blocks / 2 * h->block;
	if (h->max_mapnr > MEMORY_MAX / h->block)
		h->max_mapnr = MEMORY_MAX / h->block;
	if (h->max_mapnr == said)
		return WS_OK;
	return ws_target_add_note(
		target,
		"the kdump headers are damaged: they have %#jx and %#jx as the number of "
		"page frames, and bitmaps of %#jx; all of these are read",
		h->max_mapnr_32, said, bits / 2);
}

/* Right before the status lies a struct timeval; not every writer fills it in. */
static int64_t time_in(const uint8_t *header, const struct kdump_class *class)
{
	const uint8_t *seconds = header + class->status - 2 * class->size;

	return class->size == 8 ? (int64_t)ws_le64(seconds) : (int32_t)ws_le32(seconds);
}

static enum ws_status version_read(struct ws_target *target, struct kdump_header *h,
				   const uint8_t *header)
{
	uint32_t version = ws_le32(header + KDUMP_VERSION);

	h->version = version && version <= VERSION_MAX ? version : VERSION_MAX;
	if (h->version == version)
		return WS_OK;
	return ws_target_add_note(
		target,
		"kdump header version %u at file offset %#jx is damaged, "
		"or newer than this tool: it is read as version %u",
		version, ws_kdump_file_offset(target, KDUMP_VERSION), h->version);
}

static enum ws_status header_read(struct ws_target *target, struct kdump_header *h)
{
	uint8_t p[KDUMP_HEADER_SIZE];
	const struct kdump *kdump = target->priv;
	enum ws_status status =
		ws_kdump_need(target, &kdump->image, 0, p, sizeof(p), "kdump header");

	if (status || (status = header_check(target, p)))
		return status;
	h->class = class_of(p);
	target->taken = time_in(p, h->class);
	h->machine_unsaid = machine_unsaid(p);
	h->incomplete = ws_le32(p + h->class->status) & INCOMPLETE;
	h->max_mapnr = h->max_mapnr_32 = ws_le32(p + h->class->max_mapnr);
	h->bitmap_blocks = ws_le32(p + h->class->bitmap_blocks);
	h->block = ws_le32(p + h->class->block_size);
	h->first = (1 + (uint64_t)ws_le32(p + h->class->sub_hdr_size)) * h->block;
	h->bitmap = h->first;
	h->descriptors = h->bitmap + h->bitmap_blocks * h->block;
	return version_read(target, h, p);
}

/*
 * A u64 offset and a long size, and what they lead to; no bytes where size is 0, or where
 * they are not in the file, which is noted.
 */
static enum ws_status section_read(struct ws_target *target,
				   const struct kdump_class *class, const uint8_t *field,
				   const char *what, struct section *section)
{
	const struct kdump *kdump = target->priv;
	uint64_t size = ws_le_word(field + 8, class->size);
	enum ws_evidence evidence = WS_ABSENT;

	*section = (struct section){ .offset = ws_le64(field), .size = size };
	if (!size)
		return WS_OK;
	/* Nothing can be larger than the file that it is in. */
	if (size <= target->file.size && size <= WS_HEADER_MAX) {
		section->bytes = malloc(size);
		if (!section->bytes)
			return ws_fail_memory(target->ctx);
		evidence = ws_kdump_file_read(&kdump->image, NULL, section->offset,
					      section->bytes, size);
	}
	if (evidence == WS_READ)
		return WS_OK;
	if (evidence == WS_FAILED)
		return ws_kdump_need(target, &kdump->image, section->offset,
				     section->bytes, size, what);
	section_release(section);
	section->bytes = NULL;
	return ws_target_add_note(
		target,
		"the %s are not in the file: %#jx bytes at offset %#jx; what they say of "
		"registers and of the kernel is unknown",
		what, size, section->offset);
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
					       ws_kdump_file_offset(target, notes.offset),
					       false);
	if (status || target->vmcoreinfo)
		return status;
	status = section_read(target, h->class, sub + h->class->vmcoreinfo,
			      "bytes of VMCOREINFO", &text);
	if (status || !text.bytes)
		return status;
	target->vmcoreinfo = strndup((const char *)text.bytes, text.size);
	return target->vmcoreinfo ? WS_OK : ws_fail_memory(target->ctx);
}

static enum ws_status sub_header_read(struct ws_target *target, struct kdump_header *h)
{
	const struct kdump *kdump = target->priv;
	uint8_t sub[KDUMP_SUB_HEADER_MAX] = { 0 };
	enum ws_status status =
		ws_kdump_need(target, &kdump->image, h->block, sub,
			      ws_kdump_sub_header_size(h), "kdump sub header");

	if (status)
		return status;
	h->split = ws_le32(sub + h->class->split) == 1;
	if (h->version >= 6)
		h->max_mapnr = ws_le64(sub + h->class->max_mapnr_64);
	return notes_read(target, h, sub);
}

/* Notes of processors are as good as the machine's name: each has its own size. */
static enum ws_status machine_check(struct ws_target *target,
				    const struct kdump_header *h)
{
	char names[WS_MACHINE_NAMES];

	if (!h->machine_unsaid || target->cpus.n)
		return WS_OK;
	return ws_fail(target->ctx, WS_ERR_UNSUPPORTED,
		       "%s: kdump of machine '" NO_MACHINE "' (file offset %#jx), and it "
		       "has no note of a processor that is known: %s",
		       target->file.path, ws_kdump_file_offset(target, KDUMP_MACHINE),
		       ws_machine_names(names));
}

/* ---- frames ----------------------------------------------------------------------- */

/* Room for a block, made when it is first asked for. */
static uint8_t *room_for_block(const struct kdump *kdump, uint8_t **room)
{
	if (!*room)
		*room = malloc(kdump->block);
	return *room;
}

static enum ws_evidence block_unpack(struct kdump *kdump, struct kdump_reader *reader,
				     const struct kdump_part *part,
				     const struct kdump_descriptor *d, uint8_t *block)
{
	uint8_t *packed = room_for_block(kdump, &reader->packed);
	enum ws_evidence evidence;

	if (!packed)
		return WS_FAILED;
	kdump_reader_turn(reader, part);
	evidence = ws_kdump_file_read(part->image, &reader->frames, d->offset, packed,
				      d->size);
	return evidence == WS_READ ? ws_unpack(&reader->unpacker, d->flags, packed,
					       d->size, block, kdump->block)
				   : evidence;
}

static bool is_unpacked(const struct kdump_reader *reader, const struct place *place)
{
	return reader->unpacked_of == place->part &&
	       !memcmp(&reader->unpacked, &place->d, sizeof(place->d));
}

/* Neighbours lie in one block: what was unpacked last stays. */
static enum ws_evidence frame_unpack(struct kdump *kdump, struct kdump_reader *reader,
				     const struct place *place, uint8_t *frame)
{
	enum ws_evidence evidence;

	if (kdump->block == WS_FRAME_SIZE)
		return block_unpack(kdump, reader, place->part, &place->d, frame);
	if (!room_for_block(kdump, &reader->block))
		return WS_FAILED;
	if (!is_unpacked(reader, place)) {
		reader->unpacked_of = NULL;
		evidence = block_unpack(kdump, reader, place->part, &place->d,
					reader->block);
		if (evidence != WS_READ)
			return evidence;
		reader->unpacked_of = place->part;
		reader->unpacked = place->d;
	}
	memcpy(frame, reader->block + place->frame * WS_FRAME_SIZE, WS_FRAME_SIZE);
	return WS_READ;
}

/* Where the frame with that ordinal lies. */
static enum ws_evidence frame_place(const struct kdump *kdump,
				    struct kdump_reader *reader, uint64_t ordinal,
				    struct place *place)
{
	uint64_t n = kdump_frames_in(kdump), block = ordinal / n;
	const struct kdump_part *part = ws_kdump_part_of(kdump, block);

	*place = (struct place){ .part = part, .frame = ordinal % n };
	kdump_reader_turn(reader, part);
	return ws_kdump_descriptor(kdump, part, &reader->descriptors, block - part->first,
				   &place->d);
}

static enum ws_evidence kdump_copy_frame(struct ws_target *target, unsigned worker,
					 uint64_t ordinal, uint8_t *frame)
{
	struct kdump *kdump = target->priv;
	struct kdump_reader *reader = &kdump->readers[worker];
	struct place place;
	enum ws_evidence evidence = frame_place(kdump, reader, ordinal, &place);

	if (evidence != WS_READ)
		return evidence;
	if (place.part->common && place.d.offset == place.part->shared.offset) {
		memcpy(frame, place.part->common + place.frame * WS_FRAME_SIZE,
		       WS_FRAME_SIZE);
		return WS_READ;
	}
	return frame_unpack(kdump, reader, &place, frame);
}

static enum ws_status common_unpack(struct ws_target *target, struct kdump_part *part)
{
	struct kdump *kdump = target->priv;
	ws_autofree uint8_t *block = malloc(kdump->block);

	if (!block)
		return ws_fail_memory(target->ctx);
	if (part->shared.size && block_unpack(kdump, &kdump->readers[0], part,
					      &part->shared, block) == WS_READ)
		part->common = ws_steal(block);
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

static enum ws_status headers_read(struct ws_target *target, struct kdump_header *h)
{
	struct kdump *kdump = target->priv;
	enum ws_status status;

	if ((status = ws_kdump_file_open(target, &kdump->image)) ||
	    (status = header_read(target, h)) || (status = sub_header_read(target, h)) ||
	    (status = machine_check(target, h)) || (status = bitmap_place(target, h)))
		return status;
	kdump->descriptors = h->descriptors;
	kdump->block = h->block;
	kdump->incomplete = h->incomplete;
	ws_target_reaches(target, h->max_mapnr * h->block);
	return WS_OK;
}

static enum ws_status memory_add(struct ws_target *target, const struct kdump_header *h)
{
	struct kdump *kdump = target->priv;
	enum ws_status status = WS_OK;

	for (size_t i = 0; i < kdump->nparts && !status; i++) {
		struct kdump_part *part = &kdump->parts[i];

		status = ws_kdump_choose(target, h, part);
		if (!status)
			status = ws_kdump_add_memory(target, h, part);
	}
	return status;
}

static enum ws_status kdump_open(struct ws_target *target,
				 const struct ws_target_options *options)
{
	struct kdump *kdump = target->priv = calloc(1, sizeof(*kdump));
	struct kdump_header h = { 0 };
	enum ws_status status;

	if (!kdump)
		return ws_fail_memory(target->ctx);
	if ((status = headers_read(target, &h)) ||
	    (status = ws_kdump_open_parts(target, &h, options)) ||
	    (status = memory_add(target, &h)) || (status = incomplete_note(target)))
		return status;
	status = ws_kdump_check(target);
	for (size_t i = 0; i < kdump->nparts && !status; i++)
		status = common_unpack(target, &kdump->parts[i]);
	return status;
}

static void kdump_close(struct ws_target *target)
{
	struct kdump *kdump = target->priv;

	if (!kdump)
		return;
	for (size_t i = 0; i < WS_READERS; i++) {
		ws_unpacker_release(&kdump->readers[i].unpacker);
		ws_file_window_release(&kdump->readers[i].descriptors);
		ws_file_window_release(&kdump->readers[i].frames);
		free(kdump->readers[i].packed);
		free(kdump->readers[i].block);
	}
	ws_kdump_close_parts(target);
	ws_kdump_file_close(&kdump->image);
	free(kdump);
}

const struct ws_target_ops ws_target_kdump = {
	.kind = "kdump",
	.title = "kdump",
	.about = "Compressed page by page: makedumpfile, QEMU's "
		 "dump-guest-memory -z; filtered, flattened and split ones too.",
	.probe = kdump_probe,
	.open = kdump_open,
	.copy_frame = kdump_copy_frame,
	.close = kdump_close,
};
