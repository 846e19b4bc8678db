/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Findings as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format): what CI
 * systems show and compare.
 *
 * The artifact is the dump. A result is a group of findings: its logical locations are
 * the range of addresses and the spaces that have it, its occurrenceCount their number.
 */
#ifndef WS_REPORT_SARIF_H
#define WS_REPORT_SARIF_H

#include <stdio.h>

#include "report/digest.h"

/* False when memory is short, or out is not to be written; then errno says why. */
bool sarif_write(FILE *out, const struct digest *digest);

#endif
