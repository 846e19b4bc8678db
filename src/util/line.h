/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of text. */
#ifndef WS_UTIL_LINE_H
#define WS_UTIL_LINE_H

#include <string.h>

/* What follows the beginning in the first line that has it; NULL: none has. */
static inline const char *ws_line_after(const char *text, const char *beginning)
{
	size_t length = strlen(beginning);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, beginning, length))
			return line + length;
	}
	return NULL;
}

#endif
