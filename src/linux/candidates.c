/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A first root where no register and no note leads to one: the only CR3 may be that of
 * a process whose kernel half is gone, or the dump may lack its frame.
 *
 * Where the direct map lies is shown by memory alone. The kernel is full of empty lists,
 * whose heads lead to themselves; so the difference between what such a word holds and
 * where it lies is the direct map's, and no chance gives the same difference again and again:
 *
 *	pa 0x4858c60:	ffff8bca04858c60	PAGE_OFFSET = ffff8bca00000000
 *
 * One pass counts these, and puts down the tables that have the shape of a root. The
 * first that then maps itself at its place is taken: whose it is does not matter, for all
 * that is asked of it is to know others by, and the kernel's own is looked for next.
 *
 * Where the dump lacks the tables of the direct map, no root can be seen to map itself.
 * Where the kernel's image has one of its own, that can be seen.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/census.h"
#include "linux/layout.h"
#include "linux/roots.h"
#include "util/cleanup.h"

/* Fewer words may lead to themselves by chance; and more than half must agree. */
#define SELF_POINTERS_MIN 16

/* So many shapes a worker keeps: any that holds together will do. */
#define SHAPES_MAX (1u << 14)

/* At most so many tables are read to see an image. */
#define IMAGE_BUDGET (1u << 14)
/* The text and read-only data of the smallest kernel are more than this. */
#define IMAGE_MIN (UINT64_C(1) << 20)

struct worker {
	struct ws_ballot ballot[WS_BALLOTS];
	uint64_t votes;
	ws_pa_vec shapes;
	bool short_of_memory;
	uint32_t encrypted[64]; /* tables that would have the shape without that bit */
};

struct pass {
	const struct ws_format *format;
	const struct ws_linux_layout *row;
	struct ws_root_shape shape; /* of a group; size 0: a root is a table */
	uint64_t anchor, place; /* of the anchor's entry in a table, and of its frame */
	uint64_t memory_end;
	uint64_t page_bits; /* which no entry has that leads to a table */
	uint64_t encryption_bits;
	uint64_t tried; /* a bit that all entries are to have; 0: none */
	struct worker worker[WS_SCAN_WORKERS];
};

/* ---- what a frame shows ----------------------------------------------------------- */

static void count_self_pointers(const struct pass *pass, struct worker *worker,
				uint64_t pa, const uint8_t *frame)
{
	unsigned word = pass->row->word;

	for (unsigned at = 0; at < WS_FRAME_SIZE; at += word) {
		uint64_t value = ws_le_word(frame + at, word);
		uint64_t delta = value - (pa + at);

		if (!ws_may_be_delta(pass->row, delta))
			continue;
		worker->votes++;
		ws_vote(worker->ballot, delta, 1);
	}
}

/* What Linux puts into a top-level table: nothing, a table, a large page too (i386). */
static bool may_be_top_entry(const struct pass *pass, uint64_t entry, uint64_t without)
{
	const struct ws_row *row = ws_row_of(&pass->format->level[0], entry);

	if (!row)
		return !entry;
	return row->kind == WS_ROW_LEAF ||
	       (!(entry & pass->page_bits) &&
		(ws_row_address(row, entry) & ~without) < pass->memory_end);
}

/*
 * The anchor's entry is there in all: of a table of several frames the one with it is
 * looked at. Where the kernel has a root of its own (NO_KERNEL), any entry will do.
 */
static bool may_be_top_table(const struct pass *pass, uint64_t pa, const uint8_t *frame,
			     uint64_t without)
{
	uint8_t log2 = pass->format->entry_log2;

	if (!ws_is_present(pass->format, ws_load_entry(frame, pass->anchor, log2)) &&
	    (pass->row->root != WS_ROOT_NO_KERNEL || ws_is_one_byte(frame)))
		return false;
	if (pa < pass->place || (pa - pass->place) & ~pass->format->root_mask)
		return false;
	for (unsigned at = 0; at < WS_FRAME_SIZE; at += 1u << log2)
		if (!may_be_top_entry(pass, ws_load_entry(frame, at, log2), without))
			return false;
	return true;
}

static void keep_shape(struct worker *worker, uint64_t pa)
{
	uint64_t *kept;

	if (worker->shapes.n == SHAPES_MAX)
		return;
	kept = ws_vec_push(&worker->shapes);
	if (kept)
		*kept = pa;
	else
		worker->short_of_memory = true;
}

static bool is_as_tried(const struct pass *pass, const uint8_t *frame)
{
	return !pass->tried || ws_encryption_of(pass->format, frame, pass->tried);
}

