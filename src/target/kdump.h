/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kdump as it is opened: what its headers say (kdump.c), in which files it lies
 * (kdump_parts.c), and which frames its bitmaps and descriptors describe (kdump_frames.c).
 */
#ifndef WS_TARGET_KDUMP_H
#define WS_TARGET_KDUMP_H

#include "target/kdump_file.h"
#include "target/target.h"
#include "target/unpack.h"

#define KDUMP_HEADER_SIZE 444 /* up to and with max_mapnr, in the larger class */
#define KDUMP_SUB_HEADER_MAX 104
#define KDUMP_DESCRIPTOR_SIZE 24

/*
 * Where the fields are that depend on sizeof(long) and its alignment. Those of the
 * header are u32; vmcoreinfo and note are a u64 offset and a long size. The class is
 * that of the writer, not of the machine: QEMU writes the 64-bit one for an i686 that
 * has anything at 4 GiB.
 */
struct kdump_class {
	uint8_t size; /* bytes in a size */
	uint16_t status, block_size, sub_hdr_size, bitmap_blocks, max_mapnr;
	uint16_t split, start, past, vmcoreinfo, note, start_64, past_64, max_mapnr_64,
		end;
};

/* Which bitmap says what frames there are descriptors of: see ws_kdump_choose(). */
enum frames_by { BY_FIRST = 1, BY_SECOND = 2, BY_BOTH = BY_FIRST | BY_SECOND };

/* What the headers say. bitmap (the second), first and descriptors are image offsets. */
struct kdump_header {
	const struct kdump_class *class;
	uint32_t version;
	uint64_t block; /* bytes in one, and in what a bit or a descriptor is of */
	uint64_t max_mapnr, max_mapnr_32, bitmap_blocks, bitmap, first, descriptors;
	bool machine_unsaid;
	bool incomplete;
	bool split; /* there are others beside it: kdump_parts.c */
};

struct kdump_descriptor {
	uint64_t offset;
	uint32_t size, flags;
};

/*
 * A file of a dump: all of it, or one of the parts that makedumpfile --split writes. Each
 * has all headers and bitmaps, and descriptors and frames of the blocks start to end, which
 * is none where end is not above start.
 */
struct kdump_part {
	struct ws_kdump_file *image;
	uint64_t start, end;
	uint64_t first; /* how many descriptors there are in the parts before it */
	enum frames_by frames_by;
	struct kdump_descriptor
		shared;  /* of many of its blocks, which are zero; or zeroed */
	uint8_t *common; /* that block, unpacked; NULL: none is shared */
};

/* What one thread reads with. */
struct kdump_reader {
	struct ws_unpacker unpacker;
	const struct kdump_part *part; /* what the windows are of */
	struct ws_file_window descriptors, frames;
	uint8_t *packed, *block; /* of a block's size; NULL: not yet */
	const struct kdump_part *unpacked_of;
	struct kdump_descriptor unpacked; /* what is in block; zeroed: nothing */
};

struct kdump {
	struct ws_kdump_file image; /* of the file that was named */
	struct kdump_part *parts;   /* in the order of addresses, never overlapping */
	size_t nparts;
	uint64_t nblocks;             /* that were added so far, of all parts */
	struct ws_kdump_file *others; /* of the target's other files */
	uint64_t descriptors;         /* an image offset, in each part */
	uint64_t block;               /* struct kdump_header */
	bool incomplete; /* makedumpfile says that it could not write it all */
	struct kdump_reader readers[WS_READERS];
};

/* Reads size bytes at an image offset; what is missing refuses the dump, with words. */
enum ws_status ws_kdump_need(struct ws_target *target, const struct ws_kdump_file *image,
			     uint64_t offset, void *to, uint64_t size,
			     const char *what) WS_MUST_CHECK;
/* Where in the file an image offset is, for messages. */
uint64_t ws_kdump_file_offset(const struct ws_target *target, uint64_t offset);

/* How many bytes of the sub header that version has. */
size_t ws_kdump_sub_header_size(const struct kdump_header *h);

/* Finds the parts, and opens them: those of options, or else those that lie beside it. */
enum ws_status ws_kdump_open_parts(struct ws_target *target, const struct kdump_header *h,
				   const struct ws_target_options *options) WS_MUST_CHECK;
void ws_kdump_close_parts(struct ws_target *target);

/* Which bitmap goes with the descriptors: part->frames_by. */
enum ws_status ws_kdump_choose(struct ws_target *target, const struct kdump_header *h,
			       struct kdump_part *part) WS_MUST_CHECK;
/* Adds the memory of a part that the bitmaps which were chosen have; part by part. */
enum ws_status ws_kdump_add_memory(struct ws_target *target, const struct kdump_header *h,
				   struct kdump_part *part) WS_MUST_CHECK;
/* How many blocks the second bitmap has from start to end, of what can be read of it. */
uint64_t ws_kdump_count(const struct kdump *kdump, const struct kdump_header *h,
			uint64_t start, uint64_t end);
/* Looks at every descriptor once, and finds those that share their bytes. */
enum ws_status ws_kdump_check(struct ws_target *target) WS_MUST_CHECK;

/* How many frames lie in what one descriptor is of. */
static inline uint64_t kdump_frames_in(const struct kdump *kdump)
{
	return kdump->block / WS_FRAME_SIZE;
}

/* The windows of a reader are of one file at a time. */
static inline void kdump_reader_turn(struct kdump_reader *reader,
				     const struct kdump_part *part)
{
	if (reader->part == part)
		return;
	reader->part = part;
	reader->descriptors.have = reader->frames.have = 0;
	reader->descriptors.next = reader->frames.next = 0;
}

/* The part that has that descriptor, of those of all parts. */
const struct kdump_part *ws_kdump_part_of(const struct kdump *kdump, uint64_t ordinal);

/* A descriptor of a part: WS_ABSENT where it is not in the file, or none is sound. */
enum ws_evidence ws_kdump_descriptor(const struct kdump *kdump,
				     const struct kdump_part *part,
				     struct ws_file_window *window, uint64_t ordinal,
				     struct kdump_descriptor *d);

#endif
