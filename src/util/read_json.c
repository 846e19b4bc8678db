/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/read_json.h"

#include <string.h>

/* The next character that is no space; 0: there is none. */
static char next(struct ws_json *json)
{
	while (json->at < json->end && memchr(" \t\r\n", *json->at, 4))
		json->at++;
	return json->bad || json->at == json->end ? '\0' : *json->at;
}

static bool fail(struct ws_json *json)
{
	json->bad = true;
	return false;
}

static bool take(struct ws_json *json, char wanted)
{
	if (next(json) != wanted)
		return fail(json);
	json->at++;
	return true;
}

bool ws_json_enter(struct ws_json *json, char bracket)
{
	return take(json, bracket);
}

/* Passes a comma, if one comes; false: the bracket that closes came, or it is bad. */
static bool more(struct ws_json *json, char closing)
{
	char c = next(json);

	if (c == ',')
		json->at++;
	if (c == closing)
		json->at++;
	return c != closing && (next(json) || fail(json));
}

bool ws_json_key(struct ws_json *json, struct ws_json_text *key)
{
	return more(json, '}') && ws_json_string(json, key) && take(json, ':');
}

bool ws_json_item(struct ws_json *json)
{
	return more(json, ']');
}

bool ws_json_string(struct ws_json *json, struct ws_json_text *string)
{
	if (!take(json, '"'))
		return false;
	string->text = json->at;
	while (json->at < json->end && *json->at != '"')
		json->at += *json->at == '\\' && json->end - json->at > 1 ? 2 : 1;
	string->len = json->at - string->text;
	return take(json, '"');
}

bool ws_json_number(struct ws_json *json, uint64_t *number)
{
	uint64_t value = 0;
	char c = next(json);

	if (c < '0' || c > '9')
		return fail(json);
	while (json->at < json->end && *json->at >= '0' && *json->at <= '9')
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *json->at++ - '0', &value))
			return fail(json);
	*number = value;
	return true;
}

/* A number, true, false or null: all up to what cannot be in one. */
static bool skip_word(struct ws_json *json)
{
	const char *from = json->at;

	while (json->at < json->end && !memchr(",]}: \t\r\n\"[{", *json->at, 12))
		json->at++;
	return json->at > from || fail(json);
}

/* Brackets are only counted: what is passed over need not be sound. */
bool ws_json_skip(struct ws_json *json)
{
	struct ws_json_text passed;
	uint64_t depth = 0;

	do {
		char c = next(json);

		if (c == '{' || c == '[') {
			json->at++;
			depth++;
		} else if (depth && (c == '}' || c == ']')) {
			json->at++;
			depth--;
		} else if (depth && (c == ',' || c == ':')) {
			json->at++;
		} else if (c == '"') {
			ws_json_string(json, &passed);
		} else if (c) {
			skip_word(json);
		} else {
			fail(json);
		}
	} while (depth && !json->bad);
	return !json->bad;
}

bool ws_json_is(const struct ws_json_text *text, const char *word)
{
	return text->len == strlen(word) && !memcmp(text->text, word, text->len);
}
