/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tasks.c, fields.c and threads.c share. */
#ifndef WS_LINUX_TASKS_H
#define WS_LINUX_TASKS_H

#include "linux/linux.h"

#define WS_COMM_LEN 16        /* TASK_COMM_LEN, include/linux/sched.h */
#define WS_PID_MAX (4u << 20) /* PID_MAX_LIMIT, include/linux/threads.h */

/* struct task_struct is smaller than this, whatever its configuration. */
#define WS_TASK_REACH 8192
/* mm_struct is smaller than this, but for the CPU masks at its end. */
#define WS_MM_SIZE 2048

/* include/linux/sched.h: PF_KTHREAD since 2.6.27 (7b34e4283c68), the others as ever. */
#define WS_PF_KTHREAD 0x00200000u
#define WS_PF_FORKNOEXEC 0x00000040u
#define WS_PF_EXITING 0x00000004u

/*
 * Finds system->fields but `tasks`, which is known, by what the values of all tasks have
 * in common: system->tasks in list order, init_task first. What it does not find stays
 * WS_NO_FIELD and becomes a note.
 */
enum ws_status ws_find_fields(struct ws_system *system) WS_MUST_CHECK;

/*
 * One step from a list_head along next, or back along prev; false where its neighbour
 * does not point back at it, or cannot be read. So a walk meets no node twice but the
 * one it began with.
 */
bool ws_list_step(struct ws_system *system, uint64_t node, bool back, uint64_t *next);

/*
 * Whom the leaders from system->tasks.v[first] on stand for: how many threads live in
 * each one's group, and, where the leader has exited, whose mm theirs is. Finds
 * system->fields.threads, which stays WS_NO_FIELD where no group has two threads.
 */
void ws_take_threads(struct ws_system *system, size_t first);

/*
 * A user may name a process as he likes, so that it looks like a name is a hint, never a
 * condition.
 */
bool ws_is_name(const char *comm);
bool ws_read_name(struct ws_system *system, uint64_t comm_va,
		  char comm[static WS_COMM_LEN + 1]);
/* What the fields that are known say of the task at comm_va; what they do not is 0. */
void ws_read_task(struct ws_system *system, struct ws_task *task);

/*
 * Adds to system->tasks whoever has an mm that names one of roots, and those whom the
 * list leads to from there; finds system->fields where they are not known. *found: how
 * many it has added. Goes through all memory, twice.
 */
enum ws_status ws_find_owners(struct ws_system *system, const ws_pa_vec *roots,
			      size_t *found) WS_MUST_CHECK;

/*
 * Adds those whose comm lies there and who are not known, and whom the list leads to from
 * there. *found: how many it has added.
 */
enum ws_status ws_take_comms(struct ws_system *system, const ws_pa_vec *comms,
			     size_t *found) WS_MUST_CHECK;

/*
 * Finds system->current, and adds to system->tasks those that are not known. *found: how
 * many it has added. Goes through all memory where a task may not be known.
 */
enum ws_status ws_find_cpu_tasks(struct ws_system *system, size_t *found) WS_MUST_CHECK;

/*
 * Finds system->loaded_mms, by system->current; their roots are among those, of no task.
 */
enum ws_status ws_find_loaded_mms(struct ws_system *system,
				  const ws_pa_vec *unowned) WS_MUST_CHECK;
/* The index in system->roots of that mm's, if a processor has it loaded; or SIZE_MAX. */
size_t ws_loaded_root(const struct ws_system *system, uint64_t mm);

/* mm_struct.owner: where it lies in an mm, and comm behind what it leads to. */
struct ws_mm_owner {
	uint64_t offset, comm;
};
/* By the tasks that are known with their mms; false: they do not show it. */
bool ws_find_mm_owner(struct ws_system *system, struct ws_mm_owner *owner);
/* Whom the mm names, if the dump lacks what he himself would name as his. */
bool ws_mm_owner(struct ws_system *system, const struct ws_mm_owner *owner, uint64_t mm,
		 uint64_t *comm_va);

/* The pa that an mm_struct's pgd pointer leads to; false: it leads nowhere. */
bool ws_pa_of_pgd(struct ws_system *system, uint64_t pgd, uint64_t *pa);
/* The index in system->roots that an mm_struct's pgd pointer leads to, or SIZE_MAX. */
size_t ws_root_of_pgd(struct ws_system *system, uint64_t pgd);
/* Or to what may be one: a page of the direct map that the dump lacks is there. */
bool ws_may_lead_to_root(struct ws_system *system, uint64_t pgd);

#endif
