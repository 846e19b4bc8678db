/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kdump as it is opened: what its headers say (kdump.c), and which frames its bitmaps
 * and descriptors describe (kdump_frames.c).
 */
#ifndef WS_TARGET_KDUMP_H
#define WS_TARGET_KDUMP_H

#include "target/kdump_file.h"
#include "target/target.h"
#include "target/unpack.h"

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
	uint16_t split, vmcoreinfo, note, max_mapnr_64, end;
};

/* Which bitmap says what frames there are descriptors of: see ws_kdump_choose(). */
enum frames_by { BY_FIRST = 1, BY_SECOND = 2, BY_BOTH = BY_FIRST | BY_SECOND };

/* What the headers say. bitmap (the second), first and descriptors are image offsets. */
struct kdump_header {
	const struct kdump_class *class;
	uint32_t version;
	uint64_t block; /* bytes in one, and in what a bit or a descriptor is of */
	uint64_t max_mapnr, max_mapnr_32, bitmap_blocks, bitmap, first, descriptors;
	enum frames_by frames_by;
	bool machine_unsaid;
	bool incomplete;
};

struct kdump_descriptor {
	uint64_t offset;
	uint32_t size, flags;
};

/* What one thread reads with. */
struct kdump_reader {
	struct ws_unpacker unpacker;
	struct ws_file_window descriptors, frames;
	uint8_t *packed, *block;          /* of a block's size; NULL: not yet */
	struct kdump_descriptor unpacked; /* what is in block; zeroed: nothing */
};

struct kdump {
	struct ws_kdump_file image;
	uint64_t descriptors;
	uint64_t block;             /* struct kdump_header */
	bool incomplete;            /* makedumpfile says that it could not write it all */
	struct kdump_kept **frames; /* by ordinal; NULL: not yet */
	struct kdump_kept *kept;    /* by where they lie; owned */
	uint64_t common_offset;     /* where the bytes of the block lie that many share */
	uint8_t *common;            /* that block; NULL: none is shared */
	struct kdump_reader readers[WS_SCAN_WORKERS];
};

/* Reads size bytes at an image offset; what is missing refuses the dump, with words. */
enum ws_status ws_kdump_need(struct ws_target *target, uint64_t offset, void *to,
			     size_t size, const char *what) WS_MUST_CHECK;
/* Where in the file an image offset is, for messages. */
uint64_t ws_kdump_file_offset(const struct ws_target *target, uint64_t offset);

/* Which bitmap goes with the descriptors: h->frames_by. */
enum ws_status ws_kdump_choose(struct ws_target *target,
			       struct kdump_header *h) WS_MUST_CHECK;
/* Adds the memory that the bitmaps which were chosen have. */
enum ws_status ws_kdump_add_memory(struct ws_target *target,
				   const struct kdump_header *h) WS_MUST_CHECK;
/* Looks at every descriptor once; *common: of those that share their bytes. */
enum ws_status ws_kdump_check(struct ws_target *target,
			      struct kdump_descriptor *common) WS_MUST_CHECK;

/* How many frames lie in what one descriptor is of. */
static inline uint64_t kdump_frames_in(const struct kdump *kdump)
{
	return kdump->block / WS_FRAME_SIZE;
}

/* A descriptor: WS_ABSENT where it is not in the file, or none is sound. */
enum ws_evidence ws_kdump_descriptor(const struct kdump *kdump,
				     struct ws_file_window *window, uint64_t ordinal,
				     struct kdump_descriptor *d);

#endif
