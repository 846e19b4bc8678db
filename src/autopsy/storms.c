/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pile of frames by its addresses. The pass finds it by physical address; a stack is
 * contiguous by virtual ones. Where the direct map is not what the stack was reached
 * through (an entry stack, a stack in vmalloc), its frames are counted once more along
 * the other addresses of its page.
 */
#include "autopsy/autopsy.h"

#include <stdlib.h>

#include "linux/region.h"

/* ---- pa -> va ---------------------------------------------------------------------- */

struct alias {
	const struct ws_system *system;
	uint64_t pa, va; /* va 0: none yet */
};

static bool take_alias(void *arg, const struct ws_run *run)
{
	struct alias *alias = arg;
	uint64_t len = run->last - run->va;

	if (run->end != WS_END_PAGE || !(run->access & WS_KERNEL_WRITE) ||
	    alias->pa - run->pa > len)
		return true;
	alias->va = run->va + (alias->pa - run->pa);
	return false;
}

#define ALIAS_TABLES (UINT64_C(1) << 16)

/* Where the kernel maps pa to be written besides the direct map; 0: nowhere. */
static uint64_t other_va(struct ws_system *system, uint64_t pa)
{
	struct alias alias = { .system = system, .pa = pa };
	const struct ws_kernel_region *direct = &system->regions.v[0];
	uint64_t root = system->layout.reference, end = ws_last_va(system);
	unsigned flags = WS_RANGE_PHYSICAL;
	enum ws_status status = WS_OK;

	if (direct->first > system->layout.kernel_first)
		status = ws_range(&system->paging, root, system->layout.kernel_first,
				  direct->first - 1, flags, ALIAS_TABLES, take_alias,
				  &alias);
	if (status == WS_OK && !alias.va && direct->last < end)
		status = ws_range(&system->paging, root, direct->last + 1, end, flags,
				  ALIAS_TABLES, take_alias, &alias);
	if (status != WS_OK)
		ws_error_clear(system->ctx); /* tables without end: what was met counts */
	return alias.va;
}

static bool is_direct(const struct ws_system *system, uint64_t va)
{
	const struct ws_kernel_region *direct = &system->regions.v[0];

	return va >= direct->first && va <= direct->last;
}

static bool read_direct(struct ws_system *system, uint64_t va, void *to, size_t len)
{
	return ws_target_read(system->target, ws_direct_pa(system, va), to, len) ==
	       WS_READ;
}

bool ws_read_as_it_was(struct ws_system *system, uint64_t va, void *to, size_t len)
{
	if (is_direct(system, va))
		return read_direct(system, va, to, len);
	return ws_system_read(system, va, to, len) == WS_READ ||
	       (va > system->regions.v[0].last && read_direct(system, va, to, len));
}

/* ---- frames along a stack ---------------------------------------------------------- */

static bool frame_at(const struct ws_autopsy *autopsy, uint64_t va,
		     struct ws_exception_frame *frame)
{
	const struct ws_frame_rules rules = {
		.word = autopsy->system->layout.word,
		.kernel_first = autopsy->system->layout.kernel_first,
	};
	uint8_t bytes[64] = { 0 };
	unsigned len = autopsy->arch->frame_max;
	size_t at = 0;

	/* the longest may go on past the stack's end */
	while (len >= 4 * rules.word &&
	       !ws_read_as_it_was(autopsy->system, va, bytes, len))
		len -= rules.word;
	return len >= 4 * rules.word &&
	       autopsy->arch->next_frame(&rules, bytes, len, &at, frame) && !at;
}

/*
 * So many frames of the storm lie from va on, in steps; va becomes the last one's. Tables that
 * lead to the same page over and over are hostile: for all storms together there is a bound.
 */
#define FRAMES_MAX (UINT64_C(1) << 22)

static uint64_t follow(struct ws_autopsy *autopsy, const struct ws_storm *storm,
		       uint64_t *va, int64_t step)
{
	struct ws_exception_frame frame;
	uint64_t n = 0;

	while (autopsy->nfollowed++ < FRAMES_MAX &&
	       frame_at(autopsy, *va + (uint64_t)step, &frame) &&
	       frame.ip == storm->frame.ip && frame.user == storm->frame.user) {
		*va += (uint64_t)step;
		n++;
	}
	return n;
}

/* ---- one storm --------------------------------------------------------------------- */

static void name_stack(const struct ws_autopsy *autopsy, struct ws_storm *storm,
		       uint64_t sp)
{
	const struct ws_stack *found = NULL;

	storm->task = WS_NO_TASK;
	ws_vec_each(&autopsy->stacks, stack)
		if (sp - stack->va <= stack->size)
			found = stack;
	if (found)
		storm->task = found->task;
	ws_vec_each(&autopsy->audit->needs, need)
		if (!found && need->rights & WS_KERNEL_WRITE && need->va <= sp &&
		    sp - need->va <= need->last - need->va + 1)
			storm->stack = need->what;
}

/* The frame above all, which saved another address: what was interrupted at first. */
static void find_first(const struct ws_autopsy *autopsy, struct ws_storm *storm,
		       uint64_t top)
{
	const uint64_t above[] = { storm->frame.size, storm->stride };

	for (size_t i = 0; i < WS_ARRAY_SIZE(above) && !storm->has_first; i++) {
		storm->first_va = top + above[i];
		storm->has_first =
			frame_at(autopsy, storm->first_va, &storm->first) &&
			(storm->first.ip != storm->frame.ip || storm->first.user);
	}
	if (!storm->has_first)
		storm->first_va = 0;
}

/*
 * Along the other addresses of its page there is a stack, or a piece of memory that the storm
 * ran over by the direct map: along those by which it came there are more frames.
 */
