/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/crc32c.h"

#include "util/bits.h"

#define POLYNOMIAL 0x82f63b78 /* reflected; RFC 3720, appendix B.4 */

/* table[n][b]: what comes of byte b once n zero bytes have followed it. */
void ws_crc32c_init(struct ws_crc32c *crc)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		uint32_t value = byte;

		for (unsigned bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? POLYNOMIAL : 0);
		crc->table[0][byte] = value;
	}
	for (unsigned n = 1; n < WS_CRC32C_STEP; n++)
		for (unsigned byte = 0; byte < 256; byte++) {
			uint32_t before = crc->table[n - 1][byte];

			crc->table[n][byte] = before >> 8 ^ crc->table[0][before & 0xff];
		}
}

uint32_t ws_crc32c(const struct ws_crc32c *crc, const uint8_t *bytes, size_t size)
{
	uint32_t value = UINT32_MAX;

	for (; size >= WS_CRC32C_STEP; bytes += WS_CRC32C_STEP, size -= WS_CRC32C_STEP) {
		uint64_t first = ws_le64(bytes) ^ value, last = ws_le64(bytes + 8);

		value = 0;
		for (unsigned i = 0; i < 8; i++)
			value ^= crc->table[7 - i][last >> 8 * i & 0xff];
		for (unsigned i = 0; i < 8; i++)
			value ^= crc->table[15 - i][first >> 8 * i & 0xff];
	}
	for (; size; bytes++, size--)
		value = value >> 8 ^ crc->table[0][(value ^ *bytes) & 0xff];
	return ~value;
}
