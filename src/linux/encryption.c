/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where memory is encrypted, one bit of each entry and of the register that holds a root
 * may say whose key it has, and be no part of the address. A format is data, so what is
 * walked is a copy of it without that bit.
 *
 * Where neither register nor VMCOREINFO says which bit it is, memory does: a kernel's tables
 * are all encrypted, so each entry that leads to one has it, and it lies beyond all memory.
 */
#include "linux/census.h"
#include "linux/linux.h"
#include "util/count.h"

/*
 * A bit that flipped is not in that many entries, and a kernel has more tables: 6.1 in 512
 * MiB 136 below init_mm's root.
 */
#define ENTRIES_MIN 32
/* The kernel's tables in a terabyte are some thousands; a part of them decides. */
#define TABLES_BUDGET (1u << 14)

static void leave_bit(struct ws_format *format, struct ws_attribute aside)
{
	uint64_t bit = aside.bit;

	format->aside = aside;
	format->root_mask &= ~bit;
	for (unsigned l = 0; l < format->nlevels; l++)
		for (struct ws_row *row = format->level[l].row; row->kind != WS_ROW_NONE;
		     row++)
			for (unsigned i = 0; i < WS_ARRAY_SIZE(row->address); i++)
				row->address[i].mask &= ~bit;
}

/* What the caller says; who asks the architecture may know its name. */
static struct ws_attribute find_bit(const struct ws_system *system)
{
	const struct ws_arch_linux *on_linux = ws_on_linux(system);
	const struct ws_target *target = system->target;
	struct ws_attribute given = { 0 }, found = system->inferred;

	if (target->has_encryption_bit && target->encryption_bit)
		given = (struct ws_attribute){ WS_BIT(target->encryption_bit),
					       "encryption" };
	if (!found.bit && on_linux && on_linux->encryption)
		found = on_linux->encryption(system);
	return target->has_encryption_bit && found.bit != given.bit ? given : found;
}

void ws_set_format(struct ws_system *system, const struct ws_format *format)
{
	system->format = system->paging.format = format;
	system->paging.no_execute = format && format->no_execute;
	system->paging.emulated = true;
	system->encryption = format ? find_bit(system) : (struct ws_attribute){ 0 };
	if (!system->encryption.bit)
		return;
	system->encrypted = *format;
	leave_bit(&system->encrypted, system->encryption);
	system->paging.format = &system->encrypted;
}

/* ---- which it is, by memory alone -------------------------------------------------- */

uint64_t ws_encryption_bits(const struct ws_system *system)
{
	const struct ws_linux_layout *row = ws_linux_layout_of(system->format);
	uint64_t bits = row ? row->encryption_bits : 0;

	if (system->encryption.bit || system->target->has_encryption_bit)
		return 0;
	while (bits && (bits & -bits) < system->target->memory_end)
		bits &= bits - 1;
	return bits;
}

uint64_t ws_encryption_of(const struct ws_format *format, const uint8_t *frame,
			  uint64_t bits)
{
	uint64_t all = bits, any = 0;

	for (unsigned at = 0; at < WS_FRAME_SIZE; at += 1u << format->entry_log2) {
		uint64_t entry = ws_load_entry(frame, at, format->entry_log2);

		if (!ws_is_present(format, entry))
			continue;
		all &= entry;
		any |= entry & bits;
	}
	return any && all == any && !(all & (all - 1)) ? all : 0;
}

void ws_encryption_try(struct ws_system *system, uint64_t bit)
{
	const struct ws_linux_layout *row = ws_linux_layout_of(system->format);

	system->inferred =
		(struct ws_attribute){ bit, bit ? row->encryption_name : NULL };
	system->inferred_entries = 0;
	ws_set_format(system, system->format);
}

uint8_t ws_encryption_number(const struct ws_system *system)
{
	uint8_t number = 0;

	while (number < 63 && system->encryption.bit >> number > 1)
		number++;
	return number;
}

/* Entries that lead to tables, with the bit and without. */
struct agreement {
	struct ws_system *system;
	struct ws_frame_set seen;
	uint64_t bit;
	size_t with, without;
	unsigned budget;
};

static void count_entries(struct agreement *a, const uint8_t *frame,
			  const struct ws_table_part *part, unsigned level)
{
	const struct ws_level *rows = &a->system->paging.format->level[level];

	for (unsigned i = part->first; i < part->first + part->count; i++) {
		uint64_t entry = ws_entry(a->system, frame, i);
		const struct ws_row *row = ws_row_of(rows, entry);

		if (!row || row->kind == WS_ROW_LEAF)
			continue;
		if (entry & a->bit)
			a->with++;
		else
			a->without++;
	}
}

/* The root is met twice, for each half of the addresses. */
static bool count_table(void *arg, uint64_t pa, unsigned level, uint64_t va)
{
	struct agreement *a = arg;
	const struct ws_paging *paging = &a->system->paging;
	struct ws_table_part part = { .pa = pa };
	const uint8_t *frame;

	(void)va;
	if (!a->budget || level + 1 >= paging->format->nlevels)
		return false;
	if (!ws_frame_set_add(&a->seen, pa))
		return !level;
	a->budget--;
	while (ws_table_next(paging->format, level, &part))
		if (paging->frame(paging->opaque, part.pa, &frame) == WS_READ)
			count_entries(a, frame + part.pa % WS_FRAME_SIZE, &part, level);
	return true;
}

enum ws_status ws_encryption_take(struct ws_system *system, uint64_t root, bool *taken)
{
	struct agreement a = { .system = system,
			       .bit = system->inferred.bit,
			       .budget = TABLES_BUDGET };
	enum ws_status status;

	*taken = false;
	if (!ws_frame_set_init(&a.seen, system->target))
		return ws_fail_memory(system->ctx);
	status = ws_tables(&system->paging, root, 0, UINT64_MAX, 0, count_table, &a);
	ws_frame_set_release(&a.seen);
	if (status != WS_OK && status != WS_ERR_LIMIT)
		return status;
	*taken = a.with >= ENTRIES_MIN && !a.without;
	system->inferred_entries = *taken ? a.with : 0;
	return WS_OK;
}

void ws_encryption_note(struct ws_system *system)
{
	if (!system->inferred_entries)
		return;
	ws_note(system,
		"no register and no VMCOREINFO says the bit of encrypted memory: it is taken "
		"for bit %u, beyond all memory, for each of %s that lead to tables has it, "
		"and without it they hold together (--encryption-bit says otherwise)",
		ws_encryption_number(system),
		WS_COUNT_OF(system->inferred_entries, "entry"));
}
