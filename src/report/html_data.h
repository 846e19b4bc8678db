/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a page about an audit knows: the data block that its script reads. Two thousand
 * spaces are mostly alike, so what they share is written once and numbered: sets of
 * findings (rows of the map), trails, reasons.
 *
 * Addresses are hex strings without 0x: JavaScript's numbers have 53 bits.
 *
 *	target kind release format tool  what was audited, by what
 *	bits levels                      of the format: [name, name of an entry] each
 *	kernel pti consensus reference   the layout
 *	sentence findings_sentence       as `audit` says them
 *	verdicts [name, meaning]         best first
 *	severities                       mildest first
 *	rules    [{id family name severity verdict meaning fix history}]
 *	notes    what discovery was not sure of
 *	cpus     [{space registers control segments}]
 *	spaces   {pid comm kind root tasks verdict row reasons}: columns, one value a
 *space rows     [[group...]]            sets of groups, by index into groups reasons
 *["line\nline"]          \1 stands for whose space it is groups   [{rule severity cpu va
 *last region text spaces}], worst first findings {space group here there}: columns;
 *trails by index trails   [[end, pa, page_shift, access, [[table, index, entry,
 *attributes]...]]]: a table that is null is the space's own root pieces   [[va, last,
 *region, module, mapped, user_mapped]]: the map's columns needs    [{rule cpu va last
 *halves what}]: the fault path
 */
#ifndef WS_REPORT_HTML_DATA_H
#define WS_REPORT_HTML_DATA_H

#include "report/digest.h"
#include "report/tree.h"

json_t *html_data(struct tree *tree, const struct digest *digest);

#endif
