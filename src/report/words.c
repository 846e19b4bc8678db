/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/words.h"

#include <inttypes.h>
#include <stdio.h>

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
		snprintf(words, WORDS, "%u %s (user half)", space->pid, space->comm);
		break;
	default:
		snprintf(words, WORDS, "%s root 0x%" PRIx64,
			 ws_space_kind_name(space->kind), space->root);
	}
	return words;
}

bool space_has_pid(const struct ws_space *space)
{
	return space->kind == WS_SPACE_PROCESS || space->kind == WS_SPACE_USER;
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
