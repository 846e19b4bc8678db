/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boots.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "linux/pids.h"

/* ---- one kernel? ------------------------------------------------------------------ */

static enum kernels refuse(struct unlike *unlike, const char *what, const char *a,
			   size_t na, const char *b, size_t nb)
{
	unlike->what = what;
	snprintf(unlike->a, sizeof(unlike->a), "%.*s", (int)na, a);
	snprintf(unlike->b, sizeof(unlike->b), "%.*s", (int)nb, b);
	return KERNELS_OTHER;
}

static enum kernels refuse_place(struct unlike *unlike, uint64_t a, uint64_t b)
{
	unlike->what = "the kernel lies at ";
	snprintf(unlike->a, sizeof(unlike->a), "0x%" PRIx64, a);
	snprintf(unlike->b, sizeof(unlike->b), "0x%" PRIx64, b);
	return KERNELS_OTHER;
}

static bool begins_with(const char *line, const char *key)
{
	return !strncmp(line, key, strlen(key));
}

/*
 * SYMBOL(name)=hex: in both the same name, as far from the image's beginning where it
 * lies in the image. One that lies elsewhere is a pointer's value (mem_section), which
 * follows the direct map.
 */
static bool same_symbol(const struct known_kernel *a, const struct known_kernel *b,
			const char *at_a, const char *at_b)
{
	uint64_t first_a = a->layout.image_first, first_b = b->layout.image_first;
	uint64_t last_a = a->layout.image_last, last_b = b->layout.image_last;
	size_t name = strcspn(at_a, "=\n");
	uint64_t va_a = 0, va_b = 0;

	if (name != strcspn(at_b, "=\n") || memcmp(at_a, at_b, name) != 0 ||
	    sscanf(at_a + name, "=%" SCNx64, &va_a) != 1 ||
	    sscanf(at_b + name, "=%" SCNx64, &va_b) != 1)
		return false;
	if (va_a >= first_a && va_a <= last_a)
		return va_a - first_a == va_b - first_b;
	return va_b < first_b || va_b > last_b;
}

/* What one and the same kernel says otherwise the next time. */
static bool may_differ(const struct known_kernel *a, const struct known_kernel *b,
		       bool moved, const char *at_a, const char *at_b)
{
	static const char *const of_place[] = { "KERNELOFFSET=", "NUMBER(phys_base)=" };

	if (begins_with(at_a, "CRASHTIME="))
		return begins_with(at_b, "CRASHTIME=");
	if (!moved)
		return false;
	for (size_t i = 0; i < sizeof(of_place) / sizeof(*of_place); i++)
		if (begins_with(at_a, of_place[i]) && begins_with(at_b, of_place[i]))
			return true;
	return begins_with(at_a, "SYMBOL(") && same_symbol(a, b, at_a, at_b);
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

static enum kernels compare_vmcoreinfo(const struct known_kernel *a,
				       const struct known_kernel *b, bool moved,
				       struct unlike *unlike)
{
	const char *at_a = a->vmcoreinfo, *at_b = b->vmcoreinfo;

	while (at_a && at_b && *at_a && *at_b) {
		size_t na = strcspn(at_a, "\n"), nb = strcspn(at_b, "\n");

		if ((na != nb || memcmp(at_a, at_b, na) != 0) &&
		    !may_differ(a, b, moved, at_a, at_b))
			return refuse(unlike, "", at_a, na, at_b, nb);
		at_a = next_line(at_a);
		at_b = next_line(at_b);
	}
	return moved ? KERNELS_MOVED : KERNELS_ONE;
}

/*
 * A kernel that lies elsewhere is the same only where both say which it is: the release
 * is in VMCOREINFO, and so are the build's id, or at least offsets and sizes of structs.
 */
enum kernels kernels_compare(const struct known_kernel *a, const struct known_kernel *b,
			     struct unlike *unlike)
{
	uint64_t image_a = a->layout.image_first, image_b = b->layout.image_first;
	bool moved = image_a && image_b && image_a != image_b;

	if (strcmp(a->format, b->format) != 0)
		return refuse(unlike, "", a->format, strlen(a->format), b->format,
			      strlen(b->format));
	if (moved && !(a->vmcoreinfo && b->vmcoreinfo))
		return refuse_place(unlike, image_a, image_b);
	moved |= a->layout.page_offset != b->layout.page_offset;
	return compare_vmcoreinfo(a, b, moved, unlike);
}

/* ---- one boot? -------------------------------------------------------------------- */

/*
 * A task_struct stays where it is for as long as its task lives, so in two moments of one
 * boot a pid that both have names the same task_struct, but where it was given to another
 * process meanwhile. In two boots they lie where the slabs had room: of seven boots of
 * Debian 12's 686, which did the same things in the same order, each two had 61 to 63 pids
 * in common, and 3 to 10 of their task_structs at the same place. Half is far from both.
 *
 * No single one of them is evidence: among the same pairs pid 1's root was the same in
 * all 21, its task_struct in two, its mm in one, and kthreadd's task_struct in two. Nor
 * is an mm that differs: exec gives a process a new one.
 */
#define SAME_SHARE 2

bool boots_compare(const struct ws_task *a, size_t na, const struct ws_task *b, size_t nb,
		   enum boots *boots)
{
	size_t common = 0, same = 0;
	struct ws_pids pids;

	if (!ws_pids_make(&pids, b, nb))
		return false;
	for (size_t i = 0; i < na; i++) {
		const struct ws_task *other = ws_pids_find(&pids, a[i].pid);

		/* init_task is part of the image; a thread speaks for a leader that has
		   exited */
		if (!a[i].pid || !other || a[i].leader_exited || other->leader_exited)
			continue;
		common++;
		same += a[i].comm_va == other->comm_va;
	}
	ws_pids_release(&pids);
	*boots = !common                       ? BOOTS_UNKNOWN
		 : same * SAME_SHARE >= common ? BOOTS_ONE
					       : BOOTS_TWO;
	return true;
}