/* Of what has no shape as it is, and one without a bit that all its entries have. */
static void count_encrypted(const struct pass *pass, struct worker *worker, uint64_t pa,
			    const uint8_t *frame)
{
	uint64_t bit = ws_encryption_of(pass->format, frame, pass->encryption_bits);
	unsigned number = 0;

	if (!bit || !may_be_top_table(pass, pa, frame, bit))
		return;
	while (bit >> number > 1)
		number++;
	worker->encrypted[number]++;
}

/*
 * In a leaf table that maps frames one after the other four entries can look like a group: by
 * PAE's they led to a root's own tables, which were allocated in a row. There the run goes
 * on at both ends.
 */
static bool is_in_run(const struct pass *pass, const uint8_t *frame, unsigned at)
{
	unsigned log2 = pass->shape.entry_log2, entry = 1u << log2;
	unsigned end = at + pass->shape.size;

	at -= at ? entry : 0;
	end += end < WS_FRAME_SIZE ? entry : 0;
	for (; at + entry < end; at += entry)
		if (ws_load_entry(frame, at + entry, log2) -
			    ws_load_entry(frame, at, log2) !=
		    WS_FRAME_SIZE)
			return false;
	return true;
}

static void find_groups(const struct pass *pass, struct worker *worker, uint64_t pa,
			const uint8_t *frame)
{
	uint64_t table;

	for (unsigned at = 0; at < WS_FRAME_SIZE; at += pass->shape.size)
		if (ws_may_be_group(&pass->shape, frame + at) &&
		    ws_is_group(&pass->shape, frame + at, &table) &&
		    !is_in_run(pass, frame, at))
			keep_shape(worker, pa + at);
}

static void look_at_chunk(void *arg, unsigned number, uint64_t pa, const uint8_t *data,
			  size_t len)
{
	struct pass *pass = arg;
	struct worker *worker = &pass->worker[number];

	for (; len; len -= WS_FRAME_SIZE, data += WS_FRAME_SIZE, pa += WS_FRAME_SIZE) {
		count_self_pointers(pass, worker, pa, data);
		if (pass->row->root == WS_ROOT_LEADS_TO_IT)
			find_groups(pass, worker, pa, data);
		else if (may_be_top_table(pass, pa, data, 0) && is_as_tried(pass, data))
			keep_shape(worker, pa - pass->place);
		else if (pass->encryption_bits)
			count_encrypted(pass, worker, pa, data);
	}
}

/* ---- the pass --------------------------------------------------------------------- */

static int by_pa(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static bool take_shapes(struct pass *pass, ws_pa_vec *shapes)
{
	bool taken = true;

	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		struct worker *worker = &pass->worker[i];

		taken = taken && !worker->short_of_memory;
		ws_vec_each(&worker->shapes, pa) {
			uint64_t *added = taken ? ws_vec_push(shapes) : NULL;

			taken = added;
			if (added)
				*added = *pa;
		}
		ws_vec_release(&worker->shapes);
	}
	if (shapes->n)
		qsort(shapes->v, shapes->n, sizeof(*shapes->v), by_pa);
	return taken;
}

/* Where the direct map lies by the words of all workers; 0: they do not show it. */
static void take_votes(struct ws_system *system, struct pass *pass)
{
	struct ws_ballot all[WS_BALLOTS] = { 0 }, *most = all;
	uint64_t votes = 0;

	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		votes += pass->worker[i].votes;
		for (unsigned b = 0; b < WS_BALLOTS; b++)
			if (pass->worker[i].ballot[b].bytes)
				ws_vote(all, pass->worker[i].ballot[b].delta,
					pass->worker[i].ballot[b].bytes);
	}
	for (unsigned b = 1; b < WS_BALLOTS; b++)
		if (all[b].bytes > most->bytes)
			most = &all[b];
	if (most->bytes < SELF_POINTERS_MIN || most->bytes * 2 <= votes)
		return;
	system->self_pointers = most->bytes;
	system->likely_offset = most->delta;
}

/* The bit of more than half of them: ws_encryption_take() says whether it is one. */
static void take_encrypted(struct ws_system *system, const struct pass *pass)
{
	uint64_t all = 0, most = 0;

	system->likely_bit = 0;
	for (unsigned number = 0; number < 64; number++) {
		uint64_t n = 0;

		for (unsigned i = 0; i < WS_SCAN_WORKERS; i++)
			n += pass->worker[i].encrypted[number];
		all += n;
		if (n > most)
			system->likely_bit = WS_BIT(number);
		most = n > most ? n : most;
	}
	if (most * 2 <= all)
		system->likely_bit = 0;
}

