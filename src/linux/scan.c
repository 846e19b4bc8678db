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
#define PDPT_SIZE 32

/*
 * So many finds of a kind a worker may keep: far more than any real memory has, and
 * little enough to hold when a hostile one consists of nothing else.
 */
#define FINDS_MAX (1u << 20)

/* PAE: what has a PDPT's shape, and where its kernel PDPTE leads. */
struct pdpt {
	uint64_t pa, table;
};

typedef WS_VEC(struct pdpt) pdpt_vec;

struct worker {
	ws_pa_vec names, texts, tables;
	pdpt_vec pdpts;
	bool overflow, short_of_memory;
};

struct pass {
	struct worker worker[WS_SCAN_WORKERS];
	bool names;                         /* look for names and texts */
	const struct ws_likeness *likeness; /* look for roots; or NULL */
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

/* ---- names ------------------------------------------------------------------------ */

/*
 * init_task's comm: "swapper", or with SMP "swapper/0" (init_idle(),
 * kernel/sched/core.c), and nothing behind it.
 */
static bool is_idle_name(const uint8_t *comm)
{
	static const char names[][COMM_LEN] = { "swapper", "swapper/0" };

	return !memcmp(comm, names[0], COMM_LEN) || !memcmp(comm, names[1], COMM_LEN);
}

#define NAME_STRIDE 256

/* comm is at least word-aligned in task_struct, so four bytes at a time are enough. */
static void find_names(struct worker *worker, uint64_t pa, const uint8_t *frame)
{
	const uint32_t key = ws_le32("swap");

	for (unsigned at = 0; at < WS_FRAME_SIZE; at += NAME_STRIDE) {
		uint32_t any = 0;

		for (unsigned i = 0; i < NAME_STRIDE; i += 4)
			any |= ws_le32(frame + at + i) == key;
		for (unsigned i = 0; any && i < NAME_STRIDE; i += 4)
			if (at + i + COMM_LEN <= WS_FRAME_SIZE &&
			    is_idle_name(frame + at + i))
				KEEP(worker, &worker->names, pa + at + i);
	}
}

static void find_text(struct worker *worker, uint64_t pa, const uint8_t *frame)
{
	static const char beginning[] = "OSRELEASE=";

	if (!memcmp(frame, beginning, sizeof(beginning) - 1))
		KEEP(worker, &worker->texts, pa);
}

/* ---- roots ------------------------------------------------------------------------ */

static void find_pdpts(const struct ws_likeness *likeness, struct worker *worker,
		       uint64_t pa, const uint8_t *frame)
{
	uint64_t table;

	for (unsigned at = 0; at < WS_FRAME_SIZE; at += PDPT_SIZE)
		if (ws_is_pdpt(likeness, frame + at, &table))
			KEEP(worker, &worker->pdpts, (struct pdpt){ pa + at, table });
}

static void look_at_chunk(void *arg, unsigned number, uint64_t pa, const uint8_t *data,
			  size_t len)
{
	struct pass *pass = arg;
	struct worker *worker = &pass->worker[number];
	const struct ws_likeness *likeness = pass->likeness;

	for (const uint8_t *end = data + len; data < end;
	     data += WS_FRAME_SIZE, pa += WS_FRAME_SIZE) {
		if (pass->names) {
			find_names(worker, pa, data);
			find_text(worker, pa, data);
		}
		if (likeness && ws_is_like(likeness, data))
			KEEP(worker, &worker->tables, pa);
		if (likeness && likeness->by_pdpt)
			find_pdpts(likeness, worker, pa, data);
	}
}

/* ---- putting the workers' finds together ------------------------------------------ */

static int by_pa(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

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

/* A PDPT is a root if it leads to a table that looks like the kernel's. */
static bool append_pdpts(ws_pa_vec *roots, const ws_pa_vec *tables, const pdpt_vec *pdpts)
{
	ws_vec_each(pdpts, pdpt) {
		uint64_t *added;

		if (!tables->n || !bsearch(&pdpt->table, tables->v, tables->n,
					   sizeof(*tables->v), by_pa))
			continue;
		added = ws_vec_push(roots);
		if (!added)
			return false;
		*added = pdpt->pa;
	}
	return true;
}

static bool merge_roots(const struct pass *pass, ws_pa_vec *roots)
{
	ws_pa_vec tables = { 0 };
	bool merged = true;

	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++)
		merged = merged && append(&tables, &pass->worker[i].tables);
	sort(&tables);
	if (!pass->likeness->by_pdpt)
		merged = merged && append(roots, &tables);
	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++)
		merged = merged && append_pdpts(roots, &tables, &pass->worker[i].pdpts);
	sort(roots);
	ws_vec_release(&tables);
	return merged;
}

static bool merge_names(const struct pass *pass, struct ws_finds *finds)
{
	bool merged = true;

	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		const struct worker *worker = &pass->worker[i];

		merged = merged && append(&finds->idle_names, &worker->names) &&
			 append(&finds->vmcoreinfo, &worker->texts);
	}
	sort(&finds->idle_names);
	sort(&finds->vmcoreinfo);
	finds->names_done = true;
	return merged;
}

static enum ws_status merge(struct ws_system *system, const struct pass *pass)
{
	bool merged = true, overflow = false;

	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		merged = merged && !pass->worker[i].short_of_memory;
		overflow = overflow || pass->worker[i].overflow;
	}
	if (pass->names)
		merged = merged && merge_names(pass, &system->finds);
	if (pass->likeness)
		merged = merged && merge_roots(pass, &system->roots);
	if (overflow)
		ws_note(system, "memory holds over a million things that look like roots "
				"or names: some were passed over");
	return merged ? WS_OK : ws_fail_memory(system->ctx);
}

static void pass_release(struct pass *pass)
{
	for (unsigned i = 0; i < WS_SCAN_WORKERS; i++) {
		ws_vec_release(&pass->worker[i].names);
		ws_vec_release(&pass->worker[i].texts);
		ws_vec_release(&pass->worker[i].tables);
		ws_vec_release(&pass->worker[i].pdpts);
	}
}

enum ws_status ws_find_scan(struct ws_system *system)
{
	ws_autofree struct ws_likeness *likeness = calloc(1, sizeof(*likeness));
	struct pass pass = { .names = !system->finds.names_done };
	enum ws_status status;

	if (!likeness)
		return ws_fail_memory(system->ctx);
	if (system->layout.word && ws_likeness_take(system, likeness))
		pass.likeness = likeness;
	status = ws_target_scan(system->target, "looking through memory", look_at_chunk,
				&pass);
	if (status == WS_OK)
		status = merge(system, &pass);
	pass_release(&pass);
	return status;
}