static bool place_by(struct ws_autopsy *autopsy, const struct ws_pile *pile, uint64_t va,
		     struct ws_storm *storm, uint64_t *top)
{
	uint64_t bottom = va, n;

	*top = va;
	n = 1 + follow(autopsy, storm, top, storm->stride);
	n += follow(autopsy, storm, &bottom, -(int64_t)storm->stride);
	if (n < pile->n)
		return false;
	storm->va = bottom;
	storm->frames = n;
	return true;
}

/*
 * The last push that failed may have come as far as the error code, which is pushed last.
 * The codes may change on the way down, when the frames run over what refused.
 */
static void drop_torn(const struct ws_autopsy *autopsy, struct ws_storm *storm)
{
	struct ws_exception_frame lowest, above;

	if (!frame_at(autopsy, storm->va, &lowest) ||
	    lowest.error == storm->frame.error ||
	    (frame_at(autopsy, storm->va + storm->stride, &above) &&
	     above.ip == lowest.ip && above.error == lowest.error))
		return;
	storm->va += storm->stride;
	storm->pa += storm->stride;
	storm->frames--;
}

static void place(struct ws_autopsy *autopsy, const struct ws_pile *pile,
		  struct ws_storm *storm)
{
	struct ws_system *system = autopsy->system;
	uint64_t top, other = other_va(system, pile->pa);

	if (!other || !place_by(autopsy, pile, other, storm, &top)) {
		storm->va = ws_direct_va(system, pile->pa);
		top = storm->va + (pile->last - pile->pa);
	}
	drop_torn(autopsy, storm);
	find_first(autopsy, storm, top);
	name_stack(autopsy, storm, top + storm->frame.size);
}

/* ---- whose handler it saved -------------------------------------------------------- */

/* Handlers, in the order of their addresses; the vector lowest of those that one has. */
typedef WS_VEC(struct ws_entry_point) ws_point_vec;

/* Linux gives all processors the same handlers. */
#define CPUS_MAX 64u

static int by_va(const void *a, const void *b)
{
	const struct ws_entry_point *x = a, *y = b;

	if (x->va != y->va)
		return x->va < y->va ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Every processor has a table of its own, or the same one: each is read once. */
static enum ws_status read_handlers(const struct ws_autopsy *autopsy,
				    ws_point_vec *handlers)
{
	struct ws_system *system = autopsy->system;
	struct ws_entry_point point, *kept;

	for (size_t cpu = 0; cpu < system->target->cpus.n && cpu < CPUS_MAX; cpu++)
		for (unsigned n = 0; n <= UINT8_MAX; n++) {
			if (ws_system_entry_point(system, &system->target->cpus.v[cpu], n,
						  &point) != WS_READ)
				break;
			if (!point.is_code)
				continue;
			kept = ws_vec_push(handlers);
			if (!kept)
				return ws_fail_memory(system->ctx);
			*kept = point;
		}
	if (handlers->n)
		qsort(handlers->v, handlers->n, sizeof(*handlers->v), by_va);
	return WS_OK;
}

static void find_vector(const ws_point_vec *handlers, struct ws_storm *storm)
{
	size_t low = 0, high = handlers->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (handlers->v[mid].va < storm->frame.ip)
			low = mid + 1;
		else
			high = mid;
	}
	storm->has_vector = low < handlers->n && handlers->v[low].va == storm->frame.ip;
	if (storm->has_vector)
		storm->vector = (uint8_t)handlers->v[low].number;
}

/* ---- all of them ------------------------------------------------------------------- */

static bool is_known(const struct ws_autopsy *autopsy, const struct ws_storm *storm)
{
	ws_vec_each(&autopsy->storms, known)
		if (known->va == storm->va && known->frame.ip == storm->frame.ip)
			return true;
	return false;
}

/* Each is looked for in all of the kernel's address space: memory full of piles is hostile. */
#define STORMS_MAX 64

static int larger_first(const void *a, const void *b)
{
	const struct ws_pile *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->pa < y->pa ? -1 : x->pa > y->pa;
}

static enum ws_status take_pile(struct ws_autopsy *autopsy, const struct ws_pile *pile,
				const ws_point_vec *handlers)
{
	struct ws_storm storm = { .pa = pile->pa,
				  .last_pa = pile->last + pile->frame.size - 1,
				  .frames = pile->n,
				  .stride = pile->stride,
				  .frame = pile->frame };
	struct ws_storm *kept;

	place(autopsy, pile, &storm);
	if (is_known(autopsy, &storm))
		return WS_OK;
	find_vector(handlers, &storm);
	kept = ws_vec_push(&autopsy->storms);
	if (!kept)
		return ws_fail_memory(autopsy->system->ctx);
	*kept = storm;
	return WS_OK;
}

enum ws_status ws_storms_find(struct ws_autopsy *autopsy)
{
	ws_point_vec handlers = { 0 };
	enum ws_status status = WS_OK;

	if (!autopsy->piles.n)
		return WS_OK;
	qsort(autopsy->piles.v, autopsy->piles.n, sizeof(*autopsy->piles.v),
	      larger_first);
	if (autopsy->piles.v[0].n >= WS_PILE_MIN)
		status = read_handlers(autopsy, &handlers);
	ws_vec_each(&autopsy->piles, pile) {
		if (status != WS_OK || pile->n < WS_PILE_MIN ||
		    autopsy->storms.n == STORMS_MAX)
			break;
		if (!pile->frame.user)
			status = take_pile(autopsy, pile, &handlers);
	}
	ws_vec_release(&handlers);
	return status;
}
