/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How files are compressed as a whole: a stream of packed bytes -> the bytes that were
 * compressed, through the library of each format. A file is one member or several that
 * follow each other: gzip's members, xz's streams, the frames of zstd and LZ4, lzop's files.
 */
#ifndef WS_TARGET_CODEC_H
#define WS_TARGET_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than that no format's recognition needs. */
#define WS_CODEC_HEAD 4096u

struct ws_codec_stream {
	const uint8_t *in; /* moves on as it is taken, as out does */
	uint8_t *out;
	size_t nin, nout;
	bool last;     /* no more than in is to come */
	uint64_t made; /* bytes of this member that were put out */
	uint64_t sure; /* where it is damaged: so many of them are what was compressed */
};

enum ws_flow {
	WS_FLOW_ON,      /* more in, or more room for out */
	WS_FLOW_END,     /* of a member */
	WS_FLOW_DAMAGED, /* sure says where */
	WS_FLOW_TOO_BIG, /* it refers farther back than what begin() was given allows */
	WS_FLOW_MEMORY,
};

/*
 * How far back a stream may refer, which it says itself, and which has to be kept in memory:
 * four times what xz -9 takes, and twice what zstd's --ultra and --long do. A header of some
 * bytes can ask for 4 GiB.
 */
#define WS_CODEC_WINDOW (UINT64_C(1) << 28)
#define WS_CODEC_REST (UINT64_C(1) << 20) /* and what else it takes */

struct ws_codec {
	const char *name;
	/*
	 * Whether a member begins with these bytes, WS_CODEC_HEAD or all there are; NULL:
	 * it has no signature, and none follows it.
	 */
	bool (*probe)(const uint8_t *bytes, size_t size);
	/*
	 * how: what the format needs to be told; window: how far back it may refer, at most
	 * WS_CODEC_WINDOW. NULL: memory is short.
	 */
	void *(*begin)(unsigned how, uint64_t window);
	enum ws_flow (*step)(void *state, struct ws_codec_stream *s);
	void (*end)(void *state);
	const char *
		whole; /* what is unpacked as a whole or not at all; NULL: nothing large */
};

extern const struct ws_codec ws_codec_gzip, ws_codec_xz, ws_codec_zstd, ws_codec_lz4,
	ws_codec_lzop, ws_codec_zlib;
/* A block of an xz file by itself; how is the check that its stream has. */
extern const struct ws_codec ws_codec_xz_block;

/* The one that a file with these bytes is compressed by; NULL: none. */
const struct ws_codec *ws_codec_of(const uint8_t *bytes, size_t size);

#endif
