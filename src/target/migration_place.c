/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the pages of a migration stream lie. It says of each block of memory what it is
 * called and how long it is, not where: main memory is placed as its machine does that
 * (arch.h), or, where it has a hole below 4 GiB, as the firmware's map in it says (ram.c),
 * which goes before a rule that an option of QEMU's may have changed. What is memory of
 * devices is left out.
 */
#include "target/migration.h"

#include <stdlib.h>
#include <string.h>

#include "target/ram.h"
#include "util/cleanup.h"
#include "util/count.h"
#include "util/text.h"

#define NODES_MAX 128 /* of memory, of one machine (QEMU include/sysemu/numa.h) */
/* From about there on machines place memory otherwise (an IOMMU's hole below 1 TiB). */
#define RULE_MAX (UINT64_C(1000) << 30)
/* And no machine that Linux runs on has so little below a hole. */
#define LOW_MIN (UINT64_C(16) << 20)

/* Main memory: blocks that follow one another. */
struct main_memory {
	struct ws_target *target;
	struct ws_migration *m;
	const struct ws_ram_block *blocks[NODES_MAX];
	unsigned nblocks;
	uint64_t size;
	const struct ws_qemu_machine *machine; /* NULL: of a type that is not known */
	uint64_t low; /* so much lies below the hole; size: all, there is none */
};

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* ---- which block it is ------------------------------------------------------------- */

static const struct ws_ram_block *block_named(const struct ws_migration *m,
					      const char *name)
{
	ws_vec_each(&m->blocks, block)
		if (!strcmp(block->name, name))
			return block;
	return NULL;
}

static void main_add(struct main_memory *main, const struct ws_ram_block *block)
{
	main->blocks[main->nblocks++] = block;
	main->size += block->len;
}

/* That of several nodes is in a block each, as libvirt and QEMU's manual name them. */
static void nodes_find(struct main_memory *main)
{
	static const char *const names[] = { "ram-node%u", "/objects/ram-node%u" };
	char name[WS_STREAM_NAME + 1];

	for (size_t form = 0; form < WS_ARRAY_SIZE(names) && !main->nblocks; form++)
		for (unsigned i = 0; i < NODES_MAX; i++) {
			snprintf(name, sizeof(name), names[form], i);
			const struct ws_ram_block *block = block_named(main->m, name);

			if (!block)
				break;
			main_add(main, block);
		}
}

/* The machine by its type's name, with its block or the nodes in place of it. */
static bool machine_find(struct main_memory *main)
{
	const struct ws_arch *arch;

	for (unsigned i = 0; (arch = ws_arch_at(i)); i++)
		for (const struct ws_qemu_machine *machine = arch->qemu_machines;
		     machine && machine->type; machine++) {
			const struct ws_ram_block *block =
				block_named(main->m, machine->block);

			if (!begins(main->m->machine, machine->type) ||
			    (!block && !main->nblocks))
				continue;
			if (block && !main->nblocks)
				main_add(main, block);
			main->machine = machine;
			return true;
		}
	return false;
}

/* A machine of a type that is not known, or not said: one that calls its memory so. */
static const struct ws_qemu_machine *machine_of_block(struct main_memory *main)
{
	const struct ws_qemu_machine *first = NULL;
	const struct ws_arch *arch;

	for (unsigned i = 0; (arch = ws_arch_at(i)); i++)
		for (const struct ws_qemu_machine *machine = arch->qemu_machines;
		     machine && machine->type; machine++) {
			const struct ws_ram_block *block =
				block_named(main->m, machine->block);

			if (!block || (first && strcmp(first->block, machine->block)))
				continue;
			if (!first)
				main_add(main, block);
			/* Of those that call it so the one that splits it first. */
			if (!first || machine->split_from < first->split_from)
				first = machine;
		}
	return first;
}

/* ---- where it lies ----------------------------------------------------------------- */

/* The page of main memory among those of all blocks, and how many follow it there. */
static uint64_t page_of(const struct main_memory *main, uint64_t page, uint64_t *follow)
{
	for (unsigned i = 0; i < main->nblocks; i++) {
		uint64_t n = main->blocks[i]->len / WS_FRAME_SIZE;

		if (page < n) {
			*follow = n - page;
			return main->blocks[i]->first + page;
		}
		page -= n;
	}
	*follow = 0;
	return UINT64_MAX;
}

