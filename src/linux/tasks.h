/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tasks.c and fields.c share. */
#ifndef WS_LINUX_TASKS_H
#define WS_LINUX_TASKS_H

#include "linux/linux.h"

#define WS_COMM_LEN 16 /* TASK_COMM_LEN, include/linux/sched.h */

/* PF_KTHREAD and PF_FORKNOEXEC, include/linux/sched.h: the same since 2.6.27. */
#define WS_PF_KTHREAD 0x00200000u
#define WS_PF_FORKNOEXEC 0x00000040u

/*
 * Finds system->fields but `tasks`, which is known, by what the values of all tasks have
 * in common: system->tasks in list order, init_task first. What it does not find stays
 * WS_NO_FIELD and becomes a note.
 */
enum ws_status ws_find_fields(struct ws_system *system) WS_MUST_CHECK;

/* The index in system->roots that an mm_struct's pgd pointer leads to, or SIZE_MAX. */
size_t ws_root_of_pgd(struct ws_system *system, uint64_t pgd);

#endif
