/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WS_TARGET_ELF_H
#define WS_TARGET_ELF_H

#include <stddef.h>
#include <stdint.h>

/*
 * How many bytes a core's headers and notes take, by its first `have` bytes; where that is
 * more than these, by so many more it may be more still. 0: it is no ELF file.
 */
uint64_t ws_elf_head(const uint8_t *bytes, size_t have);
/* And its headers alone. */
uint64_t ws_elf_table(const uint8_t *bytes, size_t have);

#endif
