/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tasks.c, fields.c and threads.c share. */
#ifndef WS_LINUX_TASKS_H
#define WS_LINUX_TASKS_H

#include "linux/linux.h"

#define WS_COMM_LEN 16        /* TASK_COMM_LEN, include/linux/sched.h */
#define WS_PID_MAX (4u << 20) /* PID_MAX_LIMIT, include/linux/threads.h */

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
 * Whom the leaders that were found stand for: how many threads live in each one's group,
 * and, where the leader has exited, whose mm theirs is. Finds system->fields.threads,
 * which stays WS_NO_FIELD where no group has two threads.
 */
void ws_take_threads(struct ws_system *system);

/* The index in system->roots that an mm_struct's pgd pointer leads to, or SIZE_MAX. */
size_t ws_root_of_pgd(struct ws_system *system, uint64_t pgd);

#endif
