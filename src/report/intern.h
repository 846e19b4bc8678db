/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers for byte strings, from 0 on in order of their first sight: equal ones share. */
#ifndef WS_REPORT_INTERN_H
#define WS_REPORT_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERN_NONE UINT32_MAX

struct interned;

/* Zeroed: empty. */
struct intern {
	struct interned *table;
	uint32_t n;
};

/*
 * The number of key, which is copied; *is_new where it was not there before. INTERN_NONE:
 * memory is short.
 */
uint32_t intern_number(struct intern *intern, const void *key, size_t size, bool *is_new);
void intern_release(struct intern *intern);

#endif
