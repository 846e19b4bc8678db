/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As makedumpfile compresses a page, and the flags it gives it (diskdump_mod.h). */
#include "mk/mk.h"

#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

static size_t compress_plain(const uint8_t *page, size_t size, uint8_t *packed)
{
	memcpy(packed, page, size);
	return size;
}

static size_t compress_zlib(const uint8_t *page, size_t size, uint8_t *packed)
{
	uLongf n = 2 * size;

	return compress2(packed, &n, page, size, Z_BEST_SPEED) == Z_OK ? n : 0;
}

static size_t compress_lzo(const uint8_t *page, size_t size, uint8_t *packed)
{
	static lzo_align_t work[LZO1X_1_MEM_COMPRESS / sizeof(lzo_align_t) + 1];
	lzo_uint n = 0;

	return lzo1x_1_compress(page, size, packed, &n, work) == LZO_E_OK ? n : 0;
}

static size_t compress_snappy(const uint8_t *page, size_t size, uint8_t *packed)
{
	size_t n = 2 * size;

	return snappy_compress((const char *)page, size, (char *)packed, &n) == SNAPPY_OK
		       ? n
		       : 0;
}

static size_t compress_zstd(const uint8_t *page, size_t size, uint8_t *packed)
{
	size_t n = ZSTD_compress(packed, 2 * size, page, size, 1);

	return ZSTD_isError(n) ? 0 : n;
}

/* CRC-32C, as RFC 3720 has it, bit by bit. */
static uint32_t crc32c(const uint8_t *bytes, size_t size)
{
	uint32_t sum = UINT32_MAX;

	while (size--) {
		sum ^= *bytes++;
		for (unsigned bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78 : 0);
	}
	return ~sum;
}

static void put32(uint8_t *p, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

size_t mk_snappy_chunk(const char *codec, const uint8_t *memory, size_t size,
		       uint8_t chunk[MK_CHUNK_MAX])
{
	uint32_t sum = crc32c(memory, size);
	bool packed = !strcmp(codec, "packed");
	size_t n = MK_CHUNK_MAX - 8;

	if (packed && snappy_compress((const char *)memory, size, (char *)chunk + 8, &n))
		return 0;
	if (!packed && strcmp(codec, "plain") != 0)
		return 0;
	if (!packed)
		memcpy(chunk + 8, memory, n = size);
	put32(chunk, (uint32_t)(n + 4) << 8 | !packed);
	put32(chunk + 4, (sum >> 15 | sum << 17) + 0xa282ead8);
	return n + 8;
}

static const struct {
	const char *name;
	uint32_t flags;
	size_t (*compress)(const uint8_t *page, size_t size, uint8_t *packed);
} codecs[] = {
	{ "plain", 0, compress_plain },  { "zlib", 1, compress_zlib },
	{ "lzo", 2, compress_lzo },      { "snappy", 4, compress_snappy },
	{ "zstd", 0x20, compress_zstd },
};

size_t mk_compress(const char *codec, const uint8_t *page, size_t size, uint8_t *packed,
		   uint32_t *flags)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++)
		if (!strcmp(codecs[i].name, codec)) {
			*flags = codecs[i].flags;
			return codecs[i].compress(page, size, packed);
		}
	return 0;
}
