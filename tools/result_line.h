/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line of NDJSON, read back: a result (result.h), or why it is none. It may come from
 * anywhere, so nothing of it is believed that is not as whosees prints it.
 */
#ifndef WHOSEES_RESULT_LINE_H
#define WHOSEES_RESULT_LINE_H

#include "util/vec.h"
#include "whosees.h"

enum line_kind {
	LINE_RESULT,
	LINE_OTHER,   /* a record that says nothing that a result does not; or nothing */
	LINE_VERSION, /* a result, but of a schema that this whosees does not print */
	LINE_WRONG,   /* a result that lacks something, or has what none has */
	LINE_FOREIGN, /* no record: no JSON, or cut off */
	LINE_LONG,    /* longer than LINE_LENGTH */
	LINE_KINDS,
};

/* A result of a thousand fingerprints has half as much. */
#define LINE_LENGTH ((size_t)1 << 20)

/* The commands whose results are counted. */
enum result_of { RESULT_AUDIT, RESULT_AUTOPSY, RESULTS_OF };
const char *result_command(enum result_of of);

struct found {
	uint64_t fingerprint;
	enum ws_severity severity;
	const char *rule, *place, *difference, *text; /* the last three may be NULL */
	size_t modules, nmodules;                     /* line.modules[modules ..] */
};

/* Texts lie in the line that was read, and are printable ASCII. Zeroed: empty. */
struct result_line {
	enum result_of of;
	const char *target, *kernel, *sentence, *error; /* but for the first, or NULL */
	uint64_t status;
	WS_VEC(struct found) found;
	WS_VEC(const char *) modules;
	bool short_of_memory;
};

/* n bytes, which are changed. Room that line has is used again. */
enum line_kind result_line_read(struct result_line *line, char *text, size_t n);
void result_line_release(struct result_line *line);

#endif