static uint64_t map_next(void *arg, uint64_t at)
{
	const struct main_memory *main = arg;
	const struct ws_page_runs *runs = &main->m->runs;
	uint64_t page = at / WS_FRAME_SIZE, follow;
	uint64_t here = page_of(main, page, &follow);

	while (follow) {
		size_t i = ws_run_after(runs, here);

		while (i < runs->n && runs->v[i].kind == WS_RUN_ZERO)
			i++;
		if (i < runs->n && runs->v[i].first < here + follow) {
			if (runs->v[i].first > here)
				page += runs->v[i].first - here;
			return page * WS_FRAME_SIZE;
		}
		page += follow;
		here = page_of(main, page, &follow);
	}
	return main->size;
}

/* What is not there is zero: a map that it is a part of makes no sense then. */
static enum ws_evidence map_read(void *arg, uint64_t at, void *to, size_t size,
				 size_t *got)
{
	const struct main_memory *main = arg;
	uint8_t frame[WS_FRAME_SIZE];
	uint64_t follow;
	size_t n;

	for (*got = 0; *got < size && at < main->size; *got += n, at += n) {
		uint64_t page = page_of(main, at / WS_FRAME_SIZE, &follow);
		const struct ws_page_run *run =
			follow ? ws_run_of(&main->m->runs, page) : NULL;
		enum ws_evidence evidence =
			run ? ws_migration_page(main->target, 0, run, page, frame)
			    : WS_ABSENT;

		if (evidence == WS_FAILED)
			return WS_FAILED;
		if (evidence != WS_READ)
			memset(frame, 0, sizeof(frame));
		n = size - *got < WS_FRAME_SIZE ? size - *got : WS_FRAME_SIZE;
		memcpy((uint8_t *)to + *got, frame, n);
	}
	return *got == size ? WS_READ : WS_ABSENT;
}

/* A map fits that has a hole by which memory is as long as it is, or that ends with it. */
static enum ws_status map_take(void *arg, const struct ws_ram *ram)
{
	struct main_memory *main = arg;
	const struct ws_extent *last = &ram->at[ram->n - 1];
	uint64_t end = last->pa + last->len;

	main->low = ws_ram_hole(ram, main->size);
	if (main->low)
		return WS_OK;
	if (end > main->size || main->size - end > WS_FIRMWARE_MAX)
		return WS_ERR_NOT_FOUND;
	main->low = main->size;
	return WS_OK;
}

static enum ws_status refuse(const struct main_memory *main, const char *why)
{
	const struct ws_migration *m = main->m;
	struct ws_text text;
	FILE *to = ws_text_open(&text);
	ws_autofree char *names = NULL;

	for (size_t i = 0; to && i < m->blocks.n && i < 8; i++)
		fprintf(to, "%s%s (%#jx bytes)", i ? ", " : "", m->blocks.v[i].name,
			m->blocks.v[i].len);
	names = to ? ws_text_close(&text, NULL) : NULL;
	if (!names)
		return ws_fail_memory(main->target->ctx);
	return ws_fail(
		main->target->ctx, WS_ERR_UNSUPPORTED,
		"%s: where its memory lies is not known: %s, machine type '%s', blocks "
		"%s: load the stream with `qemu-system-... -incoming', and dump memory "
		"with dump-guest-memory in the monitor",
		main->target->file.path, why, m->machine, names);
}

static uint64_t low_by_rule(const struct main_memory *main)
{
	const struct ws_qemu_machine *machine = main->machine;

	return machine->split_from && main->size >= machine->split_from ? machine->low
									: main->size;
}

/* Of a machine whose memory can have a hole. */
static enum ws_status hole_find(struct main_memory *main, bool by_type)
{
	uint64_t rule = low_by_rule(main);
	bool known = main->size <= RULE_MAX && (by_type || rule == main->size);
	enum ws_status status =
		ws_ram_search(main->target, &(struct ws_ram_source){ .size = main->size,
								     .arg = main,
								     .next = map_next,
								     .read = map_read,
								     .take = map_take });

