/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's log says of a death. A storm turns the ring over until the first cause is
 * gone from it, so that these words stand beside the cause and decide nothing.
 */
#include "autopsy/autopsy.h"

#include <string.h>

/* What kernels print when they give up, or nearly: a line begins with it, or has
 * it behind "BUG: " and the like. */
static const char *const words[] = {
	"Kernel panic - not syncing",
	"double fault",
	"stack guard page was hit",
	"kernel tried to execute",          /* "NX-protected page - exploit attempt?" */
	"unable to execute userspace code", /* SMEP */
	"unable to handle",
	"Unable to handle",
	"invalid opcode",
	"general protection fault",
	"kernel BUG at",
	"Oops",
	"watchdog: BUG: soft lockup",
	"blocked for more than",
	"Out of memory: Killed",
};

static bool says_it(const struct ws_log_record *record)
{
	for (size_t i = 0; i < WS_ARRAY_SIZE(words) && ws_is_kernels(record); i++)
		if (strstr(record->text, words[i]) &&
		    strncmp(record->text, "---[", 4) != 0 &&
		    strncmp(record->text, "Kernel command line", 19) != 0)
			return true;
	return false;
}

/* The first few, since the first is nearest to the cause. */
#define SAID_MAX 3

static void take(struct ws_autopsy *autopsy, const struct ws_log_record *record,
		 unsigned n)
{
	size_t line = strcspn(record->text, "\n");

	if (n <= SAID_MAX)
		ws_clue(autopsy, "log", "%.*s", (int)(line < 300 ? line : 300),
			record->text);
}

const struct ws_log *ws_log_of(struct ws_autopsy *autopsy)
{
	const struct ws_log *log;
	enum ws_status status = ws_system_log(autopsy->system, &log);

	if (status == WS_OK)
		return log;
	ws_error_clear(autopsy->system->ctx);
	autopsy->short_of_memory |= status == WS_ERR_SYSTEM;
	return NULL;
}

bool ws_log_has(struct ws_autopsy *autopsy, const char *const sought[], size_t n)
{
	const struct ws_log *log = ws_log_of(autopsy);

	for (size_t i = 0; log && i < log->nrecords; i++)
		for (size_t w = 0; w < n; w++)
			if (ws_is_kernels(&log->records[i]) &&
			    strstr(log->records[i].text, sought[w]))
				return true;
	return false;
}

enum ws_status ws_last_words(struct ws_autopsy *autopsy, const char **last)
{
	const struct ws_log *log;
	enum ws_status status = ws_system_log(autopsy->system, &log);
	unsigned n = 0;

	*last = NULL;
	if (status != WS_OK) {
		if (status != WS_ERR_SYSTEM)
			ws_error_clear(autopsy->system->ctx);
		return status == WS_ERR_SYSTEM ? status : WS_OK;
	}
	for (size_t i = 0; i < log->nrecords; i++) {
		if (!says_it(&log->records[i]))
			continue;
		take(autopsy, &log->records[i], ++n);
		if (!*last || strstr(log->records[i].text, words[0]))
			*last = log->records[i].text;
	}
	return WS_OK;
}