static enum ws_status run_pass(struct ws_system *system, ws_pa_vec *shapes)
{
	ws_autofree struct pass *pass = calloc(1, sizeof(*pass));
	enum ws_status status;
	bool taken;

	if (!pass)
		return ws_fail_memory(system->ctx);
	pass->format = system->paging.format;
	pass->row = ws_linux_layout_of(pass->format);
	pass->memory_end = system->target->memory_end;
	pass->page_bits = ws_arch_of(pass->format)->page_bits;
	pass->encryption_bits = ws_encryption_bits(system);
	pass->tried = system->inferred.bit;
	pass->shape = ws_root_shape(pass->format, pass->memory_end);
	pass->anchor = ws_level_index(&pass->format->level[0], pass->row->anchor)
		       << pass->format->entry_log2;
	pass->place = pass->anchor & -(uint64_t)WS_FRAME_SIZE;
	status = ws_target_scan(system->target, "looking for page tables", look_at_chunk,
				pass);
	taken = take_shapes(pass, shapes);
	take_votes(system, pass);
	take_encrypted(system, pass);
	system->shapes = shapes->n;
	return taken ? status : ws_fail_memory(system->ctx);
}

/* ---- which of them holds together ------------------------------------------------- */

struct peeker {
	struct ws_target *target;
	uint8_t scratch[WS_FRAME_SIZE];
};

/* So many are looked at that their frames are not kept. */
static enum ws_evidence peek_frame(void *opaque, uint64_t pa, const uint8_t **frame)
{
	struct peeker *peeker = opaque;

	return ws_target_peek(peeker->target, pa, peeker->scratch, frame);
}

/* The first whose walk to itself ends so; or none. */
static bool first_that_ends(struct ws_system *system, const ws_pa_vec *shapes,
			    enum ws_end end, size_t *at)
{
	struct peeker peeker = { .target = system->target };
	struct ws_paging paging = system->paging;

	paging.frame = peek_frame;
	paging.opaque = &peeker;
	for (; *at < shapes->n; ++*at)
		if (ws_maps_itself(&paging, shapes->v[*at], system->likely_offset) == end)
			return true;
	return false;
}

static size_t count_that_map_themselves(struct ws_system *system, const ws_pa_vec *shapes)
{
	size_t n = 0;

	for (size_t at = 0; first_that_ends(system, shapes, WS_END_PAGE, &at); at++)
		n++;
	return n;
}

static bool is_at_image(struct ws_system *system, uint64_t root, uint64_t *budget)
{
	const struct ws_linux_layout *row = ws_linux_row(system);
	struct ws_census census = { .first = row->image_first,
				    .last = row->image_last,
				    .budget = *budget };
	enum ws_status status = ws_census_take(system, root, &census);

	*budget = census.budget;
	return status == WS_OK && census.ballot[0].bytes >= IMAGE_MIN;
}

/* The first that maps an image, of those whose walk to itself ends so. */
static bool first_with_image(struct ws_system *system, const ws_pa_vec *shapes,
			     enum ws_end end, size_t *at)
{
	uint64_t budget = IMAGE_BUDGET;

	if (!ws_linux_row(system)->image_last)
		return false;
	for (; budget && first_that_ends(system, shapes, end, at); ++*at)
		if (is_at_image(system, shapes->v[*at], &budget))
			return true;
	return false;
}

static bool first_that_maps_itself(struct ws_system *system, const ws_pa_vec *shapes,
				   size_t *at)
{
	if (ws_linux_row(system)->root_maps_image &&
	    first_with_image(system, shapes, WS_END_PAGE, at))
		return true;
	*at = 0;
	return first_that_ends(system, shapes, WS_END_PAGE, at);
}

static enum ws_status take_first(struct ws_system *system, const ws_pa_vec *shapes)
{
	bool whole, found;
	size_t at = 0;

	if (!system->self_pointers)
		return WS_ERR_NOT_FOUND;
	found = whole = first_that_maps_itself(system, shapes, &at);
	if (!whole) {
		at = 0;
		found = first_with_image(system, shapes, WS_END_ABSENT, &at);
	}
	if (!found)
		return WS_ERR_NOT_FOUND;
	ws_layout_adopt(system, shapes->v[at], system->likely_offset);
	system->layout_by_image = !whole;
	return WS_OK;
}

static enum ws_status search_shapes(struct ws_system *system)
{
	ws_pa_vec shapes = { 0 };
	enum ws_status status = run_pass(system, &shapes);
	uint8_t *recorder = ws_search_begin(system);

