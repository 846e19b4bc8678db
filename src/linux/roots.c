/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "linux/roots.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/cleanup.h"

/* Fewer entries than that, and chance decides: then vmalloc's are judged by as well. */
#define DIRECT_SLOTS_MIN 8

/* ---- likeness --------------------------------------------------------------------- */

static bool maps_directly(struct ws_system *system, uint64_t va)
{
	uint64_t pa;

	return ws_kernel_translate(system, va, &pa) == WS_READ &&
	       va - pa == system->layout.direct_delta;
}

/*
 * The present kernel entries of the frame whose first entry is `first` in its table,
 * which rules from base on; or only those of the direct map.
 */
static void choose_slots(struct ws_system *system, struct ws_likeness *l, uint64_t base,
			 unsigned first, bool direct_only)
{
	const struct ws_format *format = system->paging.format;
	const struct ws_level *level = &format->level[ws_private_level(format)];
	unsigned in_frame = WS_FRAME_SIZE >> format->entry_log2;
	uint64_t page_offset = system->layout.page_offset;

	l->nslots = 0;
	for (unsigned i = first; i < 1u << level->bits && i < first + in_frame; i++) {
		uint64_t from =
			ws_canonical(format, base + ((uint64_t)i << level->shift));
		uint64_t last = from + (WS_BIT(level->shift) - 1);
		uint64_t va =
			page_offset > from && page_offset <= last ? page_offset : from;

		if (last >= system->layout.kernel_first &&
		    ws_is_present(format, ws_entry(system, l->table, i)) &&
		    (!direct_only || maps_directly(system, va)))
			l->slot[l->nslots++] = (uint16_t)(i - first);
	}
}

/* The reference's own table, and in it the frame that holds PAGE_OFFSET's entry. */
static bool take_table(struct ws_system *system, struct ws_likeness *l)
{
	const struct ws_format *format = system->paging.format;
	unsigned private = ws_private_level(format);
	struct ws_trail trail;
	const struct ws_step *step = &trail.step[private];
	const uint8_t *frame;
	uint64_t base;
	unsigned first;

	ws_walk(&system->paging, system->layout.reference, system->layout.page_offset,
		&trail);
	if (trail.nsteps <= private)
		return false;
	first = step->index & -(WS_FRAME_SIZE >> format->entry_log2);
	l->place = (uint64_t)first << format->entry_log2;
	if (system->paging.frame(system, step->table + l->place, &frame) != WS_READ)
		return false;
	memcpy(l->table, frame, WS_FRAME_SIZE);
	l->shape.kernel = trail.step[0].index;
	base = private ? (uint64_t)trail.step[0].index << format->level[0].shift : 0;
	choose_slots(system, l, base, first, true);
	if (l->nslots < DIRECT_SLOTS_MIN)
		choose_slots(system, l, base, first, false);
	return true;
}

bool ws_likeness_take(struct ws_system *system, struct ws_likeness *l)
{
	const struct ws_format *format = system->paging.format;

	l->kind = (uint8_t)ws_root_kind(format);
	l->shape = ws_root_shape(format, system->target->memory_end);
	if (l->kind == WS_ROOT_NO_KERNEL)
		return true; /* by shape alone */
	l->entry_log2 = format->entry_log2;
	l->mask = ws_common_bits(format);
	l->align = l->kind == WS_ROOT_HOLDS_KERNEL
			   ? format->root_mask & -format->root_mask
			   : WS_FRAME_SIZE;
	if (!take_table(system, l))
		return false;
	l->nsamples = l->nslots < WS_SAMPLES ? l->nslots : WS_SAMPLES;
	for (unsigned i = 0; i < l->nsamples; i++)
		l->sample[i] = l->slot[i * l->nslots / l->nsamples];
	return l->nslots;
}

static uint64_t common(const struct ws_likeness *l, const uint8_t *table, unsigned slot)
{
	return l->mask & ws_le_word(table + (slot << l->entry_log2), 1u << l->entry_log2);
}

