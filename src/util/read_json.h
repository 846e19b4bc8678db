/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads JSON (RFC 8259) where it lies, a value at a time, in order, without a byte of memory:
 * whoever reads says what he looks for, and passes over the rest.
 *
 *	if (ws_json_enter(&json, '{'))
 *		while (ws_json_key(&json, &key))
 *			if (ws_json_is(&key, "size"))
 *				ws_json_number(&json, &size);
 *			else
 *				ws_json_skip(&json);
 */
#ifndef WS_UTIL_READ_JSON_H
#define WS_UTIL_READ_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws_json {
	const char *at, *end;
	bool bad; /* it is no JSON, or not what was asked for: all that follows fails */
};

/* As it is written, escapes and all; not terminated. */
struct ws_json_text {
	const char *text;
	size_t len;
};

/* bracket: '{' or '['. */
bool ws_json_enter(struct ws_json *json, char bracket);
/* The next member of the object that was entered, whose value comes next; false: its end. */
bool ws_json_key(struct ws_json *json, struct ws_json_text *key);
/* Whether the array that was entered has one more value, which comes next. */
bool ws_json_item(struct ws_json *json);

bool ws_json_string(struct ws_json *json, struct ws_json_text *string);
/* One that is whole and not negative. */
bool ws_json_number(struct ws_json *json, uint64_t *number);
bool ws_json_skip(struct ws_json *json);

bool ws_json_is(const struct ws_json_text *text, const char *word);

#endif
