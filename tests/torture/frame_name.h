/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a frame of a dump is to the kernel that lies in it: for whoever has to mend. */
#ifndef TESTS_FRAME_NAME_H
#define TESTS_FRAME_NAME_H

#include "torture/answer.h"

/* All that is known of it, as one line without its end. Slow. */
void frame_name(const struct answer *whole, uint64_t pa, FILE *out);

#endif