static unsigned samples_alike(const struct ws_likeness *l, const uint8_t *table)
{
	unsigned alike = 0;

	for (unsigned i = 0; i < l->nsamples; i++)
		alike += common(l, table, l->sample[i]) ==
			 common(l, l->table, l->sample[i]);
	return alike;
}

/*
 * Measured on kernels from 6.1 to 6.12: a root has 15 or 16 of 16 samples in common with
 * another, any other frame 0 or 1. Half may be missing (that is what is looked for), but
 * a table with many others in their place is something else.
 */
bool ws_is_like(const struct ws_likeness *l, const uint8_t *table)
{
	unsigned alike = 0, other = 0;

	if (samples_alike(l, table) * 4 < l->nsamples)
		return false;
	for (unsigned i = 0; i < l->nslots; i++) {
		uint64_t entry = common(l, table, l->slot[i]);

		if (entry == common(l, l->table, l->slot[i]))
			alike++;
		else if (entry)
			other++;
	}
	return alike * 2 >= l->nslots && other * 4 <= l->nslots;
}

/* ---- tables of tables ------------------------------------------------------------- */

struct ws_root_shape ws_root_shape(const struct ws_format *format, uint64_t memory_end)
{
	const struct ws_linux_layout *row = ws_linux_layout_of(format);
	unsigned slots = ws_slots_in_part(format);

	return (struct ws_root_shape){
		.value = row->table_value,
		.ignored = row->table_ignored,
		.address = ws_address_bits(&format->level[0]),
		.memory_end = memory_end,
		.size = row->root == WS_ROOT_HOLDS_KERNEL ? 0
							  : slots << format->entry_log2,
		.entry_log2 = format->entry_log2,
		.kernel = slots - 1,
	};
}

static uint64_t entry_of(const struct ws_root_shape *shape, const uint8_t *bytes,
			 unsigned slot)
{
	return ws_le_word(bytes + (slot << shape->entry_log2), 1u << shape->entry_log2);
}

static bool leads_to_table(const struct ws_root_shape *shape, uint64_t entry)
{
	uint64_t table = entry & shape->address;

	return (entry & ~(table | shape->ignored)) == shape->value && table &&
	       table < shape->memory_end;
}

bool ws_is_table_of_tables(const struct ws_root_shape *shape, const uint8_t *bytes)
{
	bool any = false;

	for (unsigned i = 0; i < shape->size >> shape->entry_log2; i++) {
		uint64_t entry = entry_of(shape, bytes, i);

		if (entry && !leads_to_table(shape, entry))
			return false;
		any |= entry != 0;
	}
	return any;
}

bool ws_is_group(const struct ws_root_shape *shape, const uint8_t *bytes, uint64_t *table)
{
	uint64_t kernel = entry_of(shape, bytes, shape->kernel);

	*table = kernel & shape->address;
	return leads_to_table(shape, kernel) && ws_is_table_of_tables(shape, bytes);
}

/* ---- the roots -------------------------------------------------------------------- */

const uint8_t *ws_root_table(struct ws_system *system, uint64_t root)
{
	const uint8_t *frame;
	enum ws_evidence evidence = system->paging.frame(system, root, &frame);

	return evidence == WS_READ ? frame + root % WS_FRAME_SIZE : NULL;
}

const uint8_t *ws_root_part(struct ws_system *system, uint64_t root, unsigned slot)
{
	const struct ws_format *format = system->paging.format;
	unsigned first = slot - slot % ws_slots_in_part(format);

	return ws_root_table(system, root + ((uint64_t)first << format->entry_log2));
}

/* What the target lacks may lie above all that it holds. */
bool ws_lacks_directory(struct ws_system *system, uint64_t root)
{
	const struct ws_format *format = system->paging.format;
	const struct ws_linux_layout *row = ws_linux_layout_of(format);
	struct ws_root_shape shape = ws_root_shape(format, row->memory_end);
	const uint8_t *table = NULL, *frame;
	uint64_t directory;

	shape.kernel =
		(unsigned)ws_level_index(&format->level[0], system->layout.page_offset);
	if (ws_private_level(format))
		table = ws_root_table(system, root);
	return table && ws_is_group(&shape, table, &directory) &&
	       system->paging.frame(system, directory, &frame) == WS_ABSENT;
}

