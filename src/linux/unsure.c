/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the inference is not sure of: the notes that go with its answers. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "util/text.h"

void ws_note(struct ws_system *system, const char *fmt, ...)
{
	char *text;
	char **note;
	va_list ap;

	va_start(ap, fmt);
	text = ws_text_of_args(fmt, ap);
	va_end(ap);
	ws_vec_each(&system->notes, known)
		if (text && !strcmp(*known, text)) { /* once is enough */
			free(text);
			return;
		}
	note = text ? ws_vec_push(&system->notes) : NULL;
	if (note) {
		*note = text;
		return;
	}
	free(text);
	(void)!ws_target_short(system->target); /* an answer without it says too much */
}

const char *ws_system_note(const struct ws_system *system, unsigned i)
{
	unsigned ntarget = 0;

	while (ws_target_note(system->target, ntarget))
		ntarget++;
	if (i < ntarget)
		return ws_target_note(system->target, i);
	i -= ntarget;
	return i < system->notes.n ? system->notes.v[i] : NULL;
}
