/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests of discovery on a small guest have in common. */
#ifndef TESTS_DISCOVERY_H
#define TESTS_DISCOVERY_H

#include "small_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static inline struct ws_system *open_system(struct guest *guest)
{
	struct ws_system *system = NULL;
	enum ws_status status = ws_system_open(&guest->target, NULL, &system);

	if (status != WS_OK)
		fail_msg("%s: %s", guest->kind->name, ws_error(guest->target.ctx, 0));
	return system;
}

static inline bool has_note(const struct ws_system *system, const char *part)
{
	for (unsigned i = 0; ws_system_note(system, i); i++)
		if (strstr(ws_system_note(system, i), part))
			return true;
	return false;
}

#endif
