/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A watch that a person looks at: it runs in a thread of its own, and this one is its screen. */
#ifndef WHOSEES_TOP_H
#define WHOSEES_TOP_H

#include "relay.h"

/*
 * Runs work(arg), which looks, tells relay, and ends once that says so. Prints how things
 * were at last when the terminal is as it was before. Returns what work() did.
 */
enum exit_status top_run(struct relay *relay, const struct request *request,
			 enum exit_status (*work)(void *arg), void *arg);

#endif
