/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One pass over all memory for all that has to be searched for. It runs as fast as memory
 * can be read: names are looked for four bytes at a time in loops that compilers turn
 * into vectors, roots by a few entries of each frame.
 */
#include <stdlib.h>
#include <string.h>

#include "linux/linux.h"
#include "linux/roots.h"
#include "util/cleanup.h"

#define COMM_LEN 16 /* TASK_COMM_LEN, include/linux/sched.h */

/*
 * So many finds of a kind a worker may keep: far more than any real memory has, and
 * little enough to hold when a hostile one consists of nothing else.
 */
#define FINDS_MAX (1u << 20)

/* What has a group's shape, and where its kernel entry leads. */
struct group {
	uint64_t pa, table;
};

typedef WS_VEC(struct group) group_vec;

struct worker {
	ws_pa_vec names, texts, tables;
	group_vec groups;
	bool overflow, short_of_memory;
};

struct pass {
	struct worker worker[WS_SCAN_WORKERS];
	bool words;                         /* look for names and texts */
	const struct ws_likeness *likeness; /* look for roots; or NULL */
	const ws_pa_vec *tables; /* only for groups that lead to one of these; or NULL */
	bool overflow;           /* some worker could not keep all */
};

#define KEEP(worker, vec, ...)                                                      \
	do {                                                                        \
		__auto_type kept_ = (vec)->n < FINDS_MAX ? ws_vec_push(vec) : NULL; \
		if (kept_)                                                          \
			*kept_ = __VA_ARGS__;                                       \
		else if ((vec)->n < FINDS_MAX)                                      \
			(worker)->short_of_memory = true;                           \
		else                                                                \
			(worker)->overflow = true;                                  \
	} while (0)

/* ---- words ------------------------------------------------------------------------ */

/*
 * What is looked for by its first four bytes, wherever they are aligned. Of init_task's
 * comm, which is "swapper" or with SMP "swapper/0" (init_idle(), kernel/sched/core.c),
 * all sixteen bytes are known. VMCOREINFO begins a page since 4.13 (203e9e41219b);
 * before, it was a static array.
 */
static const char idle_names[][COMM_LEN] = { "swapper", "swapper/0" };
static const char text_beginning[] = "OSRELEASE=";

/* A user's memory can be full of either; init_task and VMCOREINFO are there once. */
#define WORDS_PER_FRAME 4

/* Whether the bytes at data, of which there may be fewer than needed, can be word. */
static bool may_be(const uint8_t *data, size_t left, const char *word, size_t size)
{
	return !memcmp(data, word, left < size ? left : size);
}

static bool keep_word(struct worker *worker, uint64_t pa, const uint8_t *data,
		      size_t left)
{
	if (may_be(data, left, idle_names[0], COMM_LEN) ||
	    may_be(data, left, idle_names[1], COMM_LEN))
		KEEP(worker, &worker->names, pa);
	else if (may_be(data, left, text_beginning, sizeof(text_beginning) - 1))
		KEEP(worker, &worker->texts, pa);
	else
		return false;
	return true;
}

#define WORD_STRIDE 256

/*
 * left: how many bytes there are from the frame's beginning on; a word may go beyond it.
 */
static void find_words(struct worker *worker, uint64_t pa, const uint8_t *frame,
		       size_t left)
{
	const uint32_t idle = ws_le32(idle_names[0]), text = ws_le32(text_beginning);
	unsigned found = 0;

	for (unsigned at = 0; at < WS_FRAME_SIZE; at += WORD_STRIDE) {
		uint32_t any = 0;

		for (unsigned i = at; i < at + WORD_STRIDE; i += 4) {
			any |= ws_le32(frame + i) == idle;
			any |= ws_le32(frame + i) == text;
		}
		for (unsigned i = at; any && i < at + WORD_STRIDE; i += 4)
			if (found < WORDS_PER_FRAME)
				found += keep_word(worker, pa + i, frame + i, left - i);
	}
}

