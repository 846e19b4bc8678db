/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uthash without its exit(): when memory is short an element is not added, and its
 * hh.tbl stays NULL, which the caller checks.
 */
#ifndef WS_UTIL_HASH_H
#define WS_UTIL_HASH_H

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->hh.tbl = NULL)
#include <uthash.h>

#endif
