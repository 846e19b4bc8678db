/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks by pid. Inline: the library keeps its own functions to itself, and the tool asks
 * too. */
#ifndef WS_LINUX_PIDS_H
#define WS_LINUX_PIDS_H

#include <stdlib.h>

#include "whosees.h"

/* Zeroed: of nobody. */
struct ws_pids {
	const struct ws_task **task; /* sorted by pid */
	size_t n;
};

static inline int ws_pids_compare(const void *left, const void *right)
{
	const struct ws_task *a = *(const struct ws_task *const *)left;
	const struct ws_task *b = *(const struct ws_task *const *)right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* False when memory is short. The tasks must outlive it. */
static inline bool ws_pids_make(struct ws_pids *pids, const struct ws_task *tasks,
				size_t n)
{
	pids->n = n;
	pids->task = calloc(n ? n : 1, sizeof(struct ws_task *));
	if (!pids->task)
		return false;
	for (size_t i = 0; i < n; i++)
		pids->task[i] = &tasks[i];
	if (n)
		qsort(pids->task, n, sizeof(struct ws_task *), ws_pids_compare);
	return true;
}

static inline void ws_pids_release(struct ws_pids *pids)
{
	free(pids->task);
	*pids = (struct ws_pids){ 0 };
}

/* NULL: there is none. */
static inline const struct ws_task *ws_pids_find(const struct ws_pids *pids, uint32_t pid)
{
	const struct ws_task wanted = { .pid = pid }, *key = &wanted;
	const struct ws_task **found = NULL;

	if (pids->n)
		found = bsearch(&key, pids->task, pids->n, sizeof(key), ws_pids_compare);
	return found ? *found : NULL;
}

#endif
