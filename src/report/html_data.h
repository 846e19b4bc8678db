/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: the table below is aligned by hand */
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
 *	file size sha256 no_hash         the target's file, where it is one
 *	taken taken_by made              when it was taken, what says so, and when this was made
 *	death      {sentence cause certainty unknown clues}: what an autopsy came to; cause
 *	           null or {id name meaning fix}; clues {about va pa text} each, with 0x
 *	headline findings_sentence       what will happen; how many findings
 *	verdicts   [name, meaning, of one, of many, class] each, best first (words.h)
 *	severities names, mildest first
 *	rules      {id family name severity verdict meaning fix history} each
 *	notes      what discovery was not sure of
 *	cpus       {space registers control segments} each
 *	spaces     {pid comm kind root tasks verdict row reasons caused}: columns, a value a
 *	           space; the last two are texts by index, -1 for none
 *	rows       lists of groups, by index
 *	reasons    texts of some lines, in which \1 stands for whose space it is
 *	groups     {rule severity cpu va last region text spaces cause} each, worst first;
 *	           cause -1: none but its own
 *	causes     {words severity findings spaces} each: one missing entry
 *	findings   {space group here there}: columns; the last two are trails by index
 *	trails     [end, va, pa, page_shift, access, steps] each, a step being
 *	           [table, index, entry, attributes]; a null table is the space's own root
 *	pieces     [va, last, region, module, mapped, user_mapped] each: the map's columns
 *	needs      {rule cpu va last halves what} each: the fault path
 */
/* clang-format on */
#ifndef WS_REPORT_HTML_DATA_H
#define WS_REPORT_HTML_DATA_H

#include "report/digest.h"
#include "report/provenance.h"
#include "report/tree.h"

json_t *html_data(struct tree *tree, const struct digest *digest,
		  const struct ws_autopsy *autopsy, const struct provenance *provenance);

json_t *html_death_data(struct tree *tree, const struct ws_autopsy *autopsy);

#endif
