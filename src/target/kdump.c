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

#define KDUMP_MAGIC "KDUMP   "
#define KDUMP_MAGIC_SIZE 8
#define KDUMP_VERSION 8
#define NEW_UTS_NAME 65 /* bytes in each name of struct new_utsname */
#define KDUMP_MACHINE (12 + 4 * NEW_UTS_NAME)
#define KDUMP_HEADER_SIZE 444 /* up to and with max_mapnr, in the larger class */
#define SUB_HEADER_MAX 104
#define DESCRIPTOR_SIZE 24

/*
 * Where the fields are that depend on sizeof(long) and its alignment. Those of the
 * header are u32; vmcoreinfo and note are a u64 offset and a long size. The class is
 * that of the writer, not of the machine: QEMU writes the 64-bit one for an i686 that
 * has anything at 4 GiB.
 */
struct kdump_class {
	uint8_t size; /* bytes in a size */
	uint16_t block_size, sub_hdr_size, bitmap_blocks, max_mapnr;
	uint16_t split, vmcoreinfo, note, max_mapnr_64, end;
};

/* clang-format off */
static const struct kdump_class kdump_classes[] = {
	{ .size = 4,
	  .block_size = 416, .sub_hdr_size = 420, .bitmap_blocks = 424, .max_mapnr = 428,
	  .split = 8, .vmcoreinfo = 20, .note = 32, .max_mapnr_64 = 72, .end = 80 },
	{ .size = 8,
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
};

/* Bytes that a header leads to; owned where they had to be gathered. */
struct section {
	uint64_t offset, size;
	const uint8_t *bytes;
	uint8_t *owned;
};

static void section_release(struct section *section)
{
	free(section->owned);
}

struct descriptor {
	uint64_t offset;
	uint32_t size, flags;
};

struct kdump {
	struct ws_image image;
	uint64_t descriptors;
	uint8_t **frames;       /* by ordinal: unpacked for good; NULL: not yet */
	uint64_t common_offset; /* where the bytes of the frame lie that many share */
	uint8_t *common;        /* that frame; NULL: none is shared */
	struct ws_unpacker unpackers[WS_SCAN_WORKERS];
};

static bool kdump_probe(const struct ws_file *file)
{
	return ws_image_flattened(file) ||
	       (file->size >= KDUMP_MAGIC_SIZE &&
		!memcmp(file->data, KDUMP_MAGIC, KDUMP_MAGIC_SIZE));
}

/* ---- headers ---------------------------------------------------------------------- */

/* size bytes of the image, *owned where they had to be gathered; NULL after a failure. */
static const uint8_t *need(struct ws_target *target, uint64_t offset, uint64_t size,
			   const char *what, uint8_t **owned)
{
	struct kdump *kdump = target->priv;
	const uint8_t *bytes = ws_image_bytes(&kdump->image, offset, size, NULL);

	/* Nothing gathered can be larger than the file that it is gathered from. */
	if (!bytes && kdump->image.flattened && size <= target->file.size) {
		*owned = malloc(size);
		if (*owned)
			bytes = ws_image_bytes(&kdump->image, offset, size, *owned);
	}
	if (!bytes)
		ws_fail(target->ctx, WS_ERR_UNREADABLE,
			"%s: %s: %#lx bytes at %soffset %#lx are not in the file of %#zx "
			"bytes: is the dump truncated?",
			target->file.path, what, size,
			kdump->image.flattened ? "rearranged " : "file ", offset,
			target->file.size);
	return bytes;
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
	ws_autofree uint8_t *owned = NULL;
	const uint8_t *p = need(target, 0, KDUMP_HEADER_SIZE, "kdump header", &owned);
	enum ws_status status = p ? header_check(target, p) : WS_ERR_UNREADABLE;

	if (status)
		return status;
	h->class = class_of(p);
	h->machine_unsaid = machine_unsaid(p);
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

/* A u64 offset and a long size, and what they lead to; NULL and WS_OK where size is 0. */
static enum ws_status section_read(struct ws_target *target,
				   const struct kdump_class *class, const uint8_t *field,
				   const char *what, struct section *section)
{
	uint64_t size = class->size == 8 ? ws_le64(field + 8) : ws_le32(field + 8);

	*section = (struct section){ .offset = ws_le64(field), .size = size };
	if (!size)
		return WS_OK;
	section->bytes = need(target, section->offset, size, what, &section->owned);
	return section->bytes ? WS_OK : WS_ERR_UNREADABLE;
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
					       file_offset(target, notes.offset));
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
	ws_autofree uint8_t *owned = NULL;
	uint8_t sub[SUB_HEADER_MAX] = { 0 };
	size_t size = sub_header_size(h);
	const uint8_t *p = need(target, WS_FRAME_SIZE, size, "kdump sub header", &owned);

	if (!p)
		return WS_ERR_UNREADABLE;
	memcpy(sub, p, size);
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

/* Every frame has a descriptor, so that a small file cannot claim a lot of memory. */
static enum ws_status run_add(struct ws_target *target, uint64_t pfn, uint64_t end,
			      uint64_t *nframes)
{
	*nframes += end - pfn;
	if (*nframes > target->file.size / DESCRIPTOR_SIZE)
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: kdump bitmap: the file of %#zx bytes has no room for "
			       "the page descriptors of the frames up to pa %#lx: is the "
			       "dump truncated?",
			       target->file.path, target->file.size, end * WS_FRAME_SIZE);
	return ws_target_add_memory(target, pfn * WS_FRAME_SIZE,
				    (end - pfn) * WS_FRAME_SIZE, NULL);
}

static enum ws_status bitmap_read(struct ws_target *target, const struct kdump_header *h)
{
	ws_autofree uint8_t *owned = NULL;
	uint64_t n = h->max_mapnr, nframes = 0, end;
	const uint8_t *bits =
		need(target, h->bitmap, (n + 7) / 8, "kdump bitmap", &owned);
	enum ws_status status = bits ? WS_OK : WS_ERR_UNREADABLE;

	if (status)
		return status;
	for (uint64_t pfn = bit_find(bits, n, 0, true); pfn < n && !status;
	     pfn = bit_find(bits, n, end, true)) {
		end = bit_find(bits, n, pfn, false);
		status = run_add(target, pfn, end, &nframes);
	}
	return status;
}

static bool descriptor_read(const struct kdump *kdump, uint64_t ordinal,
			    struct descriptor *d)
{
	uint8_t bounce[DESCRIPTOR_SIZE];
	const uint8_t *p = ws_image_bytes(&kdump->image,
					  kdump->descriptors + ordinal * DESCRIPTOR_SIZE,
					  DESCRIPTOR_SIZE, bounce);

	if (p)
		*d = (struct descriptor){ ws_le64(p), ws_le32(p + 8), ws_le32(p + 12) };
	return p;
}

/* The words for what is wrong with a descriptor, or NULL. */
static const char *descriptor_flaw(const struct kdump *kdump, const struct descriptor *d,
				   enum ws_status *status)
{
	uint8_t bounce[WS_FRAME_SIZE];

	*status = WS_ERR_UNSUPPORTED;
	if (!ws_unpack_known(d->flags))
		return "is compressed in a way unknown here";
	*status = WS_ERR_MALFORMED;
	if (!d->size || d->size > WS_FRAME_SIZE)
		return "has a size that no frame can have";
	*status = WS_ERR_UNREADABLE;
	if (!ws_image_bytes(&kdump->image, d->offset, d->size, bounce))
		return "lies past the file's end: is the dump truncated?";
	*status = WS_OK;
	return NULL;
}

static enum ws_status descriptor_check(struct ws_target *target, uint64_t ordinal,
				       uint64_t pa, struct descriptor *d)
{
	const struct kdump *kdump = target->priv;
	uint64_t at = kdump->descriptors + ordinal * DESCRIPTOR_SIZE;
	const char *flaw;
	enum ws_status status;

	if (!descriptor_read(kdump, ordinal, d))
		return ws_fail(target->ctx, WS_ERR_UNREADABLE,
			       "%s: page descriptor %lu at file offset %#lx is past the "
			       "file's end: is the dump truncated?",
			       target->file.path, ordinal, file_offset(target, at));
	flaw = descriptor_flaw(kdump, d, &status);
	return flaw ? ws_fail(target->ctx, status,
			      "%s: page descriptor %lu (file offset %#lx): the frame at pa "
			      "%#lx (offset %#lx, size %#x, flags %#x) %s",
			      target->file.path, ordinal, file_offset(target, at), pa,
			      d->offset, d->size, d->flags, flaw)
		    : WS_OK;
}

/*
 * Checks every descriptor, so that a truncated file is refused as a whole, and finds
 * the bytes that frames share: neighbours do, where memory is zero.
 */
static enum ws_status descriptors_check(struct ws_target *target,
					struct descriptor *common)
{
	struct descriptor before = { 0 }, d = { 0 };
	enum ws_status status = WS_OK;
	uint64_t ordinal = 0;

	ws_vec_each(&target->memory, piece)
		for (uint64_t at = 0; at < piece->at.len && !status;
		     at += WS_FRAME_SIZE) {
			status = descriptor_check(target, ordinal++, piece->at.pa + at,
						  &d);
			if (d.offset == before.offset && d.size == before.size)
				*common = d;
			before = d;
		}
	return status;
}

/* ---- frames ----------------------------------------------------------------------- */

static enum ws_evidence frame_unpack(struct kdump *kdump, unsigned worker,
				     const struct descriptor *d, uint8_t *frame)
{
	uint8_t bounce[WS_FRAME_SIZE];
	const uint8_t *packed = ws_image_bytes(&kdump->image, d->offset, d->size, bounce);

	if (!packed)
		return WS_ABSENT;
	return ws_unpack(&kdump->unpackers[worker], d->flags, packed, d->size, frame);
}

static enum ws_evidence kdump_copy_frame(struct ws_target *target, unsigned worker,
					 uint64_t ordinal, uint8_t *frame)
{
	struct kdump *kdump = target->priv;
	struct descriptor d;

	if (!descriptor_read(kdump, ordinal, &d))
		return WS_ABSENT;
	if (kdump->common && d.offset == kdump->common_offset) {
		memcpy(frame, kdump->common, WS_FRAME_SIZE);
		return WS_READ;
	}
	return frame_unpack(kdump, worker, &d, frame);
}

static enum ws_evidence kdump_keep(struct kdump *kdump, uint64_t ordinal,
				   const struct descriptor *d)
{
	ws_autofree uint8_t *frame = malloc(WS_FRAME_SIZE);
	enum ws_evidence evidence = frame ? frame_unpack(kdump, 0, d, frame) : WS_FAILED;

	if (evidence == WS_READ)
		kdump->frames[ordinal] = ws_steal(frame);
	return evidence;
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
	if (!descriptor_read(kdump, ordinal, &d))
		return WS_ABSENT;
	if (kdump->common && d.offset == kdump->common_offset) {
		*frame = kdump->common;
		return WS_READ;
	}
	if (!kdump->frames[ordinal])
		evidence = kdump_keep(kdump, ordinal, &d);
	*frame = kdump->frames[ordinal];
	return evidence;
}

static enum ws_status common_unpack(struct ws_target *target, const struct descriptor *d)
{
	struct kdump *kdump = target->priv;
	ws_autofree uint8_t *frame = malloc(WS_FRAME_SIZE);

	if (!frame)
		return ws_fail_memory(target->ctx);
	if (d->size && frame_unpack(kdump, 0, d, frame) == WS_READ) {
		kdump->common = ws_steal(frame);
		kdump->common_offset = d->offset;
	}
	return WS_OK;
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
	    (status = machine_check(target, &h)) || (status = bitmap_place(target, &h)) ||
	    (status = bitmap_read(target, &h)))
		return status;
	kdump->descriptors = h.descriptors;
	status = descriptors_check(target, &common);
	return status ? status : common_unpack(target, &common);
}

static void kdump_close(struct ws_target *target)
{
	struct kdump *kdump = target->priv;

	if (!kdump)
		return;
	for (uint64_t i = 0; kdump->frames && i < target->nframes; i++)
		free(kdump->frames[i]);
	for (size_t i = 0; i < WS_SCAN_WORKERS; i++)
		ws_unpacker_release(&kdump->unpackers[i]);
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
