/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The root of an mm that the target lacks: who runs on a processor is in the root that it
 * has loaded (switch_mm(), arch/x86/mm/tlb.c), be it a process or a kernel thread on a
 * borrowed mm. Only a root that no task has is given to him, and where processors
 * contradict each other none is.
 */
#include <stdlib.h>

#include "linux/roots.h"
#include "linux/tasks.h"

size_t ws_loaded_root(const struct ws_system *system, uint64_t mm)
{
	ws_vec_each(&system->loaded_mms, loaded)
		if (mm && loaded->mm == mm)
			return ws_root_find(system, loaded->root);
	return SIZE_MAX;
}

static bool is_among(const ws_pa_vec *roots, uint64_t root)
{
	ws_vec_each(roots, one)
		if (*one == root)
			return true;
	return false;
}

/* Under PTI it may be in the user half. */
static bool loads_one_of(struct ws_system *system, const struct ws_cpu *cpu,
			 const ws_pa_vec *roots, uint64_t *root)
{
	uint64_t whole;

	if (!ws_system_cpu_root(system, cpu, root))
		return false;
	if (!is_among(roots, *root) && ws_may_be_user_half(system, *root, &whole) &&
	    ws_has_user_half(system, whole))
		*root = whole;
	return is_among(roots, *root);
}

static const struct ws_task *task_at(const struct ws_system *system, uint64_t comm_va)
{
	ws_vec_each(&system->tasks, task)
		if (comm_va && task->comm_va == comm_va)
			return task;
	return NULL;
}

static bool read_mm(struct ws_system *system, uint64_t comm_va, int32_t field,
		    uint64_t *mm)
{
	return field != WS_NO_FIELD &&
	       ws_kernel_word(system, comm_va + field, mm) == WS_READ && *mm;
}

/*
 * What it runs is in, if the target lacks where that names its root; 0: it does not. A
 * thread is no task of the list, and has the words of one.
 */
static uint64_t absent_mm(struct ws_system *system, uint64_t comm_va)
{
	const struct ws_task_fields *fields = &system->fields;
	uint64_t mm, pgd;

	if (!comm_va || fields->mm_pgd == WS_NO_FIELD ||
	    (!read_mm(system, comm_va, fields->mm, &mm) &&
	     !read_mm(system, comm_va, fields->active_mm, &mm)))
		return 0;
	return ws_kernel_word(system, mm + fields->mm_pgd, &pgd) == WS_ABSENT ? mm : 0;
}

/* One mm has one root, and one root one mm. */
static void drop_disputed(struct ws_system *system)
{
	size_t n = 0;

	ws_vec_each(&system->loaded_mms, a)
		ws_vec_each(&system->loaded_mms, b)
			a->disputed |= (a->mm == b->mm) != (a->root == b->root);
	ws_vec_each(&system->loaded_mms, loaded)
		if (!loaded->disputed)
			system->loaded_mms.v[n++] = *loaded;
	system->loaded_mms.n = n;
}

static void note_loaded(struct ws_system *system)
{
	ws_vec_each(&system->loaded_mms, loaded) {
		const struct ws_task *task =
			task_at(system, system->current.v[loaded->cpu].comm_va);

		ws_note(system,
			"the mm at %#jx is not in the target: its root is taken to be "
			"%#jx, which cpu %u has loaded while it runs %s in it",
			loaded->mm, loaded->root, loaded->cpu,
			task ? task->comm : "a thread");
	}
}

enum ws_status ws_find_loaded_mms(struct ws_system *system, const ws_pa_vec *unowned)
{
	for (size_t i = 0; i < system->current.n; i++) {
		uint64_t mm = absent_mm(system, system->current.v[i].comm_va), root;
		struct ws_loaded_mm *loaded;

		if (!mm ||
		    !loads_one_of(system, &system->target->cpus.v[i], unowned, &root))
			continue;
		loaded = ws_vec_push(&system->loaded_mms);
		if (!loaded)
			return ws_fail_memory(system->ctx);
		*loaded = (struct ws_loaded_mm){ .mm = mm,
						 .root = root,
						 .cpu = (uint32_t)i };
	}
	drop_disputed(system);
	note_loaded(system);
	return WS_OK;
}
