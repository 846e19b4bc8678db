/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* probe's output in the format of xx_procs() in dtrace4linux. */
#ifndef WHOSEES_XX_PROCS_H
#define WHOSEES_XX_PROCS_H

#include "what.h"

/*
 * Prints what dtrace4linux's xx_procs() printed: for every process its pgd, and for
 * every WHAT the entry that lookup_address() would return there, and the level.
 */
enum exit_status xx_procs(struct session *session, const struct whats *whats);

#endif