	if (status != WS_ERR_NOT_FOUND) {
		if (status || !known || main->low == rule)
			return status;
		return ws_target_add_note(
			main->target,
			"by the firmware's map in it memory goes on at 4 GiB from %#jx of "
			"%s on, other than by the rule of the machine's type",
			main->low, main->blocks[0]->name);
	}
	if (!known)
		return refuse(main, "no map of the firmware's in it fits it");
	main->low = rule;
	if (main->size <= LOW_MIN)
		return WS_OK;
	return ws_target_add_note(
		main->target,
		"no map of the firmware's in memory fits it: that it lies %s rests on "
		"the machine's type alone",
		rule < main->size ? "on both sides of a hole below 4 GiB"
				  : "without a hole");
}

static enum ws_status main_find(struct main_memory *main)
{
	bool by_type;

	nodes_find(main);
	by_type = machine_find(main);
	if (!by_type)
		main->machine = machine_of_block(main);
	if (!main->machine)
		return refuse(main, "which of its blocks is main memory is not known");
	if (main->machine->split_from)
		return hole_find(main, by_type);
	main->low = main->size;
	return WS_OK;
}

/* ---- the pages that there are ------------------------------------------------------ */

/* Pages of main memory that lie where they do in it, but for a distance. */
struct window {
	uint64_t first, n, pa; /* all in pages */
};

#define WINDOWS 4

static unsigned windows_make(const struct main_memory *main, struct window *windows)
{
	const struct ws_qemu_machine *machine = main->machine;
	uint64_t low = main->low / WS_FRAME_SIZE, end = main->size / WS_FRAME_SIZE;
	uint64_t base = machine->base / WS_FRAME_SIZE;
	uint64_t hidden = machine->hidden.pa / WS_FRAME_SIZE;
	uint64_t behind = hidden + machine->hidden.len / WS_FRAME_SIZE;
	unsigned n = 0;

	if (hidden > low)
		hidden = low;
	if (behind > low)
		behind = low;
	windows[n++] = (struct window){ 0, hidden, base };
	windows[n++] = (struct window){ behind, low - behind, base + behind };
	windows[n++] = (struct window){ low, end - low, WS_HOLE_END / WS_FRAME_SIZE };
	return n;
}

/* The part of a run that lies in a window, at its place; n 0: none does. */
static struct ws_page_run placed(const struct ws_page_run *run, uint64_t main_first,
				 const struct window *window)
{
	uint64_t from = main_first, to = main_first + run->n;
	struct ws_page_run out = *run;

	if (from < window->first)
		from = window->first;
	if (to > window->first + window->n)
		to = window->first + window->n;
	out.n = to > from ? (uint32_t)(to - from) : 0;
	out.at += (from - main_first) * ws_run_stride(run);
	out.first = window->pa + (from - window->first);
	return out;
}

/* All of a block's runs, which begin at that page of main memory, to where they lie. */
static enum ws_status block_place(const struct main_memory *main,
				  const struct ws_ram_block *block, uint64_t main_first,
				  struct ws_page_runs *to)
{
	const struct ws_page_runs *runs = &main->m->runs;
	uint64_t end = block->first + block->len / WS_FRAME_SIZE;
	struct window windows[WINDOWS];
	unsigned n = windows_make(main, windows);
	enum ws_status status = WS_OK;

	for (size_t i = ws_run_after(runs, block->first);
	     i < runs->n && runs->v[i].first < end && !status; i++) {
		for (unsigned w = 0; w < n && !status; w++) {
			struct ws_page_run run =
				placed(&runs->v[i],
				       main_first + (runs->v[i].first - block->first),
				       &windows[w]);

			if (run.n)
				status = ws_run_add(main->target, to, &run);
		}
	}
	return status;
}

static enum ws_status runs_place(const struct main_memory *main)
{
	struct ws_page_runs placed = { 0 };
	uint64_t first = 0;
	enum ws_status status = WS_OK;

