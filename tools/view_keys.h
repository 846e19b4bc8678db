/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys, what they are called, and what they do. */
#ifndef WHOSEES_VIEW_KEYS_H
#define WHOSEES_VIEW_KEYS_H

#include "view.h"

struct view_command {
	const char *name;  /* of the key; NULL after the last row */
	const char *label; /* for the line at the bottom; NULL: it has no room for it */
	const char *about;
	int key, other; /* another that does the same; or 0 */
	enum view_action (*run)(struct view *view);
};
extern const struct view_command view_commands[];

#endif
