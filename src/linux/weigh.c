/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What page tables weigh. Kernel halves share most of their tables with init_mm, so those
 * are counted once for each entry of its root; a space whose entry is the same has them
 * all, and only where it differs is there something to go into.
 */
#include <stdlib.h>

#include "linux/census.h"
#include "linux/linux.h"
#include "linux/roots.h"

/* What the reference's kernel half weighs, and the sets that counting needs. */
struct ws_scale {
	struct ws_frame_set reference; /* all tables of its kernel half */
	uint64_t *below;               /* tables below each entry of its root */
	struct ws_frame_set seen;      /* empty between two counts */
	ws_pa_vec marked;              /* what is in it */
};

void ws_scale_free(struct ws_scale *scale)
{
	if (!scale)
		return;
	ws_frame_set_release(&scale->reference);
	ws_frame_set_release(&scale->seen);
	ws_vec_release(&scale->marked);
	free(scale->below);
	free(scale);
}

static void forget_seen(struct ws_scale *scale)
{
	ws_vec_each(&scale->marked, pa)
		ws_frame_set_remove(&scale->seen, *pa);
	scale->marked.n = 0;
}

/* Where counting tables goes: below the root only, each table once, no pages. */
struct count {
	struct ws_system *system;
	uint64_t tables;       /* in frames */
	uint64_t in_reference; /* of these, those that the reference's kernel half has */
	bool learn;            /* this is the reference: remember what it has */
	bool short_of_memory;
};

/* What a table fills, or lies in with others. */
static uint64_t frames_of(const struct ws_format *format, unsigned level)
{
	uint64_t size = WS_BIT(format->level[level].bits + format->entry_log2);

	return size > WS_FRAME_SIZE ? size / WS_FRAME_SIZE : 1;
}

static bool count_table(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	struct count *count = arg;
	const struct ws_format *format = count->system->paging.format;
	struct ws_scale *scale = count->system->scale;
	uint64_t frames, *marked;

	(void)va;
	if (!level)
		return true;
	frames = frames_of(format, level);
	if (!ws_frame_set_add(&scale->seen, pa))
		return false;
	marked = ws_vec_push(&scale->marked);
	if (!marked) {
		count->short_of_memory = true;
		return false;
	}
	*marked = pa;
	count->tables += frames;
	if (count->learn)
		ws_frame_set_add(&scale->reference, pa);
	else if (ws_frame_set_has(&scale->reference, pa))
		count->in_reference += frames;
	return level + 1 < format->nlevels;
}

/* Counts the tables below those entries of root that rule [first, last]. */
static enum ws_status count_range(struct count *count, uint64_t root, uint64_t first,
				  uint64_t last)
{
	enum ws_status status = ws_tables(&count->system->paging, root, first, last, 0,
					  count_table, count);

	if (count->short_of_memory)
		return ws_fail_memory(count->system->ctx);
	if (status == WS_ERR_LIMIT)
		return ws_fail(count->system->ctx, status,
			       "root %#jx: page tables without an end", root);
	return status;
}

static void slot_range(const struct ws_format *format, unsigned slot, uint64_t *first,
		       uint64_t *last)
{
	uint8_t shift = format->level[0].shift;

	*first = ws_canonical(format, (uint64_t)slot << shift);
	*last = *first + (WS_BIT(shift) - 1);
}

static unsigned slots_of(const struct ws_format *format)
{
	return 1u << format->level[0].bits;
}

static enum ws_status learn_reference(struct ws_system *system)
{
	const struct ws_format *format = system->paging.format;
	struct ws_scale *scale = system->scale;
	enum ws_status status = WS_OK;
	uint64_t first, last;

	for (unsigned slot = ws_first_kernel_slot(system);
	     slot < slots_of(format) && status == WS_OK; slot++) {
		struct count count = { .system = system, .learn = true };

		slot_range(format, slot, &first, &last);
		status = count_range(&count, system->layout.reference, first, last);
		scale->below[slot] = count.tables;
		forget_seen(scale);
	}
	return status;
}

static enum ws_status make_scale(struct ws_system *system)
{
	struct ws_scale *scale = calloc(1, sizeof(*scale));

