/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dumps made of text, so that a test says in its own source what is in the file, and
 * can say it wrong. A line is a word and what it needs; '#' begins a comment:
 *
 *	RECORD [FIELD=N ...]	a header, all fields as they should be but those named;
 *				records.c has the tables
 *	length N		a u64 of how many bytes there are from N after the last record
 *				up to here
 *	at N			go on at file offset N; a gap is zero
 *	u8|u16|u32|u64 N...	little-endian numbers
 *	be32|be64 N...		big-endian ones
 *	named|counted "..."	u8 or big-endian u32 length, and these characters
 *	text "..."		characters; \n, \0 and \" as in C
 *	fill LEN BYTE		LEN times the byte
 *	frames PA N		N frames of memory, as mk_frame() fills them
 *	pages CODEC PA N AT [SIZE]
 *				N page descriptors of a kdump at the cursor; the pages, of
 *				a frame each or SIZE bytes, compressed by zlib, lzo,
 *				snappy, zstd or plain, from AT on
 *	snappy CODEC PA N	N frames of memory as one chunk of snappy's framing format,
 *				packed or plain
 *	bits AT FIRST N		sets N bits of a bitmap at AT; the cursor stays
 *	flatten OFFSET+LEN...	all so far, flattened, in these chunks, which end
 *				where all so far does
 *	cut N			ends the file at N
 *
 * N is in C's notation, or characters in single quotes, the first the lowest byte.
 */
#ifndef TESTS_MK_H
#define TESTS_MK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct mk {
	uint8_t *bytes; /* owned */
	size_t size, cap;
	size_t at;     /* the cursor */
	size_t record; /* where the last one begins */
	size_t end;    /* of the frames that pages wrote last */
};

/* Complains on stderr, with the line, and gives false if the text makes no sense. */
bool mk_build(struct mk *mk, const char *text);
void mk_release(struct mk *mk);

/*
 * A file without a name on any disk, with these bytes: its path is in path, and it is
 * gone once the descriptor that is returned is closed.
 */
int mk_file(const struct mk *mk, char path[32]);

/* What physical memory at pa (of a frame) holds: each word its own address. */
void mk_frame(uint64_t pa, uint8_t frame[4096]);

/* Room for size bytes at offset, zeroed where new. */
uint8_t *mk_room(struct mk *mk, size_t offset, size_t size);

/* ---- records.c ---- */

struct mk_field {
	const char *name;
	uint16_t offset;
	uint8_t size;
	uint64_t value; /* unless the text says another */
};

struct mk_record {
	const char *name;
	uint16_t size;
	bool big_endian;
	struct mk_field field[24];
};

const struct mk_record *mk_record(const char *name);

/* ---- codecs.c ---- */

#define MK_CHUNK_MAX (4u + 4 + 65536 + 65536 / 6 + 32)
/* A chunk of size bytes, 64 KiB at most; returns its length, 0 where it knows no codec. */
size_t mk_snappy_chunk(const char *codec, const uint8_t *memory, size_t size,
		       uint8_t chunk[MK_CHUNK_MAX]);
/*
 * Compresses size bytes, into room for twice as many; returns how many they become, and the
 * page descriptor's flags in *flags.
 */
size_t mk_compress(const char *codec, const uint8_t *page, size_t size, uint8_t *packed,
		   uint32_t *flags);

#endif