/*
 * One of few entries may be what is wrong with a table; with a page that was overwritten
 * all of them are.
 */
static bool has_likeness(const struct ws_likeness *l, const uint8_t *table)
{
	if (l->nslots >= DIRECT_SLOTS_MIN)
		return ws_is_like(l, table);
	for (unsigned i = 0; i < l->nslots; i++)
		if (common(l, table, l->slot[i]) == common(l, l->table, l->slot[i]))
			return true;
	return false;
}

/* The same of the few entries of a group. */
static bool has_group_entry(const struct ws_root_shape *shape, const uint8_t *group)
{
	for (unsigned i = 0; i < shape->size >> shape->entry_log2; i++)
		if (leads_to_table(shape, entry_of(shape, group, i)))
			return true;
	return false;
}

static enum ws_fit fit_by_group(struct ws_system *system, const struct ws_likeness *l,
				const uint8_t *group)
{
	uint64_t entry = entry_of(&l->shape, group, l->shape.kernel);
	const uint8_t *directory;

	if (!leads_to_table(&l->shape, entry))
		return has_group_entry(&l->shape, group) ? WS_FITS : WS_MISFITS;
	if (system->paging.frame(system, entry & l->shape.address, &directory) != WS_READ)
		return WS_FIT_UNKNOWN;
	return has_likeness(l, directory) ? WS_FITS : WS_MISFITS;
}

enum ws_fit ws_root_fit(struct ws_system *system, uint64_t root)
{
	ws_autofree struct ws_likeness *l = calloc(1, sizeof(*l));
	const uint8_t *table;

	if (!l)
		(void)!ws_target_short(system->target);
	if (!l || !ws_likeness_take(system, l))
		return WS_FIT_UNKNOWN;
	table = ws_root_table(system, root + l->place);
	if (!table)
		return WS_FIT_UNKNOWN;
	switch (l->kind) {
	case WS_ROOT_LEADS_TO_IT:
		return fit_by_group(system, l, table);
	case WS_ROOT_NO_KERNEL:
		return ws_is_table_of_tables(&l->shape, table) ? WS_FITS : WS_MISFITS;
	default:
		return has_likeness(l, table) ? WS_FITS : WS_MISFITS;
	}
}

/* Any present entry of a table's frame, from first on and below end? */
static bool has_entries(const struct ws_system *system, const uint8_t *table,
			unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++)
		if (ws_is_present(system->paging.format, ws_entry(system, table, i)))
			return true;
	return false;
}

/* The same of a root, of whose frames some may not be in the target. */
static bool root_has_entries(struct ws_system *system, uint64_t root, unsigned end)
{
	unsigned in_part = ws_slots_in_part(system->paging.format);

	for (unsigned i = 0; i < end; i += in_part) {
		const uint8_t *table = ws_root_part(system, root, i);

		if (table &&
		    has_entries(system, table, i, end - i < in_part ? end : i + in_part))
			return true;
	}
	return false;
}

/*
 * What a freed root leads to may be anybody's by now, and must not get into a capture: of
 * such frames only those that hold nothing are recorded.
 */
static const uint8_t *peek(struct ws_system *system, uint64_t pa)
{
	uint8_t *recorder = ws_search_begin(system);
	const uint8_t *frame;

	(void)system->paging.frame(system, pa, &frame);
	ws_search_end(system, recorder);
	if (frame && !frame[0] && ws_is_one_byte(frame))
		(void)system->paging.frame(system, pa, &frame);
	return frame;
}

/* How many entries of the table that slot leads to are the user's. */
static unsigned user_entries(const struct ws_system *system, unsigned slot)
{
	const struct ws_format *format = system->paging.format;
	uint64_t first = (uint64_t)slot << format->level[0].shift;
	uint64_t kernel = system->layout.kernel_first;

	if (kernel - first >= WS_BIT(format->level[0].shift))
		return 1u << format->level[1].bits;
	return (unsigned)(kernel - first) >> format->level[1].shift;
}