	if (status == WS_OK)
		status = take_first(system, &shapes);
	ws_search_end(system, recorder);
	ws_vec_release(&shapes);
	return status;
}

/* The same of tables whose entries all have that bit; else there is none again. */
static enum ws_status search_encrypted(struct ws_system *system, uint64_t bit)
{
	const struct ws_layout before = system->layout;
	uint8_t *recorder = ws_search_begin(system);
	enum ws_status status;
	bool taken = false;

	ws_encryption_try(system, bit);
	status = search_shapes(system);
	if (status == WS_OK)
		status = ws_encryption_take(system, system->layout.reference, &taken);
	ws_search_end(system, recorder);
	if (taken)
		return WS_OK;
	system->layout = before;
	ws_encryption_try(system, 0);
	return status == WS_OK ? WS_ERR_NOT_FOUND : status;
}

/*
 * Where tables hold together as they are, and others do without a bit that all have, one kind
 * is another kernel's, and nothing shows which.
 */
static enum ws_status refuse_encrypted(struct ws_system *system)
{
	ws_encryption_try(system, 0);
	system->two_kinds = true;
	return WS_ERR_NOT_FOUND;
}

enum ws_status ws_search_layout(struct ws_system *system)
{
	enum ws_status plain, status;
	uint64_t bit;

	if (!system->format || system->target->has_root)
		return WS_ERR_NOT_FOUND;
	plain = search_shapes(system);
	bit = system->likely_bit;
	if (!bit || (plain != WS_OK && plain != WS_ERR_NOT_FOUND))
		return plain;
	status = search_encrypted(system, bit);
	if (plain != WS_OK)
		return status;
	if (status == WS_OK)
		return refuse_encrypted(system);
	return status == WS_ERR_NOT_FOUND ? search_shapes(system) : status;
}

static enum ws_status count_roots(struct ws_system *system, size_t *n)
{
	ws_pa_vec shapes = { 0 };
	enum ws_status status = run_pass(system, &shapes);
	uint8_t *recorder = ws_search_begin(system);

	*n = 0;
	if (status == WS_OK && system->self_pointers)
		*n = count_that_map_themselves(system, &shapes);
	ws_search_end(system, recorder);
	system->self_pointers = system->likely_offset = 0;
	ws_vec_release(&shapes);
	return status;
}

enum ws_status ws_search_roots(struct ws_system *system, size_t *n)
{
	enum ws_status status = count_roots(system, n);

	if (status != WS_OK || *n || !system->likely_bit)
		return status;
	ws_encryption_try(system, system->likely_bit);
	status = count_roots(system, n);
	ws_encryption_try(system, 0);
	return status;
}

/* ---- what a capture needs of it --------------------------------------------------- */

/* A few times as many words as are asked for, since others may disagree. */
#define SELF_POINTERS_KEPT (8 * SELF_POINTERS_MIN)

static unsigned agreeing_words(const struct ws_system *system, uint64_t pa,
			       const uint8_t *frame)
{
	unsigned word = ws_linux_row(system)->word, n = 0;

	for (unsigned at = 0; at < WS_FRAME_SIZE; at += word) {
		uint64_t value = ws_le_word(frame + at, word);
		uint64_t expected = pa + at + system->likely_offset;

		n += value == (word == 8 ? expected : (uint32_t)expected);
	}
	return n;
}

void ws_search_tour(struct ws_system *system)
{
	uint64_t missing = system->self_pointers ? SELF_POINTERS_KEPT : 0;
	uint8_t scratch[WS_FRAME_SIZE];
	const uint8_t *frame;

	ws_vec_each(&system->target->memory, piece) {
		uint64_t first = piece->at.pa & -(uint64_t)WS_FRAME_SIZE;
		uint64_t size = piece->at.len + (piece->at.pa - first);

		for (uint64_t at = 0; at < size && missing; at += WS_FRAME_SIZE) {
			uint64_t n, pa = first + at;

			if (ws_target_peek(system->target, pa, scratch, &frame) !=
			    WS_READ)
				continue;
			n = agreeing_words(system, pa, frame);
			if (n && ws_target_frame(system->target, pa, &frame) == WS_READ)
				missing -= n < missing ? n : missing;
		}
	}
}

void ws_layout_note(struct ws_system *system)
{
	ws_note(system,
		"no register and no note leads to a usable kernel page table: of the tables "
		"in memory that look like one, that at %#jx %s; %#jx is PAGE_OFFSET by the "
		"words in memory that point to themselves",
		system->layout.reference,
		system->layout_by_image ? "maps a kernel image, but the dump lacks "
					  "tables of its direct map"
					: "is used",
		system->layout.page_offset);
}
