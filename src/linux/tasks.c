/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The task list. Its head is init_task, whose name is known, "swapper"; somewhere near
 * the name lies a list_head that links all thread-group leaders in a ring, each of them
 * at the same distance from a name of its own:
 *
 *	    init_task                pid 1                     the newest
 *	...[tasks]--next----->...[tasks]--next-->  ... -->...[tasks]--next--> init_task
 *	   "swapper/0"           "init"                   "sh"
 */
#include <stdlib.h>
#include <string.h>

#include "linux/tasks.h"
#include "util/count.h"

/* As many tasks as there can be, and as many again in lists that mislead. */
#define STEPS_MAX (4 * WS_PID_MAX)

struct ring {
	ws_pa_vec nodes; /* va of each list_head, init_task's first */
	int32_t offset;  /* from comm to the list_head */
	bool closed;     /* it came back to where it began */
};

struct ring_search {
	struct ws_system *system;
	uint64_t steps; /* how many are left */
	bool short_of_memory;
};

/* ---- one ring --------------------------------------------------------------------- */

static bool push_node(struct ring_search *s, struct ring *ring, uint64_t node)
{
	uint64_t *added = ws_target_push(s->system->target, &ring->nodes);

	if (added)
		*added = node;
	else
		s->short_of_memory = true;
	return added;
}

/* Goes from the head along next, or back along prev. True: the head was met again. */
static bool follow(struct ring_search *s, struct ring *ring, uint64_t head, bool back)
{
	uint64_t node = head;

	while (s->steps && ws_list_step(s->system, node, back, &node)) {
		s->steps--;
		if (node == head)
			return true;
		if (!push_node(s, ring, node))
			return false;
	}
	return false;
}

static void reverse(uint64_t *first, uint64_t *end)
{
	while (first < end) {
		uint64_t node = *first;

		*first++ = *--end;
		*end = node;
	}
}

/*
 * A list that was cut, as in a dump of a machine that kept running, has two ends. What is
 * reached from the far one comes last, and so the nodes are in the order of the list.
 */
static void follow_both(struct ring_search *s, struct ring *ring, uint64_t head)
{
	size_t near;

	ring->nodes.n = 0;
	if (!push_node(s, ring, head))
		return;
	ring->closed = follow(s, ring, head, false);
	near = ring->nodes.n;
	if (ring->closed)
		return;
	follow(s, ring, head, true);
	reverse(ring->nodes.v + near, ring->nodes.v + ring->nodes.n);
}

/* One of four must have a name that looks like one: kernel threads' do. */
static bool has_names(struct ws_system *system, const struct ring *ring)
{
	size_t names = 0;
	char comm[17];

	ws_vec_each(&ring->nodes, node)
		names += ws_read_name(system, *node - ring->offset, comm) &&
			 ws_is_name(comm);
	return names * 4 >= ring->nodes.n;
}

/* Whether next's name shows that head can be a task's list_head. */
static bool may_be_head(struct ws_system *system, uint64_t head, int32_t offset)
{
	uint64_t next;
	char comm[17];

	return ws_kernel_word(system, head, &next) == WS_READ && next != head &&
	       ws_is_kernel_va(system, next) &&
	       ws_read_name(system, next - offset, comm) && ws_is_name(comm);
}

/* ---- the best ring ---------------------------------------------------------------- */

static void try_name(struct ring_search *s, uint64_t comm_va, struct ring *best)
{
	int32_t word = (int32_t)s->system->layout.word;

	for (int32_t offset = -WS_TASK_REACH; offset < WS_TASK_REACH; offset += word) {
		struct ring ring = { .offset = offset };

		if (!may_be_head(s->system, comm_va + offset, offset))
			continue;
		follow_both(s, &ring, comm_va + offset);
		if (ring.nodes.n > 1 && ring.nodes.n > best->nodes.n &&
		    has_names(s->system, &ring)) {
			ws_vec_release(&best->nodes);
			*best = ring;
		} else {
			ws_vec_release(&ring.nodes);
		}
	}
}

static bool is_mapped_at(struct ws_system *system, uint64_t pa, uint64_t va)
{
	uint64_t mapped;

	return ws_kernel_translate(system, va, &mapped) == WS_READ && mapped == pa;
}

/* A user's memory can be full of such names; no more than that are looked at. */
#define NAMES_MAX 1024

/* The names that lie in the image, or those that do not, by their va there. */
static void try_names(struct ring_search *s, bool in_image, uint64_t delta,
		      struct ring *best)
{
	unsigned tried = 0;