/*
 * With PAE the directories of the user half are allocated with the PDPT, and freed with
 * it without its entries being cleared (pgd_mop_up_pmds(), arch/x86/mm/pgtable.c), so an
 * entry that leads to an empty one is as good as none. One that is not in the target may
 * be anything but known to be empty.
 */
static bool leads_to_nothing(struct ws_system *system, const uint8_t *group)
{
	const struct ws_format *format = system->paging.format;
	uint64_t first;

	for (unsigned i = 0; i < 1u << format->level[0].bits; i++) {
		uint64_t entry = ws_entry(system, group, i);
		const uint8_t *directory = NULL;

		first = (uint64_t)i << format->level[0].shift;
		if (first >= system->layout.kernel_first)
			break;
		if (!ws_is_present(format, entry))
			continue;
		directory = peek(system, entry & ws_address_bits(&format->level[0]));
		if (!directory ||
		    has_entries(system, directory, 0, user_entries(system, i)))
			return false;
	}
	return true;
}

bool ws_user_half_is_empty(struct ws_system *system, uint64_t root)
{
	const uint8_t *table;

	if (ws_root_kind(system->paging.format) == WS_ROOT_NO_KERNEL &&
	    root == system->layout.reference)
		return true; /* all of it is the kernel's */
	if (!ws_private_level(system->paging.format))
		return !root_has_entries(system, root, ws_first_kernel_slot(system));
	table = ws_root_table(system, root);
	return !table || leads_to_nothing(system, table);
}

#define PASSING_LOOKS 40
#define PASSING_PAUSE 5000000 /* nanoseconds */

static bool leads_elsewhere(const struct ws_system *system, const uint8_t *then,
			    const uint8_t *now, unsigned slots)
{
	const struct ws_format *format = system->paging.format;
	uint64_t bits = ws_common_bits(format);

	for (unsigned i = 0; i < slots; i++) {
		uint64_t entry = ws_entry(system, then, i);

		if (ws_is_present(format, entry) &&
		    ((entry ^ ws_entry(system, now, i)) & bits))
			return true;
	}
	return false;
}

bool ws_root_is_passing(struct ws_system *system, uint64_t root)
{
	const struct timespec pause = { .tv_nsec = PASSING_PAUSE };
	unsigned slots = ws_first_kernel_slot(system);
	const uint8_t *then = ws_root_table(system, root);
	uint8_t now[WS_FRAME_SIZE];

	if (slots > ws_slots_in_part(system->paging.format))
		slots = ws_slots_in_part(system->paging.format);
	for (unsigned i = 0; system->target->moving && then && i < PASSING_LOOKS; i++) {
		if (ws_target_read_now(system->target, root, now,
				       (size_t)slots
					       << system->paging.format->entry_log2) !=
		    WS_READ)
			return false;
		if (leads_elsewhere(system, then, now, slots))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Whether an entry is none that a kernel writes: not empty, and it leads nowhere. */
static bool is_no_entry(struct ws_system *system, uint64_t entry)
{
	const struct ws_format *format = system->paging.format;

	return entry && (!ws_is_present(format, entry) ||
			 (entry & ws_address_bits(&format->level[0])) >=
				 system->target->memory_end);
}

bool ws_user_half_is_reused(struct ws_system *system, uint64_t root)
{
	unsigned end = ws_first_kernel_slot(system), strange = 0, entries = 0;

	if (ws_root_kind(system->paging.format) != WS_ROOT_HOLDS_KERNEL ||
	    ws_private_level(system->paging.format))
		return false;
	for (unsigned i = 0; i < end; i++) {
		const uint8_t *table = ws_root_part(system, root, i);
		uint64_t entry = table ? ws_entry(system, table, i) : 0;

		strange += is_no_entry(system, entry);
		entries += entry && !is_no_entry(system, entry);
	}
	return strange > entries;
}

bool ws_user_entry(struct ws_system *system, uint64_t root, unsigned slot,
		   uint64_t *entry)
{
	const uint8_t *table = ws_root_part(system, root, slot);

	if (table)
		*entry = ws_entry(system, table, slot) & ~system->paging.format->touched;
	return table;
}
