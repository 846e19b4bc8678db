/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * idmap_pgd: made as a process's (pgd_alloc()), with the kernel's image and direct map as
 * they are at that time, and .idmap.text mapped to itself, by whole sections
 * (identity_mapping_add(), arch/arm/mm/idmap.c). Whether the code is there, the jumps say
 * (jump.c). No access but to the image and that map is made by it, says its comment: what
 * is missing of vmalloc and of modules nobody needs.
 */
#include "arm/special.h"

#include "arm/idmap.h"
#include "audit/code.h"

static enum ws_evidence find_idmap(struct ws_system *system, uint64_t *root)
{
	return arm_idmap_root(system, root) ? WS_READ : WS_NOT_MAPPED;
}

enum { IDMAP };

const struct ws_special_root arm_special_roots[] = {
	[IDMAP] = { .name = "idmap_pgd", .find = find_idmap },
	{ .name = NULL },
};

/* A pair of sections with short descriptors, and one with long ones. */
#define SECTIONS (UINT64_C(2) << 20)

static enum ws_evidence identity(struct ws_audit *audit, uint64_t *first, uint64_t *last)
{
	uint64_t start, end, pa, delta;

	if (!ws_code_symbol(audit, "__idmap_text_start", &start) ||
	    !ws_code_symbol(audit, "__idmap_text_end", &end) || end <= start ||
	    ws_kernel_translate(audit->system, start, &pa) != WS_READ)
		return WS_ABSENT;
	delta = start - pa;
	*first = (pa & -SECTIONS) + delta;
	*last = ((end - 1 - delta) | (SECTIONS - 1)) + delta;
	return WS_READ;
}

static const struct ws_special_duty idmap[] = {
	{ .what = WS_SPECIAL_MAY_ITSELF, .range = identity, .maps = "its code" },
	{ .what = WS_SPECIAL_NOTHING_ELSE,
	  .severity = WS_WARNING,
	  .region = "user",
	  .then = "a processor that comes up has more of memory mapped than the code that "
		  "it runs there" },
	{ .what = WS_SPECIAL_AS_INIT,
	  .severity = WS_ERROR,
	  .region = "kernel image",
	  .then = "a processor that is brought up, or wakes from sleep, faults where no "
		  "fault can be handled yet" },
	{ .what = WS_SPECIAL_NO_USER,
	  .severity = WS_ERROR,
	  .then = "kernel memory can be accessed from user mode" },
	{ .what = WS_SPECIAL_DUTIES_END },
};

const struct ws_special arm_specials[] = {
	{ &arm_special_roots[IDMAP], idmap },
	{ .root = NULL },
};