/* ---- roots ------------------------------------------------------------------------ */

static int by_pa(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static bool has_pa(const ws_pa_vec *sorted, uint64_t pa)
{
	return sorted->n && bsearch(&pa, sorted->v, sorted->n, sizeof(*sorted->v), by_pa);
}

static void find_groups(const struct pass *pass, struct worker *worker, uint64_t pa,
			const uint8_t *frame)
{
	const struct ws_root_shape *shape = &pass->likeness->shape;
	uint64_t table;

	for (unsigned at = 0; at < WS_FRAME_SIZE; at += shape->size)
		if (ws_may_be_group(shape, frame + at) &&
		    ws_is_group(shape, frame + at, &table) &&
		    (!pass->tables || has_pa(pass->tables, table)))
			KEEP(worker, &worker->groups, (struct group){ pa + at, table });
}

/* Roots without a kernel half: whatever may be one, until it is known what mms lead to. */
static void find_shapes(const struct pass *pass, struct worker *worker, uint64_t pa,
			const uint8_t *frame)
{
	const struct ws_root_shape *shape = &pass->likeness->shape;

	for (unsigned at = 0; at < WS_FRAME_SIZE; at += shape->size)
		if (ws_is_table_of_tables(shape, frame + at))
			KEEP(worker, &worker->tables, pa + at);
}

static void find_tables(const struct pass *pass, struct worker *worker, uint64_t pa,
			const uint8_t *frame)
{
	uint64_t root;

	if (ws_is_like(pass->likeness, frame) &&
	    ws_root_of_frame(pass->likeness, pa, &root))
		KEEP(worker, &worker->tables, root);
}

static void find_roots(const struct pass *pass, struct worker *worker, uint64_t pa,
		       const uint8_t *frame)
{
	if (pass->likeness->kind == WS_ROOT_NO_KERNEL) {
		find_shapes(pass, worker, pa, frame);
		return;
	}
	if (!pass->tables)
		find_tables(pass, worker, pa, frame);
	if (pass->likeness->kind == WS_ROOT_LEADS_TO_IT)
		find_groups(pass, worker, pa, frame);
}

static void look_at_chunk(void *arg, unsigned number, uint64_t pa, const uint8_t *data,
			  size_t len)
{
	struct pass *pass = arg;
	struct worker *worker = &pass->worker[number];

	for (; len; len -= WS_FRAME_SIZE, data += WS_FRAME_SIZE, pa += WS_FRAME_SIZE) {
		if (pass->words)
			find_words(worker, pa, data, len);
		if (pass->likeness)
			find_roots(pass, worker, pa, data);
	}
}

/* ---- putting the workers' finds together ------------------------------------------ */

static bool append(ws_pa_vec *to, const ws_pa_vec *from)
{
	ws_vec_each(from, pa) {
		uint64_t *added = ws_vec_push(to);

		if (!added)
			return false;
		*added = *pa;
	}
	return true;
}

static void sort(ws_pa_vec *pas)
{
	if (pas->n)
		qsort(pas->v, pas->n, sizeof(*pas->v), by_pa);
}

static bool merge_words(const struct pass *pass, struct ws_finds *finds)
{
	bool merged = true;

	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		const struct worker *worker = &pass->worker[i];

		merged = merged && append(&finds->idle_names, &worker->names) &&
			 append(&finds->vmcoreinfo, &worker->texts);
	}
	sort(&finds->idle_names);
	sort(&finds->vmcoreinfo);
	finds->words_done = true;
	return merged;
}

static bool merge_tables(const struct pass *pass, ws_pa_vec *tables)
{
	bool merged = true;

	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++)
		merged = merged && append(tables, &pass->worker[i].tables);
	sort(tables);
	return merged;
}

