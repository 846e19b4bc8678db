/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/vec.h"

#include <string.h>

bool ws_vec_grow(void **v, size_t n, size_t *cap, size_t size)
{
	if (n == *cap) {
		size_t more = *cap ? *cap * 2 : 16;
		void *grown = reallocarray(*v, more, size);

		if (!grown)
			return false;
		*v = grown;
		*cap = more;
	}
	memset((char *)*v + n * size, 0, size);
	return true;
}
