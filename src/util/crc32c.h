/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CRC-32C (Castagnoli), sixteen bytes a step: of their look-ups only four wait for the step
 * before.
 */
#ifndef WS_UTIL_CRC32C_H
#define WS_UTIL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

#define WS_CRC32C_STEP 16

struct ws_crc32c {
	uint32_t table[WS_CRC32C_STEP][256];
};

void ws_crc32c_init(struct ws_crc32c *crc);
uint32_t ws_crc32c(const struct ws_crc32c *crc, const uint8_t *bytes, size_t size);

#endif
