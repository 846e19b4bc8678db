/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A place in what is sorted, found by halves. */
#ifndef WS_UTIL_SORTED_H
#define WS_UTIL_SORTED_H

#include <stddef.h>

/*
 * Of how many of v's n elements `below` is true, which has to be those at the front: the
 * index of the first one that is not below. `below` says it of *at.
 */
#define ws_lower_bound(v, n, at, below)                             \
	({                                                          \
		size_t low_ = 0, high_ = (n);                       \
                                                                    \
		while (low_ < high_) {                              \
			size_t middle_ = low_ + (high_ - low_) / 2; \
			__typeof__(&(v)[0]) at = &(v)[middle_];     \
                                                                    \
			if (below)                                  \
				low_ = middle_ + 1;                 \
			else                                        \
				high_ = middle_;                    \
		}                                                   \
		low_;                                               \
	})

#endif
