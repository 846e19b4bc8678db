/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A compressed block of memory -> its bytes, by zlib, LZO, snappy or zstd. */
#ifndef WS_TARGET_UNPACK_H
#define WS_TARGET_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "whosees.h"

/* What the libraries keep between blocks. Zeroed: nothing yet. One a thread. */
struct ws_unpacker {
	struct libdeflate_decompressor *deflate;
	struct ZSTD_DCtx_s *zstd;
};

void ws_unpacker_release(struct ws_unpacker *unpacker);

/* Page descriptor flags (makedumpfile diskdump_mod.h): 0, or one of these. */
#define WS_UNPACK_ZLIB 0x01u
bool ws_unpack_known(uint32_t flags);

/*
 * Unpacks size bytes into a block of that many bytes; WS_ABSENT if they are damaged:
 * anything that does not make exactly a block.
 */
enum ws_evidence ws_unpack(struct ws_unpacker *unpacker, uint32_t flags,
			   const uint8_t *packed, size_t size, uint8_t *bytes,
			   size_t block) WS_MUST_CHECK;

#endif
