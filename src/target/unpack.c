/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "target/unpack.h"

#include <libdeflate.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <string.h>
#include <zstd.h>

#include "util/bits.h"
#include "whosees.h"

static enum ws_evidence whole(bool unpacked)
{
	return unpacked ? WS_READ : WS_ABSENT;
}

static enum ws_evidence unpack_plain(struct ws_unpacker *unpacker, const uint8_t *packed,
				     size_t size, uint8_t *bytes, size_t block)
{
	(void)unpacker;
	if (size != block)
		return WS_ABSENT;
	memcpy(bytes, packed, size);
	return WS_READ;
}

static enum ws_evidence unpack_zlib(struct ws_unpacker *unpacker, const uint8_t *packed,
				    size_t size, uint8_t *bytes, size_t block)
{
	if (!unpacker->deflate)
		unpacker->deflate = libdeflate_alloc_decompressor();
	if (!unpacker->deflate)
		return WS_FAILED;
	return whole(libdeflate_zlib_decompress(unpacker->deflate, packed, size, bytes,
						block, NULL) == LIBDEFLATE_SUCCESS);
}

static enum ws_evidence unpack_lzo(struct ws_unpacker *unpacker, const uint8_t *packed,
				   size_t size, uint8_t *bytes, size_t block)
{
	lzo_uint n = block;

	(void)unpacker;
	return whole(lzo1x_decompress_safe(packed, size, bytes, &n, NULL) == LZO_E_OK &&
		     n == block);
}

static enum ws_evidence unpack_snappy(struct ws_unpacker *unpacker, const uint8_t *packed,
				      size_t size, uint8_t *bytes, size_t block)
{
	size_t n = block;

	(void)unpacker;
	return whole(snappy_uncompress((const char *)packed, size, (char *)bytes, &n) ==
			     SNAPPY_OK &&
		     n == block);
}

static enum ws_evidence unpack_zstd(struct ws_unpacker *unpacker, const uint8_t *packed,
				    size_t size, uint8_t *bytes, size_t block)
{
	if (!unpacker->zstd)
		unpacker->zstd = ZSTD_createDCtx();
	if (!unpacker->zstd)
		return WS_FAILED;
	return whole(ZSTD_decompressDCtx(unpacker->zstd, bytes, block, packed, size) ==
		     block);
}

static const struct {
	uint32_t flags;
	enum ws_evidence (*unpack)(struct ws_unpacker *unpacker, const uint8_t *packed,
				   size_t size, uint8_t *bytes, size_t block);
} codecs[] = {
	{ 0x00, unpack_plain },  { WS_UNPACK_ZLIB, unpack_zlib }, { 0x02, unpack_lzo },
	{ 0x04, unpack_snappy }, { 0x20, unpack_zstd },
};

bool ws_unpack_known(uint32_t flags)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(codecs); i++)
		if (codecs[i].flags == flags)
			return true;
	return false;
}

enum ws_evidence ws_unpack(struct ws_unpacker *unpacker, uint32_t flags,
			   const uint8_t *packed, size_t size, uint8_t *bytes,
			   size_t block)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(codecs); i++)
		if (codecs[i].flags == flags)
			return codecs[i].unpack(unpacker, packed, size, bytes, block);
	return WS_ABSENT;
}

void ws_unpacker_release(struct ws_unpacker *unpacker)
{
	libdeflate_free_decompressor(unpacker->deflate);
	ZSTD_freeDCtx(unpacker->zstd);
}
