/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers that somebody typed: digits and nothing else. strtoull() takes blanks and signs
 * before them and anything behind, and 010 for 8.
 */
#ifndef WS_UTIL_NUMBER_H
#define WS_UTIL_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What a character is worth as a digit; more than any base where it is none. */
static inline unsigned ws_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 255;
}

enum ws_base {
	WS_DECIMAL,
	WS_HEX,            /* with 0x or without */
	WS_DECIMAL_OR_HEX, /* hex after 0x */
};

/* Whether text[0..length) is a number of at most max; which, in *value. */
static inline bool ws_number_in(const char *text, size_t length, enum ws_base base,
				uint64_t max, uint64_t *value)
{
	bool marked = base != WS_DECIMAL && length > 1 && text[0] == '0' &&
		      (text[1] | 0x20) == 'x';
	unsigned radix = base == WS_HEX || marked ? 16 : 10;
	size_t first = marked ? 2 : 0;
	uint64_t sum = 0;

	for (size_t i = first; i < length; i++) {
		unsigned digit = ws_digit(text[i]);

		if (digit >= radix || digit > max || sum > (max - digit) / radix)
			return false;
		sum = sum * radix + digit;
	}
	*value = sum;
	return length > first;
}

/* Whether all of text is. */
static inline bool ws_number(const char *text, enum ws_base base, uint64_t max,
			     uint64_t *value)
{
	return ws_number_in(text, strlen(text), base, max, value);
}

/* The same of a size: decimal, in bytes, or in units of K, M, G or T, of 1024 each. */
static inline bool ws_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	size_t n = strspn(text, "0123456789");
	unsigned shift = 0;

	for (unsigned i = 0; units[i]; i++)
		if ((text[n] & ~0x20) == units[i])
			shift = 10 * (i + 1);
	if (text[n + (shift > 0)] ||
	    !ws_number_in(text, n, WS_DECIMAL, UINT64_MAX >> shift, bytes))
		return false;
	*bytes <<= shift;
	return true;
}

#endif
