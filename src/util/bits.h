/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bits, and unaligned loads: all memory that we read is little-endian, some headers are not. */
#ifndef WS_UTIL_BITS_H
#define WS_UTIL_BITS_H

#include <stdint.h>

#define WS_BIT(n) (UINT64_C(1) << (n))
/* Bits high..low, both included: the manual's way of writing a field. */
#define WS_BITS(high, low) (~UINT64_C(0) >> (63 - (high)) & ~UINT64_C(0) << (low))

#define WS_ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

static inline uint16_t ws_le16(const void *p)
{
	const uint8_t *b = p;

	return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t ws_le32(const void *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static inline uint64_t ws_le64(const void *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline uint16_t ws_be16(const void *p)
{
	return __builtin_bswap16(ws_le16(p));
}

static inline uint32_t ws_be32(const void *p)
{
	return __builtin_bswap32(ws_le32(p));
}

static inline uint64_t ws_be64(const void *p)
{
	return __builtin_bswap64(ws_le64(p));
}

/* A machine's word, of 4 bytes or of 8. */
static inline uint64_t ws_le_word(const void *p, unsigned size)
{
	return size == 8 ? ws_le64(p) : ws_le32(p);
}

#endif
