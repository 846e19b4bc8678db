/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CRC-32C (Castagnoli), eight bytes a step. */
#ifndef WS_UTIL_CRC32C_H
#define WS_UTIL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

struct ws_crc32c {
	uint32_t table[8][256];
};

void ws_crc32c_init(struct ws_crc32c *crc);
uint32_t ws_crc32c(const struct ws_crc32c *crc, const uint8_t *bytes, size_t size);

#endif
