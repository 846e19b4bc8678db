/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What editors put before the first line of a text, and people do not see. */
#ifndef WS_UTIL_BOM_H
#define WS_UTIL_BOM_H

#include <stddef.h>
#include <string.h>

/* The bytes of a UTF-8 byte order mark at the head of text[0..size): 3 or 0. */
static inline size_t ws_bom(const char *text, size_t size)
{
	return size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

#endif
