/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A growing array of any type:
 *
 *	WS_VEC(struct ws_task) tasks = {0};
 *	struct ws_task *t = ws_vec_push(&tasks);     NULL when memory is short
 *	ws_vec_each(&tasks, t) use(t);
 *	ws_vec_release(&tasks);
 *
 * Invariant: v[0..n) are the elements; a new element is zeroed; a zeroed vec is empty.
 * Pointers into it die at the next push.
 */
#ifndef WS_UTIL_VEC_H
#define WS_UTIL_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define WS_VEC(type)           \
	struct {               \
		type *v;       \
		size_t n, cap; \
	}

/* Makes room for one more element of size bytes at v[n], zeroed. */
bool ws_vec_grow(void **v, size_t n, size_t *cap, size_t size);

#define ws_vec_push(vec)                                                           \
	(ws_vec_grow((void **)&(vec)->v, (vec)->n, &(vec)->cap, sizeof(*(vec)->v)) \
		 ? &(vec)->v[(vec)->n++]                                           \
		 : NULL)

#define ws_vec_each(vec, it) \
	for (__auto_type it = (vec)->v; it && it < (vec)->v + (vec)->n; it++)

#define ws_vec_release(vec)                \
	do {                               \
		free((vec)->v);            \
		(vec)->v = NULL;           \
		(vec)->n = (vec)->cap = 0; \
	} while (0)

#endif
