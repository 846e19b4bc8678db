/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's physical memory as QEMU's human monitor prints it (`info mtree -f`; QEMU
 * softmmu/memory.c, mtree_print_flatview()): address spaces that look alike share a view,
 *
 *	FlatView #1
 *	 AS "memory", root: system
 *	 Root memory region: system
 *	  0000000000100000-000000001fffffff (prio 0, ram): pc.ram @0000000000100000 KVM
 *
 * whose ranges do not overlap. Of types that have memory behind them, "ram" and "rom" are what
 * dump-guest-memory writes, and "nv-" is memory that stays.
 */
#include "target/monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/line.h"

#define RANGES_MAX 65536u

static bool is_memory(const char *type)
{
	return !strcmp(type, "ram") || !strcmp(type, "rom") || !strcmp(type, "nv-ram") ||
	       !strcmp(type, "nv-rom");
}

/* The first range of the view of what processors see; NULL: there is none. */
static const char *view_of_memory(const char *text)
{
	const char *at = ws_line_after(text, " AS \"memory\", root: system");

	return at ? ws_line_after(at, " Root memory region:") : NULL;
}

static enum ws_status damaged(struct ws_target *target, const char *what)
{
	return ws_fail(
		target->ctx, WS_ERR_MALFORMED,
		"%s: the memory map (info mtree -f) %s: no QEMU that is known prints "
		"such",
		target->named, what);
}

static enum ws_status range_add(struct ws_target *target, uint64_t first, uint64_t last)
{
	size_t n = target->memory.n;

	if (last < first || last >= WS_PHYSICAL_END ||
	    (n && first <= target->memory.v[n - 1].at.pa))
		return damaged(target, "has a range that makes no sense");
	if (n == RANGES_MAX)
		return damaged(target, "has too many ranges");
	return ws_target_add_memory(target, first, last - first + 1, n);
}

/* As far as it is looked at: sscanf() goes to the end of all that it is given. */
#define LINE_SIZE 96

static bool is_range(const char *at, uint64_t *first, uint64_t *last, char type[16])
{
	size_t len = strcspn(at, "\n");
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "%.*s", len < LINE_SIZE ? (int)len : LINE_SIZE, at);
	return sscanf(line, "%16" SCNx64 "-%16" SCNx64 " (prio %*d, %15[a-z/-])", first,
		      last, type) == 3;
}

enum ws_status ws_read_memory_tree(struct ws_target *target, const char *text)
{
	const char *at = view_of_memory(text);
	enum ws_status status = WS_OK;
	uint64_t first, last;
	char type[16];

	while (!status && at && (at = strchr(at, '\n'))) {
		if (!is_range(++at, &first, &last, type))
			break;
		if (is_memory(type))
			status = range_add(target, first, last);
	}
	if (!status && !target->memory.n)
		return damaged(target, "has no memory");
	return status;
}