/* A group is a root if it leads to a table that looks like the kernel's. */
static bool merge_groups(const struct pass *pass, const ws_pa_vec *tables,
			 ws_pa_vec *roots)
{
	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++)
		ws_vec_each(&pass->worker[i].groups, group) {
			uint64_t *added = NULL;

			if (!has_pa(tables, group->table))
				continue;
			added = ws_vec_push(roots);
			if (!added)
				return false;
			*added = group->pa;
		}
	sort(roots);
	return true;
}

/* ---- the pass --------------------------------------------------------------------- */

static void pass_release(struct pass *pass)
{
	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		ws_vec_release(&pass->worker[i].names);
		ws_vec_release(&pass->worker[i].texts);
		ws_vec_release(&pass->worker[i].tables);
		ws_vec_release(&pass->worker[i].groups);
	}
}

static void note_damage(struct ws_system *system)
{
	const struct ws_target *target = system->target;

	if (target->ndamaged)
		ws_note(system, "%ju of %ju frames %s: what lay there was not looked at",
			target->ndamaged, target->nframes,
			ws_target_is_unpacked(target)
				? "are damaged in this dump and cannot be unpacked"
				: "could not be read");
}

static enum ws_status pass_run(struct ws_system *system, struct pass *pass)
{
	enum ws_status status = ws_target_scan(system->target, "looking through memory",
					       look_at_chunk, pass);
	bool short_of_memory = false;

	note_damage(system);
	pass->overflow = false;
	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		short_of_memory = short_of_memory || pass->worker[i].short_of_memory;
		pass->overflow = pass->overflow || pass->worker[i].overflow;
	}
	return short_of_memory ? ws_fail_memory(system->ctx) : status;
}

static void note_overflow(struct ws_system *system)
{
	ws_note(system,
		"memory holds over a million things that look like roots or names: "
		"some were passed over");
}

/*
 * Whatever has a group's shape was kept until it is known which tables count. Where there
 * was more of it than can be kept, memory must be gone through again, with that known.
 */
static enum ws_status find_groups_again(struct ws_system *system,
					const struct pass *first, const ws_pa_vec *tables)
{
	struct pass pass = { .likeness = first->likeness, .tables = tables };
	enum ws_status status = pass_run(system, &pass);

	if (status == WS_OK && !merge_groups(&pass, tables, &system->roots))
		status = ws_fail_memory(system->ctx);
	if (pass.overflow)
		note_overflow(system);
	pass_release(&pass);
	return status;
}

static enum ws_status take_roots(struct ws_system *system, const struct pass *pass)
{
	ws_pa_vec tables = { 0 };
	enum ws_status status = WS_OK;
	bool merged = merge_tables(pass, &tables);

	if (merged && pass->likeness->kind != WS_ROOT_LEADS_TO_IT)
		merged = append(&system->roots, &tables);
	else if (merged && pass->overflow)
		status = find_groups_again(system, pass, &tables);
	else if (merged)
		merged = merge_groups(pass, &tables, &system->roots);
	ws_vec_release(&tables);
	return merged ? status : ws_fail_memory(system->ctx);
}

enum ws_status ws_find_scan(struct ws_system *system)
{
	ws_autofree struct ws_likeness *likeness = calloc(1, sizeof(*likeness));
	struct pass pass = { .words = !system->finds.words_done };
	enum ws_status status;

	if (!likeness)
		return ws_fail_memory(system->ctx);
	if (system->layout.word && ws_likeness_take(system, likeness))
		pass.likeness = likeness;
	status = pass_run(system, &pass);
	if (pass.overflow && !(pass.likeness && likeness->kind == WS_ROOT_LEADS_TO_IT))
		note_overflow(system);
	if (status == WS_OK && pass.words && !merge_words(&pass, &system->finds))
		status = ws_fail_memory(system->ctx);
	if (status == WS_OK && pass.likeness)
		status = take_roots(system, &pass);
	pass_release(&pass);
	return status;
}