	if (!scale)
		return ws_fail_memory(system->ctx);
	system->scale = scale;
	scale->below = calloc(slots_of(system->paging.format), sizeof(*scale->below));
	if (!scale->below || !ws_frame_set_init(&scale->reference, system->target) ||
	    !ws_frame_set_init(&scale->seen, system->target))
		return ws_fail_memory(system->ctx);
	return learn_reference(system);
}

/* A root and the reference, and of each the frame that is compared; NULL: none. */
struct pair {
	uint64_t root, reference;
	const uint8_t *ours, *theirs;
};

static void read_parts(struct ws_system *system, struct pair *pair, unsigned slot)
{
	pair->ours = ws_root_part(system, pair->root, slot);
	pair->theirs = ws_root_part(system, pair->reference, slot);
}

static uint64_t entry_in(const struct ws_system *system, const uint8_t *part,
			 unsigned slot)
{
	return part ? ws_entry(system, part, slot) : 0;
}

/* The kernel half: slots that differ from the reference's are gone into. */
static enum ws_status weigh_kernel(struct ws_system *system, uint64_t root,
				   struct ws_weight *weight)
{
	const struct ws_format *format = system->paging.format;
	uint64_t mask = ws_common_bits(format), first, last;
	struct count count = { .system = system };
	enum ws_status status = WS_OK;

	unsigned first_slot = ws_first_kernel_slot(system);
	struct pair pair = { .reference = system->layout.reference, .root = root };

	for (unsigned slot = first_slot; slot < slots_of(format) && status == WS_OK;
	     slot++) {
		uint64_t entry;

		if (slot == first_slot || slot % ws_slots_in_part(format) == 0)
			read_parts(system, &pair, slot);
		entry = entry_in(system, pair.ours, slot);
		if (!((entry ^ entry_in(system, pair.theirs, slot)) & mask)) {
			weight->shared_tables += system->scale->below[slot];
		} else if (ws_is_present(format, entry)) {
			slot_range(format, slot, &first, &last);
			status = count_range(&count, root, first, last);
		}
	}
	weight->shared_tables += count.in_reference;
	weight->private_tables += count.tables - count.in_reference;
	return status;
}

static void weigh_root(const struct ws_system *system, uint64_t root,
		       struct ws_weight *weight)
{
	uint64_t frames = ws_root_size(system->paging.format) / WS_FRAME_SIZE;

	if (ws_private_level(system->paging.format))
		return; /* a group of 32 bytes is no frame */
	if (root == system->layout.reference)
		weight->shared_tables += frames;
	else
		weight->private_tables += frames;
}

/*
 * Whether all parts of a root are in memory whose entries are counted: of a freed one only
 * the kernel half's, which alone a capture keeps.
 */
static bool is_there(struct ws_system *system, const struct ws_space *space)
{
	const struct ws_format *format = system->paging.format;
	unsigned slot = 0, first = ws_first_kernel_slot(system);

	if (space->kind == WS_SPACE_FREED && first < slots_of(format))
		slot = first;
	for (; slot < slots_of(format); slot += ws_slots_in_part(format))
		if (!ws_root_part(system, space->root, slot))
			return false;
	return true;
}

enum ws_status ws_space_weigh(struct ws_system *system, const struct ws_space *space,
			      struct ws_weight *weight)
{
	const uint8_t *reference = ws_root_table(system, system->layout.reference);
	struct count user = { .system = system };
	enum ws_status status;

	*weight = (struct ws_weight){ 0 };
	if (!reference || !is_there(system, space)) {
		status = ws_target_looked(system->target, WS_OK);
		return status != WS_OK
			       ? status
			       : ws_fail(system->ctx, WS_ERR_NOT_FOUND,
					 "root %#jx is not in memory", space->root);
	}
	status = system->scale ? WS_OK : make_scale(system);
	if (status != WS_OK)
		return status;
	if (space->kind != WS_SPACE_FREED) /* its user half may be anybody's by now */
		status = count_range(&user, space->root, 0, ws_last_user_va(system));
	if (ws_root_kind(system->paging.format) == WS_ROOT_NO_KERNEL &&
	    space->root == system->layout.reference)
		weight->shared_tables = user.tables; /* all of it is the kernel's */
	else
		weight->user_tables = user.tables;
	forget_seen(system->scale);
	if (status == WS_OK)
		status = weigh_kernel(system, space->root, weight);
	forget_seen(system->scale);
	weigh_root(system, space->root, weight);
	return ws_target_looked(system->target, status);
}
