/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Standard output, whose errors are seen in one place. */
#ifndef WHOSEES_STDOUT_H
#define WHOSEES_STDOUT_H

#include <stdbool.h>

#include "command.h"

/*
 * To be called first of all. However the tool ends, what it printed is then written out,
 * or it says why not and exits with EXIT_UNREADABLE. False: memory is short.
 */
bool stdout_begin(void);

/* errno of a write to standard output, for what is said at the end. EXIT_UNREADABLE. */
enum exit_status stdout_failed(int error);

#endif
