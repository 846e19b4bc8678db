/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which VMCOREINFO text is of this boot: the dump's note if it fits, or else the one that
 * does of those that lie in memory.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "util/cleanup.h"
#include "util/count.h"

/*
 * Whether the text fits, with the format that it names where no other is known. That
 * of another kernel that ran before, or runs in a guest, does not.
 */
static enum ws_fit text_fit(struct ws_system *system, const char **why)
{
	const struct ws_format *given = system->format;
	enum ws_fit fit = WS_MISFITS;

	*why = "it names no paging format";
	ws_set_format(system, given ? given : ws_vmcoreinfo_format(system));
	if (system->format)
		fit = ws_vmcoreinfo_fit(system, why);
	ws_set_format(system, given);
	return fit;
}

/* A user's memory can be full of texts; no more than that are read. */
#define TEXTS_MAX 65536

/* The first text that fits becomes the system's, and the only one in texts. */
static enum ws_status take_text(struct ws_system *system, ws_pa_vec *texts,
				size_t *looked)
{
	size_t n = texts->n < TEXTS_MAX ? texts->n : TEXTS_MAX;
	const char *why;

	texts->n = 0;
	*looked = n;
	for (size_t i = 0; i < n; i++) {
		enum ws_status status = ws_vmcoreinfo_take(system, texts->v[i]);

		if (status != WS_OK)
			return status;
		if (text_fit(system, &why) == WS_FITS) {
			texts->v[texts->n++] = texts->v[i];
			return WS_OK;
		}
	}
	ws_vmcoreinfo_drop(system);
	return WS_OK;
}

/*
 * A note that does not fit was written by another boot: hypervisors keep what the first
 * kernel gave them. What rests on it is forgotten with it.
 */
static void leave_note(struct ws_system *system, const char *note, const char *why)
{
	if (system->target->format_by_note && !system->layout.word)
		system->format = NULL;
	ws_note(system,
		"the VMCOREINFO note of this dump is not of this boot (%s) and is not used%s",
		why,
		system->vmcoreinfo && strcmp(note, system->vmcoreinfo)
			? ": the text found in memory is"
			: "");
}

/* The note stays where nothing in memory fits better and nothing speaks against it. */
static enum ws_status weigh_note(struct ws_system *system, const char *why,
				 enum ws_fit fit)
{
	char *note = ws_steal(system->vmcoreinfo);
	enum ws_status status;
	size_t looked;

	status = take_text(system, &system->finds.vmcoreinfo, &looked);
	if (status == WS_OK && fit == WS_FIT_UNKNOWN && !system->vmcoreinfo) {
		system->vmcoreinfo = note;
		ws_note(system,
			"the VMCOREINFO note could not be checked: the dump lacks what "
			"would show whether it is of this boot");
		return WS_OK;
	}
	if (status == WS_OK)
		leave_note(system, note, why);
	free(note);
	return status;
}

static enum ws_status find_text(struct ws_system *system)
{
	size_t looked;
	enum ws_status status = take_text(system, &system->finds.vmcoreinfo, &looked);

	if (status == WS_OK && !system->vmcoreinfo)
		ws_note(system,
			"no VMCOREINFO was found that fits this memory (%s looked at)",
			WS_COUNT(looked));
	return status;
}

enum ws_status ws_find_vmcoreinfo(struct ws_system *system)
{
	enum ws_fit fit = WS_MISFITS;
	const char *why = NULL;
	enum ws_status status;
	uint8_t *recorder;

	if (system->vmcoreinfo) {
		fit = text_fit(system, &why);
		if (fit == WS_FITS) {
			system->finds.vmcoreinfo.n = 0;
			return WS_OK;
		}
	}
	recorder = ws_search_begin(system);
	status = system->vmcoreinfo ? weigh_note(system, why, fit) : find_text(system);
	ws_search_end(system, recorder);
	ws_set_format(system, system->format);
	if (system->vmcoreinfo) /* once more, for a capture: the answer rests on this */
		text_fit(system, &why);
	return status;
}
