/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One walk, a row for each of its steps: what walk prints, and a finding's trails. */
#ifndef WHOSEES_STEPS_H
#define WHOSEES_STEPS_H

#include "command.h"

struct steps {
	const struct ws_format *format;
	const struct ws_trail *trail;
	const struct ws_layout
		*layout; /* that of the reference, for its made-up tables */
};

/* arg is a struct steps. */
report_rows_fn print_steps;

#endif
