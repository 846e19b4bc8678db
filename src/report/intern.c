/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/intern.h"

#include <stdlib.h>
#include <string.h>

#include "util/hash.h"

struct interned {
	uint32_t number;
	UT_hash_handle hh;
	uint8_t key[];
};

static struct interned *intern_add(struct intern *intern, const void *key, size_t size)
{
	struct interned *added = calloc(1, sizeof(*added) + size);

	if (!added)
		return NULL;
	memcpy(added->key, key, size);
	HASH_ADD_KEYPTR(hh, intern->table, added->key, size, added);
	if (!added->hh.tbl) {
		free(added);
		return NULL;
	}
	added->number = intern->n++;
	return added;
}

uint32_t intern_number(struct intern *intern, const void *key, size_t size, bool *is_new)
{
	struct interned *known;

	HASH_FIND(hh, intern->table, key, size, known);
	*is_new = !known;
	if (!known)
		known = intern_add(intern, key, size);
	return known ? known->number : INTERN_NONE;
}

void intern_release(struct intern *intern)
{
	struct interned *it, *next;

	HASH_ITER(hh, intern->table, it, next)
	{
		HASH_DEL(intern->table, it);
		free(it);
	}
	intern->n = 0;
}