	ws_vec_each(&s->system->finds.idle_names, pa) {
		if (ws_in_image(s->system, *pa + s->system->layout.image_delta) !=
			    in_image ||
		    !is_mapped_at(s->system, *pa, *pa + delta))
			continue;
		if (tried++ == NAMES_MAX)
			break;
		try_name(s, *pa + delta, best);
	}
}

/*
 * init_task lies in the image, and is linked by its address there. Where the image was
 * not found, or is mapped by the direct map only, that is the direct map's.
 */
static void find_ring(struct ring_search *s, struct ring *best)
{
	const struct ws_layout *layout = &s->system->layout;

	try_names(s, true, layout->image_delta, best);
	if (!best->nodes.n)
		try_names(s, false, layout->direct_delta, best);
}

#define QUICK_TRIES 8

/* On a machine that runs on a list holds for a moment: in a hurry, and again where it is cut. */
static void follow_quickly(struct ring_search *s, struct ring *ring, uint64_t head)
{
	unsigned tries = s->system->target->moving ? QUICK_TRIES : 1;

	do {
		if (s->system->target->moving)
			ws_system_forget(s->system);
		s->steps = STEPS_MAX;
		follow_both(s, ring, head);
	} while (!ring->closed && --tries);
}

/* Searches, keeps of all names that of init_task, and goes round the ring again. */
static void search_ring(struct ring_search *s, struct ring *best)
{
	ws_pa_vec *names = &s->system->finds.idle_names;
	uint8_t *recorder = ws_search_begin(s->system);
	uint64_t pa;

	find_ring(s, best);
	ws_search_end(s->system, recorder);
	if (!best->nodes.n)
		return;
	follow_quickly(s, best, best->nodes.v[0]);
	if (names->n && ws_kernel_translate(s->system, best->nodes.v[0] - best->offset,
					    &pa) == WS_READ) {
		names->v[0] = pa;
		names->n = 1;
	}
}

/* ---- the tasks -------------------------------------------------------------------- */

static enum ws_status take_tasks(struct ws_system *system, const struct ring *ring)
{
	ws_vec_each(&ring->nodes, node) {
		struct ws_task *task = ws_target_push(system->target, &system->tasks);

		if (!task)
			return ws_fail_memory(system->ctx);
		task->comm_va = *node - ring->offset;
		task->space = task->active_space = WS_NO_SPACE;
		ws_read_name(system, task->comm_va, task->comm);
	}
	system->fields.tasks = ring->offset;
	return WS_OK;
}

static void note_ring(struct ws_system *system, const struct ring *ring)
{
	system->no_task_list = !ring->nodes.n;
	system->tasks_partial = !ring->nodes.n || !ring->closed;
	if (!ring->nodes.n)
		ws_note(system,
			"the task list was not found (looked for at %s of an idle "
			"task's name)",
			WS_COUNT_OF(system->finds.idle_names.n, "occurrence"));
	else if (!ring->closed)
		ws_note(system,
			"the task list is cut: %s %s reached from its two ends, and others "
			"may be missing",
			WS_COUNT_OF(ring->nodes.n, "task"),
			ring->nodes.n == 1 ? "was" : "were");
}

enum ws_status ws_find_tasks(struct ws_system *system)
{
	struct ring_search s = { .system = system, .steps = STEPS_MAX };
	struct ring ring = { 0 };
	enum ws_status status = WS_OK;

	system->fields = (struct ws_task_fields){ .tasks = WS_NO_FIELD,
						  .threads = WS_NO_FIELD,
						  .pid = WS_NO_FIELD,
						  .tgid = WS_NO_FIELD,
						  .flags = WS_NO_FIELD,
						  .mm = WS_NO_FIELD,
						  .active_mm = WS_NO_FIELD,
						  .mm_pgd = WS_NO_FIELD };
	search_ring(&s, &ring);
	note_ring(system, &ring);
	if (s.short_of_memory)
		status = ws_fail_memory(system->ctx);
	if (status == WS_OK && ring.nodes.n) {
		status = take_tasks(system, &ring);
		if (status == WS_OK)
			status = ws_find_fields(system);
		/* what has no pids is a list of something else */
		if (system->fields.pid == WS_NO_FIELD)
			system->no_task_list = true;
		if (system->fields.pid == WS_NO_FIELD || system->fields.mm == WS_NO_FIELD)
			system->tasks_partial = true;
		ws_vec_each(&system->tasks, task)
			ws_read_task(system, task);
		ws_take_threads(system, 0);
	}
	ws_vec_release(&ring.nodes);
	return status;
}

bool ws_system_lacks_tasks(const struct ws_system *system)
{
	return system->tasks_partial;
}