	for (unsigned i = 0; i < main->nblocks && !status; i++) {
		status = block_place(main, main->blocks[i], first, &placed);
		first += main->blocks[i]->len / WS_FRAME_SIZE;
	}
	ws_vec_release(&main->m->runs);
	main->m->runs = placed;
	return status ? status : ws_runs_settle(main->target, &main->m->runs);
}

/* ---- what there is not ------------------------------------------------------------- */

struct tally {
	uint64_t lost, missing;
};

static enum ws_status window_add(const struct main_memory *main,
				 const struct window *window, struct tally *tally)
{
	const struct ws_page_runs *runs = &main->m->runs;
	struct ws_target *target = main->target;
	uint64_t at = window->pa, end = window->pa + window->n, from;
	size_t i = ws_run_after(runs, at);
	enum ws_status status = WS_OK;

	while (at < end && !status) {
		from = i < runs->n && runs->v[i].first < end ? runs->v[i].first : end;
		tally->missing += from - at;
		if (!main->m->ended)
			ws_target_cut(target, at * WS_FRAME_SIZE,
				      (from - at) * WS_FRAME_SIZE);
		at = from;
		for (; i < runs->n && runs->v[i].first == at &&
		       runs->v[i].kind != WS_RUN_LOST;
		     i++)
			at += runs->v[i].n;
		status = ws_target_add_memory(target, from * WS_FRAME_SIZE,
					      (at - from) * WS_FRAME_SIZE,
					      target->memory.n);
		for (; i < runs->n && runs->v[i].first == at &&
		       runs->v[i].kind == WS_RUN_LOST;
		     i++) {
			at += runs->v[i].n;
			tally->lost += runs->v[i].n;
		}
	}
	return status;
}

static enum ws_status tally_notes(const struct main_memory *main,
				  const struct tally *tally)
{
	struct ws_target *target = main->target;
	enum ws_status status = WS_OK;

	if (tally->lost)
		status = ws_target_add_note(
			target,
			"%s were written as differences to what was there before "
			"(capability xbzrle): what lay in them is unknown",
			WS_COUNT_OF(tally->lost, "page"));
	if (!status && tally->missing && main->m->ended)
		status = ws_target_add_note(
			target,
			"%s of main memory are not in the stream, since QEMU was told not "
			"to write them: what lay in them is unknown",
			WS_COUNT_OF(tally->missing, "page"));
	return status;
}

/* Memory of displays, firmware and cards, which is no one's to look for tables in. */
static bool is_of_device(const char *name)
{
	static const char *const parts[] = { "rom", "bios", "vram", "flash" };

	for (size_t i = 0; i < WS_ARRAY_SIZE(parts); i++)
		if (strstr(name, parts[i]))
			return true;
	return false;
}

/* Memory that was plugged in lies where the machine's own state says, in no known form. */
static enum ws_status others_note(const struct main_memory *main)
{
	const struct ws_ram_block *first = NULL;
	size_t n = 0;

	ws_vec_each(&main->m->blocks, block) {
		bool known = is_of_device(block->name);

		for (unsigned i = 0; i < main->nblocks && !known; i++)
			known = main->blocks[i] == block;
		if (known)
			continue;
		if (!n++)
			first = block;
	}
	if (!n)
		return WS_OK;
	ws_target_reaches(main->target, WS_PHYSICAL_END);
	return ws_target_add_note(
		main->target,
		"where %s of memory besides main memory lies is not in the stream: left "
		"out, the first is %s (%#jx bytes)",
		WS_COUNT_OF(n, "block"), first->name, first->len);
}

enum ws_status ws_migration_place(struct ws_target *target, struct ws_migration *m)
{
	struct main_memory main = { .target = target, .m = m };
	struct window windows[WINDOWS];
	struct tally tally = { 0 };
	enum ws_status status;
	unsigned n;

	if ((status = main_find(&main)) || (status = runs_place(&main)))
		return status;
	n = windows_make(&main, windows);
	for (unsigned i = 0; i < n && !status; i++) {
		status = window_add(&main, &windows[i], &tally);
		if (windows[i].n)
			ws_target_reaches(target,
					  (windows[i].pa + windows[i].n) * WS_FRAME_SIZE);
	}
	if (status || (status = tally_notes(&main, &tally)))
		return status;
	return others_note(&main);
}
