/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/words.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/bits.h"

const char *space_words(const struct ws_space *space, char words[static WORDS])
{
	switch (space->kind) {
	case WS_SPACE_INIT:
		snprintf(words, WORDS, "init_mm");
		break;
	case WS_SPACE_PROCESS:
		snprintf(words, WORDS, "%u %s", space->pid, space->comm);
		break;
	case WS_SPACE_USER:
		if (space_has_pid(space))
			snprintf(words, WORDS, "%u %s (user half)", space->pid,
				 space->comm);
		else
			snprintf(words, WORDS, "%s (user half, no known owner)",
				 space->comm);
		break;
	case WS_SPACE_UNOWNED:
		snprintf(words, WORDS, "%s (no known owner)", space->comm);
		break;
	default:
		snprintf(words, WORDS, "%s root 0x%" PRIx64,
			 ws_space_kind_name(space->kind), space->root);
	}
	return words;
}

/* In the order in which they are named. */
static const struct {
	uint8_t kind;
	const char *one, *many; /* after their number; init_mm has none */
} named[] = {
	{ WS_SPACE_INIT, "init_mm", "init_mm" },
	{ WS_SPACE_PROCESS, " process", " processes" },
	{ WS_SPACE_USER, " user half", " user halves" },
	{ WS_SPACE_UNOWNED, " of no known owner", " of no known owner" },
	{ WS_SPACE_LONE, " lone", " lone" },
	{ WS_SPACE_FREED, " freed", " freed" },
};

/* Those that are in, or those that are out, after words; returns where these end. */
static size_t print_who(const struct ws_space *spaces, size_t n, bool halves, bool in,
			char words[static WHO_WORDS], size_t at)
{
	const char *separator = in   ? "counted: "
				: at ? "; not counted: "
				     : "not counted: ";

	for (size_t k = 0; k < WS_ARRAY_SIZE(named); k++) {
		size_t count = 0;

		for (size_t i = 0; i < n; i++)
			count += spaces[i].kind == named[k].kind &&
				 in == (spaces[i].counts &&
					(halves || spaces[i].kind != WS_SPACE_USER));
		if (!count)
			continue;
		at += (size_t)snprintf(words + at, WHO_WORDS - at, "%s", separator);
		if (named[k].kind != WS_SPACE_INIT)
			at += (size_t)snprintf(words + at, WHO_WORDS - at, "%zu", count);
		at += (size_t)snprintf(words + at, WHO_WORDS - at, "%s",
				       count == 1 ? named[k].one : named[k].many);
		separator = ", ";
	}
	return at;
}

const char *who_counts(const struct ws_space *spaces, size_t n, bool halves,
		       char words[static WHO_WORDS])
{
	size_t at;

	words[0] = '\0';
	at = print_who(spaces, n, halves, true, words, 0);
	print_who(spaces, n, halves, false, words, at);
	return words;
}

bool space_has_pid(const struct ws_space *space)
{
	return space->kind == WS_SPACE_PROCESS || space->pid;
}

const char *end_words(const struct ws_format *format, enum ws_end end, unsigned level,
		      char words[static WORDS])
{
	switch (end) {
	case WS_END_PAGE:
		snprintf(words, WORDS, "page");
		break;
	case WS_END_HOLE:
		snprintf(words, WORDS, "hole at %s", ws_level_name(format, level));
		break;
	case WS_END_MALFORMED:
		snprintf(words, WORDS, "malformed %s",
			 ws_level_entry_name(format, level));
		break;
	case WS_END_ABSENT:
		snprintf(words, WORDS, "%s not in the target",
			 ws_level_name(format, level));
		break;
	case WS_END_FAILED:
		snprintf(words, WORDS, "%s could not be looked at",
			 ws_level_name(format, level));
		break;
	case WS_END_NONCANONICAL:
		snprintf(words, WORDS, "not an address of %s", ws_format_name(format));
		break;
	}
	return words;
}

const char *access_words(uint8_t access, char words[static WORDS])
{
	snprintf(words, WORDS, "r%c%c %s", access & WS_WRITE ? 'w' : '-',
		 access & WS_EXECUTE ? 'x' : '-', access & WS_USER ? "user" : "kernel");
	return words;
}
